package telemetry

import "github.com/ollyscale/ollyscale/libs/otlp"

// record: LogRecord.
func (c *checker) record(i, end int) (verdict, *wireError) {
	var time, observed uint64
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.LogRecordTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.LogRecordObservedTimeUnixNano:
			observed = otlp.Fixed64(c.b, s)
		case otlp.LogRecordBody:
			if err := c.value(s, e); err != nil {
				return verdict{}, err.in("body")
			}
		case otlp.LogRecordAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", n)
			}
			n++
		// A record with an id of another length belongs to no trace, says OTLP: that costs its id and not the record.
		case otlp.LogRecordTraceID, otlp.LogRecordSpanID, otlp.LogRecordSeverityNumber, otlp.LogRecordSeverityText, otlp.LogRecordDroppedAttributesCount, otlp.LogRecordFlags, otlp.LogRecordEventName:
		default:
			if otlp.LogRecordFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	at, _ := otlp.LogTime(time, observed)
	if at == 0 {
		return verdict{untimed: true}, nil
	}
	return c.timed(at), nil
}
