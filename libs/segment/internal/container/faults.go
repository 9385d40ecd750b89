package container

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrDamaged = fault.Kind{
		Class: fault.Internal, Code: "segment.damaged",
		Meaning: "The bytes of a segment are not what was written. The rest of the data is not touched.",
		Advice:  "Restore the segment from a backup; ollyscale segment shows what is left of it.",
	}
	ErrFormat = fault.Kind{
		Class: fault.Internal, Code: "segment.format",
		Meaning: "A segment was written by a newer build.",
		Advice:  "Update the service that reads it.",
	}
	errExtension = fault.Kind{
		Class: fault.Internal, Code: "segment.extension",
		Meaning: "A segment cannot be read without an extension that this build does not know.",
		Advice:  "Update the service that reads it.",
	}
	ErrEntries = fault.Kind{
		Class: fault.Internal, Code: "segment.entries",
		Meaning: "A segment would hold more attributes, events or other entries than one takes. Whoever writes it splits it.",
		Advice:  "Nothing.",
	}
	errZstd = fault.Kind{
		Class: fault.Internal, Code: "segment.zstd",
		Meaning: "A compressor cannot be made.",
		Advice:  "Report it.",
	}
)
