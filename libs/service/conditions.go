package service

// Database is the condition of every role that has one (RegisterDatabase).
var Database = Condition{
	Name:    "database",
	Meaning: "PostgreSQL does not answer, takes no connection, or has another schema than this build expects.",
	Advice:  "See that PostgreSQL runs and is reached, and that the migrator has run; its disk, its connections and its locks are the usual causes.",
}
