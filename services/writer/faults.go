package writer

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errPanic = fault.Kind{
		Class: fault.Internal, Code: "writer.panic",
		Meaning: "Writing a batch met a defect; the batch is tried alone and becomes a dead letter when it goes on.",
		Advice:  "Report it, with the dead letter.",
	}
	errSettledTwice = fault.Kind{
		Class: fault.Internal, Code: "writer.settled_twice",
		Meaning: "A delivery was settled twice: a defect.",
		Advice:  "Report it.",
	}
	errLedger = fault.Kind{
		Class: fault.Internal, Code: "writer.ledger",
		Meaning: "A row of the table ingest_batch does not say which items of a request are stored.",
		Advice:  "See what else writes to the table.",
	}
	errTime = fault.Kind{
		Class: fault.Invalid, Code: "writer.time",
		Meaning: "A batch on the bus has items far older than its tenant keeps, or in the future; the others are stored, and the batch becomes a dead letter.",
		Advice:  "See who else writes to the bus; or raise the retention or flush.max_ahead and replay the dead letter within a day, which stores what is missing.",
	}
	errCount = fault.Kind{
		Class: fault.Invalid, Code: "writer.count",
		Meaning: "A batch that shares its message with others has more items than its envelope says; it becomes a dead letter, the others are stored.",
		Advice:  "See who else writes to the bus.",
	}
	errRebuilt = fault.Kind{
		Class: fault.Internal, Code: "writer.rebuilt",
		Meaning: "A batch that was made ready for the database once could not be a second time: a defect; nothing of its flush is stored, and it is tried again.",
		Advice:  "Report it, with the dead letter that it becomes when it goes on.",
	}
	errStalled = fault.Kind{
		Class: fault.Unavailable, Code: "writer.stalled",
		Meaning: "The writer holds batches and has written none for ten seconds: the database lets it wait, as behind a lock of another session.",
		Advice:  "See pg_stat_activity and pg_locks for who holds the lock; nothing is lost meanwhile.",
	}
	errLife = fault.Kind{
		Class: fault.Unavailable, Code: "writer.queue_changes",
		Meaning: "It cannot be told which life of a stream a message is of, because the stream is being made anew; it comes again.",
		Advice:  "Nothing, unless it goes on: see who removes streams.",
	}
	errQueueLost = fault.Kind{
		Class: fault.Unavailable, Code: "writer.queue_lost",
		Meaning: "A stream of the queue was made anew, because the store of NATS was lost or is an old copy; or the database was put back to an older copy of itself, or somebody emptied a stream: what was accepted and is not stored is lost. Told for five minutes.",
		Advice:  "See what became of the store of NATS and of the database; send what is lost again, if it can be: what is stored is not stored twice.",
	}
	errLimit = fault.Kind{
		Class: fault.Invalid, Code: "postgres.limit",
		Meaning: "A value exceeds a limit of PostgreSQL; the batch becomes a dead letter.",
		Advice:  "Shorten what the message names.",
	}
	errRefusedAlone = fault.Kind{
		Class: fault.Internal, Code: "postgres.refused_alone",
		Meaning: "PostgreSQL refuses a batch again and again for a reason that is not known to be in its data (SQLSTATE XX000, 0A000, 55000 and others), and takes a control flush in its place; when one writer has seen this bus.max_attempts times the batch becomes a dead letter.",
		Advice:  "See the log of the writer and that of PostgreSQL; replay the dead letter when the cause is gone.",
	}
	errRefused = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.refused",
		Meaning: "The database refuses to write, and it is not known that a batch is to blame: it refuses a control flush too, or for a reason that is not in the data, or more than five batches within ten minutes that it refuses alone.",
		Advice:  "See the log and that of PostgreSQL. Nothing is lost meanwhile: what is refused comes again.",
	}
)
