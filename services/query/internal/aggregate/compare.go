package aggregate

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What differs between two sets of items: which values are often in one and seldom in the other. A sample of segments tells it, the same one each time; of that
// of the two of which the sample has few, more are looked for, by its own filters: ten slow spans of five million are in no sample of one in twelve.

// Comparison is what is compared: of the items that the query asks for those that meet Selected with those that meet Baseline and not Selected.
type Comparison struct {
	engine.Query
	Selected, Baseline filter.Filter
	Sample             int64                 // about how many items are looked at
	Top                int                   // values that are told
	Chosen             func(counts.Key) bool // fields by which the two are chosen: that these differ is no news; nil for none
}

// Bounds of a comparison.
const (
	LeastSample    = 1_000
	MostSample     = 5_000_000
	fewCompared    = 1_000 // items of one side: where the sample has fewer, more are looked for
	mostComparedOf = 1_000 // values of a field
	MostCompared   = 2_000 // fields
	valueBytes     = 150   // of memory, of one
)

// Difference is what a comparison tells.
type Difference struct {
	Selected, Baseline Side
	Values             []Differing
	Sample             engine.Sample // what both were looked for in
	More               bool          // there are more fields than are compared
}

// Side is what was seen of one of the two.
type Side struct {
	Items int64
	All   bool // these are all of the range, unless what ended the question says otherwise
}

// Differing is a value that is more often in one of the two.
type Differing struct {
	Key                counts.Key
	Value              segment.Value
	Selected, Baseline int64   // items that have it
	Score              float64 // by which part of the items the two differ: from -1, all of the baseline have it, to 1, all that are selected
}

// sides are a segment's counts: of what is selected, and of the baseline.
type sides struct {
	items [2]int64
	lists map[counts.Key]*[2]counts.List
}

// Compare tells by which values two sets of spans or of log records differ most. What may be chance is left out: a value whose parts differ by less than three
// standard errors.
func Compare(ctx context.Context, s *engine.Snapshot, q *Comparison) (*Difference, error) {
	fields := counts.Fields(q.Signal)
	w := columns.NewSet(q.Signal)
	for i := range fields {
		w.Add(&fields[i].Some)
	}
	w.AllAttrs = true
	w.Int(segment.ColResource, segment.ColScope)
	for _, f := range []filter.Filter{q.Filter, q.Selected, q.Baseline} {
		f.Columns(w)
	}
	t := &compared{snapshot: s, keys: map[counts.Key]*comparedKey{}}
	look := func(of ...int) func(r *columns.Reader, h *engine.Header, of *engine.Query) *sides {
		return func(r *columns.Reader, h *engine.Header, part *engine.Query) *sides {
			return q.sides(r, h, part, fields, of)
		}
	}
	of, _, err := engine.FoldSample(ctx, s, &q.Query, q.Sample, q.From, engine.Always(w.Want), look(0, 1), t.add,
		func() bool { return t.sides[0]+t.sides[1] > 0 })
	if err != nil {
		return nil, err
	}
	out := &Difference{Sample: of.Sample}
	for side, told := range []*Side{&out.Selected, &out.Baseline} {
		more, few := q.Query, *of
		more.Filter = filter.All{q.Filter, q.side(side)}
		if _, err := engine.FoldMore(ctx, s, &more, &few, engine.Always(w.Want), look(side), t.add, func() bool { return t.sides[side] >= fewCompared }); err != nil {
			return nil, err
		}
		*told = Side{t.sides[side], few.All()}
	}
	out.Values, out.More = t.differing(q), t.more
	return out, nil
}

// side is what items of one of the two meet, beside the filters of the query.
func (q *Comparison) side(side int) filter.Filter {
	if side == 0 {
		return q.Selected
	}
	return filter.All{q.Baseline, filter.Not{Filter: q.Selected}}
}

