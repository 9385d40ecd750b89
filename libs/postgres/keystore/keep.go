package keystore

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/instrument"
	"github.com/ollyscale/ollyscale/libs/service"
)

const (
	// refresh is how often the table is looked at for keys that were made or revoked. With the bus's own delay every replica knows of one
	// within ten seconds.
	refresh = 2 * time.Second
	// readTimeout bounds one look: a connection that hangs would else keep every revocation away without a word.
	readTimeout = 5 * time.Second
	// stale is the age at which what is known breaks the promise of ten seconds.
	stale = 10 * time.Second
)

// instruments are the metrics of keys.
type instruments struct {
	Age metric.Int64ObservableGauge `metric:"olly.keys.age" unit:"s" doc:"Time since the keys were last read from the database, or since the start; beyond ten seconds a revoked key may still open something."`
}

// Keeper tells a keyring and the bus which keys are good, again and again. Safe for concurrent use.
type Keeper struct {
	store   *Store
	ring    *auth.Keyring
	channel *bus.SnapshotChannel
	log     *slog.Logger
	now     func() time.Time

	mu        sync.Mutex
	known     bool
	read      time.Time // when the keys were last read, at first the start
	published error     // how the last publishing ended
}

// Keeper makes one for a keyring of this process, and for those who follow channel. Nothing is read before Run.
func (s *Store) Keeper(ring *auth.Keyring, channel *bus.SnapshotChannel, env service.Env) (*Keeper, error) {
	k := &Keeper{store: s, ring: ring, channel: channel, log: env.Log, now: env.Now, read: env.Now()}
	var m instruments
	if err := instrument.Make(env.Meter, &m); err != nil {
		return nil, fmt.Errorf("metrics of keys: %w", err)
	}
	return k, instrument.Observe(env.Meter, m.Age, func() int64 { return int64(k.age().Seconds()) })
}

func (k *Keeper) age() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now().Sub(k.read)
}

// Healthy is nil, or says that the keys are not known, that a revoked one may still be taken here, or that the bus will not take the list.
// A bus that is down is no fault of it: that is told by those who listen.
func (k *Keeper) Healthy(context.Context) error {
	age := k.age()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.known:
		return auth.ErrNotReady.New("which keys are good is not known yet")
	case age > stale:
		return auth.ErrStale.Newf("which keys are good was last read from the database %s ago", age.Round(time.Second))
	case k.published != nil && fault.ClassOf(k.published) != fault.Unavailable:
		return auth.ErrUnpublished.Wrap(k.published, "ingest is not told of the keys: "+fault.From(k.published).Message)
	}
	return nil
}

// Run reads and tells until ctx ends. While the database is down, what was known stays; a bus that is down keeps only those waiting who
// listen to it.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	var said [2]string
	complain := func(i int, step string, err error) {
		now := ""
		if err != nil {
			now = err.Error()
		}
		if now != said[i] && now != "" && ctx.Err() == nil {
			k.log.LogAttrs(ctx, slog.LevelWarn, "keys stay as they were", slog.String("step", step), slog.Any("error", err))
		}
		said[i] = now
	}
	for {
		read, published := k.once(ctx)
		complain(0, "read", read)
		if read == nil {
			complain(1, "publish", published)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// once is one look at the table. published is nil where nothing could be read.
func (k *Keeper) once(ctx context.Context) (read, published error) {
	began := k.now()
	limited, cancel := context.WithTimeout(ctx, readTimeout)
	keys, asOf, err := k.store.Good(limited)
	cancel()
	if err != nil {
		return err, nil
	}
	k.ring.Set(keys)
	k.mu.Lock()
	k.known, k.read = true, began
	k.mu.Unlock()
	published = k.publish(ctx, keys, asOf)
	k.mu.Lock()
	k.published = published
	k.mu.Unlock()
	return nil, published
}

func (k *Keeper) publish(ctx context.Context, keys []auth.Key, asOf time.Time) error {
	data, err := auth.EncodeKeys(keys)
	if err != nil {
		return err
	}
	_, err = k.channel.Publish(ctx, bus.Snapshot{AsOf: asOf, Data: data})
	return err
}
