package writer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/seldom"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// ledger is a storer in memory that refuses what it is told to.
type ledger struct {
	calls   int
	stored  map[telemetry.BatchID]int
	poison  map[telemetry.BatchID]error // refuses every flush that holds one
	garbage map[telemetry.BatchID]bool  // cannot be decoded
	astray  map[telemetry.BatchID]bool  // has items out of time beside others
	down    []error                     // errors of the next calls
	broken  error                       // what a control flush is refused for
	proofs  int                         // control flushes
}

func (l *ledger) control(context.Context, *held, map[leaf]int64) error {
	l.proofs++
	return l.broken
}

func (l *ledger) store(_ context.Context, batches []*held) (outcome, error) {
	l.calls++
	if len(l.down) > 0 {
		err := l.down[0]
		l.down = l.down[1:]
		if err != nil {
			return outcome{}, err
		}
	}
	var out outcome
	for _, h := range batches {
		if l.garbage[h.ID()] {
			out.refused = append(out.refused, refusal{held: h, err: fault.Kind{Class: fault.Invalid, Code: "garbage"}.New("cannot be decoded")})
		}
	}
	batches = without(batches, out.refused)
	for _, h := range batches {
		if l.astray[h.ID()] {
			out.cut = append(out.cut, refusal{held: h, err: errTime.New("an item is out of time"), rest: h})
		}
	}
	for _, h := range batches {
		if err := l.poison[h.ID()]; err != nil {
			return out, err
		}
	}
	for _, h := range batches {
		l.stored[h.ID()]++
	}
	return out, nil
}

func testInstruments(t *testing.T) *instruments {
	t.Helper()
	m, err := newInstruments(noop.Meter{}, func() int64 { return 0 }, func() int64 { return 0 }, func() int64 { return 0 })
	require.NoError(t, err)
	return m
}

// testFlusher takes control flushes.
func testFlusher(t *testing.T, store storer) *flusher {
	t.Helper()
	return &flusher{
		signal: telemetry.Traces, store: store, control: func(context.Context, *held, map[leaf]int64) error { return nil },
		reach: func(context.Context, *held) (map[leaf]int64, error) { return nil, nil }, alone: &alone{}, tries: 3,
		log: slog.New(slog.DiscardHandler), seldom: seldom.New(slog.New(slog.DiscardHandler), nil), metrics: testInstruments(t),
		now: func() time.Time { return epoch }, moved: func() {}, rest: func() {}, timeout: time.Minute, pauses: []time.Duration{time.Microsecond, time.Microsecond},
	}
}

// settling is what became of one delivery.
type settling struct {
	times int
	err   error
}

func deliveries(n int) ([]*held, []*settling) {
	batches, settled := make([]*held, n), make([]*settling, n)
	for i := range batches {
		s := &settling{}
		settled[i] = s
		batches[i] = &held{
			Batch: telemetry.Batch{Request: telemetry.RequestID{byte(i), byte(i >> 8)}, Tenant: "default", Items: 1, Received: epoch},
			settle: func(_ context.Context, err error) error {
				s.times++
				s.err = err
				return nil
			},
			keep: func() error { return nil },
		}
	}
	return batches, settled
}

func newLedger() *ledger {
	return &ledger{stored: map[telemetry.BatchID]int{}, poison: map[telemetry.BatchID]error{}, garbage: map[telemetry.BatchID]bool{}, astray: map[telemetry.BatchID]bool{}}
}

func TestFlushSettlesEveryDeliveryOnceAfterItIsStored(t *testing.T) {
	t.Parallel()
	l := newLedger()
	batches, settled := deliveries(50)
	require.NoError(t, testFlusher(t, l.store).flush(t.Context(), batches))
	require.Len(t, l.stored, 50)
	require.Equal(t, 1, l.calls)
	for _, s := range settled {
		require.Equal(t, settling{times: 1}, *s)
	}
}

