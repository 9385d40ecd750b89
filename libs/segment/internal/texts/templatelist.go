// Reading of the form templates (docs/segment-format.md, section 7). Invariant: numbers are skipped by read, and read by load.

package texts

import (
	"bytes"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// templateList is a list of templates and numbers. The numbers of a template are read when one of its strings is looked at.
type templateList struct {
	templates [][]byte // in the memory of the source
	total     int      // bytes of all strings together
	codes     []int64  // per string: its template
	slots     []int    // per template: its numbers
	least     []int    // per template: bytes that a string of it has at least
	count     []int    // per template: its strings
	at        []int    // per template: where its numbers begin in columns; slot after slot, count[t] numbers each
	columns   []int64
	from      []streams.Source // per template: where its numbers stand
	loaded    []bool           // per template: its numbers are in columns
	decoder   *integers.Decoder
	nth       []uint32 // per string: how many before it have the same template; made when it is needed

	lengths []int64   // read: of templates; number: strings so far, per template
	verdict []verdict // per template; valid during contain or equal
	text    []byte    // decide: a string; valid until the next one
}

func (l *templateList) forget() {
	clear(l.templates[:cap(l.templates)])
	clear(l.from[:cap(l.from)])
	l.templates, l.codes, l.decoder = l.templates[:0], l.codes[:0], nil
}

func (l *templateList) memory() int {
	return cap(l.text) + 8*(cap(l.columns)+cap(l.codes)) + 4*cap(l.nth)
}

func (l *templateList) built() int { return l.total }

func (l *templateList) length() int { return l.total }

func (l *templateList) read(d *integers.Decoder, from *streams.Source, n int) {
	l.nth, l.codes = l.nth[:0], l.codes[:0]
	l.total = from.Count((len(from.Text) + n) * limits.TemplateGrowth)
	m := from.Count(n)
	l.lengths = scratch.Slice(l.lengths, m)
	d.Read(from, l.lengths)
	l.templates = scratch.Slice(l.templates[:0], m)
	l.slots, l.count, l.at = scratch.Slice(l.slots, m), scratch.Slice(l.count, m), scratch.Slice(l.at, m)
	l.least = scratch.Slice(l.least, m)
	for i, length := range l.lengths {
		if from.Bad || uint64(length) > uint64(len(from.Text)) {
			from.Bad = true
			return
		}
		l.templates[i] = from.Take(&from.Text, int(length))
		l.slots[i], l.least[i] = countSlots(l.templates[i])
		l.count[i] = 0
	}
	l.codes = scratch.Slice(l.codes, n)
	d.Read(from, l.codes)
	if from.Bad {
		return
	}
	for _, c := range l.codes {
		if uint64(c) >= uint64(m) {
			from.Bad = true
			return
		}
		l.count[c]++
	}
	sum, least := 0, 0
	for i := range m {
		l.at[i] = sum
		if l.slots[i] < 0 {
			from.Bad = true
			return
		}
		least += l.least[i] * l.count[i] // before a string is put together: one alone could be as long as a template makes it
		if sum += l.slots[i] * l.count[i]; sum > MaxNumbers || least > l.total {
			from.Bad = true
			return
		}
	}
	l.columns = scratch.Slice(l.columns, sum)
	l.from, l.loaded, l.decoder = scratch.Slice(l.from, m), scratch.Slice(l.loaded, m), d
	for i := range m {
		l.from[i], l.loaded[i] = *from, false
		for range l.slots[i] {
			d.Skip(from, l.count[i])
		}
	}
}

// load reads the numbers of a template; false if they are damaged.
func (l *templateList) load(template int) bool {
	if l.loaded[template] {
		return !l.from[template].Bad
	}
	l.loaded[template] = true
	src := &l.from[template]
	at := l.at[template]
	for range l.slots[template] {
		l.decoder.Read(src, l.columns[at:at+l.count[template]])
		at += l.count[template]
	}
	return !src.Bad
}

func (l *templateList) all(dst [][]byte, memory []byte) (out [][]byte, ok bool) {
	next := scratch.Slice(l.nth, len(l.templates)) // per template: its strings so far
	l.nth = next[:0]
	clear(next)
	for _, code := range l.codes {
		from := len(memory)
		if memory, ok = l.fill(memory, int(code), int(next[code])); !ok || len(memory) > l.total {
			return dst, false
		}
		next[code]++
		dst = append(dst, memory[from:len(memory):len(memory)])
	}
	return dst, len(memory) == l.total
}

func (l *templateList) one(b []byte, i int) ([]byte, bool) {
	l.number()
	before := len(b)
	b, ok := l.fill(b, int(l.codes[i]), int(l.nth[i]))
	return b, ok && len(b)-before <= l.total
}

// number finds nth.
func (l *templateList) number() {
	if len(l.nth) == len(l.codes) {
		return
	}
	l.nth = scratch.Slice(l.nth, len(l.codes))
	l.lengths = scratch.Slice(l.lengths, len(l.templates))
	clear(l.lengths)
	for i, c := range l.codes {
		l.nth[i] = uint32(l.lengths[c])
		l.lengths[c]++
	}
}

// fill appends the nth string of a template.
func (l *templateList) fill(b []byte, template, nth int) (_ []byte, ok bool) {
	if !l.load(template) {
		return b, false
	}
	value, step := l.at[template]+nth, l.count[template]
	tpl := l.templates[template]
	for j := 0; j < len(tpl); j++ {
		switch c := tpl[j]; c {
		case slotNumber:
			v := l.columns[value]
			value += step
			if v < 0 {
				return b, false
			}
			b = strconv.AppendInt(b, v, 10)
		case slotPadded, slotHex:
			j++
			if isRandomUUID(tpl[j-1:]) {
				hi, lo := uint64(l.columns[value]), uint64(l.columns[value+step])
				if hi>>(64-4) != 0 || lo>>lowBits != 0 {
					return b, false
				}
				hi, lo = randomNumbers(hi, lo)
				b = appendUUID(b, hi, lo)
				value += 2 * step
				continue
			}
			v := l.columns[value]
			value += step
			d, width := digitsOf(c, tpl[j])
			if b, ok = appendPadded(b, uint64(v), width, d); !ok {
				return b, false
			}
		case slotUUID:
			b = appendUUID(b, uint64(l.columns[value]), uint64(l.columns[value+step]))
			value += 2 * step
		default:
			// A run of bytes that stand for themselves.
			k := j + 1
			for k < len(tpl) && tpl[k] > lastSlot {
				k++
			}
			b = append(b, tpl[j:k]...)
			j = k - 1
		}
	}
	return b, true
}

func (l *templateList) contain(parts [][]byte, pass []bool) bool {
	l.verdict = scratch.Slice(l.verdict, len(l.templates))
	none := true
	for i, tpl := range l.templates {
		l.verdict[i] = always
		for _, part := range parts {
			switch v := templateContains(tpl, part); {
			case v == never:
				l.verdict[i] = never
			case v == maybe && l.verdict[i] == always:
				l.verdict[i] = maybe
			}
		}
		none = none && l.verdict[i] == never
	}
	if none {
		clear(pass)
		return true
	}
	return l.decide(pass, func(s []byte) bool {
		for _, part := range parts {
			if !bytes.Contains(s, part) {
				return false
			}
		}
		return true
	})
}

// decide follows the verdicts on the templates, and asks test where they are in doubt.
func (l *templateList) decide(pass []bool, test func(s []byte) bool) (ok bool) {
	for i, c := range l.codes {
		switch l.verdict[c] {
		case never:
			pass[i] = false
		case always:
			pass[i] = true
		case maybe:
			if l.text, ok = l.one(l.text[:0], i); !ok {
				return false
			}
			pass[i] = test(l.text)
		}
	}
	return true
}

func (l *templateList) equal(wanted [][]byte, pass []bool) bool {
	clear(pass)
	for t, tpl := range l.templates {
		for _, w := range wanted {
			numbers, v := templateEquals(tpl, w)
			switch {
			case v == never:
			case v == maybe: // it can be read in several ways
				l.verdict = scratch.Slice(l.verdict, len(l.templates))
				for i := range l.verdict {
					l.verdict[i] = maybe
				}
				return l.decide(pass, func(s []byte) bool { return oneOf(wanted, s) })
			default:
				if !l.load(t) {
					return false
				}
				l.number()
				for i, c := range l.codes {
					pass[i] = pass[i] || int(c) == t && l.has(t, int(l.nth[i]), numbers)
				}
			}
		}
	}
	return true
}

// has tells whether the nth string of a template has these numbers.
func (l *templateList) has(template, nth int, numbers []int64) bool {
	at := l.at[template] + nth
	for _, want := range numbers {
		if l.columns[at] != want {
			return false
		}
		at += l.count[template]
	}
	return true
}
