package segment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSomeAndSkip: reading some numbers of a list gives these numbers, passing over it gives none, and both leave the cursors where
// reading all of it does. The lists are such that every encoding occurs.
func TestSomeAndSkip(t *testing.T) {
	r := newRandom(3)
	last := int64(0)
	kinds := map[byte]bool{}
	for _, shape := range []struct { // in this order always: they draw from one source of chance
		name   string
		number func(i int) int64
	}{
		{"constant", func(int) int64 { return 7 }},
		{"small", func(int) int64 { return int64(r.IntN(6)) }},
		{"skewed", func(int) int64 { return int64(r.IntN(20) / 19 * r.IntN(200)) }},
		{"wide", func(int) int64 { return int64(r.Uint64()) }},
		{"runs", func(i int) int64 { return int64(i / 40 * 1e6) }},
		{"uneven runs", func(i int) int64 { return int64(uint64(i/50*i/50)*0x9e3779b97f4a7c15) >> 20 }},
		{"few", func(int) int64 { return int64(r.IntN(5)) * 123_456_789_123 }},
		{"rising", func(i int) int64 { return int64(i)*1_000_003 + int64(r.IntN(50)) }},
		{"lengths", func(int) int64 { return int64(math.Exp(r.Float64() * 30)) }},
		{"scaled", func(int) int64 { return int64(r.IntN(1<<20)) * 1_000_000 }},
		{"steps", func(i int) int64 { return int64(i)*int64(math.Exp(r.Float64()*20)) - 5 }},
		{"wandering", func(int) int64 { // steps of very different lengths, either way
			last += int64(math.Exp(r.Float64()*25)) * int64(r.IntN(2)*2-1)
			return last
		}},
	} {
		name := shape.name
		for _, n := range []int{1, 2, 31, 129, 700} {
			v := make([]int64, n)
			for i := range v {
				v[i] = shape.number(i)
			}
			var c intCoder
			var out sink
			c.ints(&out, v)
			out.byte(0xee) // what follows
			kinds[out.code[0]] = true
			at := func() *source { return &source{code: out.code, plain: out.plain} }
			var reader intReader
			all := at()
			whole := make([]int64, n)
			reader.ints(all, whole)
			require.Equal(t, v, whole, name)
			require.Len(t, all.code, 1)

			skipped := at()
			reader.skip(skipped, n)
			require.Equal(t, all, skipped, name)

			for _, percent := range []int{0, 5, 50, 100} {
				pick := []uint32{}
				var want []int64
				for i := range v {
					if r.chance(percent) {
						pick, want = append(pick, uint32(i)), append(want, v[i])
					}
				}
				got := make([]int64, len(pick))
				some := at()
				reader.some(some, n, pick, got)
				require.Equal(t, append([]int64{}, want...), got, name)
				require.Equal(t, all, some, name)
			}
		}
	}
	require.Len(t, kinds, 9, "every encoding was met: %v", kinds)
}
