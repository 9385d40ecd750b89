package query

import (
	"embed"
	"math"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// queries are the statements of sql/: those that depend on a query in files, the others as texts.
type queries struct {
	files    *sqlfile.Files
	services string
	count    [3]string // by signal
	header   [3]string
	parts    [3]string
	groups   [3]string
	headers  segmentrow.Selection // of header
}

func newQueries() (*queries, error) {
	f := sqlfile.Parse(sqlFiles)
	q := &queries{files: f, services: f.Text("services", nil), headers: segmentrow.Select(
		"segment_id", "min_time", "max_time", "items", "errors", "service_ids", "service_max_duration", "service_max_error_duration", "trace_filter",
		"directory")}
	for _, signal := range telemetry.Signals() {
		table := sqlfile.Table{Table: segmentTable(signal)}
		q.count[signal] = f.Text("count", table)
		q.header[signal] = f.Text("header", struct{ Table, Columns string }{table.Table, q.headers.List("s")})
		q.parts[signal] = f.Text("parts", table)
		q.groups[signal] = f.Text("groups", sqlfile.Table{Table: groupTable(signal)})
	}
	return q, f.Err()
}

// plan is which items of one signal a query is about.
type plan struct {
	tenant telemetry.Tenant
	signal telemetry.Signal
	from   int64 // inclusive, Unix ns
	to     int64 // exclusive
	after  *key  // only items that come after it in the list
	// maxPosition pins a snapshot: items of a higher ingest position are not seen; 0 for none.
	maxPosition int64
	filter      filter.Filter
	// traces, when not nil, narrows to the segments whose trace filter may hold one of these ids; tested here and not in SQL, for
	// lists of ids that are too long for a statement.
	traces [][16]byte
}

// holds says whether an item is in the range, the snapshot and behind the cursor.
func (p *plan) holds(k key) bool {
	return k.time >= p.from && k.time < p.to && (p.maxPosition == 0 || k.position <= p.maxPosition) && (p.after == nil || p.after.newer(k))
}

// whole says whether every item of a segment counts: it lies in the range, and nothing else narrows it.
func (p *plan) whole(h *header) bool {
	f, ok := p.filter.(filter.All)
	return ok && len(f) == 0 && p.maxPosition == 0 && p.after == nil && h.minTime >= p.from && h.maxTime < p.to
}

// newest is the newest time that an item of the plan can have.
func (p *plan) newest() int64 {
	if p.after != nil {
		return min(p.to-1, p.after.time)
	}
	return p.to - 1
}

func segmentTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Segment }

func groupTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Group }

// wants says which columns of a segment are read. The stream's plan may be narrower than the one of the query: the edge of a cut answer is
// read again.
type wants func(of *headers, h *header) segment.Want

// always reads the same columns of every segment.
func always(w segment.Want) wants { return func(*headers, *header) segment.Want { return w } }

// rangeArgs are tenant, start, first instant of the start's hour, and end (inclusive).
func rangeArgs(p *plan) []any {
	hour := int64(math.MinInt64)
	if p.from > math.MinInt64+int64(time.Hour) {
		hour, _ = schema.HourBounds(time.Unix(0, p.from))
	}
	return []any{string(p.tenant), p.from, hour, p.newest()}
}
