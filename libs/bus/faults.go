package bus

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errConnect = fault.Kind{
		Class: fault.Invalid, Code: "bus.connect",
		Meaning: "NATS cannot be reached in the way that is configured.",
		Advice:  "Check bus.url, the credentials and the certificates.",
	}
	errNoStorage = fault.Kind{
		Class: fault.Unavailable, Code: "bus.no_storage",
		Meaning: "NATS has no room for the streams as they are configured.",
		Advice:  "Give NATS more storage, or lower bus.max_bytes.",
	}
	ErrDisconnected = fault.Kind{
		Class: fault.Unavailable, Code: "bus.disconnected",
		Meaning: "The connection to NATS is down.",
		Advice:  "Retry; see that NATS runs.",
	}
	errNoDeadLetter = fault.Kind{
		Class: fault.NotFound, Code: "bus.no_dead_letter",
		Meaning: "The tenant has no such dead letter: it was replayed, dropped, or went for want of room.",
		Advice:  "List those that there are.",
	}
	errDeadBodyLost = fault.Kind{
		Class: fault.NotFound, Code: "bus.dead_body_lost",
		Meaning: "The dead letter has no body, because the batch was larger than a message of the bus may be by then: there is nothing to replay.",
		Advice:  "Drop it; raise bus.max_message_bytes, so that the next one keeps its body.",
	}
	errClosed = fault.Kind{
		Class: fault.Unavailable, Code: "bus.closed",
		Meaning: "The connection to NATS was closed, as when a service stops.",
		Advice:  "Retry.",
	}
	errConsumerLost = fault.Kind{
		Class: fault.Unavailable, Code: "bus.consumer_lost",
		Meaning: "The consumer of a stream was removed from NATS; it is made again.",
		Advice:  "Nothing, unless it goes on: see who removes it.",
	}
	errFull = fault.Kind{
		Class: fault.Overloaded, Code: "bus.full",
		Meaning: "The queue of a signal is full, because the database does not keep up.",
		Advice:  "Retry; see why the writer is behind, or raise bus.max_bytes.",
	}
	errResources = fault.Kind{
		Class: fault.Overloaded, Code: "bus.resources",
		Meaning: "NATS has no storage left.",
		Advice:  "Retry; give NATS more storage.",
	}
	errStalled = fault.Kind{
		Class: fault.Overloaded, Code: "bus.stalled",
		Meaning: "Too many batches wait for NATS.",
		Advice:  "Retry.",
	}
	errInFlight = fault.Kind{
		Class: fault.Overloaded, Code: "bus.in_flight",
		Meaning: "As many batches wait for NATS as bus.max_in_flight allows.",
		Advice:  "Retry.",
	}
	errMessageTooLarge = fault.Kind{
		Class: fault.TooLarge, Code: "bus.message_too_large",
		Meaning: "One item is larger than a message of the queue may be.",
		Advice:  "Make the item smaller, or raise bus.max_message_bytes.",
	}
	errLimitChanged = fault.Kind{
		Class: fault.Unavailable, Code: "bus.limit_changed",
		Meaning: "The largest message that NATS takes is another than the one that the request was cut to fit.",
		Advice:  "Retry: it is cut to fit the new limit. See that bus.max_message_bytes is the same everywhere, and max_payload of NATS is not less.",
	}
	errMissing = fault.Kind{
		Class: fault.Unavailable, Code: "bus.missing",
		Meaning: "The streams do not exist yet, or no longer.",
		Advice:  "Retry.",
	}
	errQueueRefused = fault.Kind{
		Class: fault.Unavailable, Code: "bus.refused",
		Meaning: "NATS refused; why is in the log.",
		Advice:  "Retry.",
	}
	errUnavailable = fault.Kind{
		Class: fault.Unavailable, Code: "bus.unavailable",
		Meaning: "NATS did not answer.",
		Advice:  "Retry; see that NATS runs.",
	}
	errAckTimeout = fault.Kind{
		Class: fault.Unavailable, Code: "bus.timeout",
		Meaning: "NATS did not acknowledge in time.",
		Advice:  "Retry; nothing is stored twice.",
	}
	errNoLeader = fault.Kind{
		Class: fault.Unavailable, Code: "bus.no_leader",
		Meaning: "The NATS servers are choosing a new leader for a stream, because one of them went away.",
		Advice:  "Retry; it takes 4 to 9 seconds. Should it last, see that most of the servers run.",
	}
	errNotWriting = fault.Kind{
		Class: fault.Unavailable, Code: "bus.not_writing",
		Meaning: "A stream has refused everything for a while; it is tried again by itself twice a second.",
		Advice:  "Free the disk of NATS if it is full. A NATS server from 2.14 on keeps the write error of a full disk until it is restarted: restart it once there is room (all-in-one does so by itself).",
	}
	errSettledTwice = fault.Kind{
		Class: fault.Internal, Code: "bus.settled_twice",
		Meaning: "A delivery was settled twice: a defect.",
		Advice:  "Report it.",
	}
	errBadBody = fault.Kind{
		Class: fault.Invalid, Code: "bus.bad_body",
		Meaning: "The body of a message cannot be decompressed; it becomes a dead letter.",
		Advice:  "See who else writes to the subject.",
	}
	errBadEncoding = fault.Kind{
		Class: fault.Invalid, Code: "bus.bad_encoding",
		Meaning: "A message has an encoding that this build does not know; it becomes a dead letter.",
		Advice:  "Update the writer.",
	}
	errBadEnvelope = fault.Kind{
		Class: fault.Invalid, Code: "bus.bad_envelope",
		Meaning: "A message has no whole envelope; it becomes a dead letter.",
		Advice:  "See who else writes to the subject.",
	}
	errDeadLost = fault.Kind{
		Class: fault.Overloaded, Code: "bus.dead_lost",
		Meaning: "Dead letters were given up, because they came faster than anybody looked at them.",
		Advice:  "See the log for what they were; raise bus.dead_max_bytes.",
	}
	errSnapshot = fault.Kind{
		Class: fault.Invalid, Code: "bus.snapshot",
		Meaning: "What the bus holds as a snapshot of the database cannot be read, or was not made by whom it should be; the one before stays in use.",
		Advice:  "See who else writes to the bucket OLLY_SNAPSHOTS.",
	}
	errNewerEnvelope = fault.Kind{
		Class: fault.Unavailable, Code: "bus.newer_envelope",
		Meaning: "A newer ingest wrote the message; it is parked in OLLY_PARKED until a newer writer takes it.",
		Advice:  "Finish the update of the writers.",
	}
)
