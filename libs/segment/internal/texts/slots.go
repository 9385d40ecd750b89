// The slots of templates (docs/segment-format.md, section 7): what may stand in one, and how it is read back.

package texts

import (
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

// Slots of a template; any other byte stands for itself. Strings that contain one of these bytes are stored plainly.
const (
	slotNumber = 0 // a decimal number without leading zeros, at most 18 digits
	slotPadded = 1 // a decimal number of the width in the next byte, with leading zeros
	slotHex    = 2 // lower-case hexadecimal of the width in the next byte, 1 to 16
	slotUUID   = 3 // a UUID in its canonical lower-case form: two numbers
	lastSlot   = slotUUID
)

const (
	maxDigits  = limits.TemplateDigits
	maxHex     = limits.TemplateHex
	minHex     = 8 // shorter runs of hexadecimal digits are words as likely as not
	uuidLength = 36
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
			limit := maxDigits
			if tpl[i-1] == slotHex {
				limit = maxHex
			}
			if i == len(tpl) || tpl[i] == 0 || int(tpl[i]) > limit {
				return -1, 0
			}
			n++
			least += int(tpl[i])
		default:
			least++
		}
	}
	return n, least
}

// appendPadded writes v in width digits; false if it has more.
func appendPadded(b []byte, v uint64, width, base int) ([]byte, bool) {
	n := len(b)
	for range width {
		b = append(b, '0')
	}
	if base == 16 {
		if bits.Len64(v) > 4*width {
			return b, false
		}
		for i := n + width - 1; v != 0; i-- {
			b[i] = "0123456789abcdef"[v&15]
			v >>= 4
		}
		return b, true
	}
	for i := n + width - 1; v != 0; i-- {
		if i < n {
			return b, false
		}
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return b, true
}

// slotLength is how many bytes of a template the slot at tpl[0] takes.
func slotLength(c byte) int {
	if c == slotPadded || c == slotHex {
		return 2
	}
	return 1
}

// fits tells whether c can stand in a slot.
func fits(slot, c byte) bool {
	switch {
	case c >= '0' && c <= '9':
		return true
	case c >= 'a' && c <= 'f':
		return slot == slotHex || slot == slotUUID
	}
	return c == '-' && slot == slotUUID
}

func hexNumber(s []byte) uint64 {
	n := uint64(0)
	for _, b := range s {
		n = n<<4 | uint64(b&15+b>>6*9) // 'a' is 0x61
	}
	return n
}

func uuidNumbers(s []byte) (hi, lo uint64) {
	hi = hexNumber(s[:8])<<32 | hexNumber(s[9:13])<<16 | hexNumber(s[14:18])
	return hi, hexNumber(s[19:23])<<48 | hexNumber(s[24:36])
}

func digitsOnly(s []byte, hex bool) bool {
	for _, c := range s {
		if !(c >= '0' && c <= '9' || hex && c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

func numberOf(s []byte, hex bool) uint64 {
	if hex {
		return hexNumber(s)
	}
	v := uint64(0)
	for _, c := range s {
		v = v*10 + uint64(c-'0')
	}
	return v
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
		} else if !digitsOnly(s[i:i+1], true) {
			return false
		}
	}
	return true
}
