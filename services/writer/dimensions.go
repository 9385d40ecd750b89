package writer

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// dimension names a dimension table.
type dimension uint8

const (
	dimService dimension = iota
	dimOperation
	dimResource
	dimScope
	dimSeries
	dimTenant
	allDimensions

	dimensionTables = dimTenant // those before it, whose entries have a day
)

// dimensions gathers the entries of one flush that are not known yet.
type dimensions struct {
	known   *known
	day     time.Time // UTC
	now     moment
	pending map[dimensionKey]struct{} // that are known once the flush is committed

	tenants []string
	entries [dimensionTables][]dimensionEntry
}

// dimensionEntry is one entry of a dimension table.
type dimensionEntry struct {
	tenant string
	id     int64
	values []any // the id, and its other columns as entries has them
}

func (d *dimensions) reset(k *known, now time.Time) {
	*d = dimensions{known: k, day: now.UTC().Truncate(24 * time.Hour), pending: d.pending}
	d.now = momentOf(now)
	if d.pending == nil {
		d.pending = map[dimensionKey]struct{}{}
	}
	clear(d.pending)
}

// wants reports whether an entry must be sent, and notes it.
func (d *dimensions) wants(dim dimension, tenant uint64, id int64) bool {
	key := d.known.key(dim, tenant, id)
	if d.known.has(key, id, d.now) {
		return false
	}
	if _, ok := d.pending[key]; ok {
		return false
	}
	d.pending[key] = struct{}{}
	return true
}

// add gathers what the table refers to. spans is the table's operations when it holds spans.
func (d *dimensions) add(t *segment.Table, json *jsonValues, spans *operations) {
	tenant := string(t.Tenant)
	hash := d.known.tenant(t.Tenant)
	if d.wants(dimTenant, hash, 0) {
		d.tenants = append(d.tenants, tenant)
	}
	enter := func(dim dimension, id int64, values ...any) {
		d.entries[dim] = append(d.entries[dim], dimensionEntry{tenant, id, append([]any{id}, values...)})
	}
	for i := range t.Resources {
		r := &t.Resources[i]
		if d.wants(dimService, hash, r.ServiceID) {
			enter(dimService, r.ServiceID, schema.Name(r.ServiceName), schema.Name(r.ServiceNamespace))
		}
		if d.wants(dimResource, hash, r.ID) {
			enter(dimResource, r.ID, r.ServiceID, json.object(r.Attributes), schema.Text(r.SchemaURL), clamp32(int64(r.Dropped)))
		}
	}
	for i := range t.Scopes {
		c := &t.Scopes[i]
		if d.wants(dimScope, hash, c.ID) {
			enter(dimScope, c.ID, schema.Text(c.Name), schema.Text(c.Version), json.object(c.Attributes), schema.Text(c.SchemaURL), clamp32(int64(c.Dropped)))
		}
	}
	if t.Signal == telemetry.Traces {
		for i := range spans.all {
			o := &spans.all[i]
			if d.wants(dimOperation, hash, o.id) {
				enter(dimOperation, o.id, o.service, o.name, clamp16(int64(o.kind)))
			}
		}
	}
	for i := range t.Series {
		p := &t.Series[i]
		if !d.wants(dimSeries, hash, p.ID) {
			continue
		}
		m := &t.Metrics[p.Metric]
		var metadata *string
		if len(m.Metadata) > 0 {
			text := json.object(m.Metadata)
			metadata = &text
		}
		enter(dimSeries, p.ID, t.Resources[p.Resource].ServiceID, t.Resources[p.Resource].ID, t.Scopes[p.Scope].ID, schema.Name(m.Name), int16(m.Kind),
			clamp16(int64(m.Temporality)), m.Monotonic, schema.Text(m.Unit), schema.Text(m.Description), json.object(p.Attributes), metadata)
	}
}

