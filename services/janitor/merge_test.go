package janitor

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
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
	cfg.Partitions.Ahead, cfg.Partitions.HoursAhead = time.Hour, time.Hour // making a hundred takes a second
	cfg.Wait = 5 * time.Second
	for _, c := range change {
		c(&cfg)
	}
	env := testbed.Env(f.t)
	env.Now = f.clock.Now
	s, err := New(cfg, env)
	require.NoError(f.t, err)
	s.now = f.clock.Now
	return s
}

// flush stores a payload as the writer does: small segments of level 0.
func (f *fixture) flush(tenant telemetry.Tenant, signal telemetry.Signal, payload []byte) {
	f.t.Helper()
	require.NoError(f.t, f.tryFlush(tenant, signal, payload))
}

func (f *fixture) tryFlush(tenant telemetry.Tenant, signal telemetry.Signal, payload []byte) error {
	return f.tryFlushAt(tenant.Placement(0, 1), signal, payload)
}

func (f *fixture) tryFlushAt(at telemetry.Placement, signal telemetry.Signal, payload []byte) error {
	ctx := testbed.Context(f.t)
	table := segment.NewTable(at.Tenant(), signal)
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
		rows, group := rowsOf(segments, nil, at, f.clock.Now())
		return segmentrow.Copy(ctx, tx, signal, rows, group)
	})
}

// contents are all items of a tenant and signal in the order in which they came in: (position, ordinal) of each, and one request with all of
// them, which has the same bytes as long as every item has its fields, its values, its resource and its scope.
type contents struct {
	places  [][2]int64
	request []byte
}

// contents reads every item of a tenant and signal. An item that is there twice fails the test.
func (f *fixture) contents(tenant telemetry.Tenant, signal telemetry.Signal) contents {
	f.t.Helper()
	whole := segmentrow.SelectAll()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT `+whole.List("s")+` FROM `+segmentrow.From(signal)+` WHERE s.tenant_id = $1`, tenant)
	require.NoError(f.t, err)
	table := segment.NewTable(tenant, signal)
	require.NoError(f.t, whole.ForEach(rows, func(r *segmentrow.Row) error { return add(table, &r.Segment) }))
	if table.N == 0 {
		return contents{}
	}
	place := func(row uint32) [2]int64 {
		return [2]int64{table.Ints[segment.ColPosition][row], table.Ints[segment.ColOrdinal][row]}
	}
	order := make([]uint32, table.N)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := place(a), place(b)
		return slices.Compare(x[:], y[:])
	})
	out := contents{places: make([][2]int64, table.N), request: table.OTLP(order)}
	for i, row := range order {
		out.places[i] = place(row)
	}
	require.Len(f.t, slices.Compact(slices.Clone(out.places)), table.N, "an item is there twice")
	return out
}

// same compares without printing megabytes.
func same(t *testing.T, want, got contents) {
	t.Helper()
	require.Len(t, got.places, len(want.places), "number of items")
	require.Equal(t, want.places, got.places)
	require.True(t, bytes.Equal(want.request, got.request), "the items have changed")
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
	require.Empty(f.t, f.s.tables, "what merges were made in is not kept between passes")
}

func TestMergingKeepsEveryItemAsItWas(t *testing.T) {
	t.Parallel()
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
			require.Greater(t, len(before.places), 4_800, "more than one full segment")
			require.Greater(t, len(before.request), 100*4_800)
			small := f.levels("red", signal)[0]

			f.pass()
			require.Positive(t, f.levels("red", signal)[0], "nothing of an open minute is merged")

			f.clock.Set(start().Add(10 * time.Minute))
			f.pass()
			same(t, before, f.contents("red", signal))
			same(t, blue, f.contents("blue", signal))
			levels := f.levels("red", signal)
			require.Positive(t, levels[1])
			require.Less(t, levels[0]+levels[1]+levels[2], small)

			f.clock.Set(start().Add(2 * time.Hour))
			f.pass()
			same(t, before, f.contents("red", signal))
			same(t, blue, f.contents("blue", signal))
			levels = f.levels("red", signal)
			require.Positive(t, levels[2])
			require.LessOrEqual(t, levels[0]+levels[1], 1, "at most one is left alone")

			f.pass()
			require.Equal(t, levels, f.levels("red", signal), "there is nothing left to do")
		})
	}
}

func TestMergedHeadersSayWhatIsInThem(t *testing.T) {
	t.Parallel()
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
	require.Equal(t, map[int]int{2: 1}, f.levels("default", telemetry.Traces), "what is of a closed hour is settled at once")

	var action, details string
	var items int64
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT action, items, details->>'level' FROM janitor_audit WHERE tenant_id = 'default' AND action = 'merge' ORDER BY audit_id DESC LIMIT 1`).Scan(&action, &items, &details))
	require.Equal(t, int64(2500), items)
	require.Equal(t, "2", details)
}

