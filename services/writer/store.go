package writer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// database is where flushes go. It is shared by all flushes of a writer and safe for concurrent use.
type database struct {
	pool         *pgxpool.Pool
	sql          *statements
	now          func() time.Time
	segmentItems int
	maxAhead     time.Duration
	known        *known
	heavy        heavy
	policies     *policies
	leaves       leaves
	unprepared   bool // behind a pooler: no statement stays prepared
}

// outcome is what a flush came to, for the metrics and the settling.
type outcome struct {
	refused    []refusal // nothing of them is stored
	cut        []refusal // what could be stored of them is
	duplicates int       // batches that were in the ledger already
	repeated   int       // items that were, with these batches or in others
	items      int
	segments   int
	rows       int
	bytes      int // of all COPY streams
	entries    int // of dimension tables, that the database was asked for
}

// store writes batches, all different, in one transaction: ledger, dimensions, segments, rows. When it returns nil, every
// batch that is not refused is in the database, by this transaction or by an earlier one; one that is cut, but for the items for which it
// is. When it returns an error, none was stored by this call, or (the connection was lost at the commit) all were: storing them again
// is safe either way.
func (d *database) store(ctx context.Context, b *build, batches []*held) (out outcome, err error) {
	defer func() { err = classify(err) }()
	// One policy from beginning to end, also where the batches are built twice: another flush may have learned of a new one by then.
	policy, err := d.policies.load(ctx, d.now())
	if err != nil {
		return out, err
	}
	return d.commit(ctx, b, batches, d.plan(policy, b.signal))
}

// plan is what a flush of a signal is built by now.
func (d *database) plan(policy *policy, signal telemetry.Signal) plan {
	p := plan{now: d.now(), segmentItems: d.segmentItems, known: d.known, heavy: &d.heavy}
	p.bounds = func(t telemetry.Tenant) (least, most int64) { return policy.bounds(t, signal, p.now, d.maxAhead) }
	p.rowsSince = func(t telemetry.Tenant) int64 { return policy.rowsSince(t, signal, p.now) }
	p.homes = func(h *held) []telemetry.Placement { return policy.spreads.Homes(h.Tenant, h.Request, p.now) }
	return p
}

// commit is store by a plan.
func (d *database) commit(ctx context.Context, b *build, batches []*held, p plan) (out outcome, err error) {
	out, batches, err = d.build(b, batches, p)
	if err != nil || len(batches) == 0 {
		return out, err
	}
	return d.transact(ctx, d.pool, b, batches, p, out)
}

// build makes batches ready for a transaction and returns those of which something is. Building before the transaction keeps it short. It is for
// nothing only if something of a batch turns out to be stored already, which takes a crash or a client's retry.
func (d *database) build(b *build, batches []*held, p plan) (out outcome, _ []*held, _ error) {
	refused, err := b.fill(batches, p)
	for _, r := range refused {
		if r.rest == nil {
			out.refused = append(out.refused, r)
		} else {
			out.cut = append(out.cut, r)
		}
	}
	if err != nil {
		return out, nil, err
	}
	return out, taken(batches, refused), nil
}

// transactor is a pool, or one of its connections.
type transactor interface {
	postgres.Beginner
	execer
}

// transact stores what was built of batches in one transaction.
func (d *database) transact(ctx context.Context, on transactor, b *build, batches []*held, p plan, out outcome) (outcome, error) {
	if err := d.prepare(ctx, on, b, p.now); err != nil {
		return out, err
	}
	var known repeats
	err := postgres.InTx(ctx, on, pgx.TxOptions{}, func(tx pgx.Tx) (err error) {
		known, err = d.put(ctx, tx, b, batches, p)
		return err
	})
	out.duplicates, out.repeated = known.batches, known.items
	if err != nil {
		if postgres.MissingPartition(err) {
			d.leaves.forget(b.leaves) // it was dropped behind our back; the next try makes it again
		}
		return out, err
	}
	if out.duplicates < len(batches) {
		d.known.add(b.dims.pending, b.dims.now)
		out.entries = len(b.dims.pending)
		out.items, out.segments, out.rows = b.items, b.segments.Headers.Rows, b.rows.stream.Rows
		out.bytes = b.segments.Len() + len(b.rows.stream.Buf)
	}
	return out, nil
}

// prepare makes the partitions that a flush needs.
func (d *database) prepare(ctx context.Context, on execer, b *build, now time.Time) error {
	return d.leaves.ensure(ctx, on, d.sql.ensurePartition, d.needs(b, now))
}

// needs are the partitions that a flush needs, with those of the ledger.
func (d *database) needs(b *build, now time.Time) map[leaf]int64 {
	today := today(now)
	b.leaf(schema.IngestBatch, today.UnixNano(), day)
	b.leaf(schema.IngestBatch, today.Add(day).UnixNano(), day) // the ledger guards the day after too
	return b.leaves
}

