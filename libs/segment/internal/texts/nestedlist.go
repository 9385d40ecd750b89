// Reading of the form nested (docs/segment-format.md, section 7). Invariant: read looks at all shapes, so that what puts strings together finds only
// lists and maps that begin and end within one, in a depth that OTLP has, and never more of them than the head says, but for what their lengths and
// numbers take beyond a byte each.

package texts

import (
	"encoding/binary"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// nestedList is lists and maps by what they hold. A string is put together when somebody looks at it.
type nestedList struct {
	within bool    // it is for the strings of such a list, of which none is written so
	nodes  []place // of some places only the memory is used
	tokens []int64 // of all shapes
	ends   []int64 // of shapes: where in tokens each ends
	codes  []int64 // per string: its shape
	uses   []int64 // per shape: strings; valid during read or seek
	total  int     // bytes of all strings
	at     int     // place.next is true of the strings before this one
	open   []opened

	whole []byte // all strings, if they were put together for a search
	cuts  []int64
}

// place is a node.
type place struct {
	typ     otlp.ValueType
	order   order
	key     []byte // in the memory of the source
	count   int64  // entries in all strings
	next    int64  // of these, the first that does not stand before string at
	numbers []int64
	texts   *List
}

// opened is where the lengths stand of an entry, which are known when it ends.
type opened struct {
	at  [3]int
	n   int
	key []byte // that comes after the value
	has bool   // whether one does
}

func (l *nestedList) forget() {
	nodes := l.nodes[:cap(l.nodes)]
	for i := range nodes {
		if nodes[i].key = nil; nodes[i].texts != nil {
			nodes[i].texts.Forget()
		}
	}
	l.nodes, l.codes, l.whole, l.total = l.nodes[:0], l.codes[:0], nil, 0
}

func (l *nestedList) memory() int {
	n := cap(l.whole) + 8*(cap(l.tokens)+cap(l.ends)+cap(l.codes)+cap(l.uses)+cap(l.cuts))
	nodes := l.nodes[:cap(l.nodes)]
	for i := range nodes {
		if n += 8 * cap(nodes[i].numbers); nodes[i].texts != nil {
			n += nodes[i].texts.Memory()
		}
	}
	return n
}

func (l *nestedList) built() int { return l.total }

func (l *nestedList) length() int { return l.total }

func (l *nestedList) read(d *integers.Decoder, from *streams.Source, n int) {
	l.total, l.at, l.whole, l.codes = 0, 0, nil, l.codes[:0]
	total := from.Count(n * mostNested)
	nodes, shapes := from.Count(mostNodes), from.Count(n)
	if from.Bad || l.within || nodes == 0 || shapes == 0 || from.Passages == nil || !from.Passages.Take(total) { // before memory is taken for it
		from.Bad = true
		return
	}
	if nodes > cap(l.nodes) {
		l.nodes = append(l.nodes[:cap(l.nodes)], make([]place, nodes-cap(l.nodes))...)
	}
	l.nodes = l.nodes[:nodes]
	l.readNodes(d, from)
	l.ends = scratch.Slice(l.ends, shapes)
	d.Read(from, l.ends)
	if from.Bad || !sums(l.ends, limits.NestedShapes) {
		from.Bad = true
		return
	}
	l.tokens = scratch.Slice(l.tokens, int(l.ends[shapes-1]))
	d.Read(from, l.tokens)
	codes := scratch.Slice(l.codes, n)
	d.Read(from, codes)
	if from.Bad || !l.sound(codes) {
		from.Bad = true
		return
	}
	least := 0
	for i := range l.nodes {
		p := &l.nodes[i]
		least += int(p.count) * p.least()
		if least > total { // before memory is taken for what stands there
			from.Bad = true
			return
		}
	}
	for i := range l.nodes {
		p := &l.nodes[i]
		if p.read(d, from); from.Bad {
			return
		}
		if p.count > 0 && (p.typ == otlp.String || p.typ == otlp.Bytes) {
			least += p.texts.length()
		}
		if least > total {
			from.Bad = true
			return
		}
	}
	l.codes, l.total = codes, total
}

// least is how many bytes an entry of the node has at least, without those of its string or of what stands in it: all lengths and numbers take a byte.
func (p *place) least() int {
	const field = 2 // tag and length, or a tag and a number
	n := field
	if p.order != keyless {
		n += field + len(p.key) + field
	}
	switch p.typ {
	case otlp.Empty:
	case otlp.Double:
		n += 1 + 8
	case otlp.Bool, otlp.Int, otlp.String, otlp.Bytes, otlp.Array, otlp.Map:
		n += field
	}
	return n
}

// readNodes reads types and keys.
func (l *nestedList) readNodes(d *integers.Decoder, from *streams.Source) {
	numbers := scratch.Slice(l.uses, len(l.nodes))
	l.uses = numbers
	d.Read(from, numbers)
	keys := 0
	for i, kind := range numbers {
		p := &l.nodes[i]
		p.typ, p.order, p.count, p.next = otlp.ValueType(kind>>orderBits), order(kind&(1<<orderBits-1)), 0, 0
		if uint64(kind>>orderBits) > uint64(otlp.Map) || p.order > valueFirst {
			from.Bad = true
		}
		if p.order != keyless {
			keys++
		}
	}
	numbers = numbers[:keys]
	d.Read(from, numbers)
	for i := range l.nodes {
		p := &l.nodes[i]
		if from.Bad {
			return
		}
		if p.order != keyless {
			if uint64(numbers[0]) > uint64(len(from.Text)) {
				from.Bad = true
				return
			}
			p.key = from.Take(&from.Text, int(numbers[0]))
			numbers = numbers[1:]
		}
	}
}

// read reads the entries of a node.
func (p *place) read(d *integers.Decoder, from *streams.Source) {
	switch p.typ {
	case otlp.Bool, otlp.Int, otlp.Double:
		p.numbers = scratch.Slice(p.numbers, int(p.count))
		if p.typ == otlp.Double {
			d.ReadDoubles(from, p.numbers)
		} else {
			d.Read(from, p.numbers)
		}
	case otlp.String, otlp.Bytes:
		if p.count == 0 {
			return
		}
		if p.texts == nil {
			p.texts = &List{}
			p.texts.nested.within = true
		}
		p.texts.Read(d, from, int(p.count))
	case otlp.Empty, otlp.Array, otlp.Map:
	}
}

// sound checks shapes and codes, and counts the entries of nodes.
func (l *nestedList) sound(codes []int64) bool {
	l.uses = scratch.Slice(l.uses, len(l.ends))
	clear(l.uses)
	for _, c := range codes {
		if uint64(c) >= uint64(len(l.ends)) {
			return false
		}
		l.uses[c]++
	}
	sum := int64(0)
	for i, uses := range l.uses {
		depth := 0
		tokens := l.shape(int64(i))
		if sum += uses * int64(len(tokens)); sum > limits.NestedTokens {
			return false
		}
		for _, token := range tokens {
			switch {
			case token == closed:
				depth--
			case uint64(token) > uint64(len(l.nodes)):
				return false
			default:
				p := &l.nodes[token-1]
				if p.count += uses; p.typ == otlp.Array || p.typ == otlp.Map {
					depth++
				}
			}
			if depth < 0 || depth > limits.NestedDepth {
				return false
			}
		}
		if depth != 0 {
			return false
		}
	}
	return true
}

func (l *nestedList) shape(i int64) []int64 {
	from := int64(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.tokens[from:l.ends[i]]
}

// seek goes to string i. Strings in order cost nothing.
func (l *nestedList) seek(i int) {
	if i == l.at {
		return
	}
	l.uses = scratch.Slice(l.uses, len(l.ends))
	clear(l.uses)
	for _, c := range l.codes[:i] {
		l.uses[c]++
	}
	for k := range l.nodes {
		l.nodes[k].next = 0
	}
	for s, uses := range l.uses {
		if uses == 0 {
			continue
		}
		for _, token := range l.shape(int64(s)) {
			if token != closed {
				l.nodes[token-1].next += uses
			}
		}
	}
	l.at = i
}

// put appends string i.
func (l *nestedList) put(b []byte, i int) (_ []byte, ok bool) {
	l.seek(i)
	l.at = -1 // until it is whole
	begin := len(b)
	open := l.open[:0]
	for _, token := range l.shape(l.codes[i]) {
		if len(b)-begin > l.total {
			return b, false
		}
		if token == closed {
			b = open[len(open)-1].end(b)
			open = open[:len(open)-1]
			continue
		}
		p := &l.nodes[token-1]
		var o opened
		b = o.begin(b, tagEntry)
		switch p.order {
		case keyFirst:
			b = o.begin(appendKey(b, p.key), tagValue)
		case valueFirst:
			o.key, o.has = p.key, true
			b = o.begin(b, tagValue)
		case keyless:
		}
		k := p.next
		p.next++
		switch p.typ {
		case otlp.Bool:
			b = append(b, tagBool)
			b = binary.AppendUvarint(b, uint64(p.numbers[k]))
		case otlp.Int:
			b = append(b, tagInt)
			b = binary.AppendUvarint(b, uint64(p.numbers[k]))
		case otlp.Double:
			b = append(b, tagDouble)
			b = binary.LittleEndian.AppendUint64(b, uint64(p.numbers[k]))
		case otlp.String, otlp.Bytes:
			if b, ok = p.texts.One(o.begin(b, tagOf(p.typ)), int(k)); !ok {
				return b, false
			}
		case otlp.Array, otlp.Map:
			b = o.begin(b, tagOf(p.typ))
			open = append(open, o)
			continue
		case otlp.Empty:
		}
		b = o.end(b)
	}
	l.open = open
	if len(b)-begin > l.total {
		return b, false
	}
	l.at = i + 1
	return b, true
}

func appendKey(b, key []byte) []byte {
	b = binary.AppendUvarint(append(b, tagEntry), uint64(len(key)))
	return append(b, key...)
}

// begin begins a field of bytes.
func (o *opened) begin(b []byte, tag byte) []byte {
	o.at[o.n] = len(b) + 1
	o.n++
	return append(b, tag, 0)
}

// end puts in the lengths of the fields, which are of one byte as a rule.
func (o *opened) end(b []byte) []byte {
	for k := o.n - 1; k >= 0; k-- {
		at := o.at[k]
		if k == 0 && o.has {
			b = appendKey(b, o.key)
		}
		length := len(b) - at - 1
		if length < 0x80 {
			b[at] = byte(length)
			continue
		}
		var memory [binary.MaxVarintLen64]byte
		n := binary.PutUvarint(memory[:], uint64(length))
		b = append(b, memory[1:n]...)
		copy(b[at+n:], b[at+1:at+1+length])
		copy(b[at:], memory[:n])
	}
	return b
}

func (l *nestedList) all(dst [][]byte, memory []byte) (out [][]byte, ok bool) {
	begin := len(memory)
	for i := range l.codes {
		from := len(memory)
		if memory, ok = l.put(memory, i); !ok || len(memory)-begin > l.total {
			return dst, false
		}
		dst = append(dst, memory[from:len(memory):len(memory)])
	}
	return dst, len(memory)-begin == l.total
}

func (l *nestedList) one(b []byte, i int) ([]byte, bool) { return l.put(b, i) }

// text puts all strings together, once.
func (l *nestedList) text() (_ plainList, ok bool) {
	if l.whole == nil {
		text, cuts := make([]byte, 0, l.total), scratch.Slice(l.cuts, len(l.codes))
		for i := range l.codes {
			if text, ok = l.put(text, i); !ok || len(text) > l.total {
				return plainList{}, false
			}
			cuts[i] = int64(len(text))
		}
		if len(text) != l.total {
			return plainList{}, false
		}
		l.whole, l.cuts = text, cuts
	}
	return plainList{text: l.whole, ends: l.cuts}, true
}

func (l *nestedList) contain(parts [][]byte, pass []bool) bool {
	t, ok := l.text()
	return ok && t.contain(parts, pass)
}

func (l *nestedList) equal(wanted [][]byte, pass []bool) bool {
	t, ok := l.text()
	return ok && t.equal(wanted, pass)
}
