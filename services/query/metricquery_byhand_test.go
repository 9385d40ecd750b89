package query

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// requireFigures compares what is told by bucket; NaN is no value.
func requireFigures(t *testing.T, want []float64, got []*float64, about string) {
	t.Helper()
	require.Len(t, got, len(want), about)
	for i, x := range want {
		if math.IsNaN(x) {
			require.Nil(t, got[i], "%s: bucket %d", about, i)
			continue
		}
		require.NotNil(t, got[i], "%s: bucket %d: want %v", about, i, x)
		require.InDelta(t, x, *got[i], 1e-9*max(1, math.Abs(x)), "%s: bucket %d", about, i)
	}
}

// What was added is worked out by hand, for each way in which a sender counts, begins anew and is silent.
func TestWhatWasAddedByHand(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	none := math.NaN()
	grows := func(at, start int64, value float64) sample {
		return sample{at: at, start: start, value: value, sum: true}
	}
	delta := func(at, start int64, value float64) sample {
		return sample{at: at, start: start, value: value, sum: true, delta: true}
	}
	cases := []struct {
		about                  string
		points                 []sample
		step, end              int64
		increase, rate         []float64
		resets, gaps, overlaps int64
	}{
		{
			about:  "points where buckets begin",
			points: []sample{grows(0, noStart, 10), grows(60, noStart, 40), grows(120, noStart, 100)},
			step:   60, end: 180, increase: []float64{30, 60, none}, rate: []float64{0.5, 1, none},
		},
		{
			about:  "points within buckets: half of what was added belongs to each",
			points: []sample{grows(30, noStart, 0), grows(90, noStart, 60)},
			step:   60, end: 180, increase: []float64{30, 30, none}, rate: []float64{1, 1, none},
		},
		{
			about:  "it begins anew after 20 seconds, and says so: nothing is known to have been added before that",
			points: []sample{grows(0, -100, 100), grows(60, 20, 30)},
			step:   20, end: 80, increase: []float64{0, 15, 15, none}, rate: []float64{0, 0.75, 0.75, none}, resets: 1,
		},
		{
			about:  "it begins anew, and does not say so: what it tells was added since the point before",
			points: []sample{grows(0, noStart, 100), grows(60, noStart, 30)},
			step:   20, end: 80, increase: []float64{10, 10, 10, none}, rate: []float64{0.5, 0.5, 0.5, none}, resets: 1,
		},
		{
			about:  "it begins anew, and has counted more than before already",
			points: []sample{grows(0, -100, 100), grows(60, 0, 600)},
			step:   60, end: 120, increase: []float64{600, none}, rate: []float64{10, none}, resets: 1,
		},
		{
			about:  "points too far apart are no neighbours",
			points: []sample{grows(0, noStart, 0), grows(400, noStart, 400), grows(460, noStart, 460)},
			step:   60, end: 480, increase: []float64{none, none, none, none, none, none, 20, 40}, rate: []float64{none, none, none, none, none, none, 1, 1}, gaps: 1,
		},
		{
			about:  "the first point counts from its start",
			points: []sample{grows(30, 10, 20)},
			step:   20, end: 40, increase: []float64{10, 10}, rate: []float64{1, 1},
		},
		{
			about:  "which may lie a little before the range",
			points: []sample{grows(30, -30, 60)},
			step:   20, end: 60, increase: []float64{20, 10, none}, rate: []float64{1, 1, none},
		},
		{
			about:  "but not long before it",
			points: []sample{grows(30, -1000, 60)},
			step:   20, end: 60, increase: []float64{none, none, none}, rate: []float64{none, none, none},
		},
		{
			about:  "a clock was set: it is no new beginning",
			points: []sample{grows(0, -10, 5), grows(60, -5, 65)},
			step:   60, end: 120, increase: []float64{60, none}, rate: []float64{1, none}, overlaps: 1,
		},
		{
			about:  "a delta counts from its start",
			points: []sample{delta(60, 0, 60)},
			step:   20, end: 80, increase: []float64{20, 20, 20, none}, rate: []float64{1, 1, 1, none},
		},
		{
			about:  "one without a start from the point before, and the first at once",
			points: []sample{delta(10, noStart, 5), delta(70, noStart, 60)},
			step:   20, end: 80, increase: []float64{5 + 10, 20, 20, 10},
		},
		{
			about:  "deltas are silent where nothing happens, and that is no gap",
			points: []sample{delta(10, 0, 10), delta(510, 500, 20)},
			step:   60, end: 540, increase: []float64{10, none, none, none, none, none, none, none, 20}, rate: []float64{1, none, none, none, none, none, none, none, 2},
		},
		{
			about:  "a delta that begins before the point before it counts from that on",
			points: []sample{delta(20, 0, 20), delta(60, 0, 80)},
			step:   20, end: 80, increase: []float64{20, 40, 40, none}, rate: []float64{1, 2, 2, none}, overlaps: 1,
		},
	}
	var all []sample
	for i := range cases {
		for _, s := range cases[i].points {
			s.metric, s.service = fmt.Sprint("hand.", i), "cart"
			all = append(all, s)
		}
	}
	f.store("default", telemetry.Metrics, payloadOfSamples(all), 4)
	for i := range cases {
		c := &cases[i]
		ask := metricBody{Metric: fmt.Sprint("hand.", i), OverTime: "increase", Step: c.step, Lookback: 300}.between(0, c.end)
		got := f.metric(ask)
		require.Len(t, got.Lines, 1, c.about)
		requireFigures(t, c.increase, got.Lines[0].Figures[0], c.about)
		require.Equal(t, [3]int64{c.resets, c.gaps, c.overlaps}, [3]int64{got.Notes.Resets, got.Notes.Gaps, got.Notes.Overlaps}, c.about)
		if c.rate != nil {
			ask.OverTime = "rate"
			requireFigures(t, c.rate, f.metric(ask).Lines[0].Figures[0], c.about)
		}
	}
}

