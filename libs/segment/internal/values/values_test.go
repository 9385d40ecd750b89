package values

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/texts"
)

func newEncoder() *Encoder {
	numbers := integers.NewEncoder()
	return NewEncoder(numbers, texts.NewEncoder(numbers))
}

// pool holds values of all types; entry 0 is the absent one.
func pool() []Value {
	out := []Value{{}}
	for i := range 60 {
		text := fmt.Appendf(nil, "user %d of %08x", i*i, i*0x9e3779b9)
		out = append(out,
			Value{Type: otlp.String, Raw: text}, Value{Type: otlp.Int, Num: uint64(i * i)}, Value{Type: otlp.Double, Num: math.Float64bits(float64(i) / 4)},
			Value{Type: otlp.Bytes, Raw: text[:i%8]}, Value{Type: otlp.Array, Raw: text[i%4:]}, Value{Type: otlp.Map, Raw: text})
	}
	return append(out, Value{}, Value{Type: otlp.Bool}, Value{Type: otlp.Bool, Num: 1}, Value{Type: otlp.String}, Value{Type: otlp.Int, Num: 1 << 63})
}

// columns name entries of the pool: of one type and of several, all distinct and not.
func columns() [][]ID {
	r := rand.New(rand.NewPCG(5, 5))
	all := pool()
	ofType := func(t Type) (out []ID) {
		for i := range all {
			if i > 0 && all[i].Type == t {
				out = append(out, ID(i))
			}
		}
		return out
	}
	out := [][]ID{{0}, {0, 0, 0}, {1}, {0, 1, 0, 2}}
	for t := otlp.Empty; t <= otlp.Map; t++ {
		distinct := ofType(t)
		out = append(out, distinct)
		repeated := make([]ID, 300)
		for i := range repeated {
			repeated[i] = distinct[r.IntN(len(distinct))]
		}
		out = append(out, repeated, append(repeated[:100:100], 0))
	}
	for range 20 {
		mix := make([]ID, 1+r.IntN(200))
		for i := range mix {
			mix[i] = ID(r.IntN(len(all)))
		}
		out = append(out, mix)
	}
	return out
}

func begin(to *streams.Sink) *streams.Source {
	with := func(b []byte) []byte { return append(bytes.Clone(b), 0xee) }
	return &streams.Source{Code: with(to.Code), Plain: with(to.Plain), Text: with(to.Text)}
}

