package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Bounds of a filter, so that a request of a few kilobytes cannot ask for hours of work.
const (
	maxNodes    = 200 // conditions of a request, groups among them, and values of a list
	maxDepth    = 10
	maxValues   = 2000      // of all conditions: each is compared with what every segment holds
	maxText     = 256 << 10 // bytes of these
	maxPrograms = 20_000    // instructions of all regular expressions
)

// Parser makes filters, by the two tables, which it builds once. It never changes and may be used by many requests at a time.
type Parser struct {
	fields    []Field
	operators []Operator
	tenant    telemetry.Tenant // whose questions are read; "" where that is not known
}

// NewParser knows the fields and operators that there are.
func NewParser() *Parser { return &Parser{fields: Fields(), operators: Operators()} }

// Parse reads the filters of a request, which must all hold, as docs/api.yaml describes them. Errors are fault.Invalid and name the place.
func (p *Parser) Parse(signal telemetry.Signal, raw []json.RawMessage) (Filter, error) {
	r := request{Parser: p, signal: signal}
	return r.list("filters", raw, 0)
}

// request is the filters of one request on their way into a tree.
type request struct {
	*Parser
	signal    telemetry.Signal
	related   bool // relations are taken
	relations int  // so far
	nodes     int
	asked     weight
}

// weight is what conditions cost to be looked at, beside their number.
type weight struct{ values, text, programs int }

// add adds a condition, and refuses what is too much of all.
func (w *weight) add(path string, op *Operator, values []Literal) error {
	w.values += len(values)
	for _, v := range values {
		w.text += len(v.Raw)
	}
	if op.program != nil {
		size, err := op.program(values)
		if err != nil {
			return err
		}
		w.programs += size
	}
	switch {
	case w.values > maxValues:
		return refused(errTooLarge, path, "with this condition the filters have more than %d values", maxValues)
	case w.text > maxText:
		return refused(errTooLarge, path, "with this condition the values of the filters have more than %d bytes", maxText)
	case w.programs > maxPrograms:
		return refused(errTooLarge, path, "with this condition the regular expressions of the filters come to more than %d instructions", maxPrograms)
	}
	return nil
}

func (p *request) list(path string, raw []json.RawMessage, depth int) (All, error) {
	list := make(All, 0, len(raw))
	for i, r := range raw {
		f, err := p.one(fmt.Sprintf("%s[%d]", path, i), r, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	if depth == 0 { // a conjunction
		list = slices.DeleteFunc(list, holdsAlways)
	}
	cheapFirst(list)
	return list, nil
}

func refused(kind fault.Kind, path, format string, args ...any) error {
	return kind.New(path + ": " + fmt.Sprintf(format, args...))
}

func (p *request) one(path string, raw json.RawMessage, depth int) (Filter, error) {
	p.nodes++
	if p.nodes > maxNodes {
		return nil, refused(errTooLarge, path, "more than %d conditions", maxNodes)
	}
	if depth > maxDepth {
		return nil, refused(errTooLarge, path, "nested deeper than %d", maxDepth)
	}
	var wire struct {
		Field    *string
		Operator *string
		Value    json.RawMessage
		And      *[]json.RawMessage
		Or       *[]json.RawMessage
		Not      *[]json.RawMessage
		Relation *string
		Filters  *[]json.RawMessage
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&wire); err != nil {
		return nil, refused(ErrMalformed, path, "want {field, operator, value}, {and:[…]}, {or:[…]} or {not:[…]}: %v", otlpjson.Plain(err))
	}
	groups := 0
	if wire.Relation != nil || wire.Filters != nil {
		groups++
	}
	for _, g := range []*[]json.RawMessage{wire.And, wire.Or, wire.Not} {
		if g != nil {
			groups++
		}
	}
	isCondition := wire.Field != nil || wire.Operator != nil || wire.Value != nil
	switch {
	case groups > 1 || groups == 1 && isCondition || groups == 0 && !isCondition:
		return nil, refused(ErrMalformed, path, "want exactly one of {field, operator, value}, {and:[…]}, {or:[…]}, {not:[…]}, {relation, filters:[…]}")
	case wire.And != nil:
		return p.group(path+".and", *wire.And, depth)
	case wire.Or != nil:
		list, err := p.group(path+".or", *wire.Or, depth)
		return Any(list), err
	case wire.Not != nil:
		list, err := p.group(path+".not", *wire.Not, depth)
		return Not{list}, err
	case wire.Relation != nil && wire.Filters != nil:
		return p.relation(path, *wire.Relation, *wire.Filters, depth)
	case wire.Relation != nil || wire.Filters != nil:
		return nil, refused(ErrMalformed, path, "want a relation and the filters of which it is")
	case wire.Field == nil:
		return nil, refused(ErrMalformed, path, "field is missing")
	case wire.Operator == nil:
		return nil, refused(ErrMalformed, path, "operator is missing")
	}
	return p.condition(path, *wire.Field, *wire.Operator, wire.Value)
}

func (p *request) group(path string, raw []json.RawMessage, depth int) (All, error) {
	if len(raw) == 0 {
		return nil, refused(ErrMalformed, path, "at least one filter is wanted")
	}
	return p.list(path, raw, depth+1)
}

func (p *request) condition(path, name, operator string, raw json.RawMessage) (Filter, error) {
	f, key, ok := resolve(p.fields, p.signal, name)
	if !ok {
		return nil, refused(errField, path, "unknown field %.64q for %s%s", name, p.signal, nearest(p.fields, p.signal, name))
	}
	row, positive, negates := operatorOf(p.operators, operator)
	if row == nil {
		return nil, refused(errOperator, path, "unknown operator %.64q%s", operator, Nearest(operator, operatorNames(p.operators)))
	}
	values, is, err := row.Operand.parse(raw)
	if err == nil {
		err = p.asked.add(path, positive, values)
	}
	if err == nil {
		var c Filter
		if c, err = p.newCondition(p.signal, f, key, positive, negates == is, values); err == nil {
			return p.constant(c), nil
		}
	}
	if errTooLarge.Matches(err) {
		return nil, err
	}
	kind := errValue
	if errors.Is(err, errProgram) {
		kind = errRegex
	}
	return nil, refused(kind, path, "%.64s %s: %v", name, operator, err)
}

// parse reads what stands to the right of an operator. is is false only for a flag that is false.
func (o Operand) parse(raw json.RawMessage) (values []Literal, is bool, err error) {
	switch o {
	case Flag:
		is = true
		if len(raw) > 0 && json.Unmarshal(raw, &is) != nil {
			return nil, false, errors.New("want true or false")
		}
		return nil, is, nil
	case List:
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
			return nil, false, errors.New("want a list of values")
		}
		if len(list) > maxNodes {
			return nil, false, fmt.Errorf("more than %d values", maxNodes)
		}
		for _, r := range list {
			v, err := parseLiteral(r)
			if err != nil {
				return nil, false, err
			}
			values = append(values, v)
		}
		return values, true, nil
	case One:
	}
	v, err := parseLiteral(raw)
	return []Literal{v}, true, err
}
