package query

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
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

// families are traces of some hours with parents, also with missing and several ones of an id, with rings, and with spans that are far from the others.
func families(seed uint64, traces int) ptrace.Traces {
	r := rand.New(rand.NewPCG(seed, 11))
	data := ptrace.NewTraces()
	for i := range traces {
		at := base().Add(-5*time.Hour + time.Duration(r.IntN(6*3600))*time.Second)
		for j := range 1 + r.IntN(7) {
			rs := data.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", r.IntN(4)))
			s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			if r.IntN(40) > 0 { // else of no trace
				s.SetTraceID(pcommon.TraceID{5, byte(seed), byte(i), 1})
			}
			s.SetSpanID(pcommon.SpanID{1, byte(j + 1)})
			if r.IntN(12) == 0 {
				s.SetSpanID(pcommon.SpanID{1, 1}) // as another's
			}
			if j > 0 || r.IntN(6) == 0 {
				s.SetParentSpanID(pcommon.SpanID{1, byte(1 + r.IntN(8))}) // before, itself, later or none
			}
			start := at.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
			if r.IntN(10) == 0 {
				start = at.Add(time.Duration(r.IntN(7)-3) * time.Hour)
			}
			s.SetName(fmt.Sprintf("op-%d", r.IntN(5)))
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(r.IntN(200)) * time.Millisecond)))
			s.Status().SetCode(ptrace.StatusCode(r.IntN(3)))
			if r.IntN(3) == 0 {
				s.Attributes().PutInt("http.status_code", []int64{200, 404, 500}[r.IntN(3)])
			}
			if r.IntN(60) == 0 {
				s.Attributes().PutStr("user.id", "rare")
			}
		}
	}
	return data
}

