package attributes

import (
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Splitter takes the attribute lists of rows apart: into shapes, and into one list of values per key, the keys sorted by name. Rows come with
// a number for the list of their keys, its node in the caller's tree. Keys, values and shapes are valid until the next Reset.
type Splitter[K, V ~uint32] struct {
	Keys []K // that occur, sorted by name

	nodes  []uint32 // per row
	values []V      // of all rows, one after the other
	flat   []V      // the same by key
	from   []int    // per key: where in flat its values begin
	at     []int    // per key: where in flat the next one goes; valid during Split

	nodeCode []uint32 // per node: its shape + 1; 0 for those that do not occur
	keySlot  []uint32 // per key: its place in Keys + 1; 0 for those that do not occur
	numbers  []int64  // valid during Write

	shapes shapeList[K]
}

// shapeList is the shapes that occur, in the order in which they came.
type shapeList[K ~uint32] struct {
	nodes  []uint32
	counts []int    // rows of each
	keys   []K      // of all shapes, one after the other
	slots  []uint32 // the same as places in Splitter.Keys
	starts []int    // where in keys those of each begin, and where the last ones end
}

// Reset forgets all rows.
func (s *Splitter[K, V]) Reset() { s.nodes, s.values = s.nodes[:0], s.values[:0] }

// Add adds a row: the node of its list of keys, and its values.
func (s *Splitter[K, V]) Add(node uint32, values []V) {
	s.nodes = append(s.nodes, node)
	s.values = append(s.values, values...)
}

// Len is how many values all rows have.
func (s *Splitter[K, V]) Len() int { return len(s.values) }

// Shapes is how many shapes the rows have.
func (s *Splitter[K, V]) Shapes() int { return len(s.shapes.nodes) }

// Values is the values of key i of Keys, in row order.
func (s *Splitter[K, V]) Values(i int) []V { return s.flat[s.from[i]:s.from[i+1]] }

// Split finds keys, values and shapes. names are those of all keys, nodes is how many nodes there are, and keysOf appends the keys of one.
func (s *Splitter[K, V]) Split(names []string, nodes int, keysOf func(to []K, node uint32) []K) {
	s.findShapes(nodes, keysOf)
	s.sortKeys(names)
	s.from, s.at = scratch.Slice(s.from, len(s.Keys)+1), scratch.Slice(s.at, len(s.Keys))
	clear(s.from)
	l := &s.shapes
	for i, rows := range l.counts {
		for _, slot := range l.slots[l.starts[i]:l.starts[i+1]] {
			s.from[slot+1] += rows
		}
	}
	for i := range s.Keys {
		s.from[i+1] += s.from[i]
		s.at[i] = s.from[i]
	}
	s.flat = scratch.Slice(s.flat, len(s.values))
	values := s.values
	for _, n := range s.nodes {
		i := s.nodeCode[n] - 1
		slots := l.slots[l.starts[i]:l.starts[i+1]]
		for j, slot := range slots {
			s.flat[s.at[slot]] = values[j]
			s.at[slot]++
		}
		values = values[len(slots):]
	}
}

// findShapes numbers the nodes that occur.
func (s *Splitter[K, V]) findShapes(nodes int, keysOf func(to []K, node uint32) []K) {
	l := &s.shapes
	for _, n := range l.nodes {
		if int(n) < len(s.nodeCode) {
			s.nodeCode[n] = 0
		}
	}
	if len(s.nodeCode) < nodes {
		s.nodeCode = make([]uint32, nodes*2)
	}
	l.nodes, l.counts = l.nodes[:0], l.counts[:0]
	for _, n := range s.nodes {
		c := s.nodeCode[n]
		if c == 0 {
			l.nodes, l.counts = append(l.nodes, n), append(l.counts, 0)
			c = uint32(len(l.nodes))
			s.nodeCode[n] = c
		}
		l.counts[c-1]++
	}
	l.keys, l.starts = l.keys[:0], l.starts[:0]
	for _, n := range l.nodes {
		l.starts = append(l.starts, len(l.keys))
		l.keys = keysOf(l.keys, n)
	}
	l.starts = append(l.starts, len(l.keys))
}

// sortKeys finds the keys of the shapes and gives each its place.
func (s *Splitter[K, V]) sortKeys(names []string) {
	for _, k := range s.Keys {
		if int(k) < len(s.keySlot) {
			s.keySlot[k] = 0
		}
	}
	if len(s.keySlot) < len(names) {
		s.keySlot = make([]uint32, len(names)*2)
	}
	s.Keys = s.Keys[:0]
	l := &s.shapes
	for _, k := range l.keys {
		if s.keySlot[k] == 0 {
			s.Keys = append(s.Keys, k)
			s.keySlot[k] = 1
		}
	}
	slices.SortFunc(s.Keys, func(x, y K) int { return strings.Compare(names[x], names[y]) })
	for i, k := range s.Keys {
		s.keySlot[k] = uint32(i + 1)
	}
	l.slots = scratch.Slice(l.slots, len(l.keys))
	for i, k := range l.keys {
		l.slots[i] = s.keySlot[k] - 1
	}
}

// Write writes the shapes and each row's, as a Reader reads them.
func (s *Splitter[K, V]) Write(to *streams.Sink, ints *integers.Encoder) {
	l := &s.shapes
	to.Uvarint(uint64(len(l.nodes)))
	v := scratch.Slice(s.numbers, max(len(s.nodes), len(l.slots), len(l.nodes)))
	s.numbers = v
	for i := range l.nodes {
		v[i] = int64(l.starts[i+1] - l.starts[i])
	}
	ints.Write(to, v[:len(l.nodes)])
	for i, slot := range l.slots {
		v[i] = int64(slot)
	}
	ints.Write(to, v[:len(l.slots)])
	for i, n := range s.nodes {
		v[i] = int64(s.nodeCode[n] - 1)
	}
	ints.Write(to, v[:len(s.nodes)])
}
