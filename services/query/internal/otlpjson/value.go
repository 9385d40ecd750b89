// Package otlpjson reads and writes what has a JSON form of its own in requests and answers, whichever front end they belong to: OTLP's
// AnyValue, doubles that are no numbers, and times.
package otlpjson

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// ValueKind is which member of an AnyValue is set.
type ValueKind = otlp.ValueType

// The members of AnyValue; KindEmpty is a value without content.
const (
	KindEmpty  = otlp.Empty
	KindString = otlp.String
	KindBool   = otlp.Bool
	KindInt    = otlp.Int
	KindDouble = otlp.Double
	KindBytes  = otlp.Bytes
	KindArray  = otlp.Array
	KindMap    = otlp.Map
)

// Value is an OTLP AnyValue. Its JSON form is that of OTLP/JSON.
type Value struct {
	Kind   ValueKind
	String string
	Bool   bool
	Int    int64
	Double float64
	Bytes  []byte
	Array  []Value
	Map    []KeyValue
}

// KeyValue is an attribute, or a member of a map.
type KeyValue struct {
	Key   string `json:"key"`
	Value Value  `json:"value"`
}

// Of is a value as it is stored, with all that it holds. Nothing of it refers to what was stored.
func Of(v otlp.Value) Value {
	out := Value{Kind: v.Type}
	switch v.Type {
	case otlp.Empty:
	case otlp.String:
		out.String = string(v.Raw)
	case otlp.Bool:
		out.Bool = v.Num != 0
	case otlp.Int:
		out.Int = int64(v.Num) //nolint:gosec // two's complement is the format
	case otlp.Double:
		out.Double = math.Float64frombits(v.Num)
	case otlp.Bytes:
		out.Bytes = append([]byte{}, v.Raw...)
	case otlp.Array:
		for e := v.Elements(); e.Next(); {
			out.Array = append(out.Array, Of(e.Value))
		}
	case otlp.Map:
		for e := v.Elements(); e.Next(); {
			out.Map = append(out.Map, KeyValue{Key: string(e.Key), Value: Of(e.Value)})
		}
	}
	return out
}

// Stored is the value as it is stored; false where more than otlp.MaxNesting lists and maps stand in one another.
func (v Value) Stored() (otlp.Value, bool) { return v.stored(1) }

func (v Value) stored(depth int) (out otlp.Value, ok bool) {
	out.Type = v.Kind
	switch v.Kind {
	case KindEmpty:
	case KindString:
		out.Raw = []byte(v.String)
	case KindBool:
		if v.Bool {
			out.Num = 1
		}
	case KindInt:
		out.Num = uint64(v.Int) //nolint:gosec // two's complement is the format
	case KindDouble:
		out.Num = math.Float64bits(v.Double)
	case KindBytes:
		out.Raw = v.Bytes
	case KindArray:
		for _, e := range v.Array {
			element, ok := e.anyValue(depth + 1)
			if !ok {
				return out, false
			}
			out.Raw = otlp.AppendBytes(out.Raw, otlp.ArrayValueValues, element)
		}
	case KindMap:
		for _, e := range v.Map {
			element, ok := e.Value.anyValue(depth + 1)
			if !ok {
				return out, false
			}
			member := otlp.AppendBytes(otlp.AppendBytes(nil, otlp.KeyValueKey, e.Key), otlp.KeyValueValue, element)
			out.Raw = otlp.AppendBytes(out.Raw, otlp.ArrayValueValues, member)
		}
	}
	return out, depth <= otlp.MaxNesting || v.Kind != KindArray && v.Kind != KindMap
}

// anyValue is the message of a value.
func (v Value) anyValue(depth int) (b []byte, ok bool) {
	stored, ok := v.stored(depth)
	if !ok {
		return nil, false
	}
	switch v.Kind {
	case KindEmpty:
	case KindString:
		b = otlp.AppendBytes(nil, otlp.AnyValueStringValue, stored.Raw)
	case KindBool:
		b = otlp.AppendUvarint(otlp.AppendTag(nil, otlp.AnyValueBoolValue), stored.Num)
	case KindInt:
		b = otlp.AppendUvarint(otlp.AppendTag(nil, otlp.AnyValueIntValue), stored.Num)
	case KindDouble:
		b = binary.LittleEndian.AppendUint64(otlp.AppendTag(nil, otlp.AnyValueDoubleValue), stored.Num)
	case KindBytes:
		b = otlp.AppendBytes(nil, otlp.AnyValueBytesValue, stored.Raw)
	case KindArray:
		b = otlp.AppendBytes(nil, otlp.AnyValueArrayValue, stored.Raw)
	case KindMap:
		b = otlp.AppendBytes(nil, otlp.AnyValueKvlistValue, stored.Raw)
	}
	return b, true
}

// MarshalJSON writes OTLP/JSON.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil) }

func (v Value) appendJSON(b []byte) ([]byte, error) {
	var err error
	switch v.Kind {
	case KindEmpty:
		return append(b, "{}"...), nil
	case KindString:
		if b, err = appendString(append(b, `{"stringValue":`...), v.String); err != nil {
			return nil, err
		}
	case KindBool:
		b = strconv.AppendBool(append(b, `{"boolValue":`...), v.Bool)
	case KindInt:
		b = append(strconv.AppendInt(append(b, `{"intValue":"`...), v.Int, 10), '"')
	case KindDouble:
		b = Float(v.Double).appendJSON(append(b, `{"doubleValue":`...))
	case KindBytes:
		b = append(base64.StdEncoding.AppendEncode(append(b, `{"bytesValue":"`...), v.Bytes), '"')
	case KindArray:
		b = append(b, `{"arrayValue":{"values":[`...)
		for i, e := range v.Array {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = e.appendJSON(b); err != nil {
				return nil, err
			}
		}
		b = append(b, "]}"...)
	case KindMap:
		b = append(b, `{"kvlistValue":{"values":[`...)
		for i, e := range v.Map {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendString(append(b, `{"key":`...), e.Key); err != nil {
				return nil, err
			}
			if b, err = e.Value.appendJSON(append(b, `,"value":`...)); err != nil {
				return nil, err
			}
			b = append(b, '}')
		}
		b = append(b, "]}"...)
	}
	return append(b, '}'), nil
}

