package allinone

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/settings"
)

// Database is the part of the configuration of a command beside the services that says which database it works on, embedded in the whole.
type Database struct {
	URL     string `mapstructure:"postgres_url" usual:"true" secret:"true" flag:"postgres" doc:"URL of the database; empty for that of the ollyScale that runs on data_dir."`
	DataDir string `mapstructure:"data_dir" usual:"true" doc:"Data directory of an ollyScale that runs on this machine; not together with postgres_url."`
}

// Validate refuses two databases at once: either may come from the environment that another program of the shell wants, and to guess which
// is meant would show, or change, the other one.
func (d Database) Validate() error {
	var p settings.Problems
	if d.DataDir != "" && d.URL != "" {
		p.Refuse("data_dir", "is given together with postgres_url, which names another database: give one of them, the other one empty (--postgres= or --data-dir=)")
	}
	return p.Err()
}

// OpenCurrent is Open for a command that reads or changes tables: the error of postgres.SchemaError where their version is not that of this
// build.
func (d Database) OpenCurrent(ctx context.Context, name string) (*pgxpool.Pool, error) {
	pool, err := d.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	current, expected, err := postgres.SchemaState(ctx, pool)
	if err == nil && current != expected {
		err = postgres.SchemaError(current, expected)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// Open connects, by one connection, under the name of the command.
func (d Database) Open(ctx context.Context, name string) (*pgxpool.Pool, error) {
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.MaxConnections = d.URL, 1
	if cfg.URL == "" {
		var err error
		if cfg.URL, err = LocalURL(d.DataDir); err != nil {
			return nil, err
		}
	}
	pool, err := postgres.Open(ctx, cfg, name)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, postgres.Classify(err)
	}
	return pool, nil
}
