package segment

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestMoreAttributesThanAnyoneSends: what is admitted can be read, whatever it is.
func TestMoreAttributesThanAnyoneSends(t *testing.T) {
	t.Parallel()
	record := bytes.Repeat(field(6, field(1, []byte("k"))), 70_000)
	checkAdmission(t, telemetry.Logs, field(1, field(2, field(2, record))))
}

// TestMoreEntriesThanASegmentTakes: rows that together hold more than a segment takes become several segments, and all of these can be read.
func TestMoreEntriesThanASegmentTakes(t *testing.T) {
	t.Parallel()
	one, two := field(6, nil), field(6, field(1, []byte("k")))
	record := bytes.Repeat(append(one, two...), 1050)
	point := field(8, field(2, bytes.Repeat([]byte{1}, 1<<20)))
	references := bytes.Repeat(field(3, nil), 1<<20)
	cases := []struct {
		name    string
		signal  telemetry.Signal
		payload []byte
		again   int
	}{
		{"buckets", telemetry.Metrics, field(1, field(2, field(2, field(10, field(1, point))))), 9},
		{"attributes", telemetry.Logs, field(1, field(2, bytes.Repeat(field(2, record), 400))), 10},
		{"references", telemetry.Logs, field(1, message(field(1, references), field(2, field(2, number(2, 9))))), 9},
	}
	for i := range testbed.Some(len(cases)) {
		c := cases[i]
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			table := NewTable("acme", c.signal)
			for i := range c.again {
				payload := c.payload
				if c.name == "references" { // resources that differ
					payload = field(1, message(field(1, append(number(2, uint64(i+1)), references...)), field(2, field(2, number(2, 9)))))
				}
				_, err := table.Append(payload, int64(i))
				require.NoError(t, err)
			}
			rows := make([]uint32, table.N)
			for i := range rows {
				rows[i] = uint32(i)
			}
			_, err := table.Encode(rows, 0)
			require.True(t, container.ErrEntries.Matches(err))
			list, err := table.AppendEncoded(nil, rows, 0)
			require.NoError(t, err)
			require.Len(t, list, 2)
			again := NewTable("acme", c.signal)
			for _, s := range list {
				read(t, again, s, WantAll())
			}
			require.Equal(t, table.N, again.N)
			require.True(t, bytes.Equal(table.OTLP(nil), again.OTLP(nil)))
		})
	}
}

// TestMergedItemsFillSegmentsByTheirText: a template takes a few bytes for any number of long strings. What they come to when they are read
// bounds a merged segment as it bounds one of a flush.
func TestMergedItemsFillSegmentsByTheirText(t *testing.T) {
	t.Parallel()
	merged, flush := NewTable("acme", telemetry.Logs), NewTable("acme", telemetry.Logs)
	const segmentsOf, items = 6, 20
	text := bytes.Repeat([]byte("x y "), MaxItemBytes/items/4)
	for f := range segmentsOf {
		flush.Reset()
		for i := range items {
			body := append(bytes.Clone(text), strconv.Itoa(1000+f*items+i)...)
			_, err := flush.Append(field(1, field(2, field(2, field(5, field(1, body))))), 1)
			require.NoError(t, err)
		}
		for _, s := range segments(t, flush, MaxItems, 0) {
			require.Less(t, len(s.Body), 1000)
			read(t, merged, s, WantAll())
		}
	}
	require.Equal(t, segmentsOf*items, merged.N)
	for _, rows := range merged.Slices(MaxItems) {
		require.LessOrEqual(t, len(rows)*len(text), 4*MaxItemBytes)
	}
}

// TestRecordsWithoutABodyAfterSomeWithOne: an encoder that is used again takes records of which none has a body, and adds no words of others to their filter.
func TestRecordsWithoutABodyAfterSomeWithOne(t *testing.T) {
	t.Parallel()
	log := func(record []byte) []byte { return field(1, field(2, field(2, record))) }
	var many []byte
	for i := range 50 {
		body := field(5, field(1, []byte("word"+strconv.Itoa(i))))
		many = append(many, field(2, body)...)
	}
	table := NewTable("acme", telemetry.Logs)
	for _, payload := range [][]byte{field(1, field(2, many)), log(field(6, field(1, []byte("k")))), log(number(2, 9))} {
		table.Reset()
		n, err := table.Append(payload, 1)
		require.NoError(t, err)
		rows := make([]uint32, n)
		for i := range rows {
			rows[i] = uint32(i)
		}
		got, err := table.Encode(rows, 0)
		require.NoError(t, err)
		fresh := NewTable("acme", telemetry.Logs)
		_, err = fresh.Append(payload, 1)
		require.NoError(t, err)
		want, err := fresh.Encode(rows, 0)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
