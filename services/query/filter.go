package query

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Bounds of a filter, so that a request of a few kilobytes cannot ask for hours of work.
const (
	maxFilterNodes = 200
	maxFilterDepth = 10
	maxRegexLength = 1000
)

// filter is a node of a parsed filter: what it needs, what it rules out for a whole segment, and which rows it holds for.
type filter interface {
	// want adds the columns that match reads.
	want(w *wanted)
	// bounds says what a segment must have to hold a match.
	bounds() bounds
	// match sets hits[i] for each row i of s that meets the filter; hits comes all false.
	match(s *piece, hits []bool)
}

// all is a conjunction; empty it holds for every row.
type all []filter

// anyOf is a disjunction; empty it holds for no row.
type anyOf []filter

// not is the exact negation.
type not struct{ filter }

func (f all) want(w *wanted) {
	for _, c := range f {
		c.want(w)
	}
}

func (f anyOf) want(w *wanted) {
	for _, c := range f {
		c.want(w)
	}
}

func (f all) match(s *piece, hits []bool) {
	for n, c := range f {
		if n == 0 {
			c.match(s, hits)
		} else {
			more := s.borrow()
			c.match(s, more)
			for i, hit := range more {
				hits[i] = hits[i] && hit
			}
			s.giveBack()
		}
		if !slices.Contains(hits, true) {
			return // and the columns of the others need not be decoded
		}
	}
	if len(f) == 0 {
		fill(hits, true)
	}
}

func (f anyOf) match(s *piece, hits []bool) {
	for _, c := range f {
		more := s.borrow()
		c.match(s, more)
		for i, hit := range more {
			hits[i] = hits[i] || hit
		}
		s.giveBack()
	}
}

func (f not) match(s *piece, hits []bool) {
	f.filter.match(s, hits)
	for i := range hits {
		hits[i] = !hits[i]
	}
}

func fill(b []bool, v bool) {
	for i := range b {
		b[i] = v
	}
}

// fieldClass says where the values of a field are, and so how a condition on it is evaluated.
type fieldClass uint8

const (
	itemAttribute fieldClass = iota
	resourceAttribute
	scopeAttribute
	serviceName
	serviceNamespace
	scopeName
	scopeVersion
	metricName
	metricUnit
	metricType
	textColumn
	intColumn
	traceID
	spanID
	parentID
	isRoot
)

// field is a resolved field of one signal.
type field struct {
	name   string // as sent, for messages
	class  fieldClass
	key    string // attributes
	text   segment.TextColumn
	column segment.Column
	parse  func(v literal) (low, high int64, ok bool) // intColumn, metricType: the range of numbers that a literal means
	wants  string                                     // intColumn, metricType: the literals that parse takes
	absent func(n int64) bool                         // intColumn: the number that stands for none; nil: always present
	token  string                                     // textColumn: its key in the token filter, "" when it has none
}

// fieldOf resolves a field's name for a signal.
func fieldOf(signal telemetry.Signal, name string) (field, bool) {
	f := field{name: name}
	for prefix, class := range map[string]fieldClass{
		"attributes.": itemAttribute, "resource.": resourceAttribute, "scope.": scopeAttribute,
	} {
		key, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if key == "" {
			return f, false
		}
		f.class, f.key = class, key
		if class == scopeAttribute && key == "name" {
			f.class = scopeName
		}
		if class == scopeAttribute && key == "version" {
			f.class = scopeVersion
		}
		return f, true
	}
	switch name {
	case "service":
		f.class = serviceName
		return f, true
	case "namespace":
		f.class = serviceNamespace
		return f, true
	case "time":
		f.class, f.column, f.parse, f.wants = intColumn, segment.ColTime, parseTime, "RFC 3339 or Unix nanoseconds"
		return f, true
	}
	switch signal {
	case telemetry.Traces:
		return f.ofSpans()
	case telemetry.Logs:
		return f.ofLogs()
	case telemetry.Metrics:
		return f.ofPoints()
	}
	return f, false
}

