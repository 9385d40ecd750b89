package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// exemplar is one measurement kept as an example, with the span in which it was made.
type exemplar struct {
	at    time.Time
	value float64
	trace pcommon.TraceID
	span  pcommon.SpanID
}

// instrument is what a metric's name promises.
type instrument struct {
	name, unit, description string
	kind                    pmetric.MetricType
	delta                   bool // temporality of sums and histograms
	monotonic               bool
	whole                   bool // integer points
	bounds                  []float64
	scope                   scope
}

// series is one metric with one set of attributes.
type series struct {
	instrument
	attributes []any
	begin      time.Time // start of what the point covers
	value      float64
	count      uint64
	sum        float64
	least      float64
	most       float64
	buckets    []uint64       // of bounds
	powers     map[int]uint64 // exponential buckets by index
	zeros      uint64
	recent     []float64 // of a summary
	examples   []exemplar
}

// meter holds the metrics of one pod.
type meter struct {
	list  []*series
	index map[string]*series
	last  time.Time
}

func newMeter() *meter { return &meter{index: map[string]*series{}} }

func (m *meter) series(i instrument, begin time.Time, attributes []any) *series {
	key := i.name + fmt.Sprint(attributes...)
	s, ok := m.index[key]
	if !ok {
		s = &series{instrument: i, attributes: attributes, begin: begin}
		s.reset(begin)
		m.index[key] = s
		m.list = append(m.list, s)
	}
	return s
}

func (s *series) reset(begin time.Time) {
	s.begin, s.count, s.sum, s.value, s.zeros = begin, 0, 0, 0, 0
	s.least, s.most = math.Inf(1), math.Inf(-1)
	s.buckets = make([]uint64, len(s.bounds)+1)
	s.powers = map[int]uint64{}
}

// scale of the exponential histograms: 2^3 buckets for each doubling, 9 % wide.
const scale = 3

// maxExamples bounds the exemplars of one point; the last ones win.
const maxExamples = 4

func (s *series) record(v float64, e *exemplar) {
	s.count++
	s.sum += v
	s.least, s.most = min(s.least, v), max(s.most, v)
	switch s.kind {
	case pmetric.MetricTypeHistogram:
		s.buckets[sort.SearchFloat64s(s.bounds, v)]++
	case pmetric.MetricTypeExponentialHistogram:
		if v == 0 {
			s.zeros++
		} else {
			s.powers[int(math.Ceil(math.Log2(v)*(1<<scale)))-1]++
		}
	case pmetric.MetricTypeSummary:
		s.recent = append(s.recent, v)
	case pmetric.MetricTypeSum:
		s.value += v
	case pmetric.MetricTypeGauge, pmetric.MetricTypeEmpty:
		s.value = v
	}
	if e != nil {
		s.examples = append(s.examples, *e)
		if len(s.examples) > maxExamples {
			s.examples = s.examples[1:]
		}
	}
}

func durationBounds() []float64 {
	return []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
}

// measure records a value of the told span when the story's times are known.
func (s *story) measure(o *op, i instrument, v float64, attributes ...any) {
	end, trace, span, p := time.Duration(o.span.EndTimestamp()), o.span.TraceID(), o.span.SpanID(), o.pod //nolint:gosec // an offset
	if end == 0 {
		end = s.at // the span still runs
	}
	s.measured = append(s.measured, func(start time.Time) {
		p.meter.series(i, start, attributes).record(v, &exemplar{start.Add(end), v, trace, span})
	})
}

func (s *story) measureHTTP(o *op, method, route string, status int) {
	s.measure(o, instrument{
		name: "http.server.request.duration", unit: "s", description: "Duration of HTTP server requests.",
		kind: pmetric.MetricTypeHistogram, bounds: durationBounds(), scope: o.pod.httpScope,
	}, o.duration().Seconds(), "http.request.method", method, "http.route", route, "http.response.status_code", status, "url.scheme", "http")
}

