package testbed

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Shop makes telemetry in bulk as a busy web shop would: 17 services of 3 instances, about 110 operations, 15 spans a trace, 11 attributes
// a span, 16 on a resource, an exception on 3 to 4 % of spans, logs that belong to spans, metrics of all five kinds. The same seed makes
// the same bytes. For benchmarks and load; not safe for concurrent use.
type Shop struct {
	rnd      *rand.Rand
	now      time.Time
	step     time.Duration // between traces
	every    time.Duration // between scrapes
	services []shopService
	pending  []shopSpan // of the last trace, beyond what was asked for
	recent   []shopSpan // what logs refer to
	began    time.Time  // of counting
	scrapes  int
	series   int // where the next Metrics goes on
	counters map[int]*shopCounters
}

// shopCounters are the numbers of one instance that go on from scrape to scrape.
type shopCounters struct {
	requests                 map[string]int64 // by route and status
	buckets                  []uint64
	seconds                  float64
	memory, threads, clients int64
	pauses                   uint64
	paused                   float64
}

type shopService struct {
	name, language string
	operations     []string // of server spans
	stores         []string // of client spans to databases and queues
	calls          []int
}

type shopSpan struct {
	trace         pcommon.TraceID
	span, parent  pcommon.SpanID
	service, inst int
	name          string
	kind          ptrace.SpanKind
	start         time.Time
	duration      time.Duration
	failed        bool
	fill          func(pcommon.Map)
}

// NewShop opens a shop at an instant; a trace begins every 15 ms of its time, which makes about 1,000 spans a second.
func NewShop(seed uint64, at time.Time) *Shop {
	s := &Shop{
		rnd: rand.New(rand.NewPCG(seed, 0x6f6c6c79)), now: at, step: 15 * time.Millisecond, every: 15 * time.Second, began: at.Add(-time.Hour), counters: map[int]*shopCounters{},
	}
	names := []string{
		"frontend", "gateway", "cart", "checkout", "catalog", "search", "payment", "shipping", "email", "recommendation", "ad",
		"currency", "quote", "accounting", "fraud-detection", "inventory", "image-provider",
	}
	languages := []string{"nodejs", "go", "dotnet", "go", "java", "rust", "python"}
	calls := [][]int{
		{1}, {2, 3, 4, 5, 9, 10}, {15}, {2, 4, 6, 7, 8, 11, 13}, {16}, {4}, {14}, {12}, {}, {4}, {}, {}, {}, {}, {}, {}, {},
	}
	for i, name := range names {
		svc := shopService{name: name, language: languages[i%len(languages)], calls: calls[i]}
		for _, verb := range []string{"get", "list", "put", "check"} {
			svc.operations = append(svc.operations, fmt.Sprintf("/api/%s/%s", name, verb))
		}
		for _, verb := range []string{"SELECT", "INSERT", "UPDATE"}[:1+i%3] {
			svc.stores = append(svc.stores, verb+" shop."+name)
		}
		s.services = append(s.services, svc)
	}
	return s
}

// Every sets the time from the beginning of one trace to the next, for a shop that is less busy, and returns the shop.
func (s *Shop) Every(step time.Duration) *Shop {
	s.step = step
	return s
}

// Scraping sets the time from one scrape of all instances to the next, 15 s unless set, and returns the shop.
func (s *Shop) Scraping(every time.Duration) *Shop {
	s.every = every
	return s
}

// Now is the shop's time.
func (s *Shop) Now() time.Time { return s.now }

// Payload is n items of a signal as an Export…ServiceRequest.
func (s *Shop) Payload(signal telemetry.Signal, n int) []byte {
	switch signal {
	case telemetry.Traces:
		return TracesPayload(s.Traces(n))
	case telemetry.Logs:
		return LogsPayload(s.Logs(n))
	case telemetry.Metrics:
		return MetricsPayload(s.Metrics(n))
	}
	panic(fmt.Sprintf("unknown signal %d", signal))
}

