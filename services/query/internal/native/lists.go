package native

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// page finds one page of items and lets draw make each, in full, in its place of the list.
func page[T any](ctx context.Context, n *API, s *engine.Snapshot, q *search, r *renderer, draw func(t *segment.Table, row int) T) ([]T, api.Pagination, error) {
	return pageOf(ctx, n, s, q, r, func(found []engine.Item) ([]T, error) { return items(ctx, n, s, &q.Query, found, r, draw) })
}

// shownPage finds one page of items and tells the fields that are asked for.
func shownPage(ctx context.Context, n *API, s *engine.Snapshot, q *search, r *renderer) ([]api.ShownItem, api.Pagination, error) {
	return pageOf(ctx, n, s, q, r, func(found []engine.Item) ([]api.ShownItem, error) { return n.rows(ctx, s, q, found) })
}

// pageOf finds one page of items; read makes of what was found as many as fit into an answer.
func pageOf[T any](ctx context.Context, n *API, s *engine.Snapshot, q *search, r *renderer, read func(found []engine.Item) ([]T, error)) ([]T, api.Pagination, error) {
	var found engine.Found
	var err error
	if q.related != nil {
		judging := trace.NewRelating(s, &q.Query, q.related)
		found, err = judging.Spans(ctx, q.limit)
		q.met, _ = judging.Met()
	} else {
		found, err = s.Search(ctx, &q.Query, q.limit)
	}
	if err != nil {
		return nil, api.Pagination{}, err
	}
	list, err := read(found.Items)
	if err != nil {
		return nil, api.Pagination{}, err
	}
	p := api.Pagination{HasMore: found.More}
	switch {
	case len(list) < len(found.Items):
		p = api.Pagination{HasMore: true, NextCursor: n.resume(q, s, found.Items[len(list)-1].Key)}
		r.full = n.full(len(list))
	case found.More:
		p.NextCursor = n.resume(q, s, found.Next(q.Order))
	}
	return list, p, nil
}

// items draws what was found, newest first, each in its place; fewer, but one at least, where they take more than one answer may.
func items[T any](ctx context.Context, n *API, s *engine.Snapshot, q *engine.Query, found []engine.Item, r *renderer, draw func(t *segment.Table, row int) T) ([]T, error) {
	list := make([]T, len(found)) // not nil: an empty list is a list on the wire
	a := allowance{left: n.set.PageBytes, end: len(found)}
	err := s.Read(ctx, q, found, func(t *segment.Table, rows []uint32, numbers []int) int {
		r.begin()
		a.allow(t, rows, numbers, func(row, number int) { list[number] = draw(t, row) })
		return a.end
	})
	return slices.Clip(list[:a.end]), err
}

// askList asks for a page of a list, once all that it is to hold is there.
func (n *API) askList(ctx context.Context, q *search, told *api.Completeness, question func(ctx context.Context, s *engine.Snapshot) error) error {
	if q.minPosition > 0 {
		switch there, err := n.engine.Await(ctx, q.Tenant, q.Signal, q.minPosition); {
		case err != nil:
			return err
		case !there:
			return errNotReached.Newf("what was accepted up to position %d of %s is not in the database after %s", q.minPosition, q.Signal, engine.MostAwaited)
		}
	}
	return n.ask(ctx, &q.Query, q.Span(), told, question)
}

// full says that an answer ends early because of its size.
func (n *API) full(shown int) *api.Incomplete {
	return limited("the answer ends after %d, since one may take %s (max_page_bytes)", shown, settings.Bytes(n.set.PageBytes))
}

// listed is what an answer with a list tells of how it was made, and of what it lacks; where it is asked for, p gets how many there are in all. shown are on the page, and full
// says why some that were found are not.
func (n *API) listed(ctx context.Context, s *engine.Snapshot, q *search, shown int, p *api.Pagination, full *api.Incomplete, started time.Time) (api.Stats, *api.Incomplete, error) {
	lacks := cmp.Or(incomplete(s), full) // a list is no less complete because its total is not
	err := n.total(ctx, s, q, shown, p)
	return n.stats(s, started), lacks, err
}