func (s *story) measureRPC(o *op, rpcService, method string, code int) {
	s.measure(o, instrument{
		name: "rpc.server.duration", unit: "ms", description: "Measures the duration of inbound RPC.",
		kind: pmetric.MetricTypeExponentialHistogram, delta: true, scope: o.pod.rpcScope,
	}, float64(o.duration().Microseconds())/1000, "rpc.system", "grpc", "rpc.service", rpcService, "rpc.method", method, "rpc.grpc.status_code", code)
}

func (s *story) measureSQL(o *op, operation, table string) {
	s.measure(o, instrument{
		name: "db.client.operation.duration", unit: "s", description: "Duration of database client operations.",
		kind: pmetric.MetricTypeHistogram, bounds: []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}, scope: o.pod.dbScope,
	}, o.duration().Seconds(), "db.system.name", "postgresql", "db.namespace", "shop", "db.operation.name", operation, "db.collection.name", table)
}

func (s *story) measureConsume(o *op, topic, group string, messages int) {
	attributes := []any{"messaging.system", "kafka", "messaging.destination.name", topic, "messaging.consumer.group.name", group}
	s.measure(o, instrument{
		name: "messaging.process.duration", unit: "s", description: "Duration of processing operation.",
		kind: pmetric.MetricTypeExponentialHistogram, scope: o.pod.httpScope,
	}, o.duration().Seconds(), attributes...)
	s.measure(o, instrument{
		name: "messaging.client.consumed.messages", unit: "{message}", description: "Number of messages that were delivered to the application.",
		kind: pmetric.MetricTypeSum, monotonic: true, whole: true, scope: o.pod.httpScope,
	}, float64(messages), attributes...)
}

// count adds to a counter of the shop's own; cumulative ones never start again, the others report what happened since the last export.
func (o *op) count(name, unit, description string, n int, cumulative bool, attributes ...any) {
	o.measure(o, instrument{
		name: name, unit: unit, description: description, kind: pmetric.MetricTypeSum, monotonic: true, whole: true, delta: !cumulative,
		scope: o.pod.logScope(),
	}, float64(n), attributes...)
}

func (o *op) charged(amount float64, card string) {
	o.measure(o, instrument{
		name: "app.payment.amount", unit: "{EUR}", description: "Amounts charged.",
		kind: pmetric.MetricTypeExponentialHistogram, scope: o.pod.logScope(),
	}, amount, "app.payment.card_type", card)
}

