package bus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Delivery is one batch given to this writer. It ends in exactly one Settle.
type Delivery struct {
	telemetry.Batch
	Position uint64    // stream sequence of its message; the same at every delivery of the batch
	Attempts int       // 1 at the first delivery
	Stored   time.Time // when its stream took it; the same at every delivery

	// Shared is whether the message holds other batches too, each a delivery of its own with the same Position. Before is how many items those
	// before it hold, so that Position and the number of an item in the message tell it from all others. It is the same at every delivery.
	Shared bool
	Before int

	state   *delivery
	settled *atomic.Bool
}

// delivery is a message, whose batches are settled one by one and it by what became of all.
type delivery struct {
	bus      *Bus
	msg      *nats.Msg
	signal   telemetry.Signal
	stored   time.Time
	position uint64
	attempts int
	note     func(context.Context, Delivery) error // Consumer.NoteBefore
	kept     atomic.Int64                          // when the bus was told last that it is being worked on, Unix ns

	probe   bool // nobody's telemetry, and counted nowhere
	batches int
	mu      sync.Mutex
	left    int       // batches that are not settled
	again   bool      // some are to come again, for what is nobody's fault
	own     []refused // that fail by themselves, and may come again
	never   []refused // that never can be written
}

// refused is a batch that is not to be stored, and why.
type refused struct {
	Delivery
	reason *fault.Error
}

// deliver is a message as what it holds.
func deliver(bus *Bus, signal telemetry.Signal, msg *nats.Msg, meta *nats.MsgMetadata, batches []telemetry.Batch) []Delivery {
	state := &delivery{
		bus: bus, msg: msg, signal: signal, stored: meta.Timestamp, position: meta.Sequence.Stream,
		attempts: int(meta.NumDelivered), batches: len(batches), left: len(batches), //nolint:gosec // a delivery count
	}
	settled := make([]atomic.Bool, len(batches))
	out := make([]Delivery, len(batches))
	before := 0
	for i, b := range batches {
		out[i] = Delivery{
			Batch: b, Position: state.position, Attempts: state.attempts, Stored: state.stored,
			Shared: len(batches) > 1, Before: before, state: state, settled: &settled[i],
		}
		before += b.Items
	}
	return out
}

// Settle ends the delivery. By err's class:
//   - nil: the batch is in the database; it leaves the queue.
//   - fault.Invalid, fault.TooLarge: it can never be written; it goes to the dead letters with the reason, and leaves the queue when they have it.
//     Where the bus takes no message as large any more, its body is lost, and counted so.
//   - fault.Unavailable, fault.Overloaded (and a context that ended): not the batch's fault; it comes again after a growing delay, for ever.
//   - anything else: it comes again after a growing delay, and is a dead letter after Config.MaxAttempts, or at once when many wait so.
//
// What shares a message is settled together, once the last of it is: where any of it is to come again, all of it does, and those that are in the
// database by then are known to the ledger; else each that cannot be written is a dead letter by itself, and its neighbours are none.
//
// A delivery is settled once; a second call returns an error and changes nothing. When Settle itself fails, the batch comes again after
// Config.AckWait: the ledger then knows whether it was written.
func (d Delivery) Settle(ctx context.Context, err error) error {
	if d.settled.Swap(true) {
		return errSettledTwice.Newf("batch %s was settled already", d.ID())
	}
	if err := d.state.settle(ctx, d, err); err != nil {
		return classify(err, "settle batch "+d.ID().String())
	}
	return nil
}

// InProgress tells the bus that the batch is still being worked on: its AckWait starts anew. For what shares a message, once is enough.
func (d Delivery) InProgress() error {
	if d.settled.Load() {
		return nil
	}
	now := time.Now().UnixNano()
	if d.Shared && now-d.state.kept.Load() < int64(d.state.bus.cfg.AckWait/keptFor) {
		return nil
	}
	if err := d.state.msg.InProgress(); err != nil {
		return classify(err, "keep batch "+d.ID().String())
	}
	d.state.kept.Store(now) // what was told, and only that: a word that failed, or was spared, keeps no other from telling
	return nil
}

