package native

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strconv"
	"strings"

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

// metricPart is what segments have of a metric: its series, services and keys of attributes, each once and in order.
type metricPart struct {
	metric         api.Metric
	newest         uint32 // the metric with the last point, by its place
	points, last   int64
	series         []int64
	services, keys []string

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

// merge adds another part, which is not changed. Most parts have the same series, services and keys, which takes one look.
func (m *metricPart) merge(o *metricPart) {
	if o.last > m.last || o.last == m.last && o.metric.Description < m.metric.Description || m.points == 0 {
		m.metric, m.last = o.metric, o.last
	}
	m.points += o.points
	m.series, m.services, m.keys = union(m.series, o.series), union(m.services, o.services), union(m.keys, o.keys)
}

// union has what one of two sets has, in order; it may be one of them.
func union[T cmp.Ordered](a, b []T) []T {
	common := 0 // of b, in a
	for i := 0; i < len(a) && common < len(b); i++ {
		if a[i] == b[common] {
			common++
		}
	}
	if common == len(b) {
		return a
	}
	out := make([]T, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch c := cmp.Compare(a[0], b[0]); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// joinCatalogues makes one of what several segments have, which shares no memory with them.
func joinCatalogues(list []map[metricKey]*metricPart) map[metricKey]*metricPart {
	out := map[metricKey]*metricPart{}
	for _, parts := range list {
		for key, part := range parts {
			sum := out[key]
			if sum == nil {
				sum = &metricPart{}
				key.name, key.unit = strings.Clone(key.name), strings.Clone(key.unit)
				out[key] = sum
			}
			sum.merge(part)
		}
	}
	for key, sum := range out {
		sum.metric.Name, sum.metric.Unit, sum.metric.Description = key.name, key.unit, strings.Clone(sum.metric.Description)
		sum.series, sum.services, sum.keys = slices.Clip(slices.Clone(sum.series)), cloned(sum.services), cloned(sum.keys)
	}
	return out
}

func cloned(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.Clone(s)
	}
	return out
}

// catalogueBytes is about what a metric takes in a catalogue, beside its series and texts.
const catalogueBytes = 512

func catalogueSize(parts map[metricKey]*metricPart) (size int64) {
	for key, part := range parts {
		size += int64(catalogueBytes + len(key.name) + len(key.unit) + len(part.metric.Description) + 8*len(part.series))
		for _, list := range [][]string{part.services, part.keys} {
			for _, s := range list {
				size += int64(len(s) + 16)
			}
		}
		for i := range part.metric.Metadata {
			size += catalogueBytes + int64(len(part.metric.Metadata[i].Key))
		}
	}
	return size
}

func (n *API) listMetrics(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.MetricCatalogue, error) {
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: from, To: to, Filter: filter.All{}}
	out := &api.MetricCatalogue{Metrics: []api.CatalogueMetric{}}
	w := segment.Want{Ints: []segment.Column{segment.ColTime, segment.ColSeries}}
	total := map[metricKey]*metricPart{}
	err := n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		_, err := engine.FoldUntold(ctx, s, q, &engine.Summary[map[metricKey]*metricPart]{
			Kept:    engine.Kept[map[metricKey]*metricPart]{Name: "catalogue", Join: joinCatalogues, Size: catalogueSize},
			Columns: engine.Always(w), Fold: catalogue,
			Merge: func(parts map[metricKey]*metricPart) {
				for key, part := range parts {
					sumOf(total, key).merge(part)
				}
			},
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
			Services: append([]string{}, m.services...), AttributeKeys: append([]string{}, m.keys...),
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
			slices.Sort(part.series)
			slices.Sort(part.services)
			slices.Sort(part.keys)
			part.services = slices.Compact(part.services)
		}
	})
	return parts
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
