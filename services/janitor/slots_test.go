package janitor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// full are the slots of a signal that hold something.
func (f *fixture) full(signal telemetry.Signal) (out []int) {
	f.t.Helper()
	states, err := f.s.slots(testbed.Context(f.t), signal)
	require.NoError(f.t, err)
	for _, s := range states {
		out = append(out, s.Number)
	}
	return out
}

// gathered flushes four times and puts together what came, so that the slot of the flushes is named by no header any more: it is returned.
func (f *fixture) gathered(signal telemetry.Signal) int {
	f.t.Helper()
	shop := testbed.NewShop(11, start())
	for range 4 {
		f.flush("default", signal, shop.Payload(signal, 100))
	}
	at := segmentrow.SlotOf(segmentrow.LevelFlush, f.clock.Now())
	require.Equal(f.t, []int{at}, f.full(signal))
	f.clock.Set(start().Add(2 * time.Minute))
	f.pass()
	require.Equal(f.t, map[int]int{1: 1}, f.levels("default", signal))
	return at
}

// The bodies of what was merged stay for as long as a query may take that began before; then their slot is emptied, and it is good for more.
func TestASlotIsEmptiedWhenNoHeaderHasNamedItForLong(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			f := newFixture(t)
			at := f.gathered(signal)
			before := f.contents("default", signal)
			hour := segmentrow.SlotOf(segmentrow.LevelGathered, f.clock.Now())
			require.Equal(t, []int{at, hour}, f.full(signal))
			f.clock.Advance(f.s.cfg.Merge.SlotDelay - time.Second)
			f.pass()
			require.Equal(t, []int{at, hour}, f.full(signal))
			f.clock.Advance(time.Second)
			f.pass()
			require.Equal(t, []int{hour}, f.full(signal))
			same(t, before, f.contents("default", signal))

			// The hour is over: its slot, too.
			f.clock.Set(start().Add(2 * time.Hour))
			f.pass()
			require.Equal(t, map[int]int{2: 1}, f.levels("default", signal))
			f.clock.Advance(f.s.cfg.Merge.SlotDelay)
			f.pass()
			require.Empty(t, f.full(signal))
			same(t, before, f.contents("default", signal))
		})
	}
}

// turn is after how long a slot of minutes is written to again.
const turn = schema.MinuteSlots * time.Minute

// turned flushes into a slot again, a turn of the ring after it was merged, and goes to when that is due to be merged.
func (f *fixture) turned(at int) {
	f.t.Helper()
	f.clock.Set(start().Add(turn))
	shop := testbed.NewShop(12, f.clock.Now())
	for range 3 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 50))
	}
	require.Equal(f.t, at, segmentrow.SlotOf(segmentrow.LevelFlush, f.clock.Now()))
	f.clock.Set(start().Add(turn + 2*time.Minute + 30*time.Second))
}

// stays passes until just before a slot that has just been left may be emptied, and a second more.
func (f *fixture) stays(at int) {
	f.t.Helper()
	f.pass()
	require.Contains(f.t, f.full(telemetry.Traces), at, "left in this instant")
	f.clock.Advance(f.s.cfg.Merge.SlotDelay - time.Second)
	f.pass()
	require.Contains(f.t, f.full(telemetry.Traces), at)
	f.clock.Advance(time.Second)
	f.pass()
	require.NotContains(f.t, f.full(telemetry.Traces), at)
}

// leads waits until a janitor leads: the server may take a while to notice that another has gone.
func (f *fixture) leads(s *Service) {
	f.t.Helper()
	testbed.Eventually(f.t, "the other has gone", func() bool {
		leads, err := s.lead(testbed.Context(f.t))
		require.NoError(f.t, err)
		return leads
	})
}

// What a janitor remembers of slots is of when it led: another has merged since.
func TestWhoLeadsAgainWaitsAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := f.gathered(telemetry.Traces)
	f.s.resign()
	other := f.janitor()
	t.Cleanup(func() { other.resign(); other.pool.Close() })
	f.turned(at)
	ctx := testbed.Context(t)
	f.leads(other)
	require.NoError(t, other.merge(ctx))
	other.resign()
	f.leads(f.s)
	f.stays(at)
}

// A slot that was filled and merged between two looks, of which the janitor saw nothing but that no header names it, has been left only now.
func TestASlotThatAMergeHasJustLeftWaitsAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := f.gathered(telemetry.Traces)
	f.turned(at)
	f.stays(at)
}

