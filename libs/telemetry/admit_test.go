package telemetry_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

const now = int64(1_763_900_000_000_000_000)

func window() telemetry.Limits {
	return telemetry.Limits{MinTime: now - int64(24*time.Hour), MaxTime: now + int64(time.Hour)}
}

func attributes(m pcommon.Map, r *rand.Rand) {
	m.PutStr("http.request.method", "GET")
	m.PutStr("user.id", fmt.Sprint(r.Uint64()))
	m.PutInt("big", math.MaxInt64)
	m.PutDouble("nan", math.NaN())
	m.PutBool("yes", true)
	m.PutStr("", "")
	m.PutEmpty("empty")
	m.PutEmptyBytes("bytes").FromRaw([]byte{0, 255})
	nested := m.PutEmptyMap("map")
	nested.PutEmptySlice("slice").AppendEmpty().SetEmptyMap().PutStr("deep", "value")
}

func ids(r *rand.Rand) (trace pcommon.TraceID, span pcommon.SpanID) {
	for i := range trace {
		trace[i] = byte(1 + r.IntN(255))
	}
	for i := range span {
		span[i] = byte(1 + r.IntN(255))
	}
	return trace, span
}

// admission is one whose parts have all been made, at the same time.
type admission struct {
	*telemetry.Admission
	Parts []telemetry.Part
}

// admit takes a request as ingest does, at the instant now.
func admit(signal telemetry.Signal, payload []byte, limits telemetry.Limits) (admission, error) {
	a, err := telemetry.Admit(signal, payload, limits)
	if err != nil {
		return admission{}, err
	}
	return admission{a, slices.Collect(a.Parts(now))}, nil
}

// request makes a request with every field, of resources × scopes × items.
func request(t testing.TB, signal telemetry.Signal, seed uint64, resources, scopes, items int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	at := func() pcommon.Timestamp { return pcommon.Timestamp(now - int64(r.IntN(int(time.Hour)))) }
	switch signal {
	case telemetry.Traces:
		req := ptraceotlp.NewExportRequest()
		for range resources {
			rs := req.Traces().ResourceSpans().AppendEmpty()
			rs.SetSchemaUrl("https://opentelemetry.io/schemas/1.37.0")
			attributes(rs.Resource().Attributes(), r)
			rs.Resource().SetDroppedAttributesCount(1)
			for range scopes {
				ss := rs.ScopeSpans().AppendEmpty()
				ss.SetSchemaUrl("https://opentelemetry.io/schemas/1.37.0")
				ss.Scope().SetName("scope")
				ss.Scope().SetVersion("1")
				attributes(ss.Scope().Attributes(), r)
				for range items {
					fillSpan(ss.Spans().AppendEmpty(), r, at)
				}
			}
		}
		b, err := req.MarshalProto()
		require.NoError(t, err)
		return b
	case telemetry.Logs:
		req := plogotlp.NewExportRequest()
		for range resources {
			rl := req.Logs().ResourceLogs().AppendEmpty()
			attributes(rl.Resource().Attributes(), r)
			for range scopes {
				sl := rl.ScopeLogs().AppendEmpty()
				sl.Scope().SetName("scope")
				for range items {
					rec := sl.LogRecords().AppendEmpty()
					rec.SetTimestamp(at())
					rec.SetObservedTimestamp(at())
					rec.SetSeverityNumber(9)
					rec.SetSeverityText("INFO")
					rec.SetEventName("event")
					rec.Body().SetStr(strings.Repeat("words ", 1+r.IntN(20)))
					rec.SetFlags(1)
					rec.SetDroppedAttributesCount(3)
					trace, span := ids(r)
					rec.SetTraceID(trace)
					rec.SetSpanID(span)
					attributes(rec.Attributes(), r)
				}
			}
		}
		b, err := req.MarshalProto()
		require.NoError(t, err)
		return b
	case telemetry.Metrics:
		req := pmetricotlp.NewExportRequest()
		for range resources {
			rm := req.Metrics().ResourceMetrics().AppendEmpty()
			attributes(rm.Resource().Attributes(), r)
			for range scopes {
				sm := rm.ScopeMetrics().AppendEmpty()
				sm.Scope().SetName("scope")
				for kind := range 5 {
					fillMetric(sm.Metrics().AppendEmpty(), kind, items, r, at)
				}
			}
		}
		b, err := req.MarshalProto()
		require.NoError(t, err)
		return b
	}
	return nil
}

func fillSpan(s ptrace.Span, r *rand.Rand, at func() pcommon.Timestamp) {
	trace, span := ids(r)
	s.SetTraceID(trace)
	s.SetSpanID(span)
	_, parent := ids(r)
	s.SetParentSpanID(parent)
	s.SetName("GET /cart")
	s.SetKind(ptrace.SpanKindServer)
	s.TraceState().FromRaw("a=b")
	s.SetStartTimestamp(at())
	s.SetEndTimestamp(at())
	s.SetFlags(257)
	s.SetDroppedAttributesCount(1)
	s.SetDroppedEventsCount(2)
	s.SetDroppedLinksCount(3)
	s.Status().SetCode(ptrace.StatusCodeError)
	s.Status().SetMessage("boom")
	attributes(s.Attributes(), r)
	e := s.Events().AppendEmpty()
	e.SetName("exception")
	e.SetTimestamp(at())
	attributes(e.Attributes(), r)
	l := s.Links().AppendEmpty()
	trace, span = ids(r)
	l.SetTraceID(trace)
	l.SetSpanID(span)
	l.SetFlags(1)
	l.TraceState().FromRaw("c=d")
	attributes(l.Attributes(), r)
}

func fillExemplar(e pmetric.Exemplar, r *rand.Rand, at func() pcommon.Timestamp) {
	trace, span := ids(r)
	e.SetTraceID(trace)
	e.SetSpanID(span)
	e.SetTimestamp(at())
	e.SetIntValue(-5)
	attributes(e.FilteredAttributes(), r)
}

