package packed

import "github.com/ollyscale/ollyscale/libs/fault"

// ErrDamaged is of bytes that are no rollup.
var ErrDamaged = fault.Kind{
	Class: fault.Internal, Code: "rollup.damaged",
	Meaning: "A row of the table rollup cannot be read: a damaged disk, or a defect.",
	Advice:  "Restore the row from a backup. Its segments are not touched by it.",
}
