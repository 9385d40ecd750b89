package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
)

func TestLongQuestionsLeaveTurnsToOthers(t *testing.T) {
	t.Parallel()
	const year, hour = 365 * 24 * time.Hour, time.Hour
	turns := newTurns(8)
	var leave []func()
	take := func(about time.Duration) error {
		end, err := turns.take(t.Context(), about, time.Millisecond)
		if err == nil {
			leave = append(leave, end)
		}
		return err
	}
	require.NoError(t, take(year))
	require.NoError(t, take(year))
	require.Equal(t, fault.Overloaded, fault.ClassOf(take(year)), "a quarter of the turns")
	for range 6 {
		require.NoError(t, take(hour))
	}
	require.Equal(t, fault.Overloaded, fault.ClassOf(take(hour)))
	leave[0]()
	require.NoError(t, take(hour), "a turn has ended")
	require.Equal(t, fault.Overloaded, fault.ClassOf(take(year)), "there is a turn for a long one, but none at all")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := turns.take(ended, hour, time.Minute)
	require.ErrorIs(t, err, context.Canceled)
	for _, end := range leave[1:] {
		end()
	}
	require.Empty(t, turns.all)
	require.Empty(t, turns.long)
}
