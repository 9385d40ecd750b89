package table

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Which columns the rows of a signal have, and which kinds of points have them (section 5 of docs/segment-format.md).

// Schema says which columns a row set has, in the order in which they are written. Order and numbers are part of the format.
type Schema struct {
	Ints     []Column
	Texts    []TextColumn
	Lists    []ListColumn
	TraceIDs bool
	SpanIDs  bool
	Parents  bool
	nameKey  KeyID // key under which TextName is interned
}

// schemaSpans: columns that most queries read together stand first and therefore next to each other in the body.
func schemaSpans() *Schema {
	return &Schema{
		Ints: []Column{
			ColTime, ColDuration, ColResource, ColKind, ColStatus, ColScope, ColFlags, ColPosition, ColOrdinal,
			ColDroppedAttributes, ColDroppedEvents, ColDroppedLinks,
		},
		Texts:    []TextColumn{TextName, TextStatusMessage, TextTraceState, TextConnection},
		TraceIDs: true, SpanIDs: true, Parents: true,
		nameKey: KeyOf(TextName),
	}
}

func schemaEvents() *Schema {
	return &Schema{
		Ints:    []Column{ColTime, ColDroppedAttributes},
		Texts:   []TextColumn{TextName},
		nameKey: KeyEventName,
	}
}

func schemaLinks() *Schema {
	return &Schema{
		Ints:     []Column{ColFlags, ColDroppedAttributes},
		Texts:    []TextColumn{TextTraceState},
		TraceIDs: true, SpanIDs: true,
	}
}

func schemaLogs() *Schema {
	return &Schema{
		Ints: []Column{
			ColTime, ColSeverity, ColResource, ColScope, ColObservedTime, ColHas, ColFlags, ColPosition, ColOrdinal, ColDroppedAttributes,
		},
		Texts:    []TextColumn{TextBody, TextSeverity, TextEventName, TextConnection},
		TraceIDs: true, SpanIDs: true,
	}
}

func schemaPoints() *Schema {
	return &Schema{
		Ints: []Column{
			ColTime, ColSeries, ColKind, ColHas, ColNumber, ColStartTime, ColFlags, ColPosition, ColOrdinal,
			ColCount, ColSum, ColMin, ColMax, ColScale, ColZeroCount, ColZeroThreshold, ColPositiveOffset, ColNegativeOffset,
		},
		Texts: []TextColumn{TextBounds, TextConnection},
		Lists: []ListColumn{ListBucketCounts, ListPositiveCounts, ListNegativeCounts, ListQuantiles, ListQuantileValues},
	}
}

func schemaExemplars() *Schema {
	return &Schema{
		Ints:     []Column{ColTime, ColHas, ColNumber},
		TraceIDs: true, SpanIDs: true,
	}
}

// SchemaOf is the columns of the items of a signal.
func SchemaOf(s telemetry.Signal) *Schema {
	switch s {
	case telemetry.Traces:
		return schemaSpans()
	case telemetry.Logs:
		return schemaLogs()
	case telemetry.Metrics:
		return schemaPoints()
	}
	return &Schema{}
}

// KeyOf is the reserved key of a text column; key 0 is no key.
func KeyOf(c TextColumn) KeyID { return KeyID(c) + 1 }

// Keys beyond those of text columns.
const (
	KeyEventName = KeyID(TextColumns) + 1 // name of a span event
	numReserved  = KeyEventName + 1
)

// ReservedKey is the name of a reserved key: Pool.Keys of an empty table, and the key of Token(ScopeField, …).
func ReservedKey(k KeyID) string {
	switch k {
	case 0:
		return ""
	case KeyOf(TextName):
		return "name"
	case KeyOf(TextStatusMessage):
		return "status_message"
	case KeyOf(TextTraceState):
		return "trace_state"
	case KeyOf(TextSeverity):
		return "severity_text"
	case KeyOf(TextBody):
		return "body"
	case KeyOf(TextEventName):
		return "event_name"
	case KeyOf(TextBounds):
		return "bounds"
	case KeyOf(TextConnection):
		return "connection"
	case KeyEventName:
		return "events.name"
	}
	return ""
}

