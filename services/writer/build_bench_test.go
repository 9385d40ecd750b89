package writer

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// BenchmarkBuild makes flushes of 8,000 items ready for PostgreSQL; ns/item is the figure.
func BenchmarkBuild(b *testing.B) {
	const batches, items = 8, 1000
	shop := testbed.NewShop(1, epoch.Add(-10*time.Minute))
	flushes := map[telemetry.Signal][]*held{}
	for range batches {
		flushes[telemetry.Traces] = append(flushes[telemetry.Traces], batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(items)), items))
		flushes[telemetry.Logs] = append(flushes[telemetry.Logs], batch("default", telemetry.Logs, testbed.LogsPayload(shop.Logs(items)), items))
		flushes[telemetry.Metrics] = append(flushes[telemetry.Metrics], batch("default", telemetry.Metrics, testbed.MetricsPayload(shop.Metrics(items)), items))
	}
	for _, signal := range telemetry.Signals() {
		for name, since := range map[string]int64{"segments": math.MaxInt64, "segments and rows": math.MinInt64} {
			b.Run(signal.String()+"/"+name, func(b *testing.B) {
				build := newBuild(signal)
				p := plan{now: epoch, segmentItems: 2000, known: newKnown(1 << 20), bounds: always, homes: oneBucket, rowsSince: func(telemetry.Tenant) int64 { return since }}
				_, err := build.fill(flushes[signal], p) // buffers grow
				require.NoError(b, err)
				p.known.add(build.dims.pending, build.dims.now)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := build.fill(flushes[signal], p); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batches*items), "ns/item")
			})
		}
	}
}
