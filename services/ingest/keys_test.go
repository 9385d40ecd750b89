package ingest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// demandKeys is for start: who sends needs a key.
func demandKeys(c *Config) {
	c.Auth.Mode = auth.ModeKeys
	c.Auth.SnapshotKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("i", 32)))
}

// tellKeys tells over the bus which keys there are, as of a time later than that of the call before.
func (r *running) tellKeys(asOf time.Time, keys ...auth.Key) {
	r.t.Helper()
	data, err := auth.EncodeKeys(keys)
	require.NoError(r.t, err)
	_, err = r.bus.Snapshots(auth.SnapshotName, r.service.cfg.Auth.Seal()).Publish(testbed.Context(r.t), bus.Snapshot{AsOf: asOf, Data: data})
	require.NoError(r.t, err)
}

func TestWhoSendsNeedsAKeyThatTheBusHasToldOf(t *testing.T) {
	t.Parallel()
	r := start(t, demandKeys)
	conn := dial(t, r)
	ctx := testbed.Context(t)
	overHTTP := func(signal telemetry.Signal, header ...string) int {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.http+"/v1/"+signal.String(), strings.NewReader(string(protobuf(t, signal))))
		require.NoError(t, err)
		request.Header.Set("Content-Type", typeProtobuf)
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	overGRPC := func(signal telemetry.Signal, header ...string) codes.Code {
		_, err := call(metadata.NewOutgoingContext(ctx, metadata.Pairs(header...)), conn, signal, protobuf(t, signal))
		return status.Code(err)
	}
	send, key := auth.NewKey()
	key.Tenant, key.Scopes = "red", auth.Of(auth.Ingest)
	ask, reader := auth.NewKey()
	reader.Tenant, reader.Scopes = "red", auth.Of(auth.Query)
	strange, _ := auth.NewKey()

	require.Equal(t, http.StatusServiceUnavailable, overHTTP(telemetry.Logs, "X-Api-Key", send), "nothing is known yet: retry")
	require.Equal(t, codes.Unavailable, overGRPC(telemetry.Logs, "x-api-key", send))
	require.Equal(t, http.StatusServiceUnavailable, r.get("/health").status)

	r.tellKeys(time.Now(), key, reader)
	testbed.Eventually(t, "ingest is ready", func() bool { return r.get("/health").status == http.StatusOK })
	for _, signal := range telemetry.Signals() {
		for _, test := range []struct {
			http   int
			grpc   codes.Code
			header []string
		}{
			{200, codes.OK, []string{"x-api-key", send}},
			{200, codes.OK, []string{"authorization", "Bearer " + send}},
			{200, codes.OK, []string{"authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("any:"+send))}},
			{200, codes.OK, []string{"x-api-key", send, "x-scope-orgid", "red"}},
			{401, codes.Unauthenticated, nil},
			{401, codes.Unauthenticated, []string{"x-scope-orgid", "red"}},
			{401, codes.Unauthenticated, []string{"x-api-key", strange}},
			{403, codes.PermissionDenied, []string{"x-api-key", ask}},
			{403, codes.PermissionDenied, []string{"x-api-key", send, "x-scope-orgid", "blue"}},
		} {
			require.Equal(t, test.http, overHTTP(signal, test.header...), "%s %d", signal, len(test.header))
			require.Equal(t, test.grpc, overGRPC(signal, test.header...), "%s %d", signal, len(test.header))
		}
	}
	consumer, err := r.bus.Consumer(ctx, telemetry.Logs)
	require.NoError(t, err)
	defer consumer.Close()
	got, err := consumer.Fetch(ctx, 1, 1<<20, testbed.Patience)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, telemetry.Tenant("red"), got[0].Batch.Tenant)
	require.Equal(t, key.ID, got[0].Batch.Connection, "the rows will tell who sent them")

	r.tellKeys(time.Now().Add(time.Second), reader)
	begin := time.Now()
	testbed.Eventually(t, "revoked", func() bool { return overHTTP(telemetry.Logs, "X-Api-Key", send) == http.StatusUnauthorized })
	require.Less(t, time.Since(begin), testbed.Prompt)
}
