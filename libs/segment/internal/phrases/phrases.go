// Package phrases writes bytes as symbols, each by how often it comes after what stands before it (docs/segment-format.md, section 3, "Phrases"). What
// comes again and again as a whole is one symbol, and takes the fewer bits the less it surprises: a compressor that finds repetitions spends some
// ten bits on telling where the same few words stood before, of which a text of a small vocabulary is full.
//
// A model is what a whole segment has in common: phrases, and for every class of symbols how often each symbol comes after one of that class.
// Texts are written one by one with the same model, so that one of them is read without the others.
//
// Invariants: what a Coder writes with a model that it has learnt, a Reader of that model gives back. A damaged model or text is refused, never makes a
// Reader panic, and takes no more memory than the bounds below allow.
package phrases

import (
	"encoding/binary"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

const (
	firstPhrase = 256 // symbols below stand for a byte
	shareBits   = 14
	allShares   = 1 << shareBits // what the shares of a class add up to
	lowest      = 1 << 16        // state of an empty text; a state below takes two more bytes
	headBytes   = 4              // of a text: the state
)

// entry is a symbol that comes after those of a class.
type entry struct {
	symbol uint16
	share  uint16 // of allShares
	start  uint16 // shares of those before it
}

// Reader reads texts with a model. The zero value is ready for Parse. One goroutine uses it.
type Reader struct {
	text    []byte // of all symbols, one after the other
	from    []uint32
	class   []uint8    // of each symbol
	entries [][]entry  // per class
	places  [][]uint16 // per class and share: its entry; nil until a text needs it
	often   []uint32   // of a class; valid during Parse
}

// shares puts in the place of how often each of some symbols comes the share that it has of allShares: at least one, and the most frequent, the first of
// equals, has what is left.
func shares(often []uint32) []uint32 {
	sum, most := uint64(0), 0
	for i, n := range often {
		sum += uint64(n)
		if n > often[most] {
			most = i
		}
	}
	left := uint32(allShares)
	for i, n := range often {
		often[i] = 1 + uint32(uint64(n)*uint64(allShares-len(often))/sum)
		left -= often[i]
	}
	if len(often) > 0 {
		often[most] += left
	}
	return often
}

// Parse takes a model; false if it is damaged.
func (r *Reader) Parse(b []byte) bool {
	bad := len(b) > limits.PhraseModel
	number := func(most int) int {
		n, k := binary.Uvarint(b)
		if bad = bad || k <= 0 || n > uint64(most); bad {
			return 0
		}
		b = b[k:]
		return int(n)
	}
	symbols := firstPhrase + number(limits.PhraseSymbols-firstPhrase)
	if bad || symbols-firstPhrase > len(b)/2 {
		return false
	}
	r.text, r.from = r.text[:0], r.from[:0]
	for i := range firstPhrase {
		r.text, r.from = append(r.text, byte(i)), append(r.from, uint32(i))
	}
	r.from = append(r.from, firstPhrase)
	for i := firstPhrase; i < symbols && !bad; i++ {
		for range 2 {
			part := number(i - 1)
			r.text = append(r.text, r.text[r.from[part]:r.from[part+1]]...)
		}
		r.from = append(r.from, uint32(len(r.text)))
		bad = bad || r.from[i+1]-r.from[i] > limits.PhraseBytes
	}
	classes := number(limits.PhraseClasses)
	if bad || classes == 0 || len(b) < symbols {
		return false
	}
	r.class = append(r.class[:0], b[:symbols]...)
	b = b[symbols:]
	for _, c := range r.class {
		bad = bad || int(c) >= classes
	}
	r.entries, r.places = r.entries[:0], append(r.places[:0], make([][]uint16, classes)...)
	for range classes {
		n := number(symbols)
		if bad || n > len(b)/2 {
			return false
		}
		list := make([]entry, n)
		next := 0
		for i := range list {
			next += number(symbols - 1)
			if bad = bad || next >= symbols; bad {
				return false
			}
			list[i].symbol = uint16(next)
			next++
		}
		r.often = r.often[:0]
		for range list {
			r.often = append(r.often, uint32(number(limits.PhraseOften-1)+1))
		}
		if bad {
			return false
		}
		start := 0
		for i, share := range shares(r.often) {
			list[i].share, list[i].start = uint16(share), uint16(start)
			start += int(share)
		}
		r.entries = append(r.entries, list)
	}
	return !bad && len(b) == 0
}

// placesOf is the entry of each share of a class.
func (r *Reader) placesOf(class int) []uint16 {
	if r.places[class] == nil && len(r.entries[class]) > 0 {
		places := make([]uint16, allShares)
		for i, e := range r.entries[class] {
			for k := range int(e.share) {
				places[int(e.start)+k] = uint16(i)
			}
		}
		r.places[class] = places
	}
	return r.places[class]
}

// Expand appends the text of n bytes that b is written for; false if it is damaged.
func (r *Reader) Expand(to, b []byte, n int) (_ []byte, ok bool) {
	if len(b) < headBytes {
		return to, false
	}
	state, b := binary.LittleEndian.Uint32(b), b[headBytes:]
	end := len(to) + n
	class := r.class[0]
	for len(to) < end {
		places := r.placesOf(int(class))
		if state < lowest || places == nil {
			return to, false
		}
		at := state & (allShares - 1)
		e := r.entries[class][places[at]]
		state = uint32(e.share)*(state>>shareBits) + at - uint32(e.start)
		if state < lowest {
			if len(b) < 2 {
				return to, false
			}
			state = state<<16 | uint32(binary.LittleEndian.Uint16(b))
			b = b[2:]
		}
		to = append(to, r.text[r.from[e.symbol]:r.from[e.symbol+1]]...)
		class = r.class[e.symbol]
	}
	return to, len(to) == end && state == lowest && len(b) == 0
}
