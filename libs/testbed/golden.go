package testbed

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Golden compares a text with the file at path, below the test's package. With OLLY_UPDATE_GOLDEN=1 it writes the file anew instead, so that the
// change is seen in review.
func Golden(t testing.TB, path, got string) {
	t.Helper()
	if os.Getenv("OLLY_UPDATE_GOLDEN") == "1" {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with OLLY_UPDATE_GOLDEN=1")
	require.Equal(t, string(want), got)
}
