package telemetry_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

const mib = 1 << 20

func str(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func num(n int64) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: n}}
}

func blob(b []byte) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: b}}
}

func list(values ...*commonpb.AnyValue) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: values}}}
}

func dict(entries ...*commonpb.KeyValue) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: entries}}}
}

func pair(key string, v *commonpb.AnyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: v}
}

// prose is text of at least n bytes in which characters of one to four bytes stand.
func prose(n int) string {
	const words = "a dog, ein Löwe, 一匹の猫, a 🦊. "
	return strings.Repeat(words, n/len(words)+1)
}

// shape makes an item of about n bytes.
type shape func(n int) proto.Message

// shapes are those of few large values, and those of very many small ones, which take a hundred times their size as objects of a test.
func shapes() (few, many map[string]shape) {
	span := func(change func(s *tracepb.Span)) *tracepb.Span {
		s := &tracepb.Span{
			TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{2}, 8), Name: "chat", StartTimeUnixNano: uint64(now), EndTimeUnixNano: uint64(now) + 5,
			Attributes: []*commonpb.KeyValue{pair("gen_ai.request.model", str("large-1"))}, DroppedAttributesCount: 3, Status: &tracepb.Status{Code: 2, Message: "failed"},
		}
		change(s)
		return s
	}
	record := func(change func(r *logspb.LogRecord)) *logspb.LogRecord {
		r := &logspb.LogRecord{TimeUnixNano: uint64(now), SeverityNumber: 9, SeverityText: "INFO", Attributes: []*commonpb.KeyValue{pair("http.route", str("/"))}}
		change(r)
		return r
	}
	lots := func(count int, of func(i int) *commonpb.KeyValue) (out []*commonpb.KeyValue) {
		for i := range count {
			out = append(out, of(i))
		}
		return out
	}
	exemplars := func(n int) (out []*metricspb.Exemplar) {
		for i := range n / 1000 {
			out = append(out, &metricspb.Exemplar{TimeUnixNano: uint64(now) + uint64(i), FilteredAttributes: []*commonpb.KeyValue{pair("user", str(prose(980)))}})
		}
		return out
	}
	few = map[string]shape{
		"GenAI messages as JSON text": func(n int) proto.Message {
			return span(func(s *tracepb.Span) {
				s.Attributes = append(s.Attributes, pair("gen_ai.input.messages", str(`[{"role":"user","content":"`+prose(n)+`"}]`)), pair("after", num(7)))
			})
		},
		"GenAI messages as values": func(n int) proto.Message {
			messages := list(
				dict(pair("role", str("system")), pair("content", str("You are helpful."))),
				dict(pair("role", str("user")), pair("content", str(prose(n)))),
				dict(pair("role", str("assistant")), pair("content", str("Yes."))),
			)
			return span(func(s *tracepb.Span) {
				s.Attributes = append(s.Attributes, pair("gen_ai.input.messages", messages), pair("after", num(7)))
			})
		},
		"nested maps": func(n int) proto.Message {
			nested := str(prose(n))
			for i := range 30 {
				nested = dict(pair("depth", num(int64(i))), pair("in", list(nested)))
			}
			return span(func(s *tracepb.Span) { s.Attributes = append(s.Attributes, pair("nested", nested)) })
		},
		"bytes": func(n int) proto.Message {
			return span(func(s *tracepb.Span) {
				s.Attributes = append(s.Attributes, pair("image", blob(bytes.Repeat([]byte{0, 0xc3, 0xff, 7}, n/4))))
			})
		},
		"a status message and a name": func(n int) proto.Message {
			return span(func(s *tracepb.Span) { s.Name, s.Status.Message = prose(n/2), prose(n/2) })
		},
		"a log body": func(n int) proto.Message {
			return record(func(r *logspb.LogRecord) { r.Body = str(prose(n)) })
		},
		"an untimed record": func(n int) proto.Message {
			return record(func(r *logspb.LogRecord) { r.TimeUnixNano, r.Body = 0, str(prose(n)) })
		},
	}
	many = map[string]shape{
		"thousands of middling attributes": func(n int) proto.Message {
			return span(func(s *tracepb.Span) {
				s.Attributes = append(s.Attributes, lots(n/2000, func(i int) *commonpb.KeyValue { return pair("key."+strconv.Itoa(i), str(prose(2000))) })...)
				s.Attributes = append(s.Attributes, pair("last", str("stays")))
			})
		},
		"very many small attributes": func(n int) proto.Message {
			return span(func(s *tracepb.Span) {
				s.Attributes = append(s.Attributes, lots(n/40, func(i int) *commonpb.KeyValue { return pair("key."+strconv.Itoa(1000000+i), num(int64(i))) })...)
			})
		},
		"a list of integers": func(n int) proto.Message {
			ints := make([]*commonpb.AnyValue, n/7) // 7 bytes each
			for i := range ints {
				ints[i] = num(int64(300000 + i))
			}
			return span(func(s *tracepb.Span) {
				s.Attributes = append(s.Attributes, pair("numbers", list(ints...)), pair("after", str("the list")))
			})
		},
		"events": func(n int) proto.Message {
			return span(func(s *tracepb.Span) {
				for i := range n / 3000 {
					s.Events = append(s.Events, &tracepb.Span_Event{TimeUnixNano: uint64(i), Name: "message", Attributes: []*commonpb.KeyValue{
						pair("text", str(prose(2900))), pair("n", num(int64(i))),
					}})
				}
			})
		},
		"very many events and links": func(n int) proto.Message {
			return span(func(s *tracepb.Span) {
				for i := range n / 80 {
					s.Events = append(s.Events, &tracepb.Span_Event{TimeUnixNano: uint64(i), Name: "tick"})
					s.Links = append(s.Links, &tracepb.Span_Link{TraceId: bytes.Repeat([]byte{3}, 16), SpanId: []byte(fmt.Sprintf("%08d", i)), Flags: 1})
				}
				s.DroppedEventsCount, s.DroppedLinksCount = 4, 5
			})
		},
		"a log body of a huge map": func(n int) proto.Message {
			return record(func(r *logspb.LogRecord) {
				r.Body = dict(lots(n/5000, func(i int) *commonpb.KeyValue { return pair("line."+strconv.Itoa(i), list(str(prose(4900)), num(1))) })...)
			})
		},
		"a log body of very many entries": func(n int) proto.Message {
			return record(func(r *logspb.LogRecord) {
				r.Body = dict(lots(n/40, func(i int) *commonpb.KeyValue { return pair("line."+strconv.Itoa(1000000+i), str("a short text")) })...)
			})
		},
		"exemplars": func(n int) proto.Message {
			return &metricspb.NumberDataPoint{
				TimeUnixNano: uint64(now), Attributes: []*commonpb.KeyValue{pair("host", str("a"))}, Exemplars: exemplars(n),
				Value: &metricspb.NumberDataPoint_AsInt{AsInt: 1},
			}
		},
		"attributes of a point and exemplars": func(n int) proto.Message {
			return &metricspb.NumberDataPoint{
				TimeUnixNano: uint64(now), Attributes: []*commonpb.KeyValue{pair("host", str("a")), pair("query", str(prose(n)))}, Exemplars: exemplars(n),
				Value: &metricspb.NumberDataPoint_AsInt{AsInt: 1},
			}
		},
	}
	return few, many
}

