package demo

import (
	"compress/gzip"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2026, 11, 23, 12, 7, 0, 0, time.UTC) }

// tell makes n visits of one seed, in the minute in which the payment provider has trouble.
func tell(seed uint64, n int) (*shop, *batch) {
	r := rand.New(rand.NewPCG(seed, 1))
	shop := newShop(rand.New(rand.NewPCG(seed, 3)))
	b := newBatch()
	for range n {
		s := &story{shop: shop, rand: r, batch: b, trouble: true}
		s.visit()
		s.finish(noon())
	}
	return shop, b
}

type told struct {
	ptrace.Span
	service string
}

func spans(b *batch) map[pcommon.SpanID]told {
	all := map[pcommon.SpanID]told{}
	for _, r := range b.traces.ResourceSpans().All() {
		name, _ := r.Resource().Attributes().Get("service.name")
		for _, s := range r.ScopeSpans().All() {
			for _, span := range s.Spans().All() {
				all[span.SpanID()] = told{span, name.Str()}
			}
		}
	}
	return all
}

func TestStoriesAreWhole(t *testing.T) {
	t.Parallel()
	_, b := tell(7, 600)
	all := spans(b)
	require.Len(t, all, b.traces.SpanCount(), "span ids are unique")
	var (
		services   = map[string]bool{}
		kinds      = map[ptrace.SpanKind]int{}
		systems    = map[string]bool{}
		exceptions int
		links      int
	)
	for _, s := range all {
		services[s.service] = true
		kinds[s.Kind()]++
		require.Positive(t, s.EndTimestamp()-s.StartTimestamp(), s.Name())
		require.False(t, s.EndTimestamp().AsTime().After(noon()), "nothing ends in the future")
		require.Less(t, noon().Sub(s.StartTimestamp().AsTime()), 3*time.Minute)
		if !s.ParentSpanID().IsEmpty() {
			parent, ok := all[s.ParentSpanID()]
			require.True(t, ok)
			require.Equal(t, parent.TraceID(), s.TraceID())
			require.GreaterOrEqual(t, s.StartTimestamp(), parent.StartTimestamp(), "%s inside %s", s.Name(), parent.Name())
			require.LessOrEqual(t, s.EndTimestamp(), parent.EndTimestamp(), "%s inside %s", s.Name(), parent.Name())
		}
		for _, e := range s.Events().All() {
			require.GreaterOrEqual(t, e.Timestamp(), s.StartTimestamp())
			require.LessOrEqual(t, e.Timestamp(), s.EndTimestamp())
			if e.Name() == "exception" {
				exceptions++
				require.Equal(t, ptrace.StatusCodeError, s.Status().Code())
				trace, _ := e.Attributes().Get("exception.stacktrace")
				require.NotEmpty(t, trace.Str())
			}
		}
		for _, l := range s.Links().All() {
			links++
			from, ok := all[l.SpanID()]
			require.True(t, ok)
			require.Equal(t, ptrace.SpanKindProducer, from.Kind())
			require.NotEqual(t, from.TraceID(), s.TraceID())
		}
		for _, key := range []string{"rpc.system", "db.system.name", "messaging.system", "http.request.method"} {
			if v, ok := s.Attributes().Get(key); ok {
				systems[key+"="+v.Str()] = true
			}
		}
	}
	require.Len(t, services, len(programs()))
	require.GreaterOrEqual(t, len(services), 10)
	require.Len(t, kinds, 5, "every kind of span")
	require.Positive(t, exceptions)
	require.Positive(t, links)
	for _, want := range []string{"rpc.system=grpc", "db.system.name=postgresql", "db.system.name=redis", "messaging.system=kafka", "http.request.method=POST"} {
		require.Contains(t, systems, want)
	}
}

func TestLogsBelongToTheirSpans(t *testing.T) {
	t.Parallel()
	_, b := tell(7, 400)
	all := spans(b)
	severities, structured := map[string]bool{}, 0
	for _, r := range b.logs.ResourceLogs().All() {
		name, _ := r.Resource().Attributes().Get("service.name")
		for _, s := range r.ScopeLogs().All() {
			for _, l := range s.LogRecords().All() {
				severities[l.SeverityNumber().String()] = true
				require.GreaterOrEqual(t, l.ObservedTimestamp(), l.Timestamp())
				if l.Body().Type() == pcommon.ValueTypeMap {
					structured++
				}
				span, ok := all[l.SpanID()]
				require.True(t, ok)
				require.Equal(t, span.TraceID(), l.TraceID())
				require.Equal(t, name.Str(), span.service)
				require.GreaterOrEqual(t, l.Timestamp(), span.StartTimestamp())
				require.LessOrEqual(t, l.Timestamp(), span.EndTimestamp())
			}
		}
	}
	require.Positive(t, structured)
	for _, s := range []string{"Debug", "Info", "Warn", "Error"} {
		require.Contains(t, severities, s)
	}
}

