package janitor

import (
	"embed"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements are the files of sql/, filled in.
type statements struct {
	files *sqlfile.Files // for segment_items, whose table is a partition

	audit, expireAudit, expireKeys                 string
	expireUsage, policies                          string
	ensurePartition, ensurePartitions              string
	dropPartition, partitionSize, partitionsBefore string

	of    [3]merging // by signal
	whole segmentrow.Selection
}

// merging is what merges the segments of one signal.
type merging struct{ candidates, members, read, remove string }

func newStatements() (*statements, error) {
	f := sqlfile.Parse(sqlFiles)
	s := &statements{
		files:            f,
		audit:            f.Text("audit", sqlfile.Table{Table: schema.JanitorAudit}),
		expireAudit:      f.Text("expire_audit", sqlfile.Table{Table: schema.JanitorAudit}),
		expireKeys:       f.Text("expire_keys", nil),
		expireUsage:      f.Text("expire_usage", nil),
		policies:         f.Text("policies", sqlfile.Table{Table: schema.RetentionPolicy}),
		ensurePartition:  f.Text("ensure_partition", nil),
		ensurePartitions: f.Text("ensure_partitions", nil),
		dropPartition:    f.Text("drop_partition", nil),
		partitionSize:    f.Text("partition_size", nil),
		partitionsBefore: f.Text("partitions_before", nil),
		whole:            segmentrow.Select("segment_id", "items", "format", "checksum", "directory", "body"),
	}
	for _, signal := range telemetry.Signals() {
		table := sqlfile.Table{Table: segmentTable(signal)}
		s.of[signal] = merging{
			candidates: f.Text("merge_candidates", table),
			members:    f.Text("merge_members", table),
			read:       f.Text("merge_read", struct{ Table, Columns string }{table.Table, s.whole.List("s")}),
			remove:     f.Text("merge_delete", table),
		}
	}
	return s, f.Err()
}
