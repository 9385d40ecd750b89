package engine

import (
	"cmp"
	"context"
	"encoding/binary"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Sample is what was looked at of a range: items are those of the segments, also outside of the range.
type Sample struct {
	Items, OfItems       int64
	Segments, OfSegments int
}

// sampled reports whether the segment is in a sample of one in so many, always the same ones.
func (h *Header) sampled(oneIn int) bool {
	return oneIn <= 1 || binary.BigEndian.Uint64(h.id[8:])&(1<<48-1)%uint64(oneIn) == 0 // the last six bytes of an id are chance
}

// FoldSample is Fold over one in so many segments that some `about` items are looked at, one segment at least; while nothing is merged, the same question
// has the same sample. An error of merge ends it and is returned. over is Fold's.
func FoldSample[T any](ctx context.Context, s *Snapshot, q *Query, about int64, want segment.Want,
	fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T) error,
) (of Sample, over time.Duration, err error) {
	count := *q
	count.Whole = true
	if _, err := Fold(ctx, s, &count, Always(segment.Want{}),
		func(_ *columns.Reader, h *Header, _ *Query) int64 { return int64(h.Items()) },
		func(items int64) {
			of.OfItems += items
			of.OfSegments++
		}); err != nil {
		return of, 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type part struct {
		items int64
		of    T
	}
	var failed error
	for oneIn := int((of.OfItems + about - 1) / about); ; oneIn /= 2 { // of few segments there may be none in the sample: of more of them there is one
		over, err = Fold(ctx, s, q,
			func(_ *Query, h *Header) segment.Want {
				if h.sampled(oneIn) {
					return want
				}
				return segment.Want{}
			},
			func(r *columns.Reader, h *Header, q *Query) *part {
				if !h.sampled(oneIn) {
					return nil
				}
				return &part{int64(h.Items()), fold(r, h, q)}
			},
			func(p *part) {
				if p == nil || failed != nil {
					return
				}
				of.Segments++
				of.Items += p.items
				if failed = merge(p.of); failed != nil {
					stop()
				}
			})
		if err = cmp.Or(failed, err); err != nil || of.Segments > 0 || oneIn <= 1 || s.Cut() != nil { // what was refused stopped the fold
			return of, over, err
		}
	}
}
