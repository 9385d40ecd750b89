package integers

import (
	"math"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// deltaBlock is how many differences share a least one and a width. It is part of the format.
const deltaBlock = limits.DeltaBlock

// delta is the first number, and the differences of each from its predecessor, packed in blocks.
func delta() encoding {
	return encoding{
		name: "delta", code: 5, widths: widths{0, maxWidth},
		size:  func(_ *Encoder, c *column, _ int) int { return c.deltaBits + headBits/2 },
		write: writeDelta,
		read: func(_ *Decoder, from *streams.Source, dst []int64, _ int) {
			dst[0] = from.Svarint()
			for i := 1; i < len(dst) && !from.Bad; {
				stop := min(i+deltaBlock, len(dst))
				lo := from.Svarint()
				unpackBits(from, dst[i:stop], lo, int(from.Byte()))
				for ; i < stop; i++ {
					dst[i] += dst[i-1]
				}
			}
		},
		pick: pickDelta,
		skip: func(_ *Decoder, from *streams.Source, n, _ int) {
			from.Svarint()
			for i := 1; i < n && !from.Bad; i += deltaBlock {
				from.Svarint()
				takeBits(from, min(deltaBlock, n-i), int(from.Byte()))
			}
		},
	}
}

func writeDelta(e *Encoder, to *streams.Sink, c *column) {
	v := c.v
	to.Svarint(v[0])
	memory := &e.nested[c.depth]
	memory.a = scratch.Slice(memory.a, deltaBlock)
	steps := memory.a
	for i := 1; i < len(v); {
		stop := min(i+deltaBlock, len(v))
		lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
		m := 0
		for ; i < stop; i++ {
			x := v[i] - v[i-1]
			lo, hi = min(lo, x), max(hi, x)
			steps[m] = x
			m++
		}
		width := spanBits(lo, hi)
		to.Svarint(lo)
		to.Byte(byte(width))
		to.Plain = packBits(to.Plain, steps[:m], lo, width)
	}
}

// pickDelta passes over the blocks after the last number that is picked.
func pickDelta(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, _ int) {
	v, k := from.Svarint(), 0
	if len(picked) > 0 && picked[0] == 0 {
		dst[0], k = v, 1
	}
	d.steps = scratch.Slice(d.steps, deltaBlock)
	for i := 1; i < n && !from.Bad; {
		stop := min(i+deltaBlock, n)
		lo, width := from.Svarint(), int(from.Byte())
		if k == len(picked) {
			takeBits(from, stop-i, width)
			i = stop
			continue
		}
		steps := d.steps[:stop-i]
		if unpackBits(from, steps, lo, width); from.Bad {
			return
		}
		for _, x := range steps {
			if v += x; k < len(picked) && int(picked[k]) == i {
				dst[k] = v
				k++
			}
			i++
		}
	}
}
