// Package shapes makes telemetry of senders that look like no web shop: a cluster's nodes and pods, agents that talk with language models, a fleet of
// devices, gateways that log every request, and nightly batches. Storage is measured and tested on them beside the shop, so that it is not made
// for one kind of data only.
//
// Invariants: the same name, seed and counts give the same bytes, at any time and on any machine. Ids, keys and numbers that are chance in life are
// chance here: they take their entropy wherever they are stored. Items lie within ten minutes, in the order in which senders would send them.
package shapes

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Requests are OTLP requests of each signal.
type Requests [3][][]byte

// kind is one kind of sender.
type kind struct {
	name   string
	shares [3]float64 // of items, by signal
	begin  func(*source) sender
}

// sender makes a little of a signal each time it is asked: a trace, a record or some, the points of a scrape.
type sender interface {
	traces(to *resources[ptrace.ResourceSpans])
	logs(to *resources[plog.ResourceLogs])
	metrics(to *resources[pmetric.ResourceMetrics])
}

func table() []kind {
	return []kind{
		{"batch", [3]float64{0.6, 0.3, 0.1}, newBatch},
		{"gateway", [3]float64{0.55, 0.35, 0.1}, newGateway},
		{"genai", [3]float64{0.65, 0.25, 0.1}, newGenAI},
		{"iot", [3]float64{0.05, 0.2, 0.75}, newIoT},
		{"kubernetes", [3]float64{0.1, 0.5, 0.4}, newKubernetes},
	}
}

// Names lists the kinds of senders.
func Names() (names []string) {
	for _, k := range table() {
		names = append(names, k.name)
	}
	return names
}

// Make makes requests of a kind of sender, of some items each, until it has made about so many items of all signals. An unknown name is an error.
func Make(name string, seed uint64, items, request int) (out Requests, err error) {
	for _, k := range table() {
		if k.name != name {
			continue
		}
		for signal := range out {
			s := &source{Rand: rand.New(rand.NewPCG(seed, uint64(signal)+1)), begin: time.Date(2026, 3, 2, 9, 20, 0, 0, time.UTC)}
			n := int(float64(items) * k.shares[signal])
			s.step = 10 * time.Minute / time.Duration(max(n, 1))
			out[signal] = s.requests(telemetry.Signal(signal), k.begin(s), n, request)
		}
		return out, nil
	}
	return out, fmt.Errorf("there is no shape %q", name)
}

// source is chance, and the time.
type source struct {
	*rand.Rand
	begin time.Time
	step  time.Duration // between items
	made  int           // items so far
}

func (s *source) now() time.Time { return s.begin.Add(time.Duration(s.made) * s.step) }

// stamp is a time as most clocks give it.
func stamp(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }

// requests asks a sender until there are n items.
func (s *source) requests(signal telemetry.Signal, from sender, n, request int) (out [][]byte) {
	for s.made < n {
		stop := min(n, s.made+request)
		switch signal {
		case telemetry.Traces:
			td := ptrace.NewTraces()
			to := &resources[ptrace.ResourceSpans]{new: td.ResourceSpans().AppendEmpty, resource: ptrace.ResourceSpans.Resource}
			for s.made < stop {
				from.traces(to)
			}
			b, _ := (&ptrace.ProtoMarshaler{}).MarshalTraces(td) // what pdata has built can be marshalled
			out = append(out, b)
		case telemetry.Logs:
			ld := plog.NewLogs()
			to := &resources[plog.ResourceLogs]{new: ld.ResourceLogs().AppendEmpty, resource: plog.ResourceLogs.Resource}
			for s.made < stop {
				from.logs(to)
			}
			b, _ := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
			out = append(out, b)
		case telemetry.Metrics:
			md := pmetric.NewMetrics()
			to := &resources[pmetric.ResourceMetrics]{new: md.ResourceMetrics().AppendEmpty, resource: pmetric.ResourceMetrics.Resource}
			for s.made < stop {
				from.metrics(to)
			}
			b, _ := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
			out = append(out, b)
		}
	}
	return out
}

// resources groups the items of a request by what sent them.
type resources[T any] struct {
	new      func() T
	resource func(T) pcommon.Resource
	known    map[int]T
}

// of returns what holds the items of resource i, which describe fills when it is new.
func (r *resources[T]) of(i int, describe func(pcommon.Map)) T {
	if t, ok := r.known[i]; ok {
		return t
	}
	if r.known == nil {
		r.known = map[int]T{}
	}
	t := r.new()
	describe(r.resource(t).Attributes())
	r.known[i] = t
	return t
}

