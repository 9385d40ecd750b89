// Package filter says which items of a signal are looked for. It knows neither HTTP nor a front end's language: a front end parses the JSON of
// the native API (Parser.Parse), or composes conditions itself (Parser.Where, All, Any, Not).
//
// A field is a row of the table in fields.go, of a kind that has a file of its own; an operator is a row of the table in operators.go. Parser,
// bounds, matcher, GET /api/fields and the text in docs/api.yaml are made from these two tables and know no field and no operator by name.
//
// Invariants: bounds are necessary and never sufficient; a negation is exact, so that an item without the field meets it.
package filter

import (
	"slices"

	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Filter is what it needs of a segment, what it rules out for a whole segment, and which rows it holds for. It never changes and may be used by
// many workers at a time.
type Filter interface {
	// Columns adds the columns that Match reads.
	Columns(c *columns.Set)
	// Bounds says what a segment must have to hold a match.
	Bounds() Bounds
	// Match sets hits[i] for each row i of r that meets the filter; hits comes all false.
	Match(r *columns.Reader, hits []bool)
}

// All is a conjunction; empty it holds for every row.
type All []Filter

// Any is a disjunction; empty it holds for no row.
type Any []Filter

// Not is the exact negation.
type Not struct{ Filter }

// Columns adds those of all parts.
func (f All) Columns(c *columns.Set) {
	for _, part := range f {
		part.Columns(c)
	}
}

// Columns adds those of all parts.
func (f Any) Columns(c *columns.Set) { All(f).Columns(c) }

// Match looks at the parts in their order, and ends at one that holds for no row.
func (f All) Match(r *columns.Reader, hits []bool) {
	for n, part := range f {
		if n == 0 {
			part.Match(r, hits)
		} else {
			more := r.Borrow()
			part.Match(r, more)
			for i, hit := range more {
				hits[i] = hits[i] && hit
			}
			r.GiveBack()
		}
		if !slices.Contains(hits, true) {
			return // and the columns of the others need not be decoded
		}
	}
	if len(f) == 0 {
		for i := range hits {
			hits[i] = true
		}
	}
}

// Match looks at all parts.
func (f Any) Match(r *columns.Reader, hits []bool) {
	for _, part := range f {
		more := r.Borrow()
		part.Match(r, more)
		for i, hit := range more {
			hits[i] = hits[i] || hit
		}
		r.GiveBack()
	}
}

// Match is the opposite of the part's.
func (f Not) Match(r *columns.Reader, hits []bool) {
	f.Filter.Match(r, hits)
	invert(hits)
}

func invert(hits []bool) {
	for i := range hits {
		hits[i] = !hits[i]
	}
}
