package writer

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// queue is a bus in memory: what is given back comes again after a second.
type queue struct {
	mu      sync.Mutex
	waiting []*held
	more    chan struct{}
	settled map[telemetry.BatchID][]error
	fetches int
	made    uint64
}

func newQueue() *queue {
	return &queue{more: make(chan struct{}, 1), settled: map[telemetry.BatchID][]error{}}
}

func (q *queue) publish(n, items, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range n {
		var id telemetry.BatchID
		q.made++
		binary.BigEndian.PutUint64(id[:], q.made)
		h := &held{Batch: telemetry.Batch{Request: telemetry.RequestID(id), Items: items, Payload: make([]byte, bytes)}, keep: func() error { return nil }}
		q.waiting = append(q.waiting, h)
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) fetch(ctx context.Context, _, _ int, wait time.Duration) ([]*held, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		q.mu.Lock()
		q.fetches++
		out := q.waiting
		q.waiting = nil
		q.mu.Unlock()
		for _, h := range out {
			h.arrived = time.Now()
			h.settle = func(_ context.Context, err error) error { q.settle(h, err); return nil }
		}
		if len(out) > 0 {
			return out, nil
		}
		select {
		case <-q.more:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *queue) settle(h *held, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settled[h.ID()] = append(q.settled[h.ID()], err)
	if err == nil {
		return
	}
	again := *h
	again.attempts++
	time.AfterFunc(time.Second, func() {
		q.mu.Lock()
		q.waiting = append(q.waiting, &again)
		q.mu.Unlock()
		select {
		case q.more <- struct{}{}:
		default:
		}
	})
}

func testPipeline(t *testing.T, q *queue, store storer) *pipeline {
	t.Helper()
	return &pipeline{
		signal: telemetry.Traces, source: q.fetch, limits: testLimits(), budget: newBudget(1 << 20), workers: 2,
		keeper: newKeeper(15*time.Second, slog.New(slog.DiscardHandler)),
		flusher: func() *flusher {
			f := testFlusher(t, store)
			f.now = time.Now
			return f
		},
		ready: func(context.Context) error { return nil },
		log:   slog.New(slog.DiscardHandler), now: time.Now, drain: 10 * time.Second,
	}
}

// pass lets the time of a bubble pass; it takes none of the machine's.
func pass(d time.Duration) { _ = sleep(context.Background(), d) }

// start runs the pipeline in a bubble of its own time.
func start(t *testing.T, p *pipeline) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func TestAQuietPipelineWritesWithinAQuarterOfASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var took time.Duration
		began := time.Now()
		stop := start(t, testPipeline(t, q, func(context.Context, []*held) (outcome, error) {
			took = time.Since(began)
			return outcome{}, nil
		}))
		q.publish(1, 1, 10)
		pass(5 * time.Second)
		synctest.Wait()
		require.Equal(t, 250*time.Millisecond, took)
		stop()
		require.Zero(t, unsettled(q))
	})
}

// What comes in one by one is fetched some at a time, as late as before: each fetch costs what many messages do.
func TestATrickleIsFetchedSomeAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var waited time.Duration
		flushes := 0
		stop := start(t, testPipeline(t, q, func(_ context.Context, batches []*held) (outcome, error) {
			flushes++
			waited = max(waited, time.Since(batches[0].arrived))
			return outcome{}, nil
		}))
		for range 5000 { // 500 a second
			q.publish(1, 1, 10)
			pass(2 * time.Millisecond)
		}
		pass(time.Second)
		stop()
		require.Equal(t, 5000, len(q.settled)) //nolint:testifylint // a failure would print them all
		require.Zero(t, unsettled(q))
		require.LessOrEqual(t, waited, testLimits().longest+20*time.Millisecond)
		require.Less(t, q.fetches, 40*flushes, "of one by one there would be 125 in a quarter of a second")
		require.Less(t, q.fetches, 500)
	})
}

