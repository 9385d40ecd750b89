package commands

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// Each command has its help and its place in the page.
func TestEveryCommandHasItsHelpAndItsPlaceInThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(testbed.Root(t), "docs", "configuration.md"))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, c := range All(io.Discard) {
		require.False(t, names[c.Name], c.Name)
		names[c.Name] = true
		var out, complaint bytes.Buffer
		require.Equal(t, 0, c.Program(t.Context(), []string{"--help"}, &out, &complaint), complaint.String())
		require.True(t, strings.HasPrefix(out.String(), "Usage: ollyscale"), out.String())
		require.Contains(t, string(page), "\n## ollyscale "+c.Name+"\n")
	}
	require.Len(t, names, 7)
	require.True(t, names[Default])
}
