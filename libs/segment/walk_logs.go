package segment

func (w *walker) logRecord(b []byte) bool {
	t := w.t
	var traceID [16]byte
	var spanID [8]byte
	var severityText, eventName []byte
	var body anyValue
	var time, observed, severity, dropped, flags uint64
	node := uint32(0)
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireI64:
			time = num
		case 2<<3 | wireVarint:
			severity = num
		case 3<<3 | wireLen:
			severityText = data
		case 5<<3 | wireLen:
			w.push("body", -1)
			if !w.readAny(data, &body, 0) {
				return false
			}
			w.pop()
		case 6<<3 | wireLen:
			id, child, ok := w.attribute(data, node)
			if !ok {
				return false
			}
			node = child
			t.Attributes.IDs = append(t.Attributes.IDs, id)
		case 7<<3 | wireVarint:
			dropped = num
		case 8<<3 | wireI32:
			flags = num
		case 9<<3 | wireLen:
			if !w.traceID(data, &traceID) {
				return false
			}
		case 10<<3 | wireLen:
			if !w.spanID(data, &spanID) {
				return false
			}
		case 11<<3 | wireI64:
			observed = num
		case 12<<3 | wireLen:
			eventName = data
		default:
			if !w.unknown(tag, (1<<13-2)&^(1<<4)) {
				return false
			}
		}
	}
	// OTLP: a record without a time is taken for the moment at which it was observed.
	has := int64(0)
	if time == 0 && observed != 0 {
		time, has = observed, HasObserved
	}
	bodyID := ValueID(0)
	if body.typ != Empty {
		bodyID = t.value(keyOf(TextBody), body.typ, body.num, body.raw)
	}
	r := &t.Rows
	in := &r.Ints
	in[ColTime] = append(in[ColTime], int64(time))
	in[ColSeverity] = append(in[ColSeverity], int64(int32(severity)))
	in[ColResource] = append(in[ColResource], int64(w.resource))
	in[ColScope] = append(in[ColScope], 0) // scopeItems enters it
	in[ColObservedTime] = append(in[ColObservedTime], int64(observed))
	in[ColHas] = append(in[ColHas], has)
	in[ColFlags] = append(in[ColFlags], int64(flags))
	in[ColPosition] = append(in[ColPosition], w.position)
	in[ColOrdinal] = append(in[ColOrdinal], w.ordinal)
	in[ColDroppedAttributes] = append(in[ColDroppedAttributes], int64(uint32(dropped)))
	r.Texts[TextBody] = append(r.Texts[TextBody], bodyID)
	r.Texts[TextSeverity] = append(r.Texts[TextSeverity], t.text(keyOf(TextSeverity), severityText))
	r.Texts[TextEventName] = append(r.Texts[TextEventName], t.text(keyOf(TextEventName), eventName))
	r.TraceIDs = append(r.TraceIDs, traceID)
	r.SpanIDs = append(r.SpanIDs, spanID)
	r.Attributes.end(node)
	r.N++
	w.ordinal++
	return true
}
