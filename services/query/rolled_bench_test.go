package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// rolledDay writes the rollups of 24 folded hours of a shop that sends so many spans a day. Each hour is the same one.
func (f *fixture) rolledDay(day time.Time, spans int) {
	f.t.Helper()
	ctx := testbed.Context(f.t)
	start := day.UnixNano()
	shop := testbed.NewShop(7, day).Every(24 * time.Hour * 15 / time.Duration(spans))
	var parts [2][]rollup.Row
	kinds := [2]rollup.Kind{red.Kind(), edges.Kind()}
	for minute := range 60 {
		table := segment.NewTable("default", telemetry.Traces)
		for end := day.Add(time.Duration(minute+1) * time.Minute); shop.Now().Before(end); {
			_, err := table.Append(testbed.TracesPayload(shop.Traces(20)), 1)
			require.NoError(f.t, err)
		}
		var rows []uint32
		for i, at := range table.Ints[segment.ColTime] {
			if telemetry.Grain(at, time.Hour) == start {
				rows = append(rows, uint32(i))
			}
		}
		for k, kind := range kinds {
			contents, err := kind.Collect(table, start, rows)
			require.NoError(f.t, err)
			parts[k] = append(parts[k], rollups("default", kind, rollup.Part, start, contents)...)
		}
	}
	for k, kind := range kinds {
		contents, err := kind.Fold(rollup.Hour, start, false, func(yield func(*rollup.Row, error) bool) {
			for i := range parts[k] {
				if !yield(&parts[k][i], nil) {
					return
				}
			}
		})
		require.NoError(f.t, err)
		for h := range int64(24) {
			from := start + h*int64(time.Hour)
			_, err := f.db.Pool.Exec(ctx, "SELECT ensure_partition($1, $2)", schema.Rollup, from)
			require.NoError(f.t, err)
			made := rollups("default", kind, rollup.Hour, from, contents)
			for i := range made {
				made[i].MinTime, made[i].MaxTime = made[i].MinTime+h*int64(time.Hour), made[i].MaxTime+h*int64(time.Hour)
			}
			require.NoError(f.t, postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return rolluprow.Copy(ctx, tx, made) }))
		}
	}
}

// BenchmarkRolled asks for 24 hours that are folded, of a shop of 1 M and of 10 M spans a day, and for 24 hours of which half an hour is in small flushes
// that are in no rollup yet.
func BenchmarkRolled(b *testing.B) {
	for _, spans := range []int{1_000_000, 10_000_000} {
		for _, flushes := range []int{0, 1800} {
			b.Run(fmt.Sprintf("%d spans/%d flushes", spans, flushes), func(b *testing.B) { benchmarkRolled(b, spans, flushes) })
		}
	}
}

func benchmarkRolled(b *testing.B, spans, flushes int) {
	b.Helper()
	f := newFixture(b)
	postmaster := postmasterOf(b, f)
	day := base().Truncate(24 * time.Hour)
	f.rolledDay(day, spans)
	end := day.Add(24 * time.Hour)
	if flushes > 0 {
		shop := testbed.NewShop(9, end).Every(24 * time.Hour * 15 / 1_000_000)
		for range flushes {
			f.position |= 1 // so that they are stored at level 0
			f.store("default", telemetry.Traces, shop.Payload(telemetry.Traces, 11), 1000)
		}
		_, err := f.db.Pool.Exec(testbed.Context(b), "VACUUM ANALYZE")
		require.NoError(b, err)
		end = end.Add(time.Hour)
	}
	within := url.Values{"start_time": {end.Add(-24 * time.Hour).Format(time.RFC3339)}, "end_time": {end.Format(time.RFC3339)}}.Encode()
	for _, path := range []string{"services?", "services?ever=true&", "services?buckets=25&", "services?buckets=200&", "services/cart/operations?", "service-map?"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			var answer served
			ask := func() {
				if answer = serve(f.svc.server.Echo, newRequest("/api/"+path+within)); answer.status != http.StatusOK {
					b.Fatal(answer.body)
				}
			}
			ask()
			server, own := serverCPU(b, postmaster), ownCPU(b)
			for b.Loop() {
				ask()
			}
			own, server = ownCPU(b)-own, serverCPU(b, postmaster)-server
			b.ReportMetric(float64(own.Microseconds())/1000/float64(b.N), "ms-CPU")
			b.ReportMetric(float64(server.Microseconds())/1000/float64(b.N), "ms-CPU-PostgreSQL")
			var got struct{ Stats api.Stats }
			require.NoError(b, json.Unmarshal([]byte(answer.body), &got))
			b.ReportMetric(float64(got.Stats.BytesRead)/1024, "KiB")
			b.ReportMetric(float64(got.Stats.SegmentsRead), "read")
		})
	}
}

