package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// BenchmarkTake is the path of a request from its decompressed bytes to the last PubAck, NATS in the same process: check, id, compress,
// publish. Every request is another tenant's, so that none is a duplicate.
func BenchmarkTake(b *testing.B) {
	shop := testbed.NewShop(1, epoch())
	for _, compression := range []string{"s2", "zstd", "none"} {
		for _, signal := range telemetry.Signals() {
			payload := shop.Payload(signal, 1000)
			b.Run(compression+"/"+signal.String(), func(b *testing.B) {
				s := benchService(b, compression)
				b.SetBytes(int64(len(payload)))
				b.ReportAllocs()
				cpu := cpuTime(b)
				items := 0
				for i := 0; b.Loop(); i++ {
					r, err := s.take(b.Context(), &visit{id: auth.Identity{Tenant: tenant(i)}, signal: signal}, payload, payload, telemetry.Refusals{})
					if err != nil {
						b.Fatal(err)
					}
					items += r.accepted
				}
				require.Positive(b, items)
				b.ReportMetric(float64(cpuTime(b)-cpu)/float64(items), "cpu-ns/item")
			})
		}
	}
}

// BenchmarkSmallRequest is what ingest does for a request of one span between its header being read and its answer being written, with NATS in the process:
// what a request costs whatever is in it.
func BenchmarkSmallRequest(b *testing.B) {
	s := benchService(b, "s2")
	payload := testbed.NewShop(1, epoch()).Payload(telemetry.Traces, 1)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/traces", bytes.NewReader(payload))
			request.Header.Set("Content-Type", typeProtobuf)
			answer := httptest.NewRecorder()
			s.http.Echo.ServeHTTP(answer, request)
			if answer.Code != http.StatusOK {
				b.Error(answer.Code, answer.Body.String())
				return
			}
		}
	})
}

// BenchmarkHTTP is a whole request over a socket, the client's half included.
func BenchmarkHTTP(b *testing.B) {
	shop := testbed.NewShop(1, epoch())
	payload := shop.Payload(telemetry.Traces, 1000)
	for _, form := range []struct {
		name string
		body []byte
	}{{"identity", payload}, {"gzip", gzipped(b, payload)}, {"zstd", zstded(b, payload)}} {
		b.Run(form.name, func(b *testing.B) {
			r := start(b, benchBus)
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			cpu := cpuTime(b)
			n := 0
			for i := 0; b.Loop(); i++ {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, r.http+"/v1/traces", bytes.NewReader(form.body))
				require.NoError(b, err)
				request.Header.Set("Content-Type", typeProtobuf)
				request.Header.Set("Content-Encoding", form.name)
				request.Header.Set(auth.TenantHeader, string(tenant(i)))
				response, err := http.DefaultClient.Do(request)
				require.NoError(b, err)
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				require.Equal(b, http.StatusOK, response.StatusCode)
				n++
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(n)/1000, "cpu-ns/item")
		})
	}
}

// BenchmarkGRPC is the same by gRPC.
func BenchmarkGRPC(b *testing.B) {
	shop := testbed.NewShop(1, epoch())
	payload := shop.Payload(telemetry.Traces, 1000)
	for _, compression := range []string{"identity", "gzip", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			r := start(b, benchBus)
			conn := dial(b, r)
			var options []grpc.CallOption
			if compression != "identity" {
				options = append(options, grpc.UseCompressor(compression))
			}
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			cpu := cpuTime(b)
			n := 0
			for i := 0; b.Loop(); i++ {
				_, err := call(outgoing(b, tenant(i)), conn, telemetry.Traces, payload, options...)
				require.NoError(b, err)
				n++
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(n)/1000, "cpu-ns/item")
		})
	}
}

func benchBus(c *Config) {
	c.Bus.MaxBytes = 2 << 30 // of each of three streams
	c.Admit.MaxAge.Traces = -1
}

func benchService(b testing.TB, compression string) *Service {
	b.Helper()
	cfg := DefaultConfig()
	cfg.Bus = testbed.NATS(b)
	cfg.Bus.Compression = compression
	benchBus(&cfg)
	env := service.NewEnv("ingest", nil)
	env.Now = epoch
	s, err := New(cfg, env)
	require.NoError(b, err)
	connection, err := bus.Connect(b.Context(), cfg.Bus, nil, nil)
	require.NoError(b, err)
	b.Cleanup(connection.Close)
	require.NoError(b, connection.WaitReady(testbed.Context(b)))
	publisher, err := connection.Publisher()
	require.NoError(b, err)
	b.Cleanup(publisher.Close)
	s.bus.Store(connection)
	s.publisher = publisher
	return s
}

// tenant i is another one for every i.
func tenant(i int) telemetry.Tenant { return telemetry.Tenant("t" + strconv.Itoa(i)) }

func outgoing(b *testing.B, tenant telemetry.Tenant) context.Context {
	b.Helper()
	return metadata.AppendToOutgoingContext(b.Context(), auth.TenantHeader, string(tenant))
}

// cpuTime is what the process has used, NATS and client included: unlike the clock it does not depend on who else uses the machine.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// No work per item allocates: a request of 2,000 spans costs as many allocations as one of 20, give or take NATS's own.
func TestARequestAllocatesNothingPerItem(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	s := benchService(t, "s2")
	cost := func(items int) float64 {
		payload := testbed.NewShop(1, epoch()).Payload(telemetry.Traces, items)
		i := 0
		return testing.AllocsPerRun(50, func() {
			i++
			_, err := s.take(t.Context(), &visit{id: auth.Identity{Tenant: telemetry.Tenant(fmt.Sprintf("t%d-%d", items, i))}, signal: telemetry.Traces}, payload, payload, telemetry.Refusals{})
			require.NoError(t, err)
		})
	}
	few, many := cost(20), cost(2000)
	require.Less(t, many, few+60)
	require.Less(t, many, 200.0)
}
