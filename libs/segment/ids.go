package segment

import (
	"encoding/binary"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// idPlaces is where in the body of its segment the ids of a row lie.
type idPlaces struct{ trace, span, parent int }

// nowhere is the place of no id.
const nowhere = -1

// eachPlace calls do for the ids of a row of which only the places were read.
func (t *Table) eachPlace(row uint32, do func(place int, id []byte)) {
	if len(t.idPlaces) == 0 {
		return
	}
	p := t.idPlaces[row]
	if p.trace != nowhere {
		do(p.trace, t.TraceIDs[row][:])
	}
	if p.span != nowhere {
		do(p.span, t.SpanIDs[row][:])
	}
	if p.parent != nowhere {
		do(p.parent, t.ParentIDs[row][:])
	}
}

// IDRanges appends the ranges of the body that SetIDs needs for a row that was read with Want.IDPlaces; there are none for other rows.
func (t *Table) IDRanges(to []Range, row uint32) []Range {
	t.eachPlace(row, func(place int, id []byte) { to = append(to, Range{Offset: place, Length: len(id)}) })
	return to
}

// SetIDs gives a row its ids: the bytes of the first parts are those of its IDRanges. It returns the parts of other rows.
func (t *Table) SetIDs(row uint32, parts []Part) (rest []Part, err error) {
	t.eachPlace(row, func(place int, id []byte) {
		if len(parts) == 0 || parts[0].Offset != place || len(parts[0].Bytes) != len(id) {
			err = errParts.New("the bytes of ids are not those that were asked for")
			return
		}
		copy(id, parts[0].Bytes)
		parts = parts[1:]
	})
	return parts, err
}

// idIndex numbers the distinct ids of a column in order of first appearance.
type idIndex struct {
	slots   []uint32 // entry + 1
	entries []byte   // the ids, one after the other
	first   []uint32 // per entry: the place in the column where it was first seen
	index   []int64  // per place: its entry
	size    int      // bytes of an id
	rank    []int64  // per place: how many earlier places have the same entry
	seen    []int64
}

func (x *idIndex) reset(n, size int) {
	slots := 16
	for slots < 2*n+2 {
		slots *= 2
	}
	if len(x.slots) < slots {
		x.slots = make([]uint32, slots)
	}
	clear(x.slots)
	x.entries, x.first, x.size = x.entries[:0], x.first[:0], size
	x.index = resize(x.index, n)
}

func (x *idIndex) slot(id []byte) uint32 {
	h := binary.LittleEndian.Uint64(id)
	if x.size == otlp.TraceIDSize {
		h ^= binary.LittleEndian.Uint64(id[8:]) * 0x9fb21c651e98df25
	}
	h *= 0x9e3779b97f4a7c15
	return uint32(h>>32) & uint32(len(x.slots)-1)
}

// find returns the entry of an id, or the free slot for it.
func (x *idIndex) find(id []byte) (entry int, free uint32) {
	at := x.slot(id)
	for {
		e := int(x.slots[at])
		if e == 0 {
			return -1, at
		}
		if string(x.entries[(e-1)*x.size:e*x.size]) == string(id) {
			return e - 1, 0
		}
		at = (at + 1) & uint32(len(x.slots)-1)
	}
}

// add numbers the id at a place of the column.
func (x *idIndex) add(place int, id []byte) {
	entry, free := x.find(id)
	if entry < 0 {
		x.entries = append(x.entries, id...)
		x.first = append(x.first, uint32(place))
		entry = len(x.first) - 1
		x.slots[free] = uint32(entry + 1)
	}
	x.index[place] = int64(entry)
}

// none tells whether the column holds nothing but the zero id.
func (x *idIndex) none() bool {
	if len(x.first) != 1 {
		return len(x.first) == 0
	}
	for _, b := range x.entries {
		if b != 0 {
			return false
		}
	}
	return true
}

// write writes distinct ids and, unless all are, each row's number.
func (x *idIndex) write(e *Encoder) {
	e.s.Uvarint(uint64(len(x.first)))
	e.s.Plain = append(e.s.Plain, x.entries...)
	if len(x.first) < len(x.index) {
		e.c.Write(&e.s, x.index)
	}
}

func (e *Encoder) writeTraceIDs(ids [][16]byte, rows []uint32, filter bool) {
	x := &e.traceIdx
	x.reset(len(rows), otlp.TraceIDSize)
	for i, r := range rows {
		x.add(i, ids[r][:])
	}
	if filter {
		for i := range x.first {
			if id := [16]byte(x.entries[i*16:]); id != [16]byte{} {
				e.traces.Add(TraceHash(id))
			}
		}
	}
	x.write(e)
}

func (e *Encoder) writeSpanIDs(ids [][8]byte, rows []uint32) {
	x := &e.spanIdx
	x.reset(len(rows), otlp.SpanIDSize)
	for i, r := range rows {
		x.add(i, ids[r][:])
	}
	x.write(e)
}

func (e *Encoder) traceIDs(ids [][16]byte, rows []uint32) {
	e.s.Reset()
	e.writeTraceIDs(ids, rows, true)
	if !e.traceIdx.none() {
		e.add(container.Section{ID: container.SectionTraceIDs, Count: len(e.traceIdx.first)})
	}
}

func (e *Encoder) spanIDs(ids [][8]byte, rows []uint32) {
	e.s.Reset()
	e.writeSpanIDs(ids, rows)
	if !e.spanIdx.none() {
		e.add(container.Section{ID: container.SectionSpanIDs, Count: len(e.spanIdx.first)})
	}
}

// Codes of parent ids.
const (
	parentNone = 0
	parentRaw  = 1 // the next of the raw ids
	parentRank = 2 // + how many rows of the same trace stand before the parent's
)

// parentIDs writes a parent as its number among the rows of its trace in this segment, which takes a few bits; other parents raw.
// It uses the indexes that traceIDs and spanIDs have left.
func (e *Encoder) parentIDs(t *Table, rows []uint32) {
	tr, sp := &e.traceIdx, &e.spanIdx
	tr.ranks()
	e.s.Reset()
	v := e.v[:len(rows)]
	raw := 0
	parents := false
	for i, r := range rows {
		id := &t.ParentIDs[r]
		if *id == [8]byte{} {
			v[i] = parentNone
			continue
		}
		parents = true
		if entry, _ := sp.find(id[:]); entry >= 0 {
			if p := sp.first[entry]; tr.index[p] == tr.index[i] {
				v[i] = parentRank + tr.rank[p]
				continue
			}
		}
		v[i] = parentRaw
		e.s.Plain = append(e.s.Plain, id[:]...)
		raw++
	}
	if !parents {
		return
	}
	e.c.Write(&e.s, v)
	e.add(container.Section{ID: container.SectionParentIDs, Count: raw})
}

// ranks numbers the places of each entry.
func (x *idIndex) ranks() {
	x.rank = resize(x.rank, len(x.index))
	x.seen = resize(x.seen, len(x.first))
	clear(x.seen)
	for i, entry := range x.index {
		x.rank[i] = x.seen[entry]
		x.seen[entry]++
	}
}

// idColumn is a column of ids as a segment holds it.
type idColumn struct {
	size  int
	index []int64 // per row, or per picked row: its id; nil: no row has one
	ids   []byte  // distinct ones, one after the other; nil where only places are wanted
	at    int     // where they begin in the body
}

// of is the id of a row, by its place in the index, as it stands in the segment; nil where there are none.
func (c *idColumn) of(i int) []byte {
	if c.index == nil {
		return nil
	}
	at := int(c.index[i]) * c.size
	return c.ids[at : at+c.size]
}

// place is where the id of a row, by its place in the index, stands in the body; nowhere where there are none.
func (c *idColumn) place(i int) int {
	if c.index == nil {
		return nowhere
	}
	return c.at + int(c.index[i])*c.size
}

// idColumn reads the ids of a section, or only where they lie, of all rows, or of those in pick; without the section there are none. The
// index lies in memory.
func (x *decoder) idColumn(id uint8, size int, pick []uint32, memory *[]int64) (idColumn, error) {
	c := idColumn{size: size}
	s := x.d.Section(id)
	if s == nil {
		return c, nil
	}
	src, at, err := x.idSource(s)
	if err != nil {
		return c, err
	}
	c.at = at
	if d := src.Count(x.d.Items); d != s.Count {
		src.Bad = true
	}
	if !x.places {
		c.ids = src.Take(&src.Plain, idBytes(s))
	}
	x.idIndex(src, s.Count, x.d.Items, pick)
	*memory, x.index = x.index, *memory
	c.index = *memory
	if src.Bad {
		return c, damagedf("ids of section %d", id)
	}
	return c, nil
}

// idSource is source for a section that begins with ids. Where only places are wanted, plain is what follows them; at is where they begin in
// the body.
func (x *decoder) idSource(s *container.Section) (src *streams.Source, at int, err error) {
	if !x.places || idBytes(s) == 0 {
		src, err = x.source(s)
		return src, 0, err
	}
	rest := *s
	plain := &rest.Streams[container.StreamPlain]
	ids := int32(idBytes(s))
	if plain.Length < ids {
		return nil, 0, damagedf("ids of section %d", s.ID)
	}
	at = x.d.Frames[plain.Frame].Offset + int(plain.Offset)
	plain.Offset, plain.Length = plain.Offset+ids, plain.Length-ids
	src, err = x.source(&rest)
	return src, at, err
}

func (t *Table) readIDs(x *decoder) error {
	w := &x.needs.want
	var traces, spans idColumn
	var err error
	var places []idPlaces
	if x.places {
		t.idPlaces = grow(t.idPlaces, x.picked)
		places = t.idPlaces[len(t.idPlaces)-x.picked:]
		for i := range places {
			places[i] = idPlaces{nowhere, nowhere, nowhere}
		}
	}
	// A parent in the segment is found by the trace ids of all rows.
	parents := t.schema.parents && x.needs.section(container.SectionParentIDs)
	pick, row := x.pick, func(i int) int { return i }
	if parents {
		pick, row = nil, x.row
	}
	if t.schema.traceIDs && x.needs.section(container.SectionTraceIDs) {
		if traces, err = x.idColumn(container.SectionTraceIDs, otlp.TraceIDSize, pick, &x.traceIndex); err != nil {
			return err
		}
		for i := range places {
			places[i].trace = traces.place(row(i))
		}
		if w.All || w.TraceIDs {
			t.TraceIDs = grow(t.TraceIDs, x.picked)
			dst := t.TraceIDs[len(t.TraceIDs)-x.picked:]
			clear(dst)
			for i := 0; i < len(dst) && !x.places; i++ {
				copy(dst[i][:], traces.of(row(i)))
			}
		}
	}
	if !t.schema.spanIDs || !x.needs.section(container.SectionSpanIDs) {
		return nil
	}
	if spans, err = x.idColumn(container.SectionSpanIDs, otlp.SpanIDSize, pick, &x.spanIndex); err != nil {
		return err
	}
	for i := range places {
		places[i].span = spans.place(row(i))
	}
	if w.All || w.SpanIDs {
		t.SpanIDs = grow(t.SpanIDs, x.picked)
		dst := t.SpanIDs[len(t.SpanIDs)-x.picked:]
		clear(dst)
		for i := 0; i < len(dst) && !x.places; i++ {
			copy(dst[i][:], spans.of(row(i)))
		}
	}
	if parents {
		t.ParentIDs = grow(t.ParentIDs, x.picked)
		return x.parentIDs(&spans, traces.index, t.ParentIDs[len(t.ParentIDs)-x.picked:], places)
	}
	return nil
}

// row is the segment's row that the ith picked one is.
func (x *decoder) row(i int) int {
	if x.pick == nil {
		return i
	}
	return int(x.pick[i])
}

// distinctIDs reads the distinct ids of a column of n; which of them each row has is left in x.index.
func (x *decoder) distinctIDs(src *streams.Source, size, n int) []byte {
	d := src.Count(n)
	b := src.Take(&src.Plain, d*size)
	x.idIndex(src, d, n, nil)
	return b
}

// idIndex reads which of d distinct ids each of n rows has into x.index; where pick is not nil, only those rows.
func (x *decoder) idIndex(src *streams.Source, d, n int, pick []uint32) {
	if src.Bad || d > n || d == 0 && n > 0 {
		src.Bad = true
		return
	}
	switch {
	case pick != nil && d == n:
		x.index = resize(x.index, len(pick))
		for i, row := range pick {
			x.index[i] = int64(row)
		}
	case pick != nil:
		x.index = resize(x.index, len(pick))
		x.r.Pick(src, n, pick, x.index)
	case d == n:
		x.index = resize(x.index, n)
		for i := range x.index {
			x.index[i] = int64(i)
		}
	default:
		x.index = resize(x.index, n)
		x.r.Read(src, x.index)
	}
	for _, e := range x.index {
		if uint64(e) >= uint64(d) {
			src.Bad = true
			return
		}
	}
}

// traceIDs decodes a column of trace ids.
func (x *decoder) traceIDs(src *streams.Source, dst [][16]byte) {
	b := x.distinctIDs(src, otlp.TraceIDSize, len(dst))
	if src.Bad {
		return
	}
	for i, e := range x.index {
		dst[i] = [16]byte(b[e*16:])
	}
}

// spanIDs decodes a column of span ids.
func (x *decoder) spanIDs(src *streams.Source, dst [][8]byte) {
	b := x.distinctIDs(src, otlp.SpanIDSize, len(dst))
	if src.Bad {
		return
	}
	for i, e := range x.index {
		dst[i] = [8]byte(b[e*8:])
	}
}

// fewParents is how many parents are sought row by row. Sorting 4,000 rows by trace takes as long as some twenty searches.
const fewParents = 16

// parentIDs decodes the parents of the picked rows, or where they lie. traces is each row's trace; nil: all are of one.
func (x *decoder) parentIDs(spans *idColumn, traces []int64, dst [][8]byte, places []idPlaces) error {
	clear(dst)
	s := x.d.Section(container.SectionParentIDs)
	if s == nil {
		return nil
	}
	src, at, err := x.idSource(s)
	if err != nil {
		return err
	}
	var raw []byte
	if !x.places {
		raw = src.Take(&src.Plain, idBytes(s))
	}
	codes := resize(x.codes, x.d.Items)
	x.codes = codes
	if x.r.Read(src, codes); src.Bad {
		return damagedf("parent ids")
	}
	near := 0 // picked rows whose parent is in the segment
	for i := range dst {
		if codes[x.row(i)] >= parentRank {
			near++
		}
	}
	sorted := near > fewParents && traces != nil
	if sorted {
		x.sortByTrace(traces)
	}
	passed, next := 0, 0 // rows whose codes were looked at, and how many of these have raw ids
	for i := range dst {
		row := x.row(i)
		for _, c := range codes[passed:row] {
			if c == parentRaw {
				next++
			}
		}
		passed = row
		switch c := codes[row]; {
		case c == parentNone:
		case c == parentRaw && next < s.Count:
			if x.places {
				places[i].parent = at + next*otlp.SpanIDSize
			} else {
				dst[i] = [8]byte(raw[next*otlp.SpanIDSize:])
			}
		case c >= parentRank:
			parent := x.ofTrace(traces, row, c-parentRank, sorted)
			if parent < 0 {
				return damagedf("parent ids")
			}
			if x.places {
				places[i].parent = spans.place(parent)
			} else {
				copy(dst[i][:], spans.of(parent))
			}
		default:
			return damagedf("parent ids")
		}
	}
	return nil
}

// sortByTrace lists the rows by trace, in order: those of trace t are parentRows[parentStarts[t]:parentStarts[t+1]].
func (x *decoder) sortByTrace(traces []int64) {
	n := x.d.Items
	starts := resize(x.parentStarts, n+2)
	x.parentStarts = starts
	clear(starts)
	for _, t := range traces {
		starts[t+1]++
	}
	for i := range n {
		starts[i+1] += starts[i]
	}
	rows := resize(x.parentRows, n)
	x.parentRows = rows
	x.parentAt = append(x.parentAt[:0], starts...)
	at := x.parentAt
	for i, t := range traces {
		rows[at[t]] = uint32(i)
		at[t]++
	}
}

// ofTrace is the row that has rank rows of the same trace before it, for the trace of a row; -1 if there is none.
func (x *decoder) ofTrace(traces []int64, row int, rank int64, sorted bool) int {
	switch {
	case traces == nil && rank < int64(x.d.Items):
		return int(rank)
	case traces == nil:
	case sorted:
		if own := x.parentRows[x.parentStarts[traces[row]]:x.parentStarts[traces[row]+1]]; rank < int64(len(own)) {
			return int(own[rank])
		}
	default:
		for i, t := range traces {
			if t != traces[row] {
				continue
			}
			if rank == 0 {
				return i
			}
			rank--
		}
	}
	return -1
}
