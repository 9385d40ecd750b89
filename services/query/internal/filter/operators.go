package filter

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
)

// Operand is what stands to the right of an operator.
type Operand string

// The operands: a value, a list of values, or true or false (true when it is left out).
const (
	One  Operand = "one"
	List Operand = "list"
	Flag Operand = "flag"
)

// Operator is a row of the table: all that a new operator is.
type Operator struct {
	Name        string
	Symbol      string // for those who type filters; "" where there is none
	Label       string
	Operand     Operand
	Negates     string // the operator of which it is the exact negation; On and what follows are that one's
	On          Kind   // the kinds of fields that take it
	Description string

	looksAtText bool // it asks of lists and maps what it asks of strings
	wholeWords  bool // each word of its value stands as a word in what it holds for

	equality bool                                         // it asks for one of its values and nothing else, so that a hash can be looked for
	order    func(order int) bool                         // numbers: whether it holds for one that is less (-1), equal (0), or greater (1)
	test     func(values []Literal) (segment.Test, error) // texts and attributes: what it asks of a value that is present
	program  func(values []Literal) (size int, err error) // instructions that are run over values; nil for none
}

// Operators is the table, in the order in which a person looks for them.
func Operators() []Operator {
	return []Operator{
		{
			Name: "eq", Symbol: "=", Label: "is", Operand: One, On: everything, equality: true, order: func(o int) bool { return o == 0 }, test: equality,
			Description: "The same value of the same type: 200 is an integer or a double of 200, never the string \"200\". A list meets it if one of its elements does. " +
				"A list or map meets it as a value of its own ({\"arrayValue\": …}, {\"kvlistValue\": …}) or by its text, in JSON as it is shown. " +
				"A text that a list or a group tells cut, with \"…\" and a hash at its end, means those that are told so.",
		},
		{
			Name: "ne", Symbol: "!=", Label: "is not", Operand: One, Negates: "eq",
			Description: "The exact negation of eq: an item without the field meets it.",
		},
		{
			Name: "gt", Symbol: ">", Label: "greater than", Operand: One, On: ordered, order: func(o int) bool { return o > 0 }, test: than(func(o int) bool { return o > 0 }),
			Description: "Numbers compare with numbers, exactly; strings with strings, byte by byte. A list meets it if one of its elements does.",
		},
		{
			Name: "gte", Symbol: ">=", Label: "at least", Operand: One, On: ordered, order: func(o int) bool { return o >= 0 }, test: than(func(o int) bool { return o >= 0 }),
			Description: "As gt, or equal.",
		},
		{
			Name: "lt", Symbol: "<", Label: "less than", Operand: One, On: ordered, order: func(o int) bool { return o < 0 }, test: than(func(o int) bool { return o < 0 }),
			Description: "As gt, the other way.",
		},
		{
			Name: "lte", Symbol: "<=", Label: "at most", Operand: One, On: ordered, order: func(o int) bool { return o <= 0 }, test: than(func(o int) bool { return o <= 0 }),
			Description: "As lt, or equal.",
		},
		{
			Name: "in", Label: "is one of", Operand: List, On: everything &^ Boolean, equality: true, order: func(o int) bool { return o == 0 }, test: equality,
			Description: "eq to one of a list of values.",
		},
		{
			Name: "not_in", Label: "is none of", Operand: List, Negates: "in",
			Description: "The exact negation of in: an item without the field meets it.",
		},
		{
			Name: "contains", Symbol: ":", Label: "contains", Operand: One, On: texts, looksAtText: true, test: containing,
			Description: "A case-sensitive part of a string, or of a list or map as it is shown, in JSON.",
		},
		{
			Name: "regex", Symbol: "~", Label: "matches", Operand: One, On: texts, looksAtText: true, test: expression, program: program,
			Description: "An RE2 expression that matches anywhere in a string, or in a list or map as it is shown, in JSON. It has 1,000 bytes at most, and repeats no more than comes to 5,000 instructions.",
		},
		{
			Name: "words", Label: "has the words", Operand: One, On: texts, looksAtText: true, wholeWords: true, test: havingWords,
			Description: "The words of a text stand one after the other in a string, or in a list or map as it is shown, in JSON, whatever the case of A to Z, and whatever is between them. A word is a run of ASCII letters and digits, _, " +
				"and characters beyond ASCII; a part of one is none. In log bodies a rare word is found quickly.",
		},
		{
			Name: "exists", Label: "exists", Operand: Flag, On: everything &^ Boolean, order: func(int) bool { return true }, test: anything,
			Description: "Whether the item has the field; with false, whether it lacks it.",
		},
	}
}

