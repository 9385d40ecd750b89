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

// Tenant owns data. It is valid only as one subject token: 1 to 64 characters of [A-Za-z0-9_-].
type Tenant string

// DefaultTenant is taken where a request names none.
const DefaultTenant Tenant = "default"

// ParseTenant checks a tenant's name.
func ParseTenant(name string) (Tenant, error) {
	if name == "" || len(name) > 64 {
		return "", ErrTenant.New("a tenant is 1 to 64 characters of [A-Za-z0-9_-]")
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return "", ErrTenant.Newf("tenant %q: only [A-Za-z0-9_-] may be used", name)
		}
	}
	return Tenant(name), nil
}

// BatchID identifies a batch by its content: the same bytes sent again have the same id, so that a client's retry, a bus
// redelivery and a writer's crash are all the same no-op (ADR-002).
type BatchID [16]byte

// String is the id in hex, the form of the Nats-Msg-Id header.
func (id BatchID) String() string { return hex.EncodeToString(id[:]) }

// NewBatchID hashes tenant, signal and the uncompressed payload with XXH3-128.
func NewBatchID(tenant Tenant, signal Signal, payload []byte) BatchID {
	h := xxh3.New()
	_, _ = h.WriteString(string(tenant))
	_, _ = h.Write([]byte{0, byte(signal)})
	_, _ = h.Write(payload)
	return h.Sum128().Bytes()
}

// InMinute is the id of a batch that holds something of the time when it was received, which its payload does not say: the same bytes
// are the same batch within one minute of Unix time only.
func (id BatchID) InMinute(received time.Time) BatchID {
	var b [len(id) + 8]byte
	copy(b[:], id[:])
	binary.LittleEndian.PutUint64(b[len(id):], uint64(received.Unix()/60)) //nolint:gosec // any 64 bits will do
	return xxh3.Hash128(b[:]).Bytes()
}

// Batch is what travels on the bus as one message.
type Batch struct {
	ID         BatchID
	Tenant     Tenant
	Signal     Signal
	Connection string    // who sent it: an API key's id, or "" without authentication
	Received   time.Time // when ingest took it
	Items      int       // spans, log records or data points in Payload
	Payload    []byte    // OTLP protobuf (Export…ServiceRequest), uncompressed
}
