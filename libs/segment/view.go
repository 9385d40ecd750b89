package segment

// Reading a segment without a table (sections 5, 7, 8 and 9 of docs/segment-format.md), for questions about many rows. The parsers of sections
// are shared with decode.go. Invariant: damage is kept, never thrown: whoever has asked looks at Err.

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/attributes"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/ids"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// View reads one segment where it lies: a column is decoded when it is first asked for, the values of a dictionary are not interned, and
// no string is put together before somebody looks at it. It is for questions about many rows; for the few that are the answer,
// there is Table.AppendRows.
//
// What it returns is valid until the next Open, and must not be changed. Damage is kept and reported by Err; columns hold anything then.
// One goroutine uses a View.
type View struct {
	x   *decoder
	d   *Directory // of the open segment
	err error

	traces  *TraceIDs
	spans   [][8]byte
	parents [][8]byte
	spanIDs ids.Column // what spans was made of

	idMemory                 TraceIDs // of these columns, from one segment to the next
	spanMemory, parentMemory [][8]byte

	texts     [table.TextColumns]*Values
	keys      map[string]*Values
	resources *Resources
	scopes    *Scopes

	resMemory   Resources
	scopeMemory Scopes

	shapes  *attributes.Plan   // of items; nil: not read yet
	shaping *attributes.Reader // makes shapes, which must outlive the dictionaries that are read after it
	empty   Values
	pool    []*Values
	used    int
	series  seriesReader
	named   []string          // by Services: of each value of one attribute
	names   map[string]string // interned, so that thousands of segments do not make the same few strings anew
}

// NewView makes a View; Open makes it useful.
func NewView() (*View, error) {
	x, err := newDecoder(&arena.Arena{})
	if err != nil {
		return nil, err
	}
	v := &View{x: x, shaping: attributes.NewReader(x.r), keys: map[string]*Values{}, names: map[string]string{}}
	v.empty = Values{view: v, key: -1, located: true}
	return v, nil
}

const (
	mostNames  = 1 << 12
	mostMemory = 16 << 20 // bytes that are kept from one segment to the next
)

// Open begins with a segment. parts must cover d.Ranges(w) of all that will be asked for.
func (v *View) Open(d *Directory, parts []Part) {
	v.spanIDs = ids.Column{}
	v.err, v.traces, v.spans, v.parents, v.resources, v.scopes, v.shapes, v.used = nil, nil, nil, nil, nil, nil, nil, 0
	clear(v.texts[:])
	clear(v.keys)
	v.x.memory.Renew(mostMemory)
	v.d = d
	v.x.open(d, parts)
}

// Close lets go of the segment.
func (v *View) Close() {
	v.d = nil
	v.x.reset()
	v.x.memory.Shrink(mostMemory)
	for i, c := range v.pool {
		c.column.Forget()
		if c.memory() > mostMemory {
			v.pool[i] = &Values{view: v}
		}
	}
}

// Err is the first damage that was met, fault.Internal with code "segment.damaged".
func (v *View) Err() error { return v.err }

func (v *View) fail(err error) {
	if v.err == nil {
		v.err = err
	}
}

func (v *View) bad(what string, args ...any) { v.fail(damagedf(what, args...)) }

// Len is how many items the segment has.
func (v *View) Len() int { return v.x.d.Items }

// Signal is what kind of items they are.
func (v *View) Signal() telemetry.Signal { return v.x.d.Signal }

// Ints is an integer column. ColResource, ColScope and ColSeries number the segment's own dictionaries; where Err is nil, ColResource
// stays within Resources and ColSeries within Series.
func (v *View) Ints(c Column) []int64 {
	col, err := v.x.column(c)
	if err != nil {
		v.fail(err)
	}
	if id, ok := numbered(c); ok && v.err == nil {
		n := 0
		if s := v.x.d.Section(id); s != nil {
			n = s.Count
		}
		for _, r := range col {
			if uint64(r) >= uint64(n) {
				v.bad("column %d refers to entry %d of %d", c, r, n)
				break
			}
		}
	}
	return col
}

// numbered is the dictionary that a column numbers and that a View gives as a list.
func numbered(c Column) (section uint8, ok bool) {
	switch c {
	case ColResource:
		return container.SectionResources, true
	case ColSeries:
		return container.SectionSeries, true
	}
	return 0, false
}

// Pick is an integer column of some rows, in rising order: where these are few, it takes a fraction of the time of Ints.
func (v *View) Pick(c Column, rows []uint32) []int64 {
	out := make([]int64, len(rows))
	if err := v.x.someInts(c, rows, out); err != nil {
		v.fail(err)
	}
	return out
}

// TraceIDs is a column of trace ids.
type TraceIDs struct {
	Distinct [][16]byte
	Rows     []int64 // per row: which of them
}

// TraceIDs is the trace id of each row; 16 zero bytes are none.
func (v *View) TraceIDs() *TraceIDs {
	if v.traces != nil {
		return v.traces
	}
	t, n := &v.idMemory, v.Len()
	v.traces = t
	t.Distinct, t.Rows = append(t.Distinct[:0], [16]byte{}), scratch.Slice(t.Rows, n)
	clear(t.Rows)
	column, err := v.x.ids.Traces(nil, false)
	if err != nil {
		v.fail(err)
		return t
	}
	b, index := column.Distinct()
	if index == nil {
		return t
	}
	t.Distinct = scratch.Slice(t.Distinct, len(b)/otlp.TraceIDSize)
	for i := range t.Distinct {
		t.Distinct[i] = [16]byte(b[i*otlp.TraceIDSize:])
	}
	copy(t.Rows, index)
	return t
}

