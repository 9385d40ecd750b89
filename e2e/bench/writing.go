package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// latency is how long flushes took, from being published to their commit.
type latency struct {
	flushes              int
	median, p99, longest time.Duration
	looks                int
	waits                map[string]int // how often a writer waited for a lock, of so many looks, by what for
}

// feeling is what a writer feels of merging.
type feeling struct {
	before, during latency
	items          int           // merged meanwhile
	took           time.Duration // by the janitor
}

// Flushes of writing: small ones, one after the other, for so long before the janitor starts.
const (
	flushItems = 200
	calm       = 5 * time.Second
)

// whileMerging writes small flushes, first alone, then while a janitor merges what a busy writer left in the same table.
func (m *machine) whileMerging(ctx context.Context, o mergeOptions) (f feeling, err error) {
	r := newMaker(shopAt(busyRate, hourAgo(0)), o.request, o.hard).make(telemetry.Traces, o.spans)
	st, err := m.stage(ctx, setup{database: "writing", requests: r, writers: -1})
	if err != nil {
		return f, err
	}
	defer st.close(ctx)
	if _, err := st.merge(ctx, nil, 2); err != nil {
		return f, err
	}
	if _, err := st.store(ctx, shape{requests: r}); err != nil {
		return f, err
	}
	w, err := m.startWriterOf(ctx, "", st.url, "--flush-quiet-after", "1ms", "--flush-longest", "1ms")
	if err != nil {
		return f, err
	}
	st.writers = []*process{w}
	watcher, err := pgx.Connect(ctx, st.url)
	if err != nil {
		return f, err
	}
	defer func() { _ = watcher.Close(ctx) }()
	// Of now: no minute of it is closed, so that what comes in is not what is merged.
	k := newMaker(testbed.NewShop(7, time.Now()), flushItems, o.hard)
	writing := func(until func() bool) (latency, error) { return st.flushes(ctx, watcher, k, until) }

	end := time.Now().Add(100 * time.Millisecond) // the first ones make partitions and know no dimensions
	if _, err := writing(func() bool { return time.Now().After(end) }); err != nil {
		return f, err
	}
	end = time.Now().Add(min(calm, time.Duration(o.spans)*10*time.Microsecond))
	if f.before, err = writing(func() bool { return time.Now().After(end) }); err != nil {
		return f, err
	}
	p, err := m.startJanitor(ctx, nil, st.url, 2)
	if err != nil {
		return f, err
	}
	began := time.Now()
	merged := make(chan error, 1)
	go func() { merged <- p.wait() }()
	var failed error
	f.during, err = writing(func() bool {
		select {
		case failed = <-merged:
			f.took = time.Since(began)
			return true
		default:
			return false
		}
	})
	if err != nil {
		return f, err
	}
	if failed != nil {
		return f, failed
	}
	return f, st.conn.QueryRow(ctx, "SELECT coalesce(sum(items), 0) FROM spans_segment WHERE level = 2").Scan(&f.items)
}

// flushes publishes one flush after the other until it is enough, and says how long their commits took.
func (st *stage) flushes(ctx context.Context, watcher *pgx.Conn, k *maker, enough func() bool) (l latency, err error) {
	var took []time.Duration
	l.waits = map[string]int{}
	for !enough() {
		r := k.make(telemetry.Traces, flushItems)
		began := time.Now()
		if err := st.machine.publish(ctx, r.batches); err != nil {
			return l, err
		}
		committed, err := st.machine.until(ctx, telemetry.Traces, func() error {
			l.looks++
			return l.look(ctx, watcher)
		})
		if err != nil {
			return l, err
		}
		took = append(took, committed.Sub(began))
	}
	if len(took) == 0 {
		return l, errors.New("no flush at all")
	}
	slices.Sort(took)
	l.flushes, l.median, l.p99, l.longest = len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	return l, nil
}

// look notes whom a writer waits for.
func (l *latency) look(ctx context.Context, watcher *pgx.Conn) error {
	rows, err := watcher.Query(ctx, `SELECT wait_event FROM pg_stat_activity
		WHERE application_name = 'ollyscale-writer' AND datname = current_database() AND wait_event_type = 'Lock'`)
	if err != nil {
		return err
	}
	events, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, e := range events {
		l.waits[e]++
	}
	return err
}

// until looks at a queue every millisecond until it is empty, and does something beside every look; it returns when it was.
func (q *queue) until(ctx context.Context, signal telemetry.Signal, beside func() error) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		b, err := q.bus.Pending(ctx, signal)
		if err != nil {
			return time.Time{}, err
		}
		if b.LastPosition == b.Settled {
			return time.Now(), nil
		}
		if beside != nil {
			if err := beside(); err != nil {
				return time.Time{}, err
			}
		}
		<-tick.C
	}
}
