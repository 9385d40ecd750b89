package schema

import "math/bits"

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

// RedBucket is the bucket of a duration in nanoseconds.
func RedBucket(duration int64) int {
	if duration < redSteps {
		return int(max(duration, 0))
	}
	shift := bits.Len64(uint64(duration)) - redShift - 1
	return shift<<redShift + int(duration>>shift)
}
