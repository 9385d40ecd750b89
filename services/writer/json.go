//nolint:gosec // G115: integers are converted to what the wire and the columns hold; sizes are bounded by a bus message
package writer

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/schema"
)

// How OTLP values look in the projection's jsonb:
//
//	string → string   bool → true/false   int → number   double → number with a fraction or an exponent, so that 1.0 is not 1
//	NaN, +Inf, -Inf → "NaN", "Infinity", "-Infinity"   bytes → {"bytesValue": "<base64>"}, OTLP's own name
//	array → array   map → object   a value that is not set → null
//
// PostgreSQL refuses NUL and invalid UTF-8 in text and jsonb. One bad byte must not cost a batch, so NUL becomes the six visible
// characters \u0000 and each invalid byte U+FFFD. What came in verbatim stands in the segment; the projection is for reading.
//
// The keys of every object are written in jsonb's own order (shorter first, then bytewise), each once: PostgreSQL's sort then
// takes its already-sorted path, 11 % of the server's cost of a row. Of equal keys the last one wins, as in jsonb.

// jsonValues renders the attribute values of one table. Values are interned by the table, so each is rendered once and copied afterwards.
type jsonValues struct {
	table   *segment.Table
	rank    []uint32 // by KeyID: the key's place in jsonb's order; equal keys share one
	pieces  []piece  // by ValueID
	arena   []byte
	scratch []segment.ValueID
	maps    mapEntries
}

// piece is where a value's `"key":value` stands in the arena; end 0 = not rendered yet.
type piece struct{ start, value, end uint32 }

// reset prepares for a table whose appends are done.
func (j *jsonValues) reset(t *segment.Table) {
	j.table = t
	j.arena = j.arena[:0]
	j.pieces = slices.Grow(j.pieces[:0], len(t.Values))[:len(t.Values)]
	clear(j.pieces)

	type named struct {
		text []byte
		id   int
	}
	keys := make([]named, len(t.Keys))
	for i, k := range t.Keys {
		keys[i] = named{text: schema.AppendText(nil, []byte(k)), id: i}
	}
	slices.SortFunc(keys, func(a, b named) int { return compareKeys(a.text, b.text) })
	j.rank = slices.Grow(j.rank[:0], len(keys))[:len(keys)]
	var rank uint32
	for i, k := range keys {
		if i > 0 && !bytes.Equal(k.text, keys[i-1].text) {
			rank++
		}
		j.rank[k.id] = rank
	}
}

// piece returns the rendered form of a value.
func (j *jsonValues) piece(id segment.ValueID) piece {
	if p := j.pieces[id]; p.end != 0 {
		return p
	}
	v := &j.table.Values[id]
	p := piece{start: uint32(len(j.arena))}
	j.arena = appendString(j.arena, []byte(j.table.Keys[v.Key]))
	j.arena = append(j.arena, ':')
	p.value = uint32(len(j.arena))
	j.arena = j.maps.appendValue(j.arena, v.OTLP())
	p.end = uint32(len(j.arena))
	j.pieces[id] = p
	return p
}

// appendObject writes attributes as a JSON object.
func (j *jsonValues) appendObject(dst []byte, ids []segment.ValueID) []byte {
	dst = append(dst, '{')
	switch len(ids) {
	case 0:
		return append(dst, '}')
	case 1:
	default:
		ids = j.sorted(ids)
	}
	first := true
	for i, id := range ids {
		if i+1 < len(ids) && j.rank[j.table.Values[id].Key] == j.rank[j.table.Values[ids[i+1]].Key] {
			continue // a later one of the same key wins
		}
		p := j.piece(id)
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, j.arena[p.start:p.end]...)
	}
	return append(dst, '}')
}

