package aggregate

import (
	"context"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// What sums of hours and heads of segments tell of all items of a range by the values of one field: how many there are (docs/adr/035). No body is read for it.

// counted reports whether they may.
func (q *Query) counted() bool { return q.countable() && q.Line == nil }

// countable reports whether no item is left out, and nothing is asked of one but which value it has.
func (q *Query) countable() bool {
	if q.Counted == nil || len(q.Groups) != 1 || q.Segments || q.Traces != nil || !q.Everything() {
		return false
	}
	for i := range q.Measures {
		if k := q.Measures[i].kind; k.about != ofItems || k.fails {
			return false
		}
	}
	return true
}

// askCounted answers from them, if they tell all of it: else there is nothing yet, and items have to be looked at.
func (t *tally) askCounted(ctx context.Context, q *Query) (over time.Duration, done bool, err error) {
	if !q.counted() {
		return 0, false, nil
	}
	before := t.snapshot.Cut()
	all, err := plain{}.count(ctx, t.snapshot, &q.Query, q.Counted, nil)
	if err != nil || all == nil {
		return 0, false, err
	}
	defer all.LetGo()
	missing := all.Items
	list := all.List()
	for _, v := range list {
		missing -= v.Items
	}
	if all.Lost || missing < 0 { // or items have the key several times
		return 0, false, nil
	}
	add := func(v segment.Value, is bool, items int64) {
		one := t.newCell()
		one.items = items
		t.grown += t.cell(t.of(AppendTold(nil, v, is)), 0).merge(one)
	}
	for _, v := range list { // the most frequent first: these are kept apart
		add(q.Counted.Told(v.Value), true, v.Items)
	}
	if missing > 0 {
		add(segment.Value{}, false, missing)
	}
	t.basis.Rollups, t.basis.Segments = all.Basis.Sums, all.Basis.Segments
	over = q.Span()
	if cut := t.snapshot.Cut(); cut != before {
		over = 0
		if cut.Since != nil {
			over = time.Duration(q.To - *cut.Since)
		}
	}
	return over, true, t.charge(0)
}

// heads is how the head of a segment tells what there is of it in a bucket of a timeline.
type heads struct {
	facet counts.Facet
	told  func(segment.Value) segment.Value
	lists counts.Lists
}

// newHeads is nil where heads do not tell it. They do of fields, of which an item has one value or none.
func newHeads(q *Query) *heads {
	if q.Line == nil || !q.countable() || q.Counted.Key.Of != counts.OfField {
		return nil
	}
	facet, ok := counts.For(q.Signal, q.Counted.Key)
	if !ok {
		return nil
	}
	return &heads{facet: facet, told: q.Counted.Told}
}

// part is what a segment has, all of whose items count and lie in one bucket.
func (d *heads) part(r *columns.Reader, bucket int) *part {
	list := d.lists.Take()
	defer d.lists.Put(list)
	out := &part{items: int64(r.Len())}
	missing := out.items
	add := func(v segment.Value, is bool, items int64) {
		out.keys.bytes = AppendTold(out.keys.bytes, v, is)
		out.cells = append(out.cells, partCell{cell: cell{items: items}, group: out.keys.len(), bucket: bucket})
		out.keys.end()
		missing -= items
	}
	d.facet.Count(r.View, nil, list)
	list.Each(func(v segment.Value, items int64) { add(d.told(v), true, items) })
	if missing > 0 {
		add(segment.Value{}, false, missing)
	}
	return out
}
