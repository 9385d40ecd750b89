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

	fetch   sync.Mutex // one Fetch at a time
	request uint64     // number of the last pull request: the last token of its reply subject
	asked   *asked     // the one request that is not at its end; nil when there is none
	ready   bool       // the durable consumer is known to be as it is configured
	again   time.Time  // until then it is not asked for once more: nobody answered for the administration, and it is there
	moving  aside      // what cannot be opened
	note    func(context.Context, Delivery) error
}

// NoteBefore has note called before a message leaves the queue, whatever for: because all of it is stored, or is to be a dead letter, parked, or a probe that is
// nobody's. Where note fails, the message comes again. It is called with one of the message's batches, or none of a message that was not opened, and from any
// goroutine. It is to be set before the first Fetch.
func (c *Consumer) NoteBefore(note func(context.Context, Delivery) error) { c.note = note }

// asked is a pull request that is not at its end: the server may still bring messages for it, or the status that ends it. There is one at a
// time, so that what comes is what was asked for.
type asked struct {
	reply string          // the subject on which its end is told
	cut   <-chan struct{} // closed when the connection is lost that it was sent on
	batch int             // messages that it asks for …
	left  int             // … and that it may still bring
	ends  time.Time       // when the server ends it at the latest
	waits time.Time       // since when what it brings waits for a Fetch, because one returned before its end; zero while none did
}

// carried reports whether an earlier Fetch left the request.
func (a *asked) carried() bool { return !a.waits.IsZero() }

// over is when its end is no longer waited for. The server ends every request by a status; this is for a server that is gone.
func (a *asked) over() time.Time { return a.ends.Add(time.Second) }

// patience is for how long a Fetch that waits until then for a first batch waits for what the request brings.
func (a *asked) patience(until time.Time) time.Duration {
	if !a.carried() {
		return time.Until(a.over())
	}
	return min(time.Until(until), max(time.Until(a.over()), time.Second))
}

// maxFetch bounds the messages of one Fetch, and with it the queue between nats.go and Fetch.
const maxFetch = 4096

// ratio is how much smaller than its payload a batch is taken to be on the bus, where bytes are counted compressed. It only says how much is
// asked for: what is decompressed is bounded by what comes out.
const ratio = 6

// leastPull is for how many bytes is asked at least: any batch of several items, headers included (ingest cuts by a MiB), whatever it compresses
// to. Only a single large item may be larger, and is asked for by itself. What is asked for and not fetched waits in the memory of the writer,
// which counts what it fetched only.
const leastPull = 1<<20 + headerRoom

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
		moving:  aside{places: make(chan struct{}, asideAtOnce)},
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
// about maxBytes bytes (decompressed: at most one message more of either, and never less than one). What else the bus has sent by then, a sixth of maxBytes or 1 MiB,
// stays compressed, for the next Fetch, which gives it back where it comes later than half of Config.AckWait. No batch in time is an empty
// result, not an error; while there are batches none is empty. Payloads are decompressed and belong to the caller. A message that is no
// batch is dead-lettered and not returned; one of a newer version is parked, for a newer writer. Neither
// is waited for.
//
// Every delivery must be settled, also those returned together with an error. fault.Unavailable: NATS is down or the stream missing;
// call again after a pause.
func (c *Consumer) Fetch(ctx context.Context, maxMessages, maxBytes int, wait time.Duration) ([]Delivery, error) {
	c.fetch.Lock()
	defer c.fetch.Unlock()
	// Where nobody answers for the administration, as while servers choose who leads it, the consumer may well be there: it is asked all the same.
	unsure := c.ensure(ctx)
	if unsure != nil && (fault.ClassOf(unsure) != fault.Unavailable || !c.bus.nc.IsConnected()) {
		return nil, unsure
	}
	f := &fetching{
		Consumer: c, until: time.Now().Add(max(wait, soon)), maxMessages: min(max(maxMessages, 1), maxFetch), maxBytes: maxBytes,
	}
	c.giveBackStale()
	err := f.run(ctx)
	if unsure != nil {
		if err != nil {
			err = unsure
		} else {
			c.again = time.Now().Add(ensureAgain)
		}
	}
	if c.asked != nil && !c.asked.carried() {
		c.asked.waits = time.Now()
	}
	return f.out, err
}

// ensureAgain is how long a Consumer whose durable consumer is there, and may be as an earlier configuration had it, waits before it asks the administration
// again, which did not answer: each time may cost its Fetch two seconds.
const ensureAgain = 5 * time.Second

// soon is the least time to wait for a message.
const soon = 10 * time.Millisecond

