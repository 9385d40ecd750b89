package engine

// Fresh segments, which are in no rollup yet, counted as a rollup would count them: by minutes, and remembered. Who asks again reads only those that came
// since.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Counter counts the segments of spans that are in no rollup yet. What it makes is by minutes.
type Counter[T any] struct {
	Kept[T]
	Want segment.Want
	// Count counts a whole segment, which lies in the hour that begins at start.
	Count func(r *columns.Reader, start int64) (T, error)
}

// CountFresh visits what a counter makes of the segments of a range of whole minutes that are in no rollup yet, newest first, as what rollups say by minutes:
// with these it is everything. It tells of whole segments, and so of minutes outside of the range too; the query's filter narrows nothing. When the budget or
// the time cuts it, or what it may hold is full, what was visited has all that is not older than since, which is q.From otherwise. query.memory where that
// would be nothing.
func CountFresh[T any](ctx context.Context, s *Snapshot, q *Query, of *Counter[T], visit func(*Rolled, T) error) (since int64, err error) {
	list, err := s.fresh(ctx, q)
	if err != nil || len(list) == 0 {
		return q.From, err
	}
	s.counted = true
	var minutes []*minutePart[T] // newest first
	s.later(func() {
		for _, m := range minutes {
			m.share(s, 0, nil)
		}
	})
	segments := 0
	var asked []int64 // minutes that are not remembered
	for _, set := range list {
		m := &minutePart[T]{key: countedKey{q.Tenant, of.Name, set.start}, minute: set, all: set.start < q.To+int64(time.Minute)}
		remembered(s, m)
		if !m.whole {
			asked = append(asked, set.start)
		}
		segments += set.segments
		minutes = append(minutes, m)
	}
	s.segmentsInRange = max(s.segmentsInRange, segments)

	frontier := Complete
	full, stopped := false, int64(0)
	if len(asked) > 0 {
		places, err := s.placesOf(ctx, s.engine.statements.freshPlaces, append(freshArgs(q), asked))
		if err != nil {
			return 0, err
		}
		places, minuteOf := unread(s, minutes, places, func(place) bool { return false })
		stream := &headers{snapshot: s, query: q, places: places, asked: true, drained: true}
		frontier, err = scanOf(ctx, s, q, stream, Always(of.Want).ofStream,
			func(r *columns.Reader, h *Header) (T, error) {
				return of.Count(r, telemetry.Grain(h.minTime, time.Hour))
			},
			func(wave []*Header, made []T, _ int64) bool {
				for i, h := range wave {
					m := minuteOf[h.id]
					size := of.Size(made[i])
					if !s.hold(size) {
						full, stopped = true, h.maxTime
						return false
					}
					m.parts, m.held = append(m.parts, made[i]), m.held+size
					if m.missing--; m.missing == 0 {
						remember(s, m, &of.Kept)
					}
				}
				return true
			})
		if err != nil {
			return 0, err
		}
	}
	if full {
		frontier = stopped
		none := !slices.ContainsFunc(minutes, func(m *minutePart[T]) bool { return len(m.parts) > 0 })
		if none || frontier >= q.To-1 {
			return 0, s.NoMemory()
		}
		s.cut = &Cut{Reason: Memory, Message: "what was counted is as much as one query may hold, or as others leave"}
	}
	since = q.From
	if frontier != Complete {
		since = max(since, frontier+1)
		s.CutAt(since)
	}
	for _, m := range minutes {
		if len(m.parts) == 0 {
			continue
		}
		if err := visit(&Rolled{Start: telemetry.Grain(m.key.minute, time.Hour)}, m.finish(&of.Kept)); err != nil {
			return 0, err
		}
	}
	return since, nil
}

// fresh are the segments of a range of whole minutes that are in no rollup yet, by minutes; of the minute in which one has its newest item all of them,
// but for minutes that begin after the range's end by a minute or more.
func (s *Snapshot) fresh(ctx context.Context, q *Query) ([]minuteSet, error) {
	rows, err := s.tx.Query(ctx, s.engine.statements.fresh, append([]any{s.list}, freshArgs(q)...)...)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	list, err := minutesOf(rows)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	return list, nil
}

func freshArgs(q *Query) []any {
	return []any{string(q.Tenant), q.From, telemetry.Grain(q.From, time.Hour), q.To, q.To + int64(time.Minute), q.To + int64(time.Hour)}
}
