package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
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
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// daysFixture is an engine over days of spans, each with one settled segment of a few traces and a filter of them.
type daysFixture struct {
	t      *testing.T
	db     *testbed.DB
	e      *Engine
	traces [][16]byte // one of each day, the first of the oldest
}

const daysStored = 6

func dayStart(n int) int64 { return base().Truncate(24*time.Hour).AddDate(0, 0, n).UnixNano() }

// storedAt is when what is stored of a day has happened: in one hour.
func storedAt(n int) int64 { return dayStart(n) + 5*hour }

func newDays(t *testing.T) *daysFixture {
	t.Helper()
	ctx := testbed.Context(t)
	f := &daysFixture{t: t, db: testbed.Database(t)}
	var err error
	f.e, err = New(Settings{
		Timeout: 30 * time.Second, HeaderCache: 1 << 20, Decoded: 64 << 20, ScanBudget: 1 << 30, Workers: 2, Questions: 4, Queue: time.Second,
	}, f.db.Pool, nil, time.Now)
	require.NoError(t, err)
	for n := range daysStored {
		_, err := f.db.Pool.Exec(ctx, `SELECT ensure_partition('spans_segment', $1), ensure_partition('spans_body', $1)`, dayStart(n))
		require.NoError(t, err)
		table := f.store(n, segmentrow.LevelSettled, "default", uint64(n))
		union := segment.NewUnion(table.N, table.N)
		for _, id := range table.TraceIDs {
			union.Add(id)
		}
		f.enter(n, "default", union.Filter)
		f.traces = append(f.traces, table.TraceIDs[0])
	}
	return f
}

// store stores a segment of a day.
func (f *daysFixture) store(n, level int, at telemetry.Placement, seed uint64) *segment.Table {
	f.t.Helper()
	table := segment.NewTable(at.Tenant(), telemetry.Traces)
	_, err := table.Append(testbed.NewShop(seed+1, time.Unix(0, storedAt(n))).Payload(telemetry.Traces, 40), 1)
	require.NoError(f.t, err)
	rows := make([]uint32, table.N)
	for i := range rows {
		rows[i] = uint32(i)
	}
	s, err := table.Encode(rows, level)
	require.NoError(f.t, err)
	require.NoError(f.t, postgres.InTx(testbed.Context(f.t), f.db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		return segmentrow.Copy(context.Background(), tx, telemetry.Traces, []segmentrow.Row{segmentrow.New(s, at, time.Unix(0, 0))}, nil)
	}))
	return table
}

// enter enters a filter of a day; nil for one that is not made.
func (f *daysFixture) enter(n int, at telemetry.Placement, filter []byte) {
	f.t.Helper()
	f.enterTime(rollup.Day, dayStart(n), at, filter)
}

func (f *daysFixture) enterTime(grain rollup.Grain, start int64, at telemetry.Placement, filter []byte) {
	f.t.Helper()
	_, err := f.db.Pool.Exec(testbed.Context(f.t), `INSERT INTO trace_time (tenant_id, placement, grain, start, state, changed_at, segments, max_position, filter)
		VALUES ($1, $2, $3, $4, $5, 0, 1, 1, $6) ON CONFLICT (tenant_id, grain, start, placement) DO UPDATE SET filter = excluded.filter`,
		at.Tenant(), at, grain, start, uuid.New(), filter)
	require.NoError(f.t, err)
}

// ask looks for a trace at any time: in which parts of the range, how many spans, and with what figures.
func (f *daysFixture) ask(id [16]byte) (parts [][2]int64, spans int, stats Stats) {
	f.t.Helper()
	return f.askIn(id, 0, math.MaxInt64)
}

