package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

func TestPlanSendsEveryItemOnceAndTheSameBytesAgain(t *testing.T) {
	t.Parallel()
	p := NewPlan(7, 1234, 100, time.Unix(1_800_000_000, 0), time.Minute)
	require.Equal(t, 13, p.Requests())
	tally, ids := newTally(p), map[string]bool{}
	for n := range p.Requests() {
		body, err := p.Request(Traces, n)
		require.NoError(t, err)
		again, err := p.Request(Traces, n)
		require.NoError(t, err)
		require.Equal(t, body, again)

		var m coltrace.ExportTraceServiceRequest
		require.NoError(t, proto.Unmarshal(body, &m))
		for _, rs := range m.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					tally.add(p, int64(s.StartTimeUnixNano), "")
					ids[string(s.SpanId)] = true
				}
			}
		}
	}
	require.NoError(t, tally.Err())
	require.Len(t, ids, p.Items)
}

func TestTallySaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := NewPlan(7, 10, 5, time.Unix(1_800_000_000, 0), time.Minute)
	tally := newTally(p)
	for k := range 9 {
		tally.add(p, p.Time(k), "")
	}
	tally.add(p, p.Time(3), "")
	tally.add(p, p.Time(0)+1, "")
	require.EqualError(t, tally.Err(), "1 of 10 items are missing, 1 are there more than once, 1 are not what was sent "+
		"(an item at 1799999940000000001, where none was sent)")
}
