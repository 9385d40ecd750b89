package native

import (
	"cmp"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The size of an answer. Invariant: the items of an answer take at most the budget, unless the first of them alone takes more; those left out
// are the last of the list, so that a cursor goes on where the answer ends.

// overhead is what an item takes beside its texts and values, about: numbers, times, ids and the names of members.
const overhead = 512

// allowance draws the items of one list, in whatever order they come, as far as a budget of bytes goes.
type allowance struct {
	left int64
	end  int // the first item that is left out; len(list) where none is
}

// allow calls draw with the rows of a segment that fit in, the items that come first in the list before others.
func (a *allowance) allow(t *segment.Table, rows []uint32, numbers []int, draw func(row, number int)) {
	order := make([]int, len(rows))
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Compare(numbers[x], numbers[y]) })
	resources := map[int64]bool{}
	for _, k := range order {
		row, number := int(rows[k]), numbers[k]
		if number >= a.end {
			return
		}
		if !a.fits(number, rowBytes(t, row, resources)) {
			return
		}
		draw(row, number)
	}
}

// fits takes an item's size from what is left, unless the list ends before it.
func (a *allowance) fits(number int, size int64) bool {
	if number > 0 && size > a.left {
		a.end = number
		return false
	}
	a.left -= size
	return true
}

// rowBytes is about what row i takes in an answer, its resource included where that is not in resources yet.
func rowBytes(t *segment.Table, i int, resources map[int64]bool) int64 {
	n := rowsBytes(t, &t.Rows, i)
	for _, children := range []*segment.Children{&t.Events, &t.Links, &t.Exemplars} {
		if len(children.Offsets) <= i+1 {
			continue
		}
		for j := int(children.Offsets[i]); j < int(children.Offsets[i+1]); j++ {
			n += rowsBytes(t, &children.Rows, j)
		}
	}
	var resource, scope int64
	if series := t.Ints[segment.ColSeries]; t.Signal == telemetry.Metrics {
		s := &t.Series[series[i]]
		n += valuesBytes(t, s.Attributes)
		resource, scope = int64(s.Resource), int64(s.Scope)
	} else {
		resource, scope = t.Ints[segment.ColResource][i], t.Ints[segment.ColScope][i]
	}
	if !resources[resource] {
		resources[resource] = true
		n += valuesBytes(t, t.Resources[resource].Attributes)
	}
	return n + valuesBytes(t, t.Scopes[scope].Attributes)
}

func rowsBytes(t *segment.Table, r *segment.Rows, i int) int64 {
	n := int64(overhead)
	for c := range r.Texts {
		if ids := r.Texts[c]; len(ids) > i {
			n += int64(len(t.Values[ids[i]].Raw))
		}
	}
	for c := range r.Lists {
		const digits = 20
		if len(r.Lists[c].Offsets) > i+1 {
			n += digits * int64(len(r.Lists[c].Row(i)))
		}
	}
	if len(r.Attributes.Offsets) > i+1 {
		n += valuesBytes(t, r.Attributes.Row(i))
	}
	return n
}

func valuesBytes(t *segment.Table, ids []segment.ValueID) int64 {
	const each = 64 // a key, a number, the names of members
	n := int64(0)
	for _, id := range ids {
		n += each + int64(len(t.Values[id].Raw))
	}
	return n
}
