package writer

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// instruments are the writer's metrics, all by signal; names are stable.
type instruments struct {
	flushes    metric.Int64Counter     // olly.writer.flushes: by outcome (ok or a fault class)
	seconds    metric.Float64Histogram // olly.writer.flush.duration: from the closed flush to the last settling
	items      metric.Int64Counter     // olly.writer.items: spans, records and points committed
	segments   metric.Int64Counter     // olly.writer.segments
	rows       metric.Int64Counter     // olly.writer.rows
	bytes      metric.Int64Counter     // olly.writer.bytes: COPY bytes
	duplicates metric.Int64Counter     // olly.writer.duplicates: batches that the ledger knew
	retries    metric.Int64Counter     // olly.writer.retries: attempts repeated at once
	behind     metric.Float64Histogram // olly.writer.lag: from ingest's receipt to commit
}

func newInstruments(meter metric.Meter, held func() int64) (*instruments, error) {
	var m instruments
	var errs [10]error
	m.flushes, errs[0] = meter.Int64Counter("olly.writer.flushes", metric.WithDescription("Flushes, by outcome."))
	m.seconds, errs[1] = meter.Float64Histogram("olly.writer.flush.duration", metric.WithUnit("s"), metric.WithDescription("From a closed flush to its last acknowledgement."))
	m.items, errs[2] = meter.Int64Counter("olly.writer.items", metric.WithDescription("Spans, log records and data points committed."))
	m.segments, errs[3] = meter.Int64Counter("olly.writer.segments", metric.WithDescription("Segments committed."))
	m.rows, errs[4] = meter.Int64Counter("olly.writer.rows", metric.WithDescription("Rows for SQL committed."))
	m.bytes, errs[5] = meter.Int64Counter("olly.writer.bytes", metric.WithUnit("By"), metric.WithDescription("Bytes sent by COPY and committed."))
	m.duplicates, errs[6] = meter.Int64Counter("olly.writer.duplicates", metric.WithDescription("Batches left out because they were stored before."))
	m.retries, errs[7] = meter.Int64Counter("olly.writer.retries", metric.WithDescription("Attempts repeated because the database was in trouble."))
	m.behind, errs[8] = meter.Float64Histogram("olly.writer.lag", metric.WithUnit("s"), metric.WithDescription("From the receipt of a batch to its commit."))
	_, errs[9] = meter.Int64ObservableGauge("olly.writer.held", metric.WithUnit("By"), metric.WithDescription("Bytes of OTLP fetched and not written yet."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(held())
			return nil
		}))
	return &m, errors.Join(errs[:]...)
}

func bySignal(s telemetry.Signal) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("signal", s.String()))
}

func (m *instruments) flushed(ctx context.Context, s telemetry.Signal, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = fault.ClassOf(err).String()
	}
	m.flushes.Add(ctx, 1, metric.WithAttributes(attribute.String("signal", s.String()), attribute.String("outcome", result)))
	m.seconds.Record(ctx, took.Seconds(), bySignal(s))
}

func (m *instruments) stored(ctx context.Context, s telemetry.Signal, out outcome) {
	by := bySignal(s)
	m.items.Add(ctx, int64(out.items), by)
	m.segments.Add(ctx, int64(out.segments), by)
	m.rows.Add(ctx, int64(out.rows), by)
	m.bytes.Add(ctx, int64(out.bytes), by)
	m.duplicates.Add(ctx, int64(out.duplicates), by)
}

func (m *instruments) retried(ctx context.Context, s telemetry.Signal) {
	m.retries.Add(ctx, 1, bySignal(s))
}

func (m *instruments) lag(ctx context.Context, s telemetry.Signal, d time.Duration) {
	m.behind.Record(ctx, d.Seconds(), bySignal(s))
}
