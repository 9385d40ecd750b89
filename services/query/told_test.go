package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Whatever facets tell cut because it is long is found by what they tell, and nothing else is: of every field and every signal. A metric whose name is told so
// is opened by it.
func TestWhatIsToldCutIsFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := func(what string, n int) string { return fmt.Sprintf("%s-%d-%s", what, n, strings.Repeat("x", 700)) }
	attributes := func(m pcommon.Map, n int) {
		m.PutStr("long", long("value", n))
		m.PutEmptySlice("list").AppendEmpty().SetStr(long("element", n)) // long lists are told as their text
		m.PutEmptyBytes("bytes").FromRaw(bytes.Repeat([]byte{byte(n + 1)}, 700))
		m.PutEmptyMap("map").PutStr("key", long("member", n))
		short := m.PutEmptySlice("short") // and short ones as they are
		short.AppendEmpty().SetInt(int64(n))
		short.AppendEmpty().SetDouble(0.5)
		short.AppendEmpty().SetEmptyMap().PutEmptyBytes("x").FromRaw([]byte{1, 2})
		m.PutEmptyMap("few").PutBool("yes", n == 1)
	}
	resource := func(r pcommon.Resource, s pcommon.InstrumentationScope, n int) {
		r.Attributes().PutStr("service.name", long("service", n))
		r.Attributes().PutStr("service.namespace", long("namespace", n))
		r.Attributes().PutStr("host", long("host", n))
		s.SetName(long("scope", n))
		s.SetVersion(long("version", n))
		s.Attributes().PutStr("of", long("of", n))
	}
	td, ld, md := ptrace.NewTraces(), plog.NewLogs(), pmetric.NewMetrics()
	for n := range 2 {
		at := pcommon.NewTimestampFromTime(base().Add(time.Duration(n) * time.Second))
		rs := td.ResourceSpans().AppendEmpty()
		ss := rs.ScopeSpans().AppendEmpty()
		resource(rs.Resource(), ss.Scope(), n)
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{15: byte(n + 1)})
		span.SetSpanID(pcommon.SpanID{7: byte(n + 1)})
		span.SetName(long("name", n))
		span.Status().SetMessage(long("message", n))
		span.TraceState().FromRaw(long("state", n))
		span.SetStartTimestamp(at)
		span.SetEndTimestamp(at + 5)
		attributes(span.Attributes(), n)

		rl := ld.ResourceLogs().AppendEmpty()
		sl := rl.ScopeLogs().AppendEmpty()
		resource(rl.Resource(), sl.Scope(), n)
		record := sl.LogRecords().AppendEmpty()
		record.SetTimestamp(at)
		record.Body().SetStr(long("body", n))
		record.SetEventName(long("event", n))
		record.SetSeverityText(long("severity", n))
		attributes(record.Attributes(), n)

		rm := md.ResourceMetrics().AppendEmpty()
		sm := rm.ScopeMetrics().AppendEmpty()
		resource(rm.Resource(), sm.Scope(), n)
		metric := sm.Metrics().AppendEmpty()
		metric.SetName(long("metric", n))
		metric.SetUnit(long("unit", n))
		point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
		point.SetTimestamp(at)
		point.SetIntValue(int64(n))
		attributes(point.Attributes(), n)
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 1)
	f.store("default", telemetry.Logs, testbed.LogsPayload(ld), 1)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 1)

	from, to := base().Add(-time.Hour).UnixNano(), base().Add(time.Hour).UnixNano()
	shared := []string{
		"service", "namespace", "resource.host", "scope.name", "scope.version", "scope.of", "attributes.long", "attributes.list", "attributes.map", "attributes.bytes",
		"attributes.short", "attributes.few",
	}
	for signal, fields := range map[telemetry.Signal][]string{
		telemetry.Traces:  append([]string{"name", "operation", "status_message", "trace_state"}, shared...),
		telemetry.Logs:    append([]string{"body", "event_name", "severity_text"}, shared...),
		telemetry.Metrics: append([]string{"name", "unit"}, shared...),
	} {
		for _, field := range fields {
			values := f.facets(signal, from, to, []string{field}, "").Facets[0].Values
			require.Len(t, values, 2, field)
			for _, v := range values {
				forms := []any{v.Value} // as it is told, and a list or map also by its text
				switch v.Value.Kind {
				case otlpjson.KindArray, otlpjson.KindMap:
					stored, ok := v.Value.Stored()
					require.True(t, ok)
					forms = append(forms, string(otlp.AppendText(nil, stored, "")), string(otlp.AppendText(nil, stored, " ")))
				default:
					require.True(t, rollup.IsCut(v.Value.String), "%s %s", field, v.Value.String)
				}
				for _, form := range forms {
					for operator, want := range map[string]int64{"eq": 1, "ne": 1} {
						filter := fmt.Sprintf(`,"filters":[{"field":%q,"operator":%q,"value":%s}]`, field, operator, must(json.Marshal(form)))
						got := f.facets(signal, from, to, []string{field}, filter).Facets[0]
						require.Equal(t, want, got.Items, "%s %s %s %v", signal, field, operator, form)
						require.Equal(t, operator == "eq", reflect.DeepEqual(got.Values[0].Value, v.Value))
					}
				}
			}
			grouped := f.aggregate(&aggregateBody{signal: signal, from: from, to: to, measures: []api.Measure{{Measure: "count"}}, groups: []string{field}})
			require.Len(t, grouped.Groups, 2)
			for _, g := range grouped.Groups { // are told as facets tell them
				require.True(t, slices.ContainsFunc(values, func(v api.AttributeValue) bool { return reflect.DeepEqual(&v.Value, g.Values[0]) }), "%s", field)
			}
		}
	}

	var catalogue api.MetricCatalogue
	f.get("/api/metrics"+hour(), &catalogue)
	require.Len(t, catalogue.Metrics, 2)
	for _, m := range catalogue.Metrics {
		told := m.Metric.Name
		require.True(t, rollup.IsCut(told))
		var one api.MetricSeries
		f.get("/api/metrics/"+url.PathEscape(told)+hour(), &one)
		require.Len(t, one.Series, 1)
		var labels api.MetricLabels
		f.get("/api/metrics/"+url.PathEscape(told)+"/labels"+hour(), &labels)
		require.Nil(t, labels.Incomplete)
		var values api.MetricLabelValues
		f.get("/api/metrics/"+url.PathEscape(told)+"/labels/long/values"+hour(), &values)
		require.Nil(t, values.Incomplete)
		require.Len(t, values.Values, 1)
		status, answer := f.call(http.MethodPost, "/api/metrics/query", fmt.Sprintf(`{"metric":%s,"time_range":{"start_time":%d,"end_time":%d}}`, must(json.Marshal(told)), from, to))
		require.Equal(t, http.StatusOK, status, "%s", answer)
		var chart api.MetricLines
		decode(t, answer, &chart)
		require.Len(t, chart.Lines, 1)
	}
}

