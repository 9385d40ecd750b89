package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
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

// metricBody is a query of one metric.
type metricBody struct {
	Metric     string            `json:"metric"`
	Range      map[string]any    `json:"time_range"`
	Filters    []json.RawMessage `json:"filters,omitempty"`
	OverTime   string            `json:"over_time,omitempty"`
	OverSeries string            `json:"over_series,omitempty"`
	Value      string            `json:"value,omitempty"`
	Quantiles  []float64         `json:"quantiles,omitempty"`
	GroupBy    []string          `json:"group_by,omitempty"`
	Limit      int               `json:"limit,omitempty"`
	Buckets    int               `json:"buckets,omitempty"`
	Step       int64             `json:"step_seconds,omitempty"`
	Lookback   int64             `json:"lookback_seconds,omitempty"`
	Exemplars  int               `json:"exemplars,omitempty"`
}

// between sets the range, in seconds after base.
func (m metricBody) between(from, to int64) metricBody {
	m.Range = map[string]any{"start_time": second(from), "end_time": second(to)}
	return m
}

// second is a time so many seconds after base, Unix ns.
func second(n int64) int64 { return base().UnixNano() + n*int64(time.Second) }

func (f *fixture) metric(m metricBody, header ...string) (out api.MetricLines) {
	f.t.Helper()
	body := string(must(json.Marshal(m)))
	status, answer := f.call(http.MethodPost, "/api/metrics/query", body, header...)
	require.Equal(f.t, http.StatusOK, status, "%s: %s", body, answer)
	decode(f.t, answer, &out)
	return out
}

// noStart is no start time.
const noStart = math.MinInt64

// sample is a point of a metric of numbers; times are seconds after base.
type sample struct {
	at, start int64
	value     float64
	ends      bool
	metric    string
	service   string
	instance  int
	delta     bool
	sum       bool
}

func (s *sample) series() string {
	return fmt.Sprint(s.metric, " ", s.service, " ", s.instance, " ", s.delta)
}

// payloadOfSamples is one request.
func payloadOfSamples(list []sample) []byte {
	md := pmetric.NewMetrics()
	for i := range list {
		s := &list[i]
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", s.service)
		m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(s.metric)
		var points pmetric.NumberDataPointSlice
		if s.sum {
			sum := m.SetEmptySum()
			sum.SetIsMonotonic(true)
			sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			if s.delta {
				sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			}
			points = sum.DataPoints()
		} else {
			points = m.SetEmptyGauge().DataPoints()
		}
		p := points.AppendEmpty()
		p.SetTimestamp(pcommon.Timestamp(second(s.at)))
		if s.start != noStart {
			p.SetStartTimestamp(pcommon.Timestamp(second(s.start)))
		}
		p.Attributes().PutInt("instance", int64(s.instance))
		if s.ends {
			p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		} else {
			p.SetDoubleValue(s.value)
		}
	}
	return testbed.MetricsPayload(md)
}

// plainQuery is what a naive evaluation goes by, in seconds after base.
type plainQuery struct {
	from, to, step, lookback int64
	overTime                 string
}

// buckets are when each begins and before when it ends.
func (q *plainQuery) buckets() (list [][2]int64) {
	begin := base().Unix()
	for at := (begin+q.from)/q.step*q.step - begin; at < q.to; at += q.step {
		list = append(list, [2]int64{max(at, q.from), min(at+q.step, q.to)})
	}
	return list
}

// plainLine is what a series comes to, looked at from its oldest point to its newest; known has each second for which it is known what was added.
func (q *plainQuery) plainLine(stored []sample, known map[int64]bool) []float64 {
	last := map[int64]sample{} // of one time the one that was stored last
	for _, s := range stored {
		if s.at < q.from-q.lookback || s.at >= q.to || !s.ends && (math.IsNaN(s.value) || math.IsInf(s.value, 0)) {
			continue
		}
		last[s.at] = s
	}
	points := make([]sample, 0, len(last))
	for _, at := range slices.Sorted(maps.Keys(last)) {
		points = append(points, last[at])
	}
	if q.overTime == "rate" || q.overTime == "increase" {
		return q.plainAdded(points, known)
	}
	var out []float64
	for _, b := range q.buckets() {
		var in []float64
		var before *sample
		ended := false
		for i, p := range points {
			switch {
			case p.at < b[0]:
				before = &points[i]
			case p.at < b[1]:
				if ended = p.ends; !p.ends {
					in = append(in, p.value)
				}
			}
		}
		x := math.NaN()
		switch {
		case len(in) == 0:
			carries := slices.Contains([]string{"last", "avg", "min", "max"}, q.overTime)
			if !ended && carries && before != nil && !before.ends && before.at >= b[1]-q.lookback {
				x = before.value
			}
		case q.overTime == "last":
			if !ended {
				x = in[len(in)-1]
			}
		case q.overTime == "min":
			x = slices.Min(in)
		case q.overTime == "max":
			x = slices.Max(in)
		case q.overTime == "count":
			x = float64(len(in))
		default:
			x = 0
			for _, v := range in {
				x += v
			}
			if q.overTime == "avg" {
				x /= float64(len(in))
			}
		}
		out = append(out, x)
	}
	return out
}

