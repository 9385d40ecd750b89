package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// attributeTest tests an attribute of the items: of spans and log records a column by its key, of points a part of their series.
type attributeTest struct {
	valueTest
	key    string
	places []place
}

func itemAttribute(key string) matching {
	return func(op *Operator, values []Literal) (matcher, error) {
		t, err := newValueTest(op, values)
		return &attributeTest{t, key, placesOf(key)}, err
	}
}

func (t *attributeTest) Columns(c *columns.Set) {
	for _, p := range t.places {
		c.Attribute(p.key)
	}
}

func (t *attributeTest) Bounds() Bounds { return Bounds{Probes: t.tokens(segment.ScopeItem, t.key)} }

func (t *attributeTest) cost() cost { return byAttribute }

func (t *attributeTest) Match(r *columns.Reader, hits []bool) {
	if r.Signal() == telemetry.Metrics {
		markSeries(r, hits, func(of *segment.Table, s *segment.Series) bool { return t.anyOf(of, s.Attributes, t.places) })
		return
	}
	for _, p := range t.places {
		t.markAt(r.Attribute(p.key), p, hits)
	}
}
