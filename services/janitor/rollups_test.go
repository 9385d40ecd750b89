package janitor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// spansOf is what is counted: how many spans, and how many failed ones, of a tenant, service, operation, minute (Unix) and bucket of duration.
type spansOf struct {
	tenant                   telemetry.Tenant
	service, namespace, name string
	kind, minute, bucket     int64
	failed                   bool
}

// inSegments counts the spans of segments as plainly as can be: of those of level 0, or of all.
func (f *fixture) inSegments(all bool) map[spansOf]int64 {
	f.t.Helper()
	out := map[spansOf]int64{}
	whole := segmentrow.SelectAll()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT `+whole.List("s")+` FROM `+segmentrow.From(telemetry.Traces))
	require.NoError(f.t, err)
	require.NoError(f.t, whole.ForEach(rows, func(r *segmentrow.Row) error {
		if r.Level > 0 && !all {
			return nil
		}
		t := segment.NewTable(r.Tenant, telemetry.Traces)
		if err := add(t, &r.Segment); err != nil {
			return err
		}
		for i := range t.N {
			of := t.Resources[t.Ints[segment.ColResource][i]]
			out[spansOf{
				r.Tenant, of.ServiceName, of.ServiceNamespace, string(t.Values[t.Texts[segment.TextName][i]].Raw), t.Ints[segment.ColKind][i],
				t.Ints[segment.ColTime][i] / int64(time.Minute), int64(red.BucketOf(t.Ints[segment.ColTime][i], t.Ints[segment.ColDuration][i])), false,
			}]++
			if t.Ints[segment.ColStatus][i] == otlp.StatusError {
				out[spansOf{
					r.Tenant, of.ServiceName, of.ServiceNamespace, string(t.Values[t.Texts[segment.TextName][i]].Raw), t.Ints[segment.ColKind][i],
					t.Ints[segment.ColTime][i] / int64(time.Minute), 0, true,
				}]++
			}
		}
		return nil
	}))
	return out
}

// inRollups adds what the rollups of some grains say, by minutes, or by hours and days where it is whole.
func (f *fixture) inRollups(out map[spansOf]int64, grains []rollup.Grain, blob func(*rollup.Row) []byte, unit time.Duration) {
	f.t.Helper()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT `+rolluprow.Columns+` FROM rollup WHERE grain = ANY($1) AND kind = 0`, grains)
	require.NoError(f.t, err)
	var c red.Chunk
	for r, err := range rolluprow.Read(rows) {
		require.NoError(f.t, err)
		require.NoError(f.t, c.Decode(blob(r)))
		for _, s := range c.Services {
			for _, o := range s.Operations {
				for _, cell := range o.Cells {
					k := spansOf{r.Tenant, s.Name, s.Namespace, o.Name, int64(o.Kind), r.Start/int64(unit) + int64(cell.Minute), 0, true}
					if cell.Errors > 0 {
						out[k] += cell.Errors
					}
					for _, b := range cell.Buckets {
						k.bucket, k.failed = int64(b.Number), false
						out[k] += b.Count
					}
				}
			}
		}
	}
}

// by makes the units of time coarser.
func by(minutes map[spansOf]int64, n int64) map[spansOf]int64 {
	out := map[spansOf]int64{}
	for k, count := range minutes {
		k.minute /= n
		out[k] += count
	}
	return out
}

// equal holds what is not merged together with the rollups to a count of everything, and hours and days to their minutes.
func (f *fixture) equal() {
	f.t.Helper()
	want, got := f.inSegments(true), f.inSegments(false)
	f.inRollups(got, []rollup.Grain{rollup.Part, rollup.Hour}, func(r *rollup.Row) []byte { return r.Minutes }, time.Minute)
	require.Equal(f.t, want, got)

	minutes, hours := map[spansOf]int64{}, map[spansOf]int64{}
	f.inRollups(minutes, []rollup.Grain{rollup.Hour}, func(r *rollup.Row) []byte { return r.Minutes }, time.Minute)
	f.inRollups(hours, []rollup.Grain{rollup.Hour}, func(r *rollup.Row) []byte { return r.Total }, time.Hour)
	require.Equal(f.t, by(minutes, 60), hours)

	days, ofDays := map[spansOf]int64{}, map[spansOf]int64{}
	f.inRollups(days, []rollup.Grain{rollup.Day}, func(r *rollup.Row) []byte { return r.Total }, 24*time.Hour)
	made := map[string]bool{}
	for k := range days {
		made[fmt.Sprint(k.tenant, k.minute)] = true
	}
	for k, n := range by(hours, 24) {
		if made[fmt.Sprint(k.tenant, k.minute)] {
			ofDays[k] = n
		}
	}
	require.Equal(f.t, ofDays, days, "a day that is there is the sum of its hours")
}

