package query

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// read are items as answers give them, by id, each with its resource and scope in place of their indexes.
type read[T any] map[string]full[T]

type full[T any] struct {
	item     T
	resource api.Resource
	scope    api.Scope
}

func (f *fixture) spans(s searchBody, into read[api.Span]) api.SpanPage {
	f.t.Helper()
	var page api.SpanPage
	f.search("spans", s, &page)
	for _, one := range page.Spans {
		resource, scope := page.Resources[one.ResourceIndex], page.Scopes[one.ScopeIndex]
		one.ResourceIndex, one.ScopeIndex = 0, 0
		into[one.ID] = full[api.Span]{one, resource, scope}
	}
	return page
}

func (f *fixture) logs(s searchBody, into read[api.LogRecord]) api.LogPage {
	f.t.Helper()
	var page api.LogPage
	f.search("logs", s, &page)
	for _, one := range page.Logs {
		resource, scope := page.Resources[one.ResourceIndex], page.Scopes[one.ScopeIndex]
		one.ResourceIndex, one.ScopeIndex = 0, 0
		into[one.ID] = full[api.LogRecord]{one, resource, scope}
	}
	return page
}

// idsPerRow is from how many bytes of ids for each row that is read the engine fetches these rows' ids alone.
const idsPerRow = 16 << 10

// shopItems are what shop stores.
const shopItems = 15_000

// shop stores items of a shop, most of them merged, a few as they came in, in segments so large that a few rows are read without the ids of
// all others.
func (f *fixture) shop(signal telemetry.Signal) {
	f.t.Helper()
	shop := testbed.NewShop(3, base().Add(-40*time.Minute)).Every(500 * time.Millisecond)
	for _, n := range []int{shopItems - 1_000, 1_000} {
		payload, size := shop.Payload(telemetry.Traces, n), 2_200
		if signal == telemetry.Logs { // of these traces
			payload, size = shop.Payload(signal, n), segment.MaxItems
		}
		f.store("default", signal, payload, size)
	}
	var directory []byte
	require.NoError(f.t, f.db.Pool.QueryRow(testbed.Context(f.t),
		"SELECT directory FROM "+schema.TablesOf(signal.String()).Segment+" ORDER BY items DESC LIMIT 1").Scan(&directory))
	require.Greater(f.t, must(segment.ParseDirectory(directory)).IDBytes(), idsPerRow)
}

func duration(t *testing.T, s api.Span) uint64 {
	t.Helper()
	return number64(t, s.EndTimeUnixNano) - number64(t, s.StartTimeUnixNano)
}

// TestRareSpansAreWhole: spans that are read when they are found, or a few of a segment, are those that a full list has, field for field.
func TestRareSpansAreWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.shop(telemetry.Traces)
	all := read[api.Span]{}
	for s := (searchBody{limit: 1000}); ; {
		page := f.spans(s, all)
		if s.cursor = page.Pagination.NextCursor; s.cursor == "" {
			break
		}
	}
	require.Len(t, all, shopItems)
	var largest int64 // of the segments, which are as good as alike
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), "SELECT max(octet_length(body)) FROM (SELECT body FROM spans_fresh UNION ALL SELECT body FROM spans_body) AS b").Scan(&largest))
	user := func(s api.Span, id string) bool {
		return slices.ContainsFunc(s.Attributes, func(a api.KeyValue) bool { return a.Key == "app.user.id" && a.Value.String == id })
	}
	users := map[string]int{}
	var durations []uint64
	for _, one := range all {
		for _, a := range one.item.Attributes {
			if a.Key == "app.user.id" {
				users[a.Value.String]++
			}
		}
		durations = append(durations, duration(t, one.item))
	}
	slices.Sort(durations)
	id := slices.MinFunc(slices.Sorted(maps.Keys(users)), func(a, b string) int { return cmp.Compare(users[a], users[b]) })
	above := func(rank int) string { // rank spans take longer
		return fmt.Sprintf(`{"field":"duration","operator":"gt","value":%d}`, durations[len(durations)-1-rank])
	}
	long := func(rank int) func(api.Span) bool {
		return func(s api.Span) bool { return duration(t, s) > durations[len(durations)-1-rank] }
	}
	ofUser := fmt.Sprintf(`{"field":"attributes.app.user.id","operator":"eq","value":%q}`, id)
	one := slices.MinFunc(slices.Collect(maps.Values(all)), func(a, b full[api.Span]) int { return cmp.Compare(a.item.ID, b.item.ID) }).item
	cases := map[string]struct {
		filter string
		is     func(api.Span) bool
		few    bool
	}{
		"roots that take long": {
			`{"field":"root","operator":"eq","value":true},` + above(2000), func(s api.Span) bool { return s.ParentSpanID == "" && long(2000)(s) }, false,
		},
		"children that take long": {
			`{"field":"parent_span_id","operator":"exists"},` + above(300), func(s api.Span) bool { return s.ParentSpanID != "" && long(300)(s) }, false,
		},
		"all but one span that take long": {
			fmt.Sprintf(`{"field":"span_id","operator":"ne","value":%q},`, one.SpanID) + above(300), func(s api.Span) bool { return s.SpanID != one.SpanID && long(300)(s) }, false,
		},
		"spans of a trace that are a user's": {
			`{"field":"trace_id","operator":"exists"},` + ofUser, func(s api.Span) bool { return user(s, id) }, false,
		},
		"a value that few segments can have": {ofUser, func(s api.Span) bool { return user(s, id) }, true},
		"a value that is looked for in all":  {fmt.Sprintf(`{"field":"attributes.app.user.id","operator":"regex","value":"^%s$"}`, id), func(s api.Span) bool { return user(s, id) }, false},
		"a duration that few spans have":     {above(20), long(20), false},
		"a duration that many segments have": {above(400), long(400), false},
		"a duration that most spans have":    {above(12_000), long(12_000), false},
	}
	names := slices.Sorted(maps.Keys(cases))
	for i := range testbed.Some(len(names)) {
		name := names[i]
		c := cases[name]
		want := read[api.Span]{}
		for k, one := range all {
			if c.is(one.item) {
				want[k] = one
			}
		}
		require.NotEmpty(t, want, name)
		got := read[api.Span]{}
		s := searchBody{filters: "[" + c.filter + "]", limit: 500}
		for {
			page := f.spans(s, got)
			if c.few {
				require.Less(t, page.Stats.BytesRead, int64(page.Stats.SegmentsRead)*(largest-idsPerRow*3/4), "%s: ids of other spans are not fetched", name)
			}
			if s.cursor = page.Pagination.NextCursor; s.cursor == "" {
				break
			}
		}
		require.Equal(t, want, got, name)
		t.Logf("%s: %d spans", name, len(got))
	}
}

