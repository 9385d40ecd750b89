package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// receipt is what a sender is told of a request that was taken.
type receipt struct {
	accepted int
	rejected int
	message  string // why items were rejected, cut or not stored again; "" where none was
	repeats  int    // of the accepted, items that were taken for a repeat and are not stored again
	position uint64 // of the last part in its signal's stream; 0 where there was nothing to store
}

// partBytes is how large a batch of several items is at most, less where the bus takes no such message: what writers hold is counted in
// batches. Only a single large item makes a larger.
const partBytes = 1 << 20

// repeated notes that some items were taken for a repeat, and says so.
func (r *receipt) repeated(n int, signal telemetry.Signal) {
	if n == 0 {
		return
	}
	r.repeats = n
	if r.message != "" {
		r.message += "; "
	}
	r.message += fmt.Sprintf("%d of %d accepted were taken for a repeat of a request with the same bytes and are stored once (setting dedup.%s)", n, r.accepted, signal)
}

// errUnanswered is how a request ends that nobody answered yes.
var errUnanswered = errors.New("not answered")

// take admits one request, an OTLP protobuf, and publishes what is admitted. It returns without an error only when all of that is
// durable. The payload is not kept. body is the request as it was sent, decompressed: for JSON another text than the payload. What its reader has refused
// already is counted in. fault.Overloaded where the tenant has used up what it may send: then nothing of the request is stored.
func (s *Service) take(ctx context.Context, v *visit, body, payload []byte, refused telemetry.Refusals) (_ receipt, err error) {
	now, id, signal := s.env.Now(), v.id, v.signal
	if err := v.draw(now, telemetry.LimitBytes, len(body)); err != nil {
		return receipt{}, err
	}
	defer func() {
		if err != nil && fault.ClassOf(err).Retryable() && ctx.Err() == nil { // of one whose sender left, it is not known what was stored
			v.giveBack() // it is sent again, and must not be paid for twice
		}
	}()
	limits := s.cfg.Admit.limits(signal, now)
	limits.Kept = s.retention.Load().Kept(id.Tenant, signal, now)
	limits.PartBytes, limits.MaxBytes = partBytes, s.bus.Load().MaxPayload()
	admission, err := telemetry.Admit(signal, payload, limits)
	if err != nil {
		return receipt{}, err
	}
	if err := v.draw(s.env.Now(), telemetry.LimitItems(signal), admission.Items); err != nil {
		return receipt{}, err
	}
	v.siftSeries(now, admission)
	defer func() {
		if err != nil && ctx.Err() == nil { // as above
			v.unsiftSeries(admission)
		}
	}()
	var published bus.Published
	if drawn := admission.Items; drawn > 0 {
		published, err = s.publish(ctx, v, admission, asked{
			of: stream{id.Tenant, signal}, bytes: telemetry.NewRequestID(id.Tenant, signal, body), now: now, peer: v.from,
			untimed: admission.Untimed > 0, coarse: !admission.Fine && signal != telemetry.Traces,
		}, len(payload), limits.MaxBytes)
		if err != nil {
			return receipt{}, err
		}
		v.undraw(telemetry.LimitItems(signal), drawn-admission.Items)
	}
	admission.Add(refused)
	out := receipt{accepted: admission.Items, rejected: admission.Refused(), message: admission.Message(), position: published.Position}
	out.repeated(published.Repeats, signal)
	s.metrics.repeated(ctx, signal, published.Repeats)
	s.metrics.took(ctx, id.Tenant, signal, len(payload), &admission.Summary)
	return out, nil
}

// waveBytes of a request's parts are made and published before the next ones are, so that what is made of a request takes no more memory than
// that and a part, however large the parts are together. Less where there is less room.
const waveBytes = 8 << 20

// publish makes the parts of a request, whose payload has size bytes, and publishes them; the bus takes none larger than largest. Nothing is
// kept of a part that is published.
func (s *Service) publish(ctx context.Context, v *visit, admission *telemetry.Admission, q asked, size, largest int) (all bus.Published, err error) {
	full := waveBytes
	if made := admission.Copies(); made > 0 {
		// A part is larger than partBytes only where what it repeats is, or its item. Both are of the payload, and it is at most twice as large.
		part := min(made, largest, 2*max(partBytes, size))
		room, err := s.reserveSome(v, int64(part), int64(min(made, waveBytes)+min(made, largest)))
		if err != nil {
			return all, err
		}
		defer s.free(v, room)
		full = min(waveBytes, int(room)-part) // less than 0: each part by itself
	}
	try := s.repeats.begin(ctx, q)
	answered := errUnanswered
	defer func() { s.repeats.end(try, answered) }()
	var wave []telemetry.Batch
	held, patience := 0, s.cfg.PublishTimeout
	send := func() error {
		if len(wave) == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		began := time.Now() //nolint:forbidigo // how long, not when
		published, err := s.publisher.Publish(ctx, wave)
		patience -= time.Since(began) //nolint:forbidigo // how long, not when
		all.Position, all.Repeats = max(all.Position, published.Position), all.Repeats+published.Repeats
		clear(wave)
		wave, held = wave[:0], 0
		return s.bus.Load().Recut(err, largest)
	}
	for part := range admission.Parts(try.arrived.UnixNano()) {
		wave = append(wave, telemetry.Batch{
			Request: try.request, Ordinals: part.Ordinals,
			Tenant: q.of.tenant, Signal: q.of.signal, Connection: v.id.Connection, Received: q.now, Items: part.Items, Payload: part.Payload,
		})
		if held += part.Size(); held >= full {
			if err := send(); err != nil {
				return all, err
			}
		}
	}
	if err := send(); err != nil {
		return all, err
	}
	answered = nil
	return all, nil
}

// budget bounds the bytes of requests in memory. Safe for concurrent use.
type budget struct {
	limit int64
	used  atomic.Int64
}

// keptFree is the part of a budget that large requests leave to small ones, so that a few of them do not shut everybody out. Half of it they
// may have for what is published of them, of which there are few at a time: what was received is not refused because others wait behind it.
const keptFree = 8

// take reserves n bytes for who has own of them already, before they are allocated; the caller gives them back by free. fault.Overloaded where
// that makes more than most, but for one who has all that are used: what is alone would otherwise never be taken.
func (b *budget) take(n, most, own int64) error {
	if used := b.used.Add(n); used > most && used-n > own {
		b.used.Add(-n)
		return errBusy.New("too many requests are being received; retry later")
	}
	return nil
}

// most is how much may be used with a request of n bytes: all, or what large requests leave.
func (b *budget) most(n int64) int64 {
	if n <= smallRequest {
		return b.limit
	}
	return b.largest()
}

// largest is what large requests can have, together.
func (b *budget) largest() int64 { return b.limit - b.limit/keptFree }

// published is what may be used with what is published of large requests.
func (b *budget) published() int64 { return b.limit - b.limit/(2*keptFree) }

func (b *budget) free(n int64) { b.used.Add(-n) }
