package bus_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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

// flood publishes n messages of anybody's, as quickly as the server takes them.
func flood(t *testing.T, to jetstream.JetStream, n int, message func(i int) *nats.Msg) {
	t.Helper()
	for i := range n {
		_, err := to.PublishMsgAsync(message(i))
		for errors.Is(err, jetstream.ErrTooManyStalledMsgs) { // the machine is busy
			_, err = to.PublishMsgAsync(message(i))
		}
		require.NoError(t, err)
	}
	select {
	case <-to.PublishAsyncComplete():
	case <-time.After(testbed.Patience):
		require.Fail(t, "the flood is not taken")
	}
}

func noise(t *testing.T, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	_, err := rand.Read(b)
	require.NoError(t, err)
	return b
}

// fetchNeighbour settles all else by other, and returns how long the batch took to come.
func fetchNeighbour(t *testing.T, c *bus.Consumer, payload string, other error) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < testbed.Patience {
		got, err := c.Fetch(t.Context(), 1024, 8<<20, 200*time.Millisecond)
		require.NoError(t, err)
		for _, d := range got {
			if string(d.Payload) == payload {
				require.NoError(t, d.Settle(t.Context(), nil))
				return time.Since(start)
			}
			require.NoError(t, d.Settle(t.Context(), other))
		}
	}
	require.Fail(t, "the neighbour does not come")
	return 0
}

// takesNone is the next fetch of a writer, which there is always one of, and which brings no batch.
func takesNone(t *testing.T, c *bus.Consumer) {
	t.Helper()
	got, err := c.Fetch(t.Context(), 1024, 8<<20, 100*time.Millisecond)
	require.NoError(t, err)
	require.Empty(t, got)
}

func messages(t *testing.T, s *testbed.Server, stream string, options ...jetstream.StreamInfoOpt) jetstream.StreamState {
	t.Helper()
	of, err := js(t, s).Stream(t.Context(), stream)
	require.NoError(t, err)
	info, err := of.Info(t.Context(), options...)
	require.NoError(t, err)
	return info.State
}

// logged connects a bus whose log lines are kept.
func logged(t *testing.T, cfg bus.Config) (*bus.Bus, func() []string) {
	t.Helper()
	var out bytes.Buffer
	b, err := bus.Connect(t.Context(), cfg, slog.New(slog.NewTextHandler(&out, nil)), nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	return b, func() []string { return strings.Split(strings.TrimSpace(out.String()), "\n") }
}

// The figures are those of an installation: 4,096 places, and more than twice as many messages that nobody can write.
func TestAFloodOfPoisonWithFullDeadLettersDoesNotStopANeighbour(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.DeadMaxBytes = 1 << 20
	require.Equal(t, 4096, cfg.MaxAckPending)
	b, lines := logged(t, cfg)
	// A batch that somebody was told of is dead already.
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "shop", "refused")})
	require.NoError(t, err)
	require.NoError(t, fetch(t, c, 1)[0].Settle(t.Context(), fault.Kind{Class: fault.Invalid, Code: "test.refused"}.New("refused")))
	require.NoError(t, b.DeadHealthy(t.Context()))

	flood(t, js(t, s), 10_000, func(int) *nats.Msg { return &nats.Msg{Subject: "otlp.traces.default", Data: noise(t, 300)} })
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "neighbour")})
	require.NoError(t, err)
	require.Less(t, fetchNeighbour(t, c, "neighbour", nil), testbed.Slowdown*testbed.Prompt)

	testbed.Eventually(t, "no place is held", func() bool {
		takesNone(t, c) // what was given back, because more came than could be moved aside at once, comes again
		backlog, err := b.Pending(t.Context(), telemetry.Traces)
		return err == nil && backlog.Pending == 0 && backlog.AckPending == 0
	})
	state := messages(t, s, bus.DeadStream, jetstream.WithSubjectFilter("dead.>"))
	require.NotZero(t, state.Subjects["dead.traces.!none"])
	require.Equal(t, uint64(1), state.Subjects["dead.traces.shop"], "what was accepted goes after what strangers sent")
	lost := 10_001 - state.Msgs
	require.NotZero(t, lost)
	err = b.DeadHealthy(t.Context())
	require.ErrorContains(t, err, fmt.Sprintf("%d dead letters were lost", lost))
	require.Equal(t, "bus.dead_lost", fault.From(err).Code)
	require.Less(t, len(lines()), 10, "%s", lines())
}

