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
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
	"github.com/ollyscale/ollyscale/libs/telemetry"
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

// column decodes an integer column of all rows, once. References are those of the segment.
func (x *decoder) column(c Column) ([]int64, error) {
	if x.columns.read[c] != nil {
		return x.columns.read[c], nil
	}
	x.columns.memory[c] = scratch.Slice(x.columns.memory[c], x.d.Items)
	return x.columns.memory[c], x.fill(c, x.columns.memory[c])
}

// fill decodes an integer column into dst, and remembers it.
func (x *decoder) fill(c Column, dst []int64) (err error) {
	switch {
	case c == ColNumber:
		err = x.numberColumn(dst)
	case table.AppliesTo(c) != 0:
		err = x.sparse(c, table.AppliesTo(c), dst)
	default:
		err = x.ints(c, dst)
	}
	x.columns.read[c] = dst
	return err
}

// ints decodes a column of numbers that may be absent (zero) or constant.
func (x *decoder) ints(c Column, dst []int64) error {
	s := x.d.Section(uint8(c))
	if s == nil {
		clear(dst)
		return nil
	}
	if s.Constant() {
		if err := s.Understood(); err != nil {
			return err
		}
		for i := range dst {
			dst[i] = s.Min
		}
		return nil
	}
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	switch {
	case table.IsDouble(c):
		x.r.ReadDoubles(src, dst)
	case isRelative(c):
		relative := src.Byte()
		x.r.Read(src, dst)
		if relative != 0 {
			times, err := x.column(ColTime)
			if err != nil {
				return err
			}
			for i := range dst {
				dst[i] += times[i]
			}
		}
	default:
		x.r.Read(src, dst)
	}
	if src.Bad {
		return damagedf("column %d", c)
	}
	return nil
}

func (t *Table) readInts(x *decoder) error {
	for _, c := range t.b.Schema.Ints {
		if !x.needs.section(uint8(c)) {
			continue
		}
		if !x.needs.want.All && !slices.Contains(x.needs.want.Ints, c) {
			if _, err := x.column(c); err != nil { // others need it
				return err
			}
			continue
		}
		if err := t.readColumn(x, c); err != nil {
			return err
		}
		dst := t.Ints[c][len(t.Ints[c])-x.picked:]
		var refs []uint32
		switch c {
		case ColResource:
			refs = x.resources
		case ColScope:
			refs = x.scopes
		case ColSeries:
			refs = x.series
		default:
			continue
		}
		for i, v := range dst {
			if uint64(v) >= uint64(len(refs)) {
				return damagedf("column %d refers to entry %d of %d", c, v, len(refs))
			}
			dst[i] = int64(refs[v])
		}
	}
	if t.Signal == telemetry.Metrics && x.columns.read[ColKind] != nil {
		return t.checkKinds(x)
	}
	return nil
}

// readColumn appends an integer column.
func (t *Table) readColumn(x *decoder, c Column) error {
	before := len(t.Ints[c])
	t.Ints[c] = grow(t.Ints[c], x.picked)
	dst := t.Ints[c][before:]
	switch {
	case x.pick != nil:
		return x.someInts(c, x.pick, dst)
	case x.columns.read[c] == nil:
		return x.fill(c, dst)
	default:
		copy(dst, x.columns.read[c])
		return nil
	}
}

// someInts fills dst with an integer column of some rows, in rising order: where these are few, it takes a fraction of the time of column.
func (x *decoder) someInts(c Column, rows []uint32, dst []int64) error {
	s := x.d.Section(uint8(c))
	if x.columns.read[c] == nil && s != nil && !s.Constant() && plainInts(x.d.Signal, c) {
		src, err := x.in.Source(s)
		if err != nil {
			return err
		}
		relative := isRelative(c) && src.Byte() != 0
		if x.r.Pick(src, x.d.Items, rows, dst); src.Bad {
			return damagedf("column %d", c)
		}
		if !relative {
			return nil
		}
		times := make([]int64, len(rows))
		if err := x.someInts(ColTime, rows, times); err != nil {
			return err
		}
		for i, t := range times {
			dst[i] += t
		}
		return nil
	}
	col, err := x.column(c)
	if err != nil {
		return err
	}
	for i, r := range rows {
		dst[i] = col[r]
	}
	return nil
}

// isRelative tells of the columns that may be differences from the item's time.
func isRelative(c Column) bool { return c == ColObservedTime || c == ColStartTime }

