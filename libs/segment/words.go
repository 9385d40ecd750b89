package segment

import (
	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
)

// Words calls yield for every word of text until it returns false: a word is a run of ASCII letters and digits, '_' and bytes ≥ 0x80
// (so of UTF-8 letters of other scripts), with ASCII letters in lower case. These are the words of log bodies that the token filter
// holds (ScopeWord). A word is only valid during the call.
func Words(text []byte, yield func(word []byte) bool) {
	var w wordScanner
	w.text = text
	for {
		word := w.next()
		if word == nil || !yield(word) {
			return
		}
	}
}

type wordScanner struct {
	text  []byte
	lower []byte
}

// next returns the next word, or nil. A word without capitals is a piece of the text, otherwise of lower.
func (w *wordScanner) next() []byte {
	t := w.text
	i := 0
	for i < len(t) && wordByte(t[i]) == 0 {
		i++
	}
	if i == len(t) {
		w.text = nil
		return nil
	}
	j := i
	unlike := byte(0) // of the word in lower case; not 0: it has capitals
	for ; j < len(t); j++ {
		c := wordByte(t[j])
		if c == 0 {
			break
		}
		unlike |= c ^ t[j]
	}
	word := t[i:j]
	w.text = t[j:]
	if unlike == 0 {
		return word
	}
	w.lower = w.lower[:0]
	for _, c := range word {
		w.lower = append(w.lower, wordByte(c))
	}
	return w.lower
}

// Separates reports whether a byte stands between words.
func Separates(c byte) bool { return wordByte(c) == 0 }

// wordBytes is what wordByte returns for each byte: a look into it takes half the time of asking what a byte is.
const wordBytes = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x000123456789\x00\x00\x00\x00\x00\x00" +
	"\x00abcdefghijklmnopqrstuvwxyz\x00\x00\x00\x00_" +
	"\x00abcdefghijklmnopqrstuvwxyz\x00\x00\x00\x00\x00" +
	"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f" +
	"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf" +
	"\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf" +
	"\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff"

// wordByte returns a word's byte in lower case, or 0 for what separates words.
func wordByte(c byte) byte { return wordBytes[c] }

// bodyWords adds the words of the bodies that textSection has just written to the token filter, and what lies within those that are lists or maps.
func (e *encoder) bodyWords(t *table.Builder) {
	body := table.ReservedKey(table.KeyOf(TextBody))
	seed := table.KeySeed(table.SeedWord, body) + uint64(String)
	for _, id := range e.values.Distinct() {
		v := &t.Values[id]
		switch v.Type {
		case String:
			e.words.text = v.Raw
		case Array, Map:
			e.line = otlp.AppendText(e.line[:0], v.OTLP(), "")
			e.words.text = e.line
			e.leafTokens(table.SeedField, body, v)
		case Empty, Bool, Int, Double, Bytes:
			continue
		}
		for w := e.words.next(); w != nil; w = e.words.next() {
			e.tokens.Add(xxh3.HashSeed(w, seed))
		}
	}
}

// MaxTokenPath is how long a key with the path to a leaf may be, in bytes, for the leaf to be in a token filter: a longer one is not worth the
// hashing, which takes all of it for each leaf.
const MaxTokenPath = limits.TokenPath

// leafTokens adds tokens of what lies within a list or a map under a key: of each value that is neither, under the key with the path to it.
func (e *encoder) leafTokens(scope uint64, key string, v *Value) {
	if v.Type == Array || v.Type == Map {
		e.path = append(e.path[:0], key...)
		e.leaves(scope, v.OTLP())
	}
}

// leaves adds those of what v, at e.path, holds: the members of a map after a dot and their key, the elements of a list where the list is.
func (e *encoder) leaves(scope uint64, v otlp.Value) {
	n := len(e.path)
	for in := v.Elements(); in.Next(); {
		if v.Type == Map {
			e.path = append(append(e.path[:n], '.'), in.Key...)
		}
		switch {
		case len(e.path) > MaxTokenPath:
		case in.Value.Type == Array || in.Value.Type == Map:
			e.leaves(scope, in.Value)
		default:
			e.tokens.Add(table.HashValue(xxh3.HashSeed(e.path, scope), in.Value.Type, in.Value.Num, in.Value.Raw))
		}
	}
	e.path = e.path[:n]
}
