package bus_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, testbed.LoopsOfStoppedServers()...) }

// connect makes a bus with its streams on the server of cfg.
func connect(t *testing.T, cfg bus.Config) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(t.Context(), cfg, nil, nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	return b
}

func publisher(t *testing.T, b *bus.Bus) *bus.Publisher {
	t.Helper()
	p, err := b.Publisher()
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func consumer(t *testing.T, b *bus.Bus, signal telemetry.Signal) *bus.Consumer {
	t.Helper()
	c, err := b.Consumer(t.Context(), signal)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// js is a second, plain connection to look behind the bus.
func js(t *testing.T, s *testbed.Server) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

func batch(signal telemetry.Signal, tenant telemetry.Tenant, payload string) telemetry.Batch {
	return telemetry.Batch{
		Request: telemetry.NewRequestID(tenant, signal, []byte(payload)), Tenant: tenant, Signal: signal, Connection: "key-1",
		Received: time.Unix(1700000000, 123456789).UTC(), Items: 7, Payload: []byte(payload),
	}
}

// fetch collects until it has n deliveries.
func fetch(t *testing.T, c *bus.Consumer, n int) []bus.Delivery {
	t.Helper()
	var out []bus.Delivery
	deadline := time.Now().Add(testbed.Patience)
	for len(out) < n {
		require.True(t, time.Now().Before(deadline), "only %d of %d deliveries", len(out), n)
		got, err := c.Fetch(t.Context(), n-len(out), 64<<20, 200*time.Millisecond)
		if err != nil {
			require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
		}
		out = append(out, got...)
	}
	return out
}

func TestWhatIsPublishedIsDelivered(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"s2", "zstd", "none"} {
		t.Run(compression, func(t *testing.T) {
			cfg := testbed.NATS(t)
			cfg.Compression = compression
			b := connect(t, cfg)
			p, c := publisher(t, b), consumer(t, b, telemetry.Logs)

			long := fmt.Sprintf("%0100000d", 1)
			sent := []telemetry.Batch{batch(telemetry.Logs, "default", long), batch(telemetry.Logs, "shop.example.com", "short"), batch(telemetry.Logs, "default", "")}
			published, err := p.Publish(t.Context(), sent)
			require.NoError(t, err)
			require.Equal(t, bus.Published{Position: 3}, published)

			got := fetch(t, c, 3)
			for i, d := range got {
				require.Equal(t, uint64(i+1), d.Position)
				require.Equal(t, 1, d.Attempts)
				require.Equal(t, string(sent[i].Payload), string(d.Payload))
				d.Payload = sent[i].Payload // nil and empty are one payload
				require.Equal(t, sent[i], d.Batch)
				require.NoError(t, d.InProgress())
				require.NoError(t, d.Settle(t.Context(), nil))
				require.Error(t, d.Settle(t.Context(), nil), "a second time")
			}
			testbed.Eventually(t, "all three are settled", func() bool {
				backlog, err := b.Pending(t.Context(), telemetry.Logs)
				return err == nil && backlog.Pending == 0 && backlog.AckPending == 0 && backlog.Settled == 3 && backlog.LastPosition == 3
			})
		})
	}
}

func TestFetchReturnsAtOnceWhatIsThereAndWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)

	got, err := c.Fetch(t.Context(), 10, 1<<20, 20*time.Millisecond)
	require.NoError(t, err)
	require.Empty(t, got)

	for i := range 5 {
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", fmt.Sprint("a", i))})
		require.NoError(t, err)
	}
	start := time.Now()
	got, err = c.Fetch(t.Context(), 100, 1<<20, testbed.Patience)
	require.NoError(t, err)
	require.Len(t, got, 5)
	require.Less(t, time.Since(start), testbed.Prompt, "did not wait for more")

	published := make(chan error, 1)
	go func() {
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "late")})
		published <- err
	}()
	got, err = c.Fetch(t.Context(), 100, 1<<20, testbed.Patience)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.NoError(t, <-published)
	require.Less(t, time.Since(start), 2*testbed.Prompt)
}

func TestFetchIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	noise := make([]byte, 900<<10)
	for range 4 {
		_, _ = rand.Read(noise)
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", string(noise))})
		require.NoError(t, err)
	}
	got, err := c.Fetch(t.Context(), 100, 12<<20, time.Second) // a sixth of it, compressed
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Len(t, fetch(t, c, 2), 2)
}

