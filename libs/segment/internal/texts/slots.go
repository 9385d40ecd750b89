// The slots of templates (docs/segment-format.md, section 7): what may stand in one, and how it is read back.

package texts

import (
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

// Slots of a template; any other byte stands for itself. Strings that contain one of these bytes are stored plainly.
const (
	slotNumber = 0 // a decimal number without leading zeros, at most 18 digits
	slotPadded = 1 // a decimal number of the width in the next byte, 1 to 18, with leading zeros; above 18, a serial number in lower case
	slotHex    = 2 // lower-case hexadecimal of the width in the next byte, 1 to 16; above 16, a serial number in upper case
	slotUUID   = 3 // a UUID in its canonical lower-case form: two numbers
	lastSlot   = slotUUID

	randomUUID = 31 // after slotHex: a UUID of version 4 without the bits that tell so, as two numbers
)

const (
	maxDigits    = limits.TemplateDigits
	maxHex       = limits.TemplateHex
	serialDigits = limits.TemplateSerial
	minSerial    = 10 // characters of a serial number; what is shorter is a name as likely as not
	minHex       = 8  // shorter runs of hexadecimal digits are words as likely as not
	uuidLength   = 36
)

// countSlots returns how many numbers a template takes, or -1 if it is damaged, and how many bytes a string of it has at least. A string has at
// most 19 times as many, the digits of the largest number.
func countSlots(tpl []byte) (n, least int) {
	for i := 0; i < len(tpl); i++ {
		switch tpl[i] {
		case slotNumber:
			n++
			least++
		case slotUUID:
			n += 2
			least += uuidLength
		case slotPadded, slotHex:
			i++
			if i == len(tpl) {
				return -1, 0
			}
			if isRandomUUID(tpl[i-1:]) {
				n += 2
				least += uuidLength
				continue
			}
			_, width := digitsOf(tpl[i-1], tpl[i])
			if width == 0 {
				return -1, 0
			}
			n++
			least += width
		default:
			least++
		}
	}
	return n, least
}

// digits is how a number of fixed width is written.
type digits uint8

const (
	decimal digits = iota
	hexadecimal
	lowerSerial // digits, then lower-case letters, of base 36
	upperSerial // the same in upper case
)

func (d digits) base() uint64 { return [...]uint64{10, 16, 36, 36}[d] }

// digit is the number of a digit; base or more where it is none.
func (d digits) digit(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c >= 'a' && c <= 'z' && d != upperSerial && d != decimal:
		return uint64(c-'a') + 10
	case c >= 'A' && c <= 'Z' && d == upperSerial:
		return uint64(c-'A') + 10
	}
	return d.base()
}

// slotOf is the slot of a number of fixed width, and the byte after it.
func (d digits) slotOf(width int) (slot, next byte) {
	return [...]byte{slotPadded, slotHex, slotPadded, slotHex}[d], byte([...]int{0, 0, maxDigits, maxHex}[d] + width)
}

// digitsOf is what a slot of a number of fixed width holds, by the byte after it; width 0 where it is damaged.
func digitsOf(slot, next byte) (d digits, width int) {
	d, limit := decimal, maxDigits
	if slot == slotHex {
		d, limit = hexadecimal, maxHex
	}
	if width = int(next); width > limit {
		d, width = d+2, width-limit
		if width > serialDigits {
			return d, 0
		}
	}
	return d, width
}

// appendPadded writes v in width digits; false if it has more.
func appendPadded(b []byte, v uint64, width int, d digits) ([]byte, bool) {
	n := len(b)
	for range width {
		b = append(b, '0')
	}
	if d == hexadecimal {
		if bits.Len64(v) > 4*width {
			return b, false
		}
		for i := n + width - 1; v != 0; i-- {
			b[i] = "0123456789abcdef"[v&15]
			v >>= 4
		}
		return b, true
	}
	base := d.base()
	for i := n + width - 1; v != 0; i-- {
		if i < n {
			return b, false
		}
		c := byte('0' + v%base)
		if c > '9' {
			if c += 'a' - '0' - 10; d == upperSerial {
				c -= 'a' - 'A'
			}
		}
		b[i] = c
		v /= base
	}
	return b, true
}

// appendUUID writes a UUID.
func appendUUID(b []byte, hi, lo uint64) []byte {
	for k, part := range [...]uint64{hi >> 32, hi >> 16 & 0xffff, hi & 0xffff, lo >> 48, lo & (1<<48 - 1)} {
		if k > 0 {
			b = append(b, '-')
		}
		b, _ = appendPadded(b, part, [...]int{8, 4, 4, 4, 12}[k], hexadecimal)
	}
	return b
}

// slotLength is how many bytes of a template the slot at tpl[0] takes.
func slotLength(c byte) int {
	if c == slotPadded || c == slotHex {
		return 2
	}
	return 1
}

// fits tells whether c can stand in the slot that a template begins with.
func fits(tpl []byte, c byte) bool {
	switch tpl[0] {
	case slotUUID:
		return c == '-' || hexadecimal.digit(c) < hexadecimal.base()
	case slotPadded, slotHex:
		if isRandomUUID(tpl) {
			return fits([]byte{slotUUID}, c)
		}
		d, _ := digitsOf(tpl[0], tpl[1]) //nolint:gosec // countSlots has seen that a byte follows
		return d.digit(c) < d.base()
	}
	return c >= '0' && c <= '9'
}

func hexNumber(s []byte) uint64 {
	n := uint64(0)
	for _, b := range s {
		n = n<<4 | uint64(b&15+b>>6*9) // 'a' is 0x61
	}
	return n
}

// isRandomUUID tells whether a template begins with the slot of a UUID of version 4.
func isRandomUUID(tpl []byte) bool { return tpl[0] == slotHex && tpl[1] == randomUUID }

// A UUID of version 4 has a 4 as its 13th digit, and the variant, two bits, before its 17th.
const (
	version  = 4
	variant  = 2
	lowBits  = 62 // beside the variant
	lowMask  = 1<<lowBits - 1
	restBits = 12 // of the high half, after the version
	restMask = 1<<restBits - 1
)

// random takes the version and variant from the numbers of a UUID; false if it has others.
func random(hi, lo uint64) (_, _ uint64, ok bool) {
	return hi>>(restBits+4)<<restBits | hi&restMask, lo & lowMask, hi>>restBits&15 == version && lo>>lowBits == variant
}

// randomNumbers is the numbers of a UUID from which random has taken some bits.
func randomNumbers(hi, lo uint64) (_, _ uint64) {
	return hi>>restBits<<(restBits+4) | version<<restBits | hi&restMask, variant<<lowBits | lo&lowMask
}

func uuidNumbers(s []byte) (hi, lo uint64) {
	hi = hexNumber(s[:8])<<32 | hexNumber(s[9:13])<<16 | hexNumber(s[14:18])
	return hi, hexNumber(s[19:23])<<48 | hexNumber(s[24:36])
}

// numberOf is the number that digits are; false if there are others among them.
func (d digits) numberOf(s []byte) (v uint64, ok bool) {
	base := d.base()
	for _, c := range s {
		n := d.digit(c)
		if n >= base {
			return 0, false
		}
		v = v*base + n
	}
	return v, true
}

// canonicalUUID tells whether s begins with a UUID in its lower-case form.
func canonicalUUID(s []byte) bool {
	if len(s) < uuidLength {
		return false
	}
	for i, c := range s[:uuidLength] {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if hexadecimal.digit(c) >= hexadecimal.base() {
			return false
		}
	}
	return true
}
