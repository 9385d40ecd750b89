package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// body is the field of a log record's body: a text column whose words are in the token filter.
func body() func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newValueTest(op, values)
			return &textTest{valueTest: t, column: segment.TextBody, probes: words(op, values, t.test)}, err
		}
	}
}

// bodyTest tests what lies at a path within bodies.
type bodyTest struct {
	valueTest
	path string
}

func bodyPath(path string) matching {
	return func(op *Operator, values []Literal) (matcher, error) {
		t, err := newValueTest(op, values)
		return &bodyTest{t, path}, err
	}
}

func (t *bodyTest) Columns(c *columns.Set) { c.Text(segment.TextBody) }

func (t *bodyTest) Bounds() Bounds {
	// What lies within a body is a part of its text.
	return Bounds{Probes: append(t.tokens(segment.ScopeField, "body."+t.path), words(t.op, t.values, t.test)...)}
}

func (t *bodyTest) cost() cost { return byText }

func (t *bodyTest) Match(r *columns.Reader, hits []bool) {
	t.markAt(r.Text(segment.TextBody), place{within: true, path: t.path}, hits)
}