func (q *plainQuery) plainAdded(points []sample, known map[int64]bool) []float64 {
	buckets := q.buckets()
	out := slices.Repeat([]float64{math.NaN()}, len(buckets))
	know := func(from, to int64) {
		for at := max(from, q.from); at < min(to, q.to); at++ {
			known[at] = true
		}
		for i, b := range buckets {
			if from < b[1] && to > b[0] && math.IsNaN(out[i]) {
				out[i] = 0
			}
		}
	}
	spread := func(from, to int64, much float64) {
		know(from, to)
		for i, b := range buckets {
			if both := min(b[1], to) - max(b[0], from); both > 0 {
				out[i] += much * float64(both) / float64(to-from)
			}
		}
	}
	points = slices.DeleteFunc(slices.Clone(points), func(s sample) bool { return s.ends })
	for i, p := range points {
		var before *sample
		if i > 0 {
			before = &points[i-1]
		}
		starts := p.start != noStart && p.start < p.at
		switch {
		case p.delta && starts:
			spread(p.start, p.at, p.value)
		case p.delta && before != nil && p.at-before.at <= q.lookback:
			spread(before.at, p.at, p.value)
		case p.delta: // at once
			for k, b := range buckets {
				if p.at >= b[0] && p.at < b[1] {
					if math.IsNaN(out[k]) {
						out[k] = 0
					}
					out[k] += p.value
				}
			}
		case before == nil:
			if starts && p.start >= q.from-q.lookback {
				spread(p.start, p.at, p.value)
			}
			continue
		case starts && p.start >= before.at && p.start != before.start:
			spread(p.start, p.at, p.value)
		case p.at-before.at > q.lookback:
		case p.value < before.value:
			spread(before.at, p.at, p.value)
		default:
			spread(before.at, p.at, p.value-before.value)
		}
		if before != nil && p.at-before.at <= q.lookback {
			know(before.at, p.at)
		}
	}
	return out
}

// plainGroups are the lines of groups of series.
func (q *plainQuery) plainGroups(stored []sample, groupBy func(*sample) string, overSeries string) map[string][]float64 {
	series := map[string][]sample{}
	for _, s := range stored {
		series[s.series()] = append(series[s.series()], s)
	}
	known := map[int64]bool{}
	lines := map[string][][]float64{}
	for _, of := range series {
		seen := slices.ContainsFunc(of, func(s sample) bool { return s.at >= q.from-q.lookback && s.at < q.to })
		if line := q.plainLine(of, known); seen {
			lines[groupBy(&of[0])] = append(lines[groupBy(&of[0])], line)
		}
	}
	out := map[string][]float64{}
	for group, list := range lines {
		line := slices.Repeat([]float64{math.NaN()}, len(q.buckets()))
		for i, b := range q.buckets() {
			seconds := 0.0
			for at := b[0]; at < b[1]; at++ {
				if known[at] {
					seconds++
				}
			}
			var have []float64
			for _, l := range list {
				if x := l[i]; !math.IsNaN(x) {
					if q.overTime == "rate" {
						if x /= seconds; seconds == 0 {
							continue
						}
					}
					have = append(have, x)
				}
			}
			if len(have) == 0 {
				continue
			}
			sum := 0.0
			for _, x := range have {
				sum += x
			}
			line[i] = map[string]float64{
				"none": sum, "sum": sum, "avg": sum / float64(len(have)), "min": slices.Min(have), "max": slices.Max(have), "count": float64(len(have)),
			}[overSeries]
		}
		out[group] = line
	}
	return out
}

