package telemetry

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// How an item, or what items share, is made to fit: its largest values are cut, and what cannot be cut far enough is removed and counted,
// as an SDK does that has limits. Invariants:
//
//   - What is not cut is copied byte for byte; only fields that OTLP does not know are left out of a message that is cut.
//   - What is cut says so: a text and bytes end in the mark, a list in a text with the mark; a map, a resource and a scope of which something
//     is removed have an entry CutAttribute with the mark. The mark has a hash of all of it, so that what differed still does: two series, two
//     resources.
//   - The largest are cut first, all to the same level, to no less than a floor; then whole ones are removed, the largest first, of equals
//     the last. A list keeps its beginning, and a resource the attributes that name its service.
//   - The same message and the same room give the same bytes.

// CutAttribute is the attribute that a span or log record has of which something was cut, an integer: how many bytes of protobuf it had. In
// a map, and among the attributes of a resource or a scope, it is the entry that says how much of it is left, a text.
const CutAttribute = "olly.cut"

const (
	// trimFloor is the size of a field below which it is not cut: a quarter of the message around it where that is small, but not less than
	// a mark needs.
	trimFloor, leastFloor = 1 << 10, 128
	// markRoom is more than a mark takes, as an element of a list or a map.
	markRoom = 160
	// counterRoom is what a counter takes, and noteRoom what CutAttribute does.
	counterRoom, noteRoom = 2 + 5, 40
)

// role is what a field of a message is when the message is cut.
type role uint8

const (
	fixed     role = iota // stays as it is
	elsewhere             // is not looked at and not copied: the items of a container
	text                  // a string for people
	anyValue              // an AnyValue
	keyValue              // a KeyValue
	inner                 // a message of the form of
)

// slot is a field of a form that is not fixed.
type slot struct {
	tag       otlp.Tag
	role      role
	removable bool
	stays     []string // keys of a KeyValue that is not removed
	early     bool     // goes before the others are touched
	dropped   otlp.Tag // the counter, in the same message, of those that are removed; 0 where there is none
	of        *form    // of inner
}

// form is how a message is cut.
type form struct {
	known   otlp.Fields
	slots   []slot
	note    otlp.Tag // the field of attributes that CutAttribute is added to; 0 for none
	mark    otlp.Tag // the field of elements that the mark is added to when some are removed: of what is told apart by all of them; 0 for none
	ordered bool     // of elements, the first are kept
}

// The forms of OTLP's messages. What is removed is counted where it was; only exemplars have no counter. So no attribute of a point is
// removed, which would make two series one. A name that tells one thing from another (of a metric, its unit, of a scope) is not cut.
//
//nolint:gochecknoglobals // a table
var forms = newForms()

type formTable struct {
	span, record *form
	points       map[otlp.MetricKind]*form
	list, dict   *form
	headers      [4]*form // what the messages around items have of their own, by depth (see isChild)
}

