package ids

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// made is n rows of some traces: some without ids, some with a parent of their own trace, of another, or of none in the segment.
func made(n, traces, seed int) *Columns {
	r := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
	c := &Columns{Traces: make([][16]byte, n), Spans: make([][8]byte, n), Parents: make([][8]byte, n)}
	for i := range n {
		if r.IntN(9) > 0 {
			binary.BigEndian.PutUint64(c.Traces[i][4:], uint64(r.IntN(traces)))
		}
		if r.IntN(9) > 0 {
			binary.LittleEndian.PutUint64(c.Spans[i][:], uint64(i+1-r.IntN(2)))
		}
		switch r.IntN(4) {
		case 0:
			c.Parents[i] = c.Spans[r.IntN(n)]
		case 1:
			binary.LittleEndian.PutUint64(c.Parents[i][:], r.Uint64())
		}
	}
	return c
}

// written is the segment of the rows' ids alone.
func written(t *testing.T, c *Columns, rows []uint32) (d *container.Directory, body []byte, traces int) {
	t.Helper()
	var w container.Writer
	require.NoError(t, w.Begin(telemetry.Traces, len(rows), 1))
	e := NewEncoder(integers.NewEncoder())
	var to streams.Sink
	add := func(id uint8, count int, some bool) {
		if some {
			w.Add(container.Section{ID: id, Count: count}, [container.NumStreams][]byte{to.Code, to.Plain, to.Text}, nil)
		}
		to.Reset()
	}
	n, some := e.Traces(&to, c.Traces, rows)
	add(container.SectionTraceIDs, n, some)
	e.EachTrace(func(id [16]byte) {
		require.NotZero(t, id)
		traces++
	})
	n, some = e.Spans(&to, c.Spans, rows)
	add(container.SectionSpanIDs, n, some)
	n, some = e.Parents(&to, c.Parents, rows)
	add(container.SectionParentIDs, n, some)
	directory, body, err := w.Finish()
	require.NoError(t, err)
	d = &container.Directory{}
	require.NoError(t, d.Parse(directory, container.FormatVersion))
	return d, body, traces
}

func empty(n int) *Columns {
	return &Columns{Traces: make([][16]byte, n), Spans: make([][8]byte, n), Parents: make([][8]byte, n)}
}

// TestItems: what is read, in whichever way, is what was written.
func TestItems(t *testing.T) {
	t.Parallel()
	for i, c := range []*Columns{
		made(1, 1, 1), made(2, 1, 2), made(40, 1, 3), made(300, 7, 4), made(300, 300, 5), made(1000, 20, 6),
		empty(5),
		{Traces: make([][16]byte, 3), Spans: [][8]byte{{1}, {2}, {3}}, Parents: [][8]byte{{}, {1}, {2}}}, // no row has a trace
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			var rows []uint32 // every other row, the last first
			for r := len(c.Spans) - 1; r >= 0; r -= 2 {
				rows = append(rows, uint32(r))
			}
			d, body, traces := written(t, c, rows)
			distinct := map[[16]byte]bool{{}: true}
			want := empty(len(rows))
			for i, r := range rows {
				want.Traces[i], want.Spans[i], want.Parents[i] = c.Traces[r], c.Spans[r], c.Parents[r]
				distinct[c.Traces[r]] = true
			}
			require.Len(t, distinct, traces+1)

			var memory arena.Arena
			in, err := container.NewReader(&memory)
			require.NoError(t, err)
			in.Open(d, []container.Part{{Bytes: body}})
			x := NewReader(in, integers.NewDecoder())
			x.Open(d)
			got := empty(len(rows))
			require.NoError(t, x.Items(got, nil, nil))
			require.Equal(t, want, got)

			for _, step := range []int{1, 3, 50} {
				var pick []uint32
				for r := step - 1; r < len(rows); r += step {
					pick = append(pick, uint32(r))
				}
				if len(pick) == 0 {
					pick = []uint32{0}
				}
				picked := empty(len(pick))
				for i, r := range pick {
					picked.Traces[i], picked.Spans[i], picked.Parents[i] = want.Traces[r], want.Spans[r], want.Parents[r]
				}
				got := empty(len(pick))
				require.NoError(t, x.Items(got, pick, nil))
				require.Equal(t, picked, got)
				alone := &Columns{Spans: make([][8]byte, len(pick))}
				require.NoError(t, x.Items(alone, pick, nil))
				require.Equal(t, picked.Spans, alone.Spans)

				// Where they lie, and then what lies there.
				var places Places
				got = empty(len(pick))
				require.NoError(t, x.Items(got, pick, &places))
				require.Equal(t, empty(len(pick)), got, "no id is read")
				for i := range pick {
					var parts []container.Part
					for _, r := range places.Ranges(nil, uint32(i), got) {
						parts = append(parts, container.Part{Offset: r.Offset, Bytes: body[r.Offset : r.Offset+r.Length]})
					}
					if len(parts) > 0 {
						_, ok := places.Set(uint32(i), got, parts[1:])
						require.False(t, ok, "the bytes of another id")
					}
					rest, ok := places.Set(uint32(i), got, append(parts, container.Part{Offset: -5}))
					require.True(t, ok)
					require.Len(t, rest, 1)
				}
				require.Equal(t, picked, got)
				parents := &Columns{Parents: make([][8]byte, len(pick))}
				places.Truncate(0)
				require.NoError(t, x.Items(parents, pick, &places))
				for i := range pick {
					require.LessOrEqual(t, len(places.Ranges(nil, uint32(i), parents)), 1, "only what is wanted has places")
				}
			}
		})
	}
}
