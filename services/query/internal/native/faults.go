package native

import (
	"net/http"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errBudget = fault.Kind{
		Class: fault.Unavailable, Code: "query.budget",
		Meaning: "A thing was not found before the query had looked at as many items as one may.",
		Advice:  "Give the range of time that it lies in.",
	}
	errFormat = fault.Kind{
		Class: fault.Invalid, Code: "request.format",
		Meaning: "A format is asked for that there is not.",
		Advice:  "Use one that the message names.",
	}
	errSignal = fault.Kind{
		Class: fault.Invalid, Code: "request.signal",
		Meaning: "A signal is named that the path does not know.",
		Advice:  "Use one that the message names.",
	}
	errCounted = fault.Kind{
		Class: fault.Invalid, Code: "aggregate.of",
		Meaning: "Figures are asked for of something that is not counted, or not of this signal.",
		Advice:  "Use what the message names.",
	}
	errSequence = fault.Kind{
		Class: fault.Invalid, Code: "request.sequence",
		Meaning: "The sequence of a dead letter is none.",
		Advice:  "Use one that the list of dead letters shows.",
	}
	errPreview = fault.Kind{
		Class: fault.Invalid, Code: "dead_letter.preview",
		Meaning: "The body of a dead letter cannot be shown.",
		Advice:  "See its reason and headers.",
	}
	errNotReached = fault.Kind{
		Class: fault.Unavailable, Code: "query.position", Status: http.StatusConflict,
		Meaning: "What was accepted up to min_position is not in the database that was asked after the time that a query waits for it.",
		Advice:  "Retry; if it goes on, see whether writers run and a read replica follows, and whether the position is of this signal and of the queue as it is now.",
	}
	errPosition = fault.Kind{
		Class: fault.Invalid, Code: "request.position",
		Meaning: "min_position is no position.",
		Advice:  "Give what ingest answered in X-Olly-Position, or as position.",
	}
	errSeconds = fault.Kind{
		Class: fault.Invalid, Code: "request.seconds",
		Meaning: "It is asked to follow for a time that nothing is followed for.",
		Advice:  "Give a number of seconds within the bounds that the message names.",
	}
	errEventID = fault.Kind{
		Class: fault.Invalid, Code: "request.event_id",
		Meaning: "What is given as the last event that was seen is not the id of a record.",
		Advice:  "Give the id of a log event, or none.",
	}
	errContext = fault.Kind{
		Class: fault.Invalid, Code: "request.context",
		Meaning: "What surrounds a log record is asked for by what it has not.",
		Advice:  "Use one that the message names.",
	}
	errSort = fault.Kind{
		Class: fault.Invalid, Code: "request.sort",
		Meaning: "A list is asked for in an order in which it is not given.",
		Advice:  "Use one that the message names.",
	}
	errFields = fault.Kind{
		Class: fault.Invalid, Code: "request.fields",
		Meaning: "A list is asked for fields that it is not told by.",
		Advice:  "Ask for fewer, or for the items in full.",
	}
	errScope = fault.Kind{
		Class: fault.Invalid, Code: "request.scope",
		Meaning: "A scope of attributes or of filters is named that there is not, or not here.",
		Advice:  "Use one that the message names.",
	}
	errField = fault.Kind{
		Class: fault.Invalid, Code: "request.field",
		Meaning: "A field is named by which nothing is counted.",
		Advice:  "Use one that the message names.",
	}
	errRequest = fault.Kind{
		Class: fault.Invalid, Code: "request.malformed",
		Meaning: "The body is not the JSON that the path takes.",
		Advice:  "Correct it; see docs/api.yaml.",
	}
	errParameter = fault.Kind{
		Class: fault.Invalid, Code: "request.parameter",
		Meaning: "A parameter is given that the path does not have, or that cannot be read.",
		Advice:  "The message names it, and what would do.",
	}
	errCursor = fault.Kind{
		Class: fault.Invalid, Code: "cursor.malformed",
		Meaning: "The cursor is none that this API gave, or its key has changed.",
		Advice:  "Start from the first page.",
	}
	errCursorOfAnother = fault.Kind{
		Class: fault.Invalid, Code: "cursor.mismatch",
		Meaning: "The cursor belongs to another query.",
		Advice:  "Repeat the query as it was, or start from the first page.",
	}
	errPageLimit = fault.Kind{
		Class: fault.Invalid, Code: "pagination.limit",
		Meaning: "The limit is out of bounds.",
		Advice:  "Use one between those in the message.",
	}
	errTimeMissing = fault.Kind{
		Class: fault.Invalid, Code: "time_range.required",
		Meaning: "The range of time is missing.",
		Advice:  "Give start_time and end_time.",
	}
	errTime = fault.Kind{
		Class: fault.Invalid, Code: "time_range.invalid",
		Meaning: "A time cannot be read.",
		Advice:  "Write RFC 3339 or Unix nanoseconds.",
	}
	errTimeEmpty = fault.Kind{
		Class: fault.Invalid, Code: "time_range.empty",
		Meaning: "The range of time ends before it starts.",
		Advice:  "Swap its ends.",
	}
	errCompared = fault.Kind{
		Class: fault.Invalid, Code: "compare.request",
		Meaning: "A comparison has nothing to compare.",
		Advice:  "Correct it as the message says.",
	}
	errSample = fault.Kind{
		Class: fault.Invalid, Code: "request.sample",
		Meaning: "The number of items to look at one by one is out of bounds.",
		Advice:  "Use one between those in the message.",
	}
	errBuckets = fault.Kind{
		Class: fault.Invalid, Code: "timeline.buckets",
		Meaning: "The number of buckets is out of bounds.",
		Advice:  "Use one between those in the message.",
	}
	errTimeline = fault.Kind{
		Class: fault.Invalid, Code: "timeline.too_long",
		Meaning: "There are too many services to tell the figures of each over time.",
		Advice:  "Ask for fewer buckets, or without.",
	}
	errTraceID = fault.Kind{
		Class: fault.Invalid, Code: "trace_id.invalid",
		Meaning: "A trace id is not 32 hex digits, or 16 of a short one.",
		Advice:  "Correct it.",
	}
	errNothing = fault.Kind{
		Class: fault.NotFound, Code: "not_found",
		Meaning: "What is asked for does not exist in the range of time.",
		Advice:  "Widen the range.",
	}
)
