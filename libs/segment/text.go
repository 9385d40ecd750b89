package segment

import (
	"bytes"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
)

// Forms of a list of strings.
const (
	textPlain     = 0 // lengths and bytes
	textTemplates = 1 // what the strings have in common, and the numbers in which they differ
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
	minTemplated = 16 // strings that are worth the try
	maxDigits    = 18
	maxHex       = 16
	minHex       = 8 // shorter runs of hexadecimal digits are words as likely as not
	uuidLength   = 36
)

// Classes of bytes.
const (
	classOther = iota
	classDigit
	classHex // a to f
	classLetter
	classSlot
)

// textCoder finds the templates of strings: machine-made texts (log messages, URLs, ids, addresses) differ in numbers mostly. Numbers in
// columns of integers take fewer bytes than compressed text does, and less time.
type textCoder struct {
	class     [256]uint8
	nibble    [256]uint8 // of a hexadecimal digit, its number; 16 and more: it is none
	ready     bool
	key       []byte // template of the string at hand
	templates []byte // all, one after the other
	ends      []int
	slots     []int // per template: its numbers
	count     []int // per template: its strings
	hashes    []uint64
	index     index
	codes     []int64 // per string
	values    []int64 // of all strings, one after the other
	columns   []int64
	at        []int
	touched   int
}

func (c *textCoder) begin() {
	if !c.ready {
		for b := range c.class {
			c.nibble[b] = 16
			switch {
			case b <= lastSlot:
				c.class[b] = classSlot
			case b >= '0' && b <= '9':
				c.class[b], c.nibble[b] = classDigit, uint8(b-'0')
			case b >= 'a' && b <= 'f':
				c.class[b], c.nibble[b] = classHex, uint8(b-'a'+10)
			case b > 'f' && b <= 'z' || b >= 'A' && b <= 'Z':
				c.class[b] = classLetter
			}
		}
		c.ready = true
	}
	c.templates, c.ends, c.slots, c.count, c.hashes = c.templates[:0], c.ends[:0], c.slots[:0], c.count[:0], c.hashes[:0]
	c.codes, c.values = c.codes[:0], c.values[:0]
	c.index.reset(0)
}

// add takes one string; false if it cannot have a template.
func (c *textCoder) add(s []byte) bool {
	before := len(c.values)
	if !c.parse(s) {
		return false
	}
	if n := len(c.codes); n > 0 { // neighbours are alike
		if last := int(c.codes[n-1]); bytes.Equal(c.template(last), c.key) {
			c.codes = append(c.codes, int64(last))
			c.count[last]++
			return true
		}
	}
	hash := xxh3.Hash(c.key)
	at, tag := c.index.find(hash)
	for {
		s := c.index.slots[at]
		if s.ref == 0 {
			break
		}
		if t := int(s.ref - 1); s.tag == tag && bytes.Equal(c.template(t), c.key) {
			c.codes = append(c.codes, int64(t))
			c.count[t]++
			return true
		}
		at = (at + 1) & uint32(len(c.index.slots)-1)
	}
	t := len(c.ends)
	c.index.put(at, tag, uint32(t))
	c.templates = append(c.templates, c.key...)
	c.ends = append(c.ends, len(c.templates))
	c.slots = append(c.slots, len(c.values)-before)
	c.count = append(c.count, 1)
	c.hashes = append(c.hashes, hash)
	c.codes = append(c.codes, int64(t))
	if c.index.full() {
		rebuild(&c.index, c.hashes)
	}
	return true
}

func (c *textCoder) template(i int) []byte {
	from := 0
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.templates[from:c.ends[i]]
}

// parse splits a string into its template (key) and numbers (values).
func (c *textCoder) parse(s []byte) bool {
	key := c.key[:0]
	class := &c.class
	literal := 0 // s[literal:i] stands for itself
	i := 0
	for i < len(s) {
		b := s[i]
		switch class[b] {
		case classOther:
			i++
			continue
		case classLetter:
			// The rest of a word is no hexadecimal number; its digits may be a decimal one.
			i = skipWord(s, i, class)
			continue
		case classSlot:
			c.key = key
			return false
		}
		// A run of hexadecimal digits begins.
		j, digits := i, true
		for j < len(s) && (class[s[j]] == classDigit || class[s[j]] == classHex) {
			digits = digits && class[s[j]] == classDigit
			j++
		}
		run := s[i:j]
		word := j < len(s) && class[s[j]] == classLetter
		switch {
		case len(run) == 8 && !word && c.uuid(s[i:]):
			key = append(key, s[literal:i]...)
			key = append(key, slotUUID)
			i += uuidLength
		case !word && len(run) >= minHex && (!digits || len(run)%maxHex == 0):
			key = append(key, s[literal:i]...)
			for len(run) > 0 {
				n := min(len(run), maxHex)
				c.values = append(c.values, int64(hexNumber(run[:n])))
				key = append(key, slotHex, byte(n))
				run = run[n:]
			}
			i = j
		case class[b] == classDigit:
			key = append(key, s[literal:i]...)
			j = i
			n := int64(0)
			for j < len(s) && class[s[j]] == classDigit && j-i < maxDigits {
				n = n*10 + int64(s[j]-'0')
				j++
			}
			c.values = append(c.values, n)
			if b == '0' && j-i > 1 {
				key = append(key, slotPadded, byte(j-i))
			} else {
				key = append(key, slotNumber)
			}
			i = j
		default: // a word that begins with letters from a to f
			i = skipWord(s, i, class)
			continue
		}
		literal = i
	}
	key = append(key, s[literal:]...)
	c.key = key
	return true
}

