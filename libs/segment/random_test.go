package segment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// baseTime lies in the middle of an hour, so that random items fall on both sides of its end.
const baseTime = int64(1_763_900_000_000_000_000)

// random makes OTLP data with every field and every type, from a seed.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 17))} }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func (r random) text() string {
	switch r.IntN(12) {
	case 0:
		return ""
	case 1:
		return "zero \x00 byte"
	case 2:
		return "invalid \xff\xfe utf-8"
	case 3:
		return "Grüße, 世界 🙂"
	case 4:
		return fmt.Sprintf("%x", r.Uint64())
	case 5:
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.Uint32()&0xffff, r.Uint32()&0xfff, r.Uint32()&0xfff, r.Uint64()&(1<<48-1))
	case 6:
		return fmt.Sprint(r.Uint32())
	case 7:
		return fmt.Sprintf("/api/orders/%06d", r.IntN(1000))
	case 8:
		return fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256))
	case 9:
		return string(make([]byte, r.IntN(300)))
	}
	return []string{"GET", "POST", "checkout", "User logged in", "a", "B"}[r.IntN(6)]
}

func (r random) int64() int64 {
	switch r.IntN(8) {
	case 0:
		return math.MaxInt64
	case 1:
		return math.MinInt64
	case 2:
		return 1<<53 + 1
	case 3:
		return int64(r.Uint64())
	case 4:
		return -int64(r.IntN(100))
	}
	return int64(r.IntN(600))
}

func (r random) float() float64 {
	switch r.IntN(10) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1 - 2*r.IntN(2))
	case 2:
		return math.Copysign(0, -1)
	case 3:
		return math.SmallestNonzeroFloat64
	case 4:
		return math.MaxFloat64
	case 5:
		return float64(r.IntN(1000)) / 100
	case 6:
		return math.Float64frombits(r.Uint64())
	}
	return float64(r.IntN(10))
}

func (r random) time() pcommon.Timestamp {
	switch r.IntN(12) {
	case 0:
		return 0
	case 1:
		return pcommon.Timestamp(r.Uint64())
	case 2:
		return pcommon.Timestamp(baseTime / 1e9 * 1e9)
	case 3:
		return pcommon.Timestamp(baseTime + int64(r.IntN(1e6))*1e6)
	}
	return pcommon.Timestamp(baseTime + r.Int64N(2e12))
}

func (r random) count() uint32 {
	if r.chance(80) {
		return 0
	}
	return r.Uint32() >> r.IntN(32)
}

func (r random) value(v pcommon.Value, depth int) {
	kind := r.IntN(8)
	if depth > 3 && kind >= 6 {
		kind = 1
	}
	switch kind {
	case 0: // empty
	case 1:
		v.SetStr(r.text())
	case 2:
		v.SetBool(r.chance(50))
	case 3:
		v.SetInt(r.int64())
	case 4:
		v.SetDouble(r.float())
	case 5:
		v.SetEmptyBytes().FromRaw([]byte(r.text()))
	case 6:
		s := v.SetEmptySlice()
		for range r.IntN(4) {
			r.value(s.AppendEmpty(), depth+1)
		}
	case 7:
		m := v.SetEmptyMap()
		for range r.IntN(4) {
			r.value(m.PutEmpty(r.text()), depth+1)
		}
	}
}

var keys = []string{"http.method", "http.status_code", "http.route", "user.id", "", "db.system", "net.peer.ip", "enabled", "ratio", "list", "map"}

// attributes fills a map; duplicate keys, which pdata's API does not make, are added by duplicate.
func (r random) attributes(m pcommon.Map) {
	for range r.IntN(6) {
		k := keys[r.IntN(len(keys))]
		if r.chance(5) {
			k = r.text()
		}
		v := m.PutEmpty(k)
		switch {
		case r.chance(30):
			r.value(v, 0)
		case r.chance(50):
			v.SetStr(r.text())
		case r.chance(40):
			v.SetInt(int64(r.IntN(5)))
		default:
			v.SetInt(r.int64())
		}
	}
}

func (r random) traceID() (id pcommon.TraceID) {
	if r.chance(90) {
		id[0], id[15] = 1, byte(r.IntN(6))
	}
	return id
}

func (r random) spanID() (id pcommon.SpanID) {
	if r.chance(90) {
		id[0], id[7] = 2, byte(r.IntN(40))
	}
	return id
}

