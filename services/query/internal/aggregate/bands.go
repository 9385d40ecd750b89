package aggregate

import (
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
)

// Bands are ranges of a field's numbers, one above the other, in which histograms count. They are made of the buckets that numbers are counted in, once all are
// known: as narrow as there is room for, a whole number of buckets each, so that what a band counts is exact.

// Bounds of how many bands a histogram has, but for those of what is beyond.
const (
	LeastBands   = 3 // numbers below 0, 0 and above are never in one
	MostBands    = 200
	DefaultBands = 40
)

// Banding says which bands a histogram has: at most so many, and one of all that is below Low, and one of all that is above High, each as its bucket allows; NaN
// is no bound.
type Banding struct {
	Most      int
	Low, High float64
}

// Band is a range of numbers.
type Band struct{ Lower, Upper Bound }

// Bound is an end of a band.
type Bound struct {
	At       float64
	Included bool
}

// Band sets the bands of a histogram; nil is what is usual. The error is fault.Invalid.
func (m *Measure) Band(most *int, low, high *float64) error {
	if m.kind.cells == nil {
		if most != nil || low != nil || high != nil {
			return errMeasure.Newf("%s has no bands", m.kind.name)
		}
		return nil
	}
	if most != nil {
		if *most < LeastBands || *most > MostBands {
			return errMeasure.Newf("bands: %d is not between %d and %d", *most, LeastBands, MostBands)
		}
		m.Banding.Most = *most
	}
	if low != nil {
		m.Banding.Low = *low
	}
	if high != nil {
		m.Banding.High = *high
	}
	if m.Banding.Low > m.Banding.High {
		return errMeasure.Newf("low: %v is more than high, which is %v", *low, *high)
	}
	return nil
}

// buckets are those from one to before another.
type buckets struct{ from, to int64 }

// ends are all buckets that there are.
func (s scale) ends() buckets {
	if s == ofDurations {
		return buckets{0, red.Unknown}
	}
	return buckets{-infinite, infinite}
}

// infinite is the bucket in which infinity would be.
const infinite = 0x7ff << 8

// fit makes bands for the numbers of some buckets, which are sorted.
func (s scale) fit(of []red.Bucket, b *Banding) (bands []buckets) {
	ends := s.ends()
	within := ends
	if !math.IsNaN(b.Low) {
		within.from = s.bucketNear(b.Low)
	}
	if !math.IsNaN(b.High) {
		within.to = s.bucketNear(b.High) + 1
	}
	// Those of numbers below 0, of 0, and of those above: bands of many buckets would not tell them apart.
	type part struct{ has, within buckets }
	var parts []part
	for _, sign := range []buckets{{ends.from, 0}, {0, 1}, {1, ends.to}} {
		from, to := int64(math.MaxInt64), int64(math.MinInt64)
		for _, one := range of {
			if n := int64(one.Number); n >= max(sign.from, within.from) && n < min(sign.to, within.to) {
				from, to = min(from, n), n+1
			}
		}
		if from < to {
			parts = append(parts, part{buckets{from, to}, buckets{max(sign.from, within.from), min(sign.to, within.to)}})
		}
	}
	shift := 0
	for ; ; shift++ {
		n := int64(0)
		for _, p := range parts {
			n += (p.has.to-1)>>shift - p.has.from>>shift + 1
		}
		if n <= int64(b.Most) {
			break
		}
	}
	if ends.from < within.from {
		bands = append(bands, buckets{ends.from, within.from})
	}
	for _, p := range parts {
		for n := p.has.from >> shift; n <= (p.has.to-1)>>shift; n++ {
			bands = append(bands, buckets{max(n<<shift, p.within.from), min((n+1)<<shift, p.within.to)})
		}
	}
	if within.to < ends.to {
		bands = append(bands, buckets{within.to, ends.to})
	}
	return bands
}

// bucketNear is the bucket of a number, or the one nearest to it that there is.
func (s scale) bucketNear(x float64) int64 {
	if s == ofDurations {
		return int64(s.bucket(min(max(x, 0), float64(otlp.LastInstant))))
	}
	return int64(s.bucket(x))
}

// band says which numbers are in some buckets.
func (s scale) band(b buckets) Band { return Band{s.edge(b.from, false), s.edge(b.to, true)} }

// edge is where a bucket begins; from below it is where those before it end.
func (s scale) edge(bucket int64, below bool) Bound {
	if s == ofDurations {
		if bucket >= red.Unknown {
			return Bound{float64(otlp.LastInstant), true} // no known one is longer
		}
		return Bound{float64(red.DurationFrom(int(bucket))), !below}
	}
	of := func(magnitude int64) float64 { return math.Float64frombits(uint64(magnitude) << floatShift) } //nolint:gosec // not negative
	switch {
	case bucket > 0 && math.IsInf(of(bucket), 0):
		return Bound{math.MaxFloat64, below}
	case bucket < 0 && math.IsInf(of(-bucket), 0):
		return Bound{-math.MaxFloat64, !below}
	case bucket < 0:
		return Bound{-of(-bucket), below} // the numbers nearer to 0 than that are in it
	}
	return Bound{of(bucket), !below}
}

// count is how many of some buckets, which are sorted, are in each band.
func count(bands []buckets, of []red.Bucket) []int64 {
	out := make([]int64, len(bands))
	for _, one := range of {
		i, found := slices.BinarySearchFunc(bands, int64(one.Number), func(b buckets, n int64) int {
			switch {
			case n < b.from:
				return 1
			case n >= b.to:
				return -1
			}
			return 0
		})
		if found {
			out[i] += one.Count
		}
	}
	return out
}
