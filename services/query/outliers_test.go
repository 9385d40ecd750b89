package query

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// failingShop is a shop's spans of which one of so many of a service fails, and of these every fourth takes long. Those of other services fail as they
// do in the shop, which is often.
func failingShop(shop *testbed.Shop, n int, oneOf map[string]int) ptrace.Traces {
	td := shop.Traces(n)
	seen := map[string]int{}
	for _, rs := range td.ResourceSpans().All() {
		name, _ := rs.Resource().Attributes().Get("service.name")
		of := oneOf[name.Str()]
		if of == 0 {
			continue
		}
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			seen[name.Str()]++
			span.Status().SetCode(ptrace.StatusCodeUnset)
			if seen[name.Str()]%of == 0 {
				span.Status().SetCode(ptrace.StatusCodeError)
			}
			if seen[name.Str()]%(4*of) == 0 {
				span.SetEndTimestamp(pcommon.NewTimestampFromTime(span.EndTimestamp().AsTime().Add(150 * time.Millisecond)))
			}
		}
	}
	return td
}

// shopSpan is what a question of TestWhatFailsOrTakesLongLiesTogether looks at.
type shopSpan struct {
	id, trace, service string
	start              pcommon.Timestamp
	duration           time.Duration
	failed, root       bool
}

func spansOf(td ptrace.Traces) (out []shopSpan) {
	for _, rs := range td.ResourceSpans().All() {
		name, _ := rs.Resource().Attributes().Get("service.name")
		for _, s := range rs.ScopeSpans().At(0).Spans().All() {
			out = append(out, shopSpan{
				s.SpanID().String(), s.TraceID().String(), name.Str(), s.StartTimestamp(), s.EndTimestamp().AsTime().Sub(s.StartTimestamp().AsTime()),
				s.Status().Code() == ptrace.StatusCodeError, s.ParentSpanID().IsEmpty(),
			})
		}
	}
	return out
}

// TestWhatFailsOrTakesLongLiesTogether: of settled spans, the segments with outliers are opened and hardly another; what is found is what a look at
// every span finds, beside spans that were not merged yet, too.
func TestWhatFailsOrTakesLongLiesTogether(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(1, base().Add(-15*time.Minute)).Every(300 * time.Millisecond)
	var all []shopSpan
	for _, n := range []int{36_000, 500} { // the second one as a writer leaves it
		td := failingShop(shop, n, map[string]int{"cart": 50, "payment": 100})
		all = append(all, spansOf(td)...)
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), segment.MaxItems)
	}
	const failed, slow, root = `{"field":"status","operator":"eq","value":"error"}`, `{"field":"duration","operator":"gt","value":"100ms"}`,
		`{"field":"root","operator":"eq","value":true}`
	of := func(service string) string {
		return fmt.Sprintf(`{"field":"service","operator":"eq","value":%q}`, service)
	}
	isSlow := func(s shopSpan) bool { return s.duration > 100*time.Millisecond }
	for _, c := range []struct {
		name   string
		filter []string
		holds  func(shopSpan) bool
		most   int // segments that may be opened, of 11
	}{
		{"failed, slow, of a service", []string{failed, slow, of("cart")}, func(s shopSpan) bool { return s.failed && isSlow(s) && s.service == "cart" }, 2},
		{"slow, of a service", []string{slow, of("cart")}, func(s shopSpan) bool { return isSlow(s) && s.service == "cart" }, 2},
		{"failed, of a service of which few fail", []string{failed, of("payment")}, func(s shopSpan) bool { return s.failed && s.service == "payment" }, 2},
		{"failed and slow", []string{failed, slow}, func(s shopSpan) bool { return s.failed && isSlow(s) }, 2},
		{"slow", []string{slow}, isSlow, 2},
		{"failed, of a service of which many fail", []string{failed, of("gateway")}, func(s shopSpan) bool { return s.failed && s.service == "gateway" }, 11},
		{"failed", []string{failed}, func(s shopSpan) bool { return s.failed }, 11},
		{"failed roots", []string{failed, root}, func(s shopSpan) bool { return s.failed && s.root }, 11},
		{"roots of a service", []string{root, of("frontend")}, func(s shopSpan) bool { return s.root && s.service == "frontend" }, 11},
		{"whatever", nil, func(shopSpan) bool { return true }, 3},
	} {
		var want []shopSpan
		for _, s := range all {
			if c.holds(s) {
				want = append(want, s)
			}
		}
		slices.SortFunc(want, func(a, b shopSpan) int { return cmp.Or(cmp.Compare(b.start, a.start), cmp.Compare(a.id, b.id)) })
		for _, limit := range []int{20, 200} {
			var page api.SpanPage
			f.search("spans", searchBody{filters: "[" + strings.Join(c.filter, ",") + "]", limit: limit}, &page)
			require.Len(t, page.Spans, min(limit, len(want)), c.name)
			for i, s := range page.Spans {
				require.Equal(t, strconv.FormatUint(uint64(want[i].start), 10), s.StartTimeUnixNano, "%s: %d", c.name, i)
			}
			if limit == 20 {
				require.LessOrEqual(t, page.Stats.SegmentsRead, c.most, c.name)
			}
		}
	}

	// A trace with outliers lies in more than one segment.
	whole := map[string]int{}
	for _, s := range all {
		whole[s.trace]++
	}
	looked := 0
	for _, s := range all {
		if s.failed && looked < 20 && whole[s.trace] > 5 {
			looked++
			var got api.Trace
			f.get("/api/traces/"+s.trace, &got)
			require.Len(t, got.Spans, whole[s.trace])
		}
	}
	require.Equal(t, 20, looked)
}