func newForms() formTable {
	exemplar := &form{known: otlp.ExemplarFields, slots: []slot{{tag: otlp.ExemplarFilteredAttributes, role: keyValue}}}
	event := &form{known: otlp.EventFields, slots: []slot{
		{tag: otlp.EventAttributes, role: keyValue, removable: true, dropped: otlp.EventDroppedAttributesCount},
		{tag: otlp.EventName, role: text},
	}}
	link := &form{known: otlp.LinkFields, slots: []slot{
		{tag: otlp.LinkAttributes, role: keyValue, removable: true, dropped: otlp.LinkDroppedAttributesCount},
	}}
	status := &form{known: otlp.StatusFields, slots: []slot{{tag: otlp.StatusMessage, role: text}}}
	span := &form{known: otlp.SpanFields, note: otlp.SpanAttributes, slots: []slot{
		{tag: otlp.SpanAttributes, role: keyValue, removable: true, dropped: otlp.SpanDroppedAttributesCount},
		{tag: otlp.SpanEvents, role: inner, of: event, removable: true, dropped: otlp.SpanDroppedEventsCount},
		{tag: otlp.SpanLinks, role: inner, of: link, removable: true, dropped: otlp.SpanDroppedLinksCount},
		{tag: otlp.SpanStatus, role: inner, of: status},
		{tag: otlp.SpanName, role: text},
	}}
	record := &form{known: otlp.LogRecordFields, note: otlp.LogRecordAttributes, slots: []slot{
		{tag: otlp.LogRecordAttributes, role: keyValue, removable: true, dropped: otlp.LogRecordDroppedAttributesCount},
		{tag: otlp.LogRecordBody, role: anyValue},
		{tag: otlp.LogRecordSeverityText, role: text},
		{tag: otlp.LogRecordEventName, role: text},
	}}
	number := pointForm(otlp.NumberDataPointFields, otlp.NumberDataPointAttributes, otlp.NumberDataPointExemplars, exemplar)
	points := map[otlp.MetricKind]*form{
		otlp.Gauge:     number,
		otlp.Sum:       number,
		otlp.Histogram: pointForm(otlp.HistogramDataPointFields, otlp.HistogramDataPointAttributes, otlp.HistogramDataPointExemplars, exemplar),
		otlp.ExponentialHistogram: pointForm(otlp.ExponentialHistogramDataPointFields, otlp.ExponentialHistogramDataPointAttributes,
			otlp.ExponentialHistogramDataPointExemplars, exemplar),
		otlp.Summary: {known: otlp.SummaryDataPointFields, slots: []slot{{tag: otlp.SummaryDataPointAttributes, role: keyValue}}},
	}

	list := &form{known: otlp.ArrayValueFields, mark: otlp.ArrayValueValues, ordered: true, slots: []slot{
		{tag: otlp.ArrayValueValues, role: anyValue, removable: true},
	}}
	dict := &form{known: otlp.KeyValueListFields, mark: otlp.KeyValueListValues, slots: []slot{
		{tag: otlp.KeyValueListValues, role: keyValue, removable: true},
	}}

	resource := &form{known: otlp.ResourceFields, mark: otlp.ResourceAttributes, slots: []slot{
		{
			tag: otlp.ResourceAttributes, role: keyValue, removable: true, dropped: otlp.ResourceDroppedAttributesCount,
			stays: []string{otlp.ServiceName, otlp.ServiceNamespace},
		},
	}}
	scope := &form{known: otlp.InstrumentationScopeFields, mark: otlp.InstrumentationScopeAttributes, slots: []slot{
		{tag: otlp.InstrumentationScopeAttributes, role: keyValue, removable: true, dropped: otlp.InstrumentationScopeDroppedAttributesCount},
	}}
	headers := [...]*form{
		{known: otlp.ResourceItemsFields, slots: []slot{
			{tag: otlp.ResourceItemsResource, role: inner, of: resource}, {tag: otlp.ResourceItemsScopeItems, role: elsewhere},
		}},
		{known: otlp.ScopeItemsFields, slots: []slot{
			{tag: otlp.ScopeItemsScope, role: inner, of: scope}, {tag: otlp.ScopeItemsItems, role: elsewhere},
		}},
		{known: otlp.MetricFields, slots: []slot{
			{tag: otlp.MetricDescription, role: text},
			{tag: otlp.MetricMetadata, role: keyValue},
			{tag: otlp.MetricGauge, role: elsewhere},
			{tag: otlp.MetricSum, role: elsewhere},
			{tag: otlp.MetricHistogram, role: elsewhere},
			{tag: otlp.MetricExponentialHistogram, role: elsewhere},
			{tag: otlp.MetricSummary, role: elsewhere},
		}},
		{known: otlp.SumFields, slots: []slot{{tag: otlp.DataPoints, role: elsewhere}}},
	}
	return formTable{span: span, record: record, points: points, list: list, dict: dict, headers: headers}
}

func pointForm(known otlp.Fields, attributes, exemplars otlp.Tag, exemplar *form) *form {
	return &form{known: known, slots: []slot{
		{tag: attributes, role: keyValue}, {tag: exemplars, role: inner, of: exemplar, removable: true, early: true},
	}}
}

// itemForm is the form of an item.
func itemForm(signal Signal, kind otlp.MetricKind) *form {
	switch signal {
	case Traces:
		return forms.span
	case Logs:
		return forms.record
	case Metrics:
	}
	return forms.points[kind]
}

