package janitor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// fixture is a janitor on a fresh database, with a clock, and a writer's hand to put segments in.
type fixture struct {
	t     testing.TB
	db    *testbed.DB
	clock *testbed.Clock
	s     *Service
	next  atomic.Int64 // ingest position
}

// start is in the middle of an hour and a minute.
func start() time.Time { return time.Date(2026, 11, 23, 5, 17, 20, 0, time.UTC) }

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, db: testbed.Database(t), clock: testbed.NewClock(start())}
	f.s = f.janitor(change...)
	t.Cleanup(func() {
		f.s.resign()
		f.s.pool.Close()
	})
	return f
}

func (f *fixture) janitor(change ...func(*Config)) *Service {
	f.t.Helper()
	cfg := DefaultConfig()
	cfg.Postgres = f.db.Config()
	cfg.Merge.Duty = 1
	cfg.Wait = 5 * time.Second
	for _, c := range change {
		c(&cfg)
	}
	env := testbed.Env(f.t)
	env.Now = f.clock.Now
	s, err := New(cfg, env)
	require.NoError(f.t, err)
	return s
}

// flush stores a payload as the writer does: small segments of level 0.
func (f *fixture) flush(tenant telemetry.Tenant, signal telemetry.Signal, payload []byte) {
	f.t.Helper()
	require.NoError(f.t, f.tryFlush(tenant, signal, payload))
}

func (f *fixture) tryFlush(tenant telemetry.Tenant, signal telemetry.Signal, payload []byte) error {
	ctx := testbed.Context(f.t)
	table := segment.NewTable(tenant, signal)
	if _, err := table.Append(payload, f.next.Add(1)); err != nil {
		return err
	}
	var segments []*segment.Segment
	for _, rows := range table.Slices(1000) {
		seg, err := table.Encode(rows, 0)
		if err != nil {
			return err
		}
		segments = append(segments, seg)
	}
	return postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		for _, seg := range segments {
			if _, err := tx.Exec(ctx, `SELECT ensure_partition($1, $2)`, segmentTable(signal), seg.MinTime); err != nil {
				return err
			}
		}
		return insert(ctx, tx, segmentTable(signal), segments)
	})
}

// item names an item of a tenant; content is its OTLP, alone in a request.
type item struct{ position, ordinal int64 }

// contents reads every item of a tenant and signal. An item that is there twice fails the test.
func (f *fixture) contents(tenant telemetry.Tenant, signal telemetry.Signal) map[item]string {
	f.t.Helper()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT items, format, checksum, directory, body FROM `+segmentTable(signal)+` WHERE tenant_id = $1`, tenant)
	require.NoError(f.t, err)
	defer rows.Close()
	out := map[item]string{}
	for rows.Next() {
		seg := &segment.Segment{}
		require.NoError(f.t, rows.Scan(&seg.Items, &seg.Format, &seg.Checksum, &seg.Directory, &seg.Body))
		table := segment.NewTable(tenant, signal)
		require.NoError(f.t, add(table, seg))
		for i := range table.N {
			id := item{table.Ints[segment.ColPosition][i], table.Ints[segment.ColOrdinal][i]}
			require.NotContains(f.t, out, id, "an item is there twice")
			out[id] = string(table.OTLP([]uint32{uint32(i)}))
		}
	}
	require.NoError(f.t, rows.Err())
	return out
}

// levels counts the segments of each level.
func (f *fixture) levels(tenant telemetry.Tenant, signal telemetry.Signal) map[int]int {
	f.t.Helper()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT level, count(*)::int FROM `+segmentTable(signal)+` WHERE tenant_id = $1 GROUP BY level`, tenant)
	require.NoError(f.t, err)
	out := map[int]int{}
	var level, n int
	_, err = pgx.ForEachRow(rows, []any{&level, &n}, func() error { out[level] = n; return nil })
	require.NoError(f.t, err)
	return out
}

func (f *fixture) pass() {
	f.t.Helper()
	require.NoError(f.t, f.s.pass(testbed.Context(f.t)))
}

