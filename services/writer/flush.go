package writer

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/seldom"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// held is one delivery on its way through the writer. It is settled exactly once, with all its twins.
type held struct {
	telemetry.Batch
	position int64     // stream sequence: the ingest position of its items
	number   uint64    // of its message in the stream …
	stored   time.Time // … and when that took it
	shared   bool      // its message holds other batches too, which have the same position …
	before   int       // … and so many items before it
	attempts int       // 1 at the first delivery
	arrived  time.Time
	settle   func(context.Context, error) error
	keep     func() error // tells the bus that it is still being worked on
	twins    []*held      // deliveries of the same batch in the same flush: they share its outcome
}

// storer writes batches as database.store does.
type storer func(ctx context.Context, batches []*held) (outcome, error)

// flusher takes flushes to their end: every delivery stored, dead-lettered or given back. It belongs to one goroutine.
type flusher struct {
	signal  telemetry.Signal
	store   storer
	all     func(ctx context.Context, batches []*held) (done []stored, left [][]*held) // database.storeAll; nil to store all in one transaction
	control func(ctx context.Context, like *held, leaves map[leaf]int64) error         // database.control
	reach   func(ctx context.Context, like *held) (map[leaf]int64, error)              // database.reach
	note    func(ctx context.Context, batches []*held) error                           // lives.stored; nil where nobody asks
	alone   *alone                                                                     // of the pipeline
	log     *slog.Logger
	seldom  *seldom.Log // for what comes with every batch of a flood
	metrics *instruments
	now     func() time.Time
	moved   func()        // told whenever a batch has left the writer for good: stored, or as a dead letter
	rest    func()        // lets go of the memory that is kept for the next flush
	timeout time.Duration // of one attempt
	tries   int           // how often a batch is refused alone, for a reason that is unclear, before it is a dead letter
	// pauses between the attempts that are made at once when the database is in trouble; after the last, deliveries go back to the bus.
	pauses []time.Duration
}

// suspectAttempts is from which delivery on a batch that fails for an unknown reason is tried alone, so that what is wrong with it does
// not make a dead letter of its neighbours.
const suspectAttempts = 3

// flush stores what it can and settles every delivery exactly once. It returns the error for which deliveries were given back to the
// bus, nil when none were.
func (f *flusher) flush(ctx context.Context, deliveries []*held) error {
	start := f.now()
	left, unnoted := f.storeAll(ctx, twinned(deliveries))
	err := errors.Join(unnoted, f.each(ctx, left))
	f.metrics.flushed(ctx, f.signal, f.now().Sub(start), err)
	return err
}

// storeAll stores what it can of batches in as few round trips as may be, settles that, and returns the others by placement. The error is why what is stored
// was given back all the same.
func (f *flusher) storeAll(ctx context.Context, batches []*held) (left [][]*held, unnoted error) {
	if f.all == nil {
		return [][]*held{batches}, nil
	}
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			f.log.LogAttrs(ctx, slog.LevelError, "panic in a flush", slog.String("signal", f.signal.String()), slog.Int("batches", len(batches)),
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			left = [][]*held{batches} // some may be stored: the ledger knows
		}
	}()
	done, left := f.all(limited, batches)
	var all []*held // noted together, in one commit
	for i, s := range done {
		done[i].batches = f.refuse(ctx, s.batches, s.out)
		all = append(all, done[i].batches...)
	}
	unnoted = f.noted(ctx, all)
	for _, s := range done {
		if len(s.batches) > 0 {
			f.settleAll(ctx, s.batches, s.out, unnoted)
		}
	}
	return left, unnoted
}

// mostAway is for how many placements of a flush the database may be away, each time until it is given up, before the others are given back.
const mostAway = 3

// each stores batches of one placement after the other. When the database is away for one, it may be so for what that one holds, and the others are
// tried only where it takes a control flush.
func (f *flusher) each(ctx context.Context, groups [][]*held) (failed error) {
	away := 0
	for i, batches := range groups {
		err := f.try(ctx, batches)
		failed = errors.Join(failed, err)
		rest := groups[i+1:]
		if err == nil || fault.ClassOf(err) != fault.Unavailable || errRefused.Matches(err) || len(rest) == 0 {
			continue
		}
		if away++; away < mostAway && (&search{flusher: f}).takes(ctx, rest[0][0], nil) == nil {
			continue
		}
		for _, batches := range rest {
			_ = f.giveBack(ctx, batches, err)
		}
		break
	}
	return failed
}

