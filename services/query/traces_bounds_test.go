package query

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// manySpans are traces of so many spans each: the root is of the service "rare", its children, a second apart, of "work". The first trace begins at a time, each other one some time earlier.
func manySpans(traces, spans int, from time.Time, apart time.Duration) ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range traces {
		var of ptrace.SpanSlice
		for k := range spans {
			if k < 2 {
				rs := td.ResourceSpans().AppendEmpty()
				rs.Resource().Attributes().PutStr("service.name", []string{"rare", "work"}[k])
				of = rs.ScopeSpans().AppendEmpty().Spans()
			}
			s := of.AppendEmpty()
			s.SetName("step")
			s.SetTraceID(pcommon.TraceID{5, byte(i), byte(i >> 8)})
			s.SetSpanID(pcommon.SpanID{1, byte(k), byte(k >> 8)})
			if k > 0 {
				s.SetParentSpanID(pcommon.SpanID{1})
			}
			at := from.Add(time.Duration(k)*time.Second - time.Duration(i)*apart)
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Second)))
		}
	}
	return td
}

// spanCounts asks how many traces there are, and how many spans they have together.
func spanCounts(from, to time.Time, filters ...string) *aggregateBody {
	return &aggregateBody{
		signal: telemetry.Traces, of: "traces", from: from.UnixNano(), to: to.UnixNano(), filters: filters,
		measures: []api.Measure{{Measure: "count"}, {Measure: "sum", Field: "span_count"}},
	}
}

// Where the budget does not reach for all traces, figures are those of the newest part, however far apart the traces are; and where it does not reach for one, of what was found of the newest.
func TestFiguresOfTracesKeepToTheBudget(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const traces = 96
	f.store("default", telemetry.Traces, testbed.TracesPayload(manySpans(traces, 61, base(), 30*time.Minute)), 20)
	rare := `{"field":"service","operator":"eq","value":"rare"}`
	related := spanCounts(base().Add(-48*time.Hour), base().Add(time.Hour), rare, `{"relation":"child","filters":[{"field":"name","operator":"exists"}]}`)
	judged := *related
	judged.measures = judged.measures[:1] // which sums nothing up
	for _, a := range []*aggregateBody{spanCounts(base().Add(-48*time.Hour), base().Add(time.Hour), rare), related, &judged} {
		all := f.aggregate(a)
		require.Nil(t, all.Incomplete)
		require.EqualValues(t, traces, all.Total.Items)
		got := f.budget(2500).aggregate(a)
		require.NotNil(t, got.Incomplete)
		require.Equal(t, api.IncompleteReasonScanBudget, got.Incomplete.Reason)
		require.NotNil(t, got.Incomplete.Since)
		require.Zero(t, got.Basis.PartialTraces)
		require.Positive(t, got.Total.Items)
		require.Less(t, got.Total.Items, int64(traces))
		a.from = int64(number64(t, got.Incomplete.Since))
		require.Equal(t, f.aggregate(a).Total, got.Total)
	}
	got := f.budget(25).aggregate(spanCounts(base().Add(-48*time.Hour), base().Add(time.Hour), rare))
	require.NotNil(t, got.Incomplete.Since)
	require.Positive(t, got.Total.Items)
	require.EqualValues(t, got.Total.Items, got.Basis.PartialTraces)
}

