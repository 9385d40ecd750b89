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

	mu        sync.Mutex
	read      time.Time
	windows   map[policyKey]time.Duration
	retention telemetry.Retention
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
	var retention telemetry.Retention
	for rows.Next() {
		var tenant, signal string
		var seconds int64
		var kept telemetry.RetentionPolicy
		if err := rows.Scan(&tenant, &signal, &seconds, &kept.Days, &kept.Hold); err != nil {
			return fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
		}
		retention.Add(telemetry.Tenant(tenant), signal, kept)
		windows[policyKey{telemetry.Tenant(tenant), signal}] = time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	p.windows, p.retention, p.read = windows, retention, now
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

// late is how much older than its tenant keeps an item may be that the writer meets: it was admitted, and has waited in the queue since.
const late = 48 * time.Hour

// bounds are the times, in Unix ns, between which an item may lie for which a partition is made. Ingest has looked already, by narrower
// bounds; these are against batches that came to the bus by another way.
func (p *policies) bounds(tenant telemetry.Tenant, signal telemetry.Signal, now time.Time, ahead time.Duration) (least, most int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept := p.retention.Kept(tenant, signal, now); kept > 0 {
		least = kept - int64(late)
	}
	return least, now.Add(ahead).UnixNano()
}
