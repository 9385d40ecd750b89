package janitor

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

func (f *fixture) partitions(table string) []string {
	f.t.Helper()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT partition FROM partitions($1)`, table)
	require.NoError(f.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(f.t, err)
	return out
}

func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) {
		c.Partitions.Ahead, c.Partitions.HoursAhead = 48*time.Hour, 2*time.Hour
	})
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE retention_policy SET rows_window = '1 hour' WHERE signal = 'metrics'`)
	require.NoError(t, err)
	f.pass()
	require.Equal(t, []string{"spans_segment_y2026_m11"}, f.partitions(schema.SpansSegment))
	require.Equal(t, []string{"spans_body_y2026_m11_d23", "spans_body_y2026_m11_d24", "spans_body_y2026_m11_d25"}, f.partitions(schema.SpansBody))
	require.Equal(t, []string{
		"logs_fact_y2026_m11_d23_h04", "logs_fact_y2026_m11_d23_h05", "logs_fact_y2026_m11_d23_h06", "logs_fact_y2026_m11_d23_h07",
	}, f.partitions(schema.LogsFact))

	f.clock.Advance(f.s.cfg.Upkeep / 2)
	f.pass()
	f.clock.Advance(24 * time.Hour)
	f.pass()
	require.Contains(t, f.partitions(schema.IngestBatch), "ingest_batch_y2026_m11_d26")
}

// What a policy says that cannot be read is no reason to be without partitions: a row of a signal that this build does not know would be enough.
func TestPartitionsAreMadeAheadWithoutPolicies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.s.sql.policies = `SELECT 'profiles', 7, 0::bigint, false`
	require.ErrorContains(t, f.s.ahead(testbed.Context(t)), "read the policies")
	require.Contains(t, f.partitions(schema.SpansBody), "spans_body_y2026_m11_d23")
	require.Contains(t, f.partitions(schema.SpansFact), "spans_fact_y2026_m11_d23_h05", "somebody may keep rows")
}

// Where no rows are kept, an upkeep drops nothing that it has just made, and the next has nothing to make.
func TestUpkeepWithoutRowsLeavesPartitionsAlone(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	_, err := f.db.Pool.Exec(ctx, `UPDATE retention_policy SET rows_window = '0'`)
	require.NoError(t, err)
	tables := func() (out []string) {
		rows, err := f.db.Pool.Query(ctx, `SELECT oid::text FROM pg_class WHERE relispartition AND relkind IN ('r', 'p') ORDER BY oid`)
		require.NoError(t, err)
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return out
	}
	for range 3 {
		f.pass()
		require.Empty(t, f.partitions(schema.SpansFact), "hours that nobody asked for")
		f.clock.Advance(f.s.cfg.Upkeep)
	}
	made := tables()
	f.clock.Advance(f.s.cfg.Upkeep)
	f.pass()
	require.Equal(t, made, tables(), "the same tables, none of them made anew")

	// A writer made the hour of somebody who wanted rows and no longer does.
	_, err = f.db.Pool.Exec(ctx, `SELECT ensure_partition('spans_fact', $1)`, f.clock.Now().UnixNano())
	require.NoError(t, err)
	f.clock.Advance(f.s.cfg.Upkeep)
	f.pass()
	require.Contains(t, f.partitions(schema.SpansFact), "spans_fact_y2026_m11_d23_h05", "what is made for late rows stays for an hour")
	f.clock.Advance(2 * time.Hour)
	f.pass()
	require.NotContains(t, f.partitions(schema.SpansFact), "spans_fact_y2026_m11_d23_h05", "an hour that is long over goes")

	_, err = f.db.Pool.Exec(ctx, `UPDATE retention_policy SET rows_window = '1 hour' WHERE signal = 'logs'`)
	require.NoError(t, err)
	f.clock.Advance(f.s.cfg.Upkeep)
	f.pass()
	require.Contains(t, f.partitions(schema.LogsFact), "logs_fact_y2026_m11_d23_h08", "somebody keeps rows again")
}

