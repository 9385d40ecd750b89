package ids

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Reader reads the ids of one segment after the other. One goroutine uses it.
type Reader struct {
	in   *container.Reader
	ints *integers.Decoder
	d    *container.Directory // of the open segment

	index                  []int64  // per row: which of the distinct ids; valid during one column
	traceIndex, spanIndex  []int64  // the same of the two columns of items; valid until they are read again
	codes                  []int64  // of parents; valid during one column
	starts, byTrace, ended []uint32 // rows by trace; valid during one column of parents
}

// NewReader makes a Reader of the segments that in has open.
func NewReader(in *container.Reader, ints *integers.Decoder) *Reader {
	return &Reader{in: in, ints: ints}
}

// Open begins with another segment; nil ends with one.
func (x *Reader) Open(d *container.Directory) { x.d = d }

// Items fills what is wanted of to, which has a place for each row of the segment, or for each of those in pick, in rising order. Where places is
// not nil, no id is read: the rows are added to places, and what stands in to is undefined.
func (x *Reader) Items(to *Columns, pick []uint32, places *Places) error {
	var at []place
	if places != nil {
		n := x.d.Items
		if pick != nil {
			n = len(pick)
		}
		at = places.grow(n)
	}
	var traces, spans Column
	var err error
	read, in := pick, []uint32(nil) // which rows' ids are read, and of these the picked ones
	if to.Parents != nil {          // a parent in the segment is found by the ids of all rows
		read, in = nil, pick
	}
	if to.Traces != nil || to.Parents != nil {
		if traces, err = x.Traces(read, places != nil); err != nil {
			return err
		}
	}
	if to.Traces != nil {
		clear(to.Traces)
		for i := range to.Traces {
			if at != nil {
				at[i].trace = traces.place(rowOf(in, i))
			} else {
				copy(to.Traces[i][:], traces.of(rowOf(in, i)))
			}
		}
	}
	if to.Spans != nil || to.Parents != nil {
		if spans, err = x.Spans(read, places != nil); err != nil {
			return err
		}
	}
	if to.Spans != nil {
		clear(to.Spans)
		for i := range to.Spans {
			if at != nil {
				at[i].span = spans.place(rowOf(in, i))
			} else {
				copy(to.Spans[i][:], spans.of(rowOf(in, i)))
			}
		}
	}
	if len(to.Parents) == 0 {
		return nil
	}
	return x.parents(&spans, traces.index, pick, to.Parents, at)
}

// rowOf is the segment's row that the ith picked one is.
func rowOf(pick []uint32, i int) int {
	if pick == nil {
		return i
	}
	return int(pick[i])
}

// Parents fills dst with the parents of all rows, whose span ids and traces were read.
func (x *Reader) Parents(spans *Column, traces []int64, dst [][8]byte) error {
	return x.parents(spans, traces, nil, dst, nil)
}

// Column is a column of ids as a segment holds it. It lies in the memory of its Reader and of the segment.
type Column struct {
	size  int
	index []int64 // per row, or per picked row: its id; nil: no row has one
	ids   []byte  // distinct ones, one after the other; nil where only places are wanted
	at    int     // where they begin in the body
}

// of is the id of a row, by its place in the index, as it stands in the segment; nil where there are none.
func (c *Column) of(i int) []byte {
	if c.index == nil {
		return nil
	}
	at := int(c.index[i]) * c.size
	return c.ids[at : at+c.size]
}

// place is where the id of a row, by its place in the index, stands in the body; nowhere where there are none.
func (c *Column) place(i int) int {
	if c.index == nil {
		return nowhere
	}
	return c.at + int(c.index[i])*c.size
}

// Distinct is the distinct ids, one after the other, and which of them each row has; nil where no row has one.
func (c *Column) Distinct() (ids []byte, index []int64) { return c.ids, c.index }

// Traces reads the trace ids of all rows, or of those in pick, in rising order, or only where they lie; without a section there are none.
func (x *Reader) Traces(pick []uint32, places bool) (Column, error) {
	return x.column(container.SectionTraceIDs, otlp.TraceIDSize, pick, places, &x.traceIndex)
}

// Spans reads the span ids of rows, as Traces does.
func (x *Reader) Spans(pick []uint32, places bool) (Column, error) {
	return x.column(container.SectionSpanIDs, otlp.SpanIDSize, pick, places, &x.spanIndex)
}

// column reads the ids of a section; the index lies in memory.
func (x *Reader) column(id uint8, size int, pick []uint32, places bool, memory *[]int64) (Column, error) {
	c := Column{size: size}
	s := x.d.Section(id)
	if s == nil {
		return c, nil
	}
	src, at, err := x.source(s, places)
	if err != nil {
		return c, err
	}
	c.at = at
	if d := src.Count(x.d.Items); d != s.Count {
		src.Bad = true
	}
	if !places {
		c.ids = src.Take(&src.Plain, Bytes(s))
	}
	x.numbers(src, s.Count, x.d.Items, pick)
	*memory, x.index = x.index, *memory
	c.index = *memory
	if src.Bad {
		return c, container.Damagedf("ids of section %d", id)
	}
	return c, nil
}

// source opens a section that begins with ids. Where only places are wanted, plain is what follows them; at is where they begin in
// the body.
func (x *Reader) source(s *container.Section, places bool) (src *streams.Source, at int, err error) {
	if !places || Bytes(s) == 0 {
		src, err = x.in.Source(s)
		return src, 0, err
	}
	rest := *s
	plain := &rest.Streams[container.StreamPlain]
	ids := int32(Bytes(s))
	if plain.Length < ids {
		return nil, 0, container.Damagedf("ids of section %d", s.ID)
	}
	at = x.d.Frames[plain.Frame].Offset + int(plain.Offset)
	plain.Offset, plain.Length = plain.Offset+ids, plain.Length-ids
	src, err = x.in.Source(&rest)
	return src, at, err
}

