package writer

import (
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

const (
	// handful is how many different batches may be refused alone within aloneFor before it is taken for trouble of the database that no control flush meets.
	handful  = 5
	aloneFor = 10 * time.Minute
	// mostAlone bounds what is remembered; beyond it whatever comes is one of many.
	mostAlone = 4096
)

// alone counts how often this writer has seen a batch refused alone for a reason that may be in the data as well as in the database. The bus cannot: its
// deliveries count whatever a batch came back for. The zero value is ready. Safe for concurrent use.
type alone struct {
	mu     sync.Mutex
	seen   map[telemetry.BatchID]aloneCount
	manyAt time.Time // when a batch was last one of many
}

type aloneCount struct {
	tries int
	last  time.Time
}

// note counts that a batch was refused alone, and returns how often it was since it last was one of many: those are not counted.
func (a *alone) note(id telemetry.BatchID, now time.Time) (tries int, many bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, c := range a.seen {
		if now.Sub(c.last) >= aloneFor {
			delete(a.seen, id)
		}
	}
	c, known := a.seen[id]
	if !known && len(a.seen) >= mostAlone {
		a.manyAt = now
		return 0, true
	}
	if a.seen == nil {
		a.seen = map[telemetry.BatchID]aloneCount{}
	}
	c.last = now
	a.seen[id] = c
	if len(a.seen) > handful {
		a.manyAt = now
		for id, c := range a.seen {
			c.tries = 0
			a.seen[id] = c
		}
		return 0, true
	}
	c.tries++
	a.seen[id] = c
	return c.tries, false
}

// buried notes that a batch has become a dead letter: it is still one of those that were refused alone, and begins anew if it is replayed.
func (a *alone) buried(id telemetry.BatchID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.seen[id]; ok {
		c.tries = 0
		a.seen[id] = c
	}
}

// forget forgets batches that are stored.
func (a *alone) forget(batches []*held) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) == 0 {
		return
	}
	for _, h := range batches {
		delete(a.seen, h.ID())
	}
	if len(a.seen) <= handful {
		a.manyAt = time.Time{}
	}
}

// health is an error while batches wait because many are refused alone.
func (a *alone) health(now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.manyAt.IsZero() || now.Sub(a.manyAt) >= linger {
		return nil
	}
	return errRefused.Newf("PostgreSQL refuses %d batches alone, and takes control flushes", len(a.seen))
}
