package segment

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// sink collects one section's three streams. Small numbers, lengths and byte codes go to code and text to text, both compressed; what
// cannot be compressed further (bit-packed numbers, ids) goes to plain and is stored as it is.
type sink struct {
	code, plain, text []byte
}

func (s *sink) reset() { s.code, s.plain, s.text = s.code[:0], s.plain[:0], s.text[:0] }

func (s *sink) byte(b byte)      { s.code = append(s.code, b) }
func (s *sink) uvarint(v uint64) { s.code = appendUvarint(s.code, v) }
func (s *sink) svarint(v int64)  { s.code = appendUvarint(s.code, zigzag(v)) }

// Encodings of a list of integers. The numbers are part of the format.
const (
	intConst      = 0 // one value
	intPacked     = 1 // base, width, bits
	intBytes      = 2 // base, one byte each, to be compressed
	intRuns       = 3 // values and lengths of runs
	intDict       = 4 // distinct values and codes
	intDelta      = 5 // blocks of 128 differences, each with its own minimum and width
	intSplit      = 6 // bit lengths as bytes, to be compressed, and the bits below the leading one
	intDeltaSplit = 7 // intSplit of zigzag differences
	intScaled     = 8 // a common divisor and the quotients
)

const (
	deltaBlock = 128
	maxDepth   = 4 // nesting of integer encodings
)

// Encodings of a list of doubles.
const (
	doubleBits    = 0 // IEEE bits as integers
	doubleDecimal = 1 // an exponent k and integers i, the values being i / 10^k exactly
	maxDecimal    = 15
)

// intStats is what one pass over a column learns.
type intStats struct {
	min, max  int64
	runs      int
	blockBits int // size of intDelta
}

// intCoder holds scratch for encoding integers; one per nesting depth is in use at a time.
type intCoder struct {
	scratch [maxDepth][]int64
	more    [maxDepth][]int64
	decimal []int64
	table   []slot
	hist    [256]uint32
	lens    [65]uint32
}

func (c *intCoder) stats(v []int64) intStats {
	st := intStats{min: v[0], max: v[0], runs: 1}
	prev := v[0]
	for i := 1; i < len(v); {
		stop := min(i+deltaBlock, len(v))
		lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
		n := stop - i
		for ; i < stop; i++ {
			x := v[i]
			st.min, st.max = min(st.min, x), max(st.max, x)
			d := x - prev
			if d != 0 {
				st.runs++
			}
			lo, hi = min(lo, d), max(hi, d)
			prev = x
		}
		st.blockBits += 8 + (bits.Len64(zigzag(lo))+6)/7*8 + n*bits.Len64(uint64(hi)-uint64(lo))
	}
	return st
}

// log2 approximates the binary logarithm well enough to compare sizes (error below 0.09).
func log2(n uint32) float32 {
	b := math.Float32bits(float32(n))
	return float32(int(b>>23)-127) + float32(b&(1<<23-1))/(1<<23)
}

// entropy estimates what an entropy coder makes of a histogram of n symbols, in bits; a Huffman code needs at least one bit each.
func entropy(hist []uint32, n int) int {
	sum, distinct := float32(0), 0
	for _, c := range hist {
		if c > 0 {
			sum += float32(c) * log2(c)
			distinct++
		}
	}
	if distinct == 1 {
		return 64
	}
	return max(n, int(float32(n)*log2(uint32(n))-sum)) + distinct*4 + 64
}

// ints writes v in the encoding that an estimate says is smallest.
func (c *intCoder) ints(s *sink, v []int64) (lo, hi int64) { return c.intsAt(s, v, 0) }

