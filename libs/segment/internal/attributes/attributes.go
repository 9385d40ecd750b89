// Package attributes writes and reads the shapes of attribute lists (docs/segment-format.md, section 8): which keys the list of each row
// has, in which order, and which of a key's values belong to which row. It does not know what keys and values are: the caller numbers them.
//
// Invariants: every slot of a Plan is below the number of keys, every row's shape exists, and all lists together have at most
// container.MaxEntries values; else the source is bad and the Plan must not be used.
package attributes

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Plan says which values of which keys the attribute lists of some rows are made of. It is valid until the next call of the Reader that made
// it.
type Plan struct {
	Counts []int // per key: its values in all rows; of Lists only
	Picked int   // values in the picked rows; of Lists only

	starts []int      // of shapes in slots
	slots  []int64    // of all shapes, one after the other: key numbers
	rows   []int64    // per row: its shape
	pick   []uint32   // the picked rows, in rising order
	some   [][]uint32 // per key: its values in the picked rows, numbered over all rows; nil: all rows are picked
}

// Reader reads shapes. One goroutine uses it.
type Reader struct {
	ints    *integers.Decoder
	plan    Plan
	memory  [][]uint32 // of plan.some
	lengths []int64    // of the shapes; valid during one call
	since   []int      // per shape: rows that were not counted yet; valid during one call
	touched []int64    // shapes that have such rows
}

// NewReader makes a Reader that reads numbers by ints.
func NewReader(ints *integers.Decoder) *Reader { return &Reader{ints: ints} }

// Shapes reads the shapes of n rows over a number of keys.
func (r *Reader) Shapes(src *streams.Source, n, keys int) *Plan {
	p := &r.plan
	*p = Plan{starts: p.starts[:0], slots: p.slots[:0], rows: p.rows[:0], Counts: p.Counts[:0]}
	m := src.Count(n)
	r.lengths = scratch.Slice(r.lengths, m)
	r.ints.Read(src, r.lengths)
	p.starts = scratch.Slice(p.starts, m+1)
	total := 0
	for i, l := range r.lengths {
		p.starts[i] = total
		if l < 0 || l > container.MaxEntries || src.Bad {
			return p.damaged(src)
		}
		total += int(l)
	}
	if total > container.MaxEntries {
		return p.damaged(src)
	}
	p.starts[m] = total
	p.slots = scratch.Slice(p.slots, total)
	r.ints.Read(src, p.slots)
	p.rows = scratch.Slice(p.rows, n)
	r.ints.Read(src, p.rows)
	if src.Bad || !below(p.slots, keys) || !below(p.rows, m) {
		return p.damaged(src)
	}
	return p
}

// damaged makes the plan one of no rows.
func (p *Plan) damaged(src *streams.Source) *Plan {
	src.Bad = true
	p.starts, p.slots, p.rows = p.starts[:0], p.slots[:0], p.rows[:0]
	return p
}

func below(v []int64, n int) bool {
	for _, x := range v {
		if uint64(x) >= uint64(n) {
			return false
		}
	}
	return true
}

// Lists reads shapes as Shapes does, and finds which values the picked rows have (all rows where pick is nil).
func (r *Reader) Lists(src *streams.Source, n, keys int, pick []uint32) *Plan {
	p := r.Shapes(src, n, keys)
	if src.Bad {
		return p
	}
	p.Counts = scratch.Slice(p.Counts, keys)
	clear(p.Counts)
	p.pick = pick
	if pick != nil {
		r.memory = scratch.Slice(r.memory, keys)
		for i := range r.memory {
			if r.memory[i] = r.memory[i][:0]; r.memory[i] == nil {
				r.memory[i] = []uint32{} // nil means all
			}
		}
		p.some = r.memory
	}
	// Rows are counted by shape, and keys only where a picked row needs to know: rows have some ten keys each.
	r.since, r.touched = scratch.Slice(r.since, len(p.starts)-1), r.touched[:0]
	clear(r.since)
	total := 0 // values in all rows
	settle := func() {
		for _, shape := range r.touched {
			slots, rows := p.slots[p.starts[shape]:p.starts[shape+1]], r.since[shape]
			r.since[shape] = 0
			for _, s := range slots {
				p.Counts[s] += rows
			}
			total += rows * len(slots)
		}
		r.touched = r.touched[:0]
		src.Bad = src.Bad || total > container.MaxEntries
	}
	next := 0 // of pick
	for row, shape := range p.rows {
		if next == len(pick) || pick[next] != uint32(row) {
			if r.since[shape] == 0 {
				r.touched = append(r.touched, shape)
			}
			r.since[shape]++
			continue
		}
		next++
		settle()
		slots := p.slots[p.starts[shape]:p.starts[shape+1]]
		p.Picked += len(slots)
		if total += len(slots); src.Bad || total > container.MaxEntries {
			src.Bad = true
			return p
		}
		for _, s := range slots {
			p.some[s] = append(p.some[s], uint32(p.Counts[s]))
			p.Counts[s]++
		}
	}
	settle()
	if pick == nil {
		p.Picked = total
	}
	return p
}

// Of returns which values of a key the picked rows have, in rising order (nil: all), and how many these are.
func (p *Plan) Of(key int) (some []uint32, n int) {
	if p.some == nil {
		return nil, p.Counts[key]
	}
	return p.some[key], len(p.some[key])
}

// EachRow calls each with the keys of every picked row, in order.
func (p *Plan) EachRow(each func(keys []int64)) {
	if p.pick == nil {
		for _, shape := range p.rows {
			each(p.slots[p.starts[shape]:p.starts[shape+1]])
		}
		return
	}
	for _, r := range p.pick {
		shape := p.rows[r]
		each(p.slots[p.starts[shape]:p.starts[shape+1]])
	}
}

// Row is the keys of a row, where all rows are picked.
func (p *Plan) Row(i int) []int64 {
	shape := p.rows[i]
	return p.slots[p.starts[shape]:p.starts[shape+1]]
}

// Locate appends, for each of the n values of a key, the row that has it; once is true, and nothing appended, where every row has the key
// once, so that value i is of row i. False where the shapes do not give the key n values.
func (p *Plan) Locate(to []uint32, key, n int) (rows []uint32, once, ok bool) {
	// How often each shape has the key.
	times := make([]uint32, max(len(p.starts)-1, 0))
	once = true
	for i := range times {
		for _, s := range p.slots[p.starts[i]:p.starts[i+1]] {
			if int(s) == key {
				times[i]++
			}
		}
		once = once && times[i] == 1
	}
	if once && len(p.rows) == n {
		return to, true, true
	}
	from := len(to)
	to = slices.Grow(to, n)
	for row, shape := range p.rows {
		k := int(times[shape])
		if len(to)-from+k > n { // damaged, and perhaps made to take memory
			return to[:from], false, false
		}
		for range k {
			to = append(to, uint32(row))
		}
	}
	if len(to)-from != n {
		return to[:from], false, false
	}
	return to, false, true
}