func fillMetric(m pmetric.Metric, kind, points int, r *rand.Rand, at func() pcommon.Timestamp) {
	m.SetName(fmt.Sprint("metric.", kind))
	m.SetDescription("what it is")
	m.SetUnit("1")
	attributes(m.Metadata(), r)
	for i := range points {
		switch kind {
		case 0, 1:
			var p pmetric.NumberDataPoint
			if kind == 0 {
				if i == 0 {
					m.SetEmptyGauge()
				}
				p = m.Gauge().DataPoints().AppendEmpty()
				p.SetDoubleValue(1.5)
			} else {
				if i == 0 {
					m.SetEmptySum().SetIsMonotonic(true)
					m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				}
				p = m.Sum().DataPoints().AppendEmpty()
				p.SetIntValue(-7)
			}
			p.SetTimestamp(at())
			p.SetStartTimestamp(at())
			p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
			attributes(p.Attributes(), r)
			fillExemplar(p.Exemplars().AppendEmpty(), r, at)
		case 2:
			if i == 0 {
				m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			}
			p := m.Histogram().DataPoints().AppendEmpty()
			p.SetTimestamp(at())
			p.SetCount(3)
			p.SetSum(4)
			p.SetMin(-1)
			p.SetMax(5)
			p.BucketCounts().FromRaw([]uint64{1, 2, math.MaxUint64})
			p.ExplicitBounds().FromRaw([]float64{1, 2})
			attributes(p.Attributes(), r)
			fillExemplar(p.Exemplars().AppendEmpty(), r, at)
		case 3:
			if i == 0 {
				m.SetEmptyExponentialHistogram()
			}
			p := m.ExponentialHistogram().DataPoints().AppendEmpty()
			p.SetTimestamp(at())
			p.SetScale(-3)
			p.SetZeroCount(1)
			p.SetZeroThreshold(0.5)
			p.Positive().SetOffset(-2)
			p.Positive().BucketCounts().FromRaw([]uint64{1, 300, math.MaxUint64})
			p.Negative().BucketCounts().FromRaw([]uint64{0})
			attributes(p.Attributes(), r)
			fillExemplar(p.Exemplars().AppendEmpty(), r, at)
		case 4:
			if i == 0 {
				m.SetEmptySummary()
			}
			p := m.Summary().DataPoints().AppendEmpty()
			p.SetTimestamp(at())
			p.SetCount(3)
			q := p.QuantileValues().AppendEmpty()
			q.SetQuantile(0.5)
			q.SetValue(2)
			attributes(p.Attributes(), r)
		}
	}
}

// decoded is a request as pdata sees it: how many items it has, and the request encoded again, items flattened in order.
func decoded(t testing.TB, signal telemetry.Signal, payload []byte) (items int, flat []string) {
	t.Helper()
	items, flat, err := decode(signal, payload)
	require.NoError(t, err)
	return items, flat
}

// decode gives each item with its resource, scope and metric, so that parts can be compared with the whole.
func decode(signal telemetry.Signal, payload []byte) (items int, flat []string, err error) {
	keep := func(b []byte, err error) {
		if err != nil {
			panic(err)
		}
		flat = append(flat, string(b))
	}
	switch signal {
	case telemetry.Traces:
		req := ptraceotlp.NewExportRequest()
		if err := req.UnmarshalProto(payload); err != nil {
			return 0, nil, err
		}
		for _, rs := range req.Traces().ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					one := ptraceotlp.NewExportRequest()
					ors := one.Traces().ResourceSpans().AppendEmpty()
					rs.Resource().CopyTo(ors.Resource())
					ors.SetSchemaUrl(rs.SchemaUrl())
					oss := ors.ScopeSpans().AppendEmpty()
					ss.Scope().CopyTo(oss.Scope())
					oss.SetSchemaUrl(ss.SchemaUrl())
					span.CopyTo(oss.Spans().AppendEmpty())
					keep(one.MarshalProto())
				}
			}
		}
	case telemetry.Logs:
		req := plogotlp.NewExportRequest()
		if err := req.UnmarshalProto(payload); err != nil {
			return 0, nil, err
		}
		for _, rl := range req.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, rec := range sl.LogRecords().All() {
					if rec.Timestamp() == 0 && rec.ObservedTimestamp() == 0 {
						rec.SetObservedTimestamp(pcommon.Timestamp(now)) // as admit gives it
					}
					one := plogotlp.NewExportRequest()
					orl := one.Logs().ResourceLogs().AppendEmpty()
					rl.Resource().CopyTo(orl.Resource())
					orl.SetSchemaUrl(rl.SchemaUrl())
					osl := orl.ScopeLogs().AppendEmpty()
					sl.Scope().CopyTo(osl.Scope())
					osl.SetSchemaUrl(sl.SchemaUrl())
					rec.CopyTo(osl.LogRecords().AppendEmpty())
					keep(one.MarshalProto())
				}
			}
		}
	case telemetry.Metrics:
		req := pmetricotlp.NewExportRequest()
		if err := req.UnmarshalProto(payload); err != nil {
			return 0, nil, err
		}
		for _, rm := range req.Metrics().ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					points := func(n int, only func(m pmetric.Metric, i int)) {
						for i := range n {
							one := pmetricotlp.NewExportRequest()
							orm := one.Metrics().ResourceMetrics().AppendEmpty()
							rm.Resource().CopyTo(orm.Resource())
							orm.SetSchemaUrl(rm.SchemaUrl())
							osm := orm.ScopeMetrics().AppendEmpty()
							sm.Scope().CopyTo(osm.Scope())
							osm.SetSchemaUrl(sm.SchemaUrl())
							om := osm.Metrics().AppendEmpty()
							m.CopyTo(om)
							only(om, i)
							keep(one.MarshalProto())
						}
					}
					switch m.Type() {
					case pmetric.MetricTypeGauge:
						points(m.Gauge().DataPoints().Len(), func(m pmetric.Metric, i int) {
							k := -1
							m.Gauge().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { k++; return k != i })
						})
					case pmetric.MetricTypeSum:
						points(m.Sum().DataPoints().Len(), func(m pmetric.Metric, i int) {
							k := -1
							m.Sum().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { k++; return k != i })
						})
					case pmetric.MetricTypeHistogram:
						points(m.Histogram().DataPoints().Len(), func(m pmetric.Metric, i int) {
							k := -1
							m.Histogram().DataPoints().RemoveIf(func(pmetric.HistogramDataPoint) bool { k++; return k != i })
						})
					case pmetric.MetricTypeExponentialHistogram:
						points(m.ExponentialHistogram().DataPoints().Len(), func(m pmetric.Metric, i int) {
							k := -1
							m.ExponentialHistogram().DataPoints().RemoveIf(func(pmetric.ExponentialHistogramDataPoint) bool { k++; return k != i })
						})
					case pmetric.MetricTypeSummary:
						points(m.Summary().DataPoints().Len(), func(m pmetric.Metric, i int) {
							k := -1
							m.Summary().DataPoints().RemoveIf(func(pmetric.SummaryDataPoint) bool { k++; return k != i })
						})
					case pmetric.MetricTypeEmpty:
					}
				}
			}
		}
	}
	return len(flat), flat, nil
}

