package segment

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Numbers of sections. An integer column's section has the column's number.
const (
	sectionText      = 0x40 // + TextColumn
	sectionList      = 0x60 // + ListColumn
	sectionTraceIDs  = 0x70
	sectionSpanIDs   = 0x71
	sectionParentIDs = 0x72
	sectionShapes    = 0x73
	sectionResources = 0x80
	sectionScopes    = 0x81
	sectionMetrics   = 0x82
	sectionSeries    = 0x83
	sectionEvents    = 0x90
	sectionLinks     = 0x91
	sectionExemplars = 0x92
	sectionKey       = 0xff // an attribute key; not written, keys have a list of their own
)

// Streams of a section.
const (
	streamCode = iota
	streamPlain
	streamText
	numStreams
)

// Codecs of a frame.
const (
	frameRaw  = 0
	frameZstd = 1
)

// Bounds that keep a damaged directory from demanding memory: a compressed frame may grow by maxGrowth of what is stored plus freeGrowth.
// The encoder leaves a frame that would break this rule uncompressed.
const (
	maxGrowth  = 1024
	freeGrowth = 1 << 20
)

// frame is a run of body bytes that is compressed as one.
type frame struct {
	offset, stored, raw int
	codec               uint8
}

// stream is a part of a frame's raw bytes.
type stream struct{ frame, offset, length int }

// section is one column, one attribute key, or one dictionary.
type section struct {
	id       uint8
	key      string
	count    int   // keys: values; dictionaries and nested row sets: entries
	distinct int   // keys and texts: entries of the dictionary, an upper bound of the distinct values
	types    uint8 // keys and texts: bit per ValueType
	min, max int64 // integer columns, and Int values of keys
	streams  [numStreams]stream
}

// hasBounds tells whether min and max are kept.
func (s *section) hasBounds() bool {
	return s.id < sectionText || s.id == sectionKey && s.types&(1<<Int) != 0
}

// Directory lists the sections of a segment's body.
type Directory struct {
	Items    int
	Signal   telemetry.Signal
	frames   []frame
	sections []section // columns in body order
	keys     []section // sorted by key
}

