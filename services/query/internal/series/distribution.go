package series

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"github.com/ollyscale/ollyscale/libs/segment"
)

// How observations are distributed: what a point of a histogram tells, of either kind, what was added between two points, and what several series come to.

// distribution is counts by buckets. Counts are parts of observations where a stretch of time is cut. One of explicit bounds has counts and bounds, an
// exponential one the other members.
type distribution struct {
	count, sum float64 // sum: NaN where it is not told

	bounds []float64 // rising; bucket i is above bound i-1, up to bound i. It is shared and never changed
	own    bool      // they are of several that differ, and of no point
	counts []float64 // one more than bounds

	exponential bool
	scale       int
	threshold   float64 // the zero bucket is up to it, on both sides
	zero        float64
	sides       [2]side // positive, negative
}

// side is the buckets of one sign: the bucket of index i is above base^i, up to base^(i+1), where base is 2^(2^-scale).
type side struct {
	offset int64 // index of the first
	counts []float64
}

const (
	positive = iota
	negative
)

const (
	mostSide       = 1024 // buckets of one sign that are kept: of a wider distribution the scale is lowered
	greatestScale  = 20   // that OTLP's senders use; what is finer is lowered to it
	explicitBounds = 8    // bytes of one
)

// bytes is about what a distribution takes in memory, but for bounds that it shares with points; nothing for none.
func (d *distribution) bytes() int {
	if d == nil {
		return 0
	}
	of := cap(d.counts) + cap(d.sides[0].counts) + cap(d.sides[1].counts)
	if d.own {
		of += cap(d.bounds)
	}
	return 160 + 8*of
}

// bounds are the different ones that points have. Workers share it.
type bounds struct {
	sync.Mutex
	lists map[string][]float64 // by how they are stored
}

// of reads bounds: key is how they are stored, and more how many bytes are kept of those that were not known.
func (b *bounds) of(raw []byte) (key string, list []float64, more int) {
	key = string(raw)
	b.Lock()
	defer b.Unlock()
	list, ok := b.lists[key]
	if !ok {
		list = boundsOf(raw)
		b.lists[key] = list
		more = 2 * len(raw)
	}
	return key, list, more
}

// readDistribution is what a histogram's point has, with bounds that others may share.
func readDistribution(t *segment.Table, row int, boundsOf func(raw []byte) []float64) *distribution {
	d := &distribution{count: countOf(t, row), sum: sumOfPoint(t, row)}
	if kindOf(t, row) == segment.Histogram {
		counts := t.Lists[segment.ListBucketCounts].Row(row)
		bounds := boundsOf(t.Values[t.Texts[segment.TextBounds][row]].Raw)
		if len(counts) != len(bounds)+1 { // it tells no buckets, or none that can be read
			d.counts = []float64{d.count}
			return d
		}
		d.bounds, d.counts = bounds, floats(counts)
		return d
	}
	in := func(c segment.Column) int64 { return t.Ints[c][row] }
	d.exponential, d.scale, d.zero = true, int(in(segment.ColScale)), float64(uint64(in(segment.ColZeroCount))) //nolint:gosec // OTLP's is unsigned
	if d.threshold = double(in(segment.ColZeroThreshold)); !(d.threshold >= 0) || math.IsInf(d.threshold, 0) {
		d.threshold = 0
	}
	for i, of := range [2]struct {
		offset segment.Column
		counts segment.ListColumn
	}{{segment.ColPositiveOffset, segment.ListPositiveCounts}, {segment.ColNegativeOffset, segment.ListNegativeCounts}} {
		s := &d.sides[i]
		s.offset, s.counts = in(of.offset), floats(t.Lists[of.counts].Row(row))
		s.trim()
	}
	d.lower(greatestScale)
	d.fit()
	return d
}

func boundsOf(raw []byte) []float64 {
	out := make([]float64, 0, len(raw)/explicitBounds)
	for ; len(raw) >= explicitBounds; raw = raw[explicitBounds:] {
		x := math.Float64frombits(binary.LittleEndian.Uint64(raw))
		if math.IsNaN(x) || len(out) > 0 && x <= out[len(out)-1] {
			return []float64{math.NaN(), math.NaN()} // as many as no counts match
		}
		out = append(out, x)
	}
	return out
}

func floats(counts []int64) []float64 {
	out := make([]float64, len(counts))
	for i, n := range counts {
		out[i] = float64(uint64(n)) //nolint:gosec // OTLP's is unsigned
	}
	return out
}

// trim leaves out empty buckets at both ends, and their memory.
func (s *side) trim() {
	first, end := 0, len(s.counts)
	for first < end && s.counts[first] == 0 {
		first++
	}
	for first < end && s.counts[end-1] == 0 {
		end--
	}
	if end-first < len(s.counts) {
		s.offset, s.counts = s.offset+int64(first), slices.Clone(s.counts[first:end])
	}
}

