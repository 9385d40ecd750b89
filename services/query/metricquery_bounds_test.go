package query

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// problemOfMetric is the problem that a query is answered with.
func (f *fixture) problemOfMetric(status int, m metricBody) api.Problem {
	f.t.Helper()
	return f.problem(status, http.MethodPost, "/api/metrics/query", string(must(json.Marshal(m))))
}

// gauges are points of one metric of as many series, of a resource each or of one, which set fills.
func gauges(metric string, series int, alone bool, set func(resource pcommon.Map, p pmetric.NumberDataPoint, i int)) []byte {
	md := pmetric.NewMetrics()
	var rm pmetric.ResourceMetrics
	var points pmetric.NumberDataPointSlice
	for i := range series {
		if i == 0 || alone {
			rm = md.ResourceMetrics().AppendEmpty()
			m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName(metric)
			points = m.SetEmptyGauge().DataPoints()
		}
		p := points.AppendEmpty()
		p.SetTimestamp(pcommon.Timestamp(second(int64(i % 60))))
		p.SetIntValue(int64(i))
		p.Attributes().PutInt("instance", int64(i))
		set(rm.Resource().Attributes(), p, i)
	}
	return testbed.MetricsPayload(md)
}

// What series of a segment share is in memory once, and what nothing is told of not at all.
func TestWhatSeriesAreIsHeldAsFarAsItIsTold(t *testing.T) {
	t.Parallel()
	const series = 200
	large := strings.Repeat("x", 20_000)
	f := newFixture(t, func(c *Config) { c.MaxDecoded = 4 << 20 }) // of which one query holds 1 MiB
	f.store("default", telemetry.Metrics, gauges("one", series, false, func(of pcommon.Map, _ pmetric.NumberDataPoint, _ int) { of.PutStr("large", large) }), 100)
	f.store("default", telemetry.Metrics, gauges("each", series, true, func(of pcommon.Map, _ pmetric.NumberDataPoint, i int) { of.PutStr("large", large+strconv.Itoa(i)) }), 50)
	ask := metricBody{Metric: "one", Step: 60, Limit: 2}.between(0, 60)
	got := f.metric(ask)
	require.Nil(t, got.Incomplete)
	require.Equal(t, series, got.SeriesCount)
	require.Equal(t, large, got.Lines[1].Series.Resource[0].Value.String)
	ask.Metric, ask.OverSeries = "each", "sum"
	got = f.metric(ask)
	require.Nil(t, got.Incomplete)
	require.Equal(t, series, got.SeriesCount)
	require.InDelta(t, series*(series-1)/2, *got.Lines[0].Figures[0][0], 0)
	ask.OverSeries = "none"
	require.Equal(t, "query.memory", f.problemOfMetric(http.StatusTooManyRequests, ask).Code)
	ask.Metric, ask.Limit = "one", 100 // which would tell the resource as many times
	require.Equal(t, "query.memory", f.problemOfMetric(http.StatusTooManyRequests, ask).Code)
}

// There are no more groups than there is room for until they are told.
func TestThereAreAsManyGroupsAsThereIsRoomFor(t *testing.T) {
	t.Parallel()
	const series = 1000
	f := newFixture(t)
	f.store("default", telemetry.Metrics, gauges("many", series, true, func(of pcommon.Map, _ pmetric.NumberDataPoint, i int) { of.PutStr("service.name", strconv.Itoa(i)) }), 100)
	poor := f.with(func(c *Config) { c.MaxDecoded = 4 << 20 })
	ask := metricBody{Metric: "many", GroupBy: []string{"service"}, Buckets: 100}.between(0, 100)
	require.Equal(t, series, f.metric(ask).LineCount)
	got := poor.metric(ask)
	require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
	require.Contains(t, got.Incomplete.Message, "more series")
	require.Less(t, got.LineCount, series/2)
	require.Greater(t, got.LineCount, series/20)
	require.Len(t, got.Lines, 10)
}

