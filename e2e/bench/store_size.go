package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// footprint is what a database takes on disk, in bytes an item.
type footprint struct {
	database float64 // as PostgreSQL counts it, its catalogue included
	empty    float64 // of it, what a database without any telemetry takes
	tables   []tableSize
	wal      float64 // files of the write-ahead log, of the whole server
}

// tableSize is a table with its partitions, indexes and TOAST.
type tableSize struct {
	name       string
	size, live float64 // live is the same rows in a new table
}

// sums adds up all tables.
func (f footprint) sums() (size, live float64) {
	for _, t := range f.tables {
		size += t.size
		live += t.live
	}
	return size, live
}

// smallTable is what is not worth to be copied to see what is dead in it.
const smallTable = 256 << 10

// footprint measures a holding's database, its small tables together.
func (s *storeBench) footprint(ctx context.Context, h *holding, items int) (f footprint, err error) {
	each := func(n int64) float64 { return float64(n) / float64(max(items, 1)) }
	var database, empty, wal int64
	if err := h.stage.conn.QueryRow(ctx, `SELECT pg_database_size(current_database()), pg_database_size($1), (SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir())`,
		h.of.template()).Scan(&database, &empty, &wal); err != nil {
		return f, err
	}
	f.database, f.empty, f.wal = each(database), each(empty), each(wal)
	found, err := tables(ctx, h.stage.conn)
	if err != nil {
		return f, err
	}
	var small int64
	for _, t := range found {
		if t.Size < smallTable {
			small += t.Size
			continue
		}
		live, err := packedSize(ctx, h.stage.conn, t.Name, liveRows(t.Name))
		if err != nil {
			return f, fmt.Errorf("%s: %w", t.Name, err)
		}
		f.tables = append(f.tables, tableSize{t.Name, each(t.Size), each(live)})
	}
	slices.SortFunc(f.tables, func(a, b tableSize) int { return cmp.Compare(b.size, a.size) })
	f.tables = append(f.tables, tableSize{"others", each(small), each(small)})
	return f, nil
}

// table is a table with all that belongs to it.
type table struct {
	Name string
	Size int64 // bytes, with partitions, indexes and TOAST
}

// tables lists a database's.
func tables(ctx context.Context, conn *pgx.Conn) ([]table, error) {
	rows, err := conn.Query(ctx, `SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text, sum(pg_total_relation_size(c.oid))::bigint
		FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[table])
}

// liveRows selects what of a table somebody may still read: bodies that were merged stay until their slot is emptied.
func liveRows(name string) string {
	for _, signal := range telemetry.Signals() {
		if t := schema.TablesOf(signal.String()); t.Fresh == name {
			return "SELECT f.* FROM " + t.Fresh + " f JOIN " + t.Segment + " s USING (slot, tenant_id, segment_id)"
		}
	}
	return "SELECT * FROM " + name
}
