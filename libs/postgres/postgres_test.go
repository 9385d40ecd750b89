package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for sqlState, want := range map[string]struct {
		class fault.Class
		code  string
	}{
		"08006": {fault.Unavailable, "postgres.down"},
		"57P01": {fault.Unavailable, "postgres.down"},
		"57P03": {fault.Unavailable, "postgres.down"},
		"53300": {fault.Unavailable, "postgres.down"},
		"53100": {fault.Overloaded, "postgres.full"},
		"54000": {fault.Overloaded, "postgres.full"},
		"40001": {fault.Unavailable, "postgres.conflict"},
		"40P01": {fault.Unavailable, "postgres.conflict"},
		"55P03": {fault.Unavailable, "postgres.timeout"},
		"57014": {fault.Unavailable, "postgres.timeout"},
		"25006": {fault.Unavailable, "postgres.read_only"},
		"42P01": {fault.Unavailable, "postgres.schema"},
		"28P01": {fault.Unavailable, "postgres.access"},
		"3D000": {fault.Unavailable, "postgres.access"},
		"22P05": {fault.Invalid, "postgres.data"},
		"23505": {fault.Invalid, "postgres.data"},
		"27000": {fault.Invalid, "postgres.data"},
		"44000": {fault.Invalid, "postgres.data"},
		"38000": {fault.Invalid, "postgres.data"},
		"P0001": {fault.Invalid, "postgres.data"},
		"42601": {fault.Internal, "postgres"},
		"XX000": {fault.Internal, "postgres"},
	} {
		err := fmt.Errorf("copy spans: %w", &pgconn.PgError{Code: sqlState, Message: "driver text", ConstraintName: "c"})
		got := fault.From(postgres.Classify(err))
		require.Equal(t, want.class, got.Class, sqlState)
		require.Equal(t, want.code, got.Code, sqlState)
		require.NotContains(t, got.Message, "driver text")
		require.ErrorIs(t, got, err, "the cause is kept for the log")
	}
	require.NoError(t, postgres.Classify(nil))
	classified := fault.Kind{Class: fault.TooLarge, Code: "mine"}.New("mine")
	require.Equal(t, error(classified), postgres.Classify(classified))
	require.Equal(t, fault.NotFound, fault.ClassOf(postgres.Classify(pgx.ErrNoRows)))
	require.Equal(t, "timeout", fault.From(postgres.Classify(context.DeadlineExceeded)).Code)
	require.Equal(t, "postgres.down", fault.From(postgres.Classify(&net.OpError{Op: "read", Err: errors.New("reset")})).Code)
	require.Equal(t, fault.Internal, fault.ClassOf(postgres.Classify(errors.New("else"))))
}

func TestARefusalNamesWhatWasHurtAndNoValue(t *testing.T) {
	t.Parallel()
	pg := &pgconn.PgError{
		Code: "23505", Message: "driver text", Detail: "Key (id)=(secret) already exists.", ConstraintName: "one \"id\"", TableName: "spans_fact", SchemaName: "public",
	}
	require.Equal(t, `SQLSTATE 23505, constraint "one \"id\"", table "spans_fact"`, postgres.Refusal(postgres.Classify(fmt.Errorf("copy: %w", pg))))
	require.Equal(t, `SQLSTATE 23502, column "at"`, postgres.Refusal(&pgconn.PgError{Code: "23502", ColumnName: "at"}))
	require.Equal(t, "SQLSTATE P0001", postgres.Refusal(&pgconn.PgError{Code: "P0001", Message: "host db-7"}))
	require.Empty(t, postgres.Refusal(errors.New("reset")))
}

