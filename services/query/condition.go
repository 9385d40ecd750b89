package query

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// condition is {field, operator, value}. Its test runs once per entry of a segment's dictionaries; rows are then matched by code.
type condition struct {
	field  field
	op     api.Operator
	values []literal
	negate bool // ne, not_in, exists false: the exact negation, so an item without the field matches

	test   segment.Test       // attributes and texts: of a present value
	number func(n int64) bool // intColumn, metricType
	ids    [][]byte           // trace, span and parent ids; nil for exists

	atLeast int64 // intColumn, gt and gte: no smaller number matches
	only    int64 // intColumn, eq and ne: the number compared with, if it is one
	one     bool

	takesAbsent bool // intColumn: the number that stands for none was asked for by itself
}

// equals compares by type; an untyped number equals an int and a double of its value.
func (l literal) equals(v segment.Value) bool {
	switch l.Kind {
	case otlpjson.KindEmpty:
		return v.Type == segment.Empty
	case otlpjson.KindString:
		return v.Type == segment.String && string(v.Raw) == l.String
	case otlpjson.KindBool:
		return v.Type == segment.Bool && (v.Num != 0) == l.Bool
	case otlpjson.KindBytes:
		return v.Type == segment.Bytes && bytes.Equal(v.Raw, l.Bytes)
	case otlpjson.KindInt, otlpjson.KindDouble:
		for _, want := range l.numbers() {
			if v.Type == want.Type && (v.Num == want.Num || v.Type == segment.Double && math.Float64frombits(v.Num) == math.Float64frombits(want.Num)) {
				return true
			}
		}
	case otlpjson.KindArray, otlpjson.KindMap:
	}
	return false
}

// numbers are the values that a number means: itself and, without a type, its twin where that has exactly the same value.
func (l literal) numbers() []segment.Value {
	asInt := func(n int64) segment.Value { return segment.Value{Type: segment.Int, Num: uint64(n)} } //nolint:gosec // two's complement is the format
	asDouble := func(x float64) segment.Value { return segment.Value{Type: segment.Double, Num: math.Float64bits(x)} }
	if l.Kind == otlpjson.KindInt {
		list := []segment.Value{asInt(l.Int)}
		// 2^63 as a double is outside of int64 and would not convert back.
		if x := float64(l.Int); l.untyped && x < 1<<63 && int64(x) == l.Int {
			list = append(list, asDouble(x))
		}
		return list
	}
	list := []segment.Value{asDouble(l.Double)}
	if n := l.Double; l.untyped && n == math.Trunc(n) && n >= -1<<63 && n < 1<<63 {
		list = append(list, asInt(int64(n)))
	}
	return list
}

// compare is the order of v towards the literal; only numbers with numbers and strings with strings have one, and NaN has none.
func (l literal) compare(v segment.Value) (order int, ok bool) {
	switch v.Type {
	case segment.String:
		if l.Kind != otlpjson.KindString {
			return 0, false
		}
		return cmp.Compare(string(v.Raw), l.String), true
	case segment.Int:
		switch l.Kind {
		case otlpjson.KindInt:
			return cmp.Compare(int64(v.Num), l.Int), true //nolint:gosec // two's complement is the format
		case otlpjson.KindDouble:
			return compareIntFloat(int64(v.Num), l.Double) //nolint:gosec // likewise
		case otlpjson.KindEmpty, otlpjson.KindString, otlpjson.KindBool, otlpjson.KindBytes, otlpjson.KindArray, otlpjson.KindMap:
		}
	case segment.Double:
		switch l.Kind {
		case otlpjson.KindInt:
			order, ok := compareIntFloat(l.Int, math.Float64frombits(v.Num))
			return -order, ok
		case otlpjson.KindDouble:
			return compareFloats(math.Float64frombits(v.Num), l.Double)
		case otlpjson.KindEmpty, otlpjson.KindString, otlpjson.KindBool, otlpjson.KindBytes, otlpjson.KindArray, otlpjson.KindMap:
		}
	case segment.Empty, segment.Bool, segment.Bytes, segment.Array, segment.Map:
	}
	return 0, false
}

