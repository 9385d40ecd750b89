// Package table is items of one tenant and signal as columns in memory, and what they refer to, each distinct thing once (docs/segment-format.md,
// sections 5 and 11, and what of section 10 is a hash). Which rows make a segment, and in which order, it says too.
//
// Invariants: index 0 of values is the absent value, and keys below numReserved are those of text columns; what is equal has one entry; hashes are
// written down in filters and tables, so that they never change; Rollback returns to exactly what was marked.
package table

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

// Metric is one distinct metric identity.
type Metric struct {
	Name, Description, Unit string
	Kind                    otlp.MetricKind
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

// Integer columns (Rows.Ints); package segment says what each holds. Floats are held as IEEE bits. Not every row set has every column.
const (
	ColTime Column = iota
	ColPosition
	ColOrdinal
	ColResource
	ColScope
	ColDuration
	ColKind
	ColStatus
	ColFlags
	ColDroppedAttributes
	ColDroppedEvents
	ColDroppedLinks
	ColObservedTime
	ColSeverity
	ColSeries
	ColStartTime
	ColHas
	ColNumber
	ColCount
	ColSum
	ColMin
	ColMax
	ColScale
	ColZeroCount
	ColZeroThreshold
	ColPositiveOffset
	ColNegativeOffset
	IntColumns
)

// Bits of ColHas, as package segment explains them.
const (
	HasInt = 1 << iota
	HasDouble
	HasSum
	HasMin
	HasMax
	HasPositive
	HasNegative
	HasObserved
	HasDerivedSeverity
)

// TextColumn names a column of ValueIDs.
type TextColumn uint8

// Text columns (Rows.Texts); package segment says what each holds.
const (
	TextName TextColumn = iota
	TextStatusMessage
	TextTraceState
	TextSeverity
	TextBody
	TextEventName
	TextBounds
	TextConnection
	TextColumns
)

// ListColumn names a column of integer lists.
type ListColumn uint8

// List columns (Rows.Lists), of which package segment says what each holds; doubles as IEEE bits.
const (
	ListBucketCounts ListColumn = iota
	ListPositiveCounts
	ListNegativeCounts
	ListQuantiles
	ListQuantileValues
	ListColumns
)

// IntList is a list of integers per row: row i is Values[Offsets[i]:Offsets[i+1]].
type IntList struct {
	Offsets []uint32
	Values  []int64
}

// Row returns row i.
func (l *IntList) Row(i int) []int64 { return l.Values[l.Offsets[i]:l.Offsets[i+1]] }

// Append adds a row.
func (l *IntList) Append(values []int64) {
	l.Values = append(l.Values, values...)
	l.Offsets = append(l.Offsets, uint32(len(l.Values)))
}

// AttrList is a list of attributes per row, in the order in which they were sent: row i is IDs[Offsets[i]:Offsets[i+1]].
type AttrList struct {
	Offsets []uint32
	IDs     []ValueID
	shapes  []uint32 // per row: its key list, a node of the table's Shapes
}

// Shape is the key list of row i, a node of the table's Shapes.
func (l *AttrList) Shape(i uint32) uint32 { return l.shapes[i] }

// End ends a row, whose keys are those of a node.
func (l *AttrList) End(node uint32) {
	l.Offsets = append(l.Offsets, uint32(len(l.IDs)))
	l.shapes = append(l.shapes, node)
}

// Row returns row i.
func (l *AttrList) Row(i int) []ValueID { return l.IDs[l.Offsets[i]:l.Offsets[i+1]] }

// Rows is a set of rows as columns. A column that a row set does not have, or that a reader did not ask for, is nil.
type Rows struct {
	N          int
	Ints       [IntColumns][]int64
	Texts      [TextColumns][]ValueID
	Lists      [ListColumns]IntList
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

// Table holds items of one tenant and signal as columns in arrival order.
type Table struct {
	Tenant telemetry.Tenant
	Signal telemetry.Signal
	Pool
	Rows               // spans, log records or data points
	Events    Children // spans
	Links     Children // spans
	Exemplars Children // points
}
