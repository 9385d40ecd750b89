package bus

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// DeadLetter is a message of a tenant that could not be written. What a stranger wrote, or nobody, is "" or zero.
type DeadLetter struct {
	Sequence uint64 // its position in DeadStream, which names it; later letters have higher ones
	Died     time.Time
	Signal   telemetry.Signal
	Subject  string // where it was, and where a replay puts it
	Batch    string // id of the batch
	Code     string // of the error for which it died; docs/errors.md
	Class    string // of that error
	Reason   string
	Attempts int
	Items    int
	Bytes    int         // of the body as it lies on the bus
	Headers  nats.Header // all of them
}

// DeadSelection chooses letters of one tenant.
type DeadSelection struct {
	Tenant  telemetry.Tenant
	Signal  *telemetry.Signal // nil for all
	Code    string            // "" for all
	After   uint64            // those with a higher sequence
	Through uint64            // and not above this one; 0 for those there are now
}

func (s DeadSelection) subjects() []string {
	if s.Signal != nil {
		return []string{DeadSubject(*s.Signal, s.Tenant)}
	}
	var all []string
	for _, signal := range telemetry.Signals() {
		all = append(all, DeadSubject(signal, s.Tenant))
	}
	return all
}

// DeadPage is a part of the letters that a selection chooses.
type DeadPage struct {
	Letters []DeadLetter // oldest first
	More    bool         // there are others
	Last    uint64       // After of the selection that chooses these
	Through uint64       // what Through stands for
}

// deadRead is how many letters are read from the server at a time.
const deadRead = 256

// DeadLettersOf lists the oldest letters of a selection, at most so many, without their bodies. A message that names no tenant is in nobody's
// list. fault.Unavailable while NATS is down.
func (b *Bus) DeadLettersOf(ctx context.Context, which DeadSelection, most int) (DeadPage, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, DeadStream)
	if err != nil {
		return DeadPage{}, classify(err, "look up stream "+DeadStream)
	}
	state := stream.CachedInfo().State
	page := DeadPage{Last: which.After, Through: which.Through}
	if page.Through == 0 {
		page.Through = state.LastSeq
	}
	if state.Msgs == 0 || which.After >= page.Through {
		return page, nil
	}
	// Headers alone: a body may have megabytes.
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: which.After + 1, AckPolicy: jetstream.AckNonePolicy,
		FilterSubjects: which.subjects(), HeadersOnly: true, MemoryStorage: true, Replicas: 1, InactiveThreshold: 2 * b.cfg.RequestTimeout,
	})
	if err != nil {
		return DeadPage{}, classify(err, "read "+DeadStream)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.cfg.RequestTimeout)
		defer cancel()
		_ = stream.DeleteConsumer(ctx, consumer.CachedInfo().Name) // else it goes by itself
	}()
	for left := consumer.CachedInfo().NumPending; left > 0; {
		if err := ctx.Err(); err != nil {
			return DeadPage{}, classify(err, "read "+DeadStream)
		}
		batch, err := consumer.FetchNoWait(int(min(left, deadRead)))
		if err != nil {
			return DeadPage{}, classify(err, "read "+DeadStream)
		}
		got := uint64(0)
		for msg := range batch.Messages() {
			got++
			meta, err := msg.Metadata()
			if err != nil {
				return DeadPage{}, classify(err, "read "+DeadStream)
			}
			letter := deadLetterOf(msg.Subject(), meta.Sequence.Stream, meta.Timestamp, msg.Headers())
			if letter.Sequence > page.Through {
				return page, nil
			}
			if which.Code == "" || letter.Code == which.Code {
				if len(page.Letters) == most {
					page.More = true
					return page, nil
				}
				page.Letters = append(page.Letters, letter)
			}
			page.Last = letter.Sequence
		}
		if err := batch.Error(); err != nil {
			return DeadPage{}, classify(err, "read "+DeadStream)
		}
		if got == 0 {
			break // others removed them meanwhile
		}
		left -= min(got, left)
	}
	return page, nil
}

// DeadLetter is one letter of a tenant with its body, decompressed. Where the body cannot be, damage says why, and there is none.
// fault.NotFound where the tenant has no such letter.
func (b *Bus) DeadLetter(ctx context.Context, tenant telemetry.Tenant, sequence uint64) (letter DeadLetter, body []byte, damage, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	_, msg, err := b.deadMessage(ctx, tenant, sequence)
	if err != nil {
		return DeadLetter{}, nil, nil, err
	}
	letter = deadLetterOf(msg.Subject, msg.Sequence, msg.Time, msg.Header)
	letter.Bytes = len(msg.Data)
	if lost := bodyLost(msg); lost != nil {
		return letter, nil, lost, nil
	}
	if first(msg.Header, HeaderSchema) == strconv.Itoa(groupVersion) {
		return letter, nil, errBadBody.New("a group of batches that could not be taken apart"), nil // each of another one is a letter by itself
	}
	coder, err := newCoder("none")
	if err != nil {
		return DeadLetter{}, nil, nil, err
	}
	defer coder.close()
	body, damage = coder.decode(msg.Data, msg.Header)
	return letter, body, damage, nil
}

