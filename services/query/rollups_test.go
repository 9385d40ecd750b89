package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// plainSpan is a span as far as services and operations tell of it.
type plainSpan struct {
	service, namespace, name string
	kind                     ptrace.SpanKind
	at, duration             int64
	failed                   bool
}

func payloadOf(spans []plainSpan) []byte {
	td := ptrace.NewTraces()
	for i, s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", s.service)
		if s.namespace != "" {
			rs.Resource().Attributes().PutStr("service.namespace", s.namespace)
		}
		s.write(rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty(), 1, i)
	}
	return testbed.TracesPayload(td)
}

// write writes what the span is, with ids of its place in a set of spans.
func (s *plainSpan) write(span ptrace.Span, set byte, i int) {
	span.SetTraceID(pcommon.TraceID{set, byte(i >> 8), byte(i)})
	span.SetSpanID(pcommon.SpanID{set, byte(i >> 8), byte(i)})
	span.SetName(s.name)
	span.SetKind(s.kind)
	span.SetStartTimestamp(pcommon.Timestamp(s.at))
	span.SetEndTimestamp(pcommon.Timestamp(s.at + s.duration))
	if s.failed {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
}

// toldRED is what a list says of one service or operation, and what a plain count of the spans says.
type toldRED struct {
	key              string
	requests, errors int64
	spans            int64
	first, last      int64
}

// counted counts spans in a range plainly, and keeps their durations for percentiles.
func counted(spans []plainSpan, from, to int64, key func(plainSpan) (string, bool)) (map[string]*toldRED, map[string][]int64) {
	out, all := map[string]*toldRED{}, map[string][]int64{}
	entry := map[string]bool{}
	isEntry := func(s plainSpan) bool { return s.kind == ptrace.SpanKindServer || s.kind == ptrace.SpanKindConsumer }
	within := func(s plainSpan) (string, bool) {
		k, ok := key(s)
		return k, ok && s.at >= from && s.at < to
	}
	for _, s := range spans {
		if k, ok := within(s); ok && isEntry(s) {
			entry[k] = true
		}
	}
	for _, s := range spans {
		k, ok := within(s)
		if !ok {
			continue
		}
		second := max(s.at/1e9*1e9, from)
		if out[k] == nil {
			out[k] = &toldRED{key: k, first: second, last: second}
		}
		o := out[k]
		o.spans++
		o.first, o.last = min(o.first, second), max(o.last, second)
		if entry[k] && !isEntry(s) {
			continue
		}
		o.requests++
		if s.failed {
			o.errors++
		}
		all[k] = append(all[k], s.duration)
	}
	return out, all
}

func requirePercentile(t testing.TB, durations []int64, q float64, got string) {
	t.Helper()
	durations = slices.DeleteFunc(slices.Clone(durations), func(d int64) bool { return d < 0 })
	if len(durations) == 0 {
		require.Equal(t, "0", got, "no duration is known")
		return
	}
	slices.Sort(durations)
	exact := durations[max(int(float64(len(durations))*q+0.9999999)-1, 0)]
	require.InDelta(t, float64(exact), float64(number64(t, got)), 0.01*float64(exact)+1)
}

// storeRequests stores spans of a time before base, at every stage, of which rollups tell by minutes, hours and days.
func (f *fixture) storeRequests(rnd *rand.Rand, span time.Duration) (all []plainSpan, begin int64) {
	f.t.Helper()
	begin = base().Add(-span).UnixNano()
	for range 24 {
		// Some payloads are of an hour, some of everything.
		since, length := begin+rnd.Int64N(int64(span)), int64(time.Hour)
		if rnd.IntN(3) == 0 {
			since, length = begin, int64(span)
		}
		var list []plainSpan
		for range 1 + rnd.IntN(150) {
			list = append(list, plainSpan{
				[]string{"cart", "cart", "pay", "zoo"}[rnd.IntN(4)], []string{"", "shop"}[rnd.IntN(2)], fmt.Sprint("op ", rnd.IntN(4)), ptrace.SpanKind(rnd.IntN(6)),
				since + rnd.Int64N(length), rnd.Int64N(int64(1) << (10 + rnd.IntN(25))), rnd.IntN(5) == 0,
			})
			if rnd.IntN(20) == 0 {
				list[len(list)-1].duration = -rnd.Int64N(int64(time.Hour)) - 1 // it ended before it began: nobody knows how long it took
			}
		}
		all = append(all, list...)
		f.store("default", telemetry.Traces, payloadOf(list), 1+rnd.IntN(60))
	}
	f.store("other", telemetry.Traces, payloadOf(all[:50]), 10)
	f.fold(base().Add(-2*24*time.Hour), rollup.Day, red.Kind())
	return all, begin
}

// At whatever stage spans are, and whatever range is asked for, services and operations are those of a plain count.
func TestServicesFromRollupsAreThoseOfACount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(5, 5))
	const span = 3 * 24 * time.Hour
	all, begin := f.storeRequests(rnd, span)
	first := slices.MinFunc(all, func(a, b plainSpan) int { return cmp.Compare(a.at, b.at) }).at

	for i := range 60 {
		from := begin + rnd.Int64N(int64(span)) - int64(time.Hour)
		to := from + 1 + rnd.Int64N(int64(span))
		switch i % 4 {
		case 0: // on minutes, hours or days
			unit := []int64{int64(time.Minute), int64(time.Hour), int64(24 * time.Hour)}[rnd.IntN(3)]
			from, to = from/unit*unit, to/unit*unit+unit
		case 1: // short
			to = from + 1 + rnd.Int64N(int64(3*time.Minute))
		}
		within := "?" + url.Values{"start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)}}.Encode()
		want, durations := counted(all, from, to, func(s plainSpan) (string, bool) { return s.namespace + "/" + s.service, true })
		var list api.ServiceList
		f.get("/api/services"+within, &list)
		require.Len(t, list.Services, len(want))
		for _, s := range list.Services {
			k := s.Namespace + "/" + s.Name
			told := toldRED{k, s.Red.Requests, s.Red.Errors, s.SpanCount, int64(number64(t, s.FirstSeenUnixNano)), int64(number64(t, s.LastSeenUnixNano))}
			require.Equal(t, *want[k], told)
			require.InDelta(t, float64(s.Red.Requests)/(float64(to-max(from, first))/1e9), s.Red.Rate, 1e-9)
			requirePercentile(t, durations[k], 0.5, s.Red.P50Nano)
			requirePercentile(t, durations[k], 0.99, s.Red.P99Nano)
		}
		f.requireSeries(all, from, to, []int{2, 7, 24, 40, 400}[i%5], list.Services)
		namespace := []string{"", "shop"}[i%2]
		_, durations = counted(all, from, to, func(s plainSpan) (string, bool) {
			return s.name + strconv.Itoa(int(s.kind)), s.service == "cart" && (namespace == "" || namespace == s.namespace)
		})
		var operations api.OperationList
		f.get("/api/services/cart/operations"+within+"&namespace="+namespace, &operations)
		require.Len(t, operations.Operations, len(durations))
		for _, o := range operations.Operations {
			k := o.Name + strconv.Itoa(o.Kind)
			require.EqualValues(t, len(durations[k]), o.Red.Requests)
			requirePercentile(t, durations[k], 0.95, o.Red.P95Nano)
		}
	}
}

