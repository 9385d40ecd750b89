package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// What cannot be written must not keep its neighbours waiting. A message that is given back holds one of the Config.MaxAckPending places of
// its signal until it comes again, so nothing whose fault is its own is given back without a bound:
//
//   - A dead letter always finds room: the oldest go, those of strangers first, counted. One that is larger than a message may be now is kept
//     without its body.
//   - A batch of a newer version is moved to ParkedStream, from which newer writers take it (park.go).
//   - Of batches that fail for reasons of their own only so many wait for another try.

// strayTenant takes the place of a tenant in the subject of a message that names none. It is no tenant's name.
const strayTenant telemetry.Tenant = "!none"

// ownFaultShare is which part of MaxAckPending one writer lets wait for another try after an error of their own.
const ownFaultShare = 8

// waiting counts deliveries that were given back for an error of their own, until they come again.
type waiting struct {
	most int

	mu  sync.Mutex
	due []time.Time
}

// take reports whether one more may wait for d.
func (w *waiting) take(now time.Time, d time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.due[:0]
	for _, t := range w.due {
		if t.After(now) {
			left = append(left, t)
		}
	}
	w.due = left
	if len(w.due) >= w.most {
		return false
	}
	w.due = append(w.due, now.Add(d))
	return true
}

// roomAttempts is how often room is made for one dead letter: others may take it first.
const roomAttempts = 8

// storeDead stores a dead letter and returns when JetStream has it. Where the stream is full, the oldest make room.
func (b *Bus) storeDead(ctx context.Context, msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.PublishTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		made := b.roomMade.Load()
		_, err := b.js.PublishMsg(ctx, msg)
		if err == nil {
			return nil
		}
		err = classify(err, "publish to "+msg.Subject)
		if !errFull.Matches(err) || attempt == roomAttempts {
			return err
		}
		if err := b.makeRoom(ctx, made); err != nil {
			return err
		}
	}
}

// makeRoom removes the dead letters of strangers; where there are none, the oldest sixteenth of all. It does nothing where room was made
// since the caller looked: of many letters that meet a full stream at once, one makes room for all.
func (b *Bus) makeRoom(ctx context.Context, made uint64) error {
	b.deadMu.Lock()
	defer b.deadMu.Unlock()
	if b.roomMade.Load() != made {
		return nil
	}
	defer b.roomMade.Add(1)
	stream, err := b.js.Stream(ctx, DeadStream)
	if err != nil {
		return classify(err, "look up stream "+DeadStream)
	}
	state := stream.CachedInfo().State
	before := state.FirstSeq + max((state.LastSeq-state.FirstSeq)/16, 1)
	for _, signal := range telemetry.Signals() {
		// All of them: what nobody was told of goes before what somebody was.
		n, err := b.purge(ctx, DeadSubject(signal, strayTenant), 0)
		if err != nil {
			return err
		}
		if n > 0 {
			b.lost(ctx, n, "no room: messages of strangers")
			return nil
		}
	}
	n, err := b.purge(ctx, "", before)
	if err != nil {
		return err
	}
	b.lost(ctx, n, "no room: the oldest")
	return nil
}

// purge removes dead letters of a subject ("" for all), below a position (0 for all), and says how many.
func (b *Bus) purge(ctx context.Context, subject string, below uint64) (int, error) {
	body, err := json.Marshal(struct {
		Filter string `json:"filter,omitempty"`
		Below  uint64 `json:"seq,omitempty"`
	}{subject, below})
	if err != nil {
		return 0, fmt.Errorf("purge %s: %w", DeadStream, err)
	}
	reply, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.PURGE."+DeadStream, body) // nats.go does not tell the number
	if err != nil {
		return 0, classify(err, "purge "+DeadStream)
	}
	var answer struct {
		Error  *jetstream.APIError `json:"error"`
		Purged int                 `json:"purged"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return 0, errQueueRefused.Wrap(err, "the queue refused; retry")
	}
	if answer.Error != nil {
		return 0, classify(answer.Error, "purge "+DeadStream)
	}
	return answer.Purged, nil
}

// losses are the dead letters that this process gave up.
type losses struct {
	mu    sync.Mutex
	total uint64
	last  time.Time
}

func (b *Bus) lost(ctx context.Context, n int, why string) {
	if n == 0 {
		return
	}
	b.metrics.DeadLost.Add(ctx, int64(n))
	b.losses.mu.Lock()
	b.losses.total += uint64(n) //nolint:gosec // a count
	b.losses.last = time.Now()
	b.losses.mu.Unlock()
	b.seldom.Note(ctx, slog.LevelError, "dead letters lost", why, slog.Int("letters", n))
}

// lossShown is how long a lost dead letter is a matter of health.
const lossShown = 5 * time.Minute

// DeadHealthy is a check of health: it fails for five minutes after this process gave up dead letters, and says how many.
func (b *Bus) DeadHealthy(context.Context) error {
	b.losses.mu.Lock()
	defer b.losses.mu.Unlock()
	if b.losses.total == 0 || time.Since(b.losses.last) > lossShown {
		return nil
	}
	return errDeadLost.Newf("%d dead letters were lost since this process started, the last %s ago (why is in the log): look at them sooner, or raise bus.dead_max_bytes",
		b.losses.total, time.Since(b.losses.last).Round(time.Second))
}

// DeadLetters is the number of dead letters that the bus keeps; operators alert on its growth. fault.Unavailable while NATS is down.
func (b *Bus) DeadLetters(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, DeadStream)
	if err != nil {
		return 0, classify(err, "look up stream "+DeadStream)
	}
	return stream.CachedInfo().State.Msgs, nil
}
