package passages

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

// Words are a second way to store chunks: texts of people and programs consist of words that come again and again, of marks between them, and of ids
// that never come again. A word that is written as its number of one or two bytes leaves a compressor less to read, and more to find; an id takes
// its bits, which no compressor makes fewer, apart from what it reads.
const (
	leastWord = 2 // bytes of a word or a run of marks
	mostWord  = limits.WordBytes
	mostMarks = 16
	codeBytes = 128          // the bytes that are numbers of words; those below stand for themselves
	mostWords = limits.Words // codeBytes/2 numbers of one byte, and as many times 256 of two
	mostFound = 1 << 16      // words that are counted; others are spelled
	escape    = 0            // before a run of bytes that do not stand for themselves: its length, and the run
	lastMark  = join         // the last of the bytes that do not stand for themselves: escape, what begins an id, join
	leastText = 8 << 10      // bytes that are worth a list of words
)

// MostList is how many bytes a list of words has at most.
const MostList = mostWords*(mostWord+1) + binary.MaxVarintLen64

// What an id that never comes again begins with. Its length follows, unless it is a UUID; its bits stand among those of the chunk, up to a whole byte.
const (
	hexID  = 1 // lower-case hexadecimal: four bits each
	wideID = 2 // letters and digits: six bits each
	uuid   = 3 // a UUID in lower-case 8-4-4-4-12 form: 16 bytes
)

// join goes before a word that follows on another without a space.
const join = 4

const (
	leastHex   = 8
	leastWide  = 12
	mostRun    = 4 * mostWord // bytes of a run that are looked at to tell whether it begins with an id
	uuidLength = 36
	alphabet   = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // the first 16 are those of hexadecimal
	noNumber   = 255
)

// Kinds of bytes. A capital is a letter too.
const (
	mark    = 0
	letter  = 1
	digit   = 2
	capital = 4
)

// kinds tells the kind of each byte.
func kinds() (of [256]uint8) {
	for b := range of {
		switch {
		case b >= '0' && b <= '9':
			of[b] = digit
		case b >= 'A' && b <= 'Z':
			of[b] = letter | capital
		case b >= 'a' && b <= 'z' || b == '_' || b >= codeBytes:
			of[b] = letter
		}
	}
	return of
}

// numbers tells the place of each byte in the alphabet.
func numbers() (of [256]uint8) {
	for b := range of {
		of[b] = noNumber
	}
	for i := range len(alphabet) {
		of[alphabet[i]] = uint8(i)
	}
	return of
}

// prefixes is how many of the bytes for n words are the first of two.
func prefixes(n int) int {
	if n <= codeBytes {
		return 0
	}
	return (n - codeBytes + 254) / 255
}

// coder writes chunks in words. Of one text after the other: learn, choose, code.
type coder struct {
	kind   [256]uint8
	number [256]uint8 // in the alphabet
	found  []word
	index  []uint64 // by hash: the hash, and below it a place in found + 1
	tokens []uint32 // of all chunks: a place in found + 1, or bytes to spell above spelled
	list   []uint32 // places in found of the words that are chosen, by their numbers
	out    []byte
	bits   []byte // of the ids of the chunk
}

const (
	spelled = 1 << 24

	// Of a word in the list: what its id is written as, above its length less one.
	idShift    = 6
	lengthMask = 1<<idShift - 1
)

// word is one that was found.
type word struct {
	head      uint64 // its first bytes
	at, count uint32
	code      uint16 // number + 1, if it was chosen
	length    uint8
	id        uint8 // what it is written as, if it was not
}

// Code gives the texts that are kept in words: first a list of them, then each chunk, both as what is to be compressed, and the bits of ids. What is to be
// compressed and as long as the chunk is the chunk itself. False, and nothing is given, where words do not pay. What is given is valid during the call.
func (b *Builder) Code(give func(text, bits []byte)) bool {
	if len(b.kept) < leastText {
		return false
	}
	c := &b.words
	if c.number == ([256]uint8{}) {
		c.kind, c.number = kinds(), numbers()
	}
	c.learn(b.kept, b.ends)
	if !c.choose(b.kept) {
		return false
	}
	give(c.out, c.bits)
	tokens := c.tokens
	for chunk := range slices.Chunk(b.kept, ChunkBytes) {
		if tokens = c.code(chunk, tokens); len(c.out)+len(c.bits) < len(chunk) {
			give(c.out, c.bits)
		} else {
			give(chunk, nil)
		}
	}
	return true
}

// Wide is the first byte of those that begin a number of two bytes, in what Code gave last.
func (b *Builder) Wide() int { return codeBytes + codeBytes - prefixes(len(b.words.list)) }

