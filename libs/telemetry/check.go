package telemetry

import (
	"encoding/binary"
	"math"
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

// maxDepth bounds the nesting of attribute values; deeper ones could exhaust the stack of whoever reads them.
const maxDepth = 64

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
		tag, s, e, p := field(c.b, i, len(c.b))
		if p != fine {
			return broken(s, p)
		}
		if tag>>3 == 1 {
			if tag&7 != wireLen {
				return wrongType(i, tag)
			}
			if err := c.resourceItems(signal, s, e); err != nil {
				return err.inNth("resource_"+signalItems(signal), n)
			}
			n++
		}
		i = e
	}
	return nil
}

// resourceItems: ResourceSpans, ResourceLogs, ResourceMetrics. 1 resource, 2 scope_…, 3 schema_url.
func (c *checker) resourceItems(signal Signal, i, end int) *wireError {
	n := 0
	for i < end {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen:
			if err := c.resource(s, e); err != nil {
				return err.in("resource")
			}
		case 2<<3 | wireLen:
			if err := c.scopeItems(signal, s, e); err != nil {
				return err.inNth("scope_"+signalItems(signal), n)
			}
			n++
		case 3<<3 | wireLen:
		default:
			if tag>>3 <= 3 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen:
			if err := c.scope(s, e); err != nil {
				return err.in("scope")
			}
		case 2<<3 | wireLen:
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
		case 3<<3 | wireLen:
		default:
			if tag>>3 <= 3 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		case 2<<3 | wireVarint:
		case 3<<3 | wireLen:
			if err := c.strings(s, e, 4); err != nil {
				return err.in("entity_refs")
			}
		default:
			if tag>>3 <= 3 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen, 2<<3 | wireLen, 4<<3 | wireVarint:
		case 3<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		default:
			if tag>>3 <= 4 {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// strings: a message whose fields 1 to last are strings (EntityRef).
func (c *checker) strings(i, end int, last uint32) *wireError {
	for i < end {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		if tag>>3 <= last && tag&7 != wireLen {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen:
			if e-s != 16 && e != s {
				return verdict{}, badID(s, e, 16).in("trace_id")
			}
			hasTrace = !zero(c.b[s:e])
		case 2<<3 | wireLen:
			if e-s != 8 && e != s {
				return verdict{}, badID(s, e, 8).in("span_id")
			}
			hasSpan = !zero(c.b[s:e])
		case 4<<3 | wireLen:
			if e-s != 8 && e != s {
				return verdict{}, badID(s, e, 8).in("parent_span_id")
			}
		case 7<<3 | wireI64:
			start = binary.LittleEndian.Uint64(c.b[s:e])
		case 9<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case 11<<3 | wireLen:
			if err := c.event(s, e); err != nil {
				return verdict{}, err.inNth("events", events)
			}
			events++
		case 13<<3 | wireLen:
			if err := c.link(s, e); err != nil {
				return verdict{}, err.inNth("links", links)
			}
			links++
		case 15<<3 | wireLen:
			if err := c.status(s, e); err != nil {
				return verdict{}, err.in("status")
			}
		case 3<<3 | wireLen, 5<<3 | wireLen, 6<<3 | wireVarint, 8<<3 | wireI64, 10<<3 | wireVarint, 12<<3 | wireVarint,
			14<<3 | wireVarint, 16<<3 | wireI32:
		default:
			if tag>>3 <= 16 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireI64, 2<<3 | wireLen, 4<<3 | wireVarint:
		case 3<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		default:
			if tag>>3 <= 4 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen:
			if e-s != 16 && e != s {
				return badID(s, e, 16).in("trace_id")
			}
		case 2<<3 | wireLen:
			if e-s != 8 && e != s {
				return badID(s, e, 8).in("span_id")
			}
		case 4<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		case 3<<3 | wireLen, 5<<3 | wireVarint, 6<<3 | wireI32:
		default:
			if tag>>3 <= 6 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 2<<3 | wireLen, 3<<3 | wireVarint:
		default:
			if n := tag >> 3; n == 2 || n == 3 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case 1<<3 | wireI64:
			time = binary.LittleEndian.Uint64(c.b[s:e])
		case 11<<3 | wireI64:
			observed = binary.LittleEndian.Uint64(c.b[s:e])
		case 5<<3 | wireLen:
			if err := c.value(s, e, 0); err != nil {
				return verdict{}, err.in("body")
			}
		case 6<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return verdict{}, err.inNth("attributes", n)
			}
			n++
		case 9<<3 | wireLen:
			if e-s != 16 && e != s {
				return verdict{}, badID(s, e, 16).in("trace_id")
			}
		case 10<<3 | wireLen:
			if e-s != 8 && e != s {
				return verdict{}, badID(s, e, 8).in("span_id")
			}
		case 2<<3 | wireVarint, 3<<3 | wireLen, 7<<3 | wireVarint, 8<<3 | wireI32, 12<<3 | wireLen:
		default:
			if n := tag >> 3; n <= 12 && n != 4 {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	if time == 0 {
		time = observed
	}
	if time == 0 {
		return verdict{untimed: true}, nil
	}
	return c.timed(time), nil
}

// metric: Metric. 1 name, 2 description, 3 unit, 5 gauge, 7 sum, 9 histogram, 10 exponential_histogram, 11 summary, 12 metadata.
func (c *checker) metric(i, end int) *wireError {
	var data, metadata int
	for i < end {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen, 2<<3 | wireLen, 3<<3 | wireLen:
		case 5<<3 | wireLen, 7<<3 | wireLen, 9<<3 | wireLen, 10<<3 | wireLen, 11<<3 | wireLen:
			if data++; data > 1 {
				return malformed(i, "a metric has data of one kind, once")
			}
			if err := c.data(tag>>3, s, e); err != nil {
				return err.in(dataName(tag >> 3))
			}
		case 12<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return err.inNth("metadata", metadata)
			}
			metadata++
		default:
			if n := tag >> 3; n <= 12 && n != 4 && n != 6 && n != 8 {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// The kinds of metric data, by their field number in Metric.
const (
	kindGauge       = 5
	kindSum         = 7
	kindHistogram   = 9
	kindExponential = 10
	kindSummary     = 11
)

func dataName(kind uint32) string {
	switch kind {
	case kindGauge:
		return "gauge"
	case kindSum:
		return "sum"
	case kindHistogram:
		return "histogram"
	case kindExponential:
		return "exponential_histogram"
	}
	return "summary"
}

// data: Gauge, Sum, Histogram, ExponentialHistogram, Summary. 1 data_points, 2 aggregation_temporality, 3 is_monotonic (Sum).
func (c *checker) data(kind uint32, i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch {
		case tag == 1<<3|wireLen:
			v, err := c.point(kind, s, e)
			if err != nil {
				return err.inNth("data_points", n)
			}
			c.note(v)
			n++
		case tag>>3 == 1,
			tag>>3 == 2 && tag&7 != wireVarint && (kind == kindSum || kind == kindHistogram || kind == kindExponential),
			tag>>3 == 3 && tag&7 != wireVarint && kind == kindSum:
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// point: the data point of a kind.
func (c *checker) point(kind uint32, i, end int) (verdict, *wireError) {
	switch kind {
	case kindHistogram:
		return c.histogramPoint(i, end)
	case kindExponential:
		return c.exponentialPoint(i, end)
	case kindSummary:
		return c.summaryPoint(i, end)
	}
	return c.numberPoint(i, end)
}

// numberPoint: NumberDataPoint. 2 start_time, 3 time, 4 as_double, 5 exemplars, 6 as_int, 7 attributes, 8 flags.
func (c *checker) numberPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case 3<<3 | wireI64:
			time = binary.LittleEndian.Uint64(c.b[s:e])
		case 5<<3 | wireLen:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case 7<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case 2<<3 | wireI64, 4<<3 | wireI64, 6<<3 | wireI64, 8<<3 | wireVarint:
		default:
			if n := tag >> 3; n <= 8 && n != 1 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case 3<<3 | wireI64:
			time = binary.LittleEndian.Uint64(c.b[s:e])
		case 6<<3 | wireLen, 7<<3 | wireLen: // packed
			if (e-s)%8 != 0 {
				return verdict{}, malformed(s, "a packed list of 8-byte numbers has a length that 8 does not divide").in(listName(tag >> 3))
			}
		case 8<<3 | wireLen:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case 9<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case 2<<3 | wireI64, 4<<3 | wireI64, 5<<3 | wireI64, 6<<3 | wireI64, 7<<3 | wireI64, 10<<3 | wireVarint, 11<<3 | wireI64, 12<<3 | wireI64:
		default:
			if n := tag >> 3; n <= 12 && n != 1 {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

func listName(n uint32) string {
	if n == 6 {
		return "bucket_counts"
	}
	return "explicit_bounds"
}

// exponentialPoint: ExponentialHistogramDataPoint. 1 attributes, 2 start_time, 3 time, 4 count, 5 sum, 6 scale, 7 zero_count, 8 positive,
// 9 negative, 10 flags, 11 exemplars, 12 min, 13 max, 14 zero_threshold.
func (c *checker) exponentialPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case 3<<3 | wireI64:
			time = binary.LittleEndian.Uint64(c.b[s:e])
		case 8<<3 | wireLen:
			if err := c.buckets(s, e); err != nil {
				return verdict{}, err.in("positive")
			}
		case 9<<3 | wireLen:
			if err := c.buckets(s, e); err != nil {
				return verdict{}, err.in("negative")
			}
		case 11<<3 | wireLen:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case 2<<3 | wireI64, 4<<3 | wireI64, 5<<3 | wireI64, 6<<3 | wireVarint, 7<<3 | wireI64, 10<<3 | wireVarint,
			12<<3 | wireI64, 13<<3 | wireI64, 14<<3 | wireI64:
		default:
			if tag>>3 <= 14 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireVarint, 2<<3 | wireVarint:
		case 2<<3 | wireLen: // packed
			for j := s; j < e; {
				if c.b[j] < 0x80 {
					j++
					continue
				}
				var p problem
				if _, j, p = uvarint(c.b[:e], j); p != fine {
					return broken(j, p).in("bucket_counts")
				}
			}
		default:
			if tag>>3 <= 2 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case 3<<3 | wireI64:
			time = binary.LittleEndian.Uint64(c.b[s:e])
		case 6<<3 | wireLen:
			if err := c.quantile(s, e); err != nil {
				return verdict{}, err.in("quantile_values")
			}
		case 7<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return verdict{}, err.inNth("attributes", n)
			}
			n++
		case 2<<3 | wireI64, 4<<3 | wireI64, 5<<3 | wireI64, 8<<3 | wireVarint:
		default:
			if n := tag >> 3; n <= 8 && n != 1 {
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
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		if tag>>3 <= 2 && tag&7 != wireI64 {
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// exemplar: Exemplar. 2 time, 3 as_double, 4 span_id, 5 trace_id, 6 as_int, 7 filtered_attributes.
func (c *checker) exemplar(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 4<<3 | wireLen:
			if e-s != 8 && e != s {
				return badID(s, e, 8).in("span_id")
			}
		case 5<<3 | wireLen:
			if e-s != 16 && e != s {
				return badID(s, e, 16).in("trace_id")
			}
		case 7<<3 | wireLen:
			if err := c.keyValue(s, e, 0); err != nil {
				return err.inNth("filtered_attributes", n)
			}
			n++
		case 2<<3 | wireI64, 3<<3 | wireI64, 6<<3 | wireI64:
		default:
			if n := tag >> 3; n <= 7 && n != 1 {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// keyValue: KeyValue. 1 key, 2 value, 3 key_strindex (of profiles only).
func (c *checker) keyValue(i, end, depth int) *wireError {
	if c.plainKeyValue(i, end) {
		return nil
	}
	for i < end {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen, 3<<3 | wireVarint:
		case 2<<3 | wireLen:
			if err := c.value(s, e, depth); err != nil {
				return err.in("value")
			}
		default:
			if tag>>3 <= 3 {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// plainKeyValue recognises what nearly every attribute looks like, a short key and a short scalar, in half the time; the Collector's
// encoder writes the value first. False says nothing: the long way finds out.
func (c *checker) plainKeyValue(i, end int) bool {
	b := c.b[:end]
	if len(b)-i < 4 || b[i+1] >= 0x80 {
		return false
	}
	first, second := i+2, i+4+int(b[i+1]) // where the contents begin
	if second > len(b) || b[second-1] >= 0x80 || second+int(b[second-1]) != len(b) {
		return false
	}
	var v, n int
	switch {
	case b[i] == 1<<3|wireLen && b[second-2] == 2<<3|wireLen:
		v, n = second, len(b)-second
	case b[i] == 2<<3|wireLen && b[second-2] == 1<<3|wireLen:
		v, n = first, second-2-first
	default:
		return false
	}
	if n < 2 {
		return n == 0 // a value without content
	}
	switch b[v] {
	case 1<<3 | wireLen:
		return int(b[v+1]) == n-2 // a length of one byte: n is below 128
	case 2<<3 | wireVarint, 3<<3 | wireVarint:
		for _, x := range b[v+1 : v+n-1] {
			if x < 0x80 {
				return false // another field follows
			}
		}
		return b[v+n-1] < 0x80 && n <= 10
	case 4<<3 | wireI64:
		return n == 9
	}
	return false
}

// value: AnyValue. 1 string, 2 bool, 3 int, 4 double, 5 array, 6 kvlist, 7 bytes, 8 string_strindex (of profiles only).
func (c *checker) value(i, end, depth int) *wireError {
	if depth > maxDepth {
		return malformed(i, "values are nested too deep (limit 64)")
	}
	for i < end {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		switch tag {
		case 1<<3 | wireLen, 2<<3 | wireVarint, 3<<3 | wireVarint, 4<<3 | wireI64, 7<<3 | wireLen, 8<<3 | wireVarint:
		case 5<<3 | wireLen, 6<<3 | wireLen:
			if err := c.values(tag>>3 == 6, s, e, depth+1); err != nil {
				return err
			}
		default:
			if tag>>3 <= 8 {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// values: ArrayValue, KeyValueList. 1 values.
func (c *checker) values(keyed bool, i, end, depth int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := field(c.b, i, end)
		if p != fine {
			return broken(s, p)
		}
		if tag>>3 == 1 {
			if tag&7 != wireLen {
				return wrongType(i, tag)
			}
			var err *wireError
			if keyed {
				err = c.keyValue(s, e, depth)
			} else {
				err = c.value(s, e, depth)
			}
			if err != nil {
				return err.inNth("values", n)
			}
			n++
		}
		i = e
	}
	return nil
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
