package integers

import "github.com/ollyscale/ollyscale/libs/segment/internal/streams"

// packed is the least number, and of each the difference to it in as many bits as the largest needs.
func packed() encoding {
	return encoding{
		name: "packed", code: 1, widths: widths{0, maxWidth},
		size: func(_ *Encoder, c *column, _ int) int { return len(c.v)*c.width + headBits },
		write: func(_ *Encoder, to *streams.Sink, c *column) {
			to.Svarint(c.min)
			to.Byte(byte(c.width))
			to.Plain = packBits(to.Plain, c.v, c.min, c.width)
		},
		read: func(_ *Decoder, from *streams.Source, dst []int64, _ int) {
			base := from.Svarint()
			unpackBits(from, dst, base, int(from.Byte()))
		},
		pick: func(_ *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, _ int) {
			base, width := from.Svarint(), int(from.Byte())
			b := takeBits(from, n, width)
			if from.Bad {
				return
			}
			for k, i := range picked {
				dst[k] = base + int64(bitsAt(b, int(i)*width, width))
			}
		},
		skip: func(_ *Decoder, from *streams.Source, n, _ int) {
			from.Svarint()
			takeBits(from, n, int(from.Byte()))
		},
	}
}
