package allinone

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// The disk of the queue is full for a while and has room again: every signal is taken within ten seconds of that, by itself, and the queue holds what was
// acknowledged, once.
func TestAQueueWhoseDiskWasFullHealsByItself(t *testing.T) {
	t.Parallel()
	disk := testbed.NewDisk(t, 256<<20)
	cfg := NATSConfig{StreamMaxBytes: 64 << 20, SyncInterval: time.Second}
	q, err := startNATS(t.Context(), cfg, disk.Dir, testbed.NewLog(t))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	b, err := bus.Connect(t.Context(), busConfig(bus.DefaultConfig(), cfg, q), testbed.NewLog(t), nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	p, err := b.Publisher()
	require.NoError(t, err)
	t.Cleanup(p.Close)

	batch := func(signal telemetry.Signal, n int) telemetry.Batch {
		payload := fmt.Appendf(make([]byte, 0, 20_000), "%d", n)
		for len(payload) < 20_000 {
			payload = append(payload, byte(len(payload)*n>>3))
		}
		return telemetry.Batch{
			Request: telemetry.NewRequestID("default", signal, payload), Tenant: "default", Signal: signal, Items: 1, Received: time.Now(), Payload: payload,
		}
	}
	// Each signal has a sender that repeats a batch until it is acknowledged.
	var mu sync.Mutex
	taken, last := map[telemetry.Signal]int{}, map[telemetry.Signal]time.Time{}
	sending, stop := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	for _, signal := range telemetry.Signals() {
		senders.Go(func() {
			for n := 0; sending.Err() == nil; {
				attempt, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				_, err := p.Publish(attempt, []telemetry.Batch{batch(signal, n)})
				cancel()
				if err == nil {
					n++
					mu.Lock()
					taken[signal], last[signal] = n, time.Now()
					mu.Unlock()
				}
				select {
				case <-sending.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	all := func(since time.Time) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, signal := range telemetry.Signals() {
				if !last[signal].After(since) {
					return false
				}
			}
			return true
		}
	}
	testbed.Eventually(t, "all are taken while there is room", all(time.Now()))
	require.NoError(t, q.health(t.Context()))

	disk.Fill()
	testbed.Eventually(t, "health tells it", func() bool { return q.health(t.Context()) != nil })
	require.ErrorContains(t, q.health(t.Context()), "the disk of the queue is full")
	time.Sleep(3 * time.Second) //nolint:forbidigo // the fault lasts
	require.Error(t, q.health(t.Context()), "nothing is opened while there is no room")
	disk.Free()
	freed := time.Now()
	testbed.Eventually(t, "every signal is taken again", all(freed))
	t.Logf("taken again after %s", time.Since(freed))
	require.NoError(t, q.health(t.Context()))
	stop()
	senders.Wait()

	for _, signal := range telemetry.Signals() {
		c, err := b.Consumer(t.Context(), signal)
		require.NoError(t, err)
		ids := map[telemetry.BatchID]int{}
		for {
			deliveries, err := c.Fetch(t.Context(), 1000, 64<<20, 500*time.Millisecond)
			require.NoError(t, err)
			if len(deliveries) == 0 {
				break
			}
			for _, d := range deliveries {
				ids[d.ID()]++
				require.NoError(t, d.Settle(t.Context(), nil))
			}
		}
		c.Close()
		for n := range taken[signal] {
			require.Equal(t, 1, ids[batch(signal, n).ID()], "%s: batch %d of %d, once", signal, n, taken[signal])
		}
	}
}
