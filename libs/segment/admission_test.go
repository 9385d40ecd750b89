package segment

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// checkAdmission holds the three that read OTLP against one another, on any bytes.
//
//   - Admission (telemetry.Check) and this package (Table.Append) find damage in the same requests, and the same items in the others: what
//     ingest says yes to is stored. Only a single item beyond MaxItemBytes is no business of admission's, which bounds messages.
//   - What admission refuses although storage takes it, the Collector refuses too.
//   - What they take, the Collector's decoder takes, and it comes back through segments as that reads it. A log record whose id has another
//     length is taken here, without the id, as OTLP says; the Collector refuses the request.
//   - What they refuse and the Collector takes is one of the few things that stand in stricter.
//   - Every part that Admit cuts is taken, with the items that it is said to have.
//
// Known differences from the Collector's decoder: the string tables of profiles, and the deprecated scope_spans, scope_logs and
// scope_metrics of field 1000, are not kept, and the latter not checked; numbers sent packed and unpacked in one message are joined, as
// protobuf demands, where the Collector drops the first part.
func checkAdmission(t testing.TB, signal telemetry.Signal, payload []byte) {
	t.Helper()
	want, ok := flatten(t, signal, payload)
	summary, refusal := telemetry.Check(signal, payload, telemetry.Limits{})
	whole := refusal == nil
	if whole {
		refusal = summary.Damage()
	}
	table := NewTable("acme", signal)
	n, err := table.Append(payload, 7)
	if err != nil {
		var fe *fault.Error
		require.ErrorAs(t, err, &fe)
		require.Equal(t, fault.Invalid, fe.Class)
		require.Equal(t, 0, table.N)
		if fe.Code == "otlp.item_too_large" {
			return
		}
		require.Error(t, refusal, "admitted, but not stored: %v", err)
		require.True(t, !ok || stricter(refusal), "the Collector takes this: %v", refusal)
		if whole {
			checkParts(t, signal, payload, nil)
		}
		return
	}
	if refusal != nil {
		// Storage does not look at everything: not at the scope of no items, nor at a scope that another one follows.
		require.False(t, ok, "stored, and the Collector takes it, but not admitted: %v", refusal)
		return
	}
	require.Equal(t, summary.Items+summary.Refused(), n)
	old := bytes.Contains(payload, []byte{0xc2, 0x3e}) // the tag of field 1000
	if !ok {
		require.True(t, old || looseIDs(signal, payload), "the Collector refuses this")
		checkParts(t, signal, payload, nil)
		return
	}
	if treatedOtherwise(signal, payload) || old {
		return
	}
	require.Len(t, want, n)
	if n > 0 {
		checkRoundTrip(t, signal, payload, want)
	}
	checkParts(t, signal, payload, want)
}

// looseIDs reports whether some log record has an id of another length than ids have.
func looseIDs(signal telemetry.Signal, payload []byte) bool {
	fields := []otlp.Tag{otlp.ExportResourceItems, otlp.ResourceItemsScopeItems, otlp.ScopeItemsItems}
	var within func(b []byte, depth int) bool
	within = func(b []byte, depth int) bool {
		for i := 0; i < len(b); {
			tag, s, e, p := otlp.Next(b, i)
			switch {
			case p != otlp.Fine:
				return false
			case depth < len(fields):
				if tag == fields[depth] && within(b[s:e], depth+1) {
					return true
				}
			case tag == otlp.LogRecordTraceID && e != s && e-s != otlp.TraceIDSize, tag == otlp.LogRecordSpanID && e != s && e-s != otlp.SpanIDSize:
				return true
			}
			i = e
		}
		return false
	}
	return signal == telemetry.Logs && within(payload, 0)
}

// stricter reports whether a refusal is of what protobuf forbids or OTLP never had, and the Collector overlooks.
func stricter(refusal error) bool {
	for _, what := range []string{
		otlp.TooDeep.String(), otlp.BadVarint.String(), otlp.BadTag.String(), otlp.BadWireType.String(), "a metric has data of one kind, once",
	} {
		if strings.Contains(refusal.Error(), what) {
			return true
		}
	}
	return false
}

