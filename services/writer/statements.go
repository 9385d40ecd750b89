package writer

import (
	"embed"
	"strings"

	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements are the files of sql/, filled in.
type statements struct {
	claimRequests, readClaims, extendClaim string
	claimNew                               [2]string // of one request, of claimRowOf
	ensurePartition, retention, spreads    string
	enterTenants, tryWrite, addUsage       string
	queueLife, queueLifeBegin              string
	queueLifeLook, queueLosses             string
	enter                                  [dimensionTables]string // by dimension
	copyFacts                              [3]string               // by signal
}

func newStatements() (*statements, error) {
	f := sqlfile.Parse(sqlFiles)
	s := &statements{
		claimRequests:   f.Text("claim_requests", nil),
		claimNew:        [...]string{f.Text("claim_new", claimed(1)), f.Text("claim_new", claimed(claimRowOf))},
		readClaims:      f.Text("read_claims", nil),
		extendClaim:     f.Text("extend_claim", nil),
		ensurePartition: f.Text("ensure_partition", nil),
		retention:       f.Text("retention", nil),
		spreads:         f.Text("spreads", nil),
		enterTenants:    f.Text("enter_tenants", nil),
		tryWrite:        f.Text("try_write", nil),
		queueLife:       f.Text("queue_life", nil),
		queueLifeBegin:  f.Text("queue_life_begin", nil),
		queueLifeLook:   f.Text("queue_life_look", nil),
		queueLosses:     f.Text("queue_losses", nil),
		addUsage:        f.Text("add_usage", nil),
	}
	for d, of := range entries() {
		s.enter[d] = f.Text("enter_dimension", of)
	}
	for _, signal := range telemetry.Signals() {
		s.copyFacts[signal] = f.Text("copy_"+factTable(signal), nil)
	}
	return s, f.Err()
}

// claimRowOf is how many requests one statement claims where there are so many.
const claimRowOf = 8

// claimParameters are the numbers of the parameters of one request of claim_new.sql; four before them are of all.
type claimParameters struct{ ID, Position, Items, Covered int }

func claimed(n int) []claimParameters {
	out := make([]claimParameters, n)
	for i := range out {
		first := 5 + 4*i
		out[i] = claimParameters{first, first + 1, first + 2, first + 3}
	}
	return out
}

// entry is what enter_dimension.sql fills in.
type entry struct {
	Table, Key string
	Columns    []entryColumn
}

// entryColumn is given as an array, which runs along with those of the other columns.
type entryColumn struct {
	Name, Type string
	Parameter  int
}

// entries are the dimension tables whose entries have a day: their columns in the order in which dimensions.queue binds them, after the day.
func entries() [dimensionTables]entry {
	of := func(table, key string, columns ...string) entry {
		e := entry{Table: table, Key: key}
		for i, c := range columns {
			name, kind, _ := strings.Cut(c, " ")
			e.Columns = append(e.Columns, entryColumn{name, kind, i + 2})
		}
		return e
	}
	return [...]entry{
		dimService:   of("service_dim", "service_id", "tenant_id text", "service_id bigint", "name text", "namespace text"),
		dimOperation: of("operation_dim", "operation_id", "tenant_id text", "operation_id bigint", "service_id bigint", "name text", "kind smallint"),
		dimResource: of("resource_dim", "resource_id", "tenant_id text", "resource_id bigint", "service_id bigint", "attributes jsonb", "schema_url text",
			"dropped_attributes_count integer"),
		dimScope: of("scope_dim", "scope_id", "tenant_id text", "scope_id bigint", "name text", "version text", "attributes jsonb", "schema_url text",
			"dropped_attributes_count integer"),
		dimSeries: of("series_dim", "series_id", "tenant_id text", "series_id bigint", "service_id bigint", "resource_id bigint", "scope_id bigint",
			"metric_name text", "metric_type smallint", "temporality smallint", "monotonic boolean", "unit text", "description text", "attributes jsonb",
			"metadata jsonb"),
	}
}
