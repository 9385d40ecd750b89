package native

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/otlp"
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

// Labels of a metric. Which keys there are, with how many values, and how many series the metric has, rollups say; which values these are is looked up in segments, the
// newest first, until no series is left that was not seen.

const (
	mostExamples      = 5         // of a key
	mostExamplePoints = 100_000   // that are looked at for examples
	mostExampleBytes  = 256       // of one: longer values are none
	mostLabelPoints   = 1_000_000 // that are looked at for values
	mostLabelSeries   = 100_000   // that are told apart
	labelSeriesBytes  = 48        // that one takes
	labelValueBytes   = 160       // that a value takes beside its own
)

func (h handlers) ListMetricLabels(c echo.Context, name string, p api.ListMetricLabelsParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.MetricLabels, error) {
		return h.metricLabels(ctx, tenant, name, from, to)
	})
}

func (h handlers) ListMetricLabelValues(c echo.Context, name, key string, p api.ListMetricLabelValuesParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.MetricLabelValues, error) {
		return h.metricLabelValues(ctx, tenant, name, key, from, to, &p)
	})
}

// labelScopes are what the API calls what has labels, and how the names of their fields begin.
func labelScopes() map[counts.Of][2]string {
	return map[counts.Of][2]string{counts.OfItem: {"attributes", "attributes."}, counts.OfResource: {"resource", "resource."}}
}

// ofMetric asks for the points of a metric in a range of whole minutes.
func (n *API) ofMetric(tenant telemetry.Tenant, name string, from, to int64) (q *engine.Query, err error) {
	from, to = wholeMinutes(from, to)
	byName, err := n.filters.Where(telemetry.Metrics, "name", "eq", filter.String(name))
	if err != nil {
		return nil, err
	}
	return &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: from, To: to, Filter: filter.All{byName}}, nil
}

// namedCatalogue is what rollups and what is not in them yet say of the metrics that a query is about.
func namedCatalogue(ctx context.Context, s *engine.Snapshot, q *engine.Query, name string) (*series.Catalogue, error) {
	everything := *q
	everything.Filter = filter.All{}
	return catalogueOf(ctx, s, &everything, rollup.Name(name))
}

