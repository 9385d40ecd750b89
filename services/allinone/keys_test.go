package allinone

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestNothingOfAKeyIsToldAnywhere runs everything with keys demanded, uses good, wrong and revoked ones in every way, and looks for them in
// the log at its lowest level, in the traces of ollyScale itself, in its metrics, in the database and in all files.
func TestNothingOfAKeyIsToldAnywhere(t *testing.T) {
	t.Parallel()
	told := &output{} // by the log, and by the traces
	var spans atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		spans.Add(1)
		_, _ = told.Write(body)
	}))
	t.Cleanup(collector.Close)
	c := config(t, tempDir(t))
	c.Auth.Mode = auth.ModeKeys
	log := slog.New(slog.NewJSONHandler(told, &slog.HandlerOptions{Level: slog.LevelDebug}))
	own, err := service.NewTelemetry("ollyscale")
	require.NoError(t, err)
	own.Trace(service.TracingConfig{Endpoint: collector.URL, Ratio: 1}, log)
	s, err := New(c, own.Env("ollyscale", log))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(2 * time.Minute):
		require.Fail(t, "not ready")
	}
	pool, err := Database{URL: s.DatabaseURL()}.Open(ctx, "test")
	require.NoError(t, err)
	defer pool.Close()
	store, err := keystore.New(pool)
	require.NoError(t, err)
	var secrets []string
	newKey := func(tenant telemetry.Tenant, scopes ...string) (string, string) {
		text, e, err := store.Create(ctx, keystore.Wish{Tenant: tenant, Name: "n", Scopes: scopes}, time.Now())
		require.NoError(t, err)
		secrets = append(secrets, text)
		return text, e.ID
	}
	red, redID := newKey("red", "ingest", "query", "admin")
	blue, _ := newKey("blue", "query")
	revoked, revokedID := newKey("red", "ingest")
	require.NoError(t, store.Revoke(ctx, "red", revokedID))
	strange, _ := auth.NewKey()
	secrets = append(secrets, strange)

	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(method, address, path, body string, header ...string) (int, string) {
		r, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		answer, err := client.Do(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(text)
	}
	record := fmt.Sprintf(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"%d","body":{"stringValue":"hello"}}]}]}]}`, time.Now().UnixNano())
	testbed.Eventually(t, "ingest has been told of the key", func() bool {
		status, _ := ask(http.MethodPost, c.Ingest.HTTP.Address, "/v1/logs", record, "X-Api-Key", red)
		return status == http.StatusOK
	})
	for _, key := range []string{strange, revoked, blue, "not-a-key"} {
		for _, header := range [][]string{{"X-Api-Key", key}, {"Authorization", "Bearer " + key}} {
			status, _ := ask(http.MethodPost, c.Ingest.HTTP.Address, "/v1/logs", record, header...)
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, status)
			status, _ = ask(http.MethodPost, c.Query.HTTP.Address, "/api/keys", `{"name":"x","scopes":["query"]}`, header...)
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, status)
		}
	}
	now := time.Now().UTC()
	search := fmt.Sprintf(`{"time_range":{"start_time":%q,"end_time":%q}}`, now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	testbed.Eventually(t, "the record is there, for its tenant", func() bool {
		status, body := ask(http.MethodPost, c.Query.HTTP.Address, "/api/logs/search", search, "X-Api-Key", red)
		return status == http.StatusOK && strings.Contains(body, "hello")
	})
	_, body := ask(http.MethodPost, c.Query.HTTP.Address, "/api/logs/search", search, "X-Api-Key", blue)
	require.NotContains(t, body, "hello")
	var connections []string
	require.NoError(t, pool.QueryRow(ctx, `SELECT array_agg(DISTINCT tenant_id || ' ' || connection_id) FROM logs_fact`).Scan(&connections))
	require.Equal(t, []string{"red " + redID}, connections)
	_, metrics := ask(http.MethodGet, c.Query.HTTP.Address, "/metrics", "")

	pool.Close()
	cancel()
	require.NoError(t, <-done)
	require.NoError(t, own.Close(context.WithoutCancel(t.Context())))
	require.Positive(t, spans.Load(), "there were traces to look into")
	require.Contains(t, told.String(), `"msg":"request"`, "and a log")
	for i, secret := range secrets {
		secret = secret[22:]
		require.NotContains(t, told.String(), secret, "the log or a trace tells key %d", i)
		require.NotContains(t, metrics, secret)
		require.Empty(t, holding(t, c.DataDir, secret), "a file holds key %d", i)
	}
}

// holding is the first file under a directory that holds text: those of the queue and of the database, its log included.
func holding(t *testing.T, dir, text string) (name string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			name = path
		}
		return err
	}))
	return name
}
