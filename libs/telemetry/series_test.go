package telemetry_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// seriesOf are the hashes that SiftSeries gives of a request's points.
func seriesOf(t *testing.T, payload []byte) (list []uint64) {
	t.Helper()
	a, err := telemetry.Admit(telemetry.Metrics, payload, window())
	require.NoError(t, err)
	require.Positive(t, a.Items)
	a.SiftSeries(1, func(series uint64) bool { list = append(list, series); return true })
	require.Zero(t, a.Refused())
	for p := range a.Parts(1) {
		require.Equal(t, payload, p.Payload)
		require.Nil(t, p.Ordinals, "what stays whole is as it was")
	}
	return list
}

// Two points are of one series for admission where storage gives them one series id.
func TestSeriesAreToldApartAsStorageTellsThem(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		payload := request(t, telemetry.Metrics, seed%5, 1+int(seed%3), 1+int(seed%2), 12)
		hashes := seriesOf(t, payload)
		table := segment.NewTable("default", telemetry.Metrics)
		n, err := table.Append(payload, 1)
		require.NoError(t, err)
		require.Len(t, hashes, n)
		byHash, byID := map[uint64]int64{}, map[int64]uint64{}
		for row, hash := range hashes {
			id := table.Series[table.Ints[segment.ColSeries][row]].ID
			if have, ok := byHash[hash]; ok {
				require.Equal(t, have, id)
			}
			if have, ok := byID[id]; ok {
				require.Equal(t, have, hash)
			}
			byHash[hash], byID[id] = id, hash
		}
	}
}

// points is a request with a point of a kind for each change, all of which would be of one series.
func points(t *testing.T, changes ...func(pmetric.ResourceMetrics)) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	for _, change := range changes {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.SetSchemaUrl("https://opentelemetry.io/schemas/1.37.0")
		rm.Resource().Attributes().PutStr("service.name", "cart")
		rm.Resource().Attributes().PutStr("zone", "b")
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName("lib")
		m := sm.Metrics().AppendEmpty()
		m.SetName("orders")
		m.SetUnit("1")
		m.SetDescription("so many")
		sum := m.SetEmptySum()
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		sum.SetIsMonotonic(true)
		p := sum.DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.Timestamp(now))
		p.SetIntValue(7)
		p.Attributes().PutStr("route", "/cart")
		p.Attributes().PutInt("status", 200)
		change(rm)
	}
	b, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	require.NoError(t, err)
	return b
}

func TestWhatMakesASeries(t *testing.T) {
	t.Parallel()
	metric := func(rm pmetric.ResourceMetrics) pmetric.Metric { return rm.ScopeMetrics().At(0).Metrics().At(0) }
	point := func(rm pmetric.ResourceMetrics) pmetric.NumberDataPoint { return metric(rm).Sum().DataPoints().At(0) }
	same := []func(pmetric.ResourceMetrics){
		func(pmetric.ResourceMetrics) {},
		func(rm pmetric.ResourceMetrics) { point(rm).SetDoubleValue(1.5) },
		func(rm pmetric.ResourceMetrics) { point(rm).SetTimestamp(pcommon.Timestamp(now - 5)) },
		func(rm pmetric.ResourceMetrics) { point(rm).SetStartTimestamp(3) },
		func(rm pmetric.ResourceMetrics) { point(rm).Exemplars().AppendEmpty().SetIntValue(3) },
		func(rm pmetric.ResourceMetrics) { metric(rm).SetDescription("another") },
		func(rm pmetric.ResourceMetrics) { metric(rm).Metadata().PutStr("a", "b") },
		func(rm pmetric.ResourceMetrics) {
			point(rm).Attributes().Clear()
			point(rm).Attributes().PutInt("status", 200)
			point(rm).Attributes().PutStr("route", "/cart")
		},
		func(rm pmetric.ResourceMetrics) {
			rm.Resource().Attributes().Clear()
			rm.Resource().Attributes().PutStr("zone", "b")
			rm.Resource().Attributes().PutStr("service.name", "cart")
		},
	}
	for i, hash := range seriesOf(t, points(t, same...)) {
		require.Equal(t, seriesOf(t, points(t, same[0]))[0], hash, i)
	}
	others := []func(pmetric.ResourceMetrics){
		same[0],
		func(rm pmetric.ResourceMetrics) { point(rm).Attributes().PutInt("status", 201) },
		func(rm pmetric.ResourceMetrics) { point(rm).Attributes().PutStr("status", "200") },
		func(rm pmetric.ResourceMetrics) { point(rm).Attributes().Remove("route") },
		func(rm pmetric.ResourceMetrics) { point(rm).Attributes().PutStr("more", "") },
		func(rm pmetric.ResourceMetrics) { metric(rm).SetName("order") },
		func(rm pmetric.ResourceMetrics) { metric(rm).SetUnit("s") },
		func(rm pmetric.ResourceMetrics) { metric(rm).Sum().SetIsMonotonic(false) },
		func(rm pmetric.ResourceMetrics) {
			metric(rm).Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		},
		func(rm pmetric.ResourceMetrics) {
			p := pmetric.NewNumberDataPoint()
			point(rm).CopyTo(p)
			p.CopyTo(metric(rm).SetEmptyGauge().DataPoints().AppendEmpty())
		},
		func(rm pmetric.ResourceMetrics) { rm.ScopeMetrics().At(0).Scope().SetVersion("2") },
		func(rm pmetric.ResourceMetrics) { rm.ScopeMetrics().At(0).Scope().Attributes().PutStr("a", "b") },
		func(rm pmetric.ResourceMetrics) { rm.Resource().Attributes().PutStr("zone", "c") },
		func(rm pmetric.ResourceMetrics) { rm.SetSchemaUrl("") },
	}
	seen := map[uint64]int{}
	for i, hash := range seriesOf(t, points(t, others...)) {
		before, ok := seen[hash]
		require.False(t, ok, "%d is taken for %d", i, before)
		seen[hash] = i
	}
}

