package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// slowOf stores spans of which every tenth is slow: those of version 2 whose customer is large, and a few others.
func (f *fixture) slowOf(n, each int) {
	f.t.Helper()
	td := ptrace.NewTraces()
	for i := range n {
		rs := td.ResourceSpans().AppendEmpty()
		slow := i%10 == 0
		version := "1"
		if slow || i%10 == 1 {
			version = "2"
		}
		rs.Resource().Attributes().PutStr("service.name", "cart")
		rs.Resource().Attributes().PutStr("service.version", version)
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, byte(i >> 16), byte(i >> 8), byte(i)})
		s.SetSpanID(pcommon.SpanID{1, byte(i >> 16), byte(i >> 8), byte(i)})
		s.SetName([]string{"GET", "POST"}[i/10%2])
		at := base().UnixNano() + int64(i)*1e6
		s.SetStartTimestamp(pcommon.Timestamp(at))
		took := int64(1e6)
		if slow {
			took = 1e9
		}
		s.SetEndTimestamp(pcommon.Timestamp(at + took))
		s.Attributes().PutBool("large", slow)
		s.Attributes().PutStr("request.id", fmt.Sprint("request-", i))
		s.Attributes().PutInt("shard", int64(i/10%4))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), each)
}

func (f *fixture) compare(selected, more string) api.Comparison {
	f.t.Helper()
	return f.compareIn(base(), base().Add(time.Hour), selected, more)
}

func (f *fixture) compareIn(from, to time.Time, selected, more string) (out api.Comparison) {
	f.t.Helper()
	body := fmt.Sprintf(`{"signal":"traces","time_range":{"start_time":%d,"end_time":%d},"selected":[%s]%s}`, from.UnixNano(), to.UnixNano(), selected, more)
	status, answer := f.call(http.MethodPost, "/api/compare", body)
	require.Equal(f.t, http.StatusOK, status, "%s", answer)
	decode(f.t, answer, &out)
	return out
}

func values(c *api.Comparison) (lines []string) {
	for _, v := range c.Values {
		lines = append(lines, fmt.Sprintf("%s %s %d/%d %d/%d %.2f", v.Field, must(json.Marshal(v.Value)), v.Selected, c.Selected, v.Baseline, c.Baseline, v.Score))
	}
	return lines
}

const slowSpans = `{"field":"duration","operator":"gte","value":"500ms"}`

// What slow spans have and others have not is told first, what is the same in both is not told, nor are ids.
func TestWhatDiffersIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.slowOf(2000, 100)
	f.position |= 1
	got := f.compare(slowSpans, "")
	require.Nil(t, got.Incomplete)
	require.Equal(t, []string{
		`attributes.large {"boolValue":false} 0/200 1800/1800 -1.00`,
		`attributes.large {"boolValue":true} 200/200 0/1800 1.00`,
		`resource.service.version {"stringValue":"1"} 0/200 1600/1800 -0.89`,
		`resource.service.version {"stringValue":"2"} 200/200 200/1800 0.89`,
	}, values(&got))
	require.Equal(t, api.Sample{Items: 2000, OfItems: 2000, Segments: got.Sample.OfSegments, OfSegments: got.Sample.OfSegments}, got.Sample)

	// A baseline of its own, and filters for both.
	got = f.compare(slowSpans, `,"baseline":[{"field":"version","operator":"eq","value":"2"}],"filters":[{"field":"name","operator":"eq","value":"GET"}],"limit":1`)
	require.Equal(t, []string{`attributes.large {"boolValue":false} 0/100 100/100 -1.00`}, values(&got))
	require.EqualValues(t, 200, got.Selected+got.Baseline)
	require.EqualValues(t, 2000, got.Sample.Items, "what is in the segments that were looked at, also what no filter wants")

	// Nothing selected, nothing told.
	got = f.compare(`{"field":"name","operator":"eq","value":"nothing"}`, "")
	require.Zero(t, got.Selected)
	require.Empty(t, got.Values)
}

