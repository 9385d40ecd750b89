package integers

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

const (
	// leastRun is how many numbers a run must have on average: shorter ones are left to encodings that do not nest.
	leastRun = 4

	// Values and lengths of runs are lists themselves, and mostly small: a value is counted with at most runValueBits, a length with
	// runLengthBits.
	runValueBits  = 12
	runLengthBits = 6

	nestedBits = 64 // of the heads of two lists
)

// runs is the numbers that are repeated, and how often.
func runs() encoding {
	return encoding{
		name: "runs", code: 3, items: leastRun, widths: widths{0, maxWidth}, nests: true,
		size: func(_ *Encoder, c *column, _ int) int {
			if c.runs*leastRun > len(c.v) {
				return never
			}
			return c.runs*(min(c.width, runValueBits)+runLengthBits) + nestedBits
		},
		write: writeRuns,
		read: func(d *Decoder, from *streams.Source, dst []int64, depth int) {
			values, lengths := d.runs(from, len(dst), depth)
			at := 0
			for i, l := range lengths {
				for range l + 1 {
					dst[at] = values[i]
					at++
				}
			}
		},
		pick: func(d *Decoder, from *streams.Source, n int, picked []uint32, dst []int64, depth int) {
			values, lengths := d.runs(from, n, depth)
			end, k := 0, 0
			for i, l := range lengths {
				end += int(l) + 1
				for ; k < len(picked) && int(picked[k]) < end; k++ {
					dst[k] = values[i]
				}
			}
		},
		skip: func(d *Decoder, from *streams.Source, n, depth int) {
			m := from.Count(n)
			d.skip(from, m, depth+1)
			d.skip(from, m, depth+1)
		},
	}
}

func writeRuns(e *Encoder, to *streams.Sink, c *column) {
	v := c.v
	memory := &e.nested[c.depth]
	values, lengths := memory.a[:0], memory.b[:0]
	for i := 0; i < len(v); {
		j := i + 1
		for j < len(v) && v[j] == v[i] {
			j++
		}
		values = append(values, v[i])
		lengths = append(lengths, int64(j-i-1))
		i = j
	}
	memory.a, memory.b = values, lengths
	to.Uvarint(uint64(len(values)))
	e.nest(to, c, values)
	e.nest(to, c, lengths)
}

// runs reads the values and lengths of runs of n numbers, which they fill exactly; where they are damaged, there are none.
func (d *Decoder) runs(from *streams.Source, n, depth int) (values, lengths []int64) {
	m := from.Count(n)
	memory := &d.nested[depth]
	memory.a, memory.b = scratch.Slice(memory.a, m), scratch.Slice(memory.b, m)
	values, lengths = memory.a, memory.b
	d.read(from, values, depth+1)
	d.read(from, lengths, depth+1)
	if from.Bad {
		return nil, nil
	}
	left := int64(n)
	for _, l := range lengths {
		if l < 0 || l >= left {
			from.Bad = true
			return nil, nil
		}
		left -= l + 1
	}
	if left != 0 {
		from.Bad = true
		return nil, nil
	}
	return values, lengths
}
