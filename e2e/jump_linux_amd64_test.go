package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// envTellTime has this test's own program tell the time instead of testing.
const envTellTime = "OLLY_E2E_TELL_TIME"

// The clock of a Go program jumps to and fro, and its clock that counts from boot does not.
func TestAClockJumps(t *testing.T) {
	t.Parallel()
	if os.Getenv(envTellTime) != "" {
		for start, lines := time.Now(), bufio.NewScanner(os.Stdin); lines.Scan(); {
			now := time.Now()
			_, _ = fmt.Fprintln(os.Stdout, now.UnixNano(), now.Sub(start).Nanoseconds())
		}
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	program := exec.CommandContext(t.Context(), self, "-test.run=^TestAClockJumps$")
	program.Env = append(os.Environ(), envTellTime+"=1")
	in, err := program.StdinPipe()
	require.NoError(t, err)
	out, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	lines := bufio.NewScanner(out)
	start := time.Now()
	for _, offset := range []time.Duration{0, time.Hour, -time.Hour, 48 * time.Hour, -48 * time.Hour, 0} {
		jump(t, offset, program.Process.Pid)
		_, err := fmt.Fprintln(in)
		require.NoError(t, err)
		require.True(t, lines.Scan())
		var wall, ran int64
		_, err = fmt.Sscan(lines.Text(), &wall, &ran)
		require.NoError(t, err, lines.Text())
		require.WithinDuration(t, time.Now().Add(offset), time.Unix(0, wall), time.Minute)
		require.Less(t, time.Duration(ran), time.Since(start)+time.Second)
	}
	require.NoError(t, in.Close())
	for lines.Scan() {
	}
	require.NoError(t, program.Wait())
}
