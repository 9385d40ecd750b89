package writer

import (
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

// dimensions gathers the entries of one flush that are not known yet, as columns for the statements that enter them.
type dimensions struct {
	known   *known
	day     time.Time // UTC
	now     moment
	pending map[dimensionKey]struct{} // that are known once the flush is committed

	tenants []string

	services struct {
		tenant          []string
		id              []int64
		name, namespace []string
	}
	operations struct {
		tenant      []string
		id, service []int64
		name        []string
		kind        []int16
	}
	resources struct {
		tenant      []string
		id, service []int64
		attributes  []string
		schemaURL   []string
		dropped     []int32
	}
	scopes struct {
		tenant        []string
		id            []int64
		name, version []string
		attributes    []string
		schemaURL     []string
		dropped       []int32
	}
	series struct {
		tenant                       []string
		id, service, resource, scope []int64
		name                         []string
		kind, temporality            []int16
		monotonic                    []bool
		unit, description            []string
		attributes                   []string
		metadata                     []*string
	}
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
	for i := range t.Resources {
		r := &t.Resources[i]
		if d.wants(dimService, hash, r.ServiceID) {
			s := &d.services
			s.tenant = append(s.tenant, tenant)
			s.id = append(s.id, r.ServiceID)
			s.name = append(s.name, schema.Name(r.ServiceName))
			s.namespace = append(s.namespace, schema.Name(r.ServiceNamespace))
		}
		if d.wants(dimResource, hash, r.ID) {
			s := &d.resources
			s.tenant = append(s.tenant, tenant)
			s.id = append(s.id, r.ID)
			s.service = append(s.service, r.ServiceID)
			s.attributes = append(s.attributes, json.object(r.Attributes))
			s.schemaURL = append(s.schemaURL, schema.Text(r.SchemaURL))
			s.dropped = append(s.dropped, clamp32(int64(r.Dropped)))
		}
	}
	for i := range t.Scopes {
		c := &t.Scopes[i]
		if d.wants(dimScope, hash, c.ID) {
			s := &d.scopes
			s.tenant = append(s.tenant, tenant)
			s.id = append(s.id, c.ID)
			s.name = append(s.name, schema.Text(c.Name))
			s.version = append(s.version, schema.Text(c.Version))
			s.attributes = append(s.attributes, json.object(c.Attributes))
			s.schemaURL = append(s.schemaURL, schema.Text(c.SchemaURL))
			s.dropped = append(s.dropped, clamp32(int64(c.Dropped)))
		}
	}
	if t.Signal == telemetry.Traces {
		for i := range spans.all {
			o := &spans.all[i]
			if d.wants(dimOperation, hash, o.id) {
				s := &d.operations
				s.tenant = append(s.tenant, tenant)
				s.id = append(s.id, o.id)
				s.service = append(s.service, o.service)
				s.name = append(s.name, o.name)
				s.kind = append(s.kind, clamp16(int64(o.kind)))
			}
		}
	}
	for i := range t.Series {
		p := &t.Series[i]
		if !d.wants(dimSeries, hash, p.ID) {
			continue
		}
		m := &t.Metrics[p.Metric]
		s := &d.series
		s.tenant = append(s.tenant, tenant)
		s.id = append(s.id, p.ID)
		s.service = append(s.service, t.Resources[p.Resource].ServiceID)
		s.resource = append(s.resource, t.Resources[p.Resource].ID)
		s.scope = append(s.scope, t.Scopes[p.Scope].ID)
		s.name = append(s.name, schema.Name(m.Name))
		s.kind = append(s.kind, int16(m.Kind))
		s.temporality = append(s.temporality, clamp16(int64(m.Temporality)))
		s.monotonic = append(s.monotonic, m.Monotonic)
		s.unit = append(s.unit, schema.Text(m.Unit))
		s.description = append(s.description, schema.Text(m.Description))
		s.attributes = append(s.attributes, json.object(p.Attributes))
		var metadata *string
		if len(m.Metadata) > 0 {
			text := json.object(m.Metadata)
			metadata = &text
		}
		s.metadata = append(s.metadata, metadata)
	}
}

// queue adds the statements that enter what was gathered, tables always in the same order: two writers that enter the same entries
// then wait for one another and never in a circle. What the day saw of a tenant's series for the first time is added to u. What was left to
// a flush that is under way is pending no more: that one may be rolled back, so the next asks again.
func (d *dimensions) queue(b *pgx.Batch, sql *statements, u usage) {
	if len(d.tenants) > 0 {
		b.Queue(sql.enterTenants, d.tenants)
	}
	enter := func(dim dimension, columns ...any) {
		b.Queue(sql.enter[dim], append([]any{d.day}, columns...)...).Query(func(rows pgx.Rows) error {
			var tenant string
			var n, left int64
			_, err := pgx.ForEachRow(rows, []any{&tenant, &n, &left}, func() error {
				switch {
				case n == 0:
					delete(d.pending, d.known.key(dim, d.known.tenant(telemetry.Tenant(tenant)), left))
				case dim == dimSeries:
					u.of(telemetry.Tenant(tenant), int64(d.now.day)).series += n
				}
				return nil
			})
			return err
		})
	}
	if s := &d.services; len(s.id) > 0 {
		enter(dimService, s.tenant, s.id, s.name, s.namespace)
	}
	if s := &d.operations; len(s.id) > 0 {
		enter(dimOperation, s.tenant, s.id, s.service, s.name, s.kind)
	}
	if s := &d.resources; len(s.id) > 0 {
		enter(dimResource, s.tenant, s.id, s.service, s.attributes, s.schemaURL, s.dropped)
	}
	if s := &d.scopes; len(s.id) > 0 {
		enter(dimScope, s.tenant, s.id, s.name, s.version, s.attributes, s.schemaURL, s.dropped)
	}
	if s := &d.series; len(s.id) > 0 {
		enter(dimSeries, s.tenant, s.id, s.service, s.resource, s.scope, s.name, s.kind, s.temporality, s.monotonic, s.unit, s.description, s.attributes, s.metadata)
	}
}
