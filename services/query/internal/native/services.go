package native

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
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
	entry, rest red.Sum // spans of kind server and consumer; all others
	seen        bool
	first, last int64 // where seen: whole seconds, Unix
}

func (s *serviceSum) merge(o *serviceSum) {
	if !o.seen {
		return
	}
	s.see(o.first, o.last)
	s.entry.Merge(&o.entry)
	s.rest.Merge(&o.rest)
}

// see notes when spans began.
func (s *serviceSum) see(first, last int64) {
	if !s.seen {
		s.seen, s.first, s.last = true, first, last
	}
	s.first, s.last = min(s.first, first), max(s.last, last)
}

// of is where spans of a kind are counted.
func (s *serviceSum) of(kind int64) *red.Sum {
	if kind == otlp.KindServer || kind == otlp.KindConsumer {
		return &s.entry
	}
	return &s.rest
}

func (s *serviceSum) add(at, duration int64, kind int64, failed bool) {
	second := at / int64(time.Second)
	s.see(second, second)
	s.of(kind).Add(duration, failed)
}

// requests are the spans by which a service is judged.
func (s *serviceSum) requests() (*red.Sum, api.ServiceBasis) {
	if s.entry.Requests > 0 {
		return &s.entry, api.ServiceBasisEntry
	}
	return &s.rest, api.ServiceBasisAll
}

func (n *API) listServices(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.ServiceList, error) {
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.All{}}
	out := &api.ServiceList{Services: []api.Service{}, Completeness: n.completeness(q)}
	var total map[serviceKey]*serviceSum
	var over time.Duration
	err := n.engine.Ask(ctx, engine.OfRollups, func(ctx context.Context, s *engine.Snapshot) (err error) {
		total, over, err = servicesOf(ctx, s, q)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for k, sum := range total {
		requests, basis := sum.requests()
		if requests.Requests == 0 {
			continue // its spans in the segments read are all outside the range
		}
		out.Services = append(out.Services, api.Service{
			Name: k.name, Namespace: k.namespace, Basis: basis, SpanCount: sum.entry.Requests + sum.rest.Requests,
			Red:               figures(requests, over),
			FirstSeenUnixNano: nanos(max(sum.first*int64(time.Second), from)), LastSeenUnixNano: nanos(max(sum.last*int64(time.Second), from)),
		})
	}
	slices.SortFunc(out.Services, func(a, b api.Service) int {
		return serviceKey{a.Namespace, a.Name}.compare(serviceKey{b.Namespace, b.Name})
	})
	return out, nil
}

// servicesOf sums the spans of a range up by service. A service may have none: its spans in the segments read are all outside the range.
func servicesOf(ctx context.Context, s *engine.Snapshot, q *engine.Query) (total map[serviceKey]*serviceSum, over time.Duration, err error) {
	total = map[serviceKey]*serviceSum{}
	w := segment.Want{Ints: []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus}}
	over, err = foldRED(ctx, s, q, w, nil, sumServices, func(sums map[serviceKey]*serviceSum) { mergeSums(total, sums, (*serviceSum).merge) },
		func(of *engine.RollupQuery, r *engine.Rolled, one *red.Service) { rolledService(total, of, r, one) })
	return total, over, err
}

// foldRED is a fold of which told is given what rollups say of services, and what is counted as they do.
func foldRED[T any](ctx context.Context, s *engine.Snapshot, q *engine.Query, w segment.Want, key []byte,
	fold func(*columns.Reader, *engine.Header, *engine.Query) T, merge func(T), told func(*engine.RollupQuery, *engine.Rolled, *red.Service),
) (over time.Duration, err error) {
	visit := eachService(told)
	return engine.FoldRolled(ctx, s, q, engine.Always(w), red.ID, key, fold, merge, freshRED(),
		func(of *engine.RollupQuery, r *engine.Rolled, c *red.Chunk) error {
			for i := range c.Services {
				told(of, r, &c.Services[i])
			}
			return nil
		}, visit)
}

// eachService gives what rollups say of each service.
func eachService(told func(*engine.RollupQuery, *engine.Rolled, *red.Service)) func(*engine.RollupQuery, *engine.Rolled) error {
	var chunk red.Chunk
	return func(of *engine.RollupQuery, r *engine.Rolled) error {
		if err := chunk.Decode(r.Blob); err != nil {
			return err
		}
		for i := range chunk.Services {
			told(of, r, &chunk.Services[i])
		}
		return nil
	}
}