// sides counts what a segment has of those that are asked for.
func (q *Comparison) sides(r *columns.Reader, h *engine.Header, of *engine.Query, fields []counts.Facet, asked []int) *sides {
	met := [2][]bool{r.Borrow(), r.Borrow()}
	defer func() {
		r.GiveBack()
		r.GiveBack()
	}()
	out := &sides{lists: map[counts.Key]*[2]counts.List{}}
	if len(asked) == 1 { // it is what the filters hold for
		out.items[asked[0]] = int64(of.Mark(r, h, met[asked[0]]))
	} else {
		q.mark(r, h, of, met, &out.items)
	}
	if out.items == [2]int64{} {
		return out
	}
	count := func(f *counts.Facet) {
		if r.Err() != nil {
			return
		}
		lists := &[2]counts.List{}
		for _, side := range asked {
			f.Count(r.View, met[side], &lists[side])
		}
		out.lists[f.Key] = lists
	}
	for i := range fields {
		count(&fields[i])
	}
	for _, list := range []struct {
		of   counts.Of
		keys []string
	}{{counts.OfItem, h.Keys()}, {counts.OfResource, r.Resources().Keys()}, {counts.OfScope, r.Scopes().Keys()}} {
		for _, name := range list.keys {
			f, _ := counts.For(q.Signal, counts.Key{Of: list.of, Name: name})
			count(&f)
		}
	}
	return out
}

// mark finds the items of both sides.
func (q *Comparison) mark(r *columns.Reader, h *engine.Header, of *engine.Query, met [2][]bool, items *[2]int64) {
	within := r.Borrow()
	defer r.GiveBack()
	if of.Mark(r, h, within) == 0 {
		return
	}
	q.Selected.Match(r, met[0])
	q.Baseline.Match(r, met[1])
	for row, is := range within {
		if met[0][row] = met[0][row] && is; met[0][row] {
			items[0]++
		}
		if met[1][row] = met[1][row] && is && !met[0][row]; met[1][row] {
			items[1]++
		}
	}
}

// compared is what is known of the sample.
type compared struct {
	snapshot interface{ Hold(bytes int64) error }
	sides    [2]int64
	keys     map[counts.Key]*comparedKey
	more     bool // fields than are compared
}

// comparedKey is what is known of the values of a field.
type comparedKey struct {
	values map[string]*[2]int64
	lost   bool // it has more than are told apart, as ids do
}

// add adds a segment's counts, as far as there is room for what is new in them: each field is charged for before the next is looked at.
func (t *compared) add(part *sides) error {
	for side, items := range part.items {
		t.sides[side] += items
	}
	for _, key := range slices.SortedFunc(maps.Keys(part.lists), compareKeys) {
		lists, k := part.lists[key], t.keys[key]
		if k == nil {
			if len(t.keys) >= MostCompared {
				t.more = true
				continue
			}
			key.Name = strings.Clone(key.Name)
			k = &comparedKey{values: map[string]*[2]int64{}}
			t.keys[key] = k
		}
		grown := 0
		for side := range lists {
			lists[side].Each(func(v segment.Value, items int64) {
				if k.lost {
					return
				}
				name := string(AppendTold(nil, v, true))
				at := k.values[name]
				if at == nil {
					if len(k.values) >= mostComparedOf {
						k.lost, k.values = true, nil
						return
					}
					at = &[2]int64{}
					k.values[name] = at
					grown += valueBytes + len(name)
				}
				at[side] += items
			})
		}
		if grown > 0 {
			if err := t.snapshot.Hold(int64(grown)); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareKeys is the order of fields.
func compareKeys(a, b counts.Key) int {
	return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Name, b.Name))
}

// differing are the values by which the two differ most.
func (t *compared) differing(q *Comparison) (out []Differing) {
	n := [2]float64{float64(t.sides[0]), float64(t.sides[1])}
	if n[0] == 0 || n[1] == 0 {
		return nil
	}
	for key, k := range t.keys {
		if q.Chosen != nil && q.Chosen(key) {
			continue
		}
		for name, items := range k.values {
			part := [2]float64{float64(items[0]) / n[0], float64(items[1]) / n[1]}
			both := float64(items[0]+items[1]) / (n[0] + n[1])
			const errors = 3
			score := part[0] - part[1]
			if math.Abs(score) <= errors*math.Sqrt(both*max(1-both, 0)*(1/n[0]+1/n[1])) {
				continue
			}
			v, _ := filter.ReadKey([]byte(name))
			out = append(out, Differing{key, v, items[0], items[1], score})
		}
	}
	slices.SortFunc(out, func(a, b Differing) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Score), math.Abs(a.Score)), compareKeys(a.Key, b.Key),
			cmp.Compare(a.Value.Type, b.Value.Type), cmp.Compare(a.Value.Num, b.Value.Num), slices.Compare(a.Value.Raw, b.Value.Raw))
	})
	return out[:min(len(out), q.Top)]
}
