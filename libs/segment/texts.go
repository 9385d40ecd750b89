package segment

import (
	"bytes"
	"math/bits"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// textList is a list of strings as a segment holds it: parsed, but no string of a template is put together before somebody looks at it.
// Searching 4,000 log bodies for a part of a word so reads some dozen templates and not the 600 kB of text that they stand for.
type textList struct {
	n    int
	text []byte  // plain: all strings, one after the other
	ends []int64 // plain: where each ends in text

	templates [][]byte // nil: plain
	total     int      // bytes of all strings together
	codes     []int64  // per string: its template
	slots     []int    // per template: its numbers
	count     []int    // per template: its strings
	at        []int    // per template: where its numbers begin in columns; slot after slot, count[t] numbers each
	columns   []int64
	from      []streams.Source // per template: where its numbers stand; read when they are needed
	loaded    []bool           // per template: its numbers are in columns
	reader    *integers.Decoder
	nth       []uint32 // per string: how many before it have the same template; made when it is needed

	lengths []int64
	verdict []verdict
	memory  []byte
}

// forget lets go of the memory of others that the list refers to.
func (l *textList) forget() {
	l.text = nil
	clear(l.templates[:cap(l.templates)])
	clear(l.from[:cap(l.from)])
}

// read parses n strings; the list refers to src's memory. Damage sets src.Bad.
func (l *textList) read(r *integers.Decoder, src *streams.Source, n int) {
	l.n, l.templates, l.nth = n, nil, l.nth[:0]
	switch src.Byte() {
	case textPlain:
		l.plain(r, src)
	case textTemplates:
		l.parse(r, src)
	default:
		src.Bad = true
	}
}

func (l *textList) plain(r *integers.Decoder, src *streams.Source) {
	l.ends = resize(l.ends, l.n)
	r.Read(src, l.ends)
	end := int64(0)
	for i, length := range l.ends {
		if src.Bad || uint64(length) > uint64(int64(len(src.Text))-end) {
			src.Bad = true
			return
		}
		end += length
		l.ends[i] = end
	}
	l.text = src.Take(&src.Text, int(end))
}

func (l *textList) parse(r *integers.Decoder, src *streams.Source) {
	n := l.n
	l.total = src.Count((len(src.Text) + n) * container.MaxGrowth)
	m := src.Count(n)
	l.lengths = resize(l.lengths, m)
	r.Read(src, l.lengths)
	l.templates = resize(l.templates[:0], m)
	l.slots, l.count, l.at = resize(l.slots, m), resize(l.count, m), resize(l.at, m)
	for i, length := range l.lengths {
		if src.Bad || uint64(length) > uint64(len(src.Text)) {
			src.Bad = true
			return
		}
		l.templates[i] = src.Take(&src.Text, int(length))
		l.slots[i], l.count[i] = countSlots(l.templates[i]), 0
	}
	l.codes = resize(l.codes, n)
	r.Read(src, l.codes)
	if src.Bad {
		return
	}
	for _, c := range l.codes {
		if uint64(c) >= uint64(m) {
			src.Bad = true
			return
		}
		l.count[c]++
	}
	sum := 0
	for i := range m {
		l.at[i] = sum
		if l.slots[i] < 0 {
			src.Bad = true
			return
		}
		if sum += l.slots[i] * l.count[i]; sum > maxEntries {
			src.Bad = true
			return
		}
	}
	l.columns = resize(l.columns, sum)
	l.from, l.loaded, l.reader = resize(l.from, m), resize(l.loaded, m), r
	for i := range m {
		l.from[i], l.loaded[i] = *src, false
		for range l.slots[i] {
			r.Skip(src, l.count[i])
		}
	}
}

// load reads the numbers of a template; false if they are damaged.
func (l *textList) load(template int) bool {
	if l.loaded[template] {
		return !l.from[template].Bad
	}
	l.loaded[template] = true
	src := &l.from[template]
	at := l.at[template]
	for range l.slots[template] {
		l.reader.Read(src, l.columns[at:at+l.count[template]])
		at += l.count[template]
	}
	return !src.Bad
}

// all appends every string to dst, in order; memory is where those of templates are put, of capacity total. ok is false for a list that
// is damaged.
func (l *textList) all(dst [][]byte, memory []byte) (out [][]byte, ok bool) {
	if l.templates == nil {
		from := int64(0)
		for _, end := range l.ends[:l.n] {
			dst = append(dst, l.text[from:end:end])
			from = end
		}
		return dst, true
	}
	next := resize(l.nth, len(l.templates)) // per template: its strings so far
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

// one appends string i to b; false if it is damaged.
func (l *textList) one(b []byte, i int) ([]byte, bool) {
	if l.templates == nil {
		from := int64(0)
		if i > 0 {
			from = l.ends[i-1]
		}
		return append(b, l.text[from:l.ends[i]]...), true
	}
	l.number()
	before := len(b)
	b, ok := l.fill(b, int(l.codes[i]), int(l.nth[i]))
	return b, ok && len(b)-before <= l.total
}

// number finds nth.
func (l *textList) number() {
	if len(l.nth) == l.n {
		return
	}
	l.nth = resize(l.nth, l.n)
	l.lengths = resize(l.lengths, len(l.templates))
	clear(l.lengths)
	for i, c := range l.codes {
		l.nth[i] = uint32(l.lengths[c])
		l.lengths[c]++
	}
}

// fill appends the nth string of a template.
func (l *textList) fill(b []byte, template, nth int) (_ []byte, ok bool) {
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
			v := l.columns[value]
			value += step
			base := 10
			if c == slotHex {
				base = 16
			}
			if b, ok = appendPadded(b, uint64(v), int(tpl[j]), base); !ok {
				return b, false
			}
		case slotUUID:
			hi, lo := uint64(l.columns[value]), uint64(l.columns[value+step])
			value += 2 * step
			for k, part := range [...]uint64{hi >> 32, hi >> 16 & 0xffff, hi & 0xffff, lo >> 48, lo & (1<<48 - 1)} {
				if k > 0 {
					b = append(b, '-')
				}
				b, _ = appendPadded(b, part, [...]int{8, 4, 4, 4, 12}[k], 16)
			}
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

// verdict is what a template says of its strings.
type verdict uint8

const (
	never  verdict = iota // none of them
	always                // all of them
	maybe                 // it depends on the numbers
)

// contain sets pass[i] for each string i that contains all of parts.
func (l *textList) contain(parts [][]byte, pass []bool) (ok bool) {
	if l.templates == nil {
		l.plainContain(parts, pass)
		return true
	}
	l.verdict = resize(l.verdict, len(l.templates))
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
func (l *textList) decide(pass []bool, test func(s []byte) bool) (ok bool) {
	for i, c := range l.codes {
		switch l.verdict[c] {
		case never:
			pass[i] = false
		case always:
			pass[i] = true
		case maybe:
			if l.memory, ok = l.one(l.memory[:0], i); !ok {
				return false
			}
			pass[i] = test(l.memory)
		}
	}
	return true
}

// plainContain searches all strings as one run of bytes: bytes.Index is quickest on long ones.
func (l *textList) plainContain(parts [][]byte, pass []bool) {
	for i := range pass {
		pass[i] = true
	}
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		at, i := 0, 0 // text before at is searched; string i is the first that is not
		for i < l.n {
			found := bytes.Index(l.text[at:], part)
			if found < 0 {
				break
			}
			at += found
			for l.ends[i] <= int64(at) {
				pass[i] = false
				i++
			}
			if int64(at+len(part)) <= l.ends[i] {
				at = int(l.ends[i]) // one is enough
				i++
				continue
			}
			at++ // it reaches into the next string
		}
		for ; i < l.n; i++ {
			pass[i] = false
		}
	}
}

// equal sets pass[i] for each string i that is one of wanted.
func (l *textList) equal(wanted [][]byte, pass []bool) (ok bool) {
	isOne := func(s []byte) bool {
		for _, w := range wanted {
			if bytes.Equal(s, w) {
				return true
			}
		}
		return false
	}
	if l.templates == nil {
		from := int64(0)
		for i, end := range l.ends[:l.n] {
			pass[i] = isOne(l.text[from:end])
			from = end
		}
		return true
	}
	clear(pass)
	for t, tpl := range l.templates {
		for _, w := range wanted {
			numbers, v := templateEquals(tpl, w)
			switch {
			case v == never:
			case v == maybe: // it can be read in several ways
				l.verdict = resize(l.verdict, len(l.templates))
				for i := range l.verdict {
					l.verdict[i] = maybe
				}
				return l.decide(pass, isOne)
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
func (l *textList) has(template, nth int, numbers []int64) bool {
	at := l.at[template] + nth
	for _, want := range numbers {
		if l.columns[at] != want {
			return false
		}
		at += l.count[template]
	}
	return true
}

// countSlots returns how many numbers a template takes, or -1 if it is damaged.
func countSlots(tpl []byte) int {
	n := 0
	for i := 0; i < len(tpl); i++ {
		switch tpl[i] {
		case slotNumber:
			n++
		case slotUUID:
			n += 2
		case slotPadded, slotHex:
			i++
			limit := maxDigits
			if tpl[i-1] == slotHex {
				limit = maxHex
			}
			if i == len(tpl) || tpl[i] == 0 || int(tpl[i]) > limit {
				return -1
			}
			n++
		}
	}
	return n
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