// try stores batches and settles them. Where they are refused for what may be the fault of one of them, that one is looked for.
func (f *flusher) try(ctx context.Context, batches []*held) error {
	out, err := f.attempt(ctx, batches)
	batches = f.refuse(ctx, batches, out)
	switch {
	case len(batches) == 0:
		return nil
	case err == nil:
		return f.done(ctx, batches, out)
	case blames(err, batches):
		return f.search(ctx, batches, err)
	}
	return f.giveBack(ctx, batches, err)
}

// refuse settles what could not be made ready for the database, and returns the others.
func (f *flusher) refuse(ctx context.Context, batches []*held, out outcome) []*held {
	for _, r := range out.refused {
		f.settle(ctx, r.held, r.err)
	}
	return without(batches, out.refused)
}

// done settles batches that were stored: as dead letters those of which not all could be. The error is why they were given back all the same.
func (f *flusher) done(ctx context.Context, batches []*held, out outcome) error {
	err := f.noted(ctx, batches)
	f.settleAll(ctx, batches, out, err)
	return err
}

// noted is nil once it is noted that the messages of batches that are stored may leave the queue.
func (f *flusher) noted(ctx context.Context, batches []*held) error {
	if f.note == nil || len(batches) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return f.note(ctx, batches)
}

// settleAll is done for what is noted; where that failed, they come again, and the ledger knows them.
func (f *flusher) settleAll(ctx context.Context, batches []*held, out outcome, noted error) {
	f.metrics.stored(ctx, f.signal, out)
	now := f.now()
	f.alone.forget(batches)
	for _, h := range batches {
		f.metrics.lag(ctx, f.signal, now.Sub(h.Received))
		reason := noted
		if i := slices.IndexFunc(out.cut, func(r refusal) bool { return r.held == h }); i >= 0 && noted == nil {
			reason = out.cut[i].err
		}
		f.settle(ctx, h, reason)
	}
}

// attempt is store with a time limit, again after a pause while the database is in trouble that may pass soon: a restart, a
// failover, a deadlock, a partition that was dropped.
func (f *flusher) attempt(ctx context.Context, batches []*held) (outcome, error) {
	for i := 0; ; i++ {
		limited, cancel := context.WithTimeout(ctx, f.timeout)
		out, err := f.guarded(limited, batches)
		cancel()
		if err == nil || i >= len(f.pauses) || fault.ClassOf(err) != fault.Unavailable || errRefused.Matches(err) || ctx.Err() != nil {
			return out, err
		}
		f.metrics.retried(ctx, f.signal)
		timer := time.NewTimer(f.pauses[i])
		select {
		case <-ctx.Done():
			timer.Stop()
			return out, err
		case <-timer.C:
		}
	}
}

// guarded is store, where a panic is an error like any other: a batch that an encoder cannot bear must not end the writer, nor come
// again and end the next one.
func (f *flusher) guarded(ctx context.Context, batches []*held) (out outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			f.log.LogAttrs(ctx, slog.LevelError, "panic in a flush", slog.String("signal", f.signal.String()), slog.Int("batches", len(batches)),
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			out, err = outcome{}, errPanic.Newf("panic: %v", r)
		}
	}()
	return f.store(ctx, batches)
}

// settle settles a delivery and its twins. A settling that fails is only noted: the bus then delivers the batch again, and the ledger
// knows whether it was stored.
func (f *flusher) settle(ctx context.Context, h *held, outcome error) {
	for _, d := range append([]*held{h}, h.twins...) {
		if err := d.settle(ctx, outcome); err != nil {
			f.seldom.Note(ctx, slog.LevelWarn, "settle", fault.From(err).Code, slog.String("signal", f.signal.String()), slog.String("batch", d.ID().String()), slog.Any("error", err))
		}
		d.settle = settledTwice
	}
	if class := fault.ClassOf(outcome); outcome == nil || class == fault.Invalid || class == fault.TooLarge {
		f.moved()
	}
}

func settledTwice(context.Context, error) error {
	return errSettledTwice.New("the delivery was settled already")
}

// suspect reports whether any of the batches has failed often enough to be tried apart from the others.
func suspect(batches []*held) bool {
	for _, h := range batches {
		if h.attempts >= suspectAttempts {
			return true
		}
	}
	return false
}

// twinned returns the different batches among the deliveries; further deliveries of a batch hang on its first one.
func twinned(deliveries []*held) []*held {
	seen := make(map[telemetry.BatchID]*held, len(deliveries))
	batches := make([]*held, 0, len(deliveries))
	for _, h := range deliveries {
		id := h.ID()
		if first, ok := seen[id]; ok {
			first.twins = append(first.twins, h)
			continue
		}
		seen[id] = h
		batches = append(batches, h)
	}
	return batches
}
