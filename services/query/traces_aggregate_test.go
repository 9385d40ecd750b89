package query

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// tracesOf are the traces that a list has as figures see them: where they stand, by the values of their roots, and what they come to. all are all spans that there are.
func (f *fixture) tracesOf(all *api.SpanPage, a *aggregateBody) (items []naiveItem) {
	f.t.Helper()
	filters := []json.RawMessage{}
	for _, raw := range a.filters {
		filters = append(filters, json.RawMessage(raw))
	}
	var page api.TracePage
	f.search("traces", searchBody{from: time.Unix(0, a.from), to: time.Unix(0, a.to), filters: string(must(json.Marshal(filters))), limit: 1000, fields: []string{"time", "duration"}}, &page)
	require.False(f.t, page.Pagination.HasMore)
	for i := range page.Traces {
		sum := &page.Traces[i]
		var root *api.Span
		for k := range all.Spans {
			s := &all.Spans[k]
			if s.TraceID == sum.TraceID && s.SpanID == sum.Root.SpanID && int64(number64(f.t, s.StartTimeUnixNano)) == sum.Root.Fields["time"].Int && s.DurationNano == strconv.FormatInt(sum.Root.Fields["duration"].Int, 10) {
				root = s
			}
		}
		require.NotNil(f.t, root, "%v", sum)
		of := naiveSpan(all, root)
		values, numbers := of.values, of.numbers
		of.values = func(field string) []otlpjson.Value {
			switch field {
			case "span_count":
				return []otlpjson.Value{{Kind: otlpjson.KindInt, Int: int64(sum.SpanCount)}}
			case "error_count":
				return []otlpjson.Value{{Kind: otlpjson.KindInt, Int: int64(sum.ErrorCount)}}
			}
			return values(field)
		}
		of.numbers = func(field string) (int64, bool) {
			if field == "duration" {
				return must(strconv.ParseInt(sum.DurationNano, 10, 64)), true
			}
			return numbers(field)
		}
		items = append(items, naiveItem{of, int64(number64(f.t, sum.MatchedTimeUnixNano)), sum.Root.Status.Code == 2})
	}
	return items
}

// randomTraceFigures asks for figures of traces between two times.
func randomTraceFigures(rnd *rand.Rand, from, to int64) *aggregateBody {
	a := &aggregateBody{signal: telemetry.Traces, of: "traces", from: from, to: to, limit: 1 + rnd.IntN(30)}
	if rnd.IntN(2) == 0 {
		a.from += rnd.Int64N(to - from)
		a.to = a.from + 1 + rnd.Int64N(to-a.from)
	}
	for range rnd.IntN(3) {
		a.filters = append(a.filters, relatedFilter(rnd, rnd.IntN(3)))
	}
	names := []api.MeasureMeasure{
		"count", "rate", "errors", "error_rate", "numbers", "sum", "avg", "min", "max", "quantile", "p50", "p95", "p99", "count_distinct", "histogram", "histogram_errors",
	}
	fields := []string{"service", "operation", "status", "kind", "attributes.http.status_code", "attributes.user.id", "trace_id", "root"}
	for range 1 + rnd.IntN(4) {
		m := api.Measure{Measure: names[rnd.IntN(len(names))]}
		switch m.Measure {
		case "count", "rate", "errors", "error_rate":
		case "count_distinct":
			m.Field = fields[rnd.IntN(len(fields))]
		case "quantile":
			q := rnd.Float64()
			m.Q = &q
			fallthrough
		default:
			m.Field = []string{"duration", "span_count", "error_count", "attributes.http.status_code"}[rnd.IntN(4)]
		}
		a.measures = append(a.measures, m)
	}
	for range rnd.IntN(4) {
		a.groups = append(a.groups, fields[rnd.IntN(len(fields))])
	}
	if rnd.IntN(3) == 0 {
		a.buckets = 2 + rnd.IntN(60)
	}
	return a
}

// Figures of traces are those of the traces that the list has: of several roots and none, with missing parents, rings and parts that are hours apart, fresh and settled, by conditions on other
// spans, and of the newest part where the budget ends them.
func TestFiguresOfTracesAreThoseOfTheList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(families(seed, 40)), 25)
	}
	rnd := rand.New(rand.NewPCG(7, 7))
	f.store("default", telemetry.Traces, payloadOfWhole(wholeTraces(rnd, 40, base().UnixNano())), 20)
	var all api.SpanPage
	f.search("spans", searchBody{from: base().Add(-20 * 24 * time.Hour), to: base().Add(24 * time.Hour), limit: 1000}, &all)
	require.False(t, all.Pagination.HasMore)
	cut, whole := 0, 0
	small := f.budgets()
	for n := range 80 / testbed.Share() {
		a := randomTraceFigures(rnd, base().Add(-12*time.Hour).UnixNano(), base().Add(2*time.Hour).UnixNano())
		asks := f
		if n%4 == 3 {
			asks = small[rnd.IntN(len(small))]
		}
		got := asks.aggregate(a)
		if got.Incomplete != nil {
			require.NotSame(t, f, asks, "%v", got.Incomplete)
			cut++
		}
		if got.Basis.PartialTraces > 0 {
			require.NotNil(t, got.Incomplete)
			continue
		}
		whole++
		items := f.tracesOf(&all, a)
		told := *a
		told.filters = nil // items are those that meet them
		told.check(t, items, &got)
	}
	require.Positive(t, cut)
	require.Greater(t, whole, 50/testbed.Share())
}

