// Package janitor keeps the database in shape: it makes partitions ahead, merges the small segments of closed minutes and hours into
// large ones, and drops what has expired, on a tick or once.
//
// Any number may run; one leads, by an advisory lock. Each step is a short transaction, so that a crash leaves the database as it was
// before the step, and nothing it does blocks writers or changes what a reader sees.
package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/instrument"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// Service is the janitor.
//
//	            ┌─ lead: advisory lock, else wait for the tick
//	tick ───────┼─ every upkeep:   partitions ahead (ensure_partitions) ─ expired ones (drop_partition)
//	            └─ every interval: merge closed minutes, settle closed hours, rationed ─ fold rollups ─ traces of days ─ empty slots of bodies
type Service struct {
	cfg     Config
	env     service.Env
	pool    *pgxpool.Pool
	sql     *statements
	metrics instruments
	clock   *postgres.Clock  // the database's, asked in every pass: a janitor whose own is wrong must drop nothing
	now     func() time.Time // of clock

	leader  *pgxpool.Conn // holds the lock while this janitor leads
	upkept  time.Time     // when the last upkeep ended
	damaged map[uuid.UUID]struct{}
	idle    map[slot]time.Time // since when no header names a slot that holds something
	soon    time.Duration      // after the last sweep: until one may be emptied; 0 where none waits
	tables  map[telemetry.Signal]*mergeTable

	kinds    []rollup.Kind
	unmade   map[rollup.Grain]unmadeTraces // behind which the filters of traces go on to be made; none where all were looked at
	unfolded map[unfolded]time.Time        // what could not be folded, and when it is tried again
	daysMade bool                          // all days that are over and older than dayBack were made of their hours
}

// New makes a janitor; nothing is connected yet.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	sql, err := newStatements()
	if err != nil {
		return nil, err
	}
	var metrics instruments
	if err := instrument.Make(env.Meter, &metrics); err != nil {
		return nil, fmt.Errorf("janitor metrics: %w", err)
	}
	if cfg.Postgres.MaxConnections == 0 {
		cfg.Postgres.MaxConnections = 3 // the lock's, the work's, the health check's
	}
	pool, err := postgres.Open(context.Background(), cfg.Postgres, "ollyscale-janitor")
	if err != nil {
		return nil, err
	}
	env.Health.RegisterDatabase(func(ctx context.Context) service.DatabaseState {
		return service.DatabaseState(postgres.Probe(ctx, pool))
	})
	clock := postgres.NewClock(env.Now)
	return &Service{
		cfg: cfg, env: env, pool: pool, sql: sql, metrics: metrics, clock: clock, now: clock.Now,
		damaged: map[uuid.UUID]struct{}{}, idle: map[slot]time.Time{}, unmade: map[rollup.Grain]unmadeTraces{}, tables: map[telemetry.Signal]*mergeTable{}, kinds: kinds(),
		unfolded: map[unfolded]time.Time{},
	}, nil
}

// Run works until ctx ends, or once. A database that is down, or a schema of another version, is waited for. When ctx ends in the middle
// of a step, the step is undone.
func (s *Service) Run(ctx context.Context) error {
	defer s.pool.Close()
	defer s.resign() //nolint:contextcheck // ctx has ended by then
	if s.cfg.Once {
		return s.once(ctx)
	}
	tick := time.NewTicker(s.cfg.Interval)
	defer tick.Stop()
	for {
		s.tell(ctx, s.pass(ctx))
		for waits := true; waits; {
			var slots <-chan time.Time // what was merged lies in them until they are emptied, and a tick is long beside the delay
			if s.soon > 0 {
				slots = time.After(s.soon)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				waits = false
			case <-slots:
				s.tell(ctx, s.sweepAgain(ctx))
			}
		}
	}
}

// tell notes why a pass failed.
func (s *Service) tell(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.metrics.Failed.Add(ctx, 1)
		s.env.Log.LogAttrs(ctx, slog.LevelWarn, "pass failed, it is tried again", slog.Any("error", err))
	}
}

// sweepAgain empties slots between two passes, while this janitor leads; where it does not, the next pass finds out.
func (s *Service) sweepAgain(ctx context.Context) (err error) {
	s.soon = 0
	if s.leader != nil && s.leader.Ping(ctx) == nil {
		s.soon, err = s.sweep(ctx)
	}
	return err
}

