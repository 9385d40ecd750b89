package shapes

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// genai is agents that talk with language models and call tools: every question holds the conversation so far, instructions are the same for all of
// an agent, and what a tool answers is JSON.
type genai struct {
	*source
	words         []string
	instructions  []string
	models        []string
	conversations []*conversation
	asked         []asked // to be logged
}

type conversation struct {
	id       string
	service  int
	trace    pcommon.TraceID
	root     pcommon.SpanID
	turns    []string
	messages []turn
}

type turn struct{ role, text string }

type asked struct {
	of      *conversation
	span    pcommon.SpanID
	model   string
	history []turn
	answer  string
}

func newGenAI(s *source) sender {
	g := &genai{source: s, words: vocabulary(), models: []string{"opal-4", "opal-4-mini", "quartz-70b", "embed-large"}}
	for range 6 {
		g.instructions = append(g.instructions, "You help people. "+s.prose(g.words, 2500))
	}
	for range 12 {
		g.conversations = append(g.conversations, g.talk())
	}
	return g
}

func (g *genai) describe(service int) func(pcommon.Map) {
	return func(m pcommon.Map) {
		put(m, "service.name", fmt.Sprintf("assistant-%d", service), "service.version", "1.4.2", "telemetry.sdk.language", "python", "host.name",
			fmt.Sprintf("gpu-%02d", service))
	}
}

func (g *genai) talk() *conversation {
	return &conversation{id: "thread_" + g.letters(alphabet, 24), service: g.IntN(5), trace: g.traceID(), root: g.spanID()}
}

// say adds a turn.
func (g *genai) say(c *conversation, role, text string) {
	quoted, _ := json.Marshal(text) // a string can be marshalled
	c.messages = append(c.messages, turn{role, text})
	c.turns = append(c.turns, fmt.Sprintf(`{"role":%q,"content":%s}`, role, quoted))
}

func (g *genai) answer() string {
	switch g.IntN(4) {
	case 0:
		rows := pool(3+g.IntN(20), func(int) string {
			return fmt.Sprintf(`{"sku":"%s","name":"%s","stock":%d,"price":%.2f}`, g.hex(10), g.words[g.rank(len(g.words))], g.IntN(900), g.Float64()*300)
		})
		return `{"result":[` + strings.Join(rows, ",") + `]}`
	case 1:
		return g.prose(g.words, 300) + "\n```go\nfor i := range " + g.words[g.rank(len(g.words))] + " {\n\tfmt.Println(i)\n}\n```\n" + g.prose(g.words, int(g.about(600)))
	}
	return g.prose(g.words, int(g.about(1200)))
}

// traces makes one step of a conversation.
func (g *genai) traces(to *resources[ptrace.ResourceSpans]) {
	i := g.IntN(len(g.conversations))
	c := g.conversations[i]
	if len(c.turns) == 0 {
		g.say(c, "user", g.prose(g.words, int(g.about(700))))
	}
	span := spansOf(to.of(c.service, g.describe(c.service)), "agents").AppendEmpty()
	began := g.now()
	g.made++
	span.SetTraceID(c.trace)
	span.SetSpanID(g.spanID())
	span.SetParentSpanID(c.root)
	span.SetStartTimestamp(stamp(began))
	span.SetEndTimestamp(stamp(began.Add(g.lasting(3 * time.Second))))
	if g.chance(0.4) {
		tool := one(g.source, "search_catalog", "run_query", "fetch_page")
		result := g.answer()
		span.SetName("execute_tool " + tool)
		put(span.Attributes(), "gen_ai.operation.name", "execute_tool", "gen_ai.tool.name", tool, "gen_ai.tool.call.id", "call_"+g.letters(alphabet, 24),
			"gen_ai.tool.call.arguments", fmt.Sprintf(`{"query":%q,"limit":%d}`, g.prose(g.words, 60), 10*g.IntN(10)), "gen_ai.tool.call.result", result)
		g.say(c, "tool", result)
		return
	}
	model := g.models[g.rank(len(g.models))]
	question := "[" + strings.Join(c.turns, ",") + "]"
	history := c.messages
	answer := g.answer()
	span.SetName("chat " + model)
	span.SetKind(ptrace.SpanKindClient)
	put(span.Attributes(), "gen_ai.operation.name", "chat", "gen_ai.request.model", model, "gen_ai.response.id", "resp_"+g.hex(32), "gen_ai.conversation.id",
		c.id, "gen_ai.request.temperature", float64(g.IntN(10))/10, "gen_ai.usage.input_tokens", len(question)/4, "gen_ai.usage.output_tokens", len(answer)/4,
		"gen_ai.response.finish_reasons", []string{one(g.source, "stop", "stop", "tool_calls")}, "gen_ai.system_instructions", g.instructions[c.service],
		"gen_ai.input.messages", question, "gen_ai.output.messages", answer)
	if g.chance(0.04) {
		span.Status().SetCode(ptrace.StatusCodeError)
		span.Status().SetMessage("RateLimitError: " + g.prose(g.words, 40))
	}
	g.asked = append(g.asked, asked{c, span.SpanID(), model, history, answer})
	g.say(c, "assistant", answer)
	if len(c.turns) > 6+g.IntN(20) {
		g.conversations[i] = g.talk()
	}
}