func TestMergingKeepsEveryItemAsItWas(t *testing.T) {
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			f := newFixture(t)
			shop := testbed.NewShop(1, start())
			shop.Traces(100)
			// Every field there is, bulk over three minutes, and data of an hour ago that comes late.
			f.flush("red", signal, testbed.Sample(signal, start()))
			for range 6 {
				f.flush("red", signal, shop.Payload(signal, 800))
			}
			late := testbed.NewShop(2, start().Add(-time.Hour))
			for range 3 {
				f.flush("red", signal, late.Payload(signal, 50))
			}
			f.flush("blue", signal, testbed.Sample(signal, start()))
			f.flush("blue", signal, shop.Payload(signal, 10))
			before, blue := f.contents("red", signal), f.contents("blue", signal)
			require.Greater(t, len(before), 4_800, "more than one full segment")
			small := f.levels("red", signal)[0]

			f.pass()
			require.Positive(t, f.levels("red", signal)[0], "nothing of an open minute is merged")

			f.clock.Set(start().Add(10 * time.Minute))
			f.pass()
			require.Equal(t, before, f.contents("red", signal))
			require.Equal(t, blue, f.contents("blue", signal))
			levels := f.levels("red", signal)
			require.Positive(t, levels[1])
			require.Less(t, levels[0]+levels[1]+levels[2], small)

			f.clock.Set(start().Add(2 * time.Hour))
			f.pass()
			require.Equal(t, before, f.contents("red", signal))
			require.Equal(t, blue, f.contents("blue", signal))
			levels = f.levels("red", signal)
			require.Positive(t, levels[2])
			require.LessOrEqual(t, levels[0]+levels[1], 1, "at most one is left alone")

			f.pass()
			require.Equal(t, levels, f.levels("red", signal), "there is nothing left to do")
		})
	}
}

