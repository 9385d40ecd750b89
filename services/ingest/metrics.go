package ingest

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// instruments are ingest's metrics; names are stable.
type instruments struct {
	items    metric.Int64Counter // olly.ingest.items: items taken, by signal
	rejected metric.Int64Counter // olly.ingest.rejected: items left out of requests that were taken, by signal and reason
	bytes    metric.Int64Counter // olly.ingest.bytes: OTLP protobuf, uncompressed, of requests taken, by signal
	refused  metric.Int64Counter // olly.ingest.refused: requests not taken, by transport and fault class

	bySignal [3]metric.MeasurementOption // made once: a request makes none
}

func newInstruments(meter metric.Meter, b *budget) (*instruments, error) {
	m := &instruments{}
	var errs [5]error
	m.items, errs[0] = meter.Int64Counter("olly.ingest.items", metric.WithDescription("Spans, log records and data points taken."))
	m.rejected, errs[1] = meter.Int64Counter("olly.ingest.rejected", metric.WithDescription("Items left out of requests that were taken, by reason."))
	m.bytes, errs[2] = meter.Int64Counter("olly.ingest.bytes", metric.WithUnit("By"), metric.WithDescription("OTLP taken, uncompressed."))
	m.refused, errs[3] = meter.Int64Counter("olly.ingest.refused", metric.WithDescription("Requests not taken, by class of fault."))
	_, errs[4] = meter.Int64ObservableGauge("olly.ingest.in_flight.bytes", metric.WithUnit("By"), metric.WithDescription("Requests held in memory."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(b.used.Load())
			return nil
		}))
	for _, signal := range telemetry.Signals() {
		m.bySignal[signal] = metric.WithAttributeSet(attribute.NewSet(attribute.String("signal", signal.String())))
	}
	return m, errors.Join(errs[:]...)
}

func (m *instruments) took(ctx context.Context, signal telemetry.Signal, bytes int, s *telemetry.Summary) {
	m.items.Add(ctx, int64(s.Items), m.bySignal[signal])
	m.bytes.Add(ctx, int64(bytes), m.bySignal[signal])
	for reason, n := range s.Rejected {
		if n > 0 {
			m.rejected.Add(ctx, int64(n), metric.WithAttributes(attribute.String("signal", signal.String()),
				attribute.String("reason", telemetry.Reason(reason).String())))
		}
	}
}

func (m *instruments) refuse(ctx context.Context, transport string, err error) {
	m.refused.Add(ctx, 1, metric.WithAttributes(attribute.String("transport", transport), attribute.String("class", fault.ClassOf(err).String())))
}
