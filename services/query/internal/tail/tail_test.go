package tail

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// queue is one that a test fills.
type queue struct {
	take  map[telemetry.Tenant]func(bus.Arrival)
	ended int
}

func (q *queue) Follow(_ telemetry.Signal, tenant telemetry.Tenant, take func(bus.Arrival)) (func(), error) {
	q.take[tenant] = take
	return func() { q.ended++ }, nil
}

func newHub(most int) (*Hub, *queue) {
	q := &queue{take: map[telemetry.Tenant]func(bus.Arrival){}}
	return New(q, most, slog.New(slog.DiscardHandler)), q
}

func request(tenant telemetry.Tenant) Request {
	return Request{Tenant: tenant, Signal: telemetry.Logs, Filter: filter.All{}, Base: 100, Draw: func(t *segment.Table) func(int) []byte {
		return func(row int) []byte { return append([]byte(nil), t.Values[t.Texts[segment.TextBody][row]].Raw...) }
	}}
}

func message(position uint64, bodies ...string) bus.Arrival {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i, body := range bodies {
		r := records.AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(1_700_000_000, 0).Add(time.Duration(-i) * time.Hour))) // a segment each
		r.Body().SetStr(body)
	}
	return bus.Arrival{Position: position, Batches: []telemetry.Batch{{Items: len(bodies), Payload: testbed.LogsPayload(ld)}}}
}

// Who stands still has what there is room for, and is told how much is missing; others see all.
func TestASlowOnlookerCostsOnlyItself(t *testing.T) {
	t.Parallel()
	hub, q := newHub(10)
	slow, err := hub.Open(request("shop"))
	require.NoError(t, err)
	quick, err := hub.Open(request("shop"))
	require.NoError(t, err)
	seen := 0
	const messages, each = 60, 100
	for n := range messages {
		bodies := make([]string, each)
		for i := range bodies {
			bodies[i] = fmt.Sprint(n, ".", i, " ", strings.Repeat("x", 1000))
		}
		q.take["shop"](message(uint64(n+1), bodies...))
		<-quick.Ready()
		for _, e := range quick.Take() {
			require.Equal(t, bodies[e.Ordinal], string(e.Data), "in the order in which they were sent")
			require.Equal(t, int64(100+n+1), e.Position)
			seen++
		}
	}
	require.Equal(t, messages*each, seen)
	require.Empty(t, quick.Take())
	list := slow.Take()
	bytes := 0
	for _, e := range list[:len(list)-1] {
		require.NotNil(t, e.Data)
		bytes += len(e.Data)
	}
	require.LessOrEqual(t, bytes, MostBytes)
	require.Greater(t, bytes, MostBytes*8/10)
	gap := list[len(list)-1]
	require.Equal(t, int64(messages*each), int64(len(list)-1)+gap.Missed)
	q.take["shop"](message(messages+1, "again"))
	require.Equal(t, "again", string(slow.Take()[0].Data), "who reads on, sees what comes then")
}

// What cannot be read, comes after a gap, or is of a queue that counts anew, is told.
func TestOnlookersAreToldOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	hub, q := newHub(10)
	o, err := hub.Open(request("shop"))
	require.NoError(t, err)
	gap := message(7, "after a gap")
	gap.Gap = true
	q.take["shop"](gap)
	list := o.Take()
	require.True(t, list[0].Unknown)
	require.Equal(t, "after a gap", string(list[1].Data))
	q.take["shop"](bus.Arrival{Position: 8, Batches: []telemetry.Batch{{Items: 1, Payload: []byte("no protobuf")}}})
	list = o.Take()
	require.Len(t, list, 1)
	require.True(t, list[0].Unknown)
	select {
	case <-o.Anew():
		require.Fail(t, "the queue is the same")
	default:
	}
	q.take["shop"](message(1, "of another life"))
	<-o.Anew()
	require.Empty(t, o.Take())
}

// However large what is drawn of a message would be, no more is drawn than there is room for; nor is anything kept of it.
func TestWhatFindsNoRoomIsNotDrawn(t *testing.T) {
	t.Parallel()
	hub, q := newHub(2)
	r := request("shop")
	drawn := 0
	r.Draw = func(*segment.Table) func(int) []byte {
		return func(int) []byte {
			drawn++
			return make([]byte, 300_000)
		}
	}
	o, err := hub.Open(r)
	require.NoError(t, err)
	const n = 500
	q.take["shop"](message(1, make([]string, n)...))
	require.LessOrEqual(t, drawn, MostBytes/300_000+1)
	list := o.Take()
	require.Equal(t, int64(n), int64(len(list)-1)+list[len(list)-1].Missed)
	require.False(t, list[len(list)-1].Unknown)
	q.take["shop"](message(2, make([]string, n)...))
	gap := message(3, "x")
	gap.Gap = true
	q.take["shop"](gap)
	list = o.Take()
	require.True(t, list[len(list)-1].Unknown, "a gap stays one, also where there is no room")
	require.Nil(t, o.drawn)
}

// A queue that was made anew is noticed by who has seen nothing of it yet, too.
func TestAQueueMadeAnewIsNoticed(t *testing.T) {
	t.Parallel()
	hub, q := newHub(2)
	r := request("shop")
	r.Last = 77
	o, err := hub.Open(r)
	require.NoError(t, err)
	q.take["shop"](message(3, "of another life"))
	<-o.Anew()
	require.Empty(t, o.Take())
}

// Places are bounded, half of them a tenant's, and given back; a queue is followed while somebody looks.
func TestPlacesAreBounded(t *testing.T) {
	t.Parallel()
	hub, q := newHub(3)
	var open []*Onlooker
	for _, tenant := range []telemetry.Tenant{"a", "a", "b"} {
		o, err := hub.Open(request(tenant))
		require.NoError(t, err)
		open = append(open, o)
	}
	_, err := hub.Open(request("c"))
	require.ErrorContains(t, err, "3 follow")
	open[2].Close()
	open[2].Close()
	_, err = hub.Open(request("a"))
	require.ErrorContains(t, err, "2 of them this tenant's")
	require.Equal(t, 1, q.ended)
	open[0].Close()
	require.Equal(t, 1, q.ended, "somebody looks on")
	open[1].Close()
	require.Equal(t, 2, q.ended)
	for range 2 {
		_, err = hub.Open(request("a"))
		require.NoError(t, err)
	}
}
