package telemetry

import (
	"math/bits"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// A tag is a field's number shifted left by three, with its wire type in the low bits.
const (
	wireVarint = 0
	wireI64    = 1
	wireLen    = 2
	wireI32    = 5
)

// problem is what is wrong with the bytes of one field; the zero value is nothing.
type problem uint8

const (
	fine problem = iota
	truncated
	badVarint
	badTag
	badWireType
)

func (p problem) String() string {
	switch p {
	case truncated:
		return "the data ends inside a field"
	case badVarint:
		return "a varint is longer than 64 bits"
	case badTag:
		return "a field number is out of range"
	case badWireType:
		return "a wire type is unknown"
	case fine:
	}
	return "fine"
}

// field reads the protobuf field that starts at b[i] and ends before end (i < end). The value is b[s:e] (a varint's own bytes for
// varints, the content without its length for length-delimited fields), the next field starts at e.
func field(b []byte, i, end int) (tag uint32, s, e int, p problem) {
	b = b[:end]
	tag = uint32(b[i])
	i++
	if tag >= 0x80 {
		if tag, i, p = longTag(b, i-1); p != fine {
			return 0, i, 0, p
		}
	}
	if tag < 1<<3 {
		return 0, i - 1, 0, badTag
	}
	switch tag & 7 {
	case wireVarint:
		for j := i; j < len(b); j++ {
			if b[j] < 0x80 {
				if j-i == 9 && b[j] > 1 {
					return 0, i, 0, badVarint
				}
				return tag, i, j + 1, fine
			}
			if j-i == 9 {
				return 0, i, 0, badVarint
			}
		}
		return 0, i, 0, truncated
	case wireI64:
		if len(b)-i < 8 {
			return 0, i, 0, truncated
		}
		return tag, i, i + 8, fine
	case wireLen:
		if i >= len(b) {
			return 0, i, 0, truncated
		}
		n := uint64(b[i])
		i++
		if n >= 0x80 {
			if n, i, p = uvarint(b, i-1); p != fine {
				return 0, i, 0, p
			}
		}
		if n > uint64(len(b)-i) { //nolint:gosec // i ≤ len(b)
			return 0, i, 0, truncated
		}
		return tag, i, i + int(n), fine //nolint:gosec // n ≤ len(b)
	case wireI32:
		if len(b)-i < 4 {
			return 0, i, 0, truncated
		}
		return tag, i, i + 4, fine
	}
	return 0, i, 0, badWireType // groups, which OTLP never used, included
}

// longTag reads a tag of more than one byte.
func longTag(b []byte, i int) (tag uint32, next int, p problem) {
	v, next, p := uvarint(b, i)
	if p != fine {
		return 0, next, p
	}
	if v >= 1<<32 {
		return 0, i, badTag
	}
	return uint32(v), next, fine
}

// uvarint reads a varint at b[i:].
func uvarint(b []byte, i int) (v uint64, next int, p problem) {
	for shift := uint(0); shift < 70; shift += 7 {
		if i >= len(b) {
			return 0, i, truncated
		}
		c := b[i]
		i++
		if shift == 63 && c > 1 {
			return 0, i, badVarint
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i, fine
		}
	}
	return 0, i, badVarint
}

// appendUvarint appends v in the shortest form.
func appendUvarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// uvarintLen is the length of v's shortest form.
func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// wireError says what is wrong with a request and where. It is made only when something is wrong: the walk itself allocates nothing.
type wireError struct {
	offset int
	path   string
	what   string
}

func malformed(offset int, what string) *wireError { return &wireError{offset: offset, what: what} }

func broken(offset int, p problem) *wireError { return malformed(offset, p.String()) }

func wrongType(offset int, tag uint32) *wireError {
	return malformed(offset, "field "+strconv.Itoa(int(tag>>3))+" has the wrong wire type "+strconv.Itoa(int(tag&7)))
}

// in puts the name of the enclosing message before the path, on the way up.
func (e *wireError) in(name string) *wireError {
	if e.path == "" {
		e.path = name
	} else {
		e.path = name + "." + e.path
	}
	return e
}

func (e *wireError) inNth(name string, n int) *wireError {
	return e.in(name + "[" + strconv.Itoa(n) + "]")
}

func (e *wireError) fault() error {
	where := e.path
	if where == "" {
		where = "request"
	}
	return fault.Newf(fault.Invalid, "otlp.malformed", "not a valid OTLP request: %s: %s (byte %d)", where, e.what, e.offset)
}
