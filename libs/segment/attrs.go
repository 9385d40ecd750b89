package segment

import (
	"slices"
	"strings"
)

// typeAbsent stands in type lists for the absent value of a text column.
const typeAbsent = 8

// typesMixed announces one type byte per value.
const typesMixed = 0xff

// Modes of a list of values.
const (
	valuesDict   = 0 // distinct values and codes
	valuesDirect = 1 // every value, in order
)

// attrCoder turns attribute lists of rows into one list of values per key.
type attrCoder struct {
	nodes     []uint32 // per row
	ids       []ValueID
	nodeCode  []uint32 // per node: code + 1
	nodeList  []uint32
	nodeCount []int
	keySlot   []uint32 // per key: slot + 1
	keys      []KeyID
	slots     []uint32 // of all shapes, one after the other
	slotKeys  []KeyID
	starts    []int // per shape: where its slots begin
	from      []int // per key: where its values begin
	at        []int
	flat      []ValueID
	tree      shapeTree // of lists that come without a node
	numbers   []int64
	doubles   []int64
	lengths   []int64
	raws      []ValueID
}

// reset prepares for n rows.
func (a *attrCoder) reset() {
	a.nodes, a.ids = a.nodes[:0], a.ids[:0]
}

// split fills keys, from and flat, and the shapes; keys come out sorted by name.
func (a *attrCoder) split(p *Pool, tree *shapeTree) {
	for _, n := range a.nodeList {
		if int(n) < len(a.nodeCode) {
			a.nodeCode[n] = 0
		}
	}
	for _, k := range a.keys {
		if int(k) < len(a.keySlot) {
			a.keySlot[k] = 0
		}
	}
	a.nodeList, a.keys, a.nodeCount = a.nodeList[:0], a.keys[:0], a.nodeCount[:0]
	if len(a.nodeCode) < len(tree.nodes) {
		a.nodeCode = make([]uint32, len(tree.nodes)*2)
	}
	if len(a.keySlot) < len(p.Keys) {
		a.keySlot = make([]uint32, len(p.Keys)*2)
	}
	for _, n := range a.nodes {
		c := a.nodeCode[n]
		if c == 0 {
			a.nodeList = append(a.nodeList, n)
			a.nodeCount = append(a.nodeCount, 0)
			c = uint32(len(a.nodeList))
			a.nodeCode[n] = c
		}
		a.nodeCount[c-1]++
	}
	a.slotKeys, a.starts = a.slotKeys[:0], a.starts[:0]
	for _, n := range a.nodeList {
		a.starts = append(a.starts, len(a.slotKeys))
		a.slotKeys = tree.keyList(a.slotKeys, n)
	}
	a.starts = append(a.starts, len(a.slotKeys))
	for _, k := range a.slotKeys {
		if a.keySlot[k] == 0 {
			a.keys = append(a.keys, k)
			a.keySlot[k] = 1
		}
	}
	slices.SortFunc(a.keys, func(x, y KeyID) int { return strings.Compare(p.Keys[x], p.Keys[y]) })
	for i, k := range a.keys {
		a.keySlot[k] = uint32(i + 1)
	}
	a.slots = resize(a.slots, len(a.slotKeys))
	for i, k := range a.slotKeys {
		a.slots[i] = a.keySlot[k] - 1
	}
	a.from, a.at = resize(a.from, len(a.keys)+1), resize(a.at, len(a.keys))
	clear(a.from)
	for s := range a.nodeList {
		for _, slot := range a.slots[a.starts[s]:a.starts[s+1]] {
			a.from[slot+1] += a.nodeCount[s]
		}
	}
	for i := range a.keys {
		a.from[i+1] += a.from[i]
		a.at[i] = a.from[i]
	}
	a.flat = resize(a.flat, len(a.ids))
	ids := a.ids
	for _, n := range a.nodes {
		s := a.nodeCode[n] - 1
		slots := a.slots[a.starts[s]:a.starts[s+1]]
		for j, slot := range slots {
			a.flat[a.at[slot]] = ids[j]
			a.at[slot]++
		}
		ids = ids[len(slots):]
	}
}

// writeShapes writes the key lists and each row's.
func (e *Encoder) writeShapes() {
	a := &e.attrs
	e.s.uvarint(uint64(len(a.nodeList)))
	v := resize(e.codes, max(len(a.nodes), len(a.slots), len(a.nodeList)))
	e.codes = v
	for i := range a.nodeList {
		v[i] = int64(a.starts[i+1] - a.starts[i])
	}
	e.c.ints(&e.s, v[:len(a.nodeList)])
	for i, slot := range a.slots {
		v[i] = int64(slot)
	}
	e.c.ints(&e.s, v[:len(a.slots)])
	for i, n := range a.nodes {
		v[i] = int64(a.nodeCode[n] - 1)
	}
	e.c.ints(&e.s, v[:len(a.nodes)])
}

// collect takes the attribute lists of rows.
func (a *attrCoder) collect(l *AttrList, rows []uint32) {
	a.reset()
	for _, r := range rows {
		a.nodes = append(a.nodes, l.shapes[r])
		a.ids = append(a.ids, l.IDs[l.Offsets[r]:l.Offsets[r+1]]...)
	}
}

