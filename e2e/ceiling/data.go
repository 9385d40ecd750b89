package ceiling

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricscollector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// What is sent.

// filling makes the text of a span's attribute, of so many bytes.
type filling func(r *rand.Rand, span, n int) string

// noise compresses to half.
func noise(r *rand.Rand, _, n int) string {
	b := make([]byte, n/2+8)
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return hex.EncodeToString(b)[:n]
}

// repetition compresses to next to nothing, but no two are the same.
func repetition(r *rand.Rand, span, n int) string {
	return strings.Repeat(fmt.Sprintf("attempt %d of job %d was refused; ", span, r.Uint32()), n/30+1)[:n]
}

// textBytes is what a span of a large body carries, beside which the rest of it is little.
const (
	textBytes = 8 << 10
	spanBytes = textBytes + 128 // at least what it takes in OTLP
)

// spansIn is how many spans make up a body of so many bytes.
func spansIn(bytes int) int { return max(1, bytes/spanBytes) }

// spans is an OTLP request of nearly so many bytes. The same seed makes the same spans, but for their times.
func spans(seed, bytes int, fill filling) []byte {
	return spansOf(seed, spansIn(bytes), min(textBytes, max(bytes, 16)), fill)
}

func spansOf(seed, n, text int, fill filling) []byte {
	r := rand.New(rand.NewPCG(uint64(seed), uint64(text)))
	now := time.Now().Add(-time.Minute).UnixNano()
	scope := &trace.ScopeSpans{Scope: &common.InstrumentationScope{Name: "ceiling"}}
	for i := range n {
		id := make([]byte, 16)
		binary.BigEndian.PutUint64(id, uint64(seed)+1)
		binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
		start := uint64(now) + uint64(i)*1000
		scope.Spans = append(scope.Spans, &trace.Span{
			TraceId: id, SpanId: id[8:], Name: "POST /jobs", Kind: trace.Span_SPAN_KIND_SERVER, StartTimeUnixNano: start, EndTimeUnixNano: start + 1e6,
			Attributes: []*common.KeyValue{attribute("payload", fill(r, i, text))},
		})
	}
	return encoded(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{Resource: resourceOf(), ScopeSpans: []*trace.ScopeSpans{scope}}}})
}

func attribute(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

// encoded is a request of OTLP in bytes.
func encoded(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err) // made here, of valid texts
	}
	return b
}

func resourceOf() *resource.Resource {
	return &resource.Resource{Attributes: []*common.KeyValue{attribute("service.name", "ceiling")}}
}

// record is a request of one log record with a body.
func record(seed int, body *common.AnyValue) []byte {
	at := uint64(time.Now().Add(-time.Minute).UnixNano()) + uint64(seed)
	return encoded(&logscollector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: resourceOf(), ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{{TimeUnixNano: at, Body: body}}}},
	}}})
}

// largeRecord has a text of so many bytes, which compresses to half.
func largeRecord(seed, bytes int) []byte {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	return record(seed, &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: noise(r, 0, bytes)}})
}

// mapRecord has a map of so many keys, which no other record has.
func mapRecord(seed, keys int) []byte {
	list := make([]*common.KeyValue, keys)
	for i := range list {
		list[i] = attribute(fmt.Sprintf("key.%d.%d", seed, i), strconv.Itoa(i))
	}
	return record(seed, &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: list}}})
}

// keySpans is a request of spans with so many attributes each, of which no two have the same key.
func keySpans(seed, n, attributes int) []byte {
	at := uint64(time.Now().Add(-time.Minute).UnixNano())
	scope := &trace.ScopeSpans{}
	for i := range n {
		id := make([]byte, 16)
		binary.BigEndian.PutUint64(id, uint64(seed)+1)
		binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
		span := &trace.Span{TraceId: id, SpanId: id[8:], Name: "keys", StartTimeUnixNano: at, EndTimeUnixNano: at + 1}
		for j := range attributes {
			span.Attributes = append(span.Attributes, attribute(fmt.Sprintf("key.%d.%d.%d", seed, i, j), "x"))
		}
		scope.Spans = append(scope.Spans, span)
	}
	return encoded(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{Resource: resourceOf(), ScopeSpans: []*trace.ScopeSpans{scope}}}})
}

// points is a request of n points, each of a series of its own.
func points(first, n int) []byte {
	at := uint64(time.Now().Add(-time.Minute).UnixNano())
	list := make([]*metrics.NumberDataPoint, n)
	for i := range list {
		list[i] = &metrics.NumberDataPoint{
			TimeUnixNano: at, Value: &metrics.NumberDataPoint_AsInt{AsInt: int64(i)},
			Attributes: []*common.KeyValue{attribute("user.id", fmt.Sprintf("user-%d", first+i)), attribute("http.request.method", "GET")},
		}
	}
	return encoded(&metricscollector.ExportMetricsServiceRequest{ResourceMetrics: []*metrics.ResourceMetrics{{
		Resource: resourceOf(), ScopeMetrics: []*metrics.ScopeMetrics{{Metrics: []*metrics.Metric{{
			Name: "requests", Data: &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: list}},
		}}}},
	}}})
}

// emptyRecords is a request of logs, of nearly so many bytes: of records without anything, which have no time, of two bytes each; or one such
// beside each that is refused for its age, so that hardly two that follow one another are taken.
func emptyRecords(bytes int, refused bool) []byte {
	items := scopeLogs(&logs.LogRecord{})
	if refused {
		items = append(items, scopeLogs(&logs.LogRecord{TimeUnixNano: 1})...)
	}
	const around = 32
	scope := slices.Repeat(items, (bytes-around)/len(items))
	resourceLogs := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), scope)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), resourceLogs)
}

// scopeLogs is a record as a field of the scope's message.
func scopeLogs(r *logs.LogRecord) []byte {
	return encoded(&logs.ScopeLogs{LogRecords: []*logs.LogRecord{r}})
}

// bucketsJSON is a request of metrics in JSON, of nearly so many bytes: a histogram whose counts take two bytes each, and eight in protobuf.
func bucketsJSON(bytes int) []byte {
	const head, tail = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","histogram":{"dataPoints":[{"bucketCounts":[0`, `]}]}}]}]}]}`
	return []byte(head + strings.Repeat(",0", (bytes-len(head)-len(tail))/2) + tail)
}

// zeros is a source without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func gzipWriter(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) }

func zstdWriter(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
}

// squeezed is what comes of a source, which is never in memory as a whole.
func squeezed(by func(io.Writer) (io.WriteCloser, error), source io.Reader) ([]byte, error) {
	var out bytes.Buffer
	w, err := by(&out)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(w, source); err != nil {
		return nil, err
	}
	err = w.Close() // it writes the end
	return out.Bytes(), err
}