func TestEverythingFineIsThePayloadItself(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		payload := request(t, signal, 1, 2, 2, 3)
		want, _ := decoded(t, signal, payload)
		a, err := admit(signal, payload, window())
		require.NoError(t, err)
		require.Equal(t, want, a.Items)
		require.Len(t, a.Parts, 1)
		require.Same(t, &payload[0], &a.Parts[0].Payload[0])
		require.Equal(t, want, a.Parts[0].Items)
		require.Empty(t, a.Message())
	}
}

func TestNothingSentIsNothingAdmitted(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		a, err := admit(signal, nil, window())
		require.NoError(t, err)
		require.Zero(t, a.Items)
		require.Empty(t, a.Parts)
		a, err = admit(signal, []byte{0x0a, 0x00}, window())
		require.NoError(t, err)
		require.Empty(t, a.Parts, "a resource without items")
	}
}

func TestEveryTruncationIsRefusedOrShorter(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		payload := request(t, signal, 2, 1, 1, 2)
		whole, _ := decoded(t, signal, payload)
		for n := range payload {
			s, err := telemetry.Check(signal, payload[:n], window())
			if err == nil {
				require.Less(t, s.Items, whole)
				continue
			}
			f := fault.From(err)
			require.Equal(t, fault.Invalid, f.Class)
			require.Equal(t, "otlp.malformed", f.Code)
		}
	}
}

func TestSplitKeepsEveryItemOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		payload := request(t, signal, 3, 3, 2, 20)
		items, flat := decoded(t, signal, payload)
		for _, bound := range []int{2200, 5_000, 20_000, len(payload) - 1} {
			limits := window()
			limits.MaxBytes = bound
			a, err := admit(signal, payload, limits)
			require.NoError(t, err)
			require.Equal(t, items, a.Items, "%s at %d: %s", signal, bound, a.Message())
			require.Greater(t, len(a.Parts), 1)
			again, err := admit(signal, bytes.Clone(payload), limits)
			require.NoError(t, err)
			require.Equal(t, a.Parts, again.Parts, "deterministic")
			var got []string
			for _, part := range a.Parts {
				require.LessOrEqual(t, len(part.Payload), bound)
				n, f := decoded(t, signal, part.Payload)
				require.Equal(t, part.Items, n)
				got = append(got, f...)
				s, err := telemetry.Check(signal, part.Payload, window())
				require.NoError(t, err)
				require.Equal(t, n, s.Items)
			}
			require.Equal(t, flat, got)
		}
	}
}

func TestAnItemThatCannotFitIsLeftOutAndItsNeighboursStay(t *testing.T) {
	t.Parallel()
	req := ptraceotlp.NewExportRequest()
	ss := req.Traces().ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for i := range 5 {
		span := ss.Spans().AppendEmpty()
		span.SetTraceID([16]byte{1})
		span.SetSpanID([8]byte{1})
		span.SetStartTimestamp(pcommon.Timestamp(now))
		if i == 2 {
			span.TraceState().FromRaw(strings.Repeat("large", 1000)) // in which a cut would break something
		}
	}
	payload, err := req.MarshalProto()
	require.NoError(t, err)
	limits := window()
	limits.MaxBytes = 1000
	a, err := admit(telemetry.Traces, payload, limits)
	require.NoError(t, err)
	require.Equal(t, 4, a.Items)
	require.Equal(t, 1, a.Rejected[telemetry.TooLarge])
	require.Len(t, a.Parts, 1)
	n, _ := decoded(t, telemetry.Traces, a.Parts[0].Payload)
	require.Equal(t, 4, n)
	require.Equal(t, "rejected 1 of 5 spans: 1 larger than 1000 bytes with resource and scope, in what cannot be cut (the first: "+
		"resource_spans[0].scope_spans[0].spans[2]: the item has 5044 bytes): the limit is bus.max_message_bytes, or max_payload of NATS where that is less", a.Message())
}

func TestItemsOutsideTheWindowAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		payload := request(t, signal, 4, 2, 2, 10)
		items, flat := decoded(t, signal, payload)
		limits := telemetry.Limits{MinTime: now - int64(30*time.Minute), MaxTime: now - int64(10*time.Minute)}
		a, err := admit(signal, payload, limits)
		require.NoError(t, err)
		require.Equal(t, items, a.Items+a.Refused())
		require.Positive(t, a.Items)
		require.Positive(t, a.Rejected[telemetry.TooOld])
		require.Positive(t, a.Rejected[telemetry.TooNew])
		require.Len(t, a.Parts, 1)
		n, got := decoded(t, signal, a.Parts[0].Payload)
		require.Equal(t, a.Items, n)
		require.Subset(t, flat, got)
		inside, err := telemetry.Check(signal, a.Parts[0].Payload, limits)
		require.NoError(t, err)
		require.Zero(t, inside.Refused(), "what is left is inside")

		limits = telemetry.Limits{MinTime: now + 1}
		a, err = admit(signal, payload, limits)
		require.NoError(t, err)
		require.Empty(t, a.Parts)
		require.Equal(t, items, a.Refused())
		require.Contains(t, a.Message(), "older than 2025-11-23T12:13:20.000000001Z")
	}
}

