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
	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/ids"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
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
type Resource = table.Resource

// Scope is one distinct instrumentation scope with its schema URL.
type Scope = table.Scope

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
type Metric = table.Metric

// Series is one distinct (metric, resource, scope, attributes); points refer to it by ColSeries.
// ID is the 64-bit hash of tenant, metric identity (with type, unit, temporality, monotonic), resource, scope and attributes in canonical order.
type Series = table.Series

// Pool holds what rows refer to by index. Resources[0], Scopes[0] … are ordinary entries (index 0 is valid); Values[0] is the absent value.
type Pool = table.Pool

// Column names one column of a row set. A column's number is part of the format and never changes.
type Column = table.Column

// Integer columns (Rows.Ints). Floats are held as IEEE bits. Not every row set has every column.
const (
	ColTime              = table.ColTime              // span start, log time (see HasObserved), point time, event or exemplar time: Unix ns
	ColPosition          = table.ColPosition          // ingest position: stream sequence of the batch
	ColOrdinal           = table.ColOrdinal           // number of the item in its batch; (position, ordinal) is an item's identity
	ColResource          = table.ColResource          // index into Pool.Resources (spans, logs)
	ColScope             = table.ColScope             // index into Pool.Scopes (spans, logs)
	ColDuration          = table.ColDuration          // spans: end − start in ns, two's complement: may be negative when a sender's clock is wrong
	ColKind              = table.ColKind              // spans: kind; points: MetricKind
	ColStatus            = table.ColStatus            // spans: status code
	ColFlags             = table.ColFlags             // spans, links, logs, points
	ColDroppedAttributes = table.ColDroppedAttributes // spans, events, links, logs
	ColDroppedEvents     = table.ColDroppedEvents     // spans
	ColDroppedLinks      = table.ColDroppedLinks      // spans
	ColObservedTime      = table.ColObservedTime      // logs
	ColSeverity          = table.ColSeverity          // logs: severity number (see HasDerivedSeverity)
	ColSeries            = table.ColSeries            // points: index into Pool.Series
	ColStartTime         = table.ColStartTime         // points: start time
	ColHas               = table.ColHas               // points, exemplars, logs: Has… bits
	ColNumber            = table.ColNumber            // points, exemplars: int value or double bits, by Has
	ColCount             = table.ColCount             // histograms, summaries
	ColSum               = table.ColSum               // double bits
	ColMin               = table.ColMin               // double bits
	ColMax               = table.ColMax               // double bits
	ColScale             = table.ColScale             // exponential histogram
	ColZeroCount         = table.ColZeroCount         // exponential histogram
	ColZeroThreshold     = table.ColZeroThreshold     // double bits
	ColPositiveOffset    = table.ColPositiveOffset    // exponential histogram
	ColNegativeOffset    = table.ColNegativeOffset    // exponential histogram
)

// Bits of ColHas.
const (
	HasInt      = table.HasInt    // number point or exemplar with an int value
	HasDouble   = table.HasDouble // number point or exemplar with a double value
	HasSum      = table.HasSum
	HasMin      = table.HasMin
	HasMax      = table.HasMax
	HasPositive = table.HasPositive // exponential histogram: positive buckets message present
	HasNegative = table.HasNegative
	HasObserved = table.HasObserved // log record without a time of its own: ColTime is its observed time
	// HasDerivedSeverity: log record that came without a severity number: ColSeverity is what its text stands for (otlp.SeverityOf)
	HasDerivedSeverity = table.HasDerivedSeverity
)

// TextColumn names a column of ValueIDs.
type TextColumn = table.TextColumn

// Text columns (Rows.Texts).
const (
	TextName          = table.TextName          // span name, event name (of span events)
	TextStatusMessage = table.TextStatusMessage // spans
	TextTraceState    = table.TextTraceState    // spans, links
	TextSeverity      = table.TextSeverity      // logs: severity text
	TextBody          = table.TextBody          // logs: any type
	TextEventName     = table.TextEventName     // logs: event_name
	TextBounds        = table.TextBounds        // histograms: explicit bounds as Bytes, little-endian doubles
	TextConnection    = table.TextConnection    // spans, logs, points: the key that an item was sent with (Origin.Connection)
)

// ListColumn names a column of integer lists.
type ListColumn = table.ListColumn

