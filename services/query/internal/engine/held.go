package engine

// How much there is: what tenants have in segments and rollups, and how large the database is. Headers and lengths are read, and no body.

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// Held is what a tenant has of a signal in segments of one level.
type Held struct {
	Tenant           telemetry.Tenant
	Level            int16 // 0 a flush, 1 put together from a minute's, 2 settled
	Owed             bool  // not settled though its hour is over: the janitor has it before itself
	Segments, Items  int64
	Bytes            int64 // of headers and, where they are not settled, of bodies: those of settled ones are told by Sizes.Bodies
	MinTime, MaxTime int64 // of items, Unix ns
}

// Sizes are bytes of a tenant beside headers.
type Sizes struct {
	Bodies      map[telemetry.Signal]int64 // of settled segments
	Rollups     int64                      // how many
	RollupBytes int64
}

// TableSize is one table with all its partitions.
type TableSize struct {
	Name   string
	Leaves int64 // partitions that hold rows; 1 of a table that has none
	Bytes  int64 // with indexes
}

// MostHeld bounds what is told of all tenants at once, in rows: a tenant has up to five of a signal. heldBytes is what one is charged.
const (
	MostHeld  = 15_000
	heldBytes = 200
)

type heldStatements struct {
	held, bodies [3]string // by signal
	rollups      string
}

// newHeldStatements are those of some tenants, or of all.
func newHeldStatements(f *sqlfile.Files, all bool) (s heldStatements) {
	type of struct {
		Table, From string
		All         bool
	}
	for _, signal := range telemetry.Signals() {
		s.held[signal] = f.Text("held", of{From: segmentrow.FromFresh(signal), All: all})
		s.bodies[signal] = f.Text("settled_bodies", of{Table: schema.TablesOf(signal.String()).Body, All: all})
	}
	s.rollups = f.Text("rollup_sizes", of{Table: schema.Rollup, All: all})
	return s
}

// heldArgs are the arguments of a statement: the tenants come first where it names them.
func heldArgs(tenants []telemetry.Tenant, more ...any) []any {
	args := []any{pgx.QueryExecModeDescribeExec}
	names := make([]string, len(tenants))
	for i, t := range tenants {
		names[i] = string(t)
	}
	if tenants == nil {
		names = nil
	}
	return append(append(args, names), more...)
}

func (s *Snapshot) heldStatements(tenants []telemetry.Tenant) *heldStatements {
	if tenants == nil {
		return &s.engine.statements.heldByAll
	}
	return &s.engine.statements.heldBySome
}

// Held is what tenants have of a signal, of all that there are for nil; more says that it is not all of it. hour is the beginning of the hour that is not over.
func (s *Snapshot) Held(ctx context.Context, signal telemetry.Signal, tenants []telemetry.Tenant, hour time.Time) (list []Held, more bool, err error) {
	sql := s.heldStatements(tenants).held[signal]
	rows, err := s.tx.Query(ctx, sql, heldArgs(tenants, hour.UnixNano(), MostHeld+1)...)
	if err != nil {
		return nil, false, fmt.Errorf("read what is stored: %w", err)
	}
	list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Held])
	if err != nil {
		return nil, false, fmt.Errorf("read what is stored: %w", err)
	}
	if more = len(list) > MostHeld; more {
		list = list[:MostHeld]
	}
	return list, more, s.Hold(int64(len(list)) * heldBytes)
}

// Sizes are those of tenants, of all that there are for nil.
func (s *Snapshot) Sizes(ctx context.Context, tenants []telemetry.Tenant) (map[telemetry.Tenant]*Sizes, error) {
	out := map[telemetry.Tenant]*Sizes{}
	of := func(name string) *Sizes {
		if out[telemetry.Tenant(name)] == nil {
			out[telemetry.Tenant(name)] = &Sizes{Bodies: map[telemetry.Signal]int64{}}
		}
		return out[telemetry.Tenant(name)]
	}
	var (
		tenant   string
		n, bytes int64
	)
	statements := s.heldStatements(tenants)
	for _, signal := range telemetry.Signals() {
		rows, err := s.tx.Query(ctx, statements.bodies[signal], heldArgs(tenants, MostHeld)...)
		if err == nil {
			_, err = pgx.ForEachRow(rows, []any{&tenant, &bytes}, func() error { of(tenant).Bodies[signal] = bytes; return nil })
		}
		if err != nil {
			return nil, fmt.Errorf("read how large bodies are: %w", err)
		}
	}
	rows, err := s.tx.Query(ctx, statements.rollups, heldArgs(tenants, MostHeld)...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&tenant, &n, &bytes}, func() error { of(tenant).Rollups, of(tenant).RollupBytes = n, bytes; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read how large rollups are: %w", err)
	}
	return out, s.Hold(int64(len(out)) * heldBytes)
}

// Database is how large the database is, in bytes, and each of its tables, the largest first.
func (s *Snapshot) Database(ctx context.Context) (bytes int64, tables []TableSize, err error) {
	rows, err := s.tx.Query(ctx, s.engine.statements.tables, pgx.QueryExecModeDescribeExec)
	if err != nil {
		return 0, nil, fmt.Errorf("read how large tables are: %w", err)
	}
	var t TableSize
	_, err = pgx.ForEachRow(rows, []any{&bytes, &t.Name, &t.Leaves, &t.Bytes}, func() error {
		tables = append(tables, t)
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read how large tables are: %w", err)
	}
	return bytes, tables, nil
}
