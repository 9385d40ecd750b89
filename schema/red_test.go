package schema

import (
	"math"
	"testing"
)

// The module has no dependencies, so its tests have none either.

// TestRedBucketsCoverEveryDurationWithoutGaps walks the buckets as the specification counts them: eight steps to a power of two.
func TestRedBucketsCoverEveryDurationWithoutGaps(t *testing.T) {
	t.Parallel()
	want := 8
	for power := int64(8); power > 0 && power <= math.MaxInt64/2; power *= 2 {
		for step := range int64(8) {
			lower, width := power+step*(power/8), power/8
			for duration, bucket := range map[int64]int{lower - 1: want - 1, lower: want, lower + width - 1: want, lower + width: want + 1} {
				if got := RedBucket(duration); got != bucket {
					t.Fatalf("%d ns: bucket %d, want %d", duration, got, bucket)
				}
			}
			if float64(width)/float64(lower) > 0.125 {
				t.Fatalf("bucket %d from %d on is wider than 12.5 %%", want, lower)
			}
			want++
		}
	}
}

func TestRedBucketAtTheEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		duration int64
		bucket   int
	}{{math.MinInt64, 0}, {-1, 0}, {0, 0}, {1, 1}, {7, 7}, {8, 8}, {15, 15}, {16, 16}, {17, 16}, {1_000_000_000, 222}, {math.MaxInt64, 487}} {
		if got := RedBucket(c.duration); got != c.bucket {
			t.Errorf("%d ns: bucket %d, want %d", c.duration, got, c.bucket)
		}
	}
}
