package arena

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestArena(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	var a Arena
	first := append(a.Take(3), 1, 2, 3)
	second := append(a.Take(2), 4, 5)
	require.Equal(t, []byte{1, 2, 3}, first)
	require.Equal(t, []byte{4, 5}, second)
	require.Equal(t, 3, cap(first), "nobody can write into what another has")
	require.Empty(t, a.Take(leastPiece*4))

	// What was asked for in several pieces is one the next time, so that nothing is allocated any more.
	a.Renew(1 << 20)
	use := func() {
		for range 5 {
			a.Take(leastPiece)
		}
		a.Renew(1 << 20)
	}
	use()
	use()
	require.Zero(t, testing.AllocsPerRun(10, use))

	// More than is to be kept is let go.
	a.Take(2 << 20)
	a.Shrink(1 << 20)
	require.Nil(t, a.b)
	a.Take(2 << 20)
	a.Renew(1 << 20)
	require.Nil(t, a.b)
}
