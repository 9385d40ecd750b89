package aggregate

import (
	"cmp"
	"context"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Facets: the most frequent values of several fields, each by itself, of the items of one range. What sums of hours and heads tell is counted by these; all other fields are read
// in one look at the segments. Invariant: the values that are told of a field, its Other and its Missing are its Items.

// MostFacets is how many fields one question has at most.
const MostFacets = 10

// FacetQuery is what is asked for. It is not changed while it is in use.
type FacetQuery struct {
	engine.Query         // the conditions that hold for all facets
	Facets       []Facet // at least one
	Top          int     // values of each that are told
}

// Facet is a field whose values are counted.
type Facet struct {
	Column  filter.Column
	Rest    filter.All      // what its items meet beside the conditions of all
	Set     int             // the same for facets with the same Rest
	Counted *filter.Counted // how it is counted without looking at items; nil where it is not
}

// FacetCounts are what is told of a facet.
type FacetCounts struct {
	Values   []FacetValue // the most frequent ones
	Other    int64        // items with other values
	Missing  int64        // items without one
	Items    int64        // all of them
	Distinct int          // values that there are
	AtLeast  bool         // or more, which are in Other

	Cut *engine.Cut // what ended the look at its items, from Cut.Since on they are those that are told; nil for all. One facet may be told of more than another
}

// FacetValue is a value, and how many items have it.
type FacetValue struct {
	segment.Value
	Items int64
}

// AskFacets counts the values of fields, in the order of the query's facets. Errors are the engine's, and fault.Invalid for what asks too much.
func AskFacets(ctx context.Context, s *engine.Snapshot, q *FacetQuery) ([]FacetCounts, error) {
	switch {
	case len(q.Facets) == 0 || len(q.Facets) > MostFacets:
		return nil, errShape.Newf("fields: want 1 to %d", MostFacets)
	case q.Top < 1 || q.Top > MostTop:
		return nil, errShape.Newf("limit: %d is not between 1 and %d", q.Top, MostTop)
	}
	out := make([]FacetCounts, len(q.Facets))
	var looked []int
	known := plain{}
	for i := range q.Facets {
		of := &q.Facets[i]
		counted, before := false, s.Cut()
		if of.Counted != nil && len(of.Rest) == 0 && q.Everything() {
			var err error
			if counted, err = q.count(ctx, s, of.Counted, known, &out[i]); err != nil {
				return nil, err
			}
		}
		switch cut := s.Cut(); {
		case !counted:
			looked = append(looked, i)
		case cut != before:
			out[i].Cut = cut
		}
	}
	if len(looked) == 0 {
		return out, nil
	}
	before := s.Cut()
	err := q.look(ctx, s, looked, out)
	if cut := s.Cut(); cut != before {
		for _, i := range looked {
			out[i].Cut = cut
		}
	}
	return out, err
}

// count counts a field by sums and heads; false where these do not tell all of it.
func (q *FacetQuery) count(ctx context.Context, s *engine.Snapshot, of *filter.Counted, known plain, out *FacetCounts) (bool, error) {
	all, err := known.count(ctx, s, &q.Query, of, nil)
	if err != nil || all == nil {
		return false, err
	}
	defer all.LetGo()
	if all.Lost {
		return false, nil
	}
	bytes := all.Bytes() // the same values once more, as they are told
	if err := s.Hold(bytes); err != nil {
		return false, nil // a look at the items keeps as many as there is room for
	}
	defer s.LetGo(bytes)
	values, missing := map[string]int64{}, all.Items
	for _, v := range all.List() {
		values[string(AppendTold(nil, of.Told(v.Value), true))] += v.Items
		missing -= v.Items
	}
	if missing < 0 { // items have the key several times
		return false, nil
	}
	*out = facetOf(values, missing, 0, q.Top)
	return true, nil
}

// facetOf is what is told of so many values.
func facetOf(values map[string]int64, missing, other int64, top int) FacetCounts {
	type one struct {
		key   string
		items int64
	}
	list := make([]one, 0, len(values))
	for key, items := range values {
		list = append(list, one{key, items})
	}
	slices.SortFunc(list, func(a, b one) int { return cmp.Or(cmp.Compare(b.items, a.items), cmp.Compare(a.key, b.key)) })
	out := FacetCounts{Missing: missing, Other: other, Items: missing + other, Distinct: len(list)}
	for i, v := range list {
		out.Items += v.items
		if i >= top {
			out.Other += v.items
			continue
		}
		value, _ := filter.ReadKey([]byte(v.key))
		out.Values = append(out.Values, FacetValue{value, v.items})
	}
	return out
}

// facetPart is what one segment has of a facet: values in the order of their numbers, one perhaps several times, as AppendTold writes them one after the other.
type facetPart struct {
	raw     []byte
	values  []facetItems
	missing int64
}

// facetItems are how many items have the value whose bytes end there.
type facetItems struct {
	end   int
	items int64
}

// facetTally is what is known of a facet.
type facetTally struct {
	values  map[string]int64
	missing int64
	others  int64    // items whose values have no room
	missed  distinct // which these are
	full    bool
}

// look counts fields in one look at the segments that may have an item of one of them.
func (q *FacetQuery) look(ctx context.Context, s *engine.Snapshot, list []int, out []FacetCounts) error {
	of := q.Query
	sets, rests := map[int]int{}, filter.Any{}
	everything := false
	w := columns.NewSet(q.Signal)
	for _, i := range list {
		f := &q.Facets[i]
		f.Column.Columns(w)
		if _, ok := sets[f.Set]; !ok {
			sets[f.Set] = len(rests)
			rests = append(rests, f.Rest)
			everything = everything || len(f.Rest) == 0
		}
	}
	switch {
	case len(rests) == 1:
		of.Filter = filter.All{q.Filter, rests[0]}
	case !everything:
		of.Filter = filter.All{q.Filter, rests}
	}
	of.Filter.Columns(w)
	rests.Columns(w)
	tallies := make([]facetTally, len(list))
	for i := range tallies {
		tallies[i].values = map[string]int64{}
	}
	grown, failed := 0, error(nil)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	_, err := engine.Fold(ctx, s, &of, engine.Always(w.Want),
		func(r *columns.Reader, h *engine.Header, of *engine.Query) []facetPart {
			return q.fold(r, h, of, list, rests, sets)
		},
		func(parts []facetPart) {
			if failed != nil {
				return
			}
			for i := range parts {
				grown += tallies[i].add(&parts[i])
			}
			const little = 64 << 10
			if grown > little {
				if failed = s.Hold(int64(grown)); failed != nil {
					stop()
				}
				grown = 0
			}
		})
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	for n, i := range list {
		t := &tallies[n]
		out[i] = facetOf(t.values, t.missing, t.others, q.Top)
		if out[i].AtLeast = t.full; t.full {
			out[i].Distinct += int(t.missed.estimate())
		}
	}
	return nil
}

// add adds what a segment has, and tells by how many bytes that grew.
func (t *facetTally) add(of *facetPart) (grown int) {
	t.missing += of.missing
	from := 0
	for _, v := range of.values {
		key := of.raw[from:v.end]
		from = v.end
		_, known := t.values[string(key)]
		switch {
		case known:
		case len(t.values) >= MostKept:
			t.full = true
			t.others += v.items
			grown += t.missed.add([]uint64{hashOf(segment.Value{Type: segment.Bytes, Raw: key})})
			continue
		default:
			grown += valueBytes + len(key)
		}
		t.values[string(key)] += v.items
	}
	return grown
}

// fold counts what a segment has.
func (q *FacetQuery) fold(r *columns.Reader, h *engine.Header, of *engine.Query, list []int, rests filter.Any, sets map[int]int) []facetPart {
	met := r.Borrow()
	defer r.GiveBack()
	if of.Mark(r, h, met) == 0 {
		return nil
	}
	marks := make([][]bool, len(rests))
	for n, rest := range rests {
		if marks[n] = met; len(rests) == 1 {
			continue
		}
		marks[n] = r.Borrow()
		defer r.GiveBack()
		rest.Match(r, marks[n])
		for row, is := range met {
			marks[n][row] = marks[n][row] && is
		}
	}
	out := make([]facetPart, len(list))
	var codes filter.Codes
	var items []int64
	for n, i := range list {
		f := &q.Facets[i]
		f.Column.Read(r, &codes)
		if r.Err() != nil {
			return nil // the engine tells
		}
		items = slices.Grow(items[:0], codes.N+1)[:codes.N+1]
		clear(items)
		for row, is := range marks[sets[f.Set]] {
			if is {
				items[codes.Of[row]+1]++
			}
		}
		part := facetPart{missing: items[0]}
		for code, count := range items[1:] {
			if count == 0 {
				continue
			}
			v, ok := codes.Value(code)
			if !ok {
				part.missing += count
				continue
			}
			part.raw = AppendTold(part.raw, v, true)
			part.values = append(part.values, facetItems{len(part.raw), count})
		}
		out[n] = part
	}
	return out
}
