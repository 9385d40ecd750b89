package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// scene builds traces span by span.
type scene struct {
	td   ptrace.Traces
	next byte
}

type spanOption func(ptrace.Span)

func failing(s ptrace.Span)       { s.Status().SetCode(ptrace.StatusCodeError) }
func with(k, v string) spanOption { return func(s ptrace.Span) { s.Attributes().PutStr(k, v) } }
func lasting(d time.Duration) spanOption {
	return func(s ptrace.Span) { s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(d)) }
}

func starting(after time.Duration) spanOption {
	return func(s ptrace.Span) {
		length := s.EndTimestamp() - s.StartTimestamp()
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(after)))
		s.SetEndTimestamp(s.StartTimestamp() + length)
	}
}

// span adds a span of trace n and returns its id for its children.
func (s *scene) span(trace byte, service, name string, kind ptrace.SpanKind, parent pcommon.SpanID, options ...spanOption) pcommon.SpanID {
	if s.next == 0 {
		s.td = ptrace.NewTraces()
	}
	s.next++
	rs := s.td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", service)
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{15: trace})
	span.SetSpanID(pcommon.SpanID{7: s.next})
	span.SetParentSpanID(parent)
	span.SetName(name)
	span.SetKind(kind)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(s.next) * time.Millisecond)))
	lasting(10 * time.Millisecond)(span)
	for _, o := range options {
		o(span)
	}
	return span.SpanID()
}

func none() pcommon.SpanID { return pcommon.SpanID{} }

func TestServiceMap(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	// The shop: frontend → checkout → payment (fails), a database, a cache with a number for a name, a queue, a host without telemetry.
	root := s.span(1, "frontend", "POST /order", ptrace.SpanKindServer, none(), failing)
	call := s.span(1, "frontend", "POST", ptrace.SpanKindClient, root, with("server.address", "checkout"))
	checkout := s.span(1, "checkout", "order", ptrace.SpanKindServer, call, lasting(40*time.Millisecond))
	inner := s.span(1, "checkout", "price", ptrace.SpanKindInternal, checkout)
	pay := s.span(1, "checkout", "pay", ptrace.SpanKindClient, inner, with("peer.service", "payment"))
	s.span(1, "payment", "charge", ptrace.SpanKindServer, pay, failing)
	s.span(1, "checkout", "INSERT", ptrace.SpanKindClient, inner, with("db.system.name", "postgresql"), with("db.namespace", "orders"), failing)
	s.span(1, "checkout", "GET", ptrace.SpanKindClient, inner, with("db.system", "redis"), with("db.namespace", "0"), with("server.address", "cache"))
	s.span(1, "checkout", "mail", ptrace.SpanKindClient, inner, with("url.full", "https://mail.example:8443/send?x=1"))
	s.span(1, "checkout", "quote", ptrace.SpanKindClient, inner, with("server.address", "payment.shop.svc"))   // payment, but no span of it
	s.span(1, "checkout", "bill", ptrace.SpanKindClient, inner, with("server.address", "payment.example.com")) // not the service payment
	produce := s.span(1, "checkout", "orders publish", ptrace.SpanKindProducer, inner, with("messaging.system", "kafka"), with("messaging.destination.name", "orders"))
	s.span(1, "accounting", "orders process", ptrace.SpanKindConsumer, produce, with("messaging.system", "kafka"), with("messaging.destination.name", "orders"))
	s.span(1, "checkout", "self", ptrace.SpanKindServer, checkout) // not an edge
	// The same span id in another trace is another span.
	s.span(2, "stranger", "x", ptrace.SpanKindServer, call)
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 3)

	var got api.ServiceMap
	f.get("/api/service-map"+hour(), &got)
	nodes := map[string]string{}
	var listed []string
	for _, n := range got.Nodes {
		nodes[n.ID] = n.Name
		listed = append(listed, fmt.Sprintf("%s %s %s", n.Type, n.System, n.Name))
	}
	require.ElementsMatch(t, []string{
		"service  frontend", "service  checkout", "service  payment", "service  accounting", "service  stranger",
		"database postgresql orders", "database redis cache", "messaging kafka orders", "external  mail.example",
		"external  payment.example.com",
	}, listed)
	var edges []string
	for _, e := range got.Edges {
		edges = append(edges, fmt.Sprintf("%s > %s: %d, %d failed", nodes[e.Source], nodes[e.Target], e.Red.Requests, e.Red.Errors))
	}
	require.ElementsMatch(t, []string{
		"frontend > checkout: 1, 0 failed", "checkout > payment: 2, 1 failed", "checkout > orders: 1, 1 failed", "checkout > cache: 1, 0 failed",
		"checkout > mail.example: 1, 0 failed", "checkout > orders: 1, 0 failed", "orders > accounting: 1, 0 failed",
		"checkout > payment.example.com: 1, 0 failed",
	}, edges)
	for _, e := range got.Edges {
		if nodes[e.Source] == "frontend" {
			require.InEpsilon(t, 40e6, float64(number64(t, e.Red.P95Nano)), 0.01, "an edge is measured at the callee")
		}
	}
}