// Two days and a half later, with policies of 1, 2 and 3 days and 6 hours of rows.
func TestWhatHasExpiredIsDropped(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	_, err := f.db.Pool.Exec(ctx, `UPDATE retention_policy SET days = CASE signal WHEN 'traces' THEN 1 WHEN 'logs' THEN 2 ELSE 3 END, rows_window = '6 hours'`)
	require.NoError(t, err)
	_, err = f.db.Pool.Exec(ctx, `INSERT INTO retention_policy (tenant_id, signal, days, rows_window) VALUES ('long', 'logs', 9, '1 hour')`)
	require.NoError(t, err)
	f.flush("default", telemetry.Traces, testbed.Sample(telemetry.Traces, start()))
	for h := range 3 {
		_, err = f.db.Pool.Exec(ctx, `SELECT ensure_partition(t, $1) FROM unnest(ARRAY['spans_fact', 'logs_fact', 'metrics_fact', 'logs_body', 'metrics_body', 'ingest_batch']) t`,
			start().Add(time.Duration(h)*time.Hour).UnixNano())
		require.NoError(t, err)
	}
	f.clock.Set(start().Add(7 * time.Hour)) // hour 5 is over for the rows, its day is not
	f.pass()
	require.Equal(t, []string{"spans_fact_y2026_m11_d23_h06", "spans_fact_y2026_m11_d23_h07"}, f.partitions(schema.SpansFact)[:2])
	require.Contains(t, f.partitions(schema.SpansBody), "spans_body_y2026_m11_d23")
	headers := func() (n int) {
		require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM spans_segment`).Scan(&n))
		return n
	}
	require.Positive(t, headers())

	f.clock.Set(start().Add(60 * time.Hour)) // 25 November, 17:17
	f.pass()
	gone := "_y2026_m11_d23"
	for table, kept := range map[string]bool{
		schema.SpansBody: false, schema.SpansFact: false, schema.LogsFact: false, schema.MetricsFact: false,
		schema.LogsBody: true, schema.MetricsBody: true, schema.IngestBatch: true,
	} {
		if kept {
			require.Contains(t, f.partitions(table), table+gone)
		} else {
			for _, p := range f.partitions(table) {
				require.NotContains(t, p, table+gone)
			}
		}
	}
	require.Zero(t, headers(), "headers go with the bodies of their day")
	require.Contains(t, f.partitions(schema.SpansSegment), "spans_segment_y2026_m11", "which is not the whole month")
	var items, bytes int64
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT items, bytes FROM janitor_audit WHERE action = 'drop' AND target = 'spans_body_y2026_m11_d23'`).Scan(&items, &bytes))
	require.Equal(t, int64(11), items)
	require.Positive(t, bytes)

	f.clock.Set(start().Add(100 * 24 * time.Hour))
	f.pass()
	require.NotContains(t, f.partitions(schema.LogsBody), schema.LogsBody+gone)
	require.NotContains(t, f.partitions(schema.SpansSegment), "spans_segment_y2026_m11")
	require.NotContains(t, f.partitions(schema.SpansGroup), "spans_group_y2026_m11")
	require.NotContains(t, f.partitions(schema.IngestBatch), schema.IngestBatch+gone)
	var audited int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM janitor_audit WHERE target = 'spans_body_y2026_m11_d23'`).Scan(&audited))
	require.Zero(t, audited, "the audit expires too")
}

func TestKeysThatOpenNothingAreForgottenAfterAWhile(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	now := start().Add(365 * 24 * time.Hour)
	f.clock.Set(now)
	day := func(days int) *time.Time {
		at := now.Add(time.Duration(days) * 24 * time.Hour)
		return &at
	}
	for i, key := range []struct {
		tenant, name     string
		revoked, expires *time.Time
	}{
		{"shop", "good for ever", nil, nil},
		{"shop", "good still", nil, day(1)},
		{"shop", "revoked lately", day(-29), nil},
		{"shop", "expired lately", nil, day(-29)},
		{"shop", "revoked lately, good for long", day(-29), day(300)},
		{"shop", "gone: revoked", day(-31), nil},
		{"shop", "gone: expired", nil, day(-31)},
		{"bank", "gone: expired, then revoked", day(-1), day(-31)},
		{"bank", "gone: revoked, then expired", day(-31), day(-1)},
		{"court", "held", day(-300), nil},
	} {
		_, err := f.db.Pool.Exec(ctx, `INSERT INTO api_key (tenant_id, key_id, name, scopes, hash, revoked_at, expires_at) VALUES ($1, $2, $3, '{query}', sha256('x'), $4, $5)`,
			key.tenant, strings.Repeat(string(rune('a'+i)), 16), key.name, key.revoked, key.expires)
		require.NoError(t, err)
	}
	_, err := f.db.Pool.Exec(ctx, `INSERT INTO retention_policy (tenant_id, signal, days, legal_hold) VALUES ('court', 'logs', 1, true)`)
	require.NoError(t, err)
	f.pass()
	var left []string
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT array_agg(name ORDER BY key_id) FROM api_key`).Scan(&left))
	require.Equal(t, []string{"good for ever", "good still", "revoked lately", "expired lately", "revoked lately, good for long", "held"}, left)
}