// containing is a request of the items, between two small ones of their kind.
func containing(t testing.TB, resource *resourcepb.Resource, item proto.Message) (telemetry.Signal, []byte) {
	t.Helper()
	var request proto.Message
	signal := telemetry.Traces
	switch item := item.(type) {
	case *tracepb.Span:
		small := &tracepb.Span{TraceId: item.TraceId, SpanId: item.SpanId, StartTimeUnixNano: uint64(now)}
		request = &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{Resource: resource, ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{small, item, small}}}}}}
	case *logspb.LogRecord:
		signal = telemetry.Logs
		small := &logspb.LogRecord{TimeUnixNano: uint64(now)}
		request = &logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{Resource: resource, ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{small, item, small}}}}}}
	case *metricspb.NumberDataPoint:
		signal = telemetry.Metrics
		small := &metricspb.NumberDataPoint{TimeUnixNano: uint64(now)}
		request = &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{Resource: resource, ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{
			{Name: "requests", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{small, item, small}}}},
		}}}}}}
	default:
		require.Fail(t, "no such item")
	}
	payload, err := proto.Marshal(request)
	require.NoError(t, err)
	return signal, payload
}

// items are those of a request, each with its resource.
func items(t testing.TB, signal telemetry.Signal, payload []byte) (out, resources []proto.Message) {
	t.Helper()
	add := func(resource, item proto.Message) { out, resources = append(out, item), append(resources, resource) }
	switch signal {
	case telemetry.Traces:
		var data tracepb.TracesData
		require.NoError(t, proto.Unmarshal(payload, &data))
		for _, r := range data.ResourceSpans {
			for _, s := range r.ScopeSpans {
				for _, item := range s.Spans {
					add(r.Resource, item)
				}
			}
		}
	case telemetry.Logs:
		var data logspb.LogsData
		require.NoError(t, proto.Unmarshal(payload, &data))
		for _, r := range data.ResourceLogs {
			for _, s := range r.ScopeLogs {
				for _, item := range s.LogRecords {
					add(r.Resource, item)
				}
			}
		}
	case telemetry.Metrics:
		var data metricspb.MetricsData
		require.NoError(t, proto.Unmarshal(payload, &data))
		for _, r := range data.ResourceMetrics {
			for _, s := range r.ScopeMetrics {
				for _, m := range s.Metrics {
					for _, item := range m.GetGauge().GetDataPoints() {
						add(r.Resource, item)
					}
				}
			}
		}
	}
	return out, resources
}

