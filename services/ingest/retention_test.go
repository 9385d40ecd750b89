package ingest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// tell publishes policies of days by tenant, as a writer does, some seconds after the epoch.
func (r *running) tell(seconds int, days map[telemetry.Tenant]telemetry.RetentionPolicy) {
	r.t.Helper()
	var policies telemetry.Retention
	for tenant, p := range days {
		policies.Add(tenant, "traces", p)
	}
	data, err := policies.Marshal()
	require.NoError(r.t, err)
	published, err := r.bus.Snapshots(telemetry.RetentionSnapshot, bus.Seal{}).Publish(r.t.Context(),
		bus.Snapshot{AsOf: epoch().Add(time.Duration(seconds) * time.Second), Data: data})
	require.NoError(r.t, err)
	require.True(r.t, published)
}

func asJSON(t *testing.T, td ptrace.Traces) []byte {
	t.Helper()
	body, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return body
}

func TestWhatWouldBeDroppedAtOnceIsRefusedWithThatReason(t *testing.T) {
	t.Parallel()
	r := start(t)
	old := testbed.NewShop(1, epoch().Add(-72*time.Hour)).Traces(3)
	young := testbed.NewShop(2, epoch().Add(-2*time.Hour)).Traces(4)
	young.ResourceSpans().MoveAndAppendTo(old.ResourceSpans())
	spans := old.SpanCount()
	send := func(tenant string) string {
		got := r.post("/v1/traces", typeJSON, asJSON(t, old), "X-Scope-OrgID", tenant)
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		return string(got.body)
	}
	require.Equal(t, 7, spans)
	require.NotContains(t, send("default"), "rejected", "nobody has told: the configured window holds")

	r.tell(0, map[telemetry.Tenant]telemetry.RetentionPolicy{"default": {Days: 1}, "long": {Days: 30}, "held": {Days: 1, Hold: true}})
	testbed.Eventually(t, "ingest knows", func() bool { return strings.Contains(send("unknown"), `"rejectedSpans":"3"`) })
	for _, tenant := range []string{"default", "unknown"} {
		answer := send(tenant)
		require.Contains(t, answer, `"rejectedSpans":"3"`)
		require.Contains(t, answer, "3 beyond retention: what is older than 2025-11-22T12:13:20Z is not kept (the first has start time 2025-11-20T")
	}
	for _, tenant := range []string{"long", "held"} {
		require.NotContains(t, send(tenant), "rejected")
	}
	// Beyond the configured window too, it is that which is told.
	ancient := testbed.NewShop(3, epoch().Add(-20*24*time.Hour)).Traces(2)
	require.Contains(t, string(r.post("/v1/traces", typeJSON, asJSON(t, ancient)).body), "2 older than 2025-11-16T12:13:20Z")

	// Rubbish changes nothing; a later change does.
	_, err := r.bus.Snapshots(telemetry.RetentionSnapshot, bus.Seal{}).Publish(t.Context(), bus.Snapshot{AsOf: epoch().Add(time.Second), Data: []byte("rubbish")})
	require.NoError(t, err)
	r.tell(2, map[telemetry.Tenant]telemetry.RetentionPolicy{"default": {Days: 1}, "long": {Days: 1}})
	testbed.Eventually(t, "ingest knows", func() bool { return strings.Contains(send("long"), `"rejectedSpans":"3"`) })
	require.Contains(t, send("default"), `"rejectedSpans":"3"`)
}
