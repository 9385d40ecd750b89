package query

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// largeSpans are n spans of one trace of one service, of which each has an attribute of the given size; every seventh has one ten times as large.
func largeSpans(t *testing.T, n, size int) []byte {
	t.Helper()
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "prompts")
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		s := spans.AppendEmpty()
		s.SetTraceID([16]byte{1, 2, 3})
		s.SetSpanID([8]byte{1, byte(i >> 8), byte(i)})
		s.SetName("chat")
		s.SetStartTimestamp(pcommon.Timestamp(base().UnixNano() + int64(i)*1000))
		s.SetEndTimestamp(s.StartTimestamp() + 500)
		long := size
		if i%7 == 0 {
			long *= 10
		}
		s.Attributes().PutStr("gen_ai.input.messages", strings.Repeat("x", long)) // equal values are one in a segment, and many in an answer
	}
	out, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	require.NoError(t, err)
	return out
}

// An answer is bounded by its bytes: pages are shorter, add up, and say so; an item that is larger than a page comes alone.
func TestAnswersAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	const n, size, most = 60, 30_000, 200_000
	f := newFixture(t, func(c *Config) { c.MaxPageBytes = most })
	f.store("default", telemetry.Traces, largeSpans(t, n, size), 25)

	s := searchBody{limit: 1000}
	seen := map[string]bool{}
	for more := true; more; {
		p := f.page("spans", s)
		bytes := 0
		for _, item := range p.items {
			bytes += len(item)
			id := identity(t, item)
			require.False(t, seen[id])
			seen[id] = true
		}
		require.NotEmpty(t, p.items)
		if bytes > most {
			require.Len(t, p.items, 1, "a larger one alone")
		}
		if more = p.pagination.HasMore; more {
			require.Equal(t, api.IncompleteReasonLimit, p.incomplete.Reason)
			require.Contains(t, p.incomplete.Message, "max_page_bytes")
		} else {
			require.Nil(t, p.incomplete)
		}
		s.cursor = p.pagination.NextCursor
	}
	require.Len(t, seen, n)

	id := pcommon.TraceID([16]byte{1, 2, 3})
	path := "/api/traces/" + hex.EncodeToString(id[:])
	var trace api.Trace
	f.get(path, &trace)
	require.Len(t, trace.Spans, 3, "the fourth is a large one")
	require.Contains(t, trace.Incomplete.Message, fmt.Sprintf("ends after %d", len(trace.Spans)))
	status, otlp := f.call(http.MethodGet, path+"?format=otlp_proto", "")
	require.Equal(t, http.StatusOK, status)
	require.LessOrEqual(t, len(otlp), most+most/10)
	got, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(otlp)
	require.NoError(t, err)
	require.Equal(t, len(trace.Spans), got.SpanCount(), "the same spans in each format")
	last := got.ResourceSpans().At(got.ResourceSpans().Len() - 1).ScopeSpans().At(0).Spans()
	require.Equal(t, pcommon.SpanID([8]byte{1, 0, n - 1}), last.At(last.Len()-1).SpanID(), "the newest are kept")

	f = f.with(func(c *Config) { c.MaxPageBytes = 1 << 30 })
	require.Len(t, f.page("spans", searchBody{limit: 1000}).items, n)
}

func TestQueriesAtATimeFollowTheMemory(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	require.Equal(t, 16, c.queries(0))
	require.Equal(t, 14, c.queries(14*64<<20+1))
	require.Equal(t, 4, c.queries(100<<20))
	require.Equal(t, 16, c.queries(100<<30))
	c.MaxQueries = 3
	require.Equal(t, 3, c.queries(1<<30))
}
