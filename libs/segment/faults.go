package segment

import (
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errClosed = fault.Kind{
		Class: fault.Internal, Code: "segment.closed",
		Meaning: "A view is read that has no segment: a defect.",
		Advice:  "Report it.",
	}
	errParts = fault.Kind{
		Class: fault.Internal, Code: "segment.parts",
		Meaning: "A reader was given other bytes than it asked for: a defect.",
		Advice:  "Report it.",
	}
	errRows = fault.Kind{
		Class: fault.Internal, Code: "segment.rows",
		Meaning: "Rows are asked for that a segment does not have, or cannot hold: a defect.",
		Advice:  "Report it.",
	}
	errPartial = fault.Kind{
		Class: fault.Internal, Code: "segment.partial",
		Meaning: "A table without all columns was to be encoded: a defect.",
		Advice:  "Report it.",
	}
	errSignal = fault.Kind{
		Class: fault.Internal, Code: "segment.signal",
		Meaning: "A segment of one signal was read into a table of another: a defect.",
		Advice:  "Report it.",
	}
	errTooDeep = fault.Kind{
		Class: fault.Invalid, Code: "otlp.too_deep",
		Meaning: "A value is nested deeper than is stored.",
		Advice:  "Mend the sender; a retry cannot help.",
	}
	errWireType = fault.Kind{
		Class: fault.Invalid, Code: "otlp.wire_type",
		Meaning: "A field of the OTLP request has a wrong type.",
		Advice:  "Mend the sender; a retry cannot help.",
	}
	errIDLength = fault.Kind{
		Class: fault.Invalid, Code: "otlp.bad_id_length",
		Meaning: "A trace or span id has another length than 16 or 8 bytes.",
		Advice:  "Mend the sender; a retry cannot help.",
	}
	errItemTooLarge = fault.Kind{
		Class: fault.Invalid, Code: "otlp.item_too_large",
		Meaning: "A span, record or point is larger than one may be.",
		Advice:  "Shorten its attributes or its body.",
	}
)

// The kinds of what the container finds, for those who read and write segments.
var (
	ErrDamaged = container.ErrDamaged
	ErrFormat  = container.ErrFormat
)
