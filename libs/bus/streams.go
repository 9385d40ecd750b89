package bus

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// What is known of each stream from what became of the last batches for it. Invariant: a stream that is known to refuse is asked by a probe until it takes
// one, so that what is said of it is never older than a second, also while nobody sends.

// How long what is wrong may go on before it is told.
const (
	// refusedFor is how long a stream has refused everything when it counts as failing: shorter is a hiccup.
	refusedFor = 5 * time.Second
	// electionFor is the same where several servers keep the streams and choose a new leader by themselves, which takes nats-server 4 to 9 s.
	electionFor = 15 * time.Second
	// askAfter is how long an acknowledgement is waited for before the stream is asked whether it has a leader, and askFor how long that may take. A leader that
	// is slow is one: only a second silence counts. Together they are within the second and a half in which a sender is told.
	askAfter = 300 * time.Millisecond
	askFor   = 500 * time.Millisecond
	// probeEvery is how often a stream that refuses is tried.
	probeEvery = 500 * time.Millisecond
)

// probeTenant stands in the subject of a probe. It is no tenant's name.
const probeTenant telemetry.Tenant = "!probe"

// outcomes are those of the last publishes, by stream. Safe for concurrent use.
type outcomes struct {
	mu           sync.Mutex
	streams      [3]streamState
	ensureFailed error     // why the streams could not be made as they are configured; nil when they were
	healthyAt    time.Time // when NATS last answered and all streams were there
}

// streamState is what became of the last publishes to one stream.
type streamState struct {
	since    time.Time // when the first of those was sent that were refused and since which none was taken; zero where the last was taken
	failure  error     // what the last one was refused for
	bytes    int       // of the last one: a full stream may well take less than that
	probing  bool
	taken    time.Time // when it last took one
	leadless bool      // it is known to have no leader
	asked    time.Time // when it was last asked for one
}

// took notes a batch that is stored.
func (b *Bus) took(signal telemetry.Signal) {
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	s := &b.outcomes.streams[signal]
	s.since, s.failure, s.leadless, s.taken = time.Time{}, nil, false, time.Now()
}

// refused notes a batch that was not stored, and sees to it that the stream is probed from then on.
func (b *Bus) refused(ctx context.Context, signal telemetry.Signal, s *sent, err error) {
	if errors.Is(err, context.Canceled) || fault.ClassOf(err) == fault.TooLarge || errors.Is(err, nats.ErrConnectionClosed) {
		return // the sender left, the batch is at fault, or the bus is being closed
	}
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	state := &b.outcomes.streams[signal]
	if state.since.IsZero() {
		state.since = s.at
	}
	state.failure, state.bytes = err, s.bytes
	if !state.probing {
		state.probing = true
		b.probes.Add(1)
		go b.probe(context.WithoutCancel(ctx), signal)
	}
}

// known is the reason for which a batch need not be sent, because the stream is known to refuse; nil where it is to be tried.
func (b *Bus) known(signal telemetry.Signal) error {
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	s := &b.outcomes.streams[signal]
	switch {
	case s.leadless:
		return errNoLeader.Newf("the queue of %s is choosing a new leader; retry", signal)
	case !s.since.IsZero() && time.Since(s.since) >= refusedFor && fault.ClassOf(s.failure) == fault.Unavailable:
		return errNotWriting.Wrap(s.failure, "the queue of "+signal.String()+" takes nothing at the moment; retry")
	}
	return nil
}

// Publishing reports whether the streams take what this process publishes: nil, or fault.Unavailable saying which refuses, for how long and why. A stream
// that has refused everything for 5 s counts, 15 s where servers choose a new leader by themselves.
func (b *Bus) Publishing(context.Context) error {
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	for _, signal := range telemetry.Signals() {
		s := &b.outcomes.streams[signal]
		patience := refusedFor
		if b.cfg.Replicas > 1 && fault.ClassOf(s.failure) == fault.Unavailable {
			patience = electionFor
		}
		if s.since.IsZero() || time.Since(s.since) < patience {
			continue
		}
		return errNotWriting.Newf("the queue has refused %s for %s: %s", signal, time.Since(s.since).Round(time.Second), fault.From(s.failure).Message)
	}
	return nil
}

// failure is what the last batch was refused for.
func (b *Bus) failure(signal telemetry.Signal) error {
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	return b.outcomes.streams[signal].failure
}

// probe publishes messages that are nobody's telemetry to a stream that refuses, until it takes one.
func (b *Bus) probe(ctx context.Context, signal telemetry.Signal) {
	defer b.probes.Done()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	begin, told := time.Now(), false
	for {
		select {
		case <-b.ending:
			return
		case <-tick.C:
		}
		bytes, healed := b.healed(signal)
		if healed {
			if told {
				b.log.LogAttrs(ctx, slog.LevelInfo, "the queue takes again", slog.String("signal", signal.String()), slog.Duration("after", time.Since(begin)))
			}
			return
		}
		if !told && time.Since(begin) >= refusedFor {
			told = true
			b.log.LogAttrs(ctx, slog.LevelWarn, "the queue takes nothing", slog.String("signal", signal.String()), slog.Any("error", b.failure(signal)))
		}
		limited, end := context.WithTimeout(ctx, probeFor)
		_, err := b.js.PublishMsg(limited, &nats.Msg{Subject: Subject(signal, probeTenant), Header: nats.Header{HeaderProbe: {"1"}}, Data: make([]byte, bytes)}, jetstream.WithRetryAttempts(0))
		end()
		if err == nil {
			b.took(signal)
			continue
		}
		if errors.Is(err, jetstream.ErrNoStreamResponse) && b.cfg.Replicas == 1 && b.nc.IsConnected() {
			b.repair(ctx)
		}
	}
}

