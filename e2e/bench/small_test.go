package bench

import (
	"bytes"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// The whole bench of small requests with next to no data, beside this build's processes once more as those of another revision.
func TestSmallMeasuresEveryCase(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	require.NoError(t, err)
	o := smallOptions{requests: 40, spans: []int{1, 10}, senders: []int{1, 8}}
	o.options = options{rounds: 1, soon: 20 * time.Millisecond, bin: testbed.PostgresBin(t), other: &revision{name: "itself", binary: self, migrations: migrations}}
	var out, progress bytes.Buffer
	err = inTempDir("ollysmall", false, nil, func(dir string) error { return small(t.Context(), o, dir, &out, &progress) })
	require.NoError(t, err, progress.String())
	found := jsonLine(t, out.String(), "SMALL")
	for _, name := range []string{"1_spans_1_senders", "1_spans_8_senders", "10_spans_1_senders", "10_spans_8_senders"} {
		for _, label := range []string{"", ofOther} {
			figures, ok := found[name+label].(map[string]any)
			require.True(t, ok, name+label)
			require.Positive(t, figures["requests_per_second"], name+label)
			require.Positive(t, figures["p50_ms"], name+label)
			require.GreaterOrEqual(t, figures["p99_ms"], figures["p50_ms"], name+label)
			require.GreaterOrEqual(t, figures["requests_a_message"], 1.0, name+label)
		}
		for _, floor := range []string{natsAlone, httpAlone} {
			alone, ok := found[name+floor].(map[string]any)
			require.True(t, ok, name+floor)
			require.Positive(t, alone["p50_ms"], name+floor)
		}
		require.InDelta(t, 1, found["1_spans_1_senders"].(map[string]any)["requests_a_message"], 0.001, "a lone sender's are messages of their own")
	}
}
