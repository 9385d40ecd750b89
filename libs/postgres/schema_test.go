package postgres_test

// The database as migrated, against what package schema says of it. The tests stand here because schema imports nothing of ours.

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestConstantsAreTheDatabase(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	tables := []string{schema.Rollup, schema.TraceTime, schema.IngestBatch, schema.RetentionPolicy, schema.JanitorAudit}
	for _, signal := range telemetry.Signals() {
		of := schema.TablesOf(signal.String())
		tables = append(tables, of.Segment, of.Group, of.Fresh, of.Body, of.Fact)
	}
	for _, table := range tables {
		var exists bool
		require.NoError(t, db.Pool.QueryRow(ctx, `SELECT to_regclass('public.' || $1) IS NOT NULL`, table).Scan(&exists))
		require.True(t, exists, table)
	}
	var partitioned, known []string
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT array_agg(relname::text ORDER BY relname::text COLLATE "C") FROM pg_class WHERE relkind = 'p' AND NOT relispartition AND pg_get_partkeydef(oid) LIKE 'RANGE%'`).Scan(&partitioned))
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT array_agg(table_name ORDER BY table_name COLLATE "C") FROM partitioned_table`).Scan(&known))
	require.Equal(t, partitioned, known)
}

// TestLeavesAreNamedAfterTheirFirstInstant: an hour's or a day's, and hold what lies in it.
func TestLeavesAreNamedAfterTheirFirstInstant(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	rows, err := db.Pool.Query(ctx, `SELECT table_name, leaf FROM partitioned_table`)
	require.NoError(t, err)
	type of struct{ Table, Leaf string }
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[of])
	require.NoError(t, err)
	require.Contains(t, tables, of{schema.SpansSegment, "month"})
	require.Contains(t, tables, of{schema.SpansBody, "day"})
	require.Contains(t, tables, of{schema.SpansFact, "hour"})
	for _, instant := range []string{
		"2026-11-23T05:17:00Z", "2026-11-23T00:00:00Z", "2026-12-31T23:59:59.999999999Z", "2028-02-29T12:00:00Z", "1970-01-01T00:00:00Z",
	} {
		when := at(instant)
		for _, of := range tables {
			want, length := when.Format("_y2006_m01_d02"), 24*time.Hour
			from := time.Date(when.Year(), when.Month(), when.Day(), 0, 0, 0, 0, time.UTC)
			if of.Leaf == "hour" {
				want, length = when.Format("_y2006_m01_d02_h15"), time.Hour
				from = time.Unix(0, telemetry.Grain(when.UnixNano(), time.Hour))
			}
			if of.Leaf == "month" {
				want, from = when.Format("_y2006_m01"), time.Date(when.Year(), when.Month(), 1, 0, 0, 0, 0, time.UTC)
				length = from.AddDate(0, 1, 0).Sub(from)
			}
			var name string
			require.NoError(t, db.Pool.QueryRow(ctx, `SELECT ensure_partition($1, $2)`, of.Table, when.UnixNano()).Scan(&name))
			require.Equal(t, of.Table+want, name)
			var gotFrom, gotTo int64
			require.NoError(t, db.Pool.QueryRow(ctx, `SELECT from_ns, to_ns FROM partitions($1) WHERE partition = $2`, of.Table, name).Scan(&gotFrom, &gotTo))
			require.Equal(t, []int64{from.UnixNano(), from.Add(length).UnixNano()}, []int64{gotFrom, gotTo}, name)
		}
	}
}

func TestEnsurePartitionRefuses(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	for name, args := range map[string][]any{
		"an unknown table":  {"service_dim", int64(0)},
		"a negative time":   {"spans_fact", int64(-1)},
		"the end of time":   {"spans_fact", int64(math.MaxInt64)},
		"a name with quote": {`spans_fact"; DROP TABLE spans_fact; --`, int64(0)},
	} {
		_, err := db.Pool.Exec(ctx, `SELECT ensure_partition($1, $2)`, args...)
		require.Error(t, err, name)
	}
}

