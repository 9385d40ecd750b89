package writer

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// part is a batch of some of a request's items.
func part(of *held, o telemetry.Ordinals) *held {
	p := *of
	p.position = positions.Add(1)
	p.Payload, p.Ordinals, p.Items = telemetry.Cut(of.Signal, of.Payload, of.Covers(), o), o, o.Count()
	return &p
}

func ordinals(t *testing.T, text string) telemetry.Ordinals {
	t.Helper()
	o, err := telemetry.ParseOrdinals(text)
	require.NoError(t, err)
	return o
}

// stored are the items that the database has of the default tenant, each as often as it has it.
func (s *store) stored(t *testing.T, signal telemetry.Signal) []string {
	t.Helper()
	return flatten(t, signal, s.otlp(telemetry.DefaultTenant, signal))
}

func TestWhatOverlapsIsStoredOnce(t *testing.T) {
	t.Parallel()
	all := shopSpans(1, epoch, 100)
	for _, test := range []struct {
		name           string
		before, after  []string // the parts of two tries; "" is the whole
		dropped, known int      // batches and items of the second try that were there
	}{
		{"the same part", []string{"0-49"}, []string{"0-49"}, 1, 50},
		{"another part", []string{"0-49"}, []string{"50-99"}, 0, 0},
		{"the rest of it", []string{"0-49"}, []string{""}, 0, 50},
		{"some of it", []string{""}, []string{"0-49", "50-99"}, 2, 100},
		{"cut otherwise", []string{"0-39", "40-79", "80-99"}, []string{"0-59", "60-99"}, 2, 100},
		{"one part lost, cut otherwise", []string{"0-39", "80-99"}, []string{"0-59", "60-99"}, 0, 60},
		{"a hole filled", []string{"0-9,11-99"}, []string{""}, 0, 99},
		{"a hole made", []string{""}, []string{"0-9,11-99"}, 1, 99},
		{"holes that move", []string{"0-9,20-29"}, []string{"5-24,90"}, 0, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parts := func(of []string) (out []*held, covers telemetry.Ordinals) {
				for _, text := range of {
					h := all
					if text != "" {
						h = part(all, ordinals(t, text))
					}
					out, covers = append(out, h), covers.Union(h.Covers())
				}
				return out, covers
			}
			first, before := parts(test.before)
			second, after := parts(test.after)
			for _, oneFlush := range []bool{false, true} {
				s := newStore(t)
				var out outcome
				if oneFlush {
					out = s.put(telemetry.Traces, append(slices.Clone(first), second...)...)
				} else {
					require.Zero(t, s.put(telemetry.Traces, first...).repeated)
					out = s.put(telemetry.Traces, second...)
				}
				require.Equal(t, test.dropped, out.duplicates)
				require.Equal(t, test.known, out.repeated)
				want := before.Union(after)
				require.Equal(t, flatten(t, telemetry.Traces, telemetry.Cut(telemetry.Traces, all.Payload, all.Covers(), want)), s.stored(t, telemetry.Traces))
				_, rows := s.items(telemetry.Traces)
				require.Equal(t, int64(want.Count()), rows)
				require.Equal(t, rows, s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
				require.Equal(t, int64(1), s.count("SELECT count(*) FROM ingest_batch WHERE NOT guard"))
				require.Equal(t, len(first)+len(second), s.put(telemetry.Traces, append(first, second...)...).duplicates, "all of it is known")
			}
		})
	}
}