func (f field) ofSpans() (field, bool) {
	switch f.name {
	case "name":
		f.class, f.text, f.token = textColumn, segment.TextName, "name"
	case "status_message":
		f.class, f.text, f.token = textColumn, segment.TextStatusMessage, "status_message"
	case "trace_state":
		f.class, f.text = textColumn, segment.TextTraceState
	case "kind":
		f.class, f.column = intColumn, segment.ColKind
		f.parse, f.wants = named("unspecified", "internal", "server", "client", "producer", "consumer")
	case "status":
		f.class, f.column = intColumn, segment.ColStatus
		f.parse, f.wants = named("unset", "ok", "error")
	case "duration":
		f.class, f.column, f.parse, f.wants = intColumn, segment.ColDuration, parseDuration, `nanoseconds or a length like "1.5s"`
	case "trace_id":
		f.class = traceID
	case "span_id":
		f.class = spanID
	case "parent_span_id":
		f.class = parentID
	case "root":
		f.class = isRoot
	default:
		return f, false
	}
	return f, true
}

func (f field) ofLogs() (field, bool) {
	switch f.name {
	case "body":
		f.class, f.text = textColumn, segment.TextBody
	case "severity_text":
		f.class, f.text, f.token = textColumn, segment.TextSeverity, "severity_text"
	case "event_name":
		f.class, f.text, f.token = textColumn, segment.TextEventName, "event_name"
	case "severity":
		f.class, f.column, f.parse = intColumn, segment.ColSeverity, parseSeverity
		f.wants = "1 to 24, or trace, debug, info, warn, error, fatal"
		f.absent = func(n int64) bool { return n == 0 }
	case "trace_id":
		f.class = traceID
	case "span_id":
		f.class = spanID
	default:
		return f, false
	}
	return f, true
}

func (f field) ofPoints() (field, bool) {
	switch f.name {
	case "name":
		f.class = metricName
	case "unit":
		f.class = metricUnit
	case "type":
		f.class = metricType
		f.parse, f.wants = named("", "gauge", "sum", "histogram", "exponential_histogram", "summary")
	default:
		return f, false
	}
	return f, true
}

// literal is a value of a condition. A number without a type (200) means the int and the double; one with a type
// ({"intValue":"200"}) only that.
type literal struct {
	otlpjson.Value
	untyped bool
}

func parseLiteral(raw json.RawMessage) (literal, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return literal{}, errors.New("a value is required")
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return literal{Value: otlpjson.Value{Kind: otlpjson.KindString, String: s}}, err
	case 't', 'f':
		return literal{Value: otlpjson.Value{Kind: otlpjson.KindBool, Bool: raw[0] == 't'}}, nil
	case '{':
		var v otlpjson.Value
		if err := json.Unmarshal(raw, &v); err != nil {
			return literal{}, err
		}
		if v.Kind == otlpjson.KindArray || v.Kind == otlpjson.KindMap {
			return literal{}, errors.New("arrays and maps cannot be compared")
		}
		return literal{Value: v}, nil
	case 'n', '[':
		return literal{}, fmt.Errorf("%s is not a value to compare with", raw)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return literal{Value: otlpjson.Value{Kind: otlpjson.KindInt, Int: n}, untyped: true}, nil
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return literal{}, fmt.Errorf("%s is not a number that 64 bits hold", raw)
	}
	return literal{Value: otlpjson.Value{Kind: otlpjson.KindDouble, Double: x}, untyped: true}, nil
}

// named parses an enum: the number, or one of the names, which are the numbers from 0 on.
func named(names ...string) (func(literal) (int64, int64, bool), string) {
	return func(v literal) (int64, int64, bool) {
		switch v.Kind {
		case otlpjson.KindInt:
			return v.Int, v.Int, true
		case otlpjson.KindString:
			n := slices.Index(names, strings.ToLower(v.String))
			return int64(n), int64(n), n >= 0 && v.String != ""
		case otlpjson.KindEmpty, otlpjson.KindBool, otlpjson.KindDouble, otlpjson.KindBytes, otlpjson.KindArray, otlpjson.KindMap:
		}
		return 0, 0, false
	}, "a number or one of " + strings.TrimPrefix(strings.Join(names, ", "), ", ")
}

