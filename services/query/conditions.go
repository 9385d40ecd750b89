package query

import "github.com/ollyscale/ollyscale/libs/service"

// keysKept is a condition of this role where keys are demanded. docs/health.md is made from it.
var keysKept = service.Condition{
	Name:    "keys",
	Meaning: "Keys are demanded, and which of them are good was not read from the database lately, or ingest cannot be told.",
	Advice:  "See that PostgreSQL and NATS run; the message says which of them it is.",
}
