package query

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// dice makes telemetry that filters and pages have something to do with: few services, many equal timestamps, attributes of mixed types.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, seed))} }

// at is a time in the ten minutes after base; a third of all items share a few instants.
func (d dice) at() pcommon.Timestamp {
	if d.IntN(3) == 0 {
		return pcommon.NewTimestampFromTime(base().Add(time.Duration(d.IntN(5)) * time.Minute))
	}
	return pcommon.NewTimestampFromTime(base().Add(time.Duration(d.Int64N(int64(10 * time.Minute)))))
}

func (d dice) service() string { return []string{"cart", "checkout", "payment", "frontend"}[d.IntN(4)] }

func (d dice) resource(r pcommon.Resource) {
	r.Attributes().PutStr("service.name", d.service())
	if d.IntN(2) == 0 {
		r.Attributes().PutStr("service.namespace", "shop")
	}
	r.Attributes().PutStr("host.name", fmt.Sprintf("node-%d", d.IntN(3)))
}

func (d dice) scope(s pcommon.InstrumentationScope) {
	s.SetName([]string{"http", "sql", ""}[d.IntN(3)])
	s.SetVersion([]string{"1.0", ""}[d.IntN(2)])
	if d.IntN(2) == 0 {
		s.Attributes().PutBool("generated", true)
	}
}

func (d dice) attributes(m pcommon.Map) {
	if d.IntN(3) > 0 {
		m.PutInt("http.status_code", []int64{200, 200, 404, 500, 1<<53 + 1}[d.IntN(5)])
	} else if d.IntN(2) == 0 {
		m.PutStr("http.status_code", "200") // the same key with another type
	}
	switch d.IntN(6) {
	case 0:
		m.PutDouble("ratio", 0.5)
	case 1:
		m.PutInt("ratio", 1)
	case 2:
		m.PutDouble("ratio", 1)
	case 3:
		m.PutBool("ratio", true)
	}
	if d.IntN(4) == 0 {
		m.PutStr("user.id", fmt.Sprintf("user-%d", d.IntN(20)))
	}
	if d.IntN(10) == 0 {
		m.PutEmpty("nothing")
	}
	if d.IntN(10) == 0 {
		m.PutEmptyBytes("raw").FromRaw([]byte{0, byte(d.IntN(2))})
	}
}

func (d dice) traceID() (id pcommon.TraceID) {
	id[0], id[14], id[15] = 1, byte(d.IntN(2)), byte(d.IntN(256))
	return id
}

func (d dice) spanID() (id pcommon.SpanID) {
	for i := range id {
		id[i] = byte(d.IntN(256))
	}
	return id
}

func (d dice) traces(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	for n > 0 {
		rs := td.ResourceSpans().AppendEmpty()
		d.resource(rs.Resource())
		ss := rs.ScopeSpans().AppendEmpty()
		d.scope(ss.Scope())
		for range min(n, 1+d.IntN(8)) {
			n--
			s := ss.Spans().AppendEmpty()
			s.SetTraceID(d.traceID())
			s.SetSpanID(d.spanID())
			if d.IntN(5) > 0 {
				s.SetParentSpanID(d.spanID())
			}
			s.SetName([]string{"GET /", "POST /cart", "SELECT", "charge"}[d.IntN(4)])
			s.SetKind(ptrace.SpanKind(d.IntN(6)))
			at := d.at()
			s.SetStartTimestamp(at)
			s.SetEndTimestamp(at + pcommon.Timestamp(d.Int64N(int64(300*time.Millisecond))))
			s.Status().SetCode(ptrace.StatusCode(d.IntN(3)))
			if s.Status().Code() == ptrace.StatusCodeError {
				s.Status().SetMessage("card declined")
			}
			d.attributes(s.Attributes())
		}
	}
	return td
}

func (d dice) logs(n int) plog.Logs {
	ld := plog.NewLogs()
	for n > 0 {
		rl := ld.ResourceLogs().AppendEmpty()
		d.resource(rl.Resource())
		sl := rl.ScopeLogs().AppendEmpty()
		d.scope(sl.Scope())
		for range min(n, 1+d.IntN(8)) {
			n--
			l := sl.LogRecords().AppendEmpty()
			if d.IntN(10) > 0 {
				l.SetTimestamp(d.at())
			}
			l.SetObservedTimestamp(d.at())
			l.SetSeverityNumber(plog.SeverityNumber(d.IntN(25)))
			l.SetSeverityText([]string{"INFO", "error", ""}[d.IntN(3)])
			if d.IntN(3) == 0 {
				l.SetEventName("device.app")
			}
			switch d.IntN(5) {
			case 0:
				l.Body().SetInt(200)
			case 1:
				l.Body().SetEmptyMap().PutStr("message", "order placed")
			case 2:
			default:
				l.Body().SetStr(fmt.Sprintf("Order %d of user-%d was placed: total=%d EUR, café", d.IntN(50), d.IntN(20), d.IntN(9)))
			}
			if d.IntN(2) == 0 {
				l.SetTraceID(d.traceID())
				l.SetSpanID(d.spanID())
			}
			d.attributes(l.Attributes())
		}
	}
	return ld
}

func (d dice) metrics(n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	for n > 0 {
		rm := md.ResourceMetrics().AppendEmpty()
		d.resource(rm.Resource())
		sm := rm.ScopeMetrics().AppendEmpty()
		d.scope(sm.Scope())
		m := sm.Metrics().AppendEmpty()
		m.SetUnit([]string{"1", "s", ""}[d.IntN(3)])
		var points pmetric.NumberDataPointSlice
		if d.IntN(2) == 0 {
			m.SetName("queue.depth")
			points = m.SetEmptyGauge().DataPoints()
		} else {
			m.SetName("requests")
			points = m.SetEmptySum().DataPoints()
		}
		for range min(n, 1+d.IntN(8)) {
			n--
			p := points.AppendEmpty()
			p.SetTimestamp(d.at())
			p.SetIntValue(d.Int64N(1000))
			d.attributes(p.Attributes())
		}
	}
	return md
}
