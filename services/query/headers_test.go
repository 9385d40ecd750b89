package query

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestGroupsPrune: a value that only one segment of several groups has is found there, and the others are not read; what is nowhere reads
// next to nothing.
func TestGroupsPrune(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for n := range 8 {
		var s scene
		for i := range 60 {
			s.span(byte(i+1), "cart", "GET", ptrace.SpanKindServer, none(), with("order.id", fmt.Sprintf("o-%d-%d", n, i)), starting(time.Duration(i)*time.Second))
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 10)
	}
	require.Equal(t, 4, f.groups)
	for n := range 8 {
		var page api.SpanPage
		f.search("spans", searchBody{filters: fmt.Sprintf(`[{"field":"attributes.order.id","operator":"eq","value":"o-%d-17"}]`, n)}, &page)
		require.Len(t, page.Spans, 1)
		require.Less(t, page.Stats.SegmentsRead, 6)
		require.Equal(t, 48, page.Stats.SegmentsRead+page.Stats.SegmentsPruned)
	}
	var page api.SpanPage
	f.search("spans", searchBody{filters: `[{"field":"attributes.order.id","operator":"in","value":["nowhere","o-x"]}]`}, &page)
	require.Empty(t, page.Spans)
	require.Less(t, page.Stats.SegmentsRead, 5)

	// Without a group's row, its segments are looked at themselves.
	_, err := f.db.Pool.Exec(testbed.Context(t), `DELETE FROM spans_group WHERE group_id = (SELECT group_id FROM spans_group LIMIT 1)`)
	require.NoError(t, err)
	found := 0
	for n := range 8 {
		f.search("spans", searchBody{filters: fmt.Sprintf(`[{"field":"attributes.order.id","operator":"eq","value":"o-%d-17"}]`, n)}, &page)
		found += len(page.Spans)
	}
	require.Equal(t, 8, found)
}

// TestBehindAPooler: without prepared statements, bytes come as text.
func TestBehindAPooler(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Postgres.Pooler = true })
	var s scene
	for i := range 30 {
		s.span(byte(i+1), "cart", "GET", ptrace.SpanKindServer, none(), with("order.id", fmt.Sprint(i)), starting(time.Duration(i)*time.Second))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 10)
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 10)
	var page api.SpanPage
	f.search("spans", searchBody{filters: `[{"field":"attributes.order.id","operator":"eq","value":"7"},{"field":"service","operator":"eq","value":"cart"}]`}, &page)
	require.Len(t, page.Spans, 2)
}
