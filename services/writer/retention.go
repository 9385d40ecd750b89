package writer

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// tellRetention tells those who have no database how long data is kept, again and again until ctx ends.
func (s *Service) tellRetention(ctx context.Context) {
	channel := s.bus.Snapshots(telemetry.RetentionSnapshot, bus.Seal{})
	tick := time.NewTicker(cmp.Or(s.cfg.Flush.PolicyRefresh, time.Second))
	defer tick.Stop()
	for failed := false; ; {
		err := s.tellRetentionOnce(ctx, channel)
		if err != nil && !failed && ctx.Err() == nil {
			s.env.Log.LogAttrs(ctx, slog.LevelWarn, "retention policies cannot be told to ingest, trying on", slog.Any("error", err))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Service) tellRetentionOnce(ctx context.Context, channel *bus.SnapshotChannel) error {
	rows, err := s.pool.Query(ctx, s.db.sql.retention)
	if err != nil {
		return fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	var (
		asOf           time.Time
		tenant, signal string
		policy         telemetry.RetentionPolicy
		all            telemetry.Retention
	)
	_, err = pgx.ForEachRow(rows, []any{&asOf, &tenant, &signal, &policy.Days, &policy.Hold}, func() error {
		if tenant == "" {
			return nil // no policy at all: everything is kept
		}
		all.Add(telemetry.Tenant(tenant), signal, policy)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	data, err := all.Marshal()
	if err != nil {
		return err
	}
	_, err = channel.Publish(ctx, bus.Snapshot{AsOf: asOf, Data: data})
	return err
}