// Traces makes exactly n spans, grouped by resource as a collector's batch is.
func (s *Shop) Traces(n int) ptrace.Traces {
	spans := make([]shopSpan, 0, n+32)
	spans, s.pending = append(spans, s.pending...), nil
	for len(spans) < n {
		spans = append(spans, s.trace()...)
	}
	s.pending = append(s.pending, spans[n:]...)
	spans = spans[:n]
	s.recent = spans

	td := ptrace.NewTraces()
	groups := map[int]ptrace.SpanSlice{}
	for i := range spans {
		span := &spans[i]
		key := span.service*8 + span.inst
		slice, ok := groups[key]
		if !ok {
			rs := td.ResourceSpans().AppendEmpty()
			s.resource(rs.Resource(), span.service, span.inst)
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName("io.opentelemetry." + s.services[span.service].language + ".http")
			ss.Scope().SetVersion("2.14.0")
			slice = ss.Spans()
			groups[key] = slice
		}
		s.write(span, slice.AppendEmpty())
	}
	return td
}

func (s *Shop) trace() []shopSpan {
	s.now = s.now.Add(s.step)
	var id pcommon.TraceID
	s.random(id[:])
	spans := s.serve(nil, id, pcommon.SpanID{}, 0, s.now, 0)
	return spans
}

func (s *Shop) random(b []byte) {
	for i := range b {
		b[i] = byte(s.rnd.Uint32())
	}
}

func (s *Shop) spanID() (id pcommon.SpanID) {
	s.random(id[:])
	return id
}

// serve adds the server span of one request, and what it calls.
func (s *Shop) serve(spans []shopSpan, trace pcommon.TraceID, parent pcommon.SpanID, service int, start time.Time, depth int) []shopSpan {
	svc := &s.services[service]
	route := svc.operations[s.rnd.IntN(len(svc.operations))]
	status := 200
	failed := s.rnd.IntN(1000) < 115
	if failed {
		status = 500
	}
	user, port := s.rnd.IntN(5000), 30000+s.rnd.IntN(20000)
	self := len(spans)
	spans = append(spans, shopSpan{
		trace: trace, span: s.spanID(), parent: parent, service: service, inst: s.rnd.IntN(3), name: "GET " + route,
		kind: ptrace.SpanKindServer, start: start, failed: failed,
		fill: func(m pcommon.Map) {
			m.PutStr("http.request.method", "GET")
			m.PutStr("http.route", route)
			m.PutInt("http.response.status_code", int64(status))
			m.PutStr("url.path", route)
			m.PutStr("url.scheme", "http")
			m.PutStr("server.address", svc.name)
			m.PutInt("server.port", 8080)
			m.PutStr("network.protocol.version", "1.1")
			m.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
			m.PutInt("network.peer.port", int64(port))
			m.PutStr("app.user.id", fmt.Sprintf("user-%04d", user))
		},
	})
	at := start.Add(time.Duration(100+s.rnd.IntN(900)) * time.Microsecond)
	id := spans[self].span
	for range 1 + s.rnd.IntN(2) {
		spans = s.store(spans, trace, id, service, at)
		at = at.Add(spans[len(spans)-1].duration)
	}
	for _, callee := range svc.calls {
		if depth > 0 && s.rnd.IntN(3) > 0 {
			continue
		}
		client := len(spans)
		spans = s.call(spans, trace, id, service, callee, at)
		spans = s.serve(spans, trace, spans[client].span, callee, at.Add(300*time.Microsecond), depth+1)
		spans[client].duration = spans[client+1].duration + 600*time.Microsecond
		at = at.Add(spans[client].duration)
		if depth > 1 {
			break
		}
	}
	spans[self].duration = at.Sub(start) + time.Duration(s.rnd.IntN(500_000))
	return spans
}

func (s *Shop) call(spans []shopSpan, trace pcommon.TraceID, parent pcommon.SpanID, service, callee int, at time.Time) []shopSpan {
	name := s.services[callee].name
	return append(spans, shopSpan{
		trace: trace, span: s.spanID(), parent: parent, service: service, inst: s.rnd.IntN(3), name: "shop." + name + "/Call",
		kind: ptrace.SpanKindClient, start: at,
		fill: func(m pcommon.Map) {
			m.PutStr("rpc.system", "grpc")
			m.PutStr("rpc.service", "shop."+name)
			m.PutStr("rpc.method", "Call")
			m.PutInt("rpc.grpc.status_code", 0)
			m.PutStr("server.address", name)
			m.PutInt("server.port", 8080)
			m.PutStr("network.peer.address", "10.0.12.7")
			m.PutInt("network.peer.port", 8080)
			m.PutInt("thread.id", 17)
			m.PutStr("thread.name", "grpc-default-executor-3")
			m.PutBool("rpc.retry", false)
		},
	})
}

