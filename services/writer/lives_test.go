package writer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// newWipeRig is a rig whose NATS server can lose its store.
func newWipeRig(t *testing.T) (*rig, *testbed.Server) {
	t.Helper()
	s := newStore(t)
	nats := testbed.NATSServer(t)
	r := &rig{t: t, nats: nats.Config(), store: s, cfg: DefaultConfig()}
	r.cfg.Bus, r.cfg.Postgres = r.nats, s.db.Config()
	r.cfg.Flush.QuietAfter, r.cfg.Flush.Longest = 20*time.Millisecond, 50*time.Millisecond
	var err error
	r.bus, err = bus.Connect(testbed.Context(t), r.nats, nil, nil)
	require.NoError(t, err)
	t.Cleanup(r.bus.Close)
	require.NoError(t, r.bus.EnsureStreams(testbed.Context(t)))
	r.publisher, err = r.bus.Publisher()
	require.NoError(t, err)
	return r, nats
}

// again publishes n batches of three spans, whatever it takes while the streams are made anew.
func (r *rig) again(from, n int) {
	r.t.Helper()
	for seed := range n {
		h := shopSpans(uint64(from+seed), epoch, 3)
		testbed.Eventually(r.t, "the queue takes a batch", func() bool {
			if r.bus.EnsureStreams(r.t.Context()) != nil {
				return false
			}
			_, err := r.publisher.Publish(r.t.Context(), []telemetry.Batch{h.Batch})
			return err == nil
		})
	}
}

// ledger are the positions of the requests that are stored, lowest first.
func (r *rig) ledger() (positions []int64) {
	r.t.Helper()
	rows, err := r.store.db.Pool.Query(testbed.Context(r.t), "SELECT DISTINCT position FROM ingest_batch WHERE NOT guard ORDER BY position")
	require.NoError(r.t, err)
	defer rows.Close()
	for rows.Next() {
		var p int64
		require.NoError(r.t, rows.Scan(&p))
		positions = append(positions, p)
	}
	require.NoError(r.t, rows.Err())
	return positions
}

func (r *rig) stored(n int) {
	r.t.Helper()
	testbed.Eventually(r.t, "all of it is stored", func() bool {
		segments, _ := r.store.items(telemetry.Traces)
		return segments == int64(n)
	})
}

// A store that is lost under a running writer: what comes then is stored, at positions that nothing had before.
func TestAStoreThatIsLostUnderAWriterTakesNothingForStored(t *testing.T) {
	t.Parallel()
	r, nats := newWipeRig(t)
	r.start()
	r.again(0, 20)
	r.stored(60)
	r.settled(telemetry.Traces)
	testbed.Eventually(t, "a look at the end of it", func() bool {
		return r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0 AND seen = 20 AND unsettled = 0") == 1
	})
	nats.Wipe()
	r.again(100, 20) // the same numbers
	r.stored(120)
	r.settled(telemetry.Traces)
	require.Equal(t, int64(2), r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0"))
	positions := r.ledger()
	require.Len(t, positions, 40, "none is given twice")
	require.LessOrEqual(t, positions[19], int64(20))
	require.Greater(t, positions[20], int64(apart))
	require.NoError(t, r.writer.lives.health(t.Context()), "it was empty, and watched")
}

// A store with something in it that is lost while no writer runs is told by the next one: in its health for five minutes, in the table for good.
func TestAStoreThatIsLostWhileNoWriterRunsIsTold(t *testing.T) {
	t.Parallel()
	r, nats := newWipeRig(t)
	_, stop := r.start()
	r.again(0, 5)
	r.stored(15)
	r.settled(telemetry.Traces)
	stop()
	b, err := r.bus.Pending(testbed.Context(t), telemetry.Traces)
	require.NoError(t, err)
	r.again(50, 30) // accepted, and stored by nobody
	// What another writer saw last before all of them were gone.
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false))
	require.NoError(t, l.tell(testbed.Context(t)))
	require.NoError(t, l.health(t.Context()), "nothing is lost yet")
	nats.Wipe()
	r.again(0, 5) // a retry of what is stored …
	r.again(200, 7)
	_, stop = r.start()
	r.stored(15 + 21) // … is not stored again
	r.settled(telemetry.Traces)
	testbed.Eventually(t, "health says so", func() bool { return r.writer.lives.health(t.Context()) != nil })
	lost := fault.From(r.writer.lives.health(t.Context()))
	require.Equal(t, "writer.queue_lost", lost.Code)
	require.Contains(t, lost.Message, "(30 messages at the last look)")
	require.Equal(t, int64(1), r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0 AND base > $1", int64(b.LastPosition)))
	stop()

	r.store.clock.Advance(6 * time.Minute)
	l = &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	_, err = r.store.db.Pool.Exec(testbed.Context(t), "UPDATE queue_life SET noticed_at = noticed_at - interval '6 minutes'")
	require.NoError(t, err)
	require.NoError(t, l.tell(testbed.Context(t)))
	require.NoError(t, l.health(t.Context()), "after five minutes it is well again by itself")
}

