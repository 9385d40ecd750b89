package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Consumer takes batches of one signal from the durable consumer that all writers share. Each delivery goes to one writer, and comes
// again, to any of them, when it is not settled in time.
type Consumer struct {
	bus     *Bus
	signal  telemetry.Signal
	coder   *coder
	subject string // of pull requests
	inbox   string
	sub     *nats.Subscription
	msgs    chan *nats.Msg

	fetch   sync.Mutex      // one Fetch at a time
	request uint64          // number of the last pull request: the last token of its reply subject
	open    string          // the request that Fetch left before its end; "" when there is none
	cut     <-chan struct{} // closed when the connection is lost that the last request was sent on
	left    int             // messages that the last request may still bring
	ready   bool            // the durable consumer is known to exist
}

// maxFetch bounds the messages of one Fetch, and with it the queue between nats.go and Fetch.
const maxFetch = 4096

// ratio is how much smaller than its payload a batch is taken to be on the bus, where bytes are counted compressed. It only says how much is
// asked for: what is decompressed is bounded by what comes out.
const ratio = 6

// Consumer makes a Consumer of a signal. The durable consumer itself is made, and made again when lost, by Fetch, so that it need
// not exist, nor NATS be up, when this is called.
func (b *Bus) Consumer(_ context.Context, signal telemetry.Signal) (*Consumer, error) {
	coder, err := newCoder("none")
	if err != nil {
		return nil, err
	}
	c := &Consumer{
		bus: b, signal: signal, coder: coder,
		subject: "$JS.API.CONSUMER.MSG.NEXT." + StreamName(signal) + "." + consumerName,
		inbox:   b.nc.NewInbox(),
		msgs:    make(chan *nats.Msg, 2*maxFetch),
	}
	if c.sub, err = b.nc.ChanSubscribe(c.inbox+".*", c.msgs); err != nil {
		coder.close()
		return nil, classify(err, "subscribe to deliveries")
	}
	return c, nil
}

// pull is the body of a JetStream pull request. NoWait together with Expires means: wait up to Expires for the first message, then
// give what there is and end the request.
type pull struct {
	Batch    int           `json:"batch"`
	MaxBytes int           `json:"max_bytes,omitempty"`
	Expires  time.Duration `json:"expires"`
	NoWait   bool          `json:"no_wait,omitempty"`
}

// Fetch waits up to wait for a first batch and returns it with those that are there already, at most maxMessages batches and
// about maxBytes bytes (decompressed: at most one batch more, and never less than one). What else the bus has sent by then stays compressed, for
// the next Fetch. No batch in time is an empty result, not an error. Payloads are decompressed and belong to the caller. A message that is no
// batch is dead-lettered here and not returned; one of a newer version is parked, for a newer writer.
//
// Every delivery must be settled, also those returned together with an error. fault.Unavailable: NATS is down or the stream missing;
// call again after a pause.
func (c *Consumer) Fetch(ctx context.Context, maxMessages, maxBytes int, wait time.Duration) ([]Delivery, error) {
	c.fetch.Lock()
	defer c.fetch.Unlock()
	wait = max(wait, 10*time.Millisecond)
	maxMessages = min(max(maxMessages, 1), maxFetch)
	if err := c.ensure(ctx); err != nil {
		return nil, err
	}
	until, cut := time.Now().Add(wait), c.bus.link.next()
	reply := c.open // the request before is not at its end: what it brings comes first
	if reply != "" {
		select {
		case <-c.cut: // it went with its connection
			reply = ""
		default:
			cut = c.cut
		}
	}
	if reply == "" {
		var err error
		sent := max(maxBytes/ratio, c.bus.cfg.MaxMessageBytes+headerRoom)
		if reply, err = c.ask(pull{Batch: maxMessages, MaxBytes: sent, Expires: wait, NoWait: true}); err != nil {
			return nil, err
		}
		c.left = maxMessages
	}
	c.open, c.cut = "", cut
	// The server ends every request by a status; the timer is for a server that is gone.
	timer := time.NewTimer(wait + time.Second)
	defer timer.Stop()
	var out []Delivery
	single := false
	size := 0
	var moving aside // what cannot be opened; all of it is settled when Fetch returns
	defer moving.wait()
	for {
		select {
		case msg, ok := <-c.msgs:
			if !ok {
				return out, errClosed.New("the connection to the queue is closed")
			}
			if status := msg.Header.Get("Status"); status != "" && len(msg.Data) == 0 {
				if msg.Subject != reply || status == "100" {
					continue // of an earlier request, or a heartbeat
				}
				// A server may end such a request at once where there is nothing (no_wait); then one message is waited for.
				if left := time.Until(until); status == "404" && len(out) == 0 && left > 10*time.Millisecond {
					var err error
					if reply, err = c.ask(pull{Batch: 1, Expires: left}); err != nil {
						return nil, err
					}
					single = true
					continue
				}
				return out, c.status(ctx, status, msg.Header.Get("Description"))
			}
			c.left--
			if d, ok := c.delivery(ctx, msg, &moving); ok {
				out = append(out, d)
				size += len(d.Payload)
			}
			switch {
			case c.left <= 0 || single:
				return out, nil
			case len(out) >= maxMessages || size >= maxBytes:
				c.open = reply
				return out, nil
			}
		case <-timer.C:
			return out, nil
		case <-cut:
			return out, ErrDisconnected.Newf("fetch %s: the connection to NATS was lost", c.signal) // and the request with it
		case <-ctx.Done():
			return out, fmt.Errorf("fetch %s: %w", c.signal, ctx.Err())
		}
	}
}