// send enters what was gathered, in two round trips: one looks up what is there, the other enters what is new and moves what was last seen on another day;
// what is there for this day is touched by nothing. Each statement is about one tenant.
//
// Concurrent writers must never wait for one another in a circle. Who enters an entry is waited for, and entries are entered in one order: tables, and
// in each tenants and keys. What is there already is not inserted, and who moves an entry is waited for by nobody (move_dimension.sql).
//
// Whoever enters or moves a series counts it, and nobody else does: it is added to u. What was left to a flush that is under way is pending no more: that one
// may be rolled back, so the next asks again.
func (d *dimensions) send(ctx context.Context, tx pgx.Tx, sql *statements, u usage) error {
	there, err := d.look(ctx, tx, sql)
	if err != nil {
		return err
	}
	var b pgx.Batch
	slices.Sort(d.tenants)
	for _, tenant := range d.tenants {
		b.Queue(sql.enterTenant, tenant)
	}
	for dim := range dimensionTables {
		for of := range d.byTenant(dim) {
			var fresh []dimensionEntry
			var stale []int64
			for _, e := range of {
				switch day, ok := there[dim][dimensionID{e.tenant, e.id}]; {
				case !ok:
					fresh = append(fresh, e)
				case day < d.now.day || day > d.now.day+1:
					stale = append(stale, e.id)
				}
			}
			d.enter(&b, dim, fresh, sql.enter[dim], u)
			d.move(&b, dim, of[0].tenant, stale, sql.move[dim], u)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &b).Close()
}

// dimensionID is an entry of a table.
type dimensionID struct {
	tenant string
	id     int64
}

// look says for which day, since 1970, each of the entries is there that is.
func (d *dimensions) look(ctx context.Context, tx pgx.Tx, sql *statements) (there [dimensionTables]map[dimensionID]int32, _ error) {
	var b pgx.Batch
	for dim := range dimensionTables {
		slices.SortFunc(d.entries[dim], func(a, b dimensionEntry) int { return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.id, b.id)) })
		for of := range d.byTenant(dim) {
			ids := make([]int64, len(of))
			for i, e := range of {
				ids[i] = e.id
			}
			b.Queue(sql.look[dim], of[0].tenant, ids).Query(func(rows pgx.Rows) error {
				if there[dim] == nil {
					there[dim] = make(map[dimensionID]int32, len(of))
				}
				var id int64
				var day time.Time
				_, err := pgx.ForEachRow(rows, []any{&id, &day}, func() error {
					there[dim][dimensionID{of[0].tenant, id}] = momentOf(day).day
					return nil
				})
				return err
			})
		}
	}
	if b.Len() == 0 {
		return there, nil
	}
	err := tx.SendBatch(ctx, &b).Close() // which fills there
	return there, err
}

// byTenant are the entries of a dimension, in order, those of each tenant together.
func (d *dimensions) byTenant(dim dimension) iter.Seq[[]dimensionEntry] {
	return func(yield func([]dimensionEntry) bool) {
		for rest := d.entries[dim]; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].tenant == rest[0].tenant {
				n++
			}
			if !yield(rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// enter queues what enters entries of one tenant.
func (d *dimensions) enter(b *pgx.Batch, dim dimension, fresh []dimensionEntry, sql rowOf, u usage) {
	for len(fresh) > 0 {
		n, statement := 1, sql.One
		if len(fresh) >= enterRowOf {
			n, statement = enterRowOf, sql.Row
		}
		tenant := fresh[0].tenant
		args := make([]any, 0, entryShared+n*len(fresh[0].values))
		args = append(args, tenant, d.day)
		for _, e := range fresh[:n] {
			args = append(args, e.values...)
		}
		b.Queue(statement, args...).Query(func(rows pgx.Rows) error {
			entered := int64(0)
			for rows.Next() {
				entered++
			}
			d.count(dim, tenant, entered, u)
			return rows.Err()
		})
		fresh = fresh[n:]
	}
}

// move queues what moves entries of one tenant.
func (d *dimensions) move(b *pgx.Batch, dim dimension, tenant string, stale []int64, sql string, u usage) {
	if len(stale) == 0 {
		return
	}
	b.Queue(sql, tenant, d.day, stale).Query(func(rows pgx.Rows) error {
		moved, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		d.count(dim, tenant, int64(len(moved)), u)
		slices.Sort(moved)
		for _, id := range stale {
			if _, ok := slices.BinarySearch(moved, id); !ok {
				delete(d.pending, d.known.key(dim, d.known.tenant(telemetry.Tenant(tenant)), id))
			}
		}
		return nil
	})
}

// count adds series that were not seen on this day before to the usage.
func (d *dimensions) count(dim dimension, tenant string, n int64, u usage) {
	if dim == dimSeries && n > 0 {
		u.of(telemetry.Tenant(tenant), int64(d.now.day)).series += n
	}
}
