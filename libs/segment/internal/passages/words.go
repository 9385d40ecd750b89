package passages

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// Words are a second way to store chunks: texts of people and programs consist of words that come again and again, and of marks between them. A
// word that is written as its number of one or two bytes leaves a compressor less to read, and more to find.
const (
	leastWord = 2 // bytes of a word or a run of marks
	mostWord  = 64
	mostMarks = 16
	codeBytes = 128                                            // the bytes that are numbers of words; those below stand for themselves
	mostWords = codeBytes/2 + codeBytes/2*256                  //
	mostFound = 1 << 16                                        // words that are counted; others are spelled
	escape    = 0                                              // before a run of bytes that do not stand for themselves: its length, and the run
	leastText = 8 << 10                                        // bytes that are worth a list of words
	mostList  = mostWords*(mostWord+1) + binary.MaxVarintLen64 // bytes of a list of words
)

// Kinds of bytes.
const (
	mark = iota
	letter
	digit
)

// kinds tells the kind of each byte.
func kinds() (of [256]uint8) {
	for b := range of {
		switch {
		case b >= '0' && b <= '9':
			of[b] = digit
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= codeBytes:
			of[b] = letter
		}
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
	found  []word
	index  []uint32 // by hash: a place in found + 1
	tokens []uint32 // of all chunks: a place in found + 1, or bytes to spell above spelled
	list   []uint32 // places in found of the words that are chosen, by their numbers
	out    []byte
}

const spelled = 1 << 24

// word is one that was found.
type word struct {
	at, count uint32
	hash      uint32
	length    uint16
	code      uint16 // number + 1, if it was chosen
}

// Code returns the texts that are kept as a list of words and, for each chunk, what is to be compressed: what has the length of the chunk is the
// chunk itself. The list is nil where words do not pay. The results are valid until the next call.
func (b *Builder) Code(each func(chunk []byte)) (list []byte) {
	if len(b.kept) < leastText {
		return nil
	}
	c := &b.words
	if c.index == nil {
		c.kind, c.index = kinds(), make([]uint32, 2*mostFound)
	}
	c.learn(b.kept)
	if list = c.choose(b.kept); list == nil {
		return nil
	}
	each(list)
	tokens := c.tokens
	for chunk := range slices.Chunk(b.kept, ChunkBytes) {
		tokens = c.code(chunk, tokens)
		if len(c.out) < len(chunk) {
			chunk = c.out
		}
		each(chunk)
	}
	return list
}

// learn finds the words of a text, chunk by chunk.
func (c *coder) learn(text []byte) {
	clear(c.index)
	c.found, c.tokens = c.found[:0], c.tokens[:0]
	for from := 0; from < len(text); from += ChunkBytes {
		c.tokenize(text, from, min(from+ChunkBytes, len(text)))
	}
}

func (c *coder) tokenize(text []byte, at, end int) {
	kind := &c.kind
	tokens, literal := c.tokens, at
	for at < end {
		k := kind[text[at]]
		from, hash := at, uint32(k)
		switch k {
		case digit:
			at++
			continue
		case letter:
			for stop := min(end, at+mostWord); at < stop && kind[text[at]] == letter; at++ {
				hash = (hash ^ uint32(text[at])) * 0x01000193
			}
		default:
			for stop := min(end, at+mostMarks); at < stop && kind[text[at]] == mark; at++ {
				hash = (hash ^ uint32(text[at])) * 0x01000193
			}
		}
		if at-from < leastWord {
			continue
		}
		i := c.find(text, from, at-from, hash)
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

// find counts a word, and returns its place + 1; 0 where there are too many.
func (c *coder) find(text []byte, from, length int, hash uint32) uint32 {
	mask := uint32(len(c.index) - 1)
	for at := (hash * 0x9e3779b1) >> (32 - bits.TrailingZeros(uint(len(c.index)))); ; at = (at + 1) & mask {
		i := c.index[at]
		if i == 0 {
			if len(c.found) == mostFound {
				return 0
			}
			c.found = append(c.found, word{at: uint32(from), count: 1, hash: hash, length: uint16(length)})
			c.index[at] = uint32(len(c.found))
			return uint32(len(c.found))
		}
		if w := &c.found[i-1]; w.hash == hash && int(w.length) == length && string(text[w.at:int(w.at)+length]) == string(text[from:from+length]) {
			w.count++
			return i
		}
	}
}

// choose gives numbers to the words that are worth it, the most frequent first, and lists them; nil where there are none.
func (c *coder) choose(text []byte) []byte {
	c.list = c.list[:0]
	saved := 0
	for i := range c.found {
		w := &c.found[i]
		// It saves all but one or two bytes each time, and is listed once.
		if gain := 2*int(w.count)*int(w.length) - 3*int(w.count) - 2*int(w.length) - 6; gain > 0 {
			c.list = append(c.list, uint32(i))
			saved += gain / 2
		}
	}
	if saved < len(text)/8 {
		return nil
	}
	slices.SortFunc(c.list, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(c.found[b].count, c.found[a].count), cmp.Compare(a, b))
	})
	c.list = c.list[:min(len(c.list), mostWords)]
	c.out = binary.AppendUvarint(c.out[:0], uint64(len(c.list)))
	for number, i := range c.list {
		w := &c.found[i]
		w.code = uint16(number + 1)
		c.out = append(c.out, byte(w.length))
	}
	for _, i := range c.list {
		w := &c.found[i]
		c.out = append(c.out, text[w.at:w.at+uint32(w.length)]...)
	}
	return bytes.Clone(c.out)
}

// code writes a chunk, whose tokens come first; it returns those of the others.
func (c *coder) code(chunk []byte, tokens []uint32) []uint32 {
	out := c.out[:0]
	single := codeBytes - prefixes(len(c.list)) // words with numbers of one byte
	at, after := 0, false                       // after: what stands before is a word with a number
	for at < len(chunk) {
		token := tokens[0]
		tokens = tokens[1:]
		if token >= spelled {
			n := int(token - spelled)
			s := chunk[at : at+n]
			at += n
			if after && n == 1 && s[0] == ' ' && len(tokens) > 0 && at < len(chunk) && c.numbered(tokens[0]) && c.kind[chunk[at]] == letter {
				out = c.number(out, tokens[0], single)
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
		isWord := c.kind[s[0]] == letter
		if w.code == 0 || after && isWord { // a reader puts a space between two words
			out, after = spell(out, s), false
			continue
		}
		out, after = c.number(out, token, single), isWord
	}
	c.out = out
	return tokens
}

// numbered tells whether a token is a word with a number.
func (c *coder) numbered(token uint32) bool { return token < spelled && c.found[token-1].code != 0 }

func (c *coder) number(out []byte, token uint32, single int) []byte {
	n := int(c.found[token-1].code - 1)
	if n < single {
		return append(out, byte(codeBytes+n))
	}
	n -= single
	return append(out, byte(codeBytes+single+n>>8), byte(n))
}

// spell writes bytes as they are.
func spell(out, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != escape && s[i] < codeBytes {
			out = append(out, s[i])
			i++
			continue
		}
		j := i + 1
		for j < len(s) && (s[j] == escape || s[j] >= codeBytes) {
			j++
		}
		out = append(out, escape)
		out = binary.AppendUvarint(out, uint64(j-i))
		out = append(out, s[i:j]...)
		i = j
	}
	return out
}

// List is the words in which the chunks of a segment are written.
type List struct {
	words  []string // in the memory of what was parsed
	spaced []bool   // per word: a space goes between it and another such word
	single int
}

// MostList is how many bytes a list of words has at most.
const MostList = mostList

// Parse reads a list of words; false if it is damaged. It refers to b.
func (l *List) Parse(b []byte) bool {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > mostWords || n > uint64(len(b)-k) {
		return false
	}
	lengths, text := b[k:k+int(n)], string(b[k+int(n):])
	kind := kinds()
	l.words, l.spaced, l.single = l.words[:0], l.spaced[:0], codeBytes-prefixes(int(n))
	for _, length := range lengths {
		if length == 0 || int(length) > len(text) {
			return false
		}
		l.words = append(l.words, text[:length])
		l.spaced = append(l.spaced, kind[text[0]] == letter)
		text = text[length:]
	}
	return text == ""
}

// Expand appends the chunk of n bytes that b is written for; false if it is damaged.
func (l *List) Expand(to, b []byte, n int) ([]byte, bool) {
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
		case c == escape:
			length, k := binary.Uvarint(b)
			if k <= 0 || length > uint64(len(b)-k) {
				return to, false
			}
			to = append(to, b[k:k+int(length)]...)
			b, after = b[k+int(length):], false
		default:
			to, after = append(to, c), false
		}
		if len(to) > end {
			return to, false
		}
	}
	return to, len(to) == end
}
