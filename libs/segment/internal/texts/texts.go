// Package texts writes lists of strings, and finds strings in them without putting together those that nobody looks at
// (docs/segment-format.md, section 7, "strings").
//
// A form is one way to write a list: a file, and an entry of forms. A writer takes the first that takes the list.
//
// Invariants: a List gives back the bytes that were written, in order; it refers to the memory of its source until Forget or the next Read. A
// damaged source sets Bad or makes a method answer false, never panics, and never makes a List take more memory than limits.TemplateGrowth
// times what is left of the text stream and the number of strings.
package texts

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// form is one way to write a list of strings. Its functions are called once a list.
type form struct {
	name string
	code byte // part of the format

	// write writes a list of which the code has been written; false, and nothing is written, where another form suits better.
	write func(e *Encoder, to *streams.Sink, list [][]byte) bool

	// reader is the part of a List that reads it.
	reader func(l *List) reader

	// describe tells what the head of a list says, of which the code has been read.
	describe func(from *streams.Source) string
}

// forms lists all forms in the order in which a writer tries them; the last takes every list.
func forms() []form { return []form{nested(), templates(), copies(), plain()} }

// reader is a list of strings in one form, as List promises it.
type reader interface {
	read(d *integers.Decoder, from *streams.Source, n int)
	all(dst [][]byte, memory []byte) (out [][]byte, ok bool)
	one(b []byte, i int) ([]byte, bool)
	contain(parts [][]byte, pass []bool) bool
	equal(wanted [][]byte, pass []bool) bool
	built() int
	length() int // bytes of all strings; none has more
	memory() int
	forget()
}

// MaxNumbers bounds the numbers of all templates of a list, which take next to no bytes where they are equal. A list that would have more is
// written plainly.
const MaxNumbers = limits.TemplateNumbers

// Encoder writes lists of strings. One goroutine uses it.
type Encoder struct {
	forms    []form
	integers *integers.Encoder
	coder    coder
	lengths  []int64         // of strings or templates; valid while a list is written
	copies   []passages.Copy // valid while a list is written
	trees    trees
	within   bool // the strings of lists and maps are written
	touched  int  // what touch returned: it must not be optimised away
}

// NewEncoder makes an Encoder that writes numbers with another.
func NewEncoder(numbers *integers.Encoder) *Encoder {
	e := &Encoder{forms: forms(), integers: numbers}
	e.coder.classify()
	return e
}

// Write writes a list of strings, of which there is at least one, in the form that suits.
func (e *Encoder) Write(to *streams.Sink, list [][]byte) {
	for i := range e.forms {
		before := len(to.Code)
		to.Byte(e.forms[i].code)
		if e.forms[i].write(e, to, list) {
			return
		}
		to.Code = to.Code[:before]
	}
}

// ahead is how many strings are touched before they are parsed. Rows lie in another order than requests had them in, so that each string
// is a cache miss of 90 ns when it is parsed; asked for together, they come together: a fifth less for hard data.
const ahead = 32

// touch reads the ends of the next strings where i is the first of some ahead.
func (e *Encoder) touch(list [][]byte, i int) {
	if i%ahead != 0 {
		return
	}
	for _, s := range list[i:min(i+ahead, len(list))] {
		if len(s) > 0 {
			e.touched += int(s[0]) + int(s[len(s)-1])
		}
	}
}

// List is a list of strings as a segment holds it: parsed, but no string of a template is put together before somebody looks at it.
// Searching 4,000 log bodies for a part of a word so reads some dozen templates and not the 600 kB of text that they stand for. The zero
// value is ready for Read. One goroutine uses it.
type List struct {
	reader
	form      string // name
	forms     []form // made by the first Read
	plain     plainList
	templated templateList
	copied    copyList
	nested    nestedList
}

// Read parses n strings, at least one; the list refers to the memory of from. Damage sets Bad, and the list is empty then.
func (l *List) Read(d *integers.Decoder, from *streams.Source, n int) {
	if l.forms == nil {
		l.forms = forms()
	}
	l.reader = &l.plain
	code := from.Byte()
	for i := range l.forms {
		if l.forms[i].code == code && !from.Bad {
			l.form, l.reader = l.forms[i].name, l.forms[i].reader(l)
			l.read(d, from, n)
			return
		}
	}
	from.Bad = true
}

// Form is the name of the form in which the list was written.
func (l *List) Form() string { return l.form }

// Forget lets go of the memory of others that the list refers to. It may not be asked before it is read again.
func (l *List) Forget() {
	l.plain.forget()
	l.templated.forget()
	l.copied.forget()
	l.nested.forget()
}

// Memory is how many bytes the list holds on to for the next Read.
func (l *List) Memory() int {
	return l.plain.memory() + l.templated.memory() + l.copied.memory() + l.nested.memory()
}

// Built is how many bytes All puts together; 0 where the strings lie in the memory of the source.
func (l *List) Built() int { return l.built() }

// All appends every string to dst, in order; memory, of capacity Built, is where they are put unless they lie in the source. False for a
// list that is damaged.
func (l *List) All(dst [][]byte, memory []byte) (out [][]byte, ok bool) { return l.all(dst, memory) }

// One appends string i to b; false if it is damaged.
func (l *List) One(b []byte, i int) ([]byte, bool) { return l.one(b, i) }

// Contain sets pass[i] for each string i that contains all of parts; false for a list that is damaged.
func (l *List) Contain(parts [][]byte, pass []bool) bool { return l.contain(parts, pass) }

// Equal sets pass[i] for each string i that is one of wanted; false for a list that is damaged.
func (l *List) Equal(wanted [][]byte, pass []bool) bool { return l.equal(wanted, pass) }

// Describe tells in which form a list is written, and reads no more than the head of it.
func Describe(from *streams.Source) string {
	code := from.Byte()
	for _, f := range forms() {
		if f.code == code && !from.Bad {
			return f.describe(from)
		}
	}
	return "unknown"
}
