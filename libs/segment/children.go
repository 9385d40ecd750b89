package segment

// Nested rows, events, links and exemplars (section 9 of docs/segment-format.md): each set is one section of counts per item and columns.
// Invariant: times are differences from the item's in a segment, and absolute in a table.

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
)

// childSection writes a nested row set as one section: counts per parent, then each column in the order of the schema.
func (e *encoder) childSection(t *table.Builder, c *Children, id uint8, parents []uint32) {
	counts := e.v[:0]
	rows, owner := e.child[:0], e.owner[:0]
	for _, p := range parents {
		from, to := c.Offsets[p], c.Offsets[p+1]
		counts = append(counts, int64(to-from))
		for r := from; r < to; r++ {
			rows = append(rows, r)
			owner = append(owner, p)
		}
	}
	e.child, e.owner = rows, owner
	if len(rows) == 0 {
		return
	}
	e.s.Reset()
	e.c.Write(&e.s, counts)
	e.v, e.w = scratch.Slice(e.v, max(len(rows), len(parents))), scratch.Slice(e.w, max(len(rows), len(parents)))
	if id != container.SectionLinks {
		// Times are kept as differences from the parent's.
		v := e.v[:len(rows)]
		for i, r := range rows {
			v[i] = c.Ints[ColTime][r] - t.Ints[ColTime][owner[i]]
		}
		e.c.Write(&e.s, v)
	}
	switch id {
	case container.SectionEvents:
		e.c.Write(&e.s, e.gather(c.Ints[ColDroppedAttributes], rows))
		e.childText(t, c.Texts[TextName], rows, true)
	case container.SectionLinks:
		e.c.Write(&e.s, e.gather(c.Ints[ColFlags], rows))
		e.c.Write(&e.s, e.gather(c.Ints[ColDroppedAttributes], rows))
		e.childText(t, c.Texts[TextTraceState], rows, false)
		e.ids.Traces(&e.s, c.TraceIDs, rows)
		e.ids.Spans(&e.s, c.SpanIDs, rows)
	case container.SectionExemplars:
		e.c.Write(&e.s, e.gather(c.Ints[ColHas], rows))
		e.splitNumbers(c.Ints[ColHas], c.Ints[ColNumber], rows)
		e.writeNumbers()
		e.ids.Traces(&e.s, c.TraceIDs, rows)
		e.ids.EachTrace(e.addTrace)
		e.ids.Spans(&e.s, c.SpanIDs, rows)
	}
	e.v, e.w = scratch.Slice(e.v, len(rows)), scratch.Slice(e.w, len(rows))
	e.attributeBlock(t, &c.Attributes, rows, id == container.SectionEvents)
	e.add(container.Section{ID: id, Count: len(rows)})
	e.v, e.w = scratch.Slice(e.v, len(parents)), scratch.Slice(e.w, len(parents))
}

func (e *encoder) childText(t *table.Builder, col []ValueID, rows []uint32, tokens bool) {
	ids := e.column32[:0]
	for _, r := range rows {
		ids = append(ids, col[r])
	}
	e.column32 = ids
	var s container.Section
	e.writeValues(t, ids, &s, tokens)
}

// childReader reads nested rows. All of it is valid during one section.
type childReader struct {
	rows    []uint32 // of the picked rows of items
	numbers []int64  // of exemplars
	traces  [][16]byte
	spans   [][8]byte
}

