package segment

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Append walks an OTLP Export…ServiceRequest in one pass. It returns the number of items. On an error (always fault.Invalid)
// the table is as it was before. The table refers to payload until Reset.
//
// Known fields of a wrong wire type, truncation and ids of a wrong length are errors; unknown and deprecated fields are skipped.
// A metric without points carries nothing and leaves no trace.
func (t *Table) Append(payload []byte, position int64) (items int, err error) {
	return t.AppendFrom(payload, Origin{Position: position})
}

// Origin is where the items of a request come from.
type Origin struct {
	Position   int64  // of its message in the queue
	Ordinal    int64  // of its first item: how many others of the position come before it
	Connection string // the key that it was sent with; "" for none
}

// AppendFrom is Append for the items of a known origin.
func (t *Table) AppendFrom(payload []byte, from Origin) (items int, err error) {
	before := t.b.Mark()
	if t.pairs == nil {
		t.pairs = make([]pair, pairSlots)
	}
	t.b.Prepare()
	w := &t.walk
	w.t, w.pairs, w.position, w.ordinal, w.depth = &t.b, t.pairs, from.Position, from.Ordinal, 0
	w.connection = t.b.InternText(table.KeyOf(TextConnection), []byte(from.Connection))
	if !w.request(payload) {
		err := w.err
		t.rollback(before)
		return 0, err
	}
	w.t, w.pairs = nil, nil
	return t.N - before.Rows(), nil
}

// step is one step of the path to the field that is being read.
type step struct {
	name  string
	index int // negative: not a repeated field
}

// walker reads one payload into its table. Its methods return false after they have set err.
type walker struct {
	t        *table.Builder
	pairs    []pair // as interned before
	position int64
	ordinal  int64
	resource uint32
	scope    uint32

	connection ValueID // of all items

	path  [12]step
	depth int
	err   error

	metric    table.MetricText
	metricRef uint32
	hasMetric bool
	point     point
	attrs     []ValueID
	metadata  []ValueID
	refs      [][]byte
}

func (w *walker) reset() {
	clear(w.refs[:cap(w.refs)])
	*w = walker{attrs: w.attrs[:0], metadata: w.metadata[:0], refs: w.refs[:0], point: point{
		counts: w.point.counts[:0], positive: w.point.positive[:0], negative: w.point.negative[:0],
		quantiles: w.point.quantiles[:0], quantileValues: w.point.quantileValues[:0], attrs: w.point.attrs[:0],
	}}
}

func (w *walker) push(name string, index int) {
	if w.depth < len(w.path) {
		w.path[w.depth] = step{name, index}
	}
	w.depth++
}

func (w *walker) pop() { w.depth-- }

// where is the path of the field that is being read: resource_spans[0].scope_spans[1].spans[17].
func (w *walker) where() string {
	var b strings.Builder
	for i, s := range w.path[:min(w.depth, len(w.path))] {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
		if s.index >= 0 {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteByte(']')
		}
	}
	if b.Len() == 0 {
		return "request"
	}
	return b.String()
}

// damaged fails with what otlp.Next reported.
func (w *walker) damaged(p otlp.Problem) bool {
	w.err = telemetry.ErrMalformed.Newf("%s: malformed protobuf: %s", w.where(), p)
	return false
}

// refused fails with what was found at b[at:], in an attribute or a body.
func (w *walker) refused(b []byte, at int, p otlp.Problem) bool {
	switch p {
	case otlp.WrongType:
		tag, _, _, _ := otlp.Next(b, at)
		return w.wrongType(tag)
	case otlp.TooDeep:
		w.err = errTooDeep.Newf("%s: %s", w.where(), p)
		return false
	case otlp.Fine, otlp.Truncated, otlp.BadVarint, otlp.BadTag, otlp.BadWireType:
	}
	return w.damaged(p)
}

// unknown is called for a field that no case has taken: one of the message's own has a wrong wire type, another is skipped.
func (w *walker) unknown(tag otlp.Tag, known otlp.Fields) bool {
	return !known.Has(tag) || w.wrongType(tag)
}

func (w *walker) wrongType(tag otlp.Tag) bool {
	w.err = errWireType.Newf("%s: field %d has the wrong wire type %d", w.where(), tag.Number(), tag.Wire())
	return false
}

func (w *walker) badID(name string, length, want int) bool {
	w.err = errIDLength.Newf("%s.%s: has %d bytes, want %d or none", w.where(), name, length, want)
	return false
}

