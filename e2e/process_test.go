package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is one program under test.
type process struct {
	t           *testing.T
	name        string
	path        string
	args        []string
	environment []string
	log         string

	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// start runs a program until it is killed, stopped, or the test ends. When the test fails, the end of its log is shown.
func (s *stack) start(name, path string, environment []string, args ...string) *process {
	s.t.Helper()
	file, err := os.CreateTemp(s.dir, name+"-*.log")
	require.NoError(s.t, err)
	require.NoError(s.t, file.Close())
	p := &process{t: s.t, name: name, path: path, args: args, environment: environment, log: file.Name()}
	p.run()
	s.t.Cleanup(func() {
		p.stop()
		if s.t.Failed() {
			s.t.Logf("the end of %s:\n%s", p.log, p.tail())
		}
	})
	return p
}

func (p *process) run() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(p.t, err)
	p.cmd = exec.Command(p.path, p.args...) // no context: it is stopped by signal
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, p.environment...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = processAttributes()
	require.NoError(p.t, p.cmd.Start(), p.name)
	_ = log.Close() // the program has its own descriptor
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		p.err = cmd.Wait()
		close(done)
	}()
}

// kill ends the program as a power cut would.
func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill(), p.name)
	<-p.done
}

// stop asks the program to end and waits for it; a program that does not end in 30 s is killed and fails the test.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended in between
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.t.Errorf("%s did not end within 30 s of SIGTERM", p.name)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// wait returns how the program ended by itself.
func (p *process) wait(limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.err
	case <-timer.C:
		return fmt.Errorf("%s still runs after %s", p.name, limit)
	}
}

func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
