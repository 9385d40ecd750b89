package query

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
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
					_, err := f.db.Pool.Exec(t.Context(), `DELETE FROM `+segmentsOf(signal)+` WHERE tenant_id = 'default' AND min_position = $1`, 2+2*merged)
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

// spansOf are how many spans a search finds, over all of its pages.
func (f *fixture) spansOf(from, to int64, filters string) (found int, read int) {
	f.t.Helper()
	s := searchBody{from: time.Unix(0, from).UTC(), to: time.Unix(0, to).UTC(), filters: filters, limit: 40}
	for last := ""; ; {
		var page api.SpanPage
		f.search("spans", s, &page)
		found += len(page.Spans)
		read += page.Stats.SegmentsRead
		for _, span := range page.Spans {
			require.True(f.t, last == "" || span.StartTimeUnixNano <= last, "newest first")
			last = span.StartTimeUnixNano
		}
		if s.cursor = page.Pagination.NextCursor; !page.Pagination.HasMore {
			return found, read
		}
	}
}

// What is not merged is found by what is remembered of it, and settled segments beside it, whatever comes and is merged in between.
func TestSearchesBesideWhatIsNotMergedFindAll(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	forgets := f.with(func(c *Config) { c.FreshCache = 0 })
	little := f.with(func(c *Config) { c.FreshCache = 6 << 10 })
	rnd := rand.New(rand.NewPCG(6, 1))
	begin, span := base().Add(-2*time.Hour).UnixNano(), int64(2*time.Hour)
	var all []plainItem
	var flushes [][]plainItem
	merged := 0
	for n := range 40 {
		var list []plainItem
		since, length := begin+rnd.Int64N(span), int64(1e9)
		if n%4 == 0 {
			since, length = begin, span
		}
		for range 1 + rnd.IntN(9) {
			list = append(list, plainItem{
				at: since + rnd.Int64N(length), service: []string{"cart", "pay", "mail"}[rnd.IntN(3)], route: fmt.Sprint("/", rnd.IntN(5)), user: fmt.Sprint(rnd.IntN(60)), level: 1 + rnd.Int64N(4),
			})
		}
		all, flushes = append(all, list...), append(flushes, list)
		f.position |= 1
		f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, list), 1000)
		if rnd.IntN(3) == 0 {
			_, err := f.db.Pool.Exec(t.Context(), `DELETE FROM spans_segment WHERE tenant_id = 'default' AND min_position = $1`, 2+2*merged)
			require.NoError(t, err)
			before := f.position
			f.position &^= 1
			f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, flushes[merged]), 2)
			f.position = before
			merged++
		}
		if n%4 > 0 {
			continue
		}
		from := begin + rnd.Int64N(span)
		to := from + 1 + rnd.Int64N(span)
		if rnd.IntN(2) == 0 {
			from, to = begin, begin+span
		}
		from, to = from-from%1e9, to-to%1e9 // a search tells its range in seconds
		user := fmt.Sprint(rnd.IntN(60))
		for filters, meets := range map[string]func(*plainItem) bool{
			`[{"field":"service","operator":"eq","value":"cart"}]`:                                                      func(it *plainItem) bool { return it.service == "cart" },
			`[{"field":"attributes.user","operator":"eq","value":"` + user + `"}]`:                                      func(it *plainItem) bool { return it.user == user },
			`[{"field":"service","operator":"eq","value":"pay"},{"field":"duration","operator":"gte","value":1000000}]`: func(it *plainItem) bool { return it.service == "pay" },
			`[{"field":"attributes.user","operator":"eq","value":"nobody"}]`:                                            func(*plainItem) bool { return false },
			`[{"field":"status","operator":"eq","value":"error"}]`:                                                      func(*plainItem) bool { return false },
			`[{"field":"root","operator":"eq","value":true}]`:                                                           func(*plainItem) bool { return true },
		} {
			want := 0
			for i := range all {
				if all[i].at >= from && all[i].at < to && meets(&all[i]) {
					want++
				}
			}
			for kind, some := range map[string]*fixture{"remembers": f, "remembers little": little, "remembers nothing": forgets} {
				found, _ := some.spansOf(from, to, filters)
				require.Equal(t, want, found, "%s: %s, %d to %d of %d", kind, filters, from-begin, to-begin, span)
			}
		}
	}
	require.Positive(t, merged)
}

// Who looks again for what is not there asks nothing of the headers that it looked at; of more than it reads at a time, SQL tells.
func TestLookingAgainReadsNoHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	store := func(items, first int) {
		var list []plainItem
		for i := range items {
			list = append(list, plainItem{at: base().Add(time.Duration(first+i) * 100 * time.Millisecond).UnixNano(), service: "cart", user: fmt.Sprint(first + i), level: 2})
		}
		f.position |= 1
		f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, list), 1)
	}
	nobody, somebody := `[{"field":"attributes.user","operator":"eq","value":"nobody"}]`, `[{"field":"attributes.user","operator":"eq","value":"17"}]`
	from, to := base().UnixNano(), base().Add(30*time.Minute).UnixNano()
	look := func(filters string, want int) (read int) {
		found, read := f.spansOf(from, to, filters)
		require.Equal(t, want, found)
		return read
	}
	store(60, 0)
	require.Zero(t, look(nobody, 0))
	require.Equal(t, 1, look(somebody, 1))
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE spans_segment SET token_filter = ''`) // of which everything passes
	require.NoError(t, err)
	require.Zero(t, look(nobody, 0))
	require.Equal(t, 1, look(somebody, 1))
	store(4200, 1000)
	require.Equal(t, 60, look(nobody, 0), "SQL asks the filters that are there")
	require.Equal(t, 60, look(somebody, 1))
}