func TestMergedHeadersSayWhatIsInThem(t *testing.T) {
	f := newFixture(t)
	shop := testbed.NewShop(3, start())
	for range 5 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 500))
	}
	sums := func() (out [6]int64) {
		require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT min(min_time), max(max_time), sum(items), sum(errors), sum(roots),
			sum((SELECT sum(n) FROM unnest(service_items) n)) FROM spans_segment`).Scan(&out[0], &out[1], &out[2], &out[3], &out[4], &out[5]))
		return out
	}
	positions := func() (out [2]int64) {
		require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT min(min_position), max(max_position) FROM spans_segment`).Scan(&out[0], &out[1]))
		return out
	}
	before, places := sums(), positions()
	f.clock.Set(start().Add(2 * time.Hour))
	f.pass()
	require.Equal(t, before, sums())
	require.Equal(t, places, positions())
	require.Equal(t, map[int]int{1: 1}, f.levels("default", telemetry.Traces), "one segment of a minute needs no second merge")

	var action, details string
	var items int64
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT action, items, details->>'level' FROM janitor_audit WHERE tenant_id = 'default' AND action = 'merge' ORDER BY audit_id DESC LIMIT 1`).Scan(&action, &items, &details))
	require.Equal(t, int64(2500), items)
}

// Readers see each item once at every instant, and writers go on, while segments are swapped.
func TestMergingBesideReadersAndWriters(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Merge.MaxItems = 2 * segment.MaxItems })
	shop := testbed.NewShop(4, start())
	for range 24 {
		f.flush("steady", telemetry.Traces, shop.Payload(telemetry.Traces, 250))
	}
	f.clock.Set(start().Add(2 * time.Hour))

	ctx, stop := context.WithCancel(testbed.Context(t))
	var wg sync.WaitGroup
	var wrong atomic.Pointer[string]
	complain := func(format string, args ...any) { s := fmt.Sprintf(format, args...); wrong.CompareAndSwap(nil, &s) }
	reads, writes := 0, 0
	wg.Go(func() {
		for ctx.Err() == nil {
			var items int64
			if err := f.db.Pool.QueryRow(ctx, `SELECT sum(items) FROM spans_segment WHERE tenant_id = 'steady'`).Scan(&items); err != nil {
				if ctx.Err() == nil {
					complain("read: %v", err)
				}
				return
			}
			if items != 6_000 {
				complain("a reader sees %d items of 6000", items)
			}
			reads++
		}
	})
	wg.Go(func() {
		lively := testbed.NewShop(5, start())
		for ctx.Err() == nil && writes < 30 {
			if err := f.tryFlush("lively", telemetry.Traces, lively.Payload(telemetry.Traces, 100)); err != nil {
				complain("write: %v", err)
				return
			}
			writes++
		}
	})
	for range 3 {
		require.NoError(t, f.s.pass(testbed.Context(t)))
	}
	testbed.Eventually(t, "the writer is done", func() bool {
		var items int
		err := f.db.Pool.QueryRow(ctx, `SELECT coalesce(sum(items), 0) FROM spans_segment WHERE tenant_id = 'lively'`).Scan(&items)
		return err == nil && items == 3000 || wrong.Load() != nil
	})
	stop()
	wg.Wait()
	if p := wrong.Load(); p != nil {
		t.Fatal(*p)
	}
	require.Positive(t, reads)
	f.pass()
	require.Len(t, f.contents("steady", telemetry.Traces), 6_000)
	require.Len(t, f.contents("lively", telemetry.Traces), 3_000)
}

// A merge that dies on the way leaves everything as it was: here its server process ends between DELETE and COMMIT.
func TestACrashHalfWayChangesNothing(t *testing.T) {
	for name, act := range map[string]string{
		"an error":               `RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'`,
		"the end of its session": `PERFORM pg_terminate_backend(pg_backend_pid())`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx := testbed.Context(t)
			f := newFixture(t)
			shop := testbed.NewShop(6, start())
			for range 4 {
				f.flush("default", telemetry.Logs, shop.Payload(telemetry.Logs, 200))
			}
			before := f.contents("default", telemetry.Logs)
			levels := f.levels("default", telemetry.Logs)
			_, err := f.db.Pool.Exec(ctx, `CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+act+`; RETURN NULL; END $$;
				CREATE TRIGGER boom AFTER INSERT ON logs_segment FOR EACH ROW WHEN (new.level > 0) EXECUTE FUNCTION boom()`)
			require.NoError(t, err)
			f.clock.Set(start().Add(2 * time.Minute))
			require.Error(t, f.s.pass(ctx))
			require.Equal(t, before, f.contents("default", telemetry.Logs))
			require.Equal(t, levels, f.levels("default", telemetry.Logs))

			_, err = f.db.Pool.Exec(ctx, `DROP TRIGGER boom ON logs_segment`)
			require.NoError(t, err)
			f.pass()
			require.Equal(t, before, f.contents("default", telemetry.Logs))
			require.Equal(t, map[int]int{1: 1}, f.levels("default", telemetry.Logs), "the next pass does it")
		})
	}
}

// A tenant's data is deleted while the janitor has it in its hands: it must not come back.
func TestWhatIsDeletedMeanwhileStaysDeleted(t *testing.T) {
	ctx := testbed.Context(t)
	f := newFixture(t)
	shop := testbed.NewShop(7, start())
	for range 3 {
		f.flush("gone", telemetry.Metrics, shop.Payload(telemetry.Metrics, 100))
	}
	f.clock.Set(start().Add(10 * time.Minute))
	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, `DELETE FROM metrics_segment WHERE tenant_id = 'gone'`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- f.s.pass(ctx) }()
	testbed.Eventually(t, "the janitor waits for the deletion", func() bool {
		var waiting int
		err := f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting == 1
	})
	require.NoError(t, tx.Commit(ctx))
	require.NoError(t, <-done)
	require.Empty(t, f.contents("gone", telemetry.Metrics))
}

func TestADamagedSegmentIsLeftAndItsNeighboursMerged(t *testing.T) {
	ctx := testbed.Context(t)
	f := newFixture(t)
	shop := testbed.NewShop(8, start())
	for range 4 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 100))
	}
	_, err := f.db.Pool.Exec(ctx, `UPDATE spans_segment SET body = set_byte(body, 0, get_byte(body, 0) # 255) WHERE min_position = 2`)
	require.NoError(t, err)
	f.clock.Set(start().Add(2 * time.Minute))
	for range 2 {
		f.pass()
		require.Equal(t, map[int]int{0: 1, 1: 1}, f.levels("default", telemetry.Traces))
	}
	var items int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT items FROM spans_segment WHERE level = 1`).Scan(&items))
	require.Equal(t, 300, items)
}

func TestGroupsAreBounded(t *testing.T) {
	members := func(items ...int) (out []member) {
		for _, n := range items {
			out = append(out, member{Items: n})
		}
		return out
	}
	sizes := func(groups [][]member) (out []int) {
		for _, g := range groups {
			out = append(out, len(g))
		}
		return out
	}
	require.Empty(t, groups(nil, 10))
	require.Empty(t, groups(members(5), 10), "one has nothing to merge with")
	require.Equal(t, []int{2}, sizes(groups(members(5, 5), 10)))
	require.Equal(t, []int{2, 2}, sizes(groups(members(5, 5, 5, 1), 10)))
	require.Empty(t, groups(members(20, 20, 20), 10), "none fits beside another")
	require.Equal(t, []int{2}, sizes(groups(members(20, 1, 2, 20), 10)))
}
