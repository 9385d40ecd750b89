package engine

import (
	"context"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The watch on the queue. Invariant: a watermark is never later than the newest moment before which everything accepted is in the database.

// watch keeps an eye on the queue, so that an answer can say what it does not hold yet. At each look it notes the last position that was
// accepted; once everything up to that position is settled, all that was accepted before that look is in the database.
type watch struct {
	bus *bus.Bus
	now func() time.Time

	mu      sync.Mutex
	signals map[telemetry.Signal]*signalWatch
	dead    map[telemetry.Tenant]map[telemetry.Signal]uint64
	counted time.Time // when dead letters were
}

type signalWatch struct {
	looks     []look // not settled yet, oldest first
	watermark time.Time
	pending   int64
	seen      time.Time // of the last look
}

// look is a moment and the last position accepted before it.
type look struct {
	at       time.Time
	position uint64
}

// maxLooks bounds the looks that are kept while writers stand still: an hour at two a second; then the oldest stay, since the watermark
// moves to them first.
const maxLooks = 7200

// stale is the age at which what was seen last says nothing about now.
const stale = 10 * time.Second

func newWatch(b *bus.Bus, now func() time.Time) *watch {
	w := &watch{bus: b, now: now, signals: map[telemetry.Signal]*signalWatch{}}
	for _, s := range telemetry.Signals() {
		w.signals[s] = &signalWatch{}
	}
	return w
}

// run looks until ctx ends.
func (w *watch) run(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		w.count(ctx)
		for _, signal := range telemetry.Signals() {
			at := w.now()
			if backlog, err := w.bus.Pending(ctx, signal); err == nil {
				w.note(signal, at, backlog)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// deadEvery is how often dead letters are counted, at most: the server goes through all of their subjects.
const deadEvery = time.Second

// count counts dead letters when it is time to.
func (w *watch) count(ctx context.Context) {
	w.mu.Lock()
	due := w.now().Sub(w.counted) >= deadEvery
	w.mu.Unlock()
	if !due {
		return
	}
	at := w.now()
	if dead, err := w.bus.DeadCounts(ctx); err == nil {
		w.mu.Lock()
		w.dead, w.counted = dead, at
		w.mu.Unlock()
	}
}

func (w *watch) note(signal telemetry.Signal, at time.Time, b bus.Backlog) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.signals[signal]
	if n := len(s.looks); n > 0 && b.LastPosition < s.looks[n-1].position {
		s.looks, s.watermark = nil, time.Time{} // the stream was made anew
	}
	s.seen = at
	s.pending = int64(b.Pending + b.AckPending) //nolint:gosec // messages in a stream
	if len(s.looks) < maxLooks {
		s.looks = append(s.looks, look{at, b.LastPosition})
	}
	settled := 0
	for settled < len(s.looks) && s.looks[settled].position <= b.Settled {
		s.watermark = s.looks[settled].at
		settled++
	}
	s.looks = append(s.looks[:0], s.looks[settled:]...)
}

// Completeness is how far answers can be relied on to hold what was accepted. What is not known is nil, or zero.
type Completeness struct {
	Watermark time.Time      // all that was accepted before is in the database
	Lag       *time.Duration // how long ago that was
	Pending   *int64         // batches that are accepted and not in the database yet
	// DeadLetters are batches of the tenant and signal that were accepted and could not be written.
	DeadLetters *int64
}

// Completeness is what is known now; call it before Ask, so that the watermark holds for the answer.
func (e *Engine) Completeness(tenant telemetry.Tenant, signal telemetry.Signal) Completeness {
	return e.watch.completeness(tenant, signal)
}

// Watch looks at the queue until ctx ends. A queue that does not answer is no error: answers then lack completeness.
func (e *Engine) Watch(ctx context.Context, interval time.Duration) error {
	return e.watch.run(ctx, interval)
}

func (w *watch) completeness(tenant telemetry.Tenant, signal telemetry.Signal) Completeness {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.signals[signal]
	now := w.now()
	var c Completeness
	if !s.watermark.IsZero() {
		lag := max(now.Sub(s.watermark), 0)
		c.Watermark, c.Lag = s.watermark.UTC(), &lag
	}
	if !s.seen.IsZero() && now.Sub(s.seen) < stale {
		pending := s.pending
		c.Pending = &pending
	}
	if !w.counted.IsZero() && now.Sub(w.counted) < stale {
		dead := int64(w.dead[tenant][signal]) //nolint:gosec // messages in a stream
		c.DeadLetters = &dead
	}
	return c
}