// TestANodeOfTheMapLeadsToItsSpans: its filters find the spans of which the map says it is made, and no others, whatever the names are that they use.
func TestANodeOfTheMapLeadsToItsSpans(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	client := func(options ...spanOption) { s.span(1, "shop", "call", ptrace.SpanKindClient, none(), options...) }
	port := func(n int64) spanOption { return func(s ptrace.Span) { s.Attributes().PutInt("server.port", n) } }
	pg, at := with("db.system.name", "postgresql"), func(host string) spanOption { return with("server.address", host) }
	client(pg, with("db.namespace", "orders"), at("pg1"))
	client(with("db.system", "postgresql"), with("db.name", "orders"), with("net.peer.name", "pg1"), port(5432))
	client(pg, with("db.namespace", "orders"), at("pg1"), port(5433))
	client(pg, with("db.namespace", "orders"), at("pg2"))
	client(pg, with("db.namespace", "users"), at("pg1"))
	client(pg, at("pg1"))
	client(pg, with("db.namespace", "orders"))
	client(with("db.system", "redis"), with("db.namespace", "7"), at("pg1"))
	client(with("db.system", "redis"), with("peer.service", "pg1"))
	client(with("url.full", "https://me@api.example:8443/a?b"))
	client(with("http.url", "http://api.example"))
	client(with("http.url", "http://api.example.com/"))
	client(with("http.host", "api.example:80"))
	client(at("api.example"))
	client(with("rpc.service", "shop.Cart"))
	client(with("messaging.system", "kafka"), with("messaging.destination.name", "orders"))
	client(with("messaging.system", "kafka"), with("messaging.destination", "orders"), with("messaging.operation", "receive"))
	client(with("messaging.system", "kafka"), at("kafka-1"), with("messaging.operation", "receive"))
	s.span(1, "shop", "serve", ptrace.SpanKindServer, none(), at("api.example"), with("peer.service", "gateway"))
	s.span(1, "shop", "in process", ptrace.SpanKindInternal, none(), with("db.system", "sqlite"))
	s.span(1, "page", "click", ptrace.SpanKindClient, none(), at("shop"))
	s.td.ResourceSpans().At(s.td.ResourceSpans().Len()-1).Resource().Attributes().PutStr("browser.platform", "Linux")
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 100)
	var got api.ServiceMap
	f.get("/api/service-map"+hour(), &got)
	found := map[string]int{}
	for _, n := range got.Nodes {
		require.NotEmpty(t, n.Filters)
		raw, err := json.Marshal(n.Filters)
		require.NoError(t, err)
		of := len(f.page("spans", searchBody{filters: string(raw), limit: 1000}).items)
		found[fmt.Sprintf("%s %s %s@%s", n.Type, n.System, n.Name, n.Address)] = of
		if n.Type == api.MapNodeTypeDatabase {
			require.EqualValues(t, n.Red.Requests, of, n.ID)
		}
	}
	require.Equal(t, map[string]int{
		"service  shop@": 20, "browser  page@": 1, "database postgresql orders@pg1": 2, "database postgresql orders@pg1:5433": 1, "database postgresql orders@pg2": 1,
		"database postgresql users@pg1": 1, "database postgresql pg1@pg1": 1, "database postgresql orders@": 1, "database redis pg1@pg1": 2,
		"database sqlite sqlite@": 1, "external  api.example@": 4, "external  api.example.com@": 1, "external  shop.Cart@": 1, "external  gateway@": 1,
		"messaging kafka orders@": 2, "messaging kafka kafka-1@kafka-1": 1,
	}, found)
	var sources []string
	for _, e := range got.Edges {
		if strings.HasPrefix(e.Target, "service/") {
			sources = append(sources, e.Source)
		}
	}
	require.ElementsMatch(t, []string{"external///gateway", "messaging//kafka/orders", "messaging//kafka//kafka-1/", "service///page"}, sources)
}

