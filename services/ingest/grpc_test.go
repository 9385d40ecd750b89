package ingest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	pb "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func dial(t testing.TB, r *running, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(r.grpc, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// clientCodec passes both directions through as bytes.
type clientCodec struct{ rawCodec }

func (clientCodec) Unmarshal(data mem.BufferSlice, v any) error {
	v.(*message).bytes = data.Materialize() //nolint:forcetypeassert // what call gives it
	return nil
}

// call sends bytes as they are, so that they may be wrong.
func call(ctx context.Context, conn *grpc.ClientConn, signal telemetry.Signal, payload []byte, options ...grpc.CallOption) ([]byte, error) {
	answer := &message{}
	options = append(options, grpc.ForceCodecV2(clientCodec{rawCodec{encoding.GetCodecV2(proto.Name)}}))
	err := conn.Invoke(ctx, "/"+exportDesc(signal).ServiceName+"/Export", &message{payload}, answer, options...)
	return answer.bytes, err
}

func TestOTLPOverGRPC(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	for _, signal := range telemetry.Signals() {
		want := protobuf(t, signal)
		for i, compression := range []string{ // twice: pooled decompressors
			"identity", "gzip", "x-gzip", "zstd", "deflate", "zlib", "snappy", "x-snappy-framed", "lz4",
			"gzip", "x-gzip", "zstd", "deflate", "zlib", "snappy", "x-snappy-framed", "lz4",
		} {
			tenant := telemetry.Tenant(fmt.Sprint("t", i))
			ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", string(tenant))
			var trailer metadata.MD
			options := []grpc.CallOption{grpc.Trailer(&trailer)}
			if compression != "identity" {
				options = append(options, grpc.UseCompressor(compression))
			}
			got, err := call(ctx, conn, signal, want, options...)
			require.NoError(t, err)
			require.Empty(t, got)
			require.Equal(t, []string{fmt.Sprint(i + 1)}, trailer.Get("x-olly-position"))
			batch := r.stored(signal, 1)[0]
			require.Equal(t, want, batch.Payload)
			require.Equal(t, itemsOf(signal), batch.Items)
			require.Equal(t, tenant, batch.Tenant)
		}
	}
}

func TestGeneratedClientsOverGRPC(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	traces := ptraceotlp.NewExportRequest()
	require.NoError(t, traces.UnmarshalProto(protobuf(t, telemetry.Traces)))
	gotTraces, err := ptraceotlp.NewGRPCClient(conn).Export(t.Context(), traces)
	require.NoError(t, err)
	require.Zero(t, gotTraces.PartialSuccess().RejectedSpans())
	logs := plogotlp.NewExportRequest()
	require.NoError(t, logs.UnmarshalProto(protobuf(t, telemetry.Logs)))
	_, err = plogotlp.NewGRPCClient(conn).Export(t.Context(), logs)
	require.NoError(t, err)
	metrics := pmetricotlp.NewExportRequest()
	require.NoError(t, metrics.UnmarshalProto(protobuf(t, telemetry.Metrics)))
	_, err = pmetricotlp.NewGRPCClient(conn).Export(t.Context(), metrics)
	require.NoError(t, err)

	r.clock.Advance(1000 * 24 * time.Hour)
	gotTraces, err = ptraceotlp.NewGRPCClient(conn).Export(t.Context(), traces)
	require.NoError(t, err)
	require.Equal(t, int64(1), gotTraces.PartialSuccess().RejectedSpans())
	require.Contains(t, gotTraces.PartialSuccess().ErrorMessage(), "rejected 1 of 1 span: 1 older than")
	gotMetrics, err := pmetricotlp.NewGRPCClient(conn).Export(t.Context(), metrics)
	require.NoError(t, err)
	require.Equal(t, int64(6), gotMetrics.PartialSuccess().RejectedDataPoints())
}

func TestBadInputOverGRPC(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.MaxRequestBytes, c.MaxInFlightBytes = 100_000, 10<<20 })
	conn := dial(t, r)
	fine := protobuf(t, telemetry.Traces)
	for _, test := range []struct {
		name    string
		payload []byte
		options []grpc.CallOption
		tenant  string
		code    codes.Code
		says    string
	}{
		{"truncated", fine[:len(fine)-3], nil, "", codes.InvalidArgument, "the data ends inside a field"},
		{"trailing garbage", append(bytes.Clone(fine), 0xff), nil, "", codes.InvalidArgument, "not a valid OTLP request"},
		{"JSON", []byte(`{"resourceSpans":[]}`), nil, "", codes.InvalidArgument, "not a valid OTLP request"},
		{"a scope that ends early", []byte{0x0a, 4, 0x12, 2, 0x12, 4}, nil, "", codes.InvalidArgument, "resource_spans[0].scope_spans[0]: the data ends inside a field"},
		{"too large", make([]byte, 100_001), nil, "", codes.ResourceExhausted, "larger than 100000 bytes"},
		{"too large decompressed", make([]byte, 50<<20), []grpc.CallOption{grpc.UseCompressor("zstd")}, "", codes.ResourceExhausted, "larger than 100000 bytes"},
		{"bad tenant", fine, nil, "a>b", codes.InvalidArgument, "X-Scope-OrgID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx := t.Context()
			if test.tenant != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "X-Scope-OrgID", test.tenant)
			}
			_, err := call(ctx, conn, telemetry.Traces, test.payload, test.options...)
			require.Equal(t, test.code, status.Code(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			for _, d := range status.Convert(err).Details() {
				_, retry := d.(*errdetails.RetryInfo)
				require.False(t, retry, "not to be repeated")
			}
		})
	}
	err := conn.Invoke(t.Context(), "/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", &message{}, &message{}, grpc.ForceCodecV2(clientCodec{rawCodec{encoding.GetCodecV2(proto.Name)}}))
	require.Equal(t, codes.Unimplemented, status.Code(err))
	r.nothing()
	_, err = call(t.Context(), conn, telemetry.Traces, nil)
	require.NoError(t, err, "an empty request is fine")
	r.nothing()
	_, err = call(t.Context(), conn, telemetry.Traces, fine)
	require.NoError(t, err, "and it still works")
}

