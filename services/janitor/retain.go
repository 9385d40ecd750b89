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

// retain drops the partitions that have expired for every tenant: bodies of segments by the longest retention of their signal, rows by
// the longest rows window, the ledger and what is told of usage by their own times. Headers, groups and rollups, of which a partition holds a month,
// go with the bodies of their day. Keys that open nothing any more go after a while, but for those of a tenant under a legal hold, whose rows name them.
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
	now = now.UTC() // a day is 24 hours, as olly.rows has it
	out := []expiry{{table: schema.IngestBatch, before: now.Add(-cfg.Ledger)}}
	for _, signal := range telemetry.Signals() {
		p, ok := policies[signal]
		if !ok || p.hold {
			continue
		}
		kept := now.AddDate(0, 0, -p.days)
		out = append(out,
			expiry{table: bodyTable(signal), signal: signal.String(), before: kept},
			expiry{table: segmentTable(signal), signal: signal.String(), before: kept},
			expiry{table: groupTable(signal), signal: signal.String(), before: kept})
		rows := now.Add(-max(p.rows, behind))
		if rows.Before(kept) {
			rows = kept
		}
		out = append(out, expiry{table: factTable(signal), signal: signal.String(), before: rows})
	}
	if before, ok := rolledUntil(now, policies); ok {
		out = append(out, expiry{table: schema.Rollup, before: before})
	}
	return out
}

// rolledUntil is from where back no rollup is kept of any signal that has some; false while one is kept for ever.
func rolledUntil(now time.Time, policies map[telemetry.Signal]policy) (before time.Time, ok bool) {
	before = now
	for _, kind := range kinds() {
		p, has := policies[kind.Signal]
		if !has || p.hold {
			return time.Time{}, false
		}
		if kept := now.AddDate(0, 0, -p.days); kept.Before(before) {
			before = kept
		}
	}
	return before, true
}

// partition is one that has expired, with its bounds, Unix ns.
type partition struct {
	Name     string
	From, To int64
}

func (s *Service) expire(ctx context.Context, e expiry) error {
	rows, err := s.pool.Query(ctx, s.sql.partitionsBefore, e.table, e.before.UnixNano())
	if err != nil {
		return postgres.Classify(err)
	}
	expired, err := pgx.CollectRows(rows, pgx.RowToStructByPos[partition])
	if err != nil {
		return postgres.Classify(err)
	}
	for _, p := range expired {
		if err := s.drop(ctx, e, p); err != nil {
			return fmt.Errorf("drop %s: %w", p.Name, err)
		}
	}
	if of := s.ofHeaders(e.table); of != nil {
		return s.expireStrays(ctx, e, of)
	}
	return nil
}

// ofBodies and ofHeaders are the statements for the signal whose bodies or headers are in a table; nil where it is another.
func (s *Service) ofBodies(table string) *segments  { return s.ofTable(table, bodyTable) }
func (s *Service) ofHeaders(table string) *segments { return s.ofTable(table, segmentTable) }

func (s *Service) ofTable(table string, name func(telemetry.Signal) string) *segments {
	for _, signal := range telemetry.Signals() {
		if name(signal) == table {
			return &s.sql.of[signal]
		}
	}
	return nil
}

// expireHeaders deletes headers, groups, rollups and filters of traces of some time, and says how many items and headers that were.
func (s *Service) expireHeaders(ctx context.Context, tx pgx.Tx, of *segments, from, to int64) (headers, items int64, err error) {
	if of.signal == telemetry.Traces {
		// Before the headers: who settles one for a time that is known waits, and is seen, or knows it anew.
		if _, err := tx.Exec(ctx, s.sql.expireTraces, from, to); err != nil {
			return 0, 0, fmt.Errorf("delete filters of traces: %w", err)
		}
	}
	if err := tx.QueryRow(ctx, of.expireHeaders, from, to).Scan(&headers, &items); err != nil {
		return 0, 0, fmt.Errorf("delete headers: %w", err)
	}
	if headers > 0 {
		s.left(of.signal)
	}
	if _, err := tx.Exec(ctx, of.expireGroups, from, to); err != nil {
		return 0, 0, fmt.Errorf("delete groups: %w", err)
	}
	if of := s.kindsOf(of.signal); len(of) > 0 {
		if _, err := tx.Exec(ctx, s.sql.expireRollups, from, to, of); err != nil {
			return 0, 0, fmt.Errorf("delete rollups: %w", err)
		}
	}
	return headers, items, nil
}

// expireStrays deletes the headers of expired days that had no settled bodies; what they name in slots goes with these.
func (s *Service) expireStrays(ctx context.Context, e expiry, of *segments) error {
	before := e.before.UTC().Truncate(24 * time.Hour)
	return postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		headers, items, err := s.expireHeaders(ctx, tx, of, 0, before.UnixNano())
		if err != nil || headers == 0 {
			return err
		}
		return s.audit(ctx, tx, entry{
			action: "expire", signal: e.signal, target: e.table, items: items, details: map[string]any{"segments": headers, "before": before.Format(time.RFC3339)},
		})
	})
}

// drop drops one partition and puts it on record; with bodies of segments it deletes their headers first, which may take its time. Dropping needs the
// table for itself for an instant, and comes last: nobody waits behind the rest. The lock timeout keeps it from making others queue for longer. Before any
// of it the lock is tried: where a long question or a dump has the table, a day's headers would be deleted for nothing at each upkeep.
func (s *Service) drop(ctx context.Context, e expiry, p partition) error {
	var dropped bool
	var items, bytes int64
	bodies := s.ofBodies(e.table)
	if bodies != nil {
		err := postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
			if err := s.limitLocks(ctx, tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `LOCK TABLE `+pgx.Identifier{p.Name}.Sanitize()+` IN ACCESS EXCLUSIVE MODE`)
			return err
		})
		if postgres.MissingTable(err) {
			return nil // it went with its day
		}
		if err != nil {
			return err
		}
	}
	err := postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, s.sql.partitionSize, p.Name).Scan(&items, &bytes); err != nil {
			return fmt.Errorf("measure: %w", err)
		}
		if bodies != nil {
			var err error
			if _, items, err = s.expireHeaders(ctx, tx, bodies, p.From, p.To); err != nil {
				return err
			}
		}
		if err := s.limitLocks(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, s.sql.dropPartition, e.table, p.Name).Scan(&dropped); err != nil {
			return err
		}
		if !dropped {
			return nil // it went with its day
		}
		if bodies != nil { // of whom it waited for: a second janitor, that leads no more, may have settled something for the day
			_, late, err := s.expireHeaders(ctx, tx, bodies, p.From, p.To)
			if err != nil {
				return err
			}
			items += late
		}
		return s.audit(ctx, tx, entry{
			action: "drop", signal: e.signal, target: p.Name, items: items, bytes: bytes,
			details: map[string]any{"table": e.table, "before": e.before.UTC().Format(time.RFC3339)},
		})
	})
	if err != nil || !dropped {
		return err
	}
	s.metrics.Partitions.Add(ctx, 1, metric.WithAttributes(attribute.String("action", "dropped")))
	s.env.Log.LogAttrs(ctx, slog.LevelInfo, "expired partition dropped", slog.String("partition", p.Name), slog.Int64("items", items), slog.Int64("bytes", bytes))
	return nil
}

// limitLocks bounds how long a transaction waits for a lock, and others behind it.
func (s *Service) limitLocks(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`, strconv.FormatInt(s.cfg.Retention.LockTimeout.Milliseconds(), 10)); err != nil {
		return fmt.Errorf("lock timeout: %w", err)
	}
	return nil
}
