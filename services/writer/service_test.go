package writer

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

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
		case <-time.After(testbed.Patience):
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

// publishAtOnce sends each batch by a call of its own, as many senders do at a time, and says how many messages hold them.
func (r *rig) publishAtOnce(batches []*held) int {
	r.t.Helper()
	before, err := r.bus.Pending(testbed.Context(r.t), telemetry.Traces)
	require.NoError(r.t, err)
	var sending sync.WaitGroup
	for _, h := range batches {
		sending.Go(func() {
			if _, err := r.publisher.Publish(testbed.Context(r.t), []telemetry.Batch{h.Batch}); err != nil {
				r.t.Error(err)
			}
		})
	}
	sending.Wait()
	after, err := r.bus.Pending(testbed.Context(r.t), telemetry.Traces)
	require.NoError(r.t, err)
	return int(after.LastPosition - before.LastPosition)
}

// Small batches that share messages are stored once each, in whatever company they are sent again; one that cannot be stored is a dead letter alone, and is
// stored when it is replayed.
func TestBatchesThatShareAMessageAreStoredForThemselves(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	pool := r.store.db.Pool
	_, err := pool.Exec(testbed.Context(t), "ALTER TABLE spans_fact ADD CONSTRAINT refuse CHECK (connection_id <> 'bad') NOT VALID")
	require.NoError(t, err)
	const good, bad = 150, 10
	var all []*held
	for seed := range good {
		all = append(all, shopSpans(uint64(seed), epoch, 2))
	}
	for seed := range bad {
		h := shopSpans(uint64(1000+seed), epoch, 2)
		if h.Connection = "bad"; seed == 0 {
			h = batch("default", telemetry.Traces, []byte("\x0a\xff?"), 1) // no OTLP
		}
		all = append(all, h)
	}
	random := rand.New(rand.NewPCG(1, 2))
	shuffle := func() { random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) }
	shuffle()
	require.Less(t, r.publishAtOnce(all), good/2, "messages")
	r.start()
	r.settled(telemetry.Traces)
	letters := func() int {
		page, err := r.bus.DeadLettersOf(testbed.Context(t), bus.DeadSelection{Tenant: "default"}, 1000)
		require.NoError(t, err)
		return len(page.Letters)
	}
	segments, _ := r.store.items(telemetry.Traces)
	require.Equal(t, int64(2*good), segments)
	require.Equal(t, bad, letters())

	again := slices.DeleteFunc(slices.Clone(all), func(h *held) bool { return h.Connection == "bad" || h.Items == 1 })
	for len(again) > 0 { // in other company each, and some of it twice
		n := min(len(again), 1+random.IntN(40))
		r.publishAtOnce(append(slices.Clone(again[:n]), again[0]))
		again = again[n:]
	}
	r.settled(telemetry.Traces)
	segments, rows := r.store.items(telemetry.Traces)
	require.Equal(t, int64(2*good), segments)
	require.Equal(t, int64(2*good), rows)
	require.Equal(t, bad, letters())

	_, err = pool.Exec(testbed.Context(t), "ALTER TABLE spans_fact DROP CONSTRAINT refuse")
	require.NoError(t, err)
	page, err := r.bus.DeadLettersOf(testbed.Context(t), bus.DeadSelection{Tenant: "default"}, 1000)
	require.NoError(t, err)
	for _, letter := range page.Letters {
		require.NoError(t, r.bus.ReplayDeadLetter(testbed.Context(t), "default", letter.Sequence))
	}
	r.settled(telemetry.Traces)
	segments, _ = r.store.items(telemetry.Traces)
	require.Equal(t, int64(2*(good+bad-1)), segments)
	require.Equal(t, 1, letters(), "what is no OTLP is none again")
}

