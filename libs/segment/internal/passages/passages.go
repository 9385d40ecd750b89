// Package passages keeps the long texts of a segment so that what several of them have in common is kept once (docs/segment-format.md, section 3,
// "Passages"): a turn of a conversation repeats the turns before it, an answer comes again in the next question, and a stack trace in every
// error. Compressors of columns look back no further than a few strings, and never into another column.
//
// Invariants: what a Builder has kept never changes until Reset, so that a place in it stays what it is; a copy is of bytes that were kept before
// it. Finding is by chance and deterministic: repetitions shorter than twice the least copy may be missed, all others are found where the memory of
// places has room, but in lists in which little comes again. A Builder holds copies of what it was given, never the memory of others.
package passages

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

const (
	// ChunkBytes is how many kept bytes are compressed as one, and so how many are unzipped for a string that lies among them. It is part of the
	// format.
	ChunkBytes = limits.ChunkBytes

	// LeastCopy is how long a repetition must be for it not to be kept again: shorter ones are left to the compressor, whom they cost less
	// than what tells of a copy, if they are near.
	LeastCopy = limits.LeastCopy

	// block is how many bytes decide whether a place is remembered and looked for; every sampled-th place is.
	block   = 32
	sampled = 64

	// A list of short texts of which, after so many bytes, less than one part in so many was kept before is not looked through any further: it takes time, and what
	// little comes again in short strings is found by the compressor.
	leastLooked = 64 << 10
	shortText   = 1 << 10 // bytes of a text, on average
	worthCopied = 8

	decides = (sampled - 1) << (block - 6) // bits of the rolling hash that are 0 at such a place

	// mostPlaces bounds the memory of places: with more texts, old places are forgotten.
	leastPlaces = 1 << 12
	mostPlaces  = 1 << 20

	// MostText bounds the bytes of all texts of a segment, which copies make many of for few that are kept. A reader allows for columns that are
	// read twice.
	MostText = limits.Passages
	mostRead = limits.PassagesRead
)

// Budget is how many bytes of texts a reader of one segment has put together.
type Budget struct{ taken int }

// Take takes n bytes; false where a segment that was written has fewer.
func (b *Budget) Take(n int) bool {
	if n < 0 || n > mostRead-b.taken {
		return false
	}
	b.taken += n
	return true
}

// Copy says that after Gap bytes that are kept as they come, Length bytes are those that were kept from From on.
type Copy struct{ Gap, Length, From int }

// Builder keeps texts. The zero value is ready. One goroutine uses it.
type Builder struct {
	kept   []byte
	places []uint64 // by the high bits of the hash of the block that ends there: a place in kept, and the low bits of the hash above it; 0: none
	gear   [256]uint64
	used   int    // places that were remembered since the last Reset
	seen   []seen // places in the text at hand that are not kept yet
	gap    int    // bytes kept since the last copy, of the list at hand
	added  int    // bytes of all lists
	looked int    // bytes of the list at hand that were looked through
	copied int    // and those of them that were kept before
	short  bool   // whether its texts are
	ends   []int  // where in kept a text ends
	words  coder
}

// seen is a place in a text that is to be remembered when it is kept.
type seen struct {
	at   int
	hash uint64
}

// Reset forgets all texts.
func (b *Builder) Reset() {
	if b.used > 0 {
		clear(b.places)
	}
	b.kept, b.ends, b.used, b.added = b.kept[:0], b.ends[:0], 0, 0
}

// Kept is all bytes that are kept; they must not be changed, and are valid until the next Add.
func (b *Builder) Kept() []byte { return b.kept }

// Begin begins with another list of texts, so many of n bytes together: the first gap begins here. False where the segment takes no more.
func (b *Builder) Begin(n, texts int) bool {
	if !b.Allow(n) {
		return false
	}
	b.gap, b.looked, b.copied, b.short = 0, 0, 0, n < texts*shortText
	return true
}

// Allow notes that a reader puts n bytes together of what is written in other ways; false where the segment takes no more.
func (b *Builder) Allow(n int) bool {
	if n > MostText-b.added {
		return false
	}
	b.added += n
	return true
}