// Traces whose spans have no room together are summed up in smaller lots, and one that has none by itself is told as it was found, and that it was.
func TestFiguresOfTracesOfManySpansTakeNoMoreMemoryThanThereIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const traces, spans, large = 100, 120, 3000
	td := manySpans(traces, spans, base(), 20*time.Second)
	for i := range traces { // a parent is missing, which is hours away
		list := td.ResourceSpans().At(2*i + 1).ScopeSpans().At(0).Spans()
		late := list.At(list.Len() - 1)
		late.SetParentSpanID(pcommon.SpanID{9})
		early := list.AppendEmpty()
		late.CopyTo(early)
		early.SetSpanID(pcommon.SpanID{9})
		early.SetParentSpanID(pcommon.SpanID{1})
		early.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(-5 * time.Hour)))
		early.SetEndTimestamp(early.StartTimestamp())
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 500)
	poor := f.with(func(c *Config) { c.MaxDecoded = 4 << 20 }) // of which a question may hold 1 MiB
	got := poor.aggregate(spanCounts(base().Add(-time.Hour), base().Add(time.Hour)))
	require.Nil(t, got.Incomplete)
	require.InDelta(t, traces, *got.Total.Figures[0], 0)
	require.InDelta(t, traces*(spans+1), *got.Total.Figures[1], 0)

	big := manySpans(1, large, base().Add(-20*time.Hour), 0)
	for i := range big.ResourceSpans().Len() {
		for _, s := range big.ResourceSpans().At(i).ScopeSpans().At(0).Spans().All() {
			s.SetTraceID(pcommon.TraceID{6})
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(big), 500)
	got = poor.aggregate(spanCounts(base().Add(-21*time.Hour), base().Add(-18*time.Hour)))
	require.Equal(t, 1, got.Basis.PartialTraces)
	require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
	require.InDelta(t, large, *got.Total.Figures[1], 0)
}

// Conditions on other spans are judged as many traces at a time as have room.
func TestFiguresByOtherSpansTakeNoMoreMemoryThanThereIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const traces = 300
	f.store("default", telemetry.Traces, testbed.TracesPayload(manySpans(traces, 30, base(), time.Second)), 500)
	poor := f.with(func(c *Config) { c.MaxDecoded = 4 << 20 })
	got := poor.aggregate(spanCounts(base().Add(-time.Hour), base().Add(time.Hour),
		`{"field":"root","operator":"eq","value":true}`, `{"relation":"child","filters":[{"field":"service","operator":"eq","value":"work"}]}`))
	require.Nil(t, got.Incomplete)
	require.InDelta(t, traces, *got.Total.Figures[0], 0)
	require.InDelta(t, 30*traces, *got.Total.Figures[1], 0)
}

// Once the budget ends the search for parts of traces that are far away, none of the other traces is looked for.
func TestTheSearchForPartsOfTracesEndsAtTheBudget(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	td := ptrace.NewTraces()
	list := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	const traces = 1000
	for i := range traces {
		for k, at := range []time.Time{base().Add(-30*time.Hour + time.Duration(i)*time.Second), base().Add(time.Duration(i*37%traces) * time.Second)} {
			s := list.AppendEmpty()
			s.SetTraceID(pcommon.TraceID{3, byte(i), byte(i >> 8)})
			s.SetSpanID(pcommon.SpanID{1, byte(k)})
			s.SetParentSpanID(pcommon.SpanID{9})
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(at))
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 20)
	const budget = 1500
	got := f.budget(budget).aggregate(spanCounts(base().Add(-30*time.Hour), base().Add(-29*time.Hour)))
	require.Equal(t, traces, got.Basis.PartialTraces)
	require.EqualValues(t, traces, got.Total.Items)
	require.Less(t, got.Stats.ItemsScanned, int64(traces+2*budget))
}

// What a service is called is copied once, and not for each of its spans.
//
//nolint:paralleltest // it looks at what the process allocates
func TestNamesAreNotCopiedForEachSpan(t *testing.T) {
	f := newFixture(t)
	const spans, size = 1000, 300_000
	td := manySpans(1, spans, base(), 0)
	for i := range td.ResourceSpans().Len() {
		td.ResourceSpans().At(i).Resource().Attributes().PutStr("service.name", strings.Repeat("n", size))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), spans)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var page api.TracePage
	f.search("traces", searchBody{from: base(), to: base().Add(time.Hour), limit: 10}, &page)
	runtime.ReadMemStats(&after)
	require.Len(t, page.Traces, 1)
	require.Equal(t, spans, page.Traces[0].SpanCount)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(spans*size/3))
}
