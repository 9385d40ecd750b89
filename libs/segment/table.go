// Package segment is the column segment, the project's core: a few thousand items of one tenant, one signal and one hour as
// compressed columns that live in one row of plain PostgreSQL. Pure: no SQL, no clock, no I/O.
//
//	OTLP bytes --Append--> Table --Slices--> row numbers --Encode--> Segment{Header, filters, directory, body}
//	Segment --Decode(columns wanted)--> Table --OTLP--> OTLP bytes;   merge = Decode several into one Table, Slices, Encode
//
// docs/segment-format.md specifies the bytes.
package segment

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// ValueID names an entry of Pool.Values. 0 is always the absent value (empty string, Type Empty, no key).
type ValueID = values.ID

// KeyID names an entry of Pool.Keys. The low ids are reserved for intrinsic text columns (span name, body, …), so that one
// interning table, one dictionary codec and one token filter serve attributes and columns alike.
type KeyID = values.KeyID

// ValueType is the type of an OTLP AnyValue.
type ValueType = otlp.ValueType

// The types of AnyValue.
const (
	Empty  = otlp.Empty
	String = otlp.String
	Bool   = otlp.Bool
	Int    = otlp.Int
	Double = otlp.Double
	Bytes  = otlp.Bytes
	Array  = otlp.Array
	Map    = otlp.Map
)

// Value is one interned (key, type, content). Bool, Int and Double live in Num (0/1, two's complement, IEEE bits); the others in Raw,
// which may hold invalid UTF-8 and NUL: what came in is what goes out. Hash is the token that the token filter holds.
type Value = values.Value

// Resource is one distinct resource. ID is the 64-bit dimension id (hash of tenant and canonical content), as are ServiceID and Scope.ID.
type Resource struct {
	ID               int64
	ServiceID        int64  // hash of tenant, service.namespace and service.name
	ServiceName      string // "unknown_service" where the resource names none
	ServiceNamespace string
	Attributes       []ValueID
	Dropped          uint32
	SchemaURL        string
	EntityRefs       [][]byte // protobuf EntityRef messages, verbatim
}

// Scope is one distinct instrumentation scope with its schema URL.
type Scope struct {
	ID            int64
	Name, Version string
	Attributes    []ValueID
	Dropped       uint32
	SchemaURL     string
}

// MetricKind is which data a metric carries.
type MetricKind = otlp.MetricKind

// OTLP's five metric kinds.
const (
	Gauge                = otlp.Gauge
	Sum                  = otlp.Sum
	Histogram            = otlp.Histogram
	ExponentialHistogram = otlp.ExponentialHistogram
	Summary              = otlp.Summary
)

// Metric is one distinct metric identity.
type Metric struct {
	Name, Description, Unit string
	Kind                    MetricKind
	Temporality             int32
	Monotonic               bool
	Metadata                []ValueID
}

// Series is one distinct (metric, resource, scope, attributes); points refer to it by ColSeries.
// ID is the 64-bit hash of tenant, metric identity (with type, unit, temporality, monotonic), resource, scope and attributes in canonical order.
type Series struct {
	ID         int64
	Metric     uint32 // index into Pool.Metrics
	Resource   uint32
	Scope      uint32
	Attributes []ValueID
}

// Pool holds what rows refer to by index. Resources[0], Scopes[0] … are ordinary entries (index 0 is valid); Values[0] is the absent value.
type Pool struct {
	Keys      []string
	Values    []Value
	Resources []Resource
	Scopes    []Scope
	Metrics   []Metric
	Series    []Series
}

// Column names one column of a row set. A column's number is part of the format and never changes.
type Column uint8

