package filter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Literal is a value of a condition. A number without a type (200) means the int and the double; one with a type ({"intValue":"200"}) only
// that. Of a list or map Raw is its text, as groups tell it.
type Literal struct {
	segment.Value
	untyped bool
}

// String is a string as a literal.
func String(s string) Literal { return Literal{Value: text(s)} }

func text(s string) segment.Value { return segment.Value{Type: segment.String, Raw: []byte(s)} }

func integer(n int64) segment.Value { return segment.Value{Type: segment.Int, Num: uint64(n)} } //nolint:gosec // two's complement is the format

func double(x float64) segment.Value {
	return segment.Value{Type: segment.Double, Num: math.Float64bits(x)}
}

func boolean(b bool) segment.Value {
	v := segment.Value{Type: segment.Bool}
	if b {
		v.Num = 1
	}
	return v
}

func intOf(v segment.Value) int64 { return int64(v.Num) } //nolint:gosec // two's complement is the format

func doubleOf(v segment.Value) float64 { return math.Float64frombits(v.Num) }

// parseLiteral reads a JSON literal or an AnyValue.
func parseLiteral(raw json.RawMessage) (Literal, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Literal{}, errors.New("a value is required")
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return String(s), err
	case 't', 'f':
		return Literal{Value: boolean(raw[0] == 't')}, nil
	case '{':
		if deep(raw) { // before what it holds is read
			return Literal{}, errDeep
		}
		var v otlpjson.Value
		if err := json.Unmarshal(raw, &v); err != nil {
			return Literal{}, err
		}
		return literalOf(v)
	case 'n', '[':
		return Literal{}, fmt.Errorf("%.64s is not a value to compare with", raw)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return Literal{Value: integer(n), untyped: true}, nil
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return Literal{}, fmt.Errorf("%.64s is not a number that 64 bits hold", raw)
	}
	return Literal{Value: double(x), untyped: true}, nil
}

var errDeep = fmt.Errorf("no value has more than %d lists and maps in one another", otlp.MaxNesting)

// deep reports whether JSON has more in one another than any AnyValue: a map in a map takes four brackets.
func deep(raw []byte) bool {
	open, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			if open++; open > 4*otlp.MaxNesting+1 {
				return true
			}
		case c == '}' || c == ']':
			open--
		}
	}
	return false
}

func literalOf(v otlpjson.Value) (Literal, error) {
	switch v.Kind {
	case otlpjson.KindEmpty:
		return Literal{Value: segment.Value{Type: segment.Empty}}, nil
	case otlpjson.KindString:
		return String(v.String), nil
	case otlpjson.KindBool:
		return Literal{Value: boolean(v.Bool)}, nil
	case otlpjson.KindInt:
		return Literal{Value: integer(v.Int)}, nil
	case otlpjson.KindDouble:
		return Literal{Value: double(v.Double)}, nil
	case otlpjson.KindBytes:
		return Literal{Value: segment.Value{Type: segment.Bytes, Raw: v.Bytes}}, nil
	case otlpjson.KindArray, otlpjson.KindMap:
		stored, ok := v.Stored()
		if !ok {
			return Literal{}, errDeep
		}
		return Literal{Value: segment.Value{Type: v.Kind, Raw: otlp.AppendText(nil, stored, "")}}, nil
	}
	return Literal{}, errors.New("this is no value to compare with")
}

// equals compares by type; an untyped number equals an int and a double of its value.
func (l Literal) equals(v segment.Value) bool {
	switch l.Type {
	case segment.Empty:
		return v.Type == segment.Empty
	case segment.String, segment.Bytes:
		return v.Type == l.Type && bytes.Equal(v.Raw, l.Raw)
	case segment.Bool:
		return v.Type == segment.Bool && (v.Num != 0) == (l.Num != 0)
	case segment.Int, segment.Double:
		for _, twin := range l.numbers() {
			if v.Type == twin.Type && (v.Num == twin.Num || v.Type == segment.Double && doubleOf(v) == doubleOf(twin)) {
				return true
			}
		}
	case segment.Array, segment.Map: // by their texts: toldTest
	}
	return false
}

// numbers are the values that a number means: itself and, without a type, its twin where that has exactly the same value.
func (l Literal) numbers() []segment.Value {
	list := []segment.Value{l.Value}
	switch {
	case !l.untyped:
	case l.Type == segment.Int:
		// 2^63 as a double is outside of int64 and would not convert back.
		if n := intOf(l.Value); float64(n) < 1<<63 && int64(float64(n)) == n {
			list = append(list, double(float64(n)))
		}
	default:
		if x := doubleOf(l.Value); x == math.Trunc(x) && x >= -1<<63 && x < 1<<63 {
			list = append(list, integer(int64(x)))
		}
	}
	return list
}

// compare is the order of v towards the literal; only numbers with numbers and strings with strings have one, and NaN has none.
func (l Literal) compare(v segment.Value) (order int, ok bool) {
	switch {
	case v.Type == segment.String && l.Type == segment.String:
		return bytes.Compare(v.Raw, l.Raw), true
	case v.Type == segment.Int && l.Type == segment.Int:
		return cmp.Compare(intOf(v), intOf(l.Value)), true
	case v.Type == segment.Int && l.Type == segment.Double:
		return compareIntFloat(intOf(v), doubleOf(l.Value))
	case v.Type == segment.Double && l.Type == segment.Int:
		order, ok = compareIntFloat(intOf(l.Value), doubleOf(v))
		return -order, ok
	case v.Type == segment.Double && l.Type == segment.Double:
		a, b := doubleOf(v), doubleOf(l.Value)
		return cmp.Compare(a, b), !math.IsNaN(a) && !math.IsNaN(b)
	}
	return 0, false
}

// compareIntFloat is exact: beyond 2^53 a double has not every integer, and converting would make equal what is not.
func compareIntFloat(n int64, x float64) (int, bool) {
	switch {
	case math.IsNaN(x):
		return 0, false
	case x >= 1<<63:
		return -1, true
	case x < -1<<63:
		return 1, true
	}
	whole := math.Trunc(x)
	return cmp.Or(cmp.Compare(n, int64(whole)), cmp.Compare(whole, x)), true
}