// Messages without an id lie at the same position of three streams, and of a stream that was made anew.
func TestNoDeadLetterPassesForAnother(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	for round := range uint64(2) {
		for n, signal := range telemetry.Signals() {
			c := consumer(t, b, signal)
			flood(t, js(t, s), 3, func(int) *nats.Msg { return &nats.Msg{Subject: bus.Subject(signal, "default"), Data: []byte("poison")} })
			want := round*9 + uint64(n+1)*3
			testbed.Eventually(t, fmt.Sprintf("%s, round %d", signal, round), func() bool {
				got, err := c.Fetch(t.Context(), 10, 8<<20, 100*time.Millisecond)
				require.NoError(t, err)
				require.Empty(t, got)
				return messages(t, s, bus.DeadStream).Msgs == want
			})
			require.NoError(t, js(t, s).DeleteStream(t.Context(), bus.StreamName(signal)))
		}
		require.NoError(t, b.EnsureStreams(t.Context()))
	}
}

func TestTheOldestDeadLettersMakeRoom(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.DeadMaxBytes = 1 << 20
	b := connect(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	refused := fault.Kind{Class: fault.Invalid, Code: "test.refused"}.New("refused")
	for i := range 40 {
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Logs, "shop", fmt.Sprint(i)+string(noise(t, 50<<10)))})
		require.NoError(t, err)
		require.NoError(t, fetch(t, c, 1)[0].Settle(t.Context(), refused))
	}
	state := messages(t, s, bus.DeadStream)
	require.Equal(t, uint64(40), state.LastSeq, "the newest is there")
	require.Equal(t, 40-state.Msgs, state.FirstSeq-1, "the oldest are not")
	require.ErrorContains(t, b.DeadHealthy(t.Context()), fmt.Sprintf("%d dead letters were lost", 40-state.Msgs))
}

func TestAFloodOfANewerVersionWaitsAsideForANewerWriter(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b, lines := logged(t, s.Config())
	p, c := publisher(t, b), consumer(t, b, telemetry.Metrics)
	const newer = 4200
	flood(t, js(t, s), newer, func(i int) *nats.Msg {
		id := batch(telemetry.Metrics, "shop", fmt.Sprint(i)).ID().String()
		return &nats.Msg{Subject: "otlp.metrics.shop", Data: []byte("of tomorrow " + fmt.Sprint(i)), Header: nats.Header{
			bus.HeaderID: {id}, bus.HeaderSchema: {"9"}, bus.HeaderTenant: {"shop"}, "Olly-Tomorrow": {fmt.Sprint(i)},
		}}
	})
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Metrics, "default", "neighbour")})
	require.NoError(t, err)
	require.Less(t, fetchNeighbour(t, c, "neighbour", nil), testbed.Slowdown*testbed.Prompt)
	testbed.Eventually(t, "all are parked", func() bool {
		takesNone(t, c) // as above
		return messages(t, s, bus.ParkedStream).Msgs == newer
	})
	require.Less(t, len(lines()), 5, "%s", lines())
	require.Zero(t, messages(t, s, bus.DeadStream).Msgs)

	// This build leaves them; two of tomorrow's take them at the same time, and each batch is there once, with all its headers.
	taking := func(b *bus.Bus) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { b.Unpark(ctx); close(done) }()
		return func() { cancel(); <-done }
	}
	ctx, cancel := context.WithCancel(t.Context())
	looked := make(chan struct{})
	go func() { b.Unpark(ctx); close(looked) }()
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Metrics, "default", "another neighbour")})
	require.NoError(t, err)
	fetchNeighbour(t, c, "another neighbour", nil)
	cancel()
	<-looked
	require.Equal(t, uint64(newer), messages(t, s, bus.ParkedStream).Msgs)
	c.Close()
	for range 2 {
		tomorrow := connect(t, s.Config())
		tomorrow.Reads(9)
		defer taking(tomorrow)()
	}
	testbed.Eventually(t, "the parked ones are back in their queue", func() bool { return messages(t, s, bus.ParkedStream).Msgs == 0 })
	require.Equal(t, uint64(newer), messages(t, s, bus.StreamName(telemetry.Metrics)).Msgs)
	stream, err := js(t, s).Stream(t.Context(), bus.StreamName(telemetry.Metrics))
	require.NoError(t, err)
	msg, err := stream.GetMsg(t.Context(), newer+3)
	require.NoError(t, err)
	n := msg.Header.Get("Olly-Tomorrow")
	require.Equal(t, "of tomorrow "+n, string(msg.Data))
	require.Equal(t, "otlp.metrics.shop", msg.Subject)
	require.Equal(t, "9", msg.Header.Get(bus.HeaderSchema))
	require.Contains(t, msg.Header.Get(bus.HeaderID), batch(telemetry.Metrics, "shop", n).ID().String()+"-")
	require.Empty(t, msg.Header.Get(bus.HeaderSubject))
}

