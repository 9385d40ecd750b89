package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// aggregateBody is a request for figures.
type aggregateBody struct {
	signal      telemetry.Signal
	of          string
	from, to    int64
	filters     []string
	measures    []api.Measure
	groups      []string
	limit       int
	buckets     int
	stepSeconds int64
}

func (a *aggregateBody) json() string {
	filters := []json.RawMessage{}
	for _, f := range a.filters {
		filters = append(filters, json.RawMessage(f))
	}
	body := map[string]any{
		"signal": a.signal.String(), "time_range": map[string]any{"start_time": a.from, "end_time": a.to}, "filters": filters, "measures": a.measures, "group_by": a.groups,
	}
	if a.of != "" {
		body["of"] = a.of
	}
	for name, n := range map[string]int64{"limit": int64(a.limit), "buckets": int64(a.buckets), "step_seconds": a.stepSeconds} {
		if n != 0 {
			body[name] = n
		}
	}
	return string(must(json.Marshal(body)))
}

func (f *fixture) aggregate(a *aggregateBody, header ...string) (out api.Aggregate) {
	f.t.Helper()
	status, body := f.call(http.MethodPost, "/api/aggregate", a.json(), header...)
	require.Equal(f.t, http.StatusOK, status, "%s: %s", a.json(), body)
	decode(f.t, body, &out)
	return out
}

// naiveItem is an item as figures see it.
type naiveItem struct {
	naive
	at     int64
	failed bool
}

// first is what the item has of a field, as JSON; "null" for nothing.
func (it *naiveItem) first(field string) (otlpjson.Value, bool) {
	names := map[string][]string{
		"kind": {"unspecified", "internal", "server", "client", "producer", "consumer"}, "status": {"unset", "ok", "error"},
	}
	if field == "operation" {
		field = "name"
	}
	if it.numbers != nil {
		if n, ok := it.numbers(field); ok {
			switch {
			case field == "severity" && n == 0:
				return otlpjson.Value{}, false
			case field == "severity":
				return str([]string{"trace", "debug", "info", "warn", "error", "fatal"}[(n-1)/4])[0], true
			case field == "duration":
				return otlpjson.Value{Kind: otlpjson.KindInt, Int: n}, true
			}
			return str(names[field][n])[0], true
		}
	}
	list := it.values(field)
	if len(list) == 0 {
		return otlpjson.Value{}, false
	}
	return list[0], true
}

func (it *naiveItem) number(field string) (float64, bool) {
	v, ok := it.first(field)
	switch {
	case ok && v.Kind == otlpjson.KindInt:
		return float64(v.Int), true
	case ok && v.Kind == otlpjson.KindDouble && !math.IsNaN(v.Double) && !math.IsInf(v.Double, 0):
		return v.Double, true
	}
	return 0, false
}