func (f *form) slot(tag otlp.Tag) int {
	return slices.IndexFunc(f.slots, func(s slot) bool { return s.tag == tag })
}

// trim appends the message b, which has passed Check, cut to at most room bytes. False where that cannot be: then nothing is appended.
func (f *form) trim(dst, b []byte, room int) ([]byte, bool) {
	if !slices.ContainsFunc(f.slots, func(s slot) bool { return s.early }) {
		return f.trimAt(dst, b, room, func(slot) stage { return touched })
	}
	// Exemplars explain a point: all of them go before its attributes are cut.
	if out, ok := f.trimAt(dst, b, room, func(s slot) stage {
		if s.early {
			return touched
		}
		return spared
	}); ok {
		return out, true
	}
	return f.trimAt(dst, b, room, func(s slot) stage {
		if s.early {
			return gone
		}
		return touched
	})
}

// stage is what a pass over a message does with the fields of a slot.
type stage uint8

const (
	touched stage = iota // cut and, where they may be, removed
	spared               // left as they are
	gone                 // removed
)

func (f *form) trimAt(dst, b []byte, room int, stages func(slot) stage) ([]byte, bool) {
	if f.mark != 0 {
		room -= markRoom
	}
	if f.note != 0 {
		room -= noteRoom
	}
	for _, s := range f.slots {
		if s.dropped != 0 {
			room -= counterRoom
		}
	}
	p, ok := f.plan(b, room, stages)
	if !ok {
		return dst, false
	}
	start := len(dst)
	removed := make([]uint64, len(f.slots))
	var elements, equals, used int
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		n := f.slot(tag)
		switch {
		case n < 0 && !f.known.Has(tag): // storage does not keep it
		case n < 0 || f.slots[n].role != elsewhere && stages(f.slots[n]) == spared:
			dst = append(dst, b[i:e]...)
		case f.slots[n].role == elsewhere:
		case stages(f.slots[n]) == gone:
			removed[n]++
		default:
			elements++
			size := e - i
			kept := min(size, p.level)
			stays, mayGo := true, f.slots[n].mayGo(b[s:e])
			switch {
			case !mayGo || !p.removing:
			case f.ordered:
				used += kept
				stays = used <= p.room
			case kept == p.limit:
				equals++
				stays = equals <= p.equals
			default:
				stays = kept < p.limit
			}
			stays = stays && (!f.ordered || removed[n] == 0)
			if stays && size <= p.level {
				dst = append(dst, b[i:e]...)
			} else if stays {
				dst, stays = f.slots[n].trim(dst, b[s:e], p.level)
			}
			if !stays {
				if !mayGo {
					return dst[:start], false
				}
				removed[n]++
			}
		}
		i = e
	}
	for n, s := range f.slots {
		if removed[n] == 0 {
			continue
		}
		if s.dropped != 0 {
			dst = otlp.AppendTag(dst, s.dropped) // of two, the last counts
			dst = otlp.AppendUvarint(dst, min(p.dropped[n]+removed[n], math.MaxUint32))
		}
		if f.mark != 0 {
			dst = f.appendMark(dst, b, elements, elements-int(removed[n])) //nolint:gosec // not more than elements
		}
	}
	if f.note != 0 {
		value := otlp.AppendUvarint(otlp.AppendTag(nil, otlp.AnyValueIntValue), uint64(len(b)))
		dst = otlp.AppendBytes(dst, f.note, otlp.AppendBytes(otlp.AppendBytes(nil, otlp.KeyValueKey, CutAttribute), otlp.KeyValueValue, value))
	}
	return dst, true
}

// plan is what becomes of the fields of a message.
type plan struct {
	level    int  // the size that larger ones are cut to
	removing bool // some are removed, too: those beyond limit, and of those of that size all but the first equals
	limit    int
	equals   int
	room     int // of an ordered form: for elements
	dropped  []uint64
}

