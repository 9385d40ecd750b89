package shapes_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed/shapes"
)

// count is how many items a request holds.
func count(t *testing.T, signal telemetry.Signal, payload []byte) int {
	t.Helper()
	switch signal {
	case telemetry.Traces:
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(payload)
		require.NoError(t, err)
		return td.SpanCount()
	case telemetry.Logs:
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(payload)
		require.NoError(t, err)
		return ld.LogRecordCount()
	case telemetry.Metrics:
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(payload)
		require.NoError(t, err)
		return md.DataPointCount()
	}
	return 0
}

func TestMake(t *testing.T) {
	t.Parallel()
	for _, name := range shapes.Names() {
		made, err := shapes.Make(name, 7, 900, 100)
		require.NoError(t, err)
		again, err := shapes.Make(name, 7, 900, 100)
		require.NoError(t, err)
		require.Equal(t, made, again, "the same seed gives the same bytes")
		other, err := shapes.Make(name, 8, 900, 100)
		require.NoError(t, err)
		items := 0
		for signal, payloads := range made {
			require.NotEmpty(t, payloads)
			require.NotEqual(t, payloads, other[signal])
			for _, p := range payloads {
				items += count(t, telemetry.Signal(signal), p)
			}
		}
		require.InDelta(t, 900, items, 90, name)
	}
	_, err := shapes.Make("shop", 1, 1, 1)
	require.ErrorContains(t, err, "shop")
}
