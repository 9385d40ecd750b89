package writer

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment"
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
		now: epoch, segmentItems: 2000, known: newKnown(1 << 20), bounds: always, homes: oneBucket, rowsSince: func(telemetry.Tenant) int64 { return math.MaxInt64 },
	})
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, 2, b.segments.Headers.Rows)
	require.Equal(t, 9, b.items)
}

// keyed is a batch of spans with 1,000 attributes each, of which no two have the same key.
func keyed(seed, spans int, at int64) *held {
	d := ptrace.NewTraces()
	list := d.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range spans {
		s := list.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{byte(seed), byte(i), 1})
		s.SetSpanID(pcommon.SpanID{byte(seed), byte(i), 1})
		s.SetStartTimestamp(pcommon.Timestamp(at))
		s.SetEndTimestamp(pcommon.Timestamp(at + 1))
		for j := range 1000 {
			s.Attributes().PutInt(fmt.Sprintf("key.%d.%d.%d", seed, i, j), int64(j))
		}
	}
	return batch("default", telemetry.Traces, testbed.TracesPayload(d), 1)
}

// TestManyKeysAreBuiltInParts: a table takes no further batch once it has many keys, since each key is a column; nothing is lost by it, and a batch
// out of time costs its neighbours nothing in whatever part it is.
func TestManyKeysAreBuiltInParts(t *testing.T) {
	t.Parallel()
	var h heavy
	p := plan{
		now: epoch, segmentItems: 2000, known: newKnown(1 << 20), heavy: &h, homes: oneBucket, rowsSince: func(telemetry.Tenant) int64 { return math.MaxInt64 },
		bounds: func(telemetry.Tenant) (least, most int64) { return 10, 100 },
	}
	b := newBuild(telemetry.Traces)
	batches := []*held{keyed(0, 20, 50), keyed(1, 20, 50), keyed(2, 20, 50), keyed(3, 20, 5), keyed(4, 20, 50), keyed(5, 1, 50)}
	for range 2 { // again with the memory of the first time
		refused, err := b.fill(batches, p)
		require.NoError(t, err)
		require.Len(t, refused, 1)
		require.Same(t, batches[3], refused[0].held)
		require.Equal(t, 81, b.items)
		require.Equal(t, 3, b.segments.Headers.Rows, "two batches, then one beside that out of time, then the rest")
		require.LessOrEqual(t, len(b.table.Keys), mostKeys)
	}
	require.True(t, h.TryLock(), "the turn is over")

	many, few := segment.NewTable("default", telemetry.Traces), segment.NewTable("default", telemetry.Traces)
	for seed := range 2 {
		_, err := many.Append(batches[seed].Payload, 1)
		require.NoError(t, err)
	}
	h.lock(few)()
	h.Unlock()
	end := h.lock(many)
	require.False(t, h.TryLock())
	end()
}

// always bounds no time.
func always(telemetry.Tenant) (least, most int64) { return math.MinInt64, math.MaxInt64 }

// oneBucket is one bucket a tenant.
func oneBucket(h *held) []telemetry.Placement { return []telemetry.Placement{h.Tenant.Placement(0, 1)} }

// TestItemsOfOneMessageAreToldApart: batches that share a message share its position too, and so their items go on counting. Where a batch holds more
// than its envelope says, it is refused, and not the next one, whose items it would be taken for.
func TestItemsOfOneMessageAreToldApart(t *testing.T) {
	t.Parallel()
	group := func(says ...int) (all []*held) {
		before := 0
		for i, n := range says {
			h := shopSpans(uint64(i+1), epoch, 3)
			h.position, h.shared, h.before, h.Items = 77, true, before, n
			before += n
			all = append(all, h)
		}
		return all
	}
	p := plan{now: epoch, segmentItems: 2000, known: newKnown(0), bounds: always, homes: oneBucket, rowsSince: func(telemetry.Tenant) int64 { return math.MaxInt64 }}
	b := newBuild(telemetry.Traces)
	refused, err := b.fill(group(3, 3, 3), p)
	require.NoError(t, err)
	require.Empty(t, refused)
	ordinals := func() []int64 { return slices.Sorted(slices.Values(b.table.Ints[segment.ColOrdinal][:b.table.N])) }
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8}, ordinals())
	require.Equal(t, slices.Repeat([]int64{77}, 9), b.table.Ints[segment.ColPosition][:9])

	lies := group(3, 2, 3)
	refused, err = b.fill(lies, p)
	require.NoError(t, err)
	require.Len(t, refused, 1)
	require.Same(t, lies[1], refused[0].held)
	require.Nil(t, refused[0].rest)
	require.Equal(t, "writer.count", fault.From(refused[0].err).Code)
	require.Equal(t, []int64{0, 1, 2, 5, 6, 7}, ordinals())
}
