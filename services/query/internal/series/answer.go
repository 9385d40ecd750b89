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
	if err := b.charge(); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, o *group) int {
		return cmp.Or(cmp.Compare(o.mean, a.mean), strings.Compare(a.key, o.key), cmp.Compare(uint64(a.id), uint64(o.id))) //nolint:gosec // the bits of a hash
	})
	out.Groups = len(list)
	told := list[:min(len(list), b.Top)]
	for _, g := range told {
		out.Lines = append(out.Lines, b.tell(g))
	}
	if rest := list[len(told):]; len(rest) > 0 {
		out.Other = b.others(rest)
	}
	for _, place := range slices.Sorted(maps.Keys(b.slots)) {
		out.Exemplars = append(out.Exemplars, *b.slots[place])
	}
	out.Bounds = b.common
	return out, nil
}

// together makes groups of lines of numbers. What was added becomes a rate here, where it is known how much of each bucket is covered.
func (b *book) together(covered []float64) []*group {
	groups := map[string]*group{}
	var list []*group
	for _, l := range b.order {
		if b.overTime.rate {
			for i, x := range l.values {
				if l.values[i] = math.NaN(); covered[i] > 0 {
					l.values[i] = finite(x / covered[i])
				}
			}
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
			b.kept += int64(seriesBytes + (32+8)*b.Line.Buckets)
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
func (b *book) tell(g *group) Line {
	out := Line{One: g.one, Series: g.series}
	if !b.overSeries.apart {
		out.Group = aggregate.Values(g.key, len(b.Groups))
	}
	if g.spread == nil {
		out.Over = [][]float64{g.low}
	} else {
		out.Over, out.Heat = b.figures(g.spread.cells)
	}
	return out
}

// figures are what is asked for of distributions.
func (b *book) figures(cells []*distribution) (over [][]float64, heat *Heat) {
	each := func(of func(d *distribution) float64) []float64 {
		out := none(len(cells))
		for i, c := range cells {
			if c != nil {
				out[i] = finite(of(c))
			}
		}
		return out
	}
	switch b.overSeries.name {
	case "histogram":
		return nil, heatOf(cells, &b.common)
	case "mean":
		return [][]float64{each((*distribution).mean)}, nil
	}
	for _, q := range b.Quantiles {
		over = append(over, each(func(d *distribution) float64 { return d.quantile(q) }))
	}
	return over, nil
}

// others are groups that are not told.
func (b *book) others(list []*group) *Other {
	out := &Other{Groups: len(list)}
	for _, g := range list {
		out.Series += g.series
	}
	if b.overSeries.spans {
		cells := make([]*distribution, b.Line.Buckets)
		for _, g := range list {
			for i, c := range g.spread.cells {
				switch {
				case c == nil:
				case cells[i] == nil:
					cells[i] = c.clone()
				default:
					cells[i].add(c, 1, &b.common)
				}
			}
		}
		out.Over, _ = b.figures(cells)
		return out
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
	return out
}

// mostRows is how many rows a heat map of exponential histograms has: their scale is lowered to that.
const mostRows = 160

// heatOf is a heat map: the bounds that all cells have, or of exponential ones buckets of one scale.
func heatOf(cells []*distribution, common *bool) *Heat {
	var all *distribution
	for _, c := range cells {
		switch {
		case c == nil:
		case all == nil:
			all = c.clone()
		default:
			all.add(c, 1, common)
		}
	}
	out := &Heat{Edges: []float64{}, Counts: make([][]float64, len(cells))}
	if all == nil {
		return out
	}
	for all.exponential && len(all.sides[0].counts)+len(all.sides[1].counts) > mostRows {
		all.lower(all.scale - 1)
	}
	out.Edges = all.edges()
	for i, c := range cells {
		if c != nil {
			out.Counts[i] = c.rows(all)
		}
	}
	return out
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
