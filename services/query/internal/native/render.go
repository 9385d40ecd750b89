package native

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// renderer turns rows of decoded segments into items of an answer, and collects the resources, scopes and series that they refer to,
// each once. An entry is told from another by all its content, not by its id, so that the order of attributes survives.
type renderer struct {
	resources []api.Resource
	scopes    []api.Scope
	series    []api.Series
	known     map[string]int
	bytes     int64           // that these take, as JSON, and the keys by which they are known
	full      *api.Incomplete // why items that were found are not among those drawn; nil where all are

	// of the segment at hand: its entries that are known
	resource map[int64]int
	scope    map[int64]int
	line     map[int64]int
}

func newRenderer() *renderer {
	// Lists are never null on the wire.
	return &renderer{resources: []api.Resource{}, scopes: []api.Scope{}, series: []api.Series{}, known: map[string]int{}}
}

// begin is called before the rows of another segment.
func (r *renderer) begin() {
	r.resource, r.scope, r.line = map[int64]int{}, map[int64]int{}, map[int64]int{}
}

// once appends v to list unless its content is in it, and returns its index.
func once[T any](r *renderer, kind byte, list *[]T, v T) int {
	content, err := json.Marshal(v)
	if err != nil {
		content = fmt.Append(nil, v) // types of this package always marshal
	}
	k := string(kind) + string(content)
	i, ok := r.known[k]
	if !ok {
		i = len(*list)
		*list = append(*list, v)
		r.known[k] = i
		r.bytes += 2 * int64(len(k))
	}
	return i
}

func (r *renderer) resourceIndex(t *segment.Table, n int64) int {
	if i, ok := r.resource[n]; ok {
		return i
	}
	s := &t.Resources[n]
	out := api.Resource{
		ServiceName: s.ServiceName, ServiceNamespace: s.ServiceNamespace, Attributes: attributes(t, s.Attributes),
		DroppedAttributesCount: int64(s.Dropped), SchemaURL: s.SchemaURL,
	}
	for _, ref := range s.EntityRefs {
		out.EntityRefs = append(out.EntityRefs, entityRef(ref))
	}
	i := once(r, 'r', &r.resources, out)
	r.resource[n] = i
	return i
}

func (r *renderer) scopeIndex(t *segment.Table, n int64) int {
	if i, ok := r.scope[n]; ok {
		return i
	}
	s := &t.Scopes[n]
	i := once(r, 's', &r.scopes, api.Scope{
		Name: s.Name, Version: s.Version, Attributes: attributes(t, s.Attributes),
		DroppedAttributesCount: int64(s.Dropped), SchemaURL: s.SchemaURL,
	})
	r.scope[n] = i
	return i
}

func (r *renderer) seriesIndex(t *segment.Table, n int64) int {
	if i, ok := r.line[n]; ok {
		return i
	}
	s := &t.Series[n]
	resource := &t.Resources[s.Resource]
	i := once(r, 'm', &r.series, api.Series{
		ID:     seriesID(s.ID),
		Metric: metric(t, &t.Metrics[s.Metric]), Attributes: attributes(t, s.Attributes),
		ServiceName: resource.ServiceName, ServiceNamespace: resource.ServiceNamespace,
		ResourceIndex: r.resourceIndex(t, int64(s.Resource)), ScopeIndex: r.scopeIndex(t, int64(s.Scope)),
	})
	r.line[n] = i
	return i
}

func metric(t *segment.Table, m *segment.Metric) api.Metric {
	out := api.Metric{
		Name: m.Name, Type: api.MetricType(m.Kind.String()), Unit: m.Unit, Description: m.Description,
		Temporality: int(m.Temporality), Monotonic: m.Monotonic,
	}
	if len(m.Metadata) > 0 {
		out.Metadata = attributes(t, m.Metadata)
	}
	return out
}

// knownDuration is a span's duration, 0 where it is not known.
func knownDuration(start, duration int64) int64 {
	if !otlp.DurationKnown(start, duration) {
		return 0
	}
	return duration
}

