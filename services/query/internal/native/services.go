package native

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unsafe"

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
	byKind
	buckets     []bucketSum // of a timeline, rising: what is not in byKind yet
	bytes       int64       // of memory that they take
	seen        bool
	first, last int64 // where seen: whole seconds, Unix
}

// bucketSum is a bucket of a timeline with something in it, as cells: there are many buckets, and few spans in most.
type bucketSum struct {
	at          int
	entry, rest red.Cell // as in byKind
}

// bucket is one, valid until the next call.
func (s *serviceSum) bucket(at int) *bucketSum {
	n := len(s.buckets)
	if n > 0 && s.buckets[n-1].at == at {
		return &s.buckets[n-1]
	}
	i, found := slices.BinarySearchFunc(s.buckets, at, func(b bucketSum, at int) int { return cmp.Compare(b.at, at) })
	if !found {
		before := cap(s.buckets)
		s.buckets = slices.Insert(s.buckets, i, bucketSum{at: at})
		s.bytes += int64(cap(s.buckets)-before) * int64(unsafe.Sizeof(bucketSum{}))
	}
	return &s.buckets[i]
}

// byKind sums spans up.
type byKind struct {
	entry, rest red.Sum // spans of kind server and consumer; all others
}

func (s *byKind) merge(o *byKind) {
	s.entry.Merge(&o.entry)
	s.rest.Merge(&o.rest)
}

func (s *serviceSum) merge(o *serviceSum) {
	if !o.seen {
		return
	}
	s.see(o.first, o.last)
	s.byKind.merge(&o.byKind)
	for i := range o.buckets {
		from, to := &o.buckets[i], s.bucket(o.buckets[i].at)
		s.bytes += int64(to.entry.Merge(&from.entry) + to.rest.Merge(&from.rest))
	}
}

// see notes when spans began.
func (s *serviceSum) see(first, last int64) {
	if !s.seen {
		s.seen, s.first, s.last = true, first, last
	}
	s.first, s.last = min(s.first, first), max(s.last, last)
}

// count counts spans of a kind that begin at a time; without a timeline, whenever that is.
func (s *serviceSum) count(line *timeline, at, kind int64, spans *red.Cell) {
	entry := kind == otlp.KindServer || kind == otlp.KindConsumer
	switch {
	case line == nil && entry:
		s.entry.AddCell(spans)
	case line == nil:
		s.rest.AddCell(spans)
	case entry:
		s.bytes += int64(s.bucket(line.At(at)).entry.Merge(spans))
	default:
		s.bytes += int64(s.bucket(line.At(at)).rest.Merge(spans))
	}
}

func (s *serviceSum) add(line *timeline, at, duration int64, kind int64, failed bool) {
	second := at / int64(time.Second)
	s.see(second, second)
	one := [1]red.Bucket{{Number: int32(red.BucketOf(at, duration)), Count: 1}} //nolint:gosec // few
	cell := red.Cell{Buckets: one[:]}
	if failed {
		cell.Errors = 1
	}
	s.count(line, at, kind, &cell)
}

// all adds the buckets up, once.
func (s *serviceSum) all() {
	for i := range s.buckets {
		s.entry.AddCell(&s.buckets[i].entry)
		s.rest.AddCell(&s.buckets[i].rest)
	}
}

// series is what is told of a timeline's buckets, by the spans by which the service is judged.
func (s *serviceSum) series(line *timeline, basis api.ServiceBasis) *api.REDSeries {
	if line == nil {
		return nil
	}
	n := line.Buckets
	out := &api.REDSeries{
		Requests: make([]int64, n), Errors: make([]int64, n), P50Nano: make([]api.Nanos, n), P95Nano: make([]api.Nanos, n), P99Nano: make([]api.Nanos, n),
	}
	var none red.Sum
	empty := figures(&none, 0)
	for i := range n {
		told := empty
		if len(s.buckets) > 0 && s.buckets[0].at == i {
			cell := &s.buckets[0].rest
			if basis == api.ServiceBasisEntry {
				cell = &s.buckets[0].entry
			}
			var sum red.Sum
			sum.AddCell(cell)
			told, s.buckets = figures(&sum, 0), s.buckets[1:]
		}
		out.Requests[i], out.Errors[i], out.P50Nano[i], out.P95Nano[i], out.P99Nano[i] = told.Requests, told.Errors, told.P50Nano, told.P95Nano, told.P99Nano
	}
	return out
}

