package ingest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	pb "google.golang.org/protobuf/proto"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// Rules of OTLP that no other test holds; docs/otlp-conformance.md says which test holds which.

func TestDefaultsAreThoseOfOTLP(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	for address, port := range map[string]string{c.GRPC.Address: "4317", c.HTTP.Address: "4318"} {
		_, got, err := net.SplitHostPort(address)
		require.NoError(t, err)
		require.Equal(t, port, got)
	}
	require.EqualValues(t, 64<<20, c.MaxRequestBytes)
	require.EqualValues(t, 64<<20, c.HTTP.MaxBodyBytes)
}

// Envelopes that hold nothing, at each depth, are a success of which nothing is stored.
func TestEmptyEnvelopesAreSuccess(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	traces, logs, metrics := ptraceotlp.NewExportRequest(), plogotlp.NewExportRequest(), pmetricotlp.NewExportRequest()
	rs := traces.Traces().ResourceSpans()
	rs.AppendEmpty().Resource().Attributes().PutStr("service.name", "quiet")
	rs.AppendEmpty().ScopeSpans().AppendEmpty().Scope().SetName("nothing")
	rl := logs.Logs().ResourceLogs()
	rl.AppendEmpty().SetSchemaUrl("https://example.com/1.0")
	rl.AppendEmpty().ScopeLogs().AppendEmpty()
	rm := metrics.Metrics().ResourceMetrics()
	rm.AppendEmpty().ScopeMetrics().AppendEmpty()
	named := rm.AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	named.AppendEmpty().SetName("of no kind")
	named.AppendEmpty().SetEmptySum().SetIsMonotonic(true)
	for signal, request := range map[telemetry.Signal]interface {
		MarshalProto() ([]byte, error)
		MarshalJSON() ([]byte, error)
	}{telemetry.Traces: traces, telemetry.Logs: logs, telemetry.Metrics: metrics} {
		binary, err := request.MarshalProto()
		require.NoError(t, err)
		text, err := request.MarshalJSON()
		require.NoError(t, err)
		for _, payload := range [][]byte{nil, binary} {
			answer, err := call(t.Context(), conn, signal, payload)
			require.NoError(t, err)
			require.Empty(t, answer, "no partial success")
			got := r.post("/v1/"+signal.String(), typeProtobuf, payload)
			require.Equal(t, http.StatusOK, got.status, "%s", got.body)
			require.Empty(t, got.body)
		}
		got := r.post("/v1/"+signal.String(), typeJSON, text)
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		require.Equal(t, "{}", string(got.body))
	}
	r.nothing()
}

// statusOf reads the answer to a failure: a Status in the form of the request.
func statusOf(t *testing.T, contentType string, got answer) *spb.Status {
	t.Helper()
	require.Equal(t, contentType, got.header.Get("Content-Type"))
	s := &spb.Status{}
	if contentType == typeProtobuf {
		require.NoError(t, pb.Unmarshal(got.body, s))
	} else {
		require.NoError(t, protojson.Unmarshal(got.body, s))
	}
	return s
}

