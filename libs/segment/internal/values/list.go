package values

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/texts"
)

// List is a list of values as a segment holds it, parsed. No string is put together before somebody looks at it.
type List struct {
	n       int
	uniform byte   // the type of all, or mixed, or apart
	types   []Type // of each, where they are not of one
	numbers []int64
	doubles []int64
	raws    int // values in texts and others
	texts   texts.List
	strings int        // values in texts
	others  texts.List // apart: of what is no string
	ordinal []uint32   // place of each among the numbers, doubles or texts, which others follow, where they are not of one type; made by locate
	text    []byte     // At: the bytes of a value; valid until the next At
}

// read parses n values, at least one.
func (l *List) read(d *integers.Decoder, from *streams.Source, n int) {
	l.n, l.uniform, l.raws, l.ordinal, l.types = n, from.Byte(), 0, l.ordinal[:0], l.types[:0]
	var count [unknown + 1]int
	strings := 0
	if l.each() {
		for _, t := range from.Take(&from.Code, n) {
			l.types = append(l.types, Type(t))
			count[storeOf(Type(t))]++
			if t == byte(otlp.String) {
				strings++
			}
		}
	} else {
		count[storeOf(Type(l.uniform))] = n
	}
	if from.Bad || count[unknown] > 0 {
		from.Bad = true
		return
	}
	l.raws = count[raws]
	l.strings = l.raws
	if l.uniform == apart {
		l.strings = strings
	}
	l.numbers, l.doubles = scratch.Slice(l.numbers, count[numbers]), scratch.Slice(l.doubles, count[doubles])
	d.Read(from, l.numbers)
	d.ReadDoubles(from, l.doubles)
	if l.strings > 0 {
		l.texts.Read(d, from, l.strings)
	}
	if l.raws > l.strings {
		l.others.Read(d, from, l.raws-l.strings)
	}
}

// each tells whether a type stands for each value.
func (l *List) each() bool { return l.uniform == mixed || l.uniform == apart }

// Forget lets go of the memory of others that the list refers to. It may not be asked before it is read again.
func (l *List) Forget() {
	l.texts.Forget()
	l.others.Forget()
}

func (l *List) memory() int {
	return cap(l.text) + l.texts.Memory() + l.others.Memory() + 8*(cap(l.numbers)+cap(l.doubles)) + 4*cap(l.ordinal) + cap(l.types)
}

// Len is how many values there are.
func (l *List) Len() int { return l.n }

// Texts is how many of the values are bytes.
func (l *List) Texts() int { return l.raws }

// AllStrings tells whether every value is a string.
func (l *List) AllStrings() bool { return l.uniform == byte(otlp.String) }

// TypeAt is the type of value i.
func (l *List) TypeAt(i int) Type {
	if !l.each() {
		return Type(l.uniform)
	}
	return l.types[i]
}

// Ordinal is the place of value i among those whose contents stand together.
func (l *List) Ordinal(i int) int {
	if !l.each() {
		return i
	}
	l.locate()
	return int(l.ordinal[i])
}

// locate finds ordinal.
func (l *List) locate() {
	if len(l.ordinal) == l.n {
		return
	}
	l.ordinal = scratch.Slice(l.ordinal, l.n)
	var next [unknown + 1]uint32
	other := uint32(l.strings)
	for i, t := range l.types {
		if l.uniform == apart && t != otlp.String && storeOf(t) == raws {
			l.ordinal[i] = other
			other++
			continue
		}
		s := storeOf(t)
		l.ordinal[i] = next[s]
		next[s]++
	}
}

// At is value i, of type Absent where there is none; Raw is valid until the next call. False if it is damaged.
func (l *List) At(i int) (v Value, ok bool) {
	v.Type = l.TypeAt(i)
	i = l.Ordinal(i)
	switch storeOf(v.Type) {
	case numbers:
		v.Num = uint64(l.numbers[i])
	case doubles:
		v.Num = uint64(l.doubles[i])
	case raws:
		list := &l.texts
		if i >= l.strings {
			list, i = &l.others, i-l.strings
		}
		if l.text, ok = list.One(l.text[:0], i); !ok {
			return v, false
		}
		v.Raw = l.text
	case nothing, unknown:
	}
	return v, true
}

// Built is how many bytes of strings Contents puts together; 0 where they lie in the memory of the source.
func (l *List) Built() int {
	n := 0
	if l.strings > 0 {
		n = l.texts.Built()
	}
	if l.raws > l.strings {
		n += l.others.Built()
	}
	return n
}

// Contents is the contents of all values: of numbers, of doubles, and the others' bytes, each as Ordinal numbers them. These are appended to dst, and lie in
// memory, empty and of capacity Built, unless that is 0. False if the list is damaged.
func (l *List) Contents(dst [][]byte, memory []byte) (numbers, doubles []int64, raws [][]byte, ok bool) {
	raws, ok = dst, true
	rest := memory
	if l.strings > 0 {
		built := l.texts.Built()
		if raws, ok = l.texts.All(raws, memory[:0:built]); !ok {
			return nil, nil, raws, false
		}
		rest = memory[built:built]
	}
	if l.raws > l.strings {
		raws, ok = l.others.All(raws, rest)
	}
	return l.numbers, l.doubles, raws, ok
}

// Lent is which of the contents that are bytes lie in the memory of the source: from one, up to another.
func (l *List) Lent() (from, to int) {
	to = l.raws
	if l.strings > 0 && l.texts.Built() > 0 {
		from = l.strings
	}
	if l.raws > l.strings && l.others.Built() > 0 {
		to = l.strings
	}
	return from, max(from, to)
}

// Contain sets pass[i] for the ith of the Texts that contains all of parts; false for a list that is damaged.
func (l *List) Contain(parts [][]byte, pass []bool) bool {
	return (l.strings == 0 || l.texts.Contain(parts, pass[:l.strings])) && (l.raws == l.strings || l.others.Contain(parts, pass[l.strings:]))
}

// Equal sets pass[i] for the ith of the Texts that is one of wanted; false for a list that is damaged.
func (l *List) Equal(wanted [][]byte, pass []bool) bool {
	return (l.strings == 0 || l.texts.Equal(wanted, pass[:l.strings])) && (l.raws == l.strings || l.others.Equal(wanted, pass[l.strings:]))
}
