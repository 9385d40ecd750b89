package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	grpcpeer "google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// grpcServer is OTLP/gRPC. Requests are not unmarshalled: the codec hands over their bytes.
type grpcServer struct {
	drain       time.Duration
	connections int
	env         service.Env
	port        service.Port
	log         *slog.Logger
	server      *grpc.Server
	listener    net.Listener
}

func newGRPCServer(s *Service) (*grpcServer, error) {
	cfg := s.cfg.GRPC
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(rawCodec{encoding.GetCodecV2(proto.Name)}),
		grpc.MaxRecvMsgSize(maxOther),
		grpc.MaxConcurrentStreams(uint32(cfg.MaxStreams)), //nolint:gosec // Validate bounds it
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.StaticStreamWindowSize(httpserver.StreamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.ReadBufferSize(connectionBuffer),
		// Clients that ping to keep a connection through a load balancer are not cut for it.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		// What is under way when a connection is old enough ends by limits of its own; 0 is no age.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second, MaxConnectionIdle: cfg.IdleTimeout, MaxConnectionAge: cfg.MaxAge}),
		grpc.ChainUnaryInterceptor(recoverPanics(s.env.Log)),
	}
	if cfg.TLSCertFile != "" {
		certificate, err := tls.LoadX509KeyPair(cfg.TLSCertFile, cfg.TLSKeyFile)
		if err != nil {
			return nil, errCertificate.Wrap(err, "grpc.tls_cert_file, grpc.tls_key_file: cannot be read")
		}
		options = append(options, grpc.Creds(credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
		})))
	}
	g := &grpcServer{env: s.env, port: service.Port{
		What: "OTLP/gRPC", Address: cfg.Address, Setting: "grpc.address (OLLY_GRPC_ADDRESS)",
		Authenticated: s.auth.Required(), Encrypted: cfg.TLSCertFile != "",
	}, connections: cfg.Connections, drain: cfg.DrainTimeout, log: s.env.Log, server: grpc.NewServer(options...)}
	for _, signal := range telemetry.Signals() {
		g.server.RegisterService(exportDesc(signal), s)
	}
	g.server.RegisterService(profilesDesc(), s)
	healthpb.RegisterHealthServer(g.server, health{check: s.env.Health})
	return g, nil
}

func (g *grpcServer) listen(ctx context.Context) (err error) {
	l, err := g.env.Listen(ctx, g.port)
	if err == nil {
		g.listener = netutil.LimitListener(watch(l), g.connections)
	}
	return err
}

// run serves until ctx ends, lets the requests in flight end within the drain timeout, and cuts the rest.
func (g *grpcServer) run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- g.server.Serve(g.listener) }()
	g.log.LogAttrs(ctx, slog.LevelInfo, "listening", slog.String("purpose", "OTLP/gRPC"), slog.String("address", g.listener.Addr().String()))
	select {
	case err := <-served:
		return fmt.Errorf("OTLP/gRPC: serve: %w", err)
	case <-ctx.Done():
	}
	drained := make(chan struct{})
	go func() {
		g.server.GracefulStop()
		close(drained)
	}()
	timer := time.NewTimer(g.drain)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		g.server.Stop() // GracefulStop then returns, too
		<-drained
	}
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("OTLP/gRPC: serve: %w", err)
	}
	return nil
}

// exporter is what a service description is registered for.
type exporter interface {
	exportGRPC(ctx context.Context, signal telemetry.Signal) (*message, error)
	refuseGRPC(ctx context.Context, err error) error
}

// exportDesc describes the OTLP service of a signal: opentelemetry.proto.collector.trace.v1.TraceService/Export and its like.
func exportDesc(signal telemetry.Signal) *grpc.ServiceDesc {
	name, file := "opentelemetry.proto.collector.trace.v1.TraceService", "opentelemetry/proto/collector/trace/v1/trace_service.proto"
	switch signal {
	case telemetry.Traces:
	case telemetry.Logs:
		name, file = "opentelemetry.proto.collector.logs.v1.LogsService", "opentelemetry/proto/collector/logs/v1/logs_service.proto"
	case telemetry.Metrics:
		name, file = "opentelemetry.proto.collector.metrics.v1.MetricsService", "opentelemetry/proto/collector/metrics/v1/metrics_service.proto"
	}
	info := &grpc.UnaryServerInfo{FullMethod: "/" + name + "/Export"}
	return &grpc.ServiceDesc{
		ServiceName: name,
		HandlerType: (*exporter)(nil),
		Metadata:    file,
		Methods: []grpc.MethodDesc{{
			MethodName: "Export",
			// The message is not decoded by gRPC, which would hold it whole before anybody is asked: exportGRPC reads it.
			Handler: func(srv any, ctx context.Context, _ func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
				return interceptor(ctx, nil, info, func(ctx context.Context, _ any) (any, error) {
					e, _ := srv.(exporter) // RegisterService has checked it
					return e.exportGRPC(ctx, signal)
				})
			},
		}},
	}
}