// What is told to have been added is what happened: it is compared with the events themselves, which senders count in each way and forget when they begin anew.
func TestWhatWasAddedIsWhatHappened(t *testing.T) {
	t.Parallel()
	const end, step = 1800, 60
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(7, 3))
	type sender struct {
		service       string
		every         int64
		delta, starts bool
		anew          map[int64]bool // at these times it forgets what it has counted
	}
	happened := map[string]map[int64]float64{} // by service and the ten seconds from then on
	var list []sample
	for instance, s := range []sender{
		{service: "cart", every: 10, starts: true, anew: map[int64]bool{660: true, 720: true, 1200: true}},
		{service: "cart", every: 20, anew: map[int64]bool{900: true, 1380: true}},
		{service: "cart", every: 30, delta: true, starts: true},
		{service: "pay", every: 60, delta: true},
		{service: "pay", every: 20, starts: true},
		{service: "pay", every: 60, starts: true, anew: map[int64]bool{600: true, 1020: true}},
	} {
		if happened[s.service] == nil {
			happened[s.service] = map[int64]float64{}
		}
		counted, began := 0.0, int64(0)
		for at := int64(10); at <= end; at += 10 {
			n := float64(rnd.IntN(50))
			happened[s.service][at-10] += n
			counted += n
			if at%s.every != 0 {
				continue
			}
			one := sample{metric: "happened", service: s.service, instance: instance, at: at, start: noStart, value: counted, sum: true, delta: s.delta}
			if s.starts {
				one.start = began
			}
			list = append(list, one)
			if s.delta || s.anew[at] {
				counted, began = 0, at
			}
		}
	}
	f.storeShuffled(rnd, list, 4)
	for _, overTime := range []string{"increase", "rate"} {
		got := f.metric(metricBody{Metric: "happened", OverTime: overTime, OverSeries: "sum", GroupBy: []string{"service"}, Step: step}.between(600, end))
		require.Len(t, got.Lines, len(happened))
		for _, line := range got.Lines {
			service := line.Values[0].String
			// The last bucket ends with a point that is not of the range.
			for i, x := range line.Figures[0][:len(line.Figures[0])-1] {
				want := 0.0
				for at := 600 + int64(i)*step; at < 600+int64(i+1)*step; at += 10 {
					want += happened[service][at]
				}
				if overTime == "rate" {
					want /= float64(step)
				}
				require.NotNil(t, x)
				require.InDelta(t, want, *x, 1e-9*max(1, want), "%s of %s by %d s, bucket %d", overTime, service, step, i)
				require.InDelta(t, step, got.CoveredSeconds[i], 1e-9)
			}
		}
		require.EqualValues(t, 3+2+2, got.Notes.Resets, "%s by %d s", overTime, step)
	}
}

