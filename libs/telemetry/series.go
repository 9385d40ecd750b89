package telemetry

import (
	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// SiftSeries leaves out of an admission of metrics the data points that keep does not take, of which it is given a hash of the series, and
// counts them in Rejected[SeriesLimit]; most is the limit that the message names. It changes nothing of the request's identity: the parts say which
// of its items they hold, as where Admit leaves something out. Call it before the parts are made.
//
// The hash is over what tells series apart: resource, scope, the metric's name, unit, kind, temporality and monotonicity, and the point's
// attributes, in any order, as they are encoded.
func (a *Admission) SiftSeries(most int64, keep func(series uint64) bool) {
	a.most = most
	if a.signal != Metrics || a.Items == 0 {
		return
	}
	gone, n := a.askSeries(keep)
	a.gone = gone
	a.Rejected[SeriesLimit] += n
	if a.Items -= n; a.Items == 0 {
		a.gone = marks{} // nothing is made of the request
	}
}

// EachSeries tells of each data point that Admit admits the hash that SiftSeries asked for, whatever became of it since.
func (a *Admission) EachSeries(tell func(series uint64)) {
	if a.signal == Metrics {
		a.askSeries(func(series uint64) bool {
			tell(series)
			return true
		})
	}
}

// askSeries finds the points that keep does not take, and their number.
func (a *Admission) askSeries(keep func(series uint64) bool) (gone marks, n int) {
	r := a.rebuilder()
	r.keep = keep
	r.gone.room = a.Items + a.Refused()
	r.run()
	return r.gone, r.left
}

// marks is a set of ordinals as bits: however they lie, it takes an eighth of a byte for each item of the request. Of two items and more that are left
// out in turns, Ordinals takes 32 times as much.
type marks struct {
	bits []uint64
	room int // ordinals that are expected
}

func (m *marks) add(ordinal uint32) {
	if m.bits == nil {
		m.bits = make([]uint64, m.room/64+1)
	}
	for int(ordinal/64) >= len(m.bits) { // of messages that are left out as a whole, not every item is counted
		m.bits = append(m.bits, 0)
	}
	m.bits[ordinal/64] |= 1 << (ordinal % 64)
}

func (m *marks) has(ordinal uint32) bool {
	i := int(ordinal / 64)
	return i < len(m.bits) && m.bits[i]>>(ordinal%64)&1 != 0
}

// ownFields is a hash of what a message has of its own that tells series apart.
func ownFields(b []byte, start, end, depth int) (sum uint64) {
	for i := start; i < end; {
		tag, s, e, _ := otlp.Next(b[:end], i)
		switch {
		case isChild(depth, tag):
		case depth == 0 && tag == otlp.ResourceItemsResource, depth == 1 && tag == otlp.ScopeItemsScope:
			sum += fieldsSum(b, s, e, 0)
		case depth == 2 && tag != otlp.MetricName && tag != otlp.MetricUnit: // a description may change
		default:
			sum += xxh3.HashSeed(b[s:e], uint64(tag))
		}
		i = e
	}
	return sum
}

// fieldsSum is a hash of the fields of a message, or of those with one tag, whatever their order.
func fieldsSum(b []byte, start, end int, only otlp.Tag) (sum uint64) {
	for i := start; i < end; {
		tag, s, e, _ := otlp.Next(b[:end], i)
		if only == 0 || tag == only {
			sum += xxh3.HashSeed(b[s:e], uint64(tag))
		}
		i = e
	}
	return sum
}

// mixSeries is a hash of two.
func mixSeries(outer, inner uint64) uint64 {
	h := (outer ^ 0x9e3779b97f4a7c15) * 0x9fb21c651e98df25
	h = (h ^ h>>32 ^ inner) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// pointAttributes is the field that holds the attributes of a point of a kind.
func pointAttributes(kind otlp.MetricKind) otlp.Tag {
	switch kind {
	case otlp.Histogram:
		return otlp.HistogramDataPointAttributes
	case otlp.ExponentialHistogram:
		return otlp.ExponentialHistogramDataPointAttributes
	case otlp.Summary:
		return otlp.SummaryDataPointAttributes
	case otlp.Gauge, otlp.Sum:
	}
	return otlp.NumberDataPointAttributes
}
