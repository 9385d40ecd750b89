// Package otlp is what this repository knows about OTLP: how protobuf stands on the wire (wire.go), which field of which message has
// which number (tags.go), what an attribute's value holds and how deep it may be nested (value.go), and what its numbers and names mean
// (meaning.go). It is pure, imports nothing of ours, and allocates nothing.
//
// Sources: https://protobuf.dev/programming-guides/encoding and https://github.com/open-telemetry/opentelemetry-proto.
package otlp

import (
	"encoding/binary"
	"math/bits"
)

// Tag begins a field on the wire: the field's number shifted left by three, with its wire type in the low bits.
type Tag uint32

// The wire types of protobuf that OTLP uses. Groups (3 and 4) are none of them: no OTLP message ever had one, and the Collector's
// decoder refuses those with content, so that they are refused everywhere.
const (
	Varint = 0
	I64    = 1
	Len    = 2
	I32    = 5
)

// Number is the field's number.
func (t Tag) Number() uint32 { return uint32(t >> 3) }

// Wire is the field's wire type.
func (t Tag) Wire() uint32 { return uint32(t & 7) }

// Fields is a set of field numbers below 64: those that a message has.
type Fields uint64

// Has reports whether the set holds the number of a tag. A reader calls it for a tag that it does not expect: a number that the message
// has stands there with a wrong wire type, which is an error; another number is a field from the future, which is skipped.
func (f Fields) Has(t Tag) bool { return t < 64<<3 && f>>(t>>3)&1 != 0 }

// Problem is what is wrong with a message; the zero value is nothing.
type Problem uint8

// The problems. The first four are of the wire format, the others of what OTLP puts on it.
const (
	Fine        Problem = iota
	Truncated           // the data ends inside a field
	BadVarint           // a varint of more than 64 bits
	BadTag              // a field number of 0 or beyond 29 bits
	BadWireType         // a wire type that OTLP does not use
	WrongType           // a known field with the wire type of another
	TooDeep             // more than MaxNesting lists and maps in one another
)

// String says what is wrong, for the sender.
func (p Problem) String() string {
	switch p {
	case Truncated:
		return "the data ends inside a field"
	case BadVarint:
		return "a varint is longer than 64 bits"
	case BadTag:
		return "a field number is out of range"
	case BadWireType:
		return "a wire type is unknown"
	case WrongType:
		return "a field has the wrong wire type"
	case TooDeep:
		return "values are nested too deep (limit 64)"
	case Fine:
	}
	return "fine"
}

// Next reads the field that starts at b[i] (i < len(b)): its tag, and where its value lies. b[s:e] is the content of a length-delimited
// field, without its length, and the bytes of a number: Number, Fixed64 and Fixed32 read it. The next field starts at e. On a problem, s is
// where it is.
func Next(b []byte, i int) (tag Tag, s, e int, p Problem) {
	tag = Tag(b[i])
	i++
	if tag >= 0x80 {
		if i < len(b) && b[i] < 0x80 { // numbers from 16 on, of which a span has one
			tag = tag&0x7f | Tag(b[i])<<7
			i++
		} else if tag, i, p = longTag(b, i-1); p != Fine {
			return 0, i, 0, p
		}
	}
	if tag < 1<<3 {
		return 0, i - 1, 0, BadTag
	}
	switch tag & 7 {
	case Len:
		if i >= len(b) {
			return 0, i, 0, Truncated
		}
		n := uint64(b[i])
		i++
		if n >= 0x80 {
			if n, i, p = Uvarint(b, i-1); p != Fine {
				return 0, i, 0, p
			}
		}
		if n > uint64(len(b)-i) { //nolint:gosec // i ≤ len(b)
			return 0, i, 0, Truncated
		}
		return tag, i, i + int(n), Fine //nolint:gosec // n ≤ len(b)
	case Varint:
		for j := i; j < len(b); j++ {
			if b[j] < 0x80 {
				if j-i == 9 && b[j] > 1 {
					return 0, i, 0, BadVarint
				}
				return tag, i, j + 1, Fine
			}
			if j-i == 9 {
				return 0, i, 0, BadVarint
			}
		}
		return 0, i, 0, Truncated
	case I64:
		if len(b)-i < 8 {
			return 0, i, 0, Truncated
		}
		return tag, i, i + 8, Fine
	case I32:
		if len(b)-i < 4 {
			return 0, i, 0, Truncated
		}
		return tag, i, i + 4, Fine
	}
	return 0, i, 0, BadWireType
}

// Number is the value of the varint at b[i], of which Next has seen the end.
func Number(b []byte, i int) uint64 {
	if b[i] < 0x80 {
		return uint64(b[i])
	}
	return longNumber(b, i)
}

//go:noinline
func longNumber(b []byte, i int) uint64 { // apart, so that Number is inlined
	v, _, _ := Uvarint(b, i)
	return v
}

// Fixed64 is the value at b[i] of an I64 field.
func Fixed64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// Fixed32 is the value at b[i] of an I32 field.
func Fixed32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

// longTag reads a tag of more than one byte.
func longTag(b []byte, i int) (tag Tag, next int, p Problem) {
	v, next, p := Uvarint(b, i)
	if p != Fine {
		return 0, next, p
	}
	if v >= 1<<32 {
		return 0, i, BadTag
	}
	return Tag(v), next, Fine
}

// Uvarint reads a varint at b[i:] and returns where it ends; on a problem, where that is.
func Uvarint(b []byte, i int) (v uint64, next int, p Problem) {
	for shift := uint(0); shift < 70; shift += 7 {
		if i >= len(b) {
			return 0, i, Truncated
		}
		c := b[i]
		i++
		if shift == 63 && c > 1 {
			return 0, i, BadVarint
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i, Fine
		}
	}
	return 0, i, BadVarint
}

// Short reports whether b[i:] (i < len(b)) begins with a whole field of the given one-byte tag and fewer than 128 bytes of content; it is b[i+2:end].
// It is inlined: most of what comes are short attributes, and to see that without calling Next saves a twentieth of a walk.
func Short(b []byte, i int, tag Tag) (end int, ok bool) {
	if Tag(b[i]) != tag || i+1 >= len(b) {
		return 0, false
	}
	end = i + 2 + int(b[i+1])
	return end, b[i+1] < 0x80 && end <= len(b)
}

// AppendUvarint appends v in the shortest form.
func AppendUvarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// AppendTag appends a field's tag.
func AppendTag(b []byte, t Tag) []byte { return AppendUvarint(b, uint64(t)) }

// AppendBytes appends a length-delimited field.
func AppendBytes[T []byte | string](b []byte, t Tag, content T) []byte {
	b = AppendUvarint(AppendTag(b, t), uint64(len(content)))
	return append(b, content...)
}

// UvarintLen is the length of v's shortest form.
func UvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// Sint32 is the value of a sint32 field: of its bits, those beyond the 32nd are cut off, as every generated decoder does.
func Sint32(num uint64) int32 { return int32(uint32(num)>>1) ^ -int32(num&1) } //nolint:gosec // cut off

// FromSint32 is what a sint32 field of the value holds.
func FromSint32(v int32) uint64 { return uint64(uint32(v)<<1 ^ uint32(v>>31)) } //nolint:gosec // bits
