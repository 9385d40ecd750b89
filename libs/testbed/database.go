package testbed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/schema"
)

// Environment variables that choose the PostgreSQL of the tests.
const (
	// EnvPostgresURL names a running server whose superuser the tests may be; then none is started.
	EnvPostgresURL = "OLLY_TEST_POSTGRES_URL"
	// EnvPostgresBin names a directory with initdb and postgres; default .tools/postgres/bin of the repository.
	EnvPostgresBin = "OLLY_POSTGRES_BIN"
)

// DB is a database of one test.
type DB struct {
	URL  string
	Pool *pgxpool.Pool
	Name string
}

// Config is the configuration with which a role opens this database.
func (d *DB) Config() postgres.Config {
	cfg := postgres.DefaultConfig()
	cfg.URL = d.URL
	return cfg
}

// KeepRows has every tenant's items kept as rows for SQL, too, for a day, which is not so by default.
func (d *DB) KeepRows(t testing.TB) {
	t.Helper()
	_, err := d.Pool.Exec(Context(t), "UPDATE retention_policy SET rows_window = '24 hours'")
	require.NoError(t, err)
}

// Database makes a fresh database with the schema of this build; it goes with the test. The first call in a process starts a server (see
// StopPostgres), the others copy a template, which takes tens of milliseconds.
func Database(t testing.TB) *DB {
	t.Helper()
	c := cluster(t)
	c.templateOnce.Do(func() { c.templateErr = c.makeTemplate() })
	require.NoError(t, c.templateErr, "migrate the template database")
	return c.create(t, c.template)
}

// Empty makes a fresh database without any schema, for tests of the migrator; it goes with the test.
func Empty(t testing.TB) *DB {
	t.Helper()
	return cluster(t).create(t, "template0")
}

// unlessShort leaves a test out of `make test-unit`, which is for machines without PostgreSQL.
func unlessShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL; make test-unit leaves it out")
	}
}

// PostgresBin is the directory of PostgreSQL's programs that tests use.
func PostgresBin(t testing.TB) string {
	t.Helper()
	unlessShort(t)
	bin, err := postgresBin()
	require.NoError(t, err)
	return bin
}

func postgresBin() (string, error) {
	if bin := os.Getenv(EnvPostgresBin); bin != "" {
		return bin, nil
	}
	root, err := findRoot()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, ".tools", "postgres", "bin")
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err != nil {
		return "", fmt.Errorf("no PostgreSQL for the tests: run `make postgres`, or set %s or %s: %w", EnvPostgresBin, EnvPostgresURL, err)
	}
	return bin, nil
}

// postgresCluster is the server that the tests of one process share.
type postgresCluster struct {
	url       string
	server    *server.Server // nil when the server is somebody else's
	dir       string
	log       *os.File
	databases atomic.Int64

	templateOnce sync.Once
	template     string
	templateErr  error
}

// shared is the one server of the process. Tests of a package share it because starting one takes a second.
var shared struct { //nolint:gochecknoglobals // a test process has one server, and TestMain ends it
	sync.Mutex
	cluster *postgresCluster
}

func cluster(t testing.TB) *postgresCluster {
	t.Helper()
	unlessShort(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		c, err := startCluster()
		require.NoError(t, err, "start PostgreSQL for the tests")
		shared.cluster = c
	}
	return shared.cluster
}

func startCluster() (*postgresCluster, error) {
	c := &postgresCluster{}
	if c.url = os.Getenv(EnvPostgresURL); c.url != "" {
		return c, nil
	}
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	// Not below a test's directory: it outlives the test that happens to start it.
	if c.dir, err = os.MkdirTemp("", "ollytest"); err != nil {
		return nil, err
	}
	if err := os.Chmod(c.dir, 0o711); err != nil {
		return nil, err
	}
	if c.log, err = os.Create(filepath.Join(c.dir, "log")); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c.server, err = server.Start(ctx, server.Config{
		BinDir: bin, DataDir: filepath.Join(c.dir, "data"), Log: c.log, Port: port,
		Settings: map[string]string{
			// The data lives as long as the process: nothing need survive a crash of the machine.
			"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
			"max_connections": "200", "shared_buffers": "64MB", "max_wal_size": "1GB", "autovacuum": "off",
			"max_locks_per_transaction": "256",
		},
	})
	if err != nil {
		_ = c.log.Close()
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	c.url = c.server.URL("postgres")
	return c, nil
}

// StopPostgres ends the server that the process's tests have started, if any. Every TestMain of a package whose tests use a database calls
// it, through Main; forgotten, the server ends with the process on Linux and leaves its directory behind.
func StopPostgres() error {
	shared.Lock()
	defer shared.Unlock()
	c := shared.cluster
	shared.cluster = nil
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if c.server == nil {
		if c.template != "" {
			return c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(c.template))
		}
		return nil
	}
	err := c.server.Stop(ctx)
	return errors.Join(err, c.log.Close(), os.RemoveAll(c.dir))
}

func (c *postgresCluster) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (c *postgresCluster) makeTemplate() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	name := fmt.Sprintf("olly_template_%d", os.Getpid())
	if err := c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)); err != nil {
		return err
	}
	if err := c.exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"); err != nil {
		return err
	}
	c.template = name
	dir, err := fs.Sub(schema.Migrations, schema.Dir)
	if err != nil {
		return err
	}
	_, err = migrate.Up(ctx, migrate.Config{URL: c.database(name), Dir: dir, Operator: "testbed"})
	return err
}

// database is the URL of another database of the same server.
func (c *postgresCluster) database(name string) string {
	u, err := url.Parse(c.url)
	if err != nil {
		return c.url + " dbname=" + name
	}
	u.Path = "/" + name
	return u.String()
}

func (c *postgresCluster) create(t testing.TB, template string) *DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	name := fmt.Sprintf("olly_test_%d_%d", os.Getpid(), c.databases.Add(1))
	require.NoError(t, c.exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template)))
	db := &DB{URL: c.database(name), Name: name}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		require.NoError(t, c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"))
	})
	pool, err := postgres.Open(ctx, db.Config(), "testbed")
	require.NoError(t, err)
	db.Pool = pool
	t.Cleanup(pool.Close)
	return db
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Main runs a package's tests, ends the PostgreSQL that they started, and then fails if a goroutine is left. It is the body of TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if err := errors.Join(StopPostgres(), leaked()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if code == 0 {
			code = 1
		}
	}
	return code
}
