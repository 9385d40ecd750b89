package engine

// Days without a trace (docs/adr/033): a trace whose time is not known is looked for in the filters of whole days first, and then only in what is left of the
// range. Invariant: a day is left out only if every placement's filter for it is made and says no, and nothing in it is unsettled, in this snapshot.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

const (
	day = int64(24 * time.Hour)
	// daysFrom is how many days a range must have for it to be worth a round trip.
	daysFrom = 2
	// mostParts is how many parts of a range are looked at one by one; what is older than the last one is one.
	mostParts = 64
)

// withoutTrace is what days that are left out hold.
type withoutTrace struct {
	segments int
	highest  int64 // position
}

// partsOf are the parts of a query's range, newest first, that may hold what it looks for: all of it where it does not look for a trace.
func (s *Snapshot) partsOf(ctx context.Context, q *Query, b *bounds) (parts []*Query, without withoutTrace, err error) {
	newest := q.newest()
	if q.Signal != telemetry.Traces || q.Stage != Every || !b.ofTrace() || newest < 0 || q.From < 0 || newest/day-q.From/day < daysFrom {
		return []*Query{q}, without, nil
	}
	first := telemetry.Grain(q.From+day-1, 24*time.Hour)
	last := telemetry.Grain(newest, 24*time.Hour) - day // the newest day is one that goes on
	hashes := groupArgs(q, b)[5]
	out := map[int64]bool{} // by day: it may hold it
	of := map[int64]withoutTrace{}
	batch := &pgx.Batch{}
	batch.Queue(s.engine.statements.days, string(q.Tenant), first, last, hashes).Query(func(rows pgx.Rows) error {
		var at, highest int64
		var segments int
		var made bool
		var blocks [][]byte
		_, err := pgx.ForEachRow(rows, []any{&at, &segments, &highest, &made, &blocks}, func() error {
			out[at] = out[at] || !made || b.passDay(blocks)
			of[at] = withoutTrace{of[at].segments + segments, max(of[at].highest, highest)}
			blocks = nil
			return nil
		})
		return err
	})
	batch.Queue(s.engine.statements.unsettled, string(q.Tenant), first, last).Query(func(rows pgx.Rows) error {
		var at int64
		_, err := pgx.ForEachRow(rows, []any{&at}, func() error {
			out[at] = true
			return nil
		})
		return err
	})
	if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, without, fmt.Errorf("look for the days of a trace: %w", err)
	}
	var rejected []int64
	for at, may := range out {
		if !may {
			rejected = append(rejected, at)
		}
	}
	slices.SortFunc(rejected, func(a, b int64) int { return int(b/day - a/day) })
	to := q.To
	part := func(from, to int64) {
		if from < to {
			p := *q
			p.From, p.To = from, to
			parts = append(parts, &p)
		}
	}
	for _, at := range rejected {
		if len(parts) == mostParts-1 && at+day < to {
			break
		}
		part(at+day, to)
		to = at
		without.segments += of[at].segments
		without.highest = max(without.highest, of[at].highest)
	}
	part(q.From, to)
	return parts, without, nil
}

// ofTrace tells whether a trace is looked for.
func (b *bounds) ofTrace() bool {
	return slices.ContainsFunc(b.Probes, func(p filter.Probe) bool { return p.In == filter.TraceFilter })
}

// passDay tells whether a day's filter lets every probe for traces pass, by the blocks that its hashes meet, in the order of groupArgs.
func (b *bounds) passDay(blocks [][]byte) bool {
	for _, pr := range b.Probes {
		if pr.In != filter.TraceFilter {
			continue
		}
		one := false
		for i, hash := range pr.Hashes {
			one = one || segment.MayContainAt(blocks[i], 0, hash)
		}
		if !one {
			return false
		}
		blocks = blocks[len(pr.Hashes):]
	}
	return true
}
