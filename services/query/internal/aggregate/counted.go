package aggregate

import (
	"context"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
)

// What sums of hours and heads of segments tell of all items of a range by the values of one field: how many there are (docs/adr/035). No body is read for it.

// counted reports whether they may: no item is left out, and nothing is asked of one but whether it is there.
func (q *Query) counted() bool {
	if q.Counted == nil || len(q.Groups) != 1 || q.Line != nil || q.Segments || q.Traces != nil || !q.Everything() {
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
