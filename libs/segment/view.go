package segment

// Reading a segment without a table (sections 5, 7, 8 and 9 of docs/segment-format.md), for questions about many rows. The parsers of sections
// are shared with decode.go. Invariant: damage is kept, never thrown: whoever has asked looks at Err.

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/attributes"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/ids"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
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

// Values is a column of values as the segment holds it: entries in row order, and the distinct values that they have. Entry e has the value
// with the number Code(e), and belongs to the row Rows()[e].
type Values struct {
	view    *View
	entries int
	column  values.Column      // the distinct values, or all
	codes   []int64            // the number of each entry's value, in the column's memory; nil where entry e has value e, or behind is not read
	behind  *container.Section // has the codes of a column whose values came from the head; nil once they are read
	key     int                // number of the attribute key, whose rows the shapes of items tell; -1 for other columns
	located bool               // whether rows is known; of an attribute it is found when it is first asked for
	rows    []uint32           // the row of each entry; empty where entry e belongs to row e
	pass    []bool
	some    []bool
}

// memory is how many bytes c holds on to.
func (c *Values) memory() int { return c.column.Memory() + 4*cap(c.rows) }

// Distinct is how many values there are; none is there for nothing.
func (c *Values) Distinct() int {
	if c.entries == 0 {
		return 0
	}
	return c.column.Len()
}

// Value is one of the distinct values; ok is false for the one that stands for none (in a text column: the empty string). Raw is valid
// until the next call.
func (c *Values) Value(i int) (v Value, ok bool) {
	v, sound := c.column.At(i)
	if !sound {
		c.view.bad("a value")
	}
	return v, sound && v.Type != values.Absent
}

// Entries is how many values all rows have together.
func (c *Values) Entries() int { return c.entries }

// read reads the codes of a column whose values came from the head.
func (c *Values) read() {
	s := c.behind
	c.behind = nil
	src, err := c.view.x.in.Source(s)
	if err != nil {
		c.view.fail(err)
		src = &streams.Source{Bad: true}
	}
	if c.column.ReadCodes(c.view.x.r, src, c.entries); src.Bad {
		c.view.bad("%s", s.Name())
	}
	c.codes = c.column.Codes()
}

// Code is which of the distinct values an entry is.
func (c *Values) Code(entry int) int {
	if c.behind != nil {
		c.read()
	}
	if c.codes == nil {
		return entry
	}
	return int(c.codes[entry])
}

// Rows is the row of each entry; nil where entry i is of row i.
func (c *Values) Rows() []uint32 {
	if c.located {
		if len(c.rows) == 0 {
			return nil
		}
		return c.rows
	}
	c.located = true
	rows, once, ok := c.view.shape().Locate(c.rows[:0], c.key, c.entries)
	c.rows = rows
	if !ok {
		c.view.bad("attribute %q has %d values, not what its shapes say", c.view.x.d.Keys[c.key].Key, c.entries)
		c.entries = 0
		return nil
	}
	if once {
		return nil
	}
	return c.rows
}

// Test is a predicate on values.
type Test struct {
	// Match tells whether a value passes.
	Match func(v Value) bool

	// Equal and Contains save calls of Match for strings. Where Equal is given, a string can pass only if it equals one of them; where
	// Contains is given, only if it contains every one of them. Both are compared with templates and with whole runs of text, without putting
	// each string together.
	Equal, Contains [][]byte

	// StringsDecided says that Equal or Contains is all there is to say of strings: Match is not asked about them.
	StringsDecided bool
}

// Pass tells of each distinct value whether it passes, and whether any does. The list is valid until the next call.
func (c *Values) Pass(t *Test) (pass []bool, anyOf bool) {
	n := c.Distinct()
	c.pass = scratch.Slice(c.pass, n)
	l := &c.column
	narrow := (t.Equal != nil || t.Contains != nil) && n > 0 && l.Texts() > 0
	if narrow {
		c.some = scratch.Slice(c.some, l.Texts())
		var sound bool
		if t.Equal != nil {
			sound = l.Equal(t.Equal, c.some)
		} else {
			sound = l.Contain(t.Contains, c.some)
		}
		if !sound {
			c.view.bad("a string")
			return c.pass[:0], false
		}
		if l.AllStrings() && (t.StringsDecided || !slices.Contains(c.some, true)) {
			c.pass, c.some = c.some, c.pass
			return c.pass, slices.Contains(c.pass, true)
		}
	}
	for i := range c.pass {
		typ := l.TypeAt(i)
		c.pass[i] = false
		if typ == values.Absent {
			continue
		}
		if narrow && typ == String {
			if !c.some[l.Ordinal(i)] {
				continue
			}
			if t.StringsDecided {
				c.pass[i], anyOf = true, true
				continue
			}
		}
		v, ok := c.Value(i)
		c.pass[i] = ok && t.Match(v)
		anyOf = anyOf || c.pass[i]
	}
	return c.pass, anyOf
}

