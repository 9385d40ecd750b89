package segment

import (
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// maxEntries bounds how many events, attributes or list entries one segment holds of each. MaxItemBytes keeps what Append takes far
// below it.
const maxEntries = 1 << 23

// Targets of frame sizes. A frame is what a reader must fetch and unzip for any of its streams, and a TOAST chunk is 2 kB; smaller
// frames compress worse and cost more calls.
const (
	frameTarget  = 2 << 10
	minFrame     = 512
	minCompress  = 96 // bytes that are worth a try
	maxFrameSave = 16 // keep the compressed form when it saves at least 1/16

	// zstdWindow is larger than nearly all frames; the compressor's own choice takes 4 MiB for the first frame above 128 KiB.
	zstdWindow = 256 << 10
)

// Encoder holds the memory for encoding segments. One Encoder serves one goroutine; several Encoders may encode different rows of
// the same Table at the same time.
type Encoder struct {
	zstd [2]*zstd.Encoder // fastest, default
	c    intCoder
	s    sink
	dir  Directory
	body []byte
	open [numStreams][]byte // open frames: raw bytes
	refs [numStreams]int    // their numbers
	zbuf []byte

	order   []int // numbers of frames as they were closed
	final   []int // per number: the place in order
	ordered []frame
	zip     *zstd.Encoder // of the segment being made

	v      []int64
	w      []int64
	codes  []int64
	turned []int64
	marks  []uint32 // per ValueID: code + 1 in the dictionary being made
	dict   []ValueID
	tokens hashSet
	traces hashSet
	words  wordScanner

	attrs    attrCoder
	text     textCoder
	maps     [4]mapping // resources, scopes, metrics, series: table index → segment index
	traceIdx idIndex
	spanIdx  idIndex
	column32 []ValueID
	owner    []uint32
	child    []uint32
	hash     xxh3.Hasher
}

// groupLevel is the level from which on segments can be put into a Group.
const groupLevel = 2

// NewEncoder makes an Encoder.
func NewEncoder() *Encoder { return &Encoder{} }

// compressor returns the zstd encoder of a segment level.
func (e *Encoder) compressor(level int) (*zstd.Encoder, error) {
	i, speed := 0, zstd.SpeedFastest
	if level >= 2 {
		i, speed = 1, zstd.SpeedDefault
	}
	if e.zstd[i] == nil {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true), zstd.WithAllLitEntropyCompression(true))
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "segment.zstd", "compressor cannot be made")
		}
		e.zstd[i] = z
	}
	return e.zstd[i], nil
}

// Encode writes the given rows, in the given order, as one segment. Level 0 and 1 compress with zstd 1, level 2 with zstd 3.
func (t *Table) Encode(rows []uint32, level int) (*Segment, error) {
	if t.encoder == nil {
		t.encoder = NewEncoder()
	}
	return t.encoder.Encode(t, rows, level)
}