// requests are the spans by which a service is judged.
func (s *serviceSum) requests() (*red.Sum, api.ServiceBasis) {
	if s.entry.Requests > 0 {
		return &s.entry, api.ServiceBasisEntry
	}
	return &s.rest, api.ServiceBasisAll
}

func (n *API) listServices(ctx context.Context, tenant telemetry.Tenant, from, to int64, p *api.ListServicesParams) (*api.ServiceList, error) {
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.All{}}
	out := &api.ServiceList{Services: []api.Service{}}
	line, err := timelineAsked(from, to, p.Buckets)
	if err != nil {
		return nil, err
	}
	after, err := serviceCursor(p.Cursor)
	if err != nil {
		return nil, err
	}
	limit, err := pageLimit(p.Limit, math.MaxInt, maxLimit)
	if err != nil {
		return nil, err
	}
	var total, earlier map[serviceKey]*serviceSum
	var over, overEarlier time.Duration
	err = n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		if total, over, err = servicesOf(ctx, s, q, line); err != nil {
			return err
		}
		if out.Covered, over, err = n.covered(ctx, s, q, over); err != nil {
			return err
		}
		out.Incomplete = incomplete(s)
		if p.Before && out.Incomplete == nil {
			before := periodBefore(q)
			if earlier, overEarlier, err = servicesOf(ctx, s, before, nil); err != nil {
				return err
			}
			var of api.Covered
			if of, overEarlier, err = n.covered(ctx, s, before, overEarlier); err != nil {
				return err
			}
			if s.Cut() != nil {
				earlier = nil
			} else {
				out.CoveredBefore = &of
			}
		}
		out.Stats, out.Basis = n.stats(s, started), figuresBasis(s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if line != nil {
		out.Timeline = line.told()
	}
	var keys []serviceKey
	for k, sum := range total {
		sum.all()
		// The spans of some in the segments read are all outside the range.
		if requests, _ := sum.requests(); requests.Requests > 0 && k.shown(p.Namespace, p.HideOwn) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, serviceKey.compare)
	out.Total = len(keys)
	if after != nil {
		keys = keys[sort.Search(len(keys), func(i int) bool { return keys[i].compare(*after) > 0 }):]
	}
	if len(keys) > limit {
		keys = keys[:limit]
		out.NextCursor = keys[len(keys)-1].cursor()
	}
	for _, k := range keys {
		sum := total[k]
		requests, basis := sum.requests()
		one := api.Service{
			Name: k.name, Namespace: k.namespace, Basis: basis, SpanCount: sum.entry.Requests + sum.rest.Requests,
			Red: figures(requests, over), Series: sum.series(line, basis),
			FirstSeenUnixNano: nanos(max(sum.first*int64(time.Second), from)), LastSeenUnixNano: nanos(max(sum.last*int64(time.Second), from)),
		}
		if earlier != nil {
			of := &sumOf(earlier, k).rest
			if basis == api.ServiceBasisEntry {
				of = &earlier[k].entry
			}
			told := figures(of, overEarlier)
			one.Before = &told
		}
		out.Services = append(out.Services, one)
	}
	return out, nil
}

// periodBefore asks for the time before, which is as long.
func periodBefore(q *engine.Query) *engine.Query {
	before := *q
	before.From, before.To = q.From-(q.To-q.From), q.From // times of requests are not below 0: this does not overflow
	return &before
}

// timelineAsked is the one with so many buckets, nil where none is asked for.
func timelineAsked(from, to int64, buckets *int) (*timeline, error) {
	if buckets == nil {
		return nil, nil //nolint:nilnil // nil is no timeline
	}
	if *buckets < leastTimeline || *buckets > mostTimeline {
		return nil, errBuckets.Newf("buckets: %d is not between %d and %d", *buckets, leastTimeline, mostTimeline)
	}
	return newTimeline(from, to, *buckets), nil
}

