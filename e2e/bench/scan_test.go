package bench

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

func TestScanReportEndsWithOneLineOfJSON(t *testing.T) {
	results := []measured{
		{question: question{name: "both"}, hits: 7, segments: &side{wall: 4 * time.Millisecond}, rows: &side{wall: 9 * time.Millisecond}},
		{question: question{name: "rows_only"}, rows: &side{wall: time.Second}},
		{question: question{name: "bodies", scansBodies: true}, segments: &side{wall: 2 * time.Millisecond, cpu: 4 * time.Millisecond}},
	}
	var out bytes.Buffer
	require.NoError(t, scanReport(&out, scanOptions{runs: 3}, &filled{spans: 100, logs: 10, bodyBytes: 8_000_000}, "", 64<<20, results))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last, ok := strings.CutPrefix(lines[len(lines)-1], "SCAN ")
	require.True(t, ok, lines[len(lines)-1])
	var keys map[string]float64
	require.NoError(t, json.Unmarshal([]byte(last), &keys))
	for key, want := range map[string]float64{
		"both": 4, "both_rows": 9, "rows_only_rows": 1000, "bodies": 2, "log_scan_gb_per_second": 4, "log_scan_gb_per_cpu_second": 2, "rss_mib": 64,
	} {
		require.InDelta(t, want, keys[key], 0.001, key)
	}
	require.NotContains(t, keys, "rows_only")
}

// The whole bench with little data: every question is answered alike by segments, by rows, and by the other revision, here this build once
// more over a database of its own.
func TestScanAsksEverySide(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	require.NoError(t, err)
	o := scanOptions{
		spans: 20_000, logs: 4_000, runs: 1, request: 200, rows: true, bin: testbed.PostgresBin(t),
		other: &revision{name: "itself", binary: self, query: []string{self, "query", "--"}, migrations: migrations},
	}
	var out, progress bytes.Buffer
	require.NoError(t, inTempDir("ollyscan", false, nil, func(dir string) error { return scanIn(t.Context(), o, dir, &out, &progress) }), progress.String())
	keys := jsonLine(t, out.String(), "SCAN")
	for _, q := range queries(&filled{}) {
		for _, key := range []string{q.name, q.name + "_rows", q.name + "_wall_ratio", q.name + "_cpu_ratio"} {
			require.Contains(t, keys, key)
		}
	}
	require.Contains(t, keys, "sum_cpu_ratio")
	require.Positive(t, keys["rss_mib"])
	require.Contains(t, out.String(), "(this build / itself)")
}

// What the queries are to find is in the data as often as they expect.
func TestPlantedIsThereAndEvenlySpread(t *testing.T) {
	const spans, records, each = 60_000, 6_000, 500
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	shop := testbed.NewShop(1, at).Every(time.Second)
	f := &filled{}
	p := planted{options: scanOptions{spans: spans, logs: records, request: each}, filled: f}
	var rare, slow, words []int
	for ; f.spans < spans; f.spans += each {
		td := shop.Traces(each)
		p.spans(td)
		forSpans(td, func(s ptrace.Span) {
			if v, ok := s.Attributes().Get(rareKey); ok && v.Str() == rareValue {
				rare = append(rare, f.spans)
			}
			if s.Status().Code() == ptrace.StatusCodeError && s.EndTimestamp().AsTime().Sub(s.StartTimestamp().AsTime()) > slowBy {
				slow = append(slow, f.spans)
			}
		})
		ld := shop.Logs(records * each / spans)
		p.logs(ld)
		f.logs += ld.LogRecordCount()
		for _, rl := range ld.ResourceLogs().All() {
			rl.ScopeLogs().At(0).LogRecords().RemoveIf(func(r plog.LogRecord) bool {
				if strings.Contains(r.Body().Str(), " "+rareWord+" ") {
					words = append(words, f.logs)
				}
				return false
			})
		}
	}
	require.Len(t, rare, rareSpans)
	require.Len(t, slow, slowSpans)
	require.Len(t, words, rareRecords)
	require.Len(t, f.traces, sampledTraces)
	require.Less(t, rare[0], spans/10)
	require.Greater(t, rare[len(rare)-1], spans*9/10)
}

func forSpans(td ptrace.Traces, each func(ptrace.Span)) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				each(s)
			}
		}
	}
}
