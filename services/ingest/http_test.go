package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/labstack/echo/v4"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestOTLPOverHTTP(t *testing.T) {
	t.Parallel()
	r := start(t)
	position := map[telemetry.Signal]int{}
	for _, signal := range telemetry.Signals() {
		want := protobuf(t, signal)
		for _, form := range []struct {
			contentType, encoding string
			body, sent            []byte
		}{
			{"application/x-protobuf", "", want, want},
			{"application/x-protobuf", "gzip", gzipped(t, want), want},
			{"application/x-protobuf", "zstd", zstded(t, want), want},
			{"application/json", "", testdata(t, signal), testdata(t, signal)},
			{"application/json; charset=utf-8", "gzip", gzipped(t, testdata(t, signal)), testdata(t, signal)},
			{"application/json", "zstd", zstded(t, snakeCase(testdata(t, signal))), snakeCase(testdata(t, signal))},
			{"application/x-protobuf", "deflate", compressed(t, want, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), want},
			{"application/x-protobuf", "zlib", compressed(t, want, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), want},
			{"application/x-protobuf", "deflate", compressed(t, want, func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 5); return z }), want},
			{"application/x-protobuf", "snappy", compressed(t, want, func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) }), want},
			{"application/x-protobuf", "x-snappy-framed", compressed(t, want, func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) }), want},
			{"application/x-protobuf", "snappy", snappy.Encode(nil, want), want},
			{"application/json", "snappy", snappy.Encode(nil, testdata(t, signal)), testdata(t, signal)},
			{"application/x-protobuf", "lz4", compressed(t, want, func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) }), want},
		} {
			// Each in a tenant of its own: the same bytes of one tenant would be the same batch.
			tenant := fmt.Sprintf("t%d", position[signal])
			position[signal]++
			headers := []string{"X-Scope-OrgID", tenant}
			if form.encoding != "" {
				headers = append(headers, "Content-Encoding", form.encoding)
			}
			got := r.post("/v1/"+signal.String(), form.contentType, form.body, headers...)
			require.Equal(t, http.StatusOK, got.status, "%s", got.body)
			require.Equal(t, fmt.Sprint(position[signal]), got.header.Get("X-Olly-Position"))
			if strings.HasPrefix(form.contentType, "application/json") {
				require.Equal(t, "application/json", got.header.Get("Content-Type"))
				require.Equal(t, "{}", string(got.body))
			} else {
				require.Equal(t, "application/x-protobuf", got.header.Get("Content-Type"))
				require.Empty(t, got.body)
			}
			batch := r.stored(signal, 1)[0]
			if strings.HasPrefix(form.contentType, "application/json") {
				require.Equal(t, want, canonical(t, signal, batch.Payload))
			} else {
				require.Equal(t, want, batch.Payload, "byte for byte")
			}
			require.Equal(t, itemsOf(signal), batch.Items)
			require.Equal(t, telemetry.Tenant(tenant), batch.Tenant)
			require.Equal(t, epoch(), batch.Received)
			require.Equal(t, telemetry.NewRequestID(batch.Tenant, signal, form.sent), batch.Request, "of what was sent, decompressed")
			require.Nil(t, batch.Ordinals)
		}
	}
}

func TestPlainJSONOverHTTP(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, signal := range telemetry.Signals() {
		for i, body := range [][]byte{testdata(t, signal), snakeCase(testdata(t, signal))} {
			got := r.post("/api/"+signal.String(), "application/json", body, "X-Scope-OrgID", fmt.Sprint("t", i))
			require.Equal(t, http.StatusAccepted, got.status, "%s", got.body)
			requireJSON(t, fmt.Sprintf(`{"status":"accepted","accepted":%d,"rejected":0,"position":"%d"}`, itemsOf(signal), i+1), got.body)
			require.Equal(t, protobuf(t, signal), canonical(t, signal, r.stored(signal, 1)[0].Payload))
		}
	}
}

