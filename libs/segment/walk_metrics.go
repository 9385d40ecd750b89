package segment

import "encoding/binary"

// point is a data point of any kind while it is read. Doubles are IEEE bits.
type point struct {
	start, time, flags, has, number, count, sum, minimum, maximum uint64
	zeroCount, zeroThreshold                                      uint64
	scale, positiveOffset, negativeOffset                         int64
	attrs                                                         []ValueID
	counts, positive, negative, quantiles, quantileValues         []int64
	bounds                                                        joined // little-endian doubles
}

func (p *point) clear() {
	*p = point{
		attrs: p.attrs[:0], counts: p.counts[:0], positive: p.positive[:0], negative: p.negative[:0],
		quantiles: p.quantiles[:0], quantileValues: p.quantileValues[:0],
	}
}

// readMetric reads a Metric: first its identity (some of which comes after the points on the wire), then the points.
func (w *walker) readMetric(b []byte) bool {
	m := &w.metric
	*m = metricText{}
	w.metadata = w.metadata[:0]
	w.hasMetric = false
	var data []byte
	for i := 0; i < len(b); {
		tag, _, v, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			m.name = v
		case 2<<3 | wireLen:
			m.description = v
		case 3<<3 | wireLen:
			m.unit = v
		case 5<<3 | wireLen, 7<<3 | wireLen, 9<<3 | wireLen, 10<<3 | wireLen, 11<<3 | wireLen:
			// Of several kinds of data the last one counts; the others are still checked.
			if m.kind != 0 && !w.checkData(data) {
				return false
			}
			m.kind, data = kindOf(tag>>3), v
		case 12<<3 | wireLen:
			id, _, ok := w.attribute(v, 0)
			if !ok {
				return false
			}
			w.metadata = append(w.metadata, id)
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3|1<<5|1<<7|1<<9|1<<10|1<<11|1<<12) {
				return false
			}
		}
	}
	if m.kind == 0 {
		return true
	}
	return w.readData(data)
}

func kindOf(field uint64) MetricKind {
	switch field {
	case 5:
		return Gauge
	case 7:
		return Sum
	case 9:
		return Histogram
	case 10:
		return ExponentialHistogram
	}
	return Summary
}

func kindName(k MetricKind) string {
	switch k {
	case Gauge:
		return "gauge"
	case Sum:
		return "sum"
	case Histogram:
		return "histogram"
	case ExponentialHistogram:
		return "exponential_histogram"
	case Summary:
		return "summary"
	}
	return "data"
}

// checkData reads data that is not kept, by reading and forgetting it.
func (w *walker) checkData(data []byte) bool {
	before := w.t.mark()
	ordinal := w.ordinal
	if !w.readData(data) {
		return false
	}
	if w.t.N > before.n {
		keep := *w
		w.t.rollback(before)
		*w = keep
	}
	w.ordinal, w.hasMetric = ordinal, false
	w.metric.temporality, w.metric.monotonic = 0, false
	return true
}

func (w *walker) readData(b []byte) bool {
	m := &w.metric
	w.push(kindName(m.kind), -1)
	known := uint64(1 << 1)
	switch m.kind {
	case Sum:
		known |= 1<<2 | 1<<3
	case Histogram, ExponentialHistogram:
		known |= 1 << 2
	case Gauge, Summary:
	}
	for i := 0; i < len(b); {
		tag, num, _, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch {
		case tag == 1<<3|wireLen:
		case tag == 2<<3|wireVarint && known&(1<<2) != 0:
			m.temporality = int32(num)
		case tag == 3<<3|wireVarint && known&(1<<3) != 0:
			m.monotonic = num != 0
		default:
			if !w.unknown(tag, known) {
				return false
			}
		}
	}
	n := 0
	for i := 0; i < len(b); {
		tag, _, data, end := next(b, i)
		i = end
		if tag != 1<<3|wireLen {
			continue
		}
		w.push("data_points", n)
		w.point.clear()
		if !w.fits(data) {
			return false
		}
		ok := false
		switch m.kind {
		case Gauge, Sum:
			ok = w.numberPoint(data)
		case Histogram:
			ok = w.histogramPoint(data)
		case ExponentialHistogram:
			ok = w.exponentialPoint(data)
		case Summary:
			ok = w.summaryPoint(data)
		}
		if !ok {
			return false
		}
		w.endPoint()
		w.pop()
		n++
	}
	w.pop()
	return true
}

