package integers

import (
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

const (
	leastTicksWidth = 20 // bits: what is shorter has no ticks to speak of
	ticksSeen       = 64 // differences that are looked at first
	ticksShare      = 8  // of which one of so many must be ticks

	inTicks      = maxWidth + 1       // a length from here on is of ticks
	longestTicks = inTicks + maxWidth // the longest of those
)

// ticks are the steps of clocks that count no nanoseconds, in which a difference is looked for, the longest first.
func ticks() [2]int64 { return [...]int64{1e6, 1e3} }

// deltaTicks is delta split in which the differences that are ticks of a clock are written in ticks: what one sender says has the remainder of
// its clock, what comes from another has another one, so that all of them have no divisor in common.
func deltaTicks() encoding {
	return encoding{
		name: "delta ticks", code: 10, items: leastSplit, widths: widths{leastTicksWidth, maxWidth},
		size: sizeOfTicks,
		write: func(_ *Encoder, to *streams.Sink, c *column) {
			to.Svarint(c.v[0])
			to.Uvarint(uint64(c.tick))
			code, p, prev := to.Code, bitWriter{b: to.Plain}, c.v[0]
			for _, x := range c.v[1:] {
				u, l := tickLength(x-prev, c.tick)
				code = append(code, byte(l))
				if l %= inTicks; l > 1 {
					p.write(u&(1<<(l-1)-1), l-1)
				}
				prev = x
			}
			to.Code, to.Plain = code, p.flush()
		},
		read: func(d *Decoder, from *streams.Source, dst []int64, _ int) {
			dst[0] = from.Svarint()
			tick := int64(from.Uvarint())
			lengths := d.tickLengths(from, len(dst)-1)
			readLow(from, d.lengths, dst[1:])
			if from.Bad {
				return
			}
			for i, l := range lengths {
				dst[i+1] = dst[i] + step(dst[i+1], l, tick)
			}
		},
		pick: func(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, _ int) {
			v, k := from.Svarint(), 0
			tick := int64(from.Uvarint())
			if len(picked) > 0 && picked[0] == 0 {
				dst[0], k = v, 1
			}
			last := 0
			if len(picked) > 0 {
				last = int(picked[len(picked)-1])
			}
			lengths := d.tickLengths(from, n-1)
			d.steps = scratch.Slice(d.steps, last)
			if readLow(from, d.lengths, d.steps); from.Bad {
				return
			}
			for i, u := range d.steps {
				if v += step(u, lengths[i], tick); k < len(picked) && int(picked[k]) == i+1 {
					dst[k] = v
					k++
				}
			}
		},
		skip: func(d *Decoder, from *streams.Source, n, _ int) {
			from.Svarint()
			from.Uvarint()
			d.tickLengths(from, n-1)
			readLow(from, d.lengths, nil)
		},
	}
}

// tickLength is a difference as an unsigned number, and its length: from inTicks on, of ticks.
func tickLength(difference, tick int64) (u uint64, l int) {
	if difference != 0 && difference%tick == 0 {
		u = streams.Zigzag(difference / tick)
		return u, inTicks + bits.Len64(u)
	}
	u = streams.Zigzag(difference)
	return u, bits.Len64(u)
}

// step is a difference of which the bits and the length are read.
func step(u int64, length byte, tick int64) int64 {
	if length >= inTicks {
		return streams.Unzigzag(uint64(u)) * tick
	}
	return streams.Unzigzag(uint64(u))
}

// tickLengths reads n lengths, and leaves those of the numbers alone in d.lengths. Both are empty where they are damaged.
func (d *Decoder) tickLengths(from *streams.Source, n int) []byte {
	lengths := from.Take(&from.Code, n)
	d.lengths = scratch.Slice(d.lengths, len(lengths))
	for i, l := range lengths {
		if l > longestTicks {
			from.Bad = true
			return nil
		}
		if l >= inTicks {
			l -= inTicks
		}
		d.lengths[i] = l
	}
	return lengths
}

func sizeOfTicks(e *Encoder, c *column, best int) int {
	c.tick = 0
	for _, tick := range ticks() {
		found, seen := 0, 0
		for i := 1; i < len(c.v); i += 1 + len(c.v)/ticksSeen {
			if d := c.v[i] - c.v[i-1]; d != 0 {
				seen++
				if d%tick == 0 {
					found++
				}
			}
		}
		if found > 1 && found*ticksShare >= seen {
			c.tick = tick
			break
		}
	}
	if c.tick == 0 {
		return never
	}
	lengths, prev, sum := &e.ticks, c.v[0], 0
	clear(lengths[:])
	for _, x := range c.v[1:] {
		_, l := tickLength(x-prev, c.tick)
		lengths[l]++
		sum += max(l%inTicks-1, 0)
		prev = x
	}
	if sum >= best {
		return never
	}
	return sum + entropyBits(lengths[:], len(c.v)-1) + headBits
}
