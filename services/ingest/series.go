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
	seen  map[uint64]sighting
	room  int // how many seen has had: a map keeps the memory of those that are deleted
}

// generation tells the one that is from the one before: there are no others.
type generation bool

// sighting is what is known of a series.
type sighting struct {
	last generation
	by   uint32 // whose point entered it; 0 once another request had one of it
}

// entry is a request that enters series. The zero value cannot take back what it entered.
type entry struct {
	number  uint32 // of no other one; not 0
	entered int    // new series
}

// take reports whether a point of a series is let in: one that is known, or new where fewer than most are. all counts those of everybody. now need not
// ascend: it is when a request began.
func (s *series) take(id uint64, now, most int64, all *atomic.Int64, by *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now, all)
	was, known := s.seen[id]
	is := sighting{s.young, was.by}
	if known && was.by != by.number {
		is.by = 0
	}
	switch {
	case known && was == is:
		return true
	case known:
	case int64(len(s.seen)) >= most:
		return false
	case all.Add(1) > maxSeries:
		all.Add(-1)
		return true
	default:
		is.by = by.number
		by.entered++
	}
	if s.seen == nil {
		s.seen = map[uint64]sighting{}
	}
	s.seen[id] = is
	s.room = max(s.room, len(s.seen))
	return true
}

// untake forgets a series that nobody but by entered or had a point of.
func (s *series) untake(id uint64, all *atomic.Int64, by *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is, known := s.seen[id]; known && is.by == by.number && is.by != 0 {
		delete(s.seen, id)
		all.Add(-1)
	}
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
	maps.DeleteFunc(s.seen, func(_ uint64, is sighting) bool { return is.last != s.young })
	all.Add(int64(len(s.seen) - had))
	s.young = !s.young
	if len(s.seen) <= s.room/2 {
		fresh := make(map[uint64]sighting, len(s.seen))
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

// siftSeries leaves out the points of series that the tenant may not have beside those that it has, and gives back what was drawn for them.
func (v *visit) siftSeries(now time.Time, a *telemetry.Admission) {
	most := v.quota[telemetry.LimitSeries]
	if most == 0 || v.account == nil || v.signal != telemetry.Metrics {
		return
	}
	v.entry = entry{number: max(v.all.entries.Add(1), 1)}
	drawn := a.Items
	a.SiftSeries(most, func(id uint64) bool { return v.account.series.take(id, now.UnixNano(), most, &v.all.series, &v.entry) })
	v.undraw(telemetry.LimitDataPoints, drawn-a.Items)
}

// unsiftSeries gives back the places of series that came with a request of which nothing is stored.
func (v *visit) unsiftSeries(a *telemetry.Admission) {
	if v.entry.entered > 0 {
		a.EachSeries(func(id uint64) { v.account.series.untake(id, &v.all.series, &v.entry) })
	}
}
