package integers

import (
	"math"
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// facts are what one pass over a list tells: one for all encodings takes half the time of one for each.
type facts struct {
	min, max  int64
	runs      int // of equal numbers
	deltaBits int // of the differences in blocks of deltaBlock
}

// column is a list to be written: encodings estimate their sizes by what is known of it.
type column struct {
	facts
	v     []int64
	width int // bits of max - min
	depth int // of lists around this one

	// What an encoding found out for its size and needs to write the column; valid if its size was not never.
	scale int64   // scaled: the divisor
	codes []int64 // dictionary: of each number; in the encoder's nested memory of this depth
	dict  []int64 // dictionary: the distinct numbers; in the same memory
	tick  int64   // delta ticks: of the clock
}

// mayNest tells whether a list within this one is allowed.
func (c *column) mayNest() bool { return c.depth+1 < maxDepth }

// set begins with a list, which is not empty.
func (c *column) set(v []int64, depth int) {
	c.facts = look(v)
	c.v, c.width, c.depth = v, spanBits(c.min, c.max), depth
}

func look(v []int64) facts {
	f := facts{min: v[0], max: v[0], runs: 1}
	prev := v[0]
	for i := 1; i < len(v); {
		stop := min(i+deltaBlock, len(v))
		lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
		n := stop - i
		for ; i < stop; i++ {
			x := v[i]
			f.min, f.max = min(f.min, x), max(f.max, x)
			d := x - prev
			if d != 0 {
				f.runs++
			}
			lo, hi = min(lo, d), max(hi, d)
			prev = x
		}
		f.deltaBits += 8 + uvarintBits(streams.Zigzag(lo)) + n*spanBits(lo, hi)
	}
	return f
}

// spanBits is how many bits tell the numbers from lo to hi apart.
func spanBits(lo, hi int64) int { return bits.Len64(uint64(hi) - uint64(lo)) }

// uvarintBits is how many bits a uvarint takes; of 0, which takes a byte too, none are counted.
func uvarintBits(v uint64) int { return (bits.Len64(v) + 6) / 7 * 8 }

// log2 approximates the binary logarithm well enough to compare sizes (error below 0.09).
func log2(n uint32) float32 {
	b := math.Float32bits(float32(n))
	return float32(int(b>>23)-127) + float32(b&(1<<23-1))/(1<<23)
}

const (
	tableBits  = 64 // of an entropy coder's table, without symbols
	symbolBits = 4  // of each symbol in that table
)

// entropyBits estimates what an entropy coder makes of a histogram of n symbols; a Huffman code needs at least one bit each.
func entropyBits(histogram []uint32, n int) int {
	sum, distinct := float32(0), 0
	for _, c := range histogram {
		if c > 0 {
			sum += float32(c) * log2(c)
			distinct++
		}
	}
	if distinct == 1 {
		return tableBits
	}
	return max(n, int(float32(n)*log2(uint32(n))-sum)) + distinct*symbolBits + tableBits
}