// fits checks an item's size and notes it: Slices bounds segments by it.
func (w *walker) fits(item []byte) bool {
	if len(item) > MaxItemBytes {
		w.err = errItemTooLarge.Newf("%s: has %d bytes, at most %d are stored", w.where(), len(item), MaxItemBytes)
		return false
	}
	w.t.Weigh(uint32(len(item)))
	return true
}

// Names of the levels in error paths.
type levelNames struct{ resources, scopes, items string }

func levels(s telemetry.Signal) levelNames {
	switch s {
	case telemetry.Traces:
		return levelNames{"resource_spans", "scope_spans", "spans"}
	case telemetry.Logs:
		return levelNames{"resource_logs", "scope_logs", "log_records"}
	case telemetry.Metrics:
		return levelNames{"resource_metrics", "scope_metrics", "metrics"}
	}
	return levelNames{}
}

// request reads Export…ServiceRequest: all three signals have the same outer form.
func (w *walker) request(b []byte) bool {
	names := levels(w.t.Signal)
	n := 0
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.ExportResourceItems:
			w.push(names.resources, n)
			if !w.resourceItems(b[s:e:e], names) {
				return false
			}
			w.pop()
			n++
		default:
			if !w.unknown(tag, otlp.ExportFields) {
				return false
			}
		}
	}
	return true
}

// resourceItems reads ResourceSpans, ResourceLogs or ResourceMetrics: first the resource and schema URL (which comes last on the wire),
// then the items.
func (w *walker) resourceItems(b []byte, names levelNames) bool {
	var resource joined
	var schemaURL []byte
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.ResourceItemsResource:
			resource.add(b[s:e:e])
		case otlp.ResourceItemsScopeItems:
		case otlp.ResourceItemsSchemaURL:
			schemaURL = b[s:e:e]
		default:
			if !w.unknown(tag, otlp.ResourceItemsFields) {
				return false
			}
		}
	}
	w.push("resource", -1)
	if !w.readResource(resource.b, schemaURL) {
		return false
	}
	w.pop()
	n := 0
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		i = e
		if tag == otlp.ResourceItemsScopeItems {
			w.push(names.scopes, n)
			if !w.scopeItems(b[s:e:e], names) {
				return false
			}
			w.pop()
			n++
		}
	}
	return true
}

// joined is a field that may occur several times. Protobuf merges a message that does, which for encoded messages is concatenation, as
// it is for packed numbers.
type joined struct {
	b   []byte
	own bool // b is no longer the payload's memory
}

func (j *joined) add(b []byte) {
	switch {
	case len(j.b) == 0:
		j.b = b
	case !j.own:
		j.b = append(append(make([]byte, 0, 2*(len(j.b)+len(b))), j.b...), b...)
		j.own = true
	default:
		j.b = append(j.b, b...)
	}
}

func (w *walker) readResource(b, schemaURL []byte) bool {
	t := w.t
	w.attrs, w.refs = w.attrs[:0], w.refs[:0]
	var dropped uint32
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.ResourceAttributes:
			id, _, ok := w.attribute(b[s:e:e], 0)
			if !ok {
				return false
			}
			w.attrs = append(w.attrs, id)
		case otlp.ResourceDroppedAttributesCount:
			dropped = uint32(otlp.Number(b, s))
		case otlp.ResourceEntityRefs:
			if !w.entityRef(b[s:e:e]) {
				return false
			}
			w.refs = append(w.refs, b[s:e:e])
		default:
			if !w.unknown(tag, otlp.ResourceFields) {
				return false
			}
		}
	}
	w.resource = t.InternResource(w.attrs, dropped, schemaURL, w.refs)
	return true
}

// entityRef only checks: the message is kept verbatim.
func (w *walker) entityRef(b []byte) bool {
	for i := 0; i < len(b); {
		tag, _, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		if tag.Wire() != otlp.Len && !w.unknown(tag, otlp.EntityRefFields) {
			return false
		}
	}
	return true
}

