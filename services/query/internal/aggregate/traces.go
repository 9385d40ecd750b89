package aggregate

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// Figures of traces: each trace that a list has counts once, where it stands in the list, by the values of its root and by what it comes to as a whole (docs/adr/053).

// Of is what figures count.
type Of string

// What they count.
const (
	Items  Of = "items"  // of the signal
	Traces Of = "traces" // whole ones
)

// whole is a number that a trace has as a whole.
type whole struct {
	name  string
	scale scale
	of    func(*trace.Summary) float64
}

// wholes is the table, by the names that lists of traces have for them.
func wholes() []whole {
	return []whole{
		{"duration", ofDurations, func(s *trace.Summary) float64 { return float64(s.End - s.Start) }},
		{"span_count", ofFloats, func(s *trace.Summary) float64 { return float64(s.Spans) }},
		{"error_count", ofFloats, func(s *trace.Summary) float64 { return float64(s.Errors) }},
	}
}

// wholeOf is the number of that name; nil where there is none.
func wholeOf(of Of, name string) *whole {
	table := wholes()
	i := slices.IndexFunc(table, func(w whole) bool { return w.name == name })
	if of != Traces || i < 0 {
		return nil
	}
	return &table[i]
}

// ofRoots reports whether something is read of the roots of traces.
func (p *plan) ofRoots() bool {
	return len(p.grouped)+len(p.distinct) > 0 || slices.ContainsFunc(p.numbers, func(n measured) bool { return n.whole == nil })
}

// askTraces answers from the sums of traces, as far as figures need them.
func (t *tally) askTraces(ctx context.Context, q *Query) (over time.Duration, err error) {
	every := *q.Traces
	every.Search = &q.Query
	roots := t.ofRoots()
	every.Roots = roots || t.fails
	every.Sums = every.Roots || len(t.numbers) > 0
	since, err := every.Each(ctx, t.snapshot, func(list []*trace.Summary) error {
		for _, sum := range list {
			if sum.Cut {
				t.partial++
			}
		}
		if !roots {
			rows := make([]uint32, len(list))
			for i := range rows {
				rows[i] = uint32(i)
			}
			t.merge(t.foldTraces(nil, rows, list))
			return t.failed
		}
		err := trace.ReadRoots(ctx, t.snapshot, &q.Query, list, engine.Always(t.read), func(r *columns.Reader, rows []uint32, numbers []int) {
			of := make([]*trace.Summary, len(numbers))
			for i, n := range numbers {
				of[i] = list[n]
			}
			t.merge(t.foldTraces(r, rows, of))
		})
		return cmp.Or(t.failed, err)
	})
	return time.Duration(q.To - since), err
}

// foldTraces makes the part of traces whose roots are rows of one segment; r is nil where nothing is read of them.
func (p *plan) foldTraces(r *columns.Reader, rows []uint32, list []*trace.Summary) *part {
	m, _ := p.memory.Get().(*scratch)
	if m == nil {
		m = &scratch{}
	}
	defer p.memory.Put(m)
	out := &part{items: int64(len(rows))}
	m.times = m.times[:0]
	first, last := 0, 0
	for i, sum := range list {
		m.times = append(m.times, sum.Time)
		if p.line != nil {
			at := p.line.At(sum.Time)
			if i == 0 {
				first, last = at, at
			}
			first, last = min(first, at), max(last, at)
		}
	}
	ids := p.divide(r, m, rows, first, last)
	if r != nil && r.Err() != nil {
		return nil // the engine tells
	}
	p.name(m, out, ids, first, last)
	m.failed = slices.Grow(m.failed[:0], len(rows))[:len(rows)]
	for i, cell := range m.at {
		out.cells[cell].items++
		if m.failed[i] = list[i].Failed(); m.failed[i] {
			out.cells[cell].errors++
		}
	}
	for n := range p.numbers {
		of := &p.numbers[n]
		size := len(rows)
		if r != nil {
			size = r.Len()
		}
		m.numbers = slices.Grow(m.numbers[:0], size)[:size]
		if of.whole == nil {
			of.Read(r, m.numbers)
		} else {
			for i, row := range rows {
				m.numbers[row] = of.whole.of(list[i])
			}
		}
		p.addNumbers(m, out, rows, n)
	}
	for n := range p.distinct {
		p.addValues(r, m, out, rows, n)
	}
	return out
}
