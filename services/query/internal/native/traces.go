package native

import (
	"context"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// searchTraces lists traces by the first of their matching spans in the list's order: the newest, the oldest or the longest. That key is a property of the
// trace, the range, the filters and the snapshot, and not of the page, so a trace stands in one place however the list is cut.
//
//	scan matching spans, in order ── the first of each trace ── enough traces?
//	for those traces: all their spans ── drop traces that an earlier matching span put on an earlier page ── sum up
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
		var listed []engine.Key
		for more && len(out.Traces) <= q.limit && frontier == engine.Complete {
			var found []trace.Found
			found, more, frontier, err = trace.First(ctx, s, &q.Query, after, earlier, q.limit+1-len(out.Traces))
			if err != nil {
				return err
			}
			if len(found) == 0 {
				break
			}
			summaries, err := trace.Sum(ctx, s, &q.Query, found, q.shown)
			if err != nil {
				return err
			}
			for i, f := range found {
				after = &f.Key
				if sum := summaries[i]; sum.First != f.Key || sum.Spans == 0 { // another matching span put it on an earlier page
					earlier[f.ID] = true
					continue
				}
				out.Traces = append(out.Traces, traceSummary(summaries[i]))
				listed = append(listed, f.Key)
			}
		}
		fit, full := n.fitting(out.Traces[:min(len(out.Traces), q.limit)])
		switch {
		case len(out.Traces) > fit:
			out.Traces = out.Traces[:fit]
			out.Pagination = api.Pagination{HasMore: true, NextCursor: n.resume(q, s, listed[fit-1])}
		case frontier != engine.Complete:
			out.Pagination = api.Pagination{HasMore: true, NextCursor: n.resume(q, s, q.Order.Below(frontier))}
		}
		out.Stats, out.Incomplete, err = n.listed(ctx, s, q, len(out.Traces), &out.Pagination, full, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// fitting is how many summaries of a page fit into an answer, and what is said where they do not all.
func (n *API) fitting(list []api.TraceSummary) (fit int, full *api.Incomplete) {
	a := allowance{left: n.set.PageBytes, end: len(list)}
	for i := range list {
		size := int64(overhead)
		for name, v := range list[i].Root.Fields {
			size += int64(len(name)) + v.Size()
		}
		for _, kv := range list[i].Root.Attributes {
			size += int64(len(kv.Key)) + kv.Value.Size()
		}
		if !a.fits(i, size) {
			return i, n.full(i)
		}
	}
	return len(list), nil
}