// own is the namespace of the services of ollyScale itself, and how their names begin elsewhere.
const own = "ollyscale"

// shown tells whether a service is one of those asked for: of a namespace, or of any where it is empty, and maybe none of ollyScale's own.
func (k serviceKey) shown(namespace string, hideOwn bool) bool {
	if namespace != "" && rollup.Name(namespace) != rollup.Name(k.namespace) {
		return false
	}
	return !hideOwn || k.namespace != own && k.name != own && !strings.HasPrefix(k.name, own+"-")
}

// cursor names the services after one.
func (k serviceKey) cursor() string {
	raw, err := json.Marshal([2][]byte{[]byte(k.name), []byte(k.namespace)})
	if err != nil { // of bytes
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// serviceCursor is what a cursor names, nil without one.
func serviceCursor(text string) (*serviceKey, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nil is no cursor
	}
	var key [2][]byte
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &key)
	}
	if err != nil {
		return nil, errCursor.New("cursor: it is none of this list's")
	}
	return &serviceKey{name: string(key[0]), namespace: string(key[1])}, nil
}

// servicesOf sums the spans of a range up by service. A service may have none: its spans in the segments read are all outside the range.
func servicesOf(ctx context.Context, s *engine.Snapshot, q *engine.Query, line *timeline) (total map[serviceKey]*serviceSum, over time.Duration, err error) {
	total = map[serviceKey]*serviceSum{}
	w := segment.Want{Ints: []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus}}
	over, err = foldRED(ctx, s, q, w, nil, line.shortest(),
		func(r *columns.Reader, _ *engine.Header, q *engine.Query) map[serviceKey]*serviceSum {
			return sumServices(r, q, line)
		},
		func(sums map[serviceKey]*serviceSum) {
			line.merge(s, len(total), func() int64 { return mergeInto(total, sums, line) })
		},
		func(of *engine.RollupQuery, r *engine.Rolled, one *red.Service) {
			line.merge(s, len(total), func() int64 { return rolledService(total, line.open(), of, r, one) })
		})
	if err == nil {
		err = line.err(len(total), "services")
	}
	return total, over, err
}

// foldRED is a fold of which told is given what rollups say of services, and what is counted as they do.
func foldRED[T any](ctx context.Context, s *engine.Snapshot, q *engine.Query, w segment.Want, key []byte, step time.Duration,
	fold func(*columns.Reader, *engine.Header, *engine.Query) T, merge func(T), told func(*engine.RollupQuery, *engine.Rolled, *red.Service),
) (over time.Duration, err error) {
	visit := eachService(told)
	return engine.FoldRolled(ctx, s, q, engine.Always(w), red.ID, key, step, fold, merge, engine.FreshRED(),
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

// rolledService adds what a rollup says of a service in the range, and returns by how many bytes its buckets grew.
func rolledService(total map[serviceKey]*serviceSum, line *timeline, of *engine.RollupQuery, r *engine.Rolled, s *red.Service) (grown int64) {
	start := r.Start / int64(time.Second)
	sum := sumOf(total, serviceKey{s.Namespace, s.Name})
	before := sum.bytes
	for _, at := range s.Seen {
		if of.In(r, at.Minute) {
			sum.see(start+at.First, start+at.Last)
		}
	}
	for i := range s.Operations {
		kind := int64(s.Operations[i].Kind)
		for k := range s.Operations[i].Cells {
			if cell := &s.Operations[i].Cells[k]; of.In(r, cell.Minute) {
				sum.count(line, r.Start+int64(cell.Minute)*int64(time.Minute), kind, cell)
			}
		}
	}
	return sum.bytes - before
}

// sumServices sums the spans of a segment that start in the range up.
func sumServices(s *columns.Reader, q *engine.Query, line *timeline) map[serviceKey]*serviceSum {
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
			of[resources[i]].add(line, at, lengths[i], kinds[i], codes[i] == otlp.StatusError)
		}
	}
	return sums
}

