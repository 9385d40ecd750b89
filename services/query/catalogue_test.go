package query

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// recount is the catalogue as it is made by looking at every point that was sent.
type recount map[string]*recounted

type recounted struct {
	points, last           int64
	series, services, keys map[string]bool
}

func (r recount) add(md pmetric.Metrics, from, to time.Time) {
	for _, rm := range md.ResourceMetrics().All() {
		service, _ := rm.Resource().Attributes().Get("service.name")
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				points := m.Gauge().DataPoints
				kind := "gauge"
				if m.Type() == pmetric.MetricTypeSum {
					points, kind = m.Sum().DataPoints, fmt.Sprint("sum ", int(m.Sum().AggregationTemporality()), m.Sum().IsMonotonic())
				}
				for _, p := range points().All() {
					at := p.Timestamp().AsTime()
					if at.Before(from) || !at.Before(to) {
						continue
					}
					key := m.Name() + "|" + m.Unit() + "|" + kind
					c := r[key]
					if c == nil {
						c = &recounted{series: map[string]bool{}, services: map[string]bool{}, keys: map[string]bool{}}
						r[key] = c
					}
					c.points++
					c.last = max(c.last, at.UnixNano())
					c.services[service.Str()] = true
					c.series[fmt.Sprint(rm.Resource().Attributes().AsRaw(), sm.Scope().Name(), p.Attributes().AsRaw())] = true
					for k := range p.Attributes().All() {
						c.keys[k] = true
					}
				}
			}
		}
	}
}

func (r recount) lines() (list []string) {
	for key, c := range r {
		list = append(list, fmt.Sprint(key, " ", c.points, " ", c.last, " ", len(c.series), " ", names(c.services), " ", names(c.keys)))
	}
	slices.Sort(list)
	return list
}

func names(set map[string]bool) []string {
	list := []string{}
	for k := range set {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// catalogueLines is the answer in the words of recount.
func catalogueLines(t *testing.T, list []api.CatalogueMetric) (lines []string) {
	t.Helper()
	for _, m := range list {
		kind := string(m.Metric.Type)
		if kind == "sum" {
			kind = fmt.Sprint("sum ", m.Metric.Temporality, m.Metric.Monotonic)
		}
		last, err := strconv.ParseInt(m.LastTimeUnixNano, 10, 64)
		require.NoError(t, err)
		lines = append(lines, fmt.Sprint(m.Metric.Name, "|", m.Metric.Unit, "|", kind, " ", m.PointCount, " ", last, " ", m.SeriesCount, " ", m.Services, " ", m.AttributeKeys))
	}
	slices.Sort(lines)
	return lines
}

// manyMetrics are points of metrics that share names and differ in unit, kind, temporality or monotony, of services with several instances, over
// more than 64 attribute keys and resources.
func manyMetrics(rnd *rand.Rand, n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	for range n {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", "service-"+strconv.Itoa(rnd.IntN(30)))
		rm.Resource().Attributes().PutInt("instance", int64(rnd.IntN(4)))
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName("scope-" + strconv.Itoa(rnd.IntN(2)))
		m := sm.Metrics().AppendEmpty()
		m.SetName("metric." + strconv.Itoa(rnd.IntN(9)))
		m.SetUnit([]string{"", "By", "s"}[rnd.IntN(3)])
		var points pmetric.NumberDataPointSlice
		if rnd.IntN(2) == 0 {
			points = m.SetEmptyGauge().DataPoints()
		} else {
			sum := m.SetEmptySum()
			sum.SetAggregationTemporality(pmetric.AggregationTemporality(1 + rnd.IntN(2)))
			sum.SetIsMonotonic(rnd.IntN(2) == 0)
			points = sum.DataPoints()
		}
		for range 1 + rnd.IntN(4) {
			p := points.AppendEmpty()
			p.SetIntValue(rnd.Int64N(1000))
			p.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(rnd.IntN(600_000)) * time.Millisecond)))
			for range rnd.IntN(3) {
				p.Attributes().PutStr("key."+strconv.Itoa(rnd.IntN(150)), strconv.Itoa(rnd.IntN(3)))
			}
		}
	}
	return md
}

