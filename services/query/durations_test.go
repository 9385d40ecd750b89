package query

import (
	"math"
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
