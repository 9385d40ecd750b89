package packed

import "github.com/ollyscale/ollyscale/libs/fault"

// ErrDamaged is of bytes that are no rollup.
var ErrDamaged = fault.Kind{
	Class: fault.Internal, Code: "rollup.damaged",
	Meaning: "A row of the table rollup cannot be read: a damaged disk, or a defect.",
	Advice:  "Restore the row from a backup. Its segments are not touched by it.",
}

// ErrTooLarge is of what would be too large for a reader.
var ErrTooLarge = fault.Kind{
	Class: fault.Internal, Code: "rollup.too_large",
	Meaning: "A rollup would be larger than a reader takes: one hour of a tenant tells of too much, as of too many services that call too many others.",
	Advice:  "Nothing is lost: what it is made of stays as it is. Look for a sender that makes names of ids.",
}