// grains counts the rows of rollups.
func (f *fixture) grains() (out [3]int) {
	f.t.Helper()
	for g := range out {
		require.NoError(f.t, f.db.Pool.QueryRow(testbed.Context(f.t), `SELECT count(*) FROM rollup WHERE grain = $1 AND kind = 0`, g).Scan(&out[g]))
	}
	return out
}

// valueOf is a value of a key in an hour of a tenant.
type valueOf struct {
	tenant telemetry.Tenant
	signal telemetry.Signal
	hour   int64
	key    counts.Key
	value  string
}

// sameValues holds what is not settled together with the sums of values to a count of everything, and days to their hours, of every key that is told. It
// returns how many keys of an hour are.
func (f *fixture) sameValues(signals ...telemetry.Signal) (told int) {
	f.t.Helper()
	name := func(v *segment.Value) string { return fmt.Sprint(v.Type, " ", v.Num, " ", string(v.Raw)) }
	for _, signal := range signals {
		want, rest := map[valueOf]int64{}, map[valueOf]int64{}
		whole := segmentrow.SelectAll()
		rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT `+whole.List("s")+` FROM `+segmentrow.From(signal))
		require.NoError(f.t, err)
		require.NoError(f.t, whole.ForEach(rows, func(r *segmentrow.Row) error {
			t := segment.NewTable(r.Tenant, signal)
			if err := add(t, &r.Segment); err != nil {
				return err
			}
			for i := range t.N {
				at := valueOf{tenant: r.Tenant, signal: signal, hour: telemetry.Grain(t.Ints[segment.ColTime][i], time.Hour)}
				count := func(key counts.Key, value string) {
					at.key, at.value = key, value
					want[at]++
					if r.Level < segmentrow.LevelSettled {
						rest[at]++
					}
				}
				count(counts.Key{}, "items")
				count(counts.Key{Of: counts.OfField, Name: "service"}, name(&segment.Value{Type: segment.String, Raw: []byte(t.Resources[t.Ints[segment.ColResource][i]].ServiceName)}))
				for _, id := range t.Attributes.Row(i) {
					count(counts.Key{Of: counts.OfItem, Name: t.Keys[t.Values[id].Key]}, name(&t.Values[id]))
				}
			}
			return nil
		}))
		keys := map[counts.Key]bool{{Of: counts.OfItem, Name: "nothing"}: true}
		for at := range want {
			if at.key != (counts.Key{}) {
				keys[at.key] = true
			}
		}
		type hourKey struct {
			tenant telemetry.Tenant
			hour   int64
			key    counts.Key
		}
		lost := map[hourKey]bool{}
		kind, _ := counts.KindOf(signal)
		days, hours := map[valueOf]int64{}, map[valueOf]int64{}
		knownDays := map[hourKey]bool{}
		rows, err = f.db.Pool.Query(testbed.Context(f.t), `SELECT `+rolluprow.Columns+` FROM rollup WHERE kind = $1 ORDER BY grain DESC`, kind)
		require.NoError(f.t, err)
		var c counts.Chunk
		for r, err := range rolluprow.Read(rows) {
			require.NoError(f.t, err)
			for key := range keys {
				require.NoError(f.t, c.Decode(counts.Blob(r.Grain, r.Total, r.Minutes)))
				at := valueOf{tenant: r.Tenant, signal: signal, hour: r.Start, key: key}
				known, err := c.Find(key, func(v segment.Value, items int64) {
					at.value = name(&v)
					if r.Grain == rollup.Day {
						days[at] += items
						return
					}
					rest[at] += items
					if day := telemetry.Grain(r.Start, 24*time.Hour); r.Grain == rollup.Hour && knownDays[hourKey{r.Tenant, day, key}] {
						at := at
						at.hour = day
						hours[at] += items
					}
				})
				require.NoError(f.t, err)
				if r.Grain == rollup.Day {
					knownDays[hourKey{r.Tenant, r.Start, key}] = known
				} else if !known {
					lost[hourKey{r.Tenant, r.Start, key}] = true
				}
			}
			if r.Grain != rollup.Day {
				rest[valueOf{tenant: r.Tenant, signal: signal, hour: r.Start, value: "items"}] += c.Items
			}
		}
		require.Equal(f.t, hours, days, "a day that is there is the sum of its hours")
		for _, m := range []map[valueOf]int64{want, rest} {
			for at := range m {
				if lost[hourKey{at.tenant, at.hour, at.key}] {
					delete(m, at)
				}
			}
		}
		require.Equal(f.t, want, rest)
		seen := map[hourKey]bool{}
		for at := range want {
			seen[hourKey{at.tenant, at.hour, at.key}] = true
		}
		told += len(seen)
	}
	return told
}

func TestRollupsAndLevelZeroAreEverythingAtEveryStep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	shops := map[telemetry.Tenant]*testbed.Shop{"red": testbed.NewShop(1, start()), "blue": testbed.NewShop(2, start())}
	flush := func(tenant telemetry.Tenant, n int) {
		f.flush(tenant, telemetry.Traces, shops[tenant].Payload(telemetry.Traces, n))
	}
	f.flush("red", telemetry.Traces, testbed.Sample(telemetry.Traces, start()))
	for range 5 {
		flush("red", 700)
		flush("blue", 30)
	}
	f.equal()
	f.pass()
	f.equal()
	require.Equal(t, [3]int{}, f.grains(), "minutes are open")

	// Some minutes are put together, others come; one flush is alone and is put by.
	late := testbed.NewShop(3, start().Add(-3*time.Hour))
	steps := []time.Duration{
		time.Minute, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 9 * time.Minute, 40 * time.Minute, 50 * time.Minute, 61 * time.Minute, 2 * time.Hour,
		3 * time.Hour, 19 * time.Hour, 20 * time.Hour, 26 * time.Hour, 40 * time.Hour,
	}
	var most [3]int
	for i, after := range steps {
		f.clock.Set(start().Add(after))
		for tenant := range shops {
			shops[tenant] = testbed.NewShop(uint64(10+i), start().Add(after-time.Duration(rnd.IntN(90))*time.Second))
			for range 1 + rnd.IntN(3) {
				flush(tenant, 1+rnd.IntN(300))
			}
		}
		if i%3 == 0 {
			f.flush("red", telemetry.Traces, late.Payload(telemetry.Traces, 20))
			f.flush("red", telemetry.Traces, late.Payload(telemetry.Traces, 20))
		}
		f.equal()
		for range 2 {
			f.pass()
			f.equal()
		}
		g := f.grains()
		for k := range g {
			most[k] = max(most[k], g[k])
		}
	}
	require.Positive(t, most[rollup.Part])
	require.Positive(t, most[rollup.Hour])
	require.Positive(t, most[rollup.Day])
	f.clock.Advance(2 * 24 * time.Hour)
	f.pass()
	f.clock.Advance(foldAfter + time.Second)
	f.pass()
	f.equal()
	require.Zero(t, f.grains()[rollup.Part], "all is folded")

	// Late data to a day that is made: it is made anew.
	before := f.grains()[rollup.Day]
	f.flush("red", telemetry.Traces, late.Payload(telemetry.Traces, 20))
	f.flush("red", telemetry.Traces, late.Payload(telemetry.Traces, 20))
	for range 3 {
		f.pass()
		f.equal()
		f.clock.Advance(11 * time.Minute)
	}
	require.Equal(t, before, f.grains()[rollup.Day])
	require.Zero(t, f.grains()[rollup.Part])
}

// Whatever the step at which a merge or a fold dies, nothing is counted twice or left out.
func TestACrashAtAnyStepLeavesRollupsRight(t *testing.T) {
	t.Parallel()
	for name, trigger := range map[string]string{
		"after the headers are deleted": `AFTER DELETE ON spans_segment`,
		"after a part":                  `AFTER INSERT ON rollup`,
		"after the body":                `AFTER INSERT ON spans_body`,
		"after the new header":          `AFTER INSERT ON spans_segment`,
		"after parts are deleted":       `AFTER DELETE ON rollup`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testbed.Context(t)
			f := newFixture(t)
			shop := testbed.NewShop(6, start())
			for range 20 {
				f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 50))
			}
			// What is there already is folded with the rest.
			f.clock.Set(start().Add(2 * time.Minute))
			f.pass()
			require.Positive(t, f.grains()[rollup.Part])
			for range 4 {
				f.flush("default", telemetry.Traces, testbed.NewShop(7, start().Add(2*time.Minute)).Payload(telemetry.Traces, 50))
			}
			_, err := f.db.Pool.Exec(ctx, `CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
				CREATE TRIGGER boom `+trigger+` FOR EACH ROW EXECUTE FUNCTION boom()`)
			require.NoError(t, err)
			f.clock.Set(start().Add(2 * time.Hour))
			before := f.inSegments(true)
			require.Error(t, f.s.pass(ctx))
			require.Equal(t, before, f.inSegments(true))
			f.equal()
			f.sameCalls("default")
			f.sameValues(telemetry.Traces)
			_, err = f.db.Pool.Exec(ctx, `DROP FUNCTION boom CASCADE`)
			require.NoError(t, err)
			f.pass()
			f.equal()
			f.clock.Advance(foldAfter + time.Second)
			f.pass()
			f.equal()
			f.sameCalls("default")
			f.sameValues(telemetry.Traces)
			require.Equal(t, before, f.inSegments(true))
			require.Equal(t, [3]int{0, 1, 0}, f.grains())
		})
	}
}

// What cannot be read is not counted, and stays where who counts meets it.
func TestWhatCannotBeCountedStaysAtLevelZero(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	shop := testbed.NewShop(8, start())
	for range 3 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 100))
	}
	_, err := f.db.Pool.Exec(ctx, `UPDATE spans_fresh SET body = set_byte(body, 0, get_byte(body, 0) # 255)
		WHERE segment_id = (SELECT segment_id FROM spans_segment WHERE min_position = 2)`)
	require.NoError(t, err)
	for _, after := range []time.Duration{2 * time.Minute, 5 * time.Minute, 2 * time.Hour, 3 * time.Hour} {
		f.clock.Set(start().Add(after))
		f.pass()
	}
	require.Equal(t, map[int]int{0: 1, 2: 1}, f.levels("default", telemetry.Traces))
	got := map[spansOf]int64{}
	f.inRollups(got, []rollup.Grain{rollup.Hour}, func(r *rollup.Row) []byte { return r.Minutes }, time.Minute)
	spans := int64(0)
	for k, n := range got {
		if !k.failed {
			spans += n
		}
	}
	require.Equal(t, int64(200), spans)
	// Another janitor, which has not met it, leaves it there too.
	f.s.damaged = nil
	require.NotPanics(t, f.pass)
	require.Equal(t, map[int]int{0: 1, 2: 1}, f.levels("default", telemetry.Traces))
}

// An hour that had many parts is folded while it is open, and keeps what may find its other side yet; once it is over it is folded again, though no part
// comes any more, and no more than once.
func TestAnHourFoldedWhileItWasOpenIsFoldedAgain(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	f.flush("default", telemetry.Traces, testbed.NewShop(8, start()).Payload(telemetry.Traces, 100))
	f.flush("default", telemetry.Traces, testbed.NewShop(9, start()).Payload(telemetry.Traces, 100))
	f.clock.Set(start().Add(2 * time.Minute))
	f.pass()
	hour := telemetry.Grain(start().UnixNano(), time.Hour)
	for _, kind := range []int16{red.Kind().ID, edges.Kind().ID} {
		require.NoError(t, f.s.foldOne(ctx, rollup.Hour, span{Placement: "default", Kind: kind, Start: hour}))
	}
	made := func() (times []int64) {
		rows, err := f.db.Pool.Query(ctx, `SELECT DISTINCT made_at FROM rollup WHERE grain = 1 AND start = $1 AND kind = ANY($2)`, hour, []int16{red.Kind().ID, edges.Kind().ID})
		require.NoError(t, err)
		times, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		require.NoError(t, err)
		return times
	}
	open := f.clock.Now().UnixNano()
	require.Equal(t, []int64{open}, made())
	require.NoError(t, f.s.fold(ctx))
	require.Equal(t, []int64{open}, made(), "it is not over")

	f.clock.Set(time.Unix(0, hour).Add(time.Hour + f.s.cfg.Merge.HourGrace))
	require.NoError(t, f.s.fold(ctx))
	closed := f.clock.Now().UnixNano()
	require.Equal(t, []int64{closed}, made())
	f.clock.Advance(time.Minute)
	require.NoError(t, f.s.fold(ctx))
	require.Equal(t, []int64{closed}, made(), "once")
}

func TestRollupsExpireWithTheirData(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	_, err := f.db.Pool.Exec(ctx, `UPDATE retention_policy SET days = 2`)
	require.NoError(t, err)
	for day := range 3 {
		at := start().Add(time.Duration(day) * 24 * time.Hour)
		shop := testbed.NewShop(uint64(day), at)
		f.clock.Set(at)
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 100))
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 100))
		f.clock.Set(at.Add(2 * time.Hour))
		f.pass()
	}
	f.clock.Set(start().Add(3*24*time.Hour + time.Hour)) // the first day is over
	f.pass()
	f.equal()
	var oldest int64
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT min(start) FROM rollup`).Scan(&oldest))
	require.GreaterOrEqual(t, oldest, start().Add(24*time.Hour).Truncate(24*time.Hour).UnixNano())
	require.Equal(t, 2, f.grains()[rollup.Hour])
	f.clock.Set(start().Add(100 * 24 * time.Hour))
	f.pass()
	require.Equal(t, [3]int{}, f.grains())
	require.NotContains(t, f.partitions("rollup"), "rollup_y2026_m11")
}