// AppliesTo tells which metric kinds have a column; rows of other kinds hold zero and are not written. 0 means every row.
func AppliesTo(c Column) uint8 {
	switch c {
	case ColCount, ColSum:
		return 1<<otlp.Histogram | 1<<otlp.ExponentialHistogram | 1<<otlp.Summary
	case ColMin, ColMax:
		return 1<<otlp.Histogram | 1<<otlp.ExponentialHistogram
	case ColScale, ColZeroCount, ColZeroThreshold, ColPositiveOffset, ColNegativeOffset:
		return 1 << otlp.ExponentialHistogram
	default:
		return 0
	}
}

// ListAppliesTo tells which metric kinds have a list column.
func ListAppliesTo(c ListColumn) uint8 {
	switch c {
	case ListBucketCounts:
		return 1 << otlp.Histogram
	case ListPositiveCounts, ListNegativeCounts:
		return 1 << otlp.ExponentialHistogram
	case ListQuantiles, ListQuantileValues:
		return 1 << otlp.Summary
	}
	return 0
}

// IsDouble tells whether a column holds IEEE bits.
func IsDouble(c Column) bool {
	return c == ColSum || c == ColMin || c == ColMax || c == ColZeroThreshold
}

// prepare makes every column of the schema present (not nil).
func (r *Rows) prepare(s *Schema) {
	for _, c := range s.Ints {
		if r.Ints[c] == nil {
			r.Ints[c] = make([]int64, 0, 16)
		}
	}
	for _, c := range s.Texts {
		if r.Texts[c] == nil {
			r.Texts[c] = make([]ValueID, 0, 16)
		}
	}
	for _, c := range s.Lists {
		if l := &r.Lists[c]; len(l.Offsets) == 0 {
			l.Offsets = append(l.Offsets, 0)
		}
	}
	if s.TraceIDs && r.TraceIDs == nil {
		r.TraceIDs = make([][16]byte, 0, 16)
	}
	if s.SpanIDs && r.SpanIDs == nil {
		r.SpanIDs = make([][8]byte, 0, 16)
	}
	if s.Parents && r.ParentIDs == nil {
		r.ParentIDs = make([][8]byte, 0, 16)
	}
	if len(r.Attributes.Offsets) == 0 {
		r.Attributes.Offsets = append(r.Attributes.Offsets, 0)
	}
}

// Prepare makes every column of the schema present.
func (c *Children) Prepare(s *Schema) {
	if len(c.Offsets) == 0 {
		c.Offsets = append(c.Offsets, 0)
	}
	c.Rows.prepare(s)
}

// truncate cuts the row set to n rows, whatever was begun after them.
func (r *Rows) truncate(n int) {
	r.N = n
	for c := range r.Ints {
		if len(r.Ints[c]) > n {
			r.Ints[c] = r.Ints[c][:n]
		}
	}
	for c := range r.Texts {
		if len(r.Texts[c]) > n {
			r.Texts[c] = r.Texts[c][:n]
		}
	}
	for c := range r.Lists {
		if l := &r.Lists[c]; len(l.Offsets) > 0 {
			l.Offsets = l.Offsets[:min(len(l.Offsets), n+1)]
			l.Values = l.Values[:l.Offsets[len(l.Offsets)-1]]
		}
	}
	if len(r.TraceIDs) > n {
		r.TraceIDs = r.TraceIDs[:n]
	}
	if len(r.SpanIDs) > n {
		r.SpanIDs = r.SpanIDs[:n]
	}
	if len(r.ParentIDs) > n {
		r.ParentIDs = r.ParentIDs[:n]
	}
	if a := &r.Attributes; len(a.Offsets) > 0 {
		a.Offsets = a.Offsets[:min(len(a.Offsets), n+1)]
		a.IDs = a.IDs[:a.Offsets[len(a.Offsets)-1]]
		a.shapes = a.shapes[:min(len(a.shapes), n)]
	}
}

// truncate cuts to the children of the first n parents.
func (c *Children) truncate(n int) {
	if len(c.Offsets) == 0 {
		return
	}
	c.Offsets = c.Offsets[:min(len(c.Offsets), n+1)]
	c.Rows.truncate(int(c.Offsets[len(c.Offsets)-1]))
}
