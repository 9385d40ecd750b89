package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// anyPage is what all lists have in common.
type anyPage struct {
	items      []json.RawMessage
	pagination api.Pagination
	incomplete *api.Incomplete
	stats      api.Stats
}

func (f *fixture) page(list string, s searchBody) anyPage {
	f.t.Helper()
	status, body := f.call(http.MethodPost, "/api/"+list+"/search", s.json(f.t))
	require.Equal(f.t, http.StatusOK, status, "%s", body)
	var wire struct {
		Spans, Logs, Points, Traces, Rows []json.RawMessage
		Pagination                        api.Pagination
		Incomplete                        *api.Incomplete
		Stats                             api.Stats
	}
	require.NoError(f.t, json.Unmarshal(body, &wire))
	return anyPage{slices.Concat(wire.Spans, wire.Logs, wire.Points, wire.Traces, wire.Rows), wire.Pagination, wire.Incomplete, wire.Stats}
}

// identity is what tells items of a list apart: the id, or the trace id of a summary.
func identity(t testing.TB, item json.RawMessage) string {
	t.Helper()
	var wire struct {
		ID      string
		TraceID string `json:"trace_id"`
	}
	require.NoError(t, json.Unmarshal(item, &wire))
	if wire.ID != "" {
		return wire.ID
	}
	return wire.TraceID
}

// walk pages through a list; between is called before each page after the first.
func (f *fixture) walk(list string, s searchBody, between func()) (ids []string, pages int) {
	f.t.Helper()
	for {
		p := f.page(list, s)
		pages++
		require.LessOrEqual(f.t, len(p.items), s.limit)
		for _, item := range p.items {
			ids = append(ids, identity(f.t, item))
		}
		if !p.pagination.HasMore {
			require.Empty(f.t, p.pagination.NextCursor)
			return ids, pages
		}
		require.NotEmpty(f.t, p.pagination.NextCursor)
		s.cursor = p.pagination.NextCursor
		if between != nil {
			between()
		}
	}
}

func (f *fixture) fill(seed uint64, items, segment int) {
	f.t.Helper()
	d := newDice(seed)
	f.store("default", telemetry.Traces, testbed.TracesPayload(d.traces(items)), segment)
	f.store("default", telemetry.Logs, testbed.LogsPayload(d.logs(items)), segment)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(d.metrics(items)), segment)
}

func lists() []string { return []string{"spans", "logs", "metrics", "traces"} }

func TestPagesTogetherAreOneBigAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) { // overlapping in time, as several writers' flushes are
		f.fill(seed, 100, 30)
	}
	for _, list := range lists() {
		for _, filters := range []string{"", `[{"field":"service","operator":"eq","value":"cart"}]`} {
			big := f.page(list, searchBody{filters: filters, limit: 1000})
			require.False(t, big.pagination.HasMore)
			var want []string
			for _, item := range big.items {
				want = append(want, identity(t, item))
			}
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(want))), len(want), "an item is listed once")
			if filters == "" && list != "traces" {
				require.Len(t, want, 400)
			}
			for _, limit := range []int{1, 13, 100, len(want), len(want) + 1} {
				if limit == 1 && len(want) > 60 {
					continue // says nothing more, slowly
				}
				got, pages := f.walk(list, searchBody{filters: filters, limit: limit}, nil)
				require.Equal(t, want, got, "%s by %d", list, limit)
				require.Equal(t, (len(want)+limit-1)/limit, pages, "%s by %d: has_more is exact", list, limit)
			}
		}
	}
}

func TestListsAreNewestFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(1, 300, 50)
	var page api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &page)
	require.Len(t, page.Spans, 300)
	require.True(t, slices.IsSortedFunc(page.Spans, func(a, b api.Span) int {
		return strings.Compare(b.StartTimeUnixNano, a.StartTimeUnixNano)
	}))
	var traces api.TracePage
	f.search("traces", searchBody{limit: 1000}, &traces)
	require.True(t, slices.IsSortedFunc(traces.Traces, func(a, b api.TraceSummary) int {
		return strings.Compare(b.MatchedTimeUnixNano, a.MatchedTimeUnixNano)
	}))
}

func TestPagesArePinnedWhileDataFlowsIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(1, 200, 50)
	seed := uint64(100)
	for _, list := range lists() {
		var want []string
		for _, item := range f.page(list, searchBody{limit: 1000}).items {
			want = append(want, identity(t, item))
		}
		got, _ := f.walk(list, searchBody{limit: 60}, func() {
			seed++
			f.fill(seed, 40, 50) // newer, older and in between
		})
		require.Equal(t, want, got, list)
	}
}