// naiveFigure is a measure of some items, over some seconds; nil for none.
func naiveFigure(m api.Measure, items []*naiveItem, seconds float64) *float64 {
	var numbers []float64
	values, failed := map[string]bool{}, 0
	for _, it := range items {
		if x, ok := it.number(m.Field); ok {
			numbers = append(numbers, x)
		}
		if v, ok := it.first(m.Field); ok {
			values[string(must(json.Marshal(v)))] = true
		}
		if it.failed {
			failed++
		}
	}
	failures := 0
	for _, it := range items {
		if _, ok := it.number(m.Field); ok && it.failed {
			failures++
		}
	}
	sort.Float64s(numbers)
	sum := 0.0
	for _, x := range numbers {
		sum += x
	}
	is := func(x float64) *float64 { return &x }
	switch m.Measure {
	case "count":
		return is(float64(len(items)))
	case "rate":
		if seconds <= 0 {
			return nil
		}
		return is(float64(len(items)) / seconds)
	case "errors":
		return is(float64(failed))
	case "error_rate":
		if len(items) == 0 {
			return nil
		}
		return is(float64(failed) / float64(len(items)))
	case "numbers", "histogram":
		return is(float64(len(numbers)))
	case "histogram_errors":
		return is(float64(failures))
	case "count_distinct":
		return is(float64(len(values)))
	}
	if len(numbers) == 0 {
		return nil
	}
	q := map[api.MeasureMeasure]float64{"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}[m.Measure]
	switch m.Measure {
	case "sum":
		return is(sum)
	case "avg":
		return is(sum / float64(len(numbers)))
	case "min":
		return is(numbers[0])
	case "max":
		return is(numbers[len(numbers)-1])
	case "quantile":
		q = *m.Q
	}
	at := int(math.Ceil(q*float64(len(numbers)))) - 1
	return is(numbers[max(at, 0)])
}

// requireFigure compares a figure with what is right.
func requireFigure(t *testing.T, m api.Measure, want, got *float64, of string) {
	t.Helper()
	if want == nil || got == nil {
		require.Equal(t, want, got, "%v %s", m, of)
		return
	}
	by := 1e-9
	if m.Measure == "quantile" || strings.HasPrefix(string(m.Measure), "p") {
		by = 0.0079
	}
	require.InDelta(t, *want, *got, by*math.Max(math.Abs(*want), 1), "%v %s", m, of)
}

// bandHolds reports whether a number meets the conditions of a band.
func bandHolds(t *testing.T, b *api.Band, x float64) bool {
	t.Helper()
	holds := true
	for _, raw := range []json.RawMessage{b.Lower, b.Upper} {
		var of struct {
			Operator string  `json:"operator"`
			Value    float64 `json:"value"`
		}
		require.NoError(t, json.Unmarshal(raw, &of))
		is, ok := map[string]bool{"gt": x > of.Value, "gte": x >= of.Value, "lt": x < of.Value, "lte": x <= of.Value}[of.Operator]
		require.True(t, ok, "%s", raw)
		holds = holds && is
	}
	return holds
}

// checkCells compares what a histogram counts by bands with what is right.
func checkCells(t *testing.T, m api.Measure, told *api.AggregateMeasure, cells []int64, items []*naiveItem, of string) {
	t.Helper()
	want := make([]int64, len(told.Bands))
	for _, it := range items {
		x, ok := it.number(m.Field)
		if !ok || m.Measure == "histogram_errors" && !it.failed {
			continue
		}
		in := 0
		for i := range told.Bands {
			if bandHolds(t, &told.Bands[i], x) {
				in++
				want[i]++
			}
		}
		require.Equal(t, 1, in, "%v is in one band of %s", x, of)
	}
	require.Equal(t, want, cells, of)
}

// check compares an answer with that of a plain look at all items.
func (a *aggregateBody) check(t *testing.T, all []naiveItem, got *api.Aggregate) {
	t.Helper()
	of := a.json()
	groups := map[string][]*naiveItem{}
	var counted []*naiveItem
	since := int64(number64(t, got.Covered.StartUnixNano))
	for i := range all {
		it := &all[i]
		if it.at < since || it.at >= a.to || slices.ContainsFunc(a.filters, func(f string) bool { return !it.holds(t, json.RawMessage(f)) }) {
			continue
		}
		key := make([]json.RawMessage, len(a.groups))
		for k, field := range a.groups {
			key[k] = json.RawMessage("null")
			if v, ok := it.first(field); ok {
				key[k] = must(json.Marshal(v))
			}
		}
		name := string(must(json.Marshal(key)))
		groups[name] = append(groups[name], it)
		counted = append(counted, it)
	}
	covered := func(bucket int) float64 {
		from, to := since, int64(number64(t, got.Covered.EndUnixNano))
		if bucket >= 0 {
			start := int64(number64(t, got.Timeline.StartUnixNano)) + int64(bucket)*got.Timeline.StepSeconds*int64(time.Second)
			from, to = max(from, start), min(to, start+got.Timeline.StepSeconds*int64(time.Second))
		}
		return time.Duration(max(to-from, 0)).Seconds()
	}
	one := func(g *api.AggregateGroup, items []*naiveItem, name string) {
		require.EqualValues(t, len(items), g.Items, "%s of %s", name, of)
		for i, m := range a.measures {
			requireFigure(t, m, naiveFigure(m, items, covered(-1)), g.Figures[i], name+" of "+of)
		}
		for i, m := range a.measures {
			if !strings.HasPrefix(string(m.Measure), "histogram") {
				require.True(t, g.Cells == nil || len(g.Cells[i]) == 0)
				continue
			}
			most := 40
			if m.Bands != nil {
				most = *m.Bands
			}
			require.LessOrEqual(t, len(got.Measures[i].Bands), most+2, of)
			if got.Timeline == nil {
				require.Len(t, g.Cells[i], 1)
				checkCells(t, m, &got.Measures[i], g.Cells[i][0], items, name+" of "+of)
			}
		}
		if got.Timeline == nil {
			require.Empty(t, g.Series)
			return
		}
		start, step := int64(number64(t, got.Timeline.StartUnixNano)), got.Timeline.StepSeconds*int64(time.Second)
		require.Zero(t, start%step)
		buckets := make([][]*naiveItem, got.Timeline.Buckets)
		for _, it := range items {
			buckets[(it.at-start)/step] = append(buckets[(it.at-start)/step], it)
		}
		for i, m := range a.measures {
			require.Len(t, g.Series[i], len(buckets))
			for b := range buckets {
				requireFigure(t, m, naiveFigure(m, buckets[b], covered(b)), g.Series[i][b], fmt.Sprint(name, " bucket ", b, " of ", of))
				if strings.HasPrefix(string(m.Measure), "histogram") {
					checkCells(t, m, &got.Measures[i], g.Cells[i][b], buckets[b], fmt.Sprint(name, " bucket ", b, " of ", of))
				}
			}
		}
	}
	one(&got.Total, counted, "total")
	rest := counted
	if len(a.groups) > 0 {
		require.Equal(t, len(groups), got.DistinctGroups, of)
		rest = nil
		for _, g := range got.Groups {
			name := string(must(json.Marshal(g.Values)))
			one(&g, groups[name], name)
			require.NotEmpty(t, groups[name], "%s of %s", name, of)
			delete(groups, name)
		}
		least := math.Inf(1)
		for _, g := range got.Groups {
			if g.Figures[0] != nil {
				require.LessOrEqual(t, *g.Figures[0], least, of)
				least = *g.Figures[0]
			} else {
				least = math.Inf(-1)
			}
		}
		for name, items := range groups {
			rest = append(rest, items...)
			if x := naiveFigure(a.measures[0], items, covered(-1)); x != nil {
				require.LessOrEqual(t, *x, least*1.017+1e-6, "%s is not told of %s", name, of)
			}
		}
		require.Len(t, got.Groups, min(len(got.Groups)+len(groups), a.limit), of)
	}
	if len(a.groups) == 0 || len(rest) == 0 {
		require.Nil(t, got.Other, of)
	} else {
		one(got.Other, rest, "other")
	}
}

// itemsOf are all items of a signal that fill stored, as the API shows them, with the fields and the filters that are tried on them.
func (f *fixture) itemsOf(signal telemetry.Signal) (items []naiveItem, fields, filters []string) {
	f.t.Helper()
	fields = []string{
		"service", "namespace", "attributes.http.status_code", "attributes.ratio", "attributes.user.id", "attributes.raw", "attributes.nothing", "attributes.none", "resource.host.name",
		"scope.name", "scope.version", "scope.generated", "connection",
	}
	switch signal {
	case telemetry.Traces:
		var page api.SpanPage
		f.search("spans", searchBody{limit: 1000}, &page)
		for i := range page.Spans {
			s := &page.Spans[i]
			items = append(items, naiveItem{naiveSpan(&page, s), int64(number64(f.t, s.StartTimeUnixNano)), s.Status.Code == 2})
		}
		filters = spanFilters(page.Spans[17], page.Spans[3])
		fields = append(fields, "name", "operation", "kind", "status", "status_message", "root", "trace_id")
	case telemetry.Logs:
		var page api.LogPage
		f.search("logs", searchBody{limit: 1000}, &page)
		for i := range page.Logs {
			l := &page.Logs[i]
			at := l.TimeUnixNano
			if number64(f.t, at) == 0 {
				at = l.ObservedTimeUnixNano
			}
			items = append(items, naiveItem{naiveLog(&page, l), int64(number64(f.t, at)), cmp.Or(l.SeverityNumber, l.SeverityDerived) >= 17})
		}
		filters = logFilters()
		fields = append(fields, "severity", "severity_text", "event_name", "body", "trace_id")
	case telemetry.Metrics:
		var page api.PointPage
		f.search("metrics", searchBody{limit: 1000}, &page)
		for i := range page.Points {
			p := &page.Points[i]
			items = append(items, naiveItem{naivePoint(&page, p), int64(number64(f.t, p.TimeUnixNano)), false})
		}
		filters = pointFilters()
		fields = append(fields, "name", "unit", "type")
	}
	return items, fields, append(filters, sharedFilters()...)
}

// Whatever is asked for, figures are those of a plain look at all items, at level 0 and settled.
func TestAggregatesAreThoseOfAPlainLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.keys = someKeys()
	for seed := range uint64(4) {
		f.fill(seed, 240, 40)
	}
	small := f.budgets()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			f := f.of(t)
			items, fields, filters := f.itemsOf(signal)
			require.Len(t, items, 960)
			rnd := rand.New(rand.NewPCG(11, uint64(signal)))
			cut := 0
			for range 210 / testbed.Share() {
				a := randomFigures(rnd, signal, fields, filters)
				asks := f
				if rnd.IntN(3) == 0 {
					asks = small[rnd.IntN(len(small))].of(t)
				}
				got := asks.aggregate(a)
				if got.Incomplete != nil {
					require.NotSame(t, f, asks)
					cut++
				}
				a.check(t, items, &got)
			}
			require.Positive(t, cut)
		})
	}
}

