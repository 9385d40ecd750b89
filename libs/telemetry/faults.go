package telemetry

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errSignal = fault.Kind{
		Class: fault.Invalid, Code: "signal.unknown",
		Meaning: "A signal is named that is none of traces, logs and metrics.",
		Advice:  "Correct the name.",
	}
	errOrdinals = fault.Kind{
		Class: fault.Invalid, Code: "batch.bad_ordinals",
		Meaning: "What a batch or the ledger says of the items of a request cannot be read.",
		Advice:  "See what else publishes to the bus or writes to the ledger.",
	}
	ErrTenant = fault.Kind{
		Class: fault.Invalid, Code: "tenant.invalid",
		Meaning: "The name of a tenant has characters or a length that are not allowed.",
		Advice:  "Use 1 to 128 characters of A-Z, a-z, 0-9, dots, hyphens and underscores, and not . or .. alone.",
	}
	ErrLimit = fault.Kind{
		Class: fault.Invalid, Code: "quota.invalid",
		Meaning: "A limit of a tenant has an unknown name, or a value that it cannot have.",
		Advice:  "Take a name from docs/quotas.md, and a value from 0, which is no limit.",
	}
	ErrMalformed = fault.Kind{
		Class: fault.Invalid, Code: "otlp.malformed",
		Meaning: "The body is no OTLP protobuf; the message says where it breaks.",
		Advice:  "Mend the sender; a retry cannot help.",
	}
)
