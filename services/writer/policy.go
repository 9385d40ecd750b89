package writer

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// policies knows how long data is kept, how far back rows are written beside the segments, and over how many buckets tenants are spread: what flushes
// go by, and what those are told who have no database. It asks the database when what it knows is older than a while, so that a change of policy takes effect
// without a restart. Safe for concurrent use.
type policies struct {
	pool    *pgxpool.Pool
	sql     *statements
	refresh time.Duration
	clock   *postgres.Clock // set by what the database says

	mu    sync.Mutex
	known *policy
	read  time.Time
}

// policy is what the tables of policies said at one moment. It never changes: who has it goes by the same bounds from beginning to end.
type policy struct {
	asOf      time.Time // by the database's clock
	retention telemetry.Retention
	spreads   telemetry.Spreads
}

// load is what is known, asked for anew if it is time to.
func (p *policies) load(ctx context.Context, now time.Time) (*policy, error) {
	p.mu.Lock()
	known, age := p.known, now.Sub(p.read)
	p.mu.Unlock()
	if known != nil && age >= 0 && age < p.refresh {
		return known, nil
	}
	return p.reload(ctx, now)
}

// reload asks the database. It does so without the lock: the question may wait for long, and each that asks waits by its own time.
func (p *policies) reload(ctx context.Context, now time.Time) (*policy, error) {
	rows, err := p.pool.Query(ctx, p.sql.retention)
	if err != nil {
		return nil, fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	var (
		out            policy
		tenant, signal string
		one            telemetry.RetentionPolicy
		seconds        int64
	)
	_, err = pgx.ForEachRow(rows, []any{&out.asOf, &tenant, &signal, &one.Days, &one.Hold, &seconds}, func() error {
		if tenant == "" {
			return nil // no policy at all: everything is kept
		}
		one.Rows = time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second
		out.retention.Add(telemetry.Tenant(tenant), signal, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	if out.spreads, err = p.spreads(ctx); err != nil {
		return nil, fmt.Errorf("read how tenants are spread: %w", postgres.Classify(err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.read = &out, now
	if p.clock != nil {
		p.clock.Set(out.asOf)
	}
	return &out, nil
}

func (p *policies) spreads(ctx context.Context) (telemetry.Spreads, error) {
	rows, err := p.pool.Query(ctx, p.sql.spreads)
	if err != nil {
		return nil, err
	}
	out := telemetry.Spreads{}
	var tenant string
	var one telemetry.Spread
	_, err = pgx.ForEachRow(rows, []any{&tenant, &one.Since, &one.Buckets}, func() error {
		out[telemetry.Tenant(tenant)] = append(out[telemetry.Tenant(tenant)], one)
		return nil
	})
	return out, err
}

// rowsSince is the time from which on a tenant's items are written as rows too, Unix ns; math.MaxInt64 where none are.
func (p *policy) rowsSince(tenant telemetry.Tenant, signal telemetry.Signal, now time.Time) int64 {
	window := p.retention.Of(tenant, signal).Rows
	if window <= 0 {
		return math.MaxInt64
	}
	return now.Add(-window).UnixNano()
}

// late is how much older than its tenant keeps an item may be that the writer meets: it was admitted, and has waited in the queue since.
const late = 48 * time.Hour

// bounds are the times, in Unix ns, between which an item may lie for which a partition is made. Ingest has looked already, by narrower
// bounds; these are against batches that came to the bus by another way.
func (p *policy) bounds(tenant telemetry.Tenant, signal telemetry.Signal, now time.Time, ahead time.Duration) (least, most int64) {
	if kept := p.retention.Kept(tenant, signal, now); kept > 0 {
		least = kept - int64(late)
	}
	return least, now.Add(ahead).UnixNano()
}
