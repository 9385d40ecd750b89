package query

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// BenchmarkQueries measures queries over 200,000 spans in segments of a thousand, from the request to the answer's JSON.
func BenchmarkQueries(b *testing.B) {
	f := newFixture(b)
	const payloads, each = 100, 2000
	for i := range payloads {
		f.store("default", telemetry.Traces, testbed.TracesPayload(newDice(uint64(i)).traces(each)), 1000)
	}
	search := func(list string, filters ...string) *http.Request {
		body := searchBody{from: base(), to: base().Add(time.Hour), filters: "[" + strings.Join(filters, ",") + "]"}.json(b)
		return httptest.NewRequest(http.MethodPost, "/api/"+list+"/search", strings.NewReader(body))
	}
	var page api.SpanPage
	f.search("spans", searchBody{from: base(), to: base().Add(time.Hour)}, &page)
	in := "?" + url.Values{"start_time": {base().Format(time.RFC3339)}, "end_time": {base().Add(time.Hour).Format(time.RFC3339)}}.Encode()
	for _, c := range []struct {
		name string
		ask  func() *http.Request
	}{
		{"newest 100 spans", func() *http.Request { return search("spans") }},
		{"newest 100 of a service", func() *http.Request { return search("spans", `{"field":"service","operator":"eq","value":"cart"}`) }},
		{"common attribute", func() *http.Request {
			return search("spans", `{"field":"attributes.http.status_code","operator":"eq","value":500}`)
		}},
		{"absent attribute", func() *http.Request {
			return search("spans", `{"field":"attributes.user.id","operator":"eq","value":"nobody"}`)
		}},
		{"regex without a hit", func() *http.Request { return search("spans", `{"field":"name","operator":"regex","value":"^nothing"}`) }},
		{"newest 100 traces", func() *http.Request { return search("traces") }},
		{"trace by id", func() *http.Request { return newRequest("/api/traces/" + page.Spans[0].TraceID + in) }},
		{"services", func() *http.Request { return newRequest("/api/services" + in) }},
		{"service map", func() *http.Request { return newRequest("/api/service-map" + in) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := serve(f.svc.server.Echo, c.ask()); got.status != http.StatusOK {
					b.Fatal(got.body)
				}
			}
			b.ReportMetric(float64(payloads*each), "items")
		})
	}
}