func TestUsageIsForgottenAfterAWhileAndThatIsOnRecord(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t, func(c *Config) { c.Retention.Usage = 100 * 24 * time.Hour })
	f.clock.Set(start().Add(365 * 24 * time.Hour))
	_, err := f.db.Pool.Exec(ctx, `INSERT INTO tenant_usage (day, tenant_id, signal, part, items, bytes)
		SELECT $1::date - d, t, 1, 7, 5, 700 FROM unnest(ARRAY[0, 99, 100, 101, 300]) AS d, unnest(ARRAY['shop', 'bank']) AS t`, f.clock.Now())
	require.NoError(t, err)
	f.pass()
	var left []int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT array_agg($1::date - day ORDER BY day DESC) FROM tenant_usage WHERE tenant_id = 'shop'`, f.clock.Now()).Scan(&left))
	require.Equal(t, []int{0, 99, 100}, left)
	record := func() (rows, items int) {
		require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*), coalesce(sum(items), 0) FROM janitor_audit WHERE action = 'expire' AND target = 'tenant_usage'`).Scan(&rows, &items))
		return rows, items
	}
	rows, items := record()
	require.Equal(t, []int{1, 4}, []int{rows, items})
	f.clock.Advance(time.Hour)
	f.pass()
	rows, _ = record()
	require.Equal(t, 1, rows, "nothing went, nothing is on record")
}

func TestALegalHoldKeepsEverythingOfItsSignal(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	_, err := f.db.Pool.Exec(ctx, `INSERT INTO retention_policy (tenant_id, signal, days, legal_hold) VALUES ('court', 'traces', 1, true)`)
	require.NoError(t, err)
	f.flush("court", telemetry.Traces, testbed.Sample(telemetry.Traces, start()))
	f.flush("court", telemetry.Logs, testbed.Sample(telemetry.Logs, start()))
	f.clock.Set(start().Add(1000 * 24 * time.Hour))
	f.pass()
	require.NotEmpty(t, f.contents("court", telemetry.Traces).places)
	require.NotContains(t, f.partitions(schema.LogsSegment), "logs_segment_y2026_m11")
	require.Empty(t, f.contents("court", telemetry.Logs).places)
}

// A reader in a long transaction keeps a partition from being dropped; the janitor gives way and tries again.
func TestDroppingGivesWayToReaders(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t, func(c *Config) { c.Retention.LockTimeout = 20 * time.Millisecond })
	f.flush("default", telemetry.Logs, testbed.Sample(telemetry.Logs, start()))
	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `SELECT count(*) FROM logs_segment`)
	require.NoError(t, err)
	f.clock.Set(start().Add(30 * 24 * time.Hour))
	require.Equal(t, "postgres.timeout", fault.From(f.s.pass(ctx)).Code)
	require.NoError(t, tx.Rollback(ctx))
	f.pass()
	require.NotContains(t, f.partitions(schema.LogsSegment), "logs_segment_y2026_m11")
}

// expiredDay is a fixture in which the bodies of a day have expired.
func expiredDay(t *testing.T, change ...func(*Config)) (*fixture, expiry, partition) {
	t.Helper()
	f := newFixture(t, change...)
	f.flush("default", telemetry.Traces, testbed.Sample(telemetry.Traces, start()))
	f.clock.Set(start().Add(7 * time.Hour))
	f.pass() // settled
	day := telemetry.Grain(start().UnixNano(), 24*time.Hour)
	return f, expiry{table: schema.SpansBody, signal: "traces", before: start().Add(30 * 24 * time.Hour)},
		partition{Name: "spans_body_y2026_m11_d23", From: day, To: day + (24 * time.Hour).Nanoseconds()}
}