func today(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

// put enters batches into the ledger and stores what is new of them; it says what is not.
func (d *database) put(ctx context.Context, tx pgx.Tx, b *build, batches []*held, p plan) (repeats, error) {
	fresh, known, err := d.enter(ctx, tx, b.signal, batches, p)
	if err != nil || len(fresh) == 0 {
		return known, err
	}
	if known.items > 0 || known.batches > 0 {
		// They are in the ledger: what is refused only now would be there and nowhere else.
		refused, err := b.fill(fresh, p)
		if err == nil && len(refused) > 0 {
			err = rebuilt(refused)
		}
		if err != nil {
			return known, err
		}
	}
	return known, d.write(ctx, tx, b)
}

// tryWrite takes room on the database's disk and gives it back: an error says that a flush would be refused, too. A login that may make no temporary table is not
// tried.
func (d *database) tryWrite(ctx context.Context) error {
	tx, err := d.pool.Begin(ctx)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, d.sql.tryWrite)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		return nil
	}
	return classify(err)
}

// write sends everything but the ledger.
func (d *database) write(ctx context.Context, tx pgx.Tx, b *build) error {
	if err := b.dims.send(ctx, tx, d.sql, b.usage); err != nil {
		return fmt.Errorf("enter dimensions: %w", err)
	}
	if err := b.segments.Send(ctx, tx, b.signal); err != nil {
		return err
	}
	if rows := &b.rows.stream.Stream; rows.Rows > 0 {
		if err := rows.Send(ctx, tx, d.sql.copyFacts[b.signal]); err != nil {
			return fmt.Errorf("copy rows of %s: %w", b.signal, err)
		}
	}
	return b.usage.send(ctx, tx, d.sql.addUsage, b.signal, b.share)
}

// classify says what an error of the database means for a batch. Only what the data caused may cost a batch: a value that does not fit, a
// constraint, a trigger's refusal (postgres.Classify), a value beyond a limit. Whatever else the server says (a right that was revoked, a damaged page,
// transaction numbers used up) is a fault of the whole database: the batch waits for its end however long that takes. Internal remains
// for errors of this program.
func classify(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok, errRefused.Matches(err):
		return err
	case postgres.DataLimit(err):
		return errLimit.Wrap(err, "a value exceeds a limit of the database")
	case strings.HasPrefix(pg.Code, "54"), fault.ClassOf(postgres.Classify(err)) == fault.Internal:
		return errRefused.Wrap(err, "the database refuses to write")
	}
	return postgres.Classify(err)
}

// without returns the batches that are not refused.
func without(batches []*held, refused []refusal) []*held {
	if len(refused) == 0 {
		return batches
	}
	bad := make(map[*held]bool, len(refused))
	for _, r := range refused {
		bad[r.held] = true
	}
	rest := make([]*held, 0, len(batches)-len(refused))
	for _, h := range batches {
		if !bad[h] {
			rest = append(rest, h)
		}
	}
	return rest
}

// leaves remembers which partitions exist, so that a flush in steady state asks for none.
type leaves struct {
	mu    sync.Mutex
	exist map[leaf]struct{}
}

// maxLeaves bounds what is remembered: weeks of hours and days of all tables.
const maxLeaves = 8192

// ensure makes the partitions that are not known to exist, each in a transaction of its own: making one takes a lock that flushes
// must not hold.
func (l *leaves) ensure(ctx context.Context, on execer, sql string, want map[leaf]int64) error {
	for w := range want {
		l.mu.Lock()
		_, ok := l.exist[w]
		l.mu.Unlock()
		if ok {
			continue
		}
		if _, err := on.Exec(ctx, sql, w.table, w.start); err != nil {
			err = leafError{fmt.Errorf("make a partition of %s: %w", w.table, postgres.Classify(err))}
			if caused(err) {
				return errRefused.Wrap(err, "the database refuses a partition") // a batch has no part in it
			}
			return err
		}
		l.mu.Lock()
		if l.exist == nil || len(l.exist) >= maxLeaves {
			l.exist = map[leaf]struct{}{}
		}
		l.exist[w] = struct{}{}
		l.mu.Unlock()
	}
	return nil
}

// missing reports whether any of the partitions is not known to exist.
func (l *leaves) missing(want map[leaf]int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range want {
		if _, ok := l.exist[w]; !ok {
			return true
		}
	}
	return false
}

// execer runs a statement.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// leafError is why a partition cannot be made, in which no batch has a part.
type leafError struct{ error }

func (e leafError) Unwrap() error { return e.error }

// forget drops the partitions from memory.
func (l *leaves) forget(which map[leaf]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range which {
		delete(l.exist, w)
	}
}
