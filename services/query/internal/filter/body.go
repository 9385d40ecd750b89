package filter

import "github.com/ollyscale/ollyscale/libs/segment"

// body is the field of a log record's body: a text column whose words are in the token filter.
func body() func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newValueTest(op, values)
			return &textTest{valueTest: t, column: segment.TextBody, probes: words(values, t.test)}, err
		}
	}
}