// A day that somebody reads is left alone: its headers are not deleted, only to be there again when its bodies cannot be dropped.
func TestADayThatIsReadIsNotDeletedInVain(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f, e, p := expiredDay(t, func(c *Config) { c.Retention.LockTimeout = 20 * time.Millisecond })
	reader, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = reader.Rollback(ctx) }()
	_, err = reader.Exec(ctx, `SELECT count(*) FROM spans_body`)
	require.NoError(t, err)
	require.Error(t, f.s.drop(ctx, e, p))
	var untouched int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM spans_segment WHERE xmax = '0'`).Scan(&untouched))
	require.Positive(t, untouched)
	require.NoError(t, reader.Rollback(ctx))
	require.NoError(t, f.s.drop(ctx, e, p))
	require.NotContains(t, f.partitions(schema.SpansBody), p.Name)
}

// Who settles something for a day while it is dropped, as a janitor may that leads no more, leaves no header without a body.
func TestNoHeaderOutlivesItsDay(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f, e, p := expiredDay(t, func(c *Config) { c.Retention.LockTimeout = time.Minute })
	other, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	deleting, err := f.db.Pool.Begin(ctx) // keeps the drop between its first look at the lock and its deletion
	require.NoError(t, err)
	_, err = deleting.Exec(ctx, `SELECT FROM spans_segment FOR UPDATE`)
	require.NoError(t, err)
	defer func() { _, _ = other.Rollback(ctx), deleting.Rollback(ctx) }()
	done := make(chan error, 1)
	go func() { done <- f.s.drop(ctx, e, p) }()
	waits := func(what string) {
		testbed.Eventually(t, what, func() bool {
			var waits bool
			require.NoError(t, f.db.Pool.QueryRow(ctx,
				`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE $1)`, what+"%").Scan(&waits))
			return waits
		})
	}
	waits("%DELETE FROM%spans_segment")
	_, err = other.Exec(ctx, `INSERT INTO spans_body (tenant_id, placement, segment_id, min_time, body)
		SELECT tenant_id, placement, '00000000-0000-0000-0000-000000000001', min_time, body FROM spans_body`)
	require.NoError(t, err)
	require.NoError(t, deleting.Rollback(ctx))
	waits("%drop_partition%")
	_, err = other.Exec(ctx, `INSERT INTO spans_segment (tenant_id, placement, segment_id, level, slot, format, min_time, max_time, min_position, max_position, items, errors, roots, checksum,
		  service_ids, service_items, service_max_duration, service_max_error_duration, trace_filter, token_filter, directory)
		VALUES ('default', 'default', '00000000-0000-0000-0000-000000000001', 2, -1, 1, $1, $1, 1, 1, 1, 0, 0, 0, '{}', '{}', '{}', '{}', '', '', '')`, start().UnixNano())
	require.NoError(t, err)
	require.NoError(t, other.Commit(ctx))
	require.NoError(t, <-done)
	var left int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM spans_segment`).Scan(&left))
	require.Zero(t, left)
}

// TestNobodyWaitsBehindTheHeadersOfADay: deleting them may take long, and here waits for a lock; meanwhile bodies can be read, and written.
func TestNobodyWaitsBehindTheHeadersOfADay(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t, func(c *Config) { c.Retention.LockTimeout = time.Minute })
	f.flush("default", telemetry.Traces, testbed.Sample(telemetry.Traces, start()))
	f.clock.Set(start().Add(7 * time.Hour))
	f.pass() // settled
	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `SELECT FROM spans_segment FOR UPDATE`)
	require.NoError(t, err)
	f.clock.Set(start().Add(30 * 24 * time.Hour))
	passed := make(chan error, 1)
	go func() { passed <- f.s.pass(ctx) }()
	testbed.Eventually(t, "the deletion waits", func() bool {
		var waits bool
		require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits))
		return waits
	})
	reader, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	_, err = reader.Exec(ctx, `SET LOCAL lock_timeout = '2s'; SELECT count(*) FROM spans_body; LOCK TABLE spans_body IN ROW EXCLUSIVE MODE`)
	require.NoError(t, err)
	require.NoError(t, reader.Rollback(ctx))
	require.NoError(t, tx.Rollback(ctx))
	require.NoError(t, <-passed)
	require.NotContains(t, f.partitions(schema.SpansBody), "spans_body_y2026_m11_d23")
}

