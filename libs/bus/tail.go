package bus

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Arrival is a message that the queue of a signal has just taken, for who looks on. Nobody settles it: it goes its way to a writer all the same.
type Arrival struct {
	Batches  []telemetry.Batch
	Position uint64    // as Delivery.Position
	Stored   time.Time // when the stream took it
	Gap      bool      // there were others of the tenant, before it or soon after it, that were not seen
}

// followed are the signals whose queues say what they took. A server that says it copies each message once more, also where nobody listens.
var followed = map[telemetry.Signal]bool{telemetry.Logs: true} //nolint:gochecknoglobals // a table

// followSubject is where the queue of a signal says what it has taken of a tenant.
func followSubject(signal telemetry.Signal, tenant string) string {
	return "stored." + signal.String() + "." + tenant
}

// Names that NATS gives the headers of a message that it published again (stream configuration, republish).
const (
	headerSequence = "Nats-Sequence"
	headerLast     = "Nats-Last-Sequence" // of the message before it on the same subject
	headerTime     = "Nats-Time-Stamp"
)

// maxFollowed bounds what waits for a follower that is slower than its tenant sends; what comes beyond is a gap.
const maxFollowed = 16 << 20

// Follow calls take for each message of a tenant that the queue takes from now on, one after the other, until the returned function was called. Only logs
// can be followed. What cannot be read, because it is of a newer version, is a gap.
func (b *Bus) Follow(signal telemetry.Signal, tenant telemetry.Tenant, take func(Arrival)) (stop func(), err error) {
	if !followed[signal] {
		return nil, fmt.Errorf("bus: the queue of %s does not say what it takes", signal)
	}
	coder, err := newCoder(b.cfg.Compression)
	if err != nil {
		return nil, err
	}
	var last uint64 // of the tenant, that was seen
	var dropped int // by the connection, because what waits is bounded
	gap := false
	sub, err := b.nc.Subscribe(followSubject(signal, token(tenant)), func(msg *nats.Msg) {
		a := Arrival{}
		var before uint64
		var err error
		if n, err := msg.Sub.Dropped(); err == nil && n > dropped {
			dropped, gap = n, true
		}
		if a.Position, err = strconv.ParseUint(first(msg.Header, headerSequence), 10, 64); err != nil {
			return // nothing that a stream said
		}
		before, _ = strconv.ParseUint(first(msg.Header, headerLast), 10, 64)
		a.Stored, _ = time.Parse(time.RFC3339Nano, first(msg.Header, headerTime))
		if last > 0 && before > last {
			gap = true
		}
		last = a.Position
		if first(msg.Header, HeaderProbe) != "" {
			return
		}
		if a.Batches, err = coder.open(signal, Subject(signal, tenant), msg.Header, msg.Data); err != nil {
			gap = true
			return
		}
		a.Gap, gap = gap, false
		take(a)
	})
	if err != nil {
		coder.close()
		return nil, classify(err, "follow "+StreamName(signal))
	}
	sub.SetClosedHandler(func(string) { coder.close() })
	if err := sub.SetPendingLimits(-1, maxFollowed); err != nil {
		return nil, fmt.Errorf("bus: bound what waits: %w", err)
	}
	// What is published once Follow has returned is seen.
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.RequestTimeout)
	defer cancel()
	if err := b.nc.FlushWithContext(ctx); err != nil {
		_ = sub.Unsubscribe()
		return nil, classify(err, "follow "+StreamName(signal))
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
