package filter

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// resourceTest tests each resource of a segment once, and then the resource of each row.
type resourceTest struct {
	valueTest
	bounds Bounds
	holds  func(of *segment.Table, r *segment.Resource) bool // of points, whose resources come with their series
	mark   func(r *columns.Reader, of []bool)                // of spans and log records: by resource

	ofService func(name, namespace string) bool // where it is a test of what the service is called; else nil
}

func (t *resourceTest) Columns(c *columns.Set) { c.Resource() }

func (t *resourceTest) Bounds() Bounds { return t.bounds }

func (t *resourceTest) cost() cost { return byResource }

func (t *resourceTest) Match(r *columns.Reader, hits []bool) {
	if r.Signal() == telemetry.Metrics {
		all := r.Dictionaries()
		of := make([]bool, len(all.Resources))
		for i := range all.Resources {
			of[i] = t.holds(all, &all.Resources[i])
		}
		for i, n := range all.Ints[segment.ColSeries] {
			hits[i] = of[all.Series[n].Resource]
		}
		return
	}
	of := make([]bool, r.Resources().N)
	t.mark(r, of)
	rows := r.Ints(segment.ColResource)
	if r.Err() != nil || !slices.Contains(of, true) {
		return
	}
	for i, n := range rows {
		hits[i] = of[n]
	}
}

func resourceAttribute(key string) matching {
	return func(op *Operator, values []Literal) (matcher, error) {
		v, err := newValueTest(op, values)
		if err != nil {
			return nil, err
		}
		places := placesOf(key)
		return &resourceTest{
			valueTest: v, bounds: Bounds{Probes: v.tokens(segment.ScopeResource, key)},
			holds: func(of *segment.Table, r *segment.Resource) bool { return v.anyOf(of, r.Attributes, places) },
			mark: func(r *columns.Reader, of []bool) {
				for _, p := range places {
					if values := r.Resources().Attribute(p.key); values != nil {
						v.markAt(values, p, of)
					}
				}
			},
		}, nil
	}
}

// serviceName is the field of a service's name, which each resource has. Headers list the services that have a row in service_dim.
func serviceName() func(string) matching {
	return ofServices(func(name, _ string) (string, bool) { return name, true }, func(v *valueTest) Bounds {
		if !v.op.equality || v.wider {
			return Bounds{}
		}
		names := []string{}
		for _, l := range v.values {
			if l.Type == segment.String { // of another type, it equals no name
				names = append(names, schema.Name(string(l.Raw)))
			}
		}
		return Bounds{Services: names}
	})
}

func serviceNamespace() func(string) matching {
	return ofServices(func(_, namespace string) (string, bool) { return namespace, namespace != "" }, func(*valueTest) Bounds { return Bounds{} })
}

// ofServices is a field that is a part of what a service is called.
func ofServices(part func(name, namespace string) (text string, ok bool), bounds func(*valueTest) Bounds) func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			v, err := newValueTest(op, values)
			if err != nil {
				return nil, err
			}
			holds := func(name, namespace string) bool {
				s, ok := part(name, namespace)
				return ok && v.test.Match(text(s))
			}
			return &resourceTest{
				valueTest: v, bounds: bounds(&v), ofService: holds,
				holds: func(_ *segment.Table, r *segment.Resource) bool { return holds(r.ServiceName, r.ServiceNamespace) },
				mark: func(r *columns.Reader, of []bool) {
					for i, service := range r.Services() {
						of[i] = holds(service.Name, service.Namespace)
					}
				},
			}, nil
		}
	}
}
