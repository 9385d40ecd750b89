package query

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
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

// largeTrace stores a trace of so many spans, ten children to a span, in parts that were sent apart, each span with so many random bytes.
func (f *fixture) largeTrace(spans, part, noise int) (path string) {
	f.t.Helper()
	random := rand.NewChaCha8([32]byte{1})
	id := func(i int) pcommon.SpanID { return pcommon.SpanID{1, byte(i >> 16), byte(i >> 8), byte(i)} }
	for first := 0; first < spans; first += part {
		td := ptrace.NewTraces()
		resource := td.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", "batch")
		list := resource.ScopeSpans().AppendEmpty().Spans()
		for i := first; i < min(first+part, spans); i++ {
			s := list.AppendEmpty()
			s.SetTraceID(pcommon.TraceID{7})
			s.SetSpanID(id(i))
			if i > 0 {
				s.SetParentSpanID(id((i - 1) / 10))
			}
			s.SetName("step")
			s.SetStartTimestamp(pcommon.Timestamp(base().UnixNano() + int64(i)*1000))
			s.SetEndTimestamp(s.StartTimestamp() + 500)
			if noise > 0 {
				bytes := make([]byte, noise)
				_, _ = random.Read(bytes)
				s.Attributes().PutEmptyBytes("noise").FromRaw(bytes)
			}
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 4000)
	}
	return "/api/traces/07" + strings.Repeat("0", 30)
}

// open asks for an answer and does not read it. It is not compressed, so that a large one does not fit into the buffers of a connection.
func (f *fixture) open(path string) (body io.Reader, header http.Header) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(testbed.Context(f.t), http.MethodGet, f.url+path, nil)
	require.NoError(f.t, err)
	request.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(request)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(f.t, http.StatusOK, response.StatusCode)
	return response.Body, response.Header
}

// readTrace reads a page that is too large to be held against the contract in seconds.
func (f *fixture) readTrace(path string) (page api.Trace) {
	f.t.Helper()
	body, _ := f.open(path)
	all, err := io.ReadAll(body)
	require.NoError(f.t, err)
	decode(f.t, all, &page)
	return page
}

// TestALargeTrace is written while it is read, in little memory, and comes whole by pages.
func TestALargeTrace(t *testing.T) {
	t.Parallel()
	const spans, most = 60_000, 50_000
	whole := newFixture(t)
	path := whole.largeTrace(spans, 20_000, 0)
	oneTurn := func(c *Config) {
		c.MaxDecoded, c.MaxPageBytes, c.MaxQueries, c.TenantShare, c.QueueTimeout = 32<<20, 1<<20, 2, 0.5, 0
	}

	t.Run("written while it is read", func(t *testing.T) {
		t.Parallel()
		f := whole.of(t).with(oneTurn)
		answer, _ := f.open(path)
		body := bufio.NewReaderSize(answer, 16)
		begin, err := body.ReadString('[')
		require.NoError(t, err)
		require.JSONEq(t, `{"spans":[]}`, begin+"]}")
		// Some 25 MB do not fit into the buffers of a connection: the question is not answered while nobody takes them in.
		require.Equal(t, "query.tenant_busy", f.problem(http.StatusTooManyRequests, http.MethodGet, path, "").Code)
		rest, err := io.ReadAll(body)
		require.NoError(t, err)
		var first api.Trace
		require.NoError(t, json.Unmarshal([]byte(begin+string(rest)), &first))
		require.Len(t, first.Spans, most)
		require.Equal(t, api.IncompleteReasonLimit, first.Incomplete.Reason)
		require.True(t, slices.IsSortedFunc(first.Spans, func(a, b api.Span) int { return strings.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano) }))
		require.Len(t, first.Resources, 1)

		seen := map[string]bool{}
		for page := first; ; {
			for _, s := range page.Spans {
				require.False(t, seen[s.SpanID])
				seen[s.SpanID] = true
			}
			if page.NextCursor == "" {
				break
			}
			page = f.readTrace(path + "?limit=7000&cursor=" + page.NextCursor)
			require.Nil(t, page.Incomplete, "that there are others is no lack of a page that was asked for")
			require.LessOrEqual(t, len(page.Spans), 7000)
		}
		require.Len(t, seen, spans)
		require.Equal(t, "cursor.mismatch", f.problem(http.StatusBadRequest, http.MethodGet, path+hour()+"&cursor="+first.NextCursor, "").Code)
		require.Equal(t, "pagination.limit", f.problem(http.StatusBadRequest, http.MethodGet, path+fmt.Sprintf("?limit=%d", most+1), "").Code)
	})

	t.Run("as OTLP", func(t *testing.T) {
		t.Parallel()
		f := whole.of(t).with(oneTurn)
		for format, read := range map[string]func([]byte) (ptrace.Traces, error){
			"otlp": (&ptrace.JSONUnmarshaler{}).UnmarshalTraces, "otlp_proto": (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces,
		} {
			seen := map[pcommon.SpanID]bool{}
			cursor := ""
			for page := 0; page == 0 || cursor != ""; page++ {
				body, header := f.open(path + "?format=" + format + cursor)
				all, err := io.ReadAll(body)
				require.NoError(t, err)
				got, err := read(all)
				require.NoError(t, err)
				for _, r := range got.ResourceSpans().All() {
					for _, s := range r.ScopeSpans().At(0).Spans().All() {
						require.False(t, seen[s.SpanID()])
						seen[s.SpanID()] = true
					}
				}
				cursor = header.Get("X-Olly-Next-Cursor")
				require.Equal(t, map[bool]string{true: "limit", false: ""}[page == 0], header.Get("X-Olly-Incomplete"))
				if cursor != "" {
					cursor = "&cursor=" + cursor
				}
			}
			require.Len(t, seen, spans, format)
		}
	})

	// Who does not take an answer in has a turn, a connection and a snapshot no longer than any question.
	t.Run("not taken in", func(t *testing.T) {
		t.Parallel()
		f := whole.of(t).with(oneTurn, func(c *Config) { c.Timeout, c.QueueTimeout = 4*time.Second, time.Minute })
		body, _ := f.open(path)
		var page api.Trace
		f.get(path+"?limit=1", &page) // once it has its turn
		require.Len(t, page.Spans, 1)
		_, err := io.ReadAll(body)
		require.Error(t, err, "the answer does not look whole")
	})

	t.Run("no room", func(t *testing.T) {
		t.Parallel()
		f := whole.of(t).with(func(c *Config) { c.MaxDecoded = 4 << 20 })
		require.Equal(t, "query.memory", f.problem(http.StatusTooManyRequests, http.MethodGet, path, "").Code, "50,000 places of spans take more than a quarter")
		var page api.Trace
		f.get(path+"?limit=100", &page)
		require.Len(t, page.Spans, 100)
	})
}

