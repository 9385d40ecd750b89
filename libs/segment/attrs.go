package segment

import (
	"slices"
	"strings"

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

// shapes decodes the key lists and each row's: starts and slots per shape, and per row its shape in x.codes.
func (x *decoder) shapes(src *streams.Source, n, keys int) (starts []int, slots, rows []int64) {
	m := src.Count(n)
	lengths := resize(x.lengths, m)
	x.lengths = lengths
	x.r.Read(src, lengths)
	starts = resize(x.starts, m+1)
	x.starts = starts
	total := 0
	for i, l := range lengths {
		starts[i] = total
		// A slot costs at least a bit unless all are equal; nobody repeats one key that often.
		if l < 0 || l > 1<<16 || src.Bad {
			src.Bad = true
			return nil, nil, nil
		}
		total += int(l)
	}
	if total > maxEntries {
		src.Bad = true
		return nil, nil, nil
	}
	starts[m] = total
	slots = resize(x.slots, total)
	x.slots = slots
	x.r.Read(src, slots)
	rows = resize(x.index, n)
	x.index = rows
	x.r.Read(src, rows)
	if src.Bad {
		return nil, nil, nil
	}
	for _, s := range slots {
		if uint64(s) >= uint64(keys) {
			src.Bad = true
			return nil, nil, nil
		}
	}
	for _, r := range rows {
		if uint64(r) >= uint64(m) {
			src.Bad = true
			return nil, nil, nil
		}
	}
	return starts, slots, rows
}

// listPlan says which values of which keys the attribute lists of some rows are made of.
type listPlan struct {
	starts []int      // of shapes
	slots  []int64    // of all shapes, one after the other: key numbers
	rows   []int64    // per row: its shape
	counts []int      // per key: its values in all rows
	total  int        // values in all rows
	picked int        // values in the picked rows
	some   [][]uint32 // per key: its values in the picked rows, numbered over all rows; nil: all rows are picked
}

// lists decodes shapes and finds which values the picked rows have (all rows where pick is nil). The plan is valid until the next one.
func (x *decoder) lists(src *streams.Source, n, keys int, pick []uint32) *listPlan {
	p := &x.plan
	p.starts, p.slots, p.rows = x.shapes(src, n, keys)
	if src.Bad {
		return p
	}
	p.counts = resize(p.counts, keys)
	clear(p.counts)
	p.total, p.picked, p.some = 0, 0, nil
	if pick != nil {
		x.some = resize(x.some, keys)
		for i := range x.some {
			x.some[i] = none(x.some[i])
		}
		p.some = x.some
	}
	// Rows are counted by shape, and keys only where a picked row needs to know: rows have some ten keys each.
	x.since, x.touched = resize(x.since, len(p.starts)-1), x.touched[:0]
	clear(x.since)
	settle := func() {
		for _, shape := range x.touched {
			slots, rows := p.slots[p.starts[shape]:p.starts[shape+1]], x.since[shape]
			x.since[shape] = 0
			for _, s := range slots {
				p.counts[s] += rows
			}
			p.total += rows * len(slots)
		}
		x.touched = x.touched[:0]
		src.Bad = src.Bad || p.total > maxEntries
	}
	next := 0 // of pick
	for r, shape := range p.rows {
		if next == len(pick) || pick[next] != uint32(r) {
			if x.since[shape] == 0 {
				x.touched = append(x.touched, shape)
			}
			x.since[shape]++
			continue
		}
		next++
		settle()
		slots := p.slots[p.starts[shape]:p.starts[shape+1]]
		p.picked += len(slots)
		if p.total += len(slots); src.Bad || p.total > maxEntries {
			src.Bad = true
			return p
		}
		for _, s := range slots {
			p.some[s] = append(p.some[s], uint32(p.counts[s]))
			p.counts[s]++
		}
	}
	settle()
	if pick == nil {
		p.picked = p.total
	}
	return p
}

// of returns which values of a key are needed (nil: all), and how many these are.
func (p *listPlan) of(key int) (some []uint32, n int) {
	if p.some == nil {
		return nil, p.counts[key]
	}
	return p.some[key], len(p.some[key])
}

// eachRow calls each with the shape of every picked row, in order.
func (p *listPlan) eachRow(pick []uint32, each func(slots []int64)) {
	if p.some == nil {
		for _, shape := range p.rows {
			each(p.slots[p.starts[shape]:p.starts[shape+1]])
		}
		return
	}
	for _, r := range pick {
		shape := p.rows[r]
		each(p.slots[p.starts[shape]:p.starts[shape+1]])
	}
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
	p := x.lists(src, x.d.Items, k, x.pick)
	if src.Bad {
		return damagedf("attribute shapes")
	}
	x.keys, x.wanted = resize(x.keys, k), resize(x.wanted, k)
	x.perKey = resize(x.perKey, k)
	x.flat = resize(x.flat, p.picked)
	perKey, flat := x.perKey, x.flat
	// The plan lives in x; decoding values must not touch it.
	for i := range k {
		ks := &x.d.Keys[i]
		if p.counts[i] != ks.Count || ks.Count == 0 {
			return damagedf("attribute %q has %d values, want %d", ks.Key, ks.Count, p.counts[i])
		}
		x.wanted[i] = x.needs.key(ks.Key)
		some, n := p.of(i)
		if !x.wanted[i] || n == 0 {
			continue
		}
		x.keys[i] = t.key([]byte(ks.Key))
		src, err := x.source(ks)
		if err != nil {
			return err
		}
		perKey[i], flat = flat[:n], flat[n:]
		t.valueColumn(x, src, x.keys[i], ks.Count, some, perKey[i])
		if src.Bad {
			return damagedf("attribute %q", ks.Key)
		}
	}
	p.eachRow(x.pick, func(slots []int64) {
		node := uint32(0)
		for _, s := range slots {
			if !x.wanted[s] {
				continue
			}
			node = t.tree.child(node, x.keys[s])
			a.IDs = append(a.IDs, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		a.end(node)
	})
	return nil
}

// attributeBlock decodes the attributes of n nested rows, or of those that pick names, in rising order: their lists, one after the
// other, and where each begins. x.nodes holds the shape of each.
func (t *Table) attributeBlock(x *decoder, src *streams.Source, n int, pick []uint32) (lists []ValueID, starts []uint32) {
	picked := n
	if pick != nil {
		picked = len(pick)
	}
	x.ends = append(x.ends[:0], 0)
	x.nodes = x.nodes[:0]
	x.ids = x.ids[:0]
	k := src.Count(len(src.Code))
	if k == 0 || src.Bad {
		for range picked {
			x.nodes = append(x.nodes, 0)
			x.ends = append(x.ends, 0)
		}
		return nil, x.ends
	}
	names := x.names(src, k)
	if src.Bad {
		return nil, x.ends
	}
	x.keys = x.keys[:0]
	for _, name := range names {
		x.keys = append(x.keys, t.key(name))
	}
	p := x.lists(src, n, k, pick)
	if src.Bad {
		return nil, x.ends
	}
	x.perKey = resize(x.perKey, k)
	x.flat = resize(x.flat, p.picked)
	perKey, flat := x.perKey, x.flat
	for i := range k {
		if p.counts[i] == 0 {
			src.Bad = true
			return nil, x.ends
		}
		some, m := p.of(i)
		perKey[i], flat = flat[:m], flat[m:]
		t.valueColumn(x, src, x.keys[i], p.counts[i], some, perKey[i])
		if src.Bad {
			return nil, x.ends
		}
	}
	p.eachRow(pick, func(slots []int64) {
		node := uint32(0)
		for _, s := range slots {
			node = t.tree.child(node, x.keys[s])
			x.ids = append(x.ids, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		x.nodes = append(x.nodes, node)
		x.ends = append(x.ends, uint32(len(x.ids)))
	})
	return x.ids, x.ends
}