// What a build does not know, a newer one's kind, keeps no pass from its end, however many of it are due.
func TestKindsOfANewerBuildAreLeft(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := testbed.Context(t)
	hour := start().Truncate(time.Hour).Add(-30 * time.Hour)
	_, err := f.db.Pool.Exec(ctx, `SELECT ensure_partition('rollup', $1)`, hour.UnixNano())
	require.NoError(t, err)
	_, err = f.db.Pool.Exec(ctx, `INSERT INTO rollup (tenant_id, kind, grain, start, rollup_id, min_time, max_time, made_at, low, high, total, minutes, placement)
		SELECT 't' || n, 9, 0, $1, gen_random_uuid(), $1, $1, $1, '', '', '', '', 't' || n FROM generate_series(1, $2) n`, hour.UnixNano(), windowsPerPass+50)
	require.NoError(t, err)
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	require.NoError(t, f.s.fold(limited))
	require.NoError(t, limited.Err())
	var left int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM rollup WHERE kind = 9 AND grain = 0`).Scan(&left))
	require.Equal(t, windowsPerPass+50, left)
}

type counter struct {
	noop.Int64Counter
	n int64
}

func (c *counter) Add(_ context.Context, n int64, _ ...metric.AddOption) { c.n += n }

// What of one tenant cannot be folded keeps neither the hours nor the days of the others waiting; it is told, left for a while, and tried again.
func TestAFoldThatFailsIsOfOneTenantAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := testbed.Context(t)
	failed, log := &counter{}, &bytes.Buffer{}
	f.s.metrics.Unfolded, f.s.env.Log = failed, slog.New(slog.NewTextHandler(log, nil))
	shop := testbed.NewShop(3, start())
	for _, tenant := range []telemetry.Tenant{"bad", "good"} {
		for range 3 {
			f.flush(tenant, telemetry.Traces, shop.Payload(telemetry.Traces, 50))
		}
	}
	f.clock.Set(start().Add(2 * time.Hour))
	f.pass()
	var whole []byte
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT minutes FROM rollup WHERE tenant_id = 'bad' AND kind = 0`).Scan(&whole))
	_, err := f.db.Pool.Exec(ctx, `UPDATE rollup SET minutes = '\x00' WHERE tenant_id = 'bad' AND kind = 0`)
	require.NoError(t, err)
	grains := func(tenant telemetry.Tenant) (grains []int) {
		rows, err := f.db.Pool.Query(ctx, `SELECT grain FROM rollup WHERE tenant_id = $1 AND kind = 0 ORDER BY grain`, tenant)
		require.NoError(t, err)
		grains, err = pgx.CollectRows(rows, pgx.RowTo[int])
		require.NoError(t, err)
		return grains
	}
	f.clock.Set(start().Add(26 * time.Hour))
	for range 2 {
		require.NoError(t, f.s.fold(ctx))
		require.Equal(t, []int{0}, grains("bad"))
		require.Equal(t, []int{1, 2}, grains("good"))
		require.EqualValues(t, 1, failed.n, "it is left for a while")
	}
	require.Contains(t, log.String(), "placement=bad kind=red grain=hour")
	require.Contains(t, log.String(), "are no rollup")
	_, err = f.db.Pool.Exec(ctx, `UPDATE rollup SET minutes = $1 WHERE tenant_id = 'bad' AND kind = 0`, whole)
	require.NoError(t, err)
	f.clock.Advance(foldAgain)
	require.NoError(t, f.s.fold(ctx))
	require.Equal(t, []int{1, 2}, grains("bad"))
}