func (n *API) metricLabels(ctx context.Context, tenant telemetry.Tenant, name string, from, to int64) (*api.MetricLabels, error) {
	started := n.now()
	q, err := n.ofMetric(tenant, name, from, to)
	if err != nil {
		return nil, err
	}
	out := &api.MetricLabels{Name: name, Labels: []api.MetricLabel{}}
	var labels []series.Label
	var examples map[counts.Key][]segment.Value
	err = n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		of, err := namedCatalogue(ctx, s, q, name)
		if err != nil {
			return err
		}
		out.Stats, out.Incomplete = n.told(s, started)
		out.Incomplete = cmp.Or(out.Incomplete, unlisted(of))
		var exact bool
		out.Series, exact = of.SeriesCount()
		out.SeriesEstimated = !exact
		labels, out.More = of.Labels()
		if len(labels) == 0 || s.Cut() != nil {
			return nil
		}
		examples, err = examplesOf(ctx, s, q, labels)
		out.Stats = n.stats(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range labels {
		l := &labels[i]
		scope := labelScopes()[l.Key.Of]
		one := api.MetricLabel{
			Scope: api.MetricLabelScope(scope[0]), Key: l.Key.Name, Values: l.Values.Count(), Estimated: !l.Values.Exact(), Examples: []otlpjson.Value{},
		}
		if !rollup.IsCut(l.Key.Name) {
			one.Field = scope[1] + l.Key.Name
		}
		for _, v := range examples[l.Key] {
			one.Examples = append(one.Examples, otlpjson.Of(v.OTLP()))
		}
		out.Labels = append(out.Labels, one)
	}
	return out, nil
}

// eachSeries visits the series of a segment that have a point which the query asks for, with the table that they refer to.
func eachSeries(r *columns.Reader, h *engine.Header, q *engine.Query, visit func(t *segment.Table, s *segment.Series)) {
	met := r.Borrow()
	defer r.GiveBack()
	if q.Mark(r, h, met) == 0 {
		return
	}
	t := r.Dictionaries()
	of := r.Ints(segment.ColSeries)
	if r.Err() != nil {
		return
	}
	seen := make([]bool, len(t.Series))
	for i, met := range met {
		if n := of[i]; met && !seen[n] {
			seen[n] = true
			visit(t, &t.Series[n])
		}
	}
}

// labelsOf are the values of a series' labels of a kind.
func labelsOf(t *segment.Table, s *segment.Series, of counts.Of) []segment.ValueID {
	if of == counts.OfResource {
		return t.Resources[s.Resource].Attributes
	}
	return s.Attributes
}

// seriesColumns are what is read of segments to look at the series of a query.
func seriesColumns(q *engine.Query) engine.Columns {
	w := columns.Bare(telemetry.Metrics)
	w.Int(segment.ColTime, segment.ColSeries)
	q.Filter.Columns(w)
	return engine.Always(w.Want)
}

// examplesOf are some values of each label that the newest series have.
func examplesOf(ctx context.Context, s *engine.Snapshot, asked *engine.Query, labels []series.Label) (map[counts.Key][]segment.Value, error) {
	q := *asked
	q.MaxItems = mostExamplePoints
	type found = map[counts.Key][]segment.Value
	wanted := make(map[counts.Key]bool, len(labels)) // names that points make up are no keys of others
	for _, l := range labels {
		wanted[l.Key] = true
	}
	add := func(to found, key counts.Key, v segment.Value) bool {
		same := func(o segment.Value) bool {
			return o.Type == v.Type && o.Num == v.Num && string(o.Raw) == string(v.Raw)
		}
		if list := to[key]; len(list) < mostExamples && !slices.ContainsFunc(list, same) {
			v.Raw = slices.Clone(v.Raw)
			to[key] = append(list, v)
			return true
		}
		return false
	}
	out := found{}
	_, err := engine.Scan(ctx, s, &q, seriesColumns(&q), func(r *columns.Reader, h *engine.Header) (found, error) {
		of := found{}
		eachSeries(r, h, &q, func(t *segment.Table, s *segment.Series) {
			for kind := range labelScopes() {
				for _, id := range labelsOf(t, s, kind) {
					v := t.Values[id]
					if key := (counts.Key{Of: kind, Name: rollup.Name(t.Keys[v.Key])}); wanted[key] && len(v.Raw) <= mostExampleBytes {
						add(of, key, v)
					}
				}
			}
		})
		return of, nil
	}, func(_ []*engine.Header, made []found, _ int64) bool {
		bytes := int64(0)
		for _, of := range made {
			for key, list := range of {
				for _, v := range list {
					if add(out, key, v) {
						bytes += labelValueBytes + int64(len(v.Raw))
					}
				}
			}
		}
		if s.Hold(bytes) != nil { // there are some, which is enough
			return false
		}
		return slices.ContainsFunc(labels, func(l series.Label) bool { return int64(len(out[l.Key])) < min(l.Values.Count(), mostExamples) })
	})
	return out, err
}

// labelValue is a value of a label.
type labelValue struct {
	segment.Value
	series int64 // that have it
}

// labelBook is the series of a metric that were seen, and the values that they have of one label. It is charged to its question.
type labelBook struct {
	snapshot *engine.Snapshot
	key      counts.Key
	seen     map[int64]bool
	values   map[string]*labelValue // as filter.AppendKey writes them
	all      int64                  // series that there are; -1 where that is not known
	full     bool                   // there is no room for more
}

// labelPart is the series of a segment, with the value that each has: its place in values, or -1.
type labelPart struct {
	ids    []int64
	of     []int
	values []segment.Value
}

func (b *labelBook) visit(r *columns.Reader, h *engine.Header, q *engine.Query) *labelPart {
	out, at := &labelPart{}, map[segment.ValueID]int{}
	eachSeries(r, h, q, func(t *segment.Table, s *segment.Series) {
		value := -1
		for _, id := range labelsOf(t, s, b.key.Of) {
			v := t.Values[id]
			if rollup.Name(t.Keys[v.Key]) != b.key.Name {
				continue
			}
			n, ok := at[id]
			if !ok {
				n = len(out.values)
				at[id] = n
				v.Raw = slices.Clone(v.Raw)
				out.values = append(out.values, v)
			}
			value = n
			break
		}
		out.ids, out.of = append(out.ids, s.ID), append(out.of, value)
	})
	return out
}

// take adds what segments have, and tells whether there is more to be looked for.
func (b *labelBook) take(made []*labelPart) bool {
	bytes := int64(0)
	var key []byte
	for _, of := range made {
		for i, id := range of.ids {
			if b.seen[id] {
				continue
			}
			if len(b.seen) >= mostLabelSeries {
				b.full = true
				return false
			}
			b.seen[id] = true
			bytes += labelSeriesBytes
			if of.of[i] < 0 {
				continue
			}
			v := of.values[of.of[i]]
			key = filter.AppendKey(key[:0], v)
			have := b.values[string(key)]
			if have == nil {
				have = &labelValue{Value: v}
				b.values[string(key)] = have
				bytes += labelValueBytes + int64(2*len(v.Raw))
			}
			have.series++
		}
	}
	if err := b.snapshot.Hold(bytes); err != nil {
		b.full = true
		return false
	}
	return b.all < 0 || int64(len(b.seen)) < b.all
}

func (n *API) metricLabelValues(ctx context.Context, tenant telemetry.Tenant, name, key string, from, to int64, p *api.ListMetricLabelValuesParams) (*api.MetricLabelValues, error) {
	started := n.now()
	limit, err := pageLimit(p.Limit, defaultLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	of := counts.Key{Name: rollup.Name(key)}
	switch p.Scope {
	case "", api.ListMetricLabelValuesParamsScopeAttributes:
		of.Of = counts.OfItem
	case api.ListMetricLabelValuesParamsScopeResource:
		of.Of = counts.OfResource
	default:
		return nil, errScope.Newf("scope: %.64q is not attributes or resource", string(p.Scope))
	}
	q, err := n.ofMetric(tenant, name, from, to)
	if err != nil {
		return nil, err
	}
	q.MaxItems = mostLabelPoints
	out := &api.MetricLabelValues{Name: name, Key: key, Values: []api.MetricLabelValue{}}
	var book *labelBook
	err = n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		catalogue, err := namedCatalogue(ctx, s, q, name)
		if err != nil {
			return err
		}
		book = &labelBook{snapshot: s, key: of, seen: map[int64]bool{}, values: map[string]*labelValue{}, all: -1}
		if all, exact := catalogue.SeriesCount(); exact && catalogue.Untold == 0 && s.Cut() == nil {
			book.all = all
		}
		if book.all == 0 {
			out.Stats, out.Incomplete = n.told(s, started)
			return nil
		}
		frontier, err := engine.Scan(ctx, s, q, seriesColumns(q), func(r *columns.Reader, h *engine.Header) (*labelPart, error) { return book.visit(r, h, q), nil },
			func(_ []*engine.Header, made []*labelPart, _ int64) bool { return book.take(made) })
		if frontier != engine.Complete && s.Cut() != nil {
			s.CutAt(max(q.From, frontier+1))
		}
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if book.full && out.Incomplete == nil {
		out.Incomplete = limited("there are more series than are told apart (%d were, %d at most, and as memory allows): values that only others have are missing, and others have too few series",
			len(book.seen), mostLabelSeries)
	}
	list := make([]*labelValue, 0, len(book.values))
	for _, v := range book.values {
		if p.Prefix == "" || strings.HasPrefix(string(otlp.AppendText(nil, v.OTLP(), "")), p.Prefix) {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b *labelValue) int {
		return cmp.Or(cmp.Compare(b.series, a.series), cmp.Compare(a.Type, b.Type), cmp.Compare(int64(a.Num), int64(b.Num)), slices.Compare(a.Raw, b.Raw)) //nolint:gosec // bits
	})
	out.Total, out.HasMore, out.Series = len(list), len(list) > limit, len(book.seen)
	for _, v := range list[:min(limit, len(list))] {
		out.Values = append(out.Values, api.MetricLabelValue{Value: otlpjson.Of(v.OTLP()), Series: v.series})
	}
	return out, nil
}
