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

// A few seconds of load: every process is accounted for, everything is stored once, by both builds.
func TestSustainedAccountsForEveryProcessOfBothBuilds(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	require.NoError(t, err)
	o := sustainedOptions{rate: 500, length: 2 * time.Second}
	o.bin, o.request = testbed.PostgresBin(t), 50
	o.other = &revision{name: "itself", binary: self, query: []string{self, "query", "--"}, migrations: migrations}
	var out, progress bytes.Buffer
	require.NoError(t, inTempDir("ollysustained", false, nil, func(dir string) error { return sustainedIn(t.Context(), o, dir, &out, &progress) }), progress.String())
	line := jsonLine(t, out.String(), "SUSTAINED")
	require.InDelta(t, 1000, line["spans"], 0)
	for _, label := range []string{"", ofOther} {
		// A clock of 10 ms may not have moved for who had little to do.
		require.Contains(t, line, "janitor_us"+label)
		require.Contains(t, line, "query_us"+label)
		for _, name := range []string{"writer_us", "postgres_us", "wal_bytes", "tables_bytes", "live_bytes"} {
			require.Positive(t, line[name+label], name+label)
		}
		sum := 0.0
		for _, name := range []string{"ingest_us", "nats_us", "writer_us", "janitor_us", "query_us", "postgres_us"} {
			sum += line[name+label].(float64)
		}
		require.InDelta(t, sum, line["all_us"+label], 0.1)
		require.GreaterOrEqual(t, line["largest_over_live"+label], line["tables_over_live"+label])
	}
	require.Contains(t, out.String(), "| itself | now |")
}
