package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// batch gathers what is sent in one request of each signal.
type batch struct {
	traces ptrace.Traces
	logs   plog.Logs
	spans  map[*pod]map[scope]ptrace.SpanSlice
	record map[*pod]map[scope]plog.LogRecordSlice
}

func newBatch() *batch {
	return &batch{
		traces: ptrace.NewTraces(), logs: plog.NewLogs(),
		spans: map[*pod]map[scope]ptrace.SpanSlice{}, record: map[*pod]map[scope]plog.LogRecordSlice{},
	}
}

func (b *batch) span(p *pod, s scope) ptrace.Span {
	scopes, ok := b.spans[p]
	if !ok {
		scopes = map[scope]ptrace.SpanSlice{}
		b.spans[p] = scopes
	}
	list, ok := scopes[s]
	if !ok {
		var resource ptrace.ResourceSpans
		for _, r := range b.traces.ResourceSpans().All() {
			if name, _ := r.Resource().Attributes().Get("k8s.pod.name"); name.Str() == p.name {
				resource = r
			}
		}
		if resource == (ptrace.ResourceSpans{}) {
			resource = b.traces.ResourceSpans().AppendEmpty()
			resource.SetSchemaUrl(schemaURL)
			p.resource.CopyTo(resource.Resource().Attributes())
		}
		scoped := resource.ScopeSpans().AppendEmpty()
		scoped.SetSchemaUrl(schemaURL)
		scoped.Scope().SetName(s.name)
		scoped.Scope().SetVersion(s.version)
		list = scoped.Spans()
		scopes[s] = list
	}
	return list.AppendEmpty()
}

func (b *batch) log(p *pod, s scope) plog.LogRecord {
	scopes, ok := b.record[p]
	if !ok {
		scopes = map[scope]plog.LogRecordSlice{}
		b.record[p] = scopes
	}
	list, ok := scopes[s]
	if !ok {
		resource := b.logs.ResourceLogs().AppendEmpty()
		resource.SetSchemaUrl(schemaURL)
		p.resource.CopyTo(resource.Resource().Attributes())
		scoped := resource.ScopeLogs().AppendEmpty()
		scoped.Scope().SetName(s.name)
		scoped.Scope().SetVersion(s.version)
		list = scoped.LogRecords()
		scopes[s] = list
	}
	return list.AppendEmpty()
}

// story simulates one visit to the shop: calls advance its clock, and every call leaves spans, logs and measurements. Times are
// offsets from the story's start until finish knows when that was.
type story struct {
	shop    *shop
	rand    *rand.Rand
	batch   *batch
	trouble bool // the payment provider has a bad time

	at       time.Duration
	spans    []ptrace.Span
	logs     []plog.LogRecord
	measured []func(start time.Time)
	later    []func() // consumers of the messages that were sent
	traces   int
}

// op is a span that is being told.
type op struct {
	*story
	pod     *pod
	span    ptrace.Span
	failed  bool
	errType string
}

func (s *story) traceID() (id pcommon.TraceID) {
	copy(id[:], randomBytes(s.rand, 16))
	s.traces++
	return id
}

// Bits of a span's flags: sampled, and whether the parent was in another process.
const (
	flagSampled     = 0x001
	flagRemoteKnown = 0x100
	flagRemote      = 0x200
)

// stamp is the story's clock as a timestamp, until finish adds its start.
func (s *story) stamp() pcommon.Timestamp { return pcommon.Timestamp(max(0, s.at)) }

// tell makes a span, runs body inside it and ends it at the story's clock, so that a child always lies inside its parent.
func (s *story) tell(parent *op, p *pod, in scope, kind ptrace.SpanKind, name string, attributes []any, body func(*op)) *op {
	span := s.batch.span(p, in)
	s.spans = append(s.spans, span)
	o := &op{story: s, pod: p, span: span}
	span.SetName(name)
	span.SetKind(kind)
	var id pcommon.SpanID
	copy(id[:], randomBytes(s.rand, 8))
	span.SetSpanID(id)
	flags := uint32(flagSampled | flagRemoteKnown)
	if parent == nil {
		span.SetTraceID(s.traceID())
	} else {
		span.SetTraceID(parent.span.TraceID())
		span.SetParentSpanID(parent.span.SpanID())
		span.TraceState().FromRaw(parent.span.TraceState().AsRaw())
		if parent.pod != p {
			flags |= flagRemote
		}
	}
	span.SetFlags(flags)
	put(span.Attributes(), attributes...)
	span.SetStartTimestamp(s.stamp())
	if body != nil {
		body(o)
	}
	span.SetEndTimestamp(s.stamp())
	return o
}

