package otlp

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestTags holds the table of tags against opentelemetry-proto, in both directions.
func TestTags(t *testing.T) {
	t.Parallel()
	tags, fields := declared(t)
	// Messages of one form share their constants, and so do their fields; the first message of a request is that of a file of OTLP.
	prefixes := map[string]string{
		"TracesData": "Export", "LogsData": "Export", "MetricsData": "Export",
		"ResourceSpans": "ResourceItems", "ResourceLogs": "ResourceItems", "ResourceMetrics": "ResourceItems",
		"ScopeSpans": "ScopeItems", "ScopeLogs": "ScopeItems", "ScopeMetrics": "ScopeItems",
		"Gauge": "Data", "Sum": "Data", "Histogram": "Data", "ExponentialHistogram": "Data", "Summary": "Data",
	}
	names := map[string]string{
		"resource_spans": "ResourceItems", "resource_logs": "ResourceItems", "resource_metrics": "ResourceItems",
		"scope_spans": "ScopeItems", "scope_logs": "ScopeItems", "scope_metrics": "ScopeItems",
		"spans": "Items", "log_records": "Items", "metrics": "Items", "data_points": "Points",
	}
	seen := map[string]bool{"ResponsePartialSuccess": true, "PartialSuccessRejected": true, "PartialSuccessErrorMessage": true} // held by ingest's tests
	var visit func(m protoreflect.MessageDescriptor)
	visit = func(m protoreflect.MessageDescriptor) {
		message := string(m.Name())
		if seen[message] {
			return
		}
		seen[message] = true
		prefix, shared := prefixes[message]
		if !shared {
			prefix = message
		}
		var numbers Fields
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			numbers |= 1 << f.Number()
			name, ok := names[string(f.Name())]
			if !ok || !shared {
				name = camel(string(f.Name()))
			}
			name = prefix + name
			seen[name] = true
			want := Tag(f.Number())<<3 | Tag(wire(f.Kind()))
			if f.IsPacked() {
				one := strings.TrimSuffix(name, "s")
				seen[one] = true
				require.Equal(t, want, tags[one], one)
				want = want&^7 | Len
			}
			require.Equal(t, want, tags[name], name)
			if f.Message() != nil {
				visit(f.Message())
			}
		}
		if set, ok := fields[message+"Fields"]; ok {
			require.Equal(t, numbers, set, message)
		} else {
			require.Equal(t, numbers, fields[prefix+"Fields"], message)
		}
	}
	for _, root := range []proto.Message{&trace.TracesData{}, &logs.LogsData{}, &metrics.MetricsData{}} {
		visit(root.ProtoReflect().Descriptor())
	}
	for name := range tags {
		require.True(t, seen[name], "%s is a field of no message", name)
	}
	for _, k := range []MetricKind{Gauge, Sum, Histogram, ExponentialHistogram, Summary} {
		require.Equal(t, k, KindOf(k.Tag()))
		f := (&metrics.Metric{}).ProtoReflect().Descriptor().Fields().ByNumber(protoreflect.FieldNumber(k.Tag().Number()))
		require.Equal(t, k.String(), string(f.Name()))
		require.Equal(t, fields[string(f.Message().Name())+"Fields"], k.Fields())
	}
}

// TestMeaning holds what numbers mean against opentelemetry-proto.
func TestMeaning(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, trace.Status_STATUS_CODE_UNSET, StatusUnset)
	require.EqualValues(t, trace.Status_STATUS_CODE_OK, StatusOK)
	require.EqualValues(t, trace.Status_STATUS_CODE_ERROR, StatusError)
	require.EqualValues(t, logs.SeverityNumber_SEVERITY_NUMBER_ERROR, SeverityError)
	for prefix, c := range map[string]struct {
		names []string
		of    map[int32]string
	}{"SPAN_KIND_": {Kinds(), trace.Span_SpanKind_name}, "STATUS_CODE_": {Statuses(), trace.Status_StatusCode_name}} {
		require.Len(t, c.of, len(c.names))
		for n, name := range c.names {
			require.Equal(t, c.of[int32(n)], prefix+strings.ToUpper(name))
		}
	}
	require.Len(t, logs.SeverityNumber_name, 1+4*len(Severities()))
	for place, name := range Severities() {
		least, greatest := SeveritiesOf(place)
		require.Equal(t, "SEVERITY_NUMBER_"+strings.ToUpper(name), logs.SeverityNumber_name[int32(least)])
		require.Equal(t, "SEVERITY_NUMBER_"+strings.ToUpper(name)+"4", logs.SeverityNumber_name[int32(greatest)])
	}
	require.EqualValues(t, trace.Span_SPAN_KIND_SERVER, KindServer)
	require.EqualValues(t, trace.Span_SPAN_KIND_CLIENT, KindClient)
	require.EqualValues(t, trace.Span_SPAN_KIND_PRODUCER, KindProducer)
	require.EqualValues(t, trace.Span_SPAN_KIND_CONSUMER, KindConsumer)
}

// declared are the constants of tags.go.
func declared(t *testing.T) (tags map[string]Tag, fields map[string]Fields) {
	t.Helper()
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range []string{"tags.go", "wire.go"} {
		f, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		parsed = append(parsed, f)
	}
	conf := types.Config{Importer: none{}, Error: func(error) {}} // wire.go's import is of no interest
	pkg, _ := conf.Check("otlp", files, parsed, nil)
	tags, fields = map[string]Tag{}, map[string]Fields{}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			continue
		}
		n, _ := constant.Uint64Val(c.Val())
		switch c.Type().String() {
		case "otlp.Tag":
			tags[name] = Tag(n)
		case "otlp.Fields":
			fields[name] = Fields(n)
		}
	}
	require.Greater(t, len(tags), 100)
	require.Greater(t, len(fields), 25)
	return tags, fields
}

type none struct{}

func (none) Import(path string) (*types.Package, error) { return types.NewPackage(path, path), nil }

func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		switch word {
		case "id", "url":
			b.WriteString(strings.ToUpper(word))
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func wire(kind protoreflect.Kind) uint32 {
	wires := map[uint32][]protoreflect.Kind{
		Varint: {
			protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind,
			protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind,
		},
		I64: {protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind},
		I32: {protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind},
	}
	for _, w := range slices.Sorted(maps.Keys(wires)) {
		if slices.Contains(wires[w], kind) {
			return w
		}
	}
	return Len
}
