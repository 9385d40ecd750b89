package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// The server that leads a stream of three is killed: a sender is told within a second and a half that a new leader is being chosen, health stays well, and soon
// everything is taken again.
func TestTheLeaderOfThreeNATSServersIsKilled(t *testing.T) {
	s := &stack{t: t, dir: t.TempDir()}
	s.startCluster(3)
	cfg := bus.DefaultConfig()
	cfg.URL, cfg.Replicas, cfg.MaxBytes, cfg.DeadMaxBytes = s.bus, 3, 64<<20, 16<<20
	b, err := bus.Connect(t.Context(), cfg, testbed.NewLog(t), nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	p, err := b.Publisher()
	require.NoError(t, err)
	t.Cleanup(p.Close)
	n := 0
	send := func() (time.Duration, error) {
		n++
		begin := time.Now()
		payload := fmt.Append(nil, n)
		_, err := p.Publish(t.Context(), []telemetry.Batch{{
			Request: telemetry.NewRequestID("default", telemetry.Traces, payload), Tenant: "default", Signal: telemetry.Traces, Items: 1, Received: time.Now(), Payload: payload,
		}})
		return time.Since(begin), err
	}
	waitFor(t, time.Minute, "the cluster takes", func() bool { _, err := send(); return err == nil && b.Healthy(t.Context()) == nil })

	nc, err := nats.Connect(cfg.URL)
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(testbed.Context(t), bus.StreamName(telemetry.Traces))
	require.NoError(t, err)
	leader := stream.CachedInfo().Cluster.Leader
	nc.Close()
	s.cluster[slices.IndexFunc(s.cluster, func(p *process) bool { return p.name == leader })].kill()

	var slowest time.Duration
	refusals, unwell, away := map[string]int{}, 0, time.Now()
	for well := 0; well < 20; {
		took, err := send()
		if err == nil {
			well++
		} else {
			well = 0
			refusals[fault.From(err).Code]++
			slowest = max(slowest, took)
		}
		if b.Publishing(t.Context()) != nil || b.Healthy(t.Context()) != nil {
			unwell++
		}
		require.Less(t, time.Since(away), time.Minute, "another server leads; refused %v", refusals)
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // a sender's pace
	}
	t.Logf("taken again after %s; refused %v, the slowest after %s", time.Since(away), refusals, slowest)
	require.NotEmpty(t, refusals, "the leader was away")
	require.Less(t, slowest, 2*time.Second, "a sender is told, and does not wait for a timeout")
	require.Zero(t, unwell, "one of three is away")
}

// Small requests that share messages of a stream of three servers survive its leader: whoever tries again until he is told yes is stored, in whatever company.
func TestGroupsSurviveTheLeaderOfThreeNATSServers(t *testing.T) {
	s := &stack{t: t, dir: t.TempDir()}
	s.startCluster(3)
	cfg := bus.DefaultConfig()
	cfg.URL, cfg.Replicas, cfg.MaxBytes, cfg.DeadMaxBytes = s.bus, 3, 64<<20, 16<<20
	b, err := bus.Connect(t.Context(), cfg, testbed.NewLog(t), nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	p, err := b.Publisher()
	require.NoError(t, err)
	t.Cleanup(p.Close)

	const senders, each, killedAt = 24, 60, 24 * 20
	var (
		mu       sync.Mutex
		sending  sync.WaitGroup
		taken    int
		refused  int
		kill     = make(chan struct{})
		deadline = time.Now().Add(2 * time.Minute)
	)
	for i := range senders {
		sending.Go(func() {
			for j := range each {
				payload := fmt.Appendf(nil, "sender %d request %d", i, j)
				one := []telemetry.Batch{{
					Request: telemetry.NewRequestID("default", telemetry.Logs, payload), Tenant: "default", Signal: telemetry.Logs, Items: 1, Received: time.Now(), Payload: payload,
				}}
				for time.Now().Before(deadline) {
					_, err := p.Publish(t.Context(), one)
					mu.Lock()
					if err == nil {
						if taken++; taken == killedAt {
							close(kill)
						}
					} else {
						refused++
					}
					mu.Unlock()
					if err == nil {
						break
					}
					time.Sleep(100 * time.Millisecond) //nolint:forbidigo // a sender's pause
				}
			}
		})
	}
	<-kill
	nc, err := nats.Connect(cfg.URL)
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(testbed.Context(t), bus.StreamName(telemetry.Logs))
	require.NoError(t, err)
	leader := stream.CachedInfo().Cluster.Leader
	nc.Close()
	s.cluster[slices.IndexFunc(s.cluster, func(p *process) bool { return p.name == leader })].kill()
	sending.Wait()
	require.Equal(t, senders*each, taken)

	c, err := b.Consumer(testbed.Context(t), telemetry.Logs)
	require.NoError(t, err)
	stored, shared := map[string]int{}, 0
	waitFor(t, time.Minute, "all that was taken is there", func() bool {
		got, err := c.Fetch(t.Context(), 500, 1<<20, time.Second)
		if err != nil {
			t.Logf("fetch: %v", err)
		}
		for _, d := range got {
			stored[string(d.Payload)]++
			if d.Shared {
				shared++
			}
			if err := d.Settle(t.Context(), nil); err != nil {
				t.Logf("settle: %v", err) // it comes again
			}
		}
		return len(stored) == senders*each
	})
	t.Logf("%d requests, of which %d shared messages; refused %d times while no server led", taken, shared, refused)
	require.Greater(t, shared, taken/2)
}
