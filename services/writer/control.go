package writer

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// A control flush is small items that nothing can be said against, one in each partition that the batch in question goes to. It goes the way of every flush
// (ledger, dimensions, segments, rows where that batch has some, usage) in a transaction that is rolled back, and does so twice: the second part of the
// same request meets what the first has entered, of the day before, so that what is updated is updated. What the database says of it, it says of every flush.

// controlTenant is of whom a control flush is: a name that the tables take and nobody has. Should somebody have it, he sees nothing of it.
const controlTenant telemetry.Tenant = "ollyscale-control-flush"

// reach is the partitions that a batch goes to, and an instant of each that it has, Unix ns.
func (d *database) reach(ctx context.Context, b *build, like *held) (_ map[leaf]int64, err error) {
	defer func() { err = classify(err) }()
	policy, err := d.policies.load(ctx, d.now())
	if err != nil {
		return nil, err
	}
	if _, err := b.fill([]*held{like}, d.plan(policy, b.signal)); err != nil {
		return nil, err
	}
	return maps.Clone(b.leaves), nil
}

// control is nil where the database takes a control flush in place of like, in the partitions of some instants; without any, in those of now.
func (d *database) control(ctx context.Context, b *build, like *held, leaves map[leaf]int64) (err error) {
	defer func() { err = classify(err) }()
	policy, err := d.policies.load(ctx, d.now())
	if err != nil {
		return err
	}
	p := d.plan(policy, b.signal)
	p.known = newKnown(0) // all its dimensions are entered
	p.bounds = func(telemetry.Tenant) (least, most int64) { return 0, math.MaxInt64 }
	p.rowsSince = func(telemetry.Tenant) int64 { return policy.rowsSince(like.Tenant, b.signal, p.now) }
	p.segmentItems = 1 // a partition of segments is told by their first item
	at := slices.Compact(slices.Sorted(maps.Values(leaves)))
	if len(at) == 0 {
		at = []int64{p.now.UnixNano()}
	}
	payload := controlPayload(b.signal, at)
	request := telemetry.NewRequestID(controlTenant, b.signal, append(binary.LittleEndian.AppendUint64(nil, uint64(p.now.UnixNano())), payload...))
	all := telemetry.FirstOrdinals(2 * len(at))
	first := telemetry.FirstOrdinals(len(at))
	part := func(ordinals telemetry.Ordinals) []*held {
		return []*held{{Batch: telemetry.Batch{
			Request: request, Tenant: controlTenant, Signal: b.signal, Received: p.now, Items: len(at), Payload: payload, Ordinals: ordinals,
		}}}
	}
	fill := func(batches []*held, p plan) error {
		refused, err := b.fill(batches, p)
		if err == nil && len(refused) > 0 {
			err = rebuilt(refused)
		}
		return err
	}
	yesterday := p
	yesterday.now = p.now.Add(-day) // its dimensions are of the day before: the second part moves them
	if err := fill(part(first), yesterday); err != nil {
		return err
	}
	if err := d.prepare(ctx, d.pool, b, p.now); err != nil {
		return err
	}
	taken := false
	err = postgres.InTx(ctx, d.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if _, err := d.put(ctx, tx, b, part(first), p); err != nil {
			return err
		}
		if err := fill(part(all.Without(first)), p); err != nil {
			return err
		}
		if _, err := d.put(ctx, tx, b, part(all.Without(first)), p); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
			return err
		}
		taken = true
		return errors.New("a control flush is rolled back")
	})
	if taken {
		return nil
	}
	return err
}

// controlPayload is a span, log record or data point of each of some instants in OTLP protobuf.
func controlPayload(signal telemetry.Signal, times []int64) []byte {
	var scope []byte
	for _, t := range times {
		scope = otlp.AppendBytes(scope, otlp.ScopeItemsItems, controlItem(signal, t))
	}
	resource := otlp.AppendBytes(nil, otlp.ResourceItemsScopeItems, scope)
	return otlp.AppendBytes(nil, otlp.ExportResourceItems, resource)
}

func controlItem(signal telemetry.Signal, time int64) (item []byte) {
	at := func(b []byte, t otlp.Tag) []byte {
		return binary.LittleEndian.AppendUint64(otlp.AppendTag(b, t), uint64(time)) //nolint:gosec // bits
	}
	switch signal {
	case telemetry.Traces:
		item = otlp.AppendBytes(item, otlp.SpanTraceID, "control flush id")
		item = otlp.AppendBytes(item, otlp.SpanSpanID, "control ")
		item = otlp.AppendBytes(item, otlp.SpanName, "control")
		item = at(at(item, otlp.SpanStartTimeUnixNano), otlp.SpanEndTimeUnixNano)
	case telemetry.Logs:
		item = at(item, otlp.LogRecordTimeUnixNano)
	case telemetry.Metrics:
		point := at(at(nil, otlp.NumberDataPointTimeUnixNano), otlp.NumberDataPointAsInt)
		item = otlp.AppendBytes(item, otlp.MetricName, "control")
		item = otlp.AppendBytes(item, otlp.MetricGauge, otlp.AppendBytes(nil, otlp.DataPoints, point))
	}
	return item
}
