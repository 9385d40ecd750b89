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
	"github.com/ollyscale/ollyscale/libs/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type roleConfig struct {
	BusURL string    `mapstructure:"bus_url" usual:"true" doc:"Where the bus is."`
	Ops    OpsConfig `mapstructure:"ops"`
	Rate   float64   `mapstructure:"rate" doc:"How many; 0 for none."`
}

func (c roleConfig) Validate() error {
	var p settings.Problems
	settings.NotNegative(&p, "rate", c.Rate)
	return p.Err()
}

func defaults() roleConfig { return roleConfig{BusURL: "nats://localhost"} }

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
	require.Equal(t, "demo: rate (from --rate): -1 is negative\n", errs.String())
	errs.Reset()
	require.Equal(t, ExitUsage, running(nil)(t.Context(), []string{"--log-level=loud", "--drain-deadline=0s", "--rate=many", "--tracing-ratio=2"}, &out, &errs))
	require.Equal(t, `demo: rate (from --rate): "many" is not a number
demo: log.level (from --log-level): "loud" is not debug, info, warn or error
demo: tracing.ratio (from --tracing-ratio): 2 is not between 0 and 1
demo: drain_deadline (from --drain-deadline): 0s is not above 0
`, errs.String(), "all at once")
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
		env.Health.Register(Condition{Name: "x"}, func(context.Context) error { return nil })
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

	env.Health.Register(Condition{Name: "bus"}, func(context.Context) error { return nil })
	env.Health.Register(Condition{Name: "disk", Advice: "free it"}, func(context.Context) error { panic("oh") })
	code, body = get(t, env, "/health")
	require.Equal(t, 503, code)
	require.Equal(t, []any{
		map[string]any{"name": "bus", "status": "ok"},
		map[string]any{"name": "disk", "status": "fail", "code": "health.panicked", "message": "the check panicked: oh", "advice": "free it"},
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
	down := fault.Kind{Class: fault.Unavailable, Code: "database.down"}.Wrap(cause, "the database does not answer")
	env.Health.Register(Condition{Name: "bus"}, func(context.Context) error { return fmt.Errorf("probe: %w", down) })
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
	state := DatabaseState{Connected: true, ServerVersion: "18.4", Expected: "2", Current: "1", Err: errors.New("schema version 1, this build expects 2")}
	env.Health.RegisterDatabase(func(context.Context) DatabaseState { return state })
	code, body := get(t, env, "/health/db")
	require.Equal(t, 503, code)
	require.Equal(t, map[string]any{"expected": "2", "current": "1"}, body["schema"])
	require.Contains(t, body["message"], "schema version 1, this build expects 2")
	code, _ = get(t, env, "/health")
	require.Equal(t, 503, code)

	state.Current, state.Err = "2", nil
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
	env := NewEnv("demo", nil)
	l, err := env.Listen(t.Context(), Port{What: "OTLP/gRPC", Address: "127.0.0.1:0", Setting: "grpc.address"})
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	_, err = env.Listen(t.Context(), Port{What: "OTLP/gRPC", Address: l.Addr().String(), Setting: "grpc.address"})
	require.ErrorContains(t, err, "OTLP/gRPC: "+l.Addr().String()+" is taken by another process; stop it, or choose another address with grpc.address")
}

func TestWhatNothingAuthenticatesIsOnThisMachineOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0"} {
		for _, test := range []struct{ authenticated, insecure, refused bool }{
			{refused: true}, {authenticated: true}, {insecure: true}, {authenticated: true, insecure: true},
		} {
			env := NewEnv("demo", nil)
			env.insecure = test.insecure
			l, err := env.Role("part").Listen(t.Context(), Port{What: "OTLP/gRPC", Address: address, Setting: "grpc.address", Authenticated: test.authenticated})
			if test.refused {
				require.True(t, errExposed.Matches(err), "%v", err)
				for _, word := range []string{address, "grpc.address", "auth.mode", "--insecure"} {
					require.ErrorContains(t, err, word)
				}
				continue
			}
			require.NoError(t, err)
			require.NoError(t, l.Close())
		}
	}
	l, err := NewEnv("demo", nil).Listen(t.Context(), Port{What: "x", Address: "localhost:0", Setting: "y"})
	require.NoError(t, err, "this machine by its name")
	require.NoError(t, l.Close())
}

// Keys that cross a network in clear text are the reader's who is on the way; only who set it up knows whether a proxy is in front.
func TestKeysInClearTextFromOtherMachinesAreWarnedOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		port Port
		warn bool
	}{
		{Port{Address: "0.0.0.0:0", Authenticated: true}, true},
		{Port{Address: ":0", Authenticated: true}, true},
		{Port{Address: "0.0.0.0:0", Authenticated: true, Encrypted: true}, false},
		{Port{Address: "127.0.0.1:0", Authenticated: true}, false},
		{Port{Address: "0.0.0.0:0"}, false}, // nothing to read: it is refused, or said to be insecure
	} {
		var said bytes.Buffer
		env := NewEnv("demo", slog.New(slog.NewTextHandler(&said, nil)))
		env.insecure = true
		test.port.What = "OTLP/gRPC"
		require.NoError(t, env.MayListen(t.Context(), test.port))
		require.Empty(t, said.String(), "to look is no start")
		l, err := env.Listen(t.Context(), test.port)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		require.Equal(t, test.warn, strings.Contains(said.String(), "level=WARN") && strings.Contains(said.String(), "OTLP/gRPC") && strings.Contains(said.String(), "tls_cert_file"),
			"%+v: %s", test.port, said.String())
	}
}

func TestTheOpsListenerIsOnThisMachineUnlessItIsSaid(t *testing.T) {
	t.Parallel()
	run := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := NewProgram("demo", defaults(), func(_ roleConfig, env Env) (fakeRole, error) {
			l, err := env.Listen(t.Context(), Port{What: "API", Address: "0.0.0.0:0", Setting: "http.address"})
			if err == nil {
				err = l.Close()
			}
			return fakeRole{func(context.Context) error { return nil }}, err
		}, WithLog(LogConfig{Level: "error", Format: "text"}))(t.Context(), args, &out, &errs)
		return code, errs.String()
	}
	code, complaint := run("--ops-address=0.0.0.0:0")
	require.Equal(t, ExitFailed, code)
	require.Contains(t, complaint, "health and metrics: 0.0.0.0:0 is reached from other machines")
	code, complaint = run()
	require.Equal(t, ExitFailed, code)
	require.Contains(t, complaint, "API: 0.0.0.0:0 is reached from other machines")
	code, complaint = run("--ops-address=0.0.0.0:0", "--insecure")
	require.Equal(t, ExitOK, code, complaint)
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
	require.ErrorContains(t, TracingConfig{Endpoint: "here"}.Validate(), "endpoint")
	require.ErrorContains(t, TracingConfig{Ratio: 2}.Validate(), "ratio")
}
