package native

import (
	"context"
	"fmt"
	"strings"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// facetOf finds what a request names.
func facetOf(signal telemetry.Signal, scope api.ListAttributeValuesParamsScope, name string) (*counts.Facet, error) {
	key := counts.Key{Name: name}
	switch scope {
	case "", api.ListAttributeValuesParamsScopeAttributes:
		key.Of = counts.OfItem
	case api.ListAttributeValuesParamsScopeResource:
		key.Of = counts.OfResource
	case api.ListAttributeValuesParamsScopeScope:
		key.Of = counts.OfScope
	case api.ListAttributeValuesParamsScopeField:
		key.Of = counts.OfField
	default:
		return nil, errScope.Newf("scope: %.64q is not attributes, resource, scope or field", string(scope))
	}
	f, ok := counts.For(signal, key)
	if !ok || signal == telemetry.Metrics { // whose attributes are those of series, of which heads and sums tell nothing
		return nil, nil //nolint:nilnil // it is a field that is counted otherwise, or none
	}
	return &f, nil
}

// fieldOf is what filters call what a request names.
func fieldOf(scope api.ListAttributeValuesParamsScope, name string) string {
	switch scope {
	case api.ListAttributeValuesParamsScopeField:
		return name
	case api.ListAttributeValuesParamsScopeResource, api.ListAttributeValuesParamsScopeScope:
		return string(scope) + "." + name
	default:
		return string(api.ListAttributeValuesParamsScopeAttributes) + "." + name
	}
}

// valueCounts counts values of something that a request names.
type valueCounts func(ctx context.Context, s *engine.Snapshot, q engine.Query, keep func(v segment.Value) bool) (*engine.Counts, error)

// valuesOf says how the values of what a request names are counted: an attribute as it was sent, a field that is no attribute, or any other that filters have a name for.
func (n *API) valuesOf(signal telemetry.Signal, scope api.ListAttributeValuesParamsScope, name string) (valueCounts, error) {
	facet, err := facetOf(signal, scope, name)
	if err != nil {
		return nil, err
	}
	if facet != nil {
		return func(ctx context.Context, s *engine.Snapshot, q engine.Query, keep func(v segment.Value) bool) (*engine.Counts, error) {
			return s.Counts(ctx, &q, facet, keep)
		}, nil
	}
	name = fieldOf(scope, name)
	column, err := n.filters.Column(signal, name)
	if err != nil {
		var names []string
		for _, f := range counts.Fields(signal) {
			names = append(names, f.Key.Name)
		}
		return nil, errField.Newf("key: %.64q is not a field of %s to count by%s; these are %s, and what filters call attributes.…, resource.…, scope.… and body.…",
			name, signal, filter.Nearest(name, names), strings.Join(names, ", "))
	}
	counted, ok := n.filters.Counted(signal, name)
	return func(ctx context.Context, s *engine.Snapshot, q engine.Query, keep func(v segment.Value) bool) (*engine.Counts, error) {
		of := &aggregate.ValueQuery{Query: q, Column: column, Keep: keep}
		if ok && counted.Key.Of != counts.OfField {
			of.Counted = &counted
		}
		return aggregate.AskValues(ctx, s, of)
	}, nil
}

func (n *API) attributeValues(ctx context.Context, tenant telemetry.Tenant, key string, from, to int64, asked api.ListAttributeValuesParams) (*api.AttributeValues, error) {
	signal, err := keyedOf(string(asked.Signal))
	if err != nil {
		return nil, err
	}
	of, err := n.valuesOf(signal, asked.Scope, key)
	if err != nil {
		return nil, err
	}
	limit, err := pageLimit(asked.Limit, defaultLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	filters, err := filterList(asked.Filters)
	if err != nil {
		return nil, err
	}
	f, err := n.filters.Of(tenant).Parse(signal, filters)
	if err != nil {
		return nil, err
	}
	hash := queryHash(fmt.Sprintf("values of %s %q %q %q", signal, asked.Scope, key, asked.Prefix), tenant, from, to, filters)
	at, err := n.cursors.rankedPage(asked.Cursor, hash)
	if err != nil {
		return nil, err
	}
	started := n.now()
	q := engine.Query{Tenant: tenant, Signal: signal, From: from, To: to, Filter: f}
	var keep func(v segment.Value) bool
	if asked.Prefix != "" {
		keep = func(v segment.Value) bool {
			return strings.HasPrefix(string(otlp.AppendText(nil, v.OTLP(), "")), asked.Prefix)
		}
	}
	out := &api.AttributeValues{Key: key, Values: []api.AttributeValue{}}
	var total *engine.Counts
	err = n.ask(ctx, &q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		total, err = of(ctx, s, q, keep)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if total.Lost && out.Incomplete == nil {
		out.Incomplete = limited("the attribute has more values than are counted at a time (%d, or %d MiB of them, or as many as there is memory for); rare ones are left out or counted too low",
			engine.MostValues, engine.MostValueBytes>>20)
	}
	out.Items, out.Distinct = total.Items, total.Distinct()
	list := total.List()
	place := func(i int) (int64, []byte) { return list[i].Items, filter.AppendKey(nil, list[i].Value) }
	first := at.first(len(list), place)
	last := min(first+limit, len(list))
	if out.OrderExact = out.Incomplete == nil && !at.moved; last < len(list) {
		for i := first; i < last; i++ {
			at.tell(place(i))
		}
		out.HasMore, out.NextCursor = true, n.cursors.seal(at.end(place(last-1)), hash)
	}
	for _, v := range list[first:last] {
		out.Values = append(out.Values, api.AttributeValue{Value: otlpjson.Of(v.Value.OTLP()), Count: v.Items})
	}
	return out, nil
}
