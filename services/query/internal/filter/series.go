package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// seriesTest tests the metric of each series of a segment once, and then the series of each row.
type seriesTest struct {
	probes []Probe
	holds  func(m *segment.Metric) bool
}

func metricName() func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			v, err := newValueTest(op, values)
			return &seriesTest{v.tokens(segment.ScopeField, "name"), func(m *segment.Metric) bool { return v.present(m.Name) }}, err
		}
	}
}

func metricUnit() func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			v, err := newValueTest(op, values)
			return &seriesTest{nil, func(m *segment.Metric) bool { return v.present(m.Unit) }}, err
		}
	}
}

func seriesType(t numberTest) matcher {
	return &seriesTest{nil, func(m *segment.Metric) bool { return t.holds(int64(m.Kind)) }}
}

func (t *seriesTest) Columns(c *columns.Set) { c.Int(segment.ColSeries) }

func (t *seriesTest) Bounds() Bounds { return Bounds{Probes: t.probes} }

func (t *seriesTest) cost() cost { return byText }

func (t *seriesTest) Match(r *columns.Reader, hits []bool) {
	markSeries(r, hits, func(of *segment.Table, s *segment.Series) bool { return t.holds(&of.Metrics[s.Metric]) })
}

// markSeries sets hits of the rows of each series that passes.
func markSeries(r *columns.Reader, hits []bool, holds func(of *segment.Table, s *segment.Series) bool) {
	all := r.Dictionaries()
	of := make([]bool, len(all.Series))
	for i := range all.Series {
		of[i] = holds(all, &all.Series[i])
	}
	for i, n := range all.Ints[segment.ColSeries] {
		hits[i] = of[n]
	}
}