func TestEveryFailureIsAStatusInTheFormOfItsRequest(t *testing.T) {
	t.Parallel()
	const key = "X-Api-Key"
	send, sender := auth.NewKey()
	sender.Tenant, sender.Scopes = "red", auth.Of(auth.Ingest)
	ask, reader := auth.NewKey()
	reader.Tenant, reader.Scopes = "red", auth.Of(auth.Query)
	r := start(t, demandKeys, func(c *Config) {
		c.HTTP.MaxBodyBytes, c.Bus.PublishTimeout, c.Bus.RequestTimeout = 100_000, time.Second, time.Second
	})
	await := r.post("/v1/traces", typeProtobuf, nil, key, send)
	require.Equal(t, http.StatusServiceUnavailable, await.status, "keys are not known yet")
	requireReason(t, "auth.not_ready", statusOf(t, typeProtobuf, await).Details)
	r.tellKeys(time.Now(), sender, reader)
	testbed.Eventually(t, "ingest is ready", func() bool { return r.get("/health").status == http.StatusOK })

	failures := []struct {
		method, path, key string
		body              int // bytes
		headers           []string
		status            int
		reason            string
	}{
		{http.MethodPost, "/v1/traces", send, 3, nil, 400, ""},
		{http.MethodPost, "/v1/logs", send, 3, []string{"Content-Encoding", "gzip"}, 400, "http.bad_encoding"},
		{http.MethodPost, "/v1/traces", "", 0, nil, 401, "auth.unauthenticated"},
		{http.MethodPost, "/v1/metrics", ask, 0, nil, 403, "auth.scope"},
		{http.MethodPost, "/v1/traces", send, 0, []string{"X-Scope-OrgID", "blue"}, 403, "auth.tenant"},
		{http.MethodPost, "/v1/nothing", send, 0, nil, 404, "http.not_found"},
		{http.MethodPost, "/v1development/profiles", send, 0, nil, 404, "otlp.no_profiles"},
		{http.MethodGet, "/v1/traces", send, 0, nil, 405, "http.method_not_allowed"},
		{http.MethodPut, "/v1/logs", send, 0, nil, 405, "http.method_not_allowed"},
		{http.MethodPost, "/v1/traces", send, 100_001, nil, 413, "http.body_too_large"},
		{http.MethodPost, "/v1/traces", send, 5, []string{"Content-Encoding", "br"}, 415, "http.unsupported_media_type"},
	}
	for _, contentType := range []string{typeProtobuf, typeJSON} {
		check := func(got answer, want int, reason string) {
			t.Helper()
			require.Equal(t, want, got.status, "%s", got.body)
			s := statusOf(t, contentType, got)
			require.NotEmpty(t, s.Message)
			require.NotZero(t, s.Code)
			if reason != "" {
				requireReason(t, reason, s.Details)
			}
		}
		for _, f := range failures {
			h := http.Header{"Content-Type": {contentType}, key: {f.key}}
			for i := 0; i < len(f.headers); i += 2 {
				h.Set(f.headers[i], f.headers[i+1])
			}
			check(r.do(f.method, f.path, h, bytes.Repeat([]byte{0xff}, f.body)), f.status, f.reason)
		}
		defect := func() { panic("a defect") }
		r.meets.Store(&defect)
		body := protobuf(t, telemetry.Logs)
		if contentType == typeJSON {
			body = testdata(t, telemetry.Logs)
		}
		check(r.post("/v1/logs", contentType, body, key, send), 500, "internal")
	}
	// Of a request in no form of OTLP, the failure is told in JSON.
	for _, contentType := range []string{"", "text/plain", "application/xml; charset=x"} {
		got := r.post("/v1/traces", contentType, []byte("x"), key, send)
		require.Equal(t, http.StatusUnsupportedMediaType, got.status)
		require.NotEmpty(t, statusOf(t, typeJSON, got).Message)
	}
	r.nats.Stop()
	for contentType, body := range map[string][]byte{typeProtobuf: protobuf(t, telemetry.Traces), typeJSON: testdata(t, telemetry.Traces)} {
		got := r.post("/v1/traces", contentType, body, key, send)
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.NotEmpty(t, statusOf(t, contentType, got).Message)
	}
}

// TestBadDataComesWithABadRequest: whatever is wrong with the data of a request, and on whatever transport.
func TestBadDataComesWithABadRequest(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	badRequest := func(s *spb.Status, says string) {
		t.Helper()
		for _, d := range status.FromProto(s).Details() {
			if bad, ok := d.(*errdetails.BadRequest); ok {
				require.Len(t, bad.GetFieldViolations(), 1)
				require.NotEmpty(t, bad.GetFieldViolations()[0].GetField())
				require.Contains(t, bad.GetFieldViolations()[0].GetDescription(), says)
				return
			}
		}
		require.Fail(t, "no BadRequest", "%v", s)
	}
	fine := protobuf(t, telemetry.Traces)
	for _, bad := range []struct {
		contentType, encoding string
		body                  []byte
		says                  string
	}{
		{typeProtobuf, "", fine[:len(fine)-3], "the data ends inside a field"},
		{typeProtobuf, "gzip", fine, "cannot be read"},
		{typeProtobuf, "zstd", fine, "cannot be read"},
		{typeJSON, "", []byte(`{"resourceSpans":[`), "not valid JSON"},
		{typeJSON, "", nil, "empty"},
		{typeJSON, "", []byte(`[]`), "want a JSON object"},
		{typeJSON, "", []byte(`{"resourceSpans":{}}`), "want a list"},
	} {
		got := r.post("/v1/traces", bad.contentType, bad.body, "Content-Encoding", bad.encoding)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Empty(t, got.header.Get("Retry-After"))
		badRequest(statusOf(t, bad.contentType, got), bad.says)
	}
	_, err := call(t.Context(), conn, telemetry.Traces, fine[:len(fine)-3])
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	badRequest(status.Convert(err).Proto(), "the data ends inside a field")
	_, err = call(metadata.AppendToOutgoingContext(t.Context(), "X-Scope-OrgID", "no tenant"), conn, telemetry.Traces, fine)
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	badRequest(status.Convert(err).Proto(), "X-Scope-OrgID")
	r.nothing()
}