// randomSamples are series of one metric, each of its own habits: it starts anew with and without saying so, leaves gaps, sends twice, is late.
func randomSamples(rnd *rand.Rand, metric string, sum bool) (list []sample) {
	for _, service := range []string{"cart", "checkout", "payment"} {
		for instance := range 1 + rnd.IntN(3) {
			every := []int64{10, 15, 60, 240}[rnd.IntN(4)]
			one := sample{metric: metric, service: service, instance: instance, sum: sum, delta: sum && rnd.IntN(3) == 0, start: noStart}
			tellsStart := rnd.IntN(3) > 0
			began, before := int64(-rnd.IntN(2400)), int64(noStart)
			at := began + 1 + rnd.Int64N(every)
			for ; at < 2500; at += every {
				s := one
				switch rnd.IntN(25) {
				case 0:
					at += rnd.Int64N(900) // a gap
				case 1:
					began = at - rnd.Int64N(every) // it starts anew
					one.value, before = 0, noStart
				case 2:
					if !sum {
						s.ends = true
					}
				}
				s.at = at
				switch {
				case !sum:
					s.value = math.Round(100*rnd.NormFloat64()) / 4
				case one.delta:
					if s.value = float64(rnd.IntN(20)); tellsStart {
						if s.start = began; before != noStart {
							s.start = before
						}
					}
				default:
					one.value += float64(rnd.IntN(50))
					if s.value = one.value; tellsStart {
						s.start = began
					}
				}
				if rnd.IntN(40) == 0 {
					s.value = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[rnd.IntN(3)]
				}
				before = at
				if list = append(list, s); rnd.IntN(20) == 0 {
					s.value++ // another point of the same time
					list = append(list, s)
				}
			}
		}
	}
	return list
}

// storeShuffled stores samples in several requests, in the order of which and within which they count as stored; it returns that order.
func (f *fixture) storeShuffled(rnd *rand.Rand, list []sample, requests int) (stored []sample) {
	parts := make([][]sample, requests)
	for _, s := range list {
		n := rnd.IntN(requests)
		parts[n] = append(parts[n], s)
	}
	for i, part := range parts {
		rnd.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		stored = append(stored, part...)
		if len(part) > 0 {
			f.store("default", telemetry.Metrics, payloadOfSamples(part), []int{7, 50, 1000}[i%3])
		}
	}
	return stored
}

func TestLinesAreThoseOfAPlainLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(11, 5))
	stored := map[string][]sample{}
	for i := range 4 {
		name := "metric." + strconv.Itoa(i)
		stored[name] = f.storeShuffled(rnd, randomSamples(rnd, name, i%2 == 1), 5)
	}
	byService := func(s *sample) string { return `[{"stringValue":"` + s.service + `"}]` }
	alone := (*sample).series
	values := 0
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		sum := stored[name][0].sum
		times := []string{"last", "avg", "min", "max", "sum", "count"}
		if sum {
			times = []string{"rate", "increase", "rate", "last"}
		}
		for _, overTime := range times {
			for _, c := range []plainQuery{{0, 2500, 60, 300, overTime}, {301, 1999, 7, 60, overTime}, {-1200, 2400, 600, 600, overTime}, {77, 2001, 100, 1000, overTime}} {
				overSeries := []string{"none", "sum", "avg", "min", "max", "count"}[rnd.IntN(6)]
				m := metricBody{Metric: name, OverTime: overTime, OverSeries: overSeries, Step: c.step, Lookback: c.lookback, Limit: 100}.between(c.from, c.to)
				group := alone
				if overSeries != "none" {
					m.GroupBy, group = []string{"service"}, byService
				}
				got := f.metric(m)
				want := c.plainGroups(stored[name], group, overSeries)
				about := string(must(json.Marshal(m)))
				require.Len(t, got.Lines, len(want), about)
				require.Nil(t, got.Other)
				for _, line := range got.Lines {
					key := string(must(json.Marshal(line.Values)))
					if s := line.Series; s != nil {
						one := sample{metric: name, service: s.ServiceName, instance: int(s.Attributes[0].Value.Int)}
						one.delta = s.Temporality == 1
						key = one.series()
					}
					require.Contains(t, want, key, about)
					require.Len(t, line.Figures, 1)
					require.Len(t, line.Figures[0], len(want[key]), about)
					for i, x := range want[key] {
						if y := line.Figures[0][i]; math.IsNaN(x) {
							require.Nil(t, y, "%s %s bucket %d", about, key, i)
						} else {
							require.NotNil(t, y, "%s %s bucket %d: want %v", about, key, i, x)
							require.InDelta(t, x, *y, 1e-6*max(1, math.Abs(x)), "%s %s bucket %d", about, key, i)
							values++
						}
					}
				}
			}
		}
	}
	require.Greater(t, values, 10_000)
}
