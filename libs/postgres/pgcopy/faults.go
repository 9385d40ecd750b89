package pgcopy

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errShortCopy = fault.Kind{
		Class: fault.Internal, Code: "postgres.short_copy",
		Meaning: "COPY stored another number of rows than were sent.",
		Advice:  "Report it.",
	}
)
