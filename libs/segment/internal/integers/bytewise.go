package integers

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

const (
	// doubtful: the estimate of what a compressor makes of bytes must be smaller by 1/16 than that of bits, which is exact.
	doubtful = 16

	// fewBytes: a shorter run of bytes does not pay for the compressor's table.
	fewBytes = 96

	// breakBits is about what a number out of line costs in bytes that otherwise repeat: a literal, and a match to go on.
	breakBits = 24
)

// bytewise is the least number, and of each the difference to it as a byte, to be compressed: for numbers of which some are frequent, and for
// those that repeat.
func bytewise() encoding {
	return encoding{
		name: "bytes", code: 2, items: fewBytes, widths: widths{2, 8},
		size: sizeOfBytes,
		write: func(_ *Encoder, to *streams.Sink, c *column) {
			to.Svarint(c.min)
			code, base := to.Code, c.min
			for _, x := range c.v {
				code = append(code, byte(x-base))
			}
			to.Code = code
		},
		read: func(_ *Decoder, from *streams.Source, dst []int64, _ int) {
			base := from.Svarint()
			for i, b := range from.Take(&from.Code, len(dst)) {
				dst[i] = base + int64(b)
			}
		},
		pick: func(_ *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, _ int) {
			base := from.Svarint()
			b := from.Take(&from.Code, n)
			if from.Bad {
				return
			}
			for k, i := range picked {
				dst[k] = base + int64(b[i])
			}
		},
		skip: func(_ *Decoder, from *streams.Source, n, _ int) {
			from.Svarint()
			from.Take(&from.Code, n)
		},
	}
}

func sizeOfBytes(e *Encoder, c *column, best int) int {
	n := len(c.v)
	histogram, base := &e.bytes, c.min
	clear(histogram[:])
	for _, x := range c.v {
		histogram[byte(x-base)]++
	}
	size := entropyBits(histogram[:uint64(c.max)-uint64(base)+1], n)
	size = min(size, unlike(c.v, min(size, best)/breakBits)*breakBits+tableBits)
	return size + size/(doubtful-1)
}

// unlike counts the numbers that differ from the one a period before, up to limit; the period is where the beginning comes again. The
// points of one resource come in together: each of its series repeats the times and positions of the others, which takes next to nothing
// as compressed bytes.
func unlike(v []int64, limit int) int {
	const same = 4 // numbers that are alike: fewer may be so by chance
	limit = min(limit, len(v)/2)
	for period := same; period < limit; period++ {
		if v[period] != v[0] || !slices.Equal(v[period:period+same], v[:same]) {
			continue
		}
		count := period
		for i := period; i < len(v) && count < limit; i++ {
			if v[i] != v[i-period] {
				count++
			}
		}
		return count
	}
	return limit
}
