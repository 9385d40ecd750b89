package native

import (
	"context"
	"strings"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
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
	if !ok {
		var names []string
		for _, f := range counts.Fields(signal) {
			names = append(names, f.Key.Name)
		}
		return nil, errField.Newf("key: %.64q is not a field of %s to count by; these are %s", name, signal, strings.Join(names, ", "))
	}
	return &f, nil
}

// itemsOf reads the signal of items that have attributes of their own; that of spans unless it is given.
func itemsOf(name string) (telemetry.Signal, error) {
	switch name {
	case "", telemetry.Traces.String():
		return telemetry.Traces, nil
	case telemetry.Logs.String():
		return telemetry.Logs, nil
	}
	return 0, errSignal.Newf("signal: %.64q is not traces or logs", name)
}

func (n *API) attributeValues(ctx context.Context, tenant telemetry.Tenant, key string, from, to int64, asked api.ListAttributeValuesParams) (*api.AttributeValues, error) {
	signal, err := itemsOf(string(asked.Signal))
	if err != nil {
		return nil, err
	}
	facet, err := facetOf(signal, asked.Scope, key)
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
	f, err := n.filters.Parse(signal, filters)
	if err != nil {
		return nil, err
	}
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: signal, From: from, To: to, Filter: f}
	var keep func(v segment.Value) bool
	if asked.Prefix != "" {
		keep = func(v segment.Value) bool {
			return strings.HasPrefix(string(otlp.AppendText(nil, v.OTLP(), "")), asked.Prefix)
		}
	}
	out := &api.AttributeValues{Key: key, Values: []api.AttributeValue{}}
	var total *engine.Counts
	err = n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		total, err = s.Counts(ctx, q, facet, keep)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if total.Lost && out.Incomplete == nil {
		out.Incomplete = limited("the attribute has more values than are counted at a time (%d, or %d MiB of them); rare ones are left out or counted too low",
			engine.MostValues, engine.MostValueBytes>>20)
	}
	out.Items, out.Distinct = total.Items, total.Distinct()
	list := total.List()
	for _, v := range list[:min(limit, len(list))] {
		out.Values = append(out.Values, api.AttributeValue{Value: otlpjson.Of(v.Value.OTLP()), Count: v.Items})
	}
	return out, nil
}
