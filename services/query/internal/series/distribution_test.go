package series

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func explicit(bounds, counts []float64) *distribution {
	d := &distribution{bounds: bounds, counts: counts}
	for _, n := range counts {
		d.count += n
	}
	return d
}

// exponential is one with the sides' counts from the index 0 on, unless an offset is given.
func exponential(scale int, threshold, zero float64, below, above side) *distribution {
	d := &distribution{exponential: true, scale: scale, threshold: threshold, zero: zero, sides: [2]side{above, below}}
	for _, b := range d.buckets() {
		d.count += b.count
	}
	return d
}

// By hand: linear within a bucket of explicit bounds, by the exponent within one of an exponential histogram.
func TestQuantilesByHand(t *testing.T) {
	t.Parallel()
	four := explicit([]float64{1, 2, 4}, []float64{2, 4, 2, 2})
	none := math.NaN()
	above := exponential(0, 0, 0, side{}, side{counts: []float64{2, 2}})                         // (1, 2], (2, 4]
	zero := exponential(0, 0.5, 4, side{}, side{counts: []float64{2, 2}})                        // [0, 0.5] before
	both := exponential(0, 0.5, 4, side{counts: []float64{2, 2}}, side{counts: []float64{2, 2}}) // (-4, -2], (-2, -1], [-0.5, 0.5] before
	fine := exponential(1, 0, 0, side{}, side{offset: -2, counts: []float64{1, 0, 1}})           // (1/2, 1/√2], (1, √2]
	coarse := exponential(-1, 0, 0, side{}, side{counts: []float64{1}})                          // (1, 4]
	for _, c := range []struct {
		of      *distribution
		q, want float64
	}{
		{four, 0, 0},
		{four, 0.1, 0.5},  // half of the first, which begins at 0
		{four, 0.2, 1},    // all of the first
		{four, 0.5, 1.75}, // (5 - 2) / 4 of what is between 1 and 2
		{four, 0.7, 3},
		{four, 0.99, 4}, // beyond the last bound
		{four, 1, 4},
		{explicit([]float64{-3, 5}, []float64{4, 4, 0}), 0.1, -3}, // beyond the first, which is not above 0
		{explicit([]float64{-3, 5}, []float64{4, 4, 0}), 0.75, 1},
		{explicit([]float64{1, 2, 4}, []float64{0, 0, 3, 0}), 0, 2}, // empty buckets are passed by
		{explicit([]float64{1, 2, 4}, []float64{0, 0, 3, 0}), 1, 4},
		{explicit([]float64{1}, []float64{0, 0}), 0.5, none},
		{explicit(nil, []float64{7}), 0.5, none},
		{above, 0, 1},
		{above, 0.25, math.Sqrt2},
		{above, 0.5, 2},
		{above, 0.75, 2 * math.Sqrt2},
		{above, 1, 4},
		{zero, 0.25, 0.25}, // half of 0 to 0.5: nothing is below zero
		{zero, 0.5, 0.5},
		{zero, 0.625, math.Sqrt2},
		{both, 0, -4},
		{both, 1.0 / 12, -2 * math.Sqrt2},
		{both, 0.25, -math.Sqrt2},
		{both, 0.5, 0},
		{both, 0.75, math.Sqrt2},
		{both, 1, 4},
		{fine, 0.25, math.Exp2(-0.75)},
		{fine, 0.75, math.Exp2(0.25)},
		{coarse, 0.5, 2},
		{exponential(0, 0, 0, side{}, side{}), 0.5, none},
		{exponential(3, 0, 5, side{}, side{}), 0.9, 0},
	} {
		got := c.of.quantile(c.q)
		if math.IsNaN(c.want) {
			require.True(t, math.IsNaN(got), "%v of %+v: %v", c.q, c.of, got)
			continue
		}
		require.InDelta(t, c.want, got, 1e-12, "%v of %+v", c.q, c.of)
	}
}

func TestDifferentBoundsAreMergedToCommonOnes(t *testing.T) {
	t.Parallel()
	common := false
	d := explicit([]float64{1, 2, 5}, []float64{1, 2, 3, 4})
	d.add(explicit([]float64{1, 2, 5}, []float64{1, 1, 1, 1}), 0.5, &common)
	require.False(t, common)
	require.Equal(t, []float64{1.5, 2.5, 3.5, 4.5}, d.counts)
	other := explicit([]float64{0.5, 2, 5, 9}, []float64{1, 1, 1, 1, 1})
	d.add(other, 1, &common)
	require.True(t, common)
	require.Equal(t, []float64{2, 5}, d.bounds)
	require.Equal(t, []float64{4 + 2, 3.5 + 1, 4.5 + 2}, d.counts)
	require.Equal(t, []float64{1, 1, 1, 1, 1}, other.counts, "what is added is not changed")
	d.add(explicit(nil, []float64{3}), 1, &common)
	require.Empty(t, d.bounds)
	require.Equal(t, []float64{20}, d.counts)
}

