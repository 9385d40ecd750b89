package telemetry

import (
	"math"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// Limits bound what is admitted. The zero value bounds nothing but what the storage itself cannot hold.
type Limits struct {
	// MinTime and MaxTime bound an item's time, in Unix nanoseconds, both inclusive: a span's start, a record's time (its observed time where
	// it has none), a point's time. 0 is no bound.
	MinTime, MaxTime int64
	// MaxBytes bounds the parts that Admit cuts a request into. 0 is no bound.
	MaxBytes int
}

// Reason is why an item is not admitted.
type Reason uint8

// The reasons, in the order in which a message lists them.
const (
	Admitted    Reason = iota
	TooOld             // before Limits.MinTime
	TooNew             // after Limits.MaxTime, or beyond what 63 bits of nanoseconds can say
	NoTraceID          // a span whose trace id is missing or all zero
	NoSpanID           // a span whose span id is missing or all zero
	TooLarge           // with its resource and scope it exceeds Limits.MaxBytes
	LargeHeader        // its request must be cut, and its resource and scope alone exceed half of Limits.MaxBytes
	numReasons
)

// String is the reason's stable name, used in metrics.
func (r Reason) String() string {
	switch r {
	case Admitted:
		return "admitted"
	case TooOld:
		return "too_old"
	case TooNew:
		return "too_new"
	case NoTraceID:
		return "no_trace_id"
	case NoSpanID:
		return "no_span_id"
	case TooLarge:
		return "too_large"
	case LargeHeader:
		return "large_header"
	case numReasons:
	}
	return "unknown"
}

// checker walks a request. It lives on the stack of its caller and allocates nothing.
type checker struct {
	b        []byte
	min, max uint64
	summary  Summary
}

// Summary counts a request's items.
type Summary struct {
	Items    int             // admitted spans, records or points
	Untimed  int             // of these, log records with neither time nor observed time: see StampLogs
	Rejected [numReasons]int // by Reason
	First    [numReasons]int64
	limits   Limits
	signal   Signal
}

// Check walks a request once, without an allocation, and counts its items. The whole structure is checked, down to the last
// attribute: what passes is decoded by every OTLP decoder. An error is fault.Invalid and names the place: broken protobuf, a
// known field of the wrong wire type, an id that is neither empty nor of its length, values nested deeper than 64.
// A request that is empty has no items and is fine.
//
// An item outside Limits, or a span without ids, is counted in Summary.Rejected and is no error: its neighbours are not to be lost.
func Check(signal Signal, payload []byte, limits Limits) (Summary, error) {
	c := newChecker(payload, signal, limits)
	if err := c.request(signal); err != nil {
		return Summary{}, err.fault()
	}
	return c.summary, nil
}

func newChecker(payload []byte, signal Signal, limits Limits) checker {
	c := checker{b: payload, max: math.MaxInt64, summary: Summary{limits: limits, signal: signal}}
	if limits.MinTime > 0 {
		c.min = uint64(limits.MinTime)
	}
	if limits.MaxTime > 0 {
		c.max = uint64(limits.MaxTime)
	}
	return c
}

// note counts one item.
func (c *checker) note(v verdict) {
	if v.reason == Admitted {
		c.summary.Items++
		if v.untimed {
			c.summary.Untimed++
		}
		return
	}
	if c.summary.Rejected[v.reason] == 0 {
		c.summary.First[v.reason] = int64(min(v.time, math.MaxInt64))
	}
	c.summary.Rejected[v.reason]++
}

// verdict is what becomes of one item.
type verdict struct {
	time    uint64
	reason  Reason
	untimed bool
}

func (c *checker) timed(t uint64) verdict {
	switch {
	case t < c.min:
		return verdict{time: t, reason: TooOld}
	case t > c.max:
		return verdict{time: t, reason: TooNew}
	}
	return verdict{time: t}
}

// request: Export…ServiceRequest. 1 resource_spans, resource_logs or resource_metrics.
func (c *checker) request(signal Signal) *wireError {
	n := 0
	for i := 0; i < len(c.b); {
		tag, s, e, p := otlp.Next(c.b, i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch {
		case tag == otlp.ExportResourceItems:
			if err := c.resourceItems(signal, s, e); err != nil {
				return err.inNth("resource_"+signalItems(signal), n)
			}
			n++
		case otlp.ExportFields.Has(tag):
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// resourceItems: ResourceSpans, ResourceLogs, ResourceMetrics. 1 resource, 2 scope_…, 3 schema_url.
func (c *checker) resourceItems(signal Signal, i, end int) *wireError {
	n := 0
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ResourceItemsResource:
			if err := c.resource(s, e); err != nil {
				return err.in("resource")
			}
		case otlp.ResourceItemsScopeItems:
			if err := c.scopeItems(signal, s, e); err != nil {
				return err.inNth("scope_"+signalItems(signal), n)
			}
			n++
		case otlp.ResourceItemsSchemaURL:
		default:
			if otlp.ResourceItemsFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// scopeItems: ScopeSpans, ScopeLogs, ScopeMetrics. 1 scope, 2 items, 3 schema_url.
func (c *checker) scopeItems(signal Signal, i, end int) *wireError {
	n := 0
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ScopeItemsScope:
			if err := c.scope(s, e); err != nil {
				return err.in("scope")
			}
		case otlp.ScopeItemsItems:
			switch signal {
			case Traces:
				v, err := c.span(s, e)
				if err != nil {
					return err.inNth("spans", n)
				}
				c.note(v)
			case Logs:
				v, err := c.record(s, e)
				if err != nil {
					return err.inNth("log_records", n)
				}
				c.note(v)
			case Metrics:
				if err := c.metric(s, e); err != nil {
					return err.inNth("metrics", n)
				}
			}
			n++
		case otlp.ScopeItemsSchemaURL:
		default:
			if otlp.ScopeItemsFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// signalItems is the last part of the containers' field names.
func signalItems(signal Signal) string {
	switch signal {
	case Traces:
		return "spans"
	case Logs:
		return "logs"
	case Metrics:
		return "metrics"
	}
	return "items"
}

// resource: 1 attributes, 2 dropped_attributes_count, 3 entity_refs.
func (c *checker) resource(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ResourceAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		case otlp.ResourceDroppedAttributesCount:
		case otlp.ResourceEntityRefs:
			if err := c.entityRef(s, e); err != nil {
				return err.in("entity_refs")
			}
		default:
			if otlp.ResourceFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// scope: InstrumentationScope. 1 name, 2 version, 3 attributes, 4 dropped_attributes_count.
func (c *checker) scope(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.InstrumentationScopeName, otlp.InstrumentationScopeVersion, otlp.InstrumentationScopeDroppedAttributesCount:
		case otlp.InstrumentationScopeAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		default:
			if otlp.InstrumentationScopeFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// entityRef: EntityRef, whose fields are all strings.
func (c *checker) entityRef(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		if tag.Wire() != otlp.Len && otlp.EntityRefFields.Has(tag) {
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// span: Span.
func (c *checker) span(i, end int) (verdict, *wireError) {
	var start uint64
	var hasTrace, hasSpan bool
	var attributes, events, links int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.SpanTraceID:
			if e-s != otlp.TraceIDSize && e != s {
				return verdict{}, badID(s, e, otlp.TraceIDSize).in("trace_id")
			}
			hasTrace = !zero(c.b[s:e])
		case otlp.SpanSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return verdict{}, badID(s, e, otlp.SpanIDSize).in("span_id")
			}
			hasSpan = !zero(c.b[s:e])
		case otlp.SpanParentSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return verdict{}, badID(s, e, otlp.SpanIDSize).in("parent_span_id")
			}
		case otlp.SpanStartTimeUnixNano:
			start = otlp.Fixed64(c.b, s)
		case otlp.SpanAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.SpanEvents:
			if err := c.event(s, e); err != nil {
				return verdict{}, err.inNth("events", events)
			}
			events++
		case otlp.SpanLinks:
			if err := c.link(s, e); err != nil {
				return verdict{}, err.inNth("links", links)
			}
			links++
		case otlp.SpanStatus:
			if err := c.status(s, e); err != nil {
				return verdict{}, err.in("status")
			}
		case otlp.SpanTraceState, otlp.SpanName, otlp.SpanKind, otlp.SpanEndTimeUnixNano, otlp.SpanDroppedAttributesCount, otlp.SpanDroppedEventsCount,
			otlp.SpanDroppedLinksCount, otlp.SpanFlags:
		default:
			if otlp.SpanFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	v := c.timed(start)
	switch {
	case !hasTrace:
		v.reason = NoTraceID
	case !hasSpan:
		v.reason = NoSpanID
	}
	return v, nil
}

// event: Span.Event. 1 time_unix_nano, 2 name, 3 attributes, 4 dropped_attributes_count.
func (c *checker) event(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.EventTimeUnixNano, otlp.EventName, otlp.EventDroppedAttributesCount:
		case otlp.EventAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		default:
			if otlp.EventFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// link: Span.Link. 1 trace_id, 2 span_id, 3 trace_state, 4 attributes, 5 dropped_attributes_count, 6 flags.
func (c *checker) link(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.LinkTraceID:
			if e-s != otlp.TraceIDSize && e != s {
				return badID(s, e, otlp.TraceIDSize).in("trace_id")
			}
		case otlp.LinkSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return badID(s, e, otlp.SpanIDSize).in("span_id")
			}
		case otlp.LinkAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		case otlp.LinkTraceState, otlp.LinkDroppedAttributesCount, otlp.LinkFlags:
		default:
			if otlp.LinkFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// status: Status. 2 message, 3 code.
func (c *checker) status(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.StatusMessage, otlp.StatusCode:
		default:
			if otlp.StatusFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// record: LogRecord.
func (c *checker) record(i, end int) (verdict, *wireError) {
	var time, observed uint64
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.LogRecordTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.LogRecordObservedTimeUnixNano:
			observed = otlp.Fixed64(c.b, s)
		case otlp.LogRecordBody:
			if err := c.value(s, e); err != nil {
				return verdict{}, err.in("body")
			}
		case otlp.LogRecordAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", n)
			}
			n++
		case otlp.LogRecordTraceID:
			if e-s != otlp.TraceIDSize && e != s {
				return verdict{}, badID(s, e, otlp.TraceIDSize).in("trace_id")
			}
		case otlp.LogRecordSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return verdict{}, badID(s, e, otlp.SpanIDSize).in("span_id")
			}
		case otlp.LogRecordSeverityNumber, otlp.LogRecordSeverityText, otlp.LogRecordDroppedAttributesCount, otlp.LogRecordFlags, otlp.LogRecordEventName:
		default:
			if otlp.LogRecordFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	at, _ := otlp.LogTime(time, observed)
	if at == 0 {
		return verdict{untimed: true}, nil
	}
	return c.timed(at), nil
}

// metric: Metric. 1 name, 2 description, 3 unit, 5 gauge, 7 sum, 9 histogram, 10 exponential_histogram, 11 summary, 12 metadata.
func (c *checker) metric(i, end int) *wireError {
	var data, metadata int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.MetricName, otlp.MetricDescription, otlp.MetricUnit:
		case otlp.MetricGauge, otlp.MetricSum, otlp.MetricHistogram, otlp.MetricExponentialHistogram, otlp.MetricSummary:
			if data++; data > 1 {
				return malformed(i, "a metric has data of one kind, once")
			}
			kind := otlp.KindOf(tag)
			if err := c.data(kind, s, e); err != nil {
				return err.in(kind.String())
			}
		case otlp.MetricMetadata:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("metadata", metadata)
			}
			metadata++
		default:
			if otlp.MetricFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// data: Gauge, Sum, Histogram, ExponentialHistogram, Summary. 1 data_points, 2 aggregation_temporality, 3 is_monotonic (Sum).
func (c *checker) data(kind otlp.MetricKind, i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch {
		case tag == otlp.DataPoints:
			v, err := c.point(kind, s, e)
			if err != nil {
				return err.inNth("data_points", n)
			}
			c.note(v)
			n++
		case tag == otlp.DataAggregationTemporality, tag == otlp.DataIsMonotonic: // of a kind that has none, it is skipped
		case kind.Fields().Has(tag):
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// point: the data point of a kind.
func (c *checker) point(kind otlp.MetricKind, i, end int) (verdict, *wireError) {
	switch kind {
	case otlp.Histogram:
		return c.histogramPoint(i, end)
	case otlp.ExponentialHistogram:
		return c.exponentialPoint(i, end)
	case otlp.Summary:
		return c.summaryPoint(i, end)
	case otlp.Gauge, otlp.Sum:
	}
	return c.numberPoint(i, end)
}

// numberPoint: NumberDataPoint. 2 start_time, 3 time, 4 as_double, 5 exemplars, 6 as_int, 7 attributes, 8 flags.
func (c *checker) numberPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.NumberDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.NumberDataPointExemplars:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case otlp.NumberDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.NumberDataPointStartTimeUnixNano, otlp.NumberDataPointAsDouble, otlp.NumberDataPointAsInt, otlp.NumberDataPointFlags:
		default:
			if otlp.NumberDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// histogramPoint: HistogramDataPoint. 2 start_time, 3 time, 4 count, 5 sum, 6 bucket_counts, 7 explicit_bounds, 8 exemplars,
// 9 attributes, 10 flags, 11 min, 12 max.
func (c *checker) histogramPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.HistogramDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.HistogramDataPointBucketCounts:
			if (e-s)%8 != 0 {
				return verdict{}, oddList(s).in("bucket_counts")
			}
		case otlp.HistogramDataPointExplicitBounds:
			if (e-s)%8 != 0 {
				return verdict{}, oddList(s).in("explicit_bounds")
			}
		case otlp.HistogramDataPointExemplars:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case otlp.HistogramDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.HistogramDataPointStartTimeUnixNano, otlp.HistogramDataPointCount, otlp.HistogramDataPointSum, otlp.HistogramDataPointBucketCount, otlp.HistogramDataPointExplicitBound, otlp.HistogramDataPointFlags, otlp.HistogramDataPointMin, otlp.HistogramDataPointMax:
		default:
			if otlp.HistogramDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// exponentialPoint: ExponentialHistogramDataPoint. 1 attributes, 2 start_time, 3 time, 4 count, 5 sum, 6 scale, 7 zero_count, 8 positive,
// 9 negative, 10 flags, 11 exemplars, 12 min, 13 max, 14 zero_threshold.
func (c *checker) exponentialPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.ExponentialHistogramDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.ExponentialHistogramDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.ExponentialHistogramDataPointPositive:
			if err := c.buckets(s, e); err != nil {
				return verdict{}, err.in("positive")
			}
		case otlp.ExponentialHistogramDataPointNegative:
			if err := c.buckets(s, e); err != nil {
				return verdict{}, err.in("negative")
			}
		case otlp.ExponentialHistogramDataPointExemplars:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case otlp.ExponentialHistogramDataPointStartTimeUnixNano, otlp.ExponentialHistogramDataPointCount, otlp.ExponentialHistogramDataPointSum, otlp.ExponentialHistogramDataPointScale, otlp.ExponentialHistogramDataPointZeroCount, otlp.ExponentialHistogramDataPointFlags,
			otlp.ExponentialHistogramDataPointMin, otlp.ExponentialHistogramDataPointMax, otlp.ExponentialHistogramDataPointZeroThreshold:
		default:
			if otlp.ExponentialHistogramDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// buckets: ExponentialHistogramDataPoint.Buckets. 1 offset, 2 bucket_counts.
func (c *checker) buckets(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.BucketsOffset, otlp.BucketsBucketCount:
		case otlp.BucketsBucketCounts: // packed
			for j := s; j < e; {
				if c.b[j] < 0x80 {
					j++
					continue
				}
				var p otlp.Problem
				if _, j, p = otlp.Uvarint(c.b[:e], j); p != otlp.Fine {
					return broken(j, p).in("bucket_counts")
				}
			}
		default:
			if otlp.BucketsFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// summaryPoint: SummaryDataPoint. 2 start_time, 3 time, 4 count, 5 sum, 6 quantile_values, 7 attributes, 8 flags.
func (c *checker) summaryPoint(i, end int) (verdict, *wireError) {
	var time uint64
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.SummaryDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.SummaryDataPointQuantileValues:
			if err := c.quantile(s, e); err != nil {
				return verdict{}, err.in("quantile_values")
			}
		case otlp.SummaryDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", n)
			}
			n++
		case otlp.SummaryDataPointStartTimeUnixNano, otlp.SummaryDataPointCount, otlp.SummaryDataPointSum, otlp.SummaryDataPointFlags:
		default:
			if otlp.SummaryDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// quantile: ValueAtQuantile. 1 quantile, 2 value.
func (c *checker) quantile(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		if tag.Wire() != otlp.I64 && otlp.ValueAtQuantileFields.Has(tag) {
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// exemplar: Exemplar. 2 time, 3 as_double, 4 span_id, 5 trace_id, 6 as_int, 7 filtered_attributes.
func (c *checker) exemplar(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ExemplarSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return badID(s, e, otlp.SpanIDSize).in("span_id")
			}
		case otlp.ExemplarTraceID:
			if e-s != otlp.TraceIDSize && e != s {
				return badID(s, e, otlp.TraceIDSize).in("trace_id")
			}
		case otlp.ExemplarFilteredAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("filtered_attributes", n)
			}
			n++
		case otlp.ExemplarTimeUnixNano, otlp.ExemplarAsDouble, otlp.ExemplarAsInt:
		default:
			if otlp.ExemplarFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// keyValue checks an attribute.
func (c *checker) keyValue(i, end int) *wireError {
	if otlp.PlainKeyValue(c.b[:end], i) {
		return nil
	}
	if at, p := otlp.CheckKeyValue(c.b, i, end); p != otlp.Fine {
		return c.damage(inKeyValue, i, end, at, p)
	}
	return nil
}

// value checks an AnyValue.
func (c *checker) value(i, end int) *wireError {
	if at, p := otlp.CheckValue(c.b, i, end); p != otlp.Fine {
		return c.damage(inValue, i, end, at, p)
	}
	return nil
}

// damage describes a problem at a place within the message b[i:end].
func (c *checker) damage(in nesting, i, end, at int, p otlp.Problem) *wireError {
	err := broken(at, p)
	if p == otlp.WrongType {
		tag, _, _, _ := otlp.Next(c.b[:end], at)
		err = wrongType(at, tag)
	}
	return c.nested(err, in, i, end, at, p)
}

// The messages that attributes are made of.
type nesting uint8

const (
	inKeyValue nesting = iota
	inValue
	inList
	inMap
)

// nested adds to err the path from the message b[i:end] to the damaged place at within it.
func (c *checker) nested(err *wireError, in nesting, i, end, at int, p otlp.Problem) *wireError {
	for n := 0; i < end; {
		tag, s, e, broken := otlp.Next(c.b[:end], i)
		if broken != otlp.Fine || at < s {
			return err // in a field of this message
		}
		// A problem at e is of what is in the field, but for these two: they are of the next field's tag.
		if at < e || at == e && p != otlp.WrongType && p != otlp.BadTag {
			switch {
			case in == inKeyValue && tag == otlp.KeyValueValue:
				return c.nested(err, inValue, s, e, at, p).in("value")
			case in == inValue && tag == otlp.AnyValueArrayValue:
				return c.nested(err, inList, s, e, at, p)
			case in == inValue && tag == otlp.AnyValueKvlistValue:
				return c.nested(err, inMap, s, e, at, p)
			case in == inList && tag == otlp.ArrayValueValues:
				return c.nested(err, inValue, s, e, at, p).inNth("values", n)
			case in == inMap && tag == otlp.KeyValueListValues:
				return c.nested(err, inKeyValue, s, e, at, p).inNth("values", n)
			}
			return err
		}
		if tag == otlp.ArrayValueValues {
			n++
		}
		i = e
	}
	return err
}

func oddList(at int) *wireError {
	return malformed(at, "a packed list of 8-byte numbers has a length that 8 does not divide")
}

func badID(s, e, want int) *wireError {
	return malformed(s, "the id has "+plural(e-s, "byte")+", want "+plural(want, "byte"))
}

// zero reports whether an id is empty or all zero.
func zero(id []byte) bool {
	for _, c := range id {
		if c != 0 {
			return false
		}
	}
	return true
}
