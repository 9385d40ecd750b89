package series

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
)

// Lines become the answer: those of a group together, the highest first, and the others as one.

// group is some lines together.
type group struct {
	key     string
	one     *Series
	id      int64
	series  int
	members []members // by bucket
	low     []float64 // its line
	spread  *spread
	mean    float64
}

func (b *book) answer() (*Answer, error) {
	out := &Answer{
		Metrics: b.metrics, OverTime: OverTime{b.overTime}, OverSeries: OverSeries{b.overSeries}, Value: b.Value, Lookback: time.Duration(b.lookback), Series: len(b.lines),
		AtLeast: b.atLeast, Notes: b.notes, Lines: []Line{},
	}
	if len(b.lines) == 0 {
		return out, nil
	}
	if kind := b.metrics[0].Kind; kind != segment.Gauge && kind != segment.Sum && !b.overSeries.spans && b.Value.row == nil {
		out.Value = Value{&values()[0]}
	}
	if b.overTime.adds() || b.overSeries.spans {
		out.Covered = make([]float64, b.Line.Buckets)
		for i := range out.Covered {
			out.Covered[i] = time.Duration(b.covered.within(b.times(i))).Seconds()
		}
	}
	var list []*group
	if b.overSeries.spans {
		for _, s := range b.groups {
			g := &group{key: s.key, series: s.series, spread: s}
			for _, c := range s.cells {
				if c != nil {
					g.mean += c.count
				}
			}
			list = append(list, g)
		}
	} else {
		list = b.together(out.Covered)
	}
	slices.SortFunc(list, func(a, o *group) int {
		return cmp.Or(cmp.Compare(o.mean, a.mean), strings.Compare(a.key, o.key), cmp.Compare(uint64(a.id), uint64(o.id))) //nolint:gosec // the bits of a hash
	})
	out.Groups = len(list)
	told, rest := list[:min(len(list), b.Top)], list[min(len(list), b.Top):]
	maps.DeleteFunc(b.slots, func(_ int, e *Exemplar) bool { return e.Time < b.from })
	if err := b.chargeAnswer(told, rest); err != nil {
		return nil, err
	}
	// Edges are figures, too, as those of one more bucket.
	heat := heating{rows: min(mostRows, max(mostFigures/(len(told)*(b.Line.Buckets+1)), leastRows))}
	for _, g := range told {
		line, err := b.tell(g, &heat)
		if err != nil {
			return nil, err
		}
		out.Lines = append(out.Lines, line)
	}
	if len(rest) > 0 {
		var err error
		if out.Other, err = b.others(rest); err != nil {
			return nil, err
		}
	}
	for _, place := range slices.Sorted(maps.Keys(b.slots)) {
		e := b.slots[place]
		e.Group = aggregate.Values(e.key, len(b.Groups))
		out.Exemplars = append(out.Exemplars, *e)
	}
	out.Bounds = b.common
	return out, nil
}

// What an answer takes until it is sent.
const (
	figureBytes = 48 // of one figure: itself, where it stands in the answer, and as text
	textTimes   = 3  // of a text: as what it is, in the answer, and as JSON
)

// chargeAnswer charges the question with what lines and exemplars take until they are sent, but for heat maps, of which it is not known yet how many rows they have.
func (b *book) chargeAnswer(told, rest []*group) error {
	lists := 1
	switch b.overSeries.name {
	case "histogram":
		lists = 0
	case "quantile":
		lists = len(b.Quantiles)
	}
	figures := len(told) * lists
	if len(rest) > 0 {
		figures += lists + 2 // between which values they lie
	}
	bytes := figures * b.Line.Buckets * figureBytes
	text := 0
	for _, g := range told {
		if text += seriesBytes + len(g.key); g.one != nil {
			text += len(g.one.ServiceName) + len(g.one.ServiceNamespace) + len(g.one.ScopeName) + len(g.one.ScopeVersion)
			text += bytesOf(g.one.Attributes) + bytesOf(g.one.Resource) + bytesOf(g.one.Scope)
		}
	}
	for _, e := range b.slots {
		text += len(e.key) + e.bytes()
	}
	b.kept += int64(bytes + textTimes*text)
	return b.charge()
}

