package query

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// The tests of this file turn an answer back into pdata, with nothing at hand but what the answer says, and compare item by item with what was
// sent. Each item is compared as the OTLP/JSON of a message that holds only it, its scope and its resource.

func TestSpansComeBackFieldForField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	sent := testbed.SampleTraces(base())
	f.store("default", telemetry.Traces, testbed.TracesPayload(sent), 4) // many segments
	var page api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &page)
	got := ptrace.NewTraces()
	for _, s := range page.Spans {
		spanBack(t, got, s, page.Resources, page.Scopes)
	}
	require.Equal(t, eachSpan(t, sent), eachSpan(t, got))
}

func TestTraceComesBackFieldForFieldInEveryFormat(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	sent := testbed.SampleTraces(base())
	f.store("default", telemetry.Traces, testbed.TracesPayload(sent), 4)
	ids := map[pcommon.TraceID]bool{}
	own, otlp, proto := ptrace.NewTraces(), ptrace.NewTraces(), ptrace.NewTraces()
	for _, rs := range sent.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				ids[s.TraceID()] = true
			}
		}
	}
	for id := range ids {
		path := "/api/traces/" + hex.EncodeToString(id[:])
		var trace api.Trace
		f.get(path, &trace)
		require.True(t, slices.IsSortedFunc(trace.Spans, func(a, b api.Span) int {
			return int(number64(t, a.StartTimeUnixNano) - number64(t, b.StartTimeUnixNano))
		}))
		for _, s := range trace.Spans {
			spanBack(t, own, s, trace.Resources, trace.Scopes)
		}
		status, body := f.call(http.MethodGet, path+"?format=otlp", "")
		require.Equal(t, http.StatusOK, status, "%s", body)
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(body)
		require.NoError(t, err)
		td.ResourceSpans().MoveAndAppendTo(otlp.ResourceSpans())
		status, body = f.call(http.MethodGet, path+"?format=otlp_proto", "")
		require.Equal(t, http.StatusOK, status)
		td, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
		require.NoError(t, err)
		td.ResourceSpans().MoveAndAppendTo(proto.ResourceSpans())
	}
	want := eachSpan(t, sent)
	require.Equal(t, want, eachSpan(t, own), "format=ollyscale")
	require.Equal(t, want, eachSpan(t, otlp), "format=otlp")
	require.Equal(t, want, eachSpan(t, proto), "format=otlp_proto")
}

func TestLogsComeBackFieldForField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	sent := testbed.SampleLogs(base())
	f.store("default", telemetry.Logs, testbed.LogsPayload(sent), 4)
	var page api.LogPage
	f.search("logs", searchBody{limit: 1000}, &page)
	got := plog.NewLogs()
	for _, l := range page.Logs {
		rl := got.ResourceLogs().AppendEmpty()
		resourceBack(t, rl.Resource(), page.Resources[l.ResourceIndex])
		rl.SetSchemaUrl(page.Resources[l.ResourceIndex].SchemaURL)
		sl := rl.ScopeLogs().AppendEmpty()
		scopeBack(t, sl.Scope(), page.Scopes[l.ScopeIndex])
		sl.SetSchemaUrl(page.Scopes[l.ScopeIndex].SchemaURL)
		out := sl.LogRecords().AppendEmpty()
		out.SetTimestamp(pcommon.Timestamp(number64(t, l.TimeUnixNano)))
		out.SetObservedTimestamp(pcommon.Timestamp(number64(t, l.ObservedTimeUnixNano)))
		out.SetSeverityNumber(plog.SeverityNumber(l.SeverityNumber))
		out.SetSeverityText(l.SeverityText)
		if l.Body != nil {
			valueBack(t, out.Body(), *l.Body)
		}
		out.SetEventName(l.EventName)
		out.SetTraceID(traceIDBack(t, l.TraceID))
		out.SetSpanID(spanIDBack(t, l.SpanID))
		out.SetFlags(plog.LogRecordFlags(l.Flags))
		attributesBack(t, out.Attributes(), l.Attributes)
		out.SetDroppedAttributesCount(uint32(l.DroppedAttributesCount))
	}
	require.Equal(t, eachLog(t, sent), eachLog(t, got))
}

