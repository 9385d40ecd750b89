package ingest

import (
	"testing"

	"github.com/stretchr/testify/require"

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
	f.Add(uint8(1), []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[null]}}}]}]}]}`))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		signal := telemetry.Signals()[int(which)%3]
		payload, err := fromJSON(signal, body)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.ClassOf(err))
			return
		}
		if _, err := telemetry.Check(signal, payload, telemetry.Limits{}); err != nil {
			require.Equal(t, fault.Invalid, fault.ClassOf(err)) // nested too deep
		}
	})
}
