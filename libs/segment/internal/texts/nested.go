package texts

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// nested is the bytes of lists and maps as columns of what they hold: what stands at one place of many maps has more in common than what stands
// beside it in one. Only what a writer of protobuf makes in its one usual way is written so, which can be made again from what it holds; which of
// the two a string is shows in itself, as an entry of a map has two fields and one of a list has one.
func nested() form {
	return form{
		name: "nested", code: 3,
		write:  writeNested,
		reader: func(l *List) reader { return &l.nested },

		describe: func(from *streams.Source) string {
			from.Uvarint() // bytes
			return strconv.FormatUint(from.Uvarint(), 10) + " nodes"
		},
	}
}

const (
	leastNested = 8                  // strings that are worth it
	mostNested  = limits.NestedBytes // bytes of a string, on average: longer ones have whole passages in common
	mostNodes   = limits.NestedNodes // with more, keys are values
)

// Tags of ArrayValue.values, KeyValueList.values and KeyValue.key; of KeyValue.value; and of the fields of AnyValue.
const (
	tagEntry  = 0x0a
	tagValue  = 0x12
	tagString = 0x0a
	tagBool   = 0x10
	tagInt    = 0x18
	tagDouble = 0x21
	tagArray  = 0x2a
	tagMap    = 0x32
	tagBytes  = 0x3a
)

// node is a place in lists and maps: the entries of one type and order, with one key if they stand in a map, of all lists and maps at another place.
type node struct {
	parent int // node + 1; 0: what is written itself
	typ    otlp.ValueType
	order  order
	key    []byte

	numbers []int64  // of all that stands there, in order
	raws    [][]byte // the same of bytes
}

// order is how an entry is written.
type order uint8

const (
	keyless    order = iota // in a list
	keyFirst                // in a map: key and value, as their numbers are
	valueFirst              // value and key, as the Collector writes them

	orderBits = 2 // of a node's number
)

// closed is the token that ends a list or map; any other is a node + 1.
const closed = 0

// trees takes lists and maps apart. All but memory is valid while a list is written.
type trees struct {
	nodes  []node
	byKey  map[placed]int // nodes
	after  []int          // per node + 1: the node + 1 that came after it the last time
	last   int            // node + 1 that came last
	tokens []int64        // of all shapes, one after the other: nodes as they come in a string
	shapes map[string]int // by tokens
	ends   []int64        // of shapes: how many tokens each has
	key    []byte         // tokens of the string at hand, two bytes each
	codes  []int64        // per string: its shape
	leaves int
}

// placed identifies a node.
type placed struct {
	parent int
	typ    otlp.ValueType
	order  order
	key    string
}

func (t *trees) begin() {
	for i := range t.nodes {
		n := &t.nodes[i]
		clear(n.raws) // they lie in payloads, which must not be held on to
		n.key, n.raws, n.numbers = nil, n.raws[:0], n.numbers[:0]
	}
	if t.byKey == nil {
		t.byKey, t.shapes = map[placed]int{}, map[string]int{}
	}
	clear(t.byKey)
	clear(t.shapes)
	t.nodes, t.after, t.last, t.leaves = t.nodes[:0], append(t.after[:0], 0), 0, 0
	t.tokens, t.ends, t.codes = t.tokens[:0], t.ends[:0], t.codes[:0]
}

// add takes a string apart; false if it is no list or map, or is not written in the usual way.
func (t *trees) add(s []byte) bool {
	t.key, t.last = t.key[:0], 0
	if !t.entries(s, 0, 0) {
		return false
	}
	shape, ok := t.shapes[string(t.key)]
	if !ok {
		shape = len(t.ends)
		t.shapes[string(t.key)] = shape
		for i := 0; i < len(t.key); i += 2 {
			t.tokens = append(t.tokens, int64(binary.LittleEndian.Uint16(t.key[i:])))
		}
		t.ends = append(t.ends, int64(len(t.key)/2))
	}
	t.codes = append(t.codes, int64(shape))
	return true
}

func (t *trees) token(n int) { t.key = binary.LittleEndian.AppendUint16(t.key, uint16(n)) }

// entries goes through the entries of a list or map at node parent - 1.
func (t *trees) entries(b []byte, parent, depth int) (ok bool) {
	if depth > limits.NestedDepth {
		return false
	}
	for len(b) > 0 {
		var entry []byte
		if entry, b, ok = field(b, tagEntry); !ok {
			return false
		}
		value, key, order := entry, []byte(nil), keyless
		if first, rest, ok := field(entry, tagEntry); ok && len(rest) > 0 {
			order, key = keyFirst, first
			if value, rest, ok = field(rest, tagValue); !ok || len(rest) > 0 {
				return false
			}
		} else if first, rest, ok := field(entry, tagValue); ok {
			order, value = valueFirst, first
			if key, rest, ok = field(rest, tagEntry); !ok || len(rest) > 0 {
				return false
			}
		}
		if !t.value(value, parent, order, key, depth) {
			return false
		}
	}
	return true
}

