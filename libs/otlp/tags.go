package otlp

// The fields of OTLP's messages by number and wire type, of opentelemetry-proto 1.11. TestTags holds this table against the descriptors
// that are compiled from it: no message that a request can reach is missing, no field, no wire type. A constant's name is that of its
// message and its field; …Fields are the numbers of a message's fields, which may stand with no other wire type.

// The three Export…ServiceRequest, which share one form.
const (
	ExportResourceItems Tag = 1<<3 | Len

	ExportFields Fields = 1<<2 - 2
)

// ResourceSpans, ResourceLogs and ResourceMetrics, which share one form.
const (
	ResourceItemsResource   Tag = 1<<3 | Len
	ResourceItemsScopeItems Tag = 2<<3 | Len
	ResourceItemsSchemaURL  Tag = 3<<3 | Len

	ResourceItemsFields Fields = 1<<4 - 2
)

// resource.v1.Resource.
const (
	ResourceAttributes             Tag = 1<<3 | Len
	ResourceDroppedAttributesCount Tag = 2<<3 | Varint
	ResourceEntityRefs             Tag = 3<<3 | Len

	ResourceFields Fields = 1<<4 - 2
)

// common.v1.EntityRef.
const (
	EntityRefSchemaURL       Tag = 1<<3 | Len
	EntityRefType            Tag = 2<<3 | Len
	EntityRefIDKeys          Tag = 3<<3 | Len
	EntityRefDescriptionKeys Tag = 4<<3 | Len

	EntityRefFields Fields = 1<<5 - 2
)

// ScopeSpans, ScopeLogs and ScopeMetrics, which share one form.
const (
	ScopeItemsScope     Tag = 1<<3 | Len
	ScopeItemsItems     Tag = 2<<3 | Len
	ScopeItemsSchemaURL Tag = 3<<3 | Len

	ScopeItemsFields Fields = 1<<4 - 2
)

// common.v1.InstrumentationScope.
const (
	InstrumentationScopeName                   Tag = 1<<3 | Len
	InstrumentationScopeVersion                Tag = 2<<3 | Len
	InstrumentationScopeAttributes             Tag = 3<<3 | Len
	InstrumentationScopeDroppedAttributesCount Tag = 4<<3 | Varint

	InstrumentationScopeFields Fields = 1<<5 - 2
)

// common.v1.KeyValue. Its third field and the eighth of AnyValue are of profiles only.
const (
	KeyValueKey         Tag = 1<<3 | Len
	KeyValueValue       Tag = 2<<3 | Len
	KeyValueKeyStrindex Tag = 3<<3 | Varint

	KeyValueFields Fields = 1<<4 - 2
)

// common.v1.AnyValue.
const (
	AnyValueStringValue         Tag = 1<<3 | Len
	AnyValueBoolValue           Tag = 2<<3 | Varint
	AnyValueIntValue            Tag = 3<<3 | Varint
	AnyValueDoubleValue         Tag = 4<<3 | I64
	AnyValueArrayValue          Tag = 5<<3 | Len
	AnyValueKvlistValue         Tag = 6<<3 | Len
	AnyValueBytesValue          Tag = 7<<3 | Len
	AnyValueStringValueStrindex Tag = 8<<3 | Varint

	AnyValueFields Fields = 1<<9 - 2
)

// common.v1.ArrayValue.
const (
	ArrayValueValues Tag = 1<<3 | Len

	ArrayValueFields Fields = 1<<2 - 2
)

// common.v1.KeyValueList.
const (
	KeyValueListValues Tag = 1<<3 | Len

	KeyValueListFields Fields = 1<<2 - 2
)

// trace.v1.Span.
const (
	SpanTraceID                Tag = 1<<3 | Len
	SpanSpanID                 Tag = 2<<3 | Len
	SpanTraceState             Tag = 3<<3 | Len
	SpanParentSpanID           Tag = 4<<3 | Len
	SpanName                   Tag = 5<<3 | Len
	SpanKind                   Tag = 6<<3 | Varint
	SpanStartTimeUnixNano      Tag = 7<<3 | I64
	SpanEndTimeUnixNano        Tag = 8<<3 | I64
	SpanAttributes             Tag = 9<<3 | Len
	SpanDroppedAttributesCount Tag = 10<<3 | Varint
	SpanEvents                 Tag = 11<<3 | Len
	SpanDroppedEventsCount     Tag = 12<<3 | Varint
	SpanLinks                  Tag = 13<<3 | Len
	SpanDroppedLinksCount      Tag = 14<<3 | Varint
	SpanStatus                 Tag = 15<<3 | Len
	SpanFlags                  Tag = 16<<3 | I32

	SpanFields Fields = 1<<17 - 2
)

