// Package bus is the JetStream bus between ingest and writer: stream, subject and header names, Publisher, Consumer, Delivery,
// dead letters, snapshots. It is the only importer of nats.go.
//
//	Publisher --otlp.<signal>.<tenant>--> OLLY_TRACES | OLLY_LOGS | OLLY_METRICS --durable "writer"--> Consumer --> Delivery.Settle
//	                                                                        Settle(Invalid) --dead.<signal>.<tenant>--> OLLY_DEAD
//	                                                        a newer version --parked.<version>.<signal>.<tenant>--> OLLY_PARKED
//
// A message holds one batch, or several small ones (group.go). A stream is a work queue: a message stays until a writer acknowledges it, and a full
// stream refuses new messages.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/instrument"
	"github.com/ollyscale/ollyscale/libs/seldom"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// DeadStream keeps what could not be written, with the reason in headers.
const DeadStream = "OLLY_DEAD"

// consumerName is the durable consumer that all writers share.
const consumerName = "writer"

// StreamName is the stream of a signal.
func StreamName(signal telemetry.Signal) string { return "OLLY_" + strings.ToUpper(signal.String()) }

// Subject is where batches of a signal and tenant are published.
func Subject(signal telemetry.Signal, tenant telemetry.Tenant) string {
	return "otlp." + signal.String() + "." + token(tenant)
}

// DeadSubject is where dead letters of a signal and tenant are published.
func DeadSubject(signal telemetry.Signal, tenant telemetry.Tenant) string {
	return "dead." + signal.String() + "." + token(tenant)
}

// Bus is one connection to NATS. It reconnects for ever; while it is down, every call fails with fault.Unavailable.
// Safe for concurrent use.
type Bus struct {
	cfg     Config
	log     *slog.Logger
	nc      *nats.Conn
	js      jetstream.JetStream
	meter   metric.Meter
	metrics instruments

	bySignal map[telemetry.Signal]metric.MeasurementOption // made once

	closed chan struct{} // closed by nats.go when the connection is gone for good

	ensure sync.Mutex // one EnsureStreams at a time
	seldom *seldom.Log
	reads  int // newest version of the envelope that this build reads

	waiting map[telemetry.Signal]*waiting // deliveries given back for a fault of their own

	deadMu   sync.Mutex    // one makes room at a time
	roomMade atomic.Uint64 // how often
	losses   losses

	outcomes outcomes
	ending   chan struct{}  // closed by Close: probes end
	probes   sync.WaitGroup // of streams that refuse
	link     link
}

