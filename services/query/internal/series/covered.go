package series

import "slices"

// covered is the time for which it is known what was added: the union of the stretches between points that are not too far apart, over all series of a
// query. It is what rates are over, so that rates of groups add up to that of all.
type covered struct {
	list []stretch // in order, none touching another
}

// stretch is from a time to before another, Unix ns.
type stretch struct{ from, to int64 }

// mostStretches is how many are kept apart: beyond, those that lie closest are taken for one.
const mostStretches = 1 << 14

// add adds a stretch; an empty one adds nothing.
func (c *covered) add(from, to int64) {
	if from >= to {
		return
	}
	first, _ := slices.BinarySearchFunc(c.list, from, func(s stretch, at int64) int { // the first that does not end before
		if s.to < at {
			return -1
		}
		return 1
	})
	last := first
	for last < len(c.list) && c.list[last].from <= to {
		from, to = min(from, c.list[last].from), max(to, c.list[last].to)
		last++
	}
	if last == first+1 {
		c.list[first] = stretch{from, to}
		return
	}
	c.list = slices.Replace(c.list, first, last, stretch{from, to})
	if len(c.list) > mostStretches {
		c.narrow()
	}
}

// narrow closes every second gap, those that are not the widest.
func (c *covered) narrow() {
	gaps := make([]int64, 0, len(c.list))
	for i := 1; i < len(c.list); i++ {
		gaps = append(gaps, c.list[i].from-c.list[i-1].to)
	}
	slices.Sort(gaps)
	most := gaps[len(gaps)/2]
	kept := c.list[:1]
	for _, s := range c.list[1:] {
		if end := &kept[len(kept)-1]; s.from-end.to <= most {
			end.to = s.to
		} else {
			kept = append(kept, s)
		}
	}
	c.list = kept
}

// within is how much of the time from one instant to another is covered, ns.
func (c *covered) within(from, to int64) (sum int64) {
	for _, s := range c.list {
		if s.from >= to {
			break
		}
		sum += max(min(s.to, to)-max(s.from, from), 0)
	}
	return sum
}