// requireEntries: entry k of a column is the value that ids[k] names.
func requireEntries(t *testing.T, c *Column, all []Value, ids []ID) {
	t.Helper()
	for k, id := range ids {
		at := k
		if codes := c.Codes(); codes != nil {
			require.Len(t, codes, len(ids))
			at = int(codes[k])
		}
		got, ok := c.At(at)
		require.True(t, ok)
		require.Equal(t, typeOf(all, id), got.Type)
		require.Equal(t, all[id].Num, got.Num)
		require.True(t, bytes.Equal(all[id].Raw, got.Raw))
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	all, e, d := pool(), newEncoder(), integers.NewDecoder()
	var c Column
	modes := map[byte]bool{}
	for _, ids := range columns() {
		to := &streams.Sink{}
		sum := e.Write(to, all, ids)
		modes[to.Code[0]] = true
		distinct, types := map[ID]bool{}, uint8(0)
		for _, id := range ids {
			if distinct[id] = true; id != 0 {
				types |= 1 << all[id].Type
			}
		}
		require.Equal(t, len(distinct), sum.Distinct)
		require.Equal(t, types, sum.Types)
		require.Len(t, e.Distinct(), len(distinct))
		end := &streams.Source{Code: []byte{0xee}, Plain: []byte{0xee}, Text: []byte{0xee}}

		from := begin(to)
		c.Read(d, from, len(ids))
		require.Equal(t, end, from)
		requireEntries(t, &c, all, ids)
		requireContents(t, &c)

		for step := 1; step < 10; step += 4 {
			var picked []uint32
			var want []ID
			for i := step - 1; i < len(ids); i += step {
				picked, want = append(picked, uint32(i)), append(want, ids[i])
			}
			from = begin(to)
			c.Pick(d, from, len(ids), picked)
			require.Equal(t, end, from)
			requireEntries(t, &c, all, want)
		}
		require.NotEmpty(t, Describe(d, begin(to), nil, len(ids), 0))
	}
	require.Len(t, modes, 2)
}

// TestHeads: a column of few values is read from a head, with how often each occurs, as it is from a body, and its codes only if they are asked for.
func TestHeads(t *testing.T) {
	t.Parallel()
	all, e, d := pool(), newEncoder(), integers.NewDecoder()
	var c Column
	apartOnes := 0
	for _, ids := range columns() {
		to, head := &streams.Sink{}, &streams.Sink{}
		want := e.Write(&streams.Sink{}, all, ids)
		_, apart := e.WriteApart(to, head, 0, all, ids)
		require.False(t, apart, "there is no room")
		to.Reset()
		sum, apart := e.WriteApart(to, head, 1<<20, all, ids)
		require.Equal(t, want, sum)
		if !apart {
			from := begin(to)
			c.Read(d, from, len(ids))
			require.Nil(t, c.Counts())
			requireEntries(t, &c, all, ids)
			continue
		}
		apartOnes++
		from := begin(head)
		c.ReadHead(d, from, len(ids), sum.Distinct)
		require.Equal(t, &streams.Source{Code: []byte{0xee}, Plain: []byte{0xee}, Text: []byte{0xee}}, from)
		requireContents(t, &c)
		counts := map[ID]int64{}
		for _, id := range ids {
			counts[id]++
		}
		if c.Counts() == nil {
			require.True(t, c.Direct())
		} else {
			require.Len(t, c.Counts(), len(counts))
		}
		for i, n := range c.Counts() {
			require.Equal(t, counts[e.Distinct()[i]], n)
		}
		c.ReadCodes(d, begin(to), len(ids))
		requireEntries(t, &c, all, ids)
		var picked []uint32
		var some []ID
		for i := 1; i < len(ids); i += 3 {
			picked, some = append(picked, uint32(i)), append(some, ids[i])
		}
		c.ReadHead(d, begin(head), len(ids), sum.Distinct)
		c.PickCodes(d, begin(to), len(ids), picked)
		requireEntries(t, &c, all, some)
		require.NotEmpty(t, Describe(d, begin(to), begin(head), len(ids), sum.Distinct))

		// Counts that are not of as many entries, and codes that are not there, are damage; what was read can be looked at.
		if c.ReadHead(d, begin(head), len(ids), sum.Distinct); c.Counts() != nil {
			bad := begin(head)
			c.ReadHead(d, bad, len(ids)+1, sum.Distinct)
			require.True(t, bad.Bad)
			c.ReadHead(d, begin(head), len(ids), sum.Distinct)
			none := &streams.Source{}
			c.ReadCodes(d, none, len(ids))
			require.Equal(t, sum.Distinct > 1, none.Bad)
			require.Equal(t, make([]int64, len(ids)), c.Codes())
		}
	}
	require.Greater(t, apartOnes, 10)
	many := make([]ID, 400)
	long := append(slices.Clone(all), Value{Type: otlp.String, Raw: bytes.Repeat([]byte("long "), mostHeadBytes)})
	many[3] = ID(len(long) - 1)
	_, apart := e.WriteApart(&streams.Sink{}, &streams.Sink{}, 1<<20, long, many)
	require.False(t, apart, "the values are long")
}

// requireContents: the contents of a list are those that its values have one by one.
func requireContents(t *testing.T, c *Column) {
	t.Helper()
	numbers, doubles, raws, ok := c.Contents(nil, make([]byte, 0, c.Built()))
	require.True(t, ok)
	require.Len(t, raws, c.Texts())
	for i := range c.Len() {
		v, _ := c.At(i)
		switch at := c.Ordinal(i); {
		case IsText(v.Type):
			require.True(t, bytes.Equal(v.Raw, raws[at]))
		case v.Type == otlp.Double:
			require.Equal(t, int64(v.Num), doubles[at])
		case IsNumeric(v.Type):
			require.Equal(t, int64(v.Num), numbers[at])
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	all := []Value{{}, {Type: otlp.Int, Num: 5}, {Type: otlp.Int, Num: 1 << 63}, {Type: otlp.Bool, Num: 1}}
	sum := newEncoder().Write(&streams.Sink{}, all, []ID{1, 2, 0, 3, 1})
	require.Equal(t, Summary{Distinct: 4, Types: 1<<otlp.Int | 1<<otlp.Bool, Min: math.MinInt64, Max: 5}, sum)
}

// FuzzDamaged reads any bytes as a column of any length: never a panic. What is read without fault picks alike.
func FuzzDamaged(f *testing.F) {
	all, e := pool(), newEncoder()
	for _, ids := range columns() {
		to := &streams.Sink{}
		e.Write(to, all, ids)
		f.Add(to.Code, to.Plain, to.Text, uint8(len(ids)))
	}
	f.Fuzz(func(t *testing.T, code, plain, text []byte, n uint8) { checkDamaged(t, code, plain, text, int(n)) })
}

func checkDamaged(t *testing.T, code, plain, text []byte, n int) {
	t.Helper()
	at := func() *streams.Source { return &streams.Source{Code: code, Plain: plain, Text: text} }
	d := integers.NewDecoder()
	Describe(d, at(), nil, n, 0)
	Describe(d, at(), at(), n, n/2)
	var c, some Column
	from := at()
	if c.Read(d, from, n); from.Bad {
		return
	}
	var picked []uint32
	for i := 0; i < n; i += 3 {
		picked = append(picked, uint32(i))
	}
	rest := at()
	some.Pick(d, rest, n, picked)
	require.False(t, rest.Bad)
	require.Equal(t, from, rest)
	for k, i := range picked {
		code := int(i)
		if codes := c.Codes(); codes != nil {
			code = int(codes[i])
		}
		require.Equal(t, code, int(some.Codes()[k]))
		want, ok := c.At(code)
		if !ok {
			continue
		}
		got, ok := some.At(code)
		require.True(t, ok)
		require.Equal(t, want.Type, got.Type)
		require.True(t, bytes.Equal(want.Raw, got.Raw))
	}
	c.Contents(nil, make([]byte, 0, c.Built()))
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	all, e := pool(), newEncoder()
	for _, ids := range columns() {
		to := &streams.Sink{}
		e.Write(to, all, ids)
		for i := 0; i < len(to.Code); i += 1 + len(to.Code)/80 {
			for _, b := range []byte{0, 1, to.Code[i] ^ 1, 9, 0x7f, 0xff} {
				code := bytes.Clone(to.Code)
				code[i] = b
				checkDamaged(t, code, to.Plain, to.Text, len(ids))
			}
			checkDamaged(t, to.Code[:i], to.Plain, to.Text, len(ids))
		}
	}
	for name, code := range map[string][]byte{"mode": {2, 1, 0}, "type": {modeDirect, 9}, "empty dictionary": {modeDictionary, 0, 0, 0, 1}} {
		from := &streams.Source{Code: code}
		new(Column).Read(integers.NewDecoder(), from, 1)
		require.True(t, from.Bad, name)
	}
}