// scopeItems reads ScopeSpans, ScopeLogs or ScopeMetrics in one go: the scope of spans and records is entered when its schema URL, which
// comes last on the wire, is known. Going through them twice took an eighth of a flush, as they are not in the cache the first time. A
// series is named by its scope, so that metrics wait for it.
func (w *walker) scopeItems(b []byte, names levelNames) bool {
	var scope joined
	var schemaURL []byte
	waits := w.t.Signal == telemetry.Metrics
	first, n := w.t.N, 0
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.ScopeItemsScope:
			scope.add(b[s:e:e])
		case otlp.ScopeItemsItems:
			if waits {
				continue
			}
			w.push(names.items, n)
			if !w.item(b[s:e:e]) {
				return false
			}
			w.pop()
			n++
		case otlp.ScopeItemsSchemaURL:
			schemaURL = b[s:e:e]
		default:
			if !w.unknown(tag, otlp.ScopeItemsFields) {
				return false
			}
		}
	}
	w.push("scope", -1)
	if !w.readScope(scope.b, schemaURL) {
		return false
	}
	w.pop()
	if !waits {
		scopes := w.t.Ints[ColScope]
		for i := first; i < len(scopes); i++ {
			scopes[i] = int64(w.scope)
		}
		return true
	}
	for i := 0; i < len(b); {
		tag, s, e, _ := otlp.Next(b, i)
		i = e
		if tag != otlp.ScopeItemsItems {
			continue
		}
		w.push(names.items, n)
		if !w.readMetric(b[s:e:e]) {
			return false
		}
		w.pop()
		n++
	}
	return true
}

// item reads a span or a log record.
func (w *walker) item(b []byte) bool {
	if !w.fits(b) {
		return false
	}
	if w.t.Signal == telemetry.Traces {
		return w.span(b)
	}
	return w.logRecord(b)
}

func (w *walker) readScope(b, schemaURL []byte) bool {
	w.attrs = w.attrs[:0]
	var name, version []byte
	var dropped uint32
	for i := 0; i < len(b); {
		tag, s, e, p := otlp.Next(b, i)
		if p != otlp.Fine {
			return w.damaged(p)
		}
		i = e
		switch tag {
		case otlp.InstrumentationScopeName:
			name = b[s:e:e]
		case otlp.InstrumentationScopeVersion:
			version = b[s:e:e]
		case otlp.InstrumentationScopeAttributes:
			id, _, ok := w.attribute(b[s:e:e], 0)
			if !ok {
				return false
			}
			w.attrs = append(w.attrs, id)
		case otlp.InstrumentationScopeDroppedAttributesCount:
			dropped = uint32(otlp.Number(b, s))
		default:
			if !w.unknown(tag, otlp.InstrumentationScopeFields) {
				return false
			}
		}
	}
	w.scope = w.t.InternScope(name, version, w.attrs, dropped, schemaURL)
	return true
}

// pair is a KeyValue as it stood in a payload, and what it was interned as.
type pair struct {
	raw []byte
	key KeyID
	id  ValueID
}

// pairSlots is how many pairs a table remembers: 128 KiB, which stay in the cache of a core.
const pairSlots = 1 << 12

// attribute reads a KeyValue and interns it; node is the key list so far, and the one with this key is returned. Most come again, byte
// by byte: to find those is cheaper than to read them, and the walk of spans takes 0.5 µs each instead of 0.85.
func (w *walker) attribute(b []byte, node uint32) (id ValueID, child uint32, ok bool) {
	t := w.t
	p := &w.pairs[xxh3.Hash(b)%pairSlots]
	if !bytes.Equal(p.raw, b) || len(b) == 0 {
		key, id, ok := w.keyValue(b, node)
		if !ok {
			return 0, 0, false
		}
		*p = pair{raw: b, key: key, id: id}
	}
	// The key list predicts the key: the child taken last.
	if last, key := t.Shapes.Likely(node); last != 0 && key == p.key {
		return p.id, last, true
	}
	return p.id, t.Shapes.Child(node, p.key), true
}

// keyValue reads a KeyValue after the key list node, and interns key and value.
func (w *walker) keyValue(b []byte, node uint32) (key KeyID, id ValueID, ok bool) {
	t := w.t
	var v otlp.Value
	name, at, p := otlp.ReadKeyValue(b, &v)
	if p != otlp.Fine {
		return 0, 0, w.refused(b, at, p)
	}
	// The list predicts the key, as in attribute: to compare it takes a third of the time of looking it up.
	if last, likely := t.Shapes.Likely(node); last != 0 && t.Keys[likely] == string(name) {
		key = likely
	} else {
		key = t.InternKey(name)
	}
	return key, t.InternValue(key, v.Type, v.Num, v.Raw), true
}
