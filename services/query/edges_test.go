package query

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// callSpan is a span as far as the map tells of it.
type callSpan struct {
	trace, id, parent byte
	at, length        int64
	service           string
	kind              ptrace.SpanKind
	failed            bool
	host, system      string // of what a client calls
}

func payloadOfCalls(spans []callSpan) []byte {
	td := ptrace.NewTraces()
	for _, s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", s.service)
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{8: 1, 15: s.trace})
		span.SetSpanID(pcommon.SpanID{1, s.trace, s.id})
		if s.parent > 0 {
			span.SetParentSpanID(pcommon.SpanID{1, s.trace, s.parent})
		}
		span.SetKind(s.kind)
		span.SetStartTimestamp(pcommon.Timestamp(s.at))
		span.SetEndTimestamp(pcommon.Timestamp(s.at + s.length))
		if s.failed {
			span.Status().SetCode(ptrace.StatusCodeError)
		}
		if s.host != "" {
			span.Attributes().PutStr("server.address", s.host)
		}
		if s.system != "" {
			span.Attributes().PutStr("db.system.name", s.system)
		}
	}
	return testbed.TracesPayload(td)
}

// chains are traces of services that call one another in a row, and a database each.
func chains(rnd *rand.Rand, n int, begin, span int64) (out []callSpan) {
	for trace := range n {
		at := begin + rnd.Int64N(span)
		if rnd.IntN(3) == 0 { // over the end of a minute or an hour
			at = at/int64(time.Minute)*int64(time.Minute) - rnd.Int64N(int64(time.Second))
		}
		if rnd.IntN(6) == 0 {
			at = at/int64(time.Hour)*int64(time.Hour) - rnd.Int64N(int64(time.Second))
		}
		id, parent := byte(0), byte(0)
		if rnd.IntN(5) == 0 {
			parent = 200 // who called sent no span
		}
		put := func(s callSpan) byte {
			id++
			s.trace, s.id, s.at, s.failed = byte(trace), id, at, rnd.IntN(6) == 0
			out = append(out, s)
			return id
		}
		length := int64(time.Second) + rnd.Int64N(int64(time.Second))
		for range 1 + rnd.IntN(4) {
			service := fmt.Sprint("svc-", rnd.IntN(5))
			self := put(callSpan{parent: parent, service: service, kind: ptrace.SpanKindServer, length: length})
			put(callSpan{parent: self, service: service, kind: ptrace.SpanKindClient, length: length / 2, system: "mysql", host: "db"})
			at, length = at+length/8, length*3/4
			parent = put(callSpan{parent: self, service: service, kind: ptrace.SpanKindClient, length: length, host: fmt.Sprint("svc-", rnd.IntN(8))})
			at, length = at+length/8, length*3/4
		}
	}
	return out
}

// mapOf is the map of a range by looking at each span for itself.
func mapOf(spans []callSpan, from, to int64) (lines []string) {
	type key struct{ trace, id byte }
	byID, answered, present := map[key]callSpan{}, map[key]bool{}, map[string]bool{}
	for _, s := range spans {
		byID[key{s.trace, s.id}] = s
		if s.kind == ptrace.SpanKindServer {
			answered[key{s.trace, s.parent}] = true
		}
		if s.at >= from && s.at < to {
			present[s.service] = true
		}
	}
	sums, entries, unmatched := map[[2]string]*red.Sum{}, map[string]*red.Sum{}, map[string]int64{}
	add := func(a, b string, s callSpan) {
		if a == b {
			return
		}
		if sums[[2]string{a, b}] == nil {
			sums[[2]string{a, b}] = &red.Sum{}
		}
		sums[[2]string{a, b}].Add(s.at, s.length, s.failed)
	}
	for _, s := range spans {
		if s.at < from || s.at >= to {
			continue
		}
		switch {
		case s.kind == ptrace.SpanKindServer:
			if entries[s.service] == nil {
				entries[s.service] = &red.Sum{}
			}
			entries[s.service].Add(s.at, s.length, s.failed)
			if parent, ok := byID[key{s.trace, s.parent}]; ok {
				add(parent.service, s.service, s)
			} else if s.parent > 0 {
				unmatched[s.service]++
			}
		case answered[key{s.trace, s.id}]:
		case s.system != "":
			add(s.service, "db "+s.host, s)
		case present[s.host]:
			add(s.service, s.host, s)
		default:
			add(s.service, "host "+s.host, s)
		}
	}
	for pair, s := range sums {
		lines = append(lines, fmt.Sprintf("%s > %s: %d, %d failed, %d", pair[0], pair[1], s.Requests, s.Errors, s.Durations.Quantile(0.95)))
	}
	for name, s := range entries {
		lines = append(lines, fmt.Sprintf("%s: %d, %d failed, %d, %d unmatched", name, s.Requests, s.Errors, s.Durations.Quantile(0.95), unmatched[name]))
	}
	slices.Sort(lines)
	return lines
}