func TestParkedBatchesAreNeverDropped(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.ParkedMaxBytes = 1 << 20
	b := connect(t, cfg)
	c := consumer(t, b, telemetry.Traces)
	const newer = 30
	flood(t, js(t, s), newer, func(int) *nats.Msg {
		return &nats.Msg{Subject: "otlp.traces.default", Data: noise(t, 64<<10), Header: nats.Header{bus.HeaderSchema: {"9"}, bus.HeaderTenant: {"default"}}}
	})
	_, err := c.Fetch(t.Context(), 100, 8<<20, time.Second)
	require.NoError(t, err)
	testbed.Eventually(t, "the others are where they were", func() bool {
		parked := messages(t, s, bus.ParkedStream).Msgs
		return parked > 0 && messages(t, s, bus.StreamName(telemetry.Traces)).Msgs == newer-parked
	})
}

func TestBatchesThatFailByThemselvesHoldFewPlaces(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.MaxAckPending = 64
	b := connect(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
	var all []telemetry.Batch
	for i := range 200 {
		all = append(all, batch(telemetry.Traces, "shop", fmt.Sprint("breaks the encoder ", i)))
	}
	_, err := p.Publish(t.Context(), append(all, batch(telemetry.Traces, "default", "neighbour")))
	require.NoError(t, err)
	require.Less(t, fetchNeighbour(t, c, "neighbour", fmt.Errorf("a defect")), testbed.Prompt)
	// What the last fetch delivered is settled in the background; what stays is the share.
	var backlog bus.Backlog
	testbed.Eventually(t, "a share, and what is just coming again", func() bool {
		var err error
		backlog, err = b.Pending(t.Context(), telemetry.Traces)
		return err == nil && backlog.AckPending <= 64/4
	})
	dead, err := b.DeadLetters(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, dead+backlog.AckPending+backlog.Pending, uint64(200), "every one of them is somewhere")
}

// However many letters others have, a tenant's page costs its own, and another's letter is not to be found.
func TestLettersAreOfTheirTenant(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := connect(t, s.Config())
	flood(t, js(t, s), 700, func(i int) *nats.Msg {
		tenant := []telemetry.Tenant{"shop", "shop.example"}[i%2]
		return &nats.Msg{Subject: bus.DeadSubject(telemetry.Logs, tenant), Data: noise(t, 100), Header: nats.Header{bus.HeaderDeadCode: {fmt.Sprint("code.", i%4)}}}
	})
	flood(t, js(t, s), 3, func(int) *nats.Msg {
		return &nats.Msg{Subject: bus.DeadSubject(telemetry.Logs, "!none"), Data: []byte("x")}
	})
	page, err := b.DeadLettersOf(t.Context(), bus.DeadSelection{Tenant: "shop.example"}, 1000)
	require.NoError(t, err)
	require.Len(t, page.Letters, 350)
	require.False(t, page.More)
	require.Equal(t, 100, page.Letters[0].Bytes)
	page, err = b.DeadLettersOf(t.Context(), bus.DeadSelection{Tenant: "shop.example", Code: "code.3", After: 100, Through: 200}, 10)
	require.NoError(t, err)
	require.Len(t, page.Letters, 10)
	require.True(t, page.More)
	require.Equal(t, []uint64{104, 142}, []uint64{page.Letters[0].Sequence, page.Last})
	_, _, _, err = b.DeadLetter(t.Context(), "shop.example", 1)
	require.Equal(t, fault.NotFound, fault.ClassOf(err))
	require.Equal(t, fault.NotFound, fault.ClassOf(b.DropDeadLetter(t.Context(), "shop.example", 1)))
	require.Equal(t, fault.NotFound, fault.ClassOf(b.ReplayDeadLetter(t.Context(), "shop.example", 1)))
	require.NoError(t, b.DropDeadLetter(t.Context(), "shop.example", 2))
	counts, err := b.DeadCounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(349), counts["shop.example"][telemetry.Logs])
	require.Equal(t, uint64(350), counts["shop"][telemetry.Logs])
	of, err := js(t, s).Stream(t.Context(), bus.DeadStream)
	require.NoError(t, err)
	require.Zero(t, of.CachedInfo().State.Consumers, "a page leaves nothing behind")
}