// Of more traces with missing parents than are looked for everywhere, those beyond are told as far as they were found, and that is said.
func TestFiguresOfTracesSayWhichAreNotWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	const traces, looked = 1040, 1000
	for i := range traces {
		for k, at := range []time.Time{base().Add(time.Duration(i) * time.Second), base().Add(-30 * time.Hour)} {
			s := spans.AppendEmpty()
			s.SetTraceID(pcommon.TraceID{3, byte(i), byte(i >> 8)})
			s.SetSpanID(pcommon.SpanID{1, byte(k)})
			s.SetParentSpanID(pcommon.SpanID{9})
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(at))
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 500)
	a := &aggregateBody{
		signal: telemetry.Traces, of: "traces", from: base().UnixNano(), to: base().Add(time.Hour).UnixNano(),
		measures: []api.Measure{{Measure: "count"}, {Measure: "sum", Field: "span_count"}},
	}
	got := f.aggregate(a)
	require.Equal(t, traces-looked, got.Basis.PartialTraces)
	require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
	require.InDelta(t, traces, *got.Total.Figures[0], 0)
	require.InDelta(t, 2*looked+traces-looked, *got.Total.Figures[1], 0)
	a.measures = a.measures[:1] // a count looks at no other spans
	got = f.aggregate(a)
	require.Zero(t, got.Basis.PartialTraces)
	require.Nil(t, got.Incomplete)
	require.InDelta(t, traces, *got.Total.Figures[0], 0)
}

// Traces that have no room are told of the newest part of the range, or refused.
func TestFiguresOfTracesTakeNoMoreMemoryThanThereIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	const traces = 9000
	for i := range traces {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{3, byte(i), byte(i >> 8)})
		s.SetSpanID(pcommon.SpanID{1})
		at := base().Add(time.Duration(i) * 100 * time.Millisecond)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Second)))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 500)
	a := &aggregateBody{
		signal: telemetry.Traces, of: "traces", from: base().UnixNano(), to: base().Add(traces * 100 * time.Millisecond).UnixNano(),
		measures: []api.Measure{{Measure: "count"}, {Measure: "sum", Field: "span_count"}},
	}
	poor := f.with(func(c *Config) { c.MaxDecoded = 4 << 20 }) // of which a question may hold 1 MiB
	got := poor.aggregate(a)
	require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
	require.NotNil(t, got.Incomplete.Since)
	since := int64(number64(t, got.Incomplete.Since))
	a.from = since
	want := f.aggregate(a)
	require.Nil(t, want.Incomplete)
	require.Equal(t, want.Total, got.Total)
	require.Positive(t, got.Total.Items)
	require.Less(t, got.Total.Items, int64(traces))
}

func TestWrongFiguresOfTracesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	within := `"time_range":{"start_time":"2026-11-23T00:00:00Z","end_time":"2026-11-24T00:00:00Z"},"measures":[`
	for _, c := range []struct{ body, code, names string }{
		{`{"signal":"logs","of":"traces",` + within + `{"measure":"count"}]}`, "aggregate.of", "logs"},
		{`{"signal":"traces","of":"spans",` + within + `{"measure":"count"}]}`, "aggregate.of", "spans"},
		{`{"signal":"traces",` + within + `{"measure":"avg","field":"span_count"}]}`, "filter.unknown_field", "span_count"},
		{`{"signal":"traces","of":"traces",` + within + `{"measure":"avg","field":"span_counts"}]}`, "filter.unknown_field", "span_counts"},
		{`{"signal":"traces","of":"traces",` + within + `{"measure":"count"}],"group_by":["span_count"]}`, "filter.unknown_field", "span_count"},
		{`{"signal":"traces",` + within + `{"measure":"count"}],"filters":[{"relation":"root","filters":[]}]}`, "filter.relation", "other spans"},
	} {
		p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/aggregate", c.body)
		require.Equal(t, c.code, p.Code, c.body)
		require.Contains(t, p.Detail, c.names, c.body)
	}
}