var mark = regexp.MustCompile(`…\[cut by ollyScale: ([0-9,]+) of ([0-9,]+) (bytes|values) kept, xxh3 ([0-9a-f]{16})\]$`)

// marked reads the mark at the end of b.
func marked(b string) (before string, kept, total int, sum string, err error) {
	at := mark.FindStringSubmatchIndex(b[max(0, len(b)-200):])
	if at == nil {
		return "", 0, 0, "", fmt.Errorf("no mark at the end of %.100q", b[max(0, len(b)-100):])
	}
	tail := b[max(0, len(b)-200):]
	kept, _ = strconv.Atoi(strings.ReplaceAll(tail[at[2]:at[3]], ",", ""))
	total, _ = strconv.Atoi(strings.ReplaceAll(tail[at[4]:at[5]], ",", ""))
	return b[:len(b)-len(tail)+at[0]], kept, total, tail[at[8]:at[9]], nil
}

// explained checks that got is want with nothing changed but what a mark or a counter tells of; an item may have CutAttribute besides.
func explained(want, got proto.Message) error {
	if proto.Equal(want, got) {
		return nil
	}
	if w, ok := want.(*commonpb.AnyValue); ok {
		return explainedValue(w, got.(*commonpb.AnyValue)) //nolint:forcetypeassert // as want
	}
	w, g := want.ProtoReflect(), got.ProtoReflect()
	fields := w.Descriptor().Fields()
	removed := map[string]uint64{}
	for i := range fields.Len() {
		f := fields.Get(i)
		if strings.HasPrefix(string(f.Name()), "dropped_") {
			continue
		}
		var err error
		switch {
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			removed["dropped_"+string(f.Name())+"_count"], err = explainedList(proto.Size(want), f, w.Get(f).List(), g.Get(f).List())
		case f.Kind() == protoreflect.MessageKind:
			if w.Has(f) != g.Has(f) {
				return fmt.Errorf("%s is there or not", f.Name())
			}
			err = explained(w.Get(f).Message().Interface(), g.Get(f).Message().Interface())
		case f.Kind() == protoreflect.StringKind && !w.Get(f).Equal(g.Get(f)):
			err = explainedText(w.Get(f).String(), g.Get(f).String())
		case !w.Get(f).Equal(g.Get(f)):
			err = fmt.Errorf("another value")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	for i := range fields.Len() {
		f := fields.Get(i)
		name := string(f.Name())
		if !strings.HasPrefix(name, "dropped_") {
			continue
		}
		if want := w.Get(f).Uint() + removed[name]; want != g.Get(f).Uint() {
			return fmt.Errorf("%s is %d, want %d", name, g.Get(f).Uint(), want)
		}
		delete(removed, name)
	}
	for name, n := range removed {
		if n > 0 && name != "dropped_exemplars_count" {
			return fmt.Errorf("%s: %d, which nothing tells", name, n)
		}
	}
	return nil
}

// explainedList checks that got is what is left of want, and says how many are gone.
func explainedList(size int, f protoreflect.FieldDescriptor, want, got protoreflect.List) (removed uint64, err error) {
	n := got.Len()
	if n > 0 && f.Name() == "attributes" {
		if last, ok := got.Get(n - 1).Message().Interface().(*commonpb.KeyValue); ok && last.Key == telemetry.CutAttribute {
			n--
			switch before, kept, total, _, err := marked(last.Value.GetStringValue()); {
			case last.Value.GetIntValue() == int64(size):
			case err != nil, before != "", kept != n, total != want.Len():
				return 0, fmt.Errorf("%s is %s, want %d, or %d of %d", telemetry.CutAttribute, last.Value, size, n, want.Len())
			}
		}
	}
	at := 0
	for i := range want.Len() {
		if at < n {
			if err = explained(want.Get(i).Message().Interface(), got.Get(at).Message().Interface()); err == nil {
				at++
				continue
			}
		}
		removed++
	}
	if at < n {
		return removed, fmt.Errorf("element %d of %d is from nowhere: %w", at, n, err)
	}
	return removed, nil
}

func explainedText(want, got string) error {
	before, kept, total, sum, err := marked(got)
	if err != nil {
		return err
	}
	if kept != len(before) || total != len(want) || !strings.HasPrefix(want, before) || sum != fmt.Sprintf("%016x", xxh3.HashString(want)) {
		return fmt.Errorf("the mark tells of %d and %d, and %d of %d are there, %s", kept, total, len(before), len(want), sum)
	}
	if utf8.ValidString(want) && !utf8.ValidString(got) {
		return fmt.Errorf("cut inside a character")
	}
	return nil
}

func explainedValue(want, got *commonpb.AnyValue) error {
	switch w := want.Value.(type) {
	case *commonpb.AnyValue_StringValue:
		return explainedText(w.StringValue, got.GetStringValue())
	case *commonpb.AnyValue_BytesValue:
		return explainedText(string(w.BytesValue), string(got.GetBytesValue()))
	case *commonpb.AnyValue_ArrayValue:
		all, some := w.ArrayValue.Values, got.GetArrayValue().GetValues()
		if len(some) > 0 {
			if before, kept, total, sum, err := marked(some[len(some)-1].GetStringValue()); err == nil && before == "" && total == len(all) && kept == len(some)-1 {
				raw, err := proto.Marshal(w.ArrayValue)
				if err != nil || sum != fmt.Sprintf("%016x", xxh3.Hash(raw)) {
					return fmt.Errorf("the hash of the list is %s", sum)
				}
				all, some = all[:kept], some[:kept]
			}
		}
		if len(all) != len(some) {
			return fmt.Errorf("%d of %d elements, unsaid", len(some), len(all))
		}
		for i := range all {
			if err := explained(all[i], some[i]); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	case *commonpb.AnyValue_KvlistValue:
		all, some := w.KvlistValue.Values, got.GetKvlistValue().GetValues()
		told := len(all)
		if n := len(some); n > 0 && some[n-1].Key == telemetry.CutAttribute {
			before, kept, total, _, err := marked(some[n-1].Value.GetStringValue())
			if err != nil || before != "" || total != len(all) {
				return fmt.Errorf("the mark of a map: %s", some[n-1])
			}
			some, told = some[:n-1], kept
		}
		if told != len(some) {
			return fmt.Errorf("%d entries, %d told", len(some), told)
		}
		at := 0
		for i := range all {
			if at < len(some) && all[i].Key == some[at].Key && explained(all[i], some[at]) == nil {
				at++
			}
		}
		if at < len(some) {
			return fmt.Errorf("entry %q is from nowhere", some[at].Key)
		}
		return nil
	}
	return fmt.Errorf("%s became %s", want, got)
}

// admitted takes a request apart as ingest does and checks what holds for every one: parts fit, also with the observed time, and the
// writer takes them; each item is in one, at its place, and what is cut of it is told. It returns the items as they are stored.
func admitted(t testing.TB, signal telemetry.Signal, payload []byte, limits telemetry.Limits) (admission, []proto.Message) {
	t.Helper()
	a, err := admit(signal, payload, limits)
	require.NoError(t, err)
	want, wantResources := items(t, signal, payload)
	got, cut := make([]proto.Message, len(want)), 0
	for _, part := range a.Parts {
		require.LessOrEqual(t, len(part.Payload), limits.MaxBytes)
		n, err := segment.NewTable("t", signal).Append(part.Payload, 1)
		require.NoError(t, err, "admitted, but the writer refuses it")
		require.Equal(t, part.Items, n)
		covers := part.Ordinals
		if covers == nil {
			covers = telemetry.FirstOrdinals(len(want))
		}
		some, resources := items(t, signal, part.Payload)
		for _, run := range covers {
			for o := run.From; o < run.To; o++ {
				require.Nil(t, got[o], "in two parts")
				if sent, ok := want[o].(*logspb.LogRecord); ok && sent.TimeUnixNano == 0 && sent.ObservedTimeUnixNano == 0 {
					given, _ := some[0].(*logspb.LogRecord)
					require.EqualValues(t, now, given.ObservedTimeUnixNano)
					given.ObservedTimeUnixNano = 0
				}
				require.NoError(t, explained(want[o], some[0]), "item %d", o)
				require.NoError(t, explained(wantResources[o], resources[0]), "resource of item %d", o)
				if !proto.Equal(want[o], some[0]) || !proto.Equal(wantResources[o], resources[0]) {
					cut++
				}
				got[o] = some[0]
				some, resources = some[1:], resources[1:]
			}
		}
		require.Empty(t, some)
	}
	require.Equal(t, len(want), a.Items+a.Refused())
	require.Equal(t, cut, a.Cut)
	again, err := admit(signal, payload, limits)
	require.NoError(t, err)
	require.Len(t, again.Parts, len(a.Parts))
	for i := range a.Parts {
		require.True(t, bytes.Equal(a.Parts[i].Payload, again.Parts[i].Payload), "deterministic")
	}
	return a, got
}

func TestLargeValuesAreCutAndSaySo(t *testing.T) {
	t.Parallel()
	few, many := shapes()
	type large struct {
		name  string
		shape shape
		size  int
	}
	var cases []large
	for _, size := range []int{mib * 3 / 2, 9 * mib, 20 * mib, 60 * mib} {
		for _, name := range slices.Sorted(maps.Keys(few)) {
			cases = append(cases, large{name, few[name], size})
		}
		for _, name := range slices.Sorted(maps.Keys(many)) {
			if size <= 9*mib {
				cases = append(cases, large{name, many[name], size})
			}
		}
	}
	cases = append(cases, large{"a list of integers", many["a list of integers"], 14 * mib}) // 2 million
	for i := range testbed.Some(len(cases)) {
		c := cases[i]
		t.Run(fmt.Sprintf("%s, %d MiB", c.name, c.size/mib), func(t *testing.T) { // in turn: each holds hundreds of megabytes
			item := c.shape(c.size)
			signal, payload := containing(t, &resourcepb.Resource{Attributes: []*commonpb.KeyValue{pair("service.name", str("shop"))}}, item)
			limits := telemetry.Limits{MinTime: 1, PartBytes: mib, MaxBytes: 8*mib - 8<<10}
			a, got := admitted(t, signal, payload, limits)
			require.Equal(t, 3, a.Items, a.Message())
			if proto.Size(item) < limits.MaxBytes-200 {
				require.Zero(t, a.Cut)
				require.Empty(t, a.Message())
				return
			}
			require.Equal(t, 1, a.Cut)
			require.Contains(t, a.Message(), "cut the largest values of 1 of 3 ")
			require.Contains(t, a.Message(), "bus.max_message_bytes")
			require.Greater(t, proto.Size(got[1]), limits.MaxBytes/2, "as much is kept as there is room for")
			switch got := got[1].(type) {
			case *tracepb.Span:
				require.Equal(t, telemetry.CutAttribute, got.Attributes[len(got.Attributes)-1].Key)
			case *logspb.LogRecord:
				require.Equal(t, telemetry.CutAttribute, got.Attributes[len(got.Attributes)-1].Key)
			case *metricspb.NumberDataPoint:
				require.Equal(t, "host", got.Attributes[0].Key, "a series keeps its attributes")
			}
		})
	}
}

func TestAResourceThatIsTooLargeIsCut(t *testing.T) {
	t.Parallel()
	for _, size := range []int{mib * 3 / 2, 5 * mib, 9 * mib, 20 * mib} {
		for name, attribute := range map[string]*commonpb.KeyValue{
			"text": pair("process.command_line", str(prose(size))),
			"list": pair("process.command_args", list(str("run"), str(prose(size/2)), str(prose(size/2)))),
		} {
			t.Run(fmt.Sprintf("%s, %d MiB", name, size/mib), func(t *testing.T) {
				t.Parallel()
				resource := &resourcepb.Resource{Attributes: []*commonpb.KeyValue{pair("service.name", str("shop")), attribute}}
				span := &tracepb.Span{TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{2}, 8), StartTimeUnixNano: uint64(now)}
				signal, payload := containing(t, resource, span)
				limits := telemetry.Limits{MinTime: 1, PartBytes: mib, MaxBytes: 8*mib - 8<<10}
				a, _ := admitted(t, signal, payload, limits)
				require.Equal(t, 3, a.Items, a.Message())
				if size < limits.MaxBytes {
					require.Zero(t, a.Cut, "it fits with its items")
					require.Len(t, a.Parts, 1)
				} else {
					require.Equal(t, 3, a.Cut)
				}
				// And with an item that is too large itself.
				span.Attributes = []*commonpb.KeyValue{pair("prompt", str(prose(9*mib)))}
				signal, payload = containing(t, resource, span)
				a, _ = admitted(t, signal, payload, limits)
				require.Equal(t, 3, a.Items, a.Message())
			})
		}
	}
}

// What differed does still, also where the difference was cut off: two series, two resources are not made one.
func TestWhatIsCutOffStillTellsApart(t *testing.T) {
	t.Parallel()
	cut := func(v *commonpb.AnyValue) string {
		signal, payload := containing(t, nil, &metricspb.NumberDataPoint{TimeUnixNano: uint64(now), Attributes: []*commonpb.KeyValue{pair("query", v)}})
		a, got := admitted(t, signal, payload, telemetry.Limits{MinTime: 1, MaxBytes: 64 << 10})
		require.Equal(t, 1, a.Cut)
		return got[1].(*metricspb.NumberDataPoint).Attributes[0].String() //nolint:forcetypeassert // as it was sent
	}
	long := prose(100_000)
	require.NotEqual(t, cut(str(long+"a")), cut(str(long+"b")))
	var many []*commonpb.AnyValue
	for i := range 50_000 {
		many = append(many, num(int64(i)))
	}
	one := cut(list(many...))
	many[49_999] = num(5)
	require.NotEqual(t, one, cut(list(many...)))
}

// As much can be in a resource or a scope that whole attributes go: two of them that differ in nothing else stay two, and so do their series; the same
// one in another order is the same; and a resource keeps its service, of however many attributes the largest are those that name it.
func TestResourcesAndScopesWithoutSomeAttributesStayApart(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	type ids struct {
		resource, scope, series, service int64
		name, namespace                  string
	}
	stored := func(payload []byte) ids {
		a, err := admit(telemetry.Metrics, payload, telemetry.Limits{MinTime: 1, MaxBytes: bound})
		require.NoError(t, err)
		require.Equal(t, 1, a.Cut, a.Message())
		table := segment.NewTable("t", telemetry.Metrics)
		for _, part := range a.Parts {
			require.LessOrEqual(t, len(part.Payload), bound)
			_, err = table.Append(part.Payload, 1)
			require.NoError(t, err)
		}
		require.Len(t, table.Series, 1)
		s := table.Series[0]
		r := table.Resources[s.Resource]
		return ids{r.ID, table.Scopes[s.Scope].ID, s.ID, r.ServiceID, r.ServiceName, r.ServiceNamespace}
	}
	payload := func(resource, scope []*commonpb.KeyValue) []byte {
		b, err := proto.Marshal(&metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
			Resource: &resourcepb.Resource{Attributes: resource},
			ScopeMetrics: []*metricspb.ScopeMetrics{{
				Scope: &commonpb.InstrumentationScope{Name: "meter", Attributes: scope},
				Metrics: []*metricspb.Metric{{Name: "requests", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{
					{TimeUnixNano: uint64(now)},
				}}}}},
			}},
		}}})
		require.NoError(t, err)
		return b
	}
	labels := func(last int64, more ...*commonpb.KeyValue) []*commonpb.KeyValue {
		for i := range int64(10_000) {
			more = append(more, pair("label."+strconv.FormatInt(i, 10), num(i)))
		}
		return append(more, pair("the largest label, which goes first", num(last)))
	}
	of := func(name, namespace string) []*commonpb.KeyValue {
		return []*commonpb.KeyValue{pair("service.name", str(name)), pair("service.namespace", str(namespace))}
	}
	first := stored(payload(labels(1, of("checkout-of-the-shop", "the-shop")...), nil))
	require.Equal(t, "checkout-of-the-shop", first.name)
	require.Equal(t, "the-shop", first.namespace)

	second := stored(payload(labels(2, of("checkout-of-the-shop", "the-shop")...), nil))
	require.NotEqual(t, first.resource, second.resource)
	require.NotEqual(t, first.series, second.series)
	require.Equal(t, first.service, second.service)

	other := stored(payload(labels(1, of("payment-of-the-shop", "the-shop")...), nil))
	require.NotEqual(t, first.service, other.service)
	long := prose(100_000)
	require.NotEqual(t, stored(payload(labels(1, of(long+"a", "")...), nil)).service, stored(payload(labels(1, of(long+"b", "")...), nil)).service)

	swapped := labels(1, of("checkout-of-the-shop", "the-shop")...)
	swapped[0], swapped[1], swapped[2], swapped[3] = swapped[3], swapped[2], swapped[1], swapped[0]
	require.Equal(t, first, stored(payload(swapped, nil)))

	one, two := stored(payload(of("checkout", ""), labels(1))), stored(payload(of("checkout", ""), labels(2)))
	require.Equal(t, one.resource, two.resource)
	require.NotEqual(t, one.scope, two.scope)
	require.NotEqual(t, one.series, two.series)
}

