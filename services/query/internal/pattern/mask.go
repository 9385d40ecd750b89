// Package pattern groups log records by what their texts have in common: a template, in which placeholders stand for what varies.
//
//	body ─ mask ─> shape and words ─ Set ─> patterns: lines of one shape, whose words are told or stand for any
//
// Numbers, times, addresses and the like are told by how they look, in one walk over a text. Words that vary are found by how many different ones stand in a
// place: as in Drain (He, Zhu, Zheng, Lyu: "Drain: an online log parsing approach with fixed depth tree", ICWS 2017) lines are divided by a tree of fixed depth, of their shape
// and their first word. What Drain decides by the order in which lines come, this decides by sets that only grow. Invariant: what comes of some lines
// does not depend on their order, nor on the segments that they are in, as long as nothing had to be made coarser.
package pattern

import (
	"bytes"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// Bounds of what is looked at of a text; what follows is Any.
const (
	mostBytes = 512
	mostWords = 48
	mostKeys  = 32 // of a map
)

// Placeholders. Any stands for one word or more of any kind.
const (
	Any    = "<*>"
	Number = "<number>"
	UUID   = "<uuid>"
	Hex    = "<hex>"
	IP     = "<ip>"
	Time   = "<time>"
	Quoted = "<quoted>"
)

// word stands in a shape where a word is.
const word = 0

// form is a text without what varies by how it looks.
type form struct {
	shape string   // with a word byte in the place of each word
	words []string // that stand there
}

// formOf is the form of a body: of a text, of the text that a map (or JSON object in a text) has as its message, else of its keys.
func formOf(v segment.Value) form {
	switch v.Type {
	case segment.String:
		if message, keys, is := object(v.Raw); is {
			return ofObject(message, keys)
		}
		return mask(v.Raw)
	case segment.Map:
		var message []byte
		var keys []string
		for e := v.OTLP().Elements(); e.Next(); {
			if e.Value.Type == otlp.String && message == nil && isMessage(e.Key) {
				message = e.Value.Raw
			}
			keys = append(keys, string(e.Key))
		}
		return ofObject(message, keys)
	}
	return mask(otlp.AppendText(nil, v.OTLP(), ""))
}

// isMessage reports whether a key is that of a text for people.
func isMessage(key []byte) bool {
	for _, name := range []string{"message", "msg", "event"} {
		if len(key) == len(name) && strings.EqualFold(string(key), name) {
			return true
		}
	}
	return false
}

func ofObject(message []byte, keys []string) form {
	if len(bytes.TrimSpace(message)) > 0 {
		return mask(message)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	b := []byte("{")
	for i, key := range keys[:min(len(keys), mostKeys)] {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(append(b, clean(key)...), ": "+Any...)
	}
	if len(keys) > mostKeys {
		b = append(b, ", "+Any...)
	}
	return form{shape: string(append(b, '}'))}
}

// clean is a text without the byte that stands for words.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", " ") }

// object reads the keys of a JSON object, and the text of the first that is a message; false for what is none. What lies deeper is passed over.
func object(b []byte) (message []byte, keys []string, is bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return nil, nil, false
	}
	depth, isKey := 0, false
	var key []byte
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
			isKey = depth == 1
		case '}', ']':
			depth--
		case ',':
			isKey = depth == 1
		case '"':
			end := i + 1
			for ; end < len(b) && b[end] != '"'; end++ {
				if b[end] == '\\' {
					end++
				}
			}
			if end >= len(b) {
				return nil, nil, false
			}
			text := b[i+1 : end]
			i = end
			switch {
			case depth != 1:
			case isKey:
				key, isKey = text, false
				keys = append(keys, string(text))
			case message == nil && isMessage(key):
				message = text
			}
		}
	}
	return message, keys, depth == 0
}

// mask finds what varies by how it looks.
func mask(b []byte) form {
	var f form
	whole := len(b)
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	if len(b) > mostBytes {
		b = b[:mostBytes]
	}
	shape := make([]byte, 0, len(b)+16)
	cut := len(b) < whole
	for i := 0; i < len(b); {
		c := b[i]
		if !isWord(c) {
			switch {
			case c == '"':
				if end := quotedAt(b[i:]); end > 0 {
					shape = append(shape, Quoted...)
					i += end
					continue
				}
				shape = append(shape, c)
			case c == ':' && addressAt(b[i:]) > 0:
				shape = append(shape, IP...)
				i += addressAt(b[i:])
				continue
			case c <= ' ':
				if len(shape) == 0 || shape[len(shape)-1] != ' ' {
					shape = append(shape, ' ')
				}
			default:
				shape = append(shape, c)
			}
			i++
			continue
		}
		if len(f.words) == mostWords {
			cut = true
			break
		}
		placeholder, n := special(b[i:])
		if n == 0 {
			n = 1
			for i+n < len(b) && isWord(b[i+n]) {
				n++
			}
			placeholder, n = wordAt(b[i:], n)
		}
		if placeholder == "" {
			shape = append(shape, word)
			f.words = append(f.words, string(b[i:i+n]))
		} else {
			shape = append(shape, placeholder...)
		}
		i += n
	}
	shape = bytes.TrimRight(shape, " ")
	if cut {
		shape = append(shape, ' ')
		shape = append(shape, Any...)
	}
	f.shape = string(shape)
	return f
}

