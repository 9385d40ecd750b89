package writer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// source is where a pipeline's deliveries come from, a consumer of the bus: it waits up to wait for a first delivery and returns it with
// what else is there. All of them must be settled, also those returned with an error.
type source func(ctx context.Context, maxMessages, maxBytes int, wait time.Duration) ([]*held, error)

// consumer is the source that a consumer of the bus is. What has no position is given back, with all that came after it: where it is not known which life the
// stream is in, each question may take seconds, in which nobody tells the bus that the others are being worked on.
func consumer(c *bus.Consumer, now func() time.Time, position func(context.Context, bus.Delivery) (int64, error)) source {
	return func(ctx context.Context, maxMessages, maxBytes int, wait time.Duration) ([]*held, error) {
		deliveries, err := c.Fetch(ctx, maxMessages, maxBytes, wait)
		out := make([]*held, 0, len(deliveries))
		var unknown error
		for _, d := range deliveries {
			var at int64
			if unknown == nil {
				at, unknown = position(ctx, d)
				err = errors.Join(err, unknown)
			}
			if unknown != nil {
				err = errors.Join(err, d.Settle(context.WithoutCancel(ctx), unknown))
				continue
			}
			out = append(out, &held{
				Batch:    d.Batch,
				position: at,
				number:   d.Position,
				stored:   d.Stored,
				shared:   d.Shared,
				before:   d.Before,
				attempts: d.Attempts,
				arrived:  now(),
				settle:   d.Settle,
				keep:     d.InProgress,
			})
		}
		return out, err
	}
}

// pipeline moves one signal from the bus into the database.
//
//	bus --Fetch--> accumulator --closed flush--> flusher 1 … N --commit--> settle
//	      ^ waits while the writer holds too much, while every flusher is busy, and while the database is down
type pipeline struct {
	signal  telemetry.Signal
	source  source
	limits  limits
	budget  *budget
	keeper  *keeper
	flusher func() *flusher // makes one flusher
	workers int
	ready   func(context.Context) error // the database answers and has the right schema
	log     *slog.Logger
	now     func() time.Time
	drain   time.Duration

	mu         sync.Mutex
	trouble    error         // why the last flush was given back; nil after one that was written, or when the database answers again
	failures   int           // flushes given back since the last one that was written
	failed     error         // what the last of them was given back for
	failedAt   time.Time     // … and when
	fetching   error         // why the last fetch failed; nil after one that did not
	fetchedAt  time.Time     // when a fetch last did not fail
	fetchGrace time.Duration // how long fetches may fail before it is told: where several servers keep the queue, they choose a new leader
	stalling   stall
	alone      alone
}

const (
	// idleFetch is how long one Fetch waits while nothing is held.
	idleFetch = 5 * time.Second
	// maxMessages bounds the batches of one fetch: tiny batches must not make a flush of tens of thousands of acknowledgements.
	maxMessages = 1024
	// restPart of limits.quiet passes between two fetches of a flush, where the first brought few: each costs the bus, and the writer, as much as the
	// message or two that have come since, and nothing is written sooner for it.
	restPart = 8
	// fewMessages and fewBytes are more than a fetch brings after which the next one waits: more comes in than would be gained.
	fewMessages = maxMessages / 4
	fewBytes    = 512 << 10
	minPause    = 250 * time.Millisecond
	maxPause    = 2 * time.Second // between fetches, and between looks at a database that is away: what is well again is found out soon
	// maxRefused is the pause before a database that answers but refuses every flush is tried again.
	maxRefused = 15 * time.Second
	// linger is how long a database that answers but refused a flush counts as trouble if none is tried again: longer than the bus and
	// the pipeline wait before the next try. Then another writer has it.
	linger = time.Minute
	// restAfter is how long a flusher without a flush keeps its memory. The process gives it back at one of its next looks, within a minute.
	restAfter = 5 * time.Second
	// largeFlush is how many times flush.max_bytes a flush may hold, as one that ended with a large batch does, before its memory is not kept.
	largeFlush = 2
)

// run moves deliveries until ctx ends, then writes what it holds within the drain time, and returns.
func (p *pipeline) run(ctx context.Context) error {
	// Flushes outlive ctx: what is held is written, not thrown away. After the drain time it is cut off and given back.
	working, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	stop := context.AfterFunc(ctx, func() {
		if sleep(working, p.drain) == nil {
			cutOff()
		}
	})
	defer stop()

	var keeping sync.WaitGroup
	keepCtx, letGo := context.WithCancel(context.WithoutCancel(ctx))
	keeping.Go(func() { p.keeper.run(keepCtx) })
	defer keeping.Wait()
	defer letGo()

	// One flush waits ready, so that the next ones are fetched and decompressed while every flusher is busy.
	flushes := make(chan []*held, 1)
	var workers sync.WaitGroup
	for range p.workers {
		workers.Go(func() {
			f := p.flusher()
			f.moved = func() { p.stalling.move(p.now()) }
			f.alone = &p.alone
			p.write(working, f, flushes)
		})
	}
	p.gather(ctx, flushes)
	close(flushes)
	workers.Wait()
	return nil
}

// write takes flushes to their end until there are no more. What a flusher built one in is kept for the next, which is as large while there is
// work, but neither through a rest nor after a flush that was larger than flushes are: three signals' flushers keep as much as the writer has.
func (p *pipeline) write(ctx context.Context, f *flusher, flushes <-chan []*held) {
	idle := time.NewTimer(restAfter)
	defer idle.Stop()
	for {
		select {
		case batch, ok := <-flushes:
			if !ok {
				return
			}
			err := f.flush(ctx, batch)
			p.stalling.done(len(batch))
			p.note(ctx, err)
			p.keeper.drop(batch)
			var size int64
			for _, h := range batch {
				size += int64(len(h.Payload))
			}
			if size > largeFlush*int64(p.limits.bytes) {
				f.rest()
			}
			p.budget.give(size)
			idle.Reset(restAfter)
		case <-idle.C:
			f.rest()
		}
	}
}

