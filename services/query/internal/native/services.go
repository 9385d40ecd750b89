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

func (k serviceKey) clone() serviceKey {
	return serviceKey{strings.Clone(k.namespace), strings.Clone(k.name)}
}

func (k serviceKey) size() int64 { return int64(len(k.namespace) + len(k.name)) }

// serviceSum is what the list of services tells of one.
type serviceSum struct {
	byKind
	buckets []bucketSum // of a timeline, rising: what is not in byKind yet
	bytes   int64       // of memory that they take
	spans   int64       // in all of these
	seen
}

// seen is when spans began.
type seen struct {
	is          bool
	first, last int64 // where it is: whole seconds, Unix
}

// memory is what its histograms take, bytes; those of buckets apart.
func (s *serviceSum) memory() int64 { return s.entry.Durations.Memory() + s.rest.Durations.Memory() }

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
	if !o.is {
		return
	}
	s.see(o.first, o.last)
	s.spans += o.spans
	s.byKind.merge(&o.byKind)
	for i := range o.buckets {
		from, to := &o.buckets[i], s.bucket(o.buckets[i].at)
		s.bytes += int64(to.entry.Merge(&from.entry) + to.rest.Merge(&from.rest))
	}
}

// see notes when spans began.
func (s *seen) see(first, last int64) {
	if !s.is {
		*s = seen{true, first, last}
	}
	s.first, s.last = min(s.first, first), max(s.last, last)
}

// isEntry tells whether spans of a kind are requests to their service.
func isEntry(kind int64) bool { return kind == otlp.KindServer || kind == otlp.KindConsumer }

// count counts spans of a kind that begin at a time; without a timeline, whenever that is.
func (s *serviceSum) count(line *timeline, at, kind int64, spans *red.Cell) {
	entry := isEntry(kind)
	s.spans += spans.Requests()
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
	for i := range n {
		if len(s.buckets) == 0 || s.buckets[0].at != i {
			out.P50Nano[i], out.P95Nano[i], out.P99Nano[i] = "0", "0", "0"
			continue
		}
		cell := &s.buckets[0].rest
		if basis == api.ServiceBasisEntry {
			cell = &s.buckets[0].entry
		}
		var told [3]int64
		cell.Quantiles([]float64{0.50, 0.95, 0.99}, told[:])
		out.Requests[i], out.Errors[i], out.P50Nano[i], out.P95Nano[i], out.P99Nano[i] = cell.Requests(), cell.Errors, nanos(told[0]), nanos(told[1]), nanos(told[2])
		s.buckets = s.buckets[1:]
	}
	return out
}

// requests are the spans by which a service is judged.
func (s *byKind) requests() (*red.Sum, api.ServiceBasis) {
	basis := api.ServiceBasisAll
	if s.entry.Requests > 0 {
		basis = api.ServiceBasisEntry
	}
	return s.judged(basis), basis
}