func (f *form) plan(b []byte, room int, stages func(slot) stage) (plan, bool) {
	p := plan{dropped: make([]uint64, len(f.slots))}
	floor := min(trimFloor, max(room/4, leastFloor))
	var large []int // sizes of what can be cut, where beyond the floor
	var counts [trimFloor + 1]int
	least, removable := 0, 0 // what all take, and of these what can be removed, when all is cut to the floor
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		size := e - i
		n := f.slot(tag)
		if n < 0 {
			if f.known.Has(tag) {
				least += size
			}
			for n, slot := range f.slots {
				if slot.dropped == tag {
					p.dropped[n] = otlp.Number(b, s)
				}
			}
			i = e
			continue
		}
		switch slot := f.slots[n]; {
		case slot.role == elsewhere || stages(slot) == gone:
		case stages(slot) == spared:
			least += size
		default:
			if size > floor {
				large = append(large, size)
			}
			kept := min(size, floor)
			least += kept
			if slot.mayGo(b[s:e]) {
				removable += kept
				counts[kept]++
			}
		}
		i = e
	}
	if least <= room {
		p.level = waterLevel(large, room-least+len(large)*floor)
		return p, true
	}
	p.level, p.removing, p.room = floor, true, room-(least-removable)
	if p.room < 0 {
		return p, false
	}
	over := least - room
	for p.limit = floor; p.limit > 0; p.limit-- {
		n := counts[p.limit]
		if over <= n*p.limit {
			p.equals = n - (over+p.limit-1)/p.limit
			break
		}
		over -= n * p.limit
	}
	return p, true
}

// waterLevel is the greatest level for which the sizes, each bounded by it, take no more than room.
func waterLevel(sizes []int, room int) int {
	slices.Sort(sizes)
	for i, size := range sizes {
		if rest := len(sizes) - i; size*rest > room {
			return room / rest
		}
		room -= size
	}
	return math.MaxInt
}

// mayGo says whether a field of the slot with the content b may be removed.
func (s slot) mayGo(b []byte) bool {
	if len(s.stays) == 0 {
		return s.removable
	}
	var key string
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		if tag == otlp.KeyValueKey {
			key = string(b[s:e])
		}
		i = e
	}
	return s.removable && !slices.Contains(s.stays, key)
}

// trim appends the field with the content b, cut to at most room bytes.
func (s slot) trim(dst, b []byte, room int) ([]byte, bool) {
	switch s.role {
	case text:
		return nest(dst, s.tag, room, func(dst []byte, room int) ([]byte, bool) { return trimText(dst, b, room) })
	case anyValue:
		return nest(dst, s.tag, room, func(dst []byte, room int) ([]byte, bool) { return held(b).trim(dst, room) })
	case keyValue:
		return nest(dst, s.tag, room, func(dst []byte, room int) ([]byte, bool) { return trimKeyValue(dst, b, room) })
	case inner:
		return nest(dst, s.tag, room, func(dst []byte, room int) ([]byte, bool) { return s.of.trim(dst, b, room) })
	case fixed, elsewhere:
	}
	return dst, false
}

// nest appends a field of at most room bytes with what write appends as its content.
func nest(dst []byte, tag otlp.Tag, room int, write func(dst []byte, room int) ([]byte, bool)) ([]byte, bool) {
	start := len(dst)
	dst = otlp.AppendTag(dst, tag)
	reserve := otlp.UvarintLen(uint64(max(room, 0)))
	lenAt := len(dst)
	dst = append(dst, make([]byte, reserve)...)
	content := len(dst)
	dst, ok := write(dst, room-(content-start))
	if !ok {
		return dst[:start], false
	}
	return closeLength(dst, lenAt, reserve), true
}

// closeLength writes, into the reserve of bytes at lenAt, the length of what follows it.
func closeLength(b []byte, lenAt, reserve int) []byte {
	content := lenAt + reserve
	n := len(otlp.AppendUvarint(b[lenAt:lenAt:content], uint64(len(b)-content))) //nolint:gosec // not negative
	if n < reserve {
		copy(b[lenAt+n:], b[content:])
		b = b[:len(b)-(reserve-n)]
	}
	return b
}

// holding is what an AnyValue holds.
type holding struct {
	tag   otlp.Tag // 0 where it holds nothing
	field []byte   // with its tag
	b     []byte   // its content
}