// relatedFilter is a random filter that may look at other spans.
func relatedFilter(r *rand.Rand, depth int) string {
	list := func() string {
		var parts []string
		for range 1 + r.IntN(2) {
			parts = append(parts, relatedFilter(r, depth-1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	n := r.IntN(10)
	if depth == 0 {
		n = 0
	}
	switch n {
	case 5, 6, 7, 8:
		relation := []string{"trace", "root", "parent", "child", "ancestor", "descendant"}[r.IntN(6)]
		return fmt.Sprintf(`{"relation":%q,"filters":%s}`, relation, list())
	case 4:
		return `{"not":` + list() + `}`
	case 3:
		return `{"or":` + list() + `}`
	case 9:
		return `{"and":` + list() + `}`
	}
	return []string{
		fmt.Sprintf(`{"field":"service","operator":"eq","value":"service-%d"}`, r.IntN(4)), fmt.Sprintf(`{"field":"name","operator":"eq","value":"op-%d"}`, r.IntN(5)),
		`{"field":"status","operator":"eq","value":"error"}`, `{"field":"attributes.user.id","operator":"eq","value":"rare"}`,
		`{"field":"attributes.http.status_code","operator":"gte","value":404}`, `{"field":"duration","operator":"gt","value":"150ms"}`,
	}[r.IntN(6)]
}

// family is all spans that a list by relations looks at, in its order, with a plain way to ask for relations.
type family struct {
	page     *api.SpanPage
	from, to int64 // when what is listed starts
}

func (a family) of(trace string) (list []*api.Span) {
	for i := range a.page.Spans {
		if one := &a.page.Spans[i]; one.TraceID == trace {
			list = append(list, one)
		}
	}
	return list
}

// reach is what some steps lead to from a span.
func (a family) reach(s *api.Span, step func(from, to *api.Span) bool) (list []*api.Span) {
	open := []*api.Span{s}
	for len(open) > 0 {
		from := open[0]
		open = open[1:]
		for _, to := range a.of(s.TraceID) {
			if step(from, to) && !slices.Contains(list, to) {
				list, open = append(list, to), append(open, to)
			}
		}
	}
	return list
}

func (a family) holds(t *testing.T, s *api.Span, raw json.RawMessage) bool {
	t.Helper()
	var f struct {
		And, Or, Not, Filters []json.RawMessage
		Relation              string
	}
	require.NoError(t, json.Unmarshal(raw, &f))
	every := func(s *api.Span, list []json.RawMessage) bool {
		return !slices.ContainsFunc(list, func(one json.RawMessage) bool { return !a.holds(t, s, one) })
	}
	isParent := func(child, parent *api.Span) bool {
		return child.ParentSpanID != "" && child.ParentSpanID == parent.SpanID
	}
	isChild := func(parent, child *api.Span) bool { return isParent(child, parent) }
	var meant []*api.Span
	switch {
	case f.And != nil:
		return every(s, f.And)
	case f.Or != nil:
		return slices.ContainsFunc(f.Or, func(one json.RawMessage) bool { return a.holds(t, s, one) })
	case f.Not != nil:
		return !every(s, f.Not)
	case f.Relation == "":
		return naiveSpan(a.page, s).holds(t, raw)
	case f.Relation == "ancestor":
		meant = a.reach(s, isParent)
	case f.Relation == "descendant":
		meant = a.reach(s, isChild)
	default:
		for _, other := range a.of(s.TraceID) {
			if f.Relation == "trace" || f.Relation == "root" && other.ParentSpanID == "" || f.Relation == "parent" && isParent(s, other) || f.Relation == "child" && isChild(s, other) {
				meant = append(meant, other)
			}
		}
	}
	return slices.ContainsFunc(meant, func(other *api.Span) bool { return every(other, f.Filters) })
}

// familyOf is that of a search: all that is there, whenever it is.
func (f *fixture) familyOf(s searchBody) family {
	f.t.Helper()
	a := family{&api.SpanPage{}, s.from.UnixNano(), s.to.UnixNano()}
	s.from, s.to = s.from.Add(-48*time.Hour), s.to.Add(48*time.Hour)
	f.search("spans", s, a.page)
	require.False(f.t, a.page.Pagination.HasMore)
	return a
}

// lists are what spans and traces a list by filters has, in its order.
func (a family) lists(t *testing.T, filters []json.RawMessage) (spans, traces []string) {
	t.Helper()
	for i := range a.page.Spans {
		s := &a.page.Spans[i]
		if at := number64(t, s.StartTimeUnixNano); int64(at) < a.from || int64(at) >= a.to {
			continue
		}
		if strings.Trim(s.TraceID, "0") == "" || slices.ContainsFunc(filters, func(raw json.RawMessage) bool { return !a.holds(t, s, raw) }) {
			continue
		}
		if spans = append(spans, s.ID); !slices.Contains(traces, s.TraceID) {
			traces = append(traces, s.TraceID)
		}
	}
	return spans, traces
}

// Conditions on other spans hold as somebody says who looks at all spans of each trace, in every order and however the list is cut into pages.
func TestFiltersLookAtOtherSpansOfATrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(families(seed, 40)), 25)
	}
	from, to := base().Add(-6*time.Hour), base().Add(2*time.Hour)
	r := rand.New(rand.NewPCG(3, 3))
	found := 0
	for n := range 20 {
		s := searchBody{from: from, to: to, limit: 1000, sort: []string{`{"by":"time"}`, `{"by":"time","order":"asc"}`, `{"by":"duration"}`}[n%3]}
		switch n % 5 { // traces that go on beyond it
		case 0:
			s.from, s.to = base().Add(-4*time.Hour), base().Add(-time.Hour)
		case 2:
			s.from, s.to = base().Add(-2*time.Hour), base().Add(-time.Hour-50*time.Minute)
		}
		a := f.familyOf(s)
		var filters []json.RawMessage
		for range 1 + r.IntN(2) {
			filters = append(filters, json.RawMessage(relatedFilter(r, 3)))
		}
		filters = append(filters, json.RawMessage(`{"relation":"trace","filters":[`+relatedFilter(r, 2)+`]}`))
		spans, traces := a.lists(t, filters)
		found += min(len(spans), 1)
		s.filters = asJSON(t, filters)
		for _, limit := range []int{1000, 1 + r.IntN(40)} {
			s.limit = max(limit, len(spans)/3)
			f.totalsOf(s, len(spans), len(traces))
			got, _ := f.walk("spans", s, nil)
			require.Equal(t, spans, got, "spans by %s, %s, %d a page", s.filters, s.sort, s.limit)
			got, _ = f.walk("traces", s, nil)
			require.Equal(t, traces, got, "traces by %s, %s, %d a page", s.filters, s.sort, s.limit)
		}
	}
	require.Greater(t, found, 8, "some hold")
}

// totalsOf asks for the totals of lists that have so many spans and traces.
func (f *fixture) totalsOf(s searchBody, spans, traces int) {
	f.t.Helper()
	s.total = true
	for list, n := range map[string]int{"spans": spans, "traces": traces} {
		p := f.page(list, s)
		require.NotNil(f.t, p.pagination.Total, list)
		total := int(*p.pagination.Total)
		if !p.pagination.HasMore {
			require.Equal(f.t, api.TotalIsExact, p.pagination.TotalIs)
			require.Equal(f.t, n, total, list)
			continue
		}
		require.Equal(f.t, api.TotalIsAtLeast, p.pagination.TotalIs)
		require.LessOrEqual(f.t, total, n, list)
		require.GreaterOrEqual(f.t, total, len(p.items), list)
		s := s
		s.cursor = p.pagination.NextCursor
		p = f.page(list, s)
		require.Equal(f.t, api.TotalIsAtLeast, p.pagination.TotalIs)
		require.LessOrEqual(f.t, int(*p.pagination.Total), n, list)
	}
}

// A trace that began before the range, or goes on after it, is looked at there too, however long; what is listed starts in the range.
func TestRelationsLookBeyondTheRange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	data := ptrace.NewTraces()
	for i, began := range []time.Duration{-time.Minute, -59 * time.Minute, -61 * time.Minute} {
		spans := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for j, at := range []time.Duration{began, 5 * time.Minute, 20 * time.Minute} {
			s := spans.AppendEmpty()
			s.SetTraceID(pcommon.TraceID{7, byte(i)})
			s.SetSpanID(pcommon.SpanID{7, byte(i), byte(j + 1)})
			if s.SetName("checkout"); j > 0 {
				s.SetName([]string{"", "charge", "late"}[j])
				s.SetParentSpanID(pcommon.SpanID{7, byte(i), 1})
			}
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(at)))
		}
	}
	for range 2 { // at level 0 and settled
		f.store("default", telemetry.Traces, testbed.TracesPayload(data), 2)
		data.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool { // the others of it are other traces
			spans := rs.ScopeSpans().At(0).Spans()
			for i := range spans.Len() {
				id := spans.At(i).TraceID()
				id[0] = 8
				spans.At(i).SetTraceID(id)
			}
			return false
		})
	}
	s := searchBody{from: base(), to: base().Add(10 * time.Minute), limit: 100}
	names := func(filters string, scope string) (traces int) {
		s := s
		s.filters, s.scope = filters, scope
		var page api.SpanPage
		f.search("spans", s, &page)
		for i := range page.Spans {
			require.Equal(t, "charge", page.Spans[i].Name, "what is listed starts in the range")
		}
		ids, _ := f.walk("traces", s, nil)
		require.Len(t, ids, len(page.Spans))
		return len(ids)
	}
	root := `{"field":"name","operator":"eq","value":"checkout"}`
	require.Equal(t, 6, names(`[{"relation":"root","filters":[`+root+`]}]`, ""), "also that of more than an hour ago")
	require.Equal(t, 6, names(`[{"relation":"parent","filters":[`+root+`]}]`, ""))
	require.Equal(t, 6, names(`[{"field":"name","operator":"eq","value":"charge"},`+root+`]`, "trace"))
	require.Zero(t, names(`[{"not":[{"relation":"root","filters":[`+root+`]}]}]`, ""))
	require.Equal(t, 6, names(`[{"relation":"trace","filters":[{"field":"name","operator":"eq","value":"late"}]}]`, ""))
	require.Zero(t, names(`[`+root+`]`, ""), "it starts before the range")
}

