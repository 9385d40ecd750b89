package schema

import (
	"math"
	"testing"
)

// The module has no dependencies, so its tests have none either.

func TestRedBucketsCoverEveryDurationWithoutGaps(t *testing.T) {
	t.Parallel()
	for b := range RedBuckets {
		lower, upper := RedBucketBounds(b)
		if lower == math.MaxInt64 || upper == math.MaxInt64 || lower < 0 {
			break
		}
		if got := RedBucket(lower); got != b {
			t.Fatalf("bucket %d begins at %d, which falls into bucket %d", b, lower, got)
		}
		if got := RedBucket(upper - 1); got != b {
			t.Fatalf("bucket %d ends before %d, which falls into bucket %d", b, upper, got)
		}
		if got := RedBucket(upper); got != b+1 {
			t.Fatalf("bucket %d ends at %d, which falls into bucket %d", b, upper, got)
		}
		if b >= redSteps && float64(upper-lower)/float64(lower) > 0.125 {
			t.Fatalf("bucket %d [%d, %d) is wider than 12.5 %%", b, lower, upper)
		}
	}
}

func TestRedBucketAtTheEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		duration int64
		bucket   int
	}{{math.MinInt64, 0}, {-1, 0}, {0, 0}, {1, 1}, {7, 7}, {8, 8}, {15, 15}, {16, 16}, {17, 16}, {1_000_000_000, 222}} {
		if got := RedBucket(c.duration); got != c.bucket {
			t.Errorf("%d ns: bucket %d, want %d", c.duration, got, c.bucket)
		}
	}
	if got := RedBucket(math.MaxInt64); got >= RedBuckets {
		t.Errorf("the longest duration has bucket %d of %d", got, RedBuckets)
	}
}

func TestRedQuantileStaysInsideItsBucket(t *testing.T) {
	t.Parallel()
	const first = 200
	counts := []int64{10, 0, 80, 10}
	for _, c := range []struct {
		q      float64
		bucket int
	}{{0.05, 200}, {0.5, 202}, {0.9, 202}, {0.95, 203}, {1, 203}} {
		lower, upper := RedBucketBounds(c.bucket)
		if got := RedQuantile(first, counts, c.q); got < float64(lower) || got > float64(upper) {
			t.Errorf("q %v: %v, want within [%d, %d]", c.q, got, lower, upper)
		}
	}
	if got := RedQuantile(0, nil, 0.5); got != 0 {
		t.Errorf("quantile of nothing is %v", got)
	}
}