// spreadPoint is a point of a histogram, by hand.
type spreadPoint struct {
	metric, service string
	at, start       int64
	delta           bool
	bounds          []float64 // of explicit ones, with a count more
	counts          []uint64
	exponential     bool
	scale           int32
	threshold       float64
	zero            uint64
	offset          int32
	below           []uint64 // of negative numbers, from the index 0 on
	sum             float64
}

func payloadOfSpreads(list []spreadPoint) []byte {
	md := pmetric.NewMetrics()
	for i := range list {
		s := &list[i]
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", s.service)
		m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(s.metric)
		temporality := pmetric.AggregationTemporalityCumulative
		if s.delta {
			temporality = pmetric.AggregationTemporalityDelta
		}
		count := s.zero
		for _, n := range append(append([]uint64{}, s.counts...), s.below...) {
			count += n
		}
		if s.exponential {
			h := m.SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(temporality)
			p := h.DataPoints().AppendEmpty()
			p.SetStartTimestamp(pcommon.Timestamp(second(s.start)))
			p.SetTimestamp(pcommon.Timestamp(second(s.at)))
			p.SetCount(count)
			p.SetSum(s.sum)
			p.SetScale(s.scale)
			p.SetZeroThreshold(s.threshold)
			p.SetZeroCount(s.zero)
			p.Positive().SetOffset(s.offset)
			p.Positive().BucketCounts().FromRaw(s.counts)
			p.Negative().BucketCounts().FromRaw(s.below)
			continue
		}
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(temporality)
		p := h.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.Timestamp(second(s.start)))
		p.SetTimestamp(pcommon.Timestamp(second(s.at)))
		p.SetCount(count)
		p.SetSum(s.sum)
		p.ExplicitBounds().FromRaw(s.bounds)
		p.BucketCounts().FromRaw(s.counts)
	}
	return testbed.MetricsPayload(md)
}