func TestTheSameBatchIsStoredOnce(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p := publisher(t, b)
	one := batch(telemetry.Metrics, "default", "x")
	first, err := p.Publish(t.Context(), []telemetry.Batch{one})
	require.NoError(t, err)
	second, err := p.Publish(t.Context(), []telemetry.Batch{one, one})
	require.NoError(t, err)
	require.Equal(t, first.Position, second.Position)
	require.Zero(t, first.Repeats)
	require.Equal(t, 2*one.Items, second.Repeats)
	backlog, err := b.Pending(t.Context(), telemetry.Metrics)
	require.NoError(t, err)
	require.Equal(t, bus.Backlog{Pending: 1, LastPosition: 1, Bytes: backlog.Bytes, Created: backlog.Created, LastStored: backlog.LastStored}, backlog)
	require.WithinRange(t, backlog.LastStored, backlog.Created, time.Now())
	require.False(t, backlog.Created.IsZero())
}

func TestManyBatchesInOneCall(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p := publisher(t, b)
	var all []telemetry.Batch
	for i := range 1000 {
		all = append(all, batch(telemetry.Traces, "default", fmt.Sprint("batch ", i)))
	}
	published, err := p.Publish(t.Context(), all)
	require.NoError(t, err)
	require.Equal(t, bus.Published{Position: 1000}, published)
}

func TestAFullStreamIsOverloadedAndDropsNothing(t *testing.T) {
	t.Parallel()
	cfg := testbed.NATS(t)
	cfg.MaxBytes = 1 << 20
	b := connect(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	accepted := 0
	noise := make([]byte, 200<<10)
	var err error
	for range 10 {
		_, _ = rand.Read(noise)
		if _, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", string(noise))}); err != nil {
			break
		}
		accepted++
	}
	require.Error(t, err)
	require.Equal(t, fault.Overloaded, fault.ClassOf(err), "%v", err)
	require.Equal(t, "bus.full", fault.From(err).Code)
	for _, d := range fetch(t, c, accepted) {
		require.NoError(t, d.Settle(t.Context(), nil))
	}
	testbed.Eventually(t, "there is room again", func() bool {
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", string(noise))})
		return err == nil
	})
}

func TestABatchOverTheLimitIsTooLarge(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p := publisher(t, b)
	noise := make([]byte, 8<<20)
	_, _ = rand.Read(noise)
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", string(noise))})
	require.Equal(t, fault.TooLarge, fault.ClassOf(err), "%v", err)
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", string(noise[:b.MaxPayload()]))})
	require.NoError(t, err, "MaxPayload fits even when it does not compress")
}

func TestAServerWithASmallerLimitBoundsTheBatch(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t, func(o *server.Options) { o.MaxPayload = 256 << 10 })
	b := connect(t, s.Config())
	require.Less(t, b.MaxPayload(), 256<<10)
	p := publisher(t, b)
	noise := make([]byte, b.MaxPayload())
	_, _ = rand.Read(noise)
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", string(noise))})
	require.NoError(t, err)
}

// lower lowers the largest message of every stream, as an operator does.
func lower(t *testing.T, s *testbed.Server, bytes int) {
	t.Helper()
	admin := js(t, s)
	for info := range admin.ListStreams(t.Context()).Info() {
		info.Config.MaxMsgSize = int32(bytes)
		_, err := admin.UpdateStream(t.Context(), info.Config)
		require.NoError(t, err)
	}
}