// span renders row i.
func (r *renderer) span(t *segment.Table, i int) api.Span {
	start, duration := t.Ints[segment.ColTime][i], t.Ints[segment.ColDuration][i]
	resource := t.Ints[segment.ColResource][i]
	known := knownDuration(start, duration)
	s := api.Span{
		ID:                     itemID(t, i),
		TraceID:                hex.EncodeToString(t.TraceIDs[i][:]),
		SpanID:                 hex.EncodeToString(t.SpanIDs[i][:]),
		ParentSpanID:           spanIDText(t.ParentIDs[i]),
		TraceState:             textOf(t, segment.TextTraceState, i),
		Flags:                  t.Ints[segment.ColFlags][i],
		Name:                   textOf(t, segment.TextName, i),
		Kind:                   int(t.Ints[segment.ColKind][i]),
		Status:                 api.Status{Code: int(t.Ints[segment.ColStatus][i]), Message: textOf(t, segment.TextStatusMessage, i)},
		StartTimeUnixNano:      nanos(start),
		EndTimeUnixNano:        nanos(start + duration),
		DurationNano:           strconv.FormatInt(known, 10),
		DurationUnknown:        known != duration,
		Attributes:             attributes(t, t.Attributes.Row(i)),
		DroppedAttributesCount: t.Ints[segment.ColDroppedAttributes][i],
		Events:                 []api.SpanEvent{},
		DroppedEventsCount:     t.Ints[segment.ColDroppedEvents][i],
		Links:                  []api.SpanLink{},
		DroppedLinksCount:      t.Ints[segment.ColDroppedLinks][i],
		ServiceName:            t.Resources[resource].ServiceName,
		ServiceNamespace:       t.Resources[resource].ServiceNamespace,
		Connection:             textOf(t, segment.TextConnection, i),
		ResourceIndex:          r.resourceIndex(t, resource),
		ScopeIndex:             r.scopeIndex(t, t.Ints[segment.ColScope][i]),
	}
	e := &t.Events
	for j := int(e.Offsets[i]); j < int(e.Offsets[i+1]); j++ {
		s.Events = append(s.Events, api.SpanEvent{
			TimeUnixNano:           nanos(e.Ints[segment.ColTime][j]),
			Name:                   string(t.Values[e.Texts[segment.TextName][j]].Raw),
			Attributes:             attributes(t, e.Attributes.Row(j)),
			DroppedAttributesCount: e.Ints[segment.ColDroppedAttributes][j],
		})
	}
	l := &t.Links
	for j := int(l.Offsets[i]); j < int(l.Offsets[i+1]); j++ {
		s.Links = append(s.Links, api.SpanLink{
			TraceID:                hex.EncodeToString(l.TraceIDs[j][:]),
			SpanID:                 hex.EncodeToString(l.SpanIDs[j][:]),
			TraceState:             string(t.Values[l.Texts[segment.TextTraceState][j]].Raw),
			Attributes:             attributes(t, l.Attributes.Row(j)),
			DroppedAttributesCount: l.Ints[segment.ColDroppedAttributes][j],
			Flags:                  l.Ints[segment.ColFlags][j],
		})
	}
	return s
}