// TestOnlyWhatPassesIsToBeRepeated holds the answers to every class of error against the two tables by which OTLP's clients decide: what
// passes by itself is repeated, with a time to wait, and nothing else is.
func TestOnlyWhatPassesIsToBeRepeated(t *testing.T) {
	t.Parallel()
	r := start(t)
	repeatedHTTP := map[int]bool{429: true, 502: true, 503: true, 504: true}
	repeatedGRPC := map[codes.Code]bool{
		codes.Canceled: true, codes.DeadlineExceeded: true, codes.Aborted: true, codes.OutOfRange: true, codes.Unavailable: true, codes.DataLoss: true,
	}
	for class, passes := range map[fault.Class]bool{
		fault.Internal: false, fault.Invalid: false, fault.TooLarge: false, fault.NotFound: false, fault.Overloaded: true, fault.Unavailable: true,
	} {
		for _, httpStatus := range []int{0, http.StatusUnauthorized, http.StatusForbidden} {
			if httpStatus != 0 && class != fault.Invalid {
				continue
			}
			kind := fault.Kind{Class: class, Code: "x", Status: httpStatus}
			err := kind.New("it went wrong")
			for _, contentType := range []string{typeProtobuf, typeJSON} {
				recorder := httptest.NewRecorder()
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/traces", nil)
				request.Header.Set("Content-Type", contentType)
				r.service.refuse(echo.New().NewContext(request, recorder), err)
				require.Equal(t, passes, repeatedHTTP[recorder.Code], "%s: %d", class, recorder.Code)
				require.Equal(t, passes, recorder.Header().Get("Retry-After") == "1")
				_, told := retryInfo(statusOf(t, contentType, answer{recorder.Code, recorder.Header(), recorder.Body.Bytes()}))
				require.Equal(t, passes, told)
			}
			st := status.Convert(r.service.grpcError(t.Context(), err))
			wait, told := retryInfo(st.Proto())
			require.Equal(t, passes, repeatedGRPC[st.Code()] || st.Code() == codes.ResourceExhausted && told, "%s: %s", class, st.Code())
			require.Equal(t, passes, told)
			if told {
				require.Equal(t, httpserver.RetryAfterSeconds*time.Second, wait)
			}
		}
	}
}

func retryInfo(s *spb.Status) (time.Duration, bool) {
	for _, d := range status.FromProto(s).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

// TestABodyThatWasCutIsToBeSentAgain: what did not arrive, or not in time, says nothing of the data; what is framed wrong does.
func TestABodyThatWasCutIsToBeSentAgain(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.HTTP.ReadTimeout = 200 * time.Millisecond })
	payload := protobuf(t, telemetry.Traces)
	for _, test := range []struct {
		body   string
		cut    bool
		status int
		retry  string
		reason string
	}{
		{fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(payload), payload[:50]), true, 503, "1", "timeout"},
		{fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(payload), payload[:50]), false, 503, "1", "timeout"},
		{"Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, 400, "", "http.bad_body"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.http, "http://"))
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = io.WriteString(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"+test.body)
		require.NoError(t, err)
		if test.cut {
			require.NoError(t, conn.(*net.TCPConn).CloseWrite()) //nolint:forcetypeassert // it is one
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, test.status, response.StatusCode)
		require.Equal(t, test.retry, response.Header.Get("Retry-After"))
		requireReason(t, test.reason, statusOf(t, typeProtobuf, answer{response.StatusCode, response.Header, body}).Details)
	}
	r.nothing()
}