// Who comes once leaves no closed hour in parts, however few and young.
func TestOnceFoldsEveryClosedHour(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(3, start())
	for range 3 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 50))
	}
	f.clock.Set(start().Add(2 * time.Hour))
	once := f.janitor(func(c *Config) { c.Once, c.Merge.SlotDelay = true, 0 })
	require.NoError(t, once.Run(testbed.Context(t)))
	var parts, hours int
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT count(*) FILTER (WHERE grain = 0), count(*) FILTER (WHERE grain = 1) FROM rollup`).
		Scan(&parts, &hours))
	require.Zero(t, parts)
	require.Equal(t, 3, hours, "of each kind")
}

// Whatever is merged, put by, folded, comes late or expires, sums of values and what is not settled are everything, of spans and of log records.
func TestSumsOfValuesAreEverythingAtEveryStep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE retention_policy SET days = CASE signal WHEN 'logs' THEN 1 ELSE 2 END`)
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(3, 4))
	both := []telemetry.Signal{telemetry.Traces, telemetry.Logs}
	late := testbed.NewShop(3, start().Add(-3*time.Hour))
	most := [3]int{}
	for i, after := range []time.Duration{
		0, time.Minute, 3 * time.Minute, 5 * time.Minute, 50 * time.Minute, 61 * time.Minute, 2 * time.Hour, 3 * time.Hour, 19 * time.Hour, 20 * time.Hour, 30 * time.Hour,
		31 * time.Hour, 49 * time.Hour, 50 * time.Hour,
	} {
		f.clock.Set(start().Add(after))
		for _, tenant := range []telemetry.Tenant{"red", "blue"} {
			shop := testbed.NewShop(uint64(10+i), start().Add(after-time.Duration(rnd.IntN(90))*time.Second))
			for _, signal := range both {
				for range 1 + rnd.IntN(2) {
					f.flush(tenant, signal, shop.Payload(signal, 1+rnd.IntN(150)))
				}
				if i%3 == 0 && after < 40*time.Hour && tenant == "red" {
					f.flush(tenant, signal, late.Payload(signal, 20))
				}
			}
		}
		f.sameValues(both...)
		f.pass()
		told := f.sameValues(both...)
		if after > 2*time.Hour {
			require.Greater(t, told, 100)
		}
		for g := range most {
			var n int
			require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT count(*) FROM rollup WHERE grain = $1 AND kind = ANY($2)`, g, []int16{2, 3}).Scan(&n))
			most[g] = max(most[g], n)
		}
	}
	for g := range most {
		require.Positive(t, most[g], "grain %d", g)
	}
	f.clock.Set(start().Add(100 * 24 * time.Hour))
	f.pass()
	var left int
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT count(*) FROM rollup`).Scan(&left))
	require.Zero(t, left)
}

