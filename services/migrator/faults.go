package migrator

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errLint = fault.Kind{
		Class: fault.Invalid, Code: "migrate.lint",
		Meaning: "A migration destroys data or breaks running services.",
		Advice:  "Change it, or give the reason in a comment, as the message says.",
	}
	errDevURL = fault.Kind{
		Class: fault.Invalid, Code: "migrate.dev_url",
		Meaning: "The scratch database of lint is not empty.",
		Advice:  "Give it an empty one.",
	}
	errDir = fault.Kind{
		Class: fault.Invalid, Code: "migrate.dir",
		Meaning: "The migration directory does not exist.",
		Advice:  "Correct dir.",
	}
	errNoCLI = fault.Kind{
		Class: fault.Invalid, Code: "migrate.no_cli",
		Meaning: "There is no atlas program for the engine cli.",
		Advice:  "Install it, or use the engine library.",
	}
)
