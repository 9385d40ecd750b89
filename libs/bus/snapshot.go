package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// SnapshotBucket is the key-value bucket of snapshots: what a role without a database has to know of it.
const SnapshotBucket = "OLLY_SNAPSHOTS"

// SnapshotBytes is what the bucket reserves on the server, in bytes. It holds one value a name.
const SnapshotBytes = 16 << 20

const (
	// snapshotHeartbeat is how soon an unchanged snapshot is published again, so that its age says whether anybody still looks.
	snapshotHeartbeat = 30 * time.Second
	// snapshotPoll is how soon a change is seen that the watch has not told of, as after the bucket was made anew.
	snapshotPoll = 5 * time.Second
	// compressFrom is the size from which compressing a snapshot pays, in bytes.
	compressFrom = 1 << 10
)

// Snapshot is all that there is to know under one name, as it was in the database at one moment; never a change of it.
type Snapshot struct {
	// AsOf is that moment, by the clock of the database: of two snapshots the one with the later moment is right, whoever publishes last.
	AsOf time.Time
	Data []byte
}

// Seal shows who made a snapshot. Message holds name, moment and data. The zero Seal signs nothing and trusts everything that the bus holds.
type Seal struct {
	Sign   func(message []byte) (signature []byte, err error)
	Verify func(message, signature []byte) error
}

// SnapshotChannel carries the snapshots of one name from those who know the database to those who do not. Safe for concurrent use.
//
//	Publish ──> key-value bucket OLLY_SNAPSHOTS ──watch, and a look every 5 s──> Follow
type SnapshotChannel struct {
	bus  *Bus
	name string
	seal Seal

	mu    sync.Mutex
	known *Snapshot
}

// Snapshots makes the channel of a name: letters, digits, '-' and '_'.
func (b *Bus) Snapshots(name string, seal Seal) *SnapshotChannel {
	return &SnapshotChannel{bus: b, name: name, seal: seal}
}

// sealed is a snapshot as the bucket holds it: this as one line of JSON, then the data, compressed as Encoding says.
type sealed struct {
	AsOf      int64  `json:"as_of"` // Unix nanoseconds
	Encoding  string `json:"encoding"`
	Signature []byte `json:"signature,omitempty"`
}

// Publish makes s known to all who follow. It reports whether anything was published: not where the bucket holds a later moment, nor where
// it holds the same data and was published within half a minute, so that any number of publishers may repeat themselves.
//
// fault.Unavailable: NATS is down. fault.TooLarge: the snapshot exceeds a message, even compressed.
func (c *SnapshotChannel) Publish(ctx context.Context, s Snapshot) (published bool, err error) {
	defer func() {
		outcome := "unchanged"
		switch {
		case err != nil:
			outcome = "failed"
		case published:
			outcome = "published"
		}
		c.count(ctx, outcome)
	}()
	ctx, cancel := context.WithTimeout(ctx, c.bus.cfg.RequestTimeout)
	defer cancel()
	value, err := c.wrap(s)
	if err != nil {
		return false, err
	}
	bucket, err := c.bus.snapshotBucket(ctx)
	if err != nil {
		return false, err
	}
	for {
		var revision uint64
		entry, err := bucket.Get(ctx, c.name)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound): // 0 says that there must be none
		case err != nil:
			return false, classify(err, "read snapshot "+c.name)
		default:
			revision = entry.Revision()
			// What cannot be opened is nobody's: it must not keep the truth away.
			if have, err := c.unwrap(entry.Value()); err == nil {
				if have.AsOf.After(s.AsOf) || bytes.Equal(have.Data, s.Data) && s.AsOf.Sub(have.AsOf) < snapshotHeartbeat {
					return false, nil
				}
			}
		}
		_, err = bucket.Update(ctx, c.name, value, revision)
		if api, ok := apiError(err); ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			continue // somebody else has published meanwhile: look whether that was later
		}
		if err != nil {
			return false, classify(err, "publish snapshot "+c.name)
		}
		return true, nil
	}
}

// Follow gives every snapshot that is later than the last one to apply, the newest at once, until ctx ends. Where apply returns an error,
// the snapshot before stays the known one. NATS that is down is waited for.
func (c *SnapshotChannel) Follow(ctx context.Context, apply func(Snapshot) error) error {
	registration, err := c.bus.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if s, ok := c.Known(); ok {
			o.ObserveInt64(c.bus.metrics.SnapshotAge, int64(time.Since(s.AsOf).Seconds()), metric.WithAttributes(attribute.String("name", c.name)))
		}
		return nil
	}, c.bus.metrics.SnapshotAge)
	if err != nil {
		return fmt.Errorf("follow snapshot %s: %w", c.name, err)
	}
	defer func() { _ = registration.Unregister() }()
	const pause = time.Second
	for {
		err := c.follow(ctx, apply)
		if ctx.Err() != nil {
			return nil
		}
		// Not each try: what was known stays known, and the metric tells how old it is.
		c.bus.seldom.Note(ctx, slog.LevelWarn, "snapshot cannot be followed, trying on", c.name, slog.Any("error", err))
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// Known is the last snapshot that was applied, false where there is none yet.
func (c *SnapshotChannel) Known() (Snapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		return Snapshot{}, false
	}
	return *c.known, true
}