// learn finds the words of a text. None goes on beyond the end of one of the texts that it is made of, or of a chunk.
func (c *coder) learn(text []byte, ends []int) {
	c.resize(len(text))
	c.found, c.tokens = c.found[:0], c.tokens[:0]
	for from := 0; from < len(text); {
		end := min(from-from%ChunkBytes+ChunkBytes, len(text))
		for len(ends) > 0 && ends[0] <= from {
			ends = ends[1:]
		}
		if len(ends) > 0 {
			end = min(end, ends[0])
		}
		c.tokenize(text, from, end)
		from = end
	}
}

// resize empties the index, and gives it room for the words of a text of n bytes: a larger one than that takes longer to empty and to look into.
func (c *coder) resize(n int) {
	size := leastText
	for size < min(n/8, 2*mostFound) {
		size *= 2
	}
	if cap(c.index) < size {
		c.index = make([]uint64, size)
		return
	}
	c.index = c.index[:size]
	clear(c.index)
}

func (c *coder) tokenize(text []byte, at, end int) {
	kind := &c.kind
	tokens, literal := c.tokens, at
	plain := at // up to here no id begins
	for at < end {
		from, id := at, uint8(0)
		switch k := kind[text[at]]; {
		case k == mark:
			if at+1 < end && kind[text[at+1]] != mark { // a space, as a rule
				at++
				continue
			}
			for stop := min(end, at+mostMarks); at < stop && kind[text[at]] == mark; at++ {
			}
		case k == digit:
			if at++; from < plain {
				continue
			}
			var length int
			if length, id = c.id(text[from:end]); id == 0 {
				plain = from + length
				continue
			}
			at = from + min(length, mostWord)
		default:
			seen := k
			for stop := min(end, at+mostWord); at < stop && kind[text[at]]&letter != 0; at++ {
				seen |= kind[text[at]]
			}
			// Words of people are no ids: those have digits, or capitals in turn with others.
			if from >= plain && (at < end && kind[text[at]] == digit || seen&capital != 0 && at-from >= leastWide) {
				var length int
				if length, id = c.id(text[from:end]); id == 0 {
					plain = from + length
				} else {
					at = from + min(length, mostWord)
				}
			}
		}
		if at-from < leastWord {
			continue
		}
		i := c.find(text, from, at-from, id)
		if i == 0 {
			continue
		}
		if from > literal {
			tokens = append(tokens, spelled+uint32(from-literal))
		}
		tokens = append(tokens, i)
		literal = at
	}
	if end > literal {
		tokens = append(tokens, spelled+uint32(end-literal))
	}
	c.tokens = tokens
}

// id tells how long the run of letters and digits is that a text begins with and, if it is an id, what that is written as. Ids are known by letters and
// digits in turn, as chance puts them and people do not. Of a longer run only the first bytes are looked at: it is written in words of 64, and to look at all that is
// left of a chunk for each of them took thousands of looks at each byte: seconds of CPU for a value of 1 MB.
func (c *coder) id(text []byte) (length int, id uint8) {
	text = text[:min(len(text), mostRun)]
	n, turns, wide := 0, 0, false
	for group := uint8(0); n < len(text); n++ {
		x := c.number[text[n]]
		if x == noNumber {
			break
		}
		wide = wide || x >= 16
		g := uint8(1) // a digit
		if x >= 10 {
			g = 2
			if x >= 36 {
				g = 3 // upper case
			}
		}
		if g != group {
			turns++
			group = g
		}
	}
	switch {
	case n == 8 && !wide && c.isUUID(text):
		return uuidLength, uuid
	case n >= leastHex && !wide && turns > 2:
		return n, hexID
	case n >= leastWide && turns*2 > n:
		return n, wideID
	}
	return n, 0
}

// isUUID tells whether a text begins with a UUID, and nothing that goes on with it.
func (c *coder) isUUID(text []byte) bool {
	if len(text) < uuidLength || len(text) > uuidLength && c.kind[text[uuidLength]] != mark {
		return false
	}
	for i, b := range text[:uuidLength] {
		if dashAt(i) != (b == '-') || b != '-' && c.number[b] > 15 {
			return false
		}
	}
	return true
}

// dashAt tells where in a UUID dashes stand.
func dashAt(i int) bool { return i == 8 || i == 13 || i == 18 || i == 23 }

// headBytes is how many bytes of a word stand beside it, so that it is known again without a look into the text, which lies far apart.
const headBytes = 8

// headOf is the first bytes of a word.
func headOf(text []byte, from, length int) (head uint64) {
	if from+headBytes <= len(text) {
		if head = binary.LittleEndian.Uint64(text[from:]); length < headBytes {
			head &= 1<<(8*length) - 1
		}
		return head
	}
	for i, b := range text[from : from+min(length, headBytes)] {
		head |= uint64(b) << (8 * i)
	}
	return head
}

