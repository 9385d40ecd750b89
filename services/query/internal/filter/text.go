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
	if err == nil {
		test.Match = structured(op, test.Match)
	}
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

// markAt sets hits of the entries within which something at a path passes; "" is the entries themselves.
func (t *valueTest) markAt(v *segment.Values, path string, hits []bool) {
	if path == "" {
		t.mark(v, hits)
		return
	}
	within := t.within(path)
	if pass, some := v.Pass(&within); some {
		v.Mark(pass, hits)
	}
}

// anyOf reports whether at one of some places among attributes is what passes.
func (t *valueTest) anyOf(of *segment.Table, attributes []segment.ValueID, places []place) bool {
	for _, id := range attributes {
		v := &of.Values[id]
		for _, p := range places {
			if of.Keys[v.Key] == p.key && (p.path == "" && t.test.Match(*v) || p.path != "" && t.at(v.OTLP(), p.path)) {
				return true
			}
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