// So it is with headers that expire: who reads them has begun before.
func TestASlotOfWhatHasExpiredWaitsAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := f.gathered(telemetry.Traces)
	f.turned(at)
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE spans_segment SET min_time = min_time - $1, max_time = max_time - $1`, (5 * 24 * time.Hour).Nanoseconds())
	require.NoError(t, err)
	_, err = f.db.Pool.Exec(testbed.Context(t), `UPDATE retention_policy SET days = 1`)
	require.NoError(t, err)
	f.s.upkept = time.Time{}
	f.stays(at)
}

// What is alone in its minute, or of an hour that does not end, keeps its slot for some minutes only.
func TestWhatIsAloneIsPutBy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(12, start())
	f.flush("alone", telemetry.Logs, shop.Payload(telemetry.Logs, 20))
	ahead := testbed.NewShop(13, start().Add(20*time.Hour))
	f.flush("ahead", telemetry.Logs, ahead.Payload(telemetry.Logs, 20))
	before, early := f.contents("alone", telemetry.Logs), f.contents("ahead", telemetry.Logs)
	for minute := range gathered {
		f.clock.Set(start().Add(time.Duration(minute) * time.Minute))
		f.pass()
		require.Equal(t, map[int]int{0: 1}, f.levels("alone", telemetry.Logs))
	}
	f.clock.Set(start().Add(gathered * time.Minute))
	f.pass()
	require.Equal(t, map[int]int{1: 1}, f.levels("alone", telemetry.Logs))
	require.Equal(t, map[int]int{1: 1}, f.levels("ahead", telemetry.Logs))
	f.clock.Set(start().Add(2 * time.Hour))
	f.pass()
	require.Equal(t, map[int]int{2: 1}, f.levels("alone", telemetry.Logs))
	require.Equal(t, map[int]int{2: 1}, f.levels("ahead", telemetry.Logs), "its slot is written to again in two hours")
	f.clock.Advance(4 * time.Minute) // two hours are some turns of the ring: the slot seemed to be of now
	f.pass()
	require.Empty(t, f.full(telemetry.Logs))
	same(t, before, f.contents("alone", telemetry.Logs))
	same(t, early, f.contents("ahead", telemetry.Logs))
}

// A body that is nowhere keeps no slot either; its header stays, to say what is missing, and stays at level 0, since nobody could count its items.
func TestAHeaderWithoutABodyKeepsNoSlot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.flush("default", telemetry.Logs, testbed.NewShop(14, start()).Payload(telemetry.Logs, 20))
	_, err := f.db.Pool.Exec(testbed.Context(t), `TRUNCATE logs_fresh`)
	require.NoError(t, err)
	f.clock.Set(start().Add(4 * time.Minute))
	f.pass()
	f.clock.Set(start().Add(2 * time.Hour))
	f.pass()
	require.Equal(t, map[int]int{0: 1}, f.levels("default", telemetry.Logs))
	require.Empty(t, f.full(telemetry.Logs))
}

// Who has a slot open keeps it, for as long as that takes, and nobody waits long for it: a dump of the database, a writer that is stopped in the middle
// of its transaction. What such a writer then commits is not lost.
func TestASlotThatIsOpenIsNotEmptied(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t, func(c *Config) { c.Merge.SlotDelay = 0 })
	shop := testbed.NewShop(15, start())
	for range 4 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 50))
	}
	at := segmentrow.SlotOf(segmentrow.LevelFlush, f.clock.Now())
	leaf := schema.FreshLeaf(schema.SpansFresh, at)

	dump, err := f.db.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	defer func() { _ = dump.Rollback(context.WithoutCancel(ctx)) }()
	_, err = dump.Exec(ctx, `LOCK TABLE spans_segment, spans_fresh, spans_body IN ACCESS SHARE MODE`)
	require.NoError(t, err)

	f.clock.Set(start().Add(2 * time.Minute))
	began := time.Now()
	f.pass()
	require.Less(t, time.Since(began), testbed.Patience)
	require.Equal(t, map[int]int{1: 1}, f.levels("default", telemetry.Traces), "merging goes on")
	require.Contains(t, f.full(telemetry.Traces), at)
	var seen int
	require.NoError(t, dump.QueryRow(ctx, `SELECT count(*) FROM `+leaf).Scan(&seen))
	require.Equal(t, 4, seen)
	require.NoError(t, dump.Rollback(ctx))

	writer, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = writer.Rollback(context.WithoutCancel(ctx)) }()
	table := segment.NewTable("late", telemetry.Traces)
	_, err = table.Append(shop.Payload(telemetry.Traces, 30), 77)
	require.NoError(t, err)
	seg, err := table.Encode(table.Slices(1000)[0], 0)
	require.NoError(t, err)
	require.NoError(t, segmentrow.Copy(ctx, writer, telemetry.Traces, []segmentrow.Row{segmentrow.New(seg, "late", start())}, nil))
	f.pass()
	require.Contains(t, f.full(telemetry.Traces), at, "somebody is writing to it")
	require.NoError(t, writer.Commit(ctx))
	f.pass()
	require.Contains(t, f.full(telemetry.Traces), at, "and has written")
	require.Len(t, f.contents("late", telemetry.Traces).places, seg.Items)

	f.clock.Set(start().Add(5 * time.Minute))
	f.pass()
	require.NotContains(t, f.full(telemetry.Traces), at)
	require.Len(t, f.contents("late", telemetry.Traces).places, seg.Items)
	require.Len(t, f.contents("default", telemetry.Traces).places, 200)
}

// A header that comes between the last look and the lock is seen under the lock.
func TestASlotIsLookedAtUnderTheLock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := f.gathered(telemetry.Metrics)
	f.clock.Set(start())
	f.flush("late", telemetry.Metrics, testbed.NewShop(16, start()).Payload(telemetry.Metrics, 20))
	require.NoError(t, f.s.empty(testbed.Context(t), slot{telemetry.Metrics, at}, 0))
	require.Contains(t, f.full(telemetry.Metrics), at)
	require.NotEmpty(t, f.contents("late", telemetry.Metrics).places)
}

// The end of the janitor's session in the middle of a step leaves everything as it was, whatever the step.
func TestACrashInAnyStepChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ table, when string }{
		"a gathered body":    {"spans_fresh", "NEW.slot >= 8"},
		"a gathered header":  {"spans_segment", "NEW.level = 1"},
		"a settled body":     {"spans_body", "true"},
		"a settled header":   {"spans_segment", "NEW.level = 2"},
		"the filters of all": {"spans_group", "true"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := testbed.Context(t)
			f := newFixture(t, func(c *Config) { c.Merge.SlotDelay = 0 })
			shop := testbed.NewShop(17, start())
			for range 6 {
				f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 900))
			}
			before := f.contents("default", telemetry.Traces)
			_, err := f.db.Pool.Exec(ctx, `CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
				CREATE TRIGGER boom BEFORE INSERT ON `+c.table+` FOR EACH ROW WHEN (`+c.when+`) EXECUTE FUNCTION boom()`)
			require.NoError(t, err)
			failed := 0
			for _, after := range []time.Duration{2 * time.Minute, 4 * time.Minute, 2 * time.Hour, 2*time.Hour + 4*time.Minute} {
				f.clock.Set(start().Add(after))
				if f.s.pass(ctx) != nil {
					failed++
				}
				same(t, before, f.contents("default", telemetry.Traces))
			}
			require.Positive(t, failed)
			_, err = f.db.Pool.Exec(ctx, `DROP FUNCTION boom() CASCADE`)
			require.NoError(t, err)
			for range 2 {
				f.pass()
			}
			same(t, before, f.contents("default", telemetry.Traces))
			require.Zero(t, f.levels("default", telemetry.Traces)[0]+f.levels("default", telemetry.Traces)[1])
		})
	}
}

// A busy minute is settled at once, its filters in groups; what comes late for it, and a quiet neighbour, go the long way.
func TestABusyMinuteIsSettledAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	busy := testbed.NewShop(18, start()).Every(time.Microsecond)
	for range 9 {
		f.flush("busy", telemetry.Logs, busy.Payload(telemetry.Logs, 4000))
	}
	quiet := testbed.NewShop(19, start())
	for range 3 {
		f.flush("quiet", telemetry.Logs, quiet.Payload(telemetry.Logs, 30))
	}
	before := f.contents("busy", telemetry.Logs)
	f.clock.Set(start().Add(2 * time.Minute))
	f.pass()
	levels := f.levels("busy", telemetry.Logs)
	require.GreaterOrEqual(t, levels[2], settledFrom)
	require.Equal(t, map[int]int{2: levels[2]}, levels)
	require.Equal(t, map[int]int{1: 1}, f.levels("quiet", telemetry.Logs))
	var grouped int
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT sum(cardinality(segments)) FROM logs_group WHERE tenant_id = 'busy'`).Scan(&grouped))
	require.Equal(t, levels[2], grouped)
	same(t, before, f.contents("busy", telemetry.Logs))

	late := testbed.NewShop(20, start())
	for range 2 {
		f.flush("busy", telemetry.Logs, late.Payload(telemetry.Logs, 30))
	}
	f.clock.Set(start().Add(2 * time.Hour))
	f.pass()
	require.Equal(t, map[int]int{2: levels[2] + 1}, f.levels("busy", telemetry.Logs), "what is settled is written no more")
	require.Len(t, f.contents("busy", telemetry.Logs).places, len(before.places)+60)
}

