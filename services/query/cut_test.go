package query

import (
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
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
	for _, sql := range []string{`UPDATE spans_segment SET trace_filter = '', group_id = NULL`, `DELETE FROM spans_group`} {
		_, err := f.db.Pool.Exec(testbed.Context(f.t), sql)
		require.NoError(f.t, err)
	}
}

const oldestOfLine = "00000000000000000000000000000001"

func TestACutSearchForATraceDoesNotSayThatThereIsNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.storeLine(40)
	few, many := f.budget(10), f.budget(1000)
	for _, format := range []string{"ollyscale", "otlp", "otlp_proto"} {
		path := "/api/traces/" + oldestOfLine + "?format=" + format
		require.Equal(t, "query.budget", few.problem(http.StatusServiceUnavailable, http.MethodGet, path, "").Code)
		status, body := many.call(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, status, "%s", body)
		many.problem(http.StatusNotFound, http.MethodGet, "/api/traces/ffffffffffffffffffffffffffffffff?format="+format, "")
	}
}

func TestACutTraceAsOTLPSaysSoInAHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 40 {
		s.span(1, "shop", "GET /", ptrace.SpanKindServer, none(), starting(time.Duration(i-40)*time.Minute))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 2)
	header := func(f *fixture, format string) (reason string, bytes int) {
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
	limit := func(spans int, items int64) *fixture {
		return f.with(func(c *Config) { c.MaxTraceSpans, c.ScanBudget = spans, items })
	}
	all, newest, begun := limit(100, 1000), limit(7, 1000), limit(100, 10)
	for _, format := range []string{"otlp", "otlp_proto"} {
		reason, whole := header(all, format)
		require.Empty(t, reason)
		reason, part := header(newest, format)
		require.Equal(t, "limit", reason)
		require.Less(t, part, whole)
		reason, part = header(begun, format)
		require.Equal(t, "scan_budget", reason)
		require.Less(t, part, whole)
	}
}

func TestFiguresOfACutAnswerAreThoseOfThePartThatWasRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 200 { // one a second, ten seconds to a segment; every other of another service, which calls the first
		name := []string{"shop", "front"}[i%2]
		s.span(byte(i+1), name, "GET /", ptrace.SpanKindServer, none(), starting(time.Duration(i)*time.Second))
	}
	f.position++ // so that both are flushes: of what is in rollups, nothing is read
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 10)
	f.position++
	var long scene // and segments that reach over all of it
	for i := range 20 {
		long.span(byte(i+1), "long", "GET /", ptrace.SpanKindServer, none(), starting(time.Duration(i)*10*time.Second))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(long.td), 1000)
	span := "?" + url.Values{"start_time": {base().Format(time.RFC3339)}, "end_time": {base().Add(200 * time.Second).Format(time.RFC3339)}}.Encode()

	whole := f
	f = f.budget(100)
	var list api.ServiceList
	f.get("/api/services"+span, &list)
	require.NotNil(t, list.Incomplete)
	require.Contains(t, list.Incomplete.Message, "only the time since")
	since := int64(number64(t, list.Incomplete.Since))
	require.Greater(t, since, base().UnixNano())
	over := time.Duration(base().Add(200*time.Second).UnixNano() - since).Seconds()
	require.Less(t, over, 150.0)
	require.Len(t, list.Services, 3)
	for _, one := range list.Services {
		rate := 0.5
		if one.Name == "long" {
			rate = 0.1
		}
		require.InDelta(t, rate*over, float64(one.SpanCount), 1, one.Name)
		require.InEpsilon(t, float64(one.SpanCount)/over, one.Red.Rate, 1e-9)
		require.GreaterOrEqual(t, int64(number64(t, one.FirstSeenUnixNano)), since)
	}
	var operations api.OperationList
	f.get("/api/services/long/operations"+span, &operations)
	require.Len(t, operations.Operations, 1)
	require.InEpsilon(t, 0.1, operations.Operations[0].Red.Rate, 1e-9)
	f = whole.budget(100) // which remembers nothing of what was counted
	f.get("/api/services/shop/operations"+span, &operations)
	require.NotNil(t, operations.Incomplete)
	require.InDelta(t, 0.5, operations.Operations[0].Red.Rate, 0.05)
	var picture api.ServiceMap
	f.get("/api/service-map"+span, &picture)
	// A map is of whole minutes: those that were seen until 240 s, of which 40 s are empty.
	from := number64(t, picture.Incomplete.Since)
	require.Zero(t, int64(from)%int64(time.Minute))
	require.Greater(t, int64(from), base().UnixNano())
	seen := base().Add(200 * time.Second).Sub(time.Unix(0, int64(from))).Seconds()
	for _, n := range picture.Nodes {
		require.InDelta(t, map[string]float64{"long": 0.1, "shop": 0.5, "front": 0.5}[n.Name]*seen/(seen+40), n.Red.Rate, 1e-9, n.Name)
	}
	// What is cut is exactly what the range from there on holds.
	var again api.ServiceList
	whole.get("/api/services?start_time="+list.Incomplete.Since+"&end_time="+base().Add(200*time.Second).Format(time.RFC3339), &again)
	require.Nil(t, again.Incomplete)
	require.Equal(t, again.Services, list.Services)
}

func TestARareSearchThatTakesLongGoesOnByItsCursor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.storeLine(100)
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE spans_segment SET service_max_duration = '{20000000000}' WHERE min_time = (SELECT min(min_time) FROM spans_segment)`)
	require.NoError(t, err)
	now := base()
	env := testbed.Env(t)
	env.Now = func() time.Time { // each look at the clock finds a third of a query's time gone
		now = now.Add(f.cfg.Timeout / 3)
		return now
	}
	f = f.withEnv(env)
	for _, list := range []string{"spans", "traces"} {
		s := searchBody{from: base().Add(-2 * time.Hour), to: base(), filters: `[{"field":"duration","operator":"gt","value":"10s"}]`}
		cut, read := 0, 0
		for more := true; more; {
			p := f.page(list, s)
			require.Empty(t, p.items)
			if p.pagination.HasMore {
				require.Equal(t, api.IncompleteReasonTimeout, p.incomplete.Reason)
				cut++
			}
			read += p.stats.SegmentsRead
			more, s.cursor = p.pagination.HasMore, p.pagination.NextCursor
			require.Less(t, cut, 50)
		}
		require.Positive(t, cut)
		require.Equal(t, 1, read, "the one segment that may hold such a span is reached")
	}
}