// endPoint adds the point that was read to the table.
func (w *walker) endPoint() {
	t, p := w.t, &w.point
	if !w.hasMetric {
		w.metricRef, w.hasMetric = t.metric(&w.metric, w.metadata), true
	}
	series := t.seriesOf(w.metricRef, w.resource, w.scope, p.attrs)
	r := &t.Rows
	in := &r.Ints
	in[ColTime] = append(in[ColTime], int64(p.time))
	in[ColSeries] = append(in[ColSeries], int64(series))
	in[ColKind] = append(in[ColKind], int64(w.metric.kind))
	in[ColHas] = append(in[ColHas], int64(p.has))
	in[ColNumber] = append(in[ColNumber], int64(p.number))
	in[ColStartTime] = append(in[ColStartTime], int64(p.start))
	in[ColFlags] = append(in[ColFlags], int64(uint32(p.flags)))
	in[ColPosition] = append(in[ColPosition], w.position)
	in[ColOrdinal] = append(in[ColOrdinal], w.ordinal)
	in[ColCount] = append(in[ColCount], int64(p.count))
	in[ColSum] = append(in[ColSum], int64(p.sum))
	in[ColMin] = append(in[ColMin], int64(p.minimum))
	in[ColMax] = append(in[ColMax], int64(p.maximum))
	in[ColScale] = append(in[ColScale], p.scale)
	in[ColZeroCount] = append(in[ColZeroCount], int64(p.zeroCount))
	in[ColZeroThreshold] = append(in[ColZeroThreshold], int64(p.zeroThreshold))
	in[ColPositiveOffset] = append(in[ColPositiveOffset], p.positiveOffset)
	in[ColNegativeOffset] = append(in[ColNegativeOffset], p.negativeOffset)
	bounds := ValueID(0)
	if len(p.bounds.b) > 0 {
		bounds = t.value(keyOf(TextBounds), Bytes, 0, p.bounds.b)
	}
	r.Texts[TextBounds] = append(r.Texts[TextBounds], bounds)
	r.Lists[ListBucketCounts].end(p.counts)
	r.Lists[ListPositiveCounts].end(p.positive)
	r.Lists[ListNegativeCounts].end(p.negative)
	r.Lists[ListQuantiles].end(p.quantiles)
	r.Lists[ListQuantileValues].end(p.quantileValues)
	r.Attributes.end(0) // a point's attributes are its series'
	t.Exemplars.Offsets = append(t.Exemplars.Offsets, uint32(t.Exemplars.N))
	r.N++
	w.ordinal++
}

// end adds a row.
func (l *IntList) end(values []int64) {
	l.Values = append(l.Values, values...)
	l.Offsets = append(l.Offsets, uint32(len(l.Values)))
}

func (w *walker) pointAttribute(data []byte) bool {
	id, _, ok := w.attribute(data, 0)
	w.point.attrs = append(w.point.attrs, id)
	return ok
}

func (w *walker) numberPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 2<<3 | wireI64:
			p.start = num
		case 3<<3 | wireI64:
			p.time = num
		case 4<<3 | wireI64:
			p.number, p.has = num, HasDouble
		case 5<<3 | wireLen:
			if !w.exemplar(data) {
				return false
			}
		case 6<<3 | wireI64:
			p.number, p.has = num, HasInt
		case 7<<3 | wireLen:
			if !w.pointAttribute(data) {
				return false
			}
		case 8<<3 | wireVarint:
			p.flags = num
		default:
			if !w.unknown(tag, 1<<9-4) {
				return false
			}
		}
	}
	return true
}

func (w *walker) histogramPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 2<<3 | wireI64:
			p.start = num
		case 3<<3 | wireI64:
			p.time = num
		case 4<<3 | wireI64:
			p.count = num
		case 5<<3 | wireI64:
			p.sum, p.has = num, p.has|HasSum
		case 6<<3 | wireI64:
			p.counts = append(p.counts, int64(num))
		case 6<<3 | wireLen:
			if len(data)%8 != 0 {
				return w.damaged(wireTruncated)
			}
			w.odd = w.odd || len(p.counts) > 0
			for ; len(data) > 0; data = data[8:] {
				p.counts = append(p.counts, int64(binary.LittleEndian.Uint64(data)))
			}
		case 7<<3 | wireI64:
			p.bounds.add(b[end-8 : end])
		case 7<<3 | wireLen:
			if len(data)%8 != 0 {
				return w.damaged(wireTruncated)
			}
			w.odd = w.odd || len(p.bounds.b) > 0
			p.bounds.add(data)
		case 8<<3 | wireLen:
			if !w.exemplar(data) {
				return false
			}
		case 9<<3 | wireLen:
			if !w.pointAttribute(data) {
				return false
			}
		case 10<<3 | wireVarint:
			p.flags = num
		case 11<<3 | wireI64:
			p.minimum, p.has = num, p.has|HasMin
		case 12<<3 | wireI64:
			p.maximum, p.has = num, p.has|HasMax
		default:
			if !w.unknown(tag, 1<<13-4) {
				return false
			}
		}
	}
	return true
}

