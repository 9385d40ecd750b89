package container

import (
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
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
}

// NewReader makes a Reader that unzips into memory: what it gives out is valid until memory is renewed, and as long as the parts are.
func NewReader(memory *arena.Arena) (*Reader, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(math.MaxInt32))
	if err != nil {
		return nil, errZstd.Wrap(err, "decompressor cannot be made")
	}
	return &Reader{zstd: z, memory: memory}, nil
}

// Open begins with another segment, of whose body parts are there.
func (r *Reader) Open(d *Directory, parts []Part) {
	r.dir, r.parts = d, parts
	clear(r.frames[:cap(r.frames)])
	r.frames = slices.Grow(r.frames[:0], len(d.Frames))[:len(d.Frames)]
}

// Close lets go of the parts and the directory.
func (r *Reader) Close() { r.dir, r.parts = nil, nil }

// Forget lets go of all that refers to segments that were read.
func (r *Reader) Forget() {
	r.Close()
	clear(r.frames[:cap(r.frames)])
}

// Parts are the parts of the body that Open was given.
func (r *Reader) Parts() []Part { return r.parts }

// part returns bytes of the body.
func (r *Reader) part(offset, length int) ([]byte, error) {
	for i := range r.parts {
		p := &r.parts[i]
		if offset >= p.Offset && offset+length <= p.Offset+len(p.Bytes) {
			return p.Bytes[offset-p.Offset : offset-p.Offset+length], nil
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
	return &streams.Source{Code: raw[StreamCode], Plain: raw[StreamPlain], Text: raw[StreamText]}, nil
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
	if r.frames[st.Frame] == nil {
		z, err := r.part(f.Offset, f.Stored)
		if err != nil {
			return nil, err
		}
		if r.frames[st.Frame], err = r.unzip(z, f.Raw); err != nil {
			return nil, err
		}
	}
	return r.frames[st.Frame][offset : offset+length], nil
}

// unzip decompresses one frame.
func (r *Reader) unzip(z []byte, raw int) ([]byte, error) {
	b, err := r.zstd.DecodeAll(z, r.memory.Take(raw))
	if err != nil {
		return nil, ErrDamaged.Wrap(err, "segment is damaged: a frame cannot be decompressed")
	}
	if len(b) != raw {
		return nil, Damagedf("a frame has %d bytes, want %d", len(b), raw)
	}
	return b, nil
}
