package integers

import "github.com/ollyscale/ollyscale/libs/segment/internal/streams"

// constant is one number that all others equal.
func constant() encoding {
	fill := func(dst []int64, v int64) {
		for i := range dst {
			dst[i] = v
		}
	}
	return encoding{
		name: "constant", code: 0, widths: widths{0, 0},
		size:  func(*Encoder, *column, int) int { return 0 },
		write: func(_ *Encoder, to *streams.Sink, c *column) { to.Svarint(c.min) },
		read:  func(_ *Decoder, from *streams.Source, dst []int64, _ int) { fill(dst, from.Svarint()) },
		pick: func(_ *Decoder, from *streams.Source, _ int, _ []uint32, dst []int64, _ int) {
			fill(dst, from.Svarint())
		},
		skip: func(_ *Decoder, from *streams.Source, _, _ int) { from.Svarint() },
	}
}