// List columns (Rows.Lists); doubles as IEEE bits.
const (
	ListBucketCounts   = table.ListBucketCounts   // histogram
	ListPositiveCounts = table.ListPositiveCounts // exponential histogram
	ListNegativeCounts = table.ListNegativeCounts
	ListQuantiles      = table.ListQuantiles      // summary
	ListQuantileValues = table.ListQuantileValues // summary
)

// IntList is a list of integers per row: row i is Values[Offsets[i]:Offsets[i+1]].
type IntList = table.IntList

// AttrList is a list of attributes per row, in the order in which they were sent: row i is IDs[Offsets[i]:Offsets[i+1]].
type AttrList = table.AttrList

// Rows is a set of rows as columns. A column that a row set does not have, or that a reader did not ask for, is nil.
type Rows = table.Rows

// Children is a nested row set: the children of row i are rows Offsets[i] to Offsets[i+1].
type Children = table.Children

// Table holds items of one tenant and signal as columns in arrival order: filled by Append from OTLP bytes or by AppendSegment and AppendRows from
// segments. It may refer to the payloads it was filled from until Reset: the caller must not change them. NewTable makes one.
type Table struct {
	*table.Table               // of b
	b            table.Builder // fills it

	pairs   []pair // of Append: attributes seen before
	walk    walker
	encoder *encoder
	decoder *decoder
	arena   arena.Arena // of what was decoded
	places  ids.Places  // of rows of which only these were read
}

// NewTable makes an empty table.
func NewTable(tenant telemetry.Tenant, signal telemetry.Signal) *Table {
	t := &Table{}
	t.Table = &t.b.Table
	t.b.Begin(tenant, signal)
	t.Reset()
	return t
}

// Reset empties the table and keeps its memory.
func (t *Table) Reset() {
	t.b.Reset()
	clear(t.pairs)
	t.places.Truncate(0)
	t.walk.reset()
	if t.decoder != nil {
		t.decoder.reset()
	}
	t.arena.Renew(mostArena)
}

// Memory is about how many bytes of values, decoded from segments, the table refers to by itself; what it was filled from counts for who holds it.
func (t *Table) Memory() int { return t.arena.Asked() }

// rollback returns to m exactly.
func (t *Table) rollback(m table.Mark) {
	t.b.Rollback(m)
	clear(t.pairs)
	t.places.Truncate(m.Rows())
	t.walk.reset()
}

// Slices cuts the table's rows into the row sets of future segments: each of one UTC hour (by ColTime) and at most maxItems (MaxItems
// when it is not positive), hour after hour. Spans and logs: each is a time slice, sorted inside by (service, time); points: each is
// a range of series within the hour, sorted by (series, time), so that a metric lies in as few segments as possible. Stable. The
// result is valid until the next call or Reset.
func (t *Table) Slices(maxItems int) [][]uint32 { return t.b.Slices(maxItems) }

// SlicesApart is Slices, but of an hour with many spans the few that are looked for most, of each service the failed and the longest ones, are in
// sets of their own, apart: whoever looks for them opens these segments instead of all. It is for what is stored for long.
func (t *Table) SlicesApart(maxItems int) (common, apart [][]uint32) {
	return t.b.SlicesApart(maxItems)
}

// Token is what the token filter holds for an equality; v.Key and v.Hash are ignored. Types are part of it: Int 200, Double 200 and
// String "200" are three tokens. For an item attribute it equals Value.Hash.
func Token(scope, key string, v Value) uint64 { return table.Token(scope, key, v) }

// TraceHash is what the trace filter holds for a trace id.
func TraceHash(id [16]byte) uint64 { return table.TraceHash(id) }

// OperationID is the dimension id of an operation: a span name and kind of a service.
func OperationID(tenant telemetry.Tenant, serviceID int64, name string, kind int32) int64 {
	return table.OperationID(tenant, serviceID, name, kind)
}

// Token scopes.
const (
	ScopeItem     = table.ScopeItem     // attributes of items, of series and of span events
	ScopeResource = table.ScopeResource // attributes of resources
	ScopeScope    = table.ScopeScope    // scope attributes, and the keys "name" and "version"
	ScopeField    = table.ScopeField    // name (span or metric), status_message, severity_text, event_name, events.name
	ScopeWord     = table.ScopeWord     // a word of a log body (key "body", a String value in the form that Words gives)
)
