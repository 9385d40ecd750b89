package engine

// What sums do not tell of (docs/adr/035): segments that are not settled yet, and settled ones of hours that a range cuts or whose sums say nothing. What they
// come to is remembered by minutes. Invariant: a segment counts once, as a whole, by what is remembered of its minute or by itself, or for the part of it that
// is in the range, by itself.

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Summary is what a fold makes of segments that is remembered of those that lie wholly in the range, all of whose items count. Join makes a value of its own
// even of one, which shares no memory with it.
type Summary[T any] struct {
	Kept[T]
	Columns Columns
	Fold    func(r *columns.Reader, h *Header, q *Query) T
	Merge   func(T) // adds one of the segments to the answer
	Free    func(T) // one that Fold made is used no more; nil where that is nothing to anybody
}

// Everything tells whether all items of a range count.
func (q *Query) Everything() bool {
	f, plain := q.Filter.(filter.All)
	return plain && len(f) == 0 && q.ByFilter() && q.Traces == nil
}

// FoldUntold is Fold for the segments of a query that sums do not tell of (Query.Summed), which remembers what they come to.
func FoldUntold[T any](ctx context.Context, s *Snapshot, q *Query, of *Summary[T]) (over time.Duration, err error) {
	free := of.Free
	if free == nil {
		free = func(T) {}
	}
	if !q.Everything() || q.Stage != Every || q.Span() == 0 || q.OneIn > 1 {
		return Fold(ctx, s, q, of.Columns, of.Fold, func(part T) {
			of.Merge(part)
			free(part)
		})
	}
	u := &untold[T]{snapshot: s, query: q, of: of, free: free}
	s.later(func() {
		for _, m := range u.minutes {
			m.share(s, 0, nil)
		}
	})
	asked, err := u.ask(ctx)
	if err != nil {
		return 0, err
	}
	places := []place{}
	if asked != nil {
		if places, err = s.placesOf(ctx, s.engine.statements.untoldPlaces[q.Signal], append(untoldArgs(q), asked)); err != nil {
			return 0, err
		}
	}
	places, u.minuteOf = unread(s, u.minutes, places, q.cuts)
	for _, m := range u.minutes {
		m.parts = nil // what is known is added when it is known since when
	}
	stream := &headers{snapshot: s, query: q, places: places, asked: true, drained: true, ended: len(places) == 0}
	over, err = foldOf(ctx, s, q, stream, of.Columns, u.fold, u.merge)
	if err != nil {
		return 0, err
	}
	return over, u.mergeKnown(ctx, q.To-over.Nanoseconds())
}

// cuts tells whether a segment may have items outside of the range.
func (q *Query) cuts(p place) bool { return p.minTime < q.From || p.maxTime >= q.To }

// untold is a fold in the making.
type untold[T any] struct {
	snapshot *Snapshot
	query    *Query
	of       *Summary[T]
	free     func(T)
	minutes  []*minutePart[T]            // newest first
	minuteOf map[[16]byte]*minutePart[T] // of segments that are read
}

// madeOf is what a segment came to.
type madeOf[T any] struct {
	header *Header
	whole  bool
	part   T
}

// ask asks which segments there are, and lists the minutes of which these are not remembered; nil where there is nothing to be read.
func (u *untold[T]) ask(ctx context.Context) (asked []int64, err error) {
	s, q := u.snapshot, u.query
	batch := &pgx.Batch{}
	batch.Queue(s.engine.statements.count[q.Signal][Every], rangeArgs(q)...).QueryRow(func(row pgx.Row) error {
		var n int
		var highest int64
		err := row.Scan(&n, &highest)
		s.segmentsInRange = max(s.segmentsInRange, n)
		return err
	})
	var list []minuteSet
	batch.Queue(s.engine.statements.untold[q.Signal], untoldArgs(q)...).Query(func(rows pgx.Rows) (err error) {
		list, err = minutesOf(rows)
		return err
	})
	if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	name := q.Signal.String() + " " + u.of.Name
	for _, set := range list {
		m := &minutePart[T]{key: countedKey{q.Tenant, name, set.start}, minute: set, all: !set.cut}
		if remembered(s, m); !m.whole {
			asked = append(asked, set.start)
		}
		u.minutes = append(u.minutes, m)
	}
	return asked, nil
}