func (f *daysFixture) askIn(id [16]byte, from, to int64) (parts [][2]int64, spans int, stats Stats) {
	f.t.Helper()
	raw := json.RawMessage(fmt.Sprintf(`{"field":"trace_id","operator":"eq","value":"%x"}`, id))
	by, err := filter.NewParser().Parse(telemetry.Traces, []json.RawMessage{raw})
	require.NoError(f.t, err)
	q := &Query{Tenant: "default", Signal: telemetry.Traces, From: from, To: to, Filter: by}
	require.NoError(f.t, f.e.Ask(testbed.Context(f.t), "default", 0, func(ctx context.Context, s *Snapshot) error {
		of, _, err := s.partsOf(ctx, q, &bounds{by.Bounds()})
		if err != nil {
			return err
		}
		for _, p := range of {
			parts = append(parts, [2]int64{p.From, p.To})
		}
		found, err := s.Search(ctx, q, 1000)
		spans, stats = len(found.Items), s.Stats()
		return err
	}))
	return parts, spans, stats
}

// TestDaysWithoutATraceAreNotLookedAt, and every other day is: what may hold it, what is not settled, what is not known of all placements.
func TestDaysWithoutATraceAreNotLookedAt(t *testing.T) {
	t.Parallel()
	f := newDays(t)
	edges := [][2]int64{{dayStart(daysStored), math.MaxInt64}, {0, dayStart(0)}}
	with := func(n int) [][2]int64 { return [][2]int64{edges[0], {dayStart(n), dayStart(n + 1)}, edges[1]} }

	parts, spans, stats := f.ask([16]byte{7: 9})
	require.Equal(t, edges, parts)
	require.Zero(t, spans)
	require.Equal(t, Stats{SegmentsPruned: daysStored}, stats)
	for n, id := range f.traces {
		want := with(n)
		switch n { // next to what is looked at anyway
		case daysStored - 1:
			want = [][2]int64{{dayStart(n), math.MaxInt64}, edges[1]}
		case 0:
			want = [][2]int64{edges[0], {0, dayStart(1)}}
		}
		parts, spans, stats = f.ask(id)
		require.Equal(t, want, parts)
		require.Positive(t, spans)
		require.Equal(t, 1, stats.SegmentsRead)
		require.Equal(t, daysStored-1, stats.SegmentsPruned)
	}

	left := [2]int64{storedAt(2), storedAt(2) + hour}
	t.Run("what is not settled", func(t *testing.T) {
		late := f.store(2, segmentrow.LevelFlush, "default", 100).TraceIDs[0]
		parts, spans, stats := f.ask(late)
		require.Equal(t, [][2]int64{edges[0], left, edges[1]}, parts, "its hour, and no other of its day")
		require.Equal(t, daysStored, stats.SegmentsPruned)
		require.Positive(t, spans)
	})
	t.Run("not made", func(t *testing.T) {
		late := f.store(3, segmentrow.LevelSettled, "default", 101).TraceIDs[0]
		f.enter(3, "default", nil)
		parts, spans, _ := f.ask(late)
		require.Equal(t, [][2]int64{edges[0], {dayStart(3), dayStart(4)}, left, edges[1]}, parts)
		require.Positive(t, spans)
	})
	t.Run("may hold every trace", func(t *testing.T) {
		f.enter(3, "default", []byte{})
		parts, _, _ := f.ask([16]byte{7: 9})
		require.Equal(t, [][2]int64{edges[0], {dayStart(3), dayStart(4)}, left, edges[1]}, parts)
	})
	t.Run("in another placement", func(t *testing.T) {
		f.enter(3, "default", make([]byte, 32))
		other := f.store(4, segmentrow.LevelSettled, "default/1", 102)
		f.enter(4, "default/1", nil)
		parts, spans, _ := f.ask(other.TraceIDs[0])
		require.Equal(t, [][2]int64{edges[0], {dayStart(4), dayStart(5)}, left, edges[1]}, parts)
		require.Positive(t, spans)
		union := segment.NewUnion(other.N, other.N)
		for _, id := range other.TraceIDs {
			union.Add(id)
		}
		f.enter(4, "default/1", union.Filter)
		_, spans, _ = f.ask(other.TraceIDs[0])
		require.Positive(t, spans)
		parts, _, _ = f.ask([16]byte{7: 9})
		require.Equal(t, [][2]int64{edges[0], left, edges[1]}, parts)
	})
	t.Run("of another tenant", func(t *testing.T) {
		f.enter(-3, "other", nil)
		parts, _, _ := f.ask([16]byte{7: 9})
		require.Equal(t, [][2]int64{edges[0], left, edges[1]}, parts)
	})
}

