package native

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

func (h handlers) Facets(c echo.Context, _ api.FacetsParams) error {
	return asked(h, c, "a request for facets", h.facets)
}

func (n *API) newFacets(tenant telemetry.Tenant, r *api.FacetRequest) (*aggregate.FacetQuery, error) {
	of, err := n.newQuery(tenant, r.Signal, r.TimeRange, r.Filters)
	if err != nil {
		return nil, err
	}
	q := &aggregate.FacetQuery{Query: *of, Top: defaultTop}
	if r.Limit != nil {
		q.Top = *r.Limit
	}
	if len(r.Fields) > aggregate.MostFacets {
		r.Fields = r.Fields[:aggregate.MostFacets+1] // which are refused
	}
	own := make([][]bool, len(r.Fields)) // by field: which of the filters are about it alone
	for i, name := range r.Fields {
		f := aggregate.Facet{}
		if f.Column, err = n.filters.Column(q.Signal, name); err != nil {
			return nil, err
		}
		if counted, ok := n.filters.Counted(q.Signal, name); ok {
			f.Counted = &counted
		}
		own[i] = make([]bool, len(r.Filters))
		for k, raw := range r.Filters {
			own[i][k] = r.ExcludeOwn && n.filters.About(q.Signal, raw, name)
		}
		if slices.Contains(own[i], true) {
			f.Set = i + 1
		}
		q.Facets = append(q.Facets, f)
	}
	all := filter.All{}
	for k, raw := range r.Filters {
		one, err := n.filters.Of(q.Tenant).Parse(q.Signal, []json.RawMessage{raw})
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(own, func(of []bool) bool { return of[k] }) {
			all = append(all, one)
			continue
		}
		for i := range q.Facets {
			if !own[i][k] {
				q.Facets[i].Rest = append(q.Facets[i].Rest, one)
			}
		}
	}
	q.Filter = all
	return q, nil
}

func (n *API) facets(ctx context.Context, tenant telemetry.Tenant, r api.FacetRequest) (*api.FacetList, error) {
	q, err := n.newFacets(tenant, &r)
	if err != nil {
		return nil, err
	}
	started := n.now()
	out := &api.FacetList{Facets: []api.Facet{}}
	var got []aggregate.FacetCounts
	err = n.ask(ctx, &q.Query, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		got, err = aggregate.AskFacets(ctx, s, q)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range got {
		of := &got[i]
		one := api.Facet{
			Field: r.Fields[i], Values: []api.AttributeValue{}, Other: of.Other, Missing: of.Missing, Items: of.Items, Distinct: of.Distinct, DistinctAtLeast: of.AtLeast,
		}
		if of.Cut != nil && of.Cut.Since != nil {
			one.SinceUnixNano = nanos(*of.Cut.Since)
		}
		for _, v := range of.Values {
			one.Values = append(one.Values, api.AttributeValue{Value: otlpjson.Of(v.OTLP()), Count: v.Items})
		}
		if of.AtLeast && out.Incomplete == nil {
			out.Incomplete = limited("%.64s has more values than are kept apart (%d): those that came last are in other, even where they are frequent", r.Fields[i], aggregate.MostKept)
		}
		out.Facets = append(out.Facets, one)
	}
	return out, nil
}
