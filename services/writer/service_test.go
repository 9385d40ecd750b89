package writer

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// rig is a bus with something to publish, and a database.
type rig struct {
	t         *testing.T
	nats      bus.Config
	bus       *bus.Bus
	publisher *bus.Publisher
	store     *store
	cfg       Config
	writer    *Service // the last one that was started
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s := newStore(t)
	r := &rig{t: t, nats: testbed.NATS(t), store: s, cfg: DefaultConfig()}
	r.cfg.Bus, r.cfg.Postgres = r.nats, s.db.Config()
	r.cfg.Flush.QuietAfter, r.cfg.Flush.Longest = 20*time.Millisecond, 50*time.Millisecond
	var err error
	r.bus, err = bus.Connect(testbed.Context(t), r.nats, nil, nil)
	require.NoError(t, err)
	t.Cleanup(r.bus.Close)
	require.NoError(t, r.bus.EnsureStreams(testbed.Context(t)))
	r.publisher, err = r.bus.Publisher()
	require.NoError(t, err)
	return r
}

// publish sends payloads as ingest does.
func (r *rig) publish(batches ...*held) {
	r.t.Helper()
	send := make([]telemetry.Batch, len(batches))
	for i, h := range batches {
		send[i] = h.Batch
	}
	_, err := r.publisher.Publish(testbed.Context(r.t), send)
	require.NoError(r.t, err)
}

// start runs a writer; stop ends it and waits for it.
func (r *rig) start() (env service.Env, stop func()) {
	r.t.Helper()
	env = testbed.Env(r.t)
	env.Now = r.store.clock.Now
	return env, r.run(r.cfg, env)
}

func (r *rig) run(cfg Config, env service.Env) (stop func()) {
	r.t.Helper()
	// The clock of flush ages must move; the tests' day must not.
	began := time.Now()
	day := env.Now()
	env.Now = func() time.Time { return day.Add(time.Since(began)) }
	w, err := New(cfg, env)
	require.NoError(r.t, err)
	w.db.now = env.Now
	r.writer = w
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stopped := false
	stop = func() {
		r.t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			require.NoError(r.t, err)
		case <-time.After(time.Minute):
			r.t.Fatal("the writer does not stop")
		}
	}
	r.t.Cleanup(stop)
	return stop
}

// settled waits until the bus holds nothing more of a signal.
func (r *rig) settled(signal telemetry.Signal) {
	r.t.Helper()
	testbed.Eventually(r.t, "an empty queue of "+signal.String(), func() bool {
		b, err := r.bus.Pending(context.Background(), signal)
		return err == nil && b.Pending == 0 && b.AckPending == 0 && b.LastPosition == b.Settled
	})
}

func TestWriterStoresAllSignalsAndEmptiesTheQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, stop := r.start()
	shop := testbed.NewShop(1, epoch)
	for range 5 {
		r.publish(batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(300)), 300))
		r.publish(batch("other", telemetry.Logs, testbed.LogsPayload(shop.Logs(200)), 200))
		r.publish(batch("default", telemetry.Metrics, testbed.MetricsPayload(shop.Metrics(400)), 400))
	}
	for signal, want := range map[telemetry.Signal]int64{telemetry.Traces: 1500, telemetry.Logs: 1000, telemetry.Metrics: 2000} {
		r.settled(signal)
		segments, rows := r.store.items(signal)
		require.Equal(t, want, segments, signal)
		require.Equal(t, want, rows, signal)
	}
	stop()
}

func TestTwoWritersShareTheQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.start()
	shop := testbed.NewShop(1, epoch)
	for range 60 {
		r.publish(batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(50)), 50))
	}
	r.settled(telemetry.Traces)
	segments, rows := r.store.items(telemetry.Traces)
	require.Equal(t, int64(3000), segments)
	require.Equal(t, int64(3000), rows)
}

func TestStoppingWritesWhatIsHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Flush.QuietAfter, r.cfg.Flush.Longest = 20*time.Second, 20*time.Second // nothing is written by age
	_, stop := r.start()
	r.publish(shopSpans(1, epoch, 100))
	testbed.Eventually(t, "the writer holds the batch", func() bool { return r.writer.budget.held() > 0 })
	stop()
	segments, _ := r.store.items(telemetry.Traces)
	require.Equal(t, int64(100), segments)
	r.settled(telemetry.Traces)
}

