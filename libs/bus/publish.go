package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/sync/semaphore"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// publishWave is how many batches of one call are in flight together; the next ones follow when these are acknowledged, so that one
// huge request cannot take the whole of MaxInFlight.
const publishWave = 64

// Publisher puts batches on the bus. Safe for concurrent use; one per process is enough.
type Publisher struct {
	bus     *Bus
	coder   *coder
	flight  *semaphore.Weighted
	scratch sync.Pool // *[]byte: compressed bodies
	groups  groups
	recent  recent
	take    func(bytes int64) bool // before a copy is made of what a sender may take away; false makes none
	free    func(bytes int64)      // the copy is no more
}

// Publisher makes a Publisher.
func (b *Bus) Publisher() (*Publisher, error) {
	c, err := newCoder(b.cfg.Compression)
	if err != nil {
		return nil, err
	}
	p := &Publisher{bus: b, coder: c, flight: semaphore.NewWeighted(int64(b.cfg.MaxInFlight))}
	p.scratch.New = func() any { return new([]byte) }
	p.Charge(func(int64) bool { return true }, func(int64) {})
	p.groups = groups{publisher: p, lanes: map[lane]*traffic{}}
	p.recent.window = b.cfg.DuplicateWindow
	return p, nil
}

// Charge has a budget asked before small batches are copied into a message that they share, which may outlive the calls that brought them: a batch
// that may have none goes by itself. free gives back what take allowed, when the message was handed to the connection. Without it, nothing bounds these copies
// but what the bus takes (Config.GroupDelay, Config.PublishTimeout). To be called before the first Publish.
func (p *Publisher) Charge(take func(bytes int64) bool, free func(bytes int64)) {
	p.take, p.free = take, free
}

// Published is what became of batches that are stored.
type Published struct {
	Position uint64 // the highest stream sequence among them
	Repeats  int    // items of batches that NATS had already, or had from this process lately: they are stored once
}

// Publish stores all batches. It returns nil only when NATS has acknowledged every batch; a batch that NATS knows already counts as stored.
// On an error some batches may have been stored: the caller tells its client to retry, and what a retry brings again is stored once.
// A small batch that is a call's only one may share its message with those of other calls (group.go), for which it waits at most Config.GroupDelay,
// and not at all where no other of its tenant and signal is on its way.
//
// fault.Overloaded: a stream is full. fault.Unavailable: no acknowledgement (NATS down, stream missing, timeout).
// fault.TooLarge: a batch exceeds MaxPayload, which may be less than it was when the batch was cut: see Recut. The payloads are not kept after the return.
func (p *Publisher) Publish(ctx context.Context, batches []telemetry.Batch) (out Published, err error) {
	start := time.Now()
	if len(batches) == 1 && p.groups.take(&batches[0]) {
		if out, err = p.groups.publish(ctx, batches); err != nil {
			return Published{}, p.failed(ctx, batches, err)
		}
		p.bus.metrics.Duration.Record(ctx, time.Since(start).Seconds())
		return out, nil
	}
	for from := 0; from < len(batches); from += publishWave {
		wave := batches[from:min(from+publishWave, len(batches))]
		err := p.publishWave(ctx, wave, &out)
		if err != nil {
			return Published{}, p.failed(ctx, batches[from:], err)
		}
	}
	p.bus.metrics.Duration.Record(ctx, time.Since(start).Seconds())
	return out, nil
}

// failed counts batches that were not stored for err, and says so.
func (p *Publisher) failed(ctx context.Context, batches []telemetry.Batch, err error) error {
	p.bus.metrics.Failed.Add(ctx, int64(len(batches)), metric.WithAttributes(
		attribute.String("signal", batches[0].Signal.String()), attribute.String("class", fault.ClassOf(err).String())))
	return fmt.Errorf("publish %d batches: %w", len(batches), err)
}

// Close waits for groups whose senders have left, at most four times Config.PublishTimeout (group.go says why), and frees the compressors. Call it after the last Publish has returned.
func (p *Publisher) Close() {
	p.groups.flying.Wait()
	p.coder.close()
}

// sent is one message on its way.
type sent struct {
	future  jetstream.PubAckFuture
	at      time.Time
	scratch *[]byte
	bytes   int
}

func (p *Publisher) publishWave(ctx context.Context, wave []telemetry.Batch, out *Published) (err error) {
	if err := p.flight.Acquire(ctx, int64(len(wave))); err != nil {
		return errInFlight.Wrap(err, "too many batches wait for the queue; retry later")
	}
	defer p.flight.Release(int64(len(wave)))

	flying := make([]sent, 0, len(wave))
	for i := range wave {
		s, sendErr := p.send(wave[i:i+1], nil)
		if sendErr != nil {
			err = sendErr
			break
		}
		flying = append(flying, s)
	}
	// Every acknowledgement is awaited, also after an error: only then are the buffers free. nats.go bounds each wait by PublishTimeout
	// and by the connection's state.
	for i := range flying {
		ack, ackErr := p.await(ctx, wave[i:i+1], &flying[i])
		if err = errors.Join(err, ackErr); ack == nil {
			continue
		}
		out.Position = max(out.Position, ack.Sequence)
		if p.recent.note(wave[i].ID()) || ack.Duplicate {
			out.Repeats += wave[i].Items
		}
	}
	return err
}

