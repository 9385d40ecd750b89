package aggregate

import (
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Measures: what is told of the items of a group. A new one is a row of the table.

// Measure is one figure that is asked for. Its zero value is none.
type Measure struct {
	kind     *measure
	Quantile float64        // of those that are quantiles, from 0 to 1
	Column   filter.Column  // of those that are about the values of a field
	Numbers  filter.Numbers // or about its numbers
	Field    string         // that it is about; "" for items
	Banding  Banding        // of histograms
	whole    *whole         // or about what whole traces have
	number   int            // of Column or Numbers among those of the query
}

// measure is a row of the table.
type measure struct {
	name     string
	quantile float64                                                    // > 0: a quantile, by its own name
	about    about                                                      // what it is made of
	of       func(c *cell, m *Measure, seconds float64) (float64, bool) // false where there is none
	signals  []telemetry.Signal                                         // nil: all
	fails    bool                                                       // failed items have to be counted
	spread   bool                                                       // it needs to know how numbers are distributed
	cells    func(n *numbers) []red.Bucket                              // of histograms, which count by bands: what they count
	rolled   bool                                                       // counts, errors and buckets of durations are enough for it
}

// estimates reports whether a figure of numbers is told from how they are distributed, and not counted.
func (m *measure) estimates() bool { return m.spread && m.cells == nil }

// about is what a measure is made of.
type about uint8

const (
	ofItems about = iota
	ofNumbers
	ofValues
)

func number(of func(n *numbers) float64) func(*cell, *Measure, float64) (float64, bool) {
	return func(c *cell, m *Measure, _ float64) (float64, bool) {
		n := &c.numbers[m.number]
		if n.items == 0 {
			return 0, false
		}
		return of(n), true
	}
}

func quantile(c *cell, m *Measure, _ float64) (float64, bool) {
	n := &c.numbers[m.number]
	if n.items == 0 {
		return 0, false
	}
	return n.quantile(m.Quantile), true
}

// measures is the table.
func measures() []measure {
	failing := []telemetry.Signal{telemetry.Traces, telemetry.Logs}
	list := []measure{
		{name: "count", rolled: true, of: func(c *cell, _ *Measure, _ float64) (float64, bool) { return float64(c.items), true }},
		{name: "rate", rolled: true, of: func(c *cell, _ *Measure, seconds float64) (float64, bool) {
			return float64(c.items) / seconds, seconds > 0
		}},
		{name: "errors", signals: failing, fails: true, rolled: true, of: func(c *cell, _ *Measure, _ float64) (float64, bool) { return float64(c.errors), true }},
		{name: "error_rate", signals: failing, fails: true, rolled: true, of: func(c *cell, _ *Measure, _ float64) (float64, bool) {
			return float64(c.errors) / float64(c.items), c.items > 0
		}},
		{name: "numbers", rolled: true, about: ofNumbers, of: func(c *cell, m *Measure, _ float64) (float64, bool) { return float64(c.numbers[m.number].items), true }},
		{name: "sum", about: ofNumbers, of: number(func(n *numbers) float64 { return n.sum })},
		{name: "avg", about: ofNumbers, of: number(func(n *numbers) float64 { return n.sum / float64(n.items) })},
		{name: "min", about: ofNumbers, of: number(func(n *numbers) float64 { return n.min })},
		{name: "max", about: ofNumbers, of: number(func(n *numbers) float64 { return n.max })},
		{name: "quantile", about: ofNumbers, spread: true, rolled: true, of: quantile},
		{
			name: "histogram", about: ofNumbers, spread: true, rolled: true, cells: func(n *numbers) []red.Bucket { return n.spread.Buckets },
			of: func(c *cell, m *Measure, _ float64) (float64, bool) { return float64(c.numbers[m.number].items), true },
		},
		{
			name: "histogram_errors", signals: failing, about: ofNumbers, spread: true, fails: true, cells: func(n *numbers) []red.Bucket { return n.failed.Buckets },
			of: func(c *cell, m *Measure, _ float64) (float64, bool) {
				return float64(c.numbers[m.number].failures()), true
			},
		},
		{name: "count_distinct", about: ofValues, of: func(c *cell, m *Measure, _ float64) (float64, bool) { return c.distinct[m.number].estimate(), true }},
	}
	for name, q := range map[string]float64{"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99} {
		list = append(list, measure{name: name, quantile: q, about: ofNumbers, spread: true, rolled: true, of: quantile})
	}
	return list
}

// MeasureNames are those that there are, in order.
func MeasureNames() []string {
	var names []string
	for _, m := range measures() {
		names = append(names, m.name)
	}
	slices.Sort(names)
	return names
}

// NewMeasure makes one by its name, of what is counted of a signal or of a field of these; q is asked for by the measure "quantile" alone. The error is fault.Invalid.
func NewMeasure(fields *filter.Parser, signal telemetry.Signal, of Of, name, field string, q *float64) (m Measure, err error) {
	table := measures()
	i := slices.IndexFunc(table, func(m measure) bool { return m.name == name })
	if i < 0 {
		return m, errMeasure.Newf("unknown measure %.64q%s", name, filter.Nearest(name, MeasureNames()))
	}
	k := &table[i]
	m = Measure{kind: k, Field: field, Quantile: k.quantile, Banding: Banding{DefaultBands, math.NaN(), math.NaN()}}
	switch {
	case k.signals != nil && !slices.Contains(k.signals, signal):
		return m, errMeasure.Newf("%s: %s have none", name, signal)
	case k.about == ofItems && field != "":
		return m, errMeasure.Newf("%s is of items, and of no field", name)
	case k.about != ofItems && field == "":
		return m, errMeasure.Newf("%s: of which field is missing", name)
	case k.spread && k.cells == nil && k.quantile == 0:
		if q == nil || !(*q >= 0 && *q <= 1) {
			return m, errMeasure.New("quantile: want q, from 0 to 1")
		}
		m.Quantile = *q
	case q != nil:
		return m, errMeasure.Newf("%s takes no q", name)
	}
	switch k.about {
	case ofItems:
	case ofNumbers:
		if m.whole = wholeOf(of, field); m.whole != nil {
			return m, nil
		}
		m.Numbers, err = fields.Numbers(signal, field)
	case ofValues:
		m.Column, err = fields.Column(signal, field)
	}
	return m, err
}

// scale is that of its numbers.
func (m *Measure) scale() scale {
	if m.whole != nil {
		return m.whole.scale
	}
	return scaleOf(m.Numbers)
}

// Name is the measure's name.
func (m *Measure) Name() string { return m.kind.name }

// Error reports whether a measure may be an estimate, and by how much of itself one is off: a count of more values than are kept is by more than
// that in one of three; a quantile never is by more.
func (m *Measure) Error() (part float64, is bool) {
	switch {
	case m.kind.about == ofValues:
		return 1 / math.Sqrt(mostHashes-2), true
	case m.kind.estimates():
		return quantileError, true
	}
	return 0, false
}