func TestMetricsAreOfEveryTypeAndTrue(t *testing.T) {
	t.Parallel()
	shop, _ := tell(7, 400)
	r := rand.New(rand.NewPCG(7, 2))
	_, first := shop.collect(r, noon().Add(-time.Minute), noon())
	all, points := shop.collect(r, noon().Add(-time.Minute), noon().Add(5*time.Second))
	require.Positive(t, first)
	require.Equal(t, all.DataPointCount(), points)
	types, deltas, updown := map[pmetric.MetricType]int{}, 0, 0
	check := func(count uint64, buckets []uint64, zeros uint64) {
		sum := zeros
		for _, n := range buckets {
			sum += n
		}
		require.Equal(t, count, sum)
	}
	shop2, _ := tell(7, 400)
	all2, _ := shop2.collect(rand.New(rand.NewPCG(7, 2)), noon().Add(-time.Minute), noon())
	examples := 0
	for _, m := range metrics(all2) {
		types[m.Type()]++
		require.NotEmpty(t, m.Description())
		switch m.Type() {
		case pmetric.MetricTypeHistogram:
			for _, d := range m.Histogram().DataPoints().All() {
				check(d.Count(), d.BucketCounts().AsRaw(), 0)
				require.Equal(t, d.ExplicitBounds().Len()+1, d.BucketCounts().Len())
				examples += d.Exemplars().Len()
			}
		case pmetric.MetricTypeExponentialHistogram:
			if m.ExponentialHistogram().AggregationTemporality() == pmetric.AggregationTemporalityDelta {
				deltas++
			}
			for _, d := range m.ExponentialHistogram().DataPoints().All() {
				check(d.Count(), d.Positive().BucketCounts().AsRaw(), d.ZeroCount())
				require.Less(t, d.Positive().BucketCounts().Len(), 400)
			}
		case pmetric.MetricTypeSum:
			if !m.Sum().IsMonotonic() {
				updown++
			}
		case pmetric.MetricTypeSummary:
			for _, d := range m.Summary().DataPoints().All() {
				require.Equal(t, 5, d.QuantileValues().Len())
			}
		case pmetric.MetricTypeGauge, pmetric.MetricTypeEmpty:
		}
	}
	require.Len(t, types, 5)
	require.Positive(t, deltas)
	require.Positive(t, updown)
	require.Positive(t, examples)
}

func metrics(all pmetric.Metrics) (list []pmetric.Metric) {
	for _, r := range all.ResourceMetrics().All() {
		for _, s := range r.ScopeMetrics().All() {
			for _, m := range s.Metrics().All() {
				list = append(list, m)
			}
		}
	}
	return list
}

func TestTheSameSeedTellsTheSame(t *testing.T) {
	t.Parallel()
	encode := func(seed uint64) string {
		shop, b := tell(seed, 50)
		text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(b.traces)
		require.NoError(t, err)
		all, _ := shop.collect(rand.New(rand.NewPCG(seed, 2)), noon(), noon().Add(time.Second))
		more, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(all)
		require.NoError(t, err)
		return string(text) + string(more)
	}
	first, again := encode(1), encode(1)
	require.Equal(t, first, again)
	require.NotEqual(t, first, encode(2))
}

// receiver is an OTLP/HTTP server that is down at first and refuses a span of every request.
type receiver struct {
	mu    sync.Mutex
	asked int
	spans int
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.asked == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if q.URL.Path != "/v1/traces" {
		return
	}
	zip, err := gzip.NewReader(q.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, _ := io.ReadAll(zip)
	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalProto(body); err != nil || q.Header.Get("X-Scope-OrgID") != "acme" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.spans += request.Traces().SpanCount()
	answer := ptraceotlp.NewExportResponse()
	answer.PartialSuccess().SetRejectedSpans(1)
	answer.PartialSuccess().SetErrorMessage("one is too old")
	text, _ := answer.MarshalProto()
	_, _ = w.Write(text)
}

func run(t *testing.T, cfg Config) (*Service, string, error) {
	t.Helper()
	var out strings.Builder
	cfg.Output = &out
	s, err := New(cfg, service.NewEnv("demo", nil))
	require.NoError(t, err)
	err = s.Run(t.Context())
	return s, out.String(), err
}

func TestSendsByHTTPRetriesAndReportsRefusals(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	server := httptest.NewServer(r)
	defer server.Close()
	cfg := DefaultConfig()
	cfg.Endpoint, cfg.Protocol, cfg.Seconds, cfg.Rate, cfg.Seed = server.URL, "http", 0.2, 50, 3
	cfg.Headers = map[string]string{"X-Scope-OrgID": "acme"}
	s, out, err := run(t, cfg)
	require.NoError(t, err)
	total := s.Total()
	require.Equal(t, 10, total.Visits)
	require.GreaterOrEqual(t, total.Traces, 10)
	require.EqualValues(t, r.spans, total.Spans.Accepted+total.Spans.Refused)
	require.Positive(t, total.Spans.Refused)
	require.Zero(t, total.Spans.Failed)
	require.Positive(t, total.Logs.Accepted)
	require.Positive(t, total.Points.Accepted)
	require.Contains(t, out, "trying again")
	require.Contains(t, out, "one is too old")
	require.Contains(t, out, "refused")
}

type grpcReceiver struct {
	ptraceotlp.UnimplementedGRPCServer
	mu    sync.Mutex
	spans int
}

func (r *grpcReceiver) Export(_ context.Context, q ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans += q.Traces().SpanCount()
	return ptraceotlp.NewExportResponse(), status.Error(codes.PermissionDenied, "no")
}

func TestSendsByGRPCAndFailsForWhatIsNotDelivered(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	r := &grpcReceiver{}
	ptraceotlp.RegisterGRPCServer(server, r)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	defer func() { server.Stop(); require.NoError(t, <-done) }()
	cfg := DefaultConfig()
	cfg.Endpoint, cfg.Seconds, cfg.Rate, cfg.Seed = l.Addr().String(), 0.2, 100, 3
	s, out, err := run(t, cfg)
	require.ErrorContains(t, err, "PermissionDenied")
	require.EqualValues(t, r.spans, s.Total().Spans.Failed)
	require.Contains(t, out, "not delivered")
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*Config){
		"protocol": func(c *Config) { c.Protocol = "udp" },
		"rate":     func(c *Config) { c.Rate = 0 },
		"seconds":  func(c *Config) { c.Seconds = -1 },
		"endpoint": func(c *Config) { c.Endpoint = "ftp://x" },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		_, err := New(cfg, service.NewEnv("demo", nil))
		require.ErrorContains(t, err, key)
	}
}
