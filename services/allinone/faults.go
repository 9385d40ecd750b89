package allinone

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errForeign = fault.Kind{
		Class: fault.Invalid, Code: "data_dir.foreign",
		Meaning: "The data directory holds something that is not of ollyScale.",
		Advice:  "Choose another directory with data_dir.",
	}
	errNewer = fault.Kind{
		Class: fault.Invalid, Code: "data_dir.newer",
		Meaning: "A newer ollyScale wrote the data directory.",
		Advice:  "Run that one.",
	}
	errInUse = fault.Kind{
		Class: fault.Invalid, Code: "data_dir.in_use",
		Meaning: "Another ollyScale uses the data directory.",
		Advice:  "Stop it, or choose another directory.",
	}
	errDiskFull = fault.Kind{
		Class: fault.Unavailable, Code: "data_dir.disk_full",
		Meaning: "The disk of the data directory is full.",
		Advice:  "Free some of it.",
	}
	errNotWritable = fault.Kind{
		Class: fault.Invalid, Code: "data_dir.not_writable",
		Meaning: "The user may not write to the data directory.",
		Advice:  "Choose another directory, or change its owner.",
	}
	errNotADirectory = fault.Kind{
		Class: fault.Invalid, Code: "data_dir.not_a_directory",
		Meaning: "The data directory is a file.",
		Advice:  "Choose another one.",
	}
	errNotPassable = fault.Kind{
		Class: fault.Invalid, Code: "data_dir.not_passable",
		Meaning: "The user that runs PostgreSQL cannot enter the data directory.",
		Advice:  "Do what the message says.",
	}
	errNATS = fault.Kind{
		Class: fault.Unavailable, Code: "nats.start",
		Meaning: "The embedded NATS does not start.",
		Advice:  "See the log; its files are in the data directory.",
	}
	errNotStarted = fault.Kind{
		Class: fault.Unavailable, Code: "health.not_started",
		Meaning: "A part of an all-in-one has not started yet.",
		Advice:  "Wait; the log says what it waits for.",
	}
	errNotRunning = fault.Kind{
		Class: fault.Unavailable, Code: "data_dir.not_running",
		Meaning: "No PostgreSQL runs on the data directory.",
		Advice:  "Start ollyscale up, or name a database.",
	}
)