// TestAnUnreadableRequestComesWithItsPlace: what a person reads in the message, a program reads in the details, on both transports.
// Of the health service, gRPC itself decompresses the request and compresses the answer.
func TestOtherServicesAreCompressedAlike(t *testing.T) {
	t.Parallel()
	r := start(t)
	client := healthpb.NewHealthClient(dial(t, r))
	for _, c := range newCodings() {
		for _, name := range c.names {
			for range 2 {
				got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: strings.Repeat("x", 5000)}, grpc.UseCompressor(name))
				require.NoError(t, err, name)
				require.Equal(t, healthpb.HealthCheckResponse_SERVING, got.Status, name)
			}
		}
	}
}

func TestProfilesAreRefusedByACode(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, contentType := range []string{typeProtobuf, typeJSON} {
		got := r.post("/v1development/profiles", contentType, []byte("{}"))
		require.Equal(t, http.StatusNotFound, got.status)
		require.Equal(t, contentType, got.header.Get("Content-Type"))
		var s spb.Status
		if contentType == typeProtobuf {
			require.NoError(t, pb.Unmarshal(got.body, &s))
		} else {
			require.NoError(t, protojson.Unmarshal(got.body, &s))
		}
		requireReason(t, "otlp.no_profiles", s.Details)
		require.Equal(t, int32(codes.Unimplemented), s.Code)
	}
	err := dial(t, r).Invoke(t.Context(), "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", &emptypb.Empty{}, &emptypb.Empty{})
	require.Equal(t, codes.Unimplemented, status.Code(err), "%v", err)
	requireReason(t, "otlp.no_profiles", status.Convert(err).Proto().Details)
	r.nothing()
}

// requireReason wants a code of docs/errors.md among the details of a status.
func requireReason(t *testing.T, code string, details []*anypb.Any) {
	t.Helper()
	for _, d := range details {
		var info errdetails.ErrorInfo
		if d.UnmarshalTo(&info) == nil {
			require.Equal(t, code, info.Reason)
			return
		}
	}
	require.Fail(t, "no ErrorInfo")
}

func TestAnUnreadableRequestComesWithItsPlace(t *testing.T) {
	t.Parallel()
	r := start(t)
	broken := []byte{0x0a, 4, 0x12, 2, 0x12, 4}
	check := func(details []any) {
		t.Helper()
		require.Len(t, details, 2)
		bad, ok := details[0].(*errdetails.BadRequest)
		require.True(t, ok)
		require.Equal(t, "resource_spans[0].scope_spans[0]", bad.GetFieldViolations()[0].GetField())
		require.Contains(t, bad.GetFieldViolations()[0].GetDescription(), "the data ends inside a field")
		info, ok := details[1].(*errdetails.ErrorInfo)
		require.True(t, ok)
		require.Equal(t, "otlp.malformed", info.GetReason())
	}
	_, err := call(t.Context(), dial(t, r), telemetry.Traces, broken)
	check(status.Convert(err).Details())
	got := r.post("/v1/traces", typeProtobuf, broken)
	require.Equal(t, http.StatusBadRequest, got.status)
	var s spb.Status
	require.NoError(t, pb.Unmarshal(got.body, &s))
	check(status.FromProto(&s).Details())
}

