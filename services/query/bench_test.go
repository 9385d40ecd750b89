package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// BenchmarkCounts measures counts over a day of a shop's spans in 240 and 2,400 settled segments, as with tenfold the data: of the whole day, which sums of its
// hours tell, and of one whose ends cut hours, which the heads of these hours' segments do; with headers that are remembered, and without. CPU is the
// query service's (with the test's own decoding of what it answered) and PostgreSQL's.
func BenchmarkCounts(b *testing.B) {
	for _, segments := range []int{240, 2400} {
		f := newFixture(b)
		postmaster := postmasterOf(b, f)
		const payloads, each, perTrace = 24, 10_000, 15
		day := base().Truncate(24 * time.Hour)
		shop := testbed.NewShop(5, day).Every(23 * time.Hour * perTrace / (payloads * each))
		for range payloads {
			f.position = (f.position + 1) &^ 1 // so that they are stored settled
			f.rolled = 0                       // and their rollups as parts, of which an hour has two
			f.store("default", telemetry.Traces, shop.Payload(telemetry.Traces, each), each*payloads/segments)
		}
		require.True(b, shop.Now().Before(day.Add(24*time.Hour)))
		for _, cache := range []struct {
			name string
			f    *fixture
		}{{"remembered", f}, {"read", f.with(func(c *Config) { c.HeaderCache = 0 })}} {
			for _, r := range []struct {
				name string
				cut  time.Duration // at both ends
			}{{"hours", 0}, {"cut", 20 * time.Minute}} {
				for _, facet := range []facetName{{"attributes", "http.route"}, {"field", "service"}, {"field", "name"}, {"attributes", "nothing"}} {
					in := url.Values{
						"start_time": {day.Add(r.cut).Format(time.RFC3339)}, "end_time": {day.Add(24*time.Hour - r.cut).Format(time.RFC3339)}, "limit": {"1000"}, "scope": {facet.scope},
					}
					b.Run(fmt.Sprintf("%d/%s/%s/%s", segments, cache.name, r.name, facet.key), func(b *testing.B) {
						cache.f.benchCounts(b, postmaster, "/api/attributes/"+url.PathEscape(facet.key)+"/values?"+in.Encode())
					})
				}
			}
		}
	}
}

func (f *fixture) benchCounts(b *testing.B, postmaster int, ask string) {
	b.Helper()
	b.ReportAllocs()
	var answer served
	server, own := serverCPU(b, postmaster), ownCPU(b)
	for b.Loop() {
		if answer = serve(f.svc.server.Echo, newRequest(ask)); answer.status != http.StatusOK {
			b.Fatal(answer.body)
		}
	}
	own, server = ownCPU(b)-own, serverCPU(b, postmaster)-server
	b.ReportMetric(float64(own.Microseconds())/1000/float64(b.N), "ms-CPU")
	b.ReportMetric(float64(server.Microseconds())/1000/float64(b.N), "ms-CPU-PostgreSQL")
	var got api.AttributeValues
	require.NoError(b, json.Unmarshal([]byte(answer.body), &got))
	b.ReportMetric(float64(got.Stats.SegmentsPruned), "segments")
	b.ReportMetric(float64(got.Stats.SegmentsRead), "read")
	b.ReportMetric(float64(got.Distinct), "values")
}

// ownCPU is what this process has used so far.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkDiscovery measures which keys there are and what facets of ten fields tell of a settled day of a shop's million spans, in segments of 4,000: nineteen keys of spans, of
// which one is an id and thirteen differ by service, sixteen of resources, and those of events. Sums are of hours. CPU is as in BenchmarkCounts.
func BenchmarkDiscovery(b *testing.B) {
	f := newFixture(b)
	postmaster := postmasterOf(b, f)
	const hours, each, perTrace = 24, 41_700, 15
	day := base().Truncate(24 * time.Hour)
	shop := testbed.NewShop(1, day).Every(hours * time.Hour * 995 / 1000 * perTrace / (hours * each))
	n := 0
	for range hours {
		td := shop.Traces(each)
		for _, rs := range td.ResourceSpans().All() {
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				n++
				span.Attributes().PutStr("request.id", fmt.Sprintf("%016x", uint64(n)*0x9E3779B97F4A7C15))
				span.Attributes().PutInt("app.shard", int64(n%16))
				span.Attributes().PutStr("app.tier", []string{"free", "team", "firm"}[n%3])
			}
		}
		f.position = (f.position + 1) &^ 1 // settled,
		f.rolled = 1                       // and its sums as hours
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 4000)
	}
	require.True(b, shop.Now().Before(day.Add(24*time.Hour)))
	ten := `"service","name","kind","status","attributes.http.request.method","attributes.http.route","attributes.http.response.status_code","resource.k8s.pod.name","attributes.app.shard","attributes.app.tier"`
	facets := func(fields, more string) func() *http.Request {
		return func() *http.Request {
			return httptest.NewRequest(http.MethodPost, "/api/facets", strings.NewReader(fmt.Sprintf(
				`{"signal":"traces","time_range":{"start_time":%d,"end_time":%d},"fields":[%s]%s}`, day.UnixNano(), day.Add(24*time.Hour).UnixNano(), fields, more)))
		}
	}
	keys := func(cut time.Duration, more string) func() *http.Request {
		return func() *http.Request {
			return newRequest(fmt.Sprintf("/api/attributes?start_time=%d&end_time=%d%s", day.Add(cut).UnixNano(), day.Add(24*time.Hour-cut).UnixNano(), more))
		}
	}
	checkout := `[{"field":"service","operator":"eq","value":"checkout"}]`
	for _, c := range []struct {
		name string
		ask  func() *http.Request
	}{
		{"keys", keys(0, "")},
		{"keys, cut hours", keys(20*time.Minute, "")},
		{"keys of a service", keys(0, "&filters="+url.QueryEscape(checkout))},
		{"ten facets", facets(ten, "")},
		{"ten facets, one of ids", facets(strings.Replace(ten, "attributes.app.tier", "attributes.request.id", 1), "")},
		{"ten facets of a service", facets(ten, `,"exclude_own":true,"filters":`+checkout)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var answer served
			server, own := serverCPU(b, postmaster), ownCPU(b)
			for b.Loop() {
				if answer = serve(f.svc.server.Echo, c.ask()); answer.status != http.StatusOK {
					b.Fatal(answer.body)
				}
			}
			own, server = ownCPU(b)-own, serverCPU(b, postmaster)-server
			b.ReportMetric(float64(own.Microseconds())/1000/float64(b.N), "ms-CPU")
			b.ReportMetric(float64(server.Microseconds())/1000/float64(b.N), "ms-CPU-PostgreSQL")
			var got struct{ Stats api.Stats }
			require.NoError(b, json.Unmarshal([]byte(answer.body), &got))
			b.ReportMetric(float64(got.Stats.SegmentsPruned), "segments")
			b.ReportMetric(float64(got.Stats.SegmentsRead), "read")
		})
	}
}
