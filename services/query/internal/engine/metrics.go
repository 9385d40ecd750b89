package engine

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/instrument"
)

// instruments tell how near queries are to their bounds. No label names a tenant: which one it was, its answers say.
type instruments struct {
	Turns   metric.Int64ObservableGauge `metric:"olly.query.turns" doc:"Queries that are being answered, of max_queries at most."`
	Waiting metric.Int64ObservableGauge `metric:"olly.query.waiting" doc:"Queries that wait for their turn."`
	Wait    metric.Float64Histogram     `metric:"olly.query.wait.duration" unit:"s" doc:"Time that a query waited for its turn, also in vain."`
	Refused metric.Int64Counter         `metric:"olly.query.refused" labels:"limit (turns, tenant_turns, memory, tenant_memory, time or awaiting)" doc:"Queries that a limit ended without an answer; tenant_… are a tenant's share of it."`
}

// limitAwaiting is the label of queries that may not wait for data, as many do.
const limitAwaiting = "awaiting"

// limits are the labels of errors by which a limit ends a query.
func limits() map[string]string {
	return map[string]string{
		ErrBusy.Code: "turns", errTenantBusy.Code: "tenant_turns", errMemory.Code: "memory", errTenantMemory.Code: "tenant_memory", ErrTimeout.Code: "time",
	}
}

// measured makes the engine's instruments; without a meter they measure nothing.
func (e *Engine) measured(meter metric.Meter) (*instruments, error) {
	if meter == nil {
		meter = noop.NewMeterProvider().Meter("")
	}
	m := &instruments{}
	return m, errors.Join(instrument.Make(meter, m),
		instrument.Observe(meter, m.Turns, func() int64 { taken, _ := e.turns.figures(); return taken }),
		instrument.Observe(meter, m.Waiting, func() int64 { _, waiting := e.turns.figures(); return waiting }))
}

func (m *instruments) waited(ctx context.Context, d time.Duration) { m.Wait.Record(ctx, d.Seconds()) }

// ended counts a question that a limit ended.
func (m *instruments) ended(ctx context.Context, err error) {
	if limit, ok := limits()[fault.From(err).Code]; ok && err != nil {
		m.refuse(ctx, limit)
	}
}

func (m *instruments) refuse(ctx context.Context, limit string) {
	m.Refused.Add(ctx, 1, metric.WithAttributes(attribute.String("limit", limit)))
}