func compareFloats(a, b float64) (int, bool) {
	if math.IsNaN(a) || math.IsNaN(b) {
		return 0, false
	}
	return cmp.Compare(a, b), true
}

// compareIntFloat is exact: beyond 2^53 a double has not every integer, and converting would make equal what is not.
func compareIntFloat(n int64, x float64) (int, bool) {
	switch {
	case math.IsNaN(x):
		return 0, false
	case x >= 1<<63:
		return -1, true
	case x < -1<<63:
		return 1, true
	}
	whole := math.Trunc(x)
	return cmp.Or(cmp.Compare(n, int64(whole)), cmp.Compare(whole, x)), true
}

func (c *condition) want(w *wanted) {
	metrics := w.metrics
	switch c.field.class {
	case itemAttribute:
		if metrics {
			w.column(segment.ColSeries)
		} else {
			w.attribute(c.field.key)
		}
	case resourceAttribute, serviceName, serviceNamespace:
		if metrics {
			w.column(segment.ColSeries)
		} else {
			w.column(segment.ColResource)
		}
	case scopeAttribute, scopeName, scopeVersion:
		if metrics {
			w.column(segment.ColSeries)
		} else {
			w.column(segment.ColScope)
		}
	case metricName, metricUnit, metricType:
		w.column(segment.ColSeries)
	case textColumn:
		w.text(c.field.text)
	case intColumn:
		w.column(c.field.column)
	case traceID:
		w.TraceIDs = true
	case spanID:
		w.SpanIDs = true
	case parentID, isRoot:
		w.ParentIDs = true
	}
}

func (c *condition) match(s *piece, hits []bool) {
	switch c.field.class {
	case itemAttribute:
		if s.Signal() == telemetry.Metrics {
			c.matchSeries(s, hits, func(t *segment.Table, n *segment.Series) bool { return c.anyValue(t, n.Attributes) })
			break
		}
		c.matchValues(s.Attribute(c.field.key), hits)
	case resourceAttribute, serviceName, serviceNamespace:
		c.matchResources(s, hits)
	case scopeAttribute:
		c.matchScopes(s, hits, func(t *segment.Table, n *segment.Scope) bool { return c.anyValue(t, n.Attributes) })
	case scopeName:
		c.matchScopes(s, hits, func(_ *segment.Table, n *segment.Scope) bool { return n.Name != "" && c.passes(n.Name) })
	case scopeVersion:
		c.matchScopes(s, hits, func(_ *segment.Table, n *segment.Scope) bool { return n.Version != "" && c.passes(n.Version) })
	case metricName:
		c.matchSeries(s, hits, func(t *segment.Table, n *segment.Series) bool { return c.passes(t.Metrics[n.Metric].Name) })
	case metricUnit:
		c.matchSeries(s, hits, func(t *segment.Table, n *segment.Series) bool {
			unit := t.Metrics[n.Metric].Unit
			return unit != "" && c.passes(unit)
		})
	case metricType:
		c.matchSeries(s, hits, func(t *segment.Table, n *segment.Series) bool { return c.number(int64(t.Metrics[n.Metric].Kind)) })
	case textColumn:
		c.matchValues(s.Text(c.field.text), hits)
	case intColumn:
		for i, n := range s.Ints(c.field.column) {
			hits[i] = (c.field.absent == nil || !c.field.absent(n) || c.takesAbsent) && c.number(n)
		}
	case traceID:
		ids := s.TraceIDs()
		of := make([]bool, len(ids.Distinct))
		for entry := range of {
			of[entry] = c.isID(ids.Distinct[entry][:])
		}
		if slices.Contains(of, true) {
			for i, e := range ids.Rows {
				hits[i] = of[e]
			}
		}
	case spanID:
		for i, id := range s.SpanIDs() {
			hits[i] = c.isID(id[:])
		}
	case parentID:
		for i, id := range s.ParentIDs() {
			hits[i] = c.isID(id[:])
		}
	case isRoot:
		for i, id := range s.ParentIDs() {
			hits[i] = id == [8]byte{}
		}
	}
	if c.negate {
		for i := range hits {
			hits[i] = !hits[i]
		}
	}
}