func TestConfig(t *testing.T) {
	t.Parallel()
	require.NoError(t, postgres.DefaultConfig().Validate())
	for _, change := range []func(*postgres.Config){
		func(c *postgres.Config) { c.URL = "" },
		func(c *postgres.Config) { c.URL = "postgres://%zz" },
		func(c *postgres.Config) { c.MaxConnections = -1 },
		func(c *postgres.Config) { c.MinConnections = -1 },
		func(c *postgres.Config) { c.MinConnections = 1001 },
		func(c *postgres.Config) { c.ConnectTimeout = -1 },
		func(c *postgres.Config) { c.MaxConnectionLife = -1 },
	} {
		cfg := postgres.DefaultConfig()
		change(&cfg)
		require.Error(t, cfg.Validate())
		_, err := postgres.Open(testbed.Context(t), cfg, "test")
		require.Equal(t, fault.Invalid, fault.ClassOf(err))
	}
	for life, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 0: math.MaxInt64} {
		cfg := postgres.DefaultConfig()
		cfg.MaxConnectionLife = life
		pool, err := postgres.Open(testbed.Context(t), cfg, "test")
		require.NoError(t, err)
		require.Equal(t, want, pool.Config().MaxConnLifetime, "0 never replaces a connection")
		pool.Close()
	}
	for most, want := range map[int]int32{0: 5, 3: 3} {
		cfg := postgres.DefaultConfig()
		cfg.URL = "postgres://me@127.0.0.1:1/db" // where nobody is
		cfg.MaxConnections, cfg.MinConnections = most, 5
		pool, err := postgres.Open(testbed.Context(t), cfg, "test")
		require.NoError(t, err)
		require.Equal(t, want, pool.Config().MinConns, "no more are kept than there may be")
		pool.Close()
	}
	cfg := postgres.DefaultConfig()
	cfg.URL = "postgres://me:hunter2@host/db?sslmode=never"
	require.ErrorContains(t, cfg.Validate(), "sslmode is invalid")
	// Passwords with what has a meaning in a URL, and passwords in the wrong place: no piece of them is shown.
	for _, text := range []string{
		"postgres://me:hunter2@host:notaport/db", "postgres://me:hun/ter2@host/db", "postgres://me:hun%ter2@host/db", "postgres://me:hun@ter2:x@host:y/db", "postgres://hunter2/@host:z",
		"host=db password=hun ter2 x", "host=db password='hun'ter2", "me:hunter2@host/db", "hunter2", "postgres://me:hun#ter2@host/db", "postgres://me:hun[ter2]@host/db", "postgres://me:hun ter2@host/db",
	} {
		cfg.URL = text
		err := cfg.Validate()
		if err == nil { // pgx reads it
			continue
		}
		for _, secret := range []string{"hun", "ter2"} {
			require.NotContains(t, err.Error(), secret, text)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	for _, pooler := range []bool{false, true} {
		cfg := db.Config()
		cfg.Pooler, cfg.MaxConnections = pooler, 2
		pool, err := postgres.Open(ctx, cfg, "ollyscale-test")
		require.NoError(t, err)
		var name, zone string
		var prepared int
		for range 3 {
			require.NoError(t, pool.QueryRow(ctx, `SELECT current_setting('application_name'), current_setting('timezone') WHERE $1::int = 1`, 1).Scan(&name, &zone))
		}
		require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM pg_prepared_statements`).Scan(&prepared))
		require.Equal(t, "ollyscale-test", name)
		require.Equal(t, "UTC", zone)
		require.Equal(t, pooler, prepared == 0)
		require.Equal(t, int32(2), pool.Config().MaxConns)
		pool.Close()
	}
}

// nowhere is a pool on a port at which nothing listens.
func nowhere(t *testing.T) *pgxpool.Pool {
	t.Helper()
	cfg := postgres.DefaultConfig()
	cfg.URL = "postgres://postgres@" + testbed.Address(t) + "/none?sslmode=disable"
	pool, err := postgres.Open(testbed.Context(t), cfg, "test")
	require.NoError(t, err, "opening does not connect")
	t.Cleanup(pool.Close)
	return pool
}

func TestProbe(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	s := postgres.Probe(ctx, nowhere(t))
	require.False(t, s.Connected)
	require.Equal(t, "postgres.down", fault.From(s.Err).Code)

	s = postgres.Probe(ctx, testbed.Empty(t).Pool)
	require.True(t, s.Connected)
	require.Equal(t, "schema.missing", fault.From(s.Err).Code)
	require.Empty(t, s.Current)

	db := testbed.Database(t)
	s = postgres.Probe(ctx, db.Pool)
	require.Equal(t, []string{schema.Version(), schema.Version()}, []string{s.Current, s.Expected})
	require.Regexp(t, `^\d+\.\d+$`, s.ServerVersion)

	health := service.NewHealth()
	health.RegisterDatabase(func(ctx context.Context) service.DatabaseState {
		return service.DatabaseState(postgres.Probe(ctx, db.Pool))
	})
	require.NoError(t, health.Check(ctx))
	for _, other := range []string{"20200101000000", "20991231000000"} {
		_, err := db.Pool.Exec(ctx, `DELETE FROM atlas_schema_revisions.atlas_schema_revisions; `)
		require.NoError(t, err)
		_, err = db.Pool.Exec(ctx, `INSERT INTO atlas_schema_revisions.atlas_schema_revisions
			(version, description, applied, total, executed_at, execution_time, hash, operator_version) VALUES ($1, '', 1, 1, now(), 0, '', ''),
			('.atlas_cloud_identifier', '', 1, 1, now(), 0, '', '')`, other)
		require.NoError(t, err)
		err = health.Check(ctx)
		require.ErrorContains(t, err, other)
		require.ErrorContains(t, err, schema.Version())
	}
}

func TestWaitForSchemaIsBounded(t *testing.T) {
	t.Parallel()
	require.NoError(t, postgres.WaitForSchema(testbed.Context(t), testbed.Database(t).Pool))
	for want, pool := range map[string]*pgxpool.Pool{"postgres.down": nowhere(t), "schema.missing": testbed.Empty(t).Pool} {
		require.Equal(t, want, fault.From(testbed.InTime(func(limit time.Duration) error {
			ctx, cancel := context.WithTimeout(testbed.Context(t), limit)
			defer cancel()
			return postgres.WaitForSchema(ctx, pool)
		})).Code)
	}
}

// expiring is a context whose time is up a moment before it is told.
type expiring struct {
	context.Context
	up atomic.Bool
}

func (e *expiring) Deadline() (time.Time, bool) {
	if e.up.Load() {
		return time.Now().Add(-time.Millisecond), true
	}
	return time.Now().Add(time.Hour), true
}

// A look that the end cuts short does not hide what the one before it saw.
func TestWaitForSchemaTellsWhatItSaw(t *testing.T) {
	t.Parallel()
	cfg, err := pgxpool.ParseConfig(testbed.Empty(t).URL)
	require.NoError(t, err)
	inner, cancel := context.WithCancel(testbed.Context(t))
	defer cancel()
	ctx := &expiring{Context: inner}
	asked := 0
	cfg.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
		if asked++; asked <= 2 {
			return true, nil // a look asks twice
		}
		ctx.up.Store(true)
		time.AfterFunc(50*time.Millisecond, cancel)
		return false, os.ErrDeadlineExceeded
	}
	pool, err := pgxpool.NewWithConfig(testbed.Context(t), cfg)
	require.NoError(t, err)
	defer pool.Close()
	require.Equal(t, "schema.missing", fault.From(postgres.WaitForSchema(ctx, pool)).Code)
	require.Greater(t, asked, 2)
}

func TestInTx(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	_, err := db.Pool.Exec(ctx, `CREATE TABLE t (id int PRIMARY KEY, other int UNIQUE DEFERRABLE INITIALLY DEFERRED)`)
	require.NoError(t, err)
	count := func() (n int) {
		require.NoError(t, db.Pool.QueryRow(ctx, `SELECT count(*) FROM t`).Scan(&n))
		return n
	}
	insert := func(id, other int) func(pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO t VALUES ($1, $2)`, id, other)
			return err
		}
	}
	require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, insert(1, 1)))
	require.Equal(t, fault.Invalid, fault.ClassOf(postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, insert(1, 2))))
	require.Equal(t, fault.Invalid, fault.ClassOf(postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, insert(2, 1))), "an error of the commit")

	mine := errors.New("mine")
	err = postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		require.NoError(t, insert(3, 3)(tx))
		return mine
	})
	require.ErrorIs(t, err, mine)

	ended, cancel := context.WithCancel(ctx)
	err = postgres.InTx(ended, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		require.NoError(t, insert(4, 4)(tx))
		cancel()
		return ended.Err()
	})
	require.Equal(t, fault.Unavailable, fault.ClassOf(err))
	err = postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		_, _ = tx.Exec(ctx, `SELECT wrong`)
		return nil // an error that was overlooked
	})
	require.Equal(t, "postgres.rolled_back", fault.From(err).Code)
	require.Equal(t, 1, count())
	require.Zero(t, db.Pool.Stat().AcquiredConns())
}

