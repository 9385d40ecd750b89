package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
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

// scattered are traces of some hours, with a few lengths that many share, and some that are not known.
func scattered(seed uint64, n int) ptrace.Traces {
	r := rand.New(rand.NewPCG(seed, 7))
	data := ptrace.NewTraces()
	scopes := map[int]ptrace.ScopeSpans{}
	for i := range n {
		service := r.IntN(4)
		if _, ok := scopes[service]; !ok {
			rs := data.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", service))
			scopes[service] = rs.ScopeSpans().AppendEmpty()
		}
		s := scopes[service].Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, byte(seed), byte(r.IntN(max(n/3, 1))), byte(r.IntN(2))})
		s.SetSpanID(pcommon.SpanID{byte(seed), byte(i), byte(i >> 8), 1})
		s.SetName(fmt.Sprintf("op-%d", r.IntN(5)))
		at := base().Add(-4*time.Hour + time.Duration(r.IntN(5*3600))*time.Second)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		switch took := time.Duration(r.ExpFloat64() * float64(20*time.Millisecond)); r.IntN(10) {
		case 0:
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(r.IntN(3)) * 50 * time.Millisecond)))
		case 1:
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(-time.Hour))) // ended before it started
		default:
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(took)))
		}
		if r.IntN(8) == 0 {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	return data
}

// Every order of a list is that of all of it, sorted by somebody else, however it is cut into pages, and whatever filters.
func TestListsComeInTheOrderThatIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(scattered(seed, 40)), 9)
	}
	from, to := base().Add(-5*time.Hour), base().Add(2*time.Hour)
	durationOf := func(s api.Span) int64 {
		if s.DurationUnknown {
			return -1
		}
		n, err := strconv.ParseInt(s.DurationNano, 10, 64)
		require.NoError(t, err)
		return n
	}
	for _, filters := range []string{
		`[]`, `[{"field":"service","operator":"eq","value":"service-1"}]`, `[{"field":"status","operator":"eq","value":"error"}]`,
		`[{"field":"status","operator":"eq","value":"error"},{"field":"service","operator":"in","value":["service-0","service-2"]}]`,
		`[{"field":"duration","operator":"gt","value":"30ms"}]`, `[{"field":"name","operator":"eq","value":"op-3"}]`, `[{"field":"service","operator":"eq","value":"nobody"}]`,
	} {
		var all api.SpanPage
		f.search("spans", searchBody{from: from, to: to, filters: filters, limit: 1000}, &all)
		for order, compare := range map[string]func(a, b api.Span) int{
			`{"by":"time","order":"asc"}`: func(a, b api.Span) int { return cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano) },
			`{"by":"time"}`:               func(a, b api.Span) int { return cmp.Compare(b.StartTimeUnixNano, a.StartTimeUnixNano) },
			`{"by":"duration"}`:           func(a, b api.Span) int { return cmp.Compare(durationOf(b), durationOf(a)) },
		} {
			want := slices.Clone(all.Spans)
			slices.SortStableFunc(want, compare) // ties: newest first, as they came
			var ids []string
			for _, s := range want {
				ids = append(ids, s.ID)
			}
			for _, limit := range []int{7, 1000} {
				got, pages := f.walk("spans", searchBody{from: from, to: to, filters: filters, limit: limit, sort: order}, nil)
				require.Equal(t, ids, got, "%s by %s", filters, order)
				require.Equal(t, max((len(ids)+limit-1)/limit, 1), pages)
			}
		}
	}
	for _, list := range lists() {
		p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/"+list+"/search"+hour()+"&sort=duration&order=asc", "")
		require.Equal(t, "request.sort", p.Code, list)
	}
	require.Equal(t, "request.sort", f.problem(http.StatusBadRequest, http.MethodGet, "/api/logs/search"+hour()+"&sort=duration", "").Code)
}