func TestExemplarsTellABoundedAmount(t *testing.T) {
	t.Parallel()
	const points = 60
	f := newFixture(t)
	payload := gauges("told", points, false, func(_ pcommon.Map, p pmetric.NumberDataPoint, i int) {
		e := p.Exemplars().AppendEmpty()
		e.SetTimestamp(p.Timestamp())
		e.SetIntValue(int64(i))
		e.FilteredAttributes().PutInt("small", int64(i))
		e.FilteredAttributes().PutStr("large", strings.Repeat("x", 300_000))
		e.FilteredAttributes().PutInt("last", int64(i))
	})
	f.store("default", telemetry.Metrics, payload, 100)
	ask := metricBody{Metric: "told", Step: 60, Exemplars: points}.between(0, points)
	got := f.metric(ask)
	require.Len(t, got.Exemplars, points)
	for i, e := range got.Exemplars {
		require.Len(t, e.FilteredAttributes, 1)
		require.EqualValues(t, i, e.FilteredAttributes[0].Value.Int)
		require.Equal(t, 2, e.AttributesLeftOut)
	}
	ask.Exemplars = 1
	got = f.metric(ask)
	require.Len(t, got.Exemplars[0].FilteredAttributes, 3)
	require.Zero(t, got.Exemplars[0].AttributesLeftOut)
	poor := f.with(func(c *Config) { c.MaxDecoded = 4 << 20 }) // of which one query holds 1 MiB
	ask.Exemplars = 5
	require.Equal(t, "query.memory", poor.problemOfMetric(http.StatusTooManyRequests, ask).Code)
	ask.Exemplars = points
	require.Len(t, poor.metric(ask).Exemplars, points)
}

// histograms are points of one metric, each second one of each service; set fills them.
func histograms(metric string, services, seconds int, set func(m pmetric.Metric, at pcommon.Timestamp)) []byte {
	md := pmetric.NewMetrics()
	for i := range services {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutInt("number", int64(i))
		rm.Resource().Attributes().PutStr("service.name", fmt.Sprint("s", i))
		for at := range seconds {
			m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName(metric)
			set(m, pcommon.Timestamp(second(int64(at))))
		}
	}
	return testbed.MetricsPayload(md)
}

// Heat maps have as many rows as there are bounds: those of exponential histograms have as many as fit into an answer, and what is more is refused. They are charged.
func TestHeatMapsAreBounded(t *testing.T) {
	t.Parallel()
	const services, seconds, width = 20, 102, 300
	f := newFixture(t)
	f.store("default", telemetry.Metrics, histograms("wide", services, seconds, func(m pmetric.Metric, at pcommon.Timestamp) {
		h := m.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		p := h.DataPoints().AppendEmpty()
		p.SetTimestamp(at)
		p.SetScale(4)
		p.SetCount(width)
		for range width {
			p.Positive().BucketCounts().Append(1)
		}
	}), 1000)
	bounds := make([]float64, 3000)
	for i := range bounds {
		bounds[i] = float64(i)
	}
	f.store("default", telemetry.Metrics, histograms("fine", 1, seconds, func(m pmetric.Metric, at pcommon.Timestamp) {
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		p := h.DataPoints().AppendEmpty()
		p.SetTimestamp(at)
		p.SetCount(1)
		p.ExplicitBounds().FromRaw(bounds)
		counts := make([]uint64, len(bounds)+1)
		counts[7] = 1
		p.BucketCounts().FromRaw(counts)
	}), 1000)
	ask := metricBody{Metric: "wide", OverSeries: "histogram", GroupBy: []string{"service"}, Step: 1}.between(0, seconds)
	rows := func(limit int) int {
		ask.Limit = limit
		got := f.metric(ask)
		require.Len(t, got.Lines, limit)
		require.Equal(t, limit == services, got.Other == nil)
		figures := 0
		for _, line := range got.Lines {
			sum := 0.0
			for _, counts := range line.Histogram.Counts {
				if counts != nil {
					figures += len(*counts)
					for _, n := range *counts {
						sum += n
					}
				}
			}
			require.InDelta(t, width*seconds, sum, 1e-6)
		}
		require.LessOrEqual(t, figures, 1<<18)
		return len(got.Lines[0].Histogram.Edges) - 1
	}
	require.Equal(t, width/2+1, rows(1))
	require.Equal(t, width/4+1, rows(services), "20 x 102 x 151 are more than one answer tells")
	require.Equal(t, width/4+1, rows(17), "17 x 102 x 151 are not, but edges are figures, too")

	fine := metricBody{Metric: "fine", OverSeries: "histogram", Step: 1}.between(0, seconds)
	p := f.problemOfMetric(http.StatusBadRequest, fine)
	require.Equal(t, "metric.shape", p.Code)
	require.Contains(t, p.Detail, "3001 rows in 102 buckets")
	fine.Step = 2
	require.Len(t, *f.metric(fine).Lines[0].Histogram.Counts[0], 3001)

	poor := f.with(func(c *Config) { c.MaxDecoded = 8 << 20 }) // of which one query holds 2 MiB
	ask.Limit, ask.Filters = 10, []json.RawMessage{[]byte(`{"field":"resource.number","operator":"lt","value":3}`)}
	require.Equal(t, "query.memory", poor.problemOfMetric(http.StatusTooManyRequests, ask).Code)
	ask.OverSeries, ask.Quantiles = "quantile", []float64{0.5}
	require.Len(t, poor.metric(ask).Lines, 3, "it is the figures that are too many")
}

