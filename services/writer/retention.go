package writer

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// tellRetention tells those who have no database how long data is kept, again and again until ctx ends. It is what flushes go by from then on.
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
	known, err := s.db.policies.reload(ctx, s.db.now())
	if err != nil {
		return err
	}
	data, err := known.retention.Marshal()
	if err != nil {
		return err
	}
	_, err = channel.Publish(ctx, bus.Snapshot{AsOf: known.asOf, Data: data})
	return err
}
