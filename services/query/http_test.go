package query

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

func TestTenantsSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store("default", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(50)), 20)
	f.store("other", telemetry.Traces, testbed.TracesPayload(newDice(2).traces(30)), 20)
	count := func(header ...string) (spans int, services int, trace string) {
		var page api.SpanPage
		f.search("spans", searchBody{limit: 1000}, &page, header...)
		var list api.ServiceList
		f.get("/api/services"+hour(), &list, header...)
		if len(page.Spans) > 0 {
			trace = page.Spans[0].TraceID
		}
		return len(page.Spans), len(list.Services), trace
	}
	mine, _, trace := count()
	require.Equal(t, 50, mine)
	theirs, _, _ := count("X-Scope-OrgID", "other")
	require.Equal(t, 30, theirs)
	nobodys, services, _ := count("X-Scope-OrgID", "nobody")
	require.Zero(t, nobodys)
	require.Zero(t, services)
	f.problem(http.StatusNotFound, http.MethodGet, "/api/traces/"+trace, "", "X-Scope-OrgID", "nobody")
}

func TestTheTenantIsAskedBeforeTheQuestion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := f.problem(http.StatusBadRequest, http.MethodGet, "/api/services"+hour(), "", "X-Scope-OrgID", "not/one").Code
	for _, list := range lists() {
		require.Equal(t, want, f.problem(http.StatusBadRequest, http.MethodPost, "/api/"+list+"/search", "{", "X-Scope-OrgID", "not/one").Code)
		require.Equal(t, want, f.problem(http.StatusBadRequest, http.MethodGet, "/api/"+list+"/search"+hour()+"&filters=x", "", "X-Scope-OrgID", "not/one").Code)
	}
	require.Equal(t, want, f.problem(http.StatusBadRequest, http.MethodGet, "/api/metrics/depth"+hour()+"&filters=x", "", "X-Scope-OrgID", "not/one").Code)
	request := newRequest("/api/services" + hour())
	request.Header["X-Scope-Orgid"] = []string{"a", "b"}
	twice := serve(f.svc.server.Echo, request)
	require.Equal(t, http.StatusBadRequest, twice.status, "which of two is meant, nobody knows")
	for _, path := range []string{"/api/spans/search" + hour(), "/api/metrics/depth" + hour(), "/api/traces/" + oldestOfLine + "/logs" + hour()} {
		require.Equal(t, "pagination.limit", f.problem(http.StatusBadRequest, http.MethodGet, path+"&limit=0", "").Code)
	}
}

func TestGetAndPostSearchAlike(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(1, 50, 20)
	var posted, got api.SpanPage
	f.search("spans", searchBody{limit: 10, filters: `[{"field":"service","operator":"ne","value":"cart"}]`}, &posted)
	path := "/api/spans/search" + hour() + "&limit=10&filters=%5B%7B%22field%22:%22service%22,%22operator%22:%22ne%22,%22value%22:%22cart%22%7D%5D"
	f.get(path, &got)
	require.Equal(t, posted.Spans, got.Spans)
	f.get(path+"&cursor="+posted.Pagination.NextCursor, &got)
	require.NotEqual(t, posted.Spans, got.Spans, "the cursor of one is good for the other")
}

func TestADatabaseThatIsDownIsUnavailableAndSaysNothingOfTheInside(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Postgres.URL = "postgres://nobody:secret@127.0.0.1:1/nothing" })
	for _, path := range []string{"/api/services" + hour(), "/api/spans/search" + hour(), "/api/traces/" + strings.Repeat("1", 32)} {
		p := f.problem(http.StatusServiceUnavailable, http.MethodGet, path, "")
		for _, inside := range []string{"127.0.0.1", "nobody", "secret", "dial", "pgx"} {
			require.NotContains(t, p.Detail, inside)
		}
	}
	status, body := f.call(http.MethodGet, "/health", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	var health api.Health
	decode(t, body, &health)
	require.Equal(t, api.HealthStatusFail, health.Status)
	require.NotContains(t, string(body), "127.0.0.1")
	status, body = f.call(http.MethodGet, "/health/db", "")
	require.Equal(t, http.StatusServiceUnavailable, status, "%s", body)
	require.NotContains(t, string(body), "127.0.0.1")
	status, _ = f.call(http.MethodGet, "/livez", "")
	require.Equal(t, http.StatusOK, status)
}

func TestHealthTellsTheSchemaVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	status, body := f.call(http.MethodGet, "/health", "")
	require.Equal(t, http.StatusOK, status, "%s", body)
	status, body = f.call(http.MethodGet, "/health/db", "")
	require.Equal(t, http.StatusOK, status, "%s", body)
	ctx := testbed.Context(t)
	_, err := f.db.Pool.Exec(ctx, `UPDATE atlas_schema_revisions.atlas_schema_revisions SET version = '99991231000000'
		WHERE version = (SELECT max(version) FROM atlas_schema_revisions.atlas_schema_revisions)`)
	require.NoError(t, err)
	status, body = f.call(http.MethodGet, "/health", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, string(body), "99991231000000")
	status, body = f.call(http.MethodGet, "/health/db", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	var db api.DatabaseHealth
	decode(t, body, &db)
	require.Equal(t, "99991231000000", db.Schema.Current)
	require.NotEqual(t, "99991231000000", db.Schema.Expected)
}

