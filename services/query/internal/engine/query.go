package engine

import (
	"cmp"
	"math"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What is asked for, and the order in which it is given.

// Key is an item's place in a list: by its rank in the list's order, if that is not newest first, and then newest first, by time, then ingest position, then ordinal. Position and
// ordinal are the item's identity (ADR-006), so no two items of a signal have the same key.
type Key struct {
	Rank     int64 // the highest first; 0 where the newest are
	Time     int64 // Unix ns
	Position int64
	Ordinal  int64
}

// Newer reports whether k comes before o in a list.
func (k Key) Newer(o Key) bool { return k.Compare(o) < 0 }

// Compare sorts the highest rank first, and newest first.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(o.Rank, k.Rank), cmp.Compare(o.Time, k.Time), cmp.Compare(o.Position, k.Position), cmp.Compare(o.Ordinal, k.Ordinal))
}

// place is k in the order of time.
func (k Key) place() Key { return Key{Time: k.Time, Position: k.Position, Ordinal: k.Ordinal} }

// Query is which items of one signal are asked for. It is not changed while it is in use.
type Query struct {
	Tenant telemetry.Tenant
	Signal telemetry.Signal
	From   int64         // inclusive, Unix ns
	To     int64         // exclusive
	Filter filter.Filter // filter.All{} for everything
	Order  Order         // of the list
	After  *Key          // only items that come after it in the list; nil for all
	// MaxPosition pins a list's pages to what the first one saw: items of a higher ingest position are not seen; 0 for none.
	MaxPosition int64
	// Beyond, when not nil, leaves out what was stored up to an item: only items of a higher position are seen, or of the same and a higher ordinal.
	Beyond *Stored
	// Only, when not nil, narrows to one item.
	Only *Stored
	// Summed leaves out of FoldUntold the settled segments that sums of their hours tell of; nil for none.
	Summed *Summed
	// Stage narrows to segments that are in no rollup yet, or to those that are.
	Stage Stage
	// Traces, when not nil, narrows to the segments whose trace filter may hold one of these ids. It is tested here and not in SQL, for
	// lists of ids that are too long for a statement; a segment that passes has items of other traces, too.
	Traces [][16]byte
	// Within, when not nil, says of each of Traces where its items are: a segment beside that is not tested for it. Of fifty traces of a day, one in five segments passes for one that is hours away.
	Within []Window
	// OneIn, above 1, looks at a sample of one in so many segments, always the same ones.
	OneIn int
	// MaxItems makes the scan's budget smaller; 0 leaves it.
	MaxItems int64
	// Partly says that of what is found some columns are read (ReadColumns), and nothing in full.
	Partly bool
	// Whole scans on when the budget or the time is over, to the hard end of the query's time: for what must be told in full.
	Whole bool
}

// Window is a time, from one instant to before another, Unix ns.
type Window struct{ From, To int64 }

// Stored is an item's place in the order in which a queue took items: its ingest position, then its ordinal.
type Stored struct{ Position, Ordinal int64 }

// Compare sorts as the queue took them.
func (a Stored) Compare(b Stored) int {
	return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Ordinal, b.Ordinal))
}

// Stage is which segments a query is about.
type Stage uint8

// The stages. Every is the zero value.
const (
	Every   Stage = iota
	Fresh         // of level 0, which are in no rollup
	Counted       // of a higher level, which are in all
	Settled       // settled, which sums of their hours tell of

	unsettled // not settled
)

// Summed is whose settled segments are told by sums: those of whole hours from From to before To, Unix ns, but for some.
type Summed struct {
	From, To int64
	But      []int64 // starts of hours that sums do not tell of
}

// condition is the stage in SQL.
func (s Stage) condition() string {
	return [...]string{Every: "", Fresh: "level = 0", Counted: "level > 0", Settled: "level = 2", unsettled: "level < 2"}[s]
}

// All reports whether every item of a segment is asked for: it lies in the range, and nothing else narrows it.
func (q *Query) All(h *Header) bool {
	return q.Everything() && !q.cuts(h.place)
}

// ByFilter reports whether an item counts by the range and the filter alone: it does not matter when it came, nor where it stands in a list.
func (q *Query) ByFilter() bool {
	return q.MaxPosition == 0 && q.Beyond == nil && q.Only == nil && q.After == nil
}

// Rows calls found for each row of a segment that the query asks for, in the segment's order. Columns of identity are decoded only where
// something met the filter, and only for what did; the filter's columns and these must be at hand.
func (q *Query) Rows(r *columns.Reader, found func(row int, k Key)) {
	met := r.Borrow()
	defer r.GiveBack()
	q.Filter.Match(r, met)
	rows := r.Marked(met)
	if len(rows) == 0 {
		return
	}
	times, positions, ordinals := r.Pick(segment.ColTime, rows), r.Pick(segment.ColPosition, rows), r.Pick(segment.ColOrdinal, rows)
	var durations []int64
	if q.Order == Slowest {
		durations = r.Pick(segment.ColDuration, rows)
	}
	for i, row := range rows {
		k := Key{Time: times[i], Position: positions[i], Ordinal: ordinals[i]}
		switch {
		case durations != nil:
			k.Rank = q.Order.rank(k.Time, durations[i])
		case q.Order != Newest:
			k.Rank = q.Order.rank(k.Time, 0)
		}
		if q.holds(k) {
			found(int(row), k)
		}
	}
}

// Mark sets hits, which come all false, of the rows of a segment that the query asks for, and tells how many they are. The filter's columns must be at hand, and that of
// time unless the segment lies in the range (Header.Within); of a query with a cursor or pinned positions, those of identity as well.
func (q *Query) Mark(r *columns.Reader, h *Header, hits []bool) (n int) {
	if !q.ByFilter() {
		q.Rows(r, func(row int, _ Key) {
			hits[row] = true
			n++
		})
		return n
	}
	q.Filter.Match(r, hits)
	if !h.Within(q.From, q.To) {
		for i, at := range r.Ints(segment.ColTime) {
			hits[i] = hits[i] && at >= q.From && at < q.To
		}
	}
	for _, hit := range hits {
		if hit {
			n++
		}
	}
	return n
}

// Span is how long the query's range is.
func (q *Query) Span() time.Duration {
	if q.From < 0 || q.To-q.From < 0 || q.To == math.MaxInt64 { // no range was given
		return 0
	}
	return time.Duration(q.To - q.From)
}

// holds says whether an item is in the range, the pinned positions and behind the cursor.
func (q *Query) holds(k Key) bool {
	return k.Time >= q.From && k.Time < q.To && (q.MaxPosition == 0 || k.Position <= q.MaxPosition) && (q.After == nil || q.Order.Compare(*q.After, k) < 0) &&
		(q.Only == nil || *q.Only == Stored{k.Position, k.Ordinal}) && (q.Beyond == nil || q.Beyond.Compare(Stored{k.Position, k.Ordinal}) < 0)
}

// newest is the newest time that an item of the query can have.
func (q *Query) newest() int64 {
	if q.After != nil && q.Order == Newest {
		return min(q.To-1, q.After.Time)
	}
	return q.To - 1
}

// rangeArgs are tenant, start, first instant of the start's hour, and end (inclusive).
func rangeArgs(q *Query) []any {
	return []any{string(q.Tenant), q.From, telemetry.Grain(q.From, time.Hour), q.newest()}
}
