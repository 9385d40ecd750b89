package segment

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// demo makes telemetry like the OpenTelemetry demo's: 17 services, some 100 operations, about 15 spans a trace and 11 attributes a span,
// at the rate of 10 million spans a day. hard adds to each span a random uuid, a free text, an address and a float.
type demo struct {
	*rand.Rand
	hard bool
	now  int64
}

func newDemo(seed uint64, hard bool) *demo {
	return &demo{Rand: rand.New(rand.NewPCG(seed, 99)), hard: hard, now: baseTime / int64(time.Hour) * int64(time.Hour)}
}

const demoServices = 17

func demoService(i int) string {
	return [...]string{
		"frontend", "cart", "checkout", "currency", "payment", "shipping", "email", "ad", "recommendation", "product-catalog", "quote",
		"accounting", "fraud-detection", "image-provider", "load-generator", "frontend-proxy", "flagd",
	}[i]
}

type demoSpan struct {
	service, op     int
	kind            ptrace.SpanKind
	start, end      int64
	trace           pcommon.TraceID
	id, parent      pcommon.SpanID
	user            int
	failed          bool
	order, product  uint32
	statusCode      int64
	clientIP, agent int
}

func (d *demo) traceID() (id pcommon.TraceID) {
	binary.LittleEndian.PutUint64(id[:], d.Uint64())
	binary.LittleEndian.PutUint64(id[8:], d.Uint64())
	return id
}

func (d *demo) spanID() (id pcommon.SpanID) {
	binary.LittleEndian.PutUint64(id[:], d.Uint64())
	return id
}

// trace makes the spans of one trace: a tree of calls.
func (d *demo) trace() []demoSpan {
	// 10 M spans a day are 116 a second, so a trace of 15 begins every 130 ms.
	d.now += int64(d.ExpFloat64() * 130e6)
	tree := []demoSpan{{
		service: 15, op: d.IntN(6), kind: ptrace.SpanKindServer, start: d.now, trace: d.traceID(), id: d.spanID(),
		user: d.IntN(5000), order: d.Uint32(), product: uint32(d.IntN(10)), clientIP: d.IntN(2000), agent: d.IntN(20),
	}}
	n := 6 + d.IntN(18)
	root := &tree[0]
	root.end = root.start + int64(math.Exp(d.NormFloat64()*0.8+17.5))
	for len(tree) < n {
		p := tree[d.IntN(len(tree))]
		s := p
		s.parent, s.id = p.id, d.spanID()
		width := max(p.end-p.start, 1000)
		s.start = p.start + d.Int64N(width/2+1)
		s.end = s.start + d.Int64N(width/2+1) + 1000
		switch {
		case p.kind == ptrace.SpanKindClient && len(tree) < n:
			s.kind = ptrace.SpanKindServer
			s.service, s.op = (p.service*7+p.op)%demoServices, p.op
		case d.IntN(3) == 0:
			s.kind, s.op = ptrace.SpanKindInternal, d.IntN(3)
		default:
			s.kind, s.op = ptrace.SpanKindClient, d.IntN(6)
		}
		s.statusCode = 200
		if d.IntN(50) == 0 {
			s.failed, s.statusCode = true, 500
		}
		tree = append(tree, s)
	}
	return tree
}

func (d *demo) resource(service int, r pcommon.Resource) {
	a := r.Attributes()
	name := demoService(service)
	a.PutStr("service.name", name)
	a.PutStr("service.namespace", "opentelemetry-demo")
	a.PutStr("service.version", "2.0.2")
	a.PutStr("service.instance.id", fmt.Sprintf("%08x-1111-4222-8333-%012x", service*77777777, service*123456789))
	a.PutStr("deployment.environment.name", "production")
	a.PutStr("telemetry.sdk.name", "opentelemetry")
	a.PutStr("telemetry.sdk.language", []string{"go", "java", "nodejs", "python"}[service%4])
	a.PutStr("telemetry.sdk.version", "1.34.1")
	a.PutStr("host.name", fmt.Sprintf("%s-7d9f8b6c5-x2%03d", name, service))
	a.PutStr("os.type", "linux")
	a.PutInt("process.pid", int64(1+service))
	a.PutStr("k8s.pod.ip", fmt.Sprintf("10.244.1.%d", service+20))
}