func TestNothingToStoreIsSuccess(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, signal := range telemetry.Signals() {
		got := r.post("/v1/"+signal.String(), "application/x-protobuf", nil)
		require.Equal(t, http.StatusOK, got.status)
		require.Empty(t, got.body)
		require.Empty(t, got.header.Get("X-Olly-Position"))
		got = r.post("/v1/"+signal.String(), "application/json", []byte(" {} "))
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, "{}", string(got.body))
	}
	r.nothing()
}

func TestBadInputOverHTTP(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.HTTP.MaxBodyBytes = 100_000
		c.MaxRequestBytes = 200_000
		c.MaxInFlightBytes = 10 << 20
	})
	fine := protobuf(t, telemetry.Traces)
	const pb, js = "application/x-protobuf", "application/json"
	cases := []struct {
		name, path, contentType string
		body                    []byte
		headers                 []string
		status                  int
		says                    string
	}{
		{"no content type", "/v1/traces", "", fine, nil, 415, "no Content-Type"},
		{"wrong content type", "/v1/traces", "text/plain", fine, nil, 415, `Content-Type "text/plain" is not taken here`},
		{"broken content type", "/v1/traces", ";;", fine, nil, 415, "is not taken here"},
		{"wrong encoding", "/v1/traces", pb, fine, []string{"Content-Encoding", "br"}, 415, `Content-Encoding "br" is not known`},
		{"truncated protobuf", "/v1/traces", pb, fine[:len(fine)-3], nil, 400, "the data ends inside a field (byte 3)"},
		{"trailing garbage", "/v1/traces", pb, append(bytes.Clone(fine), 0xff), nil, 400, fmt.Sprintf("(byte %d)", len(fine)+1)},
		{"JSON as protobuf", "/v1/traces", pb, testdata(t, telemetry.Traces), nil, 400, "not a valid OTLP request"},
		{"protobuf as JSON", "/v1/traces", js, fine, nil, 400, "not valid JSON"},
		{"invalid JSON", "/v1/logs", js, []byte(`{"resourceLogs":[`), nil, 400, "not valid JSON: unexpected end of JSON input (byte 17)"},
		{"garbage after JSON", "/v1/logs", js, []byte(`{} x`), nil, 400, "invalid character 'x' after top-level value (byte 4)"},
		{"JSON of another kind", "/v1/metrics", js, []byte(`[1]`), nil, 400, "want a JSON object with resourceMetrics"},
		{"empty JSON", "/v1/metrics", js, nil, nil, 400, "the body is empty"},
		{"JSON with a wrong type", "/v1/traces", js, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":"name"}]}]}`), nil, 400, `not an OTLP request: resourceSpans[0].scopeSpans[0].spans: want a list, got "\"name\""`},
		{"JSON with a wrong element", "/v1/metrics", js, []byte(`{"resourceMetrics":[{},5]}`), nil, 400, `resourceMetrics[1]: want an object, got "5"`},
		{"JSON nested without end", "/v1/traces", js, bytes.Repeat([]byte(`{"a":`), 19_000), nil, 400, "not valid JSON"},
		{"not gzip", "/v1/traces", pb, fine, []string{"Content-Encoding", "gzip"}, 400, `the body cannot be read as "gzip": invalid header`},
		{"gzip that ends early", "/v1/traces", pb, gzipped(t, fine)[:40], []string{"Content-Encoding", "gzip"}, 400, "it ends early"},
		{"no bytes of gzip", "/v1/traces", pb, nil, []string{"Content-Encoding", "gzip"}, 400, "it ends early"},
		{"not zstd", "/v1/traces", pb, fine, []string{"Content-Encoding", "zstd"}, 400, `the body cannot be read as "zstd"`},
		{"not zlib", "/v1/traces", pb, fine, []string{"Content-Encoding", "deflate"}, 400, `the body cannot be read as "deflate"`},
		{"no bytes of zlib", "/v1/traces", pb, nil, []string{"Content-Encoding", "zlib"}, 400, "it ends early"},
		{"not snappy", "/v1/traces", pb, fine, []string{"Content-Encoding", "snappy"}, 400, `the body cannot be read as "snappy"`},
		{"a large block of snappy", "/v1/traces", pb, snappy.Encode(nil, make([]byte, maxBlock/8))[:50], []string{"Content-Encoding", "snappy"}, 400, `the body cannot be read as "snappy"`},
		{"a block of snappy that claims too much", "/v1/traces", pb, []byte{0xff, 0xff, 0xff, 0xff, 7, 0, 0, 0, 0, 0, 0, 0}, []string{"Content-Encoding", "snappy"}, 400, "send it framed"},
		{"not lz4", "/v1/traces", pb, fine, []string{"Content-Encoding", "lz4"}, 400, `the body cannot be read as "lz4"`},
		{"a bomb of lz4", "/v1/traces", pb, compressed(t, make([]byte, 10<<20), func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) }), []string{"Content-Encoding", "lz4"}, 413, "larger than 200000 bytes"},
		{"a bomb of snappy", "/v1/traces", pb, snappy.Encode(nil, make([]byte, 1<<20)), []string{"Content-Encoding", "snappy"}, 413, "larger than 200000 bytes"},
		{"a bomb of zlib", "/v1/traces", pb, compressed(t, make([]byte, 10<<20), func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), []string{"Content-Encoding", "deflate"}, 413, "larger than 200000 bytes"},
		{"zstd that ends early", "/v1/traces", pb, zstded(t, fine)[:40], []string{"Content-Encoding", "zstd"}, 400, "it ends early"},
		{"over the limit as sent", "/v1/traces", pb, make([]byte, 100_001), nil, 413, "larger than 100000 bytes"},
		{"over the limit decompressed", "/v1/traces", pb, gzipped(t, make([]byte, 200_001)), []string{"Content-Encoding", "gzip"}, 413, "larger than 200000 bytes"},
		{"a bomb", "/v1/traces", pb, zstded(t, make([]byte, 50<<20)), []string{"Content-Encoding", "zstd"}, 413, "larger than 200000 bytes"},
		{"unknown path", "/v1/profiles", pb, fine, nil, 404, "there is nothing at this path"},
		{"bad tenant", "/v1/traces", pb, fine, []string{"X-Scope-OrgID", "a>b"}, 400, "X-Scope-OrgID"},
		{"wrong content type for plain JSON", "/api/traces", pb, fine, nil, 415, "want application/json"},
		{"invalid plain JSON", "/api/traces", js, []byte(`{`), nil, 400, "not valid JSON"},
		{"unknown plain path", "/api/profiles", js, []byte(`{}`), nil, 404, "there is nothing at this path"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			got := r.post(test.path, test.contentType, test.body, test.headers...)
			require.Equal(t, test.status, got.status, "%s", got.body)
			var message string
			switch {
			case strings.HasPrefix(test.path, "/api/"):
				require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
				var problem struct{ Detail, Code string }
				require.NoError(t, json.Unmarshal(got.body, &problem))
				require.NotEmpty(t, problem.Code)
				message = problem.Detail
			case test.contentType == pb:
				require.Equal(t, pb, got.header.Get("Content-Type"))
				var s spb.Status
				require.NoError(t, proto.Unmarshal(got.body, &s))
				require.NotZero(t, s.Code)
				message = s.Message
			default:
				require.Equal(t, js, got.header.Get("Content-Type"))
				var s struct {
					Code    int
					Message string
				}
				require.NoError(t, json.Unmarshal(got.body, &s))
				require.NotZero(t, s.Code)
				message = s.Message
			}
			require.Contains(t, message, test.says)
			require.Less(t, len(message), 1000)
		})
	}
	got := r.get("/v1/traces")
	require.Equal(t, http.StatusMethodNotAllowed, got.status)
	require.Contains(t, got.header.Get("Allow"), "POST")
	r.nothing()
	require.Equal(t, http.StatusOK, r.post("/v1/traces", pb, fine).status, "and it still works")
}

func TestItemsOutsideTheWindowArePartialSuccess(t *testing.T) {
	t.Parallel()
	r := start(t)
	old := bytes.ReplaceAll(testdata(t, telemetry.Logs), []byte(`"timeUnixNano": "1763899999000000000"`), []byte(`"timeUnixNano": "1544712660000000000"`))
	const message = "rejected 1 of 2 log records: 1 older than 2025-11-20T12:13:20Z (the first has time 2018-12-13T14:51:00Z)"

	got := r.post("/v1/logs", "application/json", old)
	require.Equal(t, http.StatusOK, got.status)
	requireJSON(t, `{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"`+message+`"}}`, got.body)
	batch := r.stored(telemetry.Logs, 1)[0]
	require.Equal(t, 1, batch.Items)
	kept := plogotlp.NewExportRequest()
	require.NoError(t, kept.UnmarshalProto(batch.Payload))
	require.Equal(t, "no time of its own", kept.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())

	payload, _, err := fromJSON(telemetry.Logs, old, maxRequest)
	require.NoError(t, err)
	got = r.post("/v1/logs", "application/x-protobuf", payload, "X-Scope-OrgID", "other")
	require.Equal(t, http.StatusOK, got.status)
	response := plogotlp.NewExportResponse()
	require.NoError(t, response.UnmarshalProto(got.body))
	require.Equal(t, int64(1), response.PartialSuccess().RejectedLogRecords())
	require.Equal(t, message, response.PartialSuccess().ErrorMessage())

	got = r.post("/api/logs", "application/json", old, "X-Scope-OrgID", "third")
	require.Equal(t, http.StatusAccepted, got.status)
	requireJSON(t, `{"status":"accepted","accepted":1,"rejected":1,"message":"`+message+`","position":"3"}`, got.body)

	r.clock.Advance(1000 * 24 * time.Hour)
	got = r.post("/v1/traces", "application/json", testdata(t, telemetry.Traces))
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, string(got.body), `"rejectedSpans":"1"`)
	require.Empty(t, got.header.Get("X-Olly-Position"), "nothing was left to store")
	backlog, err := r.bus.Pending(t.Context(), telemetry.Traces)
	require.NoError(t, err)
	require.Zero(t, backlog.LastPosition)
}

func TestTheWindowCanBeOpened(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Admit.MaxAge = MaxAgeConfig{Traces: -1, Logs: -1, Metrics: -1} })
	r.clock.Advance(10 * 365 * 24 * time.Hour)
	for _, signal := range telemetry.Signals() {
		require.Equal(t, "{}", string(r.post("/v1/"+signal.String(), "application/json", testdata(t, signal)).body))
		require.Equal(t, itemsOf(signal), r.stored(signal, 1)[0].Items)
	}
}

func TestALogWithoutAnyTimeIsObservedNow(t *testing.T) {
	t.Parallel()
	r := start(t)
	body := []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}`)
	first := r.post("/api/logs", "application/json", body)
	require.Equal(t, http.StatusAccepted, first.status, "%s", first.body)
	kept := plogotlp.NewExportRequest()
	require.NoError(t, kept.UnmarshalProto(r.stored(telemetry.Logs, 1)[0].Payload))
	record := kept.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	require.Equal(t, epoch(), record.ObservedTimestamp().AsTime())
	require.Zero(t, record.Timestamp())
}

func TestOneRecordWithoutATimeLeavesLargeNeighboursAlone(t *testing.T) {
	t.Parallel()
	r := start(t)
	request := plogotlp.NewExportRequest()
	records := request.Logs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	records.AppendEmpty().Body().SetStr("no time at all")
	timed := records.AppendEmpty()
	timed.SetTimestamp(pcommon.NewTimestampFromTime(epoch()))
	timed.Body().SetStr(strings.Repeat("x", 500_000))
	payload, err := request.MarshalProto()
	require.NoError(t, err)
	got := r.post("/v1/logs", "application/x-protobuf", payload)
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	require.Empty(t, got.body, "nothing is rejected")
	require.Equal(t, 2, r.stored(telemetry.Logs, 1)[0].Items)
}

// large makes a request of n spans with a random-looking attribute each.
func large(t testing.TB, n int) []byte {
	t.Helper()
	request := ptraceotlp.NewExportRequest()
	rs := request.Traces().ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	ss := rs.ScopeSpans().AppendEmpty()
	for i := range n {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID([16]byte{1, byte(i), byte(i >> 8), byte(i >> 16)})
		s.SetSpanID([8]byte{1, byte(i), byte(i >> 8), byte(i >> 16)})
		s.SetName("GET /product/{id}")
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(epoch().Add(-time.Second)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(epoch()))
		s.Attributes().PutStr("http.request.method", "GET")
		s.Attributes().PutInt("http.response.status_code", 200)
		s.Attributes().PutStr("url.path", fmt.Sprintf("/product/%d", i*7919))
		s.Attributes().PutStr("server.address", "shop.example.com")
		s.Attributes().PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
	}
	b, err := request.MarshalProto()
	require.NoError(t, err)
	return b
}

func TestALargeRequestIsSplitAndARetryAddsNothing(t *testing.T) {
	t.Parallel()
	r := start(t)
	payload := large(t, 20_000)
	require.Greater(t, len(payload), 3<<20)
	got := r.post("/v1/traces", "application/x-protobuf", gzipped(t, payload), "Content-Encoding", "gzip")
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	position := got.header.Get("X-Olly-Position")
	require.NotEqual(t, "1", position)
	again := r.post("/v1/traces", "application/x-protobuf", payload)
	require.Equal(t, position, again.header.Get("X-Olly-Position"))
	backlog, err := r.bus.Pending(t.Context(), telemetry.Traces)
	require.NoError(t, err)
	require.Equal(t, position, fmt.Sprint(backlog.Pending))
	items := 0
	for _, batch := range r.stored(telemetry.Traces, int(backlog.Pending)) {
		items += batch.Items
		require.LessOrEqual(t, len(batch.Payload), partBytes)
	}
	require.Equal(t, 20_000, items)
}

// A batch is of 1 MiB, or of what the bus takes where that is less: with the headers, of whatever does not compress.
func TestABatchFitsTheMessageOfTheBus(t *testing.T) {
	t.Parallel()
	for _, message := range []int{128 << 10, 1 << 20, 1<<20 + 4<<10, 8 << 20} {
		r := start(t, func(c *Config) { c.Bus.MaxMessageBytes, c.Bus.Compression = message, "none" })
		payload := large(t, 20_000)
		got := r.post("/v1/traces", "application/x-protobuf", payload)
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		require.Empty(t, got.body, "nothing is refused")
		backlog, err := r.bus.Pending(t.Context(), telemetry.Traces)
		require.NoError(t, err)
		items, largest := 0, 0
		for _, batch := range r.stored(telemetry.Traces, int(backlog.Pending)) {
			items += batch.Items
			largest = max(largest, len(batch.Payload))
		}
		require.Equal(t, 20_000, items)
		most := min(1<<20, r.bus.MaxPayload())
		require.LessOrEqual(t, largest, most)
		require.Greater(t, largest, most-4<<10, "and it is full")
	}
}

// TestALargeItemIsABatchOfItsOwn: a prompt of megabytes in an attribute is kept whole, and what is sent with it stays in batches of the
// ordinary size.
func TestALargeItemIsABatchOfItsOwn(t *testing.T) {
	t.Parallel()
	r := start(t)
	request := ptraceotlp.NewExportRequest()
	require.NoError(t, request.UnmarshalProto(large(t, 100)))
	spans := request.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	prompts := map[int]string{}
	for i, size := range []int{1_500_000, 7 << 20, 2 << 20} {
		prompts[30*i+5] = strings.Repeat(string(rune('a'+i)), size)
		spans.At(30*i+5).Attributes().PutStr("gen_ai.input.messages", prompts[30*i+5])
	}
	payload, err := request.MarshalProto()
	require.NoError(t, err)
	got := r.post("/v1/traces", "application/x-protobuf", payload)
	require.Equal(t, http.StatusOK, got.status)
	require.Empty(t, got.body, "nothing is refused")
	items, found := 0, 0
	for _, batch := range r.stored(telemetry.Traces, 7) {
		items += batch.Items
		if batch.Items > 1 {
			require.LessOrEqual(t, len(batch.Payload), partBytes)
		}
		for _, prompt := range prompts {
			if bytes.Contains(batch.Payload, []byte(prompt)) {
				found++
				require.Equal(t, 1, batch.Items)
			}
		}
		n, err := segment.NewTable(batch.Tenant, telemetry.Traces).Append(batch.Payload, 1)
		require.NoError(t, err)
		require.Equal(t, batch.Items, n)
	}
	require.Equal(t, 100, items)
	require.Equal(t, 3, found)
}

func TestWithoutNATSNothingIsASuccess(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Bus.PublishTimeout, c.Bus.RequestTimeout = time.Second, time.Second })
	r.nats.Stop()
	payload := protobuf(t, telemetry.Traces)
	got := r.post("/v1/traces", "application/x-protobuf", payload)
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "1", got.header.Get("Retry-After"))
	var s spb.Status
	require.NoError(t, proto.Unmarshal(got.body, &s))
	require.Equal(t, "the queue is unavailable; retry", s.Message)
	require.Equal(t, http.StatusServiceUnavailable, r.post("/api/traces", "application/json", testdata(t, telemetry.Traces)).status)

	health := r.get("/health")
	require.Equal(t, http.StatusServiceUnavailable, health.status)
	require.Contains(t, string(health.body), `"bus"`)
	require.Equal(t, http.StatusOK, r.get("/livez").status)

	r.nats.Start()
	testbed.Eventually(t, "requests are taken again", func() bool {
		return r.post("/v1/traces", "application/x-protobuf", payload).status == http.StatusOK
	})
	require.Equal(t, http.StatusOK, r.get("/health").status)
	r.stored(telemetry.Traces, 1)
}

func TestAFullStreamIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.Bus.MaxBytes = 1 << 20
		c.Bus.Compression = "none"
	})
	refused := answer{}
	for i := 0; i < 20 && refused.status == 0; i++ {
		got := r.post("/v1/traces", "application/x-protobuf", large(t, 500+i))
		if got.status != http.StatusOK {
			refused = got
		}
	}
	require.Equal(t, http.StatusTooManyRequests, refused.status)
	require.Equal(t, "1", refused.header.Get("Retry-After"))
	var s spb.Status
	require.NoError(t, proto.Unmarshal(refused.body, &s))
	require.Equal(t, "the queue is full; retry later", s.Message)
}

func TestBeyondTheMemoryBudgetSendersRetry(t *testing.T) {
	t.Parallel()
	b := &budget{limit: 16}
	require.NoError(t, b.take(9, b.limit, 0))
	require.Error(t, b.take(8, b.limit, 0))
	require.Error(t, b.take(8, b.limit, 8), "not all of what is used is its own")
	require.NoError(t, b.take(7, b.limit, 0))
	b.free(16)
	require.NoError(t, b.take(1, b.largest(), 0))
	require.Error(t, b.take(14, b.largest(), 0), "large requests leave an eighth to small ones")
	require.NoError(t, b.take(14, b.published(), 0), "and a sixteenth, where they are published")
	require.NoError(t, b.take(1, b.limit, 0))
	b.free(16)
	require.NoError(t, b.take(10, b.largest(), 0))
	require.NoError(t, b.take(10, b.largest(), 10), "one that is alone is always taken")
	require.Error(t, b.take(1, b.limit, 0), "then it is alone")

	r := start(t, func(c *Config) { c.MaxRequestBytes, c.MaxInFlightBytes = 1<<20, 3<<20 })
	got := r.post("/v1/traces", "application/x-protobuf", gzipped(t, make([]byte, 1<<20-1)), "Content-Encoding", "gzip")
	require.Contains(t, []int{http.StatusBadRequest, http.StatusTooManyRequests}, got.status)
	require.Equal(t, http.StatusOK, r.post("/v1/traces", "application/x-protobuf", protobuf(t, telemetry.Traces)).status, "and it is given back")
}

