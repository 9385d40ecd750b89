package bench

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// A quarter of a minute of 3,000 items a second in flushes of a quarter of a second, stored and merged, on a server that logs whole pages as any does: bytes of
// WAL and on disk an item, and how many segments a question reads. All of it is counted and none of it timed: it is the same on any machine, but for
// a page now and then.
func TestWhatStoringTakesStaysBelowItsGates(t *testing.T) {
	const flush, flushes = 750, 60
	var o options
	o.bin, o.request = testbed.PostgresBin(t), flush
	err := inTempDir("ollygate", false, nil, func(dir string) error {
		m, err := startMachine(t.Context(), o, dir)
		require.NoError(t, err)
		defer m.stop()
		from := hourAgo(0)
		for _, gate := range []struct {
			signal telemetry.Signal
			wal    float64        // bytes an item, of storing and merging
			disk   float64        // bytes an item of the tables' live rows, in pages of their own
			read   map[string]int // most segments that a question reads, of about a dozen; 0 where it is not listed
		}{
			{telemetry.Traces, 98, 36, map[string]int{
				"facet_user_24h": 13, "failed_slow": 8, "failed_slow_rare": 3, "newest": 3, "service_newest": 8, "errors_newest": 3,
				"trace_by_id": 3, "user_newest": 6, "rare_attribute": 13,
			}},
		} {
			in := newStream(gate.signal, flush*flushes, flush, window24{from, from.Add(time.Hour)}, from.Add(15*time.Second))
			r := &requests{signal: gate.signal}
			for payload, n := in.next(); n > 0; payload, n = in.next() {
				r.add(payload, n)
			}
			require.NoError(t, in.planted.all())
			c, err := m.compact(t.Context(), shape{name: gate.signal.String(), requests: r, each: true})
			require.NoError(t, err)
			last := c.levels[len(c.levels)-1]
			var wal int64
			for _, l := range c.levels {
				wal += l.wal
			}
			t.Logf("%s: %.1f B of WAL (%.1f to store), %.1f B on disk, %d segments", gate.signal, last.each(wal), last.each(c.levels[0].wal), last.packed, last.segments)
			require.LessOrEqual(t, last.each(wal), gate.wal, "%s: WAL an item", gate.signal)
			require.LessOrEqual(t, last.packed, gate.disk, "%s: bytes an item on disk", gate.signal)

			s := &sides{machine: m, client: &http.Client{}, filled: in.planted.filled}
			q, err := s.startQuery(t.Context(), "query", nil, m.pg.URL(gate.signal.String()))
			require.NoError(t, err)
			for _, ask := range storeQuestions(gate.signal, s.filled) {
				a, err := ask.segments(t.Context(), asked{s, q.base}, 0)
				require.NoError(t, err)
				require.NoError(t, a.read())
				t.Logf("%s %s: %d results, %d segments, %d bytes", gate.signal, ask.name, len(a.items), a.segmentsRead, a.bytes)
				require.LessOrEqual(t, a.segmentsRead, gate.read[ask.name], "%s: segments read", ask.name)
			}
			q.process.stop()
		}
		return nil
	})
	require.NoError(t, err)
}