// Readers see each item once at every instant, and writers go on, while segments are swapped.
func TestMergingBesideReadersAndWriters(t *testing.T) {
	t.Parallel()
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
	require.Len(t, f.contents("steady", telemetry.Traces).places, 6_000)
	require.Len(t, f.contents("lively", telemetry.Traces).places, 3_000)
}

// A merge that dies on the way leaves everything as it was: here its server process ends between DELETE and COMMIT.
func TestACrashHalfWayChangesNothing(t *testing.T) {
	t.Parallel()
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
			same(t, before, f.contents("default", telemetry.Logs))
			require.Equal(t, levels, f.levels("default", telemetry.Logs))

			_, err = f.db.Pool.Exec(ctx, `DROP TRIGGER boom ON logs_segment`)
			require.NoError(t, err)
			f.pass()
			same(t, before, f.contents("default", telemetry.Logs))
			require.Equal(t, map[int]int{1: 1}, f.levels("default", telemetry.Logs), "the next pass does it")
		})
	}
}

// A tenant's data is deleted while the janitor has it in its hands: it must not come back.
func TestWhatIsDeletedMeanwhileStaysDeleted(t *testing.T) {
	t.Parallel()
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
	require.Empty(t, f.contents("gone", telemetry.Metrics).places)
}

func TestADamagedSegmentIsLeftAndItsNeighboursMerged(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	shop := testbed.NewShop(8, start())
	for range 4 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 100))
	}
	_, err := f.db.Pool.Exec(ctx, `UPDATE spans_fresh SET body = set_byte(body, 0, get_byte(body, 0) # 255)
		WHERE segment_id = (SELECT segment_id FROM spans_segment WHERE min_position = 2)`)
	require.NoError(t, err)
	f.clock.Set(start().Add(2 * time.Minute))
	for range 2 {
		f.pass()
		require.Equal(t, map[int]int{0: 1, 1: 1}, f.levels("default", telemetry.Traces))
	}
	var items int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT items FROM spans_segment WHERE level = 1`).Scan(&items))
	require.Equal(t, 300, items)

	// It keeps no slot from being emptied: it is put by, as it is.
	f.clock.Set(start().Add(5 * time.Minute))
	f.pass()
	require.Equal(t, map[int]int{0: 1, 1: 1}, f.levels("default", telemetry.Traces))
	f.clock.Set(start().Add(2 * time.Hour))
	f.pass()
	require.Equal(t, map[int]int{0: 1, 2: 1}, f.levels("default", telemetry.Traces))
	var wrong int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM spans_body JOIN spans_segment USING (segment_id) WHERE min_position = 2 AND max_position = 2 AND octet_length(body) > 0`).Scan(&wrong))
	require.Equal(t, 1, wrong, "its bytes are there for whoever can do something with them")
	f.clock.Advance(4 * time.Minute) // two hours are some turns of the ring: the slot seemed to be of now
	f.pass()
	require.Empty(t, f.full(telemetry.Traces))
}

func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
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
	most := bound{10, 1000, 5000}
	require.Empty(t, groups(nil, most))
	require.Equal(t, []int{1}, sizes(groups(members(5), most)))
	require.Equal(t, []int{2}, sizes(groups(members(5, 5), most)))
	require.Equal(t, []int{2, 2}, sizes(groups(members(5, 5, 5, 1), most)))
	require.Equal(t, []int{1, 1, 1}, sizes(groups(members(20, 20, 20), most)), "none fits beside another")
	require.Equal(t, []int{1, 2, 1}, sizes(groups(members(20, 1, 2, 20), most)))

	large := members(1, 1, 1, 1, 1, 1)
	for i, n := range []int64{400, 400, 400, 600, 1500, 1} {
		large[i].Bytes = n
	}
	require.Equal(t, []int{2, 2, 1, 1}, sizes(groups(large, most)), "bytes bound a group too")

	repeated := members(1, 1, 1, 1, 1)
	for i, n := range []int64{2500, 2500, 1, 6000, 4999} {
		repeated[i].Decoded = n
	}
	require.Equal(t, []int{2, 1, 1, 1}, sizes(groups(repeated, most)), "and what they are decoded")
}