// In whatever order roles with different limits start, and restart, the streams take the largest message of any of them.
func TestAStartNeverLowersTheLargestMessage(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	with := func(limit int) (*bus.Bus, *bus.Publisher) {
		cfg := s.Config()
		cfg.MaxMessageBytes = limit
		b := connect(t, cfg)
		return b, publisher(t, b)
	}
	admin := js(t, s)
	limits := func() (out []int32) {
		for info := range admin.ListStreams(t.Context()).Info() {
			out = append(out, info.Config.MaxMsgSize)
		}
		return out
	}
	largest := 0
	for _, limit := range []int{256 << 10, 128 << 10, 2 << 20, 1 << 20} {
		_, _ = with(limit)
		largest = max(largest, limit)
		for _, has := range limits() {
			require.EqualValues(t, largest, has)
		}
	}
	b, p := with(2 << 20)
	_, _ = with(64 << 10)
	body := string(noise(t, b.MaxPayload()))
	for _, signal := range telemetry.Signals() {
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(signal, "default", body)})
		require.NoError(t, err)
	}

	// Who wants it smaller edits the streams; a process that has more by its own setting raises them again, and its client is told to retry.
	lower(t, s, 64<<10)
	next := batch(telemetry.Logs, "default", string(noise(t, b.MaxPayload())))
	_, err := p.Publish(t.Context(), []telemetry.Batch{next})
	require.Equal(t, "bus.limit_changed", fault.From(err).Code, "%v", err)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err))
	require.Contains(t, fault.From(err).Message, "bus.max_message_bytes")
	_, err = p.Publish(t.Context(), []telemetry.Batch{next})
	require.NoError(t, err)
	// What exceeds the process's own limit is too large in any case.
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Logs, "default", string(noise(t, 3<<20)))})
	require.Equal(t, fault.TooLarge, fault.ClassOf(err), "%v", err)
	require.Equal(t, fault.TooLarge, fault.ClassOf(b.Recut(err, b.MaxPayload())), "%v", err)

	// An unlimited stream stays so.
	lower(t, s, -1)
	_, _ = with(1 << 20)
	for _, has := range limits() {
		require.EqualValues(t, -1, has)
	}
}

// What was cut to fit a limit that NATS has no longer is not too large for good; what is too large by the limit of now is.
func TestABatchCutByAnEarlierLimitIsRetried(t *testing.T) {
	t.Parallel()
	var payload atomic.Int32
	payload.Store(1 << 20)
	s := testbed.NATSServer(t, func(o *server.Options) { o.MaxPayload = payload.Load() })
	b := connect(t, s.Config())
	p := publisher(t, b)
	before := b.MaxPayload()
	s.Stop()
	payload.Store(256 << 10)
	s.Start()
	testbed.Eventually(t, "the limit is known", func() bool { return b.Healthy(t.Context()) == nil && b.MaxPayload() < before })
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Metrics, "default", string(noise(t, before)))})
	require.Error(t, err)
	require.Equal(t, fault.TooLarge, fault.ClassOf(b.Recut(err, b.MaxPayload())), "%v", err)
	again := fault.From(b.Recut(err, before))
	require.Equal(t, "bus.limit_changed", again.Code)
	require.Equal(t, fault.Unavailable, again.Class)
	require.Contains(t, again.Message, "max_payload")
	require.NoError(t, b.Recut(nil, before))
	other := errors.New("other")
	require.Equal(t, other, b.Recut(other, before))
}

func TestWithoutNATSEverythingIsUnavailable(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	s.Stop()
	cfg := s.Config()
	cfg.RequestTimeout, cfg.PublishTimeout = time.Second, time.Second
	b, err := bus.Connect(t.Context(), cfg, nil, nil)
	require.NoError(t, err, "a server that is not up yet is not an error")
	defer b.Close()
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)

	require.Equal(t, fault.Unavailable, fault.ClassOf(b.Healthy(t.Context())))
	require.Equal(t, fault.Unavailable, fault.ClassOf(b.EnsureStreams(t.Context())))
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "x")})
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
	_, err = c.Fetch(t.Context(), 1, 1, time.Second)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)

	s.Start()
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	require.NoError(t, b.Healthy(t.Context()))
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "x")})
	require.NoError(t, err)
	require.Len(t, fetch(t, c, 1), 1)
}

func TestARestartOfNATSLosesNothing(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.AckWait, cfg.RequestTimeout, cfg.PublishTimeout = 2*time.Second, time.Second, time.Second
	b := connect(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "one"), batch(telemetry.Traces, "default", "two")})
	require.NoError(t, err)
	got := fetch(t, c, 1)
	require.Equal(t, "one", string(got[0].Payload))

	s.Stop()
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "three")})
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
	require.Error(t, got[0].Settle(t.Context(), nil), "an acknowledgement that nobody hears")
	s.Start()
	testbed.Eventually(t, "the bus is healthy again", func() bool { return b.Healthy(t.Context()) == nil })

	seen := map[string]int{}
	for _, d := range fetch(t, c, 2) {
		seen[string(d.Payload)] = d.Attempts
		require.NoError(t, d.Settle(t.Context(), nil))
	}
	require.Equal(t, map[string]int{"one": 2, "two": 1}, seen)
}

