package segment

// Writing rows of a table as a segment: which section stands where, and what the filters hold (sections 5 and 10 of docs/segment-format.md).
// Invariants: a table is only read; the same rows give the same bytes; keys come last, as the directory wants them.

import (
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/segment/internal/attributes"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/filter"
	"github.com/ollyscale/ollyscale/libs/segment/internal/ids"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/texts"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// encoder holds the memory for encoding segments. One encoder serves one goroutine; several encoders may encode different rows of
// the same Table at the same time.
type encoder struct {
	out    container.Writer
	s      streams.Sink // of the section being written
	h      streams.Sink // what of it goes to the head
	c      *integers.Encoder
	values *values.Encoder
	hash   xxh3.Hasher // of the checksum

	// What the filters of the segment being made will hold.
	tokens filter.Hashes
	traces filter.Hashes
	words  wordScanner
	line   []byte // the list or map whose words are looked at
	path   []byte // the way to a leaf

	columnWriter
	rowWriter
	attrs attributes.Splitter[KeyID, ValueID] // of the section being written
	tree  table.Shapes                        // of attribute lists that come without a shape of the table; valid during one section
	ids   *ids.Encoder
	childWriter
	maps [4]mapping // resources, scopes, metrics, series: table index → segment index; valid until the segment ends
}

// columnWriter gathers the numbers of columns. All of it is valid during one section.
type columnWriter struct {
	v, w   []int64 // numbers of rows; two at a time where there are two ways to write them, or integers and doubles
	turned []int64 // values of lists in the order of their places

	few   []int64 // the numbers of a column of few different ones
	often []int64 // how many rows have each of few
}

// rowWriter gathers what rows refer to. All of it is valid during one section.
type rowWriter struct {
	codes    []int64   // numbers of dictionary entries or lists
	column32 []ValueID // values of rows
}

// childWriter finds nested rows. All of it is valid during one section.
type childWriter struct {
	owner []uint32 // per nested row: its item
	child []uint32 // nested rows, or rows of points of some kinds
}

// groupLevel is the level from which on segments can be put into a Group.
const groupLevel = 2

// newEncoder makes an encoder.
func newEncoder() *encoder {
	numbers := integers.NewEncoder()
	return &encoder{c: numbers, ids: ids.NewEncoder(numbers), values: values.NewEncoder(numbers, texts.NewEncoder(numbers))}
}

// Encode writes the given rows, in the given order, as one segment. Level 0 and 1 compress with zstd 1, level 2 with zstd 3.
func (t *Table) Encode(rows []uint32, level int) (*Segment, error) {
	if t.encoder == nil {
		t.encoder = newEncoder()
	}
	return t.encoder.encode(&t.b, rows, level)
}

// AppendEncoded writes the given rows, in the given order, as one segment, or as more where one would hold more events, links, exemplars,
// attributes or other entries than a segment takes. Of one row it takes every kind that Append does.
func (t *Table) AppendEncoded(to []*Segment, rows []uint32, level int) ([]*Segment, error) {
	s, err := t.Encode(rows, level)
	switch {
	case err == nil:
		return append(to, s), nil
	case !container.ErrEntries.Matches(err) || len(rows) < 2:
		return nil, err
	}
	half := len(rows) / 2
	if to, err = t.AppendEncoded(to, rows[:half], level); err != nil {
		return nil, err
	}
	return t.AppendEncoded(to, rows[half:], level)
}

// encode writes the given rows of t, in the given order, as one segment; t is only read.
func (e *encoder) encode(t *table.Builder, rows []uint32, level int) (*Segment, error) {
	switch {
	case len(rows) == 0 || len(rows) > MaxItems:
		return nil, errRows.Newf("a segment holds 1 to %d items, not %d", MaxItems, len(rows))
	case t.Partial:
		return nil, errPartial.New("a table read without all columns cannot be encoded")
	}
	if err := e.begin(t, rows, level); err != nil {
		return nil, err
	}
	seg := &Segment{Header: e.header(t, rows, level)}
	switch t.Signal {
	case telemetry.Traces:
		e.spans(t, rows)
	case telemetry.Logs:
		e.logs(t, rows)
	case telemetry.Metrics:
		e.points(t, rows)
	}
	var err error
	if seg.Directory, seg.Body, err = e.out.Finish(); err != nil {
		return nil, err
	}
	seg.TraceFilter = filter.Make(e.traces.List(), filter.TraceBits)
	seg.TokenFilter = filter.Make(e.tokens.List(), filter.TokenBits)
	if level >= groupLevel {
		seg.traces, seg.tokens = slices.Clone(e.traces.List()), slices.Clone(e.tokens.List())
	}
	seg.Checksum = checksum(&e.hash, seg.Directory, seg.Body)
	return seg, nil
}

func checksum(h *xxh3.Hasher, directory, body []byte) int64 {
	h.Reset()
	_, _ = h.Write(directory) // a hash's Write does not fail
	_, _ = h.Write(body)
	return int64(h.Sum64())
}

// Verify recomputes the checksum of a whole segment.
func (s *Segment) Verify() error {
	if got := checksum(xxh3.New(), s.Directory, s.Body); got != s.Checksum {
		return damagedf("checksum is %016x, want %016x", uint64(got), uint64(s.Checksum))
	}
	return nil
}

func (e *encoder) begin(t *table.Builder, rows []uint32, level int) error {
	if err := e.out.Begin(t.Signal, len(rows), level); err != nil {
		return err
	}
	e.s.Passages = e.out.Passages()
	e.tokens.Reset()
	e.traces.Reset()
	e.maps[mapResources].reset(len(t.Resources))
	e.maps[mapScopes].reset(len(t.Scopes))
	e.maps[mapMetrics].reset(len(t.Metrics))
	e.maps[mapSeries].reset(len(t.Series))
	e.v, e.w = scratch.Slice(e.v, len(rows)), scratch.Slice(e.w, len(rows))
	return nil
}

const (
	mapResources = iota
	mapScopes
	mapMetrics
	mapSeries
)

// add writes a section, whose streams are in e.s.
func (e *encoder) add(s container.Section) {
	e.out.Add(s, [container.NumStreams][]byte{e.s.Code, e.s.Plain, e.s.Text}, e.s.Chunks)
}

// mostHeadNumbers is how many different numbers a column has at most of which the head tells how often each occurs.
const mostHeadNumbers = limits.HeadNumbers

// counted writes an integer column of few different numbers, with how many rows have each in the head.
func (e *encoder) counted(t *table.Builder, c Column, rows []uint32) {
	v := e.gather(t.Ints[c], rows)
	s := container.Section{ID: uint8(c)}
	e.few, e.often = e.few[:0], e.often[:0]
	for _, x := range v {
		// Neighbours are alike, and what is frequent comes early.
		at := slices.Index(e.few, x)
		if at < 0 {
			if len(e.few) == mostHeadNumbers {
				e.intSection(c, v)
				return
			}
			at = len(e.few)
			e.few, e.often = append(e.few, x), append(e.often, 0)
		}
		e.often[at]++
	}
	if len(e.few) == 1 || e.out.Room() < mostHeadNumbers {
		e.intSection(c, v)
		return
	}
	e.h.Reset()
	e.h.Uvarint(uint64(len(e.few)))
	for i, x := range e.few {
		e.h.Svarint(x)
		e.h.Uvarint(uint64(e.often[i]))
	}
	s.Head = e.out.AddHead(&e.h)
	e.s.Reset()
	s.Min, s.Max = e.c.Write(&e.s, v)
	e.add(s)
}

// intSection writes an integer column; a constant one needs only its bounds, one that is all zero not even a section.
func (e *encoder) intSection(c Column, v []int64) {
	first := v[0]
	if !slices.ContainsFunc(v, func(x int64) bool { return x != first }) {
		if first != 0 {
			e.s.Reset()
			e.add(container.Section{ID: uint8(c), Min: first, Max: first})
		}
		return
	}
	e.s.Reset()
	lo, hi := e.c.Write(&e.s, v)
	e.add(container.Section{ID: uint8(c), Min: lo, Max: hi})
}

// gather collects the values of a column for rows.
func (e *encoder) gather(col []int64, rows []uint32) []int64 {
	v := e.v[:len(rows)]
	for i, r := range rows {
		v[i] = col[r]
	}
	return v
}

func (e *encoder) column(t *table.Builder, c Column, rows []uint32) {
	e.intSection(c, e.gather(t.Ints[c], rows))
}

// mapped writes a column of references, numbered anew.
func (e *encoder) mapped(c Column, col []int64, m *mapping, rows []uint32) {
	v := e.v[:len(rows)]
	for i, r := range rows {
		v[i] = m.add(uint32(col[r]))
	}
	e.intSection(c, v)
}

// relative writes a column of times as it is or as differences from base, whichever is smaller.
func (e *encoder) relative(c Column, col, base []int64, rows []uint32) {
	v := e.gather(col, rows)
	lo, hi := v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == hi {
		e.intSection(c, v)
		return
	}
	e.s.Reset()
	e.relativeInts(v, base, rows)
	e.add(container.Section{ID: uint8(c), Min: lo, Max: hi})
}

func (e *encoder) relativeInts(v, base []int64, rows []uint32) {
	w := e.w[:len(v)]
	for i, r := range rows {
		w[i] = v[i] - base[r]
	}
	e.smaller(func() {
		e.s.Byte(0)
		e.c.Write(&e.s, v)
	}, func() {
		e.s.Byte(1)
		e.c.Write(&e.s, w)
	})
}

// textSection writes a text column; one that is empty in every row has no section.
func (e *encoder) textSection(t *table.Builder, c TextColumn, col []ValueID, rows []uint32) (some bool) {
	ids := e.column32[:0]
	present := false
	for _, r := range rows {
		ids = append(ids, col[r])
		present = present || col[r] != 0
	}
	e.column32 = ids
	if !present || len(rows) == 0 {
		return false
	}
	e.s.Reset()
	s := container.Section{ID: container.SectionText + uint8(c), Count: len(ids)}
	if c == TextConnection {
		s.Fields = container.FieldsOfConnection()
	}
	e.writeCounted(t, ids, &s, c != TextBody && c != TextTraceState && c != TextBounds)
	e.add(s)
	return true
}

// connection writes who sent the items. Where all were sent with one key, which is nearly everywhere, the head tells it and the body has nothing.
func (e *encoder) connection(t *table.Builder, rows []uint32) {
	e.textSection(t, TextConnection, t.Texts[TextConnection], rows)
}

// itemIDs writes the ids of items; a column that no row has an id in has no section.
func (e *encoder) itemIDs(t *table.Builder, rows []uint32) {
	e.s.Reset()
	if n, some := e.ids.Traces(&e.s, t.TraceIDs, rows); some {
		e.add(container.Section{ID: container.SectionTraceIDs, Count: n})
	}
	e.ids.EachTrace(e.addTrace)
	e.s.Reset()
	if n, some := e.ids.Spans(&e.s, t.SpanIDs, rows); some {
		e.add(container.Section{ID: container.SectionSpanIDs, Count: n})
	}
	if !t.Schema.Parents {
		return
	}
	e.s.Reset()
	if n, some := e.ids.Parents(&e.s, t.ParentIDs, rows); some {
		e.add(container.Section{ID: container.SectionParentIDs, Count: n})
	}
}

func (e *encoder) addTrace(id [16]byte) { e.traces.Add(TraceHash(id)) }

func (e *encoder) spans(t *table.Builder, rows []uint32) {
	e.column(t, ColTime, rows)
	e.column(t, ColDuration, rows)
	e.mapped(ColResource, t.Ints[ColResource], &e.maps[mapResources], rows)
	e.counted(t, ColKind, rows)
	e.counted(t, ColStatus, rows)
	e.textSection(t, TextName, t.Texts[TextName], rows)
	e.resources(t)
	e.out.Cut()
	e.itemIDs(t, rows)
	e.out.Cut()
	e.connection(t, rows)
	e.mapped(ColScope, t.Ints[ColScope], &e.maps[mapScopes], rows)
	e.scopes(t)
	for _, c := range [...]Column{ColFlags, ColPosition, ColOrdinal, ColDroppedAttributes, ColDroppedEvents, ColDroppedLinks} {
		e.column(t, c, rows)
	}
	e.textSection(t, TextStatusMessage, t.Texts[TextStatusMessage], rows)
	e.textSection(t, TextTraceState, t.Texts[TextTraceState], rows)
	e.out.Cut()
	e.childSection(t, &t.Events, container.SectionEvents, rows)
	e.out.Cut()
	e.childSection(t, &t.Links, container.SectionLinks, rows)
	e.out.Cut()
	e.itemAttributes(t, rows) // last: in the directory, and so within frames, keys follow all other sections
}

func (e *encoder) logs(t *table.Builder, rows []uint32) {
	e.column(t, ColTime, rows)
	e.counted(t, ColSeverity, rows)
	e.mapped(ColResource, t.Ints[ColResource], &e.maps[mapResources], rows)
	e.resources(t)
	e.out.Cut()
	if e.textSection(t, TextBody, t.Texts[TextBody], rows) {
		e.bodyWords(t)
	}
	e.out.Cut()
	e.itemIDs(t, rows)
	e.out.Cut()
	e.connection(t, rows)
	e.mapped(ColScope, t.Ints[ColScope], &e.maps[mapScopes], rows)
	e.scopes(t)
	e.relative(ColObservedTime, t.Ints[ColObservedTime], t.Ints[ColTime], rows)
	for _, c := range [...]Column{ColHas, ColFlags, ColPosition, ColOrdinal, ColDroppedAttributes} {
		e.column(t, c, rows)
	}
	e.textSection(t, TextSeverity, t.Texts[TextSeverity], rows)
	e.textSection(t, TextEventName, t.Texts[TextEventName], rows)
	e.out.Cut()
	e.itemAttributes(t, rows)
}

func (e *encoder) points(t *table.Builder, rows []uint32) {
	e.column(t, ColTime, rows)
	e.mapped(ColSeries, t.Ints[ColSeries], &e.maps[mapSeries], rows)
	e.column(t, ColKind, rows)
	e.column(t, ColHas, rows)
	e.numbers(t, rows)
	e.out.Cut()
	e.series(t)
	e.metrics(t)
	e.resources(t)
	e.scopes(t)
	e.out.Cut()
	e.connection(t, rows)
	e.relative(ColStartTime, t.Ints[ColStartTime], t.Ints[ColTime], rows)
	for _, c := range [...]Column{ColFlags, ColPosition, ColOrdinal} {
		e.column(t, c, rows)
	}
	e.out.Cut()
	for _, c := range [...]Column{
		ColCount, ColSum, ColMin, ColMax, ColScale, ColZeroCount, ColZeroThreshold, ColPositiveOffset, ColNegativeOffset,
	} {
		e.sparse(t, c, rows)
	}
	e.textSection(t, TextBounds, t.Texts[TextBounds], e.ofKinds(t, 1<<Histogram, rows))
	for c := range table.ListColumns {
		e.list(t, c, rows)
	}
	e.out.Cut()
	e.childSection(t, &t.Exemplars, container.SectionExemplars, rows)
}

// ofKinds returns the rows of points of the given kinds.
func (e *encoder) ofKinds(t *table.Builder, kinds uint8, rows []uint32) []uint32 {
	out := e.child[:0]
	kind := t.Ints[ColKind]
	for _, r := range rows {
		if kinds>>kind[r]&1 != 0 {
			out = append(out, r)
		}
	}
	e.child = out
	return out
}

// sparse writes a column that only some kinds of points have, for those.
func (e *encoder) sparse(t *table.Builder, c Column, rows []uint32) {
	rows = e.ofKinds(t, table.AppliesTo(c), rows)
	if len(rows) == 0 {
		return
	}
	v := e.gather(t.Ints[c], rows)
	if !table.IsDouble(c) {
		e.intSection(c, v)
		return
	}
	e.doubleSection(c, v)
}

func (e *encoder) doubleSection(c Column, v []int64) {
	lo, hi := v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == hi {
		e.intSection(c, v)
		return
	}
	e.s.Reset()
	e.c.WriteDoubles(&e.s, v)
	e.add(container.Section{ID: uint8(c), Min: lo, Max: hi})
}

// numbers writes the values of number points: integers and doubles apart, as ColHas tells.
func (e *encoder) numbers(t *table.Builder, rows []uint32) {
	lo, hi, found := e.splitNumbers(t.Ints[ColHas], t.Ints[ColNumber], rows)
	if found && (lo != 0 || hi != 0) {
		e.s.Reset()
		e.writeNumbers()
		e.add(container.Section{ID: uint8(ColNumber), Min: lo, Max: hi})
	}
}

// splitNumbers leaves the integers in e.v and the doubles in e.w.
func (e *encoder) splitNumbers(has, number []int64, rows []uint32) (lo, hi int64, found bool) {
	e.v, e.w = scratch.Slice(e.v, len(rows))[:0], scratch.Slice(e.w, len(rows))[:0]
	for _, r := range rows {
		x := number[r]
		switch {
		case has[r]&HasInt != 0:
			e.v = append(e.v, x)
		case has[r]&HasDouble != 0:
			e.w = append(e.w, x)
		default:
			continue
		}
		if !found {
			lo, hi, found = x, x, true
		}
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi, found
}

func (e *encoder) writeNumbers() {
	e.c.Write(&e.s, e.v)
	e.c.WriteDoubles(&e.s, e.w)
}

// list writes a list column for the points that may have it: lengths, then all values.
func (e *encoder) list(t *table.Builder, c ListColumn, rows []uint32) {
	rows = e.ofKinds(t, table.ListAppliesTo(c), rows)
	l := &t.Lists[c]
	lengths, all := e.v[:0], e.codes[:0]
	for _, r := range rows {
		row := l.Row(int(r))
		lengths = append(lengths, int64(len(row)))
		all = append(all, row...)
	}
	e.codes = all
	if len(all) == 0 {
		return
	}
	e.s.Reset()
	e.c.Write(&e.s, lengths)
	write := func(s *streams.Sink, v []int64) { e.c.Write(s, v) }
	if c == ListQuantiles || c == ListQuantileValues {
		write = e.c.WriteDoubles
	}
	turned := e.transpose(all, lengths)
	if turned == nil {
		e.s.Byte(listByRow)
		write(&e.s, all)
	} else {
		e.smaller(func() {
			e.s.Byte(listByRow)
			write(&e.s, all)
		}, func() {
			e.s.Byte(listByPlace)
			write(&e.s, turned)
		})
	}
	e.add(container.Section{ID: container.SectionList + uint8(c), Count: len(all)})
}

// Orders of the values of a list column.
const (
	listByRow   = 0 // one list after the other
	listByPlace = 1 // the first of every list, the second of every list, …; all lists are of one length
)

// transpose orders values by their place in the lists: successive points of a series have similar counts in the same bucket. nil where
// lists differ in length.
func (e *encoder) transpose(all, lengths []int64) []int64 {
	width, rows := int(lengths[0]), len(lengths)
	if rows < 2 || width < 2 || width*rows != len(all) {
		return nil
	}
	for _, l := range lengths {
		if int(l) != width {
			return nil
		}
	}
	out := scratch.Slice(e.turned, len(all))
	e.turned = out
	for i, x := range all {
		out[i%width*rows+i/width] = x
	}
	return out
}

// smaller writes the streams in one of two ways, whichever takes fewer bytes before compression.
func (e *encoder) smaller(a, b func()) {
	code, plain := len(e.s.Code), len(e.s.Plain)
	a()
	codeEnd, plainEnd := len(e.s.Code), len(e.s.Plain)
	b()
	if len(e.s.Code)+len(e.s.Plain)-codeEnd-plainEnd < codeEnd+plainEnd-code-plain {
		e.s.Code = append(e.s.Code[:code], e.s.Code[codeEnd:]...)
		e.s.Plain = append(e.s.Plain[:plain], e.s.Plain[plainEnd:]...)
		return
	}
	e.s.Code, e.s.Plain = e.s.Code[:codeEnd], e.s.Plain[:plainEnd]
}