// Quantiles of what was added in a minute and in the next, worked out by hand. The first two are of Prometheus's own tests of histogram_quantile, as is the first
// exponential one.
func TestQuantilesOfAMetricByHand(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	none, half := math.NaN(), math.Sqrt2
	type points []spreadPoint
	prometheus, below := []float64{0.1, 0.2, 1}, []float64{-0.2, -0.1, 0.3}
	four := []float64{1, 2, 4}
	cases := []struct {
		about     string
		points    points
		quantiles []float64
		want      [][]float64 // by quantile, of two minutes
		mean      []float64
	}{
		{
			about:     "delta, as Prometheus has it",
			points:    points{{at: 60, delta: true, bounds: prometheus, counts: []uint64{5, 2, 4, 1}, sum: 6}},
			quantiles: []float64{0, 0.2, 0.5, 0.8, 1},
			want:      [][]float64{{0, none}, {0.048, none}, {0.15, none}, {0.72, none}, {1, none}},
			mean:      []float64{0.5, none},
		},
		{
			about: "cumulative with negative bounds, as Prometheus has it",
			points: points{
				{at: 0, start: -60, bounds: below, counts: []uint64{7, 0, 2, 5}},
				{at: 60, start: -60, bounds: below, counts: []uint64{8, 1, 2, 6}},
				{at: 119, start: -60, bounds: below, counts: []uint64{8, 1, 2, 6}},
			},
			quantiles: []float64{0.2, 0.5, 0.8},
			want:      [][]float64{{-0.2, none}, {-0.15, none}, {0.3, none}},
			mean:      []float64{0, none},
		},
		{
			about: "cumulative, which begins anew after the first minute and says so",
			points: points{
				{at: 0, start: -60, bounds: four, counts: []uint64{5, 5, 5, 5}, sum: 100},
				{at: 60, start: -60, bounds: four, counts: []uint64{7, 9, 7, 7}, sum: 125},
				{at: 119, start: 60, bounds: four, counts: []uint64{0, 0, 8, 0}, sum: 24},
			},
			quantiles: []float64{0.1, 0.5, 0.75},
			want:      [][]float64{{0.5, 2.2}, {1.75, 3}, {3.5, 3.5}},
			mean:      []float64{2.5, 3},
		},
		{
			about: "cumulative, which begins anew and does not say so: one bucket has less than before",
			points: points{
				{at: 0, start: -60, bounds: four, counts: []uint64{0, 0, 1, 0}},
				{at: 60, start: -60, bounds: four, counts: []uint64{4, 4, 0, 0}},
				{at: 119, start: -60, bounds: four, counts: []uint64{4, 8, 0, 0}},
			},
			quantiles: []float64{0.25, 0.75},
			want:      [][]float64{{0.5, 1.25}, {1.5, 1.75}},
			mean:      []float64{0, 0},
		},
		{
			about:     "exponential, as Prometheus has it: 1 up to 1, 2 up to 2, 1 up to 4",
			points:    points{{at: 60, delta: true, exponential: true, offset: -1, counts: []uint64{1, 2, 1}, sum: 5}},
			quantiles: []float64{0, 0.25, 0.5, 0.75, 1},
			want:      [][]float64{{0.5, none}, {1, none}, {half, none}, {2, none}, {4, none}},
			mean:      []float64{1.25, none},
		},
		{
			about: "exponential and cumulative, which begins anew after the first minute",
			points: points{
				{at: 0, start: -60, exponential: true, offset: -1, counts: []uint64{3, 3, 3}, sum: 10},
				{at: 60, start: -60, exponential: true, offset: -1, counts: []uint64{4, 5, 4}, sum: 15},
				{at: 119, start: 60, exponential: true, offset: -1, counts: []uint64{0, 0, 4}, sum: 12},
			},
			quantiles: []float64{0.5, 1},
			want:      [][]float64{{half, 2 * half}, {4, 4}},
			mean:      []float64{1.25, 3},
		},
		{
			about: "two senders of different scales: 4 up to 2, 4 up to 4",
			points: points{
				{at: 60, service: "a", delta: true, exponential: true, counts: []uint64{2, 2}, sum: 10},
				{at: 60, service: "b", delta: true, exponential: true, scale: 1, counts: []uint64{1, 1, 1, 1}, sum: 14},
			},
			quantiles: []float64{0.25, 0.5, 0.75},
			want:      [][]float64{{half, none}, {2, none}, {2 * half, none}},
			mean:      []float64{3, none},
		},
		{
			about: "negative ones, a zero bucket and positive ones",
			points: points{
				{at: 60, delta: true, exponential: true, threshold: 0.5, zero: 4, below: []uint64{2, 2}, counts: []uint64{2, 2}},
			},
			quantiles: []float64{0, 1.0 / 12, 0.25, 0.5, 0.75, 1},
			want:      [][]float64{{-4, none}, {-2 * half, none}, {-half, none}, {0, none}, {half, none}, {4, none}},
			mean:      []float64{0, none},
		},
		{
			about: "different bounds: those that both have are 2, and 1 of 8 lies above",
			points: points{
				{at: 60, service: "a", delta: true, bounds: four, counts: []uint64{1, 3, 0, 0}}, {at: 60, service: "b", delta: true, bounds: []float64{2, 3}, counts: []uint64{3, 1, 0}},
			},
			quantiles: []float64{0.5, 0.9},
			want:      [][]float64{{2 * 4.0 / 7, none}, {2, none}},
			mean:      []float64{0, none},
		},
	}
	var all []spreadPoint
	for i := range cases {
		for _, p := range cases[i].points {
			p.metric = fmt.Sprint("spread.", i)
			all = append(all, p)
		}
	}
	f.store("default", telemetry.Metrics, payloadOfSpreads(all), 3)
	for i := range cases {
		c := &cases[i]
		ask := metricBody{Metric: fmt.Sprint("spread.", i), OverSeries: "quantile", Quantiles: c.quantiles, Step: 60}.between(0, 120)
		got := f.metric(ask)
		require.Len(t, got.Lines, 1, c.about)
		require.Len(t, got.Lines[0].Figures, len(c.quantiles), c.about)
		for k, want := range c.want {
			requireFigures(t, want, got.Lines[0].Figures[k], fmt.Sprint(c.about, ": ", c.quantiles[k]))
		}
		ask.OverSeries, ask.Quantiles = "mean", nil
		requireFigures(t, c.mean, f.metric(ask).Lines[0].Figures[0], c.about)
	}
}

