package writer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The lives of the queue's streams. A stream that was made anew, because its store was lost, counts from one again. Invariants:
//
//   - A position is given once: it is what the stream counts and the base of the stream's life, and the base of a life is above all positions of
//     the one before. What is stored is known by its request (ledger.go), so nothing of a new life is taken for stored.
//   - A life is known by when its server made the stream; a stream that counts less than it did once has begun another one as well (its store is
//     an old copy, or lost its end in a power cut).
//   - What the table says is stored is: it is written after the stream said so, and the stream is told after the commit.
//   - No message leaves the stream before its number is noted in the database (queue_noted), after what it holds was stored. So whatever the stream calls settled
//     and the database knows nothing of is lost: the database is an older copy of itself, as after a restore, or somebody else emptied the stream. That begins
//     another life too, whoever looks first, and whenever.
//   - That what was queued is lost is told: in the log, in health for a while, and in the table for as long as there is data of then.

// lookEvery is how often a writer looks at the streams: what was accepted within it before a store is lost may be lost unsaid.
const lookEvery = time.Second

// apart is how far the base of a life is above what was last seen of the one before: more than a stream can have taken unseen.
const apart = 1 << 32

// lossShown is how long a lost queue is a matter of health.
const lossShown = 5 * time.Minute

// watched is how long nobody may have looked at a stream for that it counts as known to have been empty.
const watched = 5 * time.Second

// lives are those of all signals. Safe for concurrent use.
type lives struct {
	bus *bus.Bus
	db  *database
	log *slog.Logger

	signals [3]life
	mu      sync.Mutex
	loss    error     // what health says of a lost queue …
	until   time.Time // … until then
}

// life is that of one stream, as this writer knows it.
type life struct {
	looking sync.Mutex // one looks at a time
	mark    struct {   // everything up to a number of the stream was accepted before a moment
		at   time.Time
		last uint64
	}
	given int64 // the highest position that may have been given, as far as this writer saw

	mu    sync.Mutex          // of what follows
	noted map[uint64]struct{} // messages that are noted, and that the stream was not told of yet
	known bool
	began time.Time
	base  int64
	past  int64 // base of the life before
	top   struct {
		number uint64 // the highest that was delivered, or seen in the stream
		stored time.Time
	}
}

// position is that of a delivery; not ok where it is of a life that this writer does not know.
func (l *life) position(d bus.Delivery) (position int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := int64(d.Position) //nolint:gosec // a stream never counts beyond 2^63
	switch {
	case !l.known:
		return 0, false
	case d.Stored.Before(l.began):
		return l.past + number, true // it was on its way when its stream went
	case d.Position <= l.top.number && d.Stored.After(l.top.stored):
		return 0, false // a stream gives higher numbers to what comes later
	case d.Position > l.top.number:
		l.top.number, l.top.stored = d.Position, d.Stored
	}
	return l.base + number, true
}

// enter notes in which life the stream is, and what was seen of it. Where that was in doubt, it no longer is.
func (l *life) enter(base int64, began time.Time, seen bus.Backlog, doubt bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.known || l.base != base {
		if l.known {
			l.noted = nil // numbers of the stream before, which the new one gives again
		}
		l.known, l.began, l.past, l.base = true, began, l.base, base
		l.top.number, l.top.stored = 0, time.Time{}
	}
	switch {
	case doubt:
		l.top.number, l.top.stored = 0, time.Time{}
	case seen.LastPosition > l.top.number && !seen.LastStored.IsZero():
		// A writer to which little or nothing was delivered since it started knows by this that a stream counts from one again.
		l.top.number, l.top.stored = seen.LastPosition, seen.LastStored
	}
}

// source is that of a consumer whose messages have their positions from here, and are noted here before they leave.
func (l *lives) source(c *bus.Consumer, now func() time.Time) source {
	c.NoteBefore(l.leaves)
	return consumer(c, now, l.of)
}

// of is the position of a delivery. Where the life of its stream is not known, that is looked at.
func (l *lives) of(ctx context.Context, d bus.Delivery) (int64, error) {
	s := &l.signals[d.Signal]
	for range 3 { // one look enters a life, the next one sees it
		if position, ok := s.position(d); ok {
			return position, nil
		}
		if err := l.look(ctx, d.Signal, true); err != nil {
			return 0, err
		}
	}
	return 0, errLife.Newf("the stream of %s changes while it is looked at", d.Signal)
}