// keptFor is for which part of AckWait the word of one batch counts for the others of its message.
const keptFor = 8

// settle notes what became of a batch; with the last one, it settles the message.
func (d *delivery) settle(ctx context.Context, one Delivery, err error) error {
	if errNewerEnvelope.Matches(err) { // a message that was not opened
		if err := d.noted(ctx, one); err != nil {
			return err
		}
		outcome, err := d.park(ctx)
		d.count(ctx, outcome, 1)
		return err
	}
	d.mu.Lock()
	if err != nil {
		f := fault.From(err)
		switch f.Class {
		case fault.Unavailable, fault.Overloaded:
			d.again = true
		case fault.Internal, fault.NotFound:
			d.own = append(d.own, refused{one, f})
		case fault.Invalid, fault.TooLarge:
			d.never = append(d.never, refused{one, f})
		}
	}
	d.left--
	last := d.left == 0
	d.mu.Unlock()
	if !last {
		return nil
	}
	return d.end(ctx, one)
}

// noted is nil once it is noted that the message may leave the queue; else it comes again.
func (d *delivery) noted(ctx context.Context, one Delivery) error {
	if d.note == nil {
		return nil
	}
	err := d.note(ctx, one)
	if err != nil {
		d.count(ctx, "retry", d.batches)
		_ = d.msg.NakWithDelay(retryDelay(d.attempts))
	}
	return err
}

// end settles the message by what became of its batches, of which one was the last.
func (d *delivery) end(ctx context.Context, one Delivery) error {
	wait := retryDelay(d.attempts)
	again := d.again || len(d.own) > 0 && d.attempts < d.bus.cfg.MaxAttempts && d.bus.waiting[d.signal].take(time.Now(), wait)
	if again {
		d.count(ctx, "retry", d.batches)
		return d.msg.NakWithDelay(wait)
	}
	if err := d.noted(ctx, one); err != nil {
		return err
	}
	dead := slices.Concat(d.own, d.never)
	for _, one := range dead {
		outcome, err := d.bury(ctx, one)
		if err != nil {
			// Not in the dead letters, so it must not leave the queue. Those of its neighbours that are there already are the same letters next time.
			d.count(ctx, "retry", d.batches)
			_ = d.msg.NakWithDelay(wait)
			return err
		}
		d.count(ctx, outcome, 1)
	}
	d.count(ctx, "ack", d.batches-len(dead))
	if len(dead) > 0 {
		return d.msg.Term()
	}
	return d.msg.Ack()
}

// count counts settled batches.
func (d *delivery) count(ctx context.Context, outcome string, n int) {
	if n > 0 && !d.probe {
		d.bus.metrics.Settled.Add(ctx, int64(n), metric.WithAttributes(
			attribute.String("signal", d.signal.String()), attribute.String("outcome", outcome)))
	}
}

// bury makes a batch a dead letter: dead, or lost where nothing ever will. An error is that it is none yet.
func (d *delivery) bury(ctx context.Context, one refused) (outcome string, _ error) {
	own, body := d.alone(one)
	subject, headers := d.deadLetter(own, one.reason)
	err := d.bus.storeDead(ctx, &nats.Msg{Subject: subject, Header: headers, Data: body})
	if errMessageTooLarge.Matches(err) {
		// It came when a message could be larger, and would be too large every time. What was wrong with which batch is kept, and that its body is not.
		if err = d.bus.storeDead(ctx, &nats.Msg{Subject: subject, Header: withoutBody(headers, len(body))}); err == nil {
			d.bus.lost(ctx, 1, "larger than a message may be: only what it was")
		}
	}
	if errMessageTooLarge.Matches(err) || err != nil && strings.HasSuffix(subject, "."+string(strayTenant)) {
		// No try will ever store it; or nobody was told that this was taken: rather than that it holds a place of others', it goes, counted.
		d.bus.lost(ctx, 1, "the bus cannot store it")
		return "lost", nil
	}
	if err != nil {
		return "", err
	}
	d.bus.seldom.Note(ctx, slog.LevelError, "batch dead-lettered", one.reason.Code, slog.String("subject", d.msg.Subject), slog.Uint64("position", d.position),
		slog.Int("attempts", d.attempts), slog.Any("error", one.reason))
	return "dead", nil
}

