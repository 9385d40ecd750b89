package bench

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// 25 seconds of 3,000 items a second in flushes of a quarter of a second, stored, merged and folded, on a server that logs whole pages as any does: bytes of
// WAL and on disk an item, and how many segments a question reads. All of it is counted and none of it timed. The data are the same to the last byte but
// for their day, and so is what is logged but for a page or two: partitions and dimensions are there, no page waits for its hint bits, and no checkpoint comes
// between storing and merging.
func TestWhatStoringTakesStaysBelowItsGates(t *testing.T) {
	t.Parallel()
	const flush, flushes = 750, 100
	var o options
	o.bin, o.request = testbed.PostgresBin(t), flush
	err := inTempDir("ollygate", false, nil, func(dir string) error {
		m, err := startMachine(t.Context(), o, dir)
		require.NoError(t, err)
		defer m.stop()
		// A day that is over, so that at any time of today its hours are folded, and the day itself.
		from := time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)
		for _, gate := range []struct {
			signal telemetry.Signal
			wal    float64        // bytes an item, of storing and merging
			disk   float64        // bytes an item of the tables' live rows, in pages of their own; the four pages of an index by time alone are 0.7 of it
			read   map[string]int // most segments that a question reads, of about a dozen; 0 where it is not listed
			pages  map[string]int // most KiB of pages that PostgreSQL reads for it, of connections that are ready, with nothing in its buffers; of services, operations and maps 30 for since when there are data
		}{
			{telemetry.Traces, 75, 32.5, map[string]int{
				"facet_user_24h": 20, "failed_slow": 7, "failed_slow_rare": 2, "newest": 3, "service_newest": 7, "errors_newest": 3,
				"trace_by_id": 2, "user_newest": 7, "rare_attribute": 18,
			}, map[string]int{
				"services_24h": 170, "services_1h": 135, "operations_24h": 170, "map_24h": 205, "map_1h": 135, "facet_route_24h": 150, "facet_user_24h": 660,
				"count_by_service_24h": 150, "failed_slow": 1150, "failed_slow_rare": 330, "newest": 310, "service_newest": 620, "errors_newest": 350,
				"trace_by_id": 350, "absent_trace": 190, "user_newest": 790, "rare_attribute": 1650, "absent_attribute": 150,
			}},
			{telemetry.Logs, 92, 45.5, map[string]int{
				"newest": 3, "service_newest": 3, "errors_newest": 3, "rare_word": 19, "rare_part": 19, "absent_word": 19,
			}, map[string]int{
				"newest": 500, "service_newest": 500, "errors_newest": 500, "rare_word": 2800, "rare_part": 2900, "absent_word": 2150, "count_by_service_24h": 140,
			}},
			{telemetry.Metrics, 22.5, 10.5, map[string]int{
				"catalogue_24h": 19, "chart_1h": 3, "chart_24h": 3,
			}, map[string]int{
				"catalogue_24h": 520, "chart_1h": 520, "chart_24h": 520,
			}},
		} {
			w := window24{from, from.Add(2 * time.Hour)} // a chart is of the hour before the last
			in := newStream(1, gate.signal, flush*flushes, flush, w, from.Add(25*time.Second))
			r := &requests{signal: gate.signal}
			for payload, n := in.next(); n > 0; payload, n = in.next() {
				r.add(payload, n)
			}
			require.Len(t, r.batches, flushes)
			require.NoError(t, in.planted.all())
			c, err := m.compact(t.Context(), shape{name: gate.signal.String(), requests: r, each: true, steady: from})
			require.NoError(t, err)
			last := c.levels[len(c.levels)-1]
			var wal int64
			for _, l := range c.levels {
				wal += l.wal
			}
			t.Logf("%s: %.2f B of WAL (%.2f to store), %.2f B on disk, %d segments", gate.signal, last.each(wal), last.each(c.levels[0].wal), last.packed, last.segments)
			require.Equal(t, flushes, c.levels[0].segments)
			require.LessOrEqual(t, last.each(wal), gate.wal, "%s: WAL an item", gate.signal)
			require.LessOrEqual(t, last.packed, gate.disk, "%s: bytes an item on disk", gate.signal)

			s := &sides{machine: m, client: &http.Client{}, filled: in.planted.filled}
			// It remembers nothing of segments: what a question reads again is what it would read after a long time.
			q, err := s.startQuery(t.Context(), "query", nil, m.pg.URL(gate.signal.String()), "--header-cache", "0", "--fresh-cache", "0")
			require.NoError(t, err)
			require.NoError(t, m.untilReady(t.Context(), gate.signal.String()))
			for _, ask := range storeQuestions(gate.signal, s.filled) {
				a, err := ask.segments(t.Context(), asked{s, q.base}, 0)
				require.NoError(t, err)
				require.NoError(t, a.read())
				t.Logf("%s %s: %d results, %d segments, %d bytes", gate.signal, ask.name, len(a.items), a.segmentsRead, a.bytes)
				require.LessOrEqual(t, a.segmentsRead, gate.read[ask.name], "%s: segments read", ask.name)

				// What else reads pages meanwhile, as a connection that is made ready does on a machine with much else to do, only adds to a question's.
				least := int64(math.MaxInt64)
				for tries := 0; tries < 5 && least > int64(gate.pages[ask.name]); tries++ {
					require.NoError(t, m.evict(t.Context()))
					again, err := ask.segments(t.Context(), asked{s, q.base}, 0)
					require.NoError(t, err)
					require.NoError(t, again.read())
					pages, catalogue, err := m.pages(t.Context(), gate.signal.String())
					require.NoError(t, err)
					t.Logf("%s %s: %d KiB needed, %d of pages, %d of the catalogue", gate.signal, ask.name, again.bytes/1024, pages/1024, catalogue/1024)
					least = min(least, (pages-catalogue)/1024)
				}
				require.LessOrEqual(t, least, int64(gate.pages[ask.name]), "%s: KiB of pages", ask.name)
			}
			q.process.stop()
		}
		return nil
	})
	require.NoError(t, err)
}
