package native

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"sort"
	"strings"
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

// operationKey names an operation of one service.
type operationKey struct {
	name string
	kind int64
}

func (k operationKey) compare(o operationKey) int {
	return cmp.Or(cmp.Compare(k.name, o.name), cmp.Compare(k.kind, o.kind))
}

func (k operationKey) clone() operationKey { return operationKey{strings.Clone(k.name), k.kind} }
func (k operationKey) size() int64         { return int64(len(k.name)) }

// operationOrders is what operations may be sorted by, the most of it first. Ranks are compared as they are: a cursor holds one.
//
//nolint:gochecknoglobals // a table
var operationOrders = map[api.ListOperationsParamsSort]func(of *red.Sum) float64{
	api.ListOperationsParamsSortRequests:  func(of *red.Sum) float64 { return float64(of.Requests) },
	api.ListOperationsParamsSortErrors:    func(of *red.Sum) float64 { return float64(of.Errors) },
	api.ListOperationsParamsSortP95:       func(of *red.Sum) float64 { return float64(of.Durations.Quantile(0.95)) },
	api.ListOperationsParamsSortTotalTime: func(of *red.Sum) float64 { return of.Durations.Total() },
}

// rankedOperation is an operation in the order of a list.
type rankedOperation struct {
	rank float64
	operationKey
}

func (r *rankedOperation) compare(o *rankedOperation) int {
	return cmp.Or(cmp.Compare(o.rank, r.rank), r.operationKey.compare(o.operationKey))
}

// operationCursor is where a page of operations ended, as it travels.
type operationCursor struct {
	Sort api.ListOperationsParamsSort `json:"s"`
	Rank float64                      `json:"r"`
	Name []byte                       `json:"n"`
	Kind int64                        `json:"k"`
}