// halve doubles the width of buckets so many times.
func (s *side) halve(times int) {
	if times <= 0 || len(s.counts) == 0 {
		return
	}
	times = min(times, 63)
	first, last := s.offset>>times, (s.offset+int64(len(s.counts))-1)>>times
	out := make([]float64, last-first+1)
	for i, n := range s.counts {
		out[(s.offset+int64(i))>>times-first] += n
	}
	s.offset, s.counts = first, out
}

// lower lowers the scale, and thereby merges buckets, to one.
func (d *distribution) lower(scale int) {
	for i := range d.sides {
		d.sides[i].halve(d.scale - scale)
	}
	d.scale = min(d.scale, scale)
}

// fit lowers the scale until no side has more buckets than are kept.
func (d *distribution) fit() {
	times := 0
	for i := range d.sides {
		s := &d.sides[i]
		for len(s.counts) > 0 && (s.offset+int64(len(s.counts))-1)>>times-s.offset>>times >= mostSide {
			times++
		}
	}
	d.lower(d.scale - times)
}

// boundary is base^index, or the greatest number where that is infinite.
func (d *distribution) boundary(index int64) float64 {
	return min(math.Exp2(math.Ldexp(float64(index), -d.scale)), math.MaxFloat64)
}

// widen makes the zero bucket reach at least to a threshold: buckets that lie in it become part of it, and one that is cut by it widens it.
func (d *distribution) widen(threshold float64) {
	for again := true; again; {
		again = false
		for i := range d.sides {
			s := &d.sides[i]
			for k, n := range s.counts {
				at := s.offset + int64(k)
				if low, high := d.boundary(at), d.boundary(at+1); n > 0 && low < threshold && high > threshold {
					threshold, again = high, true
				}
			}
		}
	}
	d.threshold = max(d.threshold, threshold)
	for i := range d.sides {
		s := &d.sides[i]
		for k := range s.counts {
			if d.boundary(s.offset+int64(k)+1) <= d.threshold {
				d.zero += s.counts[k]
				s.counts[k] = 0
			}
		}
		s.trim()
	}
}

// clone shares no counts.
func (d *distribution) clone() *distribution {
	out := *d
	out.counts = slices.Clone(d.counts)
	for i := range out.sides {
		out.sides[i].counts = slices.Clone(d.sides[i].counts)
	}
	return &out
}

// since is what was added after an earlier point of the same series; ok is false where the sender began anew between the two: some count is less than it was, or
// buckets are others.
func (d *distribution) since(earlier *distribution) (added *distribution, ok bool) {
	if d.count < earlier.count || d.exponential != earlier.exponential {
		return nil, false
	}
	out, before := d.clone(), earlier
	if d.exponential {
		if d.scale > earlier.scale || d.threshold < earlier.threshold {
			return nil, false
		}
		before = earlier.clone()
		before.lower(d.scale)
		if before.threshold < d.threshold {
			before.widen(d.threshold)
			out.widen(before.threshold)
		}
		if out.zero -= before.zero; out.zero < 0 {
			return nil, false
		}
		for i := range out.sides {
			if !out.sides[i].take(&before.sides[i]) {
				return nil, false
			}
		}
	} else {
		if !slices.Equal(d.bounds, earlier.bounds) {
			return nil, false
		}
		for i := range out.counts {
			if out.counts[i] -= before.counts[i]; out.counts[i] < 0 {
				return nil, false
			}
		}
	}
	out.count -= before.count
	out.sum -= before.sum
	return out, true
}

// take takes counts away; false where there are not as many.
func (s *side) take(o *side) bool {
	for i, n := range o.counts {
		at := o.offset + int64(i) - s.offset
		if n == 0 {
			continue
		}
		if at < 0 || at >= int64(len(s.counts)) || s.counts[at] < n {
			return false
		}
		s.counts[at] -= n
	}
	s.trim()
	return true
}

// add adds a part of another distribution of the same kind, which is not changed. common is set where bounds differ: what is left are those that both have.
func (d *distribution) add(o *distribution, part float64, common *bool) {
	d.count += part * o.count
	d.sum += part * o.sum
	if !d.exponential {
		if !slices.Equal(d.bounds, o.bounds) {
			*common = true
			bounds := both(d.bounds, o.bounds)
			if len(bounds) == len(d.bounds) {
				bounds = d.bounds
			} else {
				d.own = true
			}
			d.counts, o = d.over(bounds), &distribution{bounds: bounds, counts: o.over(bounds)}
			d.bounds = bounds
		}
		for i, n := range o.counts {
			d.counts[i] += part * n
		}
		return
	}
	if o.scale > d.scale || o.threshold != d.threshold {
		o = o.clone()
	}
	scale := min(d.scale, o.scale)
	d.lower(scale)
	o.lower(scale)
	for d.threshold != o.threshold {
		d.widen(o.threshold)
		o.widen(d.threshold)
	}
	// Together they may be wider than either.
	times := 0
	for i := range d.sides {
		first, end, ok := reach(&d.sides[i], &o.sides[i])
		for ok && (end-1)>>times-first>>times >= mostSide {
			times++
		}
	}
	if times > 0 {
		o = o.clone()
		d.lower(d.scale - times)
		o.lower(o.scale - times)
	}
	d.zero += part * o.zero
	for i := range d.sides {
		d.sides[i].add(&o.sides[i], part)
	}
}

