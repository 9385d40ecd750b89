// Package series tells of one metric over time: its points become lines, one for each series or for several together. It stands above the engine and knows neither
// HTTP nor the types of a front end: front ends make a Query and render an Answer.
//
//	Query ─ plan ─> points of each segment ─ engine.Scan, newest first ─> lines, a series each ─ over series ─ top N, other ─> Answer
//
// Invariants: points of a series are looked at once each and from the newest to the oldest, whatever segments they lie in: those of a segment wait until no
// segment to come can hold a newer one. Of several points of one series and time, that which was stored last counts. What is added between two points counts by
// the part of that time which a bucket has, so that the buckets of a range add up to what was added in it, and nothing is reckoned beyond points. A value that is no
// number, or an infinite one, is none. A line that is told is whole; what is not told is in Other.
package series

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Bounds of a query.
const (
	MostGroups    = 3      // fields to group by
	MostTop       = 1000   // lines that are told
	MostSeries    = 20_000 // that are looked at; fewer where memory is short
	MostQuantiles = 10
	MostExemplars = 1000
	mostFigures   = 1 << 18 // that one answer tells: some 5 MB of JSON

	mostExemplarBytes = 2 << 20 // of attributes that one answer tells with exemplars, each of which has its part
)

// LeastLookback is for how long the value of a point holds, and two points are taken for neighbours, unless a query says: or for a bucket, where that is longer.
const LeastLookback = 5 * time.Minute

// Query is what is asked for. It is not changed while it is in use.
type Query struct {
	engine.Query // of points of one metric, by its filter
	OverTime     OverTime
	OverSeries   OverSeries
	Value        Value     // of histograms and summaries
	Quantiles    []float64 // of OverSeries quantile; the one of Value quantile
	Groups       []filter.Column
	Top          int // lines that are told
	Line         aggregate.Timeline
	Lookback     time.Duration // 0: LeastLookback, or the step where that is longer
	Exemplars    int           // at most so many are told, spread over the range
	Now          time.Time     // no value is told of a time that has not come
}

func (q *Query) check() error {
	switch {
	case len(q.Groups) > MostGroups:
		return errShape.Newf("group_by: want %d fields at most", MostGroups)
	case q.Top < 1 || q.Top > MostTop:
		return errShape.Newf("limit: %d is not between 1 and %d", q.Top, MostTop)
	case q.Line.Buckets < 1 || q.Line.Buckets > aggregate.MostBuckets:
		return errShape.Newf("the range has %d buckets; want %d at most", q.Line.Buckets, aggregate.MostBuckets)
	case q.Line.Buckets*q.Top*max(len(q.Quantiles), 1) > mostFigures:
		return errShape.Newf("limit: %d lines in %d buckets are more than the %d figures that one answer tells", q.Top*max(len(q.Quantiles), 1), q.Line.Buckets, mostFigures)
	case q.Lookback < 0:
		return errShape.New("lookback: want a time, not a negative one")
	case q.Exemplars < 0 || q.Exemplars > MostExemplars:
		return errShape.Newf("exemplars: %d is not between 0 and %d", q.Exemplars, MostExemplars)
	}
	return q.checkFunctions()
}

// checkFunctions refuses what does not go together, whatever type the metric is of.
func (q *Query) checkFunctions() error {
	for _, x := range q.Quantiles {
		if !(x >= 0 && x <= 1) {
			return errShape.Newf("quantiles: %v is not between 0 and 1", x)
		}
	}
	series, spans := q.OverSeries.Name(), q.OverSeries.Spans()
	ofQuantile := q.Value.row != nil && q.Value.row.q
	switch n := len(q.Quantiles); {
	case n > MostQuantiles:
		return errShape.Newf("quantiles: want %d at most", MostQuantiles)
	case series == "quantile" && n == 0:
		return errShape.New("quantiles: which are wanted is missing")
	case ofQuantile && n != 1:
		return errShape.New("quantiles: want the one of value quantile")
	case series != "quantile" && !ofQuantile && n > 0:
		return errShape.New("quantiles: they are of over_series quantile, and of value quantile")
	case series == "none" && len(q.Groups) > 0:
		return errFunction.New("over_series: none tells each series by itself, and takes no group_by")
	case spans && q.Value.row != nil:
		return errFunction.Newf("value: %s is made of all that a histogram tells", series)
	case spans && q.OverTime.row != nil && !q.OverTime.row.adds():
		return errFunction.Newf("over_time: %s is of what was observed in a bucket; want increase, or none", series)
	}
	return nil
}

