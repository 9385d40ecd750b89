package query

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestDurationsThatNobodyKnows: spans that end at 0, before they start, or after all times are told as such, never as short, long or negative, and keep
// the times that were sent.
func TestDurationsThatNobodyKnows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	start := pcommon.NewTimestampFromTime(base())
	ends := map[string]pcommon.Timestamp{
		"not ended": 0, "ended before": start - 5_000_000, "ended never": math.MaxUint64, "ended after all": math.MaxInt64, "took a second": start + 1_000_000_000, "took nothing": start,
	}
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "cart")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for name, end := range ends {
		s := spans.AppendEmpty()
		s.SetTraceID([16]byte{1})
		s.SetSpanID([8]byte([]byte(name + "        ")[6:14]))
		s.SetName(name)
		s.SetStartTimestamp(start)
		s.SetEndTimestamp(end)
	}
	for range 2 { // fresh and settled
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 10)
	}
	names := func(filter string) (names []string) {
		var page api.SpanPage
		f.search("spans", searchBody{filters: "[" + filter + "]", limit: 100}, &page)
		for _, s := range page.Spans {
			names = append(names, s.Name)
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	unknown := []string{"ended after all", "ended before", "ended never", "not ended"}
	require.Equal(t, []string{"took a second", "took nothing"}, names(`{"field":"duration","operator":"gte","value":0}`))
	require.Equal(t, []string{"took a second"}, names(`{"field":"duration","operator":"gt","value":"10ms"}`))
	require.Equal(t, []string{"took nothing"}, names(`{"field":"duration","operator":"lt","value":"10ms"}`))
	require.Equal(t, unknown, names(`{"field":"duration","operator":"exists","value":false}`))
	require.Equal(t, append(slices.Clone(unknown), "took nothing"), names(`{"field":"duration","operator":"ne","value":"1s"}`))

	var trace api.Trace
	f.get("/api/traces/01000000000000000000000000000000", &trace)
	require.Len(t, trace.Spans, 2*len(ends))
	for _, s := range trace.Spans {
		require.Equal(t, slices.Contains(unknown, s.Name), s.DurationUnknown, s.Name)
		require.Equal(t, map[bool]string{true: "1000000000", false: "0"}[s.Name == "took a second"], s.DurationNano, s.Name)
		require.Equal(t, uint64(ends[s.Name]), must(strconv.ParseUint(s.EndTimeUnixNano, 10, 64)), s.Name)
	}
	var list api.TracePage
	f.search("traces", searchBody{}, &list)
	require.Len(t, list.Traces, 1)
	require.Equal(t, "1000000000", list.Traces[0].DurationNano)
	require.Equal(t, strconv.FormatInt(base().Add(time.Second).UnixNano(), 10), list.Traces[0].EndTimeUnixNano)
}

// TestUnknownDurationsAreInNoFigure: they count as spans, and are in no percentile, sum, mean or extreme, of all or of groups, on the way by rollups and by segments, nor in those of services;
// they stand behind all others where a list is sorted by duration, and an OTLP answer has the times that were sent.
func TestUnknownDurationsAreInNoFigure(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	start := pcommon.NewTimestampFromTime(base())
	known := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}
	unknown := []pcommon.Timestamp{0, start - 1, 1, math.MaxUint64, math.MaxInt64}
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "cart")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	add := func(n int, end pcommon.Timestamp) {
		s := spans.AppendEmpty()
		s.SetTraceID([16]byte{1, 2})
		s.SetSpanID([8]byte{1, byte(n)})
		s.SetName("GET")
		s.SetKind(ptrace.SpanKindServer)
		s.SetStartTimestamp(start)
		s.SetEndTimestamp(end)
	}
	for i, d := range known {
		add(i, start+pcommon.Timestamp(d))
	}
	for i, end := range unknown {
		add(len(known)+i, end)
	}
	for range 2 { // fresh and settled
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 100)
	}
	all := float64(2 * (len(known) + len(unknown)))
	half := 0.5
	measures := []api.Measure{{Measure: "count"}, {Measure: "errors"}}
	for _, m := range []api.MeasureMeasure{"numbers", "sum", "avg", "min", "max"} {
		measures = append(measures, api.Measure{Measure: m, Field: "duration"})
	}
	measures = append(measures, api.Measure{Measure: "quantile", Field: "duration", Q: &half})
	want := []float64{all, 0, 8, 2 * 10e9, 2.5e9, 1e9, 4e9, 2.5e9}
	for _, filters := range [][]string{nil, {`{"field":"name","operator":"eq","value":"GET"}`}} {
		for _, groups := range [][]string{{"service"}, {"name", "attributes.none"}} {
			got := f.aggregate(&aggregateBody{
				signal: telemetry.Traces, from: base().Add(-time.Hour).UnixNano(), to: base().Add(time.Hour).UnixNano(), measures: measures, groups: groups, filters: filters,
			})
			require.Len(t, got.Groups, 1)
			for _, figures := range [][]*float64{got.Total.Figures, got.Groups[0].Figures} {
				for i, figure := range figures {
					within := want[i] * 0.01
					if i == len(want)-1 {
						within = 0.6e9 // of the two in the middle, either
					}
					require.InDelta(t, want[i], *figure, within, "%s by %v", measures[i].Measure, groups)
				}
			}
		}
	}
	var services api.ServiceList
	f.get("/api/services"+hour(), &services)
	require.Len(t, services.Services, 1)
	red := services.Services[0].Red
	require.EqualValues(t, 2*(len(known)+len(unknown)), red.Requests)
	for name, nanos := range map[string]string{"p50": red.P50Nano, "p95": red.P95Nano, "p99": red.P99Nano} {
		n := must(strconv.ParseInt(nanos, 10, 64))
		require.GreaterOrEqual(t, n, int64(990*time.Millisecond), name)
		require.LessOrEqual(t, n, int64(4040*time.Millisecond), name)
	}

	for _, limit := range []int{3, 100} {
		ids, _ := f.walk("spans", searchBody{limit: limit, sort: `{"by":"duration"}`}, nil)
		require.Len(t, ids, int(all))
		var page api.SpanPage
		f.search("spans", searchBody{limit: 100, sort: `{"by":"duration"}`}, &page)
		for i := range page.Spans {
			require.Equal(t, ids[i], page.Spans[i].ID)
			require.Equal(t, i >= 2*len(known), page.Spans[i].DurationUnknown, "the unknown ones come last: %d", i)
		}
	}

	status, body := f.call(http.MethodGet, "/api/traces/01020000000000000000000000000000?format=otlp", "")
	require.Equal(t, http.StatusOK, status)
	back, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(body)
	require.NoError(t, err)
	sent, got := map[pcommon.Timestamp]int{}, map[pcommon.Timestamp]int{}
	for _, s := range spans.All() {
		sent[s.EndTimestamp()] += 2
	}
	for _, rs := range back.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				require.Equal(t, start, s.StartTimestamp())
				got[s.EndTimestamp()]++
			}
		}
	}
	require.Equal(t, sent, got)
}
