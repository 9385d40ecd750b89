package segment

import "encoding/binary"

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
	if x.size == 16 {
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
	e.s.uvarint(uint64(len(x.first)))
	e.s.plain = append(e.s.plain, x.entries...)
	if len(x.first) < len(x.index) {
		e.c.ints(&e.s, x.index)
	}
}

func (e *Encoder) writeTraceIDs(ids [][16]byte, rows []uint32, filter bool) {
	x := &e.traceIdx
	x.reset(len(rows), 16)
	for i, r := range rows {
		x.add(i, ids[r][:])
	}
	if filter {
		for i := range x.first {
			if id := [16]byte(x.entries[i*16:]); id != [16]byte{} {
				e.traces.add(TraceHash(id))
			}
		}
	}
	x.write(e)
}

func (e *Encoder) writeSpanIDs(ids [][8]byte, rows []uint32) {
	x := &e.spanIdx
	x.reset(len(rows), 8)
	for i, r := range rows {
		x.add(i, ids[r][:])
	}
	x.write(e)
}

func (e *Encoder) traceIDs(ids [][16]byte, rows []uint32) {
	e.s.reset()
	e.writeTraceIDs(ids, rows, true)
	if !e.traceIdx.none() {
		e.add(section{id: sectionTraceIDs, count: len(e.traceIdx.first)})
	}
}

func (e *Encoder) spanIDs(ids [][8]byte, rows []uint32) {
	e.s.reset()
	e.writeSpanIDs(ids, rows)
	if !e.spanIdx.none() {
		e.add(section{id: sectionSpanIDs, count: len(e.spanIdx.first)})
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
	e.s.reset()
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
		e.s.plain = append(e.s.plain, id[:]...)
		raw++
	}
	if !parents {
		return
	}
	e.c.ints(&e.s, v)
	e.add(section{id: sectionParentIDs, count: raw})
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

func (t *Table) readIDs(x *decoder) error {
	n, w := x.d.Items, &x.needs.want
	var traceIndex []int64
	if t.schema.traceIDs && x.needs.section(sectionTraceIDs) {
		var ids []byte
		if s := x.d.section(sectionTraceIDs); s != nil {
			src, err := x.source(s)
			if err != nil {
				return err
			}
			if ids = x.ids16(src, n); src.bad {
				return damagedf("trace ids")
			}
			x.traceIndex = append(x.traceIndex[:0], x.index...)
			traceIndex = x.traceIndex
		}
		if w.All || w.TraceIDs {
			t.TraceIDs = grow(t.TraceIDs, x.picked)
			dst := t.TraceIDs[len(t.TraceIDs)-x.picked:]
			for i := range dst {
				if ids == nil {
					dst[i] = [16]byte{}
				} else {
					dst[i] = [16]byte(ids[traceIndex[x.row(i)]*16:])
				}
			}
		}
	}
	if !t.schema.spanIDs || !x.needs.section(sectionSpanIDs) {
		return nil
	}
	x.spans = resize(x.spans, n)
	clear(x.spans)
	if s := x.d.section(sectionSpanIDs); s != nil {
		src, err := x.source(s)
		if err != nil {
			return err
		}
		x.spanIDs(src, x.spans)
		if src.bad {
			return damagedf("span ids")
		}
	}
	if w.All || w.SpanIDs {
		t.SpanIDs = take(t.SpanIDs, x.spans, x.pick)
	}
	if t.schema.parents && x.needs.section(sectionParentIDs) {
		x.parents = resize(x.parents, n)
		if err := x.parentIDs(x.spans, traceIndex, x.parents); err != nil {
			return err
		}
		t.ParentIDs = take(t.ParentIDs, x.parents, x.pick)
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

// ids16 reads the distinct ids of a column of n trace ids; index is left in x.index.
func (x *decoder) ids16(src *source, n int) []byte {
	d := src.count(n)
	b := src.take(&src.plain, d*16)
	x.idIndex(src, d, n)
	return b
}

// traceIDs decodes a column of trace ids; index is left in x.index.
func (x *decoder) traceIDs(src *source, dst [][16]byte) {
	b := x.ids16(src, len(dst))
	if src.bad {
		return
	}
	for i, e := range x.index {
		dst[i] = [16]byte(b[e*16:])
	}
}

func (x *decoder) spanIDs(src *source, dst [][8]byte) {
	d := src.count(len(dst))
	b := src.take(&src.plain, d*8)
	x.idIndex(src, d, len(dst))
	if src.bad {
		return
	}
	for i, e := range x.index {
		dst[i] = [8]byte(b[e*8:])
	}
}

func (x *decoder) idIndex(src *source, distinct, n int) {
	x.index = resize(x.index, n)
	if src.bad || distinct == 0 && n > 0 {
		src.bad = true
		return
	}
	if distinct == n {
		for i := range x.index {
			x.index[i] = int64(i)
		}
		return
	}
	x.r.ints(src, x.index)
	for _, e := range x.index {
		if uint64(e) >= uint64(distinct) {
			src.bad = true
			return
		}
	}
}

func (x *decoder) parentIDs(ids [][8]byte, traceIndex []int64, dst [][8]byte) error {
	clear(dst)
	s := x.d.section(sectionParentIDs)
	if s == nil {
		return nil
	}
	src, err := x.source(s)
	if err != nil {
		return err
	}
	n := len(dst)
	raw := src.take(&src.plain, s.count*8)
	codes := resize(x.codes, n)
	x.codes = codes
	x.r.ints(src, codes)
	if src.bad {
		return damagedf("parent ids")
	}
	// Rows by trace, in order: rows[starts[t]:starts[t+1]].
	starts := resize(x.parentStarts, n+2)
	x.parentStarts = starts
	clear(starts)
	trace := func(i int) int64 {
		if traceIndex == nil {
			return 0
		}
		return traceIndex[i]
	}
	for i := range n {
		starts[trace(i)+1]++
	}
	for i := range n {
		starts[i+1] += starts[i]
	}
	rows := resize(x.parentRows, n)
	x.parentRows = rows
	x.parentAt = append(x.parentAt[:0], starts...)
	at := x.parentAt
	for i := range n {
		rows[at[trace(i)]] = uint32(i)
		at[trace(i)]++
	}
	for i, c := range codes {
		switch c {
		case parentNone:
		case parentRaw:
			if len(raw) < 8 {
				return damagedf("parent ids")
			}
			dst[i], raw = [8]byte(raw), raw[8:]
		default:
			own := rows[starts[trace(i)]:starts[trace(i)+1]]
			if c < 0 || c-parentRank >= int64(len(own)) {
				return damagedf("parent ids")
			}
			dst[i] = ids[own[c-parentRank]]
		}
	}
	return nil
}