// log renders row i.
func (r *renderer) log(t *segment.Table, i int) api.LogRecord {
	resource := t.Ints[segment.ColResource][i]
	at := t.Ints[segment.ColTime][i]
	if t.Ints[segment.ColHas][i]&segment.HasObserved != 0 {
		at = 0 // the sender gave only an observed time
	}
	severity, derived := int(t.Ints[segment.ColSeverity][i]), 0
	if t.Ints[segment.ColHas][i]&segment.HasDerivedSeverity != 0 {
		severity, derived = 0, severity // the sender gave only a text
	}
	l := api.LogRecord{
		ID:                     itemID(t, i),
		TimeUnixNano:           nanos(at),
		ObservedTimeUnixNano:   nanos(t.Ints[segment.ColObservedTime][i]),
		SeverityNumber:         severity,
		SeverityDerived:        derived,
		SeverityText:           textOf(t, segment.TextSeverity, i),
		EventName:              textOf(t, segment.TextEventName, i),
		TraceID:                traceIDText(t.TraceIDs[i]),
		SpanID:                 spanIDText(t.SpanIDs[i]),
		Flags:                  t.Ints[segment.ColFlags][i],
		Attributes:             attributes(t, t.Attributes.Row(i)),
		DroppedAttributesCount: t.Ints[segment.ColDroppedAttributes][i],
		ServiceName:            t.Resources[resource].ServiceName,
		ServiceNamespace:       t.Resources[resource].ServiceNamespace,
		Connection:             textOf(t, segment.TextConnection, i),
		ResourceIndex:          r.resourceIndex(t, resource),
		ScopeIndex:             r.scopeIndex(t, t.Ints[segment.ColScope][i]),
	}
	if id := t.Texts[segment.TextBody][i]; id != 0 {
		body := otlpjson.Of(t.Values[id].OTLP())
		l.Body = &body
	}
	return l
}

// point renders row i without its series.
func (r *renderer) point(t *segment.Table, i int) api.Point {
	in := func(c segment.Column) int64 { return t.Ints[c][i] }
	has := in(segment.ColHas)
	p := api.Point{
		ID:                itemID(t, i),
		TimeUnixNano:      nanos(in(segment.ColTime)),
		StartTimeUnixNano: nanos(in(segment.ColStartTime)),
		Flags:             in(segment.ColFlags),
		Connection:        textOf(t, segment.TextConnection, i),
		Exemplars:         []api.Exemplar{},
	}
	optional := func(bit int64, c segment.Column) *api.Double {
		if has&bit == 0 {
			return nil
		}
		x := double(in(c))
		return &x
	}
	switch t.Metrics[t.Series[in(segment.ColSeries)].Metric].Kind {
	case segment.Gauge, segment.Sum:
		p.AsInt, p.AsDouble = number(has, in(segment.ColNumber))
	case segment.Histogram:
		p.Histogram = &api.HistogramData{
			Count: count(in(segment.ColCount)), Sum: optional(segment.HasSum, segment.ColSum),
			Min: optional(segment.HasMin, segment.ColMin), Max: optional(segment.HasMax, segment.ColMax),
			BucketCounts:   countList(t.Lists[segment.ListBucketCounts].Row(i)),
			ExplicitBounds: []api.Double{},
		}
		bounds := t.Values[t.Texts[segment.TextBounds][i]].Raw
		for ; len(bounds) >= 8; bounds = bounds[8:] {
			p.Histogram.ExplicitBounds = append(p.Histogram.ExplicitBounds, api.Double(math.Float64frombits(binary.LittleEndian.Uint64(bounds))))
		}
	case segment.ExponentialHistogram:
		p.ExponentialHistogram = &api.ExponentialHistogramData{
			Count: count(in(segment.ColCount)), Sum: optional(segment.HasSum, segment.ColSum),
			Min: optional(segment.HasMin, segment.ColMin), Max: optional(segment.HasMax, segment.ColMax),
			Scale: int(in(segment.ColScale)), ZeroCount: count(in(segment.ColZeroCount)), ZeroThreshold: double(in(segment.ColZeroThreshold)),
		}
		if has&segment.HasPositive != 0 {
			p.ExponentialHistogram.Positive = &api.Buckets{Offset: int(in(segment.ColPositiveOffset)), BucketCounts: countList(t.Lists[segment.ListPositiveCounts].Row(i))}
		}
		if has&segment.HasNegative != 0 {
			p.ExponentialHistogram.Negative = &api.Buckets{Offset: int(in(segment.ColNegativeOffset)), BucketCounts: countList(t.Lists[segment.ListNegativeCounts].Row(i))}
		}
	case segment.Summary:
		p.Summary = &api.SummaryData{Count: count(in(segment.ColCount)), Sum: double(in(segment.ColSum)), QuantileValues: []api.QuantileValue{}}
		values := t.Lists[segment.ListQuantileValues].Row(i)
		for j, q := range t.Lists[segment.ListQuantiles].Row(i) {
			p.Summary.QuantileValues = append(p.Summary.QuantileValues, api.QuantileValue{Quantile: double(q), Value: double(values[j])})
		}
	}
	e := &t.Exemplars
	for j := int(e.Offsets[i]); j < int(e.Offsets[i+1]); j++ {
		x := api.Exemplar{
			TimeUnixNano: nanos(e.Ints[segment.ColTime][j]), TraceID: traceIDText(e.TraceIDs[j]), SpanID: spanIDText(e.SpanIDs[j]),
			FilteredAttributes: attributes(t, e.Attributes.Row(j)),
		}
		x.AsInt, x.AsDouble = number(e.Ints[segment.ColHas][j], e.Ints[segment.ColNumber][j])
		p.Exemplars = append(p.Exemplars, x)
	}
	return p
}

