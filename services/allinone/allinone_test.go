package allinone

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/allinone/demo"
)

// output is read while the service writes it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func config(t *testing.T, dir string) Config {
	t.Helper()
	c := DefaultConfig()
	c.DataDir = dir
	c.Postgres.Port, c.Postgres.Bin = testbed.Port(t), testbed.PostgresBin(t)
	c.NATS.StreamMaxBytes = 64 << 20
	c.Ingest.GRPC.Address, c.Ingest.HTTP.Address, c.Query.HTTP.Address = testbed.Address(t), testbed.Address(t), testbed.Address(t)
	return c
}

// up runs an ollyScale until stop, which must end without an error.
func up(t *testing.T, c Config) (s *Service, out *output, stop func()) {
	t.Helper()
	out = &output{}
	c.Output = out
	own, err := service.NewTelemetry("ollyscale")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close(context.WithoutCancel(t.Context()))) })
	s, err = New(c, own.Env("ollyscale", testbed.Env(t).Log))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-done:
		cancel()
		require.NoError(t, err, out.String())
		require.Fail(t, "ended before it was ready", out.String())
	case <-time.After(testbed.Patience):
		cancel()
		require.Fail(t, "not ready", out.String())
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return s, out, stop
}

// ask sends a request to the query API and decodes the answer.
func ask(t *testing.T, c Config, method, path, body string, into any) {
	t.Helper()
	client := &http.Client{Timeout: testbed.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.Query.HTTP.Address+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(text))
	require.NoError(t, json.Unmarshal(text, into), string(text))
}

type services struct {
	Services []struct {
		Name  string `json:"name"`
		Spans int64  `json:"span_count"`
	} `json:"services"`
}

func (s services) spans() (total int64) {
	for _, each := range s.Services {
		total += each.Spans
	}
	return total
}

func listServices(t *testing.T, c Config) (s services) {
	t.Helper()
	now := time.Now().UTC()
	ask(t, c, http.MethodGet, fmt.Sprintf("/api/services?start_time=%s&end_time=%s",
		now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)), "", &s)
	return s
}

// checkThatTheDatabaseIsClosed finds that another account of the machine, which reaches the port and cannot read the password, is not let
// in, and that the password is told to nobody.
func checkThatTheDatabaseIsClosed(t *testing.T, s *Service, told string) {
	t.Helper()
	with, err := url.Parse(s.DatabaseURL())
	require.NoError(t, err)
	password, _ := with.User.Password()
	require.Len(t, password, 26)
	require.NotContains(t, told, password)
	for _, who := range []*url.Userinfo{url.User("postgres"), url.UserPassword("postgres", "postgres"), url.User("nobody")} {
		with.User = who
		_, err = Database{URL: with.String()}.Open(t.Context(), "stranger")
		require.Error(t, err, who.String())
	}
	path := filepath.Join(s.cfg.DataDir, psqlFile)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Contains(t, told, "PGPASSFILE="+path)
}

func TestWhatTheShopSendsIsThereAndStaysThere(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	c := config(t, dir)
	s, out, stop := up(t, c)
	require.Contains(t, out.String(), "Web interface  http://"+c.Query.HTTP.Address)
	require.Contains(t, out.String(), fmt.Sprintf("postgres://postgres:xxxxx@127.0.0.1:%d/ollyscale", c.Postgres.Port))
	checkThatTheDatabaseIsClosed(t, s, out.String())
	local, err := LocalURL(c.DataDir)
	require.NoError(t, err)
	require.Equal(t, s.DatabaseURL(), local)

	// Over gRPC and over HTTP.
	var sent int64
	for i, endpoint := range []string{c.Ingest.GRPC.Address, "http://" + c.Ingest.HTTP.Address} {
		shop := demo.DefaultConfig()
		shop.Endpoint, shop.Seconds, shop.Rate, shop.Seed = endpoint, 0.5, 100, uint64(11+i)
		if i == 1 {
			shop.Protocol = "http"
		}
		d, err := demo.New(shop, service.NewEnv("demo", nil))
		require.NoError(t, err)
		require.NoError(t, d.Run(t.Context()))
		total := d.Total()
		require.Zero(t, total.Spans.Refused+total.Logs.Refused+total.Points.Refused)
		require.Positive(t, total.Logs.Accepted)
		require.Positive(t, total.Points.Accepted)
		sent += total.Spans.Accepted
	}

	testbed.Eventually(t, "every span is counted", func() bool { return listServices(t, c).spans() >= sent })
	require.Equal(t, sent, listServices(t, c).spans(), "every span once")
	require.GreaterOrEqual(t, len(listServices(t, c).Services), 10)

	traces := searchTraces(t, c)
	require.NotEmpty(t, traces)
	var whole struct {
		Spans []json.RawMessage `json:"spans"`
	}
	ask(t, c, http.MethodGet, "/api/traces/"+traces[0], "", &whole)

	var health service.Report
	ask(t, c, http.MethodGet, "/health", "", &health)
	require.Equal(t, service.StatusOK, health.Status)
	require.Len(t, health.Checks, 5, "database, janitor, writer, ingest, queue")
	process := s.env.Health.Run(t.Context())
	require.Equal(t, health.Checks, process.Checks, "the operations listener tells the same")
	checkMetrics(t, c)

	// A second one on the same data collides clearly; so does one on the same port.
	other := config(t, dir)
	require.ErrorContains(t, runOnce(t, other), "is in use by another ollyScale")
	other.DataDir, other.Ingest.GRPC.Address = tempDir(t), c.Ingest.GRPC.Address
	require.ErrorContains(t, runOnce(t, other), "OTLP/gRPC: "+c.Ingest.GRPC.Address+" is taken by another process; stop it, or choose another address with --ingest-grpc-address")
	require.NoFileExists(t, filepath.Join(other.DataDir, "postgres", "PG_VERSION"), "nothing was started")

	stop()
	require.Contains(t, out.String(), "stopped; the data is in "+dir)

	again := config(t, dir)
	_, _, stop = up(t, again)
	require.Equal(t, sent, listServices(t, again).spans(), "a second start finds its data")
	require.ElementsMatch(t, traces, searchTraces(t, again))
	stop()
}