func TestStreamsAndConsumersThatAreDeletedComeBack(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "one")})
	require.NoError(t, err)
	require.Len(t, fetch(t, c, 1), 1)

	admin := js(t, s)
	require.NoError(t, admin.DeleteConsumer(t.Context(), bus.StreamName(telemetry.Traces), "writer"))
	require.Len(t, fetch(t, c, 1), 1, "not settled, so it comes again")

	require.NoError(t, admin.DeleteStream(t.Context(), bus.StreamName(telemetry.Traces)))
	require.Equal(t, fault.Unavailable, fault.ClassOf(b.Healthy(t.Context())))
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "two")})
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "two")})
	require.NoError(t, err)
	require.Equal(t, "two", string(fetch(t, c, 1)[0].Payload))
}

func TestSettleByClass(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		err  error
		dead bool
	}{
		{"invalid", fault.Kind{Class: fault.Invalid, Code: "otlp.bad"}.New("cannot be\r\ndecoded"), true},
		{"too large", fault.Kind{Class: fault.TooLarge, Code: "x"}.New("x"), true},
		{"internal, once", fmt.Errorf("boom"), false},
		{"unavailable", fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("down"), false},
		{"overloaded", fault.Kind{Class: fault.Overloaded, Code: "postgres.full"}.New("full"), false},
		{"cancelled", context.Canceled, false},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			s := testbed.NATSServer(t)
			b := connect(t, s.Config())
			p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
			_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "shop", "payload")})
			require.NoError(t, err)
			d := fetch(t, c, 1)[0]
			require.NoError(t, d.Settle(t.Context(), test.err))
			if !test.dead {
				again := fetch(t, c, 1)[0]
				require.Equal(t, 2, again.Attempts)
				require.Equal(t, d.ID(), again.ID())
				require.Equal(t, d.Position, again.Position)
				return
			}
			testbed.Eventually(t, "it is settled as a dead letter", func() bool {
				backlog, err := b.Pending(t.Context(), telemetry.Traces)
				return err == nil && backlog.Settled == 1
			})
			dead, err := js(t, s).Stream(t.Context(), bus.DeadStream)
			require.NoError(t, err)
			msg, err := dead.GetMsg(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, "dead.traces.shop", msg.Subject)
			require.Equal(t, "payload", string(msg.Data))
			require.Equal(t, fault.From(test.err).Code, msg.Header.Get(bus.HeaderDeadCode))
			require.NotContains(t, msg.Header.Get(bus.HeaderDeadReason), "\n")
			require.Equal(t, "1", msg.Header.Get(bus.HeaderDeadAttempts))
			require.Equal(t, "shop", msg.Header.Get(bus.HeaderTenant))
			require.Equal(t, "key-1", msg.Header.Get(bus.HeaderConnection))
			require.Equal(t, "7", msg.Header.Get(bus.HeaderItems))
			count, err := b.DeadLetters(t.Context())
			require.NoError(t, err)
			require.Equal(t, uint64(1), count)
		})
	}
}

func TestAttemptsAreSpentByInternalErrorsOnly(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.MaxAttempts = 2
	b := connect(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "payload")})
	require.NoError(t, err)
	down := fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("down")
	for i := range 3 {
		d := fetch(t, c, 1)[0]
		require.Equal(t, i+1, d.Attempts)
		require.NoError(t, d.Settle(t.Context(), down))
	}
	d := fetch(t, c, 1)[0]
	require.NoError(t, d.Settle(t.Context(), fmt.Errorf("a defect")))
	dead, err := js(t, s).Stream(t.Context(), bus.DeadStream)
	require.NoError(t, err)
	require.Equal(t, uint64(1), dead.CachedInfo().State.Msgs)
}

