package integers

import (
	"math"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Forms of a list of doubles, which are handled as their IEEE bits. Two is all there are; nothing outside this file knows them.
const (
	formBits    = 0 // the bits as integers
	formDecimal = 1 // an exponent k and integers i, the values being i / 10^k exactly
)

const maxDecimal = limits.Decimals // a double has no more exact decimals

// WriteDoubles writes doubles, as decimal fractions where all of them are; nothing for an empty list.
func (e *Encoder) WriteDoubles(to *streams.Sink, v []int64) {
	if len(v) == 0 {
		return
	}
	k := decimals(v)
	if k < 0 {
		to.Byte(formBits)
		e.Write(to, v)
		return
	}
	e.decimal = scratch.Slice(e.decimal, len(v))
	p := pow10(k)
	for i, x := range v {
		e.decimal[i] = int64(math.RoundToEven(math.Float64frombits(uint64(x)) * p))
	}
	to.Byte(formDecimal)
	to.Byte(byte(k))
	e.Write(to, e.decimal)
}

// ReadDoubles fills dst with the next len(dst) doubles.
func (d *Decoder) ReadDoubles(from *streams.Source, dst []int64) {
	if len(dst) == 0 {
		return
	}
	switch form := from.Byte(); form {
	case formBits:
		d.Read(from, dst)
	case formDecimal:
		k := int(from.Byte())
		if k > maxDecimal {
			from.Bad = true
			return
		}
		d.Read(from, dst)
		p := pow10(k)
		for i, x := range dst {
			dst[i] = int64(math.Float64bits(float64(x) / p))
		}
	default:
		from.Bad = true
	}
}

// PeekDoubles tells how the list of doubles that begins is written, part by part, and reads no more than that.
func (d *Decoder) PeekDoubles(from *streams.Source) []string {
	switch from.Byte() {
	case formBits:
		return []string{"IEEE bits", d.Peek(from)}
	case formDecimal:
		return []string{"decimal fractions of 10^" + strconv.Itoa(int(from.Byte())), d.Peek(from)}
	}
	return []string{"unknown"}
}

// decimals returns the smallest k for which every value is exactly i / 10^k with |i| < 2^53, or -1.
func decimals(v []int64) int {
	k := 0
	p := 1.0
	for _, x := range v {
		f := math.Float64frombits(uint64(x))
		for {
			i := math.RoundToEven(f * p)
			if !(math.Abs(i) < 1<<53) { // NaN and infinities too
				return -1
			}
			// Compared as bits: -0 is not 0.
			if math.Float64bits(float64(int64(i))/p) == uint64(x) {
				break
			}
			if k == maxDecimal {
				return -1
			}
			k++
			p = pow10(k)
		}
	}
	return k
}

func pow10(k int) float64 {
	p := 1.0
	for range k {
		p *= 10 // exact up to 10^22
	}
	return p
}
