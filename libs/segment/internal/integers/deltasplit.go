package integers

import (
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// deltaSplit is the first number, and split of the zigzag differences of each from its predecessor: for numbers that wander, in steps of
// very different lengths.
func deltaSplit() encoding {
	return encoding{
		name: "delta split", code: 7, items: leastSplit, widths: widths{leastSplitWidth, maxWidth},
		size: func(e *Encoder, c *column, best int) int {
			lengths, prev, sum := &e.lengths, c.v[0], 0
			clear(lengths[:])
			for _, x := range c.v[1:] {
				l := bits.Len64(streams.Zigzag(x - prev))
				lengths[l]++
				sum += max(l-1, 0)
				prev = x
			}
			if sum >= best {
				return never
			}
			return sum + entropyBits(lengths[:], len(c.v)-1) + headBits
		},
		write: func(e *Encoder, to *streams.Sink, c *column) {
			to.Svarint(c.v[0])
			memory := &e.nested[c.depth]
			memory.a = scratch.Slice(memory.a, len(c.v)-1)
			prev := c.v[0]
			for i, x := range c.v[1:] {
				memory.a[i] = int64(streams.Zigzag(x - prev))
				prev = x
			}
			writeSplit(to, memory.a)
		},
		read: func(_ *Decoder, from *streams.Source, dst []int64, _ int) {
			dst[0] = from.Svarint()
			readSplit(from, len(dst)-1, dst[1:])
			for i := 1; i < len(dst); i++ {
				dst[i] = dst[i-1] + streams.Unzigzag(uint64(dst[i]))
			}
		},
		pick: pickDeltaSplit,
		skip: func(_ *Decoder, from *streams.Source, n, _ int) {
			from.Svarint()
			readSplit(from, n-1, nil)
		},
	}
}

// pickDeltaSplit does not read the differences after the last number that is picked.
func pickDeltaSplit(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, _ int) {
	v, k := from.Svarint(), 0
	if len(picked) > 0 && picked[0] == 0 {
		dst[0], k = v, 1
	}
	last := 0
	if len(picked) > 0 {
		last = int(picked[len(picked)-1])
	}
	d.steps = scratch.Slice(d.steps, last)
	if readSplit(from, n-1, d.steps); from.Bad {
		return
	}
	for i, u := range d.steps {
		if v += streams.Unzigzag(uint64(u)); k < len(picked) && int(picked[k]) == i+1 {
			dst[k] = v
			k++
		}
	}
}