// refuse makes the database refuse rows of a table, by a trigger that raises a code; when is what is so refused.
func (r *rig) refuse(table, when, code string) (drop func()) {
	r.t.Helper()
	name := "refuse_" + code
	_, err := r.store.db.Pool.Exec(testbed.Context(r.t), fmt.Sprintf(`CREATE FUNCTION %[1]s() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'row of %% refused, host db-7.internal', NEW.tenant_id USING ERRCODE = '%[2]s'; END $$;
		CREATE TRIGGER %[1]s BEFORE INSERT ON %[3]s FOR EACH ROW WHEN (%[4]s) EXECUTE FUNCTION %[1]s()`, name, code, table, when))
	require.NoError(r.t, err)
	return func() {
		r.t.Helper()
		_, err := r.store.db.Pool.Exec(testbed.Context(r.t), fmt.Sprintf(`DROP FUNCTION %s CASCADE`, name))
		require.NoError(r.t, err)
	}
}

// flood is bad batches among as many good ones, in an order that is no pattern, of three spans each; the bad come on a connection "bad".
func flood(of, n int) []*held {
	var all []*held
	for i := range 2 * n {
		h := shopSpans(uint64(of+i), epoch, 3)
		if i%2 == 0 {
			h.Connection, h.Tenant = "bad", "shop"
			h.Request = telemetry.NewRequestID(h.Tenant, h.Signal, h.Payload)
		}
		all = append(all, h)
	}
	rand.New(rand.NewPCG(uint64(of), 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// Batches that PostgreSQL refuses for what they hold hold up nobody, become dead letters, each of them and none else, and are stored when
// the reason is gone and they are replayed.
func TestAFloodOfBatchesThatPostgreSQLRefusesHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bad    int
		refuse func(*rig) (drop func())
		reason string
	}{
		"constraint": {150, func(r *rig) func() {
			_, err := r.store.db.Pool.Exec(testbed.Context(t), "ALTER TABLE spans_fact ADD CONSTRAINT no_bad CHECK (connection_id <> 'bad') NOT VALID")
			require.NoError(t, err)
			return func() {
				_, err := r.store.db.Pool.Exec(testbed.Context(t), "ALTER TABLE spans_fact DROP CONSTRAINT no_bad")
				require.NoError(t, err)
			}
		}, `PostgreSQL refuses this batch and takes others: SQLSTATE 23514, constraint "no_bad"`},
		"trigger": {
			60,
			func(r *rig) func() { return r.refuse("spans_segment", "NEW.tenant_id = 'shop'", "P0001") },
			"PostgreSQL refuses this batch and takes others: SQLSTATE P0001",
		},
		"encoding": {
			60,
			func(r *rig) func() { return r.refuse("resource_dim", "NEW.tenant_id = 'shop'", "22021") },
			"PostgreSQL refuses this batch and takes others: SQLSTATE 22021",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			drop, bad := c.refuse(r), c.bad
			r.publish(flood(1000, bad)...) // before the start: they share flushes
			began := time.Now()
			var log bytes.Buffer
			env := testbed.Env(t)
			env.Now, env.Log = r.store.clock.Now, slog.New(slog.NewTextHandler(&log, nil))
			stop := r.run(r.cfg, env)
			testbed.Eventually(t, "the good ones are stored", func() bool {
				return r.store.count("SELECT coalesce(sum(items), 0) FROM spans_segment WHERE tenant_id = 'default'") == int64(3*bad)
			})
			t.Logf("%d good batches among %d bad ones stored after %s", bad, bad, time.Since(began))
			r.settled(telemetry.Traces)
			page, err := r.bus.DeadLettersOf(testbed.Context(t), bus.DeadSelection{Tenant: "shop"}, 1000)
			require.NoError(t, err)
			require.Len(t, page.Letters, bad)
			for _, letter := range page.Letters {
				require.Equal(t, "postgres.data", letter.Code)
				require.Contains(t, letter.Reason, c.reason)
				require.NotContains(t, letter.Reason, "db-7", "what the server says besides is in the log")
				require.Equal(t, 1, letter.Attempts)
			}
			dead, err := r.bus.DeadLetters(testbed.Context(t))
			require.NoError(t, err)
			require.Equal(t, uint64(bad), dead, "and no other's")

			drop()
			require.NoError(t, r.bus.ReplayDeadLetter(testbed.Context(t), "shop", page.Letters[7].Sequence))
			testbed.Eventually(t, "the replayed one is stored", func() bool {
				return r.store.count("SELECT coalesce(sum(items), 0) FROM spans_segment WHERE tenant_id = 'shop'") == 3
			})
			r.settled(telemetry.Traces)
			stop()
			require.Less(t, strings.Count(log.String(), "\n"), 20, log.String())
		})
	}
}