// alone is the envelope and the body of a batch as a message of its own: the one that it came in, where nothing shares that.
func (d *delivery) alone(one refused) (nats.Header, []byte) {
	if !one.Shared {
		return d.msg.Header, d.msg.Data
	}
	body, encoding := (&coder{encoding: encodingS2}).encode(nil, one.Payload)
	return headers(&one.Batch, encoding), body
}

// withoutBody is the headers h of a dead letter that has no body: which batch it was, what was wrong with it, and how large the body was.
func withoutBody(h nats.Header, size int) nats.Header {
	out := nats.Header{HeaderDeadSize: {strconv.Itoa(size)}}
	for _, name := range []string{
		HeaderID, HeaderSubject, HeaderSchema, HeaderRequest, HeaderOrdinals, HeaderTenant, HeaderConnection, HeaderReceived, HeaderItems, HeaderParts,
		HeaderDeadReason, HeaderDeadCode, HeaderDeadClass, HeaderDeadAttempts, HeaderDeadPosition,
	} {
		if value := first(h, name); value != "" && len(value) <= headerLimit {
			out[name] = []string{value}
		}
	}
	return out
}

// deadLetter is the subject and the headers of a dead letter: all that a message has of its own, and the reason.
func (d *delivery) deadLetter(own nats.Header, f *fault.Error) (subject string, h nats.Header) {
	h, tenant := d.moved(own)
	h.Set(HeaderDeadReason, headerText(f.Error()))
	h.Set(HeaderDeadCode, headerText(f.Code))
	h.Set(HeaderDeadClass, f.Class.String())
	h.Set(HeaderDeadAttempts, strconv.Itoa(d.attempts))
	h.Set(HeaderDeadPosition, strconv.FormatUint(d.position, 10))
	return DeadSubject(d.signal, tenant), h
}

// moved is a message's headers for another stream, made of its own, and the tenant it is of: strayTenant where it names none.
func (d *delivery) moved(own nats.Header) (nats.Header, telemetry.Tenant) {
	h := make(nats.Header, len(own)+8)
	for name, values := range own {
		if !strings.HasPrefix(name, "Nats-") {
			h[name] = values
		}
	}
	// The batch id stays readable. With its stream, position and moment it is unique, so that JetStream takes none for a repeat of another: the same
	// batch may fail again after a resend, a message may have no id, and a stream that was made anew counts from one again.
	h.Set(HeaderID, fmt.Sprintf("%s-%s-%d-%d", headerText(first(own, HeaderID)), d.signal, d.position, d.stored.UnixNano()))
	h.Set(HeaderSubject, d.msg.Subject)
	tenant, err := telemetry.ParseTenant(first(own, HeaderTenant))
	if err != nil {
		tenant = strayTenant
	}
	return h, tenant
}

// headerLimit is how long a text may be in a header that we write, in bytes.
const headerLimit = 1024

// headerText makes a text fit for one header line: printable, bounded.
func headerText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > headerLimit {
		s = strings.ToValidUTF8(s[:headerLimit], "")
	}
	return s
}

// retryDelay grows from half a second to half a minute.
func retryDelay(attempts int) time.Duration {
	return min(500*time.Millisecond<<min(max(attempts-1, 0), 6), 30*time.Second)
}
