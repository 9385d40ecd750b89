package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// valueTest is what an operator asks of a value that is present. It runs once per entry of a segment's dictionaries; rows are then matched
// by code.
type valueTest struct {
	op     *Operator
	values []Literal
	test   segment.Test
}

func newValueTest(op *Operator, values []Literal) (valueTest, error) {
	test, err := op.test(values)
	return valueTest{op, values, test}, err
}

// present tests a string where "" is none.
func (t *valueTest) present(s string) bool { return s != "" && t.test.Match(text(s)) }

// mark sets hits of the entries that pass.
func (t *valueTest) mark(v *segment.Values, hits []bool) {
	if pass, some := v.Pass(&t.test); some {
		v.Mark(pass, hits)
	}
}

// anyOf reports whether one of some attributes is the key and passes.
func (t *valueTest) anyOf(of *segment.Table, attributes []segment.ValueID, key string) bool {
	for _, id := range attributes {
		if v := &of.Values[id]; of.Keys[v.Key] == key && t.test.Match(*v) {
			return true
		}
	}
	return false
}

// tokens probes for the values under a key, where nothing else passes.
func (t *valueTest) tokens(scope, key string) []Probe { return tokens(t.op, t.values, scope, key) }

// textTest tests a column of texts.
type textTest struct {
	valueTest
	column segment.TextColumn
	probes []Probe
}

// textOf is a field of texts. Token is its key in the token filter, "" when it has none.
func textOf(column segment.TextColumn, token string) func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newValueTest(op, values)
			if err != nil {
				return nil, err
			}
			out := &textTest{valueTest: t, column: column}
			if token != "" {
				out.probes = t.tokens(segment.ScopeField, token)
			}
			return out, nil
		}
	}
}

func (t *textTest) Columns(c *columns.Set) { c.Text(t.column) }

func (t *textTest) Bounds() Bounds { return Bounds{Probes: t.probes} }

func (t *textTest) cost() cost { return byText }

func (t *textTest) Match(r *columns.Reader, hits []bool) { t.mark(r.Text(t.column), hits) }