// Batches that alone provoke an error which is not known to be the data's hold their places no longer than bus.max_attempts tries, and no one's health suffers.
func TestABatchThatIsRefusedAgainAndAgainIsADeadLetter(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"XX000", "0A000"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.cfg.Bus.MaxAttempts = 3
			drop := r.refuse("spans_segment", "NEW.tenant_id = 'shop'", code)
			r.publish(flood(1000, 4)...)
			_, stop := r.start()
			testbed.Eventually(t, "the good ones are stored", func() bool {
				return r.store.count("SELECT coalesce(sum(items), 0) FROM spans_segment WHERE tenant_id = 'default'") == 12
			})
			r.settled(telemetry.Traces)
			require.NoError(t, r.writer.pipelines[telemetry.Traces].health())
			page, err := r.bus.DeadLettersOf(testbed.Context(t), bus.DeadSelection{Tenant: "shop"}, 1000)
			require.NoError(t, err)
			require.Len(t, page.Letters, 4)
			for _, letter := range page.Letters {
				require.Equal(t, "postgres.refused_alone", letter.Code)
				require.Equal(t, 3, letter.Attempts)
				require.Contains(t, letter.Reason, "PostgreSQL refuses this batch again and again and takes others: SQLSTATE "+code)
				require.NotContains(t, letter.Reason, "db-7", "what the server says besides is in the log")
			}
			drop()
			require.NoError(t, r.bus.ReplayDeadLetter(testbed.Context(t), "shop", page.Letters[3].Sequence))
			testbed.Eventually(t, "the replayed one is stored", func() bool {
				return r.store.count("SELECT coalesce(sum(items), 0) FROM spans_segment WHERE tenant_id = 'shop'") == 3
			})
			stop()
		})
	}
}

// What is wrong with the database costs no batch, however often it is met: neither where everything is refused for a reason that sounds like the data's.
func TestTroubleOfTheDatabaseMakesNoDeadLetter(t *testing.T) {
	t.Parallel()
	sql := func(do, undo string) func(*rig) func() {
		return func(r *rig) func() {
			exec := func(sql string) {
				_, err := r.store.db.Pool.Exec(testbed.Context(r.t), sql)
				require.NoError(r.t, err)
			}
			exec(do)
			return func() { exec(undo) }
		}
	}
	raise := func(code string) func(*rig) func() {
		return func(r *rig) func() { return r.refuse("spans_segment", "true", code) }
	}
	for name, trouble := range map[string]func(*rig) (drop func()){
		"connection":            raise("08006"),
		"shutdown":              raise("57P01"),
		"no connection is free": raise("53300"),
		"disk":                  raise("53100"),
		"memory":                raise("53200"),
		"input and output":      raise("58030"),
		"read-only":             raise("25006"),
		"a lock":                raise("55P03"),
		"a deadlock":            raise("40P01"),
		"a time limit":          raise("57014"),
		"no right":              raise("42501"),
		"corrupted":             raise("XX001"),
		"of no kind":            raise("XX000"),
		"a trigger for all":     raise("P0001"),
		"a table missing":       sql("ALTER TABLE spans_fact RENAME TO away", "ALTER TABLE away RENAME TO spans_fact"),
		"a column missing":      sql("ALTER TABLE spans_fact RENAME connection_id TO away", "ALTER TABLE spans_fact RENAME away TO connection_id"),
		"a constraint for all": sql("ALTER TABLE spans_segment ADD CONSTRAINT never CHECK (items < 0) NOT VALID",
			"ALTER TABLE spans_segment DROP CONSTRAINT never"),
		"a column that must be": sql("ALTER TABLE spans_segment ADD must integer NOT NULL", "ALTER TABLE spans_segment DROP must"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			drop := trouble(r)
			var all []*held
			for seed := range 40 {
				all = append(all, shopSpans(uint64(seed), epoch, 3))
			}
			r.publish(all...)
			_, stop := r.start()
			p := r.writer.pipelines[telemetry.Traces]
			testbed.Eventually(t, "it is tried again, and shows", func() bool {
				p.mu.Lock()
				failures := p.failures
				p.mu.Unlock()
				return failures >= 2 && p.health() != nil
			})
			dead, err := r.bus.DeadLetters(testbed.Context(t))
			require.NoError(t, err)
			require.Zero(t, dead)
			drop()
			r.settled(telemetry.Traces)
			segments, rows := r.store.items(telemetry.Traces)
			require.Equal(t, []int64{120, 120}, []int64{segments, rows})
			dead, err = r.bus.DeadLetters(testbed.Context(t))
			require.NoError(t, err)
			require.Zero(t, dead)
			stop()
		})
	}
}