// randomFigures asks for figures of items that fill stored.
func randomFigures(rnd *rand.Rand, signal telemetry.Signal, fields, filters []string) *aggregateBody {
	numbered := []string{"attributes.http.status_code", "attributes.ratio"}
	if signal == telemetry.Traces {
		numbered = append(numbered, "duration")
	}
	names := []api.MeasureMeasure{"count", "rate", "numbers", "sum", "avg", "min", "max", "quantile", "p50", "p75", "p90", "p95", "p99", "count_distinct", "histogram"}
	if signal != telemetry.Metrics {
		names = append(names, "errors", "error_rate", "histogram_errors")
	}
	a := &aggregateBody{signal: signal, from: base().Add(-time.Hour).UnixNano(), to: base().Add(time.Hour).UnixNano()}
	if rnd.IntN(2) == 0 {
		a.from = base().UnixNano() + rnd.Int64N(int64(10*time.Minute))
		a.to = a.from + 1 + rnd.Int64N(int64(10*time.Minute))
	}
	for range rnd.IntN(3) {
		a.filters = append(a.filters, filters[rnd.IntN(len(filters))])
	}
	for range 1 + rnd.IntN(4) {
		m := api.Measure{Measure: names[rnd.IntN(len(names))]}
		switch m.Measure {
		case "count", "rate", "errors", "error_rate":
		case "count_distinct":
			m.Field = fields[rnd.IntN(len(fields))]
		case "quantile":
			q := rnd.Float64()
			m.Q = &q
			fallthrough
		default:
			m.Field = numbered[rnd.IntN(len(numbered))]
		}
		if strings.HasPrefix(string(m.Measure), "histogram") {
			randomBands(rnd, &m)
		}
		a.measures = append(a.measures, m)
	}
	for range rnd.IntN(4) {
		a.groups = append(a.groups, fields[rnd.IntN(len(fields))])
	}
	a.limit = 1 + rnd.IntN(30)
	switch rnd.IntN(4) {
	case 0:
		a.buckets = 2 + rnd.IntN(60)
	case 1:
		a.stepSeconds = 10 + rnd.Int64N(600)
	}
	if slices.ContainsFunc(a.measures, func(m api.Measure) bool { return m.Bands != nil || strings.HasPrefix(string(m.Measure), "histogram") }) {
		a.limit = min(a.limit, 10) // an answer tells so many figures
	}
	if rnd.IntN(5) == 0 { // what sums of values may tell, and of buckets the heads of segments
		a.groups, a.filters = []string{fields[rnd.IntN(len(fields))]}, nil
		if rnd.IntN(2) == 0 {
			a.buckets, a.stepSeconds = 0, 0
		}
		a.measures = []api.Measure{{Measure: "count"}, {Measure: "rate"}}
	}
	return a
}

