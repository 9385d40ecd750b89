// Package engine answers questions over segments: it finds their headers by SQL, decodes only the columns that a question needs, newest
// segments first and in parallel, and hands out items or folds. It knows neither HTTP nor the types of any front end; front ends stand side by
// side on it.
//
//	Ask ── Snapshot ─┬─ Search ── Read    a page of items, then these items in full
//	                 ├─ Scan              something of each segment, in order
//	                 └─ Fold              something of all segments together
//
// What holds for all of them:
//
//   - Order. Segments are visited newest first by the newest time that each holds, and items are given newest first by Key. Within a wave of
//     segments visits run in parallel and in any order; what follows a wave runs alone.
//   - Single use. A Snapshot is valid during the call that it was given to, for one goroutine. It may be asked several times, one after the other;
//     all see the same state of the database, so that a merge which replaces segments is seen as before or as after, never half.
//   - Who owns the bytes. A reader, a table and all that they give belong to the engine and are valid during the call that they are given to.
//     What is to live longer is copied. Keys, Items, Stats and Cut are the caller's.
//   - Frontier. A scan that saw all that it had to has the frontier Complete. Otherwise it is the newest time, in Unix ns, that the scan may have
//     missed: all that is newer was seen, and Below(frontier) is where to go on.
//   - Cut. A scan ends by itself once it has looked at as many items as the budget allows, or once four fifths of the query's time are over, but
//     not before it has got below the newest time that was asked for, so that going on from the frontier never goes in circles. Cut then
//     says why. What was given until then is right and complete down to the frontier.
//   - Cancellation. When ctx ends, so does what runs, with ctx's error; past the query's time the error is fault.Unavailable, query.timeout.
//   - Gone. A body that is not where its header says is fault.Internal, segment.missing: Again asks once more, on a newer snapshot.
//   - Damage. A segment that cannot be read is fault.Internal, segment.damaged, for the whole question: an answer that silently lacks items is none.
package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Settings are what an operator can set of the engine.
type Settings struct {
	Timeout     time.Duration // for one question
	HeaderCache int64         // most bytes of what is remembered of segments
	FreshCache  int64         // most bytes of what was counted of segments that are in no rollup yet
	Decoded     int64         // most bytes of segments that all questions have in memory at a time
	ScanBudget  int64         // most items that one scan looks at
	Workers     int           // segments decoded at a time; 0 for one to a core
	Pooler      bool          // nothing is remembered from one transaction to the next
	Questions   int           // answered at a time
	TenantShare float64       // part of these, and of Decoded, that one tenant's questions may have; 0 for all
	Meter       metric.Meter  // nil: nothing is measured
	Queue       time.Duration // that a question waits for its turn
	Plans       string        // whether statements are planned once: postgres.Config.GenericPlans
}

// Engine answers questions, many at a time.
type Engine struct {
	set        Settings
	pool       *pgxpool.Pool
	plans      *postgres.Plans
	watch      *watch
	now        func() time.Time
	statements *statements
	known      *cache[[16]byte, *Header]
	counted    *cache[countedKey, *counted]
	readers    columns.Readers
	waves      waveMemory
	memory     *memory
	turns      *turns
	waiting    *seats // for what was accepted to be stored
	metrics    *instruments
	lists      counts.Lists
}

// New makes an engine on a pool and a bus, either of which may be down.
func New(set Settings, pool *pgxpool.Pool, b *bus.Bus, now func() time.Time) (*Engine, error) {
	if set.Workers == 0 {
		set.Workers = runtime.GOMAXPROCS(0)
	}
	s, err := newStatements()
	if err != nil {
		return nil, err
	}
	m := newMemory(set.Decoded)
	e := &Engine{
		set: set, pool: pool, plans: postgres.NewPlans(set.Plans, pool), watch: newWatch(b, now), now: now, statements: s, known: newCache[[16]byte, *Header](set.HeaderCache),
		counted: newCache[countedKey, *counted](set.FreshCache), turns: newTurns(set.Questions, set.TenantShare, m), waiting: newSeats(mostAwaiting), memory: m,
	}
	if e.metrics, err = e.measured(set.Meter); err != nil {
		return nil, err
	}
	return e, nil
}

// softShare is the part of a query's time after which a scan ends by itself with what it has; the rest is for what is made of it.
const softShare = 0.8

