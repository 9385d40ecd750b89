package filter

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// matcher is what a kind of field makes of a condition on it: the filter without the negation, and what looking costs. Its own part of a
// condition is read in its file, and nowhere else.
type matcher interface {
	Filter
	cost() cost
}

// cost orders conditions: where what is cheap to look at holds for no row of a segment, the rest is not decoded.
type cost int

const (
	byNumber     cost = iota // a column of numbers
	byResource               // a dictionary of few entries
	byAttribute              // a dictionary of values
	byID                     // what does not compress
	byText                   // texts, and what has to be put together
	afterAllElse = cost(math.MaxInt)
)

// matching makes matchers for one field. op is never a negation; without values it asks whether the field is there.
type matching func(op *Operator, values []Literal) (matcher, error)

// condition is {field, operator, value}: a matcher, or its exact negation, so that an item without the field meets it.
type condition struct {
	matcher
	negate bool
}

// Bounds of a negation: Bloom filters and maxima say nothing about what is absent.
func (c *condition) Bounds() Bounds {
	if c.negate {
		return Bounds{}
	}
	return c.matcher.Bounds()
}

// Match sets hits where the matcher does, or where it does not.
func (c *condition) Match(r *columns.Reader, hits []bool) {
	c.matcher.Match(r, hits)
	if c.negate {
		invert(hits)
	}
}

// cheapFirst sorts the parts of a conjunction.
func cheapFirst(parts All) {
	costOf := func(f Filter) cost {
		if c, ok := f.(*condition); ok {
			return c.cost()
		}
		return afterAllElse
	}
	slices.SortStableFunc(parts, func(a, b Filter) int { return cmp.Compare(costOf(a), costOf(b)) })
}

// Where is a condition that a front end composes itself: one value, several for an operator that takes a list, none for one that takes a flag
// (Not says that it is false). The error is a mistake of the caller, or of whoever gave the values.
func (p *Parser) Where(signal telemetry.Signal, field, operator string, values ...Literal) (Filter, error) {
	f, key, ok := resolve(p.fields, signal, field)
	if !ok {
		return nil, fmt.Errorf("unknown field %q for %s", field, signal)
	}
	row, positive, negates := operatorOf(p.operators, operator)
	if row == nil {
		return nil, fmt.Errorf("unknown operator %q", operator)
	}
	if n := len(values); row.Operand == One && n != 1 || row.Operand == List && n == 0 || row.Operand == Flag && n != 0 {
		return nil, fmt.Errorf("operator %q does not take %d values", operator, n)
	}
	return p.newCondition(signal, f, key, positive, negates, values)
}

// newCondition is one on a field. On an alias of several, it holds if it does for one of them, and its negation if it does for none.
func (p *Parser) newCondition(signal telemetry.Signal, f *Field, key string, positive *Operator, negates bool, values []Literal) (Filter, error) {
	if positive.On&f.Kind == 0 {
		return nil, errors.New("this field does not take this operator")
	}
	if f.AliasOf == nil {
		return newMatching(f, key, positive, negates, values)
	}
	var one Any
	for _, name := range f.AliasOf {
		of, key, _ := resolve(p.fields, signal, name)
		c, err := newMatching(of, key, positive, false, values)
		if err != nil {
			return nil, err
		}
		one = append(one, c)
	}
	switch {
	case len(one) == 1:
		c := one[0].(*condition) //nolint:forcetypeassert // newMatching's
		c.negate = c.negate != negates
		return c, nil
	case negates:
		return Not{one}, nil
	}
	return one, nil
}

func newMatching(f *Field, key string, positive *Operator, negates bool, values []Literal) (*condition, error) {
	m, err := f.of(key)(positive, values)
	if err != nil {
		return nil, err
	}
	if inner, ok := m.(*condition); ok { // a double negation is none
		m, negates = inner.matcher, inner.negate != negates
	}
	return &condition{m, negates}, nil
}
