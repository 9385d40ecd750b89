package ids

import (
	"encoding/binary"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Encoder writes columns of ids. What it keeps of a column is valid until the next of that kind. One goroutine uses it.
type Encoder struct {
	ints          *integers.Encoder
	traces, spans index
	codes         []int64 // of parents; valid during one column
}

// NewEncoder makes an Encoder that writes numbers with ints.
func NewEncoder(ints *integers.Encoder) *Encoder { return &Encoder{ints: ints} }

// Traces writes the trace ids of rows. It tells how many distinct ones there are, and whether any row has one.
func (e *Encoder) Traces(to *streams.Sink, ids [][16]byte, rows []uint32) (distinct int, some bool) {
	x := &e.traces
	x.reset(len(rows), otlp.TraceIDSize)
	for i, r := range rows {
		x.add(i, ids[r][:])
	}
	x.write(to, e.ints)
	return len(x.first), !x.none()
}

// EachTrace calls do for every distinct trace id that Traces has written last.
func (e *Encoder) EachTrace(do func(id [16]byte)) {
	for i := range e.traces.first {
		if id := [16]byte(e.traces.entries[i*otlp.TraceIDSize:]); id != [16]byte{} {
			do(id)
		}
	}
}

// Spans writes the span ids of rows, as Traces does.
func (e *Encoder) Spans(to *streams.Sink, ids [][8]byte, rows []uint32) (distinct int, some bool) {
	x := &e.spans
	x.reset(len(rows), otlp.SpanIDSize)
	for i, r := range rows {
		x.add(i, ids[r][:])
	}
	x.write(to, e.ints)
	return len(x.first), !x.none()
}

// Parents writes the parents of the rows whose trace and span ids were written last: a parent in the segment as its number among the rows of
// its trace, which takes a few bits; others raw. It tells how many these are; where no row has a parent, nothing is written.
func (e *Encoder) Parents(to *streams.Sink, ids [][8]byte, rows []uint32) (raw int, some bool) {
	tr, sp := &e.traces, &e.spans
	tr.ranks()
	v := scratch.Slice(e.codes, len(rows))
	e.codes = v
	for i, r := range rows {
		id := &ids[r]
		if *id == [8]byte{} {
			v[i] = parentNone
			continue
		}
		some = true
		if entry, _ := sp.find(id[:]); entry >= 0 {
			if p := sp.first[entry]; tr.of[p] == tr.of[i] {
				v[i] = parentRank + tr.rank[p]
				continue
			}
		}
		v[i] = parentRaw
		to.Plain = append(to.Plain, id[:]...)
		raw++
	}
	if some {
		e.ints.Write(to, v)
	}
	return raw, some
}

// index numbers the distinct ids of a column in order of first appearance.
type index struct {
	slots   []uint32 // entry + 1
	entries []byte   // the ids, one after the other
	first   []uint32 // per entry: the place in the column where it was first seen
	of      []int64  // per place: its entry
	size    int      // bytes of an id
	rank    []int64  // per place: how many earlier places have the same entry
	seen    []int64
}

func (x *index) reset(n, size int) {
	slots := 16
	for slots < 2*n+2 {
		slots *= 2
	}
	if len(x.slots) < slots {
		x.slots = make([]uint32, slots)
	}
	clear(x.slots)
	x.entries, x.first, x.size = x.entries[:0], x.first[:0], size
	x.of = scratch.Slice(x.of, n)
}

func (x *index) slot(id []byte) uint32 {
	h := binary.LittleEndian.Uint64(id)
	if x.size == otlp.TraceIDSize {
		h ^= binary.LittleEndian.Uint64(id[8:]) * 0x9fb21c651e98df25
	}
	h *= 0x9e3779b97f4a7c15
	return uint32(h>>32) & uint32(len(x.slots)-1)
}

// find returns the entry of an id, or the free slot for it.
func (x *index) find(id []byte) (entry int, free uint32) {
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
func (x *index) add(place int, id []byte) {
	entry, free := x.find(id)
	if entry < 0 {
		x.entries = append(x.entries, id...)
		x.first = append(x.first, uint32(place))
		entry = len(x.first) - 1
		x.slots[free] = uint32(entry + 1)
	}
	x.of[place] = int64(entry)
}

// none tells whether the column holds nothing but the zero id.
func (x *index) none() bool {
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
func (x *index) write(to *streams.Sink, ints *integers.Encoder) {
	to.Uvarint(uint64(len(x.first)))
	to.Plain = append(to.Plain, x.entries...)
	if len(x.first) < len(x.of) {
		ints.Write(to, x.of)
	}
}

// ranks numbers the places of each entry.
func (x *index) ranks() {
	x.rank = scratch.Slice(x.rank, len(x.of))
	x.seen = scratch.Slice(x.seen, len(x.first))
	clear(x.seen)
	for i, entry := range x.of {
		x.rank[i] = x.seen[entry]
		x.seen[entry]++
	}
}
