package segmentrow

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// at is when the rows of these tests begin, Unix ns.
func at() int64 { return time.Date(2026, 11, 23, 5, 17, 20, 123, time.UTC).UnixNano() }

// described is what PostgreSQL says of a column.
type described struct {
	Name, Type string
	Null       bool
}

func describe[R any](columns []column[R]) []described {
	out := make([]described, len(columns))
	for i, c := range columns {
		out[i] = described{c.name, string(c.kind), c.null}
	}
	return out
}

// lines, so that a difference is seen as one.
func lines(columns []described) string { return strings.ReplaceAll(fmt.Sprint(columns), "} {", "}\n{") }

func TestTheColumnsAreTheTables(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	all, group, fresh, settled := columns(), groupColumns(), freshColumns(), settledColumns()
	for _, signal := range telemetry.Signals() {
		of := schema.TablesOf(signal.String())
		for table, want := range map[string][]described{
			of.Segment: describe(all[:]), of.Group: describe(group[:]), of.Fresh: describe(fresh[:]), of.Body: describe(settled[:]),
			schema.FreshLeaf(of.Fresh, 7): describe(fresh[:]),
		} {
			rows, err := db.Pool.Query(testbed.Context(t), `SELECT attname::text, format_type(atttypid, atttypmod), NOT attnotnull
				FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
			require.NoError(t, err)
			got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[described])
			require.NoError(t, err)
			require.Equal(t, lines(want), lines(got), "columns of %s as declared, and as migrated", table)
		}
	}
}

// examples have a value in every column, nothing in those that can have nothing, and the ends of what a column takes.
func examples(signal telemetry.Signal) ([]Row, *Group) {
	group := &Group{
		Tenant: "red_1", Placement: "red_1/12", ID: [16]byte{15: 7}, MinTime: at() + 1, MaxTime: at() + 2, Segments: [][16]byte{{1}, {0xff, 15: 0xff}},
		Group: segment.Group{TraceBlocks: 1, TokenBlocks: 2, TraceFilter: bytes.Repeat([]byte{3}, 64), TokenFilter: bytes.Repeat([]byte{4}, 128)},
	}
	every := make([]byte, 100_000) // beyond one chunk of TOAST, and beyond one read of the client's
	for i := range every {
		every[i] = byte(i)
	}
	full := Row{ID: [16]byte{1, 15: 2}, Placement: "red_1/12", Slot: schema.Settled, Group: &group.ID, Segment: segment.Segment{
		Header: segment.Header{
			Tenant: "red_1", Signal: signal, Level: 2, Format: 3, MinTime: at(), MaxTime: at() + 4, Items: 5, Errors: 6, Roots: 7,
			MinPosition: 8, MaxPosition: 9, Checksum: -10,
			Services: []segment.ServiceStats{
				{ID: math.MinInt64, Items: 11, MaxDuration: 12, MaxErrorDuration: -1},
				{ID: -13, Items: 14, MaxDuration: math.MaxInt64, MaxErrorDuration: 15},
				{ID: math.MaxInt64, Items: math.MaxInt32, MaxDuration: 16, MaxErrorDuration: 17},
			},
		},
		TraceFilter: []byte{18, 0, 19}, TokenFilter: []byte{20}, Directory: []byte{0}, Body: every,
	}}
	none := Row{ID: [16]byte{3}, Placement: "red_1", Slot: 3, Segment: segment.Segment{
		Header: segment.Header{
			Tenant: "red_1", Signal: signal, MinTime: at() + 1, MaxTime: at() + 1, Items: 1, Services: []segment.ServiceStats{},
			MinPosition: math.MinInt64, MaxPosition: math.MaxInt64, Checksum: math.MinInt64,
		},
		TraceFilter: []byte{}, TokenFilter: []byte{}, Directory: []byte{}, Body: []byte{},
	}}
	one := Row{ID: [16]byte{4}, Placement: "red_1/0", Slot: schema.Slots - 1, Segment: segment.Segment{
		Header: segment.Header{
			Tenant: "red_1", Signal: signal, Level: math.MinInt16, Format: math.MinInt16, MinTime: at() + 2, MaxTime: at() + 2,
			Items: math.MaxInt32, Errors: math.MaxInt32, Roots: math.MinInt32, Services: []segment.ServiceStats{{Items: math.MinInt32}},
		},
		TraceFilter: []byte{}, TokenFilter: []byte{}, Directory: []byte{}, Body: []byte{21},
	}}
	return []Row{full, none, one}, group
}

func TestEveryColumnOfTheExamplesHasAValue(t *testing.T) {
	t.Parallel()
	rows, group := examples(telemetry.Traces)
	all, of := columns(), groupColumns()
	for _, c := range all {
		require.False(t, reflect.ValueOf(c.at(&rows[0])).Elem().IsZero(), c.name)
		for i := range rows[0].Services {
			require.False(t, c.of != nil && reflect.ValueOf(c.of(&rows[0].Services[i])).Elem().IsZero(), "%s of service %d", c.name, i)
		}
	}
	for _, c := range of {
		require.False(t, reflect.ValueOf(c.at(group)).Elem().IsZero(), c.name)
	}
}

// TestRowsComeOutAsTheyWentIn goes through COPY and back, in each of the ways in which pgx asks: values come in binary and as text.
func TestRowsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			ctx := testbed.Context(t)
			db := testbed.Database(t)
			want, wantGroup := examples(signal)
			tables := schema.TablesOf(signal.String())
			partitions(t, db, signal)
			require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return Copy(ctx, tx, signal, want, wantGroup) }))

			all, of := columns(), groupColumns()
			selected := Select(append(names(all[:]), "body")...)
			require.Equal(t, SelectAll().List("s"), selected.List("s"))
			for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeSimpleProtocol} {
				rows, err := db.Pool.Query(ctx, `SELECT `+selected.List("s")+`, octet_length(`+body().sql+`) FROM `+From(signal)+` ORDER BY s.min_time`, mode)
				require.NoError(t, err)
				var got []Row
				var length int
				require.NoError(t, selected.ForEach(rows, func(r *Row) error {
					require.Len(t, r.Body, length, "a further value")
					r.Signal = signal
					got = append(got, *r)
					return nil
				}, &length))
				require.Equal(t, want, got, mode)

				rows, err = db.Pool.Query(ctx, `SELECT `+list(of[:], "g")+` FROM `+tables.Group+` AS g`, mode)
				require.NoError(t, err)
				var groups []Group
				require.NoError(t, forEach(rows, of[:], func(g *Group) error { groups = append(groups, *g); return nil }, nil))
				require.Equal(t, []Group{*wantGroup}, groups, mode)
			}

			// The bodies are where their headers say, and nowhere else; who merges reads no day.
			for _, r := range want {
				var n int
				require.NoError(t, db.Pool.QueryRow(ctx, `SELECT octet_length(body) FROM `+Leaf(signal, r.Slot, r.MinTime)+` WHERE segment_id = $1`, r.ID).Scan(&n))
				require.Len(t, r.Body, n)
			}
			var all3, unsettled int
			require.NoError(t, db.Pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM `+tables.Fresh+`) + (SELECT count(*) FROM `+tables.Body+`)`).Scan(&all3))
			require.Equal(t, len(want), all3)
			require.NoError(t, db.Pool.QueryRow(ctx, `SELECT count(*) FROM `+FromFresh(signal)+` WHERE `+freshBody().sql+` <> ''`).Scan(&unsettled))
			require.Equal(t, 1, unsettled, "of the two in slots one has a body")

			// What a writer sends: rows built ahead.
			var streams Streams
			streams.Reset()
			for i := range want {
				want[i].ID[0] += 100
				streams.Append(&want[i])
			}
			require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return streams.Send(ctx, tx, signal) }))
			var n int
			require.NoError(t, db.Pool.QueryRow(ctx, `WITH whole AS (SELECT s.*, `+body().sql+` AS body FROM `+From(signal)+`)
				SELECT count(*) FROM whole a JOIN whole b USING (min_time, body, checksum) WHERE a.segment_id < b.segment_id`).Scan(&n))
			require.Equal(t, len(want), n)
		})
	}
}

