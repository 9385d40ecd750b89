package service

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
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type busConfig struct {
	URL      string        `mapstructure:"url" doc:"Where the bus is."`
	MaxBytes int64         `mapstructure:"max_bytes" doc:"Size of a stream."`
	Wait     time.Duration `mapstructure:"wait" doc:"How long."`
	Dialer   func()        `mapstructure:"-"`
}

type roleConfig struct {
	Bus     busConfig         `mapstructure:"bus"`
	Ops     OpsConfig         `mapstructure:"ops"`
	Command string            `mapstructure:"command" arg:"true" doc:"What to do."`
	Once    bool              `mapstructure:"once" doc:"Run once."`
	Rate    float64           `mapstructure:"rate"`
	Level   uint8             `mapstructure:"level"`
	Size    Bytes             `mapstructure:"size"`
	Names   []string          `mapstructure:"names"`
	Labels  map[string]string `mapstructure:"labels"`
	Token   string            `mapstructure:"token" secret:"true"`
}

func (c roleConfig) Validate() error {
	if c.Rate < 0 {
		return errors.New("rate: must not be negative")
	}
	return nil
}

func defaults() roleConfig {
	return roleConfig{Bus: busConfig{URL: "nats://localhost", MaxBytes: 1 << 30, Wait: time.Minute}, Command: "up"}
}

