package quotastore_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

func TestLimitsAreSetAndUnset(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	s, err := quotastore.New(db.Pool)
	require.NoError(t, err)
	ctx := testbed.Context(t)
	base := telemetry.Quota{telemetry.LimitSpans: 1, telemetry.LimitBytes: 2}
	of := func(tenant telemetry.Tenant) telemetry.Quota {
		quotas, asOf, err := s.Limits(ctx)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), asOf, time.Minute)
		quota, _ := quotas.Of(tenant, base)
		return quota
	}
	require.Equal(t, base, of("shop"))
	require.NoError(t, s.Set(ctx, telemetry.EveryTenant, []quotastore.Change{{Limit: telemetry.LimitSpans, Value: 10}}))
	require.NoError(t, s.Set(ctx, "shop", []quotastore.Change{{Limit: telemetry.LimitSpans, Value: 7}, {Limit: telemetry.LimitBytes, Value: 0}}))
	require.NoError(t, s.Set(ctx, "shop", []quotastore.Change{{Limit: telemetry.LimitSpans, Value: 8}}))
	require.Equal(t, telemetry.Quota{telemetry.LimitSpans: 8}, of("shop"), "0 lifts what is set for all")
	require.Equal(t, telemetry.Quota{telemetry.LimitSpans: 10, telemetry.LimitBytes: 2}, of("bank"))
	require.NoError(t, s.Set(ctx, "shop", []quotastore.Change{{Limit: telemetry.LimitSpans, Unset: true}}))
	require.Equal(t, telemetry.Quota{telemetry.LimitSpans: 10}, of("shop"))

	for tenant, c := range map[telemetry.Tenant]quotastore.Change{
		"a b": {}, "low": {Value: -1}, "high": {Value: telemetry.MaxLimit + 1}, "long": {Limit: telemetry.LimitBurst, Value: telemetry.MaxBurst + 1},
	} {
		require.Equal(t, fault.Invalid, fault.ClassOf(s.Set(ctx, tenant, []quotastore.Change{{Limit: telemetry.LimitSpans, Value: 1}, c})), tenant)
		require.Equal(t, telemetry.Quota{telemetry.LimitSpans: 10, telemetry.LimitBytes: 2}, of(tenant), "all of them or none")
	}
}