// together makes groups of lines of numbers. What was added becomes a rate here, where it is known how much of each bucket is covered.
func (b *book) together(covered []float64) []*group {
	groups := map[string]*group{}
	var list []*group
	for _, l := range b.order {
		if b.overTime.rate {
			for i, x := range l.values {
				if l.values[i] = math.NaN(); covered[i] > 0 {
					l.values[i] = x / covered[i]
				}
			}
		}
		for i, x := range l.values {
			l.values[i] = finite(x)
		}
		if b.overSeries.apart {
			list = append(list, &group{one: l.one, id: l.id, series: 1, low: l.values, mean: mean(l.values)})
			continue
		}
		g := groups[l.key]
		if g == nil {
			g = &group{key: l.key, members: make([]members, b.Line.Buckets)}
			groups[l.key] = g
			list = append(list, g)
		}
		g.series++
		for i, x := range l.values {
			if !math.IsNaN(x) {
				g.members[i].add(x)
			}
		}
	}
	for _, g := range list {
		if g.low == nil {
			g.low = b.line(g.members)
			g.mean = mean(g.low)
		}
	}
	return list
}

// line is what members come to, by bucket.
func (b *book) line(of []members) []float64 {
	out := none(len(of))
	for i := range of {
		if of[i].n > 0 {
			out[i] = finite(b.overSeries.of(&of[i]))
		}
	}
	return out
}

// tell tells a group.
func (b *book) tell(g *group, heat *heating) (out Line, err error) {
	out = Line{One: g.one, Series: g.series}
	if !b.overSeries.apart {
		out.Group = aggregate.Values(g.key, len(b.Groups))
	}
	switch {
	case g.spread == nil:
		out.Over = [][]float64{g.low}
	case b.overSeries.name == "histogram":
		out.Heat, err = b.heatOf(g.spread.cells, heat)
	default:
		out.Over = b.figures(g.spread.cells)
	}
	return out, err
}

// figures are what is asked for of distributions.
func (b *book) figures(cells []*distribution) (over [][]float64) {
	each := func(of func(d *distribution) float64) []float64 {
		out := none(len(cells))
		for i, c := range cells {
			if c != nil {
				out[i] = finite(of(c))
			}
		}
		return out
	}
	if b.overSeries.name == "mean" {
		return [][]float64{each((*distribution).mean)}
	}
	for _, q := range b.Quantiles {
		over = append(over, each(func(d *distribution) float64 { return d.quantile(q) }))
	}
	return over
}

// others are groups that are not told.
func (b *book) others(list []*group) (*Other, error) {
	out := &Other{Groups: len(list)}
	for _, g := range list {
		out.Series += g.series
	}
	switch {
	case b.overSeries.name == "histogram": // of which nothing is told
		return out, nil
	case b.overSeries.spans:
		cells := make([]*distribution, b.Line.Buckets)
		for _, g := range list {
			for i, c := range g.spread.cells {
				if c == nil {
					continue
				}
				before := cells[i].bytes()
				if cells[i] == nil {
					cells[i] = c.clone()
				} else {
					cells[i].add(c, 1, &b.common)
				}
				b.spreads += int64(cells[i].bytes() - before)
			}
			if err := b.charge(); err != nil {
				return nil, err
			}
		}
		out.Over = b.figures(cells)
		return out, nil
	}
	together, envelope := make([]members, b.Line.Buckets), make([]members, b.Line.Buckets)
	for _, g := range list {
		for i := range g.members {
			together[i].merge(&g.members[i])
		}
		for i, x := range g.low {
			if !math.IsNaN(x) {
				envelope[i].add(x)
			}
		}
	}
	if !b.overSeries.apart {
		out.Over = [][]float64{b.line(together)}
	}
	out.Min, out.Max = none(b.Line.Buckets), none(b.Line.Buckets)
	for i := range envelope {
		if envelope[i].n > 0 {
			out.Min[i], out.Max[i] = envelope[i].min, envelope[i].max
		}
	}
	return out, nil
}

