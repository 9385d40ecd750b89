package series

import (
	"cmp"
	"math"
	"slices"
)

// Set is how many different things there are: all their hashes up to a number, beyond that as many of the least, from which one reckons how many there
// are. It is the same in whatever order they come, and however often.
type Set struct {
	list[uint64]

	below uint64 // no larger hash is kept; 0: all are
}

// hashBits are those of a hash that are kept: of 4,096 series, two have the same once in 130,000 metrics.
const hashBits = 40

func short(hash uint64) uint64 { return hash >> (64 - hashBits) }

// setOf is a set of hashes, which may come several times; with the minutes of each, or nil.
func setOf(hashes, minutes []uint64, most int) Set {
	if minutes == nil {
		slices.Sort(hashes)
		s := Set{list: list[uint64]{values: slices.Clip(slices.Compact(hashes))}}
		s.bound(most)
		return s
	}
	type one struct{ hash, minutes uint64 }
	all := make([]one, len(hashes))
	for i := range hashes {
		all[i] = one{hashes[i], minutes[i]}
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.hash, b.hash) })
	var s Set
	for _, o := range all {
		if last := len(s.values) - 1; last >= 0 && s.values[last] == o.hash {
			s.minutes[last] |= o.minutes
			continue
		}
		s.values, s.minutes = append(s.values, o.hash), append(s.minutes, o.minutes)
	}
	s.bound(most)
	return s
}

// Exact reports whether Count is no estimate.
func (s *Set) Exact() bool { return s.below == 0 }

// Count is how many there are.
func (s *Set) Count() int64 {
	if s.below == 0 {
		return int64(len(s.values))
	}
	// As many as are below this part of all hashes.
	return int64(math.Round(float64(len(s.values)) / (float64(s.below) / (1 << hashBits))))
}

// merge adds another set, which is not changed.
func (s *Set) merge(o *Set, most int) {
	if len(s.values) == 0 && s.below == 0 {
		*s = *o
		s.bound(most)
		return
	}
	s.union(&o.list)
	if o.below != 0 && (s.below == 0 || o.below < s.below) {
		s.below = o.below
	}
	if s.below != 0 {
		n, _ := slices.BinarySearch(s.values, s.below)
		s.cut(n)
	}
	s.bound(most)
}

// bound keeps so many at most, the least, and no memory of many more.
func (s *Set) bound(most int) {
	if len(s.values) <= most {
		return
	}
	s.below = s.values[most]
	s.cut(most)
	if cap(s.values) > 2*most {
		s.values, s.minutes = slices.Clone(s.values), slices.Clone(s.minutes)
	}
}

func (s *Set) memory() int64 { return int64(8 * (len(s.values) + len(s.minutes))) }

// list is values in order, each once, and perhaps in which minutes of an hour each was. What it holds is not changed: lists share it.
type list[T cmp.Ordered] struct {
	values  []T
	minutes []uint64 // of each; nil where it is not known
}

// cut keeps the first so many.
func (l *list[T]) cut(most int) {
	l.values = l.values[:most]
	if l.minutes != nil {
		l.minutes = l.minutes[:most]
	}
}

// union adds what another list has. Most have the same, which takes one look.
func (l *list[T]) union(o *list[T]) {
	switch {
	case len(o.values) == 0:
		return
	case len(l.values) == 0:
		*l = *o
		return
	case l.has(o):
		return
	}
	byMinutes := l.minutes != nil
	out := list[T]{values: make([]T, 0, max(len(l.values), len(o.values)))}
	a, b := 0, 0
	for a < len(l.values) || b < len(o.values) {
		c := -1
		switch {
		case a == len(l.values):
			c = 1
		case b < len(o.values):
			c = cmp.Compare(l.values[a], o.values[b])
		}
		minutes := uint64(0)
		var value T
		if c >= 0 {
			value = o.values[b]
			if byMinutes {
				minutes = o.minutes[b]
			}
			b++
		}
		if c <= 0 {
			value = l.values[a]
			if byMinutes {
				minutes |= l.minutes[a]
			}
			a++
		}
		out.values = append(out.values, value)
		if byMinutes {
			out.minutes = append(out.minutes, minutes)
		}
	}
	*l = out
}

// has tells whether a list adds nothing.
func (l *list[T]) has(o *list[T]) bool {
	common := 0 // of o, in l
	for i := 0; i < len(l.values) && common < len(o.values); i++ {
		if l.values[i] == o.values[common] {
			if l.minutes != nil && o.minutes[common]&^l.minutes[i] != 0 {
				return false
			}
			common++
		}
	}
	return common == len(o.values)
}
