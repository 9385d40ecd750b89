package demo

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errEndpoint = fault.Kind{
		Class: fault.Invalid, Code: "demo.endpoint",
		Meaning: "The endpoint is neither host:port nor a URL.",
		Advice:  "Correct endpoint.",
	}
	errSend = fault.Kind{
		Class: fault.Unavailable, Code: "demo.send",
		Meaning: "The receiver did not take what the shop sent.",
		Advice:  "See that it runs, and why it refuses.",
	}
)
