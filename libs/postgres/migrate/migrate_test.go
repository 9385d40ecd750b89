package migrate_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// directory is a migration directory with its atlas.sum: name, content, name, content …
func directory(t *testing.T, files ...string) fs.FS {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600))
	}
	require.NoError(t, migrate.Hash(dir))
	return os.DirFS(dir)
}

func config(db *testbed.DB, dir fs.FS) migrate.Config {
	return migrate.Config{URL: db.URL, Dir: dir, Wait: 5 * time.Second, LockWait: 20 * time.Second, Operator: "a test"}
}

// holds counts the rows of a table; a table that is not there has -1.
func holds(t *testing.T, db *testbed.DB, table string) (n int) {
	t.Helper()
	ctx := testbed.Context(t)
	var exists bool
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&exists))
	if !exists {
		return -1
	}
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

const revisions = "atlas_schema_revisions.atlas_schema_revisions"

func TestABrokenFileInTheMiddle(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	files := []string{
		"1_first.sql", "CREATE TABLE first (id int);\n",
		"2_broken.sql", "CREATE TABLE second (id int);\nINSERT INTO second VALUES (1);\nINSERT INTO nowhere VALUES (1);\n",
		"3_third.sql", "CREATE TABLE third (id int);\n",
	}
	broken := config(db, directory(t, files...))
	for range 2 { // it is as broken the second time
		status, err := migrate.Up(ctx, broken)
		var statement *migrate.StatementError
		require.ErrorAs(t, err, &statement)
		require.Equal(t, []any{"2_broken.sql", 3, "INSERT INTO nowhere VALUES (1);"}, []any{statement.File, statement.Line, statement.Statement})
		require.Equal(t, []string{"2_broken.sql", "3_third.sql"}, status.Pending)
	}
	require.Equal(t, []int{0, -1, -1}, []int{holds(t, db, "first"), holds(t, db, "second"), holds(t, db, "third")})
	status, err := migrate.State(ctx, broken)
	require.NoError(t, err)
	require.Equal(t, migrate.Status{Current: "1", Expected: "3", Pending: []string{"2_broken.sql", "3_third.sql"}}, status)
	err = waitForSchema(t, db)
	require.Equal(t, "schema.older", fault.From(err).Code, "no service takes it for whole")

	files[3] = "CREATE TABLE second (id int);\nINSERT INTO second VALUES (1);\n"
	status, err = migrate.Up(ctx, config(db, directory(t, files...)))
	require.NoError(t, err)
	require.Equal(t, migrate.Status{Current: "3", Expected: "3", Pending: []string{}}, status)
	require.Equal(t, []int{1, 0, 3}, []int{holds(t, db, "second"), holds(t, db, "third"), holds(t, db, revisions)})
}

// TestAHalfAppliedFile has no transaction, so that the statements before the broken one stay. It is gone on with where it broke, and only if
// nobody has changed what is applied already.
func TestAHalfAppliedFile(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	const mode = "-- atlas:txmode none\n\n"
	file := func(text string) migrate.Config {
		return config(db, directory(t, "1_table.sql", "CREATE TABLE log (n int);\n", "2_half.sql", mode+text, "3_after.sql", "CREATE TABLE after (n int);\n"))
	}
	_, err := migrate.Up(ctx, file("INSERT INTO log VALUES (1);\nINSERT INTO log VALUES ('x');\n"))
	require.ErrorContains(t, err, "2_half.sql:4: ")
	require.Equal(t, 1, holds(t, db, "log"), "the first statement stays")
	status, err := migrate.State(ctx, file("INSERT INTO log VALUES (1);\nINSERT INTO log VALUES (2);\n"))
	require.NoError(t, err)
	require.Equal(t, migrate.Status{Current: "1", Expected: "3", Pending: []string{"2_half.sql", "3_after.sql"}}, status)
	require.Equal(t, "schema.older", fault.From(waitForSchema(t, db)).Code)

	_, err = migrate.Up(ctx, file("INSERT INTO log VALUES (7);\nINSERT INTO log VALUES (2);\n"))
	require.ErrorContains(t, err, "2_half.sql", "its applied part is another now")
	require.Equal(t, []int{1, -1}, []int{holds(t, db, "log"), holds(t, db, "after")}, "nothing is applied on top of it")

	_, err = migrate.Up(ctx, file("INSERT INTO log VALUES (1);\nINSERT INTO log VALUES (2);\n"))
	require.NoError(t, err)
	require.Equal(t, []int{2, 0}, []int{holds(t, db, "log"), holds(t, db, "after")}, "each statement once")
}

