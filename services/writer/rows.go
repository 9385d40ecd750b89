//nolint:gosec // G115: integers are converted to what the wire and the columns hold; sizes are bounded by a bus message
package writer

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// projection writes the rows of one table for SQL: one per span, log record or data point, in arrival order, as a COPY stream for
// spans_fact, logs_fact or metrics_fact. The segments beside it are the truth.
type projection struct {
	stream     factStream
	json       *jsonValues // of the table
	operations *operations // of the table, when it holds spans
}

// factStream adds the values that are NULL in certain cases.
type factStream struct{ pgcopy.Stream }

// write projects the rows of t whose time is not before since. leaf is told the hours of the rows.
func (p *projection) write(t *segment.Table, since int64, leaf func(hour int64)) {
	var row func(t *segment.Table, i int)
	switch t.Signal {
	case telemetry.Traces:
		row = p.span
	case telemetry.Logs:
		row = p.log
	case telemetry.Metrics:
		row = p.point
	}
	times := t.Ints[segment.ColTime]
	last := int64(-1)
	for i := range t.N {
		if times[i] < since {
			continue
		}
		if h := telemetry.Grain(times[i], time.Hour); h != last {
			leaf(h)
			last = h
		}
		row(t, i)
	}
}

const spanColumns = 23

func (p *projection) span(t *segment.Table, i int) {
	c := &p.stream
	ints := &t.Ints
	resource := &t.Resources[ints[segment.ColResource][i]]
	c.Begin(spanColumns)
	c.Timestamp(ints[segment.ColTime][i])
	c.Int8(ints[segment.ColTime][i])
	c.Int8(ints[segment.ColDuration][i])
	c.Bytes(t.TraceIDs[i][:])
	c.Bytes(t.SpanIDs[i][:])
	c.spanID(t.ParentIDs[i])
	c.Int8(resource.ServiceID)
	c.Int8(p.operations.of(i).id)
	c.Int8(resource.ID)
	c.Int8(t.Scopes[ints[segment.ColScope][i]].ID)
	c.Int4(int32(uint32(ints[segment.ColFlags][i])))
	c.Int4(clamp32(ints[segment.ColDroppedAttributes][i]))
	c.Int4(clamp32(ints[segment.ColDroppedEvents][i]))
	c.Int4(clamp32(ints[segment.ColDroppedLinks][i]))
	c.Int2(clamp16(ints[segment.ColKind][i]))
	c.Int2(clamp16(ints[segment.ColStatus][i]))
	c.Text(string(t.Tenant))
	c.clean(t.Values[t.Texts[segment.TextConnection][i]].Raw)
	c.clean(t.Values[t.Texts[segment.TextStatusMessage][i]].Raw)
	c.clean(t.Values[t.Texts[segment.TextTraceState][i]].Raw)
	p.attributes(t.Attributes.Row(i))
	p.events(t, i)
	p.links(t, i)
}

const logColumns = 18

func (p *projection) log(t *segment.Table, i int) {
	c := &p.stream
	ints := &t.Ints
	resource := &t.Resources[ints[segment.ColResource][i]]
	c.Begin(logColumns)
	c.Timestamp(ints[segment.ColTime][i])
	c.Int8(ints[segment.ColTime][i])
	c.nonZero(ints[segment.ColObservedTime][i])
	c.traceID(t.TraceIDs[i])
	c.spanID(t.SpanIDs[i])
	c.Int8(resource.ServiceID)
	c.Int8(resource.ID)
	c.Int8(t.Scopes[ints[segment.ColScope][i]].ID)
	c.Int4(int32(uint32(ints[segment.ColFlags][i])))
	c.Int4(clamp32(ints[segment.ColDroppedAttributes][i]))
	c.Int2(clamp16(ints[segment.ColSeverity][i]))
	c.Text(string(t.Tenant))
	c.clean(t.Values[t.Texts[segment.TextConnection][i]].Raw)
	c.clean(t.Values[t.Texts[segment.TextSeverity][i]].Raw)
	c.clean(t.Values[t.Texts[segment.TextEventName][i]].Raw)
	switch id := t.Texts[segment.TextBody][i]; {
	case id == 0: // a record without a body
		c.Null()
		c.Null()
	case t.Values[id].Type == segment.String:
		m := c.Open()
		c.Buf = schema.AppendText(c.Buf, t.Values[id].Raw)
		c.Close(m)
		c.Null()
	default:
		c.Null()
		m := c.JSONB()
		c.Buf = p.json.appendAny(c.Buf, id)
		c.Close(m)
	}
	p.attributes(t.Attributes.Row(i))
}

const pointColumns = 26

