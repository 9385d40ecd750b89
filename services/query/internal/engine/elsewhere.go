package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Where else some traces are (docs/adr/054): each by itself is asked of the filters of days, and of the hours of days that may have it, so that one filter's mistake
// about one trace costs no look for the others.

// Sought is a time in which some of a list of traces may be, by their numbers in it.
type Sought struct {
	Window
	Traces []int
}

// mostGaps is how many times of which no filter tells are looked at one by one; what is older than the last one is one.
const mostGaps = 256

// timesOf is what filters say of days or hours of several traces: which of them may be there, by their numbers.
type timesOf map[int64]map[int]bool

// Elsewhere tells where traces may have spans, each outside of its window, newest first. The times do not overlap; what is in none of a trace's is known not to be there,
// in this snapshot. It asks filters alone: who looks there finds most of these times without the trace.
func (s *Snapshot) Elsewhere(ctx context.Context, tenant telemetry.Tenant, traces [][16]byte, but []Window) ([]Sought, error) {
	all := make([]int, len(traces))
	for i := range all {
		all[i] = i
	}
	e := &elsewhere{snapshot: s, query: &Query{Tenant: tenant, Signal: telemetry.Traces}, traces: traces, but: but, all: all, days: timesOf{}, hours: timesOf{}, unsettled: map[int64][]int64{}}
	if err := e.ask(ctx); err != nil {
		return nil, err
	}
	return e.sought(ctx)
}

type elsewhere struct {
	snapshot    *Snapshot
	query       *Query // for whose tenant it is
	traces      [][16]byte
	but         []Window
	all         []int // numbers of traces
	days, hours timesOf
	unsettled   map[int64][]int64 // by day, the hours with segments that no filter knows of
}

// ask asks the filters: in one round trip those of all days, in another those of the hours of days that may have a trace.
func (e *elsewhere) ask(ctx context.Context) error {
	s, batch := e.snapshot, &pgx.Batch{}
	e.queue(batch, rollup.Day, e.all, e.days, stretch{0, math.MaxInt64})
	batch.Queue(s.engine.statements.unsettled, string(e.query.Tenant), 0, int64(math.MaxInt64)).Query(func(rows pgx.Rows) error {
		var at int64
		_, err := pgx.ForEachRow(rows, []any{&at}, func() error {
			of := telemetry.Grain(at, 24*time.Hour)
			e.unsettled[of] = append(e.unsettled[of], at)
			return nil
		})
		return err
	})
	if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("look for the days of traces: %w", err)
	}
	batch = &pgx.Batch{}
	for at, may := range e.days {
		if of := e.numbers(may); len(of) > 0 {
			e.queue(batch, rollup.Hour, of, e.hours, stretch{at, at + day})
		}
	}
	if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("look for the hours of traces: %w", err)
	}
	return nil
}

// numbers are those of the traces that may be there, in order.
func (e *elsewhere) numbers(may map[int]bool) (of []int) {
	for _, n := range e.all {
		if may[n] {
			of = append(of, n)
		}
	}
	return of
}

// queue asks what filters say of the days or hours of a stretch of some traces.
func (e *elsewhere) queue(batch *pgx.Batch, grain rollup.Grain, of []int, to timesOf, in stretch) {
	hashes, highs := make([]uint64, len(of)), make([]int64, len(of))
	for i, n := range of {
		hashes[i] = segment.TraceHash(e.traces[n])
		high, _ := segment.Probe(hashes[i])
		highs[i] = int64(high)
	}
	batch.Queue(e.snapshot.engine.statements.traces, string(e.query.Tenant), grain, []int64{in.from}, []int64{in.to}, highs).Query(func(rows pgx.Rows) error {
		var at, highest int64
		var segments int
		var made bool
		var blocks [][]byte
		_, err := pgx.ForEachRow(rows, []any{&at, &segments, &highest, &made, &blocks}, func() error {
			if to[at] == nil {
				to[at] = map[int]bool{}
			}
			for i, n := range of {
				if !made || segment.MayContainAt(blocks[i], 0, hashes[i]) {
					to[at][n] = true
				}
			}
			blocks = nil
			return nil
		})
		return err
	})
}

