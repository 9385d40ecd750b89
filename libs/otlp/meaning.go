package otlp

// What OTLP's numbers and names mean to this product. Whatever decides by one of them (a header, a filter, a rollup, a map) asks here.

// The codes of a span's status.
const (
	StatusUnset = 0
	StatusOK    = 1
	StatusError = 2
)

// Statuses are the names of a span's status, by code.
func Statuses() []string { return []string{StatusUnset: "unset", StatusOK: "ok", StatusError: "error"} }

// SeverityError is the least severity number of a log record that is an error: ERROR is 17 to 20, FATAL 21 to 24.
const SeverityError = 17

// Severities are the names of the ranges of severity numbers: four numbers each, from 1.
func Severities() []string { return []string{"trace", "debug", "info", "warn", "error", "fatal"} }

// SeveritiesOf are the least and the greatest number of a range, by its place among Severities.
func SeveritiesOf(place int) (least, greatest int64) {
	least = 4*int64(place) + 1
	return least, least + 3
}

// The kinds of spans.
const (
	KindUnspecified = 0
	KindInternal    = 1
	KindServer      = 2
	KindClient      = 3
	KindProducer    = 4
	KindConsumer    = 5
)

// Kinds are the names of the kinds of spans, by number.
func Kinds() []string {
	return []string{
		KindUnspecified: "unspecified", KindInternal: "internal", KindServer: "server", KindClient: "client", KindProducer: "producer",
		KindConsumer: "consumer",
	}
}

// The sizes of ids, in bytes. An id that is empty or all zero is none.
const (
	TraceIDSize = 16
	SpanIDSize  = 8
)

// The attributes of a resource that name a service. Only a string that is not empty does.
const (
	ServiceName      = "service.name"
	ServiceNamespace = "service.namespace"
)

// UnknownService is the name of the service of a resource without one, as the OpenTelemetry specification says.
const UnknownService = "unknown_service"

// LogTime is when a log record happened, from its two times (0 is none): a record without a time is taken for the moment at which it was
// observed.
func LogTime(time, observed uint64) (at uint64, isObserved bool) {
	if time == 0 && observed != 0 {
		return observed, true
	}
	return time, false
}

// MetricKind is which data a metric carries. The numbers are those that a segment and the database store.
type MetricKind uint8

// OTLP's five kinds.
const (
	Gauge MetricKind = iota + 1
	Sum
	Histogram
	ExponentialHistogram
	Summary
)

// String is the name of the kind's field in Metric.
func (k MetricKind) String() string {
	switch k {
	case Gauge:
		return "gauge"
	case Sum:
		return "sum"
	case Histogram:
		return "histogram"
	case ExponentialHistogram:
		return "exponential_histogram"
	case Summary:
		return "summary"
	}
	return "data"
}

// MetricKinds are the names of all kinds, from Gauge on.
func MetricKinds() []string {
	names := make([]string, Summary)
	for i := range names {
		names[i] = (Gauge + MetricKind(i)).String()
	}
	return names
}

// KindOf is the kind whose data a field of Metric holds; 0 where it holds none.
func KindOf(tag Tag) MetricKind {
	switch tag {
	case MetricGauge:
		return Gauge
	case MetricSum:
		return Sum
	case MetricHistogram:
		return Histogram
	case MetricExponentialHistogram:
		return ExponentialHistogram
	case MetricSummary:
		return Summary
	}
	return 0
}

// Tag is the field of Metric that holds the kind's data.
func (k MetricKind) Tag() Tag {
	switch k {
	case Gauge:
		return MetricGauge
	case Sum:
		return MetricSum
	case Histogram:
		return MetricHistogram
	case ExponentialHistogram:
		return MetricExponentialHistogram
	case Summary:
		return MetricSummary
	}
	return 0
}

// Fields are those of the kind's data message.
func (k MetricKind) Fields() Fields {
	switch k {
	case Gauge:
		return GaugeFields
	case Sum:
		return SumFields
	case Histogram:
		return HistogramFields
	case ExponentialHistogram:
		return ExponentialHistogramFields
	case Summary:
		return SummaryFields
	}
	return 0
}

// LastInstant is after every time that can be stored and asked for, Unix ns: no partition goes beyond (ensure_partition), and what is widened, to whole minutes or
// by an hour, stays within an int64. It is in the year 2262.
const LastInstant = int64(9_223_000_000_000_000_000)

// DurationKnown reports whether a span's start and duration, both as stored, say how long it took. They do not where it ended before it started,
// also at 0, which is no time, or after all times: such spans were not ended, or by a clock that is wrong. A duration that does not fit is negative.
func DurationKnown(start, duration int64) bool {
	return duration >= 0 && duration <= LastInstant-max(start, 0)
}
