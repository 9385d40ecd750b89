package engine

// What segments come to, remembered by minutes, because a segment never changes. A question asks the database for one number of each minute, which tells
// whether the segments of the minute are those that something was made of; only of minutes where they are not it asks for the segments. Invariants: what is
// remembered of a minute was made of exactly the segments that it names; what a question uses of it is either remembered, and stays so as long as the
// question has it, or charged to the question.

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Kept is how what is made of segments is remembered. It never changes once it is made, and is the same whatever a question asks for.
type Kept[T any] struct {
	Name string // unique in an engine, for a signal
	// Join makes one of several, of one minute.
	Join func(list []T) T
	Size func(T) int64 // about how many bytes of memory it takes
}

// countedKey names what is remembered: of the segments of a tenant whose newest item is of one minute.
type countedKey struct {
	tenant  telemetry.Tenant
	counter string
	minute  int64 // Unix ns
}

// counted is what is remembered under it.
type counted struct {
	segments [][16]byte // sorted
	digest   int64      // of these
	oldest   int64      // time of their items, Unix ns
	part     any
}

func (c *counted) has(id [16]byte) bool {
	_, found := slices.BinarySearchFunc(c.segments, id, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return found
}

// countedBytes is what is remembered of a minute beside its segments and what they come to.
const countedBytes = 256

// minuteSet is which segments a query has of one minute, by their newest items, without naming them.
type minuteSet struct {
	start    int64 // Unix ns
	cut      bool  // these are segments of which some items are not in the range: of them nothing is remembered
	segments int
	digest   int64 // of their ids: the same for the same ids only, but for one in 2^64
}

// minutesOf are the segments that a statement tells of, by minutes, newest first.
func minutesOf(rows pgx.Rows) (list []minuteSet, err error) {
	var m minuteSet
	_, err = pgx.ForEachRow(rows, []any{&m.start, &m.cut, &m.segments, &m.digest}, func() error {
		list = append(list, m)
		return nil
	})
	slices.SortFunc(list, func(a, b minuteSet) int {
		return cmp.Compare(b.start, a.start)
	})
	return list, err
}

// placesOf are segments that a statement names, newest first.
func (s *Snapshot) placesOf(ctx context.Context, sql string, args []any) ([]place, error) {
	rows, err := s.tx.Query(ctx, sql, append([]any{s.list}, args...)...)
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
	slices.SortFunc(list, func(a, b place) int { return b.compare(a) })
	return list, nil
}

// minutePart is a minute in the making.
type minutePart[T any] struct {
	key      countedKey
	minute   minuteSet
	all      bool     // these segments are what a minute is remembered by
	whole    bool     // what is remembered is of all of them
	known    *counted // what is
	oldest   int64
	segments [][16]byte // of the minute, where they were asked for
	missing  int        // segments that were not counted yet
	parts    []T
	held     int64  // what the question is charged for parts
	shared   int64  // or holds of what is remembered,
	let      func() // until this
}

// finish joins what there is.
func (m *minutePart[T]) finish(of *Kept[T]) T {
	if len(m.parts) > 1 {
		m.parts = []T{of.Join(m.parts)}
	}
	return m.parts[0]
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

// remembered takes what is remembered of a minute, where it is of its very segments.
func remembered[T any](s *Snapshot, m *minutePart[T]) {
	m.oldest = m.minute.start + int64(time.Minute)
	if !m.all {
		return
	}
	c, size, let, ok := s.engine.counted.hold(m.key)
	if !ok {
		return
	}
	m.whole = len(c.segments) == m.minute.segments && c.digest == m.minute.digest
	if !m.whole {
		let()
		return
	}
	m.take(s, c, size, let)
}

// rememberedPart takes what is remembered of some of a minute's segments, and tells of which. What was made of segments that are gone is of no use.
func rememberedPart[T any](s *Snapshot, m *minutePart[T]) *counted {
	none := &counted{}
	if !m.all {
		return none
	}
	c, size, let, ok := s.engine.counted.hold(m.key)
	if !ok {
		return none
	}
	there := 0
	for _, id := range m.segments {
		if c.has(id) {
			there++
		}
	}
	if there < len(c.segments) {
		let()
		return none
	}
	m.take(s, c, size, let)
	return c
}

func (m *minutePart[T]) take(s *Snapshot, c *counted, size int64, let func()) {
	m.share(s, size, let)
	m.oldest = min(m.oldest, c.oldest)
	m.known = c
	m.parts = append(m.parts, c.part.(T)) //nolint:forcetypeassert // as the name says
}

// remember joins a minute of which all segments are counted, and keeps what was made of them where there is room. What is not kept stays charged.
func remember[T any](s *Snapshot, m *minutePart[T], of *Kept[T]) {
	part := m.finish(of)
	charge := of.Size(part)
	size := charge + int64(len(m.segments)*16+len(m.key.counter)+countedBytes)
	if m.all && s.fromCache-m.shared+size <= s.engine.set.FreshCache/cacheShare {
		c := &counted{segments: m.segments, digest: m.minute.digest, oldest: m.oldest, part: part}
		slices.SortFunc(c.segments, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
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

// unread is what of minutes is not remembered, of the places that these have, in the same order. cut tells of which some items are not in the range.
func unread[T any](s *Snapshot, minutes []*minutePart[T], places []place, cut func(place) bool) (list []place, of map[[16]byte]*minutePart[T]) {
	type key struct {
		start int64
		cut   bool
	}
	at := make(map[key]*minutePart[T], len(minutes))
	for _, m := range minutes {
		if !m.whole {
			at[key{m.minute.start, m.minute.cut}] = m
		}
	}
	of = make(map[[16]byte]*minutePart[T], len(places))
	for _, p := range places {
		if m := at[key{telemetry.Grain(p.maxTime, time.Minute), cut(p)}]; m != nil {
			of[p.id] = m
			m.segments = append(m.segments, p.id)
		}
	}
	for _, m := range at {
		m.known = rememberedPart(s, m)
	}
	for _, p := range places {
		switch m := of[p.id]; {
		case m == nil:
		case m.known.has(p.id):
			delete(of, p.id)
		default:
			m.missing++
			m.oldest = min(m.oldest, p.minTime)
			list = append(list, p)
		}
	}
	return list, of
}
