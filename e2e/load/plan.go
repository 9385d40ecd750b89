// Package load sends an exactly known amount of telemetry and proves afterwards that all of it arrived, once each.
//
// Everything follows from a seed: item k of a run has its own instant, its own ids and its own values, so that any answer can be
// checked item by item without remembering what was sent, and the same run can be sent again, byte for byte.
package load

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Signal is what an item is.
type Signal string

// The three signals, named as in the paths of OTLP/HTTP.
const (
	Traces  Signal = "traces"
	Logs    Signal = "logs"
	Metrics Signal = "metrics"
)

// Signals are all of them.
func Signals() []Signal { return []Signal{Traces, Logs, Metrics} }

// RunAttribute is the resource attribute that marks every item of a run with its seed.
const RunAttribute = "load.run"

// itemAttribute holds an item's number.
const itemAttribute = "load.item"

const (
	services      = 8
	spansPerTrace = 10
)

// Plan says what one run sends: Items of every signal, one every Step from Start on.
type Plan struct {
	Seed  uint64
	Items int
	// Batch is how many items one request carries.
	Batch int
	Start time.Time
	Step  time.Duration
}

// NewPlan spreads the items over window, which ends at end. Requests hold batch items each.
func NewPlan(seed uint64, items, batch int, end time.Time, window time.Duration) Plan {
	step := max(window/time.Duration(items), time.Microsecond)
	return Plan{Seed: seed, Items: items, Batch: batch, Start: end.Add(-step * time.Duration(items)).Truncate(time.Microsecond), Step: step}
}

// Run is the value of RunAttribute.
func (p Plan) Run() string { return fmt.Sprintf("%016x", p.Seed) }

// End is the instant after the last item.
func (p Plan) End() time.Time { return p.Start.Add(p.Step * time.Duration(p.Items)) }

// Requests is how many requests of one signal a run has.
func (p Plan) Requests() int { return (p.Items + p.Batch - 1) / p.Batch }

// Item is the number of the item at an instant, if there is one.
func (p Plan) Item(unixNano int64) (int, bool) {
	offset := time.Duration(unixNano - p.Start.UnixNano())
	if offset < 0 || offset%p.Step != 0 || int(offset/p.Step) >= p.Items {
		return 0, false
	}
	return int(offset / p.Step), true
}

// Time is the instant of item k: the start of a span, the time of a log record or a point.
func (p Plan) Time(k int) int64 { return p.Start.Add(p.Step * time.Duration(k)).UnixNano() }

// TraceID of item k; ten spans, and the ten log records with the same numbers, share one.
func (p Plan) TraceID(k int) []byte {
	id := make([]byte, 16)
	binary.BigEndian.PutUint64(id, p.Seed|1) // never all zero
	binary.BigEndian.PutUint64(id[8:], uint64(k/spansPerTrace))
	return id
}

// SpanID of item k, unique in the run.
func (p Plan) SpanID(k int) []byte {
	id := make([]byte, 8)
	binary.BigEndian.PutUint64(id, mix(p.Seed+uint64(k)+1)|1<<63)
	return id
}

// mix is splitmix64's finalizer: a bijection that scatters neighbours.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (p Plan) duration(k int) time.Duration {
	return time.Duration(mix(p.Seed^uint64(k))%uint64(250*time.Millisecond)) + time.Microsecond
}

// Body of log record k.
func (p Plan) Body(k int) string { return "load item " + strconv.Itoa(k) + " of run " + p.Run() }

// Request is the body of request n of a signal: OTLP protobuf, the same bytes every time.
func (p Plan) Request(signal Signal, n int) ([]byte, error) {
	from, to := n*p.Batch, min((n+1)*p.Batch, p.Items)
	// Services take turns in blocks, as a collector's batches come.
	byService := make([][]int, services)
	for k := from; k < to; k++ {
		s := (k / spansPerTrace) % services
		byService[s] = append(byService[s], k)
	}
	var message proto.Message
	switch signal {
	case Traces:
		m := &coltrace.ExportTraceServiceRequest{}
		for s, items := range byService {
			if len(items) > 0 {
				m.ResourceSpans = append(m.ResourceSpans, p.spans(s, items))
			}
		}
		message = m
	case Logs:
		m := &collogs.ExportLogsServiceRequest{}
		for s, items := range byService {
			if len(items) > 0 {
				m.ResourceLogs = append(m.ResourceLogs, p.logs(s, items))
			}
		}
		message = m
	case Metrics:
		m := &colmetrics.ExportMetricsServiceRequest{}
		for s, items := range byService {
			if len(items) > 0 {
				m.ResourceMetrics = append(m.ResourceMetrics, p.metrics(s, items))
			}
		}
		message = m
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode request %d of %s: %w", n, signal, err)
	}
	return body, nil
}

func (p Plan) resource(s int) *resource.Resource {
	return &resource.Resource{Attributes: []*common.KeyValue{
		text("service.name", "load-"+strconv.Itoa(s)),
		text("service.namespace", "load"),
		text(RunAttribute, p.Run()),
		text("host.name", "host-"+strconv.Itoa(s%3)),
	}}
}

