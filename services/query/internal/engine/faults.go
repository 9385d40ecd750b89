package engine

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errMissing = fault.Kind{
		Class: fault.Internal, Code: "segment.missing",
		Meaning: "Segments are not where their headers say, in a second look, too: their rows were deleted by somebody else, or the database is damaged.",
		Advice:  "Find out with `ollyscale segment` and the log of PostgreSQL what became of them.",
	}
	ErrTimeout = fault.Kind{
		Class: fault.Unavailable, Code: "query.timeout",
		Meaning: "The query took longer than its time.",
		Advice:  "Narrow the range of time or the filters.",
	}
	errMemory = fault.Kind{
		Class: fault.Overloaded, Code: "query.memory",
		Meaning: "What the query has to hold to tell its figures takes more memory than one query may, or than others leave.",
		Advice:  "Narrow the range of time, ask for fewer buckets, or retry; if it goes on, see to it that the janitor runs, or raise max_decoded_bytes.",
	}
	errQueueUnknown = fault.Kind{
		Class: fault.Unavailable, Code: "query.queue",
		Meaning: "Where the queue of a signal is, no writer has told yet: none has run since it was made.",
		Advice:  "Retry in a few seconds; see whether a writer runs.",
	}
	ErrBusy = fault.Kind{
		Class: fault.Overloaded, Code: "query.busy",
		Meaning: "As many queries are being answered as max_queries allows, or as many of those over more than two days as may be, and none ended within queue_timeout.",
		Advice:  "Retry; if it goes on, add replicas, or raise the limit and memory.",
	}
	errTenantBusy = fault.Kind{
		Class: fault.Overloaded, Code: "query.tenant_busy",
		Meaning: "As many queries of the tenant are being answered, or wait, as tenant_share of max_queries allows, and none ended within queue_timeout. Others go on.",
		Advice:  "Ask less at a time, and retry; if it goes on, add replicas, or raise the share or the limit.",
	}
	errTenantMemory = fault.Kind{
		Class: fault.Overloaded, Code: "query.tenant_memory",
		Meaning: "What the query has to hold to tell its figures has no room beside other queries of its tenant, which together may hold tenant_share of what all may. Others go on.",
		Advice:  "Ask less at a time, and retry; if it goes on, narrow the range of time, or raise the share or max_decoded_bytes.",
	}
)
