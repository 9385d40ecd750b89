package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/libs/testbed/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, testbed.LoopsOfStoppedServers()...) }

// epoch is when the tests happen: a second after the items of testdata.
func epoch() time.Time { return time.Unix(0, 1_763_900_000_000_000_000).UTC() }

// running is an ingest with a NATS of its own.
type running struct {
	t     testing.TB
	nats  *testbed.Server
	clock *testbed.Clock
	grpc  string
	http  string
	bus   *bus.Bus
	check contract.Check // of every answer

	service *Service
	budget  *budget
	meets   atomic.Pointer[func()] // what the next request that is admitted meets before it is
	each    atomic.Pointer[func()] // what every request meets then
}

// start runs an ingest until the test ends; change alters its configuration.
func start(t testing.TB, change ...func(*Config)) *running {
	t.Helper()
	r := &running{t: t, nats: testbed.NATSServer(t), clock: testbed.NewClock(epoch()), check: contract.New(t)}
	cfg := DefaultConfig()
	cfg.GRPC.Address, cfg.HTTP.Address = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Bus = r.nats.Config()
	for _, c := range change {
		c(&cfg)
	}
	env := service.NewEnv("ingest", testbed.NewLog(t))
	env.Now = func() time.Time {
		// The clock is read by the admission, first of all, and by others.
		if r.meets.Load() != nil && called("take") {
			if meets := r.meets.Swap(nil); meets != nil {
				(*meets)()
			}
		}
		if each := r.each.Load(); each != nil && called("take") {
			(*each)()
		}
		return r.clock.Now()
	}
	s, err := New(cfg, env)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	require.NoError(t, s.http.Listen(ctx))
	r.http = "http://" + s.http.Addr().String()
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() //nolint:forcetypeassert // its documented type
	})
	r.bus, err = bus.Connect(t.Context(), cfg.Bus, nil, nil)
	require.NoError(t, err)
	t.Cleanup(r.bus.Close)
	testbed.Eventually(t, "ingest is ready, but for keys", func() bool {
		health := r.get("/health")
		return health.status == http.StatusOK || cfg.Auth.Required() && strings.Contains(string(health.body), `"name":"bus","status":"ok"`)
	})
	r.service, r.budget = s, s.budget
	r.grpc = s.grpc.listener.Addr().String()
	return r
}

// called reports whether a method of Service of that name is being executed by this goroutine.
func called(method string) bool {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "(*Service)."+method) {
			return true
		}
		if !more {
			return false
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (r *running) get(path string) answer {
	return r.do(http.MethodGet, path, nil, nil)
}

func (r *running) post(path, contentType string, body []byte, headers ...string) answer {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return r.do(http.MethodPost, path, h, body)
}

func (r *running) do(method, path string, h http.Header, body []byte) answer {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.http+path, bytes.NewReader(body))
	require.NoError(r.t, err)
	if h != nil {
		request.Header = h
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	r.check(r.t, request, response.StatusCode, response.Header, got)
	return answer{response.StatusCode, response.Header, got}
}

// stored takes n batches of a signal off the bus.
func (r *running) stored(signal telemetry.Signal, n int) []telemetry.Batch {
	r.t.Helper()
	c, err := r.bus.Consumer(r.t.Context(), signal)
	require.NoError(r.t, err)
	defer c.Close()
	var out []telemetry.Batch
	testbed.Eventually(r.t, "batches on the bus", func() bool {
		got, err := c.Fetch(r.t.Context(), 1000, 64<<20, 100*time.Millisecond)
		if err != nil {
			require.Equal(r.t, fault.Unavailable, fault.ClassOf(err))
		}
		for _, d := range got {
			out = append(out, d.Batch)
			require.NoError(r.t, d.Settle(r.t.Context(), nil))
		}
		return len(out) >= n
	})
	require.Len(r.t, out, n)
	return out
}

// nothing checks that no signal has anything on the bus.
func (r *running) nothing() {
	r.t.Helper()
	for _, signal := range telemetry.Signals() {
		backlog, err := r.bus.Pending(r.t.Context(), signal)
		require.NoError(r.t, err)
		require.Zero(r.t, backlog.LastPosition, "%s was stored", signal)
	}
}

func testdata(t testing.TB, signal telemetry.Signal) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", signal.String()+".json"))
	require.NoError(t, err)
	return b
}

// protobuf is the testdata as protobuf, made without the code under test.
func protobuf(t testing.TB, signal telemetry.Signal) []byte {
	t.Helper()
	var b []byte
	var err error
	switch signal {
	case telemetry.Traces:
		r := ptraceotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalJSON(testdata(t, signal)))
		b, err = r.MarshalProto()
	case telemetry.Logs:
		r := plogotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalJSON(testdata(t, signal)))
		b, err = r.MarshalProto()
	case telemetry.Metrics:
		r := pmetricotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalJSON(testdata(t, signal)))
		b, err = r.MarshalProto()
	}
	require.NoError(t, err)
	return b
}

// snakeCase renames the fields of OTLP JSON; the keys of attributes are values there and stay.
func snakeCase(b []byte) []byte {
	field := regexp.MustCompile(`"[a-z]+(?:[A-Z][a-z]*)+" ?:`)
	upper := regexp.MustCompile(`[A-Z]`)
	return field.ReplaceAllFunc(b, func(name []byte) []byte {
		return upper.ReplaceAllFunc(name, func(c []byte) []byte { return append([]byte{'_'}, bytes.ToLower(c)...) })
	})
}

// items of the testdata.
func itemsOf(signal telemetry.Signal) int {
	switch signal {
	case telemetry.Traces:
		return 1
	case telemetry.Logs:
		return 2
	case telemetry.Metrics:
		return 6
	}
	return 0
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func zstded(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer func() { _ = z.Close() }()
	return z.EncodeAll(b, nil)
}

func requireJSON(t testing.TB, want string, got []byte) {
	t.Helper()
	require.True(t, json.Valid(got), "%s", got)
	require.JSONEq(t, want, string(got))
}

func compressed(t testing.TB, b []byte, writer func(w io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var out bytes.Buffer
	z := writer(&out)
	_, err := z.Write(b)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}
