package janitor

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// traceFilter is what is known of an hour or a day of a placement.
type traceFilter struct {
	Placement telemetry.Placement
	Grain     rollup.Grain
	Start     int64
	Made      bool
	Filter    []byte
	Segments  int
}

func (f *fixture) traceFilters(grains ...rollup.Grain) []traceFilter {
	f.t.Helper()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT placement, grain, start, filter IS NOT NULL, coalesce(filter, ''), segments FROM trace_time
		WHERE grain = ANY($1) ORDER BY grain, start, placement`, grains)
	require.NoError(f.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[traceFilter])
	require.NoError(f.t, err)
	return out
}

func (f *fixture) days() []traceFilter { f.t.Helper(); return f.traceFilters(rollup.Day) }

func (f *fixture) hours() []traceFilter { f.t.Helper(); return f.traceFilters(rollup.Hour) }

// holdTraces checks that every hour and day with a settled segment is known, and that no filter says no to a trace of one. It returns how many filters
// there are.
func (f *fixture) holdTraces(tenant telemetry.Tenant) (made int) {
	f.t.Helper()
	type key struct {
		at    telemetry.Placement
		grain rollup.Grain
		start int64
	}
	of := map[key]traceFilter{}
	for _, d := range f.traceFilters(rollup.Hour, rollup.Day) {
		of[key{d.Placement, d.Grain, d.Start}] = d
		if d.Made {
			made++
		}
	}
	whole := segmentrow.SelectAll()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT `+whole.List("s")+` FROM `+segmentrow.From(telemetry.Traces)+` WHERE s.tenant_id = $1 AND s.level = 2`, tenant)
	require.NoError(f.t, err)
	require.NoError(f.t, whole.ForEach(rows, func(r *segmentrow.Row) error {
		table := segment.NewTable(tenant, telemetry.Traces)
		if err := add(table, &r.Segment); err != nil {
			return err
		}
		for _, g := range traceGrains() {
			d, known := of[key{r.Placement, g.grain, telemetry.Grain(r.MinTime, g.length)}]
			require.True(f.t, known, "a time with a settled segment is not known")
			if !d.Made {
				continue
			}
			for _, id := range table.TraceIDs {
				require.True(f.t, segment.MayContain(d.Filter, segment.TraceHash(id)), "a trace that is there is said not to be")
			}
		}
		return nil
	}))
	return made
}

// TestAFilterOfTracesNeverDeniesOne: whatever is flushed, early and late, merged, put by and made in whatever order, for a tenant in two placements.
func TestAFilterOfTracesNeverDeniesOne(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		f := newFixture(t, func(c *Config) { c.Upkeep = 1000 * time.Hour }) // partitions are not what is tried
		r := rand.New(rand.NewPCG(seed, 1))
		made, remade := 0, 0
		for step := range 12 {
			for range 1 + r.IntN(3) {
				back := time.Duration(r.IntN(60)) * time.Hour
				shop := testbed.NewShop(seed<<20+uint64(step)<<10+r.Uint64N(1000), f.clock.Now().Add(-back))
				require.NoError(t, f.tryFlushAt(telemetry.Tenant("default").Placement(r.IntN(2), 2), telemetry.Traces, shop.Payload(telemetry.Traces, 20+r.IntN(60))))
			}
			f.clock.Advance(time.Duration(10+r.IntN(400)) * time.Minute)
			f.pass()
			now := f.holdTraces("default")
			remade += max(0, made-now)
			made = now
		}
		require.Positive(t, made)
		require.Positive(t, remade, "what came late has taken no filter away")
		f.clock.Advance(26 * time.Hour) // all is settled,
		f.pass()
		f.clock.Advance(2 * time.Hour) // and a while over
		f.pass()
		require.Equal(t, len(f.days())+len(f.hours()), f.holdTraces("default"))
	}
}

// Filters of many placements are due at once after midnight: a pass makes some of them, and the next ones go on.
func TestAPassMakesFiltersForAWhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const tenants = 5
	for i := range tenants {
		f.flush(telemetry.Tenant(fmt.Sprintf("tenant%d", i)), telemetry.Traces, testbed.NewShop(uint64(i), f.clock.Now()).Payload(telemetry.Traces, 20))
	}
	f.clock.Advance(5 * time.Hour) // all is settled, and no filter due
	f.pass()
	f.clock.Advance(24 * time.Hour)
	made := func(filters []traceFilter) (n int) {
		for _, d := range filters {
			if d.Made {
				n++
			}
		}
		return n
	}
	f.s.env.Now = func() time.Time { // reading a day takes longer than a pass has
		f.clock.Advance(tracesPerPass)
		return f.clock.Now()
	}
	for n := 1; n <= tenants; n++ {
		require.NoError(t, f.s.makeTraces(testbed.Context(t)))
		require.Equal(t, n, made(f.days()))
		require.Equal(t, n, made(f.hours()))
	}
	require.Empty(t, f.s.unmade)
}

