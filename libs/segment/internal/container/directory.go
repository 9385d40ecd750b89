package container

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Directory lists the sections of a segment's body (section 4 of the specification).
type Directory struct {
	Items    int
	Signal   telemetry.Signal
	Frames   []Frame
	Sections []Section // columns and dictionaries in body order
	Keys     []Section // sorted by key
	Fields   Fields    // extension fields
	Passages Passages
	Head     *Head // nil where it has none

	sums []unit // of the body; nil where it has none
}

// Bits in an entry's mask of streams beyond those of the streams.
const (
	hasChunks = 0x10 // numbers of chunks of the passages follow
	hasHead   = 0x20 // lengths of the parts in the head follow
	hasFields = 0x80 // extension fields follow
)

// Append writes the directory.
func (d *Directory) Append(b []byte) []byte {
	b = append(b, FormatVersion, byte(d.Signal))
	b = binary.AppendUvarint(b, uint64(d.Items))
	b = binary.AppendUvarint(b, uint64(len(d.Frames)))
	for i := range d.Frames {
		f := &d.Frames[i]
		b = binary.AppendUvarint(b, uint64(f.Stored)<<1|uint64(min(f.Codec, FrameZstd)))
		if f.Codec != FrameRaw {
			b = binary.AppendUvarint(b, uint64(f.Raw))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(d.Sections)))
	for i := range d.Sections {
		s := &d.Sections[i]
		b = append(b, s.ID)
		if s.ID >= SectionText {
			b = binary.AppendUvarint(b, uint64(s.Count))
		}
		b = s.appendRest(b)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Keys)))
	prev := ""
	for i := range d.Keys {
		s := &d.Keys[i]
		shared := commonPrefix(prev, s.Key)
		b = binary.AppendUvarint(b, uint64(shared))
		b = binary.AppendUvarint(b, uint64(len(s.Key)-shared))
		b = append(b, s.Key[shared:]...)
		b = binary.AppendUvarint(b, uint64(s.Count))
		b = s.appendRest(b)
		prev = s.Key
	}
	return d.Head.append(d.Fields.append(b))
}

// append writes the head with its lengths before it.
func (h *Head) append(b []byte) []byte {
	if h == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(h.Stored))<<1|uint64(h.Codec))
	if h.Codec != FrameRaw {
		b = binary.AppendUvarint(b, uint64(h.Raw))
	}
	return append(b, h.Stored...)
}

// append writes the fields with their length before them.
func (f Fields) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(f)))
	return append(b, f...)
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

func (s *Section) appendRest(b []byte) []byte {
	if s.hasDictionary() {
		b = append(b, s.Types)
		b = binary.AppendUvarint(b, uint64(s.Distinct))
	}
	if s.HasBounds() {
		b = binary.AppendVarint(b, s.Min)
		b = binary.AppendUvarint(b, uint64(s.Max)-uint64(s.Min))
	}
	mask := byte(0)
	for i := range s.Streams {
		if s.Streams[i].Length > 0 {
			mask |= 1 << i
		}
	}
	if len(s.Chunks) > 0 {
		mask |= hasChunks
	}
	if s.HasHead() {
		mask |= hasHead
	}
	if len(s.Fields) > 0 {
		mask |= hasFields
	}
	b = append(b, mask)
	for i := range s.Streams {
		if st := &s.Streams[i]; st.Length > 0 {
			b = binary.AppendUvarint(b, uint64(st.Frame))
			b = binary.AppendUvarint(b, uint64(st.Length))
		}
	}
	if len(s.Chunks) > 0 {
		b = binary.AppendUvarint(b, uint64(len(s.Chunks)))
		next := int32(0)
		for _, c := range s.Chunks {
			b = binary.AppendUvarint(b, uint64(c-next))
			next = c + 1
		}
	}
	if s.HasHead() {
		for i := range s.Head {
			b = binary.AppendUvarint(b, uint64(s.Head[i].Length))
		}
	}
	if len(s.Fields) > 0 {
		b = s.Fields.append(b)
	}
	return b
}