func TestAFloodOfRefusedBatchesIsFewLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLedger()
	f := testFlusher(t, l.store)
	f.seldom = seldom.New(slog.New(slog.NewTextHandler(&out, nil)), f.now)
	batches, settled := deliveries(500)
	for _, h := range batches {
		l.poison[h.ID()] = fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused")
	}
	require.NoError(t, f.flush(t.Context(), batches))
	for _, s := range settled {
		require.Equal(t, 1, s.times)
	}
	require.Equal(t, 2, strings.Count(out.String(), "\n"), out.String())
	require.Contains(t, out.String(), `msg="flush refused, looking for the batch at fault"`)
	require.Contains(t, out.String(), `msg="batch refused alone"`)
}

func TestFlushStoresTwinsOnceAndSettlesBoth(t *testing.T) {
	t.Parallel()
	l := newLedger()
	batches, settled := deliveries(3)
	batches[2].Request = batches[0].Request
	require.NoError(t, testFlusher(t, l.store).flush(t.Context(), batches))
	require.Equal(t, map[telemetry.BatchID]int{batches[0].ID(): 1, batches[1].ID(): 1}, l.stored)
	for _, s := range settled {
		require.Equal(t, settling{times: 1}, *s)
	}
}

func TestFlushDeadLettersTheGuiltyAlone(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 64, 100} {
		for _, guilty := range [][]int{{0}, {n - 1}, {n / 2}, {0, n / 3, n - 1}} {
			t.Run(fmt.Sprint(n, guilty), func(t *testing.T) {
				l := newLedger()
				batches, settled := deliveries(n)
				bad := map[int]bool{}
				for _, g := range guilty {
					bad[g] = true
					l.poison[batches[g].ID()] = fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused")
				}
				require.NoError(t, testFlusher(t, l.store).flush(t.Context(), batches), "nothing was given back")
				for i, s := range settled {
					require.Equal(t, 1, s.times, "batch %d", i)
					require.Equal(t, bad[i], fault.ClassOf(s.err) == fault.Invalid && s.err != nil, "batch %d: %v", i, s.err)
					require.Equal(t, !bad[i], l.stored[batches[i].ID()] == 1, "batch %d", i)
				}
			})
		}
	}
}

func TestFlushDeadLettersWhatCannotBeDecodedAndStoresTheRest(t *testing.T) {
	t.Parallel()
	l := newLedger()
	batches, settled := deliveries(10)
	l.garbage[batches[3].ID()] = true
	require.NoError(t, testFlusher(t, l.store).flush(t.Context(), batches))
	require.Equal(t, 1, l.calls)
	for i, s := range settled {
		require.Equal(t, 1, s.times)
		require.Equal(t, i == 3, s.err != nil)
	}
}

// A batch of which only a part could be stored becomes a dead letter after that part is in the database, and not before.
func TestFlushDeadLettersWhatIsCutOnlyAfterTheRestIsStored(t *testing.T) {
	t.Parallel()
	l := newLedger()
	batches, settled := deliveries(10)
	batches[7].Request = batches[3].Request // its twin
	l.astray[batches[3].ID()] = true
	l.poison[batches[5].ID()] = fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused")
	require.NoError(t, testFlusher(t, l.store).flush(t.Context(), batches))
	for i, s := range settled {
		require.Equal(t, 1, s.times)
		want := map[int]string{3: "writer.time", 5: "postgres.data", 7: "writer.time"}[i]
		if want == "" {
			require.NoError(t, s.err)
			continue
		}
		require.Equal(t, want, fault.From(s.err).Code)
		require.Equal(t, fault.Invalid, fault.ClassOf(s.err))
	}
	require.Equal(t, 1, l.stored[batches[3].ID()])

	down := fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("the database does not answer")
	refusing := func(ctx context.Context, flush []*held) (outcome, error) {
		out, err := l.store(ctx, flush)
		require.NoError(t, err)
		return out, down
	}
	batches, settled = deliveries(4)
	require.ErrorIs(t, testFlusher(t, refusing).flush(t.Context(), batches), down)
	for _, s := range settled {
		require.ErrorIs(t, s.err, down, "given back, the one that is to be cut too")
	}
}

func TestFlushGivesBackWhenTheDatabaseStaysDown(t *testing.T) {
	t.Parallel()
	l := newLedger()
	down := fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("the database does not answer")
	l.down = []error{down, down, down}
	batches, settled := deliveries(4)
	err := testFlusher(t, l.store).flush(t.Context(), batches)
	require.ErrorIs(t, err, down)
	require.Equal(t, 3, l.calls, "one attempt and two more after a pause")
	require.Empty(t, l.stored)
	for _, s := range settled {
		require.Equal(t, 1, s.times)
		require.ErrorIs(t, s.err, down)
	}
}

