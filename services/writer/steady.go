package writer

// What a writer does nearly always: it stores requests that nobody has stored, of tenants whose entries of dimensions are all known, without rows
// for SQL. Then nothing that the database answers changes what is sent next, and the flush of many tenants, which is a transaction for each
// placement, is sent as one run without waiting:
//
//	placement a: set_config, claim, bodies, headers, usage, end ─┐
//	placement b: set_config, claim, bodies, headers, usage, end ─┼─> the answers, of all of them
//	placement c:             claim, bodies, headers, usage, end ─┘   only the last commit is forced to disk, and all before it with it
//
// Invariants:
//
//   - Each transaction is one placement's and is stored whole or not at all; what is wrong with one costs the others nothing.
//   - What is not known to be stored and on disk is stored again the slow way (database.store), in which the ledger says what is there already, and
//     whose commit is forced to disk, also where it only finds that all is there (it locks the rows of the ledger).
//   - Where a transaction needs answers, what was sent before it is waited for, and it is made the slow way in its turn, on the same connection:
//     a flush never waits for a second one while it has one.

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// stored are batches of one placement whose transaction is committed and on disk.
type stored struct {
	batches []*held
	out     outcome
}

// apart groups batches, all different, by placement: the transactions of a flush. Where it is not known how tenants are spread, all are together: storing
// them then says why.
func (d *database) apart(ctx context.Context, batches []*held, signal telemetry.Signal) ([]together, plan) {
	policy, err := d.policies.load(ctx, d.now())
	if err != nil {
		return []together{{batches: batches}}, plan{}
	}
	p := d.plan(policy, signal)
	return byPlacement(batches, p.home), p
}

// storeAll stores batches, all different, in a transaction for each placement. It returns those that are stored, and by placement the others, of
// which some may be stored too: they are to be stored by store, which knows.
func (d *database) storeAll(ctx context.Context, b *build, batches []*held) (done []stored, left [][]*held) {
	groups, p := d.apart(ctx, batches, b.signal)
	r := run{d: d, b: b, p: p}
	defer func() {
		for i := range groups {
			if !slices.ContainsFunc(done, func(s stored) bool { return s.batches[0] == groups[i].batches[0] }) {
				left = append(left, groups[i].batches)
			}
		}
	}()
	if p.homes == nil || d.unprepared {
		return nil, nil
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return nil, nil
	}
	defer conn.Release()
	r.conn = conn
	if r.prepare(ctx) != nil {
		return nil, nil
	}
	for i := range groups {
		if ctx.Err() != nil || conn.Conn().IsClosed() {
			break
		}
		r.add(ctx, groups[i], i == len(groups)-1)
	}
	r.wait()
	r.force(ctx)
	return r.done, nil
}

// run is the transactions of one flush on one connection.
type run struct {
	d    *database
	b    *build
	p    plan
	conn *pgxpool.Conn

	pipeline *pgconn.Pipeline
	sent     []sent   // that were not waited for
	lazy     []stored // committed, maybe not on disk
	done     []stored
	params   pgcopy.Stream
}

// sent is a transaction on its way.
type sent struct {
	stored
	forced bool // its commit is
}

// statement names, of those that are prepared.
const (
	lazily   = "olly_lazily"
	claimOne = "olly_claim_one"
	claimRow = "olly_claim_row"
	addUsage = "olly_add_usage"
	insert   = "olly_insert_" // and the table
)

// prepare makes the connection know the statements; it does so once.
func (r *run) prepare(ctx context.Context) error {
	sql := r.d.sql
	of := map[string]string{
		lazily: "SELECT set_config('synchronous_commit', 'off', true)", claimOne: sql.claimNew.One, claimRow: sql.claimNew.Row, addUsage: sql.addUsage,
	}
	for table, text := range segmentrow.Inserts(r.b.signal) {
		of[insert+table] = text
	}
	for name, text := range of {
		if _, err := r.conn.Conn().Prepare(ctx, name, text); err != nil {
			return err
		}
	}
	return nil
}

// add sends the transaction of a placement, or makes it the slow way. What becomes of it stands in done, or nowhere.
func (r *run) add(ctx context.Context, of together, last bool) {
	out, batches, err := r.d.build(r.b, of.batches, r.p)
	if err != nil {
		return
	}
	if len(batches) == 0 {
		r.done = append(r.done, stored{of.batches, out})
		return
	}
	if !r.steady(batches) || r.d.leaves.missing(r.d.needs(r.b, r.p.now)) {
		r.wait()
		if r.conn.Conn().IsClosed() {
			return
		}
		if out, err = r.d.transact(ctx, r.conn, r.b, batches, r.p, out); err == nil {
			r.done = append(append(r.done, stored{of.batches, out}), r.lazy...)
			r.lazy = nil
		}
		return
	}
	out.items, out.segments, out.bytes = r.b.items, r.b.segments.Headers.Rows, r.b.segments.Len()
	if r.pipeline == nil {
		r.pipeline = r.conn.Conn().PgConn().StartPipeline(ctx)
	}
	if !last {
		r.send(lazily, nil)
	}
	r.claim(of.at, batches)
	r.b.segments.Each(r.b.signal, func(table string, values [][]byte) { r.send(insert+table, values) })
	for _, key := range r.b.usage.keys() {
		sum := r.b.usage[key]
		r.begin(7)
		r.params.Text(string(key.tenant))
		r.date(time.Unix(key.day*int64(day/time.Second), 0))
		r.params.Int2(int16(r.b.signal))
		r.params.Int4(r.b.share)
		r.params.Int8(sum.items)
		r.params.Int8(sum.bytes)
		r.params.Int8(sum.series)
		r.end(addUsage)
	}
	r.pipeline.SendPipelineSync()
	r.sent = append(r.sent, sent{stored{of.batches, out}, last})
	if r.pipeline.Flush() != nil {
		r.wait()
	}
}

