package server

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrBinaries = fault.Kind{
		Class: fault.Invalid, Code: "postgres.binaries",
		Meaning: "The programs of PostgreSQL are missing, or do not run here.",
		Advice:  "Install PostgreSQL, or name its directory with postgres.bin.",
	}
	errUser = fault.Kind{
		Class: fault.Invalid, Code: "postgres.user",
		Meaning: "PostgreSQL does not run as root, and there is no other user for it.",
		Advice:  "Name an unprivileged user with postgres.user.",
	}
	errDataDirectory = fault.Kind{
		Class: fault.Invalid, Code: "postgres.data_directory",
		Meaning: "The directory of the database cannot be used: of another version, owner, or in use.",
		Advice:  "Choose another directory, or do what the message says.",
	}
	errPassword = fault.Kind{
		Class: fault.Invalid, Code: "postgres.password",
		Meaning: "The file with the password of the local PostgreSQL cannot be read or written.",
		Advice:  "Do what the message says; run as the user that runs ollyScale.",
	}
	errPort = fault.Kind{
		Class: fault.Invalid, Code: "postgres.port",
		Meaning: "The port of the local PostgreSQL is taken.",
		Advice:  "Choose another with postgres.port.",
	}
	errStart = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.start",
		Meaning: "The local PostgreSQL does not start.",
		Advice:  "See its last line in the message, and its log.",
	}
	errStopped = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.stopped",
		Meaning: "The local PostgreSQL ended by itself.",
		Advice:  "See its last line in the message, and its log.",
	}
	errStop = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.stop",
		Meaning: "The local PostgreSQL did not stop in time and was ended; it recovers at the next start.",
		Advice:  "Nothing.",
	}
)
