package query

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// wholeSpan is a span as far as sums of traces tell of it.
type wholeSpan struct {
	trace, id, parent string // hex
	service           string
	start, end        int64
	failed            bool
}

func payloadOfWhole(list []wholeSpan) []byte {
	td := ptrace.NewTraces()
	for _, one := range list {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", one.service)
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID(must(hex.DecodeString(one.trace))))
		s.SetSpanID(pcommon.SpanID(must(hex.DecodeString(one.id))))
		if one.parent != "" {
			s.SetParentSpanID(pcommon.SpanID(must(hex.DecodeString(one.parent))))
		}
		s.SetName("span " + one.id)
		s.SetStartTimestamp(pcommon.Timestamp(one.start))
		s.SetEndTimestamp(pcommon.Timestamp(one.end))
		if one.failed {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	return testbed.TracesPayload(td)
}

// wholeTraces are traces that last from seconds to days, some without their roots or other parents. Most spans are within their parents' time; what was queued, or is
// tried again, begins hours or days after its parent's end, and nothing else tells of it.
func wholeTraces(r *rand.Rand, n int, end int64) (all []wholeSpan) {
	for k := range n {
		trace := fmt.Sprintf("%032x", k+1)
		length := []int64{int64(time.Minute), int64(5 * time.Hour), int64(80 * time.Hour)}[r.IntN(3)]
		length = 1 + r.Int64N(length)
		start := end - r.Int64N(int64(4*24*time.Hour)) - length
		spans := []wholeSpan{{trace: trace, id: fmt.Sprintf("%016x", 1000*(k+1)), start: start, end: start + length}}
		for i := range r.IntN(8) {
			up := spans[r.IntN(len(spans))]
			from := up.start + r.Int64N(up.end-up.start+1)
			to := from + r.Int64N(up.end-from+1)
			if r.IntN(4) == 0 {
				from = min(up.end+r.Int64N(int64([]time.Duration{3 * time.Hour, 50 * time.Hour}[r.IntN(2)])), end)
				to = from + r.Int64N(int64(time.Minute))
			}
			spans = append(spans, wholeSpan{
				trace: trace, id: fmt.Sprintf("%016x", 1000*(k+1)+i+1), parent: up.id, start: from, end: to, failed: r.IntN(5) == 0,
			})
		}
		if len(spans) > 1 && r.IntN(4) == 0 { // one was not sent
			at := r.IntN(len(spans))
			spans = slices.Delete(spans, at, at+1)
		}
		for i := range spans {
			spans[i].service = []string{"cart", "pay", "ship"}[r.IntN(3)]
		}
		all = append(all, spans...)
	}
	return all
}

// naiveSummary sums a trace up by looking at all spans there are.
func naiveSummary(trace string, all []wholeSpan, matched int64) (s api.TraceSummary) {
	var spans []wholeSpan
	there := map[string]bool{}
	for _, one := range all {
		if one.trace == trace {
			spans, there[one.id] = append(spans, one), true
		}
	}
	slices.SortFunc(spans, func(a, b wholeSpan) int {
		rank := func(s wholeSpan) int {
			switch {
			case s.parent == "":
				return 0
			case !there[s.parent]:
				return 1
			}
			return 2
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.id, b.id))
	})
	s = api.TraceSummary{TraceID: trace, SpanCount: len(spans), MatchedTimeUnixNano: fmt.Sprint(matched), RootMissing: spans[0].parent != ""}
	s.Root = api.RootSpan{SpanID: spans[0].id, Name: "span " + spans[0].id, ServiceName: spans[0].service}
	if spans[0].failed {
		s.Root.Status.Code = 2
	}
	orphans := 0
	s.OrphanCount = &orphans
	start, end := spans[0].start, spans[0].end
	services := map[string]*api.ServiceCount{}
	for _, one := range spans {
		start, end = min(start, one.start), max(end, one.end)
		if services[one.service] == nil {
			services[one.service] = &api.ServiceCount{Name: one.service}
		}
		services[one.service].SpanCount++
		if one.failed {
			s.ErrorCount++
			services[one.service].ErrorCount++
		}
		if one.parent != "" && !there[one.parent] {
			orphans++
		}
	}
	s.StartTimeUnixNano, s.EndTimeUnixNano, s.DurationNano = fmt.Sprint(start), fmt.Sprint(end), fmt.Sprint(end-start)
	for _, service := range services {
		s.Services = append(s.Services, *service)
	}
	slices.SortFunc(s.Services, func(a, b api.ServiceCount) int {
		return cmp.Or(cmp.Compare(b.SpanCount, a.SpanCount), cmp.Compare(a.Name, b.Name))
	})
	return s
}

