package janitor

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestStatements pins the text of every statement: a change of it is seen in review.
func TestStatements(t *testing.T) {
	t.Parallel()
	s, err := newStatements()
	require.NoError(t, err)
	count, err := s.files.Render("segment_items", sqlfile.Table{Table: `"spans_segment_y2026_m11_d23"`})
	require.NoError(t, err)
	got := testbed.Statements(s) + testbed.Statements(struct{ segmentItems string }{count})
	const path = "testdata/statements.sql"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update")
	require.Equal(t, string(want), got)
}