// TestABodyThatIsGoneIsNothing: the header is there to say what is missing.
func TestABodyThatIsGoneIsNothing(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	rows, _ := examples(telemetry.Logs)
	partitions(t, db, telemetry.Logs)
	require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return Copy(ctx, tx, telemetry.Logs, rows, nil) }))
	_, err := db.Pool.Exec(ctx, `TRUNCATE logs_fresh, logs_body`)
	require.NoError(t, err)
	whole, n := SelectAll(), 0
	got, err := db.Pool.Query(ctx, `SELECT `+whole.List("s")+` FROM `+From(telemetry.Logs))
	require.NoError(t, err)
	require.NoError(t, whole.ForEach(got, func(r *Row) error {
		require.NotNil(t, r.Body)
		require.Empty(t, r.Body)
		n++
		return nil
	}))
	require.Equal(t, 3, n)
}

// TestSlots: a writer's minute and the janitor's hour each have one, and the same again after a turn of the ring.
func TestSlots(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 5, 59, 59, 999, time.UTC)
	for minute := range 40 {
		then := now.Add(time.Duration(minute) * time.Minute)
		slot := SlotOf(LevelFlush, then)
		require.True(t, slot >= 0 && slot < schema.MinuteSlots, slot)
		require.Equal(t, (SlotOf(LevelFlush, now)+minute)%schema.MinuteSlots, slot)
		require.Equal(t, slot, SlotOf(LevelFlush, then.Truncate(time.Minute)))
		require.Equal(t, slot, SlotOf(LevelFlush, then.In(time.FixedZone("x", 12345))))
	}
	for hour := range 9 {
		then := now.Add(time.Duration(hour) * time.Hour)
		slot := SlotOf(LevelGathered, then)
		require.True(t, slot >= schema.MinuteSlots && slot < schema.Slots, slot)
		require.Equal(t, (SlotOf(LevelGathered, now)-schema.MinuteSlots+hour)%schema.HourSlots, slot-schema.MinuteSlots)
	}
	require.Equal(t, schema.Settled, SlotOf(LevelSettled, now))
	require.Equal(t, "logs_fresh_07", Leaf(telemetry.Logs, 7, now.UnixNano()))
}

