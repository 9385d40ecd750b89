package container

import (
	"encoding/binary"
	"iter"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

// Fields are extension fields, what later programs add to a directory, to one of its entries, or to the body of a section: a tag, a length
// and bytes each, strictly ascending by tag. A program passes over a tag that it does not know, unless the tag is critical. The
// specification lists the tags, those without a reader yet too.
type Fields []byte

// Field is one extension field. Content lies in the memory of the Fields.
type Field struct {
	Tag      uint64 // 1 to MaxTag
	Critical bool   // who does not know the tag may not read what the field belongs to
	Content  []byte
}

// fieldPassages is the tag of the directory's critical field that tells of passages.
const fieldPassages = 3

// fieldConnection is the tag of the critical field of the entry of SectionConnection: a program that does not know the column reads all else, and does not write
// the segment anew without it.
const fieldConnection = 5

// fieldSums is the tag of the directory's field of sums.
const fieldSums = 6

// FieldsOfConnection are the fields of the entry of SectionConnection.
func FieldsOfConnection() Fields { return Fields{}.With(fieldConnection, true, nil) }

// MaxTag is the largest tag.
const MaxTag = limits.Tag

// With appends a field, whose tag is larger than those before it.
func (f Fields) With(tag uint64, critical bool, content []byte) Fields {
	tag <<= 1
	if critical {
		tag |= 1
	}
	f = binary.AppendUvarint(f, tag)
	f = binary.AppendUvarint(f, uint64(len(content)))
	return append(f, content...)
}

// All lists the fields in order.
func (f Fields) All() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for len(f) > 0 {
			field, rest, ok := f.next()
			if !ok || !yield(field) {
				return
			}
			f = rest
		}
	}
}

// Get returns the content of a field; false where it is not there.
func (f Fields) Get(tag uint64) ([]byte, bool) {
	for field := range f.All() {
		if field.Tag == tag {
			return field.Content, true
		}
	}
	return nil, false
}

// cut parts the fields at one of them: what stands before it, its content, and what stands behind it.
func (f Fields) cut(tag uint64) (before Fields, content []byte, rest Fields, ok bool) {
	for from := f; len(from) > 0; {
		field, rest, ok := from.next()
		if !ok {
			break
		}
		if field.Tag == tag {
			return f[:len(f)-len(from)], field.Content, rest, true
		}
		from = rest
	}
	return f, nil, nil, false
}

func (f Fields) next() (field Field, rest Fields, ok bool) {
	tag, n := binary.Uvarint(f)
	if n <= 0 || tag>>1 == 0 || tag>>1 > MaxTag {
		return field, nil, false
	}
	length, m := binary.Uvarint(f[n:])
	if m <= 0 || length > uint64(len(f)-n-m) {
		return field, nil, false
	}
	from := n + m
	end := from + int(length)
	return Field{Tag: tag >> 1, Critical: tag&1 != 0, Content: f[from:end:end]}, f[end:], true
}

// valid tells whether f is a sequence of whole fields with ascending tags.
func (f Fields) valid() bool {
	for last := uint64(0); len(f) > 0; {
		field, rest, ok := f.next()
		if !ok || field.Tag <= last {
			return false
		}
		last, f = field.Tag, rest
	}
	return true
}

// understood is the error (fault.Internal, code "segment.extension") of a field that must be known and is not the known one.
func (f Fields) understood(what string, known uint64) error {
	if len(f) == 0 {
		return nil
	}
	for field := range f.All() {
		if field.Critical && field.Tag != known {
			return errExtension.Newf("%s of the segment needs extension %d, which this program does not know", what, field.Tag)
		}
	}
	return nil
}