func (c *intCoder) intsAt(s *sink, v []int64, depth int) (lo, hi int64) {
	n := len(v)
	if n == 0 {
		return 0, 0
	}
	st := c.stats(v)
	if st.min == st.max {
		s.byte(intConst)
		s.svarint(st.min)
		return st.min, st.max
	}
	span := uint64(st.max) - uint64(st.min)
	width := bits.Len64(span)
	kind, best := intPacked, n*width+16
	if size := st.blockBits + 8; size < best {
		kind, best = intDelta, size
	}
	nested := depth+1 < maxDepth
	if nested && st.runs*4 <= n {
		// Values and lengths of runs are themselves lists; both are mostly small.
		if size := st.runs*(min(width, 12)+6) + 64; size < best {
			kind, best = intRuns, size
		}
	}
	if width <= 8 {
		if n >= 96 && width > 1 {
			clear(c.hist[:])
			for _, x := range v {
				c.hist[byte(x-st.min)]++
			}
			if size := entropy(c.hist[:span+1], n); size < best-best/16 {
				kind, best = intBytes, size
			}
			if size := unlike(v, best/breakBits)*breakBits + 64; size < best-best/16 {
				kind, best = intBytes, size
			}
		}
	} else {
		if nested && width >= 12 && n >= 8 {
			if scale := commonScale(v); scale > 1 {
				s.byte(intScaled)
				s.uvarint(uint64(scale))
				q := resize(c.more[depth], n)
				c.more[depth] = q
				for i, x := range v {
					q[i] = x / scale
				}
				c.intsAt(s, q, depth+1)
				return st.min, st.max
			}
		}
		if n >= 32 {
			clear(c.lens[:])
			sum := 0
			for _, x := range v {
				l := bits.Len64(uint64(x) - uint64(st.min))
				c.lens[l]++
				sum += max(l-1, 0)
			}
			if size := sum + entropy(c.lens[:], n) + 16; size < best {
				kind, best = intSplit, size
			}
			clear(c.lens[:])
			prev, sum := v[0], 0
			for _, x := range v[1:] {
				l := bits.Len64(zigzag(x - prev))
				c.lens[l]++
				sum += max(l-1, 0)
				prev = x
			}
			if sum < best {
				if size := sum + entropy(c.lens[:], n-1) + 16; size < best {
					kind, best = intDeltaSplit, size
				}
			}
		}
	}
	if nested && width > 4 && n >= 16 && kind != intRuns {
		// A dictionary pays when it is much smaller than the column.
		if codes, dict := c.distinct(v, depth, min(n/2, best/width)); dict != nil {
			size := len(dict)*width + n*bits.Len(uint(len(dict)-1)) + 32
			if size >= best && countUp(codes) {
				size = len(dict)*width + 3*n // a bit each, and a byte that compresses
			}
			if kind == intBytes {
				size += size / 8
			}
			if size < best {
				s.byte(intDict)
				s.uvarint(uint64(len(dict)))
				c.intsAt(s, dict, depth+1)
				c.intsAt(s, codes, depth+1)
				return st.min, st.max
			}
		}
	}
	switch kind {
	case intPacked:
		s.byte(intPacked)
		s.svarint(st.min)
		s.byte(byte(width))
		s.plain = packBits(s.plain, v, st.min, width)
	case intBytes:
		s.byte(intBytes)
		s.svarint(st.min)
		for _, x := range v {
			s.code = append(s.code, byte(x-st.min))
		}
	case intRuns:
		values, lengths := c.scratch[depth][:0], c.more[depth][:0]
		for i := 0; i < n; {
			j := i + 1
			for j < n && v[j] == v[i] {
				j++
			}
			values = append(values, v[i])
			lengths = append(lengths, int64(j-i-1))
			i = j
		}
		c.scratch[depth], c.more[depth] = values, lengths
		s.byte(intRuns)
		s.uvarint(uint64(len(values)))
		c.intsAt(s, values, depth+1)
		c.intsAt(s, lengths, depth+1)
	case intDelta:
		s.byte(intDelta)
		s.svarint(v[0])
		d := resize(c.scratch[depth], deltaBlock)
		c.scratch[depth] = d
		for i := 1; i < n; {
			stop := min(i+deltaBlock, n)
			lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
			m := 0
			for ; i < stop; i++ {
				x := v[i] - v[i-1]
				lo, hi = min(lo, x), max(hi, x)
				d[m] = x
				m++
			}
			w := bits.Len64(uint64(hi) - uint64(lo))
			s.svarint(lo)
			s.byte(byte(w))
			s.plain = packBits(s.plain, d[:m], lo, w)
		}
	case intSplit:
		s.byte(intSplit)
		s.svarint(st.min)
		p := bitWriter{b: s.plain}
		for _, x := range v {
			u := uint64(x) - uint64(st.min)
			l := bits.Len64(u)
			s.code = append(s.code, byte(l))
			if l > 1 {
				p.write(u&(1<<(l-1)-1), l-1)
			}
		}
		s.plain = p.flush()
	case intDeltaSplit:
		s.byte(intDeltaSplit)
		s.svarint(v[0])
		p := bitWriter{b: s.plain}
		prev := v[0]
		for _, x := range v[1:] {
			u := zigzag(x - prev)
			prev = x
			l := bits.Len64(u)
			s.code = append(s.code, byte(l))
			if l > 1 {
				p.write(u&(1<<(l-1)-1), l-1)
			}
		}
		s.plain = p.flush()
	}
	return st.min, st.max
}

