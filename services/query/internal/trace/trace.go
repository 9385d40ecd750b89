// Package trace is what is told of traces as wholes, above single spans: which of them a list shows, what each comes to, its tree and its root. Native and
// later front ends render it. Its contract is docs/adr/039.
package trace

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Found is a trace with the first of its matching spans after where a list goes on, in the list's order.
type Found struct {
	engine.Key
	ID [16]byte
}

// First finds the first n traces after a key, by the first of their matching spans after it, leaving some out. more says whether others may follow; frontier is
// as in engine.ScanInOrder.
func First(ctx context.Context, s *engine.Snapshot, search *engine.Query, after *engine.Key, without map[[16]byte]bool, n int) (found []Found, more bool, frontier int64, err error) {
	q := *search
	q.After = after
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	q.Filter.Columns(w)
	q.Order.Columns(w)
	best := map[[16]byte]engine.Key{}
	keep := func(in map[[16]byte]engine.Key, id [16]byte, k engine.Key) {
		if have, ok := in[id]; !ok || k.Newer(have) {
			in[id] = k
		}
	}
	var last atomic.Pointer[engine.Key] // of n traces that were found: no span after it is of one that comes before
	frontier, err = engine.ScanInOrder(ctx, s, &q, engine.Always(w.Want),
		func(r *columns.Reader, _ *engine.Header) (map[[16]byte]engine.Key, error) {
			first, last := map[[16]byte]engine.Key{}, last.Load()
			q.Rows(r, func(row int, k engine.Key) {
				if last != nil && !k.Newer(*last) {
					return
				}
				ids := r.TraceIDs()
				if id := ids.Distinct[ids.Rows[row]]; !without[id] {
					keep(first, id, k)
				}
			})
			return first, nil
		},
		func(_ []*engine.Header, made []map[[16]byte]engine.Key, next int64) bool {
			for _, first := range made {
				for id, k := range first {
					keep(best, id, k)
				}
			}
			found = found[:0]
			for id, k := range best {
				found = append(found, Found{k, id})
			}
			slices.SortFunc(found, func(a, b Found) int { return a.Compare(b.Key) })
			if len(found) < n {
				return true
			}
			// The others can come back only with a span before it, and then they are found again.
			for _, f := range found[n:] {
				delete(best, f.ID)
			}
			end := found[n-1].Key
			last.Store(&end)
			return next >= q.Order.Value(found[n-1].Key)
		})
	if err != nil {
		return nil, false, 0, err
	}
	if frontier != engine.Complete {
		if i := slices.IndexFunc(found, func(f Found) bool { return q.Order.Value(f.Key) <= frontier }); i >= 0 {
			found = found[:i]
		}
	}
	if len(found) >= n {
		return found[:n], true, engine.Complete, nil
	}
	return found, false, frontier, nil
}

// FirstSummed sums up the first n traces of a list, by the first of their matching spans in its order. frontier is as in engine.ScanInOrder.
//
//	scan matching spans, in order ── the first of each trace ── enough traces?
//	for those traces: all their spans ── drop traces that an earlier matching span put on an earlier page ── sum up
func FirstSummed(ctx context.Context, s *engine.Snapshot, search *engine.Query, n int, fields *filter.Shown) (listed []*Summary, frontier int64, err error) {
	earlier := map[[16]byte]bool{{}: true} // traces that stand on an earlier page; and spans without a trace are none
	after, frontier, more := search.After, engine.Complete, true
	for more && len(listed) < n && frontier == engine.Complete {
		var found []Found
		found, more, frontier, err = First(ctx, s, search, after, earlier, n-len(listed))
		if err != nil {
			return nil, 0, err
		}
		if len(found) == 0 {
			break
		}
		summaries, err := Sum(ctx, s, search, found, fields)
		if err != nil {
			return nil, 0, err
		}
		for i := range found {
			after = &found[i].Key
			if sum := summaries[i]; sum.First == *after && sum.Spans > 0 {
				listed = append(listed, sum)
			} else { // another matching span put it on an earlier page
				earlier[found[i].ID] = true
			}
		}
	}
	return listed, frontier, nil
}
