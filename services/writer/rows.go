//nolint:gosec // G115: integers are converted to what the wire and the columns hold; sizes are bounded by a bus message
package writer

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// projection writes the rows of one table for SQL: one per span, log record or data point, in arrival order, as a COPY stream for
// spans_fact, logs_fact or metrics_fact. The segments beside it are the truth.
type projection struct {
	stream copyStream
	json   *jsonValues // of the table
	rollup *rollup     // of the table, when it holds spans: it knows the operations
}

// batchRows says which rows of a table came with which batch.
type batchRows struct {
	first, end int
	connection []byte // who sent it
}

// write projects the rows of t whose time is not before since. leaf is told the hours of the rows.
func (p *projection) write(t *segment.Table, batches []batchRows, since int64, leaf func(hour int64)) {
	var row func(i int, connection []byte)
	switch t.Signal {
	case telemetry.Traces:
		row = func(i int, connection []byte) { p.span(t, i, connection) }
	case telemetry.Logs:
		row = func(i int, connection []byte) { p.log(t, i, connection) }
	case telemetry.Metrics:
		row = func(i int, connection []byte) { p.point(t, i, connection) }
	}
	times := t.Ints[segment.ColTime]
	last := int64(-1)
	for _, b := range batches {
		for i := b.first; i < b.end; i++ {
			if times[i] < since {
				continue
			}
			if h := floor(times[i], hour); h != last {
				leaf(h)
				last = h
			}
			row(i, b.connection)
		}
	}
}

const spanColumns = 22

func (p *projection) span(t *segment.Table, i int, connection []byte) {
	c := &p.stream
	ints := &t.Ints
	resource := &t.Resources[ints[segment.ColResource][i]]
	c.begin(spanColumns)
	c.int8(ints[segment.ColTime][i])
	c.int8(ints[segment.ColDuration][i])
	c.bytes(t.TraceIDs[i][:])
	c.bytes(t.SpanIDs[i][:])
	c.spanID(t.ParentIDs[i])
	c.int8(resource.ServiceID)
	c.int8(p.rollup.operationOf(i).id)
	c.int8(resource.ID)
	c.int8(t.Scopes[ints[segment.ColScope][i]].ID)
	c.int4(int32(uint32(ints[segment.ColFlags][i])))
	c.int4(clamp32(ints[segment.ColDroppedAttributes][i]))
	c.int4(clamp32(ints[segment.ColDroppedEvents][i]))
	c.int4(clamp32(ints[segment.ColDroppedLinks][i]))
	c.int2(clamp16(ints[segment.ColKind][i]))
	c.int2(clamp16(ints[segment.ColStatus][i]))
	c.text(string(t.Tenant))
	c.clean(connection)
	c.clean(t.Values[t.Texts[segment.TextStatusMessage][i]].Raw)
	c.clean(t.Values[t.Texts[segment.TextTraceState][i]].Raw)
	p.attributes(t.Attributes.Row(i))
	p.events(t, i)
	p.links(t, i)
}

const logColumns = 17

func (p *projection) log(t *segment.Table, i int, connection []byte) {
	c := &p.stream
	ints := &t.Ints
	resource := &t.Resources[ints[segment.ColResource][i]]
	c.begin(logColumns)
	c.int8(ints[segment.ColTime][i])
	c.nonZero(ints[segment.ColObservedTime][i])
	c.traceID(t.TraceIDs[i])
	c.spanID(t.SpanIDs[i])
	c.int8(resource.ServiceID)
	c.int8(resource.ID)
	c.int8(t.Scopes[ints[segment.ColScope][i]].ID)
	c.int4(int32(uint32(ints[segment.ColFlags][i])))
	c.int4(clamp32(ints[segment.ColDroppedAttributes][i]))
	c.int2(clamp16(ints[segment.ColSeverity][i]))
	c.text(string(t.Tenant))
	c.clean(connection)
	c.clean(t.Values[t.Texts[segment.TextSeverity][i]].Raw)
	c.clean(t.Values[t.Texts[segment.TextEventName][i]].Raw)
	switch id := t.Texts[segment.TextBody][i]; {
	case id == 0: // a record without a body
		c.null()
		c.null()
	case t.Values[id].Type == segment.String:
		m := c.open()
		c.buf = appendClean(c.buf, t.Values[id].Raw)
		c.close(m)
		c.null()
	default:
		c.null()
		m := c.jsonb()
		c.buf = p.json.appendAny(c.buf, id)
		c.close(m)
	}
	p.attributes(t.Attributes.Row(i))
}

const pointColumns = 25

