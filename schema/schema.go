// Package schema is the database as code: the embedded Atlas migration directory, the version this build expects, and the
// names of tables, leaves and their bounds. It imports nothing of ours.
package schema

import (
	"embed"
	"strings"
)

//go:generate go run ../services/migrator/cmd/migrator hash --log-level warn --dir migrations

// Migrations is the Atlas migration directory: *.sql in the order of their versions, and atlas.sum.
//
//go:embed migrations/*.sql migrations/atlas.sum
var Migrations embed.FS

// Dir is the directory's path inside Migrations.
const Dir = "migrations"

// Version is the schema version that this build expects: the version of the last file of the directory. A service with an older
// or newer database reports itself not ready. It is read from the names of the embedded files, which takes a microsecond.
func Version() string {
	files, _ := Migrations.ReadDir(Dir) // embedded, so it is there; sorted by name
	version := ""
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".sql"); ok {
			version, _, _ = strings.Cut(name, "_")
		}
	}
	return version
}

// RevisionsSchema and RevisionsTable hold the applied versions, where the atlas CLI keeps them by default.
const (
	RevisionsSchema = "atlas_schema_revisions"
	RevisionsTable  = "atlas_schema_revisions"
)

// LockJanitor is the key of the advisory lock that the leading janitor holds, by its session. A lock's holder is alone in the whole database.
// The functions ensure_partition and drop_partition take the key below it; the migrator has Atlas's own lock.
const LockJanitor int64 = 8029470360155002

// LockFold is the key of the advisory lock under which rollups are folded, by a transaction.
const LockFold int64 = 8029470360155003
