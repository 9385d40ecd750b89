package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

const long, short = 365 * 24 * time.Hour, time.Hour

func TestLongQuestionsLeaveTurnsToOthers(t *testing.T) {
	t.Parallel()
	turns := newTurns(8, 0, newMemory(1))
	var leave []func()
	take := func(about time.Duration) error {
		_, end, err := turns.take(t.Context(), "default", about, time.Millisecond)
		if err == nil {
			leave = append(leave, end)
		}
		return err
	}
	require.NoError(t, take(long))
	require.NoError(t, take(long))
	require.Equal(t, fault.Overloaded, fault.ClassOf(take(long)), "a quarter of the turns")
	for range 6 {
		require.NoError(t, take(short))
	}
	require.True(t, ErrBusy.Matches(take(short)))
	leave[0]()
	require.NoError(t, take(short), "a turn has ended")
	require.Equal(t, fault.Overloaded, fault.ClassOf(take(long)), "there is a turn for a long one, but none at all")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := turns.take(ended, "default", short, time.Minute)
	require.ErrorIs(t, err, context.Canceled)
	for _, end := range leave[1:] {
		end()
	}
	requireNobody(t, turns)
}

// requireNobody: nobody has a turn or waits for one, and nobody is remembered.
func requireNobody(t *testing.T, turns *turns) {
	t.Helper()
	taken, waiting := turns.figures()
	require.Zero(t, taken)
	require.Zero(t, waiting)
	require.Empty(t, turns.tenants)
	require.Zero(t, turns.taken)
}

// A tenant that floods has its share of the turns, and of those that are over long ranges; another one's question is answered at once, and says by its code
// whose limit it met.
func TestAFloodOfOneTenantLeavesTurnsToOthers(t *testing.T) {
	t.Parallel()
	turns := newTurns(16, 0.75, newMemory(1000))
	ended, cancel := context.WithCancel(t.Context())
	flood := make(chan error)
	for range 50 {
		go func() {
			_, _, err := turns.take(ended, "red", short, time.Hour)
			flood <- err
		}()
	}
	for range 12 { // three quarters
		require.NoError(t, <-flood)
	}
	testbed.Eventually(t, "the others wait", func() bool { _, waiting := turns.figures(); return waiting == 38 })
	_, _, err := turns.take(t.Context(), "red", short, 0)
	require.True(t, errTenantBusy.Matches(err), "%v", err)
	var leave []func()
	for range 4 {
		of, end, err := turns.take(t.Context(), "blue", short, 0)
		require.NoError(t, err)
		require.EqualValues(t, 750, of.all.bytes)
		leave = append(leave, end)
	}
	_, _, err = turns.take(t.Context(), "blue", short, 0)
	require.True(t, ErrBusy.Matches(err), "%v: all turns are taken, and it has not its share", err)
	for _, end := range leave {
		end()
	}
	cancel()
	for range 38 {
		require.ErrorIs(t, <-flood, context.Canceled)
	}
	require.Len(t, turns.tenants, 1)

	byRange := newTurns(16, 0.75, newMemory(1000))
	for range 3 {
		_, _, err := byRange.take(t.Context(), "red", long, 0)
		require.NoError(t, err)
	}
	_, _, err = byRange.take(t.Context(), "red", long, 0)
	require.True(t, errTenantBusy.Matches(err), "%v", err)
	_, _, err = byRange.take(t.Context(), "blue", long, 0)
	require.NoError(t, err)
	_, _, err = byRange.take(t.Context(), "red", short, 0)
	require.NoError(t, err)
}

// Of those that wait, the tenant that has the fewest turns is next, and of one tenant who came first; who waits for a long range holds up nobody.
func TestTurnsAreGivenToWhoHasFewest(t *testing.T) {
	t.Parallel()
	turns := newTurns(4, 0, newMemory(1))
	var leave []func()
	for range 4 {
		_, end, err := turns.take(t.Context(), "red", short, 0)
		require.NoError(t, err)
		leave = append(leave, end)
	}
	type came struct {
		name  string
		leave func()
	}
	order := make(chan came)
	wait := func(name string, tenant telemetry.Tenant, about time.Duration) {
		_, before := turns.figures()
		go func() {
			_, end, err := turns.take(t.Context(), tenant, about, time.Hour)
			if err == nil {
				order <- came{name, end}
			}
		}()
		testbed.Eventually(t, name+" waits", func() bool { _, waiting := turns.figures(); return waiting == before+1 })
	}
	wait("long red", "red", long)
	wait("first red", "red", short)
	wait("second red", "red", short)
	wait("first blue", "blue", short)
	wait("second blue", "blue", short)
	wait("green", "green", long)
	var names []string
	for range 6 {
		leave[0]()
		got := <-order
		leave = append(leave[1:], got.leave)
		names = append(names, got.name)
	}
	require.Equal(t, []string{"first blue", "green", "first red", "second red", "second blue", "long red"}, names)
	for _, end := range leave {
		end()
	}
	requireNobody(t, turns)
}

// Who waits is bounded, and what ends by its own time leaves nothing.
func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	turns := newTurns(2, 0, newMemory(1))
	_, one, err := turns.take(t.Context(), "red", short, 0)
	require.NoError(t, err)
	_, two, err := turns.take(t.Context(), "red", short, 0)
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	flood := make(chan error)
	for range mostWaiting {
		go func() {
			_, _, err := turns.take(ended, "red", short, time.Hour)
			flood <- err
		}()
	}
	testbed.Eventually(t, "as many wait as may", func() bool { _, waiting := turns.figures(); return waiting == mostWaiting })
	_, _, err = turns.take(t.Context(), "red", short, time.Hour)
	require.True(t, errTenantBusy.Matches(err), "%v", err)
	_, _, err = turns.take(t.Context(), "blue", short, time.Millisecond)
	require.True(t, ErrBusy.Matches(err), "%v: another may wait", err)
	cancel()
	for range mostWaiting {
		require.ErrorIs(t, <-flood, context.Canceled)
	}
	one()
	two()
	requireNobody(t, turns)
}

func TestHalfOfTheSeatsAreATenants(t *testing.T) {
	t.Parallel()
	s := newSeats(4)
	one, ok := s.take("red")
	require.True(t, ok)
	_, ok = s.take("red")
	require.True(t, ok)
	_, ok = s.take("red")
	require.False(t, ok)
	for range 2 {
		_, ok = s.take("blue")
		require.True(t, ok)
	}
	_, ok = s.take("green")
	require.False(t, ok)
	one()
	require.Len(t, s.by, 2)
	_, ok = s.take("green")
	require.True(t, ok)
}