// What is wrong with the database where only some flushes go costs no batch either, however many or few go there: what is updated, one partition, the rows of
// one tenant.
func TestTroubleOfAPartOfTheDatabaseMakesNoDeadLetter(t *testing.T) {
	t.Parallel()
	raise := func(code, when, table string) string {
		return fmt.Sprintf(`CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '%s'; END $$;
			CREATE TRIGGER trouble BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION trouble()`, code, when, table)
	}
	old := epoch.Add(-48 * time.Hour)
	for name, c := range map[string]struct {
		n    int
		at   time.Time // of the batches
		want string    // SQL that is asked for the table; the first batch is stored in it
		sql  func(table string) string
	}{
		"usage is not updated":         {2, epoch, "SELECT 'tenant_usage'", func(table string) string { return raise("55000", "UPDATE", table) }},
		"nor for a reason of the data": {2, epoch, "SELECT 'tenant_usage'", func(table string) string { return raise("P0001", "UPDATE", table) }},
		"a leaf of segments":           {2, old, "SELECT tableoid::regclass::text FROM spans_segment LIMIT 1", func(table string) string { return raise("XX000", "INSERT", table) }},
		"a leaf of rows":               {2, epoch, "SELECT tableoid::regclass::text FROM spans_fact LIMIT 1", func(table string) string { return raise("P0001", "INSERT", table) }},
		"a leaf of bodies":             {2, old, "SELECT tableoid::regclass::text FROM spans_fresh LIMIT 1", func(table string) string { return raise("0A000", "INSERT", table) }},
		"what no control flush can meet": {9, epoch, "SELECT 'spans_segment'", func(table string) string {
			return strings.Replace(raise("55000", "INSERT", table), "FOR EACH ROW", "FOR EACH ROW WHEN (NEW.tenant_id = 'default')", 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.cfg.Bus.MaxAttempts = 3
			_, stop := r.start()
			before := 0 // until each flusher has a row of usage: what it has, it updates
			for ; r.store.count("SELECT count(DISTINCT part) FROM tenant_usage") < int64(r.cfg.Flush.Concurrency); before++ {
				r.publish(shopSpans(uint64(100+before), c.at, 3))
				r.settled(telemetry.Traces)
			}
			table := ""
			require.NoError(t, r.store.db.Pool.QueryRow(testbed.Context(t), c.want).Scan(&table))
			_, err := r.store.db.Pool.Exec(testbed.Context(t), c.sql(table))
			require.NoError(t, err)
			for i := range c.n {
				r.publish(shopSpans(uint64(10+i), c.at, 3))
			}
			p := r.writer.pipelines[telemetry.Traces]
			began := time.Now()
			testbed.Eventually(t, "it is told, also after more than three tries", func() bool {
				return time.Since(began) > 6*time.Second && p.health() != nil
			})
			require.ErrorContains(t, p.health(), "given back")
			dead, err := r.bus.DeadLetters(testbed.Context(t))
			require.NoError(t, err)
			require.Zero(t, dead)
			_, err = r.store.db.Pool.Exec(testbed.Context(t), "DROP FUNCTION trouble CASCADE")
			require.NoError(t, err)
			r.settled(telemetry.Traces)
			segments, _ := r.store.items(telemetry.Traces)
			require.EqualValues(t, 3*(before+c.n), segments)
			require.NoError(t, p.health())
			dead, err = r.bus.DeadLetters(testbed.Context(t))
			require.NoError(t, err)
			require.Zero(t, dead)
			stop()
		})
	}
}

// What came often while the database refused everything is no dead letter for being refused alone once.
func TestTriesOfAnOutageDoNotCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Bus.MaxAttempts = 3
	drop := r.refuse("spans_segment", "true", "42501")
	r.publish(shopSpans(1, epoch, 3))
	_, stop := r.start()
	testbed.Eventually(t, "tried more often than it may fail by itself", func() bool {
		p := r.writer.pipelines[telemetry.Traces]
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.failures >= 4
	})
	stop()
	drop()
	drop = r.refuse("spans_segment", "NEW.tenant_id <> 'ollyscale-control-flush'", "XX000")
	_, stop = r.start()
	testbed.Eventually(t, "refused alone", func() bool {
		a := &r.writer.pipelines[telemetry.Traces].alone
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.seen) == 1
	})
	drop()
	r.settled(telemetry.Traces)
	segments, _ := r.store.items(telemetry.Traces)
	require.EqualValues(t, 3, segments)
	dead, err := r.bus.DeadLetters(testbed.Context(t))
	require.NoError(t, err)
	require.Zero(t, dead)
	stop()
}

