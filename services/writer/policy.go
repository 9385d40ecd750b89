package writer

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// policies knows for which tenants and signals rows are written beside the segments, and how far back. It asks the database when
// what it knows is older than a while, so that a change of policy takes effect without a restart. Safe for concurrent use.
type policies struct {
	refresh time.Duration

	mu      sync.Mutex
	read    time.Time
	windows map[policyKey]time.Duration
}

type policyKey struct {
	tenant telemetry.Tenant
	signal string
}

// load asks the database if it is time to.
func (p *policies) load(ctx context.Context, pool *pgxpool.Pool, sql string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.windows != nil && now.Sub(p.read) < p.refresh && !now.Before(p.read) {
		return nil
	}
	rows, err := pool.Query(ctx, sql)
	if err != nil {
		return fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	defer rows.Close()
	windows := map[policyKey]time.Duration{}
	for rows.Next() {
		var tenant, signal string
		var seconds int64
		if err := rows.Scan(&tenant, &signal, &seconds); err != nil {
			return fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
		}
		windows[policyKey{telemetry.Tenant(tenant), signal}] = time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	p.windows, p.read = windows, now
	return nil
}

// since is the time from which on a tenant's items are written as rows too, Unix ns; math.MaxInt64 where none are. A tenant without a
// policy has that of the default tenant.
func (p *policies) since(tenant telemetry.Tenant, signal telemetry.Signal, now time.Time) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	window, ok := p.windows[policyKey{tenant, signal.String()}]
	if !ok {
		window = p.windows[policyKey{telemetry.DefaultTenant, signal.String()}]
	}
	if window <= 0 {
		return math.MaxInt64
	}
	return now.Add(-window).UnixNano()
}
