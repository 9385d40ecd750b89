// Package writer moves telemetry from the bus into PostgreSQL: it fetches batches, builds column segments (and rows for SQL and
// dimensions), and writes each flush in one transaction with a ledger of which items of which requests are stored, so that each
// is stored once, in all tables or in none. A delivery is acknowledged only after the commit.
//
// Any number of writers share the bus's consumers; they need no agreement with each other.
package writer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/seldom"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Service is one writer.
//
//	            ┌─ pipeline traces ──┐
//	bus ────────┼─ pipeline logs ────┼──> database (pool, known dimensions and leaves, policies) ──> PostgreSQL
//	            └─ pipeline metrics ─┘         one budget of held bytes bounds the memory of all three
type Service struct {
	cfg       Config
	env       service.Env
	bus       *bus.Bus
	pool      *pgxpool.Pool
	metrics   *instruments
	budget    *budget
	db        *database
	lives     *lives
	pipelines []*pipeline
}

// New makes a writer. It neither waits for the bus nor for the database: services start in any order.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, env: env, budget: newBudget(cfg.Flush.MaxHeldBytes)}
	sql, err := newStatements()
	if err != nil {
		return nil, err
	}
	remembered := newKnown(cfg.Flush.known(env.Memory))
	if s.metrics, err = newInstruments(env.Meter, s.budget.held, func() int64 { return longestStall(env.Now(), s.pipelines) }, func() int64 {
		_, bytes := remembered.memory()
		return bytes
	}); err != nil {
		return nil, fmt.Errorf("writer metrics: %w", err)
	}
	if cfg.Postgres.MaxConnections == 0 {
		// Every flush on its way holds one; two more for health checks and partitions.
		cfg.Postgres.MaxConnections = len(telemetry.Signals())*cfg.Flush.Concurrency + 2
	}
	ctx := context.Background()
	if s.pool, err = postgres.Open(ctx, cfg.Postgres, "ollyscale-writer"); err != nil {
		return nil, err
	}
	if s.bus, err = bus.Connect(ctx, cfg.Bus, env.Log, env.Meter); err != nil {
		s.pool.Close()
		return nil, err
	}
	clock := postgres.NewClock(env.Now)
	s.db = &database{
		pool: s.pool, sql: sql, now: clock.Now, segmentItems: cfg.Flush.SegmentItems, maxAhead: cfg.Flush.MaxAhead, known: remembered,
		policies:   &policies{pool: s.pool, sql: sql, refresh: cfg.Flush.PolicyRefresh, clock: clock},
		unprepared: cfg.Postgres.Pooler,
	}
	s.lives = &lives{bus: s.bus, db: s.db, log: env.Log}
	for _, signal := range telemetry.Signals() {
		s.pipelines = append(s.pipelines, s.pipeline(signal))
	}
	env.Health.RegisterDatabase(func(ctx context.Context) service.DatabaseState {
		return service.DatabaseState(postgres.Probe(ctx, s.pool))
	})
	env.Health.Register(busReached, s.bus.Healthy)
	env.Health.Register(deadLetters, s.bus.DeadHealthy)
	env.Health.Register(queueLost, s.lives.health)
	env.Health.Register(writing, func(context.Context) error {
		for _, p := range s.pipelines {
			if err := p.health(); err != nil {
				return err
			}
		}
		return nil
	})
	return s, nil
}

// Run writes until ctx ends, then writes what it holds, and returns. It waits for the bus and for a database with this build's schema.
func (s *Service) Run(ctx context.Context) error {
	defer s.pool.Close()
	defer s.bus.Close()
	if err := s.waitReady(ctx); err != nil {
		return nil // ctx ended before there was anything to write
	}
	quotas, err := quotastore.New(s.pool)
	if err != nil {
		return err
	}
	f := s.cfg.Flush
	for _, p := range s.pipelines {
		c, err := s.bus.Consumer(ctx, p.signal)
		if err != nil {
			return err
		}
		defer c.Close()
		p.source = s.lives.source(c, s.env.Now)
	}
	s.env.Log.LogAttrs(ctx, slog.LevelInfo, "writing", slog.Int("concurrency", f.Concurrency), slog.Int64("max_held_bytes", f.MaxHeldBytes))
	var running sync.WaitGroup
	errs := make([]error, len(s.pipelines))
	watching, stop := context.WithCancel(context.WithoutCancel(ctx)) // also while what is held is written
	defer stop()
	go watchStalls(watching, s.env.Log, s.env.Now, s.pipelines)
	for i, p := range s.pipelines {
		running.Go(func() { errs[i] = p.run(ctx) })
	}
	running.Go(func() { s.bus.Unpark(ctx) })
	running.Go(func() { s.tellRetention(ctx) })
	running.Go(func() { s.lives.run(ctx) })
	running.Go(func() { s.tellQuotas(ctx, quotas) })
	running.Wait()
	return errors.Join(errs...)
}

// waitReady waits for the streams and for the schema; it returns an error only when ctx ended.
func (s *Service) waitReady(ctx context.Context) error {
	if err := s.bus.WaitReady(ctx); err != nil {
		return err
	}
	return postgres.WaitForSchema(ctx, s.pool)
}

func (s *Service) pipeline(signal telemetry.Signal) *pipeline {
	f := s.cfg.Flush
	return &pipeline{
		signal: signal,
		limits: limits{
			items: f.MaxItems, bytes: f.MaxBytes, quiet: f.QuietAfter, longest: f.Longest, worth: f.WorthItems, enough: f.SegmentItems,
		},
		budget:  s.budget,
		keeper:  newKeeper(cmp.Or(s.cfg.Bus.AckWait, bus.DefaultConfig().AckWait)/4, s.env.Log),
		flusher: func() *flusher { return s.flusher(signal) },
		workers: f.Concurrency,
		ready:   s.databaseReady,
		log:     s.env.Log,
		now:     s.env.Now,
		drain:   f.Drain,

		fetchGrace: s.bus.Patience(),
	}
}

func (s *Service) flusher(signal telemetry.Signal) *flusher {
	b := newBuild(signal)
	return &flusher{
		signal: signal,
		store: func(ctx context.Context, batches []*held) (outcome, error) {
			defer b.release()
			return s.db.store(ctx, b, batches)
		},
		all: func(ctx context.Context, batches []*held) ([]stored, [][]*held) {
			defer b.release()
			return s.db.storeAll(ctx, b, batches)
		},
		note: func(ctx context.Context, batches []*held) error { return s.lives.stored(ctx, signal, batches) },
		rest: func() {
			share := b.share
			*b = *newBuild(signal)
			b.share = share
		},
		control: func(ctx context.Context, like *held, leaves map[leaf]int64) error {
			defer b.release()
			return s.db.control(ctx, b, like, leaves)
		},
		reach: func(ctx context.Context, like *held) (map[leaf]int64, error) {
			defer b.release()
			return s.db.reach(ctx, b, like)
		},
		alone:   &alone{},
		tries:   cmp.Or(s.cfg.Bus.MaxAttempts, bus.DefaultConfig().MaxAttempts),
		log:     s.env.Log,
		seldom:  seldom.New(s.env.Log, s.env.Now),
		metrics: s.metrics,
		now:     s.env.Now,
		moved:   func() {}, // the pipeline sets it
		timeout: s.cfg.Flush.Timeout,
		pauses:  []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond},
	}
}

func (s *Service) databaseReady(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if state := postgres.Probe(limited, s.pool); state.Err != nil {
		return state.Err
	}
	return s.db.tryWrite(limited)
}