// TestADaysLeafIsNamedAsTheDatabaseNamesIt: readers find it by its name.
func TestADaysLeafIsNamedAsTheDatabaseNamesIt(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	for _, at := range []time.Time{
		time.Unix(0, at()), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 2, 29, 23, 59, 59, 999_999_999, time.UTC), time.Date(2100, 12, 31, 1, 2, 3, 4, time.UTC),
	} {
		var name string
		require.NoError(t, db.Pool.QueryRow(ctx, `SELECT ensure_partition('spans_body', $1)`, at.UnixNano()).Scan(&name))
		require.Equal(t, name, Leaf(telemetry.Traces, schema.Settled, at.UnixNano()))
	}
}

// partitions makes those that the examples need.
func partitions(t testing.TB, db *testbed.DB, signal telemetry.Signal) {
	t.Helper()
	of := schema.TablesOf(signal.String())
	for _, table := range []string{of.Segment, of.Group, of.Body} {
		_, err := db.Pool.Exec(testbed.Context(t), `SELECT ensure_partition($1, $2)`, table, at())
		require.NoError(t, err)
	}
}

// TestNothingIsLeftOfTheRowBefore: a column that was not selected is zero, and arrays of services that do not run along with one another
// are damage, not a wrong header.
func TestNothingIsLeftOfTheRowBefore(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	rows, _ := examples(telemetry.Logs)
	partitions(t, db, telemetry.Logs)
	require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return Copy(ctx, tx, telemetry.Logs, rows, nil) }))
	few := Select("items", "service_max_duration", "service_ids")
	read := func() (got []Row, err error) {
		rows, err := db.Pool.Query(ctx, `SELECT `+few.List("s")+` FROM logs_segment AS s ORDER BY min_time`)
		require.NoError(t, err)
		return got, few.ForEach(rows, func(r *Row) error { got = append(got, *r); return nil })
	}
	got, err := read()
	require.NoError(t, err)
	require.Len(t, got, 3)
	for i := range got {
		want := Row{Segment: segment.Segment{Header: segment.Header{Items: rows[i].Items, Services: []segment.ServiceStats{}}}}
		for _, s := range rows[i].Services {
			want.Services = append(want.Services, segment.ServiceStats{ID: s.ID, MaxDuration: s.MaxDuration})
		}
		require.Equal(t, want, got[i])
	}
	for _, ids := range []string{"{1,2}", "{}", "{{1},{2},{3}}"} {
		_, err := db.Pool.Exec(ctx, `UPDATE logs_segment SET service_ids = $1::text::bigint[] WHERE cardinality(service_items) = 3`, ids)
		require.NoError(t, err)
		_, err = read()
		require.Equal(t, "segment.damaged", fault.From(err).Code, ids)
	}
}

// TestAFigureThatCameLater: rows from before it have an empty array, which is no damage and leaves zero, wherever it stands in the list.
func TestAFigureThatCameLater(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	rows, _ := examples(telemetry.Logs)
	partitions(t, db, telemetry.Logs)
	require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return Copy(ctx, tx, telemetry.Logs, rows[:1], nil) }))
	_, err := db.Pool.Exec(ctx, `UPDATE logs_segment SET service_items = '{}'`)
	require.NoError(t, err)
	all := columns()
	for _, order := range [][]string{{"service_items", "service_ids"}, {"service_ids", "service_items"}} {
		some := pick(all[:], order)
		read := func() (got []segment.ServiceStats, err error) {
			rows, err := db.Pool.Query(ctx, `SELECT `+list(some, "s")+` FROM logs_segment AS s`)
			require.NoError(t, err)
			return got, forEach(rows, some, func(r *Row) error { got = r.Services; return nil }, nil)
		}
		_, err := read()
		require.Equal(t, "segment.damaged", fault.From(err).Code)
		for i := range some {
			some[i].late = some[i].name == "service_items"
		}
		got, err := read()
		require.NoError(t, err)
		require.Len(t, got, 3)
		for i, s := range rows[0].Services {
			require.Equal(t, segment.ServiceStats{ID: s.ID}, got[i])
		}
	}
}