// Values that repeat themselves are stored in next to nothing: 7 GB of them in a thousand flushes of a few kB, decoded at once. The bounds of a group
// are those of what its directories say; what is made is no larger than a flush.
func TestAGroupOfWhatRepeatsItselfIsBoundedByWhatItIsDecoded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const flushes, each = 24, 7 // below a writer's bound of one segment
	ctx := testbed.Context(t)
	n := 0
	flush := func(tenant telemetry.Tenant) {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "echo")
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for range each {
			n++
			o := spans.AppendEmpty()
			o.SetTraceID(pcommon.TraceID{1, byte(n), byte(n >> 8)})
			o.SetSpanID(pcommon.SpanID{1, byte(n), byte(n >> 8)})
			o.SetName("ok")
			o.Attributes().PutStr("blob", fmt.Sprint(n, strings.Repeat("a", 1<<20)))
			o.SetStartTimestamp(pcommon.NewTimestampFromTime(start()))
			o.SetEndTimestamp(pcommon.NewTimestampFromTime(start().Add(time.Millisecond)))
		}
		f.flush(tenant, telemetry.Traces, testbed.TracesPayload(td))
	}
	flush("default")
	members, err := f.s.members(ctx, telemetry.Traces, segmentrow.LevelGathered, "default", 0, start().Add(time.Hour).UnixNano())
	require.NoError(t, err)
	require.Len(t, members, 1)
	require.Greater(t, members[0].Decoded, int64(each<<20))
	require.Less(t, members[0].Bytes, int64(1<<18))

	// A thousand of these.
	many := make([]member, 1000)
	for i := range many {
		many[i] = members[0]
	}
	runs := groups(many, bound{f.s.cfg.Merge.MaxItems, maxGroupBytes, maxGroupDecoded})
	require.Greater(t, len(runs), 1000*each>>8)
	for _, run := range runs {
		var sum int64
		for _, m := range run {
			sum += m.Decoded
		}
		require.LessOrEqual(t, sum, int64(maxGroupDecoded))
	}

	for range flushes - 1 {
		flush("default")
	}
	f.clock.Set(start().Add(2 * time.Minute))
	f.pass()
	members, err = f.s.members(ctx, telemetry.Traces, segmentrow.LevelSettled, "default", 0, start().Add(time.Hour).UnixNano())
	require.NoError(t, err)
	items := 0
	for _, m := range members {
		items += m.Items
		require.Less(t, m.Decoded, int64(64<<20))
	}
	require.Equal(t, flushes*each, items)
	require.Less(t, len(members), flushes)
	require.Zero(t, f.levels("default", telemetry.Traces)[0])
}

// TestPlacementsAreMergedApart: what lies together is put together and settled, each placement for itself, and its filters are grouped there.
func TestPlacementsAreMergedApart(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	shop := testbed.NewShop(31, start())
	want := map[string]int64{"a": 0, "a/0": 0, "a/1": 0, "b": 0}
	for range 3 {
		for at := range want {
			payload := shop.Payload(telemetry.Logs, 40)
			require.NoError(t, f.tryFlushAt(telemetry.Placement(at), telemetry.Logs, payload))
			want[at] += 40
		}
	}
	look := func() (segments int) {
		t.Helper()
		rows, err := f.db.Pool.Query(ctx, `SELECT placement, sum(items), count(*) FROM logs_segment GROUP BY placement`)
		require.NoError(t, err)
		got := map[string]int64{}
		var at string
		var items int64
		var n int
		_, err = pgx.ForEachRow(rows, []any{&at, &items, &n}, func() error { got[at], segments = items, segments+n; return nil })
		require.NoError(t, err)
		require.Equal(t, want, got)
		return segments
	}
	require.Equal(t, 12, look())
	before := map[telemetry.Tenant]contents{"a": f.contents("a", telemetry.Logs), "b": f.contents("b", telemetry.Logs)}
	f.clock.Advance(5 * time.Minute)
	f.pass()
	require.Equal(t, 4, look(), "one of each minute")
	f.clock.Advance(3 * time.Hour)
	f.pass()
	require.Equal(t, 4, look())
	for tenant, c := range before {
		require.Equal(t, c, f.contents(tenant, telemetry.Logs))
	}
	var astray int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM logs_segment s WHERE NOT EXISTS (SELECT FROM logs_body b
		WHERE b.segment_id = s.segment_id AND b.placement = s.placement)`).Scan(&astray))
	require.Zero(t, astray, "the body lies where its header does")
}

// Windows that cannot be done, more than one look brings, keep no other from its turn: a pass goes on behind the last that it has seen.
func TestWindowsThatCannotBeMergedKeepNoOtherWaiting(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(41, start())
	for range 2 {
		f.flush("a", telemetry.Logs, shop.Payload(telemetry.Logs, 5))
		f.flush("z", telemetry.Logs, shop.Payload(telemetry.Logs, 5))
	}
	// Headers without bodies.
	_, err := f.db.Pool.Exec(testbed.Context(t), `INSERT INTO logs_segment SELECT (jsonb_populate_record(s, jsonb_build_object(
		'tenant_id', 'b' || n, 'placement', 'b' || n, 'segment_id', gen_random_uuid()))).*
		FROM logs_segment AS s CROSS JOIN generate_series(1, $1) AS n WHERE s.tenant_id = 'a'`, windowsPerPass+10)
	require.NoError(t, err)
	f.clock.Set(start().Add(2 * time.Minute))
	f.pass()
	require.Equal(t, map[int]int{0: 2}, f.levels("b1", telemetry.Logs))
	require.Equal(t, map[int]int{1: 1}, f.levels("z", telemetry.Logs))
}