// mergeInto merges one map of sums into another, without buckets where there is no room for them, and returns by how many bytes its buckets grew.
func mergeInto[K comparable](total, from map[K]*serviceSum, line *timeline) (grown int64) {
	for k, sum := range from {
		if line.open() == nil {
			sum.all()
			sum.buckets = nil
		}
		into := sumOf(total, k)
		before := into.bytes
		into.merge(sum)
		grown += into.bytes - before
	}
	return grown
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

func (n *API) listOperations(ctx context.Context, tenant telemetry.Tenant, name, namespace string, from, to int64, buckets *int) (*api.OperationList, error) {
	started := n.now()
	line, err := timelineAsked(from, to, buckets)
	if err != nil {
		return nil, err
	}
	conditions, err := n.ofService(name, namespace)
	if err != nil {
		return nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: conditions}
	out := &api.OperationList{Operations: []api.Operation{}}
	w := columns.NewSet(telemetry.Traces)
	for _, c := range []segment.Column{segment.ColDuration, segment.ColKind, segment.ColStatus} {
		w.Int(c)
	}
	w.Text(segment.TextName)
	q.Filter.Columns(w)
	total := map[operationKey]*serviceSum{}
	wanted := serviceKey{namespace, name}
	var over time.Duration
	err = n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		many := false
		fold := func(r *columns.Reader, _ *engine.Header, q *engine.Query) map[operationKey]*serviceSum {
			return sumOperations(r, q, line)
		}
		merge := func(sums map[operationKey]*serviceSum) {
			line.merge(s, len(total), func() int64 { return mergeInto(total, sums, line) })
		}
		over, err = foldRED(ctx, s, q, w.Want, red.Key(name), line.shortest(), fold, merge, func(of *engine.RollupQuery, r *engine.Rolled, one *red.Service) {
			if wanted.is(one.Name, one.Namespace) {
				many = many || one.Many
				line.merge(s, len(total), func() int64 { return rolledOperations(total, line.open(), of, r, one) })
			}
		})
		if err == nil && many {
			// More than rollups tell apart.
			clear(total)
			over, err = engine.Fold(ctx, s, q, engine.Always(w.Want), fold, merge)
		}
		if err == nil {
			err = line.err(len(total), "operations")
		}
		if err == nil {
			out.Covered, over, err = n.covered(ctx, s, q, over)
		}
		out.Basis = figuresBasis(s)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if line != nil {
		out.Timeline = line.told()
	}
	for k, sum := range total {
		sum.all()
		requests, basis := sum.requests()
		out.Operations = append(out.Operations, api.Operation{Name: k.name, Kind: int(k.kind), Red: figures(requests, over), Series: sum.series(line, basis)})
	}
	slices.SortFunc(out.Operations, func(a, b api.Operation) int {
		return cmp.Or(cmp.Compare(b.Red.Requests, a.Red.Requests), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return out, nil
}

// rolledOperations adds what a rollup says of a service's operations in the range, and returns by how many bytes their buckets grew.
func rolledOperations(total map[operationKey]*serviceSum, line *timeline, of *engine.RollupQuery, r *engine.Rolled, s *red.Service) (grown int64) {
	for i := range s.Operations {
		o := &s.Operations[i]
		for k := range o.Cells {
			if cell := &o.Cells[k]; of.In(r, cell.Minute) {
				sum := sumOf(total, operationKey{o.Name, int64(o.Kind)})
				before := sum.bytes
				sum.count(line, r.Start+int64(cell.Minute)*int64(time.Minute), int64(o.Kind), cell)
				grown += sum.bytes - before
			}
		}
	}
	return grown
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
func sumOperations(s *columns.Reader, q *engine.Query, line *timeline) map[operationKey]*serviceSum {
	type code struct {
		name int
		kind int64
	}
	sums, of := map[operationKey]*serviceSum{}, map[code]*serviceSum{}
	names, kinds, lengths, codes := s.Text(segment.TextName), s.Ints(segment.ColKind), s.Ints(segment.ColDuration), s.Ints(segment.ColStatus)
	q.Rows(s, func(row int, k engine.Key) {
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
		sum.add(line, k.Time, lengths[row], c.kind, codes[row] == otlp.StatusError)
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
