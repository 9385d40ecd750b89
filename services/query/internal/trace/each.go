package trace

import (
	"context"
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// All traces that a list has, whatever their number: what figures of traces are made of (docs/adr/053).

// Bounds of what is summed up for figures.
const (
	mostInLot    = 2048 // traces that are summed up together
	summaryBytes = 1024 // that one of them takes
	foundBytes   = 64   // and one that is found
	mostRelated  = 100_000
	// mostWidened is how many traces of a question are looked for beyond an hour from the newest span that matches: each costs about what a page of it would.
	mostWidened = 1000
)

// Every is a question about all traces that a list has.
type Every struct {
	Search  *engine.Query   // the list's, newest first, from its beginning
	Related *filter.Related // looks at other spans as well; nil where nothing does
	Sums    bool            // what traces come to is wanted; else only where they stand in the list
}

// Failed reports whether the trace is one that failed: its root did.
func (s *Summary) Failed() bool { return s.Root.Status == otlp.StatusError }

// Each visits them, newest first, some at a time. A trace's Key is its place in the list. It tells from when on these are all, Unix ns. Where that is after the beginning of
// the range, the budget, the time or the memory of the question ended it, as its snapshot says; traces that are Cut may have more spans. What the list is handed is valid until it returns.
func (e *Every) Each(ctx context.Context, s *engine.Snapshot, visit func(list []*Summary) error) (since int64, err error) {
	found, since, err := e.find(ctx, s)
	if err != nil {
		return 0, err
	}
	q := *e.Search
	u := newSumming(s, &q, nil, true)
	u.left = mostWidened
	s.BeginAnew()
	lot := int(min(max(s.MayHold()/8/summaryBytes, 16), mostInLot))
	for len(found) > 0 {
		n := min(lot, len(found))
		if err := e.lot(ctx, u, found[:n], visit); err != nil {
			return 0, err
		}
		last := found[n-1].Time
		// A cut has all of its first instant, or nothing of it.
		if found = found[n:]; len(found) > 0 && found[0].Time < last && s.Exhausted(&q) {
			s.CutAt(found[0].Time + 1)
			return found[0].Time + 1, nil
		}
	}
	if since > q.From && s.Cut() != nil {
		s.CutAt(since) // also where summing up was cut after that
	}
	return since, nil
}

func (e *Every) lot(ctx context.Context, u *summing, found []Found, visit func(list []*Summary) error) error {
	bytes := int64(len(found)) * summaryBytes
	if err := u.snapshot.Hold(bytes); err != nil {
		return err
	}
	defer u.snapshot.LetGo(bytes)
	list := make([]*Summary, len(found))
	if !e.Sums {
		for i := range found {
			list[i] = &Summary{Found: found[i]}
		}
		return visit(list)
	}
	list, err := u.sum(ctx, found)
	if err != nil {
		return err
	}
	u.letGo(list)
	return visit(slices.DeleteFunc(list, func(sum *Summary) bool { return sum.Spans == 0 }))
}

// find finds all traces, newest first, and tells from when on these are all. What it returns is charged to the question.
func (e *Every) find(ctx context.Context, s *engine.Snapshot) (found []Found, since int64, err error) {
	if e.Related != nil {
		return e.relate(ctx, s)
	}
	q := *e.Search
	c := &counting{snapshot: s, each: tallyBytes + foundBytes}
	if since, err = c.fit(ctx, &q, false); err != nil {
		return nil, 0, err
	}
	found = make([]Found, 0, len(c.tallies))
	for id, t := range c.tallies {
		found = append(found, Found{t.newest, id})
	}
	c.letGo()
	slices.SortFunc(found, func(a, b Found) int { return a.Compare(b.Key) })
	return found, since, s.Hold(int64(len(found)) * foundBytes)
}

// relate is find with conditions on other spans.
func (e *Every) relate(ctx context.Context, s *engine.Snapshot) (found []Found, since int64, err error) {
	most := int(min(max(s.MayHold()/2/foundBytes, 1), mostRelated))
	if err := s.Hold(int64(most) * foundBytes); err != nil {
		return nil, 0, err
	}
	found, frontier, err := NewRelating(s, e.Search, e.Related).Traces(ctx, most)
	if err != nil {
		return nil, 0, err
	}
	since = e.Search.From
	switch {
	case frontier != engine.Complete:
		since = max(since, frontier+1)
		s.CutAt(since)
	case len(found) == most: // there may be more
		since = max(since, found[most-1].Time+1)
		s.CutToFit(since)
	}
	if end := slices.IndexFunc(found, func(f Found) bool { return f.Time < since }); end >= 0 {
		found = found[:end]
	}
	return found, since, nil
}

// ReadRoots reads columns of the roots of summed traces: row rows[k] of r is the root of list[numbers[k]]. r is valid during the call.
func ReadRoots(ctx context.Context, s *engine.Snapshot, search *engine.Query, list []*Summary, w engine.Columns, each func(r *columns.Reader, rows []uint32, numbers []int)) error {
	items := make([]engine.Item, len(list))
	for i, sum := range list {
		items[i] = sum.Root.item
	}
	return s.ReadColumns(ctx, search, items, w, func(r *columns.Reader, rows []uint32, numbers []int) int {
		each(r, rows, numbers)
		return len(items)
	})
}
