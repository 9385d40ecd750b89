package query

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// What segments come to that sums do not tell of is remembered, and counts are those of who remembers nothing: while others come, while some are merged, for
// whatever range, and where the budget cuts them.
func TestWhatIsRememberedOfCountsChangesNoFigure(t *testing.T) {
	t.Parallel()
	for _, signal := range []telemetry.Signal{telemetry.Traces, telemetry.Logs} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			forgets := f.with(func(c *Config) { c.FreshCache = 0 })
			little := f.with(func(c *Config) { c.FreshCache = 12 << 10 })
			poor := f.with(func(c *Config) { c.ScanBudget = 20 })
			rnd := rand.New(rand.NewPCG(5, uint64(signal)))
			begin, span := base().Add(-3*time.Hour).UnixNano(), int64(3*time.Hour)
			var flushes [][]plainItem
			merged, cut := 0, 0
			for n := range 36 {
				var list []plainItem
				since, length := begin+rnd.Int64N(span), int64(1e9)
				if n%4 == 0 {
					since, length = begin, span
				}
				items := 1 + rnd.IntN(6)
				if n%3 == 0 {
					items += 60 // whose users no head tells
				}
				for range items {
					list = append(list, plainItem{
						at: since + rnd.Int64N(length), service: []string{"cart", "pay"}[rnd.IntN(2)], route: fmt.Sprint("/", rnd.IntN(5)), user: fmt.Sprint(rnd.IntN(400)), level: 1 + rnd.Int64N(4),
					})
				}
				flushes = append(flushes, list)
				f.position |= 1 // so that they are of level 0
				f.store("default", signal, payloadOfItems(signal, list), 1000)
				if rnd.IntN(3) == 0 { // the oldest are merged
					_, err := f.db.Pool.Exec(t.Context(), `DELETE FROM `+segmentsOf(signal)+` WHERE tenant_id = 'default' AND min_position = $1`, 2+4*merged)
					require.NoError(t, err)
					before := f.position
					f.position &^= 1
					f.store("default", signal, payloadOfItems(signal, flushes[merged]), 1000)
					f.position = before
					merged++
				}
				if n%3 > 0 {
					continue
				}
				from := begin + rnd.Int64N(span)
				to := from + 1 + rnd.Int64N(span)
				switch rnd.IntN(3) {
				case 0:
					from, to = begin, begin+span
				case 1:
					from, to = begin-begin%int64(time.Hour), begin+2*span // whole hours
				}
				for _, name := range []facetName{{"attributes", "route"}, {"attributes", "user"}, {"field", "service"}} {
					want := forgets.countsOf(signal, name, from, to)
					for kind, some := range map[string]*fixture{"remembers": f, "remembers little": little} {
						got := some.countsOf(signal, name, from, to)
						require.Equal(t, want.Items, got.Items, "%s: %v, %d to %d of %d", kind, name, from-begin, to-begin, span)
						require.Equal(t, want.Values, got.Values, "%s: %v, %d to %d of %d", kind, name, from-begin, to-begin, span)
						require.Equal(t, want.Stats.SegmentsRead+want.Stats.SegmentsPruned, got.Stats.SegmentsRead+got.Stats.SegmentsPruned)
					}
					// What was remembered is older than the cut, newer, or across it.
					got := poor.countsOf(signal, name, from, to)
					since := from
					if got.Incomplete != nil {
						cut++
						since = int64(number64(t, got.Incomplete.Since))
					}
					want = forgets.countsOf(signal, name, since, to)
					require.Equal(t, want.Items, got.Items, "cut: %v, since %d, %d to %d of %d", name, since-begin, from-begin, to-begin, span)
					require.Equal(t, want.Values, got.Values)
				}
			}
			require.Positive(t, merged)
			require.Positive(t, cut)
		})
	}
}

func segmentsOf(signal telemetry.Signal) string {
	return map[telemetry.Signal]string{telemetry.Traces: "spans_segment", telemetry.Logs: "logs_segment"}[signal]
}

// Who counts again reads neither heads nor bodies of what it counted before, settled or not; only of what came since.
func TestCountingAgainReadsNoHead(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.HeaderCache = 0 })
	flush := func(second int) {
		f.position |= 1
		at := base().Add(time.Duration(second) * time.Second).UnixNano()
		f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, []plainItem{{at: at, service: "cart", route: "/", user: fmt.Sprint(second), level: 2}}), 100)
	}
	for i := range 30 { // three minutes
		flush(6 * i)
	}
	var settled []plainItem
	for i := range 400 {
		settled = append(settled, plainItem{at: base().Add(10*time.Minute + time.Duration(i)*time.Second).UnixNano(), service: "pay", route: "/", user: "u", level: 1})
	}
	f.position &^= 1
	f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, settled), 20)
	from, to := base().UnixNano(), base().Add(40*time.Minute).UnixNano() // of an hour that it cuts
	names := []facetName{{"attributes", "route"}, {"attributes", "user"}, {"field", "service"}}
	first := make([]int64, len(names))
	for i, name := range names {
		first[i] = f.countsOf(telemetry.Traces, name, from, to).Items
		require.EqualValues(t, 430, first[i])
	}
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE spans_segment SET directory = '\x00'`)
	require.NoError(t, err)
	for _, name := range names {
		require.EqualValues(t, 430, f.countsOf(telemetry.Traces, name, from, to).Items)
	}
	flush(179)
	require.EqualValues(t, 431, f.countsOf(telemetry.Traces, names[0], from, to).Items)
	flush(700)
	require.EqualValues(t, 432, f.countsOf(telemetry.Traces, names[0], from, to).Items)
}