// told is what the API says.
func (f *fixture) toldMap(from, to int64) (lines []string) {
	f.t.Helper()
	var got api.ServiceMap
	f.get("/api/service-map?"+url.Values{"start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)}}.Encode(), &got)
	require.Nil(f.t, got.Incomplete)
	names := map[string]string{}
	for _, n := range got.Nodes {
		names[n.ID] = map[api.MapNodeType]string{api.MapNodeTypeDatabase: "db ", api.MapNodeTypeExternal: "host "}[n.Type] + n.Name
		if n.Type == api.MapNodeTypeService && n.Red.Requests > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d, %d failed, %s, %d unmatched", n.Name, n.Red.Requests, n.Red.Errors, n.Red.P95Nano, n.UnmatchedCalls))
		}
	}
	for _, e := range got.Edges {
		lines = append(lines, fmt.Sprintf("%s > %s: %d, %d failed, %s", names[e.Source], names[e.Target], e.Red.Requests, e.Red.Errors, e.Red.P95Nano))
	}
	slices.Sort(lines)
	return lines
}

// TestTheMapIsThatOfARecount: whatever stage the two sides of a call are at, and wherever the range ends. It is widened to whole minutes.
func TestTheMapIsThatOfARecount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(8, 9))
	const span = int64(4 * time.Hour)
	begin := base().Truncate(time.Hour).Add(-4 * time.Hour).UnixNano()
	spans := chains(rnd, 250, begin, span)
	rest := slices.Clone(spans)
	rnd.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	for len(rest) > 0 {
		n := min(1+rnd.IntN(300), len(rest))
		f.store("default", telemetry.Traces, payloadOfCalls(rest[:n]), 1+rnd.IntN(80))
		rest = rest[n:]
	}
	f.store("other", telemetry.Traces, payloadOfCalls(spans[:40]), 100)
	minute := int64(time.Minute)
	for i := range 40 {
		from := begin + rnd.Int64N(span)
		to := from + 1 + rnd.Int64N(span)
		switch i % 4 {
		case 0:
			from, to = telemetry.Grain(from, time.Hour), telemetry.Grain(to, time.Hour)+int64(time.Hour)
		case 1:
			to = from + 1 + rnd.Int64N(3*minute)
		}
		want := mapOf(spans, telemetry.Grain(from, time.Minute), telemetry.Grain(to+minute-1, time.Minute))
		require.Equal(t, want, f.toldMap(from, to), "%s to %s", time.Unix(0, from).UTC(), time.Unix(0, to).UTC())
	}
}

// TestTheMapReadsNoSegmentThatIsInARollup, and no more readers are turned away than of anything else.
func TestTheMapReadsNoSegmentThatIsInARollup(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(1, 9))
	begin := base().Add(-time.Hour).UnixNano()
	spans := chains(rnd, 100, begin, int64(time.Hour))
	f.store("default", telemetry.Traces, payloadOfCalls(spans), 50) // the first is of level 2
	done := make(chan api.ServiceMap)
	for range 6 {
		go func() {
			var got api.ServiceMap
			f.get("/api/service-map"+hour(), &got)
			done <- got
		}()
	}
	for range 6 {
		got := <-done
		require.Zero(t, got.Stats.SegmentsRead)
		require.NotEmpty(t, got.Edges)
	}
}
