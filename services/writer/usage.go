package writer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// usage is what a flush stores of each tenant and day, in the transaction that stores it: so it is counted once, as the data is.
type usage map[usageKey]*usageSum

type usageKey struct {
	tenant telemetry.Tenant
	day    int64 // on which ingest took it, days since 1970
}

type usageSum struct{ items, bytes, series int64 }

// add counts a batch of n items, on the day on which it says that it was received; on that of the flush, where that cannot be.
func (u usage) add(h *held, n int, now time.Time) {
	at := h.Received
	if at.After(now.Add(day)) || at.Before(now.Add(-quotastore.Late)) {
		at = now
	}
	sum := u.of(h.Tenant, at.UTC().Unix()/int64(day/time.Second))
	sum.items += int64(n)
	sum.bytes += int64(len(h.Payload))
}

// of is the sum of a tenant and day, which may be changed.
func (u usage) of(tenant telemetry.Tenant, day int64) *usageSum {
	key := usageKey{tenant, day}
	sum := u[key]
	if sum == nil {
		sum = &usageSum{}
		u[key] = sum
	}
	return sum
}

// keys are those of the sums, in order.
func (u usage) keys() []usageKey {
	keys := make([]usageKey, 0, len(u))
	for key := range u {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b usageKey) int { return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.day, b.day)) })
	return keys
}

// send adds it to what the database has, in the rows of a part.
func (u usage) send(ctx context.Context, tx pgx.Tx, sql string, signal telemetry.Signal, part int32) error {
	if len(u) == 0 {
		return nil
	}
	var sums pgx.Batch
	for _, key := range u.keys() {
		sum := u[key]
		sums.Queue(sql, string(key.tenant), time.Unix(key.day*int64(day/time.Second), 0).UTC(), int16(signal), part, sum.items, sum.bytes, sum.series)
	}
	if err := tx.SendBatch(ctx, &sums).Close(); err != nil {
		return fmt.Errorf("add to the usage: %w", err)
	}
	return nil
}