// However long a trace lasts, and whatever lies between its spans, at whatever stage its spans are and whatever part of it a list is about, the list tells of all of it.
func TestListedTracesAreWhole(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			r := rand.New(rand.NewPCG(seed, 39))
			all := wholeTraces(r, 25, base().UnixNano())
			if seed%2 == 0 {
				r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			}
			for part := range slices.Chunk(all, 1+len(all)/6) {
				f.store("default", telemetry.Traces, payloadOfWhole(part), 1+r.IntN(12))
			}
			f.store("other", telemetry.Traces, payloadOfWhole(all[:10]), 10)
			oldest := all[0].start
			for _, one := range all {
				oldest = min(oldest, one.start)
			}
			for i := range 25 {
				from := oldest + r.Int64N(base().UnixNano()-oldest)
				to := from + 1 + r.Int64N(int64([]time.Duration{time.Hour, 30 * time.Hour, 10 * 24 * time.Hour}[i%3]))
				newest := map[string]int64{}
				for _, one := range all {
					if one.start >= from && one.start < to && (i%4 > 0 || one.service == "cart") {
						newest[one.trace] = max(newest[one.trace], one.start)
					}
				}
				filters := ""
				if i%4 == 0 {
					filters = `[{"field":"service","operator":"eq","value":"cart"}]`
				}
				want := map[string]api.TraceSummary{}
				for trace, at := range newest {
					want[trace] = naiveSummary(trace, all, at)
				}
				got := map[string]api.TraceSummary{}
				for cursor := ""; ; {
					var page api.TracePage
					f.search("traces", searchBody{from: time.Unix(0, from), to: time.Unix(0, to), limit: 7, filters: filters, cursor: cursor}, &page)
					require.Nil(t, page.Incomplete)
					for _, one := range page.Traces {
						require.NotContains(t, got, one.TraceID)
						one.Root.Attributes = nil
						got[one.TraceID] = one
					}
					if cursor = page.Pagination.NextCursor; cursor == "" {
						break
					}
				}
				require.Equal(t, want, got)
			}
		})
	}
}

// The span that stands for a missing root is not always the earliest one: what is told of it is right all the same.
func TestWhatStandsForAMissingRoot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := base().UnixNano()
	const orphans, ring = "000000000000000000000000000000aa", "000000000000000000000000000000bb"
	f.store("default", telemetry.Traces, payloadOfWhole([]wholeSpan{
		{trace: orphans, id: "00000000000000a1", parent: "00000000000000a2", service: "cart", start: at, end: at + 5},
		{trace: orphans, id: "00000000000000a2", parent: "00000000000000a9", service: "pay", start: at + 3, end: at + 9, failed: true},
		{trace: ring, id: "00000000000000b1", parent: "00000000000000b2", service: "cart", start: at, end: at + 5},
		{trace: ring, id: "00000000000000b2", parent: "00000000000000b3", service: "pay", start: at + 3, end: at + 9},
		{trace: ring, id: "00000000000000b3", parent: "00000000000000b2", service: "ship", start: at + 2, end: at + 9},
	}), 2)
	var page api.TracePage
	f.search("traces", searchBody{}, &page)
	require.Len(t, page.Traces, 2)
	slices.SortFunc(page.Traces, func(a, b api.TraceSummary) int { return cmp.Compare(a.TraceID, b.TraceID) })
	first, second := page.Traces[0], page.Traces[1]
	require.True(t, first.RootMissing && second.RootMissing)
	require.Equal(t, api.RootSpan{SpanID: "00000000000000a2", Name: "span 00000000000000a2", ServiceName: "pay", Status: api.Status{Code: 2}}, first.Root)
	require.Equal(t, api.RootSpan{SpanID: "00000000000000b3", Name: "span 00000000000000b3", ServiceName: "ship"}, second.Root)
	require.Equal(t, []int{1, 0}, []int{*first.OrphanCount, *second.OrphanCount}, "none is told as none")
}

