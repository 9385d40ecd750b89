package series

import (
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What is made of a series in a bucket of time, and of several series together: a new function is a row of a table.

// OverTime makes one number of the points that a series has in a bucket. The zero value leaves the choice to the metric's type.
type OverTime struct{ row *overTime }

type overTime struct {
	name string
	of   func(p *points) float64 // of the points in a bucket; nil of those that are made of what was added between points
	// carried: a bucket without a point has the value of the point before it, while that is not stale
	carried bool
	rate    bool // what was added is told a second
}

func (f *overTime) adds() bool { return f.of == nil }

// points are what a series has in a bucket, of which the newest comes first.
type points struct {
	n                   int64
	sum, min, max, last float64
	ended               bool // the newest says that the series has ended
}

func (p *points) add(x float64) {
	if p.n == 0 {
		p.min, p.max = x, x
		if p.last = x; p.ended {
			p.last = math.NaN()
		}
	}
	p.n++
	p.sum += x
	p.min, p.max = min(p.min, x), max(p.max, x)
}

func overTimes() []overTime {
	return []overTime{
		{name: "last", carried: true, of: func(p *points) float64 { return p.last }},
		{name: "avg", carried: true, of: func(p *points) float64 { return p.sum / float64(p.n) }},
		{name: "min", carried: true, of: func(p *points) float64 { return p.min }},
		{name: "max", carried: true, of: func(p *points) float64 { return p.max }},
		{name: "sum", of: func(p *points) float64 { return p.sum }},
		{name: "count", of: func(p *points) float64 { return float64(p.n) }},
		{name: "rate", rate: true},
		{name: "increase"},
	}
}

// NewOverTime is the function of a name; "" leaves the choice to the metric's type. The error is fault.Invalid.
func NewOverTime(name string) (OverTime, error) {
	row, err := named("over_time", name, overTimes(), func(f *overTime) string { return f.name })
	return OverTime{row}, err
}

// Name is the function's name; "" of the zero value.
func (f OverTime) Name() string {
	if f.row == nil {
		return ""
	}
	return f.row.name
}

// OverSeries makes one line of those of several series. The zero value leaves the choice to the metric's type.
type OverSeries struct{ row *overSeries }

type overSeries struct {
	name  string
	apart bool                     // each series is told by itself
	of    func(m *members) float64 // of those that have a value in a bucket
	spans bool                     // it is made of how values are distributed, which histograms tell
}

// members are the values that the series of a group have in a bucket. They can be added up in any order.
type members struct {
	n             int
	sum, min, max float64
}

func (m *members) add(x float64) { m.merge(&members{1, x, x, x}) }

func (m *members) merge(o *members) {
	switch {
	case o.n == 0:
	case m.n == 0:
		*m = *o
	default:
		m.n, m.sum, m.min, m.max = m.n+o.n, m.sum+o.sum, min(m.min, o.min), max(m.max, o.max)
	}
}

func sumOf(m *members) float64 { return m.sum }

func allOverSeries() []overSeries {
	return []overSeries{
		{name: "none", apart: true, of: sumOf},
		{name: "sum", of: sumOf},
		{name: "avg", of: func(m *members) float64 { return m.sum / float64(m.n) }},
		{name: "min", of: func(m *members) float64 { return m.min }},
		{name: "max", of: func(m *members) float64 { return m.max }},
		{name: "count", of: func(m *members) float64 { return float64(m.n) }},
		{name: "quantile", spans: true},
		{name: "mean", spans: true},
		{name: "histogram", spans: true},
	}
}

// NewOverSeries is the function of a name; "" leaves the choice to the metric's type. The error is fault.Invalid.
func NewOverSeries(name string) (OverSeries, error) {
	row, err := named("over_series", name, allOverSeries(), func(f *overSeries) string { return f.name })
	return OverSeries{row}, err
}

// Name is the function's name; "" of the zero value.
func (f OverSeries) Name() string {
	if f.row == nil {
		return ""
	}
	return f.row.name
}

// Spans reports whether the function is made of how values are distributed.
func (f OverSeries) Spans() bool { return f.row != nil && f.row.spans }

// Value is which number of a histogram's or a summary's points is asked for. The zero value is their count.
type Value struct{ row *value }

type value struct {
	name string
	read func(t *segment.Table, row int, q float64) float64 // NaN where the point has none
	adds func(kind segment.MetricKind) bool                 // it only grows until the sender starts again
	q    bool                                               // of one quantile, which is asked for
}

func double(bits int64) float64 { return math.Float64frombits(uint64(bits)) } //nolint:gosec // IEEE bits

// countOf is how many observations a point has.
func countOf(t *segment.Table, row int) float64 {
	return float64(uint64(t.Ints[segment.ColCount][row])) //nolint:gosec // OTLP's is unsigned
}

// sumOfPoint is the sum of a point's observations.
func sumOfPoint(t *segment.Table, row int) float64 {
	if kindOf(t, row) != segment.Summary && t.Ints[segment.ColHas][row]&segment.HasSum == 0 {
		return math.NaN()
	}
	return double(t.Ints[segment.ColSum][row])
}

func kindOf(t *segment.Table, row int) segment.MetricKind {
	return t.Metrics[t.Series[t.Ints[segment.ColSeries][row]].Metric].Kind
}

func values() []value {
	always := func(segment.MetricKind) bool { return true }
	return []value{
		{name: "count", adds: always, read: func(t *segment.Table, row int, _ float64) float64 { return countOf(t, row) }},
		{name: "sum", adds: always, read: func(t *segment.Table, row int, _ float64) float64 { return sumOfPoint(t, row) }},
		{name: "quantile", q: true, adds: func(segment.MetricKind) bool { return false }, read: func(t *segment.Table, row int, q float64) float64 {
			told := t.Lists[segment.ListQuantileValues].Row(row)
			for i, bits := range t.Lists[segment.ListQuantiles].Row(row) {
				if double(bits) == q && i < len(told) {
					return double(told[i])
				}
			}
			return math.NaN()
		}},
	}
}

// NewValue is the value of a name; "" is the count. The error is fault.Invalid.
func NewValue(name string) (Value, error) {
	row, err := named("value", name, values(), func(v *value) string { return v.name })
	return Value{row}, err
}

// Name is the value's name; "" of the zero value.
func (v Value) Name() string {
	if v.row == nil {
		return ""
	}
	return v.row.name
}

// named finds a row of a table.
func named[T any](of, name string, table []T, nameOf func(*T) string) (*T, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // nothing was asked for
	}
	var names []string
	for i := range table {
		if nameOf(&table[i]) == name {
			return &table[i], nil
		}
		names = append(names, nameOf(&table[i]))
	}
	slices.Sort(names)
	return nil, errFunction.Newf("%s: unknown %.64q%s", of, name, filter.Nearest(name, names))
}
