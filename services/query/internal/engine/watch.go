package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

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
	counted time.Time                   // when dead letters were
	losses  map[telemetry.Signal][]Loss // newest first
}

// Loss is from when to when what was accepted may be lost, because the store of the queue was.
type Loss struct{ From, To time.Time }

// How much older, and newer, an item's time is than its arrival, as far as a loss is told: a span takes its time and a sender may hold on to it; and clocks differ.
const (
	arrivesAfter  = time.Hour
	arrivesBefore = time.Minute
)

// touches reports whether items of the times from (included) to to (not), Unix ns, may be among what was lost.
func (l Loss) touches(from, to int64) bool {
	return !l.To.IsZero() && from <= l.To.Add(arrivesBefore).UnixNano() && to > l.From.Add(-arrivesAfter).UnixNano()
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
	Lost      Loss           // the last time, within 30 days, that the store of the queue was lost and the question's range touches it
	// DeadLetters are batches of the tenant and signal that were accepted and could not be written.
	DeadLetters *int64
}

// Completeness is what is known now of answers to a question; call it before Ask, so that the watermark holds for the answer.
func (e *Engine) Completeness(q *Query) Completeness {
	return e.watch.completeness(q)
}

// Watch looks at the queue until ctx ends. A queue that does not answer is no error: answers then lack completeness.
func (e *Engine) Watch(ctx context.Context, interval time.Duration) error {
	var looking sync.WaitGroup
	looking.Go(func() { e.watchLosses(ctx) })
	defer looking.Wait()
	return e.watch.run(ctx, interval)
}

// lossesEvery is how often is asked whether the store of the queue was lost.
const lossesEvery = 5 * time.Second

// watchLosses asks the database for what writers noticed of the queue, until ctx ends. A database that does not answer leaves what is known.
func (e *Engine) watchLosses(ctx context.Context) {
	tick := time.NewTicker(lossesEvery)
	defer tick.Stop()
	for {
		if losses, err := e.losses(ctx); err == nil {
			e.watch.mu.Lock()
			e.watch.losses = losses
			e.watch.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// losses are those of the last 30 days by signal, newest first, at most 100 of each.
func (e *Engine) losses(ctx context.Context) (map[telemetry.Signal][]Loss, error) {
	ctx, cancel := context.WithTimeout(ctx, lossesEvery)
	defer cancel()
	rows, err := e.pool.Query(ctx, e.statements.queueLosses)
	if err != nil {
		return nil, fmt.Errorf("read lost queues: %w", err)
	}
	losses := map[telemetry.Signal][]Loss{}
	var signal int16
	var loss Loss
	_, err = pgx.ForEachRow(rows, []any{&signal, &loss.From, &loss.To}, func() error {
		of := telemetry.Signal(signal) //nolint:gosec // a signal
		losses[of] = append(losses[of], Loss{loss.From.UTC(), loss.To.UTC()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read lost queues: %w", err)
	}
	return losses, nil
}

func (w *watch) completeness(q *Query) Completeness {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.signals[q.Signal]
	now := w.now()
	var c Completeness
	losses := w.losses[q.Signal]
	if i := slices.IndexFunc(losses, func(l Loss) bool { return l.touches(q.From, q.To) }); i >= 0 {
		c.Lost = losses[i]
	}
	if !s.watermark.IsZero() {
		lag := max(now.Sub(s.watermark), 0)
		c.Watermark, c.Lag = s.watermark.UTC(), &lag
	}
	if !s.seen.IsZero() && now.Sub(s.seen) < stale {
		pending := s.pending
		c.Pending = &pending
	}
	if !w.counted.IsZero() && now.Sub(w.counted) < stale {
		dead := int64(w.dead[q.Tenant][q.Signal]) //nolint:gosec // messages in a stream
		c.DeadLetters = &dead
	}
	return c
}