// hashOf is a hash of a word with that head.
func hashOf(head uint64, word []byte) uint64 {
	const p, q = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f
	h := (head ^ uint64(len(word))*q) * p
	if len(word) > headBytes {
		for i := headBytes; i+8 < len(word); i += 8 {
			h = (bits.RotateLeft64(h, 29) ^ binary.LittleEndian.Uint64(word[i:])) * p
		}
		h = (bits.RotateLeft64(h, 31) ^ binary.LittleEndian.Uint64(word[len(word)-8:])) * q
	}
	return (h ^ h>>32) * p
}

// find counts a word, and returns its place + 1; 0 where there are too many.
func (c *coder) find(text []byte, from, length int, id uint8) uint32 {
	head := headOf(text, from, length)
	hash := hashOf(head, text[from:from+length])
	mask := uint32(len(c.index) - 1)
	for at := uint32(hash >> (64 - bits.TrailingZeros(uint(len(c.index))))); ; at = (at + 1) & mask {
		slot := c.index[at]
		i := uint32(slot)
		if i == 0 {
			if len(c.found) == len(c.index)/2 {
				return 0
			}
			c.found = append(c.found, word{head: head, at: uint32(from), count: 1, length: uint8(length), id: id})
			c.index[at] = hash<<32 | uint64(len(c.found))
			return uint32(len(c.found))
		}
		if uint32(slot>>32) != uint32(hash) {
			continue
		}
		w := &c.found[i-1]
		if w.head == head && int(w.length) == length && w.id == id &&
			(length <= headBytes || string(text[w.at+headBytes:int(w.at)+length]) == string(text[from+headBytes:from+length])) {
			w.count++
			return i
		}
	}
}

// choose gives numbers to the words that are worth it, the most frequent first, and lists them in out; false where words do not pay.
func (c *coder) choose(text []byte) bool {
	c.list = c.list[:0]
	saved := 0
	for i := range c.found {
		w := &c.found[i]
		// It saves all but one or two bytes each time, and is listed once.
		if gain := 2*int(w.count)*int(w.length) - 3*int(w.count) - 2*int(w.length) - 6; gain > 0 {
			c.list = append(c.list, uint32(i))
			saved += gain / 2
		} else if w.id != 0 {
			saved += int(w.length) / 4
		}
	}
	if saved < len(text)/8 {
		return false
	}
	slices.SortFunc(c.list, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(c.found[b].count, c.found[a].count), cmp.Compare(a, b))
	})
	c.list = c.list[:min(len(c.list), mostWords)]
	c.out = binary.AppendUvarint(c.out[:0], uint64(len(c.list)))
	for number, i := range c.list {
		w := &c.found[i]
		w.code = uint16(number + 1)
		c.out = append(c.out, w.id<<idShift|(w.length-1))
	}
	c.bits = c.bits[:0]
	for _, i := range c.list {
		w := &c.found[i]
		if s := text[w.at : w.at+uint32(w.length)]; w.id == 0 {
			c.out = append(c.out, s...)
		} else {
			c.pack(s, w.id)
		}
	}
	return true
}

// code writes a chunk, whose tokens come first; it returns those of the others.
func (c *coder) code(chunk []byte, tokens []uint32) []uint32 {
	out := c.out[:0]
	c.bits = c.bits[:0]
	single := codeBytes - prefixes(len(c.list)) // words with numbers of one byte
	at, after := 0, false                       // after: what stands before is a word with a number
	for at < len(chunk) {
		token := tokens[0]
		tokens = tokens[1:]
		if token >= spelled {
			n := int(token - spelled)
			s := chunk[at : at+n]
			at += n
			if after && n == 1 && s[0] == ' ' && at < len(chunk) && c.numbered(tokens[0]) && c.kind[chunk[at]]&letter != 0 {
				out = c.writeNumber(out, tokens[0], single)
				at += int(c.found[tokens[0]-1].length)
				tokens = tokens[1:]
				continue
			}
			out, after = spell(out, s), false
			continue
		}
		w := &c.found[token-1]
		s := chunk[at : at+int(w.length)]
		at += len(s)
		isWord := c.kind[s[0]]&letter != 0
		switch {
		case w.code == 0 && w.id != 0:
			out, after = c.apart(out, s, w.id), false
		case w.code == 0:
			out, after = spell(out, s), false
		default:
			if after && isWord { // a reader would put a space between
				out = append(out, join)
			}
			out, after = c.writeNumber(out, token, single), isWord
		}
	}
	c.out = out
	return tokens
}

// numbered tells whether a token is a word with a number.
func (c *coder) numbered(token uint32) bool { return token < spelled && c.found[token-1].code != 0 }

func (c *coder) writeNumber(out []byte, token uint32, single int) []byte {
	n := int(c.found[token-1].code - 1)
	if n < single {
		return append(out, byte(codeBytes+n))
	}
	n -= single
	return append(out, byte(codeBytes+single+n>>8), byte(n))
}