// Readers go by headers of one snapshot and then by leaves, while segments are merged and slots emptied at once: they see every item once, or that
// they must begin anew.
func TestReadersBesideEmptiedSlots(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Merge.SlotDelay = 0 })
	ctx, stop := context.WithCancel(testbed.Context(t))
	defer stop()
	shop := testbed.NewShop(21, start())
	for range 8 {
		f.flush("steady", telemetry.Traces, shop.Payload(telemetry.Traces, 100))
	}
	type at struct {
		ID      [16]byte
		MinTime int64
		Slot    int
		Items   int
	}
	var wrong error
	var anew, whole int
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil && wrong == nil {
			items, found := 0, 0
			err := postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
				rows, err := tx.Query(ctx, `SELECT segment_id, min_time, slot, items FROM spans_segment WHERE tenant_id = 'steady'`)
				if err != nil {
					return err
				}
				headers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[at])
				if err != nil {
					return err
				}
				time.Sleep(time.Millisecond) //nolint:forbidigo // so that a merge comes between
				for _, h := range headers {
					items += h.Items
					var n int
					if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+segmentrow.Leaf(telemetry.Traces, h.Slot, h.MinTime)+` WHERE segment_id = $1`, h.ID).Scan(&n); err != nil {
						return err
					}
					found += n * h.Items
				}
				return nil
			})
			switch {
			case ctx.Err() != nil:
			case err != nil:
				wrong = err
			case items != 800:
				wrong = fmt.Errorf("a reader sees headers of %d items of 800", items)
			case found < items:
				anew++
			default:
				whole++
			}
		}
	})
	before := f.contents("steady", telemetry.Traces)
	for _, after := range []time.Duration{2 * time.Minute, 4 * time.Minute, 2 * time.Hour, 2*time.Hour + 4*time.Minute, 3 * time.Hour} {
		f.clock.Set(start().Add(after))
		f.pass()
		same(t, before, f.contents("steady", telemetry.Traces))
	}
	stop()
	wg.Wait()
	require.NoError(t, wrong)
	require.Positive(t, whole)
	require.Empty(t, f.full(telemetry.Traces))
	t.Logf("%d looks were whole, %d had to begin anew", whole, anew)
}

