package native

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// serviceKey names a service.
type serviceKey struct{ namespace, name string }

func (k serviceKey) compare(o serviceKey) int {
	return cmp.Or(cmp.Compare(k.name, o.name), cmp.Compare(k.namespace, o.namespace))
}

// serviceSum is what the list of services tells of one.
type serviceSum struct {
	entry, rest red // spans of kind server and consumer; all others
	first, last int64
}

func (s *serviceSum) merge(o *serviceSum) {
	if o.entry.requests+o.rest.requests == 0 {
		return
	}
	if s.entry.requests+s.rest.requests == 0 {
		s.first, s.last = o.first, o.last
	}
	s.first, s.last = min(s.first, o.first), max(s.last, o.last)
	s.entry.merge(&o.entry)
	s.rest.merge(&o.rest)
}

func (s *serviceSum) add(at, duration int64, kind int64, failed bool) {
	if s.entry.requests+s.rest.requests == 0 {
		s.first, s.last = at, at
	}
	s.first, s.last = min(s.first, at), max(s.last, at)
	if kind == otlp.KindServer || kind == otlp.KindConsumer {
		s.entry.add(duration, failed)
	} else {
		s.rest.add(duration, failed)
	}
}

// requests are the spans by which a service is judged.
func (s *serviceSum) requests() (*red, api.ServiceBasis) {
	if s.entry.requests > 0 {
		return &s.entry, api.ServiceBasisEntry
	}
	return &s.rest, api.ServiceBasisAll
}

func (n *API) listServices(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.ServiceList, error) {
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.All{}}
	out := &api.ServiceList{Services: []api.Service{}, Completeness: n.completeness(q)}
	w := segment.Want{Ints: []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus}}
	total := map[serviceKey]*serviceSum{}
	var over time.Duration
	err := n.engine.Ask(ctx, q.Span(), func(ctx context.Context, s *engine.Snapshot) (err error) {
		over, err = engine.Fold(ctx, s, q, engine.Always(w), sumServices, func(sums map[serviceKey]*serviceSum) { mergeSums(total, sums, (*serviceSum).merge) })
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for k, sum := range total {
		requests, basis := sum.requests()
		if requests.requests == 0 {
			continue // its spans in the segments read are all outside the range
		}
		out.Services = append(out.Services, api.Service{
			Name: k.name, Namespace: k.namespace, Basis: basis, SpanCount: sum.entry.requests + sum.rest.requests,
			Red: requests.render(over), FirstSeenUnixNano: nanos(sum.first), LastSeenUnixNano: nanos(sum.last),
		})
	}
	slices.SortFunc(out.Services, func(a, b api.Service) int {
		return serviceKey{a.Namespace, a.Name}.compare(serviceKey{b.Namespace, b.Name})
	})
	return out, nil
}

// sumServices sums the spans of a segment that start in the range up.
func sumServices(s *columns.Reader, _ *engine.Header, q *engine.Query) map[serviceKey]*serviceSum {
	sums := map[serviceKey]*serviceSum{}
	var of []*serviceSum
	for _, service := range s.Services() {
		of = append(of, sumOf(sums, serviceKey{service.Namespace, service.Name}))
	}
	times, lengths, resources := s.Ints(segment.ColTime), s.Ints(segment.ColDuration), s.Ints(segment.ColResource)
	kinds, codes := s.Ints(segment.ColKind), s.Ints(segment.ColStatus)
	if s.Err() != nil {
		return nil
	}
	for i, at := range times {
		if at >= q.From && at < q.To {
			of[resources[i]].add(at, lengths[i], kinds[i], codes[i] == otlp.StatusError)
		}
	}
	return sums
}

// mergeSums merges one map of sums into another.
func mergeSums[K comparable, T any](into, from map[K]*T, merge func(into, from *T)) {
	for k, sum := range from {
		merge(sumOf(into, k), sum)
	}
}

// sumOf is the entry of a map, made at its first use.
func sumOf[K comparable, T any](sums map[K]*T, k K) *T {
	sum := sums[k]
	if sum == nil {
		sum = new(T)
		sums[k] = sum
	}
	return sum
}

// operationKey names an operation of one service.
type operationKey struct {
	name string
	kind int64
}

func (n *API) listOperations(ctx context.Context, tenant telemetry.Tenant, name, namespace string, from, to int64) (*api.OperationList, error) {
	started := n.now()
	conditions, err := n.ofService(name, namespace)
	if err != nil {
		return nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: conditions}
	out := &api.OperationList{Operations: []api.Operation{}, Completeness: n.completeness(q)}
	w := columns.NewSet(telemetry.Traces)
	for _, c := range []segment.Column{segment.ColDuration, segment.ColKind, segment.ColStatus} {
		w.Int(c)
	}
	w.Text(segment.TextName)
	q.Filter.Columns(w)
	total := map[operationKey]*red{}
	var over time.Duration
	err = n.engine.Ask(ctx, q.Span(), func(ctx context.Context, s *engine.Snapshot) (err error) {
		over, err = engine.Fold(ctx, s, q, engine.Always(w.Want), sumOperations, func(sums map[operationKey]*red) { mergeSums(total, sums, (*red).merge) })
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for k, sum := range total {
		out.Operations = append(out.Operations, api.Operation{Name: k.name, Kind: int(k.kind), Red: sum.render(over)})
	}
	slices.SortFunc(out.Operations, func(a, b api.Operation) int {
		return cmp.Or(cmp.Compare(b.Red.Requests, a.Red.Requests), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return out, nil
}

// ofService asks for the spans of a service; of any namespace where none is given.
func (n *API) ofService(name, namespace string) (filter.All, error) {
	service, err := n.filters.Where(telemetry.Traces, "service", "eq", filter.String(name))
	if err != nil || namespace == "" {
		return filter.All{service}, err
	}
	within, err := n.filters.Where(telemetry.Traces, "namespace", "eq", filter.String(namespace))
	return filter.All{service, within}, err
}

// sumOperations sums the spans of a segment that the query asks for up.
func sumOperations(s *columns.Reader, _ *engine.Header, q *engine.Query) map[operationKey]*red {
	type code struct {
		name int
		kind int64
	}
	sums, of := map[operationKey]*red{}, map[code]*red{}
	names, kinds, lengths, codes := s.Text(segment.TextName), s.Ints(segment.ColKind), s.Ints(segment.ColDuration), s.Ints(segment.ColStatus)
	q.Rows(s, func(row int, _ engine.Key) {
		c := code{kind: kinds[row], name: -1}
		if names.Entries() > 0 {
			c.name = names.Code(row)
		}
		sum := of[c]
		if sum == nil {
			name := ""
			if c.name >= 0 {
				v, _ := names.Value(c.name)
				name = string(v.Raw)
			}
			sum = sumOf(sums, operationKey{name, c.kind})
			of[c] = sum
		}
		sum.add(lengths[row], codes[row] == otlp.StatusError)
	})
	return sums
}
