package ingest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/libs/testbed/contract"
)

// A request whose body is still on its way when the service is told to stop gets its answer, and its data is on the bus.
func TestARequestInFlightIsAnsweredWhenTheServiceStops(t *testing.T) {
	t.Parallel()
	nats := testbed.NATSServer(t)
	cfg := DefaultConfig()
	cfg.GRPC.Address, cfg.HTTP.Address = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Bus = nats.Config()
	env := service.NewEnv("ingest", testbed.NewLog(t))
	env.Now = epoch
	s, err := New(cfg, env)
	require.NoError(t, err)
	require.NoError(t, s.http.Listen(t.Context()))
	address := s.http.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	testbed.Eventually(t, "ingest is ready", func() bool {
		response, err := http.Get("http://" + address + "/health")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	http.DefaultClient.CloseIdleConnections()

	payload := protobuf(t, telemetry.Traces)
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n", len(payload))
	require.NoError(t, err)
	_, err = conn.Write(payload[:100])
	require.NoError(t, err)
	// The server has the request in hand once it has reserved memory for it.
	testbed.Eventually(t, "the request is being read", func() bool { return s.budget.used.Load() > 0 })
	cancel()
	testbed.Eventually(t, "the port is closed", func() bool {
		probe, err := net.Dial("tcp", address)
		if err == nil {
			_ = probe.Close()
		}
		return err != nil
	})
	_, err = conn.Write(payload[100:])
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "1", response.Header.Get("X-Olly-Position"))
	require.NoError(t, <-ended)
	require.Zero(t, s.budget.used.Load())
}

func TestABodyThatNeverEndsIsNoSuccess(t *testing.T) {
	t.Parallel()
	r := start(t)
	body, send := io.Pipe()
	payload := protobuf(t, telemetry.Traces)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http+"/v1/traces", body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	go func() {
		_, _ = send.Write(payload)
		_ = send.CloseWithError(io.ErrClosedPipe) // the client goes away in the middle
	}()
	_, err = http.DefaultClient.Do(request) //nolint:bodyclose // there is none
	require.Error(t, err)
	require.Equal(t, http.StatusOK, r.get("/livez").status)
	r.nothing()
}

// A defect in one request is that request's alone.
func TestAPanicIsAnsweredAndTheServiceLives(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Auth.DefaultTenant = "default" })
	conn := dial(t, r)
	defect := func() { panic("a defect") }
	r.meets.Store(&defect)
	got := r.post("/v1/traces", "application/json", testdata(t, telemetry.Traces))
	require.Equal(t, http.StatusInternalServerError, got.status)
	require.NotContains(t, string(got.body), "goroutine")
	require.Contains(t, string(got.body), `"message":"internal error"`)
	r.meets.Store(&defect)
	_, err := call(t.Context(), conn, telemetry.Traces, protobuf(t, telemetry.Traces))
	require.Equal(t, codes.Internal, status.Code(err))
	r.nothing()
	require.Equal(t, http.StatusOK, r.post("/v1/traces", "application/json", testdata(t, telemetry.Traces)).status)
	_, err = call(t.Context(), conn, telemetry.Traces, protobuf(t, telemetry.Traces))
	require.NoError(t, err)
}

// Senders that start before the bus are told to come again, and do.
func TestIngestStartsBeforeNATS(t *testing.T) {
	t.Parallel()
	nats := testbed.NATSServer(t)
	nats.Stop()
	cfg := DefaultConfig()
	cfg.GRPC.Address, cfg.HTTP.Address = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Bus = nats.Config()
	cfg.Bus.RequestTimeout, cfg.Bus.PublishTimeout = time.Second, time.Second
	env := service.NewEnv("ingest", testbed.NewLog(t))
	env.Now = epoch
	s, err := New(cfg, env)
	require.NoError(t, err)
	require.Error(t, env.Health.Check(t.Context()), "before Run")
	require.NoError(t, s.http.Listen(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r := &running{t: t, check: contract.New(t), http: "http://" + s.http.Addr().String()}
	require.Equal(t, http.StatusServiceUnavailable, r.post("/v1/traces", "application/x-protobuf", protobuf(t, telemetry.Traces)).status)
	nats.Start()
	testbed.Eventually(t, "the bus is there", func() bool { return r.get("/health").status == http.StatusOK })
	require.Equal(t, http.StatusOK, r.post("/v1/traces", "application/x-protobuf", protobuf(t, telemetry.Traces)).status)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	require.NoError(t, <-ended)
}
