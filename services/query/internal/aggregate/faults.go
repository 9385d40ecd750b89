package aggregate

import "github.com/ollyscale/ollyscale/libs/fault"

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errMeasure = fault.Kind{
		Class: fault.Invalid, Code: "aggregate.measure",
		Meaning: "A measure is asked for that there is not, or not of this.",
		Advice:  "Correct it as the message says.",
	}
	errShape = fault.Kind{
		Class: fault.Invalid, Code: "aggregate.shape",
		Meaning: "More is asked for at once than one answer tells, or a number is out of bounds.",
		Advice:  "Correct it as the message says.",
	}
)