func (p *projection) point(t *segment.Table, i int) {
	c := &p.stream
	ints := &t.Ints
	series := &t.Series[ints[segment.ColSeries][i]]
	kind := t.Metrics[series.Metric].Kind
	has := ints[segment.ColHas][i]
	histogram := kind == segment.Histogram || kind == segment.ExponentialHistogram
	exponential := kind == segment.ExponentialHistogram
	summary := kind == segment.Summary
	c.Begin(pointColumns)
	c.Timestamp(ints[segment.ColTime][i])
	c.Int8(ints[segment.ColTime][i])
	c.nonZero(ints[segment.ColStartTime][i])
	c.Int8(series.ID)
	c.Int8(t.Resources[series.Resource].ServiceID)
	c.int8If(has&segment.HasInt != 0, ints[segment.ColNumber], i)
	c.int8If(has&segment.HasDouble != 0, ints[segment.ColNumber], i)
	c.int8If(histogram || summary, ints[segment.ColCount], i)
	c.int8If(has&segment.HasSum != 0 || summary, ints[segment.ColSum], i)
	c.int8If(has&segment.HasMin != 0, ints[segment.ColMin], i)
	c.int8If(has&segment.HasMax != 0, ints[segment.ColMax], i)
	c.int8If(exponential, ints[segment.ColZeroCount], i)
	c.int8If(exponential, ints[segment.ColZeroThreshold], i)
	c.Int4(int32(uint32(ints[segment.ColFlags][i])))
	c.int4If(exponential, ints[segment.ColScale], i)
	c.int4If(exponential && has&segment.HasPositive != 0, ints[segment.ColPositiveOffset], i)
	c.int4If(exponential && has&segment.HasNegative != 0, ints[segment.ColNegativeOffset], i)
	c.Text(string(t.Tenant))
	c.clean(t.Values[t.Texts[segment.TextConnection][i]].Raw)
	if kind == segment.Histogram {
		c.littleEndianDoubles(t.Values[t.Texts[segment.TextBounds][i]].Raw)
		c.Int8s(t.Lists[segment.ListBucketCounts].Row(i))
	} else {
		c.Null()
		c.Null()
	}
	c.int8sIf(exponential && has&segment.HasPositive != 0, &t.Lists[segment.ListPositiveCounts], i)
	c.int8sIf(exponential && has&segment.HasNegative != 0, &t.Lists[segment.ListNegativeCounts], i)
	if summary {
		c.Doubles(t.Lists[segment.ListQuantiles].Row(i))
		c.Doubles(t.Lists[segment.ListQuantileValues].Row(i))
	} else {
		c.Null()
		c.Null()
	}
	p.exemplars(t, i)
}

// attributes writes an item's attributes; none is NULL.
func (p *projection) attributes(ids []segment.ValueID) {
	if len(ids) == 0 {
		p.stream.Null()
		return
	}
	m := p.stream.JSONB()
	p.stream.Buf = p.json.appendObject(p.stream.Buf, ids)
	p.stream.Close(m)
}

// The keys of the objects below stand in jsonb's order: shorter first, then bytewise.

func (p *projection) events(t *segment.Table, i int) {
	c := &p.stream
	e := &t.Events
	first, end := children(e, i)
	if first == end {
		c.Null()
		return
	}
	m := c.JSONB()
	for k := first; k < end; k++ {
		c.Buf = append(c.Buf, separator(k == first)...)
		c.Buf = append(c.Buf, `{"name":`...)
		c.Buf = appendString(c.Buf, t.Values[e.Texts[segment.TextName][k]].Raw)
		if ids := e.Attributes.Row(k); len(ids) > 0 {
			c.Buf = append(c.Buf, `,"attributes":`...)
			c.Buf = p.json.appendObject(c.Buf, ids)
		}
		c.Buf = append(c.Buf, `,"time_unix_nano":`...)
		c.Buf = strconv.AppendInt(c.Buf, e.Ints[segment.ColTime][k], 10)
		c.Buf = appendDropped(c.Buf, e.Ints[segment.ColDroppedAttributes][k])
		c.Buf = append(c.Buf, '}')
	}
	c.Buf = append(c.Buf, ']')
	c.Close(m)
}

func (p *projection) links(t *segment.Table, i int) {
	c := &p.stream
	l := &t.Links
	first, end := children(l, i)
	if first == end {
		c.Null()
		return
	}
	m := c.JSONB()
	for k := first; k < end; k++ {
		c.Buf = append(c.Buf, separator(k == first)...)
		c.Buf = append(c.Buf, '{')
		if flags := uint32(l.Ints[segment.ColFlags][k]); flags != 0 {
			c.Buf = append(c.Buf, `"flags":`...)
			c.Buf = strconv.AppendUint(c.Buf, uint64(flags), 10)
			c.Buf = append(c.Buf, ',')
		}
		c.Buf = append(c.Buf, `"span_id":"`...)
		c.Buf = hex.AppendEncode(c.Buf, l.SpanIDs[k][:])
		c.Buf = append(c.Buf, `","trace_id":"`...)
		c.Buf = hex.AppendEncode(c.Buf, l.TraceIDs[k][:])
		c.Buf = append(c.Buf, '"')
		if ids := l.Attributes.Row(k); len(ids) > 0 {
			c.Buf = append(c.Buf, `,"attributes":`...)
			c.Buf = p.json.appendObject(c.Buf, ids)
		}
		if state := l.Texts[segment.TextTraceState][k]; state != 0 {
			c.Buf = append(c.Buf, `,"trace_state":`...)
			c.Buf = appendString(c.Buf, t.Values[state].Raw)
		}
		c.Buf = appendDropped(c.Buf, l.Ints[segment.ColDroppedAttributes][k])
		c.Buf = append(c.Buf, '}')
	}
	c.Buf = append(c.Buf, ']')
	c.Close(m)
}

