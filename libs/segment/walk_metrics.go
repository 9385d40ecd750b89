package segment

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

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
	*m = table.MetricText{}
	w.metadata = w.metadata[:0]
	w.hasMetric = false
	var data []byte
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.MetricName:
			m.Name = b[s:e:e]
		case otlp.MetricDescription:
			m.Description = b[s:e:e]
		case otlp.MetricUnit:
			m.Unit = b[s:e:e]
		case otlp.MetricGauge, otlp.MetricSum, otlp.MetricHistogram, otlp.MetricExponentialHistogram, otlp.MetricSummary:
			if m.Kind != 0 { // as ingest does
				w.err = telemetry.ErrMalformed.Newf("%s: a metric has data of one kind, once", w.where())
				return false
			}
			m.Kind, data = otlp.KindOf(tag), b[s:e:e]
		case otlp.MetricMetadata:
			id, _, ok := w.attribute(b[s:e:e], 0)
			if !ok {
				return false
			}
			w.metadata = append(w.metadata, id)
		default:
			if !w.unknown(tag, otlp.MetricFields) {
				return false
			}
		}
	}
	if m.Kind == 0 {
		return true
	}
	return w.readData(data)
}

func (w *walker) readData(b []byte) bool {
	m := &w.metric
	w.push(m.Kind.String(), -1)
	known := m.Kind.Fields()
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch {
		case tag == otlp.DataPoints:
		case tag == otlp.DataAggregationTemporality && known.Has(tag):
			m.Temporality = int32(otlp.Number(b, s))
		case tag == otlp.DataIsMonotonic && known.Has(tag):
			m.Monotonic = otlp.Number(b, s) != 0
		default:
			if !w.unknown(tag, known) {
				return false
			}
		}
	}
	n := 0
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		i = e
		if tag != otlp.DataPoints {
			continue
		}
		data := b[s:e:e]
		w.push("data_points", n)
		w.point.clear()
		if !w.fits(data) {
			return false
		}
		ok := false
		switch m.Kind {
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
		w.metricRef, w.hasMetric = t.InternMetric(&w.metric, w.metadata), true
	}
	series := t.InternSeries(w.metricRef, w.resource, w.scope, p.attrs)
	r := &t.Rows
	in := &r.Ints
	in[ColTime] = append(in[ColTime], int64(p.time))
	in[ColSeries] = append(in[ColSeries], int64(series))
	in[ColKind] = append(in[ColKind], int64(w.metric.Kind))
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
		bounds = t.InternValue(table.KeyOf(TextBounds), Bytes, 0, p.bounds.b)
	}
	r.Texts[TextConnection] = append(r.Texts[TextConnection], w.connection)
	r.Texts[TextBounds] = append(r.Texts[TextBounds], bounds)
	r.Lists[ListBucketCounts].Append(p.counts)
	r.Lists[ListPositiveCounts].Append(p.positive)
	r.Lists[ListNegativeCounts].Append(p.negative)
	r.Lists[ListQuantiles].Append(p.quantiles)
	r.Lists[ListQuantileValues].Append(p.quantileValues)
	r.Attributes.End(0) // a point's attributes are its series'
	t.Exemplars.Offsets = append(t.Exemplars.Offsets, uint32(t.Exemplars.N))
	r.N++
	w.ordinal++
}

func (w *walker) pointAttribute(data []byte) bool {
	id, _, ok := w.attribute(data, 0)
	w.point.attrs = append(w.point.attrs, id)
	return ok
}

func (w *walker) numberPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, s, e, bad := otlp.Next(b, i)
		if bad != otlp.Fine {
			return w.damaged(bad)
		}
		i = e
		switch tag {
		case otlp.NumberDataPointStartTimeUnixNano:
			p.start = otlp.Fixed64(b, s)
		case otlp.NumberDataPointTimeUnixNano:
			p.time = otlp.Fixed64(b, s)
		case otlp.NumberDataPointAsDouble:
			p.number, p.has = otlp.Fixed64(b, s), HasDouble
		case otlp.NumberDataPointExemplars:
			if !w.exemplar(b[s:e:e]) {
				return false
			}
		case otlp.NumberDataPointAsInt:
			p.number, p.has = otlp.Fixed64(b, s), HasInt
		case otlp.NumberDataPointAttributes:
			if !w.pointAttribute(b[s:e:e]) {
				return false
			}
		case otlp.NumberDataPointFlags:
			p.flags = otlp.Number(b, s)
		default:
			if !w.unknown(tag, otlp.NumberDataPointFields) {
				return false
			}
		}
	}
	return true
}