func (t *Table) readChildren(x *decoder) error {
	for _, c := range t.b.Nested {
		if !x.needs.section(c.Section) {
			continue
		}
		if err := t.readChild(x, c.Rows, c.Schema, c.Section); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) readChild(x *decoder, c *Children, schema *table.Schema, id uint8) error {
	c.Prepare(schema)
	base := uint32(c.N)
	s := x.d.Section(id)
	if s == nil {
		for range x.picked {
			c.Offsets = append(c.Offsets, base)
		}
		return nil
	}
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	counts := scratch.Slice(x.columns.v, x.d.Items)
	x.columns.v = counts
	x.r.Read(src, counts)
	m := s.Count
	total := int64(0)
	for _, k := range counts {
		if k < 0 || k > int64(m)-total {
			return damagedf("section %d", id)
		}
		total += k
	}
	if src.Bad || total != int64(m) || m == 0 {
		return damagedf("section %d", id)
	}
	var kids []uint32 // of the picked rows; nil: all
	picked := m
	if x.pick == nil {
		for _, k := range counts {
			base += uint32(k)
			c.Offsets = append(c.Offsets, base)
		}
	} else {
		kids = none(x.kids.rows)
		at, next := 0, 0
		for row, k := range counts {
			if next < len(x.pick) && x.pick[next] == uint32(row) {
				next++
				for i := range int(k) {
					kids = append(kids, uint32(at+i))
				}
				base += uint32(k)
				c.Offsets = append(c.Offsets, base)
			}
			at += int(k)
		}
		x.kids.rows = kids
		if picked = len(kids); picked == 0 {
			return nil
		}
	}
	if err := t.childColumns(x, src, c, id, counts, kids); err != nil {
		return err
	}
	lists, ends := t.attributeBlock(x, src, m, kids)
	if src.Bad {
		return damagedf("attributes of section %d", id)
	}
	for i := range picked {
		c.Attributes.IDs = append(c.Attributes.IDs, lists[ends[i]:ends[i+1]]...)
		c.Attributes.End(x.blocks.nodes[i])
	}
	c.N += picked
	return nil
}

// childColumns decodes what stands before the attributes of nested rows: of all, or of those that kids names.
func (t *Table) childColumns(x *decoder, src *streams.Source, c *Children, id uint8, counts []int64, kids []uint32) error {
	m := x.d.Section(id).Count
	column := func(col Column, each func(v []int64)) {
		var v []int64
		if kids == nil {
			c.Ints[col] = grow(c.Ints[col], m)
			v = c.Ints[col][len(c.Ints[col])-m:]
		} else {
			v = make([]int64, m)
		}
		x.r.Read(src, v)
		if each != nil && !src.Bad {
			each(v)
		}
		if kids != nil {
			c.Ints[col] = take(c.Ints[col], v, kids)
		}
	}
	if id != container.SectionLinks {
		times, err := x.column(ColTime)
		if err != nil {
			return err
		}
		column(ColTime, func(v []int64) {
			at := 0
			for i, k := range counts {
				for range k {
					v[at] += times[i]
					at++
				}
			}
		})
	}
	text := func(col TextColumn, key KeyID) {
		n := m
		if kids != nil {
			n = len(kids)
		}
		c.Texts[col] = grow(c.Texts[col], n)
		dst := c.Texts[col][len(c.Texts[col])-n:]
		clear(dst)
		if !src.Bad {
			t.valueColumn(x, src, key, m, kids, dst)
		}
	}
	ids := func() {
		x.kids.traces, x.kids.spans = scratch.Slice(x.kids.traces, m), scratch.Slice(x.kids.spans, m)
		x.ids.NestedTraces(src, x.kids.traces)
		if !src.Bad {
			x.ids.NestedSpans(src, x.kids.spans)
		}
		c.TraceIDs, c.SpanIDs = take(c.TraceIDs, x.kids.traces, kids), take(c.SpanIDs, x.kids.spans, kids)
	}
	switch id {
	case container.SectionEvents:
		column(ColDroppedAttributes, nil)
		text(TextName, table.KeyEventName)
	case container.SectionLinks:
		column(ColFlags, nil)
		column(ColDroppedAttributes, nil)
		text(TextTraceState, table.KeyOf(TextTraceState))
		ids()
	case container.SectionExemplars:
		var has []int64
		column(ColHas, func(v []int64) { has = v })
		x.kids.numbers = scratch.Slice(x.kids.numbers, m)
		clear(x.kids.numbers)
		if !src.Bad {
			x.numbersByHas(src, has, x.kids.numbers)
		}
		c.Ints[ColNumber] = take(c.Ints[ColNumber], x.kids.numbers, kids)
		ids()
	}
	if src.Bad {
		return damagedf("section %d", id)
	}
	return nil
}
