package container

import (
	"math/bits"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

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

// Writer puts the streams of sections into frames and writes the directory of them. It serves one segment after the other; what it holds
// belongs to the segment being written, until the next Begin.
type Writer struct {
	zstd    [2]*zstd.Encoder // fastest, default
	zip     *zstd.Encoder    // of this segment
	dir     Directory
	body    []byte
	open    [NumStreams][]byte // raw bytes of the open frames
	numbers [NumStreams]int    // of the open frames; -1: none is open
	zipped  []byte             // a frame, until it is in body
	closed  []int              // numbers of frames in the order in which they were closed
	place   []int              // per number: its place in closed
	ordered []Frame
	long    passages.Builder
	level   int // of this segment
	words   worded
	head    [headParts][]byte // raw bytes of the head
	most    int               // entries of a kind that no Count tells of
	keys    int               // bytes of all keys
}

// compressor returns the zstd encoder of a segment level: level 0 and 1 compress with zstd 1, level 2 with zstd 3.
func (w *Writer) compressor(level int) (*zstd.Encoder, error) {
	i, speed := 0, zstd.SpeedFastest
	if level >= 2 {
		i, speed = 1, zstd.SpeedDefault
	}
	if w.zstd[i] == nil {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true), zstd.WithAllLitEntropyCompression(true))
		if err != nil {
			return nil, errZstd.Wrap(err, "compressor cannot be made")
		}
		w.zstd[i] = z
	}
	return w.zstd[i], nil
}

// Begin begins a segment of a level.
func (w *Writer) Begin(signal telemetry.Signal, items, level int) error {
	zip, err := w.compressor(level)
	if err != nil {
		return err
	}
	w.zip, w.level = zip, level
	w.body, w.closed, w.most, w.keys = w.body[:0], w.closed[:0], 0, 0
	w.dir = Directory{Items: items, Signal: signal, Frames: w.dir.Frames[:0], Sections: w.dir.Sections[:0], Keys: w.dir.Keys[:0]}
	for i := range w.open {
		w.open[i], w.numbers[i] = w.open[i][:0], -1
	}
	for i := range w.head {
		w.head[i] = w.head[i][:0]
	}
	w.long.Reset()
	return nil
}

// Passages is what keeps the long texts of the segment.
func (w *Writer) Passages() *passages.Builder { return &w.long }

// headTarget is how many raw bytes the Writer lets a head have: every reader of the segment reads it, as it does the directory.
const headTarget = 16 << 10

// Room is how many more bytes of sections the head takes.
func (w *Writer) Room() int {
	n := headTarget
	for _, part := range w.head {
		n -= len(part)
	}
	return n
}

// AddHead gives the head what of the section that is added next belongs there, at most Room bytes, and returns where it lies for the entry.
func (w *Writer) AddHead(of *streams.Sink) (at [headParts]Extent) {
	for i, b := range [headParts][]byte{of.Code, of.Plain, of.Text} {
		at[i] = Extent{Offset: int32(len(w.head[i])), Length: int32(len(b))}
		w.head[i] = append(w.head[i], b...)
	}
	return at
}

// Add gives a section's streams to frames, and its entry to the directory. Attribute keys come after all other sections, in ascending order.
// The streams are copied.
func (w *Writer) Add(s Section, streams [NumStreams][]byte, chunks []uint64) {
	for i, word := range chunks {
		for ; word != 0; word &= word - 1 {
			s.Chunks = append(s.Chunks, int32(i<<6+bits.TrailingZeros64(word)))
		}
	}
	for i, b := range streams {
		if len(b) == 0 {
			continue
		}
		if w.numbers[i] < 0 {
			w.numbers[i] = len(w.dir.Frames)
			w.dir.Frames = append(w.dir.Frames, Frame{})
		}
		s.Streams[i] = Stream{Frame: int32(w.numbers[i]), Offset: int32(len(w.open[i])), Length: int32(len(b))}
		w.open[i] = append(w.open[i], b...)
	}
	if s.ID == SectionKey {
		w.dir.Keys = append(w.dir.Keys, s)
		w.keys += len(s.Key)
		w.Hold(w.keys)
	} else {
		w.dir.Sections = append(w.dir.Sections, s)
	}
	for i := range w.open {
		if i != StreamPlain && len(w.open[i]) >= frameTarget {
			w.close(i)
		}
	}
}

// Hold notes that the segment holds n entries of a kind which are not the Count of a section: attributes of all keys together, and the like.
func (w *Writer) Hold(n int) { w.most = max(w.most, n) }

// Cut ends the open frames that are worth it: sections that are read together share no frame with others. In a small segment, which is
// fetched whole anyway, one larger frame compresses better and costs less.
func (w *Writer) Cut() {
	for i := range w.open {
		if len(w.open[i]) >= minFrame {
			w.close(i)
		}
	}
}

