package writer

import "github.com/ollyscale/ollyscale/libs/service"

// The conditions of this role. docs/health.md is made from them.
var (
	busReached = service.Condition{
		Name:    "bus",
		Meaning: "NATS is not connected, or does not answer, or its streams are missing and cannot be made as they are configured.",
		Advice:  "See that NATS runs and is reached at bus.url; where it has no storage, lower bus.max_bytes or give it more.",
	}
	deadLetters = service.Condition{
		Name:    "dead_letters",
		Meaning: "Dead letters were given up in the last five minutes, because their stream was full or away.",
		Advice:  "Look at them (ollyscale dead list), replay or drop them; raise bus.dead_max_bytes.",
	}
	queueLost = service.Condition{
		Name:    "queue_lost",
		Meaning: "The store of the queue was noticed lost, or the database to be an older copy of itself, in the last five minutes: what was accepted and is not written is gone.",
		Advice:  "Mend the disk of NATS; the message says since when, and senders that still have it may send it again.",
	}
	writing = service.Condition{
		Name:    "writing",
		Meaning: "Flushes fail, as on a full disk of PostgreSQL or a database that is read-only; or nothing was written for 10 s although there is work, as behind a lock; or nothing can be fetched.",
		Advice:  "The message says which (docs/reliability.md, Health). Give the disk of PostgreSQL room and start it again if it has stopped; end the session that holds the lock (pg_stat_activity).",
	}
)
