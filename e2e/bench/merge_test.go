package bench

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// The whole bench with next to no data: merging leaves fewer, larger segments of everything, and writers go on meanwhile.
func TestMergeMeasuresEveryShape(t *testing.T) {
	t.Parallel()
	o := mergeOptions{options: options{spans: 12_000, request: 500, hard: true, soon: 20 * time.Millisecond, bin: testbed.PostgresBin(t)}, quiet: 70}
	var out, progress bytes.Buffer
	require.NoError(t, inTempDir("ollymerge", false, nil, func(dir string) error { return merge(t.Context(), o, dir, &out, &progress) }), progress.String())
	keys := jsonLine(t, out.String(), "MERGE")
	number := func(path ...string) float64 {
		var at any = keys
		for _, key := range path {
			of, ok := at.(map[string]any)
			require.True(t, ok, path)
			at = of[key]
		}
		n, ok := at.(float64)
		require.True(t, ok, path)
		return n
	}
	cpu := 0.0 // of all: the kernel counts in ticks of 10 ms, and so little data of one kind may take none
	for _, s := range o.shapes() {
		cpu += number(s.key(), "level_0", "client_us_per_item")
		require.Less(t, number(s.key(), "level_2", "segments"), number(s.key(), "level_0", "segments"), s.key())
		require.Positive(t, number(s.key(), "level_2", "bytes_per_item"), s.key())
	}
	require.Positive(t, cpu)
	require.InDelta(t, 70, number("quiet_spans", "level_0", "segments"), 1)
	for _, when := range []string{"alone", "merging"} {
		require.Positive(t, number("writing", when, "flushes"))
		require.Positive(t, number("writing", when, "longest_ms"))
	}
	require.Equal(t, 12_000, int(number("writing", "merged_spans")))
}