// Summaries tell their quantiles as they are, and what they count is added up.
func TestSummariesAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	md := pmetric.NewMetrics()
	for service, more := range map[string]float64{"cart": 0, "pay": 4} {
		for i := range 3 {
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", service)
			m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName("took")
			p := m.SetEmptySummary().DataPoints().AppendEmpty()
			p.SetStartTimestamp(pcommon.Timestamp(second(-60)))
			p.SetTimestamp(pcommon.Timestamp(second(int64(60 * i))))
			p.SetCount([]uint64{10, 40, 50}[i])
			p.SetSum([]float64{5, 65, 90}[i])
			median := p.QuantileValues().AppendEmpty()
			median.SetQuantile(0.5)
			median.SetValue(float64(i+1) + more)
			if i != 1 {
				high := p.QuantileValues().AppendEmpty()
				high.SetQuantile(0.99)
				high.SetValue(9 + more)
			}
		}
	}
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 2)
	none := math.NaN()
	ask := metricBody{Metric: "took", Step: 60, GroupBy: []string{"service"}}.between(0, 180)
	got := f.metric(ask)
	require.Equal(t, []string{"rate", "sum", "count"}, []string{got.OverTime, got.OverSeries, got.Value})
	require.Len(t, got.Lines, 2)
	requireFigures(t, []float64{30.0 / 60, 10.0 / 60, none}, got.Lines[0].Figures[0], "count")
	ask.GroupBy, ask.OverTime, ask.OverSeries, ask.Value = nil, "increase", "sum", "sum"
	requireFigures(t, []float64{2 * 60, 2 * 25, none}, f.metric(ask).Lines[0].Figures[0], "sum")

	ask.OverTime, ask.OverSeries, ask.Value, ask.Quantiles = "", "", "quantile", []float64{0.5}
	got = f.metric(ask)
	require.Equal(t, []string{"last", "none", "quantile"}, []string{got.OverTime, got.OverSeries, got.Value})
	require.Equal(t, "pay", got.Lines[0].Series.ServiceName)
	requireFigures(t, []float64{5, 6, 7}, got.Lines[0].Figures[0], "median")
	requireFigures(t, []float64{1, 2, 3}, got.Lines[1].Figures[0], "median")
	ask.OverSeries = "avg"
	requireFigures(t, []float64{3, 4, 5}, f.metric(ask).Lines[0].Figures[0], "medians of both")
	ask.OverSeries, ask.Quantiles, ask.Lookback = "max", []float64{0.99}, 60
	got = f.metric(ask)
	requireFigures(t, []float64{13, none, 13}, got.Lines[0].Figures[0], "one that is not told each time")
	require.EqualValues(t, 2, got.Notes.NoNumbers)
	ask.Quantiles = []float64{0.9}
	requireFigures(t, []float64{none, none, none}, f.metric(ask).Lines[0].Figures[0], "one that nobody tells")

	ask.OverTime = "rate"
	require.Equal(t, "metric.function", f.problemOfMetric(http.StatusBadRequest, ask).Code)
	ask.OverTime, ask.OverSeries, ask.Value = "", "quantile", ""
	p := f.problemOfMetric(http.StatusBadRequest, ask)
	require.Equal(t, "metric.function", p.Code)
	require.Contains(t, p.Detail, "value quantile tells them")
}