// A stream that counts less than it did once, though it was not made anew, is an old copy.
func TestAStoreThatIsAnOldCopyBeginsAnotherLife(t *testing.T) {
	t.Parallel()
	r, _ := newWipeRig(t)
	r.again(0, 3)
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	look := func() (int64, error) {
		return l.of(testbed.Context(t), bus.Delivery{Batch: telemetry.Batch{Signal: telemetry.Traces}, Position: 2, Stored: time.Now()})
	}
	position, err := look()
	require.NoError(t, err)
	require.Equal(t, int64(2), position)
	_, err = r.store.db.Pool.Exec(testbed.Context(t), "UPDATE queue_life SET seen = 1000")
	require.NoError(t, err)
	require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false))
	require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false))
	position, err = look()
	require.NoError(t, err)
	require.Equal(t, int64(2+1000+apart), position)
	require.Equal(t, int64(2), r.store.count("SELECT count(*) FROM queue_life"), "and no third one")
}

// The database that is put back to an older copy lacks what was stored since: it is told as lost, and no position is given twice.
func TestADatabaseThatIsAnOldCopyBeginsAnotherLife(t *testing.T) {
	t.Parallel()
	r, _ := newWipeRig(t)
	r.again(0, 3)
	_, stop := r.start()
	r.stored(9)
	r.settled(telemetry.Traces)
	stop()
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	look := func() { require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false)) }
	look()
	look()
	require.Equal(t, int64(3), r.store.count("SELECT settled FROM queue_life WHERE signal = 0"), "all three are stored")
	// As it was a minute before, when one message of two was stored.
	_, err := r.store.db.Pool.Exec(testbed.Context(t), `UPDATE queue_life SET seen = 2, settled = 1, unsettled = 1,
		seen_at = clock_timestamp() - interval '1 minute', whole_at = clock_timestamp() - interval '61 seconds' WHERE signal = 0`)
	require.NoError(t, err)
	look()
	look()
	look()
	require.Equal(t, int64(2), r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0"), "another life, and no third one")
	require.Equal(t, int64(3+apart), r.store.count("SELECT max(base) FROM queue_life WHERE signal = 0"), "above all that was given before")
	require.Equal(t, int64(3), r.store.count("SELECT settled FROM queue_life WHERE signal = 0 ORDER BY base DESC LIMIT 1"))
	require.NoError(t, l.tell(testbed.Context(t)))
	require.Equal(t, "writer.queue_lost", fault.From(l.health(t.Context())).Code)

	// As it was before anything was looked at.
	_, err = r.store.db.Pool.Exec(testbed.Context(t), "DELETE FROM queue_life")
	require.NoError(t, err)
	look()
	require.Equal(t, int64(3+apart+3+apart), r.store.count("SELECT max(base) FROM queue_life WHERE signal = 0"))
}

// Writers that notice at the same time agree on one life.
func TestWritersAgreeOnALife(t *testing.T) {
	t.Parallel()
	r, nats := newWipeRig(t)
	r.again(0, 5)
	writers := make([]*lives, 6)
	for i := range writers {
		writers[i] = &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
		require.NoError(t, writers[i].look(testbed.Context(t), telemetry.Traces, false))
		require.NoError(t, writers[i].look(testbed.Context(t), telemetry.Traces, false))
		_, err := writers[i].of(testbed.Context(t), bus.Delivery{Batch: telemetry.Batch{Signal: telemetry.Traces}, Position: 5, Stored: time.Now()})
		require.NoError(t, err)
	}
	nats.Wipe()
	r.again(0, 1)
	positions := make(chan int64, len(writers))
	for _, l := range writers {
		go func() {
			position, err := l.of(context.WithoutCancel(t.Context()), bus.Delivery{Batch: telemetry.Batch{Signal: telemetry.Traces}, Position: 1, Stored: time.Now()})
			if err != nil {
				position = -1
			}
			positions <- position
		}()
	}
	for range writers {
		require.Equal(t, int64(1+5+apart), <-positions)
	}
}

