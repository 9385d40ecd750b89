package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// policy is what all tenants together want kept of a signal.
type policy struct {
	days int
	rows time.Duration
	hold bool
}

// expiry says from where back the partitions of a table have expired.
type expiry struct {
	table  string
	signal string
	before time.Time
}

// retain drops the partitions that have expired for every tenant: segments and rollups by the longest retention of their signal, rows by
// the longest rows window, the ledger and what is told of usage by their own times. Keys that open nothing any more go after a while, but for those of a tenant under
// a legal hold, whose rows name them.
func (s *Service) retain(ctx context.Context) error {
	if s.cfg.Retention.Disabled {
		return nil
	}
	policies, err := s.policies(ctx)
	if err != nil {
		return fmt.Errorf("read retention policies: %w", err)
	}
	var errs []error
	for _, e := range expiries(s.now(), policies, s.cfg.Retention) {
		if err := s.expire(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("expire %s: %w", e.table, err))
		}
	}
	if _, err := s.pool.Exec(ctx, s.sql.expireAudit, s.now().Add(-s.cfg.Retention.Audit)); err != nil {
		errs = append(errs, fmt.Errorf("expire the audit: %w", postgres.Classify(err)))
	}
	if _, err := s.pool.Exec(ctx, s.sql.expireKeys, s.now().Add(-s.cfg.Retention.Keys)); err != nil {
		errs = append(errs, fmt.Errorf("expire keys: %w", postgres.Classify(err)))
	}
	if err := s.expireUsage(ctx); err != nil {
		errs = append(errs, fmt.Errorf("expire the usage: %w", err))
	}
	return errors.Join(errs...)
}

// expireUsage forgets what was stored of tenants on days long ago, and puts on record how many rows that were.
func (s *Service) expireUsage(ctx context.Context) error {
	before := s.now().Add(-s.cfg.Retention.Usage).UTC().Truncate(24 * time.Hour)
	return postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		gone, err := tx.Exec(ctx, s.sql.expireUsage, before)
		if err != nil || gone.RowsAffected() == 0 {
			return err
		}
		return s.audit(ctx, tx, entry{
			action: "expire", target: "tenant_usage", items: gone.RowsAffected(), details: map[string]any{"before": before.Format(time.DateOnly)},
		})
	})
}

func (s *Service) policies(ctx context.Context) (map[telemetry.Signal]policy, error) {
	rows, err := s.pool.Query(ctx, s.sql.policies)
	if err != nil {
		return nil, postgres.Classify(err)
	}
	var (
		name     string
		p        policy
		rowsNano int64
		out      = map[telemetry.Signal]policy{}
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &p.days, &rowsNano, &p.hold}, func() error {
		signal, err := telemetry.ParseSignal(name)
		if err != nil {
			return err
		}
		p.rows = time.Duration(rowsNano)
		out[signal] = p
		return nil
	})
	return out, postgres.Classify(err)
}

// expiries lists what may go. A signal without any policy is kept: nobody has said that it may go. A legal hold of one tenant keeps the
// partitions of its signal, because they hold that tenant's data too.
func expiries(now time.Time, policies map[telemetry.Signal]policy, cfg RetentionConfig) []expiry {
	out := []expiry{{table: schema.IngestBatch, before: now.Add(-cfg.Ledger)}}
	for _, signal := range telemetry.Signals() {
		p, ok := policies[signal]
		if !ok || p.hold {
			continue
		}
		kept := now.AddDate(0, 0, -p.days)
		out = append(out,
			expiry{table: segmentTable(signal), signal: signal.String(), before: kept},
			expiry{table: groupTable(signal), signal: signal.String(), before: kept})
		rows := now.Add(-p.rows)
		if rows.Before(kept) {
			rows = kept
		}
		out = append(out, expiry{table: factTable(signal), signal: signal.String(), before: rows})
		if signal == telemetry.Traces {
			out = append(out, expiry{table: schema.RedMinute, signal: signal.String(), before: kept})
		}
	}
	return out
}

func (s *Service) expire(ctx context.Context, e expiry) error {
	rows, err := s.pool.Query(ctx, s.sql.partitionsBefore, e.table, e.before.UnixNano())
	if err != nil {
		return postgres.Classify(err)
	}
	type partition struct{ Name, Leaf string }
	expired, err := pgx.CollectRows(rows, pgx.RowToStructByPos[partition])
	if err != nil {
		return postgres.Classify(err)
	}
	for _, p := range expired {
		if err := s.drop(ctx, e, p.Name); err != nil {
			return fmt.Errorf("drop %s: %w", p.Name, err)
		}
	}
	return nil
}

// drop drops one partition and puts it on record. Dropping needs the table for itself for an instant; the lock timeout keeps it from
// making others queue behind it for longer.
func (s *Service) drop(ctx context.Context, e expiry, partition string) error {
	var dropped bool
	var items, bytes int64
	err := postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, s.sql.partitionSize, partition).Scan(&items, &bytes); err != nil {
			return fmt.Errorf("measure: %w", err)
		}
		if e.table == schema.SpansSegment || e.table == schema.LogsSegment || e.table == schema.MetricsSegment {
			count, err := s.sql.files.Render("segment_items", sqlfile.Table{Table: pgx.Identifier{partition}.Sanitize()})
			if err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, count).Scan(&items); err != nil {
				return fmt.Errorf("count: %w", err)
			}
		}
		if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`, strconv.FormatInt(s.cfg.Retention.LockTimeout.Milliseconds(), 10)); err != nil {
			return fmt.Errorf("lock timeout: %w", err)
		}
		if err := tx.QueryRow(ctx, s.sql.dropPartition, e.table, partition).Scan(&dropped); err != nil {
			return err
		}
		if !dropped {
			return nil // it went with its day
		}
		return s.audit(ctx, tx, entry{
			action: "drop", signal: e.signal, target: partition, items: items, bytes: bytes,
			details: map[string]any{"table": e.table, "before": e.before.UTC().Format(time.RFC3339)},
		})
	})
	if err != nil || !dropped {
		return err
	}
	s.metrics.Partitions.Add(ctx, 1, metric.WithAttributes(attribute.String("action", "dropped")))
	s.env.Log.LogAttrs(ctx, slog.LevelInfo, "expired partition dropped", slog.String("partition", partition), slog.Int64("items", items), slog.Int64("bytes", bytes))
	return nil
}