func (o *op) set(attributes ...any) { put(o.span.Attributes(), attributes...) }

// duration is how long the told span took; 0 while it still runs.
func (o *op) duration() time.Duration {
	return time.Duration(o.span.EndTimestamp() - o.span.StartTimestamp()) //nolint:gosec // both are offsets
}

// fail marks the span as failed with a kind of error as error.type has it.
func (o *op) fail(errType, message string) {
	o.failed, o.errType = true, errType
	o.span.Status().SetCode(ptrace.StatusCodeError)
	o.span.Status().SetMessage(message)
	o.set("error.type", errType)
}

// throw is fail with the exception event and the log line that a framework leaves.
func (o *op) throw(errType, message, stack string) {
	e := o.span.Events().AppendEmpty()
	e.SetName("exception")
	e.SetTimestamp(o.stamp())
	put(e.Attributes(), "exception.type", errType, "exception.message", message, "exception.stacktrace", stack)
	o.fail(errType, message)
	o.log(plog.SeverityNumberError, message, "exception.type", errType, "exception.message", message, "exception.stacktrace", stack)
}

func (o *op) event(name string, attributes ...any) {
	e := o.span.Events().AppendEmpty()
	e.SetName(name)
	e.SetTimestamp(o.stamp())
	put(e.Attributes(), attributes...)
}

// log writes a log record in the context of the span. body is a string or fields.
func (o *op) log(severity plog.SeverityNumber, body any, attributes ...any) plog.LogRecord {
	r := o.story.record(o.pod, severity, body, attributes...)
	r.SetTraceID(o.span.TraceID())
	r.SetSpanID(o.span.SpanID())
	r.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	return r
}

// record writes a log record without a span.
func (s *story) record(p *pod, severity plog.SeverityNumber, body any, attributes ...any) plog.LogRecord {
	r := s.batch.log(p, p.logScope())
	s.logs = append(s.logs, r)
	r.SetTimestamp(s.stamp())
	r.SetObservedTimestamp(s.stamp() + pcommon.Timestamp(max(0, s.latency(2*time.Millisecond, 0.5))))
	r.SetSeverityNumber(severity)
	r.SetSeverityText(severityText(p.language, severity))
	setValue(r.Body(), body)
	put(r.Attributes(), attributes...)
	return r
}

// severityText is the name that the language's logger uses.
func severityText(language string, n plog.SeverityNumber) string {
	text := strings.TrimRight(n.String(), "234")
	switch {
	case language == "python" && text == "Warn":
		return "WARNING"
	case language == "dotnet" && text == "Info":
		return "Information"
	case language == "nodejs" || language == "rust":
		return strings.ToLower(text)
	}
	return strings.ToUpper(text)
}

// latency draws from a log-normal distribution with a tail: one draw in a hundred is 4 to 20 times as long.
func (s *story) latency(median time.Duration, spread float64) time.Duration {
	d := float64(median) * math.Exp(spread*s.rand.NormFloat64())
	if s.rand.IntN(100) == 0 {
		d *= 4 + 16*s.rand.Float64()
	}
	return time.Duration(d)
}

// work lets time pass.
func (o *op) work(median time.Duration) { o.at += o.latency(median, 0.4) }

func (o *op) chance(percent float64) bool { return o.rand.Float64()*100 < percent }

// together runs calls side by side: each starts now, and the story goes on when the last has ended.
func (o *op) together(calls ...func()) {
	start, end := o.at, o.at
	for _, call := range calls {
		o.at = start
		call()
		end = max(end, o.at)
	}
	o.at = end
}