// ask sends a pull request and returns the subject on which its end will be told.
func (c *Consumer) ask(p pull) (reply string, err error) {
	c.request++
	reply = c.inbox + "." + strconv.FormatUint(c.request, 10)
	body, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", c.signal, err)
	}
	if err := c.bus.nc.PublishRequest(c.subject, reply, body); err != nil {
		return "", classify(err, "fetch "+c.signal.String())
	}
	return reply, nil
}

// status says what the end of a pull request means: nil where it only ran out of messages, time or bytes.
func (c *Consumer) status(ctx context.Context, status, description string) error {
	switch {
	case status == "404", status == "408":
		return nil
	case status == "409" && !strings.Contains(strings.ToLower(description), "deleted"):
		return nil // byte limit reached, leadership change, too many waiting requests: the next request finds out
	}
	// 503 no responders, or the consumer is gone.
	c.ready = false
	c.bus.log.LogAttrs(ctx, slog.LevelWarn, "consumer lost", slog.String("signal", c.signal.String()),
		slog.String("status", status), slog.String("description", description))
	return errConsumerLost.Newf("the consumer of %s is gone (%s %s)", c.signal, status, description)
}

// ensure makes the durable consumer, and the streams where they are missing too.
func (c *Consumer) ensure(ctx context.Context) error {
	if c.ready {
		return nil
	}
	err := c.bus.ensureConsumer(ctx, c.signal)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = c.bus.EnsureStreams(ctx); err == nil {
			err = c.bus.ensureConsumer(ctx, c.signal)
		}
	}
	if err != nil {
		return classify(err, "ensure the consumer of "+c.signal.String())
	}
	c.ready = true
	return nil
}

func (b *Bus) ensureConsumer(ctx context.Context, signal telemetry.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, min(b.cfg.RequestTimeout, 2*time.Second)) // soon again, where a leader is being chosen
	defer cancel()
	_, err := b.js.CreateOrUpdateConsumer(ctx, StreamName(signal), jetstream.ConsumerConfig{
		Durable:       consumerName,
		Description:   "all writers",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       b.cfg.AckWait,
		MaxDeliver:    -1, // Settle counts attempts: the server would drop silently
		MaxAckPending: b.cfg.MaxAckPending,
		MaxWaiting:    512,
	})
	return err
}

// delivery opens a message; one that cannot be opened is dead-lettered, or parked for a newer writer, and not ok.
func (c *Consumer) delivery(ctx context.Context, msg *nats.Msg, moving *aside) (Delivery, bool) {
	meta, err := msg.Metadata()
	if err != nil {
		c.bus.seldom.Note(ctx, slog.LevelWarn, "message that no stream sent", "", slog.String("subject", msg.Subject), slog.Any("error", err))
		return Delivery{}, false
	}
	d := Delivery{
		Position: meta.Sequence.Stream,
		Attempts: int(meta.NumDelivered), //nolint:gosec // a delivery count
		state:    &delivery{bus: c.bus, msg: msg, signal: c.signal, stored: meta.Timestamp},
	}
	if msg.Header.Get(HeaderProbe) != "" {
		_ = msg.Ack() // else it comes again
		return Delivery{}, false
	}
	attr := metric.WithAttributes(attribute.String("signal", c.signal.String()))
	c.bus.metrics.Delivered.Add(ctx, 1, attr)
	if d.Attempts > 1 {
		c.bus.metrics.Redelivery.Add(ctx, 1, attr)
	}
	d.Batch, err = c.coder.open(c.signal, msg.Subject, msg.Header, msg.Data)
	if err == nil {
		return d, true
	}
	moving.run(func() {
		if err := d.Settle(ctx, err); err != nil {
			c.bus.seldom.Note(ctx, slog.LevelWarn, "settle a message that cannot be read", fault.From(err).Code, slog.Any("error", err))
		}
	})
	return Delivery{}, false
}

// asideAtOnce is how many messages are moved to another stream side by side: one waits for its acknowledgement, a flood must not wait for
// each in turn.
const asideAtOnce = 64

// aside runs what moves messages elsewhere.
type aside struct {
	running sync.WaitGroup
	places  chan struct{}
}

func (a *aside) run(move func()) {
	if a.places == nil {
		a.places = make(chan struct{}, asideAtOnce)
	}
	a.places <- struct{}{}
	a.running.Go(func() {
		defer func() { <-a.places }()
		move()
	})
}

func (a *aside) wait() { a.running.Wait() }

// Close ends the subscription and gives back at once what arrived and was not fetched. Deliveries already fetched can still be settled.
func (c *Consumer) Close() {
	c.fetch.Lock()
	defer c.fetch.Unlock()
	_ = c.sub.Unsubscribe() // fails only when the connection is closed already
	for {
		select {
		case msg := <-c.msgs:
			if msg != nil && msg.Header.Get("Status") == "" {
				_ = msg.Nak() // without a connection the redelivery comes after AckWait
				continue
			}
			if msg != nil {
				continue
			}
		default:
		}
		break
	}
	c.coder.close()
}
