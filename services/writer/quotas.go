package writer

import (
	"context"
	"log/slog"
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// quotasEvery is how often changed limits are looked for: with the bus's own delay every ingest knows of one within ten seconds.
const quotasEvery = 2 * time.Second

// quotasTimeout bounds one look.
const quotasTimeout = 5 * time.Second

// tellQuotas tells those who have no database what tenants may send, again and again until ctx ends.
func (s *Service) tellQuotas(ctx context.Context, store *quotastore.Store) {
	channel := s.bus.Snapshots(telemetry.QuotaSnapshot, bus.Seal{})
	tick := time.NewTicker(quotasEvery)
	defer tick.Stop()
	for failed := false; ; {
		err := tellQuotasOnce(ctx, store, channel)
		if err != nil && !failed && ctx.Err() == nil {
			s.env.Log.LogAttrs(ctx, slog.LevelWarn, "limits of tenants cannot be told to ingest, trying on", slog.Any("error", err))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func tellQuotasOnce(ctx context.Context, store *quotastore.Store, channel *bus.SnapshotChannel) error {
	limited, cancel := context.WithTimeout(ctx, quotasTimeout)
	defer cancel()
	quotas, asOf, err := store.Limits(limited)
	if err != nil {
		return err
	}
	data, err := quotas.Marshal()
	if err != nil {
		return err
	}
	_, err = channel.Publish(limited, bus.Snapshot{AsOf: asOf, Data: data})
	return err
}