func TestBrowsersMaySendWhereAllowed(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.HTTP.CORSOrigins = []string{"https://shop.example.com"} })
	preflight := r.do(http.MethodOptions, "/v1/traces", http.Header{
		"Origin": {"https://shop.example.com"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"},
	}, nil)
	require.Equal(t, http.StatusNoContent, preflight.status)
	require.Equal(t, "https://shop.example.com", preflight.header.Get("Access-Control-Allow-Origin"))
	got := r.post("/v1/traces", "application/json", testdata(t, telemetry.Traces), "Origin", "https://shop.example.com")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "https://shop.example.com", got.header.Get("Access-Control-Allow-Origin"))
}

func TestBeaconsAreTakenFromKnownPages(t *testing.T) {
	t.Parallel()
	const page, plain = "https://shop.example.com", "text/plain;charset=UTF-8"
	body := testdata(t, telemetry.Traces)
	r := start(t, func(c *Config) { c.HTTP.CORSOrigins, c.HTTP.CORSCredentials, c.Beacons = []string{page}, true, true })
	got := r.post("/v1/traces", plain, body, "Origin", page)
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	require.Equal(t, "true", got.header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, protobuf(t, telemetry.Traces), canonical(t, telemetry.Traces, r.stored(telemetry.Traces, 1)[0].Payload))
	require.Equal(t, http.StatusAccepted, r.post("/api/traces", plain, body, "Origin", page, "X-Scope-OrgID", "t").status)
	r.stored(telemetry.Traces, 1)
	require.Equal(t, http.StatusBadRequest, r.post("/v1/traces", plain, []byte("hello"), "Origin", page).status)
	require.Equal(t, http.StatusUnsupportedMediaType, r.post("/v1/traces", plain, body, "Origin", "https://other.example.com").status)
	require.Equal(t, http.StatusUnsupportedMediaType, r.post("/v1/traces", plain, body).status)

	off := start(t, func(c *Config) { c.HTTP.CORSOrigins = []string{page} })
	got = off.post("/v1/traces", plain, body, "Origin", page)
	require.Equal(t, http.StatusUnsupportedMediaType, got.status)
	require.Empty(t, got.header.Get("Access-Control-Allow-Credentials"))
	off.nothing()
}

