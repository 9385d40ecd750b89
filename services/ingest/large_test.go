package ingest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// prompts is a request of spans with a prompt of each size, and of one with a trace state that is too large, where large is set.
func prompts(t testing.TB, large bool, sizes ...int) ptraceotlp.ExportRequest {
	t.Helper()
	request := ptraceotlp.NewExportRequest()
	spans := request.Traces().ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	add := func() ptrace.Span {
		s := spans.AppendEmpty()
		s.SetTraceID([16]byte{1})
		s.SetSpanID([8]byte{byte(spans.Len())})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(epoch()))
		return s
	}
	for _, size := range sizes {
		add().Attributes().PutStr("gen_ai.input.messages", `[{"role":"user","content":"`+strings.Repeat("möchte ", size/8)+`"}]`)
	}
	if large {
		add().TraceState().FromRaw(strings.Repeat("x", 9<<20))
	}
	return request
}

// However it is sent, what is larger than a message of the bus is kept but for the end of its largest values; who sent it is told how many, and by
// which setting; what cannot be cut is refused alone.
func TestWhatIsLargerThanAMessageIsCut(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	const cut = "cut the largest values of 2 of 4 spans taken, to fit 8380416 bytes with resource and scope (the limit is bus.max_message_bytes"
	const rejected = "rejected 1 of 5 spans: 1 larger than 8380416 bytes with resource and scope, in what cannot be cut (the first: resource_spans[0].scope_spans[0].spans[4]"
	sizes := []int{100, 9 << 20, 3 << 19, 20 << 20}
	ways := []string{"protobuf", "json", "gRPC", "api"}
	for i := range testbed.Some(2 * len(ways)) {
		way, large := ways[i/2], i%2 == 1
		request := prompts(t, large, sizes...)
		body, err := request.MarshalProto()
		require.NoError(t, err)
		if way == "json" || way == "api" {
			body, err = request.MarshalJSON()
			require.NoError(t, err)
		}
		response := ptraceotlp.NewExportResponse()
		var message string
		switch way {
		case "protobuf":
			got := r.post("/v1/traces", typeProtobuf, body)
			require.Equal(t, http.StatusOK, got.status)
			require.NoError(t, response.UnmarshalProto(got.body))
		case "json":
			got := r.post("/v1/traces", typeJSON, body)
			require.Equal(t, http.StatusOK, got.status)
			require.NoError(t, response.UnmarshalJSON(got.body))
		case "gRPC":
			got, err := call(t.Context(), conn, telemetry.Traces, body)
			require.NoError(t, err)
			require.NoError(t, response.UnmarshalProto(got))
		case "api":
			got := r.post("/api/traces", typeJSON, body)
			require.Equal(t, http.StatusAccepted, got.status)
			var answer struct {
				Accepted, Rejected int
				Message            string
			}
			require.NoError(t, json.Unmarshal(got.body, &answer))
			require.Equal(t, 4, answer.Accepted)
			message = answer.Message
			response.PartialSuccess().SetRejectedSpans(int64(answer.Rejected))
		}
		message += response.PartialSuccess().ErrorMessage()
		require.Contains(t, message, cut)
		if large {
			require.Equal(t, int64(1), response.PartialSuccess().RejectedSpans())
			require.Contains(t, message, rejected)
		} else {
			require.Zero(t, response.PartialSuccess().RejectedSpans())
			require.NotContains(t, message, "rejected")
		}
		if way == "protobuf" || way == "json" { // the others are of the same bytes
			spans := 0
			for _, batch := range r.stored(telemetry.Traces, 4) {
				spans += batch.Items
			}
			require.Equal(t, 4, spans)
		}
	}
}

// The same bytes are the same request, however much of it a message of the bus takes when they come: an ingest that is started anew with another
// limit publishes other batches of the same items.
func TestARequestIsTheSameUnderAnotherLimit(t *testing.T) {
	t.Parallel()
	body, err := prompts(t, false, 100, 200<<10, 100<<10, 100, 1<<20).MarshalProto()
	require.NoError(t, err)
	nats := bus.Config{}
	var first *running
	var covers telemetry.Ordinals
	requests := map[telemetry.RequestID]bool{}
	for _, limit := range []int{64 << 10, 256 << 10, 8 << 20} {
		r := start(t, func(c *Config) {
			if first != nil {
				c.Bus = nats
			}
			c.Bus.MaxMessageBytes = limit
			nats = c.Bus
		})
		if first == nil {
			first = r
		}
		require.Equal(t, http.StatusOK, r.post("/v1/traces", typeProtobuf, body).status)
		backlog, err := first.bus.Pending(t.Context(), telemetry.Traces)
		require.NoError(t, err)
		for _, batch := range first.stored(telemetry.Traces, int(backlog.Pending)) {
			require.LessOrEqual(t, len(batch.Payload), limit)
			covers = covers.Union(batch.Covers())
			requests[batch.Request] = true
		}
	}
	require.Len(t, requests, 1)
	require.Equal(t, "0-4", covers.String())
}