func (p *projection) exemplars(t *segment.Table, i int) {
	c := &p.stream
	e := &t.Exemplars
	first, end := children(e, i)
	if first == end {
		c.Null()
		return
	}
	m := c.JSONB()
	for k := first; k < end; k++ {
		c.Buf = append(c.Buf, separator(k == first)...)
		c.Buf = append(c.Buf, '{')
		switch has := e.Ints[segment.ColHas][k]; {
		case has&segment.HasInt != 0:
			c.Buf = append(c.Buf, `"value":`...)
			c.Buf = strconv.AppendInt(c.Buf, e.Ints[segment.ColNumber][k], 10)
			c.Buf = append(c.Buf, ',')
		case has&segment.HasDouble != 0:
			c.Buf = append(c.Buf, `"value":`...)
			c.Buf = appendDouble(c.Buf, math.Float64frombits(uint64(e.Ints[segment.ColNumber][k])))
			c.Buf = append(c.Buf, ',')
		}
		if id := e.SpanIDs[k]; id != [8]byte{} {
			c.Buf = append(c.Buf, `"span_id":"`...)
			c.Buf = hex.AppendEncode(c.Buf, id[:])
			c.Buf = append(c.Buf, `",`...)
		}
		if id := e.TraceIDs[k]; id != [16]byte{} {
			c.Buf = append(c.Buf, `"trace_id":"`...)
			c.Buf = hex.AppendEncode(c.Buf, id[:])
			c.Buf = append(c.Buf, `",`...)
		}
		if ids := e.Attributes.Row(k); len(ids) > 0 {
			c.Buf = append(c.Buf, `"attributes":`...)
			c.Buf = p.json.appendObject(c.Buf, ids)
			c.Buf = append(c.Buf, ',')
		}
		c.Buf = append(c.Buf, `"time_unix_nano":`...)
		c.Buf = strconv.AppendInt(c.Buf, e.Ints[segment.ColTime][k], 10)
		c.Buf = append(c.Buf, '}')
	}
	c.Buf = append(c.Buf, ']')
	c.Close(m)
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

func (c *factStream) nonZero(v int64) { c.int8If(v != 0, []int64{v}, 0) }

func (c *factStream) int8If(present bool, column []int64, i int) {
	if !present || len(column) <= i {
		c.Null()
		return
	}
	c.Int8(column[i])
}

func (c *factStream) int4If(present bool, column []int64, i int) {
	if !present || len(column) <= i {
		c.Null()
		return
	}
	c.Int4(int32(column[i]))
}

func (c *factStream) int8sIf(present bool, list *segment.IntList, i int) {
	if !present || len(list.Offsets) <= i+1 {
		c.Null()
		return
	}
	c.Int8s(list.Row(i))
}

func (c *factStream) traceID(id [16]byte) {
	if id == [16]byte{} {
		c.Null()
		return
	}
	c.Bytes(id[:])
}

// spanID writes eight bytes as the bigint that they are in big endian.
func (c *factStream) spanID(id [8]byte) {
	if id == [8]byte{} {
		c.Null()
		return
	}
	c.Bytes(id[:])
}

// clean writes a text of unknown content; empty is NULL.
func (c *factStream) clean(raw []byte) {
	if len(raw) == 0 {
		c.Null()
		return
	}
	m := c.Open()
	c.Buf = schema.AppendText(c.Buf, raw)
	c.Close(m)
}

// littleEndianDoubles writes a float8[] given as the bytes of its doubles.
func (c *factStream) littleEndianDoubles(raw []byte) {
	m := c.Array(pgcopy.OIDFloat8, len(raw)/8, 1)
	for ; len(raw) >= 8; raw = raw[8:] {
		c.Int8(int64(binary.LittleEndian.Uint64(raw)))
	}
	c.Close(m)
}

func clamp16(v int64) int16 { return int16(max(math.MinInt16, min(math.MaxInt16, v))) }

func clamp32(v int64) int32 { return int32(max(math.MinInt32, min(math.MaxInt32, v))) }
