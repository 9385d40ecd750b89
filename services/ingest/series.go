package ingest

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// seriesGeneration is how long a generation of series is added to.
const seriesGeneration = time.Hour

// maxSeries bounds the series of all tenants that are told apart, about 36 bytes each. New ones beyond it are taken and not counted: whose they
// are may be the senders' word, and a tenant must not be without its series because of another.
const maxSeries = 2 * telemetry.MaxSeries

// series are those of a tenant of which points came lately, each with its generation: that in which it was seen last. When a generation ends after an
// hour, those that were not seen in it are forgotten. So one is remembered for an hour, and for two at most. The zero value has none. Safe for
// concurrent use.
type series struct {
	mu    sync.Mutex
	began int64 // when the generation did, Unix ns
	young generation
	seen  map[uint64]generation
	room  int // how many seen has had: a map keeps the memory of those that are deleted
}

// generation tells the one that is from the one before: there are no others.
type generation bool

// take reports whether a point of a series is let in: one that is known, or new where fewer than most are. all counts those of everybody. now need not
// ascend: it is when a request began.
func (s *series) take(id uint64, now, most int64, all *atomic.Int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now, all)
	last, known := s.seen[id]
	switch {
	case known && last == s.young:
		return true
	case known:
	case int64(len(s.seen)) >= most:
		return false
	case all.Add(1) > maxSeries:
		all.Add(-1)
		return true
	}
	if s.seen == nil {
		s.seen = map[uint64]generation{}
	}
	s.seen[id] = s.young
	s.room = max(s.room, len(s.seen))
	return true
}

// turn forgets what is too old. Of a request that began before the generation did, and comes to its series after, the time is a little before: that is
// no reason to begin another. Of a clock that was set back, it is far before: the generation begins anew, and nothing is forgotten for it.
func (s *series) turn(now int64, all *atomic.Int64) {
	passed := now - s.began
	switch {
	case passed >= 2*int64(seriesGeneration):
		s.drop(all)
	case passed >= int64(seriesGeneration):
		s.age(all)
	case passed > -int64(seriesGeneration):
		return
	}
	s.began = now
}

// age begins a generation: what was not seen in the one that ends is forgotten.
func (s *series) age(all *atomic.Int64) {
	had := len(s.seen)
	maps.DeleteFunc(s.seen, func(_ uint64, last generation) bool { return last != s.young })
	all.Add(int64(len(s.seen) - had))
	s.young = !s.young
	if len(s.seen) <= s.room/2 {
		fresh := make(map[uint64]generation, len(s.seen))
		maps.Copy(fresh, s.seen)
		s.seen, s.room = fresh, len(fresh)
	}
}

// drop forgets all of them.
func (s *series) drop(all *atomic.Int64) {
	all.Add(-int64(len(s.seen)))
	s.seen, s.room = nil, 0
}

// idle reports whether none of them would be known any more.
func (s *series) idle(now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen) == 0 || now-s.began >= 2*int64(seriesGeneration)
}

// pass lets time pass for a tenant that may send nothing.
func (s *series) pass(now int64, all *atomic.Int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) > 0 {
		s.turn(now, all)
	}
}

// forget makes an account without series, which is dropped.
func (s *series) forget(all *atomic.Int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(all)
}

// passEvery is how often tenants are looked for whose series are old. Nothing but a request would forget them otherwise, and only one of their own.
const passEvery = time.Minute

// passSeries forgets the series that are too old, of all tenants: those that send no more take no memory and no place among maxSeries.
func (q *quotas) passSeries() {
	if q.series.Load() == 0 {
		return
	}
	now, last := q.now().UnixNano(), q.passed.Load()
	if since := now - last; since >= 0 && since < int64(passEvery) || !q.passed.CompareAndSwap(last, now) {
		return
	}
	q.mu.RLock()
	accounts := slices.Collect(maps.Values(q.accounts)) // a large map of series takes some ms, for which nobody has to wait
	q.mu.RUnlock()
	for _, a := range accounts {
		a.series.pass(now, &q.series)
	}
	for i := range q.shared {
		q.shared[i].series.pass(now, &q.series)
	}
}

// siftSeries leaves out the points of series that the tenant may not have beside those that it has.
func (v *visit) siftSeries(now time.Time, a *telemetry.Admission) {
	most := v.quota[telemetry.LimitSeries]
	if most == 0 || v.account == nil || v.signal != telemetry.Metrics {
		return
	}
	a.SiftSeries(most, func(id uint64) bool { return v.account.series.take(id, now.UnixNano(), most, &v.all.series) })
}
