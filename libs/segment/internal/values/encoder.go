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
	counts   []uint32 // of each of dict how many values are it; valid as long
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
	s, direct := e.look(pool, ids)
	e.body(to, pool, ids, direct)
	return s
}

// What of a column goes into a head: values that are worth counting. Where nearly each is another, counts would take as much as the values, and nobody
// asks for them; where they are long, everybody who reads the segment would read them.
const (
	alwaysHeadValues = 16  // are few enough, however seldom each occurs
	mostHeadValues   = 256 // are too many, however often
	leastHeadShare   = 4   // entries to a value, otherwise
	mostHeadBytes    = 6 << 10
)

// WriteApart is Write, but for a column of few values (that take at most room bytes, about): its values go to head, with how often each occurs, and
// to gets the codes alone, if there is anything to tell. apart says that it is so.
func (e *Encoder) WriteApart(to, head *streams.Sink, room int, pool []Value, ids []ID) (s Summary, apart bool) {
	s, direct := e.look(pool, ids)
	values := e.dict
	if direct {
		values = ids
	}
	if len(values) > max(alwaysHeadValues, min(mostHeadValues, len(ids)/leastHeadShare)) || !small(pool, values, min(room, mostHeadBytes)) {
		e.body(to, pool, ids, direct)
		return s, false
	}
	if direct {
		head.Byte(modeDirect)
		e.list(head, pool, values)
		return s, true
	}
	head.Byte(modeDictionary)
	for _, n := range e.counts {
		head.Uvarint(uint64(n))
	}
	e.list(head, pool, values)
	if len(values) > 1 {
		e.integers.Write(to, e.codes)
	}
	return s, true
}

// small tells whether values take at most most bytes, about.
func small(pool []Value, values []ID, most int) bool {
	const each = 6 // of a number or a length, a type and a count, about
	n := each * len(values)
	for _, id := range values {
		n += len(pool[id].Raw)
	}
	return n <= most
}

// look finds the distinct values of a column, how often each occurs and of each entry which it has. direct tells whether a dictionary saves nothing.
func (e *Encoder) look(pool []Value, ids []ID) (s Summary, direct bool) {
	if len(e.marks) < len(pool) {
		e.marks = make([]uint32, len(pool)+len(pool)/2)
	}
	e.codes = scratch.Slice(e.codes, len(ids))
	codes, dict, counts, marks := e.codes, e.dict[:0], e.counts[:0], e.marks
	for i, id := range ids {
		m := marks[id]
		if m == 0 {
			dict, counts = append(dict, id), append(counts, 0)
			m = uint32(len(dict))
			marks[id] = m
		}
		counts[m-1]++
		codes[i] = int64(m - 1)
	}
	e.dict, e.counts = dict, counts
	s.Distinct = len(dict)
	for _, id := range dict {
		marks[id] = 0
		if id != 0 {
			s.add(&pool[id])
		}
	}
	numeric := s.Types == 1<<otlp.Int || s.Types == 1<<otlp.Double
	return s, len(dict) == len(ids) || numeric && len(dict)*2 > len(ids) && dict[0] != 0 && !slices.Contains(dict, 0)
}

// body writes a column of which nothing is in a head.
func (e *Encoder) body(to *streams.Sink, pool []Value, ids []ID, direct bool) {
	if direct {
		to.Byte(modeDirect)
		e.list(to, pool, ids)
		return
	}
	to.Byte(modeDictionary)
	to.Uvarint(uint64(len(e.dict)))
	e.integers.Write(to, e.codes)
	e.list(to, pool, e.dict)
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