// checkParts cuts a request as ingest does: all that is admitted is stored, as the Collector reads it.
func checkParts(t testing.TB, signal telemetry.Signal, payload []byte, want []string) {
	t.Helper()
	a, err := telemetry.Admit(signal, payload, telemetry.Limits{MaxBytes: max(len(payload)/2, 200)})
	require.NoError(t, err)
	all := NewTable("acme", signal)
	position := int64(0)
	for part := range a.Parts(baseTime) {
		n, err := all.Append(part.Payload, position)
		require.NoError(t, err, "admitted, but not stored")
		require.Equal(t, part.Items, n)
		position++
	}
	for row := range all.N {
		require.True(t, signal != telemetry.Logs || all.Ints[ColTime][row] != 0)
	}
	require.Equal(t, a.Items, all.N)
	if want != nil && a.Untimed > 0 {
		want, _ = flatten(t, signal, observed(t, payload))
	}
	if want != nil && a.Refused() == 0 && a.Cut == 0 && all.N > 0 { // what is cut is told by the tests of telemetry
		got, ok := flatten(t, signal, all.OTLP(nil))
		require.True(t, ok)
		require.Equal(t, want, got, "parts")
	}
}

// observed is a request of logs whose records without a time have the observed time baseTime.
func observed(t testing.TB, payload []byte) []byte {
	t.Helper()
	request := plogotlp.NewExportRequest()
	require.NoError(t, request.UnmarshalProto(payload))
	for _, r := range request.Logs().ResourceLogs().All() {
		for _, s := range r.ScopeLogs().All() {
			for _, record := range s.LogRecords().All() {
				if record.Timestamp() == 0 && record.ObservedTimestamp() == 0 {
					record.SetObservedTimestamp(pcommon.Timestamp(baseTime))
				}
			}
		}
	}
	out, err := request.MarshalProto()
	require.NoError(t, err)
	return out
}

// treatedOtherwise reports whether a request that was taken holds what the Collector's decoder is known to treat otherwise.
func treatedOtherwise(signal telemetry.Signal, payload []byte) bool {
	var root proto.Message
	switch signal {
	case telemetry.Traces:
		root = &tracepb.TracesData{}
	case telemetry.Logs:
		root = &logspb.LogsData{}
	case telemetry.Metrics:
		root = &metricspb.MetricsData{}
	}
	return treatedOtherwiseIn(root.ProtoReflect().Descriptor(), payload)
}

func treatedOtherwiseIn(message protoreflect.MessageDescriptor, b []byte) bool {
	repeated := map[otlp.Tag]bool{}
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return true
		}
		i = e
		f := message.Fields().ByNumber(protoreflect.FieldNumber(tag.Number()))
		if f == nil {
			continue
		}
		if strings.HasSuffix(string(f.Name()), "_strindex") {
			return true
		}
		number := tag &^ 7
		if f.IsPacked() {
			if repeated[number] && tag.Wire() == otlp.Len {
				return true
			}
			repeated[number] = true
		}
		if f.Message() != nil && treatedOtherwiseIn(f.Message(), b[s:e]) {
			return true
		}
	}
	return false
}

func fuzzSignal(f *testing.F, signal telemetry.Signal) {
	f.Helper()
	for seed := range uint64(12) {
		payload := newRandom(seed).payload(f, signal, 1+int(seed))
		f.Add(payload)
		f.Add(payload[:len(payload)*2/3])
	}
	for _, b := range oddPayloads(signal) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) { checkAdmission(t, signal, payload) })
}

func FuzzSpans(f *testing.F)  { fuzzSignal(f, telemetry.Traces) }
func FuzzLogs(f *testing.F)   { fuzzSignal(f, telemetry.Logs) }
func FuzzPoints(f *testing.F) { fuzzSignal(f, telemetry.Metrics) }

