// Package ingest receives OTLP by gRPC and HTTP, admits it and publishes it to the bus. It says yes only when the bus has
// acknowledged every part of a request, and never touches the database.
//
//	OTLP/gRPC ──┐                        ┌── JSON: to protobuf
//	            ├── identify ── decode ──┤                       ┌── check, bound, split (telemetry.Admit)
//	OTLP/HTTP ──┘   (tenant)   (gzip,    └── protobuf: as it is ─┴── publish ── every PubAck ── answer
//	POST /api/…                 zstd)
package ingest

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Service is the ingest role.
type Service struct {
	cfg     Config
	env     service.Env
	auth    *auth.Authenticator
	metrics *instruments
	refused refusals
	budget  *budget
	buffers buffers
	repeats *repeats
	quotas  *quotas
	codings codings
	small   lane // of messages that are decompressed while they are small
	large   lane // of large requests
	http    *httpserver.Server
	grpc    *grpcServer

	bus       atomic.Pointer[bus.Bus]             // set by Run; /health may be asked before
	retention atomic.Pointer[telemetry.Retention] // nil until the bus has told; the configured windows hold beside it

	publisher *bus.Publisher // set by Run, before a request is served
}

// New builds the service; it opens nothing.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	procs := runtime.GOMAXPROCS(0)
	s := &Service{
		cfg: cfg, env: env, budget: &budget{limit: cfg.inFlight(env.Memory)}, codings: newCodings(), repeats: newRepeats(cfg.Dedup, env.Now),
		quotas: newQuotas(cfg.Quota, env.Now),
		small:  make(lane, 2*procs), large: make(lane, procs),
	}
	s.refused = refusals{log: env.Log, now: env.Now}
	var err error
	if s.auth, err = auth.New(cfg.Auth, env.Now); err != nil {
		return nil, err
	}
	if s.metrics, err = newInstruments(env.Meter, s.budget, s.quotas); err != nil {
		return nil, fmt.Errorf("ingest metrics: %w", err)
	}
	if s.http, err = httpserver.New(cfg.HTTP, env, httpserver.Purpose{
		Name: "OTLP/HTTP", Setting: "http.address (OLLY_HTTP_ADDRESS)", Authenticated: s.auth.Required(), Watch: watch,
	}); err != nil {
		return nil, err
	}
	s.routes()
	if s.grpc, err = newGRPCServer(s); err != nil {
		return nil, err
	}
	env.Health.Register(publishing, func(ctx context.Context) error {
		if b := s.bus.Load(); b != nil {
			return b.Publishing(ctx)
		}
		return nil // "bus" says it
	})
	env.Health.Register(busReached, func(ctx context.Context) error {
		b := s.bus.Load()
		if b == nil {
			return bus.ErrDisconnected.New("not connected yet")
		}
		return b.Healthy(ctx)
	})
	if s.auth.Required() {
		env.Health.Register(keysKnown, s.auth.Healthy)
	}
	return s, nil
}

// Run serves until ctx ends; requests in flight are then answered, new ones refused. It serves while NATS is down, too: senders are
// told to retry, and /health says what is missing.
func (s *Service) Run(ctx context.Context) error {
	// Both ports first: a second instance must not get halfway.
	if err := s.http.Listen(ctx); err != nil {
		return err
	}
	if err := s.grpc.listen(ctx); err != nil {
		return err
	}
	connection, err := bus.Connect(ctx, s.cfg.Bus, s.env.Log, s.env.Meter)
	if err != nil {
		return err
	}
	defer connection.Close()
	publisher, err := connection.Publisher()
	if err != nil {
		return err
	}
	defer publisher.Close()
	publisher.Charge(func(bytes int64) bool { return s.budget.take(bytes, s.budget.limit, 0) == nil }, s.budget.free)
	s.publisher = publisher
	s.bus.Store(connection)

	group := service.Group{Log: s.env.Log, Drain: max(s.cfg.GRPC.DrainTimeout, s.cfg.HTTP.DrainTimeout) + s.cfg.PublishTimeout}
	group.Add("bus", func(ctx context.Context) error {
		if err := connection.WaitReady(ctx); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
	group.Add("retention", func(ctx context.Context) error {
		return connection.Snapshots(telemetry.RetentionSnapshot, bus.Seal{}).Follow(ctx, func(snapshot bus.Snapshot) error {
			r, err := telemetry.ParseRetention(snapshot.Data)
			if err == nil {
				s.retention.Store(r)
			}
			return err
		})
	})
	group.Add("quotas", func(ctx context.Context) error {
		return connection.Snapshots(telemetry.QuotaSnapshot, bus.Seal{}).Follow(ctx, func(snapshot bus.Snapshot) error {
			return s.quotas.apply(snapshot.Data)
		})
	})
	if s.auth.Required() {
		keys := connection.Snapshots(auth.SnapshotName, s.cfg.Auth.Seal())
		group.Add("keys", func(ctx context.Context) error { return keys.Follow(ctx, s.auth.Keys().Apply) })
	}
	group.Add("grpc", s.grpc.run)
	group.Add("http", s.http.Run)
	return group.Run(ctx)
}
