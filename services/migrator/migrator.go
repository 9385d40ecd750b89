// Package migrator brings a database to the schema of this build, once, and ends: a job before the other services, or a step of
// all-in-one.
//
//	migrator up       apply what is pending, one transaction a file, one migrator at a time
//	migrator status   current, expected and pending versions
//	migrator lint     atlas.sum, and Atlas's analyzers over every statement on a scratch database
//	migrator hash     rewrite atlas.sum after a file was added
package migrator

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/schema"
)

// The commands.
const (
	Up     = "up"
	Status = "status"
	Lint   = "lint"
	Hash   = "hash"
)

// The engines of the command up.
const (
	EngineLibrary = "library" // the Atlas library in this process
	EngineCLI     = "cli"     // the atlas binary of the machine, on the same directory and revision table
)

// Config of the migrator.
type Config struct {
	Command  string          `mapstructure:"command" usual:"true" arg:"true" doc:"What to do: up, status, lint or hash."`
	Engine   string          `mapstructure:"engine" doc:"What applies the files: library (in this process) or cli (the atlas binary of the machine)."`
	Dir      string          `mapstructure:"dir" doc:"Migration directory on disk; empty takes the one in the binary (hash: schema/migrations)."`
	Wait     time.Duration   `mapstructure:"wait" doc:"How long a database that is down or starting is waited for; 0 asks once."`
	LockWait time.Duration   `mapstructure:"lock_wait" doc:"How long another migrator at work is waited for; 0 asks once."`
	DevURL   string          `mapstructure:"dev_url" secret:"true" doc:"Empty scratch database for lint; without it lint starts a server of its own from postgres_bin."`
	BinDir   string          `mapstructure:"postgres_bin" doc:"Directory of PostgreSQL's programs, for lint."`
	Postgres postgres.Config `mapstructure:"postgres"`

	// Out receives what status and lint have to say; nil is the standard output.
	Out io.Writer `mapstructure:"-"`
}

// DefaultConfig applies what is pending to a database on this machine.
func DefaultConfig() Config {
	return Config{
		Command: Up, Engine: EngineLibrary, Wait: time.Minute, LockWait: 10 * time.Minute,
		BinDir: ".tools/postgres/bin", Postgres: postgres.DefaultConfig(),
	}
}

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("command", c.Command, Up, Status, Lint, Hash)
	p.OneOf("engine", c.Engine, EngineLibrary, EngineCLI)
	settings.NotNegative(&p, "wait", c.Wait)
	settings.NotNegative(&p, "lock_wait", c.LockWait)
	if c.Command == Up || c.Command == Status {
		p.Section("postgres", c.Postgres.Validate())
	}
	return p.Err()
}

// Service is one run of the migrator.
type Service struct {
	cfg Config
	env service.Env
}

// New checks the configuration; nothing is connected yet.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Out == nil {
		cfg.Out = os.Stdout
	}
	return &Service{cfg: cfg, env: env}, nil
}

// Run does what the command says and returns when it is done. An error of up names the file and the statement.
func (s *Service) Run(ctx context.Context) error {
	switch s.cfg.Command {
	case Status:
		return s.status(ctx)
	case Lint:
		return s.lint(ctx)
	case Hash:
		return s.hash()
	}
	if s.cfg.Engine == EngineCLI {
		return s.upCLI(ctx)
	}
	return s.up(ctx)
}

// dir is the migration directory: the one named, or the one in the binary.
func (s *Service) dir() (fs.FS, error) {
	if s.cfg.Dir != "" {
		if _, err := os.Stat(s.cfg.Dir); err != nil {
			return nil, errDir.Wrap(err, fmt.Sprintf("no migration directory at %s", s.cfg.Dir))
		}
		return os.DirFS(s.cfg.Dir), nil
	}
	return fs.Sub(schema.Migrations, schema.Dir)
}

func (s *Service) engine() (migrate.Config, error) {
	dir, err := s.dir()
	return migrate.Config{
		URL: s.cfg.Postgres.URL, Dir: dir, Wait: s.cfg.Wait, ConnectTimeout: s.cfg.Postgres.ConnectTimeout, LockWait: s.cfg.LockWait,
		Operator: "ollyscale migrator " + service.Version(), Log: s.env.Log,
	}, err
}

func (s *Service) up(ctx context.Context) error {
	engine, err := s.engine()
	if err != nil {
		return err
	}
	started := s.env.Now()
	status, err := migrate.Up(ctx, engine)
	if err != nil {
		return fmt.Errorf("migrate up: %w", err)
	}
	s.env.Log.InfoContext(ctx, "schema is up to date", "version", status.Current, "took", s.env.Now().Sub(started))
	return nil
}

func (s *Service) status(ctx context.Context) error {
	engine, err := s.engine()
	if err != nil {
		return err
	}
	status, err := migrate.State(ctx, engine)
	if err != nil {
		return fmt.Errorf("migrate status: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "current   %s\nexpected  %s\npending   %d\n", orNone(status.Current), status.Expected, len(status.Pending))
	for _, file := range status.Pending {
		fmt.Fprintf(&b, "  %s\n", file)
	}
	_, err = io.WriteString(s.cfg.Out, b.String())
	return err
}

func orNone(version string) string {
	if version == "" {
		return "none"
	}
	return version
}

func (s *Service) hash() error {
	dir := s.cfg.Dir
	if dir == "" {
		dir = "schema/" + schema.Dir
	}
	if err := migrate.Hash(dir); err != nil {
		return fmt.Errorf("migrate hash: %w", err)
	}
	return nil
}