// profilesDesc describes the OTLP service of profiles, which says by a code of docs/errors.md that there is none.
func profilesDesc() *grpc.ServiceDesc {
	const name = "opentelemetry.proto.collector.profiles.v1development.ProfilesService"
	return &grpc.ServiceDesc{
		ServiceName: name,
		HandlerType: (*exporter)(nil),
		Metadata:    "opentelemetry/proto/collector/profiles/v1development/profiles_service.proto",
		Methods: []grpc.MethodDesc{{
			MethodName: "Export",
			Handler: func(srv any, ctx context.Context, _ func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				e, _ := srv.(exporter) // RegisterService has checked it
				return nil, e.refuseGRPC(ctx, noProfiles())
			},
		}},
	}
}

// exportGRPC serves one Export call.
func (s *Service) exportGRPC(ctx context.Context, signal telemetry.Signal) (*message, error) {
	r, err := s.takeGRPC(ctx, signal)
	if err != nil {
		return nil, s.refuseGRPC(ctx, err)
	}
	if r.position > 0 {
		// It fails only when the call is over.
		_ = grpc.SetTrailer(ctx, metadata.Pairs(positionHeader, strconv.FormatUint(r.position, 10)))
	}
	return &message{exportResponse(r)}, nil
}

func (s *Service) takeGRPC(ctx context.Context, signal telemetry.Signal) (receipt, error) {
	id, err := s.auth.Identify(ctx, func(name string) string {
		return strings.Join(metadata.ValueFromIncomingContext(ctx, name), ", ")
	}, auth.Ingest)
	if err != nil {
		return receipt{}, err
	}
	var from *peer
	if p, ok := grpcpeer.FromContext(ctx); ok {
		from = peerOf(p.LocalAddr)
	}
	v, err := s.quotas.enter(from, id, signal)
	if err != nil {
		return receipt{}, err
	}
	defer v.leave()
	in, err := s.message(ctx)
	if err != nil {
		return receipt{}, err
	}
	defer in.end()
	b, err := s.read(ctx, v, in.incoming(), s.cfg.MaxRequestBytes)
	if err != nil {
		return receipt{}, err
	}
	defer s.release(&b)
	return s.take(ctx, v, b.bytes, b.bytes, telemetry.Refusals{})
}

// refuseGRPC counts a call that is refused, and is what it is answered.
func (s *Service) refuseGRPC(ctx context.Context, err error) error {
	s.noteRefusal(ctx, "grpc", strings.Join(metadata.ValueFromIncomingContext(ctx, auth.TenantHeader), ","), err)
	return s.grpcError(ctx, err)
}

// grpcError turns an error into a gRPC status with its details.
func (s *Service) grpcError(ctx context.Context, err error) error {
	f := fault.From(err)
	level := slog.LevelDebug
	if f.Class == fault.Internal {
		level = slog.LevelError
	}
	s.env.Log.LogAttrs(ctx, level, "request failed", slog.String("transport", "grpc"), slog.String("code", f.Code), slog.Any("error", err))
	st := status.New(code(f), f.Message)
	if with, err := st.WithDetails(details(f, f.Code)...); err == nil {
		st = with
	}
	return st.Err()
}

// recoverPanics turns a panic into INTERNAL; the stack goes to the log only.
func recoverPanics(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
		defer func() {
			if p := recover(); p != nil {
				log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(p), "method", info.FullMethod, "stack", string(debug.Stack()))
				answer, err = nil, status.Error(codes.Internal, "internal error")
			}
		}()
		return next(ctx, request)
	}
}

// message is an OTLP message that stays bytes.
type message struct{ bytes []byte }

// rawCodec passes answers through as bytes and leaves every other type (the health service's) to protobuf's codec.
type rawCodec struct{ encoding.CodecV2 }

// Marshal returns an answer's bytes.
func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*message); ok {
		return mem.BufferSlice{mem.SliceBuffer(m.bytes)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// health is the standard gRPC health service, for probes that speak nothing else.
type health struct {
	healthpb.UnimplementedHealthServer
	check *service.Health
}

// Check answers SERVING when /health would answer 200.
func (h health) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	state := healthpb.HealthCheckResponse_SERVING
	if h.check.Check(ctx) != nil {
		state = healthpb.HealthCheckResponse_NOT_SERVING
	}
	return &healthpb.HealthCheckResponse{Status: state}, nil
}
