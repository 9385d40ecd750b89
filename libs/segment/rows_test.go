package segment

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestAppendRows reads some rows of segments of random and of machine-made telemetry, and compares them with the same rows of all.
func TestAppendRows(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, signal telemetry.Signal, payload []byte, r random) {
		t.Helper()
		table := NewTable("acme", signal)
		_, err := table.Append(payload, 5)
		require.NoError(t, err)
		for _, s := range segments(t, table, 700, 1) {
			d, err := ParseDirectory(s.Directory)
			require.NoError(t, err)
			body := []Part{{Offset: 0, Bytes: s.Body}}
			all := NewTable("acme", signal)
			require.NoError(t, all.AppendSegment(d, body, WantAll()))
			some := NewTable("acme", signal)
			for _, percent := range []int{0, 1, 30, 100} {
				rows := []uint32{}
				for i := range s.Items {
					if r.chance(percent) {
						rows = append(rows, uint32(i))
					}
				}
				if percent == 1 {
					rows = append(rows[:0], uint32(r.IntN(s.Items)))
				}
				some.Reset()
				lent := []Part{{Offset: 0, Bytes: slices.Clone(s.Body)}}
				require.NoError(t, some.AppendRows(d, lent, WantAll(), rows))
				clear(lent[0].Bytes) // what was read does not lie there
				require.Equal(t, len(rows), some.N)
				want, ok := flatten(t, signal, all.OTLP(rows))
				require.True(t, ok)
				got, ok := flatten(t, signal, some.OTLP(nil))
				require.True(t, ok)
				require.Equal(t, want, got, "%d of %d rows", len(rows), s.Items)
				require.Equal(t, want, readWithIDsApart(t, signal, d, s.Body, rows), "%d of %d rows", len(rows), s.Items)
				for i, row := range rows {
					require.Equal(t, all.Ints[ColOrdinal][row], some.Ints[ColOrdinal][i])
				}
				if len(rows) == 0 {
					continue
				}
				// What was read can be appended to, and encoded.
				require.NoError(t, some.AppendRows(d, body, WantAll(), rows[:1]))
				_, err := some.Encode([]uint32{uint32(some.N - 1)}, 0)
				require.NoError(t, err)
			}
		}
	}
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			for seed := range testbed.Some(8) {
				r := newRandom(uint64(seed))
				check(t, signal, r.payload(t, signal, 40), r)
			}
		})
	}
	check(t, telemetry.Traces, demoTraces(t, 1, 3000, true), newRandom(1))
	check(t, telemetry.Logs, demoLogs(t, 1, 3000), newRandom(2))
	check(t, telemetry.Metrics, demoMetrics(t, 1, 1)[0], newRandom(3))
	for _, s := range someShapes(t, testbed.Share(), 1000, 1000) {
		check(t, s.signal, s.payloads[0], newRandom(4))
	}
}

// readWithIDsApart reads rows without the bytes of ids, and gives them those of their own ids alone.
func readWithIDsApart(t *testing.T, signal telemetry.Signal, d *Directory, body []byte, rows []uint32) []string {
	t.Helper()
	w := WantAll()
	w.IDPlaces = true
	var parts []Part
	left := len(body)
	for _, r := range d.Ranges(w) {
		parts = append(parts, Part{Offset: r.Offset, Bytes: body[r.Offset : r.Offset+r.Length]})
		left -= r.Length
	}
	require.GreaterOrEqual(t, left, d.IDBytes()-3*container.RangeGap)
	some := NewTable("acme", signal)
	require.NoError(t, some.AppendRows(d, parts, w, rows))
	giveIDs(t, some, body)
	got, ok := flatten(t, signal, some.OTLP(nil))
	require.True(t, ok)
	return got
}

// giveIDs gives the rows of a table that were read without them their ids, and no others.
func giveIDs(t testing.TB, table *Table, body []byte) {
	t.Helper()
	for row := range uint32(table.N) {
		var ids []Part
		for _, r := range table.IDRanges(nil, row) {
			ids = append(ids, Part{Offset: r.Offset, Bytes: body[r.Offset : r.Offset+r.Length]})
		}
		rest, err := table.SetIDs(row, ids)
		require.NoError(t, err)
		require.Empty(t, rest)
		if len(ids) > 0 {
			_, err = table.SetIDs(row, ids[1:])
			require.ErrorContains(t, err, "not those that were asked for")
		}
	}
}

// TestIDsThatAreNowhere: a directory may promise ids and have no bytes for them.
func TestIDsThatAreNowhere(t *testing.T) {
	t.Parallel()
	for _, id := range []uint8{container.SectionTraceIDs, container.SectionSpanIDs, container.SectionParentIDs} {
		c := container.Directory{Items: 1, Signal: telemetry.Traces, Sections: []container.Section{{ID: id, Count: 1}}}
		d, err := ParseDirectory(c.Append(nil))
		require.NoError(t, err)
		w := Want{TraceIDs: true, SpanIDs: true, ParentIDs: true, IDPlaces: true}
		err = NewTable("acme", telemetry.Traces).AppendRows(d, nil, w, []uint32{0})
		require.True(t, ErrDamaged.Matches(err))
	}
}

func TestAppendRowsOutOfOrder(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Logs)
	_, err := table.Append(demoLogs(t, 1, 20), 1)
	require.NoError(t, err)
	s := segments(t, table, 20, 0)[0]
	d, err := ParseDirectory(s.Directory)
	require.NoError(t, err)
	for _, rows := range [][]uint32{{1, 1}, {2, 1}, {20}} {
		require.ErrorContains(t, NewTable("acme", telemetry.Logs).AppendRows(d, []Part{{Offset: 0, Bytes: s.Body}}, WantAll(), rows), "out of order")
	}
}