// The oldest of all there is are found in a few looks, however long the range is; and a page begins where the one before ended.
func TestTheOldestAreFoundInARangeOfAnyLength(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Timeout = testbed.Prompt })
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(scattered(seed, 40)), 9)
	}
	ask := func(start, end, cursor string) (page api.SpanPage) {
		f.get("/api/spans/search?"+url.Values{"start_time": {start}, "end_time": {end}, "sort": {"time"}, "order": {"asc"}, "limit": {"150"}, "cursor": {cursor}}.Encode(), &page)
		return page
	}
	for _, r := range [][2]string{
		{"1970-01-01T00:00:00Z", "9223372036854775807"}, {"1677-10-01T00:00:00Z", "2262-01-01T00:00:00Z"}, {base().Add(-5 * time.Hour).Format(time.RFC3339), "9223372036854775807"},
	} {
		page := ask(r[0], r[1], "")
		require.Len(t, page.Spans, 150, r)
		require.True(t, page.Pagination.HasMore)
		rest := ask(r[0], r[1], page.Pagination.NextCursor)
		require.Len(t, rest.Spans, 10, r)
		require.Less(t, rest.Stats.ItemsScanned, page.Stats.ItemsScanned/2, "what was listed is not looked at again")
		require.Empty(t, ask("2027-01-01T00:00:00Z", r[1], "").Spans)
	}
}

// The slowest spans are found where they are: headers say how long the longest of a segment is.
func TestTheSlowestSpansOpenFewSegments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(scattered(seed, 200)), 8)
	}
	body := searchBody{from: base().Add(-5 * time.Hour), to: base().Add(2 * time.Hour), limit: 5, sort: `{"by":"duration"}`}
	p := f.page("spans", body)
	require.Len(t, p.items, 5)
	require.Greater(t, p.stats.SegmentsPruned, 60)
	require.Less(t, p.stats.SegmentsRead, 20)
	oldest := f.page("spans", searchBody{from: body.from, to: body.to, limit: 5, sort: `{"by":"time","order":"asc"}`})
	require.Less(t, oldest.stats.SegmentsRead, 40, "of the first hours")

	// Where it is cut, what is given is the beginning all the same, and it goes on.
	small := f.budget(40)
	for _, list := range []string{"spans", "traces"} {
		all, _ := f.walk(list, searchBody{from: body.from, to: body.to, limit: 1000, sort: body.sort}, nil)
		most := min(len(all), 40)
		var got []string
		cut := 0
		for body.cursor = ""; ; {
			p := small.page(list, body)
			if p.incomplete != nil {
				cut++
			}
			for _, item := range p.items {
				got = append(got, identity(t, item))
			}
			require.Equal(t, all[:len(got)], got, list)
			if !p.pagination.HasMore || len(got) > most {
				break
			}
			body.cursor = p.pagination.NextCursor
		}
		require.GreaterOrEqual(t, len(got), most, list)
		require.Positive(t, cut, list)
	}
	var one struct{ Pagination api.Pagination }
	status, answer := f.call(http.MethodGet, "/api/spans/search"+hour()+"&limit=1&sort=duration", "")
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, json.Unmarshal(answer, &one))
	if one.Pagination.HasMore {
		p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour()+"&limit=1&cursor="+one.Pagination.NextCursor, "")
		require.Equal(t, "cursor.mismatch", p.Code, "a cursor of one order is none of another")
	}
}

// A trace stands where the first of its matching spans does, on one page, in every order.
func TestTracesComeInTheOrderThatIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(scattered(seed, 40)), 9)
	}
	from, to := base().Add(-5*time.Hour), base().Add(2*time.Hour)
	for _, filters := range []string{`[]`, `[{"field":"service","operator":"in","value":["service-1","service-2"]}]`, `[{"field":"status","operator":"eq","value":"error"}]`} {
		for _, order := range []string{`{"by":"time"}`, `{"by":"time","order":"asc"}`, `{"by":"duration"}`} {
			var spans api.SpanPage
			f.search("spans", searchBody{from: from, to: to, filters: filters, limit: 1000, sort: order}, &spans)
			var want []string
			for _, s := range spans.Spans {
				if !slices.Contains(want, s.TraceID) {
					want = append(want, s.TraceID)
				}
			}
			for _, limit := range []int{4, 1000} {
				got, _ := f.walk("traces", searchBody{from: from, to: to, filters: filters, limit: limit, sort: order}, nil)
				require.Equal(t, want, got, "%s by %s, %d a page", filters, order, limit)
			}
		}
	}
}
