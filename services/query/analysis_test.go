package query

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

func TestATreeTellsOfATrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := base().UnixNano()
	const one, two, lone = "000000000000000000000000000000c1", "000000000000000000000000000000c2", "000000000000000000000000000000c3"
	f.store("default", telemetry.Traces, payloadOfWhole([]wholeSpan{
		{trace: one, id: "0000000000000001", service: "shop", start: at, end: at + 100},
		{trace: one, id: "0000000000000002", parent: "0000000000000001", service: "pay", start: at - 10, end: at + 20, failed: true},
		{trace: one, id: "0000000000000003", parent: "0000000000000001", service: "shop", start: at + 50, end: at + 90},
		{trace: lone, id: "0000000000000009", parent: "0000000000000008", service: "cart", start: at, end: at + 1},
	}), 2)
	f.store("default", telemetry.Traces, payloadOfWhole([]wholeSpan{
		{trace: one, id: "0000000000000004", parent: "0000000000000003", service: "pay", start: at + 60, end: at + 80},
		{trace: two, id: "0000000000000005", service: "shop", start: at + 1000, end: at + 1100},
	}), 2)
	f.store("other", telemetry.Traces, payloadOfWhole([]wholeSpan{{trace: one, id: "0000000000000006", service: "spy", start: at, end: at + 1}}), 2)

	var a api.TraceAnalysis
	f.get("/api/traces/"+one+"/analysis", &a)
	require.False(t, a.RootMissing)
	require.Zero(t, a.OrphanCount)
	idOf, text := map[string]string{}, []string(nil)
	for _, s := range a.Spans {
		idOf[s.ID] = s.SpanID[15:]
	}
	for _, s := range a.Spans {
		text = append(text, strings.TrimSpace(fmt.Sprint(
			s.SpanID[15:], "<", idOf[s.Parent], " ", s.Depth, " self ", s.SelfTimeNano, " critical ", s.CriticalTimeNano, " ", s.Oddity, " ", s.ClockShiftNano)))
	}
	require.Equal(t, []string{
		"1< 0 self 40 critical 40", "2<1 1 self 30 critical 20 before_parent 45", "3<1 1 self 20 critical 20", "4<3 2 self 20 critical 20",
	}, text)
	text = nil
	for _, step := range a.CriticalPath {
		text = append(text, fmt.Sprint(idOf[step.ID], " ", int64(number64(t, step.StartTimeUnixNano))-at, " ", int64(number64(t, step.EndTimeUnixNano))-at))
	}
	require.Equal(t, []string{"2 0 20", "1 20 50", "3 50 60", "4 60 80", "3 80 90", "1 90 100"}, text)
	require.Equal(t, []api.TraceService{{Name: "shop", SpanCount: 2, SelfTimeNano: "60"}, {Name: "pay", SpanCount: 2, ErrorCount: 1, SelfTimeNano: "50"}}, a.Services)
	require.Equal(t, []api.TraceCall{{Caller: 0, Callee: 1, CallCount: 2, ErrorCount: 1, DurationNano: "50"}}, a.Calls)

	var orphan api.TraceAnalysis
	f.get("/api/traces/"+lone+"/analysis"+hour(), &orphan)
	require.True(t, orphan.RootMissing)
	require.Equal(t, 1, orphan.OrphanCount)
	require.EqualValues(t, "missing_parent", orphan.Spans[0].Oddity)

	require.NotNil(t, func() *api.Incomplete {
		var cut api.TraceAnalysis
		f.with(func(c *Config) { c.MaxTraceSpans = 2 }).get("/api/traces/"+one+"/analysis", &cut)
		require.Len(t, cut.Spans, 2)
		return cut.Incomplete
	}())
	f.problem(http.StatusNotFound, http.MethodGet, "/api/traces/"+strings.Repeat("1", 32)+"/analysis", "")
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/traces/x/analysis", "")

	var c api.TraceComparison
	f.get("/api/traces/"+one+"/compare?with="+two, &c)
	require.Equal(t, []int{0, 4, 1}, []int{c.InBoth, c.OnlyA, c.OnlyB}, "names differ")
	f.get("/api/traces/"+one+"/compare?with="+one, &c)
	require.Equal(t, []int{4, 0, 0}, []int{c.InBoth, c.OnlyA, c.OnlyB})
	require.Equal(t, c.Spans[1].A, c.Spans[1].B)
	require.Equal(t, "-10", c.Spans[1].A.OffsetNano)
	require.Equal(t, []any{"pay", "30", 2}, []any{c.Spans[1].ServiceName, c.Spans[1].A.DurationNano, c.Spans[1].A.Status})
	f.problem(http.StatusNotFound, http.MethodGet, "/api/traces/"+one+"/compare?with="+strings.Repeat("1", 32), "")
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/traces/"+one+"/compare?with=x", "")
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/traces/"+one+"/compare", "")
}
