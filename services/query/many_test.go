package query

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// Lists of names that a sender chooses: a sender may choose any number.

// TestOperationsComeByPages in the order that is asked for, and what is not on a page is told exactly.
func TestOperationsComeByPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for stage := range 2 { // of level 2, with rollups, and of level 0
		var spans []plainSpan
		for i := range 30 {
			for k := range 1 + i%7 {
				at := base().Add(time.Duration(k)*time.Minute + time.Duration(i+100*stage)*time.Millisecond).UnixNano()
				kind := []ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindInternal}[i%2]
				spans = append(spans, plainSpan{"shop", "", fmt.Sprintf("operation %02d", i), kind, at, int64(1+i*i%11) * 1e6, k < i%3})
			}
		}
		f.store("default", telemetry.Traces, payloadOf(spans), 40)
	}
	get := func(more string) (list api.OperationList) {
		f.get("/api/services/shop/operations"+hour()+more, &list)
		return list
	}
	rank := map[string]func(o api.Operation) float64{
		"requests":   func(o api.Operation) float64 { return float64(o.Red.Requests) },
		"errors":     func(o api.Operation) float64 { return float64(o.Red.Errors) },
		"p95":        func(o api.Operation) float64 { return float64(number64(t, o.Red.P95Nano)) },
		"total_time": func(o api.Operation) float64 { return float64(number64(t, o.TotalTimeNano)) },
	}
	for sort, by := range rank {
		all := get("&sort=" + sort)
		require.Len(t, all.Operations, 30)
		require.Nil(t, all.Other)
		require.Empty(t, all.NextCursor)
		require.True(t, slices.IsSortedFunc(all.Operations, func(a, b api.Operation) int {
			if by(a) != by(b) {
				return int(math.Copysign(1, by(b)-by(a)))
			}
			return map[bool]int{true: -1, false: 1}[a.Name < b.Name]
		}), sort)
		var requests, errors int64
		for _, o := range all.Operations {
			requests, errors = requests+o.Red.Requests, errors+o.Red.Errors
			require.InEpsilon(t, float64(o.Red.Requests)*float64(number64(t, o.Red.P50Nano)), float64(number64(t, o.TotalTimeNano)), 0.01, "all of one length")
		}
		var paged []api.Operation
		cursor, pages := "", 0
		for {
			page := get("&limit=7&sort=" + sort + "&cursor=" + cursor)
			require.Equal(t, 30, page.Total)
			require.Nil(t, page.Incomplete)
			paged, pages = append(paged, page.Operations...), pages+1
			for _, o := range page.Operations {
				requests, errors = requests-o.Red.Requests, errors-o.Red.Errors
			}
			if cursor = page.NextCursor; cursor == "" {
				require.Nil(t, page.Other)
				break
			}
			require.Equal(t, requests, page.Other.Requests)
			require.Equal(t, errors, page.Other.Errors)
			require.InDelta(t, float64(requests)/page.Covered.Seconds, page.Other.Rate, 1e-9)
		}
		require.Equal(t, 5, pages)
		require.Equal(t, all.Operations, paged, sort)
		require.Zero(t, requests+errors)
	}
	require.Equal(t, get("&sort=requests").Operations, get("").Operations, "the most frequent first")
	first := get("&limit=1&sort=p95").NextCursor
	for wrong, code := range map[string]string{
		"limit=0": "pagination.limit", "limit=1001": "pagination.limit", "sort=name": "request.sort", "cursor=!": "cursor.malformed", "cursor=bm8": "cursor.malformed",
		"sort=errors&cursor=" + first: "cursor.mismatch",
	} {
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodGet, "/api/services/shop/operations"+hour()+"&"+wrong, "").Code)
	}
}