// TestHoursWithoutATraceAreNotLookedAt: of a day that may hold a trace, and of the ends of a range that are less than a day.
func TestHoursWithoutATraceAreNotLookedAt(t *testing.T) {
	t.Parallel()
	f := newDays(t)
	last, none := daysStored-1, make([]byte, 32)
	f.enter(last, "default", nil) // a day that goes on
	for h := range int64(24) {
		if h != 5 {
			f.enterTime(rollup.Hour, dayStart(last)+h*hour, "default", none)
		}
	}
	union := segment.NewUnion(100, 100)
	union.Add(f.traces[last])
	of := [2]int64{storedAt(last), storedAt(last) + hour}
	f.enterTime(rollup.Hour, of[0], "default", union.Filter)
	edges := [][2]int64{{dayStart(daysStored), math.MaxInt64}, {0, dayStart(0)}}

	parts, spans, stats := f.ask(f.traces[last])
	require.Equal(t, [][2]int64{edges[0], of, edges[1]}, parts)
	require.Positive(t, spans)
	require.Equal(t, 1, stats.SegmentsRead)
	parts, spans, _ = f.ask([16]byte{7: 9})
	require.Equal(t, edges, parts)
	require.Zero(t, spans)

	// Ends of a range, and a range of less than a day.
	from, to := storedAt(last)-2*hour-1, storedAt(last)+3*hour+1
	parts, spans, _ = f.askIn(f.traces[last], from, to)
	require.Equal(t, [][2]int64{{to - 1, to}, of, {from, from + 1}}, parts)
	require.Positive(t, spans)
	from = dayStart(2) + 7*hour // of its hours nothing is known
	parts, _, _ = f.askIn(f.traces[last], from, to)
	require.Equal(t, [][2]int64{{to - 1, to}, of, {from, dayStart(3)}}, parts)
	parts, spans, _ = f.askIn(f.traces[last], of[0], of[1])
	require.Equal(t, [][2]int64{of}, parts, "an hour is not worth it")
	require.Positive(t, spans)

	// What is not settled, not made, and of another placement.
	late := f.store(last, segmentrow.LevelFlush, "default", 100).TraceIDs[0]
	f.enterTime(rollup.Hour, of[0], "default", none)
	_, spans, _ = f.ask(late)
	require.Positive(t, spans)
	_, err := f.db.Pool.Exec(testbed.Context(t), `DELETE FROM spans_segment WHERE level = 0`)
	require.NoError(t, err)
	parts, _, _ = f.ask(late)
	require.Equal(t, edges, parts)
	f.enterTime(rollup.Hour, of[0], "default/1", nil)
	parts, _, _ = f.ask(late)
	require.Equal(t, [][2]int64{edges[0], of, edges[1]}, parts)
	f.enterTime(rollup.Hour, of[0], "default/1", []byte{})
	parts, _, _ = f.ask(late)
	require.Equal(t, [][2]int64{edges[0], of, edges[1]}, parts, "which may hold every trace")
}

// TestManyPartsAreOne: a filter that lets pass every second day does not make a statement for each.
func TestManyPartsAreOne(t *testing.T) {
	t.Parallel()
	f := newDays(t)
	const more = 400
	for n := range more {
		filter := make([]byte, 32)
		if n%2 == 0 {
			filter = []byte{}
		}
		f.enter(n-more, "default", filter)
	}
	parts, spans, _ := f.ask(f.traces[3])
	require.Len(t, parts, mostParts)
	require.Equal(t, int64(0), parts[mostParts-1][0])
	for i := range mostParts - 1 {
		require.GreaterOrEqual(t, parts[i][0], parts[i+1][1])
	}
	require.Positive(t, spans)
}

