package trace

import (
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// What a sum of traces takes of one segment.

// visiting is summing while a query's segments are visited side by side.
type visiting struct {
	*summing
	query *engine.Query
	isNew func(sum *Summary, k engine.Key) bool
}

// row is what a sum needs of one span; one that is not new only counts as a match.
type row struct {
	Span
	sum          *Summary
	rank         int64 // in the list
	at           uint32
	kind, status int32
	new, matches bool
	service      *names // nil where it is lean
	told         *told  // nil where another span of the segment stands before it
}

// told is what is told of a span that may be the root.
type told struct {
	name, statusMessage string
	attributes          []otlpjson.KeyValue
}

// candidate is what may be the root of its trace.
func (r *row) candidate(h *engine.Header) *candidate {
	one := &candidate{Span: r.Span, Kind: int(r.kind), Status: int(r.status), item: engine.ItemOf(h, int(r.at), r.Key)}
	if r.service != nil {
		one.Service = r.service.name
	}
	if r.told != nil {
		one.Name, one.StatusMessage, one.Attributes = r.told.name, r.told.statusMessage, r.told.attributes
	}
	return one
}

// visit takes what the traces have of a segment.
func (v *visiting) visit(r *columns.Reader, _ *engine.Header) ([]row, error) {
	// Which of the segment's rows are of which trace.
	ids := r.TraceIDs()
	if r.Err() != nil {
		return nil, nil // the engine tells
	}
	of := make([]*Summary, len(ids.Distinct))
	asked := v.query.Traces
	for entry, id := range ids.Distinct {
		if sum := v.sums[id]; sum != nil && (asked == nil || len(asked) == len(v.sums) || slices.Contains(asked, id)) {
			of[entry] = sum
		}
	}
	rows := 0
	for _, entry := range ids.Rows {
		if of[entry] != nil {
			rows++
		}
	}
	if rows == 0 {
		return nil, nil
	}
	met := r.Borrow()
	defer r.GiveBack()
	if !v.lean {
		v.search.Filter.Match(r, met)
	}
	times, positions, ordinals := r.Ints(segment.ColTime), r.Ints(segment.ColPosition), r.Ints(segment.ColOrdinal)
	out := make([]row, 0, rows)
	told := make([]uint32, 0, rows) // rows that are told of
	places := make([]int, 0, rows)  // and theirs in out
	for at, entry := range ids.Rows {
		sum := of[entry]
		if sum == nil {
			continue
		}
		k := engine.Key{Time: times[at], Position: positions[at], Ordinal: ordinals[at]}
		if k.Time < v.query.From || k.Time >= v.query.To || v.query.MaxPosition > 0 && k.Position > v.query.MaxPosition {
			continue
		}
		one := row{sum: sum, at: uint32(at), new: v.isNew(sum, k), matches: met[at] && k.Time >= v.search.From && k.Time < v.search.To}
		one.Key = k
		if !v.lean {
			one.rank = v.search.Order.RankOf(r, at)
		}
		if one.new {
			told, places = append(told, uint32(at)), append(places, len(out))
		}
		if one.new || one.matches {
			out = append(out, one)
		}
	}
	if len(told) == 0 {
		return out, nil
	}
	return out, r.Rows(v.shown, told, func(t *segment.Table) {
		for n, place := range places {
			out[place].read(t, n)
		}
		if !v.lean {
			v.tell(t, out, places)
		}
	})
}

// read fills in what is summed up of a span.
func (r *row) read(t *segment.Table, at int) {
	r.ID, r.Parent, r.Duration = t.SpanIDs[at], t.ParentIDs[at], known(r.Time, t.Ints[segment.ColDuration][at])
	r.status = int32(t.Ints[segment.ColStatus][at]) //nolint:gosec // an enum of 32 bits
}

// tell fills in what lists tell of spans beside that: row n of a table is out[places[n]]. Texts are copied once for all rows that have them, and only of the spans that may be roots.
func (v *visiting) tell(t *segment.Table, out []row, places []int) {
	services := make([]*names, len(t.Resources))
	first := map[*Summary][2]int{} // of each trace, one more than the first row without a parent, and than the first of the others
	for n, place := range places {
		r := &out[place]
		r.kind = int32(t.Ints[segment.ColKind][n]) //nolint:gosec // an enum of 32 bits
		of := t.Ints[segment.ColResource][n]
		if services[of] == nil {
			services[of] = &names{strings.Clone(t.Resources[of].ServiceNamespace), strings.Clone(t.Resources[of].ServiceName)}
		}
		r.service = services[of]
		kind := 1
		if r.IsRoot() {
			kind = 0
		}
		have := first[r.sum]
		if at := have[kind]; at == 0 || r.order(&out[places[at-1]].Span) < 0 {
			have[kind] = n + 1
			first[r.sum] = have
		}
	}
	texts := map[segment.ValueID]string{}
	text := func(id segment.ValueID) string {
		one, ok := texts[id]
		if !ok {
			one = string(t.Values[id].Raw)
			texts[id] = one
		}
		return one
	}
	values := map[segment.ValueID]otlpjson.Value{}
	for _, rows := range first {
		for _, at := range rows {
			if at == 0 {
				continue
			}
			one := &told{name: text(t.Texts[segment.TextName][at-1])}
			out[places[at-1]].told = one
			if v.fields != nil {
				continue
			}
			one.statusMessage = text(t.Texts[segment.TextStatusMessage][at-1])
			for _, id := range t.Attributes.Row(at - 1) {
				key := t.Keys[t.Values[id].Key]
				if !slices.Contains(RootAttributes(), key) {
					continue
				}
				value, ok := values[id]
				if !ok {
					value = otlpjson.Of(t.Values[id].OTLP())
					values[id] = value
				}
				one.attributes = append(one.attributes, otlpjson.KeyValue{Key: key, Value: value})
			}
		}
	}
}
