package ingest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	pb "google.golang.org/protobuf/proto"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// canonical is a request as the Collector writes it.
func canonical(t testing.TB, signal telemetry.Signal, payload []byte) []byte {
	t.Helper()
	var err error
	switch signal {
	case telemetry.Traces:
		r := ptraceotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalProto(payload))
		payload, err = r.MarshalProto()
	case telemetry.Logs:
		r := plogotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalProto(payload))
		payload, err = r.MarshalProto()
	case telemetry.Metrics:
		r := pmetricotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalProto(payload))
		payload, err = r.MarshalProto()
	}
	require.NoError(t, err)
	return payload
}

func TestJSONSaysWhatTheCollectorReads(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		for _, body := range [][]byte{testdata(t, signal), snakeCase(testdata(t, signal))} {
			got, refused, err := fromJSON(signal, body, maxRequest)
			require.NoError(t, err)
			require.Zero(t, refused.Refused())
			require.Equal(t, protobuf(t, signal), canonical(t, signal, got))
		}
	}
}

// dataOf is the request as the types that are compiled from OTLP's files have it.
func dataOf(signal telemetry.Signal) pb.Message {
	switch signal {
	case telemetry.Traces:
		return &tracepb.TracesData{}
	case telemetry.Logs:
		return &logspb.LogsData{}
	case telemetry.Metrics:
	}
	return &metricspb.MetricsData{}
}

// TestJSONIsProtoJSON holds every form of a value against Google's own reader of ProtoJSON. OTLP differs from it in ids only, which the
// cases leave out.
func TestJSONIsProtoJSON(t *testing.T) {
	t.Parallel()
	attribute := func(value string) string {
		return `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":` + value + `}]}]}]}]}`
	}
	span := func(fields string) string { return `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + fields + `}]}]}]}` }
	sum := func(fields string) string {
		return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","sum":{"dataPoints":[{` + fields + `}]}}]}]}]}`
	}
	histogram := func(fields string) string {
		return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"exponentialHistogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","dataPoints":[{` + fields + `}]}}]}]}]}`
	}
	for i, test := range []struct {
		signal telemetry.Signal
		body   string
	}{
		{telemetry.Traces, attribute(`{"intValue":1e3}`)},
		{telemetry.Traces, attribute(`{"intValue":1.0}`)},
		{telemetry.Traces, attribute(`{"intValue":"-12"}`)},
		{telemetry.Traces, attribute(`{"intValue":-9223372036854775808}`)},
		{telemetry.Traces, attribute(`{"intValue":9223372036854775807}`)},
		{telemetry.Traces, attribute(`{"intValue":12.5e1}`)},
		{telemetry.Traces, attribute(`{"intValue":1200e-2}`)},
		{telemetry.Traces, attribute(`{"intValue":0}`)},
		{telemetry.Traces, attribute(`{"int_value":"7"}`)},
		{telemetry.Traces, attribute(`{"bytesValue":"-_8"}`)},
		{telemetry.Traces, attribute(`{"bytesValue":"+/8="}`)},
		{telemetry.Traces, attribute(`{"bytesValue":""}`)},
		{telemetry.Traces, attribute(`{"stringValue":""}`)},
		{telemetry.Traces, attribute(`{"boolValue":false}`)},
		{telemetry.Traces, attribute(`{"doubleValue":"NaN"}`)},
		{telemetry.Traces, attribute(`{"doubleValue":"-Infinity"}`)},
		{telemetry.Traces, attribute(`{"doubleValue":"1.5"}`)},
		{telemetry.Traces, attribute(`{"doubleValue":3}`)},
		{telemetry.Traces, attribute(`{"doubleValue":-0.0}`)},
		{telemetry.Traces, attribute(`{}`)},
		{telemetry.Traces, attribute(`null`)},
		{telemetry.Traces, attribute(`{"stringValue":"a\n\"\u00e9\ud83d\ude00\\"}`)},
		{telemetry.Traces, attribute(`{"arrayValue":{"values":[{"intValue":1},{"stringValue":"x"}]}}`)},
		{telemetry.Traces, attribute(`{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{}}}]}}`)},
		{telemetry.Traces, attribute(`{"stringValue":"` + strings.Repeat("much text ", 3000) + `"}`)},
		{telemetry.Traces, span(`"kind":null,"name":null,"status":null,"attributes":null`)},
		{telemetry.Traces, span(`"kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR","message":"no"}`)},
		{telemetry.Traces, span(`"kind":3,"flags":257,"droppedAttributesCount":4294967295`)},
		{telemetry.Traces, span(`"kind":99`)},
		{telemetry.Traces, span(`"start_time_unix_nano":"1763899999000000001","endTimeUnixNano":1763899999000000002`)},
		{telemetry.Traces, span(`"future":{"a":[1,{"b":"}"}]},"name":"n","events":[{"timeUnixNano":"1","name":"e"},{}],"links":[{"traceState":"a=b"}]`)},
		{telemetry.Traces, ` { "resourceSpans" : [ { "schemaUrl" : "s" , "resource" : { "droppedAttributesCount" : "3" } } ] } `},
		{telemetry.Traces, `{"resourceSpans":null}`},
		{telemetry.Traces, `{"resourceSpans":[]}`},
		{telemetry.Traces, `{}`},
		{telemetry.Traces, "{\"resource\\u0053pans\":[{\"schemaUrl\":\"escaped name\"}]}"},
		{telemetry.Logs, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_ERROR","body":{"stringValue":"x"},"eventName":"e"},{"severityNumber":9}]}]}]}`},
		{telemetry.Metrics, sum(`"asInt":"0"`)},
		{telemetry.Metrics, sum(`"asDouble":1e-7,"timeUnixNano":"5"`)},
		{telemetry.Metrics, sum(`"asInt":-3.0,"exemplars":[{"asDouble":1}]`)},
		{telemetry.Metrics, histogram(`"scale":-3,"zeroCount":2,"positive":{"offset":-1,"bucketCounts":["1",0,300,1e2]},"negative":{"bucketCounts":[]},"min":-1,"sum":0`)},
		{telemetry.Metrics, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":["1","0",2],"explicitBounds":[0.5,1,"Infinity"]}]}},{"summary":{"dataPoints":[{"quantileValues":[{"quantile":0.5,"value":1}]}]}}]}]}]}`},
	} {
		want := dataOf(test.signal)
		require.NoError(t, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal([]byte(test.body), want), "%d %s", i, test.body)
		payload, refused, err := fromJSON(test.signal, []byte(test.body), maxRequest)
		require.NoError(t, err, test.body)
		require.NoError(t, refused.Damage(), test.body)
		got := dataOf(test.signal)
		require.NoError(t, pb.Unmarshal(payload, got), test.body)
		// NaN is not equal to itself: texts are compared.
		require.Equal(t, protojson.Format(want), protojson.Format(got), test.body)
	}
}