// A stream of dead letters that does not answer holds up nobody but the dead: the batches beside them come at once, be it one poisoned message or more than are
// moved side by side, and whoever closes the consumer waits for what it moves.
func TestSlowDeadLettersDoNotHoldUpTheirNeighbours(t *testing.T) {
	t.Parallel()
	for _, poison := range []int{1, 3 * 64} {
		t.Run(fmt.Sprint(poison), func(t *testing.T) {
			t.Parallel()
			s := testbed.NATSServer(t)
			cfg := s.Config()
			cfg.PublishTimeout = testbed.Patience
			b := connect(t, cfg)
			p, c := publisher(t, b), consumer(t, b, telemetry.Traces)
			admin := js(t, s)
			require.NoError(t, admin.DeleteStream(t.Context(), bus.DeadStream))
			deaf, err := admin.Conn().SubscribeSync("dead.>") // it hears and says nothing
			require.NoError(t, err)
			require.NoError(t, admin.Conn().Flush())
			flood(t, admin, poison, func(int) *nats.Msg {
				return &nats.Msg{Subject: "otlp.traces.shop", Data: []byte("poison"), Header: nats.Header{bus.HeaderTenant: {"shop"}}}
			})
			_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", "neighbour")})
			require.NoError(t, err)
			require.Less(t, fetchNeighbour(t, c, "neighbour", nil), testbed.Prompt)
			letter, err := deaf.NextMsg(testbed.Patience)
			require.NoError(t, err, "they are on their way")
			testbed.Eventually(t, "all but the neighbour stay", func() bool {
				return messages(t, s, bus.StreamName(telemetry.Traces)).Msgs == uint64(poison)
			})
			for err == nil { // it speaks at last, so that the end need not wait for as long as they would
				require.NoError(t, letter.Respond([]byte(`{"stream":"`+bus.DeadStream+`","seq":1}`)))
				letter, err = deaf.NextMsg(time.Second)
			}
		})
	}
}

// What came while a message could be larger is too large for the dead letters at every try: what it was and why it died is kept, that its body is lost is told,
// and its place is free.
func TestADeadLetterThatIsTooLargeNowLeavesItsPlace(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	before := connect(t, s.Config())
	p := publisher(t, before)
	const size = 200_000
	_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Logs, "shop", string(noise(t, size)))})
	require.NoError(t, err)
	// NATS takes 64 KiB of headers: those of the dead letter are one too many.
	stranger := &nats.Msg{Subject: "otlp.logs.default", Data: []byte("poison"), Header: nats.Header{"Long": {strings.Repeat("x", 65_400)}, bus.HeaderTenant: {"default"}}}
	_, err = js(t, s).PublishMsg(t.Context(), stranger)
	require.NoError(t, err)

	cfg := s.Config()
	cfg.MaxMessageBytes = 128 << 10
	lower(t, s, cfg.MaxMessageBytes)
	b := connect(t, cfg)
	c := consumer(t, b, telemetry.Logs)
	d := fetch(t, c, 1)[0]
	require.NoError(t, d.Settle(t.Context(), fault.Kind{Class: fault.Invalid, Code: "test.refused"}.New("refused")))
	testbed.Eventually(t, "both places are free", func() bool {
		got, err := c.Fetch(t.Context(), 10, 1<<20, 50*time.Millisecond)
		require.NoError(t, err)
		require.Empty(t, got)
		backlog, err := b.Pending(t.Context(), telemetry.Logs)
		return err == nil && backlog.Settled == 2 && backlog.Pending == 0 && backlog.AckPending == 0
	})
	require.ErrorContains(t, b.DeadHealthy(t.Context()), "2 dead letters were lost")
	dead, err := js(t, s).Stream(t.Context(), bus.DeadStream)
	require.NoError(t, err)
	for subject, want := range map[string]map[string]string{
		"dead.logs.shop": {
			bus.HeaderDeadSize: fmt.Sprint(size), bus.HeaderDeadCode: "test.refused", bus.HeaderDeadReason: "refused", bus.HeaderTenant: "shop",
			bus.HeaderItems: "7", bus.HeaderDeadPosition: "1", bus.HeaderSubject: "otlp.logs.shop",
		},
		"dead.logs.default": {bus.HeaderDeadSize: "6", bus.HeaderDeadCode: "bus.bad_envelope", bus.HeaderDeadPosition: "2", "Long": ""},
	} {
		msg, err := dead.GetLastMsgForSubject(t.Context(), subject)
		require.NoError(t, err)
		require.Empty(t, msg.Data)
		for name, value := range want {
			require.Equal(t, value, msg.Header.Get(name), name)
		}
		require.LessOrEqual(t, len(msg.Header), 14)
	}
	msg, err := dead.GetLastMsgForSubject(t.Context(), "dead.logs.shop")
	require.NoError(t, err)
	require.Contains(t, msg.Header.Get(bus.HeaderID), d.ID().String())

	// A batch without its body would be stored as nothing, and pass for stored.
	_, _, damage, err := b.DeadLetter(t.Context(), "shop", msg.Sequence)
	require.NoError(t, err)
	for _, err := range []error{damage, b.ReplayDeadLetter(t.Context(), "shop", msg.Sequence)} {
		require.ErrorContains(t, err, "its 200000 bytes")
		require.Equal(t, "bus.dead_body_lost", fault.From(err).Code)
	}
	require.Zero(t, messages(t, s, bus.StreamName(telemetry.Logs)).Msgs)
	require.NoError(t, b.DropDeadLetter(t.Context(), "shop", msg.Sequence))
}
