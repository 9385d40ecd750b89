package ingest

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/instrument"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// instruments are ingest's metrics.
type instruments struct {
	Items     metric.Int64Counter         `metric:"olly.ingest.items" labels:"signal" doc:"Spans, log records and data points taken."`
	Rejected  metric.Int64Counter         `metric:"olly.ingest.rejected" labels:"signal, reason" doc:"Items left out of requests that were taken."`
	Cut       metric.Int64Counter         `metric:"olly.ingest.cut" labels:"signal, tenant (as of olly.ingest.over_quota)" doc:"Items of these that were larger than a message of the bus, with resource and scope: their largest values were cut, with a mark."`
	Repeated  metric.Int64Counter         `metric:"olly.ingest.repeated" labels:"signal" doc:"Items of these that the bus had already: they were taken for a repeat and are stored once."`
	Bytes     metric.Int64Counter         `metric:"olly.ingest.bytes" unit:"By" labels:"signal" doc:"OTLP taken, uncompressed."`
	Refused   metric.Int64Counter         `metric:"olly.ingest.refused" labels:"transport (http or grpc), class (of the error)" doc:"Requests not taken."`
	OverQuota metric.Int64Counter         `metric:"olly.ingest.over_quota" labels:"tenant (of the first hundred that metrics name; the others are one), limit" doc:"Requests not taken because their tenant had used up a limit."`
	NewSeries metric.Int64Counter         `metric:"olly.ingest.series_refused" labels:"tenant (as of olly.ingest.over_quota)" doc:"Data points left out because their series was new, and their tenant had as many as it may."`
	InFlight  metric.Int64ObservableGauge `metric:"olly.ingest.in_flight.bytes" unit:"By" doc:"Requests held in memory."`
	Series    metric.Int64ObservableGauge `metric:"olly.ingest.series" doc:"Series of metrics that are remembered for active_series, of all tenants. At 2,097,152, new ones are taken and not counted."`

	tenants  labels
	bySignal [3]metric.MeasurementOption // made once: a request makes none
}

func newInstruments(meter metric.Meter, b *budget, q *quotas) (*instruments, error) {
	m := &instruments{}
	if err := instrument.Make(meter, m); err != nil {
		return nil, err
	}
	for _, signal := range telemetry.Signals() {
		m.bySignal[signal] = metric.WithAttributeSet(attribute.NewSet(attribute.String("signal", signal.String())))
	}
	return m, errors.Join(instrument.Observe(meter, m.InFlight, b.used.Load), instrument.Observe(meter, m.Series, q.series.Load))
}

func (m *instruments) took(ctx context.Context, tenant telemetry.Tenant, signal telemetry.Signal, bytes int, s *telemetry.Summary) {
	m.Items.Add(ctx, int64(s.Items), m.bySignal[signal])
	m.Bytes.Add(ctx, int64(bytes), m.bySignal[signal])
	if s.Cut > 0 {
		m.Cut.Add(ctx, int64(s.Cut), metric.WithAttributes(attribute.String("signal", signal.String()), attribute.String("tenant", m.tenants.of(tenant))))
	}
	if n := s.Rejected[telemetry.SeriesLimit]; n > 0 {
		m.NewSeries.Add(ctx, int64(n), metric.WithAttributes(attribute.String("tenant", m.tenants.of(tenant))))
	}
	for reason, n := range s.Rejected {
		if n > 0 {
			m.Rejected.Add(ctx, int64(n), metric.WithAttributes(attribute.String("signal", signal.String()),
				attribute.String("reason", telemetry.Reason(reason).String())))
		}
	}
}

func (m *instruments) repeated(ctx context.Context, signal telemetry.Signal, n int) {
	if n > 0 {
		m.Repeated.Add(ctx, int64(n), m.bySignal[signal])
	}
}

func (m *instruments) refuse(ctx context.Context, transport string, err error) {
	m.Refused.Add(ctx, 1, metric.WithAttributes(attribute.String("transport", transport), attribute.String("class", refusedClass(err).String())))
}

func (m *instruments) overQuota(ctx context.Context, over *overQuotaError) {
	m.OverQuota.Add(ctx, 1, metric.WithAttributes(attribute.String("tenant", m.tenants.of(over.tenant)), attribute.String("limit", over.limit.String())))
}

// refusedClass is the class of an error, also of those that the router makes: an unknown path or a wrong method is no defect of ours.
func refusedClass(err error) fault.Class {
	routed, ok := errors.AsType[*echo.HTTPError](err)
	switch {
	case !ok || routed.Code >= http.StatusInternalServerError:
		return fault.ClassOf(err)
	case routed.Code == http.StatusNotFound:
		return fault.NotFound
	}
	return fault.Invalid
}

// maxLabels bounds the tenants that metrics tell apart; the others share one name.
const maxLabels = 100

// otherTenants is that name. No tenant has it.
const otherTenants = "(other)"

// labels says by which name metrics know a tenant. Safe for concurrent use.
type labels struct {
	mu   sync.Mutex
	seen map[telemetry.Tenant]struct{}
}

func (l *labels) of(tenant telemetry.Tenant) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.seen[tenant]; !ok {
		if len(l.seen) >= maxLabels {
			return otherTenants
		}
		if l.seen == nil {
			l.seen = map[telemetry.Tenant]struct{}{}
		}
		l.seen[tenant] = struct{}{}
	}
	return string(tenant)
}
