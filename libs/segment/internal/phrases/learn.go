package phrases

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
)

const (
	// sample is how many symbols of all texts are looked at, in so many places, to find phrases and classes: more take longer, and find little.
	sample  = 1 << 16
	windows = 16

	rounds   = 5    // in each, two symbols become one: a phrase of n symbols takes log2 n of them at least
	least    = 10   // times that a phrase comes in the sample
	enough   = 8    // phrases of a round, for there to be another
	turns    = 2    // of finding the class of each symbol
	perClass = 2048 // symbols of all texts for each class
	fewest   = 4    // classes

	listBits = 24 // that a phrase and its entries in classes take, about
)

// Coder learns models, and writes texts with the one that it has learnt last. The zero value is ready. One goroutine uses it.
type Coder struct {
	symbols []uint16 // of all texts, one after the other
	ends    []int    // where in symbols those of each text end
	parts   [][2]uint16
	lengths []int                       // bytes of each symbol
	counts  []int                       // of each symbol in the sample
	pairs   pairs                       // of the sample, or those that become one
	words   []uint16                    // by two bytes: their symbol, or 0; valid while texts are split
	place   [limits.PhraseSymbols]uint8 // of a symbol in pairs that become one: begins, ends

	class   []uint8
	classes int
	often   []uint32      // per class and symbol
	enter   []uint32      // per class and symbol: the first share, and above it how many
	cost    []float32     // bits, per symbol and class
	list    []uint32      // how often the symbols of a class come, or their shares
	logs    [4096]float32 // of numbers, but of 0
	out     []byte
}

// pairs counts pairs of symbols: open addressing, a slot is the two symbols, which are the key, and below them the number.
type pairs struct {
	slots []uint64
}

func (p *pairs) reset(most int) {
	size := 1 << 10
	for size < 2*most {
		size *= 2
	}
	p.slots = scratch.Slice(p.slots, size)
	clear(p.slots)
}

// slot is where a pair is, or belongs. A slot of number 0 is free.
func (p *pairs) slot(key uint32) *uint64 {
	mask := uint32(len(p.slots) - 1)
	i := key * 0x9e3779b1
	i ^= i >> 15
	for {
		at := &p.slots[i&mask]
		if uint32(*at) == 0 || uint32(*at>>32) == key {
			return at
		}
		i++
	}
}

func (p *pairs) add(key uint32) {
	at := p.slot(key)
	*at = uint64(key)<<32 | uint64(uint32(*at)+1)
}

// Learn learns the model of texts, which end in all where ends says, and returns it; it is valid until the next call. Bytes from wide on begin a
// symbol of two bytes. False where there is nothing to learn.
func (c *Coder) Learn(all []byte, ends []int, wide int) (model []byte, ok bool) {
	if len(all) == 0 {
		return nil, false
	}
	c.split(all, ends, wide)
	for range rounds {
		if c.merge() < enough {
			break
		}
	}
	c.classify()
	c.count()
	return c.write()
}

// Write appends text i as it is written with the model.
func (c *Coder) Write(to []byte, i int) []byte {
	from := 0
	if i > 0 {
		from = c.ends[i-1]
	}
	list := c.symbols[from:c.ends[i]]
	n := len(c.parts) + firstPhrase
	// From the last symbol to the first, as a reader takes them in turn.
	c.out = scratch.Slice(c.out, 2*len(list)+headBytes)
	at := len(c.out)
	state := uint32(lowest)
	for k := len(list) - 1; k >= 0; k-- {
		before := uint16(0)
		if k > 0 {
			before = list[k-1]
		}
		e := c.enter[int(c.class[before])*n+int(list[k])]
		start, share := e&(allShares-1), e>>shareBits
		if state >= share<<(32-shareBits) && share < allShares {
			at -= 2
			binary.LittleEndian.PutUint16(c.out[at:], uint16(state))
			state >>= 16
		}
		state = state/share<<shareBits + state%share + start
	}
	to = binary.LittleEndian.AppendUint32(to, state)
	return append(to, c.out[at:]...)
}

// split takes texts as symbols of a byte or two.
func (c *Coder) split(all []byte, ends []int, wide int) {
	c.parts, c.lengths = c.parts[:0], c.lengths[:0]
	for range firstPhrase {
		c.lengths = append(c.lengths, 1)
	}
	c.words = scratch.Slice(c.words, 1<<16)
	clear(c.words)
	c.symbols, c.ends = slices.Grow(c.symbols[:0], len(all)), c.ends[:0]
	at := 0
	for _, end := range ends {
		for at < end {
			b := all[at]
			at++
			if int(b) < wide || at == end {
				c.symbols = append(c.symbols, uint16(b))
				continue
			}
			key := uint16(b)<<8 | uint16(all[at])
			s := c.words[key]
			if s == 0 && len(c.lengths) < limits.PhraseSymbols/2 {
				s = c.phrase(uint16(b), uint16(all[at]))
				c.words[key] = s
			}
			if s != 0 {
				c.symbols = append(c.symbols, s)
			} else {
				c.symbols = append(c.symbols, uint16(b), uint16(all[at]))
			}
			at++
		}
		c.ends = append(c.ends, len(c.symbols))
	}
}

