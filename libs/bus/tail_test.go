package bus_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// Who follows a tenant sees what the queue takes of it, once and in order, whether a writer has it already or not; and nothing of others.
func TestFollowSeesWhatTheQueueTakes(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p := publisher(t, b)
	seen := make(chan bus.Arrival, 100)
	publish := func(of telemetry.Batch) {
		_, err := p.Publish(testbed.Context(t), []telemetry.Batch{of})
		require.NoError(t, err)
	}
	publish(batch(telemetry.Logs, "shop.v2", "before anybody looked"))
	stop, err := b.Follow(telemetry.Logs, "shop.v2", func(a bus.Arrival) { seen <- a })
	require.NoError(t, err)
	publish(batch(telemetry.Logs, "shop", "another tenant's"))
	publish(batch(telemetry.Traces, "shop.v2", "another signal's"))
	for i := range 5 {
		publish(batch(telemetry.Logs, "shop.v2", fmt.Sprint("number ", i)))
		publish(batch(telemetry.Logs, "shop.v2", fmt.Sprint("number ", i))) // once more, which the queue knows
	}
	var position uint64
	for i := range 5 {
		a := <-seen
		require.Len(t, a.Batches, 1)
		want := batch(telemetry.Logs, "shop.v2", fmt.Sprint("number ", i))
		require.Equal(t, want, a.Batches[0])
		require.Greater(t, a.Position, position)
		require.WithinDuration(t, time.Now(), a.Stored, time.Minute)
		require.False(t, a.Gap)
		position = a.Position
	}
	consumer, err := b.Consumer(t.Context(), telemetry.Logs)
	require.NoError(t, err)
	defer consumer.Close()
	list := fetch(t, consumer, 7)
	require.Equal(t, position, list[6].Position, "the same position as a writer is told")
	stop()
	publish(batch(telemetry.Logs, "shop.v2", "after"))
	require.Empty(t, seen)

	_, err = b.Follow(telemetry.Metrics, "shop.v2", func(bus.Arrival) {})
	require.Error(t, err, "the queue of points says nothing")
}

// Who is slower than what arrives is told that there was more, and takes no more memory for it.
func TestFollowTellsOfAGap(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p := publisher(t, b)
	hold, held := make(chan struct{}), make(chan struct{})
	seen := make(chan bus.Arrival, 1000)
	first := true
	stop, err := b.Follow(telemetry.Logs, "default", func(a bus.Arrival) {
		if first {
			first = false
			close(held)
			<-hold
		}
		seen <- a
	})
	require.NoError(t, err)
	defer stop()
	publish := func(i int) {
		of := batch(telemetry.Logs, "default", fmt.Sprint(i, " "))
		noise := make([]byte, 700_000)
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(noise) // compresses badly
		of.Payload = append(of.Payload, noise...)
		_, err := p.Publish(testbed.Context(t), []telemetry.Batch{of})
		require.NoError(t, err)
	}
	const n = 40
	for i := range n {
		publish(i)
	}
	<-held
	close(hold)
	testbed.Eventually(t, "what waits to be seen", func() bool { return len(seen) > 10 })
	publish(n)
	gaps, got := 0, 0
	testbed.Eventually(t, "the last to be seen", func() bool {
		select {
		case a := <-seen:
			got++
			if a.Gap {
				gaps++
			}
			return bytes.HasPrefix(a.Batches[0].Payload, fmt.Append(nil, n, " "))
		default:
			return false
		}
	})
	require.Positive(t, gaps)
	require.Less(t, got, n)
}