func TestWait(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	asked := 0
	require.NoError(t, postgres.Wait(ctx, func(context.Context) error {
		if asked++; asked < 3 {
			return &pgconn.PgError{Code: "57P03", Message: "the database system is starting up"}
		}
		return nil
	}))
	require.Equal(t, 3, asked)
	asked = 0
	err := postgres.Wait(ctx, func(context.Context) error { asked++; return &pgconn.PgError{Code: "28P01"} })
	require.Equal(t, "postgres.access", fault.From(err).Code)
	require.Equal(t, 1, asked, "a wrong password does not get better")

	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	err = postgres.Wait(short, nowhere(t).Ping)
	require.Equal(t, "postgres.down", fault.From(err).Code)
	require.True(t, strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "deadline"), err)
}

func TestInTxGivesTheConnectionBackWhenItPanics(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	pool := testbed.Empty(t).Pool
	require.Panics(t, func() { _ = postgres.InTx(ctx, pool, pgx.TxOptions{}, func(pgx.Tx) error { panic("a defect") }) })
	require.Zero(t, pool.Stat().AcquiredConns())
}

func TestDataLimit(t *testing.T) {
	t.Parallel()
	require.True(t, postgres.DataLimit(fmt.Errorf("copy: %w", &pgconn.PgError{Code: "54000", Routine: "_bt_check_third_page"})))
	require.False(t, postgres.DataLimit(&pgconn.PgError{Code: "54000", Routine: "GetNewTransactionId"}))
	require.False(t, postgres.DataLimit(&pgconn.PgError{Code: "53000"}))
	require.False(t, postgres.DataLimit(nil))
}
