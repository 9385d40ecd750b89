package writer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// macros replaces Grafana's macros as its PostgreSQL source does (pkg/tsdb/grafana-postgresql-datasource documents them), for a range of a dashboard.
func macros(sql string, from, to time.Time) string {
	stamp := func(at time.Time) string { return "'" + at.UTC().Format(time.RFC3339Nano) + "'" }
	sql = strings.NewReplacer("$__timeFrom()", stamp(from), "$__timeTo()", stamp(to), "$__interval", "'1m'").Replace(sql)
	sql = regexp.MustCompile(`\$__timeFilter\(([^)]+)\)`).ReplaceAllString(sql, "$1 BETWEEN "+stamp(from)+" AND "+stamp(to))
	seconds := map[string]string{"1m": "60", "5m": "300"}
	return regexp.MustCompile(`\$__timeGroupAlias\(([^,]+),\s*'([^']+)'\)`).ReplaceAllStringFunc(sql, func(s string) string {
		m := regexp.MustCompile(`\(([^,]+),\s*'([^']+)'\)`).FindStringSubmatch(s)
		return fmt.Sprintf(`floor(extract(epoch from %s)/%s)*%s AS "time"`, m[1], seconds[m[2]], seconds[m[2]])
	})
}

// shopNow is a writer on a database with three hours of the shop until now, and a reader of it: its queries are those of people who ask for the last hour.
func shopNow(t *testing.T) (*store, *pgx.Conn) {
	t.Helper()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	db.KeepRows(t)
	now := time.Now()
	s := openStore(t, db, testbed.NewClock(now))
	for back := range 7 {
		shop := testbed.NewShop(uint64(back), now.Add(time.Minute-time.Duration(back+1)*30*time.Minute))
		for _, signal := range telemetry.Signals() {
			held := batch(telemetry.DefaultTenant, signal, shop.Payload(signal, 300), 0)
			held.Received, held.arrived = now, now
			require.Empty(t, s.put(signal, held).refused)
		}
	}
	// A record that tells of a span, and one that is a map.
	_, err := db.Pool.Exec(ctx, `INSERT INTO logs_fact SELECT f.start_time AS "time", f.start_time_unix_nano, NULL, f.trace_id, f.span_id, f.service_id, f.resource_id, f.scope_id,
		0, 0, 17, f.tenant_id, NULL, 'ERROR', NULL, NULL, '{"user": {"id": 7}}', NULL FROM spans_fact f WHERE f.status_code = 2 LIMIT 1`)
	require.NoError(t, err)
	// ended is not ended: its end is no time.
	_, err = db.Pool.Exec(ctx, `UPDATE spans_fact SET duration_nano = -start_time_unix_nano WHERE (start_time, span_id) IN (
		SELECT start_time, span_id FROM spans_fact WHERE parent_span_id IS NOT NULL ORDER BY start_time DESC LIMIT 1)`)
	require.NoError(t, err)
	_, err = db.Pool.Exec(ctx, `UPDATE spans_fact SET duration_nano = 250000000, status_code = 2 WHERE (start_time, span_id) IN (
		SELECT start_time, span_id FROM spans_fact WHERE start_time < now() AND parent_span_id IS NULL ORDER BY start_time DESC LIMIT 1)`)
	require.NoError(t, err)
	_, err = db.Pool.Exec(ctx, `ANALYZE`)
	require.NoError(t, err)

	role := "olly_reader_" + db.Name
	_, err = db.Pool.Exec(ctx, `CREATE ROLE `+pgx.Identifier{role}.Sanitize()+` LOGIN PASSWORD 'reader'`)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Pool.Exec(testbed.Context(t), fmt.Sprintf(`DROP OWNED BY %[1]s; DROP ROLE %[1]s`, pgx.Identifier{role}.Sanitize()))
		require.NoError(t, err)
	})
	_, err = db.Pool.Exec(ctx, `SELECT olly.grant_read($1, 'default')`, role)
	require.NoError(t, err)
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	cfg.User, cfg.Password = role, "reader"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(ctx))) })
	return s, conn
}