func TestAPositionGoesByTheLifeOfItsStream(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	var l life
	_, ok := l.position(bus.Delivery{Position: 1, Stored: at(1)})
	require.False(t, ok, "not known yet")
	l.enter(0, at(0), bus.Backlog{}, false)
	for _, d := range []struct {
		number uint64
		stored int
		want   int64
	}{{5, 5, 5}, {3, 3, 3}, {5, 5, 5}, {9, 9, 9}} {
		position, ok := l.position(bus.Delivery{Position: d.number, Stored: at(d.stored)})
		require.True(t, ok)
		require.Equal(t, d.want, position)
	}
	_, ok = l.position(bus.Delivery{Position: 1, Stored: at(20)})
	require.False(t, ok, "later, and counted less")
	l.noted = map[uint64]struct{}{1: {}} // of the stream that is gone: message 1 of the new one is another
	l.enter(100, at(15), bus.Backlog{}, true)
	require.Empty(t, l.noted)
	l.noted = map[uint64]struct{}{2: {}}
	position, ok := l.position(bus.Delivery{Position: 1, Stored: at(20)})
	require.True(t, ok)
	require.Equal(t, int64(101), position)
	position, ok = l.position(bus.Delivery{Position: 7, Stored: at(7)})
	require.True(t, ok, "on its way since before")
	require.Equal(t, int64(7), position)

	l.enter(100, at(15), bus.Backlog{LastPosition: 30, LastStored: at(40)}, false)
	require.Len(t, l.noted, 1, "it is the same life")
	_, ok = l.position(bus.Delivery{Position: 2, Stored: at(50)})
	require.False(t, ok, "nothing of it was delivered, but the stream was seen to have counted further")
	position, ok = l.position(bus.Delivery{Position: 25, Stored: at(35)})
	require.True(t, ok)
	require.Equal(t, int64(125), position)
	l.enter(100, at(15), bus.Backlog{LastPosition: 30, LastStored: at(40)}, true)
	position, ok = l.position(bus.Delivery{Position: 2, Stored: at(50)})
	require.True(t, ok, "it was looked at just for that: the server's clock went back meanwhile")
	require.Equal(t, int64(102), position)
}

// While nobody says which life a stream is in, a fetch asks once and gives back all that it brought: each question may take seconds.
func TestAFetchOfAnUnknownLifeAsksOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for seed := range uint64(20) {
		r.publish(shopSpans(seed, epoch, 3))
	}
	c, err := r.bus.Consumer(testbed.Context(t), telemetry.Traces)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	asked := 0
	fetch := consumer(c, time.Now, func(_ context.Context, d bus.Delivery) (int64, error) {
		if asked++; d.Position > 3 {
			return 0, errLife.New("nobody answers")
		}
		return int64(d.Position), nil
	})
	testbed.Eventually(t, "all of them in one fetch", func() bool {
		b, err := r.bus.Pending(testbed.Context(t), telemetry.Traces)
		return err == nil && b.Pending == 20
	})
	got, err := fetch(testbed.Context(t), 100, 64<<20, testbed.Patience)
	require.Equal(t, errLife.Code, fault.From(err).Code, "%v", err)
	require.Len(t, got, 3, "those before are no worse for it")
	require.Equal(t, 4, asked)
	for _, h := range got {
		require.NoError(t, h.settle(testbed.Context(t), nil))
	}
	// What was given back comes again after half a second, not after bus.ack_wait.
	again := 0
	testbed.Eventually(t, "the others again", func() bool {
		deliveries, err := c.Fetch(testbed.Context(t), 100, 64<<20, time.Second)
		require.NoError(t, err)
		for _, d := range deliveries {
			require.Equal(t, 2, d.Attempts)
			require.NoError(t, d.Settle(testbed.Context(t), nil))
			again++
		}
		return again == 17
	})
}

// A writer that has started again, and to which nothing was delivered since, sees by the stream's own count that it was made anew.
func TestAPositionIsNotGivenTwiceByAWriterThatHasDeliveredNothing(t *testing.T) {
	t.Parallel()
	r, nats := newWipeRig(t)
	_, stop := r.start()
	r.again(0, 4)
	r.stored(12)
	r.settled(telemetry.Traces)
	stop()
	restarted := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	require.NoError(t, restarted.look(testbed.Context(t), telemetry.Traces, false))
	nats.Wipe()
	r.again(100, 2)
	c, err := r.bus.Consumer(testbed.Context(t), telemetry.Traces)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	given := 0
	testbed.Eventually(t, "what came after the loss", func() bool {
		deliveries, err := c.Fetch(testbed.Context(t), 10, 64<<20, time.Second)
		if err != nil {
			return false
		}
		for _, d := range deliveries {
			position, err := restarted.of(testbed.Context(t), d)
			require.NoError(t, err)
			require.Equal(t, int64(apart)+4+int64(d.Position), position)
			require.NoError(t, d.Settle(testbed.Context(t), nil))
			given++
		}
		return given == 2
	})
}

