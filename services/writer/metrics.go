package writer

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/instrument"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// instruments are the writer's metrics.
type instruments struct {
	Flushes    metric.Int64Counter         `metric:"olly.writer.flushes" labels:"signal, outcome (ok or a class of error)" doc:"Flushes."`
	Seconds    metric.Float64Histogram     `metric:"olly.writer.flush.duration" unit:"s" labels:"signal" doc:"From a closed flush to its last acknowledgement."`
	Items      metric.Int64Counter         `metric:"olly.writer.items" labels:"signal" doc:"Spans, log records and data points committed."`
	Segments   metric.Int64Counter         `metric:"olly.writer.segments" labels:"signal" doc:"Segments committed."`
	Rows       metric.Int64Counter         `metric:"olly.writer.rows" labels:"signal" doc:"Rows for SQL committed."`
	Bytes      metric.Int64Counter         `metric:"olly.writer.bytes" unit:"By" labels:"signal" doc:"Bytes sent by COPY and committed."`
	Duplicates metric.Int64Counter         `metric:"olly.writer.duplicates" labels:"signal" doc:"Batches left out because they were stored before."`
	Repeated   metric.Int64Counter         `metric:"olly.writer.repeated" labels:"signal" doc:"Spans, log records and data points left out because they were stored before."`
	Entries    metric.Int64Counter         `metric:"olly.writer.entries" labels:"signal" doc:"Services, operations, resources, scopes and series that the database was asked for; hardly any once they are known, unless more are in use than flush.max_known_bytes holds."`
	Known      metric.Int64ObservableGauge `metric:"olly.writer.known" unit:"By" doc:"Memory in which the writer remembers which of these the database has; flush.max_known_bytes at most."`
	Retries    metric.Int64Counter         `metric:"olly.writer.retries" labels:"signal" doc:"Attempts repeated because the database was in trouble."`
	Lag        metric.Float64Histogram     `metric:"olly.writer.lag" unit:"s" labels:"signal" doc:"From the receipt of a batch to its commit."`
	Held       metric.Int64ObservableGauge `metric:"olly.writer.held" unit:"By" doc:"Bytes of OTLP fetched and not written yet."`
	Stalled    metric.Int64ObservableGauge `metric:"olly.writer.stalled" unit:"s" doc:"For how long nothing was written although there is work, of the signal that waits longest; 0 below ten seconds."`
}

func newInstruments(meter metric.Meter, held, stalled, known func() int64) (*instruments, error) {
	m := &instruments{}
	if err := instrument.Make(meter, m); err != nil {
		return nil, err
	}
	return m, errors.Join(instrument.Observe(meter, m.Held, held), instrument.Observe(meter, m.Stalled, stalled),
		instrument.Observe(meter, m.Known, known))
}

func bySignal(s telemetry.Signal) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("signal", s.String()))
}

func (m *instruments) flushed(ctx context.Context, s telemetry.Signal, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = fault.ClassOf(err).String()
	}
	m.Flushes.Add(ctx, 1, metric.WithAttributes(attribute.String("signal", s.String()), attribute.String("outcome", result)))
	m.Seconds.Record(ctx, took.Seconds(), bySignal(s))
}

func (m *instruments) stored(ctx context.Context, s telemetry.Signal, out outcome) {
	by := bySignal(s)
	m.Items.Add(ctx, int64(out.items), by)
	m.Segments.Add(ctx, int64(out.segments), by)
	m.Rows.Add(ctx, int64(out.rows), by)
	m.Bytes.Add(ctx, int64(out.bytes), by)
	m.Entries.Add(ctx, int64(out.entries), by)
	m.Duplicates.Add(ctx, int64(out.duplicates), by)
	m.Repeated.Add(ctx, int64(out.repeated), by)
}

func (m *instruments) retried(ctx context.Context, s telemetry.Signal) {
	m.Retries.Add(ctx, 1, bySignal(s))
}

func (m *instruments) lag(ctx context.Context, s telemetry.Signal, d time.Duration) {
	m.Lag.Record(ctx, d.Seconds(), bySignal(s))
}