// randomBands asks for some bands.
func randomBands(rnd *rand.Rand, m *api.Measure) {
	if rnd.IntN(2) == 0 {
		most := 3 + rnd.IntN(60)
		m.Bands = &most
	}
	largest := map[string]float64{"duration": 300e6, "attributes.http.status_code": 600, "attributes.ratio": 1}[m.Field]
	low := largest * (rnd.Float64() - 0.2)
	high := low + largest*rnd.Float64()
	if rnd.IntN(3) == 0 {
		m.Low = &low
	}
	if rnd.IntN(3) == 0 {
		m.High = &high
	}
}

// A box of cells of a heatmap is a filter: what its bands and buckets tell finds the items that it counts.
func TestABoxOfAHeatmapIsAFilter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	traces := ptrace.NewTraces()
	of := traces.ResourceSpans().AppendEmpty()
	of.Resource().Attributes().PutStr("service.name", "cart")
	spans := of.ScopeSpans().AppendEmpty().Spans()
	for i := range 500 {
		s := spans.AppendEmpty()
		s.SetName("get")
		at := base().Add(time.Duration(i) * time.Second)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(rnd.Int64N(1 << rnd.IntN(40))))))
		s.SetTraceID([16]byte{1, byte(i), byte(i >> 8)})
		s.SetSpanID([8]byte{1, byte(i), byte(i >> 8)})
		if i%3 == 0 {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
		n := rnd.Int64() >> rnd.IntN(63)
		if i%2 == 0 {
			n = -n
		}
		switch i % 5 {
		case 0:
			s.Attributes().PutDouble("n", math.Ldexp(rnd.Float64()-0.5, rnd.IntN(2000)-1000))
		case 1:
			s.Attributes().PutDouble("n", []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.MaxFloat64, -math.MaxFloat64, 5e-324}[rnd.IntN(7)])
		case 2:
			s.Attributes().PutInt("n", []int64{math.MaxInt64, math.MinInt64, 1<<62 - 1, 1 - 1<<62, 1 << 62}[rnd.IntN(5)])
		case 3:
			s.Attributes().PutInt("n", n)
		}
	}
	f.store("default", telemetry.Traces, must(ptraceotlp.NewExportRequestFromTraces(traces).MarshalProto()), 50)
	low, high, few := -1e3, 1e6, 9
	large, small := float64(1<<62), -float64(1<<62) // of their neighbours doubles make them
	for _, m := range []api.Measure{
		{Field: "duration"},
		{Field: "duration", Bands: &few, Low: &high},
		{Field: "attributes.n"},
		{Field: "attributes.n", Bands: &few},
		{Field: "attributes.n", Low: &low, High: &high},
		{Field: "attributes.n", Low: &large},
		{Field: "attributes.n", High: &small},
	} {
		a := &aggregateBody{signal: telemetry.Traces, from: base().UnixNano(), to: base().Add(10 * time.Minute).UnixNano(), buckets: 10}
		for _, name := range []api.MeasureMeasure{"histogram", "histogram_errors"} {
			m.Measure = name
			a.measures = append(a.measures, m)
		}
		got := f.aggregate(a)
		require.Equal(t, got.Measures[0].Bands, got.Measures[1].Bands)
		bands, start, step := got.Measures[0].Bands, int64(number64(t, got.Timeline.StartUnixNano)), got.Timeline.StepSeconds*int64(time.Second)
		for range 25 {
			b1, t1 := rnd.IntN(len(bands)), rnd.IntN(got.Timeline.Buckets)
			b2, t2 := b1+rnd.IntN(len(bands)-b1), t1+rnd.IntN(got.Timeline.Buckets-t1)
			box := &aggregateBody{
				signal: telemetry.Traces, from: max(start+int64(t1)*step, a.from), to: min(start+int64(t2+1)*step, a.to), filters: []string{string(bands[b1].Lower), string(bands[b2].Upper)},
				measures: []api.Measure{{Measure: "count"}, {Measure: "errors"}},
			}
			want := [2]int64{}
			for at := t1; at <= t2; at++ {
				for b := b1; b <= b2; b++ {
					want[0] += got.Total.Cells[0][at][b]
					want[1] += got.Total.Cells[1][at][b]
				}
			}
			found := f.aggregate(box).Total.Figures
			require.Equal(t, want, [2]int64{int64(*found[0]), int64(*found[1])}, box.json())
		}
	}
}