// TestRareRecordsAreWhole is the same for log records.
func TestRareRecordsAreWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.shop(telemetry.Logs)
	all := read[api.LogRecord]{}
	var one api.LogRecord
	for s := (searchBody{limit: 1000}); ; {
		page := f.logs(s, all)
		for _, l := range page.Logs {
			if l.TraceID != "" {
				one = l
			}
		}
		if s.cursor = page.Pagination.NextCursor; s.cursor == "" {
			break
		}
	}
	require.Len(t, all, shopItems)
	require.NotEmpty(t, one.TraceID)
	for name, filter := range map[string]string{
		"of a trace, by part of a body": fmt.Sprintf(`{"field":"trace_id","operator":"exists"},{"field":"body","operator":"contains","value":%q}`, one.Body.String),
		"by trace":                      fmt.Sprintf(`{"field":"trace_id","operator":"eq","value":%q}`, one.TraceID),
		"by part of a body":             fmt.Sprintf(`{"field":"body","operator":"contains","value":%q}`, one.Body.String),
	} {
		want := read[api.LogRecord]{}
		for k, l := range all {
			if name == "by trace" && l.item.TraceID == one.TraceID || name != "by trace" && l.item.Body.String == one.Body.String {
				want[k] = l
			}
		}
		got := read[api.LogRecord]{}
		page := f.logs(searchBody{filters: "[" + filter + "]", limit: 1000}, got)
		require.False(t, page.Pagination.HasMore)
		require.Equal(t, want, got, name)
		t.Logf("%s: %d records", name, len(got))
	}
}

// TestATraceIsExportedOldestFirst, in whatever order its segments are read.
func TestATraceIsExportedOldestFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := 0
	for _, n := range []int{3, 20, 3} {
		var s scene
		for range n {
			s.span(7, "cart", strconv.Itoa(at), ptrace.SpanKindServer, none(), starting(time.Duration(at)*time.Second))
			at++
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 100)
	}
	status, body := f.call(http.MethodGet, "/api/traces/"+strings.Repeat("0", 31)+"7?format=otlp_proto", "")
	require.Equal(t, http.StatusOK, status)
	td, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(body)
	require.NoError(t, err)
	next := 0
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				require.Equal(t, strconv.Itoa(next), span.Name())
				next++
			}
		}
	}
	require.Equal(t, at, next)
}

// TestFewStatementsArePrepared: each keeps a plan for all partitions in each connection.
func TestFewStatementsArePrepared(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 2 {
		var s scene
		for i := range 12 {
			s.span(byte(i+1), "cart", "GET", ptrace.SpanKindServer, none(), with("order.id", strconv.Itoa(i)), with("n", strconv.Itoa(i)), starting(time.Duration(i)*time.Second))
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 5)
	}
	values := `"0"`
	for i := 1; i < 12; i++ {
		values += fmt.Sprintf(`,"%d"`, i)
		for _, second := range []string{`"1"`, `"0","1"`, `"0","1","1"`} {
			filters := fmt.Sprintf(`[{"field":"attributes.order.id","operator":"in","value":[%s]},{"field":"attributes.n","operator":"in","value":[%s]}]`, values, second)
			require.Len(t, f.page("spans", searchBody{filters: filters}).items, min(2*strings.Count(second, ",")+2, 4))
		}
	}
	prepared := 0
	for _, conn := range f.svc.pool.AcquireAllIdle(testbed.Context(t)) {
		var n int
		require.NoError(t, conn.QueryRow(testbed.Context(t), "SELECT count(*) FROM pg_prepared_statements").Scan(&n))
		prepared = max(prepared, n)
		conn.Release()
	}
	require.Positive(t, prepared)
	require.Less(t, prepared, 16, "a statement a kind of look, and none for each of the 33 filters")
}