// What was added is told of each time once, also of deltas that begin before the point before them: of a sender that never sets its start anew.
func TestDeltasThatOverlapCountOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var list []sample
	for at := int64(10); at <= 600; at += 10 {
		list = append(list, sample{metric: "overlaps", service: "cart", at: at, start: 0, value: float64(at), sum: true, delta: true})
	}
	f.store("default", telemetry.Metrics, payloadOfSamples(list), 1000)
	for _, lookback := range []int64{5, 300} { // whether or not the points are taken for neighbours
		got := f.metric(metricBody{Metric: "overlaps", OverTime: "increase", Step: 10, Lookback: lookback}.between(0, 601))
		require.EqualValues(t, len(list)-1, got.Notes.Overlaps)
		for i, s := range list {
			require.InDelta(t, s.value, *got.Lines[0].Figures[0][i], 1e-9, "bucket %d", i)
		}
	}
}

// A cut answer tells nothing of the time before that since which it is whole, whatever points of later say of it, and of the time since as much as a whole one.
func TestACutAnswerTellsNothingOfBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const end = 600
	for minute := range int64(10) {
		var list []sample
		for at := 60*minute + 5; at < 60*minute+60; at += 10 {
			list = append(list, sample{metric: "cut", service: "cart", at: at, start: noStart, value: 1, sum: true, delta: true})
		}
		if minute == 9 {
			list = append(list, sample{metric: "cut", service: "whole", at: end - 1, start: 0, value: end - 1, sum: true, delta: true})
		}
		f.store("default", telemetry.Metrics, payloadOfSamples(list), 100)
	}
	ask := metricBody{Metric: "cut", OverTime: "increase", Step: 20}.between(0, end)
	whole := f.metric(ask)
	got := f.budget(1).metric(ask)
	require.NotNil(t, got.Incomplete)
	since := (must(strconv.ParseInt(got.Incomplete.Since, 10, 64)) - second(0)) / 1e9
	require.Greater(t, since, int64(60))
	var line, of api.MetricLine
	for i := range got.Lines {
		if got.Lines[i].Series.ServiceName == "whole" {
			line = got.Lines[i]
		}
		if whole.Lines[i].Series.ServiceName == "whole" {
			of = whole.Lines[i]
		}
	}
	told := 0
	for i := range int64(end / 20) {
		x := line.Figures[0][i]
		switch begin := 20 * i; {
		case begin+20 <= since:
			require.Nil(t, x, "bucket %d, cut at %d", i, since)
			require.Zero(t, got.CoveredSeconds[i])
		case begin < since:
			require.InDelta(t, begin+20-since, *x, 1e-6)
			require.InDelta(t, begin+20-since, got.CoveredSeconds[i], 1e-6)
		default:
			require.InDelta(t, *of.Figures[0][i], *x, 1e-6)
			told++
		}
	}
	require.Positive(t, told)
}

// Numbers that add up to none that there is are no value, and no error.
func TestWhatAddsUpToInfinityIsNoValue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var list []sample
	for instance := range 3 {
		for at := range int64(3) {
			list = append(list, sample{metric: "huge", service: "cart", instance: instance, at: 10 + at, start: 9 + at, value: 1.7e308, sum: true, delta: true})
		}
		list = append(list, sample{metric: "huge", service: "cart", instance: instance, at: 70, start: 69, value: float64(instance), sum: true, delta: true})
	}
	f.store("default", telemetry.Metrics, payloadOfSamples(list), 1000)
	for _, overTime := range []string{"increase", "rate", "sum", "last"} {
		if overTime == "sum" || overTime == "last" {
			require.NotEmpty(t, f.metric(metricBody{Metric: "huge", OverTime: overTime, OverSeries: "sum", Step: 60}.between(0, 120)).Lines)
			continue
		}
		for _, overSeries := range []string{"none", "sum", "max"} {
			got := f.metric(metricBody{Metric: "huge", OverTime: overTime, OverSeries: overSeries, Step: 60, Limit: 1}.between(0, 120))
			require.Nil(t, got.Lines[0].Figures[0][0])
			require.NotNil(t, got.Lines[0].Figures[0][1])
			if overSeries == "none" {
				require.Nil(t, got.Other.Max[0])
				require.False(t, math.IsInf(*got.Other.Max[1], 0))
			}
		}
	}
}
