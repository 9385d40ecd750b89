package native

import (
	"context"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/discovery"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// About how many items are looked at one by one for keys, unless a request says.
const (
	defaultKeySample      = 40_000
	defaultFilteredSample = 100_000
)

func (h handlers) ListAttributes(c echo.Context, p api.ListAttributesParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.AttributeKeys, error) {
		return h.listAttributes(ctx, tenant, from, to, &p)
	})
}

func (n *API) listAttributes(ctx context.Context, tenant telemetry.Tenant, from, to int64, p *api.ListAttributesParams) (*api.AttributeKeys, error) {
	signal, err := keyedOf(string(p.Signal))
	if err != nil {
		return nil, err
	}
	q := &discovery.Query{Query: engine.Query{Tenant: tenant, Signal: signal, From: from, To: to}, Prefix: p.Prefix, Sample: defaultKeySample}
	if q.Top, err = pageLimit(p.Limit, defaultLimit, maxLimit); err != nil {
		return nil, err
	}
	filters, err := filterList(p.Filters)
	if err != nil {
		return nil, err
	}
	if q.Filter, err = n.filters.Of(tenant).Parse(signal, filters); err != nil {
		return nil, err
	}
	about := q.Span()
	if q.Everything() {
		about = engine.OfRollups
	} else {
		q.Sample = defaultFilteredSample
	}
	if q.Sample, err = sampleSize(p.Sample, q.Sample); err != nil {
		return nil, err
	}
	hash := queryHash(fmt.Sprintf("keys of %s %q %d", signal, p.Prefix, q.Sample), tenant, from, to, filters)
	at, err := n.cursors.rankedPage(p.Cursor, hash)
	if err != nil {
		return nil, err
	}
	q.First, q.Listed = at.first, listedKeys(&q.Query)
	started := n.now()
	out := &api.AttributeKeys{Keys: []api.AttributeKey{}}
	var got *discovery.Answer
	err = n.ask(ctx, &q.Query, about, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		got, err = discovery.Ask(ctx, s, q)
		out.Stats = n.stats(s, started)
		if cut := s.Cut(); cut != nil {
			out.Incomplete = &api.Incomplete{Reason: api.IncompleteReason(cut.Reason), Message: cut.Message + "; what was found until then is told"}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if got.Lost && out.Incomplete == nil {
		out.Incomplete = limited("there are more keys than one query keeps: those that few items have are left out")
	}
	last := got.First + len(got.Keys)
	if out.Total, out.OrderExact = got.Total, got.Exact && !at.moved; last < got.Total && len(got.Keys) > 0 {
		for i := range got.Keys {
			at.tell(got.Keys[i].Items, got.Keys[i].Place())
		}
		end := &got.Keys[len(got.Keys)-1]
		out.HasMore, out.NextCursor = true, n.cursors.seal(at.end(end.Items, end.Place()), hash)
	}
	out.Sample = sampleOf(got.Sample)
	for i := range got.Keys {
		out.Keys = append(out.Keys, attributeKey(&got.Keys[i]))
	}
	return out, nil
}

// keyedOf reads the signal whose attributes are asked for; that of spans unless it is given.
func keyedOf(name string) (telemetry.Signal, error) {
	if name == "" {
		return telemetry.Traces, nil
	}
	return signalOf(api.SignalName(name))
}

// listedKeys are the keys of points and of their resources that the catalogue of metrics lists, with how many points the metrics have that have each.
func listedKeys(q *engine.Query) func(ctx context.Context, s *engine.Snapshot) (points map[counts.Key]int64, lost bool, err error) {
	return func(ctx context.Context, s *engine.Snapshot) (points map[counts.Key]int64, lost bool, err error) {
		whole := *q
		whole.From, whole.To = wholeMinutes(q.From, q.To)
		all, err := catalogueOf(ctx, s, &whole, "")
		if err != nil {
			return nil, false, err
		}
		points, lost = map[counts.Key]int64{}, all.Untold > 0
		for _, m := range all.Metrics {
			lost = lost || m.More
			for i := range m.Labels {
				points[m.Labels[i].Key] += m.Points
			}
		}
		return points, lost, nil
	}
}

// keyScopes are what the API calls scopes of keys, and how the names of their fields begin; "" where there are none.
func keyScopes() map[discovery.Scope][2]string {
	return map[discovery.Scope][2]string{
		discovery.Attribute: {"attribute", "attributes."}, discovery.Resource: {"resource", "resource."}, discovery.InstrumentationScope: {"scope", "scope."},
		discovery.Event: {"event", ""}, discovery.Link: {"link", ""}, discovery.Body: {"body", "body."},
	}
}

// valueKinds are what the API calls types of values, by their numbers.
func valueKinds() [8]api.AttributeKeyKinds {
	return [...]api.AttributeKeyKinds{
		segment.Empty: "empty", segment.String: "string", segment.Bool: "bool", segment.Int: "int", segment.Double: "double", segment.Bytes: "bytes", segment.Array: "list",
		segment.Map: "map",
	}
}

func attributeKey(k *discovery.Key) api.AttributeKey {
	names := keyScopes()[k.Scope]
	out := api.AttributeKey{
		Scope: api.AttributeKeyScope(names[0]), Key: k.Name, Within: k.Within, Kinds: []api.AttributeKeyKinds{}, Items: k.Items,
		ItemsAre: [...]api.AttributeKeyItemsAre{
			discovery.Exact: api.AttributeKeyItemsAreExact, discovery.AtLeast: api.AttributeKeyItemsAreAtLeast, discovery.Estimate: api.AttributeKeyItemsAreEstimate,
			discovery.AtMost: api.AttributeKeyItemsAreAtMost,
		}[k.Basis],
		Distinct: k.Distinct, DistinctAtLeast: k.More, Examples: []otlpjson.Value{},
	}
	if names[1] != "" && !rollup.IsCut(k.Name) {
		out.Field, out.Filterable = names[1]+k.Name, true
	}
	for i, kind := range valueKinds() {
		if k.Types>>i&1 != 0 {
			out.Kinds = append(out.Kinds, kind)
		}
	}
	for _, v := range k.Values {
		out.Examples = append(out.Examples, otlpjson.Of(v.OTLP()))
	}
	return out
}