// TestAdmissionAndStorageAgree runs mutated requests of every shape through checkAdmission: the fuzz targets' short form.
func TestAdmissionAndStorageAgree(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			for _, b := range oddPayloads(signal) {
				checkAdmission(t, signal, b)
			}
			for seed := range testbed.Some(150) {
				r := newRandom(uint64(seed))
				checkAdmission(t, signal, r.mutated(signal, r.payload(t, signal, 1+r.IntN(6))))
			}
		})
	}
}

// mutated rewrites a request field by field, into bytes that mean the same or something close to it.
func (r random) mutated(signal telemetry.Signal, payload []byte) []byte {
	m := mutation{random: r, left: 1 + r.IntN(4)}
	var root proto.Message
	switch signal {
	case telemetry.Traces:
		root = &tracepb.TracesData{}
	case telemetry.Logs:
		root = &logspb.LogsData{}
	case telemetry.Metrics:
		root = &metricspb.MetricsData{}
	}
	return m.message(root.ProtoReflect().Descriptor(), payload)
}

type mutation struct {
	random
	left int // mutations that are still to be made
}

// varint writes v, now and then not in its shortest form.
func (m *mutation) varint(b []byte, v uint64) []byte {
	b = otlp.AppendUvarint(b, v)
	if m.left > 0 && m.chance(5) && v < 1<<50 {
		m.left--
		b[len(b)-1] |= 0x80
		b = append(b, 0x80, 0)
	}
	return b
}

func (m *mutation) message(d protoreflect.MessageDescriptor, b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return b
		}
		var num uint64
		switch tag.Wire() {
		case otlp.Varint:
			num = otlp.Number(b, s)
		case otlp.I64:
			num = otlp.Fixed64(b, s)
		case otlp.I32:
			num = uint64(otlp.Fixed32(b, s))
		}
		f := d.Fields().ByNumber(protoreflect.FieldNumber(tag.Number()))
		content := b[s:e]
		if f != nil && f.Message() != nil {
			content = m.message(f.Message(), content)
		}
		again := 1
		if m.left > 0 && m.chance(6) {
			m.left--
			switch m.IntN(9) {
			case 0: // an unknown field
				out = m.varint(m.varint(out, uint64(100+m.IntN(2000))<<3|otlp.Varint), m.Uint64())
			case 1: // a group
				out = append(otlp.AppendUvarint(out, 77<<3|3), otlp.AppendUvarint(nil, 77<<3|4)...)
			case 2: // a wrong wire type
				tag ^= otlp.Tag(1 + m.IntN(7))
			case 3: // twice
				again = 2
			case 4: // cut short
				content = content[:m.IntN(len(content)+1)]
			case 5: // unpacked, or packed
				if f != nil && f.IsPacked() && tag.Wire() == otlp.Len {
					for ; len(content) >= 8 && f.Kind() != protoreflect.Uint64Kind; content = content[8:] {
						out = append(m.varint(out, uint64(tag&^7|otlp.I64)), content[:8]...)
					}
				}
			case 6: // an empty one before it
				if tag.Wire() == otlp.Len {
					out = append(m.varint(out, uint64(tag)), 0)
				}
			case 7: // a value at the limit of nesting
				if d.Name() == "KeyValue" && tag == otlp.KeyValueValue {
					content = m.deep(otlp.MaxNesting - 2 + m.IntN(5))
				}
			case 8: // a number of many bits
				num |= 1 << m.IntN(64)
			}
		}
		for range again {
			out = m.varint(out, uint64(tag))
			switch tag.Wire() {
			case otlp.Varint:
				out = m.varint(out, num)
			case otlp.I64:
				out = binary.LittleEndian.AppendUint64(out, num)
			case otlp.I32:
				out = binary.LittleEndian.AppendUint32(out, uint32(num))
			case otlp.Len:
				out = append(m.varint(out, uint64(len(content))), content...)
			}
		}
		i = e
	}
	return out
}

// deep is an AnyValue of lists and maps in one another.
func (m *mutation) deep(levels int) []byte {
	var v []byte
	if m.chance(50) {
		v = field(1, []byte("bottom"))
	}
	for range levels {
		if m.chance(50) {
			v = field(5, field(1, v))
		} else {
			v = field(6, field(1, slices.Concat(field(1, []byte("k")), field(2, v))))
		}
	}
	return v
}

