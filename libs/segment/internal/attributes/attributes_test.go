package attributes

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// written is shapes as section 8 of the specification has them, and the row's shapes.
func written(shapes [][]int64, rows []int64) *streams.Source {
	var to streams.Sink
	e := integers.NewEncoder()
	to.Uvarint(uint64(len(shapes)))
	var lengths, slots []int64
	for _, s := range shapes {
		lengths, slots = append(lengths, int64(len(s))), append(slots, s...)
	}
	e.Write(&to, lengths)
	e.Write(&to, slots)
	e.Write(&to, rows)
	return &streams.Source{Code: to.Code, Plain: to.Plain, Text: to.Text}
}

// TestLists compares a plan with what a loop over the rows finds.
func TestLists(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	r := NewReader(integers.NewDecoder())
	for range 200 {
		const keys = 6
		shapes := make([][]int64, 1+random.IntN(5))
		for i := range shapes {
			for range random.IntN(5) {
				shapes[i] = append(shapes[i], random.Int64N(keys))
			}
		}
		rows := make([]int64, max(len(shapes), 1+random.IntN(60)))
		var pick []uint32
		for i := range rows {
			rows[i] = random.Int64N(int64(len(shapes)))
			if random.IntN(4) == 0 {
				pick = append(pick, uint32(i))
			}
		}
		for _, pick := range [][]uint32{nil, pick, {}} {
			all := pick == nil
			counts, some, picked := make([]int, keys), make([][]uint32, keys), 0
			var want [][]int64
			at := make([][]uint32, keys) // per key: the row of each value
			for i, shape := range rows {
				mine := all || slices.Contains(pick, uint32(i))
				for _, k := range shapes[shape] {
					if mine {
						some[k] = append(some[k], uint32(counts[k]))
						picked++
					}
					counts[k]++
					at[k] = append(at[k], uint32(i))
				}
				if mine {
					want = append(want, append([]int64{}, shapes[shape]...))
				}
			}
			src := written(shapes, rows)
			p := r.Lists(src, len(rows), keys, pick)
			require.False(t, src.Bad)
			require.Empty(t, src.Code)
			require.Equal(t, counts, p.Counts)
			require.Equal(t, picked, p.Picked)
			var got [][]int64
			p.EachRow(func(keys []int64) { got = append(got, append([]int64{}, keys...)) })
			require.Equal(t, want, got)
			for k := range keys {
				list, n := p.Of(k)
				require.Equal(t, len(some[k]), n)
				if all {
					require.Nil(t, list)
				} else {
					require.ElementsMatch(t, some[k], list)
				}
				where, once, ok := p.Locate(nil, k, counts[k])
				require.True(t, ok)
				if once {
					for i := range rows {
						require.Equal(t, uint32(i), at[k][i])
					}
					require.Empty(t, where)
				} else {
					require.ElementsMatch(t, at[k], where)
				}
				_, _, ok = p.Locate(nil, k, counts[k]+1)
				require.False(t, ok)
			}
		}
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	r := NewReader(integers.NewDecoder())
	for name, src := range map[string]*streams.Source{
		"more shapes than rows":       written([][]int64{{0}, {1}, {0, 1}}, []int64{0, 1}),
		"a key that does not exist":   written([][]int64{{0}, {2}}, []int64{0, 1}),
		"a negative key":              written([][]int64{{0}, {-1}}, []int64{0, 1}),
		"a shape that does not exist": written([][]int64{{0}, {1}}, []int64{0, 2}),
		"nothing":                     {},
		"a list too long":             written([][]int64{make([]int64, container.MaxEntries+1), {1}}, []int64{0, 1}),
	} {
		p := r.Lists(src, 2, 2, nil)
		require.True(t, src.Bad, name)
		p.EachRow(func([]int64) { t.Error(name) })
	}
	// 4,000 rows of 65,536 attributes each in some bytes.
	src := written([][]int64{make([]int64, 1<<16)}, make([]int64, 4000))
	r.Lists(src, 4000, 1, nil)
	require.True(t, src.Bad)
}

// TestPickedRowsWithoutKeys: rows that are picked are as many as were asked for, also where no row has a key.
func TestPickedRowsWithoutKeys(t *testing.T) {
	t.Parallel()
	src := written([][]int64{{}}, []int64{0, 0, 0})
	n := 0
	NewReader(integers.NewDecoder()).Lists(src, 3, 0, []uint32{1}).EachRow(func([]int64) { n++ })
	require.False(t, src.Bad)
	require.Equal(t, 1, n)
}

// TestManyRowsOfOneKey: a few bytes may not make gigabytes of rows.
func TestManyRowsOfOneKey(t *testing.T) {
	t.Parallel()
	src := written([][]int64{make([]int64, 1<<16)}, make([]int64, 4000))
	p := NewReader(integers.NewDecoder()).Shapes(src, 4000, 1)
	require.False(t, src.Bad)
	rows, _, ok := p.Locate(nil, 0, 3)
	require.False(t, ok)
	require.Less(t, cap(rows), 1000)
}

// TestSplitter: what a Splitter writes of lists a Reader takes for the same lists.
func TestSplitter(t *testing.T) {
	t.Parallel()
	type key uint32
	type value uint32
	random := rand.New(rand.NewPCG(3, 4))
	names := []string{"", "m", "b", "z", "a", "k"} // of the keys, whose order is another
	nodes := [][]key{{}, {4}, {4, 1}, {1, 4, 1}, {3}, {2, 3, 5}}
	var s Splitter[key, value]
	encoder, reader := integers.NewEncoder(), NewReader(integers.NewDecoder())
	for range 300 {
		s.Reset()
		require.Zero(t, s.Len())
		var want [][]value
		perKey := map[key][]value{}
		for range 1 + random.IntN(30) {
			node := random.IntN(1 + random.IntN(len(nodes)))
			var row []value
			for _, k := range nodes[node] {
				v := value(random.Uint32())
				row = append(row, v)
				perKey[k] = append(perKey[k], v)
			}
			s.Add(uint32(node), row)
			want = append(want, row)
		}
		s.Split(names, len(nodes), func(to []key, node uint32) []key { return append(to, nodes[node]...) })
		require.True(t, slices.IsSortedFunc(s.Keys, func(a, b key) int { return strings.Compare(names[a], names[b]) }))
		require.Len(t, s.Keys, len(perKey))
		require.Equal(t, s.Len() == 0, len(s.Keys) == 0)
		for i, k := range s.Keys {
			require.Equal(t, perKey[k], s.Values(i))
		}
		var to streams.Sink
		s.Write(&to, encoder)
		src := &streams.Source{Code: to.Code, Plain: to.Plain, Text: to.Text}
		p := reader.Lists(src, len(want), len(s.Keys), nil)
		require.False(t, src.Bad)
		next, row := make([]int, len(s.Keys)), 0
		p.EachRow(func(keys []int64) {
			var got []value
			for _, k := range keys {
				got = append(got, s.Values(int(k))[next[k]])
				next[k]++
			}
			require.Equal(t, want[row], got)
			row++
		})
		require.Len(t, want, row)
	}
}
