package janitor

import (
	"embed"

	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements are the files of sql/, filled in.
type statements struct {
	audit, expireAudit, expireKeys  string
	expireUsage, policies           string
	ensurePartitions, dropPartition string
	partitionSize, partitionsBefore string
	ensureRollups, expireRollups    string
	foldHours, foldHourRead         string
	foldDays, foldDayRead           string
	foldDelete, foldDayDelete       string
	tracesChange, tracesUnmade      string
	tracesState, tracesSegments     string
	tracesMake, tracesSize          string
	expireTraces                    string

	of     [3]segments // by signal
	whole  segmentrow.Selection
	traces segmentrow.Selection // of tracesSegments
}

// segments is what keeps the segments of one signal.
type segments struct {
	signal                                        telemetry.Signal
	gather, settle, members, read, remove, ensure string
	slots, named                                  string
	expireHeaders, expireGroups                   string
	lock, empty                                   [schema.Slots]string // by slot
}

func newStatements() (*statements, error) {
	f := sqlfile.Parse(sqlFiles)
	times := sqlfile.Table{Table: schema.TraceTime}
	traces := traceColumns()
	rollups := struct{ Table, Columns string }{schema.Rollup, rolluprow.Columns}
	s := &statements{
		audit:            f.Text("audit", sqlfile.Table{Table: schema.JanitorAudit}),
		expireAudit:      f.Text("expire_audit", sqlfile.Table{Table: schema.JanitorAudit}),
		expireKeys:       f.Text("expire_keys", nil),
		expireUsage:      f.Text("expire_usage", nil),
		policies:         f.Text("policies", sqlfile.Table{Table: schema.RetentionPolicy}),
		ensurePartitions: f.Text("ensure_partitions", nil),
		dropPartition:    f.Text("drop_partition", nil),
		partitionSize:    f.Text("partition_size", nil),
		partitionsBefore: f.Text("partitions_before", nil),
		whole:            segmentrow.SelectFresh(),
		ensureRollups:    f.Text("ensure_rollups", rollups),
		expireRollups:    f.Text("expire_rollups", rollups),
		foldHours:        f.Text("fold_hours", rollups),
		foldHourRead:     f.Text("fold_hour_read", rollups),
		foldDays:         f.Text("fold_days", rollups),
		foldDayRead:      f.Text("fold_day_read", rollups),
		foldDelete:       f.Text("fold_delete", rollups),
		foldDayDelete:    f.Text("fold_day_delete", rollups),
		traces:           traces,
		tracesChange:     f.Text("traces_change", times),
		tracesUnmade:     f.Text("traces_unmade", times),
		tracesState:      f.Text("traces_state", times),
		tracesMake:       f.Text("traces_make", times),
		tracesSize:       f.Text("traces_size", sqlfile.Table{Table: schema.SpansSegment}),
		expireTraces:     f.Text("expire_traces", times),
		tracesSegments:   f.Text("traces_segments", struct{ Table, Columns string }{schema.SpansSegment, traces.List("s")}),
	}
	for _, signal := range telemetry.Signals() {
		tables := schema.TablesOf(signal.String())
		headers := sqlfile.Table{Table: tables.Segment}
		from := struct{ From, Columns string }{segmentrow.FromFresh(signal), s.whole.List("s")}
		of := segments{
			signal:        signal,
			gather:        f.Text("merge_gather", headers),
			settle:        f.Text("merge_settle", headers),
			members:       f.Text("merge_members", from),
			read:          f.Text("merge_read", from),
			remove:        f.Text("merge_delete", headers),
			ensure:        f.Text("ensure_settled", tables),
			slots:         f.Text("slots", headers),
			named:         f.Text("slot_named", headers),
			expireHeaders: f.Text("expire_headers", headers),
			expireGroups:  f.Text("expire_groups", sqlfile.Table{Table: tables.Group}),
		}
		for slot := range schema.Slots {
			leaf := sqlfile.Table{Table: schema.FreshLeaf(tables.Fresh, slot)}
			of.lock[slot], of.empty[slot] = f.Text("slot_lock", leaf), f.Text("slot_empty", leaf)
		}
		s.of[signal] = of
	}
	return s, f.Err()
}