// The list and the page of a trace tell the same root, by the cases of package trace: of several, of equals, of a missing one, of rings, of one id twice. However
// its spans came, and lie in segments.
func TestTheListAndThePageTellOneRoot(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join("internal", "trace", "testdata", "trees.json"))
	require.NoError(t, err)
	var cases []struct {
		Name  string
		Spans []struct {
			ID, Parent      string
			Start, Duration int64
		}
		Tree []string
	}
	require.NoError(t, json.Unmarshal(file, &cases))
	require.Greater(t, len(cases), 10)
	f := newFixture(t)
	r := rand.New(rand.NewPCG(3, 3))
	data := ptrace.NewTraces()
	var spans []ptrace.Span
	for n, c := range cases {
		for _, one := range c.Spans {
			s := ptrace.NewSpan()
			s.SetTraceID(pcommon.TraceID{0: 7, 15: byte(n)})
			var id, parent pcommon.SpanID
			copy(id[:], one.ID)
			copy(parent[:], one.Parent)
			s.SetSpanID(id)
			s.SetParentSpanID(parent)
			s.SetStartTimestamp(pcommon.Timestamp(base().UnixNano() + one.Start))
			s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(one.Duration))
			spans = append(spans, s)
		}
	}
	r.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
	rs := data.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "cart")
	to := rs.ScopeSpans().AppendEmpty().Spans()
	for _, s := range spans {
		s.CopyTo(to.AppendEmpty())
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(data), 4)
	var page api.TracePage
	f.search("traces", searchBody{limit: 100}, &page)
	require.Len(t, page.Traces, len(cases))
	for i := range page.Traces {
		listed := &page.Traces[i]
		var of api.TraceAnalysis
		f.get("/api/traces/"+listed.TraceID+"/analysis", &of)
		n, err := strconv.ParseUint(listed.TraceID[30:], 16, 8)
		require.NoError(t, err)
		c := cases[n]
		name, odd, _ := strings.Cut(c.Tree[0], " ")
		var want pcommon.SpanID
		copy(want[:], name)
		missing := odd == "(missing_parent)" || odd == "(cycle)"
		require.Equal(t, want.String(), listed.Root.SpanID, "the list: %s", c.Name)
		require.Equal(t, want.String(), of.Spans[0].SpanID, "the page: %s", c.Name)
		require.Equal(t, []bool{missing, missing}, []bool{listed.RootMissing, of.RootMissing}, c.Name)
	}
}

// TestOfOtherDaysNothingIsRead: that the traces of a page are whole is known by the filters of days and hours. Of 14 days with a few traces of the page in one hour of
// each, hardly more is read than what has them.
func TestOfOtherDaysNothingIsRead(t *testing.T) {
	t.Parallel()
	const days, hours, perHour, wanted = 14, 6, 60, 4
	f := newFixture(t)
	midnight := base().Truncate(24 * time.Hour)
	enter := func(grain rollup.Grain, start time.Time, ids [][16]byte) {
		union := segment.NewUnion(len(ids), len(ids))
		for _, id := range ids {
			union.Add(id)
		}
		_, err := f.db.Pool.Exec(testbed.Context(t), `INSERT INTO trace_time (tenant_id, placement, grain, start, state, changed_at, segments, max_position, filter)
			VALUES ('default', 'default', $1, $2, gen_random_uuid(), 0, 1, 1, $3)`, grain, start.UnixNano(), union.Filter)
		require.NoError(t, err)
	}
	number := 0
	late := "" // a trace that goes on two days later
	for d := range days {
		var ofDay [][16]byte
		for h := range hours {
			start := midnight.AddDate(0, 0, d-days).Add(time.Duration(3*h) * time.Hour)
			var ids [][16]byte
			var spans []wholeSpan
			for k := range perHour {
				number++
				service := "other"
				if h == 2 && k < wanted {
					service = "wanted"
				}
				id := fmt.Sprintf("%032x", number*7919)
				if d == 5 && h == 2 && k == 0 {
					late = id
				}
				at := start.Add(time.Duration(k) * 10 * time.Second).UnixNano()
				spans = append(spans, wholeSpan{trace: id, id: fmt.Sprintf("%016x", 2*number), service: service, start: at, end: at + 1000},
					wholeSpan{trace: id, id: fmt.Sprintf("%016x", 2*number+1), parent: fmt.Sprintf("%016x", 2*number), service: "other", start: at + 1, end: at + 500})
				ids = append(ids, [16]byte(must(hex.DecodeString(id))))
			}
			if d == 7 && h == 4 {
				at := start.UnixNano()
				spans = append(spans, wholeSpan{trace: late, id: "00000000ffffffff", parent: fmt.Sprintf("%016x", 2*number), service: "other", start: at, end: at + 7})
				ids = append(ids, [16]byte(must(hex.DecodeString(late))))
			}
			f.position += f.position % 2 // so that it is settled
			f.store("default", telemetry.Traces, payloadOfWhole(spans), 20)
			enter(rollup.Hour, start, ids)
			ofDay = append(ofDay, ids...)
		}
		enter(rollup.Day, midnight.AddDate(0, 0, d-days), ofDay)
	}
	search := searchBody{from: midnight.AddDate(0, 0, -days), to: base(), limit: 50, filters: `[{"field":"service","operator":"eq","value":"wanted"}]`}
	var page api.TracePage
	f.search("traces", search, &page)
	require.Len(t, page.Traces, 50)
	for _, one := range page.Traces {
		spans := 2
		if one.TraceID == late {
			spans = 3
		}
		require.Equal(t, spans, one.SpanCount, one.TraceID)
	}
	// 13 have spans that match, one has what was late, and filters are wrong now and then.
	require.LessOrEqual(t, page.Stats.SegmentsRead, 16)
	require.Greater(t, page.Stats.SegmentsPruned, 400)
}