// trace.v1.Span.Event.
const (
	EventTimeUnixNano           Tag = 1<<3 | I64
	EventName                   Tag = 2<<3 | Len
	EventAttributes             Tag = 3<<3 | Len
	EventDroppedAttributesCount Tag = 4<<3 | Varint

	EventFields Fields = 1<<5 - 2
)

// trace.v1.Span.Link.
const (
	LinkTraceID                Tag = 1<<3 | Len
	LinkSpanID                 Tag = 2<<3 | Len
	LinkTraceState             Tag = 3<<3 | Len
	LinkAttributes             Tag = 4<<3 | Len
	LinkDroppedAttributesCount Tag = 5<<3 | Varint
	LinkFlags                  Tag = 6<<3 | I32

	LinkFields Fields = 1<<7 - 2
)

// trace.v1.Status.
const (
	StatusMessage Tag = 2<<3 | Len
	StatusCode    Tag = 3<<3 | Varint

	StatusFields Fields = 1<<4 - 2 - 1<<1
)

// logs.v1.LogRecord.
const (
	LogRecordTimeUnixNano           Tag = 1<<3 | I64
	LogRecordSeverityNumber         Tag = 2<<3 | Varint
	LogRecordSeverityText           Tag = 3<<3 | Len
	LogRecordBody                   Tag = 5<<3 | Len
	LogRecordAttributes             Tag = 6<<3 | Len
	LogRecordDroppedAttributesCount Tag = 7<<3 | Varint
	LogRecordFlags                  Tag = 8<<3 | I32
	LogRecordTraceID                Tag = 9<<3 | Len
	LogRecordSpanID                 Tag = 10<<3 | Len
	LogRecordObservedTimeUnixNano   Tag = 11<<3 | I64
	LogRecordEventName              Tag = 12<<3 | Len

	LogRecordFields Fields = 1<<13 - 2 - 1<<4
)

// metrics.v1.Metric.
const (
	MetricName                 Tag = 1<<3 | Len
	MetricDescription          Tag = 2<<3 | Len
	MetricUnit                 Tag = 3<<3 | Len
	MetricGauge                Tag = 5<<3 | Len
	MetricSum                  Tag = 7<<3 | Len
	MetricHistogram            Tag = 9<<3 | Len
	MetricExponentialHistogram Tag = 10<<3 | Len
	MetricSummary              Tag = 11<<3 | Len
	MetricMetadata             Tag = 12<<3 | Len

	MetricFields Fields = 1<<13 - 2 - 1<<4 - 1<<6 - 1<<8
)

// Gauge, Sum, Histogram, ExponentialHistogram and Summary: all have points, three a temporality, one is monotonic or not.
const (
	DataPoints                 Tag = 1<<3 | Len
	DataAggregationTemporality Tag = 2<<3 | Varint
	DataIsMonotonic            Tag = 3<<3 | Varint

	GaugeFields                Fields = 1 << 1
	SummaryFields              Fields = 1 << 1
	SumFields                  Fields = 1<<4 - 2
	HistogramFields            Fields = 1<<3 - 2
	ExponentialHistogramFields Fields = 1<<3 - 2
)

// metrics.v1.NumberDataPoint.
const (
	NumberDataPointStartTimeUnixNano Tag = 2<<3 | I64
	NumberDataPointTimeUnixNano      Tag = 3<<3 | I64
	NumberDataPointAsDouble          Tag = 4<<3 | I64
	NumberDataPointExemplars         Tag = 5<<3 | Len
	NumberDataPointAsInt             Tag = 6<<3 | I64
	NumberDataPointAttributes        Tag = 7<<3 | Len
	NumberDataPointFlags             Tag = 8<<3 | Varint

	NumberDataPointFields Fields = 1<<9 - 2 - 1<<1
)

