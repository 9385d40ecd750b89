package segment

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
)

func (w *walker) span(b []byte) bool {
	t := w.t
	var traceID [16]byte
	var spanID, parentID [8]byte
	var name, state, message []byte
	var start, end, kind, status, flags, droppedA, droppedE, droppedL uint64
	node := uint32(0)
	for i := 0; i < len(b); {
		// Attributes are most of a span's fields, and most of them are short.
		if end, ok := otlp.Short(b, i, otlp.SpanAttributes); ok {
			id, child, ok := w.attribute(b[i+2:end:end], node)
			if !ok {
				return false
			}
			node, i = child, end
			t.Attributes.IDs = append(t.Attributes.IDs, id)
			continue
		}
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.SpanTraceID:
			if e-s == otlp.TraceIDSize {
				traceID = [16]byte(b[s:e])
			} else if e == s {
				traceID = [16]byte{}
			} else {
				return w.badID("trace_id", e-s, otlp.TraceIDSize)
			}
		case otlp.SpanSpanID:
			if e-s == otlp.SpanIDSize {
				spanID = [8]byte(b[s:e])
			} else if e == s {
				spanID = [8]byte{}
			} else {
				return w.badID("span_id", e-s, otlp.SpanIDSize)
			}
		case otlp.SpanTraceState:
			state = b[s:e:e]
		case otlp.SpanParentSpanID:
			if e-s == otlp.SpanIDSize {
				parentID = [8]byte(b[s:e])
			} else if e == s {
				parentID = [8]byte{}
			} else {
				return w.badID("parent_span_id", e-s, otlp.SpanIDSize)
			}
		case otlp.SpanName:
			name = b[s:e:e]
		case otlp.SpanKind:
			kind = otlp.Number(b, s)
		case otlp.SpanStartTimeUnixNano:
			start = otlp.Fixed64(b, s)
		case otlp.SpanEndTimeUnixNano:
			end = otlp.Fixed64(b, s)
		case otlp.SpanAttributes:
			id, child, ok := w.attribute(b[s:e:e], node)
			if !ok {
				return false
			}
			node = child
			t.Attributes.IDs = append(t.Attributes.IDs, id)
		case otlp.SpanDroppedAttributesCount:
			droppedA = otlp.Number(b, s)
		case otlp.SpanEvents:
			w.push("events", t.Events.N-int(t.Events.Offsets[len(t.Events.Offsets)-1]))
			if !w.event(b[s:e:e]) {
				return false
			}
			w.pop()
		case otlp.SpanDroppedEventsCount:
			droppedE = otlp.Number(b, s)
		case otlp.SpanLinks:
			w.push("links", t.Links.N-int(t.Links.Offsets[len(t.Links.Offsets)-1]))
			if !w.link(b[s:e:e]) {
				return false
			}
			w.pop()
		case otlp.SpanDroppedLinksCount:
			droppedL = otlp.Number(b, s)
		case otlp.SpanStatus:
			if !w.status(b[s:e:e], &status, &message) {
				return false
			}
		case otlp.SpanFlags:
			flags = uint64(otlp.Fixed32(b, s))
		default:
			if !w.unknown(tag, otlp.SpanFields) {
				return false
			}
		}
	}
	r := &t.Rows
	in := &r.Ints
	in[ColTime] = append(in[ColTime], int64(start))
	in[ColDuration] = append(in[ColDuration], int64(end-start))
	in[ColResource] = append(in[ColResource], int64(w.resource))
	in[ColKind] = append(in[ColKind], int64(int32(kind)))
	in[ColStatus] = append(in[ColStatus], int64(int32(status)))
	in[ColScope] = append(in[ColScope], 0) // scopeItems enters it
	in[ColFlags] = append(in[ColFlags], int64(flags))
	in[ColPosition] = append(in[ColPosition], w.position)
	in[ColOrdinal] = append(in[ColOrdinal], w.ordinal)
	in[ColDroppedAttributes] = append(in[ColDroppedAttributes], int64(uint32(droppedA)))
	in[ColDroppedEvents] = append(in[ColDroppedEvents], int64(uint32(droppedE)))
	in[ColDroppedLinks] = append(in[ColDroppedLinks], int64(uint32(droppedL)))
	r.Texts[TextName] = append(r.Texts[TextName], t.InternText(table.KeyOf(TextName), name))
	r.Texts[TextStatusMessage] = append(r.Texts[TextStatusMessage], t.InternText(table.KeyOf(TextStatusMessage), message))
	r.Texts[TextTraceState] = append(r.Texts[TextTraceState], t.InternText(table.KeyOf(TextTraceState), state))
	r.Texts[TextConnection] = append(r.Texts[TextConnection], w.connection)
	r.TraceIDs = append(r.TraceIDs, traceID)
	r.SpanIDs = append(r.SpanIDs, spanID)
	r.ParentIDs = append(r.ParentIDs, parentID)
	r.Attributes.End(node)
	t.Events.Offsets = append(t.Events.Offsets, uint32(t.Events.N))
	t.Links.Offsets = append(t.Links.Offsets, uint32(t.Links.N))
	r.N++
	w.ordinal++
	return true
}