// TestJSONThatSwellsIsTooLarge: what would be refused as protobuf is refused as JSON, as soon as it is known and before the memory is taken.
func TestJSONThatSwellsIsTooLarge(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	counts := func(n int) string {
		return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","histogram":{"dataPoints":[{"bucketCounts":[0` + strings.Repeat(",0", n-1) + `]}]}},{"name":"next"}]}]}]}`
	}
	payload, _, err := fromJSON(telemetry.Metrics, []byte(counts(1000)), 9000)
	require.NoError(t, err)
	require.Greater(t, len(payload), 8000, "two bytes of JSON are eight of protobuf")
	most := int64(len(payload) + 64) // lengths have more room until they are known
	_, _, err = fromJSON(telemetry.Metrics, []byte(counts(1000)), most)
	require.NoError(t, err)

	body := []byte(counts(4 << 20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, refused, err := fromJSON(telemetry.Metrics, body, most)
	runtime.ReadMemStats(&after)
	require.Equal(t, fault.TooLarge, fault.ClassOf(err))
	require.ErrorContains(t, err, "larger than "+strconv.FormatInt(most, 10)+" bytes")
	require.Zero(t, refused.Refused())
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(body)), "it ended where it was known; all of it comes to 32 MiB and more")
}

// TestWhatJSONCannotSayCostsItsItem: a value of a wrong type, an id that is no hex: the neighbours stay, and the answer names the place.
func TestWhatJSONCannotSayCostsItsItem(t *testing.T) {
	t.Parallel()
	r := start(t)
	const ids = `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","startTimeUnixNano":"1763899999000000000"`
	spans := func(bad string) string {
		return `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + ids + `},` + bad + `,{` + ids + `}]}]}]}`
	}
	points := func(bad string) string {
		return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1763899999000000000","asInt":1},` + bad + `]}}]}]}]}`
	}
	const first = "(the first: resourceSpans[0].scopeSpans[0].spans[1]"
	for i, test := range []struct {
		signal telemetry.Signal
		body   string
		kept   int
		says   string
	}{
		{telemetry.Traces, spans(`{"traceId":"0011"}`), 2, `rejected 1 of 3 spans: 1 with an id of a wrong length ` + first + `.traceId: want 32 hex digits, got "0011")`},
		{telemetry.Traces, spans(`{"trace_id":"W47/95gDgQPSabYzgT/GDA=="}`), 2, first + `.traceId: want 32 hex digits`},
		{telemetry.Traces, spans(`{` + ids + `,"parentSpanId":"zz"}`), 2, first + `.parentSpanId: want 16 hex digits, got "zz")`},
		{telemetry.Traces, spans(`{` + ids + `,"links":[{"spanId":"1"}]}`), 2, first + `.links[0].spanId: want 16 hex digits`},
		{telemetry.Traces, spans(`{` + ids + `,"name":17}`), 2, `1 that cannot be read ` + first + `.name: want a string, got "17")`},
		{telemetry.Traces, spans(`{` + ids + `,"kind":"SERVER"}`), 2, first + `.kind: want a number or a name of the enum, got`},
		{telemetry.Traces, spans(`{` + ids + `,"attributes":[{"key":"a","value":{"intValue":1.5}}]}`), 2, first + `.attributes[0].value.intValue: want an integer, got "1.5")`},
		{telemetry.Traces, spans(`{` + ids + `,"attributes":[{"key":"a","value":{"intValue":9223372036854775808}}]}`), 2, `.intValue: want an integer of 64 bits, got`},
		{telemetry.Traces, spans(`{` + ids + `,"flags":-1}`), 2, first + `.flags: want an unsigned integer of 32 bits, got "-1")`},
		{telemetry.Traces, spans(`{` + ids + `,"endTimeUnixNano":"tomorrow"}`), 2, `.endTimeUnixNano: want an integer, got`},
		{telemetry.Traces, spans(`{` + ids + `,"events":{}}`), 2, first + `.events: want a list, got "{}")`},
		{telemetry.Traces, spans(`17`), 2, first + `: want an object, got "17")`},
		{telemetry.Traces, spans(`{` + ids + `,"attributes":[{"key":"a","value":{"bytesValue":"?"}}]}`), 2, `.bytesValue: want base64, got`},
		{telemetry.Traces, spans(`{` + ids + `,"attributes":[{"key":"a","value":{"boolValue":1}}]}`), 2, `.boolValue: want true or false, got`},
		{telemetry.Traces, spans(`{` + ids + `,"attributes":[{"key":"a","value":` + strings.Repeat(`{"arrayValue":{"values":[`, 70) + `{}` + strings.Repeat(`]}}`, 70) + `}]}`), 2, `1 with values nested too deep`},
		{telemetry.Traces, spans(`{` + ids + `,"attributes":[{"key":"a","value":` + strings.Repeat(`{"arrayValue":{"values":[`, 500) + `{}` + strings.Repeat(`]}}`, 500) + `}]}`), 2, `1 with values nested too deep`},
		{telemetry.Traces, `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + ids + `},{` + ids + `}]}],"resource":{"attributes":[{"key":5}]}},{"scopeSpans":[{"spans":[{` + ids + `}]}]}]}`, 1, `rejected 2 of 3 spans: 2 that cannot be read (the first: resourceSpans[0].resource.attributes[0].key: want a string, got "5")`},
		{telemetry.Metrics, points(`{"timeUnixNano":"1763899999000000000","asDouble":"much"}`), 1, `rejected 1 of 2 data points: 1 that cannot be read (the first: resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[1].asDouble: want a number, got`},
		{telemetry.Metrics, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":7,"gauge":{"dataPoints":[{},{}]}},{"sum":5},{"gauge":{"dataPoints":[{"timeUnixNano":"1763899999000000000"}]}}]}]}]}`, 1, `rejected 3 of 4 data points: 3 that cannot be read (the first: resourceMetrics[0].scopeMetrics[0].metrics[0].name: want a string, got "7")`},
		{telemetry.Logs, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1763899999000000000"},{"timeUnixNano":"1763899999000000000","severityNumber":true}]}]}]}`, 1, `logRecords[1].severityNumber: want a number or a name of the enum, got "true"`},
	} {
		got := r.post("/v1/"+test.signal.String(), typeJSON, []byte(test.body), "X-Scope-OrgID", fmt.Sprint("t", i))
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		var answer struct {
			PartialSuccess struct{ ErrorMessage string }
		}
		require.NoError(t, json.Unmarshal(got.body, &answer))
		require.Contains(t, answer.PartialSuccess.ErrorMessage, test.says)
		require.Less(t, len(answer.PartialSuccess.ErrorMessage), 500)
		require.Equal(t, test.kept, r.stored(test.signal, 1)[0].Items)
	}
}