// steady reports whether nothing of what was built depends on what the database answers.
func (r *run) steady(batches []*held) bool {
	if len(r.b.dims.pending) > 0 || r.b.rows.stream.Rows > 0 {
		return false
	}
	requests := make(map[telemetry.RequestID]struct{}, len(batches))
	for _, h := range batches {
		if _, twice := requests[h.Request]; twice || h.attempts > 1 || h.Ordinals != nil || len(r.p.homes(h)) > 1 {
			return false // the ledger has to be asked, also for a part of a request, of which another may be there
		}
		requests[h.Request] = struct{}{}
	}
	return true
}

// claim enters the requests, in the order in which every writer does.
func (r *run) claim(at telemetry.Placement, batches []*held) {
	batches = slices.Clone(batches)
	slices.SortFunc(batches, func(a, b *held) int { return bytes.Compare(a.Request[:], b.Request[:]) })
	for len(batches) > 0 {
		n, statement := 1, claimOne
		if len(batches) >= claimRowOf {
			n, statement = claimRowOf, claimRow
		}
		r.begin(claimShared + claimWidth*n)
		r.date(r.p.now)
		r.params.Text(string(at.Tenant()))
		r.params.Int2(int16(r.b.signal))
		for _, h := range batches[:n] {
			r.params.Bytes(h.Request[:])
			r.params.Text(string(at))
			r.params.Int8(h.position)
			r.params.Int4(clamp32(int64(h.Items)))
			if covered := coverOf(h).text(); covered != nil {
				r.params.Text(*covered)
			} else {
				r.params.Null()
			}
			r.params.Bytes([]byte{0}) // it counts
		}
		r.end(statement)
		batches = batches[n:]
	}
}

func (r *run) begin(n int) {
	r.params.Reset()
	r.params.Begin(n)
}

// date writes the UTC day of an instant: days since 2000.
func (r *run) date(at time.Time) {
	r.params.Int4(int32(at.Unix()/int64(day/time.Second) - 10957)) //nolint:gosec // a clock's
}

func (r *run) end(statement string) {
	r.params.Each(func(values [][]byte) { r.send(statement, values) })
}

// send sends a prepared statement; values are copied.
func (r *run) send(statement string, values [][]byte) {
	r.pipeline.SendQueryPrepared(statement, values, []int16{pgx.BinaryFormatCode}, nil)
}

var errNoAnswer = errors.New("the connection has no answer")

// wait reads what became of the transactions that were sent.
func (r *run) wait() {
	if r.pipeline == nil {
		return
	}
	for _, s := range r.sent {
		err := r.answer()
		if r.conn.Conn().IsClosed() {
			break
		}
		switch {
		case err != nil:
		case s.forced:
			r.done = append(append(r.done, s.stored), r.lazy...)
			r.lazy = nil
		default:
			r.lazy = append(r.lazy, s.stored)
		}
	}
	_ = r.pipeline.Close()
	r.pipeline, r.sent = nil, nil
}

// force forces to disk what is committed and maybe not there: the transaction whose commit was to do it had nothing to store, or was refused.
func (r *run) force(ctx context.Context) {
	if len(r.lazy) == 0 || r.conn.Conn().IsClosed() {
		return
	}
	// A commit that has written nothing is not forced.
	if _, err := r.conn.Exec(ctx, "SELECT pg_logical_emit_message(true, 'olly', '')"); err == nil {
		r.done = append(r.done, r.lazy...)
	}
	r.lazy = nil
}

// answer reads the answers to one transaction.
func (r *run) answer() (failed error) {
	for {
		result, err := r.pipeline.GetResults()
		if err != nil {
			failed = errors.Join(failed, err)
			if _, refused := errors.AsType[*pgconn.PgError](err); !refused || r.conn.Conn().IsClosed() {
				return failed
			}
			continue
		}
		switch result := result.(type) {
		case nil:
			return errors.Join(failed, errNoAnswer)
		case *pgconn.PipelineSync:
			return failed
		case *pgconn.ResultReader:
			if _, err := result.Close(); err != nil {
				failed = errors.Join(failed, err)
			}
		}
	}
}