// TestABeaconHasNoKey: sendBeacon sets no header, and so proves nothing where keys are demanded. A page's fetch can, after it has asked.
func TestABeaconHasNoKey(t *testing.T) {
	t.Parallel()
	const page = "https://shop.example.com"
	r := start(t, demandKeys, func(c *Config) { c.HTTP.CORSOrigins, c.HTTP.CORSCredentials, c.Beacons = []string{page}, true, true })
	send, key := auth.NewKey()
	key.Tenant, key.Scopes = "shop", auth.Of(auth.Ingest)
	r.tellKeys(time.Now(), key)
	testbed.Eventually(t, "ingest is ready", func() bool { return r.get("/health").status == http.StatusOK })
	body := testdata(t, telemetry.Traces)
	for _, query := range []string{"", "?x-api-key=" + send, "?X-Api-Key=" + send, "?authorization=Bearer+" + send, "?Authorization=Bearer+" + send} {
		got := r.post("/v1/traces"+query, "text/plain;charset=UTF-8", body, "Origin", page, "Cookie", "x-api-key="+send)
		require.Equal(t, http.StatusUnauthorized, got.status, "a key in an address would stand in every log on its way")
		require.Equal(t, page, got.header.Get("Access-Control-Allow-Origin"), "the page may read why")
	}
	r.nothing()
	preflight := r.do(http.MethodOptions, "/v1/traces", http.Header{
		"Origin": {page}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type,x-api-key"},
	}, nil)
	require.Equal(t, http.StatusNoContent, preflight.status)
	require.Equal(t, "content-type,x-api-key", preflight.header.Get("Access-Control-Allow-Headers"))
	require.Equal(t, http.StatusOK, r.post("/v1/traces", typeJSON, body, "Origin", page, "X-Api-Key", send).status)
	require.Equal(t, telemetry.Tenant("shop"), r.stored(telemetry.Traces, 1)[0].Tenant)
}

