package service

import (
	"errors"
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	none := func() (uint64, error) { return 0, errors.New("no cgroup") }
	allows := func(n uint64) func() (uint64, error) { return func() (uint64, error) { return n, nil } }
	for _, test := range []struct {
		name       string
		config     MemoryConfig
		explicit   int64
		cgroup     func() (uint64, error)
		want, sets int64
	}{
		{"nothing limits", MemoryConfig{Share: 0.9}, 0, none, 0, 0},
		{"a cgroup without a limit", MemoryConfig{Share: 0.9}, 0, allows(math.MaxInt64 - 4095), 0, 0},
		{"a cgroup", MemoryConfig{Share: 0.75}, 0, allows(1000), 750, 750},
		{"GOMEMLIMIT goes before the cgroup and is left as it is", MemoryConfig{Share: 0.9}, 600, allows(1000), 600, 0},
		{"the setting goes before both", MemoryConfig{Limit: 500, Share: 0.9}, 600, allows(1000), 500, 500},
	} {
		var set int64
		require.Equal(t, test.want, limitMemory(test.config, test.explicit, test.cgroup, func(n int64) { set = n }), test.name)
		require.Equal(t, test.sets, set, test.name)
	}
	for _, share := range []float64{0, -1, 1.01, math.NaN()} {
		require.ErrorContains(t, MemoryConfig{Share: share}.Validate(), "share")
	}
}

// Memory is given back once a burst is over, not while it lasts, and not again and again where nothing grew.
func TestTrimAfterABurst(t *testing.T) {
	t.Parallel()
	now := footprint{bytes: 40 << 20, cycles: 3}
	released := 0
	trim := newTrimmer(func() footprint { return now }, func() { released++; now = footprint{40 << 20, now.cycles + 1} })
	look := func(bytes, cycles uint64) int {
		now = footprint{bytes, now.cycles + cycles}
		trim.look()
		return released
	}
	look(60<<20, 0)
	require.Zero(t, released, "it has hardly grown")
	require.Zero(t, look(500<<20, 40), "it is at work")
	require.Zero(t, look(700<<20, 2))
	require.Equal(t, 1, look(700<<20, 1), "it is quiet")
	require.Equal(t, 1, look(60<<20, 0))
	require.Equal(t, 2, look(90<<20, 0))
}

// What was in use when the process became quiet is given back once it is not, although nothing grows in between.
func TestTrimAgainWhatWasInUse(t *testing.T) {
	t.Parallel()
	inUse := uint64(200 << 20)
	now := footprint{bytes: 20 << 20}
	released := 0
	trim := newTrimmer(func() footprint { return now }, func() { released++; now = footprint{inUse, now.cycles + 2} })
	now = footprint{210 << 20, 1}
	trim.look()
	require.Equal(t, 1, released)
	inUse = 20 << 20
	for range 2 { // 30 s
		trim.look()
	}
	require.Equal(t, 2, released)
	require.Equal(t, inUse, now.bytes)

	// What is kept is not looked for again and again: an hour has 240 looks.
	inUse = 500 << 20
	now.bytes = inUse
	released = 0
	for range 240 {
		trim.look()
	}
	require.LessOrEqual(t, released, 34)
}

// A release reaches what sync.Pools keep.
func TestReleaseReachesPools(t *testing.T) { //nolint:paralleltest // it measures the whole process
	const kept = 256 << 20
	var pool sync.Pool
	func() {
		page := make([]byte, kept)
		for i := 0; i < kept; i += 4096 {
			page[i] = 1
		}
		pool.Put(&page)
	}()
	before := measure()
	giveBack()
	require.Less(t, measure().bytes+kept/2, before.bytes)
	runtime.KeepAlive(&pool)
}

func TestMeasureSeesMemory(t *testing.T) {
	t.Parallel()
	m := measure()
	require.Greater(t, m.bytes, uint64(1<<20))
}
