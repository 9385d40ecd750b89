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
func (d *decoder) reset() {
	clear(d.frames)
	clear(d.text.out)
	d.parts, d.d, d.needs = nil, nil, nil
	d.arena = nil
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

// valueColumn decodes a list of values of one key into dst; the distinct ones are interned once each.
func (t *Table) valueColumn(x *decoder, src *source, key KeyID, dst []ValueID) {
	if len(dst) == 0 {
		src.bad = true
		return
	}
	switch src.byte() {
	case valuesDirect:
		t.valueList(x, src, key, dst)
	case valuesDict:
		m := src.count(len(dst))
		x.codes = resize(x.codes, len(dst))
		x.r.ints(src, x.codes)
		if m == 0 || src.bad {
			src.bad = true
			return
		}
		x.values = resize(x.values, m)
		t.valueList(x, src, key, x.values)
		if src.bad {
			return
		}
		for i, c := range x.codes {
			if uint64(c) >= uint64(m) {
				src.bad = true
				return
			}
			dst[i] = x.values[c]
		}
	default:
		src.bad = true
	}
}

// valueList decodes values and interns them.
func (t *Table) valueList(x *decoder, src *source, key KeyID, dst []ValueID) {
	x.types = resize(x.types, len(dst))
	first := src.byte()
	if first == typesMixed {
		copy(x.types, src.take(&src.code, len(dst)))
	} else {
		for i := range x.types {
			x.types[i] = first
		}
	}
	if src.bad {
		return
	}
	numbers, doubles, raws := 0, 0, 0
	for _, typ := range x.types {
		switch typ {
		case byte(Empty), typeAbsent:
		case byte(Bool), byte(Int):
			numbers++
		case byte(Double):
			doubles++
		case byte(String), byte(Bytes), byte(Array), byte(Map):
			raws++
		default:
			src.bad = true
			return
		}
	}
	x.numbers, x.doubles = resize(x.numbers, numbers), resize(x.doubles, doubles)
	x.r.ints(src, x.numbers)
	x.r.doubles(src, x.doubles)
	var texts [][]byte
	if raws > 0 {
		texts = x.strings(src, raws)
	}
	if src.bad {
		return
	}
	seed := t.seeds[key]
	num, dbl := x.numbers, x.doubles
	for i, typ := range x.types {
		vt := ValueType(typ)
		switch {
		case typ == typeAbsent:
			dst[i] = 0
		case vt == Bool || vt == Int:
			dst[i] = t.valueHashed(key, vt, uint64(num[0]), nil, hashNum(seed, vt, uint64(num[0])))
			num = num[1:]
		case vt == Double:
			dst[i] = t.valueHashed(key, vt, uint64(dbl[0]), nil, hashNum(seed, vt, uint64(dbl[0])))
			dbl = dbl[1:]
		default:
			var raw []byte
			if vt != Empty {
				raw, texts = texts[0], texts[1:]
			}
			dst[i] = t.valueHashed(key, vt, 0, raw, hashRaw(seed, vt, raw))
		}
	}
}

// texts decodes a list of strings.
func (x *decoder) texts(src *source, n int) [][]byte {
	x.lengths = resize(x.lengths, n)
	x.r.ints(src, x.lengths)
	out := make([][]byte, n)
	for i, l := range x.lengths {
		if uint64(l) > uint64(len(src.text)) {
			src.bad = true
		}
		if src.bad {
			return out
		}
		out[i] = src.take(&src.text, int(l))
	}
	return out
}

// list decodes n integers into new memory.
func (x *decoder) list(src *source, n int) []int64 {
	v := make([]int64, n)
	x.r.ints(src, v)
	return v
}

// pool opens a dictionary's section; nil when it is not needed or empty.
func (x *decoder) pool(id uint8) (*section, *source, error) {
	s := x.d.section(id)
	if s == nil || !x.needs.section(id) {
		return nil, nil, nil
	}
	// Metrics without exemplars and the like have at most as many entries as items.
	if s.count > MaxItems {
		return nil, nil, damagedf("dictionary %d has %d entries", id, s.count)
	}
	src, err := x.open(s)
	return s, src, err
}

func (t *Table) readResources(x *decoder) error {
	x.resources = x.resources[:0]
	s, src, err := x.pool(sectionResources)
	if s == nil || err != nil {
		return err
	}
	dropped := x.list(src, s.count)
	urls := x.texts(src, s.count)
	refCounts := x.list(src, s.count)
	total := 0
	for _, c := range refCounts {
		if c < 0 || c > int64(len(src.text)) {
			return damagedf("resources")
		}
		if total += int(c); total > 4*len(src.text)+freeGrowth {
			return damagedf("resources")
		}
	}
	refs := x.texts(src, total)
	lists, starts := t.attributeBlock(x, src, s.count)
	if src.bad {
		return damagedf("resources")
	}
	for i := range s.count {
		n := int(refCounts[i])
		x.resources = append(x.resources, t.resource(lists[starts[i]:starts[i+1]], uint32(dropped[i]), urls[i], refs[:n]))
		refs = refs[n:]
	}
	return nil
}

func (t *Table) readScopes(x *decoder) error {
	x.scopes = x.scopes[:0]
	s, src, err := x.pool(sectionScopes)
	if s == nil || err != nil {
		return err
	}
	names := x.texts(src, s.count)
	versions := x.texts(src, s.count)
	urls := x.texts(src, s.count)
	dropped := x.list(src, s.count)
	lists, starts := t.attributeBlock(x, src, s.count)
	if src.bad {
		return damagedf("scopes")
	}
	for i := range s.count {
		x.scopes = append(x.scopes, t.scope(names[i], versions[i], lists[starts[i]:starts[i+1]], uint32(dropped[i]), urls[i]))
	}
	return nil
}

func (t *Table) readMetrics(x *decoder) error {
	x.metrics = x.metrics[:0]
	s, src, err := x.pool(sectionMetrics)
	if s == nil || err != nil {
		return err
	}
	names := x.texts(src, s.count)
	descriptions := x.texts(src, s.count)
	units := x.texts(src, s.count)
	kinds := x.list(src, s.count)
	temporalities := x.list(src, s.count)
	monotonic := x.list(src, s.count)
	lists, starts := t.attributeBlock(x, src, s.count)
	if src.bad {
		return damagedf("metrics")
	}
	for i := range s.count {
		if kinds[i] < int64(Gauge) || kinds[i] > int64(Summary) {
			return damagedf("metric of kind %d", kinds[i])
		}
		m := metricText{
			name: names[i], description: descriptions[i], unit: units[i],
			kind: MetricKind(kinds[i]), temporality: int32(temporalities[i]), monotonic: monotonic[i] != 0,
		}
		x.metrics = append(x.metrics, t.metric(&m, lists[starts[i]:starts[i+1]]))
	}
	return nil
}

func (t *Table) readSeries(x *decoder) error {
	x.series = x.series[:0]
	s, src, err := x.pool(sectionSeries)
	if s == nil || err != nil {
		return err
	}
	metrics := x.list(src, s.count)
	resources := x.list(src, s.count)
	scopes := x.list(src, s.count)
	lists, starts := t.attributeBlock(x, src, s.count)
	if src.bad {
		return damagedf("series")
	}
	for i := range s.count {
		m, r, c := metrics[i], resources[i], scopes[i]
		if uint64(m) >= uint64(len(x.metrics)) || uint64(r) >= uint64(len(x.resources)) || uint64(c) >= uint64(len(x.scopes)) {
			return damagedf("series %d refers to nothing", i)
		}
		x.series = append(x.series, t.seriesOf(x.metrics[m], x.resources[r], x.scopes[c], lists[starts[i]:starts[i+1]]))
	}
	return nil
}

// shapes decodes the key lists and each row's: starts and slots per shape, and per row its shape in x.codes.
func (x *decoder) shapes(src *source, n, keys int) (starts []int, slots, rows []int64) {
	m := src.count(n)
	lengths := resize(x.lengths, m)
	x.lengths = lengths
	x.r.ints(src, lengths)
	starts = resize(x.starts, m+1)
	x.starts = starts
	total := 0
	for i, l := range lengths {
		starts[i] = total
		// A slot costs at least a bit unless all are equal; nobody repeats one key that often.
		if l < 0 || l > 1<<16 || src.bad {
			src.bad = true
			return nil, nil, nil
		}
		total += int(l)
	}
	if total > maxEntries {
		src.bad = true
		return nil, nil, nil
	}
	starts[m] = total
	slots = resize(x.slots, total)
	x.slots = slots
	x.r.ints(src, slots)
	rows = resize(x.index, n)
	x.index = rows
	x.r.ints(src, rows)
	if src.bad {
		return nil, nil, nil
	}
	for _, s := range slots {
		if uint64(s) >= uint64(keys) {
			src.bad = true
			return nil, nil, nil
		}
	}
	for _, r := range rows {
		if uint64(r) >= uint64(m) {
			src.bad = true
			return nil, nil, nil
		}
	}
	return starts, slots, rows
}

// attributeBlock decodes the attributes of n nested rows: all lists, one after the other, and where each begins. x.nodes holds each
// row's shape.
func (t *Table) attributeBlock(x *decoder, src *source, n int) (lists []ValueID, starts []uint32) {
	x.ends = append(x.ends[:0], 0)
	x.nodes = resize(x.nodes, n)
	x.ids = x.ids[:0]
	k := src.count(len(src.code))
	if k == 0 || src.bad {
		clear(x.nodes)
		for range n {
			x.ends = append(x.ends, 0)
		}
		return nil, x.ends
	}
	names := x.texts(src, k)
	if src.bad {
		return nil, x.ends
	}
	x.keys = x.keys[:0]
	for _, name := range names {
		x.keys = append(x.keys, t.key(name))
	}
	shapeStarts, slots, rows := x.shapes(src, n, k)
	if src.bad {
		return nil, x.ends
	}
	counts := make([]int, k)
	total := 0
	for _, r := range rows {
		for _, s := range slots[shapeStarts[r]:shapeStarts[r+1]] {
			counts[s]++
		}
		if total += shapeStarts[r+1] - shapeStarts[r]; total > maxEntries {
			src.bad = true
			return nil, x.ends
		}
	}
	if cap(x.perKey) < k {
		x.perKey = make([][]ValueID, k)
	}
	perKey := x.perKey[:k]
	x.flat = resize(x.flat, total)
	flat := x.flat
	for i := range k {
		if counts[i] == 0 {
			src.bad = true
			return nil, x.ends
		}
		perKey[i], flat = flat[:counts[i]], flat[counts[i]:]
		t.valueColumn(x, src, x.keys[i], perKey[i])
		if src.bad {
			return nil, x.ends
		}
	}
	for i, r := range rows {
		node := uint32(0)
		for _, s := range slots[shapeStarts[r]:shapeStarts[r+1]] {
			node = t.tree.child(node, x.keys[s])
			x.ids = append(x.ids, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		x.nodes[i] = node
		x.ends = append(x.ends, uint32(len(x.ids)))
	}
	return x.ids, x.ends
}

// readAttributes decodes the wanted keys of the items' attributes.
func (t *Table) readAttributes(x *decoder) error {
	n := x.d.Items
	if !x.needs.attributes() {
		return nil
	}
	a := &t.Attributes
	if len(a.Offsets) == 0 {
		a.Offsets = append(a.Offsets, 0)
	}
	s := x.d.section(sectionShapes)
	if s == nil {
		for range n {
			a.end(0)
		}
		return nil
	}
	src, err := x.open(s)
	if err != nil {
		return err
	}
	k := len(x.d.keys)
	starts, slots, rows := x.shapes(src, n, k)
	if src.bad {
		return damagedf("attribute shapes")
	}
	counts := make([]int, k)
	total := 0
	for _, r := range rows {
		for _, s := range slots[starts[r]:starts[r+1]] {
			counts[s]++
		}
		if total += starts[r+1] - starts[r]; total > maxEntries {
			return damagedf("attribute shapes")
		}
	}
	x.keys = resize(x.keys, k)
	if cap(x.perKey) < k {
		x.perKey = make([][]ValueID, k)
	}
	perKey := x.perKey[:k]
	wanted := make([]bool, k)
	x.flat = resize(x.flat, total)
	flat := x.flat
	// shapes' results live in x; decoding values must not touch them.
	for i := range k {
		ks := &x.d.keys[i]
		if counts[i] != ks.count || counts[i] == 0 {
			return damagedf("attribute %q has %d values, want %d", ks.key, ks.count, counts[i])
		}
		if wanted[i] = x.needs.key(ks.key); !wanted[i] {
			continue
		}
		x.keys[i] = t.key([]byte(ks.key))
		src, err := x.open(ks)
		if err != nil {
			return err
		}
		perKey[i], flat = flat[:counts[i]], flat[counts[i]:]
		t.valueColumn(x, src, x.keys[i], perKey[i])
		if src.bad {
			return damagedf("attribute %q", ks.key)
		}
	}
	for _, r := range rows {
		node := uint32(0)
		for _, s := range slots[starts[r]:starts[r+1]] {
			if !wanted[s] {
				continue
			}
			node = t.tree.child(node, x.keys[s])
			a.IDs = append(a.IDs, perKey[s][0])
			perKey[s] = perKey[s][1:]
		}
		a.end(node)
	}
	return nil
}

// traceIDs decodes a column of trace ids; index is left in x.index.
func (x *decoder) traceIDs(src *source, dst [][16]byte) {
	d := src.count(len(dst))
	b := src.take(&src.plain, d*16)
	x.idIndex(src, d, len(dst))
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

func (t *Table) readIDs(x *decoder) error {
	n, w := x.d.Items, &x.needs.want
	var traceIndex []int64
	if t.schema.traceIDs && x.needs.section(sectionTraceIDs) {
		col := grow(t.TraceIDs, n)
		dst := col[len(col)-n:]
		clear(dst)
		if s := x.d.section(sectionTraceIDs); s != nil {
			src, err := x.open(s)
			if err != nil {
				return err
			}
			x.traceIDs(src, dst)
			if src.bad {
				return damagedf("trace ids")
			}
			traceIndex = slices.Clone(x.index)
		}
		if w.All || w.TraceIDs {
			t.TraceIDs = col
		}
	}
	if !t.schema.spanIDs || !x.needs.section(sectionSpanIDs) {
		return nil
	}
	spans := grow(t.SpanIDs, n)
	ids := spans[len(spans)-n:]
	clear(ids)
	if s := x.d.section(sectionSpanIDs); s != nil {
		src, err := x.open(s)
		if err != nil {
			return err
		}
		x.spanIDs(src, ids)
		if src.bad {
			return damagedf("span ids")
		}
	}
	if w.All || w.SpanIDs {
		t.SpanIDs = spans
	}
	if t.schema.parents && x.needs.section(sectionParentIDs) {
		t.ParentIDs = grow(t.ParentIDs, n)
		return x.parentIDs(ids, traceIndex, t.ParentIDs[len(t.ParentIDs)-n:])
	}
	return nil
}

func (x *decoder) parentIDs(ids [][8]byte, traceIndex []int64, dst [][8]byte) error {
	clear(dst)
	s := x.d.section(sectionParentIDs)
	if s == nil {
		return nil
	}
	src, err := x.open(s)
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
	starts := make([]uint32, n+2)
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
	rows := make([]uint32, n)
	at := slices.Clone(starts)
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
			if c == ListQuantiles || c == ListQuantileValues {
				x.r.doubles(src, dst)
			} else {
				x.r.ints(src, dst)
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

func (t *Table) readChildren(x *decoder) error {
	for _, c := range t.children {
		if !x.needs.section(c.id) {
			continue
		}
		if err := t.readChild(x, c.rows, c.schema, c.id); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) readChild(x *decoder, c *Children, schema *rowSchema, id uint8) error {
	n := x.d.Items
	c.prepare(schema)
	base := uint32(c.N)
	s := x.d.section(id)
	if s == nil {
		for range n {
			c.Offsets = append(c.Offsets, base)
		}
		return nil
	}
	src, err := x.open(s)
	if err != nil {
		return err
	}
	counts := resize(x.v, n)
	x.v = counts
	x.r.ints(src, counts)
	m := s.count
	total := int64(0)
	for _, k := range counts {
		if k < 0 || k > int64(m)-total {
			return damagedf("section %d", id)
		}
		total += k
	}
	if src.bad || total != int64(m) || m == 0 {
		return damagedf("section %d", id)
	}
	column := func(col Column) []int64 {
		c.Ints[col] = grow(c.Ints[col], m)
		return c.Ints[col][len(c.Ints[col])-m:]
	}
	var times []int64
	if id != sectionLinks {
		times = column(ColTime)
		x.r.ints(src, times)
		at := 0
		for i, k := range counts {
			for range k {
				times[at] += x.columns[ColTime][i]
				at++
			}
		}
	}
	for _, k := range counts {
		base += uint32(k)
		c.Offsets = append(c.Offsets, base)
	}
	text := func(col TextColumn, key KeyID) {
		c.Texts[col] = grow(c.Texts[col], m)
		dst := c.Texts[col][len(c.Texts[col])-m:]
		clear(dst)
		if !src.bad {
			t.valueColumn(x, src, key, dst)
		}
	}
	ids := func() {
		c.TraceIDs = grow(c.TraceIDs, m)
		x.traceIDs(src, c.TraceIDs[len(c.TraceIDs)-m:])
		c.SpanIDs = grow(c.SpanIDs, m)
		if !src.bad {
			x.spanIDs(src, c.SpanIDs[len(c.SpanIDs)-m:])
		}
	}
	switch id {
	case sectionEvents:
		x.r.ints(src, column(ColDroppedAttributes))
		text(TextName, keyEventName)
	case sectionLinks:
		x.r.ints(src, column(ColFlags))
		x.r.ints(src, column(ColDroppedAttributes))
		text(TextTraceState, keyOf(TextTraceState))
		ids()
	case sectionExemplars:
		has := column(ColHas)
		x.r.ints(src, has)
		numbers := column(ColNumber)
		if !src.bad {
			x.numbersByHas(src, has, numbers)
		}
		ids()
	}
	if src.bad {
		return damagedf("section %d", id)
	}
	_, ends := t.attributeBlock(x, src, m)
	if src.bad {
		return damagedf("attributes of section %d", id)
	}
	for i := range m {
		c.Attributes.IDs = append(c.Attributes.IDs, x.ids[ends[i]:ends[i+1]]...)
		c.Attributes.end(x.nodes[i])
	}
	c.N += m
	return nil
}