// requireSeries asks for services over time and compares each bucket with a plain count of it, and all else with the list without.
func (f *fixture) requireSeries(all []plainSpan, from, to int64, most int, plain []api.Service) {
	f.t.Helper()
	var list api.ServiceList
	f.get("/api/services?"+url.Values{"start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)}, "buckets": {strconv.Itoa(most)}}.Encode(), &list)
	n, step, start := list.Timeline.Buckets, list.Timeline.StepSeconds*int64(time.Second), int64(number64(f.t, list.Timeline.StartUnixNano))
	require.LessOrEqual(f.t, n, most)
	require.Zero(f.t, start%step)
	require.LessOrEqual(f.t, start, from)
	require.Greater(f.t, start+step, from)
	require.GreaterOrEqual(f.t, start+int64(n)*step, to)
	require.Less(f.t, start+int64(n-1)*step, to)
	series := map[string]*api.REDSeries{}
	for i := range list.Services {
		s := &list.Services[i]
		series[s.Namespace+"/"+s.Name] = s.Series
		s.Series = nil
	}
	require.Equal(f.t, plain, list.Services)
	basis := map[string]api.ServiceBasis{}
	for _, s := range plain {
		basis[s.Namespace+"/"+s.Name] = s.Basis
	}
	for i := range n {
		low, high := max(from, start+int64(i)*step), min(to, start+int64(i+1)*step)
		requests, errors, durations := map[string]int64{}, map[string]int64{}, map[string][]int64{}
		for _, s := range all {
			k := s.namespace + "/" + s.service
			entry := s.kind == ptrace.SpanKindServer || s.kind == ptrace.SpanKindConsumer
			if s.at < low || s.at >= high || basis[k] == api.ServiceBasisEntry && !entry {
				continue
			}
			requests[k]++
			if s.failed {
				errors[k]++
			}
			durations[k] = append(durations[k], s.duration)
		}
		for k, told := range series {
			require.Len(f.t, told.Requests, n)
			require.Equal(f.t, requests[k], told.Requests[i])
			require.Equal(f.t, errors[k], told.Errors[i])
			if requests[k] == 0 {
				require.Equal(f.t, "0", told.P99Nano[i])
				continue
			}
			requirePercentile(f.t, durations[k], 0.5, told.P50Nano[i])
			requirePercentile(f.t, durations[k], 0.95, told.P95Nano[i])
			requirePercentile(f.t, durations[k], 0.99, told.P99Nano[i])
		}
	}
}

// More buckets than an answer has are refused, and so are too few and too many of each service.
func TestServicesOverTimeAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var spans []plainSpan
	for i := range 300 {
		spans = append(spans, plainSpan{fmt.Sprint("s", i), "", "op", ptrace.SpanKindServer, base().Add(time.Duration(i) * time.Second).UnixNano(), 1e6, false})
	}
	for _, part := range [][]plainSpan{spans[:140], spans[140:]} { // in rollups, and at level 0
		f.store("default", telemetry.Traces, payloadOf(part), 1000)
	}
	within := "/api/services?" + url.Values{"start_time": {base().Format(time.RFC3339)}, "end_time": {base().Add(6 * time.Hour).Format(time.RFC3339)}}.Encode()
	for _, wrong := range []string{"0", "1", "401", "-3"} {
		require.Equal(t, "timeline.buckets", f.problem(http.StatusBadRequest, http.MethodGet, within+"&buckets="+wrong, "").Code)
	}
	require.Equal(t, "timeline.too_long", f.problem(http.StatusBadRequest, http.MethodGet, within+"&buckets=400", "").Code)
	var list api.ServiceList
	f.get(within+"&buckets=100", &list)
	require.Len(t, list.Services, 300)
}

// When a service was seen at all is told of days, hours and parts before and after the range, and of what is in no rollup in the range; of no other service, and no
// other tenant.
func TestServicesTellWhenTheyWereSeenAtAll(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(11, 5))
	const span = 4 * 24 * time.Hour
	begin := base().Add(-span).UnixNano()
	var all []plainSpan
	for i := range 12 {
		var list []plainSpan
		for range 1 + rnd.IntN(40) {
			list = append(list, plainSpan{
				[]string{"cart", "pay", "zoo"}[min(rnd.IntN(4), 2)], []string{"", "shop"}[rnd.IntN(2)], fmt.Sprint("op ", rnd.IntN(4)), ptrace.SpanKindServer,
				begin + rnd.Int64N(int64(span)), 1e6, false,
			})
		}
		f.position &^= 1 // so that they are settled
		f.store("default", telemetry.Traces, payloadOf(list), 5+i)
		all = append(all, list...)
	}
	f.position &^= 1
	f.store("other", telemetry.Traces, payloadOf([]plainSpan{{"cart", "", "x", ptrace.SpanKindServer, begin - int64(span), 1e6, false}}), 10)
	f.fold(base().Add(-2*24*time.Hour), rollup.Day, red.Kind())
	fresh := plainSpan{"new", "", "x", ptrace.SpanKindServer, base().Add(-26 * time.Hour).UnixNano(), 1e6, false}
	f.position |= 1
	f.store("default", telemetry.Traces, payloadOf([]plainSpan{fresh}), 10)
	all = append(all, fresh)

	of := func(s plainSpan) (string, bool) { return s.namespace + "/" + s.service, true }
	ever, _ := counted(all, 0, math.MaxInt64, of)
	first := slices.MinFunc(all, func(a, b plainSpan) int { return cmp.Compare(a.at, b.at) }).at
	told := 0
	for i := range 12 {
		from := begin + int64(i)*int64(span)/12
		to := from + int64(span)/12
		if i == 0 {
			from, to = begin, base().UnixNano()
		}
		within := "?" + url.Values{"start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)}}.Encode()
		var list, plain api.ServiceList
		f.get("/api/services"+within+"&ever=true", &list)
		f.get("/api/services"+within, &plain)
		require.NotNil(t, list.KeptSinceUnixNano)
		require.EqualValues(t, first, number64(t, *list.KeptSinceUnixNano))
		for k := range list.Services {
			s := &list.Services[k]
			want := ever[s.Namespace+"/"+s.Name]
			require.EqualValues(t, want.first, number64(t, s.Ever.FirstSeenUnixNano), "%s from %d", want.key, i)
			require.EqualValues(t, want.last, number64(t, s.Ever.LastSeenUnixNano), "%s from %d", want.key, i)
			s.Ever = nil
			told++
		}
		require.Equal(t, plain.Services, list.Services)
		require.Nil(t, plain.KeptSinceUnixNano)
	}
	require.Greater(t, told, 30)
	var none api.ServiceList
	f.get("/api/services"+hour()+"&ever=true", &none, "X-Scope-OrgID", "nobody")
	require.Nil(t, none.KeptSinceUnixNano)
}

// fold makes a day of the hours that are there, as the janitor does.
func (f *fixture) fold(day time.Time, to rollup.Grain, kind rollup.Kind) {
	f.t.Helper()
	ctx := testbed.Context(f.t)
	start := telemetry.Grain(day.UnixNano(), 24*time.Hour)
	rows, err := f.db.Pool.Query(ctx, `SELECT `+rolluprow.Columns+` FROM rollup WHERE tenant_id = 'default' AND kind = $2 AND grain = 1 AND start >= $1
		AND start < $1 + 86400000000000 ORDER BY low`, start, kind.ID)
	require.NoError(f.t, err)
	contents, err := kind.Fold(to, start, true, rolluprow.Read(rows))
	require.NoError(f.t, err)
	require.NotEmpty(f.t, contents)
	require.NoError(f.t, postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		return rolluprow.Copy(ctx, tx, rollups("default", kind, to, start, contents))
	}))
}