// Deleting what was merged is logged for headers and for no body, of which each 2 kB would take 60 bytes: a byte a span more. (The server of the tests
// logs no whole pages; one that does logs each of these once after a checkpoint, which for bodies was 40 to 50 bytes a span.)
func TestMergingDeletesNoBytes(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	shop := testbed.NewShop(22, start())
	const flushes, each = 40, 750
	for range flushes {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, each))
	}
	members, err := f.s.members(ctx, telemetry.Traces, segmentrow.LevelGathered, "default", 0, start().Add(time.Hour).UnixNano())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(members), flushes)
	var stored, items int64
	for _, m := range members {
		stored, items = stored+m.Bytes, items+int64(m.Items)
	}
	require.Equal(t, int64(flushes*each), items)
	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	from, to := bounds(members)
	var plan []struct {
		Plan struct {
			Bytes int64 `json:"WAL Bytes"`
		}
	}
	require.NoError(t, tx.QueryRow(ctx, `EXPLAIN (ANALYZE, WAL, FORMAT JSON) `+f.s.sql.of[telemetry.Traces].remove, "default", from, to, ids(members), "default").Scan(&plan))
	t.Logf("%d bytes of WAL, %.1f a span, beside %.1f stored", plan[0].Plan.Bytes, float64(plan[0].Plan.Bytes)/float64(items), float64(stored)/float64(items))
	require.Positive(t, plan[0].Plan.Bytes)
	require.Less(t, float64(plan[0].Plan.Bytes)/float64(items), 0.5)
}

// Who comes once empties the slots of this minute, too: it is not there in the next.
func TestOnceEmptiesWhatIsStillWrittenTo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	hour := start().Truncate(time.Hour).Add(-time.Hour) // closed, and stored now
	shop := testbed.NewShop(23, hour)
	for range 3 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 50))
	}
	before := f.contents("default", telemetry.Traces)
	require.NotEmpty(t, f.full(telemetry.Traces))
	once := f.janitor(func(c *Config) { c.Once, c.Merge.SlotDelay = true, 0 })
	require.NoError(t, once.Run(testbed.Context(t)))
	require.Equal(t, map[int]int{2: 1}, f.levels("default", telemetry.Traces))
	require.Empty(t, f.full(telemetry.Traces))
	same(t, before, f.contents("default", telemetry.Traces))
}

// A slot waits for its delay and not for the next tick as well.
func TestASlotIsEmptiedBetweenTicks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := f.gathered(telemetry.Traces)
	f.s.resign()
	began, clock := time.Now(), f.clock.Now()
	s := f.janitor(func(c *Config) { c.Interval, c.Merge.SlotDelay = time.Hour, 50*time.Millisecond })
	s.now = func() time.Time { return clock.Add(time.Since(began)) }
	f.leads(s)
	ctx, stop := context.WithCancel(testbed.Context(t))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	testbed.Eventually(t, "the slot is emptied before the next tick", func() bool { return !slices.Contains(f.full(telemetry.Traces), at) })
	stop()
	require.NoError(t, <-done)
}
