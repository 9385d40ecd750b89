package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The watch on the queue, and how far a snapshot of the database is behind it. Invariant: a watermark is never later than the newest moment before which
// everything accepted is in the snapshot.
//
//	queue: accepted up to 120, settled up to 117 ── look, every half second ──┐
//	                                                                           ├─ completeness of an answer
//	queue_life: a writer saw 90 settled ── in the question's own snapshot ─────┘
//
// A message is settled after its commit, so that what a look saw settled is in every snapshot that is taken later, of that database and in that life of the
// queue. Of a standby, a copy that was restored, or a queue that no writer knows yet, it says nothing: there, what writers wrote into the database counts,
// which is up to two seconds older.

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
	lives   [3]int64                    // by base, in which the queues were seen last
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
	looks []look // not settled yet, oldest first
	heard
}

// heard is what is known of a signal's queue.
type heard struct {
	watermark time.Time
	pending   int64
	created   time.Time // the stream, by its server
	accepted  int64     // highest number of the stream
	settled   int64     // and that up to which all is stored, or dead letters
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

// hearing is what one look at a queue says.
func hearing(at time.Time, b bus.Backlog) heard {
	return heard{
		seen: at, created: b.Created.UTC().Truncate(time.Microsecond), // as the database keeps it
		accepted: int64(b.LastPosition), settled: int64(b.Settled), pending: int64(b.Pending + b.AckPending), //nolint:gosec // a stream never counts beyond 2^63
	}
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
	watermark := s.watermark
	s.heard = hearing(at, b)
	s.watermark = watermark
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

// Completeness is how far the snapshot can be relied on to hold what a question is about.
func (s *Snapshot) Completeness(ctx context.Context, q *Query) (Completeness, error) {
	batch := &pgx.Batch{}
	s.askStanding(batch)
	if batch.Len() > 0 {
		if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
			return Completeness{}, fmt.Errorf("look how far the database is: %w", err)
		}
	}
	w := s.engine.watch
	stands := s.standing[q.Signal]
	if !w.knows(q.Signal, stands.base) { // of which the losses that are known say nothing
		losses, err := s.engine.losses(ctx, s.tx)
		if err != nil {
			return Completeness{}, err // the transaction is of no use after it
		}
		w.noteLosses(losses)
		w.enter(q.Signal, stands.base)
	}
	return w.completeness(q, s.heard[q.Signal], stands), nil
}

// standing is how far the database is with a signal, by what writers wrote into it.
type standing struct {
	known   bool // a writer has looked at the queue
	standby bool
	age     time.Duration // since it did
	base    int64         // of the life of the queue
	began   time.Time     // it
	settled int64         // number of the stream up to which all is stored
	whole   time.Time     // all that was accepted before is stored
}

// askStanding adds to a batch the question for what Completeness needs, once.
func (s *Snapshot) askStanding(batch *pgx.Batch) {
	if s.standing != nil {
		return
	}
	batch.Queue(s.engine.statements.standing).Query(func(rows pgx.Rows) (err error) {
		s.standing, err = readStanding(rows)
		return err
	})
}

func readStanding(rows pgx.Rows) (map[telemetry.Signal]standing, error) {
	out := map[telemetry.Signal]standing{}
	var standby bool
	var now time.Time
	var signal *int16
	var base, settled *int64
	var began, whole, seen *time.Time
	_, err := pgx.ForEachRow(rows, []any{&standby, &now, &signal, &base, &began, &settled, &whole, &seen}, func() error {
		if signal == nil {
			for _, of := range telemetry.Signals() {
				out[of] = standing{standby: standby}
			}
			return nil
		}
		out[telemetry.Signal(*signal)] = standing{true, standby, now.Sub(*seen), *base, began.UTC(), *settled, whole.UTC()} //nolint:gosec // a signal
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read how far the database is: %w", err)
	}
	return out, nil
}

// unlooked is the age of a writer's last look, of which there is one a second, from which on what was seen of the queue says nothing of this database.
const unlooked = 10 * time.Second

// follows reports whether all that was seen settled is in the snapshot: writers said so in it, or they write into this very database.
func (s *standing) follows(h heard) bool {
	if !s.known {
		return !s.standby && h.settled == 0
	}
	return s.began.Equal(h.created) && (s.settled >= h.settled || !s.standby && s.age < unlooked)
}

// missing is how many messages that were accepted are not in the snapshot, at most.
func (s *standing) missing(h heard) int64 {
	switch {
	case s.follows(h):
		return h.pending
	case s.began.Equal(h.created):
		return max(h.pending, h.accepted-s.settled)
	}
	return max(h.pending, h.accepted)
}

// How long Await waits at most, and how often it looks.
const (
	MostAwaited   = 5 * time.Second
	awaitStep     = 40 * time.Millisecond  // at first, then twice as long each time …
	mostAwaitStep = 320 * time.Millisecond // … until this
	mostAwaiting  = 64                     // questions at a time: each look asks the bus, which takes the data
)

// Await waits until a snapshot that is taken later holds all that a signal's queue accepted up to a position, which is as ingest told it; false where
// that takes longer than MostAwaited, or than ctx leaves. The error is why it could not be found out.
func (e *Engine) Await(ctx context.Context, tenant telemetry.Tenant, signal telemetry.Signal, position int64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, MostAwaited)
	defer cancel()
	leave, ok := e.waiting.take(tenant)
	if !ok {
		e.metrics.refuse(ctx, limitAwaiting)
		return false, ErrBusy.Newf("%d queries wait for what was accepted to be stored, or half as many of this tenant; try again in a moment", mostAwaiting)
	}
	defer leave()
	for step := awaitStep; ; step = min(2*step, mostAwaitStep) {
		holds, accepted, err := e.holds(ctx, signal, position)
		if holds || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return holds, nil
		}
		if err != nil {
			return false, err
		}
		if !accepted { // it will not come by itself
			return false, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(step):
		}
	}
}

