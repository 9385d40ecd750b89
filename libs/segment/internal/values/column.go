package values

import (
	"fmt"

	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/texts"
)

// Column is a column of values as a segment holds it, parsed: entry k is value Code(k) of List. The zero value is ready for Read. One
// goroutine uses it.
type Column struct {
	List
	direct   bool
	distinct bool
	codes    []int64 // of each entry the place of its value; unless direct
}

// Read parses a column of n values: all of them become entries.
func (c *Column) Read(d *integers.Decoder, from *streams.Source, n int) { c.read(d, from, n, nil) }

// Pick parses a column of n values: entry k is the value that picked[k] names, in rising order.
func (c *Column) Pick(d *integers.Decoder, from *streams.Source, n int, picked []uint32) {
	c.codes = scratch.Slice(c.codes, len(picked))
	c.read(d, from, n, picked)
	if c.direct {
		c.direct = false
		for k, i := range picked {
			c.codes[k] = int64(i)
		}
	}
}

// read parses a column; picked is nil for all of it.
func (c *Column) read(d *integers.Decoder, from *streams.Source, n int, picked []uint32) {
	c.direct, c.distinct = false, false
	mode, m := from.Byte(), n
	switch {
	case from.Bad || n <= 0 || mode > modeDirect:
		from.Bad = true
		return
	case mode == modeDirect:
		c.direct, c.distinct = true, true
	default:
		m = from.Count(n)
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
	if from.Bad || m == 0 {
		from.Bad = true
		return
	}
	c.List.read(d, from, m)
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
func (c *Column) Memory() int { return 8*cap(c.codes) + c.List.memory() }

// Describe tells how a column of n values is written, part by part, and leaves from anywhere.
func Describe(d *integers.Decoder, from *streams.Source, n int) []string {
	out := []string{"direct"}
	if from.Byte() == modeDictionary {
		m := from.Count(n)
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
