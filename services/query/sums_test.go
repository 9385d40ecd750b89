package query

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// plainItem is a span or log record as far as counts tell of it.
type plainItem struct {
	at                   int64
	service, route, user string
	level                int64 // kind or severity
}

func payloadOfItems(signal telemetry.Signal, list []plainItem) []byte {
	td, ld := ptrace.NewTraces(), plog.NewLogs()
	for i, it := range list {
		attributes := func(m pcommon.Map) {
			m.PutStr("route", it.route)
			m.PutStr("user", it.user)
		}
		if signal == telemetry.Logs {
			rl := ld.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", it.service)
			r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			r.SetTimestamp(pcommon.Timestamp(it.at))
			r.SetSeverityNumber(plog.SeverityNumber(it.level))
			attributes(r.Attributes())
			continue
		}
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", it.service)
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, byte(i >> 8), byte(i)})
		s.SetSpanID(pcommon.SpanID{1, byte(i >> 8), byte(i)})
		s.SetName("x")
		s.SetKind(ptrace.SpanKind(it.level))
		s.SetStartTimestamp(pcommon.Timestamp(it.at))
		s.SetEndTimestamp(pcommon.Timestamp(it.at + 1e6))
		attributes(s.Attributes())
	}
	if signal == telemetry.Logs {
		return testbed.LogsPayload(ld)
	}
	return testbed.TracesPayload(td)
}

// ofItem is what an item has by what it can be counted by, as JSON.
func (it *plainItem) of(name facetName) string {
	switch name.key {
	case "route":
		return `{"stringValue":` + string(must(json.Marshal(it.route))) + `}`
	case "user":
		return `{"stringValue":` + string(must(json.Marshal(it.user))) + `}`
	case "service", "service.name":
		return `{"stringValue":` + string(must(json.Marshal(it.service))) + `}`
	}
	return fmt.Sprintf(`{"intValue":"%d"}`, it.level)
}

// At whatever stage items are, whatever range is asked for and whatever sums tell of, counts are those of a plain count; and what of the range is in settled
// segments of whole hours, and has few values, is counted without their heads or bodies.
func TestCountsFromSumsAreThoseOfACount(t *testing.T) {
	t.Parallel()
	for _, signal := range []telemetry.Signal{telemetry.Traces, telemetry.Logs} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			small := f.budgets()
			rnd := rand.New(rand.NewPCG(7, uint64(signal)))
			var all []plainItem
			const span = 3 * 24 * time.Hour
			begin := base().Add(-span).UnixNano()
			for n := range 30 {
				// Some payloads are of an hour, some of everything; in some hours, every item has a user of its own.
				since, length := begin+rnd.Int64N(int64(span)), int64(time.Hour)
				if rnd.IntN(3) == 0 {
					since, length = begin, int64(span)
				}
				var list []plainItem
				for i := range 1 + rnd.IntN(150) {
					it := plainItem{
						at: since + rnd.Int64N(length), service: []string{"cart", "pay"}[rnd.IntN(2)], route: fmt.Sprint("/", rnd.IntN(5)), user: fmt.Sprint(rnd.IntN(3)),
						level: 1 + rnd.Int64N(4),
					}
					if n%3 == 1 {
						it.user = fmt.Sprint(n, "-", i)
					}
					list = append(list, it)
				}
				all = append(all, list...)
				f.store("default", signal, payloadOfItems(signal, list), 1+rnd.IntN(60))
			}
			f.store("other", signal, payloadOfItems(signal, all[:50]), 10)
			for _, kind := range counts.Kinds() {
				if kind.Signal == signal {
					f.fold(base().Add(-2*24*time.Hour), rollup.Day, kind)
					f.fold(base().Add(-24*time.Hour), rollup.Day, kind)
				}
			}
			level := facetName{"field", "kind"}
			if signal == telemetry.Logs {
				level.key = "severity"
			}
			fewer := 0
			for i := range 60 {
				from := begin + rnd.Int64N(int64(span)) - int64(time.Hour)
				to := from + 1 + rnd.Int64N(int64(span))
				switch i % 4 {
				case 0: // on hours or days
					unit := []int64{int64(time.Hour), int64(24 * time.Hour)}[rnd.IntN(2)]
					from, to = from/unit*unit, to/unit*unit+unit
				case 1: // short
					to = from + 1 + rnd.Int64N(int64(90*time.Minute))
				}
				for _, name := range []facetName{{"attributes", "route"}, {"attributes", "user"}, {"field", "service"}, {"resource", "service.name"}, level, {"attributes", "none"}} {
					budget := f
					if i%5 == 4 {
						budget = small[rnd.IntN(len(small))]
					}
					got := budget.countsOf(signal, name, from, to)
					since := from
					if got.Incomplete != nil {
						require.NotSame(t, f, budget)
						since = int64(number64(t, got.Incomplete.Since))
					}
					want, total := map[string]int64{}, int64(0)
					for k := range all {
						if all[k].at >= since && all[k].at < to {
							total++
							want[all[k].of(name)]++
						}
					}
					if name.key == "none" {
						want = map[string]int64{}
					}
					require.Equal(t, total, got.Items, "%v from %d to %d, since %d", name, from, to, since)
					have := map[string]int64{}
					for _, v := range got.Values {
						have[string(must(json.Marshal(v.Value)))] = v.Count
					}
					require.Equal(t, want, have, "%v from %d to %d", name, from, to)
					if name.key == "route" && budget == f && got.Stats.SegmentsPruned > 3*got.Stats.SegmentsRead {
						fewer++
					}
				}
			}
			require.Greater(t, fewer, 10)
		})
	}
}

func (f *fixture) countsOf(signal telemetry.Signal, name facetName, from, to int64) (out api.AttributeValues) {
	f.t.Helper()
	f.get("/api/attributes/"+url.PathEscape(name.key)+"/values?"+url.Values{
		"signal": {signal.String()}, "scope": {name.scope}, "limit": {"1000"}, "start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)},
	}.Encode(), &out)
	return out
}

// Of whole hours that are settled no header is read, however many segments they have; not for what has large dictionaries of resources either.
func TestCountsOfWholeHoursReadNoHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var list []plainItem
	for i := range 2600 {
		list = append(list, plainItem{
			at: base().Add(time.Duration(i) * time.Second).UnixNano(), service: fmt.Sprint("service-with-a-name-of-its-own-", i%100), route: "/", user: "u", level: 1,
		})
	}
	f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, list), 100)
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE spans_segment SET directory = '\x00'`)
	require.NoError(t, err)
	day := base().Truncate(24 * time.Hour).UnixNano()
	for _, name := range []facetName{{"attributes", "route"}, {"field", "service"}, {"resource", "service.name"}} {
		got := f.countsOf(telemetry.Traces, name, day, day+24*int64(time.Hour))
		require.EqualValues(t, 2600, got.Items)
		require.Zero(t, got.Stats.SegmentsRead)
		if name.key != "route" {
			require.Equal(t, 100, got.Distinct)
		}
	}
}
