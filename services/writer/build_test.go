package writer

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestMoreEntriesThanASegmentTakes: batches that are small by themselves, and together more than one segment takes, are stored at once.
func TestMoreEntriesThanASegmentTakes(t *testing.T) {
	t.Parallel()
	var batches []*held
	for range 9 {
		d := pmetric.NewMetrics()
		m := d.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		p := m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
		p.SetTimestamp(1)
		p.Positive().BucketCounts().FromRaw(make([]uint64, 1<<20-1000))
		batches = append(batches, batch("default", telemetry.Metrics, testbed.MetricsPayload(d), 1))
	}
	b := newBuild(telemetry.Metrics)
	refused, err := b.fill(batches, plan{
		now: epoch, segmentItems: 2000, known: newKnown(generation), bounds: always, rowsSince: func(telemetry.Tenant) int64 { return math.MaxInt64 },
	})
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, 2, b.segments.Rows)
	require.Equal(t, 9, b.items)
}

// always bounds no time.
func always(telemetry.Tenant) (least, most int64) { return math.MinInt64, math.MaxInt64 }
