package bus

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
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
	Position uint64    // stream sequence; the same at every delivery of the batch
	Attempts int       // 1 at the first delivery
	Stored   time.Time // when its stream took it; the same at every delivery

	state *delivery
}

type delivery struct {
	bus     *Bus
	msg     *nats.Msg
	signal  telemetry.Signal
	stored  time.Time
	settled atomic.Bool
}

// Settle ends the delivery. By err's class:
//   - nil: the batch is in the database; it leaves the queue.
//   - fault.Invalid, fault.TooLarge: it can never be written; it goes to the dead letters with the reason, and leaves the queue when they have it.
//     Where the bus takes no message as large any more, its body is lost, and counted so.
//   - fault.Unavailable, fault.Overloaded (and a context that ended): not the batch's fault; it comes again after a growing delay, for ever.
//   - anything else: it comes again after a growing delay, and is a dead letter after Config.MaxAttempts, or at once when many wait so.
//
// A delivery is settled once; a second call returns an error and changes nothing. When Settle itself fails, the batch comes again after
// Config.AckWait: the ledger then knows whether it was written.
func (d Delivery) Settle(ctx context.Context, err error) error {
	if d.state.settled.Swap(true) {
		return errSettledTwice.Newf("batch %s was settled already", d.ID())
	}
	outcome, settleErr := d.state.settle(ctx, err, d.Position, d.Attempts)
	d.state.bus.metrics.Settled.Add(ctx, 1, metric.WithAttributes(
		attribute.String("signal", d.state.signal.String()), attribute.String("outcome", outcome)))
	if settleErr != nil {
		return classify(settleErr, "settle batch "+d.ID().String())
	}
	return nil
}

// InProgress tells the bus that the batch is still being worked on: its AckWait starts anew.
func (d Delivery) InProgress() error {
	if d.state.settled.Load() {
		return nil
	}
	if err := d.state.msg.InProgress(); err != nil {
		return classify(err, "keep batch "+d.ID().String())
	}
	return nil
}

func (d *delivery) settle(ctx context.Context, err error, position uint64, attempts int) (outcome string, _ error) {
	if err == nil {
		return "ack", d.msg.Ack()
	}
	f := fault.From(err)
	switch {
	case errNewerEnvelope.Matches(err):
		return d.park(ctx, position, attempts)
	case f.Class == fault.Unavailable, f.Class == fault.Overloaded:
		return "retry", d.msg.NakWithDelay(retryDelay(attempts))
	case f.Class == fault.Internal, f.Class == fault.NotFound:
		if wait := retryDelay(attempts); attempts < d.bus.cfg.MaxAttempts && d.bus.waiting[d.signal].take(time.Now(), wait) {
			return "retry", d.msg.NakWithDelay(wait)
		}
	}
	return d.bury(ctx, f, position, attempts)
}

// bury makes the message a dead letter.
func (d *delivery) bury(ctx context.Context, f *fault.Error, position uint64, attempts int) (outcome string, _ error) {
	subject, headers := d.deadLetter(f, position, attempts)
	err := d.bus.storeDead(ctx, &nats.Msg{Subject: subject, Header: headers, Data: d.msg.Data})
	if errMessageTooLarge.Matches(err) {
		// It came when a message could be larger, and would be too large every time. What was wrong with which batch is kept, and that its body is not.
		if err = d.bus.storeDead(ctx, &nats.Msg{Subject: subject, Header: d.withoutBody(headers)}); err == nil {
			d.bus.lost(ctx, 1, "larger than a message may be: only what it was")
		}
	}
	if errMessageTooLarge.Matches(err) || err != nil && strings.HasSuffix(subject, "."+string(strayTenant)) {
		// No try will ever store it; or nobody was told that this was taken: rather than that it holds a place of others', it goes, counted.
		d.bus.lost(ctx, 1, "the bus cannot store it")
		return "lost", d.msg.Term()
	}
	if err != nil {
		// Not in the dead letters, so it must not leave the queue.
		_ = d.msg.NakWithDelay(retryDelay(attempts))
		return "retry", err
	}
	d.bus.seldom.Note(ctx, slog.LevelError, "batch dead-lettered", f.Code, slog.String("subject", d.msg.Subject), slog.Uint64("position", position),
		slog.Int("attempts", attempts), slog.Any("error", f))
	return "dead", d.msg.Term()
}

// withoutBody is the headers h of a dead letter that has no body: which batch it was, what was wrong with it, and how large the body was.
func (d *delivery) withoutBody(h nats.Header) nats.Header {
	out := nats.Header{HeaderDeadSize: {strconv.Itoa(len(d.msg.Data))}}
	for _, name := range []string{
		HeaderID, HeaderSubject, HeaderSchema, HeaderRequest, HeaderOrdinals, HeaderTenant, HeaderConnection, HeaderReceived, HeaderItems,
		HeaderDeadReason, HeaderDeadCode, HeaderDeadClass, HeaderDeadAttempts, HeaderDeadPosition,
	} {
		if value := first(h, name); value != "" && len(value) <= headerLimit {
			out[name] = []string{value}
		}
	}
	return out
}

// deadLetter is the subject and the headers of the message as a dead letter: all its own, and the reason.
func (d *delivery) deadLetter(f *fault.Error, position uint64, attempts int) (subject string, h nats.Header) {
	h, tenant := d.moved(position)
	h.Set(HeaderDeadReason, headerText(f.Error()))
	h.Set(HeaderDeadCode, headerText(f.Code))
	h.Set(HeaderDeadClass, f.Class.String())
	h.Set(HeaderDeadAttempts, strconv.Itoa(attempts))
	h.Set(HeaderDeadPosition, strconv.FormatUint(position, 10))
	return DeadSubject(d.signal, tenant), h
}

// moved is the message's headers for another stream, and the tenant it is of: strayTenant where it names none.
func (d *delivery) moved(position uint64) (nats.Header, telemetry.Tenant) {
	h := make(nats.Header, len(d.msg.Header)+8)
	for name, values := range d.msg.Header {
		if !strings.HasPrefix(name, "Nats-") {
			h[name] = values
		}
	}
	// The batch id stays readable. With its stream, position and moment it is unique, so that JetStream takes none for a repeat of another: the same
	// batch may fail again after a resend, a message may have no id, and a stream that was made anew counts from one again.
	h.Set(HeaderID, fmt.Sprintf("%s-%s-%d-%d", headerText(first(d.msg.Header, HeaderID)), d.signal, position, d.stored.UnixNano()))
	h.Set(HeaderSubject, d.msg.Subject)
	tenant, err := telemetry.ParseTenant(first(d.msg.Header, HeaderTenant))
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