func (n *API) searchSpans(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.SpanPage, error) {
	q, err := n.newSearch(tenant, "spans", telemetry.Traces, r)
	if err != nil {
		return nil, err
	}
	started := n.now()
	out := &api.SpanPage{Spans: []api.Span{}}
	draw := newRenderer()
	err = n.askList(ctx, q, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		if q.shown != nil {
			out.Rows, out.Pagination, err = shownPage(ctx, n, s, q, draw)
		} else {
			out.Spans, out.Pagination, err = page(ctx, n, s, q, draw, draw.span)
		}
		if err != nil {
			return err
		}
		out.Stats, out.Incomplete, err = n.listed(ctx, s, q, len(out.Spans)+len(out.Rows), &out.Pagination, draw.full, started)
		return err
	})
	out.Resources, out.Scopes = draw.resources, draw.scopes
	return out, err
}

func (n *API) searchLogs(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.LogPage, error) {
	q, err := n.newSearch(tenant, "logs", telemetry.Logs, r)
	if err != nil {
		return nil, err
	}
	return n.logPage(ctx, q)
}

// traceLogs is searchLogs for one trace, over everything kept unless a range is given.
func (n *API) traceLogs(ctx context.Context, tenant telemetry.Tenant, id [16]byte, p api.GetTraceLogsParams) (*api.LogPage, error) {
	from, to, err := optionalRange(p.StartTime, p.EndTime)
	if err != nil {
		return nil, err
	}
	f, err := n.idFilter(telemetry.Logs, id)
	if err != nil {
		return nil, err
	}
	q := &search{Query: engine.Query{Tenant: tenant, Signal: telemetry.Logs, From: from, To: to, Filter: f}}
	if q.limit, err = pageLimit(p.Limit, defaultLimit, maxLimit); err != nil {
		return nil, err
	}
	q.hash = queryHash("trace logs "+string(id[:]), tenant, from, to, nil)
	if p.Cursor != "" {
		at, err := n.cursors.open(p.Cursor, q.hash)
		if err != nil {
			return nil, err
		}
		q.After, q.MaxPosition = &at.after, at.maxPosition
	}
	return n.logPage(ctx, q)
}

func (n *API) logPage(ctx context.Context, q *search) (*api.LogPage, error) {
	started := n.now()
	out := &api.LogPage{Logs: []api.LogRecord{}}
	draw := newRenderer()
	err := n.askList(ctx, q, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		if q.shown != nil {
			out.Rows, out.Pagination, err = shownPage(ctx, n, s, q, draw)
		} else {
			out.Logs, out.Pagination, err = page(ctx, n, s, q, draw, draw.log)
		}
		if err != nil {
			return err
		}
		out.Stats, out.Incomplete, err = n.listed(ctx, s, q, len(out.Logs)+len(out.Rows), &out.Pagination, draw.full, started)
		return err
	})
	out.Resources, out.Scopes = draw.resources, draw.scopes
	return out, err
}

func (n *API) searchPoints(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.PointPage, error) {
	q, err := n.newSearch(tenant, "metrics", telemetry.Metrics, r)
	if err != nil {
		return nil, err
	}
	started := n.now()
	out := &api.PointPage{}
	draw := newRenderer()
	err = n.askList(ctx, q, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		out.Points, out.Pagination, err = page(ctx, n, s, q, draw, func(t *segment.Table, row int) api.Point {
			p := draw.point(t, row)
			series := draw.seriesIndex(t, t.Ints[segment.ColSeries][row])
			p.SeriesIndex = &series
			return p
		})
		if err != nil {
			return err
		}
		out.Stats, out.Incomplete, err = n.listed(ctx, s, q, len(out.Points), &out.Pagination, draw.full, started)
		return err
	})
	out.Series, out.Resources, out.Scopes = draw.series, draw.resources, draw.scopes
	return out, err
}