// distinct reads the distinct ids of a column of n; which of them each row has is left in x.index.
func (x *Reader) distinct(src *streams.Source, size, n int) []byte {
	d := src.Count(n)
	b := src.Take(&src.Plain, d*size)
	x.numbers(src, d, n, nil)
	return b
}

// numbers reads which of d distinct ids each of n rows has into x.index; where pick is not nil, only those rows.
func (x *Reader) numbers(src *streams.Source, d, n int, pick []uint32) {
	if src.Bad || d > n || d == 0 && n > 0 {
		src.Bad = true
		return
	}
	switch {
	case pick != nil && d == n:
		x.index = scratch.Slice(x.index, len(pick))
		for i, row := range pick {
			x.index[i] = int64(row)
		}
	case pick != nil:
		x.index = scratch.Slice(x.index, len(pick))
		x.ints.Pick(src, n, pick, x.index)
	case d == n:
		x.index = scratch.Slice(x.index, n)
		for i := range x.index {
			x.index[i] = int64(i)
		}
	default:
		x.index = scratch.Slice(x.index, n)
		x.ints.Read(src, x.index)
	}
	for _, e := range x.index {
		if uint64(e) >= uint64(d) {
			src.Bad = true
			return
		}
	}
}

// NestedTraces fills dst with the trace ids of nested rows, which src has next.
func (x *Reader) NestedTraces(src *streams.Source, dst [][16]byte) {
	b := x.distinct(src, otlp.TraceIDSize, len(dst))
	if src.Bad {
		return
	}
	for i, e := range x.index {
		dst[i] = [16]byte(b[e*16:])
	}
}

// NestedSpans fills dst with the span ids of nested rows, which src has next.
func (x *Reader) NestedSpans(src *streams.Source, dst [][8]byte) {
	b := x.distinct(src, otlp.SpanIDSize, len(dst))
	if src.Bad {
		return
	}
	for i, e := range x.index {
		dst[i] = [8]byte(b[e*8:])
	}
}

// fewParents is how many parents are sought row by row. Sorting 4,000 rows by trace takes as long as some twenty searches.
const fewParents = 16

// parents fills dst with the parents of the picked rows, or at with where they lie. spans and traces, each row's trace (nil: all are of one),
// are of all rows.
func (x *Reader) parents(spans *Column, traces []int64, pick []uint32, dst [][8]byte, at []place) error {
	clear(dst)
	s := x.d.Section(container.SectionParentIDs)
	if s == nil {
		return nil
	}
	src, from, err := x.source(s, at != nil)
	if err != nil {
		return err
	}
	var raw []byte
	if at == nil {
		raw = src.Take(&src.Plain, Bytes(s))
	}
	codes := scratch.Slice(x.codes, x.d.Items)
	x.codes = codes
	if x.ints.Read(src, codes); src.Bad {
		return container.Damagedf("parent ids")
	}
	near := 0 // picked rows whose parent is in the segment
	for i := range dst {
		if codes[rowOf(pick, i)] >= parentRank {
			near++
		}
	}
	sorted := near > fewParents && traces != nil
	if sorted {
		x.sortByTrace(traces)
	}
	passed, next := 0, 0 // rows whose codes were looked at, and how many of these have raw ids
	for i := range dst {
		row := rowOf(pick, i)
		for _, c := range codes[passed:row] {
			if c == parentRaw {
				next++
			}
		}
		passed = row
		switch c := codes[row]; {
		case c == parentNone:
		case c == parentRaw && next < s.Count:
			if at != nil {
				at[i].parent = from + next*otlp.SpanIDSize
			} else {
				dst[i] = [8]byte(raw[next*otlp.SpanIDSize:])
			}
		case c >= parentRank:
			parent := x.ofTrace(traces, row, c-parentRank, sorted)
			if parent < 0 {
				return container.Damagedf("parent ids")
			}
			if at != nil {
				at[i].parent = spans.place(parent)
			} else {
				copy(dst[i][:], spans.of(parent))
			}
		default:
			return container.Damagedf("parent ids")
		}
	}
	return nil
}

// sortByTrace lists the rows by trace, in order: those of trace t are byTrace[starts[t]:starts[t+1]].
func (x *Reader) sortByTrace(traces []int64) {
	n := x.d.Items
	starts := scratch.Slice(x.starts, n+2)
	x.starts = starts
	clear(starts)
	for _, t := range traces {
		starts[t+1]++
	}
	for i := range n {
		starts[i+1] += starts[i]
	}
	rows := scratch.Slice(x.byTrace, n)
	x.byTrace = rows
	x.ended = append(x.ended[:0], starts...)
	at := x.ended
	for i, t := range traces {
		rows[at[t]] = uint32(i)
		at[t]++
	}
}

// ofTrace is the row that has rank rows of the same trace before it, for the trace of a row; -1 if there is none.
func (x *Reader) ofTrace(traces []int64, row int, rank int64, sorted bool) int {
	switch {
	case traces == nil && rank < int64(x.d.Items):
		return int(rank)
	case traces == nil:
	case sorted:
		if own := x.byTrace[x.starts[traces[row]]:x.starts[traces[row]+1]]; rank < int64(len(own)) {
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
