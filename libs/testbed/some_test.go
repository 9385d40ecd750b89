package testbed_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// What is tried are numbers below n, the first always, and without the race detector every one.
func TestSomeOfASweep(t *testing.T) {
	t.Parallel()
	require.Empty(t, slices.Collect(testbed.Some(0)))
	for n := 1; n < 40; n++ {
		var want []int
		for i := range n {
			if i%testbed.Slowdown == 0 {
				want = append(want, i)
			}
		}
		require.Equal(t, want, slices.Collect(testbed.Some(n)))
	}
	for i := range testbed.Some(10) {
		require.Zero(t, i)
		break // an iterator that is left asks for no more
	}
}