func (w *walker) histogramPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, s, e, bad := otlp.Next(b, i)
		if bad != otlp.Fine {
			return w.damaged(bad)
		}
		i = e
		switch tag {
		case otlp.HistogramDataPointStartTimeUnixNano:
			p.start = otlp.Fixed64(b, s)
		case otlp.HistogramDataPointTimeUnixNano:
			p.time = otlp.Fixed64(b, s)
		case otlp.HistogramDataPointCount:
			p.count = otlp.Fixed64(b, s)
		case otlp.HistogramDataPointSum:
			p.sum, p.has = otlp.Fixed64(b, s), p.has|HasSum
		case otlp.HistogramDataPointBucketCount:
			p.counts = append(p.counts, int64(otlp.Fixed64(b, s)))
		case otlp.HistogramDataPointBucketCounts:
			if (e-s)%8 != 0 {
				return w.damaged(otlp.Truncated)
			}
			for ; s < e; s += 8 {
				p.counts = append(p.counts, int64(otlp.Fixed64(b, s)))
			}
		case otlp.HistogramDataPointExplicitBound:
			p.bounds.add(b[s:e])
		case otlp.HistogramDataPointExplicitBounds:
			if (e-s)%8 != 0 {
				return w.damaged(otlp.Truncated)
			}
			p.bounds.add(b[s:e:e])
		case otlp.HistogramDataPointExemplars:
			if !w.exemplar(b[s:e:e]) {
				return false
			}
		case otlp.HistogramDataPointAttributes:
			if !w.pointAttribute(b[s:e:e]) {
				return false
			}
		case otlp.HistogramDataPointFlags:
			p.flags = otlp.Number(b, s)
		case otlp.HistogramDataPointMin:
			p.minimum, p.has = otlp.Fixed64(b, s), p.has|HasMin
		case otlp.HistogramDataPointMax:
			p.maximum, p.has = otlp.Fixed64(b, s), p.has|HasMax
		default:
			if !w.unknown(tag, otlp.HistogramDataPointFields) {
				return false
			}
		}
	}
	return true
}

func (w *walker) exponentialPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, s, e, bad := otlp.Next(b, i)
		if bad != otlp.Fine {
			return w.damaged(bad)
		}
		i = e
		switch tag {
		case otlp.ExponentialHistogramDataPointAttributes:
			if !w.pointAttribute(b[s:e:e]) {
				return false
			}
		case otlp.ExponentialHistogramDataPointStartTimeUnixNano:
			p.start = otlp.Fixed64(b, s)
		case otlp.ExponentialHistogramDataPointTimeUnixNano:
			p.time = otlp.Fixed64(b, s)
		case otlp.ExponentialHistogramDataPointCount:
			p.count = otlp.Fixed64(b, s)
		case otlp.ExponentialHistogramDataPointSum:
			p.sum, p.has = otlp.Fixed64(b, s), p.has|HasSum
		case otlp.ExponentialHistogramDataPointScale:
			p.scale = int64(otlp.Sint32(otlp.Number(b, s)))
		case otlp.ExponentialHistogramDataPointZeroCount:
			p.zeroCount = otlp.Fixed64(b, s)
		case otlp.ExponentialHistogramDataPointPositive:
			p.has |= HasPositive
			w.push("positive", -1)
			if !w.buckets(b[s:e:e], &p.positiveOffset, &p.positive) {
				return false
			}
			w.pop()
		case otlp.ExponentialHistogramDataPointNegative:
			p.has |= HasNegative
			w.push("negative", -1)
			if !w.buckets(b[s:e:e], &p.negativeOffset, &p.negative) {
				return false
			}
			w.pop()
		case otlp.ExponentialHistogramDataPointFlags:
			p.flags = otlp.Number(b, s)
		case otlp.ExponentialHistogramDataPointExemplars:
			if !w.exemplar(b[s:e:e]) {
				return false
			}
		case otlp.ExponentialHistogramDataPointMin:
			p.minimum, p.has = otlp.Fixed64(b, s), p.has|HasMin
		case otlp.ExponentialHistogramDataPointMax:
			p.maximum, p.has = otlp.Fixed64(b, s), p.has|HasMax
		case otlp.ExponentialHistogramDataPointZeroThreshold:
			p.zeroThreshold = otlp.Fixed64(b, s)
		default:
			if !w.unknown(tag, otlp.ExponentialHistogramDataPointFields) {
				return false
			}
		}
	}
	return true
}

