// Package ids writes and reads columns of trace, span and parent ids (docs/segment-format.md, section 5, "Trace ids", "Span ids" and "Parent
// ids"): the distinct ones in a row, and which of them each item has.
//
// Invariants: distinct ids stand in the order in which the rows first have them, at the beginning of their section's plain stream, which lies
// in a raw frame, so that where an id lies is known without reading it. Zero bytes are no id. A parent that is a row of the same segment
// and trace is a number. A damaged section sets the source's Bad or is an error, and never makes a Reader index beyond its memory.
package ids

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
)

// Codes of parent ids.
const (
	parentNone = 0
	parentRaw  = 1 // the next of the raw ids
	parentRank = 2 // + how many rows of the same trace stand before the parent's
)

// Bytes is how many bytes of distinct ids of items a section's plain stream begins with.
func Bytes(s *container.Section) int {
	switch s.ID {
	case container.SectionTraceIDs:
		return s.Count * otlp.TraceIDSize
	case container.SectionSpanIDs, container.SectionParentIDs:
		return s.Count * otlp.SpanIDSize
	default:
		return 0
	}
}

// nowhere is the place of no id.
const nowhere = -1

// Places says for each row where in the body of its segment its ids lie. The zero value holds none.
type Places struct{ rows []place }

type place struct{ trace, span, parent int }

// Truncate cuts to the first n rows.
func (p *Places) Truncate(n int) { p.rows = p.rows[:min(len(p.rows), n)] }

// grow adds n rows without ids.
func (p *Places) grow(n int) []place {
	p.rows = slices.Grow(p.rows, n)
	p.rows = p.rows[:len(p.rows)+n]
	added := p.rows[len(p.rows)-n:]
	for i := range added {
		added[i] = place{nowhere, nowhere, nowhere}
	}
	return added
}

// Columns are the ids of rows, those of one row in the same place of each; a column that is not wanted is nil.
type Columns struct {
	Traces         [][16]byte
	Spans, Parents [][8]byte
}

// each calls do for the ids of a row of which only the places were read.
func (p *Places) each(row uint32, c *Columns, do func(place int, id []byte)) {
	if len(p.rows) == 0 {
		return
	}
	at := p.rows[row]
	if at.trace != nowhere {
		do(at.trace, c.Traces[row][:])
	}
	if at.span != nowhere {
		do(at.span, c.Spans[row][:])
	}
	if at.parent != nowhere {
		do(at.parent, c.Parents[row][:])
	}
}

// Ranges appends where the ids of a row lie.
func (p *Places) Ranges(to []container.Range, row uint32, c *Columns) []container.Range {
	p.each(row, c, func(place int, id []byte) { to = append(to, container.Range{Offset: place, Length: len(id)}) })
	return to
}

// Set gives a row its ids: the bytes of the first parts are those of its Ranges. It returns the parts of other rows; ok is false where the parts
// are others.
func (p *Places) Set(row uint32, c *Columns, parts []container.Part) (rest []container.Part, ok bool) {
	ok = true
	p.each(row, c, func(place int, id []byte) {
		if len(parts) == 0 || parts[0].Offset != place || len(parts[0].Bytes) != len(id) {
			ok = false
			return
		}
		copy(id, parts[0].Bytes)
		parts = parts[1:]
	})
	return parts, ok
}