// There may be more groups than are kept apart, and more values than are remembered: what is told of a group is all of it, and what is an estimate says so.
func TestManyGroupsAndValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const many = 12_000
	var spans []plainSpan
	for i := range many {
		spans = append(spans, plainSpan{"shop", "", fmt.Sprint("operation ", i), ptrace.SpanKindServer, base().UnixNano() + int64(i)*1e6, int64(i), i%2 == 0})
		spans = append(spans, plainSpan{"shop", "", "newest", ptrace.SpanKindServer, base().UnixNano() + int64(many+i)*1e6, 5, false})
	}
	f.store("default", telemetry.Traces, payloadOf(spans), 4000)
	a := &aggregateBody{
		signal: telemetry.Traces, from: base().UnixNano(), to: base().Add(time.Hour).UnixNano(), groups: []string{"operation"}, limit: 3,
		measures: []api.Measure{{Measure: "count"}, {Measure: "count_distinct", Field: "operation"}, {Measure: "errors"}, {Measure: "max", Field: "duration"}},
	}
	got := f.aggregate(a)
	require.NotNil(t, got.Incomplete)
	require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
	require.InEpsilon(t, many+1, got.DistinctGroups, 0.05)
	require.JSONEq(t, `[{"stringValue":"newest"}]`, string(must(json.Marshal(got.Groups[0].Values))))
	require.InDelta(t, many, *got.Groups[0].Figures[0], 0)
	require.EqualValues(t, many-2, got.Other.Items)
	require.EqualValues(t, 2*many, got.Total.Items)
	require.InEpsilon(t, many+1, *got.Total.Figures[1], 0.05)
	require.True(t, got.Measures[1].Estimated)
	require.InDelta(t, 0.0156, *got.Measures[1].Error, 0.001)
	require.InDelta(t, many/2, *got.Total.Figures[2], 0)
	require.InDelta(t, many-1, *got.Total.Figures[3], 0)
	require.Equal(t, got.Total, f.aggregate(a).Total, "the same each time")

	// Less memory keeps fewer apart, and tells the same of all together.
	poor := f.with(func(c *Config) { c.MaxDecoded = 4 << 20 }).aggregate(a)
	require.NotNil(t, poor.Incomplete)
	require.InDelta(t, many, *poor.Groups[0].Figures[0], 0)
	require.Equal(t, got.Total, poor.Total)
}

