package native

import (
	"context"
	"slices"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// searchTraces lists traces by their newest matching span. That key is a property of the trace, the range, the filters and the snapshot,
// and not of the page, so a trace stands in one place however the list is cut.
//
//	scan matching spans, newest first ── the newest of each trace ── enough traces?
//	for those traces: all their spans ── drop traces that a newer matching span put on an earlier page ── sum up
func (n *API) searchTraces(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.TracePage, error) {
	q, err := n.newSearch(tenant, "traces", telemetry.Traces, r)
	if err != nil {
		return nil, err
	}
	started := n.now()
	out := &api.TracePage{Traces: []api.TraceSummary{}}
	err = n.askList(ctx, q, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		earlier := map[[16]byte]bool{{}: true} // traces that stand on an earlier page; and spans without a trace are none
		after, frontier, more := q.After, engine.Complete, true
		var last engine.Key
		for more && len(out.Traces) <= q.limit && frontier == engine.Complete {
			var found []foundTrace
			found, more, frontier, err = newestOfTraces(ctx, s, q, after, earlier, q.limit+1-len(out.Traces))
			if err != nil {
				return err
			}
			if len(found) == 0 {
				break
			}
			summaries, err := sumUp(ctx, s, q, found)
			if err != nil {
				return err
			}
			for i, f := range found {
				after = &f.Key
				if summaries[i] == nil {
					earlier[f.id] = true
					continue
				}
				out.Traces = append(out.Traces, *summaries[i])
				if len(out.Traces) <= q.limit {
					last = f.Key
				}
			}
		}
		switch {
		case len(out.Traces) > q.limit:
			out.Traces = out.Traces[:q.limit]
			out.Pagination = api.Pagination{HasMore: true, NextCursor: n.resume(q, s, last)}
		case frontier != engine.Complete:
			out.Pagination = api.Pagination{HasMore: true, NextCursor: n.resume(q, s, engine.Below(frontier))}
		}
		out.Stats, out.Incomplete = n.told(s, started)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// foundTrace is a trace with its newest matching span after the cursor.
type foundTrace struct {
	engine.Key
	id [16]byte
}

// newestOfTraces finds the newest n traces after a key, by their newest matching span after it, leaving some out. more says whether others
// may follow; frontier is as in engine.Scan.
func newestOfTraces(ctx context.Context, s *engine.Snapshot, search *search, after *engine.Key, without map[[16]byte]bool, n int) (found []foundTrace, more bool, frontier int64, err error) {
	q := search.Query
	q.After = after
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	q.Filter.Columns(w)
	best := map[[16]byte]engine.Key{}
	keep := func(in map[[16]byte]engine.Key, id [16]byte, k engine.Key) {
		if have, ok := in[id]; !ok || k.Newer(have) {
			in[id] = k
		}
	}
	frontier, err = engine.Scan(ctx, s, &q, engine.Always(w.Want),
		func(r *columns.Reader, _ *engine.Header) (map[[16]byte]engine.Key, error) {
			newest := map[[16]byte]engine.Key{}
			q.Rows(r, func(row int, k engine.Key) {
				ids := r.TraceIDs()
				if id := ids.Distinct[ids.Rows[row]]; !without[id] {
					keep(newest, id, k)
				}
			})
			return newest, nil
		},
		func(_ []*engine.Header, made []map[[16]byte]engine.Key, next int64) bool {
			for _, newest := range made {
				for id, k := range newest {
					keep(best, id, k)
				}
			}
			found = found[:0]
			for id, k := range best {
				found = append(found, foundTrace{k, id})
			}
			slices.SortFunc(found, func(a, b foundTrace) int { return a.Compare(b.Key) })
			if len(found) < n {
				return true
			}
			// The others can come back only with a newer span, and then they are found again.
			for _, f := range found[n:] {
				delete(best, f.id)
			}
			return next >= found[n-1].Time
		})
	if err != nil {
		return nil, false, 0, err
	}
	if frontier != engine.Complete {
		if i := slices.IndexFunc(found, func(f foundTrace) bool { return f.Time <= frontier }); i >= 0 {
			found = found[:i]
		}
	}
	if len(found) >= n {
		return found[:n], true, engine.Complete, nil
	}
	return found, false, frontier, nil
}