func TestOnlyWhatCannotFitIsRefused(t *testing.T) {
	t.Parallel()
	refused := func(item proto.Message) string {
		signal, payload := containing(t, nil, item)
		a, _ := admitted(t, signal, payload, telemetry.Limits{MinTime: 1, MaxBytes: 64 << 10})
		require.Equal(t, 1, a.Rejected[telemetry.TooLarge])
		require.Equal(t, 2, a.Items)
		return a.Message()
	}
	span := &tracepb.Span{TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{2}, 8), StartTimeUnixNano: uint64(now), TraceState: prose(100_000)}
	require.Regexp(t, `^rejected 1 of 3 spans: 1 larger than 65536 bytes .* \(the first: resource_spans\[0\]\.scope_spans\[0\]\.spans\[1\]: the item has 100\d\d\d bytes\).*bus\.max_message_bytes`, refused(span))
	point := &metricspb.NumberDataPoint{TimeUnixNano: uint64(now)}
	for i := range 10_000 {
		point.Attributes = append(point.Attributes, pair("key."+strconv.Itoa(i), num(int64(i))))
	}
	require.Contains(t, refused(point), "resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[1]", "it would be another series without some of its attributes")
}

// random is a value of about n bytes.
func random(r *rand.Rand, n, depth int) *commonpb.AnyValue {
	switch kind := r.IntN(6); {
	case n < 40 || kind == 0:
		return num(r.Int64())
	case depth > 20 || kind == 1:
		return str(prose(n))
	case kind == 2:
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return blob(b)
	case kind < 5:
		var values []*commonpb.AnyValue
		for n > 0 {
			size := 1 + r.IntN(1+r.IntN(n))
			values = append(values, random(r, size, depth+1))
			n -= size + 6
		}
		return list(values...)
	default:
		var entries []*commonpb.KeyValue
		for n > 0 {
			size := 1 + r.IntN(1+r.IntN(n))
			entries = append(entries, pair("k"+strconv.Itoa(len(entries))+strings.Repeat("y", r.IntN(1+min(size, 3000))/2), random(r, size, depth+1)))
			n -= size + 12
		}
		return dict(entries...)
	}
}

