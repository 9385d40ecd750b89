package engine

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// base is when the tests' telemetry happened.
func base() time.Time { return time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC) }

// TestHeaderQueries pins the text of composed statements: a change of it is seen in review.
func TestHeaderQueries(t *testing.T) {
	t.Parallel()
	day := base().Truncate(24 * time.Hour)
	for _, c := range []struct {
		name    string
		signal  telemetry.Signal
		filters string
		change  func(*Query)
		ids     []int64
		groups  passedGroups
		after   *place // of a cursor
	}{
		{name: "everything", signal: telemetry.Traces, filters: `[]`},
		{name: "cursor", signal: telemetry.Traces, filters: `[]`, after: &place{id: [16]byte{1}, maxTime: 5}},
		{
			name: "groups", signal: telemetry.Logs, filters: `[{"field":"body","operator":"contains","value":" zeppelin "}]`,
			groups: passedGroups{groups: [][16]byte{{1}}, passed: [][16]byte{{2}, {3}}},
		},
		{name: "trace", signal: telemetry.Logs, filters: `[{"field":"trace_id","operator":"eq","value":"0af7651916cd43dd8448eb211c80319c"}]`},
		{name: "traces_by_list", signal: telemetry.Traces, filters: `[]`, change: func(q *Query) { q.Traces = [][16]byte{{1}, {2}} }},
		{name: "next_page", signal: telemetry.Traces, filters: `[]`, change: func(q *Query) {
			q.After, q.MaxPosition = &Key{Time: base().UnixNano(), Position: 7}, 99
		}},
		{
			name: "failed_service", signal: telemetry.Traces, ids: []int64{11, -12},
			filters: `[{"field":"service","operator":"eq","value":"cart"},{"field":"status","operator":"eq","value":"error"},{"field":"root","operator":"eq","value":true}]`,
		},
		{
			name: "attributes", signal: telemetry.Traces,
			filters: `[{"field":"attributes.http.status_code","operator":"eq","value":200},{"field":"resource.host.name","operator":"in","value":["a","b"]}]`,
		},
		{name: "words", signal: telemetry.Logs, filters: `[{"field":"body","operator":"contains","value":"n of User-1 was p"}]`},
		{name: "metric", signal: telemetry.Metrics, filters: `[{"field":"name","operator":"eq","value":"queue.depth"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var raw []json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(c.filters), &raw))
			f, err := filter.NewParser().Parse(c.signal, raw)
			require.NoError(t, err)
			p := &Query{Tenant: "default", Signal: c.signal, From: day.Add(90 * time.Minute).UnixNano(), To: day.Add(12 * time.Hour).UnixNano(), Filter: f}
			if c.change != nil {
				c.change(p)
			}
			b := bounds{f.Bounds()}
			first := firstFetch
			if c.after != nil {
				first = 0
			}
			sql, args, err := headerQuery(must(newStatements()), p, &b, c.ids, c.groups, first, c.after)
			require.NoError(t, err)
			var got strings.Builder
			fmt.Fprintln(&got, sql)
			for i, a := range args {
				fmt.Fprintf(&got, "-- $%d = %v\n", i+1, a)
			}
			testbed.Golden(t, filepath.Join("testdata", "headers", c.name+".sql"), got.String())
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestHeadersTouchOnlyThePartitionsOfTheRange looks at what PostgreSQL does with the statement.
func TestHeadersTouchOnlyThePartitionsOfTheRange(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	ctx := testbed.Context(t)
	months(t, db)
	p := &Query{Tenant: "default", Signal: telemetry.Traces, From: base().Add(-time.Hour).UnixNano(), To: base().UnixNano(), Filter: filter.All{}}
	b := bounds{}
	sql, args, err := headerQuery(must(newStatements()), p, &b, nil, passedGroups{}, firstFetch, nil)
	require.NoError(t, err)
	rows, err := db.Pool.Query(ctx, "EXPLAIN "+sql, args...)
	require.NoError(t, err)
	text := strings.Join(must(pgx.CollectRows(rows, pgx.RowTo[string])), "\n")
	require.Contains(t, text, "y2026_m11")
	require.NotContains(t, text, "y2026_m10")
}

// months makes the partitions of five, and the days of one.
func months(t *testing.T, db *testbed.DB) {
	t.Helper()
	for n := range 5 {
		_, err := db.Pool.Exec(testbed.Context(t), "SELECT ensure_partition('spans_segment', $1), ensure_partition('spans_body', $2)",
			base().AddDate(0, -n, 0).UnixNano(), base().AddDate(0, 0, -n).UnixNano())
		require.NoError(t, err)
	}
}

// TestHeadersOpenOnlyThePartitionsOfTheirSegments: the plan is made once, for all partitions, and narrowed each time it runs. Bodies are read from
// one leaf by its key, whatever was in it when the plan was made; no other is locked, so that no reader keeps a slot that it does not read.
func TestHeadersOpenOnlyThePartitionsOfTheirSegments(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	ctx := testbed.Context(t)
	months(t, db)
	q := must(newStatements())
	in := base().Add(-time.Hour).UnixNano()
	tx, err := db.Pool.BeginTx(ctx, beginSnapshot(time.Minute, true))
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	plan := func(name, sql, args string) string {
		_, err := tx.Exec(ctx, "PREPARE "+name+" AS "+sql)
		require.NoError(t, err)
		rows, err := tx.Query(ctx, "EXPLAIN EXECUTE "+name+"('default', "+args+")")
		require.NoError(t, err)
		return strings.Join(must(pgx.CollectRows(rows, pgx.RowTo[string])), "\n")
	}
	text := plan("header", q.header[telemetry.Traces], fmt.Sprintf("'{%s}', '{%d}', %[2]d, %[2]d", strings.Repeat("f", 32), in))
	require.Contains(t, text, "Subplans Removed: ")
	require.Contains(t, text, "m11")
	require.NotContains(t, text, "m10")
	// What is asked first is in one index, in order: no header is read to count it or to find the newest.
	span := fmt.Sprintf("%d, %d, %d", in, in, base().UnixNano())
	first, _, err := headerQuery(q, &Query{Tenant: "default", Signal: telemetry.Traces, From: in, To: base().UnixNano(), Filter: filter.All{}}, &bounds{}, nil, passedGroups{}, firstFetch, nil)
	require.NoError(t, err)
	for name, sql := range map[string]string{"count": q.count[telemetry.Traces][Every], "newest": first} {
		text := plan(name, sql, span)
		require.Contains(t, text, "Index Only Scan Backward using spans_segment_y2026_m11", name)
		require.NotContains(t, text, "Sort  (", name)
		require.NotContains(t, text, "m10", name)
	}
	// With groups, only headers that these leave are read.
	by, err := filter.NewParser().Parse(telemetry.Traces, []json.RawMessage{json.RawMessage(`{"field":"trace_id","operator":"eq","value":"0af7651916cd43dd8448eb211c80319c"}`)})
	require.NoError(t, err)
	grouped, args, err := headerQuery(q, &Query{Tenant: "default", Signal: telemetry.Traces, From: in, To: base().UnixNano(), Filter: by}, &bounds{by.Bounds()}, nil,
		passedGroups{groups: [][16]byte{{1}}, passed: [][16]byte{{2}}}, firstFetch, nil)
	require.NoError(t, err)
	require.Len(t, args, 8)
	text = plan("grouped", grouped, span+", '{}', '{}', 1, '{1,2,3,4,5,6,7,8}'")
	require.Contains(t, text, "Index Only Scan Backward using spans_segment_y2026_m11")
	require.Regexp(t, `Index Cond: \(\(tenant_id = \$1\) AND \((min|max)_time = spans_segment\.(min|max)_time\) AND \(segment_id = spans_segment\.segment_id\)`, text,
		"looked up by all of a key, whichever the planner takes for an empty table")
	require.NotContains(t, text, "Sort  (")
	// What segments there are by minutes is in an index, too.
	for name, sql := range map[string]string{"untold": q.untold[telemetry.Traces], "untold places": q.untoldPlaces[telemetry.Traces]} {
		more := fmt.Sprintf(", '{%d}', '{%d}', '{%d}', '{%d}'", in, base().UnixNano(), in, base().UnixNano())
		if name != "untold" {
			more += fmt.Sprintf(", '{%d}'", in)
		}
		text := plan(strings.ReplaceAll(name, " ", "_"), sql, span+more)
		require.Equal(t, 2, strings.Count(text, "Index Only Scan Backward using spans_segment_y2026_m11"), name)
		require.NotContains(t, text, "Index Scan", name)
		require.Contains(t, text, "(max_time >= part.since)", name)
		require.NotContains(t, text, "Sort  (", name)
		require.NotContains(t, text, "Seq Scan", name)
		require.NotContains(t, text, "m10", name)
	}
	for name, of := range map[string]leaf{"spans_fresh_05": {slot: 5}, "spans_body_y2026_m11_d23": {slot: schema.Settled, day: in}} {
		text := plan("parts_"+name, q.parts(telemetry.Traces, of), fmt.Sprintf("'{%s}', '{1}', '{1}', '{1}', '{1}'", strings.Repeat("f", 32)))
		require.Contains(t, text, "Index Scan using "+name+"_pkey")
		require.NotContains(t, text, "Seq Scan")
	}
	rows, err := db.Pool.Query(ctx, "SELECT DISTINCT relation::regclass::text FROM pg_locks WHERE pid = $1 AND relation::regclass::text ~ '^spans_(fresh|body)' ORDER BY 1", tx.Conn().PgConn().PID())
	require.NoError(t, err)
	require.Equal(t, []string{"spans_body_y2026_m11_d23", "spans_body_y2026_m11_d23_pkey", "spans_fresh_05", "spans_fresh_05_pkey"}, must(pgx.CollectRows(rows, pgx.RowTo[string])))
}
