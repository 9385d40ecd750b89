// Package postgres opens pools, waits for a database and its schema version, runs transactions and turns SQLSTATE into a fault class.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/schema"
)

// Open makes a pool; name is the application_name by which operators find its connections. It connects lazily: a database that is down
// or still starting is no error here (services start in any order and report themselves not ready), a wrong configuration is.
func Open(ctx context.Context, cfg Config, name string) (*pgxpool.Pool, error) {
	p, err := cfg.pool(name)
	if err != nil {
		return nil, ErrConfig.Wrap(err, "the database configuration is wrong")
	}
	pool, err := pgxpool.NewWithConfig(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("open a pool: %w", err)
	}
	return pool, nil
}

// waitStep is how often a database that is not there yet is asked again.
const waitStep = 200 * time.Millisecond

// Wait returns when the database answers, at the latest when ctx ends, then with the last reason (fault.Unavailable). It goes on trying
// only while waiting can help: a wrong password or a missing database is returned at once.
func Wait(ctx context.Context, ping func(context.Context) error) error {
	tick := time.NewTicker(waitStep)
	defer tick.Stop()
	var last error
	for {
		err := ping(ctx)
		if err == nil {
			return nil
		}
		if !over(ctx) {
			last = err
			if !Starting(err) {
				return Classify(err)
			}
		}
		select {
		case <-ctx.Done():
			if last == nil {
				last = err
			}
			return errDown.Wrap(last, "the database does not answer")
		case <-tick.C:
		}
	}
}

// WaitForSchema returns when the database has the schema version that this build expects, at the latest when ctx ends, then with the
// reason: fault.Unavailable naming both versions, or the database's own trouble.
func WaitForSchema(ctx context.Context, pool *pgxpool.Pool) error {
	tick := time.NewTicker(waitStep)
	defer tick.Stop()
	var last error
	for {
		err := Probe(ctx, pool).Err
		if err == nil {
			return nil
		}
		if last == nil || !over(ctx) {
			last = err // a look that was cut short says less than the one before it
		}
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
	}
}

// over reports whether ctx has ended, or its time has: what waits for the network may be told so a moment before ctx is.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// State is what is known of a database. Its fields are those of service.DatabaseState, to which it converts.
type State struct {
	Connected     bool
	ServerVersion string // "18.4"
	Expected      string // schema version this build expects
	Current       string // schema version of the database; "" if there is none
	Err           error  // why it is not usable, nil when it is: also where the versions differ
}

// SchemaError says that the database's schema is older or newer than expected, naming both versions (fault.Unavailable, codes
// "schema.missing", "schema.older", "schema.newer").
func SchemaError(current, expected string) error {
	switch {
	case current == "":
		return errSchemaMissing.Newf("the database has no schema yet, this build expects version %s: run the migrator", expected)
	case current < expected:
		return errSchemaOlder.Newf("the database has schema version %s, this build expects the newer %s: run the migrator", current, expected)
	default:
		return errSchemaNewer.Newf("the database has schema version %s, this build expects the older %s: run a newer build", current, expected)
	}
}

// Probe asks the database for its version and its schema's. It never fails; State.Err says what is wrong.
func Probe(ctx context.Context, pool *pgxpool.Pool) State {
	s := State{Expected: schema.Version()}
	err := pool.QueryRow(ctx, `SELECT current_setting('server_version')`).Scan(&s.ServerVersion)
	if err != nil {
		s.Err = Classify(err)
		return s
	}
	s.Connected = true
	s.ServerVersion, _, _ = strings.Cut(s.ServerVersion, " ")
	if s.Current, s.Err = SchemaVersion(ctx, pool); s.Err == nil && s.Current != s.Expected {
		s.Err = SchemaError(s.Current, s.Expected)
	}
	return s
}

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// SchemaVersion is the version of the last migration file that was applied as a whole, "" if there is none. While a file is half
// applied (only possible for files that run outside a transaction), it is the version before.
func SchemaVersion(ctx context.Context, q Querier) (string, error) {
	var version string
	err := q.QueryRow(ctx, `SELECT coalesce(max(version), '') FROM `+schema.RevisionsSchema+`.`+schema.RevisionsTable+`
		WHERE version NOT LIKE '.%' AND applied = total AND coalesce(error, '') = ''`).Scan(&version)
	if err != nil {
		if state := sqlState(err); state == "42P01" || state == "3F000" { // no such table, no such schema
			return "", nil
		}
		return "", fmt.Errorf("read the schema version: %w", Classify(err))
	}
	return version, nil
}

// SchemaState is the database's schema version and the one that this build expects.
func SchemaState(ctx context.Context, pool *pgxpool.Pool) (current, expected string, err error) {
	current, err = SchemaVersion(ctx, pool)
	return current, schema.Version(), err
}

// Beginner is a pool or a connection.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// InTx runs f in a transaction and commits when it returns nil; else it rolls back and returns f's error, classified. An error of the
// commit leaves it open whether the transaction took place: callers must be able to do it again.
func InTx(ctx context.Context, db Beginner, options pgx.TxOptions, f func(tx pgx.Tx) error) error {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin: %w", Classify(err))
	}
	returned := false
	rollback := func() {
		// The rollback must reach the server even when ctx has ended, or the connection is lost to the pool.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(undo)
	}
	defer func() {
		if !returned {
			rollback() // f panics, and somebody above may go on
		}
	}()
	err = f(tx)
	returned = true
	if err != nil {
		rollback()
		return Classify(err)
	}
	if err := tx.Commit(ctx); err != nil {
		if errors.Is(err, pgx.ErrTxCommitRollback) {
			return errRolledBack.Wrap(err, "the transaction was rolled back")
		}
		return fmt.Errorf("commit: %w", Classify(err))
	}
	return nil
}

const rollbackTimeout = 2 * time.Second