// fetching is one Fetch.
type fetching struct {
	*Consumer
	until                 time.Time // when an empty result is one
	maxMessages, maxBytes int

	single bool // the next request is for one batch, of any size
	behind bool // what moves messages aside does not keep up
	out    []Delivery
	size   int // of their payloads
}

// done reports whether there is nothing more to wait for.
func (f *fetching) done() bool { return len(f.out) > 0 || time.Until(f.until) < soon }

// run fills out.
func (f *fetching) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for armed := (*asked)(nil); ; {
		if f.asked == nil {
			if err := f.pull(); err != nil {
				return err
			}
		}
		if armed != f.asked {
			armed = f.asked
			timer.Reset(armed.patience(f.until))
		}
		var end bool
		var err error
		select {
		case msg, ok := <-f.msgs:
			if !ok {
				return errClosed.New("the connection to the queue is closed")
			}
			if status := msg.Header.Get("Status"); status != "" && len(msg.Data) == 0 {
				if msg.Subject != f.asked.reply || status == "100" {
					continue // of an earlier request, or a heartbeat
				}
				end, err = f.ended(ctx, status, msg.Header.Get("Description"))
			} else {
				end = f.take(ctx, msg)
			}
		case <-timer.C:
			if !time.Now().Before(f.asked.over()) {
				f.asked = nil
			}
			end = f.done()
			armed = nil
		case <-f.asked.cut:
			if len(f.msgs) > 0 {
				continue // they came before
			}
			if !f.asked.carried() {
				end, err = true, ErrDisconnected.Newf("fetch %s: the connection to NATS was lost", f.signal) // and the request with it
			} else {
				end = len(f.out) > 0
			}
			f.asked = nil
		case <-ctx.Done():
			return fmt.Errorf("fetch %s: %w", f.signal, ctx.Err())
		}
		if end || err != nil {
			return err
		}
	}
}

// pull asks for what this Fetch may still bring.
func (f *fetching) pull() error {
	left := max(time.Until(f.until), soon)
	p := pull{Batch: f.maxMessages, MaxBytes: max(f.maxBytes/ratio, leastPull), Expires: left, NoWait: true}
	if f.single {
		p = pull{Batch: 1, Expires: left}
	}
	f.single = false
	return f.ask(p)
}

// take takes a message, and reports whether the Fetch is at its end.
func (f *fetching) take(ctx context.Context, msg *nats.Msg) (end bool) {
	for _, d := range f.deliveries(ctx, msg) {
		f.out = append(f.out, d)
		f.size += len(d.Payload)
	}
	if f.asked.left--; f.asked.left <= 0 {
		f.asked = nil // the server ends a request that has all its messages without a word
		return f.done()
	}
	return len(f.out) >= f.maxMessages || len(f.out) > 0 && f.size >= f.maxBytes
}

// ended takes the end of the request, and reports whether it is that of the Fetch.
func (f *fetching) ended(ctx context.Context, status, description string) (end bool, _ error) {
	request := f.asked
	f.asked = nil
	if err := f.status(ctx, status, description); err != nil || f.done() {
		return true, err
	}
	switch {
	case request.carried() || request.left < request.batch:
		return false, nil // what it brought was another Fetch's, or no batch: there may be more
	case status == "404":
		f.single = true // a server may end such a request at once where there is nothing (no_wait); then one message is waited for
		return false, nil
	case status == "409" && strings.Contains(strings.ToLower(description), "exceeds maxbytes"):
		f.single = true // the next message is larger than what was asked for
		return false, nil
	}
	return true, nil
}

// ask sends a pull request.
func (c *Consumer) ask(p pull) error {
	c.request++
	a := &asked{
		reply: c.inbox + "." + strconv.FormatUint(c.request, 10), cut: c.bus.link.next(),
		batch: p.Batch, left: p.Batch, ends: time.Now().Add(p.Expires),
	}
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", c.signal, err)
	}
	if err := c.bus.nc.PublishRequest(c.subject, a.reply, body); err != nil {
		return classify(err, "fetch "+c.signal.String())
	}
	c.asked = a
	return nil
}

// giveBackStale gives back what waited so long for this Fetch that the bus would soon deliver it again by itself: nobody tells the bus
// that it is being worked on, and a caller may take as long again for the first sign of life.
func (c *Consumer) giveBackStale() {
	if c.asked == nil || !c.asked.carried() {
		return
	}
	waited := time.Since(c.asked.waits)
	if waited < c.bus.cfg.AckWait/2 {
		return
	}
	c.asked = nil
	c.giveBack(waited < c.bus.cfg.AckWait)
}