func TestPointsComeBackFieldForField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	sent := testbed.SampleMetrics(base())
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(sent), 7)
	want := eachPoint(t, sent)

	t.Run("search", func(t *testing.T) {
		f := f.of(t)
		var page api.PointPage
		f.search("metrics", searchBody{limit: 1000}, &page)
		got := pmetric.NewMetrics()
		for _, p := range page.Points {
			require.NotNil(t, p.SeriesIndex)
			pointBack(t, got, p, page.Series[*p.SeriesIndex], page.Resources, page.Scopes)
		}
		require.Equal(t, want, eachPoint(t, got))
	})
	t.Run("series", func(t *testing.T) {
		f := f.of(t)
		var catalogue api.MetricCatalogue
		f.get("/api/metrics"+hour(), &catalogue)
		got := pmetric.NewMetrics()
		names := map[string]bool{}
		for _, m := range catalogue.Metrics {
			if names[m.Metric.Name] {
				continue // one name, two metrics
			}
			names[m.Metric.Name] = true
			var series api.MetricSeries
			f.get("/api/metrics/"+m.Metric.Name+hour(), &series)
			for _, s := range series.Series {
				for _, p := range s.Points {
					pointBack(t, got, p, s.Series, series.Resources, series.Scopes)
				}
			}
		}
		require.Equal(t, want, eachPoint(t, got))
	})
}

func number64(t testing.TB, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err)
	return n
}

func traceIDBack(t testing.TB, text string) (id pcommon.TraceID) {
	t.Helper()
	if text != "" {
		b, err := hex.DecodeString(text)
		require.NoError(t, err)
		id = pcommon.TraceID(b)
	}
	return id
}

func spanIDBack(t testing.TB, text string) (id pcommon.SpanID) {
	t.Helper()
	if text != "" {
		b, err := hex.DecodeString(text)
		require.NoError(t, err)
		id = pcommon.SpanID(b)
	}
	return id
}

func valueBack(t testing.TB, to pcommon.Value, v otlpjson.Value) {
	t.Helper()
	switch v.Kind {
	case otlpjson.KindEmpty:
	case otlpjson.KindString:
		to.SetStr(v.String)
	case otlpjson.KindBool:
		to.SetBool(v.Bool)
	case otlpjson.KindInt:
		to.SetInt(v.Int)
	case otlpjson.KindDouble:
		to.SetDouble(v.Double)
	case otlpjson.KindBytes:
		to.SetEmptyBytes().FromRaw(v.Bytes)
	case otlpjson.KindArray:
		list := to.SetEmptySlice()
		for _, e := range v.Array {
			valueBack(t, list.AppendEmpty(), e)
		}
	case otlpjson.KindMap:
		attributesBack(t, to.SetEmptyMap(), v.Map)
	}
}

func attributesBack(t testing.TB, to pcommon.Map, list []api.KeyValue) {
	t.Helper()
	for _, kv := range list {
		valueBack(t, to.PutEmpty(kv.Key), kv.Value)
	}
}

func resourceBack(t testing.TB, to pcommon.Resource, r api.Resource) {
	t.Helper()
	attributesBack(t, to.Attributes(), r.Attributes)
	to.SetDroppedAttributesCount(uint32(r.DroppedAttributesCount))
}

func scopeBack(t testing.TB, to pcommon.InstrumentationScope, s api.Scope) {
	t.Helper()
	to.SetName(s.Name)
	to.SetVersion(s.Version)
	attributesBack(t, to.Attributes(), s.Attributes)
	to.SetDroppedAttributesCount(uint32(s.DroppedAttributesCount))
}

