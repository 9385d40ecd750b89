// Package packed is the bytes of a rollup: columns of varints, compressed where that makes less of them, with a checksum.
//
//	encoding 0 plain, 1 zstd │ CRC-32C of what follows when it is unpacked, 4 bytes │ what follows
package packed

import (
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	plain     = 0
	zipped    = 1
	headBytes = 5
	// mostUnpacked and mostGrowth bound what a rollup can make a reader ask memory for, and so what may be packed: bytes, and bytes for each that is stored
	// beyond freeGrowth. What breaks the latter is stored plain.
	mostUnpacked = 64 << 20
	mostGrowth   = 1024
	freeGrowth   = 1 << 20
)

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }) //nolint:gochecknoglobals // a table

// The coders can be used by many at a time. Neither fails with these options.
//
//nolint:gochecknoglobals // made once: they are megabytes
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err)
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(mostUnpacked), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// Pack is b as it is stored. What Unpack would refuse is ErrTooLarge, so that nobody deletes what something unreadable was made of.
func Pack(b []byte) ([]byte, error) {
	if len(b) > mostUnpacked {
		return nil, ErrTooLarge.Newf("%d bytes are more than the %d that are read", len(b), mostUnpacked)
	}
	head := binary.LittleEndian.AppendUint32([]byte{zipped}, crc32.Checksum(b, castagnoli()))
	out := encoder().EncodeAll(b, head)
	if len(out) >= headBytes+len(b) || len(b) > unpacked(len(out)-headBytes) {
		out = append(out[:headBytes], b...)
		out[0] = plain
	}
	return out, nil
}

// Unpack is what was packed, in the blob's memory or in the memory given, which grows to what the blob says it comes to and no further. What cannot be read is ErrDamaged.
func Unpack(memory *[]byte, blob []byte) ([]byte, error) {
	if len(blob) < headBytes {
		return nil, ErrDamaged.Newf("%d bytes are no rollup", len(blob))
	}
	raw := blob[headBytes:]
	switch blob[0] {
	case plain:
		if len(raw) > mostUnpacked {
			return nil, ErrDamaged.Newf("%d bytes are more than a rollup has", len(raw))
		}
	case zipped:
		size, err := said(raw)
		if err != nil {
			return nil, err
		}
		if cap(*memory) < size {
			*memory = make([]byte, 0, size)
		}
		if raw, err = decoder().DecodeAll(raw, (*memory)[:0:size]); err != nil {
			return nil, ErrDamaged.Wrap(err, "the bytes cannot be unpacked")
		}
	default:
		return nil, ErrDamaged.Newf("there is no encoding %d", blob[0])
	}
	if crc32.Checksum(raw, castagnoli()) != binary.LittleEndian.Uint32(blob[1:]) {
		return nil, ErrDamaged.New("the checksum does not fit")
	}
	return raw, nil
}

// Size is how many bytes a blob says it comes to; 0 where it cannot be read.
func Size(blob []byte) int {
	if len(blob) < headBytes {
		return 0
	}
	if blob[0] == plain {
		return len(blob) - headBytes
	}
	size, err := said(blob[headBytes:])
	if err != nil {
		return 0
	}
	return size
}

// unpacked is how many bytes so many that are stored may come to.
func unpacked(stored int) int { return min(stored*mostGrowth+freeGrowth, mostUnpacked) }

// said is how many bytes a frame says it comes to. Of those that Pack makes, the ones of fewer than 256 bytes may leave it out.
func said(frame []byte) (int, error) {
	var head zstd.Header
	if err := head.Decode(frame); err != nil {
		return 0, ErrDamaged.Wrap(err, "the bytes cannot be unpacked")
	}
	if most := unpacked(len(frame)); head.Skippable || head.FrameContentSize > uint64(most) { //nolint:gosec // not negative
		return 0, ErrDamaged.Newf("%d bytes say nothing of what they come to, or more than %d", len(frame), most)
	}
	if !head.HasFCS {
		return 255, nil
	}
	return int(head.FrameContentSize), nil //nolint:gosec // as above
}

// Numbers are what is left of columns of varints. What does not fit makes it Bad, and all numbers after it 0.
type Numbers struct {
	Rest []byte
	Bad  bool
}

// Fail says that something does not fit.
func (r *Numbers) Fail() { r.Bad, r.Rest = true, nil }

// Next is the next number.
func (r *Numbers) Next() uint64 {
	if len(r.Rest) > 0 && r.Rest[0] < 0x80 {
		v := r.Rest[0]
		r.Rest = r.Rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.Rest)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Below is the next number, which is at most so large; none is where that is negative.
func (r *Numbers) Below(most int) int {
	v := r.Next()
	if most < 0 || v > uint64(most) {
		r.Fail()
		return 0
	}
	return int(v) //nolint:gosec // as above
}

// Count is how many of something follow: each takes a byte at least.
func (r *Numbers) Count() int { return r.Below(len(r.Rest)) }

// Signed is the next number of those that may be negative.
func (r *Numbers) Signed() int64 {
	v := r.Next()
	return int64(v>>1) ^ -int64(v&1)
}
