package native

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ollyscale/ollyscale/libs/rollup"
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

// catalogueOf sums up which metrics have points in a range of whole minutes; all, or where a name is given those of that name, with how many values their
// labels have.
func catalogueOf(ctx context.Context, s *engine.Snapshot, q *engine.Query, name string) (*series.Catalogue, error) {
	total := &catalogueSum{snapshot: s, catalogue: series.New(), only: name}
	rows := series.Reader{Values: name != ""}
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
		told, err := rows.Read(r.Blob, r.Start, minutes)
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
	only      string // the name of metrics; "" for all
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
	if c.only != "" {
		of = of.Named(c.only)
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

func (n *API) listMetrics(ctx context.Context, tenant telemetry.Tenant, from, to int64, p *api.ListMetricsParams) (*api.MetricCatalogue, error) {
	started := n.now()
	most := mostMetrics
	if p.Last {
		most = mostLast
	}
	limit, err := pageLimit(p.Limit, most, most)
	if err != nil {
		return nil, err
	}
	from, to = wholeMinutes(from, to)
	asked := queryHash(strings.Join([]string{"metrics", string(p.Sort), strconv.Quote(p.Prefix), strconv.Quote(p.Search)}, " "), tenant, from, to, nil)
	first := 0
	if p.Cursor != "" {
		at, err := n.cursors.open(p.Cursor, asked)
		if err != nil {
			return nil, err
		}
		first = int(at.after.Rank)
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: from, To: to, Filter: filter.All{}}
	out := &api.MetricCatalogue{Metrics: []api.CatalogueMetric{}}
	about := engine.OfRollups
	if p.Last {
		about = min(q.Span(), mostLooks*lastTogether)
	}
	err = n.ask(ctx, q, about, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		total, err := catalogueOf(ctx, s, q, "")
		if err != nil {
			return err
		}
		out.Stats, out.Incomplete = n.told(s, started)
		out.Incomplete = cmp.Or(out.Incomplete, unlisted(total))
		keys := metricsLike(total, p)
		out.Total = len(keys)
		last := min(first+limit, len(keys))
		keys = keys[min(first, last):last]
		if last < out.Total {
			out.HasMore, out.NextCursor = true, n.cursors.seal(cursor{after: engine.Key{Rank: int64(last)}}, asked)
		}
		var points map[series.Key]*api.Point
		if p.Last {
			if points, err = n.lastPoints(ctx, s, tenant, keys, total.Metrics); err != nil {
				return err
			}
			out.Stats = n.stats(s, started)
		}
		for _, key := range keys {
			told := catalogueMetric(key, total.Metrics[key])
			told.Last = points[key]
			out.Metrics = append(out.Metrics, told)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// metricsLike are the metrics of a catalogue that are asked for, in their order.
func metricsLike(of *series.Catalogue, p *api.ListMetricsParams) (keys []series.Key) {
	search := strings.ToLower(p.Search)
	for key, m := range of.Metrics {
		if strings.HasPrefix(key.Name, p.Prefix) && (strings.Contains(strings.ToLower(key.Name), search) || strings.Contains(strings.ToLower(m.Description), search)) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, series.Key.Compare)
	if p.Sort == api.ListMetricsParamsSortSeries {
		of.MostFirst(keys)
	}
	return keys
}

// mostMetrics is how many metrics one page has at most.
const mostMetrics = 20_000

// unlisted says that a catalogue lacks metrics, where it does.
func unlisted(c *series.Catalogue) *api.Incomplete {
	if c.Untold == 0 {
		return nil
	}
	return limited("%d points are of metrics that are not listed, because an hour of the range has too many", c.Untold)
}

const (
	defaultCardinalities = 100
	mostCardinalities    = 1000
)

// cardinality tells which metrics have most series, and of those of one name which labels they have.
func (n *API) cardinality(ctx context.Context, tenant telemetry.Tenant, from, to int64, p *api.GetCardinalityParams) (*api.Cardinality, error) {
	started := n.now()
	limit, err := pageLimit(p.Limit, defaultCardinalities, mostCardinalities)
	if err != nil {
		return nil, err
	}
	from, to = wholeMinutes(from, to)
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: from, To: to, Filter: filter.All{}}
	out := &api.Cardinality{Metrics: []api.MetricCardinality{}}
	var now, before *series.Catalogue
	err = n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		before = nil
		if now, err = catalogueOf(ctx, s, q, rollup.Name(p.Name)); err != nil {
			return err
		}
		if out.Stats, out.Incomplete = n.told(s, started); out.Incomplete != nil || from-(to-from) < 0 {
			return nil
		}
		earlier := *q
		earlier.From, earlier.To = from-(to-from), from
		before, err = catalogueOf(ctx, s, &earlier, rollup.Name(p.Name))
		if s.Cut() != nil {
			before = nil
		}
		out.Stats = n.stats(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Incomplete = cmp.Or(out.Incomplete, unlisted(now))
	keys := slices.SortedFunc(maps.Keys(now.Metrics), series.Key.Compare)
	now.MostFirst(keys)
	out.Total = len(keys)
	for i, key := range keys {
		m := now.Metrics[key]
		out.Series += m.Series.Count()
		if i >= limit {
			continue
		}
		was := &series.Metric{}
		if before != nil && before.Metrics[key] != nil {
			was = before.Metrics[key]
		}
		told := api.MetricCardinality{
			Metric: metricOf(key, m), Series: m.Series.Count(), Estimated: !m.Series.Exact(), SeriesBefore: earlierCount(before, &was.Series), Labels: []api.LabelCardinality{},
		}
		if p.Name != "" {
			told.Labels = labels(m, was, before)
		}
		out.Metrics = append(out.Metrics, told)
	}
	if before != nil {
		var sum int64
		for _, m := range before.Metrics {
			sum += m.Series.Count()
		}
		out.SeriesBefore = &sum
	}
	return out, nil
}

// earlierCount is how many there were in the time before, nil where that was not looked at.
func earlierCount(before *series.Catalogue, of *series.Set) *int64 {
	if before == nil {
		return nil
	}
	count := of.Count()
	return &count
}

// labels are those of a metric, with most values first.
func labels(m, was *series.Metric, before *series.Catalogue) []api.LabelCardinality {
	earlier := map[counts.Key]*series.Set{}
	for i := range was.Labels {
		earlier[was.Labels[i].Key] = &was.Labels[i].Values
	}
	out := []api.LabelCardinality{}
	for i := range m.Labels {
		l := &m.Labels[i]
		of := earlier[l.Key]
		if of == nil {
			of = &series.Set{}
		}
		scope := api.LabelCardinalityScopeAttributes
		if l.Key.Of == counts.OfResource {
			scope = api.LabelCardinalityScopeResource
		}
		out = append(out, api.LabelCardinality{
			Scope: scope, Key: l.Key.Name, Values: l.Values.Count(), Estimated: !l.Values.Exact(), ValuesBefore: earlierCount(before, of),
		})
	}
	slices.SortStableFunc(out, func(a, b api.LabelCardinality) int { return cmp.Compare(b.Values, a.Values) })
	return out
}

func metricOf(key series.Key, m *series.Metric) api.Metric {
	out := api.Metric{
		Name: key.Name, Type: api.MetricType(key.Type.String()), Unit: key.Unit, Description: m.Description, Temporality: int(key.Temporality), Monotonic: key.Monotonic,
	}
	for i := range m.Metadata {
		out.Metadata = append(out.Metadata, api.KeyValue{Key: m.Metadata[i].Key, Value: otlpjson.Of(m.Metadata[i].Value.OTLP())})
	}
	return out
}

func catalogueMetric(key series.Key, m *series.Metric) api.CatalogueMetric {
	out := api.CatalogueMetric{
		Metric: metricOf(key, m), SeriesCount: m.Series.Count(), SeriesEstimated: !m.Series.Exact(), PointCount: m.Points, LastTimeUnixNano: nanos(m.Last),
		Services: append([]string{}, m.Services.Values()...), AttributeKeys: []string{}, More: m.More,
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
	f, err := n.filters.Of(tenant).Parse(telemetry.Metrics, filters)
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