// What is answered from rollups opens only the segments of minutes that the range cuts, and those that are in no rollup.
func TestServicesOpenNoSegmentThatRollupsTellOf(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var spans []plainSpan
	for i := range 600 {
		spans = append(spans, plainSpan{"cart", "", "get", ptrace.SpanKindServer, base().Add(time.Duration(i) * time.Second).UnixNano(), 1e6, false})
	}
	slices.SortFunc(spans, func(a, b plainSpan) int { return cmp.Compare(a.at, b.at) })
	f.store("default", telemetry.Traces, payloadOf(spans), 20) // 30 segments, settled
	for _, path := range []string{"/api/services", "/api/services/cart/operations"} {
		var whole, cut struct {
			Services, Operations, Completeness, Covered, Basis, Total any
			Stats                                                     api.Stats
		}
		f.get(path+"?"+url.Values{"start_time": {base().Format(time.RFC3339)}, "end_time": {base().Add(time.Hour).Format(time.RFC3339)}}.Encode(), &whole)
		require.Zero(t, whole.Stats.SegmentsRead)
		require.Zero(t, whole.Stats.ItemsScanned)
		require.Positive(t, whole.Stats.BytesRead)
		f.get(path+"?"+url.Values{"start_time": {base().Add(90 * time.Second).Format(time.RFC3339)}, "end_time": {base().Add(330 * time.Second).Format(time.RFC3339)}}.Encode(), &cut)
		require.LessOrEqual(t, cut.Stats.SegmentsRead, 4)
		require.Positive(t, cut.Stats.SegmentsRead)
	}
}

