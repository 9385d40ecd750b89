package filter

import (
	"errors"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// rootTest holds for spans without a parent, which headers count. That a span is none is its negation.
type rootTest struct{}

func root() func(string) matching {
	return func(string) matching {
		return func(_ *Operator, values []Literal) (matcher, error) {
			if values[0].Type != segment.Bool {
				return nil, errors.New("want eq or ne with true or false")
			}
			if values[0].Num == 0 {
				return &condition{rootTest{}, true}, nil
			}
			return rootTest{}, nil
		}
	}
}

func (rootTest) Columns(c *columns.Set) { c.ParentIDs = true }

func (rootTest) Bounds() Bounds { return Bounds{Roots: true} }

func (rootTest) cost() cost { return byID }

func (rootTest) Match(r *columns.Reader, hits []bool) {
	for i, id := range r.ParentIDs() {
		hits[i] = id == [8]byte{}
	}
}
