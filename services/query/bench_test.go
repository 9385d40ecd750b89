package query

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// BenchmarkQueries measures queries over 200,000 spans in segments of a thousand, from the request to the answer's Go value.
func BenchmarkQueries(b *testing.B) {
	f := newFixture(b)
	const payloads, each = 100, 2000
	for i := range payloads {
		f.store("default", telemetry.Traces, testbed.TracesPayload(newDice(uint64(i)).traces(each)), 1000)
	}
	ctx := context.Background()
	from, to := base().UnixNano(), base().Add(time.Hour).UnixNano()
	request := func(filters ...string) api.SearchRequest {
		r := api.SearchRequest{TimeRange: api.TimeRange{StartTime: otlpjson.Time(base().Format(time.RFC3339)), EndTime: otlpjson.Time(base().Add(time.Hour).Format(time.RFC3339))}}
		for _, f := range filters {
			r.Filters = append(r.Filters, api.Filter(f))
		}
		return r
	}
	searchOf := func(filters ...string) func() error {
		return func() error { _, err := f.svc.searchSpans(ctx, "default", request(filters...)); return err }
	}
	page, err := f.svc.searchSpans(ctx, "default", request())
	require.NoError(b, err)
	id, err := hex.DecodeString(page.Spans[0].TraceID)
	require.NoError(b, err)
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"newest 100 spans", searchOf()},
		{"newest 100 of a service", searchOf(`{"field":"service","operator":"eq","value":"cart"}`)},
		{"common attribute", searchOf(`{"field":"attributes.http.status_code","operator":"eq","value":500}`)},
		{"absent attribute", searchOf(`{"field":"attributes.user.id","operator":"eq","value":"nobody"}`)},
		{"regex without a hit", searchOf(`{"field":"name","operator":"regex","value":"^nothing"}`)},
		{"newest 100 traces", func() error { _, err := f.svc.searchTraces(ctx, "default", request()); return err }},
		{"trace by id", func() error { _, err := f.svc.getTrace(ctx, "default", [16]byte(id), from, to); return err }},
		{"services", func() error { _, err := f.svc.listServices(ctx, "default", from, to); return err }},
		{"service map", func() error { _, err := f.svc.serviceMap(ctx, "default", from, to); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(payloads*each), "items")
		})
	}
}