// What is known of a request is known on the next day, too, and what that adds on the day after it.
func TestPartsOfARequestAreKnownAfterMidnight(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	all := shopSpans(1, epoch, 30)
	s.clock.Set(time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC))
	require.Equal(t, 10, s.put(telemetry.Traces, part(all, ordinals(t, "0-9"))).items)
	s.clock.Advance(2 * time.Second)
	require.Equal(t, 10, s.put(telemetry.Traces, part(all, ordinals(t, "5-19"))).items)
	require.Equal(t, int64(20), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
	s.clock.Advance(23 * time.Hour)
	require.Equal(t, 10, s.put(telemetry.Traces, all).items)
	s.clock.Advance(2 * time.Hour)
	require.Equal(t, 1, s.put(telemetry.Traces, all).duplicates)
	s.clock.Set(epoch) // another writer's clock lags
	require.Equal(t, 1, s.put(telemetry.Traces, all).duplicates)
	require.Equal(t, int64(30), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
	require.Equal(t, flatten(t, telemetry.Traces, all.Payload), s.stored(t, telemetry.Traces))
}

// Of a request that comes again to a writer whose clock lags, nothing counts twice.
func TestARepeatOfYesterdayCountsNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	all := shopSpans(1, epoch, 30)
	require.Equal(t, 10, s.put(telemetry.Traces, part(all, ordinals(t, "0-9"))).items)
	s.clock.Advance(-6 * time.Hour)
	require.Equal(t, 1, s.put(telemetry.Traces, part(all, ordinals(t, "0-9"))).duplicates)
	require.Equal(t, int64(10), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
	require.Equal(t, 20, s.put(telemetry.Traces, all).items)
	require.Equal(t, int64(30), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
}

// A tenant is spread over more buckets, and over fewer, while its requests come again, to writers of which some have heard of it and some have not:
// each item is stored once, where it is by what its writer knew, and what was stored before stays where it is.
func TestATenantIsSpreadWhileItSends(t *testing.T) {
	t.Parallel()
	const requests, each = 24, 10
	s := newStore(t)
	var all []*held
	for i := range requests {
		all = append(all, shopSpans(uint64(i), epoch, each))
	}
	spread := func(w *store, buckets int) {
		_, err := s.db.Pool.Exec(testbed.Context(t), "INSERT INTO tenant_placement (tenant_id, since, buckets) VALUES ('default', $1, $2)", w.clock.Now(), buckets)
		require.NoError(t, err)
	}
	heard := openStore(t, s.db, s.clock)
	stored, want := 0, map[string]int{}
	put := func(w *store, batches ...*held) {
		t.Helper()
		for _, h := range batches {
			known := w.put(telemetry.Traces, copies([]*held{h})...)
			stored += known.items
		}
	}
	put(s, all[:6]...)
	want["default"] = 6
	spread(s, 4)
	_, err := heard.policies.reload(testbed.Context(t), s.clock.Now())
	require.NoError(t, err)
	put(heard, all[:12]...) // six of them again
	put(s, all[6:18]...)    // has not heard: six again, six new
	for _, h := range all[6:12] {
		want[string(h.Tenant.Placement(h.Request.Bucket(4), 4))]++
	}
	want["default"] += 6
	put(heard, all...)
	for _, h := range all[18:] {
		want[string(h.Tenant.Placement(h.Request.Bucket(4), 4))]++
	}
	s.clock.Advance(time.Hour)
	spread(s, 1)
	for _, w := range []*store{s, heard} {
		_, err := w.policies.reload(testbed.Context(t), s.clock.Now())
		require.NoError(t, err)
		put(w, all...)
		put(w, part(all[3], ordinals(t, "2-4")))
	}
	s.clock.Advance(22 * time.Hour)
	put(s, all...)
	require.Equal(t, requests*each, stored)
	segments, _ := s.items(telemetry.Traces)
	require.EqualValues(t, requests*each, segments)
	require.Equal(t, int64(requests*each), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
	require.Equal(t, int64(requests), s.count("SELECT count(*) FROM ingest_batch WHERE NOT guard"), "one row a request counts")
	got := map[string]int{}
	rows, err := s.db.Pool.Query(testbed.Context(t), "SELECT placement, sum(items) FROM spans_segment GROUP BY placement")
	require.NoError(t, err)
	var at string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&at, &n}, func() error { got[at] = n / each; return nil })
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Zero(t, s.count("SELECT count(*) FROM spans_segment g JOIN spans_fresh f USING (tenant_id, segment_id, slot) WHERE f.placement <> g.placement"))
}

// Requests are sent again and again: admitted otherwise, cut otherwise, by another build that cuts in a way of its own, some parts lost, some
// sent twice, to writers that work at the same time. Each item that any of it brought is there, once.
func TestHoweverARequestIsSentAgainEachItemIsStoredOnce(t *testing.T) {
	t.Parallel()
	const writers, requests, tries = 3, 8, 6
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(signal), 8))
			shop := testbed.NewShop(uint64(signal)+1, epoch)
			var all []*held
			var want []string
			for range requests {
				payload := shop.Payload(signal, 5+random.IntN(60))
				whole := batch(telemetry.DefaultTenant, signal, payload, len(flatten(t, signal, payload)))
				var brought telemetry.Ordinals
				for range tries {
					for _, h := range again(t, random, whole) {
						for range random.IntN(3) { // lost, once, twice
							all, brought = append(all, h), brought.Union(h.Covers())
						}
					}
				}
				want = append(want, flatten(t, signal, telemetry.Cut(signal, payload, whole.Covers(), brought))...)
			}
			slices.Sort(want)
			random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })

			s := newStore(t)
			var running sync.WaitGroup
			errs := make([]error, writers)
			for w := range writers {
				own := openStore(t, s.db, s.clock)
				mine := all[len(all)*w/writers : len(all)*(w+1)/writers]
				size := 1 + random.IntN(12)
				running.Go(func() {
					b := newBuild(signal)
					for flush := range slices.Chunk(mine, size) {
						if _, errs[w] = own.store(context.Background(), b, twinned(copies(flush))); errs[w] != nil {
							return
						}
					}
				})
			}
			running.Wait()
			for _, err := range errs {
				require.NoError(t, err)
			}
			require.Equal(t, want, s.stored(t, signal))
			require.Equal(t, int64(len(want)), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
		})
	}
}