// NATS comes back with a smaller max_payload while a request is on its way that was cut to fit the larger: its sender is told to send it again, by
// whatever way, and that is cut to fit.
func TestARequestCutByAnEarlierLimitIsSentAgain(t *testing.T) {
	t.Parallel()
	var payload atomic.Int32
	payload.Store(1 << 20)
	nats := testbed.NATSServer(t, func(o *server.Options) { o.MaxPayload = payload.Load() })
	r := start(t, func(c *Config) { c.Bus, c.Bus.Compression = nats.Config(), "none" })
	conn := dial(t, r)
	shrink := func(to int32) {
		var reads atomic.Int32
		r.each.Store(new(func() {
			if reads.Add(1) != 2 { // the second is when the request is cut already
				return
			}
			s := r.service.bus.Load()
			nats.Stop()
			payload.Store(to)
			nats.Start()
			testbed.Eventually(t, "ingest knows the limit", func() bool { return s.Healthy(t.Context()) == nil && s.MaxPayload() < int(to) })
		}))
	}
	body, err := prompts(t, false, 100, 300<<10, 900<<10).MarshalProto()
	require.NoError(t, err)
	shrink(512 << 10)
	refused := r.post("/v1/traces", typeProtobuf, body)
	require.Equal(t, http.StatusServiceUnavailable, refused.status, "%s", refused.body)
	require.Contains(t, string(refused.body), "the limit is bus.max_message_bytes, or max_payload of NATS where that is less")
	shrink(128 << 10)
	_, err = call(t.Context(), conn, telemetry.Traces, body)
	require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	require.ErrorContains(t, err, "bus.max_message_bytes")
	r.each.Store(nil)

	got := r.post("/v1/traces", typeProtobuf, body)
	require.Equal(t, http.StatusOK, got.status)
	response := ptraceotlp.NewExportResponse()
	require.NoError(t, response.UnmarshalProto(got.body))
	require.Contains(t, response.PartialSuccess().ErrorMessage(), "cut the largest values of 2 of 3 spans taken")
	testbed.Eventually(t, "the test is connected again, too", func() bool { return r.bus.Healthy(t.Context()) == nil })
	var covers telemetry.Ordinals
	backlog, err := r.bus.Pending(t.Context(), telemetry.Traces)
	require.NoError(t, err)
	for _, batch := range r.stored(telemetry.Traces, int(backlog.Pending)) {
		covers = covers.Union(batch.Covers())
	}
	require.Equal(t, "0-2", covers.String())
}

// A log record that has no time and too much text gets both: the time of its arrival, and a mark.
func TestARecordWithoutTimeIsCutAndStamped(t *testing.T) {
	t.Parallel()
	r := start(t)
	request := plogotlp.NewExportRequest()
	records := request.Logs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	records.AppendEmpty().Body().SetStr(strings.Repeat("x", 9<<20))
	records.AppendEmpty().Body().SetStr("short")
	payload, err := request.MarshalProto()
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.post("/v1/logs", typeProtobuf, payload).status)
	for _, batch := range r.stored(telemetry.Logs, 2) {
		require.LessOrEqual(t, len(batch.Payload), r.bus.MaxPayload())
		in := plogotlp.NewExportRequest()
		require.NoError(t, in.UnmarshalProto(batch.Payload))
		record := in.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		require.Equal(t, epoch().UnixNano(), int64(record.ObservedTimestamp()))
		if size, cut := record.Attributes().Get(telemetry.CutAttribute); cut {
			require.Greater(t, size.Int(), int64(9<<20))
			require.Contains(t, record.Body().Str(), "…[cut by ollyScale: ")
		} else {
			require.Equal(t, "short", record.Body().Str())
		}
	}
}