func (s *Shop) store(spans []shopSpan, trace pcommon.TraceID, parent pcommon.SpanID, service int, at time.Time) []shopSpan {
	svc := &s.services[service]
	statement := svc.stores[s.rnd.IntN(len(svc.stores))]
	rows := s.rnd.IntN(50)
	return append(spans, shopSpan{
		trace: trace, span: s.spanID(), parent: parent, service: service, inst: s.rnd.IntN(3), name: statement,
		kind: ptrace.SpanKindClient, start: at, duration: time.Duration(200+s.rnd.IntN(4000)) * time.Microsecond,
		fill: func(m pcommon.Map) {
			m.PutStr("db.system.name", "postgresql")
			m.PutStr("db.namespace", "shop")
			m.PutStr("db.operation.name", statement[:6])
			m.PutStr("db.collection.name", svc.name)
			m.PutStr("db.query.text", statement+" WHERE id = $1 AND deleted_at IS NULL")
			m.PutInt("db.response.returned_rows", int64(rows))
			m.PutStr("server.address", "db."+svc.name)
			m.PutInt("server.port", 5432)
			m.PutStr("network.peer.address", "10.0.13.9")
			m.PutInt("thread.id", 21)
			m.PutDouble("db.client.pool.wait_ms", float64(rows)/8)
		},
	})
}

func (s *Shop) write(from *shopSpan, to ptrace.Span) {
	to.SetTraceID(from.trace)
	to.SetSpanID(from.span)
	to.SetParentSpanID(from.parent)
	to.SetName(from.name)
	to.SetKind(from.kind)
	to.SetFlags(0x101)
	to.SetStartTimestamp(pcommon.NewTimestampFromTime(from.start))
	to.SetEndTimestamp(pcommon.NewTimestampFromTime(from.start.Add(from.duration)))
	from.fill(to.Attributes())
	if !from.failed {
		return
	}
	to.Status().SetCode(ptrace.StatusCodeError)
	to.Status().SetMessage("request failed")
	e := to.Events().AppendEmpty()
	e.SetName("exception")
	e.SetTimestamp(pcommon.NewTimestampFromTime(from.start.Add(from.duration / 2)))
	e.Attributes().PutStr("exception.type", "TimeoutException")
	e.Attributes().PutStr("exception.message", "upstream did not answer within 500 ms")
	e.Attributes().PutStr("exception.stacktrace", "at shop.Client.call(Client.java:118)\n\tat shop.Server.handle(Server.java:54)")
}

func (s *Shop) resource(r pcommon.Resource, service, inst int) {
	svc := &s.services[service]
	a := r.Attributes()
	a.PutStr("service.name", svc.name)
	a.PutStr("service.namespace", "shop")
	a.PutStr("service.version", "2.1.0")
	a.PutStr("service.instance.id", fmt.Sprintf("%s-%d", svc.name, inst))
	a.PutStr("deployment.environment.name", "production")
	a.PutStr("telemetry.sdk.name", "opentelemetry")
	a.PutStr("telemetry.sdk.language", svc.language)
	a.PutStr("telemetry.sdk.version", "1.44.0")
	a.PutStr("host.name", fmt.Sprintf("node-%d", (service+inst)%7))
	a.PutStr("os.type", "linux")
	a.PutInt("process.pid", int64(1000+service*10+inst))
	a.PutStr("k8s.cluster.name", "eu-1")
	a.PutStr("k8s.namespace.name", "shop")
	a.PutStr("k8s.deployment.name", svc.name)
	a.PutStr("k8s.pod.name", fmt.Sprintf("%s-7d9f8b6c5d-%d", svc.name, inst))
	a.PutStr("container.image.name", "registry.example/shop/"+svc.name)
}

