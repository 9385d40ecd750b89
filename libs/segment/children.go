package segment

// childSection writes a nested row set as one section: counts per parent, then each column in the order of the schema.
func (e *Encoder) childSection(t *Table, c *Children, id uint8, parents []uint32) {
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
	e.s.reset()
	e.c.ints(&e.s, counts)
	e.v, e.w = resize(e.v, max(len(rows), len(parents))), resize(e.w, max(len(rows), len(parents)))
	if id != sectionLinks {
		// Times are kept as differences from the parent's.
		v := e.v[:len(rows)]
		for i, r := range rows {
			v[i] = c.Ints[ColTime][r] - t.Ints[ColTime][owner[i]]
		}
		e.c.ints(&e.s, v)
	}
	switch id {
	case sectionEvents:
		e.c.ints(&e.s, e.gather(c.Ints[ColDroppedAttributes], rows))
		e.childText(t, c.Texts[TextName], rows, true)
	case sectionLinks:
		e.c.ints(&e.s, e.gather(c.Ints[ColFlags], rows))
		e.c.ints(&e.s, e.gather(c.Ints[ColDroppedAttributes], rows))
		e.childText(t, c.Texts[TextTraceState], rows, false)
		e.writeTraceIDs(c.TraceIDs, rows, false)
		e.writeSpanIDs(c.SpanIDs, rows)
	case sectionExemplars:
		e.c.ints(&e.s, e.gather(c.Ints[ColHas], rows))
		e.splitNumbers(c.Ints[ColHas], c.Ints[ColNumber], rows)
		e.writeNumbers()
		e.writeTraceIDs(c.TraceIDs, rows, true)
		e.writeSpanIDs(c.SpanIDs, rows)
	}
	e.v, e.w = resize(e.v, len(rows)), resize(e.w, len(rows))
	e.attributeBlock(t, &c.Attributes, rows, id == sectionEvents)
	e.add(section{id: id, count: len(rows)})
	e.v, e.w = resize(e.v, len(parents)), resize(e.w, len(parents))
}

func (e *Encoder) childText(t *Table, col []ValueID, rows []uint32, tokens bool) {
	ids := e.column32[:0]
	for _, r := range rows {
		ids = append(ids, col[r])
	}
	e.column32 = ids
	var s section
	e.values(t, ids, &s, tokens)
}

func (t *Table) readChildren(x *decoder) error {
	for _, c := range t.children {
		if !x.needs.section(c.id) {
			continue
		}
		if err := t.readChild(x, c.rows, c.schema, c.id); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) readChild(x *decoder, c *Children, schema *rowSchema, id uint8) error {
	n := x.d.Items
	c.prepare(schema)
	base := uint32(c.N)
	s := x.d.section(id)
	if s == nil {
		for range n {
			c.Offsets = append(c.Offsets, base)
		}
		return nil
	}
	src, err := x.open(s)
	if err != nil {
		return err
	}
	counts := resize(x.v, n)
	x.v = counts
	x.r.ints(src, counts)
	m := s.count
	total := int64(0)
	for _, k := range counts {
		if k < 0 || k > int64(m)-total {
			return damagedf("section %d", id)
		}
		total += k
	}
	if src.bad || total != int64(m) || m == 0 {
		return damagedf("section %d", id)
	}
	column := func(col Column) []int64 {
		c.Ints[col] = grow(c.Ints[col], m)
		return c.Ints[col][len(c.Ints[col])-m:]
	}
	var times []int64
	if id != sectionLinks {
		times = column(ColTime)
		x.r.ints(src, times)
		at := 0
		for i, k := range counts {
			for range k {
				times[at] += x.columns[ColTime][i]
				at++
			}
		}
	}
	for _, k := range counts {
		base += uint32(k)
		c.Offsets = append(c.Offsets, base)
	}
	text := func(col TextColumn, key KeyID) {
		c.Texts[col] = grow(c.Texts[col], m)
		dst := c.Texts[col][len(c.Texts[col])-m:]
		clear(dst)
		if !src.bad {
			t.valueColumn(x, src, key, dst)
		}
	}
	ids := func() {
		c.TraceIDs = grow(c.TraceIDs, m)
		x.traceIDs(src, c.TraceIDs[len(c.TraceIDs)-m:])
		c.SpanIDs = grow(c.SpanIDs, m)
		if !src.bad {
			x.spanIDs(src, c.SpanIDs[len(c.SpanIDs)-m:])
		}
	}
	switch id {
	case sectionEvents:
		x.r.ints(src, column(ColDroppedAttributes))
		text(TextName, keyEventName)
	case sectionLinks:
		x.r.ints(src, column(ColFlags))
		x.r.ints(src, column(ColDroppedAttributes))
		text(TextTraceState, keyOf(TextTraceState))
		ids()
	case sectionExemplars:
		has := column(ColHas)
		x.r.ints(src, has)
		numbers := column(ColNumber)
		if !src.bad {
			x.numbersByHas(src, has, numbers)
		}
		ids()
	}
	if src.bad {
		return damagedf("section %d", id)
	}
	_, ends := t.attributeBlock(x, src, m)
	if src.bad {
		return damagedf("attributes of section %d", id)
	}
	for i := range m {
		c.Attributes.IDs = append(c.Attributes.IDs, x.ids[ends[i]:ends[i+1]]...)
		c.Attributes.end(x.nodes[i])
	}
	c.N += m
	return nil
}