func TestAMessageThatIsNoBatchDoesNotStopItsNeighbours(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	admin := js(t, s)
	_, err := admin.Publish(t.Context(), "otlp.traces.default", []byte("who are you"))
	require.NoError(t, err)
	_, err = admin.PublishMsg(t.Context(), &nats.Msg{Subject: "otlp.traces.default", Data: []byte("broken"), Header: nats.Header{
		bus.HeaderID: {batch(telemetry.Traces, "default", "broken").ID().String()}, bus.HeaderSchema: {"1"}, bus.HeaderTenant: {"default"},
		bus.HeaderReceived: {"1"}, bus.HeaderItems: {"1"}, bus.HeaderEncoding: {"s2"},
	}})
	require.NoError(t, err)
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "fine")})
	require.NoError(t, err)
	got := fetch(t, c, 1)
	require.Equal(t, "fine", string(got[0].Payload))
	require.NoError(t, got[0].Settle(t.Context(), nil))
	testbed.Eventually(t, "two dead letters", func() bool {
		dead, err := admin.Stream(t.Context(), bus.DeadStream)
		return err == nil && dead.CachedInfo().State.Msgs == 2
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.Error(t, bus.Config{}.Validate(), "0 means 0")
	require.NoError(t, bus.DefaultConfig().Validate())
	for _, change := range []func(*bus.Config){
		func(c *bus.Config) { c.Replicas = 9 },
		func(c *bus.Config) { c.MaxBytes = 1 },
		func(c *bus.Config) { c.DeadMaxBytes = 1 },
		func(c *bus.Config) { c.ParkedMaxBytes = 1 },
		func(c *bus.Config) { c.MaxMessageBytes = 100 },
		func(c *bus.Config) { c.DuplicateWindow = time.Millisecond },
		func(c *bus.Config) { c.Compression = "lzma" },
		func(c *bus.Config) { c.PublishTimeout = -1 },
		func(c *bus.Config) { c.MaxInFlight = 1 },
		func(c *bus.Config) { c.AckWait = 1 },
		func(c *bus.Config) { c.MaxAckPending = -1 },
		func(c *bus.Config) { c.MaxAttempts = -1 },
		func(c *bus.Config) { c.Cert = "x" },
		func(c *bus.Config) { c.URL = "nats://olly:hun,ter2@127.0.0.1:4222" },
		func(c *bus.Config) { c.URL = "nats://127.0.0.1:4222,nats://olly:hun/ter2@h" },
		func(c *bus.Config) { c.URL = "nats://olly:hun%ter2@127.0.0.1" },
		func(c *bus.Config) { c.URL = " , " },
		func(c *bus.Config) { c.URL = "olly:hun ter2@127.0.0.1:42a" },
	} {
		cfg := bus.DefaultConfig()
		change(&cfg)
		_, err := bus.Connect(t.Context(), cfg, nil, nil)
		require.Equal(t, cfg.Validate(), errors.Unwrap(err), "%+v", cfg)
		require.Error(t, err)
		for _, secret := range []string{"hun", "ter2"} {
			require.NotContains(t, err.Error(), secret)
		}
	}
}

// A list of servers that is made by a template has a comma too many; nats.go passes over it.
func TestAListOfServersMayHaveACommaTooMany(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"127.0.0.1:4222,", ",nats://127.0.0.1:4222", "nats://127.0.0.1:4222,, 127.0.0.2:4222 , "} {
		cfg := bus.DefaultConfig()
		cfg.URL = url
		require.NoError(t, cfg.Validate(), url)
		b, err := bus.Connect(t.Context(), cfg, nil, nil)
		require.NoError(t, err, url)
		b.Close()
	}
}

func TestACloseGivesBackWhatWasNotFetched(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p, first := publisher(t, b), consumer(t, b, telemetry.Traces)
	_, err := first.Fetch(t.Context(), 1, 1, 10*time.Millisecond)
	require.NoError(t, err)
	// A Fetch that gives up leaves its request with the server, which then delivers to nobody.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = first.Fetch(ctx, 1, 1, 10*time.Second)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "x")})
	require.NoError(t, err)
	testbed.Eventually(t, "it was delivered to nobody", func() bool {
		backlog, err := b.Pending(t.Context(), telemetry.Traces)
		return err == nil && backlog.AckPending == 1
	})
	first.Close()
	require.Len(t, fetch(t, consumer(t, b, telemetry.Traces), 1), 1, "at once, not after AckWait")
}

