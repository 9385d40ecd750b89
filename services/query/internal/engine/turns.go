package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Whose turn it is. Invariants: no more questions are answered at a time than the process has memory and connections for; those about a long
// range, which may take all of a query's time, never take the turns of the others; the questions of one tenant never have more than its share
// of either. Of those that wait, the next is of the tenant that has the fewest turns, and of these the one that came first.

// longRange is the range from which on a question may be long. What has no range, as a trace by its id, is not: filters find it.
const longRange = 48 * time.Hour

const (
	longShare   = 4   // of all turns, one of so many parts may be taken by long questions
	mostWaiting = 256 // questions of a tenant that wait for a turn: each holds a request
)

// most is how many questions may be answered at a time, and of these how many long ones.
type most struct{ all, long int }

// of is the share of it that one tenant has, one at least; 0 for all of it.
func (m most) of(share float64) most {
	if share <= 0 || share >= 1 {
		return m
	}
	return most{max(1, int(float64(m.all)*share)), max(1, int(float64(m.long)*share))}
}

// has reports whether there is room for one more beside those that are.
func (m most) has(taken most, long bool) bool {
	return taken.all < m.all && (!long || taken.long < m.long)
}

func (m *most) add(n int, long bool) {
	m.all += n
	if long {
		m.long += n
	}
}

type turns struct {
	most, ofTenant most
	memory         *memory
	share          float64

	mu      sync.Mutex
	taken   most
	tenants map[telemetry.Tenant]*asking // who has a turn, or waits for one
	waiting []*turn                      // as they came
}

// asking is a tenant that has questions.
type asking struct {
	taken   most
	waiting int
	memory  *share
}

// turn is one that is waited for.
type turn struct {
	tenant telemetry.Tenant
	long   bool
	of     *asking
	came   chan struct{} // closed when it has
}

func newTurns(n int, of float64, m *memory) *turns {
	n = max(n, 2)
	all := most{n, max(1, n/longShare)}
	return &turns{most: all, ofTenant: all.of(of), memory: m, share: of, tenants: map[telemetry.Tenant]*asking{}}
}

// take waits for the turn of a tenant's question, at most so long, and returns the tenant's share of the memory and what ends the turn. The error is
// query.tenant_busy where the tenant has its share of turns, query.busy where all have all.
func (t *turns) take(ctx context.Context, tenant telemetry.Tenant, about, wait time.Duration) (of *share, leave func(), err error) {
	mine := &turn{tenant: tenant, long: about > longRange, came: make(chan struct{})}
	t.mu.Lock()
	if mine.of = t.tenants[tenant]; mine.of == nil {
		mine.of = &asking{memory: t.memory.share(t.share)}
		t.tenants[tenant] = mine.of
	}
	mine.of.waiting++
	t.waiting = append(t.waiting, mine)
	if t.next(); !mine.has() && (wait <= 0 || mine.of.waiting > mostWaiting) {
		err = t.giveUp(mine)
	}
	t.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	leave = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.count(mine, -1)
		t.forget(mine)
		t.next()
	}
	if mine.has() {
		return mine.of.memory, leave, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-mine.came:
		return mine.of.memory, leave, nil
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.mu.Lock()
	if mine.has() { // in this very moment
		t.mu.Unlock()
		if err != nil {
			leave()
			return nil, nil, err
		}
		return mine.of.memory, leave, nil
	}
	refused := t.giveUp(mine)
	t.mu.Unlock()
	if err == nil {
		err = refused
	}
	return nil, nil, err
}

// has reports whether the turn has come. While turns are locked, or once it has.
func (w *turn) has() bool {
	select {
	case <-w.came:
		return true
	default:
		return false
	}
}

// next gives turns to those that wait, as long as there are any for them.
func (t *turns) next() {
	for {
		var first *turn
		for _, w := range t.waiting {
			if t.most.has(t.taken, w.long) && t.ofTenant.has(w.of.taken, w.long) && (first == nil || w.of.taken.all < first.of.taken.all) {
				first = w
			}
		}
		if first == nil {
			return
		}
		t.stop(first)
		t.count(first, 1)
		close(first.came)
	}
}

func (t *turns) count(w *turn, n int) {
	t.taken.add(n, w.long)
	w.of.taken.add(n, w.long)
}

// stop ends a question's waiting.
func (t *turns) stop(w *turn) {
	i := slices.Index(t.waiting, w)
	t.waiting = slices.Delete(t.waiting, i, i+1)
	w.of.waiting--
}

// forget forgets a tenant that asks no more.
func (t *turns) forget(w *turn) {
	if w.of.taken.all == 0 && w.of.waiting == 0 {
		delete(t.tenants, w.tenant)
	}
}

// giveUp ends a question's waiting, and says why its turn did not come.
func (t *turns) giveUp(w *turn) error {
	t.stop(w)
	t.forget(w)
	about := ""
	if w.long {
		about = " about long ranges"
	}
	switch {
	case w.of.waiting >= mostWaiting:
		return errTenantBusy.Newf("%d queries of this tenant wait for their turn; try again in a moment", w.of.waiting)
	case t.ofTenant.has(w.of.taken, w.long) || t.ofTenant == t.most:
		return ErrBusy.Newf("too many queries%s are being answered; try again in a moment", about)
	}
	return errTenantBusy.Newf("as many queries%s of this tenant are being answered as its share of max_queries allows; try again in a moment", about)
}

// figures are how many questions are being answered, and how many wait.
func (t *turns) figures() (taken, waiting int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(t.taken.all), int64(len(t.waiting))
}

// seats are places that nobody waits for; one tenant may have half of them.
type seats struct {
	most int

	mu    sync.Mutex
	taken int
	by    map[telemetry.Tenant]int
}

func newSeats(n int) *seats { return &seats{most: n, by: map[telemetry.Tenant]int{}} }

// take takes one for a tenant; false where it has half of them, or all are taken.
func (s *seats) take(tenant telemetry.Tenant) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.most || s.by[tenant] >= max(1, s.most/2) {
		return nil, false
	}
	s.taken++
	s.by[tenant]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken--
		if s.by[tenant]--; s.by[tenant] == 0 {
			delete(s.by, tenant)
		}
	}, true
}