// TestATraceThatCannotBeReadToItsEndIsCut, visibly, whatever its format and however it is sent.
func TestATraceThatCannotBeReadToItsEndIsCut(t *testing.T) {
	t.Parallel()
	const spans = 8000
	f := newFixture(t)
	path := f.largeTrace(spans, spans/2, 1500)
	f = f.with(func(c *Config) { c.MaxPageBytes = 1 << 20 })
	ctx := testbed.Context(t)
	for _, format := range []string{"ollyscale", "otlp", "otlp_proto"} {
		for _, encoding := range []string{"identity", "gzip"} {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+path+"?format="+format, nil)
			require.NoError(t, err)
			request.Header.Set("Accept-Encoding", encoding)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, response.StatusCode, "its beginning could be read")
			// 12 MB of random bytes do not fit into the buffers of a connection: what is not sent yet is not read yet.
			ended, err := f.db.Pool.Exec(ctx, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ollyscale-query' AND state <> 'idle'`)
			require.NoError(t, err)
			require.EqualValues(t, 1, ended.RowsAffected())
			_, err = io.Copy(io.Discard, response.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%s %s", format, encoding)
			require.NoError(t, response.Body.Close())
		}
	}
	require.Len(t, f.readTrace(path+"?limit=100").Spans, 100)
}

// TestSpansOfSegmentsSideBySideComeOnce, though each part of the answer ends in the midst of both.
func TestSpansOfSegmentsSideBySideComeOnce(t *testing.T) {
	t.Parallel()
	const n = 60
	f := newFixture(t, func(c *Config) { c.MaxPageBytes = 100_000 })
	all := largeSpans(n, 10_000)
	for turn := range 2 {
		td := ptrace.NewTraces()
		all.CopyTo(td)
		td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(s ptrace.Span) bool { return int(s.SpanID()[2])%2 != turn })
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 25)
	}
	path := "/api/traces/010203" + strings.Repeat("0", 26)
	var trace api.Trace
	f.get(path, &trace)
	require.Len(t, trace.Spans, n)
	for format, read := range map[string]func([]byte) (ptrace.Traces, error){
		"otlp": (&ptrace.JSONUnmarshaler{}).UnmarshalTraces, "otlp_proto": (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces,
	} {
		status, otlp := f.call(http.MethodGet, path+"?format="+format, "")
		require.Equal(t, http.StatusOK, status)
		got, err := read(otlp)
		require.NoError(t, err)
		require.Equal(t, n, got.SpanCount(), format)
		seen := map[pcommon.SpanID]bool{}
		for _, r := range got.ResourceSpans().All() {
			for _, s := range r.ScopeSpans().At(0).Spans().All() {
				seen[s.SpanID()] = true
			}
		}
		require.Len(t, seen, n, format)
	}
}