// TestAnswersAreSmall: whatever a request holds and however wrong it is, the answer is small.
func TestAnswersAreSmall(t *testing.T) {
	t.Parallel()
	const most = 4 << 10
	r := start(t)
	conn := dial(t, r)
	long := strings.Repeat("long\x00\u00e9\"", 100_000)
	nested := strings.Repeat(`{"arrayValue":{"values":[`, 100) + `{"intValue":"` + strings.Repeat("x", 100_000) + `"}` + strings.Repeat(`]}}`, 100)
	const ids = `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"`
	text := `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Join([]string{
		`{"traceId":"` + strings.Repeat("z", 100_000) + `"}`,
		`{` + ids + `,"attributes":[{"key":"a","value":` + nested + `}]}`,
		`{` + ids + `,"kind":"` + strings.Repeat("K", 100_000) + `"}`,
		`{` + ids + `}`,
		`{` + ids + `,"startTimeUnixNano":"18446744073709551615"}`,
		`{"spanId":"eee19b7ec3c1b174","startTimeUnixNano":"1763899999000000000"}`,
		`{"traceId":"5b8efff798038103d269b633813fc60c","startTimeUnixNano":"1763899999000000000"}`,
		`{` + ids + `,"startTimeUnixNano":"1763899999000000000"}`,
	}, ",") + `]}]}]}`
	for range 2 {
		got := r.post("/v1/traces", typeJSON, []byte(text))
		require.Equal(t, http.StatusOK, got.status, "%s", got.body[:min(len(got.body), most)])
		require.Contains(t, string(got.body), `"rejectedSpans":"7"`)
		require.Less(t, len(got.body), most)
	}
	many := ptraceotlp.NewExportRequest()
	for i := range 20_000 {
		many.Traces().ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetTraceID([16]byte{byte(i)})
	}
	payload, err := many.MarshalProto()
	require.NoError(t, err)
	body, err := call(t.Context(), conn, telemetry.Traces, payload)
	require.NoError(t, err)
	require.Contains(t, string(body), "rejected 20000 of 20000 spans")
	require.Less(t, len(body), most)

	header := strings.Repeat("x", 10_000)
	for _, got := range []answer{
		r.post("/v1/traces", typeJSON, []byte(long)),
		r.post("/v1/traces", typeJSON, []byte(`{"resourceSpans":"`+strings.Repeat("x", 100_000)+`"}`)),
		r.post("/v1/traces", "text/"+header, nil),
		r.post("/v1/traces", typeJSON, []byte("{}"), "Content-Encoding", header),
		r.post("/v1/traces", typeJSON, []byte("{}"), "X-Scope-OrgID", header),
		r.post("/v1/"+header, typeJSON, nil),
	} {
		require.GreaterOrEqual(t, got.status, 400)
		require.Less(t, len(got.body), most)
	}
	_, err = call(metadata.AppendToOutgoingContext(t.Context(), "X-Scope-OrgID", header), conn, telemetry.Traces, payload)
	require.Error(t, err)
	require.Less(t, pb.Size(status.Convert(err).Proto()), most)
}

// Refusals, too, leave the connection to the next request.
func TestAConnectionIsKeptBetweenRequests(t *testing.T) {
	t.Parallel()
	r := start(t)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	fine := protobuf(t, telemetry.Logs)
	for i, body := range [][]byte{fine, []byte("broken"), nil, fine} {
		kept := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { kept = c.Reused }})
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.http+"/v1/logs", bytes.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", typeProtobuf)
		response, err := (&http.Client{Transport: transport}).Do(request)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, i == 1, response.StatusCode == http.StatusBadRequest)
		require.Equal(t, i > 0, kept)
	}
}

// TestRequestsAreServedSideBySide: a call that waits for its message holds up no other, of the same connection or of another.
func TestRequestsAreServedSideBySide(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	waiting := make(chan struct{})
	together, cancel := context.WithTimeout(t.Context(), testbed.Patience)
	defer cancel()
	meeting, alone := atomic.Int32{}, atomic.Int32{}
	const n = 30
	r.each.Store(new(func() { // each is in the middle of its admission until all are
		if meeting.Add(1) == 2*n {
			close(waiting)
		}
		select {
		case <-waiting:
		case <-together.Done():
			alone.Add(1)
		}
	}))
	var all sync.WaitGroup
	errs := make(chan error, 2*n)
	for i := range n {
		all.Go(func() {
			_, err := call(metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", fmt.Sprint("g", i)), conn, telemetry.Traces, protobuf(t, telemetry.Traces))
			errs <- err
		})
		all.Go(func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http+"/v1/traces", bytes.NewReader(protobuf(t, telemetry.Traces)))
			if err == nil {
				request.Header = http.Header{"Content-Type": {typeProtobuf}, "X-Scope-Orgid": {fmt.Sprint("h", i)}}
				var response *http.Response
				if response, err = http.DefaultClient.Do(request); err == nil {
					if _ = response.Body.Close(); response.StatusCode != http.StatusOK {
						err = fmt.Errorf("status %d", response.StatusCode)
					}
				}
			}
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Zero(t, alone.Load(), "they waited for one another")
	r.stored(telemetry.Traces, 2*n)
}

func TestIDsAreHexOfEitherCase(t *testing.T) {
	t.Parallel()
	const trace, span = "5b8EFFf798038103D269b633813FC60c", "EEe19b7ec3c1B174"
	span2, trace2 := strings.ToUpper(span), strings.ToUpper(trace)
	request := func(trace, span string) map[telemetry.Signal]string {
		ids := `"traceId":"` + trace + `","spanId":"` + span + `"`
		return map[telemetry.Signal]string{
			telemetry.Traces: `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + ids + `,"parentSpanId":"` + span + `","startTimeUnixNano":"1763899999000000000","links":[{` + ids + `}]}]}]}]}`,
			telemetry.Logs:   `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1763899999000000000",` + ids + `}]}]}]}`,
			telemetry.Metrics: `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"timeUnixNano":"1763899999000000000","asInt":"1",
				"exemplars":[{"asInt":"1",` + ids + `}]}]}}]}]}]}`,
		}
	}
	for signal, body := range request(strings.ToLower(trace), strings.ToLower(span)) {
		want, refused, err := fromJSON(signal, []byte(body), maxRequest)
		require.NoError(t, err)
		require.Zero(t, refused.Refused())
		require.Positive(t, bytes.Count(want, []byte{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}))
		require.Positive(t, bytes.Count(want, []byte{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74}))
		for _, other := range []string{request(trace, span)[signal], request(trace2, span2)[signal]} {
			got, refused, err := fromJSON(signal, []byte(other), maxRequest)
			require.NoError(t, err)
			require.Zero(t, refused.Refused())
			require.Equal(t, want, got)
		}
	}
}

