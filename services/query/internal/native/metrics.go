package native

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/rollup/series"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

const (
	defaultPoints = 10_000
	maxPoints     = 100_000
)

// catalogueOf sums up which metrics have points in a range of whole minutes; with values, also how many values their labels have.
func catalogueOf(ctx context.Context, s *engine.Snapshot, q *engine.Query, values bool) (*series.Catalogue, error) {
	total := &catalogueSum{snapshot: s, catalogue: series.New()}
	err := engine.FoldSettled(ctx, s, q, &engine.Summary[*series.Catalogue]{
		Kept:    engine.Kept[*series.Catalogue]{Name: "catalogue", Join: joinCatalogues, Size: (*series.Catalogue).Memory},
		Columns: engine.Always(segment.Want{Ints: []segment.Column{segment.ColTime, segment.ColSeries}}),
		Fold:    lookAt,
		Merge:   func(of *series.Catalogue) { _ = total.add(of) }, // kept in full
	}, series.ID, func(of *engine.RollupQuery, r *engine.Rolled) error {
		minutes := uint64(series.AllMinutes)
		if !r.Whole {
			minutes = series.Minutes(r.Start, of.From, of.To)
		}
		told, err := series.Read(r.Blob, r.Start, minutes, values)
		if err == nil {
			err = total.add(told)
		}
		return err
	})
	return total.catalogue, cmp.Or(err, total.full)
}

// catalogueSum is a catalogue in the making, charged to its question.
type catalogueSum struct {
	snapshot  *engine.Snapshot
	catalogue *series.Catalogue
	held      int64
	since     int64 // by what it may have grown since that was looked up
	full      error
}

// growth is up to how many bytes it may grow before it is charged.
const growth = 256 << 10

func (c *catalogueSum) add(of *series.Catalogue) error {
	if c.full != nil {
		return c.full
	}
	c.catalogue.Merge(of)
	if c.since += of.Memory(); c.since < growth {
		return nil
	}
	c.since = 0
	if size := c.catalogue.Memory(); size > c.held {
		c.full = c.snapshot.Hold(size - c.held)
		c.held = size
	}
	return c.full
}

// joinCatalogues makes one of what several segments have.
func joinCatalogues(list []*series.Catalogue) *series.Catalogue {
	out := series.New()
	for _, of := range list {
		out.Merge(of)
	}
	return out
}

// lookAt is the catalogue of a segment.
func lookAt(r *columns.Reader, _ *engine.Header, q *engine.Query) (of *series.Catalogue) {
	p := series.Points{Times: r.Ints(segment.ColTime), Series: r.Ints(segment.ColSeries), Services: r.Services()}
	of = series.New()
	r.Series(func(t *segment.Table, list *segment.SeriesList) {
		p.Table, p.List = t, list
		of = series.Look(&p, q.From, q.To)
	})
	return of
}

func (n *API) listMetrics(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.MetricCatalogue, error) {
	started := n.now()
	from, to = wholeMinutes(from, to)
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: from, To: to, Filter: filter.All{}}
	out := &api.MetricCatalogue{Metrics: []api.CatalogueMetric{}}
	var total *series.Catalogue
	err := n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		total, err = catalogueOf(ctx, s, q, false)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, key := range slices.SortedFunc(maps.Keys(total.Metrics), series.Key.Compare) {
		out.Metrics = append(out.Metrics, catalogueMetric(key, total.Metrics[key]))
	}
	if total.Untold > 0 && out.Incomplete == nil {
		out.Incomplete = limited("%d points are of metrics that are not listed, because an hour of the range has too many", total.Untold)
	}
	return out, nil
}

func catalogueMetric(key series.Key, m *series.Metric) api.CatalogueMetric {
	out := api.CatalogueMetric{
		Metric: api.Metric{
			Name: key.Name, Type: api.MetricType(key.Type.String()), Unit: key.Unit, Description: m.Description,
			Temporality: int(key.Temporality), Monotonic: key.Monotonic,
		},
		SeriesCount: m.Series.Count(), SeriesEstimated: !m.Series.Exact(), PointCount: m.Points, LastTimeUnixNano: nanos(m.Last),
		Services: append([]string{}, m.Services.Values()...), AttributeKeys: []string{}, More: m.More,
	}
	for i := range m.Metadata {
		out.Metric.Metadata = append(out.Metric.Metadata, api.KeyValue{Key: m.Metadata[i].Key, Value: otlpjson.Of(m.Metadata[i].Value.OTLP())})
	}
	for i := range m.Labels {
		if m.Labels[i].Key.Of == counts.OfItem {
			out.AttributeKeys = append(out.AttributeKeys, m.Labels[i].Key.Name)
		}
	}
	return out
}

// getMetric gives the newest points of one metric's series.
func (n *API) getMetric(ctx context.Context, tenant telemetry.Tenant, name string, from, to int64, filters []api.Filter, asked *int) (*api.MetricSeries, error) {
	limit, err := pageLimit(asked, defaultPoints, maxPoints)
	if err != nil {
		return nil, err
	}
	f, err := n.filters.Parse(telemetry.Metrics, filters)
	if err != nil {
		return nil, err
	}
	byName, err := n.filters.Where(telemetry.Metrics, "name", "eq", filter.String(name))
	if err != nil {
		return nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: from, To: to, Filter: filter.All{byName, f}}
	started := n.now()
	out := &api.MetricSeries{Name: name, Series: []api.SeriesPoints{}}
	draw := newRenderer()
	err = n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		found, err := s.Search(ctx, q, limit)
		if err != nil {
			return err
		}
		if len(found.Items) == 0 && found.Frontier == engine.Complete {
			return errNotFound("metric " + strconv.Quote(name) + " with a point in the range that meets the filters")
		}
		type drawn struct {
			point  api.Point
			series int
		}
		points, err := items(ctx, n, s, q, found.Items, draw, func(t *segment.Table, row int) drawn {
			return drawn{draw.point(t, row), draw.seriesIndex(t, t.Ints[segment.ColSeries][row])}
		})
		if err != nil {
			return err
		}
		slices.Reverse(points) // oldest first
		for i := range draw.series {
			out.Series = append(out.Series, api.SeriesPoints{Series: draw.series[i], Points: []api.Point{}})
		}
		for _, p := range points {
			out.Series[p.series].Points = append(out.Series[p.series].Points, p.point)
		}
		slices.SortFunc(out.Series, func(a, b api.SeriesPoints) int { return cmp.Compare(a.Series.ID, b.Series.ID) })
		out.Stats, out.Incomplete = n.told(s, started)
		if len(points) < len(found.Items) {
			out.Incomplete = cmp.Or(out.Incomplete, n.full(len(points)))
		}
		if found.More && out.Incomplete == nil {
			out.Incomplete = limited("the range has more than %d points; these are the newest", limit)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Resources, out.Scopes = draw.resources, draw.scopes
	return out, nil
}