// beginSnapshot begins a transaction in one round trip. A statement that the client's cancellation does not reach ends anyway. Left to
// itself, PostgreSQL plans statements that take short lists anew each time, over all partitions, only to find the same plan again: a page of
// a service's newest spans took 5.2 ms so, and takes 3.3 without. All statements look rows up by an index; a plan that was made while a slot of
// bodies was empty would read all of it once it is full. It does not know either how long a range is, and would read the headers of all of it to
// sort them where the index has them in order: 5 MB for the newest 50 of a day of 10 M spans. Generic plans are not for every database (postgres.Plans).
func beginSnapshot(timeout time.Duration, generic bool) pgx.TxOptions {
	plans := ""
	if generic {
		plans = "SET LOCAL plan_cache_mode = force_generic_plan; "
	}
	return pgx.TxOptions{BeginQuery: fmt.Sprintf("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = %d; "+
		"%sSET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off", timeout.Milliseconds(), plans)}
}

// Ask runs a tenant's question about so long a range on one snapshot of the database, within the query's time, once it is its turn. The error is the
// question's, or why there was no snapshot; fault.Overloaded, query.busy or query.tenant_busy, when its turn did not come in time.
func (e *Engine) Ask(ctx context.Context, tenant telemetry.Tenant, about time.Duration, question func(ctx context.Context, s *Snapshot) error) error {
	began := e.now()
	of, leave, err := e.turns.take(ctx, tenant, about, e.set.Queue)
	e.metrics.waited(ctx, e.now().Sub(began))
	if err == nil {
		defer leave()
		err = e.ask(ctx, e.pool, of, about, question)
	}
	e.metrics.ended(ctx, err)
	return err
}

// ask is Ask of a pool or a connection, at once.
func (e *Engine) ask(ctx context.Context, db postgres.Beginner, of *share, about time.Duration, question func(ctx context.Context, s *Snapshot) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, e.set.Timeout)
	defer cancel()
	defer func() {
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = ErrTimeout.Wrap(err, fmt.Sprintf("the query took longer than %s; narrow its range or filters", e.set.Timeout))
		}
	}()
	generic, err := e.plans.Generic(ctx)
	if err != nil {
		return err
	}
	heard := e.watch.hear() // before the snapshot is taken, so that it holds what was settled then
	return postgres.InTx(ctx, db, beginSnapshot(e.set.Timeout, generic), func(tx pgx.Tx) error {
		mode, list := pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeCacheStatement
		if e.set.Pooler {
			// Nothing is remembered from one transaction to the next; within one, all goes to the same server.
			mode, list = pgx.QueryExecModeDescribeExec, pgx.QueryExecModeDescribeExec
		}
		s := &Snapshot{
			engine: e, tx: tx, mode: mode, list: list, deadline: e.now().Add(time.Duration(float64(e.set.Timeout) * softShare)), long: about > longRange,
			heard: heard, share: of,
		}
		defer s.release()
		return question(ctx, s)
	})
}

// Again calls f, which asks, and once more when what it asked for went away while it was read. That is nobody's fault: slots of bodies are emptied
// and days dropped when no header names them any more, but a snapshot that is older than the delay after which that is done still has the
// headers. The second time it has those of now. f begins from nothing.
func Again[T any](f func() (T, error)) (T, error) {
	out, err := f()
	if errMissing.Matches(err) {
		return f()
	}
	return out, err
}

// waveMemory lends out memory for waves: it is megabytes, and need not be cleared each time.
type waveMemory struct{ sync.Pool }

func (b *waveMemory) take(size int64) []byte {
	if have, ok := b.Get().(*[]byte); ok && int64(cap(*have)) >= size {
		return (*have)[:0]
	}
	return make([]byte, 0, size+size/4)
}

// mostWaveMemory is what is kept of a wave's: one with a segment that is larger than waves are is seldom.
const mostWaveMemory = 2 * waveBytes

// put takes a wave's memory back: nothing may refer to it any more.
func (b *waveMemory) put(w *wave) {
	if w == nil {
		return
	}
	if buffer := w.buffer; cap(buffer) > 0 && cap(buffer) <= mostWaveMemory {
		b.Put(&buffer)
	}
	w.buffer, w.parts = nil, nil // it may be put back again, where a scan ends early
	w.charge.free()
}
