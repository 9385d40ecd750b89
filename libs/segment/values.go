package segment

import (
	"slices"
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
func (e *Encoder) values(t *Table, ids []ValueID, s *section, tokens bool) {
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
	s.distinct = len(dict)
	for _, id := range dict {
		marks[id] = 0
		v := &t.Values[id]
		if id == 0 {
			continue
		}
		if tokens {
			e.tokens.add(v.Hash)
		}
		if v.Type == Int {
			x := int64(v.Num)
			if s.types&(1<<Int) == 0 {
				s.min, s.max = x, x
			}
			s.min, s.max = min(s.min, x), max(s.max, x)
		}
		s.types |= 1 << v.Type
	}
	numeric := s.types == 1<<Int || s.types == 1<<Double
	if len(dict) == len(ids) || numeric && len(dict)*2 > len(ids) && dict[0] != 0 && !slices.Contains(dict, 0) {
		e.s.byte(valuesDirect)
		e.valueList(t, ids)
		return
	}
	e.s.byte(valuesDict)
	e.s.uvarint(uint64(len(dict)))
	e.c.ints(&e.s, codes)
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
		e.s.byte(typesMixed)
		for _, id := range ids {
			e.s.byte(typeOf(t, id))
		}
	} else {
		e.s.byte(first)
	}
	numbers, doubles, raws := e.attrs.numbers[:0], e.attrs.doubles[:0], e.attrs.raws[:0]
	for _, id := range ids {
		v := &t.Values[id]
		switch typeOf(t, id) {
		case typeAbsent, byte(Empty):
		case byte(Bool), byte(Int):
			numbers = append(numbers, int64(v.Num))
		case byte(Double):
			doubles = append(doubles, int64(v.Num))
		default:
			raws = append(raws, id)
		}
	}
	e.attrs.numbers, e.attrs.doubles, e.attrs.raws = numbers, doubles, raws
	e.c.ints(&e.s, numbers)
	e.c.doubles(&e.s, doubles)
	if len(raws) > 0 {
		e.strings(t, raws)
	}
}

// valueColumn decodes a list of values of one key into dst; the distinct ones are interned once each.
func (t *Table) valueColumn(x *decoder, src *source, key KeyID, dst []ValueID) {
	if len(dst) == 0 {
		src.bad = true
		return
	}
	switch src.byte() {
	case valuesDirect:
		t.valueList(x, src, key, dst)
	case valuesDict:
		m := src.count(len(dst))
		x.codes = resize(x.codes, len(dst))
		x.r.ints(src, x.codes)
		if m == 0 || src.bad {
			src.bad = true
			return
		}
		x.values = resize(x.values, m)
		t.valueList(x, src, key, x.values)
		if src.bad {
			return
		}
		for i, c := range x.codes {
			if uint64(c) >= uint64(m) {
				src.bad = true
				return
			}
			dst[i] = x.values[c]
		}
	default:
		src.bad = true
	}
}

// valueList decodes values and interns them.
func (t *Table) valueList(x *decoder, src *source, key KeyID, dst []ValueID) {
	x.types = resize(x.types, len(dst))
	first := src.byte()
	if first == typesMixed {
		copy(x.types, src.take(&src.code, len(dst)))
	} else {
		for i := range x.types {
			x.types[i] = first
		}
	}
	if src.bad {
		return
	}
	numbers, doubles, raws := 0, 0, 0
	for _, typ := range x.types {
		switch typ {
		case byte(Empty), typeAbsent:
		case byte(Bool), byte(Int):
			numbers++
		case byte(Double):
			doubles++
		case byte(String), byte(Bytes), byte(Array), byte(Map):
			raws++
		default:
			src.bad = true
			return
		}
	}
	x.numbers, x.doubles = resize(x.numbers, numbers), resize(x.doubles, doubles)
	x.r.ints(src, x.numbers)
	x.r.doubles(src, x.doubles)
	var texts [][]byte
	if raws > 0 {
		texts = x.strings(src, raws)
	}
	if src.bad {
		return
	}
	seed := t.seeds[key]
	num, dbl := x.numbers, x.doubles
	for i, typ := range x.types {
		vt := ValueType(typ)
		switch {
		case typ == typeAbsent:
			dst[i] = 0
		case vt == Bool || vt == Int:
			dst[i] = t.valueHashed(key, vt, uint64(num[0]), nil, hashNum(seed, vt, uint64(num[0])))
			num = num[1:]
		case vt == Double:
			dst[i] = t.valueHashed(key, vt, uint64(dbl[0]), nil, hashNum(seed, vt, uint64(dbl[0])))
			dbl = dbl[1:]
		default:
			var raw []byte
			if vt != Empty {
				raw, texts = texts[0], texts[1:]
			}
			dst[i] = t.valueHashed(key, vt, 0, raw, hashRaw(seed, vt, raw))
		}
	}
}