// run looks at the streams until ctx ends.
func (l *lives) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		for _, signal := range telemetry.Signals() {
			if err := l.look(ctx, signal, false); err != nil && ctx.Err() == nil {
				l.log.LogAttrs(ctx, slog.LevelDebug, "look at a stream", slog.String("signal", signal.String()), slog.Any("error", err))
			}
		}
		if err := l.tell(ctx); err != nil && ctx.Err() == nil {
			l.log.LogAttrs(ctx, slog.LevelDebug, "look for lost queues", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look sees in which life a stream is, and enters what it sees. doubt: what was delivered cannot be of the life that is known.
func (l *lives) look(ctx context.Context, signal telemetry.Signal, doubt bool) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s := &l.signals[signal]
	s.looking.Lock()
	defer s.looking.Unlock()
	// The table first: of two writers, the one that is slower to write must not take the other's higher count for a stream that lost some.
	noted, err := l.noted(ctx, signal)
	if err != nil {
		return classify(err)
	}
	backlog, err := l.bus.Pending(ctx, signal)
	if err != nil {
		return err
	}
	var whole time.Time
	if backlog.LastPosition < s.mark.last || s.mark.at.After(noted.at) { // another life; or the clock went back: it is not known when that was
		s.mark.at, s.mark.last = time.Time{}, 0
	}
	if backlog.Settled >= s.mark.last {
		whole = s.mark.at
		s.mark.at, s.mark.last = noted.at, backlog.LastPosition
	}
	if backlog.Settled == backlog.LastPosition {
		whole = noted.at
	}
	err = postgres.InTx(ctx, l.db.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		return l.note(ctx, tx, signal, noted, backlog, whole, doubt)
	})
	if err == nil {
		s.given = max(s.given, noted.base+noted.highest)
		s.forget(backlog.Settled)
	}
	return classify(err)
}

// forget lets go of what is noted of messages that have left the stream.
func (l *life) forget(settled uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for number := range l.noted {
		if number <= settled {
			delete(l.noted, number)
		}
	}
}

// stored notes messages of which all is stored, so that the stream may be told. An error is that they have to come again.
func (l *lives) stored(ctx context.Context, signal telemetry.Signal, batches []*held) error {
	var numbers []uint64
	var last time.Time
	for _, h := range batches {
		for _, d := range append([]*held{h}, h.twins...) {
			numbers = append(numbers, d.number)
			if d.stored.After(last) {
				last = d.stored
			}
		}
	}
	return l.write(ctx, signal, last, numbers)
}

// leaves notes a message before it leaves the stream, unless it is noted already.
func (l *lives) leaves(ctx context.Context, d bus.Delivery) error {
	s := &l.signals[d.Signal]
	s.mu.Lock()
	_, ok := s.noted[d.Position]
	delete(s.noted, d.Position)
	s.mu.Unlock()
	if ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := l.write(ctx, d.Signal, d.Stored, []uint64{d.Position}); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.noted, d.Position)
	s.mu.Unlock()
	return nil
}

// write writes numbers of messages down, of which the stream took the last one at a time, and remembers that they are.
func (l *lives) write(ctx context.Context, signal telemetry.Signal, stored time.Time, numbers []uint64) error {
	if _, err := l.db.pool.Exec(ctx, l.db.sql.queueNote, int16(signal), stored, ranges(numbers)); err != nil {
		if err = postgres.Classify(fmt.Errorf("note what is stored: %w", err)); fault.ClassOf(err) != fault.Unavailable {
			err = errRefused.Wrap(err, "the database refuses to note what is stored") // no batch has a part in it
		}
		return err
	}
	s := &l.signals[signal]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noted == nil {
		s.noted = map[uint64]struct{}{}
	}
	for _, number := range numbers {
		s.noted[number] = struct{}{}
	}
	return nil
}

// ranges is the text of an int8multirange of numbers, which it sorts.
func ranges(numbers []uint64) string {
	slices.Sort(numbers)
	text := []byte{'{'}
	for i := 0; i < len(numbers); {
		first, end := numbers[i], numbers[i]+1
		for i++; i < len(numbers) && numbers[i] <= end; i++ {
			end = numbers[i] + 1
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, "[%d,%d)", first, end)
	}
	return string(append(text, '}'))
}

// noted is what the table says of the last life of a stream.
type noted struct {
	none                   bool      // nobody looked at it yet
	at                     time.Time // when it said so, by the database's clock, as everything in it but when a stream began
	base, highest, left    int64
	settled                int64 // number of the stream up to which all is stored
	began, seenAt, wholeAt time.Time
}