// itemAttributes writes the attributes of items: one section of shapes, one per key.
func (e *Encoder) itemAttributes(t *Table, rows []uint32) {
	a := &e.attrs
	a.collect(&t.Attributes, rows)
	if len(a.ids) == 0 {
		return
	}
	a.split(&t.Pool, &t.tree)
	e.s.reset()
	e.writeShapes()
	e.add(section{id: sectionShapes, count: len(a.nodeList)})
	for i, k := range a.keys {
		values := a.flat[a.from[i]:a.from[i+1]]
		s := section{id: sectionKey, key: t.Keys[k], count: len(values)}
		e.s.reset()
		e.values(t, values, &s, true)
		e.add(s)
	}
}

// attributeBlock writes the attributes of nested rows into the section at hand.
func (e *Encoder) attributeBlock(t *Table, l *AttrList, rows []uint32, tokens bool) {
	e.attrs.collect(l, rows)
	e.writeBlock(t, &t.tree, tokens)
}

// attributeLists is attributeBlock for n lists of the pool.
func (e *Encoder) attributeLists(t *Table, n int, list func(i int) []ValueID, tokens bool) {
	a := &e.attrs
	a.reset()
	a.tree.reset()
	for i := range n {
		node := uint32(0)
		for _, id := range list(i) {
			node = a.tree.child(node, t.Values[id].Key)
			a.ids = append(a.ids, id)
		}
		a.nodes = append(a.nodes, node)
	}
	e.writeBlock(t, &a.tree, tokens)
}

func (e *Encoder) writeBlock(t *Table, tree *shapeTree, tokens bool) {
	a := &e.attrs
	if len(a.ids) == 0 {
		e.s.uvarint(0)
		return
	}
	a.split(&t.Pool, tree)
	e.s.uvarint(uint64(len(a.keys)))
	e.texts(len(a.keys), func(i int) string { return t.Keys[a.keys[i]] })
	e.writeShapes()
	for i := range a.keys {
		var s section
		e.values(t, a.flat[a.from[i]:a.from[i+1]], &s, tokens)
	}
}

// values writes a list of values of one key or text column: a dictionary in order of first appearance and codes, or every value in
// order where a dictionary would save nothing. It leaves the distinct values in e.dict.
func (e *Encoder) values(t *Table, ids []ValueID, s *section, tokens bool) {
	codes := resize(e.codes, len(ids))
	e.codes = codes
	dict := e.dict[:0]
	marks := e.marks
	for i, id := range ids {
		m := marks[id]
		if m == 0 {
			dict = append(dict, id)
			m = uint32(len(dict))
			marks[id] = m
		}
		codes[i] = int64(m - 1)
	}
	e.dict = dict
	s.distinct = len(dict)
	for _, id := range dict {
		marks[id] = 0
		v := &t.Values[id]
		if id == 0 {
			continue
		}
		if tokens {
			e.tokens.add(v.Hash)
		}
		if v.Type == Int {
			x := int64(v.Num)
			if s.types&(1<<Int) == 0 {
				s.min, s.max = x, x
			}
			s.min, s.max = min(s.min, x), max(s.max, x)
		}
		s.types |= 1 << v.Type
	}
	numeric := s.types == 1<<Int || s.types == 1<<Double
	if len(dict) == len(ids) || numeric && len(dict)*2 > len(ids) && dict[0] != 0 && !slices.Contains(dict, 0) {
		e.s.byte(valuesDirect)
		e.valueList(t, ids)
		return
	}
	e.s.byte(valuesDict)
	e.s.uvarint(uint64(len(dict)))
	e.c.ints(&e.s, codes)
	e.valueList(t, dict)
}

func typeOf(t *Table, id ValueID) byte {
	if id == 0 {
		return typeAbsent
	}
	return byte(t.Values[id].Type)
}

// valueList writes values: types, then the numbers, doubles and bytes of those that have them.
func (e *Encoder) valueList(t *Table, ids []ValueID) {
	first := typeOf(t, ids[0])
	mixed := false
	for _, id := range ids[1:] {
		if typeOf(t, id) != first {
			mixed = true
			break
		}
	}
	if mixed {
		e.s.byte(typesMixed)
		for _, id := range ids {
			e.s.byte(typeOf(t, id))
		}
	} else {
		e.s.byte(first)
	}
	numbers, doubles, raws := e.attrs.numbers[:0], e.attrs.doubles[:0], e.attrs.raws[:0]
	for _, id := range ids {
		v := &t.Values[id]
		switch typeOf(t, id) {
		case typeAbsent, byte(Empty):
		case byte(Bool), byte(Int):
			numbers = append(numbers, int64(v.Num))
		case byte(Double):
			doubles = append(doubles, int64(v.Num))
		default:
			raws = append(raws, id)
		}
	}
	e.attrs.numbers, e.attrs.doubles, e.attrs.raws = numbers, doubles, raws
	e.c.ints(&e.s, numbers)
	e.c.doubles(&e.s, doubles)
	if len(raws) > 0 {
		e.strings(t, raws)
	}
}
