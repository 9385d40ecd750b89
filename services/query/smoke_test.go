package query

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

func TestSmoke(t *testing.T) {
	f := newFixture(t)
	for _, s := range telemetry.Signals() {
		f.store("default", s, testbed.Sample(s, base()), 1000)
	}
	var spans api.SpanPage
	f.search("spans", searchBody{}, &spans)
	require.NotEmpty(t, spans.Spans)
	var logs api.LogPage
	f.search("logs", searchBody{}, &logs)
	require.NotEmpty(t, logs.Logs)
	var points api.PointPage
	f.search("metrics", searchBody{}, &points)
	require.NotEmpty(t, points.Points)
	var traces api.TracePage
	f.search("traces", searchBody{}, &traces)
	require.NotEmpty(t, traces.Traces)
	t.Logf("%+v", traces)
	var trace api.Trace
	f.get("/api/traces/"+traces.Traces[0].TraceID, &trace)
	require.NotEmpty(t, trace.Spans)
	var services api.ServiceList
	f.get("/api/services"+hour(), &services)
	t.Logf("%+v", services)
	var ops api.OperationList
	f.get("/api/services/"+services.Services[0].Name+"/operations"+hour(), &ops)
	t.Logf("%+v", ops)
	var m api.ServiceMap
	f.get("/api/service-map"+hour(), &m)
	t.Logf("%+v", m)
	var cat api.MetricCatalogue
	f.get("/api/metrics"+hour(), &cat)
	t.Logf("%+v", cat)
	for _, c := range cat.Metrics {
		var series api.MetricSeries
		f.get("/api/metrics/"+c.Metric.Name+hour(), &series)
		require.NotEmpty(t, series.Series)
	}
}
