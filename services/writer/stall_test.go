package writer

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// A flush that waits, as behind a lock of another session, fails in nothing: it is told after ten seconds by health, by the metric and by one line of the log, and
// taken back with the first flush that is written.
func TestAWriterThatWritesNothingAlthoughThereIsWorkSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, locked := newQueue(), make(chan struct{})
		p := testPipeline(t, q, func(context.Context, []*held) (outcome, error) {
			<-locked
			return outcome{}, nil
		})
		stop := start(t, p)
		var log bytes.Buffer
		watching, end := context.WithCancel(t.Context())
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			watchStalls(watching, slog.New(slog.NewTextHandler(&log, nil)), time.Now, []*pipeline{p})
		}()
		pass(time.Minute)
		require.NoError(t, p.health(), "there is no work")
		q.publish(3, 10, 100)
		pass(9 * time.Second)
		require.NoError(t, p.health(), "a slow flush is none")
		require.Zero(t, longestStall(time.Now(), []*pipeline{p}))
		pass(3 * time.Second)
		require.True(t, errStalled.Matches(p.health()))
		require.ErrorContains(t, p.health(), "nothing has been written of "+telemetry.Traces.String()+" for 12s although there is work")
		require.Equal(t, int64(12), longestStall(time.Now(), []*pipeline{p}))
		pass(30 * time.Second)
		close(locked)
		pass(2 * time.Second)
		require.NoError(t, p.health())
		end()
		<-watched
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("nothing is written although there is work")))
		require.Contains(t, log.String(), "writing goes on")
		stop()
	})
}

// A flush that is written in parts, while the batch at fault is looked for, is slow, and given back in part; but it does not stall.
func TestAFlushThatIsWrittenInPartsDoesNotStall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refused  error
		attempts int // three seconds each, of which three attempts write something
	}{
		"given back":    {fault.Kind{Class: fault.Internal, Code: "test.defect"}.New("something odd"), 7},   //nolint:exhaustruct // a test's own
		"dead-lettered": {fault.Kind{Class: fault.Invalid, Code: "test.data"}.New("a value is refused"), 8}, //nolint:exhaustruct // a test's own
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newQueue()
				q.publish(8, 1, 10)
				for _, h := range q.waiting {
					h.attempts = suspectAttempts
				}
				guilty := q.waiting[5].ID()
				var stored atomic.Int64
				p := testPipeline(t, q, func(_ context.Context, batches []*held) (outcome, error) {
					pass(3 * time.Second)
					if slices.ContainsFunc(batches, func(h *held) bool { return h.ID() == guilty }) {
						return outcome{}, c.refused
					}
					stored.Add(int64(len(batches)))
					return outcome{}, nil
				})
				stop := start(t, p)
				for second := range 3*c.attempts + 1 {
					pass(time.Second)
					_, ok := p.stalling.since(time.Now())
					require.False(t, ok, "after %d s", second)
				}
				require.EqualValues(t, 7, stored.Load())
				stop()
				pass(time.Minute) // the queue's own timers
			})
		})
	}
}

// A database that was full is well, and written to again, within seconds of taking what is tried.
func TestADatabaseThatWasFullIsWellWhenItTakesATry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var full atomic.Bool
		full.Store(true)
		var stored atomic.Int64
		refuse := func() error {
			if full.Load() {
				return fault.Kind{Class: fault.Overloaded, Code: "postgres.full"}.New("the database has run out of a resource") //nolint:exhaustruct // a test's own
			}
			return nil
		}
		p := testPipeline(t, q, func(_ context.Context, batches []*held) (outcome, error) {
			if err := refuse(); err != nil {
				return outcome{}, err
			}
			stored.Add(int64(len(batches)))
			return outcome{}, nil
		})
		p.ready = func(context.Context) error { return refuse() }
		stop := start(t, p)
		q.publish(1, 10, 100)
		pass(time.Minute)
		require.Error(t, p.health())
		full.Store(false)
		pass(4 * time.Second)
		require.NoError(t, p.health(), "also a signal of which nothing comes any more")
		pass(10 * time.Second)
		require.EqualValues(t, 1, stored.Load())
		stop()
	})
}
