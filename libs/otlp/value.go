package otlp

// AnyValue: the value of an attribute, or the body of a log record. This file has the one walk over it. CheckValue checks a value with
// everything that it holds, Read does so and gives what it is, and Elements goes through what a checked list or map holds. None allocates.
//
// Invariants. Of several values in one AnyValue the last one counts, and a field that occurs twice is merged, as protobuf demands of a
// oneof; a list and a map that occur twice are replaced, as the Collector's decoder does. At most MaxNesting lists and maps stand in one
// another: ingest refuses what is deeper (whole), so that what is stored never is, and Elements of a deeper one has none.

// MaxNesting is how many lists and maps may stand in one another: [[…[1]…]] with 64 brackets is the deepest list. One more is refused,
// also where it is empty. The protobuf libraries of C++, Java and Python end at 100 messages in one another, which for OTLP is a list
// 47 deep or a map 31 deep: whatever they can send is taken.
const MaxNesting = 64

// ValueType is the type of an AnyValue. The numbers are those that a segment stores.
type ValueType uint8

// The types of AnyValue. Empty is a present attribute without a value (legal OTLP), not an absent attribute.
const (
	Empty ValueType = iota
	String
	Bool
	Int
	Double
	Bytes
	Array // Raw is the protobuf of ArrayValue
	Map   // Raw is the protobuf of KeyValueList
)

// String is the type's name, as section 7 of docs/segment-format.md gives it.
func (t ValueType) String() string {
	switch t {
	case Empty:
		return "empty"
	case String:
		return "string"
	case Bool:
		return "bool"
	case Int:
		return "int"
	case Double:
		return "double"
	case Bytes:
		return "bytes"
	case Array:
		return "array"
	case Map:
		return "map"
	}
	return "unknown"
}

// Value is an AnyValue as it stands in a message: Raw is the message's memory. Bool (0 or 1), Int (two's complement) and Double (IEEE 754
// bits) are in Num, the others in Raw.
type Value struct {
	Type  ValueType
	Num   uint64
	Raw   []byte
	depth int // lists and maps around it
}

// Read merges the AnyValue message b into v, after what was read into it before, and checks all that it holds. On a problem, at is where
// in b it is.
func (v *Value) Read(b []byte) (at int, p Problem) { return v.read(b, 0, true) }

// read goes through one AnyValue that depth lists and maps stand around. Where all is false, what it holds is not looked at.
func (v *Value) read(b []byte, depth int, all bool) (at int, p Problem) {
	v.depth = depth
	for i := 0; i < len(b); {
		tag, s, e, p := Next(b, i)
		if p != Fine {
			return s, p
		}
		switch tag {
		case AnyValueStringValue:
			v.Type, v.Num, v.Raw = String, 0, b[s:e:e]
		case AnyValueBoolValue:
			v.Type, v.Num, v.Raw = Bool, min(Number(b, s), 1), nil
		case AnyValueIntValue:
			v.Type, v.Num, v.Raw = Int, Number(b, s), nil
		case AnyValueDoubleValue:
			v.Type, v.Num, v.Raw = Double, Fixed64(b, s), nil
		case AnyValueBytesValue:
			v.Type, v.Num, v.Raw = Bytes, 0, b[s:e:e]
		case AnyValueArrayValue, AnyValueKvlistValue:
			v.Type, v.Num, v.Raw = Array, 0, b[s:e:e]
			if tag == AnyValueKvlistValue {
				v.Type = Map
			}
			if all {
				if at, p := checkElements(b[:e], s, tag, depth+1); p != Fine {
					return at, p
				}
			}
		case AnyValueStringValueStrindex:
		default:
			if AnyValueFields.Has(tag) {
				return i, WrongType
			}
		}
		i = e
	}
	return 0, Fine
}

// CheckValue checks the AnyValue b[i:end] with all that it holds, and keeps nothing. On a problem, at is where in b it is.
func CheckValue(b []byte, i, end int) (at int, p Problem) { return checkValue(b[:end], i, 0) }

// checkValue checks the AnyValue b[i:], which depth lists and maps stand around.
func checkValue(b []byte, i, depth int) (at int, p Problem) {
	for i < len(b) {
		tag, s, e, p := Next(b, i)
		if p != Fine {
			return s, p
		}
		switch tag {
		case AnyValueStringValue, AnyValueBoolValue, AnyValueIntValue, AnyValueDoubleValue, AnyValueBytesValue, AnyValueStringValueStrindex:
		case AnyValueArrayValue, AnyValueKvlistValue:
			if at, p := checkElements(b[:e], s, tag, depth+1); p != Fine {
				return at, p
			}
		default:
			if AnyValueFields.Has(tag) {
				return i, WrongType
			}
		}
		i = e
	}
	return 0, Fine
}

