package aggregate

import (
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What is known of the items of a group in a bucket of time. Everything can be added up in any order and comes out the same, sums of doubles but for their last
// digits.

// cell is that.
type cell struct {
	items, errors int64
	numbers       []numbers  // by measured field
	distinct      []distinct // by counted field
}

// numbers are those that items have of a field.
type numbers struct {
	scale         scale
	items         int64
	sum, min, max float64
	whole         bool     // none has a fraction
	spread        red.Cell // how they are distributed, by buckets of the scale
	failed        red.Cell // and those of failed items
}

func (n *numbers) add(x float64) {
	if n.items == 0 {
		n.min, n.max, n.whole = x, x, true
	}
	n.items++
	n.sum += x
	n.min, n.max = min(n.min, x), max(n.max, x)
	n.whole = n.whole && x == math.Trunc(x)
}

// merge adds others, and returns by how many bytes of memory it grew.
func (n *numbers) merge(o *numbers) (grown int) {
	if o.items == 0 {
		return 0
	}
	if n.items == 0 {
		n.min, n.max, n.whole = o.min, o.max, true
	}
	n.scale, n.items, n.sum = o.scale, n.items+o.items, n.sum+o.sum
	n.min, n.max, n.whole = min(n.min, o.min), max(n.max, o.max), n.whole && o.whole
	return n.spread.Merge(&o.spread) + n.failed.Merge(&o.failed)
}

// failures is how many of them are those of failed items.
func (n *numbers) failures() (items int64) {
	for _, b := range n.failed.Buckets {
		items += b.Count
	}
	return items
}

// quantile is the smallest number that at least a part q of all do not exceed, by the middle of its bucket.
func (n *numbers) quantile(q float64) float64 {
	all, below := int64(0), int64(0)
	for _, b := range n.spread.Buckets {
		all += b.Count
	}
	for _, b := range n.spread.Buckets {
		if below += b.Count; float64(below) >= q*float64(all) {
			return n.at(b.Number)
		}
	}
	return math.NaN()
}

// scale is how numbers become buckets.
type scale uint8

const (
	// ofDurations has the buckets of red, so that a percentile is the same whether rollups tell it or segments.
	ofDurations scale = iota
	// ofFloats is the sign, the exponent and the first eight bits of the fraction: a bucket is at most 0.4 % wide, and each integer below 512 has one of its own.
	ofFloats
)

// quantileError is how far a quantile is off at most, as a part of itself.
const quantileError = 1.0 / (2 * 64)

const floatShift = 64 - 1 - 11 - 8

func (s scale) bucket(x float64) int32 {
	if s == ofDurations {
		return int32(red.DurationBucket(int64(x))) //nolint:gosec // below 64 × 64
	}
	bits := math.Float64bits(x + 0) // -0 is 0
	n := int32(bits &^ (1 << 63) >> floatShift)
	if bits>>63 == 1 && x != 0 {
		return -n - 1
	}
	return n
}

// scaleOf is that of a field.
func scaleOf(n filter.Numbers) scale {
	if filter.IsDuration(n) {
		return ofDurations
	}
	return ofFloats
}

// at is what is told of a bucket: its middle, within what there is.
func (n *numbers) at(bucket int32) float64 {
	if n.scale == ofDurations {
		return float64(red.DurationOf(int(bucket)))
	}
	sign := 1.0
	if bucket < 0 {
		sign, bucket = -1, -bucket-1
	}
	low := math.Float64frombits(uint64(bucket) << floatShift)    //nolint:gosec // not negative
	next := math.Float64frombits(uint64(bucket+1) << floatShift) //nolint:gosec // not negative
	middle := low + (min(next, math.MaxFloat64)-low)/2
	if n.whole {
		middle = math.Ceil(low)
		if width := next - low; width > 1 {
			middle = math.Floor(low + width/2)
		}
	}
	return min(max(sign*middle, n.min), n.max)
}

// distinct are hashes of values: all up to mostHashes, beyond that many the least, from which one reckons how many there are. It is the same in whatever order
// they come.
type distinct struct {
	below  uint64 // no larger one is kept; 0: all are
	hashes map[uint64]struct{}
}

const (
	mostHashes = 4096
	hashBytes  = 24 // of memory, of one
)

// add adds hashes, and returns by how many bytes of memory it grew.
func (d *distinct) add(list []uint64) (grown int) {
	if len(list) == 0 {
		return 0
	}
	if d.hashes == nil {
		d.hashes = make(map[uint64]struct{}, len(list))
	}
	before := len(d.hashes)
	for _, h := range list {
		if d.below != 0 && h >= d.below {
			continue
		}
		if d.hashes[h] = struct{}{}; len(d.hashes) > mostHashes*5/4 {
			d.narrow()
		}
	}
	return hashBytes * (len(d.hashes) - before)
}

// narrow keeps as many as may be, the least.
func (d *distinct) narrow() {
	if len(d.hashes) <= mostHashes {
		return
	}
	all := d.list()
	slices.Sort(all)
	d.below = all[mostHashes]
	clear(d.hashes)
	for _, h := range all[:mostHashes] {
		d.hashes[h] = struct{}{}
	}
}

func (d *distinct) list() []uint64 {
	all := make([]uint64, 0, len(d.hashes))
	for h := range d.hashes {
		all = append(all, h)
	}
	return all
}

func (d *distinct) merge(o *distinct) (grown int) {
	if o.below != 0 && (d.below == 0 || o.below < d.below) {
		d.below = o.below
		for h := range d.hashes {
			if h >= d.below {
				delete(d.hashes, h)
				grown -= hashBytes
			}
		}
	}
	return grown + d.add(o.list())
}

// exact reports whether the number is no estimate.
func (d *distinct) exact() bool { return d.below == 0 && len(d.hashes) <= mostHashes }

// estimate is how many different values there are.
func (d *distinct) estimate() float64 {
	d.narrow()
	if d.below == 0 {
		return float64(len(d.hashes))
	}
	// As many as are below this part of all hashes.
	return math.Round(float64(len(d.hashes)) / (float64(d.below) / (1 << 64)))
}

// merge adds another cell, and returns by how many bytes of memory it grew.
func (c *cell) merge(o *cell) (grown int) {
	c.items += o.items
	c.errors += o.errors
	for i := range o.numbers {
		grown += c.numbers[i].merge(&o.numbers[i])
	}
	for i := range o.distinct {
		grown += c.distinct[i].merge(&o.distinct[i])
	}
	return grown
}
