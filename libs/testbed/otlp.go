package testbed

import (
	"fmt"
	"math"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Sample is an Export…ServiceRequest with every field of a signal set to something, every type of value, and the edges of each: the
// input of golden and round-trip tests. Its items lie within the second that begins at at; the same at gives the same bytes.
func Sample(signal telemetry.Signal, at time.Time) []byte {
	switch signal {
	case telemetry.Traces:
		return TracesPayload(SampleTraces(at))
	case telemetry.Logs:
		return LogsPayload(SampleLogs(at))
	case telemetry.Metrics:
		return MetricsPayload(SampleMetrics(at))
	}
	panic(fmt.Sprintf("unknown signal %d", signal))
}

// TracesPayload marshals; it cannot fail for what pdata has built.
func TracesPayload(td ptrace.Traces) []byte {
	return must((&ptrace.ProtoMarshaler{}).MarshalTraces(td))
}

// LogsPayload marshals; it cannot fail for what pdata has built.
func LogsPayload(ld plog.Logs) []byte {
	return must((&plog.ProtoMarshaler{}).MarshalLogs(ld))
}

// MetricsPayload marshals; it cannot fail for what pdata has built.
func MetricsPayload(md pmetric.Metrics) []byte {
	return must((&pmetric.ProtoMarshaler{}).MarshalMetrics(md))
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// EveryValue fills attributes with every type of OTLP value and the edges of each. Keys are ASCII, mixed in length and order.
func EveryValue(m pcommon.Map) {
	m.PutStr("string", "plain")
	m.PutStr("string.empty", "")
	m.PutStr("string.unicode", "Grüße, 世界 🌍, \u2028 e\u0301")
	m.PutStr("string.quoted", `"quoted" \ back\slash </script> 'x'; DROP TABLE spans_fact; --`)
	m.PutStr("string.control", "tab\tnewline\nreturn\rbell\x07")
	m.PutStr("string.nul", "a\x00b")
	m.PutStr("string.long", strings.Repeat("long value ", 500))
	m.PutBool("bool.true", true)
	m.PutBool("bool.false", false)
	m.PutInt("int", 42)
	m.PutInt("int.zero", 0)
	m.PutInt("int.negative", -1)
	m.PutInt("int.beyond_double", 1<<53+1)
	m.PutInt("int.max", math.MaxInt64)
	m.PutInt("int.min", math.MinInt64)
	m.PutDouble("double", 3.141592653589793)
	m.PutDouble("double.whole", 200)
	m.PutDouble("double.zero", 0)
	m.PutDouble("double.negative_zero", math.Copysign(0, -1))
	m.PutDouble("double.tiny", math.SmallestNonzeroFloat64)
	m.PutDouble("double.huge", math.MaxFloat64)
	m.PutDouble("double.nan", math.NaN())
	m.PutDouble("double.infinity", math.Inf(1))
	m.PutDouble("double.negative_infinity", math.Inf(-1))
	m.PutEmptyBytes("bytes").FromRaw([]byte{0, 1, 2, 0xfe, 0xff})
	m.PutEmptyBytes("bytes.empty")
	m.PutEmpty("empty")
	m.PutEmptySlice("array.empty")
	list := m.PutEmptySlice("array")
	list.AppendEmpty().SetStr("one")
	list.AppendEmpty().SetInt(2)
	list.AppendEmpty().SetDouble(3.5)
	list.AppendEmpty().SetBool(true)
	list.AppendEmpty()
	list.AppendEmpty().SetEmptyBytes().FromRaw([]byte("six"))
	inner := list.AppendEmpty().SetEmptySlice()
	inner.AppendEmpty().SetInt(7)
	list.AppendEmpty().SetEmptyMap().PutStr("eight", "8")
	m.PutEmptyMap("map.empty")
	nested := m.PutEmptyMap("map")
	nested.PutStr("zulu", "last written first")
	nested.PutInt("alpha", 1)
	deep := nested.PutEmptyMap("deep").PutEmptyMap("deeper")
	deep.PutEmptySlice("list").AppendEmpty().SetEmptyMap().PutDouble("deepest", 0.1)
	m.PutStr("", "an empty key")
}

const (
	sampleResourceURL = "https://opentelemetry.io/schemas/1.36.0"
	sampleScopeURL    = "https://opentelemetry.io/schemas/1.35.0"
)

func sampleResource(r pcommon.Resource, service string) {
	a := r.Attributes()
	if service != "" {
		a.PutStr("service.name", service)
		a.PutStr("service.namespace", "shop")
		a.PutStr("service.instance.id", service+"-1")
		a.PutStr("service.version", "1.2.3")
	}
	EveryValue(a)
	r.SetDroppedAttributesCount(3)
}

func sampleScope(s pcommon.InstrumentationScope) {
	s.SetName("github.com/ollyscale/sample")
	s.SetVersion("v0.1.0")
	EveryValue(s.Attributes())
	s.SetDroppedAttributesCount(2)
}

func traceID(n byte) pcommon.TraceID {
	return pcommon.TraceID{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, n}
}

func spanID(n byte) pcommon.SpanID {
	return pcommon.SpanID{0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, n}
}

func stamp(at time.Time, ms int) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(at.Add(time.Duration(ms)*time.Millisecond + 123456)) // not a whole number of anything
}

// SampleTraces is Sample of traces, as objects: two resources, one without a service name, one scope without anything; a root, children of every kind and
// status, two spans with one span id, a span of zero and one of negative duration, events, links.
func SampleTraces(at time.Time) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.SetSchemaUrl(sampleResourceURL)
	sampleResource(rs.Resource(), "checkout")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl(sampleScopeURL)
	sampleScope(ss.Scope())

	root := ss.Spans().AppendEmpty()
	root.SetTraceID(traceID(1))
	root.SetSpanID(spanID(1))
	root.TraceState().FromRaw("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
	root.SetFlags(0x101)
	root.SetName("POST /checkout")
	root.SetKind(ptrace.SpanKindServer)
	root.SetStartTimestamp(stamp(at, 0))
	root.SetEndTimestamp(stamp(at, 900))
	EveryValue(root.Attributes())
	root.SetDroppedAttributesCount(4)
	root.SetDroppedEventsCount(5)
	root.SetDroppedLinksCount(6)
	root.Status().SetCode(ptrace.StatusCodeError)
	root.Status().SetMessage("card declined: \"insufficient funds\"")
	event := root.Events().AppendEmpty()
	event.SetName("exception")
	event.SetTimestamp(stamp(at, 500))
	event.Attributes().PutStr("exception.type", "java.lang.IllegalStateException")
	event.Attributes().PutStr("exception.message", "card declined")
	event.Attributes().PutStr("exception.stacktrace", "at com.example.Shop.pay(Shop.java:42)\n\tat com.example.Shop.main(Shop.java:7)")
	event.SetDroppedAttributesCount(1)
	event = root.Events().AppendEmpty() // before the first one: the order is the sender's
	event.SetName("every value")
	event.SetTimestamp(stamp(at, 100))
	EveryValue(event.Attributes())
	root.Events().AppendEmpty() // nothing set at all
	link := root.Links().AppendEmpty()
	link.SetTraceID(traceID(2))
	link.SetSpanID(spanID(9))
	link.TraceState().FromRaw("vendor=1")
	link.SetFlags(0x1)
	link.SetDroppedAttributesCount(7)
	EveryValue(link.Attributes())
	root.Links().AppendEmpty().SetTraceID(traceID(3))

	for i, kind := range []ptrace.SpanKind{
		ptrace.SpanKindUnspecified, ptrace.SpanKindInternal, ptrace.SpanKindServer, ptrace.SpanKindClient, ptrace.SpanKindProducer, ptrace.SpanKindConsumer,
	} {
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(traceID(1))
		span.SetSpanID(spanID(byte(10 + i)))
		span.SetParentSpanID(spanID(1))
		span.SetName("kind " + kind.String())
		span.SetKind(kind)
		span.SetStartTimestamp(stamp(at, 100+i))
		span.SetEndTimestamp(stamp(at, 200+10*i))
		span.Status().SetCode(ptrace.StatusCode(i % 3))
		span.Attributes().PutStr("http.request.method", "GET")
		span.Attributes().PutInt("http.response.status_code", 200)
	}

	bare := rs.ScopeSpans().AppendEmpty().Spans() // a scope without anything
	for i, end := range []int{300, 300, 250} {    // two spans with one id, of zero duration; one that ends before it starts
		span := bare.AppendEmpty()
		span.SetTraceID(traceID(1))
		span.SetSpanID(spanID(byte(20 + i/2*2)))
		span.SetParentSpanID(spanID(10))
		span.SetName("")
		span.SetStartTimestamp(stamp(at, 300))
		span.SetEndTimestamp(stamp(at, end))
	}

	other := td.ResourceSpans().AppendEmpty() // no service name, no scope name
	other.Resource().Attributes().PutStr("host.name", "node-1")
	scope := other.ScopeSpans().AppendEmpty()
	scope.Scope().SetName("only.a.name")
	span := scope.Spans().AppendEmpty()
	span.SetTraceID(traceID(2))
	span.SetSpanID(spanID(30))
	span.SetName("cron")
	span.SetStartTimestamp(stamp(at, 700))
	span.SetEndTimestamp(stamp(at, 701))
	return td
}

// SampleLogs is Sample of logs, as objects: a record per type of body, every severity's first number, one record without trace, time or body.
func SampleLogs(at time.Time) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.SetSchemaUrl(sampleResourceURL)
	sampleResource(rl.Resource(), "checkout")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.SetSchemaUrl(sampleScopeURL)
	sampleScope(sl.Scope())

	full := sl.LogRecords().AppendEmpty()
	full.SetTimestamp(stamp(at, 500))
	full.SetObservedTimestamp(stamp(at, 510))
	full.SetSeverityNumber(plog.SeverityNumberError)
	full.SetSeverityText("ERROR")
	full.SetEventName("payment.declined")
	full.SetTraceID(traceID(1))
	full.SetSpanID(spanID(1))
	full.SetFlags(plog.LogRecordFlags(1))
	full.Body().SetStr("card declined for order 4711: insufficient funds")
	EveryValue(full.Attributes())
	full.SetDroppedAttributesCount(8)

	bodies := pcommon.NewMap()
	EveryValue(bodies)
	i := 0
	for _, body := range bodies.All() { // a record with each value as its body
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(stamp(at, 600+i))
		r.SetObservedTimestamp(stamp(at, 600+i))
		r.SetSeverityNumber(plog.SeverityNumber(1 + i%24))
		r.SetSeverityText([]string{"TRACE", "debug", "Info", ""}[i%4])
		body.CopyTo(r.Body())
		i++
	}
	r := sl.LogRecords().AppendEmpty() // a map as body, at the top
	r.SetTimestamp(stamp(at, 700))
	EveryValue(r.Body().SetEmptyMap())

	bare := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	bare.AppendEmpty().SetObservedTimestamp(stamp(at, 800)) // no time of its own: the observed one counts
	r = bare.AppendEmpty()
	r.SetTimestamp(stamp(at, 810))
	r.SetTraceID(traceID(4)) // a trace without a span
	return ld
}