// value goes through an AnyValue.
func (t *trees) value(b []byte, parent int, order order, key []byte, depth int) (ok bool) {
	typ, number, raw := otlp.Empty, uint64(0), []byte(nil)
	if len(b) > 0 {
		switch b[0] {
		case tagString, tagBytes, tagArray, tagMap:
			typ = typeOf(b[0])
			var rest []byte
			if raw, rest, ok = field(b, b[0]); !ok || len(rest) > 0 {
				return false
			}
		case tagBool, tagInt:
			typ = otlp.Int
			if b[0] == tagBool {
				typ = otlp.Bool
			}
			var k int
			if number, k = usual(b[1:]); k != len(b)-1 || typ == otlp.Bool && number > 1 {
				return false
			}
		case tagDouble:
			if typ = otlp.Double; len(b) != 9 {
				return false
			}
			number = binary.LittleEndian.Uint64(b[1:])
		default:
			return false
		}
	}
	i := t.node(parent, typ, order, key)
	if i < 0 {
		return false
	}
	t.token(i + 1)
	t.leaves++
	n := &t.nodes[i]
	switch typ {
	case otlp.String, otlp.Bytes:
		n.raws = append(n.raws, raw)
	case otlp.Bool, otlp.Int, otlp.Double:
		n.numbers = append(n.numbers, int64(number))
	case otlp.Array, otlp.Map:
		if !t.entries(raw, i+1, depth+1) {
			return false
		}
		t.token(closed)
	case otlp.Empty:
	}
	return true
}

// typeOf is the type whose bytes have a tag.
func typeOf(tag byte) otlp.ValueType {
	switch tag {
	case tagString:
		return otlp.String
	case tagArray:
		return otlp.Array
	case tagMap:
		return otlp.Map
	}
	return otlp.Bytes
}

// tagOf is the tag of the bytes of a type.
func tagOf(typ otlp.ValueType) byte {
	switch typ {
	case otlp.String:
		return tagString
	case otlp.Array:
		return tagArray
	case otlp.Map:
		return tagMap
	case otlp.Empty, otlp.Bool, otlp.Int, otlp.Double, otlp.Bytes:
	}
	return tagBytes
}

// node finds a node; -1 where there are too many.
func (t *trees) node(parent int, typ otlp.ValueType, order order, key []byte) int {
	// Most strings go on as the one before them did.
	if i := t.after[t.last] - 1; i >= 0 {
		if n := &t.nodes[i]; n.parent == parent && n.typ == typ && n.order == order && string(n.key) == string(key) {
			t.last = i + 1
			return i
		}
	}
	i, ok := t.byKey[placed{parent, typ, order, string(key)}]
	if !ok {
		if i = len(t.nodes); i == mostNodes {
			return -1
		}
		t.byKey[placed{parent, typ, order, string(key)}] = i
		if i < cap(t.nodes) {
			t.nodes = t.nodes[:i+1]
		} else {
			t.nodes = append(t.nodes, node{})
		}
		n := &t.nodes[i]
		n.parent, n.typ, n.order, n.key = parent, typ, order, key
		t.after = append(t.after, 0)
	}
	t.after[t.last] = i + 1
	t.last = i + 1
	return i
}

// field reads a field of bytes that is written in the usual way.
func field(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	if n := int(b[1]); n < 0x80 { // as nearly all are
		if b = b[2:]; n > len(b) {
			return nil, nil, false
		}
		return b[:n], b[n:], true
	}
	n, k := usual(b[1:])
	if k <= 0 || n > uint64(len(b)-1-k) {
		return nil, nil, false
	}
	return b[1+k : 1+k+int(n)], b[1+k+int(n):], true
}

// usual reads a uvarint of no more bytes than it needs; k is 0 for others.
func usual(b []byte) (v uint64, k int) {
	if v, k = binary.Uvarint(b); k > 0 && k == (bits.Len64(v|1)+6)/7 {
		return v, k
	}
	return 0, 0
}

// writeNested writes lists and maps by what they hold; false where there is another string among them, or where they have little in common.
func writeNested(e *Encoder, to *streams.Sink, list [][]byte) bool {
	if e.within || to.Passages == nil || len(list) < leastNested || len(list[0]) > 0 && list[0][0] != tagEntry {
		return false
	}
	total := 0
	for _, s := range list {
		total += len(s)
	}
	if total > len(list)*mostNested {
		return false
	}
	t := &e.trees
	t.begin()
	defer t.begin()
	for i, s := range list {
		e.touch(list, i)
		if !t.add(s) || len(t.tokens) > min(total/4, limits.NestedShapes) || t.leaves > MaxNumbers {
			return false
		}
	}
	if len(t.nodes) == 0 || !to.Passages.Allow(total) {
		return false
	}
	to.Uvarint(uint64(total))
	to.Uvarint(uint64(len(t.nodes)))
	to.Uvarint(uint64(len(t.ends)))
	lengths := e.lengths[:0]
	for i := range t.nodes {
		lengths = append(lengths, int64(t.nodes[i].typ)<<orderBits|int64(t.nodes[i].order))
	}
	e.integers.Write(to, lengths)
	lengths = lengths[:0]
	for i := range t.nodes {
		if n := &t.nodes[i]; n.order != keyless {
			lengths = append(lengths, int64(len(n.key)))
			to.Text = append(to.Text, n.key...)
		}
	}
	e.integers.Write(to, lengths)
	e.lengths = lengths
	e.integers.Write(to, t.ends)
	e.integers.Write(to, t.tokens)
	e.integers.Write(to, t.codes)
	e.within = true
	for i := range t.nodes {
		switch n := &t.nodes[i]; n.typ {
		case otlp.Bool, otlp.Int:
			e.integers.Write(to, n.numbers)
		case otlp.Double:
			e.integers.WriteDoubles(to, n.numbers)
		case otlp.String, otlp.Bytes:
			e.Write(to, n.raws)
		case otlp.Empty, otlp.Array, otlp.Map:
		}
	}
	e.within = false
	return true
}
