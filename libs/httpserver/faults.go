package httpserver

import (
	"net/http"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrBodyTooLarge = fault.Kind{
		Class: fault.TooLarge, Code: "http.body_too_large",
		Meaning: "The body of the request exceeds the limit in the message.",
		Advice:  "Send less at once, or raise the limit of the service.",
	}
	ErrMediaType = fault.Kind{
		Class: fault.Invalid, Code: "http.unsupported_media_type",
		Status:  http.StatusUnsupportedMediaType,
		Meaning: "The Content-Type or Content-Encoding is none that the path takes.",
		Advice:  "Send one of those that the message names.",
	}
	errNoPath = fault.Kind{
		Class: fault.NotFound, Code: "http.not_found",
		Meaning: "There is nothing at the path.",
		Advice:  "Correct the URL.",
	}
	errMethod = fault.Kind{
		Class: fault.Invalid, Code: "http.method_not_allowed",
		Status:  http.StatusMethodNotAllowed,
		Meaning: "The path does not take the method.",
		Advice:  "Use one of those in the header Allow.",
	}
	errRequest = fault.Kind{
		Class: fault.Invalid, Code: "http.bad_request",
		Meaning: "The request is refused before anything looked at it.",
		Advice:  "Correct the request as the message says.",
	}
)
