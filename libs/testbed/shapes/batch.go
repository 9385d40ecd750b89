package shapes

import (
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// batch is jobs that run at night: long traces, parameters as nested maps, errors with long stacks, names in many scripts, one key of several types.
type batch struct {
	*source
	words  []string
	frames []string
	runs   []*run
}

type run struct {
	pipeline int
	id       string
	trace    pcommon.TraceID
	last     pcommon.SpanID
	steps    int
}

func newBatch(s *source) sender {
	b := &batch{source: s, words: vocabulary()}
	name := func() string { return b.words[s.IntN(len(b.words))] }
	b.frames = pool(400, func(int) string {
		return fmt.Sprintf("\tat com.%s.%s.%s%s.%s(%s.java:%d)\n", name(), name(), strings.ToUpper(name()[:1]), name(), name(), name(), s.IntN(900))
	})
	b.runs = pool(20, func(int) *run { return b.run() })
	return b
}

func (b *batch) run() *run {
	return &run{pipeline: b.rank(40), id: fmt.Sprintf("run-2026-03-02-%s", b.hex(12)), trace: b.traceID()}
}

func (b *batch) describe(pipeline int) func(pcommon.Map) {
	return func(m pcommon.Map) {
		put(m, "service.name", "etl-"+[]string{"billing", "catalog", "risk", "weather"}[pipeline%4], "pipeline.name", fmt.Sprintf("load_%s_%d", b.words[pipeline], pipeline),
			"host.name", fmt.Sprintf("worker-%d", pipeline%7), "job.queue", []string{"nightly", "adhoc"}[pipeline%2])
	}
}

func (b *batch) stack() string {
	var s strings.Builder
	fmt.Fprintf(&s, "java.sql.SQLException: %s\n", b.prose(b.words, 50))
	from := b.IntN(300)
	for i := range 20 + b.rank(60) {
		if b.chance(0.05) {
			fmt.Fprintf(&s, "Caused by: java.io.IOException: %s\n", b.prose(b.words, 40))
			from = b.IntN(300)
		}
		s.WriteString(b.frames[from+i])
	}
	return s.String()
}

func (b *batch) traces(to *resources[ptrace.ResourceSpans]) {
	i := b.IntN(len(b.runs))
	r := b.runs[i]
	span := spansOf(to.of(r.pipeline, b.describe(r.pipeline)), "scheduler").AppendEmpty()
	began := b.now()
	b.made++
	span.SetTraceID(r.trace)
	span.SetSpanID(b.spanID())
	span.SetParentSpanID(r.last)
	span.SetName(one(b.source, "extract", "transform", "load", "Prüfung", "検証", "проверка"))
	span.SetStartTimestamp(stamp(began))
	span.SetEndTimestamp(stamp(began.Add(b.lasting(40 * time.Second))))
	put(span.Attributes(), "run.id", r.id, "step", r.steps, "rows", int(b.about(20000)), "table", fmt.Sprintf("stage.%s_%s", b.words[b.rank(80)], b.words[b.rank(20)]),
		"parameters", []any{
			"since", b.begin.Add(-time.Duration(b.rank(72)) * time.Hour).Format(time.RFC3339), "limit", 1000 * b.rank(50), "dry", b.chance(0.1),
			"source",
			[]any{"kind", one(b.source, "s3", "jdbc"), "path", fmt.Sprintf("lake/raw/%s/part-%05d.parquet", b.words[b.rank(90)], b.IntN(2000))},
		})
	if b.chance(0.5) {
		put(span.Attributes(), "checkpoint", b.IntN(1_000_000))
	} else {
		put(span.Attributes(), "checkpoint", "none")
	}
	if b.chance(0.08) {
		span.Status().SetCode(ptrace.StatusCodeError)
		span.Status().SetMessage(b.prose(b.words, 50))
		e := span.Events().AppendEmpty()
		e.SetName("exception")
		e.SetTimestamp(span.EndTimestamp())
		put(e.Attributes(), "exception.type", "java.sql.SQLException", "exception.message", b.prose(b.words, 50), "exception.stacktrace", b.stack())
	}
	r.last = span.SpanID()
	if r.steps++; r.steps > 10+b.rank(60) {
		b.runs[i] = b.run()
	}
}

func (b *batch) logs(to *resources[plog.ResourceLogs]) {
	r := b.runs[b.IntN(len(b.runs))]
	if b.chance(0.03) {
		*r = *b.run()
	}
	record := recordsOf(to.of(r.pipeline, b.describe(r.pipeline)), "scheduler").AppendEmpty()
	at := b.now().Truncate(time.Millisecond)
	b.made++
	record.SetTimestamp(stamp(at))
	record.SetTraceID(r.trace)
	record.SetSeverityNumber(plog.SeverityNumber(9 + 4*b.rank(3)))
	record.SetSeverityText(record.SeverityNumber().String())
	switch b.IntN(4) {
	case 0:
		put(record.Body().SetEmptyMap(), "message", "chunk written", "chunk", b.IntN(4000), "bytes", int(b.about(1e6)), "table", b.words[b.rank(80)])
	case 1:
		record.Body().SetStr(fmt.Sprintf("[%s] %s: committed offset %d of partition %d in %.3f s", r.id, b.words[b.rank(80)], b.IntN(1<<40), b.IntN(64), b.about(0.3)))
	default:
		record.Body().SetStr(b.prose(b.words, int(b.about(70))))
	}
	put(record.Attributes(), "run.id", r.id, "attempt", 1+b.rank(3))
}

func (b *batch) metrics(to *resources[pmetric.ResourceMetrics]) {
	pipeline := b.rank(40)
	rm := to.of(pipeline, b.describe(pipeline))
	for _, table := range b.words[:6] {
		m := metricOf(rm, "rows.latency", func(m pmetric.Metric) {
			m.SetUnit("ms")
			m.SetEmptySummary()
		})
		p := m.Summary().DataPoints().AppendEmpty()
		p.SetTimestamp(stamp(b.now()))
		p.SetCount(uint64(b.about(500)))
		p.SetSum(b.about(90000))
		for _, q := range []float64{0.5, 0.9, 0.99} {
			v := p.QuantileValues().AppendEmpty()
			v.SetQuantile(q)
			v.SetValue(float64(int(b.about(100*(1+q))*100)) / 100)
		}
		put(p.Attributes(), "table", table)
		b.made++
	}
}
