package writer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// usage is what the database says of a tenant, whatever the day.
func (s *store) usage(tenant telemetry.Tenant, signal telemetry.Signal) (items, bytes int64) {
	s.t.Helper()
	for what, to := range map[string]*int64{"items": &items, "bytes": &bytes} {
		*to = s.count("SELECT coalesce(sum("+what+"), 0)::bigint FROM tenant_usage WHERE tenant_id = $1 AND signal = $2", string(tenant), int16(signal))
	}
	return items, bytes
}

func TestUsageIsWhatIsStoredHoweverOftenItCame(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	other := openStore(t, s.db, s.clock)
	var sent, bytes int64
	for _, signal := range telemetry.Signals() {
		h := sample(signal, epoch)
		out := s.put(signal, h)
		again := sample(signal, epoch)
		require.Zero(t, other.put(signal, again).items, "a retry, by another writer")
		items, stored := s.usage("default", signal)
		require.Equal(t, []int64{int64(out.items), int64(len(h.Payload))}, []int64{items, stored})
	}
	// A retry that comes with new ones: the flush is built again, and counted as it is stored.
	first, second := shopSpans(1, epoch, 30), shopSpans(2, epoch, 20)
	second.Tenant = "shop"
	before, _ := s.usage("default", telemetry.Traces)
	s.put(telemetry.Traces, first)
	sent, bytes = before+30, int64(len(second.Payload))
	s.put(telemetry.Traces, shopSpans(1, epoch, 30), second)
	items, _ := s.usage("default", telemetry.Traces)
	require.Equal(t, sent, items)
	items, stored := s.usage("shop", telemetry.Traces)
	require.Equal(t, []int64{20, bytes}, []int64{items, stored})

	// What the database did not commit is not counted.
	errStopped := errors.New("killed")
	b := newBuild(telemetry.Traces)
	lost := shopSpans(3, epoch, 25)
	policy, err := s.policies.load(testbed.Context(t), s.now())
	require.NoError(t, err)
	_, err = b.fill([]*held{lost}, s.plan(policy, telemetry.Traces))
	require.NoError(t, err)
	require.NoError(t, s.prepare(testbed.Context(t), s.pool, b, s.now()))
	err = pgx.BeginFunc(testbed.Context(t), s.db.Pool, func(tx pgx.Tx) error {
		_, err := s.database.put(testbed.Context(t), tx, b, []*held{lost}, s.plan(policy, telemetry.Traces))
		return errors.Join(errStopped, err)
	})
	require.ErrorIs(t, err, errStopped)
	items, _ = s.usage("default", telemetry.Traces)
	require.Equal(t, sent, items)
	s.put(telemetry.Traces, shopSpans(3, epoch, 25))
	items, _ = s.usage("default", telemetry.Traces)
	require.Equal(t, sent+25, items)
	segments, _ := s.items(telemetry.Traces)
	require.Equal(t, s.count("SELECT sum(items)::bigint FROM tenant_usage WHERE signal = 0"), segments)
}

func TestUsageCountsForTheDayOnWhichIngestTookIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i, at := range []time.Time{epoch, epoch.Add(-48 * time.Hour), epoch.Add(-200 * 24 * time.Hour), epoch.Add(72 * time.Hour), {}} {
		h := shopSpans(uint64(i)+1, epoch, 10)
		h.Received = at
		s.put(telemetry.Traces, h)
	}
	require.EqualValues(t, 40, s.count("SELECT sum(items)::bigint FROM tenant_usage WHERE day = $1", epoch), "what a batch says of its day must be likely")
	require.EqualValues(t, 10, s.count("SELECT sum(items)::bigint FROM tenant_usage WHERE day = $1", epoch.Add(-48*time.Hour)))
	quotas, err := quotastore.New(s.db.Pool)
	require.NoError(t, err)
	days, more, err := quotas.Usage(testbed.Context(t), quotastore.UsageQuery{Tenants: []telemetry.Tenant{"default"}, From: epoch.Add(-72 * time.Hour), To: epoch, Limit: 10})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, days, 2)
	require.Equal(t, []any{int64(40), telemetry.Traces}, []any{days[1].Items, days[1].Signal})
}

