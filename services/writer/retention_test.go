package writer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestThePoliciesOfRetentionAreToldOverTheBus(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Flush.PolicyRefresh = 20 * time.Millisecond
	channel := r.bus.Snapshots(telemetry.RetentionSnapshot, bus.Seal{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- channel.Follow(ctx, func(bus.Snapshot) error { return nil }) }()
	defer func() {
		cancel()
		require.NoError(t, <-done)
	}()
	r.start()
	now := time.Now()
	days := func(tenant telemetry.Tenant, signal telemetry.Signal) int {
		s, ok := channel.Known()
		if !ok {
			return -1
		}
		policies, err := telemetry.ParseRetention(s.Data)
		require.NoError(t, err)
		kept := policies.Kept(tenant, signal, now)
		if kept == 0 {
			return 0
		}
		return int(now.Sub(time.Unix(0, kept)).Round(24*time.Hour).Hours() / 24)
	}
	known := func(what string, tenant telemetry.Tenant, signal telemetry.Signal, want int) {
		t.Helper()
		testbed.Eventually(t, what, func() bool { return days(tenant, signal) == want })
	}
	known("the first policies", "default", telemetry.Traces, 7)
	require.Equal(t, 3, days("default", telemetry.Logs))
	require.Equal(t, 30, days("shop", telemetry.Metrics), "as default has")
	change := func(sql string) {
		t.Helper()
		_, err := r.store.db.Pool.Exec(testbed.Context(t), sql)
		require.NoError(t, err)
	}
	change("UPDATE retention_policy SET days = 1 WHERE signal = 'traces'")
	known("a changed policy", "default", telemetry.Traces, 1)
	change("INSERT INTO retention_policy (tenant_id, signal, days, legal_hold) VALUES ('shop', 'traces', 90, false), ('court', 'traces', 1, true)")
	known("a policy of a tenant", "shop", telemetry.Traces, 90)
	require.Equal(t, 0, days("court", telemetry.Traces), "nothing is dropped")
	change("DELETE FROM retention_policy")
	known("no policy", "default", telemetry.Traces, 0)
}
