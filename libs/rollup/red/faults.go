package red

import "github.com/ollyscale/ollyscale/libs/fault"

// The codes of this package's errors. docs/errors.md is made from them.
var errDamaged = fault.Kind{
	Class: fault.Internal, Code: "rollup.damaged",
	Meaning: "A row of the table rollup cannot be read: a damaged disk, or a defect.",
	Advice:  "Restore the row from a backup. Its segments are not touched by it.",
}
