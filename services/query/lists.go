package query

import (
	"context"
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// page finds one page of items and hands each to place, in full; place gets the number of items first.
func (s *Service) page(ctx context.Context, v *view, q *search, begin func(), place func(total, n int, t *segment.Table, row int)) (api.Pagination, error) {
	found, more, frontier, err := v.search(ctx, &q.plan, q.limit)
	if err != nil {
		return api.Pagination{}, err
	}
	err = v.read(ctx, &q.plan, found, begin, func(n int, t *segment.Table, row int) { place(len(found), n, t, row) })
	if err != nil {
		return api.Pagination{}, err
	}
	p := api.Pagination{HasMore: more}
	switch {
	case !more:
	case frontier != math.MinInt64:
		p.NextCursor = s.resume(q, v, frontierKey(frontier))
	default:
		p.NextCursor = s.resume(q, v, found[len(found)-1].key)
	}
	return p, nil
}

func (s *Service) searchSpans(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.SpanPage, error) {
	q, err := s.newSearch(tenant, "spans", telemetry.Traces, r)
	if err != nil {
		return nil, err
	}
	started := s.env.Now()
	out := &api.SpanPage{Spans: []api.Span{}, Completeness: s.watch.completeness(q.signal)}
	draw := newRenderer()
	err = s.inView(ctx, func(ctx context.Context, v *view) error {
		out.Pagination, err = s.page(ctx, v, q, draw.begin, func(total, n int, t *segment.Table, row int) {
			out.Spans = grow(out.Spans, total)
			out.Spans[n] = draw.span(t, row)
		})
		out.Stats, out.Incomplete = v.stats(started), v.incomplete
		return err
	})
	out.Resources, out.Scopes = draw.resources, draw.scopes
	return out, err
}

func (s *Service) searchLogs(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.LogPage, error) {
	q, err := s.newSearch(tenant, "logs", telemetry.Logs, r)
	if err != nil {
		return nil, err
	}
	return s.logPage(ctx, q)
}

// traceLogs is searchLogs for one trace, over everything kept unless a range is given.
func (s *Service) traceLogs(ctx context.Context, tenant telemetry.Tenant, id [16]byte, p api.GetTraceLogsParams) (*api.LogPage, error) {
	from, to, err := optionalRange(p.StartTime, p.EndTime)
	if err != nil {
		return nil, err
	}
	q := &search{plan: plan{tenant: tenant, signal: telemetry.Logs, from: from, to: to, filter: idFilter(id)}}
	if q.limit, err = pageLimit(p.Limit, defaultLimit, maxLimit); err != nil {
		return nil, err
	}
	q.hash = queryHash("trace logs "+string(id[:]), tenant, from, to, nil)
	if p.Cursor != "" {
		at, err := s.cursors.open(p.Cursor, q.hash)
		if err != nil {
			return nil, err
		}
		q.after, q.maxPosition = &at.after, at.maxPosition
	}
	return s.logPage(ctx, q)
}

func (s *Service) logPage(ctx context.Context, q *search) (*api.LogPage, error) {
	started := s.env.Now()
	out := &api.LogPage{Logs: []api.LogRecord{}, Completeness: s.watch.completeness(q.signal)}
	draw := newRenderer()
	err := s.inView(ctx, func(ctx context.Context, v *view) (err error) {
		out.Pagination, err = s.page(ctx, v, q, draw.begin, func(total, n int, t *segment.Table, row int) {
			out.Logs = grow(out.Logs, total)
			out.Logs[n] = draw.log(t, row)
		})
		out.Stats, out.Incomplete = v.stats(started), v.incomplete
		return err
	})
	out.Resources, out.Scopes = draw.resources, draw.scopes
	return out, err
}

func (s *Service) searchPoints(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.PointPage, error) {
	q, err := s.newSearch(tenant, "metrics", telemetry.Metrics, r)
	if err != nil {
		return nil, err
	}
	started := s.env.Now()
	out := &api.PointPage{Points: []api.Point{}, Completeness: s.watch.completeness(q.signal)}
	draw := newRenderer()
	err = s.inView(ctx, func(ctx context.Context, v *view) error {
		out.Pagination, err = s.page(ctx, v, q, draw.begin, func(total, n int, t *segment.Table, row int) {
			out.Points = grow(out.Points, total)
			out.Points[n] = draw.point(t, row)
			series := draw.seriesIndex(t, t.Ints[segment.ColSeries][row])
			out.Points[n].SeriesIndex = &series
		})
		out.Stats, out.Incomplete = v.stats(started), v.incomplete
		return err
	})
	out.Series, out.Resources, out.Scopes = draw.series, draw.resources, draw.scopes
	return out, err
}

// grow makes room for all items at the first of them.
func grow[T any](list []T, total int) []T {
	if len(list) < total {
		list = append(slices.Grow(list, total), make([]T, total-len(list))...)
	}
	return list
}
