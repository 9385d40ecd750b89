package rolluprow

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

func TestTheColumnsAreTheTables(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	rows, err := db.Pool.Query(testbed.Context(t), `SELECT attname::text FROM pg_attribute
		WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, schema.Rollup)
	require.NoError(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	all := names()
	require.Equal(t, all[:], got)
	require.Equal(t, Columns, strings.Join(got, ", "))
}

func TestWhatIsCopiedIsRead(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	const hour = 3600_000_000_000
	start := int64(1795410000000000000) / hour * hour
	_, err := db.Pool.Exec(ctx, `SELECT ensure_partition($1, $2)`, schema.Rollup, start)
	require.NoError(t, err)
	want := []rollup.Row{
		{
			Tenant: "red", Kind: 1, Grain: rollup.Hour, Start: start, ID: [16]byte{1}, MadeAt: 7, Content: rollup.Content{
				MinTime: start + 1, MaxTime: start + 2, Low: []byte{}, High: []byte{0xff, 0}, Total: []byte("total"), Minutes: make([]byte, 10_000),
			}, Placement: "red/1",
		},
		{Tenant: "blue", Start: start, ID: [16]byte{2}, Content: rollup.Content{MinTime: start, MaxTime: start, Low: []byte("a"), High: []byte("b"), Total: []byte{}, Minutes: []byte("m")}, Placement: "blue"},
	}
	require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return Copy(ctx, tx, want) }))
	rows, err := db.Pool.Query(ctx, `SELECT `+Columns+` FROM rollup ORDER BY rollup_id`)
	require.NoError(t, err)
	var got []rollup.Row
	for r, err := range Read(rows) {
		require.NoError(t, err)
		got = append(got, *r)
	}
	require.Equal(t, want, got)

	rows, err = db.Pool.Query(ctx, `SELECT `+strings.Replace(Columns, "made_at", "'none'", 1)+` FROM rollup`)
	require.NoError(t, err)
	var errs []error
	for _, err := range Read(rows) {
		errs = append(errs, err)
	}
	require.Len(t, slices.DeleteFunc(errs, func(err error) bool { return err == nil }), 1, "an error is told once")
}
