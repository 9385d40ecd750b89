package edges

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// day is when the tests' spans began.
func day() int64 { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixNano() }

type span struct {
	trace, id, parent uint64
	service           string
	kind              ptrace.SpanKind
	start, length     int64
	failed            bool
	attributes        map[string]string
	names             Node        // what the attributes name, where they name something
	does              flow        // with a message
	port              int         // server.port, unless 0
	links             [][2]uint64 // trace and span
	browser           bool
}

// calledBy are the spans that called one, or sent what it took, as its parent and links say.
func (s *span) calledBy() [][2]uint64 {
	parent := [][2]uint64{{s.trace, s.parent}}
	switch {
	case s.browser:
		return nil
	case s.takesByName(), s.does == gives:
		return nil
	case s.does == takes && len(s.links) > 0:
		return s.links
	case s.does == takes && s.kind == ptrace.SpanKindClient:
		return nil
	case (s.does == takes || s.kind == ptrace.SpanKindServer) && s.parent != 0:
		return parent
	case s.kind == ptrace.SpanKindServer, s.kind == ptrace.SpanKindInternal && s.parent == 0:
		return s.links
	}
	return nil
}

// takesByName tells whether a span takes from a destination that it names.
func (s *span) takesByName() bool {
	return s.does == takes && s.names.Kind == Messaging && s.names.Name != "" && !s.browser
}

// tellsOf are the spans that gave what one took that names where from.
func (s *span) tellsOf() [][2]uint64 {
	switch {
	case !s.takesByName():
		return nil
	case len(s.links) > 0:
		return s.links[:min(len(s.links), mostLinks)]
	case s.kind == ptrace.SpanKindClient:
		return nil
	}
	return [][2]uint64{{s.trace, s.parent}}
}

func tableOf(t testing.TB, spans []span) *segment.Table {
	t.Helper()
	td := ptrace.NewTraces()
	for i := range spans {
		s := &spans[i]
		rs := td.ResourceSpans().AppendEmpty()
		namespace, name, _ := strings.Cut(s.service, "/")
		rs.Resource().Attributes().PutStr("service.name", name)
		rs.Resource().Attributes().PutStr("service.namespace", namespace)
		if s.browser {
			rs.Resource().Attributes().PutStr("telemetry.sdk.language", "webjs")
		}
		o := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		o.SetTraceID(pcommon.TraceID(idBytes(7, s.trace)))
		b := idBytes(0, s.id)
		o.SetSpanID(pcommon.SpanID(b[8:]))
		b = idBytes(0, s.parent)
		o.SetParentSpanID(pcommon.SpanID(b[8:]))
		o.SetKind(s.kind)
		o.SetName("x")
		o.SetStartTimestamp(pcommon.Timestamp(s.start))
		o.SetEndTimestamp(pcommon.Timestamp(s.start + s.length))
		if s.failed {
			o.Status().SetCode(ptrace.StatusCodeError)
		}
		o.Attributes().PutStr("http.route", "/")
		for k, v := range s.attributes {
			o.Attributes().PutStr(k, v)
		}
		if s.port > 0 {
			o.Attributes().PutInt("server.port", int64(s.port))
		}
		for _, to := range s.links {
			link := o.Links().AppendEmpty()
			link.SetTraceID(pcommon.TraceID(idBytes(7, to[0])))
			b = idBytes(0, to[1])
			link.SetSpanID(pcommon.SpanID(b[8:]))
		}
	}
	table := segment.NewTable("default", telemetry.Traces)
	_, err := table.Append(testbed.TracesPayload(td), 1)
	require.NoError(t, err)
	return table
}

