package segmentrow

// What the columns of segments and of groups have in common: their types, how a value is written and where it is read to. A column points
// into the row; the same pointer serves COPY and Scan.

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// kind is a column's type, by its name in PostgreSQL.
type kind string

const (
	text     kind = "text"      // telemetry.Tenant, telemetry.Placement
	id       kind = "uuid"      // [16]byte; *[16]byte where it may be null
	ids      kind = "uuid[]"    // [][16]byte
	smallint kind = "smallint"  // int
	integer  kind = "integer"   // int; int32 as an element
	bigint   kind = "bigint"    // int64
	integers kind = "integer[]" // one int32 of each service
	bigints  kind = "bigint[]"  // one int64 of each service
	bytea    kind = "bytea"     // []byte, nil as empty
)

// column is one column of rows R.
type column[R any] struct {
	name string
	kind kind
	null bool // it may be NULL
	at   func(*R) any
	of   func(*segment.ServiceStats) any // an array with an element for each service: at points to the services
	late bool                            // the array may be empty, which leaves zero in every service
	sql  string                          // how it is selected, where it is no column of the table
}

func names[R any](columns []column[R]) []string {
	out := make([]string, len(columns))
	for i := range columns {
		out[i] = columns[i].name
	}
	return out
}

func list[R any](columns []column[R], table string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		if out[i] = c.sql; c.sql == "" {
			out[i] = table + "." + c.name
		}
	}
	return strings.Join(out, ", ")
}

func pick[R any](all []column[R], names []string) []column[R] {
	out := make([]column[R], 0, len(names))
	for _, name := range names {
		n := len(out)
		for i := range all {
			if all[i].name == name {
				out = append(out, all[i])
			}
		}
		if len(out) == n {
			panic(fmt.Sprintf("segmentrow: there is no column %q", name))
		}
	}
	return out
}

// write appends a row to a stream of all columns.
func write[R any](to *pgcopy.Stream, columns []column[R], r *R) {
	to.Begin(len(columns))
	for i := range columns {
		c := &columns[i]
		switch at := c.at(r); c.kind {
		case integers, bigints:
			services := *at.(*[]segment.ServiceStats)
			element, oid := integer, uint32(pgcopy.OIDInt4)
			if c.kind == bigints {
				element, oid = bigint, pgcopy.OIDInt8
			}
			mark := to.Array(oid, len(services), 1)
			for k := range services {
				value(to, element, c.of(&services[k]))
			}
			to.Close(mark)
		case ids:
			list := *at.(*[][16]byte)
			mark := to.Array(pgcopy.OIDUUID, len(list), 1)
			for k := range list {
				to.Bytes(list[k][:])
			}
			to.Close(mark)
		default:
			value(to, c.kind, at)
		}
	}
}

// value appends what a pointer points to. Integers fit: a segment has at most segment.MaxItems items.
func value(to *pgcopy.Stream, k kind, at any) {
	switch v := at.(type) {
	case *int64:
		to.Int8(*v)
	case *int32:
		to.Int4(*v)
	case *int:
		if k == smallint {
			to.Int2(int16(*v)) //nolint:gosec // a level, a version of the format
		} else {
			to.Int4(int32(*v)) //nolint:gosec // see above
		}
	case *[]byte:
		to.Bytes(*v)
	case *[16]byte:
		to.Bytes(v[:])
	case **[16]byte:
		if *v == nil {
			to.Null()
		} else {
			to.Bytes((*v)[:])
		}
	case *telemetry.Tenant:
		to.Text(string(*v))
	case *telemetry.Placement:
		to.Text(string(*v))
	default:
		panic(fmt.Sprintf("segmentrow: no encoding for %T", at))
	}
}

// forEach reads rows into one R, made new for each.
func forEach[R any](rows pgx.Rows, columns []column[R], f func(*R) error, more []any) error {
	var r R
	to := make([]any, 0, len(columns)+len(more))
	for i := range columns {
		c := &columns[i]
		at := c.at(&r)
		if c.of != nil {
			at = &perService{at.(*[]segment.ServiceStats), c.of, c.late}
		}
		to = append(to, at)
	}
	_, err := pgx.ForEachRow(rows, append(to, more...), func() error {
		err := f(&r)
		var zero R
		r = zero
		return err
	})
	return err
}

// perService is where an array with an element for each service is read to; pgx calls it element by element, so that nothing is copied.
type perService struct {
	services *[]segment.ServiceStats
	of       func(*segment.ServiceStats) any
	late     bool
}

// SetDimensions is told the number of elements: the first array of a row says how many services there are, unless it is late and empty.
func (p *perService) SetDimensions(dimensions []pgtype.ArrayDimension) error {
	n := 0
	if len(dimensions) > 0 {
		n = int(dimensions[0].Length)
	}
	switch {
	case n == 0 && p.late:
		return nil
	case len(dimensions) > 1:
		return segment.ErrDamaged.Newf("an array of services has %d dimensions", len(dimensions))
	case *p.services == nil:
		*p.services = make([]segment.ServiceStats, n)
	case len(*p.services) != n:
		return segment.ErrDamaged.Newf("one array of services has %d elements, another %d", len(*p.services), n)
	}
	return nil
}

// ScanIndex is where element i goes.
func (p *perService) ScanIndex(i int) any { return p.of(&(*p.services)[i]) }

// ScanIndexType is a pointer of the type that ScanIndex returns.
func (p *perService) ScanIndexType() any { return p.of(new(segment.ServiceStats)) }