// Where much is waiting it is fetched without a pause, also in parts that are small by themselves.
func TestABacklogIsFetchedWithoutARest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, part := range []struct{ batches, bytes int }{{fewMessages, 10}, {1, fewBytes}} {
			q := newQueue()
			p := testPipeline(t, q, func(context.Context, []*held) (outcome, error) { return outcome{}, nil })
			p.limits.items, p.limits.bytes, p.budget = 1<<20, 64<<20, newBudget(1<<30)
			fetches, began, took := 0, time.Now(), time.Duration(0)
			p.source = func(ctx context.Context, most, bytes int, wait time.Duration) ([]*held, error) {
				if fetches++; fetches <= 20 {
					q.publish(part.batches, 1, part.bytes)
					took = time.Since(began)
				}
				return q.fetch(ctx, most, bytes, wait)
			}
			stop := start(t, p)
			pass(5 * time.Second)
			stop()
			require.Zero(t, took)
			require.Zero(t, unsettled(q))
		}
	})
}

// unsettled counts the batches whose settlings are not exactly one success.
func unsettled(q *queue) (wrong int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.settled {
		if len(s) != 1 || s[0] != nil {
			wrong++
		}
	}
	return wrong
}

func TestALoadedPipelineWritesFullFlushesAndHoldsNoMoreThanItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var mu sync.Mutex
		sizes := map[int]int{}
		most := int64(0)
		p := testPipeline(t, q, nil)
		p.budget = newBudget(20_000)
		p.flusher = func() *flusher {
			return testFlusher(t, func(_ context.Context, batches []*held) (outcome, error) {
				mu.Lock()
				sizes[len(batches)]++
				most = max(most, p.budget.held())
				mu.Unlock()
				pass(50 * time.Millisecond)
				return outcome{}, nil
			})
		}
		stop := start(t, p)
		for range 20 {
			q.publish(50, 100, 500)
			pass(100 * time.Millisecond)
		}
		pass(5 * time.Second)
		stop()
		require.Len(t, q.settled, 1000)
		require.Zero(t, unsettled(q))
		require.Equal(t, map[int]int{10: 100}, sizes, "1,000 items each")
		require.LessOrEqual(t, most, int64(20_000+25_000), "the budget and one fetch")
	})
}

// Memory that a flush was built in is kept while there is work, given up in a pause, and given up at once after a flush of unusual size.
func TestAFlusherGivesUpItsMemoryInAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var rests atomic.Int64
		p := testPipeline(t, q, func(context.Context, []*held) (outcome, error) { return outcome{}, nil })
		p.workers = 1
		made := p.flusher
		p.flusher = func() *flusher {
			f := made()
			f.rest = func() { rests.Add(1) }
			return f
		}
		stop := start(t, p)
		for range 10 {
			q.publish(1, 1, 10)
			pass(restAfter / 2)
		}
		require.Zero(t, rests.Load(), "there is work")
		pass(restAfter)
		require.EqualValues(t, 1, rests.Load())
		pass(time.Minute)
		require.EqualValues(t, 1, rests.Load(), "there is nothing left to give up")

		q.publish(1, 1, largeFlush*p.limits.bytes+1)
		pass(time.Second)
		require.EqualValues(t, 2, rests.Load(), "a large one")
		stop()
		require.Zero(t, unsettled(q))
	})
}

func TestADatabaseThatAnswersButRefusesEverythingIsAskedEverLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var mu sync.Mutex
		calls, full := 0, true
		p := testPipeline(t, q, func(context.Context, []*held) (outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			calls++
			if full {
				return outcome{}, fault.Kind{Class: fault.Overloaded, Code: "postgres.full"}.New("the disk is full")
			}
			return outcome{}, nil
		})
		stop := start(t, p)
		q.publish(5, 1, 10)
		pass(10 * time.Minute)
		synctest.Wait()
		mu.Lock()
		require.Less(t, calls, 100, "a few a minute once it has backed off")
		require.Greater(t, calls, 20)
		full = false
		mu.Unlock()
		pass(30 * time.Second)
		synctest.Wait()
		require.NoError(t, p.state())
		for _, s := range q.settled {
			require.NoError(t, s[len(s)-1])
		}
		stop()
	})
}

func TestWhileTheDatabaseIsDownNothingIsFetched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var mu sync.Mutex
		var down error = fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("the database does not answer")
		state := func() error {
			mu.Lock()
			defer mu.Unlock()
			return down
		}
		p := testPipeline(t, q, func(context.Context, []*held) (outcome, error) { return outcome{}, state() })
		p.ready = func(context.Context) error { return state() }
		stop := start(t, p)
		q.publish(1, 1, 10)
		pass(time.Minute)
		synctest.Wait()
		require.Error(t, p.state())
		before := q.fetches
		q.publish(100, 1, 10)
		pass(10 * time.Minute)
		synctest.Wait()
		require.Equal(t, before, q.fetches)
		mu.Lock()
		down = nil
		mu.Unlock()
		pass(time.Minute)
		synctest.Wait()
		require.NoError(t, p.state())
		require.Len(t, q.settled, 101)
		stop()
	})
}

func TestStoppingCutsOffAFlushThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		p := testPipeline(t, q, nil)
		p.flusher = func() *flusher {
			f := testFlusher(t, func(ctx context.Context, _ []*held) (outcome, error) {
				<-ctx.Done()
				return outcome{}, ctx.Err()
			})
			f.timeout = time.Hour
			return f
		}
		stop := start(t, p)
		q.publish(3, 1, 10)
		pass(time.Second)
		began := time.Now()
		stop()
		require.Equal(t, p.drain, time.Since(began))
		require.Len(t, q.settled, 3)
		for _, s := range q.settled {
			require.Len(t, s, 1)
			require.Error(t, s[0], "given back")
		}
		pass(2 * time.Second) // the queue's own timers
	})
}

func TestADatabaseThatRefusesForAnUnknownReasonIsTroubleUntilItTakesAFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var mu sync.Mutex
		var answer error = errRefused.New("the database refuses to write")
		calls := 0
		p := testPipeline(t, q, func(context.Context, []*held) (outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			calls++
			return outcome{}, answer
		})
		stop := start(t, p)
		q.publish(1, 1, 10)
		pass(time.Minute)
		for range 600 {
			pass(time.Second)
			synctest.Wait()
			require.Error(t, p.health(), "also between two tries")
		}
		mu.Lock()
		require.Less(t, calls, 100)
		answer = nil
		mu.Unlock()
		pass(time.Minute)
		synctest.Wait()
		require.NoError(t, p.health())
		require.Len(t, q.settled, 1)
		stop()
	})
}

func TestWhatWaitsForAWorkerIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		p := testPipeline(t, q, nil)
		p.workers = 1
		p.flusher = func() *flusher {
			f := testFlusher(t, func(context.Context, []*held) (outcome, error) {
				pass(39 * time.Second)
				return outcome{}, nil
			})
			f.timeout = time.Hour
			return f
		}
		p.drain = 10 * time.Minute
		q.publish(3, 1000, 10) // a flush each
		kept := map[*held]int{}
		var mu sync.Mutex
		for _, h := range q.waiting {
			h.keep = func() error {
				mu.Lock()
				defer mu.Unlock()
				kept[h]++
				return nil
			}
		}
		stop := start(t, p)
		pass(5 * time.Minute)
		stop()
		var times []int
		for _, n := range kept {
			times = append(times, n)
		}
		require.ElementsMatch(t, []int{2, 5, 7}, times, "every 15 s until it is settled: after 39, 78 and 117 s")
	})
}

func TestAFetchThatFailsShowsUntilOneSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		p := testPipeline(t, q, func(context.Context, []*held) (outcome, error) { return outcome{}, nil })
		var mu sync.Mutex
		var away error = fault.Kind{Class: fault.Unavailable, Code: "bus.consumer_lost"}.New("the consumer is gone")
		p.source = func(ctx context.Context, n, bytes int, wait time.Duration) ([]*held, error) {
			mu.Lock()
			err := away
			mu.Unlock()
			if err != nil {
				return nil, err
			}
			return q.fetch(ctx, n, bytes, wait)
		}
		stop := start(t, p)
		pass(time.Minute)
		synctest.Wait()
		require.ErrorIs(t, p.health(), away)
		mu.Lock()
		away = nil
		mu.Unlock()
		pass(time.Minute)
		synctest.Wait()
		require.NoError(t, p.health())
		stop()
	})
}

func TestAFetchThatBringsNothingAtOnceIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := testPipeline(t, newQueue(), nil)
		fetches := 0
		p.source = func(context.Context, int, int, time.Duration) ([]*held, error) {
			if fetches++; fetches > 1000 {
				return nil, fault.Kind{Class: fault.Internal, Code: "test.spins"}.New("it spins")
			}
			return nil, nil
		}
		stop := start(t, p)
		pass(time.Minute)
		stop()
		require.InDelta(t, 240, fetches, 2, "four a second")
	})
}