func TestSpansWithoutIDsAreLeftOut(t *testing.T) {
	t.Parallel()
	req := ptraceotlp.NewExportRequest()
	ss := req.Traces().ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for i := range 4 {
		s := ss.Spans().AppendEmpty()
		s.SetStartTimestamp(pcommon.Timestamp(now))
		if i != 1 {
			s.SetTraceID([16]byte{15: 1})
		}
		if i != 2 {
			s.SetSpanID([8]byte{7: 1})
		}
	}
	payload, err := req.MarshalProto()
	require.NoError(t, err)
	a, err := admit(telemetry.Traces, payload, window())
	require.NoError(t, err)
	require.Equal(t, 2, a.Items)
	require.Equal(t, "rejected 2 of 4 spans: 1 without a trace id; 1 without a span id", a.Message())

	// A link without ids may be all that is known of what it leads to: it costs its span nothing. One with half an id does.
	span := func(link ...[]byte) []byte {
		return message(2, message(1, bytes.Repeat([]byte{1}, 16)), message(2, bytes.Repeat([]byte{1}, 8)), message(13, link...))
	}
	for name, test := range map[string]struct {
		link []byte
		want int
	}{
		"empty":             {append(message(1), message(2)...), 1},
		"zeroes":            {append(message(1, make([]byte, 16)), message(2, make([]byte, 8))...), 1},
		"only trace state":  {message(3, []byte("vendor=1")), 1},
		"half a trace id":   {message(1, make([]byte, 8)), 0},
		"a span id of nine": {message(2, make([]byte, 9)), 0},
	} {
		linked, err := telemetry.Admit(telemetry.Traces, message(1, message(2, span(test.link))), telemetry.Limits{})
		require.NoError(t, err, name)
		require.Equal(t, test.want, linked.Items, name)
		require.Equal(t, 1-test.want, linked.Rejected[telemetry.BadID], name)
	}
}

func TestATimeBeyondStorageIsTooNew(t *testing.T) {
	t.Parallel()
	req := ptraceotlp.NewExportRequest()
	s := req.Traces().ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID([16]byte{1})
	s.SetSpanID([8]byte{1})
	s.SetStartTimestamp(math.MaxUint64)
	payload, err := req.MarshalProto()
	require.NoError(t, err)
	summary, err := telemetry.Check(telemetry.Traces, payload, telemetry.Limits{})
	require.NoError(t, err)
	require.Equal(t, 1, summary.Rejected[telemetry.TooNew])
}

func TestALogWithoutTimeTakesTheObservedOne(t *testing.T) {
	t.Parallel()
	req := plogotlp.NewExportRequest()
	sl := req.Logs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	sl.LogRecords().AppendEmpty().SetObservedTimestamp(pcommon.Timestamp(now))
	sl.LogRecords().AppendEmpty().SetObservedTimestamp(1)
	sl.LogRecords().AppendEmpty().Body().SetStr("no time at all")
	payload, err := req.MarshalProto()
	require.NoError(t, err)
	a, err := admit(telemetry.Logs, payload, window())
	require.NoError(t, err)
	require.Equal(t, 2, a.Items)
	require.Equal(t, 1, a.Rejected[telemetry.TooOld])
	require.Equal(t, 1, a.Untimed)

	got := plogotlp.NewExportRequest()
	require.NoError(t, got.UnmarshalProto(a.Parts[0].Payload))
	records := got.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	require.Equal(t, 2, records.Len())
	require.Equal(t, now, int64(records.At(0).ObservedTimestamp()))
	require.Equal(t, now, int64(records.At(1).ObservedTimestamp()))
	require.Equal(t, "no time at all", records.At(1).Body().Str())
	require.Zero(t, records.At(1).Timestamp())
}

func TestPartsKeepRoomForTheObservedTime(t *testing.T) {
	t.Parallel()
	req := plogotlp.NewExportRequest()
	for range 20 {
		sl := req.Logs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
		for i := range 100 {
			rec := sl.LogRecords().AppendEmpty()
			if i%3 > 0 {
				rec.Body().SetStr(strings.Repeat("x", i*2))
			}
		}
	}
	payload, err := req.MarshalProto()
	require.NoError(t, err)
	for _, bound := range []int{300, 1000, 4000, len(payload), len(payload) + 100} {
		a, err := admit(telemetry.Logs, payload, telemetry.Limits{MinTime: 1, MaxBytes: bound})
		require.NoError(t, err)
		require.Equal(t, 2000, a.Items)
		require.Equal(t, 2000, a.Untimed)
		items := 0
		for _, part := range a.Parts {
			require.LessOrEqual(t, len(part.Payload), bound)
			n, _ := decoded(t, telemetry.Logs, part.Payload)
			items += n
		}
		require.Equal(t, 2000, items)
	}
}

// What is made of a request is one part at a time, and takes what Copies tells, whatever share of it is admitted.
func TestPartsTakeWhatTheyHold(t *testing.T) { //nolint:paralleltest // it measures the heap
	const size = 16 << 20
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	empty := otlp.AppendBytes(nil, otlp.ScopeItemsItems, "")
	old := otlp.AppendBytes(nil, otlp.ScopeItemsItems, binary.LittleEndian.AppendUint64(otlp.AppendTag(nil, otlp.LogRecordTimeUnixNano), 1))
	for name, items := range map[string][]byte{"all": empty, "every second": slices.Concat(empty, old), "one": nil} {
		payload := bytes.Repeat(items, size/max(len(items), 1))
		if items == nil {
			payload = slices.Concat(empty, bytes.Repeat(old, size/len(old)))
		}
		for _, tag := range []otlp.Tag{otlp.ResourceItemsScopeItems, otlp.ExportResourceItems} {
			payload = otlp.AppendBytes(nil, tag, payload)
		}
		limits := window()
		limits.PartBytes, limits.MaxBytes = 1<<20, 8<<20
		before := heap()
		a, err := telemetry.Admit(telemetry.Logs, payload, limits)
		require.NoError(t, err)
		copies, items, total := a.Copies(), a.Items, 0
		n := 0
		for part := range a.Parts(now) {
			require.LessOrEqual(t, part.Size(), 2*len(part.Payload)+8<<10, name)
			total += len(part.Payload)
			items -= part.Items
			if n++; n%500 == 1 {
				require.LessOrEqual(t, heap()-before, int64(3<<20), name)
			}
		}
		require.Zero(t, items)
		require.LessOrEqual(t, total, copies+20*n, "%s: what is shared is repeated", name)
		runtime.KeepAlive(payload)
	}
}