// probeFor is how long a probe may take.
const probeFor = time.Second

// healed ends the probing of a stream that has taken something; else it tells how large a batch it refused.
func (b *Bus) healed(signal telemetry.Signal) (bytes int, ok bool) {
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	s := &b.outcomes.streams[signal]
	if s.since.IsZero() {
		s.probing = false
		return 0, true
	}
	return s.bytes, false
}

// leaderless asks, at most every askAfter, whether a stream that does not acknowledge has lost its leader: where several servers keep it, another one takes
// over soon, and a sender gains nothing by waiting. It has lost it where a server says so, or nobody answers twice in a row nor acknowledges meanwhile.
func (b *Bus) leaderless(ctx context.Context, signal telemetry.Signal) bool {
	if b.cfg.Replicas == 1 {
		return false
	}
	b.outcomes.mu.Lock()
	s := &b.outcomes.streams[signal]
	if known := s.leadless; known || time.Since(s.asked) < askAfter {
		b.outcomes.mu.Unlock()
		return known
	}
	begin := time.Now()
	s.asked = begin.Add(2 * askFor) // nobody else meanwhile
	b.outcomes.mu.Unlock()

	lost, answered := b.askLeader(ctx, signal)
	if !answered {
		lost, answered = b.askLeader(ctx, signal)
	}
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	s.asked = time.Now()
	if !s.taken.Before(begin) {
		return false // whoever acknowledges leads
	}
	s.leadless = lost || !answered && ctx.Err() == nil
	return s.leadless
}

// askLeader asks once whether a stream has lost its leader; not answered where nobody said anything in time.
func (b *Bus) askLeader(ctx context.Context, signal telemetry.Signal) (lost, answered bool) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	stream, err := b.js.Stream(ctx, StreamName(signal))
	if err == nil {
		cluster := stream.CachedInfo().Cluster
		return cluster != nil && cluster.Leader == "", true
	}
	api, ok := apiError(err)
	return ok && api.ErrorCode == errCodeClusterNotAvailable, ok
}

// ensured remembers why the streams are not as they are configured, nil where they are: what is in the log stands in /health too.
func (b *Bus) ensured(err error) {
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	b.outcomes.ensureFailed = err
}

// Healthy reports whether NATS answers and all streams exist: nil, or fault.Unavailable saying what is missing. Where several servers keep the streams, the
// loss of one of them is not told: only what has lasted longer than the choice of a new leader takes.
func (b *Bus) Healthy(ctx context.Context) error {
	err := b.look(ctx)
	now := time.Now()
	b.outcomes.mu.Lock()
	defer b.outcomes.mu.Unlock()
	if err == nil {
		b.outcomes.healthyAt = now
		return nil
	}
	patience := electionFor
	if ErrDisconnected.Matches(err) {
		patience = reconnectFor
	}
	if b.cfg.Replicas > 1 && !errMissing.Matches(err) && now.Sub(b.outcomes.healthyAt) < patience {
		return nil
	}
	if b.outcomes.ensureFailed != nil && errMissing.Matches(err) {
		return b.outcomes.ensureFailed
	}
	return err
}

// Patience is how long a stream may be without a leader before it is told: 0 where one server keeps it, and nobody takes its place.
func (b *Bus) Patience() time.Duration {
	if b.cfg.Replicas > 1 {
		return electionFor
	}
	return 0
}

// reconnectFor is how long it may take to find another server of several.
const reconnectFor = 3 * time.Second

func (b *Bus) look(ctx context.Context) error {
	if !b.nc.IsConnected() {
		return ErrDisconnected.Newf("not connected to NATS (%s)", b.status())
	}
	patience := lookFor
	if b.cfg.Replicas > 1 {
		patience = lookAmongFor
	}
	ctx, cancel := context.WithTimeout(ctx, min(b.cfg.RequestTimeout, patience))
	defer cancel()
	names := []string{DeadStream, ParkedStream}
	for _, signal := range telemetry.Signals() {
		names = append(names, StreamName(signal))
	}
	errs := make([]error, len(names))
	var asking sync.WaitGroup
	for i, name := range names {
		asking.Go(func() {
			if _, err := b.js.Stream(ctx, name); err != nil {
				errs[i] = classify(err, "look up stream "+name)
			}
		})
	}
	asking.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// lookFor is below the time that a check of health has, so that the reason is ours.
const lookFor = 1500 * time.Millisecond

// lookAmongFor is the same where several servers keep the streams: that one does not answer for a while is not told, and who asks may give up after a second.
const lookAmongFor = 500 * time.Millisecond
