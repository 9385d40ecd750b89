package pattern

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Query is what is asked for: the log records of a range that meet a filter. It is not changed while it is in use.
type Query struct {
	engine.Query
	Bodies  filter.Column // of the records
	Line    aggregate.Timeline
	Compare bool  // tell what was not there in the time before the range, which is as long
	Sample  int64 // about how many records are looked at
	Top     int   // patterns that are told
}

// Answer is what there is. Counts are those of the sample.
type Answer struct {
	Patterns []Pattern // those of most records
	Other    Cell      // of all others
	Distinct int       // patterns that there are
	AtLeast  bool      // or more, which are in Other
	Coarser  bool      // words are told apart in fewer places than usual, because there are too many patterns
	Total    int64     // records of the sample
	Compared bool      // all of the time before was looked at: Cell.Before tells what was there

	Sample engine.Sample
}

// Ask answers a query. Errors are the engine's.
func Ask(ctx context.Context, s *engine.Snapshot, q *Query) (*Answer, error) {
	out := &Answer{}
	all := q.Query
	if q.Compare {
		all.From = max(q.From-(q.To-q.From), 0)
	}
	w := columns.NewSet(q.Signal)
	q.Filter.Columns(w)
	q.Bodies.Columns(w)
	w.Int(segment.ColSeverity, segment.ColResource)
	into := newSet()
	held := 0
	sampling, over, err := engine.FoldSample(ctx, s, &all, q.Sample, q.From, engine.Always(w.Want), q.fold, func(lines *set) error {
		into.merge(lines)
		if into.grown <= held { // what was put together leaves room
			return nil
		}
		more := into.grown - held
		held = into.grown
		return s.Hold(int64(more))
	}, func() bool { return into.count > 0 })
	if err != nil {
		return nil, err
	}
	out.Sample = sampling.Sample
	out.Compared = q.Compare && over.Nanoseconds() == all.To-all.From // nothing ended the look before the start
	out.tell(into, q.Top)
	return out, nil
}

// tell says what came of it.
func (a *Answer) tell(s *set, top int) {
	list := slices.DeleteFunc(s.patterns(), func(p Pattern) bool { return p.Count == 0 }) // which were only before
	a.Distinct, a.AtLeast, a.Coarser, a.Other = len(list), s.missed, s.coarser, s.other
	for i := range list {
		a.Total += list[i].Count
		if i >= top {
			a.Other.merge(&list[i].Cell)
		}
	}
	a.Total += s.other.Count
	a.Patterns = list[:min(len(list), top)]
}

// fold groups the records of a segment by their forms.
func (q *Query) fold(r *columns.Reader, h *engine.Header, within *engine.Query) *set {
	met := r.Borrow()
	defer r.GiveBack()
	out := newSet()
	if within.Mark(r, h, met) == 0 {
		return out
	}
	rows := r.Marked(met)
	var bodies filter.Codes
	q.Bodies.Read(r, &bodies)
	services := r.Services()
	times, severities, resources := r.Pick(segment.ColTime, rows), r.Pick(segment.ColSeverity, rows), r.Pick(segment.ColResource, rows)
	positions, ordinals := r.Pick(segment.ColPosition, rows), r.Pick(segment.ColOrdinal, rows)
	if r.Err() != nil {
		return out // the engine tells
	}
	var forms []form
	var cells []Cell
	known := map[string]int{}
	at := make([]int, bodies.N+1) // by body, the last for none: its form and one
	var key []byte
	for i, row := range rows {
		code := int(bodies.Of[row])
		if code == filter.NoValue {
			code = bodies.N
		}
		if at[code] == 0 {
			f := form{}
			if v, ok := bodies.Value(code); ok {
				f = formOf(v)
			}
			key = append(key[:0], f.shape...)
			for _, w := range f.words {
				key = append(append(key, word), w...)
			}
			n, ok := known[string(key)]
			if !ok {
				n = len(forms)
				known[string(key)] = n
				forms, cells = append(forms, f), append(cells, Cell{})
			}
			at[code] = n + 1
		}
		service := ""
		if n := resources[i]; int(n) < len(services) {
			service = services[n].Name
		}
		cells[at[code]-1].add(q, engine.Key{Time: times[i], Position: positions[i], Ordinal: ordinals[i]}, severities[i], service)
	}
	for i := range forms {
		out.add(forms[i], &cells[i])
	}
	return out
}

// add adds a record.
func (c *Cell) add(q *Query, k engine.Key, severity int64, service string) {
	if k.Time < q.From {
		c.Before++
		return
	}
	if c.Count == 0 {
		c.First, c.Last = k.Time, k.Time
	}
	c.Count++
	c.First, c.Last = min(c.First, k.Time), max(c.Last, k.Time)
	c.Over.add(q.Line.At(k.Time), math.MaxInt)
	c.Severity[severityRange(severity)]++
	c.ByServices.add(service, MostServices)
	if len(c.Examples) < MostExamples || k.Newer(c.Examples[len(c.Examples)-1]) {
		c.Examples = newest(append(c.Examples, k))
	}
}

// add adds a record, where its key is one of so many, the first.
func (c *Counts[K]) add(key K, most int) {
	at, is := slices.BinarySearchFunc(*c, key, func(one Counted[K], key K) int { return cmp.Compare(one.Key, key) })
	if at == most {
		return
	}
	if !is {
		*c = slices.Insert((*c)[:min(len(*c), most-1)], at, Counted[K]{Key: key})
	}
	(*c)[at].N++
}

// severityRange is which of the ranges of four a severity number is in, 0 for none.
func severityRange(n int64) int {
	const least, most, each = 1, 24, 4
	if n < least || n > most {
		return 0
	}
	return int((n-1)/each) + 1
}