func TestPartsOfALargeHeaderAreBounded(t *testing.T) {
	t.Parallel()
	const bound = 1 << 20
	for _, test := range []struct {
		name   string
		header int
		max    int
		cut    int
	}{
		{"larger than half a part", bound - 2000, bound, 1000},
		{"less than a third", bound*5/16 - 100, bound, 0},
		{"half of a part, not of what a single item may have", bound/2 + 100, 8 * bound, 0},
		{"larger than a part, not than a third of what a single item may have", 2 * bound, 8 * bound, 0},
	} {
		for name, fill := range map[string]func(r pcommon.Resource){
			"text": func(r pcommon.Resource) { r.Attributes().PutStr("large", strings.Repeat("x", test.header)) },
			"list": func(r pcommon.Resource) {
				list := r.Attributes().PutEmptySlice("large")
				for range test.header / 7 {
					list.AppendEmpty().SetStr("xyz") // 7 bytes
				}
			},
		} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				t.Parallel()
				payload := twoResources(t, fill)
				limits := window()
				limits.PartBytes, limits.MaxBytes = bound, test.max
				a, err := admit(telemetry.Traces, payload, limits)
				require.NoError(t, err)
				total := 0
				for _, part := range a.Parts {
					require.LessOrEqual(t, len(part.Payload), test.max)
					total += len(part.Payload)
				}
				require.LessOrEqual(t, total, 4*len(payload)+bound)
				require.Equal(t, 2000, a.Items)
				require.Equal(t, test.cut, a.Cut)
			})
		}
	}
	t.Run("of what cannot be cut", func(t *testing.T) {
		t.Parallel()
		payload := twoResources(t, func(r pcommon.Resource) { r.Attributes().PutStr(strings.Repeat("x", bound), "a key") })
		limits := window()
		limits.PartBytes, limits.MaxBytes = bound/2, bound
		a, err := admit(telemetry.Traces, payload, limits)
		require.NoError(t, err)
		require.Equal(t, 1000, a.Cut, "the attribute is removed, and counted")
		require.Equal(t, 2000, a.Items)
	})
	t.Run("of a name", func(t *testing.T) {
		t.Parallel()
		payload := twoResources(t, func(pcommon.Resource) {}, strings.Repeat("x", bound/2))
		limits := window()
		limits.PartBytes, limits.MaxBytes = bound/2, bound
		a, err := admit(telemetry.Traces, payload, limits)
		require.NoError(t, err)
		require.Equal(t, 1000, a.Rejected[telemetry.LargeHeader])
		require.Equal(t, 1000, a.Items, "neighbours stay")
		require.Contains(t, a.Message(), "rejected 1000 of 2000 spans: 1000 whose resource and scope take too much to be repeated with each part of the request "+
			"(the first: resource_spans[0].scope_spans[0].spans[0]: what the item shares with others has 5243")
		require.Contains(t, a.Message(), "bus.max_message_bytes")
	})
}

// twoResources is a request of two resources with 1,000 spans each; the first may be filled, and have a scope with a name.
func twoResources(t testing.TB, fill func(pcommon.Resource), scope ...string) []byte {
	t.Helper()
	req := ptraceotlp.NewExportRequest()
	for i := range 2 {
		rs := req.Traces().ResourceSpans().AppendEmpty()
		ss := rs.ScopeSpans().AppendEmpty()
		if i == 0 {
			fill(rs.Resource())
			ss.Scope().SetName(strings.Join(scope, ""))
		}
		for range 1000 {
			s := ss.Spans().AppendEmpty()
			s.SetTraceID([16]byte{1})
			s.SetSpanID([8]byte{1})
			s.SetStartTimestamp(pcommon.Timestamp(now))
			s.SetName(strings.Repeat("n", 1000))
		}
	}
	payload, err := req.MarshalProto()
	require.NoError(t, err)
	return payload
}

func TestABatchIsNamedByItsRequestAndItsItems(t *testing.T) {
	t.Parallel()
	id := telemetry.NewRequestID("a", telemetry.Logs, []byte("payload"))
	require.NotEqual(t, id, telemetry.NewRequestID("b", telemetry.Logs, []byte("payload")))
	require.NotEqual(t, id, telemetry.NewRequestID("a", telemetry.Traces, []byte("payload")))
	at := time.Unix(0, now)
	require.NotEqual(t, id.At(at, 1), id.At(at.Add(1), 1))
	require.NotEqual(t, id.At(at, 1), id.At(at, 2))
	require.NotEqual(t, id, id.At(at, 1))
	whole := telemetry.Batch{Request: id, Items: 10}
	part := telemetry.Batch{Request: id, Items: 10, Ordinals: telemetry.FirstOrdinals(10)}
	other := telemetry.Batch{Request: id, Items: 10, Ordinals: telemetry.Ordinals{{From: 0, To: 9}, {From: 11, To: 12}}}
	require.Equal(t, telemetry.BatchID(id), whole.ID())
	require.NotEqual(t, whole.ID(), part.ID())
	require.NotEqual(t, part.ID(), other.ID())
	require.Equal(t, part.Covers(), whole.Covers())
}

// What a part says of its items is true, whatever is left out and however it is cut, and Cut leaves just what it is told to.
func TestPartsSayWhichItemsTheyHold(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(signal), 3))
			for seed := range uint64(6) {
				payload := request(t, signal, seed, 1+int(seed%3), 2, 1+int(seed*5))
				total, all := decoded(t, signal, payload)
				for range 12 {
					limits := telemetry.Limits{MinTime: now - int64(random.IntN(int(time.Hour))), MaxBytes: 700 + random.IntN(len(payload)+2000)}
					a, err := admit(signal, payload, limits)
					require.NoError(t, err)
					var held telemetry.Ordinals
					for _, part := range a.Parts {
						covers := part.Ordinals
						if covers == nil {
							require.Equal(t, total, part.Items)
							covers = telemetry.FirstOrdinals(total)
						}
						require.Empty(t, held.Both(covers), "no item is in two parts")
						held = held.Union(covers)
						if a.Cut > 0 {
							continue // TestWhatIsCutIsExplained
						}
						_, flat := decoded(t, signal, part.Payload)
						require.Equal(t, those(all, covers), flat)
						var keep telemetry.Ordinals
						for range 3 {
							from := uint32(random.IntN(total))
							keep = keep.Union(telemetry.Ordinals{{From: from, To: from + 1 + uint32(random.IntN(5))}})
						}
						left := telemetry.Cut(signal, part.Payload, covers, keep)
						_, flat = decoded(t, signal, left)
						require.Equal(t, those(all, covers.Both(keep)), flat)
					}
					require.Equal(t, a.Items, held.Count())
				}
			}
		})
	}
}

