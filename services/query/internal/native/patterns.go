package native

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/pattern"
)

// Unless a request says.
const (
	defaultPatterns       = 50
	defaultPatternBuckets = 30
	mostPatternBuckets    = 120
)

func (h handlers) LogPatterns(c echo.Context, _ api.LogPatternsParams) error {
	return asked(h, c, "a request for patterns", h.logPatterns)
}

func (n *API) newPatterns(tenant telemetry.Tenant, r *api.PatternRequest) (*pattern.Query, error) {
	of, err := n.newQuery(tenant, api.SignalName(telemetry.Logs.String()), r.TimeRange, r.Filters)
	if err != nil {
		return nil, err
	}
	q := &pattern.Query{Query: *of, Compare: r.Compare == nil || *r.Compare, Sample: defaultSample}
	if q.Bodies, err = n.filters.Column(q.Signal, "body"); err != nil {
		return nil, err
	}
	if q.Top, err = pageLimit(r.Limit, defaultPatterns, maxLimit); err != nil {
		return nil, err
	}
	buckets := defaultPatternBuckets
	if r.Buckets != nil {
		buckets = *r.Buckets
	}
	if buckets < leastTimeline || buckets > mostPatternBuckets {
		return nil, errBuckets.Newf("buckets: %d is not between %d and %d", buckets, leastTimeline, mostPatternBuckets)
	}
	q.Line = aggregate.FitTimeline(q.From, q.To, buckets, time.Second)
	if q.Sample, err = sampleSize(r.Sample, q.Sample); err != nil {
		return nil, err
	}
	return q, nil
}

func (n *API) logPatterns(ctx context.Context, tenant telemetry.Tenant, r api.PatternRequest) (*api.LogPatterns, error) {
	q, err := n.newPatterns(tenant, &r)
	if err != nil {
		return nil, err
	}
	started := n.now()
	out := &api.LogPatterns{Patterns: []api.LogPattern{}}
	var got *pattern.Answer
	err = n.ask(ctx, &q.Query, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		got, err = pattern.Ask(ctx, s, q)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if got.AtLeast && out.Incomplete == nil {
		out.Incomplete = limited("there are more patterns than are kept apart: those that came last are in other")
	}
	for i := range got.Patterns {
		p := &got.Patterns[i]
		of := patternFigures(q, &p.Cell, got.Total)
		one := api.LogPattern{
			Template: p.Template, Count: of.Count, Share: of.Share, Severities: of.Severities, Over: of.Over, FirstSeenUnixNano: of.FirstSeenUnixNano,
			LastSeenUnixNano: of.LastSeenUnixNano, Examples: of.Examples, Services: of.Services,
		}
		if got.Compared {
			isNew := p.Before == 0
			one.New, one.CountBefore = &isNew, &p.Before
		}
		out.Patterns = append(out.Patterns, one)
	}
	if got.Other.Count > 0 {
		other := patternFigures(q, &got.Other, got.Total)
		out.Other = &other
	}
	out.Total, out.DistinctPatterns, out.Coarser = got.Total, got.Distinct, got.Coarser
	out.Timeline = *lineOf(&q.Line)
	out.Sample = sampleOf(got.Sample)
	return out, nil
}

// patternFigures is what is known of the records of a pattern, among so many.
func patternFigures(q *pattern.Query, c *pattern.Cell, total int64) api.PatternFigures {
	out := api.PatternFigures{
		Count: c.Count, Share: float64(c.Count) / float64(max(total, 1)), FirstSeenUnixNano: nanos(c.First), LastSeenUnixNano: nanos(c.Last),
		Over: make([]int64, q.Line.Buckets), Services: []api.CountOf{}, Examples: []api.PatternExample{},
		Severities: api.SeverityCounts{
			Unset: c.Severity[0], Trace: c.Severity[1], Debug: c.Severity[2], Info: c.Severity[3], Warn: c.Severity[4], Error: c.Severity[5], Fatal: c.Severity[6],
		},
	}
	for _, b := range c.Over {
		out.Over[b.Key] = b.N
	}
	for _, s := range c.ByServices {
		out.Services = append(out.Services, api.CountOf{Name: s.Key, Count: s.N})
	}
	for _, k := range c.Examples {
		out.Examples = append(out.Examples, api.PatternExample{ID: idOf(k.Position, k.Ordinal), TimeUnixNano: nanos(k.Time)})
	}
	return out
}
