package segment

import (
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// decoder holds the memory for decoding segments into one table.
type decoder struct {
	zstd    *zstd.Decoder
	r       intReader
	text    textReader
	d       *Directory
	needs   *needs
	parts   []Part
	frames  [][]byte
	arena   []byte
	columns [numIntColumns][]int64 // this segment's columns, also those that are only needed to read others
	scratch [numIntColumns][]int64

	resources, scopes, metrics, series []uint32 // segment index → table index

	values  []ValueID // dictionary at hand
	codes   []int64
	v, w    []int64
	numbers []int64
	doubles []int64
	lengths []int64
	types   []byte
	index   []int64
	keys    []KeyID
	nodes   []uint32
	perKey  [][]ValueID
	flat    []ValueID
	slots   []int64
	starts  []int
	ids     []ValueID
	ends    []uint32
}

// reset forgets what refers to segments that were read.
func (x *decoder) reset() {
	clear(x.frames)
	clear(x.text.out)
	x.parts, x.d, x.needs = nil, nil, nil
	x.arena = nil
}

// AppendSegment decodes the wanted columns and appends the segment's rows to t, in the segment's order. parts must cover d.Ranges(w);
// the table refers to them until Reset. All segments appended to one table must be read with the same Want. On an error (fault.Internal,
// code "segment.damaged") the table is as it was before.
func (t *Table) AppendSegment(d *Directory, parts []Part, w Want) error {
	if d.Signal != t.Signal {
		return fault.Newf(fault.Internal, "segment.signal", "a segment of %s cannot be read into a table of %s", d.Signal, t.Signal)
	}
	if t.decoder == nil {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(math.MaxInt32))
		if err != nil {
			return fault.Wrap(err, fault.Internal, "segment.zstd", "decompressor cannot be made")
		}
		t.decoder = &decoder{zstd: z}
	}
	x := t.decoder
	x.d, x.parts, x.needs = d, parts, d.needs(w)
	x.frames = resize(x.frames, len(d.frames))
	clear(x.frames)
	before := t.mark()
	if !w.All {
		t.partial = true
	}
	if err := t.decode(x); err != nil {
		t.rollback(before)
		return err
	}
	x.parts, x.d, x.needs = nil, nil, nil
	return nil
}

// part returns bytes of the body.
func (x *decoder) part(offset, length int) ([]byte, error) {
	for i := range x.parts {
		p := &x.parts[i]
		if offset >= p.Offset && offset+length <= p.Offset+len(p.Bytes) {
			return p.Bytes[offset-p.Offset : offset-p.Offset+length], nil
		}
	}
	return nil, damagedf("bytes %d to %d of the body are missing", offset, offset+length)
}

// open gives a section's streams.
func (x *decoder) open(s *section) (*source, error) {
	var streams [numStreams][]byte
	for i, st := range s.streams {
		if st.length == 0 {
			continue
		}
		f := &x.d.frames[st.frame]
		if f.codec == frameRaw {
			b, err := x.part(f.offset+st.offset, st.length)
			if err != nil {
				return nil, err
			}
			streams[i] = b
			continue
		}
		if x.frames[st.frame] == nil {
			z, err := x.part(f.offset, f.stored)
			if err != nil {
				return nil, err
			}
			b, err := x.unzip(z, f.raw)
			if err != nil {
				return nil, err
			}
			x.frames[st.frame] = b
		}
		streams[i] = x.frames[st.frame][st.offset : st.offset+st.length]
	}
	return &source{code: streams[streamCode], plain: streams[streamPlain], text: streams[streamText]}, nil
}

// unzip decompresses one frame into memory that lives as long as the table's values may refer to it.
func (x *decoder) unzip(z []byte, raw int) ([]byte, error) {
	b, err := x.zstd.DecodeAll(z, x.memory(raw))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "segment.damaged", "segment is damaged: a frame cannot be decompressed")
	}
	if len(b) != raw {
		return nil, damagedf("a frame has %d bytes, want %d", len(b), raw)
	}
	return b, nil
}

// memory returns an empty slice of capacity n, which nobody else gets.
func (x *decoder) memory(n int) []byte {
	if cap(x.arena)-len(x.arena) < n {
		x.arena = make([]byte, 0, max(n, 64<<10))
	}
	at := len(x.arena)
	x.arena = x.arena[:at+n]
	return x.arena[at : at : at+n]
}

