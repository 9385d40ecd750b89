package native

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// sameAs are fields that are attributes of resources as well.
var sameAs = map[string]string{ //nolint:gochecknoglobals // a table
	"service": "resource.service.name", "resource.service.name": "service",
	"namespace": "resource.service.namespace", "resource.service.namespace": "namespace",
}

// Unless a request says.
const (
	defaultSample   = 400_000
	defaultDiffered = 20
)

func (h handlers) Compare(c echo.Context, _ api.CompareParams) error {
	return asked(h, c, "a comparison", h.compare)
}

func (n *API) compare(ctx context.Context, tenant telemetry.Tenant, r api.CompareRequest) (*api.Comparison, error) {
	of, err := n.newQuery(tenant, r.Signal, r.TimeRange, r.Filters)
	if err != nil {
		return nil, err
	}
	if of.Signal == telemetry.Metrics {
		return nil, errSignal.New("signal: spans and log records are compared, metrics are not")
	}
	q := &aggregate.Comparison{Query: *of, Sample: defaultSample}
	if len(r.Selected) == 0 {
		return nil, errCompared.New("selected: want filters, by which what is to be explained differs from the rest")
	}
	if q.Selected, err = n.filters.Of(tenant).Parse(q.Signal, r.Selected); err != nil {
		return nil, err
	}
	if q.Baseline, err = n.filters.Of(tenant).Parse(q.Signal, r.Baseline); err != nil {
		return nil, err
	}
	if q.Top, err = pageLimit(r.Limit, defaultDiffered, maxLimit); err != nil {
		return nil, err
	}
	if q.Sample, err = sampleSize(r.Sample, q.Sample); err != nil {
		return nil, err
	}
	chosen := map[string]bool{}
	for _, raw := range slices.Concat(r.Selected, r.Baseline) {
		for _, name := range n.filters.Alone(q.Signal, raw) {
			chosen[name] = true
			if same := sameAs[name]; same != "" {
				chosen[same] = true
			}
		}
	}
	q.Chosen = func(k counts.Key) bool { return chosen[keyName(k)] }
	started := n.now()
	out := &api.Comparison{Values: []api.DifferingValue{}}
	var got *aggregate.Difference
	err = n.ask(ctx, &q.Query, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		got, err = aggregate.Compare(ctx, s, q)
		out.Stats, out.Incomplete = n.told(s, started)
		if err == nil && got.More && out.Incomplete == nil {
			out.Incomplete = limited("there are more fields than are compared (%d)", aggregate.MostCompared)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Selected, out.Baseline = got.Selected.Items, got.Baseline.Items
	out.SelectedIs, out.BaselineIs = comparedBasis(got.Selected.All && out.Incomplete == nil), comparedBasis(got.Baseline.All && out.Incomplete == nil)
	out.Sample = sampleOf(got.Sample)
	for _, v := range got.Values {
		out.Values = append(out.Values, api.DifferingValue{
			Field: keyName(v.Key), Value: otlpjson.Of(v.Value.OTLP()), Selected: v.Selected, Baseline: v.Baseline, Score: v.Score,
		})
	}
	return out, nil
}

// comparedBasis says whether all items of a side were looked at.
func comparedBasis(all bool) api.ComparedBasis {
	if all {
		return api.ComparedBasisAll
	}
	return api.ComparedBasisSample
}

// keyName is what filters call what is counted.
func keyName(k counts.Key) string {
	return [...]string{counts.OfItem: "attributes.", counts.OfResource: "resource.", counts.OfScope: "scope.", counts.OfField: ""}[k.Of] + k.Name
}

// sampleSize is about how many items are looked at one by one.
func sampleSize(asked *int64, byDefault int64) (int64, error) {
	if asked == nil {
		return byDefault, nil
	}
	if *asked < aggregate.LeastSample || *asked > aggregate.MostSample {
		return 0, errSample.Newf("sample: %d is not between %d and %d", *asked, aggregate.LeastSample, aggregate.MostSample)
	}
	return *asked, nil
}

func sampleOf(s engine.Sample) api.Sample {
	return api.Sample{Items: s.Items, OfItems: s.OfItems, Segments: s.Segments, OfSegments: s.OfSegments}
}
