package postgres

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrConfig = fault.Kind{
		Class: fault.Invalid, Code: "postgres.config",
		Meaning: "The settings of the database cannot be used.",
		Advice:  "Check postgres.url.",
	}
	errDown = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.down",
		Meaning: "The database cannot be reached, starts, stops, or has no free connection.",
		Advice:  "Retry; see that PostgreSQL runs and accepts connections.",
	}
	errConflict = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.conflict",
		Meaning: "A transaction met a concurrent one.",
		Advice:  "Retry.",
	}
	errStatementTimeout = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.timeout",
		Meaning: "A statement was cut by a time limit of the database.",
		Advice:  "Retry; ask for less.",
	}
	errReadOnly = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.read_only",
		Meaning: "The database takes no writes: a standby, or set so.",
		Advice:  "Point postgres.url at the primary.",
	}
	errAccess = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.access",
		Meaning: "The database does not exist, or refuses the login.",
		Advice:  "Check postgres.url and the role.",
	}
	errSchema = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.schema",
		Meaning: "The database lacks a table, column or function that this build uses.",
		Advice:  "Run the migrator.",
	}
	errNoPartition = fault.Kind{
		Class: fault.Unavailable, Code: "postgres.no_partition",
		Meaning: "A table has no partition for the time of an item.",
		Advice:  "Retry; see that the janitor runs.",
	}
	errResource = fault.Kind{
		Class: fault.Overloaded, Code: "postgres.full",
		Meaning: "The database has run out of disk, memory or another resource.",
		Advice:  "Free what it lacks.",
	}
	errData = fault.Kind{
		Class: fault.Invalid, Code: "postgres.data",
		Meaning: "The database refuses a value, by its type, a constraint or a trigger.",
		Advice:  "A retry cannot help; see the log. Of a dead letter: remove the cause and replay it.",
	}
	errNoRows = fault.Kind{
		Class: fault.NotFound, Code: "postgres.no_rows",
		Meaning: "A row that was asked for does not exist.",
		Advice:  "See the log.",
	}
	errOther = fault.Kind{
		Class: fault.Internal, Code: "postgres",
		Meaning: "An operation of the database failed in a way that nobody foresaw.",
		Advice:  "See the log.",
	}
	errRolledBack = fault.Kind{
		Class: fault.Internal, Code: "postgres.rolled_back",
		Meaning: "A transaction was rolled back instead of committed.",
		Advice:  "See the log.",
	}
	errSchemaMissing = fault.Kind{
		Class: fault.Unavailable, Code: "schema.missing",
		Meaning: "The database has no schema yet.",
		Advice:  "Run the migrator.",
	}
	errSchemaOlder = fault.Kind{
		Class: fault.Unavailable, Code: "schema.older",
		Meaning: "The schema is older than this build.",
		Advice:  "Run the migrator of this build.",
	}
	errSchemaNewer = fault.Kind{
		Class: fault.Unavailable, Code: "schema.newer",
		Meaning: "The schema is newer than this build.",
		Advice:  "Run a newer build.",
	}
)
