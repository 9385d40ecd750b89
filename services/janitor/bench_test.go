package janitor

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// BenchmarkMerge replaces 40 small segments by full ones: reading, encoding again, and the transaction.
func BenchmarkMerge(b *testing.B) {
	for _, signal := range telemetry.Signals() {
		b.Run(signal.String(), func(b *testing.B) {
			const flushes, each = 40, 1000
			var spent time.Duration
			for b.Loop() {
				b.StopTimer()
				f := newFixture(b)
				shop := testbed.NewShop(1, start())
				for range flushes {
					f.flush("default", signal, shop.Payload(signal, each))
				}
				f.clock.Set(start().Add(2 * time.Hour))
				_, err := f.s.lead(b.Context())
				require.NoError(b, err)
				b.StartTimer()
				began := time.Now()
				require.NoError(b, f.s.mergeSignal(b.Context(), signal, f.s.steps()[1]))
				require.Zero(b, f.levels("default", signal)[0])
				spent += time.Since(began)
				b.StopTimer()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapSys)/(flushes*each), "heap-B/item")
				b.StartTimer()
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/(flushes*each), "ns/item")
		})
	}
}
