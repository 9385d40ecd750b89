package schema

import (
	"math"
	"math/bits"
)

// The histogram of red_minute: durations of spans in nanoseconds, in logarithmic buckets with eight linear steps to each power
// of two, so that a bucket is at most 12.5 % wide and its middle at most 6.25 % wrong. Written by the writer, added up by
// whoever reads: the histograms of partial rows add bucket by bucket.
//
// Bucket 0 holds what is not positive (a sender's clock was set back), bucket 1 holds 1 ns, and so on exactly up to 7 ns.
// The column is int4[] whose lower bound is its first bucket: histogram[b] is the count of bucket b, and only the
// buckets from the first to the last used one are stored. In SQL:
//
//	SELECT b, sum(histogram[b]) FROM red_minute, generate_subscripts(histogram, 1) AS b GROUP BY b ORDER BY b

// redSteps is the number of linear steps to a power of two: 1 << redShift.
const (
	redShift = 3
	redSteps = 1 << redShift
)

// RedBuckets is the number of buckets: every bucket is less than it.
const RedBuckets = (64-redShift)*redSteps + redSteps

// RedBucket is the bucket of a duration in nanoseconds.
func RedBucket(duration int64) int {
	if duration < redSteps {
		return int(max(duration, 0))
	}
	shift := bits.Len64(uint64(duration)) - redShift - 1
	return shift<<redShift + int(duration>>shift)
}

// RedBucketBounds returns a bucket's durations in nanoseconds: lower ≤ duration < upper. Bucket 0 is [0, 1).
func RedBucketBounds(bucket int) (lower, upper int64) {
	if bucket < redSteps {
		b := int64(max(bucket, 0))
		return b, b + 1
	}
	shift := bucket>>redShift - 1
	step := int64(bucket&(redSteps-1) | redSteps)
	if step+1 > math.MaxInt64>>shift { // the last bucket ends where int64 does
		return step << shift, math.MaxInt64
	}
	return step << shift, (step + 1) << shift
}

// RedQuantile estimates the q-quantile (0 ≤ q ≤ 1) in nanoseconds of a histogram whose first element is the given bucket,
// interpolating inside the bucket. An empty histogram has the quantile 0.
func RedQuantile(first int, counts []int64, q float64) float64 {
	var total int64
	for _, n := range counts {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank := q * float64(total)
	var below int64
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if float64(below+n) >= rank {
			lower, upper := RedBucketBounds(first + i)
			return float64(lower) + max(0, (rank-float64(below))/float64(n))*float64(upper-lower)
		}
		below += n
	}
	_, upper := RedBucketBounds(first + len(counts) - 1)
	return float64(upper)
}