// Mark sets hits of the rows that have a value that passes.
func (c *Values) Mark(pass, hits []bool) {
	rows := c.Rows()
	for e := range c.entries {
		if pass[c.Code(e)] {
			if rows == nil {
				hits[e] = true
			} else {
				hits[rows[e]] = true
			}
		}
	}
}

// Count adds to counts, by value, how many entries of all rows have it, or of those rows that within holds. Without within, the rows of
// entries are not asked for, nor is the body, where the head tells.
func (c *Values) Count(within []bool, counts []int64) {
	if within == nil && c.entries > 0 && c.column.Counts() != nil { // no entries: they are damaged
		for i, n := range c.column.Counts() {
			counts[i] += n
		}
		return
	}
	if within == nil {
		for e := range c.entries {
			counts[c.Code(e)]++
		}
		return
	}
	rows := c.Rows()
	for e := range c.entries {
		row := e
		if rows != nil {
			row = int(rows[e])
		}
		if within[row] {
			counts[c.Code(e)]++
		}
	}
}

// Service names a service.
type Service struct{ Name, Namespace string }

// block is the attributes of a dictionary's entries.
type block struct {
	keys   []string
	values []*Values // by key; the row of an entry is its place in the dictionary
}

// Attribute is the values of an attribute of the dictionary's entries; the rows of its own entries are numbers of these. nil where none has it.
func (b *block) Attribute(key string) *Values {
	if i := slices.Index(b.keys, key); i >= 0 {
		return b.values[i]
	}
	return nil
}

func (b *block) forget() { b.keys, b.values = b.keys[:0], b.values[:0] }

// Resources is a segment's dictionary of resources.
type Resources struct {
	N int
	block
	items    []int64
	services []Service
}

// Scopes is a segment's dictionary of scopes.
type Scopes struct {
	N int
	block
	Names, Versions [][]byte // by scope; empty for none
	items           []int64
}

// Resources is the dictionary that ColResource numbers.
func (v *View) Resources() *Resources {
	if v.resources != nil {
		return v.resources
	}
	r := &v.resMemory
	v.resources = r
	*r = Resources{block: r.block, items: r.items[:0], services: r.services[:0]}
	r.forget()
	src, n := v.dictionary(container.SectionResources, &r.items)
	if src == nil {
		return r
	}
	if v.x.dicts.readResourceHeads(src, n); !src.Bad {
		v.block(src, n, &r.block)
	}
	if src.Bad {
		v.bad("resources")
		r.forget()
		return r
	}
	r.N = n
	return r
}

// Scopes is the dictionary that ColScope numbers.
func (v *View) Scopes() *Scopes {
	if v.scopes != nil {
		return v.scopes
	}
	r := &v.scopeMemory
	v.scopes = r
	*r = Scopes{block: r.block, items: r.items[:0], Names: r.Names[:0], Versions: r.Versions[:0]}
	r.forget()
	src, n := v.dictionary(container.SectionScopes, &r.items)
	if src == nil {
		return r
	}
	d := &v.x.dicts
	r.Names = append(r.Names, d.readTexts(0, src, n)...)
	r.Versions = append(r.Versions, d.readTexts(1, src, n)...)
	d.readTexts(2, src, n)
	if d.readNumbers(0, src, n); !src.Bad {
		v.block(src, n, &r.block)
	}
	if src.Bad {
		v.bad("scopes")
		r.forget()
		return r
	}
	r.N = n
	return r
}

// dictionary opens the dictionary with a number of a section: its streams (nil without one), its entries, and into items how many items refer to each, where the
// head tells.
func (v *View) dictionary(id uint8, items *[]int64) (src *streams.Source, n int) {
	s := v.x.d.Section(id)
	if s == nil {
		return nil, 0
	}
	src, counts, err := v.x.dictionary(s)
	if err != nil {
		v.fail(err)
		return nil, 0
	}
	*items = append(*items, counts...)
	return src, s.Count
}

