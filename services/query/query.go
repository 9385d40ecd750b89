// Package query answers searches over segments: it plans over their headers by SQL, decodes only the columns that a query needs, newest
// segments first and in parallel, and serves the HTTP API of docs/api.yaml and the web interface.
package query

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Config is what an operator can set.
type Config struct {
	HTTP     httpserver.Config `mapstructure:"http"`
	Postgres postgres.Config   `mapstructure:"postgres"`
	Bus      bus.Config        `mapstructure:"bus"`
	Auth     auth.Config       `mapstructure:"auth"`

	Timeout       time.Duration `mapstructure:"timeout" doc:"Time for one query; an answer that is cut by it says so."`
	HeaderCache   int64         `mapstructure:"header_cache" doc:"Most bytes of memory for what is remembered of segments that were looked at: about 8 KB for one of 4,000 spans; 0 remembers nothing."`
	ScanBudget    int64         `mapstructure:"scan_budget" doc:"Most items (spans, records, points) that one query looks at; an answer that is cut by it says so."`
	Workers       int           `mapstructure:"workers" doc:"Segments that one query decodes at a time; 0 for one to a core."`
	MaxTraceSpans int           `mapstructure:"max_trace_spans" doc:"Most spans of a trace in one answer."`
	CursorKey     string        `mapstructure:"cursor_key" secret:"true" doc:"Base64 of at least 16 bytes by which cursors are signed; every replica needs the same. Empty: a random one, so that a cursor lives as long as the process."`
	WatchInterval time.Duration `mapstructure:"watch_interval" doc:"How often the queue is asked how far the database is behind it."`
}

// DefaultConfig serves on this machine only.
func DefaultConfig() Config {
	return Config{
		HTTP:          httpserver.DefaultConfig("127.0.0.1:8080"),
		Postgres:      postgres.DefaultConfig(),
		Bus:           bus.DefaultConfig(),
		Auth:          auth.DefaultConfig(),
		Timeout:       30 * time.Second,
		HeaderCache:   64 << 20,
		ScanBudget:    50_000_000,
		MaxTraceSpans: 50_000,
		WatchInterval: 500 * time.Millisecond,
	}
}

const minCursorKey = 16

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	p.Section("http", c.HTTP.Validate())
	p.Section("postgres", c.Postgres.Validate())
	p.Section("bus", c.Bus.Validate())
	p.Section("auth", c.Auth.Validate())
	settings.Positive(&p, "timeout", c.Timeout)
	settings.NotNegative(&p, "header_cache", c.HeaderCache)
	settings.Positive(&p, "scan_budget", c.ScanBudget)
	settings.Between(&p, "workers", c.Workers, 0, 256)
	settings.Positive(&p, "max_trace_spans", c.MaxTraceSpans)
	if k, err := base64.StdEncoding.DecodeString(c.CursorKey); c.CursorKey != "" && (err != nil || len(k) < minCursorKey) {
		p.Refuse("cursor_key", "want base64 of at least %d bytes", minCursorKey)
	}
	settings.Positive(&p, "watch_interval", c.WatchInterval)
	return p.Err()
}

// Service answers queries. It writes nothing.
type Service struct {
	cfg     Config
	env     service.Env
	pool    *pgxpool.Pool
	bus     *bus.Bus
	watch   *watch
	sql     *queries
	known   *cache[[16]byte, *header]
	cursors cursors
	readers columns.Readers
	buffers buffers
	maps    chan struct{} // service maps being computed
	server  *httpserver.Server
	auth    *auth.Authenticator
}

// New builds the service with a pool and a bus connection of its own; nothing is asked of either yet, so both may be down.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, env: env, maps: make(chan struct{}, maxMaps), known: newCache[[16]byte, *header](cfg.HeaderCache)}
	if s.cfg.Workers == 0 {
		s.cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.CursorKey == "" {
		s.cursors.key = make([]byte, 32)
		_, _ = rand.Read(s.cursors.key) // never fails
	} else {
		s.cursors.key, _ = base64.StdEncoding.DecodeString(cfg.CursorKey) // Validate has
	}
	var err error
	if s.auth, err = auth.New(cfg.Auth); err != nil {
		return nil, err
	}
	if s.sql, err = newQueries(); err != nil {
		return nil, err
	}
	if s.server, err = httpserver.New(cfg.HTTP, env, httpserver.Purpose{Name: "HTTP API", Setting: "http.address (OLLY_HTTP_ADDRESS)"}); err != nil {
		return nil, err
	}
	if err := s.routes(); err != nil {
		return nil, err
	}
	ctx := context.Background()
	if s.pool, err = postgres.Open(ctx, cfg.Postgres, "ollyscale-query"); err != nil {
		return nil, err
	}
	if s.bus, err = bus.Connect(ctx, cfg.Bus, env.Log, env.Meter); err != nil {
		s.pool.Close()
		return nil, err
	}
	s.watch = newWatch(s.bus, env.Now)
	env.Health.RegisterDatabase(func(ctx context.Context) service.DatabaseState {
		return service.DatabaseState(postgres.Probe(ctx, s.pool))
	})
	return s, nil
}

// Run serves until ctx ends.
//
//	          ┌─ watch: how far is the database behind the queue ── NATS
//	Run ──────┤        │ completeness
//	          └─ http: parse → plan (headers by SQL) → scan (columns) → render ── PostgreSQL
//
// The query service works while NATS is down; answers then do not say how complete they are.
func (s *Service) Run(ctx context.Context) error {
	defer s.close()
	group := service.Group{Log: s.env.Log, Drain: s.cfg.HTTP.DrainTimeout + time.Second}
	group.Add("watch", func(ctx context.Context) error { return s.watch.run(ctx, s.cfg.WatchInterval) })
	group.Add("http", s.server.Run)
	return group.Run(ctx)
}

func (s *Service) close() {
	s.bus.Close()
	s.pool.Close()
}

// softShare is the part of a query's time after which a scan ends by itself with what it has; the rest is for rendering.
const softShare = 0.8

// beginQuery begins a query's transaction in one round trip. A statement that the client's cancellation does not reach ends anyway. Left to
// itself, PostgreSQL plans statements that take short lists anew each time, over all partitions, only to find the same plan again: a page of
// a service's newest spans took 5.2 ms so, and takes 3.3 without.
func beginQuery(timeout time.Duration) pgx.TxOptions {
	return pgx.TxOptions{BeginQuery: fmt.Sprintf("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = %d;"+
		" SET LOCAL plan_cache_mode = force_generic_plan", timeout.Milliseconds())}
}

// inView runs a query on one snapshot of the database, within the query's time.
func (s *Service) inView(ctx context.Context, query func(ctx context.Context, v *view) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	err := postgres.InTx(ctx, s.pool, beginQuery(s.cfg.Timeout), func(tx pgx.Tx) error {
		mode, list := pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeCacheStatement
		if s.cfg.Postgres.Pooler {
			// Nothing is remembered from one transaction to the next; within one, all goes to the same server.
			mode, list = pgx.QueryExecModeDescribeExec, pgx.QueryExecModeDescribeExec
		}
		return query(ctx, &view{
			tx: tx, mode: mode, list: list, sql: s.sql, readers: &s.readers, buffers: &s.buffers, known: s.known, workers: s.cfg.Workers, budget: s.cfg.ScanBudget, now: s.env.Now,
			deadline: s.env.Now().Add(time.Duration(float64(s.cfg.Timeout) * softShare)),
		})
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "query.timeout", fmt.Sprintf("the query took longer than %s; narrow its range or filters", s.cfg.Timeout))
	}
	return err
}