// TestUnknownFieldsOfJSONChangeNothing puts fields that OTLP does not have into every object of a request.
func TestUnknownFieldsOfJSONChangeNothing(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, signal := range telemetry.Signals() {
		for i, unknown := range []string{
			`"futureField":17,`, `"future":{"traceId":5,"spans":[{}]},`, `"future":[[1,{"a":"}"}],null],`, `"TraceId":"zz","resourcespans":[],`, `"":"","__proto__":{"name":1},`,
		} {
			body := bytes.ReplaceAll(testdata(t, signal), []byte("{"), []byte("{"+unknown))
			body = bytes.ReplaceAll(body, []byte(",}"), []byte("}"))
			got := r.post("/v1/"+signal.String(), typeJSON, body, "X-Scope-OrgID", fmt.Sprint("t", i))
			require.Equal(t, http.StatusOK, got.status, "%s", got.body)
			require.Equal(t, "{}", string(got.body))
			require.Equal(t, protobuf(t, signal), canonical(t, signal, r.stored(signal, 1)[0].Payload))
		}
	}
}

// TestIndexesOfProfilesAreAbsentInOtherSignals: a key or a text that is an index into the tables of profiles is no error, and none.
func TestIndexesOfProfilesAreAbsentInOtherSignals(t *testing.T) {
	t.Parallel()
	r := start(t)
	indexed := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValueStrindex{StringValueStrindex: 7}}
	request := &logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{
		TimeUnixNano: 1_763_899_999_000_000_000, Body: indexed,
		Attributes: []*commonpb.KeyValue{
			{Key: "a", Value: indexed},
			{KeyStrindex: 3, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 1}}},
			{Key: "list", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{indexed}}}}},
		},
	}}}}}}}
	payload, err := pb.Marshal(request)
	require.NoError(t, err)
	text, err := protojson.Marshal(request)
	require.NoError(t, err)
	for _, form := range []struct {
		contentType string
		body        []byte
	}{{typeProtobuf, payload}, {typeJSON, text}} {
		got := r.post("/v1/logs", form.contentType, form.body, "X-Scope-OrgID", form.contentType[len("application/"):])
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		require.NotContains(t, string(got.body), "rejected")
		table := segment.NewTable("t", telemetry.Logs)
		_, err := table.Append(r.stored(telemetry.Logs, 1)[0].Payload, 1)
		require.NoError(t, err)
		back := plogotlp.NewExportRequest()
		require.NoError(t, back.UnmarshalProto(table.OTLP(nil)))
		record := back.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		require.Empty(t, record.Body().AsString())
		require.Equal(t, map[string]any{"a": nil, "": int64(1), "list": []any{nil}}, record.Attributes().AsRaw())
	}
}