func (w *walker) status(b []byte, code *uint64, message *[]byte) bool {
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.StatusMessage:
			*message = b[s:e:e]
		case otlp.StatusCode:
			*code = otlp.Number(b, s)
		default:
			if !w.unknown(tag, otlp.StatusFields) {
				return false
			}
		}
	}
	return true
}

func (w *walker) event(b []byte) bool {
	t := w.t
	r := &t.Events.Rows
	var time, dropped uint64
	var name []byte
	node := uint32(0)
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.EventTimeUnixNano:
			time = otlp.Fixed64(b, s)
		case otlp.EventName:
			name = b[s:e:e]
		case otlp.EventAttributes:
			id, child, ok := w.attribute(b[s:e:e], node)
			if !ok {
				return false
			}
			node = child
			r.Attributes.IDs = append(r.Attributes.IDs, id)
		case otlp.EventDroppedAttributesCount:
			dropped = otlp.Number(b, s)
		default:
			if !w.unknown(tag, otlp.EventFields) {
				return false
			}
		}
	}
	r.Ints[ColTime] = append(r.Ints[ColTime], int64(time))
	r.Ints[ColDroppedAttributes] = append(r.Ints[ColDroppedAttributes], int64(uint32(dropped)))
	r.Texts[TextName] = append(r.Texts[TextName], t.InternText(table.KeyEventName, name))
	r.Attributes.End(node)
	r.N++
	return true
}

func (w *walker) link(b []byte) bool {
	t := w.t
	r := &t.Links.Rows
	var traceID [16]byte
	var spanID [8]byte
	var state []byte
	var flags, dropped uint64
	node := uint32(0)
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.LinkTraceID:
			if !w.traceID(b[s:e:e], &traceID) {
				return false
			}
		case otlp.LinkSpanID:
			if !w.spanID(b[s:e:e], &spanID) {
				return false
			}
		case otlp.LinkTraceState:
			state = b[s:e:e]
		case otlp.LinkAttributes:
			id, child, ok := w.attribute(b[s:e:e], node)
			if !ok {
				return false
			}
			node = child
			r.Attributes.IDs = append(r.Attributes.IDs, id)
		case otlp.LinkDroppedAttributesCount:
			dropped = otlp.Number(b, s)
		case otlp.LinkFlags:
			flags = uint64(otlp.Fixed32(b, s))
		default:
			if !w.unknown(tag, otlp.LinkFields) {
				return false
			}
		}
	}
	r.Ints[ColFlags] = append(r.Ints[ColFlags], int64(flags))
	r.Ints[ColDroppedAttributes] = append(r.Ints[ColDroppedAttributes], int64(uint32(dropped)))
	r.Texts[TextTraceState] = append(r.Texts[TextTraceState], t.InternText(table.KeyOf(TextTraceState), state))
	r.TraceIDs = append(r.TraceIDs, traceID)
	r.SpanIDs = append(r.SpanIDs, spanID)
	r.Attributes.End(node)
	r.N++
	return true
}

func (w *walker) traceID(data []byte, id *[16]byte) bool {
	switch len(data) {
	case otlp.TraceIDSize:
		*id = [16]byte(data)
	case 0:
		*id = [16]byte{}
	default:
		return w.badID("trace_id", len(data), otlp.TraceIDSize)
	}
	return true
}

func (w *walker) spanID(data []byte, id *[8]byte) bool {
	switch len(data) {
	case otlp.SpanIDSize:
		*id = [8]byte(data)
	case 0:
		*id = [8]byte{}
	default:
		return w.badID("span_id", len(data), otlp.SpanIDSize)
	}
	return true
}
