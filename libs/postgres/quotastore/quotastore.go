// Package quotastore is what PostgreSQL knows of tenants' quotas: the limits that were set, and what was used.
package quotastore

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Late is how long after a day something may still be added to its usage: a batch waits in the queue, or is a dead letter that is replayed. What says
// that it was received before that counts for the day on which it is stored, and usage is kept at least as long.
const Late = 90 * 24 * time.Hour

//go:embed sql/*.sql
var files embed.FS

// Store is the tables tenant_limit and tenant_usage. Safe for concurrent use.
type Store struct {
	pool                      *pgxpool.Pool
	limits, set, unset, usage string
}

// New prepares the statements; nothing is asked of the database yet.
func New(pool *pgxpool.Pool) (*Store, error) {
	f := sqlfile.Parse(files)
	s := &Store{pool: pool, limits: f.Text("limits", nil), set: f.Text("set_limit", nil), unset: f.Text("unset_limit", nil), usage: f.Text("usage", nil)}
	return s, f.Err()
}

// Limits are all that were set, and the moment by the database's clock at which it was so.
func (s *Store) Limits(ctx context.Context) (*telemetry.Quotas, time.Time, error) {
	var (
		asOf         time.Time
		tenant, name string
		value        int64
		quotas       telemetry.Quotas
	)
	rows, err := s.pool.Query(ctx, s.limits)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&asOf, &tenant, &name, &value}, func() error {
			if tenant != "" {
				quotas.Add(telemetry.Tenant(tenant), name, value)
			}
			return nil
		})
	}
	if err != nil {
		return nil, asOf, fmt.Errorf("read limits: %w", postgres.Classify(err))
	}
	return &quotas, asOf, nil
}

// Change is one limit as it shall be.
type Change struct {
	Limit telemetry.Limit
	Value int64
	Unset bool // nothing is said of it any more: what is said of all tenants holds, or the settings
}

// Set changes limits of a tenant, or of telemetry.EveryTenant, all of them or none. fault.Invalid where one cannot be.
func (s *Store) Set(ctx context.Context, tenant telemetry.Tenant, changes []Change) error {
	if tenant != telemetry.EveryTenant {
		if _, err := telemetry.ParseTenant(string(tenant)); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if err := c.Limit.Check(c.Value); err != nil {
			return err
		}
	}
	err := postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		for _, c := range changes {
			sql, args := s.set, []any{string(tenant), c.Limit.String(), c.Value}
			if c.Unset {
				sql, args = s.unset, args[:2]
			}
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set limits: %w", postgres.Classify(err))
	}
	return nil
}

// Day is what was stored of a tenant's signal that ingest took on one UTC day, once however often it was sent.
type Day struct {
	Tenant telemetry.Tenant
	Day    time.Time
	Signal telemetry.Signal
	Items  int64
	Bytes  int64 // OTLP protobuf, decompressed, as it was queued
	Series int64 // of which a point was stored on that day; 0 but for metrics
}

// UsageQuery says of whom and when.
type UsageQuery struct {
	Tenants  []telemetry.Tenant // nil for all that there are
	From, To time.Time          // the UTC days in which they lie, both included
	Limit    int                // most days that are answered
}

// Usage is that of tenants: days and signals of which anything is stored, by tenant, day and signal. more says that there are others.
func (s *Store) Usage(ctx context.Context, q UsageQuery) (days []Day, more bool, err error) {
	var tenants []string
	if q.Tenants != nil {
		tenants = make([]string, len(q.Tenants))
		for i, tenant := range q.Tenants {
			tenants[i] = string(tenant)
		}
	}
	rows, err := s.pool.Query(ctx, s.usage, tenants, q.From.UTC(), q.To.UTC(), q.Limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("read the usage: %w", postgres.Classify(err))
	}
	days, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Day, err error) {
		var signal int16
		err = row.Scan(&d.Tenant, &d.Day, &signal, &d.Items, &d.Bytes, &d.Series)
		d.Signal = telemetry.Signal(signal) //nolint:gosec // the writer enters signals only
		return d, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("read the usage: %w", postgres.Classify(err))
	}
	if more = len(days) > q.Limit; more {
		days = days[:q.Limit]
	}
	return days, more, nil
}
