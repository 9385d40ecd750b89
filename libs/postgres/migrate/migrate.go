// Package migrate applies an Atlas migration directory in process, as the atlas CLI would: the same checksums, the same lock, the same
// revision table, so that either can take over from the other. Only the migrator and tests link it.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"path/filepath"
	"strings"
	"time"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/postgres"
	atlasschema "ariga.io/atlas/sql/schema"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ollyscale/ollyscale/libs/postgres"
)

// lockName is the lock of `atlas migrate apply`: an advisory lock on the FNV-1 hash of this name.
const lockName = "atlas_migrate_execute"

// developmentState is the SQLSTATE by which a file refuses a database of a development build.
const developmentState = "OLDEV"

// Config says what to apply and where.
type Config struct {
	// URL of the database.
	URL string
	// Dir is the migration directory: *.sql and atlas.sum at its root.
	Dir fs.FS
	// Wait bounds the time that a database which is down or starting is waited for; 0 asks once.
	Wait time.Duration
	// ConnectTimeout bounds one attempt to connect; 0 leaves it to the URL.
	ConnectTimeout time.Duration
	// LockWait bounds the time that another migrator is waited for.
	LockWait time.Duration
	// Operator is recorded with each revision: who applied it.
	Operator string
	// Log tells of each file; nil is silent.
	Log *slog.Logger
}

// Status is where a database stands against a directory.
type Status struct {
	Current  string   // version of the last whole file, "" if there is none
	Expected string   // version of the directory's last file
	Pending  []string // names of the files to apply, in order
}

// StatementError names the statement that the database refused. Its message holds the database's own words: it is for the operator.
type StatementError struct {
	File      string
	Line      int // of the statement in the file, from 1
	Statement string
	Err       error
}

// Error names file, line and reason, and quotes the beginning of the statement.
func (e *StatementError) Error() string {
	text := strings.Join(strings.Fields(e.Statement), " ")
	if len(text) > 160 {
		text = text[:160] + "…"
	}
	return fmt.Sprintf("%s:%d: %v; the statement was: %s", e.File, e.Line, e.Err, text)
}

// Unwrap returns the database's error.
func (e *StatementError) Unwrap() error { return e.Err }

// Up applies what is pending, file by file, and returns the state it left. A second run does nothing. Two at once: one waits for the
// other. Each file is one transaction, unless it begins with "-- atlas:txmode none" and an empty line; at a broken statement the file
// is undone and a *StatementError returned, the files before it stay.
//
// A database that is newer than the directory is left alone and is an error (fault.Unavailable, code "schema.newer"); so is one that a file refuses because
// a development build has filled it (fault.Invalid, code "migrate.development").
func Up(ctx context.Context, cfg Config) (Status, error) {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, err := Load(cfg.Dir)
	if err != nil {
		return Status{}, err
	}
	db, err := open(ctx, cfg)
	if err != nil {
		return Status{}, err
	}
	defer func() { _ = db.Close() }()

	unlock, err := lock(ctx, db, cfg.LockWait)
	if err != nil {
		return Status{}, err
	}
	defer func() { _ = unlock() }()
	if err := makeRevisions(ctx, db); err != nil {
		return Status{}, err
	}
	status, files, err := pending(ctx, db, dir)
	if err != nil {
		return status, err
	}
	for _, file := range files {
		if err := agree(ctx, db, dir, file, cfg.Operator); err != nil {
			return status, err
		}
	}
	for _, file := range files {
		started := time.Now()
		if err := apply(ctx, db, dir, file, cfg.Operator); err != nil {
			return status, err
		}
		log.LogAttrs(ctx, slog.LevelInfo, "migration applied", slog.String("file", file.Name()), slog.Duration("took", time.Since(started)))
		status.Current, status.Pending = file.Version(), status.Pending[1:]
	}
	return status, nil
}