// More operations than rollups tell apart: they are counted from segments, of the whole range.
func TestOperationsOfAServiceThatMakesNamesOfIDs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var spans []plainSpan
	for i := range 2500 {
		spans = append(spans, plainSpan{"ids", "", fmt.Sprint("GET /", i), ptrace.SpanKindServer, base().Add(time.Duration(i) * time.Second).UnixNano(), int64(i), false})
	}
	f.store("default", telemetry.Traces, payloadOf(spans), 1000)
	within := "?" + url.Values{"start_time": {base().Format(time.RFC3339)}, "end_time": {base().Add(2 * time.Hour).Format(time.RFC3339)}}.Encode()
	var operations api.OperationList
	f.get("/api/services/ids/operations"+within, &operations)
	require.Equal(t, 2500, operations.Total)
	require.Len(t, operations.Operations, 1000)
	require.EqualValues(t, 1500, operations.Other.Requests)
	for _, o := range operations.Operations {
		require.EqualValues(t, 1, o.Red.Requests)
	}
	var list api.ServiceList
	f.get("/api/services"+within, &list)
	require.EqualValues(t, 2500, list.Services[0].SpanCount)
}

// A service, namespace or operation whose name is longer than is told is one thing at every stage, is found by its name and by what is told of it, and is
// not mistaken for another with the same beginning.
func TestServicesWithLongNamesAreOneAtEveryStage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := strings.Repeat("ä", 900)
	var spans []plainSpan
	for i := range 60 {
		spans = append(spans, plainSpan{long + strconv.Itoa(i%2), long + "n" + strconv.Itoa(i%3), long + "o" + strconv.Itoa(i%5), ptrace.SpanKindServer, base().Add(time.Duration(i) * time.Second).UnixNano(), 1e6, false})
	}
	for i := range 4 { // at level 0 and in rollups
		f.store("default", telemetry.Traces, payloadOf(spans[i*15:i*15+15]), 100)
	}
	for _, within := range []string{
		"?" + url.Values{"start_time": {base().Format(time.RFC3339)}, "end_time": {base().Add(2 * time.Hour).Format(time.RFC3339)}}.Encode(),
		"?" + url.Values{"start_time": {fmt.Sprint(base().UnixNano() - 1)}, "end_time": {fmt.Sprint(base().Add(59500 * time.Millisecond).UnixNano())}}.Encode(), // a minute is cut
	} {
		var list api.ServiceList
		f.get("/api/services"+within, &list)
		require.Len(t, list.Services, 6)
		seen := map[string]bool{}
		for _, s := range list.Services {
			require.EqualValues(t, 10, s.SpanCount)
			require.LessOrEqual(t, len(s.Name), rollup.MostName)
			seen[s.Name] = true
			var operations api.OperationList
			f.get("/api/services/"+url.PathEscape(s.Name)+"/operations"+within+"&namespace="+url.QueryEscape(s.Namespace), &operations)
			require.Len(t, operations.Operations, 5)
			for _, o := range operations.Operations {
				require.EqualValues(t, 2, o.Red.Requests)
			}
			// Lists take what was told for the whole name, and negate it exactly.
			found := func(list string, conditions ...string) int {
				var page map[string]any
				f.search(list, searchBody{filters: "[" + strings.Join(conditions, ",") + "]", limit: 1000}, &page)
				return len(page[list].([]any))
			}
			is := func(field, operator string, value any) string {
				text, err := json.Marshal(map[string]any{"field": field, "operator": operator, "value": value})
				require.NoError(t, err)
				return string(text)
			}
			this, within, operation := is("service", "eq", s.Name), is("namespace", "eq", s.Namespace), is("name", "in", []string{"other", operations.Operations[0].Name})
			require.Equal(t, 5, found("traces", this, within), "two spans a trace")
			require.Equal(t, 30, found("spans", this))
			require.Equal(t, 20, found("spans", within))
			require.Equal(t, 30, found("spans", is("service", "eq", long+"1")), "the whole name")
			require.Equal(t, 2, found("spans", this, within, operation))
			require.Equal(t, 12, found("spans", operation))
			require.Equal(t, 30, found("spans", is("service", "ne", s.Name)))
			require.Equal(t, 0, found("spans", is("service", "not_in", []string{s.Name, long + "0", long + "1"})))
			require.Equal(t, 0, found("spans", is("service", "eq", s.Name[:len(s.Name)-1]+"x")), "another hash")
			require.Equal(t, 0, found("spans", is("service", "contains", s.Name)), "a part is a part of the name")
		}
		require.Len(t, seen, 2)
		var operations api.OperationList
		f.get("/api/services/"+url.PathEscape(long+"1")+"/operations"+within, &operations)
		require.Len(t, operations.Operations, 5)
		require.EqualValues(t, 6, operations.Operations[0].Red.Requests)
		var drawn api.ServiceMap
		f.get("/api/service-map"+within, &drawn)
		require.Len(t, drawn.Nodes, 6)
		for _, n := range drawn.Nodes {
			require.EqualValues(t, 10, n.Red.Requests)
		}
	}
}
