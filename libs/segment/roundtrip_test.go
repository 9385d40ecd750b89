package segment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// hourOf is when the UTC hour of a time began.
func hourOf(at int64) int64 { return time.Unix(0, at).UTC().Truncate(time.Hour).UnixNano() }

// segments encodes everything in a table.
func segments(t testing.TB, table *Table, maxItems, level int) []*Segment {
	t.Helper()
	var out []*Segment
	for _, rows := range table.Slices(maxItems) {
		s, err := table.Encode(rows, level)
		require.NoError(t, err)
		require.NoError(t, s.Verify())
		require.Equal(t, hourOf(s.MinTime), hourOf(s.MaxTime))
		out = append(out, s)
	}
	return out
}

// read decodes a segment into a table, fetching only the ranges that want needs.
func read(t testing.TB, table *Table, s *Segment, want Want) {
	t.Helper()
	d, err := ParseDirectory(s.Directory)
	require.NoError(t, err)
	require.NoError(t, table.AppendSegment(d, parts(d, s, want), want))
}

func parts(d *Directory, s *Segment, want Want) []Part {
	var out []Part
	for _, r := range d.Ranges(want) {
		out = append(out, Part{Offset: r.Offset, Bytes: s.Body[r.Offset : r.Offset+r.Length : r.Offset+r.Length]})
	}
	return out
}

// checkRoundTrip sends a payload through everything and compares it with what pdata reads in it.
func checkRoundTrip(t testing.TB, signal telemetry.Signal, payload []byte, want []string) {
	t.Helper()
	table := NewTable("acme", signal)
	n, err := table.Append(payload, 42)
	require.NoError(t, err)
	require.Len(t, want, n)
	got, ok := flatten(t, signal, table.OTLP(nil))
	require.True(t, ok)
	require.Equal(t, want, got, "walker and writer")

	all := NewTable("acme", signal)
	for _, s := range segments(t, table, 64, 1) {
		one := NewTable("acme", signal)
		read(t, one, s, WantAll())
		read(t, all, s, WantAll())
		require.Equal(t, s.Items, one.N)
	}
	got, ok = flatten(t, signal, all.OTLP(nil))
	require.True(t, ok)
	require.Equal(t, want, got, "segments")

	// Merged and encoded again.
	merged := NewTable("acme", signal)
	for _, s := range segments(t, all, MaxItems, 2) {
		read(t, merged, s, WantAll())
	}
	got, ok = flatten(t, signal, merged.OTLP(nil))
	require.True(t, ok)
	require.Equal(t, want, got, "merged segments")
}

func TestRandomRoundTrip(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			for seed := range testbed.Some(60) {
				payload := newRandom(uint64(seed)).payload(t, signal, 1+seed*5)
				want, ok := flatten(t, signal, payload)
				require.True(t, ok)
				checkRoundTrip(t, signal, payload, want)
			}
		})
	}
}