// TestServiceMapsGiveTheirPlaceBack: few are computed at a time, and one after the other any number.
func TestServiceMapsGiveTheirPlaceBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var got api.ServiceMap
	for range 5 {
		f.get("/api/service-map"+hour(), &got)
	}
}

func TestServicesAndOperations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 100 {
		o := []spanOption{lasting(time.Duration(i+1) * time.Millisecond), starting(time.Duration(i) * time.Second)}
		if i%10 == 0 {
			o = append(o, failing)
		}
		s.span(1, "api", "GET /", ptrace.SpanKindServer, none(), o...)
	}
	s.span(1, "api", "SELECT", ptrace.SpanKindClient, none(), lasting(time.Hour), failing)
	s.span(1, "batch", "run", ptrace.SpanKindInternal, none(), lasting(time.Second), failing)
	s.span(1, "batch", "late", ptrace.SpanKindInternal, none(), starting(2*time.Hour))
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 17)

	var list api.ServiceList
	f.get("/api/services"+hour(), &list)
	require.Len(t, list.Services, 2)
	web, batch := list.Services[0], list.Services[1]
	require.Equal(t, "api", web.Name)
	require.Equal(t, api.ServiceBasisEntry, web.Basis)
	require.EqualValues(t, 101, web.SpanCount)
	require.EqualValues(t, 100, web.Red.Requests)
	require.EqualValues(t, 10, web.Red.Errors)
	require.InDelta(t, 0.1, web.Red.ErrorRate, 1e-9)
	require.InDelta(t, 100.0/3600, web.Red.Rate, 1e-9, "the range begins an hour before the first span")
	require.InEpsilon(t, 50e6, float64(number64(t, web.Red.P50Nano)), 0.01)
	require.InEpsilon(t, 95e6, float64(number64(t, web.Red.P95Nano)), 0.01)
	require.InEpsilon(t, 99e6, float64(number64(t, web.Red.P99Nano)), 0.01)
	require.Equal(t, api.ServiceBasisAll, batch.Basis)
	require.EqualValues(t, 1, batch.Red.Requests, "what starts after the range is not in it")

	var operations api.OperationList
	f.get("/api/services/api/operations"+hour(), &operations)
	require.Len(t, operations.Operations, 2)
	require.Equal(t, "GET /", operations.Operations[0].Name)
	require.EqualValues(t, 100, operations.Operations[0].Red.Requests)
	require.Equal(t, "SELECT", operations.Operations[1].Name)
	f.get("/api/services/nobody/operations"+hour(), &operations)
	require.Empty(t, operations.Operations)
}

