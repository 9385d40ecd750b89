package segment

import "encoding/binary"

// Wire types of protobuf.
const (
	wireVarint = 0
	wireI64    = 1
	wireLen    = 2
	wireGroup  = 3
	wireEnd    = 4
	wireI32    = 5
)

// What next returns instead of a position when a message is damaged.
const (
	wireTruncated = -1 - iota
	wireOverflow
	wireBadField
	wireBadType
	wireEndGroup
	wireBadGroup
)

// maxNesting bounds AnyValues within AnyValues and groups within groups, so that a hostile payload cannot exhaust the stack.
// It is the limit of the C++ and Java protobuf parsers.
const maxNesting = 100

// next reads the field at b[i:]. tag is number<<3 | wire type; a scalar comes in num, a length-delimited field in data; a whole
// unknown group is skipped as one field. end is the position after the field, or a negative wire… code.
func next(b []byte, i int) (tag uint64, num uint64, data []byte, end int) {
	c := b[i] // callers loop while i < len(b)
	i++
	tag = uint64(c)
	if c >= 0x80 {
		if tag, i = varint(b, i-1); i < 0 {
			return 0, 0, nil, i
		}
		number := int32(tag >> 3) // as every generated parser does: higher bits are cut off
		if number <= 0 {
			return 0, 0, nil, wireBadField
		}
		tag = uint64(number)<<3 | tag&7
	} else if c < 8 {
		return 0, 0, nil, wireBadField
	}
	switch tag & 7 {
	case wireLen:
		if i >= len(b) {
			return 0, 0, nil, wireTruncated
		}
		n := uint64(b[i])
		i++
		if n >= 0x80 {
			if n, i = varint(b, i-1); i < 0 {
				return 0, 0, nil, i
			}
		}
		if n > uint64(len(b)-i) {
			return 0, 0, nil, wireTruncated
		}
		return tag, 0, b[i : i+int(n) : i+int(n)], i + int(n)
	case wireVarint:
		if num, i = varint(b, i); i < 0 {
			return 0, 0, nil, i
		}
		return tag, num, nil, i
	case wireI64:
		if len(b)-i < 8 {
			return 0, 0, nil, wireTruncated
		}
		return tag, binary.LittleEndian.Uint64(b[i:]), nil, i + 8
	case wireI32:
		if len(b)-i < 4 {
			return 0, 0, nil, wireTruncated
		}
		return tag, uint64(binary.LittleEndian.Uint32(b[i:])), nil, i + 4
	case wireGroup:
		if i = skipGroup(b, i); i < 0 {
			i = wireBadGroup
		}
		return tag, 0, nil, i
	case wireEnd:
		return 0, 0, nil, wireEndGroup
	}
	return 0, 0, nil, wireBadType
}

// varint reads a varint at b[i:]; the position returned is negative on damage. Bits beyond 64 are cut off, as generated parsers do.
func varint(b []byte, i int) (uint64, int) {
	var v uint64
	for shift := uint(0); shift < 64; shift += 7 {
		if i >= len(b) {
			return 0, wireTruncated
		}
		c := b[i]
		i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i
		}
	}
	return 0, wireOverflow
}

// skipGroup returns the position after the group whose start tag ended at i.
func skipGroup(b []byte, i int) int {
	for depth := 1; depth > 0; {
		if i >= len(b) {
			return wireTruncated
		}
		tag, j := varint(b, i)
		if j < 0 {
			return j
		}
		if int32(tag>>3) <= 0 {
			return wireBadField
		}
		switch tag & 7 {
		case wireGroup:
			depth++
			i = j
		case wireEnd:
			depth--
			i = j
		default:
			if _, _, _, i = next(b, i); i < 0 {
				return i
			}
		}
	}
	return i
}

func wireReason(code int) string {
	switch code {
	case wireTruncated:
		return "truncated"
	case wireOverflow:
		return "varint longer than 64 bits"
	case wireBadField:
		return "illegal field number"
	case wireBadGroup:
		return "damaged group"
	case wireEndGroup:
		return "end of a group that was not begun"
	}
	return "illegal wire type"
}

func appendUvarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }
