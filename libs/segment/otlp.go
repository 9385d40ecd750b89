package segment

import (
	"encoding/binary"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// backward writes protobuf from the end of a message to its beginning, so that a nested message's length is known when its prefix is
// due: one pass, no sizes computed ahead.
type backward struct {
	b  []byte
	at int // b[at:] is written
}

func (w *backward) room(n int) {
	if w.at >= n {
		return
	}
	grown := make([]byte, 2*len(w.b)+n+1024)
	at := len(grown) - (len(w.b) - w.at)
	copy(grown[at:], w.b[w.at:])
	w.b, w.at = grown, at
}

func (w *backward) raw(p []byte) {
	w.room(len(p))
	w.at -= len(p)
	copy(w.b[w.at:], p)
}

func (w *backward) str(p string) {
	w.room(len(p))
	w.at -= len(p)
	copy(w.b[w.at:], p)
}

func (w *backward) varint(v uint64) {
	n := otlp.UvarintLen(v)
	w.room(n)
	w.at -= n
	binary.PutUvarint(w.b[w.at:], v)
}

func (w *backward) fixed64(v uint64) {
	w.room(8)
	w.at -= 8
	binary.LittleEndian.PutUint64(w.b[w.at:], v)
}

func (w *backward) tag(field otlp.Tag) { w.varint(uint64(field)) }

// mark is where a nested message ends; end writes its length and tag.
func (w *backward) mark() int { return len(w.b) - w.at }

func (w *backward) end(field otlp.Tag, mark int) {
	w.varint(uint64(w.mark() - mark))
	w.tag(field)
}

// The scalar fields leave out zero, as proto3 does.

func (w *backward) varintField(field otlp.Tag, v uint64) {
	if v != 0 {
		w.varint(v)
		w.tag(field)
	}
}

func (w *backward) fixed64Field(field otlp.Tag, v uint64) {
	if v != 0 {
		w.always64(field, v)
	}
}

func (w *backward) always64(field otlp.Tag, v uint64) {
	w.fixed64(v)
	w.tag(field)
}

func (w *backward) fixed32Field(field otlp.Tag, v uint32) {
	if v != 0 {
		w.room(4)
		w.at -= 4
		binary.LittleEndian.PutUint32(w.b[w.at:], v)
		w.tag(field)
	}
}

func (w *backward) bytesField(field otlp.Tag, p []byte) {
	if len(p) != 0 {
		w.alwaysBytes(field, p)
	}
}

func (w *backward) alwaysBytes(field otlp.Tag, p []byte) {
	w.raw(p)
	w.varint(uint64(len(p)))
	w.tag(field)
}

func (w *backward) strField(field otlp.Tag, p string) {
	if len(p) != 0 {
		w.str(p)
		w.varint(uint64(len(p)))
		w.tag(field)
	}
}

func (w *backward) traceID(field otlp.Tag, id *[16]byte) {
	if *id != [16]byte{} {
		w.alwaysBytes(field, id[:])
	}
}

func (w *backward) spanID(field otlp.Tag, id *[8]byte) {
	if *id != [8]byte{} {
		w.alwaysBytes(field, id[:])
	}
}

// anyValue writes the content of an AnyValue.
func (w *backward) anyValue(v *Value) {
	switch v.Type {
	case Empty:
	case String:
		w.alwaysBytes(otlp.AnyValueStringValue, v.Raw)
	case Bool:
		w.varint(v.Num)
		w.tag(otlp.AnyValueBoolValue)
	case Int:
		w.varint(v.Num)
		w.tag(otlp.AnyValueIntValue)
	case Double:
		w.always64(otlp.AnyValueDoubleValue, v.Num)
	case Bytes:
		w.alwaysBytes(otlp.AnyValueBytesValue, v.Raw)
	case Array:
		w.alwaysBytes(otlp.AnyValueArrayValue, v.Raw)
	case Map:
		w.alwaysBytes(otlp.AnyValueKvlistValue, v.Raw)
	}
}

func (w *backward) attributes(field otlp.Tag, p *Pool, ids []ValueID) {
	for i := len(ids) - 1; i >= 0; i-- {
		v := &p.Values[ids[i]]
		pair := w.mark()
		m := w.mark()
		w.anyValue(v)
		w.end(otlp.KeyValueValue, m)
		w.strField(otlp.KeyValueKey, p.Keys[v.Key])
		w.end(field, pair)
	}
}

// group is what OTLP nests items in: consecutive in the answer, in order of first appearance.
type group struct {
	resource, scope, metric uint32
	rows                    []uint32
}

// OTLP builds the Export…ServiceRequest protobuf of the given rows (all of them when rows is nil), grouped by resource and scope
// (metrics: and by metric) in order of first appearance. Needs a table read with WantAll.
func (t *Table) OTLP(rows []uint32) []byte {
	if rows == nil {
		rows = make([]uint32, t.N)
		for i := range rows {
			rows[i] = uint32(i)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	resources := t.groups(rows)
	w := &backward{}
	w.room(len(rows) * 300)
	for i := len(resources) - 1; i >= 0; i-- {
		scopes := resources[i]
		top := w.mark()
		r := &t.Resources[scopes[0][0].resource]
		w.strField(otlp.ResourceItemsSchemaURL, r.SchemaURL)
		for j := len(scopes) - 1; j >= 0; j-- {
			m := w.mark()
			t.writeScope(w, scopes[j])
			w.end(otlp.ResourceItemsScopeItems, m)
		}
		m := w.mark()
		for k := len(r.EntityRefs) - 1; k >= 0; k-- {
			w.alwaysBytes(otlp.ResourceEntityRefs, r.EntityRefs[k])
		}
		w.varintField(otlp.ResourceDroppedAttributesCount, uint64(r.Dropped))
		w.attributes(otlp.ResourceAttributes, &t.Pool, r.Attributes)
		w.end(otlp.ResourceItemsResource, m)
		w.end(otlp.ExportResourceItems, top)
	}
	return w.b[w.at:]
}

// groups nests rows: per resource, per scope, per metric.
func (t *Table) groups(rows []uint32) [][][]group {
	var out [][][]group
	atResource := map[uint32]int{}
	atScope := map[[2]uint32]int{}
	atMetric := map[[3]uint32]int{}
	for _, row := range rows {
		var g group
		if t.Signal == telemetry.Metrics {
			s := &t.Series[t.Ints[ColSeries][row]]
			g = group{resource: s.Resource, scope: s.Scope, metric: s.Metric}
		} else {
			g = group{resource: uint32(t.Ints[ColResource][row]), scope: uint32(t.Ints[ColScope][row])}
		}
		r, ok := atResource[g.resource]
		if !ok {
			r = len(out)
			atResource[g.resource] = r
			out = append(out, nil)
		}
		s, ok := atScope[[2]uint32{g.resource, g.scope}]
		if !ok {
			s = len(out[r])
			atScope[[2]uint32{g.resource, g.scope}] = s
			out[r] = append(out[r], nil)
		}
		m, ok := atMetric[[3]uint32{g.resource, g.scope, g.metric}]
		if !ok {
			m = len(out[r][s])
			atMetric[[3]uint32{g.resource, g.scope, g.metric}] = m
			out[r][s] = append(out[r][s], g)
		}
		out[r][s][m].rows = append(out[r][s][m].rows, row)
	}
	return out
}

func (t *Table) writeScope(w *backward, metrics []group) {
	s := &t.Scopes[metrics[0].scope]
	w.strField(otlp.ScopeItemsSchemaURL, s.SchemaURL)
	for i := len(metrics) - 1; i >= 0; i-- {
		g := &metrics[i]
		if t.Signal == telemetry.Metrics {
			m := w.mark()
			t.writeMetric(w, &t.Metrics[g.metric], g.rows)
			w.end(otlp.ScopeItemsItems, m)
			continue
		}
		for j := len(g.rows) - 1; j >= 0; j-- {
			m := w.mark()
			if t.Signal == telemetry.Traces {
				t.writeSpan(w, int(g.rows[j]))
			} else {
				t.writeLog(w, int(g.rows[j]))
			}
			w.end(otlp.ScopeItemsItems, m)
		}
	}
	m := w.mark()
	w.varintField(otlp.InstrumentationScopeDroppedAttributesCount, uint64(s.Dropped))
	w.attributes(otlp.InstrumentationScopeAttributes, &t.Pool, s.Attributes)
	w.strField(otlp.InstrumentationScopeVersion, s.Version)
	w.strField(otlp.InstrumentationScopeName, s.Name)
	w.end(otlp.ScopeItemsScope, m)
}

func (t *Table) writeSpan(w *backward, i int) {
	in := &t.Ints
	w.fixed32Field(otlp.SpanFlags, uint32(in[ColFlags][i]))
	m := w.mark()
	w.varintField(otlp.StatusCode, uint64(in[ColStatus][i]))
	w.bytesField(otlp.StatusMessage, t.Values[t.Texts[TextStatusMessage][i]].Raw)
	if w.mark() > m {
		w.end(otlp.SpanStatus, m)
	}
	w.varintField(otlp.SpanDroppedLinksCount, uint64(in[ColDroppedLinks][i]))
	for j := int(t.Links.Offsets[i+1]) - 1; j >= int(t.Links.Offsets[i]); j-- {
		l := &t.Links.Rows
		m := w.mark()
		w.fixed32Field(otlp.LinkFlags, uint32(l.Ints[ColFlags][j]))
		w.varintField(otlp.LinkDroppedAttributesCount, uint64(l.Ints[ColDroppedAttributes][j]))
		w.attributes(otlp.LinkAttributes, &t.Pool, l.Attributes.Row(j))
		w.bytesField(otlp.LinkTraceState, t.Values[l.Texts[TextTraceState][j]].Raw)
		w.spanID(otlp.LinkSpanID, &l.SpanIDs[j])
		w.traceID(otlp.LinkTraceID, &l.TraceIDs[j])
		w.end(otlp.SpanLinks, m)
	}
	w.varintField(otlp.SpanDroppedEventsCount, uint64(in[ColDroppedEvents][i]))
	for j := int(t.Events.Offsets[i+1]) - 1; j >= int(t.Events.Offsets[i]); j-- {
		e := &t.Events.Rows
		m := w.mark()
		w.varintField(otlp.EventDroppedAttributesCount, uint64(e.Ints[ColDroppedAttributes][j]))
		w.attributes(otlp.EventAttributes, &t.Pool, e.Attributes.Row(j))
		w.bytesField(otlp.EventName, t.Values[e.Texts[TextName][j]].Raw)
		w.fixed64Field(otlp.EventTimeUnixNano, uint64(e.Ints[ColTime][j]))
		w.end(otlp.SpanEvents, m)
	}
	w.varintField(otlp.SpanDroppedAttributesCount, uint64(in[ColDroppedAttributes][i]))
	w.attributes(otlp.SpanAttributes, &t.Pool, t.Attributes.Row(i))
	w.fixed64Field(otlp.SpanEndTimeUnixNano, uint64(in[ColTime][i]+in[ColDuration][i]))
	w.fixed64Field(otlp.SpanStartTimeUnixNano, uint64(in[ColTime][i]))
	w.varintField(otlp.SpanKind, uint64(in[ColKind][i]))
	w.bytesField(otlp.SpanName, t.Values[t.Texts[TextName][i]].Raw)
	w.spanID(otlp.SpanParentSpanID, &t.ParentIDs[i])
	w.bytesField(otlp.SpanTraceState, t.Values[t.Texts[TextTraceState][i]].Raw)
	w.spanID(otlp.SpanSpanID, &t.SpanIDs[i])
	w.traceID(otlp.SpanTraceID, &t.TraceIDs[i])
}

func (t *Table) writeLog(w *backward, i int) {
	in := &t.Ints
	w.bytesField(otlp.LogRecordEventName, t.Values[t.Texts[TextEventName][i]].Raw)
	w.fixed64Field(otlp.LogRecordObservedTimeUnixNano, uint64(in[ColObservedTime][i]))
	w.spanID(otlp.LogRecordSpanID, &t.SpanIDs[i])
	w.traceID(otlp.LogRecordTraceID, &t.TraceIDs[i])
	w.fixed32Field(otlp.LogRecordFlags, uint32(in[ColFlags][i]))
	w.varintField(otlp.LogRecordDroppedAttributesCount, uint64(in[ColDroppedAttributes][i]))
	w.attributes(otlp.LogRecordAttributes, &t.Pool, t.Attributes.Row(i))
	if id := t.Texts[TextBody][i]; id != 0 {
		m := w.mark()
		w.anyValue(&t.Values[id])
		w.end(otlp.LogRecordBody, m)
	}
	w.bytesField(otlp.LogRecordSeverityText, t.Values[t.Texts[TextSeverity][i]].Raw)
	if in[ColHas][i]&HasDerivedSeverity == 0 {
		w.varintField(otlp.LogRecordSeverityNumber, uint64(in[ColSeverity][i]))
	}
	if in[ColHas][i]&HasObserved == 0 {
		w.fixed64Field(otlp.LogRecordTimeUnixNano, uint64(in[ColTime][i]))
	}
}

func (t *Table) writeMetric(w *backward, m *Metric, rows []uint32) {
	w.attributes(otlp.MetricMetadata, &t.Pool, m.Metadata)
	data := w.mark()
	if m.Kind == Sum && m.Monotonic {
		w.varintField(otlp.DataIsMonotonic, 1)
	}
	if m.Kind.Fields().Has(otlp.DataAggregationTemporality) {
		w.varintField(otlp.DataAggregationTemporality, uint64(m.Temporality))
	}
	for i := len(rows) - 1; i >= 0; i-- {
		p := w.mark()
		t.writePoint(w, m.Kind, int(rows[i]))
		w.end(otlp.DataPoints, p)
	}
	w.end(m.Kind.Tag(), data)
	w.strField(otlp.MetricUnit, m.Unit)
	w.strField(otlp.MetricDescription, m.Description)
	w.strField(otlp.MetricName, m.Name)
}

func (t *Table) writePoint(w *backward, kind MetricKind, i int) {
	in := &t.Ints
	has := in[ColHas][i]
	attrs := t.Series[in[ColSeries][i]].Attributes
	flags := uint64(in[ColFlags][i])
	double := func(field otlp.Tag, c Column, bit int64) {
		if has&bit != 0 {
			w.always64(field, uint64(in[c][i]))
		}
	}
	times := func() { // these have one number in all kinds of points
		w.fixed64Field(otlp.NumberDataPointTimeUnixNano, uint64(in[ColTime][i]))
		w.fixed64Field(otlp.NumberDataPointStartTimeUnixNano, uint64(in[ColStartTime][i]))
	}
	switch kind {
	case Gauge, Sum:
		w.varintField(otlp.NumberDataPointFlags, flags)
		w.attributes(otlp.NumberDataPointAttributes, &t.Pool, attrs)
		double(otlp.NumberDataPointAsInt, ColNumber, HasInt)
		t.writeExemplars(w, otlp.NumberDataPointExemplars, i)
		double(otlp.NumberDataPointAsDouble, ColNumber, HasDouble)
		times()
	case Histogram:
		double(otlp.HistogramDataPointMax, ColMax, HasMax)
		double(otlp.HistogramDataPointMin, ColMin, HasMin)
		w.varintField(otlp.HistogramDataPointFlags, flags)
		w.attributes(otlp.HistogramDataPointAttributes, &t.Pool, attrs)
		t.writeExemplars(w, otlp.HistogramDataPointExemplars, i)
		w.bytesField(otlp.HistogramDataPointExplicitBounds, t.Values[t.Texts[TextBounds][i]].Raw)
		if counts := t.Lists[ListBucketCounts].Row(i); len(counts) > 0 {
			m := w.mark()
			for j := len(counts) - 1; j >= 0; j-- {
				w.fixed64(uint64(counts[j]))
			}
			w.end(otlp.HistogramDataPointBucketCounts, m)
		}
		double(otlp.HistogramDataPointSum, ColSum, HasSum)
		w.fixed64Field(otlp.HistogramDataPointCount, uint64(in[ColCount][i]))
		times()
	case ExponentialHistogram:
		w.fixed64Field(otlp.ExponentialHistogramDataPointZeroThreshold, uint64(in[ColZeroThreshold][i]))
		double(otlp.ExponentialHistogramDataPointMax, ColMax, HasMax)
		double(otlp.ExponentialHistogramDataPointMin, ColMin, HasMin)
		t.writeExemplars(w, otlp.ExponentialHistogramDataPointExemplars, i)
		w.varintField(otlp.ExponentialHistogramDataPointFlags, flags)
		if has&HasNegative != 0 {
			writeBuckets(w, otlp.ExponentialHistogramDataPointNegative, in[ColNegativeOffset][i], t.Lists[ListNegativeCounts].Row(i))
		}
		if has&HasPositive != 0 {
			writeBuckets(w, otlp.ExponentialHistogramDataPointPositive, in[ColPositiveOffset][i], t.Lists[ListPositiveCounts].Row(i))
		}
		w.fixed64Field(otlp.ExponentialHistogramDataPointZeroCount, uint64(in[ColZeroCount][i]))
		w.varintField(otlp.ExponentialHistogramDataPointScale, otlp.FromSint32(int32(in[ColScale][i])))
		double(otlp.ExponentialHistogramDataPointSum, ColSum, HasSum)
		w.fixed64Field(otlp.ExponentialHistogramDataPointCount, uint64(in[ColCount][i]))
		times()
		w.attributes(otlp.ExponentialHistogramDataPointAttributes, &t.Pool, attrs)
	case Summary:
		w.varintField(otlp.SummaryDataPointFlags, flags)
		w.attributes(otlp.SummaryDataPointAttributes, &t.Pool, attrs)
		q, v := t.Lists[ListQuantiles].Row(i), t.Lists[ListQuantileValues].Row(i)
		for j := len(q) - 1; j >= 0; j-- {
			m := w.mark()
			w.fixed64Field(otlp.ValueAtQuantileValue, uint64(v[j]))
			w.fixed64Field(otlp.ValueAtQuantileQuantile, uint64(q[j]))
			w.end(otlp.SummaryDataPointQuantileValues, m)
		}
		w.fixed64Field(otlp.SummaryDataPointSum, uint64(in[ColSum][i]))
		w.fixed64Field(otlp.SummaryDataPointCount, uint64(in[ColCount][i]))
		times()
	}
}

func writeBuckets(w *backward, field otlp.Tag, offset int64, counts []int64) {
	m := w.mark()
	if len(counts) > 0 {
		packed := w.mark()
		for j := len(counts) - 1; j >= 0; j-- {
			w.varint(uint64(counts[j]))
		}
		w.end(otlp.BucketsBucketCounts, packed)
	}
	w.varintField(otlp.BucketsOffset, otlp.FromSint32(int32(offset)))
	w.end(field, m)
}

func (t *Table) writeExemplars(w *backward, field otlp.Tag, i int) {
	r := &t.Exemplars.Rows
	for j := int(t.Exemplars.Offsets[i+1]) - 1; j >= int(t.Exemplars.Offsets[i]); j-- {
		m := w.mark()
		w.attributes(otlp.ExemplarFilteredAttributes, &t.Pool, r.Attributes.Row(j))
		if r.Ints[ColHas][j]&HasInt != 0 {
			w.always64(otlp.ExemplarAsInt, uint64(r.Ints[ColNumber][j]))
		}
		w.traceID(otlp.ExemplarTraceID, &r.TraceIDs[j])
		w.spanID(otlp.ExemplarSpanID, &r.SpanIDs[j])
		if r.Ints[ColHas][j]&HasDouble != 0 {
			w.always64(otlp.ExemplarAsDouble, uint64(r.Ints[ColNumber][j]))
		}
		w.fixed64Field(otlp.ExemplarTimeUnixNano, uint64(r.Ints[ColTime][j]))
		w.end(field, m)
	}
}
