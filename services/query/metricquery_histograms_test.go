package query

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// observed is a sender of histograms that observes something each second, and tells it each ten, from when it began.
type observed struct {
	service     string
	exponential bool
	delta       bool
	bounds      []float64
	scale       int32
	anew        int64 // when it begins anew, in seconds after base; 0 for never
}

// send is what it tells from 0 to before end, and what it observed in each minute.
func (o *observed) send(rnd *rand.Rand, end int64) (md pmetric.Metrics, minutes [][]float64) {
	md = pmetric.NewMetrics()
	minutes = make([][]float64, end/60)
	var since []float64
	began := int64(0)
	for at := int64(1); at < end; at++ {
		x := math.Exp(rnd.NormFloat64())
		since = append(since, x)
		minutes[(at-1)/60] = append(minutes[(at-1)/60], x)
		if at%10 != 0 {
			continue
		}
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", o.service)
		m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(fmt.Sprint("took.", o.exponential))
		o.point(m, since, began, at)
		if o.delta || at == o.anew {
			since, began = nil, at
		}
	}
	return md, minutes
}

func (o *observed) point(m pmetric.Metric, list []float64, began, at int64) {
	temporality := pmetric.AggregationTemporalityCumulative
	if o.delta {
		temporality = pmetric.AggregationTemporalityDelta
	}
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	start, time := pcommon.Timestamp(second(began)), pcommon.Timestamp(second(at))
	if !o.exponential {
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(temporality)
		p := h.DataPoints().AppendEmpty()
		p.SetStartTimestamp(start)
		p.SetTimestamp(time)
		p.SetCount(uint64(len(list)))
		p.SetSum(sum)
		p.ExplicitBounds().FromRaw(o.bounds)
		p.BucketCounts().FromRaw(countsBy(o.bounds, list))
		return
	}
	h := m.SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(temporality)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(start)
	p.SetTimestamp(time)
	p.SetCount(uint64(len(list)))
	p.SetSum(sum)
	p.SetScale(o.scale)
	indices := map[int]uint64{}
	least, most := math.MaxInt, math.MinInt
	for _, x := range list {
		i := int(math.Ceil(math.Ldexp(math.Log2(x), int(o.scale)))) - 1
		indices[i]++
		least, most = min(least, i), max(most, i)
	}
	p.Positive().SetOffset(int32(least))
	for i := least; i <= most; i++ {
		p.Positive().BucketCounts().Append(indices[i])
	}
}

// countsBy are how many lie above one bound and up to the next.
func countsBy(bounds, list []float64) []uint64 {
	counts := make([]uint64, len(bounds)+1)
	for _, x := range list {
		i := 0
		for i < len(bounds) && x > bounds[i] {
			i++
		}
		counts[i]++
	}
	return counts
}

// plainQuantile looks for the bucket that a part of all numbers does not exceed, and goes as far into it as it has to.
func plainQuantile(bounds, list []float64, q float64, exponential bool) float64 {
	rank, counts := q*float64(len(list)), countsBy(bounds, list)
	for i, n := range counts {
		if float64(n) < rank || n == 0 {
			rank -= float64(n)
			continue
		}
		switch {
		case i == len(bounds):
			return bounds[i-1]
		case i == 0:
			return bounds[0] * rank / float64(n)
		case exponential:
			return bounds[i-1] * math.Pow(bounds[i]/bounds[i-1], rank/float64(n))
		}
		return bounds[i-1] + (bounds[i]-bounds[i-1])*rank/float64(n)
	}
	return math.NaN()
}

// Histograms of several senders, cumulative and delta, one of which begins anew, by different bounds or scales, are told as one that had observed all: by the bounds that
// all have, or the lowest scale.
func TestHistogramsOfSeveralSendersAreOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(2, 8))
	const minutes = 6
	all := map[bool][minutes][]float64{}
	for _, o := range []observed{
		{service: "cart", bounds: []float64{0.25, 0.5, 1, 2, 4}},
		{service: "cart-2", bounds: []float64{0.5, 0.75, 1, 2, 3, 4}, anew: 170},
		{service: "pay", bounds: []float64{0.5, 1, 2, 4, 8}, delta: true},
		{service: "cart", exponential: true, scale: 3},
		{service: "cart-2", exponential: true, scale: 1, anew: 200},
		{service: "pay", exponential: true, scale: 4, delta: true},
	} {
		md, list := o.send(rnd, minutes*60+1)
		of := all[o.exponential]
		for i := range of {
			of[i] = append(of[i], list[i]...)
		}
		all[o.exponential] = of
		f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 11)
	}
	powers := []float64{} // of the scale 1
	for i := -20; i <= 20; i++ {
		powers = append(powers, math.Exp2(float64(i)/2))
	}
	quantiles := []float64{0, 0.1, 0.5, 0.95, 1}
	for exponential, of := range all {
		bounds := []float64{0.5, 1, 2, 4}
		if exponential {
			bounds = powers
		}
		name := fmt.Sprint("took.", exponential)
		ask := metricBody{Metric: name, Step: 60}.between(0, minutes*60+1)
		one := ask
		one.OverSeries, one.Quantiles = "quantile", quantiles
		got := f.metric(one)
		require.Len(t, got.Lines, 1)
		require.Equal(t, "increase", got.OverTime)
		require.Equal(t, 3, got.Lines[0].SeriesCount)
		require.Equal(t, !exponential, got.CommonBounds)
		require.EqualValues(t, 1, got.Notes.Resets)
		for i, q := range quantiles[1:] {
			for m := range minutes {
				require.InDelta(t, plainQuantile(bounds, of[m], q, exponential), *got.Lines[0].Figures[i+1][m], 1e-9, "%s %v minute %d", name, q, m)
			}
		}
		one.OverSeries, one.Quantiles = "mean", nil
		got = f.metric(one)
		for m := range minutes {
			sum := 0.0
			for _, x := range of[m] {
				sum += x
			}
			require.InDelta(t, sum/float64(len(of[m])), *got.Lines[0].Figures[0][m], 1e-9)
		}
		one.OverSeries = "histogram"
		heat := f.metric(one).Lines[0].Histogram
		for m := range minutes {
			counts := map[api.Double]float64{}
			for i, n := range countsBy(bounds, of[m]) {
				if i < len(bounds) {
					counts[api.Double(bounds[i])] = float64(n)
				}
			}
			seen := 0.0
			for i, n := range *heat.Counts[m] {
				seen += n
				if upper := heat.Edges[i+1]; !math.IsInf(float64(upper), 1) {
					require.InDelta(t, counts[upper], n, 1e-9, "%s up to %v, minute %d", name, upper, m)
				}
			}
			require.InDelta(t, len(of[m]), seen, 1e-9)
		}
		// What they counted, by service, the least of which is in other.
		ask.GroupBy, ask.Limit, ask.OverTime = []string{"service"}, 2, "increase"
		got = f.metric(ask)
		require.Equal(t, "sum", got.OverSeries)
		require.Equal(t, "count", got.Value)
		require.Equal(t, 3, got.LineCount)
		require.Equal(t, 1, got.Other.SeriesCount)
		for m := range minutes {
			require.InDelta(t, len(of[m]), *got.Lines[0].Figures[0][m]+*got.Lines[1].Figures[0][m]+*got.Other.Figures[0][m], 1e-9)
			require.InDelta(t, *got.Other.Figures[0][m], *got.Other.Max[m], 0)
		}
	}
}

func TestWrongMetricQueriesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	md := pmetric.NewMetrics()
	add := func(name, unit string, set func(m pmetric.Metric) pmetric.NumberDataPoint) {
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		p := set(m)
		p.SetTimestamp(pcommon.Timestamp(second(1)))
		p.SetIntValue(5)
	}
	gauge := func(m pmetric.Metric) pmetric.NumberDataPoint { return m.SetEmptyGauge().DataPoints().AppendEmpty() }
	sum := func(monotonic bool) func(m pmetric.Metric) pmetric.NumberDataPoint {
		return func(m pmetric.Metric) pmetric.NumberDataPoint {
			s := m.SetEmptySum()
			s.SetIsMonotonic(monotonic)
			s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			return s.DataPoints().AppendEmpty()
		}
	}
	add("gauge", "", gauge)
	add("types", "", gauge)
	add("types", "", sum(true))
	add("units", "s", gauge)
	add("units", "ms", gauge)
	add("grows", "", sum(true))
	add("grows", "", sum(false))
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 100)
	for _, c := range []struct {
		m           metricBody
		code, names string
	}{
		{metricBody{}, "request.malformed", "metric"},
		{metricBody{Metric: "types"}, "metric.mixed", "filter on type"},
		{metricBody{Metric: "units"}, "metric.mixed", "filter on unit"},
		{metricBody{Metric: "grows"}, "metric.mixed", "only grow"},
		{metricBody{Metric: "gauge", OverTime: "rate"}, "metric.function", "gauge"},
		{metricBody{Metric: "gauge", OverTime: "rates"}, "metric.function", `do you mean "rate"?`},
		{metricBody{Metric: "gauge", OverSeries: "median"}, "metric.function", "over_series"},
		{metricBody{Metric: "gauge", OverSeries: "histogram"}, "metric.function", "of histograms"},
		{metricBody{Metric: "gauge", OverSeries: "quantile"}, "metric.shape", "quantiles"},
		{metricBody{Metric: "gauge", OverSeries: "quantile", Quantiles: []float64{1.5}}, "metric.shape", "1.5"},
		{metricBody{Metric: "gauge", Value: "count"}, "metric.function", "histograms and summaries"},
		{metricBody{Metric: "gauge", Value: "quantile"}, "metric.shape", "quantiles"},
		{metricBody{Metric: "gauge", OverSeries: "none", GroupBy: []string{"service"}}, "metric.function", "group_by"},
		{metricBody{Metric: "gauge", GroupBy: []string{"a", "b"}}, "filter.unknown_field", "a"},
		{metricBody{Metric: "gauge", GroupBy: slices.Repeat([]string{"service"}, 4)}, "metric.shape", "group_by"},
		{metricBody{Metric: "gauge", Limit: 1001}, "metric.shape", "1001"},
		{metricBody{Metric: "gauge", Limit: 1000, Buckets: 1000}, "metric.shape", "figures"},
		{metricBody{Metric: "gauge", Step: 1}, "metric.shape", "7200 buckets"},
		{metricBody{Metric: "gauge", Step: 1, Buckets: 5}, "timeline.buckets", "one of them"},
		{metricBody{Metric: "gauge", Lookback: -1}, "request.seconds", "lookback_seconds"},
		{metricBody{Metric: "gauge", Exemplars: 1001}, "metric.shape", "exemplars"},
	} {
		body := string(must(json.Marshal(c.m.between(-3600, 3600))))
		p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/metrics/query", body)
		require.Equal(t, c.code, p.Code, "%s: %s", body, p.Detail)
		require.Contains(t, p.Detail, c.names, body)
	}
	one := metricBody{Metric: "types", Filters: []json.RawMessage{[]byte(`{"field":"type","operator":"eq","value":"gauge"}`)}}.between(-3600, 3600)
	require.Len(t, f.metric(one).Lines, 1)
	nothing := f.metric(metricBody{Metric: "nothing"}.between(-3600, 3600))
	require.Empty(t, nothing.Lines)
	require.Empty(t, nothing.Metrics)
}
