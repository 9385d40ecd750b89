package values

import (
	"fmt"

	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/texts"
)

// Column is a column of values as a segment holds it, parsed: entry k is value Code(k) of List. The zero value is ready for Read, or for ReadHead and
// ReadCodes. One goroutine uses it.
type Column struct {
	List
	direct   bool
	distinct bool
	codes    []int64 // of each entry the place of its value; unless direct
	counts   []int64 // of each value how many entries have it; empty where nothing was told
}

// Read parses a column of n values: all of them become entries.
func (c *Column) Read(d *integers.Decoder, from *streams.Source, n int) { c.read(d, from, n, nil) }

// Pick parses a column of n values: entry k is the value that picked[k] names, in rising order.
func (c *Column) Pick(d *integers.Decoder, from *streams.Source, n int, picked []uint32) {
	c.codes = scratch.Slice(c.codes, len(picked))
	c.read(d, from, n, picked)
	c.pickDirect(picked)
}

func (c *Column) pickDirect(picked []uint32) {
	if !c.direct {
		return
	}
	c.direct = false
	for k, i := range picked {
		c.codes[k] = int64(i)
	}
}

// read parses a column; picked is nil for all of it.
func (c *Column) read(d *integers.Decoder, from *streams.Source, n int, picked []uint32) {
	c.begin(from, n)
	m := n
	if !from.Bad && !c.direct {
		m = from.Count(n)
		c.readCodes(d, from, n, m, picked)
	}
	if from.Bad || m == 0 {
		from.Bad = true
		return
	}
	c.List.read(d, from, m)
}

// begin reads how a column of n values is written.
func (c *Column) begin(from *streams.Source, n int) {
	c.direct, c.distinct, c.counts = false, false, c.counts[:0]
	mode := from.Byte()
	if from.Bad || n <= 0 || mode > modeDirect {
		from.Bad = true
		return
	}
	c.direct, c.distinct = mode == modeDirect, mode == modeDirect
}

// readCodes reads which of m values each of n entries has, or the picked ones.
func (c *Column) readCodes(d *integers.Decoder, from *streams.Source, n, m int, picked []uint32) {
	if picked == nil {
		c.codes = scratch.Slice(c.codes, n)
		d.Read(from, c.codes)
	} else {
		d.Pick(from, n, picked, c.codes)
	}
	for _, code := range c.codes {
		if uint64(code) >= uint64(m) {
			from.Bad = true
			break
		}
	}
}

// ReadHead parses what a head has of a column of n values, of which m are distinct: all but the codes of entries, which ReadCodes or PickCodes read, if
// anybody asks for them.
func (c *Column) ReadHead(d *integers.Decoder, head *streams.Source, n, m int) {
	c.begin(head, n)
	switch {
	case head.Bad || m <= 0 || m > n:
		head.Bad = true
		return
	case c.direct:
		m = n
	default:
		c.counts = scratch.Slice(c.counts, m)
		left := uint64(n)
		for i := range c.counts {
			k := head.Uvarint()
			if k == 0 || k > left {
				head.Bad = true
				return
			}
			left -= k
			c.counts[i] = int64(k)
		}
		head.Bad = head.Bad || left != 0
	}
	if !head.Bad {
		c.List.read(d, head, m)
	}
}

// ReadCodes reads, after ReadHead, which value each of the n entries has. Where that is damaged, every entry has the first.
func (c *Column) ReadCodes(d *integers.Decoder, from *streams.Source, n int) {
	switch {
	case c.direct:
	case c.Len() == 1:
		c.codes = scratch.Slice(c.codes, n)
		clear(c.codes)
	default:
		if c.readCodes(d, from, n, c.Len(), nil); from.Bad {
			clear(c.codes)
		}
	}
}

// PickCodes is ReadCodes for the entries that picked names, in rising order: as after Pick, these alone are entries.
func (c *Column) PickCodes(d *integers.Decoder, from *streams.Source, n int, picked []uint32) {
	c.codes = scratch.Slice(c.codes, len(picked))
	switch {
	case c.direct:
		c.pickDirect(picked)
	case c.Len() == 1:
		clear(c.codes)
	default:
		if c.readCodes(d, from, n, c.Len(), picked); from.Bad {
			clear(c.codes)
		}
	}
}

// Counts is how many entries have each value of List, as the head tells; nil where it does not, or where each value is one entry's.
func (c *Column) Counts() []int64 {
	if len(c.counts) == 0 {
		return nil
	}
	return c.counts
}

// Codes is of each entry the place of its value in List; nil where entry k is value k. Valid until the next Read.
func (c *Column) Codes() []int64 {
	if c.direct {
		return nil
	}
	return c.codes
}

// Direct tells whether no value stands for two entries.
func (c *Column) Direct() bool { return c.distinct }

// Memory is how many bytes the column holds on to for the next Read.
func (c *Column) Memory() int { return 8*(cap(c.codes)+cap(c.counts)) + c.List.memory() }

// Describe tells how a column of n values is written, part by part, and leaves from anywhere. What a head has of it is head, or nil, and m how many
// values are distinct then.
func Describe(d *integers.Decoder, from, head *streams.Source, n, m int) []string {
	out := []string{"direct"}
	switch {
	case head != nil:
		if head.Byte() == modeDictionary {
			out = []string{fmt.Sprintf("dictionary of %d with counts", m)}
			if m > 1 {
				out = append(out, d.Peek(from)+" codes")
			}
			for range m {
				head.Uvarint()
			}
			n = m
		}
		from = head
	case from.Byte() == modeDictionary:
		m = from.Count(n)
		out = []string{fmt.Sprintf("dictionary of %d", m), d.Peek(from) + " codes"}
		d.Skip(from, n)
		n = m
	}
	all := *from
	typ := from.Byte()
	switch {
	case from.Bad:
		return out
	case typ == mixed || typ == apart:
		out = append(out, "mixed types")
		var l List
		if l.read(d, &all, n); all.Bad {
			return out
		}
		if l.strings > 0 {
			out = append(out, l.texts.Form())
		}
		if l.raws > l.strings {
			out = append(out, l.others.Form())
		}
		return out
	}
	switch storeOf(Type(typ)) {
	case numbers:
		return append(out, d.Peek(from))
	case doubles:
		return append(out, d.PeekDoubles(from)...)
	case raws:
		if n > 0 {
			return append(out, texts.Describe(from))
		}
	case nothing, unknown:
	}
	return out
}