// TestTheDirectoryIsAsItsSumSays: whatever differs is found before the database is asked for anything.
func TestTheDirectoryIsAsItsSumSays(t *testing.T) {
	t.Parallel()
	whole := func() fstest.MapFS {
		dir := directory(t, "1_one.sql", "CREATE TABLE one (id int);\n", "2_two.sql", "CREATE TABLE two (id int);\n")
		out := fstest.MapFS{}
		names, err := fs.Glob(dir, "*")
		require.NoError(t, err)
		for _, name := range names {
			text, err := fs.ReadFile(dir, name)
			require.NoError(t, err)
			out[name] = &fstest.MapFile{Data: text}
		}
		return out
	}
	_, err := migrate.Load(whole())
	require.NoError(t, err)
	for name, change := range map[string]func(fstest.MapFS){
		"a file was changed":    func(d fstest.MapFS) { d["2_two.sql"].Data = []byte("CREATE TABLE three (id int);\n") },
		"a file was added":      func(d fstest.MapFS) { d["3_three.sql"] = &fstest.MapFile{Data: []byte("SELECT 3;\n")} },
		"one was slipped in":    func(d fstest.MapFS) { d["0_zero.sql"] = &fstest.MapFile{Data: []byte("SELECT 0;\n")} },
		"a file was renamed":    func(d fstest.MapFS) { d["3_two.sql"] = d["2_two.sql"]; delete(d, "2_two.sql") },
		"a file is gone":        func(d fstest.MapFS) { delete(d, "1_one.sql") },
		"the sum is gone":       func(d fstest.MapFS) { delete(d, "atlas.sum") },
		"the sum is empty":      func(d fstest.MapFS) { d["atlas.sum"].Data = nil },
		"the sum is no sum":     func(d fstest.MapFS) { d["atlas.sum"].Data = []byte("<<<<<<< ours\n") },
		"the sum lacks a line":  func(d fstest.MapFS) { d["atlas.sum"].Data = d["atlas.sum"].Data[:60] },
		"the contents switched": func(d fstest.MapFS) { d["1_one.sql"], d["2_two.sql"] = d["2_two.sql"], d["1_one.sql"] },
	} {
		dir := whole()
		change(dir)
		for what, call := range map[string]func(context.Context, migrate.Config) (migrate.Status, error){"up": migrate.Up, "state": migrate.State} {
			_, err := call(testbed.Context(t), migrate.Config{URL: "postgres://127.0.0.1:1/nobody", Dir: dir})
			require.Equal(t, "migrate.checksum", fault.From(err).Code, "%s: %s: %v", name, what, err)
			require.ErrorContains(t, err, "migrator hash")
		}
	}
	_, err = migrate.Up(testbed.Context(t), config(testbed.Empty(t), directory(t)))
	require.ErrorContains(t, err, "the migration directory is empty")
}

// TestAHistoryThatDoesNotFit: a file that was never applied lies before one that was, or one that was applied is no more.
func TestAHistoryThatDoesNotFit(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	for name, later := range map[string][]string{
		"a file came in between":  {"1_one.sql", "SELECT 1;\n", "2_two.sql", "CREATE TABLE two (id int);\n", "3_three.sql", "SELECT 3;\n"},
		"a file came before all":  {"0_zero.sql", "CREATE TABLE two (id int);\n", "1_one.sql", "SELECT 1;\n", "3_three.sql", "SELECT 3;\n"},
		"the last one has become": {"1_one.sql", "SELECT 1;\n", "2_two.sql", "CREATE TABLE two (id int);\n", "4_four.sql", "SELECT 3;\n"},
	} {
		db := testbed.Empty(t)
		_, err := migrate.Up(ctx, config(db, directory(t, "1_one.sql", "SELECT 1;\n", "3_three.sql", "SELECT 3;\n")))
		require.NoError(t, err)
		_, err = migrate.Up(ctx, config(db, directory(t, later...)))
		require.Equal(t, "migrate.history", fault.From(err).Code, "%s: %v", name, err)
		require.ErrorContains(t, err, "was never applied, although files after it were", name)
		require.Equal(t, -1, holds(t, db, "two"), name)
	}
}