// Whatever a message leaves the queue for, it is noted before; where that fails, it comes again.
func TestNothingLeavesTheQueueUnnoted(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	admin := js(t, s)
	for i, h := range []nats.Header{
		{}, // opened by nobody
		{bus.HeaderProbe: {"1"}},
		{bus.HeaderID: {batch(telemetry.Traces, "default", "new").ID().String()}, bus.HeaderSchema: {"99"}, bus.HeaderTenant: {"default"}},
	} {
		_, err := admin.PublishMsg(t.Context(), &nats.Msg{Subject: "otlp.traces.default", Data: []byte{byte(i)}, Header: h})
		require.NoError(t, err)
	}
	for _, payload := range []string{"stored", "refused"} {
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", payload)})
		require.NoError(t, err)
	}
	var mu sync.Mutex
	asked := map[uint64]int{}
	c.NoteBefore(func(_ context.Context, d bus.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		if asked[d.Position]++; asked[d.Position] == 1 {
			return errors.New("the database is away")
		}
		return nil
	})
	for range 2 {
		for _, d := range fetch(t, c, 2) {
			outcome := error(nil)
			if string(d.Payload) == "refused" {
				outcome = fault.Kind{Class: fault.Invalid, Code: "test"}.New("never")
			}
			if err := d.Settle(t.Context(), outcome); d.Attempts == 1 {
				require.Error(t, err)
				require.GreaterOrEqual(t, messages(t, s, bus.StreamName(telemetry.Traces)).Msgs, uint64(2))
			} else {
				require.NoError(t, err)
			}
		}
	}
	testbed.Eventually(t, "nothing is left in the queue", func() bool {
		_, err := c.Fetch(t.Context(), 10, 1<<20, 100*time.Millisecond)
		return err == nil && messages(t, s, bus.StreamName(telemetry.Traces)).Msgs == 0
	})
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, map[uint64]int{1: 2, 2: 2, 3: 2, 4: 2, 5: 2}, asked)
	require.Equal(t, uint64(2), messages(t, s, bus.DeadStream).Msgs)
	require.Equal(t, uint64(1), messages(t, s, bus.ParkedStream).Msgs)
}

func TestABatchOfANewerVersionIsParkedForANewerWriter(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	admin := js(t, s)
	for i, version := range []string{"4", "65535", "0", "-1", "2.0", "99999999"} {
		_, err := admin.PublishMsg(t.Context(), &nats.Msg{Subject: "otlp.traces.shop=2Eexample", Data: []byte("new"), Header: nats.Header{
			bus.HeaderID: {batch(telemetry.Traces, "shop.example", fmt.Sprint(i)).ID().String()}, bus.HeaderSchema: {version}, bus.HeaderTenant: {"shop.example"},
		}})
		require.NoError(t, err)
	}
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "fine")})
	require.NoError(t, err)
	got := fetch(t, c, 1)
	require.Equal(t, "fine", string(got[0].Payload))
	require.NoError(t, got[0].Settle(t.Context(), nil))
	testbed.Eventually(t, "garbage is a dead letter", func() bool {
		dead, err := admin.Stream(t.Context(), bus.DeadStream)
		return err == nil && dead.CachedInfo().State.Msgs == 4
	})
	testbed.Eventually(t, "nothing is left in the queue", func() bool { // the last dead letter is in its stream before it is gone from the queue
		return messages(t, s, bus.StreamName(telemetry.Traces)).Msgs == 0
	})
	parked := messages(t, s, bus.ParkedStream, jetstream.WithSubjectFilter("parked.>"))
	require.Equal(t, map[string]uint64{"parked.4.traces.shop=2Eexample": 1, "parked.65535.traces.shop=2Eexample": 1}, parked.Subjects, "what a newer writer understands waits for it")
}

// What is wrong with the URL of the bus is said without what it holds.
func TestCredentialsOfAMalformedURLAreNotTold(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"nats://hunter2%zz@127.0.0.1:1", "nats://u:hunter2%zz@127.0.0.1:1", "nats://hunter2@127.0.0.1:port"} {
		cfg := bus.DefaultConfig()
		cfg.URL = url
		_, err := bus.Connect(t.Context(), cfg, nil, nil)
		require.ErrorContains(t, err, "entry 1 of the list is no nats://host:port")
		require.NotContains(t, err.Error(), "hunter")
	}
}

// What compresses well is bounded by what it decompresses to: the rest of what the bus sent waits, and comes with the next calls, each batch once.
func TestFetchIsBoundedByWhatComesOut(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	const n, size = 40, 500_000
	for i := range n {
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", fmt.Sprintf("%0*d", size, i))})
		require.NoError(t, err)
	}
	seen := map[uint64]bool{}
	for len(seen) < n {
		got, err := c.Fetch(t.Context(), 1000, 4*size, time.Second)
		require.NoError(t, err)
		require.NotEmpty(t, got)
		require.LessOrEqual(t, len(got), 4)
		for _, d := range got {
			require.False(t, seen[d.Position])
			require.Equal(t, 1, d.Attempts)
			seen[d.Position] = true
			require.NoError(t, d.Settle(t.Context(), nil))
		}
	}
	got, err := c.Fetch(t.Context(), 1000, 4*size, 20*time.Millisecond)
	require.NoError(t, err)
	require.Empty(t, got)
}

