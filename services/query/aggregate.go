package query

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// aggregate folds all segments of a plan, each by itself and in parallel, and merges what comes of them, one at a time.
//
//	newest ── merged: wholly newer than what may still come ──┬── waiting: reach below it ── oldest
//	                                                          └ next
//
// When the budget or the time cuts it, what was merged is exactly the items from incomplete.since on: a segment that reaches below is folded
// again for its newer part alone, so that a rate divides by the time that was really looked at. over is that time's length.
func aggregate[T any](ctx context.Context, v *view, p *plan, w wants, fold func(s *columns.Reader, h *header, p *plan) T, merge func(T)) (over time.Duration, err error) {
	type folded struct {
		header *header
		part   T
	}
	var waiting []folded
	results := make([]T, largestWave)
	frontier, err := v.walk(ctx, p, w,
		func(i int, h *header, s *columns.Reader) error {
			results[i] = fold(s, h, p)
			return nil
		},
		func(wave []*header, next int64) bool {
			for i, h := range wave {
				waiting = append(waiting, folded{h, results[i]})
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
	since := p.from
	if frontier != math.MinInt64 {
		since = max(since, frontier+1)
		v.incomplete.Since = nanos(since)
		v.incomplete.Message += "; the figures cover only the time since " + time.Unix(0, since).UTC().Format(time.RFC3339Nano)
		newer := *p
		newer.from = since
		again := make([]*header, len(waiting))
		for i, f := range waiting {
			again[i] = f.header
		}
		waiting = nil
		if err := refold(ctx, v, &newer, w, again, fold, merge); err != nil {
			return 0, err
		}
	}
	return time.Duration(p.to - since), nil
}

// refold folds segments that were seen before.
func refold[T any](ctx context.Context, v *view, p *plan, w wants, list []*header, fold func(s *columns.Reader, h *header, p *plan) T, merge func(T)) error {
	stream := &headers{view: v, plan: p, buffer: list, ended: true}
	results := make([]T, largestWave)
	for {
		current, err := v.load(ctx, stream, w, largestWave)
		if err != nil {
			return fmt.Errorf("read the edge of a cut answer: %w", err)
		}
		if len(current.headers) == 0 {
			return nil
		}
		v.bytes += current.bytes
		err = v.decode(ctx, p, current, func(i int, h *header, s *columns.Reader) error {
			results[i] = fold(s, h, p)
			return nil
		})
		if err != nil {
			return err
		}
		for _, part := range results[:len(current.headers)] {
			merge(part)
		}
	}
}

// mergeSums merges one map of sums into another.
func mergeSums[K comparable, T any](into, from map[K]*T, merge func(into, from *T)) {
	for k, sum := range from {
		merge(sumOf(into, k), sum)
	}
}
