package janitor

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errReplaced = fault.Kind{
		Class: fault.Unavailable, Code: "janitor.gone",
		Meaning: "Segments were replaced or dropped while they were merged; nothing is lost.",
		Advice:  "Nothing.",
	}
	errCount = fault.Kind{
		Class: fault.Internal, Code: "janitor.count",
		Meaning: "A merge would have lost items, and was given up: a defect.",
		Advice:  "Report it.",
	}
)
