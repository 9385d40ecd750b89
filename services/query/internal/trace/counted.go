package trace

import (
	"context"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Lists of traces by how many of their spans are meant (docs/adr/036). No header bounds that, so all that match in the range are counted, by trace, for each page.

// Count is what of matching spans is counted; the zero value counts nothing.
type Count uint8

// What is counted; nothing is, where traces are only found.
const (
	Spans  Count = iota + 1
	Errors       // spans whose status is an error
)

// tally is what was counted of a trace; its key is that of the newest span that matches, which is counted or not.
type tally struct {
	newest engine.Key
	n      int64
}

// tallyBytes is what one takes, with its id and its part of the map.
const tallyBytes = 128

// shortest is the shortest range of which traces are counted, where there is no room for those of a longer one.
const shortest = int64(time.Second)

// counting counts what matches, by trace.
type counting struct {
	snapshot *engine.Snapshot
	of       Count
	each     int64 // bytes that a trace takes
	tallies  map[[16]byte]tally
	held     int   // that the question is charged for
	reached  int64 // no item of what was counted is older
	full     error // why there is no room for more
}

// FirstCounted sums up the first n traces after the search's key, those of which most is counted first. A key's rank is that number. It tells from when on everything
// was counted, Unix ns: from the beginning of the range, unless the budget, the time or the memory of the question is not enough for it. pinned says that the
// range begins where an earlier page told, and must be counted in full.
func FirstCounted(ctx context.Context, s *engine.Snapshot, search *engine.Query, of Count, pinned bool, n int, fields *filter.Shown) (listed []*Summary, since int64, err error) {
	q := *search
	q.After, q.Whole = nil, pinned
	c := &counting{snapshot: s, of: of, each: tallyBytes}
	if since, err = c.fit(ctx, &q, pinned); err != nil {
		return nil, 0, err
	}
	found := make([]Found, 0, n)
	for id, t := range c.tallies {
		if k := t.key(); search.After == nil || search.After.Newer(k) {
			found = append(found, Found{k, id})
		}
	}
	slices.SortFunc(found, func(a, b Found) int { return a.Compare(b.Key) })
	found = slices.Clone(found[:min(len(found), n)])
	c.letGo() // summing up needs room, too
	if len(found) == 0 {
		return nil, since, nil
	}
	listed, err = Sum(ctx, s, &q, found, fields)
	return listed, since, err
}

// fit counts what matches in a query's range, or in a newer part of it where there is no room for all, to which it narrows the query unless the range is pinned. It tells from
// when on everything was counted, Unix ns.
func (c *counting) fit(ctx context.Context, q *engine.Query, pinned bool) (since int64, err error) {
	for {
		over, err := c.count(ctx, q)
		if err != nil {
			return 0, err
		}
		if c.full == nil {
			return q.To - int64(over), nil
		}
		// What is counted of a newer part alone is right: of a little less than there was room for, since segments that were not counted reach into it.
		part := min((q.To-c.reached)/8*7, (q.To-q.From)/2)
		if pinned || part < shortest {
			return 0, c.full
		}
		q.From = q.To - part
		c.snapshot.CutToFit(q.From)
		c.letGo()
	}
}

func (t *tally) key() engine.Key {
	k := t.newest
	k.Rank = t.n
	return k
}

// count counts all of a range; full says that there is no room for it.
func (c *counting) count(ctx context.Context, q *engine.Query) (over time.Duration, err error) {
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	w.Int(segment.ColStatus)
	q.Filter.Columns(w)
	c.tallies, c.full, c.reached = map[[16]byte]tally{}, nil, q.To
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	over, err = engine.Fold(ctx, c.snapshot, q, engine.Always(w.Want), c.fold, func(p counted) {
		if c.full == nil && !c.merge(p) {
			stop() // what comes now is for nothing
		}
	})
	if c.full != nil {
		return 0, nil
	}
	return over, err
}

// counted is what one segment has.
type counted struct {
	tallies map[[16]byte]tally
	oldest  int64
}

func (c *counting) fold(r *columns.Reader, _ *engine.Header, q *engine.Query) counted {
	out, oldest := map[[16]byte]tally{}, q.To
	ids, statuses := r.TraceIDs(), []int64(nil)
	if c.of == Errors {
		statuses = r.Ints(segment.ColStatus)
	}
	q.Rows(r, func(row int, k engine.Key) {
		id := ids.Distinct[ids.Rows[row]]
		if id == [16]byte{} {
			return
		}
		oldest = min(oldest, k.Time)
		one := tally{newest: k}
		if statuses == nil || statuses[row] == otlp.StatusError {
			one.n = 1
		}
		if have, ok := out[id]; ok {
			one = have.and(one)
		}
		out[id] = one
	})
	return counted{out, oldest}
}

func (t tally) and(o tally) tally {
	if o.newest.Newer(t.newest) {
		t.newest = o.newest
	}
	t.n += o.n
	return t
}

// merge adds what a segment has, unless there is no room for it.
func (c *counting) merge(part counted) bool {
	for id, t := range part.tallies {
		if have, ok := c.tallies[id]; ok {
			t = have.and(t)
		} else if len(c.tallies) >= c.held {
			charged, err := c.snapshot.HoldMore(c.each, int64(max(c.held, 1024))*c.each)
			if err != nil {
				c.full = err
				return false
			}
			c.held += int(charged / c.each)
		}
		c.tallies[id] = t
	}
	c.reached = min(c.reached, part.oldest)
	return true
}

// letGo gives back what was counted.
func (c *counting) letGo() {
	c.snapshot.LetGo(int64(c.held) * c.each)
	c.held, c.tallies = 0, nil
}