// A request of which something had to be cut comes again under another limit, which cuts less, more, or nothing: each item is stored as it came
// first, and once.
func TestWhatWasCutIsNotStoredAgainWhole(t *testing.T) {
	t.Parallel()
	limits := []int{64 << 10, 100 << 10, 0}
	for first := range limits {
		s := newStore(t)
		shop := testbed.NewShop(11, epoch)
		traces := shop.Traces(20)
		spans := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
		for i := range spans.Len() {
			spans.At(i).Attributes().PutStr("prompt", strings.Repeat("möchte ", i*20_000))
		}
		payload := testbed.TracesPayload(traces)
		whole := batch(telemetry.DefaultTenant, telemetry.Traces, payload, traces.SpanCount())
		var sent []string
		for try := range limits {
			a, err := telemetry.Admit(telemetry.Traces, payload, telemetry.Limits{MaxBytes: limits[(first+try)%len(limits)]})
			require.NoError(t, err)
			require.Equal(t, whole.Items, a.Items, a.Message())
			for p := range a.Parts(epoch.UnixNano()) {
				h := *whole
				h.position, h.Payload, h.Ordinals, h.Items = positions.Add(1), p.Payload, p.Ordinals, p.Items
				s.put(telemetry.Traces, &h)
				if try == 0 {
					sent = append(sent, flatten(t, telemetry.Traces, p.Payload)...)
				}
			}
		}
		slices.Sort(sent)
		require.Equal(t, sent, s.stored(t, telemetry.Traces))
	}
}

// again is one try to send a request.
func again(t *testing.T, random *rand.Rand, whole *held) []*held {
	t.Helper()
	if random.IntN(4) == 0 { // a build that deals the items out to batches
		n := 1 + random.IntN(4)
		sets := make([]telemetry.Ordinals, n)
		for i := range uint32(whole.Items) {
			k := random.IntN(n + 1)
			if k < n {
				sets[k] = sets[k].Union(telemetry.Ordinals{{From: i, To: i + 1}})
			}
		}
		var out []*held
		for _, o := range sets {
			if o != nil {
				out = append(out, part(whole, o))
			}
		}
		return out
	}
	limits := telemetry.Limits{}
	if random.IntN(2) == 0 {
		limits.MinTime = epoch.Add(time.Duration(random.IntN(2000)-1000) * time.Millisecond).UnixNano()
	}
	if random.IntN(2) == 0 {
		limits.MaxBytes = 2000 + random.IntN(20_000)
	}
	a, err := telemetry.Admit(whole.Signal, whole.Payload, limits)
	require.NoError(t, err)
	var out []*held
	for p := range a.Parts(epoch.UnixNano()) {
		h := *whole
		h.position, h.Payload, h.Ordinals, h.Items = positions.Add(1), p.Payload, p.Ordinals, p.Items
		out = append(out, &h)
	}
	return out
}

// copies are deliveries of their own.
func copies(of []*held) []*held {
	out := make([]*held, len(of))
	for i, h := range of {
		one := *h
		out[i] = &one
	}
	return out
}

// Writers whose clocks are days apart go by that of the database: what is of today is stored, and what one has stored the other knows.
func TestWritersWhoseClocksAreWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	now := time.Now()
	writer := func(ahead time.Duration) *database {
		env := testbed.Env(t)
		env.Now = func() time.Time { return time.Now().Add(ahead) }
		w, err := New(r.cfg, env)
		require.NoError(t, err)
		t.Cleanup(func() {
			w.bus.Close()
			w.pool.Close()
		})
		return w.db
	}
	h := shopSpans(1, now.Add(-time.Minute), 20)
	for n, ahead := range []time.Duration{-3 * day, 3 * day, 0} {
		out, err := writer(ahead).store(testbed.Context(t), newBuild(telemetry.Traces), []*held{h})
		require.NoError(t, err)
		require.Empty(t, out.refused, ahead)
		require.Equal(t, min(n, 1), out.duplicates, "a writer %s ahead", ahead)
	}
	segments, _ := r.store.items(telemetry.Traces)
	require.EqualValues(t, 20, segments)
}