// Integer columns (Rows.Ints). Floats are held as IEEE bits. Not every row set has every column.
const (
	ColTime              Column = iota // span start, log time (see HasObserved), point time, event or exemplar time: Unix ns
	ColPosition                        // ingest position: stream sequence of the batch
	ColOrdinal                         // number of the item in its batch; (position, ordinal) is an item's identity
	ColResource                        // index into Pool.Resources (spans, logs)
	ColScope                           // index into Pool.Scopes (spans, logs)
	ColDuration                        // spans: end − start in ns, two's complement: may be negative when a sender's clock is wrong
	ColKind                            // spans: kind; points: MetricKind
	ColStatus                          // spans: status code
	ColFlags                           // spans, links, logs, points
	ColDroppedAttributes               // spans, events, links, logs
	ColDroppedEvents                   // spans
	ColDroppedLinks                    // spans
	ColObservedTime                    // logs
	ColSeverity                        // logs: severity number
	ColSeries                          // points: index into Pool.Series
	ColStartTime                       // points: start time
	ColHas                             // points, exemplars, logs: Has… bits
	ColNumber                          // points, exemplars: int value or double bits, by Has
	ColCount                           // histograms, summaries
	ColSum                             // double bits
	ColMin                             // double bits
	ColMax                             // double bits
	ColScale                           // exponential histogram
	ColZeroCount                       // exponential histogram
	ColZeroThreshold                   // double bits
	ColPositiveOffset                  // exponential histogram
	ColNegativeOffset                  // exponential histogram
	numIntColumns
)

// Bits of ColHas.
const (
	HasInt    = 1 << iota // number point or exemplar with an int value
	HasDouble             // number point or exemplar with a double value
	HasSum
	HasMin
	HasMax
	HasPositive // exponential histogram: positive buckets message present
	HasNegative
	HasObserved // log record without a time of its own: ColTime is its observed time
)

// TextColumn names a column of ValueIDs.
type TextColumn uint8

// Text columns (Rows.Texts).
const (
	TextName          TextColumn = iota // span name, event name (of span events)
	TextStatusMessage                   // spans
	TextTraceState                      // spans, links
	TextSeverity                        // logs: severity text
	TextBody                            // logs: any type
	TextEventName                       // logs: event_name
	TextBounds                          // histograms: explicit bounds as Bytes, little-endian doubles
	numTextColumns
)

// ListColumn names a column of integer lists.
type ListColumn uint8

// List columns (Rows.Lists); doubles as IEEE bits.
const (
	ListBucketCounts   ListColumn = iota // histogram
	ListPositiveCounts                   // exponential histogram
	ListNegativeCounts
	ListQuantiles      // summary
	ListQuantileValues // summary
	numListColumns
)

// IntList is a list of integers per row: row i is Values[Offsets[i]:Offsets[i+1]].
type IntList struct {
	Offsets []uint32
	Values  []int64
}

// Row returns row i.
func (l *IntList) Row(i int) []int64 { return l.Values[l.Offsets[i]:l.Offsets[i+1]] }

// AttrList is a list of attributes per row, in the order in which they were sent: row i is IDs[Offsets[i]:Offsets[i+1]].
type AttrList struct {
	Offsets []uint32
	IDs     []ValueID
	shapes  []uint32 // per row: its key list, a node of the table's shapes
}

// Row returns row i.
func (l *AttrList) Row(i int) []ValueID { return l.IDs[l.Offsets[i]:l.Offsets[i+1]] }

// Rows is a set of rows as columns. A column that a row set does not have, or that a reader did not ask for, is nil.
type Rows struct {
	N          int
	Ints       [numIntColumns][]int64
	Texts      [numTextColumns][]ValueID
	Lists      [numListColumns]IntList
	TraceIDs   [][16]byte // spans, logs, links, exemplars; zero = none
	SpanIDs    [][8]byte
	ParentIDs  [][8]byte // spans
	Attributes AttrList
}

// Children is a nested row set: the children of row i are rows Offsets[i] to Offsets[i+1].
type Children struct {
	Offsets []uint32
	Rows
}

// Table holds items of one tenant and signal as columns in arrival order: filled by Append from OTLP bytes or by Decode from segments.
// It may refer to the payloads it was filled from until Reset: the caller must not change them.
type Table struct {
	Tenant telemetry.Tenant
	Signal telemetry.Signal
	Pool
	Rows               // spans, log records or data points
	Events    Children // spans
	Links     Children // spans
	Exemplars Children // points
	// unexported: interning tables, scratch
	interner
}