// Many sessions want the same new leaf at once; each must get it, and none may be refused or deadlock.
func TestEnsurePartitionTogether(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	when := at("2026-11-23T05:17:00Z").UnixNano()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			for _, table := range []string{schema.SpansSegment, schema.SpansFact, schema.Rollup} {
				if _, err := db.Pool.Exec(ctx, `SELECT ensure_partition($1, $2)`, table, when+int64(i/2)*int64(time.Hour)); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// What lies wholly before an instant is the same by name as by bounds: of months, days and hours, at their edges and around the turn of a year.
func TestExpiredPartitionsAreFoundByName(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	first := at("2026-09-30T22:00:00Z")
	tables := []string{schema.SpansSegment, schema.SpansBody, schema.SpansFact}
	for n := range 8 {
		ensure(t, db.Pool, schema.SpansSegment, at("2026-09-15T00:00:00Z").AddDate(0, n, 0))
		ensure(t, db.Pool, schema.SpansBody, first.AddDate(0, 0, n))
		ensure(t, db.Pool, schema.SpansFact, first.Add(time.Duration(n)*time.Hour))
	}
	for _, table := range tables {
		found := map[int]bool{}
		for _, before := range []time.Time{
			at("2020-01-01T00:00:00Z"), first, first.Add(time.Nanosecond), first.Add(time.Hour - time.Nanosecond), first.Add(2 * time.Hour), first.Add(3 * time.Hour),
			at("2026-10-02T00:00:00Z"), at("2026-10-05T12:00:00Z"), at("2027-01-01T00:00:00Z"), at("2027-01-31T23:59:59Z"), at("2100-01-01T00:00:00Z"),
		} {
			list := func(sql string) []string {
				rows, err := db.Pool.Query(ctx, `SELECT format('%s %s %s %s', partition, leaf, from_ns, to_ns) FROM `+sql, table, before.UnixNano())
				require.NoError(t, err)
				out, err := pgx.CollectRows(rows, pgx.RowTo[string])
				require.NoError(t, err)
				return out
			}
			expired := list(`partitions_before($1, $2)`)
			require.Equal(t, list(`partitions($1) WHERE to_ns <= $2`), expired, "%s before %s", table, before)
			found[len(expired)] = true
		}
		require.True(t, found[0] && found[8] && len(found) > 3, table)
	}
}

// A writer in the middle of its transaction must not stand in the way of a new partition, nor the other way round.
func TestPartitionsAppearBesideAnOpenTransaction(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	now, next := at("2026-11-23T05:00:00Z"), at("2026-12-24T05:00:00Z")
	ensure(t, db.Pool, schema.Rollup, now)

	tx, err := db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	insert := `INSERT INTO rollup VALUES ('default', 0, 0, $1, gen_random_uuid(), $1, $1, $1, '', '', '', '', 'default')`
	_, err = tx.Exec(ctx, insert, now.UnixNano())
	require.NoError(t, err)

	other, err := db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = other.Rollback(ctx) }()
	_, err = other.Exec(ctx, `SET LOCAL lock_timeout = '2s'`)
	require.NoError(t, err)
	_, err = other.Exec(ctx, `SELECT ensure_partition($1, $2)`, schema.Rollup, next.UnixNano())
	require.NoError(t, err, "a new partition does not wait for the writer")

	_, err = tx.Exec(ctx, `SET LOCAL lock_timeout = '2s'`)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, insert, now.UnixNano())
	require.NoError(t, err, "the writer does not wait for the new partition")
	require.NoError(t, other.Commit(ctx))
	_, err = tx.Exec(ctx, `SELECT ensure_partition($1, $2)`, schema.Rollup, next.UnixNano())
	require.NoError(t, err)
	_, err = tx.Exec(ctx, insert, next.UnixNano())
	require.NoError(t, err, "and sees it once it has asked for it")
	require.NoError(t, tx.Commit(ctx))
}

