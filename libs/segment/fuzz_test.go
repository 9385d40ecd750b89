package segment

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The walker must accept what pdata accepts, refuse what it refuses, and what goes through a segment must come back as pdata reads it.
// Known differences:
//   - values nested deeper than maxNesting and items beyond MaxItemBytes are refused;
//   - unknown groups are skipped whole and must be whole (pdata ends them after their first field);
//   - a repeated number sent packed and unpacked in one message is joined, as protobuf demands (pdata drops the first part);
//   - the string table of profiles and the deprecated scope_spans, scope_logs and scope_metrics of field 1000 are not kept nor checked.
func fuzzSignal(f *testing.F, signal telemetry.Signal) {
	f.Helper()
	for seed := range uint64(12) {
		payload := newRandom(seed).payload(f, signal, 1+int(seed))
		f.Add(payload)
		f.Add(payload[:len(payload)*2/3])
	}
	for _, b := range oddPayloads(signal) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		want, ok := flatten(t, signal, payload)
		table := NewTable("acme", signal)
		n, err := table.Append(payload, 7)
		if err != nil {
			var fe *fault.Error
			require.ErrorAs(t, err, &fe)
			require.Equal(t, fault.Invalid, fe.Class)
			require.Equal(t, 0, table.N)
			if ok && !strings.HasSuffix(fe.Message, "damaged group") {
				require.Contains(t, []string{"otlp.too_deep", "otlp.item_too_large"}, fe.Code, "pdata accepts this")
			}
			return
		}
		if !ok {
			// Field 1000, length-delimited, or a group.
			require.True(t, table.walk.odd || bytes.Contains(payload, []byte{0xc2, 0x3e}), "pdata refuses this")
			return
		}
		require.Len(t, want, n)
		if n == 0 || table.walk.odd {
			return
		}
		checkRoundTrip(t, signal, payload, want)
	})
}

func FuzzSpans(f *testing.F)  { fuzzSignal(f, telemetry.Traces) }
func FuzzLogs(f *testing.F)   { fuzzSignal(f, telemetry.Logs) }
func FuzzPoints(f *testing.F) { fuzzSignal(f, telemetry.Metrics) }