// However points that are left out lie, to know them takes little beside the request.
func TestWhatSiftedSeriesTake(t *testing.T) { //nolint:paralleltest // measures the memory of the process
	stamped := otlp.AppendTag(nil, otlp.NumberDataPointTimeUnixNano)
	stamped = binary.LittleEndian.AppendUint64(stamped, uint64(now))
	one := otlp.AppendBytes(nil, otlp.DataPoints, stamped)
	other := otlp.AppendBytes(nil, otlp.DataPoints, otlp.AppendBytes(stamped, otlp.NumberDataPointAttributes, ""))
	payload := bytes.Repeat(slices.Concat(one, other), 200_000)
	for _, tag := range []otlp.Tag{otlp.MetricGauge, otlp.ScopeItemsItems, otlp.ResourceItemsScopeItems, otlp.ExportResourceItems} {
		payload = otlp.AppendBytes(nil, tag, payload)
	}
	limits := window()
	limits.PartBytes, limits.MaxBytes = 1<<20, 8<<20
	a, err := telemetry.Admit(telemetry.Metrics, payload, limits)
	require.NoError(t, err)
	require.Equal(t, 400_000, a.Items)
	copies := a.Copies()
	var before, after runtime.MemStats
	n := 0
	runtime.ReadMemStats(&before)
	a.SiftSeries(1, func(uint64) bool { n++; return n%2 == 0 })
	runtime.ReadMemStats(&after)
	require.Equal(t, 200_000, a.Items)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(payload)/50))
	require.GreaterOrEqual(t, a.Copies()-copies, 400_000/8, "it is counted")
	for p := range a.Parts(1) {
		a.Items -= p.Items
	}
	require.Zero(t, a.Items)
}

// What stays is what was there, each once and under its ordinal, however it is cut into parts.
func TestWhatStaysOfSiftedSeries(t *testing.T) {
	t.Parallel()
	parts, shares := []int{0, 4 << 10}, []int{1, 2, 3, 700}
	for i := range testbed.Some(len(parts) * len(shares)) {
		part, every := parts[i/len(shares)], shares[i%len(shares)]
		t.Run(fmt.Sprintf("part=%d, every=%d", part, every), func(t *testing.T) {
			t.Parallel()
			limits := window()
			limits.PartBytes, limits.MaxBytes = part, 1<<20
			payload := request(t, telemetry.Metrics, 3, 2, 2, 600)
			before, err := telemetry.Admit(telemetry.Metrics, payload, limits)
			require.NoError(t, err)
			a, err := telemetry.Admit(telemetry.Metrics, payload, limits)
			require.NoError(t, err)
			n := 0
			var asked, told []uint64
			a.SiftSeries(5, func(series uint64) bool { n++; asked = append(asked, series); return n%every != 0 })
			require.Equal(t, before.Items, n)
			require.Equal(t, before.Items/every, a.Rejected[telemetry.SeriesLimit])
			require.Equal(t, before.Items, a.Items+a.Refused())
			var all telemetry.Ordinals
			items := 0
			for p := range a.Parts(1) {
				items += p.Items
				have := p.Ordinals
				if have == nil {
					have = telemetry.FirstOrdinals(p.Items)
				}
				require.LessOrEqual(t, len(have), 256)
				require.Equal(t, p.Items, have.Count())
				require.Empty(t, all.Both(have))
				all = all.Union(have)
				check, err := telemetry.Check(telemetry.Metrics, p.Payload, window())
				require.NoError(t, err)
				require.Equal(t, p.Items, check.Items)
				require.Equal(t, telemetry.Cut(telemetry.Metrics, payload, telemetry.FirstOrdinals(before.Items), have), p.Payload)
			}
			require.Equal(t, a.Items, items)
			a.EachSeries(func(series uint64) { told = append(told, series) })
			require.Equal(t, asked, told)
		})
	}
}
