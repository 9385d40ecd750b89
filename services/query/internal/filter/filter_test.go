package filter

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Whether filters find what they should is tested through the API, against a naive implementation: services/query/filter_test.go.

// TestALongServiceNameIsLookedUpAsItIsStored: the writer cuts a name where schema.Name does, and escapes what PostgreSQL does not take. Of
// any name, pruning asks for just that; the whole name is compared in the rows.
func TestALongServiceNameIsLookedUpAsItIsStored(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("n", 1010), strings.Repeat("n", 1024), strings.Repeat("n", 1025), "x" + strings.Repeat("é", 900), "\uFFFD", "a\u0000b"} {
		literal, err := json.Marshal(name)
		require.NoError(t, err)
		f, err := NewParser().Parse(telemetry.Traces, []json.RawMessage{slices.Concat([]byte(`{"field":"service","operator":"eq","value":`), literal, []byte(`}`))})
		require.NoError(t, err)
		require.Equal(t, []string{schema.Name(name)}, f.Bounds().Services, "%.20q", name)
	}
}

// TestBoundsOfCompositions is about what pruning must keep: for any filter, a segment that holds a match has what the filter's bounds ask for.
// The filters' tests compare answers with a naive implementation; this one says it of composed bounds.
func TestBoundsOfCompositions(t *testing.T) {
	t.Parallel()
	parse := func(text string) Bounds {
		t.Helper()
		f, err := NewParser().Parse(telemetry.Traces, []json.RawMessage{json.RawMessage(text)})
		require.NoError(t, err)
		return f.Bounds()
	}
	const cart, pay = `{"field":"service","operator":"eq","value":"cart"}`, `{"field":"service","operator":"eq","value":"pay"}`
	const failed, slow = `{"field":"status","operator":"eq","value":"error"}`, `{"field":"duration","operator":"gte","value":"1s"}`
	const name, attr = `{"field":"name","operator":"eq","value":"x"}`, `{"field":"attributes.a","operator":"eq","value":"x"}`

	require.Equal(t, []string{"cart"}, parse(cart).Services)
	require.Equal(t, []string{"cart", "pay"}, parse(`{"or":[`+cart+`,`+pay+`]}`).Services)
	require.Equal(t, []string{}, parse(`{"and":[`+cart+`,`+pay+`]}`).Services, "nothing is of two services")
	require.Nil(t, parse(`{"or":[`+cart+`,`+name+`]}`).Services)
	require.Equal(t, Bounds{}, parse(`{"not":[`+cart+`]}`))
	require.Equal(t, Bounds{}, parse(`{"field":"service","operator":"ne","value":"cart"}`))

	b := parse(`{"and":[` + failed + `,` + slow + `,` + attr + `,` + name + `]}`)
	require.True(t, b.Errors)
	require.EqualValues(t, time.Second, b.MinDuration)
	require.Len(t, b.Probes, 2)
	b = parse(`{"or":[` + failed + `,` + slow + `]}`)
	require.False(t, b.Errors)
	require.Zero(t, b.MinDuration)
	b = parse(`{"or":[` + attr + `,` + name + `]}`)
	require.Len(t, b.Probes, 1)
	require.Len(t, b.Probes[0].Hashes, 2)
	require.Empty(t, parse(`{"or":[`+attr+`,`+slow+`]}`).Probes)
	require.Empty(t, parse(`{"field":"attributes.a","operator":"contains","value":"x"}`).Probes)
	require.EqualValues(t, 1, parse(`{"field":"duration","operator":"gt","value":0}`).MinDuration)
	require.Zero(t, parse(`{"field":"duration","operator":"lt","value":"1s"}`).MinDuration)
	require.EqualValues(t, 5, parse(`{"field":"duration","operator":"in","value":["7ns",5,"9"]}`).MinDuration, "the least of a list")
	require.True(t, parse(`{"field":"status","operator":"in","value":[2,"error"]}`).Errors)
	require.False(t, parse(`{"field":"status","operator":"in","value":["ok","error"]}`).Errors)
	require.False(t, parse(`{"field":"status","operator":"gte","value":"error"}`).Errors, "there are codes above")
	require.True(t, parse(`{"field":"root","operator":"ne","value":false}`).Roots)
	require.False(t, parse(`{"field":"root","operator":"eq","value":false}`).Roots)
}