// held reads an AnyValue: of several values, the last one counts.
func held(b []byte) (h holding) {
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		if otlp.AnyValueFields.Has(tag) && tag != otlp.AnyValueStringValueStrindex {
			h = holding{tag, b[i:e], b[s:e]}
		}
		i = e
	}
	return h
}

func (h holding) trim(dst []byte, room int) ([]byte, bool) {
	switch {
	case len(h.field) <= room:
		return append(dst, h.field...), true
	case h.tag == otlp.AnyValueStringValue || h.tag == otlp.AnyValueBytesValue:
		return slot{tag: h.tag, role: text}.trim(dst, h.b, room)
	case h.tag == otlp.AnyValueArrayValue:
		return slot{tag: h.tag, role: inner, of: forms.list}.trim(dst, h.b, room)
	case h.tag == otlp.AnyValueKvlistValue:
		return slot{tag: h.tag, role: inner, of: forms.dict}.trim(dst, h.b, room)
	}
	return dst, false
}

// trimKeyValue appends the content of a KeyValue, whose value is cut.
func trimKeyValue(dst, b []byte, room int) ([]byte, bool) {
	var key []byte
	var value holding
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		switch tag {
		case otlp.KeyValueKey:
			key = b[s:e]
		case otlp.KeyValueValue:
			if h := held(b[s:e]); h.tag != 0 { // of two values, each without the other's field, both count
				value = h
			}
		}
		i = e
	}
	start := len(dst)
	if room -= 1 + otlp.UvarintLen(uint64(len(key))) + len(key); room < 0 {
		return dst, false
	}
	dst = otlp.AppendBytes(dst, otlp.KeyValueKey, key)
	out, ok := nest(dst, otlp.KeyValueValue, room, value.trim)
	if !ok {
		return out[:start], false
	}
	return out, true
}

// trimText appends the beginning of a text, or of bytes, and the mark.
func trimText(dst, b []byte, room int) ([]byte, bool) {
	if len(b) <= room {
		return append(dst, b...), true
	}
	sum := xxh3.Hash(b)
	keep := room - len(appendCut(nil, len(b), len(b), "bytes", sum)) // the number of those that stay is no longer
	if keep < 0 {
		return dst, false
	}
	keep -= partialRune(b[:keep])
	return appendCut(append(dst, b[:keep]...), keep, len(b), "bytes", sum), true
}

// partialRune is how many bytes at the end of b are the beginning of a character in UTF-8 that does not end there.
func partialRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// appendMark appends to what has lost elements the one that says so.
func (f *form) appendMark(dst, b []byte, total, kept int) []byte {
	value := otlp.AppendBytes(nil, otlp.AnyValueStringValue, appendCut(nil, kept, total, "values", f.sum(b)))
	if f.ordered {
		return otlp.AppendBytes(dst, f.mark, value)
	}
	return otlp.AppendBytes(dst, f.mark, otlp.AppendBytes(otlp.AppendBytes(nil, otlp.KeyValueKey, CutAttribute), otlp.KeyValueValue, value))
}

// sum is the hash of all of a list, or of the entries of a map, a resource or a scope: there, their order does not matter, as it does not to
// what is told apart by them.
func (f *form) sum(b []byte) (sum uint64) {
	if f.ordered {
		return xxh3.Hash(b)
	}
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		if tag == f.mark {
			sum += xxh3.Hash(b[s:e])
		}
		i = e
	}
	return sum
}

// appendCut appends the mark of what is cut: "…[cut by ollyScale: 9,437,184 of 10,485,760 bytes kept, xxh3 6b1f3c0d9a2e4857]".
func appendCut(dst []byte, kept, total int, unit string, sum uint64) []byte {
	dst = append(dst, "…[cut by ollyScale: "...)
	dst = append(appendGrouped(dst, kept), " of "...)
	dst = append(appendGrouped(dst, total), ' ')
	dst = append(append(dst, unit...), " kept, xxh3 "...)
	digits := strconv.AppendUint(nil, sum, 16)
	for range 16 - len(digits) {
		dst = append(dst, '0')
	}
	return append(append(dst, digits...), ']')
}

// appendGrouped appends a number with a comma between thousands.
func appendGrouped(dst []byte, n int) []byte {
	digits := strconv.Itoa(n)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, digits[i])
	}
	return dst
}