// number is a point's or exemplar's value: an int, a double or none.
func number(has, n int64) (api.Int64, *api.Double) {
	switch {
	case has&segment.HasInt != 0:
		return strconv.FormatInt(n, 10), nil
	case has&segment.HasDouble != 0:
		x := double(n)
		return "", &x
	}
	return "", nil
}

// itemID is (position, ordinal), which is unique within a signal and survives every merge.
func itemID(t *segment.Table, i int) string {
	return idOf(t.Ints[segment.ColPosition][i], t.Ints[segment.ColOrdinal][i])
}

func idOf(position, ordinal int64) string {
	b := strconv.AppendInt(make([]byte, 0, 24), position, 10)
	return string(strconv.AppendInt(append(b, '.'), ordinal, 10))
}

// nanos: OTLP's times are unsigned.
func nanos(n int64) api.Nanos { return strconv.FormatUint(uint64(n), 10) } //nolint:gosec // the bits are those that were sent

func count(n int64) api.Int64 { return strconv.FormatUint(uint64(n), 10) } //nolint:gosec // likewise

func countList(list []int64) []api.Int64 {
	out := make([]api.Int64, len(list))
	for i, n := range list {
		out[i] = count(n)
	}
	return out
}

func double(bits int64) api.Double { return api.Double(math.Float64frombits(uint64(bits))) } //nolint:gosec // IEEE bits

func textOf(t *segment.Table, c segment.TextColumn, i int) string {
	return string(t.Values[t.Texts[c][i]].Raw)
}

func spanIDText(id [8]byte) string {
	if id == [8]byte{} {
		return ""
	}
	return hex.EncodeToString(id[:])
}

func traceIDText(id [16]byte) string {
	if id == [16]byte{} {
		return ""
	}
	return hex.EncodeToString(id[:])
}

func attributes(t *segment.Table, ids []segment.ValueID) api.Attributes {
	out := make(api.Attributes, len(ids))
	for i, id := range ids {
		v := &t.Values[id]
		out[i] = api.KeyValue{Key: t.Keys[v.Key], Value: otlpjson.Of(v.OTLP())}
	}
	return out
}

// entityRef reads EntityRef, which a segment holds as it came.
func entityRef(message []byte) api.EntityRef {
	out := api.EntityRef{IDKeys: []string{}}
	for i := 0; i < len(message); {
		tag, s, e, p := otlp.Next(message, i)
		if p != otlp.Fine {
			break // ingest has refused such messages
		}
		text := string(message[s:e])
		switch tag {
		case otlp.EntityRefSchemaURL:
			out.SchemaURL = text
		case otlp.EntityRefType:
			out.Type = text
		case otlp.EntityRefIDKeys:
			out.IDKeys = append(out.IDKeys, text)
		case otlp.EntityRefDescriptionKeys:
			out.DescriptionKeys = append(out.DescriptionKeys, text)
		}
		i = e
	}
	return out
}