func TestSummariesOfTracesAreWholeOnEveryPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(3) {
		f.fill(seed, 300, 70)
	}
	// A filter that only some spans of a trace meet: the summary tells of all of them.
	filters := `[{"field":"name","operator":"eq","value":"charge"}]`
	spans := map[string]int{}
	failed := map[string]int{}
	s := searchBody{limit: 1000}
	for _, item := range f.page("spans", s).items {
		var span api.Span
		decode(t, item, &span)
		spans[span.TraceID]++
		if span.Status.Code == 2 {
			failed[span.TraceID]++
		}
	}
	seen := 0
	s = searchBody{filters: filters, limit: 13}
	for more := true; more; {
		p := f.page("traces", s)
		for _, item := range p.items {
			seen++
			var sum api.TraceSummary
			decode(t, item, &sum)
			require.Equal(t, spans[sum.TraceID], sum.SpanCount)
			require.Equal(t, failed[sum.TraceID], sum.ErrorCount)
			services, errs := 0, 0
			for _, c := range sum.Services {
				services, errs = services+c.SpanCount, errs+c.ErrorCount
			}
			require.Equal(t, sum.SpanCount, services)
			require.Equal(t, sum.ErrorCount, errs)
		}
		more, s.cursor = p.pagination.HasMore, p.pagination.NextCursor
	}
	require.Positive(t, seen)
}

func TestAPageReadsFewSegments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := newDice(7)
	td := d.traces(2000)
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 20) // 100 segments, a time slice each
	p := f.page("spans", searchBody{limit: 10})
	require.Len(t, p.items, 10)
	require.LessOrEqual(t, p.stats.SegmentsRead, 4)
	require.GreaterOrEqual(t, p.stats.SegmentsPruned, 96)
	require.LessOrEqual(t, p.stats.ItemsScanned, int64(80))
}

func TestFiltersPruneSegments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := newDice(9)
	for i := range 20 {
		td := d.traces(30)
		s := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		s.Attributes().PutStr("needle", fmt.Sprint("n", i))
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 1000)
	}
	for _, c := range []struct{ filters string }{
		{`[{"field":"attributes.needle","operator":"eq","value":"n7"}]`},
		{`[{"field":"attributes.needle","operator":"in","value":["n7","n8"]}]`},
		{`[{"or":[{"field":"attributes.needle","operator":"eq","value":"n7"},{"field":"attributes.needle","operator":"eq","value":"n9"}]}]`},
	} {
		p := f.page("spans", searchBody{filters: c.filters})
		require.NotEmpty(t, p.items)
		require.LessOrEqual(t, p.stats.SegmentsRead, 4, c.filters)
	}
	require.Zero(t, f.page("spans", searchBody{filters: `[{"field":"service","operator":"eq","value":"nobody"}]`}).stats.SegmentsRead)
	require.Zero(t, f.page("spans", searchBody{filters: `[{"field":"duration","operator":"gt","value":"10s"}]`}).stats.SegmentsRead)
}

// What lies within maps and lists, and words of bodies, are looked for in token filters, too.
func TestFiltersOfWhatLiesWithinPruneSegments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := newDice(9)
	for i := range 20 {
		td, ld := d.traces(30), d.logs(30)
		put := func(m pcommon.Map) {
			inner := m.PutEmptyMap("deep").PutEmptyMap("er")
			inner.PutStr("needle", fmt.Sprint("n", i))
			inner.PutEmptySlice("list").AppendEmpty().SetStr(fmt.Sprint("e", i))
		}
		rs := td.ResourceSpans().At(0)
		put(rs.Resource().Attributes())
		put(rs.ScopeSpans().At(0).Scope().Attributes())
		put(rs.ScopeSpans().At(0).Spans().At(0).Attributes())
		records := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
		put(records.At(0).Body().SetEmptyMap())
		records.At(0).Body().Map().PutStr("said", fmt.Sprintf("Word%d\nof\tall", i))
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 1000)
		f.store("default", telemetry.Logs, testbed.LogsPayload(ld), 1000)
	}
	for _, c := range []struct{ list, field, operator, value string }{
		{"spans", "attributes.deep.er.needle", "eq", "n7"},
		{"spans", "resource.deep.er.needle", "eq", "n7"},
		{"spans", "scope.deep.er.needle", "eq", "n7"},
		{"spans", "attributes.deep.er.list", "eq", "e7"},
		{"logs", "body.deep.er.needle", "eq", "n7"},
		{"logs", "body.deep.er.list", "eq", "e7"},
		{"logs", "body", "words", "WORD7"},
		{"logs", "body", "words", "word7 of: all"},
		{"logs", "body.said", "words", "word7"},
		{"logs", "body.deep", "words", "n7"},
		{"logs", "body", "contains", `"Word7` + "\n"},
		{"logs", "body.said", "contains", "\nof\t"},
		{"logs", "body.deep.er", "contains", `"n7"`},
	} {
		filters := fmt.Sprintf(`[{"field":%q,"operator":%q,"value":%s}]`, c.field, c.operator, must(json.Marshal(c.value)))
		p := f.page(c.list, searchBody{filters: filters})
		if c.value == "\nof\t" { // which all have, and no other bodies
			require.Len(t, p.items, 20)
			continue
		}
		require.NotEmpty(t, p.items, filters)
		require.LessOrEqual(t, len(p.items), 5, filters) // of the same resource or scope
		require.LessOrEqual(t, p.stats.SegmentsRead, 4, filters)
	}
}

