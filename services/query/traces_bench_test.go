package query

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// BenchmarkTraceList measures a page of traces, of which each is whole within minutes: what looking for the rest of longer ones may not make dearer.
func BenchmarkTraceList(b *testing.B) {
	f := newFixture(b)
	f.shop(telemetry.Traces)
	body := searchBody{from: base().Add(-24 * time.Hour), to: base().Add(24 * time.Hour), limit: 50}.json(b)
	b.ReportAllocs()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	n := 0
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/api/traces/search", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if got := serve(f.svc.server.Echo, r); got.status != http.StatusOK {
			b.Fatal(got.body)
		}
		n++
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(cpu)/float64(n)/1e6, "cpu-ms/op")
}
