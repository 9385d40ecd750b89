package texts

import (
	"bytes"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/segment/internal/intern"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// templates is what strings have in common, and the numbers in which they differ: machine-made texts (log messages, URLs, ids, addresses) differ
// in numbers mostly, which take fewer bits as columns of integers than compressed text does, and less time.
func templates() form {
	return form{
		name: "templates", code: 1,
		write:  writeTemplates,
		reader: func(l *List) reader { return &l.templated },

		describe: func(from *streams.Source) string {
			from.Uvarint() // bytes of all strings together
			return strconv.FormatUint(from.Uvarint(), 10) + " templates"
		},
	}
}

const minTemplated = 16 // strings that are worth the try

// Classes of bytes.
const (
	classOther = iota
	classDigit
	classHex // a to f
	classLetter
	classSlot
)

// coder finds the templates of strings: machine-made texts (log messages, URLs, ids, addresses) differ in numbers mostly. Numbers in
// columns of integers take fewer bytes than compressed text does, and less time.
type coder struct {
	class     [256]uint8
	nibble    [256]uint8 // of a hexadecimal digit, its number; 16 and more: it is none
	key       []byte     // template of the string at hand
	templates []byte     // all, one after the other
	ends      []int
	slots     []int // per template: its numbers
	count     []int // per template: its strings
	hashes    []uint64
	index     intern.Index
	codes     []int64 // per string
	values    []int64 // of all strings, one after the other
	columns   []int64
	at        []int
}

// classify makes the tables of bytes.
func (c *coder) classify() {
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
}

// begin begins with another list.
func (c *coder) begin() {
	c.templates, c.ends, c.slots, c.count, c.hashes = c.templates[:0], c.ends[:0], c.slots[:0], c.count[:0], c.hashes[:0]
	c.codes, c.values = c.codes[:0], c.values[:0]
	c.index.Reset(0)
}

// add takes one string; false if it cannot have a template.
func (c *coder) add(s []byte) bool {
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
	at, tag := c.index.Find(hash)
	for {
		s := c.index.Slots[at]
		if s.Ref == 0 {
			break
		}
		if t := int(s.Ref - 1); s.Tag == tag && bytes.Equal(c.template(t), c.key) {
			c.codes = append(c.codes, int64(t))
			c.count[t]++
			return true
		}
		at = c.index.Next(at)
	}
	t := len(c.ends)
	c.index.Put(at, tag, uint32(t))
	c.templates = append(c.templates, c.key...)
	c.ends = append(c.ends, len(c.templates))
	c.slots = append(c.slots, len(c.values)-before)
	c.count = append(c.count, 1)
	c.hashes = append(c.hashes, hash)
	c.codes = append(c.codes, int64(t))
	if c.index.Full() {
		c.index.Rebuild(c.hashes)
	}
	return true
}

func (c *coder) template(i int) []byte {
	from := 0
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.templates[from:c.ends[i]]
}

// parse splits a string into its template (key) and numbers (values).
func (c *coder) parse(s []byte) bool {
	key := c.key[:0]
	class := &c.class
	literal := 0 // s[literal:i] stands for itself
	i := 0
	for i < len(s) {
		b := s[i]
		if class[b] != classOther && (i == 0 || class[s[i-1]] == classOther) {
			if end, d, ok := c.serial(s, i); ok {
				key = append(key, s[literal:i]...)
				for i < end {
					n := min(end-i, serialDigits)
					v, _ := d.numberOf(s[i : i+n])
					c.values = append(c.values, int64(v))
					slot, next := d.slotOf(n)
					key = append(key, slot, next)
					i += n
				}
				literal = i
				continue
			}
		}
		switch class[b] {
		case classOther:
			i++
			continue
		case classLetter:
			// The rest of a word is no hexadecimal number; its digits may be a decimal one.
			i = c.beforeUUID(s, i, skipWord(s, i, class))
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
			at := len(c.values) - 2
			if hi, lo, ok := random(uint64(c.values[at]), uint64(c.values[at+1])); ok {
				c.values[at], c.values[at+1] = int64(hi), int64(lo)
				key = append(key, slotHex, randomUUID)
			} else {
				key = append(key, slotUUID)
			}
			i += uuidLength
		case len(run) == 8 && !word && c.spacedUUID(s[i:]):
			key = append(key, s[literal:i]...)
			for k, part := range uuidParts() {
				if k > 0 {
					key = append(key, '_')
				}
				key = append(key, slotHex, byte(part[1]-part[0]))
			}
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

// serial tells whether a serial number begins at i, and where it ends: letters of one case and digits, mixed as chance does.
func (c *coder) serial(s []byte, i int) (end int, d digits, ok bool) {
	const mixed = 2 // a digit after a letter or a letter after a digit, so many times at least
	var lower, upper, turns int
	digit := false
	for end = i; end < len(s); end++ {
		b := s[end]
		class := c.class[b]
		if class < classDigit || class > classLetter {
			break
		}
		if is := class == classDigit; end == i {
			digit = is
		} else if is != digit {
			digit = is
			turns++
		}
		switch {
		case class == classLetter && b <= 'Z':
			upper++
		case class == classLetter:
			lower++
		}
	}
	if end-i < minSerial || turns < mixed || upper+lower == 0 || end < len(s) && s[end] == '_' { // which may be within a UUID
		return i, 0, false
	}
	if upper == 0 {
		return end, lowerSerial, true
	}
	for _, b := range s[i:end] {
		if b >= 'a' {
			return i, 0, false
		}
	}
	return end, upperSerial, true
}

func skipWord(s []byte, i int, class *[256]uint8) int {
	for i < len(s) && (class[s[i]] == classLetter || class[s[i]] == classHex) {
		i++
	}
	return i
}

// uuidParts is where the digits of a UUID stand.
func uuidParts() [5][2]int { return [...][2]int{{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, 36}} }

// spacedUUID takes the UUID with underscores for hyphens that s begins with, as cgroups of pods have it; false if there is none.
func (c *coder) spacedUUID(s []byte) bool {
	if !c.isSpacedUUID(s) {
		return false
	}
	for _, part := range uuidParts() {
		c.values = append(c.values, int64(hexNumber(s[part[0]:part[1]])))
	}
	return true
}

func (c *coder) isSpacedUUID(s []byte) bool {
	if len(s) < uuidLength || s[8] != '_' || s[13] != '_' || s[18] != '_' || s[23] != '_' ||
		len(s) > uuidLength && c.class[s[uuidLength]] != classOther {
		return false
	}
	var bad uint8
	for _, part := range uuidParts() {
		for _, b := range s[part[0]:part[1]] {
			bad |= c.nibble[b]
		}
	}
	return bad <= 15
}

// beforeUUID is where a word that begins at i, and whose letters end before end, ends before a UUID with underscores: of "podab12cd34_…" the letters
// a and b are digits of the id.
func (c *coder) beforeUUID(s []byte, i, end int) int {
	const first = 8
	for j := end - 1; j >= i && end-j <= first && c.class[s[j]] == classHex; j-- {
		if len(s) > j+first && s[j+first] == '_' && c.isSpacedUUID(s[j:]) {
			return j
		}
	}
	return end
}

// uuid takes the UUID that s begins with; false if there is none.
func (c *coder) uuid(s []byte) bool {
	if len(s) < uuidLength || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' ||
		len(s) > uuidLength && c.class[s[uuidLength]] != classOther {
		return false
	}
	var numbers [2]uint64
	var bad uint8
	for k, part := range uuidParts() {
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

// writeTemplates writes strings as templates and numbers; false where they have too little in common.
func writeTemplates(e *Encoder, to *streams.Sink, list [][]byte) bool {
	c := &e.coder
	if len(list) < minTemplated {
		return false
	}
	c.begin()
	limit, total := len(list)/4, 0
	for i, s := range list {
		e.touch(list, i)
		total += len(s)
		if !c.add(s) || len(c.values) > MaxNumbers || len(c.ends) > limit || i == minTemplated*2 && len(c.ends) > minTemplated {
			return false
		}
	}
	if total > (len(c.templates)+len(c.codes))*limits.TemplateGrowth {
		return false
	}
	n := len(c.ends)
	to.Uvarint(uint64(total))
	to.Uvarint(uint64(n))
	lengths := e.lengths[:0]
	for i := range n {
		lengths = append(lengths, int64(len(c.template(i))))
	}
	e.lengths = lengths
	e.integers.Write(to, lengths)
	to.Text = append(to.Text, c.templates...)
	e.integers.Write(to, c.codes)
	// Numbers by template and slot.
	c.at = scratch.Slice(c.at, n)
	sum := 0
	for i := range n {
		c.at[i] = sum
		sum += c.slots[i] * c.count[i]
	}
	c.columns = scratch.Slice(c.columns, sum)
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
			e.integers.Write(to, columns[:c.count[i]])
			columns = columns[c.count[i]:]
		}
	}
	return true
}