// phrase makes a symbol of two.
func (c *Coder) phrase(a, b uint16) uint16 {
	c.parts = append(c.parts, [2]uint16{a, b})
	c.lengths = append(c.lengths, c.lengths[a]+c.lengths[b])
	return uint16(len(c.lengths) - 1)
}

// looked calls each for parts of the symbols that are looked at.
func (c *Coder) looked(each func(list []uint16)) {
	if len(c.symbols) <= sample {
		each(c.symbols)
		return
	}
	for w := range windows {
		from := (len(c.symbols) - sample/windows) / (windows - 1) * w
		each(c.symbols[from : from+sample/windows])
	}
}

// tally counts the symbols and pairs that are looked at.
func (c *Coder) tally() (total int) {
	c.counts = scratch.Slice(c.counts, len(c.lengths))
	clear(c.counts)
	c.pairs.reset(min(len(c.symbols), sample))
	c.looked(func(list []uint16) {
		total += len(list)
		before := uint16(0)
		for _, s := range list {
			c.counts[s]++
			c.pairs.add(uint32(before)<<16 | uint32(s))
			before = s
		}
	})
	return total
}

// candidate is a pair that may become a phrase.
type candidate struct {
	pair uint32
	gain float64 // bits, about
}

// merge makes phrases of pairs that come often, measured by how often their symbols do; it returns how many.
func (c *Coder) merge() int {
	total := float64(c.tally())
	var list []candidate
	for _, x := range c.pairs.slots {
		n, pair := uint32(x), uint32(x>>32)
		if n < least {
			continue
		}
		a, b := uint16(pair>>16), uint16(pair)
		many, few := max(c.counts[a], c.counts[b]), min(c.counts[a], c.counts[b])
		// A pair of which neither predicts the other says less as one symbol than each of them does after what stands before it.
		if few == 0 || int(n)*10 < many && int(n)*5 < few*2 || c.lengths[a]+c.lengths[b] > limits.PhraseBytes {
			continue
		}
		gain := float64(n)*math.Log2(float64(n)*total/(float64(many)*float64(few))) - listBits
		if gain > 0 {
			list = append(list, candidate{pair, gain})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.pair, b.pair)) })
	list = list[:min(len(list), limits.PhraseSymbols-len(c.lengths))]
	c.pairs.reset(len(list))
	c.place = [limits.PhraseSymbols]uint8{}
	for _, x := range list {
		*c.pairs.slot(x.pair) = uint64(x.pair)<<32 | uint64(c.phrase(uint16(x.pair>>16), uint16(x.pair)))
		c.place[x.pair>>16] |= begins
		c.place[uint16(x.pair)] |= ends
	}
	if len(list) > 0 {
		c.replace()
	}
	return len(list)
}

// Where a symbol stands in a pair that becomes a phrase.
const (
	begins = 1
	ends   = 2
)

// replace puts phrases in the place of their parts.
func (c *Coder) replace() {
	to, at := 0, 0
	list := c.symbols
	for i, end := range c.ends {
		for at < end {
			s := list[at]
			at++
			// Most neighbours make no pair, and need no look at the table.
			if c.place[s]&begins != 0 && at < end && c.place[list[at]]&ends != 0 {
				if made := uint16(*c.pairs.slot(uint32(s)<<16 | uint32(list[at]))); made != 0 {
					s = made
					at++
				}
			}
			list[to] = s
			to++
		}
		c.ends[i] = to
	}
	c.symbols = list[:to]
}

// log is the binary logarithm of a number above 0.
func (c *Coder) log(n int) float32 {
	if n >= len(c.logs) {
		return float32(math.Log2(float64(n)))
	}
	if c.logs[n] == 0 {
		c.logs[n] = float32(math.Log2(float64(n)))
	}
	return c.logs[n]
}

// follower is a symbol that stands after another, so many times.
type follower struct {
	before, symbol uint16
	n              uint32
}