func skipWord(s []byte, i int, class *[256]uint8) int {
	for i < len(s) && (class[s[i]] == classLetter || class[s[i]] == classHex) {
		i++
	}
	return i
}

// uuid takes the UUID that s begins with; false if there is none.
func (c *textCoder) uuid(s []byte) bool {
	if len(s) < uuidLength || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' ||
		len(s) > uuidLength && c.class[s[uuidLength]] != classOther {
		return false
	}
	var numbers [2]uint64
	var bad uint8
	for k, part := range [...][2]int{{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, 36}} {
		n := numbers[k/3]
		for _, b := range s[part[0]:part[1]] {
			v := c.nibble[b]
			bad |= v
			n = n<<4 | uint64(v&15)
		}
		numbers[k/3] = n
	}
	if bad > 15 {
		return false
	}
	c.values = append(c.values, int64(numbers[0]), int64(numbers[1]))
	return true
}

func hexNumber(s []byte) uint64 {
	n := uint64(0)
	for _, b := range s {
		n = n<<4 | uint64(b&15+b>>6*9) // 'a' is 0x61
	}
	return n
}

// strings writes the bytes of a list of values, in the form that suits.
func (e *Encoder) strings(t *Table, ids []ValueID) {
	if len(ids) >= minTemplated && e.templates(t, ids) {
		return
	}
	e.s.Byte(textPlain)
	lengths := e.attrs.lengths[:0]
	for i, id := range ids {
		if i%ahead == 0 {
			e.text.touched += touch(t, ids[i:min(i+ahead, len(ids))])
		}
		raw := t.Values[id].Raw
		lengths = append(lengths, int64(len(raw)))
		e.s.Text = append(e.s.Text, raw...)
	}
	e.attrs.lengths = lengths
	e.c.Write(&e.s, lengths)
}

// ahead is how many strings are touched before they are parsed. Rows lie in another order than requests had them in, so that each string
// is a cache miss of 90 ns when it is parsed; asked for together, they come together: a fifth less for hard data.
const ahead = 32

// touch reads the ends of strings, and returns something that depends on all of them.
func touch(t *Table, ids []ValueID) (sum int) {
	for _, id := range ids {
		if raw := t.Values[id].Raw; len(raw) > 0 {
			sum += int(raw[0]) + int(raw[len(raw)-1])
		}
	}
	return sum
}

// templates writes strings as templates and numbers; false where they have too little in common.
func (e *Encoder) templates(t *Table, ids []ValueID) bool {
	c := &e.text
	c.begin()
	limit, total := len(ids)/4, 0
	for i, id := range ids {
		if i%ahead == 0 {
			c.touched += touch(t, ids[i:min(i+ahead, len(ids))])
		}
		raw := t.Values[id].Raw
		total += len(raw)
		if !c.add(raw) || len(c.ends) > limit || i == minTemplated*2 && len(c.ends) > minTemplated {
			return false
		}
	}
	if total > (len(c.templates)+len(c.codes))*container.MaxGrowth {
		return false
	}
	n := len(c.ends)
	e.s.Byte(textTemplates)
	e.s.Uvarint(uint64(total))
	e.s.Uvarint(uint64(n))
	lengths := e.attrs.lengths[:0]
	for i := range n {
		lengths = append(lengths, int64(len(c.template(i))))
	}
	e.attrs.lengths = lengths
	e.c.Write(&e.s, lengths)
	e.s.Text = append(e.s.Text, c.templates...)
	e.c.Write(&e.s, c.codes)
	// Numbers by template and slot.
	c.at = resize(c.at, n)
	sum := 0
	for i := range n {
		c.at[i] = sum
		sum += c.slots[i] * c.count[i]
	}
	c.columns = resize(c.columns, sum)
	values := c.values
	for _, code := range c.codes {
		slots, count := c.slots[code], c.count[code]
		at := c.at[code]
		for s := range slots {
			c.columns[at+s*count] = values[s]
		}
		c.at[code]++
		values = values[slots:]
	}
	columns := c.columns
	for i := range n {
		for range c.slots[i] {
			e.c.Write(&e.s, columns[:c.count[i]])
			columns = columns[c.count[i]:]
		}
	}
	return true
}