func (w *Writer) close(i int) {
	if w.numbers[i] < 0 {
		return
	}
	w.frame(w.numbers[i], w.open[i], i != StreamPlain)
	w.open[i], w.numbers[i] = w.open[i][:0], -1
}

// frame writes a frame.
func (w *Writer) frame(number int, b []byte, compress bool) {
	f := &w.dir.Frames[number]
	*f = Frame{Offset: len(w.body), Stored: len(b), Raw: len(b), Codec: FrameRaw}
	if compress && len(b) >= minCompress {
		z := w.zip.EncodeAll(b, w.zipped[:0])
		w.zipped = z
		if len(z) <= len(b)-len(b)/maxFrameSave && len(b) <= mostRaw(len(z)) {
			f.Stored, f.Codec = len(z), FrameZstd
			b = z
		}
	}
	w.body = append(w.body, b...)
	w.closed = append(w.closed, number)
}

// passages writes the chunks of passages. If they are written in words, the list of these stands before, and after list and chunks the bits of
// their ids.
func (w *Writer) passages() {
	kept := w.long.Kept()
	if len(kept) == 0 {
		return
	}
	p := &w.dir.Passages
	p.Chunks = (len(kept) + passages.ChunkBytes - 1) / passages.ChunkBytes
	p.Last = len(kept) - (p.Chunks-1)*passages.ChunkBytes
	add := func(b []byte, compress bool) {
		w.dir.Frames = append(w.dir.Frames, Frame{})
		w.frame(len(w.dir.Frames)-1, b, compress)
	}
	p.Words = w.words.take(&w.long)
	if !p.Words {
		for chunk := range slices.Chunk(kept, passages.ChunkBytes) {
			add(chunk, true)
		}
		w.dir.Fields = p.field()
		return
	}
	p.Phrases = w.level >= phrasesLevel && w.words.phrase(w.long.Wide(), func(b []byte) []byte {
		w.zipped = w.zip.EncodeAll(b, w.zipped[:0])
		return w.zipped
	})
	if p.Phrases {
		add(w.words.model, true)
	}
	for i := range w.words.textEnds {
		text := part(w.words.texts, w.words.textEnds, i)
		if p.Phrases && i > 0 {
			w.phrases(text, part(w.words.phrased, w.words.phrasedEnds, i-1))
		} else {
			add(text, true)
		}
		add(part(w.words.ids, w.words.idsEnds, i), false)
	}
	w.dir.Fields = p.field()
}

// phrases writes a chunk that is phrased, or as it is where that is no shorter.
func (w *Writer) phrases(text, phrased []byte) {
	f := Frame{Offset: len(w.body), Stored: len(phrased), Raw: len(text), Codec: FramePhrases}
	if len(phrased) >= len(text) || len(text) > mostRaw(len(phrased)) {
		f.Stored, f.Codec, phrased = len(text), FrameRaw, text
	}
	w.dir.Frames = append(w.dir.Frames, f)
	w.body = append(w.body, phrased...)
	w.closed = append(w.closed, len(w.dir.Frames)-1)
}

// finishHead compresses the head.
func (w *Writer) finishHead() {
	raw := slices.Concat(w.head[:]...)
	if len(raw) == 0 {
		return
	}
	h := &Head{Raw: len(raw), Codec: FrameRaw, Stored: raw}
	if len(raw) >= minCompress {
		if z := w.zip.EncodeAll(raw, nil); len(z) < len(raw) && len(raw) <= mostRaw(len(z)) {
			h.Stored, h.Codec = z, FrameZstd
		}
	}
	w.dir.Head = h
}

// Finish ends the segment. Both slices are the caller's. ErrEntries says that it holds more entries of a kind than anyone reads.
func (w *Writer) Finish() (directory, body []byte, err error) {
	for i := range w.open {
		w.close(i)
	}
	w.passages()
	w.finishHead()
	w.number()
	for _, list := range [...][]Section{w.dir.Sections, w.dir.Keys} {
		for i := range list {
			w.Hold(list[i].Count)
		}
	}
	if w.most > MaxEntries {
		return nil, nil, ErrEntries.Newf("a segment holds at most %d entries of a kind", MaxEntries)
	}
	return w.dir.appendSummed(make([]byte, 0, 1024), w.body), append([]byte{}, w.body...), nil // not nil: a body can be empty, its segment has one
}

// number gives the frames the order in which they were closed, which is that of the body.
func (w *Writer) number() {
	w.place = slices.Grow(w.place[:0], len(w.closed))[:len(w.closed)]
	w.ordered = w.ordered[:0]
	for i, f := range w.closed {
		w.place[f] = i
		w.ordered = append(w.ordered, w.dir.Frames[f])
	}
	copy(w.dir.Frames, w.ordered)
	for _, list := range [...][]Section{w.dir.Sections, w.dir.Keys} {
		for i := range list {
			for j := range list[i].Streams {
				if st := &list[i].Streams[j]; st.Length > 0 {
					st.Frame = int32(w.place[st.Frame])
				}
			}
		}
	}
}