// serve is an HTTP request as its server sees it.
func (s *story) serve(parent *op, p *pod, method, route, path string, extra []any, handle func(*op) int) {
	attributes := append([]any{
		"http.request.method", method,
		"http.route", route,
		"url.scheme", "http",
		"url.path", path,
		"server.address", p.program.name,
		"server.port", p.port,
		"network.protocol.version", "1.1",
	}, extra...)
	status := 200
	o := s.tell(parent, p, p.httpScope, ptrace.SpanKindServer, method+" "+route, attributes, func(o *op) {
		status = handle(o)
		o.set("http.response.status_code", status)
		if status >= 500 && !o.failed {
			o.fail(strconv.Itoa(status), "")
		}
	})
	s.measureHTTP(o, method, route, status)
}

// post calls another service by HTTP and returns its status.
func (o *op) post(service, route string, handle func(*op) int) int {
	const method = "POST"
	target := o.shop.pick(o.rand, service)
	status := 0
	o.tell(o, o.pod, o.pod.httpScope, ptrace.SpanKindClient, method, []any{
		"http.request.method", method,
		"url.full", fmt.Sprintf("http://%s:%d%s", service, target.port, route),
		"server.address", service,
		"server.port", target.port,
		"network.peer.address", target.address,
		"network.protocol.version", "1.1",
	}, func(c *op) {
		c.at += c.latency(300*time.Microsecond, 0.5)
		c.serve(c, target, method, route, route, []any{"client.address", c.pod.address}, func(s *op) int {
			status = handle(s)
			return status
		})
		c.at += c.latency(200*time.Microsecond, 0.5)
		c.set("http.response.status_code", status)
		if status >= 400 {
			c.fail(strconv.Itoa(status), "")
		}
	})
	return status
}

// Status codes of gRPC that the shop answers with.
const (
	grpcOK                = 0
	grpcInvalidArgument   = 3
	grpcDeadlineExceeded  = 4
	grpcNotFound          = 5
	grpcResourceExhausted = 8
	grpcInternal          = 13
	grpcUnavailable       = 14
)

// grpc calls another service and returns the status code. handle returns the code that the service answers with.
func (o *op) grpc(service, rpcService, method string, handle func(*op) int) int {
	target := o.shop.pick(o.rand, service)
	name := rpcService + "/" + method
	code := grpcOK
	attributes := func(extra ...any) []any {
		return append([]any{
			"rpc.system", "grpc", "rpc.service", rpcService, "rpc.method", method,
			"server.address", service, "server.port", target.port,
		}, extra...)
	}
	o.tell(o, o.pod, o.pod.rpcScope, ptrace.SpanKindClient, name, attributes("network.peer.address", target.address), func(c *op) {
		c.at += c.latency(250*time.Microsecond, 0.5)
		s := c.tell(c, target, target.rpcScope, ptrace.SpanKindServer, name, attributes("client.address", c.pod.address), func(s *op) {
			code = handle(s)
			s.set("rpc.grpc.status_code", code)
			// A server's span fails only for what is the server's fault.
			if (code == grpcInternal || code == grpcUnavailable || code == grpcDeadlineExceeded) && !s.failed {
				s.fail(strconv.Itoa(code), "")
			}
		})
		o.measureRPC(s, rpcService, method, code)
		c.at += c.latency(150*time.Microsecond, 0.5)
		c.set("rpc.grpc.status_code", code)
		if code != grpcOK {
			c.fail(strconv.Itoa(code), s.span.Status().Message())
		}
	})
	return code
}

// sql is a statement on the shop's database.
func (o *op) sql(operation, table, text string, rows int, median time.Duration) *op {
	q := o.tell(o, o.pod, o.pod.dbScope, ptrace.SpanKindClient, operation+" "+table, []any{
		"db.system.name", "postgresql",
		"db.namespace", "shop",
		"db.operation.name", operation,
		"db.collection.name", table,
		"db.query.text", text,
		"db.query.summary", operation + " " + table,
		"db.response.returned_rows", rows,
		"server.address", "shop-db.shop.svc",
		"server.port", 5432,
	}, func(q *op) { q.work(median) })
	o.measureSQL(q, operation, table)
	return q
}