func isWord(c byte) bool { return isDigit(c) || isLetter(c) || c == '_' || c >= 0x80 }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// like is how long a text is that begins as a pattern says: d is a digit, a a letter, h a hexadecimal digit, a blank any blanks; 0 where it does not.
func like(b []byte, pattern string) int {
	n := 0
	for i := range len(pattern) {
		if n >= len(b) {
			return 0
		}
		ok := b[n] == pattern[i]
		switch pattern[i] {
		case 'd':
			ok = isDigit(b[n])
		case 'a':
			ok = isLetter(b[n])
		case 'h':
			ok = isHex(b[n])
		case ' ':
			for ok && n+1 < len(b) && b[n+1] == ' ' {
				n++
			}
		}
		if !ok {
			return 0
		}
		n++
	}
	return n
}

// ends reports whether no word goes on after n bytes.
func ends(b []byte, n int) bool { return n >= len(b) || !isWord(b[n]) }

// special is what of several words is one thing, and how long it is.
func special(b []byte) (placeholder string, n int) {
	if n := timeAt(b); n > 0 && ends(b, n) {
		return Time, n
	}
	if n := like(b, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"); n > 0 && ends(b, n) {
		return UUID, n
	}
	if n := addressAt(b); n > 0 {
		return IP, n
	}
	return "", 0
}

// timeAt is how long the instant, date or time of day is that a text begins with.
func timeAt(b []byte) int {
	n := max(like(b, "dddd-dd-dd"), like(b, "dddd/dd/dd"))
	if n > 0 {
		for _, between := range []string{"T", " ", ", "} {
			if rest := like(b[n:], between+"dd:dd:dd"); rest > 0 {
				return n + rest + zoneAt(b[n+rest:])
			}
		}
		return n
	}
	for _, pattern := range []string{"dd/aaa/dddd:dd:dd:dd", "dd:dd:dd", "aaa dd dd:dd:dd", "aaa d dd:dd:dd", "adddd dd:dd:dd"} {
		if n := like(b, pattern); n > 0 {
			return n + zoneAt(b[n:])
		}
	}
	return 0
}

// zoneAt is how long a fraction of a second and a zone are that a text begins with.
func zoneAt(b []byte) (n int) {
	if like(b, ".d") > 0 || like(b, ",d") > 0 {
		for n = 2; n < len(b) && isDigit(b[n]); n++ {
		}
	}
	if n < len(b) && b[n] == 'Z' {
		return n + 1
	}
	for _, zone := range []string{"+dd:dd", "-dd:dd", "+dddd", "-dddd", " +dddd", " -dddd", " UTC", " GMT"} {
		if rest := like(b[n:], zone); rest > 0 && ends(b, n+rest) {
			return n + rest
		}
	}
	return n
}

// addressAt is how long the address is that a text begins with, with its port: an IPv4 address, or an IPv6 address with a double colon or seven single ones.
func addressAt(b []byte) int {
	n, groups := 0, 0
	for groups < 4 {
		from := n
		for n < len(b) && n-from < 3 && isDigit(b[n]) {
			n++
		}
		if n == from {
			break
		}
		groups++
		if groups == 4 || n >= len(b) || b[n] != '.' {
			break
		}
		n++
	}
	if groups == 4 && ends(b, n) {
		if port := like(b[n:], ":d"); port > 0 {
			for n += port; n < len(b) && isDigit(b[n]); n++ {
			}
		}
		return n
	}
	colons, doubled, digits := 0, false, 0
	for n = 0; n < len(b) && (isHex(b[n]) || b[n] == ':'); n++ {
		if b[n] == ':' {
			colons++
			doubled = doubled || n > 0 && b[n-1] == ':'
		} else {
			digits++
		}
	}
	if digits > 0 && ends(b, n) && (colons == 7 || doubled && colons >= 2 && colons < 8) {
		return n
	}
	return 0
}

// quotedAt is how long a quoted text without blanks is, with its quotes: it names something, where one with blanks says something.
func quotedAt(b []byte) int {
	for n := 1; n < len(b); n++ {
		switch {
		case b[n] == '"' && n > 1:
			return n + 1
		case b[n] == '"' || b[n] <= ' ':
			return 0
		case b[n] == '\\':
			n++
		}
	}
	return 0
}

// mostUnit is how long the unit after a number is at most.
const mostUnit = 3

// wordAt is what the word of n bytes that a text begins with is told as ("": as itself), and how long it is with the fraction of a number.
func wordAt(b []byte, n int) (placeholder string, length int) {
	digits := 0
	for digits < n && isDigit(b[digits]) {
		digits++
	}
	switch {
	case !bytes.ContainsFunc(b[:n], func(r rune) bool { return r >= '0' && r <= '9' }):
		return "", n
	case digits == n && like(b[n:], ".d") > 0:
		from := n + 1
		for n = from; n < len(b) && isDigit(b[n]); n++ {
		}
		unit := n
		for n < len(b) && isWord(b[n]) {
			n++
		}
		if n-unit > mostUnit {
			return Any, n
		}
		return Number + string(b[unit:n]), n
	case digits == n:
		return Number, n
	case like(b, "0xh") > 0 && allHex(b[2:n]), n >= 6 && allHex(b[:n]):
		return Hex, n
	case digits > 0 && n-digits <= mostUnit && !bytes.ContainsFunc(b[digits:n], func(r rune) bool { return r >= '0' && r <= '9' || r == '_' }):
		return Number + string(b[digits:n]), n
	}
	return Any, n
}

func allHex(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return !isHex(c) }) }