// judged are the spans by which a service of that basis is judged: of one without requests it has no others than the rest.
func (s *byKind) judged(basis api.ServiceBasis) *red.Sum {
	if basis == api.ServiceBasisEntry {
		return &s.entry
	}
	return &s.rest
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
	limit, err := pageLimit(p.Limit, maxLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	var total, earlier *sums[serviceKey]
	var over, overEarlier time.Duration
	var ever map[serviceKey]*seen
	err = n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		if total, over, err = servicesOf(ctx, s, q, line); err != nil {
			return err
		}
		if out.Covered, over, err = n.covered(ctx, s, q, over); err != nil {
			return err
		}
		out.Incomplete = total.lacking("services", incomplete(s))
		if p.Before && out.Incomplete == nil {
			before := periodBefore(q)
			if earlier, overEarlier, err = servicesOf(ctx, s, before, nil); err != nil {
				return err
			}
			var of api.Covered
			if of, overEarlier, err = n.covered(ctx, s, before, overEarlier); err != nil {
				return err
			}
			if s.Cut() != nil || earlier.mixed {
				earlier = nil
			} else {
				out.CoveredBefore = &of
				for k, sum := range earlier.of { // a service that is gone is told as well
					if had, _ := sum.requests(); had.Requests == 0 {
						continue
					}
					if gone := sumOf(total.of, k); !gone.is {
						gone.seen = sum.seen
					}
				}
			}
		}
		if p.Ever {
			if ever, out.KeptSinceUnixNano, err = n.everSeen(ctx, s, q, total); err != nil {
				return err
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
	if total.mixed {
		out.Other = restOf(&total.others, over)
	}
	for _, sum := range total.of {
		sum.all()
	}
	keys := slices.DeleteFunc(total.keys(serviceKey.compare), func(k serviceKey) bool {
		// The spans of some in the segments read are all outside the range.
		requests, _ := total.of[k].requests()
		if requests.Requests == 0 && earlier != nil && earlier.of[k] != nil {
			requests, _ = earlier.of[k].requests()
		}
		return requests.Requests == 0 || !k.shown(p.Namespace, p.HideOwn)
	})
	out.Total = len(keys)
	if after != nil {
		keys = keys[sort.Search(len(keys), func(i int) bool { return keys[i].compare(*after) > 0 }):]
	}
	if len(keys) > limit {
		keys = keys[:limit]
		out.NextCursor = keys[len(keys)-1].cursor()
	}
	for _, k := range keys {
		sum := total.of[k]
		requests, basis := sum.requests()
		since, line := from, line
		if requests.Requests == 0 { // it is gone: its times are those of the period before, and there is no course to tell
			_, basis = earlier.of[k].requests()
			since, line = periodBefore(q).From, nil
		}
		one := api.Service{
			Name: k.name, Namespace: k.namespace, Basis: basis, SpanCount: sum.entry.Requests + sum.rest.Requests,
			Red: figures(requests, over), Series: sum.series(line, basis),
			FirstSeenUnixNano: nanos(max(sum.first*int64(time.Second), since)), LastSeenUnixNano: nanos(max(sum.last*int64(time.Second), since)),
		}
		if earlier != nil {
			of := &sumOf(earlier.of, k).rest
			if basis == api.ServiceBasisEntry {
				of = &earlier.of[k].entry
			}
			told := figures(of, overEarlier)
			one.Before = &told
		}
		if all := ever[k]; all != nil {
			one.Ever = &api.Seen{FirstSeenUnixNano: nanos(all.first * int64(time.Second)), LastSeenUnixNano: nanos(all.last * int64(time.Second))}
		}
		out.Services = append(out.Services, one)
	}
	return out, nil
}

// everSeen is when each service of a list was seen at all: in the range as the list says, outside of it as rollups do. since is when the first span began
// that is there, nil where there is none.
func (n *API) everSeen(ctx context.Context, s *engine.Snapshot, q *engine.Query, total *sums[serviceKey]) (ever map[serviceKey]*seen, since *api.Nanos, err error) {
	ever = make(map[serviceKey]*seen, len(total.of))
	const entryBytes = 96
	if err := s.Hold(int64(len(total.of)) * entryBytes); err != nil {
		return nil, nil, err
	}
	for k, sum := range total.of {
		of := sum.seen
		ever[k] = &of
	}
	end := telemetry.Grain(math.MaxInt64, 24*time.Hour) - 2*(24*time.Hour).Nanoseconds()
	var chunk red.Chunk
	err = s.Rollups(ctx, &engine.RollupQuery{Tenant: q.Tenant, Kind: red.ID, To: end}, func(r *engine.Rolled) error {
		if err := chunk.DecodeSeen(r.Blob); err != nil {
			return err
		}
		start := r.Start / int64(time.Second)
		for i := range chunk.Services {
			of := ever[serviceKey{chunk.Services[i].Namespace, chunk.Services[i].Name}]
			if of == nil {
				continue
			}
			for _, at := range chunk.Services[i].Seen {
				of.see(start+at.First, start+at.Last)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	first, last, err := s.Covered(ctx, q.Tenant, telemetry.Traces, 0, math.MaxInt64, n.now())
	if err != nil || first == last {
		return ever, nil, err
	}
	kept := nanos(first)
	return ever, &kept, nil
}

// restOf is what is told of all spans that a list does not tell apart.
func restOf(of *byKind, over time.Duration) *api.RED {
	var all red.Sum
	all.Merge(&of.entry)
	all.Merge(&of.rest)
	told := figures(&all, over)
	return &told
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
func servicesOf(ctx context.Context, s *engine.Snapshot, q *engine.Query, line *timeline) (total *sums[serviceKey], over time.Duration, err error) {
	total = newSums[serviceKey](s)
	var g gathered
	w := segment.Want{Ints: []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus}}
	over, err = foldRED(ctx, s, q, w, nil, line.shortest(),
		func(r *columns.Reader, _ *engine.Header, q *engine.Query) map[serviceKey]*serviceSum {
			return sumServices(r, q, line)
		},
		func(part map[serviceKey]*serviceSum) {
			line.merge(s, len(total.of), func() int64 { return total.merge(part, line) })
		},
		func(of *engine.RollupQuery, r *engine.Rolled, one *red.Service) {
			line.merge(s, len(total.of), func() int64 { return rolledService(total, line.open(), of, r, one, &g) })
		})
	if err == nil {
		err = line.err(len(total.of), "services")
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

// gathered sums up what a rollup says of one bucket of a timeline before it is put there: many operations have the same durations.
type gathered struct {
	byKind
	bucket int
	spans  bool // it has some
	memory [2][]red.Bucket
}

// count adds a cell of a bucket, and puts what was gathered of another one into a service's buckets first.
func (g *gathered) count(into *serviceSum, bucket int, kind int64, cell *red.Cell) {
	if bucket != g.bucket {
		g.put(into)
		g.bucket = bucket
	}
	g.spans = true
	if isEntry(kind) {
		g.entry.AddCell(cell)
	} else {
		g.rest.AddCell(cell)
	}
}

func (g *gathered) put(into *serviceSum) {
	if g == nil || !g.spans {
		return
	}
	bucket := into.bucket(g.bucket)
	for i, of := range [...]struct {
		from *red.Sum
		to   *red.Cell
	}{{&g.entry, &bucket.entry}, {&g.rest, &bucket.rest}} {
		if of.from.Requests == 0 {
			continue
		}
		cell := of.from.Cell(g.memory[i])
		g.memory[i] = cell.Buckets
		into.spans += of.from.Requests
		into.bytes += int64(of.to.Merge(&cell))
		of.from.Clear()
	}
	g.spans = false
}

// rolledService adds what a rollup says of a service in the range, and returns by how many bytes its buckets grew. What is gathered is
// empty, before and after; without a timeline nothing is, and it may be nil.
func rolledService(total *sums[serviceKey], line *timeline, of *engine.RollupQuery, r *engine.Rolled, s *red.Service, g *gathered) (grown int64) {
	start := r.Start / int64(time.Second)
	total.add(serviceKey{s.Namespace, s.Name}, func(sum *serviceSum) {
		before := sum.bytes
		for _, at := range s.Seen {
			if of.In(r, at.Minute) {
				sum.see(start+at.First, start+at.Last)
			}
		}
		for i := range s.Operations {
			kind := int64(s.Operations[i].Kind)
			for k := range s.Operations[i].Cells {
				cell := &s.Operations[i].Cells[k]
				if !of.In(r, cell.Minute) {
					continue
				}
				at := r.Start + int64(cell.Minute)*int64(time.Minute)
				if line == nil || !r.Whole { // each minute is of another bucket, or of one in few
					sum.count(line, at, kind, cell)
					continue
				}
				g.count(sum, line.At(at), kind, cell)
			}
		}
		g.put(sum)
		grown = sum.bytes - before
	})
	return grown
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