// sorted returns ids in the order of their keys; equal keys keep their order. Senders tend to send one order, so an insertion
// sort over a dozen attributes is the quickest.
func (j *jsonValues) sorted(ids []segment.ValueID) []segment.ValueID {
	j.scratch = append(j.scratch[:0], ids...)
	s := j.scratch
	values, rank := j.table.Values, j.rank
	if len(s) > 64 {
		slices.SortStableFunc(s, func(a, b segment.ValueID) int {
			return int(rank[values[a].Key]) - int(rank[values[b].Key])
		})
		return s
	}
	for i := 1; i < len(s); i++ {
		id := s[i]
		r := rank[values[id].Key]
		k := i
		for k > 0 && rank[values[s[k-1]].Key] > r {
			s[k] = s[k-1]
			k--
		}
		s[k] = id
	}
	return s
}

// object is appendObject as a string.
func (j *jsonValues) object(ids []segment.ValueID) string { return string(j.appendObject(nil, ids)) }

// appendAny writes one value without its key: a log body.
func (j *jsonValues) appendAny(dst []byte, id segment.ValueID) []byte {
	p := j.piece(id)
	return append(dst, j.arena[p.value:p.end]...)
}

// compareKeys is jsonb's order of keys: shorter first, then bytewise.
func compareKeys(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// mapEntries holds the entries of the maps that are being written, the innermost last: what jsonb's order of keys is found in.
type mapEntries []mapEntry

type mapEntry struct {
	key   []byte // as PostgreSQL takes it
	value otlp.Value
}

func (m *mapEntries) appendValue(dst []byte, v otlp.Value) []byte {
	switch v.Type {
	case otlp.Empty:
	case otlp.String:
		return appendString(dst, v.Raw)
	case otlp.Bool:
		return strconv.AppendBool(dst, v.Num != 0)
	case otlp.Int:
		return strconv.AppendInt(dst, int64(v.Num), 10)
	case otlp.Double:
		return appendDouble(dst, math.Float64frombits(v.Num))
	case otlp.Bytes:
		return appendBytes(dst, v.Raw)
	case otlp.Array:
		return m.appendArray(dst, v)
	case otlp.Map:
		return m.appendMap(dst, v)
	}
	return append(dst, "null"...)
}

func (m *mapEntries) appendArray(dst []byte, v otlp.Value) []byte {
	dst = append(dst, '[')
	start := len(dst)
	for e := v.Elements(); e.Next(); {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = m.appendValue(dst, e.Value)
	}
	return append(dst, ']')
}

func (m *mapEntries) appendMap(dst []byte, v otlp.Value) []byte {
	outer := len(*m)
	for e := v.Elements(); e.Next(); {
		*m = append(*m, mapEntry{key: cleaned(e.Key), value: e.Value})
	}
	entries := (*m)[outer:]
	slices.SortStableFunc(entries, func(a, b mapEntry) int { return compareKeys(a.key, b.key) })
	dst = append(dst, '{')
	start := len(dst)
	for i, e := range entries {
		if i+1 < len(entries) && bytes.Equal(e.key, entries[i+1].key) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = appendString(dst, e.key)
		dst = append(dst, ':')
		dst = m.appendValue(dst, e.value)
	}
	clear((*m)[outer:]) // they refer to a batch
	*m = (*m)[:outer]
	return append(dst, '}')
}

func appendBytes(dst, raw []byte) []byte {
	dst = append(dst, `{"bytesValue":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, `"}`...)
}

func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
	if !bytes.ContainsAny(dst[start:], ".e") {
		dst = append(dst, ".0"...)
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendString writes raw as a JSON string that jsonb takes.
func appendString(dst, raw []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(raw); {
		c := raw[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(raw[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, raw[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == 0:
			dst = append(dst, `\\u0000`...)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, "\uFFFD"...)
		}
		i++
		start = i
	}
	dst = append(dst, raw[start:]...)
	return append(dst, '"')
}

// cleaned is raw as PostgreSQL takes it: raw itself where it can.
func cleaned(raw []byte) []byte {
	if utf8.Valid(raw) && bytes.IndexByte(raw, 0) < 0 {
		return raw
	}
	return schema.AppendText(nil, raw)
}
