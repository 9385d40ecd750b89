package native

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
	"github.com/ollyscale/ollyscale/services/query/internal/series"
)

// defaultBuckets is in how many the range of a metric is told at most, unless a request says.
const defaultBuckets = 100

func (h handlers) QueryMetric(c echo.Context, _ api.QueryMetricParams) error {
	return asked(h, c, "a metric query", h.queryMetric)
}

// newMetricQuery checks a request.
func (n *API) newMetricQuery(tenant telemetry.Tenant, r *api.MetricQuery) (*series.Query, error) {
	of, err := n.newQuery(tenant, api.SignalNameMetrics, r.TimeRange, r.Filters)
	if err != nil {
		return nil, err
	}
	if r.Metric == "" {
		return nil, errRequest.New("metric: the name is missing")
	}
	byName, err := n.filters.Where(telemetry.Metrics, "name", "eq", filter.String(r.Metric))
	if err != nil {
		return nil, err
	}
	of.Filter = filter.All{byName, of.Filter}
	q := &series.Query{Query: *of, Quantiles: r.Quantiles, Top: defaultTop, Exemplars: r.Exemplars, Now: n.now()}
	if q.OverTime, err = series.NewOverTime(string(r.OverTime)); err != nil {
		return nil, err
	}
	if q.OverSeries, err = series.NewOverSeries(string(r.OverSeries)); err != nil {
		return nil, err
	}
	if q.Value, err = series.NewValue(string(r.Value)); err != nil {
		return nil, err
	}
	for _, name := range r.GroupBy {
		column, err := n.filters.Column(telemetry.Metrics, name)
		if err != nil {
			return nil, err
		}
		q.Groups = append(q.Groups, column)
	}
	if r.Limit != nil {
		q.Top = *r.Limit
	}
	if r.LookbackSeconds != nil {
		const most = int64(math.MaxInt64 / time.Second / 4)
		if *r.LookbackSeconds < 1 || *r.LookbackSeconds > most {
			return nil, errSeconds.Newf("lookback_seconds: %d is not between 1 and %d", *r.LookbackSeconds, most)
		}
		q.Lookback = time.Duration(*r.LookbackSeconds) * time.Second
	}
	line, err := timelineOf(of, r.Buckets, r.StepSeconds)
	if err != nil {
		return nil, err
	}
	if line == nil {
		fit := aggregate.FitTimeline(q.From, q.To, defaultBuckets, time.Second)
		line = &fit
	}
	q.Line = *line
	return q, nil
}

func (n *API) queryMetric(ctx context.Context, tenant telemetry.Tenant, r api.MetricQuery) (*api.MetricLines, error) {
	q, err := n.newMetricQuery(tenant, &r)
	if err != nil {
		return nil, err
	}
	started := n.now()
	out := &api.MetricLines{Metrics: []api.Metric{}, Lines: []api.MetricLine{}, Exemplars: []api.MetricExemplar{}, Timeline: *lineOf(&q.Line)}
	var got *series.Answer
	err = n.ask(ctx, &q.Query, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		got, err = series.Ask(ctx, s, q)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if got.AtLeast && out.Incomplete == nil {
		out.Incomplete = limited("there are more series than are looked at (%d at most, and as memory allows): nothing is told of those that were found after %d; narrow the filters", series.MostSeries, got.Series)
	}
	for i := range got.Metrics {
		m := &got.Metrics[i]
		out.Metrics = append(out.Metrics, api.Metric{Name: m.Name, Type: api.MetricType(m.Kind.String()), Unit: m.Unit, Temporality: int(m.Temporality), Monotonic: m.Monotonic})
	}
	out.OverTime, out.OverSeries, out.Value, out.LookbackSeconds = got.OverTime.Name(), got.OverSeries.Name(), got.Value.Name(), got.Lookback.Seconds()
	out.SeriesCount, out.LineCount, out.CoveredSeconds, out.CommonBounds = got.Series, got.Groups, got.Covered, got.Bounds
	notes := &got.Notes
	out.Notes = api.MetricNotes{Points: notes.Points, Duplicates: notes.Duplicates, NoNumbers: notes.NoNumbers, Gaps: notes.Gaps, Resets: notes.Resets, Overlaps: notes.Overlaps}
	for i := range got.Lines {
		out.Lines = append(out.Lines, metricLine(&got.Lines[i]))
	}
	if o := got.Other; o != nil {
		out.Other = &api.MetricOther{Lines: o.Groups, SeriesCount: o.Series, Figures: figureLists(o.Over), Min: figuresOf(o.Min), Max: figuresOf(o.Max)}
	}
	for i := range got.Exemplars {
		e := &got.Exemplars[i]
		out.Exemplars = append(out.Exemplars, api.MetricExemplar{
			TimeUnixNano: nanos(e.Time), Value: e.Value, TraceID: traceIDText(e.TraceID), SpanID: spanIDText(e.SpanID), SeriesID: seriesID(e.Series),
			Values: groupValues(e.Group), FilteredAttributes: labelAttributes(e.Attributes),
			AttributesLeftOut: e.Left,
		})
	}
	return out, nil
}

func metricLine(l *series.Line) api.MetricLine {
	out := api.MetricLine{Values: groupValues(l.Group), SeriesCount: l.Series, Figures: figureLists(l.Over)}
	if s := l.One; s != nil {
		out.Series = &api.MetricLineSeries{
			ID: seriesID(s.ID), Temporality: int(s.Temporality), ServiceName: s.ServiceName, ServiceNamespace: s.ServiceNamespace, ScopeName: s.ScopeName, ScopeVersion: s.ScopeVersion,
			Attributes: labelAttributes(s.Attributes), Resource: labelAttributes(s.Resource), Scope: labelAttributes(s.Scope),
		}
	}
	if h := l.Heat; h != nil {
		out.Histogram = &api.MetricHeat{Edges: []api.Double{}, Counts: make([]*[]float64, len(h.Counts))}
		for _, edge := range h.Edges {
			out.Histogram.Edges = append(out.Histogram.Edges, api.Double(edge))
		}
		for i := range h.Counts {
			if h.Counts[i] != nil {
				out.Histogram.Counts[i] = &h.Counts[i]
			}
		}
	}
	return out
}

func figureLists(list [][]float64) (out [][]*float64) {
	for _, over := range list {
		out = append(out, figuresOf(over))
	}
	return out
}

func seriesID(id int64) string { return fmt.Sprintf("%016x", uint64(id)) } //nolint:gosec // the bits of a hash

func labelAttributes(list []series.Label) api.Attributes {
	out := make(api.Attributes, len(list))
	for i, l := range list {
		out[i] = api.KeyValue{Key: l.Key, Value: otlpjson.Of(l.Value.OTLP())}
	}
	return out
}
