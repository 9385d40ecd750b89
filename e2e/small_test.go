package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/e2e/load"
)

// TestSmallRequestsShareMessagesAndAreStoredOnce sends requests of one item by many senders, some of them twice, to a NATS that forces each message to disk,
// and kills a writer, ingest and NATS meanwhile, each twice. What was acknowledged is there once, and messages held many requests.
func TestSmallRequestsShareMessagesAndAreStoredOnce(t *testing.T) {
	s := newStackOn(t, layout{durable: true})
	first, firstHealth := s.writer()
	second, secondHealth := s.writer()
	s.ready(firstHealth)
	s.ready(secondHealth)
	pool := s.pool()
	plan := load.NewPlan(uint64(time.Now().UnixNano()), items(t)/5, 1, time.Now(), 10*time.Minute)
	g := s.send(t.Context(), plan, load.Target{Workers: 48, Again: 0.1})
	for i, p := range []*process{first, s.ingest, s.nats, second, s.ingest, s.nats} {
		s.stored(pool, plan.Items*(i+1)/8)
		p.kill()
		p.run()
		s.ready(s.http)
	}
	sent := g.wait()
	require.Positive(t, sent.Retries)
	s.requireExactly(plan, 5*time.Minute)
	s.settled()
	requests := sent.Requests + sent.Repeated
	streams, err := streamsOf(t.Context(), s.monitor)
	require.NoError(t, err)
	seen := 0
	for _, of := range streams {
		switch of.Name {
		case "OLLY_DEAD", "OLLY_PARKED":
			require.Zero(t, of.State.LastSeq, of.Name)
		case "OLLY_TRACES", "OLLY_LOGS", "OLLY_METRICS":
			seen++
			t.Logf("%s: %d messages for some %d requests", of.Name, of.State.LastSeq, requests/3)
			require.Less(t, of.State.LastSeq, uint64(requests/3*2/3), of.Name)
		}
	}
	require.Equal(t, 3, seen)
}