// explained is the plan of a statement, as the reader has it executed.
func explained(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	rows, err := conn.Query(testbed.Context(t), "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) "+sql)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

// leavesRead are the partitions of rows that a plan read.
func leavesRead(plan string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.SplitSeq(plan, "\n") {
		if !strings.Contains(line, "never executed") {
			for _, leaf := range regexp.MustCompile(`(?:spans|logs|metrics)_fact_y\d+_m\d+_d\d+_h\d+`).FindAllString(line, -1) {
				out[leaf[:strings.Index(leaf, "_h")+4]] = true
			}
		}
	}
	return out
}

// TestSQLPage: every query of docs/sql.md answers with something, to a reader that was let in as the page says, and reads no hour that it need not; what the page
// says of times, traces and columns holds.
func TestSQLPage(t *testing.T) {
	t.Parallel()
	s, conn := shopNow(t)
	t.Run("every query answers", func(t *testing.T) { everyQueryAnswers(t, s, conn) })
	t.Run("rows are pruned by time", func(t *testing.T) { rowsArePruned(t, s, conn) })
	t.Run("traces", func(t *testing.T) { tracesBySQL(t, s, conn) })
}

func everyQueryAnswers(t *testing.T, s *store, conn *pgx.Conn) {
	t.Helper()
	ctx := testbed.Context(t)
	page, err := os.ReadFile(filepath.Join(testbed.Root(t), "docs", "sql.md"))
	require.NoError(t, err)
	var trace string
	require.NoError(t, conn.QueryRow(ctx, `SELECT replace(trace_id::text, '-', '') FROM olly.traces WHERE start_time > now() - interval '1 hour' LIMIT 1`).Scan(&trace))
	queries := regexp.MustCompile("(?s)```sql\n-- query: ([^\n]+)\n(.*?);\n```").FindAllStringSubmatch(string(page), -1)
	require.GreaterOrEqual(t, len(queries), 10+4)
	for _, q := range queries {
		sql := strings.ReplaceAll(macros(q[2], s.now().Add(-time.Hour), s.now()), "$trace", trace)
		rows, err := conn.Query(ctx, sql)
		require.NoError(t, err, q[1])
		n := 0
		for rows.Next() {
			n++
		}
		require.NoError(t, rows.Err(), q[1])
		require.Positive(t, n, "%s: no answer", q[1])
		hours := 2 // an hour's range meets two
		switch {
		case strings.Contains(sql, "'3 hours'"):
			hours = 4 * strings.Count(sql, "'3 hours'")
		case strings.Contains(sql, "'2 hours'"):
			hours = 3
		case strings.Contains(sql, "olly.traces"):
			continue // looks for spans of its traces in hours around them
		}
		plan := explained(t, conn, sql)
		require.LessOrEqual(t, len(leavesRead(plan)), hours, "%s\n%s", q[1], plan)
		if strings.Contains(sql, "olly.") && !strings.Contains(sql, "olly.rows") && !strings.Contains(sql, "grafana_trace") { // a function's plan is not shown
			require.NotEmpty(t, leavesRead(plan), q[1])
		}
	}
}

// rowsArePruned: by the times that people filter by, constants or not, and by an index within the hour, also for readers.
func rowsArePruned(t *testing.T, s *store, conn *pgx.Conn) {
	t.Helper()
	ctx := testbed.Context(t)
	var all int
	require.NoError(t, s.db.Pool.QueryRow(ctx, `SELECT count(*) FROM partitions('spans_fact')`).Scan(&all))
	require.Greater(t, all, 3)
	for view, column := range map[string]string{"olly.spans": "start_time", "olly.traces": "start_time", "olly.logs": "time", "olly.metrics": "time"} {
		for _, where := range []string{
			column + ` BETWEEN now() - interval '5 minutes' AND now()`,
			column + ` >= ` + pgQuote(s.now().Add(-5*time.Minute)) + ` AND ` + column + ` < ` + pgQuote(s.now()),
		} {
			plan := explained(t, conn, `SELECT count(*) FROM `+view+` WHERE `+where)
			require.LessOrEqual(t, len(leavesRead(plan)), 2, "%s %s\n%s", view, where, plan)
		}
	}
	// What the whole trace amounts to is not looked for where nobody asks for it.
	plan := explained(t, conn, `SELECT start_time, service, name, duration_ms FROM olly.traces WHERE start_time > now() - interval '1 hour'`)
	require.NotContains(t, plan, "Aggregate", plan)
	require.Contains(t, explained(t, conn, `SELECT spans FROM olly.traces WHERE start_time > now() - interval '1 hour'`), "Aggregate")

	_, err := conn.Exec(ctx, `SET enable_seqscan = off`)
	require.NoError(t, err)
	defer func() {
		_, err := conn.Exec(ctx, `RESET enable_seqscan`)
		require.NoError(t, err)
	}()
	require.Contains(t, explained(t, conn, `SELECT count(*) FROM olly.spans WHERE start_time > now() - interval '50 minutes'`), "Index Cond: (start_time > ", "under row-level security, too")
}

func pgQuote(at time.Time) string { return "'" + at.UTC().Format(time.RFC3339Nano) + "'" }

// tracesBySQL: a row a root, with what the trace amounts to; nonsense durations are none.
func tracesBySQL(t *testing.T, s *store, conn *pgx.Conn) {
	t.Helper()
	ctx := testbed.Context(t)
	wrong := s.count(`SELECT count(*) FROM olly.traces t JOIN (
		SELECT trace_id, count(*) AS spans, count(*) FILTER (WHERE status_code = 2) AS errors, min(start_time_unix_nano) AS first,
			max(CASE WHEN duration_nano < 0 THEN start_time_unix_nano ELSE start_time_unix_nano + duration_nano END) AS last
		FROM spans_fact GROUP BY trace_id) w USING (trace_id)
		WHERE (t.spans, t.errors, t.first_time, t.last_time) IS DISTINCT FROM (w.spans, w.errors, olly.at(w.first), olly.at(w.last))`)
	require.Zero(t, wrong)
	require.Equal(t, s.count(`SELECT count(*) FROM spans_fact WHERE parent_span_id IS NULL`), s.count(`SELECT count(*) FROM olly.traces`))
	require.Equal(t, int64(1), s.count(`SELECT count(*) FROM olly.spans WHERE duration_ms IS NULL AND end_time IS NULL`))
	require.Zero(t, s.count(`SELECT count(*) FROM olly.spans WHERE duration_ms < 0 OR end_time < start_time`))

	// Of the trace with the span that was not ended, as Grafana has it: by the id in each form, with and without times.
	var id string
	var spans int
	require.NoError(t, conn.QueryRow(ctx, `SELECT replace(t.trace_id::text, '-', ''), t.spans FROM olly.traces t
		WHERE t.trace_id = (SELECT trace_id FROM olly.spans WHERE duration_ms IS NULL)`).Scan(&id, &spans))
	for _, arguments := range []string{`'` + id + `'`, `' ` + strings.ToUpper(id) + `'`, `'` + id + `', now() - interval '1 day', now()`} {
		var n, warned, roots, references int
		var tags, first string
		require.NoError(t, conn.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE warnings <> '[]' AND duration = 0), count(*) FILTER (WHERE "parentSpanID" IS NULL),
			count(*) FILTER (WHERE jsonb_typeof("references") = 'array'), min(tags->0->>'key'), min("serviceName") FROM olly.grafana_trace(`+arguments+`)`).
			Scan(&n, &warned, &roots, &references, &tags, &first))
		require.Equal(t, []int{spans, 1, 1, spans}, []int{n, warned, roots, references}, arguments)
		require.NotEmpty(t, tags)
		require.NotEmpty(t, first)
	}
	var none int
	require.NoError(t, conn.QueryRow(ctx, `SELECT count(*) FROM olly.grafana_trace('`+id+`', now() - interval '9 days', now() - interval '8 days')`).Scan(&none))
	require.Zero(t, none)
	_, err := conn.Exec(ctx, `SELECT * FROM olly.grafana_trace('no id')`)
	require.Error(t, err)

	// Every column says what it is.
	require.Zero(t, s.count(`SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind = 'v' AND c.relnamespace = 'olly'::regnamespace
		AND c.relname IN ('spans', 'traces', 'logs', 'metrics') AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL`))
}