// SampleMetrics is Sample of metrics, as objects: all five kinds, both temporalities, ints and doubles, exemplars, points without a value, bounds and buckets
// empty and full, zero, NaN and infinite sums.
func SampleMetrics(at time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.SetSchemaUrl(sampleResourceURL)
	sampleResource(rm.Resource(), "checkout")
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.SetSchemaUrl(sampleScopeURL)
	sampleScope(sm.Scope())

	metric := func(name, unit, description string) pmetric.Metric {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		m.SetDescription(description)
		m.Metadata().PutStr("prometheus.type", "unknown")
		return m
	}
	gauge := metric("queue.depth", "{message}", "messages waiting").SetEmptyGauge()
	sampleNumbers(gauge.DataPoints(), at)
	sum := metric("http.server.requests", "{request}", "requests answered").SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	sampleNumbers(sum.DataPoints(), at)
	sum = metric("cart.items", "{item}", "").SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	sampleNumbers(sum.DataPoints(), at)
	sampleHistogram(metric("http.server.request.duration", "s", "how long requests take").SetEmptyHistogram(), at)
	sampleExponential(metric("rpc.server.duration", "ms", "how long calls take").SetEmptyExponentialHistogram(), at)
	sampleSummary(metric("gc.pause", "s", "pauses").SetEmptySummary(), at)

	bare := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	bare.SetName("bare")
	bare.SetEmptyGauge().DataPoints().AppendEmpty().SetTimestamp(stamp(at, 900))
	return md
}