// TestATraceIsJudgedByAllItsSpans: a root of four hours has a child that meets the condition three hours later, or three hours before it, or two days later; others have none. Which are
// listed depends neither on the range nor on the page, at level 0, in part of that, and settled; nor do figures.
func TestATraceIsJudgedByAllItsSpans(t *testing.T) {
	t.Parallel()
	const each = 5
	far := []time.Duration{3 * time.Hour, -3 * time.Hour, 48 * time.Hour, 0} // 0: there is none
	one := func(f *fixture, kind, i, from, to int) {
		var spans []wholeSpan
		trace := fmt.Sprintf("%032x", 1+kind<<8+i)
		id := func(n int) string { return fmt.Sprintf("%016x", 16*(1+kind<<8+i)+n) }
		at := base().Add(-5 * time.Hour).Add(time.Duration(i) * time.Minute).UnixNano()
		spans = append(spans, wholeSpan{trace: trace, id: id(0), service: "job", start: at, end: at + int64(4*time.Hour)},
			wholeSpan{trace: trace, id: id(1), parent: id(0), service: "step", start: at + 1, end: at + 500})
		late := at + int64(far[kind])
		if far[kind] != 0 {
			spans = append(spans, wholeSpan{trace: trace, id: id(2), parent: id(0), service: "rare", start: late, end: late + 7})
		}
		f.store("default", telemetry.Traces, payloadOfWhole(spans[min(from, len(spans)):min(to, len(spans))]), 10)
	}
	for stage := range 3 {
		f := newFixture(t)
		for kind := range far {
			for i := range each {
				switch stage {
				case 0: // all of a trace comes at once
					one(f, kind, i, 0, 3)
				case 1: // at level 0 here, settled there, in both orders
					one(f, kind, i, 0, 2)
					one(f, kind, i, 2, 3)
				case 2:
					one(f, kind, i, 2, 3)
					one(f, kind, i, 0, 2)
				}
			}
		}
		rare, job := `{"field":"service","operator":"eq","value":"rare"}`, `{"field":"service","operator":"eq","value":"job"}`
		around := searchBody{from: base().Add(-5 * time.Hour), to: base().Add(-5*time.Hour + 30*time.Minute)} // the root, and what began with it
		for filters, want := range map[string][2]int{                                                         // roots and their steps that are listed
			`[` + job + `,{"relation":"trace","filters":[` + rare + `]}]`:                                 {3 * each, 0},
			`[` + job + `,{"relation":"child","filters":[` + rare + `]}]`:                                 {3 * each, 0},
			`[` + job + `,{"not":[{"relation":"descendant","filters":[` + rare + `]}]}]`:                  {each, 0},
			`[{"not":[{"relation":"trace","filters":[` + rare + `]}]}]`:                                   {each, each},
			`[{"relation":"root","filters":[` + job + `]},{"relation":"trace","filters":[` + rare + `]}]`: {3 * each, 3 * each},
		} {
			for _, sort := range []string{`{"by":"time"}`, `{"by":"time","order":"asc"}`, `{"by":"duration"}`} {
				for _, limit := range []int{100, 3} {
					s := around
					s.filters, s.sort, s.limit = filters, sort, limit
					spans, _ := f.walk("spans", s, nil)
					require.Len(t, spans, want[0]+want[1], "stage %d, %s, %s", stage, filters, sort)
					traces, _ := f.walk("traces", s, nil)
					require.Len(t, traces, want[0], "stage %d, %s, %s", stage, filters, sort)
				}
			}
			var parts []json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(filters), &parts))
			a := aggregateBody{signal: telemetry.Traces, of: "traces", from: around.from.UnixNano(), to: around.to.UnixNano(), measures: []api.Measure{{Measure: "count"}}}
			for _, one := range parts {
				a.filters = append(a.filters, string(one))
			}
			figures := f.aggregate(&a)
			require.Nil(t, figures.Incomplete)
			require.InDelta(t, want[0], *figures.Total.Figures[0], 0, "stage %d, %s", stage, filters)
		}
		s := around // the child is listed, and its root is hours before it, or after
		s.from, s.to, s.limit = base().Add(-10*time.Hour), base().Add(48*time.Hour), 4
		s.filters = `[` + rare + `,{"relation":"parent","filters":[` + job + `]}]`
		spans, _ := f.walk("spans", s, nil)
		require.Len(t, spans, 3*each)
		s.filters = `[` + job + `,` + rare + `]`
		s.scope = "trace"
		traces, _ := f.walk("traces", s, nil)
		require.Len(t, traces, 3*each)
	}
}