func TestTheCatalogueIsWhatARecountOfEveryPointSays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	var sent []pmetric.Metrics
	for i := range 5 {
		md := manyMetrics(rnd, 400)
		sent = append(sent, md)
		f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), []int{37, 100, 1000}[i%3])
	}
	f.store("shop", telemetry.Metrics, testbed.MetricsPayload(manyMetrics(rnd, 50)), 100) // of another tenant
	for _, c := range []struct{ from, to time.Duration }{
		{-time.Hour, time.Hour}, {0, 5 * time.Minute}, {3 * time.Minute, 3*time.Minute + 700*time.Millisecond}, {599 * time.Second, time.Hour}, {-time.Hour, 0},
	} {
		from, to := base().Add(c.from), base().Add(c.to)
		want := recount{}
		for _, md := range sent { // the minutes that the range touches
			want.add(md, from.Truncate(time.Minute), to.Add(time.Minute-1).Truncate(time.Minute))
		}
		var got api.MetricCatalogue
		f.get("/api/metrics?"+url.Values{"start_time": {from.Format(time.RFC3339Nano)}, "end_time": {to.Format(time.RFC3339Nano)}}.Encode(), &got)
		require.Equal(t, want.lines(), catalogueLines(t, got.Metrics), c)
	}
}

// BenchmarkCatalogue asks for the catalogue of many series, each with a point in each of some scrapes, in segments of 4,000: of what is settled, over all
// of its hour and over a part of it, and of what is not.
func BenchmarkCatalogue(b *testing.B) {
	for _, c := range []struct{ series, scrapes int }{{7_650, 6}, {100_000, 6}, {1_000_000, 2}} {
		f := newFixture(b)
		for scrape := range c.scrapes {
			for _, tenant := range []telemetry.Tenant{"settled", "fresh"} { // store settles every second payload
				f.store(tenant, telemetry.Metrics, scrapeOf(c.series, base().Add(time.Duration(scrape)*10*time.Second)), 4000)
			}
		}
		for _, of := range []struct{ name, tenant, over string }{
			{"whole", "settled", hour()}, {"cut", "settled", "?" + url.Values{
				"start_time": {base().Add(-time.Minute).Format(time.RFC3339)}, "end_time": {base().Add(time.Minute).Format(time.RFC3339)},
			}.Encode()}, {"fresh", "fresh", hour()},
		} {
			b.Run(strconv.Itoa(c.series)+"/"+of.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r := newRequest("/api/metrics" + of.over)
					r.Header.Set("X-Scope-OrgID", of.tenant)
					if got := serve(f.svc.server.Echo, r); got.status != http.StatusOK {
						b.Fatal(got.body)
					}
				}
			})
		}
	}
}

// scrapeOf is a point of each of many series of ten metrics.
func scrapeOf(series int, at time.Time) []byte {
	md := pmetric.NewMetrics()
	var scope pmetric.ScopeMetrics
	for i := range series {
		if i%50 == 0 {
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", "service-"+strconv.Itoa(i/150))
			rm.Resource().Attributes().PutInt("instance", int64(i/50))
			scope = rm.ScopeMetrics().AppendEmpty()
		}
		m := scope.Metrics().AppendEmpty()
		m.SetName("metric." + strconv.Itoa(i%50/5))
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(at))
		p.SetIntValue(int64(i))
		p.Attributes().PutStr("http.route", "/api/v1/things/"+strconv.Itoa(i%50))
		p.Attributes().PutStr("device", "disk-"+strconv.Itoa(i%5))
	}
	return testbed.MetricsPayload(md)
}

// Who asks for the catalogue again reads no segment that was read before, and it is that of a recount while others come.
func TestTheCatalogueIsRemembered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(8, 7))
	want := recount{}
	from, to := base().Add(-2*time.Hour), base().Add(2*time.Hour)
	for i := range 4 {
		md := manyMetrics(rnd, 200)
		want.add(md, from, to)
		f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), []int{50, 1000}[i%2])
		var read [2]int
		for again := range read {
			var got api.MetricCatalogue
			f.get("/api/metrics?"+url.Values{"start_time": {from.Format(time.RFC3339Nano)}, "end_time": {to.Format(time.RFC3339Nano)}}.Encode(), &got)
			require.Equal(t, want.lines(), catalogueLines(t, got.Metrics), "%d, %d", i, again)
			read[again] = got.Stats.SegmentsRead
		}
		if i%2 == 1 { // what came now is not settled; of what is, no segment is read
			require.Positive(t, read[0])
		} else {
			require.Zero(t, read[0])
		}
		require.Zero(t, read[1])
	}
}