func sampleNumbers(points pmetric.NumberDataPointSlice, at time.Time) {
	for i, double := range []float64{0, 1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64} {
		p := points.AppendEmpty()
		p.SetStartTimestamp(stamp(at, 0))
		p.SetTimestamp(stamp(at, 100+i))
		p.SetDoubleValue(double)
		p.Attributes().PutStr("http.route", "/checkout")
		p.Attributes().PutInt("http.response.status_code", int64(200+i))
	}
	for i, integer := range []int64{0, 1, -1, 1<<53 + 1, math.MaxInt64, math.MinInt64} {
		p := points.AppendEmpty()
		p.SetTimestamp(stamp(at, 200+i))
		p.SetIntValue(integer)
	}
	p := points.AppendEmpty()
	p.SetTimestamp(stamp(at, 300))
	p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)) // and no value
	EveryValue(p.Attributes())
	p = points.AppendEmpty()
	p.SetTimestamp(stamp(at, 301))
	p.SetIntValue(1)
	sampleExemplars(p.Exemplars(), at)
}

func sampleExemplars(es pmetric.ExemplarSlice, at time.Time) {
	e := es.AppendEmpty()
	e.SetTimestamp(stamp(at, 50))
	e.SetDoubleValue(0.25)
	e.SetTraceID(traceID(1))
	e.SetSpanID(spanID(1))
	EveryValue(e.FilteredAttributes())
	e = es.AppendEmpty()
	e.SetTimestamp(stamp(at, 40))
	e.SetIntValue(-7)
	es.AppendEmpty() // nothing set
}

