package segment

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
)

func (w *walker) logRecord(b []byte) bool {
	t := w.t
	var traceID [16]byte
	var spanID [8]byte
	var severityText, eventName []byte
	var body otlp.Value
	var time, observed, severity, dropped, flags uint64
	node := uint32(0)
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.LogRecordTimeUnixNano:
			time = otlp.Fixed64(b, s)
		case otlp.LogRecordSeverityNumber:
			severity = otlp.Number(b, s)
		case otlp.LogRecordSeverityText:
			severityText = b[s:e:e]
		case otlp.LogRecordBody:
			w.push("body", -1)
			if at, p := body.Read(b[s:e:e]); p != otlp.Fine {
				return w.refused(b[s:e], at, p)
			}
			w.pop()
		case otlp.LogRecordAttributes:
			id, child, ok := w.attribute(b[s:e:e], node)
			if !ok {
				return false
			}
			node = child
			t.Attributes.IDs = append(t.Attributes.IDs, id)
		case otlp.LogRecordDroppedAttributesCount:
			dropped = otlp.Number(b, s)
		case otlp.LogRecordFlags:
			flags = uint64(otlp.Fixed32(b, s))
		case otlp.LogRecordTraceID:
			// With an id of another length, a record belongs to no trace: OTLP demands ids of spans only.
			if traceID = [16]byte{}; e-s == otlp.TraceIDSize {
				traceID = [16]byte(b[s:e])
			}
		case otlp.LogRecordSpanID:
			if spanID = [8]byte{}; e-s == otlp.SpanIDSize {
				spanID = [8]byte(b[s:e])
			}
		case otlp.LogRecordObservedTimeUnixNano:
			observed = otlp.Fixed64(b, s)
		case otlp.LogRecordEventName:
			eventName = b[s:e:e]
		default:
			if !w.unknown(tag, otlp.LogRecordFields) {
				return false
			}
		}
	}
	has := int64(0)
	time, isObserved := otlp.LogTime(time, observed)
	if isObserved {
		has = HasObserved
	}
	number, isDerived := otlp.LogSeverity(int64(int32(severity)), severityText)
	if isDerived {
		has |= HasDerivedSeverity
	}
	bodyID := ValueID(0)
	if body.Type != Empty {
		bodyID = t.InternValue(table.KeyOf(TextBody), body.Type, body.Num, body.Raw)
	}
	r := &t.Rows
	in := &r.Ints
	in[ColTime] = append(in[ColTime], int64(time))
	in[ColSeverity] = append(in[ColSeverity], number)
	in[ColResource] = append(in[ColResource], int64(w.resource))
	in[ColScope] = append(in[ColScope], 0) // scopeItems enters it
	in[ColObservedTime] = append(in[ColObservedTime], int64(observed))
	in[ColHas] = append(in[ColHas], has)
	in[ColFlags] = append(in[ColFlags], int64(flags))
	in[ColPosition] = append(in[ColPosition], w.position)
	in[ColOrdinal] = append(in[ColOrdinal], w.ordinal)
	in[ColDroppedAttributes] = append(in[ColDroppedAttributes], int64(uint32(dropped)))
	r.Texts[TextBody] = append(r.Texts[TextBody], bodyID)
	r.Texts[TextSeverity] = append(r.Texts[TextSeverity], t.InternText(table.KeyOf(TextSeverity), severityText))
	r.Texts[TextConnection] = append(r.Texts[TextConnection], w.connection)
	r.Texts[TextEventName] = append(r.Texts[TextEventName], t.InternText(table.KeyOf(TextEventName), eventName))
	r.TraceIDs = append(r.TraceIDs, traceID)
	r.SpanIDs = append(r.SpanIDs, spanID)
	r.Attributes.End(node)
	r.N++
	w.ordinal++
	return true
}
