package saved

import (
	"net/http"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrMalformed = fault.Kind{
		Class: fault.Invalid, Code: "saved.malformed",
		Meaning: "What is to be kept under a name cannot be kept so: its name, description or document is none.",
		Advice:  "Correct what the message names.",
	}
	errTooLarge = fault.Kind{
		Class: fault.TooLarge, Code: "saved.too_large",
		Meaning: "The document of what is to be kept is larger, or nested deeper, than one may be.",
		Advice:  "Keep less in it.",
	}
	errTooMany = fault.Kind{
		Class: fault.Invalid, Code: "saved.too_many",
		Meaning: "The tenant keeps as many queries as a tenant may.",
		Advice:  "Delete some that nobody needs.",
	}
	errNothing = fault.Kind{
		Class: fault.NotFound, Code: "saved.not_found",
		Meaning: "The tenant keeps nothing under this id.",
		Advice:  "See the list; somebody may have deleted it.",
	}
	errChanged = fault.Kind{
		Class: fault.Invalid, Code: "saved.changed", Status: http.StatusConflict,
		Meaning: "Somebody has replaced it since the version that the request has seen.",
		Advice:  "Read it anew, and send the change with its version.",
	}
	errVersion = fault.Kind{
		Class: fault.Invalid, Code: "saved.version",
		Meaning: "Who replaces what is kept does not say which version of it he has seen.",
		Advice:  "Send the version of what was read.",
	}
)
