package integers

import (
	"encoding/binary"
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

const (
	leastSplit      = 32 // numbers; fewer do not pay for the compressor's table of lengths
	leastSplitWidth = 9  // bits; narrower numbers fit into bytes
)

// split is the least number, and of each the difference to it as its length in bits, a byte to be compressed, and the bits below the
// leading one: for numbers whose lengths vary little while they themselves look like chance.
func split() encoding {
	return encoding{
		name: "split", code: 6, items: leastSplit, widths: widths{leastSplitWidth, maxWidth},
		size: func(e *Encoder, c *column, _ int) int {
			lengths, base, sum := &e.lengths, c.min, 0
			clear(lengths[:])
			for _, x := range c.v {
				l := spanBits(base, x)
				lengths[l]++
				sum += max(l-1, 0)
			}
			return sum + entropyBits(lengths[:], len(c.v)) + headBits
		},
		write: func(e *Encoder, to *streams.Sink, c *column) {
			to.Svarint(c.min)
			memory := &e.nested[c.depth]
			memory.a = scratch.Slice(memory.a, len(c.v))
			for i, x := range c.v {
				memory.a[i] = x - c.min
			}
			writeSplit(to, memory.a)
		},
		read: func(_ *Decoder, from *streams.Source, dst []int64, _ int) {
			base := from.Svarint()
			readSplit(from, len(dst), dst)
			for i := range dst {
				dst[i] += base
			}
		},
		pick: pickSplit,
		skip: func(_ *Decoder, from *streams.Source, n, _ int) {
			from.Svarint()
			readSplit(from, n, nil)
		},
	}
}

// writeSplit writes unsigned numbers as their lengths and the bits below the leading one.
func writeSplit(to *streams.Sink, v []int64) {
	code, p := to.Code, bitWriter{b: to.Plain}
	for _, x := range v {
		u := uint64(x)
		l := bits.Len64(u)
		code = append(code, byte(l))
		if l > 1 {
			p.write(u&(1<<(l-1)-1), l-1)
		}
	}
	to.Code, to.Plain = code, p.flush()
}

// readSplit reads the first len(dst) of n lengths and bits, and passes over the others.
func readSplit(from *streams.Source, n int, dst []int64) {
	readLow(from, from.Take(&from.Code, n), dst)
}

// readLow reads the bits of the first len(dst) numbers of these lengths, and passes over the others.
func readLow(from *streams.Source, lengths []byte, dst []int64) {
	if from.Bad {
		return
	}
	total, longest := 0, byte(0)
	for _, l := range lengths {
		longest = max(longest, l)
		total += int(l) - min(int(l), 1)
	}
	if longest > 64 {
		from.Bad = true
		return
	}
	b := from.Take(&from.Plain, (total+7)/8)
	if from.Bad {
		return
	}
	i, bit := 0, 0
	if longest <= 58 { // the bits of any such number lie within the eight bytes that begin at its first byte
		for ; i < len(dst) && bit>>3+8 <= len(b); i++ {
			l := lengths[i]
			lead := uint64(1) << l >> 1 // 0 for a length of 0
			dst[i] = int64(binary.LittleEndian.Uint64(b[bit>>3:])>>(bit&7)&((1<<l-1)>>1) | lead)
			bit += int(l) - min(int(l), 1)
		}
	}
	for ; i < len(dst); i++ {
		if l := int(lengths[i]); l > 0 {
			dst[i] = int64(bitsAt(b, bit, l-1) | 1<<(l-1))
			bit += l - 1
		} else {
			dst[i] = 0
		}
	}
}

func pickSplit(_ *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, _ int) {
	base := from.Svarint()
	lengths := from.Take(&from.Code, n)
	if from.Bad {
		return
	}
	total, k := 0, 0
	for i, l := range lengths {
		if l > 64 {
			from.Bad = true
			return
		}
		if k < len(picked) && picked[k] == uint32(i) {
			dst[k] = int64(total) // where it begins, for now
			k++
		}
		if l > 1 {
			total += int(l) - 1
		}
	}
	b := from.Take(&from.Plain, (total+7)/8)
	if from.Bad {
		return
	}
	for k, i := range picked {
		l := int(lengths[i])
		if l <= 1 {
			dst[k] = base + int64(l)
			continue
		}
		dst[k] = base + int64(bitsAt(b, int(dst[k]), l-1)|1<<(l-1))
	}
}