// widthOf is how many bits a letter or digit of an id takes.
func widthOf(id uint8) int {
	if id == wideID {
		return 6
	}
	return 4
}

// apart writes an id: its bits apart from the text.
func (c *coder) apart(out, s []byte, id uint8) []byte {
	if out = append(out, id); id != uuid {
		out = append(out, byte(len(s)))
	}
	c.pack(s, id)
	return out
}

// pack writes the bits of an id.
func (c *coder) pack(s []byte, id uint8) {
	held, n, width := uint32(0), 0, widthOf(id)
	for _, b := range s {
		if b == '-' {
			continue
		}
		held |= uint32(c.number[b]) << n
		if n += width; n >= 8 {
			c.bits = append(c.bits, byte(held))
			held, n = held>>8, n-8
		}
	}
	if n > 0 {
		c.bits = append(c.bits, byte(held))
	}
}

// spell writes bytes as they are.
func spell(out, s []byte) []byte {
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] > lastMark && s[i] < codeBytes {
			i++
		}
		out = append(out, s[:i]...)
		if s = s[i:]; len(s) == 0 {
			break
		}
		for i = 1; i < len(s) && (s[i] <= lastMark || s[i] >= codeBytes); i++ {
		}
		out = append(out, escape)
		out = binary.AppendUvarint(out, uint64(i))
		out = append(out, s[:i]...)
		s = s[i:]
	}
	return out
}

// List is the words in which the chunks of a segment are written.
type List struct {
	words  []string
	spaced []bool // per word: a space goes between it and another such word
	single int
}

// Parse reads a list of words, with the bits of those that are ids; false if it is damaged.
func (l *List) Parse(b, ids []byte) bool {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > mostWords || n > uint64(len(b)-k) {
		return false
	}
	heads, text := b[k:k+int(n)], string(b[k+int(n):])
	kind := kinds()
	l.words, l.spaced, l.single = l.words[:0], l.spaced[:0], codeBytes-prefixes(int(n))
	var memory [mostWord]byte
	for _, head := range heads {
		id, length := head>>idShift, int(head&lengthMask)+1
		var w string
		if id == 0 {
			if length > len(text) {
				return false
			}
			w, text = text[:length], text[length:]
		} else {
			s, rest, ok := appendID(memory[:0], ids, id, length)
			if !ok {
				return false
			}
			w, ids = string(s), rest
		}
		l.words = append(l.words, w)
		l.spaced = append(l.spaced, kind[w[0]]&letter != 0)
	}
	return text == "" && len(ids) == 0
}

// Expand appends the chunk of n bytes that b is written for, with the bits of its ids; false if it is damaged.
func (l *List) Expand(to, b, ids []byte, n int) (_ []byte, ok bool) {
	after := false
	end := len(to) + n
	for len(b) > 0 {
		c := b[0]
		b = b[1:]
		switch {
		case c >= codeBytes:
			number := int(c) - codeBytes
			if number >= l.single {
				if len(b) == 0 {
					return to, false
				}
				number = l.single + (number-l.single)<<8 + int(b[0])
				b = b[1:]
			}
			if number >= len(l.words) {
				return to, false
			}
			if after && l.spaced[number] {
				to = append(to, ' ')
			}
			to = append(to, l.words[number]...)
			after = l.spaced[number]
		case c > lastMark:
			to, after = append(to, c), false
		case c == join:
			after = false
		case c == escape:
			length, k := binary.Uvarint(b)
			if k <= 0 || length > uint64(len(b)-k) {
				return to, false
			}
			to = append(to, b[k:k+int(length)]...)
			b, after = b[k+int(length):], false
		default:
			length := uuidLength
			if c != uuid {
				if len(b) == 0 {
					return to, false
				}
				length, b = int(b[0]), b[1:]
			}
			if to, ids, ok = appendID(to, ids, c, length); !ok {
				return to, false
			}
			after = false
		}
		if len(to) > end {
			return to, false
		}
	}
	return to, len(to) == end && len(ids) == 0
}

// appendID appends an id of a length, whose bits come first; it returns those of others.
func appendID(to, ids []byte, id uint8, length int) (_, rest []byte, ok bool) {
	held, n, width := uint32(0), 0, widthOf(id)
	for i := range length {
		if id == uuid && dashAt(i) {
			to = append(to, '-')
			continue
		}
		if n < width {
			if len(ids) == 0 {
				return to, ids, false
			}
			held |= uint32(ids[0]) << n
			ids, n = ids[1:], n+8
		}
		x := int(held & (1<<width - 1))
		held, n = held>>width, n-width
		if x >= len(alphabet) {
			return to, ids, false
		}
		to = append(to, alphabet[x])
	}
	return to, ids, true
}
