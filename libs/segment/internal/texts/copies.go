package texts

import (
	"sort"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// copies is long strings whose bytes lie in the passages of the segment: what is new of them, and where the rest was kept before. What they have in
// common may lie in other columns, and any number of strings ago.
func copies() form {
	return form{
		name: "copies", code: 2,
		write:  writeCopies,
		reader: func(l *List) reader { return &l.copied },

		describe: func(from *streams.Source) string {
			from.Uvarint() // where the new bytes begin
			return strconv.FormatUint(from.Uvarint(), 10) + " copies"
		},
	}
}

const (
	// Lists of which the strings are shorter, or all of them together, compress better as the text of their column.
	minCopied     = 32  // bytes of a string, on average
	minBinary     = 256 // the same of strings that are no text, in which there are no words to find
	minCopiedList = 4 << 10
)

// isBinary tells whether strings are no text, by the looks of some.
func isBinary(list [][]byte) bool {
	const looked, strings = 32, 64 // bytes of a string, strings
	all, odd := 0, 0
	for i := 0; i < len(list); i += 1 + len(list)/strings {
		for _, c := range list[i][:min(len(list[i]), looked)] {
			if all++; c < ' ' && c != '\t' && c != '\n' || c == 0x7f {
				odd++
			}
		}
	}
	return odd*24 > all
}

// writeCopies writes strings as what is new and what is copied; false where they are short, or nobody keeps passages.
func writeCopies(e *Encoder, to *streams.Sink, list [][]byte) bool {
	total := 0
	for _, s := range list {
		total += len(s)
	}
	p := to.Passages
	if p == nil || total < minCopiedList || total < minCopied*len(list) || total < minBinary*len(list) && isBinary(list) || !p.Begin(total, len(list)) {
		return false
	}
	base := len(p.Kept())
	found := e.copies[:0]
	lengths := e.lengths[:0]
	for i, s := range list {
		e.touch(list, i)
		lengths = append(lengths, int64(len(s)))
		found = p.Add(found, s)
	}
	e.copies = found
	to.Chunks = passages.Chunks(to.Chunks, base, len(p.Kept())-base)
	to.Uvarint(uint64(base))
	to.Uvarint(uint64(len(found)))
	e.integers.Write(to, lengths)
	for _, part := range []func(c *passages.Copy) int64{
		func(c *passages.Copy) int64 { return int64(c.Gap) },
		func(c *passages.Copy) int64 { return int64(c.Length) },
		func(c *passages.Copy) int64 { return int64(c.From) },
	} {
		lengths = lengths[:0]
		for i := range found {
			lengths = append(lengths, part(&found[i]))
		}
		e.integers.Write(to, lengths)
	}
	e.lengths = lengths
	for _, c := range found {
		to.Chunks = passages.Chunks(to.Chunks, c.From, c.Length)
	}
	return true
}

// copyList is a list of strings in the form copies. All strings stand one after the other in a text that nobody has put together yet: copy c is
// its bytes from starts[c] on.
type copyList struct {
	ends     []int64 // where each string ends in the text
	starts   []int64
	lengths  []int64 // of copies
	from     []int64 // of copies: where their bytes lie in the passages
	news     []int64 // per copy: how many new bytes stand before it in the text
	base     int     // where the new bytes lie in the passages
	total    int     // bytes of the text
	passages passages.Text

	whole []byte // the text, if it was put together for a search
}

func (l *copyList) forget() { l.passages, l.whole, l.total, l.ends = nil, nil, 0, l.ends[:0] }

func (l *copyList) memory() int {
	return cap(l.whole) + 8*(cap(l.ends)+cap(l.starts)+cap(l.lengths)+cap(l.from)+cap(l.news))
}

func (l *copyList) built() int { return l.total }

func (l *copyList) length() int { return l.total }

func (l *copyList) read(d *integers.Decoder, from *streams.Source, n int) {
	l.passages, l.whole, l.total = from.Passages, l.whole[:0], 0
	kept := 0
	if l.passages != nil {
		kept = l.passages.Len()
	}
	l.base = from.Count(kept)
	m := from.Count(limits.Copies)
	if from.Bad {
		l.ends = l.ends[:0]
		return
	}
	l.ends = scratch.Slice(l.ends, n)
	d.Read(from, l.ends)
	if !sums(l.ends, passages.MostText) {
		from.Bad = true
	}
	if from.Bad {
		l.ends = l.ends[:0]
		return
	}
	l.total = int(l.ends[n-1])
	if m*passages.LeastCopy > l.total || l.passages == nil || !l.passages.Take(l.total) { // before memory is taken for them
		from.Bad = true
		return
	}
	l.starts, l.lengths = scratch.Slice(l.starts, m), scratch.Slice(l.lengths, m)
	l.from, l.news = scratch.Slice(l.from, m), scratch.Slice(l.news, m)
	d.Read(from, l.starts)
	d.Read(from, l.lengths)
	d.Read(from, l.from)
	if from.Bad = from.Bad || !l.place(kept); from.Bad {
		l.total = 0
	}
}

// sums puts in the place of each number the sum of all up to it; false where one is negative or the last sum more than most.
func sums(v []int64, most int64) bool {
	sum := int64(0)
	for i, x := range v {
		if x < 0 || x > most-sum {
			return false
		}
		sum += x
		v[i] = sum
	}
	return true
}

// place finds where copies stand in the text, of which starts holds the gaps between them; false where they do not fit, or lie in what is not kept.
func (l *copyList) place(kept int) bool {
	at, news := int64(0), int64(0)
	total := int64(l.total)
	for c, gap := range l.starts {
		length, from := l.lengths[c], l.from[c]
		if gap < 0 || gap > total-at || length < passages.LeastCopy || length > total-at-gap || from < 0 || from > int64(kept)-length {
			return false
		}
		at, news = at+gap, news+gap
		l.starts[c], l.news[c] = at, news
		at += length
	}
	return news+total-at <= int64(kept-l.base)
}

// part appends length bytes of the text from a place on.
func (l *copyList) part(to []byte, at, length int64) (_ []byte, ok bool) {
	c := sort.Search(len(l.starts), func(c int) bool { return l.starts[c]+l.lengths[c] > at }) // the first copy that ends after at
	for length > 0 {
		if c < len(l.starts) && at >= l.starts[c] {
			n := min(length, l.starts[c]+l.lengths[c]-at)
			if to, ok = l.passages.Append(to, int(l.from[c]+at-l.starts[c]), int(n)); !ok {
				return to, false
			}
			at, length, c = at+n, length-n, c+1
			continue
		}
		n, end, news := length, int64(0), int64(0) // new bytes since the last copy
		if c > 0 {
			end, news = l.starts[c-1]+l.lengths[c-1], l.news[c-1]
		}
		if c < len(l.starts) {
			n = min(n, l.starts[c]-at)
		}
		if to, ok = l.passages.Append(to, l.base+int(news+at-end), int(n)); !ok {
			return to, false
		}
		at, length = at+n, length-n
	}
	return to, true
}

func (l *copyList) all(dst [][]byte, memory []byte) (out [][]byte, ok bool) {
	begin := len(memory)
	if memory, ok = l.part(memory, 0, int64(l.total)); !ok {
		return dst, false
	}
	return cutAt(dst, memory[begin:], l.ends), true
}

// cutAt appends the pieces of a text that end where ends says.
func cutAt(dst [][]byte, text []byte, ends []int64) [][]byte {
	from := int64(0)
	for _, end := range ends {
		dst = append(dst, text[from:end:end])
		from = end
	}
	return dst
}

func (l *copyList) one(b []byte, i int) ([]byte, bool) {
	from := int64(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.part(b, from, l.ends[i]-from)
}

// text puts the whole text together, once.
func (l *copyList) text() (_ plainList, ok bool) {
	if len(l.whole) == 0 && l.total > 0 {
		if cap(l.whole) < l.total {
			l.whole = make([]byte, 0, l.total)
		}
		if l.whole, ok = l.part(l.whole, 0, int64(l.total)); !ok {
			l.whole = l.whole[:0]
			return plainList{}, false
		}
	}
	return plainList{text: l.whole, ends: l.ends}, true
}

func (l *copyList) contain(parts [][]byte, pass []bool) bool {
	t, ok := l.text()
	return ok && t.contain(parts, pass)
}

func (l *copyList) equal(wanted [][]byte, pass []bool) bool {
	t, ok := l.text()
	return ok && t.equal(wanted, pass)
}
