package columns

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestASetHasEachColumnOnceAndPointsByTheirSeries(t *testing.T) {
	t.Parallel()
	identity := []segment.Column{segment.ColTime, segment.ColPosition, segment.ColOrdinal}
	spans, points := NewSet(telemetry.Traces), NewSet(telemetry.Metrics)
	for range 2 {
		for _, s := range []*Set{spans, points} {
			s.Int(segment.ColTime)
			s.Attribute("a")
			s.Resource()
			s.Scope()
		}
		spans.Text(segment.TextName)
	}
	require.Equal(t, segment.Want{
		Ints: append(identity, segment.ColResource, segment.ColScope), Texts: []segment.TextColumn{segment.TextName}, Attributes: []string{"a"},
	}, spans.Want)
	require.Equal(t, segment.Want{Ints: append(identity[:3:3], segment.ColSeries)}, points.Want)
}

// encoded is a sample of a signal as one segment.
func encoded(t *testing.T, signal telemetry.Signal) (*segment.Segment, *segment.Directory) {
	t.Helper()
	table := segment.NewTable("default", signal)
	_, err := table.Append(testbed.Sample(signal, time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)), 7)
	require.NoError(t, err)
	slices := table.Slices(segment.MaxItems)
	require.Len(t, slices, 1)
	s, err := table.Encode(slices[0], 0)
	require.NoError(t, err)
	d, err := segment.ParseDirectory(s.Directory)
	require.NoError(t, err)
	return s, d
}

// open begins with a sample, all of it at hand.
func open(t *testing.T, r *Reader, signal telemetry.Signal) {
	t.Helper()
	s, d := encoded(t, signal)
	var parts []segment.Part
	for _, p := range d.Ranges(segment.WantAll()) {
		parts = append(parts, segment.Part{Offset: p.Offset, Bytes: s.Body[p.Offset : p.Offset+p.Length]})
	}
	r.Open(d, segment.WantAll(), parts)
}

// TestAReaderGoesFromSegmentToSegment: what one needed is gone when the next is open, and lent memory comes clean.
func TestAReaderGoesFromSegmentToSegment(t *testing.T) {
	t.Parallel()
	var readers Readers
	r, err := readers.Take("default")
	require.NoError(t, err)
	defer readers.Put(r)
	for range 2 {
		for _, signal := range []telemetry.Signal{telemetry.Metrics, telemetry.Traces, telemetry.Logs} {
			open(t, r, signal)
			require.True(t, r.AtHand.All)
			n := r.Len()
			require.Positive(t, n)

			all := r.Dictionaries()
			require.Same(t, all, r.Dictionaries())
			require.Equal(t, signal, all.Signal)
			if signal == telemetry.Metrics {
				require.Len(t, all.Ints[segment.ColSeries], n)
				require.NotEmpty(t, all.Series)
			} else {
				require.Len(t, all.Ints[segment.ColScope], n)
				require.NotEmpty(t, all.Scopes)
			}

			first := r.Borrow()
			require.Len(t, first, n)
			first[n-1] = true
			second := r.Borrow()
			require.Equal(t, make([]bool, n), second)
			require.Equal(t, []uint32{uint32(n - 1)}, r.Marked(first))
			second[0] = true
			r.GiveBack()
			require.Equal(t, make([]bool, n), r.Borrow(), "what was borrowed before is clean")
			r.GiveBack()
			r.GiveBack()

			require.NoError(t, r.Rows(segment.WantAll(), []uint32{uint32(n - 1)}, func(one *segment.Table) {
				require.Equal(t, signal, one.Signal)
				require.Len(t, one.Ints[segment.ColTime], 1)
				require.Equal(t, r.Ints(segment.ColTime)[n-1], one.Ints[segment.ColTime][0])
			}))
			require.NoError(t, r.Err())
		}
	}
}

func TestADamagedPartIsAnError(t *testing.T) {
	t.Parallel()
	var readers Readers
	r, err := readers.Take("default")
	require.NoError(t, err)
	open(t, r, telemetry.Logs)
	require.NoError(t, r.Err())
	_, d := encoded(t, telemetry.Logs)
	r.Open(d, segment.WantAll(), nil)
	r.Dictionaries()
	require.Error(t, r.Err(), "its bytes are not at hand")
}