func TestFlushSurvivesAShortOutage(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.down = []error{fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("the database does not answer")}
	batches, settled := deliveries(4)
	require.NoError(t, testFlusher(t, l.store).flush(t.Context(), batches))
	require.Len(t, l.stored, 4)
	for _, s := range settled {
		require.Equal(t, settling{times: 1}, *s)
	}
}

func TestFlushTriesASuspectAloneSoThatNeighboursAreStored(t *testing.T) {
	t.Parallel()
	l := newLedger()
	batches, _ := deliveries(8)
	unknown := errors.New("something odd")
	l.poison[batches[5].ID()] = unknown
	require.ErrorIs(t, testFlusher(t, l.store).flush(t.Context(), batches), unknown)
	require.Empty(t, l.stored, "at first all are given back")

	batches, settled := deliveries(8)
	batches[5].attempts = suspectAttempts
	require.ErrorIs(t, testFlusher(t, l.store).flush(t.Context(), batches), unknown)
	require.Len(t, l.stored, 7)
	for i, s := range settled {
		require.Equal(t, 1, s.times)
		require.Equal(t, i == 5, s.err != nil)
	}
}

func TestABatchThatMakesAnEncoderPanicIsFoundAndItsNeighboursAreStored(t *testing.T) {
	t.Parallel()
	l := newLedger()
	batches, settled := deliveries(8)
	for _, h := range batches {
		h.attempts = suspectAttempts
	}
	f := testFlusher(t, func(ctx context.Context, flush []*held) (outcome, error) {
		for _, h := range flush {
			if h == batches[5] {
				panic("index out of range")
			}
		}
		return l.store(ctx, flush)
	})
	err := f.flush(t.Context(), batches)
	require.Equal(t, fault.Internal, fault.ClassOf(err))
	require.Equal(t, "writer.panic", fault.From(err).Code)
	require.Len(t, l.stored, 7)
	for i, s := range settled {
		require.Equal(t, 1, s.times)
		require.Equal(t, i == 5, s.err != nil)
	}
}

// testRefusals is a flusher of a ledger that answers control flushes too.
func testRefusals(t *testing.T, l *ledger) *flusher {
	t.Helper()
	f := testFlusher(t, l.store)
	f.control = l.control
	return f
}

func TestADatabaseThatRefusesEverythingIsNotAskedForEachBatch(t *testing.T) {
	t.Parallel()
	for _, refused := range []error{
		errRefused.New("the database refuses to write"), fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused"),
	} {
		l := newLedger()
		l.broken = refused
		batches, settled := deliveries(512)
		for _, h := range batches {
			h.attempts = 20
			l.poison[h.ID()] = refused
		}
		err := testRefusals(t, l).flush(t.Context(), batches)
		require.Equal(t, errRefused.Code, fault.From(err).Code)
		require.LessOrEqual(t, l.calls, 10, "down to one, and no more")
		for _, s := range settled {
			require.Equal(t, 1, s.times)
			require.Equal(t, fault.Unavailable, fault.ClassOf(s.err), "given back, however often it was delivered")
		}
	}
}

func TestABatchThatTheDatabaseRefusesForAnUnknownReasonDoesNotHoldUpItsNeighbours(t *testing.T) {
	t.Parallel()
	refused := errRefused.New("the database refuses to write")
	for guilty := range 9 {
		l := newLedger()
		batches, settled := deliveries(9)
		l.poison[batches[guilty].ID()] = refused
		require.ErrorIs(t, testRefusals(t, l).flush(t.Context(), batches), refused)
		require.Len(t, l.stored, 8)
		for i, s := range settled {
			require.Equal(t, 1, s.times)
			require.Equal(t, i == guilty, s.err != nil)
			if i == guilty {
				require.Equal(t, fault.Unavailable, fault.ClassOf(s.err), "it is no dead letter")
			}
		}
	}
}

