package writer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	m, err := newInstruments(noop.Meter{}, func() int64 { return 0 }, func() int64 { return 0 })
	require.NoError(t, err)
	return m
}

func testFlusher(t *testing.T, store storer) *flusher {
	t.Helper()
	return &flusher{
		signal: telemetry.Traces, store: store, log: slog.New(slog.DiscardHandler), seldom: seldom.New(slog.New(slog.DiscardHandler), nil), metrics: testInstruments(t),
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
	require.Equal(t, 1, strings.Count(out.String(), "\n"), out.String())
	require.Contains(t, out.String(), "reason=postgres.data times=1")
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

func TestADatabaseThatRefusesEverythingIsNotAskedForEachBatch(t *testing.T) {
	t.Parallel()
	l := newLedger()
	refused := errRefused.New("the database refuses to write")
	for range 3 {
		l.down = append(l.down, refused)
	}
	batches, settled := deliveries(100)
	for _, h := range batches {
		h.attempts = 20
	}
	require.ErrorIs(t, testFlusher(t, l.store).flush(t.Context(), batches), refused)
	require.Equal(t, 3, l.calls, "all, and each half once")
	for _, s := range settled {
		require.Equal(t, 1, s.times)
		require.ErrorIs(t, s.err, refused, "given back, however often it was delivered")
	}
}

func TestABatchThatTheDatabaseRefusesForAnUnknownReasonDoesNotHoldUpItsNeighbours(t *testing.T) {
	t.Parallel()
	refused := errRefused.New("the database refuses to write")
	for guilty := range 9 {
		l := newLedger()
		batches, settled := deliveries(9)
		batches[0].attempts = suspectAttempts
		l.poison[batches[guilty].ID()] = refused
		require.ErrorIs(t, testFlusher(t, l.store).flush(t.Context(), batches), refused)
		require.Len(t, l.stored, 8)
		for i, s := range settled {
			require.Equal(t, 1, s.times)
			require.Equal(t, i == guilty, s.err != nil)
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
