package engine

// Fresh segments, which are in no rollup yet, counted as a rollup would count them: by minutes, and remembered, because a segment never changes. Who asks
// again reads only those that came since. Invariants: what is remembered of a minute was made of exactly the segments that it names; a part that a question
// holds is either remembered, and stays so as long as it does, or charged to the question.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Counter counts the segments of spans that are in no rollup yet. What it makes is by minutes, never changes, and is the same whatever a question asks for.
type Counter[T any] struct {
	Name string // unique in an engine
	Want segment.Want
	// Count counts a whole segment, which lies in the hour that begins at start.
	Count func(r *columns.Reader, start int64) (T, error)
	// Join makes one of several, of one hour.
	Join func(list []T) T
	Size func(T) int64 // about how many bytes of memory it takes
}

// countedKey names what is remembered: of all fresh segments of a tenant whose newest item is of one minute.
type countedKey struct {
	tenant  telemetry.Tenant
	counter string
	minute  int64 // Unix ns
}

// counted is what is remembered under it.
type counted struct {
	segments map[[16]byte]bool
	part     any
}

const idBytes = 48 // of a segment's id in a map

// minutePart is a minute in the making.
type minutePart[T any] struct {
	key     countedKey
	all     bool // these are all fresh segments of the minute
	ids     [][16]byte
	missing int // segments that were not counted yet
	parts   []T
	held    int64  // what the question is charged for parts
	shared  int64  // or holds of what is remembered,
	let     func() // until this
}

// finish joins what there is.
func (m *minutePart[T]) finish(of *Counter[T]) T {
	if len(m.parts) > 1 {
		m.parts = []T{of.Join(m.parts)}
	}
	return m.parts[0]
}

// CountFresh visits what a counter makes of the segments of a range of whole minutes that are in no rollup yet, newest first, as what rollups say by minutes:
// with these it is everything. It tells of whole segments, and so of minutes outside of the range too; the query's filter narrows nothing. When the budget or
// the time cuts it, or what it may hold is full, what was visited has all that is not older than since, which is q.From otherwise. query.memory where that
// would be nothing.
func CountFresh[T any](ctx context.Context, s *Snapshot, q *Query, of *Counter[T], visit func(*Rolled, T) error) (since int64, err error) {
	places, err := s.fresh(ctx, q)
	if err != nil || len(places) == 0 {
		return q.From, err
	}
	slices.SortFunc(places, func(a, b place) int { return b.compare(a) })
	s.segmentsInRange = max(s.segmentsInRange, len(places))
	var minutes []*minutePart[T] // newest first
	s.later(func() {
		for _, m := range minutes {
			m.share(s, 0, nil)
		}
	})
	minuteOf := map[[16]byte]*minutePart[T]{}
	var unread []place
	for i := 0; i < len(places); {
		m := &minutePart[T]{key: countedKey{q.Tenant, of.Name, telemetry.Grain(places[i].maxTime, time.Minute)}}
		m.all = m.key.minute < q.To+int64(time.Minute)
		first := i
		for ; i < len(places) && places[i].maxTime >= m.key.minute; i++ {
			m.ids = append(m.ids, places[i].id)
		}
		known := remembered(s, m)
		for _, p := range places[first:i] {
			if !known[p.id] {
				m.missing++
				minuteOf[p.id] = m
				unread = append(unread, p)
			}
		}
		minutes = append(minutes, m)
	}

	frontier := Complete
	full, stopped := false, int64(0)
	if len(unread) > 0 {
		stream := &headers{snapshot: s, query: q, places: unread, asked: true, drained: true}
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
						remember(s, m, of)
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
		if err := visit(&Rolled{Start: telemetry.Grain(m.key.minute, time.Hour)}, m.finish(of)); err != nil {
			return 0, err
		}
	}
	return since, nil
}

// cacheShare is the part of what is remembered that one question may have or put there: a backlog that is larger is counted anew in part, and does not
// throw out what others ask for, nor its own newest minutes before they are asked for again.
const cacheShare = 4

// share notes that the question holds what is remembered of a minute, instead of what was before.
func (m *minutePart[T]) share(s *Snapshot, size int64, let func()) {
	if m.let != nil {
		m.let()
	}
	s.fromCache += size - m.shared
	m.shared, m.let = size, let
}

// remembered takes what is remembered of a minute, and tells of which segments that is. What was made of segments that are gone is of no use.
func remembered[T any](s *Snapshot, m *minutePart[T]) map[[16]byte]bool {
	if !m.all {
		return nil
	}
	c, size, let, ok := s.engine.counted.hold(m.key)
	if !ok {
		return nil
	}
	there := 0
	for _, id := range m.ids {
		if c.segments[id] {
			there++
		}
	}
	if there < len(c.segments) {
		let()
		return nil
	}
	m.share(s, size, let)
	m.parts = append(m.parts, c.part.(T)) //nolint:forcetypeassert // as the counter's name says
	return c.segments
}

// remember joins a minute of which all segments are counted, and keeps what was made of them where there is room. What is not kept stays charged.
func remember[T any](s *Snapshot, m *minutePart[T], of *Counter[T]) {
	part := m.finish(of)
	charge := of.Size(part)
	if size := charge + int64(len(m.ids))*idBytes; m.all && s.fromCache-m.shared+size <= s.engine.set.FreshCache/cacheShare {
		c := &counted{segments: make(map[[16]byte]bool, len(m.ids)), part: part}
		for _, id := range m.ids {
			c.segments[id] = true
		}
		if let, ok := s.engine.counted.replace(m.key, c, size); ok {
			m.share(s, size, let)
			charge = 0
		}
	}
	if m.held > charge {
		s.letGo(m.held - charge)
		m.held = charge
	}
}

// fresh are the segments of a range of whole minutes that are in no rollup yet, in no order; of the minute in which one has its newest item all of them,
// but for minutes that begin after the range's end by a minute or more.
func (s *Snapshot) fresh(ctx context.Context, q *Query) ([]place, error) {
	minute, hour := int64(time.Minute), int64(time.Hour)
	rows, err := s.tx.Query(ctx, s.engine.statements.fresh, s.list, string(q.Tenant), q.From, telemetry.Grain(q.From, time.Hour), q.To, q.To+minute, q.To+hour)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var list []place
	var p place
	_, err = pgx.ForEachRow(rows, []any{&p.id, &p.minTime, &p.maxTime}, func() error {
		list = append(list, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	return list, nil
}