// TestARateIsOverTheTimeThatHasData: from the first span until now, wherever the range begins and ends, and the answer says so.
func TestARateIsOverTheTimeThatHasData(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	began := time.Now().Add(-3 * time.Hour).Truncate(time.Minute) // to which a map's range is widened
	at := func(after time.Duration) spanOption {
		return func(s ptrace.Span) {
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(began.Add(after)))
			s.SetEndTimestamp(s.StartTimestamp() + 5)
		}
	}
	none := func(what string, from, to time.Time) {
		var list api.ServiceList
		f.get(what+url.Values{"start_time": {from.Format(time.RFC3339)}, "end_time": {to.Format(time.RFC3339)}}.Encode(), &list)
		require.Zero(t, list.Covered.Seconds)
	}
	none("/api/services?", began.Add(-time.Hour), began.Add(time.Hour))
	var basis []api.FiguresBasis
	for stage := range 2 { // of level 2, with rollups, and then of level 0 too
		var s scene
		for i := range 120 {
			s.span(1, "shop", "GET /", ptrace.SpanKindServer, pcommon.SpanID{}, at(time.Duration(i)*time.Minute+time.Duration(stage)*time.Second))
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 1000)
		for _, c := range []struct{ from, to, start, end time.Duration }{
			{-24 * time.Hour, 2 * time.Hour, 0, 2 * time.Hour},
			{time.Hour, 2 * time.Hour, time.Hour, 2 * time.Hour},
			{-time.Hour, 24 * time.Hour, 0, -1},
			{-time.Hour, time.Minute, 0, time.Minute},
			{150 * time.Minute, 155 * time.Minute, 150 * time.Minute, 155 * time.Minute}, // nothing was sent, which is known
		} {
			within := url.Values{"start_time": {began.Add(c.from).Format(time.RFC3339)}, "end_time": {began.Add(c.to).Format(time.RFC3339)}}.Encode()
			check := func(red api.RED, covered api.Covered) {
				start, end := number64(t, covered.StartUnixNano), number64(t, covered.EndUnixNano)
				require.EqualValues(t, began.Add(c.start).UnixNano(), start)
				if c.end >= 0 {
					require.EqualValues(t, began.Add(c.end).UnixNano(), end)
				} else {
					require.InDelta(t, float64(time.Now().UnixNano()), float64(end), float64(time.Minute))
				}
				require.InDelta(t, float64(end-start)/1e9, covered.Seconds, 1e-6)
				require.InDelta(t, float64(red.Requests)/covered.Seconds, red.Rate, 1e-9)
			}
			var list api.ServiceList
			f.get("/api/services?"+within, &list)
			var operations api.OperationList
			f.get("/api/services/shop/operations?"+within, &operations)
			var picture api.ServiceMap
			f.get("/api/service-map?"+within, &picture)
			var one api.RED
			if len(list.Services) > 0 {
				one = list.Services[0].Red
				require.Equal(t, one.Requests, operations.Operations[0].Red.Requests)
				require.Equal(t, one.Requests, picture.Nodes[0].Red.Requests)
				require.Positive(t, one.Rate)
			}
			check(one, list.Covered)
			if len(list.Services) > 0 {
				check(operations.Operations[0].Red, operations.Covered)
				check(*picture.Nodes[0].Red, picture.Covered)
			} else {
				check(one, operations.Covered)
				check(one, picture.Covered)
			}
			if c.to == 2*time.Hour && c.from < 0 {
				basis = append(basis, list.Basis)
			}
		}
	}
	require.Equal(t, []api.FiguresBasis{{Rollups: true, PercentileError: 1.0 / 128}, {Rollups: true, Segments: true, PercentileError: 1.0 / 128}}, basis)
	none("/api/services?", began.Add(-5*time.Hour), began.Add(-time.Hour))
	none("/api/services?", time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
}

// TestARateOfLogsAndPointsIsOverTheTimeThatHasData: as one of spans is, whether what is there is settled and told by sums, fresh, or both.
func TestARateOfLogsAndPointsIsOverTheTimeThatHasData(t *testing.T) {
	t.Parallel()
	for _, signal := range []telemetry.Signal{telemetry.Logs, telemetry.Metrics} {
		f := newFixture(t)
		began := time.Now().Add(-3 * time.Hour).Truncate(time.Minute)
		records := func(first time.Duration, n int) []byte {
			if signal == telemetry.Metrics {
				md := pmetric.NewMetrics()
				m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
				m.SetName("up")
				points := m.SetEmptyGauge().DataPoints()
				for i := range n {
					points.AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(began.Add(first + time.Duration(i)*time.Minute)))
				}
				return testbed.MetricsPayload(md)
			}
			ld := plog.NewLogs()
			list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			for i := range n {
				r := list.AppendEmpty()
				r.SetTimestamp(pcommon.NewTimestampFromTime(began.Add(first + time.Duration(i)*time.Minute)))
				r.SetObservedTimestamp(r.Timestamp())
			}
			return testbed.LogsPayload(ld)
		}
		ask := func(from, to time.Duration) api.Aggregate {
			return f.aggregate(&aggregateBody{
				signal: signal, from: began.Add(from).UnixNano(), to: began.Add(to).UnixNano(), measures: []api.Measure{{Measure: "count"}, {Measure: "rate"}},
			})
		}
		require.Zero(t, ask(-time.Hour, time.Hour).Covered.Seconds)
		begins := []time.Duration{30 * time.Minute, 0, -10 * time.Minute} // settled, fresh before it, and settled before that
		for stage, begin := range begins {
			f.store("default", signal, records(begin, 20), 7)
			require.Equal(t, stage%2 == 0, f.position%2 == 1, "settled and fresh by turns")
			got := ask(-24*time.Hour, 2*time.Hour)
			require.EqualValues(t, began.Add(begin).UnixNano(), number64(t, got.Covered.StartUnixNano), "%s %d", signal, stage)
			require.InDelta(t, (2*time.Hour - begin).Seconds(), got.Covered.Seconds, 1e-6)
			require.InDelta(t, float64(20*(stage+1)), *got.Total.Figures[0], 0)
			require.InDelta(t, *got.Total.Figures[0]/got.Covered.Seconds, *got.Total.Figures[1], 1e-9)
		}
		within := ask(time.Hour, 2*time.Hour)
		require.EqualValues(t, began.Add(time.Hour).UnixNano(), number64(t, within.Covered.StartUnixNano), "nothing was sent, which is known")
		require.InDelta(t, 3600, within.Covered.Seconds, 1e-6)
		require.Zero(t, ask(-5*time.Hour, -time.Hour).Covered.Seconds)
	}
}

