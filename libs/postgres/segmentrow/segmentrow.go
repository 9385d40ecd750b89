// Package segmentrow knows the rows of the tables of segments: their headers (spans_segment, logs_segment, metrics_segment), their bodies (in
// *_fresh and *_body) and the groups beside them: one table of columns for each, from which come the names and their order, the COPY statements
// and their encoding, the lists of SELECTs and where a value that is read goes. It says, too, where a body is. Every role that writes or reads
// such a row does it through this package (docs/adr/014, docs/adr/026); what the columns mean is said in docs/segment-format.md, sections 2 and 10.
//
// Invariants, held by the tests against the migrated database: the columns are those of the tables, in their order, of their types; a row that
// is copied in and read out is equal in every column.
package segmentrow

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// Row is one segment: a row of a segment table, its header, and one of the table in which its body is. Its Signal is no column: it is the tables'.
type Row struct {
	ID        [16]byte            // a UUID of version 7
	Placement telemetry.Placement // of its tenant
	Slot      int                 // of the fresh table, where the body is; schema.Settled: in the body table
	Group     *[16]byte           // the Group that holds its token filter; nil: the row itself does
	segment.Segment
}

// Group is one row of a group table: the filters of the segments that one merge settled.
type Group struct {
	Tenant           telemetry.Tenant
	Placement        telemetry.Placement
	ID               [16]byte // a UUID of version 7
	MinTime, MaxTime int64    // of its segments, Unix ns, inclusive
	Segments         [][16]byte
	segment.Group
}

// columns of the segment tables, in their order: a new one is the last. Where it is a figure of each service it is late, too: what was written
// before it, or by a build before it, has an empty array, which the migration says: NOT NULL DEFAULT '{}'.
func columns() [22]column[Row] {
	services := func(r *Row) any { return &r.Services }
	return [...]column[Row]{
		{name: "tenant_id", kind: text, at: func(r *Row) any { return &r.Tenant }},
		{name: "segment_id", kind: id, at: func(r *Row) any { return &r.ID }},
		{name: "min_time", kind: bigint, at: func(r *Row) any { return &r.MinTime }},
		{name: "max_time", kind: bigint, at: func(r *Row) any { return &r.MaxTime }},
		{name: "min_position", kind: bigint, at: func(r *Row) any { return &r.MinPosition }},
		{name: "max_position", kind: bigint, at: func(r *Row) any { return &r.MaxPosition }},
		{name: "checksum", kind: bigint, at: func(r *Row) any { return &r.Checksum }},
		{name: "items", kind: integer, at: func(r *Row) any { return &r.Items }},
		{name: "errors", kind: integer, at: func(r *Row) any { return &r.Errors }},
		{name: "roots", kind: integer, at: func(r *Row) any { return &r.Roots }},
		{name: "level", kind: smallint, at: func(r *Row) any { return &r.Level }},
		{name: "format", kind: smallint, at: func(r *Row) any { return &r.Format }},
		{name: "slot", kind: smallint, at: func(r *Row) any { return &r.Slot }},
		{name: "service_ids", kind: bigints, at: services, of: func(s *segment.ServiceStats) any { return &s.ID }},
		{name: "service_items", kind: integers, at: services, of: func(s *segment.ServiceStats) any { return &s.Items }},
		{name: "service_max_duration", kind: bigints, at: services, of: func(s *segment.ServiceStats) any { return &s.MaxDuration }},
		{name: "service_max_error_duration", kind: bigints, at: services, of: func(s *segment.ServiceStats) any { return &s.MaxErrorDuration }},
		{name: "trace_filter", kind: bytea, at: func(r *Row) any { return &r.TraceFilter }},
		{name: "token_filter", kind: bytea, at: func(r *Row) any { return &r.TokenFilter }},
		{name: "directory", kind: bytea, at: func(r *Row) any { return &r.Directory }},
		{name: "group_id", kind: id, null: true, at: func(r *Row) any { return &r.Group }},
		{name: "placement", kind: text, at: func(r *Row) any { return &r.Placement }},
	}
}

// groupColumns of the group tables.
func groupColumns() [10]column[Group] {
	return [...]column[Group]{
		{name: "tenant_id", kind: text, at: func(g *Group) any { return &g.Tenant }},
		{name: "group_id", kind: id, at: func(g *Group) any { return &g.ID }},
		{name: "min_time", kind: bigint, at: func(g *Group) any { return &g.MinTime }},
		{name: "max_time", kind: bigint, at: func(g *Group) any { return &g.MaxTime }},
		{name: "trace_blocks", kind: integer, at: func(g *Group) any { return &g.TraceBlocks }},
		{name: "token_blocks", kind: integer, at: func(g *Group) any { return &g.TokenBlocks }},
		{name: "segments", kind: ids, at: func(g *Group) any { return &g.Segments }},
		{name: "trace_filter", kind: bytea, at: func(g *Group) any { return &g.TraceFilter }},
		{name: "token_filter", kind: bytea, at: func(g *Group) any { return &g.TokenFilter }},
		{name: "placement", kind: text, at: func(g *Group) any { return &g.Placement }},
	}
}

// New is the row of a segment at a placement of its tenant, with an id of its own and in no group. Its body goes where one of its level goes that is
// written now.
func New(s *segment.Segment, at telemetry.Placement, now time.Time) Row {
	return Row{ID: newID(), Placement: at, Slot: SlotOf(s.Level, now), Segment: *s}
}

