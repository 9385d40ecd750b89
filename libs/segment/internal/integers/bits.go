package integers

import (
	"encoding/binary"

	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// packBits appends (v-base) in width bits each, least significant bit first, ending at a byte boundary.
func packBits(b []byte, v []int64, base int64, width int) []byte {
	if width == 0 {
		return b
	}
	p := bitWriter{b: b}
	for _, x := range v {
		p.write(uint64(x)-uint64(base), width)
	}
	return p.flush()
}

// bitWriter appends numbers of any width to b; flush ends it.
type bitWriter struct {
	b    []byte
	acc  uint64
	fill int // bits in acc, below 64
}

func (p *bitWriter) write(v uint64, width int) {
	p.acc |= v << p.fill
	p.fill += width
	if p.fill >= 64 {
		p.b = binary.LittleEndian.AppendUint64(p.b, p.acc)
		p.fill -= 64
		p.acc = v >> (width - p.fill) // 0 when nothing is left: shifts of 64 and more give 0
	}
}

func (p *bitWriter) flush() []byte {
	for ; p.fill > 0; p.fill -= 8 {
		p.b = append(p.b, byte(p.acc))
		p.acc >>= 8
	}
	p.acc, p.fill = 0, 0
	return p.b
}

// takeBits takes the bytes of n numbers of width bits; without using them it passes over these.
func takeBits(from *streams.Source, n, width int) []byte {
	if width > 64 {
		from.Bad = true
		return nil
	}
	return from.Take(&from.Plain, (n*width+7)/8)
}

// unpackBits reads len(dst) numbers of width bits and adds base.
func unpackBits(from *streams.Source, dst []int64, base int64, width int) {
	b := takeBits(from, len(dst), width)
	if from.Bad {
		return
	}
	if width == 0 {
		for i := range dst {
			dst[i] = base
		}
		return
	}
	mask := ^uint64(0) >> (64 - width)
	i, bit := 0, 0
	if width <= 57 { // any such number lies within the eight bytes that begin at its first byte
		for ; i < len(dst) && bit>>3+8 <= len(b); i++ {
			w := binary.LittleEndian.Uint64(b[bit>>3:])
			dst[i] = base + int64(w>>(bit&7)&mask)
			bit += width
		}
	}
	for ; i < len(dst); i++ {
		dst[i] = base + int64(bitsAt(b, bit, width))
		bit += width
	}
}

// bitsAt reads width bits at a bit position; the caller has checked that they exist.
func bitsAt(b []byte, bit, width int) uint64 {
	var v uint64
	for got := 0; got < width; {
		off := bit & 7
		take := min(8-off, width-got)
		v |= uint64(b[bit>>3]>>off) & (1<<take - 1) << got
		got += take
		bit += take
	}
	return v
}
