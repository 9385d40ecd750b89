package writer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// held is one delivery on its way through the writer. It is settled exactly once, with all its twins.
type held struct {
	telemetry.Batch
	position int64 // stream sequence: the ingest position of its items
	attempts int   // 1 at the first delivery
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
	log     *slog.Logger
	metrics *instruments
	now     func() time.Time
	timeout time.Duration // of one attempt
	// pauses between the attempts that are made at once when the database is in trouble; after the last, deliveries go back to the bus.
	pauses []time.Duration
	// keepEvery is how often the bus is told that unsettled deliveries are being worked on.
	keepEvery time.Duration
}

// suspectAttempts is from which delivery on a batch that fails for an unknown reason is tried alone, so that what is wrong with it does
// not make a dead letter of its neighbours.
const suspectAttempts = 3

// flush stores what it can and settles every delivery exactly once. It returns the error for which deliveries were given back to the
// bus, nil when none were.
func (f *flusher) flush(ctx context.Context, deliveries []*held) error {
	start := f.now()
	batches := twinned(deliveries)
	stop := f.keepAlive(ctx, batches)
	err := f.try(ctx, batches)
	stop()
	f.metrics.flushed(ctx, f.signal, f.now().Sub(start), err)
	return err
}

// try stores batches and settles them. When the data of some batch is refused, it halves until the guilty one is alone.
func (f *flusher) try(ctx context.Context, batches []*held) error {
	out, err := f.attempt(ctx, batches)
	for _, r := range out.refused {
		f.settle(ctx, r.held, r.err)
	}
	batches = without(batches, out.refused)
	if len(batches) == 0 {
		return nil
	}
	switch class := fault.ClassOf(err); {
	case err == nil:
		f.metrics.stored(ctx, f.signal, out)
		now := f.now()
		for _, h := range batches {
			f.metrics.lag(ctx, f.signal, now.Sub(h.Received))
			f.settle(ctx, h, nil)
		}
		return nil
	case len(batches) > 1 && (class == fault.Invalid || class == fault.TooLarge || class == fault.Internal && suspect(batches)):
		f.log.LogAttrs(ctx, slog.LevelWarn, "flush refused, looking for the batch at fault", slog.String("signal", f.signal.String()),
			slog.Int("batches", len(batches)), slog.Any("error", err))
		half := len(batches) / 2
		return errors.Join(f.try(ctx, batches[:half]), f.try(ctx, batches[half:]))
	default:
		for _, h := range batches {
			f.settle(ctx, h, err)
		}
		if class == fault.Invalid || class == fault.TooLarge {
			return nil // dead-lettered, not given back
		}
		return err
	}
}

// attempt is store with a time limit, again after a pause while the database is in trouble that may pass soon: a restart, a
// failover, a deadlock, a partition that was dropped.
func (f *flusher) attempt(ctx context.Context, batches []*held) (outcome, error) {
	for i := 0; ; i++ {
		limited, cancel := context.WithTimeout(ctx, f.timeout)
		out, err := f.store(limited, batches)
		cancel()
		if err == nil || i >= len(f.pauses) || fault.ClassOf(err) != fault.Unavailable || ctx.Err() != nil {
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

// settle settles a delivery and its twins. A settling that fails is only noted: the bus then delivers the batch again, and the ledger
// knows whether it was stored.
func (f *flusher) settle(ctx context.Context, h *held, outcome error) {
	for _, d := range append([]*held{h}, h.twins...) {
		if err := d.settle(ctx, outcome); err != nil {
			f.log.LogAttrs(ctx, slog.LevelWarn, "settle", slog.String("signal", f.signal.String()), slog.String("batch", d.ID.String()), slog.Any("error", err))
		}
		d.settle = settledTwice
	}
}

func settledTwice(context.Context, error) error {
	return fault.New(fault.Internal, "writer.settled_twice", "the delivery was settled already")
}

// keepAlive keeps the bus from delivering the batches again while they are worked on, until stop is called.
func (f *flusher) keepAlive(ctx context.Context, batches []*held) (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(f.keepEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			for _, h := range batches {
				for _, d := range append([]*held{h}, h.twins...) {
					if err := d.keep(); err != nil {
						f.log.LogAttrs(ctx, slog.LevelDebug, "keep a batch", slog.Any("error", err))
					}
				}
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
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
		if first, ok := seen[h.ID]; ok {
			first.twins = append(first.twins, h)
			continue
		}
		seen[h.ID] = h
		batches = append(batches, h)
	}
	return batches
}
