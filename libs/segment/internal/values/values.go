// Package values writes the values of one attribute key or text column, and reads all or some of them (docs/segment-format.md, section 7).
//
// Invariants: values come back with type and content, in order; the absent value of a text column is one of its own. A Column refers to the
// memory of its source until Forget or the next Read. A damaged source sets Bad, never panics, and never makes a Column take more than a few
// times the memory of as many values as were asked for, and what texts allows.
package values

import "github.com/ollyscale/ollyscale/libs/otlp"

// ID names an entry of a pool of values. 0 is always the absent value (empty string, type Empty, no key).
type ID uint32

// KeyID names an attribute key or a text column.
type KeyID uint32

// Type is the type of an OTLP AnyValue.
type Type = otlp.ValueType

// Absent stands in the place of a type for the absent value. It is no Type of OTLP, and in lists only.
const Absent = 8

// Value is one interned (key, type, content). Bool, Int and Double live in Num (0/1, two's complement, IEEE bits); the others in Raw,
// which may hold invalid UTF-8 and NUL: what came in is what goes out.
type Value struct {
	Key  KeyID
	Type Type
	Num  uint64
	Raw  []byte
	Hash uint64 // of key, type and content: the token that the token filter holds
}

// OTLP is the value without its key, as package otlp goes through it.
func (v *Value) OTLP() otlp.Value { return otlp.Value{Type: v.Type, Num: v.Num, Raw: v.Raw} }

// store is where the content of a type stands in a list.
type store uint8

const (
	nothing store = iota // Empty, Absent
	numbers
	doubles
	raws
	unknown // a type that is none
)

// storeOf is the one place that tells it.
func storeOf(t Type) store {
	switch t {
	case otlp.Empty, Absent:
		return nothing
	case otlp.Bool, otlp.Int:
		return numbers
	case otlp.Double:
		return doubles
	case otlp.String, otlp.Bytes, otlp.Array, otlp.Map:
		return raws
	}
	return unknown
}

// IsText tells whether a type's content is bytes.
func IsText(t Type) bool { return storeOf(t) == raws }

// IsNumeric tells whether a type's content is a number.
func IsNumeric(t Type) bool { return storeOf(t) == numbers || storeOf(t) == doubles }

// What stands in the place of the type of all values of a list, before a type for each.
const (
	mixed = 0xff
	apart = 0xfe // the bytes of strings stand before those of others, with which they have little in common
)

// Modes of a column.
const (
	modeDictionary = 0 // distinct values, and which of them each is
	modeDirect     = 1 // every value
)