func (r random) resource(res pcommon.Resource) {
	r.attributes(res.Attributes())
	if r.chance(80) {
		res.Attributes().PutStr("service.name", []string{"cart", "checkout", ""}[r.IntN(3)])
	}
	if r.chance(20) {
		res.Attributes().PutStr("service.namespace", "shop")
	}
	res.SetDroppedAttributesCount(r.count())
	if r.chance(20) {
		e := entity.ResourceEntityRefs(res).AppendEmpty()
		e.SetType("service")
		e.SetSchemaUrl(r.text())
		e.IdKeys().Append("service.name", r.text())
		e.DescriptionKeys().Append(r.text())
	}
}

func (r random) url() string {
	if r.chance(50) {
		return ""
	}
	return "https://opentelemetry.io/schemas/1." + fmt.Sprint(r.IntN(3))
}

func (r random) scope(s pcommon.InstrumentationScope) {
	if r.chance(20) {
		return
	}
	s.SetName(r.text())
	s.SetVersion(r.text())
	s.SetDroppedAttributesCount(r.count())
	if r.chance(30) {
		r.attributes(s.Attributes())
	}
}

func (r random) traces(items int) ptrace.Traces {
	d := ptrace.NewTraces()
	for items > 0 {
		rs := d.ResourceSpans().AppendEmpty()
		r.resource(rs.Resource())
		rs.SetSchemaUrl(r.url())
		for range r.IntN(3) {
			ss := rs.ScopeSpans().AppendEmpty()
			r.scope(ss.Scope())
			ss.SetSchemaUrl(r.url())
			for range r.IntN(items + 1) {
				items--
				r.span(ss.Spans().AppendEmpty())
			}
		}
		if r.chance(10) {
			break
		}
	}
	return d
}

func (r random) span(s ptrace.Span) {
	s.SetTraceID(r.traceID())
	s.SetSpanID(r.spanID())
	if r.chance(70) {
		s.SetParentSpanID(r.spanID())
	}
	if r.chance(10) {
		s.TraceState().FromRaw(r.text())
	}
	s.SetName(r.text())
	s.SetKind(ptrace.SpanKind(r.IntN(7)))
	if r.chance(3) {
		s.SetKind(ptrace.SpanKind(r.int64()))
	}
	s.SetStartTimestamp(r.time())
	s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(r.Int64N(1e9)))
	if r.chance(5) {
		s.SetEndTimestamp(r.time())
	}
	r.attributes(s.Attributes())
	s.SetDroppedAttributesCount(r.count())
	s.SetDroppedEventsCount(r.count())
	s.SetDroppedLinksCount(r.count())
	if r.chance(30) {
		s.Status().SetCode(ptrace.StatusCode(r.IntN(3)))
	}
	if r.chance(20) {
		s.Status().SetMessage(r.text())
	}
	s.SetFlags(r.count())
	if r.chance(25) {
		for range r.IntN(4) {
			e := s.Events().AppendEmpty()
			e.SetName(r.text())
			e.SetTimestamp(r.time())
			r.attributes(e.Attributes())
			e.SetDroppedAttributesCount(r.count())
		}
	}
	if r.chance(25) {
		for range r.IntN(4) {
			l := s.Links().AppendEmpty()
			l.SetTraceID(r.traceID())
			l.SetSpanID(r.spanID())
			l.TraceState().FromRaw(r.text())
			r.attributes(l.Attributes())
			l.SetDroppedAttributesCount(r.count())
			l.SetFlags(r.count())
		}
	}
}

func (r random) logs(items int) plog.Logs {
	d := plog.NewLogs()
	for items > 0 {
		rl := d.ResourceLogs().AppendEmpty()
		r.resource(rl.Resource())
		rl.SetSchemaUrl(r.url())
		for range r.IntN(3) {
			sl := rl.ScopeLogs().AppendEmpty()
			r.scope(sl.Scope())
			sl.SetSchemaUrl(r.url())
			for range r.IntN(items + 1) {
				items--
				l := sl.LogRecords().AppendEmpty()
				l.SetTimestamp(r.time())
				l.SetObservedTimestamp(r.time())
				l.SetSeverityNumber(plog.SeverityNumber(r.IntN(25)))
				l.SetSeverityText(r.text())
				if r.IntN(4) == 0 {
					l.SetSeverityNumber(0)
					l.SetSeverityText([]string{"error", "Warning", "I", "FATAL3", "loud"}[r.IntN(5)])
				}
				l.SetEventName(r.text())
				r.value(l.Body(), 0)
				r.attributes(l.Attributes())
				l.SetDroppedAttributesCount(r.count())
				l.SetFlags(plog.LogRecordFlags(r.count()))
				l.SetTraceID(r.traceID())
				l.SetSpanID(r.spanID())
			}
		}
		if r.chance(10) {
			break
		}
	}
	return d
}

