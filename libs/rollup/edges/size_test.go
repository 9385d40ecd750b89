package edges

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// shopHour is the parts of an hour of a shop, a merge for each minute, and how many spans are in it.
func shopHour(t testing.TB, start int64, step time.Duration) (s *store, spans int) {
	t.Helper()
	s = &store{t: t}
	shop := testbed.NewShop(uint64(start), time.Unix(0, start)).Every(step)
	for minute := start + int64(time.Minute); shop.Now().UnixNano() < start+int64(time.Hour); minute += int64(time.Minute) {
		table := segment.NewTable("default", telemetry.Traces)
		for shop.Now().UnixNano() < minute {
			_, err := table.Append(testbed.TracesPayload(shop.Traces(50)), 1)
			require.NoError(t, err)
		}
		for _, rows := range table.Slices(1 << 20) {
			at := telemetry.Grain(table.Ints[segment.ColTime][rows[0]], time.Hour)
			s.put(rollup.Part, at)(Kind().Collect(table, at, rows))
		}
		spans += table.N
	}
	return s, spans
}

// TestEdgesTakeFewBytes holds what a span of a shop costs until its hour is folded, and afterwards.
func TestEdgesTakeFewBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step                 time.Duration // 15 spans each
		part, total, minutes float64       // bytes a span at most
	}{
		{step: 3 * time.Second, part: 7.5, total: 0.25, minutes: 0.8},
		{step: 500 * time.Millisecond, part: 5.5, total: 0.1, minutes: 0.5},
	} {
		s, spans := shopHour(t, day(), c.step)
		part := 0
		for _, r := range s.rows {
			part += len(r.Minutes)
		}
		s.foldHour(day(), false)
		total, minutes := 0, 0
		for _, r := range s.rows {
			if r.Start == day() {
				total, minutes = total+len(r.Total), minutes+len(r.Minutes)
			}
		}
		of := func(n int) float64 { return float64(n) / float64(spans) }
		t.Logf("%d spans an hour: %.2f B a span in parts; folded %.2f B whole, %.2f B by minutes", spans, of(part), of(total), of(minutes))
		require.Less(t, of(part), c.part)
		require.Less(t, of(total), c.total)
		require.Less(t, of(minutes), c.minutes)
	}
}

// BenchmarkADay is a question about 24 hours, of which the last is in parts.
func BenchmarkADay(b *testing.B) {
	all := &store{t: b}
	spans := 0
	for h := range int64(24) {
		s, n := shopHour(b, day()+h*int64(time.Hour), 2*time.Second)
		spans += n
		all.rows = append(all.rows, s.rows...)
		if h < 22 {
			all.foldHour(day()+h*int64(time.Hour), false)
		}
	}
	b.ReportMetric(float64(spans), "spans")
	b.ResetTimer()
	for b.Loop() {
		c := New()
		for _, r := range all.rows {
			all.add(c, r, day(), day()+24*int64(time.Hour))
		}
		_, err := c.Edges(b.Context(), day(), day()+24*int64(time.Hour))
		require.NoError(b, err)
	}
}

func BenchmarkCollect(b *testing.B) {
	shop := testbed.NewShop(1, time.Unix(0, day()))
	table := segment.NewTable("default", telemetry.Traces)
	_, err := table.Append(testbed.TracesPayload(shop.Traces(50_000)), 1)
	require.NoError(b, err)
	rows := table.Slices(1 << 20)[0]
	for b.Loop() {
		_, err := Kind().Collect(table, day(), rows)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/span")
}
