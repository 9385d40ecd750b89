package migrator_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/migrator"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

func run(t *testing.T, cfg migrator.Config) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cfg.Out = &out
	s, err := migrator.New(cfg, testbed.Env(t))
	require.NoError(t, err)
	err = s.Run(testbed.Context(t))
	return out.String(), err
}

func config(db *testbed.DB, command string) migrator.Config {
	cfg := migrator.DefaultConfig()
	cfg.Command = command
	cfg.Postgres.URL = db.URL
	cfg.Wait = 5 * time.Second
	cfg.LockWait = 20 * time.Second
	return cfg
}

// directory writes a migration directory with its atlas.sum; files are name, content, name, content …
func directory(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600))
	}
	require.NoError(t, migrate.Hash(dir))
	return dir
}

func revisions(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(testbed.Context(t), `SELECT count(*) FROM atlas_schema_revisions.atlas_schema_revisions`).Scan(&n))
	return n
}

func TestUpIsIdempotentAndStatusSaysSo(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	out, err := run(t, config(db, migrator.Status))
	require.NoError(t, err)
	require.Contains(t, out, "current   none")
	require.Contains(t, out, "20261123000100_partitions.sql")

	for range 2 {
		_, err = run(t, config(db, migrator.Up))
		require.NoError(t, err)
		out, err = run(t, config(db, migrator.Status))
		require.NoError(t, err)
		require.Equal(t, "current   "+schema.Version()+"\nexpected  "+schema.Version()+"\npending   0\n", out)
	}
	current, expected, err := postgres.SchemaState(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Equal(t, expected, current)
	require.NoError(t, postgres.Probe(testbed.Context(t), db.Pool).Err)
}

func TestRevisionsAreAsTheCLIKeepsThem(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	dir := directory(t, "1_one.sql", "CREATE TABLE one (id int);\nCREATE TABLE uno (id int);\n")
	cfg := config(db, migrator.Up)
	cfg.Dir = dir
	_, err := run(t, cfg)
	require.NoError(t, err)
	var version, description, hash, operator, failed string
	var kind, applied, total int
	var hashes *string
	require.NoError(t, db.Pool.QueryRow(testbed.Context(t), `SELECT version, description, type, applied, total, hash, operator_version, coalesce(error, ''), partial_hashes::text
		FROM atlas_schema_revisions.atlas_schema_revisions`).Scan(&version, &description, &kind, &applied, &total, &hash, &operator, &failed, &hashes))
	require.Equal(t, []any{"1", "one", 2, 2, 2, ""}, []any{version, description, kind, applied, total, failed})
	require.Contains(t, operator, "ollyscale migrator")
	require.NotEmpty(t, hash)
	if hashes != nil {
		require.Equal(t, "null", *hashes, "no partial hashes are left")
	}
}

func TestConcurrentUpsWaitForOneAnother(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		s, err := migrator.New(config(db, migrator.Up), testbed.Env(t))
		require.NoError(t, err)
		wg.Go(func() { errs[i] = s.Run(testbed.Context(t)) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	files, err := fs.Glob(schema.Migrations, schema.Dir+"/*.sql")
	require.NoError(t, err)
	require.Equal(t, len(files), revisions(t, db.Pool), "each file once")
}

func TestALockedDatabaseIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	conn, err := db.Pool.Acquire(ctx)
	require.NoError(t, err)
	defer conn.Release()
	name := fnv.New32() // how the atlas CLI makes a key of its lock's name
	_, err = name.Write([]byte("atlas_migrate_execute"))
	require.NoError(t, err)
	_, err = conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(name.Sum32()))
	require.NoError(t, err)
	cfg := config(db, migrator.Up)
	cfg.LockWait = 50 * time.Millisecond
	_, err = run(t, cfg)
	require.Equal(t, "migrate.locked", fault.From(err).Code)
}

func TestABrokenStatementIsNamedAndItsFileUndone(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	cfg := config(db, migrator.Up)
	cfg.Dir = directory(t,
		"1_good.sql", "CREATE TABLE good (id int);\n",
		"2_bad.sql", "CREATE TABLE half (id int);\n\n-- a remark\nCREATE TABLE wrong (id nonsense);\n",
		"3_never.sql", "CREATE TABLE never (id int);\n")
	_, err := run(t, cfg)
	require.ErrorContains(t, err, "2_bad.sql:4: ")
	require.ErrorContains(t, err, `type "nonsense" does not exist`)
	require.ErrorContains(t, err, "CREATE TABLE wrong (id nonsense)")
	var half, never, good bool
	require.NoError(t, db.Pool.QueryRow(testbed.Context(t), `SELECT to_regclass('half') IS NOT NULL, to_regclass('never') IS NOT NULL, to_regclass('good') IS NOT NULL`).Scan(&half, &never, &good))
	require.Equal(t, []bool{false, false, true}, []bool{half, never, good})
	require.Equal(t, 1, revisions(t, db.Pool))

	cfg.Dir = directory(t,
		"1_good.sql", "CREATE TABLE good (id int);\n",
		"2_bad.sql", "CREATE TABLE half (id int);\n\n-- a remark\nCREATE TABLE wrong (id int);\n",
		"3_never.sql", "CREATE TABLE never (id int);\n")
	_, err = run(t, cfg)
	require.NoError(t, err, "corrected, it goes on")
	require.Equal(t, 3, revisions(t, db.Pool))
}

func TestAFileWithoutTransaction(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	cfg := config(db, migrator.Up)
	files := []string{
		"1_table.sql", "CREATE TABLE t (id int);\n",
		"2_index.sql", "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY t_id ON t (id);\nCREATE INDEX CONCURRENTLY t_no ON t (nothing);\n",
	}
	cfg.Dir = directory(t, files...)
	_, err := run(t, cfg)
	require.ErrorContains(t, err, "2_index.sql:4: ")
	current, err := postgres.SchemaVersion(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Equal(t, "1", current, "half a file does not count")

	files[3] = "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY t_id ON t (id);\nCREATE INDEX CONCURRENTLY t_no ON t (id);\n"
	cfg.Dir = directory(t, files...)
	_, err = run(t, cfg)
	require.NoError(t, err, "it goes on at the statement that failed")
	current, err = postgres.SchemaVersion(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Equal(t, "2", current)
}

func TestANewerDatabaseIsLeftAlone(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	_, err := db.Pool.Exec(ctx, `INSERT INTO atlas_schema_revisions.atlas_schema_revisions
		(version, description, applied, total, executed_at, execution_time, hash, operator_version) VALUES ('20991231000000', 'later', 1, 1, now(), 0, '', '')`)
	require.NoError(t, err)
	for _, command := range []string{migrator.Up, migrator.Status} {
		_, err = run(t, config(db, command))
		require.ErrorContains(t, err, "20991231000000")
		require.ErrorContains(t, err, schema.Version())
		require.Equal(t, "schema.newer", fault.From(err).Code)
	}
	err = waitForSchema(t, db)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err))
}

// waitForSchema is what a service that starts is told of the schema.
func waitForSchema(t *testing.T, db *testbed.DB) error {
	t.Helper()
	return testbed.InTime(func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(testbed.Context(t), limit)
		defer cancel()
		return postgres.WaitForSchema(ctx, db.Pool)
	})
}

