package telemetry

import "github.com/ollyscale/ollyscale/libs/otlp"

// metric: Metric. 1 name, 2 description, 3 unit, 5 gauge, 7 sum, 9 histogram, 10 exponential_histogram, 11 summary, 12 metadata.
func (c *checker) metric(i, end int) *wireError {
	var data, metadata int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.MetricName, otlp.MetricDescription, otlp.MetricUnit:
		case otlp.MetricGauge, otlp.MetricSum, otlp.MetricHistogram, otlp.MetricExponentialHistogram, otlp.MetricSummary:
			if data++; data > 1 {
				return malformed(i, "a metric has data of one kind, once")
			}
			if c.own {
				break
			}
			kind := otlp.KindOf(tag)
			if err := c.data(kind, s, e); err != nil {
				return err.in(kind.String())
			}
		case otlp.MetricMetadata:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("metadata", metadata)
			}
			metadata++
		default:
			if otlp.MetricFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// data: Gauge, Sum, Histogram, ExponentialHistogram, Summary. 1 data_points, 2 aggregation_temporality, 3 is_monotonic (Sum).
func (c *checker) data(kind otlp.MetricKind, i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch {
		case tag == otlp.DataPoints && c.own:
		case tag == otlp.DataPoints:
			v, err := c.point(kind, s, e)
			if err != nil {
				return err.inNth("data_points", n)
			}
			c.note(v)
			n++
		case tag == otlp.DataAggregationTemporality, tag == otlp.DataIsMonotonic: // of a kind that has none, it is skipped
		case kind.Fields().Has(tag):
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// point: the data point of a kind.
func (c *checker) point(kind otlp.MetricKind, i, end int) (verdict, *wireError) {
	switch kind {
	case otlp.Histogram:
		return c.histogramPoint(i, end)
	case otlp.ExponentialHistogram:
		return c.exponentialPoint(i, end)
	case otlp.Summary:
		return c.summaryPoint(i, end)
	case otlp.Gauge, otlp.Sum:
	}
	return c.numberPoint(i, end)
}

// numberPoint: NumberDataPoint. 2 start_time, 3 time, 4 as_double, 5 exemplars, 6 as_int, 7 attributes, 8 flags.
func (c *checker) numberPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.NumberDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.NumberDataPointExemplars:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case otlp.NumberDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.NumberDataPointStartTimeUnixNano, otlp.NumberDataPointAsDouble, otlp.NumberDataPointAsInt, otlp.NumberDataPointFlags:
		default:
			if otlp.NumberDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// histogramPoint: HistogramDataPoint. 2 start_time, 3 time, 4 count, 5 sum, 6 bucket_counts, 7 explicit_bounds, 8 exemplars,
// 9 attributes, 10 flags, 11 min, 12 max.
func (c *checker) histogramPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.HistogramDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.HistogramDataPointBucketCounts:
			if (e-s)%8 != 0 {
				return verdict{}, oddList(s).in("bucket_counts")
			}
		case otlp.HistogramDataPointExplicitBounds:
			if (e-s)%8 != 0 {
				return verdict{}, oddList(s).in("explicit_bounds")
			}
		case otlp.HistogramDataPointExemplars:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case otlp.HistogramDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.HistogramDataPointStartTimeUnixNano, otlp.HistogramDataPointCount, otlp.HistogramDataPointSum, otlp.HistogramDataPointBucketCount, otlp.HistogramDataPointExplicitBound, otlp.HistogramDataPointFlags, otlp.HistogramDataPointMin, otlp.HistogramDataPointMax:
		default:
			if otlp.HistogramDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// exponentialPoint: ExponentialHistogramDataPoint. 1 attributes, 2 start_time, 3 time, 4 count, 5 sum, 6 scale, 7 zero_count, 8 positive,
// 9 negative, 10 flags, 11 exemplars, 12 min, 13 max, 14 zero_threshold.
func (c *checker) exponentialPoint(i, end int) (verdict, *wireError) {
	var time uint64
	var attributes, exemplars int
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.ExponentialHistogramDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", attributes)
			}
			attributes++
		case otlp.ExponentialHistogramDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.ExponentialHistogramDataPointPositive:
			if err := c.buckets(s, e); err != nil {
				return verdict{}, err.in("positive")
			}
		case otlp.ExponentialHistogramDataPointNegative:
			if err := c.buckets(s, e); err != nil {
				return verdict{}, err.in("negative")
			}
		case otlp.ExponentialHistogramDataPointExemplars:
			if err := c.exemplar(s, e); err != nil {
				return verdict{}, err.inNth("exemplars", exemplars)
			}
			exemplars++
		case otlp.ExponentialHistogramDataPointStartTimeUnixNano, otlp.ExponentialHistogramDataPointCount, otlp.ExponentialHistogramDataPointSum, otlp.ExponentialHistogramDataPointScale, otlp.ExponentialHistogramDataPointZeroCount, otlp.ExponentialHistogramDataPointFlags,
			otlp.ExponentialHistogramDataPointMin, otlp.ExponentialHistogramDataPointMax, otlp.ExponentialHistogramDataPointZeroThreshold:
		default:
			if otlp.ExponentialHistogramDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// buckets: ExponentialHistogramDataPoint.Buckets. 1 offset, 2 bucket_counts.
func (c *checker) buckets(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.BucketsOffset, otlp.BucketsBucketCount:
		case otlp.BucketsBucketCounts: // packed
			for j := s; j < e; {
				if c.b[j] < 0x80 {
					j++
					continue
				}
				var p otlp.Problem
				if _, j, p = otlp.Uvarint(c.b[:e], j); p != otlp.Fine {
					return broken(j, p).in("bucket_counts")
				}
			}
		default:
			if otlp.BucketsFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// summaryPoint: SummaryDataPoint. 2 start_time, 3 time, 4 count, 5 sum, 6 quantile_values, 7 attributes, 8 flags.
func (c *checker) summaryPoint(i, end int) (verdict, *wireError) {
	var time uint64
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return verdict{}, broken(s, p)
		}
		switch tag {
		case otlp.SummaryDataPointTimeUnixNano:
			time = otlp.Fixed64(c.b, s)
		case otlp.SummaryDataPointQuantileValues:
			if err := c.quantile(s, e); err != nil {
				return verdict{}, err.in("quantile_values")
			}
		case otlp.SummaryDataPointAttributes:
			if err := c.keyValue(s, e); err != nil {
				return verdict{}, err.inNth("attributes", n)
			}
			n++
		case otlp.SummaryDataPointStartTimeUnixNano, otlp.SummaryDataPointCount, otlp.SummaryDataPointSum, otlp.SummaryDataPointFlags:
		default:
			if otlp.SummaryDataPointFields.Has(tag) {
				return verdict{}, wrongType(i, tag)
			}
		}
		i = e
	}
	return c.timed(time), nil
}

// quantile: ValueAtQuantile. 1 quantile, 2 value.
func (c *checker) quantile(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		if tag.Wire() != otlp.I64 && otlp.ValueAtQuantileFields.Has(tag) {
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// exemplar: Exemplar. 2 time, 3 as_double, 4 span_id, 5 trace_id, 6 as_int, 7 filtered_attributes.
func (c *checker) exemplar(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ExemplarSpanID:
			if e-s != otlp.SpanIDSize && e != s {
				return badID(s, e, otlp.SpanIDSize).in("span_id")
			}
		case otlp.ExemplarTraceID:
			if e-s != otlp.TraceIDSize && e != s {
				return badID(s, e, otlp.TraceIDSize).in("trace_id")
			}
		case otlp.ExemplarFilteredAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("filtered_attributes", n)
			}
			n++
		case otlp.ExemplarTimeUnixNano, otlp.ExemplarAsDouble, otlp.ExemplarAsInt:
		default:
			if otlp.ExemplarFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

func oddList(at int) *wireError {
	return malformed(at, "a packed list of 8-byte numbers has a length that 8 does not divide")
}
