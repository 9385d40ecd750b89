package segment

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// message builds protobuf by hand: field numbers and contents that pdata would not write.
func message(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

func field(number uint64, content []byte) []byte {
	b := otlp.AppendUvarint(nil, number<<3|otlp.Len)
	b = otlp.AppendUvarint(b, uint64(len(content)))
	return append(b, content...)
}

func number(n, v uint64) []byte {
	return otlp.AppendUvarint(otlp.AppendUvarint(nil, n<<3|otlp.Varint), v)
}

func seedSegments(tb testing.TB) []*Segment {
	tb.Helper()
	var out []*Segment
	for _, signal := range telemetry.Signals() {
		for seed := range uint64(4) {
			table := NewTable("acme", signal)
			for part, key := range [][]string{{""}, {""}, {"key-1"}, {"key-1", "", "key-2"}}[seed] {
				_, err := table.AppendFrom(newRandom(seed+10*uint64(part)).payload(tb, signal, 30), Origin{Position: 3, Ordinal: int64(1000 * part), Connection: key})
				require.NoError(tb, err)
			}
			out = append(out, segments(tb, table, 100, 1)...)
		}
	}
	return out
}

// longSegments have long texts, which are kept once and written in words; those of the last one in phrases.
func longSegments(tb testing.TB) (out []*Segment) {
	tb.Helper()
	for _, signal := range []telemetry.Signal{telemetry.Traces, telemetry.Logs} {
		table := NewTable("acme", signal)
		_, err := table.Append(shapesOf(tb, signal, 60, 15)["genai"][0], 3)
		require.NoError(tb, err)
		made := segments(tb, table, 100, 2)
		d, err := ParseDirectory(made[0].Directory)
		require.NoError(tb, err)
		require.True(tb, d.dir.Passages.Words)
		out = append(out, made...)
	}
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(shapesOf(tb, telemetry.Traces, 60, 60)["genai"][0], 3)
	require.NoError(tb, err)
	made := segments(tb, table, 100, 2)
	d, err := ParseDirectory(made[0].Directory)
	require.NoError(tb, err)
	require.True(tb, d.dir.Passages.Phrases)
	return append(out, made...)
}

// FuzzDecode reads damaged segments: never a panic, always the right class and code, and the table stays as it was.
func FuzzDecode(f *testing.F) {
	for _, s := range append(seedSegments(f), longSegments(f)...) {
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
	t.Parallel()
	for i, s := range append(seedSegments(t), longSegments(t)...) {
		r := newRandom(uint64(i))
		table := NewTable("acme", s.Signal)
		for at := range testbed.Some(len(s.Directory)) {
			for _, b := range []byte{0, s.Directory[at] ^ 1<<r.IntN(8), 0xff} {
				d := bytes.Clone(s.Directory)
				d[at] = b
				checkDamaged(t, table, d, s.Body)
			}
			checkDamaged(t, table, s.Directory[:at], s.Body)
		}
		for range testbed.Some(100) {
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
	t.Parallel()
	_, err := ParseDirectory([]byte{2, 0, 1})
	var fe *fault.Error
	require.ErrorAs(t, err, &fe)
	require.Equal(t, "segment.format", fe.Code)
	require.Contains(t, fe.Message, "version 2")
}
