package integers

import (
	"math"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Forms of a list of doubles, which are handled as their IEEE bits. Three is all there are; nothing outside this file knows them.
const (
	formBits    = 0 // the bits as integers
	formDecimal = 1 // an exponent k and integers i, the values being i / 10^k exactly
	formPartly  = 2 // of each, whether it is such a fraction; these; the bits of the others
)

const maxDecimal = limits.Decimals // a double has no more exact decimals

// WriteDoubles writes doubles, as decimal fractions where all of them are; nothing for an empty list.
func (e *Encoder) WriteDoubles(to *streams.Sink, v []int64) {
	if len(v) == 0 {
		return
	}
	k := decimals(v)
	if k < 0 {
		if !e.writePartly(to, v) {
			to.Byte(formBits)
			e.Write(to, v)
		}
		return
	}
	e.decimal = scratch.Slice(e.decimal, len(v))
	p := pow10(k)
	for i, x := range v {
		e.decimal[i] = numerator(x, p)
	}
	to.Byte(formDecimal)
	to.Byte(byte(k))
	e.Write(to, e.decimal)
}

const (
	leastPartly    = 32 // doubles
	partlyDecimals = 6  // k where some are no decimal fractions: chance makes longer ones
	partlySeen     = 64 // doubles that are looked at first
	partlyShare    = 8  // decimal fractions are worth it from one of so many on
)

// writePartly writes doubles of which some are decimal fractions: whole numbers of one metric beside seconds of another, degrees of which one is not a
// number. False, and nothing is written, where few are.
func (e *Encoder) writePartly(to *streams.Sink, v []int64) bool {
	if len(v) < leastPartly {
		return false
	}
	step, seen, found := max(len(v)/partlySeen, 1), 0, 0
	for i := 0; i < len(v); i += step {
		seen++
		if _, ok := decimal(v[i], 0, partlyDecimals); ok {
			found++
		}
	}
	if found*partlyShare < seen {
		return false
	}
	k := 0
	e.partly, e.other = scratch.Slice(e.partly, len(v)), e.other[:0]
	for i, x := range v {
		e.partly[i] = 1
		if least, ok := decimal(x, k, partlyDecimals); ok {
			k, e.partly[i] = least, 0
		}
	}
	e.decimal = e.decimal[:0]
	p := pow10(k)
	for i, x := range v {
		// A larger k than its own can be too much for one.
		if _, ok := decimal(x, k, k); e.partly[i] == 0 && ok {
			e.decimal = append(e.decimal, numerator(x, p))
			continue
		}
		e.partly[i] = 1
		e.other = append(e.other, x)
	}
	if len(e.decimal)*partlyShare < len(v) {
		return false
	}
	to.Byte(formPartly)
	to.Byte(byte(k))
	e.Write(to, e.partly)
	e.Write(to, e.decimal)
	e.Write(to, e.other)
	return true
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
	case formPartly:
		d.readPartly(from, dst)
	default:
		from.Bad = true
	}
}

// readPartly is what writePartly wrote.
func (d *Decoder) readPartly(from *streams.Source, dst []int64) {
	k := int(from.Byte())
	if k > maxDecimal {
		from.Bad = true
		return
	}
	d.Read(from, dst)
	others := 0
	for _, x := range dst {
		from.Bad = from.Bad || uint64(x) > 1
		others += int(x & 1)
	}
	if from.Bad {
		return
	}
	d.decimal, d.other = scratch.Slice(d.decimal, len(dst)-others), scratch.Slice(d.other, others)
	d.Read(from, d.decimal)
	d.Read(from, d.other)
	p := pow10(k)
	decimal, other := d.decimal, d.other
	for i, x := range dst {
		if x != 0 {
			dst[i], other = other[0], other[1:]
			continue
		}
		dst[i], decimal = int64(math.Float64bits(float64(decimal[0])/p)), decimal[1:]
	}
}

// PeekDoubles tells how the list of doubles that begins is written, part by part, and reads no more than that.
func (d *Decoder) PeekDoubles(from *streams.Source) []string {
	switch from.Byte() {
	case formBits:
		return []string{"IEEE bits", d.Peek(from)}
	case formDecimal:
		return []string{"decimal fractions of 10^" + strconv.Itoa(int(from.Byte())), d.Peek(from)}
	case formPartly:
		return []string{"in part decimal fractions of 10^" + strconv.Itoa(int(from.Byte())), d.Peek(from)}
	}
	return []string{"unknown"}
}

// decimals returns the smallest k for which every value is exactly i / 10^k with |i| < 2^53, or -1.
func decimals(v []int64) int {
	k := 0
	for _, x := range v {
		least, ok := decimal(x, k, maxDecimal)
		if !ok {
			return -1
		}
		k = least
	}
	return k
}

// decimal returns the smallest k from one on, up to another, for which a double is exactly i / 10^k with |i| < 2^53.
func decimal(x int64, k, most int) (least int, ok bool) {
	f := math.Float64frombits(uint64(x))
	for p := pow10(k); ; p *= 10 {
		i := math.RoundToEven(f * p)
		if !(math.Abs(i) < 1<<53) { // NaN and infinities too
			return k, false
		}
		// Compared as bits: -0 is not 0.
		if math.Float64bits(float64(int64(i))/p) == uint64(x) {
			return k, true
		}
		if k == most {
			return k, false
		}
		k++
	}
}

// numerator is i of a double that is i / p.
func numerator(x int64, p float64) int64 {
	return int64(math.RoundToEven(math.Float64frombits(uint64(x)) * p))
}

func pow10(k int) float64 {
	p := 1.0
	for range k {
		p *= 10 // exact up to 10^22
	}
	return p
}