// Connect makes a Bus. It does not wait for a server that is down or still starting: it goes on trying in the background, and
// Healthy says where it stands. An error is the configuration's fault. log and meter may be nil.
func Connect(ctx context.Context, cfg Config, log *slog.Logger, meter metric.Meter) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if meter == nil {
		meter = noop.Meter{}
	}
	b := &Bus{
		cfg: cfg, log: log, meter: meter, closed: make(chan struct{}), ending: make(chan struct{}), seldom: seldom.New(log, nil), reads: newestVersion,
		waiting: map[telemetry.Signal]*waiting{}, bySignal: map[telemetry.Signal]metric.MeasurementOption{},
	}
	for _, signal := range telemetry.Signals() {
		b.waiting[signal] = &waiting{most: max(cfg.MaxAckPending/ownFaultShare, 1)}
		b.bySignal[signal] = metric.WithAttributeSet(attribute.NewSet(attribute.String("signal", signal.String())))
	}
	b.link.cut = make(chan struct{})
	if err := instrument.Make(meter, &b.metrics); err != nil {
		return nil, fmt.Errorf("bus metrics: %w", err)
	}
	logCtx := context.WithoutCancel(ctx) // the connection outlives the call
	opts := []nats.Option{
		nats.Name("ollyscale"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 500*time.Millisecond),
		// Nothing is buffered while disconnected: a batch is refused at once instead of being sent after its client was told no.
		nats.ReconnectBufSize(-1),
		nats.Timeout(cfg.RequestTimeout),
		nats.PingInterval(5 * time.Second), // a peer that is gone without a word is known within a quarter of a minute
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			b.link.lost()
			if err == nil && nc.IsClosed() {
				return // by Close
			}
			b.log.LogAttrs(logCtx, slog.LevelWarn, "bus disconnected", slog.Any("error", err))
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.log.LogAttrs(logCtx, slog.LevelInfo, "bus connected", slog.String("server", settings.Redact(nc.ConnectedUrl())))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.LogAttrs(logCtx, slog.LevelWarn, "bus error", slog.Any("error", err))
		}),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
	}
	if cfg.InProcess != nil {
		opts = append(opts, nats.InProcessServer(cfg.InProcess))
	}
	if cfg.Credentials != "" {
		opts = append(opts, nats.UserCredentials(cfg.Credentials))
	}
	if cfg.CA != "" {
		opts = append(opts, nats.RootCAs(cfg.CA))
	}
	if cfg.Cert != "" {
		opts = append(opts, nats.ClientCert(cfg.Cert, cfg.Key))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to the bus: %w", err)
	}
	var err error
	if b.nc, err = nats.Connect(cfg.URL, opts...); err != nil {
		if _, malformed := errors.AsType[*url.Error](err); malformed { // it tells the URL, with the password
			err = errors.New("an address in bus.url cannot be read")
		}
		return nil, errConnect.Wrap(err, "connect to the bus: check bus.url and its credentials")
	}
	b.js, err = jetstream.New(b.nc,
		jetstream.WithDefaultTimeout(cfg.RequestTimeout),
		jetstream.WithPublishAsyncMaxPending(cfg.MaxInFlight),
		jetstream.WithPublishAsyncTimeout(cfg.PublishTimeout))
	if err != nil {
		b.nc.Close()
		return nil, fmt.Errorf("connect to the bus: %w", err)
	}
	return b, nil
}

// Close sends what is still in the buffers and closes the connection. Call it after the last Publish and Settle have returned.
func (b *Bus) Close() {
	close(b.ending)
	b.probes.Wait()
	if b.nc.IsConnected() {
		// Flush makes sure that the last acknowledgements have left; without a server there is nobody to send them to.
		_ = b.nc.FlushTimeout(b.cfg.RequestTimeout)
	}
	b.nc.Close()
	<-b.closed
}

// EnsureStreams creates the streams, or brings existing ones to this configuration. Idempotent; fault.Unavailable while NATS is down.
func (b *Bus) EnsureStreams(ctx context.Context) (err error) {
	b.ensure.Lock()
	defer b.ensure.Unlock()
	defer func() { b.ensured(err) }()
	for _, signal := range telemetry.Signals() {
		err := b.ensureStream(ctx, jetstream.StreamConfig{
			Name:        StreamName(signal),
			Description: "OTLP " + signal.String() + " waiting for a writer",
			Subjects:    []string{"otlp." + signal.String() + ".*"},
			Retention:   jetstream.WorkQueuePolicy,
			MaxBytes:    b.cfg.MaxBytes,
			RePublish:   republish(signal),
		})
		if err != nil {
			return err
		}
	}
	err = b.ensureStream(ctx, jetstream.StreamConfig{
		Name:        ParkedStream,
		Description: "batches of a newer version that wait for a newer writer",
		Subjects:    []string{"parked.>"},
		Retention:   jetstream.LimitsPolicy,
		MaxBytes:    b.cfg.ParkedMaxBytes,
	})
	if err != nil {
		return err
	}
	return b.ensureStream(ctx, jetstream.StreamConfig{
		Name:        DeadStream,
		Description: "batches that could not be written",
		Subjects:    []string{"dead.>"},
		Retention:   jetstream.LimitsPolicy,
		MaxBytes:    b.cfg.DeadMaxBytes,
	})
}