// Answer is what there is.
type Answer struct {
	Metrics    []segment.Metric // that have the name: of one type and unit, of several temporalities maybe
	OverTime   OverTime         // what was chosen, where the query left it open
	OverSeries OverSeries
	Value      Value
	Lookback   time.Duration
	Lines      []Line    // those with the highest mean
	Other      *Other    // all others; nil where there are none
	Series     int       // that were found
	Groups     int       // that they make
	AtLeast    bool      // there are more series, which had no room: nothing of them is told
	Covered    []float64 // of each bucket, for how many seconds it is known what was added; nil where that is not asked for
	Exemplars  []Exemplar
	Notes      Notes
	Bounds     bool // series have different bounds: what is told is by those that all have
}

// Line is what is told of one series or group. NaN is no value.
type Line struct {
	Group  []aggregate.Value
	One    *Series // nil of a group
	Series int
	Over   [][]float64 // by bucket: one list, or one for each quantile
	Heat   *Heat       // of a histogram
}

// Heat is how observations are distributed over time: Counts[b][i] are those of bucket b above Edges[i], up to Edges[i+1].
type Heat struct {
	Edges  []float64
	Counts [][]float64 // nil of a bucket without any
}

// Other is what lines that are not told come to.
type Other struct {
	Groups, Series int
	Over           [][]float64 // of all of them together, as a line; nil of series that are told by themselves
	Min, Max       []float64   // between which their values lie; nil of what is made of distributions
}

// Series is one series, as it was sent.
type Series struct {
	ID                            int64
	Temporality                   int32
	ServiceName, ServiceNamespace string
	ScopeName, ScopeVersion       string
	Attributes, Resource, Scope   []Label
}

// Label is an attribute.
type Label struct {
	Key   string
	Value segment.Value
}

// Exemplar is one observation, of a trace if that is known.
type Exemplar struct {
	Time       int64
	Value      float64
	TraceID    [16]byte // zero for none
	SpanID     [8]byte
	Series     int64
	Group      []aggregate.Value
	Attributes []Label // the first, as many as it may have
	Left       int     // attributes that are not told

	key string // of its group
}

// Notes count what does not come into lines as one might think.
type Notes struct {
	Points     int64 // that were looked at
	Duplicates int64 // points of one series and time but the one that was stored last
	NoNumbers  int64 // values that are no numbers or infinite, and points without one
	Gaps       int64 // times between two points longer than the lookback: what was added in them is not told
	Resets     int64 // times that a sender began anew
	Overlaps   int64 // points whose start time lies before the point before: several senders of one series, or one that sets it at will
}

// Ask answers a query. Errors are the engine's, and fault.Invalid for what asks too much or what the metric does not have.
func Ask(ctx context.Context, s *engine.Snapshot, q *Query) (*Answer, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	p := newPlan(q)
	all := newBook(p, s)
	frontier, err := engine.Scan(ctx, s, &p.read, engine.Always(p.want), p.visit, func(_ []*engine.Header, parts []*part, next int64) bool { return all.take(ctx, parts, next) })
	if all.failed != nil {
		return nil, all.failed
	}
	if err != nil {
		return nil, err
	}
	since := p.read.From
	if frontier != engine.Complete {
		since = max(since, frontier+1)
		s.CutAt(max(since, q.From))
	}
	if err := all.end(ctx, since); err != nil {
		return nil, err
	}
	return all.answer()
}

// mean is the mean of what a list has; -Inf of nothing.
func mean(list []float64) float64 {
	sum, n := 0.0, 0
	for _, x := range list {
		if !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	if n == 0 {
		return math.Inf(-1)
	}
	return sum / float64(n)
}

// none is no value in each of so many buckets.
func none(n int) []float64 { return slices.Repeat([]float64{math.NaN()}, n) }