// metrics.v1.HistogramDataPoint.
const (
	HistogramDataPointStartTimeUnixNano Tag = 2<<3 | I64
	HistogramDataPointTimeUnixNano      Tag = 3<<3 | I64
	HistogramDataPointCount             Tag = 4<<3 | I64
	HistogramDataPointSum               Tag = 5<<3 | I64
	HistogramDataPointBucketCounts      Tag = 6<<3 | Len // packed
	HistogramDataPointBucketCount       Tag = 6<<3 | I64 // one, unpacked
	HistogramDataPointExplicitBounds    Tag = 7<<3 | Len // packed
	HistogramDataPointExplicitBound     Tag = 7<<3 | I64 // one, unpacked
	HistogramDataPointExemplars         Tag = 8<<3 | Len
	HistogramDataPointAttributes        Tag = 9<<3 | Len
	HistogramDataPointFlags             Tag = 10<<3 | Varint
	HistogramDataPointMin               Tag = 11<<3 | I64
	HistogramDataPointMax               Tag = 12<<3 | I64

	HistogramDataPointFields Fields = 1<<13 - 2 - 1<<1
)

// metrics.v1.ExponentialHistogramDataPoint.
const (
	ExponentialHistogramDataPointAttributes        Tag = 1<<3 | Len
	ExponentialHistogramDataPointStartTimeUnixNano Tag = 2<<3 | I64
	ExponentialHistogramDataPointTimeUnixNano      Tag = 3<<3 | I64
	ExponentialHistogramDataPointCount             Tag = 4<<3 | I64
	ExponentialHistogramDataPointSum               Tag = 5<<3 | I64
	ExponentialHistogramDataPointScale             Tag = 6<<3 | Varint
	ExponentialHistogramDataPointZeroCount         Tag = 7<<3 | I64
	ExponentialHistogramDataPointPositive          Tag = 8<<3 | Len
	ExponentialHistogramDataPointNegative          Tag = 9<<3 | Len
	ExponentialHistogramDataPointFlags             Tag = 10<<3 | Varint
	ExponentialHistogramDataPointExemplars         Tag = 11<<3 | Len
	ExponentialHistogramDataPointMin               Tag = 12<<3 | I64
	ExponentialHistogramDataPointMax               Tag = 13<<3 | I64
	ExponentialHistogramDataPointZeroThreshold     Tag = 14<<3 | I64

	ExponentialHistogramDataPointFields Fields = 1<<15 - 2
)

// metrics.v1.ExponentialHistogramDataPoint.Buckets.
const (
	BucketsOffset       Tag = 1<<3 | Varint
	BucketsBucketCounts Tag = 2<<3 | Len    // packed
	BucketsBucketCount  Tag = 2<<3 | Varint // one, unpacked

	BucketsFields Fields = 1<<3 - 2
)

// metrics.v1.SummaryDataPoint.
const (
	SummaryDataPointStartTimeUnixNano Tag = 2<<3 | I64
	SummaryDataPointTimeUnixNano      Tag = 3<<3 | I64
	SummaryDataPointCount             Tag = 4<<3 | I64
	SummaryDataPointSum               Tag = 5<<3 | I64
	SummaryDataPointQuantileValues    Tag = 6<<3 | Len
	SummaryDataPointAttributes        Tag = 7<<3 | Len
	SummaryDataPointFlags             Tag = 8<<3 | Varint

	SummaryDataPointFields Fields = 1<<9 - 2 - 1<<1
)

// metrics.v1.SummaryDataPoint.ValueAtQuantile.
const (
	ValueAtQuantileQuantile Tag = 1<<3 | I64
	ValueAtQuantileValue    Tag = 2<<3 | I64

	ValueAtQuantileFields Fields = 1<<3 - 2
)

// metrics.v1.Exemplar.
const (
	ExemplarTimeUnixNano       Tag = 2<<3 | I64
	ExemplarAsDouble           Tag = 3<<3 | I64
	ExemplarSpanID             Tag = 4<<3 | Len
	ExemplarTraceID            Tag = 5<<3 | Len
	ExemplarAsInt              Tag = 6<<3 | I64
	ExemplarFilteredAttributes Tag = 7<<3 | Len

	ExemplarFields Fields = 1<<8 - 2 - 1<<1
)

// The three Export…ServiceResponse, which share one form.
const (
	ResponsePartialSuccess Tag = 1<<3 | Len

	ResponseFields Fields = 1<<2 - 2
)

// The three Export…PartialSuccess, which share one form.
const (
	PartialSuccessRejected     Tag = 1<<3 | Varint
	PartialSuccessErrorMessage Tag = 2<<3 | Len

	PartialSuccessFields Fields = 1<<3 - 2
)