func (p *projection) point(t *segment.Table, i int, connection []byte) {
	c := &p.stream
	ints := &t.Ints
	series := &t.Series[ints[segment.ColSeries][i]]
	kind := t.Metrics[series.Metric].Kind
	has := ints[segment.ColHas][i]
	histogram := kind == segment.Histogram || kind == segment.ExponentialHistogram
	exponential := kind == segment.ExponentialHistogram
	summary := kind == segment.Summary
	c.begin(pointColumns)
	c.int8(ints[segment.ColTime][i])
	c.nonZero(ints[segment.ColStartTime][i])
	c.int8(series.ID)
	c.int8(t.Resources[series.Resource].ServiceID)
	c.int8If(has&segment.HasInt != 0, ints[segment.ColNumber], i)
	c.int8If(has&segment.HasDouble != 0, ints[segment.ColNumber], i)
	c.int8If(histogram || summary, ints[segment.ColCount], i)
	c.int8If(has&segment.HasSum != 0 || summary, ints[segment.ColSum], i)
	c.int8If(has&segment.HasMin != 0, ints[segment.ColMin], i)
	c.int8If(has&segment.HasMax != 0, ints[segment.ColMax], i)
	c.int8If(exponential, ints[segment.ColZeroCount], i)
	c.int8If(exponential, ints[segment.ColZeroThreshold], i)
	c.int4(int32(uint32(ints[segment.ColFlags][i])))
	c.int4If(exponential, ints[segment.ColScale], i)
	c.int4If(exponential && has&segment.HasPositive != 0, ints[segment.ColPositiveOffset], i)
	c.int4If(exponential && has&segment.HasNegative != 0, ints[segment.ColNegativeOffset], i)
	c.text(string(t.Tenant))
	c.clean(connection)
	if kind == segment.Histogram {
		c.littleEndianDoubles(t.Values[t.Texts[segment.TextBounds][i]].Raw)
		c.int8s(t.Lists[segment.ListBucketCounts].Row(i))
	} else {
		c.null()
		c.null()
	}
	c.int8sIf(exponential && has&segment.HasPositive != 0, &t.Lists[segment.ListPositiveCounts], i)
	c.int8sIf(exponential && has&segment.HasNegative != 0, &t.Lists[segment.ListNegativeCounts], i)
	if summary {
		c.doubles(t.Lists[segment.ListQuantiles].Row(i))
		c.doubles(t.Lists[segment.ListQuantileValues].Row(i))
	} else {
		c.null()
		c.null()
	}
	p.exemplars(t, i)
}

// attributes writes an item's attributes; none is NULL.
func (p *projection) attributes(ids []segment.ValueID) {
	if len(ids) == 0 {
		p.stream.null()
		return
	}
	m := p.stream.jsonb()
	p.stream.buf = p.json.appendObject(p.stream.buf, ids)
	p.stream.close(m)
}

// The keys of the objects below stand in jsonb's order: shorter first, then bytewise.

func (p *projection) events(t *segment.Table, i int) {
	c := &p.stream
	e := &t.Events
	first, end := children(e, i)
	if first == end {
		c.null()
		return
	}
	m := c.jsonb()
	for k := first; k < end; k++ {
		c.buf = append(c.buf, separator(k == first)...)
		c.buf = append(c.buf, `{"name":`...)
		c.buf = appendString(c.buf, t.Values[e.Texts[segment.TextName][k]].Raw)
		if ids := e.Attributes.Row(k); len(ids) > 0 {
			c.buf = append(c.buf, `,"attributes":`...)
			c.buf = p.json.appendObject(c.buf, ids)
		}
		c.buf = append(c.buf, `,"time_unix_nano":`...)
		c.buf = strconv.AppendInt(c.buf, e.Ints[segment.ColTime][k], 10)
		c.buf = appendDropped(c.buf, e.Ints[segment.ColDroppedAttributes][k])
		c.buf = append(c.buf, '}')
	}
	c.buf = append(c.buf, ']')
	c.close(m)
}

func (p *projection) links(t *segment.Table, i int) {
	c := &p.stream
	l := &t.Links
	first, end := children(l, i)
	if first == end {
		c.null()
		return
	}
	m := c.jsonb()
	for k := first; k < end; k++ {
		c.buf = append(c.buf, separator(k == first)...)
		c.buf = append(c.buf, '{')
		if flags := uint32(l.Ints[segment.ColFlags][k]); flags != 0 {
			c.buf = append(c.buf, `"flags":`...)
			c.buf = strconv.AppendUint(c.buf, uint64(flags), 10)
			c.buf = append(c.buf, ',')
		}
		c.buf = append(c.buf, `"span_id":"`...)
		c.buf = hex.AppendEncode(c.buf, l.SpanIDs[k][:])
		c.buf = append(c.buf, `","trace_id":"`...)
		c.buf = hex.AppendEncode(c.buf, l.TraceIDs[k][:])
		c.buf = append(c.buf, '"')
		if ids := l.Attributes.Row(k); len(ids) > 0 {
			c.buf = append(c.buf, `,"attributes":`...)
			c.buf = p.json.appendObject(c.buf, ids)
		}
		if state := l.Texts[segment.TextTraceState][k]; state != 0 {
			c.buf = append(c.buf, `,"trace_state":`...)
			c.buf = appendString(c.buf, t.Values[state].Raw)
		}
		c.buf = appendDropped(c.buf, l.Ints[segment.ColDroppedAttributes][k])
		c.buf = append(c.buf, '}')
	}
	c.buf = append(c.buf, ']')
	c.close(m)
}