// SpanIDs is the span id of each row; 8 zero bytes are none.
func (v *View) SpanIDs() [][8]byte {
	if v.spans != nil {
		return v.spans
	}
	v.spanMemory = scratch.Slice(v.spanMemory, v.Len())
	clear(v.spanMemory)
	v.spans = v.spanMemory
	column, err := v.x.ids.Spans(nil, false)
	if err != nil {
		v.fail(err)
		return v.spans
	}
	v.spanIDs = column
	b, index := column.Distinct()
	for i, e := range index {
		v.spans[i] = [8]byte(b[e*otlp.SpanIDSize:])
	}
	return v.spans
}

// ParentIDs is the parent's span id of each row; 8 zero bytes are none.
func (v *View) ParentIDs() [][8]byte {
	if v.parents != nil {
		return v.parents
	}
	v.parentMemory = scratch.Slice(v.parentMemory, v.Len())
	v.parents = v.parentMemory
	traces := v.TraceIDs().Rows
	v.SpanIDs()
	if v.err == nil {
		if err := v.x.ids.Parents(&v.spanIDs, traces, v.parents); err != nil {
			v.fail(err)
		}
	}
	return v.parents
}

// Text is a text column of spans or log records.
func (v *View) Text(c TextColumn) *Values {
	if v.texts[c] != nil {
		return v.texts[c]
	}
	v.texts[c] = &v.empty
	if s := v.x.d.Section(container.SectionText + uint8(c)); s != nil {
		v.texts[c] = v.section(s, v.Len())
	}
	return v.texts[c]
}

// Attribute is the values of an item attribute; a row that has the key several times has several.
func (v *View) Attribute(key string) *Values {
	c := v.keys[key]
	if c != nil {
		return c
	}
	v.keys[key] = &v.empty
	s, at := v.x.d.Key(key)
	if s == nil {
		return &v.empty
	}
	if c = v.section(s, s.Count); c != &v.empty {
		c.key, c.located = at, false
	}
	v.keys[key] = c
	return c
}

// shape is the shapes of items; of no rows where they are damaged.
func (v *View) shape() *attributes.Plan {
	if v.shapes != nil {
		return v.shapes
	}
	v.shapes = &attributes.Plan{}
	if v.err != nil {
		return v.shapes
	}
	s := v.x.d.Section(container.SectionShapes)
	if s == nil {
		v.bad("attribute shapes are missing")
		return v.shapes
	}
	src, err := v.x.in.Source(s)
	if err != nil {
		v.fail(err)
		return v.shapes
	}
	v.shapes = v.shaping.Shapes(src, v.Len(), len(v.x.d.Keys))
	if src.Bad {
		v.bad("attribute shapes")
	}
	return v.shapes
}

// section parses the n values of a section of their own. What the head has of them is read at once, the body only for what the head has not.
func (v *View) section(s *container.Section, n int) *Values {
	head, err := v.x.in.Head(s)
	if err != nil {
		v.fail(err)
		return &v.empty
	}
	if head == nil {
		src, err := v.x.in.Source(s)
		if err != nil {
			v.fail(err)
			return &v.empty
		}
		return v.values(src, n)
	}
	c := v.take(n)
	if c.column.ReadHead(v.x.r, head, n, s.Distinct); head.Bad {
		v.bad("%s", s.Name())
		return &v.empty
	}
	if c.codes = nil; c.column.Counts() != nil {
		c.behind = s
	}
	return c
}

// values parses a list of n values.
func (v *View) values(src *streams.Source, n int) *Values {
	c := v.take(n)
	c.column.Read(v.x.r, src, n)
	c.codes = c.column.Codes()
	if src.Bad {
		v.bad("a list of values")
		return &v.empty
	}
	return c
}

// take is a Values of n entries, of which nothing is known yet.
func (v *View) take(n int) *Values {
	if v.used == len(v.pool) {
		v.pool = append(v.pool, &Values{view: v})
	}
	c := v.pool[v.used]
	v.used++
	c.entries, c.key, c.located, c.rows, c.behind = n, -1, true, c.rows[:0], nil
	return c
}

// Read decodes rows of the segment in full, or as far as w wants, into t, which must be empty or hold rows read with the same w. rows are
// in rising order; nil reads all. Rows do not refer to the segment, all do. What the View returned before may not be used any more, but what it
// unzipped and decoded for that is not done again for rows.
func (v *View) Read(t *Table, w Want, rows []uint32) error {
	if v.d == nil {
		return errClosed.New("the view has no segment")
	}
	if rows == nil {
		return t.AppendSegment(v.d, v.x.in.Parts(), w)
	}
	if err := v.d.checkRows(rows); err != nil {
		return err
	}
	v.spans, v.parents, v.spanIDs = nil, nil, ids.Column{} // what they are made of lies in memory that is used now
	return t.appendFrom(v.x, w, rows)
}