func (w *walker) buckets(b []byte, offset *int64, counts *[]int64) bool {
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.BucketsOffset:
			*offset = int64(otlp.Sint32(otlp.Number(b, s)))
		case otlp.BucketsBucketCount:
			*counts = append(*counts, int64(otlp.Number(b, s)))
		case otlp.BucketsBucketCounts:
			for s < e {
				var n uint64
				if n, s, p = otlp.Uvarint(b[:e], s); p != otlp.Fine {
					return w.damaged(p)
				}
				*counts = append(*counts, int64(n))
			}
		default:
			if !w.unknown(tag, otlp.BucketsFields) {
				return false
			}
		}
	}
	return true
}

func (w *walker) summaryPoint(b []byte) bool {
	p := &w.point
	for i := 0; i < len(b); {
		tag, s, e, bad := otlp.Next(b, i)
		if bad != otlp.Fine {
			return w.damaged(bad)
		}
		i = e
		switch tag {
		case otlp.SummaryDataPointStartTimeUnixNano:
			p.start = otlp.Fixed64(b, s)
		case otlp.SummaryDataPointTimeUnixNano:
			p.time = otlp.Fixed64(b, s)
		case otlp.SummaryDataPointCount:
			p.count = otlp.Fixed64(b, s)
		case otlp.SummaryDataPointSum:
			p.sum = otlp.Fixed64(b, s)
		case otlp.SummaryDataPointQuantileValues:
			if !w.quantile(b[s:e]) {
				return false
			}
		case otlp.SummaryDataPointAttributes:
			if !w.pointAttribute(b[s:e:e]) {
				return false
			}
		case otlp.SummaryDataPointFlags:
			p.flags = otlp.Number(b, s)
		default:
			if !w.unknown(tag, otlp.SummaryDataPointFields) {
				return false
			}
		}
	}
	return true
}

func (w *walker) quantile(b []byte) bool {
	var quantile, value uint64
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.ValueAtQuantileQuantile:
			quantile = otlp.Fixed64(b, s)
		case otlp.ValueAtQuantileValue:
			value = otlp.Fixed64(b, s)
		default:
			if !w.unknown(tag, otlp.ValueAtQuantileFields) {
				return false
			}
		}
	}
	w.point.quantiles = append(w.point.quantiles, int64(quantile))
	w.point.quantileValues = append(w.point.quantileValues, int64(value))
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
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.ExemplarTimeUnixNano:
			time = otlp.Fixed64(b, s)
		case otlp.ExemplarAsDouble:
			number, has = otlp.Fixed64(b, s), HasDouble
		case otlp.ExemplarSpanID:
			if !w.spanID(b[s:e:e], &spanID) {
				return false
			}
		case otlp.ExemplarTraceID:
			if !w.traceID(b[s:e:e], &traceID) {
				return false
			}
		case otlp.ExemplarAsInt:
			number, has = otlp.Fixed64(b, s), HasInt
		case otlp.ExemplarFilteredAttributes:
			id, child, ok := w.attribute(b[s:e:e], node)
			if !ok {
				return false
			}
			node = child
			r.Attributes.IDs = append(r.Attributes.IDs, id)
		default:
			if !w.unknown(tag, otlp.ExemplarFields) {
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
	r.Attributes.End(node)
	r.N++
	return true
}