// ofResource is a batch of one span of a resource.
func ofResource(service string, n byte) *held {
	td := ptrace.NewTraces()
	resource := td.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", service)
	span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("work")
	span.SetTraceID(pcommon.TraceID{1, n})
	span.SetSpanID(pcommon.SpanID{1, n})
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(epoch))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(epoch))
	return batch(telemetry.DefaultTenant, telemetry.Traces, testbed.TracesPayload(td), 1)
}

// That the database takes batches for which everything is there already proves nothing: what refuses every new resource buries no batch that has one.
func TestWhatIsKnownAlreadyProvesNoGuilt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(ofResource("known", 0))
	_, stop := r.start()
	r.settled(telemetry.Traces)
	drop := r.refuse("resource_dim", "true", "P0001")
	var mixed []*held
	for i := range byte(20) {
		mixed = append(mixed, ofResource("known", 1+i), ofResource(fmt.Sprint("new ", i), 100+i))
	}
	r.publish(mixed...)
	p := r.writer.pipelines[telemetry.Traces]
	testbed.Eventually(t, "it is tried again", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.failures >= 2
	})
	dead, err := r.bus.DeadLetters(testbed.Context(t))
	require.NoError(t, err)
	require.Zero(t, dead)
	drop()
	r.settled(telemetry.Traces)
	segments, _ := r.store.items(telemetry.Traces)
	require.EqualValues(t, 41, segments)
	dead, err = r.bus.DeadLetters(testbed.Context(t))
	require.NoError(t, err)
	require.Zero(t, dead)
	stop()
}

