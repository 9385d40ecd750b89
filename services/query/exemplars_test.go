package query

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// tracedValue is an exemplar as a test sends it.
type tracedValue struct {
	trace, span byte
	at          time.Duration // after base
	value       float64
}

func (o *tracedValue) in(list pmetric.ExemplarSlice) {
	e := list.AppendEmpty()
	e.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(o.at)))
	e.SetDoubleValue(o.value)
	if o.trace != 0 {
		e.SetTraceID(pcommon.TraceID{15: o.trace})
		e.SetSpanID(pcommon.SpanID{7: o.span})
	}
	e.FilteredAttributes().PutStr("user", fmt.Sprint(o.span))
}

// histogramPoint is a point of a histogram of a service's route, with exemplars.
func histogramPoint(md pmetric.Metrics, service, route string, at time.Duration, of ...tracedValue) {
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", service)
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("http.server.duration")
	m.SetUnit("s")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(at)))
	p.SetCount(uint64(len(of)))
	p.Attributes().PutStr("route", route)
	for i := range of {
		of[i].in(p.Exemplars())
	}
}

// plainAttributes are attributes whose values are strings, as one text.
func plainAttributes(list api.Attributes) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Key+"="+a.Value.String)
	}
	return strings.Join(out, " ")
}

func exemplarsPath(trace byte) string {
	id := pcommon.TraceID{15: trace}
	return "/api/traces/" + hex.EncodeToString(id[:]) + "/exemplars"
}

// TestExemplarsOfATrace: what points kept of its spans, whatever segments these are in, each once.
func TestExemplarsOfATrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	s.span(7, "cart", "GET", ptrace.SpanKindServer, none(), lasting(2*time.Second))
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 10)

	first := pmetric.NewMetrics() // settled
	histogramPoint(first, "cart", "/a", 30*time.Second, tracedValue{7, 1, time.Second, 0.25}, tracedValue{8, 1, time.Second, 1}, tracedValue{at: time.Second, value: 2})
	sum := first.ResourceMetrics().AppendEmpty()
	sum.Resource().Attributes().PutStr("service.name", "pay")
	m := sum.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("payments")
	p := m.SetEmptySum().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Minute)))
	e := p.Exemplars().AppendEmpty()
	e.SetTraceID(pcommon.TraceID{15: 7})
	e.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(500 * time.Millisecond)))
	e.SetIntValue(42)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(first), 10)

	second := pmetric.NewMetrics() // of level 0: one is sent again, and one is new
	histogramPoint(second, "cart", "/a", 60*time.Second, tracedValue{7, 1, time.Second, 0.25}, tracedValue{7, 2, 40 * time.Second, 0.5})
	histogramPoint(second, "cart", "/b", 60*time.Second, tracedValue{7, 1, time.Second, 0.25})
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(second), 10)
	late := pmetric.NewMetrics()
	histogramPoint(late, "cart", "/a", 20*time.Minute, tracedValue{7, 3, 20 * time.Minute, 4})
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(late), 10)

	var out api.TraceExemplars
	f.get(exemplarsPath(7), &out)
	require.Nil(t, out.Incomplete)
	told := func() (list []string) {
		for _, e := range out.Exemplars {
			number := e.AsInt
			if e.AsDouble != nil {
				number = fmt.Sprint(float64(*e.AsDouble))
			}
			at := func(n api.Nanos) time.Duration {
				return time.Duration(must(strconv.ParseInt(n, 10, 64)) - base().UnixNano())
			}
			list = append(list, fmt.Sprintf("%s %s %s %s %v %s of %v", at(e.TimeUnixNano), e.Metric.Name, e.ServiceName, number, e.SpanID, plainAttributes(e.Attributes), at(e.PointTimeUnixNano)))
		}
		return list
	}
	require.ElementsMatch(t, []string{
		"500ms payments pay 42   of 1m0s",
		"1s http.server.duration cart 0.25 0000000000000001 route=/a of 30s",
		"1s http.server.duration cart 0.25 0000000000000001 route=/b of 1m0s",
		"40s http.server.duration cart 0.5 0000000000000002 route=/a of 1m0s",
	}, told())
	require.True(t, slices.IsSortedFunc(out.Exemplars, func(a, b api.TraceExemplar) int { return cmp.Compare(a.TimeUnixNano, b.TimeUnixNano) }))
	require.Equal(t, "s", out.Exemplars[1].Metric.Unit)
	require.Equal(t, "user=1", plainAttributes(out.Exemplars[1].FilteredAttributes))

	f.get(exemplarsPath(7)+"?limit=2", &out)
	require.Len(t, out.Exemplars, 2)
	require.Equal(t, "40s http.server.duration cart 0.5 0000000000000002 route=/a of 1m0s", told()[1], "the newest")
	require.Equal(t, api.IncompleteReasonLimit, out.Incomplete.Reason)
	f.get(exemplarsPath(7)+hour(), &out)
	require.Len(t, out.Exemplars, 5, "with that of a point that is later than the trace")
	f.get(exemplarsPath(8)+hour(), &out)
	require.Equal(t, []string{"1s http.server.duration cart 1 0000000000000001 route=/a of 30s"}, told(), "of a trace that is not there, where a range is given")
	f.get(exemplarsPath(9)+hour(), &out)
	require.Empty(t, out.Exemplars)
	require.Equal(t, 3, out.Stats.SegmentsPruned, "by the traces of their exemplars")
	require.Equal(t, "not_found", f.problem(http.StatusNotFound, http.MethodGet, exemplarsPath(8), "").Code)
	f.get(exemplarsPath(7)+hour(), &out, "X-Scope-OrgID", "other")
	require.Empty(t, out.Exemplars)

	small := f.with(func(c *Config) { c.MaxPageBytes = 1 << 10 })
	small.get(exemplarsPath(7), &out)
	require.NotEmpty(t, out.Exemplars)
	require.Less(t, len(out.Exemplars), 4)
	require.Contains(t, out.Incomplete.Message, "max_page_bytes")
}

