package writer

import (
	"context"
	"sync"
	"time"
)

// limits says when a flush is closed.
type limits struct {
	items   int           // close when it holds this many
	bytes   int           // … or this many bytes of payload
	quiet   time.Duration // look at this age whether waiting longer pays
	longest time.Duration // never hold anything longer
	worth   int           // items that make waiting beyond quiet pay
	enough  int           // items that fill a segment: waiting beyond quiet gains nothing more
}

// accumulator gathers deliveries of one signal into flushes. When it is quiet, a few items are closed at the age of limits.quiet:
// nobody gains from waiting. When enough comes in to make a decent segment, it waits up to limits.longest, but not beyond a whole
// segment: more would only wait. When loaded, it closes because it is full. Not safe for concurrent use: it belongs to one goroutine.
type accumulator struct {
	limits limits
	items  []*held
	count  int
	bytes  int
	oldest time.Time
}

// add takes a delivery.
func (a *accumulator) add(h *held) {
	if len(a.items) == 0 {
		a.oldest = h.arrived
	}
	a.items = append(a.items, h)
	a.count += h.Items
	a.bytes += len(h.Payload)
}

// full reports whether nothing more should be added.
func (a *accumulator) full() bool { return a.count >= a.limits.items || a.bytes >= a.limits.bytes }

// due returns how long the flush may still wait at the given time; zero or less means that it is to be closed now.
func (a *accumulator) due(now time.Time) time.Duration {
	if len(a.items) == 0 {
		return a.limits.longest
	}
	if a.full() {
		return 0
	}
	age := now.Sub(a.oldest)
	if age < a.limits.quiet {
		return a.limits.quiet - age
	}
	if a.count < a.limits.worth || a.count >= a.limits.enough {
		return 0
	}
	return a.limits.longest - age
}

// take closes the flush and returns what it holds.
func (a *accumulator) take() []*held {
	items := a.items
	a.items, a.count, a.bytes = nil, 0, 0
	return items
}

// budget bounds the payload bytes that a writer holds, over all signals. A fetch is begun only while less than the bound is held,
// so what is held exceeds it by one fetch per signal at most.
type budget struct {
	bound int64
	mu    sync.Mutex
	used  int64
	freed chan struct{} // closed and replaced whenever something is given back
}

func newBudget(bound int64) *budget { return &budget{bound: bound, freed: make(chan struct{})} }

// wait returns when less than the bound is held, or with ctx's error.
func (b *budget) wait(ctx context.Context) error {
	for {
		b.mu.Lock()
		free, freed := b.used < b.bound, b.freed
		b.mu.Unlock()
		if free {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-freed:
		}
	}
}

// take notes n more bytes as held.
func (b *budget) take(n int64) {
	b.mu.Lock()
	b.used += n
	b.mu.Unlock()
}

// give notes n bytes as no longer held.
func (b *budget) give(n int64) {
	b.mu.Lock()
	b.used -= n
	close(b.freed)
	b.freed = make(chan struct{})
	b.mu.Unlock()
}

// held returns the bytes held now.
func (b *budget) held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