func idBytes(high, low uint64) (b [16]byte) {
	for i := range 8 {
		b[i], b[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	return b
}

// scene makes random traces of many services.
type scene struct {
	rnd   *rand.Rand
	spans []span
	plain bool // parents of calls may be of any kind
}

func (s *scene) add(o span) *span {
	o.id = s.rnd.Uint64() | 1
	o.failed = s.rnd.IntN(10) == 0
	s.spans = append(s.spans, o)
	return &s.spans[len(s.spans)-1]
}

// serve is a call of a service by a span, and what comes of it.
func (s *scene) serve(trace, parent uint64, at, length int64, depth int) {
	kind, does := ptrace.SpanKindServer, noFlow
	if s.rnd.IntN(8) == 0 {
		kind, does = ptrace.SpanKindConsumer, takes
	}
	service := fmt.Sprintf("ns%d/svc-%d", s.rnd.IntN(2), s.rnd.IntN(12))
	self := *s.add(span{trace: trace, parent: parent, service: service, kind: kind, does: does, start: at, length: length})
	for range s.rnd.IntN(4) {
		start := at + s.rnd.Int64N(max(length, 2))
		rest := at + length - start
		if s.plain && s.rnd.IntN(3) == 0 && depth < 4 { // no span of its own for the call
			s.serve(trace, self.id, start, rest/2, depth+1)
			continue
		}
		o := span{trace: trace, parent: self.id, service: service, kind: ptrace.SpanKindClient, start: start, length: rest}
		answered := depth < 4 && s.rnd.IntN(2) == 0
		switch s.rnd.IntN(9) {
		case 0:
			host := fmt.Sprint("pg", s.rnd.IntN(2))
			o.attributes = map[string]string{"db.system.name": "postgresql", "db.namespace": "shop", "server.address": host}
			o.names = Node{Kind: Database, System: "postgresql", Name: "shop", Address: host}
			if o.port = []int{0, 5432, 5433}[s.rnd.IntN(3)]; o.port == 5433 {
				o.names.Port = "5433"
			}
			if s.rnd.IntN(4) == 0 && !answered {
				o.kind = ptrace.SpanKindInternal
			}
		case 1:
			o.attributes = map[string]string{"db.system": "redis", "db.name": "3", "net.peer.name": "cache"}
			o.names = Node{Kind: Database, System: "redis", Address: "cache"}
		case 2:
			name := fmt.Sprintf("host-%d.example", s.rnd.IntN(5))
			o.attributes, o.names = map[string]string{"server.address": name}, Node{Kind: External, Name: name}
		case 3:
			o.attributes = map[string]string{"url.full": fmt.Sprintf("https://api.example:8443/%d", s.rnd.Uint32()), "http.host": "not this"}
			o.names = Node{Kind: External, Name: "api.example"}
		case 4:
			o.kind = ptrace.SpanKindProducer
			o.attributes = map[string]string{"messaging.system": "kafka", "messaging.destination.name": "orders"}
			o.names, o.does = Node{Kind: Messaging, System: "kafka", Name: "orders"}, gives
		case 5:
			o.attributes = map[string]string{"messaging.system": "sqs", "messaging.destination": "jobs"}
			o.names, o.does = Node{Kind: Messaging, System: "sqs", Name: "jobs"}, gives
			if s.rnd.IntN(2) == 0 {
				o.attributes["messaging.operation"] = []string{"receive", "Process", "settle", "deliver"}[s.rnd.IntN(4)]
				o.does = takes
			}
		case 6:
			o.kind, o.does = ptrace.SpanKindProducer, gives // to nobody knows where
			if s.rnd.IntN(3) == 0 {
				o.attributes, o.names = map[string]string{"messaging.system": "nats", "server.address": "mq"}, Node{Kind: Messaging, System: "nats", Address: "mq"}
				if s.rnd.IntN(2) == 0 {
					o.kind = ptrace.SpanKindClient
					o.attributes["messaging.operation.type"] = "send"
				}
			}
		case 7:
			o.attributes, o.names = map[string]string{"messaging.system": "nats", "server.address": "mq"}, Node{Kind: Messaging, System: "nats", Address: "mq"}
		}
		call := *s.add(o)
		for o.does == gives && s.rnd.IntN(2) == 0 { // several may take it
			s.take(&call)
		}
		if answered {
			s.serve(trace, call.id, start+rest/8, rest/2, depth+1)
		}
	}
	if s.rnd.IntN(5) == 0 {
		s.add(span{
			trace: trace, parent: self.id, service: service, kind: ptrace.SpanKindConsumer, start: at, length: 5,
			attributes: map[string]string{"messaging.system": "kafka", "messaging.destination.name": "orders"},
			names:      Node{Kind: Messaging, System: "kafka", Name: "orders"}, does: takes,
		})
	}
	s.add(span{trace: trace, parent: self.id, service: service, kind: ptrace.SpanKindInternal, start: at, length: length})
}

// take is a span of another trace, of the same hour, that takes what one has sent.
func (s *scene) take(sent *span) {
	at := sent.start + s.rnd.Int64N(int64(time.Hour)-sent.start%int64(time.Hour))
	o := span{trace: s.rnd.Uint64(), service: fmt.Sprintf("ns0/worker-%d", s.rnd.IntN(3)), start: at, length: 900, links: [][2]uint64{{sent.trace, sent.id}}}
	if s.rnd.IntN(5) == 0 { // of another, which sent no span
		o.links = append(o.links, [2]uint64{s.rnd.Uint64(), 77})
	}
	switch s.rnd.IntN(8) {
	case 5, 6, 7: // by a name, of one topic or another, in its own trace or in that of who sent
		o.kind, o.does = ptrace.SpanKindConsumer, takes
		topic := fmt.Sprint("q", s.rnd.IntN(2))
		o.attributes, o.names = map[string]string{"messaging.system": "nats", "messaging.destination.name": topic}, Node{Kind: Messaging, System: "nats", Name: topic}
		if s.rnd.IntN(3) == 0 {
			o.trace, o.parent, o.links = sent.trace, sent.id, nil
		}
	case 0:
		o.kind, o.does = ptrace.SpanKindConsumer, takes
	case 1:
		o.kind, o.does = ptrace.SpanKindClient, takes
		o.attributes, o.names = map[string]string{"messaging.system": "sqs", "messaging.operation.type": "receive"}, Node{Kind: Messaging, System: "sqs"}
	case 2:
		o.kind = ptrace.SpanKindServer
	case 3:
		o.kind, o.browser = ptrace.SpanKindServer, true
		o.service = "ns0/page"
	default:
		o.kind = ptrace.SpanKindInternal
	}
	s.add(o)
}

// newScene is traces of some hours.
func newScene(seed uint64, traces int, hours int, plain bool) *scene {
	s := &scene{rnd: rand.New(rand.NewPCG(seed, 5)), plain: plain}
	for range traces {
		at := day() + s.rnd.Int64N(int64(hours)*int64(time.Hour))
		if s.rnd.IntN(3) == 0 { // where it hurts
			at = day() + int64(1+s.rnd.IntN(hours))*int64(time.Hour) - s.rnd.Int64N(int64(2*time.Second))
		}
		length := s.rnd.Int64N(int64(3 * time.Second))
		if s.rnd.IntN(12) == 0 {
			length = s.rnd.Int64N(int64(40 * time.Minute))
		}
		parent := uint64(0)
		if s.rnd.IntN(4) == 0 { // whoever called has no telemetry
			parent = s.rnd.Uint64() | 1
		}
		s.serve(s.rnd.Uint64(), parent, at, length, 0)
	}
	return s
}

// recount is the calls of a range, by looking at each span for itself.
func recount(spans []span, from, to int64) []string {
	type id struct{ trace, span uint64 }
	byID, answered := map[id]*span{}, map[id]bool{}
	for i := range spans {
		byID[id{spans[i].trace, spans[i].id}] = &spans[i]
	}
	service := func(s *span) Node {
		namespace, name, _ := strings.Cut(s.service, "/")
		if s.browser {
			return Node{Kind: Browser, Namespace: namespace, Name: name}
		}
		return Node{Namespace: namespace, Name: name}
	}
	went := map[id]map[Node]bool{} // where messages went, as those say who took them
	for i := range spans {
		for _, by := range spans[i].calledBy() {
			answered[id{by[0], by[1]}] = true
		}
		for _, by := range spans[i].tellsOf() {
			if went[id{by[0], by[1]}] == nil {
				went[id{by[0], by[1]}] = map[Node]bool{}
			}
			went[id{by[0], by[1]}][spans[i].names] = true
		}
	}
	sums := map[[2]Node]*red.Sum{}
	for i := range spans {
		s := &spans[i]
		if s.start < from || s.start >= to {
			continue
		}
		var pairs [][2]Node
		switch calledBy := s.calledBy(); {
		case len(calledBy) > 0:
			for _, by := range calledBy {
				caller := Node{Kind: Unknown}
				if s.names != (Node{}) {
					caller = s.names
				}
				if parent := byID[id{by[0], by[1]}]; parent != nil {
					if caller = service(parent); parent.does == gives && parent.names.Name != "" {
						caller = parent.names
					}
				}
				pairs = append(pairs, [2]Node{caller, service(s)})
			}
		case s.does == takes && s.names != Node{}:
			pairs = append(pairs, [2]Node{s.names, service(s)})
		case s.does == gives && s.names.Name == "" && len(went[id{s.trace, s.id}]) > 0:
			for to := range went[id{s.trace, s.id}] {
				pairs = append(pairs, [2]Node{service(s), to})
			}
		case s.names != Node{} && (s.does == gives && s.names.Name != "" || !answered[id{s.trace, s.id}]):
			pairs = append(pairs, [2]Node{service(s), s.names})
		}
		for _, pair := range pairs {
			if pair[0] == pair[1] {
				continue
			}
			if sums[pair] == nil {
				sums[pair] = &red.Sum{}
			}
			sums[pair].Add(s.start, s.length, s.failed)
		}
	}
	var out []Edge
	for pair, sum := range sums {
		out = append(out, Edge{From: pair[0], To: pair[1], Sum: *sum})
	}
	return lines(out)
}

func lines(list []Edge) (out []string) {
	for _, e := range list {
		out = append(out, fmt.Sprintf("%v > %v: %d, %d failed, %d %d %d ns", e.From, e.To, e.Requests, e.Errors,
			e.Durations.Quantile(0.5), e.Durations.Quantile(0.95), e.Durations.Quantile(0.99)))
	}
	slices.Sort(out)
	return out
}

// store is what a database holds: rows of the rollup, and spans in segments of level 0.
type store struct {
	t     testing.TB
	rows  []*rollup.Row
	fresh []span
}

// mergeSome makes parts of some of the spans in level 0.
func (s *store) mergeSome(spans []span) {
	s.t.Helper()
	if len(spans) == 0 {
		return
	}
	table := tableOf(s.t, spans)
	for _, rows := range table.Slices(1 << 20) {
		start := telemetry.Grain(table.Ints[segment.ColTime][rows[0]], time.Hour)
		s.put(rollup.Part, start)(Kind().Collect(table, start, rows))
	}
}

func (s *store) put(grain rollup.Grain, start int64) func([]rollup.Content, error) {
	return func(list []rollup.Content, err error) {
		s.t.Helper()
		require.NoError(s.t, err)
		for _, c := range list {
			require.LessOrEqual(s.t, start, c.MinTime)
			require.Less(s.t, c.MaxTime, start+24*int64(time.Hour))
			s.rows = append(s.rows, &rollup.Row{Kind: ID, Grain: grain, Start: start, Content: c})
		}
	}
}

// foldHour folds all of an hour.
func (s *store) foldHour(start int64, open bool) {
	s.t.Helper()
	var of, others []*rollup.Row
	for _, r := range s.rows {
		if r.Start == start && r.Grain != rollup.Day {
			of = append(of, r)
		} else {
			others = append(others, r)
		}
	}
	s.rows = others
	s.put(rollup.Hour, start)(Kind().Fold(rollup.Hour, start, open, sequence(of)))
}

func sequence(rows []*rollup.Row) iter.Seq2[*rollup.Row, error] {
	return func(yield func(*rollup.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// add adds a row to a question.
func (s *store) add(c *Calls, r *rollup.Row, from, to int64) {
	s.t.Helper()
	blob, length := r.Minutes, int64(time.Hour)
	if r.Grain == rollup.Day {
		length *= 24
	}
	whole := r.Grain != rollup.Part && r.Start >= from && r.Start+length <= to
	if whole {
		blob = r.Total
	}
	require.NoError(s.t, c.AddRolled(r.Start, whole, blob, from, to))
}

// answer is what a question says that reads the rows of the range and of an hour around it.
func (s *store) answer(from, to int64) []string {
	s.t.Helper()
	c := New()
	for _, r := range s.rows {
		if r.Start+int64(time.Hour) > from-int64(time.Hour) && r.Start < to+int64(time.Hour) {
			s.add(c, r, from, to)
		}
	}
	if len(s.fresh) > 0 {
		more := New()
		more.Add(tableOf(s.t, s.fresh), nil)
		c.Merge(more)
	}
	list, err := c.Edges(s.t.Context(), from, to)
	require.NoError(s.t, err)
	return lines(list)
}

// TestEdgesEqualARecountHoweverTheyAreSplit: spans come in any order, and both sides of a call in different merges, hours and folds.
func TestEdgesEqualARecountHoweverTheyAreSplit(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		const hours = 3
		sc := newScene(seed, 150, hours, false)
		rnd := sc.rnd
		s := &store{t: t, fresh: slices.Clone(sc.spans)}
		rnd.Shuffle(len(s.fresh), func(i, j int) { s.fresh[i], s.fresh[j] = s.fresh[j], s.fresh[i] })
		check := func(what string) {
			for range 4 {
				from := day() + rnd.Int64N(hours*60)*int64(time.Minute)
				to := from + (1+rnd.Int64N(hours*60))*int64(time.Minute)
				if rnd.IntN(3) == 0 {
					from, to = telemetry.Grain(from, time.Hour), telemetry.Grain(to, time.Hour)+int64(time.Hour)
				}
				require.Equal(t, recount(sc.spans, from, to), s.answer(from, to), "seed %d, %s, %s to %s", seed, what, time.Unix(0, from).UTC(), time.Unix(0, to).UTC())
			}
		}
		check("level 0")
		for len(s.fresh) > 0 {
			n := min(1+rnd.IntN(400), len(s.fresh))
			merged := s.fresh[:n]
			s.fresh = s.fresh[n:]
			s.mergeSome(merged)
			if rnd.IntN(3) == 0 { // so many parts that an open hour is folded
				s.foldHour(day()+rnd.Int64N(hours)*int64(time.Hour), true)
			}
			check("merged in part")
		}
		hoursOf := map[int64]bool{}
		for _, r := range s.rows {
			hoursOf[r.Start] = true
		}
		for start := range hoursOf {
			s.foldHour(start, false)
			check("folded in part")
		}
		for start := range hoursOf {
			s.foldHour(start, false) // again: nothing changes
		}
		check("folded twice")

		end := day() + 24*int64(time.Hour)
		s.put(rollup.Day, day())(Kind().Fold(rollup.Day, day(), false, sequence(slices.DeleteFunc(slices.Clone(s.rows), func(r *rollup.Row) bool { return r.Start >= end }))))
		c := New()
		s.add(c, s.rows[len(s.rows)-1], day(), end)
		list, err := c.Edges(t.Context(), day(), end)
		require.NoError(t, err)
		require.Equal(t, recount(sc.spans, day(), end), lines(list), "seed %d, the day", seed)
	}
}

// TestCallsWithoutACallerAreTold: a parent of any kind may be merged apart from its callee, and an hour be folded before all came: no call is lost then, but
// told as one of an unknown caller.
func TestCallsWithoutACallerAreTold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		sc := newScene(seed, 200, 2, true)
		s := &store{t: t}
		spans := slices.Clone(sc.spans)
		sc.rnd.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		for part := range slices.Chunk(spans, len(spans)/7) {
			s.mergeSome(part)
			s.foldHour(day(), false)
		}
		c := New()
		for _, r := range s.rows {
			s.add(c, r, day(), day()+int64(time.Hour)*5)
		}
		list, err := c.Edges(t.Context(), day(), day()+int64(time.Hour)*5)
		require.NoError(t, err)
		entries, own, unknown := int64(0), int64(0), int64(0)
		for i := range sc.spans {
			entries += int64(len(sc.spans[i].calledBy()))
		}
		for _, e := range list {
			if e.From.Kind == Unknown || e.From.Kind == Service && e.To.Kind == Service {
				own += e.Requests
			}
			if e.From.Kind == Unknown {
				unknown += e.Requests
			}
		}
		require.Positive(t, unknown)
		require.LessOrEqual(t, own, entries)
		// What is missing called itself: a service that is the parent of its own span is no edge.
		require.Greater(t, own, entries*8/10)
	}
}

// TestManyOfSomethingStayBounded: names of hosts, and callees whose callers are nowhere.
func TestManyOfSomethingStayBounded(t *testing.T) {
	t.Parallel()
	var spans []span
	for i := range mostNodes + 500 {
		spans = append(spans, span{
			trace: uint64(i) + 1, id: 1, service: "/a", kind: ptrace.SpanKindClient, start: day() + int64(time.Minute), length: 5,
			attributes: map[string]string{"server.address": fmt.Sprintf("h%d", i) + strings.Repeat("ä", rollup.MostName)},
		})
	}
	for i := range mostHalves + 500 {
		spans = append(spans, span{trace: uint64(i) + 1, id: 2, parent: 9, service: "/b", kind: ptrace.SpanKindServer, start: day() + int64(time.Minute), length: 7, failed: true})
	}
	s := &store{t: t}
	s.mergeSome(spans)
	s.foldHour(day(), false)
	c := New()
	require.NoError(t, c.decode(s.rows[0].Total, 0, halves))
	require.Len(t, c.callees, mostHalves)
	require.Empty(t, c.callers, "they are counted")

	c = New()
	end := day() + int64(time.Hour)
	s.add(c, s.rows[0], day(), end)
	list, err := c.Edges(t.Context(), day(), end)
	require.NoError(t, err)
	require.LessOrEqual(t, len(list), mostNodes+2)
	hosts, others := int64(0), int64(0)
	for _, e := range list {
		switch {
		case e.From.Kind == Unknown:
			require.EqualValues(t, mostHalves+500, e.Requests, "those that were let go of and the others")
			require.EqualValues(t, mostHalves+500, e.Errors)
		case e.To.Name == OtherName:
			others += e.Requests
		default:
			require.LessOrEqual(t, len(e.To.Name), rollup.MostName)
			require.True(t, utf8.ValidString(e.To.Name))
			hosts += e.Requests
		}
	}
	require.EqualValues(t, mostNodes+500, hosts+others)
	require.Positive(t, others)
}

// TestMadeUpSystemsStayBounded: of databases and of messaging, in one merge and in several, and callers whom nobody answered are found by callees that come later.
func TestMadeUpSystemsStayBounded(t *testing.T) {
	t.Parallel()
	s := &store{t: t}
	const merges = 3
	for part := range merges {
		var spans []span
		for i := range mostNodes {
			n := part*mostNodes + i
			attributes := map[string]string{"db.system.name": fmt.Sprint("db", n), "db.namespace": "x"}
			if i%2 == 0 {
				attributes = map[string]string{"messaging.system": fmt.Sprint("mq", n), "messaging.destination.name": "x"}
			}
			spans = append(spans, span{trace: uint64(n) + 1, id: 1, service: "/a", kind: ptrace.SpanKindClient, start: day() + int64(time.Minute), length: 5, attributes: attributes})
		}
		s.mergeSome(spans)
	}
	var answers []span
	for n := range 50 { // of the last merge, beyond the bound
		answers = append(answers, span{trace: uint64(merges*mostNodes - n), id: 2, parent: 1, service: "/b", kind: ptrace.SpanKindServer, start: day() + int64(time.Minute), length: 5})
	}
	s.mergeSome(answers)
	for range 2 {
		c := New()
		for _, r := range s.rows {
			s.add(c, r, day(), day()+int64(time.Hour))
		}
		list, err := c.Edges(t.Context(), day(), day()+int64(time.Hour))
		require.NoError(t, err)
		require.LessOrEqual(t, len(c.nodes), mostNodes+6)
		var all, matched int64
		for _, e := range list {
			require.Positive(t, e.Requests)
			all += e.Requests
			if e.To == ServiceNode("", "b") {
				matched += e.Requests
			}
		}
		require.EqualValues(t, merges*mostNodes+25, all, "what was given to a topic, and taken from there")
		require.EqualValues(t, 50, matched)
		s.foldHour(day(), false) // and the same when it is folded
	}
}

// blobs are what a small scene makes.
func blobs(t testing.TB) (out [][]byte) {
	t.Helper()
	s := &store{t: t}
	s.mergeSome(newScene(1, 10, 1, true).spans)
	out = append(out, s.rows[0].Minutes)
	s.foldHour(s.rows[0].Start, false)
	for _, r := range s.rows {
		if r.Grain == rollup.Hour {
			out = append(out, r.Total, r.Minutes)
		}
	}
	return out
}

func TestDamageIsTold(t *testing.T) {
	t.Parallel()
	for _, blob := range blobs(t) {
		whole := New()
		require.NoError(t, whole.decode(blob, 0, sums|halves))
		for i := range blob {
			broken := slices.Clone(blob)
			broken[i] ^= 0x40
			// A bit of the compressed bytes may mean nothing: then it changes nothing.
			if c := New(); c.decode(broken, 0, sums|halves) == nil {
				require.Equal(t, whole, c, "byte %d", i)
			}
			require.Error(t, New().decode(blob[:i], 0, sums|halves), "cut at %d", i)
		}
	}
}

// FuzzDecode reads columns as anyone could have written them, past the checksum.
func FuzzDecode(f *testing.F) {
	for _, blob := range blobs(f) {
		raw, err := packed.Unpack(new([]byte), blob)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte{3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}) // a tie of no node
	for v := range byte(version) {
		f.Add([]byte{v + 1, 0, 1, 1, 0, 0, 0, 0})             // a half of no node
		f.Add([]byte{v + 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0}) // a sum of none
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := New()
		blob, err := packed.Pack(raw)
		if err != nil || c.decode(blob, 60, sums|halves) != nil {
			return
		}
		again := New()
		encoded, err := c.encode(60, false)
		require.NoError(t, err)
		if err := again.decode(encoded, 60, sums|halves); err != nil {
			t.Fatal("what was read cannot be written:", err)
		}
		if _, err := c.Edges(t.Context(), 0, 1<<60); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSettledCallsAreThoseOfAllAtOnce: in whatever groups spans are settled, one after the other, and however often these are asked; parents are of any kind.
func TestSettledCallsAreThoseOfAllAtOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		sc := newScene(seed, 120, 2, true)
		for _, o := range sc.spans {
			if o.kind == ptrace.SpanKindServer && o.parent != 0 && sc.rnd.IntN(3) == 0 { // tried again: a caller has two callees
				o.start += int64(time.Second)
				o.service = "ns0/again"
				sc.add(o)
			}
		}
		rest := slices.Clone(sc.spans)
		sc.rnd.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		groups := make([]*Calls, 1+sc.rnd.IntN(5))
		for len(rest) > 0 {
			flush := New()
			n := min(len(rest), 1+sc.rnd.IntN(60))
			flush.Add(tableOf(t, rest[:n]), nil)
			rest = rest[n:]
			g := &groups[sc.rnd.IntN(len(groups))]
			joined := New()
			if *g != nil {
				joined.Merge(*g)
			}
			joined.Merge(flush)
			if sc.rnd.IntN(4) > 0 {
				joined.Settle()
			}
			*g = joined
		}
		from, to := day(), day()+3*int64(time.Hour)
		for range 2 {
			c := New()
			for _, g := range groups {
				if g != nil {
					require.Positive(t, g.Memory())
					c.Merge(g)
				}
			}
			list, err := c.Edges(t.Context(), from, to)
			require.NoError(t, err)
			require.Equal(t, recount(sc.spans, from, to), lines(list), "seed %d", seed)
		}
	}
}

// TestWhoSentIsFoundWhereverWhoTookIs: stored before, after or with it, in a part, a folded hour, a segment that no merge has seen, or an hour later by some
// seconds; and is counted once, however many take what it sent, one after the other.
func TestWhoSentIsFoundWhereverWhoTookIs(t *testing.T) {
	t.Parallel()
	topic := Node{Kind: Messaging, System: "kafka", Name: "orders"}
	taken := map[string]string{"messaging.system": "kafka", "messaging.destination.name": "orders"}
	for _, at := range []int64{int64(time.Minute), int64(time.Hour - time.Second)} {
		send := span{trace: 1, id: 1, service: "/shop", kind: ptrace.SpanKindProducer, start: day() + at, length: 5, does: gives}
		take := func(id uint64) span {
			return span{
				trace: id, id: id, service: "/billing", kind: ptrace.SpanKindConsumer, start: day() + at + int64(2*time.Second), length: 9, links: [][2]uint64{{1, 1}},
				attributes: taken, names: topic, does: takes,
			}
		}
		orders := [][]span{{send, take(2), take(3)}, {take(2), send, take(3)}, {take(2), take(3), send}}
		for _, order := range orders {
			for way := range 4 {
				s := &store{t: t}
				for i := range order {
					switch way {
					case 0:
						s.fresh = append(s.fresh, order[i])
					case 1:
						s.mergeSome(order[i : i+1])
					case 2:
						s.mergeSome(order[i : i+1])
						s.foldHour(day(), true)
						s.foldHour(day()+int64(time.Hour), true)
					case 3:
						if s.fresh = append(s.fresh, order[i]); i == 1 {
							s.mergeSome(s.fresh)
							s.fresh = nil
						}
					}
					for range 2 { // what is asked changes nothing
						require.Equal(t, recount(order[:i+1], day(), day()+2*int64(time.Hour)), s.answer(day(), day()+2*int64(time.Hour)), "way %d, %d of %v", way, i, order)
					}
				}
				s.mergeSome(s.fresh)
				s.fresh = nil
				s.foldHour(day(), false)
				s.foldHour(day()+int64(time.Hour), false)
				require.Equal(t, recount(order, day(), day()+2*int64(time.Hour)), s.answer(day(), day()+2*int64(time.Hour)), "way %d, folded %v", way, order)
			}
		}
	}
}

// TestTiesStayBounded: nobody sent what is taken, and no fold keeps more than it keeps of all else.
func TestTiesStayBounded(t *testing.T) {
	t.Parallel()
	for _, at := range []int64{int64(time.Minute), int64(time.Second)} {
		var spans []span
		for i := range mostHalves + 500 {
			spans = append(spans, span{
				trace: uint64(i) + 1, id: 2, parent: 9, service: "/b", kind: ptrace.SpanKindConsumer, start: day() + at, length: 7,
				attributes: map[string]string{"messaging.system": "kafka", "messaging.destination.name": "orders"},
			})
		}
		s := &store{t: t}
		s.mergeSome(spans)
		s.foldHour(day(), false)
		c := New()
		require.NoError(t, c.decode(s.rows[0].Total, 0, halves))
		if at == int64(time.Second) {
			require.Len(t, c.ties, mostHalves, "at the beginning of their hour")
		} else {
			require.Empty(t, c.ties)
		}
		require.Empty(t, c.callees)
		require.Len(t, s.answer(day(), day()+int64(time.Hour)), 1, "none is told as a call of nobody knows whom")
	}
}

// TestTheSecondVersionIsRead: of callers that gave a message, with a destination and without, and of no ties.
func TestTheSecondVersionIsRead(t *testing.T) {
	t.Parallel()
	raw := []byte{2, 2, 0, 2, 0, 0, 1, 0, 0, 0, 3, 1, 0, 0}
	raw = append(raw, "amqst"...)
	raw = append(raw, 1, 70, 0, 2, 9, 8+1, 1)                                    // a callee that failed, and names its caller
	raw = append(raw, 3, 80, 1, 1, 0, 0, 0, 2, 2, 2, 8, 8, 8, 4, 4+8+2, 8, 1, 1) // one that gave to nobody knows where, one to the topic, one that calls
	raw = append(raw, 0)
	blob, err := packed.Pack(raw)
	require.NoError(t, err)
	c := New()
	require.NoError(t, c.decode(blob, 60, sums|halves))
	require.Equal(t, []Node{{Kind: Service, Name: "a"}, {Kind: Messaging, System: "mqs", Name: "t"}}, c.nodes)
	require.Equal(t, []half{{key: 70, target: 1, minute: 62, bucket: 9, failed: true}}, c.callees)
	require.Equal(t, []half{
		{key: 80, target: -1, minute: 62, bucket: 8, does: hands},
		{key: 81, target: 1, minute: 62, bucket: 8, border: true, does: sends},
		{key: 82, target: 1, minute: 62, bucket: 8, does: calls},
	}, c.callers)
	require.Empty(t, c.ties)
}

// TestTheFirstVersionIsRead: of nodes with three names, and of callers that all have a target or none.
func TestTheFirstVersionIsRead(t *testing.T) {
	t.Parallel()
	raw := []byte{1, 2, 0, 1, 0, 0, 1, 0, 5, 4}
	raw = append(raw, "amysqlshop"...)
	raw = append(raw, 1, 70, 0, 2, 9, 3)                      // a callee, that failed, at a border
	raw = append(raw, 2, 80, 1, 0, 0, 2, 2, 8, 8, 0, 0, 2, 0) // two callers, one of the shop
	raw = append(raw, 1, 0, 1, 2, 1, 1, 14, 0)                // a call of the shop, that failed
	blob, err := packed.Pack(raw)
	require.NoError(t, err)
	c := New()
	require.NoError(t, c.decode(blob, 60, sums|halves))
	require.Equal(t, []Node{{Kind: Service, Name: "a"}, {Kind: Database, System: "mysql", Name: "shop"}}, c.nodes)
	require.Equal(t, []half{{key: 70, target: -1, minute: 62, bucket: 9, failed: true, border: true}}, c.callees)
	require.Equal(t, []half{{key: 80, target: 1, minute: 62, bucket: 8}, {key: 81, target: -1, minute: 62, bucket: 8}}, c.callers)
	require.Equal(t, map[cellKey]*red.Cell{{0, 1, 62}: {Errors: 1, Buckets: []red.Bucket{{Number: 7, Count: 1}}}}, c.cells)
}
