package testbed_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestSamplesAreRepeatable(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	for _, signal := range telemetry.Signals() {
		first, second := testbed.Sample(signal, at), testbed.Sample(signal, at)
		require.Equal(t, first, second, signal)
		require.NotEmpty(t, first)
		a, b := testbed.NewShop(1, at), testbed.NewShop(1, at)
		a.Traces(100)
		b.Traces(100)
		require.Equal(t, a.Payload(signal, 1000), b.Payload(signal, 1000), signal)
	}
}

// Cumulative numbers that go back would be restarts of the process, which the shop has none of.
func TestShopsCountersOnlyGrow(t *testing.T) {
	t.Parallel()
	shop := testbed.NewShop(3, time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC))
	last := map[string]float64{}
	grown := 0
	note := func(key string, value float64) {
		require.GreaterOrEqual(t, value, last[key], key)
		if value > last[key] {
			grown++
		}
		last[key] = value
	}
	for range 5 {
		for _, rm := range shop.Metrics(51 * 15).ResourceMetrics().All() {
			instance, _ := rm.Resource().Attributes().Get("service.instance.id")
			for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
				key := instance.Str() + m.Name()
				switch m.Type() {
				case pmetric.MetricTypeSum:
					for i, p := range m.Sum().DataPoints().All() {
						note(fmt.Sprint(key, i), float64(p.IntValue()))
					}
				case pmetric.MetricTypeHistogram:
					p := m.Histogram().DataPoints().At(0)
					note(key+"sum", p.Sum())
					for i, n := range p.BucketCounts().All() {
						note(fmt.Sprint(key, i), float64(n))
					}
				case pmetric.MetricTypeSummary:
					note(key, float64(m.Summary().DataPoints().At(0).Count()))
				default:
				}
			}
		}
	}
	require.Len(t, last, 51*(8+13+1))
	require.Greater(t, grown, 51*22*3)
}

func TestShopMakesWhatItPromises(t *testing.T) {
	t.Parallel()
	shop := testbed.NewShop(7, time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC))
	traces := map[string]bool{}
	operations := map[string]bool{}
	services := map[string]bool{}
	attributes, events := 0, 0
	const n = 8000
	for range 2 {
		td := shop.Traces(n)
		require.Equal(t, n, td.SpanCount())
		for _, rs := range td.ResourceSpans().All() {
			name, _ := rs.Resource().Attributes().Get("service.name")
			services[name.Str()] = true
			require.Equal(t, 16, rs.Resource().Attributes().Len())
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				traces[span.TraceID().String()] = true
				operations[name.Str()+span.Name()] = true
				attributes += span.Attributes().Len()
				events += span.Events().Len()
			}
		}
	}
	payload := len(shop.Payload(telemetry.Traces, n))
	t.Logf("spans per trace %.1f, operations %d, attributes %.1f, events %.3f, %d B/span",
		2.0*n/float64(len(traces)), len(operations), float64(attributes)/(2*n), float64(events)/(2*n), payload/n)
	require.Len(t, services, 17)
	require.InDelta(t, 15, 2.0*n/float64(len(traces)), 5)
	require.InDelta(t, 110, len(operations), 30)
	require.InDelta(t, 0.036, float64(events)/(2*n), 0.03)

	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(shop.Payload(telemetry.Logs, 777))
	require.NoError(t, err)
	require.Equal(t, 777, logs.LogRecordCount())
	for _, points := range []int{1, 9, 16, 777} {
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(shop.Payload(telemetry.Metrics, points))
		require.NoError(t, err)
		require.Equal(t, points, md.DataPointCount())
	}
	_, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(testbed.Sample(telemetry.Traces, shop.Now()))
	require.NoError(t, err)
}
