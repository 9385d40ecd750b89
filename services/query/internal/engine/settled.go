package engine

import (
	"context"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// FoldSettled is FoldUntold for a question about whole minutes that rollups of a kind answer which are made where segments are settled and tell their hours
// by minutes: these tell of all that is settled, segments of the rest. When the budget or the time cuts it, what was merged and visited is exactly the
// items from Cut.Since on.
func FoldSettled[T any](ctx context.Context, s *Snapshot, q *Query, of *Summary[T], kind int16, visit func(*RollupQuery, *Rolled) error) error {
	rest := *q
	rest.Summed = &Summed{From: q.From, To: q.To, But: []int64{}}
	over, err := FoldUntold(ctx, s, &rest, of)
	if err != nil {
		return err
	}
	since := q.To - over.Nanoseconds()
	whole := min(telemetry.Grain(since+int64(time.Minute)-1, time.Minute), q.To)
	if since < whole { // a cut goes through this minute
		part := *q
		part.Stage, part.From, part.To, part.Whole = Settled, since, whole, true
		if _, err := FoldUntold(ctx, s, &part, of); err != nil {
			return err
		}
	}
	told := &RollupQuery{Tenant: q.Tenant, Kind: kind, From: whole, To: q.To}
	return s.Rollups(ctx, told, func(r *Rolled) error { return visit(told, r) })
}
