package schema

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// How text of senders stands in the database. Whoever writes or looks up a text column asks here.

// MaxName bounds the names in dimension tables, in bytes: an index entry takes no more than 2,704. The segment keeps all of it.
const MaxName = 1024

// Name is how the name of a service or a metric stands in its dimension table: as Text, cut to MaxName at a rune. Two names may stand
// there alike: what is looked up by it is to be compared with the whole name.
func Name(s string) string {
	s = Text(s)
	if len(s) <= MaxName {
		return s
	}
	end := MaxName
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end]
}

// Text is s as PostgreSQL takes it in text and jsonb: NUL becomes the six visible characters \u0000, an invalid byte U+FFFD.
func Text(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return string(AppendText(nil, []byte(s)))
}

// AppendText appends raw as Text gives it.
func AppendText(dst, raw []byte) []byte {
	if utf8.Valid(raw) && bytes.IndexByte(raw, 0) < 0 {
		return append(dst, raw...)
	}
	for i := 0; i < len(raw); {
		if raw[i] == 0 {
			dst = append(dst, `\u0000`...)
			i++
			continue
		}
		r, n := utf8.DecodeRune(raw[i:])
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}