// append writes the directory.
func (d *Directory) append(b []byte) []byte {
	b = append(b, FormatVersion, byte(d.Signal))
	b = appendUvarint(b, uint64(d.Items))
	b = appendUvarint(b, uint64(len(d.frames)))
	for i := range d.frames {
		f := &d.frames[i]
		b = appendUvarint(b, uint64(f.stored)<<1|uint64(f.codec))
		if f.codec != frameRaw {
			b = appendUvarint(b, uint64(f.raw))
		}
	}
	b = appendUvarint(b, uint64(len(d.sections)))
	for i := range d.sections {
		s := &d.sections[i]
		b = append(b, s.id)
		if s.id >= sectionText {
			b = appendUvarint(b, uint64(s.count))
		}
		b = s.appendRest(b)
	}
	b = appendUvarint(b, uint64(len(d.keys)))
	prev := ""
	for i := range d.keys {
		s := &d.keys[i]
		shared := commonPrefix(prev, s.key)
		b = appendUvarint(b, uint64(shared))
		b = appendUvarint(b, uint64(len(s.key)-shared))
		b = append(b, s.key[shared:]...)
		b = appendUvarint(b, uint64(s.count))
		b = s.appendRest(b)
		prev = s.key
	}
	return b
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func (s *section) hasDictionary() bool {
	return s.id == sectionKey || s.id >= sectionText && s.id < sectionList
}

func (s *section) appendRest(b []byte) []byte {
	if s.hasDictionary() {
		b = append(b, s.types)
		b = appendUvarint(b, uint64(s.distinct))
	}
	if s.hasBounds() {
		b = appendUvarint(b, zigzag(s.min))
		b = appendUvarint(b, uint64(s.max)-uint64(s.min))
	}
	mask := byte(0)
	for i := range s.streams {
		if s.streams[i].length > 0 {
			mask |= 1 << i
		}
	}
	b = append(b, mask)
	for i := range s.streams {
		if st := &s.streams[i]; st.length > 0 {
			b = appendUvarint(b, uint64(st.frame))
			b = appendUvarint(b, uint64(st.length))
		}
	}
	return b
}

func damagedf(format string, args ...any) *fault.Error {
	return fault.Newf(fault.Internal, "segment.damaged", "segment is damaged: "+format, args...)
}

// directoryReader parses with one cursor; the first damage is kept.
type directoryReader struct {
	b   []byte
	bad bool
}

func (r *directoryReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *directoryReader) limited(limit int) int {
	v := r.uvarint()
	if v > uint64(limit) {
		r.bad = true
		return 0
	}
	return int(v)
}

func (r *directoryReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *directoryReader) bytes(n int) []byte {
	if n > len(r.b) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// ParseDirectory reads a directory; a damaged one is fault.Internal with code "segment.damaged", one of an unknown version with
// "segment.format".
func ParseDirectory(b []byte) (*Directory, error) { return parseDirectory(b, FormatVersion) }

// oldestVersion is the first format version, which every program reads.
const oldestVersion = 1

// parseDirectory reads a directory of any version up to newest. All versions so far have the same layout.
func parseDirectory(b []byte, newest byte) (*Directory, error) {
	r := &directoryReader{b: b}
	version := r.byte()
	if !r.bad && (version < oldestVersion || version > newest) {
		return nil, fault.Newf(fault.Internal, "segment.format", "segment has format version %d, this program reads versions %d to %d",
			version, oldestVersion, newest)
	}
	d := &Directory{Signal: telemetry.Signal(r.byte())}
	if d.Signal > telemetry.Metrics {
		return nil, damagedf("unknown signal %d", d.Signal)
	}
	if d.Items = r.limited(MaxItems); d.Items == 0 {
		return nil, damagedf("it has no items, or too many")
	}
	d.frames = make([]frame, r.limited(len(r.b)))
	offset := 0
	for i := range d.frames {
		f := &d.frames[i]
		v := r.uvarint()
		if v > math.MaxInt32 {
			return nil, damagedf("frame %d is too long", i)
		}
		f.offset, f.stored, f.codec = offset, int(v>>1), uint8(v&1)
		f.raw = f.stored
		if f.codec != frameRaw {
			f.raw = r.limited(f.stored*maxGrowth + freeGrowth)
		}
		offset += f.stored
	}
	used := make([]int, len(d.frames))
	d.sections = make([]section, r.limited(len(r.b)))
	for i := range d.sections {
		s := &d.sections[i]
		s.id = r.byte()
		if s.id == sectionKey || i > 0 && slices.ContainsFunc(d.sections[:i], func(o section) bool { return o.id == s.id }) {
			return nil, damagedf("section %d has number %d", i, s.id)
		}
		s.count = d.Items
		if s.id >= sectionText {
			s.count = r.limited(maxEntries)
		}
		s.read(r, d.frames, used)
	}
	d.keys = make([]section, r.limited(len(r.b)))
	prev := ""
	for i := range d.keys {
		s := &d.keys[i]
		s.id = sectionKey
		shared := r.limited(len(prev))
		rest := r.bytes(r.limited(len(r.b)))
		if r.bad {
			break
		}
		s.key = prev[:shared] + string(rest)
		if i > 0 && s.key <= prev {
			return nil, damagedf("keys are out of order")
		}
		prev = s.key
		s.count = r.limited(maxEntries)
		s.read(r, d.frames, used)
	}
	if r.bad || len(r.b) != 0 {
		return nil, damagedf("directory is truncated or too long")
	}
	for i := range used {
		if used[i] != d.frames[i].raw {
			return nil, damagedf("frame %d is not filled by its streams", i)
		}
	}
	return d, nil
}

func (s *section) read(r *directoryReader, frames []frame, used []int) {
	if s.hasDictionary() {
		s.types = r.byte()
		s.distinct = r.limited(maxEntries)
	}
	if s.hasBounds() {
		s.min = unzigzag(r.uvarint())
		s.max = int64(uint64(s.min) + r.uvarint())
		if s.max < s.min {
			r.bad = true
		}
	}
	mask := r.byte()
	if mask >= 1<<numStreams {
		r.bad = true
		return
	}
	for i := range s.streams {
		if mask>>i&1 == 0 {
			continue
		}
		f := r.limited(len(frames) - 1)
		if r.bad || len(frames) == 0 {
			r.bad = true
			return
		}
		n := r.limited(frames[f].raw - used[f])
		s.streams[i] = stream{frame: f, offset: used[f], length: n}
		used[f] += n
	}
}

// Memory is about how many bytes a parsed directory takes.
func (d *Directory) Memory() int {
	n := len(d.frames)*int(unsafe.Sizeof(frame{})) + (len(d.sections)+len(d.keys))*int(unsafe.Sizeof(section{}))
	for i := range d.keys {
		n += len(d.keys[i].key)
	}
	return n
}

// Keys lists the item attribute keys of the segment, sorted.
func (d *Directory) Keys() []string {
	keys := make([]string, len(d.keys))
	for i := range d.keys {
		keys[i] = d.keys[i].key
	}
	return keys
}

// KeyInfo says what a segment holds under an attribute key.
type KeyInfo struct {
	Values   int   // how many attributes have the key
	Distinct int   // at most so many distinct values
	Types    uint8 // bit 1<<ValueType for each type that occurs
	Min, Max int64 // of the Int values; meaningless without any
}

// Has tells whether a type occurs.
func (k KeyInfo) Has(t ValueType) bool { return k.Types>>t&1 != 0 }

// Key tells what the segment holds under an item attribute key; false when nothing.
func (d *Directory) Key(key string) (KeyInfo, bool) {
	i, ok := slices.BinarySearchFunc(d.keys, key, func(s section, key string) int { return strings.Compare(s.key, key) })
	if !ok {
		return KeyInfo{}, false
	}
	s := &d.keys[i]
	return KeyInfo{Values: s.count, Distinct: s.distinct, Types: s.types, Min: s.min, Max: s.max}, true
}

// Bounds returns the smallest and largest value of an integer column (as int64, whatever it stands for); a column that the segment
// does not have is all zero.
func (d *Directory) Bounds(c Column) (lo, hi int64) {
	if s := d.section(uint8(c)); s != nil {
		return s.min, s.max
	}
	return 0, 0
}

func (d *Directory) section(id uint8) *section {
	for i := range d.sections {
		if d.sections[i].id == id {
			return &d.sections[i]
		}
	}
	return nil
}