func TestAnUnknownColumnIsNotSelected(t *testing.T) {
	t.Parallel()
	require.Equal(t, "coalesce(fresh.body, settled.body, ''), s.group_id", Select("body", "group_id").List("s"))
	require.PanicsWithValue(t, `segmentrow: there is no column "bodies"`, func() { Select("body", "bodies") })
}

// TestAppendAllocatesNothing, once the stream has its memory: it stands in the writer's flush.
func TestAppendAllocatesNothing(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	rows, _ := examples(telemetry.Traces)
	var streams Streams
	for _, r := range rows {
		require.Zero(t, testing.AllocsPerRun(10, func() {
			streams.Reset()
			streams.Append(&r)
		}))
	}
}

// TestNewGroup puts the filters of real segments into one row.
func TestNewGroup(t *testing.T) {
	t.Parallel()
	table := segment.NewTable("red", telemetry.Traces)
	shop := testbed.NewShop(1, time.Unix(0, at()))
	var rows []Row
	for i := range 3 {
		table.Reset()
		_, err := table.Append(shop.Payload(telemetry.Traces, 50), int64(i))
		require.NoError(t, err)
		for _, part := range table.Slices(segment.MaxItems) {
			s, err := table.Encode(part, 2)
			require.NoError(t, err)
			rows = append(rows, New(s, "default", time.Unix(0, at())))
		}
	}
	ids := map[[16]byte]bool{}
	g := NewGroup(rows)
	require.Equal(t, telemetry.Tenant("red"), g.Tenant)
	for i, r := range rows {
		ids[r.ID] = true
		require.Equal(t, g.ID, *r.Group)
		require.Equal(t, r.ID, g.Segments[i])
		require.Empty(t, r.TokenFilter)
		require.NotEmpty(t, r.TraceFilter)
		require.LessOrEqual(t, g.MinTime, r.MinTime)
		require.GreaterOrEqual(t, g.MaxTime, r.MaxTime)
	}
	require.Len(t, ids, len(rows))
	require.Len(t, g.TokenFilter, g.TokenBlocks*len(rows)*32)
	require.Len(t, g.TraceFilter, g.TraceBlocks*len(rows)*32)
}

// BenchmarkAppend is one row of 40 services and a body of 40 kB.
func BenchmarkAppend(b *testing.B) {
	rows, _ := examples(telemetry.Traces)
	r := rows[0]
	r.Body = make([]byte, 40_000)
	for i := range 40 {
		r.Services = append(r.Services, segment.ServiceStats{ID: int64(i)})
	}
	var streams Streams
	b.ReportAllocs()
	for b.Loop() {
		streams.Reset()
		streams.Append(&r)
	}
}

// BenchmarkForEach reads a thousand headers of 40 services, as a query does that has not seen them.
func BenchmarkForEach(b *testing.B) {
	ctx := testbed.Context(b)
	db := testbed.Database(b)
	example, _ := examples(telemetry.Traces)
	rows := make([]Row, 1000)
	for i := range rows {
		rows[i] = example[0]
		rows[i].ID, rows[i].Group, rows[i].Body, rows[i].TraceFilter = newID(), nil, nil, make([]byte, 1024)
		for k := range 40 {
			rows[i].Services = append(rows[i].Services[:3+k:3+k], segment.ServiceStats{ID: int64(k)})
		}
	}
	partitions(b, db, telemetry.Traces)
	require.NoError(b, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return Copy(ctx, tx, telemetry.Traces, rows, nil) }))
	selected := Select("segment_id", "min_time", "max_time", "items", "errors", "service_ids", "service_max_duration", "service_max_error_duration",
		"trace_filter", "directory")
	b.Run(strconv.Itoa(len(rows)), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got, err := db.Pool.Query(ctx, `SELECT `+selected.List("s")+` FROM spans_segment AS s`)
			require.NoError(b, err)
			n := 0
			require.NoError(b, selected.ForEach(got, func(*Row) error { n++; return nil }))
			require.Len(b, rows, n)
		}
	})
}