// Add keeps a text, and appends its copies. Texts of one list follow each other: a gap may begin in one and end in another.
func (b *Builder) Add(to []Copy, s []byte) []Copy {
	if b.gear[0] == 0 {
		b.shuffle()
	}
	b.seen = b.seen[:0]
	if b.short && b.looked > leastLooked && b.copied*worthCopied < b.looked {
		b.keep(s, 0)
		b.ends = append(b.ends, len(b.kept))
		return to
	}
	b.looked += len(s)
	table := &b.gear
	literal, at := 0, 0 // s[literal:at] is neither kept nor copied yet
	hash := uint64(0)
	ready := block // the hash holds a whole block from here on
	for at < len(s) {
		hash = hash<<1 + table[s[at]]
		at++
		// The hash holds the last 64 bytes, the bits that decide no more than the last block.
		if hash&decides != 0 || at < ready {
			continue
		}
		key := blockHash(s[at-block : at])
		from, length, back := b.find(s, literal, at, key)
		if length < LeastCopy {
			b.seen = append(b.seen, seen{at, key})
			continue
		}
		start := at - back
		b.keep(s[literal:start], literal)
		to = append(to, Copy{Gap: b.gap, Length: length, From: from})
		b.copied += length
		b.gap = 0
		at = start + length
		literal, hash, ready = at, 0, at+block
	}
	b.keep(s[literal:], literal)
	b.ends = append(b.ends, len(b.kept))
	return to
}

// keep keeps a part of the text at hand, which begins there at offset.
func (b *Builder) keep(part []byte, offset int) {
	base := len(b.kept) - offset
	end := offset + len(part)
	b.kept = append(b.kept, part...)
	b.gap += len(part)
	for _, p := range b.seen {
		if p.at-block >= offset && p.at <= end {
			b.remember(p.hash, base+p.at)
		}
	}
	b.seen = b.seen[:0]
}

// find looks for s around at, where a block ends. What it finds begins back bytes before at, and not before least.
func (b *Builder) find(s []byte, least, at int, hash uint64) (from, length, back int) {
	if len(b.places) == 0 {
		return 0, 0, 0
	}
	slot := b.places[b.slot(hash)]
	p := int(slot >> 32)
	if uint32(slot) != uint32(hash) || p < block || string(b.kept[p-block:p]) != string(s[at-block:at]) {
		return 0, 0, 0
	}
	back = block + sameEnd(b.kept[:p-block], s[least:at-block])
	return p - back, back + same(b.kept[p:], s[at:]), back
}

func (b *Builder) slot(hash uint64) uint64 {
	return hash >> (64 - bits.TrailingZeros(uint(len(b.places))))
}

// remember notes that a block ends at place.
func (b *Builder) remember(hash uint64, place int) {
	if b.used*2 >= len(b.places) && len(b.places) < mostPlaces {
		b.grow()
	}
	b.places[b.slot(hash)] = uint64(place)<<32 | uint64(uint32(hash))
	b.used++
}

// grow makes room for four times the places.
func (b *Builder) grow() {
	old := b.places
	b.places = make([]uint64, max(leastPlaces, 4*len(old)))
	for _, s := range old {
		if p := s >> 32; p != 0 {
			b.places[b.slot(blockHash(b.kept[p-block:p]))] = s
		}
	}
}

// same is how many bytes a and b have in common at their beginnings.
func same(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// sameEnd is how many bytes a and b have in common at their ends.
func sameEnd(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[len(b)-n:]
	i := n
	for ; i >= 8; i -= 8 {
		if x := binary.LittleEndian.Uint64(a[i-8:]) ^ binary.LittleEndian.Uint64(b[i-8:]); x != 0 {
			return n - i + bits.LeadingZeros64(x)/8
		}
	}
	for i > 0 && a[i-1] == b[i-1] {
		i--
	}
	return n - i
}

// blockHash is a hash of the bytes of a block.
func blockHash(b []byte) uint64 {
	const p, q = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f
	h := binary.LittleEndian.Uint64(b)*p ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[8:])*q, 23)
	h = h*p ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[16:])*q, 29)
	h = h*p ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[24:])*q, 31)
	return (h ^ h>>32) * p
}

// shuffle makes a number for each byte, as unlike as chance.
func (b *Builder) shuffle() {
	x := uint64(1)
	for i := range b.gear {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b.gear[i] = x * 0x9fb21c651e98df25
	}
}

// Text is the bytes that were kept, of which a reader has unzipped some.
type Text interface {
	// Len is how many bytes are kept.
	Len() int

	// Append appends length bytes from a place on, which lie below Len; false where they are not to be had.
	Append(to []byte, from, length int) ([]byte, bool)

	// Take announces that texts of n bytes will be put together; false where a segment that was written has fewer.
	Take(n int) bool
}

// Chunks marks the chunks in which length bytes from a place on lie.
func Chunks(to []uint64, from, length int) []uint64 {
	if length == 0 {
		return to
	}
	last := (from + length - 1) / ChunkBytes
	if n := last>>6 + 1; n > len(to) {
		to = slices.Grow(to, n-len(to))
		clear(to[len(to):n])
		to = to[:n]
	}
	for c := from / ChunkBytes; c <= last; c++ {
		to[c>>6] |= 1 << (c & 63)
	}
	return to
}
