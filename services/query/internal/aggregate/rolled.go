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
	sums := &rolledSums{tally: t, one: t.newCell()}
	return engine.FoldRolled(ctx, t.snapshot, &q.Query, t.columns, red.ID, nil, of.step, t.fold, t.merge, engine.FreshRED(),
		func(told *engine.RollupQuery, r *engine.Rolled, c *red.Chunk) error {
			return sums.addRolled(of, told, r, c, &t.basis.Segments)
		},
		func(told *engine.RollupQuery, r *engine.Rolled) error {
			if err := chunk.Decode(r.Blob); err != nil {
				return err
			}
			return sums.addRolled(of, told, r, chunk, &t.basis.Rollups)
		})
}

// mostSums is of how many buckets of time what rollups tell is added up before it is merged: all quarters of an hour of a day's row are, in 32 KiB each.
const mostSums = 64

// rolledSums add up what a rollup tells of a group, in a few buckets of time, with a counter for each duration: to merge each minute of each operation into what is known of a day took
// two thirds of the time.
type rolledSums struct {
	*tally
	of      *group
	first   int // bucket
	buckets [mostSums]*rolledSum
	one     *cell    // memory for what is merged
	told    red.Cell // and for its durations
}

type rolledSum struct {
	used   bool
	errors int64
	counts [red.Unknown + 1]int64
	seen   [red.Unknown/64 + 1]uint64 // which counts are not 0
}

func (m *rolledSum) add(c *red.Cell) (items int64) {
	m.used = true
	m.errors += c.Errors
	for _, b := range c.Buckets {
		m.counts[b.Number] += b.Count
		m.seen[b.Number/64] |= 1 << (b.Number % 64)
		items += b.Count
	}
	return items
}

// take is what was added up, of which nothing is left.
func (m *rolledSum) take(out *red.Cell) {
	out.Errors, out.Buckets = m.errors, out.Buckets[:0]
	set(m.seen[:]).each(func(n uint64) {
		out.Buckets = append(out.Buckets, red.Bucket{Number: int32(n), Count: m.counts[n]}) //nolint:gosec // a bucket
		m.counts[n] = 0
	})
	m.used, m.errors, m.seen = false, 0, [len(m.seen)]uint64{}
}

// at is where what rollups tell of a group in a bucket of time is added up.
func (s *rolledSums) at(of *group, bucket int) *rolledSum {
	if s.of != of || bucket < s.first || bucket >= s.first+mostSums {
		s.flush()
		s.of, s.first = of, bucket
	}
	at := &s.buckets[bucket-s.first]
	if *at == nil {
		*at = &rolledSum{}
		s.grown += 8 * (red.Unknown + red.Unknown/64)
	}
	return *at
}

// flush merges what was added up.
func (s *rolledSums) flush() {
	for i, sum := range &s.buckets {
		if sum == nil || !sum.used {
			continue
		}
		sum.take(&s.told)
		s.one.take(&s.told)
		s.grown += s.cell(s.of, s.first+i).merge(s.one)
	}
}

// addRolled adds what a rollup tells of the minutes that are in the range.
func (s *rolledSums) addRolled(of *rolled, told *engine.RollupQuery, r *engine.Rolled, c *red.Chunk, items *int64) error {
	for i := range c.Services {
		service := &c.Services[i]
		for k := range service.Operations {
			o := &service.Operations[k]
			if err := s.addOperation(of, told, r, o.Cells, items, &filter.Request{
				Service: service.Name, Namespace: service.Namespace, Name: o.Name, Kind: int64(o.Kind), Nameless: service.Many,
			}); err != nil {
				return err
			}
		}
		const little = 64 << 10
		if err := s.charge(little); err != nil {
			return err
		}
	}
	s.flush()
	return s.failed
}

// addOperation adds cells of spans that are alike.
func (s *rolledSums) addOperation(of *rolled, told *engine.RollupQuery, r *engine.Rolled, cells []red.Cell, items *int64, request *filter.Request) error {
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
			g = s.tally.of(key)
		}
		bucket := 0
		if s.line != nil {
			bucket = s.line.At(r.Start + int64(c.Minute)*int64(time.Minute))
		}
		*items += s.at(g, bucket).add(c)
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
