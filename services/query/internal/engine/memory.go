package engine

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// The memory of what is decoded. Invariants: what all questions have fetched and decoded at a time is charged to one budget before it is fetched;
// those over a long range never have more than half of it; who waits for a part of it holds none, so that nobody waits for ever. What is
// kept of rows from when they were found until they are drawn has a budget of its own, which nobody waits for.

// memory bounds it. Each budget is a number of bytes.
type memory struct {
	bytes, longBytes, keptBytes int64

	all, long, kept *semaphore.Weighted
	slots           chan struct{} // of long questions that decode: one processor is left to the others
}

const (
	longPart = 2 // long questions have one of so many parts of the budget
	keptPart = 4 // as much as one of so many parts is kept beside it
)

func newMemory(bytes int64) *memory {
	m := &memory{bytes: max(bytes, 1), longBytes: max(bytes/longPart, 1), keptBytes: max(bytes/keptPart, 1)}
	m.all, m.long, m.kept = semaphore.NewWeighted(m.bytes), semaphore.NewWeighted(m.longBytes), semaphore.NewWeighted(m.keptBytes)
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