// classify finds classes of symbols after which the same ones come. It begins with the most frequent symbols as a class each, and puts every symbol
// into that in which what follows it takes the fewest bits, some times.
func (c *Coder) classify() {
	c.classes = min(max(len(c.symbols)/perClass, fewest), limits.PhraseClasses)
	symbols, classes := len(c.lengths), c.classes
	seldom := c.log(c.tally())
	var list []follower
	for _, x := range c.pairs.slots {
		if n := uint32(x); n > 0 {
			list = append(list, follower{uint16(x >> 48), uint16(x >> 32), n})
		}
	}
	slices.SortFunc(list, func(a, b follower) int {
		return cmp.Or(cmp.Compare(a.before, b.before), cmp.Compare(a.symbol, b.symbol))
	})
	order := make([]uint16, 0, symbols)
	for s, n := range c.counts {
		if n > 0 {
			order = append(order, uint16(s))
		}
	}
	slices.SortFunc(order, func(a, b uint16) int { return cmp.Or(cmp.Compare(c.counts[b], c.counts[a]), cmp.Compare(a, b)) })
	const none = limits.PhraseClasses
	c.class = scratch.Slice(c.class, symbols)
	for s := range c.class {
		c.class[s] = none
	}
	for i, s := range order[:min(len(order), classes)] {
		c.class[s] = uint8(i)
	}
	var sums [limits.PhraseClasses]int
	var all, cost [limits.PhraseClasses]float32
	c.often = scratch.Slice(c.often, symbols*classes) // per symbol and class here
	c.cost = scratch.Slice(c.cost, symbols*classes)
	for range turns {
		clear(c.often)
		clear(sums[:])
		for _, f := range list {
			if k := c.class[f.before]; k != none {
				c.often[int(f.symbol)*classes+int(k)] += f.n
				sums[k] += int(f.n)
			}
		}
		for k := range classes {
			all[k] = c.log(sums[k] + 1)
		}
		for s := range symbols {
			if c.counts[s] == 0 {
				continue
			}
			never := c.log(c.counts[s]) - seldom
			at := s * classes
			for k, n := range c.often[at : at+classes] {
				if n == 0 {
					c.cost[at+k] = all[k] - never
				} else {
					c.cost[at+k] = all[k] - c.log(int(n))
				}
			}
		}
		for i := 0; i < len(list); {
			before := list[i].before
			clear(cost[:])
			for ; i < len(list) && list[i].before == before; i++ {
				n := float32(list[i].n)
				at := int(list[i].symbol) * classes
				for k, b := range c.cost[at : at+classes] {
					cost[k] += n * b
				}
			}
			best := 0
			for k := range classes {
				if cost[k] < cost[best] {
					best = k
				}
			}
			c.class[before] = uint8(best)
		}
	}
	for s := range c.class {
		if c.class[s] == none {
			c.class[s] = 0
		}
	}
}

// count finds how often each symbol comes after each class, and its share.
func (c *Coder) count() {
	symbols := len(c.lengths)
	c.often = scratch.Slice(c.often, symbols*c.classes)
	clear(c.often)
	at := 0
	for _, end := range c.ends {
		before := uint16(0)
		for _, s := range c.symbols[at:end] {
			c.often[int(c.class[before])*symbols+int(s)]++
			before = s
		}
		at = end
	}
	c.enter = scratch.Slice(c.enter, symbols*c.classes)
	for k := range c.classes {
		c.list = c.list[:0]
		often := c.often[k*symbols : (k+1)*symbols]
		for s, n := range often {
			if n > 0 {
				often[s] = rounded(n)
				c.list = append(c.list, often[s])
			}
		}
		start := uint32(0)
		of := shares(c.list)
		for s, n := range often {
			if n > 0 {
				c.enter[k*symbols+s] = of[0]<<shareBits | start
				start += of[0]
				of = of[1:]
			}
		}
	}
}

// rounded is about n, in a number of few bits: the fewer different ones there are, the fewer bytes the model takes.
func rounded(n uint32) uint32 {
	const kept = 4
	if drop := bits.Len32(n) - kept; drop > 0 {
		return n >> drop << drop
	}
	return n
}

// write writes the model; false if it is larger than anyone reads.
func (c *Coder) write() ([]byte, bool) {
	symbols := len(c.lengths)
	b := binary.AppendUvarint(nil, uint64(len(c.parts)))
	for _, p := range c.parts {
		b = binary.AppendUvarint(b, uint64(p[0]))
		b = binary.AppendUvarint(b, uint64(p[1]))
	}
	b = binary.AppendUvarint(b, uint64(c.classes))
	b = append(b, c.class[:symbols]...)
	for k := range c.classes {
		often := c.often[k*symbols : (k+1)*symbols]
		n := 0
		for _, x := range often {
			if x > 0 {
				n++
			}
		}
		b = binary.AppendUvarint(b, uint64(n))
		next := 0
		for s, x := range often {
			if x > 0 {
				b = binary.AppendUvarint(b, uint64(s-next))
				next = s + 1
			}
		}
		for _, x := range often {
			if x > 0 {
				b = binary.AppendUvarint(b, uint64(x-1))
			}
		}
	}
	return b, len(b) <= limits.PhraseModel
}