// Of what is settled the catalogue reads no segment, whatever minutes of an hour it asks for.
func TestTheCatalogueOfSettledPointsReadsNoSegment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(9, 7))
	md := manyMetrics(rnd, 500)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 10)
	for range 10 {
		from := base().Add(time.Duration(rnd.IntN(10)) * time.Minute)
		to := from.Add(time.Duration(1+rnd.IntN(9)) * time.Minute)
		want := recount{}
		want.add(md, from, to)
		var got api.MetricCatalogue
		f.get("/api/metrics?"+url.Values{"start_time": {from.Format(time.RFC3339Nano)}, "end_time": {to.Format(time.RFC3339Nano)}}.Encode(), &got)
		require.Equal(t, want.lines(), catalogueLines(t, got.Metrics))
		require.Zero(t, got.Stats.SegmentsRead)
	}
}

// The catalogue tells the newest point of each metric, also of one that was sent long before the others, of every type, as the list of points does.
func TestTheCatalogueTellsNewestPoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := newDice(21)
	for range 6 {
		f.store("default", telemetry.Metrics, testbed.MetricsPayload(d.metrics(150)), 40)
	}
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(testbed.SampleMetrics(base())), 7)
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("of old")
	points := m.SetEmptyGauge().DataPoints()
	for i := range 3 {
		p := points.AppendEmpty()
		p.Attributes().PutInt("series", int64(i))
		p.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(-50 * time.Minute)))
		p.SetIntValue(int64(40 + i))
	}
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 2)
	f.store("other", telemetry.Metrics, testbed.MetricsPayload(d.metrics(50)), 40)

	var plain, got api.MetricCatalogue
	f.get("/api/metrics"+hour(), &plain)
	f.get("/api/metrics"+hour()+"&last=true", &got)
	require.Len(t, got.Metrics, len(plain.Metrics))
	require.Greater(t, len(got.Metrics), 3)
	var page api.PointPage
	f.search("metrics", searchBody{limit: 1000}, &page)
	types := map[api.MetricType]bool{}
	for i := range got.Metrics {
		one := &got.Metrics[i]
		require.Nil(t, plain.Metrics[i].Last)
		require.NotNil(t, one.Last, one.Metric.Name)
		require.Equal(t, one.LastTimeUnixNano, one.Last.TimeUnixNano)
		types[one.Metric.Type] = true
		at := slices.IndexFunc(page.Points, func(p api.Point) bool { return p.ID == one.Last.ID })
		require.GreaterOrEqual(t, at, 0, one.Metric.Name)
		of := page.Points[at]
		require.Equal(t, one.Metric.Name, page.Series[*of.SeriesIndex].Metric.Name)
		require.Equal(t, one.Metric.Type, page.Series[*of.SeriesIndex].Metric.Type)
		of.SeriesIndex = nil
		require.Equal(t, string(must(json.Marshal(of))), string(must(json.Marshal(one.Last)))) // values that are no number equal none
		for _, p := range page.Points[:at] {                                                   // newest first
			s := page.Series[*p.SeriesIndex].Metric
			require.False(t, s.Name == one.Metric.Name && s.Type == one.Metric.Type && s.Unit == one.Metric.Unit && s.Temporality == one.Metric.Temporality && s.Monotonic == one.Metric.Monotonic,
				"%s has a newer point", s.Name)
		}
	}
	require.Len(t, types, 5)
	var some api.MetricCatalogue
	f.get("/api/metrics"+hour()+"&last=true&limit=1&search=OLD", &some)
	require.Len(t, some.Metrics, 1)
	require.Equal(t, "of old", some.Metrics[0].Metric.Name)
	require.Equal(t, "42", some.Metrics[0].Last.AsInt)
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/metrics"+hour()+"&last=true&limit=1001", "")
}
