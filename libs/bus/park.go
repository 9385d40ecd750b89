package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ParkedStream holds batches of a version that the writer which met them does not read, by version:
// parked.<version>.<signal>.<tenant>. It drops nothing: they are data.
const ParkedStream = "OLLY_PARKED"

// unparkEvery is how often a writer looks for parked batches that it reads.
const unparkEvery = 10 * time.Second

// park moves the message to ParkedStream. Where that is full, or away, the message stays where it is and holds its place: it is data.
func (d *delivery) park(ctx context.Context) (outcome string, _ error) {
	h, tenant := d.moved(d.msg.Header)
	subject := "parked." + first(h, HeaderSchema) + "." + d.signal.String() + "." + token(tenant)
	ctx, cancel := context.WithTimeout(ctx, d.bus.cfg.PublishTimeout)
	defer cancel()
	if _, err := d.bus.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Header: h, Data: d.msg.Data}); err != nil {
		_ = d.msg.NakWithDelay(retryDelay(d.attempts))
		return "retry", fmt.Errorf("publish to %s: %w", subject, err)
	}
	d.bus.seldom.Note(ctx, slog.LevelWarn, "batches of a newer version are parked for newer writers", first(h, HeaderSchema), slog.String("signal", d.signal.String()))
	return "parked", d.msg.Term()
}

// Unpark puts parked batches whose version this build reads back into their signals' streams, now and every ten seconds until ctx ends:
// an older writer may go on to park while a newer one runs. Any number of writers may do so at once. The batches keep their ids.
func (b *Bus) Unpark(ctx context.Context) {
	tick := time.NewTicker(unparkEvery)
	defer tick.Stop()
	for {
		n, err := b.unpark(ctx)
		if n > 0 {
			b.log.LogAttrs(ctx, slog.LevelInfo, "parked batches taken", slog.Int("batches", n))
		}
		if err != nil && ctx.Err() == nil {
			b.seldom.Note(ctx, slog.LevelWarn, "parked batches cannot be taken, trying on", "", slog.Any("error", err))
		}
		b.seldom.Tell(ctx, slog.LevelWarn)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (b *Bus) unpark(ctx context.Context) (n int, _ error) {
	stream, err := b.js.Stream(ctx, ParkedStream)
	if err != nil {
		return 0, classify(err, "look up stream "+ParkedStream)
	}
	if stream.CachedInfo().State.Msgs == 0 {
		return 0, nil
	}
	for version := 1; version <= b.reads; version++ {
		for from := uint64(1); ; {
			msg, err := stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject("parked."+strconv.Itoa(version)+".>"))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				break
			}
			if err != nil {
				return n, classify(err, "read "+ParkedStream)
			}
			if err := b.putBack(ctx, stream, msg); err != nil {
				return n, err
			}
			from = msg.Sequence + 1
			n++
		}
	}
	return n, nil
}

// putBack publishes a dead letter or a parked batch where it was, with its batch id, and removes it from stream. Done twice at the same
// time, or after a removal that failed, it is still one message: its id on the bus is that of the letter, and the ledger knows the batch.
func (b *Bus) putBack(ctx context.Context, stream jetstream.Stream, msg *jetstream.RawStreamMsg) error {
	h := make(nats.Header, len(msg.Header))
	for name, values := range msg.Header {
		if !strings.HasPrefix(name, "Nats-") && !strings.HasPrefix(name, "Olly-Dead-") && name != HeaderSubject {
			h[name] = values
		}
	}
	h.Set(HeaderID, first(msg.Header, HeaderID)+"-"+stream.CachedInfo().Config.Name+"-"+strconv.FormatUint(msg.Sequence, 10))
	to := first(msg.Header, HeaderSubject)
	if !strings.HasPrefix(to, "otlp.") { // of an earlier build, or a stranger's
		_, to, _ = strings.Cut(msg.Subject, ".")
		to = "otlp." + to
	}
	limited, cancel := context.WithTimeout(ctx, b.cfg.PublishTimeout)
	defer cancel()
	if _, err := b.js.PublishMsg(limited, &nats.Msg{Subject: to, Header: h, Data: msg.Data}); err != nil {
		return classify(err, "publish to "+to)
	}
	return removeFrom(limited, stream, msg.Sequence)
}