// TestADayExpiresByItsPages: what a day's headers, groups and rollups are deleted by reads some of the pages of their month.
func TestADayExpiresByItsPages(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	_, err := f.db.Pool.Exec(ctx, `SELECT ensure_partition(t, $1) FROM unnest(ARRAY['spans_segment', 'spans_group', 'rollup']) t`, day)
	require.NoError(t, err)
	_, err = f.db.Pool.Exec(ctx, `INSERT INTO spans_segment (tenant_id, placement, segment_id, level, slot, format, min_time, max_time, min_position, max_position, items, errors, roots, checksum,
		  service_ids, service_items, service_max_duration, service_max_error_duration, trace_filter, token_filter, directory)
		SELECT t, t, gen_random_uuid(), 2, -1, 1, n, n, 1, 1, 1, 0, 0, 0, '{}', '{}', '{}', '{}', '', '', convert_to(repeat(md5(n::text), 30), 'utf8')
		FROM generate_series($1::bigint, $1::bigint + 29 * 86400000000000, 86400000000000 / 300) n, LATERAL (SELECT 'tenant' || n AS t) many`, day)
	require.NoError(t, err)
	_, err = f.db.Pool.Exec(ctx, `VACUUM ANALYZE spans_segment`) // which sums up new pages, as autovacuum does
	require.NoError(t, err)
	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	type node struct {
		Type  string `json:"Node Type"`
		Hit   int    `json:"Shared Hit Blocks"`
		Read  int    `json:"Shared Read Blocks"`
		Plans []node
	}
	var plan []struct{ Plan node }
	statement := f.s.sql.of[telemetry.Traces].expireHeaders
	require.NoError(t, tx.QueryRow(ctx, `EXPLAIN (ANALYZE, BUFFERS, FORMAT json) `+strings.ReplaceAll(strings.ReplaceAll(statement, "$1", strconv.FormatInt(day, 10)),
		"$2", strconv.FormatInt(day+24*time.Hour.Nanoseconds(), 10))).Scan(&plan))
	var pages int
	require.NoError(t, tx.QueryRow(ctx, `SELECT sum(relpages) FROM pg_class WHERE oid IN (SELECT relid FROM pg_partition_tree('spans_segment') WHERE isleaf)`).Scan(&pages))
	require.NoError(t, tx.Rollback(ctx))
	deletion := plan[0].Plan.Plans[0]
	require.Equal(t, "ModifyTable", deletion.Type)
	looked := deletion.Plans[0] // for what is to be deleted
	require.Less(t, 3*(looked.Hit+looked.Read), pages)
}

func TestExpiries(t *testing.T) {
	t.Parallel()
	now := start()
	cfg := DefaultConfig().Retention
	require.Len(t, expiries(now, nil, cfg), 1, "what no policy names is kept")
	out := expiries(now, map[telemetry.Signal]policy{telemetry.Logs: {days: 2, rows: 100 * time.Hour}}, cfg)
	require.Equal(t, []expiry{
		{table: schema.IngestBatch, before: now.Add(-48 * time.Hour)},
		{table: schema.LogsBody, signal: "logs", before: now.Add(-48 * time.Hour)},
		{table: schema.LogsSegment, signal: "logs", before: now.Add(-48 * time.Hour)},
		{table: schema.LogsGroup, signal: "logs", before: now.Add(-48 * time.Hour)},
		{table: schema.LogsFact, signal: "logs", before: now.Add(-48 * time.Hour)},
	}, out, "rows do not outlive their segments")
}