// Logs makes exactly n records; nine of ten belong to a span of the last Traces, if there was one.
func (s *Shop) Logs(n int) plog.Logs {
	ld := plog.NewLogs()
	groups := map[int]plog.LogRecordSlice{}
	for i := range n {
		service, inst, at := s.rnd.IntN(len(s.services)), s.rnd.IntN(3), s.now.Add(time.Duration(i)*time.Millisecond)
		var span *shopSpan
		if len(s.recent) > 0 && s.rnd.IntN(10) > 0 {
			span = &s.recent[s.rnd.IntN(len(s.recent))]
			service, inst, at = span.service, span.inst, span.start.Add(span.duration/2)
		}
		key := service*8 + inst
		slice, ok := groups[key]
		if !ok {
			rl := ld.ResourceLogs().AppendEmpty()
			s.resource(rl.Resource(), service, inst)
			sl := rl.ScopeLogs().AppendEmpty()
			sl.Scope().SetName("shop.logger")
			slice = sl.LogRecords()
			groups[key] = slice
		}
		r := slice.AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(at))
		r.SetObservedTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Millisecond)))
		if span != nil {
			r.SetTraceID(span.trace)
			r.SetSpanID(span.span)
			r.SetFlags(plog.LogRecordFlags(1))
		}
		order := s.rnd.IntN(100_000)
		switch {
		case span != nil && span.failed:
			r.SetSeverityNumber(plog.SeverityNumberError)
			r.SetSeverityText("ERROR")
			r.Body().SetStr(fmt.Sprintf("request for order %d failed after %d ms: upstream did not answer", order, s.rnd.IntN(900)))
		case i%7 == 0:
			r.SetSeverityNumber(plog.SeverityNumberWarn)
			r.SetSeverityText("WARN")
			r.Body().SetStr(fmt.Sprintf("slow query on %s: %d ms", s.services[service].name, 100+s.rnd.IntN(400)))
		default:
			r.SetSeverityNumber(plog.SeverityNumberInfo)
			r.SetSeverityText("INFO")
			r.Body().SetStr(fmt.Sprintf("order %d handled for user-%04d in %d ms", order, s.rnd.IntN(5000), s.rnd.IntN(90)))
		}
		r.Attributes().PutStr("code.function.name", "shop."+s.services[service].name+".Handle")
		r.Attributes().PutStr("code.file.path", "/src/"+s.services[service].name+"/handler.go")
		r.Attributes().PutInt("code.line.number", int64(40+order%60))
		r.Attributes().PutStr("thread.name", fmt.Sprintf("worker-%d", order%16))
		r.Attributes().PutInt("app.order.id", int64(order))
	}
	return ld
}

// Metrics makes exactly n points, as scrapes of all instances every 15 s of the shop's time: 80 % numbers, the others histograms and
// summaries. What is cumulative never goes back; gauges move as what they measure does: bytes by pages, a few threads and connections more
// or less, a share of a CPU that is different in every bit.
func (s *Shop) Metrics(n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	instances := len(s.services) * 3
	left := n
	for left > 0 {
		instance := s.series % instances
		if instance == 0 {
			s.scrapes++
		}
		s.series++
		rm := md.ResourceMetrics().AppendEmpty()
		s.resource(rm.Resource(), instance/3, instance%3)
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName("io.opentelemetry.runtime")
		at := pcommon.NewTimestampFromTime(s.now.Add(time.Duration(s.scrapes) * s.every))
		left -= s.scrape(sm.Metrics(), s.services[instance/3], s.counting(instance), at, left)
	}
	return md
}

// counting is the counters of an instance.
func (s *Shop) counting(instance int) *shopCounters {
	c := s.counters[instance]
	if c == nil {
		c = &shopCounters{
			requests: map[string]int64{}, buckets: make([]uint64, 12), memory: int64(20_000+s.rnd.IntN(80_000)) * 4096, threads: int64(8 + s.rnd.IntN(40)),
		}
		s.counters[instance] = c
	}
	return c
}

// gauges are an instance's gauges as they are now.
func (s *Shop) gauges(c *shopCounters, set func(name, unit string, set func(pmetric.NumberDataPoint)) bool) bool {
	integer := func(v int64) func(pmetric.NumberDataPoint) {
		return func(p pmetric.NumberDataPoint) { p.SetIntValue(v) }
	}
	c.memory = max(c.memory+int64(s.rnd.IntN(401)-200)*4096, 4096)
	c.threads = max(c.threads+int64(s.rnd.IntN(3)-1), 1)
	c.clients = max(c.clients+int64(s.rnd.IntN(5)-2), 0)
	busy := s.rnd.Float64()
	return set("process.memory.usage", "By", integer(c.memory)) &&
		set("process.cpu.utilization", "1", func(p pmetric.NumberDataPoint) { p.SetDoubleValue(busy) }) &&
		set("process.threads", "{thread}", integer(c.threads)) &&
		set("db.client.connections", "{connection}", integer(c.clients))
}

