package dead

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errUnreachable = fault.Kind{
		Class: fault.Unavailable, Code: "dead.unreachable",
		Meaning: "`ollyscale dead` does not reach the query service.",
		Advice:  "Name it by --url; see that it runs.",
	}
	errAnswer = fault.Kind{
		Class: fault.Invalid, Code: "dead.refused",
		Meaning: "The query service refuses what `ollyscale dead` asks.",
		Advice:  "Correct what the message names; a key needs the scope edit.",
	}
)