func parseSeverity(v literal) (low, high int64, ok bool) {
	if v.Kind == otlpjson.KindInt {
		return v.Int, v.Int, true
	}
	if v.Kind != otlpjson.KindString {
		return 0, 0, false
	}
	n := slices.Index([]string{"trace", "debug", "info", "warn", "error", "fatal"}, strings.ToLower(v.String))
	low = int64(n)*4 + 1
	return low, low + 3, n >= 0
}

func parseTime(v literal) (low, high int64, ok bool) {
	if v.Kind == otlpjson.KindInt {
		return v.Int, v.Int, true
	}
	if v.Kind != otlpjson.KindString {
		return 0, 0, false
	}
	n, err := otlpjson.Time(v.String).Nanos()
	return n, n, err == nil
}

func parseDuration(v literal) (low, high int64, ok bool) {
	if v.Kind == otlpjson.KindInt {
		return v.Int, v.Int, true
	}
	if v.Kind != otlpjson.KindString {
		return 0, 0, false
	}
	if n, err := strconv.ParseInt(v.String, 10, 64); err == nil {
		return n, n, true
	}
	d, err := time.ParseDuration(v.String)
	return int64(d), int64(d), err == nil
}

// parser turns the filters of one request into a tree.
type parser struct {
	signal telemetry.Signal
	nodes  int
}

// parseFilters parses the filters of a request, which must all hold. Errors are fault.Invalid and name the place.
func parseFilters(signal telemetry.Signal, raw []api.Filter) (filter, error) {
	p := parser{signal: signal}
	return p.list("filters", raw, 0)
}

