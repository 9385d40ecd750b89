package ingest

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// oneLine is a request of one log record.
func oneLine(t *testing.T, text string) []byte {
	t.Helper()
	d := plog.NewLogs()
	record := d.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(1_763_899_999_123_456_789)
	record.Body().SetStr(text)
	b, err := plogotlp.NewExportRequestFromLogs(d).MarshalProto()
	require.NoError(t, err)
	return b
}

// Small requests that come at once are in few messages; each is answered for itself, is what it would be alone, and pays back what it took of memory.
func TestSmallRequestsAtOnceShareMessages(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Bus.GroupDelay = time.Second })
	const senders, each = 16, 5
	var mu sync.Mutex
	want, positions, answers := map[telemetry.RequestID]string{}, map[string]int{}, 0
	var sending sync.WaitGroup
	for i := range senders {
		tenant := fmt.Sprint("t", i%2)
		sending.Go(func() {
			for j := range each {
				payload := oneLine(t, fmt.Sprint(i, " ", j))
				got := r.post("/v1/logs", typeProtobuf, payload, auth.TenantHeader, tenant)
				mu.Lock()
				if got.status == http.StatusOK && len(got.body) == 0 {
					answers++
				}
				positions[got.header.Get("X-Olly-Position")]++
				want[telemetry.NewRequestID(telemetry.Tenant(tenant), telemetry.Logs, payload)] = tenant
				mu.Unlock()
			}
		})
	}
	sending.Wait()
	require.Equal(t, senders*each, answers)
	require.Less(t, len(positions), senders*each/2, "messages")
	require.Zero(t, r.budget.used.Load())
	for _, b := range r.stored(telemetry.Logs, senders*each) {
		require.Equal(t, want[b.Request], string(b.Tenant))
		require.Equal(t, 1, b.Items)
		require.Equal(t, epoch(), b.Received)
		delete(want, b.Request)
	}
	require.Empty(t, want)

	again := r.post("/v1/logs", typeProtobuf, oneLine(t, "3 4"), auth.TenantHeader, "t1")
	require.Equal(t, http.StatusOK, again.status)
	require.Contains(t, string(again.body), "taken for a repeat", "though the bus does not know what a message of many holds")
}
