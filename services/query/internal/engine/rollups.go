package engine

// Rollups: what is known of spans without reading their segments (libs/rollup, docs/adr/028). Invariant: rollups hold exactly the items of segments
// that are not Fresh, in the same snapshot.

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// RollupQuery is which rollups are asked for.
type RollupQuery struct {
	Tenant   telemetry.Tenant
	Kind     int16
	From, To int64  // whole minutes, Unix ns
	Key      []byte // only what may tell of it; nil for all
	// Around: what is so close to the range is visited too, by minutes.
	Around time.Duration
	// Step, unless 0, is what is to be told apart: nothing that is longer is told whole.
	Step time.Duration
}

// Rolled is what a rollup says, of a whole hour or day, or by minutes.
type Rolled struct {
	Start int64 // Unix ns
	Grain rollup.Grain
	Whole bool // all of it is in the range; else it is told by minutes, of which those count that are
	Blob  []byte
}

// Rollups visits the rollups of a range, in any order; what it gives is valid during the call. Days are taken whole where they are, then hours, and of
// hours that the range cuts, and of what is not folded yet, minutes. What reading one takes is charged to the memory of what is decoded, and waited for: visit
// scans nothing.
func (s *Snapshot) Rollups(ctx context.Context, q *RollupQuery, visit func(*Rolled) error) error {
	if q.From >= q.To {
		return nil
	}
	rows, err := s.tx.Query(ctx, s.engine.statements.rollups, s.list, string(q.Tenant), q.Kind, q.From, q.To, q.Key,
		q.From-q.Around.Nanoseconds(), q.To+q.Around.Nanoseconds(), cmp.Or(q.Step, 24*time.Hour).Nanoseconds())
	if err != nil {
		return fmt.Errorf("read rollups: %w", err)
	}
	var r Rolled
	var most int64 // what was asked for: memory that one was read into serves the next
	var room charge
	defer func() { room.free() }()
	_, err = pgx.ForEachRow(rows, []any{&r.Start, &r.Grain, &r.Whole, &r.Blob}, func() error {
		s.bytes += int64(len(r.Blob))
		s.rolled = true
		if size := rollup.Memory(r.Blob); size > most {
			room.free()
			var err error
			if room, _, err = s.engine.memory.take(ctx, s.share, size, s.long, true); err != nil {
				return err
			}
			most = size
		}
		return visit(&r)
	})
	if err != nil {
		return fmt.Errorf("read rollups: %w", err)
	}
	return nil
}

// In reports whether a minute of what is told by minutes is in the range.
func (q *RollupQuery) In(r *Rolled, minute int) bool {
	at := r.Start + int64(minute)*int64(time.Minute)
	return r.Whole || at >= q.From && at < q.To
}

// FoldRolled is Fold for a question that rollups of a kind answer. They tell of the whole minutes of the range, with what a counter says of the segments that
// are in no rollup yet; only the minutes that the ends of the range cut are folded from segments. key, unless nil, is what rollups are narrowed by, as q's
// filter narrows the spans; the counter is not. step is RollupQuery's. When the budget or the time cuts it, what was merged and visited is exactly the items from Cut.Since on.
func FoldRolled[T, P any](ctx context.Context, s *Snapshot, q *Query, w Columns, kind int16, key []byte, step time.Duration,
	fold func(r *columns.Reader, h *Header, q *Query) T, merge func(T),
	of *Counter[P], fresh func(*RollupQuery, *Rolled, P) error, visit func(*RollupQuery, *Rolled) error,
) (over time.Duration, err error) {
	minute := int64(time.Minute)
	first, last := telemetry.Grain(q.From+minute-1, time.Minute), telemetry.Grain(q.To, time.Minute)
	if first >= last {
		return Fold(ctx, s, q, w, fold, merge)
	}
	whole := *q
	whole.From, whole.To = first, last
	type part struct {
		of   Rolled
		part P
	}
	var parts []part
	since, err := CountFresh(ctx, s, &whole, of, func(r *Rolled, p P) error {
		parts = append(parts, part{*r, p})
		return nil
	})
	if err != nil {
		return 0, err
	}
	from := q.From
	if since > first {
		from = since
		first = min(telemetry.Grain(since+minute-1, time.Minute), last)
	}
	for _, end := range [][2]int64{{from, first}, {last, q.To}} {
		if end[0] >= end[1] {
			continue
		}
		cut := *q
		cut.From, cut.To, cut.Whole = end[0], end[1], true
		if _, err := Fold(ctx, s, &cut, w, fold, merge); err != nil {
			return 0, err
		}
	}
	told := &RollupQuery{Tenant: q.Tenant, Kind: kind, From: first, To: last, Key: key, Step: step}
	for i := range parts {
		if err := fresh(told, &parts[i].of, parts[i].part); err != nil {
			return 0, err
		}
	}
	return time.Duration(q.To - from), s.Rollups(ctx, told, func(r *Rolled) error { return visit(told, r) })
}

// OfRollups is how long a range may seem to the turns: what is answered from rollups reads little of any range.
const OfRollups = time.Hour

// FreshRED counts segments of spans as rollups of requests do.
func FreshRED() *Counter[*red.Chunk] {
	return &Counter[*red.Chunk]{
		Kept: Kept[*red.Chunk]{Name: "red", Join: red.Join, Size: (*red.Chunk).Memory}, Want: red.Want(),
		Count: func(r *columns.Reader, start int64) (c *red.Chunk, err error) {
			err = r.Rows(red.Want(), nil, func(t *segment.Table) { c = red.Count(t, start) })
			return c, err
		},
	}
}
