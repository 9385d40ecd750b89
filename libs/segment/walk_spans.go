package segment

func (w *walker) span(b []byte) bool {
	t := w.t
	var traceID [16]byte
	var spanID, parentID [8]byte
	var name, state, message []byte
	var start, end, kind, status, flags, droppedA, droppedE, droppedL uint64
	node := uint32(0)
	for i := 0; i < len(b); {
		// Attributes are most of a span's fields, and most of them are short.
		if b[i] == 9<<3|wireLen && i+1 < len(b) && b[i+1] < 0x80 && int(b[i+1]) <= len(b)-i-2 {
			end := i + 2 + int(b[i+1])
			id, child, ok := w.attribute(b[i+2:end:end], node)
			if !ok {
				return false
			}
			node, i = child, end
			t.Attributes.IDs = append(t.Attributes.IDs, id)
			continue
		}
		tag, num, data, stop := next(b, i)
		if stop < 0 {
			return w.damaged(stop)
		}
		i = stop
		switch tag {
		case 1<<3 | wireLen:
			if len(data) == 16 {
				traceID = [16]byte(data)
			} else if len(data) == 0 {
				traceID = [16]byte{}
			} else {
				return w.badID("trace_id", len(data), 16)
			}
		case 2<<3 | wireLen:
			if len(data) == 8 {
				spanID = [8]byte(data)
			} else if len(data) == 0 {
				spanID = [8]byte{}
			} else {
				return w.badID("span_id", len(data), 8)
			}
		case 3<<3 | wireLen:
			state = data
		case 4<<3 | wireLen:
			if len(data) == 8 {
				parentID = [8]byte(data)
			} else if len(data) == 0 {
				parentID = [8]byte{}
			} else {
				return w.badID("parent_span_id", len(data), 8)
			}
		case 5<<3 | wireLen:
			name = data
		case 6<<3 | wireVarint:
			kind = num
		case 7<<3 | wireI64:
			start = num
		case 8<<3 | wireI64:
			end = num
		case 9<<3 | wireLen:
			id, child, ok := w.attribute(data, node)
			if !ok {
				return false
			}
			node = child
			t.Attributes.IDs = append(t.Attributes.IDs, id)
		case 10<<3 | wireVarint:
			droppedA = num
		case 11<<3 | wireLen:
			w.push("events", t.Events.N-int(t.Events.Offsets[len(t.Events.Offsets)-1]))
			if !w.event(data) {
				return false
			}
			w.pop()
		case 12<<3 | wireVarint:
			droppedE = num
		case 13<<3 | wireLen:
			w.push("links", t.Links.N-int(t.Links.Offsets[len(t.Links.Offsets)-1]))
			if !w.link(data) {
				return false
			}
			w.pop()
		case 14<<3 | wireVarint:
			droppedL = num
		case 15<<3 | wireLen:
			for j := 0; j < len(data); {
				tag, num, text, stop := next(data, j)
				if stop < 0 {
					return w.damaged(stop)
				}
				j = stop
				switch tag {
				case 2<<3 | wireLen:
					message = text
				case 3<<3 | wireVarint:
					status = num
				default:
					if !w.unknown(tag, 1<<2|1<<3) {
						return false
					}
				}
			}
		case 16<<3 | wireI32:
			flags = num
		default:
			if !w.unknown(tag, 1<<17-2) {
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
	r.Texts[TextName] = append(r.Texts[TextName], t.text(keyOf(TextName), name))
	r.Texts[TextStatusMessage] = append(r.Texts[TextStatusMessage], t.text(keyOf(TextStatusMessage), message))
	r.Texts[TextTraceState] = append(r.Texts[TextTraceState], t.text(keyOf(TextTraceState), state))
	r.TraceIDs = append(r.TraceIDs, traceID)
	r.SpanIDs = append(r.SpanIDs, spanID)
	r.ParentIDs = append(r.ParentIDs, parentID)
	r.Attributes.end(node)
	t.Events.Offsets = append(t.Events.Offsets, uint32(t.Events.N))
	t.Links.Offsets = append(t.Links.Offsets, uint32(t.Links.N))
	r.N++
	w.ordinal++
	return true
}

// end closes the attribute list of one row.
func (l *AttrList) end(node uint32) {
	l.Offsets = append(l.Offsets, uint32(len(l.IDs)))
	l.shapes = append(l.shapes, node)
}

func (w *walker) event(b []byte) bool {
	t := w.t
	r := &t.Events.Rows
	var time, dropped uint64
	var name []byte
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
		case 2<<3 | wireLen:
			name = data
		case 3<<3 | wireLen:
			id, child, ok := w.attribute(data, node)
			if !ok {
				return false
			}
			node = child
			r.Attributes.IDs = append(r.Attributes.IDs, id)
		case 4<<3 | wireVarint:
			dropped = num
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3|1<<4) {
				return false
			}
		}
	}
	r.Ints[ColTime] = append(r.Ints[ColTime], int64(time))
	r.Ints[ColDroppedAttributes] = append(r.Ints[ColDroppedAttributes], int64(uint32(dropped)))
	r.Texts[TextName] = append(r.Texts[TextName], t.text(keyEventName, name))
	r.Attributes.end(node)
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
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			if !w.traceID(data, &traceID) {
				return false
			}
		case 2<<3 | wireLen:
			if !w.spanID(data, &spanID) {
				return false
			}
		case 3<<3 | wireLen:
			state = data
		case 4<<3 | wireLen:
			id, child, ok := w.attribute(data, node)
			if !ok {
				return false
			}
			node = child
			r.Attributes.IDs = append(r.Attributes.IDs, id)
		case 5<<3 | wireVarint:
			dropped = num
		case 6<<3 | wireI32:
			flags = num
		default:
			if !w.unknown(tag, 1<<7-2) {
				return false
			}
		}
	}
	r.Ints[ColFlags] = append(r.Ints[ColFlags], int64(flags))
	r.Ints[ColDroppedAttributes] = append(r.Ints[ColDroppedAttributes], int64(uint32(dropped)))
	r.Texts[TextTraceState] = append(r.Texts[TextTraceState], t.text(keyOf(TextTraceState), state))
	r.TraceIDs = append(r.TraceIDs, traceID)
	r.SpanIDs = append(r.SpanIDs, spanID)
	r.Attributes.end(node)
	r.N++
	return true
}

func (w *walker) traceID(data []byte, id *[16]byte) bool {
	switch len(data) {
	case 16:
		*id = [16]byte(data)
	case 0:
		*id = [16]byte{}
	default:
		return w.badID("trace_id", len(data), 16)
	}
	return true
}

func (w *walker) spanID(data []byte, id *[8]byte) bool {
	switch len(data) {
	case 8:
		*id = [8]byte(data)
	case 0:
		*id = [8]byte{}
	default:
		return w.badID("span_id", len(data), 8)
	}
	return true
}