// How many rows a heat map of exponential histograms has: their scale is lowered to the most, and to as many as all lines have room for, but not below the least.
const (
	mostRows  = 161
	leastRows = 9
)

// heating is how heat maps become an answer.
type heating struct {
	rows    int // of one of exponential histograms, at most
	figures int // that were told
}

// heatOf is a heat map: the bounds that all cells have, or of exponential ones buckets of one scale. It is charged before it is made.
func (b *book) heatOf(cells []*distribution, heat *heating) (*Heat, error) {
	var all *distribution
	filled := 0
	for _, c := range cells {
		if c == nil {
			continue
		}
		if filled++; all == nil {
			all = c.clone()
		} else {
			all.add(c, 1, &b.common)
		}
	}
	out := &Heat{Edges: []float64{}, Counts: make([][]float64, len(cells))}
	if all == nil {
		return out, nil
	}
	rows := func() int {
		if all.exponential {
			return len(all.sides[negative].counts) + 1 + len(all.sides[positive].counts)
		}
		return len(all.counts)
	}
	for all.exponential && rows() > heat.rows {
		all.lower(all.scale - 1)
	}
	figures := rows() * (filled + 1) // edges are figures, too
	if heat.figures += figures; heat.figures > mostFigures {
		return nil, errShape.Newf("limit: heat maps of so many lines, with %d rows in %d buckets of time, are more than the %d figures that one answer tells; want fewer lines or buckets",
			rows(), b.Line.Buckets, mostFigures)
	}
	b.kept += int64(figures * figureBytes)
	if err := b.charge(); err != nil {
		return nil, err
	}
	out.Edges = all.edges()
	for i, c := range cells {
		if c != nil {
			out.Counts[i] = c.rows(all)
		}
	}
	return out, nil
}

// edges are the ends of all buckets, rising. What an exponential histogram has between its two sides is one bucket, that of zero.
func (d *distribution) edges() []float64 {
	if !d.exponential {
		return slices.Concat([]float64{math.Inf(-1)}, d.bounds, []float64{math.Inf(1)})
	}
	var out []float64
	below, above := &d.sides[negative], &d.sides[positive]
	for i := len(below.counts); i > 0; i-- {
		out = append(out, -d.boundary(below.offset+int64(i)))
	}
	low, high := -d.threshold, d.threshold
	if len(below.counts) > 0 {
		low = -d.boundary(below.offset)
	}
	if len(above.counts) > 0 {
		high = d.boundary(above.offset)
	}
	out = append(out, low, high)
	for i := range above.counts {
		out = append(out, d.boundary(above.offset+int64(i)+1))
	}
	return out
}

// rows are the counts of a distribution by the buckets of another, which has those of all.
func (d *distribution) rows(all *distribution) []float64 {
	if !d.exponential {
		return d.over(all.bounds)
	}
	c := d.clone()
	c.lower(all.scale)
	c.widen(all.threshold)
	below, above := &all.sides[negative], &all.sides[positive]
	out := make([]float64, len(below.counts)+1+len(above.counts))
	zero := len(below.counts)
	out[zero] = c.zero
	put := func(s *side, of *side, row func(i int64) int64) {
		for k, n := range s.counts {
			if n == 0 {
				continue
			}
			at := int64(zero)
			if i := s.offset + int64(k) - of.offset; i >= 0 && i < int64(len(of.counts)) {
				at = row(i)
			}
			out[at] += n
		}
	}
	put(&c.sides[negative], below, func(i int64) int64 { return int64(zero) - 1 - i })
	put(&c.sides[positive], above, func(i int64) int64 { return int64(zero) + 1 + i })
	return out
}
