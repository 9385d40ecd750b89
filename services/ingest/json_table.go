package ingest

import (
	"strings"
	"sync"

	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// role says what a field's messages are to the items of a request.
type role uint8

const (
	within role = iota // a part of an item, or of what items share
	around             // stand around items
	item               // are the items: spans, log records, data points
)

// jsonMessage is what the descriptor of a message says to a reader of JSON.
type jsonMessage struct {
	fields map[string]*jsonField // by both of its names
	metric bool                  // a metric, or its data
}

// field finds a field; nil for an unknown one.
func (m *jsonMessage) field(name []byte) *jsonField { return m.fields[string(name)] }

type jsonField struct {
	name     string // in camelCase
	tag      otlp.Tag
	wire     uint32
	kind     protoreflect.Kind
	role     role
	repeated bool
	packed   bool
	present  bool // stands in protobuf also when it is zero
	id       int  // bytes of an id, which is hex in OTLP JSON; else 0
	loose    bool // an id that is none counts as absent: of a log record, as in protobuf
	message  *jsonMessage
	enum     map[string]int32
}

// jsonRequests are made once, from the descriptors that are compiled from OTLP's own files. The three Export…ServiceRequest have the form of
// TracesData, LogsData and MetricsData.
var jsonRequests = sync.OnceValue(func() map[telemetry.Signal]*jsonMessage { //nolint:gochecknoglobals // a constant, made of descriptors
	made := map[protoreflect.FullName]*jsonMessage{}
	return map[telemetry.Signal]*jsonMessage{
		telemetry.Traces:  jsonTable((*tracepb.TracesData)(nil), made),
		telemetry.Logs:    jsonTable((*logspb.LogsData)(nil), made),
		telemetry.Metrics: jsonTable((*metricspb.MetricsData)(nil), made),
	}
})

func jsonRequest(signal telemetry.Signal) *jsonMessage { return jsonRequests()[signal] }

func jsonTable(m proto.Message, made map[protoreflect.FullName]*jsonMessage) *jsonMessage {
	return jsonMessageOf(m.ProtoReflect().Descriptor(), made)
}

func jsonMessageOf(d protoreflect.MessageDescriptor, made map[protoreflect.FullName]*jsonMessage) *jsonMessage {
	if m := made[d.FullName()]; m != nil {
		return m
	}
	m := &jsonMessage{fields: map[string]*jsonField{}}
	switch d.Name() {
	case "Metric", "Gauge", "Sum", "Histogram", "ExponentialHistogram", "Summary":
		m.metric = true
	}
	made[d.FullName()] = m
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		if strings.HasSuffix(string(fd.Name()), "_strindex") {
			continue // of profiles only
		}
		f := &jsonField{name: fd.JSONName(), kind: fd.Kind(), repeated: fd.IsList(), packed: fd.IsPacked(), present: fd.HasPresence()}
		f.wire = wireOf(f.kind)
		wire := f.wire
		if f.packed {
			wire = otlp.Len
		}
		f.tag = otlp.Tag(uint32(fd.Number())<<3 | wire) //nolint:gosec // a field's number is small
		if fd.Kind() == protoreflect.BytesKind {
			switch {
			case strings.HasSuffix(string(fd.Name()), "trace_id"):
				f.id = otlp.TraceIDSize
			case strings.HasSuffix(string(fd.Name()), "span_id"):
				f.id = otlp.SpanIDSize
			}
			f.loose = d.Name() == "LogRecord"
		}
		if enum := fd.Enum(); enum != nil {
			f.enum = map[string]int32{}
			for j := range enum.Values().Len() {
				f.enum[string(enum.Values().Get(j).Name())] = int32(enum.Values().Get(j).Number())
			}
		}
		if fd.Message() != nil {
			f.message = jsonMessageOf(fd.Message(), made)
			if roleOf(d) == around {
				f.role = roleOf(fd.Message())
			}
		}
		m.fields[fd.JSONName()], m.fields[string(fd.Name())] = f, f
	}
	return m
}

// roleOf is the role of a message.
func roleOf(d protoreflect.MessageDescriptor) role {
	switch d.Name() {
	case "TracesData", "LogsData", "MetricsData", "ResourceSpans", "ResourceLogs", "ResourceMetrics", "ScopeSpans", "ScopeLogs", "ScopeMetrics",
		"Metric", "Gauge", "Sum", "Histogram", "ExponentialHistogram", "Summary":
		return around
	case "Span", "LogRecord", "NumberDataPoint", "HistogramDataPoint", "ExponentialHistogramDataPoint", "SummaryDataPoint":
		return item
	}
	return within
}

// wireOf is the wire type of a kind.
func wireOf(kind protoreflect.Kind) uint32 {
	switch kind {
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return otlp.I64
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return otlp.I32
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return otlp.Len
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind:
	}
	return otlp.Varint
}