// ResourceItems is how many spans or log records have each resource. It needs ColResource only where the head does not tell.
func (v *View) ResourceItems() []int64 {
	r := v.Resources()
	r.items = v.referred(r.items, r.N, ColResource)
	return r.items
}

// ScopeItems is how many spans or log records have each scope. It needs ColScope only where the head does not tell.
func (v *View) ScopeItems() []int64 {
	r := v.Scopes()
	r.items = v.referred(r.items, r.N, ColScope)
	return r.items
}

// referred counts, unless that was done, which of n entries the rows of a column refer to.
func (v *View) referred(items []int64, n int, c Column) []int64 {
	if len(items) > 0 || n == 0 {
		return items
	}
	items = scratch.Slice(items, n)
	clear(items)
	for _, r := range v.Ints(c) {
		if uint64(r) >= uint64(n) {
			v.bad("column %d refers to entry %d of %d", c, r, n)
			break
		}
		items[r]++
	}
	return items
}

// Numbers is the different numbers of an integer column and how many rows have each. It needs the column only where the head does not tell.
func (v *View) Numbers(c Column) (numbers, rows []int64) {
	s := v.x.d.Section(uint8(c))
	switch {
	case s == nil:
		return []int64{0}, []int64{int64(v.Len())}
	case s.HasHead():
		return v.headNumbers(s)
	case s.Constant():
		return []int64{s.Min}, []int64{int64(v.Len())}
	}
	at := map[int64]int{}
	for _, x := range v.Ints(c) {
		i, ok := at[x]
		if !ok {
			i = len(numbers)
			at[x] = i
			numbers, rows = append(numbers, x), append(rows, 0)
		}
		rows[i]++
	}
	return numbers, rows
}

func (v *View) headNumbers(s *container.Section) (numbers, rows []int64) {
	head, err := v.x.in.Head(s)
	if err != nil {
		v.fail(err)
		return nil, nil
	}
	left := uint64(v.Len())
	for range head.Count(mostHeadNumbers) {
		x, n := head.Svarint(), head.Uvarint()
		if head.Bad = head.Bad || n == 0 || n > left; head.Bad {
			break
		}
		left -= n
		numbers, rows = append(numbers, x), append(rows, int64(n))
	}
	if head.Bad || left != 0 || len(head.Code) > 0 {
		v.bad("the numbers of %s", s.Name())
		return nil, nil
	}
	return numbers, rows
}

// block reads the attributes of n entries of a dictionary.
func (v *View) block(src *streams.Source, n int, r *block) {
	names, p := v.x.blockHead(src, n, nil)
	for i, name := range names {
		if src.Bad {
			return
		}
		r.keys = append(r.keys, v.name(name))
		r.values = append(r.values, v.values(src, p.Counts[i]))
	}
	if len(names) == 0 || src.Bad {
		return
	}
	row := uint32(0)
	p.EachRow(func(keys []int64) {
		for _, k := range keys {
			r.values[k].rows = append(r.values[k].rows, row)
		}
		row++
	})
}

func (v *View) name(b []byte) string {
	if s, ok := v.names[string(b)]; ok {
		return s
	}
	if len(v.names) >= mostNames {
		clear(v.names)
	}
	s := string(b)
	v.names[s] = s
	return s
}

// Services names the service of each resource, as Resource does.
func (v *View) Services() []Service {
	r := v.Resources()
	if len(r.services) == r.N {
		return r.services
	}
	r.services = scratch.Slice(r.services, r.N)
	for i := range r.services {
		r.services[i] = Service{Name: otlp.UnknownService}
	}
	set := func(key string, to func(s *Service) *string) {
		c := r.Attribute(key)
		if c == nil {
			return
		}
		v.named = v.named[:0]
		for i := range c.Distinct() { // many resources are of one service
			name := ""
			if value, ok := c.Value(i); ok && value.Type == String {
				name = v.name(value.Raw)
			}
			v.named = append(v.named, name)
		}
		for e := range c.Entries() {
			if name := v.named[c.Code(e)]; name != "" {
				*to(&r.services[c.rows[e]]) = name
			}
		}
	}
	set(otlp.ServiceName, func(s *Service) *string { return &s.Name })
	set(otlp.ServiceNamespace, func(s *Service) *string { return &s.Namespace })
	return r.services
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