// NewGroup puts the filters of rows side by side, whose segments Encode made with level 2 for one placement and hour: the rows are in the group
// then, and without token filters of their own.
func NewGroup(rows []Row) *Group {
	g := &Group{Tenant: rows[0].Tenant, Placement: rows[0].Placement, ID: newID(), MinTime: rows[0].MinTime, MaxTime: rows[0].MaxTime}
	segments := make([]*segment.Segment, len(rows))
	for i := range rows {
		r := &rows[i]
		segments[i] = &r.Segment
		r.Group = &g.ID
		g.Segments = append(g.Segments, r.ID)
		g.MinTime, g.MaxTime = min(g.MinTime, r.MinTime), max(g.MaxTime, r.MaxTime)
	}
	g.Group = *segment.NewGroup(segments)
	return g
}

// newID fails only when the system has no randomness.
func newID() [16]byte { return uuid.Must(uuid.NewV7()) }

// Streams are what a transaction copies of segments of one signal: headers, and bodies by where they go.
type Streams struct{ Headers, Fresh, Settled pgcopy.Stream }

// Reset empties the streams and keeps their memory.
func (s *Streams) Reset() {
	s.Headers.Reset()
	s.Fresh.Reset()
	s.Settled.Reset()
}

// Len is the bytes of all streams.
func (s *Streams) Len() int { return len(s.Headers.Buf) + len(s.Fresh.Buf) + len(s.Settled.Buf) }

// Append adds a row.
func (s *Streams) Append(r *Row) {
	all := columns()
	write(&s.Headers, all[:], r)
	if r.Slot == schema.Settled {
		of := settledColumns()
		write(&s.Settled, of[:], r)
	} else {
		of := freshColumns()
		write(&s.Fresh, of[:], r)
	}
}

// streamed is one of the streams, and where it goes.
type streamed struct {
	what, table string
	columns     []string
	stream      *pgcopy.Stream
}

// all are the streams in the order in which they are sent: bodies first, so that who waits for their table does it before the headers are seen.
func (s *Streams) all(signal telemetry.Signal) [3]streamed {
	tables := schema.TablesOf(signal.String())
	fresh, settled, headers := freshColumns(), settledColumns(), columns()
	return [...]streamed{
		{"fresh bodies", tables.Fresh, names(fresh[:]), &s.Fresh},
		{"bodies", tables.Body, names(settled[:]), &s.Settled},
		{"segments", tables.Segment, names(headers[:]), &s.Headers},
	}
}

// Send stores the rows in a transaction. The partitions must be there.
func (s *Streams) Send(ctx context.Context, tx pgx.Tx, signal telemetry.Signal) error {
	for _, c := range s.all(signal) {
		if c.stream.Rows == 0 {
			continue
		}
		if err := c.stream.Send(ctx, tx, pgcopy.Statement(c.table, c.columns)); err != nil {
			return fmt.Errorf("copy %s of %s: %w", c.what, signal, err)
		}
	}
	return nil
}

// Inserts are the statements, by table, that store what Each gives: for who sends statements without waiting for answers, which COPY does not allow.
func Inserts(signal telemetry.Signal) map[string]string {
	out := map[string]string{}
	for _, c := range new(Streams).all(signal) {
		out[c.table] = pgcopy.Insert(c.table, c.columns)
	}
	return out
}

// Each calls f with the values of each row and the table of which it is, in the order in which they are to be stored. They are f's until it returns.
func (s *Streams) Each(signal telemetry.Signal, f func(table string, values [][]byte)) {
	for _, c := range s.all(signal) {
		c.stream.Each(func(values [][]byte) { f(c.table, values) })
	}
}

// Copy stores rows, and the group they are in unless it is nil, in a transaction; their partitions must be there (Leaves).
func Copy(ctx context.Context, tx pgx.Tx, signal telemetry.Signal, rows []Row, group *Group) error {
	if group != nil {
		all := groupColumns()
		statement := pgcopy.Statement(schema.TablesOf(signal.String()).Group, names(all[:]))
		if err := pgcopy.SendRows(ctx, tx, statement, 1, func(c *pgcopy.Stream, _ int) { write(c, all[:], group) }); err != nil {
			return fmt.Errorf("copy a group of %s: %w", signal, err)
		}
	}
	var s Streams
	s.Reset()
	for i := range rows {
		s.Append(&rows[i])
	}
	return s.Send(ctx, tx, signal)
}

// Selection is the columns of a SELECT of rows.
type Selection struct{ columns []column[Row] }

// Select picks columns by name, "body" among them. It panics for a name that is none: the names are constants of the caller.
func Select(names ...string) Selection {
	all := columns()
	return Selection{pick(append(all[:], body()), names)}
}

// SelectAll is every column: a row as it was written.
func SelectAll() Selection {
	all := columns()
	return Selection{append(all[:], body())}
}

// SelectFresh is every column of segments that are not settled, for a SELECT from FromFresh.
func SelectFresh() Selection {
	all := columns()
	return Selection{append(all[:], freshBody())}
}

// List is the columns for the SELECT, of the table that SQL calls by this name: "s.segment_id, s.min_time". A body is that of the tables that From
// joins; nothing where there is none.
func (s Selection) List(table string) string { return list(s.columns, table) }

// ForEach calls f with each row of a SELECT of List, and of further values for which more has destinations; then it closes rows. What was not
// selected is zero. The Row is f's until f returns, what it refers to is f's to keep.
func (s Selection) ForEach(rows pgx.Rows, f func(*Row) error, more ...any) error {
	return forEach(rows, s.columns, f, more)
}
