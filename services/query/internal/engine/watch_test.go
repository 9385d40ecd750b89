package engine

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// told is the completeness of a snapshot of the primary that was taken just now.
func told(w *watch, q *Query) Completeness {
	h := w.hear()[q.Signal]
	return w.completeness(q, h, standing{known: true, began: h.created})
}

func TestCompletenessFollowsTheQueue(t *testing.T) {
	t.Parallel()
	clock := testbed.NewClock(base())
	w := newWatch(nil, clock.Now)
	shop := &Query{Tenant: "shop", Signal: telemetry.Logs}
	at := func(settled, last, pending uint64) Completeness {
		w.note(telemetry.Logs, clock.Now(), bus.Backlog{Settled: settled, LastPosition: last, Pending: pending})
		return told(w, shop)
	}
	require.Equal(t, Completeness{}, told(w, shop), "nothing is known yet")

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
	c = told(w, shop)
	require.Nil(t, c.Pending, "an old look says nothing of what waits now")
	require.Equal(t, base().Add(time.Second), c.Watermark)

	c = at(0, 0, 0)
	require.Equal(t, clock.Now(), c.Watermark, "the stream was made anew")
}

// A queue that was lost with something in it is told; one that was empty, or long ago, is not.
func TestCompletenessTellsOfALostQueue(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	e, err := New(Settings{}, db.Pool, nil, time.Now)
	require.NoError(t, err)
	life := func(signal telemetry.Signal, base int, began, seen, whole string, unsettled int) {
		_, err := db.Pool.Exec(testbed.Context(t), `INSERT INTO queue_life (signal, base, began, seen, seen_at, unsettled, whole_at, noticed_at)
			SELECT $1, $2, now() - $3::interval, 9, now() - $4::interval, $6, now() - $5::interval, now() - $3::interval`, int16(signal), base, began, seen, whole, unsettled)
		require.NoError(t, err)
	}
	life(telemetry.Traces, 0, "60 days", "39 days 1 hour", "39 days 1 hour", 5)
	life(telemetry.Traces, 10, "39 days", "10 days", "10 days 1 hour", 4)
	life(telemetry.Traces, 20, "10 days", "9 days", "9 days", 0)
	life(telemetry.Traces, 30, "9 days", "2 hours 1 second", "2 hours 1 minute", 7)
	life(telemetry.Traces, 100, "2 hours", "0", "0", 3)
	life(telemetry.Logs, 0, "9 days", "2 hours 1 second", "2 hours 1 second", 0)
	life(telemetry.Logs, 100, "2 hours", "0", "0", 0)
	life(telemetry.Metrics, 0, "90 days", "40 days 1 hour", "41 days", 5)
	life(telemetry.Metrics, 100, "40 days", "0", "0", 0)
	losses, err := e.losses(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Len(t, losses, 1)
	require.Len(t, losses[telemetry.Traces], 2)
	lost, early := losses[telemetry.Traces][0], losses[telemetry.Traces][1]
	require.InDelta(t, time.Minute, lost.To.Sub(lost.From), float64(time.Second))
	require.WithinDuration(t, time.Now().Add(-2*time.Hour), lost.To, time.Minute)
	e.watch.losses = losses

	_, err = db.Pool.Exec(testbed.Context(t), "UPDATE queue_life SET whole_at = now() + interval '1 day' WHERE signal = 0 AND base = 30")
	require.NoError(t, err)
	ahead, err := e.losses(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Equal(t, Loss{lost.To, lost.To}, ahead[telemetry.Traces][0], "a writer's clock was ahead: it does not begin after its end")
	at := func(signal telemetry.Signal, from, to time.Duration) Loss { // from the middle of it
		middle := lost.From.Add(30 * time.Second)
		return told(e.watch, &Query{Tenant: "shop", Signal: signal, From: middle.Add(from).UnixNano(), To: middle.Add(to).UnixNano()}).Lost
	}
	require.Zero(t, at(telemetry.Logs, -time.Hour, time.Hour))
	for _, r := range []struct {
		from, to time.Duration
		told     bool
	}{
		{0, 1, true},
		{-9 * time.Hour, 9 * time.Hour, true},
		{-9 * time.Hour, -30 * time.Minute, true}, // what arrived then may have begun half an hour before
		{-9 * time.Hour, -2 * time.Hour, false},
		{time.Minute, time.Hour, true},
		{3 * time.Minute, time.Hour, false},
	} {
		want := Loss{}
		if r.told {
			want = lost
		}
		require.Equal(t, want, at(telemetry.Traces, r.from, r.to), "%s to %s", r.from, r.to)
	}
	require.Equal(t, lost, told(e.watch, &Query{Tenant: "shop", Signal: telemetry.Traces, To: math.MaxInt64}).Lost, "no range is all of them")
	require.Equal(t, early, told(e.watch, &Query{Tenant: "shop", Signal: telemetry.Traces, From: early.From.UnixNano(), To: early.To.UnixNano()}).Lost, "an earlier one")
	_, err = db.Pool.Exec(testbed.Context(t), `INSERT INTO queue_life (signal, base, began, seen, seen_at, unsettled, whole_at, noticed_at)
		SELECT 1, n, now() - interval '1 hour' + n * interval '1 second', 9, now(), 1, now(), now() FROM generate_series(1000, 1200) AS n`)
	require.NoError(t, err)
	many, err := e.losses(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Len(t, many[telemetry.Logs], 100)
	require.True(t, many[telemetry.Logs][0].To.After(many[telemetry.Logs][99].To), "the newest first")
}

// What the queue called settled and the database did not know is told, also where all was settled and looked at a moment before, or never.
func TestCompletenessTellsOfADatabaseThatWasPutBack(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	e, err := New(Settings{}, db.Pool, nil, time.Now)
	require.NoError(t, err)
	_, err = db.Pool.Exec(testbed.Context(t), `INSERT INTO queue_life (signal, base, began, seen, seen_at, unsettled, whole_at, noticed_at, lost)
		SELECT s, b, now() - interval '1 day', 9, now(), 0, now() - interval '1 minute', now(), l FROM (VALUES (0, 0, 0), (0, 9, 4), (1, 9, 5), (2, 0, 0), (2, 9, 0)) AS v (s, b, l)`)
	require.NoError(t, err)
	losses, err := e.losses(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Len(t, losses, 2)
	for signal, long := range map[telemetry.Signal]time.Duration{telemetry.Traces: time.Minute, telemetry.Logs: 24 * time.Hour} {
		require.Len(t, losses[signal], 1)
		require.Equal(t, long, losses[signal][0].To.Sub(losses[signal][0].From))
	}
}

// What was seen of the queue says nothing of a database that is not, or not yet, what its messages went into.
func TestCompletenessIsThatOfTheSnapshot(t *testing.T) {
	t.Parallel()
	clock := testbed.NewClock(base())
	w := newWatch(nil, clock.Now)
	made := base().Add(-time.Hour)
	w.note(telemetry.Logs, clock.Now(), bus.Backlog{Settled: 9, LastPosition: 10, Pending: 1, Created: made})
	clock.Advance(time.Second)
	w.note(telemetry.Logs, clock.Now(), bus.Backlog{Settled: 12, LastPosition: 12, Created: made})
	h := w.hear()[telemetry.Logs]
	before := base().Add(-time.Minute)
	for name, one := range map[string]struct {
		standing
		watermark time.Time
		pending   int64
	}{
		"the primary":                    {standing{known: true, began: made, settled: 7, whole: before}, clock.Now(), 0},
		"a standby that is behind":       {standing{known: true, standby: true, began: made, settled: 7, whole: before}, before, 5},
		"a standby that has all":         {standing{known: true, standby: true, began: made, settled: 12, whole: before}, clock.Now(), 0},
		"nobody writes into it any more": {standing{known: true, began: made, settled: 7, whole: before, age: time.Minute}, before, 5},
		"idle, and without a writer":     {standing{known: true, began: made, settled: 12, whole: before, age: time.Minute}, clock.Now(), 0},
		"the queue was made anew":        {standing{known: true, began: before, settled: 100, whole: before}, before, 12},
		"it knows of no queue":           {standing{}, time.Time{}, 12},
		"nor does a standby":             {standing{standby: true}, time.Time{}, 12},
	} {
		c := w.completeness(&Query{Tenant: "shop", Signal: telemetry.Logs}, h, one.standing)
		require.Equal(t, one.watermark, c.Watermark, name)
		require.Equal(t, one.pending, *c.Pending, name)
		require.Equal(t, one.watermark.IsZero(), c.Lag == nil, name)
	}
}
