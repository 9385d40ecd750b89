package writer

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// flatten is what a request says, apart from how its items are grouped and ordered: one OTLP JSON text for each item with its resource,
// scope and metric, sorted.
func flatten(t *testing.T, signal telemetry.Signal, payload []byte) []string {
	t.Helper()
	var items []string
	switch signal {
	case telemetry.Traces:
		items = flattenTraces(t, payload)
	case telemetry.Logs:
		items = flattenLogs(t, payload)
	case telemetry.Metrics:
		items = flattenMetrics(t, payload)
	}
	slices.Sort(items)
	return items
}

func flattenTraces(t *testing.T, payload []byte) (items []string) {
	t.Helper()
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(payload)
	require.NoError(t, err)
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				one := ptrace.NewTraces()
				r := one.ResourceSpans().AppendEmpty()
				rs.Resource().CopyTo(r.Resource())
				r.SetSchemaUrl(rs.SchemaUrl())
				s := r.ScopeSpans().AppendEmpty()
				ss.Scope().CopyTo(s.Scope())
				s.SetSchemaUrl(ss.SchemaUrl())
				span.CopyTo(s.Spans().AppendEmpty())
				text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(one)
				require.NoError(t, err)
				items = append(items, string(text))
			}
		}
	}
	return items
}

func flattenLogs(t *testing.T, payload []byte) (items []string) {
	t.Helper()
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(payload)
	require.NoError(t, err)
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				one := plog.NewLogs()
				r := one.ResourceLogs().AppendEmpty()
				rl.Resource().CopyTo(r.Resource())
				r.SetSchemaUrl(rl.SchemaUrl())
				s := r.ScopeLogs().AppendEmpty()
				sl.Scope().CopyTo(s.Scope())
				s.SetSchemaUrl(sl.SchemaUrl())
				record.CopyTo(s.LogRecords().AppendEmpty())
				text, err := (&plog.JSONMarshaler{}).MarshalLogs(one)
				require.NoError(t, err)
				items = append(items, string(text))
			}
		}
	}
	return items
}

func flattenMetrics(t *testing.T, payload []byte) (items []string) {
	t.Helper()
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(payload)
	require.NoError(t, err)
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				one := pmetric.NewMetrics()
				r := one.ResourceMetrics().AppendEmpty()
				rm.Resource().CopyTo(r.Resource())
				r.SetSchemaUrl(rm.SchemaUrl())
				s := r.ScopeMetrics().AppendEmpty()
				sm.Scope().CopyTo(s.Scope())
				s.SetSchemaUrl(sm.SchemaUrl())
				for i := range points(m) {
					s.Metrics().RemoveIf(func(pmetric.Metric) bool { return true })
					only := s.Metrics().AppendEmpty()
					m.CopyTo(only)
					keep(only, i)
					text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(one)
					require.NoError(t, err)
					items = append(items, string(text))
				}
			}
		}
	}
	return items
}

func points(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().Len()
	case pmetric.MetricTypeEmpty:
	}
	return 0
}

// keep removes all points but one.
func keep(m pmetric.Metric, point int) {
	n := -1
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { n++; return n != point })
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { n++; return n != point })
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(pmetric.HistogramDataPoint) bool { n++; return n != point })
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(pmetric.ExponentialHistogramDataPoint) bool { n++; return n != point })
	case pmetric.MetricTypeSummary:
		m.Summary().DataPoints().RemoveIf(func(pmetric.SummaryDataPoint) bool { n++; return n != point })
	case pmetric.MetricTypeEmpty:
	}
}
