package telemetry

import "github.com/ollyscale/ollyscale/libs/otlp"

// span: Span.
func (c *checker) span(i, end int) (verdict, *wireError) {
	var start uint64
	var hasTrace, hasSpan bool
	var attributes, events, links int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.SpanTraceID:
			if e-s != otlp.TraceIDSize && e != s {
				return verdict{}, badID(s, e, otlp.TraceIDSize).in("trace_id")
			}
			hasTrace = !zero(c.b[s:e])
		case otlp.SpanSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return verdict{}, badID(s, e, otlp.SpanIDSize).in("span_id")
			}
			hasSpan = !zero(c.b[s:e])
		case otlp.SpanParentSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return verdict{}, badID(s, e, otlp.SpanIDSize).in("parent_span_id")
			}
		case otlp.SpanStartTimeUnixNano:
			start = otlp.Fixed64(c.b, s)
		case otlp.SpanAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.SpanEvents:
			if err := c.event(s, e); err != nil {
				return verdict{}, err.inNth("events", events)
			}
			events++
		case otlp.SpanLinks:
			if err := c.link(s, e); err != nil {
				return verdict{}, err.inNth("links", links)
			}
			links++
		case otlp.SpanStatus:
			if err := c.status(s, e); err != nil {
				return verdict{}, err.in("status")
			}
		case otlp.SpanTraceState, otlp.SpanName, otlp.SpanKind, otlp.SpanEndTimeUnixNano, otlp.SpanDroppedAttributesCount, otlp.SpanDroppedEventsCount,
			otlp.SpanDroppedLinksCount, otlp.SpanFlags:
		default:
			if otlp.SpanFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	v := c.timed(start)
	switch {
	case !hasTrace:
		v.reason = NoTraceID
	case !hasSpan:
		v.reason = NoSpanID
	}
	return v, nil
}

// event: Span.Event. 1 time_unix_nano, 2 name, 3 attributes, 4 dropped_attributes_count.
func (c *checker) event(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.EventTimeUnixNano, otlp.EventName, otlp.EventDroppedAttributesCount:
		case otlp.EventAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		default:
			if otlp.EventFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// link: Span.Link. 1 trace_id, 2 span_id, 3 trace_state, 4 attributes, 5 dropped_attributes_count, 6 flags.
func (c *checker) link(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.LinkTraceID:
			if e-s != otlp.TraceIDSize && e != s {
				return badID(s, e, otlp.TraceIDSize).in("trace_id")
			}
		case otlp.LinkSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return badID(s, e, otlp.SpanIDSize).in("span_id")
			}
		case otlp.LinkAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		case otlp.LinkTraceState, otlp.LinkDroppedAttributesCount, otlp.LinkFlags:
		default:
			if otlp.LinkFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// status: Status. 2 message, 3 code.
func (c *checker) status(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.StatusMessage, otlp.StatusCode:
		default:
			if otlp.StatusFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}
