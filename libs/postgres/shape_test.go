package postgres_test

// What makes the schema one that can be spread over several databases (docs/adr/029), asked of the catalogue of a migrated database: so it holds of
// whatever a later migration adds.

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// everywhere are tables of no tenant: small, and the same for all.
func everywhere() []string { return []string{"partitioned_table", "queue_life", "queue_noted"} }

// wholeDatabase has partitions of every table that has them.
func wholeDatabase(t *testing.T) *testbed.DB {
	t.Helper()
	db := testbed.Database(t)
	from := at("2026-11-23T22:30:00Z")
	_, err := db.Pool.Exec(testbed.Context(t), `SELECT ensure_partitions($1, $2)`, from.UnixNano(), from.Add(3*time.Hour).UnixNano())
	require.NoError(t, err)
	return db
}

// keyless lists the unique and primary keys that lack what they must hold: the placement where their table has one, else the tenant.
const keyless = `SELECT c.relname || ' ' || x.relname FROM pg_index i
	JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
	WHERE i.indisunique AND c.relkind IN ('r', 'p') AND c.relnamespace IN ('public'::regnamespace, 'olly'::regnamespace) AND c.relname <> ALL($1)
		AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey[:i.indnkeyatts - 1]) AND a.attname =
			CASE WHEN EXISTS (SELECT FROM pg_attribute p WHERE p.attrelid = c.oid AND p.attname = 'placement' AND NOT p.attisdropped) THEN 'placement' ELSE 'tenant_id' END)
	ORDER BY 1`

func TestEveryKeyHoldsTheTenant(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := wholeDatabase(t)
	list := func(sql string, args ...any) []string {
		rows, err := db.Pool.Query(ctx, sql, args...)
		require.NoError(t, err)
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return got
	}
	require.Empty(t, list(keyless, everywhere()), "keys without the tenant, or without the placement")
	require.Greater(t, len(list(`SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND indrelid IN
		(SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)`)), 60, "there are keys to look at")

	// The question finds what breaks the rule, of a table and of a leaf.
	for how, broken := range map[string]string{
		`CREATE TABLE astray (tenant_id text, id bigint PRIMARY KEY)`:                                               "astray astray_pkey",
		`CREATE TABLE apart (tenant_id text, placement text NOT NULL, id bigint, UNIQUE (tenant_id, id))`:           "apart apart_tenant_id_id_key",
		`CREATE TABLE beside (tenant_id text, id bigint); CREATE UNIQUE INDEX b ON beside (id) INCLUDE (tenant_id)`: "beside b",
		`CREATE UNIQUE INDEX leaf ON spans_body_y2026_m11_d23 (segment_id)`:                                         "spans_body_y2026_m11_d23 leaf",
	} {
		_, err := db.Pool.Exec(ctx, how)
		require.NoError(t, err)
		require.Contains(t, list(keyless, everywhere()), broken)
	}

	// What lies together says where.
	var placed []string
	for _, signal := range telemetry.Signals() {
		of := schema.TablesOf(signal.String())
		placed = append(placed, of.Segment, of.Group, of.Fresh, of.Body)
	}
	placed = append(placed, schema.IngestBatch)
	require.Empty(t, list(`SELECT t FROM unnest($1::text[]) AS t WHERE NOT EXISTS
		(SELECT FROM pg_attribute a WHERE a.attrelid = ('public.' || t)::regclass AND a.attname = 'placement' AND a.attnotnull)`, placed))
	require.Empty(t, list(`SELECT c.relname::text FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
		AND c.relname <> ALL($1) AND NOT c.relname IN ('astray', 'apart', 'beside')
		AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull)`, everywhere()), "tables that do not say whose their rows are")
}

// TestPartitionsHaveOneLevel: what distributes tables takes no more.
func TestPartitionsHaveOneLevel(t *testing.T) {
	t.Parallel()
	db := wholeDatabase(t)
	var deep, leaves int
	require.NoError(t, db.Pool.QueryRow(testbed.Context(t), `SELECT count(*) FILTER (WHERE relkind = 'p'), count(*) FROM pg_class
		WHERE relispartition AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`).Scan(&deep, &leaves))
	require.Zero(t, deep, "partitions that have partitions")
	require.Greater(t, leaves, 50)
}

// TestNoFunctionStandsBeforeData: a function in SQL with parameters that reads or writes what tenants have is one statement to who distributes, which it
// cannot plan. What partitions are made by asks the catalogue only; triggers have no parameters, and stand on tables of administration.
func TestNoFunctionStandsBeforeData(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	rows, err := db.Pool.Query(testbed.Context(t), `SELECT p.oid::regprocedure::text || ' ' || c.relname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		JOIN pg_class c ON c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace AND p.prosrc ~ ('\m' || c.relname || '\M')
		WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype AND c.relname <> ALL($1)`, everywhere())
	require.NoError(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, got)

	// And no data has a trigger: it would be asked for every row of a COPY.
	rows, err = db.Pool.Query(testbed.Context(t), `SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal`)
	require.NoError(t, err)
	got, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Subset(t, []string{"retention_policy"}, got)
}
