package writer

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestStatements pins the text of every statement: a change of it is seen in review.
func TestStatements(t *testing.T) {
	t.Parallel()
	s, err := newStatements()
	require.NoError(t, err)
	golden(t, "statements.sql", testbed.Statements(s))
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