// sample takes the measurements that do not come from requests: memory, processor, pools, collectors of garbage.
func (p *pod) sample(r *rand.Rand, start, now time.Time) {
	runtime := scope{"runtime-metrics", p.sdkVersion}
	set := func(i instrument, v float64, attributes ...any) {
		i.scope = runtime
		s := p.meter.series(i, start, attributes)
		if i.kind == pmetric.MetricTypeSum && i.monotonic {
			s.record(v, nil)
			return
		}
		s.value, s.count = v, 1
	}
	busy := 0.05 + 0.3*r.Float64()
	elapsed := 5.0
	if !p.meter.last.IsZero() {
		elapsed = now.Sub(p.meter.last).Seconds()
	}
	memory := float64(64<<20 + len(p.program.name)<<22 + r.IntN(24<<20))
	set(instrument{name: "k8s.pod.cpu.usage", unit: "{cpu}", description: "Pod's CPU usage, measured in cpus.", kind: pmetric.MetricTypeGauge}, busy)
	set(instrument{name: "process.cpu.time", unit: "s", description: "Total CPU seconds broken down by different CPU modes.", kind: pmetric.MetricTypeSum, monotonic: true}, busy*elapsed*0.8, "cpu.mode", "user")
	set(instrument{name: "process.cpu.time", unit: "s", description: "Total CPU seconds broken down by different CPU modes.", kind: pmetric.MetricTypeSum, monotonic: true}, busy*elapsed*0.2, "cpu.mode", "system")
	set(instrument{name: "process.memory.usage", unit: "By", description: "The amount of physical memory in use.", kind: pmetric.MetricTypeSum, whole: true}, memory)
	set(instrument{name: "http.server.active_requests", unit: "{request}", description: "Number of active HTTP server requests.", kind: pmetric.MetricTypeSum, whole: true}, float64(r.IntN(6)), "http.request.method", "GET", "url.scheme", "http")
	if p.dbScope != (scope{}) {
		used := r.IntN(8)
		pool := instrument{name: "db.client.connection.count", unit: "{connection}", description: "The number of connections that are currently in state described by the state attribute.", kind: pmetric.MetricTypeSum, whole: true}
		set(pool, float64(used), "db.client.connection.pool.name", "shop", "db.client.connection.state", "used")
		set(pool, float64(10-used), "db.client.connection.pool.name", "shop", "db.client.connection.state", "idle")
	}
	pause := instrument{kind: pmetric.MetricTypeSummary, unit: "s", scope: runtime}
	switch p.language {
	case "java":
		set(instrument{name: "jvm.cpu.recent_utilization", unit: "1", description: "Recent CPU utilization for the process as reported by the JVM.", kind: pmetric.MetricTypeGauge}, busy/2)
		set(instrument{name: "jvm.memory.used", unit: "By", description: "Measure of memory used.", kind: pmetric.MetricTypeSum, whole: true}, memory*0.7, "jvm.memory.type", "heap", "jvm.memory.pool.name", "G1 Old Gen")
		set(instrument{name: "kafka.consumer.records_lag", unit: "{record}", description: "Messages not yet read.", kind: pmetric.MetricTypeGauge, whole: true}, float64(r.IntN(30)), "topic", "orders", "partition", "0")
		pause.name, pause.description = "jvm_gc_pause_seconds", "Time spent in GC pause."
	case "go":
		set(instrument{name: "go.goroutine.count", unit: "{goroutine}", description: "Count of live goroutines.", kind: pmetric.MetricTypeSum, whole: true}, float64(20+r.IntN(60)))
		pause.name, pause.description = "go_gc_duration_seconds", "A summary of the pause duration of garbage collection cycles."
	default:
		return
	}
	s := p.meter.series(pause, start, nil)
	for range 1 + r.IntN(4) {
		s.record(0.0001*math.Exp(0.8*r.NormFloat64()), nil)
	}
}

// collect writes every series of the shop as one export and returns it with the number of its data points.
func (s *shop) collect(r *rand.Rand, start, now time.Time) (pmetric.Metrics, int) {
	all, points := pmetric.NewMetrics(), 0
	for _, p := range s.all {
		p.sample(r, start, now)
		resource := all.ResourceMetrics().AppendEmpty()
		resource.SetSchemaUrl(schemaURL)
		p.resource.CopyTo(resource.Resource().Attributes())
		scopes, metrics := map[scope]pmetric.ScopeMetrics{}, map[string]pmetric.Metric{}
		for _, series := range p.meter.list {
			scoped, ok := scopes[series.scope]
			if !ok {
				scoped = resource.ScopeMetrics().AppendEmpty()
				scoped.Scope().SetName(series.scope.name)
				scoped.Scope().SetVersion(series.scope.version)
				scopes[series.scope] = scoped
			}
			if series.count == 0 {
				continue // a delta without news
			}
			metric, ok := metrics[series.name]
			if !ok {
				metric = scoped.Metrics().AppendEmpty()
				series.announce(metric)
				metrics[series.name] = metric
			}
			series.point(metric, now)
			points++
			series.examples = nil
			if series.delta {
				series.reset(now)
			}
		}
		p.meter.last = now
	}
	return all, points
}

