package ingest

import (
	"net"
	"sync"
	"syscall"
)

// peer is one connection of a sender, as far as it tells whether what was written to it has arrived. It outlives the connection.
type peer struct {
	mu     sync.Mutex
	raw    syscall.RawConn // nil when the connection is closed, or of a kind that tells nothing
	good   bool            // of a closed one: all that was written had been acknowledged, and it was not reset
	failed bool            // a write failed
}

// received reports whether the other side has all that was written: it acknowledged it, or waits for it on a connection that is well; and
// after the end of the connection, whether the other side had closed it in good order. A proxy is the other side, too.
func (p *peer) received() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.failed:
		return false
	case p.raw == nil:
		return p.good
	}
	return arrived(p.raw)
}

// watch makes the connections of a listener tell what becomes of them.
func watch(l net.Listener) net.Listener { return watchedListener{l} }

type watchedListener struct{ net.Listener }

// Accept returns the next connection.
func (l watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &watched{Conn: c, peer: &peer{}}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			w.peer.raw = raw
		}
	}
	return w, nil
}

// watched is a connection with its peer.
type watched struct {
	net.Conn
	peer *peer
}

// Write notes that a write failed.
func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if err != nil {
		w.peer.mu.Lock()
		w.peer.failed = true
		w.peer.mu.Unlock()
	}
	return n, err
}

// Close notes how the connection stands at its end.
func (w *watched) Close() error {
	w.peer.mu.Lock()
	if raw := w.peer.raw; raw != nil {
		w.peer.good, w.peer.raw = arrived(raw), nil
	}
	w.peer.mu.Unlock()
	return w.Conn.Close()
}

// LocalAddr leads to the peer: an address is all that net/http and gRPC let a handler know of its connection.
func (w *watched) LocalAddr() net.Addr { return peerAddr{w.Conn.LocalAddr(), w.peer} }

type peerAddr struct {
	net.Addr
	peer *peer
}

// peerOf is the peer of a connection by its local address, nil where nobody watches it.
func peerOf(local any) *peer {
	if a, ok := local.(peerAddr); ok {
		return a.peer
	}
	return nil
}