func TestADamagedSegmentIsAnErrorWithoutTheInside(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(1, 50, 100)
	for _, table := range []string{"spans_fresh", "spans_body"} {
		_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE `+table+` SET body = substring(body FROM 1 FOR 10)`)
		require.NoError(t, err)
	}
	p := f.problem(http.StatusInternalServerError, http.MethodPost, "/api/spans/search", searchBody{}.json(t))
	require.NotContains(t, p.Detail, "SELECT")
}

func TestAQueryEndsWithItsTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Timeout = 300 * time.Millisecond })
	f.fill(1, 50, 100)
	ctx := testbed.Context(t)
	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = tx.Exec(ctx, "LOCK TABLE spans_segment IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	require.Equal(t, "query.timeout", f.problem(http.StatusServiceUnavailable, http.MethodPost, "/api/spans/search", searchBody{}.json(t)).Code)
}

func TestPagesOfTheInterface(t *testing.T) {
	t.Parallel()
	p, err := newPages(fstest.MapFS{
		"index.html":          {Data: []byte("<html>")},
		"favicon.svg":         {Data: []byte("<svg>")},
		"assets/app-3f2a.js":  {Data: []byte("js")},
		"assets/font-1.woff2": {Data: []byte("font")},
	}, "")
	require.NoError(t, err)
	e := echo.New()
	e.GET("/*", p.serve)
	get := func(path, accept string) served {
		r := newRequest(path)
		r.Header.Set("Accept", accept)
		return serve(e, r)
	}
	for _, view := range []string{"/", "/index.html", "/traces", "/traces/0af7651916cd43dd8448eb211c80319c", "/logs?x=1", "/metrics.detail"} {
		r := get(view, "text/html")
		require.Equal(t, http.StatusOK, r.status, view)
		require.Equal(t, "no-cache", r.header.Get("Cache-Control"))
		require.Contains(t, r.header.Get("Content-Type"), "text/html")
		require.Equal(t, "<html>", r.body)
	}
	r := get("/assets/app-3f2a.js", "*/*")
	require.Contains(t, r.header.Get("Cache-Control"), "immutable")
	require.Contains(t, r.header.Get("Content-Type"), "javascript")
	require.Equal(t, "font/woff2", get("/assets/font-1.woff2", "*/*").header.Get("Content-Type"))
	require.Equal(t, http.StatusOK, get("/favicon.svg", "*/*").status)
	require.Equal(t, http.StatusNotFound, get("/assets/app-0000.js", "*/*").status)
	require.Equal(t, http.StatusNotFound, get("/api/unknown", "text/html").status)
	require.Equal(t, http.StatusNotFound, get("/v1/traces", "text/html").status)
	require.Equal(t, http.StatusNotFound, get("/../../etc/passwd.txt", "*/*").status)
	again := newRequest("/")
	again.Header.Set("If-None-Match", get("/", "text/html").header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, serve(e, again).status)
}

func TestTheInterfaceIsServedUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r, err := http.NewRequestWithContext(testbed.Context(t), http.MethodGet, f.url+"/traces", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	policy := response.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'self'")
	require.NotContains(t, policy, "unsafe-eval")
}

func TestRunWatchesAndEndsClean(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	cfg := DefaultConfig()
	cfg.HTTP.Address = "127.0.0.1:0"
	cfg.Postgres = db.Config()
	cfg.Bus = testbed.NATS(t)
	cfg.WatchInterval = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(testbed.Context(t))
	b, err := bus.Connect(ctx, cfg.Bus, nil, nil)
	require.NoError(t, err)
	defer b.Close()
	require.NoError(t, b.EnsureStreams(ctx))
	svc, err := New(cfg, testbed.Env(t))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	testbed.Eventually(t, "a watermark in an answer", func() bool {
		if svc.server.Addr() == nil {
			return false
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+svc.server.Addr().String()+"/api/services"+hour(), nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		var list api.ServiceList
		require.NoError(t, json.NewDecoder(response.Body).Decode(&list))
		return list.Completeness.LagMs != nil
	})
	http.DefaultClient.CloseIdleConnections()
	cancel()
	require.NoError(t, <-done)
}

// An answer over the time of which something may be lost says so, whatever was asked, and no other does.
func TestAnAnswerOverALostQueueSaysSo(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	cfg := DefaultConfig()
	cfg.HTTP.Address = "127.0.0.1:0"
	cfg.Postgres = db.Config()
	cfg.Bus = testbed.NATS(t)
	cfg.WatchInterval = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(testbed.Context(t))
	// The traces' queue was lost three days ago, with something in it since a quarter of an hour; the others' are as they were.
	now := time.Now().Truncate(time.Second)
	from, to := now.Add(-72*time.Hour-15*time.Minute), now.Add(-72*time.Hour)
	_, err := db.Pool.Exec(ctx, `INSERT INTO queue_life (signal, base, began, seen, seen_at, unsettled, whole_at, noticed_at)
		VALUES (0, 0, $1, 9, $3, 4, $2, $1), (0, 5000000000, $3, 0, $3, 0, $3, $3), (1, 0, $1, 9, $4, 0, $4, $1), (2, 0, $1, 9, $4, 0, $4, $1)`,
		now.Add(-9*24*time.Hour), from, to, now)
	require.NoError(t, err)
	svc, err := New(cfg, testbed.Env(t))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	type answer struct {
		Completeness struct {
			From *time.Time `json:"queue_lost_from"`
			To   *time.Time `json:"queue_lost_to"`
		} `json:"completeness"`
	}
	ask := func(path, body string) (a answer) {
		t.Helper()
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		r, err := http.NewRequestWithContext(ctx, method, "http://"+svc.server.Addr().String()+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		require.Equal(t, http.StatusOK, response.StatusCode, path)
		require.NoError(t, json.NewDecoder(response.Body).Decode(&a))
		return a
	}
	over := func(from, to time.Time) string {
		return fmt.Sprintf("?start_time=%d&end_time=%d", from.UnixNano(), to.UnixNano())
	}
	search := func(from, to time.Time) string {
		return fmt.Sprintf(`{"time_range":{"start_time":%d,"end_time":%d}}`, from.UnixNano(), to.UnixNano())
	}
	testbed.Eventually(t, "the loss is known", func() bool {
		return svc.server.Addr() != nil && ask("/api/services"+over(from, to), "").Completeness.From != nil
	})
	for _, path := range []string{"/api/services", "/api/service-map"} {
		for _, r := range [][2]time.Time{{from.Add(-time.Hour), now}, {from.Add(time.Minute), to.Add(-time.Minute)}} {
			told := ask(path+over(r[0], r[1]), "").Completeness
			require.True(t, told.From.Equal(from) && told.To.Equal(to), "%s: %v", path, told)
		}
		for _, r := range [][2]time.Time{{to.Add(time.Hour), now}, {from.Add(-48 * time.Hour), from.Add(-2 * time.Hour)}} {
			require.Equal(t, answer{}, ask(path+over(r[0], r[1]), ""), path)
		}
	}
	for _, path := range []string{"/api/spans/search", "/api/traces/search"} {
		require.NotNil(t, ask(path, search(from, now)).Completeness.From, path)
		require.Equal(t, answer{}, ask(path, search(to.Add(time.Hour), now)), path)
	}
	require.Equal(t, answer{}, ask("/api/logs/search", search(from, now)), "of another signal")
	require.Equal(t, answer{}, ask("/api/metrics"+over(from, now), ""), "of another signal")
	http.DefaultClient.CloseIdleConnections()
	cancel()
	require.NoError(t, <-done)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	c := DefaultConfig()
	c.HTTP.Address, c.Timeout, c.ScanBudget, c.Workers, c.MaxTraceSpans, c.WatchInterval, c.CursorKey = "x", 0, 0, -1, 0, 0, "short"
	err := c.Validate()
	for _, key := range []string{"http.address", "timeout", "scan_budget", "workers", "max_trace_spans", "watch_interval", "cursor_key"} {
		require.ErrorContains(t, err, key)
	}
}

// The contract that the service gives out is that which it is made from, and its page has a place of its own.
func TestTheContractIsGivenOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	sends, _ := f.newKey("red", "ingest")
	want, err := os.ReadFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	status, got := f.call(http.MethodGet, "/api/openapi.yaml", "", "X-Api-Key", sends)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, string(want), string(got), "make generate copies it")
	f.problem(http.StatusUnauthorized, http.MethodGet, "/api/openapi.yaml", "")

	p, err := newPages(fstest.MapFS{"index.html": {Data: []byte("the interface")}, "docs.html": {Data: []byte("the contract")}}, "")
	require.NoError(t, err)
	for path, page := range map[string]string{"/docs": "the contract", "/docs/": "the contract", "/docs.html": "the contract", "/": "the interface", "/docs/x": "the interface"} {
		w := httptest.NewRecorder()
		require.NoError(t, p.serve(echo.New().NewContext(newRequest(path), w)))
		require.Equal(t, page, w.Body.String(), path)
		require.Equal(t, "no-cache", w.Header().Get("Cache-Control"), path)
		again := newRequest(path)
		again.Header.Set("If-None-Match", w.Header().Get("ETag"))
		w = httptest.NewRecorder()
		require.NoError(t, p.serve(echo.New().NewContext(again, w)))
		require.Equal(t, http.StatusNotModified, w.Code, path)
	}
}