func TestADirectoryThatIsNotAsItsSumSays(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	cfg := config(db, migrator.Up)
	cfg.Dir = directory(t, "1_one.sql", "CREATE TABLE one (id int);\n")
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Dir, "1_one.sql"), []byte("CREATE TABLE two (id int);\n"), 0o600))
	_, err := run(t, cfg)
	require.Equal(t, "migrate.checksum", fault.From(err).Code)
	require.ErrorContains(t, err, "migrator hash")
	_, err = migrate.Load(fstest.MapFS{"1_one.sql": {Data: []byte("SELECT 1;")}})
	require.Error(t, err, "no atlas.sum")

	hash := migrator.DefaultConfig()
	hash.Command, hash.Dir = migrator.Hash, cfg.Dir
	_, err = run(t, hash)
	require.NoError(t, err)
	_, err = run(t, cfg)
	require.NoError(t, err)
}

// The migrator is started before the database: it waits, and gives up in time when nothing comes.
func TestADatabaseThatIsNotUpYet(t *testing.T) {
	t.Parallel()
	bin := testbed.PostgresBin(t)
	work := reachable(t)
	first, err := server.Start(testbed.Context(t), server.Config{BinDir: bin, DataDir: filepath.Join(work, "data")})
	require.NoError(t, err)
	port, url := first.Port(), first.URL("postgres")
	require.NoError(t, first.Stop(testbed.Context(t)))

	cfg := migrator.DefaultConfig()
	cfg.Postgres.URL, cfg.Wait = url, 300*time.Millisecond
	_, err = run(t, cfg)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err))
	require.Equal(t, "postgres.down", fault.From(err).Code)

	cfg.Wait = 30 * time.Second
	s, err := migrator.New(cfg, testbed.Env(t))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Run(testbed.Context(t)) }()
	second, err := server.Start(testbed.Context(t), server.Config{BinDir: bin, DataDir: filepath.Join(work, "data"), Port: port})
	require.NoError(t, err)
	defer func() { require.NoError(t, second.Stop(testbed.Context(t))) }()
	require.NoError(t, <-done)
}