// TestAFilterOfTracesIsSmallAndSaysNo: what it takes of an item, and how often it lets pass what is not there.
func TestAFilterOfTracesIsSmallAndSaysNo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const items = 20_000
	shop := testbed.NewShop(5, start())
	for range 5 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, items/5))
	}
	f.clock.Advance(24 * time.Hour)
	f.pass()
	require.False(t, f.days()[0].Made, "a day that has just changed is left to rest")
	require.False(t, f.hours()[0].Made, "and so is an hour,")
	f.clock.Advance(11 * time.Minute)
	f.pass()
	require.False(t, f.days()[0].Made)
	require.True(t, f.hours()[0].Made, "for a shorter while")
	f.clock.Advance(time.Hour)
	f.pass()
	require.Len(t, f.days(), 1)
	require.Len(t, f.hours(), 1)
	for _, d := range f.traceFilters(rollup.Hour, rollup.Day) {
		require.Equal(t, 6, d.Segments)
		require.LessOrEqual(t, float64(len(d.Filter)), 0.2*items, "B")
		r, passed := rand.New(rand.NewPCG(1, 1)), 0
		for range 10_000 {
			if segment.MayContain(d.Filter, r.Uint64()) {
				passed++
			}
		}
		require.Less(t, passed, 100, "of 10,000 that are nowhere")
	}

	f.clock.Advance(8 * 24 * time.Hour)
	f.pass()
	require.Empty(t, f.traceFilters(rollup.Hour, rollup.Day), "they expire with their day")
}

// TestAFilterOfTracesIsEnteredOnlyIfNothingWasSettledMeanwhile, by a janitor that believes it leads: between the snapshot that the filter is made of and its
// entry, or in a transaction that was open all the time.
func TestAFilterOfTracesIsEnteredOnlyIfNothingWasSettledMeanwhile(t *testing.T) {
	t.Parallel()
	for _, g := range traceGrains() {
		t.Run(g.length.String(), func(t *testing.T) {
			t.Parallel()
			enterMeanwhile(t, g)
		})
	}
}

func enterMeanwhile(t *testing.T, g traceGrain) {
	t.Helper()
	ctx := testbed.Context(t)
	f := newFixture(t)
	made := func() bool { return f.traceFilters(g.grain)[0].Made }
	settle := func(tx pgx.Tx, seed uint64) {
		table := segment.NewTable("default", telemetry.Traces)
		_, err := table.Append(testbed.NewShop(seed, start()).Payload(telemetry.Traces, 50), f.next.Add(1))
		require.NoError(t, err)
		seg, err := table.Encode(allRows(table), segmentrow.LevelSettled)
		require.NoError(t, err)
		rows := []segmentrow.Row{segmentrow.New(seg, "default", f.clock.Now())}
		require.NoError(t, f.s.changeTraces(ctx, tx, telemetry.Traces, "default", rows))
		require.NoError(t, segmentrow.Copy(ctx, tx, telemetry.Traces, rows, nil))
	}
	_, err := f.db.Pool.Exec(ctx, `SELECT ensure_partition('spans_segment', $1), ensure_partition('spans_body', $1)`, start().UnixNano())
	require.NoError(t, err)
	due := func() unmadeTraces {
		d := unmadeTraces{Grain: g.grain}
		require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT placement, start, state FROM trace_time WHERE grain = $1`, g.grain).Scan(&d.Placement, &d.Start, &d.State))
		return d
	}
	require.NoError(t, postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { settle(tx, 1); return nil }))
	before := due()
	require.NoError(t, postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error { settle(tx, 2); return nil }))
	require.NoError(t, f.s.makeFilter(ctx, before, g.length))
	require.False(t, made(), "of a state that is over")

	ended := make(chan error, 1)
	require.NoError(t, postgres.InTx(ctx, f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		settle(tx, 3)
		d := due() // what others see
		go func() { ended <- f.s.makeFilter(context.WithoutCancel(ctx), d, g.length) }()
		testbed.Eventually(t, "the entry waits", func() bool {
			var waits bool
			require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits))
			return waits
		})
		return nil
	}))
	require.NoError(t, <-ended)
	require.False(t, made(), "made while a segment was being settled")
	require.NoError(t, f.s.makeFilter(ctx, due(), g.length))
	require.True(t, made())
	require.Equal(t, 1, f.holdTraces("default"))
	require.NoError(t, f.s.makeFilter(ctx, unmadeTraces{"default", g.grain, start().Truncate(24 * time.Hour).Add(48 * time.Hour).UnixNano(), uuid.New()}, g.length), "of a time that is not there")
}

// TestADayWithASegmentThatCannotBeReadMayHoldAnyTrace.
func TestADayWithASegmentThatCannotBeReadMayHoldAnyTrace(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"directory": `UPDATE spans_segment SET directory = '\x00'`,
		"body":      `UPDATE spans_body SET body = substring(body FROM 1 FOR 10)`,
		"no body":   `DELETE FROM spans_body`,
		"no day":    `DROP TABLE spans_body_y2026_m11_d23`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testbed.Context(t)
			f := newFixture(t)
			shop := testbed.NewShop(5, start())
			for range 3 {
				f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 50))
			}
			f.clock.Advance(3 * time.Hour)
			f.pass()
			_, err := f.db.Pool.Exec(ctx, damage)
			require.NoError(t, err)
			f.clock.Advance(24 * time.Hour)
			f.pass()
			i := slices.IndexFunc(f.days(), func(d traceFilter) bool { return d.Start == start().Truncate(24*time.Hour).UnixNano() })
			d := f.days()[i]
			require.Equal(t, name != "no day", d.Made, "it is not read again and again; a day that is gone goes with its row")
			require.True(t, bytes.Equal(nil, d.Filter))
		})
	}
}