func (r random) exemplars(s pmetric.ExemplarSlice) {
	if r.chance(60) {
		return
	}
	for range r.IntN(3) {
		e := s.AppendEmpty()
		e.SetTimestamp(r.time())
		e.SetTraceID(r.traceID())
		e.SetSpanID(r.spanID())
		switch r.IntN(3) {
		case 0:
			e.SetIntValue(r.int64())
		case 1:
			e.SetDoubleValue(r.float())
		}
		r.attributes(e.FilteredAttributes())
	}
}

func (r random) number(p pmetric.NumberDataPoint) {
	p.SetStartTimestamp(r.time())
	p.SetTimestamp(r.time())
	switch r.IntN(5) {
	case 0, 1:
		p.SetIntValue(r.int64())
	case 2, 3:
		p.SetDoubleValue(r.float())
	}
	r.attributes(p.Attributes())
	p.SetFlags(pmetric.DataPointFlags(r.count()))
	r.exemplars(p.Exemplars())
}

func (r random) counts() []uint64 {
	c := make([]uint64, r.IntN(6))
	for i := range c {
		c[i] = r.Uint64() >> r.IntN(64)
	}
	return c
}

func (r random) metric(m pmetric.Metric) int {
	m.SetName(r.text())
	m.SetDescription(r.text())
	m.SetUnit(r.text())
	if r.chance(20) {
		r.attributes(m.Metadata())
	}
	n := r.IntN(5)
	switch r.IntN(6) {
	case 0:
		for range n {
			r.number(m.SetEmptyGauge().DataPoints().AppendEmpty())
		}
	case 1:
		s := m.SetEmptySum()
		s.SetIsMonotonic(r.chance(50))
		s.SetAggregationTemporality(pmetric.AggregationTemporality(r.IntN(3)))
		for range n {
			r.number(s.DataPoints().AppendEmpty())
		}
	case 2:
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporality(r.IntN(3)))
		for range n {
			p := h.DataPoints().AppendEmpty()
			p.SetStartTimestamp(r.time())
			p.SetTimestamp(r.time())
			p.SetCount(r.Uint64() >> r.IntN(64))
			if r.chance(70) {
				p.SetSum(r.float())
			}
			if r.chance(50) {
				p.SetMin(r.float())
				p.SetMax(r.float())
			}
			p.BucketCounts().FromRaw(r.counts())
			for range r.IntN(4) {
				p.ExplicitBounds().Append(r.float())
			}
			r.attributes(p.Attributes())
			p.SetFlags(pmetric.DataPointFlags(r.count()))
			r.exemplars(p.Exemplars())
		}
	case 3:
		h := m.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporality(r.IntN(3)))
		for range n {
			p := h.DataPoints().AppendEmpty()
			p.SetStartTimestamp(r.time())
			p.SetTimestamp(r.time())
			p.SetCount(r.Uint64() >> r.IntN(64))
			if r.chance(70) {
				p.SetSum(r.float())
			}
			if r.chance(50) {
				p.SetMin(r.float())
				p.SetMax(r.float())
			}
			p.SetScale(int32(r.Uint32()))
			p.SetZeroCount(r.Uint64())
			p.SetZeroThreshold(r.float())
			if r.chance(60) {
				p.Positive().SetOffset(int32(r.Uint32()))
				p.Positive().BucketCounts().FromRaw(r.counts())
			}
			if r.chance(60) {
				p.Negative().SetOffset(int32(r.Uint32()))
				p.Negative().BucketCounts().FromRaw(r.counts())
			}
			r.attributes(p.Attributes())
			p.SetFlags(pmetric.DataPointFlags(r.count()))
			r.exemplars(p.Exemplars())
		}
	case 4:
		s := m.SetEmptySummary()
		for range n {
			p := s.DataPoints().AppendEmpty()
			p.SetStartTimestamp(r.time())
			p.SetTimestamp(r.time())
			p.SetCount(r.Uint64() >> r.IntN(64))
			p.SetSum(r.float())
			for range r.IntN(4) {
				q := p.QuantileValues().AppendEmpty()
				q.SetQuantile(r.float())
				q.SetValue(r.float())
			}
			r.attributes(p.Attributes())
			p.SetFlags(pmetric.DataPointFlags(r.count()))
		}
	case 5: // no data at all
		return 0
	}
	return n
}

func (r random) metrics(items int) pmetric.Metrics {
	d := pmetric.NewMetrics()
	for items > 0 {
		rm := d.ResourceMetrics().AppendEmpty()
		r.resource(rm.Resource())
		rm.SetSchemaUrl(r.url())
		for range r.IntN(3) {
			sm := rm.ScopeMetrics().AppendEmpty()
			r.scope(sm.Scope())
			sm.SetSchemaUrl(r.url())
			for range r.IntN(items + 1) {
				items -= 1 + r.metric(sm.Metrics().AppendEmpty())
			}
			items = max(items, 0)
		}
		if r.chance(10) {
			break
		}
	}
	return d
}