// TestABaseline: the atlas CLI was told that the database is at a version already; what lies before it is taken for applied.
func TestABaseline(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	_, err := migrate.Up(ctx, config(db, directory(t, "2_two.sql", "SELECT 2;\n")))
	require.NoError(t, err)
	_, err = db.Pool.Exec(ctx, `UPDATE `+revisions+` SET type = 1, applied = 0, total = 0`)
	require.NoError(t, err)
	status, err := migrate.Up(ctx, config(db, directory(t, "1_one.sql", "SELECT nothing;\n", "2_two.sql", "SELECT 2;\n", "3_three.sql", "CREATE TABLE three (id int);\n")))
	require.NoError(t, err)
	require.Equal(t, "3", status.Current)
	require.Zero(t, holds(t, db, "three"))
}

// TestADatabaseThatIsNewer is left alone, a half-applied newer file of it too.
func TestADatabaseThatIsNewer(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	old := config(db, directory(t, "1_one.sql", "SELECT 1;\n"))
	_, err := migrate.Up(ctx, config(db, directory(t, "1_one.sql", "SELECT 1;\n", "2_two.sql", "-- atlas:txmode none\n\nSELECT 2;\nSELECT nothing;\n")))
	require.ErrorContains(t, err, "2_two.sql:4")
	for _, call := range []func(context.Context, migrate.Config) (migrate.Status, error){migrate.Up, migrate.State} {
		status, err := call(ctx, old)
		require.Equal(t, "schema.newer", fault.From(err).Code)
		require.Equal(t, fault.Unavailable, fault.ClassOf(err))
		require.Equal(t, "1", status.Expected)
	}
	require.Equal(t, 2, holds(t, db, revisions))
}

// TestSeveralMigratorsAtOnce: every statement is run once, also one that takes its time outside a transaction.
func TestSeveralMigratorsAtOnce(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Empty(t)
	dir := directory(t, "1_table.sql", "CREATE TABLE log (n int);\nINSERT INTO log VALUES (1);\n",
		"2_slow.sql", "-- atlas:txmode none\n\nINSERT INTO log VALUES (2);\nSELECT pg_sleep(0.3);\nINSERT INTO log VALUES (3);\n",
		"3_last.sql", "INSERT INTO log VALUES (4);\n")
	statuses, errs := make([]migrate.Status, 4), make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { statuses[i], errs[i] = migrate.Up(ctx, config(db, dir)) })
	}
	wg.Wait()
	for i := range errs {
		require.NoError(t, errs[i])
		require.Equal(t, "3", statuses[i].Current)
		require.Empty(t, statuses[i].Pending)
	}
	require.Equal(t, []int{4, 3}, []int{holds(t, db, "log"), holds(t, db, revisions)})
}

// TestAMigratorThatIsStopped leaves nothing of the file that it was at, and no lock behind.
func TestAMigratorThatIsStopped(t *testing.T) {
	t.Parallel()
	db := testbed.Empty(t)
	cfg := config(db, directory(t, "1_one.sql", "CREATE TABLE one (id int);\n", "2_slow.sql", "CREATE TABLE two (id int);\nSELECT pg_sleep(30);\n"))
	ctx, stop := context.WithCancel(testbed.Context(t))
	done := make(chan error, 1)
	go func() { _, err := migrate.Up(ctx, cfg); done <- err }()
	testbed.Eventually(t, "the slow statement", func() bool {
		var asleep int
		err := db.Pool.QueryRow(testbed.Context(t), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`).Scan(&asleep)
		return err == nil && asleep == 1
	})
	stop()
	require.Error(t, <-done)
	require.Equal(t, []int{0, -1, 1}, []int{holds(t, db, "one"), holds(t, db, "two"), holds(t, db, revisions)})

	cfg.Dir, cfg.LockWait = directory(t, "1_one.sql", "CREATE TABLE one (id int);\n", "2_slow.sql", "CREATE TABLE two (id int);\n"), time.Second
	_, err := migrate.Up(testbed.Context(t), cfg)
	require.NoError(t, err)
	require.Zero(t, holds(t, db, "two"))
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
