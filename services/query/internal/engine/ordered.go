package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Orders of a list other than newest first. Headers say how high anything in their segment can rank, so segments are visited from the highest such bound
// down, and no more of them once the list is full of what ranks above all that is left. Invariant: an item that was given ranks above everything that was
// not looked at, whatever cut the scan.

// Order is what a list is ordered by. Ties are newest first, as everything is in the zero value.
type Order uint8

// The orders.
const (
	Newest    Order = iota
	Oldest          // by time, the other way
	Slowest         // by duration, the longest first; those whose duration is not known last
	Following       // Newest backwards: by time, position and ordinal, so that what comes after an item is what it comes before
)

// rises reports whether the oldest come first.
func (o Order) rises() bool { return o == Oldest || o == Following }

// Compare sorts keys of a list.
func (o Order) Compare(a, b Key) int {
	if o == Following {
		return b.place().Compare(a.place())
	}
	return a.Compare(b)
}

// unknownRank is that of a span whose duration is not known.
const unknownRank = -1

// Columns adds what ranking reads.
func (o Order) Columns(c *columns.Set) {
	if o == Slowest {
		c.Int(segment.ColTime, segment.ColDuration)
	}
}

// rank is the place of an item of a time and a duration in the order: the highest comes first.
func (o Order) rank(time, duration int64) int64 {
	switch {
	case o.rises():
		return -time
	case o == Slowest && otlp.DurationKnown(time, duration):
		return duration
	case o == Slowest:
		return unknownRank
	}
	return 0
}

// Rank is that of an item of a time, in an order that goes by time.
func (o Order) Rank(time int64) int64 { return o.rank(time, 0) }

// RankOf is the rank of a row. Its columns (Columns, and that of time) are decoded whole.
func (o Order) RankOf(r *columns.Reader, row int) int64 {
	if o == Newest {
		return 0
	}
	duration := int64(0)
	if o == Slowest {
		duration = r.Ints(segment.ColDuration)[row]
	}
	return o.rank(r.Ints(segment.ColTime)[row], duration)
}

// Value is what a key is compared with what may still come by: its time where the newest come first, else its rank.
func (o Order) Value(k Key) int64 {
	if o == Newest {
		return k.Time
	}
	return k.Rank
}

// Below comes before every item whose value is not higher than a frontier.
func (o Order) Below(frontier int64) Key {
	if o == Newest {
		return Key{Time: frontier, Position: math.MaxInt64, Ordinal: math.MaxInt64}
	}
	if o == Following {
		return Key{Rank: frontier, Time: -frontier, Position: math.MinInt64, Ordinal: math.MinInt64}
	}
	return Key{Rank: frontier, Time: math.MaxInt64, Position: math.MaxInt64, Ordinal: math.MaxInt64}
}

// ScanInOrder is Scan in the order of the query: next is the highest value (Order.Value) that anything in the segments still to come can have, and the
// frontier the highest that the scan may have missed.
func ScanInOrder[T any](ctx context.Context, s *Snapshot, q *Query, w Columns,
	visit func(r *columns.Reader, h *Header) (T, error), done func(wave []*Header, made []T, next int64) bool,
) (frontier int64, err error) {
	if q.Order == Newest {
		return Scan(ctx, s, q, w, visit, done)
	}
	whole, err := s.headers(ctx, q) // how many segments the range has, and its highest position, whatever is looked at of it
	if err != nil || whole.ended {
		return Complete, err
	}
	first := max(q.From, 0) // nothing that is stored has an earlier time
	if q.Order.rises() && q.After != nil {
		first = max(first, -q.After.Rank) // what is older was listed
	}
	stopped := false
	for from := first; from < q.To && !stopped; {
		if from > first && s.Exhausted(q) {
			return -from, nil
		}
		part := *q
		part.From, part.To = from, q.To
		after := Complete // what parts after this one can have
		if q.Order.rises() {
			// The oldest are in the first hours: they are looked at first, then ever more. An hour's segments have nothing of another.
			if to := telemetry.Grain(from, time.Hour); q.To-to > from-first+int64(time.Hour) {
				part.To = to + telemetry.Grain(from-first, time.Hour) + int64(time.Hour)
				after = -part.To
			}
		}
		frontier, stopped, err = scanRanked(ctx, s, q, &part, after, w, visit, done)
		if err != nil || frontier != Complete {
			return frontier, err
		}
		from = part.To
	}
	return Complete, nil
}

// ranked is a place with the highest rank that anything in it can have.
type ranked struct {
	place
	bound int64
}

