package e2e

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/e2e/load"
)

func newPlan(t *testing.T) load.Plan {
	t.Helper()
	return load.NewPlan(uint64(time.Now().UnixNano()), items(t), 250, time.Now(), 10*time.Minute)
}

func TestWritersKilledTwiceLoseNothingAndAddNothing(t *testing.T) {
	s := newStack(t)
	first, firstHealth := s.writer()
	second, secondHealth := s.writer()
	s.ready(firstHealth)
	s.ready(secondHealth)
	pool, plan := s.pool(), newPlan(t)
	g := s.send(t.Context(), plan, load.Target{Again: 0.1})
	s.stored(pool, plan.Items/5)
	first.kill()
	first.run()
	s.stored(pool, plan.Items/2)
	second.kill()
	second.run()
	g.wait()
	s.requireExactly(plan, 5*time.Minute)
}

func TestTheSameBytesSentTwiceAddNothing(t *testing.T) {
	// The bus forgets a message id after a second, so that only the ledger can know the second sending.
	s := newStack(t, "OLLY_BUS_DUPLICATE_WINDOW=1s")
	_, writerHealth := s.writer()
	s.ready(writerHealth)
	plan := newPlan(t)
	s.send(t.Context(), plan, load.Target{Again: 0.1}).wait()
	end := time.Now()
	s.requireExactly(plan, 5*time.Minute)
	waitFor(t, 5*time.Second, "the bus has forgotten", func() bool { return time.Since(end) > 2*time.Second })
	s.send(t.Context(), plan, load.Target{}).wait()
	s.settled()
	s.requireExactly(plan, 5*time.Minute)
}

func TestIngestKilled(t *testing.T) {
	s := newStack(t)
	_, writerHealth := s.writer()
	s.ready(writerHealth)
	pool, plan := s.pool(), newPlan(t)
	g := s.send(t.Context(), plan, load.Target{})
	for _, share := range []int{4, 2} {
		s.stored(pool, plan.Items/share)
		s.ingest.kill()
		// Four senders make some fifty requests a second between them: half a second is long enough for them to meet the closed door.
		away := time.Now()
		waitFor(t, 5*time.Second, "senders to notice", func() bool { return time.Since(away) > 500*time.Millisecond })
		s.ingest.run()
	}
	sent := g.wait()
	require.Positive(t, sent.Retries)
	s.requireExactly(plan, 5*time.Minute)
}

func TestBusDown(t *testing.T) {
	s := newStack(t)
	_, writerHealth := s.writer()
	s.ready(writerHealth)
	pool, plan := s.pool(), newPlan(t)
	g := s.send(t.Context(), plan, load.Target{})
	s.stored(pool, plan.Items/4)
	s.nats.kill()
	// Nothing is said to be accepted that is not durable, and the client is told to come back.
	body, err := plan.Request(load.Traces, plan.Requests()-1)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http+"/v1/traces", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	waitFor(t, 15*time.Second, "ingest is not ready", func() bool { return health(t, s.http) == http.StatusServiceUnavailable })
	s.nats.run()
	s.ready(s.http)
	g.wait()
	s.requireExactly(plan, 5*time.Minute)
}

func TestDatabaseDown(t *testing.T) {
	s := newStack(t)
	_, writerHealth := s.writer()
	s.ready(writerHealth)
	pool, plan := s.pool(), newPlan(t)
	g := s.send(t.Context(), plan, load.Target{})
	s.stored(pool, plan.Items/4)
	s.stopPostgres()
	// What comes in waits in the bus: senders notice nothing.
	sent := g.wait()
	require.Zero(t, sent.Retries)
	require.Equal(t, http.StatusOK, health(t, s.http))
	waitFor(t, 15*time.Second, "query and writer are not ready", func() bool {
		return health(t, s.api) == http.StatusServiceUnavailable && health(t, writerHealth) == http.StatusServiceUnavailable
	})
	s.startPostgres()
	s.ready(s.api)
	s.ready(writerHealth)
	s.requireExactly(plan, 5*time.Minute)
}