// freshRED counts segments as rollups do.
func freshRED() *engine.Counter[*red.Chunk] {
	return &engine.Counter[*red.Chunk]{
		Name: "red", Want: red.Want(), Join: red.Join, Size: (*red.Chunk).Memory,
		Count: func(r *columns.Reader, start int64) (c *red.Chunk, err error) {
			err = r.Rows(red.Want(), nil, func(t *segment.Table) { c = red.Count(t, start) })
			return c, err
		},
	}
}

// rolledService adds what a rollup says of a service in the range.
func rolledService(total map[serviceKey]*serviceSum, of *engine.RollupQuery, r *engine.Rolled, s *red.Service) {
	start := r.Start / int64(time.Second)
	sum := sumOf(total, serviceKey{s.Namespace, s.Name})
	for _, at := range s.Seen {
		if of.In(r, at.Minute) {
			sum.see(start+at.First, start+at.Last)
		}
	}
	for i := range s.Operations {
		into := sum.of(int64(s.Operations[i].Kind))
		for k := range s.Operations[i].Cells {
			if cell := &s.Operations[i].Cells[k]; of.In(r, cell.Minute) {
				into.AddCell(cell)
			}
		}
	}
}

// sumServices sums the spans of a segment that start in the range up.
func sumServices(s *columns.Reader, _ *engine.Header, q *engine.Query) map[serviceKey]*serviceSum {
	sums := map[serviceKey]*serviceSum{}
	var of []*serviceSum
	for _, service := range s.Services() {
		of = append(of, sumOf(sums, serviceKey{rollup.Name(service.Namespace), rollup.Name(service.Name)}))
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

// is reports whether a service is what is asked for: k's namespace may be any where it is empty.
func (k serviceKey) is(name, namespace string) bool {
	return rollup.Name(name) == rollup.Name(k.name) && (k.namespace == "" || rollup.Name(namespace) == rollup.Name(k.namespace))
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
	total := map[operationKey]*red.Sum{}
	wanted := serviceKey{namespace, name}
	merge := func(sums map[operationKey]*red.Sum) { mergeSums(total, sums, (*red.Sum).Merge) }
	var over time.Duration
	err = n.engine.Ask(ctx, engine.OfRollups, func(ctx context.Context, s *engine.Snapshot) (err error) {
		many := false
		over, err = foldRED(ctx, s, q, w.Want, red.Key(name), sumOperations, merge, func(of *engine.RollupQuery, r *engine.Rolled, one *red.Service) {
			if wanted.is(one.Name, one.Namespace) {
				many = many || one.Many
				rolledOperations(total, of, r, one)
			}
		})
		if err == nil && many {
			// More than rollups tell apart.
			clear(total)
			over, err = engine.Fold(ctx, s, q, engine.Always(w.Want), sumOperations, merge)
		}
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	for k, sum := range total {
		out.Operations = append(out.Operations, api.Operation{Name: k.name, Kind: int(k.kind), Red: figures(sum, over)})
	}
	slices.SortFunc(out.Operations, func(a, b api.Operation) int {
		return cmp.Or(cmp.Compare(b.Red.Requests, a.Red.Requests), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return out, nil
}

// rolledOperations adds what a rollup says of a service's operations in the range.
func rolledOperations(total map[operationKey]*red.Sum, of *engine.RollupQuery, r *engine.Rolled, s *red.Service) {
	for i := range s.Operations {
		o := &s.Operations[i]
		for k := range o.Cells {
			if cell := &o.Cells[k]; of.In(r, cell.Minute) {
				sumOf(total, operationKey{o.Name, int64(o.Kind)}).AddCell(cell)
			}
		}
	}
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
func sumOperations(s *columns.Reader, _ *engine.Header, q *engine.Query) map[operationKey]*red.Sum {
	type code struct {
		name int
		kind int64
	}
	sums, of := map[operationKey]*red.Sum{}, map[code]*red.Sum{}
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
				name = rollup.Name(string(v.Raw))
			}
			sum = sumOf(sums, operationKey{name, c.kind})
			of[c] = sum
		}
		sum.Add(lengths[row], codes[row] == otlp.StatusError)
	})
	return sums
}

// figures are what is told of a sum over some time.
func figures(s *red.Sum, over time.Duration) api.RED {
	out := api.RED{
		Requests: s.Requests, Errors: s.Errors,
		P50Nano: strconv.FormatInt(s.Durations.Quantile(0.50), 10),
		P95Nano: strconv.FormatInt(s.Durations.Quantile(0.95), 10),
		P99Nano: strconv.FormatInt(s.Durations.Quantile(0.99), 10),
	}
	if over > 0 {
		out.Rate = float64(s.Requests) / over.Seconds()
	}
	if s.Requests > 0 {
		out.ErrorRate = float64(s.Errors) / float64(s.Requests)
	}
	return out
}