// What came after the spans of the range, and starts after it, is seen on each page.
func TestPagesOfRelationsSeeTheSameBeyondTheRange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, of := range []struct {
		name string
		at   time.Duration
	}{{"charge", 5 * time.Minute}, {"late", 20 * time.Minute}} {
		for i := range 3 { // a request each
			data := ptrace.NewTraces()
			s := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			s.SetTraceID(pcommon.TraceID{7, byte(i)})
			s.SetSpanID(pcommon.SpanID{7, byte(i), of.name[0]})
			if s.SetName(of.name); of.name == "late" {
				s.SetParentSpanID(pcommon.SpanID{7, byte(i), 'c'})
			}
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(of.at)))
			f.store("default", telemetry.Traces, testbed.TracesPayload(data), 10)
		}
	}
	late := `{"relation":"child","filters":[{"field":"name","operator":"eq","value":"late"}]}`
	for filters, want := range map[string]int{`[` + late + `]`: 3, `[{"not":[` + late + `]}]`: 0} {
		s := searchBody{from: base(), to: base().Add(10 * time.Minute), limit: 1, filters: filters}
		ids, _ := f.walk("spans", s, nil)
		require.Len(t, ids, want, filters)
	}
}

// With the scope of a trace, each filter holds for some span of it: which is what each of them finds by itself, taken together.
func TestFiltersMayHoldForDifferentSpans(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(3) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(families(seed, 60)), 25)
	}
	s := searchBody{from: base().Add(-6 * time.Hour), to: base().Add(2 * time.Hour), limit: 1000}
	filters := []string{
		`{"field":"service","operator":"eq","value":"service-1"}`, `{"field":"name","operator":"eq","value":"op-2"}`, `{"field":"attributes.user.id","operator":"eq","value":"rare"}`,
	}
	traces := func(filters ...string) []string {
		s := s
		s.filters = "[" + strings.Join(filters, ",") + "]"
		ids, _ := f.walk("traces", s, nil)
		return ids
	}
	some := 0
	for _, one := range filters {
		for _, other := range filters {
			var want []string
			wide := s
			wide.from, wide.to, wide.filters = wide.from.Add(-48*time.Hour), wide.to.Add(48*time.Hour), "["+other+"]"
			has, _ := f.walk("traces", wide, nil)
			for _, id := range traces(one) {
				if slices.Contains(has, id) {
					want = append(want, id)
				}
			}
			some += min(len(want), 1)
			q := s
			q.filters, q.scope, q.limit = "["+one+","+other+"]", "trace", 7
			got, _ := f.walk("traces", q, nil)
			require.Equal(t, want, got, q.filters)
			q.scope, q.limit = "span", 1000
			both, _ := f.walk("traces", q, nil)
			require.Equal(t, traces(one, other), both)
		}
	}
	require.Equal(t, len(filters)*len(filters), some)
}

