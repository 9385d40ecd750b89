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
func (n *API) searchTraces(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.TracePage, error) {
	q, err := n.newSearch(tenant, "traces", telemetry.Traces, r)
	if err != nil {
		return nil, err
	}
	started := n.now()
	out := &api.TracePage{Traces: []api.TraceSummary{}}
	err = n.askList(ctx, q, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		listed, frontier, err := n.traces(ctx, s, q)
		if err != nil {
			return err
		}
		for _, sum := range listed {
			one := traceSummary(sum)
			if q.count != 0 {
				counted := sum.Rank
				one.SortedByCount = &counted
			}
			out.Traces = append(out.Traces, one)
		}
		fit, full := n.fitting(out.Traces[:min(len(out.Traces), q.limit)])
		switch {
		case len(out.Traces) > fit:
			out.Traces = out.Traces[:fit]
			out.Pagination = api.Pagination{HasMore: true, NextCursor: n.resume(q, s, listed[fit-1].Key)}
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

// traces finds and sums up the first traces of a list, one more than a page has. frontier is as in engine.ScanInOrder.
func (n *API) traces(ctx context.Context, s *engine.Snapshot, q *search) (listed []*trace.Summary, frontier int64, err error) {
	switch {
	case q.count != 0:
		of, pinned := q.Query, q.After != nil
		if of.From = max(of.From, q.since); pinned && of.From > q.From {
			s.CutBefore(of.From)
		}
		listed, q.since, err = trace.FirstCounted(ctx, s, &of, q.count, pinned, q.limit+1, q.shown)
		if err == nil && q.since > q.From && s.Cut() != nil {
			s.CutAt(q.since) // also where summing up was cut after that
		}
		return listed, engine.Complete, err
	case q.related != nil:
		judging := trace.NewRelating(s, &q.Query, q.related)
		listed, frontier, err = judging.FirstSummed(ctx, s, &q.Query, q.limit+1, q.shown)
		_, q.met = judging.Met()
		return listed, frontier, err
	}
	return trace.FirstSummed(ctx, s, &q.Query, q.limit+1, q.shown)
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
