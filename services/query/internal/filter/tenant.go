package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// tenantTest holds for every item of a tenant or for none. A Parser that knows the tenant makes a constant of it, so that no segment is asked.
type tenantTest struct{ valueTest }

func tenantName() func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newValueTest(op, values)
			return &tenantTest{t}, err
		}
	}
}

func (*tenantTest) Columns(*columns.Set) {}

func (*tenantTest) Bounds() Bounds { return Bounds{} }

func (*tenantTest) cost() cost { return byNumber }

func (t *tenantTest) Match(r *columns.Reader, hits []bool) {
	if t.present(string(r.Tenant())) {
		invert(hits) // which come all false
	}
}

// Of is the parser of one tenant's questions.
func (p *Parser) Of(tenant telemetry.Tenant) *Parser {
	of := *p
	of.tenant = tenant
	return &of
}

// constant is what a condition on the tenant comes to where that is known: everything or nothing; any other filter is what it is.
func (p *Parser) constant(f Filter) Filter {
	c, ok := f.(*condition)
	if !ok || p.tenant == "" {
		return f
	}
	t, ok := c.matcher.(*tenantTest)
	switch {
	case !ok:
		return f
	case t.present(string(p.tenant)) != c.negate:
		return All{}
	}
	return Any{}
}

// holdsAlways reports whether a filter is one that says that it holds for every row.
func holdsAlways(f Filter) bool {
	all, ok := f.(All)
	return ok && len(all) == 0
}

// tenantColumn is the tenant, which all items of an answer share.
type tenantColumn struct{}

func ofTenant(string) Column { return tenantColumn{} }

func (tenantColumn) Columns(*columns.Set) {}

func (tenantColumn) Read(r *columns.Reader, to *Codes) {
	to.begin(r.Len())
	clear(to.Of)
	to.constants([]segment.Value{text(string(r.Tenant()))})
}
