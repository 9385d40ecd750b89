package telemetry

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGrain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		at, want string
		span     time.Duration
	}{
		{"2026-11-23T05:17:00.000000001Z", "2026-11-23T05:00:00Z", time.Hour},
		{"2026-11-23T05:00:00Z", "2026-11-23T05:00:00Z", time.Hour},
		{"2026-11-23T05:59:59.999999999Z", "2026-11-23T05:00:00Z", time.Hour},
		{"2026-11-23T05:40:00+05:45", "2026-11-22T23:00:00Z", time.Hour},
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", time.Hour},
		{"1969-12-31T23:59:59.999999999Z", "1969-12-31T23:00:00Z", time.Hour},
		{"1969-12-31T23:00:00Z", "1969-12-31T23:00:00Z", time.Hour},
		{"2026-11-23T05:59:59.999999999Z", "2026-11-23T00:00:00Z", 24 * time.Hour},
		{"1969-12-30T12:00:00Z", "1969-12-30T00:00:00Z", 24 * time.Hour},
		{"2026-11-23T05:17:59Z", "2026-11-23T05:17:00Z", time.Minute},
	} {
		at, err := time.Parse(time.RFC3339Nano, tc.at)
		require.NoError(t, err)
		require.Equal(t, tc.want, time.Unix(0, Grain(at.UnixNano(), tc.span)).UTC().Format(time.RFC3339Nano), tc.at)
	}
	require.Equal(t, int64(math.MinInt64), Grain(math.MinInt64, time.Hour), "does not wrap around")
	require.Equal(t, int64(math.MinInt64), Grain(math.MinInt64+1, time.Hour))
	last := Grain(math.MaxInt64, time.Hour)
	require.True(t, last > math.MaxInt64-int64(time.Hour) && last%int64(time.Hour) == 0)
}