// A point without a time is refused however wide the window is.
func TestAPointWithoutATimeIsRefused(t *testing.T) {
	t.Parallel()
	for _, age := range []time.Duration{time.Hour, -1} {
		r := start(t, func(c *Config) { c.Admit.MaxAge.Metrics = age })
		request := pmetricotlp.NewExportRequest()
		metrics := request.Metrics().ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
		metrics.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(1)
		metrics.AppendEmpty().SetEmptySum().DataPoints().AppendEmpty().SetIntValue(1)
		metrics.AppendEmpty().SetEmptyHistogram().DataPoints().AppendEmpty().SetCount(1)
		metrics.AppendEmpty().SetEmptyExponentialHistogram().DataPoints().AppendEmpty().SetCount(1)
		metrics.AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().SetCount(1)
		payload, err := request.MarshalProto()
		require.NoError(t, err)
		got, err := pmetricotlp.NewGRPCClient(dial(t, r)).Export(t.Context(), request)
		require.NoError(t, err)
		require.Equal(t, int64(5), got.PartialSuccess().RejectedDataPoints())
		require.Contains(t, got.PartialSuccess().ErrorMessage(), "time 0 (missing)")
		require.Equal(t, http.StatusOK, r.post("/v1/metrics", typeProtobuf, payload).status)
		r.nothing()
	}
}

// TestARecordWithABadIDBelongsToNoTrace: the record is kept, without the id, on every way in.
func TestARecordWithABadIDBelongsToNoTrace(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	trace, span := bytes.Repeat([]byte{0xab}, 17), bytes.Repeat([]byte{0xcd}, 9)
	fineTrace, fineSpan := strings.Repeat("ab", 16), strings.Repeat("cd", 8)
	stored := func() []string {
		t.Helper()
		table := segment.NewTable("t", telemetry.Logs)
		_, err := table.Append(r.stored(telemetry.Logs, 1)[0].Payload, 1)
		require.NoError(t, err)
		back := plogotlp.NewExportRequest()
		require.NoError(t, back.UnmarshalProto(table.OTLP(nil)))
		var out []string
		for _, record := range back.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			out = append(out, record.Body().Str()+" "+record.TraceID().String()+" "+record.SpanID().String())
		}
		return out
	}
	var records []*logspb.LogRecord
	want := []string{}
	for i, ids := range [][2][]byte{
		{trace[:16], span[:8]}, {trace[:15], span[:8]}, {trace[:16], span[:9]}, {trace, span[:1]}, {make([]byte, 16), make([]byte, 8)}, {nil, nil}, {[]byte(fineTrace), []byte(fineSpan)},
	} {
		records = append(records, &logspb.LogRecord{
			TimeUnixNano: 1_763_899_999_000_000_000, TraceId: ids[0], SpanId: ids[1],
			Body: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: fmt.Sprint(i)}},
		})
		line := fmt.Sprint(i)
		for j, size := range []int{16, 8} {
			line += " "
			if len(ids[j]) == size && ids[j][0] != 0 {
				line += []string{fineTrace, fineSpan}[j]
			}
		}
		want = append(want, line)
	}
	payload, err := pb.Marshal(&logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: records}}}}})
	require.NoError(t, err)
	answer, err := call(t.Context(), conn, telemetry.Logs, payload, grpc.UseCompressor("gzip"))
	require.NoError(t, err)
	require.Empty(t, answer, "nothing is refused")
	require.Equal(t, want, stored())

	text := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[` +
		`{"timeUnixNano":"1763899999000000000","body":{"stringValue":"0"},"traceId":"` + fineTrace + `","spanId":"cd"},` +
		`{"timeUnixNano":"1763899999000000000","body":{"stringValue":"1"},"traceId":"not hex","spanId":"` + fineSpan + `"},` +
		`{"timeUnixNano":"1763899999000000000","body":{"stringValue":"2"},"traceId":"","span_id":"` + fineTrace + `"}]}]}]}`
	got := r.post("/v1/logs", typeJSON, []byte(text))
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "{}", string(got.body), "nothing is refused")
	require.Equal(t, []string{"0 " + fineTrace + " ", "1  " + fineSpan, "2  "}, stored())
}
