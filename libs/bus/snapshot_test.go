package bus_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// at is a moment of the database, some seconds after a fixed one.
func at(seconds int) time.Time {
	return time.Unix(1_800_000_000, 0).UTC().Add(time.Duration(seconds) * time.Second)
}

// following starts to follow; the test's end ends it.
func following(t *testing.T, c *bus.SnapshotChannel, apply func(bus.Snapshot) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Follow(ctx, apply) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

func accept(bus.Snapshot) error { return nil }

// knows waits until the channel knows data.
func knows(t *testing.T, c *bus.SnapshotChannel, data string) {
	t.Helper()
	testbed.Eventually(t, "the channel knows "+data, func() bool {
		s, ok := c.Known()
		return ok && string(s.Data) == data
	})
}

func publishes(t *testing.T, c *bus.SnapshotChannel, seconds int, data string) bool {
	t.Helper()
	published, err := c.Publish(t.Context(), bus.Snapshot{AsOf: at(seconds), Data: []byte(data)})
	require.NoError(t, err)
	return published
}

func hmacSeal(key string) bus.Seal {
	sign := func(message []byte) ([]byte, error) {
		h := hmac.New(sha256.New, []byte(key))
		h.Write(message)
		return h.Sum(nil), nil
	}
	return bus.Seal{Sign: sign, Verify: func(message, signature []byte) error {
		if want, _ := sign(message); !hmac.Equal(want, signature) {
			return errors.New("wrong signature")
		}
		return nil
	}}
}

func TestASnapshotReachesWhoFollowsAndTheLaterMomentWins(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	writer, ingest := connect(t, s.Config()), connect(t, s.Config())
	publisher, follower := writer.Snapshots("retention", bus.Seal{}), ingest.Snapshots("retention", bus.Seal{})
	other := ingest.Snapshots("keys", bus.Seal{})
	following(t, follower, accept)
	following(t, other, accept)
	_, ok := follower.Known()
	require.False(t, ok)

	long := strings.Repeat("compresses ", 10_000)
	require.True(t, publishes(t, publisher, 10, "first"))
	knows(t, follower, "first")
	require.True(t, publishes(t, publisher, 20, long))
	knows(t, follower, long)
	have, _ := follower.Known()
	require.Equal(t, at(20), have.AsOf)

	require.False(t, publishes(t, writer.Snapshots("retention", bus.Seal{}), 15, "read before, published after"))
	require.False(t, publishes(t, publisher, 49, long), "the same again soon")
	require.True(t, publishes(t, publisher, 50, long), "a sign of life")
	testbed.Eventually(t, "the sign of life is known", func() bool { s, _ := follower.Known(); return s.AsOf.Equal(at(50)) })
	_, ok = other.Known()
	require.False(t, ok, "names are apart")

	late := ingest.Snapshots("retention", bus.Seal{})
	following(t, late, accept)
	knows(t, late, long)
}

func TestASnapshotThatIsNotBelievedLeavesTheOneBefore(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	honest := b.Snapshots("keys", hmacSeal("secret"))
	follower := b.Snapshots("keys", hmacSeal("secret"))
	unfit := errors.New("does not parse")
	following(t, follower, func(s bus.Snapshot) error {
		if string(s.Data) == "unfit" {
			return unfit
		}
		return nil
	})
	require.True(t, publishes(t, honest, 0, "one"))
	knows(t, follower, "one")

	// Whoever can write to the bus but has no key: another key, no signature, no snapshot, a true one under another name.
	require.True(t, publishes(t, b.Snapshots("keys", bus.Seal{Sign: hmacSeal("guess").Sign}), 1000, "forged"))
	require.True(t, publishes(t, honest, 10, "two"), "a forged moment of the future keeps nobody from publishing")
	knows(t, follower, "two")
	bucket, err := js(t, s).KeyValue(t.Context(), bus.SnapshotBucket)
	require.NoError(t, err)
	require.True(t, publishes(t, b.Snapshots("others", hmacSeal("secret")), 2000, "of others"))
	of, err := bucket.Get(t.Context(), "others")
	require.NoError(t, err)
	for _, value := range [][]byte{of.Value(), []byte("rubbish"), []byte("{}\n"), []byte(`{"as_of":9000000000000000000,"encoding":"s2"}` + "\n\xff\xff\xff\xff\xff\xff"), nil} {
		_, err := bucket.Put(t.Context(), "keys", value)
		require.NoError(t, err)
	}
	require.True(t, publishes(t, honest, 20, "unfit"))
	require.True(t, publishes(t, honest, 30, "three"))
	knows(t, follower, "three")
}

func TestAFollowerOutlivesTheServerAndTheBucket(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.RequestTimeout = time.Second
	b := connect(t, cfg)
	publisher, follower := b.Snapshots("retention", bus.Seal{}), b.Snapshots("retention", bus.Seal{})
	following(t, follower, accept)
	require.True(t, publishes(t, publisher, 0, "one"))
	knows(t, follower, "one")

	s.Stop()
	_, err := publisher.Publish(t.Context(), bus.Snapshot{AsOf: at(1), Data: []byte("nobody hears")})
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
	knows(t, follower, "one")
	s.Start()
	testbed.Eventually(t, "the bus is healthy again", func() bool { return b.Healthy(t.Context()) == nil })
	require.True(t, publishes(t, publisher, 2, "two"))
	knows(t, follower, "two")

	require.NoError(t, js(t, s).DeleteKeyValue(t.Context(), bus.SnapshotBucket))
	require.True(t, publishes(t, publisher, 3, "three"))
	knows(t, follower, "three")
}

func TestASnapshotBeyondAMessageIsTooLarge(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	c := b.Snapshots("keys", hmacSeal("secret"))
	noise := make([]byte, b.MaxPayload())
	_, _ = rand.Read(noise) // nothing that compresses
	_, err := c.Publish(t.Context(), bus.Snapshot{AsOf: at(0), Data: noise})
	require.Equal(t, fault.TooLarge, fault.ClassOf(err), "%v", err)
	_, err = js(t, s).KeyValue(t.Context(), bus.SnapshotBucket)
	require.ErrorIs(t, err, jetstream.ErrBucketNotFound, "nothing was begun")
}

// Each outage is told, not only the first; not each try of one.
func TestAFollowerTellsEachOutage(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.RequestTimeout = time.Second
	b := connect(t, cfg)
	var mu sync.Mutex
	var out strings.Builder
	var later time.Duration
	b.Seldom(slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	}), nil)), func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(later)
	})
	told := func() int {
		mu.Lock()
		defer mu.Unlock()
		return strings.Count(out.String(), "snapshot cannot be followed")
	}
	publisher, follower := b.Snapshots("retention", bus.Seal{}), b.Snapshots("retention", bus.Seal{})
	following(t, follower, accept)
	for outage := range 2 {
		require.True(t, publishes(t, publisher, outage, fmt.Sprint(outage)))
		knows(t, follower, fmt.Sprint(outage))
		s.Stop()
		testbed.Eventually(t, "it is told", func() bool { return told() == outage+1 })
		s.Start()
		testbed.Eventually(t, "NATS is there", func() bool { return b.Healthy(t.Context()) == nil })
		mu.Lock()
		later += time.Hour
		mu.Unlock()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
