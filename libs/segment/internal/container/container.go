// Package container implements sections 3 and 4 of docs/segment-format.md: the body as compressed frames of streams, the directory that
// tells where the streams of a section lie, and the extension fields of both. It knows no encoding: what a stream says is the
// business of the layers above.
//
// Invariants: every frame is filled exactly by the streams that the directory lists; streams of a frame follow each other in the order of
// the directory, and so do the parts of sections in the head; plain streams lie in raw frames, and a frame that holds an extension holds nothing else; keys are strictly ascending, section numbers are distinct; extension fields are strictly ascending by tag. Parse
// accepts nothing else, so that a Reader need not look again.
package container

import (
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
)

// FormatVersion is what Directory.Append writes.
const FormatVersion = 1

// oldestVersion is the first format version, which every program reads.
const oldestVersion = 1

// Bounds of one segment.
const (
	MaxItems   = limits.Items
	MaxEntries = limits.Entries // of events, attributes or list entries each, and bytes of all keys; one item has fewer, as each takes a byte of its segment.MaxItemBytes
)

// Numbers of sections. An integer column's section has the column's number.
const (
	SectionText       = 0x40 // + number of the text column
	SectionConnection = 0x47 // the text column of who sent an item
	SectionList       = 0x60 // + number of the list column
	SectionTraceIDs   = 0x70
	SectionSpanIDs    = 0x71
	SectionParentIDs  = 0x72
	SectionShapes     = 0x73
	SectionResources  = 0x80
	SectionScopes     = 0x81
	SectionMetrics    = 0x82
	SectionSeries     = 0x83
	SectionEvents     = 0x90
	SectionLinks      = 0x91
	SectionExemplars  = 0x92
	SectionKey        = 0xff // an attribute key; not written, keys have a list of their own
)

// Streams of a section.
const (
	StreamCode      = iota
	StreamPlain     // always in raw frames, so that a part of it can be fetched
	StreamText      //
	StreamExtension // extension fields of the body, in frames of their own; only who knows one of them reads it
	NumStreams
)

// Codecs of a frame.
const (
	FrameRaw  = 0
	FrameZstd = 1
	// FramePhrases is a chunk of passages that is written in phrases; in a directory it stands as compressed.
	FramePhrases = 2
)

// mostRaw is how many bytes a frame may have whose zstd form takes stored bytes, so that a damaged directory demands no memory. The Writer leaves a frame that would break this rule
// uncompressed.
func mostRaw(stored int) int { return stored*limits.FrameGrowth + limits.FrameFree }

// Frame is a run of body bytes that is compressed as one.
type Frame struct {
	Offset, Stored, Raw int // bytes; Offset in the body
	Codec               uint8
}

// Passages says which frames, the last ones, hold the long texts of a segment: chunk after chunk. If they are written in words, the list of these stands
// before the first, and after the list and each chunk the bits of its ids. Words can be written in phrases, whose model stands before their list.
type Passages struct {
	Chunks  int
	Last    int // bytes of the last chunk; all others have passages.ChunkBytes
	Words   bool
	Phrases bool // never without Words
}

// How passages are written, as their field says.
const (
	writtenPlain = iota
	writtenWords
	writtenPhrases
)

// Frames is how many frames these are.
func (p *Passages) Frames() int {
	switch {
	case p.Phrases:
		return 2*p.Chunks + 3
	case p.Words:
		return 2*p.Chunks + 2
	}
	return p.Chunks
}

// Bytes is how long a chunk is.
func (p *Passages) Bytes(chunk int) int {
	if chunk+1 == p.Chunks {
		return p.Last
	}
	return passages.ChunkBytes
}

// Stream is a part of a frame's raw bytes.
type Stream struct{ Frame, Offset, Length int32 }

// Parts of the head, as the streams of a body.
const (
	headParts = StreamExtension // code, plain, text
	// mostHead bounds the raw bytes of a head, so that a directory stays small beside its body.
	mostHead = limits.HeadBytes
)

// Head is what the directory itself holds of sections, in one frame after its entries: small dictionaries, with how many items have each of
// their values, so that counting opens no body. First the code of all sections, then the plain bytes of all, then the text.
type Head struct {
	Stored []byte // as it stands in the directory
	Raw    int    // bytes when decompressed
	Codec  uint8
	starts [headParts]int // of each part in the raw bytes

	once sync.Once // of raw and err: readers on several goroutines share a directory
	raw  []byte
	err  error
}

// open gives the raw bytes. They live as long as they are referred to, and are not changed.
func (h *Head) open(z *zstd.Decoder) ([]byte, error) {
	h.once.Do(func() {
		if h.raw = h.Stored; h.Codec != FrameRaw {
			h.raw, h.err = unzip(z, h.Stored, make([]byte, 0, h.Raw), h.Raw)
		}
	})
	return h.raw, h.err
}

// Extent is a part of the head's code, plain bytes or text.
type Extent struct{ Offset, Length int32 }

// Section is the directory's entry of one column, one attribute key, or one dictionary.
type Section struct {
	ID       uint8
	Types    uint8  // keys and texts: bit per value type
	Key      string // of SectionKey
	Count    int    // keys: values; dictionaries and nested row sets: entries; else items
	Distinct int    // keys and texts: entries of the dictionary, an upper bound of the distinct values
	Min, Max int64  // integer columns, and integer values of keys
	Streams  [NumStreams]Stream
	Head     [headParts]Extent // what the head has of it
	Fields   Fields            // extension fields
	Chunks   []int32           // of the passages to which it refers, in rising order
}

// HasBounds tells whether Min and Max are kept.
func (s *Section) HasBounds() bool {
	return s.ID < SectionText || s.ID == SectionKey && s.Types>>otlp.Int&1 != 0
}

func (s *Section) hasDictionary() bool {
	return s.ID == SectionKey || s.ID >= SectionText && s.ID < SectionList
}

// HasHead tells whether a part of the section is in the head: of a column its values and how often each occurs, of a dictionary all of it.
func (s *Section) HasHead() bool { return s.Head[StreamCode].Length > 0 }

// mayHead tells whether a section of this kind can have a head, and whether it is there in full then.
func (s *Section) mayHead() (may, full bool) {
	switch {
	case s.ID == SectionResources, s.ID == SectionScopes:
		return true, true
	default:
		return s.hasDictionary() || s.ID < SectionText, false
	}
}

// Constant tells of an integer column that it has no streams: every value is Min.
func (s *Section) Constant() bool {
	return s.Streams[StreamCode].Length|s.Streams[StreamPlain].Length|s.Streams[StreamText].Length == 0
}

// Damagedf is the error of a segment whose bytes contradict the specification.
func Damagedf(format string, args ...any) *fault.Error {
	return ErrDamaged.Newf("segment is damaged: "+format, args...)
}
