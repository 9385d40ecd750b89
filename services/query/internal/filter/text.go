package filter

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// valueTest is what an operator asks of a value that is present. It runs once per entry of a segment's dictionaries; rows are then matched
// by code.
type valueTest struct {
	op     *Operator
	values []Literal
	test   segment.Test
	wider  bool // it holds for values whose hashes are not those of the literals
}

func newValueTest(op *Operator, values []Literal) (valueTest, error) {
	test, err := op.test(values)
	if err != nil {
		return valueTest{}, err
	}
	out := valueTest{op: op, values: values, test: test}
	if told := toldBy(op, values); told.any() {
		equal := test.Match
		out.wider, out.test = true, segment.Test{Match: func(v segment.Value) bool { return equal(v) || told.match(v) }}
	}
	out.test.Match = structured(op, out.test.Match)
	return out, nil
}

// told are the literals by which lists and groups tell values that are not these literals: who asks for what he was told means what was told so.
type told struct {
	cut   []string // rollup.Name of a longer text
	texts []string // of lists and maps
}

func toldBy(op *Operator, values []Literal) (out told) {
	if !op.equality {
		return out
	}
	for _, l := range values {
		switch s := string(l.Raw); {
		case l.Type == segment.String && rollup.IsCut(s):
			out.cut = append(out.cut, s)
		case l.Type == segment.Array, l.Type == segment.Map, l.Type == segment.String && looksNested(s):
			out.texts = append(out.texts, s)
		}
	}
	return out
}

// looksNested reports whether a string may be the text of a list or map.
func looksNested(s string) bool {
	return len(s) >= 2 && (s[0] == '[' && s[len(s)-1] == ']' || s[0] == '{' && s[len(s)-1] == '}')
}

func (t *told) any() bool { return len(t.cut)+len(t.texts) > 0 }

func (t *told) match(v segment.Value) bool {
	cut := func(text []byte) bool {
		return slices.ContainsFunc(t.cut, func(told string) bool { return rollup.Tells(told, text) })
	}
	switch v.Type {
	case segment.String:
		return len(t.cut) > 0 && cut(v.Raw)
	case segment.Bytes:
		return len(t.cut) > 0 && len(v.Raw) > 0 && cut(otlp.AppendText(nil, v.OTLP(), ""))
	case segment.Array, segment.Map:
		text := otlp.AppendText(nil, v.OTLP(), "")
		return slices.Contains(t.texts, string(text)) || cut(text) || len(t.texts) > 0 && slices.Contains(t.texts, string(otlp.AppendText(text[:0], v.OTLP(), " ")))
	case segment.Empty, segment.Bool, segment.Int, segment.Double:
	}
	return false
}

// present tests a string where "" is none.
func (t *valueTest) present(s string) bool { return s != "" && t.test.Match(text(s)) }

// mark sets hits of the entries that pass.
func (t *valueTest) mark(v *segment.Values, hits []bool) {
	if pass, some := v.Pass(&t.test); some {
		v.Mark(pass, hits)
	}
}

// markAt sets hits of the entries that pass, or within which something at a path does.
func (t *valueTest) markAt(v *segment.Values, p place, hits []bool) {
	if !p.within {
		t.mark(v, hits)
		return
	}
	within := t.within(p.path)
	if pass, some := v.Pass(&within); some {
		v.Mark(pass, hits)
	}
}

// anyOf reports whether at one of some places among attributes is what passes.
func (t *valueTest) anyOf(of *segment.Table, attributes []segment.ValueID, places []place) bool {
	for _, id := range attributes {
		v := &of.Values[id]
		key := of.Keys[v.Key]
		if key == places[0].key && t.test.Match(*v) {
			return true
		}
		if v.Type != segment.Array && v.Type != segment.Map {
			continue // has no places within
		}
		for _, p := range places[1:] {
			if key == p.key && t.at(v.OTLP(), p.path) {
				return true
			}
		}
	}
	return false
}

// tokens probes for the values under a key, where nothing else passes.
func (t *valueTest) tokens(scope, key string) []Probe {
	if t.wider {
		return nil
	}
	return tokens(t.op, t.values, scope, key)
}

// textTest tests a column of texts.
type textTest struct {
	valueTest
	column segment.TextColumn
	probes []Probe
}

// textOf is a field of texts. Token is its key in the token filter, "" when it has none.
func textOf(column segment.TextColumn, token string) func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newValueTest(op, values)
			if err != nil {
				return nil, err
			}
			out := &textTest{valueTest: t, column: column}
			if token != "" {
				out.probes = t.tokens(segment.ScopeField, token)
			}
			return out, nil
		}
	}
}

func (t *textTest) Columns(c *columns.Set) { c.Text(t.column) }

func (t *textTest) Bounds() Bounds { return Bounds{Probes: t.probes} }

func (t *textTest) cost() cost { return byText }

func (t *textTest) Match(r *columns.Reader, hits []bool) { t.mark(r.Text(t.column), hits) }
