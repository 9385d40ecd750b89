package container

import (
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/phrases"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Range is a byte range of the body.
type Range struct{ Offset, Length int }

// Part is a range of the body with its bytes.
type Part struct {
	Offset int
	Bytes  []byte
}

// Ranges adds the byte ranges of the body in which the streams of a section lie, but for the extension and the first skip bytes of the
// plain stream.
func (d *Directory) Ranges(to []Range, s *Section, skip int) []Range {
	for i, st := range s.Streams[:StreamExtension] {
		offset, length := int(st.Offset), int(st.Length)
		if i == StreamPlain {
			k := min(skip, length)
			offset, length = offset+k, length-k
		}
		if length == 0 {
			continue
		}
		f := d.Frames[st.Frame]
		if f.Codec == FrameRaw {
			to = append(to, Range{f.Offset + offset, length})
		} else {
			to = append(to, Range{f.Offset, f.Stored})
		}
	}
	for _, i := range d.Behind(nil, s) {
		f := &d.Frames[i]
		to = append(to, Range{f.Offset, f.Stored})
	}
	return to
}

// RangeGap is the largest gap between two ranges that are fetched as one: about a TOAST chunk, which is read whole anyway.
const RangeGap = 2048

// Merge sorts ranges and makes one of near neighbours, in place.
func Merge(ranges []Range) []Range {
	slices.SortFunc(ranges, func(a, b Range) int { return a.Offset - b.Offset })
	merged := ranges[:0]
	for _, r := range ranges {
		if k := len(merged) - 1; k >= 0 && r.Offset <= merged[k].Offset+merged[k].Length+RangeGap {
			merged[k].Length = max(merged[k].Length, r.Offset+r.Length-merged[k].Offset)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// Reader gives out the streams of one segment after the other; each frame is unzipped once. One goroutine uses it.
type Reader struct {
	zstd   *zstd.Decoder
	memory *arena.Arena
	dir    *Directory
	parts  []Part
	frames [][]byte // raw bytes of the frames that were unzipped, in memory
	texts  passages.Budget
	chunks [][]byte      // the passages that were read
	words  passages.List // of the passages, if it is listed
	listed bool
	model  phrases.Reader // of the passages, if it is learnt
	learnt bool
}

// NewReader makes a Reader that unzips into memory: what it gives out is valid until memory is renewed, and as long as the parts are.
func NewReader(memory *arena.Arena) (*Reader, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(math.MaxInt32),
		zstd.WithDecodeAllCapLimit(true)) // what a frame says of itself is not what the directory says of it
	if err != nil {
		return nil, errZstd.Wrap(err, "decompressor cannot be made")
	}
	return &Reader{zstd: z, memory: memory}, nil
}

// Open begins with another segment, of whose body parts are there.
func (r *Reader) Open(d *Directory, parts []Part) {
	r.dir, r.parts, r.texts, r.listed, r.learnt = d, parts, passages.Budget{}, false, false
	clear(r.chunks[:cap(r.chunks)])
	r.chunks = r.chunks[:0]
	clear(r.frames[:cap(r.frames)])
	r.frames = slices.Grow(r.frames[:0], len(d.Frames))[:len(d.Frames)]
}

// Close lets go of the parts and the directory.
func (r *Reader) Close() { r.dir, r.parts = nil, nil }

// Forget lets go of all that refers to segments that were read.
func (r *Reader) Forget() {
	r.Close()
	clear(r.frames[:cap(r.frames)])
	clear(r.chunks[:cap(r.chunks)])
}

// Parts are the parts of the body that Open was given.
func (r *Reader) Parts() []Part { return r.parts }

// part returns bytes of the body.
func (r *Reader) part(offset, length int) ([]byte, error) {
	for i := range r.parts {
		p := &r.parts[i]
		if offset >= p.Offset && offset+length <= p.Offset+len(p.Bytes) {
			b := p.Bytes[offset-p.Offset : offset-p.Offset+length]
			if !r.dir.verify(offset, b) {
				return nil, Damagedf("bytes %d to %d of the body are not what was written", offset, offset+length)
			}
			return b, nil
		}
	}
	return nil, Damagedf("bytes %d to %d of the body are missing", offset, offset+length)
}

// Source gives the code, plain and text streams of a section of the open segment; an absent one is empty.
func (r *Reader) Source(s *Section) (*streams.Source, error) {
	if err := s.Understood(); err != nil {
		return nil, err
	}
	var raw [StreamExtension][]byte
	for i := range raw {
		var err error
		if raw[i], err = r.stream(s.Streams[i]); err != nil {
			return nil, err
		}
	}
	return streams.NewSource(raw[StreamCode], raw[StreamPlain], raw[StreamText], r), nil
}

// Head gives what the head has of a section of the open segment; nil without any. It needs no part of the body, and what it gives stays
// valid when the segment is closed.
func (r *Reader) Head(s *Section) (*streams.Source, error) {
	if !s.HasHead() {
		return nil, nil
	}
	if err := s.Understood(); err != nil {
		return nil, err
	}
	h := r.dir.Head
	raw, err := h.open(r.zstd)
	if err != nil {
		return nil, err
	}
	part := func(i int) []byte {
		from := h.starts[i] + int(s.Head[i].Offset)
		end := from + int(s.Head[i].Length)
		return raw[from:end:end]
	}
	return streams.NewSource(part(StreamCode), part(StreamPlain), part(StreamText), r), nil
}

// Len is how many bytes of passages the open segment has. With Append and Take, it makes the Reader a passages.Text.
func (r *Reader) Len() int {
	p := &r.dir.Passages
	return max(p.Chunks-1, 0)*passages.ChunkBytes + p.Last
}

// Take implements passages.Text.
func (r *Reader) Take(n int) bool { return r.texts.Take(n) }

// Append appends passages of the open segment; false where they are damaged, or their part of the body is not there.
func (r *Reader) Append(to []byte, from, length int) ([]byte, bool) {
	for length > 0 {
		chunk, at := from/passages.ChunkBytes, from%passages.ChunkBytes
		if r.dir == nil || from < 0 || chunk >= r.dir.Passages.Chunks {
			return to, false
		}
		b, err := r.chunk(chunk)
		if err != nil || at >= len(b) {
			return to, false
		}
		n := min(length, len(b)-at)
		to = append(to, b[at:at+n]...)
		from, length = from+n, length-n
	}
	return to, true
}

// chunk gives the text of a chunk of passages.
func (r *Reader) chunk(i int) ([]byte, error) {
	if len(r.chunks) == 0 {
		r.chunks = slices.Grow(r.chunks, r.dir.Passages.Chunks)[:r.dir.Passages.Chunks]
	}
	if r.chunks[i] != nil {
		return r.chunks[i], nil
	}
	b, err := r.frame(r.dir.Chunk(i))
	if err != nil {
		return nil, err
	}
	if n := r.dir.Passages.Bytes(i); len(b) < n {
		if b, err = r.expand(i, b, n); err != nil {
			return nil, err
		}
	}
	r.chunks[i] = b
	return b, nil
}

// expand gives the text of n bytes of a chunk that is written in words.
func (r *Reader) expand(chunk int, b []byte, n int) ([]byte, error) {
	if !r.listed {
		list, err := r.frame(r.dir.words())
		if err != nil {
			return nil, err
		}
		ids, err := r.frame(r.dir.words() + 1)
		if err != nil {
			return nil, err
		}
		if !r.words.Parse(list, ids) {
			return nil, Damagedf("the list of words")
		}
		r.listed = true
	}
	bits, err := r.frame(r.dir.Chunk(chunk) + 1)
	if err != nil {
		return nil, err
	}
	b, ok := r.words.Expand(r.memory.Take(n), b, bits, n)
	if !ok {
		return nil, Damagedf("a chunk of passages")
	}
	return b, nil
}

// Extension gives the extension fields that the body has of a section of the open segment.
func (r *Reader) Extension(s *Section) (Fields, error) {
	b, err := r.stream(s.Streams[StreamExtension])
	if err != nil {
		return nil, err
	}
	if !Fields(b).valid() {
		return nil, Damagedf("extension of %s", s.Name())
	}
	return b, nil
}

func (r *Reader) stream(st Stream) ([]byte, error) {
	if st.Length == 0 {
		return nil, nil
	}
	offset, length := int(st.Offset), int(st.Length)
	f := &r.dir.Frames[st.Frame]
	if f.Codec == FrameRaw {
		return r.part(f.Offset+offset, length)
	}
	b, err := r.frame(int(st.Frame))
	if err != nil {
		return nil, err
	}
	return b[offset : offset+length], nil
}

// frame gives the raw bytes of a frame.
func (r *Reader) frame(i int) ([]byte, error) {
	f := &r.dir.Frames[i]
	if r.frames[i] != nil {
		return r.frames[i], nil
	}
	b, err := r.part(f.Offset, f.Stored)
	if err != nil || f.Codec == FrameRaw {
		return b, err
	}
	if f.Codec == FramePhrases {
		r.frames[i], err = r.phrases(b, f.Raw)
		return r.frames[i], err
	}
	r.frames[i], err = unzip(r.zstd, b, r.memory.Take(f.Raw), f.Raw)
	return r.frames[i], err
}

// phrases gives the text of n bytes of a chunk that is written in phrases.
func (r *Reader) phrases(b []byte, n int) ([]byte, error) {
	if !r.learnt {
		model, err := r.frame(r.dir.model())
		if err != nil {
			return nil, err
		}
		if !r.model.Parse(model) {
			return nil, Damagedf("the model of phrases")
		}
		r.learnt = true
	}
	b, ok := r.model.Expand(r.memory.Take(n), b, n)
	if !ok {
		return nil, Damagedf("phrases")
	}
	return b, nil
}

// unzip decompresses one frame into memory of exactly raw bytes: one that holds more is given up at the first block, of 128 KiB at most, that does not fit.
func unzip(z *zstd.Decoder, stored, to []byte, raw int) ([]byte, error) {
	b, err := z.DecodeAll(stored, to)
	if err != nil {
		return nil, ErrDamaged.Wrap(err, "segment is damaged: a frame cannot be decompressed")
	}
	if len(b) != raw {
		return nil, Damagedf("a frame has %d bytes, want %d", len(b), raw)
	}
	return b, nil
}