// What is damaged has its place, too: a build that can read more of it must not take its neighbours for others.
func TestDamagedItemsHaveTheirOrdinals(t *testing.T) {
	t.Parallel()
	record := func(more ...[]byte) []byte {
		return message(2, append([][]byte{binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, uint64(now))}, more...)...)
	}
	broken := []byte{0x0a, 9}
	scope := func(items ...[]byte) []byte { return message(2, items...) }
	for _, test := range []struct {
		want    string
		payload []byte
	}{
		{"0,2", message(1, scope(record(), record(broken), record()))},
		{"0,3-4", message(1, scope(record()), scope(record(), record(), message(1, broken)), scope(record(), record()))},
		{"3", bytes.Join([][]byte{message(1, scope(record(), record()), scope(record()), message(1, broken)), message(1, scope(record()))}, nil)},
		{"0-1", message(1, scope(record(), record()), scope(message(1, broken)))},
	} {
		a, err := admit(telemetry.Logs, test.payload, window())
		require.NoError(t, err)
		require.Len(t, a.Parts, 1)
		require.Equal(t, test.want, a.Parts[0].Ordinals.String())
	}
}

// those are the items of the ordinals.
func those(all []string, o telemetry.Ordinals) []string {
	var out []string
	for _, r := range o {
		out = append(out, all[r.From:r.To]...)
	}
	return out
}

// A request of which every second item is left out has more holes than one message can tell of; and a large resource must not be repeated
// for a handful of items each time.
func TestManyHolesAreToldInManyParts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		resource int
		all      bool
	}{{10, true}, {100_000, false}} {
		req := plogotlp.NewExportRequest()
		rl := req.Logs().ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("large", strings.Repeat("x", test.resource))
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		for i := range 5000 {
			records.AppendEmpty().SetTimestamp(pcommon.Timestamp(now - int64(i%2)*int64(48*time.Hour)))
		}
		payload, err := req.MarshalProto()
		require.NoError(t, err)
		a, err := admit(telemetry.Logs, payload, window())
		require.NoError(t, err)
		require.Greater(t, len(a.Parts), 1)
		var held telemetry.Ordinals
		size := 0
		for _, part := range a.Parts {
			require.LessOrEqual(t, len(part.Ordinals.String()), 6<<10)
			held = held.Union(part.Ordinals)
			size += len(part.Payload)
		}
		require.Equal(t, a.Items, held.Count())
		require.LessOrEqual(t, size, 5*len(payload))
		require.Equal(t, test.all, a.Items == 2500)
		require.Equal(t, 5000, a.Items+a.Refused())
	}
}

// message is a protobuf field of the given number with a length-delimited content.
func message(number int, content ...[]byte) []byte {
	body := bytes.Join(content, nil)
	out := []byte{byte(number<<3 | 2)}
	n := len(body)
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(append(out, byte(n)), body...)
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	span := func(fields ...[]byte) []byte { return message(1, message(2, message(2, fields...))) }
	record := span
	point := func(fields ...[]byte) []byte {
		return message(1, message(2, message(2, message(9, message(1, fields...)))))
	}
	deep := []byte{0x10, 1}
	for range 70 {
		deep = message(5, message(1, deep))
	}
	cases := []struct {
		name   string
		signal telemetry.Signal
		bytes  []byte
		want   string
	}{
		{"trace id of 15 bytes", telemetry.Traces, span(message(1, make([]byte, 15))), "resource_spans[0].scope_spans[0].spans[0].trace_id: the id has 15 bytes, want 16 bytes"},
		{"span id of 1 byte", telemetry.Traces, span(message(2, []byte{1})), "spans[0].span_id: the id has 1 byte, want 8 bytes"},
		{"parent id", telemetry.Traces, span(message(4, make([]byte, 9))), "spans[0].parent_span_id: the id has 9 bytes"},
		{"link's trace id", telemetry.Traces, span(message(13, message(1, []byte{1}))), "spans[0].links[0].trace_id"},
		{"exemplar's trace id", telemetry.Metrics, point(message(8, message(5, []byte{1}))), "metrics[0].histogram.data_points[0].exemplars[0].trace_id"},
		{"no protobuf at all", telemetry.Traces, []byte("hello"), "request: "},
		{"JSON", telemetry.Traces, []byte(`{"resourceSpans":[]}`), "not a valid OTLP request"},
		{"wrong wire type", telemetry.Traces, span([]byte{7 << 3, 1}), "spans[0]: field 7 has the wrong wire type 0"},
		{"field number 0", telemetry.Traces, []byte{0x02, 0x00}, "a field number is out of range"},
		{"group", telemetry.Traces, []byte{0x0b}, "a wire type is unknown"},
		{"endless varint", telemetry.Traces, append([]byte{0x08}, bytes.Repeat([]byte{0xff}, 11)...), "a varint is longer than 64 bits"},
		{"nested too deep", telemetry.Logs, record(message(5, deep)), "values are nested too deep"},
		{"odd list", telemetry.Metrics, point(message(6, make([]byte, 9))), "bucket_counts: a packed list"},
		{"data of two kinds", telemetry.Metrics, message(1, message(2, message(2, message(5), message(7)))), "metrics[0]: a metric has data of one kind"},
		{"attribute", telemetry.Traces, span(message(9, message(1, []byte("k"))), message(9, message(2, []byte{0x21, 1}))), "spans[0].attributes[1].value: the data ends inside a field (byte 16)"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			summary, err := telemetry.Check(test.signal, test.bytes, window())
			if err == nil {
				err = summary.Damage()
				require.Zero(t, summary.Items)
				require.Equal(t, 1, summary.Refused())
				what, _, _ := strings.Cut(test.want, " (byte ")
				require.Contains(t, summary.Message(), what)
			}
			require.ErrorContains(t, err, test.want)
			require.Equal(t, fault.Invalid, fault.ClassOf(err))
			_, ok := errors.AsType[*telemetry.ViolationError](err)
			require.True(t, ok)
			a, err := admit(test.signal, test.bytes, window())
			require.True(t, err != nil || a.Refused() == 1 && len(a.Parts) == 0)
		})
	}
}

