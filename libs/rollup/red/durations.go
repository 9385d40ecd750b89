package red

import (
	"math/bits"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// Durations is a histogram of durations in nanoseconds with 64 linear steps to each power of two: a bucket is at most 1.6 % wide and a
// percentile, taken in the middle of its bucket, at most 0.8 % wrong. It grows to the buckets in use. The zero value is empty.
type Durations struct {
	first  int // bucket of counts[0]
	counts []uint64
}

const (
	durationShift = 6
	durationSteps = 1 << durationShift
	buckets       = Unknown + 1
)

// PercentileError is by which share a percentile may be wrong: half of a bucket.
const PercentileError = 0.5 / durationSteps

// Unknown is the bucket of durations that nobody knows (otlp.DurationKnown): they are counted, and are in no percentile.
const Unknown = (64 - durationShift) * durationSteps

// BucketOf is the bucket of a span that began at start.
func BucketOf(start, duration int64) int {
	if !otlp.DurationKnown(start, duration) {
		return Unknown
	}
	return DurationBucket(duration)
}

// DurationBucket is the bucket of a duration; what is not positive is in bucket 0.
func DurationBucket(d int64) int {
	if d < durationSteps {
		return int(max(d, 0))
	}
	shift := bits.Len64(uint64(d)) - durationShift - 1
	return shift<<durationShift + int(uint64(d)>>shift) //nolint:gosec // below 64 × 64
}

// DurationOf is the middle of a bucket.
func DurationOf(bucket int) int64 {
	if bucket < durationSteps*2 {
		return int64(bucket)
	}
	return DurationFrom(bucket) + int64(1)<<(bucket>>durationShift-1)/2
}

// DurationFrom is the shortest duration of a bucket, below Unknown; the longest is a nanosecond shorter than that of the next.
func DurationFrom(bucket int) int64 {
	if bucket < durationSteps*2 {
		return int64(bucket)
	}
	return int64(bucket&(durationSteps-1)|durationSteps) << (bucket>>durationShift - 1)
}

// Add adds n durations of a bucket.
func (d *Durations) Add(bucket int, n uint64) {
	if bucket == Unknown {
		return
	}
	if i := bucket - d.first; uint(i) < uint(len(d.counts)) {
		d.counts[i] += n
		return
	}
	if len(d.counts) == 0 {
		d.first, d.counts = bucket, make([]uint64, 1, 16)
	}
	if bucket < d.first {
		more := d.first - bucket
		d.counts = append(make([]uint64, more, more+len(d.counts)), d.counts...)
		d.first = bucket
	}
	for bucket >= d.first+len(d.counts) {
		d.counts = append(d.counts, 0)
	}
	d.counts[bucket-d.first] += n
}

// Merge adds another histogram.
func (d *Durations) Merge(o *Durations) {
	if len(o.counts) == 0 {
		return
	}
	d.Add(o.first, 0) // grow to both ends
	d.Add(o.first+len(o.counts)-1, 0)
	into := d.counts[o.first-d.first:]
	for i, n := range o.counts {
		into[i] += n
	}
}

// Quantile is the smallest duration that at least the share q of all do not exceed, by the middle of its bucket; 0 without any.
func (d *Durations) Quantile(q float64) int64 {
	var total uint64
	for _, n := range d.counts {
		total += n
	}
	var below uint64
	for i, n := range d.counts {
		below += n
		if n > 0 && float64(below) >= q*float64(total) {
			return DurationOf(d.first + i)
		}
	}
	return 0
}

// Requests is how many spans a cell counts.
func (c *Cell) Requests() (n int64) {
	for _, b := range c.Buckets {
		n += b.Count
	}
	return n
}

// Quantiles puts into out what Durations.Quantile is of the durations that a cell counts, of shares that rise.
func (c *Cell) Quantiles(shares []float64, out []int64) {
	var total, below int64
	for _, b := range c.Buckets {
		if b.Number != Unknown {
			total += b.Count
		}
	}
	clear(out)
	at := 0
	for _, b := range c.Buckets {
		if b.Number == Unknown {
			continue
		}
		below += b.Count
		for ; at < len(shares) && float64(below) >= shares[at]*float64(total); at++ {
			out[at] = DurationOf(int(b.Number))
		}
	}
}

// Cell is the sum of what was added, in one cell, in the memory of to.
func (s *Sum) Cell(to []Bucket) Cell {
	to = to[:0]
	known := int64(0)
	for i, n := range s.Durations.counts {
		if n > 0 {
			to = append(to, Bucket{Number: int32(s.Durations.first + i), Count: int64(n)}) //nolint:gosec // as they came
			known += int64(n)                                                              //nolint:gosec // as above
		}
	}
	if unknown := s.Requests - known; unknown > 0 {
		to = append(to, Bucket{Number: Unknown, Count: unknown})
	}
	return Cell{Errors: s.Errors, Buckets: to}
}

// Clear makes a sum empty, which keeps its memory.
func (s *Sum) Clear() {
	s.Requests, s.Errors = 0, 0
	clear(s.Durations.counts)
}

// Sum counts requests with their errors and durations. The zero value is empty.
type Sum struct {
	Requests, Errors int64
	Durations        Durations
}

// Add adds one request that began at start.
func (s *Sum) Add(start, duration int64, failed bool) {
	s.Requests++
	if failed {
		s.Errors++
	}
	s.Durations.Add(BucketOf(start, duration), 1)
}

// AddCell adds what a rollup says.
func (s *Sum) AddCell(c *Cell) {
	s.Errors += c.Errors
	if n := len(c.Buckets); n > 0 {
		s.Durations.Add(int(c.Buckets[n-1].Number), 0) // grow once
	}
	for _, b := range c.Buckets {
		s.Requests += b.Count
		s.Durations.Add(int(b.Number), uint64(b.Count)) //nolint:gosec // never negative
	}
}

// Merge adds another sum.
func (s *Sum) Merge(o *Sum) {
	s.Requests += o.Requests
	s.Errors += o.Errors
	s.Durations.Merge(&o.Durations)
}

// Memory is how many bytes of memory it takes.
func (d *Durations) Memory() int64 { return 8 * int64(cap(d.counts)) }

// Total is how long all took together, ns, by the middles of their buckets: PercentileError is by how much it may be wrong.
func (d *Durations) Total() (total float64) {
	for i, n := range d.counts {
		if n > 0 {
			total += float64(n) * float64(DurationOf(d.first+i))
		}
	}
	return total
}
