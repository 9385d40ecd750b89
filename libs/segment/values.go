// This file interns the values that package values reads (docs/segment-format.md, section 7), and hands it those to be written. Invariant: a
// value that a table holds lies in memory that lives as long as the table's rows do.

package segment

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// writeValues writes a list of values of one key or text column, and puts into s what the directory keeps of it. It leaves the distinct values in
// e.values.Distinct.
func (e *encoder) writeValues(t *table.Builder, ids []ValueID, s *container.Section, tokens bool) {
	e.summed(t, s, e.values.Write(&e.s, t.Values, ids), tokens)
}

// writeCounted is writeValues for the values of a section of its own: where they are few, they go to the head, with how many items have each. Of points only
// who sent them does: nobody counts them by anything else.
func (e *encoder) writeCounted(t *table.Builder, ids []ValueID, s *container.Section, tokens bool) {
	if t.Signal == telemetry.Metrics && s.ID != container.SectionConnection {
		e.writeValues(t, ids, s, tokens)
		return
	}
	e.h.Reset()
	sum, apart := e.values.WriteApart(&e.s, &e.h, e.out.Room(), t.Values, ids)
	if apart {
		s.Head = e.out.AddHead(&e.h)
	}
	e.summed(t, s, sum, tokens)
}

// summed puts into s what the directory keeps of the values that were just written, and their tokens into the filter.
func (e *encoder) summed(t *table.Builder, s *container.Section, sum values.Summary, tokens bool) {
	s.Distinct, s.Types, s.Min, s.Max = sum.Distinct, sum.Types, sum.Min, sum.Max
	if !tokens {
		return
	}
	for _, id := range e.values.Distinct() {
		if id != 0 {
			v := &t.Values[id]
			e.tokens.Add(v.Hash)
			e.leafTokens(table.SeedItem, t.Keys[v.Key], v)
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
	t.internColumn(x, src, key, some, dst)
}

// sectionColumn is valueColumn for the n values of a section of their own, which a head may have a part of.
func (t *Table) sectionColumn(x *decoder, s *container.Section, key KeyID, n int, some []uint32, dst []ValueID) error {
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	head, err := x.in.Head(s)
	switch {
	case err != nil:
		return err
	case head == nil:
		t.valueColumn(x, src, key, n, some, dst)
	default:
		c := &x.parsed
		if c.ReadHead(x.r, head, n, s.Distinct); head.Bad {
			return damagedf("%s", s.Name())
		}
		if some == nil {
			c.ReadCodes(x.r, src, n)
		} else {
			c.PickCodes(x.r, src, n, some)
		}
		t.internColumn(x, src, key, some, dst)
	}
	if src.Bad {
		return damagedf("%s", s.Name())
	}
	return nil
}

// internColumn interns what x.parsed has of a column.
func (t *Table) internColumn(x *decoder, src *streams.Source, key KeyID, some []uint32, dst []ValueID) {
	c := &x.parsed
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