// State reads where a database stands, and changes nothing.
func State(ctx context.Context, cfg Config) (Status, error) {
	dir, err := Load(cfg.Dir)
	if err != nil {
		return Status{}, err
	}
	db, err := open(ctx, cfg)
	if err != nil {
		return Status{}, err
	}
	defer func() { _ = db.Close() }()
	status, _, err := pending(ctx, db, dir)
	return status, err
}

// Hash rewrites atlas.sum of a directory on disk.
func Hash(dir string) error {
	local, err := migrate.NewLocalDir(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	sum, err := local.Checksum()
	if err != nil {
		return fmt.Errorf("hash %s: %w", dir, err)
	}
	if err := migrate.WriteSumFile(local, sum); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(dir, migrate.HashFileName), err)
	}
	return nil
}

// Load reads a directory into memory and checks it against its atlas.sum (fault.Invalid, code "migrate.checksum").
func Load(dir fs.FS) (*migrate.MemDir, error) {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the migration directory: %w", err)
	}
	mem := &migrate.MemDir{}
	for _, name := range append(names, migrate.HashFileName) {
		b, err := fs.ReadFile(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // Validate says that there is no atlas.sum
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err := mem.WriteFile(path.Base(name), b); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	if err := migrate.Validate(mem); err != nil {
		message := "the migration directory is not as its atlas.sum says: run `migrator hash` if the change is meant"
		if sum, ok := errors.AsType[*migrate.ChecksumError](err); ok && sum.File != "" {
			message = fmt.Sprintf("%s: %s", sum.File, message)
		}
		return nil, errChecksum.Wrap(err, message)
	}
	return mem, nil
}

// open connects, waiting for a database that is still starting. Statements go by the simple protocol: migrations are run once, and a
// pooler in between must not matter.
func open(ctx context.Context, cfg Config) (*sql.DB, error) {
	conn, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, postgres.ErrConfig.Wrap(postgres.Unreadable(cfg.URL, err), "the database URL is wrong")
	}
	conn.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "ollyscale-migrator"
	}
	if cfg.ConnectTimeout > 0 {
		conn.ConnectTimeout = cfg.ConnectTimeout
	}
	db := stdlib.OpenDB(*conn)
	db.SetMaxOpenConns(4)
	if cfg.Wait <= 0 {
		err = postgres.Classify(db.PingContext(ctx))
	} else {
		waiting, cancel := context.WithTimeout(ctx, cfg.Wait)
		defer cancel()
		err = postgres.Wait(waiting, db.PingContext)
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("connect to %s: %w", conn.Host, err)
	}
	return db, nil
}

func lock(ctx context.Context, db *sql.DB, wait time.Duration) (atlasschema.UnlockFunc, error) {
	drv, err := atlas.Open(db)
	if err != nil {
		return nil, fmt.Errorf("open the atlas driver: %w", postgres.Classify(err))
	}
	// The driver tries again and again instead of waiting inside PostgreSQL, where its snapshot would hold up the other migrator's
	// CREATE INDEX CONCURRENTLY for ever.
	unlock, err := drv.Lock(ctx, lockName, wait)
	if errors.Is(err, atlasschema.ErrLocked) {
		return nil, errLocked.Wrap(err, fmt.Sprintf("another migrator has been at work for more than %s", wait))
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", postgres.Classify(err))
	}
	return unlock, nil
}

