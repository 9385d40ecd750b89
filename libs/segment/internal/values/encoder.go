package values

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/texts"
)

// Encoder writes columns of values. One goroutine uses it.
type Encoder struct {
	integers *integers.Encoder
	texts    *texts.Encoder
	marks    []uint32 // per ID of a pool: its place in dict + 1; all 0 between two columns
	dict     []ID     // distinct values of the column; valid until the next Write
	codes    []int64  // of each value its place in dict; valid during Write

	// Contents of the list being written, each valid while it is.
	numbers, doubles []int64
	raws, others     [][]byte
}

// NewEncoder makes an Encoder that writes numbers and strings with others.
func NewEncoder(numbers *integers.Encoder, strings *texts.Encoder) *Encoder {
	return &Encoder{integers: numbers, texts: strings}
}

// Summary is what a directory keeps of a column.
type Summary struct {
	Distinct int
	Types    uint8 // bit 1<<Type for each that occurs
	Min, Max int64 // of Int values
}

// Write writes the values of a pool that ids names, of which there is at least one: a dictionary in order of first appearance and codes, or
// every value in order where a dictionary would save nothing.
func (e *Encoder) Write(to *streams.Sink, pool []Value, ids []ID) Summary {
	if len(e.marks) < len(pool) {
		e.marks = make([]uint32, len(pool)+len(pool)/2)
	}
	e.codes = scratch.Slice(e.codes, len(ids))
	codes, dict, marks := e.codes, e.dict[:0], e.marks
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
	s := Summary{Distinct: len(dict)}
	for _, id := range dict {
		marks[id] = 0
		if id != 0 {
			s.add(&pool[id])
		}
	}
	numeric := s.Types == 1<<otlp.Int || s.Types == 1<<otlp.Double
	if len(dict) == len(ids) || numeric && len(dict)*2 > len(ids) && dict[0] != 0 && !slices.Contains(dict, 0) {
		to.Byte(modeDirect)
		e.list(to, pool, ids)
		return s
	}
	to.Byte(modeDictionary)
	to.Uvarint(uint64(len(dict)))
	e.integers.Write(to, codes)
	e.list(to, pool, dict)
	return s
}

// Distinct is the distinct values of the column that was just written; valid until the next Write.
func (e *Encoder) Distinct() []ID { return e.dict }

func (s *Summary) add(v *Value) {
	if v.Type == otlp.Int {
		x := int64(v.Num)
		if s.Types&(1<<otlp.Int) == 0 {
			s.Min, s.Max = x, x
		}
		s.Min, s.Max = min(s.Min, x), max(s.Max, x)
	}
	s.Types |= 1 << v.Type
}

func typeOf(pool []Value, id ID) Type {
	if id == 0 {
		return Absent
	}
	return pool[id].Type
}

// list writes values: types, then the numbers, doubles and bytes of those that have them.
func (e *Encoder) list(to *streams.Sink, pool []Value, ids []ID) {
	first := typeOf(pool, ids[0])
	var types uint16 // bit per type
	for _, id := range ids {
		types |= 1 << typeOf(pool, id)
	}
	const others = 1<<otlp.Bytes | 1<<otlp.Array | 1<<otlp.Map
	isApart := types>>otlp.String&1 != 0 && types&others != 0
	if types != 1<<first {
		if isApart {
			to.Byte(apart)
		} else {
			to.Byte(mixed)
		}
		for _, id := range ids {
			to.Byte(byte(typeOf(pool, id)))
		}
	} else {
		to.Byte(byte(first))
	}
	e.numbers, e.doubles, e.raws, e.others = e.numbers[:0], e.doubles[:0], e.raws[:0], e.others[:0]
	for _, id := range ids {
		v := &pool[id]
		switch storeOf(typeOf(pool, id)) {
		case numbers:
			e.numbers = append(e.numbers, int64(v.Num))
		case doubles:
			e.doubles = append(e.doubles, int64(v.Num))
		case raws:
			if isApart && v.Type != otlp.String {
				e.others = append(e.others, v.Raw)
			} else {
				e.raws = append(e.raws, v.Raw)
			}
		case nothing, unknown:
		}
	}
	e.integers.Write(to, e.numbers)
	e.integers.WriteDoubles(to, e.doubles)
	for _, list := range [...][][]byte{e.raws, e.others} {
		if len(list) > 0 {
			e.texts.Write(to, list)
			clear(list) // they lie in payloads, which must not be held on to
		}
	}
}