func (s *series) announce(m pmetric.Metric) {
	m.SetName(s.name)
	m.SetUnit(s.unit)
	m.SetDescription(s.description)
	temporality := pmetric.AggregationTemporalityCumulative
	if s.delta {
		temporality = pmetric.AggregationTemporalityDelta
	}
	switch s.kind {
	case pmetric.MetricTypeGauge:
		m.SetEmptyGauge()
	case pmetric.MetricTypeSum:
		m.SetEmptySum().SetAggregationTemporality(temporality)
		m.Sum().SetIsMonotonic(s.monotonic)
	case pmetric.MetricTypeHistogram:
		m.SetEmptyHistogram().SetAggregationTemporality(temporality)
	case pmetric.MetricTypeExponentialHistogram:
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(temporality)
	case pmetric.MetricTypeSummary:
		m.SetEmptySummary()
	case pmetric.MetricTypeEmpty:
	}
}

func (s *series) point(m pmetric.Metric, now time.Time) {
	at, begin := pcommon.NewTimestampFromTime(now), pcommon.NewTimestampFromTime(s.begin)
	switch s.kind {
	case pmetric.MetricTypeGauge:
		s.number(m.Gauge().DataPoints().AppendEmpty(), at, 0)
	case pmetric.MetricTypeSum:
		s.number(m.Sum().DataPoints().AppendEmpty(), at, begin)
	case pmetric.MetricTypeHistogram:
		d := m.Histogram().DataPoints().AppendEmpty()
		d.SetTimestamp(at)
		d.SetStartTimestamp(begin)
		put(d.Attributes(), s.attributes...)
		d.SetCount(s.count)
		d.SetSum(s.sum)
		d.SetMin(s.least)
		d.SetMax(s.most)
		d.ExplicitBounds().FromRaw(s.bounds)
		d.BucketCounts().FromRaw(s.buckets)
		s.exemplify(d.Exemplars())
	case pmetric.MetricTypeExponentialHistogram:
		d := m.ExponentialHistogram().DataPoints().AppendEmpty()
		d.SetTimestamp(at)
		d.SetStartTimestamp(begin)
		put(d.Attributes(), s.attributes...)
		d.SetCount(s.count)
		d.SetSum(s.sum)
		d.SetMin(s.least)
		d.SetMax(s.most)
		d.SetScale(scale)
		d.SetZeroCount(s.zeros)
		if len(s.powers) > 0 {
			first, last := math.MaxInt, math.MinInt
			for i := range s.powers {
				first, last = min(first, i), max(last, i)
			}
			counts := make([]uint64, last-first+1)
			for i, n := range s.powers {
				counts[i-first] = n
			}
			d.Positive().SetOffset(int32(first)) //nolint:gosec // within ±8192: a double has 2048 doublings
			d.Positive().BucketCounts().FromRaw(counts)
		}
		s.exemplify(d.Exemplars())
	case pmetric.MetricTypeSummary:
		d := m.Summary().DataPoints().AppendEmpty()
		d.SetTimestamp(at)
		d.SetStartTimestamp(begin)
		put(d.Attributes(), s.attributes...)
		d.SetCount(s.count)
		d.SetSum(s.sum)
		if over := len(s.recent) - 256; over > 0 {
			s.recent = s.recent[over:]
		}
		ordered := slices.Sorted(slices.Values(s.recent))
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			v := d.QuantileValues().AppendEmpty()
			v.SetQuantile(q)
			v.SetValue(ordered[int(q*float64(len(ordered)-1))])
		}
	case pmetric.MetricTypeEmpty:
	}
}

func (s *series) number(d pmetric.NumberDataPoint, at, begin pcommon.Timestamp) {
	d.SetTimestamp(at)
	d.SetStartTimestamp(begin)
	put(d.Attributes(), s.attributes...)
	if s.whole {
		d.SetIntValue(int64(s.value))
	} else {
		d.SetDoubleValue(s.value)
	}
	s.exemplify(d.Exemplars())
}

func (s *series) exemplify(list pmetric.ExemplarSlice) {
	for _, e := range s.examples {
		x := list.AppendEmpty()
		x.SetTimestamp(pcommon.NewTimestampFromTime(e.at))
		if s.whole {
			x.SetIntValue(int64(e.value))
		} else {
			x.SetDoubleValue(e.value)
		}
		x.SetTraceID(e.trace)
		x.SetSpanID(e.span)
	}
}