func loadWith(t *testing.T, env map[string]string, args ...string) (roleConfig, error) {
	t.Helper()
	c := defaults()
	_, err := load("test", &c, args, func(k string) (string, bool) { v, ok := env[k]; return v, ok }, &bytes.Buffer{})
	return c, err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSourcesOverrideEachOther(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", `
bus: {url: nats://file, max_bytes: 64MiB, wait: 7d}
rate: 2.5
level: 7
size: 2GB
once: true
names: [a, b]
labels: {x: y}
`)
	c, err := loadWith(t, nil, "--config", file)
	require.NoError(t, err)
	require.Equal(t, roleConfig{
		Bus:     busConfig{URL: "nats://file", MaxBytes: 64 << 20, Wait: 7 * 24 * time.Hour},
		Command: "up", Rate: 2.5, Level: 7, Size: 2e9, Once: true, Names: []string{"a", "b"}, Labels: map[string]string{"x": "y"},
	}, c)

	env := map[string]string{
		"OLLY_CONFIG": file, "OLLY_BUS_URL": "nats://env", "OLLY_BUS_WAIT": "90s", "OLLY_NAMES": "c, d", "OLLY_LABELS": "k=v=w", "OLLY_RATE": "",
	}
	c, err = loadWith(t, env, "down", "--bus-url=nats://flag", "--once=false", "--bus-max-bytes", "5")
	require.NoError(t, err)
	require.Equal(t, "nats://flag", c.Bus.URL)
	require.EqualValues(t, 5, c.Bus.MaxBytes)
	require.Equal(t, 90*time.Second, c.Bus.Wait)
	require.Equal(t, []string{"c", "d"}, c.Names)
	require.Equal(t, map[string]string{"k": "v=w"}, c.Labels)
	require.Equal(t, "down", c.Command)
	require.InDelta(t, 2.5, c.Rate, 0)
	require.False(t, c.Once)
}

func TestWrongSettingsAreNamed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"env":           {env: map[string]string{"OLLY_BUS_WAIT": "5"}, want: `bus.wait (from OLLY_BUS_WAIT): "5" lacks a unit: write 5ms, 5s or 5h`},
		"flag":          {args: []string{"--level=300"}, want: `level (from --level): "300" is not a whole number from 0 of 8 bits`},
		"bool":          {env: map[string]string{"OLLY_ONCE": "perhaps"}, want: `once (from OLLY_ONCE): "perhaps" is neither true nor false`},
		"size":          {env: map[string]string{"OLLY_SIZE": "big"}, want: `size (from OLLY_SIZE): "big" is not a size in bytes`},
		"unknown flag":  {args: []string{"--nope"}, want: "--nope"},
		"unknown word":  {args: []string{"up", "again"}, want: `unknown argument "again"`},
		"missing file":  {args: []string{"--config=/nowhere.yaml"}, want: "configuration file /nowhere.yaml does not exist"},
		"unknown key":   {args: []string{"--config", write(t, "a.yaml", "bus: {ulr: x}")}, want: `unknown key "bus.ulr" (did you mean "bus.url"?)`},
		"wrong in file": {args: []string{"--config", write(t, "a.yaml", "rate: [1]")}, want: "rate (from "},
		"broken file":   {args: []string{"--config", write(t, "a.yaml", "rate: [1")}, want: "a.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadWith(t, tc.env, tc.args...)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestBytesAndDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bytes{"0": 0, "17": 17, "64MiB": 64 << 20, "1.5 GB": 1.5e9, "3kib": 3072, "-1": -1} {
		got, err := ParseBytes(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseBytes(got.String())
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	for _, text := range []string{"", "MiB", "1XB", "99999999999GiB", "NaN"} {
		_, err := ParseBytes(text)
		require.Error(t, err, text)
	}
	for text, want := range map[string]time.Duration{"7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "0": 0} {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		again, err := parseDuration(formatDuration(got))
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	require.Equal(t, "2h", formatDuration(2*time.Hour))
	require.Equal(t, "10s", formatDuration(10*time.Second))
	require.Equal(t, "1h30m", formatDuration(90*time.Minute))
}

func TestPrintedConfigCanBeReadAgainAndHidesSecrets(t *testing.T) {
	t.Parallel()
	c := defaults()
	c.Bus.URL, c.Token, c.Names = "nats://u:hunter2@host", "hunter3", []string{"a", "b"}
	var out bytes.Buffer
	require.NoError(t, printConfig(&out, &c))
	require.NotContains(t, out.String(), "hunter")
	require.Contains(t, out.String(), "bus:\n  url: \"nats://u:xxxxx@host\"\n  max_bytes: \"1GiB\"\n  wait: \"1m\"\n")
	again, err := loadWith(t, nil, "--config", write(t, "p.yaml", out.String()))
	require.NoError(t, err)
	require.Equal(t, c.Names, again.Names)
	require.Equal(t, c.Bus.Wait, again.Bus.Wait)
}

type fakeRole struct {
	run func(context.Context) error
}

func (r fakeRole) Run(ctx context.Context) error { return r.run(ctx) }

func TestProgramExitCodes(t *testing.T) {
	t.Parallel()
	running := func(err error) Program {
		return NewProgram("demo", defaults(), func(roleConfig, Env) (fakeRole, error) {
			return fakeRole{func(context.Context) error { return err }}, nil
		}, WithLog(LogConfig{Level: "error", Format: "text"}))
	}
	var out, errs bytes.Buffer
	require.Equal(t, ExitOK, running(nil)(t.Context(), nil, &out, &errs))
	require.Equal(t, ExitOK, running(nil)(t.Context(), []string{"--version"}, &out, &errs))
	require.Regexp(t, `^demo dev\S* \(go1\.\S+ \w+/\w+\)\n$`, out.String())
	require.Equal(t, ExitOK, running(nil)(t.Context(), []string{"--help"}, &out, &errs))
	require.Contains(t, out.String(), "OLLY_BUS_URL")
	require.Equal(t, ExitOK, running(nil)(t.Context(), []string{"--print-config"}, &out, &errs))
	require.Contains(t, out.String(), "drain_deadline: \"30s\"")
	require.Empty(t, errs.String())

	require.Equal(t, ExitUsage, running(nil)(t.Context(), []string{"--rate=-1"}, &out, &errs))
	require.Equal(t, "demo: rate: must not be negative\n", errs.String())
	errs.Reset()
	require.Equal(t, ExitUsage, running(nil)(t.Context(), []string{"--log-level=loud"}, &out, &errs))
	require.Contains(t, errs.String(), "log.level")
	errs.Reset()
	require.Equal(t, ExitFailed, running(errors.New("port taken"))(t.Context(), nil, &out, &errs))
	require.Equal(t, "demo: port taken\n", errs.String())
}

func TestCommandsChoose(t *testing.T) {
	t.Parallel()
	var got []string
	program := func(name string) Program {
		return func(_ context.Context, args []string, _, _ io.Writer) int {
			got = append([]string{name}, args...)
			return ExitOK
		}
	}
	both := Commands("x", "up", map[string]Program{"up": program("up"), "demo": program("demo")})
	var out bytes.Buffer
	require.Equal(t, ExitOK, both(t.Context(), nil, &out, &out))
	require.Equal(t, []string{"up"}, got)
	require.Equal(t, ExitOK, both(t.Context(), []string{"--a"}, &out, &out))
	require.Equal(t, []string{"up", "--a"}, got)
	require.Equal(t, ExitOK, both(t.Context(), []string{"demo", "--b"}, &out, &out))
	require.Equal(t, []string{"demo", "--b"}, got)
	require.Equal(t, ExitUsage, both(t.Context(), []string{"nope"}, &out, &out))
	require.Contains(t, out.String(), "want demo, up")
}

func TestMainServesOpsUntilCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	config := defaults()
	config.Ops.Address = "127.0.0.1:0"
	var out, errs bytes.Buffer
	program := NewProgram("demo", config, func(_ roleConfig, env Env) (fakeRole, error) {
		env.Health.Register("x", func(context.Context) error { return nil })
		return fakeRole{func(ctx context.Context) error { cancel(); <-ctx.Done(); return ctx.Err() }}, nil
	})
	require.Equal(t, ExitOK, program(ctx, nil, &out, &errs))
}

func TestGroupStopsInReverseOrder(t *testing.T) {
	t.Parallel()
	var (
		mu    sync.Mutex
		ended []string
	)
	note := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		ended = append(ended, name)
	}
	var g Group
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{}, 3)
	for _, name := range []string{"database", "writer", "ingest"} {
		g.Add(name, func(ctx context.Context) error {
			started <- struct{}{}
			<-ctx.Done()
			note(name)
			return ctx.Err()
		})
	}
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	for range 3 {
		<-started
	}
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, []string{"ingest", "writer", "database"}, ended)
}

func TestGroupEndsWithTheFirstAndNamesErrors(t *testing.T) {
	t.Parallel()
	boom := errors.New("disk full")
	release := make(chan struct{})
	g := Group{Drain: 20 * time.Millisecond}
	g.Add("stuck", func(context.Context) error { <-release; return nil })
	g.Add("writer", func(context.Context) error { return boom })
	g.Add("query", func(ctx context.Context) error { <-ctx.Done(); return errors.New("unclean") })
	err := g.Run(t.Context())
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, "writer: disk full")
	require.ErrorContains(t, err, "query: unclean")
	require.ErrorContains(t, err, "stuck: did not stop within 20ms")
	close(release)

	require.NoError(t, (&Group{}).Run(t.Context()))
}

func get(t *testing.T, env Env, path string) (int, map[string]any) {
	t.Helper()
	for _, r := range OpsRoutes(env) {
		if r.Path == path {
			w := httptest.NewRecorder()
			r.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			body := map[string]any{}
			if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			}
			return w.Code, body
		}
	}
	require.Fail(t, "no such route", path)
	return 0, nil
}

func TestHealth(t *testing.T) {
	t.Parallel()
	env := NewEnv("writer", nil)
	code, body := get(t, env, "/health")
	require.Equal(t, 200, code)
	require.Equal(t, "writer", body["service"])

	env.Health.Register("bus", func(context.Context) error { return nil })
	env.Health.Register("disk", func(context.Context) error { panic("oh") })
	code, body = get(t, env, "/health")
	require.Equal(t, 503, code)
	require.Equal(t, []any{
		map[string]any{"name": "bus", "status": "ok"},
		map[string]any{"name": "disk", "status": "fail", "message": "the check panicked: oh"},
	}, body["checks"])
	require.ErrorContains(t, env.Health.Check(t.Context()), "disk: the check panicked")
	code, _ = get(t, env, "/livez")
	require.Equal(t, 200, code)
	code, _ = get(t, env, "/health/db")
	require.Equal(t, 404, code)
}

func TestHealthKeepsTheCauseOfAFaultToItself(t *testing.T) {
	t.Parallel()
	env := NewEnv("query", slog.New(slog.DiscardHandler))
	cause := errors.New("dial tcp db.internal:5432: user=admin")
	down := fault.Wrap(cause, fault.Unavailable, "database.down", "the database does not answer")
	env.Health.Register("bus", func(context.Context) error { return fmt.Errorf("probe: %w", down) })
	env.Health.RegisterDatabase(func(context.Context) DatabaseState { return DatabaseState{Err: down} })
	for _, path := range []string{"/health", "/health/db"} {
		for _, route := range OpsRoutes(env) {
			if route.Path != path {
				continue
			}
			answer := httptest.NewRecorder()
			route.Handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			require.Equal(t, http.StatusServiceUnavailable, answer.Code)
			require.Contains(t, answer.Body.String(), "the database does not answer")
			require.NotContains(t, answer.Body.String(), "db.internal")
		}
	}
}

func TestHealthOfTheDatabaseNamesBothVersions(t *testing.T) {
	t.Parallel()
	env := NewEnv("writer", nil)
	state := DatabaseState{Connected: true, ServerVersion: "18.4", Expected: "2", Current: "1"}
	env.Health.RegisterDatabase(func(context.Context) DatabaseState { return state })
	code, body := get(t, env, "/health/db")
	require.Equal(t, 503, code)
	require.Equal(t, map[string]any{"expected": "2", "current": "1"}, body["schema"])
	require.Contains(t, body["message"], "schema version 1, this build expects 2")
	code, _ = get(t, env, "/health")
	require.Equal(t, 503, code)

	state.Current = "2"
	code, body = get(t, env, "/health/db")
	require.Equal(t, 200, code)
	require.Equal(t, true, body["connected"])
	state = DatabaseState{Expected: "2", Err: errors.New("connection refused")}
	code, body = get(t, env, "/health/db")
	require.Equal(t, 503, code)
	require.Equal(t, map[string]any{"expected": "2", "current": nil}, body["schema"])
}

func TestListenNamesWhatIsTaken(t *testing.T) {
	t.Parallel()
	l, err := Listen(t.Context(), "OTLP/gRPC", "127.0.0.1:0", "grpc.address")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	_, err = Listen(t.Context(), "OTLP/gRPC", l.Addr().String(), "grpc.address")
	require.ErrorContains(t, err, "OTLP/gRPC: "+l.Addr().String()+" is taken by another process; stop it, or choose another address with grpc.address")
}

func TestDocumentListsEverySetting(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	explain := func(owner reflect.Type, field string) string { return owner.Name() + " " + field }
	require.NoError(t, Document(&out, []Section{{Title: "Writer", Text: "Writes.", Config: defaults(), Hide: []string{"ops."}}}, explain))
	for _, line := range []string{
		"| `log.level` | `OLLY_LOG_LEVEL` | `info` | Least level that is logged: debug, info, warn or error. |",
		"| `bus.max_bytes` | `OLLY_BUS_MAX_BYTES` | `1GiB` | Size of a stream. |",
		"| `bus.wait` | `OLLY_BUS_WAIT` | `1m` | How long. |",
		"| `command` | `OLLY_COMMAND` | `up` | What to do. The first word of the command line sets it. |",
		"| `rate` | `OLLY_RATE` | `0` | roleConfig Rate |",
	} {
		require.Contains(t, out.String(), line+"\n")
	}
	require.NotContains(t, out.String(), "ops.address")
}

func TestOwnTracesAreSentAsOTLP(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- append([]byte(r.URL.Path+" "), body...)
	}))
	defer server.Close()
	own, err := NewTelemetry("query")
	require.NoError(t, err)
	own.Trace(TracingConfig{Endpoint: server.URL + "/", Ratio: 1}, slog.New(slog.DiscardHandler))
	env := own.Env("query", slog.New(slog.DiscardHandler))
	ctx, parent := env.Tracer.Start(t.Context(), "parent", trace.WithAttributes(attribute.Int("n", 5), attribute.StringSlice("l", []string{"a"})))
	_, child := env.Tracer.Start(ctx, "child", trace.WithSpanKind(trace.SpanKindServer))
	child.RecordError(errors.New("broken"))
	child.SetStatus(codes.Error, "why")
	child.End()
	parent.End()
	require.NoError(t, own.Close(t.Context()))
	text := string(<-got)
	require.Contains(t, text, "/v1/traces {")
	for _, want := range []string{
		`{"key":"service.name","value":{"stringValue":"ollyscale-query"}}`, `"scope":{"name":"ollyscale/query"}`,
		`"parentSpanId":"` + parent.SpanContext().SpanID().String() + `"`, `"kind":2`, `"status":{"code":2,"message":"why"}`, `"name":"exception"`,
		`{"key":"n","value":{"intValue":"5"}}`, `{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"a"}]}}}`,
	} {
		require.Contains(t, text, want)
	}
	require.ErrorContains(t, TracingConfig{Endpoint: "here"}.Validate(), "tracing.endpoint")
	require.ErrorContains(t, TracingConfig{Ratio: 2}.Validate(), "tracing.ratio")
}