// TestExemplarsAreThoseOfAllPoints: what is told of each trace is what all points have of it, once.
func TestExemplarsAreThoseOfAllPoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := newDice(3)
	naive := map[byte]map[string]bool{}
	for range 4 { // two of them settled, two of level 0
		md := pmetric.NewMetrics()
		for range 60 {
			service, route := fmt.Sprintf("service %d", d.IntN(3)), fmt.Sprintf("/%d", d.IntN(4))
			var of []tracedValue
			for range d.IntN(4) {
				of = append(of, tracedValue{byte(d.IntN(4)), byte(d.IntN(3)), time.Duration(d.IntN(20)) * time.Second, float64(d.IntN(3))})
			}
			for _, o := range of {
				if o.trace != 0 {
					if naive[o.trace] == nil {
						naive[o.trace] = map[string]bool{}
					}
					naive[o.trace][fmt.Sprint(service, route, o)] = true
				}
			}
			histogramPoint(md, service, route, time.Duration(d.IntN(60))*time.Second, of...)
		}
		f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 25)
	}
	for trace, want := range naive {
		var out api.TraceExemplars
		f.get(exemplarsPath(trace)+hour(), &out)
		got := map[string]bool{}
		for _, e := range out.Exemplars {
			span := must(hex.DecodeString(e.SpanID + map[bool]string{true: "00"}[e.SpanID == ""]))
			o := tracedValue{trace, span[len(span)-1], time.Duration(must(strconv.ParseInt(e.TimeUnixNano, 10, 64)) - base().UnixNano()), float64(*e.AsDouble)}
			got[fmt.Sprint(e.ServiceName, e.Attributes[0].Value.String, o)] = true
		}
		require.Equal(t, want, got)
		require.Len(t, out.Exemplars, len(want), "each once")
	}
}