// TestTracesAreSoughtOneByOne: of several traces each is looked for where its own filters say that it may be, outside of where it was looked for already, and nowhere else;
// where no filter knows, all of them.
func TestTracesAreSoughtOneByOne(t *testing.T) {
	t.Parallel()
	f := newDays(t)
	const last = daysStored - 1
	f.enter(last, "default", nil) // a day that goes on
	for h := range int64(5) {
		f.enterTime(rollup.Hour, dayStart(last)+h*hour, "default", make([]byte, 32))
	}
	union := segment.NewUnion(100, 100)
	union.Add(f.traces[last])
	union.Add(f.traces[1]) // which goes on there
	f.enterTime(rollup.Hour, storedAt(last), "default", union.Filter)
	for n := range last { // the hours of days that are over
		f.enterTime(rollup.Hour, storedAt(n), "default", []byte{})
	}
	at := func(n int) Window { return Window{storedAt(n) - hour, storedAt(n) + 2*hour} }
	ask := func(but func(n int) Window) (out []Sought) {
		t.Helper()
		windows := make([]Window, len(f.traces))
		for n := range windows {
			windows[n] = but(n)
		}
		require.NoError(t, f.e.Ask(testbed.Context(t), "default", 0, func(ctx context.Context, s *Snapshot) (err error) {
			out, err = s.Elsewhere(ctx, "default", f.traces, windows)
			return err
		}))
		return out
	}
	hourOf := func(n int) Window { return Window{storedAt(n), storedAt(n) + hour} }
	require.Equal(t, []Sought{{hourOf(last), []int{1}}}, ask(at), "the one that goes on, and no other")

	everywhere := ask(func(int) Window { return Window{} })
	want := []Sought{{hourOf(last), []int{1, last}}}
	for n := last - 1; n >= 0; n-- {
		want = append(want, Sought{hourOf(n), []int{n}})
	}
	require.Equal(t, want, everywhere)

	half := ask(func(n int) Window { return Window{storedAt(n) - hour, storedAt(n) + hour/4} })
	want[0].Traces = []int{1, last}
	for n := range last {
		want[last-n].From += hour / 4
	}
	require.Equal(t, want, half, "what of an hour was not looked at")

	f.store(3, segmentrow.LevelFlush, "default", 100)
	require.Equal(t, []Sought{{hourOf(last), []int{1}}, {hourOf(3), []int{0, 1, 2, 4, 5}}}, ask(at), "what is not settled no filter knows")
	f.enterTime(rollup.Hour, storedAt(last), "default/1", nil)
	require.Equal(t, []Sought{{hourOf(last), []int{0, 1, 2, 3, 4}}, {hourOf(3), []int{0, 1, 2, 4, 5}}}, ask(at), "nor what was not made of all placements")

	// A day that has segments and is in no row.
	_, err := f.db.Pool.Exec(testbed.Context(t), `DELETE FROM trace_time WHERE start >= $1 AND start < $2`, dayStart(2), dayStart(3))
	require.NoError(t, err)
	got := ask(at)
	require.Contains(t, got, Sought{Window{storedAt(1) + hour, storedAt(3)}, []int{0, 1, 2, 3, 4, 5}}, "with the hours beside it that are in no row")

	// Of many times that are not known the oldest are one.
	for n := range mostGaps + 20 {
		f.enter(-2*n-2, "default", make([]byte, 32))
	}
	again := ask(at)
	require.Equal(t, got, again, "nothing is there")
	_, err = f.db.Pool.Exec(testbed.Context(t), `SELECT ensure_partition('spans_segment', $1), ensure_partition('spans_body', $1)`, dayStart(-3))
	require.NoError(t, err)
	f.store(-3, segmentrow.LevelSettled, "default", 101)
	again = ask(at)
	require.Equal(t, Sought{Window{dayStart(-3), dayStart(-2)}, []int{0, 1, 2, 3, 4, 5}}, again[len(again)-1])
}