// Of many items some segments are looked at, the same ones each time, and it is said how many.
func TestAComparisonOfMuchIsOfASample(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.position |= 1 // at level 0: no outliers apart
	f.slowOf(20_000, 100)
	got := f.compare(slowSpans, `,"sample":4000`)
	require.EqualValues(t, 20_000, got.Sample.OfItems)
	require.Equal(t, 200, got.Sample.OfSegments)
	require.Less(t, got.Sample.Segments, 80)
	require.Positive(t, got.Sample.Segments)
	require.EqualValues(t, got.Sample.Segments*100, got.Sample.Items)
	require.GreaterOrEqual(t, got.Selected, int64(1000), "of the side of which the sample has few, more are looked for")
	require.Less(t, got.Selected, int64(2000))
	require.Equal(t, api.ComparedBasisSample, got.SelectedIs)
	require.GreaterOrEqual(t, got.Baseline, int64(1000))
	require.Less(t, got.Baseline, int64(10_000))
	require.Equal(t, api.ComparedBasisSample, got.BaselineIs)
	require.Contains(t, values(&got), fmt.Sprintf(`resource.service.version {"stringValue":"2"} %d/%d %d/%d 0.89`, got.Selected, got.Selected, version2(&got), got.Baseline))
	again := f.compare(slowSpans, `,"sample":4000`)
	require.Equal(t, got.Values, again.Values)
	require.Equal(t, got.Sample, again.Sample)
}

// version2 is how many items of the baseline are of the version that all slow spans are of.
func version2(c *api.Comparison) int64 {
	for _, v := range c.Values {
		if v.Field == "resource.service.version" && string(must(json.Marshal(v.Value))) == `{"stringValue":"2"}` {
			return v.Baseline
		}
	}
	return -1
}

// What few of many items have in common is found, though it is in no sample: all of them are looked at, whichever side they are.
func TestTheRareSideOfAComparisonIsLookedForEverywhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.position |= 1
	var list []plainItem
	for i := range 20_000 {
		it := plainItem{at: base().Add(time.Duration(i) * 100 * time.Millisecond).UnixNano(), service: "s", route: fmt.Sprint("/r", i%7), user: "u", level: 1}
		if i%3001 == 1500 { // seven of them
			it.route, it.user = "/rare", "culprit"
		}
		list = append(list, it)
	}
	f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, list), 100)
	rare, others := `{"field":"attributes.route","operator":"eq","value":"/rare"}`, `{"field":"attributes.route","operator":"ne","value":"/rare"}`
	got := f.compare(rare, `,"sample":2000`)
	require.EqualValues(t, 7, got.Selected)
	require.Equal(t, api.ComparedBasisAll, got.SelectedIs)
	require.Equal(t, api.ComparedBasisSample, got.BaselineIs)
	require.GreaterOrEqual(t, got.Baseline, int64(1000))
	require.Contains(t, values(&got), fmt.Sprintf(`attributes.user {"stringValue":"culprit"} 7/7 0/%d 1.00`, got.Baseline))
	require.Less(t, got.Sample.Segments, got.Sample.OfSegments)
	got = f.compare(others, `,"sample":2000`)
	require.EqualValues(t, 7, got.Baseline)
	require.Equal(t, api.ComparedBasisAll, got.BaselineIs)
	require.Equal(t, api.ComparedBasisSample, got.SelectedIs)
	require.Contains(t, values(&got), fmt.Sprintf(`attributes.user {"stringValue":"culprit"} 0/%d 7/7 -1.00`, got.Selected))
}

// Of few large segments there is one in the sample, however small that is to be.
func TestASampleIsOfASegmentAtLeast(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.position |= 1
	f.slowOf(6_000, 6_000)
	for _, part := range [][2]time.Duration{{0, 6 * time.Second}, {0, 3 * time.Second}, {3 * time.Second, 6 * time.Second}} {
		got := f.compareIn(base().Add(part[0]), base().Add(part[1]), slowSpans, `,"sample":1000`)
		require.Positive(t, got.Sample.Segments)
		require.LessOrEqual(t, got.Selected+got.Baseline, got.Sample.OfItems)
		require.NotEmpty(t, got.Values)
	}
}

func TestWrongComparisonsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	within := `"time_range":{"start_time":"2026-11-23T00:00:00Z","end_time":"2026-11-24T00:00:00Z"}`
	for body, code := range map[string]string{
		`{"signal":"traces",` + within + `}`:                                                "compare.request",
		`{"signal":"metrics",` + within + `,"selected":[` + slowSpans + `]}`:                "request.signal",
		`{"signal":"traces",` + within + `,"selected":[` + slowSpans + `],"sample":10}`:     "request.sample",
		`{"signal":"traces",` + within + `,"selected":[` + slowSpans + `],"limit":0}`:       "pagination.limit",
		`{"signal":"traces",` + within + `,"selected":[{"field":"x","operator":"exists"}]}`: "filter.unknown_field",
	} {
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodPost, "/api/compare", body).Code, body)
	}
}

// Log records are compared as spans are, and so is a box of a heat map with the rest: a stretch of time and one of durations.
func TestWhatDiffersInRecordsAndInABox(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ld := plog.NewLogs()
	for i := range 600 {
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "cart")
		rl.Resource().Attributes().PutStr("k8s.pod.name", fmt.Sprint("pod-", i%3))
		r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(i) * time.Second)))
		r.SetSeverityNumber(plog.SeverityNumberInfo)
		r.Attributes().PutBool("retried", i%2 == 0)
		if i%3 == 0 && i%5 == 0 { // 40, all of one pod
			r.SetSeverityNumber(plog.SeverityNumberError)
		}
	}
	f.store("default", telemetry.Logs, testbed.LogsPayload(ld), 50)
	status, answer := f.call(http.MethodPost, "/api/compare", fmt.Sprintf(`{"signal":"logs","time_range":{"start_time":%d,"end_time":%d},"selected":[{"field":"severity","operator":"gte","value":"error"}],"limit":2}`,
		base().UnixNano(), base().Add(time.Hour).UnixNano()))
	require.Equal(t, http.StatusOK, status, "%s", answer)
	var got api.Comparison
	decode(t, answer, &got)
	require.Equal(t, []string{
		`resource.k8s.pod.name {"stringValue":"pod-0"} 40/40 160/560 0.71`,
		`resource.k8s.pod.name {"stringValue":"pod-1"} 0/40 200/560 -0.36`,
	}, values(&got))

	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	within := 0
	for i := range 600 {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, byte(i), byte(i >> 8)})
		s.SetSpanID(pcommon.SpanID{1, byte(i), byte(i >> 8)})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(i) * time.Second)))
		long := time.Duration(1+i%4*10) * time.Millisecond
		s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(long))
		in := i >= 200 && i < 300 && long > 20*time.Millisecond
		s.Attributes().PutBool("cold", in || i%10 == 1)
		if in {
			within++
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 50)
	got = f.compare(fmt.Sprintf(`{"field":"time","operator":"gte","value":%d},{"field":"time","operator":"lt","value":%d},{"field":"duration","operator":"gte","value":"20ms"},{"field":"duration","operator":"lt","value":"40ms"}`,
		base().Add(200*time.Second).UnixNano(), base().Add(300*time.Second).UnixNano()), "")
	require.Positive(t, within)
	require.EqualValues(t, within, got.Selected)
	require.EqualValues(t, 600-within, got.Baseline)
	require.Equal(t, []string{ // and neither time nor duration, by which the box is chosen
		`attributes.cold {"boolValue":false} 0/50 495/550 -0.90`,
		`attributes.cold {"boolValue":true} 50/50 55/550 0.90`, // 5 of the 60 that are cold anyway are in the box
	}, values(&got))
}
