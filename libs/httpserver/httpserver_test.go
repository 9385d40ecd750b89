package httpserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(t *testing.T, change func(*httpserver.Config)) (*httpserver.Server, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	cfg := httpserver.DefaultConfig("127.0.0.1:0")
	if change != nil {
		change(&cfg)
	}
	env := service.NewEnv("test", slog.New(slog.NewJSONHandler(&log, nil)))
	s, err := httpserver.New(cfg, env, httpserver.Purpose{Name: "test API", Setting: "http.address"})
	require.NoError(t, err)
	return s, &log
}

func do(s *httpserver.Server, r *http.Request) (*httptest.ResponseRecorder, httpserver.Problem) {
	w := httptest.NewRecorder()
	s.Echo.ServeHTTP(w, r)
	var p httpserver.Problem
	if w.Header().Get("Content-Type") == httpserver.ProblemType {
		_ = json.Unmarshal(w.Body.Bytes(), &p)
	}
	return w, p
}

func TestEveryFaultClassHasItsStatus(t *testing.T) {
	t.Parallel()
	for class, status := range map[fault.Class]int{
		fault.Invalid: 400, fault.TooLarge: 413, fault.NotFound: 404, fault.Overloaded: 429, fault.Unavailable: 503, fault.Internal: 500,
	} {
		s, _ := newServer(t, nil)
		s.Echo.GET("/x", func(echo.Context) error {
			return fmt.Errorf("search: %w", fault.Kind{Class: class, Code: "some.code"}.Wrap(errors.New("pq: secret"), "what is wrong"))
		})
		w, p := do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", http.NoBody))
		require.Equal(t, status, w.Code)
		require.Equal(t, status, p.Status)
		require.Equal(t, "some.code", p.Code)
		require.Equal(t, "what is wrong", p.Detail)
		require.Equal(t, "urn:ollyscale:problem:some.code", p.Type)
		require.Equal(t, "/x", p.Instance)
		require.NotEmpty(t, p.RequestID)
		require.NotContains(t, w.Body.String(), "secret")
		require.Equal(t, class == fault.Overloaded || class == fault.Unavailable, w.Header().Get("Retry-After") != "")
	}
}

func TestUnclassifiedErrorTellsNothing(t *testing.T) {
	t.Parallel()
	s, log := newServer(t, nil)
	s.Echo.GET("/x", func(echo.Context) error { return errors.New("password=hunter2") })
	w, p := do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", http.NoBody))
	require.Equal(t, 500, w.Code)
	require.Equal(t, "internal", p.Code)
	require.NotContains(t, w.Body.String(), "hunter2")
	require.Contains(t, log.String(), "hunter2")
}

func TestPanicIsA500WithItsStackInTheLogOnly(t *testing.T) {
	t.Parallel()
	s, log := newServer(t, nil)
	s.Echo.GET("/x", func(echo.Context) error { panic("boom") })
	w, p := do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", http.NoBody))
	require.Equal(t, 500, w.Code)
	require.Equal(t, "internal error", p.Detail)
	require.NotContains(t, w.Body.String(), "boom")
	require.Contains(t, log.String(), "boom")
	require.Contains(t, log.String(), "httpserver_test.go")
}

func TestUnknownPathAndMethodAreProblems(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, nil)
	s.Echo.POST("/v1/traces", func(c echo.Context) error { return c.NoContent(200) })
	w, p := do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nothing", http.NoBody))
	require.Equal(t, 404, w.Code)
	require.Equal(t, "http.not_found", p.Code)
	w, p = do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/traces", http.NoBody))
	require.Equal(t, 405, w.Code)
	require.Equal(t, "http.method_not_allowed", p.Code)
	require.Contains(t, w.Header().Get("Allow"), "POST")
}

func TestBodyOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, func(c *httpserver.Config) { c.MaxBodyBytes = 8 })
	s.Echo.POST("/x", func(c echo.Context) error {
		_, err := io.ReadAll(c.Request().Body)
		return err
	})
	for _, body := range []io.Reader{
		strings.NewReader("123456789"),                    // with a length
		io.MultiReader(strings.NewReader("123456789012")), // without
	} {
		w, p := do(s, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x", body))
		require.Equal(t, 413, w.Code)
		require.Equal(t, "http.body_too_large", p.Code)
		require.Contains(t, p.Detail, "8 bytes")
	}
	w, _ := do(s, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x", strings.NewReader("12345678")))
	require.Equal(t, 200, w.Code)
}

func TestRequestIDIsKeptWhenDecent(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nothing", http.NoBody)
	r.Header.Set("X-Request-Id", "abc-1")
	w, p := do(s, r)
	require.Equal(t, "abc-1", w.Header().Get("X-Request-Id"))
	require.Equal(t, "abc-1", p.RequestID)
	r.Header.Set("X-Request-Id", "a\"b c")
	w, _ = do(s, r)
	require.NotEqual(t, "a\"b c", w.Header().Get("X-Request-Id"))
	require.Len(t, w.Header().Get("X-Request-Id"), 26)
}

func TestSecurityHeadersAndCORS(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, func(c *httpserver.Config) { c.CORSOrigins = []string{"https://a.example"} })
	r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/livez", http.NoBody)
	r.Header.Set("Origin", "https://a.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	w, _ := do(s, r)
	require.Equal(t, 204, w.Code)
	require.Equal(t, "https://a.example", w.Header().Get("Access-Control-Allow-Origin"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"))
	r.Header.Set("Origin", "https://b.example")
	w, _ = do(s, r)
	require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))

	s, _ = newServer(t, func(c *httpserver.Config) { c.CORSOrigins, c.CORSCredentials = []string{"https://a.example"}, true })
	w, _ = do(s, r)
	require.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"))
	r.Header.Set("Origin", "https://a.example")
	w, _ = do(s, r)
	require.Equal(t, "true", w.Header().Get("Access-Control-Allow-Credentials"))
}

func TestOperationsEndpointsAndMetrics(t *testing.T) {
	t.Parallel()
	own, err := service.NewTelemetry("test")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close(context.Background())) })
	env := own.Env("query", slog.New(slog.DiscardHandler))
	s, err := httpserver.New(httpserver.DefaultConfig("127.0.0.1:0"), env, httpserver.Purpose{Name: "x", Setting: "y"})
	require.NoError(t, err)
	s.Echo.GET("/api/traces/:id", func(c echo.Context) error { return c.NoContent(200) })

	w, _ := do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/traces/12", http.NoBody))
	require.Equal(t, 200, w.Code)
	_, _ = do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/made/up", http.NoBody))
	w, _ = do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), `http_route="/api/traces/:id"`)
	require.NotContains(t, w.Body.String(), "/made/up")
	env.Health.Register(service.Condition{Name: "bus"}, func(context.Context) error { return errors.New("no connection") })
	w, _ = do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health", http.NoBody))
	require.Equal(t, 503, w.Code)
	require.Contains(t, w.Body.String(), "no connection")
	w, _ = do(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/livez", http.NoBody))
	require.Equal(t, 200, w.Code)
}

func TestTakenPortIsNamed(t *testing.T) {
	t.Parallel()
	first, _ := newServer(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.NoError(t, first.Listen(ctx))
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	second, _ := newServer(t, func(c *httpserver.Config) { c.Address = first.Addr().String() })
	err := second.Run(ctx)
	require.ErrorContains(t, err, first.Addr().String()+" is taken by another process")
	require.ErrorContains(t, err, "http.address")
	cancel()
	require.NoError(t, <-done)
}

func TestDrainLetsARequestEnd(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, nil)
	entered := make(chan struct{})
	s.Echo.GET("/slow", func(c echo.Context) error {
		close(entered)
		<-s.Draining()
		return c.String(200, "whole")
	})
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, s.Listen(ctx))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	answer := make(chan string, 1)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		q, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, "http://"+s.Addr().String()+"/slow", http.NoBody)
		if err != nil {
			answer <- err.Error()
			return
		}
		r, err := client.Do(q)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = r.Body.Close() }()
		b, _ := io.ReadAll(r.Body)
		answer <- string(b)
	}()
	<-entered
	cancel()
	require.Equal(t, "whole", <-answer)
	require.NoError(t, <-done)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, httpserver.Config{Address: "8080"}.Validate(), "address")
	require.ErrorContains(t, httpserver.Config{Address: ":1", TLSCertFile: "x"}.Validate(), "tls_key_file")
	require.Error(t, httpserver.Config{Address: ":1"}.Validate(), "0 means 0")
	require.NoError(t, httpserver.DefaultConfig(":1").Validate())
	unlimited := httpserver.DefaultConfig(":1")
	unlimited.ReadTimeout, unlimited.WriteTimeout, unlimited.DrainTimeout = 0, 0, 0
	require.NoError(t, unlimited.Validate())
}