func TestAPoisonedBatchIsDeadLetteredAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.store.db.Pool.Exec(testbed.Context(t), "ALTER TABLE spans_fact ADD CONSTRAINT refuse CHECK (connection_id <> 'poison') NOT VALID")
	require.NoError(t, err)
	poison := shopSpans(99, epoch, 10)
	poison.Connection = "poison"
	batches := []*held{batch("default", telemetry.Traces, []byte("\x0a\xff?"), 1), poison}
	for seed := range 20 {
		batches = append(batches, shopSpans(uint64(seed), epoch, 10))
	}
	r.publish(batches...) // before the start, so that they share a flush
	r.start()
	r.settled(telemetry.Traces)
	segments, _ := r.store.items(telemetry.Traces)
	require.Equal(t, int64(200), segments)
	dead, err := r.bus.DeadLetters(testbed.Context(t))
	require.NoError(t, err)
	require.Equal(t, uint64(2), dead)
}

// Of a batch with items out of time the others are stored; it is a dead letter that brings the rest when more is kept.
func TestADeadLetterForItsTimesBringsWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Flush.PolicyRefresh = 0 // each flush asks
	r.start()
	h, in, old := mixed(t, telemetry.Logs, epoch.Add(-365*24*time.Hour))
	r.publish(h)
	r.settled(telemetry.Logs)
	require.Len(t, r.store.stored(t, telemetry.Logs), in)
	ctx := testbed.Context(t)
	page, err := r.bus.DeadLettersOf(ctx, bus.DeadSelection{Tenant: telemetry.DefaultTenant}, 10)
	require.NoError(t, err)
	require.Len(t, page.Letters, 1)
	require.Equal(t, "writer.time", page.Letters[0].Code)
	require.Contains(t, page.Letters[0].Reason, fmt.Sprintf("%d of the %d items", old, in+old))

	_, err = r.store.db.Pool.Exec(ctx, "UPDATE retention_policy SET days = 400")
	require.NoError(t, err)
	require.NoError(t, r.bus.ReplayDeadLetter(ctx, telemetry.DefaultTenant, page.Letters[0].Sequence))
	r.settled(telemetry.Logs)
	testbed.Eventually(t, "all of it is stored", func() bool { return len(r.store.stored(t, telemetry.Logs)) == in+old })
	require.Equal(t, flatten(t, telemetry.Logs, h.Payload), r.store.stored(t, telemetry.Logs))
	dead, err := r.bus.DeadLetters(ctx)
	require.NoError(t, err)
	require.Zero(t, dead)
}

// A crash between the commit and the acknowledgements: everything comes again, and nothing is stored twice.
func TestACrashBeforeTheAcknowledgementStoresNothingTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Bus.AckWait = time.Second
	r.nats.AckWait = time.Second
	const batches = 10
	for seed := range batches {
		r.publish(shopSpans(uint64(seed), epoch, 20))
	}
	// The first writer commits and dies without a word.
	b, err := bus.Connect(testbed.Context(t), r.nats, nil, nil)
	require.NoError(t, err)
	c, err := b.Consumer(testbed.Context(t), telemetry.Traces)
	require.NoError(t, err)
	var flush []*held
	for len(flush) < batches {
		ds, err := c.Fetch(testbed.Context(t), 100, 1<<20, time.Second)
		require.NoError(t, err)
		for _, d := range ds {
			flush = append(flush, &held{Batch: d.Batch, position: int64(d.Position)})
		}
	}
	require.Equal(t, 200, r.store.put(telemetry.Traces, flush[:7]...).items+r.store.put(telemetry.Traces, flush[7:]...).items)
	c.Close()
	b.Close()

	r.start()
	r.settled(telemetry.Traces)
	segments, rows := r.store.items(telemetry.Traces)
	require.Equal(t, int64(200), segments)
	require.Equal(t, int64(200), rows)
	require.Equal(t, int64(200), r.store.count("SELECT sum(count) FROM red_minute"))
}

func TestARestartOfTheDatabaseLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	bin := testbed.PostgresBin(t)
	home, err := os.MkdirTemp("", "ollywriter") // not below the test's private directory: the server runs as another user
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	require.NoError(t, os.Chmod(home, 0o711))
	cfg := server.Config{BinDir: bin, DataDir: filepath.Join(home, "data")}
	ctx := testbed.Context(t)
	pg, err := server.Start(ctx, cfg)
	require.NoError(t, err)
	cfg.Port = pg.Port()
	t.Cleanup(func() { require.NoError(t, pg.Stop(context.Background())) })
	dir, err := fs.Sub(schema.Migrations, schema.Dir)
	require.NoError(t, err)
	_, err = migrate.Up(ctx, migrate.Config{URL: pg.URL("postgres"), Dir: dir, Operator: "test"})
	require.NoError(t, err)

	r := &rig{t: t, nats: testbed.NATS(t), cfg: DefaultConfig()}
	pool, err := pgxpool.New(ctx, pg.URL("postgres"))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	r.store = openStore(t, &testbed.DB{URL: pg.URL("postgres"), Pool: pool}, testbed.NewClock(epoch))
	r.cfg.Bus, r.cfg.Postgres = r.nats, r.store.db.Config()
	r.cfg.Flush.QuietAfter, r.cfg.Flush.Longest = 20*time.Millisecond, 50*time.Millisecond
	r.bus, err = bus.Connect(ctx, r.nats, nil, nil)
	require.NoError(t, err)
	t.Cleanup(r.bus.Close)
	require.NoError(t, r.bus.EnsureStreams(ctx))
	r.publisher, err = r.bus.Publisher()
	require.NoError(t, err)

	env, _ := r.start()
	shop := testbed.NewShop(1, epoch)
	send := func(n int) {
		for range n {
			r.publish(batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(100)), 100))
		}
	}
	send(10)
	r.settled(telemetry.Traces)
	require.Equal(t, service.StatusOK, env.Health.Run(ctx).Status)

	require.NoError(t, pg.Stop(ctx))
	send(10)
	testbed.Eventually(t, "health says that the database is down", func() bool {
		return env.Health.Run(ctx).Status != service.StatusOK
	})
	pg, err = server.Start(ctx, cfg)
	require.NoError(t, err)
	send(10)
	r.settled(telemetry.Traces)
	segments, rows := r.store.items(telemetry.Traces)
	require.Equal(t, int64(3000), segments)
	require.Equal(t, int64(3000), rows)
	testbed.Eventually(t, "health says that all is well", func() bool {
		return env.Health.Run(ctx).Status == service.StatusOK
	})
}

func TestWriterWaitsForItsSchema(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	r := &rig{t: t, nats: testbed.NATS(t), cfg: DefaultConfig(), store: openStore(t, db, testbed.NewClock(epoch))}
	r.cfg.Bus, r.cfg.Postgres = r.nats, db.Config()
	env, stop := r.start()
	testbed.Eventually(t, "health names the missing schema", func() bool {
		report := env.Health.Run(testbed.Context(t))
		return report.Status != service.StatusOK && fmt.Sprint(report.Checks) != ""
	})
	stop()
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for field, spoil := range map[string]func(*FlushConfig){
		"flush.quiet_after":    func(f *FlushConfig) { f.QuietAfter = time.Hour },
		"flush.longest":        func(f *FlushConfig) { f.Longest = time.Hour },
		"flush.max_items":      func(f *FlushConfig) { f.MaxItems = -1 },
		"flush.max_bytes":      func(f *FlushConfig) { f.MaxBytes = -1 },
		"flush.segment_items":  func(f *FlushConfig) { f.SegmentItems = 100_000 },
		"flush.concurrency":    func(f *FlushConfig) { f.Concurrency = -1 },
		"flush.max_held_bytes": func(f *FlushConfig) { f.MaxHeldBytes = 1 },
		"flush.timeout":        func(f *FlushConfig) { f.Timeout = time.Millisecond },
		"flush.drain":          func(f *FlushConfig) { f.Drain = -1 },
		"postgres.url":         nil,
	} {
		c := DefaultConfig()
		if spoil != nil {
			spoil(&c.Flush)
		} else {
			c.Postgres.URL = "://"
		}
		require.ErrorContains(t, c.Validate(), field)
		_, err := New(c, service.NewEnv("writer", nil))
		require.Error(t, err)
	}
	require.Equal(t, fault.Internal, fault.ClassOf(settledTwice(context.Background(), nil)))
}
