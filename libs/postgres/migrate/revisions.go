package migrate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ariga.io/atlas/sql/migrate"
	atlasschema "ariga.io/atlas/sql/schema"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/schema"
)

const revisionsTable = schema.RevisionsSchema + "." + schema.RevisionsTable

// revisionsDDL is the table as the atlas CLI makes it.
const revisionsDDL = `CREATE TABLE IF NOT EXISTS ` + revisionsTable + ` (
	version character varying NOT NULL,
	description character varying NOT NULL,
	type bigint NOT NULL DEFAULT 2,
	applied bigint NOT NULL DEFAULT 0,
	total bigint NOT NULL DEFAULT 0,
	executed_at timestamptz NOT NULL,
	execution_time bigint NOT NULL,
	error text NULL,
	error_stmt text NULL,
	hash character varying NOT NULL,
	partial_hashes jsonb NULL,
	operator_version character varying NOT NULL,
	PRIMARY KEY (version)
)`

// makeRevisions is called under the migrators' lock. It asks first: CREATE SCHEMA IF NOT EXISTS needs the right to create one even when
// it exists.
func makeRevisions(ctx context.Context, db *sql.DB) error {
	var exists bool
	if err := db.QueryRowContext(ctx, `SELECT to_regclass('`+revisionsTable+`') IS NOT NULL`).Scan(&exists); err != nil {
		return fmt.Errorf("look for the revision table: %w", postgres.Classify(err))
	}
	if exists {
		return nil
	}
	for _, ddl := range []string{`CREATE SCHEMA IF NOT EXISTS ` + schema.RevisionsSchema, revisionsDDL} {
		if _, err := db.ExecContext(ctx, ddl); err != nil {
			return fmt.Errorf("make the revision table: %w", err)
		}
	}
	return nil
}

// revisions reads and writes the revision table. It is bound to the transaction of the file whose revision it writes, so that a file and
// its revision are stored together.
type revisions struct{ db atlasschema.ExecQuerier }

var _ migrate.RevisionReadWriter = (*revisions)(nil)

const revisionColumns = `version, description, type, applied, total, executed_at, execution_time, coalesce(error, ''), coalesce(error_stmt, ''), hash, partial_hashes, operator_version`

// Ident names the table.
func (r *revisions) Ident() *migrate.TableIdent {
	return &migrate.TableIdent{Name: schema.RevisionsTable, Schema: schema.RevisionsSchema}
}

// ReadRevisions returns all revisions, oldest first; none when there is no table yet. Versions that begin with a dot are the CLI's own.
func (r *revisions) ReadRevisions(ctx context.Context) ([]*migrate.Revision, error) {
	revs, err := r.read(ctx, `SELECT `+revisionColumns+` FROM `+revisionsTable+` WHERE version NOT LIKE '.%' ORDER BY version`)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "42P01" || pg.Code == "3F000") {
		return nil, nil
	}
	return revs, err
}

// ReadRevision returns one revision, or migrate.ErrRevisionNotExist.
func (r *revisions) ReadRevision(ctx context.Context, version string) (*migrate.Revision, error) {
	revs, err := r.read(ctx, `SELECT `+revisionColumns+` FROM `+revisionsTable+` WHERE version = $1`, version)
	if err != nil {
		return nil, err
	}
	if len(revs) == 0 {
		return nil, migrate.ErrRevisionNotExist
	}
	return revs[0], nil
}

func (r *revisions) read(ctx context.Context, query string, args ...any) (revs []*migrate.Revision, err error) {
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read revisions: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			rev    migrate.Revision
			took   int64
			hashes sql.NullString
		)
		if err := rows.Scan(&rev.Version, &rev.Description, &rev.Type, &rev.Applied, &rev.Total, &rev.ExecutedAt, &took,
			&rev.Error, &rev.ErrorStmt, &rev.Hash, &hashes, &rev.OperatorVersion); err != nil {
			return nil, fmt.Errorf("read revisions: %w", err)
		}
		rev.ExecutionTime = time.Duration(took)
		if hashes.Valid && hashes.String != "" {
			if err := json.Unmarshal([]byte(hashes.String), &rev.PartialHashes); err != nil {
				return nil, fmt.Errorf("read the partial hashes of revision %s: %w", rev.Version, err)
			}
		}
		revs = append(revs, &rev)
	}
	return revs, rows.Err()
}

// WriteRevision inserts or updates a revision.
func (r *revisions) WriteRevision(ctx context.Context, rev *migrate.Revision) error {
	hashes, err := json.Marshal(rev.PartialHashes)
	if err != nil {
		return fmt.Errorf("write revision: %w", err)
	}
	_, err = r.db.ExecContext(ctx, `INSERT INTO `+revisionsTable+` (version, description, type, applied, total, executed_at,
			execution_time, error, error_stmt, hash, partial_hashes, operator_version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12)
		ON CONFLICT (version) DO UPDATE SET description = excluded.description, type = excluded.type, applied = excluded.applied,
			total = excluded.total, executed_at = excluded.executed_at, execution_time = excluded.execution_time, error = excluded.error,
			error_stmt = excluded.error_stmt, hash = excluded.hash, partial_hashes = excluded.partial_hashes,
			operator_version = excluded.operator_version`,
		rev.Version, rev.Description, int64(rev.Type), rev.Applied, rev.Total, rev.ExecutedAt.UTC().Format(time.RFC3339Nano), //nolint:gosec // three flags
		int64(rev.ExecutionTime), rev.Error, strings.ToValidUTF8(rev.ErrorStmt, "?"), rev.Hash, string(hashes), rev.OperatorVersion)
	if err != nil {
		return fmt.Errorf("write revision: %w", err)
	}
	return nil
}

// DeleteRevision removes a revision.
func (r *revisions) DeleteRevision(ctx context.Context, version string) error {
	if _, err := r.db.ExecContext(ctx, `DELETE FROM `+revisionsTable+` WHERE version = $1`, version); err != nil {
		return fmt.Errorf("delete revision: %w", err)
	}
	return nil
}
