package integers

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

const (
	leastScaledWidth = 12 // bits: the least scale, 1000, takes ten away
	leastScaled      = 8  // numbers: fewer have a common divisor by chance, or none that pays for itself
)

// scaled is a divisor of all numbers, and the quotients. It ends the search: no other encoding finds a divisor, and the quotients are
// written in whichever is smallest for them, so that it only takes bits away.
func scaled() encoding {
	multiply := func(dst []int64, scale int64) {
		for i := range dst {
			dst[i] *= scale
		}
	}
	return encoding{
		name: "scaled", code: 8, items: leastScaled, widths: widths{leastScaledWidth, maxWidth}, nests: true,
		size: func(_ *Encoder, c *column, _ int) int {
			if c.scale = commonScale(c.v); c.scale == 1 {
				return never
			}
			return 0
		},
		write: func(e *Encoder, to *streams.Sink, c *column) {
			to.Uvarint(uint64(c.scale))
			memory := &e.nested[c.depth]
			memory.a = scratch.Slice(memory.a, len(c.v))
			for i, x := range c.v {
				memory.a[i] = x / c.scale
			}
			e.nest(to, c, memory.a)
		},
		read: func(d *Decoder, from *streams.Source, dst []int64, depth int) {
			scale := int64(from.Uvarint())
			d.read(from, dst, depth+1)
			multiply(dst, scale)
		},
		pick: func(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, depth int) {
			scale := int64(from.Uvarint())
			d.pick(from, n, picked, dst, depth+1)
			multiply(dst, scale)
		},
		skip: func(d *Decoder, from *streams.Source, n, depth int) {
			from.Uvarint()
			d.skip(from, n, depth+1)
		},
	}
}

// commonScale returns the largest of 10^9, 10^6 and 10^3 that divides every number, else 1: clocks of many languages tick in micro- or
// milliseconds.
func commonScale(v []int64) int64 {
	scale := int64(1e9)
	for _, x := range v {
		for x%scale != 0 {
			if scale == 1e3 {
				return 1
			}
			scale /= 1e3
		}
	}
	return scale
}
