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
			q.After, q.MaxPosition = &Key{base().UnixNano(), 7, 0}, 99
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
	for day := range 5 {
		_, err := db.Pool.Exec(ctx, "SELECT ensure_partition('spans_segment', $1)", base().AddDate(0, 0, -day).UnixNano())
		require.NoError(t, err)
	}
	p := &Query{Tenant: "default", Signal: telemetry.Traces, From: base().Add(-time.Hour).UnixNano(), To: base().UnixNano(), Filter: filter.All{}}
	b := bounds{}
	sql, args, err := headerQuery(must(newStatements()), p, &b, nil, passedGroups{}, firstFetch, nil)
	require.NoError(t, err)
	rows, err := db.Pool.Query(ctx, "EXPLAIN "+sql, args...)
	require.NoError(t, err)
	text := strings.Join(must(pgx.CollectRows(rows, pgx.RowTo[string])), "\n")
	require.Contains(t, text, "d23")
	require.NotContains(t, text, "d22")
}

// TestPartsOpenOnlyThePartitionsOfTheirSegments: the plan is made once, for all partitions, and narrowed each time it runs.
func TestPartsOpenOnlyThePartitionsOfTheirSegments(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	ctx := testbed.Context(t)
	for day := range 5 {
		_, err := db.Pool.Exec(ctx, "SELECT ensure_partition('spans_segment', $1)", base().AddDate(0, 0, -day).UnixNano())
		require.NoError(t, err)
	}
	q := must(newStatements())
	in := base().Add(-time.Hour).UnixNano()
	tx, err := db.Pool.BeginTx(ctx, beginSnapshot(time.Minute))
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	for name, c := range map[string]struct{ sql, args string }{
		"parts":  {q.parts[telemetry.Traces], fmt.Sprintf("'{%s}', '{%d}', '{1}', '{1}', %[2]d, %[2]d", strings.Repeat("f", 32), in)},
		"header": {q.header[telemetry.Traces], fmt.Sprintf("'{%s}', '{%d}', %[2]d, %[2]d", strings.Repeat("f", 32), in)},
	} {
		_, err := tx.Exec(ctx, "PREPARE "+name+" AS "+c.sql)
		require.NoError(t, err)
		rows, err := tx.Query(ctx, "EXPLAIN EXECUTE "+name+"('default', "+c.args+")")
		require.NoError(t, err)
		text := strings.Join(must(pgx.CollectRows(rows, pgx.RowTo[string])), "\n")
		require.Contains(t, text, "Subplans Removed: ", name)
		require.Contains(t, text, "d23", name)
		require.NotContains(t, text, "d22", name)
	}
}
