package pgcopy_test

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// every is a row with each kind of value, as the server prints it.
func every(c *pgcopy.Stream, i int) {
	if i == 1 { // nothing, or as little as there can be
		c.Begin(10)
		c.Int2(math.MinInt16)
		c.Int4(math.MinInt32)
		c.Int8(math.MinInt64)
		c.Text("")
		c.Bytes(nil)
		c.Null()
		c.Int8s(nil)
		c.Doubles(nil)
		c.Close(c.Array(pgcopy.OIDInt4, 0, 1))
		c.Timestamp(-1) // of the microsecond before
		return
	}
	c.Begin(10)
	c.Int2(math.MaxInt16)
	c.Int4(math.MaxInt32)
	c.Int8(math.MaxInt64)
	c.Text("naïve")
	c.Bytes([]byte{0, 255})
	m := c.JSONB()
	c.Buf = append(c.Buf, `{"a": 1}`...)
	c.Close(m)
	c.Int8s([]int64{1, -2})
	c.Doubles([]int64{int64(math.Float64bits(0.5))})
	m = c.Array(pgcopy.OIDInt4, 2, 7)
	c.Int4(8)
	c.Int4(9)
	c.Close(m)
	c.Timestamp(1_763_875_020_123_456_789)
}

func table(t *testing.T, db *testbed.DB) {
	t.Helper()
	_, err := db.Pool.Exec(testbed.Context(t), `CREATE TABLE every (a smallint, b integer, c bigint, d text, e bytea, f jsonb, g bigint[], h double precision[], i integer[], j timestamptz)`)
	require.NoError(t, err)
}

func TestEveryKindOfValueArrives(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	table(t, db)
	statement := pgcopy.Statement("every", strings.Split("abcdefghij", ""))
	require.Equal(t, "COPY public.every (a, b, c, d, e, f, g, h, i, j) FROM STDIN (FORMAT binary)", statement)
	var stream pgcopy.Stream
	for range 2 { // the stream is used again
		stream.Reset()
		every(&stream, 0)
		every(&stream, 1)
		require.Equal(t, 2, stream.Rows)
		require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return stream.Send(ctx, tx, statement) }))
	}
	require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return pgcopy.SendRows(ctx, tx, statement, 2, every) }))
	require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return pgcopy.SendRows(ctx, tx, statement, 0, every) }))
	rows, err := db.Pool.Query(ctx, `SELECT every::text FROM every ORDER BY a, ctid`)
	require.NoError(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	least := `(-32768,-2147483648,-9223372036854775808,"","\\x",,{},{},{},"1969-12-31 23:59:59.999999+00")`
	most := `(32767,2147483647,9223372036854775807,naïve,"\\x00ff","{""a"": 1}","{1,-2}",{0.5},"[7:8]={8,9}","2025-11-23 05:17:00.123456+00")`
	require.Equal(t, []string{least, least, least, most, most, most}, got)
}

// TestRowsLargerThanOneRead are sent one by one, from one buffer.
func TestRowsLargerThanOneRead(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	table(t, db)
	const n = 20
	largest := 0
	err := postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		return pgcopy.SendRows(ctx, tx, pgcopy.Statement("every", []string{"b", "e"}), n, func(c *pgcopy.Stream, i int) {
			c.Begin(2)
			c.Int4(int32(i))
			c.Bytes(make([]byte, 200_000+i))
			largest = max(largest, cap(c.Buf))
		})
	})
	require.NoError(t, err)
	var rows, bytes int
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT count(DISTINCT b), sum(octet_length(e) - b) FROM every`).Scan(&rows, &bytes))
	require.Equal(t, []int{n, n * 200_000}, []int{rows, bytes})
	require.Less(t, largest, 400_000, "no more than the largest row is held")
}

// TestWhatTheServerSaysIsPassedOn: its error as it is; rows that it swallows are an error of ours.
func TestWhatTheServerSaysIsPassedOn(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	table(t, db)
	send := func(columns ...string) error {
		return postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
			return pgcopy.SendRows(ctx, tx, pgcopy.Statement("every", columns), 2, func(c *pgcopy.Stream, i int) {
				c.Begin(1)
				c.Int4(int32(i))
			})
		})
	}
	require.NoError(t, send("b"))
	for column, code := range map[string]string{"c": "08P01", "nothing": "42703"} {
		pg, ok := errors.AsType[*pgconn.PgError](send(column))
		require.True(t, ok)
		require.Equal(t, code, pg.Code)
	}
	pg, _ := errors.AsType[*pgconn.PgError](send("b", "c"))
	require.Equal(t, "22P04", pg.Code, "a value is missing")
	_, err := db.Pool.Exec(ctx, `CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER swallow BEFORE INSERT ON every FOR EACH ROW WHEN (new.b = 1) EXECUTE FUNCTION swallow()`)
	require.NoError(t, err)
	err = send("b")
	require.Equal(t, "postgres.short_copy", fault.From(err).Code)
	require.ErrorContains(t, err, "2 rows sent, 1 stored")
}