// sought puts together what the filters left.
func (e *elsewhere) sought(ctx context.Context) (out []Sought, err error) {
	var known []int64 // days
	for at := range e.days {
		known = append(known, at)
	}
	for at := range e.unsettled {
		if e.days[at] == nil {
			known = append(known, at)
		}
	}
	slices.Sort(known)
	var gaps []stretch
	gap := func(from, to int64) {
		if last := len(gaps) - 1; last >= 0 && gaps[last].to == from {
			gaps[last].to = to
		} else if from < to {
			gaps = append(gaps, stretch{from, to})
		}
	}
	past := int64(0)
	for _, at := range known {
		gap(past, at)
		past = at + day
		may := e.days[at]
		asked := may == nil || len(e.numbers(may)) > 0
		for h := at; h < past; h += hour {
			may, told := e.hours[h]
			switch {
			case slices.Contains(e.unsettled[at], h):
				out = append(out, e.outside(stretch{h, h + hour}, e.all)...)
			case told:
				out = append(out, e.outside(stretch{h, h + hour}, e.numbers(may))...)
			case asked: // nothing is settled there, or nobody wrote that it is
				gap(h, h+hour)
			}
		}
	}
	gap(past, otlp.LastInstant)
	if more := len(gaps) - mostGaps; more > 0 {
		oldest := stretch{0, gaps[more].to}
		gaps = append([]stretch{oldest}, gaps[more+1:]...)
		out = slices.DeleteFunc(out, func(one Sought) bool { return one.From < oldest.to })
	}
	filled, err := e.filled(ctx, e.unseen(gaps))
	if err != nil {
		return nil, err
	}
	for _, one := range filled {
		out = append(out, e.outside(one, e.all)...)
	}
	slices.SortFunc(out, func(a, b Sought) int { return cmp.Compare(b.From, a.From) })
	return out, nil
}

// unseen are gaps without what is in the windows of all traces.
func (e *elsewhere) unseen(gaps []stretch) (out []stretch) {
	seen := stretch{0, math.MaxInt64}
	for _, but := range e.but {
		seen.from, seen.to = max(seen.from, but.From), min(seen.to, but.To)
	}
	for _, one := range gaps {
		if seen.from >= seen.to || seen.to <= one.from || seen.from >= one.to {
			out = append(out, one)
			continue
		}
		for _, part := range []stretch{{one.from, seen.from}, {seen.to, one.to}} {
			if part.from < part.to {
				out = append(out, part)
			}
		}
	}
	return out
}

// filled are those of gaps that have segments.
func (e *elsewhere) filled(ctx context.Context, gaps []stretch) (filled []stretch, err error) {
	batch := &pgx.Batch{}
	for _, one := range gaps {
		q := *e.query
		q.From, q.To = one.from, one.to
		batch.Queue(e.snapshot.engine.statements.count[q.Signal][Every], rangeArgs(&q)...).QueryRow(func(row pgx.Row) error {
			var segments int
			var highest int64
			if err := row.Scan(&segments, &highest); err != nil {
				return fmt.Errorf("count segments: %w", err)
			}
			if segments > 0 {
				filled = append(filled, one)
			}
			return nil
		})
	}
	if err := e.snapshot.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("look for what no filter knows of: %w", err)
	}
	return filled, nil
}

// outside is the part of a time that lies outside of the windows of traces, with those that have one.
func (e *elsewhere) outside(at stretch, of []int) []Sought {
	out := Sought{Window: Window{From: at.to, To: at.from}}
	for _, n := range of {
		from, to, but := at.from, at.to, e.but[n]
		if but.From <= from {
			from = max(from, but.To)
		}
		if but.To >= to {
			to = min(to, but.From)
		}
		if from >= to {
			continue
		}
		out.From, out.To, out.Traces = min(out.From, from), max(out.To, to), append(out.Traces, n)
	}
	if len(out.Traces) == 0 {
		return nil
	}
	return []Sought{out}
}
