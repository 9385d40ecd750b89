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

// idHash collects the parts of a dimension id: variable parts with their length, so that no two lists of parts look alike.
type idHash struct{ b []byte }

func (h *idHash) begin(kind string, tenant telemetry.Tenant) {
	h.b = h.b[:0]
	h.text(kind)
	h.text(string(tenant))
}

func (h *idHash) text(s string) {
	h.b = otlp.AppendUvarint(h.b, uint64(len(s)))
	h.b = append(h.b, s...)
}

func (h *idHash) num(v uint64) { h.b = binary.LittleEndian.AppendUint64(h.b, v) }

// attributes adds the values' hashes in rising order: the same set in another order gives the same id.
func (h *idHash) attributes(p *Pool, ids []ValueID, tmp []uint64) []uint64 {
	tmp = tmp[:0]
	for _, id := range ids {
		tmp = append(tmp, p.Values[id].Hash)
	}
	slices.Sort(tmp)
	h.num(uint64(len(tmp)))
	for _, v := range tmp {
		h.num(v)
	}
	return tmp
}

func (h *idHash) sum() int64 { return int64(xxh3.Hash(h.b)) }

// ServiceID is the dimension id of a service.
func ServiceID(tenant telemetry.Tenant, namespace, name string) int64 {
	h := idHash{b: make([]byte, 0, 128)}
	h.begin("service", tenant)
	h.text(namespace)
	h.text(name)
	return h.sum()
}

// OperationID is the dimension id of an operation: a span name and kind of a service.
func OperationID(tenant telemetry.Tenant, serviceID int64, name string, kind int32) int64 {
	h := idHash{b: make([]byte, 0, 128)}
	h.begin("operation", tenant)
	h.num(uint64(serviceID))
	h.text(name)
	h.num(uint64(kind))
	return h.sum()
}
