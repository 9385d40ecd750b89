package filter

import (
	"fmt"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// What durations, times and enums have in common: a literal means a range of numbers, and an operator is asked about the three places that a
// number can have towards it.

// interval is the numbers that a literal means, both ends included.
type interval struct{ low, high int64 }

// reading turns a literal into the numbers that it means.
type reading func(l Literal) (is interval, ok bool)

// numberTest is an operator with its literals.
type numberTest struct {
	op                   *Operator
	list                 []interval // empty: any number will do
	below, within, above bool       // what the operator takes
}

// newNumberTest reads the literals; wants says what they may be.
func newNumberTest(op *Operator, values []Literal, read reading, wants string) (numberTest, error) {
	t := numberTest{op: op, below: op.order(-1), within: op.order(0), above: op.order(1)}
	for _, l := range values {
		is, ok := read(l)
		if !ok {
			return t, fmt.Errorf("want %s", wants)
		}
		t.list = append(t.list, is)
	}
	return t, nil
}

func (t *numberTest) holds(n int64) bool {
	for _, is := range t.list {
		switch {
		case n < is.low && t.below, n > is.high && t.above, n >= is.low && n <= is.high && t.within:
			return true
		}
	}
	return len(t.list) == 0
}

// least is the smallest number that can pass, 0 where smaller ones than any positive number do.
func (t *numberTest) least() int64 {
	if t.below || len(t.list) == 0 {
		return 0
	}
	of := func(is interval) int64 {
		if t.within {
			return is.low
		}
		return max(is.high, is.high+1) // of the largest number, nothing is greater
	}
	least := of(t.list[0])
	for _, is := range t.list[1:] {
		least = min(least, of(is))
	}
	return max(least, 0)
}

// only reports whether nothing but n passes.
func (t *numberTest) only(n int64) bool {
	return t.op.equality && !slices.ContainsFunc(t.list, func(is interval) bool { return is != interval{n, n} })
}

// numberColumn tests a column of numbers.
type numberColumn struct {
	numberTest
	column     segment.Column
	zeroIsNone bool // 0 stands for a number that was not sent; it passes where it was asked for by itself
	bounds     Bounds
}

func (c *numberColumn) Columns(s *columns.Set) { s.Int(c.column) }

func (c *numberColumn) Bounds() Bounds { return c.bounds }

func (c *numberColumn) cost() cost { return byNumber }

func (c *numberColumn) Match(r *columns.Reader, hits []bool) {
	takesZero := !c.zeroIsNone || c.op.equality && slices.Contains(c.list, interval{0, 0})
	for i, n := range r.Ints(c.column) {
		hits[i] = (n != 0 || takesZero) && c.holds(n)
	}
}

// numbersOf tests a column about which headers say nothing.
func numbersOf(column segment.Column) func(numberTest) matcher {
	return func(t numberTest) matcher { return &numberColumn{numberTest: t, column: column} }
}