func (l *lives) noted(ctx context.Context, signal telemetry.Signal) (n noted, err error) {
	var base, highest, settled, left *int64
	var began, seenAt, wholeAt *time.Time
	if err := l.db.pool.QueryRow(ctx, l.db.sql.queueLife, int16(signal)).Scan(&n.at, &base, &began, &highest, &settled, &seenAt, &left, &wholeAt); err != nil {
		return noted{}, fmt.Errorf("read the life of a stream: %w", err)
	}
	if n.none = base == nil; !n.none {
		n.base, n.began, n.highest, n.settled, n.seenAt, n.left, n.wholeAt = *base, *began, *highest, *settled, *seenAt, *left, *wholeAt
	}
	return n, nil
}

func (l *lives) note(ctx context.Context, tx pgx.Tx, signal telemetry.Signal, n noted, seen bus.Backlog, whole time.Time, doubt bool) error {
	began := seen.Created.UTC().Truncate(time.Microsecond)         // as the database keeps it
	last, settled := int64(seen.LastPosition), int64(seen.Settled) //nolint:gosec // a stream never counts beyond 2^63
	unsettled := last - settled
	if whole.Before(began) {
		whole = began
	}
	of := &l.signals[signal]
	var newest *int64
	var unknown int64
	if err := tx.QueryRow(ctx, l.db.sql.queueUnknown, int16(signal), began, settled).Scan(&newest, &unknown); err != nil {
		return fmt.Errorf("compare what is settled with what is noted: %w", err)
	}
	if n.none != (newest == nil) || newest != nil && *newest != n.base {
		return nil // another writer was first: the next look sees it
	}
	same := !n.none && n.began.Equal(began)
	if same && last >= n.highest && unknown == 0 {
		of.enter(n.base, began, seen, doubt)
		if age := n.at.Sub(n.seenAt); last == n.highest && settled == n.settled && unsettled == n.left && age >= 0 && age < watched/2 && !n.wholeAt.After(n.at) {
			return nil // nothing to write on an idle database
		}
		if _, err := tx.Exec(ctx, l.db.sql.queueLifeLook, int16(signal), n.base, last, unsettled, whole, settled); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, l.db.sql.queueFold, int16(signal), false)
		return err
	}
	given := max(of.given, n.base+n.highest)
	if same || n.none && unknown > 0 {
		given = max(given, n.base+last) // by whoever stored what the database does not know
	}
	next := int64(0)
	if given > 0 || !n.none {
		next = given + apart
	}
	if next > 0 {
		l.log.LogAttrs(ctx, slog.LevelWarn, "a stream of the queue was made anew, or the database is an older copy of itself: what was accepted since stored_until and is not stored is lost",
			slog.String("signal", signal.String()), slog.Int64("settled_and_unknown", unknown), slog.Time("stored_until", n.wholeAt), slog.Time("last_look", n.seenAt),
			slog.Int64("messages_then", n.left), slog.Time("made", began))
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE public.queue_life IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return err
	}
	// Unless another writer was first: what is in the table then is seen with the next look.
	entered, err := tx.Exec(ctx, l.db.sql.queueLifeBegin, int16(signal), next, began, last, unsettled, n.base, settled, unknown)
	if err == nil && entered.RowsAffected() == 1 {
		_, err = tx.Exec(ctx, l.db.sql.queueFold, int16(signal), !same)
	}
	return err
}

// tell has health say for a while that a queue was lost, where it was not known to be empty.
func (l *lives) tell(ctx context.Context) error {
	rows, err := l.db.pool.Query(ctx, l.db.sql.queueLosses)
	if err != nil {
		return classify(err)
	}
	var signal int16
	var from, until time.Time
	var left, lost int64
	var unseen, ago float64
	var loss error // the one of the most messages
	var longest time.Duration
	most := int64(-1)
	_, err = pgx.ForEachRow(rows, []any{&signal, &from, &until, &left, &lost, &unseen, &ago}, func() error {
		shown := lossShown - time.Duration(ago*float64(time.Second))
		if shown <= 0 || left == 0 && lost == 0 && unseen <= watched.Seconds() {
			return nil
		}
		longest = max(longest, shown)
		if n := max(left, lost); n > most {
			most = n
			span := fmt.Sprintf("what was accepted from %s to %s", from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
			of := telemetry.Signal(signal) //nolint:gosec // a signal
			if loss = errQueueLost.Newf("the queue of %s was made anew: %s and not stored yet is lost (%d messages at the last look)", of, span, left); lost > 0 {
				loss = errQueueLost.Newf("%d messages that the queue of %s called stored are not in the database, which may be an older copy of itself: %s and is not there is lost", lost, of, span)
			}
		}
		return nil
	})
	if err != nil {
		return classify(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loss, l.until = loss, l.db.now().Add(longest)
	return nil
}

// health is a check: it fails for five minutes after it was noticed that a queue was lost in which something was, or may have been.
func (l *lives) health(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loss == nil || !l.db.now().Before(l.until) {
		return nil
	}
	return l.loss
}