// weight orders conditions by what looking costs: numbers, then what a dictionary tells, then ids and texts.
func (c *condition) weight() int {
	switch c.field.class {
	case intColumn:
		return 0
	case serviceName, serviceNamespace, resourceAttribute:
		return 1
	case itemAttribute:
		return 2
	case traceID, spanID, parentID, isRoot:
		return 3
	case textColumn, scopeAttribute, scopeName, scopeVersion, metricName, metricUnit, metricType:
	}
	return 4
}

// passes tests a string that is present.
func (c *condition) passes(s string) bool { return c.test.Match(text(s)) }

func (c *condition) matchValues(v *segment.Values, hits []bool) {
	if pass, some := v.Pass(&c.test); some {
		v.Mark(pass, hits)
	}
}

// matchResources tests each resource once, and then the resource of each row.
func (c *condition) matchResources(s *piece, hits []bool) {
	test := func(r *segment.Table, n *segment.Resource) bool {
		switch c.field.class {
		case serviceName:
			return c.passes(n.ServiceName)
		case serviceNamespace:
			return n.ServiceNamespace != "" && c.passes(n.ServiceNamespace)
		default:
			return c.anyValue(r, n.Attributes)
		}
	}
	if s.Signal() == telemetry.Metrics {
		t := s.dictionaries()
		of := make([]bool, len(t.Resources))
		for i := range t.Resources {
			of[i] = test(t, &t.Resources[i])
		}
		for i, n := range t.Ints[segment.ColSeries] {
			hits[i] = of[t.Series[n].Resource]
		}
		return
	}
	resources := s.Resources()
	of := make([]bool, resources.N)
	if c.field.class == resourceAttribute {
		if v := resources.Attribute(c.field.key); v != nil {
			c.matchValues(v, of)
		}
	} else {
		for i, service := range s.Services() {
			if c.field.class == serviceName {
				of[i] = c.passes(service.Name)
			} else {
				of[i] = service.Namespace != "" && c.passes(service.Namespace)
			}
		}
	}
	rows := s.Ints(segment.ColResource)
	if s.Err() != nil || !slices.Contains(of, true) {
		return
	}
	for i, r := range rows {
		hits[i] = of[r]
	}
}

func text(s string) segment.Value { return segment.Value{Type: segment.String, Raw: []byte(s)} }

// isID: an id of zeros is none.
func (c *condition) isID(id []byte) bool {
	if c.ids == nil {
		return len(bytes.Trim(id, "\x00")) > 0
	}
	for _, want := range c.ids {
		if bytes.Equal(id, want) {
			return true
		}
	}
	return false
}

func (c *condition) anyValue(t *segment.Table, ids []segment.ValueID) bool {
	for _, id := range ids {
		if v := &t.Values[id]; t.Keys[v.Key] == c.field.key && c.test.Match(*v) {
			return true
		}
	}
	return false
}

func (c *condition) matchScopes(s *piece, hits []bool, test func(*segment.Table, *segment.Scope) bool) {
	t := s.dictionaries()
	of := make([]bool, len(t.Scopes))
	for i := range t.Scopes {
		of[i] = test(t, &t.Scopes[i])
	}
	if t.Signal == telemetry.Metrics {
		for i, n := range t.Ints[segment.ColSeries] {
			hits[i] = of[t.Series[n].Scope]
		}
		return
	}
	for i, n := range t.Ints[segment.ColScope] {
		hits[i] = of[n]
	}
}

func (c *condition) matchSeries(s *piece, hits []bool, test func(*segment.Table, *segment.Series) bool) {
	t := s.dictionaries()
	of := make([]bool, len(t.Series))
	for i := range t.Series {
		of[i] = test(t, &t.Series[i])
	}
	for i, n := range t.Ints[segment.ColSeries] {
		hits[i] = of[n]
	}
}
