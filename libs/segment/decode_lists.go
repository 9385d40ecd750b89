package segment

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
)

func (t *Table) readTexts(x *decoder) error {
	for _, c := range t.b.Schema.Texts {
		if !x.needs.section(container.SectionText + uint8(c)) {
			continue
		}
		t.Texts[c] = grow(t.Texts[c], x.picked)
		dst := t.Texts[c][len(t.Texts[c])-x.picked:]
		clear(dst)
		s := x.d.Section(container.SectionText + uint8(c))
		if s == nil {
			continue
		}
		read := func() error { return t.sectionColumn(x, s, table.KeyOf(c), x.d.Items, x.pick, dst) }
		if c == TextBounds {
			read = func() error { return t.readBounds(x, s, dst) }
		}
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// readBounds decodes the bounds of histograms, which only histograms have.
func (t *Table) readBounds(x *decoder, s *container.Section, dst []ValueID) error {
	n, err := x.ofKinds(1 << Histogram)
	if err != nil {
		return err
	}
	x.blocks.ids = scratch.Slice(x.blocks.ids, n)
	if err := t.sectionColumn(x, s, table.KeyOf(TextBounds), n, nil, x.blocks.ids); err != nil {
		return err
	}
	ids, next := x.blocks.ids, 0
	for row, k := range x.columns.read[ColKind] {
		at := row
		if x.pick != nil {
			at = next
			if next == len(x.pick) {
				break
			}
		}
		mine := x.pick == nil || x.pick[next] == uint32(row)
		if mine {
			next++
		}
		if k != int64(Histogram) {
			continue
		}
		if mine {
			dst[at] = ids[0]
		}
		ids = ids[1:]
	}
	return nil
}

// list64 decodes the values of lists in either order.
func (x *decoder) list64(src *streams.Source, dst, lengths []int64, doubles bool) bool {
	order := src.Byte()
	to := dst
	if order == listByPlace {
		x.columns.w = scratch.Slice(x.columns.w, len(dst))
		to = x.columns.w
	}
	if doubles {
		x.r.ReadDoubles(src, to)
	} else {
		x.r.Read(src, to)
	}
	if order == listByRow || src.Bad {
		return !src.Bad
	}
	rows := len(lengths)
	if order != listByPlace || rows == 0 || len(dst)%rows != 0 {
		return false
	}
	width := len(dst) / rows
	for _, l := range lengths {
		if int(l) != width {
			return false
		}
	}
	for i := range dst {
		dst[i] = to[i%width*rows+i/width]
	}
	return true
}

func (t *Table) readLists(x *decoder) error {
	if !x.needs.want.All && !x.needs.want.Lists {
		return nil
	}
	for _, c := range t.b.Schema.Lists {
		if err := t.readList(x, c); err != nil {
			return err
		}
	}
	q, v := &t.Lists[ListQuantiles], &t.Lists[ListQuantileValues]
	if from := len(q.Offsets) - x.picked; from > 0 {
		for i := from; i < len(q.Offsets); i++ {
			if q.Offsets[i]-q.Offsets[i-1] != v.Offsets[i]-v.Offsets[i-1] {
				return damagedf("quantiles and their values differ in number")
			}
		}
	}
	return nil
}

func (t *Table) readList(x *decoder, c ListColumn) error {
	l := &t.Lists[c]
	if len(l.Offsets) == 0 {
		l.Offsets = append(l.Offsets, 0)
	}
	s := x.d.Section(container.SectionList + uint8(c))
	end := l.Offsets[len(l.Offsets)-1]
	if s == nil {
		for range x.picked {
			l.Offsets = append(l.Offsets, end)
		}
		return nil
	}
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	kinds := table.ListAppliesTo(c)
	n, err := x.ofKinds(kinds)
	if err != nil {
		return err
	}
	lengths := scratch.Slice(x.columns.v, n)
	x.columns.v = lengths
	x.r.Read(src, lengths)
	total := int64(0)
	for _, n := range lengths {
		if n < 0 || n > int64(s.Count)-total {
			return damagedf("list column %d", c)
		}
		total += n
	}
	if src.Bad || total != int64(s.Count) {
		return damagedf("list column %d", c)
	}
	before := len(l.Values)
	l.Values = grow(l.Values, s.Count)
	values := l.Values[before:]
	if !x.list64(src, values, lengths, c == ListQuantiles || c == ListQuantileValues) || src.Bad {
		return damagedf("list column %d", c)
	}
	// The lists of rows that are not picked are closed up.
	kept, at, next := 0, 0, 0
	for row, k := range x.columns.read[ColKind] {
		length := 0
		if ofKind(kinds, k) {
			length = int(lengths[0])
			lengths = lengths[1:]
		}
		if x.pick == nil || next < len(x.pick) && x.pick[next] == uint32(row) {
			next++
			if kept != at {
				copy(values[kept:], values[at:at+length])
			}
			kept += length
			l.Offsets = append(l.Offsets, end+uint32(kept))
		}
		at += length
	}
	l.Values = l.Values[:before+kept]
	return nil
}
