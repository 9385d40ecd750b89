package engine

import (
	"embed"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// The statements of sql/, pinned by testdata.

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements are those of sql/: those that depend on a query in files, the others as texts.
type statements struct {
	files        *sqlfile.Files
	queueLosses  string
	standing     string
	services     string
	rollups      string
	fresh        string    // of spans
	first        [3]string // by signal
	freshPlaces  string
	untold       [3]string // by signal
	untoldPlaces [3]string
	heads        [3]string
	headPlaces   [3]string
	head         [3]string
	headColumns  segmentrow.Selection // of head
	traces       string
	unsettled    string
	ready        string
	leaves       string
	tables       string
	heldByAll    heldStatements
	heldBySome   heldStatements
	count        [3][4]string // by signal and stage
	header       [3]string    // by signal
	groups       [3]string
	headers      segmentrow.Selection // of header
}

// byMinutes is a statement that tells which segments there are in each minute, or names those of some.
type byMinutes struct {
	Table  string
	Places bool
}

func newStatements() (*statements, error) {
	f := sqlfile.Parse(sqlFiles)
	s := &statements{
		files: f, services: f.Text("services", nil), rollups: f.Text("rollups", sqlfile.Table{Table: schema.Rollup}), queueLosses: f.Text("queue_losses", nil),
		standing: f.Text("standing", nil),
		fresh:    f.Text("fresh", byMinutes{Table: segmentTable(telemetry.Traces)}), freshPlaces: f.Text("fresh", byMinutes{segmentTable(telemetry.Traces), true}),
		traces:    f.Text("traces", sqlfile.Table{Table: schema.TraceTime}),
		unsettled: f.Text("unsettled", sqlfile.Table{Table: segmentTable(telemetry.Traces)}), headers: headerColumns(), headColumns: headColumns(),
		ready: f.Text("ready", nil), leaves: f.Text("leaves", nil), tables: f.Text("tables", nil), heldByAll: newHeldStatements(f, true), heldBySome: newHeldStatements(f, false),
	}
	for _, signal := range telemetry.Signals() {
		table := sqlfile.Table{Table: segmentTable(signal)}
		s.first[signal] = f.Text("first", struct{ Rollup, Segment, Untold string }{schema.Rollup, table.Table, wholeOf(signal).rest.condition()})
		s.untold[signal] = f.Text("untold", byMinutes{Table: table.Table})
		s.heads[signal] = f.Text("heads", byMinutes{Table: table.Table})
		s.headPlaces[signal] = f.Text("heads", byMinutes{table.Table, true})
		s.head[signal] = f.Text("header", struct{ Table, Columns string }{table.Table, s.headColumns.List("s")})
		s.untoldPlaces[signal] = f.Text("untold", byMinutes{table.Table, true})
		for _, stage := range []Stage{Every, Fresh, Counted, Settled} {
			s.count[signal][stage] = f.Text("count", struct{ Table, Stage string }{table.Table, stage.condition()})
		}
		s.header[signal] = f.Text("header", struct{ Table, Columns string }{table.Table, s.headers.List("s")})
		s.groups[signal] = f.Text("groups", sqlfile.Table{Table: groupTable(signal)})
	}
	return s, f.Err()
}

// parts is the statement for bodies in one leaf.
func (s *statements) parts(signal telemetry.Signal, of leaf) string {
	return segmentrow.RangesStatement(signal, of.slot, of.day)
}

func segmentTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Segment }

func groupTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Group }
