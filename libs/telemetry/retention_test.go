package telemetry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATenantWithoutAPolicyHasThatOfTheDefaultTenant(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var r Retention
	r.Add(DefaultTenant, "traces", RetentionPolicy{Days: 7, Rows: time.Hour})
	r.Add("shop", "traces", RetentionPolicy{Days: 2}) // and no rows: it has a policy of its own
	r.Add("shop", "logs", RetentionPolicy{Days: 9, Rows: time.Minute})
	r.Add("court", "traces", RetentionPolicy{Days: 1, Hold: true})
	for _, c := range []struct {
		tenant Tenant
		signal Signal
		want   RetentionPolicy
		days   int
	}{
		{DefaultTenant, Traces, RetentionPolicy{Days: 7, Rows: time.Hour}, 7},
		{"shop", Traces, RetentionPolicy{Days: 2}, 2},
		{"shop", Logs, RetentionPolicy{Days: 9, Rows: time.Minute}, 9},
		{"shop", Metrics, RetentionPolicy{}, 0},
		{"stranger", Traces, RetentionPolicy{Days: 7, Rows: time.Hour}, 7},
		{"stranger", Logs, RetentionPolicy{}, 0},
		{"court", Traces, RetentionPolicy{Days: 1, Hold: true}, 0},
	} {
		require.Equal(t, c.want, r.Of(c.tenant, c.signal), "%s %s", c.tenant, c.signal)
		var kept int64
		if c.days > 0 {
			kept = now.AddDate(0, 0, -c.days).UnixNano()
		}
		require.Equal(t, kept, r.Kept(c.tenant, c.signal, now), "%s %s", c.tenant, c.signal)
	}
	var nothing *Retention
	require.Zero(t, nothing.Of(DefaultTenant, Traces))
	require.Zero(t, nothing.Kept(DefaultTenant, Traces, now))
}

func TestWhatIsToldOfRetentionComesBackAndRowsAreNotTold(t *testing.T) {
	t.Parallel()
	var r Retention
	r.Add("shop", "logs", RetentionPolicy{Days: 9, Hold: true, Rows: time.Minute})
	data, err := r.Marshal()
	require.NoError(t, err)
	require.JSONEq(t, `{"policies":{"shop":{"logs":{"days":9,"hold":true}}}}`, string(data))
	back, err := ParseRetention(data)
	require.NoError(t, err)
	require.Equal(t, RetentionPolicy{Days: 9, Hold: true}, back.Of("shop", Logs))
}