// gather fetches and accumulates until ctx ends; what it still holds then is the last flush.
func (p *pipeline) gather(ctx context.Context, flushes chan<- []*held) {
	acc := accumulator{limits: p.limits}
	pause := minPause
	few := false // the last fetch brought all there was, and that was little
	for ctx.Err() == nil {
		if len(acc.items) > 0 && acc.due(p.now()) <= 0 {
			flushes <- acc.take()
			continue
		}
		wait := idleFetch
		if len(acc.items) > 0 {
			wait = acc.due(p.now())
			if few && sleep(ctx, min(wait, p.limits.quiet/restPart)) != nil {
				break
			}
			wait = max(acc.due(p.now()), 0) // where that is over, what is there is taken along
		} else if !p.mayFetch(ctx) {
			break
		}
		asked := p.now()
		deliveries, err := p.source(ctx, maxMessages, p.limits.bytes-acc.bytes, wait)
		p.stalling.hold(len(deliveries), p.now())
		p.keeper.add(deliveries) // all of them at once: below, one may wait for the flushes of those before it
		brought := 0
		for _, h := range deliveries {
			brought += len(h.Payload)
			acc.add(h)
			p.budget.take(int64(len(h.Payload)))
			if acc.full() {
				flushes <- acc.take()
			}
		}
		few = len(deliveries) < fewMessages && brought < fewBytes
		if err == nil {
			pause = minPause
			p.fetched(nil)
			// A fetch that brings nothing and does not wait for it (the bus moves the consumer, or was asked by too many) is not asked
			// again at once.
			if took := p.now().Sub(asked); len(deliveries) == 0 && took < wait/2 && sleep(ctx, min(minPause, wait-took)) != nil {
				break
			}
			continue
		}
		if ctx.Err() == nil {
			p.fetched(err)
			p.log.LogAttrs(ctx, slog.LevelWarn, "fetch", slog.String("signal", p.signal.String()), slog.Any("error", err))
		}
		if len(acc.items) > 0 {
			flushes <- acc.take() // nothing waits for a bus that is away
		}
		if sleep(ctx, pause) != nil {
			break
		}
		pause = min(2*pause, maxPause)
	}
	if len(acc.items) > 0 {
		flushes <- acc.take()
	}
}

// mayFetch returns when the writer has room for more and the database can take it; false when ctx ended first. While the database is
// down, nothing is fetched: it stays in the bus, where it is safe and costs no attempts.
func (p *pipeline) mayFetch(ctx context.Context) bool {
	if p.budget.wait(ctx) != nil {
		return false
	}
	for pause := p.backOff(); p.state() != nil; pause = min(2*pause, maxPause) {
		if sleep(ctx, pause) != nil {
			return false
		}
		if p.ready(ctx) != nil {
			continue
		}
		p.log.LogAttrs(ctx, slog.LevelInfo, "the database answers, writing again", slog.String("signal", p.signal.String()))
		p.mu.Lock()
		p.trouble = nil // but not the failures: a database that answers and refuses every flush is asked ever less often
		if !errRefused.Matches(p.failed) {
			p.failed = nil // it has taken what ready tried to write
		}
		p.mu.Unlock()
	}
	return true
}

// backOff is how long to wait after the last failure.
func (p *pipeline) backOff() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := maxPause
	if p.failed != nil && (fault.ClassOf(p.failed) != fault.Unavailable || errRefused.Matches(p.failed)) {
		most = maxRefused
	}
	return min(minPause<<min(max(p.failures-1, 0), 10), most)
}

// note remembers what a flush came to.
func (p *pipeline) note(ctx context.Context, err error) {
	if err != nil && p.state() == nil {
		p.log.LogAttrs(ctx, slog.LevelError, "flush given back to the bus", slog.String("signal", p.signal.String()),
			slog.String("class", fault.ClassOf(err).String()), slog.Any("error", err))
	}
	if errors.Is(err, context.Canceled) {
		return // the end of the drain, not a trouble of the database
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble, p.failed, p.failedAt = err, err, p.now()
	if p.failures++; err == nil {
		p.failures = 0
	}
}

// fetched remembers how the last fetch ended.
func (p *pipeline) fetched(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fetching = err; err == nil || p.fetchedAt.IsZero() {
		p.fetchedAt = p.now()
	}
}

// health says why nothing is written, nil where there is no reason. A database that was away is well when it answers; one that answered and
// refused is well when it takes a flush, or when nobody asked it for a while.
func (p *pipeline) health() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.trouble
	if f := fault.From(p.failed); err == nil && p.failed != nil && p.now().Sub(p.failedAt) < linger &&
		(f.Class != fault.Unavailable || f.Code == errRefused.Code) {
		err = p.failed
	}
	if err != nil {
		return fmt.Errorf("%s are given back to the bus: %w", p.signal, err)
	}
	if err := p.alone.health(p.now()); err != nil {
		return fmt.Errorf("%s are given back to the bus: %w", p.signal, err)
	}
	if since, ok := p.stalling.since(p.now()); ok {
		return errStalled.Newf("nothing has been written of %s for %s although there is work", p.signal, since.Round(time.Second))
	}
	if p.fetching != nil && p.now().Sub(p.fetchedAt) >= p.fetchGrace {
		return fmt.Errorf("%s cannot be fetched from the bus: %w", p.signal, p.fetching)
	}
	return nil
}

func (p *pipeline) state() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

// sleep returns after d, or with ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