// logs makes the event of a question, whose body holds the conversation as nested values, or a judgement of an answer.
func (g *genai) logs(to *resources[plog.ResourceLogs]) {
	for len(g.asked) == 0 {
		made := g.made // conversations go on without being counted
		g.traces(&resources[ptrace.ResourceSpans]{new: ptrace.NewResourceSpans, resource: ptrace.ResourceSpans.Resource})
		g.made = made
	}
	a := g.asked[0]
	if g.chance(0.5) {
		g.asked = g.asked[1:]
	}
	record := recordsOf(to.of(a.of.service, g.describe(a.of.service)), "agents").AppendEmpty()
	at := g.now()
	g.made++
	record.SetTimestamp(stamp(at))
	record.SetObservedTimestamp(stamp(at.Add(g.lasting(2 * time.Millisecond))))
	record.SetSeverityNumber(plog.SeverityNumberInfo)
	record.SetTraceID(a.of.trace)
	record.SetSpanID(a.span)
	if g.chance(0.4) {
		record.SetEventName("gen_ai.evaluation.result")
		put(record.Attributes(), "gen_ai.evaluation.name", one(g.source, "groundedness", "tone", "relevance"), "gen_ai.evaluation.score.value", g.Float64(),
			"gen_ai.evaluation.explanation", g.prose(g.words, int(g.about(250))))
		return
	}
	record.SetEventName("gen_ai.client.inference.operation.details")
	put(record.Attributes(), "gen_ai.request.model", a.model, "gen_ai.response.id", "resp_"+g.hex(32))
	body := record.Body().SetEmptyMap()
	input := body.PutEmptySlice("input")
	for _, t := range a.history {
		put(input.AppendEmpty().SetEmptyMap(), "role", t.role, "parts", []any{"type", "text", "content", t.text})
	}
	put(body, "output", []any{"role", "assistant", "content", a.answer, "index", 0}, "usage", []any{"input", len(a.history) * 100, "output", len(a.answer) / 4})
}

// metrics makes the points of all models.
func (g *genai) metrics(to *resources[pmetric.ResourceMetrics]) {
	service := g.IntN(5)
	rm := to.of(service, g.describe(service))
	for _, model := range g.models {
		m := metricOf(rm, "gen_ai.client.operation.duration", func(m pmetric.Metric) {
			m.SetUnit("s")
			m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		})
		p := m.Histogram().DataPoints().AppendEmpty()
		p.ExplicitBounds().FromRaw([]float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50})
		counts, count := make([]uint64, 10), uint64(0)
		for range g.IntN(40) {
			counts[min(9, 3+g.rank(6))]++
			count++
		}
		p.BucketCounts().FromRaw(counts)
		p.SetCount(count)
		p.SetSum(float64(count) * g.about(1.7))
		p.SetStartTimestamp(stamp(g.now().Add(-time.Minute)))
		p.SetTimestamp(stamp(g.now()))
		put(p.Attributes(), "gen_ai.request.model", model, "gen_ai.operation.name", "chat")
		g.made++
	}
}