func searchTraces(t *testing.T, c Config) (ids []string) {
	t.Helper()
	now := time.Now().UTC()
	var answer struct {
		Traces []struct {
			ID string `json:"trace_id"`
		} `json:"traces"`
	}
	ask(t, c, http.MethodPost, "/api/traces/search", fmt.Sprintf(`{"time_range":{"start_time":%q,"end_time":%q},"pagination":{"limit":1000}}`,
		now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)), &answer)
	for _, each := range answer.Traces {
		ids = append(ids, each.ID)
	}
	return ids
}

// runOnce starts one that must fail.
func runOnce(t *testing.T, c Config) error {
	t.Helper()
	s, err := New(c, service.NewEnv("ollyscale", nil))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = s.Run(ctx)
	require.Error(t, err)
	return err
}

func TestItIsStoppedWhileItStarts(t *testing.T) {
	t.Parallel()
	c := config(t, tempDir(t))
	s, err := New(c, service.NewEnv("ollyscale", nil))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	testbed.Eventually(t, "the server has begun", func() bool {
		_, err := os.Stat(filepath.Join(c.DataDir, "postgres.log"))
		return err == nil
	})
	cancel()
	require.NoError(t, <-done)
}

func TestWhatCannotStartSaysWhyInOneLine(t *testing.T) {
	t.Parallel()
	c := config(t, tempDir(t))
	require.NoError(t, os.WriteFile(filepath.Join(c.DataDir, "thesis.tex"), nil, 0o600))
	require.ErrorContains(t, runOnce(t, c), "was not made by ollyScale")

	c = config(t, tempDir(t))
	c.Postgres.Bin = t.TempDir()
	require.ErrorContains(t, runOnce(t, c), "holds no PostgreSQL")

	c = config(t, tempDir(t))
	c.Migrator.Wait = 200 * time.Millisecond
	c.Postgres.URL = "postgres://u@" + testbed.Address(t) + "/x"
	require.ErrorContains(t, runOnce(t, c), "migrator: ")
}

func TestConfigNamesTheKey(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*Config){
		"postgres.port":          func(c *Config) { c.Postgres.Port = 99999 },
		"postgres.settings":      func(c *Config) { c.Postgres.Settings = map[string]string{"Listen_Addresses": "*"} },
		"postgres.url":           func(c *Config) { c.Postgres.URL = "postgres://%zz" },
		"nats.stream_max_bytes":  func(c *Config) { c.NATS.StreamMaxBytes = 1 },
		"nats.sync_interval":     func(c *Config) { c.NATS.SyncInterval = -1 },
		"query.http.address":     func(c *Config) { c.Query.HTTP.Address = "x" },
		"writer.flush.max_items": func(c *Config) { c.Writer.Flush.MaxItems = -1 },
		"janitor.interval":       func(c *Config) { c.Janitor.Interval = -1 },
		"migrator.command":       func(c *Config) { c.Migrator.Command = "sideways" },
	} {
		c := DefaultConfig()
		change(&c)
		_, err := New(c, service.NewEnv("ollyscale", nil))
		require.ErrorContains(t, err, key)
	}
	require.NoError(t, DefaultConfig().Validate())
}

// Who may send and read is said once, and each role looks at its own settings beside it.
func TestTheModeOfTheWholeIsThatOfEachRole(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	c.Auth.Mode = auth.ModeOIDC
	require.ErrorContains(t, c.Validate(), "query.login.oidc.issuer: is missing")
	o := &c.Query.Login.OIDC
	o.Issuer, o.ClientID, o.PublicURL = "https://id.example", "ollyscale", "https://olly.example"
	require.NoError(t, c.Validate())
	c.Auth.Mode = auth.ModeKeys
	require.ErrorContains(t, c.Validate(), "query.login.oidc.issuer: names an identity provider")
	c = DefaultConfig()
	c.Auth.Mode = "passwords"
	require.Equal(t, 1, strings.Count(c.Validate().Error(), "auth.mode"), "what is wrong is said once")
	c = DefaultConfig()
	c.Query.Auth.Mode = auth.ModeKeys
	require.ErrorContains(t, c.Validate(), "query.auth: has no effect here")
}
