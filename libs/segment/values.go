package segment

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/texts"
)

// typeAbsent stands in type lists for the absent value of a text column.
const typeAbsent = 8

// typesMixed announces one type byte per value.
const typesMixed = 0xff

// Modes of a list of values.
const (
	valuesDict   = 0 // distinct values and codes
	valuesDirect = 1 // every value, in order
)

// values writes a list of values of one key or text column: a dictionary in order of first appearance and codes, or every value in
// order where a dictionary would save nothing. It leaves the distinct values in e.dict.
func (e *Encoder) values(t *Table, ids []ValueID, s *container.Section, tokens bool) {
	codes := resize(e.codes, len(ids))
	e.codes = codes
	dict := e.dict[:0]
	marks := e.marks
	for i, id := range ids {
		m := marks[id]
		if m == 0 {
			dict = append(dict, id)
			m = uint32(len(dict))
			marks[id] = m
		}
		codes[i] = int64(m - 1)
	}
	e.dict = dict
	s.Distinct = len(dict)
	for _, id := range dict {
		marks[id] = 0
		v := &t.Values[id]
		if id == 0 {
			continue
		}
		if tokens {
			e.tokens.Add(v.Hash)
		}
		if v.Type == Int {
			x := int64(v.Num)
			if s.Types&(1<<Int) == 0 {
				s.Min, s.Max = x, x
			}
			s.Min, s.Max = min(s.Min, x), max(s.Max, x)
		}
		s.Types |= 1 << v.Type
	}
	numeric := s.Types == 1<<Int || s.Types == 1<<Double
	if len(dict) == len(ids) || numeric && len(dict)*2 > len(ids) && dict[0] != 0 && !slices.Contains(dict, 0) {
		e.s.Byte(valuesDirect)
		e.valueList(t, ids)
		return
	}
	e.s.Byte(valuesDict)
	e.s.Uvarint(uint64(len(dict)))
	e.c.Write(&e.s, codes)
	e.valueList(t, dict)
}

func typeOf(t *Table, id ValueID) byte {
	if id == 0 {
		return typeAbsent
	}
	return byte(t.Values[id].Type)
}

// valueList writes values: types, then the numbers, doubles and bytes of those that have them.
func (e *Encoder) valueList(t *Table, ids []ValueID) {
	first := typeOf(t, ids[0])
	mixed := false
	for _, id := range ids[1:] {
		if typeOf(t, id) != first {
			mixed = true
			break
		}
	}
	if mixed {
		e.s.Byte(typesMixed)
		for _, id := range ids {
			e.s.Byte(typeOf(t, id))
		}
	} else {
		e.s.Byte(first)
	}
	numbers, doubles, raws := e.lists.numbers[:0], e.lists.doubles[:0], e.lists.raws[:0]
	for _, id := range ids {
		v := &t.Values[id]
		switch typeOf(t, id) {
		case typeAbsent, byte(Empty):
		case byte(Bool), byte(Int):
			numbers = append(numbers, int64(v.Num))
		case byte(Double):
			doubles = append(doubles, int64(v.Num))
		default:
			raws = append(raws, v.Raw)
		}
	}
	e.lists.numbers, e.lists.doubles, e.lists.raws = numbers, doubles, raws
	e.c.Write(&e.s, numbers)
	e.c.WriteDoubles(&e.s, doubles)
	if len(raws) > 0 {
		e.text.Write(&e.s, raws)
		clear(raws) // they lie in payloads
	}
}

// valueColumn decodes n values of one key. It interns all of them into dst, or only those that some names, in rising order: then dst has
// one place for each of these.
func (t *Table) valueColumn(x *decoder, src *streams.Source, key KeyID, n int, some []uint32, dst []ValueID) {
	if n == 0 {
		src.Bad = true
		return
	}
	switch src.Byte() {
	case valuesDirect:
		t.valueList(x, src, key, n, some, dst)
	case valuesDict:
		m := src.Count(n)
		if some == nil {
			x.codes = resize(x.codes, n)
			x.r.Read(src, x.codes)
		} else {
			x.codes = resize(x.codes, len(some))
			x.r.Pick(src, n, some, x.codes)
		}
		if m == 0 || src.Bad {
			src.Bad = true
			return
		}
		for _, c := range x.codes {
			if uint64(c) >= uint64(m) {
				src.Bad = true
				return
			}
		}
		if some != nil {
			t.someValues(x, src, key, m, dst)
			return
		}
		x.values = resize(x.values, m)
		t.valueList(x, src, key, m, nil, x.values)
		if src.Bad {
			return
		}
		for i, c := range x.codes {
			dst[i] = x.values[c]
		}
	default:
		src.Bad = true
	}
}

// someValues decodes a dictionary of m entries and interns those that x.codes refers to.
func (t *Table) someValues(x *decoder, src *streams.Source, key KeyID, m int, dst []ValueID) {
	x.place = resize(x.place, m)
	clear(x.place)
	for _, c := range x.codes {
		x.place[c] = 1
	}
	x.needed = none(x.needed)
	for c, used := range x.place {
		if used != 0 {
			x.place[c] = uint32(len(x.needed))
			x.needed = append(x.needed, uint32(c))
		}
	}
	x.values = resize(x.values, len(x.needed))
	t.valueList(x, src, key, m, x.needed, x.values)
	if src.Bad {
		return
	}
	for k, c := range x.codes {
		dst[k] = x.values[x.place[c]]
	}
}

