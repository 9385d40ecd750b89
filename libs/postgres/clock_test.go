package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestAClockIsTheServers(t *testing.T) {
	t.Parallel()
	wrong := func() time.Time { return time.Now().Add(-72 * time.Hour) }
	c := postgres.NewClock(wrong)
	require.WithinDuration(t, wrong(), c.Now(), time.Minute, "it has not been asked")
	require.NoError(t, c.Ask(testbed.Context(t), testbed.Database(t).Pool))
	require.WithinDuration(t, time.Now(), c.Now(), time.Minute)

	passed := time.Hour
	own := testbed.NewClock(time.Unix(1000, 0))
	c = postgres.NewClock(own.Now)
	server := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c.Set(server)
	own.Advance(passed)
	require.Equal(t, server.Add(passed), c.Now(), "what has passed since counts")
}
