package integers

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

const (
	leastAgain        = 16      // numbers of a list that is looked for among those before it
	rememberedLists   = 128     // of which a section may have more
	rememberedNumbers = 1 << 18 // of all of them
)

// again is a list that stands before in the same section: what keys that name one thing (a pod by its name, its id and its container) have in
// common is their codes, and the bits of an id that two of them hold. Only the outermost lists can be it, and what they name is of another
// encoding, so that reading follows one reference at most. It is no way to write numbers, which the table of encodings has.
func again() encoding {
	return encoding{
		name: "again", code: 9,
		read: func(d *Decoder, from *streams.Source, dst []int64, depth int) {
			if of := earlier(from, depth); of != nil {
				d.read(of, dst, depth)
				from.Bad = from.Bad || of.Bad
			}
		},
		pick: func(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, depth int) {
			if of := earlier(from, depth); of != nil {
				d.pick(of, n, picked, dst, depth)
				from.Bad = from.Bad || of.Bad
			}
		},
		skip: func(_ *Decoder, from *streams.Source, _, depth int) { earlier(from, depth) },
	}
}

// earlier reads where the list begins that stands here again; nil where it is damaged.
func earlier(from *streams.Source, depth int) *streams.Source {
	const codeByte = 1
	here, plain := from.Read()
	code, back := from.Uvarint(), from.Uvarint()
	if here -= codeByte; from.Bad || depth > 0 || here < 0 || plain < 0 || code == 0 || code > uint64(here) || back > uint64(plain) {
		from.Bad = true
		return nil
	}
	return from.Earlier(here-int(code), here, plain-int(back))
}

// remembered is where a list stands in a section.
type remembered struct {
	code, plain int
	from, n     int // in numbers
}

// memory is the lists of a section that may come again.
type memory struct {
	lists   []remembered
	numbers []int64 // of all lists, one after the other
}

// Remember begins a part of a section in which a list that comes again is written as the place where it stands before. What is written until
// Forget stays where it is.
func (e *Encoder) Remember() {
	e.before = &e.remembered
	e.before.lists, e.before.numbers = e.before.lists[:0], scratch.Slice(e.before.numbers, 0)
}

// Forget ends what Remember began.
func (e *Encoder) Forget() { e.before = nil }

// again writes a list as the place where it stands before; false, and nothing is written but remembered, where it does not.
func (m *memory) again(to *streams.Sink, v []int64) bool {
	if len(v) < leastAgain {
		return false
	}
	for i := range m.lists {
		l := &m.lists[i]
		// Most lists differ at their ends.
		if l.n == len(v) && m.numbers[l.from] == v[0] && m.numbers[l.from+l.n-1] == v[l.n-1] && slices.Equal(m.numbers[l.from:l.from+l.n], v) {
			here := len(to.Code)
			to.Byte(again().code)
			to.Uvarint(uint64(here - l.code))
			to.Uvarint(uint64(len(to.Plain) - l.plain))
			return true
		}
	}
	if len(m.lists) < rememberedLists && len(m.numbers)+len(v) <= rememberedNumbers {
		m.lists = append(m.lists, remembered{len(to.Code), len(to.Plain), len(m.numbers), len(v)})
		m.numbers = append(m.numbers, v...)
	}
	return false
}
