package telemetry_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// set is the ordinals of a bitmap, and members the bitmap of the ordinals: the naive form.
func set(bits []bool) telemetry.Ordinals {
	var o telemetry.Ordinals
	for i, in := range bits {
		if in {
			o = o.Union(telemetry.Ordinals{{From: uint32(i), To: uint32(i) + 1}})
		}
	}
	return o
}

func members(t *testing.T, o telemetry.Ordinals, n int) []bool {
	t.Helper()
	bits := make([]bool, n)
	last := -1
	for _, r := range o {
		require.Greater(t, int(r.From), last, "runs ascend and do not touch: %v", o)
		require.Greater(t, r.To, r.From)
		for i := r.From; i < r.To; i++ {
			bits[i] = true
		}
		last = int(r.To)
	}
	return bits
}

func TestSetsOfOrdinalsAreSets(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		n := random.IntN(40)
		a, b := make([]bool, n), make([]bool, n)
		for i := range n {
			a[i], b[i] = random.IntN(3) > 0, random.IntN(3) == 0
		}
		both, either, without, count := make([]bool, n), make([]bool, n), make([]bool, n), 0
		for i := range n {
			both[i], either[i], without[i] = a[i] && b[i], a[i] || b[i], a[i] && !b[i]
			if a[i] {
				count++
			}
		}
		x, y := set(a), set(b)
		require.Equal(t, both, members(t, x.Both(y), n))
		require.Equal(t, either, members(t, x.Union(y), n))
		require.Equal(t, without, members(t, x.Without(y), n))
		at, place := make([]bool, n), 0
		for i := range n {
			if a[i] {
				at[i] = b[place]
				place++
			}
		}
		require.Equal(t, at, members(t, x.At(y), n))
		require.Equal(t, a, members(t, x, n), "the operands stay as they are")
		require.Equal(t, count, x.Count())
		parsed, err := telemetry.ParseOrdinals(x.String())
		require.NoError(t, err)
		require.True(t, parsed.Equal(x), "%s", x)
	}
}

func TestOrdinalsAsText(t *testing.T) {
	t.Parallel()
	o := telemetry.Ordinals{{From: 0, To: 100}, {From: 101, To: 102}, {From: 2_000_000_000, To: 2_000_000_002}}
	require.Equal(t, "0-99,101,2000000000-2000000001", o.String())
	for _, bad := range []string{",", "1,", "a", "-", "1-", "-1", "3-2", "3-3", "1,1", "1-2,2", "1-2,3", "5,1", "1 ", "+1", "1--2", "99999999999", "2147483648"} {
		_, err := telemetry.ParseOrdinals(bad)
		require.Error(t, err, bad)
	}
}
