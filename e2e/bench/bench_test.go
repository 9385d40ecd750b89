package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// TestMain is also the bench's processes, which it starts out of its own binary.
func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	code, ok := child(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if !ok {
		code = testbed.Main(m)
	}
	os.Exit(code)
}

// jsonLine is what follows a word on the last line.
func jsonLine(t *testing.T, out, word string) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last, ok := strings.CutPrefix(lines[len(lines)-1], word+" ")
	require.True(t, ok, lines[len(lines)-1])
	var keys map[string]any
	require.NoError(t, json.Unmarshal([]byte(last), &keys))
	return keys
}

func TestReportEndsWithOneLineOfJSON(t *testing.T) {
	found := results{}
	for _, name := range caseNames() {
		for i := range 3 {
			found[name] = append(found[name], cost{
				items: 1000, client: time.Duration(i+1) * time.Millisecond, server: time.Millisecond, wall: time.Second, wal: 40_000, disk: 35_000,
			})
		}
	}
	var out bytes.Buffer
	require.NoError(t, report(&out, options{spans: 1000, rounds: 3}, "", found))
	keys := jsonLine(t, out.String(), "BENCH")
	require.InDelta(t, 3.0, keys["path_us_per_span"], 0.001)
	require.InDelta(t, 1000, keys["spans_per_second"], 0.001)
	for _, name := range []string{"segments", "rows", "copy", "pdata_sink"} {
		of, ok := keys[name].(map[string]any)
		require.True(t, ok, name)
		for key, want := range map[string]float64{
			"client_us_per_span": 2, "server_us_per_span": 1, "wal_bytes_per_span": 40, "disk_bytes_per_span": 35,
		} {
			require.InDelta(t, want, of[key], 0.001, name)
		}
	}
}

// The whole bench with next to no data: it says something about every case, and the other revision's processes, here this build's once
// more, do the same work.
func TestBenchMeasuresEveryCase(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	require.NoError(t, err)
	o := options{
		spans: 2000, rounds: 1, request: 100, hard: true, soon: 20 * time.Millisecond, bin: testbed.PostgresBin(t),
		other: &revision{name: "itself", binary: self, migrations: migrations},
	}
	var out, progress bytes.Buffer
	err = inTempDir("ollybench", false, nil, func(dir string) error { return run(t.Context(), o, dir, &out, &progress) })
	require.NoError(t, err, progress.String())
	keys := jsonLine(t, out.String(), "BENCH")
	cpu := 0.0 // of all: the kernel counts some of it in ticks of 10 ms, and one case of so little data may take none
	for _, name := range caseNames() {
		of, ok := keys[name].(map[string]any)
		require.True(t, ok, name)
		all, ok := of["all_us_per_span"].(float64)
		require.True(t, ok, name)
		if name == "rows" || name == "rows_alone" {
			continue // reckoned from the CPU of others, which may be nothing or less
		}
		cpu += all
		require.Positive(t, of["spans_per_second"], name)
	}
	require.Positive(t, cpu)
	require.Contains(t, keys, "path_us_per_span")
	for _, ratios := range []string{"ratios", "against_ratios"} {
		require.NotEmpty(t, keys[ratios])
	}
	require.Contains(t, out.String(), "AGAINST itself")
	require.Contains(t, out.String(), " services, ")
}

func TestARevisionThatIsNoneIsSaidSo(t *testing.T) {
	_, err := buildRevision(t.Context(), "no-such-revision", t.TempDir())
	require.ErrorContains(t, err, "-against no-such-revision names no commit")
}

func TestSteadyIsTheRateOfTheMiddle(t *testing.T) {
	began := time.Now()
	at := func(seconds float64, settled uint64) sight {
		return sight{began.Add(time.Duration(seconds * float64(time.Second))), settled}
	}
	// A slow start, 20 messages a second, and a last one that took its time.
	seen := []sight{at(0, 100), at(3, 110), at(4, 130), at(5, 150), at(6, 170), at(7, 190), at(20, 200)}
	require.InDelta(t, 20_000, steady(seen, 100_000), 0.001)
	require.Zero(t, steady(nil, 10))
	require.Zero(t, steady([]sight{at(0, 5), at(1, 6)}, 10))
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

func TestRatesCompareOnlyBesideTheSameNeighbours(t *testing.T) {
	of := func(others time.Duration) []cost { return []cost{{items: 1, wall: time.Second, others: others}} }
	r := results{"segments": of(900 * time.Millisecond), "segments_and_rows": of(0), "path": of(800 * time.Millisecond)}
	require.Contains(t, r.verdict(ratio{key: "x_rate", needs: []string{"segments", "rows_alone"}}), "no verdict: others took 0.90 and 0.00 cores")
	require.Contains(t, r.verdict(ratio{key: "x_rate", needs: []string{"segments", "path"}, value: 4, goal: 3.5, atLeast: true}), "goal >= 3.5: met")
	require.Contains(t, r.verdict(ratio{key: "x_cpu", needs: []string{"segments", "segments_and_rows"}, value: 4, goal: 3}), "missed")
}