func (p Plan) spans(s int, items []int) *trace.ResourceSpans {
	scope := &trace.ScopeSpans{Scope: &common.InstrumentationScope{Name: "load", Version: "1"}}
	for _, k := range items {
		span := &trace.Span{
			TraceId:           p.TraceID(k),
			SpanId:            p.SpanID(k),
			Name:              "GET /item/" + strconv.Itoa(k%17),
			Kind:              trace.Span_SPAN_KIND_INTERNAL,
			StartTimeUnixNano: uint64(p.Time(k)),
			EndTimeUnixNano:   uint64(p.Time(k)) + uint64(p.duration(k)),
			Attributes: []*common.KeyValue{
				number(itemAttribute, k),
				text("http.request.method", "GET"),
				number("http.response.status_code", 200+k%100/99*300),
				text("user.id", "user-"+strconv.Itoa(int(mix(uint64(k))%5000))),
			},
		}
		if k%spansPerTrace == 0 {
			span.Kind = trace.Span_SPAN_KIND_SERVER
		} else {
			span.ParentSpanId = p.SpanID(k - k%spansPerTrace)
		}
		if k%100 == 99 {
			span.Status = &trace.Status{Code: trace.Status_STATUS_CODE_ERROR, Message: "item " + strconv.Itoa(k)}
		}
		scope.Spans = append(scope.Spans, span)
	}
	return &trace.ResourceSpans{Resource: p.resource(s), ScopeSpans: []*trace.ScopeSpans{scope}}
}

func (p Plan) logs(s int, items []int) *logs.ResourceLogs {
	scope := &logs.ScopeLogs{Scope: &common.InstrumentationScope{Name: "load"}}
	for _, k := range items {
		scope.LogRecords = append(scope.LogRecords, &logs.LogRecord{
			TimeUnixNano:         uint64(p.Time(k)),
			ObservedTimeUnixNano: uint64(p.Time(k)) + uint64(time.Millisecond),
			SeverityNumber:       logs.SeverityNumber(1 + k%24),
			Body:                 &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: p.Body(k)}},
			TraceId:              p.TraceID(k),
			SpanId:               p.SpanID(k),
			Attributes:           []*common.KeyValue{number(itemAttribute, k), text("thread", "worker-"+strconv.Itoa(k%16))},
		})
	}
	return &logs.ResourceLogs{Resource: p.resource(s), ScopeLogs: []*logs.ScopeLogs{scope}}
}

// metrics spreads the points of a request over the five types of metric; every point's count or value is its item's number.
func (p Plan) metrics(s int, items []int) *metrics.ResourceMetrics {
	gauge, sum := &metrics.Gauge{}, &metrics.Sum{AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE, IsMonotonic: true}
	histogram := &metrics.Histogram{AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA}
	exponential := &metrics.ExponentialHistogram{AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA}
	summary := &metrics.Summary{}
	for _, k := range items {
		at, attributes := uint64(p.Time(k)), []*common.KeyValue{text("shard", strconv.Itoa(k%4))}
		value, count := float64(k), uint64(k)
		switch k % 5 {
		case 0:
			gauge.DataPoints = append(gauge.DataPoints, &metrics.NumberDataPoint{TimeUnixNano: at, Attributes: attributes, Value: &metrics.NumberDataPoint_AsDouble{AsDouble: value}})
		case 1:
			sum.DataPoints = append(sum.DataPoints, &metrics.NumberDataPoint{
				StartTimeUnixNano: uint64(p.Start.UnixNano()), TimeUnixNano: at, Attributes: attributes, Value: &metrics.NumberDataPoint_AsInt{AsInt: int64(k)},
			})
		case 2:
			histogram.DataPoints = append(histogram.DataPoints, &metrics.HistogramDataPoint{
				StartTimeUnixNano: at - 1, TimeUnixNano: at, Attributes: attributes, Count: count, Sum: &value,
				ExplicitBounds: []float64{1, 10, 100}, BucketCounts: []uint64{0, 0, count, 0},
			})
		case 3:
			exponential.DataPoints = append(exponential.DataPoints, &metrics.ExponentialHistogramDataPoint{
				StartTimeUnixNano: at - 1, TimeUnixNano: at, Attributes: attributes, Count: count, Sum: &value, Scale: 3,
				Positive: &metrics.ExponentialHistogramDataPoint_Buckets{Offset: 2, BucketCounts: []uint64{count}},
			})
		case 4:
			summary.DataPoints = append(summary.DataPoints, &metrics.SummaryDataPoint{
				StartTimeUnixNano: at - 1, TimeUnixNano: at, Attributes: attributes, Count: count, Sum: value,
				QuantileValues: []*metrics.SummaryDataPoint_ValueAtQuantile{{Quantile: 0.5, Value: value}},
			})
		}
	}
	scope := &metrics.ScopeMetrics{Scope: &common.InstrumentationScope{Name: "load"}}
	add := func(name string, points int, m *metrics.Metric) {
		if points > 0 {
			m.Name, m.Unit = name, "1"
			scope.Metrics = append(scope.Metrics, m)
		}
	}
	add("load.gauge", len(gauge.DataPoints), &metrics.Metric{Data: &metrics.Metric_Gauge{Gauge: gauge}})
	add("load.sum", len(sum.DataPoints), &metrics.Metric{Data: &metrics.Metric_Sum{Sum: sum}})
	add("load.histogram", len(histogram.DataPoints), &metrics.Metric{Data: &metrics.Metric_Histogram{Histogram: histogram}})
	add("load.exponential", len(exponential.DataPoints), &metrics.Metric{Data: &metrics.Metric_ExponentialHistogram{ExponentialHistogram: exponential}})
	add("load.summary", len(summary.DataPoints), &metrics.Metric{Data: &metrics.Metric_Summary{Summary: summary}})
	return &metrics.ResourceMetrics{Resource: p.resource(s), ScopeMetrics: []*metrics.ScopeMetrics{scope}}
}

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

func number(key string, value int) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: int64(value)}}}
}