func (p *projection) exemplars(t *segment.Table, i int) {
	c := &p.stream
	e := &t.Exemplars
	first, end := children(e, i)
	if first == end {
		c.null()
		return
	}
	m := c.jsonb()
	for k := first; k < end; k++ {
		c.buf = append(c.buf, separator(k == first)...)
		c.buf = append(c.buf, '{')
		switch has := e.Ints[segment.ColHas][k]; {
		case has&segment.HasInt != 0:
			c.buf = append(c.buf, `"value":`...)
			c.buf = strconv.AppendInt(c.buf, e.Ints[segment.ColNumber][k], 10)
			c.buf = append(c.buf, ',')
		case has&segment.HasDouble != 0:
			c.buf = append(c.buf, `"value":`...)
			c.buf = appendDouble(c.buf, math.Float64frombits(uint64(e.Ints[segment.ColNumber][k])))
			c.buf = append(c.buf, ',')
		}
		if id := e.SpanIDs[k]; id != [8]byte{} {
			c.buf = append(c.buf, `"span_id":"`...)
			c.buf = hex.AppendEncode(c.buf, id[:])
			c.buf = append(c.buf, `",`...)
		}
		if id := e.TraceIDs[k]; id != [16]byte{} {
			c.buf = append(c.buf, `"trace_id":"`...)
			c.buf = hex.AppendEncode(c.buf, id[:])
			c.buf = append(c.buf, `",`...)
		}
		if ids := e.Attributes.Row(k); len(ids) > 0 {
			c.buf = append(c.buf, `"attributes":`...)
			c.buf = p.json.appendObject(c.buf, ids)
			c.buf = append(c.buf, ',')
		}
		c.buf = append(c.buf, `"time_unix_nano":`...)
		c.buf = strconv.AppendInt(c.buf, e.Ints[segment.ColTime][k], 10)
		c.buf = append(c.buf, '}')
	}
	c.buf = append(c.buf, ']')
	c.close(m)
}

// children is the range of row i's children; a table that never had any has no offsets.
func children(c *segment.Children, i int) (first, end int) {
	if len(c.Offsets) <= i+1 {
		return 0, 0
	}
	return int(c.Offsets[i]), int(c.Offsets[i+1])
}

func separator(first bool) string {
	if first {
		return "["
	}
	return ","
}

func appendDropped(dst []byte, n int64) []byte {
	if n == 0 {
		return dst
	}
	dst = append(dst, `,"dropped_attributes_count":`...)
	return strconv.AppendInt(dst, n, 10)
}

// Values that are NULL in certain cases.

func (c *copyStream) nonZero(v int64) { c.int8If(v != 0, []int64{v}, 0) }

func (c *copyStream) int8If(present bool, column []int64, i int) {
	if !present || len(column) <= i {
		c.null()
		return
	}
	c.int8(column[i])
}

func (c *copyStream) int4If(present bool, column []int64, i int) {
	if !present || len(column) <= i {
		c.null()
		return
	}
	c.int4(int32(column[i]))
}

func (c *copyStream) int8sIf(present bool, list *segment.IntList, i int) {
	if !present || len(list.Offsets) <= i+1 {
		c.null()
		return
	}
	c.int8s(list.Row(i))
}

func (c *copyStream) traceID(id [16]byte) {
	if id == [16]byte{} {
		c.null()
		return
	}
	c.bytes(id[:])
}

// spanID writes eight bytes as the bigint that they are in big endian.
func (c *copyStream) spanID(id [8]byte) {
	if id == [8]byte{} {
		c.null()
		return
	}
	c.bytes(id[:])
}

// clean writes a text of unknown content; empty is NULL.
func (c *copyStream) clean(raw []byte) {
	if len(raw) == 0 {
		c.null()
		return
	}
	m := c.open()
	c.buf = appendClean(c.buf, raw)
	c.close(m)
}

// littleEndianDoubles writes a float8[] given as the bytes of its doubles.
func (c *copyStream) littleEndianDoubles(raw []byte) {
	m := c.array(oidFloat8, len(raw)/8, 1)
	for ; len(raw) >= 8; raw = raw[8:] {
		c.int8(int64(binary.LittleEndian.Uint64(raw)))
	}
	c.close(m)
}

func clamp16(v int64) int16 { return int16(max(math.MinInt16, min(math.MaxInt16, v))) }

func clamp32(v int64) int32 { return int32(max(math.MinInt32, min(math.MaxInt32, v))) }
