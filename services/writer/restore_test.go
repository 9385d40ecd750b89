package writer

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// copyOf replaces the database to by a copy of another one, while nobody is connected.
func (r *rig) copyOf(from, to string) {
	r.t.Helper()
	ctx := testbed.Context(r.t)
	cfg, err := pgx.ParseConfig(r.store.db.URL)
	require.NoError(r.t, err)
	cfg.Database = "postgres"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	require.NoError(r.t, err)
	defer func() { _ = conn.Close(ctx) }()
	testbed.Eventually(r.t, "a copy of the database", func() bool {
		r.store.db.Pool.Reset()
		if _, err := conn.Exec(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS %q WITH (FORCE)", to)); err != nil {
			return false
		}
		_, err := conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %q TEMPLATE %q", to, from))
		return err == nil
	})
}

// backup copies the database; what it returns puts the copy back.
func (r *rig) backup() (restore func()) {
	name := r.store.db.Name
	kept := name + "_kept"
	r.copyOf(name, kept)
	r.t.Cleanup(func() {
		_, err := r.store.db.Pool.Exec(testbed.Context(r.t), fmt.Sprintf("DROP DATABASE IF EXISTS %q WITH (FORCE)", kept))
		require.NoError(r.t, err)
	})
	return func() {
		r.copyOf(kept, name)
		r.store.leaves.mu.Lock()
		defer r.store.leaves.mu.Unlock()
		r.store.leaves.exist = nil // partitions that the copy lacks are made again
	}
}