// spansOf is the one scope of a resource's spans.
func spansOf(rs ptrace.ResourceSpans, scope string) ptrace.SpanSlice {
	if rs.ScopeSpans().Len() == 0 {
		rs.ScopeSpans().AppendEmpty().Scope().SetName(scope)
	}
	return rs.ScopeSpans().At(0).Spans()
}

func recordsOf(rl plog.ResourceLogs, scope string) plog.LogRecordSlice {
	if rl.ScopeLogs().Len() == 0 {
		rl.ScopeLogs().AppendEmpty().Scope().SetName(scope)
	}
	return rl.ScopeLogs().At(0).LogRecords()
}

// metricOf is a metric of a resource, which begin describes when it is new.
func metricOf(rm pmetric.ResourceMetrics, name string, begin func(pmetric.Metric)) pmetric.Metric {
	if rm.ScopeMetrics().Len() == 0 {
		rm.ScopeMetrics().AppendEmpty().Scope().SetName("scrape")
	}
	list := rm.ScopeMetrics().At(0).Metrics()
	for i := range list.Len() {
		if list.At(i).Name() == name {
			return list.At(i)
		}
	}
	m := list.AppendEmpty()
	m.SetName(name)
	begin(m)
	return m
}

// put fills a map from keys and values in turn.
func put(m pcommon.Map, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		v := m.PutEmpty(pairs[i].(string)) //nolint:forcetypeassert // as all callers are here
		switch x := pairs[i+1].(type) {
		case string:
			v.SetStr(x)
		case int:
			v.SetInt(int64(x))
		case float64:
			v.SetDouble(x)
		case bool:
			v.SetBool(x)
		case []byte:
			v.SetEmptyBytes().FromRaw(x)
		case []string:
			for _, s := range x {
				if i == 0 || v.Type() != pcommon.ValueTypeSlice {
					v.SetEmptySlice()
				}
				v.Slice().AppendEmpty().SetStr(s)
			}
		case []any:
			put(v.SetEmptyMap(), x...)
		}
	}
}

func (s *source) chance(p float64) bool { return s.Float64() < p }

func (s *source) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.Uint32())
	}
	return b
}

func (s *source) traceID() (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:], s.Uint64())
	binary.BigEndian.PutUint64(id[8:], s.Uint64())
	return id
}

func (s *source) spanID() (id pcommon.SpanID) {
	binary.BigEndian.PutUint64(id[:], s.Uint64())
	return id
}

func (s *source) hex(n int) string { return hex.EncodeToString(s.bytes((n + 1) / 2))[:n] }

func (s *source) uuid() string {
	h := s.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func (s *source) letters(of string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[s.IntN(len(of))]
	}
	return string(b)
}

func one[T any](s *source, of ...T) T { return of[s.IntN(len(of))] }

// rank is a number below n, of which small ones are frequent.
func (s *source) rank(n int) int { return int(math.Pow(float64(n+1), s.Float64())) - 1 }

// about is a positive number around a middle, seldom much larger.
func (s *source) about(middle float64) float64 { return middle * math.Exp(s.NormFloat64()*0.9) }

func (s *source) lasting(middle time.Duration) time.Duration {
	return time.Duration(s.about(float64(middle)))
}

// vocabulary is what texts are written in.
func vocabulary() []string {
	return strings.Fields(`the of and to in a is that for it with as was on be by at this from which or have an not are but had his they were can
		there been one all we their has would when if who so no what up out about into than them time some could other only then do may these
		number people over know water long down side made live most after thing work call through part take place year back give much before line
		right too mean old any same tell boy follow came want show also around form three small set put end does another well large must big even
		such because turn here why ask went men read need land different home us move try kind hand picture again change off play spell air away
		animal house point page letter mother answer found study still learn should world high every near add food between own below country plant
		last school father keep tree never start city earth eye light thought head under story saw left few while along might close something seem
		next hard open example begin life always those both paper together got group often run important until children feet car mile night walk
		white sea began grow took river four carry state once book hear stop without second later miss idea enough eat face watch far really almost
		request response timeout retry schema column index cache token stream buffer memory thread socket certificate tenant cluster partition offset
		customer invoice payment refund shipment warehouse contract policy account balance currency ledger quarter forecast region territory`)
}

// prose is text of about n bytes.
func (s *source) prose(words []string, n int) string {
	var b strings.Builder
	for length := 0; b.Len() < n; length++ {
		w := words[s.rank(len(words))]
		if length == 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
		switch {
		case length > 5 && s.chance(0.15):
			b.WriteString(". ")
			length = -1
		case s.chance(0.08):
			b.WriteString(", ")
		case s.chance(0.03):
			fmt.Fprintf(&b, " %d ", s.IntN(500))
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// pool makes n values.
func pool[T any](n int, each func(i int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = each(i)
	}
	return out
}
