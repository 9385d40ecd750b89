package query

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/series"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// instancesSeries is a point of each of some series of so many metrics: each instance has ten of each of thirty metrics. Of each thirty instances one is new in a stage.
func instancesSeries(first, last, metrics, stage int, at time.Time) []byte {
	const each, of = 10, 30
	md := pmetric.NewMetrics()
	var scope pmetric.ScopeMetrics
	for i := first; i < last; i++ {
		instance := i / (each * of)
		if i == first || i%(each*of) == 0 {
			name := strconv.Itoa(instance)
			if instance%30 == stage {
				name += "-" + strconv.Itoa(stage)
			}
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", "service-"+strconv.Itoa(instance%200))
			rm.Resource().Attributes().PutStr("service.instance.id", "instance-"+name)
			scope = rm.ScopeMetrics().AppendEmpty()
		}
		m := scope.Metrics().AppendEmpty()
		m.SetName("metric." + strconv.Itoa((instance*of+i/each%of)%metrics))
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(at))
		p.SetIntValue(int64(i))
		p.Attributes().PutStr("http.route", "/api/v1/things/"+strconv.Itoa(i%each))
	}
	return testbed.MetricsPayload(md)
}

// seriesDay writes the rollups of 24 folded hours from start on, of so many series of so many metrics. Every eight hours a thirtieth of the series is new.
func (f *fixture) seriesDay(start time.Time, many, metrics int) {
	f.t.Helper()
	ctx := testbed.Context(f.t)
	kind := series.Kind()
	for stage := range 3 {
		var segments []*segment.Segment
		const chunk = 60_000
		for first := 0; first < many; first += chunk {
			table := segment.NewTable("default", telemetry.Metrics)
			for scrape := range 2 {
				_, err := table.Append(instancesSeries(first, min(first+chunk, many), metrics, stage, start.Add(time.Duration(1+scrape)*20*time.Minute)), int64(1+scrape))
				require.NoError(f.t, err)
			}
			for _, rows := range table.Slices(4000) {
				s, err := table.Encode(rows, 2)
				require.NoError(f.t, err)
				segments = append(segments, s)
			}
		}
		contents, err := kind.Settle(segments)
		require.NoError(f.t, err)
		part := rollups("default", kind, rollup.Part, start.UnixNano(), contents)
		contents, err = kind.Fold(rollup.Hour, start.UnixNano(), false, func(yield func(*rollup.Row, error) bool) { yield(&part[0], nil) })
		require.NoError(f.t, err)
		for h := range int64(8) {
			shift := (int64(stage)*8 + h) * int64(time.Hour)
			made := rollups("default", kind, rollup.Hour, start.UnixNano()+shift, contents)
			made[0].MinTime, made[0].MaxTime = made[0].MinTime+shift, made[0].MaxTime+shift
			_, err := f.db.Pool.Exec(ctx, "SELECT ensure_partition($1, $2)", schema.Rollup, made[0].Start)
			require.NoError(f.t, err)
			require.NoError(f.t, postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return rolluprow.Copy(ctx, tx, made) }))
		}
	}
}

// BenchmarkCatalogueOfADay asks for the catalogue of 24 hours that are settled and folded, and no day.
func BenchmarkCatalogueOfADay(b *testing.B) {
	for _, c := range []struct{ series, metrics int }{{7_650, 300}, {100_000, 1000}, {1_000_000, 2000}} {
		b.Run(fmt.Sprintf("%d series", c.series), func(b *testing.B) {
			f := newFixture(b)
			postmaster := postmasterOf(b, f)
			start := base().Truncate(time.Hour)
			f.seriesDay(start, c.series, c.metrics)
			path := "/api/metrics?" + url.Values{"start_time": {start.Format(time.RFC3339)}, "end_time": {start.Add(24 * time.Hour).Format(time.RFC3339)}}.Encode()
			b.ReportAllocs()
			ask := func() {
				if got := serve(f.svc.server.Echo, newRequest(path)); got.status != http.StatusOK {
					b.Fatal(got.body)
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
		})
	}
}