func spanBack(t testing.TB, td ptrace.Traces, s api.Span, resources []api.Resource, scopes []api.Scope) {
	t.Helper()
	resource, scope := resources[s.ResourceIndex], scopes[s.ScopeIndex]
	require.Equal(t, resource.ServiceName, s.ServiceName)
	rs := td.ResourceSpans().AppendEmpty()
	resourceBack(t, rs.Resource(), resource)
	rs.SetSchemaUrl(resource.SchemaURL)
	ss := rs.ScopeSpans().AppendEmpty()
	scopeBack(t, ss.Scope(), scope)
	ss.SetSchemaUrl(scope.SchemaURL)
	out := ss.Spans().AppendEmpty()
	out.SetTraceID(traceIDBack(t, s.TraceID))
	out.SetSpanID(spanIDBack(t, s.SpanID))
	out.SetParentSpanID(spanIDBack(t, s.ParentSpanID))
	out.TraceState().FromRaw(s.TraceState)
	out.SetFlags(uint32(s.Flags))
	out.SetName(s.Name)
	out.SetKind(ptrace.SpanKind(s.Kind))
	out.SetStartTimestamp(pcommon.Timestamp(number64(t, s.StartTimeUnixNano)))
	out.SetEndTimestamp(pcommon.Timestamp(number64(t, s.EndTimeUnixNano)))
	attributesBack(t, out.Attributes(), s.Attributes)
	out.SetDroppedAttributesCount(uint32(s.DroppedAttributesCount))
	out.SetDroppedEventsCount(uint32(s.DroppedEventsCount))
	out.SetDroppedLinksCount(uint32(s.DroppedLinksCount))
	out.Status().SetCode(ptrace.StatusCode(s.Status.Code))
	out.Status().SetMessage(s.Status.Message)
	for _, e := range s.Events {
		event := out.Events().AppendEmpty()
		event.SetTimestamp(pcommon.Timestamp(number64(t, e.TimeUnixNano)))
		event.SetName(e.Name)
		attributesBack(t, event.Attributes(), e.Attributes)
		event.SetDroppedAttributesCount(uint32(e.DroppedAttributesCount))
	}
	for _, l := range s.Links {
		link := out.Links().AppendEmpty()
		link.SetTraceID(traceIDBack(t, l.TraceID))
		link.SetSpanID(spanIDBack(t, l.SpanID))
		link.TraceState().FromRaw(l.TraceState)
		attributesBack(t, link.Attributes(), l.Attributes)
		link.SetDroppedAttributesCount(uint32(l.DroppedAttributesCount))
		link.SetFlags(uint32(l.Flags))
	}
}

func doubles(list []api.Double) []float64 {
	out := make([]float64, len(list))
	for i, x := range list {
		out[i] = float64(x)
	}
	return out
}

func countsBack(t testing.TB, list []api.Int64) []uint64 {
	t.Helper()
	out := make([]uint64, len(list))
	for i, n := range list {
		out[i] = number64(t, n)
	}
	return out
}

func exemplarsBack(t testing.TB, to pmetric.ExemplarSlice, list []api.Exemplar) {
	t.Helper()
	for _, e := range list {
		x := to.AppendEmpty()
		x.SetTimestamp(pcommon.Timestamp(number64(t, e.TimeUnixNano)))
		x.SetTraceID(traceIDBack(t, e.TraceID))
		x.SetSpanID(spanIDBack(t, e.SpanID))
		attributesBack(t, x.FilteredAttributes(), e.FilteredAttributes)
		switch {
		case e.AsInt != "":
			n, err := strconv.ParseInt(e.AsInt, 10, 64)
			require.NoError(t, err)
			x.SetIntValue(n)
		case e.AsDouble != nil:
			x.SetDoubleValue(float64(*e.AsDouble))
		}
	}
}

func numberBack(t testing.TB, to pmetric.NumberDataPoint, p api.Point, s api.Series) {
	t.Helper()
	attributesBack(t, to.Attributes(), s.Attributes)
	to.SetTimestamp(pcommon.Timestamp(number64(t, p.TimeUnixNano)))
	to.SetStartTimestamp(pcommon.Timestamp(number64(t, p.StartTimeUnixNano)))
	to.SetFlags(pmetric.DataPointFlags(p.Flags))
	exemplarsBack(t, to.Exemplars(), p.Exemplars)
	switch {
	case p.AsInt != "":
		n, err := strconv.ParseInt(p.AsInt, 10, 64)
		require.NoError(t, err)
		to.SetIntValue(n)
	case p.AsDouble != nil:
		to.SetDoubleValue(float64(*p.AsDouble))
	}
}

