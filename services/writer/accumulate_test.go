package writer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testLimits() limits {
	return limits{items: 1000, bytes: 10_000, quiet: 250 * time.Millisecond, longest: time.Second, worth: 100, enough: 500}
}

func arrived(at time.Duration, items, bytes int) *held {
	return &held{Batch: telemetry.Batch{Items: items, Payload: make([]byte, bytes)}, arrived: epoch.Add(at)}
}

func TestAccumulatorWritesFewItemsSoonAndManyLater(t *testing.T) {
	t.Parallel()
	a := accumulator{limits: testLimits()}
	require.Positive(t, a.due(epoch), "nothing is held")

	a.add(arrived(0, 5, 100))
	require.Equal(t, 250*time.Millisecond, a.due(epoch))
	require.Equal(t, 50*time.Millisecond, a.due(epoch.Add(200*time.Millisecond)))
	require.LessOrEqual(t, a.due(epoch.Add(250*time.Millisecond)), time.Duration(0), "waiting longer gains nothing")

	a.add(arrived(240*time.Millisecond, 95, 100))
	require.Equal(t, 750*time.Millisecond, a.due(epoch.Add(250*time.Millisecond)), "a decent segment is growing")
	require.LessOrEqual(t, a.due(epoch.Add(time.Second)), time.Duration(0), "but the first item waits no longer")

	a.add(arrived(240*time.Millisecond, 400, 100))
	require.Equal(t, 10*time.Millisecond, a.due(epoch.Add(240*time.Millisecond)), "more is coming, it may be a large flush")
	require.LessOrEqual(t, a.due(epoch.Add(250*time.Millisecond)), time.Duration(0), "a whole segment is there")

	require.Len(t, a.take(), 3)
	require.Positive(t, a.due(epoch.Add(time.Hour)), "taken, so nothing is held")
}

func TestAccumulatorIsFullByItemsOrBytes(t *testing.T) {
	t.Parallel()
	a := accumulator{limits: testLimits()}
	a.add(arrived(0, 999, 10))
	require.False(t, a.full())
	a.add(arrived(0, 1, 10))
	require.True(t, a.full())
	require.Zero(t, a.due(epoch))
	a.take()
	require.False(t, a.full())
	a.add(arrived(0, 1, 10_000))
	require.True(t, a.full())
}

func TestBudgetMakesFetchesWaitUntilSomethingIsGivenBack(t *testing.T) {
	t.Parallel()
	b := newBudget(100)
	require.NoError(t, b.wait(t.Context()))
	b.take(150)
	require.Equal(t, int64(150), b.held())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.wait(ctx), context.Canceled)

	done := make(chan error, 1)
	go func() { done <- b.wait(t.Context()) }()
	b.give(20) // still above the bound
	b.give(31)
	require.NoError(t, <-done)
	require.Equal(t, int64(99), b.held())
}
