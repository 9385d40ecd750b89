// Package schema is the database as code: the embedded Atlas migration directory, the version this build expects, and the
// names of tables, leaves and their bounds. It imports nothing of ours.
package schema
