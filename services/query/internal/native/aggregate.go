package native

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// defaultTop is how many groups are told unless a request says.
const defaultTop = 10

func (h handlers) Aggregate(c echo.Context, _ api.AggregateParams) error {
	return asked(h, c, "an aggregate request", h.aggregate)
}

// asked answers a question whose body is one of its own.
func asked[R, T any](h handlers, c echo.Context, what string, ask func(context.Context, telemetry.Tenant, R) (T, error)) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	r, err := decodeBody[R](c, what)
	if err != nil {
		return err
	}
	result, err := engine.Again(func() (T, error) { return ask(c.Request().Context(), tenant, r) })
	return answer(c, result, err)
}

// newQuery is what a question about all items of a range that meet filters asks the engine.
func (n *API) newQuery(tenant telemetry.Tenant, name api.SignalName, within api.TimeRange, filters []api.Filter) (*engine.Query, error) {
	signal, err := signalOf(name)
	if err != nil {
		return nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: signal}
	if q.From, q.To, err = timeRange(within.StartTime, within.EndTime); err != nil {
		return nil, err
	}
	q.Filter, err = n.filters.Of(tenant).Parse(signal, filters)
	return q, err
}

// newAggregate checks a request.
func (n *API) newAggregate(tenant telemetry.Tenant, r *api.AggregateRequest) (*aggregate.Query, error) {
	counts := aggregate.Of(cmp.Or(r.Of, api.AggregateRequestOfItems))
	filters := r.Filters
	if counts == aggregate.Traces {
		filters = nil // which may look at other spans
	}
	of, err := n.newQuery(tenant, r.Signal, r.TimeRange, filters)
	if err != nil {
		return nil, err
	}
	q := &aggregate.Query{Query: *of, Top: defaultTop, Now: n.now()}
	switch {
	case counts == aggregate.Items:
	case counts != aggregate.Traces:
		return nil, errCounted.Newf("of: %.64q is not %s or %s", string(counts), aggregate.Items, aggregate.Traces)
	case q.Signal != telemetry.Traces:
		return nil, errCounted.Newf("of: %s are of no trace: it is for the signal traces", q.Signal)
	default:
		q.Traces = &trace.Every{}
		if q.Filter, q.Traces.Related, err = n.filters.Of(tenant).ParseSpans(r.Filters, false); err != nil {
			return nil, err
		}
	}
	if r.Limit != nil {
		q.Top = *r.Limit
	}
	for _, m := range r.Measures {
		one, err := aggregate.NewMeasure(n.filters, q.Signal, counts, string(m.Measure), m.Field, m.Q)
		if err == nil {
			err = one.Band(m.Bands, m.Low, m.High)
		}
		if err != nil {
			return nil, err
		}
		q.Measures = append(q.Measures, one)
	}
	for _, name := range r.GroupBy {
		column, err := n.filters.Column(q.Signal, name)
		if err != nil {
			return nil, err
		}
		q.Groups = append(q.Groups, column)
		if counted, ok := n.filters.Counted(q.Signal, name); ok && len(r.GroupBy) == 1 {
			q.Counted = &counted
		}
	}
	q.Line, err = timelineOf(&q.Query, r.Buckets, r.StepSeconds)
	return q, err
}

// timelineOf is the one that a request asks for over a query's range, by at most so many buckets or by a step; nil where it asks for neither.
func timelineOf(q *engine.Query, buckets *int, stepSeconds *int64) (*aggregate.Timeline, error) {
	switch {
	case buckets != nil && stepSeconds != nil:
		return nil, errBuckets.New("buckets and step_seconds: want one of them")
	case buckets != nil:
		if *buckets < leastTimeline || *buckets > aggregate.MostBuckets {
			return nil, errBuckets.Newf("buckets: %d is not between %d and %d", *buckets, leastTimeline, aggregate.MostBuckets)
		}
		line := aggregate.FitTimeline(q.From, q.To, *buckets, time.Second)
		return &line, nil
	case stepSeconds != nil:
		const most = int64(math.MaxInt64 / time.Second / 2)
		if *stepSeconds < 1 || *stepSeconds > most {
			return nil, errBuckets.Newf("step_seconds: %d is not between 1 and %d", *stepSeconds, most)
		}
		line := aggregate.NewTimeline(q.From, q.To, time.Duration(*stepSeconds)*time.Second)
		return &line, nil
	}
	return nil, nil //nolint:nilnil // nothing was asked for
}