// TestNamesWithoutEndAreToldAsFarAsThereIsRoom: the frequent ones exactly, and all others together, in what one question may hold.
func TestNamesWithoutEndAreToldAsFarAsThereIsRoom(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const names, often = 2500, 40
	of := map[string]func(i int) plainSpan{
		"operations": func(i int) plainSpan { return plainSpan{service: "wide", name: fmt.Sprintf("operation %04d", i)} },
		"services":   func(i int) plainSpan { return plainSpan{service: fmt.Sprintf("service %04d", i), name: "run"} },
	}
	for tenant, named := range of {
		var spans []plainSpan
		for i := range names + 3*often {
			one := named(i)
			if i >= names {
				one = named(i % 3)
			}
			one.kind, one.at, one.duration, one.failed = ptrace.SpanKindServer, base().Add(time.Duration(i)*time.Second/2).UnixNano(), int64(1+i)*1e5, i%7 == 0
			spans = append(spans, one)
		}
		f.position = 0
		f.store(telemetry.Tenant(tenant), telemetry.Traces, payloadOf(spans), 3000)
	}
	poor := f.with(func(c *Config) { c.FreshCache, c.MaxDecoded = 0, 1<<20 })
	within := between(base().UnixNano(), base().Add(2*time.Hour).UnixNano())
	for range 2 { // nothing stays charged
		var whole, got api.OperationList
		f.get("/api/services/wide/operations"+within, &whole, "X-Scope-OrgID", "operations")
		require.Equal(t, names, whole.Total)
		require.Len(t, whole.Operations, 1000)
		require.Nil(t, whole.Incomplete)
		poor.get("/api/services/wide/operations"+within, &got, "X-Scope-OrgID", "operations")
		require.NotNil(t, got.Incomplete)
		require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
		require.Equal(t, whole.Operations[:3], got.Operations[:3])
		sum := got.Other.Requests
		for _, o := range got.Operations {
			sum += o.Red.Requests
		}
		require.EqualValues(t, names+3*often, sum)
		require.Less(t, got.Total, names)

		var list api.ServiceList
		poor.get("/api/services"+within+"&before=true", &list, "X-Scope-OrgID", "services")
		require.NotNil(t, list.Incomplete)
		require.LessOrEqual(t, len(list.Services), 1000)
		require.Positive(t, list.Other.Requests)
		require.EqualValues(t, often+1, list.Services[0].SpanCount)
		var drawn api.ServiceMap
		poor.get("/api/service-map"+within+"&limit=50", &drawn, "X-Scope-OrgID", "services")
		require.NotNil(t, drawn.Incomplete)
		require.Len(t, drawn.Nodes, 50, "the others are one of the busiest")
		sum = 0
		for _, n := range drawn.Nodes {
			sum += n.Red.Requests
			if n.Name == "(others)" {
				require.Greater(t, n.Nodes, 50)
			}
		}
		require.EqualValues(t, names+3*often, sum)
	}
}

// TestWhatIsBeyondALimitOfAMapIsStillInIt: as one node of each kind, with its calls.
func TestWhatIsBeyondALimitOfAMapIsStillInIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 8 {
		for range 1 + i {
			root := s.span(1, "hub", "serve", ptrace.SpanKindServer, none())
			call := s.span(1, "hub", "call", ptrace.SpanKindClient, root)
			s.span(1, fmt.Sprintf("leaf-%02d", i), "serve", ptrace.SpanKindServer, call, failing)
			back := s.span(1, fmt.Sprintf("leaf-%02d", i), "call", ptrace.SpanKindClient, none())
			s.span(1, fmt.Sprintf("leaf-%02d", (i+1)%8), "serve", ptrace.SpanKindServer, back)
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 1000)
	var all, few api.ServiceMap
	f.get("/api/service-map"+hour(), &all)
	require.Len(t, all.Nodes, 9)
	require.Nil(t, all.Other)
	f.get("/api/service-map"+hour()+"&limit=4", &few)
	require.Equal(t, 9, few.Total)
	require.Len(t, few.Nodes, 5)
	require.Nil(t, few.Incomplete, "nothing is lost")
	count := func(m *api.ServiceMap) (requests, calls, errors int64) {
		for _, n := range m.Nodes {
			requests += n.Red.Requests
		}
		for _, e := range m.Edges {
			require.True(t, slices.ContainsFunc(m.Nodes, func(n api.MapNode) bool { return n.ID == e.Source }))
			require.True(t, slices.ContainsFunc(m.Nodes, func(n api.MapNode) bool { return n.ID == e.Target }))
			calls, errors = calls+e.Red.Requests, errors+e.Red.Errors
		}
		if m.Other != nil {
			calls, errors = calls+m.Other.Requests, errors+m.Other.Errors
		}
		return requests, calls, errors
	}
	requests, calls, errors := count(&all)
	fewRequests, fewCalls, fewErrors := count(&few)
	require.Equal(t, []int64{requests, calls, errors}, []int64{fewRequests, fewCalls, fewErrors})
	require.NotNil(t, few.Other, "calls between nodes that are one now")
	at := slices.IndexFunc(few.Nodes, func(n api.MapNode) bool { return n.Nodes > 0 })
	require.Equal(t, 5, few.Nodes[at].Nodes)
	require.Empty(t, few.Nodes[at].Filters)

	var of, some api.DependencyList
	f.get("/api/services/hub/dependencies"+hour(), &of)
	require.Len(t, of.Calls, 8)
	require.Nil(t, of.OtherCalls)
	f.get("/api/services/hub/dependencies"+hour()+"&limit=3", &some)
	require.Equal(t, of.Calls[:3], some.Calls)
	require.Equal(t, []int{8, 0}, []int{some.TotalCalls, some.TotalCallers})
	require.EqualValues(t, 5*6/2, some.OtherCalls.Requests)
	require.EqualValues(t, 5*6/2, some.OtherCalls.Errors)
	require.Nil(t, some.OtherCallers)
	for path, code := range map[string]string{"/api/services/hub/dependencies": "0", "/api/service-map": "10001"} {
		require.Equal(t, "pagination.limit", f.problem(http.StatusBadRequest, http.MethodGet, path+hour()+"&limit="+code, "").Code)
	}
}