// valueList decodes n values and interns them, or only some, as in valueColumn.
func (t *Table) valueList(x *decoder, src *streams.Source, key KeyID, n int, some []uint32, dst []ValueID) {
	l := &x.dict
	l.read(x.r, src, n)
	if src.Bad {
		return
	}
	seed := t.seeds[key]
	if some != nil {
		l.locate()
		for k, i := range some {
			v, ok := x.valueAt(l, int(i))
			if !ok {
				src.Bad = true
				return
			}
			dst[k] = t.interned(key, seed, v)
		}
		return
	}
	var raws [][]byte
	if l.raws > 0 {
		var memory []byte
		if n := l.texts.Built(); n > 0 {
			memory = x.kept.Take(n)
		}
		var ok bool
		if raws, ok = l.texts.All(x.texts[:0], memory); !ok {
			src.Bad = true
			return
		}
		x.texts = raws
		if x.pick != nil && l.texts.Built() == 0 {
			for i, raw := range raws {
				raws[i] = x.copied(raw)
			}
		}
	}
	num, dbl := l.numbers, l.doubles
	for i := range n {
		vt := ValueType(l.typeAt(i))
		switch vt {
		case typeAbsent:
			dst[i] = 0
		case Bool, Int:
			dst[i] = t.valueHashed(key, vt, uint64(num[0]), nil, hashNum(seed, vt, uint64(num[0])))
			num = num[1:]
		case Double:
			dst[i] = t.valueHashed(key, vt, uint64(dbl[0]), nil, hashNum(seed, vt, uint64(dbl[0])))
			dbl = dbl[1:]
		case Empty, String, Bytes, Array, Map:
			var raw []byte
			if vt != Empty {
				raw, raws = raws[0], raws[1:]
			}
			dst[i] = t.valueHashed(key, vt, 0, raw, hashRaw(seed, vt, raw))
		}
	}
}

// interned interns a value that a valueList gave.
func (t *Table) interned(key KeyID, seed uint64, v Value) ValueID {
	if v.Type == typeAbsent {
		return 0
	}
	return t.valueHashed(key, v.Type, v.Num, v.Raw, hashValue(seed, v.Type, v.Num, v.Raw))
}

// valueAt is value i of a list in memory that lives as long as the table's values may refer to it.
func (x *decoder) valueAt(l *valueList, i int) (Value, bool) {
	v, ok := l.at(i)
	if ok && isText(v.Type) {
		v.Raw = x.copied(v.Raw)
	}
	return v, ok
}

// copied is b in memory that lives as long as the table's values may refer to it.
func (x *decoder) copied(b []byte) []byte { return append(x.kept.Take(len(b)), b...) }

func isText(t ValueType) bool { return t == String || t == Bytes || t == Array || t == Map }

// valueList is a list of values as a segment holds it, parsed.
type valueList struct {
	n       int
	uniform byte   // the type of all, or typesMixed
	types   []byte // mixed: of each
	numbers []int64
	doubles []int64
	raws    int // values in texts
	texts   texts.List
	ordinal []uint32 // mixed: place of each among the numbers, doubles or texts; made by locate
	memory  []byte
}

// read parses n values; the list refers to src's memory. Damage sets src.Bad.
func (l *valueList) read(r *integers.Decoder, src *streams.Source, n int) {
	l.n, l.uniform, l.raws, l.ordinal = n, src.Byte(), 0, l.ordinal[:0]
	numbers, doubles := 0, 0
	count := func(typ byte, n int) bool {
		switch typ {
		case byte(Empty), typeAbsent:
		case byte(Bool), byte(Int):
			numbers += n
		case byte(Double):
			doubles += n
		case byte(String), byte(Bytes), byte(Array), byte(Map):
			l.raws += n
		default:
			return false
		}
		return true
	}
	if l.uniform == typesMixed {
		l.types = append(l.types[:0], src.Take(&src.Code, n)...)
		for _, typ := range l.types {
			src.Bad = src.Bad || !count(typ, 1)
		}
	} else if !count(l.uniform, n) {
		src.Bad = true
	}
	if src.Bad {
		return
	}
	l.numbers, l.doubles = resize(l.numbers, numbers), resize(l.doubles, doubles)
	r.Read(src, l.numbers)
	r.ReadDoubles(src, l.doubles)
	if l.raws > 0 {
		l.texts.Read(r, src, l.raws)
	}
}

func (l *valueList) typeAt(i int) byte {
	if l.uniform != typesMixed {
		return l.uniform
	}
	return l.types[i]
}

// locate finds ordinal, for at.
func (l *valueList) locate() {
	if l.uniform != typesMixed || len(l.ordinal) == l.n {
		return
	}
	l.ordinal = resize(l.ordinal, l.n)
	numbers, doubles, raws := uint32(0), uint32(0), uint32(0)
	for i, typ := range l.types {
		to := &raws
		switch ValueType(typ) {
		case Bool, Int:
			to = &numbers
		case Double:
			to = &doubles
		case Empty, String, Bytes, Array, Map:
		}
		l.ordinal[i] = *to
		if typ != typeAbsent && typ != byte(Empty) {
			*to++
		}
	}
}

// at is value i, of Type typeAbsent where there is none; Raw is valid until the next call. False if it is damaged.
func (l *valueList) at(i int) (v Value, ok bool) {
	v.Type = ValueType(l.typeAt(i))
	if l.uniform == typesMixed {
		l.locate()
		i = int(l.ordinal[i])
	}
	switch v.Type {
	case Bool, Int:
		v.Num = uint64(l.numbers[i])
	case Double:
		v.Num = uint64(l.doubles[i])
	case String, Bytes, Array, Map:
		if l.memory, ok = l.texts.One(l.memory[:0], i); !ok {
			return v, false
		}
		v.Raw = l.memory
	case Empty:
	}
	return v, true
}