// ensureStream makes a stream, or brings it to this configuration. The largest message of a stream is only ever raised: lowered by a role that is started
// with less, while others still have more, it would refuse what they have cut to fit their limit.
func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig) error {
	want.Storage = jetstream.FileStorage
	want.Discard = jetstream.DiscardNew
	want.Replicas = b.cfg.Replicas
	want.Duplicates = b.cfg.DuplicateWindow
	want.MaxMsgSize = int32(b.cfg.MaxMessageBytes) //nolint:gosec // Validate bounds it at 64 MiB
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, want.Name)
	if err == nil {
		have := stream.CachedInfo().Config
		if have.MaxMsgSize < 0 { // any
			want.MaxMsgSize = have.MaxMsgSize
		} else {
			want.MaxMsgSize = max(want.MaxMsgSize, have.MaxMsgSize)
		}
		if have.MaxBytes == want.MaxBytes && have.Replicas == want.Replicas && have.Duplicates == want.Duplicates &&
			have.MaxMsgSize == want.MaxMsgSize && have.Discard == want.Discard && sameRepublish(have.RePublish, want.RePublish) && len(have.Subjects) == 1 && have.Subjects[0] == want.Subjects[0] {
			return nil
		}
		_, err = b.js.UpdateStream(ctx, want)
	} else if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, want)
	}
	if api, ok := apiError(err); ok && (api.ErrorCode == errCodeStorageResources || api.ErrorCode == errCodeInsufficientResources) {
		return errNoStorage.Wrap(err, fmt.Sprintf(
			"NATS cannot reserve %d bytes for stream %s: lower bus.max_bytes, or give the server more storage (and, for replicas, more servers)", want.MaxBytes, want.Name))
	}
	if err != nil {
		return classify(err, "ensure stream "+want.Name)
	}
	return nil
}

// republish is how the queue of a signal says what it takes to who looks on; nil where it does not.
func republish(signal telemetry.Signal) *jetstream.RePublish {
	if !followed[signal] {
		return nil
	}
	return &jetstream.RePublish{Source: "otlp." + signal.String() + ".*", Destination: followSubject(signal, "{{wildcard(1)}}")}
}

