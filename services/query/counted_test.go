package query

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// byCount is what a list of traces is that is sorted by how many spans of each there are, or how many failed, from some instant on.
func byCount(t *testing.T, spans []api.Span, errors bool, since int64) (ids []string, counts map[string]int64) {
	t.Helper()
	counts = map[string]int64{}
	for i := range spans { // newest first
		s := &spans[i]
		start, err := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
		require.NoError(t, err)
		if start < since {
			continue
		}
		if _, ok := counts[s.TraceID]; !ok {
			ids, counts[s.TraceID] = append(ids, s.TraceID), 0
		}
		if !errors || s.Status.Code == 2 {
			counts[s.TraceID]++
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	return ids, counts
}

// countedPages walks through a list of traces that is sorted by a count, and tells since when it was counted.
func (f *fixture) countedPages(s searchBody) (ids []string, counts map[string]int64, since int64) {
	f.t.Helper()
	counts = map[string]int64{}
	for more, first := true, true; more; first = false {
		p := f.page("traces", s)
		from := int64(0)
		if p.incomplete != nil && p.incomplete.Since != "" { // else it was cut when traces were summed up
			var err error
			from, err = strconv.ParseInt(p.incomplete.Since, 10, 64)
			require.NoError(f.t, err)
		}
		if first {
			since = from
		}
		require.Equal(f.t, since, from, "every page is of the same time")
		for _, item := range p.items {
			var one api.TraceSummary
			require.NoError(f.t, json.Unmarshal(item, &one))
			ids, counts[one.TraceID] = append(ids, one.TraceID), *one.SortedByCount
		}
		more, s.cursor = p.pagination.HasMore, p.pagination.NextCursor
	}
	return ids, counts, since
}

// Traces stand by how many of their spans match, or failed, and where not all could be counted, the list says of which time it is, and is right of that.
func TestTracesAreSortedByTheirCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(scattered(seed, 60)), 9)
	}
	for _, filters := range []string{`[]`, `[{"field":"service","operator":"in","value":["service-1","service-2"]}]`, `[{"field":"status","operator":"eq","value":"error"}]`} {
		s := searchBody{from: base().Add(-5 * time.Hour), to: base().Add(2 * time.Hour), filters: filters, limit: 1000}
		var all api.SpanPage
		f.search("spans", s, &all)
		require.NotEmpty(t, all.Spans)
		for by, errors := range map[string]bool{"span_count": false, "error_count": true} {
			s.sort = `{"by":"` + by + `"}`
			want, counts := byCount(t, all.Spans, errors, 0)
			for _, limit := range []int{1000, 7} {
				s.limit = limit
				got, told, since := f.countedPages(s)
				require.Equal(t, want, got, "%s by %s", filters, by)
				require.Equal(t, counts, told)
				require.Zero(t, since)
			}
			s.limit = 7
			got, told, since := f.budget(30).countedPages(s)
			if len(all.Spans) > 100 {
				require.Positive(t, since)
			}
			want, counts = byCount(t, all.Spans, errors, since)
			require.Equal(t, want, got, "%s by %s since %d", filters, by, since)
			require.Equal(t, counts, told)
		}
	}
	// With room for some of them only, those of a newer part of the range are counted.
	many := scattered(9, 6000)
	spans := many.ResourceSpans()
	for i := range spans.Len() {
		for j, one := range spans.At(i).ScopeSpans().At(0).Spans().All() {
			one.SetTraceID(pcommon.TraceID{7, byte(i), byte(j), byte(j >> 8)})
		}
	}
	f.store("other", telemetry.Traces, testbed.TracesPayload(many), 500)
	s := searchBody{from: base().Add(-5 * time.Hour), to: base().Add(2 * time.Hour), limit: 1000, sort: `{"by":"span_count"}`}
	small := f.with(func(c *Config) { c.MaxDecoded = 4 * 4096 * 128 })
	var page api.TracePage
	small.search("traces", s, &page, "X-Scope-OrgID", "other")
	require.Equal(t, api.IncompleteReasonLimit, page.Incomplete.Reason)
	require.NotEmpty(t, page.Incomplete.Since)
	require.Len(t, page.Traces, 1000)
	for _, list := range []string{"spans", "logs", "metrics"} {
		p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/"+list+"/search"+hour()+"&sort=span_count", "")
		require.Equal(t, "request.sort", p.Code, list)
	}
	p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/traces/search", searchBody{sort: `{"by":"error_count","order":"asc"}`}.json(t))
	require.Contains(t, p.Detail, "error_count desc")
	p = f.problem(http.StatusBadRequest, http.MethodPost, "/api/traces/search", searchBody{
		sort: `{"by":"span_count"}`, filters: `[{"relation":"root","filters":[{"field":"name","operator":"exists"}]}]`,
	}.json(t))
	require.Equal(t, "request.sort", p.Code)
}

// What was counted of more than there is room for costs none of the budget of what is counted then, and a total is of the time that was counted.
func TestWhatHadNoRoomCostsNoBudget(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const traces = 6000
	data := scattered(9, traces)
	for i, of := range data.ResourceSpans().All() {
		for j, one := range of.ScopeSpans().At(0).Spans().All() {
			one.SetTraceID(pcommon.TraceID{7, byte(i), byte(j), byte(j >> 8)})
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(data), 100)
	small := f.with(func(c *Config) { c.MaxDecoded, c.ScanBudget = 4*4096*128, traces })
	s := searchBody{from: base().Add(-5 * time.Hour), to: base().Add(2 * time.Hour), limit: 50, sort: `{"by":"span_count"}`, total: true}
	p := small.page("traces", s)
	require.Equal(t, api.IncompleteReasonLimit, p.incomplete.Reason)
	require.Equal(t, api.TotalIsAtLeast, p.pagination.TotalIs)
	ids, _, since := small.countedPages(s)
	require.Positive(t, since)
	require.Greater(t, len(ids), 2000, "about half of what there is room for")
	require.LessOrEqual(t, *p.pagination.Total, int64(len(ids)))
}
