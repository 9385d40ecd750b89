package ingest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	pb "google.golang.org/protobuf/proto"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
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
		payload, refused, err := fromJSON(signal, body)
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
