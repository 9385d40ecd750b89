package migrator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"ariga.io/atlas-go-sdk/atlasexec"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/schema"
)

// upCLI applies by the atlas binary. It takes the same lock, reads the same directory and keeps the same revision table as the library.
func (s *Service) upCLI(ctx context.Context) error {
	binary, err := exec.LookPath("atlas")
	if err != nil {
		return errNoCLI.Wrap(err, "engine cli: there is no atlas binary in PATH; install it or use engine library")
	}
	dir, err := s.dir()
	if err != nil {
		return err
	}
	if err := s.await(ctx); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "ollyscale-migrations")
	if err != nil {
		return fmt.Errorf("migrate up: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	files := filepath.Join(work, "migrations")
	if err := os.CopyFS(files, dir); err != nil {
		return fmt.Errorf("copy the migration directory: %w", err)
	}
	client, err := atlasexec.NewClient(work, binary)
	if err != nil {
		return fmt.Errorf("atlas: %w", err)
	}
	done, err := client.MigrateApply(ctx, &atlasexec.MigrateApplyParams{
		DirURL: "file://" + files, URL: s.cfg.Postgres.URL, RevisionsSchema: schema.RevisionsSchema, TxMode: "file", AllowDirty: true,
	})
	if err != nil {
		if failed, ok := errors.AsType[*atlasexec.MigrateApplyError](err); ok {
			for _, result := range failed.Result {
				for _, file := range result.Applied {
					if file.Error != nil {
						return fmt.Errorf("migrate up: %s: %s; the statement was: %s", file.Name, file.Error.Text, file.Error.Stmt)
					}
				}
			}
		}
		return fmt.Errorf("migrate up: %w", err)
	}
	s.env.Log.InfoContext(ctx, "schema is up to date", "version", done.Target, "applied", len(done.Applied), "engine", "cli")
	return nil
}

// await waits for the database as the library engine does.
func (s *Service) await(ctx context.Context) error {
	db, err := sql.Open("pgx", s.cfg.Postgres.URL)
	if err != nil {
		return fmt.Errorf("migrate up: %w", err)
	}
	defer func() { _ = db.Close() }()
	if s.cfg.Wait == 0 {
		return postgres.Classify(db.PingContext(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Wait)
	defer cancel()
	return postgres.Wait(ctx, db.PingContext)
}