// payload makes a request of a signal.
func (r random) payload(t testing.TB, signal telemetry.Signal, items int) []byte {
	t.Helper()
	var b []byte
	var err error
	switch signal {
	case telemetry.Traces:
		b, err = ptraceotlp.NewExportRequestFromTraces(r.traces(items)).MarshalProto()
	case telemetry.Logs:
		b, err = plogotlp.NewExportRequestFromLogs(r.logs(items)).MarshalProto()
	case telemetry.Metrics:
		b, err = pmetricotlp.NewExportRequestFromMetrics(r.metrics(items)).MarshalProto()
	}
	require.NoError(t, err)
	return b
}

// flatten turns a request into one string per item: the protobuf of a request that holds only it. Two requests are the same exactly if
// these are, in any order. ok is false where pdata refuses the bytes.
func flatten(t testing.TB, signal telemetry.Signal, payload []byte) (items []string, ok bool) {
	t.Helper()
	switch signal {
	case telemetry.Traces:
		req := ptraceotlp.NewExportRequest()
		if req.UnmarshalProto(payload) != nil {
			return nil, false
		}
		for _, rs := range req.Traces().ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					one := ptrace.NewTraces()
					r := one.ResourceSpans().AppendEmpty()
					rs.Resource().CopyTo(r.Resource())
					r.SetSchemaUrl(rs.SchemaUrl())
					c := r.ScopeSpans().AppendEmpty()
					ss.Scope().CopyTo(c.Scope())
					c.SetSchemaUrl(ss.SchemaUrl())
					s.CopyTo(c.Spans().AppendEmpty())
					b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(one)
					require.NoError(t, err)
					items = append(items, string(b))
				}
			}
		}
	case telemetry.Logs:
		req := plogotlp.NewExportRequest()
		if req.UnmarshalProto(payload) != nil {
			return nil, false
		}
		for _, rs := range req.Logs().ResourceLogs().All() {
			for _, ss := range rs.ScopeLogs().All() {
				for _, s := range ss.LogRecords().All() {
					one := plog.NewLogs()
					r := one.ResourceLogs().AppendEmpty()
					rs.Resource().CopyTo(r.Resource())
					r.SetSchemaUrl(rs.SchemaUrl())
					c := r.ScopeLogs().AppendEmpty()
					ss.Scope().CopyTo(c.Scope())
					c.SetSchemaUrl(ss.SchemaUrl())
					s.CopyTo(c.LogRecords().AppendEmpty())
					b, err := (&plog.ProtoMarshaler{}).MarshalLogs(one)
					require.NoError(t, err)
					items = append(items, string(b))
				}
			}
		}
	case telemetry.Metrics:
		req := pmetricotlp.NewExportRequest()
		if req.UnmarshalProto(payload) != nil {
			return nil, false
		}
		for _, rs := range req.Metrics().ResourceMetrics().All() {
			for _, ss := range rs.ScopeMetrics().All() {
				for _, m := range ss.Metrics().All() {
					for i := range points(m) {
						one := pmetric.NewMetrics()
						r := one.ResourceMetrics().AppendEmpty()
						rs.Resource().CopyTo(r.Resource())
						r.SetSchemaUrl(rs.SchemaUrl())
						c := r.ScopeMetrics().AppendEmpty()
						ss.Scope().CopyTo(c.Scope())
						c.SetSchemaUrl(ss.SchemaUrl())
						onePoint(m, i, c.Metrics().AppendEmpty())
						b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(one)
						require.NoError(t, err)
						items = append(items, string(b))
					}
				}
			}
		}
	}
	slices.Sort(items)
	return items, true
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
	}
	return 0
}

func onePoint(m pmetric.Metric, i int, to pmetric.Metric) {
	n := -1
	drop := func() bool { n++; return n != i }
	m.CopyTo(to)
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		to.Gauge().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return drop() })
	case pmetric.MetricTypeSum:
		to.Sum().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return drop() })
	case pmetric.MetricTypeHistogram:
		to.Histogram().DataPoints().RemoveIf(func(pmetric.HistogramDataPoint) bool { return drop() })
	case pmetric.MetricTypeExponentialHistogram:
		to.ExponentialHistogram().DataPoints().RemoveIf(func(pmetric.ExponentialHistogramDataPoint) bool { return drop() })
	case pmetric.MetricTypeSummary:
		to.Summary().DataPoints().RemoveIf(func(pmetric.SummaryDataPoint) bool { return drop() })
	}
}
