package table

// What is hashed: tokens of filters (section 10 of docs/segment-format.md) and ids of dimensions (section 11). These are written down in filters
// and tables, so that they never change.

import (
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Token scopes.
const (
	ScopeItem     = "attributes" // attributes of items, of series and of span events
	ScopeResource = "resource"
	ScopeScope    = "scope" // scope attributes, and the keys "name" and "version"
	ScopeField    = "field" // name (span or metric), status_message, severity_text, event_name, events.name
	ScopeWord     = "word"  // a word of a log body (key "body", a String value in the form that Words gives)
)

// Seeds of the hash of a key, by scope.
const (
	SeedItem = iota
	SeedResource
	SeedScope
	SeedField
	SeedWord
)

func scopeSeed(scope string) uint64 {
	switch scope {
	case ScopeResource:
		return SeedResource
	case ScopeScope:
		return SeedScope
	case ScopeField:
		return SeedField
	case ScopeWord:
		return SeedWord
	}
	return SeedItem
}

// KeySeed is the seed with which the values of a key are hashed.
func KeySeed(scope uint64, key string) uint64 { return xxh3.HashStringSeed(key, scope) }

// HashRaw hashes a String, Bytes, Array, Map or Empty under a key.
func HashRaw(seed uint64, t otlp.ValueType, raw []byte) uint64 {
	return xxh3.HashSeed(raw, seed+uint64(t))
}

// HashNum hashes a Bool, Int or Double under a key.
func HashNum(seed uint64, t otlp.ValueType, num uint64) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], num)
	return xxh3.HashSeed(b[:], seed+uint64(t))
}

// HashValue hashes a value of any type under a key.
func HashValue(seed uint64, t otlp.ValueType, num uint64, raw []byte) uint64 {
	if values.IsNumeric(t) {
		return HashNum(seed, t, num)
	}
	return HashRaw(seed, t, raw)
}

// Token is what the token filter holds for an equality; v.Key and v.Hash are ignored. Types are part of it: Int 200, Double 200 and
// String "200" are three tokens. For an item attribute it equals Value.Hash.
func Token(scope, key string, v Value) uint64 {
	return HashValue(KeySeed(scopeSeed(scope), key), v.Type, v.Num, v.Raw)
}

// TraceHash is what the trace filter holds for a trace id.
func TraceHash(id [16]byte) uint64 { return xxh3.Hash(id[:]) }

// Identity makes the ids of dimensions. It is the memory in which their parts are put one after the other: variable parts with their length, so that no two
// lists of parts look alike. The hashes of attributes are put in rising order: the same set in another order gives the same id.
type Identity struct{ b []byte }

// parts is what an id is made of. It is passed on by value: kept in memory, each part would cost the collector's notice.
type parts []byte

func (h *Identity) begin(kind string, tenant telemetry.Tenant) parts {
	return appendPart(appendPart(parts(h.b[:0]), kind), string(tenant))
}

func appendPart[T ~string | ~[]byte](p parts, s T) parts {
	return append(otlp.AppendUvarint(p, uint64(len(s))), s...)
}

func (p parts) num(v uint64) parts { return binary.LittleEndian.AppendUint64(p, v) }

func (p parts) attributes(hashes []uint64) parts {
	slices.Sort(hashes)
	p = p.num(uint64(len(hashes)))
	for _, v := range hashes {
		p = p.num(v)
	}
	return p
}

func (h *Identity) sum(p parts) int64 {
	h.b = p
	return int64(xxh3.Hash(p))
}

// Resource is the id of a resource; attributes, the hashes of its attributes, are sorted.
func (h *Identity) Resource(tenant telemetry.Tenant, attributes []uint64, dropped uint32, schemaURL []byte, refs [][]byte) int64 {
	p := appendPart(h.begin("resource", tenant).attributes(attributes).num(uint64(dropped)), schemaURL)
	for _, r := range refs {
		p = appendPart(p, r)
	}
	return h.sum(p)
}

// Scope is the id of an instrumentation scope; attributes, the hashes of its attributes, are sorted.
func (h *Identity) Scope(tenant telemetry.Tenant, name, version []byte, attributes []uint64, dropped uint32, schemaURL []byte) int64 {
	p := appendPart(appendPart(appendPart(h.begin("scope", tenant), name), version), schemaURL)
	return h.sum(p.num(uint64(dropped)).attributes(attributes))
}

// Metric is a hash of what makes series comparable; description and metadata are not part of a metric's identity but of its entry.
func (h *Identity) Metric(tenant telemetry.Tenant, m *MetricText) uint64 {
	p := appendPart(appendPart(h.begin("metric", tenant), m.Name), m.Unit)
	mono := byte(0)
	if m.Monotonic {
		mono = 1
	}
	p = append(p, byte(m.Kind), byte(m.Temporality), byte(m.Temporality>>8), byte(m.Temporality>>16), byte(m.Temporality>>24), mono)
	return uint64(h.sum(p))
}

// Series is the id of a series of the metric with that hash; attributes, the hashes of its attributes, are sorted.
func (h *Identity) Series(tenant telemetry.Tenant, metric uint64, resource, scope int64, attributes []uint64) int64 {
	return h.sum(h.begin("series", tenant).num(metric).num(uint64(resource)).num(uint64(scope)).attributes(attributes))
}

// ServiceID is the dimension id of a service.
func ServiceID(tenant telemetry.Tenant, namespace, name string) int64 {
	h := Identity{b: make([]byte, 0, 128)}
	return h.sum(appendPart(appendPart(h.begin("service", tenant), namespace), name))
}

// OperationID is the dimension id of an operation: a span name and kind of a service.
func OperationID(tenant telemetry.Tenant, serviceID int64, name string, kind int32) int64 {
	h := Identity{b: make([]byte, 0, 128)}
	return h.sum(appendPart(h.begin("operation", tenant).num(uint64(serviceID)), name).num(uint64(kind)))
}
