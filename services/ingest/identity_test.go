package ingest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// What one build tries and the next gets again must be the same request with the same items, else it is stored twice, or a new item is taken for a
// stored one. So the golden file says what an earlier build made of the requests of testdata/identity, which are kept as bytes: the id of each, and
// the ordinal of each of its items. It was written by the build of commit ee816ca; a line in it may be added, but none may change while requests of
// that build may come again, which is for two days after an update (ADR-019). How requests are cut is not in it, and may change.
func TestARequestIsWhatItWasToEarlierBuilds(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/identity/*.gz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	found := map[string]*identified{}
	for _, file := range files {
		found[filepath.Base(file)] = &identified{items: map[int]string{}}
	}
	cut := 0
	for _, way := range []struct {
		name    string
		message int
		any     bool // an item of any age is admitted
		gzip    bool
	}{
		{"small messages", 64 << 10, false, false},
		{"larger ones, any age", 100 << 10, true, true},
		{"large enough, any age", 1 << 20, true, false},
		{"large enough", 1 << 20, false, true},
	} {
		r := start(t, func(c *Config) {
			c.Bus.MaxMessageBytes = way.message
			c.Dedup.Logs = dedupContent // else what has no exact time is another event each time it comes
			if way.any {
				c.Admit.MaxAge = MaxAgeConfig{-1, -1, -1}
				c.Admit.MaxAhead = 100 * time.Hour
			}
		})
		seen := map[telemetry.Signal]int{}
		for _, file := range files {
			name := filepath.Base(file)
			signal, err := telemetry.ParseSignal(strings.Split(name, "-")[0])
			require.NoError(t, err)
			packed, err := os.ReadFile(file)
			require.NoError(t, err)
			unpack, err := gzip.NewReader(bytes.NewReader(packed))
			require.NoError(t, err)
			var body bytes.Buffer
			_, err = body.ReadFrom(unpack)
			require.NoError(t, err)
			contentType := typeProtobuf
			if strings.HasSuffix(name, ".json.gz") {
				contentType = typeJSON
			}
			sent, coding := body.Bytes(), "identity"
			if way.gzip {
				sent, coding = packed, "gzip"
			}
			got := r.post("/v1/"+signal.String(), contentType, sent, "Content-Encoding", coding)
			require.Equal(t, http.StatusOK, got.status, "%s: %s", name, got.body)
			backlog, err := r.bus.Pending(t.Context(), signal)
			require.NoError(t, err)
			parts := int(backlog.LastPosition) - seen[signal]
			seen[signal] = int(backlog.LastPosition)
			if parts > 1 {
				cut++
			}
			for _, batch := range r.stored(signal, parts) {
				found[name].add(t, way.name+", "+name, batch)
			}
			found[name].other = telemetry.NewRequestID("another.tenant", signal, body.Bytes())
		}
	}
	require.Greater(t, cut, len(files), "requests are cut")
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(found)) {
		f := found[name]
		fmt.Fprintf(&text, "%s: request %s, of another tenant %s\n", name, f.request, f.other)
		some := telemetry.Ordinals{{From: 0, To: 2}, {From: 3, To: 4}}
		fmt.Fprintf(&text, "  message of %s: %s; of all: %s\n", some, telemetry.Batch{Request: f.request, Ordinals: some}.ID(), telemetry.Batch{Request: f.request}.ID())
		for _, ordinal := range slices.Sorted(maps.Keys(f.items)) {
			fmt.Fprintf(&text, "  %d: %s\n", ordinal, f.items[ordinal])
		}
	}
	testbed.Golden(t, "testdata/identity/golden.txt", text.String())
}

// identified is what is known of a request, whatever of it was admitted and however it was cut.
type identified struct {
	request, other telemetry.RequestID
	items          map[int]string // by ordinal
}

func (f *identified) add(t *testing.T, where string, batch telemetry.Batch) {
	t.Helper()
	if len(f.items) == 0 {
		f.request = batch.Request
	}
	require.Equal(t, f.request, batch.Request, where)
	names := namesOf(t, batch)
	for _, run := range batch.Covers() {
		for ordinal := int(run.From); ordinal < int(run.To); ordinal++ {
			require.NotEmpty(t, names, where)
			if had := f.items[ordinal]; had != "" {
				require.Equal(t, had, names[0], "%s: item %d", where, ordinal)
			}
			f.items[ordinal], names = names[0], names[1:]
		}
	}
	require.Empty(t, names, where)
}

// namesOf tells which items a batch holds, in words that a cut does not change.
func namesOf(t *testing.T, batch telemetry.Batch) (names []string) {
	t.Helper()
	service := func(r pcommon.Resource) string {
		v, _ := r.Attributes().Get("service.name")
		return v.Str()
	}
	switch batch.Signal {
	case telemetry.Traces:
		in := ptraceotlp.NewExportRequest()
		require.NoError(t, in.UnmarshalProto(batch.Payload))
		for _, rs := range in.Traces().ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					names = append(names, fmt.Sprintf("%s %s span %s", service(rs.Resource()), ss.Scope().Name(), span.SpanID()))
				}
			}
		}
	case telemetry.Logs:
		in := plogotlp.NewExportRequest()
		require.NoError(t, in.UnmarshalProto(batch.Payload))
		for _, rl := range in.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					text, _, _ := strings.Cut(record.Body().Str(), " words")
					names = append(names, fmt.Sprintf("%s %s at %d", service(rl.Resource()), text, record.Timestamp()))
				}
			}
		}
	case telemetry.Metrics:
		in := pmetricotlp.NewExportRequest()
		require.NoError(t, in.UnmarshalProto(batch.Payload))
		for _, rm := range in.Metrics().ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					for _, at := range timesOf(m) {
						names = append(names, fmt.Sprintf("%s %s at %d", service(rm.Resource()), m.Name(), at))
					}
				}
			}
		}
	}
	return names
}

func timesOf(m pmetric.Metric) (at []pcommon.Timestamp) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			at = append(at, p.Timestamp())
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			at = append(at, p.Timestamp())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			at = append(at, p.Timestamp())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			at = append(at, p.Timestamp())
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			at = append(at, p.Timestamp())
		}
	case pmetric.MetricTypeEmpty:
	}
	return at
}