func (w *walker) exponentialPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			if !w.pointAttribute(data) {
				return false
			}
		case 2<<3 | wireI64:
			p.start = num
		case 3<<3 | wireI64:
			p.time = num
		case 4<<3 | wireI64:
			p.count = num
		case 5<<3 | wireI64:
			p.sum, p.has = num, p.has|HasSum
		case 6<<3 | wireVarint:
			p.scale = sint32(num)
		case 7<<3 | wireI64:
			p.zeroCount = num
		case 8<<3 | wireLen:
			p.has |= HasPositive
			w.push("positive", -1)
			if !w.buckets(data, &p.positiveOffset, &p.positive) {
				return false
			}
			w.pop()
		case 9<<3 | wireLen:
			p.has |= HasNegative
			w.push("negative", -1)
			if !w.buckets(data, &p.negativeOffset, &p.negative) {
				return false
			}
			w.pop()
		case 10<<3 | wireVarint:
			p.flags = num
		case 11<<3 | wireLen:
			if !w.exemplar(data) {
				return false
			}
		case 12<<3 | wireI64:
			p.minimum, p.has = num, p.has|HasMin
		case 13<<3 | wireI64:
			p.maximum, p.has = num, p.has|HasMax
		case 14<<3 | wireI64:
			p.zeroThreshold = num
		default:
			if !w.unknown(tag, 1<<15-2) {
				return false
			}
		}
	}
	return true
}

// sint32 decodes a sint32 field.
func sint32(num uint64) int64 { return int64(int32(uint32(num)>>1) ^ -int32(num&1)) }

func (w *walker) buckets(b []byte, offset *int64, counts *[]int64) bool {
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireVarint:
			*offset = sint32(num)
		case 2<<3 | wireVarint:
			*counts = append(*counts, int64(num))
		case 2<<3 | wireLen:
			w.odd = w.odd || len(*counts) > 0
			for j := 0; j < len(data); {
				v, stop := varint(data, j)
				if stop < 0 {
					return w.damaged(stop)
				}
				j = stop
				*counts = append(*counts, int64(v))
			}
		default:
			if !w.unknown(tag, 1<<1|1<<2) {
				return false
			}
		}
	}
	return true
}

func (w *walker) summaryPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 2<<3 | wireI64:
			p.start = num
		case 3<<3 | wireI64:
			p.time = num
		case 4<<3 | wireI64:
			p.count = num
		case 5<<3 | wireI64:
			p.sum = num
		case 6<<3 | wireLen:
			var quantile, value uint64
			for j := 0; j < len(data); {
				tag, num, _, end := next(data, j)
				if end < 0 {
					return w.damaged(end)
				}
				j = end
				switch tag {
				case 1<<3 | wireI64:
					quantile = num
				case 2<<3 | wireI64:
					value = num
				default:
					if !w.unknown(tag, 1<<1|1<<2) {
						return false
					}
				}
			}
			p.quantiles = append(p.quantiles, int64(quantile))
			p.quantileValues = append(p.quantileValues, int64(value))
		case 7<<3 | wireLen:
			if !w.pointAttribute(data) {
				return false
			}
		case 8<<3 | wireVarint:
			p.flags = num
		default:
			if !w.unknown(tag, 1<<9-4) {
				return false
			}
		}
	}
	return true
}

func (w *walker) exemplar(b []byte) bool {
	t := w.t
	r := &t.Exemplars.Rows
	var traceID [16]byte
	var spanID [8]byte
	var time, number uint64
	has := int64(0)
	node := uint32(0)
	w.push("exemplars", r.N-int(t.Exemplars.Offsets[len(t.Exemplars.Offsets)-1]))
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 2<<3 | wireI64:
			time = num
		case 3<<3 | wireI64:
			number, has = num, HasDouble
		case 4<<3 | wireLen:
			if !w.spanID(data, &spanID) {
				return false
			}
		case 5<<3 | wireLen:
			if !w.traceID(data, &traceID) {
				return false
			}
		case 6<<3 | wireI64:
			number, has = num, HasInt
		case 7<<3 | wireLen:
			id, child, ok := w.attribute(data, node)
			if !ok {
				return false
			}
			node = child
			r.Attributes.IDs = append(r.Attributes.IDs, id)
		default:
			if !w.unknown(tag, 1<<8-4) {
				return false
			}
		}
	}
	w.pop()
	r.Ints[ColTime] = append(r.Ints[ColTime], int64(time))
	r.Ints[ColHas] = append(r.Ints[ColHas], has)
	r.Ints[ColNumber] = append(r.Ints[ColNumber], int64(number))
	r.TraceIDs = append(r.TraceIDs, traceID)
	r.SpanIDs = append(r.SpanIDs, spanID)
	r.Attributes.end(node)
	r.N++
	return true
}
