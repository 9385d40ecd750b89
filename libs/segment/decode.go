package segment

// Reading a segment into a table: all rows or some (sections 5 and 9 of docs/segment-format.md). The parsers of sections are shared with
// View, which reads without a table. Invariants: an error leaves the table as it was; rows that were picked do not refer to the segment, all
// rows do until Reset.

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/attributes"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/ids"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
)

// decoder reads one segment after the other. What it decodes of one is valid until the next is opened, if nothing else is said.
type decoder struct {
	in    *container.Reader
	r     *integers.Decoder
	lists *attributes.Reader

	d      *container.Directory // of the open segment
	needs  *needs
	pick   []uint32     // rows to read, in rising order; nil: all
	picked int          // how many these are
	places bool         // of the ids of items, find only where they lie
	memory *arena.Arena // of what in unzips
	kept   *arena.Arena // of what the values of the table refer to, if not to frames
	built  int          // bytes of strings that were put together from templates for the table

	columns columnReader
	dicts   dictionaryReader
	blocks  attributeReader
	kids    childReader
	valueReader
	ids *ids.Reader

	resources, scopes, metrics, series []uint32 // segment index → table index
	items                              []int64  // of a dictionary, by entry: how many items refer to it
	place                              []uint32 // per entry of a dictionary: whether it is needed, or its place; valid during one call
}

// reset forgets what refers to segments that were read.
func (x *decoder) reset() {
	x.in.Forget()
	x.ids.Open(nil)
	x.dicts.forget()
	clear(x.texts[:cap(x.texts)])
	x.parsed.Forget()
	x.d, x.needs, x.pick = nil, nil, nil
}

// valueReader turns a dictionary of values into values of the table. All of it is valid during one list of values.
type valueReader struct {
	parsed   values.Column
	values   []ValueID // of the table, by entry of the dictionary
	interned []uint32  // per entry of the dictionary: its ValueID + 1, where a picked row has it
	texts    [][]byte
}

// columnReader holds integer columns.
type columnReader struct {
	read   [table.IntColumns][]int64 // of all rows, as far as they were decoded
	memory [table.IntColumns][]int64
	v, w   []int64 // numbers of some points, and of others; valid during one call
}

// mostArena is what a table keeps of its memory of decoded values when it is reset: enough for rows of a few segments. A merge needs
// more, seldom.
const mostArena = 1 << 20

// AppendSegment decodes the wanted columns and appends the segment's rows to t, in the segment's order. parts must cover d.Ranges(w);
// the table refers to them until Reset. All segments appended to one table must be read with the same Want. On an error (fault.Internal,
// code "segment.damaged") the table is as it was before. Who reads everything writes it anew: a segment with anything that this program does
// not know and must is then refused, fault.Internal with code "segment.extension".
func (t *Table) AppendSegment(d *Directory, parts []Part, w Want) error {
	return t.append(d, parts, w, nil)
}

// AppendRows is AppendSegment for some rows of the segment, in rising order: row i of rows becomes the ith that is appended. Of most
// columns no more is decoded than these need: one row of 4,000 takes a tenth of the time of all. What is appended does not refer to parts. Of a
// segment with sections that this program does not know, all else is read, and the table cannot be encoded.
func (t *Table) AppendRows(d *Directory, parts []Part, w Want, rows []uint32) error {
	if err := d.checkRows(rows); err != nil {
		return err
	}
	if rows == nil {
		rows = []uint32{}
	}
	return t.append(d, parts, w, rows)
}

func (d *Directory) checkRows(rows []uint32) error {
	next := 0
	for _, r := range rows {
		if int(r) >= d.dir.Items || int(r) < next {
			return errRows.Newf("row %d of %d is asked for, or out of order", r, d.dir.Items)
		}
		next = int(r) + 1
	}
	return nil
}

func (t *Table) append(d *Directory, parts []Part, w Want, pick []uint32) error {
	if t.decoder == nil {
		x, err := newDecoder(&t.arena)
		if err != nil {
			return err
		}
		t.decoder = x
	}
	t.decoder.open(d, parts)
	err := t.appendFrom(t.decoder, w, pick)
	t.decoder.close()
	return err
}

// appendFrom appends the picked rows of the segment that x has open, or all.
func (t *Table) appendFrom(x *decoder, w Want, pick []uint32) error {
	if x.d.Signal != t.Signal {
		return errSignal.Newf("a segment of %s cannot be read into a table of %s", x.d.Signal, t.Signal)
	}
	x.needs, x.pick, x.picked, x.places, x.kept = needsOf(x.d, w), pick, x.d.Items, w.IDPlaces, &t.arena
	if pick != nil {
		x.picked = len(pick)
	}
	x.built = 0
	before := t.b.Mark()
	if !w.All || w.IDPlaces {
		t.b.Partial = true
	}
	err := t.decode(x)
	if err != nil {
		t.rollback(before)
	}
	x.needs, x.pick, x.places, x.kept = nil, nil, false, nil
	return err
}

