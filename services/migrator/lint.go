package migrator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/postgres"
	_ "ariga.io/atlas/sql/postgres/postgrescheck" // registers the analyzers of PostgreSQL
	atlasschema "ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlcheck"
	"ariga.io/atlas/sql/sqlclient"

	engine "github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
)

// finding is one remark of an analyzer.
type finding struct {
	file  string
	line  int
	code  string
	text  string
	fatal bool
}

// lint checks the directory against its atlas.sum, applies it to a scratch database and has Atlas's analyzers look at each file. What
// destroys data (codes DS…) or breaks running neighbours (BC…) is an error, the rest is advice. A statement or a file under
// "-- atlas:nolint" is left out.
func (s *Service) lint(ctx context.Context) error {
	fsys, err := s.dir()
	if err != nil {
		return err
	}
	dir, err := engine.Load(fsys)
	if err != nil {
		return err
	}
	files, err := dir.Files()
	if err != nil {
		return fmt.Errorf("migrate lint: %w", err)
	}
	url, stop, err := s.scratch(ctx)
	if err != nil {
		return err
	}
	defer stop()
	findings, err := analyze(ctx, url, files)
	if err != nil {
		return fmt.Errorf("migrate lint: %w", err)
	}
	fatal := 0
	for _, f := range findings {
		kind := "advice"
		if f.fatal {
			kind = "error"
			fatal++
		}
		if _, err := fmt.Fprintf(s.cfg.Out, "%s:%d: %s: %s (%s)\n", f.file, f.line, kind, f.text, f.code); err != nil {
			return err
		}
	}
	if fatal > 0 {
		return errLint.Newf("%d statements destroy data or break running services; if that is meant, put \"-- atlas:nolint\" and the reason above them", fatal)
	}
	_, err = fmt.Fprintf(s.cfg.Out, "%d migration files, version %s: ok\n", len(files), files[len(files)-1].Version())
	return err
}

// scratch gives an empty database: the one named, or one of a server that lives as long as the lint.
func (s *Service) scratch(ctx context.Context) (url string, stop func(), err error) {
	if s.cfg.DevURL != "" {
		return s.cfg.DevURL, func() {}, nil
	}
	bin, err := filepath.Abs(s.cfg.BinDir)
	if err != nil {
		return "", nil, fmt.Errorf("postgres_bin: %w", err)
	}
	work, err := os.MkdirTemp("", "ollylint")
	if err != nil {
		return "", nil, fmt.Errorf("migrate lint: %w", err)
	}
	if err := os.Chmod(work, 0o711); err != nil { //nolint:gosec // the server's unprivileged user passes through
		return "", nil, fmt.Errorf("migrate lint: %w", err)
	}
	srv, err := server.Start(ctx, server.Config{
		BinDir: bin, DataDir: filepath.Join(work, "data"), Settings: map[string]string{"fsync": "off", "autovacuum": "off"},
	})
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("start a scratch database for lint (or name one by dev_url): %w", err), os.RemoveAll(work))
	}
	return srv.URL("postgres"), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = srv.Stop(ctx)
		_ = os.RemoveAll(work)
	}, nil
}

// analyze applies the files statement by statement and compares the schema before and after each.
func analyze(ctx context.Context, url string, files []migrate.File) ([]finding, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	drv, err := atlas.Open(db)
	if err != nil {
		return nil, err
	}
	analyzers, err := sqlcheck.AnalyzerFor(atlas.DriverName, nil)
	if err != nil {
		return nil, err
	}
	from, err := drv.InspectRealm(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range from.Schemas {
		if len(s.Tables) > 0 {
			return nil, errDevURL.Newf("the scratch database is not empty: it has tables in schema %s", s.Name)
		}
	}
	var findings []finding
	for _, file := range files {
		stmts, err := file.StmtDecls()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		checked := &sqlcheck.File{File: file, From: from}
		before := from
		for _, stmt := range stmts {
			line := lineOf(file, stmt.Pos)
			if _, err := drv.ExecContext(ctx, stmt.Text); err != nil {
				return nil, &engine.StatementError{File: file.Name(), Line: line, Statement: stmt.Text, Err: err}
			}
			after, err := drv.InspectRealm(ctx, nil)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: inspect: %w", file.Name(), line, err)
			}
			changes, err := drv.RealmDiff(before, after)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: compare: %w", file.Name(), line, err)
			}
			checked.Changes = append(checked.Changes, &sqlcheck.Change{Changes: changes, Stmt: stmt})
			before = after
		}
		checked.To = before
		if checked.Sum, err = drv.RealmDiff(from, before); err != nil {
			return nil, fmt.Errorf("%s: compare: %w", file.Name(), err)
		}
		if checked.Sum == nil {
			checked.Sum = atlasschema.Changes{}
		}
		from = before
		found, err := check(ctx, analyzers, checked, stmts, &sqlclient.Client{Driver: drv})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

func check(ctx context.Context, analyzers []sqlcheck.Analyzer, file *sqlcheck.File, stmts []*migrate.Stmt, dev *sqlclient.Client) ([]finding, error) {
	var findings []finding
	reported := false
	report := func(r sqlcheck.Report) {
		reported = true
		for _, d := range r.Diagnostics {
			if silenced(file.File, stmts, d) {
				continue
			}
			findings = append(findings, finding{
				file: file.Name(), line: lineOf(file.File, d.Pos), code: d.Code, text: d.Text,
				fatal: strings.HasPrefix(d.Code, "DS") || strings.HasPrefix(d.Code, "BC"),
			})
		}
	}
	err := sqlcheck.Analyzers(analyzers).Analyze(ctx, &sqlcheck.Pass{File: file, Dev: dev, Reporter: sqlcheck.ReportWriterFunc(report)})
	// An analyzer that is configured to fail says so by an error after its report; the findings decide here.
	if err != nil && !reported {
		return nil, err
	}
	slices.SortFunc(findings, func(a, b finding) int { return a.line - b.line })
	return findings, nil
}

// silenced: the file, or the statement at the finding's position, has the directive atlas:nolint, alone or with the finding's code.
func silenced(file migrate.File, stmts []*migrate.Stmt, d sqlcheck.Diagnostic) bool {
	matches := func(directives []string) bool {
		return slices.ContainsFunc(directives, func(args string) bool {
			return strings.TrimSpace(args) == "" || slices.Contains(strings.Fields(args), d.Code)
		})
	}
	if f, ok := file.(*migrate.LocalFile); ok && matches(f.Directive("nolint")) {
		return true
	}
	return slices.ContainsFunc(stmts, func(s *migrate.Stmt) bool { return s.Pos == d.Pos && matches(s.Directive("nolint")) })
}

func lineOf(file migrate.File, pos int) int {
	b := file.Bytes()
	return 1 + strings.Count(string(b[:min(max(pos, 0), len(b))]), "\n")
}
