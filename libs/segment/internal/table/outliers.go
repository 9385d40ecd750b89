package table

// Outliers: the spans of an hour that are looked for most, which are few. Of each service these are the failed ones and the longest ones, up to a
// share of its spans that bounds what it costs to have them apart: some 36 bytes each, a trace id once more and the links between parents and
// children that are no longer neighbours. Invariant: a service's span that stays behind is at most as long as each of its outliers of its kind, so
// that the longest durations in headers say where the others are.

import (
	"container/heap"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
)

const (
	apartFrom   = 4 * container.MaxItems // rows of an hour: of fewer segments, all may as well be opened
	fewestApart = 64                     // a segment takes some 3 kB, whatever is in it
	failedOf    = 80                     // of each so many spans of a service, begun ones too, one may be apart because it failed,
	slowOf      = 400                    // and of each full so many, one because it took long
)

// outliers finds them, with memory of its own.
type outliers struct {
	rows   []uint32 // sorted by service
	failed []uint32 // of one service
	others []uint32
	apart  []bool // by row
	top    longest
}

// outliersLast moves the outliers among the rows of an hour to their end, keeps the order of both, and returns how many stay before them.
func (t *Builder) outliersLast(rows []uint32) (others int) {
	if len(rows) < apartFrom {
		return len(rows)
	}
	o := &t.slicer.outliers
	o.rows = append(o.rows[:0], rows...)
	t.byRank(o.rows, t.Ints[ColResource])
	o.apart = scratch.Slice(o.apart, t.N)
	clear(o.apart)
	rank, resource, duration, status := t.slicer.rank, t.Ints[ColResource], t.Ints[ColDuration], t.Ints[ColStatus]
	found := 0
	for from := 0; from < len(o.rows); {
		o.failed, o.others = o.failed[:0], o.others[:0]
		to := from
		for ; to < len(o.rows) && rank[resource[o.rows[to]]] == rank[resource[o.rows[from]]]; to++ {
			if r := o.rows[to]; status[r] == otlp.StatusError {
				o.failed = append(o.failed, r)
			} else {
				o.others = append(o.others, r)
			}
		}
		n := to - from
		found += o.mark(o.failed, (n+failedOf-1)/failedOf, duration) + o.mark(o.others, n/slowOf, duration)
		from = to
	}
	if found < fewestApart {
		return len(rows)
	}
	last := o.rows[:0]
	for _, r := range rows {
		if o.apart[r] {
			last = append(last, r)
		} else {
			rows[others] = r
			others++
		}
	}
	copy(rows[others:], last)
	return others
}

// mark marks the n longest of some rows, and returns how many these are.
func (o *outliers) mark(rows []uint32, n int, duration []int64) int {
	if len(rows) > n {
		o.top = longest{rows: o.top.rows[:0], duration: duration}
		for _, r := range rows {
			switch {
			case len(o.top.rows) < n:
				heap.Push(&o.top, r)
			case n > 0 && duration[r] > duration[o.top.rows[0]]:
				o.top.rows[0] = r
				heap.Fix(&o.top, 0)
			}
		}
		rows = o.top.rows
	}
	for _, r := range rows {
		o.apart[r] = true
	}
	return len(rows)
}

// longest is a heap of rows, the shortest first.
type longest struct {
	rows     []uint32
	duration []int64
}

func (l *longest) Len() int           { return len(l.rows) }
func (l *longest) Less(i, j int) bool { return l.duration[l.rows[i]] < l.duration[l.rows[j]] }
func (l *longest) Swap(i, j int)      { l.rows[i], l.rows[j] = l.rows[j], l.rows[i] }
func (l *longest) Push(r any)         { l.rows = append(l.rows, r.(uint32)) } //nolint:forcetypeassert // see mark

// Pop is not used.
func (l *longest) Pop() any {
	r := l.rows[len(l.rows)-1]
	l.rows = l.rows[:len(l.rows)-1]
	return r
}
