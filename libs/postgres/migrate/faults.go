package migrate

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errChecksum = fault.Kind{
		Class: fault.Invalid, Code: "migrate.checksum",
		Meaning: "The migration files do not fit atlas.sum.",
		Advice:  "Run migrator hash after a file was added; never change one that was released.",
	}
	errLocked = fault.Kind{
		Class: fault.Unavailable, Code: "migrate.locked",
		Meaning: "Another migrator is at work.",
		Advice:  "Wait for it.",
	}
	errHistory = fault.Kind{
		Class: fault.Invalid, Code: "migrate.history",
		Meaning: "What the database says was applied does not fit the files.",
		Advice:  "See migrator status; do not change files that were applied.",
	}
)
