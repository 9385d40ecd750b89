package native

import (
	"math/bits"
	"strconv"
	"time"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// durations is a histogram of durations in nanoseconds with 64 linear steps to each power of two: a bucket is at most 1.6 % wide and a
// percentile, taken in the middle of its bucket, at most 0.8 % wrong. It grows to the buckets in use.
type durations struct {
	first  int // bucket of counts[0]
	counts []uint32
}

const (
	durationShift = 6
	durationSteps = 1 << durationShift
)

func durationBucket(d int64) int {
	if d < durationSteps {
		return int(max(d, 0)) // a sender's clock was set back
	}
	shift := bits.Len64(uint64(d)) - durationShift - 1
	return shift<<durationShift + int(uint64(d)>>shift) //nolint:gosec // below 64 × 64
}

// durationOf is the middle of a bucket.
func durationOf(bucket int) int64 {
	if bucket < durationSteps*2 {
		return int64(bucket)
	}
	shift := bucket>>durationShift - 1
	low := int64(bucket&(durationSteps-1)|durationSteps) << shift
	return low + int64(1)<<shift/2
}

func (d *durations) add(bucket int, n uint32) {
	if i := bucket - d.first; uint(i) < uint(len(d.counts)) {
		d.counts[i] += n
		return
	}
	if len(d.counts) == 0 {
		d.first, d.counts = bucket, make([]uint32, 1, 16)
	}
	if bucket < d.first {
		more := d.first - bucket
		d.counts = append(make([]uint32, more, more+len(d.counts)), d.counts...)
		d.first = bucket
	}
	for bucket >= d.first+len(d.counts) {
		d.counts = append(d.counts, 0)
	}
	d.counts[bucket-d.first] += n
}

func (d *durations) merge(o *durations) {
	if len(o.counts) == 0 {
		return
	}
	d.add(o.first, 0) // grow to both ends
	d.add(o.first+len(o.counts)-1, 0)
	into := d.counts[o.first-d.first:]
	for i, n := range o.counts {
		into[i] += n
	}
}

// quantile is the smallest duration that at least the share q of all do not exceed, by the middle of its bucket; 0 without any.
func (d *durations) quantile(q float64) int64 {
	var total uint64
	for _, n := range d.counts {
		total += uint64(n)
	}
	var below uint64
	for i, n := range d.counts {
		below += uint64(n)
		if n > 0 && float64(below) >= q*float64(total) {
			return durationOf(d.first + i)
		}
	}
	return 0
}

// red counts requests with their errors and durations.
type red struct {
	requests, errors int64
	durations        durations
}

func (r *red) add(duration int64, failed bool) {
	r.requests++
	if failed {
		r.errors++
	}
	r.durations.add(durationBucket(duration), 1)
}

func (r *red) merge(o *red) {
	r.requests += o.requests
	r.errors += o.errors
	r.durations.merge(&o.durations)
}

func (r *red) render(over time.Duration) api.RED {
	out := api.RED{
		Requests: r.requests, Errors: r.errors,
		P50Nano: strconv.FormatInt(r.durations.quantile(0.50), 10),
		P95Nano: strconv.FormatInt(r.durations.quantile(0.95), 10),
		P99Nano: strconv.FormatInt(r.durations.quantile(0.99), 10),
	}
	if over > 0 {
		out.Rate = float64(r.requests) / over.Seconds()
	}
	if r.requests > 0 {
		out.ErrorRate = float64(r.errors) / float64(r.requests)
	}
	return out
}
