package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	pb "google.golang.org/protobuf/proto"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// FuzzJSON: JSON never panics, its errors are the client's, and what becomes protobuf is well formed.
func FuzzJSON(f *testing.F) {
	for _, signal := range telemetry.Signals() {
		f.Add(uint8(signal), testdata(f, signal))
		f.Add(uint8(signal), snakeCase(testdata(f, signal)))
	}
	f.Add(uint8(0), []byte(`{"":1,"resourceSpans":null}`))
	f.Add(uint8(0), []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00"},{"kind":1e1,"attributes":[{"value":{"bytesValue":"-_8"}}]}]}]}]}`))
	f.Add(uint8(1), []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[null]}}}]}]}]}`))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		signal := telemetry.Signals()[int(which)%3]
		payload, refused, err := fromJSON(signal, body, maxRequest)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.ClassOf(err))
			return
		}
		require.LessOrEqual(t, len(payload), 4*len(body)+16)
		_, err = telemetry.Check(signal, payload, telemetry.Limits{})
		require.NoError(t, err, "the converter wrote it")
		data := dataOf(signal)
		if protojson.Unmarshal(body, data) == nil && refused.Damage() == nil {
			got := dataOf(signal)
			require.NoError(t, pb.Unmarshal(payload, got))
		}
	})
}

// FuzzHeaders: whatever the headers of a request say, it is answered as the contract says, with what it may know, and only who brings the key
// is taken.
func FuzzHeaders(f *testing.F) {
	text, key := auth.NewKey()
	key.Tenant, key.Scopes = "red", auth.Of(auth.Ingest)
	cfg := DefaultConfig()
	cfg.GRPC.Address, cfg.HTTP.Address, cfg.Bus = "127.0.0.1:0", "127.0.0.1:0", testbed.NATS(f)
	cfg.Auth.Mode, cfg.Auth.SnapshotKey = auth.ModeKeys, settings.NewSecret()
	svc, err := New(cfg, service.NewEnv("ingest", nil))
	require.NoError(f, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx) }()
	f.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Error(err)
		}
	})
	svc.auth.Keys().Set([]auth.Key{key})
	testbed.Eventually(f, "ingest is ready", func() bool {
		answer := httptest.NewRecorder()
		svc.http.Echo.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/health", http.NoBody))
		return answer.Code == http.StatusOK
	})
	// A seed is the same in every process; the key stands in it by a word.
	const word = "KEY"
	body := []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1767225600000000001","body":{"stringValue":"x"}}]}]}]}`)
	for _, seed := range [][6]string{
		{"", "application/json", "", "", word, ""},
		{"red", "application/json; charset=utf-8", "identity", "Bearer " + word, "", ""},
		{"red, blue", "application/x-protobuf", "gzip", "Basic QU5ZOktFWQ==", "", "chunked"},
		{"blue", "application/json", "gzip, gzip", "Bearer x", word, ""},
		{"\r\nX-Evil: 1", "text/plain; charset=\"\x00", "zstd", "Bearer \n", word, "100-continue"},
		{strings.Repeat("r", 70), "multipart/form-data; boundary=\"", "x-snappy-framed", "Basic !", word, ""},
		{"", "a/b;" + strings.Repeat("x=y;", 100), "deflate;q=1", "", word, ""},
		{"../red", "application/json;;", "br", "", word, ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], uint8(1), body)
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], uint8(4), []byte{0x1f, 0x8b, 8, 0})
	}
	paths := []string{"/v1/traces", "/v1/logs", "/v1/metrics", "/api/traces", "/api/logs", "/api/metrics", profilesPath, "/v1/else"}
	f.Fuzz(func(t *testing.T, tenant, contentType, encoding, authorization, apiKey, expect string, which uint8, body []byte) {
		request := httptest.NewRequest(http.MethodPost, paths[int(which)%len(paths)], bytes.NewReader(body))
		for name, value := range map[string]string{
			auth.TenantHeader: tenant, "Content-Type": contentType, "Content-Encoding": encoding, "Authorization": authorization, auth.KeyHeader: apiKey, "Expect": expect,
		} {
			if value != "" {
				request.Header.Set(name, strings.ReplaceAll(value, word, text))
			}
		}
		answer := httptest.NewRecorder()
		svc.http.Echo.ServeHTTP(answer, request)
		require.Contains(t, []int{200, 202, 400, 401, 403, 404, 413, 415, 429, 501, 503}, answer.Code, answer.Body.String())
		known := auth.Presented(auth.Header(request.Header)) == text && (tenant == "" || tenant == "red")
		if answer.Code < 300 {
			require.True(t, known, "taken without a key, or for another tenant")
		}
		if known && which%8 < 6 {
			require.NotContains(t, []int{401, 403}, answer.Code)
		}
		require.NotContains(t, answer.Body.String(), text[22:])
		for name, values := range answer.Header() {
			for _, value := range append(values, name) {
				require.NotContains(t, value, text[22:])
				require.False(t, strings.ContainsAny(value, "\r\n\x00"), "%s: %q", name, value)
			}
		}
		if strings.Contains(answer.Header().Get("Content-Type"), "json") {
			require.True(t, json.Valid(answer.Body.Bytes()), "%q", answer.Body.String())
			require.True(t, utf8.Valid(answer.Body.Bytes()))
		}
	})
}
