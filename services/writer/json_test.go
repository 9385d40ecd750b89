package writer

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// attributes makes a table that holds the values, and their ids.
func attributes(values ...attr) (*jsonValues, []segment.ValueID) {
	t := segment.NewTable("acme", telemetry.Traces)
	keys := map[string]segment.KeyID{}
	ids := make([]segment.ValueID, 0, len(values))
	for _, a := range values {
		key, ok := keys[a.key]
		if !ok {
			key = segment.KeyID(len(t.Keys))
			keys[a.key] = key
			t.Keys = append(t.Keys, a.key)
		}
		a.value.Key = key
		ids = append(ids, segment.ValueID(len(t.Values)))
		t.Values = append(t.Values, a.value)
	}
	var j jsonValues
	j.reset(t)
	return &j, ids
}

type attr struct {
	key   string
	value segment.Value
}

func text(s string) segment.Value   { return segment.Value{Type: segment.String, Raw: []byte(s)} }
func integer(n int64) segment.Value { return segment.Value{Type: segment.Int, Num: uint64(n)} }
func double(f float64) segment.Value {
	return segment.Value{Type: segment.Double, Num: math.Float64bits(f)}
}

// The protobuf of nested values, by hand.

func field(number int, data []byte) []byte {
	b := binary.AppendUvarint(nil, uint64(number<<3|2))
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

func anyText(s string) []byte { return field(1, []byte(s)) }
func anyInt(n int64) []byte   { return binary.AppendUvarint([]byte{3 << 3}, uint64(n)) }

func anyDouble(f float64) []byte {
	return binary.LittleEndian.AppendUint64([]byte{4<<3 | 1}, math.Float64bits(f))
}

func keyValue(key string, value []byte) []byte {
	return field(1, append(field(1, []byte(key)), field(2, value)...))
}

func TestAttributesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		value segment.Value
		want  string
	}{
		{"string", text("a \"b\" \\ \n\t\r\x01 é 😀"), `"a \"b\" \\ \n\t\r\u0001 é 😀"`},
		{"empty string", text(""), `""`},
		{"NUL", text("a\x00b"), `"a\\u0000b"`},
		{"invalid UTF-8", text("a\xff\xc3b"), "\"a\uFFFD\uFFFDb\""},
		{"a surrogate in UTF-8", text("\xed\xa0\x80"), "\"\uFFFD\uFFFD\uFFFD\""},
		{"true", segment.Value{Type: segment.Bool, Num: 1}, `true`},
		{"false", segment.Value{Type: segment.Bool}, `false`},
		{"int beyond 2^53", integer(9007199254740993), `9007199254740993`},
		{"smallest int", integer(math.MinInt64), `-9223372036854775808`},
		{"double", double(0.1), `0.1`},
		{"whole double", double(200), `200.0`},
		{"large double", double(1e21), `1e+21`},
		{"negative zero", double(math.Copysign(0, -1)), `-0.0`},
		{"NaN", double(math.NaN()), `"NaN"`},
		{"+Inf", double(math.Inf(1)), `"Infinity"`},
		{"-Inf", double(math.Inf(-1)), `"-Infinity"`},
		{"bytes", segment.Value{Type: segment.Bytes, Raw: []byte{0, 1, 0xff}}, `{"bytesValue":"AAH/"}`},
		{"not set", segment.Value{Type: segment.Empty}, `null`},
		{"empty array", segment.Value{Type: segment.Array}, `[]`},
		{"array", segment.Value{Type: segment.Array, Raw: join(
			field(1, anyText("x")), field(1, anyInt(-1)), field(1, anyDouble(1)), field(1, nil), field(1, []byte{2 << 3, 1}),
		)}, `["x",-1,1.0,null,true]`},
		{"map", segment.Value{Type: segment.Map, Raw: join(
			keyValue("bb", anyInt(1)), keyValue("a", anyText("x")), keyValue("bb", anyInt(2)), keyValue("aa", field(7, []byte{1})),
			keyValue("", nil),
		)}, `{"":null,"a":"x","aa":{"bytesValue":"AQ=="},"bb":2}`},
		{
			"map in array in map",
			segment.Value{Type: segment.Map, Raw: keyValue("k", field(5, field(1, field(6, keyValue("l", anyInt(1))))))},
			`{"k":[{"l":1}]}`,
		},
		{"an unknown kind of value", segment.Value{Type: segment.Array, Raw: field(1, field(99, []byte("?")))}, `[null]`},
		{"damaged", segment.Value{Type: segment.Array, Raw: append(field(1, anyInt(1)), 0x0a, 0xff)}, `[1]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, ids := attributes(attr{"k", c.value})
			require.Equal(t, `{"k":`+c.want+`}`, j.object(ids))
			require.Equal(t, c.want, string(j.appendAny(nil, ids[0])))
		})
	}
}

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	nested := func(levels int) segment.Value { // in a list
		v := anyInt(7)
		for range levels - 1 {
			v = field(5, field(1, v))
		}
		return segment.Value{Type: segment.Array, Raw: field(1, v)}
	}
	// What is admitted stands there in full.
	j, ids := attributes(attr{"k", nested(otlp.MaxNesting)})
	require.Equal(t, `{"k":`+strings.Repeat("[", otlp.MaxNesting)+"7"+strings.Repeat("]", otlp.MaxNesting)+"}", j.object(ids))
	// What is deeper, which nobody admits, ends.
	j, ids = attributes(attr{"k", nested(10 * otlp.MaxNesting)})
	s := j.object(ids)
	require.Equal(t, otlp.MaxNesting+1, strings.Count(s, "["))
	require.True(t, json.Valid([]byte(s)))
}

func TestKeysStandInTheOrderOfJSONB(t *testing.T) {
	t.Parallel()
	j, ids := attributes(
		attr{"http.method", text("GET")}, attr{"b", integer(1)}, attr{"é", integer(2)}, attr{"a", integer(3)},
		attr{"zz", integer(4)}, attr{"B", integer(5)}, attr{"http.status", integer(6)}, attr{"b", integer(7)},
		attr{"k\x00", integer(8)}, attr{"\xff", integer(9)},
	)
	require.Equal(t, `{"B":5,"a":3,"b":7,"zz":4,"é":2,"`+"\uFFFD"+`":9,"k\\u0000":8,"http.method":"GET","http.status":6}`, j.object(ids))
	require.Equal(t, `{}`, j.object(nil))
	require.Equal(t, `{"b":1}`, j.object(ids[1:2]))
}

func TestManyAttributesAreSortedToo(t *testing.T) {
	t.Parallel()
	var values []attr
	for i := range 300 {
		values = append(values, attr{strings.Repeat("k", 1+i*7%300), integer(int64(i * 7 % 300))})
	}
	j, ids := attributes(values...)
	var m map[string]int
	s := j.object(ids)
	require.NoError(t, json.Unmarshal([]byte(s), &m))
	require.Len(t, m, 300)
	require.True(t, strings.HasPrefix(s, `{"k":0,"kk":1,"kkk":2,`))
}

func TestTextIsMadeFitForPostgreSQL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "é😀": "é😀", "a\x00b": `a\u0000b`, "\xffa": "\uFFFDa", "a\xc3": "a\uFFFD", "\uFFFD": "\uFFFD",
	} {
		require.Equal(t, want, string(schema.AppendText(nil, []byte(in))))
		require.Equal(t, want, schema.Text(in))
	}
	require.Equal(t, strings.Repeat("x", schema.MaxName), schema.Name(strings.Repeat("x", 5000)))
	long := schema.Name(strings.Repeat("é", 5000) + "\xff")
	require.True(t, utf8.ValidString(long))
	require.Len(t, long, schema.MaxName)
	require.Equal(t, strings.Repeat("x", schema.MaxName-1), schema.Name(strings.Repeat("x", schema.MaxName-1)+"é"))
}

func FuzzStringsAreValidJSON(f *testing.F) {
	for _, s := range []string{"", "a", "\x00", "\xff", "\"\\", "é😀\xed\xa0\x80", "\x1f\x7f"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := appendString(nil, raw)
		var s string
		require.NoError(t, json.Unmarshal(b, &s))
		require.NotContains(t, s, "\x00")
		require.Equal(t, string(schema.AppendText(nil, raw)), s)
	})
}

func FuzzNestedValuesAreValidJSON(f *testing.F) {
	f.Add(join(keyValue("a", anyInt(1)), keyValue("b", field(5, field(1, anyText("x"))))))
	f.Add(field(1, field(5, field(1, anyDouble(1)))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m mapEntries
		for _, typ := range []otlp.ValueType{otlp.Array, otlp.Map} {
			require.True(t, json.Valid(m.appendValue(nil, otlp.Value{Type: typ, Raw: raw})))
			require.Empty(t, m)
		}
	})
}
