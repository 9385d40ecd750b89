package segment

// Which columns the rows of a signal have, and which kinds of points have them (section 5 of docs/segment-format.md).

import "github.com/ollyscale/ollyscale/libs/telemetry"

// rowSchema says which columns a row set has, in the order in which they are written. Order and numbers are part of the format.
type rowSchema struct {
	ints     []Column
	texts    []TextColumn
	lists    []ListColumn
	traceIDs bool
	spanIDs  bool
	parents  bool
	nameKey  KeyID // key under which TextName is interned
}

// schemaSpans: columns that most queries read together stand first and therefore next to each other in the body.
func schemaSpans() *rowSchema {
	return &rowSchema{
		ints: []Column{
			ColTime, ColDuration, ColResource, ColKind, ColStatus, ColScope, ColFlags, ColPosition, ColOrdinal,
			ColDroppedAttributes, ColDroppedEvents, ColDroppedLinks,
		},
		texts:    []TextColumn{TextName, TextStatusMessage, TextTraceState},
		traceIDs: true, spanIDs: true, parents: true,
		nameKey: keyOf(TextName),
	}
}

func schemaEvents() *rowSchema {
	return &rowSchema{
		ints:    []Column{ColTime, ColDroppedAttributes},
		texts:   []TextColumn{TextName},
		nameKey: keyEventName,
	}
}

func schemaLinks() *rowSchema {
	return &rowSchema{
		ints:     []Column{ColFlags, ColDroppedAttributes},
		texts:    []TextColumn{TextTraceState},
		traceIDs: true, spanIDs: true,
	}
}

func schemaLogs() *rowSchema {
	return &rowSchema{
		ints: []Column{
			ColTime, ColSeverity, ColResource, ColScope, ColObservedTime, ColHas, ColFlags, ColPosition, ColOrdinal, ColDroppedAttributes,
		},
		texts:    []TextColumn{TextBody, TextSeverity, TextEventName},
		traceIDs: true, spanIDs: true,
	}
}

func schemaPoints() *rowSchema {
	return &rowSchema{
		ints: []Column{
			ColTime, ColSeries, ColKind, ColHas, ColNumber, ColStartTime, ColFlags, ColPosition, ColOrdinal,
			ColCount, ColSum, ColMin, ColMax, ColScale, ColZeroCount, ColZeroThreshold, ColPositiveOffset, ColNegativeOffset,
		},
		texts: []TextColumn{TextBounds},
		lists: []ListColumn{ListBucketCounts, ListPositiveCounts, ListNegativeCounts, ListQuantiles, ListQuantileValues},
	}
}

func schemaExemplars() *rowSchema {
	return &rowSchema{
		ints:     []Column{ColTime, ColHas, ColNumber},
		traceIDs: true, spanIDs: true,
	}
}

func schemaOf(s telemetry.Signal) *rowSchema {
	switch s {
	case telemetry.Traces:
		return schemaSpans()
	case telemetry.Logs:
		return schemaLogs()
	case telemetry.Metrics:
		return schemaPoints()
	}
	return &rowSchema{}
}

// keyOf is the reserved key of a text column; key 0 is no key.
func keyOf(c TextColumn) KeyID { return KeyID(c) + 1 }

const (
	keyEventName = KeyID(numTextColumns) + 1 // name of a span event
	numReserved  = keyEventName + 1
)

// reservedKey is the name of a reserved key: Pool.Keys of an empty table, and the key of Token(ScopeField, …).
func reservedKey(k KeyID) string {
	switch k {
	case 0:
		return ""
	case keyOf(TextName):
		return "name"
	case keyOf(TextStatusMessage):
		return "status_message"
	case keyOf(TextTraceState):
		return "trace_state"
	case keyOf(TextSeverity):
		return "severity_text"
	case keyOf(TextBody):
		return "body"
	case keyOf(TextEventName):
		return "event_name"
	case keyOf(TextBounds):
		return "bounds"
	case keyEventName:
		return "events.name"
	}
	return ""
}

// appliesTo tells which metric kinds have a column; rows of other kinds hold zero and are not written. 0 means every row.
func appliesTo(c Column) uint8 {
	switch c {
	case ColCount, ColSum:
		return 1<<Histogram | 1<<ExponentialHistogram | 1<<Summary
	case ColMin, ColMax:
		return 1<<Histogram | 1<<ExponentialHistogram
	case ColScale, ColZeroCount, ColZeroThreshold, ColPositiveOffset, ColNegativeOffset:
		return 1 << ExponentialHistogram
	default:
		return 0
	}
}

func listAppliesTo(c ListColumn) uint8 {
	switch c {
	case ListBucketCounts:
		return 1 << Histogram
	case ListPositiveCounts, ListNegativeCounts:
		return 1 << ExponentialHistogram
	case ListQuantiles, ListQuantileValues:
		return 1 << Summary
	}
	return 0
}

// isDouble tells whether a column holds IEEE bits.
func isDouble(c Column) bool {
	return c == ColSum || c == ColMin || c == ColMax || c == ColZeroThreshold
}

// prepare makes every column of the schema present (not nil).
func (r *Rows) prepare(s *rowSchema) {
	for _, c := range s.ints {
		if r.Ints[c] == nil {
			r.Ints[c] = make([]int64, 0, 16)
		}
	}
	for _, c := range s.texts {
		if r.Texts[c] == nil {
			r.Texts[c] = make([]ValueID, 0, 16)
		}
	}
	for _, c := range s.lists {
		if l := &r.Lists[c]; len(l.Offsets) == 0 {
			l.Offsets = append(l.Offsets, 0)
		}
	}
	if s.traceIDs && r.TraceIDs == nil {
		r.TraceIDs = make([][16]byte, 0, 16)
	}
	if s.spanIDs && r.SpanIDs == nil {
		r.SpanIDs = make([][8]byte, 0, 16)
	}
	if s.parents && r.ParentIDs == nil {
		r.ParentIDs = make([][8]byte, 0, 16)
	}
	if len(r.Attributes.Offsets) == 0 {
		r.Attributes.Offsets = append(r.Attributes.Offsets, 0)
	}
}

func (c *Children) prepare(s *rowSchema) {
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