func appendString(b []byte, s string) ([]byte, error) {
	quoted, err := json.Marshal(s)
	return append(b, quoted...), err
}

var errValue = errors.New("want an AnyValue object with one of stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue")

// UnmarshalJSON reads OTLP/JSON; intValue may be a number or a string.
func (v *Value) UnmarshalJSON(b []byte) error {
	var wire struct {
		StringValue *string
		BoolValue   *bool
		IntValue    *json.RawMessage
		DoubleValue *Float
		BytesValue  *[]byte
		ArrayValue  *struct{ Values []Value }
		KvlistValue *struct{ Values []KeyValue }
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&wire); err != nil {
		return fmt.Errorf("%w: %w", errValue, Plain(err))
	}
	*v = Value{}
	set := 0
	if wire.StringValue != nil {
		set++
		v.Kind, v.String = KindString, *wire.StringValue
	}
	if wire.BoolValue != nil {
		set++
		v.Kind, v.Bool = KindBool, *wire.BoolValue
	}
	if wire.IntValue != nil {
		set++
		n, err := strconv.ParseInt(string(bytes.Trim(*wire.IntValue, `"`)), 10, 64)
		if err != nil {
			return fmt.Errorf("intValue %.64s: want a 64-bit integer", *wire.IntValue)
		}
		v.Kind, v.Int = KindInt, n
	}
	if wire.DoubleValue != nil {
		set++
		v.Kind, v.Double = KindDouble, float64(*wire.DoubleValue)
	}
	if wire.BytesValue != nil {
		set++
		v.Kind, v.Bytes = KindBytes, *wire.BytesValue
	}
	if wire.ArrayValue != nil {
		set++
		v.Kind, v.Array = KindArray, wire.ArrayValue.Values
	}
	if wire.KvlistValue != nil {
		set++
		v.Kind, v.Map = KindMap, wire.KvlistValue.Values
	}
	if set > 1 {
		return errValue
	}
	return nil
}

// Float is a double whose JSON form also has NaN and the infinities, as strings.
type Float float64

// MarshalJSON writes a number, or "NaN", "Infinity", "-Infinity".
func (f Float) MarshalJSON() ([]byte, error) { return f.appendJSON(nil), nil }

func (f Float) appendJSON(b []byte) []byte { return otlp.AppendDouble(b, float64(f)) }

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Float) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"NaN"`:
		*f = Float(math.NaN())
	case `"Infinity"`:
		*f = Float(math.Inf(1))
	case `"-Infinity"`:
		*f = Float(math.Inf(-1))
	default:
		x, err := strconv.ParseFloat(string(b), 64)
		if err != nil {
			return fmt.Errorf("%.64s: want a number, \"NaN\", \"Infinity\" or \"-Infinity\"", b)
		}
		*f = Float(x)
	}
	return nil
}

// Time is a time as sent in a request; Nanos parses it. A whole number is Unix nanoseconds, and one that would lie before 1973 as such but is a time of
// ours as seconds, milliseconds or microseconds is refused rather than believed: it would be a question about nothing. Who means 1970 writes RFC 3339.
type Time string

// UnmarshalJSON takes a string or an integer as it is.
func (t *Time) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = Time(s)
		return nil
	}
	*t = Time(b)
	return nil
}

// CheckNanos refuses a number that is a time in a larger unit than nanoseconds.
func CheckNanos(n int64) error {
	least := firstSecond
	for _, unit := range []struct{ name, zeros string }{{"seconds", "000000000"}, {"milliseconds", "000000"}, {"microseconds", "000"}} {
		if n >= least && n < 1000*least {
			return fmt.Errorf("%d is a time in Unix %s: want nanoseconds (%d%s) or RFC 3339", n, unit.name, n, unit.zeros)
		}
		least *= 1000
	}
	return nil
}

// firstSecond is the Unix second, of 1973, from which on times are told apart by their size: three digits lie between one unit and the next.
const firstSecond = int64(100_000_000)

// Nanos is the time in Unix nanoseconds; the error says what is wanted.
func (t Time) Nanos() (int64, error) {
	if n, err := strconv.ParseInt(string(t), 10, 64); err == nil {
		return n, CheckNanos(n)
	}
	at, err := time.Parse(time.RFC3339Nano, string(t))
	if err != nil {
		return 0, fmt.Errorf("%.64q: want RFC 3339 or Unix nanoseconds", string(t))
	}
	if at.Before(time.Unix(0, math.MinInt64)) || at.After(time.Unix(0, math.MaxInt64)) {
		return 0, fmt.Errorf("%q is outside the years 1677 to 2262", string(t))
	}
	return at.UnixNano(), nil
}

// Size is how many bytes the value takes in an answer, about.
func (v *Value) Size() int64 {
	const each = 32 // a number, the names of members
	n := int64(each + len(v.String) + len(v.Bytes))
	for i := range v.Array {
		n += v.Array[i].Size()
	}
	for i := range v.Map {
		n += int64(len(v.Map[i].Key)) + v.Map[i].Value.Size()
	}
	return n
}