// While there is something, no fetch is empty, however what the bus was asked for fits what it has: a pull that its bytes end just when the fetch is full, one
// that is for less than the next batch, one that brings only what is no batch. Nothing is delivered twice, nothing waits for a pause.
func TestNoFetchIsEmptyWhileThereIsSomething(t *testing.T) {
	t.Parallel()
	const kilo = 1 << 10
	for _, test := range []struct {
		name     string
		sizes    []int // of the batches; 0 is a message that is none
		maxBytes int
		messages int
	}{
		{"three fill a fetch, and a fourth does not fit the pull", slices.Repeat([]int{300 * kilo}, 20), 900 * kilo, 1000},
		{"each fills a fetch", slices.Repeat([]int{700 * kilo}, 9), 700 * kilo, 1000},
		{"larger than a pull", []int{10, 5 << 20, 20, 8<<20 - 9*kilo, 6 << 20, 30}, 1 << 20, 1000},
		{"fewer messages than there are", slices.Repeat([]int{50}, 50), 1 << 20, 7},
		{"no batches before one", append(make([]int, 30), 100, 0, 0, 200), 1 << 20, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := testbed.NATSServer(t)
			b := connect(t, s.Config())
			p, c, admin := publisher(t, b), consumer(t, b, telemetry.Traces), js(t, s)
			want := map[uint64]bool{}
			for i, size := range test.sizes {
				if size == 0 {
					_, err := admin.Publish(t.Context(), "otlp.traces.default", []byte("who are you"))
					require.NoError(t, err)
					continue
				}
				_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", string(noise(t, size)))})
				require.NoError(t, err)
				want[uint64(i+1)] = true
			}
			for len(want) > 0 {
				begin := time.Now()
				got, err := c.Fetch(t.Context(), test.messages, test.maxBytes, testbed.Patience)
				require.NoError(t, err)
				require.NotEmpty(t, got)
				require.Less(t, time.Since(begin), testbed.Prompt)
				require.LessOrEqual(t, len(got), test.messages)
				for i, d := range got {
					require.True(t, want[d.Position], "%d, delivered twice or none", d.Position)
					require.Equal(t, 1, d.Attempts)
					delete(want, d.Position)
					require.NoError(t, d.Settle(t.Context(), nil))
					if i < len(got)-1 {
						require.Less(t, len(d.Payload), test.maxBytes)
					}
				}
			}
			got, err := c.Fetch(t.Context(), test.messages, test.maxBytes, 20*time.Millisecond)
			require.NoError(t, err)
			require.Empty(t, got)
		})
	}
}

// What the bus has sent and no fetch took waits in the writer, where nobody tells the bus that it lives: a fetch that comes late gives it back before
// the bus gives it to another, and leaves what the bus has given away alone. So each batch is held by one writer only.
func TestWhatWaitedTooLongForAFetchIsGivenBack(t *testing.T) {
	t.Parallel()
	const n, size, ackWait = 12, 200_000, 5 * time.Second
	for _, waited := range []time.Duration{ackWait * 6 / 10, ackWait * 15 / 10} {
		t.Run(waited.String(), func(t *testing.T) {
			t.Parallel()
			cfg := testbed.NATS(t)
			cfg.AckWait = ackWait
			b := connect(t, cfg)
			p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
			for i := range n {
				_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", fmt.Sprintf("%0*d", size, i))})
				require.NoError(t, err)
			}
			got, err := c.Fetch(t.Context(), 1000, 2*size, time.Second)
			require.NoError(t, err)
			require.Len(t, got, 2)
			for _, d := range got {
				require.NoError(t, d.Settle(t.Context(), nil))
			}
			time.Sleep(waited) //nolint:forbidigo // the server's clock is real
			seen := map[uint64]bool{}
			var held []bus.Delivery
			for len(held) < n-2 {
				got, err := c.Fetch(t.Context(), 1000, n*size, time.Second)
				require.NoError(t, err)
				require.NotEmpty(t, got)
				for _, d := range got {
					require.False(t, seen[d.Position], "%d is here twice", d.Position)
					seen[d.Position] = true
				}
				held = append(held, got...)
			}
			// Half of AckWait is left for the first sign of life of every one of them.
			got, err = c.Fetch(t.Context(), 1000, n*size, ackWait*45/100)
			require.NoError(t, err)
			require.Empty(t, got)
			for _, d := range held {
				require.NoError(t, d.Settle(t.Context(), nil))
			}
		})
	}
}

