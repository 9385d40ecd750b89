package engine

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errMissing = fault.Kind{
		Class: fault.Internal, Code: "segment.missing",
		Meaning: "Segments went away while a query read them.",
		Advice:  "Retry.",
	}
	ErrTimeout = fault.Kind{
		Class: fault.Unavailable, Code: "query.timeout",
		Meaning: "The query took longer than its time.",
		Advice:  "Narrow the range of time or the filters.",
	}
)