// Whatever is sent: what is taken fits, and is what was sent but for what it says.
func TestWhatIsCutIsExplained(t *testing.T) {
	t.Parallel()
	for n := range testbed.Some(150) {
		seed := uint64(n)
		r := rand.New(rand.NewPCG(seed, 77))
		attributes := func(n int) (out []*commonpb.KeyValue) {
			for n > 0 {
				size := 1 + r.IntN(1+r.IntN(n))
				out = append(out, pair("a."+strconv.Itoa(len(out)), random(r, size, 0)))
				n -= size + 10
			}
			return out
		}
		size := func() int { return r.IntN(1 + r.IntN(200_000)) }
		var item proto.Message
		switch seed % 3 {
		case 0:
			span := &tracepb.Span{
				TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{2}, 8), StartTimeUnixNano: uint64(now), Name: prose(r.IntN(100)), Attributes: attributes(size()),
				DroppedEventsCount: uint32(r.IntN(3)), Status: &tracepb.Status{Message: prose(size() / 4)},
			}
			for i := range r.IntN(200) {
				span.Events = append(span.Events, &tracepb.Span_Event{TimeUnixNano: uint64(i), Attributes: attributes(size() / 50)})
				span.Links = append(span.Links, &tracepb.Span_Link{SpanId: []byte(fmt.Sprintf("%08d", i)), Attributes: attributes(size() / 100)})
			}
			item = span
		case 1:
			item = &logspb.LogRecord{TimeUnixNano: uint64(now) * (seed & 1), Body: random(r, size(), 0), Attributes: attributes(size()), SeverityText: "WARN"}
		case 2:
			point := &metricspb.NumberDataPoint{TimeUnixNano: uint64(now), Attributes: attributes(size() / 10)}
			for i := range r.IntN(300) {
				point.Exemplars = append(point.Exemplars, &metricspb.Exemplar{TimeUnixNano: uint64(i), FilteredAttributes: attributes(size() / 50)})
			}
			item = point
		}
		var resource *resourcepb.Resource
		if r.IntN(3) > 0 {
			resource = &resourcepb.Resource{Attributes: attributes(size() / 2)}
		}
		signal, payload := containing(t, resource, item)
		for _, bound := range []int{24 << 10, 56 << 10, 120 << 10} {
			admitted(t, signal, payload, telemetry.Limits{MinTime: 1, PartBytes: r.IntN(bound), MaxBytes: bound})
		}
	}
}
