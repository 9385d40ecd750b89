package ingest

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// seriesGeneration is how long a generation of series is added to.
const seriesGeneration = time.Hour

// maxSeries bounds the series of all tenants that are told apart, about 20 bytes each. New ones beyond it are taken and not counted: whose they
// are may be the senders' word, and a tenant must not be without its series because of another.
const maxSeries = 2 * telemetry.MaxSeries

// series are those of a tenant of which points came lately, in two generations: what is seen again moves to the young one, and after an hour the
// old one is forgotten. So one is remembered for an hour, and for two at most. The zero value has none. Safe for concurrent use.
type series struct {
	mu         sync.Mutex
	began      int64 // when the young generation did, Unix ns
	young, old map[uint64]struct{}
}

// take reports whether a point of a series is let in: one that is known, or new where fewer than most are. all counts those of everybody.
func (s *series) take(id uint64, now, most int64, all *atomic.Int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now, all)
	if _, ok := s.young[id]; ok {
		return true
	}
	_, known := s.old[id]
	switch {
	case known:
		delete(s.old, id)
	case int64(len(s.young)+len(s.old)) >= most:
		return false
	case all.Add(1) > maxSeries:
		all.Add(-1)
		return true
	}
	if s.young == nil {
		s.young = map[uint64]struct{}{}
	}
	s.young[id] = struct{}{}
	return true
}

// turn forgets what is too old. A clock that was set back begins a generation anew.
func (s *series) turn(now int64, all *atomic.Int64) {
	passed := now - s.began
	if passed >= 0 && passed < int64(seriesGeneration) {
		return
	}
	all.Add(-int64(len(s.old)))
	s.old, s.young = s.young, nil
	if passed >= 2*int64(seriesGeneration) {
		all.Add(-int64(len(s.old)))
		s.old = nil
	}
	s.began = now
}

// idle reports whether none of them would be known any more.
func (s *series) idle(now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.young)+len(s.old) == 0 || now-s.began >= 2*int64(seriesGeneration)
}

// forget makes an account without series, which is dropped.
func (s *series) forget(all *atomic.Int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all.Add(-int64(len(s.young) + len(s.old)))
	s.young, s.old = nil, nil
}

// siftSeries leaves out the points of series that the tenant may not have beside those that it has.
func (v *visit) siftSeries(now time.Time, a *telemetry.Admission) {
	most := v.quota[telemetry.LimitSeries]
	if most == 0 || v.account == nil || v.signal != telemetry.Metrics {
		return
	}
	a.SiftSeries(most, func(id uint64) bool { return v.account.series.take(id, now.UnixNano(), most, &v.all.series) })
}