// countUp tells whether most codes are one more than their predecessor. Only the second half is looked at: the first codes always are.
func countUp(codes []int64) bool {
	up, from := 0, len(codes)/2
	for i, c := range codes[from+1:] {
		if c == codes[from+i]+1 {
			up++
		}
	}
	return up*8 > (len(codes)-from)*7
}

// breakBits is about what a value out of line costs in bytes that otherwise repeat: a literal, and a match to go on.
const breakBits = 24

// unlike counts the values that differ from the one a period before, up to limit; the period is where the beginning comes again. The
// points of one resource come in together: each of its series repeats the times and positions of the others, which takes next to nothing
// as compressed bytes.
func unlike(v []int64, limit int) int {
	const same = 4
	limit = min(limit, len(v)/2)
	for period := same; period < limit; period++ {
		if v[period] != v[0] || !slices.Equal(v[period:period+same], v[:same]) {
			continue
		}
		count := period
		for i := period; i < len(v) && count < limit; i++ {
			if v[i] != v[i-period] {
				count++
			}
		}
		return count
	}
	return limit
}

// commonScale returns the largest of 10^9, 10^6 and 10^3 that divides every value, else 1: clocks of many languages tick in micro- or
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

// distinct returns codes and distinct values in order of first appearance, or nil when there are more than limit.
func (c *intCoder) distinct(v []int64, depth, limit int) (codes, dict []int64) {
	if limit < 2 {
		return nil, nil
	}
	size := 16
	for size < limit*2+2 {
		size *= 2
	}
	if len(c.table) < size {
		c.table = make([]slot, size)
	}
	table := c.table[:size]
	clear(table)
	mask := uint32(size - 1)
	codes, dict = resize(c.scratch[depth], len(v)), c.more[depth][:0]
	for i, x := range v {
		h := uint64(x) * 0x9e3779b97f4a7c15
		h ^= h >> 29
		at, tag := uint32(h)&mask, uint32(h>>32)
		for {
			s := table[at]
			if s.ref == 0 {
				if len(dict) == limit {
					return nil, nil
				}
				dict = append(dict, x)
				table[at] = slot{tag, uint32(len(dict))}
				codes[i] = int64(len(dict) - 1)
				break
			}
			if s.tag == tag && dict[s.ref-1] == x {
				codes[i] = int64(s.ref - 1)
				break
			}
			at = (at + 1) & mask
		}
	}
	c.scratch[depth], c.more[depth] = codes, dict
	return codes, dict
}

