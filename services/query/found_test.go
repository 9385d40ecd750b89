package query

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
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

// shopItems are what shop stores.
const shopItems = 15_000

// shop stores items of a shop, a few as they came in, most of them merged, in segments so large that a few rows are read without the ids of
// all others.
func (f *fixture) shop(signal telemetry.Signal) {
	f.t.Helper()
	shop := testbed.NewShop(3, base().Add(-40*time.Minute)).Every(500 * time.Millisecond)
	for _, n := range []int{1_000, shopItems - 1_000} {
		payload := shop.Payload(telemetry.Traces, n)
		if signal == telemetry.Logs { // of these traces
			payload = shop.Payload(signal, n)
		}
		f.store("default", signal, payload, 2_200)
	}
}

func duration(t *testing.T, s api.Span) uint64 {
	t.Helper()
	return number64(t, s.EndTimeUnixNano) - number64(t, s.StartTimeUnixNano)
}

// TestRareSpansAreWhole: spans that are read when they are found, or a few of a segment, are those that a full list has, field for field.
func TestRareSpansAreWhole(t *testing.T) {
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
	for name, c := range map[string]struct {
		filter string
		is     func(api.Span) bool
		few    bool
	}{
		"a value that few segments can have": {fmt.Sprintf(`{"field":"attributes.app.user.id","operator":"eq","value":%q}`, id), func(s api.Span) bool { return user(s, id) }, true},
		"a value that is looked for in all":  {fmt.Sprintf(`{"field":"attributes.app.user.id","operator":"regex","value":"^%s$"}`, id), func(s api.Span) bool { return user(s, id) }, false},
		"a duration that few spans have":     {above(20), long(20), false},
		"a duration that many segments have": {above(400), long(400), false},
		"a duration that most spans have":    {above(12_000), long(12_000), false},
	} {
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
				require.Less(t, page.Stats.BytesRead, int64(page.Stats.SegmentsRead)*48<<10, "%s: ids of other spans are not fetched", name)
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
		"by trace":          fmt.Sprintf(`{"field":"trace_id","operator":"eq","value":%q}`, one.TraceID),
		"by part of a body": fmt.Sprintf(`{"field":"body","operator":"contains","value":%q}`, one.Body.String),
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
