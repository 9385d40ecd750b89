package service

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errInUse = fault.Kind{
		Class: fault.Unavailable, Code: "listen.in_use",
		Meaning: "Another process has the port.",
		Advice:  "Stop it, or choose another address with the setting in the message.",
	}
	errDenied = fault.Kind{
		Class: fault.Unavailable, Code: "listen.denied",
		Meaning: "The user may not listen on the port.",
		Advice:  "Choose a port above 1023.",
	}
	errNoAddress = fault.Kind{
		Class: fault.Unavailable, Code: "listen.no_address",
		Meaning: "The machine has no such address.",
		Advice:  "Choose another address.",
	}
	errExposed = fault.Kind{
		Class: fault.Invalid, Code: "listen.exposed",
		Meaning: "Other machines reach the address, and requests to it are not authenticated.",
		Advice:  "Listen on 127.0.0.1, demand keys with auth.mode, or set insecure where a network or a proxy keeps strangers out.",
	}
	errNoAnswer = fault.Kind{
		Class: fault.Unavailable, Code: "health.no_answer",
		Meaning: "What a check of health asked did not answer within two seconds.",
		Advice:  "See that the server which the check is named for runs and is reached.",
	}
	errPanicked = fault.Kind{
		Class: fault.Internal, Code: "health.panicked",
		Meaning: "A check of health ended in a panic: a defect.",
		Advice:  "Report it.",
	}
	errPart = fault.Kind{
		Class: fault.Unavailable, Code: "health.part",
		Meaning: "A part of the process is not ready; in a health answer the code of what that part misses stands instead.",
		Advice:  "See what the message names.",
	}
	errListen = fault.Kind{
		Class: fault.Invalid, Code: "listen.failed",
		Meaning: "The address cannot be listened on.",
		Advice:  "Correct the setting in the message.",
	}
)
