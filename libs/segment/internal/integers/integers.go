// Package integers writes lists of 64-bit integers and doubles, and reads all, some or none of them (docs/segment-format.md, section 6).
//
// An encoding is one file and one entry of encodings. Who writes takes the one that estimates the fewest bits; who reads, picks or skips
// asks the table for the code that was written. Tests and fuzz run over the table. A reader of the version before takes a new code for damage:
// a new encoding is a new version of the format (section 12).
//
// Invariants: a list is written as a byte, the code of its encoding, and what the encoding writes; an empty list as nothing. Reading,
// picking and skipping leave the cursors of the source at the same place. A damaged source sets Bad, never panics, and never makes a
// decoder allocate more than a few times the numbers that were asked for. Encodings nest at most maxDepth deep.
package integers

import (
	"math"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// encoding is one way to write a list of integers. Its functions are called once a list, never once a number.
type encoding struct {
	name string // as in section 6 of the specification
	code byte   // part of the format

	// The columns for which a writer asks for the size at all: a call for each encoding takes as long as a short list itself.
	items  int    // of at least so many numbers
	widths widths // of these widths
	nests  bool   // only where a list within the list is allowed

	// size estimates the bits that a column takes: never where the encoding would not pay, 0 where none can be better. As soon as it knows
	// that they are not fewer than best, it may return anything that is not.
	size func(e *Encoder, c *column, best int) int

	// write writes a column of which size has just been asked.
	write func(e *Encoder, to *streams.Sink, c *column)

	// read fills dst, which is not empty.
	read func(d *Decoder, from *streams.Source, dst []int64, depth int)

	// pick fills dst with those of n numbers that picked names, in rising order; the others are decoded only as far as these need it.
	pick func(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, depth int)

	// skip passes over n numbers, at least one.
	skip func(d *Decoder, from *streams.Source, n, depth int)
}

// widths is a range of column.width, ends included.
type widths struct{ from, to int }

// takes tells whether the encoding is for a column, of whose width it is.
func (e *encoding) takes(c *column) bool { return len(c.v) >= e.items && (!e.nests || c.mayNest()) }

// encodings lists all encodings in the order in which a writer asks for their sizes: first those that end the search, then those whose size
// is known from the look at the column, last the dictionary, which costs most and gives up the sooner the less is left to win.
func encodings() (table []encoding) {
	// Called as values: where the compiler inlines a constructor, it inlines nothing into the copies of its functions, and writing takes a
	// quarter longer.
	for _, one := range []func() encoding{
		constant, scaled, packed, delta, runs, bytewise, split, deltaSplit, deltaTicks, dictionary,
	} {
		table = append(table, one())
	}
	return table
}

const (
	maxWidth = 64                   // bits of a number
	never    = math.MaxInt          // size where an encoding would not pay
	maxDepth = limits.EncodingDepth // lists within lists, the outermost counted
	maxCodes = 16                   // codes of encodings are below
	headBits = 16                   // of a base or first number and a width, about
)

// Encoder writes lists of integers. One goroutine uses it.
type Encoder struct {
	byWidth    [maxWidth + 1][]*encoding // those for columns of a width, in the order of encodings
	columns    [maxDepth]column          // per depth: the list being written
	nested     [maxDepth]pair            // per depth: lists that the encoding of that list writes in its place; valid until another list is begun there
	decimal    []int64                   // WriteDoubles: numerators; valid during the call
	other      []int64                   // WriteDoubles: the bits of those that are no decimal fractions; valid during the call
	partly     []int64                   // WriteDoubles: which those are; valid during the call
	before     *memory                   // what may come again; nil but between Remember and Forget
	remembered memory
	found      []slot                   // dictionary: valid during one search
	bytes      [256]uint32              // bytewise: how often each occurs; valid during one estimate
	lengths    [maxWidth + 1]uint32     // split, delta split: how often each length occurs; valid during one estimate
	ticks      [longestTicks + 1]uint32 // the same of delta ticks
}

// pair is two lists that an encoding takes apart and writes, or reads and puts together.
type pair struct{ a, b []int64 }

// NewEncoder makes an Encoder.
func NewEncoder() *Encoder {
	e := &Encoder{}
	table := encodings()
	for i := range table {
		for width := table[i].widths.from; width <= table[i].widths.to; width++ {
			e.byWidth[width] = append(e.byWidth[width], &table[i])
		}
	}
	return e
}

// Write writes v in the encoding that estimates the fewest bits, and returns the least and the largest number; 0, 0 for an empty list, of
// which nothing is written.
func (e *Encoder) Write(to *streams.Sink, v []int64) (lo, hi int64) { return e.write(to, v, 0) }

func (e *Encoder) write(to *streams.Sink, v []int64, depth int) (lo, hi int64) {
	if len(v) == 0 {
		return 0, 0
	}
	c := &e.columns[depth]
	c.set(v, depth)
	if depth == 0 && e.before != nil && c.width > 0 && e.before.again(to, v) {
		c.v = nil
		return c.min, c.max
	}
	var cheapest *encoding
	best := never
	for _, one := range e.byWidth[c.width] {
		if !one.takes(c) {
			continue
		}
		if bits := one.size(e, c, best); bits < best {
			cheapest, best = one, bits
		}
		if best == 0 {
			break
		}
	}
	to.Byte(cheapest.code)
	cheapest.write(e, to, c)
	c.v = nil
	return c.min, c.max
}

// nest writes a list that is a part of c.
func (e *Encoder) nest(to *streams.Sink, c *column, v []int64) { e.write(to, v, c.depth+1) }

// Decoder reads lists of integers. One goroutine uses it.
type Decoder struct {
	table   [maxCodes]encoding // by code; without functions where there is none
	nested  [maxDepth]pair     // per depth: lists that the encoding at that depth puts together; valid until another list is begun there
	decimal []int64            // ReadDoubles: numerators; valid during the call
	other   []int64            // ReadDoubles: the bits of those that are no decimal fractions; valid during the call
	lengths []byte             // delta ticks: of differences; valid during the call
	steps   []int64            // delta, delta split: differences up to the last number that is picked; valid during one pick
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder {
	d := &Decoder{}
	for _, e := range append(encodings(), again()) {
		d.table[e.code] = e
	}
	return d
}

// Read fills dst with the next len(dst) numbers.
func (d *Decoder) Read(from *streams.Source, dst []int64) { d.read(from, dst, 0) }

// Pick reads the next n numbers, and fills dst with those that picked names: in rising order, below n, and as many as dst has places. Where
// the encoding can be entered in the middle, the others are not decoded.
func (d *Decoder) Pick(from *streams.Source, n int, picked []uint32, dst []int64) {
	d.pick(from, n, picked, dst, 0)
}

// Skip passes over the next n numbers.
func (d *Decoder) Skip(from *streams.Source, n int) { d.skip(from, n, 0) }

// Peek names the encoding of the list that begins, of which it reads nothing; "none" at the end of the section.
func (d *Decoder) Peek(from *streams.Source) string {
	if len(from.Code) == 0 {
		return "none"
	}
	if code := from.Code[0]; code < maxCodes && d.table[code].read != nil {
		return d.table[code].name
	}
	return "unknown"
}

func (d *Decoder) read(from *streams.Source, dst []int64, depth int) {
	if len(dst) == 0 {
		return
	}
	if e := d.next(from, depth); e != nil {
		e.read(d, from, dst, depth)
	}
}

func (d *Decoder) pick(from *streams.Source, n int, picked []uint32, dst []int64, depth int) {
	if n == 0 {
		return
	}
	if e := d.next(from, depth); e != nil {
		e.pick(d, from, n, picked, dst, depth)
	}
}

func (d *Decoder) skip(from *streams.Source, n, depth int) {
	if n == 0 {
		return
	}
	if e := d.next(from, depth); e != nil {
		e.skip(d, from, n, depth)
	}
}

// next reads which encoding the list that begins is of; nil where it is damaged.
func (d *Decoder) next(from *streams.Source, depth int) *encoding {
	code := from.Byte()
	if from.Bad || depth >= maxDepth || code >= maxCodes || d.table[code].read == nil {
		from.Bad = true
		return nil
	}
	return &d.table[code]
}