func TestEnsurePartitionsAheadAndDrop(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	from := at("2026-11-23T22:30:00Z")
	to, hours := from.Add(2*24*time.Hour), from.Add(3*time.Hour)
	made := func() (n int) {
		require.NoError(t, db.Pool.QueryRow(ctx, `SELECT ensure_partitions($1, $2, $3)`, from.UnixNano(), to.UnixNano(), hours.UnixNano()).Scan(&n))
		return n
	}
	require.Equal(t, 4*3+3*4+7, made(), "three days of four tables, four hours of three, a month of seven")
	require.Zero(t, made(), "a second time makes nothing")

	var before []string
	rows, err := db.Pool.Query(ctx, `SELECT partition FROM partitions_before($1, $2)`, schema.SpansFact, at("2026-11-24T00:00:00Z").UnixNano())
	require.NoError(t, err)
	before, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"spans_fact_y2026_m11_d23_h22", "spans_fact_y2026_m11_d23_h23"}, before)

	var dropped bool
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT drop_partition($1, $2)`, schema.SpansFact, before[0]).Scan(&dropped))
	require.True(t, dropped)
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT drop_partition($1, $2)`, schema.SpansFact, before[0]).Scan(&dropped))
	require.False(t, dropped, "it is gone")
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT drop_partition($1, 'tenant_dim')`, schema.SpansFact).Scan(&dropped))
	require.False(t, dropped, "only partitions of the table can be dropped")
}

func TestLeavesAreMadeAsTheirTablesSay(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	when := at("2026-11-23T05:17:00Z")
	ensure(t, db.Pool, schema.SpansSegment, when)
	ensure(t, db.Pool, schema.SpansBody, when)
	ensure(t, db.Pool, schema.SpansFact, when)
	var storage, methods, options string
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT string_agg(attstorage::text, '' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid::regclass::text ~ '^spans_(segment_y2026_m11|body_y2026_m11_d23|fresh_0[07])$' AND attname IN ('trace_filter', 'token_filter', 'directory', 'body')`).Scan(&storage))
	require.Equal(t, "eeeeee", storage, "the bytes are stored EXTERNAL")
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT string_agg(m.amname, ',' ORDER BY m.amname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
		WHERE i.indrelid = 'spans_fact_y2026_m11_d23_h05'::regclass`).Scan(&methods))
	require.Equal(t, "brin,brin,btree,btree", methods)
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT array_to_string(reloptions, ',') FROM pg_class WHERE relname = 'spans_fact_y2026_m11_d23_h05'`).Scan(&options))
	require.Contains(t, options, "autovacuum_analyze_threshold")
	var target int
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT attstattarget FROM pg_attribute WHERE attrelid = 'spans_fact_y2026_m11_d23_h05'::regclass AND attname = 'attributes'`).Scan(&target))
	require.Zero(t, target, "no statistics of attributes")
}

// TestFirstRows: the default tenant has the retention that ingest takes by default, and no rows for SQL, which somebody has to ask for.
func TestFirstRows(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	rows, err := db.Pool.Query(testbed.Context(t), `SELECT tenant_id, signal, days, extract(hour FROM rows_window)::int, legal_hold FROM retention_policy`)
	require.NoError(t, err)
	type policy struct {
		Tenant      telemetry.Tenant
		Signal      string
		Days, Hours int
		Hold        bool
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[policy])
	require.NoError(t, err)
	var want []policy
	for _, signal := range telemetry.Signals() {
		want = append(want, policy{telemetry.DefaultTenant, signal.String(), int(telemetry.DefaultRetention(signal) / (24 * time.Hour)), 0, false})
	}
	require.ElementsMatch(t, want, got)
}

func ensure(t testing.TB, pool *pgxpool.Pool, table string, when time.Time) {
	t.Helper()
	_, err := pool.Exec(testbed.Context(t), `SELECT ensure_partition($1, $2)`, table, when.UnixNano())
	require.NoError(t, err)
}

func TestSegmentsKeepTheirHour(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	when := at("2026-11-23T05:59:59Z")
	ensure(t, db.Pool, schema.LogsSegment, when)
	insert := `INSERT INTO logs_segment VALUES ('default', $1, $2, $3, 1, 1, 0, 1, 0, 0, 0, 1, 5, '{}', '{}', '{}', '{}', '', '', '', NULL, 'default')`
	_, err := db.Pool.Exec(ctx, insert, uuid.New(), when.UnixNano(), when.Add(999*time.Millisecond).UnixNano())
	require.NoError(t, err)
	_, err = db.Pool.Exec(ctx, insert, uuid.New(), when.UnixNano(), when.Add(time.Second).UnixNano())
	require.Error(t, err, "a segment that crosses the hour")
	require.Equal(t, fault.Invalid, fault.ClassOf(postgres.Classify(err)))
	_, err = db.Pool.Exec(ctx, insert, uuid.New(), when.AddDate(0, 1, 0).UnixNano(), when.AddDate(0, 1, 0).UnixNano())
	require.True(t, postgres.MissingPartition(err))
	require.Equal(t, fault.Unavailable, fault.ClassOf(postgres.Classify(err)))
}

// The database and the program have one notion of a tenant's name.
func TestTheTableOfTenantsTakesTheirNames(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	good := 0
	for _, name := range []string{
		"shop", "shop.example.com", "a-b_C.9", "...", "-", ".a", strings.Repeat("x", 128), strings.Repeat("x", 129), "", ".", "..", "a b", "a=2Eb", "*", "a.>", "ä", "a\n", "a/b", "!none",
	} {
		_, want := telemetry.ParseTenant(name)
		_, err := db.Pool.Exec(testbed.Context(t), `INSERT INTO tenant_dim (tenant_id) VALUES ($1)`, name)
		require.Equal(t, want == nil, err == nil, "%q: %v, %v", name, want, err)
		if err == nil {
			good++
		}
	}
	require.Equal(t, 7, good)
}

// A role that is not the owner sees one tenant, the one it has named, through the views and the tables; the owner sees all.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	when := at("2026-11-23T05:17:00.123456Z")
	for _, table := range []string{schema.SpansFact, schema.LogsFact, schema.MetricsFact} {
		ensure(t, db.Pool, table, when)
	}
	for _, tenant := range []string{"red", "red.v2"} {
		for _, sql := range []string{
			`INSERT INTO service_dim (tenant_id, service_id, name) VALUES ($1, 7, $1 || ' cart')`,
			`INSERT INTO operation_dim (tenant_id, operation_id, service_id, name, kind) VALUES ($1, 8, 7, 'GET /', 2)`,
			`INSERT INTO resource_dim (tenant_id, resource_id, service_id, attributes) VALUES ($1, 9, 7, '{"host.name": "a"}')`,
			`INSERT INTO scope_dim (tenant_id, scope_id, name, attributes) VALUES ($1, 10, 'lib', '{}')`,
			`INSERT INTO series_dim (tenant_id, series_id, service_id, resource_id, scope_id, metric_name, metric_type, attributes) VALUES ($1, 11, 7, 9, 10, 'queue', 1, '{"a": 1}')`,
		} {
			_, err := db.Pool.Exec(ctx, sql, tenant)
			require.NoError(t, err)
		}
		for _, sql := range []string{
			`INSERT INTO spans_fact (start_time, start_time_unix_nano, duration_nano, trace_id, span_id, parent_span_id, service_id, operation_id, resource_id, scope_id, kind, status_code, tenant_id)
				VALUES (olly.at($2), $2, 1500000, '0af7651916cd43dd8448eb211c80319c', -1, 1, 7, 8, 9, 10, 2, 2, $1)`,
			`INSERT INTO logs_fact (time, time_unix_nano, service_id, resource_id, scope_id, tenant_id, body) VALUES (olly.at($2), $2, 7, 9, 10, $1, 'hello')`,
			`INSERT INTO metrics_fact (time, time_unix_nano, series_id, service_id, tenant_id, value_int) VALUES (olly.at($2), $2, 11, 7, $1, 5)`,
		} {
			_, err := db.Pool.Exec(ctx, sql, tenant, when.UnixNano())
			require.NoError(t, err)
		}
	}
	role := reader(t, db, "reader_"+db.Name)
	both := reader(t, db, `Odd "name`+db.Name)
	for _, grant := range []struct{ role, tenant string }{{role, "red"}, {both, "red"}, {both, "red.v2"}, {both, "red.v2"}} {
		_, err := db.Pool.Exec(ctx, `SELECT olly.grant_read($1, $2)`, grant.role, grant.tenant)
		require.NoError(t, err)
	}
	count := func(c *pgx.Conn, from string) (n int) {
		require.NoError(t, c.QueryRow(ctx, `SELECT count(*) FROM `+from).Scan(&n), from)
		return n
	}
	views := []string{"olly.spans", "olly.logs", "olly.metrics", "olly.grafana_trace('0af7651916cd43dd8448eb211c80319c')", "public.spans_fact", "public.service_dim"}
	owner, asBoth, c := connectAs(t, db, ""), connectAs(t, db, both), connectAs(t, db, role)
	for _, view := range views {
		require.Equal(t, 2, count(owner, view), "the owner sees all of %s", view)
		require.Equal(t, 2, count(asBoth, view), "two tenants of %s", view)
		require.Equal(t, 1, count(c, view), view)
	}
	var service, span, name, status string
	var start time.Time
	require.NoError(t, c.QueryRow(ctx, `SELECT service, span_id, name, status, start_time FROM olly.spans
		WHERE start_time >= $1 AND trace_id = '0af7651916cd43dd8448eb211c80319c'`, when).Scan(&service, &span, &name, &status, &start))
	require.Equal(t, []string{"red cart", "ffffffffffffffff", "GET /", "error"}, []string{service, span, name, status})
	require.True(t, when.Equal(start), start)

	// What a session may set changes nothing.
	for _, set := range []string{
		`SET olly.tenant = 'red.v2'`, `SET row_security = off`, `SET default_transaction_read_only = off`, `SET search_path = olly, public`,
		`CREATE TEMP TABLE reader (reader regrole, tenant_id text)`, `INSERT INTO pg_temp.reader VALUES (current_user::regrole, 'red.v2')`,
	} {
		_, _ = c.Exec(ctx, set) // some of it is refused, and some is not
	}
	_, err := c.Exec(ctx, `SET row_security = on`)
	require.NoError(t, err)
	for _, view := range views {
		require.Equal(t, 1, count(c, view), view)
	}
	require.Equal(t, 1, count(c, "olly.reader"), "nobody else's tenants")
	require.Equal(t, 3, count(c, "olly.rows"), "a tenant's three signals")
	require.Equal(t, 6, count(asBoth, "olly.rows"))
	require.Equal(t, 3, count(c, "olly.rows WHERE tenant_id = 'red' AND since IS NULL AND kept IS NULL"), "no rows, unless somebody asks for them")
	_, err = owner.Exec(ctx, `UPDATE retention_policy SET rows_window = '2 hours' WHERE tenant_id = 'default' AND signal = 'logs'`)
	require.NoError(t, err)
	require.Equal(t, 1, count(c, "olly.rows WHERE signal = 'logs' AND kept = '2 hours' AND since BETWEEN now() AND now() + interval '1 minute'"), "as the tenant default has")
	for _, forbidden := range []string{
		`SELECT * FROM public.spans_fact` + when.Format("_y2006_m01_d02_h15"), `SELECT * FROM public.spans_segment`, `SELECT * FROM public.tenant_dim`,
		`SELECT * FROM public.retention_policy`, `SELECT * FROM public.janitor_audit`, `SELECT * FROM public.ingest_batch`,
		`INSERT INTO olly.reader (reader, tenant_id) VALUES (current_user::regrole, 'red.v2')`, `UPDATE olly.reader SET tenant_id = 'red.v2'`,
		`SELECT olly.grant_read(current_user, 'red.v2')`, `SELECT olly.revoke_read(current_user)`, `DELETE FROM public.service_dim`,
		`SET ROLE ` + pgx.Identifier{both}.Sanitize(), `SET SESSION AUTHORIZATION ` + pgx.Identifier{both}.Sanitize(),
		`SELECT public.drop_partition('spans_fact', 'spans_fact` + when.Format("_y2006_m01_d02") + `')`,
		`INSERT INTO public.service_dim (tenant_id, service_id, name) VALUES ('red', 99, 'mine')`,
		`ALTER TABLE public.spans_fact DISABLE ROW LEVEL SECURITY`,
	} {
		_, err := c.Exec(ctx, forbidden)
		require.Error(t, err, forbidden)
	}
	// What is known of columns by their statistics is not for him either.
	_, err = owner.Exec(ctx, `ANALYZE`)
	require.NoError(t, err)
	require.Zero(t, count(c, `pg_stats WHERE tablename ~ '_(fact|dim)'`))

	fresh := connectAs(t, db, role) // a session begins with what the grant set
	for setting, want := range map[string]string{
		"statement_timeout": "1min", "default_transaction_read_only": "on", "idle_in_transaction_session_timeout": "10min", "temp_file_limit": "1GB",
	} {
		var is string
		require.NoError(t, fresh.QueryRow(ctx, `SELECT current_setting($1)`, setting).Scan(&is), setting)
		require.Equal(t, want, is, setting)
	}
	for _, forbidden := range []string{`CREATE TEMPORARY TABLE mine (n int)`, `SET temp_file_limit = '-1'`} {
		_, err := fresh.Exec(ctx, forbidden)
		require.Error(t, err, forbidden)
	}

	var revoked int
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT olly.revoke_read($1, 'red')`, both).Scan(&revoked))
	require.Equal(t, 1, revoked)
	require.Equal(t, 1, count(asBoth, "olly.spans"), "the blue one")
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT olly.revoke_read($1)`, role).Scan(&revoked))
	require.Equal(t, 1, revoked)
	require.Zero(t, count(c, "olly.spans"), "at once")
}

