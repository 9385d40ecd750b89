package testbed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	require.Equal(t, "from line 2\n- b\n+ B\n+ C\n", difference("a\nb\nd\n", "a\nB\nC\nd\n"))
	require.Equal(t, "from line 2\n+ a\n", difference("a\n", "a\na\n"), "a line that is there twice")
	require.Equal(t, "from line 1\n- a\n+ \n", difference("a", ""))
	long := difference("", strings.Repeat("x\n", 100))
	require.Equal(t, mostDiffering+2, strings.Count(long, "\n"))
	require.Contains(t, long, "+ and 80 lines more")
}