// redis is a command on the cart's store.
func (o *op) redis(command, key string) {
	o.tell(o, o.pod, o.pod.dbScope, ptrace.SpanKindClient, command, []any{
		"db.system.name", "redis",
		"db.namespace", "0",
		"db.operation.name", command,
		"db.query.text", command + " " + key + " ?",
		"server.address", "valkey-cart.shop.svc",
		"server.port", 6379,
	}, func(q *op) { q.work(450 * time.Microsecond) })
}

// message is what was sent to a topic.
type message struct {
	topic     string
	partition int
	offset    int
	trace     pcommon.TraceID
	span      pcommon.SpanID
}

// publish sends a message; each consumer tells its own trace later, linked to the producer.
func (o *op) publish(topic string, offset int, body []byte, consumers ...func(message)) {
	partition := o.rand.IntN(3)
	o.tell(o, o.pod, o.pod.httpScope, ptrace.SpanKindProducer, "send "+topic, []any{
		"messaging.system", "kafka",
		"messaging.destination.name", topic,
		"messaging.destination.partition.id", strconv.Itoa(partition),
		"messaging.operation.type", "send",
		"messaging.operation.name", "send",
		"messaging.client.id", o.pod.name,
		"messaging.kafka.offset", offset,
		"messaging.message.body.size", len(body),
		"messaging.kafka.message.key", randomHex(o.rand, 4),
		"server.address", "kafka.shop.svc",
		"server.port", 9092,
	}, func(p *op) {
		p.work(3 * time.Millisecond)
		m := message{topic, partition, offset, p.span.TraceID(), p.span.SpanID()}
		for _, c := range consumers {
			o.later = append(o.later, func() { c(m) })
		}
	})
}

// consume is the processing of messages that came from other traces.
func (s *story) consume(p *pod, group string, messages []message, body func(*op)) {
	s.at += s.latency(12*time.Millisecond, 0.6) // the time in the topic
	m := messages[0]
	attributes := []any{
		"messaging.system", "kafka",
		"messaging.destination.name", m.topic,
		"messaging.destination.partition.id", strconv.Itoa(m.partition),
		"messaging.operation.type", "process",
		"messaging.operation.name", "process",
		"messaging.consumer.group.name", group,
		"messaging.client.id", p.name,
		"messaging.kafka.offset", m.offset,
		"server.address", "kafka.shop.svc",
		"server.port", 9092,
		"thread.name", "kafka-consumer-0",
	}
	if len(messages) > 1 {
		attributes = append(attributes, "messaging.batch.message_count", len(messages))
	}
	o := s.tell(nil, p, p.httpScope, ptrace.SpanKindConsumer, "process "+m.topic, attributes, func(o *op) {
		for _, m := range messages {
			link := o.span.Links().AppendEmpty()
			link.SetTraceID(m.trace)
			link.SetSpanID(m.span)
			link.SetFlags(flagSampled | flagRemoteKnown | flagRemote)
			put(link.Attributes(), "messaging.kafka.offset", m.offset)
		}
		body(o)
	})
	s.measureConsume(o, m.topic, group, len(messages))
}

// finish tells what the messages caused and moves the whole story so that it ended at now.
func (s *story) finish(now time.Time) {
	for len(s.later) > 0 {
		next := s.later[0]
		s.later = s.later[1:]
		next()
	}
	start := now.Add(-s.at)
	base := pcommon.NewTimestampFromTime(start)
	for _, span := range s.spans {
		span.SetStartTimestamp(base + span.StartTimestamp())
		span.SetEndTimestamp(base + span.EndTimestamp())
		for _, e := range span.Events().All() {
			e.SetTimestamp(base + e.Timestamp())
		}
	}
	for _, r := range s.logs {
		r.SetTimestamp(base + r.Timestamp())
		r.SetObservedTimestamp(base + r.ObservedTimestamp())
	}
	for _, m := range s.measured {
		m(start)
	}
}
