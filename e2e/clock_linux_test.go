package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A clock that jumps, for chosen processes. Programs read the time of day from code that the kernel maps into each of them, the vDSO; Go and C do alike.
// Nothing that is loaded before (LD_PRELOAD) reaches Go, and a time namespace moves only the clocks that count from boot. So a few instructions of that code
// are replaced in the process's own copy: the time of day is asked of the kernel, and an offset is added to it. Clocks that count from boot stay as they
// are, as when somebody sets a machine's clock: time.Since goes on, and dates jump.

var (
	// errNoClock is of a process whose program is just being loaded.
	errNoClock = errors.New("no vDSO")
	// errFixedClock is of a machine that does not let it: the kernel or a sandbox forbids writing to a process, or its vDSO is another.
	errFixedClock = errors.New("the clock of a process cannot be moved here")
)

// jump sets the clocks of processes so far from the machine's, in whole seconds. A process that is started later has the machine's clock, unless it is a child.
func jump(t *testing.T, offset time.Duration, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		var err error
		waitFor(t, 5*time.Second, fmt.Sprint("the kernel has made process ", pid), func() bool {
			err = setClock(pid, offset)
			return !errors.Is(err, errNoClock)
		})
		require.NoError(t, err, "clock of process %d", pid)
	}
}

// clocksMove tries once whether this machine lets a clock be moved: nil, or why it does not.
var clocksMove = sync.OnceValue(func() error {
	program, err := startTellingTime()
	if err != nil {
		return err
	}
	defer func() { _ = program.end() }()
	if _, _, err := program.tell(); err != nil { // it runs
		return err
	}
	if err := setClock(program.pid(), time.Hour); err != nil {
		return err
	}
	wall, _, err := program.tell()
	if moved := time.Until(wall); err == nil && (moved < time.Hour-time.Minute || moved > time.Hour+time.Minute) {
		return fmt.Errorf("a clock was set an hour ahead, and is %s", moved)
	}
	return err
})

// envTellTime has this test's own program tell the time instead of testing.
const envTellTime = "OLLY_E2E_TELL_TIME"

// tellingTime is a Go program that says what time it is.
type tellingTime struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

func startTellingTime() (*tellingTime, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &tellingTime{command: exec.Command(self, "-test.run=^TestAClockJumps$")} // no context: it ends with its input
	p.command.Env = append(os.Environ(), envTellTime+"=1")
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	return p, p.command.Start()
}

func (p *tellingTime) pid() int { return p.command.Process.Pid }

// tell is the program's time of day, and how long it has run by the clock that counts from boot.
func (p *tellingTime) tell() (wall time.Time, ran time.Duration, err error) {
	if _, err := fmt.Fprintln(p.in); err != nil {
		return wall, 0, err
	}
	if !p.out.Scan() {
		return wall, 0, errors.Join(p.out.Err(), io.ErrUnexpectedEOF)
	}
	var ns int64
	_, err = fmt.Sscan(p.out.Text(), &ns, &ran)
	return time.Unix(0, ns), ran, err
}

// end lets the program end, and says how it did.
func (p *tellingTime) end() error {
	_ = p.in.Close()
	for p.out.Scan() {
	}
	return p.command.Wait()
}

// The clock of a Go program jumps to and fro, and its clock that counts from boot does not. A machine that does not let a clock be moved says why.
func TestAClockJumps(t *testing.T) {
	t.Parallel()
	if os.Getenv(envTellTime) != "" {
		for start, lines := time.Now(), bufio.NewScanner(os.Stdin); lines.Scan(); {
			now := time.Now()
			_, _ = fmt.Fprintln(os.Stdout, now.UnixNano(), now.Sub(start).Nanoseconds())
		}
		return
	}
	err := clocksMove()
	if errors.Is(err, errFixedClock) {
		t.Log(err)
		return
	}
	require.NoError(t, err)
	program, err := startTellingTime()
	require.NoError(t, err)
	start := time.Now()
	for _, offset := range []time.Duration{0, time.Hour, -time.Hour, 48 * time.Hour, -48 * time.Hour, 0} {
		jump(t, offset, program.pid())
		wall, ran, err := program.tell()
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(offset), wall, time.Minute)
		require.Less(t, ran, time.Since(start)+time.Second)
	}
	require.NoError(t, program.end())
}

// Where no clock can be moved, the faults of clocks are left out, and it is said why; the others are as many as before.
func TestClockFaultsAreLeftOutWhereNoClockMoves(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	log := func(args ...any) { _, _ = fmt.Fprintln(&said, args...) }
	all := faults(nil, log)
	require.Empty(t, said.String())
	without := faults(fmt.Errorf("%w: permission denied", errFixedClock), log)
	require.Contains(t, said.String(), "permission denied")
	require.Len(t, all, len(without)+4)
	for _, f := range without {
		require.NotContains(t, f.name, "clock")
	}
}