func (u *untold[T]) fold(r *columns.Reader, h *Header, q *Query) madeOf[T] {
	return madeOf[T]{h, !q.cuts(h.place), u.of.Fold(r, h, q)}
}

// merge adds what a segment came to, and keeps it where it can until all of its minute are there.
func (u *untold[T]) merge(made madeOf[T]) {
	u.of.Merge(made.part)
	m := u.minuteOf[made.header.id]
	if !made.whole || !m.all {
		u.free(made.part)
		return
	}
	s := u.snapshot
	kept := u.of.Join([]T{made.part})
	u.free(made.part)
	size := u.of.Size(kept)
	if s.fromCache+m.held+size > s.engine.set.FreshCache/cacheShare || !s.hold(size) {
		m.all = false // there is no room for the minute
		s.letGo(m.held)
		m.parts, m.held = nil, 0
		return
	}
	m.parts, m.held = append(m.parts, kept), m.held+size
	if m.missing--; m.missing > 0 {
		return
	}
	if m.known != nil && m.known.part != nil {
		m.parts = append(m.parts, m.known.part.(T)) //nolint:forcetypeassert // as the name says
		s.later(m.let)                              // it is still to be added to the answer
		m.let, m.shared = nil, 0
	}
	remember(s, m, &u.of.Kept)
	s.letGo(m.held)
	m.parts, m.held = nil, 0
}

// mergeKnown adds what is remembered, of items that are not older than since.
func (u *untold[T]) mergeKnown(ctx context.Context, since int64) error {
	var across []*counted
	var minutes []int64
	for _, m := range u.minutes {
		switch c := m.known; {
		case c == nil || c.part == nil || m.minute.start+int64(time.Minute) <= since:
		case c.oldest >= since:
			u.of.Merge(c.part.(T)) //nolint:forcetypeassert // as the name says
		default:
			across, minutes = append(across, c), append(minutes, m.minute.start)
		}
	}
	if len(across) == 0 {
		return nil
	}
	s, q := u.snapshot, u.query
	places, err := s.placesOf(ctx, s.engine.statements.untoldPlaces[q.Signal], append(untoldArgs(q), minutes))
	if err != nil {
		return err
	}
	var list []place
	for _, p := range places {
		for _, c := range across {
			if p.maxTime >= since && c.has(p.id) {
				list = append(list, p)
				break
			}
		}
	}
	again, err := s.resolve(ctx, q, list)
	if err != nil {
		return err
	}
	newer := *q
	newer.From = since
	return refold(ctx, s, &newer, u.of.Columns, again, u.of.Fold, func(part T) {
		u.of.Merge(part)
		u.free(part)
	})
}

// untoldArgs are those of untold.sql: the parts of the range whose settled segments sums do not tell of come after it.
func untoldArgs(q *Query) []any {
	var since, until, hour, before []int64
	part := func(from, to int64) {
		if from >= to {
			return
		}
		since, until, hour = append(since, from), append(until, to), append(hour, telemetry.Grain(from, time.Hour))
		end := int64(math.MaxInt64)
		if last := telemetry.Grain(to-1, time.Hour); last < end-time.Hour.Nanoseconds() {
			end = last + time.Hour.Nanoseconds()
		}
		before = append(before, end)
	}
	if sums := q.Summed; sums == nil {
		part(q.From, q.To)
	} else {
		part(q.From, sums.From)
		part(sums.To, q.To)
		for _, start := range sums.But {
			part(start, start+time.Hour.Nanoseconds())
		}
	}
	return append(rangeArgs(q), since, until, hour, before)
}