func pointBack(t testing.TB, md pmetric.Metrics, p api.Point, s api.Series, resources []api.Resource, scopes []api.Scope) {
	t.Helper()
	rm := md.ResourceMetrics().AppendEmpty()
	resourceBack(t, rm.Resource(), resources[s.ResourceIndex])
	rm.SetSchemaUrl(resources[s.ResourceIndex].SchemaURL)
	sm := rm.ScopeMetrics().AppendEmpty()
	scopeBack(t, sm.Scope(), scopes[s.ScopeIndex])
	sm.SetSchemaUrl(scopes[s.ScopeIndex].SchemaURL)
	m := sm.Metrics().AppendEmpty()
	m.SetName(s.Metric.Name)
	m.SetUnit(s.Metric.Unit)
	m.SetDescription(s.Metric.Description)
	attributesBack(t, m.Metadata(), s.Metric.Metadata)
	temporality := pmetric.AggregationTemporality(s.Metric.Temporality)
	switch s.Metric.Type {
	case api.MetricTypeGauge:
		numberBack(t, m.SetEmptyGauge().DataPoints().AppendEmpty(), p, s)
	case api.MetricTypeSum:
		sum := m.SetEmptySum()
		sum.SetAggregationTemporality(temporality)
		sum.SetIsMonotonic(s.Metric.Monotonic)
		numberBack(t, sum.DataPoints().AppendEmpty(), p, s)
	case api.MetricTypeHistogram:
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(temporality)
		d := h.DataPoints().AppendEmpty()
		attributesBack(t, d.Attributes(), s.Attributes)
		d.SetTimestamp(pcommon.Timestamp(number64(t, p.TimeUnixNano)))
		d.SetStartTimestamp(pcommon.Timestamp(number64(t, p.StartTimeUnixNano)))
		d.SetFlags(pmetric.DataPointFlags(p.Flags))
		exemplarsBack(t, d.Exemplars(), p.Exemplars)
		d.SetCount(number64(t, p.Histogram.Count))
		set(p.Histogram.Sum, d.SetSum)
		set(p.Histogram.Min, d.SetMin)
		set(p.Histogram.Max, d.SetMax)
		d.BucketCounts().FromRaw(countsBack(t, p.Histogram.BucketCounts))
		d.ExplicitBounds().FromRaw(doubles(p.Histogram.ExplicitBounds))
	case api.MetricTypeExponentialHistogram:
		h := m.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(temporality)
		d := h.DataPoints().AppendEmpty()
		attributesBack(t, d.Attributes(), s.Attributes)
		d.SetTimestamp(pcommon.Timestamp(number64(t, p.TimeUnixNano)))
		d.SetStartTimestamp(pcommon.Timestamp(number64(t, p.StartTimeUnixNano)))
		d.SetFlags(pmetric.DataPointFlags(p.Flags))
		exemplarsBack(t, d.Exemplars(), p.Exemplars)
		e := p.ExponentialHistogram
		d.SetCount(number64(t, e.Count))
		set(e.Sum, d.SetSum)
		set(e.Min, d.SetMin)
		set(e.Max, d.SetMax)
		d.SetScale(int32(e.Scale))
		d.SetZeroCount(number64(t, e.ZeroCount))
		d.SetZeroThreshold(float64(e.ZeroThreshold))
		if e.Positive != nil {
			d.Positive().SetOffset(int32(e.Positive.Offset))
			d.Positive().BucketCounts().FromRaw(countsBack(t, e.Positive.BucketCounts))
		}
		if e.Negative != nil {
			d.Negative().SetOffset(int32(e.Negative.Offset))
			d.Negative().BucketCounts().FromRaw(countsBack(t, e.Negative.BucketCounts))
		}
	case api.MetricTypeSummary:
		d := m.SetEmptySummary().DataPoints().AppendEmpty()
		attributesBack(t, d.Attributes(), s.Attributes)
		d.SetTimestamp(pcommon.Timestamp(number64(t, p.TimeUnixNano)))
		d.SetStartTimestamp(pcommon.Timestamp(number64(t, p.StartTimeUnixNano)))
		d.SetFlags(pmetric.DataPointFlags(p.Flags))
		d.SetCount(number64(t, p.Summary.Count))
		d.SetSum(float64(p.Summary.Sum))
		for _, q := range p.Summary.QuantileValues {
			v := d.QuantileValues().AppendEmpty()
			v.SetQuantile(float64(q.Quantile))
			v.SetValue(float64(q.Value))
		}
	}
}

func set(x *api.Double, to func(float64)) {
	if x != nil {
		to(float64(*x))
	}
}

// eachSpan is the sorted OTLP/JSON of every span apart.
func eachSpan(t testing.TB, td ptrace.Traces) []string {
	t.Helper()
	var out []string
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				one := ptrace.NewTraces()
				r := one.ResourceSpans().AppendEmpty()
				rs.Resource().CopyTo(r.Resource())
				r.SetSchemaUrl(rs.SchemaUrl())
				scope := r.ScopeSpans().AppendEmpty()
				ss.Scope().CopyTo(scope.Scope())
				scope.SetSchemaUrl(ss.SchemaUrl())
				s.CopyTo(scope.Spans().AppendEmpty())
				b, err := (&ptrace.JSONMarshaler{}).MarshalTraces(one)
				require.NoError(t, err)
				out = append(out, string(b))
			}
		}
	}
	slices.Sort(out)
	return out
}