// observe counts numbers as a sender would.
func observe(scale int, threshold float64, list []float64) *distribution {
	d := &distribution{exponential: true, scale: scale, threshold: threshold}
	for _, x := range list {
		d.count++
		d.sum += x
		if math.Abs(x) <= threshold {
			d.zero++
			continue
		}
		at := int64(math.Ceil(math.Ldexp(math.Log2(math.Abs(x)), scale))) - 1
		one := side{offset: at, counts: []float64{1}}
		if x > 0 {
			d.sides[positive].add(&one, 1)
		} else {
			d.sides[negative].add(&one, 1)
		}
	}
	return d
}

// Whatever scales and zero buckets exponential histograms have and in whatever order they are added up, together they are that of all observations by the lowest
// scale and the widest zero bucket; and what was added since an earlier one is what was observed since.
func TestExponentialHistogramsAddUp(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 9))
	for range 300 {
		var all []float64
		var sum *distribution
		scale, threshold := greatestScale, 0.0
		for range 1 + rnd.IntN(5) {
			var list []float64
			for range rnd.IntN(30) {
				list = append(list, rnd.NormFloat64()*math.Exp(4*rnd.NormFloat64()))
			}
			s := rnd.IntN(6)
			width := []float64{0, 0, 1.0 / 1024, 0.25, 4}[rnd.IntN(5)] // ends of buckets, of whatever scale
			d := observe(s, width, list)
			half := len(list) / 2
			before := observe(s, width, list[:half])
			added, ok := d.since(before)
			require.True(t, ok)
			same(t, observe(s, width, list[half:]), added)
			if half > 0 {
				_, ok = before.since(d)
				require.Equal(t, half == len(list), ok, "less than before is a new beginning")
			}
			all = append(all, list...)
			scale, threshold = min(scale, s), max(threshold, width)
			if sum == nil {
				sum = d.clone()
				continue
			}
			untouched := d.clone()
			sum.add(d, 1, nil)
			require.Equal(t, untouched, d, "what is added is not changed")
		}
		same(t, observe(scale, threshold, all), sum)
	}
}

func same(t *testing.T, want, got *distribution) {
	t.Helper()
	require.InDelta(t, want.count, got.count, 1e-9)
	require.InDelta(t, want.sum, got.sum, 1e-6*max(1, math.Abs(want.sum)))
	require.Equal(t, want.scale, got.scale)
	require.InDelta(t, want.threshold, got.threshold, 0)
	require.InDelta(t, want.zero, got.zero, 0)
	require.Equal(t, want.buckets(), got.buckets())
}

// A zero bucket that ends within another's bucket is widened to its end; what is far apart is kept in few buckets; what is out of all bounds ends nothing.
func TestExponentialHistogramsOfOddShapes(t *testing.T) {
	t.Parallel()
	d := exponential(0, 0, 0, side{}, side{counts: []float64{3, 5}}) // (1, 2], (2, 4]
	d.add(exponential(0, 1.5, 2, side{}, side{offset: 1, counts: []float64{1}}), 1, nil)
	require.InDelta(t, 2, d.threshold, 0)
	require.InDelta(t, 5, d.zero, 0)
	require.Equal(t, []bucket{{0, 2, 5}, {2, 4, 6}}, d.buckets())

	far := exponential(20, 0, 0, side{}, side{offset: math.MinInt32, counts: []float64{1}})
	far.add(exponential(20, 0, 0, side{}, side{offset: math.MaxInt32, counts: []float64{1}}), 1, nil)
	require.LessOrEqual(t, len(far.sides[positive].counts), mostSide)
	require.InDelta(t, 2, far.count, 0)
	require.Len(t, far.buckets(), 2)
	for _, scale := range []int{math.MinInt32, -1000, 1000, math.MaxInt32} {
		odd := exponential(scale, 0, 1, side{offset: 7, counts: []float64{1, 2}}, side{offset: -9, counts: []float64{1}})
		odd.lower(min(scale, greatestScale))
		odd.fit()
		odd.add(exponential(3, 1, 1, side{counts: []float64{1}}, side{offset: 5, counts: []float64{1}}), 0.5, nil)
		require.False(t, math.IsNaN(odd.quantile(0.5)), "%d: %+v", scale, odd)
	}
}

func TestCoveredTimeIsAUnion(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var c covered
		seconds := map[int64]bool{}
		for range rnd.IntN(40) {
			from := rnd.Int64N(200)
			to := from + rnd.Int64N(20)
			c.add(from, to)
			for at := from; at < to; at++ {
				seconds[at] = true
			}
		}
		for range 20 {
			from := rnd.Int64N(200)
			to := from + rnd.Int64N(50)
			want := int64(0)
			for at := from; at < to; at++ {
				if seconds[at] {
					want++
				}
			}
			require.Equal(t, want, c.within(from, to), "%v", c.list)
		}
		for i := 1; i < len(c.list); i++ {
			require.Greater(t, c.list[i].from, c.list[i-1].to)
		}
	}
	var many covered
	for i := range int64(3 * mostStretches) {
		many.add(10*i, 10*i+1+i%7)
	}
	require.LessOrEqual(t, len(many.list), mostStretches+1)
}