// directoryReader parses with one cursor; the first damage is kept.
type directoryReader struct {
	b    []byte
	bad  bool
	head [headParts]int32 // bytes of the head that the entries before have
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

func (r *directoryReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *directoryReader) limited(limit int) int {
	v := r.uvarint()
	if v > uint64(max(limit, 0)) {
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

// fields reads extension fields into memory of their own, so that a directory does not hold on to what it was read from.
func (r *directoryReader) fields() Fields {
	f := Fields(r.bytes(r.limited(len(r.b))))
	if !f.valid() {
		r.bad = true
		return nil
	}
	if len(f) == 0 {
		return nil
	}
	return bytes.Clone(f)
}

// Parse reads a directory of any version up to newest into d, which is empty; all versions so far have the same layout. A damaged one is
// fault.Internal with code "segment.damaged", one of an unknown version with "segment.format", one with a critical extension with
// "segment.extension". d does not refer to b.
func (d *Directory) Parse(b []byte, newest byte) error {
	r := &directoryReader{b: b}
	version := r.byte()
	if !r.bad && (version < oldestVersion || version > newest) {
		return ErrFormat.Newf("segment has format version %d, this program reads versions %d to %d",
			version, oldestVersion, newest)
	}
	if d.Signal = telemetry.Signal(r.byte()); d.Signal > telemetry.Metrics {
		return Damagedf("unknown signal %d", d.Signal)
	}
	if d.Items = r.limited(MaxItems); d.Items == 0 {
		return Damagedf("it has no items, or too many")
	}
	if err := d.parseFrames(r); err != nil {
		return err
	}
	used := make([]use, len(d.Frames))
	if err := d.parseSections(r, used); err != nil {
		return err
	}
	if err := d.parseKeys(r, used); err != nil {
		return err
	}
	d.Fields = r.fields()
	end := len(b) - len(r.b)
	d.parseHead(r)
	if r.bad || len(r.b) != 0 {
		return Damagedf("directory is truncated or too long")
	}
	if err := d.parsePassages(used); err != nil {
		return err
	}
	for i := range used {
		if used[i].bytes != d.Frames[i].Raw {
			return Damagedf("frame %d is not filled by its streams", i)
		}
	}
	if err := d.parseSums(b, end); err != nil {
		return err
	}
	return d.Fields.understood("the directory", fieldPassages)
}

func (d *Directory) parseFrames(r *directoryReader) error {
	d.Frames = make([]Frame, r.limited(len(r.b)))
	offset := 0
	for i := range d.Frames {
		f := &d.Frames[i]
		v := r.uvarint()
		if v>>1 > limits.FrameStored {
			return Damagedf("frame %d is too long", i)
		}
		f.Offset, f.Stored, f.Codec = offset, int(v>>1), uint8(v&1)
		f.Raw = f.Stored
		if f.Codec != FrameRaw {
			f.Raw = r.limited(min(mostRaw(f.Stored), limits.FrameRaw))
		}
		offset += f.Stored
	}
	return nil
}

// parseHead reads the head, which is as long as the entries say.
func (d *Directory) parseHead(r *directoryReader) {
	v := r.limited(2*mostHead + 1)
	stored, codec := v>>1, uint8(v&1)
	raw := stored
	if codec != FrameRaw {
		raw = r.limited(min(mostRaw(stored), mostHead))
	}
	h := &Head{Stored: bytes.Clone(r.bytes(stored)), Raw: raw, Codec: codec}
	at := 0
	for i, n := range r.head {
		h.starts[i] = at
		at += int(n)
	}
	switch {
	case r.bad:
	case at != raw || stored == 0 && codec != FrameRaw: // the head is what its sections have
		r.bad = true
	case stored > 0:
		d.Head = h
	}
}

// field is the extension of the directory that tells of passages.
func (p *Passages) field() Fields {
	written := byte(writtenPlain)
	switch {
	case p.Phrases:
		written = writtenPhrases
	case p.Words:
		written = writtenWords
	}
	b := append(binary.AppendUvarint(nil, uint64(p.Chunks)), written)
	return Fields{}.With(fieldPassages, true, binary.AppendUvarint(b, uint64(p.Last)))
}

// parsePassages finds the frames of passages: no stream lies there, and none makes more text than a chunk has.
func (d *Directory) parsePassages(used []use) error {
	p := &d.Passages
	if content, ok := d.Fields.Get(fieldPassages); ok {
		r := &directoryReader{b: content}
		p.Chunks = r.limited(min(len(d.Frames), passages.MostText/passages.ChunkBytes))
		written := r.byte()
		p.Last, p.Words, p.Phrases = r.limited(passages.ChunkBytes), written >= writtenWords, written == writtenPhrases
		if r.bad || len(r.b) > 0 || written > writtenPhrases || p.Chunks == 0 || p.Last == 0 || p.Frames() > len(d.Frames) {
			return Damagedf("passages are not there")
		}
	}
	for _, list := range [...][]Section{d.Sections, d.Keys} {
		for i := range list {
			if c := list[i].Chunks; len(c) > 0 && int(c[len(c)-1]) >= p.Chunks {
				return Damagedf("%s refers to passages that are not there", list[i].Name())
			}
		}
	}
	if p.Words && (d.Frames[d.words()].Raw > passages.MostList || d.Frames[d.words()+1].Codec != FrameRaw) {
		return Damagedf("the list of words is too long, or its ids are compressed")
	}
	if p.Phrases && d.Frames[d.model()].Raw > limits.PhraseModel {
		return Damagedf("the model of phrases is too long")
	}
	for i := range p.Chunks {
		if f := &d.Frames[d.Chunk(i)]; p.Phrases && f.Codec == FrameZstd {
			f.Codec = FramePhrases
		}
		if raw := d.Frames[d.Chunk(i)].Raw; raw > p.Bytes(i) || raw < p.Bytes(i) && !p.Words {
			return Damagedf("chunk %d of passages has %d bytes", i, raw)
		}
		if p.Words && d.Frames[d.Chunk(i)+1].Codec != FrameRaw {
			return Damagedf("the ids of chunk %d are compressed", i)
		}
	}
	for i := len(d.Frames) - p.Frames(); i < len(d.Frames); i++ {
		if used[i].bytes > 0 {
			return Damagedf("frame %d holds passages and streams", i)
		}
		used[i].bytes = d.Frames[i].Raw
	}
	return nil
}

// Chunk is the number of the frame of a chunk of passages. In words, the bits of its ids are the next frame.
func (d *Directory) Chunk(i int) int {
	if d.Passages.Words {
		return len(d.Frames) - 2*d.Passages.Chunks + 2*i
	}
	return len(d.Frames) - d.Passages.Chunks + i
}

// words is the number of the frame with the list of words; the bits of its ids are the next frame.
func (d *Directory) words() int { return d.Chunk(0) - 2 }

// model is the number of the frame with the model of phrases.
func (d *Directory) model() int { return d.words() - 1 }

// Behind appends the numbers of the frames of passages that s refers to.
func (d *Directory) Behind(to []int, s *Section) []int {
	if d.Passages.Words && len(s.Chunks) > 0 {
		to = append(to, d.words(), d.words()+1)
	}
	if d.Passages.Phrases && len(s.Chunks) > 0 {
		to = append(to, d.model())
	}
	for _, c := range s.Chunks {
		to = append(to, d.Chunk(int(c)))
		if d.Passages.Words {
			to = append(to, d.Chunk(int(c))+1)
		}
	}
	return to
}

// use is what of a frame the streams take that were read so far.
type use struct {
	bytes     int
	extension bool
}

// takes tells whether a stream may lie in the frame, and notes that it does: a part of a plain one is fetched, so that it is not compressed,
// and extensions are left where they are, so that they have frames of their own.
func (u *use) takes(stream int, codec uint8) bool {
	extension := stream == StreamExtension
	if u.bytes > 0 && u.extension != extension || stream == StreamPlain && codec != FrameRaw {
		return false
	}
	u.extension = extension
	return true
}

func (d *Directory) parseSections(r *directoryReader, used []use) error {
	var seen [limits.Sections]bool
	d.Sections = make([]Section, r.limited(min(len(r.b), len(seen))))
	for i := range d.Sections {
		s := &d.Sections[i]
		s.ID = r.byte()
		if s.ID == SectionKey || seen[s.ID] {
			return Damagedf("section %d has number %d", i, s.ID)
		}
		seen[s.ID] = true
		s.Count = d.Items
		if s.ID >= SectionText {
			s.Count = r.limited(MaxEntries)
		}
		s.parseRest(r, d, used)
	}
	return nil
}

// leastKey is how many bytes the entry of a key takes at least: one for each of its numbers, and its mask.
const leastKey = limits.KeyEntry

func (d *Directory) parseKeys(r *directoryReader, used []use) error {
	d.Keys = make([]Section, r.limited(len(r.b)/leastKey))
	prev, text := "", 0
	for i := range d.Keys {
		s := &d.Keys[i]
		s.ID = SectionKey
		shared := r.limited(len(prev))
		rest := r.bytes(r.limited(len(r.b)))
		if text += shared + len(rest); text > limits.KeyBytes {
			return Damagedf("the keys are %d bytes and more", text)
		}
		if r.bad {
			break
		}
		s.Key = prev[:shared] + string(rest)
		if i > 0 && s.Key <= prev {
			return Damagedf("keys are out of order")
		}
		prev = s.Key
		s.Count = r.limited(MaxEntries)
		s.parseRest(r, d, used)
	}
	return nil
}

func (s *Section) parseRest(r *directoryReader, d *Directory, used []use) {
	frames := d.Frames
	if s.hasDictionary() {
		s.Types = r.byte()
		s.Distinct = r.limited(MaxEntries)
	}
	if s.HasBounds() {
		s.Min = r.varint()
		s.Max = int64(uint64(s.Min) + r.uvarint())
		if s.Max < s.Min {
			r.bad = true
		}
	}
	mask := r.byte()
	if mask&^(hasFields|hasHead|hasChunks) >= 1<<NumStreams {
		r.bad = true
		return
	}
	for i := range s.Streams {
		if mask>>i&1 == 0 {
			continue
		}
		f := r.limited(len(frames) - 1)
		if r.bad || len(frames) == 0 {
			r.bad = true
			return
		}
		n := r.limited(frames[f].Raw - used[f].bytes)
		if n == 0 || !used[f].takes(i, frames[f].Codec) { // the mask names no stream without bytes
			r.bad = true
			return
		}
		s.Streams[i] = Stream{Frame: int32(f), Offset: int32(used[f].bytes), Length: int32(n)}
		used[f].bytes += n
	}
	if mask&hasChunks != 0 {
		s.Chunks = make([]int32, r.limited(min(len(frames), passages.MostText/passages.ChunkBytes)))
		next := 0
		for i := range s.Chunks {
			c := next + r.limited(len(frames)-1-next)
			s.Chunks[i] = int32(c)
			next = c + 1
		}
		r.bad = r.bad || next == 0 || next > len(frames) // the mask names no chunks where there are none
	}
	if mask&hasHead != 0 {
		s.parseHead(r)
	}
	if mask&hasFields != 0 {
		s.Fields = r.fields()
	}
}

// parseHead reads how much of the head is the section's.
func (s *Section) parseHead(r *directoryReader) {
	for i := range s.Head {
		n := r.limited(mostHead - int(r.head[i]))
		s.Head[i] = Extent{Offset: r.head[i], Length: int32(n)}
		r.head[i] += int32(n)
	}
	may, full := s.mayHead()
	if !s.HasHead() || !may || full && !s.Constant() { // the mask names no head without code
		r.bad = true
	}
}

// Memory is about how many bytes a parsed directory takes.
func (d *Directory) Memory() int {
	n := len(d.Frames)*int(unsafe.Sizeof(Frame{})) + (len(d.Sections)+len(d.Keys))*int(unsafe.Sizeof(Section{})) + len(d.Fields) + len(d.sums)*int(unsafe.Sizeof(unit{}))
	if d.Head != nil {
		n += int(unsafe.Sizeof(Head{})) + len(d.Head.Stored)
		if d.Head.Codec != FrameRaw {
			n += d.Head.Raw // once somebody has asked for it
		}
	}
	for i := range d.Sections {
		n += len(d.Sections[i].Fields) + 4*len(d.Sections[i].Chunks)
	}
	for i := range d.Keys {
		n += len(d.Keys[i].Key) + len(d.Keys[i].Fields) + 4*len(d.Keys[i].Chunks)
	}
	return n
}

// Section is the entry with a number; nil where the segment does not have it.
func (d *Directory) Section(id uint8) *Section {
	for i := range d.Sections {
		if d.Sections[i].ID == id {
			return &d.Sections[i]
		}
	}
	return nil
}

// Key is the entry of an attribute key and its number among the keys; nil where the segment does not have it.
func (d *Directory) Key(key string) (*Section, int) {
	i, ok := slices.BinarySearchFunc(d.Keys, key, func(s Section, key string) int { return strings.Compare(s.Key, key) })
	if !ok {
		return nil, 0
	}
	return &d.Keys[i], i
}

// Known is the tag of the extension field that this program knows of the entry; 0 for none.
func (s *Section) Known() uint64 {
	if s.ID == SectionConnection {
		return fieldConnection
	}
	return 0
}

// Understood is the error (fault.Internal, code "segment.extension") of an entry that this program cannot read whole.
func (s *Section) Understood() error {
	if len(s.Fields) == 0 {
		return nil
	}
	return s.Fields.understood(s.Name(), s.Known())
}

// Understood is the error of the first entry that this program cannot read whole.
func (d *Directory) Understood() error {
	for _, list := range [...][]Section{d.Sections, d.Keys} {
		for i := range list {
			if err := list[i].Understood(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Name names an entry for people.
func (s *Section) Name() string {
	switch name := SectionName(s.ID); {
	case s.ID == SectionKey:
		return fmt.Sprintf("attribute %q", s.Key)
	case name != "":
		return "section " + name
	default:
		return fmt.Sprintf("section %d", s.ID)
	}
}

// SectionName names a section that is one of its kind, as section 4 of the specification does; empty for columns and keys.
func SectionName(id uint8) string {
	switch id {
	case SectionTraceIDs:
		return "trace ids"
	case SectionSpanIDs:
		return "span ids"
	case SectionParentIDs:
		return "parent ids"
	case SectionShapes:
		return "attribute shapes"
	case SectionResources:
		return "resources"
	case SectionScopes:
		return "scopes"
	case SectionMetrics:
		return "metrics"
	case SectionSeries:
		return "series dictionary"
	case SectionEvents:
		return "events"
	case SectionLinks:
		return "links"
	case SectionExemplars:
		return "exemplars"
	}
	return ""
}
