package filter

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrMalformed = fault.Kind{
		Class: fault.Invalid, Code: "filter.malformed",
		Meaning: "A filter has not the form that is described.",
		Advice:  "Correct it; see docs/api.yaml.",
	}
	errTooLarge = fault.Kind{
		Class: fault.Invalid, Code: "filter.too_large",
		Meaning: "The filters have too many conditions, levels or values, or too many bytes of these, or their regular expressions are too large together.",
		Advice:  "Ask for less at once; the message names the condition with which it became too much.",
	}
	errRegex = fault.Kind{
		Class: fault.Invalid, Code: "filter.regex_too_large",
		Meaning: "A regular expression is too long, or repeats so much that it would take too long to be tried.",
		Advice:  "Use contains, a shorter expression, or fewer repetitions.",
	}
	errField = fault.Kind{
		Class: fault.Invalid, Code: "filter.unknown_field",
		Meaning: "The signal has no such field.",
		Advice:  "Use one of those that /api/fields lists.",
	}
	errOperator = fault.Kind{
		Class: fault.Invalid, Code: "filter.unknown_operator",
		Meaning: "There is no such operator.",
		Advice:  "Use one of those that /api/fields lists.",
	}
	errValue = fault.Kind{
		Class: fault.Invalid, Code: "filter.bad_value",
		Meaning: "The value does not fit the field and the operator.",
		Advice:  "Correct it as the message says.",
	}
	errRelation = fault.Kind{
		Class: fault.Invalid, Code: "filter.relation",
		Meaning: "A relation to other spans is none, or is asked of what is in no list of spans or traces.",
		Advice:  "Use one that the message names, in a search for spans or traces.",
	}
	errNoGroups = fault.Kind{
		Class: fault.Invalid, Code: "aggregate.group",
		Meaning: "Nothing is grouped or counted by this field.",
		Advice:  "Use another; /api/fields lists them.",
	}
	errNoNumbers = fault.Kind{
		Class: fault.Invalid, Code: "aggregate.numbers",
		Meaning: "The field has no numbers to add up.",
		Advice:  "Use a duration, an attribute, or what lies within a body.",
	}
)
