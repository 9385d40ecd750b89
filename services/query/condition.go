package query

import (
	"bytes"
	"cmp"
	"math"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// condition is {field, operator, value}. Its test runs once per entry of a segment's dictionaries; rows are then matched by code.
type condition struct {
	field  field
	op     api.Operator
	values []literal
	negate bool // ne, not_in, exists false: the exact negation, so an item without the field matches

	test   func(v segment.Value) bool // attributes and texts: of a present value
	number func(n int64) bool         // intColumn, metricType
	ids    [][]byte                   // trace, span and parent ids; nil for exists

	atLeast int64 // intColumn, gt and gte: no smaller number matches
	only    int64 // intColumn, eq and ne: the number compared with, if it is one
	one     bool

	takesAbsent bool // intColumn: the number that stands for none was asked for by itself
}

// equals compares by type; an untyped number equals an int and a double of its value.
func (l literal) equals(v segment.Value) bool {
	switch l.Kind {
	case api.KindEmpty:
		return v.Type == segment.Empty
	case api.KindString:
		return v.Type == segment.String && string(v.Raw) == l.String
	case api.KindBool:
		return v.Type == segment.Bool && (v.Num != 0) == l.Bool
	case api.KindBytes:
		return v.Type == segment.Bytes && bytes.Equal(v.Raw, l.Bytes)
	case api.KindInt, api.KindDouble:
		for _, want := range l.numbers() {
			if v.Type == want.Type && (v.Num == want.Num || v.Type == segment.Double && math.Float64frombits(v.Num) == math.Float64frombits(want.Num)) {
				return true
			}
		}
	case api.KindArray, api.KindMap:
	}
	return false
}

// numbers are the values that a number means: itself and, without a type, its twin where that has exactly the same value.
func (l literal) numbers() []segment.Value {
	asInt := func(n int64) segment.Value { return segment.Value{Type: segment.Int, Num: uint64(n)} } //nolint:gosec // two's complement is the format
	asDouble := func(x float64) segment.Value { return segment.Value{Type: segment.Double, Num: math.Float64bits(x)} }
	if l.Kind == api.KindInt {
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
		if l.Kind != api.KindString {
			return 0, false
		}
		return cmp.Compare(string(v.Raw), l.String), true
	case segment.Int:
		switch l.Kind {
		case api.KindInt:
			return cmp.Compare(int64(v.Num), l.Int), true //nolint:gosec // two's complement is the format
		case api.KindDouble:
			return compareIntFloat(int64(v.Num), l.Double) //nolint:gosec // likewise
		case api.KindEmpty, api.KindString, api.KindBool, api.KindBytes, api.KindArray, api.KindMap:
		}
	case segment.Double:
		switch l.Kind {
		case api.KindInt:
			order, ok := compareIntFloat(l.Int, math.Float64frombits(v.Num))
			return -order, ok
		case api.KindDouble:
			return compareFloats(math.Float64frombits(v.Num), l.Double)
		case api.KindEmpty, api.KindString, api.KindBool, api.KindBytes, api.KindArray, api.KindMap:
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

func (c *condition) match(t *segment.Table, hits []bool) {
	switch c.field.class {
	case itemAttribute:
		if t.Ints[segment.ColSeries] != nil {
			c.matchSeries(t, hits, func(s *segment.Series) bool { return c.anyValue(t, s.Attributes) })
			break
		}
		of := c.valueHits(t)
		for i := range hits {
			for _, id := range t.Attributes.Row(i) {
				if of[id] {
					hits[i] = true
					break
				}
			}
		}
	case resourceAttribute:
		c.matchResources(t, hits, func(r *segment.Resource) bool { return c.anyValue(t, r.Attributes) })
	case serviceName:
		c.matchResources(t, hits, func(r *segment.Resource) bool { return c.test(text(r.ServiceName)) })
	case serviceNamespace:
		c.matchResources(t, hits, func(r *segment.Resource) bool { return r.ServiceNamespace != "" && c.test(text(r.ServiceNamespace)) })
	case scopeAttribute:
		c.matchScopes(t, hits, func(s *segment.Scope) bool { return c.anyValue(t, s.Attributes) })
	case scopeName:
		c.matchScopes(t, hits, func(s *segment.Scope) bool { return s.Name != "" && c.test(text(s.Name)) })
	case scopeVersion:
		c.matchScopes(t, hits, func(s *segment.Scope) bool { return s.Version != "" && c.test(text(s.Version)) })
	case metricName:
		c.matchSeries(t, hits, func(s *segment.Series) bool { return c.test(text(t.Metrics[s.Metric].Name)) })
	case metricUnit:
		c.matchSeries(t, hits, func(s *segment.Series) bool {
			unit := t.Metrics[s.Metric].Unit
			return unit != "" && c.test(text(unit))
		})
	case metricType:
		c.matchSeries(t, hits, func(s *segment.Series) bool { return c.number(int64(t.Metrics[s.Metric].Kind)) })
	case textColumn:
		c.matchTexts(t, hits)
	case intColumn:
		for i, n := range t.Ints[c.field.column] {
			hits[i] = (c.field.absent == nil || !c.field.absent(n) || c.takesAbsent) && c.number(n)
		}
	case traceID:
		for i := range hits {
			hits[i] = c.isID(t.TraceIDs[i][:])
		}
	case spanID:
		for i := range hits {
			hits[i] = c.isID(t.SpanIDs[i][:])
		}
	case parentID:
		for i := range hits {
			hits[i] = c.isID(t.ParentIDs[i][:])
		}
	case isRoot:
		for i := range hits {
			hits[i] = t.ParentIDs[i] == [8]byte{}
		}
	}
	if c.negate {
		for i := range hits {
			hits[i] = !hits[i]
		}
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

// valueHits tells of each entry of the table's dictionary whether it is a value of the key that passes the test.
func (c *condition) valueHits(t *segment.Table) []bool {
	of := make([]bool, len(t.Values))
	for id := 1; id < len(t.Values); id++ {
		v := &t.Values[id]
		of[id] = t.Keys[v.Key] == c.field.key && c.test(*v)
	}
	return of
}

func (c *condition) anyValue(t *segment.Table, ids []segment.ValueID) bool {
	for _, id := range ids {
		if v := &t.Values[id]; t.Keys[v.Key] == c.field.key && c.test(*v) {
			return true
		}
	}
	return false
}

func (c *condition) matchTexts(t *segment.Table, hits []bool) {
	const unknown, no, yes = 0, 1, 2
	of := make([]uint8, len(t.Values))
	of[0] = no // absent
	for i, id := range t.Texts[c.field.text] {
		if of[id] == unknown {
			of[id] = no
			if c.test(t.Values[id]) {
				of[id] = yes
			}
		}
		hits[i] = of[id] == yes
	}
}

func (c *condition) matchResources(t *segment.Table, hits []bool, test func(*segment.Resource) bool) {
	of := make([]bool, len(t.Resources))
	for i := range t.Resources {
		of[i] = test(&t.Resources[i])
	}
	if series := t.Ints[segment.ColSeries]; series != nil {
		for i, s := range series {
			hits[i] = of[t.Series[s].Resource]
		}
		return
	}
	for i, r := range t.Ints[segment.ColResource] {
		hits[i] = of[r]
	}
}

func (c *condition) matchScopes(t *segment.Table, hits []bool, test func(*segment.Scope) bool) {
	of := make([]bool, len(t.Scopes))
	for i := range t.Scopes {
		of[i] = test(&t.Scopes[i])
	}
	if series := t.Ints[segment.ColSeries]; series != nil {
		for i, s := range series {
			hits[i] = of[t.Series[s].Scope]
		}
		return
	}
	for i, s := range t.Ints[segment.ColScope] {
		hits[i] = of[s]
	}
}

func (c *condition) matchSeries(t *segment.Table, hits []bool, test func(*segment.Series) bool) {
	of := make([]bool, len(t.Series))
	for i := range t.Series {
		of[i] = test(&t.Series[i])
	}
	for i, s := range t.Ints[segment.ColSeries] {
		hits[i] = of[s]
	}
}