func (t *Table) decode(x *decoder) error {
	n := x.d.Items
	clear(x.columns[:])
	steps := [...]func(*decoder) error{
		t.readResources, t.readScopes, t.readMetrics, t.readSeries, t.readInts, t.readTexts, t.readIDs, t.readAttributes, t.readLists,
		t.readChildren,
	}
	for _, step := range steps {
		if err := step(x); err != nil {
			return err
		}
	}
	t.N += n
	raw := 0
	for i := range x.d.frames {
		raw += x.d.frames[i].raw
	}
	for range n {
		t.sizes = append(t.sizes, uint32(min(raw/n, MaxItemBytes)))
	}
	return nil
}

// grow adds n elements to a column.
func grow[T any](s []T, n int) []T {
	s = slices.Grow(s, n)
	if s == nil {
		s = []T{}
	}
	return s[:len(s)+n]
}

// ints decodes a column of n numbers that may be absent (zero) or constant.
func (x *decoder) ints(c Column, dst []int64) error {
	s := x.d.section(uint8(c))
	if s == nil {
		clear(dst)
		return nil
	}
	if s.streams == [numStreams]stream{} {
		for i := range dst {
			dst[i] = s.min
		}
		return nil
	}
	src, err := x.open(s)
	if err != nil {
		return err
	}
	switch {
	case isDouble(c):
		x.r.doubles(src, dst)
	case c == ColObservedTime || c == ColStartTime:
		relative := src.byte()
		x.r.ints(src, dst)
		if relative != 0 {
			for i := range dst {
				dst[i] += x.columns[ColTime][i]
			}
		}
	default:
		x.r.ints(src, dst)
	}
	if src.bad {
		return damagedf("column %d", c)
	}
	return nil
}

