package writer

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// A control flush is one small item that nothing can be said against. It goes the way of every flush (ledger, dimensions, segment, rows where the batch
// in question has some, rollup) in a transaction that is rolled back: what the database says of it, it says of every flush.

// controlTenant is of whom a control flush is: a name that the tables take and nobody has. Should somebody have it, he sees nothing of it.
const controlTenant telemetry.Tenant = "ollyscale-control-flush"

// control is nil where the database takes a control flush in place of like.
func (d *database) control(ctx context.Context, b *build, like *held) (err error) {
	defer func() { err = classify(err) }()
	policy, err := d.policies.load(ctx, d.now())
	if err != nil {
		return err
	}
	p := d.plan(policy, b.signal)
	p.known = newKnown(1) // all its dimensions are entered
	p.bounds = func(telemetry.Tenant) (least, most int64) { return 0, math.MaxInt64 }
	p.rowsSince = func(telemetry.Tenant) int64 { return policy.rowsSince(like.Tenant, b.signal, p.now) }
	payload := controlPayload(b.signal, p.now)
	batches := []*held{{Batch: telemetry.Batch{
		Request: telemetry.NewRequestID(controlTenant, b.signal, payload), Tenant: controlTenant, Signal: b.signal, Received: p.now, Items: 1, Payload: payload,
	}}}
	refused, err := b.fill(batches, p)
	if err == nil && len(refused) > 0 {
		err = rebuilt(refused)
	}
	if err != nil {
		return err
	}
	if err := d.prepare(ctx, b, p.now); err != nil {
		return err
	}
	taken := false
	err = postgres.InTx(ctx, d.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if _, err := d.put(ctx, tx, b, batches, p); err != nil {
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

// controlPayload is one span, log record or data point in OTLP protobuf.
func controlPayload(signal telemetry.Signal, now time.Time) []byte {
	at := func(b []byte, t otlp.Tag) []byte {
		return binary.LittleEndian.AppendUint64(otlp.AppendTag(b, t), uint64(now.UnixNano()))
	}
	var item []byte
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
	scope := otlp.AppendBytes(nil, otlp.ScopeItemsItems, item)
	resource := otlp.AppendBytes(nil, otlp.ResourceItemsScopeItems, scope)
	return otlp.AppendBytes(nil, otlp.ExportResourceItems, resource)
}
