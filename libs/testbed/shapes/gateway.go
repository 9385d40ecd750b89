package shapes

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// gateway is proxies before many services: URLs with queries that are all but unique, access logs as lines and as JSON, addresses, request ids.
type gateway struct {
	*source
	hosts   []string
	agents  []string
	clients []string
	paths   []string
	counts  map[string]int64
}

func newGateway(s *source) sender {
	g := &gateway{source: s, counts: map[string]int64{}}
	words := vocabulary()
	g.hosts = pool(30, func(i int) string { return fmt.Sprintf("%s-%d.apps.example.net", words[s.IntN(len(words))], i) })
	g.clients = pool(3000, func(int) string {
		return fmt.Sprintf("%d.%d.%d.%d", 11+s.IntN(200), s.IntN(256), s.IntN(256), s.IntN(256))
	})
	g.paths = pool(150, func(int) string { return "/" + words[s.IntN(len(words))] + "/" + words[s.IntN(len(words))] })
	g.agents = pool(120, func(int) string {
		return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/%d.%d (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/%d.36", one(s, "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "Linux; Android 15; Pixel 9"),
			530+s.IntN(10), s.IntN(40), 120+s.IntN(25), 6000+s.IntN(900), s.IntN(200), 530+s.IntN(10))
	})
	return g
}

func (g *gateway) describe(i int) func(pcommon.Map) {
	return func(m pcommon.Map) {
		put(m, "service.name", "edge", "service.instance.id", fmt.Sprintf("edge-%02d", i), "cloud.region", []string{"eu-1", "us-2", "ap-3"}[i%3], "node.ip", fmt.Sprintf("10.9.%d.7", i))
	}
}

// url is a path, and most of the time a query.
func (g *gateway) url() (path, query string) {
	path = g.paths[g.rank(len(g.paths))]
	if g.chance(0.6) {
		path += fmt.Sprintf("/%d", g.IntN(2_000_000))
	}
	switch g.IntN(4) {
	case 0:
		query = fmt.Sprintf("page=%d&size=%d", 1+g.rank(40), one(g.source, 10, 20, 50))
	case 1:
		query = fmt.Sprintf("q=%s&sig=%s", one(g.source, "red+shoes", "usb+c", "sofa", "lamp"), g.letters(alphabet, 27))
	case 2:
		query = "session=" + g.uuid()
	}
	return path, query
}

func (g *gateway) status() int {
	return one(g.source, 200, 200, 200, 200, 200, 201, 204, 302, 304, 404, 404, 429, 500, 502)
}

func (g *gateway) traces(to *resources[ptrace.ResourceSpans]) {
	i := g.IntN(12)
	spans := spansOf(to.of(i, g.describe(i)), "proxy")
	path, query := g.url()
	host, status, trace, began := g.hosts[g.rank(len(g.hosts))], g.status(), g.traceID(), g.now()
	took := g.lasting(60 * time.Millisecond).Truncate(time.Microsecond)
	var parent pcommon.SpanID
	for hop := range 1 + g.IntN(2) {
		span := spans.AppendEmpty()
		g.made++
		span.SetTraceID(trace)
		span.SetSpanID(g.spanID())
		span.SetParentSpanID(parent)
		span.SetStartTimestamp(stamp(began.Truncate(time.Microsecond)))
		span.SetEndTimestamp(stamp(began.Truncate(time.Microsecond).Add(took)))
		put(span.Attributes(), "http.request.method", one(g.source, "GET", "GET", "POST"), "url.full", "https://"+host+path+"?"+query, "url.path", path,
			"http.response.status_code", status, "client.address", g.clients[g.rank(len(g.clients))], "user_agent.original", g.agents[g.rank(len(g.agents))],
			"request.id", g.uuid(), "upstream.cluster", host, "response.flags", one(g.source, "-", "-", "UF", "DC"))
		if query != "" {
			put(span.Attributes(), "url.query", query)
		}
		if hop == 0 {
			span.SetKind(ptrace.SpanKindServer)
			span.SetName("ingress")
		} else {
			span.SetKind(ptrace.SpanKindClient)
			span.SetName("router " + host + " egress")
		}
		parent, began, took = span.SpanID(), began.Add(took/10), took*4/5
	}
}

func (g *gateway) logs(to *resources[plog.ResourceLogs]) {
	i := g.IntN(12)
	record := recordsOf(to.of(i, g.describe(i)), "access").AppendEmpty()
	at := g.now().Truncate(time.Microsecond)
	g.made++
	record.SetObservedTimestamp(stamp(at.Add(g.lasting(20 * time.Millisecond).Truncate(time.Microsecond))))
	record.SetTimestamp(stamp(at))
	path, query := g.url()
	client, agent, status, size := g.clients[g.rank(len(g.clients))], g.agents[g.rank(len(g.agents))], g.status(), int(g.about(9000))
	took := g.about(0.06)
	if i%2 == 0 {
		record.Body().SetStr(fmt.Sprintf(`%s - - [%s] "GET %s?%s HTTP/1.1" %d %d "-" "%s" %.3f %s`, client, at.Format("02/Jan/2006:15:04:05 -0700"), path, query, status, size,
			agent, took, g.hex(32)))
		return
	}
	record.Body().SetStr(fmt.Sprintf(`{"ts":"%s","remote":"%s","method":"GET","uri":"%s?%s","status":%d,"bytes":%d,"agent":"%s","took":%.6f,"tls":"TLSv1.3","upstream":"10.%d.%d.%d:8080"}`,
		at.Format(time.RFC3339Nano), client, path, query, status, size, agent, took, i, g.IntN(20), g.IntN(256)))
}

func (g *gateway) metrics(to *resources[pmetric.ResourceMetrics]) {
	i := g.IntN(12)
	rm := to.of(i, g.describe(i))
	for _, host := range g.hosts[:10] {
		for _, class := range []string{"2xx", "4xx", "5xx"} {
			key := fmt.Sprint(i, host, class)
			g.counts[key] += int64(g.about(50))
			m := metricOf(rm, "upstream_rq_total", func(m pmetric.Metric) {
				m.SetEmptySum().SetIsMonotonic(true)
				m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			})
			p := m.Sum().DataPoints().AppendEmpty()
			p.SetStartTimestamp(stamp(g.begin.Add(-time.Hour)))
			p.SetTimestamp(stamp(g.now().Truncate(time.Millisecond)))
			p.SetIntValue(g.counts[key])
			put(p.Attributes(), "cluster", host, "class", class)
			g.made++
		}
	}
}