func TestOneLeads(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	second := f.janitor()
	defer second.pool.Close()
	defer second.resign()
	leads := func(s *Service) bool {
		ours, err := s.lead(ctx)
		require.NoError(t, err)
		return ours
	}
	require.True(t, leads(f.s))
	require.False(t, leads(second))
	require.True(t, leads(f.s), "still")

	var killed bool
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT pg_terminate_backend($1)`, f.s.leader.Conn().PgConn().PID()).Scan(&killed))
	require.True(t, killed)
	testbed.Eventually(t, "the second leads when the first has lost its connection", func() bool { return leads(second) })
	require.False(t, leads(f.s), "which the first finds out")
	second.resign()
	testbed.Eventually(t, "the first leads again", func() bool { return leads(f.s) })
}

func TestOnceEndsAndWaitsForTheSchema(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	once := f.janitor(func(c *Config) { c.Once = true })
	require.NoError(t, once.Run(ctx))
	require.Contains(t, f.partitions(schema.SpansSegment), "spans_segment_y2026_m11")

	empty := &fixture{t: t, db: testbed.Empty(t), clock: f.clock}
	err := testbed.InTime(func(limit time.Duration) error {
		return empty.janitor(func(c *Config) { c.Once, c.Wait = true, limit }).Run(ctx)
	})
	require.Equal(t, "schema.missing", fault.From(err).Code)
	require.ErrorContains(t, err, schema.Version())

	atOnce := f.janitor(func(c *Config) { c.Once, c.Wait = true, 0 })
	require.NoError(t, atOnce.Run(ctx), "without waiting it looks once")
	err = empty.janitor(func(c *Config) { c.Once, c.Wait = true, 0 }).Run(ctx)
	require.Equal(t, "schema.missing", fault.From(err).Code)
}

func TestRunWorksUntilItIsStopped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	env := testbed.Env(t)
	env.Now = f.clock.Now
	cfg := f.s.cfg
	cfg.Interval = 10 * time.Millisecond
	s, err := New(cfg, env)
	require.NoError(t, err)
	s.now = f.clock.Now
	ctx, stop := contextWithStop(t)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	testbed.Eventually(t, "partitions", func() bool { return len(f.partitions(schema.SpansSegment)) > 0 })
	require.Equal(t, service.StatusOK, env.Health.Run(ctx).Status)

	shop := testbed.NewShop(9, start())
	for range 3 {
		f.flush("default", telemetry.Logs, shop.Payload(telemetry.Logs, 20))
	}
	f.clock.Advance(2 * time.Minute)
	testbed.Eventually(t, "a merge", func() bool { return f.levels("default", telemetry.Logs)[1] == 1 })
	stop()
	require.NoError(t, <-done)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for name, change := range map[string]func(*Config){
		"interval": func(c *Config) { c.Interval = 0 },
		"ahead":    func(c *Config) { c.Partitions.Ahead = 10_000 * time.Hour },
		"duty":     func(c *Config) { c.Merge.Duty = 1.5 },
		"items":    func(c *Config) { c.Merge.MaxItems = 10 },
		"ledger":   func(c *Config) { c.Retention.Ledger = time.Hour },
		"grace":    func(c *Config) { c.Merge.HourGrace = -1 },
		"url":      func(c *Config) { c.Postgres.URL = "" },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.Error(t, cfg.Validate(), name)
	}
}

// The clock of the database is set back, as after a restore or by its administrator: what is due is done at once, not when the old time has come again.
func TestAClockThatGoesBackDelaysNoUpkeep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := testbed.Context(t)
	now := start()
	f.s.now = func() time.Time { return now }
	require.NoError(t, f.s.pass(ctx))
	made := f.partitions(schema.SpansBody)
	require.Contains(t, made, "spans_body_y2026_m11_d23")
	now = now.Add(time.Minute)
	require.NoError(t, f.s.pass(ctx))
	require.Equal(t, now.Add(-time.Minute), f.s.upkept, "not due yet")
	now = now.Add(-10 * 24 * time.Hour)
	require.NoError(t, f.s.pass(ctx))
	require.Equal(t, now, f.s.upkept)
	require.Contains(t, f.partitions(schema.SpansBody), "spans_body_y2026_m11_d13", "of the day that it is now")
	now = now.Add(f.s.cfg.Upkeep)
	require.NoError(t, f.s.pass(ctx))
	require.Equal(t, now, f.s.upkept, "and from then on as ever")
}

// A janitor goes by the database's clock: one whose own is a year ahead drops nothing, and one whose own is a year back makes no partitions of then.
func TestAJanitorWhoseClockIsWrong(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := testbed.Context(t)
	f.flush("default", telemetry.Logs, testbed.Sample(telemetry.Logs, time.Now()))
	today := f.partitions(schema.LogsSegment)
	require.NotEmpty(t, today)
	for _, ahead := range []time.Duration{365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		env := testbed.Env(t)
		env.Now = func() time.Time { return time.Now().Add(ahead) }
		s, err := New(f.s.cfg, env)
		require.NoError(t, err)
		require.NoError(t, s.pass(ctx))
		s.resign()
		s.pool.Close()
		made := f.partitions(schema.LogsSegment)
		require.Subset(t, made, today, "a janitor %s ahead", ahead)
		require.LessOrEqual(t, len(made), len(today)+2, "a janitor %s ahead made %v", ahead, made)
	}
}

func TestUsageIsKeptAsLongAsSomethingMayBeAddedToIt(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Retention.Usage = quotastore.Late
	require.NoError(t, cfg.Validate())
	cfg.Retention.Usage -= time.Second
	require.ErrorContains(t, cfg.Validate(), "less than the 90 days in which something may still be added to a day")
}