// purge empties the stream of traces, as somebody may by hand.
func purge(t *testing.T, nats *testbed.Server) {
	t.Helper()
	conn, err := nats.InProcessConn()
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	lines := bufio.NewScanner(conn)
	require.True(t, lines.Scan(), "the server says who it is before it listens")
	_, err = conn.Write([]byte("CONNECT {\"verbose\":false}\r\nSUB done 1\r\nPUB $JS.API.STREAM.PURGE." + bus.StreamName(telemetry.Traces) + " done 0\r\n\r\n"))
	require.NoError(t, err)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"success":true`) {
			return
		}
	}
	t.Fatal("the stream is not purged")
}

// byHand is a writer without its looks, which a test makes: it takes what there is, batch by batch.
type byHand struct {
	*rig
	lives *lives
	fetch source
}

func (r *rig) byHand() *byHand {
	r.t.Helper()
	c, err := r.bus.Consumer(testbed.Context(r.t), telemetry.Traces)
	require.NoError(r.t, err)
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(r.t)}
	r.t.Cleanup(c.Close)
	return &byHand{r, l, l.source(c, time.Now)}
}

// take settles n batches by what end says of each.
func (w *byHand) take(n int, end func(h *held) error) {
	w.t.Helper()
	for taken := 0; taken < n; {
		got, err := w.fetch(testbed.Context(w.t), 1, 64<<20, testbed.Patience)
		require.NoError(w.t, err)
		for _, h := range got {
			require.NoError(w.t, h.settle(testbed.Context(w.t), end(h)))
			taken++
		}
	}
}

// write stores a batch as a flush does.
func (w *byHand) write(h *held) error {
	w.store.put(telemetry.Traces, h)
	return w.lives.stored(testbed.Context(w.t), telemetry.Traces, []*held{h})
}

// restarted is a writer that has only just started, and looks three times.
func (r *rig) restarted() *lives {
	r.t.Helper()
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(r.t)}
	for range 3 {
		require.NoError(r.t, l.look(testbed.Context(r.t), telemetry.Traces, false))
	}
	return l
}

func (r *rig) told() (losses, messages int64) {
	r.t.Helper()
	return r.store.count("SELECT count(*) FROM queue_loss WHERE signal = 0"), r.store.count("SELECT coalesce(sum(lost), 0)::bigint FROM queue_loss WHERE signal = 0")
}

func (r *rig) requireTold(losses, messages int64, how string) {
	r.t.Helper()
	n, m := r.told()
	require.Equal(r.t, []int64{losses, messages}, []int64{n, m}, how)
}

// Everything is stopped, an older copy of the database is put back, and writers start: what was stored meanwhile is told as lost, once and for good.
func TestADatabaseThatIsRestoredTellsWhatItLacks(t *testing.T) {
	t.Parallel()
	r, _ := newWipeRig(t)
	_, stop := r.start()
	r.again(0, 3)
	r.stored(9)
	r.settled(telemetry.Traces)
	stop()
	restore := r.backup()
	_, stop = r.start()
	r.again(50, 4)
	r.stored(21)
	r.settled(telemetry.Traces)
	stop()
	restore()

	_, stop = r.start()
	_, other := r.start()
	testbed.Eventually(t, "it is told", func() bool { losses, _ := r.told(); return losses > 0 })
	r.again(100, 5)
	r.stored(9 + 15)
	r.settled(telemetry.Traces)
	testbed.Eventually(t, "health says so", func() bool { return r.writer.lives.health(t.Context()) != nil })
	lost := fault.From(r.writer.lives.health(t.Context()))
	require.Equal(t, errQueueLost.Code, lost.Code)
	require.Contains(t, lost.Message, "4 messages that the queue of traces called stored are not in the database")
	stop()
	other()
	r.restarted()
	r.requireTold(1, 4, "by writers that started after it, and by no other again")
	require.Equal(t, int64(1), r.store.count(`SELECT count(*) FROM queue_loss l JOIN queue_life o USING (signal, base)
		WHERE l.signal = 0 AND l.since = o.whole_at AND l.until = l.noticed AND l.since < l.until`), "since all was stored")
	require.Len(t, r.ledger(), 8)
}

// A copy of the time before anybody had looked at the queue lacks all that was stored.
func TestADatabaseThatIsRestoredEmptyTellsWhatItLacks(t *testing.T) {
	t.Parallel()
	r, nats := newWipeRig(t)
	restore := r.backup()
	w := r.byHand()
	r.again(0, 3)
	w.take(3, w.write)
	restore()
	r.restarted()
	r.requireTold(1, 3, "of the first life")

	// A copy of before the queue was lost knows nothing of what the new one stored, whatever it noted of the same numbers of the old one.
	r.again(10, 2)
	w = r.byHand()
	w.take(2, w.write)
	restore = r.backup()
	nats.Wipe()
	r.again(20, 5)
	testbed.Eventually(t, "the queue is looked at again", func() bool { return w.lives.look(testbed.Context(t), telemetry.Traces, false) == nil })
	w = r.byHand()
	w.take(5, w.write)
	restore()
	r.restarted()
	r.requireTold(2, 3+5, "of the first life, and of the second")
}

// Writers that are killed before they look again, and whatever leaves the queue without being stored, are no loss.
func TestWhatIsNotLostIsNotToldAsLost(t *testing.T) {
	t.Parallel()
	r, nats := newWipeRig(t)
	w := r.byHand()
	next := 0
	send := func(n int) {
		r.again(next, n)
		next += n
	}
	killed := func(how string) {
		t.Helper()
		r.settled(telemetry.Traces)
		r.restarted()
		r.requireTold(0, 0, how)
		b, err := r.bus.Pending(testbed.Context(t), telemetry.Traces)
		require.NoError(t, err)
		require.Equal(t, int64(b.Settled), r.store.count("SELECT settled FROM queue_life WHERE signal = 0 AND base = 0"), how)
		require.Zero(t, r.store.count("SELECT count(*) FROM queue_noted WHERE signal = 0"), how+": all is folded")
		w = r.byHand()
	}
	send(4)
	w.take(4, w.write)
	killed("after the acknowledgement")
	send(2)
	w.take(2, func(h *held) error { r.store.put(telemetry.Traces, h); return errRefused.New("killed") })
	w.take(2, w.write) // they come again, and are in the ledger
	killed("between commit and acknowledgement")
	send(3)
	w.take(3, func(*held) error { return errTime.New("it can never be stored") })
	killed("dead letters at the tail")
	send(1)
	w.take(1, func(h *held) error {
		r.store.put(telemetry.Traces, h)
		return errTime.New("not all of it can be stored")
	})
	killed("a cut batch at the tail")
	send(2)
	_, err := r.store.db.Pool.Exec(testbed.Context(t), "DELETE FROM ingest_batch")
	require.NoError(t, err)
	w.take(2, w.write)
	_, err = r.store.db.Pool.Exec(testbed.Context(t), "DELETE FROM ingest_batch")
	require.NoError(t, err)
	killed("a ledger that was pruned")
	purge(t, nats)
	killed("a purge of nothing")

	// A whole writer, stopped and started, with two of them, with the same requests again.
	for range 2 {
		_, stop := r.start()
		_, other := r.start()
		send(20)
		r.publish(batch("default", telemetry.Traces, []byte("no spans"), 1)) // a dead letter
		send(1)
		r.settled(telemetry.Traces)
		stop()
		other()
		killed("a stop and a start")
	}
	nats.Wipe()
	send(2)
	testbed.Eventually(t, "the queue is looked at again", func() bool { return w.lives.look(testbed.Context(t), telemetry.Traces, false) == nil })
	w = r.byHand()
	w.take(2, w.write)
	r.restarted()
	r.requireTold(1, 0, "a wiped queue: another life, and nothing of it is missing")
}

// What somebody takes out of a stream before it was stored is lost: told by who looks, whether it looked before or not. What was stored of it is not.
func TestAStreamThatIsPurgedTellsWhatWasLost(t *testing.T) {
	t.Parallel()
	r, nats := newWipeRig(t)
	w := r.byHand()
	r.again(0, 5)
	w.take(2, w.write)
	require.NoError(t, w.lives.look(testbed.Context(t), telemetry.Traces, false))
	purge(t, nats)
	require.NoError(t, w.lives.look(testbed.Context(t), telemetry.Traces, false))
	r.requireTold(1, 3, "by a writer that runs")
	w = r.byHand()
	r.again(10, 4)
	w.take(1, w.write)
	purge(t, nats)
	r.restarted()
	r.requireTold(2, 3+3, "by one that starts")
}

// Where it cannot be noted that a batch is stored, it comes again.
func TestABatchThatIsNotNotedComesAgain(t *testing.T) {
	t.Parallel()
	batches, settled := deliveries(2)
	f := testFlusher(t, func(context.Context, []*held) (outcome, error) { return outcome{}, nil })
	down := errRefused.New("no room")
	f.note = func(context.Context, []*held) error { return down }
	require.ErrorIs(t, f.flush(t.Context(), batches), down)
	for _, s := range settled {
		require.Equal(t, 1, s.times)
		require.ErrorIs(t, s.err, down)
	}
}

func TestRangesOfNumbers(t *testing.T) {
	t.Parallel()
	require.Equal(t, "{}", ranges(nil))
	require.Equal(t, "{[1,4),[7,8),[9,10)}", ranges([]uint64{9, 2, 1, 3, 7, 3}))
}
