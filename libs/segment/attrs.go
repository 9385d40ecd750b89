package segment

import (
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/segment/internal/attributes"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
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
	raws      [][]byte
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
	e.s.Uvarint(uint64(len(a.nodeList)))
	v := resize(e.codes, max(len(a.nodes), len(a.slots), len(a.nodeList)))
	e.codes = v
	for i := range a.nodeList {
		v[i] = int64(a.starts[i+1] - a.starts[i])
	}
	e.c.Write(&e.s, v[:len(a.nodeList)])
	for i, slot := range a.slots {
		v[i] = int64(slot)
	}
	e.c.Write(&e.s, v[:len(a.slots)])
	for i, n := range a.nodes {
		v[i] = int64(a.nodeCode[n] - 1)
	}
	e.c.Write(&e.s, v[:len(a.nodes)])
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
	e.s.Reset()
	e.writeShapes()
	e.add(container.Section{ID: container.SectionShapes, Count: len(a.nodeList)})
	for i, k := range a.keys {
		values := a.flat[a.from[i]:a.from[i+1]]
		s := container.Section{ID: container.SectionKey, Key: t.Keys[k], Count: len(values)}
		e.s.Reset()
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
		e.s.Uvarint(0)
		return
	}
	a.split(&t.Pool, tree)
	e.s.Uvarint(uint64(len(a.keys)))
	e.texts(len(a.keys), func(i int) string { return t.Keys[a.keys[i]] })
	e.writeShapes()
	for i := range a.keys {
		var s container.Section
		e.values(t, a.flat[a.from[i]:a.from[i+1]], &s, tokens)
	}
}

// attributeReader is what attribute lists are put together from. It is valid until the next lists are read.
type attributeReader struct {
	keys   []KeyID     // of the keys of the section
	wanted []bool      // per key
	perKey [][]ValueID // per key: values that were not used yet, in flat
	flat   []ValueID
	nodes  []uint32  // of a block, per row: its shape in the table
	ids    []ValueID // of a block: the lists of all rows
	ends   []uint32  // of a block, per row: where in ids its list ends
}

// readAttributes decodes the wanted keys of the items' attributes.
func (t *Table) readAttributes(x *decoder) error {
	if !x.needs.attributes() {
		return nil
	}
	a := &t.Attributes
	if len(a.Offsets) == 0 {
		a.Offsets = append(a.Offsets, 0)
	}
	s := x.d.Section(container.SectionShapes)
	if s == nil {
		for range x.picked {
			a.end(0)
		}
		return nil
	}
	src, err := x.source(s)
	if err != nil {
		return err
	}
	k := len(x.d.Keys)
	p := x.lists.Lists(src, x.d.Items, k, x.pick)
	if src.Bad {
		return damagedf("attribute shapes")
	}
	b := &x.blocks
	b.keys, b.wanted = resize(b.keys, k), resize(b.wanted, k)
	b.perKey, b.flat = resize(b.perKey, k), resize(b.flat, p.Picked)
	perKey, flat := b.perKey, b.flat
	for i := range k {
		ks := &x.d.Keys[i]
		if p.Counts[i] != ks.Count || ks.Count == 0 {
			return damagedf("attribute %q has %d values, want %d", ks.Key, ks.Count, p.Counts[i])
		}
		b.wanted[i] = x.needs.key(ks.Key)
		some, n := p.Of(i)
		if !b.wanted[i] || n == 0 {
			continue
		}
		b.keys[i] = t.key([]byte(ks.Key))
		src, err := x.source(ks)
		if err != nil {
			return err
		}
		perKey[i], flat = flat[:n], flat[n:]
		t.valueColumn(x, src, b.keys[i], ks.Count, some, perKey[i])
		if src.Bad {
			return damagedf("attribute %q", ks.Key)
		}
	}
	p.EachRow(func(slots []int64) {
		node := uint32(0)
		for _, s := range slots {
			if !b.wanted[s] {
				continue
			}
			node = t.tree.child(node, b.keys[s])
			a.IDs = append(a.IDs, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		a.end(node)
	})
	return nil
}

// blockHead reads how the attributes of n nested rows begin: the names of their keys, valid until the next block, and which values
// of them the rows that pick names have (all rows where it is nil). The values of each key follow. Without attributes there are no names.
func (x *decoder) blockHead(src *streams.Source, n int, pick []uint32) (names [][]byte, p *attributes.Plan) {
	k := src.Count(len(src.Code))
	if k == 0 || src.Bad {
		return nil, nil
	}
	if names = x.dicts.readTexts(keyTexts, src, k); src.Bad {
		return nil, nil
	}
	if p = x.lists.Lists(src, n, k, pick); slices.Contains(p.Counts, 0) {
		src.Bad = true
	}
	return names, p
}

// attributeBlock decodes the attributes of n nested rows, or of those that pick names, in rising order: their lists, one after the
// other, and where each begins. x.blocks.nodes holds the shape of each.
func (t *Table) attributeBlock(x *decoder, src *streams.Source, n int, pick []uint32) (lists []ValueID, starts []uint32) {
	picked := n
	if pick != nil {
		picked = len(pick)
	}
	b := &x.blocks
	b.ends, b.nodes, b.ids = append(b.ends[:0], 0), b.nodes[:0], b.ids[:0]
	names, p := x.blockHead(src, n, pick)
	if src.Bad {
		return nil, b.ends
	}
	if len(names) == 0 {
		for range picked {
			b.nodes, b.ends = append(b.nodes, 0), append(b.ends, 0)
		}
		return nil, b.ends
	}
	b.keys = b.keys[:0]
	for _, name := range names {
		b.keys = append(b.keys, t.key(name))
	}
	b.perKey, b.flat = resize(b.perKey, len(names)), resize(b.flat, p.Picked)
	perKey, flat := b.perKey, b.flat
	for i := range names {
		some, m := p.Of(i)
		perKey[i], flat = flat[:m], flat[m:]
		t.valueColumn(x, src, b.keys[i], p.Counts[i], some, perKey[i])
		if src.Bad {
			return nil, b.ends
		}
	}
	p.EachRow(func(slots []int64) {
		node := uint32(0)
		for _, s := range slots {
			node = t.tree.child(node, b.keys[s])
			b.ids = append(b.ids, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		b.nodes = append(b.nodes, node)
		b.ends = append(b.ends, uint32(len(b.ids)))
	})
	return b.ids, b.ends
}