func (p *parser) list(path string, raw []api.Filter, depth int) (all, error) {
	list := make(all, 0, len(raw))
	for i, r := range raw {
		f, err := p.one(fmt.Sprintf("%s[%d]", path, i), r, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	// What is cheap to look at comes first: where it holds for no row of a segment, the rest is not decoded.
	slices.SortStableFunc(list, func(a, b filter) int { return cmp.Compare(weight(a), weight(b)) })
	return list, nil
}

func weight(f filter) int {
	if c, ok := f.(*condition); ok {
		return c.weight()
	}
	return math.MaxInt
}

func badFilter(code, path, format string, args ...any) error {
	return fault.New(fault.Invalid, "filter."+code, path+": "+fmt.Sprintf(format, args...))
}

func (p *parser) one(path string, raw json.RawMessage, depth int) (filter, error) {
	p.nodes++
	if p.nodes > maxFilterNodes {
		return nil, badFilter("too_large", path, "more than %d conditions", maxFilterNodes)
	}
	if depth > maxFilterDepth {
		return nil, badFilter("too_large", path, "nested deeper than %d", maxFilterDepth)
	}
	var wire struct {
		Field    *string
		Operator *string
		Value    json.RawMessage
		And      *[]json.RawMessage
		Or       *[]json.RawMessage
		Not      *[]json.RawMessage
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&wire); err != nil {
		return nil, badFilter("malformed", path, "want {field, operator, value}, {and:[…]}, {or:[…]} or {not:[…]}: %v", err)
	}
	groups := 0
	for _, g := range []*[]json.RawMessage{wire.And, wire.Or, wire.Not} {
		if g != nil {
			groups++
		}
	}
	condition := wire.Field != nil || wire.Operator != nil || wire.Value != nil
	switch {
	case groups > 1 || groups == 1 && condition || groups == 0 && !condition:
		return nil, badFilter("malformed", path, "want exactly one of {field, operator, value}, {and:[…]}, {or:[…]}, {not:[…]}")
	case wire.And != nil:
		return p.group(path+".and", *wire.And, depth)
	case wire.Or != nil:
		list, err := p.group(path+".or", *wire.Or, depth)
		return anyOf(list), err
	case wire.Not != nil:
		list, err := p.group(path+".not", *wire.Not, depth)
		return not{list}, err
	case wire.Field == nil:
		return nil, badFilter("malformed", path, "field is missing")
	case wire.Operator == nil:
		return nil, badFilter("malformed", path, "operator is missing")
	}
	return p.condition(path, *wire.Field, api.Operator(*wire.Operator), wire.Value)
}

func (p *parser) group(path string, raw []json.RawMessage, depth int) (all, error) {
	if len(raw) == 0 {
		return nil, badFilter("malformed", path, "at least one filter is wanted")
	}
	return p.list(path, raw, depth+1)
}

func (p *parser) condition(path, name string, op api.Operator, raw json.RawMessage) (filter, error) {
	f, ok := fieldOf(p.signal, name)
	if !ok {
		return nil, badFilter("unknown_field", path, "unknown field %q for %s", name, p.signal)
	}
	if !op.Valid() {
		return nil, badFilter("unknown_operator", path, "unknown operator %q", string(op))
	}
	c := &condition{field: f, op: op}
	if err := c.parse(raw); err != nil {
		return nil, badFilter("bad_value", path, "%s %s: %v", name, op, err)
	}
	return c, nil
}

// parse reads the value and prepares the test that the field's class needs.
func (c *condition) parse(raw json.RawMessage) error {
	switch c.op {
	case api.OperatorExists:
		return c.parseExists(raw)
	case api.OperatorIn, api.OperatorNotIn:
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
			return errors.New("want a list of values")
		}
		if len(list) > maxFilterNodes {
			return fmt.Errorf("more than %d values", maxFilterNodes)
		}
		for _, r := range list {
			v, err := parseLiteral(r)
			if err != nil {
				return err
			}
			c.values = append(c.values, v)
		}
		c.negate = c.op == api.OperatorNotIn
	case api.OperatorEq, api.OperatorNe, api.OperatorGt, api.OperatorGte, api.OperatorLt, api.OperatorLte, api.OperatorContains,
		api.OperatorRegex:
		v, err := parseLiteral(raw)
		if err != nil {
			return err
		}
		c.values = []literal{v}
		c.negate = c.op == api.OperatorNe
	}
	switch c.field.class {
	case intColumn, metricType:
		return c.parseRanges()
	case traceID, spanID, parentID:
		return c.parseIDs()
	case isRoot:
		return c.parseRoot()
	case itemAttribute, resourceAttribute, scopeAttribute, serviceName, serviceNamespace, scopeName, scopeVersion, metricName, metricUnit,
		textColumn:
	}
	return c.parseTest()
}

func (c *condition) parseExists(raw json.RawMessage) error {
	want := true
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &want); err != nil {
			return errors.New("want true or false")
		}
	}
	if c.field.class == isRoot {
		return c.unsupported()
	}
	c.negate = !want
	c.test.Match = func(segment.Value) bool { return true }
	c.number = func(int64) bool { return true }
	return nil
}

func (c *condition) unsupported() error { return errors.New("this field does not take this operator") }

func (c *condition) parseRanges() error {
	type interval struct{ low, high int64 }
	var list []interval
	for _, v := range c.values {
		low, high, ok := c.field.parse(v)
		if !ok {
			return fmt.Errorf("want %s", c.field.wants)
		}
		list = append(list, interval{low, high})
	}
	first := list[0]
	switch c.op {
	case api.OperatorEq, api.OperatorNe, api.OperatorIn, api.OperatorNotIn:
		c.number = func(n int64) bool {
			return slices.ContainsFunc(list, func(r interval) bool { return r.low <= n && n <= r.high })
		}
		c.takesAbsent = c.field.absent != nil && slices.ContainsFunc(list, func(r interval) bool { return r.low == r.high && c.field.absent(r.low) })
	case api.OperatorGt:
		c.number = func(n int64) bool { return n > first.high }
		c.atLeast = max(first.high, first.high+1) // of the largest number, nothing is greater
	case api.OperatorGte:
		c.number = func(n int64) bool { return n >= first.low }
		c.atLeast = first.low
	case api.OperatorLt:
		c.number = func(n int64) bool { return n < first.low }
	case api.OperatorLte:
		c.number = func(n int64) bool { return n <= first.high }
	case api.OperatorContains, api.OperatorRegex, api.OperatorExists:
		return c.unsupported()
	}
	if c.op == api.OperatorEq || c.op == api.OperatorNe {
		c.only, c.one = first.low, first.low == first.high
	}
	return nil
}

