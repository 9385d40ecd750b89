package trace

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// All traces that a list has, whatever their number: what figures of traces are made of (docs/adr/053).

// Bounds of what is summed up for figures.
const (
	mostInLot    = 1 << 17              // traces that are summed up together,
	fewInLot     = 16                   // and so many whatever the time between them: the filters of segments leave most of them out
	lotTime      = 2 * int64(time.Hour) // in which more of them stand in the list
	briefTime    = int64(time.Minute)   // of which traces are told in part, where there is no time for one
	summaryBytes = 1024                 // that one takes which is summed up
	foundBytes   = 64                   // and one that is found
	mostRelated  = 100_000
	// mostWidened is how many traces of a question are looked for beyond an hour from the newest span that matches: each of them, or where there are more,
	// those which tell that there is more.
	mostWidened = 1000
)

// Every is a question about all traces that a list has.
type Every struct {
	Search  *engine.Query   // the list's, newest first, from its beginning
	Related *filter.Related // looks at other spans as well; nil where nothing does
	Sums    bool            // what traces come to is wanted; else only where they stand in the list
	Roots   bool            // of sums, also which span is the root
}

// Failed reports whether the trace is one that failed: its root did.
func (s *Summary) Failed() bool { return s.Root.Status == otlp.StatusError }

// Each visits them, newest first, some at a time. A trace's Key is its place in the list. It tells from when on these are all, Unix ns. Where that is after the beginning of
// the range, the budget, the time or the memory of the question ended it, as its snapshot says; traces that are Cut may have more spans. What the list is handed is valid until it returns.
//
//	found, newest first ── a lot: two hours, as memory allows ── all spans an hour around it ── sums ── the next lot
//	                            └ half of it, where it has no room
func (e *Every) Each(ctx context.Context, s *engine.Snapshot, visit func(list []*Summary) error) (since int64, err error) {
	all := func() {}
	if e.Sums {
		all = s.Half()
	}
	found, since, err := e.find(ctx, s)
	if err != nil {
		return 0, err
	}
	all()
	s.BeginAnew()
	q := *e.Search
	l := &lots{Every: e, snapshot: s, visit: visit, u: newSumming(s, &q, nil, true), told: math.MaxInt64}
	l.u.left, l.u.roots, l.u.every = mostWidened, e.Roots, len(found) <= mostWidened
	most := int(min(max(s.MayHold()/4/summaryBytes, 1), mostInLot))
	for size := most; len(found) > 0; {
		n := lotOf(found, size, fewInLot, func(f *Found) int64 { return f.Time })
		done, err := l.next(ctx, found[:n])
		switch {
		case err != nil:
			return 0, err
		case done == 0 && l.full && n > 1:
			size = n / 2
			continue
		case done == 0 && l.full && l.must(found):
			return 0, s.NoMemory()
		case done == 0 && l.full:
			s.CutToFit(found[0].Time + 1)
			return found[0].Time + 1, nil
		case done < n:
			s.CutAt(found[done].Time + 1)
			return found[done].Time + 1, nil
		}
		size = min(size+size/4+1, most)
		// A cut has all of its first instant, or nothing of it.
		if found = found[n:]; len(found) > 0 && found[0].Time < l.told && s.Exhausted(&q) {
			s.CutAt(found[0].Time + 1)
			return found[0].Time + 1, nil
		}
	}
	if since > q.From && s.Cut() != nil {
		s.CutAt(since) // also where summing up was cut after that
	}
	return since, nil
}

// lotOf is how many of a list, newest first, are looked at together: at most so many, of two hours unless they are few.
func lotOf[T any](list []T, most, few int, at func(*T) int64) int {
	n := min(len(list), most)
	if n <= few {
		return n
	}
	end := slices.IndexFunc(list[few:n], func(one T) bool { return at(&one) < at(&list[0])-lotTime })
	if end < 0 {
		return n
	}
	return few + end
}

// lots is how far all traces were summed up.
type lots struct {
	*Every
	snapshot *engine.Snapshot
	visit    func(list []*Summary) error
	u        *summing
	told     int64 // instant of the oldest trace that was visited
	full     bool  // those of the last lot have no room
}

// next visits some traces, and tells how many: fewer where the budget or the time ended it, which leaves none in the middle of an instant, and at least one is visited of all; none where they have no room.
func (l *lots) next(ctx context.Context, found []Found) (done int, err error) {
	bytes := int64(len(found)) * summaryBytes
	if l.full = l.snapshot.Hold(bytes) != nil; l.full {
		return 0, nil
	}
	defer l.snapshot.LetGo(bytes)
	if !l.Sums {
		list := make([]*Summary, len(found))
		for i := range found {
			list[i] = &Summary{Found: found[i]}
		}
		l.told = found[len(found)-1].Time
		return len(found), l.visit(list)
	}
	left := l.u.left
	list, err := l.u.sum(ctx, found)
	if err == nil && len(list) == 0 && !l.u.short && l.must(found) {
		list, err = l.u.brief(ctx, found[:l.least(found)])
	}
	l.u.letGo()
	if l.full = l.u.short; l.full {
		l.u.left = left
	}
	if err != nil || len(list) == 0 {
		return 0, err
	}
	done, l.told = len(list), list[len(list)-1].Time
	return done, l.visit(slices.DeleteFunc(list, func(sum *Summary) bool { return sum.Spans == 0 }))
}

// must reports whether the first of them must be told: nothing was yet, or a part of their instant.
func (l *lots) must(found []Found) bool {
	return l.told == math.MaxInt64 || l.told == found[0].Time
}

// least is how many of the first traces are told whatever was spent: the rest of an instant, or those of a minute.
func (l *lots) least(found []Found) int {
	from := found[0].Time
	if l.told != from {
		from -= briefTime
	}
	if end := slices.IndexFunc(found, func(f Found) bool { return f.Time < from }); end >= 0 {
		return end
	}
	return len(found)
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
	for err = s.Hold(int64(most) * foundBytes); err != nil; err = s.Hold(int64(most) * foundBytes) {
		if most /= 2; most == 0 {
			return nil, 0, err
		}
	}
	r := newRelating(s, e.Search, e.Related, true)
	defer r.letGo()
	found, frontier, err := r.Traces(ctx, most)
	if err != nil {
		return nil, 0, err
	}
	since = e.Search.From
	switch {
	case r.ended:
		since = max(since, frontier+1)
		s.CutToFit(since)
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
	if r.ended && len(found) == 0 {
		return nil, 0, s.NoMemory()
	}
	s.LetGo(int64(most-min(cap(found), most)) * foundBytes)
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
