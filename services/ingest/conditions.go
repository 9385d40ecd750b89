package ingest

import "github.com/ollyscale/ollyscale/libs/service"

// The conditions of this role. docs/health.md is made from them.
var (
	publishing = service.Condition{
		Name:    "publishing",
		Meaning: "A stream has refused everything for 5 s (15 s with replicas): it is full, its disk is, or it has no leader.",
		Advice:  "Free the disk of NATS and restart it then (docs/reliability.md, Probes), see why the writers are behind, or raise bus.max_bytes.",
	}
	busReached = service.Condition{
		Name:    "bus",
		Meaning: "NATS is not connected, or does not answer, or its streams are missing and cannot be made as they are configured.",
		Advice:  "See that NATS runs and is reached at bus.url; where it has no storage, lower bus.max_bytes or give it more.",
	}
	keysKnown = service.Condition{
		Name:    "keys",
		Meaning: "Keys are demanded, and which of them are good was never told since this process started.",
		Advice:  "See that a query service runs, which tells it over the bus, and that both have the same auth.snapshot_key.",
	}
)