// What an answer takes is known, and refused, before it is rendered: many figures may be told of few spans.
func TestFiguresOfAnAnswerAreBoundedByMemory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var spans []plainSpan
	for i := range 50 {
		spans = append(spans, plainSpan{"shop", "", fmt.Sprint("operation ", i), ptrace.SpanKindServer, base().UnixNano() + int64(i), int64(i), false})
	}
	f.store("default", telemetry.Traces, payloadOf(spans), 50)
	a := &aggregateBody{
		signal: telemetry.Traces, from: base().UnixNano(), to: base().Add(1000 * time.Second).UnixNano(), groups: []string{"operation"}, limit: 50, stepSeconds: 1,
		measures: []api.Measure{{Measure: "count"}, {Measure: "rate"}, {Measure: "errors"}, {Measure: "error_rate"}, {Measure: "avg", Field: "duration"}},
	}
	require.Len(t, f.aggregate(a).Groups, 50)
	poor := f.with(func(c *Config) { c.MaxDecoded = 16 << 20 })
	p := poor.problem(http.StatusTooManyRequests, http.MethodPost, "/api/aggregate", a.json())
	require.Equal(t, "query.memory", p.Code)
	a.stepSeconds = 100
	require.Len(t, poor.aggregate(a).Groups, 50)
}

func TestWrongAggregatesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	within := `"time_range":{"start_time":"2026-11-23T00:00:00Z","end_time":"2026-11-24T00:00:00Z"}`
	for _, c := range []struct{ body, code, names string }{
		{`{"signal":"traces",` + within + `}`, "aggregate.shape", "measures"},
		{`{"signal":"spans",` + within + `,"measures":[{"measure":"count"}]}`, "request.signal", "spans"},
		{`{"signal":"traces","measures":[{"measure":"count"}]}`, "time_range.required", "start_time"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"counts"}]}`, "aggregate.measure", `do you mean "count"?`},
		{`{"signal":"metrics",` + within + `,"measures":[{"measure":"errors"}]}`, "aggregate.measure", "errors"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"sum"}]}`, "aggregate.measure", "field is missing"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count","field":"name"}]}`, "aggregate.measure", "of no field"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"p95","field":"name"}]}`, "aggregate.numbers", "name"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"p95","field":"durations"}]}`, "filter.unknown_field", `do you mean "duration"?`},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"p95","field":"duration","q":0.5}]}`, "aggregate.measure", "takes no q"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"quantile","field":"duration"}]}`, "aggregate.measure", "want q"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"quantile","field":"duration","q":1.5}]}`, "aggregate.measure", "want q"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"}],"group_by":["span_id"]}`, "aggregate.group", "span_id"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"}],"group_by":["name","kind","status","service"]}`, "aggregate.shape", "group_by"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"}],"group_by":["name"],"limit":0}`, "aggregate.shape", "limit"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"}],"buckets":1}`, "timeline.buckets", "buckets"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"}],"buckets":5,"step_seconds":5}`, "timeline.buckets", "one of them"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"}],"step_seconds":1}`, "aggregate.shape", "86400 buckets"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"},{"measure":"avg","field":"duration"},{"measure":"errors"}],"group_by":["name"],"limit":1000,"buckets":140}`, "aggregate.shape", "figures"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"p95","field":"duration","bands":9}]}`, "aggregate.measure", "p95 has no bands"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"histogram","field":"duration","bands":2}]}`, "aggregate.measure", "bands: 2"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"histogram","field":"duration","low":9,"high":8}]}`, "aggregate.measure", "more than high"},
		{`{"signal":"metrics",` + within + `,"measures":[{"measure":"histogram_errors","field":"attributes.n"}]}`, "aggregate.measure", "histogram_errors"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"histogram","field":"duration","bands":200}],"group_by":["name"],"limit":50,"buckets":60}`, "aggregate.shape", "202 bands"},
		{`{"signal":"traces",` + within + `,"measures":[{"measure":"count"}],"groupby":["name"]}`, "request.malformed", "groupby"},
	} {
		p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/aggregate", c.body)
		require.Equal(t, c.code, p.Code, c.body)
		require.Contains(t, p.Detail, c.names, c.body)
	}
}

// alike asks for the same of rollups and, by a filter that holds for everything but that they know nothing of, of segments: figures are the same.
func (f *fixture) alike(a *aggregateBody) (rolled api.Aggregate) {
	f.t.Helper()
	rolled = f.aggregate(a)
	by := *a
	by.filters = append(slices.Clone(a.filters), `{"field":"status","operator":"in","value":["unset","ok","error"]}`)
	plain := f.aggregate(&by)
	require.Zero(f.t, plain.Basis.Rollups)
	require.Nil(f.t, plain.Incomplete)
	told := rolled
	told.Basis, told.Stats, told.Completeness = plain.Basis, plain.Stats, plain.Completeness
	require.Equal(f.t, plain, told, a.json())
	return rolled
}

// What rollups tell of figures is what segments do, at whatever stage spans are and whatever range is asked for.
func TestAggregatesFromRollupsAreThoseOfSegments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(6, 6))
	const span = 3 * 24 * time.Hour
	all, begin := f.storeRequests(rnd, span)
	measures := []api.Measure{{Measure: "count"}, {Measure: "rate"}, {Measure: "errors"}, {Measure: "error_rate"}}
	for _, name := range []api.MeasureMeasure{"numbers", "p50", "p95", "p99", "histogram"} {
		measures = append(measures, api.Measure{Measure: name, Field: "duration"})
	}
	filters := []string{
		`{"field":"service","operator":"eq","value":"cart"}`, `{"field":"service","operator":"ne","value":"pay"}`, `{"field":"namespace","operator":"exists","value":false}`,
		`{"field":"operation","operator":"contains","value":"2"}`, `{"field":"name","operator":"in","value":["op 1","op 3"]}`, `{"field":"kind","operator":"eq","value":"server"}`,
		`{"or":[{"field":"service","operator":"eq","value":"zoo"},{"not":[{"field":"name","operator":"eq","value":"op 0"}]}]}`,
	}
	fields := []string{"service", "namespace", "operation", "kind"}
	rolled := int64(0)
	for i := range 120 / testbed.Share() {
		from := begin + rnd.Int64N(int64(span)) - int64(time.Hour)
		a := &aggregateBody{signal: telemetry.Traces, from: from, to: from + 1 + rnd.Int64N(int64(span)), limit: 1 + rnd.IntN(9)}
		if i%4 == 0 { // on minutes, hours or days
			unit := []int64{int64(time.Minute), int64(time.Hour), int64(24 * time.Hour)}[rnd.IntN(3)]
			a.from, a.to = a.from/unit*unit, a.to/unit*unit+unit
		}
		for range 1 + rnd.IntN(4) {
			a.measures = append(a.measures, measures[rnd.IntN(len(measures))])
		}
		for _, n := range rnd.Perm(len(fields))[:rnd.IntN(4)] {
			a.groups = append(a.groups, fields[n])
		}
		for range rnd.IntN(3) {
			a.filters = append(a.filters, filters[rnd.IntN(len(filters))])
		}
		if step := []int64{0, 60, 90 * 60, 7200, 86400, 17 * 60}[rnd.IntN(6)]; step > 0 && (a.to-a.from)/step/1e9 < 1400 {
			a.stepSeconds = step
		}
		rolled += f.alike(a).Basis.Rollups
	}
	require.Positive(t, rolled)

	whole := &aggregateBody{signal: telemetry.Traces, from: begin, to: begin + int64(span), measures: measures, groups: []string{"service", "operation"}, limit: 100}
	items := f.alike(whole).Total.Items
	require.EqualValues(t, len(all), items)
	for _, m := range []api.Measure{{Measure: "sum", Field: "duration"}, {Measure: "count_distinct", Field: "name"}, {Measure: "p95", Field: "attributes.size"}} {
		by := *whole
		by.measures = []api.Measure{m}
		require.Zero(t, f.aggregate(&by).Basis.Rollups, "rollups know nothing of %v", m)
	}
}

// Figures of a day that rollups tell of open no segment but those of minutes that the range cuts.
func TestAggregatesOpenNoSegmentThatRollupsTellOf(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var spans []plainSpan
	for i := range 600 {
		spans = append(spans, plainSpan{"cart", "", "get", ptrace.SpanKindServer, base().Add(time.Duration(i) * time.Second).UnixNano(), int64(i) * 1e6, false})
	}
	f.store("default", telemetry.Traces, payloadOf(spans), 20) // 30 segments, settled
	a := &aggregateBody{
		signal: telemetry.Traces, from: base().UnixNano(), to: base().Add(time.Hour).UnixNano(), groups: []string{"operation"}, limit: 3, stepSeconds: 300,
		measures: []api.Measure{{Measure: "count"}, {Measure: "p95", Field: "duration"}}, filters: []string{`{"field":"service","operator":"eq","value":"cart"}`},
	}
	got := f.alike(a)
	require.Equal(t, api.AggregateBasis{Rollups: 600}, got.Basis)
	require.Zero(t, got.Stats.SegmentsRead)
	a.from += int64(90 * time.Second)
	got = f.alike(a)
	require.Equal(t, api.AggregateBasis{Rollups: 480, Segments: 30}, got.Basis)
	require.LessOrEqual(t, got.Stats.SegmentsRead, 3)
}

// How many items have which value of one field is told without a body, as a look at the items tells it; what is asked of them besides needs that look.
func TestCountsByOneFieldOpenNoSegment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(7, base().Add(10*time.Minute)).Every(100 * time.Millisecond)
	for range 4 {
		f.store("default", telemetry.Traces, shop.Payload(telemetry.Traces, 1000), 1000) // so many that their values repeat
		f.store("default", telemetry.Logs, shop.Payload(telemetry.Logs, 1000), 1000)
	}
	for signal, fields := range map[telemetry.Signal][]string{
		telemetry.Traces: {"status", "attributes.http.route", "resource.k8s.pod.name", "attributes.nothing", "scope.name"}, telemetry.Logs: {"severity", "service", "attributes.thread.name"},
	} {
		for _, field := range fields {
			a := &aggregateBody{
				signal: signal, from: base().UnixNano(), to: base().Add(time.Hour).UnixNano(), groups: []string{field}, limit: 5, measures: []api.Measure{{Measure: "count"}, {Measure: "rate"}},
			}
			told := f.aggregate(a)
			require.Zero(t, told.Stats.SegmentsRead, field)
			require.EqualValues(t, 4000, told.Total.Items)
			a.measures = append(a.measures, api.Measure{Measure: "errors"})
			looked := f.aggregate(a)
			require.Positive(t, looked.Stats.SegmentsRead, field)
			require.Equal(t, looked.DistinctGroups, told.DistinctGroups)
			all := func(a *api.Aggregate) []api.AggregateGroup {
				list := append([]api.AggregateGroup{a.Total}, a.Groups...)
				if a.Other != nil {
					list = append(list, *a.Other)
				}
				for i := range list {
					list[i].Figures = list[i].Figures[:2]
				}
				return list
			}
			require.Equal(t, all(&looked), all(&told), field)
			if strings.HasPrefix(field, "attributes.") || strings.HasPrefix(field, "resource.") {
				continue
			}
			// Nor is one opened that lies in one bucket; of those that a bucket's end cuts, there are three.
			a.stepSeconds = 120
			looked = f.aggregate(a)
			a.measures = a.measures[:2]
			told = f.aggregate(a)
			require.Less(t, told.Stats.SegmentsRead, looked.Stats.SegmentsRead, field)
			require.LessOrEqual(t, told.Stats.SegmentsRead, 3, field)
			for i, g := range all(&looked) {
				require.Equal(t, g.Series[:2], all(&told)[i].Series, field)
			}
		}
	}
}

// Where rollups keep no operations apart, or cut the name that is asked for, segments tell.
func TestAggregatesThatRollupsDoNotTell(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := strings.Repeat("long ", 300)
	var spans []plainSpan
	for i := range 2500 {
		spans = append(spans, plainSpan{"ids", "", fmt.Sprint("GET /", i), ptrace.SpanKindServer, base().Add(time.Duration(i) * time.Second).UnixNano(), int64(i), false})
	}
	for i := range 40 {
		spans = append(spans, plainSpan{"long", "", long + fmt.Sprint(i%2), ptrace.SpanKindServer, base().UnixNano() + int64(i), 7, false})
	}
	f.store("default", telemetry.Traces, payloadOf(spans), 1000)
	of := func(service string, groups ...string) *aggregateBody {
		return &aggregateBody{
			signal: telemetry.Traces, from: base().UnixNano(), to: base().Add(2 * time.Hour).UnixNano(), groups: groups, limit: 5,
			measures: []api.Measure{{Measure: "count"}}, filters: []string{fmt.Sprintf(`{"field":"service","operator":"eq","value":%q}`, service)},
		}
	}
	require.EqualValues(t, 2500, f.alike(of("ids")).Basis.Rollups)
	got := f.alike(of("ids", "operation"))
	require.Equal(t, 2500, got.DistinctGroups)
	require.Zero(t, got.Basis.Rollups)
	require.EqualValues(t, 40, f.alike(of("long", "operation")).Basis.Rollups, "a name that is cut is still a group")
	asked := of("long")
	asked.filters = append(asked.filters, fmt.Sprintf(`{"field":"name","operator":"contains","value":%q}`, "g 1"))
	got = f.alike(asked)
	require.EqualValues(t, 20, got.Total.Items)
	require.Zero(t, got.Basis.Rollups)
}