// pending lists the files that are not applied, and refuses a database that is ahead of the directory.
func pending(ctx context.Context, db *sql.DB, dir *migrate.MemDir) (Status, []migrate.File, error) {
	all, err := dir.Files()
	if err != nil || len(all) == 0 {
		return Status{}, nil, errors.Join(errors.New("the migration directory is empty"), err)
	}
	status := Status{Expected: all[len(all)-1].Version()}
	rev := &revisions{db: db}
	done, err := rev.ReadRevisions(ctx)
	if err != nil {
		return status, nil, fmt.Errorf("read revisions: %w", postgres.Classify(err))
	}
	last, applied := "", map[string]bool{}
	for _, r := range done {
		last, applied[r.Version] = r.Version, true
		if r.Applied == r.Total && r.Error == "" {
			status.Current = r.Version
		}
	}
	if last > status.Expected {
		return status, nil, postgres.SchemaError(last, status.Expected)
	}
	// Atlas sees this only between the first file that was applied and the last; one before the first it would leave out for ever. That is right
	// only where the operator has said by a baseline that the database began later.
	began := ""
	if len(done) > 0 && done[0].Type&migrate.RevisionTypeBaseline != 0 {
		began = done[0].Version
	}
	for _, f := range all {
		if f.Version() > began && f.Version() < last && !applied[f.Version()] {
			return status, nil, errHistory.Newf("%s was never applied, although files after it were: give it a version above %s", f.Name(), last)
		}
	}
	ex, err := executor(db, dir, rev, "")
	if err != nil {
		return status, nil, err
	}
	files, err := ex.Pending(ctx)
	if err != nil && !errors.Is(err, migrate.ErrNoPendingFiles) {
		return status, nil, errHistory.Wrap(err, "the database's history does not fit the migration directory")
	}
	for _, f := range files {
		status.Pending = append(status.Pending, f.Name())
	}
	return status, files, nil
}

func executor(db atlasschema.ExecQuerier, dir migrate.Dir, rev *revisions, operator string) (*migrate.Executor, error) {
	drv, err := atlas.Open(db)
	if err != nil {
		return nil, fmt.Errorf("open the atlas driver: %w", postgres.Classify(err))
	}
	// A database need not be clean: operators and images put their own schemas into new databases. A clash of names is an error of
	// the statement that meets it.
	ex, err := migrate.NewExecutor(drv, dir, rev, migrate.WithAllowDirty(true), migrate.WithOperatorVersion(operator))
	if err != nil {
		return nil, fmt.Errorf("atlas executor: %w", err)
	}
	return ex, nil
}

// apply runs one file, in a transaction unless it asks for none.
// mayRefuse is the line of a file that refuses some databases. It is tried before any file is applied, so that a database that is refused is as it was, and the build
// that filled it still opens it. Its statements must hold on every earlier schema.
const mayRefuse = "\n-- olly:may-refuse\n"

// agree tries a file that may refuse the database, and undoes it.
func agree(ctx context.Context, db *sql.DB, dir migrate.Dir, file migrate.File, operator string) error {
	if !strings.Contains(string(file.Bytes()), mayRefuse) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", postgres.Classify(err))
	}
	defer func() { _ = tx.Rollback() }()
	return execute(ctx, tx, dir, file, operator)
}

func apply(ctx context.Context, db *sql.DB, dir migrate.Dir, file migrate.File, operator string) error {
	if txMode(file) == "none" {
		conn, err := db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connect: %w", postgres.Classify(err))
		}
		defer func() { _ = conn.Close() }()
		return execute(ctx, conn, dir, file, operator)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", postgres.Classify(err))
	}
	if err := execute(ctx, tx, dir, file, operator); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: commit: %w", file.Name(), err)
	}
	return nil
}

func execute(ctx context.Context, db atlasschema.ExecQuerier, dir migrate.Dir, file migrate.File, operator string) error {
	ex, err := executor(db, dir, &revisions{db: db}, operator)
	if err != nil {
		return err
	}
	err = ex.Execute(ctx, file)
	if failed, ok := errors.AsType[*migrate.StmtExecError](err); ok {
		if pg, ok := errors.AsType[*pgconn.PgError](failed.Err); ok && pg.Code == developmentState {
			return errDevelopment.Wrap(err, pg.Message)
		}
		line := 1 + strings.Count(string(file.Bytes()[:min(failed.Stmt.Pos, len(file.Bytes()))]), "\n")
		return &StatementError{File: file.Name(), Line: line, Statement: failed.Stmt.Text, Err: failed.Err}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	return nil
}

func txMode(file migrate.File) string {
	if f, ok := file.(*migrate.LocalFile); ok {
		if mode := f.Directive("txmode"); len(mode) > 0 {
			return strings.TrimSpace(mode[0])
		}
	}
	return "file"
}
