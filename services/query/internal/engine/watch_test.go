package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestCompletenessFollowsTheQueue(t *testing.T) {
	t.Parallel()
	clock := testbed.NewClock(base())
	w := newWatch(nil, clock.Now)
	at := func(settled, last, pending uint64) Completeness {
		w.note(telemetry.Logs, clock.Now(), bus.Backlog{Settled: settled, LastPosition: last, Pending: pending})
		return w.completeness("shop", telemetry.Logs)
	}
	require.Equal(t, Completeness{}, w.completeness("shop", telemetry.Logs), "nothing is known yet")

	c := at(5, 5, 0)
	require.Equal(t, base(), c.Watermark)
	require.Zero(t, *c.Lag)
	require.Zero(t, *c.Pending)

	clock.Advance(time.Second)
	c = at(5, 8, 3)
	require.Equal(t, base(), c.Watermark, "what was accepted since is not committed")
	require.Equal(t, time.Second, *c.Lag)
	require.EqualValues(t, 3, *c.Pending)

	clock.Advance(time.Second)
	c = at(7, 9, 2)
	require.Equal(t, base(), c.Watermark)

	clock.Advance(time.Second)
	c = at(8, 12, 4)
	require.Equal(t, base().Add(time.Second), c.Watermark, "all of the second look is committed, not all of the third")

	clock.Advance(time.Minute)
	c = w.completeness("shop", telemetry.Logs)
	require.Nil(t, c.Pending, "an old look says nothing of what waits now")
	require.Equal(t, base().Add(time.Second), c.Watermark)

	c = at(0, 0, 0)
	require.Equal(t, clock.Now(), c.Watermark, "the stream was made anew")
}