// TestTables: a row of one table that the other does not fit would only be found by whoever asks for it.
func TestTables(t *testing.T) {
	t.Parallel()
	operators := Operators()
	names := map[string]bool{}
	symbols := map[string]bool{"": true}
	for i, o := range operators {
		require.False(t, names[o.Name], o.Name)
		require.False(t, o.Symbol != "" && symbols[o.Symbol], o.Name)
		names[o.Name], symbols[o.Symbol] = true, true
		require.NotEmpty(t, o.Label, o.Name)
		require.NotEmpty(t, o.Description, o.Name)
		_, positive, negates := operatorOf(operators, o.Name)
		require.NotNil(t, positive, o.Name)
		require.Empty(t, positive.Negates, "%s negates a negation", o.Name)
		require.Equal(t, o.Operand, positive.Operand, o.Name)
		if negates {
			require.Zero(t, o.On, o.Name)
			require.Nil(t, operators[i].order, o.Name)
			continue
		}
		require.Equal(t, o.On&texts != 0, o.test != nil, o.Name)
		require.Equal(t, o.On&(Duration|Time|Enum) != 0, o.order != nil, o.Name)
	}

	seen := map[string]bool{}
	examples := map[Kind]string{
		Text: `"a"`, Attribute: `"a"`, Body: `"a"`, Duration: `"1s"`, Time: `"2026-11-23T10:15:00Z"`, Boolean: `true`,
	}
	for _, f := range Fields() {
		require.NotEmpty(t, f.Kind.String(), f.Name)
		require.NotEmpty(t, f.Description, f.Name)
		require.Equal(t, f.Kind == Enum, len(f.Values) > 0, f.Name)
		require.Equal(t, f.Prefix, strings.HasSuffix(f.Name, "."), f.Name)
		require.NotEmpty(t, f.Operators(operators), f.Name)
		name, values := f.Name, f.Values
		if f.Prefix {
			name += "key"
		}
		for i := range values {
			values[i] = `"` + values[i] + `"`
		}
		switch {
		case f.Kind == ID && f.Name == "trace_id":
			values = []string{`"0af7651916cd43dd8448eb211c80319c"`}
		case f.Kind == ID:
			values = []string{`"00f067aa0ba902b7"`}
		case values == nil:
			values = []string{examples[f.Kind]}
		}
		for _, signal := range f.Signals {
			require.False(t, seen[signal.String()+f.Name], "%s: a second row for %s", f.Name, signal)
			seen[signal.String()+f.Name] = true
			for _, o := range operators {
				for _, value := range values {
					operand := map[Operand]string{One: value, List: "[" + value + "]", Flag: "true"}[o.Operand]
					parsed, err := NewParser().Parse(signal, []json.RawMessage{json.RawMessage(`{"field":"` + name + `","operator":"` + o.Name + `","value":` + operand + `}`)})
					require.Equal(t, slices.Contains(f.Operators(operators), o.Name), err == nil, "%s %s %s: %v", name, o.Name, operand, err)
					if err == nil {
						parsed.Columns(columns.NewSet(signal))
						parsed.Bounds()
					}
				}
			}
		}
	}
	_, err := NewParser().Where(telemetry.Traces, "body", "eq", String("a"))
	require.ErrorContains(t, err, "unknown field")
	_, err = NewParser().Where(telemetry.Logs, "body", "is", String("a"))
	require.ErrorContains(t, err, "unknown operator")
	_, err = NewParser().Where(telemetry.Logs, "trace_id", "gt", String("a"))
	require.ErrorContains(t, err, "does not take")

	// An equality without a value would ask whether the field is there, and so would ids; an order would have nothing to compare with.
	for _, o := range operators {
		fits := map[Operand][]Literal{One: {String("a")}, List: {String("a"), String("b")}}[o.Operand]
		_, err := NewParser().Where(telemetry.Logs, "body", o.Name, fits...)
		require.NoError(t, err, o.Name)
		wrong := [][]Literal{nil, {String("a"), String("b")}}
		if o.Operand == List {
			wrong = wrong[:1]
		}
		if o.Operand == Flag {
			wrong = [][]Literal{{String("true")}}
		}
		for _, values := range wrong {
			_, err = NewParser().Where(telemetry.Logs, "body", o.Name, values...)
			require.ErrorContains(t, err, "does not take", "%s of %d values", o.Name, len(values))
		}
	}
}