// BenchmarkBeside asks about a day that is settled, and about the same with 1,800 small flushes beside it that no merge has seen.
func BenchmarkBeside(b *testing.B) {
	f := newFixture(b)
	postmaster := postmasterOf(b, f)
	const payloads, each, perTrace = 24, 10_000, 15
	day := base().Truncate(24 * time.Hour)
	shop := testbed.NewShop(5, day).Every(23 * time.Hour * perTrace / (payloads * each))
	for range payloads {
		f.position = (f.position + 1) &^ 1 // so that they are stored settled
		f.rolled = 0
		f.store("default", telemetry.Traces, shop.Payload(telemetry.Traces, each), 1000)
	}
	end := day.Add(24 * time.Hour)
	for _, flushes := range []int{0, 1800} {
		more := testbed.NewShop(9, end).Every(30 * time.Minute / 1800 * 15 / 11)
		for range flushes {
			f.position |= 1 // so that they are stored at level 0
			f.store("default", telemetry.Traces, more.Payload(telemetry.Traces, 11), 1000)
		}
		_, err := f.db.Pool.Exec(testbed.Context(b), "VACUUM ANALYZE")
		require.NoError(b, err)
		to := day.Add(25 * time.Hour)
		in := url.Values{"start_time": {to.Add(-24 * time.Hour).Format(time.RFC3339)}, "end_time": {to.Format(time.RFC3339)}}.Encode()
		search := func(filters string) *http.Request {
			body := searchBody{from: to.Add(-24 * time.Hour), to: to, filters: "[" + filters + "]", limit: 50}.json(b)
			return httptest.NewRequest(http.MethodPost, "/api/spans/search", strings.NewReader(body))
		}
		const (
			payment = `{"field":"service","operator":"eq","value":"payment"}`
			failed  = `{"field":"status","operator":"eq","value":"error"}`
		)
		for _, c := range []struct {
			name string
			ask  func() *http.Request
		}{
			{"route", func() *http.Request { return newRequest("/api/attributes/http.route/values?limit=1000&" + in) }},
			{"count by service", func() *http.Request {
				return newRequest("/api/attributes/service.name/values?scope=resource&limit=1000&" + in)
			}},
			{"services", func() *http.Request { return newRequest("/api/services?" + in) }},
			{"failed and slow", func() *http.Request {
				return search(payment + "," + failed + `,{"field":"duration","operator":"gt","value":200000000}`)
			}},
			{"newest", func() *http.Request { return search("") }},
			{"newest of a service", func() *http.Request { return search(payment) }},
			{"newest errors", func() *http.Request { return search(failed) }},
			{"absent trace", func() *http.Request { return newRequest("/api/traces/00000000000000000000000000ab5e47") }},
			{"absent attribute", func() *http.Request {
				return search(`{"field":"attributes.app.user.id","operator":"eq","value":"nobody"}`)
			}},
		} {
			b.Run(fmt.Sprintf("%d flushes/%s", flushes, c.name), func(b *testing.B) {
				require.NotEqual(b, http.StatusBadRequest, serve(f.svc.server.Echo, c.ask()).status)
				server, own := serverCPU(b, postmaster), ownCPU(b)
				for b.Loop() {
					serve(f.svc.server.Echo, c.ask())
				}
				own, server = ownCPU(b)-own, serverCPU(b, postmaster)-server
				b.ReportMetric(float64(own.Microseconds())/1000/float64(b.N), "ms-CPU")
				b.ReportMetric(float64(server.Microseconds())/1000/float64(b.N), "ms-CPU-PostgreSQL")
			})
		}
	}
}