// oddPayloads are legal but unusual, or just not legal: fields out of order, repeated messages that must be merged, unknown fields, groups,
// values at the limit of nesting, tags and lengths in more bytes than they need, a wrong wire type in every field, cut anywhere.
func oddPayloads(signal telemetry.Signal) [][]byte {
	str := func(s string) []byte { return field(1, []byte(s)) }
	kv := func(k string, v []byte) []byte { return message(field(1, []byte(k)), field(2, v)) }
	group := message(otlp.AppendUvarint(nil, 77<<3|3), number(1, 5), otlp.AppendUvarint(nil, 78<<3|3), otlp.AppendUvarint(nil, 78<<3|4), otlp.AppendUvarint(nil, 77<<3|4))
	resource1 := field(1, field(1, kv("service.name", str("a"))))
	resource2 := field(1, message(field(1, kv("k", str("b"))), number(2, 9)))
	scope1, scope2 := field(1, field(1, []byte("n"))), field(1, field(2, []byte("v")))
	wrap := func(item []byte) []byte {
		// Items first, then scope and resource, both in two pieces.
		return field(1, message(field(2, message(field(2, item), scope1, field(3, []byte("s")), scope2)), resource1, number(500, 3), resource2,
			field(3, []byte("r"))))
	}
	var item []byte
	attribute := uint64(9)
	switch signal {
	case telemetry.Traces:
		item = message(
			field(9, kv("dup", str("1"))), field(9, kv("dup", number(3, 1<<63))), field(9, nil),
			field(11, field(3, kv("e", field(5, message(field(1, str("x")), field(1, nil)))))), field(9, field(1, []byte("key only"))),
			field(9, message(field(2, str("value first")), field(1, []byte("later key")))), field(9, kv("two", message(number(3, 5), str("last")))),
			field(15, number(3, 1)), field(15, field(2, []byte("m"))), number(500, 3), field(5, []byte("a")), field(5, []byte("b")),
			number(6, 1<<40|3), field(1, nil), field(2, bytes.Repeat([]byte{1}, 8)), field(1, bytes.Repeat([]byte{1}, 16)))
	case telemetry.Logs:
		attribute = 6
		item = message(field(5, str("a")), field(5, field(6, field(1, kv("k", str("b"))))), field(5, nil), field(6, nil), number(2, 9), number(2, 17))
	case telemetry.Metrics:
		attribute = 12
		point := message(
			field(7, kv("k", str("b"))), []byte{byte(otlp.NumberDataPointAsDouble), 1, 0, 0, 0, 0, 0, 0, 0},
			[]byte{byte(otlp.NumberDataPointAsInt), 2, 0, 0, 0, 0, 0, 0, 0})
		item = message(field(12, kv("m", str("n"))), field(7, message(field(1, point), number(3, 1), field(1, point), number(2, 2))),
			field(1, []byte("late name")))
	}
	out := [][]byte{
		nil, wrap(item), message(wrap(item), wrap(nil)), wrap(message(item, group)), message(group, wrap(item)),
		{0x0a},
		{0},
		{0x0c},
		group,
		wrap(message(item, field(5, nil), field(7, nil))),                                     // two kinds of data
		field(1, message(field(1, bytes.Repeat(field(3, nil), 3)), field(2, field(2, item)))), // references to entities that say nothing
	}
	m := mutation{random: newRandom(3)}
	for levels := otlp.MaxNesting - 2; levels <= otlp.MaxNesting+2; levels++ {
		for range 4 {
			out = append(out, wrap(message(item, field(attribute, kv("deep", m.deep(levels))))), field(1, field(1, field(1, kv("deep", m.deep(levels))))))
		}
	}
	if signal != telemetry.Metrics {
		for n := range uint64(18) {
			for w := range uint64(8) {
				out = append(out, wrap(message(item, otlp.AppendUvarint(nil, n<<3|w), make([]byte, 16))))
			}
		}
	}
	whole := wrap(item)
	for i := range whole {
		out = append(out, whole[:i])
	}
	return out
}
