// Package schema is the database as code: the embedded Atlas migration directory, the version this build expects, and the
// names of tables, leaves and their bounds. It imports nothing of ours.
package schema

import "embed"

// Migrations is the Atlas migration directory: *.sql in the order of their versions, and atlas.sum.
//
//go:embed migrations/*.sql migrations/atlas.sum
var Migrations embed.FS

// Dir is the directory's path inside Migrations.
const Dir = "migrations"

// Version is the schema version that this build expects: the version of the last file of the directory. A service with an older
// or newer database reports itself not ready.
const Version = "20261124000100"

// RevisionsSchema and RevisionsTable hold the applied versions, where the atlas CLI keeps them by default.
const (
	RevisionsSchema = "atlas_schema_revisions"
	RevisionsTable  = "atlas_schema_revisions"
)

// Keys of PostgreSQL advisory locks. A lock's holder is alone in the whole database.
const (
	LockMigrate    int64 = 8029470360155000 // session: the migrator while it applies files
	LockPartitions int64 = 8029470360155001 // transaction: ensure_partition and drop_partition, in SQL
	LockJanitor    int64 = 8029470360155002 // session: the janitor that leads
)
