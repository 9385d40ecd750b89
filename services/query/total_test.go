package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// A total is as many as all pages together have, on whichever page it is asked for, and in whatever order.
func TestTotalsAreWhatAllPagesHave(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(3) {
		f.fill(seed, 60, 25)
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(scattered(9, 90)), 11)
	for _, list := range lists() {
		bodies := []searchBody{
			{},
			{filters: `[{"field":"service","operator":"ne","value":"nobody"}]`},
			{filters: `[{"field":"service","operator":"eq","value":"nobody"}]`},
			{from: base().Add(-7 * time.Minute), to: base().Add(-2 * time.Minute)},
			{sort: `{"by":"time","order":"asc"}`},
			{from: base().Add(-5 * time.Hour), to: base().Add(2 * time.Hour)},
		}
		if list == "spans" || list == "traces" {
			bodies = append(bodies, searchBody{sort: `{"by":"duration"}`, filters: `[{"field":"status","operator":"eq","value":"error"}]`})
		}
		for _, body := range bodies {
			body.limit = 1000
			ids, _ := f.walk(list, body, nil)
			body.total, body.limit = true, 7
			for range 3 {
				p := f.page(list, body)
				require.NotNil(t, p.pagination.Total)
				require.Equal(t, int64(len(ids)), *p.pagination.Total, "%s %+v", list, body)
				require.Equal(t, api.TotalIsExact, p.pagination.TotalIs)
				require.Nil(t, p.incomplete)
				if body.cursor = p.pagination.NextCursor; body.cursor == "" {
					break
				}
			}
		}
		silent := f.page(list, searchBody{})
		require.Nil(t, silent.pagination.Total, "nobody asked")
		require.Empty(t, silent.pagination.TotalIs)
		status, answer := f.call(http.MethodGet, "/api/"+list+"/search"+hour()+"&limit=1&total=true", "")
		require.Equal(t, http.StatusOK, status)
		var got struct{ Pagination api.Pagination }
		require.NoError(t, json.Unmarshal(answer, &got))
		require.NotNil(t, got.Pagination.Total)
	}

	// Later pages count what the first one saw.
	first := f.page("spans", searchBody{limit: 5, total: true})
	f.fill(77, 60, 25)
	next := f.page("spans", searchBody{limit: 5, total: true, cursor: first.pagination.NextCursor})
	require.Equal(t, *first.pagination.Total, *next.pagination.Total)
	require.Greater(t, *f.page("spans", searchBody{limit: 5, total: true}).pagination.Total, *first.pagination.Total)
}

// Without filters, what is known of segments tells how many there are; a list is complete though its total is not.
func TestTotalsCostWhatTheyMust(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.store("default", telemetry.Traces, testbed.TracesPayload(scattered(seed, 100)), 8)
	}
	body := searchBody{from: base().Add(-5 * time.Hour), to: base().Add(2 * time.Hour), limit: 5}
	without := f.page("spans", body)
	body.total = true
	with := f.page("spans", body)
	require.Equal(t, int64(400), *with.pagination.Total)
	require.Equal(t, without.stats.SegmentsRead, with.stats.SegmentsRead, "no segment is opened to be counted")
	require.Equal(t, without.stats.BytesRead, with.stats.BytesRead)

	body.filters = `[{"field":"duration","operator":"gte","value":0}]`
	whole := *f.page("spans", body).pagination.Total
	require.Less(t, whole, int64(400), "of some the duration is not known")
	cut := f.budget(120).page("spans", body)
	require.Len(t, cut.items, 5)
	require.Nil(t, cut.incomplete, "of the page")
	require.Equal(t, api.TotalIsAtLeast, cut.pagination.TotalIs)
	require.GreaterOrEqual(t, *cut.pagination.Total, int64(6), "the page, and there is more")
	require.Less(t, *cut.pagination.Total, whole)
}

// So many traces are told by an estimate, which says that it is one.
func TestTotalsOfManyTracesAreEstimates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const many = 9000
	data := ptrace.NewTraces()
	rs := data.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range many {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, byte(i), byte(i >> 8)})
		s.SetSpanID(pcommon.SpanID{1, byte(i), byte(i >> 8)})
		s.SetName(fmt.Sprintf("op-%d", i%3))
		at := base().Add(-time.Duration(i) * time.Millisecond)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Millisecond)))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(data), 1000)
	p := f.page("traces", searchBody{limit: 3, total: true}).pagination
	require.Equal(t, api.TotalIsEstimate, p.TotalIs)
	require.InDelta(t, many, *p.Total, many*0.05)
	p = f.budget(7000).page("traces", searchBody{limit: 3, total: true}).pagination
	require.Equal(t, api.TotalIsAtLeast, p.TotalIs)
	require.LessOrEqual(t, *p.Total, int64(many))
	require.Greater(t, *p.Total, int64(3000))
}
