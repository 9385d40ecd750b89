package segment

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Append walks an OTLP Export…ServiceRequest in one pass. It returns the number of items. On an error (always fault.Invalid)
// the table is as it was before. The table refers to payload until Reset.
//
// Known fields of a wrong wire type, truncation and ids of a wrong length are errors; unknown and deprecated fields are skipped.
// A metric without points carries nothing and leaves no trace.
func (t *Table) Append(payload []byte, position int64) (items int, err error) {
	before := t.mark()
	if t.pairs == nil {
		t.pairs = make([]pair, pairSlots)
	}
	t.Rows.prepare(t.schema)
	for _, c := range t.children {
		c.rows.prepare(c.schema)
	}
	w := &t.walk
	w.t, w.position, w.ordinal, w.depth, w.odd = t, position, 0, 0, false
	if !w.request(payload) {
		err := w.err
		t.rollback(before)
		return 0, err
	}
	w.t = nil
	return t.N - before.n, nil
}

// step is one step of the path to the field that is being read.
type step struct {
	name  string
	index int // negative: not a repeated field
}

// walker reads one payload into its table. Its methods return false after they have set err.
type walker struct {
	t        *Table
	position int64
	ordinal  int64
	resource uint32
	scope    uint32

	path  [12]step
	depth int
	err   error

	// odd is set by what pdata is known to treat otherwise: indexes into the string table of profiles, which are not kept here; groups with
	// content, which pdata refuses; packed numbers after unpacked ones, of which it drops the first. Differential tests leave these out.
	odd bool

	metric    metricText
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

// damaged fails with what next reported.
func (w *walker) damaged(code int) bool {
	w.err = fault.Newf(fault.Invalid, "otlp.malformed", "%s: malformed protobuf: %s", w.where(), wireReason(code))
	return false
}

// unknown is called for a field that no case has taken: a known field number there means a wrong wire type.
func (w *walker) unknown(tag uint64, known uint64) bool {
	if tag&7 == wireGroup {
		w.odd = true
	}
	if number := tag >> 3; number < 64 && known>>number&1 != 0 {
		w.err = fault.Newf(fault.Invalid, "otlp.wire_type", "%s: field %d has the wrong wire type %d", w.where(), number, tag&7)
		return false
	}
	return true
}

func (w *walker) badID(name string, length, want int) bool {
	w.err = fault.Newf(fault.Invalid, "otlp.bad_id_length", "%s.%s: has %d bytes, want %d or none", w.where(), name, length, want)
	return false
}

// fits checks an item's size and notes it: Slices bounds segments by it.
func (w *walker) fits(item []byte) bool {
	if len(item) > MaxItemBytes {
		w.err = fault.Newf(fault.Invalid, "otlp.item_too_large", "%s: has %d bytes, at most %d are stored", w.where(), len(item), MaxItemBytes)
		return false
	}
	w.t.sizes = append(w.t.sizes, uint32(len(item)))
	return true
}

func (w *walker) tooDeep() bool {
	w.err = fault.Newf(fault.Invalid, "otlp.too_deep", "%s: a value is nested deeper than %d levels", w.where(), maxNesting)
	return false
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
		tag, _, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			w.push(names.resources, n)
			if !w.resourceItems(data, names) {
				return false
			}
			w.pop()
			n++
		default:
			if !w.unknown(tag, 1<<1) {
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
		tag, _, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			resource.add(data)
		case 2<<3 | wireLen:
		case 3<<3 | wireLen:
			schemaURL = data
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3) {
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
		tag, _, data, end := next(b, i)
		i = end
		if tag == 2<<3|wireLen {
			w.push(names.scopes, n)
			if !w.scopeItems(data, names) {
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
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			id, _, ok := w.attribute(data, 0)
			if !ok {
				return false
			}
			w.attrs = append(w.attrs, id)
		case 2<<3 | wireVarint:
			dropped = uint32(num)
		case 3<<3 | wireLen:
			if !w.entityRef(data) {
				return false
			}
			w.refs = append(w.refs, data)
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3) {
				return false
			}
		}
	}
	w.resource = t.resource(w.attrs, dropped, schemaURL, w.refs)
	return true
}

// entityRef only checks: the message is kept verbatim.
func (w *walker) entityRef(b []byte) bool {
	for i := 0; i < len(b); {
		tag, _, _, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		if tag&7 != wireLen && !w.unknown(tag, 1<<1|1<<2|1<<3|1<<4) {
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
		tag, _, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			scope.add(data)
		case 2<<3 | wireLen:
			if waits {
				continue
			}
			w.push(names.items, n)
			if !w.item(data) {
				return false
			}
			w.pop()
			n++
		case 3<<3 | wireLen:
			schemaURL = data
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3) {
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
		tag, _, data, end := next(b, i)
		i = end
		if tag != 2<<3|wireLen {
			continue
		}
		w.push(names.items, n)
		if !w.readMetric(data) {
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
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			name = data
		case 2<<3 | wireLen:
			version = data
		case 3<<3 | wireLen:
			id, _, ok := w.attribute(data, 0)
			if !ok {
				return false
			}
			w.attrs = append(w.attrs, id)
		case 4<<3 | wireVarint:
			dropped = uint32(num)
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3|1<<4) {
				return false
			}
		}
	}
	w.scope = w.t.scope(name, version, w.attrs, dropped, schemaURL)
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
	p := &t.pairs[xxh3.Hash(b)%pairSlots]
	if !bytes.Equal(p.raw, b) || len(b) == 0 {
		key, id, ok := w.keyValue(b, node)
		if !ok {
			return 0, 0, false
		}
		*p = pair{raw: b, key: key, id: id}
		if w.odd {
			p.raw = nil // to be noticed again
		}
	}
	// The key list predicts the key: the child taken last.
	if last := t.tree.nodes[node].last; last != 0 && t.tree.nodes[last].key == p.key {
		return p.id, last, true
	}
	return p.id, t.tree.child(node, p.key), true
}

// keyValue reads a KeyValue after the key list node, and interns key and value.
func (w *walker) keyValue(b []byte, node uint32) (key KeyID, id ValueID, ok bool) {
	t := w.t
	var name []byte
	var v anyValue
	for i := 0; i < len(b); {
		tag, _, data, end := next(b, i)
		if end < 0 {
			return 0, 0, w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			name = data
		case 2<<3 | wireLen:
			if !w.readAny(data, &v, 0) {
				return 0, 0, false
			}
		case 3<<3 | wireVarint: // key_strindex: profiles only
			w.odd = true
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3) {
				return 0, 0, false
			}
		}
	}
	// The list predicts the key, as in attribute: to compare it takes a third of the time of looking it up.
	if last := t.tree.nodes[node].last; last != 0 && t.Keys[t.tree.nodes[last].key] == string(name) {
		key = t.tree.nodes[last].key
	} else {
		key = t.key(name)
	}
	return key, t.value(key, v.typ, v.num, v.raw), true
}