// postmasterOf is the process that all of a test's PostgreSQL are children of.
func postmasterOf(b *testing.B, f *fixture) int {
	b.Helper()
	var first string
	require.NoError(b, f.db.Pool.QueryRow(testbed.Context(b), "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)").Scan(&first))
	postmaster, err := strconv.Atoi(first)
	require.NoError(b, err)
	return postmaster
}

// serverCPU is what a test's PostgreSQL has used so far: its postmaster's live children.
func serverCPU(b *testing.B, postmaster int) (total time.Duration) {
	b.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(b, err)
	for _, e := range entries {
		stat, err := os.ReadFile(filepath.Join(e, "stat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if fields[1] != strconv.Itoa(postmaster) {
			continue
		}
		sched, err := os.ReadFile(filepath.Join(e, "schedstat"))
		require.NoError(b, err)
		run, _, _ := strings.Cut(string(sched), " ")
		ns, err := strconv.ParseInt(run, 10, 64)
		require.NoError(b, err)
		total += time.Duration(ns)
	}
	return total
}

// BenchmarkFailed asks for the newest of what fails and takes long, in settled segments of 4,000 spans, of which few have any.
func BenchmarkFailed(b *testing.B) {
	f := newFixture(b)
	postmaster := postmasterOf(b, f)
	shop := testbed.NewShop(1, base().Add(-15*time.Minute)).Every(200 * time.Millisecond)
	for range 4 {
		td := failingShop(shop, 60_000, map[string]int{"cart": 50})
		f.position = (f.position + 1) &^ 1 // so that they are stored settled
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 4000)
	}
	const status, slow, service = `{"field":"status","operator":"eq","value":"error"}`, `{"field":"duration","operator":"gt","value":"100ms"}`,
		`{"field":"service","operator":"eq","value":"cart"}`
	for _, c := range []struct {
		name    string
		filters []string
		limit   int
	}{
		{"failed slow service", []string{status, slow, service}, 20},
		{"failed service", []string{status, service}, 20},
		{"slow service", []string{slow, service}, 20},
		{"failed", []string{status}, 20},
		{"one slow", []string{status, slow, service}, 1},
		{"nothing", []string{status, slow, `{"field":"service","operator":"eq","value":"nobody"}`}, 20},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := searchBody{from: base().Add(-time.Hour), to: base().Add(time.Hour), filters: "[" + strings.Join(c.filters, ",") + "]", limit: c.limit}
			ask := func() string {
				got := serve(f.svc.server.Echo, httptest.NewRequest(http.MethodPost, "/api/spans/search", strings.NewReader(s.json(b))))
				require.Equal(b, http.StatusOK, got.status, got.body)
				return got.body
			}
			body := ask()
			ask()
			var u, v syscall.Rusage
			require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
			server := serverCPU(b, postmaster)
			for b.Loop() {
				ask()
			}
			server = serverCPU(b, postmaster) - server
			require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &v))
			b.ReportMetric(float64(v.Utime.Nano()+v.Stime.Nano()-u.Utime.Nano()-u.Stime.Nano())/float64(b.N)/1000, "query-us")
			b.ReportMetric(float64(server.Microseconds())/float64(b.N), "pg-us")
			var read, bytes int
			at := strings.Index(body, `"segments_read"`)
			_, err := fmt.Sscanf(body[at:], `"segments_read":%d`, &read)
			require.NoError(b, err)
			at = strings.Index(body, `"bytes_read"`)
			_, err = fmt.Sscanf(body[at:], `"bytes_read":%d`, &bytes)
			require.NoError(b, err)
			b.ReportMetric(float64(read), "segments")
			b.ReportMetric(float64(bytes)/1024, "KiB")
			b.ReportMetric(float64(strings.Count(body, `"span_id"`)), "spans")
		})
	}
}