// reach is from the first to before the last index of two sides together; false where both are empty.
func reach(a, b *side) (first, end int64, ok bool) {
	for _, s := range []*side{a, b} {
		switch n := int64(len(s.counts)); {
		case n == 0:
		case !ok:
			first, end, ok = s.offset, s.offset+n, true
		default:
			first, end = min(first, s.offset), max(end, s.offset+n)
		}
	}
	return first, end, ok
}

func (s *side) add(o *side, part float64) {
	first, end, ok := reach(s, o)
	if !ok {
		return
	}
	if len(s.counts) == 0 || first < s.offset || end > s.offset+int64(len(s.counts)) {
		out := make([]float64, end-first)
		if len(s.counts) > 0 {
			copy(out[s.offset-first:], s.counts)
		}
		s.offset, s.counts = first, out
	}
	for i, n := range o.counts {
		s.counts[o.offset+int64(i)-s.offset] += part * n
	}
}

// both are the bounds that two lists have.
func both(a, b []float64) []float64 {
	out := []float64{}
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			out = append(out, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// over are the counts by other bounds, all of which are among those of the distribution.
func (d *distribution) over(bounds []float64) []float64 {
	out := make([]float64, len(bounds)+1)
	at := 0
	for i, n := range d.counts {
		for at < len(bounds) && (i == len(d.bounds) || d.bounds[i] > bounds[at]) {
			at++
		}
		out[at] += n
	}
	return out
}

// bucket is one of a distribution, above low and up to high.
type bucket struct{ low, high, count float64 }

// buckets are those of a distribution, rising; of an exponential one those with observations.
func (d *distribution) buckets() []bucket {
	var out []bucket
	if !d.exponential {
		low := math.Inf(-1)
		for i, n := range d.counts {
			high := math.Inf(1)
			if i < len(d.bounds) {
				high = d.bounds[i]
			}
			out = append(out, bucket{low, high, n})
			low = high
		}
		return out
	}
	s := &d.sides[negative]
	for i := len(s.counts) - 1; i >= 0; i-- {
		if at := s.offset + int64(i); s.counts[i] > 0 {
			out = append(out, bucket{-d.boundary(at + 1), -d.boundary(at), s.counts[i]})
		}
	}
	if d.zero > 0 {
		zero := bucket{-d.threshold, d.threshold, d.zero}
		// As Prometheus takes it: where there is nothing on one side, zero is the end of the bucket.
		switch below, above := len(s.counts) > 0, len(d.sides[positive].counts) > 0; {
		case above && !below:
			zero.low = 0
		case below && !above:
			zero.high = 0
		}
		out = append(out, zero)
	}
	s = &d.sides[positive]
	for i, n := range s.counts {
		if at := s.offset + int64(i); n > 0 {
			out = append(out, bucket{d.boundary(at), d.boundary(at + 1), n})
		}
	}
	return out
}

// quantile is the number that a part q of the observations does not exceed, as Prometheus reckons it: linear within a bucket of explicit bounds, by its exponent within one
// of an exponential histogram. A bucket without an end on one side is told by its other end. NaN where there are no observations, or no bounds.
func (d *distribution) quantile(q float64) float64 {
	list := d.buckets()
	total := 0.0
	for _, b := range list {
		total += b.count
	}
	if !(total > 0) {
		return math.NaN()
	}
	rank, below := q*total, 0.0
	for i, b := range list {
		if b.count <= 0 {
			continue
		}
		if below+b.count < rank && anyAfter(list[i+1:]) {
			below += b.count
			continue
		}
		return d.interpolate(b, min(max((rank-below)/b.count, 0), 1))
	}
	return math.NaN()
}

func anyAfter(list []bucket) bool {
	return slices.ContainsFunc(list, func(b bucket) bool { return b.count > 0 })
}

// interpolate is the number within a bucket below which a part of its observations is.
func (d *distribution) interpolate(b bucket, part float64) float64 {
	if !d.exponential {
		switch {
		case math.IsInf(b.high, 1) && math.IsInf(b.low, -1):
			return math.NaN()
		case math.IsInf(b.high, 1):
			return b.low
		case math.IsInf(b.low, -1) && b.high <= 0:
			return b.high
		case math.IsInf(b.low, -1):
			b.low = 0
		}
		return b.low + (b.high-b.low)*part
	}
	switch {
	case b.low > 0:
		low, high := math.Log2(b.low), math.Log2(b.high)
		return math.Exp2(low + (high-low)*part)
	case b.high < 0:
		low, high := math.Log2(-b.high), math.Log2(-b.low)
		return -math.Exp2(high + (low-high)*part)
	}
	return b.low + (b.high-b.low)*part
}

// mean is the mean of the observations; NaN where there are none, or a sum is not told.
func (d *distribution) mean() float64 {
	if d.count <= 0 {
		return math.NaN()
	}
	return d.sum / d.count
}