// TestDamageInOneItemIsPartialSuccess: the neighbours of a span with a bad id, a record nested too deep and a point that cannot be read are
// stored, whatever the transport and the encoding.
func TestDamageInOneItemIsPartialSuccess(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	deep := []byte{0x10, 1}
	wrap := func(number int, content ...[]byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, protowire.Number(number), protowire.BytesType), bytes.Join(content, nil))
	}
	for range 65 {
		deep = wrap(5, wrap(1, deep))
	}
	for i, test := range []struct {
		signal telemetry.Signal
		item   []byte
		says   string
	}{
		{telemetry.Traces, wrap(2, wrap(1, []byte{1, 2})), "rejected 1 of 2 spans: 1 with an id of a wrong length (the first: resource_spans[1].scope_spans[0].spans[0].trace_id: the id has 2 bytes, want 16 bytes)"},
		{telemetry.Logs, wrap(2, wrap(5, deep)), "rejected 1 of 3 log records: 1 with values nested too deep (the first: resource_logs[1].scope_logs[0].log_records[0].body"},
		{telemetry.Metrics, wrap(2, wrap(7, wrap(1, []byte{0x0a, 9}))), "rejected 1 of 7 data points: 1 that cannot be read (the first: resource_metrics[1].scope_metrics[0].metrics[0].sum.data_points[0]: the data ends inside a field)"},
	} {
		payload := append(protobuf(t, test.signal), wrap(1, wrap(2, test.item))...)
		tenant := fmt.Sprint("grpc", i)
		answer, err := call(metadata.AppendToOutgoingContext(t.Context(), "X-Scope-OrgID", tenant), conn, test.signal, payload)
		require.NoError(t, err)
		require.Contains(t, string(answer), test.says)
		got := r.post("/v1/"+test.signal.String(), typeProtobuf, payload)
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, answer, got.body)
		for _, batch := range r.stored(test.signal, 2) {
			require.Equal(t, itemsOf(test.signal), batch.Items)
			n, err := segment.NewTable(batch.Tenant, test.signal).Append(batch.Payload, 1)
			require.NoError(t, err)
			require.Equal(t, batch.Items, n)
		}
	}
}

func TestGRPCWithoutNATSIsUnavailable(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Bus.PublishTimeout, c.Bus.RequestTimeout = time.Second, time.Second })
	conn := dial(t, r)
	health := healthpb.NewHealthClient(conn)
	got, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, got.Status)

	r.nats.Stop()
	_, err = call(t.Context(), conn, telemetry.Traces, protobuf(t, telemetry.Traces))
	require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	require.IsType(t, &errdetails.RetryInfo{}, status.Convert(err).Details()[0])
	got, err = health.Check(t.Context(), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, got.Status)

	r.nats.Start()
	testbed.Eventually(t, "requests are taken again", func() bool {
		_, err := call(t.Context(), conn, telemetry.Traces, protobuf(t, telemetry.Traces))
		return err == nil
	})
	r.stored(telemetry.Traces, 1)
}

func TestGRPCOnAFullStreamIsExhaustedWithRetryInfo(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.Bus.MaxBytes = 1 << 20
		c.Bus.Compression = "none"
	})
	conn := dial(t, r)
	var err error
	for i := 0; i < 20 && err == nil; i++ {
		_, err = call(t.Context(), conn, telemetry.Traces, large(t, 500+i))
	}
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "%v", err)
	require.IsType(t, &errdetails.RetryInfo{}, status.Convert(err).Details()[0])
}

// TestAnOldConnectionIsEndedAndNothingIsLost: a sender that never stops connects anew now and then, so that replicas that came later get their share, and each of
// its requests is answered with success.
func TestAnOldConnectionIsEndedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.GRPC.MaxAge = 100 * time.Millisecond })
	var connections atomic.Int32
	conn := dial(t, r, grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		connections.Add(1)
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}))
	sent := 0
	testbed.Eventually(t, "it has connected for the fourth time", func() bool {
		answers := make(chan error, 8)
		for range cap(answers) {
			sent++
			payload := large(t, sent)
			go func() {
				_, err := call(t.Context(), conn, telemetry.Traces, payload)
				answers <- err
			}()
		}
		for range cap(answers) {
			require.NoError(t, <-answers)
		}
		return connections.Load() >= 4
	})
}

func TestGRPCBeyondTheMemoryBudgetIsToBeRetried(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.MaxRequestBytes, c.MaxInFlightBytes = 1<<20, 3<<20 })
	conn := dial(t, r)
	r.budget.used.Add(3 << 20) // others' requests
	_, err := call(t.Context(), conn, telemetry.Traces, protobuf(t, telemetry.Traces), grpc.UseCompressor("zstd"))
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "%v", err)
	require.IsType(t, &errdetails.RetryInfo{}, status.Convert(err).Details()[0])
	r.budget.used.Add(-3 << 20)
	_, err = call(t.Context(), conn, telemetry.Traces, protobuf(t, telemetry.Traces), grpc.UseCompressor("zstd"))
	require.NoError(t, err)
	testbed.Eventually(t, "all is given back", func() bool { return r.budget.used.Load() == 0 })
}

func TestBothTransportsMakeTheSameRequest(t *testing.T) {
	t.Parallel()
	r := start(t)
	payload := protobuf(t, telemetry.Traces)
	require.Equal(t, http.StatusOK, r.post("/v1/traces", "application/x-protobuf", payload).status)
	_, err := call(t.Context(), dial(t, r), telemetry.Traces, payload)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.post("/v1/traces", "application/x-protobuf", gzipped(t, payload), "Content-Encoding", "gzip").status)
	r.stored(telemetry.Traces, 1)
}