// doubles writes IEEE bits, as decimal fractions where all values are.
func (c *intCoder) doubles(s *sink, v []int64) {
	if len(v) == 0 {
		return
	}
	if k := decimals(v); k >= 0 {
		d := resize(c.decimal, len(v))
		c.decimal = d
		p := pow10(k)
		for i, x := range v {
			d[i] = int64(math.RoundToEven(math.Float64frombits(uint64(x)) * p))
		}
		s.byte(doubleDecimal)
		s.byte(byte(k))
		c.ints(s, d)
		return
	}
	s.byte(doubleBits)
	c.ints(s, v)
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

// source reads what a sink has collected, with one cursor per stream. The first damage sets bad; reads after that give zeros.
type source struct {
	code, plain, text []byte
	bad               bool
}

func (s *source) byte() byte {
	if len(s.code) == 0 {
		s.bad = true
		return 0
	}
	b := s.code[0]
	s.code = s.code[1:]
	return b
}

func (s *source) uvarint() uint64 {
	v, n := binary.Uvarint(s.code)
	if n <= 0 {
		s.bad = true
		s.code = nil
		return 0
	}
	s.code = s.code[n:]
	return v
}

func (s *source) svarint() int64 { return unzigzag(s.uvarint()) }

// count reads a number that must not exceed limit.
func (s *source) count(limit int) int {
	v := s.uvarint()
	if v > uint64(limit) {
		s.bad = true
		return 0
	}
	return int(v)
}

func (s *source) take(from *[]byte, n int) []byte {
	if n < 0 || n > len(*from) {
		s.bad = true
		return nil
	}
	b := (*from)[:n:n]
	*from = (*from)[n:]
	return b
}

// intReader holds scratch for decoding integers.
type intReader struct {
	scratch [maxDepth + 1][]int64
	more    [maxDepth + 1][]int64
	whole   []int64 // some: differences up to the last number that is wanted
	block   [deltaBlock]int64
}

// ints fills dst.
func (r *intReader) ints(s *source, dst []int64) { r.intsAt(s, dst, 0) }

func (r *intReader) intsAt(s *source, dst []int64, depth int) {
	n := len(dst)
	if n == 0 || s.bad {
		return
	}
	if depth > maxDepth {
		s.bad = true
		return
	}
	r.encoded(s, s.byte(), dst, depth)
}

// encoded fills dst, in which a number has been asked for, from the encoding that kind says.
func (r *intReader) encoded(s *source, kind byte, dst []int64, depth int) {
	n := len(dst)
	switch kind {
	case intConst:
		v := s.svarint()
		for i := range dst {
			dst[i] = v
		}
	case intPacked:
		base := s.svarint()
		s.unpack(dst, base, int(s.byte()))
	case intBytes:
		base := s.svarint()
		for i, b := range s.take(&s.code, n) {
			dst[i] = base + int64(b)
		}
	case intRuns:
		values, lengths := r.runs(s, n, depth)
		at := 0
		for i, l := range lengths {
			if l < 0 || l >= int64(n-at) {
				s.bad = true
				return
			}
			for range l + 1 {
				dst[at] = values[i]
				at++
			}
		}
		if at != n {
			s.bad = true
		}
	case intDict:
		m := s.count(n)
		dict := resize(r.scratch[depth], m)
		r.scratch[depth] = dict
		r.intsAt(s, dict, depth+1)
		r.intsAt(s, dst, depth+1)
		if s.bad {
			return
		}
		for i, c := range dst {
			if uint64(c) >= uint64(m) {
				s.bad = true
				return
			}
			dst[i] = dict[c]
		}
	case intDelta:
		dst[0] = s.svarint()
		for i := 1; i < n && !s.bad; {
			stop := min(i+deltaBlock, n)
			lo := s.svarint()
			s.unpack(dst[i:stop], lo, int(s.byte()))
			for ; i < stop; i++ {
				dst[i] += dst[i-1]
			}
		}
	case intSplit:
		base := s.svarint()
		s.split(dst)
		for i := range dst {
			dst[i] += base
		}
	case intDeltaSplit:
		dst[0] = s.svarint()
		s.split(dst[1:])
		for i := 1; i < n; i++ {
			dst[i] = dst[i-1] + unzigzag(uint64(dst[i]))
		}
	case intScaled:
		scale := s.uvarint()
		r.intsAt(s, dst, depth+1)
		for i := range dst {
			dst[i] *= int64(scale)
		}
	default:
		s.bad = true
	}
}

// some fills dst with those of n numbers that pick names, in rising order. Where the encoding can be entered in the middle, the others
// are not decoded.
func (r *intReader) some(s *source, n int, pick []uint32, dst []int64) { r.someAt(s, n, pick, dst, 0) }

func (r *intReader) someAt(s *source, n int, pick []uint32, dst []int64, depth int) {
	if n == 0 || s.bad {
		return
	}
	if depth > maxDepth {
		s.bad = true
		return
	}
	switch kind := s.byte(); kind {
	case intConst:
		v := s.svarint()
		for k := range dst {
			dst[k] = v
		}
	case intPacked:
		base, width := s.svarint(), int(s.byte())
		if width > 64 {
			s.bad = true
			return
		}
		b := s.take(&s.plain, (n*width+7)/8)
		if s.bad {
			return
		}
		for k, i := range pick {
			dst[k] = base + int64(bitsAt(b, int(i)*width, width))
		}
	case intBytes:
		base := s.svarint()
		b := s.take(&s.code, n)
		if s.bad {
			return
		}
		for k, i := range pick {
			dst[k] = base + int64(b[i])
		}
	case intDict:
		m := s.count(n)
		dict := resize(r.scratch[depth], m)
		r.scratch[depth] = dict
		r.intsAt(s, dict, depth+1)
		r.someAt(s, n, pick, dst, depth+1)
		for k, c := range dst {
			if s.bad || uint64(c) >= uint64(m) {
				s.bad = true
				return
			}
			dst[k] = dict[c]
		}
	case intSplit:
		base := s.svarint()
		s.splitSome(n, pick, dst)
		for k := range dst {
			dst[k] += base
		}
	case intScaled:
		scale := s.uvarint()
		r.someAt(s, n, pick, dst, depth+1)
		for k := range dst {
			dst[k] *= int64(scale)
		}
	case intRuns:
		r.someRuns(s, n, pick, dst, depth)
	case intDelta:
		s.deltaSome(n, pick, dst, &r.block)
	case intDeltaSplit:
		r.deltaSplitSome(s, n, pick, dst)
	default:
		s.bad = true
	}
}

// runs reads the values and lengths of runs of n numbers; where they are damaged, there are none.
func (r *intReader) runs(s *source, n, depth int) (values, lengths []int64) {
	m := s.count(n)
	values, lengths = resize(r.scratch[depth], m), resize(r.more[depth], m)
	r.scratch[depth], r.more[depth] = values, lengths
	r.intsAt(s, values, depth+1)
	r.intsAt(s, lengths, depth+1)
	if s.bad {
		return nil, nil
	}
	return values, lengths
}

// someRuns is someAt for runs.
func (r *intReader) someRuns(s *source, n int, pick []uint32, dst []int64, depth int) {
	values, lengths := r.runs(s, n, depth)
	end, k := 0, 0
	for i, l := range lengths {
		if l < 0 || l >= int64(n-end) {
			s.bad = true
			return
		}
		end += int(l) + 1
		for ; k < len(pick) && int(pick[k]) < end; k++ {
			dst[k] = values[i]
		}
	}
	if end != n {
		s.bad = true
	}
}

// deltaSome reads those of n numbers in blocks of differences that pick names. Blocks after the last of them are passed over.
func (s *source) deltaSome(n int, pick []uint32, dst []int64, block *[deltaBlock]int64) {
	v, k := s.svarint(), 0
	if len(pick) > 0 && pick[0] == 0 {
		dst[0], k = v, 1
	}
	for i := 1; i < n && !s.bad; {
		stop := min(i+deltaBlock, n)
		lo, width := s.svarint(), int(s.byte())
		if k == len(pick) {
			s.skipPacked(stop-i, width)
			i = stop
			continue
		}
		d := block[:stop-i]
		if s.unpack(d, lo, width); s.bad {
			return
		}
		for _, x := range d {
			if v += x; k < len(pick) && int(pick[k]) == i {
				dst[k] = v
				k++
			}
			i++
		}
	}
}

// deltaSplitSome reads those of n numbers, split differences, that pick names. Differences after the last of them are not read.
func (r *intReader) deltaSplitSome(s *source, n int, pick []uint32, dst []int64) {
	v, k := s.svarint(), 0
	if len(pick) > 0 && pick[0] == 0 {
		dst[0], k = v, 1
	}
	last := 0
	if len(pick) > 0 {
		last = int(pick[len(pick)-1])
	}
	r.whole = resize(r.whole, last)
	if s.splitFirst(n-1, r.whole); s.bad {
		return
	}
	for i, u := range r.whole {
		if v += unzigzag(uint64(u)); k < len(pick) && int(pick[k]) == i+1 {
			dst[k] = v
			k++
		}
	}
}

// skip passes over n numbers.
func (r *intReader) skip(s *source, n int) { r.skipAt(s, n, 0) }

func (r *intReader) skipAt(s *source, n, depth int) {
	if n == 0 || s.bad {
		return
	}
	if depth > maxDepth {
		s.bad = true
		return
	}
	packed := func(n int) {
		s.svarint()
		s.skipPacked(n, int(s.byte()))
	}
	split := func(n int) {
		s.svarint()
		s.splitFirst(n, nil)
	}
	switch s.byte() {
	case intConst:
		s.svarint()
	case intPacked:
		packed(n)
	case intBytes:
		s.svarint()
		s.take(&s.code, n)
	case intRuns:
		m := s.count(n)
		r.skipAt(s, m, depth+1)
		r.skipAt(s, m, depth+1)
	case intDict:
		m := s.count(n)
		r.skipAt(s, m, depth+1)
		r.skipAt(s, n, depth+1)
	case intDelta:
		s.svarint()
		for i := 1; i < n && !s.bad; i += deltaBlock {
			packed(min(deltaBlock, n-i))
		}
	case intSplit:
		split(n)
	case intDeltaSplit:
		split(n - 1)
	case intScaled:
		s.uvarint()
		r.skipAt(s, n, depth+1)
	default:
		s.bad = true
	}
}

// splitSome is split for those of n numbers that pick names.
func (s *source) splitSome(n int, pick []uint32, dst []int64) {
	lens := s.take(&s.code, n)
	if s.bad {
		return
	}
	total, k := 0, 0
	for i, l := range lens {
		if l > 64 {
			s.bad = true
			return
		}
		if k < len(pick) && pick[k] == uint32(i) {
			dst[k] = int64(total) // where it begins, for now
			k++
		}
		if l > 1 {
			total += int(l) - 1
		}
	}
	b := s.take(&s.plain, (total+7)/8)
	if s.bad {
		return
	}
	for k, i := range pick {
		l := int(lens[i])
		if l <= 1 {
			dst[k] = int64(l)
			continue
		}
		dst[k] = int64(bitsAt(b, int(dst[k]), l-1) | 1<<(l-1))
	}
}

// unpack reads len(dst) numbers of width bits and adds base.
func (s *source) unpack(dst []int64, base int64, width int) {
	if width > 64 {
		s.bad = true
		return
	}
	b := s.take(&s.plain, (len(dst)*width+7)/8)
	if s.bad {
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

// skipPacked passes over n numbers of width bits.
func (s *source) skipPacked(n, width int) {
	if width > 64 {
		s.bad = true
		return
	}
	s.take(&s.plain, (n*width+7)/8)
}

// split reads lengths and mantissas.
func (s *source) split(dst []int64) { s.splitFirst(len(dst), dst) }

// splitFirst reads the first len(dst) of n lengths and mantissas, and passes over the others.
func (s *source) splitFirst(n int, dst []int64) {
	lens := s.take(&s.code, n)
	if s.bad {
		return
	}
	total, longest := 0, byte(0)
	for _, l := range lens {
		longest = max(longest, l)
		total += int(l) - min(int(l), 1)
	}
	if longest > 64 {
		s.bad = true
		return
	}
	b := s.take(&s.plain, (total+7)/8)
	if s.bad {
		return
	}
	i, bit := 0, 0
	if longest <= 58 { // any such mantissa lies within the eight bytes that begin at its first byte
		for ; i < len(dst) && bit>>3+8 <= len(b); i++ {
			l := lens[i]
			lead := uint64(1) << l >> 1 // 0 for a length of 0
			dst[i] = int64(binary.LittleEndian.Uint64(b[bit>>3:])>>(bit&7)&((1<<l-1)>>1) | lead)
			bit += int(l) - min(int(l), 1)
		}
	}
	for ; i < len(dst); i++ {
		if l := int(lens[i]); l > 0 {
			dst[i] = int64(bitsAt(b, bit, l-1) | 1<<(l-1))
			bit += l - 1
		} else {
			dst[i] = 0
		}
	}
}

// doubles fills dst with IEEE bits.
func (r *intReader) doubles(s *source, dst []int64) {
	if len(dst) == 0 {
		return
	}
	switch s.byte() {
	case doubleBits:
		r.ints(s, dst)
	case doubleDecimal:
		k := int(s.byte())
		if k > maxDecimal {
			s.bad = true
			return
		}
		r.ints(s, dst)
		p := pow10(k)
		for i, x := range dst {
			dst[i] = int64(math.Float64bits(float64(x) / p))
		}
	default:
		s.bad = true
	}
}