// TestStructuredBodiesAreFoundAsTheyAreTold, long ones and short ones, at level 0 and settled, and what they are not is not.
func TestStructuredBodiesAreFoundAsTheyAreTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const each = 4
	for n := range 2 * each {
		data := plog.NewLogs()
		record := data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(n) * time.Second)))
		body := record.Body().SetEmptyMap()
		body.PutInt("number", int64(n%each))
		if body.PutStr("text", "a \"quoted\" one"); n%each >= each/2 {
			body.PutStr("text", strings.Repeat("long ", 150))
		}
		f.store("default", telemetry.Logs, testbed.LogsPayload(data), 1)
	}
	from, to := base().Add(-time.Hour).UnixNano(), base().Add(time.Hour).UnixNano()
	values := f.facets(telemetry.Logs, from, to, []string{"body"}, "").Facets[0].Values
	require.Len(t, values, each)
	for _, v := range values {
		require.EqualValues(t, 2, v.Count)
		forms := []any{v.Value}
		if stored, ok := v.Value.Stored(); v.Value.Kind == otlpjson.KindMap {
			require.True(t, ok)
			forms = append(forms, string(otlp.AppendText(nil, stored, "")))
		}
		for _, form := range forms {
			got := f.facets(telemetry.Logs, from, to, []string{"body"}, fmt.Sprintf(`,"filters":[{"field":"body","operator":"eq","value":%s}]`, must(json.Marshal(form)))).Facets[0]
			require.EqualValues(t, 2, got.Items, "%v", form)
			require.Equal(t, v.Value, got.Values[0].Value)
		}
	}
}