// TestNumbersHoldAsTheirOperatorSays compares what an operator takes of a range of numbers with arithmetic.
func TestNumbersHoldAsTheirOperatorSays(t *testing.T) {
	t.Parallel()
	is := interval{17, 20} // an error's severities
	for name, holds := range map[string]func(n int64) bool{
		"eq": func(n int64) bool { return n >= 17 && n <= 20 }, "gt": func(n int64) bool { return n > 20 }, "gte": func(n int64) bool { return n >= 17 },
		"lt": func(n int64) bool { return n < 17 }, "lte": func(n int64) bool { return n <= 20 }, "exists": func(int64) bool { return true },
	} {
		_, op, _ := operatorOf(Operators(), name)
		var values []Literal
		if name != "exists" {
			values = []Literal{String("error")}
		}
		test, err := newNumberTest(op, values, func(Literal) (interval, bool) { return is, true }, "")
		require.NoError(t, err)
		least := int64(math.MaxInt64)
		for n := int64(30); n >= -3; n-- {
			require.Equal(t, holds(n), test.holds(n), "%d %s", n, name)
			if holds(n) && n >= 0 {
				least = n
			}
		}
		require.Equal(t, least, test.least(), name)
	}
}

func FuzzFilters(f *testing.F) {
	for _, s := range []string{
		`{"field":"service","operator":"not_in","value":["cart","payment"]}`, `{"field":"attributes.a","operator":"lt","value":404.5}`,
		`{"field":"scope.name","operator":"exists","value":false}`, `{"field":"duration","operator":"gte","value":"1.5s"}`,
		`{"field":"severity","operator":"in","value":[0,"error"]}`, `{"field":"body","operator":"contains","value":" of a "}`,
		`{"field":"type","operator":"ne","value":"sum"}`, `{"field":"attributes.a","operator":"eq","value":{"bytesValue":"AAE="}}`,
		`{"not":[{"or":[{"field":"root","operator":"ne","value":false},{"and":[{"field":"name","operator":"regex","value":"^a(b|c)+"}]}]}]}`,
		`{"field":"trace_id","operator":"eq","value":"0af7651916cd43dd8448eb211c80319c"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, signal := range telemetry.Signals() {
			parsed, err := NewParser().Parse(signal, []json.RawMessage{raw})
			if err != nil {
				require.Equal(t, fault.Invalid, fault.ClassOf(err))
				continue
			}
			parsed.Columns(columns.NewSet(signal))
			for _, p := range parsed.Bounds().Probes {
				require.NotEmpty(t, p.Hashes)
			}
		}
	})
}

func TestIntegersAndDoublesAreComparedExactly(t *testing.T) {
	t.Parallel()
	number := func(n int64) Literal { return Literal{Value: integer(n)} }
	of := func(x float64) Literal { return Literal{Value: double(x)} }
	for _, c := range []struct {
		n    int64
		x    float64
		want int
	}{
		{1<<53 + 1, 1 << 53, 1},
		{1 << 53, 1 << 53, 0},
		{-1<<53 - 1, -1 << 53, -1},
		{math.MaxInt64, 1 << 63, -1},
		{math.MinInt64, -1 << 63, 0},
		{math.MinInt64, -1 << 64, 1},
		{math.MaxInt64, math.Inf(1), -1},
		{0, math.Inf(-1), 1},
		{2, 2.5, -1},
		{3, 2.5, 1},
		{-2, -2.5, 1},
		{-3, -2.5, -1},
		{0, math.Copysign(0, -1), 0},
	} {
		got, ok := of(c.x).compare(integer(c.n))
		require.True(t, ok)
		require.Equal(t, c.want, got, "%d to %g", c.n, c.x)
		got, ok = number(c.n).compare(double(c.x))
		require.True(t, ok)
		require.Equal(t, -c.want, got, "%g to %d", c.x, c.n)
	}
	_, ok := number(1).compare(double(math.NaN()))
	require.False(t, ok)
	_, ok = String("1").compare(segment.Value{Type: segment.Bytes, Raw: []byte("1")})
	require.False(t, ok)
}

// A list or map that is deeper than any value is refused without what it holds, level by level.
func TestDeepLiteralsAreNotRead(t *testing.T) { //nolint:paralleltest // it counts allocations
	const deep = 3000
	literal := strings.Repeat(`{"arrayValue":{"values":[`, deep) + `{"x":1}` + strings.Repeat(`]}}`, deep)
	raw := []json.RawMessage{[]byte(`{"field":"attributes.a","operator":"eq","value":` + literal + `}`)}
	p := NewParser()
	allocated := testing.AllocsPerRun(3, func() {
		_, err := p.Parse(telemetry.Traces, raw)
		require.ErrorContains(t, err, "more than 64 lists and maps in one another")
	})
	require.Less(t, allocated, 100.0)
}

// What is looked at of lists within lists stays a few times the value, however deep they are.
func TestTextOfDeepListsIsMadeOnce(t *testing.T) {
	t.Parallel()
	value := otlp.Value{Type: otlp.String, Raw: bytes.Repeat([]byte("a"), 1<<10)}
	for range otlp.MaxNesting - 1 {
		element := value.Raw
		if value.Type == otlp.String {
			element = otlp.AppendBytes(nil, otlp.AnyValueStringValue, element)
		} else {
			element = otlp.AppendBytes(nil, otlp.AnyValueArrayValue, element)
		}
		value = otlp.Value{Type: otlp.Array, Raw: otlp.AppendBytes(nil, otlp.ArrayValueValues, element)}
	}
	looked := 0
	holds := structured(&Operator{looksAtText: true}, func(v segment.Value) bool {
		if v.Type == segment.String {
			looked += len(v.Raw)
		}
		return false
	})
	require.False(t, holds(segment.Value{Type: segment.Array, Raw: value.Raw}))
	require.Greater(t, looked, 3<<10, "the string, and the whole with and without gaps")
	require.Less(t, looked, 4<<10)
}

// What is estimated of a regular expression is about what it is compiled to, or more, so that nothing large is ever compiled.
func TestProgramsAreEstimatedBeforeTheyAreCompiled(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "a", "abc.*def", "(?i)error|warn(ing)?", `^\d{4}-\d{2}-\d{2}T`, `(a|b){3,7}c{2,}`, `(?:x{0,5}y{1,}){10}`, `[a-zA-Z_][a-zA-Z0-9_]{0,62}`, `\bpL\b|\pL+`, "(?s).{0,900}",
		`((((a?)*)+){2})`, `[^\x00-\x7f]`, "(?:abcd){800}",
	} {
		size, err := programSize(text)
		require.NoError(t, err, text)
		parsed, err := syntax.Parse(text, syntax.Perl)
		require.NoError(t, err)
		compiled, err := syntax.Compile(parsed.Simplify())
		require.NoError(t, err)
		require.LessOrEqual(t, len(compiled.Inst), 2*size+8, "%s", text)
		require.LessOrEqual(t, size, 2*len(compiled.Inst)+2*41, "%s: a class of many ranges counts more than one", text)
	}
	for _, text := range []string{"(?:abcdefghij){1000}", strings.Repeat("x{1000}", 6), strings.Repeat(`\pL`, 300), strings.Repeat("x", 1001)} {
		_, err := programSize(text)
		require.ErrorIs(t, err, errProgram, "%.40s", text)
	}
	_, err := NewParser().Where(telemetry.Logs, "body", "regex", String("(?:abcdefghij){1000}"))
	require.ErrorIs(t, err, errProgram, "also where a front end makes the condition")
}
