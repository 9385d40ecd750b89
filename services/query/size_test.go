package query

import (
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// largeSpans are n spans of one trace of one service, of which each has an attribute of the given size; every seventh has one ten times as large.
func largeSpans(n, size int) ptrace.Traces {
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
	return traces
}

// An answer is bounded by its bytes: pages are shorter, add up, and say so; an item that is larger than a page comes alone.
func TestAnswersAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	const n, size, most = 60, 30_000, 200_000
	f := newFixture(t, func(c *Config) { c.MaxPageBytes = most })
	f.store("default", telemetry.Traces, testbed.TracesPayload(largeSpans(n, size)), 25)

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
	require.Len(t, trace.Spans, n, "it is read in parts")
	require.Nil(t, trace.Incomplete)
	for _, format := range []string{"otlp_proto", "otlp"} {
		status, otlp := f.call(http.MethodGet, path+"?format="+format, "")
		require.Equal(t, http.StatusOK, status)
		read := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces
		if format == "otlp" {
			read = (&ptrace.JSONUnmarshaler{}).UnmarshalTraces
		}
		got, err := read(otlp)
		require.NoError(t, err)
		require.Equal(t, n, got.SpanCount(), format)
	}

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

func TestDecodedBytesFollowTheMemory(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	require.EqualValues(t, 512<<20, c.decoded(0))
	require.EqualValues(t, 256<<20, c.decoded(1<<30))
	require.EqualValues(t, leastDecoded, c.decoded(100<<20), "a long question needs so much")
	c.MaxDecoded = 100 << 20
	require.EqualValues(t, 100<<20, c.decoded(1<<30))
	c.MaxDecoded = 1
	require.ErrorContains(t, c.Validate(), "max_decoded_bytes")
}

// noisySpans is largeSpans whose values are all different and do not compress.
func noisySpans(t *testing.T, n, size int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(7, uint64(n)))
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "prompts")
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		value := make([]byte, size)
		for j := range value {
			value[j] = byte(r.Uint32())
		}
		s := spans.AppendEmpty()
		s.SetTraceID([16]byte{3, byte(i)})
		s.SetSpanID([8]byte{3, byte(i >> 8), byte(i)})
		s.SetName("chat")
		s.SetStartTimestamp(pcommon.Timestamp(base().UnixNano() + int64(i)*1000))
		s.SetEndTimestamp(s.StartTimestamp() + 500)
		s.Attributes().PutEmptyBytes("gen_ai.output.messages").FromRaw(value)
	}
	out, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	require.NoError(t, err)
	return out
}

// Once a page is full, what is left of what was found is not decoded, nor fetched: whether few rows of a segment were found or many.
func TestWhatDoesNotFitIntoAPageIsNotRead(t *testing.T) {
	t.Parallel()
	const n, size, most = 400, 20_000, 200_000
	for _, each := range []int{4, 10} {
		f := newFixture(t, func(c *Config) { c.MaxPageBytes = most; c.Workers = 2 })
		f.store("default", telemetry.Traces, noisySpans(t, n, size), each)
		p := f.page("spans", searchBody{limit: 1000})
		require.Equal(t, api.IncompleteReasonLimit, p.incomplete.Reason)
		require.Less(t, len(p.items), 10)
		require.Less(t, p.stats.BytesRead, int64(n*size/3), "%d a segment", each)
	}
}

// What an answer holds does not depend on what there was memory to keep until it is drawn, here from all of it to hardly any.
func TestAPageIsTheSameWhateverMemoryThereIs(t *testing.T) {
	t.Parallel()
	const n, size, most = 120, 20_000, 250_000
	f := newFixture(t, func(c *Config) { c.MaxPageBytes = most; c.Workers = 2 })
	f.store("default", telemetry.Traces, noisySpans(t, n/2, size), 3)
	f.store("default", telemetry.Traces, noisySpans(t, n/2+5, size), 10)
	want, _ := f.walk("spans", searchBody{limit: 1000}, nil)
	require.Len(t, want, n+5)
	first := f.page("spans", searchBody{limit: 1000})
	memories := []int64{1 << 20, 2 << 20, 4 << 20, 64 << 20}
	for i := range testbed.Some(len(memories)) {
		memory := memories[i]
		g := f.with(func(c *Config) { c.MaxPageBytes = most; c.Workers = 2; c.MaxDecoded = memory })
		require.Len(t, g.page("spans", searchBody{limit: 1000}).items, len(first.items), memory)
		got, _ := g.walk("spans", searchBody{limit: 1000}, nil)
		require.Equal(t, want, got, memory)
	}
}

// Many questions at a time about more than they may have in memory together all get their answers, the same as one alone.
func TestManyQuestionsShareTheMemory(t *testing.T) {
	t.Parallel()
	const n, size = 60, 100_000
	f := newFixture(t, func(c *Config) { c.MaxPageBytes = 3 * size; c.MaxDecoded = 1 << 20; c.MaxQueries = 12; c.Workers = 2 })
	f.store("default", telemetry.Traces, noisySpans(t, n, size), 12)
	want := f.page("spans", searchBody{limit: 1000})
	require.NotEmpty(t, want.items)
	var group sync.WaitGroup
	answers := make([]int, 12)
	for i := range answers {
		group.Go(func() {
			status, body := f.call(http.MethodPost, "/api/spans/search", searchBody{limit: 1000}.json(t))
			var got api.SpanPage
			if status == http.StatusOK && json.Unmarshal(body, &got) == nil {
				answers[i] = len(got.Spans)
			}
		})
	}
	group.Wait()
	for _, n := range answers {
		require.Equal(t, len(want.items), n)
	}
}
