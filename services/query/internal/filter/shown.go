package filter

import (
	"encoding/hex"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Fields that are shown of single items.

// Shown are fields that are told of items, under the names by which they are asked for. It never changes and may be used by many workers at a time.
type Shown struct {
	names []string
	of    []Column
}

// Shown is how fields are read that are shown: those that Column reads, and those that nothing is grouped by. The error is fault.Invalid, and names the field.
func (p *Parser) Shown(signal telemetry.Signal, names []string) (*Shown, error) {
	f := &Shown{names: names}
	for _, name := range names {
		list, err := p.valued(signal, name)
		if err != nil {
			return nil, err
		}
		all := make(first, len(list))
		for i, one := range list {
			of := one.values
			if of == nil {
				of = one.shows
			}
			all[i] = of(one.key)
		}
		if len(all) == 1 {
			f.of = append(f.of, all[0])
		} else {
			f.of = append(f.of, all)
		}
	}
	return f, nil
}

// Columns adds the columns that Read reads.
func (f *Shown) Columns(c *columns.Set) { first(f.of).Columns(c) }

// Values are those of shown fields in one segment.
type Values struct {
	names []string
	codes []Codes
}

// Read finds out what the rows of a segment have; to is valid until the reader's next Open. Its memory is used again.
func (f *Shown) Read(r *columns.Reader, to *Values) {
	if to.names = f.names; to.codes == nil {
		to.codes = make([]Codes, len(f.of))
	}
	for i, of := range f.of {
		of.Read(r, &to.codes[i])
	}
}

// Size is how many bytes the values of a row and their names take, about.
func (v *Values) Size(row uint32) (n int64) {
	const each = 32 // what stands around a value
	for i := range v.codes {
		if one, ok := v.codes[i].Value(int(v.codes[i].Of[row])); ok {
			n += int64(each + len(v.names[i]) + len(one.Raw))
		}
	}
	return n
}

// Of are the values of a row, by the names of their fields.
func (v *Values) Of(row uint32) map[string]otlpjson.Value {
	out := make(map[string]otlpjson.Value, len(v.codes))
	for i := range v.codes {
		if one, ok := v.codes[i].Value(int(v.codes[i].Of[row])); ok {
			out[v.names[i]] = otlpjson.Of(one.OTLP())
		}
	}
	return out
}

// What follows are columns of what nearly every item has another value of: they are shown, and nothing is grouped by them.

// each gives every row of so many a code of its own; is says which have a value, nil for all.
func (c *Codes) each(rows int, is func(row int) bool, value func(row int) segment.Value) {
	c.begin(rows)
	for row := range c.Of {
		if is == nil || is(row) {
			c.Of[row] = int32(row)
		}
	}
	c.N, c.at = rows, func(code int) (segment.Value, bool) { return value(code), true }
}

// timeColumn is when an item was, in Unix ns.
type timeColumn struct{}

func ofTime(string) Column { return timeColumn{} }

func (timeColumn) Columns(c *columns.Set) { c.Int(segment.ColTime) }

func (timeColumn) Read(r *columns.Reader, to *Codes) {
	times := r.Ints(segment.ColTime)
	to.each(len(times), nil, func(row int) segment.Value { return integer(times[row]) })
}

// durationColumn is how long a span took, in nanoseconds, where that is known.
type durationColumn struct{}

func ofDuration(string) Column { return durationColumn{} }

func (durationColumn) Columns(c *columns.Set) { durations{}.Columns(c) }

func (durationColumn) Read(r *columns.Reader, to *Codes) {
	starts, took := r.Ints(segment.ColTime), r.Ints(segment.ColDuration)
	to.each(min(len(starts), len(took)), func(row int) bool { return otlp.DurationKnown(starts[row], took[row]) }, func(row int) segment.Value { return integer(took[row]) })
}

// spanColumn is an id of a span, by its hex digits; zeros are none.
type spanColumn struct {
	want func(c *columns.Set)
	rows func(r *columns.Reader) [][8]byte
}

func ofSpanID(string) Column {
	return spanColumn{func(c *columns.Set) { c.SpanIDs = true }, func(r *columns.Reader) [][8]byte { return r.SpanIDs() }}
}

func ofParentID(string) Column {
	return spanColumn{func(c *columns.Set) { c.ParentIDs = true }, func(r *columns.Reader) [][8]byte { return r.ParentIDs() }}
}

func (s spanColumn) Columns(c *columns.Set) { s.want(c) }

func (s spanColumn) Read(r *columns.Reader, to *Codes) {
	ids := s.rows(r)
	to.each(len(ids), func(row int) bool { return ids[row] != [8]byte{} }, func(row int) segment.Value { return text(hex.EncodeToString(ids[row][:])) })
}
