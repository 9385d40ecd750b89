package table

// Interning: each distinct key, value, resource, scope, metric and series of a table is found by its hash.

import (
	"bytes"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/intern"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Builder fills a Table: it finds what is there already.
type Builder struct {
	Table
	Schema  *Schema
	Nested  []Nested
	Shapes  Shapes // of attribute lists of rows
	Partial bool   // some columns are missing

	sizes  []uint32  // per row: bytes of its protobuf, or an estimate
	seeds  []uint64  // per key: KeySeed
	recent []ValueID // per key: the value that was interned last
	keys   intern.Index
	values intern.Index

	resources intern.Index
	scopes    intern.Index
	metrics   intern.Index
	series    intern.Index

	resourceHashes, scopeHashes, metricHashes, seriesHashes []uint64

	lists  []ValueID // memory of attribute lists of resources, scopes, metrics and series
	sorted []uint64  // hashes of attributes; valid during one call
	id     Identity  // valid during one call
	slicer slicer
}

// Nested is a nested row set of a table.
type Nested struct {
	Rows    *Children
	Schema  *Schema
	Section uint8
}

// Begin makes an empty table of a Builder that is zero.
func (t *Builder) Begin(tenant telemetry.Tenant, signal telemetry.Signal) {
	t.Tenant, t.Signal, t.Schema = tenant, signal, SchemaOf(signal)
	switch signal {
	case telemetry.Traces:
		t.Nested = []Nested{{&t.Events, schemaEvents(), container.SectionEvents}, {&t.Links, schemaLinks(), container.SectionLinks}}
	case telemetry.Metrics:
		t.Nested = []Nested{{&t.Exemplars, schemaExemplars(), container.SectionExemplars}}
	case telemetry.Logs:
	}
	t.Reset()
}

// Prepare makes every column of the schemas present, for a row to be added to each.
func (t *Builder) Prepare() {
	t.Rows.prepare(t.Schema)
	for _, c := range t.Nested {
		c.Rows.Prepare(c.Schema)
	}
}

// Reset empties the table and keeps its memory.
func (t *Builder) Reset() {
	t.Rows.truncate(0)
	t.sizes = t.sizes[:0]
	for _, c := range t.Nested {
		c.Rows.truncate(0)
	}
	clear(t.Values)
	clear(t.Keys)
	clear(t.Resources)
	clear(t.Scopes)
	clear(t.Metrics)
	clear(t.Series)
	t.Pool = Pool{
		Keys: t.Keys[:0], Values: t.Values[:0], Resources: t.Resources[:0],
		Scopes: t.Scopes[:0], Metrics: t.Metrics[:0], Series: t.Series[:0],
	}
	t.seeds, t.recent = t.seeds[:0], t.recent[:0]
	t.Shapes.Reset()
	t.resourceHashes, t.scopeHashes = t.resourceHashes[:0], t.scopeHashes[:0]
	t.metricHashes, t.seriesHashes = t.metricHashes[:0], t.seriesHashes[:0]
	t.lists = nil // earlier lists may still be held by a reader of Pool
	t.Partial = false
	for _, x := range []*intern.Index{&t.keys, &t.values, &t.resources, &t.scopes, &t.metrics, &t.series} {
		x.Reset(0)
	}
	for k := range numReserved {
		t.Keys = append(t.Keys, ReservedKey(k))
		t.seeds = append(t.seeds, KeySeed(SeedField, ReservedKey(k)))
		t.recent = append(t.recent, 0)
	}
	t.Values = append(t.Values, Value{})
}

// Mark is a state to which Rollback returns.
type Mark struct {
	n                                                int
	keys, values, resources, scopes, metrics, series int
	shapes                                           int
	partial                                          bool
}

// Rows is how many rows there were.
func (m Mark) Rows() int { return m.n }

// Mark is the state of the table.
func (t *Builder) Mark() Mark {
	return Mark{
		n: t.N, keys: len(t.Keys), values: len(t.Values), resources: len(t.Resources), scopes: len(t.Scopes),
		metrics: len(t.Metrics), series: len(t.Series), shapes: len(t.Shapes.nodes), partial: t.Partial,
	}
}

// Rollback returns to m exactly. The indexes are rebuilt: failures are rare, so the common way stays free of an undo log.
func (t *Builder) Rollback(m Mark) {
	t.Rows.truncate(m.n)
	t.sizes = t.sizes[:m.n]
	for _, c := range t.Nested {
		c.Rows.truncate(m.n)
	}
	clear(t.Values[m.values:])
	clear(t.Keys[m.keys:])
	clear(t.Resources[m.resources:])
	clear(t.Scopes[m.scopes:])
	clear(t.Metrics[m.metrics:])
	clear(t.Series[m.series:])
	t.Keys, t.seeds, t.recent = t.Keys[:m.keys], t.seeds[:m.keys], t.recent[:m.keys]
	t.Values = t.Values[:m.values]
	t.Resources, t.resourceHashes = t.Resources[:m.resources], t.resourceHashes[:m.resources]
	t.Scopes, t.scopeHashes = t.Scopes[:m.scopes], t.scopeHashes[:m.scopes]
	t.Metrics, t.metricHashes = t.Metrics[:m.metrics], t.metricHashes[:m.metrics]
	t.Series, t.seriesHashes = t.Series[:m.series], t.seriesHashes[:m.series]
	t.Shapes.truncate(m.shapes)
	t.Partial = m.partial
	for i := range t.recent {
		if int(t.recent[i]) >= m.values {
			t.recent[i] = 0
		}
	}
	t.growKeys(m.keys)
	t.growValues(m.values)
	t.resources.Rebuild(t.resourceHashes)
	t.scopes.Rebuild(t.scopeHashes)
	t.metrics.Rebuild(t.metricHashes)
	t.series.Rebuild(t.seriesHashes)
}

func (t *Builder) growKeys(n int) {
	t.keys.Reset(n)
	for k := int(numReserved); k < len(t.Keys); k++ {
		t.keys.Insert(t.seeds[k], uint32(k))
	}
}

func (t *Builder) growValues(n int) {
	t.values.Reset(n)
	for v := 1; v < len(t.Values); v++ {
		t.values.Insert(t.Values[v].Hash, uint32(v))
	}
}

// InternKey interns an attribute key.
func (t *Builder) InternKey(name []byte) KeyID {
	seed := xxh3.HashSeed(name, SeedItem)
	at, tag := t.keys.Find(seed)
	for {
		s := t.keys.Slots[at]
		if s.Ref == 0 {
			break
		}
		if k := s.Ref - 1; s.Tag == tag && t.Keys[k] == string(name) {
			return KeyID(k)
		}
		at = t.keys.Next(at)
	}
	k := uint32(len(t.Keys))
	t.Keys = append(t.Keys, string(name))
	t.seeds = append(t.seeds, seed)
	t.recent = append(t.recent, 0)
	t.keys.Put(at, tag, k)
	if t.keys.Full() {
		t.growKeys(len(t.Keys) * 2)
	}
	return KeyID(k)
}

// InternValue interns a value under a key.
func (t *Builder) InternValue(key KeyID, typ otlp.ValueType, num uint64, raw []byte) ValueID {
	// Neighbours often carry the same value: comparing it is cheaper than hashing.
	if r := &t.Values[t.recent[key]]; r.Type == typ && r.Num == num && r.Key == key && bytes.Equal(r.Raw, raw) {
		return t.recent[key]
	}
	return t.InternHashed(key, typ, num, raw, HashValue(t.seeds[key], typ, num, raw))
}

// InternHashed is InternValue for a value whose hash under its key is known.
func (t *Builder) InternHashed(key KeyID, typ otlp.ValueType, num uint64, raw []byte, hash uint64) ValueID {
	at, tag := t.values.Find(hash)
	for {
		s := t.values.Slots[at]
		if s.Ref == 0 {
			break
		}
		if s.Tag == tag {
			v := &t.Values[s.Ref-1]
			if v.Hash == hash && v.Key == key && v.Type == typ && v.Num == num && bytes.Equal(v.Raw, raw) {
				t.recent[key] = ValueID(s.Ref - 1)
				return ValueID(s.Ref - 1)
			}
		}
		at = t.values.Next(at)
	}
	v := ValueID(len(t.Values))
	t.Values = append(t.Values, Value{Key: key, Type: typ, Num: num, Raw: raw, Hash: hash})
	t.values.Put(at, tag, uint32(v))
	t.recent[key] = v
	if t.values.Full() {
		t.growValues(len(t.Values) * 2)
	}
	return v
}

// InternText interns the content of a text column: the empty string is the absent value.
func (t *Builder) InternText(key KeyID, raw []byte) ValueID {
	if len(raw) == 0 {
		return 0
	}
	return t.InternValue(key, otlp.String, 0, raw)
}

// keep copies an attribute list into memory that lives until Reset.
func (t *Builder) keep(ids []ValueID) []ValueID {
	if len(ids) == 0 {
		return nil
	}
	if cap(t.lists)-len(t.lists) < len(ids) {
		t.lists = make([]ValueID, 0, max(1024, len(ids)))
	}
	n := len(t.lists)
	t.lists = append(t.lists, ids...)
	return t.lists[n:len(t.lists):len(t.lists)]
}

// hashesOf lists the hashes of attributes, until the next call.
func (t *Builder) hashesOf(ids []ValueID) []uint64 {
	t.sorted = t.sorted[:0]
	for _, id := range ids {
		t.sorted = append(t.sorted, t.Values[id].Hash)
	}
	return t.sorted
}

// InternResource interns a resource; refs is copied.
func (t *Builder) InternResource(attrs []ValueID, dropped uint32, schemaURL []byte, refs [][]byte) uint32 {
	id := t.id.Resource(t.Tenant, t.hashesOf(attrs), dropped, schemaURL, refs)
	at, tag := t.resources.Find(uint64(id))
	for {
		s := t.resources.Slots[at]
		if s.Ref == 0 {
			break
		}
		if s.Tag == tag {
			r := &t.Resources[s.Ref-1]
			if r.ID == id && r.Dropped == dropped && r.SchemaURL == string(schemaURL) &&
				slices.Equal(r.Attributes, attrs) && slices.EqualFunc(r.EntityRefs, refs, bytes.Equal) {
				return s.Ref - 1
			}
		}
		at = t.resources.Next(at)
	}
	r := Resource{
		ID: id, Attributes: t.keep(attrs), Dropped: dropped, SchemaURL: string(schemaURL),
		ServiceName: otlp.UnknownService,
	}
	if len(refs) > 0 {
		r.EntityRefs = slices.Clone(refs)
	}
	for _, a := range attrs {
		v := &t.Values[a]
		if v.Type != otlp.String || len(v.Raw) == 0 {
			continue
		}
		switch t.Keys[v.Key] {
		case otlp.ServiceName:
			r.ServiceName = string(v.Raw)
		case otlp.ServiceNamespace:
			r.ServiceNamespace = string(v.Raw)
		}
	}
	r.ServiceID = ServiceID(t.Tenant, r.ServiceNamespace, r.ServiceName)
	n := uint32(len(t.Resources))
	t.Resources = append(t.Resources, r)
	t.resourceHashes = append(t.resourceHashes, uint64(id))
	t.resources.Put(at, tag, n)
	if t.resources.Full() {
		t.resources.Rebuild(t.resourceHashes)
	}
	return n
}

// InternScope interns an instrumentation scope.
func (t *Builder) InternScope(name, version []byte, attrs []ValueID, dropped uint32, schemaURL []byte) uint32 {
	id := t.id.Scope(t.Tenant, name, version, t.hashesOf(attrs), dropped, schemaURL)
	at, tag := t.scopes.Find(uint64(id))
	for {
		s := t.scopes.Slots[at]
		if s.Ref == 0 {
			break
		}
		if s.Tag == tag {
			c := &t.Scopes[s.Ref-1]
			if c.ID == id && c.Name == string(name) && c.Version == string(version) && c.Dropped == dropped &&
				c.SchemaURL == string(schemaURL) && slices.Equal(c.Attributes, attrs) {
				return s.Ref - 1
			}
		}
		at = t.scopes.Next(at)
	}
	n := uint32(len(t.Scopes))
	t.Scopes = append(t.Scopes, Scope{
		ID: id, Name: string(name), Version: string(version), Attributes: t.keep(attrs), Dropped: dropped, SchemaURL: string(schemaURL),
	})
	t.scopeHashes = append(t.scopeHashes, uint64(id))
	t.scopes.Put(at, tag, n)
	if t.scopes.Full() {
		t.scopes.Rebuild(t.scopeHashes)
	}
	return n
}

// MetricText is a metric's identity as it stands in a payload.
type MetricText struct {
	Name, Description, Unit []byte
	Kind                    otlp.MetricKind
	Temporality             int32
	Monotonic               bool
}

// MetricHash is the hash of a metric in the ids of its series.
func (t *Builder) MetricHash(metric uint32) uint64 { return t.metricHashes[metric] }

// InternMetric interns a metric.
func (t *Builder) InternMetric(m *MetricText, metadata []ValueID) uint32 {
	hash := t.id.Metric(t.Tenant, m)
	at, tag := t.metrics.Find(hash)
	for {
		s := t.metrics.Slots[at]
		if s.Ref == 0 {
			break
		}
		if s.Tag == tag {
			e := &t.Metrics[s.Ref-1]
			if e.Name == string(m.Name) && e.Unit == string(m.Unit) && e.Description == string(m.Description) && e.Kind == m.Kind &&
				e.Temporality == m.Temporality && e.Monotonic == m.Monotonic && slices.Equal(e.Metadata, metadata) {
				return s.Ref - 1
			}
		}
		at = t.metrics.Next(at)
	}
	n := uint32(len(t.Metrics))
	t.Metrics = append(t.Metrics, Metric{
		Name: string(m.Name), Description: string(m.Description), Unit: string(m.Unit),
		Kind: m.Kind, Temporality: m.Temporality, Monotonic: m.Monotonic, Metadata: t.keep(metadata),
	})
	t.metricHashes = append(t.metricHashes, hash)
	t.metrics.Put(at, tag, n)
	if t.metrics.Full() {
		t.metrics.Rebuild(t.metricHashes)
	}
	return n
}

// InternSeries interns a series.
func (t *Builder) InternSeries(metric, resource, scope uint32, attrs []ValueID) uint32 {
	// Found by the exact list, named by the sorted one.
	hash := edgeHash(metric, KeyID(resource)) + uint64(scope)*0x9fb21c651e98df25
	for _, a := range attrs {
		hash = (hash ^ uint64(a)) * 0x9e3779b97f4a7c15
		hash ^= hash >> 32
	}
	at, tag := t.series.Find(hash)
	for {
		s := t.series.Slots[at]
		if s.Ref == 0 {
			break
		}
		if s.Tag == tag {
			e := &t.Series[s.Ref-1]
			if e.Metric == metric && e.Resource == resource && e.Scope == scope && slices.Equal(e.Attributes, attrs) {
				return s.Ref - 1
			}
		}
		at = t.series.Next(at)
	}
	id := t.id.Series(t.Tenant, t.metricHashes[metric], t.Resources[resource].ID, t.Scopes[scope].ID, t.hashesOf(attrs))
	n := uint32(len(t.Series))
	t.Series = append(t.Series, Series{ID: id, Metric: metric, Resource: resource, Scope: scope, Attributes: t.keep(attrs)})
	t.seriesHashes = append(t.seriesHashes, hash)
	t.series.Put(at, tag, n)
	if t.series.Full() {
		t.series.Rebuild(t.seriesHashes)
	}
	return n
}

// FindKey returns the id of an attribute key, and whether any attribute of the table has it.
func (t *Table) FindKey(name string) (KeyID, bool) {
	for k := int(numReserved); k < len(t.Keys); k++ {
		if t.Keys[k] == name {
			return KeyID(k), true
		}
	}
	return 0, false
}

// Weigh notes the bytes of the protobuf of the next row: Slices bounds segments by them.
func (t *Builder) Weigh(bytes uint32) { t.sizes = append(t.sizes, bytes) }

// Seed is the seed with which the values of a key are hashed.
func (t *Builder) Seed(key KeyID) uint64 { return t.seeds[key] }
