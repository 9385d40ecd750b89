package bus

import (
	"strings"
	"sync"
)

// link tells who waits for something of the server that the connection was lost: what was asked of it is then asked in vain. Safe for concurrent use.
type link struct {
	mu  sync.Mutex
	cut chan struct{} // closed and replaced whenever the connection is lost
}

// lost notes that the connection is gone.
func (l *link) lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.cut)
	l.cut = make(chan struct{})
}

// next is closed when the connection is lost from now on.
func (l *link) next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// status is the connection's state in a word.
func (b *Bus) status() string { return strings.ToLower(b.nc.Status().String()) }