func TestSeriesCountOnceADayWhoeverSeesThem(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	other := openStore(t, s.db, s.clock)
	counted := func() int64 {
		return s.count("SELECT coalesce(sum(series), 0)::bigint FROM tenant_usage WHERE tenant_id = 'default' AND signal = 2 AND day = $1", s.now())
	}
	seen := func() int64 {
		return s.count("SELECT count(*) FROM series_dim WHERE tenant_id = 'default' AND last_seen_day = $1", s.now())
	}
	// Two writers see the same series, at the same time and one after the other: each counts what the other does not.
	errs := make(chan error, 4)
	for n, w := range []*store{s, other, s, other} {
		go func() {
			_, err := w.store(testbed.Context(t), newBuild(telemetry.Metrics), []*held{s.points(uint64(n) + 1)})
			errs <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
	first := seen()
	require.Greater(t, first, int64(10))
	require.Equal(t, first, counted())
	require.Zero(t, other.put(telemetry.Metrics, s.points(1)).items, "a retry")
	require.Equal(t, first, counted())
	s.clock.Advance(day)
	require.Zero(t, counted(), "a new day")
	other.put(telemetry.Metrics, s.points(5))
	s.put(telemetry.Metrics, s.points(6))
	require.Positive(t, seen())
	require.Equal(t, seen(), counted())
	require.Equal(t, first, s.count("SELECT sum(series)::bigint FROM tenant_usage WHERE day = $1", epoch), "yesterday's stay")
}

// Two flushes meet the same series on a new day, and the one that is moving them is rolled back: its batches come again, here or to another one.
func TestSeriesOfAFlushThatWasRolledBackAreCounted(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.put(telemetry.Metrics, s.points(1))
	s.clock.Advance(day)
	ctx := testbed.Context(t)
	lost := s.points(2)
	b := newBuild(telemetry.Metrics)
	policy, err := s.policies.load(ctx, s.now())
	require.NoError(t, err)
	_, err = b.fill([]*held{lost}, s.plan(policy, telemetry.Metrics))
	require.NoError(t, err)
	require.NoError(t, s.prepare(ctx, s.pool, b, s.now()))
	tx, err := s.db.Pool.Begin(ctx)
	require.NoError(t, err)
	_, err = s.database.put(ctx, tx, b, []*held{lost}, s.plan(policy, telemetry.Metrics))
	require.NoError(t, err)
	s.put(telemetry.Metrics, s.points(3)) // it sees the same meanwhile
	require.NoError(t, tx.Rollback(ctx))
	require.Zero(t, s.seriesOf(s.now()), "they were left to the other one")
	s.put(telemetry.Metrics, lost)
	all := s.count("SELECT count(*) FROM series_dim")
	require.Greater(t, all, int64(10))
	require.Equal(t, all, s.seriesOf(s.now()))
	for _, table := range []string{"series_dim", "resource_dim", "scope_dim", "service_dim"} {
		require.Zero(t, s.count("SELECT count(*) FROM "+table+" WHERE last_seen_day <> $1", s.now()), table)
	}
	s.put(telemetry.Metrics, s.points(4))
	require.Equal(t, all, s.seriesOf(s.now()), "and then they are known")
}

// A clock that was ahead for a moment takes the series of the days after it from nobody, whether or not a writer was there when it was.
func TestSeriesCountAfterAClockThatWasAhead(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.put(telemetry.Metrics, s.points(1))
	all := s.seriesOf(epoch)
	require.Positive(t, all)
	s.clock.Advance(30 * day)
	s.put(telemetry.Metrics, s.points(2))
	s.clock.Advance(-29 * day)
	openStore(t, s.db, s.clock).put(telemetry.Metrics, s.points(3)) // a writer that remembers nothing
	require.Equal(t, all, s.seriesOf(s.now()))
	s.clock.Advance(day)
	s.put(telemetry.Metrics, s.points(4)) // and one that remembers the day ahead
	require.Equal(t, all, s.seriesOf(s.now()))

	// At midnight the clocks of two writers differ a little: the day after counts as seen, and its series do not go to and fro.
	other := openStore(t, s.db, s.clock)
	tomorrow := s.now().Add(day)
	s.clock.Advance(day)
	other.put(telemetry.Metrics, s.points(5))
	s.clock.Advance(-day)
	s.put(telemetry.Metrics, s.points(6))
	openStore(t, s.db, s.clock).put(telemetry.Metrics, s.points(7))
	require.Equal(t, all, s.seriesOf(s.now()))
	require.Equal(t, all, s.seriesOf(tomorrow))
	require.Equal(t, all, s.count("SELECT count(*) FROM series_dim WHERE last_seen_day = $1", tomorrow))
}

// points is a batch of metrics of now, always of the same series.
func (s *store) points(seed uint64) *held {
	return batch(telemetry.DefaultTenant, telemetry.Metrics, testbed.NewShop(seed, s.now()).Payload(telemetry.Metrics, 300), 300)
}

// seriesOf is how many series were counted on a day.
func (s *store) seriesOf(at time.Time) int64 {
	s.t.Helper()
	return s.count("SELECT coalesce(sum(series), 0)::bigint FROM tenant_usage WHERE day = $1", at)
}

func TestFlushesOfATenantDoNotWaitForOneAnothersUsage(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.put(telemetry.Traces, shopSpans(1, epoch, 10))
	ctx := testbed.Context(t)
	tx, err := s.db.Pool.Begin(ctx) // a flush that takes its time
	require.NoError(t, err)
	u := usage{}
	u.add(shopSpans(2, epoch, 5), 5, epoch)
	require.NoError(t, u.send(ctx, tx, s.sql.addUsage, telemetry.Traces, 7))
	limited, cancel := context.WithTimeout(ctx, testbed.Patience)
	defer cancel()
	for i := range uint64(3) {
		_, err := s.store(limited, newBuild(telemetry.Traces), []*held{shopSpans(3+i, epoch, 10)})
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit(ctx))
	var all sync.WaitGroup
	for i := range uint64(20) {
		all.Go(func() { _, _ = s.store(ctx, newBuild(telemetry.Traces), []*held{shopSpans(10+i, epoch, 10)}) })
	}
	all.Wait()
	items, _ := s.usage("default", telemetry.Traces)
	require.EqualValues(t, 45+200, items)
	require.LessOrEqual(t, s.count("SELECT count(*) FROM tenant_usage"), int64(25), "no more rows than flushers")
}

func TestLimitsAreToldOverTheBusWithinSeconds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	channel := r.bus.Snapshots(telemetry.QuotaSnapshot, bus.Seal{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- channel.Follow(ctx, func(bus.Snapshot) error { return nil }) }()
	defer func() {
		cancel()
		require.NoError(t, <-done)
	}()
	r.start()
	knows := func(text string) func() bool {
		return func() bool {
			s, ok := channel.Known()
			return ok && strings.Contains(string(s.Data), text)
		}
	}
	testbed.Eventually(t, "nothing is limited", knows("null"))
	store, err := quotastore.New(r.store.db.Pool)
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, store.Set(ctx, "shop", []quotastore.Change{{Limit: telemetry.LimitSpans, Value: 77}}))
	testbed.Eventually(t, "a limit", knows(`{"shop":{"spans_per_second":77}}`))
	require.Less(t, time.Since(began), testbed.Prompt)
}
