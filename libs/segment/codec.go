package segment

import (
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

type interner struct{}

var errTodo = fault.New(fault.Internal, "segment.todo", "not written yet")

// NewTable makes an empty table.
func NewTable(tenant telemetry.Tenant, signal telemetry.Signal) *Table {
	return &Table{Tenant: tenant, Signal: signal}
}

// Append walks an OTLP Export…ServiceRequest in one pass. It returns the number of items. On an error (always fault.Invalid)
// the table is as it was before. The table refers to payload until Reset.
func (t *Table) Append(payload []byte, position int64) (items int, err error) { return 0, errTodo }

// Reset empties the table and keeps its memory.
func (t *Table) Reset() {}

// Slices cuts the table's rows into the row sets of future segments: each of one hour (by ColTime), at most max items, a time slice,
// sorted inside by (service, time) or, for points, (series, time); newest slice last. Stable.
func (t *Table) Slices(maxItems int) [][]uint32 { return nil }

// Encode writes the given rows, in the given order, as one segment. Level 0 and 1 compress with zstd 1, level 2 with zstd 3.
func (t *Table) Encode(rows []uint32, level int) (*Segment, error) { return nil, errTodo }

// Want selects what a reader needs; the zero value wants nothing, WantAll everything.
type Want struct {
	All        bool
	Ints       []Column
	Texts      []TextColumn
	TraceIDs   bool
	SpanIDs    bool
	ParentIDs  bool
	Attributes []string // keys of item attributes; other keys are left out of AttrList
	AllAttrs   bool     // every item attribute
	Events     bool
	Links      bool
	Exemplars  bool
	Lists      bool // list columns of points
	// Resources, scopes, metrics and series come with ColResource, ColScope and ColSeries.
}

// WantAll decodes everything.
func WantAll() Want { return Want{All: true} }

// Directory lists the sections of a segment's body.
type Directory struct{ Items int }

// Range is a byte range of the body.
type Range struct{ Offset, Length int }

// Part is a range of the body with its bytes.
type Part struct {
	Offset int
	Bytes  []byte
}

// ParseDirectory reads a directory; a damaged or unknown one is fault.Internal with code "segment.damaged" or "segment.format".
func ParseDirectory(b []byte) (*Directory, error) { return nil, errTodo }

// Keys lists the item attribute keys of the segment with their types.
func (d *Directory) Keys() []string { return nil }

// Ranges returns the byte ranges of the body that w needs, sorted, near neighbours merged.
func (d *Directory) Ranges(w Want) []Range { return nil }

// AppendSegment decodes the wanted columns and appends the segment's rows to t, in the segment's order. parts must cover d.Ranges(w).
// All segments appended to one table must be read with the same Want.
func (t *Table) AppendSegment(d *Directory, parts []Part, w Want) error { return errTodo }

// Verify recomputes the checksum of a whole segment.
func (s *Segment) Verify() error { return errTodo }

// OTLP builds the Export…ServiceRequest protobuf of the given rows (all of them when rows is nil), grouped by resource and scope
// (metrics: and by metric) in order of first appearance. Needs a table read with WantAll.
func (t *Table) OTLP(rows []uint32) []byte { return nil }

// ServiceID is the dimension id of a service.
func ServiceID(tenant telemetry.Tenant, namespace, name string) int64 { return 0 }

// OperationID is the dimension id of an operation: a span name and kind of a service.
func OperationID(tenant telemetry.Tenant, serviceID int64, name string, kind int32) int64 { return 0 }

// TraceHash is what the trace filter holds for a trace id.
func TraceHash(id [16]byte) uint64 { return 0 }

// Token scopes.
const (
	ScopeItem     = "attributes" // item attributes
	ScopeResource = "resource"
	ScopeScope    = "scope"
	ScopeField    = "field" // intrinsic: name, severity_text, event_name, metric name (key "name") …
	ScopeWord     = "word"  // a lower-cased word of a log body (key "body")
)

// Token is what the token filter holds for an equality; v.Key is ignored.
func Token(scope, key string, v Value) uint64 { return 0 }

// MayContain tests a split-block Bloom filter; an empty filter may contain everything.
func MayContain(filter []byte, hash uint64) bool { return true }

// Probe gives what a test in SQL needs: with n = octet_length(filter)/32, block = (hi * n) >> 32, bytes substring(filter from block*32+1 for 32)
// must have all eight bits (numbers for get_bit within those 32 bytes) set.
func Probe(hash uint64) (hi uint32, bits [8]int) { return 0, [8]int{} }