// A damaged segment that was merged once is put by at its level: who counts values meets it, and nobody counts its spans twice.
func TestWhatIsDamagedAfterAMergeIsNotSettled(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	shop := testbed.NewShop(8, start())
	for range 2 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 100))
	}
	f.clock.Set(start().Add(2 * time.Minute))
	f.pass()
	require.Equal(t, map[int]int{1: 1}, f.levels("default", telemetry.Traces))
	_, err := f.db.Pool.Exec(ctx, `UPDATE spans_fresh SET body = set_byte(body, 0, get_byte(body, 0) # 255)`)
	require.NoError(t, err)
	for _, after := range []time.Duration{2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 5 * time.Hour} {
		f.clock.Set(start().Add(after))
		f.pass()
	}
	require.Equal(t, map[int]int{1: 1}, f.levels("default", telemetry.Traces))
	var settled bool
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT slot = -1 FROM spans_segment`).Scan(&settled))
	require.True(t, settled, "it keeps no slot")
	var sums int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM rollup WHERE kind = 2`).Scan(&sums))
	require.Zero(t, sums)
}

// What only the counting of values finds damaged is put by like what is damaged otherwise: it neither ends its window at every pass nor keeps its slot.
func TestWhatCannotBeCountedKeepsNoSlot(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	f := newFixture(t)
	for range 2 {
		f.flush("default", telemetry.Traces, testbed.NewShop(8, start()).Payload(telemetry.Traces, 100))
	}
	f.clock.Set(start().Add(2 * time.Minute))
	f.pass()
	f.s.kinds = slices.Clone(f.s.kinds)
	for i := range f.s.kinds {
		if f.s.kinds[i].Settle != nil {
			f.s.kinds[i].Settle = func([]*segment.Segment) ([]rollup.Content, error) {
				return nil, segment.ErrDamaged.New("a head that lies")
			}
		}
	}
	for _, after := range []time.Duration{2 * time.Hour, 3 * time.Hour, 4 * time.Hour} {
		f.clock.Set(start().Add(after))
		f.pass()
	}
	var settled bool
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT slot = -1 FROM spans_segment`).Scan(&settled))
	require.True(t, settled, "it keeps no slot")
	require.Equal(t, map[int]int{1: 1}, f.levels("default", telemetry.Traces))
}

// Rollups of what is kept longest keep their month.
func TestRollupsOfOneSignalStayWhenAnothersExpire(t *testing.T) {
	t.Parallel()
	now := start()
	policies := map[telemetry.Signal]policy{telemetry.Traces: {days: 2}, telemetry.Logs: {days: 9}, telemetry.Metrics: {days: 5}}
	before, ok := rolledUntil(now, policies)
	require.True(t, ok)
	require.Equal(t, now.AddDate(0, 0, -9), before)
	policies[telemetry.Traces] = policy{days: 20}
	before, _ = rolledUntil(now, policies)
	require.Equal(t, now.AddDate(0, 0, -20), before)
	policies[telemetry.Logs] = policy{days: 1, hold: true}
	_, ok = rolledUntil(now, policies)
	require.False(t, ok)
	policies[telemetry.Logs] = policy{days: 1}
	policies[telemetry.Metrics] = policy{days: 30}
	before, _ = rolledUntil(now, policies)
	require.Equal(t, now.AddDate(0, 0, -30), before)
	delete(policies, telemetry.Metrics)
	_, ok = rolledUntil(now, policies)
	require.False(t, ok, "nobody has said that it may go")
}