// message builds protobuf by hand: field numbers and contents that pdata would not write.
func message(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

func field(number uint64, content []byte) []byte {
	b := appendUvarint(nil, number<<3|wireLen)
	b = appendUvarint(b, uint64(len(content)))
	return append(b, content...)
}

func number(n, v uint64) []byte {
	return appendUvarint(appendUvarint(nil, n<<3|wireVarint), v)
}

// oddPayloads are legal but unusual: fields out of order, repeated messages that must be merged, unknown fields, groups.
func oddPayloads(signal telemetry.Signal) [][]byte {
	str := func(s string) []byte { return field(1, []byte(s)) }
	kv := func(k string, v []byte) []byte { return message(field(1, []byte(k)), field(2, v)) }
	group := message(appendUvarint(nil, 77<<3|wireGroup), number(1, 5), appendUvarint(nil, 78<<3|wireGroup),
		appendUvarint(nil, 78<<3|wireEnd), appendUvarint(nil, 77<<3|wireEnd))
	resource1 := field(1, field(1, kv("service.name", str("a"))))
	resource2 := field(1, message(field(1, kv("k", str("b"))), number(2, 9)))
	scope1, scope2 := field(1, field(1, []byte("n"))), field(1, field(2, []byte("v")))
	wrap := func(item []byte) []byte {
		// Items first, then scope and resource, both in two pieces.
		return field(1, message(field(2, message(field(2, item), scope1, field(3, []byte("s")), scope2)), resource1, group, resource2,
			field(3, []byte("r"))))
	}
	var item []byte
	switch signal {
	case telemetry.Traces:
		item = message(
			field(9, kv("dup", str("1"))), field(9, kv("dup", number(3, 1<<63))), field(9, nil),
			field(11, field(3, kv("e", field(5, message(field(1, str("x")), field(1, nil)))))), field(9, field(1, []byte("key only"))),
			field(9, message(field(2, str("value first")), field(1, []byte("later key")))), field(9, kv("two", message(number(3, 5), str("last")))),
			field(15, number(3, 1)), field(15, field(2, []byte("m"))), group, number(500, 3), field(5, []byte("a")), field(5, []byte("b")),
			number(6, 1<<40|3), field(1, nil), field(2, bytes.Repeat([]byte{1}, 8)))
	case telemetry.Logs:
		item = message(field(5, str("a")), field(5, field(6, field(1, kv("k", str("b"))))), group, field(6, nil), number(2, 9), number(2, 17))
	case telemetry.Metrics:
		point := message(field(7, kv("k", str("b"))), []byte{4<<3 | wireI64, 1, 0, 0, 0, 0, 0, 0, 0}, []byte{6<<3 | wireI64, 2, 0, 0, 0, 0, 0, 0, 0})
		item = message(field(12, kv("m", str("n"))), field(5, field(1, point)), field(7, message(field(1, point), number(3, 1), field(1, point), number(2, 2))),
			field(1, []byte("late name")), group)
	}
	deep := str("bottom")
	for range maxNesting + 3 {
		deep = field(5, field(1, deep))
	}
	return [][]byte{nil, wrap(item), message(wrap(item), wrap(nil)), field(1, field(1, field(1, kv("deep", deep)))), {0x0a}, {0}, {0x0c}, group}
}

func seedSegments(tb testing.TB) []*Segment {
	tb.Helper()
	var out []*Segment
	for _, signal := range telemetry.Signals() {
		for seed := range uint64(4) {
			table := NewTable("acme", signal)
			_, err := table.Append(newRandom(seed).payload(tb, signal, 30), 3)
			require.NoError(tb, err)
			out = append(out, segments(tb, table, 100, 1)...)
		}
	}
	return out
}

// FuzzDecode reads damaged segments: never a panic, always the right class and code, and the table stays as it was.
func FuzzDecode(f *testing.F) {
	for _, s := range seedSegments(f) {
		f.Add(uint8(s.Signal), s.Directory, s.Body)
	}
	f.Fuzz(func(t *testing.T, signal uint8, directory, body []byte) {
		checkDamaged(t, NewTable("acme", telemetry.Signal(signal%3)), directory, body)
	})
}

func checkDamaged(t *testing.T, table *Table, directory, body []byte) {
	t.Helper()
	before := table.N
	values, keys := len(table.Values), len(table.Keys)
	d, err := ParseDirectory(directory)
	if err == nil {
		for _, w := range []Want{WantAll(), {ParentIDs: true, Events: true, AllAttrs: true}, {Ints: []Column{ColNumber, ColStartTime, ColMax}, Lists: true}} {
			if w.All || before == 0 {
				for _, r := range d.Ranges(w) {
					if r.Offset < 0 || r.Length < 0 || r.Offset+r.Length > len(body) {
						err = damagedf("body too short")
					}
				}
				if e := table.AppendSegment(d, []Part{{Offset: 0, Bytes: body}}, w); e != nil {
					err = e
				} else {
					require.Equal(t, before+d.dir.Items, table.N)
					if w.All {
						// Whatever was accepted can be written again.
						table.OTLP(nil)
						for _, rows := range table.Slices(0) {
							_, err := table.Encode(rows, 0)
							require.NoError(t, err)
						}
					}
					table.Reset()
					before, values, keys = 0, len(table.Values), len(table.Keys)
				}
			}
		}
	}
	if err != nil {
		var fe *fault.Error
		require.ErrorAs(t, err, &fe)
		require.Equal(t, fault.Internal, fe.Class)
		require.Contains(t, []string{"segment.damaged", "segment.format", "segment.signal", "segment.extension"}, fe.Code)
		require.Equal(t, before, table.N)
		require.Len(t, table.Values, values)
		require.Len(t, table.Keys, keys)
	}
}

// TestDamaged flips, cuts and overwrites bytes of real segments.
func TestDamaged(t *testing.T) {
	for i, s := range seedSegments(t) {
		r := newRandom(uint64(i))
		table := NewTable("acme", s.Signal)
		for at := range s.Directory {
			for _, b := range []byte{0, s.Directory[at] ^ 1<<r.IntN(8), 0xff} {
				d := bytes.Clone(s.Directory)
				d[at] = b
				checkDamaged(t, table, d, s.Body)
			}
			checkDamaged(t, table, s.Directory[:at], s.Body)
		}
		for range 100 {
			b := bytes.Clone(s.Body)
			at := r.IntN(len(b))
			b[at] = byte(r.Uint32())
			if r.chance(30) {
				b = b[:at]
			}
			checkDamaged(t, table, s.Directory, b)
		}
		require.NoError(t, s.Verify())
		s.Body[len(s.Body)/2] ^= 4
		require.ErrorContains(t, s.Verify(), "checksum")
	}
}

func TestUnknownFormatVersion(t *testing.T) {
	_, err := ParseDirectory([]byte{2, 0, 1})
	var fe *fault.Error
	require.ErrorAs(t, err, &fe)
	require.Equal(t, "segment.format", fe.Code)
	require.Contains(t, fe.Message, "version 2")
}