func sampleHistogram(h pmetric.Histogram, at time.Time) {
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(stamp(at, 0))
	p.SetTimestamp(stamp(at, 400))
	p.SetCount(10)
	p.SetSum(3.25)
	p.SetMin(0.01)
	p.SetMax(2)
	p.ExplicitBounds().FromRaw([]float64{0.005, 0.01, 0.1, 1})
	p.BucketCounts().FromRaw([]uint64{0, 1, 5, 3, 1})
	p.SetFlags(pmetric.DefaultDataPointFlags)
	EveryValue(p.Attributes())
	sampleExemplars(p.Exemplars(), at)

	p = h.DataPoints().AppendEmpty() // no buckets, zero sum present, no minimum
	p.SetTimestamp(stamp(at, 401))
	p.SetCount(0)
	p.SetSum(0)
	p = h.DataPoints().AppendEmpty() // one bucket without a bound, counts beyond int64
	p.SetTimestamp(stamp(at, 402))
	p.SetCount(math.MaxUint64)
	p.SetSum(math.NaN())
	p.SetMin(math.Inf(-1))
	p.SetMax(math.Inf(1))
	p.BucketCounts().FromRaw([]uint64{math.MaxUint64})
	p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
}

func sampleExponential(h pmetric.ExponentialHistogram, at time.Time) {
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(stamp(at, 0))
	p.SetTimestamp(stamp(at, 500))
	p.SetCount(15)
	p.SetSum(-12.5)
	p.SetMin(-100)
	p.SetMax(1000)
	p.SetScale(-3)
	p.SetZeroCount(2)
	p.SetZeroThreshold(0.001)
	p.Positive().SetOffset(-5)
	p.Positive().BucketCounts().FromRaw([]uint64{1, 0, 2, 3})
	p.Negative().SetOffset(7)
	p.Negative().BucketCounts().FromRaw([]uint64{4, 0, 0, 3})
	EveryValue(p.Attributes())
	sampleExemplars(p.Exemplars(), at)
	p = h.DataPoints().AppendEmpty() // nothing but zeros
	p.SetTimestamp(stamp(at, 501))
	p.SetScale(20)
}

func sampleSummary(s pmetric.Summary, at time.Time) {
	p := s.DataPoints().AppendEmpty()
	p.SetStartTimestamp(stamp(at, 0))
	p.SetTimestamp(stamp(at, 600))
	p.SetCount(100)
	p.SetSum(12.5)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
		v := p.QuantileValues().AppendEmpty()
		v.SetQuantile(q)
		v.SetValue(q * 10)
	}
	EveryValue(p.Attributes())
	p = s.DataPoints().AppendEmpty() // no quantiles
	p.SetTimestamp(stamp(at, 601))
	p.SetSum(math.NaN())
}