// TestServicesOfAPage: a list of many is read page by page, narrowed, without ollyScale's own, and tells of the time before.
func TestServicesOfAPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	names := []string{"a/web", "a/web-2", "b/web", "b/ollyscale-writer", "ollyscale/ingest", "/ollyscale", "/batch", "c/new"}
	for i, full := range names {
		namespace, name, _ := strings.Cut(full, "/")
		for k := range 2 + i { // in the range, and one fewer in the two hours before
			for _, before := range []bool{false, true} {
				if before && (k == 0 || name == "new") {
					continue
				}
				o := []spanOption{starting(time.Duration(k) * time.Minute), lasting(2 * time.Millisecond)}
				if before {
					o = []spanOption{starting(time.Duration(k)*time.Minute - 2*time.Hour), lasting(time.Millisecond), failing}
				}
				kind := ptrace.SpanKindServer
				if name == "batch" && !before {
					kind = ptrace.SpanKindInternal
				}
				s.span(byte(i+1), name, "run", kind, none(), o...)
				s.td.ResourceSpans().At(s.td.ResourceSpans().Len()-1).Resource().Attributes().PutStr("service.namespace", namespace)
			}
		}
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 20)
	get := func(more string) (list api.ServiceList) {
		f.get("/api/services"+hour()+more, &list)
		return list
	}
	namesOf := func(list api.ServiceList) (out []string) {
		for _, s := range list.Services {
			out = append(out, s.Namespace+"/"+s.Name)
		}
		return out
	}
	all := get("&before=true")
	require.Equal(t, []string{"/batch", "ollyscale/ingest", "c/new", "/ollyscale", "b/ollyscale-writer", "a/web", "b/web", "a/web-2"}, namesOf(all))
	require.Equal(t, len(names), all.Total)
	require.Empty(t, all.NextCursor)
	for i := range all.Services {
		one := &all.Services[i]
		at := int64(slices.Index(names, one.Namespace+"/"+one.Name))
		require.Equal(t, 2+at, one.Red.Requests)
		switch one.Name {
		case "new":
			require.Zero(t, one.Before.Requests)
		case "batch":
			require.Zero(t, one.Before.Requests, "it was judged by other spans then")
		default:
			require.Equal(t, 1+at, one.Before.Requests, one.Name)
			require.InDelta(t, 1, one.Before.ErrorRate, 0)
			require.InEpsilon(t, 1e6, float64(number64(t, one.Before.P95Nano)), 0.01)
			require.InDelta(t, float64(1+at)/all.CoveredBefore.Seconds, one.Before.Rate, 1e-9)
		}
	}
	require.InDelta(t, 7200, all.Covered.Seconds, 0)
	require.Less(t, all.CoveredBefore.Seconds, 7200.0, "the first span is in the range before")
	require.Equal(t, number64(t, all.Covered.StartUnixNano), number64(t, all.CoveredBefore.EndUnixNano))
	plain := get("")
	require.Nil(t, plain.CoveredBefore)
	require.Nil(t, plain.Services[0].Before)

	var paged []string
	cursor := ""
	for range 10 {
		page := get("&limit=3&buckets=4&cursor=" + cursor)
		require.Equal(t, len(names), page.Total)
		require.LessOrEqual(t, len(page.Services), 3)
		paged = append(paged, namesOf(page)...)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	require.Equal(t, namesOf(all), paged)
	require.Equal(t, []string{"b/ollyscale-writer", "b/web"}, namesOf(get("&namespace=b")))
	require.Equal(t, []string{"/batch", "c/new", "a/web", "b/web", "a/web-2"}, namesOf(get("&hide_own=true")))
	require.Equal(t, 1, get("&hide_own=true&namespace=b").Total)
	for _, wrong := range []string{"&limit=0", "&limit=1001", "&cursor=!", "&cursor=bm8", "&before=maybe", "&hide_own=2x"} {
		f.problem(http.StatusBadRequest, http.MethodGet, "/api/services"+hour()+wrong, "")
	}
	var ever api.ServiceList
	f.get("/api/services?start_time=-9223372036854775808&end_time=9223372036854775807&before=true", &ever)
	require.Len(t, ever.Services, len(names))
}