// A writer that is killed while it looks for the guilty loses nothing and stores nothing twice, and no batch has two letters.
func TestAWriterKilledWhileItLooksForTheGuilty(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Bus.AckWait, r.nats.AckWait = 2*time.Second, 2*time.Second
	r.refuse("ingest_batch", "NEW.items = 4", "P0001")
	const bad, neighbours = 100, 10
	all := flood(5000, bad) // of one tenant: it is looked for among batches that lie together
	for i, h := range all {
		if h.Connection == "bad" {
			h = shopSpans(uint64(7000+i), epoch, 4)
		}
		h.Tenant = "shop"
		h.Request = telemetry.NewRequestID(h.Tenant, h.Signal, h.Payload)
		all[i] = h
	}
	for i := range neighbours {
		h := shopSpans(uint64(9000+i), epoch, 3)
		h.Tenant = telemetry.Tenant(fmt.Sprintf("t%d", i))
		h.Request = telemetry.NewRequestID(h.Tenant, h.Signal, h.Payload)
		all = append(all, h)
	}
	r.publish(all...)
	const afterRun, before, after = "after the run", "before a commit", "after a commit"
	for _, killed := range []string{afterRun, before, after, after} {
		env := testbed.Env(t)
		env.Now = r.store.clock.Now
		w, err := New(r.cfg, env)
		require.NoError(t, err)
		w.db.now = env.Now // the day is the tests', not the database's
		c, err := w.bus.Consumer(testbed.Context(t), telemetry.Traces)
		require.NoError(t, err)
		var flush []*held
		testbed.Eventually(t, "a flush of many", func() bool {
			more, err := consumer(c, env.Now, func(_ context.Context, d bus.Delivery) (int64, error) { return int64(d.Position), nil })(testbed.Context(t), 1024, 1<<20, time.Second)
			require.NoError(t, err)
			flush = append(flush, more...)
			return len(flush) > bad/2
		})
		f := w.flusher(telemetry.Traces)
		run, ran := f.all, false
		f.all = func(ctx context.Context, batches []*held) ([]stored, [][]*held) {
			done, left := run(ctx, batches)
			if ran = true; killed == afterRun {
				runtime.Goexit()
			}
			return done, left
		}
		store, calls := f.store, 0
		f.store = func(ctx context.Context, batches []*held) (outcome, error) {
			calls++
			if calls > 30 && killed == before {
				runtime.Goexit()
			}
			out, err := store(ctx, batches)
			if calls > 30 && err == nil {
				runtime.Goexit()
			}
			return out, err
		}
		died := make(chan struct{})
		go func() {
			defer close(died)
			_ = f.flush(testbed.Context(t), flush)
		}()
		<-died
		c.Close()
		w.bus.Close()
		w.pool.Close()
		require.True(t, ran)
		require.Equal(t, killed != afterRun, calls > 30, "it was killed in the middle")
	}
	r.start()
	r.settled(telemetry.Traces)
	segments, _ := r.store.items(telemetry.Traces)
	require.Equal(t, int64(3*(bad+neighbours)), segments)
	require.Equal(t, segments, r.store.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
	page, err := r.bus.DeadLettersOf(testbed.Context(t), bus.DeadSelection{Tenant: "shop"}, 1000)
	require.NoError(t, err)
	ids := map[string]bool{}
	for _, letter := range page.Letters {
		ids[letter.Batch] = true
	}
	require.Len(t, ids, bad)
	require.Len(t, page.Letters, bad)
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
	db := &testbed.DB{URL: pg.URL("postgres"), Pool: pool}
	db.KeepRows(t)
	r.store = openStore(t, db, testbed.NewClock(epoch))
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
	pool.Reset() // the connections with which this test counts ended with the server
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
	for _, taken := range []time.Duration{0, time.Minute} {
		c := DefaultConfig()
		c.Flush.PolicyRefresh = taken
		require.NoError(t, c.Validate())
	}
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
		"flush.policy_refresh": func(f *FlushConfig) { f.PolicyRefresh = 61 * time.Second }, // olly.rows promises rows after a minute
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
