package ceiling

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
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
	b, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource: &resource.Resource{Attributes: []*common.KeyValue{attribute("service.name", "ceiling")}}, ScopeSpans: []*trace.ScopeSpans{scope},
	}}})
	if err != nil {
		panic(err) // made here, of valid texts
	}
	return b
}

func attribute(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
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
