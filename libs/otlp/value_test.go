package otlp

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func field(number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
}

// nested is an AnyValue with depth lists or maps around a value.
func nested(depth int, keyed bool, inner []byte) []byte {
	for range depth {
		if keyed {
			inner = field(6, field(1, append(field(1, []byte("k")), field(2, inner)...)))
		} else {
			inner = field(5, field(1, inner))
		}
	}
	return inner
}

// TestNestingHasOneLimit: a list in 63 others is taken and read in full; one more is refused, even where it is empty.
func TestNestingHasOneLimit(t *testing.T) {
	t.Parallel()
	for _, keyed := range []bool{false, true} {
		for _, inner := range [][]byte{nil, field(5, nil), field(6, nil), field(1, []byte("x"))} {
			container := len(inner) == 2 // an empty list or map is one level more
			for depth := MaxNesting - 3; depth <= MaxNesting+3; depth++ {
				b := nested(depth, keyed, inner)
				levels := depth
				if container {
					levels++
				}
				var v Value
				at, p := v.Read(b)
				kv := append(field(1, []byte("key")), field(2, b)...)
				_, _, p2 := ReadKeyValue(kv, new(Value))
				require.Equal(t, p, p2)
				_, p2 = CheckKeyValue(kv, 0, len(kv))
				require.Equal(t, p, p2)
				if levels > MaxNesting {
					require.Equal(t, TooDeep, p, "%d levels", levels)
					require.Positive(t, at)
					continue
				}
				require.Equal(t, Fine, p, "%d levels", levels)
				if len(inner) > 2 {
					require.Equal(t, strings.Repeat("[", depth)+"x"+strings.Repeat("]", depth), text(v))
				}
			}
		}
	}
	// Elements of what is deeper, which nobody stores, ends at the limit.
	require.Equal(t, MaxNesting, strings.Count(text(Value{Type: Array, Raw: nested(500, false, nil)[protowireHeader(nested(500, false, nil)):]}), "[")-1)
}

// protowireHeader is how many bytes stand before a message's first field.
func protowireHeader(b []byte) int {
	_, _, n := protowire.ConsumeTag(b)
	_, m := protowire.ConsumeVarint(b[n:])
	return n + m
}

// text writes a value, going through it by Elements.
func text(v Value) string {
	switch v.Type {
	case Empty:
		return "-"
	case String:
		return string(v.Raw)
	case Bool, Int:
		return fmt.Sprint(int64(v.Num))
	case Double:
		return fmt.Sprint(math.Float64frombits(v.Num))
	case Bytes:
		return fmt.Sprintf("%x", v.Raw)
	case Array, Map:
		var b strings.Builder
		b.WriteByte('[')
		for e := v.Elements(); e.Next(); {
			if v.Type == Map && string(e.Key) != "k" {
				b.Write(e.Key)
				b.WriteByte('=')
			}
			b.WriteString(text(e.Value))
			b.WriteByte(' ')
		}
		return strings.TrimSuffix(b.String(), " ") + "]"
	}
	return "?"
}

func TestElements(t *testing.T) {
	t.Parallel()
	value := &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: []*common.KeyValue{
		{Key: "a", Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: -5}}},
		{Key: "b", Value: &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: []*common.AnyValue{
			{Value: &common.AnyValue_DoubleValue{DoubleValue: 1.5}},
			{},
			{Value: &common.AnyValue_BytesValue{BytesValue: []byte{1, 2}}},
			{Value: &common.AnyValue_BoolValue{BoolValue: true}},
		}}}}},
		{Key: "c"},
	}}}}
	b, err := proto.Marshal(value)
	require.NoError(t, err)
	var v Value
	_, p := v.Read(b)
	require.Equal(t, Fine, p)
	require.Equal(t, "[a=-5 b=[1.5 - 0102 1] c=-]", text(v))
	require.Equal(t, 7, count(v))
}

func TestReadingAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts what others allocate, too
	b := nested(5, true, field(1, []byte("x")))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		var v Value
		if _, p := v.Read(b); p != Fine || count(v) != 5 {
			panic("read")
		}
	}))
}

func count(v Value) (n int) {
	for e := v.Elements(); e.Next(); {
		n += 1 + count(e.Value)
	}
	return n
}

// TestOfSeveralValuesTheLastCounts: a oneof that was sent twice, in one message or in two that are to be merged.
func TestOfSeveralValuesTheLastCounts(t *testing.T) {
	t.Parallel()
	b := append(field(1, []byte("first")), 2<<3, 7)
	var v Value
	_, p := v.Read(b)
	require.Equal(t, Fine, p)
	require.Equal(t, Value{Type: Bool, Num: 1}, v)
	_, p = v.Read(nil)
	require.Equal(t, Fine, p)
	require.Equal(t, Bool, v.Type, "an empty message changes nothing")
	kv := bytes.Join([][]byte{field(2, field(1, []byte("a"))), field(1, []byte("old")), field(2, nil), field(1, []byte("key"))}, nil)
	var w Value
	key, _, p := ReadKeyValue(kv, &w)
	require.Equal(t, Fine, p)
	require.Equal(t, "key", string(key))
	require.Equal(t, "a", text(w))
	in := Value{Type: Map, Raw: field(1, kv)}
	require.Equal(t, "[key=a]", text(in), "in a map as outside")
}

// FuzzKeyValue: what is recognised at a glance is right, and to check and to read find the same.
func FuzzKeyValue(f *testing.F) {
	for _, b := range [][]byte{
		append(field(1, []byte("k")), field(2, field(1, []byte("v")))...), append(field(2, field(1, []byte("v"))), field(1, []byte("k"))...),
		append(field(1, []byte("k")), field(2, []byte{3 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})...),
		append(field(1, []byte("k")), field(2, []byte{2 << 3, 1})...), append(field(1, nil), field(2, nil)...),
		append(field(1, []byte("k")), field(2, []byte{4<<3 | 1, 1, 2, 3, 4, 5, 6, 7, 8})...), field(1, []byte("key only")),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, at, p := ReadKeyValue(b, new(Value))
		if PlainKeyValue(b, 0) {
			require.Equal(t, Fine, p)
		}
		checkedAt, checked := CheckKeyValue(b, 0, len(b))
		require.Equal(t, p, checked)
		require.Equal(t, at, checkedAt)
	})
}