// giveBack empties the queue, and gives the messages in it back to the bus where they are ours: after AckWait another may have them, and the bus
// does not ask whose word it is.
func (c *Consumer) giveBack(ours bool) {
	for {
		select {
		case msg := <-c.msgs:
			if msg == nil {
				return // the connection is closed
			}
			if ours && msg.Header.Get("Status") == "" {
				_ = msg.Nak() // without a connection the redelivery comes after AckWait
			}
		default:
			return
		}
	}
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
	c.ready, c.again = false, time.Time{}
	c.bus.log.LogAttrs(ctx, slog.LevelWarn, "consumer lost", slog.String("signal", c.signal.String()),
		slog.String("status", status), slog.String("description", description))
	return errConsumerLost.Newf("the consumer of %s is gone (%s %s)", c.signal, status, description)
}

// ensure makes the durable consumer, and the streams where they are missing too.
func (c *Consumer) ensure(ctx context.Context) error {
	if c.ready || time.Now().Before(c.again) {
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

// deliveries opens a message. One that cannot be opened is dead-lettered, or parked for a newer writer, and there are none.
func (f *fetching) deliveries(ctx context.Context, msg *nats.Msg) []Delivery {
	meta, err := msg.Metadata()
	if err != nil {
		f.bus.seldom.Note(ctx, slog.LevelWarn, "message that no stream sent", "", slog.String("subject", msg.Subject), slog.Any("error", err))
		return nil
	}
	if msg.Header.Get(HeaderProbe) != "" {
		probe := deliver(f.bus, f.signal, msg, meta, []telemetry.Batch{{Signal: f.signal}})[0]
		probe.state.note, probe.state.probe = f.note, true
		f.moveAside(ctx, probe, nil) // else it comes again
		return nil
	}
	batches, err := f.coder.open(f.signal, msg.Subject, msg.Header, msg.Data)
	if err != nil {
		batches = []telemetry.Batch{{Signal: f.signal}}
	}
	out := deliver(f.bus, f.signal, msg, meta, batches)
	out[0].state.note = f.note // of all, which share it
	f.bus.metrics.Delivered.Add(ctx, int64(len(out)), f.bus.bySignal[f.signal])
	if meta.NumDelivered > 1 {
		f.bus.metrics.Redelivery.Add(ctx, int64(len(out)), f.bus.bySignal[f.signal])
	}
	if err != nil {
		f.moveAside(ctx, out[0], err)
		return nil
	}
	return out
}

// moveAside settles a message that cannot be opened, or is a probe.
func (f *fetching) moveAside(ctx context.Context, d Delivery, err error) {
	settle := func(ctx context.Context, err error) {
		if err := d.Settle(ctx, err); err != nil {
			f.bus.seldom.Note(ctx, slog.LevelWarn, "settle a message that cannot be read", fault.From(err).Code, slog.Any("error", err))
		}
	}
	patience := asidePatience
	if f.behind {
		patience = 0
	}
	outlives := context.WithoutCancel(ctx) // each moving has a bound of its own
	if f.behind = !f.moving.run(patience, func() { settle(outlives, err) }); f.behind {
		settle(ctx, errStalled.New("too many messages are being moved aside; later"))
	}
}

// asideAtOnce is how many messages of one signal are moved to another stream side by side: one waits for its acknowledgement, a flood must not wait for
// each in turn.
const asideAtOnce = 64

// asidePatience is how long a place among them is waited for, once a fetch: where the other stream is slow, its messages come again later,
// and the batches beside them do not wait.
const asidePatience = 250 * time.Millisecond

// aside runs what moves messages elsewhere.
type aside struct {
	running sync.WaitGroup
	places  chan struct{}
}

// run runs move in the background. It reports whether a place came free in time; else move is not run.
func (a *aside) run(patience time.Duration, move func()) bool {
	select {
	case a.places <- struct{}{}:
	default:
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case a.places <- struct{}{}:
		case <-timer.C:
			return false
		}
	}
	a.running.Go(func() {
		defer func() { <-a.places }()
		move()
	})
	return true
}

// Close ends the subscription, gives back at once what arrived and was not fetched, and waits for what is being moved aside, at most
// Config.PublishTimeout. Deliveries already fetched can still be settled.
func (c *Consumer) Close() {
	c.fetch.Lock()
	defer c.fetch.Unlock()
	_ = c.sub.Unsubscribe() // fails only when the connection is closed already
	c.giveBack(true)
	c.moving.running.Wait()
	c.coder.close()
}