// anyValue is an AnyValue as it stands in a payload.
type anyValue struct {
	typ ValueType
	num uint64
	raw []byte
}

// readAny reads an AnyValue; of several values the last one counts.
func (w *walker) readAny(b []byte, v *anyValue, depth int) bool {
	for i := 0; i < len(b); {
		tag, num, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			*v = anyValue{typ: String, raw: data}
		case 2<<3 | wireVarint:
			if num != 0 {
				num = 1
			}
			*v = anyValue{typ: Bool, num: num}
		case 3<<3 | wireVarint:
			*v = anyValue{typ: Int, num: num}
		case 4<<3 | wireI64:
			*v = anyValue{typ: Double, num: num}
		case 5<<3 | wireLen:
			if !w.checkArray(data, depth+1) {
				return false
			}
			*v = anyValue{typ: Array, raw: data}
		case 6<<3 | wireLen:
			if !w.checkMap(data, depth+1) {
				return false
			}
			*v = anyValue{typ: Map, raw: data}
		case 7<<3 | wireLen:
			*v = anyValue{typ: Bytes, raw: data}
		case 8<<3 | wireVarint: // string_value_strindex: profiles only
			w.odd = true
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3|1<<4|1<<5|1<<6|1<<7|1<<8) {
				return false
			}
		}
	}
	return true
}

// checkArray and checkMap only check: nested values are kept verbatim.
func (w *walker) checkArray(b []byte, depth int) bool {
	if depth > maxNesting {
		return w.tooDeep()
	}
	var v anyValue
	for i := 0; i < len(b); {
		tag, _, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			if !w.readAny(data, &v, depth) {
				return false
			}
		default:
			if !w.unknown(tag, 1<<1) {
				return false
			}
		}
	}
	return true
}

func (w *walker) checkMap(b []byte, depth int) bool {
	if depth > maxNesting {
		return w.tooDeep()
	}
	for i := 0; i < len(b); {
		tag, _, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen:
			if !w.checkKeyValue(data, depth) {
				return false
			}
		default:
			if !w.unknown(tag, 1<<1) {
				return false
			}
		}
	}
	return true
}

func (w *walker) checkKeyValue(b []byte, depth int) bool {
	var v anyValue
	for i := 0; i < len(b); {
		tag, _, data, end := next(b, i)
		if end < 0 {
			return w.damaged(end)
		}
		i = end
		switch tag {
		case 1<<3 | wireLen, 3<<3 | wireVarint:
		case 2<<3 | wireLen:
			if !w.readAny(data, &v, depth) {
				return false
			}
		default:
			if !w.unknown(tag, 1<<1|1<<2|1<<3) {
				return false
			}
		}
	}
	return true
}
