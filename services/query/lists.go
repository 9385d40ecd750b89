package query

import (
	"context"
	"math"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// page finds one page of items and lets draw make each, in full, in its place of the list.
func page[T any](ctx context.Context, s *Service, v *view, q *search, r *renderer, draw func(t *segment.Table, row int) T) ([]T, api.Pagination, error) {
	found, more, frontier, err := v.search(ctx, &q.plan, q.limit)
	if err != nil {
		return nil, api.Pagination{}, err
	}
	list, err := items(ctx, v, &q.plan, found, r, draw)
	if err != nil {
		return nil, api.Pagination{}, err
	}
	p := api.Pagination{HasMore: more}
	switch {
	case !more:
	case frontier != math.MinInt64:
		p.NextCursor = s.resume(q, v, frontierKey(frontier))
	default:
		p.NextCursor = s.resume(q, v, found[len(found)-1].key)
	}
	return list, p, nil
}

// items draws the candidates, each in its place.
func items[T any](ctx context.Context, v *view, p *plan, found []candidate, r *renderer, draw func(t *segment.Table, row int) T) ([]T, error) {
	list := make([]T, len(found)) // not nil: an empty list is a list on the wire
	err := v.read(ctx, p, found, func(t *segment.Table, rows []uint32, numbers []int) {
		r.begin()
		for k, n := range numbers {
			list[n] = draw(t, int(rows[k]))
		}
	})
	return list, err
}

func (s *Service) searchSpans(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.SpanPage, error) {
	q, err := s.newSearch(tenant, "spans", telemetry.Traces, r)
	if err != nil {
		return nil, err
	}
	started := s.env.Now()
	out := &api.SpanPage{Completeness: s.watch.completeness(q.signal)}
	draw := newRenderer()
	err = s.inView(ctx, func(ctx context.Context, v *view) error {
		out.Spans, out.Pagination, err = page(ctx, s, v, q, draw, draw.span)
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
	f, err := idFilter(telemetry.Logs, id)
	if err != nil {
		return nil, err
	}
	q := &search{plan: plan{tenant: tenant, signal: telemetry.Logs, from: from, to: to, filter: f}}
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
	out := &api.LogPage{Completeness: s.watch.completeness(q.signal)}
	draw := newRenderer()
	err := s.inView(ctx, func(ctx context.Context, v *view) (err error) {
		out.Logs, out.Pagination, err = page(ctx, s, v, q, draw, draw.log)
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
	out := &api.PointPage{Completeness: s.watch.completeness(q.signal)}
	draw := newRenderer()
	err = s.inView(ctx, func(ctx context.Context, v *view) error {
		out.Points, out.Pagination, err = page(ctx, s, v, q, draw, func(t *segment.Table, row int) api.Point {
			p := draw.point(t, row)
			series := draw.seriesIndex(t, t.Ints[segment.ColSeries][row])
			p.SeriesIndex = &series
			return p
		})
		out.Stats, out.Incomplete = v.stats(started), v.incomplete
		return err
	})
	out.Series, out.Resources, out.Scopes = draw.series, draw.resources, draw.scopes
	return out, err
}
