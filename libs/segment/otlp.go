package segment

import (
	"encoding/binary"
	"math/bits"

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
	n := (bits.Len64(v|1) + 6) / 7
	w.room(n)
	w.at -= n
	binary.PutUvarint(w.b[w.at:], v)
}

func (w *backward) fixed64(v uint64) {
	w.room(8)
	w.at -= 8
	binary.LittleEndian.PutUint64(w.b[w.at:], v)
}

func (w *backward) tag(field, wire uint64) { w.varint(field<<3 | wire) }

// mark is where a nested message ends; end writes its length and tag.
func (w *backward) mark() int { return len(w.b) - w.at }

func (w *backward) end(field uint64, mark int) {
	w.varint(uint64(w.mark() - mark))
	w.tag(field, wireLen)
}

// The scalar fields leave out zero, as proto3 does.

func (w *backward) varintField(field, v uint64) {
	if v != 0 {
		w.varint(v)
		w.tag(field, wireVarint)
	}
}

func (w *backward) fixed64Field(field, v uint64) {
	if v != 0 {
		w.always64(field, v)
	}
}

func (w *backward) always64(field, v uint64) {
	w.fixed64(v)
	w.tag(field, wireI64)
}

func (w *backward) fixed32Field(field uint64, v uint32) {
	if v != 0 {
		w.room(4)
		w.at -= 4
		binary.LittleEndian.PutUint32(w.b[w.at:], v)
		w.tag(field, wireI32)
	}
}

func (w *backward) bytesField(field uint64, p []byte) {
	if len(p) != 0 {
		w.alwaysBytes(field, p)
	}
}

func (w *backward) alwaysBytes(field uint64, p []byte) {
	w.raw(p)
	w.varint(uint64(len(p)))
	w.tag(field, wireLen)
}

func (w *backward) strField(field uint64, p string) {
	if len(p) != 0 {
		w.str(p)
		w.varint(uint64(len(p)))
		w.tag(field, wireLen)
	}
}

func (w *backward) traceID(field uint64, id *[16]byte) {
	if *id != [16]byte{} {
		w.alwaysBytes(field, id[:])
	}
}

func (w *backward) spanID(field uint64, id *[8]byte) {
	if *id != [8]byte{} {
		w.alwaysBytes(field, id[:])
	}
}

// anyValue writes the content of an AnyValue.
func (w *backward) anyValue(v *Value) {
	switch v.Type {
	case Empty:
	case String:
		w.alwaysBytes(1, v.Raw)
	case Bool:
		w.varint(v.Num)
		w.tag(2, wireVarint)
	case Int:
		w.varint(v.Num)
		w.tag(3, wireVarint)
	case Double:
		w.always64(4, v.Num)
	case Bytes:
		w.alwaysBytes(7, v.Raw)
	case Array:
		w.alwaysBytes(5, v.Raw)
	case Map:
		w.alwaysBytes(6, v.Raw)
	}
}

