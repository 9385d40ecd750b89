// This file interns the values that package values reads (docs/segment-format.md, section 7), and hands it those to be written. Invariant: a
// value that a table holds lies in memory that lives as long as the table's rows do.

package segment

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
)

// writeValues writes a list of values of one key or text column, and puts into s what the directory keeps of it. It leaves the distinct values in
// e.values.Distinct.
func (e *encoder) writeValues(t *table.Builder, ids []ValueID, s *container.Section, tokens bool) {
	sum := e.values.Write(&e.s, t.Values, ids)
	s.Distinct, s.Types, s.Min, s.Max = sum.Distinct, sum.Types, sum.Min, sum.Max
	if !tokens {
		return
	}
	for _, id := range e.values.Distinct() {
		if id != 0 {
			e.tokens.Add(t.Values[id].Hash)
		}
	}
}

// valueColumn decodes n values of one key. It interns all of them into dst, or only those that some names, in rising order: then dst has
// one place for each of these.
func (t *Table) valueColumn(x *decoder, src *streams.Source, key KeyID, n int, some []uint32, dst []ValueID) {
	c := &x.parsed
	if some == nil {
		c.Read(x.r, src, n)
	} else {
		c.Pick(x.r, src, n, some)
	}
	if src.Bad {
		return
	}
	codes := c.Codes()
	switch {
	case codes == nil:
		t.internAll(x, src, key, dst)
	case some == nil:
		x.values = scratch.Slice(x.values, c.Len())
		t.internAll(x, src, key, x.values)
		if src.Bad {
			return
		}
		for i, code := range codes {
			dst[i] = x.values[code]
		}
	case c.Direct():
		for k, code := range codes {
			dst[k] = t.internOne(x, src, key, int(code))
		}
	default:
		t.internReferred(x, src, key, codes, dst)
	}
}

// internReferred interns the values of x.parsed that codes refer to, each once.
func (t *Table) internReferred(x *decoder, src *streams.Source, key KeyID, codes []int64, dst []ValueID) {
	x.interned = scratch.Slice(x.interned, x.parsed.Len())
	clear(x.interned)
	for k, code := range codes {
		if x.interned[code] == 0 {
			x.interned[code] = uint32(t.internOne(x, src, key, int(code))) + 1
		}
		dst[k] = ValueID(x.interned[code] - 1)
	}
}

// internOne interns value i of x.parsed, in memory that lives as long as the table's values may refer to it.
func (t *Table) internOne(x *decoder, src *streams.Source, key KeyID, i int) ValueID {
	v, ok := x.parsed.At(i)
	switch {
	case !ok:
		src.Bad = true
		return 0
	case v.Type == values.Absent:
		return 0
	case values.IsText(v.Type):
		v.Raw = x.copied(v.Raw)
	}
	return t.b.InternHashed(key, v.Type, v.Num, v.Raw, table.HashValue(t.b.Seed(key), v.Type, v.Num, v.Raw))
}

// internAll interns all values of x.parsed, in order.
func (t *Table) internAll(x *decoder, src *streams.Source, key KeyID, dst []ValueID) {
	c := &x.parsed
	var memory []byte
	built := c.Built()
	if built > 0 {
		memory = x.kept.Take(built)
		x.built += built
	}
	num, dbl, raws, ok := c.Contents(x.texts[:0], memory)
	if !ok {
		src.Bad = true
		return
	}
	x.texts = raws
	if x.pick != nil {
		from, to := c.Lent()
		for i := from; i < to; i++ {
			raws[i] = x.copied(raws[i])
		}
	}
	seed := t.b.Seed(key)
	for i := range dst {
		switch vt := c.TypeAt(i); vt {
		case values.Absent:
			dst[i] = 0
		case Bool, Int:
			dst[i] = t.b.InternHashed(key, vt, uint64(num[0]), nil, table.HashNum(seed, vt, uint64(num[0])))
			num = num[1:]
		case Double:
			dst[i] = t.b.InternHashed(key, vt, uint64(dbl[0]), nil, table.HashNum(seed, vt, uint64(dbl[0])))
			dbl = dbl[1:]
		case Empty, String, Bytes, Array, Map:
			var raw []byte
			if vt != Empty {
				raw = raws[c.Ordinal(i)]
			}
			dst[i] = t.b.InternHashed(key, vt, 0, raw, table.HashRaw(seed, vt, raw))
		}
	}
}

// copied is b in memory that lives as long as the table's values may refer to it.
func (x *decoder) copied(b []byte) []byte { return append(x.kept.Take(len(b)), b...) }
