package login

import (
	"net/http"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errCrossSite = fault.Kind{
		Class: fault.Invalid, Code: "login.cross_site", Status: http.StatusForbidden,
		Meaning: "A request that may change something came with a login, and not from a page of this ollyScale.",
		Advice:  "Use the web interface; a program presents a key instead. A proxy in front must pass Host on, or Sec-Fetch-Site.",
	}
	errRequest = fault.Kind{
		Class: fault.Invalid, Code: "login.request",
		Meaning: "What was sent to log in cannot be read.",
		Advice:  "Correct it as docs/api.yaml has it.",
	}
)