// A fetch that gives up leaves its request to the next one: what it brings counts for it, and is there at once.
func TestAFetchGoesOnWithTheRequestOfOneThatGaveUp(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	_, err := c.Fetch(t.Context(), 1, 1, 10*time.Millisecond) // which makes the durable consumer
	require.NoError(t, err)
	for i := range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := c.Fetch(ctx, 3, 1<<20, 10*time.Second)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		got, err := c.Fetch(t.Context(), 3, 1<<20, 30*time.Millisecond)
		require.NoError(t, err)
		require.Empty(t, got)
		_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", fmt.Sprint(i))})
		require.NoError(t, err)
		begin := time.Now()
		got, err = c.Fetch(t.Context(), 3, 1<<20, testbed.Patience)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Less(t, time.Since(begin), testbed.Prompt)
		require.NoError(t, got[0].Settle(t.Context(), nil))
	}
	// Nor does its end, of which nobody was told, end another's wait.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Fetch(ctx, 3, 1<<20, 500*time.Millisecond)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	begin := time.Now()
	got, err := c.Fetch(t.Context(), 3, 1<<20, time.Second)
	require.NoError(t, err)
	require.Empty(t, got)
	require.GreaterOrEqual(t, time.Since(begin), 900*time.Millisecond)
	testbed.Eventually(t, "nobody else got one", func() bool {
		backlog, err := b.Pending(t.Context(), telemetry.Traces)
		return err == nil && backlog.AckPending == 0
	})
}

// While servers choose who leads the administration nobody answers it; the consumer that is there goes on.
func TestAFetchNeedsNoAdministrationWhereTheConsumerIs(t *testing.T) {
	t.Parallel()
	var silent atomic.Bool
	s := testbed.NATSServer(t, func(o *server.Options) {
		user := &server.User{Username: "u", Password: "p"}
		if silent.Load() {
			user.Permissions = &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.CONSUMER.CREATE.>", "$JS.API.CONSUMER.DURABLE.CREATE.>"}}}
		}
		o.Users, o.NoAuthUser = []*server.User{user}, user.Username
	})
	cfg := s.Config()
	cfg.RequestTimeout = 500 * time.Millisecond
	b := connect(t, cfg)
	p := publisher(t, b)
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "one"), batch(telemetry.Traces, "default", "two")})
	require.NoError(t, err)
	require.NoError(t, fetch(t, consumer(t, b, telemetry.Traces), 1)[0].Settle(t.Context(), nil))
	none, err := b.Pending(t.Context(), telemetry.Logs)
	require.NoError(t, err)
	require.Zero(t, none.Pending)

	s.Stop()
	silent.Store(true)
	s.Start()
	testbed.Eventually(t, "the bus is healthy again", func() bool { return b.Healthy(t.Context()) == nil })
	got, err := consumer(t, b, telemetry.Traces).Fetch(t.Context(), 1, 1<<20, testbed.Patience)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.NoError(t, got[0].Settle(t.Context(), nil))
	_, err = consumer(t, b, telemetry.Logs).Fetch(t.Context(), 1, 1<<20, testbed.Patience)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "no consumer was made of logs, and none can be: %v", err)
	require.ErrorContains(t, err, "ensure the consumer of logs")

	// A writer with other settings that starts meanwhile goes on with the old ones, and brings in its own as soon as somebody answers.
	changed := cfg
	changed.MaxAckPending = 77
	later := connect(t, changed)
	c := consumer(t, later, telemetry.Traces)
	_, err = publisher(t, later).Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "three")})
	require.NoError(t, err)
	got, err = c.Fetch(t.Context(), 1, 1<<20, testbed.Patience)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.NoError(t, got[0].Settle(t.Context(), nil))
	s.Stop()
	silent.Store(false)
	s.Start()
	testbed.Eventually(t, "the bus is healthy again", func() bool { return later.Healthy(t.Context()) == nil })
	admin := js(t, s)
	testbed.Eventually(t, "the new settings are in", func() bool {
		_, err := c.Fetch(t.Context(), 1, 1<<20, 50*time.Millisecond)
		require.NoError(t, err)
		durable, err := admin.Consumer(t.Context(), bus.StreamName(telemetry.Traces), "writer")
		return err == nil && durable.CachedInfo().Config.MaxAckPending == 77
	})
}