// reachable is a temporary directory that PostgreSQL's unprivileged user can reach.
func reachable(t *testing.T) string {
	t.Helper()
	work, err := os.MkdirTemp("", "olly")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(work, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(work)) })
	return work
}

// TestADatabaseOfADevelopmentBuildIsRefused: what was stored before the segment format was frozen nobody reads, and a database that holds it stays as it was,
// also where files before the one that refuses it are pending. The same without segments goes on.
func TestADatabaseOfADevelopmentBuildIsRefused(t *testing.T) {
	t.Parallel()
	for _, missing := range []int{0, 5} {
		t.Run(fmt.Sprintf("%d files before", missing), func(t *testing.T) {
			t.Parallel()
			refusesDevelopment(t, missing)
		})
	}
}

func refusesDevelopment(t *testing.T, missing int) {
	t.Helper()
	ctx := testbed.Context(t)
	all, err := fs.Glob(schema.Migrations, schema.Dir+"/*.sql")
	require.NoError(t, err)
	frozen := slices.IndexFunc(all, func(name string) bool { return strings.HasSuffix(name, "_format_frozen.sql") })
	require.Greater(t, frozen, missing)
	frozen -= missing
	var before []string
	for _, name := range all[:frozen] {
		b, err := fs.ReadFile(schema.Migrations, name)
		require.NoError(t, err)
		before = append(before, filepath.Base(name), string(b))
	}
	db := testbed.Empty(t)
	old := config(db, migrator.Up)
	old.Dir = directory(t, before...)
	_, err = run(t, old)
	require.NoError(t, err)
	for _, signal := range telemetry.Signals() {
		table := schema.TablesOf(signal.String()).Segment
		_, err = db.Pool.Exec(ctx, `SELECT ensure_partition($1, 0)`, table)
		require.NoError(t, err)
		_, err = db.Pool.Exec(ctx, `INSERT INTO `+table+` (tenant_id, placement, segment_id, level, slot, format, min_time, max_time, min_position, max_position, items, errors, roots, checksum,
		  service_ids, service_items, service_max_duration, service_max_error_duration, trace_filter, token_filter, directory)
		  VALUES ('acme', 'acme', gen_random_uuid(), 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, '{}', '{}', '{}', '{}', '', '', '')`)
		require.NoError(t, err)
		for range 2 {
			_, err = run(t, config(db, migrator.Up))
			told := fault.From(err)
			require.Equal(t, "migrate.development", told.Code, "%v", err)
			require.Equal(t, fault.Invalid, told.Class)
			require.Contains(t, err.Error(), "development build")
			require.Equal(t, frozen, revisions(t, db.Pool), "it is as it was")
		}
		_, err = db.Pool.Exec(ctx, `DELETE FROM `+table)
		require.NoError(t, err)
	}
	_, err = run(t, config(db, migrator.Up))
	require.NoError(t, err)
	require.Equal(t, len(all), revisions(t, db.Pool))
}

