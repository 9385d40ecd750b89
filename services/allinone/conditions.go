package allinone

import "github.com/ollyscale/ollyscale/libs/service"

// The conditions of this role. docs/health.md is made from them.
var (
	embeddedQueue = service.Condition{
		Name:    "queue",
		Meaning: "The embedded NATS could not write to its disk; it is opened again by itself when there is room.",
		Advice:  "Free the disk of the data directory: 64 MiB are enough to open it.",
	}
	ingestPart = service.Condition{
		Name:    "ingest",
		Meaning: "Ingest, a part of this process, is not ready.",
		Advice:  "See what the message names among the conditions of ingest.",
	}
	writerPart = service.Condition{
		Name:    "writer",
		Meaning: "The writer, a part of this process, is not ready.",
		Advice:  "See what the message names among the conditions of the writer.",
	}
	janitorPart = service.Condition{
		Name:    "janitor",
		Meaning: "The janitor, a part of this process, is not ready.",
		Advice:  "See what the message names among the conditions of the janitor.",
	}
)