func (s *Service) once(ctx context.Context) error {
	if s.cfg.Wait > 0 { // else the pass finds out
		waiting, cancel := context.WithTimeout(ctx, s.cfg.Wait)
		defer cancel()
		if err := postgres.WaitForSchema(waiting, s.pool); err != nil {
			return fmt.Errorf("janitor: %w", err)
		}
	}
	if err := s.pass(ctx); err != nil {
		return fmt.Errorf("janitor: %w", err)
	}
	for len(s.unmade) > 0 && s.leader != nil && ctx.Err() == nil {
		if err := s.makeTraces(ctx); err != nil {
			return fmt.Errorf("janitor: %w", err)
		}
	}
	// Who comes once remembers nothing from one time to the next: what its merges have left is emptied before it ends.
	for s.leader != nil && !s.cfg.Merge.Disabled {
		next, err := s.sweep(ctx)
		if err != nil {
			return fmt.Errorf("janitor: %w", err)
		}
		if next == 0 {
			break
		}
		pause(ctx, next)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// pass does what is due, if this janitor leads. An error of one part does not keep the others from their turn.
func (s *Service) pass(ctx context.Context) error {
	s.soon = 0
	leads, err := s.lead(ctx)
	if err != nil || !leads {
		return err
	}
	current, expected, err := postgres.SchemaState(ctx, s.pool)
	if err != nil {
		return err
	}
	if current != expected {
		return postgres.SchemaError(current, expected)
	}
	if err := s.clock.Ask(ctx, s.pool); err != nil {
		return fmt.Errorf("ask for the time: %w", err)
	}
	var errs []error
	if now := s.now(); s.upkept.IsZero() || now.Sub(s.upkept) >= s.cfg.Upkeep || now.Before(s.upkept) { // the database's clock may be set back
		made, dropped := s.ahead(ctx), s.retain(ctx)
		if made == nil && dropped == nil {
			s.upkept = now
		}
		errs = append(errs, made, dropped)
	}
	if !s.cfg.Merge.Disabled {
		errs = append(errs, s.merge(ctx), s.fold(ctx))
		s.soon, err = s.sweep(ctx)
		errs = append(errs, err, s.makeTraces(ctx))
	}
	return errors.Join(errs...)
}

// lead reports whether this janitor leads: it holds the lock on a connection of its own, or can have it now.
func (s *Service) lead(ctx context.Context) (bool, error) {
	if s.leader != nil {
		if err := s.leader.Ping(ctx); err == nil {
			return true, nil
		}
		s.resign() //nolint:contextcheck // the connection is gone, and the lock with it; closing must not wait for ctx
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("lead: %w", postgres.Classify(err))
	}
	var ours bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, schema.LockJanitor).Scan(&ours); err != nil || !ours {
		conn.Release()
		if err != nil {
			return false, fmt.Errorf("lead: %w", postgres.Classify(err))
		}
		s.env.Log.LogAttrs(ctx, slog.LevelDebug, "another janitor leads")
		return false, nil
	}
	s.leader = conn
	s.upkept, s.daysMade = time.Time{}, false
	clear(s.idle) // of when this janitor led before: others have merged since
	s.env.Log.LogAttrs(ctx, slog.LevelInfo, "leading")
	return true, nil
}

// resign gives the lock back by closing its connection, which works in whatever state the connection is.
func (s *Service) resign() {
	if s.leader == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = s.leader.Hijack().Close(ctx)
	s.leader = nil
}

// audit records a change of stored data, in the transaction of the change.
func (s *Service) audit(ctx context.Context, tx pgx.Tx, e entry) error {
	if e.details == nil {
		e.details = map[string]any{}
	}
	if _, err := tx.Exec(ctx, s.sql.audit, s.now(), e.action, e.tenant, e.signal, e.target, e.items, e.bytes, e.details); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

type entry struct {
	action, tenant, signal, target string
	items, bytes                   int64
	details                        map[string]any
}

func segmentTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Segment }

func bodyTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Body }

func groupTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Group }

func factTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Fact }