func sameRepublish(a, b *jetstream.RePublish) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// WaitReady calls EnsureStreams until it succeeds or ctx ends, whose error it then returns. It logs the first failure only.
func (b *Bus) WaitReady(ctx context.Context) error {
	wait := 100 * time.Millisecond
	for logged := false; ; {
		err := b.EnsureStreams(ctx)
		if err == nil {
			if logged {
				b.log.LogAttrs(ctx, slog.LevelInfo, "bus ready")
			}
			return nil
		}
		if !logged && ctx.Err() == nil {
			logged = true
			b.log.LogAttrs(ctx, slog.LevelWarn, "waiting for the bus", slog.Any("error", err))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait for the bus: %w", ctx.Err())
		case <-timer.C:
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// Backlog says what one signal's stream holds.
type Backlog struct {
	Pending      uint64    // messages no writer has been given yet
	AckPending   uint64    // messages given to a writer and not settled
	LastPosition uint64    // of the newest message ever stored
	LastStored   time.Time // when that was stored; zero where the server does not know
	// Settled is the position below which, and including which, every message has been settled: what was accepted up to it is in
	// the database (or is a dead letter).
	Settled uint64
	Bytes   uint64 // stored in the stream
	// Created is when the stream was made, by its server: one that was made anew counts positions from 1 again.
	Created time.Time
}

// Pending looks up the backlog of a signal. Before any writer has started, everything stored is pending.
func (b *Bus) Pending(ctx context.Context, signal telemetry.Signal) (Backlog, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, StreamName(signal))
	if err != nil {
		return Backlog{}, classify(err, "look up stream "+StreamName(signal))
	}
	state := stream.CachedInfo().State
	backlog := Backlog{
		Pending: state.Msgs, LastPosition: state.LastSeq, LastStored: state.LastTime, Bytes: state.Bytes, Created: stream.CachedInfo().Created,
	}
	// In a work queue the oldest message kept is the oldest one not settled.
	if state.Msgs == 0 {
		backlog.Settled = state.LastSeq
	} else if state.FirstSeq > 0 {
		backlog.Settled = state.FirstSeq - 1
	}
	consumer, err := stream.Consumer(ctx, consumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return backlog, nil
	}
	if err != nil {
		return Backlog{}, classify(err, "look up the consumer of "+StreamName(signal))
	}
	info := consumer.CachedInfo()
	backlog.Pending = info.NumPending
	backlog.AckPending = uint64(max(info.NumAckPending, 0))
	return backlog, nil
}

// MaxPayload is the largest uncompressed payload that Publish takes in one batch, in bytes: the smaller of the configured message size and
// the server's, less room for headers, so that even a body that does not compress fits. Split by it.
func (b *Bus) MaxPayload() int {
	limit := b.cfg.MaxMessageBytes
	if server := int(b.nc.MaxPayload()); server > 0 {
		limit = min(limit, server)
	}
	return limit - headerRoom
}

// Recut gives the error of a Publish of batches that were cut to fit limit bytes, which MaxPayload had said, its meaning: where MaxPayload says
// something else by now, as when NATS came back with another max_payload, a batch is not too large for good, because who cuts it again cuts it to
// fit. Then it is fault.Unavailable; any other error stays what it is.
func (b *Bus) Recut(err error, limit int) error {
	if now := b.MaxPayload(); errMessageTooLarge.Matches(err) && now != limit {
		return errLimitChanged.Wrap(err, fmt.Sprintf("the request was cut to fit %d bytes, and the queue takes %d by now (%s); retry", limit, now, telemetry.MaxBytesSetting))
	}
	return err
}

// classify gives an error of NATS its meaning; action is what was tried, for the message.
func classify(err error, action string) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if api, ok := apiError(err); ok {
		switch api.ErrorCode {
		case errCodeStoreFailed:
			if strings.Contains(api.Description, "maximum") { // "maximum bytes exceeded", "maximum messages exceeded"
				return errFull.Wrap(err, "the queue is full; retry later")
			}
		case errCodeAccountResources, errCodeInsufficientResources, errCodeMemoryResources, errCodeStorageResources:
			return errResources.Wrap(err, "the queue has no storage left; retry later")
		case jetstream.JSErrCodeStreamMessageExceedsMaximum, errCodeHeaderExceedsMaximum:
			return errMessageTooLarge.Wrap(err, "the batch exceeds the queue's message limit")
		case jetstream.JSErrCodeStreamNotFound, jetstream.JSErrCodeConsumerNotFound:
			return errMissing.Wrap(fmt.Errorf("%s: %w", action, err), "the queue is not set up yet; retry")
		}
		return errQueueRefused.Wrap(fmt.Errorf("%s: %w", action, err), "the queue refused; retry")
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		return errMessageTooLarge.Wrap(err, "the batch exceeds the queue's message limit")
	}
	if errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
		return errStalled.Wrap(err, "too many batches wait for the queue; retry later")
	}
	// What is left is the way to NATS: no responders, timeouts, disconnects.
	return errUnavailable.Wrap(fmt.Errorf("%s: %w", action, err), "the queue is unavailable; retry")
}

// Error codes of nats-server that nats.go does not name.
const (
	errCodeAccountResources      jetstream.ErrorCode = 10002
	errCodeClusterNotAvailable   jetstream.ErrorCode = 10008
	errCodeInsufficientResources jetstream.ErrorCode = 10023
	errCodeMemoryResources       jetstream.ErrorCode = 10028
	errCodeStorageResources      jetstream.ErrorCode = 10047
	errCodeStoreFailed           jetstream.ErrorCode = 10077
	errCodeHeaderExceedsMaximum  jetstream.ErrorCode = 10097
)

func apiError(err error) (*jetstream.APIError, bool) {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api, true
	}
	if js, ok := errors.AsType[jetstream.JetStreamError](err); ok && js.APIError() != nil {
		return js.APIError(), true
	}
	return nil, false
}
