package query

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// storeLine stores n spans of one service, a minute apart and each a trace of its own, newest last; two to a segment. No segment is told by
// its trace filter.
func (f *fixture) storeLine(n int) {
	f.t.Helper()
	var s scene
	for i := range n {
		s.span(byte(i+1), "shop", "GET /", ptrace.SpanKindServer, none(), starting(time.Duration(i-n)*time.Minute))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 2)
	_, err := f.db.Pool.Exec(testbed.Context(f.t), `UPDATE spans_segment SET trace_filter = ''`)
	require.NoError(f.t, err)
}

const oldestOfLine = "00000000000000000000000000000001"

func TestACutSearchForATraceDoesNotSayThatThereIsNone(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.ScanBudget = 10 })
	f.storeLine(40)
	for _, format := range []string{"ollyscale", "otlp", "otlp_proto"} {
		path := "/api/traces/" + oldestOfLine + "?format=" + format
		f.svc.cfg.ScanBudget = 10
		require.Equal(t, "query.budget", f.problem(http.StatusServiceUnavailable, http.MethodGet, path, "").Code)
		f.svc.cfg.ScanBudget = 1000
		status, body := f.call(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, status, "%s", body)
		f.problem(http.StatusNotFound, http.MethodGet, "/api/traces/ffffffffffffffffffffffffffffffff?format="+format, "")
	}
}

func TestACutTraceAsOTLPSaysSoInAHeader(t *testing.T) {
	f := newFixture(t)
	var s scene
	for i := range 40 {
		s.span(1, "shop", "GET /", ptrace.SpanKindServer, none(), starting(time.Duration(i-40)*time.Minute))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 2)
	header := func(format string) (reason string, bytes int) {
		r, err := http.NewRequestWithContext(testbed.Context(t), http.MethodGet, f.url+"/api/traces/"+oldestOfLine+"?format="+format, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
		f.check(t, r, response.StatusCode, response.Header, body)
		return response.Header.Get("X-Olly-Incomplete"), len(body)
	}
	for _, format := range []string{"otlp", "otlp_proto"} {
		f.svc.cfg.MaxTraceSpans, f.svc.cfg.ScanBudget = 100, 1000
		reason, whole := header(format)
		require.Empty(t, reason)
		f.svc.cfg.MaxTraceSpans = 7
		reason, part := header(format)
		require.Equal(t, "limit", reason)
		require.Less(t, part, whole)
		f.svc.cfg.MaxTraceSpans, f.svc.cfg.ScanBudget = 100, 10
		reason, part = header(format)
		require.Equal(t, "scan_budget", reason)
		require.Less(t, part, whole)
	}
}