// An exemplar is told of each part of the range: one with a trace before others, of these the largest, of these the newest. It leads to its trace and to its series.
func TestExemplarsLeadToTracesAndSeries(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	md, td := pmetric.NewMetrics(), ptrace.NewTraces()
	metrics := map[string]pmetric.NumberDataPointSlice{}
	for _, service := range []string{"cart", "pay"} {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", service)
		m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName("took")
		metrics[service] = m.SetEmptyGauge().DataPoints()
	}
	trace := func(n byte) pcommon.TraceID { return pcommon.TraceID{5, n} }
	span := func(n byte) pcommon.SpanID { return pcommon.SpanID{6, n} }
	for i, e := range []struct {
		service string
		point   int64
		at      int64
		value   float64
		trace   byte
	}{
		{"cart", 10, 5, 50, 0},
		{"pay", 10, 7, 3, 1},
		{"cart", 50, 8, 9, 2}, // of the first 20 seconds, the largest with a trace
		{"cart", 30, 25, 7, 0},
		{"pay", 30, 30, 8, 0}, // the largest, of those without
		{"pay", 70, 41, math.NaN(), 3},
		{"cart", 70, 59, math.Inf(1), 4},
		{"cart", 71, -1, 1, 5}, // before the range, and after it
		{"pay", 71, 100, 1, 6},
		{"cart", 90, 99, 4, 7}, // the newest
		{"pay", 95, 98, 4, 8},
	} {
		p := metrics[e.service].AppendEmpty()
		p.SetTimestamp(pcommon.Timestamp(second(e.point)) + pcommon.Timestamp(i))
		p.SetIntValue(1)
		one := p.Exemplars().AppendEmpty()
		one.SetTimestamp(pcommon.Timestamp(second(e.at)))
		one.SetDoubleValue(e.value)
		if e.value == 4 {
			one.SetIntValue(4)
		}
		one.FilteredAttributes().PutInt("number", int64(i))
		if e.trace > 0 {
			one.SetTraceID(trace(e.trace))
			one.SetSpanID(span(e.trace))
			s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			s.SetTraceID(trace(e.trace))
			s.SetSpanID(span(e.trace))
			s.SetName("told")
			s.SetStartTimestamp(pcommon.Timestamp(second(e.at)))
			s.SetEndTimestamp(pcommon.Timestamp(second(e.at + 1)))
		}
	}
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 3)
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 100)
	ask := metricBody{Metric: "took", Step: 20, Exemplars: 5}.between(0, 100)
	none := f.metric(ask)
	ask.GroupBy = []string{"service"}
	groups := f.metric(ask)
	require.Len(t, none.Exemplars, 3)
	require.Len(t, groups.Exemplars, 3)
	series := map[string]string{}
	for _, line := range none.Lines {
		series[line.Series.ID] = line.Series.ServiceName
	}
	for i, want := range []struct {
		at, number int64
		value      float64
		trace      byte
		service    string
	}{{8, 2, 9, 2, "cart"}, {30, 4, 8, 0, "pay"}, {99, 9, 4, 7, "cart"}} {
		for _, e := range []api.MetricExemplar{none.Exemplars[i], groups.Exemplars[i]} {
			require.Equal(t, fmt.Sprint(second(want.at)), e.TimeUnixNano)
			require.InDelta(t, want.value, e.Value, 0)
			require.Len(t, e.FilteredAttributes, 1)
			require.Equal(t, want.number, e.FilteredAttributes[0].Value.Int)
			require.Zero(t, e.AttributesLeftOut)
			require.Equal(t, want.service, series[e.SeriesID])
			if want.trace == 0 {
				require.Empty(t, e.TraceID)
				require.Empty(t, e.SpanID)
				continue
			}
			id := trace(want.trace)
			require.Equal(t, hex.EncodeToString(id[:]), e.TraceID)
			status, body := f.call(http.MethodGet, "/api/traces/"+e.TraceID, "")
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, string(body), `"`+e.SpanID+`"`)
		}
		require.Empty(t, none.Exemplars[i].Values)
		require.Equal(t, want.service, groups.Exemplars[i].Values[0].String)
	}
	ask.Exemplars = 0
	require.Empty(t, f.metric(ask).Exemplars)
}

// So many series are looked at, and of those that are found after them nothing is told.
func TestSoManySeriesAreLookedAt(t *testing.T) {
	t.Parallel()
	const most, series = 20_000, 20_001
	f := newFixture(t)
	f.store("default", telemetry.Metrics, gauges("many", series, false, func(pcommon.Map, pmetric.NumberDataPoint, int) {}), 5000)
	ask := metricBody{Metric: "many", OverTime: "last", OverSeries: "count", Step: 60}.between(0, 60)
	got := f.metric(ask)
	require.Equal(t, most, got.SeriesCount)
	require.InDelta(t, most, *got.Lines[0].Figures[0][0], 0)
	require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
	require.Contains(t, got.Incomplete.Message, "more series")
	ask.Lookback = 1
	got = f.metric(ask.between(2, 60)) // without those of the second 0
	require.Equal(t, series-(series+59)/60, got.SeriesCount)
	require.Nil(t, got.Incomplete)
}