// send sends batches of one tenant and signal as one message. Several are a group, whose body appendPart has made.
func (p *Publisher) send(batches []telemetry.Batch, group []byte) (sent, error) {
	b := &batches[0]
	if err := p.bus.known(b.Signal); err != nil {
		return sent{}, err
	}
	payload := b.Payload
	if len(batches) > 1 {
		payload = group
	}
	scratch, _ := p.scratch.Get().(*[]byte)
	body, encoding := p.coder.encode(*scratch, payload)
	*scratch = body
	msg := &nats.Msg{Subject: Subject(b.Signal, b.Tenant), Data: body}
	if len(batches) > 1 {
		msg.Header = groupHeaders(batches, len(payload), encoding)
	} else {
		msg.Header = headers(b, encoding)
	}
	future, err := p.bus.js.PublishMsgAsync(msg)
	if err != nil {
		p.scratch.Put(scratch)
		return sent{}, classify(err, "publish")
	}
	return sent{future: future, at: time.Now(), scratch: scratch, bytes: len(body)}, nil
}

// await waits for what becomes of a message of batches.
func (p *Publisher) await(ctx context.Context, batches []telemetry.Batch, s *sent) (*jetstream.PubAck, error) {
	signal := batches[0].Signal
	ack, err := p.acknowledged(ctx, signal, s)
	if err != nil {
		p.bus.refused(ctx, signal, s, err)
		return nil, err
	}
	p.bus.took(signal)
	bySignal := p.bus.bySignal[signal]
	p.bus.metrics.Published.Add(ctx, int64(len(batches)), metric.WithAttributes(
		attribute.String("signal", signal.String()), attribute.Bool("duplicate", ack.Duplicate)))
	p.bus.metrics.Messages.Add(ctx, 1, bySignal)
	p.bus.metrics.Bytes.Add(ctx, int64(s.bytes), bySignal)
	return ack, nil
}

// acknowledged waits for what becomes of a batch. A stream that has no leader is not waited for: its sender is told within a second and a half.
func (p *Publisher) acknowledged(ctx context.Context, signal telemetry.Signal, s *sent) (*jetstream.PubAck, error) {
	patience := time.NewTimer(askAfter)
	defer patience.Stop()
	for {
		select {
		case ack := <-s.future.Ok():
			p.scratch.Put(s.scratch)
			return ack, nil
		case err := <-s.future.Err():
			p.scratch.Put(s.scratch)
			if errors.Is(err, jetstream.ErrNoStreamResponse) {
				if p.bus.cfg.Replicas > 1 {
					return nil, errNoLeader.Wrap(err, "the queue of "+signal.String()+" is choosing a new leader; retry")
				}
				p.bus.repair(ctx)
			}
			if api, ok := apiError(err); ok && api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum && s.bytes <= p.bus.MaxPayload() {
				p.bus.raise(ctx)
				return nil, errLimitChanged.Wrap(err, "the stream of "+signal.String()+" takes less than bus.max_message_bytes here; retry")
			}
			return nil, classify(err, "publish")
		case <-patience.C:
			if p.bus.leaderless(ctx, signal) {
				// nats.go may still hold the buffer: it is left to the garbage collector.
				return nil, errNoLeader.Newf("the queue of %s is choosing a new leader; retry", signal)
			}
			patience.Reset(askAfter)
		case <-ctx.Done():
			return nil, errAckTimeout.Wrap(context.Cause(ctx), "the queue did not acknowledge in time; retry")
		}
	}
}

// repair makes streams again that somebody deleted while the services run; the client's retry then finds them.
func (b *Bus) repair(ctx context.Context) {
	if err := b.EnsureStreams(ctx); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "streams are missing and cannot be made", slog.Any("error", err))
		return
	}
	b.log.LogAttrs(ctx, slog.LevelWarn, "streams were missing and have been made again")
}

// raise gives streams the largest message of this process again that somebody, or an earlier build, has lowered; the client's retry then fits.
func (b *Bus) raise(ctx context.Context) {
	if err := b.EnsureStreams(ctx); err != nil {
		b.seldom.Note(ctx, slog.LevelWarn, "streams take less than bus.max_message_bytes and cannot be changed", "", slog.Any("error", err))
		return
	}
	b.seldom.Note(ctx, slog.LevelWarn, "streams took less than bus.max_message_bytes and have been changed", "")
}
