package allinone

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres"
)

// OpenDatabase opens the database at url for a command beside the services; "" is that of the ollyScale that runs on dataDir.
func OpenDatabase(ctx context.Context, url, dataDir, name string) (*pgxpool.Pool, error) {
	if url == "" {
		var err error
		if url, err = LocalURL(dataDir); err != nil {
			return nil, err
		}
	}
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.MaxConnections = url, 1
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