// What a writer says of a time that is still to come it said while the clock was ahead: nothing later than now is whole, and not even now where something is
// not stored.
func TestNoQueueIsWholeInTheFuture(t *testing.T) {
	t.Parallel()
	r, _ := newWipeRig(t)
	r.again(0, 3)
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	look := func() {
		t.Helper()
		require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false))
	}
	look()
	look()
	ahead := func() {
		t.Helper()
		_, err := r.store.db.Pool.Exec(testbed.Context(t), "UPDATE queue_life SET whole_at = clock_timestamp() + interval '1 day', seen_at = clock_timestamp() + interval '1 day' WHERE signal = 0")
		require.NoError(t, err)
		l.signals[telemetry.Traces].mark.at = time.Now().Add(24 * time.Hour)
	}
	ahead()
	look()
	require.Equal(t, int64(1), r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0 AND whole_at = began AND seen_at <= clock_timestamp()"), "three are not stored, and nobody knows since when")
	_, stop := r.start()
	r.stored(9)
	r.settled(telemetry.Traces)
	stop()
	ahead()
	look()
	require.Equal(t, int64(1), r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0 AND whole_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp()"), "all of it is stored")

	// The clock goes back between a look and the one that finds what it saw settled.
	r.again(50, 2)
	l.signals[telemetry.Traces].mark.at, l.signals[telemetry.Traces].mark.last = time.Now().Add(24*time.Hour), 3
	whole := r.store.count("SELECT (extract(epoch FROM whole_at) * 1000000)::bigint FROM queue_life WHERE signal = 0")
	look()
	require.Equal(t, whole, r.store.count("SELECT (extract(epoch FROM whole_at) * 1000000)::bigint FROM queue_life WHERE signal = 0 AND seen = 5"))
	require.False(t, l.signals[telemetry.Traces].mark.at.After(time.Now()))
}

// A queue that is empty is looked at by the database's clock, whatever the writer's own says: the look is noted while nothing changes.
func TestAnEmptyQueueIsKnownToBeWatchedWhateverTheWritersClockSays(t *testing.T) {
	t.Parallel()
	r, _ := newWipeRig(t)
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false))
	for _, ahead := range []time.Duration{-100 * 24 * time.Hour, 0, 100 * 24 * time.Hour} {
		r.store.database.now = func() time.Time { return time.Now().Add(ahead) }
		for _, age := range []string{"30 seconds", "-1 hour"} {
			_, err := r.store.db.Pool.Exec(testbed.Context(t), "UPDATE queue_life SET seen_at = clock_timestamp() - $1::interval", age)
			require.NoError(t, err)
			require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false))
			require.Equal(t, int64(1), r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0 AND abs(extract(epoch FROM clock_timestamp() - seen_at)) < 10"), "%s ahead, seen %s ago", ahead, age)
		}
		testbed.Eventually(t, "nothing is written on an idle database", func() bool { // within two seconds, which a busy machine may miss
			_, err := r.store.db.Pool.Exec(testbed.Context(t), "UPDATE queue_life SET seen_at = clock_timestamp()")
			require.NoError(t, err)
			before := r.store.count("SELECT pg_current_xact_id()::text::bigint")
			require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false))
			return r.store.count("SELECT count(*) FROM queue_life WHERE xmin::text::bigint >= $1", before) == 0
		})
	}
}

// Of two writers, the one that is slower to write does not take the other's higher count for a stream that lost some.
func TestAWriterThatWaitsForTheTableSeesNoLoss(t *testing.T) {
	t.Parallel()
	r, _ := newWipeRig(t)
	r.again(0, 3)
	l := &lives{bus: r.bus, db: r.store.database, log: testbed.NewLog(t)}
	require.NoError(t, l.look(testbed.Context(t), telemetry.Traces, false)) // begins the life
	ctx := testbed.Context(t)
	tx, err := r.store.db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, "LOCK TABLE queue_life IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	looked := make(chan error, 1)
	go func() { looked <- l.look(ctx, telemetry.Traces, false) }()
	testbed.Eventually(t, "the look waits for the table", func() bool {
		var waits bool
		require.NoError(t, tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'queue_life'::regclass AND NOT granted)").Scan(&waits))
		return waits
	})
	r.again(50, 4)
	_, err = tx.Exec(ctx, "UPDATE queue_life SET seen = 7 WHERE signal = 0") // by the other writer, which was faster
	require.NoError(t, err)
	require.NoError(t, tx.Commit(ctx))
	require.NoError(t, <-looked)
	require.NoError(t, l.look(ctx, telemetry.Traces, false))
	require.Equal(t, int64(1), r.store.count("SELECT count(*) FROM queue_life WHERE signal = 0"), "no other life")
	require.Equal(t, int64(7), r.store.count("SELECT seen FROM queue_life WHERE signal = 0"))
}
