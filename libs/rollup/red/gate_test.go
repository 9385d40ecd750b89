package red

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// shopHour is an hour of a shop's spans as rows: the parts of its minutes, and the hour that they are folded to. The shop makes a thousand spans a
// second; they are spread evenly over the hour.
func shopHour(t testing.TB, spans int) (parts, folded []*rollup.Row) {
	t.Helper()
	shop := testbed.NewShop(1, time.Unix(0, hour()))
	table := segment.NewTable("default", telemetry.Traces)
	done := 0
	flush := func() {
		rows := make([]uint32, table.N)
		for i := range rows {
			rows[i] = uint32(i)
		}
		contents, err := collect(table, hour(), rows)
		require.NoError(t, err)
		parts = append(parts, rowsOf(hour(), contents)...)
		table.Reset()
	}
	for minute := range 60 {
		n := spans*(minute+1)/60 - done
		_, err := table.Append(shop.Payload(telemetry.Traces, n), 1)
		require.NoError(t, err)
		times := table.Ints[segment.ColTime]
		for i := range times {
			times[i] = hour() + int64(minute)*int64(time.Minute) + int64(i)*int64(time.Minute)/int64(len(times))
		}
		flush()
		done += n
	}
	contents, err := fold(rollup.Hour, hour(), false, func(yield func(*rollup.Row, error) bool) {
		sorted := slices.Clone(parts)
		slices.SortStableFunc(sorted, func(a, b *rollup.Row) int { return slices.Compare(a.Low, b.Low) })
		for _, r := range sorted {
			if !yield(r, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	return parts, rowsOf(hour(), contents)
}

func bytesOf(rows []*rollup.Row) (total, minutes int) {
	for _, r := range rows {
		total += len(r.Total)
		minutes += len(r.Minutes)
	}
	return total, minutes
}

// What a rollup takes of a shop with 17 services and 110 operations, in bytes a span: parts, which go when the hour is folded, and what stays. Held to what
// it is and a tenth; the same bytes each time.
func TestBytesASpan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spans               int // an hour
		part, total, minute float64
	}{
		{3_600, 9.9, 0.95, 2.3},   // one a second
		{41_700, 2.25, 0.26, 1.1}, // 1 M a day
	} {
		parts, folded := shopHour(t, c.spans)
		_, part := bytesOf(parts)
		total, minutes := bytesOf(folded)
		a := func(bytes int) float64 { return float64(bytes) / float64(c.spans) }
		t.Logf("%d spans an hour: %.2f B a span in %d parts; settled %.2f B, of which whole %.2f", c.spans, a(part), len(parts), a(total+minutes), a(total))
		require.LessOrEqual(t, a(part), c.part, "parts of %d spans", c.spans)
		require.LessOrEqual(t, a(total), c.total, "whole, %d spans", c.spans)
		require.LessOrEqual(t, a(minutes), c.minute, "minutes, %d spans", c.spans)
	}
}

// An hour of 10 M spans a day, as a reader sums it up: whole, and by minutes.
func BenchmarkRead(b *testing.B) {
	_, folded := shopHour(b, 417_000)
	for name, blob := range map[string]func(*rollup.Row) []byte{
		"whole":   func(r *rollup.Row) []byte { return r.Total },
		"minutes": func(r *rollup.Row) []byte { return r.Minutes },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var c Chunk
			for b.Loop() {
				sums := map[string]*Sum{}
				for _, r := range folded {
					require.NoError(b, c.Decode(blob(r)))
					for i := range c.Services {
						s := sums[c.Services[i].Name]
						if s == nil {
							s = &Sum{}
							sums[c.Services[i].Name] = s
						}
						for k := range c.Services[i].Operations {
							for j := range c.Services[i].Operations[k].Cells {
								s.AddCell(&c.Services[i].Operations[k].Cells[j])
							}
						}
					}
				}
			}
		})
	}
}

// What counting costs a merge.
func BenchmarkCollect(b *testing.B) {
	table := segment.NewTable("default", telemetry.Traces)
	_, err := table.Append(testbed.NewShop(1, time.Unix(0, hour())).Payload(telemetry.Traces, 20_000), 1)
	require.NoError(b, err)
	rows := make([]uint32, table.N)
	for i := range rows {
		rows[i] = uint32(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := collect(table, hour(), rows)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(table.N), "ns/span")
}