func TestWhatWaitingDoesNotMend(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	cfg := config(db, migrator.Up)
	cfg.Postgres.URL += "&dbname=no_such_database"
	cfg.Wait = testbed.Patience
	started := time.Now()
	_, err := run(t, cfg)
	require.Equal(t, "postgres.access", fault.From(err).Code)
	require.Less(t, time.Since(started), testbed.Prompt, "it is not waited for")
}

func TestLint(t *testing.T) {
	t.Parallel()
	cfg := migrator.DefaultConfig()
	cfg.Command = migrator.Lint
	cfg.DevURL = testbed.Empty(t).URL
	out, err := run(t, cfg)
	require.NoError(t, err, out)
	require.Contains(t, out, schema.Version()+": ok")

	cfg.DevURL = testbed.Empty(t).URL
	cfg.Dir = directory(t, "1_one.sql", "CREATE TABLE one (id int, gone int);\n", "2_two.sql", "SELECT 1;\nALTER TABLE one DROP COLUMN gone;\n")
	out, err = run(t, cfg)
	require.Equal(t, "migrate.lint", fault.From(err).Code)
	require.Contains(t, out, "2_two.sql:2: error: ")
	require.Contains(t, out, "(DS103)")

	cfg.DevURL = testbed.Empty(t).URL
	cfg.Dir = directory(t, "1_one.sql", "CREATE TABLE one (id int, gone int);\n", "2_two.sql", "SELECT 1;\n-- atlas:nolint DS103\nALTER TABLE one DROP COLUMN gone;\n")
	out, err = run(t, cfg)
	require.NoError(t, err, out)

	_, err = run(t, cfg)
	require.Equal(t, "migrate.dev_url", fault.From(err).Code, "a database with tables is not for scratch")
}

func TestTheCLIEngineAsksForTheBinary(t *testing.T) {
	db := testbed.Empty(t)
	cfg := config(db, migrator.Up)
	cfg.Engine = migrator.EngineCLI
	t.Setenv("PATH", t.TempDir())
	_, err := run(t, cfg)
	require.Equal(t, "migrate.no_cli", fault.From(err).Code)
}

// A stand-in for the binary records how it is called: the same directory, URL and revision table as the library's.
func TestTheCLIEngineCallsTheBinary(t *testing.T) {
	db := testbed.Empty(t)
	bin := t.TempDir()
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"" + bin + "/args\"\nls \"$(printf '%s\\n' \"$@\" | grep -A1 '^--dir$' | sed -n 's|^file://||p')\" > \"" + bin + "/files\"\necho '{\"Target\":\"42\"}'\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "atlas"), []byte(script), 0o700))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	cfg := config(db, migrator.Up)
	cfg.Engine = migrator.EngineCLI
	_, err := run(t, cfg)
	require.NoError(t, err)
	args, err := os.ReadFile(filepath.Join(bin, "args"))
	require.NoError(t, err)
	for _, want := range []string{"migrate\napply", db.URL, "--revisions-schema\natlas_schema_revisions", "--allow-dirty", "--tx-mode\nfile"} {
		require.Contains(t, string(args), want)
	}
	files, err := os.ReadFile(filepath.Join(bin, "files"))
	require.NoError(t, err)
	require.Contains(t, string(files), "atlas.sum")
	require.Contains(t, string(files), "20261123000100_partitions.sql")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*migrator.Config){
		func(c *migrator.Config) { c.Command = "down" },
		func(c *migrator.Config) { c.Engine = "flyway" },
		func(c *migrator.Config) { c.Wait = -1 },
		func(c *migrator.Config) { c.Postgres.URL = "" },
	} {
		cfg := migrator.DefaultConfig()
		change(&cfg)
		require.Error(t, cfg.Validate())
	}
}
