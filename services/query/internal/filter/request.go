package filter

import (
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// Request is what rollups know of spans that are alike (libs/rollup/red). Names are as rollups tell them.
type Request struct {
	Service, Namespace, Name string
	Kind                     int64
	Nameless                 bool // their names are not kept
}

// ofRequest is a matcher or a column for which what rollups know may be enough.
type ofRequest[T any] interface {
	// request is its answer, and whether it is sure: it is not where names were cut or are not kept.
	request(r *Request) (is T, sure bool)
	// requests reports whether it asks for nothing but what rollups know.
	requests() bool
}

// OfRequests is a filter of spans as a test of requests, and false where it asks for more than is known of them. The test says whether it holds, and
// whether that is sure.
func OfRequests(f Filter) (test func(r *Request) (holds, sure bool), ok bool) {
	switch f := f.(type) {
	case nil:
		return ofParts(nil, true)
	case All:
		return ofParts(f, true)
	case Any:
		return ofParts(f, false)
	case Not:
		part, ok := OfRequests(f.Filter)
		return inverted(part), ok
	case *condition:
		m, ok := f.matcher.(ofRequest[bool])
		if !ok || !m.requests() {
			return nil, false
		}
		if f.negate {
			return inverted(m.request), true
		}
		return m.request, true
	}
	return nil, false
}

func inverted(part func(*Request) (bool, bool)) func(*Request) (bool, bool) {
	return func(r *Request) (bool, bool) {
		holds, sure := part(r)
		return !holds, sure
	}
}

// ofParts is a conjunction, or a disjunction: one part that surely decides it is enough.
func ofParts(list []Filter, all bool) (func(*Request) (bool, bool), bool) {
	var parts []func(*Request) (bool, bool)
	for _, f := range list {
		part, ok := OfRequests(f)
		if !ok {
			return nil, false
		}
		parts = append(parts, part)
	}
	return func(r *Request) (bool, bool) {
		every := true
		for _, part := range parts {
			holds, sure := part(r)
			if sure && holds != all {
				return holds, true
			}
			every = every && sure
		}
		return all, every
	}, true
}

// ColumnOfRequests is a column of spans as what requests have of it, and false where it is none that is known of them. A value is told as rollups do: a long one
// is cut.
func ColumnOfRequests(c Column) (value func(r *Request) (v segment.Value, is, sure bool), ok bool) {
	of, ok := c.(ofRequest[optional])
	if !ok || !of.requests() {
		return nil, false
	}
	return func(r *Request) (segment.Value, bool, bool) {
		v, sure := of.request(r)
		return v.Value, v.is, sure
	}, true
}

// optional is a value or none.
type optional struct {
	segment.Value
	is bool
}

func (t *resourceTest) requests() bool { return t.ofService != nil }

func (t *resourceTest) request(r *Request) (holds, sure bool) {
	return t.ofService(r.Service, r.Namespace), !rollup.IsCut(r.Service) && !rollup.IsCut(r.Namespace)
}

func (t *textTest) requests() bool { return t.column == segment.TextName }

func (t *textTest) request(r *Request) (holds, sure bool) {
	return t.present(r.Name), !r.Nameless && !rollup.IsCut(r.Name)
}

func (c *numberColumn) requests() bool { return c.column == segment.ColKind && !c.zeroIsNone }

func (c *numberColumn) request(r *Request) (holds, sure bool) { return c.holds(r.Kind), true }

func (f resourceColumn) requests() bool { return f.service != nil }

func (f resourceColumn) request(r *Request) (is optional, sure bool) {
	v, ok := given(f.service(r.Service, r.Namespace))
	return optional{v, ok}, true
}

func (t textColumn) requests() bool { return t.column == segment.TextName && t.path == "" }

func (t textColumn) request(r *Request) (is optional, sure bool) {
	v, ok := given(r.Name)
	return optional{v, ok}, !r.Nameless
}

func (e enumColumn) requests() bool { return e.column == segment.ColKind && !e.zeroIsNone }

func (e enumColumn) request(r *Request) (is optional, sure bool) {
	return optional{e.named(r.Kind), true}, true
}