// plainInts tells whether a column is one list of integers for all rows.
func plainInts(signal telemetry.Signal, c Column) bool {
	switch c {
	case ColTime, ColPosition, ColOrdinal, ColResource, ColScope, ColSeries, ColDuration, ColStatus, ColFlags, ColDroppedAttributes, ColDroppedEvents,
		ColDroppedLinks, ColSeverity, ColObservedTime, ColStartTime:
		return true
	case ColKind, ColHas:
		return signal != telemetry.Metrics
	default:
		return false
	}
}

// checkKinds: a point has one of the five kinds, and that of its metric where the series are read too.
func (t *Table) checkKinds(x *decoder) error {
	kinds := x.columns.read[ColKind]
	for _, k := range kinds {
		if k < int64(Gauge) || k > int64(Summary) {
			return damagedf("point of kind %d", k)
		}
	}
	if !x.needs.section(uint8(ColSeries)) {
		return nil
	}
	series := t.Ints[ColSeries][len(t.Ints[ColSeries])-x.picked:]
	for i, s := range series {
		row := i
		if x.pick != nil {
			row = int(x.pick[i])
		}
		if k := t.Metrics[t.Series[s].Metric].Kind; int64(k) != kinds[row] {
			return damagedf("point of kind %d in a metric of kind %d", kinds[row], k)
		}
	}
	return nil
}

// numberColumn decodes the values of number points.
func (x *decoder) numberColumn(dst []int64) error {
	s := x.d.Section(uint8(ColNumber))
	clear(dst)
	if s == nil {
		return nil
	}
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	has, err := x.column(ColHas)
	if err != nil {
		return err
	}
	x.numbersByHas(src, has, dst)
	if src.Bad {
		return damagedf("column %d", ColNumber)
	}
	return nil
}

func (x *decoder) numbersByHas(src *streams.Source, has, dst []int64) {
	ints, doubles := 0, 0
	for _, h := range has {
		switch {
		case h&HasInt != 0:
			ints++
		case h&HasDouble != 0:
			doubles++
		}
	}
	x.columns.v, x.columns.w = scratch.Slice(x.columns.v, ints), scratch.Slice(x.columns.w, doubles)
	x.r.Read(src, x.columns.v)
	x.r.ReadDoubles(src, x.columns.w)
	if src.Bad {
		return
	}
	v, w := x.columns.v, x.columns.w
	for i, h := range has {
		switch {
		case h&HasInt != 0:
			dst[i] = v[0]
			v = v[1:]
		case h&HasDouble != 0:
			dst[i] = w[0]
			w = w[1:]
		default:
			dst[i] = 0
		}
	}
}

func ofKind(kinds uint8, k int64) bool { return k >= 0 && k < 8 && kinds>>k&1 != 0 }

// ofKinds counts the points of the given kinds.
func (x *decoder) ofKinds(kinds uint8) (int, error) {
	column, err := x.column(ColKind)
	n := 0
	for _, k := range column {
		if ofKind(kinds, k) {
			n++
		}
	}
	return n, err
}

func (x *decoder) sparse(c Column, kinds uint8, dst []int64) error {
	clear(dst)
	if x.d.Section(uint8(c)) == nil {
		return nil
	}
	n, err := x.ofKinds(kinds)
	if err != nil {
		return err
	}
	v := scratch.Slice(x.columns.v, n)
	x.columns.v = v
	if err := x.ints(c, v); err != nil {
		return err
	}
	for i, k := range x.columns.read[ColKind] {
		if ofKind(kinds, k) {
			dst[i] = v[0]
			v = v[1:]
		}
	}
	return nil
}

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
		src, err := x.in.Source(s)
		if err != nil {
			return err
		}
		if c != TextBounds {
			t.valueColumn(x, src, table.KeyOf(c), x.d.Items, x.pick, dst)
		} else if err := t.readBounds(x, src, dst); err != nil {
			return err
		}
		if src.Bad {
			return damagedf("text column %d", c)
		}
	}
	return nil
}

// readBounds decodes the bounds of histograms, which only histograms have.
func (t *Table) readBounds(x *decoder, src *streams.Source, dst []ValueID) error {
	n, err := x.ofKinds(1 << Histogram)
	if err != nil {
		return err
	}
	x.blocks.ids = scratch.Slice(x.blocks.ids, n)
	t.valueColumn(x, src, table.KeyOf(TextBounds), n, nil, x.blocks.ids)
	if src.Bad {
		return nil
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
