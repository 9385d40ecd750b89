package series

import "github.com/ollyscale/ollyscale/libs/fault"

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errFunction = fault.Kind{
		Class: fault.Invalid, Code: "metric.function",
		Meaning: "A function is asked for that there is not, or not of a metric of this type.",
		Advice:  "Use one that the message names.",
	}
	errMixed = fault.Kind{
		Class: fault.Invalid, Code: "metric.mixed",
		Meaning: "Metrics of different types or units have the name: their points are not of one kind.",
		Advice:  "Add a filter on type or unit, as the message says.",
	}
	errShape = fault.Kind{
		Class: fault.Invalid, Code: "metric.shape",
		Meaning: "More is asked for at once than one answer tells, or a number is out of bounds.",
		Advice:  "Correct it as the message says.",
	}
)
