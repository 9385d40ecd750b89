package writer

import (
	"embed"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements are the files of sql/, filled in.
type statements struct {
	claimRequests, claimNew             rowOf // of requests of which it asks, and of those that are new
	readClaims, extendClaim             string
	ensurePartition, retention, spreads string
	enterTenant, tryWrite, addUsage     string
	queueLife, queueLifeBegin           string
	queueLifeLook, queueLosses          string
	queueNote, queueUnknown, queueFold  string
	look, move                          [dimensionTables]string // by dimension
	enter                               [dimensionTables]rowOf  // by dimension
	copyFacts                           [3]string               // by signal
}

func newStatements() (*statements, error) {
	f := sqlfile.Parse(sqlFiles)
	s := &statements{
		claimRequests:   rowOf{f.Text("claim_requests", claimOf(1, true)), f.Text("claim_requests", claimOf(claimRowOf, true))},
		claimNew:        rowOf{f.Text("claim_requests", claimOf(1, false)), f.Text("claim_requests", claimOf(claimRowOf, false))},
		readClaims:      f.Text("read_claims", nil),
		extendClaim:     f.Text("extend_claim", nil),
		ensurePartition: f.Text("ensure_partition", nil),
		retention:       f.Text("retention", nil),
		spreads:         f.Text("spreads", nil),
		enterTenant:     f.Text("enter_tenant", nil),
		tryWrite:        f.Text("try_write", nil),
		queueLife:       f.Text("queue_life", nil),
		queueLifeBegin:  f.Text("queue_life_begin", nil),
		queueLifeLook:   f.Text("queue_life_look", nil),
		queueLosses:     f.Text("queue_losses", nil),
		queueNote:       f.Text("queue_note", nil),
		queueUnknown:    f.Text("queue_unknown", nil),
		queueFold:       f.Text("queue_fold", nil),
		addUsage:        f.Text("add_usage", nil),
	}
	for d, of := range entries() {
		s.look[d] = f.Text("look_dimension", of)
		s.move[d] = f.Text("move_dimension", of)
		s.enter[d] = rowOf{f.Text("enter_dimension", of.times(1)), f.Text("enter_dimension", of.times(enterRowOf))}
	}
	for _, signal := range telemetry.Signals() {
		s.copyFacts[signal] = f.Text("copy_"+factTable(signal), nil)
	}
	return s, f.Err()
}

// rowOf is a statement that stores one thing, and the same for a row of them: each goes to one node by its parameters, and its text does not depend on
// how many there are.
type rowOf struct{ One, Row string }

// claimRowOf is how many requests one statement claims where there are so many, enterRowOf how many entries it enters.
const (
	claimRowOf = 8
	enterRowOf = 16
)

// claimParameters are the numbers of the parameters of one request of claim_requests.sql; three before them are of all.
type claimParameters struct{ ID, Placement, Position, Items, Covered, Guard int }

const (
	claimShared = 3
	claimWidth  = 6
)

// claimStatement is what claim_requests.sql fills in.
type claimStatement struct {
	Rows []claimParameters
	Ask  bool
}

func claimOf(n int, ask bool) claimStatement {
	out := make([]claimParameters, n)
	for i := range out {
		first := 1 + claimShared + claimWidth*i
		out[i] = claimParameters{first, first + 1, first + 2, first + 3, first + 4, first + 5}
	}
	return claimStatement{out, ask}
}

// entry is what the statements about a dimension fill in. Its tenant, and the day in enter_dimension.sql, are parameters before those of the columns.
type entry struct {
	Table, Key string
	Columns    []entryColumn // the first is Key
	Rows       [][]entryColumn
}

type entryColumn struct {
	Name, Type string
	Parameter  int // of the first row
}

const entryShared = 2

// times is the entry n times, each with parameters of its own.
func (e entry) times(n int) entry {
	e.Rows = make([][]entryColumn, n)
	for i := range e.Rows {
		e.Rows[i] = slices.Clone(e.Columns)
		for j := range e.Rows[i] {
			e.Rows[i][j].Parameter += i * len(e.Columns)
		}
	}
	return e
}

// entries are the dimension tables whose entries have a day: their columns in the order in which dimensions.add gathers them, after the tenant.
func entries() [dimensionTables]entry {
	of := func(table, key string, columns ...string) entry {
		e := entry{Table: table, Key: key}
		for i, c := range columns {
			name, kind, _ := strings.Cut(c, " ")
			e.Columns = append(e.Columns, entryColumn{name, kind, 1 + entryShared + i})
		}
		return e
	}
	return [...]entry{
		dimService:   of("service_dim", "service_id", "service_id bigint", "name text", "namespace text"),
		dimOperation: of("operation_dim", "operation_id", "operation_id bigint", "service_id bigint", "name text", "kind smallint"),
		dimResource: of("resource_dim", "resource_id", "resource_id bigint", "service_id bigint", "attributes jsonb", "schema_url text",
			"dropped_attributes_count integer"),
		dimScope: of("scope_dim", "scope_id", "scope_id bigint", "name text", "version text", "attributes jsonb", "schema_url text",
			"dropped_attributes_count integer"),
		dimSeries: of("series_dim", "series_id", "series_id bigint", "service_id bigint", "resource_id bigint", "scope_id bigint",
			"metric_name text", "metric_type smallint", "temporality smallint", "monotonic boolean", "unit text", "description text", "attributes jsonb",
			"metadata jsonb"),
	}
}