// holds reports whether the database holds all up to a position, and whether the queue has accepted so many.
func (e *Engine) holds(ctx context.Context, signal telemetry.Signal, position int64) (holds, accepted bool, err error) {
	backlog, err := e.watch.bus.Pending(ctx, signal)
	if err != nil {
		return false, false, err
	}
	h := hearing(time.Time{}, backlog)
	if h.settled < position {
		return false, position <= h.accepted, nil
	}
	rows, err := e.pool.Query(ctx, e.statements.standing)
	if err != nil {
		return false, true, fmt.Errorf("look how far the database is: %w", err)
	}
	all, err := readStanding(rows)
	if err != nil {
		return false, true, err
	}
	stands := all[signal]
	return stands.follows(h) || stands.began.Equal(h.created) && stands.settled >= position, true, nil
}

// Queue is how far the queue of a signal is: the base of positions in its life, and the highest number that it has given. Its sum is the highest position. The
// error is fault.Unavailable where no writer has looked at the queue yet.
func (e *Engine) Queue(ctx context.Context, signal telemetry.Signal) (base, last int64, err error) {
	backlog, err := e.watch.bus.Pending(ctx, signal)
	if err != nil {
		return 0, 0, err
	}
	h := hearing(time.Time{}, backlog)
	rows, err := e.pool.Query(ctx, e.statements.standing)
	if err != nil {
		return 0, 0, fmt.Errorf("look how far the database is: %w", postgres.Classify(err))
	}
	all, err := readStanding(rows)
	if err != nil {
		return 0, 0, err
	}
	stands := all[signal]
	if !stands.known || !stands.began.Equal(h.created) {
		return 0, 0, errQueueUnknown.Newf("no writer has looked at the queue of %s since it was made", signal)
	}
	return stands.base, h.accepted, nil
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
		if losses, err := e.losses(ctx, e.pool); err == nil {
			e.watch.noteLosses(losses)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// querier is a pool, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// losses are those of the last 30 days by signal, newest first, at most 100 of each.
func (e *Engine) losses(ctx context.Context, on querier) (map[telemetry.Signal][]Loss, error) {
	ctx, cancel := context.WithTimeout(ctx, lossesEvery)
	defer cancel()
	rows, err := on.Query(ctx, e.statements.queueLosses)
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

// hear is what is known of the queues now.
func (w *watch) hear() [3]heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out [3]heard
	for signal, s := range w.signals {
		out[signal] = s.heard
	}
	return out
}

func (w *watch) noteLosses(losses map[telemetry.Signal][]Loss) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.losses = losses
}

// knows reports whether the losses that are known are of the life in which a snapshot saw a queue.
func (w *watch) knows(signal telemetry.Signal, base int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[signal] == base
}

// enter notes in which life a snapshot saw a queue, once its losses are known.
func (w *watch) enter(signal telemetry.Signal, base int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives[signal] = base
}

// completeness is of a snapshot that was taken after h was heard.
func (w *watch) completeness(q *Query, h heard, stands standing) Completeness {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	var c Completeness
	losses := w.losses[q.Signal]
	if i := slices.IndexFunc(losses, func(l Loss) bool { return l.touches(q.From, q.To) }); i >= 0 {
		c.Lost = losses[i]
	}
	watermark := h.watermark
	if !stands.follows(h) && watermark.After(stands.whole) {
		watermark = stands.whole // zero where nobody knows
	}
	if !watermark.IsZero() {
		lag := max(now.Sub(watermark), 0)
		c.Watermark, c.Lag = watermark.UTC(), &lag
	}
	if !h.seen.IsZero() && now.Sub(h.seen) < stale {
		pending := stands.missing(h)
		c.Pending = &pending
	}
	if !w.counted.IsZero() && now.Sub(w.counted) < stale {
		dead := int64(w.dead[q.Tenant][q.Signal]) //nolint:gosec // messages in a stream
		c.DeadLetters = &dead
	}
	return c
}