func TestWhoIsAbovePoliciesIsNotLetIn(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	ctx := testbed.Context(t)
	for _, test := range []struct{ attributes, message string }{
		{"SUPERUSER", "above row-level security"},
		{"BYPASSRLS", "above row-level security"},
		{"IN ROLE " + pgx.Identifier{"owner_" + db.Name}.Sanitize(), "may become the owner"},
	} {
		owner := reader(t, db, "owner_"+db.Name)
		_, err := db.Pool.Exec(ctx, `ALTER TABLE spans_fact OWNER TO `+pgx.Identifier{owner}.Sanitize())
		require.NoError(t, err)
		name := reader(t, db, "high_"+db.Name, test.attributes)
		_, err = db.Pool.Exec(ctx, `SELECT olly.grant_read($1, 'red')`, name)
		require.ErrorContains(t, err, test.message)
		_, err = db.Pool.Exec(ctx, `ALTER TABLE spans_fact OWNER TO CURRENT_USER; DROP ROLE `+pgx.Identifier{name}.Sanitize()+`; DROP OWNED BY `+
			pgx.Identifier{owner}.Sanitize()+`; DROP ROLE `+pgx.Identifier{owner}.Sanitize())
		require.NoError(t, err)
	}
}

func TestEveryTableWithATenantIsBoundToIt(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	rows, err := db.Pool.Query(testbed.Context(t), `SELECT c.oid::regclass::text FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace IN ('public'::regnamespace, 'olly'::regnamespace)
			AND (NOT c.relrowsecurity OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND pg_get_expr(p.polqual, c.oid) LIKE '%CURRENT_USER%'))`)
	require.NoError(t, err)
	free, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, free, "tables with a tenant_id whose rows no policy binds to who asks")
}

// reader makes a role that can log in; it goes with the test.
func reader(t *testing.T, db *testbed.DB, name string, attributes ...string) string {
	t.Helper()
	quoted := pgx.Identifier{name}.Sanitize()
	_, err := db.Pool.Exec(testbed.Context(t), fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD 'reader' %s`, quoted, strings.Join(attributes, " ")))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, _ = db.Pool.Exec(testbed.Context(t), fmt.Sprintf(`DROP OWNED BY %s`, quoted)) // the test may have dropped it
		_, err := db.Pool.Exec(testbed.Context(t), fmt.Sprintf(`DROP ROLE IF EXISTS %s`, quoted))
		require.NoError(t, err)
	})
	return name
}

// connectAs is a session of a role of its own, and not one that the owner lent to it; "" is the owner.
func connectAs(t *testing.T, db *testbed.DB, role string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	if role != "" {
		cfg.User, cfg.Password = role, "reader"
	}
	c, err := pgx.ConnectConfig(testbed.Context(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.WithoutCancel(t.Context()))) })
	return c
}
