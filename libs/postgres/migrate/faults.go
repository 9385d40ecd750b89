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
	errDevelopment = fault.Kind{
		Class: fault.Invalid, Code: "migrate.development",
		Meaning: "The database was filled by a development build, from before version 1 of the segment format was frozen; no other build reads it.",
		Advice:  "Begin with an empty database, or data directory; what is to be kept is sent anew.",
	}
)