func (r *rankedOperation) cursor(sort api.ListOperationsParamsSort) string {
	raw, err := json.Marshal(operationCursor{sort, r.rank, []byte(r.name), r.kind})
	if err != nil { // of a finite number, bytes and texts
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// operationsAfter is what a cursor names, nil without one.
func operationsAfter(text string, sort api.ListOperationsParamsSort) (*rankedOperation, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nil is no cursor
	}
	var at operationCursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	switch {
	case err != nil:
		return nil, errCursor.New("cursor: it is none of this list's")
	case at.Sort != sort:
		return nil, errCursorOfAnother.Newf("cursor: it is of a list that is sorted by %.64q", string(at.Sort))
	}
	return &rankedOperation{at.Rank, operationKey{string(at.Name), at.Kind}}, nil
}

// operationsOf sums the spans of a service up by operation.
func (n *API) operationsOf(ctx context.Context, s *engine.Snapshot, q *engine.Query, of serviceKey, line *timeline) (total *sums[operationKey], over time.Duration, err error) {
	w := columns.NewSet(telemetry.Traces)
	w.Int(segment.ColDuration, segment.ColKind, segment.ColStatus)
	w.Text(segment.TextName)
	q.Filter.Columns(w)
	total = newSums[operationKey](s)
	many := false
	fold := func(r *columns.Reader, _ *engine.Header, q *engine.Query) map[operationKey]*serviceSum {
		return sumOperations(r, q, line)
	}
	merge := func(part map[operationKey]*serviceSum) {
		line.merge(s, len(total.of), func() int64 { return total.merge(part, line) })
	}
	over, err = foldRED(ctx, s, q, w.Want, red.Key(of.name), line.shortest(), fold, merge, func(asked *engine.RollupQuery, r *engine.Rolled, one *red.Service) {
		if of.is(one.Name, one.Namespace) {
			many = many || one.Many
			line.merge(s, len(total.of), func() int64 { return rolledOperations(total, line.open(), asked, r, one) })
		}
	})
	if err == nil && many {
		// More than rollups tell apart.
		total.clear()
		over, err = engine.Fold(ctx, s, q, engine.Always(w.Want), fold, merge)
	}
	if err == nil {
		err = line.err(len(total.of), "operations")
	}
	return total, over, err
}

func (n *API) listOperations(ctx context.Context, tenant telemetry.Tenant, name string, from, to int64, p *api.ListOperationsParams) (*api.OperationList, error) {
	started := n.now()
	line, err := timelineAsked(from, to, p.Buckets)
	if err != nil {
		return nil, err
	}
	order := cmp.Or(p.Sort, api.ListOperationsParamsSortRequests)
	rank, ok := operationOrders[order]
	if !ok {
		return nil, errSort.Newf("sort: %.64q is not requests, errors, p95 or total_time", string(order))
	}
	after, err := operationsAfter(p.Cursor, order)
	if err != nil {
		return nil, err
	}
	limit, err := pageLimit(p.Limit, maxLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	conditions, err := n.ofService(name, p.Namespace)
	if err != nil {
		return nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: conditions}
	out := &api.OperationList{Operations: []api.Operation{}}
	var total *sums[operationKey]
	var over time.Duration
	err = n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		if total, over, err = n.operationsOf(ctx, s, q, serviceKey{p.Namespace, name}, line); err != nil {
			return err
		}
		if out.Covered, over, err = n.covered(ctx, s, q, over); err != nil {
			return err
		}
		out.Basis = figuresBasis(s)
		out.Stats, out.Incomplete = n.told(s, started)
		out.Incomplete = total.lacking("operations", out.Incomplete)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if line != nil {
		out.Timeline = line.told()
	}
	ranked := make([]rankedOperation, 0, len(total.of))
	for k, sum := range total.of {
		sum.all()
		requests, _ := sum.requests()
		ranked = append(ranked, rankedOperation{rank(requests), k})
	}
	slices.SortFunc(ranked, func(a, b rankedOperation) int { return a.compare(&b) })
	out.Total = len(ranked)
	if after != nil {
		ranked = ranked[sort.Search(len(ranked), func(i int) bool { return ranked[i].compare(after) > 0 }):]
	}
	for i := range ranked[:min(limit, len(ranked))] {
		k := ranked[i].operationKey
		requests, basis := total.of[k].requests()
		out.Operations = append(out.Operations, api.Operation{
			Name: k.name, Kind: int(k.kind), Red: figures(requests, over), Series: total.of[k].series(line, basis), TotalTimeNano: wholeNanos(requests.Durations.Total()),
		})
	}
	if rest := ranked[len(out.Operations):]; len(rest) > 0 || total.mixed {
		for i := range rest {
			total.others.merge(&total.of[rest[i].operationKey].byKind)
		}
		out.Other = restOf(&total.others, over)
		if len(rest) > 0 {
			out.NextCursor = ranked[len(out.Operations)-1].cursor(order)
		}
	}
	return out, nil
}

// wholeNanos is a length of time that may be longer than numbers go.
func wholeNanos(ns float64) string {
	if ns >= math.MaxInt64 {
		return nanos(math.MaxInt64)
	}
	return nanos(int64(ns))
}

// rolledOperations adds what a rollup says of a service's operations in the range, and returns by how many bytes their buckets grew.
func rolledOperations(total *sums[operationKey], line *timeline, of *engine.RollupQuery, r *engine.Rolled, s *red.Service) (grown int64) {
	for i := range s.Operations {
		o := &s.Operations[i]
		if !slices.ContainsFunc(o.Cells, func(c red.Cell) bool { return of.In(r, c.Minute) }) {
			continue
		}
		total.add(operationKey{o.Name, int64(o.Kind)}, func(sum *serviceSum) {
			before := sum.bytes
			for k := range o.Cells {
				if cell := &o.Cells[k]; of.In(r, cell.Minute) {
					sum.count(line, r.Start+int64(cell.Minute)*int64(time.Minute), int64(o.Kind), cell)
				}
			}
			grown += sum.bytes - before
		})
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