// Encode writes the given rows of t, in the given order, as one segment; t is only read.
func (e *Encoder) Encode(t *Table, rows []uint32, level int) (*Segment, error) {
	switch {
	case len(rows) == 0 || len(rows) > MaxItems:
		return nil, fault.Newf(fault.Internal, "segment.rows", "a segment holds 1 to %d items, not %d", MaxItems, len(rows))
	case t.partial:
		return nil, fault.New(fault.Internal, "segment.partial", "a table read without all columns cannot be encoded")
	}
	zip, err := e.compressor(level)
	if err != nil {
		return nil, err
	}
	e.begin(t, rows, zip)
	seg := &Segment{Header: e.header(t, rows, level)}
	switch t.Signal {
	case telemetry.Traces:
		e.spans(t, rows)
	case telemetry.Logs:
		e.logs(t, rows)
	case telemetry.Metrics:
		e.points(t, rows)
	}
	for i := range e.open {
		e.close(i)
	}
	e.number()
	for _, list := range [...][]section{e.dir.sections, e.dir.keys} {
		for i := range list {
			if list[i].count > maxEntries {
				return nil, fault.Newf(fault.Internal, "segment.entries", "a segment holds at most %d entries of a kind", maxEntries)
			}
		}
	}
	seg.Body = slices.Clone(e.body)
	seg.Directory = e.dir.append(make([]byte, 0, 1024))
	seg.TraceFilter = makeFilter(e.traces.list, traceFilterBits)
	seg.TokenFilter = makeFilter(e.tokens.list, tokenFilterBits)
	if level >= groupLevel {
		seg.traces, seg.tokens = slices.Clone(e.traces.list), slices.Clone(e.tokens.list)
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

func (e *Encoder) begin(t *Table, rows []uint32, zip *zstd.Encoder) {
	e.zip = zip
	e.body, e.order = e.body[:0], e.order[:0]
	e.dir = Directory{
		Items: len(rows), Signal: t.Signal,
		frames: e.dir.frames[:0], sections: e.dir.sections[:0], keys: e.dir.keys[:0],
	}
	for i := range e.open {
		e.open[i], e.refs[i] = e.open[i][:0], -1
	}
	if len(e.marks) < len(t.Values) {
		e.marks = make([]uint32, len(t.Values)+len(t.Values)/2)
	}
	e.tokens.reset()
	e.traces.reset()
	e.maps[mapResources].reset(len(t.Resources))
	e.maps[mapScopes].reset(len(t.Scopes))
	e.maps[mapMetrics].reset(len(t.Metrics))
	e.maps[mapSeries].reset(len(t.Series))
	e.v, e.w = resize(e.v, len(rows)), resize(e.w, len(rows))
}

const (
	mapResources = iota
	mapScopes
	mapMetrics
	mapSeries
)

// add gives the streams of e.s to frames, and the section to the directory.
func (e *Encoder) add(s section) {
	for i, b := range [...][]byte{e.s.code, e.s.plain, e.s.text} {
		if len(b) == 0 {
			continue
		}
		if e.refs[i] < 0 {
			e.refs[i] = len(e.dir.frames)
			e.dir.frames = append(e.dir.frames, frame{})
		}
		s.streams[i] = stream{frame: e.refs[i], offset: len(e.open[i]), length: len(b)}
		e.open[i] = append(e.open[i], b...)
	}
	if s.id == sectionKey {
		e.dir.keys = append(e.dir.keys, s)
	} else {
		e.dir.sections = append(e.dir.sections, s)
	}
	for i := range e.open {
		if i != streamPlain && len(e.open[i]) >= frameTarget {
			e.close(i)
		}
	}
}

// cut ends the open frames that are worth it: sections that are read together share no frame with others. In a small segment, which is
// fetched whole anyway, one larger frame compresses better and costs less.
func (e *Encoder) cut() {
	for i := range e.open {
		if len(e.open[i]) >= minFrame {
			e.close(i)
		}
	}
}

func (e *Encoder) close(i int) {
	b := e.open[i]
	if e.refs[i] < 0 {
		return
	}
	f := &e.dir.frames[e.refs[i]]
	*f = frame{offset: len(e.body), stored: len(b), raw: len(b), codec: frameRaw}
	if i != streamPlain && len(b) >= minCompress {
		z := e.zip.EncodeAll(b, e.zbuf[:0])
		e.zbuf = z
		if len(z) <= len(b)-len(b)/maxFrameSave && len(b) <= len(z)*maxGrowth+freeGrowth {
			f.stored, f.codec = len(z), frameZstd
			b = z
		}
	}
	e.body = append(e.body, b...)
	e.order = append(e.order, e.refs[i])
	e.open[i], e.refs[i] = e.open[i][:0], -1
}

// number gives the frames the order in which they were closed, which is that of the body.
func (e *Encoder) number() {
	e.final = resize(e.final, len(e.order))
	e.ordered = e.ordered[:0]
	for i, f := range e.order {
		e.final[f] = i
		e.ordered = append(e.ordered, e.dir.frames[f])
	}
	copy(e.dir.frames, e.ordered)
	for _, list := range [...][]section{e.dir.sections, e.dir.keys} {
		for i := range list {
			for j := range list[i].streams {
				if st := &list[i].streams[j]; st.length > 0 {
					st.frame = e.final[st.frame]
				}
			}
		}
	}
}

// intSection writes an integer column; a constant one needs only its bounds, one that is all zero not even a section.
func (e *Encoder) intSection(c Column, v []int64) {
	first := v[0]
	if !slices.ContainsFunc(v, func(x int64) bool { return x != first }) {
		if first != 0 {
			e.s.reset()
			e.add(section{id: uint8(c), min: first, max: first})
		}
		return
	}
	e.s.reset()
	lo, hi := e.c.ints(&e.s, v)
	e.add(section{id: uint8(c), min: lo, max: hi})
}

// gather collects the values of a column for rows.
func (e *Encoder) gather(col []int64, rows []uint32) []int64 {
	v := e.v[:len(rows)]
	for i, r := range rows {
		v[i] = col[r]
	}
	return v
}

func (e *Encoder) column(t *Table, c Column, rows []uint32) {
	e.intSection(c, e.gather(t.Ints[c], rows))
}

// mapped writes a column of references, numbered anew.
func (e *Encoder) mapped(c Column, col []int64, m *mapping, rows []uint32) {
	v := e.v[:len(rows)]
	for i, r := range rows {
		v[i] = m.add(uint32(col[r]))
	}
	e.intSection(c, v)
}

// relative writes a column of times as it is or as differences from base, whichever is smaller.
func (e *Encoder) relative(c Column, col, base []int64, rows []uint32) {
	v := e.gather(col, rows)
	lo, hi := v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == hi {
		e.intSection(c, v)
		return
	}
	e.s.reset()
	e.relativeInts(v, base, rows)
	e.add(section{id: uint8(c), min: lo, max: hi})
}

func (e *Encoder) relativeInts(v, base []int64, rows []uint32) {
	w := e.w[:len(v)]
	for i, r := range rows {
		w[i] = v[i] - base[r]
	}
	e.smaller(func() {
		e.s.byte(0)
		e.c.ints(&e.s, v)
	}, func() {
		e.s.byte(1)
		e.c.ints(&e.s, w)
	})
}

// textSection writes a text column; one that is empty in every row has no section.
func (e *Encoder) textSection(t *Table, c TextColumn, col []ValueID, rows []uint32) {
	ids := e.column32[:0]
	present := false
	for _, r := range rows {
		ids = append(ids, col[r])
		present = present || col[r] != 0
	}
	e.column32 = ids
	if !present || len(rows) == 0 {
		return
	}
	e.s.reset()
	s := section{id: sectionText + uint8(c), count: len(ids)}
	e.values(t, ids, &s, c != TextBody && c != TextTraceState && c != TextBounds)
	e.add(s)
}

func (e *Encoder) spans(t *Table, rows []uint32) {
	e.column(t, ColTime, rows)
	e.column(t, ColDuration, rows)
	e.mapped(ColResource, t.Ints[ColResource], &e.maps[mapResources], rows)
	e.column(t, ColKind, rows)
	e.column(t, ColStatus, rows)
	e.textSection(t, TextName, t.Texts[TextName], rows)
	e.resources(t)
	e.cut()
	e.traceIDs(t.TraceIDs, rows)
	e.spanIDs(t.SpanIDs, rows)
	e.parentIDs(t, rows)
	e.cut()
	e.mapped(ColScope, t.Ints[ColScope], &e.maps[mapScopes], rows)
	e.scopes(t)
	for _, c := range [...]Column{ColFlags, ColPosition, ColOrdinal, ColDroppedAttributes, ColDroppedEvents, ColDroppedLinks} {
		e.column(t, c, rows)
	}
	e.textSection(t, TextStatusMessage, t.Texts[TextStatusMessage], rows)
	e.textSection(t, TextTraceState, t.Texts[TextTraceState], rows)
	e.cut()
	e.childSection(t, &t.Events, sectionEvents, rows)
	e.cut()
	e.childSection(t, &t.Links, sectionLinks, rows)
	e.cut()
	e.itemAttributes(t, rows) // last: in the directory, and so within frames, keys follow all other sections
}

func (e *Encoder) logs(t *Table, rows []uint32) {
	e.column(t, ColTime, rows)
	e.column(t, ColSeverity, rows)
	e.mapped(ColResource, t.Ints[ColResource], &e.maps[mapResources], rows)
	e.resources(t)
	e.cut()
	e.textSection(t, TextBody, t.Texts[TextBody], rows)
	e.bodyWords(t)
	e.cut()
	e.traceIDs(t.TraceIDs, rows)
	e.spanIDs(t.SpanIDs, rows)
	e.cut()
	e.mapped(ColScope, t.Ints[ColScope], &e.maps[mapScopes], rows)
	e.scopes(t)
	e.relative(ColObservedTime, t.Ints[ColObservedTime], t.Ints[ColTime], rows)
	for _, c := range [...]Column{ColHas, ColFlags, ColPosition, ColOrdinal, ColDroppedAttributes} {
		e.column(t, c, rows)
	}
	e.textSection(t, TextSeverity, t.Texts[TextSeverity], rows)
	e.textSection(t, TextEventName, t.Texts[TextEventName], rows)
	e.cut()
	e.itemAttributes(t, rows)
}

func (e *Encoder) points(t *Table, rows []uint32) {
	e.column(t, ColTime, rows)
	e.mapped(ColSeries, t.Ints[ColSeries], &e.maps[mapSeries], rows)
	e.column(t, ColKind, rows)
	e.column(t, ColHas, rows)
	e.numbers(t, rows)
	e.cut()
	e.series(t)
	e.metrics(t)
	e.resources(t)
	e.scopes(t)
	e.cut()
	e.relative(ColStartTime, t.Ints[ColStartTime], t.Ints[ColTime], rows)
	for _, c := range [...]Column{ColFlags, ColPosition, ColOrdinal} {
		e.column(t, c, rows)
	}
	e.cut()
	for _, c := range [...]Column{
		ColCount, ColSum, ColMin, ColMax, ColScale, ColZeroCount, ColZeroThreshold, ColPositiveOffset, ColNegativeOffset,
	} {
		e.sparse(t, c, rows)
	}
	e.textSection(t, TextBounds, t.Texts[TextBounds], e.ofKinds(t, 1<<Histogram, rows))
	for c := range numListColumns {
		e.list(t, c, rows)
	}
	e.cut()
	e.childSection(t, &t.Exemplars, sectionExemplars, rows)
}

// ofKinds returns the rows of points of the given kinds.
func (e *Encoder) ofKinds(t *Table, kinds uint8, rows []uint32) []uint32 {
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
func (e *Encoder) sparse(t *Table, c Column, rows []uint32) {
	rows = e.ofKinds(t, appliesTo(c), rows)
	if len(rows) == 0 {
		return
	}
	v := e.gather(t.Ints[c], rows)
	if !isDouble(c) {
		e.intSection(c, v)
		return
	}
	e.doubleSection(c, v)
}

func (e *Encoder) doubleSection(c Column, v []int64) {
	lo, hi := v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == hi {
		e.intSection(c, v)
		return
	}
	e.s.reset()
	e.c.doubles(&e.s, v)
	e.add(section{id: uint8(c), min: lo, max: hi})
}

// numbers writes the values of number points: integers and doubles apart, as ColHas tells.
func (e *Encoder) numbers(t *Table, rows []uint32) {
	lo, hi, found := e.splitNumbers(t.Ints[ColHas], t.Ints[ColNumber], rows)
	if found && (lo != 0 || hi != 0) {
		e.s.reset()
		e.writeNumbers()
		e.add(section{id: uint8(ColNumber), min: lo, max: hi})
	}
}

// splitNumbers leaves the integers in e.v and the doubles in e.w.
func (e *Encoder) splitNumbers(has, number []int64, rows []uint32) (lo, hi int64, found bool) {
	e.v, e.w = resize(e.v, len(rows))[:0], resize(e.w, len(rows))[:0]
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

func (e *Encoder) writeNumbers() {
	e.c.ints(&e.s, e.v)
	e.c.doubles(&e.s, e.w)
}

// list writes a list column for the points that may have it: lengths, then all values.
func (e *Encoder) list(t *Table, c ListColumn, rows []uint32) {
	rows = e.ofKinds(t, listAppliesTo(c), rows)
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
	e.s.reset()
	e.c.ints(&e.s, lengths)
	write := func(s *sink, v []int64) { e.c.ints(s, v) }
	if c == ListQuantiles || c == ListQuantileValues {
		write = e.c.doubles
	}
	turned := e.transpose(all, lengths)
	if turned == nil {
		e.s.byte(listByRow)
		write(&e.s, all)
	} else {
		e.smaller(func() {
			e.s.byte(listByRow)
			write(&e.s, all)
		}, func() {
			e.s.byte(listByPlace)
			write(&e.s, turned)
		})
	}
	e.add(section{id: sectionList + uint8(c), count: len(all)})
}

// Orders of the values of a list column.
const (
	listByRow   = 0 // one list after the other
	listByPlace = 1 // the first of every list, the second of every list, …; all lists are of one length
)

// transpose orders values by their place in the lists: successive points of a series have similar counts in the same bucket. nil where
// lists differ in length.
func (e *Encoder) transpose(all, lengths []int64) []int64 {
	width, rows := int(lengths[0]), len(lengths)
	if rows < 2 || width < 2 || width*rows != len(all) {
		return nil
	}
	for _, l := range lengths {
		if int(l) != width {
			return nil
		}
	}
	out := resize(e.turned, len(all))
	e.turned = out
	for i, x := range all {
		out[i%width*rows+i/width] = x
	}
	return out
}

// smaller writes the streams in one of two ways, whichever takes fewer bytes before compression.
func (e *Encoder) smaller(a, b func()) {
	code, plain := len(e.s.code), len(e.s.plain)
	a()
	codeEnd, plainEnd := len(e.s.code), len(e.s.plain)
	b()
	if len(e.s.code)+len(e.s.plain)-codeEnd-plainEnd < codeEnd+plainEnd-code-plain {
		e.s.code = append(e.s.code[:code], e.s.code[codeEnd:]...)
		e.s.plain = append(e.s.plain[:plain], e.s.plain[plainEnd:]...)
		return
	}
	e.s.code, e.s.plain = e.s.code[:codeEnd], e.s.plain[:plainEnd]
}