func (w *backward) attributes(field uint64, p *Pool, ids []ValueID) {
	for i := len(ids) - 1; i >= 0; i-- {
		v := &p.Values[ids[i]]
		pair := w.mark()
		m := w.mark()
		w.anyValue(v)
		w.end(2, m)
		w.strField(1, p.Keys[v.Key])
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
		w.strField(3, r.SchemaURL)
		for j := len(scopes) - 1; j >= 0; j-- {
			m := w.mark()
			t.writeScope(w, scopes[j])
			w.end(2, m)
		}
		m := w.mark()
		for k := len(r.EntityRefs) - 1; k >= 0; k-- {
			w.alwaysBytes(3, r.EntityRefs[k])
		}
		w.varintField(2, uint64(r.Dropped))
		w.attributes(1, &t.Pool, r.Attributes)
		w.end(1, m)
		w.end(1, top)
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
	w.strField(3, s.SchemaURL)
	for i := len(metrics) - 1; i >= 0; i-- {
		g := &metrics[i]
		if t.Signal == telemetry.Metrics {
			m := w.mark()
			t.writeMetric(w, &t.Metrics[g.metric], g.rows)
			w.end(2, m)
			continue
		}
		for j := len(g.rows) - 1; j >= 0; j-- {
			m := w.mark()
			if t.Signal == telemetry.Traces {
				t.writeSpan(w, int(g.rows[j]))
			} else {
				t.writeLog(w, int(g.rows[j]))
			}
			w.end(2, m)
		}
	}
	m := w.mark()
	w.varintField(4, uint64(s.Dropped))
	w.attributes(3, &t.Pool, s.Attributes)
	w.strField(2, s.Version)
	w.strField(1, s.Name)
	w.end(1, m)
}

func (t *Table) writeSpan(w *backward, i int) {
	in := &t.Ints
	w.fixed32Field(16, uint32(in[ColFlags][i]))
	m := w.mark()
	w.varintField(3, uint64(in[ColStatus][i]))
	w.bytesField(2, t.Values[t.Texts[TextStatusMessage][i]].Raw)
	if w.mark() > m {
		w.end(15, m)
	}
	w.varintField(14, uint64(in[ColDroppedLinks][i]))
	for j := int(t.Links.Offsets[i+1]) - 1; j >= int(t.Links.Offsets[i]); j-- {
		l := &t.Links.Rows
		m := w.mark()
		w.fixed32Field(6, uint32(l.Ints[ColFlags][j]))
		w.varintField(5, uint64(l.Ints[ColDroppedAttributes][j]))
		w.attributes(4, &t.Pool, l.Attributes.Row(j))
		w.bytesField(3, t.Values[l.Texts[TextTraceState][j]].Raw)
		w.spanID(2, &l.SpanIDs[j])
		w.traceID(1, &l.TraceIDs[j])
		w.end(13, m)
	}
	w.varintField(12, uint64(in[ColDroppedEvents][i]))
	for j := int(t.Events.Offsets[i+1]) - 1; j >= int(t.Events.Offsets[i]); j-- {
		e := &t.Events.Rows
		m := w.mark()
		w.varintField(4, uint64(e.Ints[ColDroppedAttributes][j]))
		w.attributes(3, &t.Pool, e.Attributes.Row(j))
		w.bytesField(2, t.Values[e.Texts[TextName][j]].Raw)
		w.fixed64Field(1, uint64(e.Ints[ColTime][j]))
		w.end(11, m)
	}
	w.varintField(10, uint64(in[ColDroppedAttributes][i]))
	w.attributes(9, &t.Pool, t.Attributes.Row(i))
	w.fixed64Field(8, uint64(in[ColTime][i]+in[ColDuration][i]))
	w.fixed64Field(7, uint64(in[ColTime][i]))
	w.varintField(6, uint64(in[ColKind][i]))
	w.bytesField(5, t.Values[t.Texts[TextName][i]].Raw)
	w.spanID(4, &t.ParentIDs[i])
	w.bytesField(3, t.Values[t.Texts[TextTraceState][i]].Raw)
	w.spanID(2, &t.SpanIDs[i])
	w.traceID(1, &t.TraceIDs[i])
}

func (t *Table) writeLog(w *backward, i int) {
	in := &t.Ints
	w.bytesField(12, t.Values[t.Texts[TextEventName][i]].Raw)
	w.fixed64Field(11, uint64(in[ColObservedTime][i]))
	w.spanID(10, &t.SpanIDs[i])
	w.traceID(9, &t.TraceIDs[i])
	w.fixed32Field(8, uint32(in[ColFlags][i]))
	w.varintField(7, uint64(in[ColDroppedAttributes][i]))
	w.attributes(6, &t.Pool, t.Attributes.Row(i))
	if id := t.Texts[TextBody][i]; id != 0 {
		m := w.mark()
		w.anyValue(&t.Values[id])
		w.end(5, m)
	}
	w.bytesField(3, t.Values[t.Texts[TextSeverity][i]].Raw)
	w.varintField(2, uint64(in[ColSeverity][i]))
	if in[ColHas][i]&HasObserved == 0 {
		w.fixed64Field(1, uint64(in[ColTime][i]))
	}
}

func (t *Table) writeMetric(w *backward, m *Metric, rows []uint32) {
	w.attributes(12, &t.Pool, m.Metadata)
	data := w.mark()
	if m.Kind == Sum && m.Monotonic {
		w.varintField(3, 1)
	}
	if m.Kind == Sum || m.Kind == Histogram || m.Kind == ExponentialHistogram {
		w.varintField(2, uint64(m.Temporality))
	}
	for i := len(rows) - 1; i >= 0; i-- {
		p := w.mark()
		t.writePoint(w, m.Kind, int(rows[i]))
		w.end(1, p)
	}
	switch m.Kind {
	case Gauge:
		w.end(5, data)
	case Sum:
		w.end(7, data)
	case Histogram:
		w.end(9, data)
	case ExponentialHistogram:
		w.end(10, data)
	case Summary:
		w.end(11, data)
	}
	w.strField(3, m.Unit)
	w.strField(2, m.Description)
	w.strField(1, m.Name)
}

func (t *Table) writePoint(w *backward, kind MetricKind, i int) {
	in := &t.Ints
	has := in[ColHas][i]
	attrs := t.Series[in[ColSeries][i]].Attributes
	flags := uint64(in[ColFlags][i])
	double := func(field uint64, c Column, bit int64) {
		if has&bit != 0 {
			w.always64(field, uint64(in[c][i]))
		}
	}
	times := func() {
		w.fixed64Field(3, uint64(in[ColTime][i]))
		w.fixed64Field(2, uint64(in[ColStartTime][i]))
	}
	switch kind {
	case Gauge, Sum:
		w.varintField(8, flags)
		w.attributes(7, &t.Pool, attrs)
		double(6, ColNumber, HasInt)
		t.writeExemplars(w, 5, i)
		double(4, ColNumber, HasDouble)
		times()
	case Histogram:
		double(12, ColMax, HasMax)
		double(11, ColMin, HasMin)
		w.varintField(10, flags)
		w.attributes(9, &t.Pool, attrs)
		t.writeExemplars(w, 8, i)
		w.bytesField(7, t.Values[t.Texts[TextBounds][i]].Raw)
		if counts := t.Lists[ListBucketCounts].Row(i); len(counts) > 0 {
			m := w.mark()
			for j := len(counts) - 1; j >= 0; j-- {
				w.fixed64(uint64(counts[j]))
			}
			w.end(6, m)
		}
		double(5, ColSum, HasSum)
		w.fixed64Field(4, uint64(in[ColCount][i]))
		times()
	case ExponentialHistogram:
		w.fixed64Field(14, uint64(in[ColZeroThreshold][i]))
		double(13, ColMax, HasMax)
		double(12, ColMin, HasMin)
		t.writeExemplars(w, 11, i)
		w.varintField(10, flags)
		if has&HasNegative != 0 {
			writeBuckets(w, 9, in[ColNegativeOffset][i], t.Lists[ListNegativeCounts].Row(i))
		}
		if has&HasPositive != 0 {
			writeBuckets(w, 8, in[ColPositiveOffset][i], t.Lists[ListPositiveCounts].Row(i))
		}
		w.fixed64Field(7, uint64(in[ColZeroCount][i]))
		w.varintField(6, uint64(uint32(zigzag(in[ColScale][i]))))
		double(5, ColSum, HasSum)
		w.fixed64Field(4, uint64(in[ColCount][i]))
		times()
		w.attributes(1, &t.Pool, attrs)
	case Summary:
		w.varintField(8, flags)
		w.attributes(7, &t.Pool, attrs)
		q, v := t.Lists[ListQuantiles].Row(i), t.Lists[ListQuantileValues].Row(i)
		for j := len(q) - 1; j >= 0; j-- {
			m := w.mark()
			w.fixed64Field(2, uint64(v[j]))
			w.fixed64Field(1, uint64(q[j]))
			w.end(6, m)
		}
		w.fixed64Field(5, uint64(in[ColSum][i]))
		w.fixed64Field(4, uint64(in[ColCount][i]))
		times()
	}
}

func writeBuckets(w *backward, field uint64, offset int64, counts []int64) {
	m := w.mark()
	if len(counts) > 0 {
		packed := w.mark()
		for j := len(counts) - 1; j >= 0; j-- {
			w.varint(uint64(counts[j]))
		}
		w.end(2, packed)
	}
	w.varintField(1, uint64(uint32(zigzag(offset))))
	w.end(field, m)
}

func (t *Table) writeExemplars(w *backward, field uint64, i int) {
	r := &t.Exemplars.Rows
	for j := int(t.Exemplars.Offsets[i+1]) - 1; j >= int(t.Exemplars.Offsets[i]); j-- {
		m := w.mark()
		w.attributes(7, &t.Pool, r.Attributes.Row(j))
		if r.Ints[ColHas][j]&HasInt != 0 {
			w.always64(6, uint64(r.Ints[ColNumber][j]))
		}
		w.traceID(5, &r.TraceIDs[j])
		w.spanID(4, &r.SpanIDs[j])
		if r.Ints[ColHas][j]&HasDouble != 0 {
			w.always64(3, uint64(r.Ints[ColNumber][j]))
		}
		w.fixed64Field(2, uint64(r.Ints[ColTime][j]))
		w.end(field, m)
	}
}