// TestDamageCostsItsItemOnly breaks one item, or one thing that items share, in a request of every shape, and finds all others again.
func TestDamageCostsItsItemOnly(t *testing.T) {
	t.Parallel()
	deep := []byte{0x10, 1}
	for range 65 {
		deep = message(5, message(1, deep))
	}
	tooDeep := message(2, deep) // the value of a KeyValue
	id := func(n int) []byte { return bytes.Repeat([]byte{7}, n) }
	at := binary.LittleEndian.AppendUint64(nil, uint64(now))
	span := func(more ...[]byte) []byte {
		return message(2, append([][]byte{message(1, id(16)), message(2, id(8)), append([]byte{7<<3 | 1}, at...)}, more...)...)
	}
	record := func(more ...[]byte) []byte {
		return message(2, append([][]byte{append([]byte{1<<3 | 1}, at...)}, more...)...)
	}
	point := func(more ...[]byte) []byte {
		return message(1, append([][]byte{append([]byte{3<<3 | 1}, at...)}, more...)...)
	}
	sum := func(points ...[]byte) []byte { return message(2, message(1, []byte("m")), message(7, points...)) }
	scope := func(items ...[]byte) []byte { return message(2, items...) }
	resource := func(scopes ...[]byte) []byte { return message(1, scopes...) }
	all := func(resources ...[]byte) []byte { return bytes.Join(resources, nil) }
	cases := []struct {
		name   string
		signal telemetry.Signal
		good   int
		bytes  []byte
		reason telemetry.Reason
		bad    int
		where  string
	}{
		{"trace id", telemetry.Traces, 2, all(resource(scope(span(), span(message(1, id(2))), span()))), telemetry.BadID, 1, "resource_spans[0].scope_spans[0].spans[1].trace_id: the id has 2 bytes"},
		{"parent", telemetry.Traces, 2, all(resource(scope(span(), span(message(4, id(7))), span()))), telemetry.BadID, 1, "spans[1].parent_span_id"},
		{"link", telemetry.Traces, 1, all(resource(scope(span())), resource(scope(span(message(13, message(2, id(9))))))), telemetry.BadID, 1, "resource_spans[1].scope_spans[0].spans[0].links[0].span_id"},
		{"two of them", telemetry.Traces, 1, all(resource(scope(span(message(2, id(1))), span(), span(message(4, id(1)))))), telemetry.BadID, 2, "spans[0].span_id"},
		{"deep attribute", telemetry.Traces, 2, all(resource(scope(span(), span(message(9, tooDeep)), span()))), telemetry.TooDeep, 1, "spans[1].attributes[0].value"},
		{"deep event", telemetry.Traces, 1, all(resource(scope(span(message(11, message(3, tooDeep))), span()))), telemetry.TooDeep, 1, "spans[0].events[0]"},
		{"deep body", telemetry.Logs, 2, all(resource(scope(record(), record(message(5, deep)), record()))), telemetry.TooDeep, 1, "log_records[1].body"},
		{"broken record", telemetry.Logs, 2, all(resource(scope(record(), record([]byte{0x0a, 9}), record()))), telemetry.Malformed, 1, "log_records[1]: the data ends inside a field"},
		{"wire type", telemetry.Logs, 1, all(resource(scope(record([]byte{1 << 3, 1}), record()))), telemetry.Malformed, 1, "field 1 has the wrong wire type 0"},
		{"point", telemetry.Metrics, 2, all(resource(scope(sum(point(), point(message(7, tooDeep))), sum(point())))), telemetry.TooDeep, 1, "metrics[0].sum.data_points[1].attributes[0]"},
		{"exemplar", telemetry.Metrics, 1, all(resource(scope(sum(point(message(5, message(5, id(3))))), sum(point())))), telemetry.BadID, 1, "data_points[0].exemplars[0].trace_id"},
		{"metadata", telemetry.Metrics, 1, all(resource(scope(message(2, message(12, tooDeep), message(7, point(), point())), sum(point())))), telemetry.TooDeep, 2, "metrics[0].metadata[0]"},
		{"two kinds", telemetry.Metrics, 1, all(resource(scope(message(2, message(5, point()), message(7, point(), point())), sum(point())))), telemetry.Malformed, 3, "a metric has data of one kind"},
		{"broken metric", telemetry.Metrics, 1, all(resource(scope(message(2, message(7, point()), []byte{0x0a, 9}), sum(point())))), telemetry.Malformed, 1, "metrics[0]: the data ends"},
		{"unreadable metric", telemetry.Metrics, 1, all(resource(scope(message(2, []byte{0x0a, 9}), sum(point())))), telemetry.Malformed, 1, "metrics[0]: the data ends"},
		{"resource", telemetry.Traces, 1, all(resource(message(1, message(1, tooDeep)), scope(span(), span()), scope(span())), resource(scope(span()))), telemetry.TooDeep, 3, "resource_spans[0].resource.attributes[0]"},
		{"resource behind", telemetry.Logs, 1, all(resource(scope(record(), record()), message(1, []byte{0x0a, 9})), resource(scope(record()))), telemetry.Malformed, 2, "resource_logs[0].resource"},
		{"scope", telemetry.Traces, 2, all(resource(scope(span()), scope(span(), message(1, message(3, tooDeep))), scope(span()))), telemetry.TooDeep, 1, "scope_spans[1].scope.attributes[0]"},
		{"scope of nothing", telemetry.Traces, 1, all(resource(scope(span()), scope(message(1, message(3, tooDeep))))), telemetry.TooDeep, 0, "scope_spans[1].scope.attributes[0]"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := telemetry.Check(test.signal, test.bytes, window())
			require.NoError(t, err)
			require.Equal(t, test.good, s.Items)
			require.Equal(t, test.bad, s.Rejected[test.reason])
			require.Equal(t, test.bad, s.Refused())
			require.ErrorContains(t, s.Damage(), test.where)
			if test.bad > 0 {
				require.Contains(t, s.Message(), test.where)
			}
			for _, limits := range []telemetry.Limits{window(), {MaxBytes: 160}} {
				a, err := admit(test.signal, test.bytes, limits)
				require.NoError(t, err)
				require.Equal(t, test.good, a.Items)
				stored := 0
				for _, part := range a.Parts {
					n, err := segment.NewTable("t", test.signal).Append(part.Payload, 1)
					require.NoError(t, err, "admitted, but the writer refuses it")
					require.Equal(t, part.Items, n)
					stored += n
				}
				require.Equal(t, test.good, stored)
			}
		})
	}
}

