package otlpjson

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestValuesAreOTLPJSON(t *testing.T) {
	t.Parallel()
	for text, value := range map[string]Value{
		`{}`:                                              {},
		`{"stringValue":""}`:                              {Kind: KindString},
		`{"stringValue":"a\"b\u2028"}`:                    {Kind: KindString, String: "a\"b\u2028"},
		`{"boolValue":false}`:                             {Kind: KindBool},
		`{"intValue":"-9223372036854775808"}`:             {Kind: KindInt, Int: math.MinInt64},
		`{"intValue":"9007199254740993"}`:                 {Kind: KindInt, Int: 1<<53 + 1},
		`{"doubleValue":0.5}`:                             {Kind: KindDouble, Double: 0.5},
		`{"doubleValue":1e-7}`:                            {Kind: KindDouble, Double: 1e-7},
		`{"doubleValue":"-Infinity"}`:                     {Kind: KindDouble, Double: math.Inf(-1)},
		`{"bytesValue":"AAE="}`:                           {Kind: KindBytes, Bytes: []byte{0, 1}},
		`{"arrayValue":{"values":[{},{"intValue":"1"}]}}`: {Kind: KindArray, Array: []Value{{}, {Kind: KindInt, Int: 1}}},
		`{"kvlistValue":{"values":[{"key":"a","value":{"kvlistValue":{"values":[{"key":"","value":{}}]}}}]}}`: {
			Kind: KindMap, Map: []KeyValue{{"a", Value{Kind: KindMap, Map: []KeyValue{{"", Value{}}}}}},
		},
	} {
		got, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
		var back Value
		require.NoError(t, json.Unmarshal([]byte(text), &back), text)
		require.Equal(t, value, back, text)
	}
	var nan Value
	require.NoError(t, json.Unmarshal([]byte(`{"doubleValue":"NaN"}`), &nan))
	require.True(t, math.IsNaN(nan.Double))
	var number Value
	require.NoError(t, json.Unmarshal([]byte(`{"intValue":7}`), &number), "a number is taken for a string of digits")
	require.Equal(t, Value{Kind: KindInt, Int: 7}, number)
}

func TestWhatIsNoValueIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"stringValue":"a","intValue":"1"}`, `{"string":"a"}`, `{"intValue":"1.5"}`, `{"intValue":"9223372036854775808"}`, `{"intValue":""}`,
		`{"doubleValue":"nan"}`, `{"bytesValue":"?"}`, `{"arrayValue":[]}`, `[]`, `1`, `"a"`,
	} {
		var v Value
		require.Error(t, json.Unmarshal([]byte(text), &v), text)
	}
}

func TestTimesAreNanosecondsOrRFC3339(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		`1795429200000000000`: 1795429200000000000, `"1795429200000000001"`: 1795429200000000001, `-1`: -1, `"1970-01-01T00:00:01.000000002+00:00"`: 1_000_000_002,
		`"1970-01-01T01:00:00+01:00"`: 0,
	} {
		var at Time
		require.NoError(t, json.Unmarshal([]byte(text), &at), text)
		n, err := at.Nanos()
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{`1.5`, `"yesterday"`, `""`, `null`, `"0001-01-01T00:00:00Z"`, `"2263-01-01T00:00:00Z"`, `9223372036854775808`} {
		var at Time
		require.NoError(t, json.Unmarshal([]byte(text), &at), text)
		_, err := at.Nanos()
		require.Error(t, err, text)
	}
	require.Equal(t, 2262, time.Unix(0, math.MaxInt64).UTC().Year(), "where the range of a time ends")
}
