package tail

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrBusy = fault.Kind{
		Class: fault.Overloaded, Code: "query.tails",
		Meaning: "As many follow live data already as may, of all tenants or of this one.",
		Advice:  "Close what nobody looks at, or raise max_tails.",
	}
)