// A batch that the database refuses for a reason that may be in the data, and takes a control flush in its place, fails by itself: it comes again with a bound.
// Where the reason has passed meanwhile it is stored, and where the database takes no control flush, or the reason is its own, it comes again for ever.
func TestWhatIsRefusedAgainAndAgainFailsByItself(t *testing.T) {
	t.Parallel()
	state := func(code string) error {
		return classify(fmt.Errorf("copy: %w", &pgconn.PgError{Code: code, Routine: "GetNewTransactionId"}))
	}
	for _, code := range []string{"XX000", "0A000", "55000", "25P02", "2BP01", "U0001"} {
		l := newLedger()
		f := testRefusals(t, l)
		for try := 1; try <= f.tries; try++ {
			batches, settled := deliveries(9)
			batches[4].attempts = 100 // an outage came before
			l.poison[batches[4].ID()] = state(code)
			require.NoError(t, f.flush(t.Context(), batches), "nothing is given back for the database's sake")
			require.Len(t, l.stored, 8)
			require.Equal(t, 1, settled[4].times)
			got := fault.From(settled[4].err)
			if try < f.tries {
				require.Equal(t, fault.Unavailable, got.Class, "%s: it is this writer that counts, not the bus", code)
				continue
			}
			require.Equal(t, errRefusedAlone.Code, got.Code, code)
			require.Equal(t, fault.Internal, got.Class, "a dead letter, since it was delivered as often at least")
			require.Contains(t, got.Message, "SQLSTATE "+code)
		}
		require.NoError(t, f.alone.health(epoch))
	}
	for _, code := range []string{"XX001", "XX002", "42501", "58030", "58P01", "54000"} {
		l := newLedger()
		batches, settled := deliveries(9)
		l.poison[batches[4].ID()] = state(code)
		require.Error(t, testRefusals(t, l).flush(t.Context(), batches))
		require.Len(t, l.stored, 8)
		require.Equal(t, fault.Unavailable, fault.ClassOf(settled[4].err), code)
	}
	leaf := classify(leafError{fmt.Errorf("make a partition: %w", postgres.Classify(&pgconn.PgError{Code: "XX000"}))})
	l := newLedger()
	batches, settled := deliveries(1)
	l.poison[batches[0].ID()] = leaf
	require.Error(t, testRefusals(t, l).flush(t.Context(), batches))
	require.Equal(t, fault.Unavailable, fault.ClassOf(settled[0].err), "a batch has no part in a partition that cannot be made")

	for name, second := range map[string]error{"it has passed": nil, "the database has gone": fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("away"), "another reason": state("22021")} {
		l := newLedger()
		batches, settled := deliveries(1)
		f := testRefusals(t, l)
		tries := 0
		f.store = func(ctx context.Context, batches []*held) (outcome, error) {
			if tries++; tries == 1 {
				return outcome{}, state("XX000")
			}
			if second == nil {
				return l.store(ctx, batches)
			}
			return outcome{}, second
		}
		err := f.flush(t.Context(), batches)
		require.Equal(t, 1, settled[0].times, name)
		require.Equal(t, second == nil, err == nil, name)
		if second == nil {
			require.NoError(t, settled[0].err)
			require.Len(t, l.stored, 1)
		} else {
			require.Equal(t, fault.Unavailable, fault.ClassOf(settled[0].err), name)
		}
	}
}

// Many batches that are refused alone are taken for trouble of the database, however often they come: they wait, it is said, and those that can be stored are.
func TestManyThatAreRefusedAloneWait(t *testing.T) {
	t.Parallel()
	refused := classify(&pgconn.PgError{Code: "55000"})
	l := newLedger()
	f := testRefusals(t, l)
	now := epoch
	f.now = func() time.Time { return now }
	for try := range 20 {
		batches, settled := deliveries(40)
		for i, h := range batches {
			h.attempts = try + 1
			if i%5 == 0 {
				l.poison[h.ID()] = refused
			}
		}
		require.NoError(t, f.flush(t.Context(), batches), "the others are written without a pause")
		require.Len(t, l.stored, 32)
		for i, s := range settled {
			require.Equal(t, 1, s.times)
			require.Equal(t, i%5 == 0, fault.ClassOf(s.err) == fault.Unavailable, "%d: %v", i, s.err)
		}
		require.Error(t, f.alone.health(now))
		now = now.Add(30 * time.Second)
	}
	bad, settled := deliveries(1)
	require.Error(t, f.flush(t.Context(), bad), "where nothing can be written there is a pause")
	require.Equal(t, fault.Unavailable, fault.ClassOf(settled[0].err))
	clear(l.poison)
	batches, _ := deliveries(40)
	require.NoError(t, f.flush(t.Context(), batches))
	require.NoError(t, f.alone.health(now), "it is over")
	l.poison[bad[0].ID()] = refused
	for range f.tries {
		bad, settled = deliveries(1)
		_ = f.flush(t.Context(), bad)
	}
	require.Equal(t, errRefusedAlone.Code, fault.From(settled[0].err).Code, "one that is alone in this ends")
}

