package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReportEndsWithOneLineOfJSON(t *testing.T) {
	results := map[string][]cost{}
	for _, name := range cases() {
		for i := range 3 {
			results[name] = append(results[name], cost{
				items: 1000, client: time.Duration(i+1) * time.Millisecond, server: time.Millisecond, wall: time.Second, wal: 40_000, disk: 35_000,
			})
		}
	}
	var out bytes.Buffer
	require.NoError(t, report(&out, options{spans: 1000, rounds: 3}, results))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last, ok := strings.CutPrefix(lines[len(lines)-1], "BENCH ")
	require.True(t, ok, lines[len(lines)-1])
	var keys map[string]any
	require.NoError(t, json.Unmarshal([]byte(last), &keys))
	require.InDelta(t, 3.0, keys["path_us_per_span"], 0.001)
	require.InDelta(t, 1000, keys["spans_per_second"], 0.001)
	for _, name := range []string{"segments", "rows", "copy", "pdata_sink"} {
		require.Equal(t, map[string]any{
			"client_us_per_span": 2.0, "server_us_per_span": 1.0, "wal_bytes_per_span": 40.0, "disk_bytes_per_span": 35.0,
		}, keys[name], name)
	}
}

func TestCutKeepsEveryRow(t *testing.T) {
	head := append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)
	all := bytes.Clone(head)
	var want [][]byte
	for i := range 25 {
		row := binary.BigEndian.AppendUint16(nil, 2)
		row = append(row, 0xff, 0xff, 0xff, 0xff) // NULL
		row = binary.BigEndian.AppendUint32(row, uint32(i))
		row = append(row, make([]byte, i)...)
		want = append(want, row)
		all = append(all, row...)
	}
	all = append(all, 0xff, 0xff)
	streams, rows, err := cut(all, 10)
	require.NoError(t, err)
	require.Equal(t, 25, rows)
	require.Len(t, streams, 3)
	var got []byte
	for _, s := range streams {
		require.True(t, bytes.HasPrefix(s, head))
		require.True(t, bytes.HasSuffix(s, []byte{0xff, 0xff}))
		got = append(got, s[len(head):len(s)-2]...)
	}
	require.Equal(t, bytes.Join(want, nil), got)

	_, _, err = cut(all[:len(all)-2], 10)
	require.Error(t, err)
}