func TestHTTP2WithoutTLSIsSpoken(t *testing.T) {
	t.Parallel()
	r := start(t)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	want := protobuf(t, telemetry.Logs)
	for i, body := range [][]byte{want, nil} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http+"/v1/logs", bytes.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", typeProtobuf)
		response, err := (&http.Client{Transport: transport}).Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Equal(t, 2, response.ProtoMajor)
		if i == 0 {
			require.Equal(t, want, r.stored(telemetry.Logs, 1)[0].Payload)
		}
	}
	// A client that offers to change is answered in what it speaks.
	got := r.post("/v1/logs", typeProtobuf, want, "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA", "X-Scope-OrgID", "t")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, want, r.stored(telemetry.Logs, 1)[0].Payload)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	require.Error(t, Config{}.Validate(), "0 means 0")
	for want, change := range map[string]func(*Config){
		"http.address":            func(c *Config) { c.HTTP.Address = "nowhere" },
		"grpc.address":            func(c *Config) { c.GRPC.Address = "nowhere" },
		"grpc.tls_cert_file":      func(c *Config) { c.GRPC.TLSCertFile = "x" },
		"grpc.max_streams":        func(c *Config) { c.GRPC.MaxStreams = -1 },
		"grpc.read_timeout":       func(c *Config) { c.GRPC.ReadTimeout = -1 },
		"grpc.idle_timeout":       func(c *Config) { c.GRPC.IdleTimeout = 0 },
		"grpc.max_connection_age": func(c *Config) { c.GRPC.MaxAge = -1 },
		"grpc.max_connections":    func(c *Config) { c.GRPC.Connections = 0 },
		"http.max_connections":    func(c *Config) { c.HTTP.Connections = 0 },
		"grpc.drain_timeout":      func(c *Config) { c.GRPC.DrainTimeout = -1 },
		"bus.compression":         func(c *Config) { c.Bus.Compression = "lzma" },
		"bus.max_message_bytes":   func(c *Config) { c.Bus.MaxMessageBytes = 8<<20 + 1 },
		"auth.mode":               func(c *Config) { c.Auth.Mode = "maybe" },
		"admit.max_ahead":         func(c *Config) { c.Admit.MaxAhead = -1 },
		"max_request_bytes":       func(c *Config) { c.MaxRequestBytes = 1 },
		"max_in_flight_bytes":     func(c *Config) { c.MaxInFlightBytes = 1 },
		"http.cors_credentials":   func(c *Config) { c.HTTP.CORSCredentials = true },
		"beacons":                 func(c *Config) { c.Beacons = true },
		"publish_timeout":         func(c *Config) { c.PublishTimeout = -1 },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), want)
	}
}

func TestATenantThatIsNamedTwiceIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t)
	h := http.Header{"Content-Type": {typeProtobuf}, "X-Scope-Orgid": {"a", "b"}}
	got := r.do(http.MethodPost, "/v1/traces", h, protobuf(t, telemetry.Traces))
	require.Equal(t, http.StatusBadRequest, got.status, "%s", got.body)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", "a", "x-scope-orgid", "b")
	_, err := call(ctx, dial(t, r), telemetry.Traces, protobuf(t, telemetry.Traces))
	require.Equal(t, codes.InvalidArgument, status.Code(err), "%v", err)
	r.nothing()
}

func TestWhatTheRouterRefusesIsNoDefect(t *testing.T) {
	t.Parallel()
	require.Equal(t, fault.NotFound, refusedClass(echo.ErrNotFound))
	require.Equal(t, fault.Invalid, refusedClass(echo.ErrMethodNotAllowed))
	require.Equal(t, fault.Internal, refusedClass(echo.ErrInternalServerError))
	require.Equal(t, fault.Overloaded, refusedClass(errBusy.New("busy")))
}