func (c *condition) parseIDs() error {
	switch c.op {
	case api.OperatorEq, api.OperatorNe, api.OperatorIn, api.OperatorNotIn:
	case api.OperatorGt, api.OperatorGte, api.OperatorLt, api.OperatorLte, api.OperatorContains, api.OperatorRegex, api.OperatorExists:
		return c.unsupported()
	}
	size := 8
	if c.field.class == traceID {
		size = 16
	}
	for _, v := range c.values {
		id, err := hex.DecodeString(v.String)
		if v.Kind != otlpjson.KindString || err != nil || len(id) != size {
			return fmt.Errorf("want %d hex digits", size*2)
		}
		if size == 16 && [16]byte(id) == [16]byte{} {
			return errors.New("want a trace id that is not all zeros; what has none is found by exists")
		}
		c.ids = append(c.ids, id)
	}
	return nil
}

func (c *condition) parseRoot() error {
	v := c.values[0]
	if v.Kind != otlpjson.KindBool || c.op != api.OperatorEq && c.op != api.OperatorNe {
		return errors.New("want eq or ne with true or false")
	}
	c.negate = v.Bool == (c.op == api.OperatorNe)
	return nil
}

// parseTest prepares c.test for fields whose values are AnyValues or strings.
func (c *condition) parseTest() error {
	first := c.values[0]
	compare := func(holds func(order int) bool) func(v segment.Value) bool {
		return func(v segment.Value) bool { order, ok := first.compare(v); return ok && holds(order) }
	}
	switch c.op {
	case api.OperatorEq, api.OperatorNe, api.OperatorIn, api.OperatorNotIn:
		c.test = equality(c.values)
	case api.OperatorGt:
		c.test.Match = compare(func(order int) bool { return order > 0 })
	case api.OperatorGte:
		c.test.Match = compare(func(order int) bool { return order >= 0 })
	case api.OperatorLt:
		c.test.Match = compare(func(order int) bool { return order < 0 })
	case api.OperatorLte:
		c.test.Match = compare(func(order int) bool { return order <= 0 })
	case api.OperatorContains:
		if first.Kind != otlpjson.KindString {
			return errors.New("want a string")
		}
		part := []byte(first.String)
		c.test = segment.Test{
			Match:    func(v segment.Value) bool { return v.Type == segment.String && bytes.Contains(v.Raw, part) },
			Contains: [][]byte{part}, StringsDecided: true,
		}
	case api.OperatorRegex:
		if first.Kind != otlpjson.KindString || len(first.String) > maxRegexLength {
			return fmt.Errorf("want a regular expression of at most %d bytes", maxRegexLength)
		}
		expression, err := regexp.Compile(first.String)
		if err != nil {
			return err
		}
		c.test = segment.Test{
			Match:    func(v segment.Value) bool { return v.Type == segment.String && expression.Match(v.Raw) },
			Contains: requiredLiterals(first.String),
		}
	case api.OperatorExists:
	}
	switch c.op {
	case api.OperatorGt, api.OperatorGte, api.OperatorLt, api.OperatorLte:
		if k := first.Kind; k != otlpjson.KindInt && k != otlpjson.KindDouble && k != otlpjson.KindString {
			return errors.New("want a number or a string")
		}
	case api.OperatorEq, api.OperatorNe, api.OperatorIn, api.OperatorNotIn, api.OperatorContains, api.OperatorRegex, api.OperatorExists:
	}
	return nil
}
