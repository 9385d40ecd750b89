package segment

// Columns of values as a View gives them: the distinct ones, which entry has which, and what passes a test.

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
)

// Values is a column of values as the segment holds it: entries in row order, and the distinct values that they have. Entry e has the value
// with the number Code(e), and belongs to the row Rows()[e].
type Values struct {
	view    *View
	entries int
	column  values.Column      // the distinct values, or all
	codes   []int64            // the number of each entry's value, in the column's memory; nil where entry e has value e, or behind is not read
	behind  *container.Section // has the codes of a column whose values came from the head; nil once they are read
	key     int                // number of the attribute key, whose rows the shapes of items tell; -1 for other columns
	located bool               // whether rows is known; of an attribute it is found when it is first asked for
	rows    []uint32           // the row of each entry; empty where entry e belongs to row e
	pass    []bool
	some    []bool
}

// memory is how many bytes c holds on to.
func (c *Values) memory() int { return c.column.Memory() + 4*cap(c.rows) }

// Distinct is how many values there are; none is there for nothing.
func (c *Values) Distinct() int {
	if c.entries == 0 {
		return 0
	}
	return c.column.Len()
}

// Value is one of the distinct values; ok is false for the one that stands for none (in a text column: the empty string). Raw is valid
// until the next call.
func (c *Values) Value(i int) (v Value, ok bool) {
	v, sound := c.column.At(i)
	if !sound {
		c.view.bad("a value")
	}
	return v, sound && v.Type != values.Absent
}

// Entries is how many values all rows have together.
func (c *Values) Entries() int { return c.entries }

// read reads the codes of a column whose values came from the head.
func (c *Values) read() {
	s := c.behind
	c.behind = nil
	src, err := c.view.x.in.Source(s)
	if err != nil {
		c.view.fail(err)
		src = &streams.Source{Bad: true}
	}
	if c.column.ReadCodes(c.view.x.r, src, c.entries); src.Bad {
		c.view.bad("%s", s.Name())
	}
	c.codes = c.column.Codes()
}

// Code is which of the distinct values an entry is.
func (c *Values) Code(entry int) int {
	if c.behind != nil {
		c.read()
	}
	if c.codes == nil {
		return entry
	}
	return int(c.codes[entry])
}

// Rows is the row of each entry; nil where entry i is of row i.
func (c *Values) Rows() []uint32 {
	if c.located {
		if len(c.rows) == 0 {
			return nil
		}
		return c.rows
	}
	c.located = true
	rows, once, ok := c.view.shape().Locate(c.rows[:0], c.key, c.entries)
	c.rows = rows
	if !ok {
		c.view.bad("attribute %q has %d values, not what its shapes say", c.view.x.d.Keys[c.key].Key, c.entries)
		c.entries = 0
		return nil
	}
	if once {
		return nil
	}
	return c.rows
}

// Test is a predicate on values.
type Test struct {
	// Match tells whether a value passes.
	Match func(v Value) bool

	// Equal and Contains save calls of Match for strings. Where Equal is given, a string can pass only if it equals one of them; where
	// Contains is given, only if it contains every one of them. Both are compared with templates and with whole runs of text, without putting
	// each string together.
	Equal, Contains [][]byte

	// StringsDecided says that Equal or Contains is all there is to say of strings: Match is not asked about them.
	StringsDecided bool
}

// Pass tells of each distinct value whether it passes, and whether any does. The list is valid until the next call.
func (c *Values) Pass(t *Test) (pass []bool, anyOf bool) {
	n := c.Distinct()
	c.pass = scratch.Slice(c.pass, n)
	l := &c.column
	narrow := (t.Equal != nil || t.Contains != nil) && n > 0 && l.Texts() > 0
	if narrow {
		c.some = scratch.Slice(c.some, l.Texts())
		var sound bool
		if t.Equal != nil {
			sound = l.Equal(t.Equal, c.some)
		} else {
			sound = l.Contain(t.Contains, c.some)
		}
		if !sound {
			c.view.bad("a string")
			return c.pass[:0], false
		}
		if l.AllStrings() && (t.StringsDecided || !slices.Contains(c.some, true)) {
			c.pass, c.some = c.some, c.pass
			return c.pass, slices.Contains(c.pass, true)
		}
	}
	for i := range c.pass {
		typ := l.TypeAt(i)
		c.pass[i] = false
		if typ == values.Absent {
			continue
		}
		if narrow && typ == String {
			if !c.some[l.Ordinal(i)] {
				continue
			}
			if t.StringsDecided {
				c.pass[i], anyOf = true, true
				continue
			}
		}
		v, ok := c.Value(i)
		c.pass[i] = ok && t.Match(v)
		anyOf = anyOf || c.pass[i]
	}
	return c.pass, anyOf
}

// Mark sets hits of the rows that have a value that passes.
func (c *Values) Mark(pass, hits []bool) {
	rows := c.Rows()
	for e := range c.entries {
		if pass[c.Code(e)] {
			if rows == nil {
				hits[e] = true
			} else {
				hits[rows[e]] = true
			}
		}
	}
}

// Count adds to counts, by value, how many entries of all rows have it, or of those rows that within holds. Without within, the rows of
// entries are not asked for, nor is the body, where the head tells.
func (c *Values) Count(within []bool, counts []int64) {
	if within == nil && c.entries > 0 && c.column.Counts() != nil { // no entries: they are damaged
		for i, n := range c.column.Counts() {
			counts[i] += n
		}
		return
	}
	if within == nil {
		for e := range c.entries {
			counts[c.Code(e)]++
		}
		return
	}
	rows := c.Rows()
	for e := range c.entries {
		row := e
		if rows != nil {
			row = int(rows[e])
		}
		if within[row] {
			counts[c.Code(e)]++
		}
	}
}