func TestAnAnswerCutByTheBudgetSaysSoAndGoesOn(t *testing.T) {
	t.Parallel()
	whole := newFixture(t)
	for seed := range uint64(4) {
		whole.fill(seed, 200, 20)
	}
	f := whole.budget(50)
	for _, list := range lists() {
		filters := `[{"field":"service","operator":"eq","value":"cart"}]`
		cut := false
		seen := map[string]bool{}
		s := searchBody{filters: filters, limit: 1000}
		for more := true; more; {
			p := f.page(list, s)
			for _, item := range p.items {
				id := identity(t, item)
				require.False(t, seen[id], "%s: an item is listed once", list)
				seen[id] = true
			}
			if p.incomplete != nil {
				cut = true
				require.Equal(t, api.IncompleteReasonScanBudget, p.incomplete.Reason)
				require.True(t, p.pagination.HasMore)
			}
			more, s.cursor = p.pagination.HasMore, p.pagination.NextCursor
		}
		require.True(t, cut)
		require.Len(t, whole.page(list, searchBody{filters: filters, limit: 1000}).items, len(seen), list)
	}
}

func TestCursorsAreBoundToTheirQuery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(1, 100, 50)
	s := searchBody{limit: 10}
	cursor := f.page("spans", s).pagination.NextCursor
	require.NotEmpty(t, cursor)
	refused := func(list string, s searchBody, code string, header ...string) {
		t.Helper()
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodPost, "/api/"+list+"/search", s.json(t), header...).Code)
	}
	refused("logs", searchBody{cursor: cursor}, "cursor.mismatch")
	refused("spans", searchBody{cursor: cursor, filters: `[{"field":"root","operator":"eq","value":true}]`}, "cursor.mismatch")
	refused("spans", searchBody{cursor: cursor, from: base(), to: base().Add(time.Hour)}, "cursor.mismatch")
	refused("spans", searchBody{cursor: cursor}, "cursor.mismatch", "X-Scope-OrgID", "other")
	refused("spans", searchBody{cursor: "abc"}, "cursor.malformed")
	for i := range len(cursor) {
		changed := []byte(cursor)
		if changed[i]++; changed[i] == cursor[i] || !strings.ContainsAny(string(changed[i]), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
			continue
		}
		status, body := f.call(http.MethodPost, "/api/spans/search", searchBody{cursor: string(changed)}.json(t))
		require.Equal(t, http.StatusBadRequest, status, "%s", body)
	}
	// Another page size is the same query.
	require.Len(t, f.page("spans", searchBody{limit: 20, cursor: cursor}).items, 20)
}

func TestReplicasWithOneCursorKeyTakeEachOthersCursors(t *testing.T) {
	t.Parallel()
	shared := func(c *Config) { c.CursorKey = "dGhpcnR5LXR3byBieXRlcyBhdCB0aGUgdmVyeSBsZWFzdA==" }
	f := newFixture(t, shared)
	f.fill(1, 100, 50)
	cursor := f.page("spans", searchBody{limit: 10}).pagination.NextCursor
	first := f.page("spans", searchBody{limit: 20}).items
	second := f.with(shared).page("spans", searchBody{limit: 10, cursor: cursor}).items
	require.Equal(t, identity(t, first[10]), identity(t, second[0]))
	require.Equal(t, "cursor.mismatch", f.with(func(c *Config) { c.CursorKey = "" }).problem(http.StatusBadRequest, http.MethodPost, "/api/spans/search",
		searchBody{limit: 10, cursor: cursor}.json(t)).Code)
}