// ReplayDeadLetter puts a letter of a tenant back where it was, under its batch id: whatever of it is stored already is not stored again,
// however often it is replayed. fault.NotFound where the tenant has no such letter, or it has no body; fault.Overloaded where its stream is full.
func (b *Bus) ReplayDeadLetter(ctx context.Context, tenant telemetry.Tenant, sequence uint64) error {
	stream, msg, err := b.deadMessage(ctx, tenant, sequence)
	if err != nil {
		return err
	}
	if err := bodyLost(msg); err != nil {
		return err
	}
	return b.putBack(ctx, stream, msg)
}

// bodyLost is the error that a letter has no body, which is not the same as an empty one.
func bodyLost(msg *jetstream.RawStreamMsg) error {
	size := first(msg.Header, HeaderDeadSize)
	if size == "" || len(msg.Data) > 0 {
		return nil
	}
	return errDeadBodyLost.Newf("dead letter %d has no body: its %s bytes were more than a message may have", msg.Sequence, headerText(size))
}

// DropDeadLetter removes a letter of a tenant for good. fault.NotFound where the tenant has no such letter.
func (b *Bus) DropDeadLetter(ctx context.Context, tenant telemetry.Tenant, sequence uint64) error {
	stream, _, err := b.deadMessage(ctx, tenant, sequence)
	if err != nil {
		return err
	}
	return removeFrom(ctx, stream, sequence)
}

// deadMessage is a message of DeadStream that is a letter of the tenant.
func (b *Bus) deadMessage(ctx context.Context, tenant telemetry.Tenant, sequence uint64) (jetstream.Stream, *jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, DeadStream)
	if err != nil {
		return nil, nil, classify(err, "look up stream "+DeadStream)
	}
	missing := errNoDeadLetter.Newf("there is no dead letter %d", sequence)
	if sequence == 0 || sequence > stream.CachedInfo().State.LastSeq {
		return nil, nil, missing
	}
	msg, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil, missing
	}
	if err != nil {
		return nil, nil, classify(err, "read "+DeadStream)
	}
	if _, of := deadOf(msg.Subject); of != tenant {
		return nil, nil, missing // another's: not even that it is there is told
	}
	return stream, msg, nil
}

// removeFrom removes a message; one that is gone already is no error.
func removeFrom(ctx context.Context, stream jetstream.Stream, sequence uint64) error {
	err := stream.DeleteMsg(ctx, sequence)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return classify(err, "remove from "+stream.CachedInfo().Config.Name)
	}
	return nil
}

// DeadCounts is how many letters there are, by tenant and signal. Those without are not in it. fault.Unavailable while NATS is down.
func (b *Bus) DeadCounts(ctx context.Context) (map[telemetry.Tenant]map[telemetry.Signal]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, DeadStream)
	if err != nil {
		return nil, classify(err, "look up stream "+DeadStream)
	}
	counts := map[telemetry.Tenant]map[telemetry.Signal]uint64{}
	if stream.CachedInfo().State.Msgs == 0 {
		return counts, nil
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter("dead.>"))
	if err != nil {
		return nil, classify(err, "look up stream "+DeadStream)
	}
	for subject, n := range info.State.Subjects {
		signal, tenant := deadOf(subject)
		if counts[tenant] == nil {
			counts[tenant] = map[telemetry.Signal]uint64{}
		}
		counts[tenant][signal] += n
	}
	return counts, nil
}

// deadOf is the inverse of DeadSubject.
func deadOf(subject string) (telemetry.Signal, telemetry.Tenant) {
	_, rest, _ := strings.Cut(subject, ".")
	name, last, _ := strings.Cut(rest, ".")
	signal, err := telemetry.ParseSignal(name)
	if err != nil {
		return 0, strayTenant // none that a writer made
	}
	return signal, tenantOf(last)
}

func deadLetterOf(subject string, sequence uint64, died time.Time, h nats.Header) DeadLetter {
	number := func(name string) int {
		n, err := strconv.ParseUint(first(h, name), 10, 63)
		if err != nil {
			return 0 // a stranger may write anything
		}
		return int(min(n, math.MaxInt32))
	}
	signal, _ := deadOf(subject)
	batch, _, _ := strings.Cut(first(h, HeaderID), "-")
	return DeadLetter{
		Sequence: sequence, Died: died.UTC(), Signal: signal, Subject: first(h, HeaderSubject), Batch: batch,
		Code: first(h, HeaderDeadCode), Class: first(h, HeaderDeadClass), Reason: first(h, HeaderDeadReason),
		Attempts: number(HeaderDeadAttempts), Items: number(HeaderItems), Bytes: number(nats.MsgSize), Headers: h,
	}
}
