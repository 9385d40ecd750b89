package segment

// Attributes of items and of nested rows (section 8 of docs/segment-format.md): what internal/attributes takes apart, with its keys and values.
// Invariant: a row's list keeps its order and its repetitions.

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/attributes"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
)

// collect takes the attribute lists of rows.
func (e *encoder) collect(l *AttrList, rows []uint32) {
	e.attrs.Reset()
	for _, r := range rows {
		e.attrs.Add(l.Shape(r), l.IDs[l.Offsets[r]:l.Offsets[r+1]])
	}
}

// itemAttributes writes the attributes of items: one section of shapes, one per key.
func (e *encoder) itemAttributes(t *table.Builder, rows []uint32) {
	a := &e.attrs
	if e.collect(&t.Attributes, rows); a.Len() == 0 {
		return
	}
	e.out.Hold(a.Len())
	a.Split(t.Keys, t.Shapes.Len(), t.Shapes.KeyList)
	e.s.Reset()
	a.Write(&e.s, e.c)
	e.add(container.Section{ID: container.SectionShapes, Count: a.Shapes()})
	for i, k := range a.Keys {
		values := a.Values(i)
		s := container.Section{ID: container.SectionKey, Key: t.Keys[k], Count: len(values)}
		e.s.Reset()
		e.writeCounted(t, values, &s, true)
		e.add(s)
	}
}

// attributeBlock writes the attributes of nested rows into the section at hand.
func (e *encoder) attributeBlock(t *table.Builder, l *AttrList, rows []uint32, tokens bool) {
	e.collect(l, rows)
	e.writeBlock(t, &t.Shapes, tokens)
}

// attributeLists is attributeBlock for n lists of the pool.
func (e *encoder) attributeLists(t *table.Builder, n int, list func(i int) []ValueID, tokens bool) {
	e.attrs.Reset()
	e.tree.Reset()
	for i := range n {
		ids, node := list(i), uint32(0)
		for _, id := range ids {
			node = e.tree.Child(node, t.Values[id].Key)
		}
		e.attrs.Add(node, ids)
	}
	e.writeBlock(t, &e.tree, tokens)
}

func (e *encoder) writeBlock(t *table.Builder, tree *table.Shapes, tokens bool) {
	a := &e.attrs
	if a.Len() == 0 {
		e.s.Uvarint(0)
		return
	}
	e.out.Hold(a.Len())
	e.c.Remember()
	defer e.c.Forget()
	a.Split(t.Keys, tree.Len(), tree.KeyList)
	e.s.Uvarint(uint64(len(a.Keys)))
	e.texts(len(a.Keys), func(i int) string { return t.Keys[a.Keys[i]] })
	a.Write(&e.s, e.c)
	for i := range a.Keys {
		var s container.Section
		e.writeValues(t, a.Values(i), &s, tokens)
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
			a.End(0)
		}
		return nil
	}
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	k := len(x.d.Keys)
	p := x.lists.Lists(src, x.d.Items, k, x.pick)
	if src.Bad {
		return damagedf("attribute shapes")
	}
	b := &x.blocks
	b.keys, b.wanted = scratch.Slice(b.keys, k), scratch.Slice(b.wanted, k)
	b.perKey, b.flat = scratch.Slice(b.perKey, k), scratch.Slice(b.flat, p.Picked)
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
		b.keys[i] = t.b.InternKey([]byte(ks.Key))
		perKey[i], flat = flat[:n], flat[n:]
		if err := t.sectionColumn(x, ks, b.keys[i], ks.Count, some, perKey[i]); err != nil {
			return err
		}
	}
	p.EachRow(func(slots []int64) {
		node := uint32(0)
		for _, s := range slots {
			if !b.wanted[s] {
				continue
			}
			node = t.b.Shapes.Child(node, b.keys[s])
			a.IDs = append(a.IDs, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		a.End(node)
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
		b.keys = append(b.keys, t.b.InternKey(name))
	}
	b.perKey, b.flat = scratch.Slice(b.perKey, len(names)), scratch.Slice(b.flat, p.Picked)
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
			node = t.b.Shapes.Child(node, b.keys[s])
			b.ids = append(b.ids, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		b.nodes = append(b.nodes, node)
		b.ends = append(b.ends, uint32(len(b.ids)))
	})
	return b.ids, b.ends
}
