package engine

// Times without a trace (docs/adr/033): a trace is looked for in the filters of whole days first, then in those of the hours of days that are left, and then
// only in what is left of the range. Invariant: a time is left out only if every placement's filter for it is made and says no, and nothing in it is
// unsettled, in this snapshot.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

const (
	hour = int64(time.Hour)
	day  = 24 * hour
	// hoursFrom is how many hours a range must have for it to be worth a round trip.
	hoursFrom = 3
	// mostByHour is of how many days, the newest of those that are not left out as a whole, the hours are looked at.
	mostByHour = 16
	// mostParts is how many parts of a range are looked at one by one; what is older than the last one is one.
	mostParts = 64
)

// withoutTrace is what times that are left out hold.
type withoutTrace struct {
	segments int
	highest  int64 // position
}

// knownTime is what filters say of an hour or a day, of all placements.
type knownTime struct {
	may bool // hold the trace
	withoutTrace
}

// stretch is some time, from inclusive, to exclusive.
type stretch struct{ from, to int64 }

// rejectedTime is left out.
type rejectedTime struct {
	stretch
	withoutTrace
}

// partsOf are the parts of a query's range, newest first, that may hold what it looks for: all of it where it does not look for a trace.
func (s *Snapshot) partsOf(ctx context.Context, q *Query, b *bounds) (parts []*Query, without withoutTrace, err error) {
	newest := q.newest()
	if q.Signal != telemetry.Traces || q.Stage != Every || !b.ofTrace() || newest < 0 || q.From < 0 || newest/hour-q.From/hour < hoursFrom {
		return []*Query{q}, without, nil
	}
	hashes := groupArgs(q, b)[5]
	// Whole hours and days; the newest one is one that goes on.
	all := stretch{telemetry.Grain(q.From+hour-1, time.Hour), telemetry.Grain(newest, time.Hour)}
	days := stretch{all.to, all.to}
	if newest/day-q.From/day > 1 {
		days = stretch{telemetry.Grain(q.From+day-1, 24*time.Hour), telemetry.Grain(newest, 24*time.Hour)}
	}
	ofDay, ofHour := map[int64]knownTime{}, map[int64]knownTime{}
	unsettled, unsettledDay := map[int64]bool{}, map[int64]bool{}
	batch := &pgx.Batch{}
	s.queueTimes(batch, q, b, rollup.Day, hashes, ofDay, days)
	s.queueTimes(batch, q, b, rollup.Hour, hashes, ofHour, stretch{all.from, days.from}, stretch{days.to, all.to})
	batch.Queue(s.engine.statements.unsettled, string(q.Tenant), all.from, all.to).Query(func(rows pgx.Rows) error {
		var at int64
		_, err := pgx.ForEachRow(rows, []any{&at}, func() error {
			unsettled[at], unsettledDay[telemetry.Grain(at, 24*time.Hour)] = true, true
			return nil
		})
		return err
	})
	if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, without, fmt.Errorf("look for the days of a trace: %w", err)
	}
	var byHour []stretch
	for at, of := range ofDay {
		if of.may || unsettledDay[at] {
			byHour = append(byHour, stretch{at, at + day})
		}
	}
	slices.SortFunc(byHour, newestFirst)
	if byHour = byHour[:min(len(byHour), mostByHour)]; len(byHour) > 0 {
		batch := &pgx.Batch{}
		s.queueTimes(batch, q, b, rollup.Hour, hashes, ofHour, byHour...)
		if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
			return nil, without, fmt.Errorf("look for the hours of a trace: %w", err)
		}
	}
	// Of a day that does not have it only what is not settled is left.
	var rejected []rejectedTime
	for at, of := range ofDay {
		switch {
		case of.may:
		case !unsettledDay[at]:
			rejected = append(rejected, rejectedTime{stretch{at, at + day}, of.withoutTrace})
		default:
			for h := at; h < at+day; h += hour {
				if !unsettled[h] {
					rejected = append(rejected, rejectedTime{stretch{h, h + hour}, ofHour[h].withoutTrace})
				}
			}
		}
	}
	for at, of := range ofHour {
		if inDay, known := ofDay[telemetry.Grain(at, 24*time.Hour)]; known && !inDay.may {
			continue // see above
		}
		if !of.may && !unsettled[at] {
			rejected = append(rejected, rejectedTime{stretch{at, at + hour}, of.withoutTrace})
		}
	}
	slices.SortFunc(rejected, func(a, b rejectedTime) int { return newestFirst(a.stretch, b.stretch) })
	to := q.To
	part := func(from, to int64) {
		if from < to {
			p := *q
			p.From, p.To = from, to
			parts = append(parts, &p)
		}
	}
	for _, one := range rejected {
		if len(parts) == mostParts-1 && one.to < to {
			break
		}
		part(one.to, to)
		to = one.from
		without.segments += one.segments
		without.highest = max(without.highest, one.highest)
	}
	part(q.From, to)
	return parts, without, nil
}

func newestFirst(a, b stretch) int { return cmp.Compare(b.from, a.from) }

// queueTimes asks what filters say of the hours or days of stretches.
func (s *Snapshot) queueTimes(batch *pgx.Batch, q *Query, b *bounds, grain rollup.Grain, hashes any, to map[int64]knownTime, of ...stretch) {
	var from, past []int64
	for _, one := range of {
		if one.from < one.to {
			from, past = append(from, one.from), append(past, one.to)
		}
	}
	if len(from) == 0 {
		return
	}
	batch.Queue(s.engine.statements.traces, string(q.Tenant), grain, from, past, hashes).Query(func(rows pgx.Rows) error {
		var at, highest int64
		var segments int
		var made bool
		var blocks [][]byte
		_, err := pgx.ForEachRow(rows, []any{&at, &segments, &highest, &made, &blocks}, func() error {
			has := to[at]
			to[at] = knownTime{has.may || !made || b.passTime(blocks), withoutTrace{has.segments + segments, max(has.highest, highest)}}
			blocks = nil
			return nil
		})
		return err
	})
}

// ofTrace tells whether a trace is looked for.
func (b *bounds) ofTrace() bool {
	return slices.ContainsFunc(b.Probes, func(p filter.Probe) bool { return p.In == filter.TraceFilter })
}

// passTime tells whether the filter of an hour or a day lets every probe for traces pass, by the blocks that its hashes meet, in the order of groupArgs.
func (b *bounds) passTime(blocks [][]byte) bool {
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
