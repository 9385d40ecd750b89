package engine

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// The memory of what is decoded. Invariants: what all questions have fetched and decoded at a time is charged to one budget before it is fetched;
// those over a long range never have more than half of it; who waits for a part of it holds none, so that nobody waits for ever. What is
// kept of rows from when they were found until they are drawn has a budget of its own, which nobody waits for, and so have the figures that a
// question holds until it is answered. Of each, the questions of one tenant have no more than its share together: who waits for more of it stands
// before his own, and not before the others.

// memory bounds it. Each budget is a number of bytes.
type memory struct {
	all, long, kept, held *budget
	slots                 chan struct{} // of long questions that decode: one processor is left to the others
}

// budget is a number of bytes, of which so many are charged.
type budget struct {
	*semaphore.Weighted
	bytes int64
}

func newBudget(bytes int64) *budget {
	bytes = max(bytes, 1)
	return &budget{semaphore.NewWeighted(bytes), bytes}
}

// share is what a tenant's questions may have of the memory together; nil for all of it.
type share struct{ all, long, kept, held *budget }

// share is such a part of the memory, none where it is 0 or everything.
func (m *memory) share(part float64) *share {
	if part <= 0 || part >= 1 {
		return nil
	}
	of := func(b *budget) *budget { return newBudget(int64(float64(b.bytes) * part)) }
	return &share{of(m.all), of(m.long), of(m.kept), of(m.held)}
}

const (
	longPart = 2 // long questions have one of so many parts of the budget
	keptPart = 4 // as much as one of so many parts is kept beside it
	heldPart = 2 // and as much as one of these is held,
	oneHolds = 2 // of which one question has one of so many parts
)

func newMemory(bytes int64) *memory {
	return &memory{
		all: newBudget(bytes), long: newBudget(bytes / longPart), kept: newBudget(bytes / keptPart), held: newBudget(bytes / heldPart),
		slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)),
	}
}

// charge is what a question has of the budgets.
type charge struct {
	of    []*budget
	bytes int64
}

// take charges a tenant's question, which has nothing yet, with so many bytes, or with all there is for it where they are more: a segment that is
// larger is decoded alone. It waits where wait is set; without, ok is false where there is no room at once.
func (m *memory) take(ctx context.Context, of *share, bytes int64, long, wait bool) (c charge, ok bool, err error) {
	var lanes []*budget // a tenant's question waits among its like, and a long one, too
	if of != nil {
		if lanes = append(lanes, of.all); long {
			lanes = append(lanes, of.long)
		}
	}
	if long {
		lanes = append(lanes, m.long)
	}
	lanes = append(lanes, m.all)
	for _, lane := range lanes {
		bytes = min(bytes, lane.bytes)
	}
	for i, lane := range lanes {
		if !lane.TryAcquire(bytes) {
			err := error(nil)
			if wait {
				err = lane.Acquire(ctx, bytes)
			}
			if !wait || err != nil {
				c = charge{lanes[:i], bytes}
				c.free()
				return charge{}, false, err
			}
		}
	}
	return charge{lanes, bytes}, true, nil
}

// free gives it back; again it does nothing.
func (c *charge) free() {
	for _, lane := range c.of {
		lane.Release(c.bytes)
	}
	*c = charge{}
}

// tryBoth charges a tenant's share, if it has one, and a budget; false where one of them has no room.
func tryBoth(own, all *budget, bytes int64) (ok, ofOwn bool) {
	if own != nil && !own.TryAcquire(bytes) {
		return false, true
	}
	if !all.TryAcquire(bytes) {
		if own != nil {
			own.Release(bytes)
		}
		return false, false
	}
	return true, false
}

func releaseBoth(own, all *budget, bytes int64) {
	if own != nil {
		own.Release(bytes)
	}
	all.Release(bytes)
}

// heldOf and keptOf are the tenant's shares of these; nil where it has all.
func (s *share) heldOf() *budget {
	if s == nil {
		return nil
	}
	return s.held
}

func (s *share) keptOf() *budget {
	if s == nil {
		return nil
	}
	return s.kept
}

// hold charges the question with bytes that it holds until it is answered; false where it, its tenant's questions, or all together, would hold more than may be.
func (s *Snapshot) hold(bytes int64) (ok bool) {
	if s.held+bytes > s.MayHold() {
		s.crowded = false
		return false
	}
	if ok, s.crowded = tryBoth(s.share.heldOf(), s.engine.memory.held, bytes); ok {
		s.held += bytes
	}
	return ok
}

// letGo gives back what was held before the question is answered.
func (s *Snapshot) letGo(bytes int64) {
	s.held -= bytes
	releaseBoth(s.share.heldOf(), s.engine.memory.held, bytes)
}

// LetGo gives back what Hold charged, before the question is answered.
func (s *Snapshot) LetGo(bytes int64) { s.letGo(bytes) }

// Hold charges the question with bytes of figures that it holds until it is answered. fault.Overloaded, query.memory or query.tenant_memory, where there is
// no room for them.
func (s *Snapshot) Hold(bytes int64) error {
	if !s.hold(bytes) {
		return s.NoMemory()
	}
	return nil
}

// NoMemory is the error of a question of which nothing can be told, because what it would hold has no room.
func (s *Snapshot) NoMemory() error {
	if s.crowded {
		return errTenantMemory.New("the queries of this tenant hold as many figures as its share of the memory allows; try again in a moment")
	}
	return errMemory.Newf("the figures of this query take more memory than the %d bytes that one may hold, or than others leave; narrow its range",
		s.MayHold())
}

// HoldMore is Hold of what figures have grown by, with room for as much as they would rather have, where there is that. It returns how much was charged.
func (s *Snapshot) HoldMore(need, rather int64) (charged int64, err error) {
	for _, charged = range [...]int64{max(need, rather), need} {
		if err = s.Hold(charged); err == nil {
			return charged, nil
		}
	}
	return 0, err
}

// MayHold is how many bytes of figures one question may hold, where others leave them.
func (s *Snapshot) MayHold() int64 {
	least := s.engine.memory.held.bytes / oneHolds
	if own := s.share.heldOf(); own != nil {
		least = min(least, own.bytes)
	}
	return max(least, 1)
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
