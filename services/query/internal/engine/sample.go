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

// chances is how many numbers there are for chance.
const chances = 1 << 48

// chance is a number below chances, for each segment always the same: the last six bytes of an id are chance.
func (p place) chance() uint64 { return binary.BigEndian.Uint64(p.id[8:]) & (chances - 1) }

// moreOf is how many times the sample that follows one with nothing in it is as large.
const moreOf = 4

// sampled is which segments are in a sample: those whose chance is below, and the one that has least of those that reach to what is asked for.
type sampled struct{ below, least uint64 }

func (s *sampled) has(h *Header) bool { c := h.chance(); return c < s.below || c == s.least }

// Sampling is a sample of a range that may be enlarged. A copy is enlarged by itself.
type Sampling struct {
	Sample
	chosen, before sampled // before is what was looked at
}

// All is whether all of the range is in it.
func (p *Sampling) All() bool { return p.chosen.below >= chances || p.Segments >= p.OfSegments }

// sample chooses segments with about so many items, and at least one of those that have items from an instant on, Unix ns.
func (s *Snapshot) sample(ctx context.Context, q *Query, about, from int64) (*Sampling, error) {
	type one struct {
		items, newest int64
		chance        uint64
	}
	all := *q
	all.Whole = true
	out := &Sampling{chosen: sampled{below: chances, least: chances}, before: sampled{least: chances}}
	_, err := Fold(ctx, s, &all, Always(segment.Want{}),
		func(_ *columns.Reader, h *Header, _ *Query) one { return one{int64(h.items), h.maxTime, h.chance()} },
		func(of one) {
			out.OfItems += of.items
			out.OfSegments++
			if of.newest >= from {
				out.chosen.least = min(out.chosen.least, of.chance)
			}
		})
	if out.OfItems > about {
		out.chosen.below = chances / uint64((out.OfItems+about-1)/about) //nolint:gosec // one in two or more
	}
	return out, err
}

// FoldSample is Fold over some segments with about so many items, the same ones each time. One at least has items from an instant on, Unix ns, if any has; and
// as long as there is not enough in it, there are more segments in the sample, until there is or all are. While that is so, nothing may have been told. An error
// of merge ends it and is returned. over is Fold's.
func FoldSample[T any](ctx context.Context, s *Snapshot, q *Query, about, from int64, want Columns,
	fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T) error, enough func() bool,
) (of *Sampling, over time.Duration, err error) {
	of, err = s.sample(ctx, q, about, from)
	if err != nil {
		return of, 0, err
	}
	over, err = FoldMore(ctx, s, q, of, want, fold, merge, enough)
	return of, over, err
}

// FoldMore is FoldSample of what of a range is not in a sample yet, which it enlarges. The query may ask for less than that of the sample, of the same range: segments in which its filters
// see that nothing is are in the sample then, and not among those that it says were looked at.
func FoldMore[T any](ctx context.Context, s *Snapshot, q *Query, of *Sampling, want Columns,
	fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T) error, enough func() bool,
) (over time.Duration, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type part struct {
		items int64
		of    T
	}
	var failed error
	for {
		if of.before.below > 0 { // it was looked at
			if of.All() || err != nil || enough() || s.Cut() != nil {
				return over, err
			}
			of.chosen.below = min(moreOf*of.chosen.below, chances)
		}
		now := func(h *Header) bool { return of.chosen.has(h) && !of.before.has(h) }
		over, err = Fold(ctx, s, q,
			func(q *Query, h *Header) segment.Want {
				if now(h) {
					return want(q, h)
				}
				return segment.Want{}
			},
			func(r *columns.Reader, h *Header, q *Query) *part {
				if !now(h) {
					return nil
				}
				return &part{int64(h.items), fold(r, h, q)}
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
		err = cmp.Or(failed, err) // what was refused stopped the fold
		of.before = of.chosen
	}
}

// FoldSome is FoldSample of a range of which it is known that it has items, and how many: of the segments that are not chosen nothing is read.
func FoldSome[T any](ctx context.Context, s *Snapshot, q *Query, items, about int64, want Columns,
	fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T) error,
) (of Sample, over time.Duration, err error) {
	type part struct {
		items int64
		of    T
	}
	some := *q
	of.OfItems = items
	if of.OfSegments, err = s.CountSegments(ctx, q); err != nil {
		return of, 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var failed error
	for some.OneIn = int((items + about - 1) / about); ; some.OneIn /= 2 { // of few segments there may be none among those that are chosen
		over, err = Fold(ctx, s, &some, want,
			func(r *columns.Reader, h *Header, q *Query) part { return part{int64(h.items), fold(r, h, q)} },
			func(p part) {
				if failed != nil {
					return
				}
				of.Segments++
				of.Items += p.items
				if failed = merge(p.of); failed != nil {
					stop()
				}
			})
		if err = cmp.Or(failed, err); err != nil || of.Segments > 0 || some.OneIn <= 1 || s.Cut() != nil {
			return of, over, err
		}
	}
}
