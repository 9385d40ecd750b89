package writer

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestStatements pins the text of every statement: a change of it is seen in review.
func TestStatements(t *testing.T) {
	t.Parallel()
	s, err := newStatements()
	require.NoError(t, err)
	golden(t, "statements.sql", testbed.Statements(s))
}

// TestStatementsOfAFlushAreAboutOneTenant: each says by a parameter of its own whose rows it is about, and has no list to join with, so that who distributes
// tables by tenant or placement sends it whole to where they lie.
func TestStatementsOfAFlushAreAboutOneTenant(t *testing.T) {
	t.Parallel()
	s, err := newStatements()
	require.NoError(t, err)
	of := []string{s.claimRequests.One, s.claimRequests.Row, s.claimNew.One, s.claimNew.Row, s.readClaims, s.extendClaim, s.enterTenant, s.addUsage}
	for d := range dimensionTables {
		of = append(of, s.look[d], s.move[d], s.enter[d].One, s.enter[d].Row)
	}
	for _, signal := range telemetry.Signals() {
		of = append(of, slices.Collect(maps.Values(segmentrow.Inserts(signal)))...)
	}
	whose := regexp.MustCompile(`tenant_id = \$\d|\(([a-z_]+, )*tenant_id\b[^)]*\)\s+VALUES`)
	list := regexp.MustCompile(`(?i)\bunnest\b|\bWITH\b|\bLATERAL\b|\bJOIN\b|generate_series`)
	for _, statement := range of {
		text := regexp.MustCompile(`(?m)^--.*$`).ReplaceAllString(statement, "")
		require.Regexp(t, whose, text)
		require.NotRegexp(t, list, text)
	}
}

// TestEntriesHaveTheTypesOfTheirTables: an entry has every column of its table but those that the database fills in.
func TestEntriesHaveTheTypesOfTheirTables(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	for _, e := range entries() {
		rows, err := db.Pool.Query(testbed.Context(t), `SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('tenant_id', 'first_seen', 'last_seen_day') ORDER BY attnum`, e.Table)
		require.NoError(t, err)
		got := slices.Clone(e.Columns[:0])
		var name, kind string
		_, err = pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
			got = append(got, entryColumn{name, kind, 1 + entryShared + len(got)})
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, got, e.Columns, e.Table)
		require.Equal(t, entryColumn{e.Key, "bigint", 1 + entryShared}, e.Columns[0])
	}
}