// scanRanked scans a part of the range, from the highest bound down.
func scanRanked[T any](ctx context.Context, s *Snapshot, q, part *Query, after int64, w Columns,
	visit func(r *columns.Reader, h *Header) (T, error), done func(wave []*Header, made []T, next int64) bool,
) (frontier int64, stopped bool, err error) {
	list, services, err := s.ranked(ctx, part)
	if err != nil {
		return Complete, false, err
	}
	if len(list) == 0 {
		return Complete, after != Complete && !done(nil, nil, after), nil
	}
	slices.SortFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(b.bound, a.bound), b.compare(a.place)) })
	at := make(map[[16]byte]int, len(list))
	places := make([]place, len(list))
	for i := range list {
		at[list[i].id], places[i] = i, list[i].place
	}
	all := *part
	all.Whole = true // what cuts it is looked at here
	stream := &headers{snapshot: s, query: &all, bounds: bounds{q.Filter.Bounds()}, services: services, places: places, asked: true, drained: true}
	for _, id := range q.Traces {
		stream.hashes = append(stream.hashes, segment.TraceHash(id))
	}
	frontier = Complete
	_, err = scanOf(ctx, s, &all, stream, w.ofStream, visit, func(wave []*Header, made []T, last int64) bool {
		next := after
		if last != Complete {
			next = max(after, list[at[wave[len(wave)-1].id]+1].bound)
		}
		if stopped = !done(wave, made, next); stopped || next == Complete {
			return false
		}
		// A cut answer is continued from next: stopping before it has got below where it began would go in circles.
		if (q.After == nil || next < q.After.Rank) && s.Exhausted(q) {
			frontier = next
		}
		return frontier == Complete
	})
	return frontier, stopped, err
}

// ranked are the places of the range that may hold what is looked for, with their bounds, and the ids of the services that it is about. It holds them in
// memory; query.memory where that is too much.
func (s *Snapshot) ranked(ctx context.Context, q *Query) ([]ranked, []int64, error) {
	h := &headers{snapshot: s, query: q, bounds: bounds{q.Filter.Bounds()}, bySQL: true}
	some, err := h.prepare(ctx)
	if err != nil || !some {
		return nil, nil, err
	}
	var out []ranked
	for _, part := range h.parts {
		sql, args, err := rankedQuery(s.engine.statements, part, &h.bounds, h.services, h.groups)
		if err != nil {
			return nil, nil, err
		}
		rows, err := s.tx.Query(ctx, sql, append([]any{s.mode}, args...)...)
		if err != nil {
			return nil, nil, fmt.Errorf("fetch bounds: %w", err)
		}
		var one ranked
		var ids, longest, failed []int64
		_, err = pgx.ForEachRow(rows, []any{&one.id, &one.minTime, &one.maxTime, &ids, &longest, &failed}, func() error {
			if len(out) == cap(out) {
				if !s.hold(rankedBytes * int64(max(len(out), largestFetch))) {
					return s.NoMemory()
				}
				out = slices.Grow(out, max(len(out), largestFetch))
			}
			one.bound = h.bounds.rank(q, &one, h.services, ids, longest, failed)
			out = append(out, one)
			return nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("fetch bounds: %w", err)
		}
	}
	return out, h.services, nil
}

// rankedBytes is what a place takes until the question is answered: in the list, in the stream, and by its id.
const rankedBytes = 160

// rank is the highest that anything in a segment can have.
func (b *bounds) rank(q *Query, at *ranked, services, ids, longest, failed []int64) int64 {
	if q.Order.rises() {
		return -max(at.minTime, q.From)
	}
	most := int64(unknownRank)
	for i, id := range ids {
		if services != nil && !slices.Contains(services, id) {
			continue
		}
		one := longest[i]
		if b.Errors {
			one = failed[i]
		}
		most = max(most, one)
	}
	return most
}

// searchInOrder is Search in an order that is not newest first. Items are read in full by Read.
func (s *Snapshot) searchInOrder(ctx context.Context, q *Query, limit int) (Found, error) {
	w := columns.NewSet(q.Signal)
	q.Filter.Columns(w)
	q.Order.Columns(w)
	compare := func(a, b Item) int { return q.Order.Compare(a.Key, b.Key) }
	var found []Item
	frontier, err := ScanInOrder(ctx, s, q, Always(w.Want),
		func(r *columns.Reader, h *Header) ([]Item, error) {
			var list []Item
			q.Rows(r, func(row int, k Key) {
				list = append(list, Item{Key: k, header: h, row: uint32(row)}) //nolint:gosec // a segment has a few thousand rows
			})
			slices.SortFunc(list, compare)
			return list[:min(len(list), limit+1)], nil
		},
		func(_ []*Header, lists [][]Item, next int64) bool {
			for _, list := range lists {
				found = append(found, list...)
			}
			slices.SortFunc(found, compare)
			found = slices.Clip(found[:min(len(found), limit+1)])
			return len(found) <= limit || next >= q.Order.Value(found[limit].Key)
		})
	if err != nil {
		return Found{}, err
	}
	return certain(q, found, limit, frontier), nil
}

// certain is what a scan found, but for what something that it missed may come before.
func certain(q *Query, found []Item, limit int, frontier int64) Found {
	if frontier != Complete {
		if i := slices.IndexFunc(found, func(c Item) bool { return q.Order.Value(c.Key) <= frontier }); i >= 0 {
			found = found[:i]
		}
	}
	if len(found) > limit {
		return Found{Items: found[:limit], More: true, Frontier: Complete}
	}
	return Found{Items: found, More: frontier != Complete, Frontier: frontier}
}