func TestUnknownFieldsPassAndStay(t *testing.T) {
	t.Parallel()
	unknown := message(14, []byte("from the future"))
	span := message(2, message(1, bytes.Repeat([]byte{1}, 16)), message(2, bytes.Repeat([]byte{1}, 8)), []byte{0xa2, 0x06, 60}, bytes.Repeat([]byte{0x41}, 60))
	payload := message(1, unknown, message(2, unknown, span, span), unknown)
	limits := telemetry.Limits{MaxBytes: 200}
	a, err := admit(telemetry.Traces, payload, limits)
	require.NoError(t, err)
	require.Equal(t, 2, a.Items)
	require.Len(t, a.Parts, 2)
	for _, part := range a.Parts {
		require.Equal(t, 3, bytes.Count(part.Payload, []byte("from the future")))
		require.True(t, bytes.Contains(part.Payload, []byte{0xa2, 0x06, 60, 0x41}))
	}
}

func TestCheckDoesNotAllocate(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	for _, signal := range telemetry.Signals() {
		payload := request(t, signal, 5, 2, 2, 5)
		limits := window()
		require.Zero(t, testing.AllocsPerRun(20, func() {
			if _, err := telemetry.Check(signal, payload, limits); err != nil {
				panic(err)
			}
		}), signal)
	}
}

// Of what cannot be taken there may be millions in one request: each costs a look, and only the first a text that says where it stands.
func TestWhatIsLeftOutCostsNothingEach(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	const bound = 64 << 10
	large := bytes.Repeat([]byte{'x'}, bound/2)
	span := message(2, message(1, bytes.Repeat([]byte{1}, 16)), message(2, bytes.Repeat([]byte{1}, 8)), message(5, []byte("a name")))
	damaged := message(2, message(1, []byte("a short id")))
	for name, payload := range map[string]func(n int) []byte{
		"spans under a scope with a large name": func(n int) []byte {
			return message(1, message(2, message(1, message(1, large)), bytes.Repeat(span, n)))
		},
		"empty scopes of a resource with a large schema": func(n int) []byte {
			return message(1, message(2, span), message(3, large), bytes.Repeat(message(2), n))
		},
		"spans beside a damaged one":         func(n int) []byte { return message(1, message(2, damaged, bytes.Repeat(span, n))) },
		"empty scopes beside a damaged span": func(n int) []byte { return message(1, message(2, damaged), bytes.Repeat(message(2), n)) },
	} {
		allocations := func(n int) float64 {
			b := payload(n)
			return testing.AllocsPerRun(3, func() {
				if _, err := admit(telemetry.Traces, b, telemetry.Limits{MaxBytes: bound}); err != nil {
					panic(err)
				}
			})
		}
		require.Less(t, allocations(20_000), allocations(2000)+100, name)
	}
}

var idLength = regexp.MustCompile(`invalid length for (Trace|Span)ID|invalid (Trace|Span)ID length`)

// FuzzAdmit: what Check lets through, pdata and the writer decode, with as many items; parts hold all admitted items, in order.
func FuzzAdmit(f *testing.F) {
	for _, signal := range telemetry.Signals() {
		f.Add(uint8(signal), request(f, signal, 6, 1, 1, 2), 700)
		f.Add(uint8(signal), request(f, signal, 7, 2, 1, 1), 0)
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte, bound int) {
		signal := telemetry.Signals()[int(which)%3]
		limits := telemetry.Limits{MaxBytes: max(bound, 0)}
		a, err := admit(signal, payload, limits)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.ClassOf(err))
			return
		}
		items, flat, err := decode(signal, payload)
		// A log record whose ids are none is kept without them (OTLP, logs.proto), and pdata refuses the whole request for it.
		lenient := err != nil && signal == telemetry.Logs && idLength.MatchString(err.Error())
		if a.Damage() == nil && !lenient {
			require.NoError(t, err, "admitted, but pdata refuses it")
			require.Equal(t, items, a.Items+a.Refused())
		}
		var got []string
		n := 0
		for _, part := range a.Parts {
			require.Positive(t, part.Items)
			k, f, err := decode(signal, part.Payload)
			if lenient && err != nil {
				k = part.Items // the writer counts them below
			} else {
				require.NoError(t, err)
				require.Equal(t, part.Items, k)
			}
			appended, err := segment.NewTable("t", signal).Append(part.Payload, 1)
			require.NoError(t, err, "admitted, but the writer refuses it")
			require.Equal(t, part.Items, appended)
			if limits.MaxBytes > 0 {
				require.LessOrEqual(t, len(part.Payload), limits.MaxBytes)
			}
			n += k
			got = append(got, f...)
		}
		require.Equal(t, a.Items, n)
		if a.Refused() == 0 && a.Damage() == nil && a.Cut == 0 && !lenient {
			require.Equal(t, flat, got)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	for _, signal := range telemetry.Signals() {
		payload := request(b, signal, 8, 1, 1, 1000)
		s, err := telemetry.Check(signal, payload, window())
		require.NoError(b, err)
		b.Run(signal.String(), func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := telemetry.Check(signal, payload, window()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.Items), "ns/item")
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	payload := request(b, telemetry.Traces, 8, 4, 2, 1000)
	limits := window()
	limits.MaxBytes = 1 << 20
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := admit(telemetry.Traces, payload, limits); err != nil {
			b.Fatal(err)
		}
	}
}