func eachLog(t testing.TB, ld plog.Logs) []string {
	t.Helper()
	var out []string
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, l := range sl.LogRecords().All() {
				one := plog.NewLogs()
				r := one.ResourceLogs().AppendEmpty()
				rl.Resource().CopyTo(r.Resource())
				r.SetSchemaUrl(rl.SchemaUrl())
				scope := r.ScopeLogs().AppendEmpty()
				sl.Scope().CopyTo(scope.Scope())
				scope.SetSchemaUrl(sl.SchemaUrl())
				l.CopyTo(scope.LogRecords().AppendEmpty())
				b, err := (&plog.JSONMarshaler{}).MarshalLogs(one)
				require.NoError(t, err)
				out = append(out, string(b))
			}
		}
	}
	slices.Sort(out)
	return out
}

// eachPoint leaves a metric with the one point at hand, for each point.
func eachPoint(t testing.TB, md pmetric.Metrics) []string {
	t.Helper()
	var out []string
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				for i := range pointsOf(m) {
					one := pmetric.NewMetrics()
					r := one.ResourceMetrics().AppendEmpty()
					rm.Resource().CopyTo(r.Resource())
					r.SetSchemaUrl(rm.SchemaUrl())
					scope := r.ScopeMetrics().AppendEmpty()
					sm.Scope().CopyTo(scope.Scope())
					scope.SetSchemaUrl(sm.SchemaUrl())
					metric := scope.Metrics().AppendEmpty()
					m.CopyTo(metric)
					keepPoint(metric, i)
					b, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(one)
					require.NoError(t, err)
					out = append(out, string(b))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

func pointsOf(m pmetric.Metric) int {
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

func keepPoint(m pmetric.Metric, keep int) {
	i := -1
	number := func(pmetric.NumberDataPoint) bool { i++; return i != keep }
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(number)
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(number)
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(pmetric.HistogramDataPoint) bool { i++; return i != keep })
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(pmetric.ExponentialHistogramDataPoint) bool { i++; return i != keep })
	case pmetric.MetricTypeSummary:
		m.Summary().DataPoints().RemoveIf(func(pmetric.SummaryDataPoint) bool { i++; return i != keep })
	case pmetric.MetricTypeEmpty:
	}
}

// Bits that OTLP has not given a meaning yet, keys that differ in case only, and links without ids come back as they were sent.
func TestReservedBitsAndKeysOfEitherCaseComeBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const bits = 0xfffffd01
	spans, records := ptrace.NewTraces(), plog.NewLogs()
	s := spans.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID([16]byte{1})
	s.SetSpanID([8]byte{2})
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(base()))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(base()))
	s.SetFlags(bits)
	s.Links().AppendEmpty().SetFlags(bits)
	s.Links().AppendEmpty().TraceState().FromRaw("vendor=1")
	l := records.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	l.SetTimestamp(pcommon.NewTimestampFromTime(base()))
	l.SetFlags(bits)
	for _, attributes := range []pcommon.Map{s.Attributes(), l.Attributes()} {
		for i, key := range []string{"user.id", "User.ID", "USER.ID"} {
			attributes.PutInt(key, int64(i))
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(spans), 1)
	f.store("default", telemetry.Logs, testbed.LogsPayload(records), 1)
	var traces api.SpanPage
	f.search("spans", searchBody{}, &traces)
	require.Len(t, traces.Spans, 1)
	require.EqualValues(t, bits, traces.Spans[0].Flags)
	require.Len(t, traces.Spans[0].Links, 2)
	require.EqualValues(t, bits, traces.Spans[0].Links[0].Flags)
	require.Equal(t, "vendor=1", traces.Spans[0].Links[1].TraceState)
	var logs api.LogPage
	f.search("logs", searchBody{}, &logs)
	require.Len(t, logs.Logs, 1)
	require.EqualValues(t, bits, logs.Logs[0].Flags)
	span, record := pcommon.NewMap(), pcommon.NewMap()
	attributesBack(t, span, traces.Spans[0].Attributes)
	attributesBack(t, record, logs.Logs[0].Attributes)
	require.Equal(t, s.Attributes().AsRaw(), span.AsRaw())
	require.Equal(t, l.Attributes().AsRaw(), record.AsRaw())
}