// How often the database is asked: for one guilty batch twice the logarithm, for every other one once a batch.
func TestLookingForTheGuiltyIsBoundedWork(t *testing.T) {
	t.Parallel()
	data := fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused")
	for name, c := range map[string]struct {
		n, calls int
		guilty   func(i int) bool
	}{
		"the first":    {512, 22, func(i int) bool { return i == 0 }},
		"the last":     {512, 22, func(i int) bool { return i == 511 }},
		"one between":  {512, 22, func(i int) bool { return i == 341 }},
		"every second": {600, 615, func(i int) bool { return i%2 == 1 }},
		"one half":     {600, 640, func(i int) bool { return i < 300 }},
		"all":          {600, 620, func(int) bool { return true }},
		"a tenth":      {600, 560, func(i int) bool { return i%10 == 7 }},
	} {
		l := newLedger()
		batches, settled := deliveries(c.n)
		for i, h := range batches {
			if c.guilty(i) {
				l.poison[h.ID()] = data
			}
		}
		require.NoError(t, testRefusals(t, l).flush(t.Context(), batches), name)
		require.LessOrEqual(t, l.calls, c.calls, name)
		for i, s := range settled {
			require.Equal(t, 1, s.times, name)
			require.Equal(t, c.guilty(i), s.err != nil, "%s: %d", name, i)
		}
	}
}

// What was taken a while ago proves nothing of now: then a control flush is asked for.
func TestGuiltIsProvenAnewAfterAWhile(t *testing.T) {
	t.Parallel()
	data := fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused")
	l := newLedger()
	f := testRefusals(t, l)
	now := epoch
	f.now = func() time.Time { return now }
	store := f.store
	f.store = func(ctx context.Context, batches []*held) (outcome, error) {
		if len(batches) == 1 {
			now = now.Add(400 * time.Millisecond)
		}
		if l.calls > 8 {
			l.broken = data // someone has put a constraint on the table that nothing fulfils
		}
		return store(ctx, batches)
	}
	batches, settled := deliveries(20)
	for _, h := range batches {
		l.poison[h.ID()] = data
	}
	require.Error(t, f.flush(t.Context(), batches))
	dead := 0
	for _, s := range settled {
		require.Equal(t, 1, s.times)
		if fault.ClassOf(s.err) == fault.Invalid {
			dead++
		}
	}
	require.Positive(t, dead)
	require.Less(t, dead, 10, "the others are given back")
	require.Greater(t, l.proofs, 2)
}

// Trouble that begins while the guilty is looked for ends the search: nobody is blamed for it.
func TestTroubleOfTheDatabaseEndsTheSearch(t *testing.T) {
	t.Parallel()
	data := fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused")
	down := fault.Kind{Class: fault.Unavailable, Code: "postgres.down"}.New("the database does not answer")
	l := newLedger()
	l.down = []error{nil, nil, down, down, down}
	batches, settled := deliveries(16)
	l.poison[batches[15].ID()] = data
	require.ErrorIs(t, testRefusals(t, l).flush(t.Context(), batches), down)
	require.Len(t, l.stored, 8)
	for i, s := range settled {
		require.Equal(t, 1, s.times)
		if i >= 8 {
			require.ErrorIs(t, s.err, down)
		}
	}
}