func newDecoder(memory *arena.Arena) (*decoder, error) {
	in, err := container.NewReader(memory)
	if err != nil {
		return nil, err
	}
	r := integers.NewDecoder()
	return &decoder{in: in, r: r, ids: ids.NewReader(in, r), lists: attributes.NewReader(r), dicts: dictionaryReader{ints: r}, memory: memory}, nil
}

// open begins with another segment.
func (x *decoder) open(d *Directory, parts []Part) {
	x.d = &d.dir
	x.in.Open(x.d, parts)
	x.ids.Open(x.d)
	clear(x.columns.read[:])
}

// close lets go of the segment, but for what was unzipped of it.
func (x *decoder) close() {
	x.d = nil
	x.in.Close()
	x.ids.Open(nil)
}

func (t *Table) decode(x *decoder) error {
	if x.needs.want.All {
		if err := x.d.Understood(); err != nil {
			if x.pick == nil { // a merge, which writes anew what it reads, must understand all
				return err
			}
			t.b.Partial = true
		}
	}
	steps := [...]func(*decoder) error{
		t.readResources, t.readScopes, t.readMetrics, t.readSeries, t.readInts, t.readTexts, t.readIDs, t.readAttributes, t.readLists,
		t.readChildren,
	}
	for _, step := range steps {
		if err := step(x); err != nil {
			return err
		}
	}
	t.N += x.picked
	raw := x.built
	for i := range x.d.Frames {
		raw += x.d.Frames[i].Raw
	}
	for range x.picked {
		t.b.Weigh(uint32(min(raw/x.d.Items, MaxItemBytes)))
	}
	return nil
}

// readIDs appends the ids of items that are wanted, or where they lie.
func (t *Table) readIDs(x *decoder) error {
	w := &x.needs.want
	var to ids.Columns
	if t.b.Schema.TraceIDs && (w.All || w.TraceIDs) {
		t.TraceIDs = grow(t.TraceIDs, x.picked)
		to.Traces = t.TraceIDs[len(t.TraceIDs)-x.picked:]
	}
	if t.b.Schema.SpanIDs && (w.All || w.SpanIDs) {
		t.SpanIDs = grow(t.SpanIDs, x.picked)
		to.Spans = t.SpanIDs[len(t.SpanIDs)-x.picked:]
	}
	if t.b.Schema.Parents && (w.All || w.ParentIDs) {
		t.ParentIDs = grow(t.ParentIDs, x.picked)
		to.Parents = t.ParentIDs[len(t.ParentIDs)-x.picked:]
	}
	if x.places {
		return x.ids.Items(&to, x.pick, &t.places)
	}
	return x.ids.Items(&to, x.pick, nil)
}

// IDRanges appends the ranges of the body that SetIDs needs for a row that was read with Want.IDPlaces; there are none for other rows.
func (t *Table) IDRanges(to []Range, row uint32) []Range {
	return t.places.Ranges(to, row, &ids.Columns{Traces: t.TraceIDs, Spans: t.SpanIDs, Parents: t.ParentIDs})
}

// SetIDs gives a row its ids: the bytes of the first parts are those of its IDRanges. It returns the parts of other rows.
func (t *Table) SetIDs(row uint32, parts []Part) (rest []Part, err error) {
	rest, ok := t.places.Set(row, &ids.Columns{Traces: t.TraceIDs, Spans: t.SpanIDs, Parents: t.ParentIDs}, parts)
	if !ok {
		return rest, errParts.New("the bytes of ids are not those that were asked for")
	}
	return rest, nil
}

// grow adds n elements to a column.
func grow[T any](s []T, n int) []T {
	s = slices.Grow(s, n)
	if s == nil {
		s = []T{}
	}
	return s[:len(s)+n]
}

// none is an empty pick in the memory of another; a pick that is nil is of all rows.
func none(pick []uint32) []uint32 {
	if pick == nil {
		return []uint32{}
	}
	return pick[:0]
}

// take appends the picked ones of a column's values.
func take[T any](to, from []T, pick []uint32) []T {
	if pick == nil {
		return append(to, from...)
	}
	to = grow(to, len(pick))
	for k, r := range pick {
		to[len(to)-len(pick)+k] = from[r]
	}
	return to
}
