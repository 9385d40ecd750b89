package engine

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// The memory of what is decoded. Invariants: what all questions have fetched and decoded at a time is charged to one budget before it is fetched;
// those over a long range never have more than half of it; who waits for a part of it holds none, so that nobody waits for ever. What is
// kept of rows from when they were found until they are drawn has a budget of its own, which nobody waits for, and so have the figures that a
// question holds until it is answered.

// memory bounds it. Each budget is a number of bytes.
type memory struct {
	bytes, longBytes, keptBytes, heldBytes int64

	all, long, kept, held *semaphore.Weighted
	slots                 chan struct{} // of long questions that decode: one processor is left to the others
}

const (
	longPart = 2 // long questions have one of so many parts of the budget
	keptPart = 4 // as much as one of so many parts is kept beside it
	heldPart = 2 // and as much as one of these is held,
	oneHolds = 2 // of which one question has one of so many parts
)

func newMemory(bytes int64) *memory {
	m := &memory{bytes: max(bytes, 1), longBytes: max(bytes/longPart, 1), keptBytes: max(bytes/keptPart, 1), heldBytes: max(bytes/heldPart, 1)}
	m.all, m.long, m.kept = semaphore.NewWeighted(m.bytes), semaphore.NewWeighted(m.longBytes), semaphore.NewWeighted(m.keptBytes)
	m.held = semaphore.NewWeighted(m.heldBytes)
	m.slots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))
	return m
}

// charge is what a question has of the budget.
type charge struct {
	memory *memory
	bytes  int64
	long   bool
}

// take charges a question, which has nothing yet, with so many bytes, or with all there is for it where they are more: a segment that is
// larger is decoded alone. It waits where wait is set; without, ok is false where there is no room at once.
func (m *memory) take(ctx context.Context, bytes int64, long, wait bool) (c charge, ok bool, err error) {
	lanes := []*semaphore.Weighted{m.all}
	if bytes = min(bytes, m.bytes); long {
		bytes = min(bytes, m.longBytes)
		lanes = []*semaphore.Weighted{m.long, m.all}
	}
	for i, lane := range lanes {
		if !lane.TryAcquire(bytes) {
			err := error(nil)
			if wait {
				err = lane.Acquire(ctx, bytes)
			}
			if !wait || err != nil {
				for _, held := range lanes[:i] {
					held.Release(bytes)
				}
				return charge{}, false, err
			}
		}
	}
	return charge{m, bytes, long}, true, nil
}

// free gives it back; again it does nothing.
func (c *charge) free() {
	if c.memory == nil {
		return
	}
	c.memory.all.Release(c.bytes)
	if c.long {
		c.memory.long.Release(c.bytes)
	}
	*c = charge{}
}

// hold charges the question with bytes that it holds until it is answered; false where it, or all questions together, would hold more than may be.
func (s *Snapshot) hold(bytes int64) bool {
	m := s.engine.memory
	if s.held+bytes > s.MayHold() || !m.held.TryAcquire(bytes) {
		return false
	}
	s.held += bytes
	return true
}

// letGo gives back what was held before the question is answered.
func (s *Snapshot) letGo(bytes int64) {
	s.held -= bytes
	s.engine.memory.held.Release(bytes)
}

// Hold charges the question with bytes of figures that it holds until it is answered. fault.Overloaded, query.memory, where there is no room for them.
func (s *Snapshot) Hold(bytes int64) error {
	if !s.hold(bytes) {
		return s.NoMemory()
	}
	return nil
}

// NoMemory is the error of a question of which nothing can be told, because what it would hold has no room.
func (s *Snapshot) NoMemory() error {
	return errMemory.Newf("the figures of this query take more memory than the %d bytes that one may hold, or than others leave; narrow its range",
		s.MayHold())
}

// MayHold is how many bytes of figures one question may hold, where others leave them.
func (s *Snapshot) MayHold() int64 { return max(s.engine.memory.heldBytes/oneHolds, 1) }

// decoding waits until a long question may decode a segment, and returns what ends that. Others may at once.
func (m *memory) decoding(ctx context.Context, long bool) (end func(), err error) {
	if !long {
		return func() {}, nil
	}
	select {
	case m.slots <- struct{}{}:
		return func() { <-m.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
