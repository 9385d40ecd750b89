package server_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// kill ends a process without a chance to tidy up.
func kill(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.Greater(t, n, 1)
	require.NoError(t, syscall.Kill(n, syscall.SIGKILL))
}

// A number of a process file may belong to another process by now, which may well speak of the directory: it is not a server on it, and
// is not sent a signal.
func TestAProcessThatOnlyNamesTheDirectoryIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(work(t), "postgres")
	cfg := server.Config{BinDir: testbed.PostgresBin(t), DataDir: dir, TakeOver: true}
	require.NoError(t, start(t, cfg).Stop(testbed.Context(t)))
	for name, args := range map[string][]string{
		"a backup":                      {"pg_basebackup", "-D", dir},
		"an editor":                     {"vi", dir + "/postgresql.conf"},
		"a script called after it":      {"postgres-archive", "-D", dir},
		"a server on a longer name":     {"/usr/lib/postgresql/bin/postgres", "-D", dir + "2"},
		"a server that reads from it":   {"postgres", "-D", "/nowhere", "-c", "hba_file=" + dir + "/pg_hba.conf"},
		"a directory that ends -D":      {"postgres", dir, "-D"},
		"a server on a directory in it": {"postgres", "-D", dir + "/base"},
	} {
		other := exec.CommandContext(t.Context(), "/bin/sh")
		other.Args = append([]string{args[0], "-c", "read x", "sh"}, args[1:]...)
		in, err := other.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, other.Start())
		file := fmt.Sprintf("%d\n%s\n1\n1\n", other.Process.Pid, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "postmaster.pid"), []byte(file), 0o600))
		_, found := server.Previous(dir)
		require.False(t, found, name)
		require.NoError(t, in.Close())
		require.Error(t, other.Wait(), "read meets the end of its input")
		require.True(t, other.ProcessState.Exited(), "%s was ended by %s", name, other.ProcessState)
	}
}
