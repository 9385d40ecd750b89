package native

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

const (
	defaultPoints = 10_000
	maxPoints     = 100_000
)

// metricKey tells metrics of one name apart; a description is not part of a metric's identity.
type metricKey struct {
	name, unit  string
	kind        segment.MetricKind
	temporality int32
	monotonic   bool
}

// metricSum is what the catalogue tells of a metric.
type metricSum struct {
	metric   api.Metric
	points   int64
	last     int64
	series   map[int64]struct{}
	services map[string]struct{}
	keys     map[string]struct{}
}

// metricPart is what one segment has of a metric: its series, each once, and what they are of.
type metricPart struct {
	metric         api.Metric
	newest         uint32 // the metric with the last point, by its place
	points, last   int64
	series         []int64
	services, keys []string // services of as many resources

	resourcesSeen, keysSeen places
}

// places are places in a dictionary.
type places []uint64

func (p places) add(n uint32) { p[n/64] |= 1 << (n % 64) }

func (p places) each(see func(n uint32)) {
	for i, word := range p {
		for ; word != 0; word &= word - 1 {
			see(uint32(i*64 + bits.TrailingZeros64(word))) //nolint:gosec // a place that was added
		}
	}
}

func (m *metricSum) merge(o *metricPart) {
	if m.series == nil {
		m.series, m.services, m.keys = make(map[int64]struct{}, len(o.series)), map[string]struct{}{}, map[string]struct{}{}
		m.metric, m.last = o.metric, o.last
	}
	if o.last > m.last {
		m.metric, m.last = o.metric, o.last
	}
	m.points += o.points
	for _, id := range o.series {
		m.series[id] = struct{}{}
	}
	for _, name := range o.services {
		m.services[name] = struct{}{}
	}
	for _, name := range o.keys {
		m.keys[name] = struct{}{}
	}
}

func (n *API) listMetrics(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.MetricCatalogue, error) {
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: from, To: to, Filter: filter.All{}}
	out := &api.MetricCatalogue{Metrics: []api.CatalogueMetric{}}
	w := segment.Want{Ints: []segment.Column{segment.ColTime, segment.ColSeries}}
	total := map[metricKey]*metricSum{}
	err := n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		_, err := engine.Fold(ctx, s, q, engine.Always(w), catalogue, func(parts map[metricKey]*metricPart) {
			for key, part := range parts {
				sumOf(total, key).merge(part)
			}
		})
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, m := range total {
		out.Metrics = append(out.Metrics, api.CatalogueMetric{
			Metric: m.metric, SeriesCount: len(m.series), PointCount: m.points, LastTimeUnixNano: nanos(m.last),
			Services: sortedKeys(m.services), AttributeKeys: sortedKeys(m.keys),
		})
	}
	slices.SortFunc(out.Metrics, func(a, b api.CatalogueMetric) int {
		return cmp.Or(cmp.Compare(a.Metric.Name, b.Metric.Name), cmp.Compare(a.Metric.Type, b.Metric.Type), cmp.Compare(a.Metric.Unit, b.Metric.Unit),
			cmp.Compare(a.Metric.Temporality, b.Metric.Temporality), cmp.Compare(strconv.FormatBool(a.Metric.Monotonic), strconv.FormatBool(b.Metric.Monotonic)))
	})
	return out, nil
}

// catalogue adds up the points of a segment that lie in the range, by series first and then by metric.
func catalogue(s *columns.Reader, _ *engine.Header, q *engine.Query) map[metricKey]*metricPart {
	times, of := s.Ints(segment.ColTime), s.Ints(segment.ColSeries)
	services := s.Services()
	parts := map[metricKey]*metricPart{}
	s.Series(func(t *segment.Table, list *segment.SeriesList) {
		n := len(list.IDs)
		points, last := make([]int64, n), make([]int64, n)
		for i, series := range of {
			if at := times[i]; at >= q.From && at < q.To {
				points[series]++
				last[series] = max(last[series], at)
			}
		}
		byMetric := make([]*metricPart, len(t.Metrics))
		for n, id := range list.IDs {
			if points[n] == 0 {
				continue
			}
			part := byMetric[list.Metric[n]]
			if part == nil {
				m := &t.Metrics[list.Metric[n]]
				part = sumOf(parts, metricKey{m.Name, m.Unit, m.Kind, m.Temporality, m.Monotonic})
				byMetric[list.Metric[n]] = part
				if part.series == nil {
					part.resourcesSeen, part.keysSeen = make(places, len(services)/64+1), make(places, len(list.Keys)/64+1)
				}
			}
			if last[n] >= part.last {
				part.newest, part.last = list.Metric[n], last[n]
			}
			part.points += points[n]
			part.series = append(part.series, id)
			part.resourcesSeen.add(list.Resource[n])
			for _, k := range list.KeysOf(n) {
				part.keysSeen.add(uint32(k)) //nolint:gosec // of Keys
			}
		}
		for _, part := range parts {
			part.metric = metric(t, &t.Metrics[part.newest])
			part.resourcesSeen.each(func(n uint32) { part.services = append(part.services, services[n].Name) })
			part.keysSeen.each(func(n uint32) { part.keys = append(part.keys, list.Keys[n]) })
			part.resourcesSeen, part.keysSeen = nil, nil
		}
	})
	return parts
}

func sortedKeys(set map[string]struct{}) []string {
	list := make([]string, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
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