func (d *demo) attributes(s *demoSpan, a pcommon.Map) {
	service := demoService(s.service)
	switch s.kind {
	case ptrace.SpanKindServer:
		if s.service%2 == 0 {
			a.PutStr("rpc.system", "grpc")
			a.PutStr("rpc.service", "oteldemo."+service+"Service")
			a.PutStr("rpc.method", fmt.Sprintf("Method%d", s.op))
			a.PutInt("rpc.grpc.status_code", s.statusCode/500*13)
			a.PutStr("network.peer.address", fmt.Sprintf("10.244.1.%d", 20+(s.service*3+s.op)%17))
			a.PutInt("network.peer.port", int64(32768+d.IntN(2000)))
			a.PutStr("server.address", service)
			a.PutInt("server.port", 8080)
		} else {
			a.PutStr("http.request.method", []string{"GET", "POST"}[s.op%2])
			a.PutStr("url.path", fmt.Sprintf("/api/%s/%d", service, s.op))
			a.PutStr("http.route", fmt.Sprintf("/api/%s/{id}", service))
			a.PutInt("http.response.status_code", s.statusCode)
			a.PutStr("url.scheme", "http")
			a.PutStr("server.address", service)
			a.PutInt("server.port", 8080)
			a.PutStr("network.protocol.version", "1.1")
			a.PutStr("client.address", fmt.Sprintf("192.168.%d.%d", s.clientIP/250, s.clientIP%250))
			a.PutStr("user_agent.original", fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/%d.0.0.0 Safari/537.36", 100+s.agent))
		}
		a.PutStr("app.user.id", fmt.Sprintf("user-%d", s.user))
		a.PutStr("session.id", fmt.Sprintf("%016x", uint64(s.user)*0x9e3779b97f4a7c15))
	case ptrace.SpanKindClient:
		if s.op%3 == 0 {
			a.PutStr("db.system.name", "postgresql")
			a.PutStr("db.namespace", "shop")
			a.PutStr("db.operation.name", []string{"SELECT", "INSERT", "UPDATE"}[s.op/2%3])
			a.PutStr("db.collection.name", fmt.Sprintf("table_%d", s.service%5))
			a.PutStr("db.query.text", fmt.Sprintf("SELECT id, name, price_currency, price_units, price_nanos FROM table_%d WHERE id = $1 AND op = %d", s.service%5, s.op))
			a.PutStr("server.address", "postgres")
			a.PutInt("server.port", 5432)
			a.PutInt("db.response.returned_rows", int64(d.IntN(30)))
		} else {
			a.PutStr("http.request.method", "POST")
			a.PutStr("url.full", fmt.Sprintf("http://%s:8080/api/%d?product=%d", demoService((s.service*7+s.op)%demoServices), s.op, s.product))
			a.PutInt("http.response.status_code", s.statusCode)
			a.PutStr("server.address", demoService((s.service*7+s.op)%demoServices))
			a.PutInt("server.port", 8080)
			a.PutStr("network.protocol.version", "1.1")
			a.PutInt("http.request.body.size", int64(100+d.IntN(400)))
		}
		a.PutStr("app.product.id", fmt.Sprintf("OLJCESPC%dZ", s.product))
		a.PutStr("thread.name", fmt.Sprintf("worker-%d", d.IntN(16)))
		a.PutInt("thread.id", int64(20+d.IntN(16)))
	default:
		a.PutStr("app.user.id", fmt.Sprintf("user-%d", s.user))
		a.PutStr("app.order.id", fmt.Sprintf("%08x-0000-4000-8000-%012x", s.order, uint64(s.order)*31))
		a.PutDouble("app.order.amount", float64(s.order%100000)/100)
		a.PutInt("app.cart.items.count", int64(s.order%9))
		a.PutStr("app.currency", []string{"USD", "EUR", "CHF"}[s.order%3])
		a.PutBool("app.synthetic_request", s.agent == 0)
		a.PutStr("code.function.name", fmt.Sprintf("handle%d", s.op))
		a.PutStr("thread.name", fmt.Sprintf("worker-%d", d.IntN(16)))
	}
	if d.hard {
		a.PutStr("request.uuid", fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", d.Uint32(), d.IntN(1<<16), d.IntN(1<<12), d.IntN(1<<12), d.Uint64()&(1<<48-1)))
		a.PutStr("note", fmt.Sprintf("processed %d items for account %d in region %d after %d retries", d.IntN(10000), d.IntN(1e6), d.IntN(50), d.IntN(5)))
		a.PutStr("edge.ip", fmt.Sprintf("%d.%d.%d.%d", d.IntN(256), d.IntN(256), d.IntN(256), d.IntN(256)))
		a.PutDouble("score", d.Float64())
	}
}

// traces makes one request of about n spans, grouped by service as a collector's batch processor leaves them.
func (d *demo) traces(n int) ptrace.Traces {
	byService := make([][]demoSpan, demoServices)
	for total := 0; total < n; {
		for _, s := range d.trace() {
			if total == n {
				break
			}
			byService[s.service] = append(byService[s.service], s)
			total++
		}
	}
	out := ptrace.NewTraces()
	for service, spans := range byService {
		if len(spans) == 0 {
			continue
		}
		// An SDK exports a span when it ends.
		slices.SortFunc(spans, func(a, b demoSpan) int { return cmp.Compare(a.end, b.end) })
		rs := out.ResourceSpans().AppendEmpty()
		d.resource(service, rs.Resource())
		rs.SetSchemaUrl("https://opentelemetry.io/schemas/1.26.0")
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName("go.opentelemetry.io/contrib/instrumentation/" + demoService(service))
		ss.Scope().SetVersion("0.61.0")
		for i := range spans {
			s := &spans[i]
			p := ss.Spans().AppendEmpty()
			p.SetTraceID(s.trace)
			p.SetSpanID(s.id)
			p.SetParentSpanID(s.parent)
			p.SetName(fmt.Sprintf("%s %s/%d", s.kind, demoService(s.service), s.op))
			p.SetKind(s.kind)
			p.SetStartTimestamp(pcommon.Timestamp(s.start))
			p.SetEndTimestamp(pcommon.Timestamp(s.end))
			p.SetFlags(0x101)
			d.attributes(s, p.Attributes())
			if s.failed {
				p.Status().SetCode(ptrace.StatusCodeError)
				p.Status().SetMessage("upstream request failed")
				e := p.Events().AppendEmpty()
				e.SetName("exception")
				e.SetTimestamp(pcommon.Timestamp(s.end - 1000))
				e.Attributes().PutStr("exception.type", "java.lang.IllegalStateException")
				e.Attributes().PutStr("exception.message", fmt.Sprintf("order %d cannot be placed", s.order))
				e.Attributes().PutStr("exception.stacktrace", "java.lang.IllegalStateException: order cannot be placed\n\tat oteldemo.Checkout.place(Checkout.java:113)\n\tat oteldemo.Checkout.call(Checkout.java:42)\n")
			}
		}
	}
	return out
}

// logs makes one request of n records with bodies of some 100 bytes, half of them with a trace.
func (d *demo) logs(n int) plog.Logs {
	out := plog.NewLogs()
	per := n / demoServices
	for service := range demoServices {
		if service == demoServices-1 {
			per = n - per*(demoServices-1)
		}
		rl := out.ResourceLogs().AppendEmpty()
		d.resource(service, rl.Resource())
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName("app.logger")
		at := d.now
		for range per {
			at += int64(d.ExpFloat64() * 1e9)
			l := sl.LogRecords().AppendEmpty()
			l.SetTimestamp(pcommon.Timestamp(at))
			l.SetObservedTimestamp(pcommon.Timestamp(at + d.Int64N(1e6)))
			level := d.IntN(20)
			switch {
			case level == 0:
				l.SetSeverityNumber(plog.SeverityNumberError)
				l.SetSeverityText("ERROR")
				l.Body().SetStr(fmt.Sprintf("Failed to place order %08x for user user-%d: upstream %s returned status 503 after %d ms", d.Uint32(), d.IntN(5000), demoService(d.IntN(17)), d.IntN(3000)))
			case level < 4:
				l.SetSeverityNumber(plog.SeverityNumberWarn)
				l.SetSeverityText("WARN")
				l.Body().SetStr(fmt.Sprintf("Cache miss ratio is %d%% for key product-%d, refreshing from catalog", d.IntN(100), d.IntN(500)))
			default:
				l.SetSeverityNumber(plog.SeverityNumberInfo)
				l.SetSeverityText("INFO")
				l.Body().SetStr(fmt.Sprintf("%s request completed: method=GET path=/api/products/%d user=user-%d duration=%dus bytes=%d", demoService(service), d.IntN(300), d.IntN(5000), d.IntN(90000), d.IntN(40000)))
			}
			l.Attributes().PutStr("logger.name", "com.shop."+demoService(service))
			l.Attributes().PutStr("thread.name", fmt.Sprintf("worker-%d", d.IntN(16)))
			l.Attributes().PutInt("line", int64(10+d.IntN(40)))
			if d.IntN(2) == 0 {
				l.SetTraceID(d.traceID())
				l.SetSpanID(d.spanID())
				l.SetFlags(1)
			}
		}
	}
	return out
}

// metrics makes one collection cycle of every service: gauges, sums, histograms, exponential histograms and a summary.
func (d *demo) metrics(cycle int) pmetric.Metrics {
	out := pmetric.NewMetrics()
	for service := range demoServices {
		rm := out.ResourceMetrics().AppendEmpty()
		d.resource(service, rm.Resource())
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName("runtime")
		sm.Scope().SetVersion("1.0.0")
		start := pcommon.Timestamp(d.now - int64(service)*1e9 - 12345)
		at := pcommon.Timestamp(d.now + int64(cycle)*15e9 + int64(service)*71e6 + d.Int64N(3e6))
		cpu := sm.Metrics().AppendEmpty()
		cpu.SetName("process.cpu.utilization")
		cpu.SetUnit("1")
		for core := range 4 {
			p := cpu.SetEmptyGauge().DataPoints().AppendEmpty()
			p.SetTimestamp(at)
			p.SetDoubleValue(math.Round(d.Float64()*10000) / 10000)
			p.Attributes().PutInt("cpu", int64(core))
		}
		memory := sm.Metrics().AppendEmpty()
		memory.SetName("process.memory.usage")
		memory.SetUnit("By")
		g := memory.SetEmptyGauge()
		for _, state := range []string{"rss", "heap", "stack"} {
			p := g.DataPoints().AppendEmpty()
			p.SetTimestamp(at)
			p.SetIntValue(200e6 + int64(d.IntN(1<<16))*4096)
			p.Attributes().PutStr("state", state)
		}
		requests := sm.Metrics().AppendEmpty()
		requests.SetName("http.server.request.count")
		requests.SetUnit("{request}")
		s := requests.SetEmptySum()
		s.SetIsMonotonic(true)
		s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for route := range 8 {
			for _, code := range []int64{200, 404, 500} {
				p := s.DataPoints().AppendEmpty()
				p.SetStartTimestamp(start)
				p.SetTimestamp(at)
				p.SetIntValue(int64(cycle)*int64(route*100+7)/code*50 + int64(d.IntN(10)))
				p.Attributes().PutStr("http.route", fmt.Sprintf("/api/%d", route))
				p.Attributes().PutInt("http.response.status_code", code)
			}
		}
		latency := sm.Metrics().AppendEmpty()
		latency.SetName("http.server.request.duration")
		latency.SetUnit("s")
		h := latency.SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for route := range 8 {
			p := h.DataPoints().AppendEmpty()
			p.SetStartTimestamp(start)
			p.SetTimestamp(at)
			p.ExplicitBounds().FromRaw([]float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10})
			total := uint64(0)
			for b := range 15 {
				c := uint64(cycle*10*(route+1)*max(0, 8-b)/4 + d.IntN(3))
				p.BucketCounts().Append(c)
				total += c
			}
			p.SetCount(total)
			p.SetSum(float64(total) * 0.0173)
			p.SetMin(0.001)
			p.SetMax(9.5)
			p.Attributes().PutStr("http.route", fmt.Sprintf("/api/%d", route))
			if d.IntN(4) == 0 {
				e := p.Exemplars().AppendEmpty()
				e.SetTimestamp(at - pcommon.Timestamp(d.Int64N(15e9)))
				e.SetDoubleValue(d.Float64())
				e.SetTraceID(d.traceID())
				e.SetSpanID(d.spanID())
			}
		}
		size := sm.Metrics().AppendEmpty()
		size.SetName("rpc.server.request.size")
		size.SetUnit("By")
		x := size.SetEmptyExponentialHistogram()
		x.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		for method := range 3 {
			p := x.DataPoints().AppendEmpty()
			p.SetStartTimestamp(at - 15e9)
			p.SetTimestamp(at)
			p.SetScale(3)
			p.SetCount(uint64(20 + d.IntN(30)))
			p.SetSum(float64(d.IntN(100000)))
			p.Positive().SetOffset(40)
			for range 12 {
				p.Positive().BucketCounts().Append(uint64(d.IntN(6)))
			}
			p.Attributes().PutStr("rpc.method", fmt.Sprintf("Method%d", method))
		}
		gc := sm.Metrics().AppendEmpty()
		gc.SetName("jvm.gc.duration")
		q := gc.SetEmptySummary().DataPoints().AppendEmpty()
		q.SetTimestamp(at)
		q.SetCount(uint64(cycle * 3))
		q.SetSum(float64(cycle) * 1.5)
		for _, quantile := range []float64{0, 0.5, 0.99, 1} {
			v := q.QuantileValues().AppendEmpty()
			v.SetQuantile(quantile)
			v.SetValue(math.Round(d.Float64()*1000) / 1000)
		}
	}
	return out
}

func demoTraces(t testing.TB, seed uint64, n int, hard bool) []byte {
	t.Helper()
	b, err := ptraceotlp.NewExportRequestFromTraces(newDemo(seed, hard).traces(n)).MarshalProto()
	require.NoError(t, err)
	return b
}

func demoLogs(t testing.TB, seed uint64, n int) []byte {
	t.Helper()
	b, err := plogotlp.NewExportRequestFromLogs(newDemo(seed, false).logs(n)).MarshalProto()
	require.NoError(t, err)
	return b
}

func demoMetrics(t testing.TB, seed uint64, cycles int) [][]byte {
	t.Helper()
	d := newDemo(seed, false)
	var out [][]byte
	for cycle := range cycles {
		b, err := pmetricotlp.NewExportRequestFromMetrics(d.metrics(cycle)).MarshalProto()
		require.NoError(t, err)
		out = append(out, b)
	}
	return out
}

// bodies are log records with these bodies.
func bodies(t testing.TB, texts []string) []byte {
	t.Helper()
	out := plog.NewLogs()
	records := out.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i, text := range texts {
		l := records.AppendEmpty()
		l.SetTimestamp(pcommon.Timestamp(1_700_000_000_000_000_000 + i))
		l.Body().SetStr(text)
	}
	b, err := plogotlp.NewExportRequestFromLogs(out).MarshalProto()
	require.NoError(t, err)
	return b
}
