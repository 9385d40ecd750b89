// Searches compare a text with templates before any string is put together. Invariant: never and always are certain; what is in doubt is
// maybe, and its strings are looked at one by one.

package texts

import (
	"bytes"
	"math"
)

// verdict is what a template says of its strings.
type verdict uint8

const (
	never  verdict = iota // none of them
	always                // all of them
	maybe                 // it depends on the numbers
)

// maxSteps bounds the comparison of one template with one text. Numbers that stand side by side can be divided in very many ways; a
// template for which that takes longer is in doubt, and its strings are looked at one by one.
const maxSteps = 4096

// templateContains tells whether the strings of a template contain part: never and always are certain.
func templateContains(tpl, part []byte) verdict {
	if bytes.Contains(tpl, part) {
		// Slots and what follows them are bytes below a space: a part with such bytes, which might have met one, is looked for in the strings.
		for _, c := range part {
			if c < ' ' {
				return maybe
			}
		}
		return always
	}
	m := matcher{tpl: tpl, text: part, steps: maxSteps}
	for j := 0; j < len(tpl); j++ {
		c := tpl[j]
		if c > lastSlot {
			if c != part[0] {
				continue
			}
		} else if !fits(tpl[j:], part[0]) {
			j += slotLength(c) - 1
			continue
		}
		if m.begins(j, 0) || m.steps <= 0 {
			return maybe
		}
		if c <= lastSlot {
			j += slotLength(c) - 1
		}
	}
	return never
}

// matcher compares a text with a template.
type matcher struct {
	tpl, text []byte
	steps     int
	numbers   []int64 // equals: of the way at hand
	found     []int64 // equals: of the first way
	ways      int
}

// begins tells whether text[k:] can stand at tpl[j:], wherever it ends. A slot is taken to hold any number of fitting bytes, also none:
// the text may begin or end within it.
func (m *matcher) begins(j, k int) bool {
	for k < len(m.text) {
		if m.steps--; m.steps <= 0 || j == len(m.tpl) {
			return false
		}
		c := m.tpl[j]
		if c > lastSlot {
			if c != m.text[k] {
				return false
			}
			j++
			k++
			continue
		}
		if fits(m.tpl[j:], m.text[k]) && m.begins(j, k+1) {
			return true
		}
		j += slotLength(c)
	}
	return true
}

// templateEquals tells whether a string of the template can be text: never; always, if and only if its numbers are those returned; or
// maybe.
func templateEquals(tpl, text []byte) ([]int64, verdict) {
	m := matcher{tpl: tpl, text: text, steps: maxSteps}
	m.equals(0, 0)
	switch {
	case m.steps <= 0 || m.ways > 1:
		return nil, maybe
	case m.ways == 0:
		return nil, never
	}
	return m.found, always
}

// equals counts the ways in which text[k:] is tpl[j:].
func (m *matcher) equals(j, k int) {
	for {
		if m.steps--; m.steps <= 0 || m.ways > 1 {
			return
		}
		if j == len(m.tpl) {
			if k == len(m.text) {
				m.ways++
				m.found = append(m.found[:0], m.numbers...)
			}
			return
		}
		c := m.tpl[j]
		if c > lastSlot {
			if k == len(m.text) || c != m.text[k] {
				return
			}
			j++
			k++
			continue
		}
		before := len(m.numbers)
		rest := m.text[k:]
		switch c {
		case slotNumber:
			// Digits without leading zeros, as many or as few as what follows allows.
			v := uint64(0)
			for n := 0; n < len(rest) && rest[n] >= '0' && rest[n] <= '9' && (n == 0 || rest[0] != '0'); n++ {
				digit := uint64(rest[n] - '0')
				if v > (math.MaxInt64-digit)/10 {
					break
				}
				v = v*10 + digit
				m.numbers = append(m.numbers[:before], int64(v))
				m.equals(j+1, k+n+1)
			}
		case slotPadded, slotHex:
			if isRandomUUID(m.tpl[j:]) {
				if canonicalUUID(rest) {
					if hi, lo, ok := random(uuidNumbers(rest)); ok {
						m.numbers = append(m.numbers, int64(hi), int64(lo))
						m.equals(j+2, k+uuidLength)
					}
				}
				break
			}
			d, width := digitsOf(c, m.tpl[j+1])
			if width > len(rest) {
				break
			}
			if v, ok := d.numberOf(rest[:width]); ok {
				m.numbers = append(m.numbers, int64(v))
				m.equals(j+2, k+width)
			}
		case slotUUID:
			if canonicalUUID(rest) {
				hi, lo := uuidNumbers(rest)
				m.numbers = append(m.numbers, int64(hi), int64(lo))
				m.equals(j+1, k+uuidLength)
			}
		}
		m.numbers = m.numbers[:before]
		return
	}
}
