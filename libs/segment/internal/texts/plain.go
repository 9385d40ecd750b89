package texts

import (
	"bytes"

	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// plain is the lengths of strings and their bytes.
func plain() form {
	return form{
		name: "plain", code: 0,
		write:  writePlain,
		reader: func(l *List) reader { return &l.plain },

		describe: func(*streams.Source) string { return "plain text" },
	}
}

func writePlain(e *Encoder, to *streams.Sink, list [][]byte) bool {
	lengths := e.lengths[:0]
	for i, s := range list {
		e.touch(list, i)
		lengths = append(lengths, int64(len(s)))
		to.Text = append(to.Text, s...)
	}
	e.lengths = lengths
	e.integers.Write(to, lengths)
	return true
}

// plainList is a list in plain form.
type plainList struct {
	text []byte  // all strings, one after the other
	ends []int64 // where each ends in text
}

func (l *plainList) forget() { l.text, l.ends = nil, l.ends[:0] }

func (l *plainList) memory() int { return 8 * cap(l.ends) }

func (l *plainList) built() int { return 0 }

func (l *plainList) length() int { return len(l.text) }

func (l *plainList) read(d *integers.Decoder, from *streams.Source, n int) {
	l.text, l.ends = nil, scratch.Slice(l.ends, n)
	d.Read(from, l.ends)
	end := int64(0)
	for i, length := range l.ends {
		if from.Bad || uint64(length) > uint64(int64(len(from.Text))-end) {
			from.Bad = true
			l.ends = l.ends[:0]
			return
		}
		end += length
		l.ends[i] = end
	}
	l.text = from.Take(&from.Text, int(end))
}

func (l *plainList) all(dst [][]byte, _ []byte) (out [][]byte, ok bool) {
	from := int64(0)
	for _, end := range l.ends {
		dst = append(dst, l.text[from:end:end])
		from = end
	}
	return dst, true
}

func (l *plainList) one(b []byte, i int) ([]byte, bool) {
	from := int64(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	return append(b, l.text[from:l.ends[i]]...), true
}

// contain searches all strings as one run of bytes: bytes.Index is quickest on long ones.
func (l *plainList) contain(parts [][]byte, pass []bool) bool {
	for i := range pass {
		pass[i] = true
	}
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		at, i := 0, 0 // text before at is searched; string i is the first that is not
		for i < len(l.ends) {
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
		for ; i < len(l.ends); i++ {
			pass[i] = false
		}
	}
	return true
}

func (l *plainList) equal(wanted [][]byte, pass []bool) bool {
	from := int64(0)
	for i, end := range l.ends {
		pass[i] = oneOf(wanted, l.text[from:end])
		from = end
	}
	return true
}

func oneOf(wanted [][]byte, s []byte) bool {
	for _, w := range wanted {
		if bytes.Equal(s, w) {
			return true
		}
	}
	return false
}