// follow watches until ctx ends or the way to NATS breaks.
func (c *SnapshotChannel) follow(ctx context.Context, apply func(Snapshot) error) error {
	bucket, err := c.bus.snapshotBucket(ctx)
	if err != nil {
		return err
	}
	watcher, err := bucket.Watch(ctx, c.name)
	if err != nil {
		return classify(err, "watch snapshot "+c.name)
	}
	defer func() { _ = watcher.Stop() }()
	poll := time.NewTicker(snapshotPoll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case entry, ok := <-watcher.Updates():
			if !ok {
				return errClosed.New("the watch on the bus has ended")
			}
			if entry != nil && entry.Operation() == jetstream.KeyValuePut {
				c.take(ctx, entry.Value(), apply)
			}
		case <-poll.C:
			c.bus.seldom.Tell(ctx, slog.LevelWarn)
			limited, cancel := context.WithTimeout(ctx, c.bus.cfg.RequestTimeout)
			entry, err := bucket.Get(limited, c.name)
			cancel()
			if errors.Is(err, jetstream.ErrKeyNotFound) {
				continue
			}
			if err != nil {
				return classify(err, "read snapshot "+c.name)
			}
			c.take(ctx, entry.Value(), apply)
		}
	}
}

// take applies what the bucket holds, if it is later than what is known.
func (c *SnapshotChannel) take(ctx context.Context, value []byte, apply func(Snapshot) error) {
	s, err := c.unwrap(value)
	if err == nil {
		if have, ok := c.Known(); ok && !s.AsOf.After(have.AsOf) {
			return
		}
		err = apply(s)
	}
	if err != nil {
		c.count(ctx, "refused")
		c.bus.log.LogAttrs(ctx, slog.LevelWarn, "snapshot refused, the one before stays", slog.String("name", c.name), slog.Any("error", err))
		return
	}
	c.count(ctx, "applied")
	c.mu.Lock()
	c.known = &s
	c.mu.Unlock()
}

func (c *SnapshotChannel) count(ctx context.Context, outcome string) {
	c.bus.metrics.Snapshots.Add(ctx, 1, metric.WithAttributes(attribute.String("name", c.name), attribute.String("outcome", outcome)))
}

// message is what is signed: a snapshot of one name and moment is no snapshot of another.
func (c *SnapshotChannel) message(s Snapshot) []byte {
	return append([]byte(c.name+"\n"+strconv.FormatInt(s.AsOf.UnixNano(), 10)+"\n"), s.Data...)
}

func (c *SnapshotChannel) wrap(s Snapshot) ([]byte, error) {
	head := sealed{AsOf: s.AsOf.UnixNano(), Encoding: encodingIdentity}
	if c.seal.Sign != nil {
		signature, err := c.seal.Sign(c.message(s))
		if err != nil {
			return nil, fmt.Errorf("sign snapshot %s: %w", c.name, err)
		}
		head.Signature = signature
	}
	data := s.Data
	if len(data) >= compressFrom {
		head.Encoding, data = encodingS2, s2.EncodeBetter(nil, data)
	}
	line, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("publish snapshot %s: %w", c.name, err)
	}
	value := append(append(line, '\n'), data...)
	if limit := c.bus.MaxPayload(); len(value) > limit {
		return nil, errMessageTooLarge.Newf("snapshot %s takes %d bytes, the bus takes %d", c.name, len(value), limit)
	}
	return value, nil
}

func (c *SnapshotChannel) unwrap(value []byte) (Snapshot, error) {
	line, data, ok := bytes.Cut(value, []byte("\n"))
	var head sealed
	if !ok || json.Unmarshal(line, &head) != nil {
		return Snapshot{}, errSnapshot.Newf("snapshot %s is not one", c.name)
	}
	switch head.Encoding {
	case encodingIdentity:
		data = bytes.Clone(data)
	case encodingS2:
		n, err := s2.DecodedLen(data)
		if err != nil || n > maxDecoded {
			return Snapshot{}, errSnapshot.Newf("snapshot %s is not valid s2", c.name)
		}
		if data, err = s2.Decode(nil, data); err != nil {
			return Snapshot{}, errSnapshot.Wrap(err, "snapshot "+c.name+" is not valid s2")
		}
	default:
		return Snapshot{}, errSnapshot.Newf("snapshot %s has the unknown encoding %.32q", c.name, head.Encoding)
	}
	s := Snapshot{AsOf: time.Unix(0, head.AsOf).UTC(), Data: data}
	if c.seal.Verify != nil {
		if err := c.seal.Verify(c.message(s), head.Signature); err != nil {
			return Snapshot{}, errSnapshot.Wrap(err, "snapshot "+c.name+" was not made by whom it should be")
		}
	}
	return s, nil
}

// snapshotBucket is the bucket, made where it is missing.
func (b *Bus) snapshotBucket(ctx context.Context) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	bucket, err := b.js.KeyValue(ctx, SnapshotBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: SnapshotBucket, Description: "what roles without a database know of it",
			MaxBytes: SnapshotBytes, Storage: jetstream.FileStorage, Replicas: b.cfg.Replicas,
		})
	}
	if err != nil {
		return nil, classify(err, "ensure bucket "+SnapshotBucket)
	}
	return bucket, nil
}