// What is rare is looked for first, so that not every trace of what is common is judged; and an answer that is cut begins right and goes on.
func TestRelatedFiltersLookAtLittle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(8) {
		data := families(seed, 100)
		if seed == 3 {
			data.ResourceSpans().At(7).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("order", "lost")
		}
		f.position += f.position % 2 // settled, with groups
		f.store("default", telemetry.Traces, testbed.TracesPayload(data), 20)
	}
	s := searchBody{from: base().Add(-6 * time.Hour), to: base().Add(2 * time.Hour), limit: 10, scope: "trace"}
	s.filters = `[{"field":"name","operator":"exists"},{"field":"attributes.order","operator":"eq","value":"lost"}]`
	p := f.page("traces", s)
	require.Len(t, p.items, 1)
	require.Less(t, p.stats.SegmentsRead, p.stats.SegmentsPruned/2)

	for n, list := range []string{"spans", "traces", "spans", "traces"} {
		s.filters = `[{"field":"service","operator":"eq","value":"service-1"},{"field":"status","operator":"eq","value":"error"}]`
		if n >= 2 { // any span may be meant
			s.filters = `[{"relation":"trace","filters":[{"field":"service","operator":"eq","value":"service-1"}]}]`
		}
		s.limit, s.cursor = 1000, ""
		want, _ := f.walk(list, s, nil)
		require.Greater(t, len(want), 50)
		small, cut := f.budget(60), 0
		s.limit = 30
		var got []string
		for more := true; more; {
			p := small.page(list, s)
			if p.incomplete != nil {
				require.Equal(t, api.IncompleteReasonScanBudget, p.incomplete.Reason)
				cut++
			}
			for _, item := range p.items {
				got = append(got, identity(t, item))
			}
			more, s.cursor = p.pagination.HasMore, p.pagination.NextCursor
		}
		require.Equal(t, want, got, list)
		require.Positive(t, cut)
	}
}

func TestRelationsAreRefusedWhereThereAreNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one := `{"field":"service","operator":"eq","value":"a"}`
	refused := func(list, code, says string, s searchBody) {
		p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/"+list+"/search", s.json(t))
		require.Equal(t, code, p.Code, p.Detail)
		require.Contains(t, p.Detail, says)
	}
	parent := `[{"relation":"parent","filters":[` + one + `]}]`
	refused("logs", "filter.relation", "filters[0]: conditions on other spans", searchBody{filters: parent})
	refused("metrics", "filter.relation", "lists of spans and traces", searchBody{filters: parent})
	refused("logs", "request.scope", "logs are of no trace", searchBody{scope: "trace"})
	refused("spans", "request.scope", `"all" is not span or trace`, searchBody{scope: "all"})
	refused("traces", "filter.relation", "want one of trace, root, parent, child, ancestor, descendant", searchBody{filters: `[{"relation":"uncle","filters":[` + one + `]}]`})
	for _, wrong := range []string{
		`{"relation":"parent"}`, `{"filters":[` + one + `]}`, `{"relation":"parent","filters":[]}`, `{"relation":"parent","filters":[` + one + `],"and":[` + one + `]}`,
		`{"relation":"parent","filters":[` + one + `],"field":"name"}`,
	} {
		refused("spans", "filter.malformed", "filters[0]", searchBody{filters: "[" + wrong + "]"})
	}
	many := strings.TrimSuffix(strings.Repeat(parent[1:len(parent)-1]+",", 33), ",")
	refused("spans", "filter.too_large", "filters[32]: more than 32 relations", searchBody{filters: "[" + many + "]"})
	refused("spans", "filter.unknown_field", "filters[0].filters[0]: unknown field", searchBody{filters: `[{"relation":"child","filters":[{"field":"nam","operator":"eq","value":1}]}]`})
	p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/aggregate", fmt.Sprintf(`{"signal":"traces","time_range":{"start_time":%d,"end_time":%d},"measures":[{"measure":"count"}],"filters":%s}`,
		base().UnixNano(), base().Add(time.Hour).UnixNano(), parent))
	require.Equal(t, "filter.relation", p.Code)
}

// A list ends at its budget also where nearly all may be meant and hardly anything is, and every segment of the hour reaches to its end.
func TestRelatedFiltersEndAtTheirBudget(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const segments, traces = 20, 50 // in each
	for n := range segments {
		data := ptrace.NewTraces()
		spans := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for i := range traces {
			for span := range byte(2) {
				s := spans.AppendEmpty()
				s.SetTraceID(pcommon.TraceID{1, byte(n), byte(i)})
				s.SetSpanID(pcommon.SpanID{byte(n), byte(i), span + 1})
				if s.SetName("parent"); span == 1 {
					s.SetName("child")
					s.SetParentSpanID(pcommon.SpanID{byte(n), byte(i), 1})
				}
				if n == 7 && i == 3 && span == 0 {
					s.SetName("rare")
				}
				s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(i)*time.Minute + time.Duration(n)*time.Second)))
			}
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(data), 2*traces)
	}
	s := searchBody{from: base(), to: base().Add(time.Hour), limit: 10, filters: `[{"relation":"parent","filters":[{"not":[{"field":"name","operator":"eq","value":"parent"}]}]}]`}
	for _, list := range []string{"spans", "traces"} {
		want, _ := f.walk(list, s, nil)
		require.Len(t, want, 1, list)
		small, pages := f.budget(2*segments*traces), 0
		var got []string
		for more := true; more; pages++ {
			p := small.page(list, s)
			require.Less(t, p.stats.ItemsScanned, int64(3*2*segments*traces), "%s: the lot that spends the budget, and what judges it", list)
			for _, item := range p.items {
				got = append(got, identity(t, item))
			}
			more, s.cursor = p.pagination.HasMore, p.pagination.NextCursor
		}
		require.Equal(t, want, got, list)
		require.Greater(t, pages, 1)
		s.cursor = ""
	}
}