// operatorOf is the row of a name, that of what it negates, and whether it does.
func operatorOf(table []Operator, name string) (row, positive *Operator, negates bool) {
	find := func(name string) *Operator {
		if i := slices.IndexFunc(table, func(o Operator) bool { return o.Name == name }); i >= 0 {
			return &table[i]
		}
		return nil
	}
	row = find(name)
	if row == nil || row.Negates == "" {
		return row, row, false
	}
	return row, find(row.Negates), true
}

// than compares with the one value.
func than(holds func(order int) bool) func(values []Literal) (segment.Test, error) {
	return func(values []Literal) (segment.Test, error) {
		first := values[0]
		if t := first.Type; t != segment.Int && t != segment.Double && t != segment.String {
			return segment.Test{}, errors.New("want a number or a string")
		}
		return segment.Test{Match: func(v segment.Value) bool { order, ok := first.compare(v); return ok && holds(order) }}, nil
	}
}

// equality is the test for being one of some values.
func equality(values []Literal) (segment.Test, error) {
	t := segment.Test{
		Match: func(v segment.Value) bool {
			return slices.ContainsFunc(values, func(l Literal) bool { return l.equals(v) })
		},
		Equal:          [][]byte{},
		StringsDecided: true,
	}
	for _, v := range values {
		if v.Type == segment.String {
			t.Equal = append(t.Equal, v.Raw)
		}
	}
	return t, nil
}

func containing(values []Literal) (segment.Test, error) {
	if values[0].Type != segment.String {
		return segment.Test{}, errors.New("want a string")
	}
	part := values[0].Raw
	return segment.Test{
		Match:    func(v segment.Value) bool { return v.Type == segment.String && bytes.Contains(v.Raw, part) },
		Contains: [][]byte{part}, StringsDecided: true,
	}, nil
}

// havingWords is the test for the words of a text, one after the other. Of each word of a value it keeps, as a bit, which beginnings of the words that are
// looked for end with it.
func havingWords(values []Literal) (segment.Test, error) {
	if values[0].Type != segment.String {
		return segment.Test{}, errors.New("want a string")
	}
	var all [][]byte
	segment.Words(values[0].Raw, func(word []byte) bool {
		all = append(all, bytes.Clone(word))
		return len(all) <= mostWords
	})
	if len(all) == 0 || len(all) > mostWords {
		return segment.Test{}, fmt.Errorf("want 1 to %d words of letters and digits", mostWords)
	}
	whole := uint64(1) << (len(all) - 1)
	return segment.Test{Match: func(v segment.Value) bool {
		if v.Type != segment.String {
			return false
		}
		ends := uint64(0)
		segment.Words(v.Raw, func(word []byte) bool {
			is := uint64(0)
			for i := range all {
				if bytes.Equal(all[i], word) {
					is |= 1 << i
				}
			}
			ends = (ends<<1 | 1) & is
			return ends&whole == 0
		})
		return ends&whole != 0
	}}, nil
}

// mostWords is how many words may be asked for at once: a bit each.
const mostWords = 64

func expression(values []Literal) (segment.Test, error) {
	if _, err := program(values); err != nil {
		return segment.Test{}, err
	}
	text := string(values[0].Raw)
	compiled, err := regexp.Compile(text)
	if err != nil {
		return segment.Test{}, err
	}
	return segment.Test{
		Match:    func(v segment.Value) bool { return v.Type == segment.String && compiled.Match(v.Raw) },
		Contains: requiredLiterals(text),
	}, nil
}

// program is how many instructions an expression comes to.
func program(values []Literal) (int, error) {
	if values[0].Type != segment.String {
		return 0, errors.New("want a regular expression, which is a string")
	}
	return programSize(string(values[0].Raw))
}

func anything([]Literal) (segment.Test, error) {
	return segment.Test{Match: func(segment.Value) bool { return true }}, nil
}
