package engine

// Ready connections (docs/adr/042): a connection's first question makes its backend read the catalogue, of tables, partitions, indexes and operators: 1.4 to
// 1.8 MB, however little is asked for, which are 200 random reads where PostgreSQL has none of it in memory. So connections that are idle are asked,
// before anybody waits for them, for what questions ask for, of a tenant that nobody is. Nothing is prepared: a plan takes memory for every partition.

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

const (
	// readyEvery is how often is looked for connections that were made.
	readyEvery = 500 * time.Millisecond
	// readyMark is where a connection notes that it is ready.
	readyMark = "ollyscale.ready"
	// nobody is no tenant's name.
	nobody telemetry.Tenant = ""
)

// KeepReady makes the pool's connections ready as soon as they are idle, one at a time, until ctx ends. Behind a pooler it does nothing: its connections
// are of any database. A database that does not answer is no error: the next connection is made ready.
func (e *Engine) KeepReady(ctx context.Context) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	seen := int64(-1) // connections that were made, when all that were idle were ready
	for {
		if made := e.pool.Stat().NewConnsCount(); made != seen && !e.set.Pooler {
			if all := e.makeReady(ctx); all {
				seen = made
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// makeReady makes the pool's idle connections ready, and holds one of them at a time, so that a question finds the others. It tells whether none is left,
// those in use included.
func (e *Engine) makeReady(ctx context.Context) (all bool) {
	if _, err := e.plans.Generic(ctx); err != nil { // asked before a connection is held, which may be the only one
		return false
	}
	for ctx.Err() == nil {
		idle := e.pool.AcquireAllIdle(ctx)
		all = len(idle) == int(e.pool.Stat().TotalConns())
		next := -1
		for i, conn := range idle {
			if _, is := conn.Conn().PgConn().CustomData()[readyMark]; !is && next < 0 {
				next = i
				continue
			}
			conn.Release()
		}
		if next < 0 {
			return all
		}
		conn := idle[next]
		conn.Conn().PgConn().CustomData()[readyMark] = true // or as ready as it will be
		err := e.ask(ctx, conn, nil, time.Hour, askNothing)
		conn.Release()
		if err != nil {
			return false
		}
	}
	return false
}

// askNothing runs what questions run, of a tenant that nobody is, so that the connection remembers what PostgreSQL has to know for it.
func askNothing(ctx context.Context, s *Snapshot) error {
	now := s.engine.now()
	days := []int64{now.Add(-24 * time.Hour).UnixNano(), now.UnixNano()}
	if err := s.openLeaves(ctx, days); err != nil {
		return err
	}
	st := s.engine.statements
	for _, signal := range telemetry.Signals() {
		q := &Query{Tenant: nobody, Signal: signal, From: days[0], To: days[1], Filter: filter.All{}}
		for _, count := range st.count[signal] {
			if err := s.run(ctx, count, rangeArgs(q)...); err != nil {
				return err
			}
		}
		if err := s.run(ctx, st.untold[signal], untoldArgs(q)...); err != nil {
			return err
		}
		if err := s.run(ctx, st.first[signal], string(nobody), wholeOf(signal).kind); err != nil {
			return err
		}
		if err := s.run(ctx, st.heads[signal], headArgs(q)...); err != nil {
			return err
		}
		none := [][16]byte{{}}
		probe := func(in filter.Bloom) []filter.Probe { return []filter.Probe{{In: in, Hashes: []uint64{0}}} }
		for _, form := range []filter.Bounds{{}, {Errors: true, Roots: true}, {Probes: probe(filter.TokenFilter)}, {Probes: probe(filter.TraceFilter)}} {
			b, of := &bounds{form}, passedGroups{}
			if len(form.Probes) > 0 {
				of = passedGroups{none, none}
				if err := s.run(ctx, st.groups[signal], groupArgs(q, b)...); err != nil {
					return err
				}
			}
			sql, args, err := headerQuery(st, q, b, []int64{0}, of, 1, nil)
			if err != nil {
				return err
			}
			if err := s.run(ctx, sql, args...); err != nil {
				return err
			}
		}
		if err := s.run(ctx, st.untold[signal], untoldArgs(q)...); err != nil {
			return err
		}
		if err := s.run(ctx, st.header[signal], string(nobody), none, []int64{days[1]}, days[1], days[1]); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		sql  string
		args []any
	}{
		{st.services, []any{string(nobody), []string{""}}},
		{st.rollups, []any{string(nobody), int16(0), days[0], days[1], []byte(nil), days[0], days[1], time.Minute.Nanoseconds()}},
		{st.fresh, []any{string(nobody), days[0], days[0], days[1], days[1], days[1]}},
		{st.traces, []any{string(nobody), rollup.Hour, days[:1], days[1:], []int64{0}}},
		{st.unsettled, []any{string(nobody), days[0], days[1]}},
		{st.standing, nil},
	} {
		if err := s.run(ctx, one.sql, one.args...); err != nil {
			return err
		}
	}
	return nil
}

// openLeaves opens the leaves of days: those of bodies, which statements name, and the TOAST tables of all, which are opened when a value is read.
func (s *Snapshot) openLeaves(ctx context.Context, days []int64) error {
	var all, bodies []string
	statements := map[string]string{} // by leaf
	for _, at := range days {
		for _, signal := range telemetry.Signals() {
			of := schema.TablesOf(signal.String())
			body := schema.DayLeaf(of.Body, at)
			bodies, statements[body] = append(bodies, body), s.engine.statements.parts(signal, leaf{schema.Settled, at})
			all = append(all, body, schema.MonthLeaf(of.Segment, at), schema.MonthLeaf(of.Group, at))
		}
		all = append(all, schema.MonthLeaf(schema.Rollup, at))
	}
	if err := s.run(ctx, s.engine.statements.ready, append(all, schema.TraceTime)); err != nil {
		return err
	}
	rows, err := s.tx.Query(ctx, s.engine.statements.leaves, pgx.QueryExecModeDescribeExec, bodies)
	if err != nil {
		return fmt.Errorf("look for leaves: %w", err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for leaves: %w", err)
	}
	none := []int32{}
	for _, body := range there {
		if err := s.run(ctx, statements[body], string(nobody), [][16]byte{}, none, none, none, none); err != nil {
			return err
		}
	}
	return nil
}

// run runs a statement of which nothing is kept.
func (s *Snapshot) run(ctx context.Context, sql string, args ...any) error {
	if _, err := s.tx.Exec(ctx, sql, append([]any{pgx.QueryExecModeDescribeExec}, args...)...); err != nil {
		return fmt.Errorf("ask for nothing: %w", err)
	}
	return nil
}
