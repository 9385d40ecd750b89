package integers

import (
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

const (
	// Narrower or fewer numbers are packed at once: their dictionary would take as much as they do.
	leastDictionaryWidth = 5
	leastDictionaryItems = 16

	// countUpBits is what a code takes that is one more than its predecessor: a bit, and a part of a byte that compresses.
	countUpBits = 3
)

// dictionary is the distinct numbers in order of first appearance, and of each number which of them it is.
func dictionary() encoding {
	return encoding{
		name: "dictionary", code: 4, items: leastDictionaryItems, widths: widths{leastDictionaryWidth, maxWidth}, nests: true,
		size: sizeOfDictionary,
		write: func(e *Encoder, to *streams.Sink, c *column) {
			to.Uvarint(uint64(len(c.dict)))
			e.nest(to, c, c.dict)
			e.nest(to, c, c.codes)
		},
		read: func(d *Decoder, from *streams.Source, dst []int64, depth int) {
			dict := d.dictionary(from, len(dst), depth)
			d.read(from, dst, depth+1)
			decode(from, dict, dst)
		},
		pick: func(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, depth int) {
			dict := d.dictionary(from, n, depth)
			d.pick(from, n, picked, dst, depth+1)
			decode(from, dict, dst)
		},
		skip: func(d *Decoder, from *streams.Source, n, depth int) {
			d.skip(from, from.Count(n), depth+1)
			d.skip(from, n, depth+1)
		},
	}
}

// dictionary reads the distinct ones of n numbers.
func (d *Decoder) dictionary(from *streams.Source, n, depth int) []int64 {
	memory := &d.nested[depth]
	memory.a = scratch.Slice(memory.a, from.Count(n))
	d.read(from, memory.a, depth+1)
	return memory.a
}

// decode puts numbers in the place of their codes.
func decode(from *streams.Source, dict, dst []int64) {
	if from.Bad {
		return
	}
	for i, c := range dst {
		if uint64(c) >= uint64(len(dict)) {
			from.Bad = true
			return
		}
		dst[i] = dict[c]
	}
}

// sizeOfDictionary looks for distinct numbers only until there are too many of them to pay. Where numbers come in runs, those are better.
func sizeOfDictionary(e *Encoder, c *column, best int) int {
	n := len(c.v)
	if c.runs*leastRun <= n {
		return never
	}
	if !e.distinct(c, min(n/2, best/c.width)) {
		return never
	}
	entries := len(c.dict) * c.width
	size := entries + n*bits.Len(uint(len(c.dict)-1)) + 2*headBits
	if size >= best && countUp(c.codes) {
		return entries + n*countUpBits
	}
	return size
}

// countUp tells whether most codes are one more than their predecessor. Only the second half is looked at: the first codes always are.
func countUp(codes []int64) bool {
	up, from := 0, len(codes)/2
	for i, c := range codes[from+1:] {
		if c == codes[from+i]+1 {
			up++
		}
	}
	return up*8 > (len(codes)-from)*7
}

// slot of the open-addressing table of distinct numbers: a part of the hash, and the entry's number plus one (0 = free).
type slot struct{ tag, entry uint32 }

// distinct finds codes and dictionary of a column; false when it has more than limit distinct numbers.
func (e *Encoder) distinct(c *column, limit int) bool {
	if limit < 2 {
		return false
	}
	size := 16
	for size < limit*2+2 {
		size *= 2
	}
	if len(e.found) < size {
		e.found = make([]slot, size)
	}
	table := e.found[:size]
	clear(table)
	mask := uint32(size - 1)
	memory := &e.nested[c.depth]
	memory.a = scratch.Slice(memory.a, len(c.v))
	codes, dict := memory.a, memory.b[:0]
	for i, x := range c.v {
		h := uint64(x) * 0x9e3779b97f4a7c15
		h ^= h >> 29
		at, tag := uint32(h)&mask, uint32(h>>32)
		for {
			s := table[at]
			if s.entry == 0 {
				if len(dict) == limit {
					memory.b = dict
					return false
				}
				dict = append(dict, x)
				table[at] = slot{tag, uint32(len(dict))}
				codes[i] = int64(len(dict) - 1)
				break
			}
			if s.tag == tag && dict[s.entry-1] == x {
				codes[i] = int64(s.entry - 1)
				break
			}
			at = (at + 1) & mask
		}
	}
	memory.b = dict
	c.codes, c.dict = codes, dict
	return true
}
