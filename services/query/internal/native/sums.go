package native

import (
	"cmp"
	"slices"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// summed is what figures are of: its strings are cloned before they are kept, since they may be a part of much else.
type summed[K any] interface {
	comparable
	compare(o K) int
	clone() K
	size() int64 // bytes of its strings
}

// sums are figures by what they are of. Invariant: all that was added is in of or in others. What they take beyond a little is charged to the question; where there is no room for
// more, the half of them with the fewest spans goes to others: a sender chooses how many names there are.
type sums[K summed[K]] struct {
	of     map[K]*serviceSum
	others byKind
	mixed  bool // some are in others, so that of what has few spans there may be too few in of

	snapshot    *engine.Snapshot
	bytes, room int64 // about what they take; and what they may, of which all but littleSums is charged
}

const (
	littleSums = 64 << 10
	sumBytes   = 384 // what one takes beside its histograms and its strings
)

func newSums[K summed[K]](s *engine.Snapshot) *sums[K] {
	return &sums[K]{of: map[K]*serviceSum{}, snapshot: s, room: littleSums}
}

// add lets f add to the figures of something.
func (t *sums[K]) add(k K, f func(sum *serviceSum)) {
	sum := t.of[k]
	if sum == nil {
		k, sum = k.clone(), new(serviceSum)
		t.of[k] = sum
		t.bytes += sumBytes + k.size()
	}
	before := sum.memory()
	f(sum)
	t.bytes += sum.memory() - before
	if t.bytes > t.room {
		t.makeRoom()
	}
}

// merge adds what was counted of a segment, without buckets where there is no room for them, and returns by how many bytes its buckets grew.
func (t *sums[K]) merge(from map[K]*serviceSum, line *timeline) (grown int64) {
	for k, sum := range from {
		if line.open() == nil {
			sum.all()
			sum.buckets = nil
		}
		t.add(k, func(into *serviceSum) {
			before := into.bytes
			into.merge(sum)
			grown += into.bytes - before
		})
	}
	return grown
}

// makeRoom charges the question with more, or puts some together.
func (t *sums[K]) makeRoom() {
	if more, err := t.snapshot.HoldMore(t.bytes-t.room, t.room); err == nil {
		t.room += more
		return
	}
	keys := t.keys(func(a, b K) int { return cmp.Or(cmp.Compare(t.of[b].spans, t.of[a].spans), a.compare(b)) })
	for _, k := range slices.Backward(keys[1:]) {
		if t.bytes <= t.room/2 {
			break
		}
		sum := t.of[k]
		t.bytes -= sumBytes + k.size() + sum.memory() // as it was counted: all moves what buckets have to the histograms
		sum.all()
		t.others.merge(&sum.byKind)
		delete(t.of, k)
		t.mixed = true
	}
}

// clear forgets all, but for what the question is charged.
func (t *sums[K]) clear() {
	clear(t.of)
	t.others, t.mixed, t.bytes = byKind{}, false, 0
}

// keys are what there are figures of, in an order.
func (t *sums[K]) keys(order func(a, b K) int) []K {
	keys := make([]K, 0, len(t.of))
	for k := range t.of {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, order)
	return keys
}

// lacking says that not all are told apart.
func (t *sums[K]) lacking(what string, otherwise *api.Incomplete) *api.Incomplete {
	if !t.mixed || otherwise != nil {
		return otherwise
	}
	return limited("there are more %s than one query may tell apart (%d are); those with few spans are left out, or counted too low, and are in other", what, len(t.of))
}