func TestOnlyWhatTheDataCausedCostsABatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state, routine string
		class          fault.Class
		code           string
	}{
		{"22021", "", fault.Invalid, "postgres.data"},
		{"23505", "", fault.Invalid, "postgres.data"},
		{"44000", "", fault.Invalid, "postgres.data"},
		{"P0001", "", fault.Invalid, "postgres.data"},
		{"54000", "_bt_check_third_page", fault.Invalid, "postgres.limit"},
		{"54000", "GetNewTransactionId", fault.Unavailable, errRefused.Code},
		{"54000", "GetNewMultiXactId", fault.Unavailable, errRefused.Code},
		{"42501", "", fault.Unavailable, errRefused.Code},
		{"0A000", "", fault.Unavailable, errRefused.Code},
		{"55000", "", fault.Unavailable, errRefused.Code},
		{"58030", "", fault.Unavailable, errRefused.Code},
		{"XX000", "", fault.Unavailable, errRefused.Code},
		{"53100", "", fault.Overloaded, "postgres.full"},
		{"40P01", "", fault.Unavailable, "postgres.conflict"},
	} {
		raw := fmt.Errorf("copy rows: %w", &pgconn.PgError{Code: c.state, Routine: c.routine, ConstraintName: "c"})
		for _, err := range []error{raw, postgres.Classify(raw)} {
			got := fault.From(classify(err))
			require.Equal(t, c.class, got.Class, c.state+c.routine)
			require.Equal(t, c.code, got.Code, c.state+c.routine)
		}
	}
	defect := errors.New("encode a segment")
	require.Equal(t, fault.Internal, fault.ClassOf(classify(postgres.Classify(defect))), "a defect of this program stays one")
	require.NoError(t, classify(nil))
}

// That the database is away for one placement costs the others nothing while it is there for a control flush; where it is away, or is so again and
// again, they are given back.
func TestTheDatabaseIsAwayForOnePlacement(t *testing.T) {
	t.Parallel()
	away := postgres.Classify(&pgconn.PgError{Code: "40001"})
	require.Equal(t, fault.Unavailable, fault.ClassOf(away))
	for name, c := range map[string]struct {
		poison []int
		broken error
		stored []int
	}{
		"one":          {[]int{1}, nil, []int{0, 2, 3, 4, 5, 6}},
		"two":          {[]int{0, 2}, nil, []int{1, 3, 4, 5, 6}},
		"again":        {[]int{1, 2, 4}, nil, []int{0, 3}},
		"the database": {[]int{1}, away, []int{0}},
		"the last":     {[]int{6}, away, []int{0, 1, 2, 3, 4, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batches, settled := deliveries(7)
			l := &ledger{stored: map[telemetry.BatchID]int{}, poison: map[telemetry.BatchID]error{}, broken: c.broken}
			for _, i := range c.poison {
				l.poison[batches[i].ID()] = away
			}
			f := testFlusher(t, l.store)
			f.control = l.control
			f.all = func(_ context.Context, batches []*held) (done []stored, left [][]*held) {
				for _, h := range batches {
					left = append(left, []*held{h})
				}
				return nil, left
			}
			require.ErrorIs(t, f.flush(t.Context(), batches), away)
			for i, s := range settled {
				require.Equal(t, 1, s.times)
				if slices.Contains(c.stored, i) {
					require.NoError(t, s.err)
					require.Equal(t, 1, l.stored[batches[i].ID()])
				} else {
					require.ErrorIs(t, s.err, away)
					require.Zero(t, l.stored[batches[i].ID()])
				}
			}
		})
	}
}

// What the database refuses for a reason that looks like one of the data, and no longer when it takes a control flush, costs no batch.
func TestTroubleThatPassesBeforeTheProofCostsNoBatch(t *testing.T) {
	t.Parallel()
	l := newLedger()
	batches, settled := deliveries(3)
	for _, h := range batches {
		l.poison[h.ID()] = fault.Kind{Class: fault.Invalid, Code: "postgres.data"}.New("a value is refused")
	}
	f := testFlusher(t, l.store)
	f.control = func(context.Context, *held, map[leaf]int64) error {
		clear(l.poison)
		return nil
	}
	require.NoError(t, f.flush(t.Context(), batches))
	require.Len(t, l.stored, 3)
	for _, s := range settled {
		require.Equal(t, settling{times: 1}, *s)
	}
}