// A service that had requests in the period before, and has none now, is in the list of who asks for that period: it is the largest change that there is.
func TestAServiceThatIsGoneIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	s.span(1, "here", "run", ptrace.SpanKindServer, none(), starting(0), lasting(time.Millisecond))
	gone := base().Add(-2 * time.Hour)
	for i := range 3 {
		s.span(byte(2+i), "gone", "run", ptrace.SpanKindServer, none(), starting(time.Duration(i)*time.Minute-2*time.Hour), lasting(time.Millisecond))
	}
	s.span(9, "long gone", "run", ptrace.SpanKindServer, none(), starting(-6*time.Hour), lasting(time.Millisecond))
	f.position |= 1 // at level 0, of which rollups do not tell
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 20)
	var list api.ServiceList
	f.get("/api/services"+hour()+"&before=true&buckets=4", &list)
	require.Equal(t, 2, list.Total)
	one := list.Services[0]
	require.Equal(t, "gone", one.Name)
	require.Zero(t, one.SpanCount)
	require.Zero(t, one.Red.Requests)
	require.Nil(t, one.Series)
	require.Len(t, list.Services[1].Series.Requests, list.Timeline.Buckets)
	require.EqualValues(t, 3, one.Before.Requests)
	require.EqualValues(t, gone.UnixNano(), number64(t, one.FirstSeenUnixNano), "it is told when it was seen then")
	require.EqualValues(t, gone.Add(2*time.Minute).UnixNano(), number64(t, one.LastSeenUnixNano))
	f.get("/api/services"+hour()+"&before=true&ever=true", &list)
	require.Equal(t, gone.Add(2*time.Minute).UnixNano(), int64(number64(t, list.Services[0].Ever.LastSeenUnixNano)), "also of what no rollup tells of yet")
	require.Equal(t, gone.UnixNano(), int64(number64(t, list.Services[0].Ever.FirstSeenUnixNano)))
	f.get("/api/services"+hour(), &list)
	require.Equal(t, 1, list.Total)
	require.Equal(t, "here", list.Services[0].Name)
}

// TestOperationsOverTime add up to those of the whole range, bucket by bucket, whichever way they are counted.
func TestOperationsOverTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 2 { // of level 2, with rollups, and of level 0
		var s scene
		for i := range 90 {
			o := []spanOption{starting(time.Duration(i)*time.Minute - 30*time.Minute), lasting(time.Duration(1+i%3) * time.Millisecond)}
			if i%9 == 0 {
				o = append(o, failing)
			}
			s.span(byte(i+1), "shop", []string{"GET /", "GET /x", "tick"}[i%3], []ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindServer, ptrace.SpanKindInternal}[i%3], none(), o...)
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 20)
	}
	from, to := base().Add(-20*time.Minute-7*time.Second), base().Add(50*time.Minute+11*time.Second)
	within := func(from, to time.Time) string {
		return url.Values{"start_time": {from.Format(time.RFC3339)}, "end_time": {to.Format(time.RFC3339)}}.Encode()
	}
	var all api.OperationList
	f.get("/api/services/shop/operations?buckets=20&"+within(from, to), &all)
	require.Len(t, all.Operations, 3)
	require.EqualValues(t, 300, all.Timeline.StepSeconds)
	start := time.Unix(0, int64(number64(t, all.Timeline.StartUnixNano)))
	for i := range all.Timeline.Buckets {
		a, b := start.Add(time.Duration(i)*5*time.Minute), start.Add(time.Duration(i+1)*5*time.Minute)
		if a.Before(from) {
			a = from
		}
		if b.After(to) {
			b = to
		}
		var bucket api.OperationList
		f.get("/api/services/shop/operations?"+within(a, b), &bucket)
		want := map[string]api.RED{}
		for _, o := range bucket.Operations {
			want[o.Name] = o.Red
		}
		for _, o := range all.Operations {
			require.Equal(t, want[o.Name].Requests, o.Series.Requests[i], "%s %d", o.Name, i)
			require.Equal(t, want[o.Name].Errors, o.Series.Errors[i])
			if want[o.Name].Requests > 0 {
				require.Equal(t, want[o.Name].P95Nano, o.Series.P95Nano[i])
			}
		}
	}
	var plain api.OperationList
	f.get("/api/services/shop/operations?"+within(from, to), &plain)
	for i := range plain.Operations {
		require.Nil(t, plain.Operations[i].Series)
		require.Equal(t, plain.Operations[i].Red, all.Operations[i].Red)
	}
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/services/shop/operations"+hour()+"&buckets=1", "")
}

