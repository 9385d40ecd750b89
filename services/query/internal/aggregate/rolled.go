package aggregate

import (
	"context"
	"errors"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What rollups of requests tell of spans by service, operation and kind: how many, how many failed, and how long they took. They have the buckets that
// segments are counted in, so that a figure is the same from either.

// ErrUntold says that rollups do not tell what was asked, which is known once they are read: an operation of a service of which they keep no operations apart, or
// a condition on a name that they cut. Segments tell it (Query.Segments), in another snapshot, since what was read is spent.
var ErrUntold = errors.New("rollups do not tell the figures")

// rolled is how rollups answer a query.
type rolled struct {
	holds  func(*filter.Request) (holds, sure bool)
	groups []func(*filter.Request) (v segment.Value, is, sure bool)
	step   time.Duration // what is longer may span two buckets
}

// OfRollups reports whether rollups answer the query, but for ErrUntold.
func (q *Query) OfRollups() bool { return q.rolled() != nil }

// rolled is nil where they do not.
func (q *Query) rolled() *rolled {
	if q.Segments || q.Traces != nil || q.Signal != telemetry.Traces || !q.ByFilter() {
		return nil
	}
	out := &rolled{step: 24 * time.Hour}
	var ok bool
	if out.holds, ok = filter.OfRequests(q.Filter); !ok {
		return nil
	}
	for _, g := range q.Groups {
		of, ok := filter.ColumnOfRequests(g)
		if !ok {
			return nil
		}
		out.groups = append(out.groups, of)
	}
	for i := range q.Measures {
		if m := &q.Measures[i]; !m.kind.rolled || m.kind.about == ofNumbers && !filter.IsDuration(m.Numbers) {
			return nil
		}
	}
	if q.Line == nil {
		return out
	}
	for _, out.step = range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if q.Line.Step%int64(out.step) == 0 {
			return out
		}
	}
	return nil
}

// askRolled answers from rollups; what they do not tell of yet is counted as they do, and what the ends of the range cut of minutes is read of segments.
func (t *tally) askRolled(ctx context.Context, q *Query, of *rolled) (over time.Duration, err error) {
	chunk := &red.Chunk{}
	return engine.FoldRolled(ctx, t.snapshot, &q.Query, t.columns, red.ID, nil, of.step, t.fold, t.merge, engine.FreshRED(),
		func(told *engine.RollupQuery, r *engine.Rolled, c *red.Chunk) error {
			return t.addRolled(of, told, r, c, &t.basis.Segments)
		},
		func(told *engine.RollupQuery, r *engine.Rolled) error {
			if err := chunk.Decode(r.Blob); err != nil {
				return err
			}
			return t.addRolled(of, told, r, chunk, &t.basis.Rollups)
		})
}

// addRolled adds what a rollup tells of the minutes that are in the range.
func (t *tally) addRolled(of *rolled, told *engine.RollupQuery, r *engine.Rolled, c *red.Chunk, items *int64) error {
	one := t.newCell()
	for i := range c.Services {
		s := &c.Services[i]
		for k := range s.Operations {
			o := &s.Operations[k]
			if err := t.addOperation(of, told, r, one, o.Cells, items, &filter.Request{
				Service: s.Name, Namespace: s.Namespace, Name: o.Name, Kind: int64(o.Kind), Nameless: s.Many,
			}); err != nil {
				return err
			}
		}
		const little = 64 << 10
		if err := t.charge(little); err != nil {
			return err
		}
	}
	return t.failed
}

// addOperation adds cells of spans that are alike; one is memory for a cell.
func (t *tally) addOperation(of *rolled, told *engine.RollupQuery, r *engine.Rolled, one *cell, cells []red.Cell, items *int64, request *filter.Request) error {
	var g *group
	for i := range cells {
		c := &cells[i]
		if !told.In(r, c.Minute) {
			continue
		}
		if g == nil {
			holds, sure := of.holds(request)
			if sure && !holds {
				return nil
			}
			key := []byte{}
			for _, group := range of.groups {
				v, is, known := group(request)
				key, sure = AppendTold(key, v, is), sure && known
			}
			if !sure {
				return ErrUntold
			}
			g = t.of(string(key))
		}
		bucket := 0
		if t.line != nil {
			bucket = t.line.At(r.Start + int64(c.Minute)*int64(time.Minute))
		}
		one.take(c)
		*items += one.items
		t.grown += t.cell(g, bucket).merge(one)
	}
	return nil
}

// take makes the cell what a rollup tells: all numbers are durations. It refers to the rollup's.
func (c *cell) take(of *red.Cell) {
	c.items, c.errors = 0, of.Errors
	known := of.Buckets
	for i, b := range of.Buckets {
		if c.items += b.Count; b.Number == red.Unknown {
			known = of.Buckets[:i]
		}
	}
	var with int64
	for _, b := range known {
		with += b.Count
	}
	for i := range c.numbers {
		c.numbers[i].scale, c.numbers[i].items, c.numbers[i].spread.Buckets = ofDurations, with, known
	}
}