func (t *Table) readInts(x *decoder) error {
	n := x.d.Items
	for _, c := range t.schema.ints {
		if !x.needs.section(uint8(c)) {
			continue
		}
		wanted := x.needs.want.All || slices.Contains(x.needs.want.Ints, c)
		var dst []int64
		if wanted {
			t.Ints[c] = grow(t.Ints[c], n)
			dst = t.Ints[c][len(t.Ints[c])-n:]
		} else {
			x.scratch[c] = resize(x.scratch[c], n)
			dst = x.scratch[c]
		}
		x.columns[c] = dst
		kinds := appliesTo(c)
		var err error
		switch {
		case c == ColNumber:
			err = x.numberColumn(dst)
		case kinds != 0:
			err = x.sparse(c, kinds, dst)
		default:
			err = x.ints(c, dst)
		}
		if err != nil {
			return err
		}
		var refs []uint32
		switch c {
		case ColKind:
			if t.Signal == telemetry.Metrics {
				if err := t.checkKinds(x, dst); err != nil {
					return err
				}
			}
			continue
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
	return nil
}

// checkKinds: a point has one of the five kinds, and that of its metric where the series are read too (before it, in schema order).
func (t *Table) checkKinds(x *decoder, kinds []int64) error {
	for _, k := range kinds {
		if k < int64(Gauge) || k > int64(Summary) {
			return damagedf("point of kind %d", k)
		}
	}
	for i, s := range x.columns[ColSeries] {
		if k := t.Metrics[t.Series[s].Metric].Kind; int64(k) != kinds[i] {
			return damagedf("point of kind %d in a metric of kind %d", kinds[i], k)
		}
	}
	return nil
}

// numberColumn decodes the values of number points.
func (x *decoder) numberColumn(dst []int64) error {
	s := x.d.section(uint8(ColNumber))
	clear(dst)
	if s == nil {
		return nil
	}
	src, err := x.open(s)
	if err != nil {
		return err
	}
	x.numbersByHas(src, x.columns[ColHas], dst)
	if src.bad {
		return damagedf("column %d", ColNumber)
	}
	return nil
}

func (x *decoder) numbersByHas(src *source, has, dst []int64) {
	ints, doubles := 0, 0
	for _, h := range has {
		switch {
		case h&HasInt != 0:
			ints++
		case h&HasDouble != 0:
			doubles++
		}
	}
	x.v, x.w = resize(x.v, ints), resize(x.w, doubles)
	x.r.ints(src, x.v)
	x.r.doubles(src, x.w)
	if src.bad {
		return
	}
	v, w := x.v, x.w
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

// ofKinds counts the points of the given kinds.
func (x *decoder) ofKinds(kinds uint8) int {
	n := 0
	for _, k := range x.columns[ColKind] {
		if k >= 0 && k < 8 && kinds>>k&1 != 0 {
			n++
		}
	}
	return n
}

func (x *decoder) sparse(c Column, kinds uint8, dst []int64) error {
	clear(dst)
	if x.d.section(uint8(c)) == nil {
		return nil
	}
	v := resize(x.v, x.ofKinds(kinds))
	x.v = v
	if err := x.ints(c, v); err != nil {
		return err
	}
	for i, k := range x.columns[ColKind] {
		if k >= 0 && k < 8 && kinds>>k&1 != 0 {
			dst[i] = v[0]
			v = v[1:]
		}
	}
	return nil
}

func (t *Table) readTexts(x *decoder) error {
	n := x.d.Items
	for _, c := range t.schema.texts {
		if !x.needs.section(sectionText + uint8(c)) {
			continue
		}
		t.Texts[c] = grow(t.Texts[c], n)
		dst := t.Texts[c][len(t.Texts[c])-n:]
		clear(dst)
		s := x.d.section(sectionText + uint8(c))
		if s == nil {
			continue
		}
		src, err := x.open(s)
		if err != nil {
			return err
		}
		if c != TextBounds {
			t.valueColumn(x, src, keyOf(c), dst)
		} else {
			x.ids = resize(x.ids, x.ofKinds(1<<Histogram))
			t.valueColumn(x, src, keyOf(c), x.ids)
			ids := x.ids
			for i, k := range x.columns[ColKind] {
				if k == int64(Histogram) {
					dst[i] = ids[0]
					ids = ids[1:]
				}
			}
		}
		if src.bad {
			return damagedf("text column %d", c)
		}
	}
	return nil
}

// list64 decodes the values of lists in either order.
func (x *decoder) list64(src *source, dst, lengths []int64, doubles bool) bool {
	order := src.byte()
	to := dst
	if order == listByPlace {
		x.w = resize(x.w, len(dst))
		to = x.w
	}
	if doubles {
		x.r.doubles(src, to)
	} else {
		x.r.ints(src, to)
	}
	if order == listByRow || src.bad {
		return !src.bad
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
	for _, c := range t.schema.lists {
		if !x.needs.want.All && !x.needs.want.Lists {
			return nil
		}
		l := &t.Lists[c]
		if len(l.Offsets) == 0 {
			l.Offsets = append(l.Offsets, 0)
		}
		s := x.d.section(sectionList + uint8(c))
		kinds := listAppliesTo(c)
		var lengths []int64
		if s != nil {
			src, err := x.open(s)
			if err != nil {
				return err
			}
			lengths = resize(x.v, x.ofKinds(kinds))
			x.v = lengths
			x.r.ints(src, lengths)
			total := int64(0)
			for _, n := range lengths {
				if n < 0 || n > int64(s.count)-total {
					return damagedf("list column %d", c)
				}
				total += n
			}
			if src.bad || total != int64(s.count) {
				return damagedf("list column %d", c)
			}
			l.Values = grow(l.Values, s.count)
			dst := l.Values[len(l.Values)-s.count:]
			if !x.list64(src, dst, lengths, c == ListQuantiles || c == ListQuantileValues) {
				return damagedf("list column %d", c)
			}
			if src.bad {
				return damagedf("list column %d", c)
			}
		}
		end := l.Offsets[len(l.Offsets)-1]
		for _, k := range x.columns[ColKind] {
			if s != nil && k >= 0 && k < 8 && kinds>>k&1 != 0 {
				end += uint32(lengths[0])
				lengths = lengths[1:]
			}
			l.Offsets = append(l.Offsets, end)
		}
	}
	q, v := &t.Lists[ListQuantiles], &t.Lists[ListQuantileValues]
	if from := len(q.Offsets) - x.d.Items; from > 0 {
		for i := from; i < len(q.Offsets); i++ {
			if q.Offsets[i]-q.Offsets[i-1] != v.Offsets[i]-v.Offsets[i-1] {
				return damagedf("quantiles and their values differ in number")
			}
		}
	}
	return nil
}
