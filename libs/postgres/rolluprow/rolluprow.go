// Package rolluprow knows the rows of the table rollup: their columns in their order, how they are copied in, what a SELECT of them gives. Every role
// that writes or reads them does it through this package; what they mean is said in libs/rollup and docs/adr/028.
package rolluprow

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/schema"
)

// Columns are those of the table, in their order: of a SELECT that Read takes.
const Columns = "tenant_id, kind, grain, start, rollup_id, min_time, max_time, made_at, low, high, total, minutes, placement"

// names are Columns one by one.
func names() [13]string {
	return [...]string{"tenant_id", "kind", "grain", "start", "rollup_id", "min_time", "max_time", "made_at", "low", "high", "total", "minutes", "placement"}
}

// Copy stores rows in a transaction; their partition must be there.
func Copy(ctx context.Context, tx pgx.Tx, rows []rollup.Row) error {
	if len(rows) == 0 {
		return nil
	}
	all := names()
	err := pgcopy.SendRows(ctx, tx, pgcopy.Statement(schema.Rollup, all[:]), len(rows), func(c *pgcopy.Stream, i int) {
		r := &rows[i]
		c.Begin(len(all))
		c.Text(string(r.Tenant))
		c.Int2(r.Kind)
		c.Int2(int16(r.Grain))
		c.Int8(r.Start)
		c.Bytes(r.ID[:])
		c.Int8(r.MinTime)
		c.Int8(r.MaxTime)
		c.Int8(r.MadeAt)
		c.Bytes(r.Low)
		c.Bytes(r.High)
		c.Bytes(r.Total)
		c.Bytes(r.Minutes)
		c.Text(string(r.Placement))
	})
	if err != nil {
		return fmt.Errorf("copy rollups: %w", err)
	}
	return nil
}

// Read yields the rows of a SELECT of Columns, each valid until the next, and then the error that ended them, if one did.
func Read(rows pgx.Rows) func(yield func(*rollup.Row, error) bool) {
	return func(yield func(*rollup.Row, error) bool) {
		defer rows.Close()
		for rows.Next() {
			var r rollup.Row
			err := rows.Scan(&r.Tenant, &r.Kind, &r.Grain, &r.Start, &r.ID, &r.MinTime, &r.MaxTime, &r.MadeAt, &r.Low, &r.High, &r.Total, &r.Minutes, &r.Placement)
			if err != nil {
				err = fmt.Errorf("read a rollup: %w", err)
			}
			if !yield(&r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("read rollups: %w", err))
		}
	}
}
