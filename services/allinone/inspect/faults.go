package inspect

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errFile = fault.Kind{
		Class: fault.Invalid, Code: "segment.file",
		Meaning: "The file is no segment as ollyscale segment --out writes it.",
		Advice:  "Name another file.",
	}
	errName = fault.Kind{
		Class: fault.Invalid, Code: "segment.name",
		Meaning: "What is named is neither the id of a segment nor a file.",
		Advice:  "Correct it.",
	}
	errUnknown = fault.Kind{
		Class: fault.NotFound, Code: "segment.unknown",
		Meaning: "The database has no such segment.",
		Advice:  "Take an id that it has: segments are merged into others, and dropped with their day.",
	}
)
