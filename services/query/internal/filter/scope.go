package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// scopeTest tests each instrumentation scope of a segment once, and then the scope of each row.
type scopeTest struct {
	valueTest
	key   string // in the token filter
	holds func(v *valueTest, of *segment.Table, s *segment.Scope) bool
}

func scopeAttribute(key string) matching {
	places := placesOf(key)
	return ofScopes(key, func(v *valueTest, of *segment.Table, s *segment.Scope) bool { return v.anyOf(of, s.Attributes, places) })
}

func scopeName() func(string) matching {
	return func(string) matching {
		return ofScopes("name", func(v *valueTest, _ *segment.Table, s *segment.Scope) bool { return v.present(s.Name) })
	}
}

func scopeVersion() func(string) matching {
	return func(string) matching {
		return ofScopes("version", func(v *valueTest, _ *segment.Table, s *segment.Scope) bool { return v.present(s.Version) })
	}
}

func ofScopes(key string, holds func(v *valueTest, of *segment.Table, s *segment.Scope) bool) matching {
	return func(op *Operator, values []Literal) (matcher, error) {
		v, err := newValueTest(op, values)
		return &scopeTest{v, key, holds}, err
	}
}

func (t *scopeTest) Columns(c *columns.Set) { c.Scope() }

func (t *scopeTest) Bounds() Bounds { return Bounds{Probes: t.tokens(segment.ScopeScope, t.key)} }

func (t *scopeTest) cost() cost { return byText }

func (t *scopeTest) Match(r *columns.Reader, hits []bool) {
	all := r.Dictionaries()
	of := make([]bool, len(all.Scopes))
	for i := range all.Scopes {
		of[i] = t.holds(&t.valueTest, all, &all.Scopes[i])
	}
	if all.Signal == telemetry.Metrics {
		for i, n := range all.Ints[segment.ColSeries] {
			hits[i] = of[all.Series[n].Scope]
		}
		return
	}
	for i, n := range all.Ints[segment.ColScope] {
		hits[i] = of[n]
	}
}
