package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Folds: something of each segment, merged into one. Invariant: what was merged is exactly the items from Cut.Since on, or all.

// Columns says what is read of a segment. The query may be narrower than the one that was asked: the edge of a cut answer is read again.
type Columns func(q *Query, h *Header) segment.Want

// Always reads the same columns of every segment.
func Always(w segment.Want) Columns { return func(*Query, *Header) segment.Want { return w } }

func (c Columns) ofStream(of *headers, h *Header) segment.Want { return c(of.query, h) }

// Fold folds all segments of a query, each by itself and in parallel, and merges what comes of them, one at a time.
//
//	newest ── merged: wholly newer than what may still come ──┬── waiting: reach below it ── oldest
//	                                                          └ next
//
// When the budget or the time cuts it, what was merged is exactly the items from Cut.Since on: a segment that reaches below is folded
// again for its newer part alone, so that a rate divides by the time that was really looked at. over is that time's length. fold must look at
// the query that it is given, and not at the one that was asked.
func Fold[T any](ctx context.Context, s *Snapshot, q *Query, w Columns, fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T)) (over time.Duration, err error) {
	stream, err := s.headers(ctx, q)
	if err != nil {
		return 0, err
	}
	return foldOf(ctx, s, q, stream, w, fold, merge)
}

// CountSegments is how many segments the range of a query has, of its stage.
func (s *Snapshot) CountSegments(ctx context.Context, q *Query) (n int, err error) {
	var highest int64
	err = s.tx.QueryRow(ctx, s.engine.statements.count[q.Signal][q.Stage], append([]any{s.list}, rangeArgs(q)...)...).Scan(&n, &highest)
	if err != nil {
		return 0, fmt.Errorf("count segments: %w", err)
	}
	return n, nil
}

// foldOf is a fold of a stream that is open.
func foldOf[T any](ctx context.Context, s *Snapshot, q *Query, stream *headers, w Columns,
	fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T),
) (over time.Duration, err error) {
	type folded struct {
		header *Header
		part   T
	}
	var waiting []folded
	frontier, err := scanOf(ctx, s, q, stream, w.ofStream,
		func(r *columns.Reader, h *Header) (T, error) { return fold(r, h, q), nil },
		func(wave []*Header, parts []T, next int64) bool {
			for i, h := range wave {
				waiting = append(waiting, folded{h, parts[i]})
			}
			kept := waiting[:0]
			for _, f := range waiting {
				if f.header.minTime > next {
					merge(f.part)
				} else {
					kept = append(kept, f)
				}
			}
			clear(waiting[len(kept):])
			waiting = kept
			return true
		})
	if err != nil {
		return 0, err
	}
	since := q.From
	if frontier != Complete {
		since = max(since, frontier+1)
		s.CutAt(since)
		newer := *q
		newer.From = since
		again := make([]*Header, len(waiting))
		for i, f := range waiting {
			again[i] = f.header
		}
		waiting = nil
		if err := refold(ctx, s, &newer, w, again, fold, merge); err != nil {
			return 0, err
		}
	}
	return time.Duration(q.To - since), nil
}

// refold folds segments that were seen before.
func refold[T any](ctx context.Context, s *Snapshot, q *Query, w Columns, list []*Header, fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T)) error {
	stream := &headers{snapshot: s, query: q, buffer: list, ended: true}
	for {
		current, err := s.load(ctx, stream, w.ofStream, largestWave, loadNow)
		if err != nil {
			return fmt.Errorf("read the edge of a cut answer: %w", err)
		}
		if len(current.headers) == 0 {
			return nil
		}
		s.bytes += current.bytes
		parts := make([]T, len(current.headers))
		err = s.decode(ctx, q, current, func(i int, r *columns.Reader, h *Header) error {
			parts[i] = fold(r, h, q)
			return nil
		})
		s.engine.waves.put(current)
		if err != nil {
			return err
		}
		for _, part := range parts {
			merge(part)
		}
	}
}