// TestDependenciesAreTheEdgesOfTheMap at a service, and a map can be narrowed.
func TestDependenciesAreTheEdgesOfTheMap(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	in := func(namespace string) spanOption {
		return func(ptrace.Span) {
			s.td.ResourceSpans().At(s.td.ResourceSpans().Len()-1).Resource().Attributes().PutStr("service.namespace", namespace)
		}
	}
	root := s.span(1, "web", "GET", ptrace.SpanKindServer, none(), in("shop"))
	for range 2 {
		call := s.span(1, "web", "call", ptrace.SpanKindClient, root, in("shop"))
		s.span(1, "cart", "serve", ptrace.SpanKindServer, call, in("shop"), failing)
	}
	s.span(1, "web", "SELECT", ptrace.SpanKindClient, root, in("shop"), with("db.system", "mysql"), with("server.address", "db"))
	poll := s.span(2, "jobs", "GET", ptrace.SpanKindClient, none(), in("back"))
	s.span(2, "web", "serve", ptrace.SpanKindServer, poll, in("shop"))
	s.span(2, "ollyscale-query", "SELECT", ptrace.SpanKindClient, none(), with("db.system", "postgresql"), with("server.address", "pg"))
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 20)
	var got api.DependencyList
	told := func(name, more string) (out []string) {
		f.get("/api/services/"+name+"/dependencies"+hour()+more, &got)
		for _, d := range got.Callers {
			out = append(out, fmt.Sprintf("from %s %s: %d, %d failed", d.Node.Type, d.Node.Name, d.Red.Requests, d.Red.Errors))
		}
		for _, d := range got.Calls {
			out = append(out, fmt.Sprintf("to %s %s: %d, %d failed", d.Node.Type, d.Node.Name, d.Red.Requests, d.Red.Errors))
		}
		return out
	}
	require.Equal(t, []string{"from service jobs: 1, 0 failed", "to service cart: 2, 2 failed", "to database db: 1, 0 failed"}, told("web", ""))
	require.Len(t, told("web", "&namespace=shop"), 3)
	require.Empty(t, told("web", "&namespace=back"))
	require.Empty(t, told("nobody", ""))
	require.NotZero(t, got.Covered.Seconds)

	nodes := func(more string) (out []string) {
		var m api.ServiceMap
		f.get("/api/service-map"+hour()+more, &m)
		for _, n := range m.Nodes {
			out = append(out, n.Name)
		}
		for _, e := range m.Edges {
			require.True(t, slices.ContainsFunc(m.Nodes, func(n api.MapNode) bool { return n.ID == e.Source }))
			require.True(t, slices.ContainsFunc(m.Nodes, func(n api.MapNode) bool { return n.ID == e.Target }))
		}
		slices.Sort(out)
		return out
	}
	require.Equal(t, []string{"cart", "db", "jobs", "ollyscale-query", "pg", "web"}, nodes(""))
	require.Equal(t, []string{"cart", "db", "jobs", "web"}, nodes("&hide_own=true"))
	require.Equal(t, []string{"jobs", "web"}, nodes("&namespace=back"))
	require.Equal(t, []string{"cart", "db", "jobs", "web"}, nodes("&namespace=shop"))
}

func TestServicesAddUpToTheSpansOfTheRange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(3) {
		f.fill(seed, 300, 64)
	}
	from, to := base().Add(90*time.Second), base().Add(7*time.Minute)
	want := map[string]int64{}
	for _, item := range f.page("spans", searchBody{from: from, to: to, limit: 1000}).items {
		var s api.Span
		decode(t, item, &s)
		want[s.ServiceNamespace+"/"+s.ServiceName]++
	}
	var list api.ServiceList
	f.get("/api/services?"+url.Values{"start_time": {from.Format(time.RFC3339)}, "end_time": {fmt.Sprint(to.UnixNano())}}.Encode(), &list)
	got := map[string]int64{}
	for _, s := range list.Services {
		got[s.Namespace+"/"+s.Name] = s.SpanCount
	}
	require.Equal(t, want, got)
}

func TestMetricsWithAwkwardNamesAreFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	md := pmetric.NewMetrics()
	names := []string{"http.server/duration", "a b", "100%", "größe", "x?y=z#f", "search me"}
	for _, name := range names {
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(name)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(base()))
		p.SetIntValue(1)
	}
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 100)
	for _, name := range names {
		var series api.MetricSeries
		f.get("/api/metrics/"+url.PathEscape(name)+hour(), &series)
		require.Equal(t, name, series.Name)
		require.Len(t, series.Series, 1)
		require.Len(t, series.Series[0].Points, 1)
	}
}

func TestOneMetricKeepsTheNewestPoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	md := pmetric.NewMetrics()
	points := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	points.SetName("depth")
	list := points.SetEmptyGauge().DataPoints()
	for i := range 50 {
		p := list.AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(i) * time.Second)))
		p.SetIntValue(int64(i))
		p.Attributes().PutStr("queue", []string{"a", "b"}[i%2])
	}
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 9)
	var series api.MetricSeries
	f.get("/api/metrics/depth"+hour()+"&limit=10", &series)
	require.Len(t, series.Series, 2)
	require.NotNil(t, series.Incomplete)
	require.Equal(t, api.IncompleteReasonLimit, series.Incomplete.Reason)
	for _, s := range series.Series {
		require.Len(t, s.Points, 5)
		first := number64(t, s.Points[0].AsInt)
		require.GreaterOrEqual(t, first, uint64(40))
		for i, p := range s.Points {
			require.Equal(t, first+uint64(2*i), number64(t, p.AsInt), "oldest first")
		}
	}
	f.get("/api/metrics/depth"+hour()+"&filters="+url.QueryEscape(`[{"field":"attributes.queue","operator":"eq","value":"b"}]`), &series)
	require.Len(t, series.Series, 1)
	require.Len(t, series.Series[0].Points, 25)
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/metrics/depth"+hour()+"&limit=100001", "")
}

func TestLogsOfATrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(3, 300, 50)
	counts := map[string]int{}
	for _, item := range f.page("logs", searchBody{limit: 1000}).items {
		var l api.LogRecord
		decode(t, item, &l)
		counts[l.TraceID]++
	}
	delete(counts, "")
	checked := 0
	for id, n := range counts {
		if checked++; checked > 5 {
			break
		}
		var page api.LogPage
		f.get("/api/traces/"+id+"/logs", &page)
		require.Len(t, page.Logs, n)
		f.get("/api/traces/"+id+"/logs"+hour()+"&limit=1", &page)
		require.Len(t, page.Logs, 1)
		require.Equal(t, n > 1, page.Pagination.HasMore)
		if n > 1 {
			f.get("/api/traces/"+id+"/logs"+hour()+"&limit=1000&cursor="+page.Pagination.NextCursor, &page)
			require.Len(t, page.Logs, n-1)
		}
	}
}

func TestAServiceWithAnImpossibleNameIsFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	s.span(1, "a\x00b", "GET /", ptrace.SpanKindServer, none())
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 10)
	require.Len(t, f.page("spans", searchBody{filters: `[{"field":"service","operator":"eq","value":"a\u0000b"}]`}).items, 1)
	require.Len(t, f.page("spans", searchBody{filters: `[{"field":"resource.service.name","operator":"eq","value":"a\u0000b"}]`}).items, 1)
}

// Who asks for everything sends the largest number there is: what is widened, to whole minutes and by an hour, must not turn round.
func TestARangeMayEndAtTheEndOfTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 2 { // of level 2, with rollups, and of level 0
		var s scene
		for i := range 20 {
			s.span(byte(i+1), []string{"shop", "front"}[i%2], "GET /", ptrace.SpanKindServer, none(), starting(time.Duration(i)*time.Second))
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 10)
	}
	for _, end := range []string{"9223372036854775807", "9223372036854775806", "9223370000000000000", "9223000000000000000"} {
		var list api.ServiceList
		f.get("/api/services?start_time=0&end_time="+end, &list)
		require.Len(t, list.Services, 2, end)
		require.Equal(t, int64(20), list.Services[0].SpanCount, end)
		var picture api.ServiceMap
		f.get("/api/service-map?start_time=0&end_time="+end, &picture)
		require.Len(t, picture.Nodes, 2, end)
		require.Equal(t, int64(20), picture.Nodes[0].Red.Requests, end)
	}
	var list api.ServiceList
	f.get("/api/services?start_time=-9223372036854775808&end_time=9223372036854775807", &list)
	require.Len(t, list.Services, 2)
}