// checkElements checks the ArrayValue or KeyValueList b[i:] of an AnyValue's field; it is the depth-th of those in one another.
func checkElements(b []byte, i int, of Tag, depth int) (at int, p Problem) {
	if depth > MaxNesting {
		return i, TooDeep
	}
	for i < len(b) {
		tag, s, e, p := Next(b, i)
		switch {
		case p != Fine:
			return s, p
		case tag == ArrayValueValues: // and KeyValueListValues: the same number
			if of == AnyValueArrayValue {
				at, p = checkValue(b[:e], s, depth)
			} else if !PlainKeyValue(b[:e], s) {
				at, p = checkKeyValue(b[:e], s, depth)
			}
			if p != Fine {
				return at, p
			}
		case ArrayValueFields.Has(tag):
			return i, WrongType
		}
		i = e
	}
	return 0, Fine
}

// CheckKeyValue checks the KeyValue b[i:end] with all that it holds, and keeps nothing. On a problem, at is where in b it is. Ask
// PlainKeyValue first.
func CheckKeyValue(b []byte, i, end int) (at int, p Problem) { return checkKeyValue(b[:end], i, 0) }

func checkKeyValue(b []byte, i, depth int) (at int, p Problem) {
	for i < len(b) {
		tag, s, e, p := Next(b, i)
		if p != Fine {
			return s, p
		}
		switch tag {
		case KeyValueKey, KeyValueKeyStrindex:
		case KeyValueValue:
			if at, p := checkValue(b[:e], s, depth); p != Fine {
				return at, p
			}
		default:
			if KeyValueFields.Has(tag) {
				return i, WrongType
			}
		}
		i = e
	}
	return 0, Fine
}

// ReadKeyValue reads a KeyValue message: the key, and into v, which is empty, the value, checked with all that it holds. On a problem, at is
// where in b it is.
func ReadKeyValue(b []byte, v *Value) (key []byte, at int, p Problem) {
	return readKeyValue(b, v, 0, true)
}

func readKeyValue(b []byte, v *Value, depth int, all bool) (key []byte, at int, p Problem) {
	v.depth = depth
	for i := 0; i < len(b); {
		tag, s, e, p := Next(b, i)
		if p != Fine {
			return nil, s, p
		}
		switch tag {
		case KeyValueKey:
			key = b[s:e:e]
		case KeyValueValue:
			if at, p := v.read(b[s:e], depth, all); p != Fine {
				return nil, s + at, p
			}
		case KeyValueKeyStrindex:
		default:
			if KeyValueFields.Has(tag) {
				return nil, i, WrongType
			}
		}
		i = e
	}
	return key, 0, Fine
}

// PlainKeyValue recognises in b[i:] what nearly every KeyValue looks like, a short key and a short scalar, both right, in half the time
// that CheckKeyValue takes; the Collector's encoder writes the value first. False says nothing: the long way finds out.
func PlainKeyValue(b []byte, i int) bool {
	if len(b)-i < 4 || b[i+1] >= 0x80 {
		return false
	}
	first, second := i+2, i+4+int(b[i+1]) // where the contents begin
	if second > len(b) || b[second-1] >= 0x80 || second+int(b[second-1]) != len(b) {
		return false
	}
	var v, n int
	switch {
	case Tag(b[i]) == KeyValueKey && Tag(b[second-2]) == KeyValueValue:
		v, n = second, len(b)-second
	case Tag(b[i]) == KeyValueValue && Tag(b[second-2]) == KeyValueKey:
		v, n = first, second-2-first
	default:
		return false
	}
	if n < 2 {
		return n == 0 // a value without content
	}
	switch Tag(b[v]) {
	case AnyValueStringValue:
		return int(b[v+1]) == n-2 // a length of one byte: n is below 128
	case AnyValueBoolValue, AnyValueIntValue:
		for _, x := range b[v+1 : v+n-1] {
			if x < 0x80 {
				return false // another field follows
			}
		}
		return b[v+n-1] < 0x80 && n <= 10
	case AnyValueDoubleValue:
		return n == 9
	}
	return false
}

// Elements goes through what a list or a map holds:
//
//	for e := v.Elements(); e.Next(); {
//		use(e.Key, e.Value)
//	}
//
// What Key and Value refer to is the list's memory. What does not parse, or lies too deep, ends it: Read refuses such messages.
type Elements struct {
	Key   []byte // of a map
	Value Value

	b     []byte
	keyed bool
	depth int
}

// Elements is what a list or a map holds, before the first; of another value, nothing.
func (v Value) Elements() Elements {
	if v.Type != Array && v.Type != Map || v.depth >= MaxNesting {
		return Elements{}
	}
	return Elements{b: v.Raw, keyed: v.Type == Map, depth: v.depth + 1}
}

// Next goes to the next element and reports whether there is one.
func (e *Elements) Next() bool {
	for len(e.b) > 0 {
		tag, s, end, p := Next(e.b, 0)
		if p != Fine {
			break
		}
		element := e.b[s:end]
		e.b = e.b[end:]
		if tag != ArrayValueValues {
			continue
		}
		e.Key, e.Value = nil, Value{}
		if e.keyed {
			e.Key, _, p = readKeyValue(element, &e.Value, e.depth, false)
		} else {
			_, p = e.Value.read(element, e.depth, false)
		}
		if p != Fine {
			break
		}
		return true
	}
	e.b = nil
	return false
}