// scrape adds at most limit points of one instance and returns how many.
func (s *Shop) scrape(ms pmetric.MetricSlice, svc shopService, c *shopCounters, at pcommon.Timestamp, limit int) int {
	start := pcommon.NewTimestampFromTime(s.began)
	count := 0
	room := func() bool { count++; return count <= limit }
	attributes := func(m pcommon.Map, route string, code int64) {
		m.PutStr("http.route", route)
		m.PutInt("http.response.status_code", code)
	}

	requests := ms.AppendEmpty()
	requests.SetName("http.server.requests")
	requests.SetUnit("{request}")
	sum := requests.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for _, route := range svc.operations {
		for _, code := range []int64{200, 500} {
			if !room() {
				return limit
			}
			p := sum.DataPoints().AppendEmpty()
			p.SetStartTimestamp(start)
			p.SetTimestamp(at)
			most := 70
			if code == 500 {
				most = 10
			}
			key := fmt.Sprint(route, code)
			c.requests[key] += int64(s.rnd.IntN(most))
			p.SetIntValue(c.requests[key])
			attributes(p.Attributes(), route, code)
		}
	}
	if !s.gauges(c, func(name, unit string, set func(pmetric.NumberDataPoint)) bool {
		if !room() {
			return false
		}
		m := ms.AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(at)
		set(p)
		p.Attributes().PutStr("pool", "main")
		return true
	}) {
		return limit
	}
	if !room() {
		return limit
	}
	duration := ms.AppendEmpty()
	duration.SetName("http.server.request.duration")
	duration.SetUnit("s")
	h := duration.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(start)
	p.SetTimestamp(at)
	p.ExplicitBounds().FromRaw([]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})
	counts, added, total := make([]uint64, 12), uint64(0), uint64(0)
	for i, most := range []int{2, 5, 20, 60, 90, 60, 25, 8, 3, 2, 2, 2} { // requests of 15 s
		counts[i] = uint64(s.rnd.IntN(most))
		added += counts[i]
		c.buckets[i] += counts[i]
		total += c.buckets[i]
	}
	c.seconds += float64(added) * s.rnd.Float64() / 10
	p.BucketCounts().FromRaw(c.buckets)
	p.SetCount(total)
	p.SetSum(c.seconds)
	attributes(p.Attributes(), svc.operations[0], 200)
	if len(s.recent) > 0 {
		span := &s.recent[s.rnd.IntN(len(s.recent))]
		e := p.Exemplars().AppendEmpty()
		e.SetTimestamp(at)
		e.SetDoubleValue(span.duration.Seconds())
		e.SetTraceID(span.trace)
		e.SetSpanID(span.span)
	}
	if !room() {
		return limit
	}
	calls := ms.AppendEmpty()
	calls.SetName("rpc.server.duration")
	calls.SetUnit("ms")
	x := calls.SetEmptyExponentialHistogram()
	x.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	xp := x.DataPoints().AppendEmpty()
	xp.SetStartTimestamp(at - pcommon.Timestamp(15*time.Second))
	xp.SetTimestamp(at)
	xp.SetScale(3)
	xp.SetCount(added)
	xp.SetSum(s.rnd.Float64() * 5000)
	xp.Positive().SetOffset(-12)
	xp.Positive().BucketCounts().FromRaw(counts)
	if !room() {
		return limit
	}
	pauses := ms.AppendEmpty()
	pauses.SetName("gc.pause")
	pauses.SetUnit("s")
	sp := pauses.SetEmptySummary().DataPoints().AppendEmpty()
	sp.SetStartTimestamp(start)
	sp.SetTimestamp(at)
	c.pauses += uint64(s.rnd.IntN(10))
	c.paused += s.rnd.Float64() / 100
	sp.SetCount(c.pauses)
	sp.SetSum(c.paused)
	for _, q := range []float64{0.5, 0.99} {
		v := sp.QuantileValues().AppendEmpty()
		v.SetQuantile(q)
		v.SetValue(q * s.rnd.Float64())
	}
	return count
}
