package bus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// sending is one call of Publish on its way.
type sending struct {
	batch  telemetry.Batch
	cancel context.CancelFunc
	done   chan struct{}
	out    bus.Published
	err    error
}

func (s *sending) wait(t *testing.T) (bus.Published, error) {
	t.Helper()
	select {
	case <-s.done:
	case <-time.After(testbed.Patience):
		require.Fail(t, "a sender is not told")
	}
	return s.out, s.err
}

func send(t *testing.T, p *bus.Publisher, b telemetry.Batch) *sending {
	t.Helper()
	s := &sending{batch: b, done: make(chan struct{})}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(t.Context())
	go func() {
		defer close(s.done)
		s.out, s.err = p.Publish(ctx, []telemetry.Batch{b})
	}()
	return s
}

// together publishes batches of one tenant and signal, each by a call of its own, as one group.
func together(t *testing.T, p *bus.Publisher, batches ...telemetry.Batch) []*sending {
	t.Helper()
	of := batches[0]
	back := p.OnTheWay(of.Signal, of.Tenant)
	all := make([]*sending, len(batches))
	for i, b := range batches {
		all[i] = send(t, p, b)
		testbed.Eventually(t, "the batch to wait for others", func() bool { return p.Gathered(of.Signal, of.Tenant) == i+1 })
	}
	back()
	return all
}

// patient is a bus whose groups wait for as long as they may.
func patient(t *testing.T, cfg bus.Config) *bus.Bus {
	t.Helper()
	cfg.GroupDelay = time.Second
	return connect(t, cfg)
}

func group(n int) []telemetry.Batch {
	all := make([]telemetry.Batch, n)
	for i := range all {
		all[i] = batch(telemetry.Logs, "default", fmt.Sprint("batch ", i))
		all[i].Connection = fmt.Sprint("key-", i)
		all[i].Items = i + 1
		all[i].Received = all[i].Received.Add(time.Duration(i))
	}
	all[n-1].Ordinals = telemetry.Ordinals{{From: 5, To: 5 + uint32(n)}}
	return all
}

func TestSmallBatchesOfOneSubjectShareAMessage(t *testing.T) {
	t.Parallel()
	b := patient(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	sent := group(5)
	for _, s := range together(t, p, sent...) {
		out, err := s.wait(t)
		require.NoError(t, err)
		require.Equal(t, bus.Published{Position: 1}, out)
	}
	testbed.Eventually(t, "nothing is on the way", func() bool { return p.Lanes() == 0 })

	got := fetch(t, c, 5)
	before := 0
	for i, d := range got {
		require.Equal(t, sent[i], d.Batch)
		require.Equal(t, uint64(1), d.Position)
		require.True(t, d.Shared)
		require.Equal(t, before, d.Before)
		before += d.Items
		require.NoError(t, d.InProgress())
	}
	for i, d := range got {
		backlog, err := b.Pending(t.Context(), telemetry.Logs)
		require.NoError(t, err)
		require.Equal(t, uint64(1), backlog.AckPending, "%d are settled", i)
		require.NoError(t, d.Settle(t.Context(), nil))
		require.Equal(t, "bus.settled_twice", fault.From(d.Settle(t.Context(), nil)).Code)
		require.NoError(t, d.InProgress())
	}
	testbed.Eventually(t, "the message to be settled with its last batch", func() bool {
		backlog, err := b.Pending(t.Context(), telemetry.Logs)
		return err == nil && backlog.AckPending == 0 && backlog.Settled == 1
	})
}

// However long groups may wait, who is alone does not: neither the first nor who comes after the answer, nor another tenant or signal.
func TestWhoIsAloneDoesNotWait(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := patient(t, s.Config())
	p := publisher(t, b)
	back := p.OnTheWay(telemetry.Logs, "default")
	defer back()
	const n = 50
	begin := time.Now()
	for i := range n {
		for _, one := range []telemetry.Batch{batch(telemetry.Logs, "shop", fmt.Sprint(i)), batch(telemetry.Traces, "default", fmt.Sprint(i))} {
			_, err := p.Publish(t.Context(), []telemetry.Batch{one})
			require.NoError(t, err)
		}
	}
	require.Less(t, time.Since(begin), testbed.Prompt, "a hundred times a second, had they waited")
	stream, err := js(t, s).Stream(t.Context(), bus.StreamName(telemetry.Traces))
	require.NoError(t, err)
	for i := range n {
		msg, err := stream.GetMsg(t.Context(), uint64(i+1))
		require.NoError(t, err)
		require.Equal(t, "1", msg.Header.Get(bus.HeaderSchema), "as every build reads it")
		require.Equal(t, batch(telemetry.Traces, "default", fmt.Sprint(i)).ID().String(), msg.Header.Get(bus.HeaderID), "and JetStream knows it again")
	}
}

// A group goes by its age, though what it waits for does not come back; but not while the server has work enough.
func TestAGroupDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	cfg := testbed.NATS(t)
	cfg.GroupDelay = 20 * time.Millisecond
	b := connect(t, cfg)
	p := publisher(t, b)
	defer p.OnTheWay(telemetry.Logs, "default")()
	for _, one := range group(3) {
		_, err := p.Publish(t.Context(), []telemetry.Batch{one})
		require.NoError(t, err)
	}
	defer p.OnTheWay(telemetry.Logs, "default")()
	defer p.OnTheWay(telemetry.Logs, "default")()
	back := p.OnTheWay(telemetry.Logs, "default")
	late := send(t, p, batch(telemetry.Logs, "default", "late"))
	testbed.Eventually(t, "it waits", func() bool { return p.Gathered(telemetry.Logs, "default") == 1 })
	time.Sleep(10 * cfg.GroupDelay) //nolint:forbidigo // far longer than it would wait
	require.Equal(t, 1, p.Gathered(telemetry.Logs, "default"))
	back()
	_, err := late.wait(t)
	require.NoError(t, err)
}

