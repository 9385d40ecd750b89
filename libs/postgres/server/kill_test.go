package server_test

import (
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// kill ends a process without a chance to tidy up.
func kill(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.Greater(t, n, 1)
	require.NoError(t, syscall.Kill(n, syscall.SIGKILL))
}