func (n *API) aggregate(ctx context.Context, tenant telemetry.Tenant, r api.AggregateRequest) (*api.Aggregate, error) {
	q, err := n.newAggregate(tenant, &r)
	if err != nil {
		return nil, err
	}
	out, err := n.aggregateOf(ctx, q, &r)
	if errors.Is(err, aggregate.ErrUntold) {
		q.Segments = true
		out, err = n.aggregateOf(ctx, q, &r)
	}
	return out, err
}

func (n *API) aggregateOf(ctx context.Context, q *aggregate.Query, r *api.AggregateRequest) (*api.Aggregate, error) {
	started := n.now()
	about := q.Span()
	if q.OfRollups() {
		about = engine.OfRollups
	}
	out := &api.Aggregate{Measures: []api.AggregateMeasure{}, Groups: []api.AggregateGroup{}}
	var got *aggregate.Answer
	err := n.ask(ctx, &q.Query, about, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		got, err = aggregate.Ask(ctx, s, q)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if got.AtLeast && out.Incomplete == nil {
		out.Incomplete = limited("there are more groups than are kept apart (%d at most, and as memory allows): those that came last are in other, even where they are large", aggregate.MostKept)
	}
	if got.Partial > 0 && out.Incomplete == nil {
		out.Incomplete = limited("%d traces may have more spans than were found: those more than an hour from what matches, or of which there are too many, were not looked for", got.Partial)
	}
	for i := range q.Measures {
		m := &q.Measures[i]
		one := api.AggregateMeasure{Measure: m.Name(), Field: m.Field, Q: r.Measures[i].Q, Estimated: got.Estimated[i]}
		if by, is := m.Error(); is && one.Estimated {
			one.Error = &by
		}
		for _, b := range got.Bands[i] {
			one.Bands = append(one.Bands, bandOf(m, b))
		}
		out.Measures = append(out.Measures, one)
	}
	for i := range got.Groups {
		out.Groups = append(out.Groups, *groupOf(&got.Groups[i]))
	}
	if got.Other != nil {
		out.Other = groupOf(got.Other)
	}
	out.Total = *groupOf(&got.Total)
	out.DistinctGroups = got.Distinct
	out.Timeline = lineOf(q.Line)
	out.Covered = api.Covered{StartUnixNano: nanos(got.From), EndUnixNano: nanos(got.To), Seconds: time.Duration(got.To - got.From).Seconds()}
	out.Basis = api.AggregateBasis{Rollups: got.Basis.Rollups, Segments: got.Basis.Segments, PartialTraces: got.Partial}
	return out, nil
}

func lineOf(t *aggregate.Timeline) *api.Timeline {
	if t == nil {
		return nil
	}
	return &api.Timeline{StartUnixNano: nanos(t.Start), StepSeconds: t.Step / int64(time.Second), Buckets: t.Buckets}
}

// groupValues are what a group has of the fields by which it is one; null is none.
func groupValues(list []aggregate.Value) []*otlpjson.Value {
	out := make([]*otlpjson.Value, len(list))
	for i := range list {
		if !list[i].None {
			told := otlpjson.Of(list[i].OTLP())
			out[i] = &told
		}
	}
	return out
}

func groupOf(g *aggregate.Group) *api.AggregateGroup {
	out := &api.AggregateGroup{Values: groupValues(g.Values), Items: g.Items, Figures: figuresOf(g.All)}
	if slices.ContainsFunc(g.Cells, func(of [][]int64) bool { return len(of) > 0 }) {
		out.Cells = g.Cells
	}
	for _, over := range g.Over {
		out.Series = append(out.Series, figuresOf(over))
	}
	return out
}

// bandOf is a range of numbers, with the conditions that find its items.
func bandOf(m *aggregate.Measure, b aggregate.Band) api.Band {
	bound := func(of aggregate.Bound, operator string) api.Filter {
		if of.Included {
			operator += "e"
		}
		if whole := of.At == math.Trunc(of.At) && math.Abs(of.At) < 1<<63; whole { // else JSON may tell 2^62 as 4611686018427388000, which is read as that
			return is(m.Field, operator, int64(of.At)).filter()
		}
		return is(m.Field, operator, of.At).filter()
	}
	return api.Band{From: b.Lower.At, To: b.Upper.At, Lower: bound(b.Lower, "gt"), Upper: bound(b.Upper, "lt")}
}

// figuresOf are figures in JSON, where NaN is null.
func figuresOf(list []float64) []*float64 {
	out := make([]*float64, len(list))
	for i := range list {
		if !math.IsNaN(list[i]) {
			out[i] = &list[i]
		}
	}
	return out
}
