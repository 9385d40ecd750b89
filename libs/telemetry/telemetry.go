// Package telemetry is the domain: signals, tenants, batches, and the walk over OTLP protobuf that checks, counts and splits a
// request without building objects. Pure: no I/O, no clock, no SQL, no bus.
package telemetry

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/zeebo/xxh3"
)

// Signal is one of OTLP's three signals.
type Signal uint8

// The signals, in the order in which they are listed everywhere.
const (
	Traces Signal = iota
	Logs
	Metrics
)

// Signals lists all of them.
func Signals() []Signal { return []Signal{Traces, Logs, Metrics} }

// String is the signal's name in subjects, paths and policies.
func (s Signal) String() string {
	switch s {
	case Traces:
		return "traces"
	case Logs:
		return "logs"
	case Metrics:
		return "metrics"
	}
	return "unknown"
}

// ParseSignal is the inverse of String.
func ParseSignal(name string) (Signal, error) {
	for _, s := range Signals() {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, errSignal.Newf("unknown signal %q: want traces, logs or metrics", name)
}

// Tenant owns data: 1 to 128 letters and digits of ASCII, dots, hyphens and underscores, but not "." or "..", which mean something in paths. Names
// are told apart by case.
type Tenant string

// maxTenant is how long a tenant's name may be, in bytes. The database checks the same (tenant_dim_token).
const maxTenant = 128

// DefaultTenant is taken where a request names none.
const DefaultTenant Tenant = "default"

// ParseTenant checks a tenant's name.
func ParseTenant(name string) (Tenant, error) {
	if name == "" || len(name) > maxTenant || name == "." || name == ".." {
		return "", ErrTenant.Newf("a tenant is 1 to %d characters of [A-Za-z0-9._-], neither . nor ..", maxTenant)
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return "", ErrTenant.Newf("tenant %q: only [A-Za-z0-9._-] may be used", name)
		}
	}
	return Tenant(name), nil
}

// RequestID identifies a request by its own bytes, as they were sent and before anything was left out or cut: the same bytes sent again are
// the same request, whatever is admitted and however it is cut then (ADR-019).
type RequestID [16]byte

// NewRequestID hashes tenant, signal and the bytes of a request after decompression with XXH3-128.
func NewRequestID(tenant Tenant, signal Signal, body []byte) RequestID {
	h := xxh3.New()
	_, _ = h.WriteString(string(tenant))
	_, _ = h.Write([]byte{0, byte(signal)})
	_, _ = h.Write(body)
	return h.Sum128().Bytes()
}

// At is the id of a request that is another one than those of the same bytes: that arrived at a time, told by salt from others of that time.
func (id RequestID) At(arrived time.Time, salt uint64) RequestID {
	var b [len(id) + 16]byte
	copy(b[:], id[:])
	binary.LittleEndian.PutUint64(b[len(id):], uint64(arrived.UnixNano()))
	binary.LittleEndian.PutUint64(b[len(id)+8:], salt)
	return xxh3.Hash128(b[:]).Bytes()
}

// String is the id in hex.
func (id RequestID) String() string { return hex.EncodeToString(id[:]) }

// BatchID identifies a batch: the same items of the same request. Batches of one request with different ids may have items in common.
type BatchID [16]byte

// String is the id in hex, the form of the Nats-Msg-Id header.
func (id BatchID) String() string { return hex.EncodeToString(id[:]) }

// Batch is what travels on the bus as one message.
type Batch struct {
	Request    RequestID // that it is of
	Ordinals   Ordinals  // which of the request's items it holds, in this order; nil for all of them
	Tenant     Tenant
	Signal     Signal
	Connection string    // who sent it: an API key's id, or "" without authentication
	Received   time.Time // when ingest took it
	Items      int       // spans, log records or data points in Payload
	Payload    []byte    // OTLP protobuf (Export…ServiceRequest), uncompressed
}

// ID is the request's id where the batch holds all of it, else a hash of that and of the ordinals.
func (b Batch) ID() BatchID {
	if b.Ordinals == nil {
		return BatchID(b.Request)
	}
	h := xxh3.New()
	_, _ = h.Write(b.Request[:])
	_, _ = h.WriteString(b.Ordinals.String())
	return h.Sum128().Bytes()
}

// Covers is which of the request's items the batch holds; of a whole request, all of them.
func (b Batch) Covers() Ordinals {
	if b.Ordinals == nil {
		return FirstOrdinals(b.Items)
	}
	return b.Ordinals
}