func TestNoGroupsWhereTheyAreOff(t *testing.T) {
	t.Parallel()
	cfg := testbed.NATS(t)
	cfg.GroupDelay = 0
	b := connect(t, cfg)
	p := publisher(t, b)
	defer p.OnTheWay(telemetry.Logs, "default")()
	for i := range 4 {
		defer p.OnTheWay(telemetry.Logs, "default")()
		out, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Logs, "default", fmt.Sprint(i))})
		require.NoError(t, err)
		require.Equal(t, uint64(i+1), out.Position)
	}
}

// Neither too many nor too large, whatever the server takes; and what does not fit a group goes by itself.
func TestAGroupFitsAMessage(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	cfg := s.Config()
	cfg.Compression = "none"
	b := patient(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	want := map[string]int{}
	back := p.OnTheWay(telemetry.Logs, "default")
	var all []*sending
	add := func(payload string) {
		want[payload]++
		all = append(all, send(t, p, batch(telemetry.Logs, "default", payload)))
	}
	for i := range 3 * bus.GroupParts {
		add(fmt.Sprint(i))
	}
	for i := range 20 {
		add(fmt.Sprintf("%d %s", i, strings.Repeat("x", 13<<10)))
	}
	large := strings.Repeat("y", b.MaxPayload())
	add(large)
	testbed.Eventually(t, "all but the large one in groups", func() bool { return p.Gathered(telemetry.Logs, "default") > 0 })
	back()
	for _, s := range all {
		_, err := s.wait(t)
		require.NoError(t, err)
	}
	in := map[uint64]int{}
	for _, d := range fetch(t, c, len(all)) {
		want[string(d.Payload)]--
		in[d.Position]++
		if string(d.Payload) == large {
			require.False(t, d.Shared)
		}
		require.NoError(t, d.Settle(t.Context(), nil))
	}
	for payload, n := range want {
		require.Zero(t, n, "%.20q", payload)
	}
	for _, n := range in {
		require.LessOrEqual(t, n, bus.GroupParts)
	}
	require.Less(t, len(in), len(all)/2, "most are in groups")
}

// The error of a group is that of each in it, and each may try again, in whatever company.
func TestAllOfAGroupAreToldThatItWasNotStored(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.RequestTimeout, cfg.PublishTimeout = time.Second, time.Second
	b := patient(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	sent := group(4)
	s.Stop()
	for _, one := range together(t, p, sent...) {
		_, err := one.wait(t)
		require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
	}
	s.Start()
	testbed.Eventually(t, "the server answers", func() bool { return b.Healthy(t.Context()) == nil && b.Publishing(t.Context()) == nil })
	for _, retry := range append(together(t, p, sent[2], sent[0]), together(t, p, sent[1], sent[3])...) {
		out, err := retry.wait(t)
		require.NoError(t, err)
		require.Zero(t, out.Repeats)
	}
	seen := map[string]int{}
	for _, d := range fetch(t, c, 4) {
		seen[d.ID().String()]++
	}
	require.Len(t, seen, 4)
}

// Where the server comes back with less, a group that gathered before is too large, and none in it is.
func TestAGroupThatNoLongerFitsCostsNobodyHisData(t *testing.T) {
	t.Parallel()
	limit := int32(256 << 10)
	s := testbed.NATSServer(t, func(o *server.Options) { o.MaxPayload = limit })
	cfg := s.Config()
	cfg.Compression = "none"
	b := patient(t, cfg)
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	sent := group(6)
	for i := range sent {
		sent[i].Payload = noise(t, 12<<10)
	}
	back := p.OnTheWay(telemetry.Logs, "default")
	for range 3 {
		p.OnTheWay(telemetry.Logs, "default") // so that its age does not count
	}
	all := make([]*sending, len(sent))
	for i, one := range sent {
		all[i] = send(t, p, one)
		testbed.Eventually(t, "it waits", func() bool { return p.Gathered(telemetry.Logs, "default") == i+1 })
	}
	s.Stop()
	limit = 64 << 10
	s.Start()
	testbed.Eventually(t, "the server is back with less", func() bool { return b.Healthy(t.Context()) == nil && b.MaxPayload() < 64<<10 })
	testbed.Eventually(t, "its age is told", func() bool { back(); return p.Gathered(telemetry.Logs, "default") == 0 })
	for i, one := range all {
		_, err := one.wait(t)
		require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
		_, err = p.Publish(t.Context(), sent[i:i+1])
		require.NoError(t, err, "the retry")
	}
	require.Len(t, fetch(t, c, len(sent)), len(sent))
}

// JetStream does not know what a group holds: who repeats himself is told so by what this process remembers, and his neighbours are not.
func TestARepeatInAnotherGroupIsTold(t *testing.T) {
	t.Parallel()
	b := patient(t, testbed.NATS(t))
	p := publisher(t, b)
	sent := group(4)
	repeats := func(all []*sending) (n []int) {
		for _, s := range all {
			out, err := s.wait(t)
			require.NoError(t, err)
			n = append(n, out.Repeats)
		}
		return n
	}
	require.Equal(t, []int{0, 0}, repeats(together(t, p, sent[0], sent[1])))
	require.Equal(t, []int{0, 2}, repeats(together(t, p, sent[2], sent[1])))
	require.Equal(t, []int{0, 4}, repeats(together(t, p, sent[3], sent[3])), "twice in one")
	out, err := p.Publish(t.Context(), sent[:1])
	require.NoError(t, err)
	require.Equal(t, 1, out.Repeats, "alone")
	require.Equal(t, []int{1, 2}, repeats(together(t, p, sent[0], sent[1])), "the same group again is the same message")
	backlog, err := b.Pending(t.Context(), telemetry.Logs)
	require.NoError(t, err)
	require.Equal(t, uint64(4), backlog.LastPosition)
}

// Who leaves is told at once, and takes nobody with him.
func TestASenderThatLeavesAGroup(t *testing.T) {
	t.Parallel()
	b := patient(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	sent := group(3)
	back := p.OnTheWay(telemetry.Logs, "default")
	var all []*sending
	for i, one := range sent {
		one.Payload = []byte(string(one.Payload))
		all = append(all, send(t, p, one))
		testbed.Eventually(t, "it waits", func() bool { return p.Gathered(telemetry.Logs, "default") == i+1 })
	}
	all[1].cancel()
	_, err := all[1].wait(t)
	require.ErrorIs(t, err, context.Canceled)
	clear(all[1].batch.Payload) // it belongs to another request by now
	back()
	for _, i := range []int{0, 2} {
		_, err := all[i].wait(t)
		require.NoError(t, err)
	}
	for i, d := range fetch(t, c, 3) {
		require.Equal(t, string(sent[i].Payload), string(d.Payload))
	}
}

// Copies that are held for senders, who may have left, are charged for as long as they are there, and who may have none goes by himself.
func TestCopiesInAGroupAreCharged(t *testing.T) {
	t.Parallel()
	b := patient(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	sent := group(4)
	for i := range sent {
		sent[i].Payload = []byte(strings.Repeat(fmt.Sprint(i), 10_000))
	}
	var mu sync.Mutex
	used, most := int64(0), int64(35_000)
	charged := func() int64 {
		mu.Lock()
		defer mu.Unlock()
		return used
	}
	p.Charge(func(n int64) bool {
		mu.Lock()
		defer mu.Unlock()
		if used+n > most {
			return false
		}
		used += n
		return true
	}, func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		used -= n
	})
	back := p.OnTheWay(telemetry.Logs, "default")
	for i, one := range sent[:3] {
		s := send(t, p, one)
		testbed.Eventually(t, "it waits", func() bool { return p.Gathered(telemetry.Logs, "default") == i+1 })
		s.cancel()
		_, err := s.wait(t)
		require.ErrorIs(t, err, context.Canceled)
	}
	require.InDelta(t, 30_400, charged(), 400, "three copies, whose senders are gone")
	out, err := send(t, p, sent[3]).wait(t)
	require.NoError(t, err, "there is no room for a fourth: it goes by itself")
	require.Equal(t, uint64(1), out.Position)
	require.Equal(t, 3, p.Gathered(telemetry.Logs, "default"))
	back()
	testbed.Eventually(t, "what was sent is given back", func() bool { return charged() == 0 })
	for i, d := range fetch(t, c, 4) {
		require.Equal(t, sent[(i+3)%4].Payload, d.Payload)
	}
}

func TestWhatIsWrongWithOneOfAGroupCostsNoNeighbour(t *testing.T) {
	t.Parallel()
	invalid := fault.Kind{Class: fault.Invalid, Code: "t.bad", Meaning: "m", Advice: "a"}.New("bad")
	internal := errors.New("a defect")
	away := fault.Kind{Class: fault.Unavailable, Code: "t.away", Meaning: "m", Advice: "a"}.New("away")
	for name, test := range map[string]struct {
		settle   []error
		attempts int    // with which all of it comes the last time
		dead     string // which are dead letters then, by number
	}{
		"one bad":              {[]error{nil, invalid, nil}, 1, "1"},
		"all bad":              {[]error{invalid, invalid, invalid}, 1, "012"},
		"one bad, one later":   {[]error{nil, invalid, away}, 2, "1"},
		"all later":            {[]error{away, away, away}, 2, ""},
		"one of unknown fault": {[]error{internal, nil, nil}, 3, "0"},
		"and one bad":          {[]error{internal, nil, invalid}, 3, "02"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testbed.NATS(t)
			cfg.MaxAttempts = 3
			b := patient(t, cfg)
			p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
			sent := group(3)
			for _, s := range together(t, p, sent...) {
				_, err := s.wait(t)
				require.NoError(t, err)
			}
			for attempt := 1; attempt <= test.attempts; attempt++ {
				letters, err := b.DeadLettersOf(t.Context(), bus.DeadSelection{Tenant: "default"}, 10)
				require.NoError(t, err)
				require.Empty(t, letters.Letters, "before all is settled for good")
				for i, d := range fetch(t, c, 3) {
					require.Equal(t, sent[i], d.Batch)
					require.Equal(t, attempt, d.Attempts)
					outcome := test.settle[i]
					if errors.Is(outcome, away) && attempt > 1 {
						outcome = nil
					}
					require.NoError(t, d.Settle(t.Context(), outcome))
				}
			}
			testbed.Eventually(t, "the message has left", func() bool {
				backlog, err := b.Pending(t.Context(), telemetry.Logs)
				return err == nil && backlog.AckPending == 0 && backlog.Pending == 0
			})
			page, err := b.DeadLettersOf(t.Context(), bus.DeadSelection{Tenant: "default"}, 10)
			require.NoError(t, err)
			var dead strings.Builder
			for _, letter := range page.Letters {
				var i int
				for sent[i].ID().String() != letter.Batch {
					i++
				}
				fmt.Fprint(&dead, i)
				require.Equal(t, sent[i].Items, letter.Items)
				require.Equal(t, test.attempts, letter.Attempts)
				_, body, damage, err := b.DeadLetter(t.Context(), "default", letter.Sequence)
				require.NoError(t, err)
				require.NoError(t, damage)
				require.Equal(t, string(sent[i].Payload), string(body), "of its neighbours it holds nothing")

				require.NoError(t, b.ReplayDeadLetter(t.Context(), "default", letter.Sequence))
				again := fetch(t, c, 1)
				require.Equal(t, sent[i], again[0].Batch, "with its identity")
				require.False(t, again[0].Shared)
				require.NoError(t, again[0].Settle(t.Context(), nil))
			}
			require.Equal(t, test.dead, dead.String())
		})
	}
}

// A group that cannot be taken apart is a dead letter as it is, of the tenant that it names.
func TestAGroupThatCannotBeReadIsADeadLetter(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	b := patient(t, s.Config())
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	for _, s := range together(t, p, group(3)...) {
		_, err := s.wait(t)
		require.NoError(t, err)
	}
	plain := js(t, s)
	stream, err := plain.Stream(t.Context(), bus.StreamName(telemetry.Logs))
	require.NoError(t, err)
	raw, err := stream.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	msg := nats.NewMsg(raw.Subject)
	maps.Copy(msg.Header, raw.Header)
	msg.Header.Set(bus.HeaderID, "other")
	msg.Header.Set(bus.HeaderParts, "4")
	msg.Data = raw.Data
	_, err = plain.PublishMsg(t.Context(), msg)
	require.NoError(t, err)
	require.Len(t, fetch(t, c, 3), 3, "the whole one")
	testbed.Eventually(t, "the other one is a dead letter", func() bool {
		_, _ = c.Fetch(t.Context(), 1, 1<<20, 20*time.Millisecond)
		page, err := b.DeadLettersOf(t.Context(), bus.DeadSelection{Tenant: "default"}, 10)
		return err == nil && len(page.Letters) == 1 && page.Letters[0].Code == "bus.bad_envelope"
	})
	_, body, damage, err := b.DeadLetter(t.Context(), "default", 1)
	require.NoError(t, err)
	require.Nil(t, body)
	require.Error(t, damage)
}

// Whatever comes together, each batch is delivered, and each sender told of its own.
func TestManySendersAtOnce(t *testing.T) {
	t.Parallel()
	b := connect(t, testbed.NATS(t))
	p, c := publisher(t, b), consumer(t, b, telemetry.Logs)
	const senders, each = 32, 20
	var mu sync.Mutex
	at := map[telemetry.BatchID]uint64{}
	var sending sync.WaitGroup
	for i := range senders {
		sending.Go(func() {
			for j := range each {
				one := batch(telemetry.Logs, telemetry.Tenant(fmt.Sprint("t", i%3)), fmt.Sprint(i, " ", j))
				out, err := p.Publish(t.Context(), []telemetry.Batch{one})
				if err != nil || out.Repeats != 0 {
					t.Errorf("%v, %d repeats", err, out.Repeats)
				}
				mu.Lock()
				at[one.ID()] = out.Position
				mu.Unlock()
			}
		})
	}
	sending.Wait()
	testbed.Eventually(t, "nothing is on the way", func() bool { return p.Lanes() == 0 })
	for _, d := range fetch(t, c, senders*each) {
		require.Equal(t, at[d.ID()], d.Position)
		delete(at, d.ID())
		require.NoError(t, d.Settle(t.Context(), nil))
	}
	require.Empty(t, at)
}
